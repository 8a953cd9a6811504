// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake.c - a module made of nothing, so that shadowadm can be tested as it is
 * without the kernel's part.
 *
 * It takes the place of lib/device.c and lib/probe.c.  Volumes and shadows are kept in
 * the file $FAKE_STATE from one run of the program to the next.  The machine that the
 * program sees is the one recorded in $FAKE_SYSROOT; what is on its devices is in the file
 * tags ("MAJOR:MINOR UUID PARTUUID TYPE", "-" for nothing), and how much room its
 * filesystems have in the file space ("MOUNTPOINT MIB FREE-MIB").
 *
 *	FAKE_OPEN=ERRNO		opening the control device fails
 *	FAKE_FAIL="CMD ERRNO PHASE REASON MAJOR MINOR"
 *				the command of that number (hexadecimal) fails
 *	FAKE_ABI=N		version of the interface
 *	FAKE_BUSY=INDEX[:TIMES]	the shadow of that index is in use, so many times
 *	FAKE_FAULT=FAULT	setting a policy makes writes fail for that reason
 *	FAKE_NO_ROOM=PART	that part of a store cannot be cleared out
 *	FAKE_SLOW=1		changing the size of a part takes until a signal comes
 *	FAKE_LOST=REASON	shadows are lost for that reason
 *	FAKE_CHANGED=COUNT	so many shadows of a store that is attached are lost
 *	FAKE_DROPPED=COUNT	so many were in it that are gone
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../lib/private.h"
#include "fake.h"

#define VOLUMES_MAX 64
#define SHADOWS_MAX 64
#define PARTS_MAX 64
#define IMAGE_MAJOR 259

struct state {
	uint32_t volume_count, shadow_count, part_count, durable_count, next_uuid;
	struct shadow_volume_info volumes[VOLUMES_MAX];
	struct shadow_shadow_info shadows[SHADOWS_MAX];
	struct shadow_store_info parts[PARTS_MAX];
	struct shadow_shadow_info durable[SHADOWS_MAX];	/* detached */
};

static struct state state;

/* The set in the making: one at a time is enough. */
static struct {
	struct shadow_set_step step;
	struct shadow_set_new new;
	struct shadow_set_add adds[SHADOW_MAX_FREEZE];
	size_t count;
	struct shadow_store_info parts[PARTS_MAX];	/* of stores that are made for it */
	uint32_t part_count;
} making;

static uint32_t number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : 0;
}

static void transfer(bool store)
{
	const char *path = getenv("FAKE_STATE");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	ssize_t rc;

	if (fd < 0)
		return;
	rc = store ? write(fd, &state, sizeof(state)) : read(fd, &state, sizeof(state));
	if (rc < 0)
		perror("fake");
	close(fd);
}

static void make_uuid(struct shadow_uuid *uuid, uint8_t kind)
{
	memset(uuid, 0, sizeof(*uuid));
	uuid->b[0] = kind;
	uuid->b[1] = ++state.next_uuid;
	uuid->b[15] = 0x42;
}

static int injected(unsigned long request, struct shadow_fault *fault)
{
	const char *text = getenv("FAKE_FAIL");
	unsigned int command;

	memset(fault, 0, sizeof(*fault));
	if (!text || sscanf(text, "%x %u %u %u %u %u", &command, &fault->error, &fault->phase,
			    &fault->reason, &fault->dev.major, &fault->dev.minor) < 2 ||
	    command != (request & 0xff))
		return 0;
	return -(int)fault->error;
}

/* --- commands -------------------------------------------------------------- */

static int fake_info(struct shadow_info *info)
{
	memset(info, 0, sizeof(*info));
	info->abi_version = getenv("FAKE_ABI") ? number("FAKE_ABI") : SHADOW_ABI_VERSION;
	info->block_size = 4096;
	info->features = SHADOW_FEAT_STORE_MEMORY | SHADOW_FEAT_HOLD |
			 SHADOW_FEAT_STORE_FILE | SHADOW_FEAT_STORE_GROW |
			 SHADOW_FEAT_STORE_CHANGE | SHADOW_FEAT_STORE_DEVICE |
			 SHADOW_FEAT_PERSISTENT | SHADOW_FEAT_REVERT | SHADOW_FEAT_CHANGES;
	info->max_set_volumes = SHADOW_MAX_SET_VOLUMES;
	info->max_volume_shadows = SHADOW_MAX_VOLUME_SHADOWS;
	info->volumes = state.volume_count;
	info->shadows = state.shadow_count;
	snprintf(info->version, sizeof(info->version), "fake");
	return 0;
}

static struct shadow_volume_info *volume(struct shadow_dev dev, bool make)
{
	struct shadow_volume_info *info;
	uint32_t i;

	for (i = 0; i < state.volume_count; i++)
		if (sc_dev_equal(state.volumes[i].dev, dev))
			return &state.volumes[i];
	if (!make || state.volume_count == VOLUMES_MAX)
		return NULL;
	info = &state.volumes[state.volume_count++];
	memset(info, 0, sizeof(*info));
	info->dev = dev;
	info->bytes = 1 << 30;
	info->policy = SHADOW_POLICY_EVICT;
	info->cursor = state.volume_count;
	snprintf(info->name, sizeof(info->name), "fake%u", dev.minor);
	info->bios_seen = 1000;
	info->bios_direct = 900;
	info->blocks_preserved = 100;
	info->origin_reads = 50;
	info->origin_read_bytes = 409600;
	info->store_writes = 4;
	info->store_write_bytes = 409600;
	return info;
}

static int fake_untrack(struct shadow_volume_track *track)
{
	uint32_t i;

	if (fake_bases_kept(track->dev)) {
		track->fault.error = EBUSY;
		track->fault.reason = SHADOW_REASON_BASES;
		return -EBUSY;
	}
	for (i = 0; i < state.volume_count; i++)
		if (sc_dev_equal(state.volumes[i].dev, track->dev)) {
			state.volumes[i] = state.volumes[--state.volume_count];
			state.volumes[i].cursor = i + 1;
			return 0;
		}
	return -ENODEV;
}

static int fake_policy(const struct shadow_volume_policy *policy)
{
	struct shadow_volume_info *info = volume(policy->dev, false);

	if (!info)
		return -ENOENT;
	if (policy->policy) {
		info->policy = policy->policy;
		info->throttle_ms = policy->throttle_ms;
	}
	if (policy->flags & SHADOW_POLICY_CLEAR_FAULT)
		info->protect_fault = SHADOW_PROTECT_NONE;
	else if (getenv("FAKE_FAULT"))
		info->protect_fault = number("FAKE_FAULT");
	return 0;
}

static int fake_volume_next(struct shadow_volume_info *info)
{
	uint32_t i;

	if (info->cursor >= state.volume_count)
		return -ENOENT;
	*info = state.volumes[info->cursor];
	for (i = 0; i < state.shadow_count; i++) {
		const struct shadow_shadow_info *shadow = &state.shadows[i];

		if (!sc_dev_equal(shadow->volume, info->dev))
			continue;
		info->shadows++;
		if (shadow->flags & SHADOW_SET_PERSISTENT)
			info->log_blocks = 16;	/* their store has one */
	}
	return 0;
}

static int fake_shadow_next(struct shadow_shadow_info *info)
{
	uint64_t cursor = info->cursor;

	if (cursor >= state.shadow_count)
		return -ENOENT;
	*info = state.shadows[cursor];
	info->cursor = cursor + 1;
	if (getenv("FAKE_LOST")) {
		info->state = SHADOW_STATE_LOST;
		info->fault.reason = number("FAKE_LOST");
	}
	return 0;
}

/* --- parts of stores --------------------------------------------------------- */

/* The device that an open file lies on, on the recorded machine. */
static void place_file(int fd, struct shadow_store_info *part)
{
	struct shadowcopy sc = { .sysroot = getenv("FAKE_SYSROOT") };
	char link[64], path[PATH_MAX];
	struct sc_mounts *mounts;
	struct sc_mount mount;
	struct stat st;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0 || fstat(fd, &st) < 0)
		return;
	path[length] = '\0';
	/* Nothing keeps a file without a name here, and its number is soon another one's. */
	part->inode = st.st_nlink ? st.st_ino : ~st.st_ino;
	part->extents = 1;
	part->allocated_bytes = st.st_size - SC_HEAD;
	if (sc_mounts_read(&sc, &mounts))
		return;
	if (sc_mounts_by_path(mounts, path, &mount))
		part->dev = mount.dev;
	sc_mounts_free(mounts);
}

static int has_parts(const struct shadow_store_info *parts, uint32_t count, struct shadow_dev dev)
{
	uint32_t i, found = 0;

	for (i = 0; i < count; i++)
		found += sc_dev_equal(parts[i].volume, dev);
	return found;
}

/* To the volume's store, which is in use, or that of a set. */
static int add_part(struct shadow_store_info *parts, uint32_t *count, struct shadow_dev dev,
		    const struct shadow_store_spec *spec, uint32_t *number)
{
	struct shadow_store_info *part;
	uint32_t i;

	if (*count == PARTS_MAX)
		return -ENOSPC;
	part = &parts[*count];
	memset(part, 0, sizeof(*part));
	for (i = 0; i < *count; i++)
		if (sc_dev_equal(parts[i].volume, dev) && parts[i].part == part->part) {
			part->part++;
			i = -1;
		}
	++*count;
	part->volume = dev;
	part->type = spec->type ?: SHADOW_STORE_MEMORY;
	part->state = SHADOW_PART_READY;
	part->dev = spec->dev;
	part->allocated_bytes = spec->max_bytes;
	if (part->type == SHADOW_STORE_FILE)
		place_file(spec->fd, part);
	if (part->type == SHADOW_STORE_FILE && sc_dev_equal(part->dev, dev))
		part->flags |= SHADOW_PART_ON_VOLUME;
	part->max_bytes = spec->max_bytes ?: part->allocated_bytes;
	if (part->max_bytes > part->allocated_bytes)
		part->flags |= SHADOW_PART_GROWING;
	part->used_bytes = 1 << 20;
	snprintf(part->volume_name, sizeof(part->volume_name), "fake%u", dev.minor);
	*number = part->part;
	return 0;
}

static int fake_store_add(struct shadow_store_add *add)
{
	if (has_parts(state.parts, state.part_count, add->dev))
		return add_part(state.parts, &state.part_count, add->dev, &add->store, &add->part);
	if (has_parts(making.parts, making.part_count, add->dev))
		return add_part(making.parts, &making.part_count, add->dev, &add->store,
				&add->part);
	return -ENOENT;
}

static int fake_store_next(struct shadow_store_info *info)
{
	uint64_t cursor = info->cursor;

	if (cursor >= state.part_count)
		return -ENOENT;
	*info = state.parts[cursor];
	info->cursor = cursor + 1;
	return 0;
}

static int fake_store_resize(struct shadow_store_resize *resize)
{
	struct shadow_store_info *part = NULL;
	uint32_t i;

	for (i = 0; i < state.part_count && !part; i++)
		if (sc_dev_equal(state.parts[i].volume, resize->dev) &&
		    state.parts[i].part == resize->part)
			part = &state.parts[i];
	resize->fault.error = ENOENT;
	resize->fault.phase = SHADOW_PHASE_ARGUMENTS;
	resize->fault.reason = SHADOW_REASON_STORE_PART;
	if (!part)
		return -ENOENT;
	resize->fault.error = EBUSY;
	resize->fault.reason = SHADOW_REASON_STORE_LAST;
	if (!resize->max_bytes && has_parts(state.parts, state.part_count, resize->dev) == 1)
		return -EBUSY;
	memset(&resize->fault, 0, sizeof(resize->fault));
	if (getenv("FAKE_SLOW")) {
		resize->moved_bytes = 3 << 20;
		return sleep(20) ? -EINTR : -ETIME;
	}
	if (getenv("FAKE_NO_ROOM") && number("FAKE_NO_ROOM") == resize->part) {
		resize->fault.error = ENOSPC;
		resize->fault.phase = SHADOW_PHASE_STORE;
		resize->fault.reason = SHADOW_REASON_STORE_FULL;
		return -ENOSPC;
	}
	if (resize->max_bytes) {
		part->max_bytes = resize->max_bytes;
		return 0;
	}
	resize->moved_bytes = part->used_bytes;
	*part = state.parts[--state.part_count];
	return 0;
}

/* Stores go with the last shadow of their volume. */
static void forget_parts(void)
{
	uint32_t i, j;

	for (i = 0; i < state.part_count; i++) {
		for (j = 0; j < state.shadow_count; j++)
			if (sc_dev_equal(state.shadows[j].volume, state.parts[i].volume))
				break;
		if (j == state.shadow_count)
			state.parts[i--] = state.parts[--state.part_count];
	}
}

/* --- durable stores ------------------------------------------------------------- */

static int refuse(struct shadow_fault *fault, int code, uint32_t reason, struct shadow_dev dev)
{
	*fault = (struct shadow_fault){
		.error = code, .phase = SHADOW_PHASE_STORE, .reason = reason, .dev = dev,
	};
	return -code;
}

static void attach_shadow(struct shadow_store_attach *attach,
			  const struct shadow_shadow_info *durable)
{
	struct shadow_shadow_info *shadow = &state.shadows[state.shadow_count++];

	*shadow = *durable;
	if (attach->shadows++ < number("FAKE_CHANGED")) {
		shadow->state = SHADOW_STATE_LOST;
		shadow->fault.reason = SHADOW_REASON_VOLUME_CHANGED;
	}
	attach->lost += shadow->state == SHADOW_STATE_LOST;
}

/* A device is of one volume here, so its shadows are found by that. */
static int fake_attach(struct shadow_store_attach *attach)
{
	uint32_t i = 0, part;

	if (number("FAKE_CHANGED") && !(attach->flags & SHADOW_ATTACH_LOST))
		return refuse(&attach->fault, ESTALE, SHADOW_REASON_VOLUME_CHANGED, attach->dev);
	if (has_parts(state.parts, state.part_count, attach->dev))
		return refuse(&attach->fault, EEXIST, SHADOW_REASON_STORE_MISMATCH, attach->dev);
	while (i < state.durable_count) {
		if (!sc_dev_equal(state.durable[i].volume, attach->dev)) {
			i++;
			continue;
		}
		attach_shadow(attach, &state.durable[i]);
		memmove(&state.durable[i], &state.durable[i + 1],
			(--state.durable_count - i) * sizeof(state.durable[0]));
	}
	if (!attach->shadows)
		return refuse(&attach->fault, EMEDIUMTYPE, SHADOW_REASON_STORE_FORMAT,
			      attach->store.dev);
	attach->dropped = number("FAKE_DROPPED");
	return add_part(state.parts, &state.part_count, attach->dev, &attach->store, &part);
}

static int fake_detach(struct shadow_store_attach *detach)
{
	uint32_t i = 0;

	if (!has_parts(state.parts, state.part_count, detach->dev))
		return refuse(&detach->fault, ENOENT, SHADOW_REASON_NO_DEVICE, detach->dev);
	while (i < state.shadow_count) {
		struct shadow_shadow_info *shadow = &state.shadows[i];

		if (!sc_dev_equal(shadow->volume, detach->dev)) {
			i++;
			continue;
		}
		if (!(shadow->flags & SHADOW_SET_PERSISTENT))
			return refuse(&detach->fault, EMEDIUMTYPE, SHADOW_REASON_STORE_VOLATILE,
				      detach->dev);
		state.durable[state.durable_count++] = *shadow;
		memmove(shadow, shadow + 1, (--state.shadow_count - i) * sizeof(*shadow));
		detach->shadows++;
	}
	forget_parts();
	return 0;
}

/* --- shadows ------------------------------------------------------------------ */

static bool is_busy(const struct shadow_shadow_info *shadow)
{
	static unsigned int times;
	const char *busy = getenv("FAKE_BUSY"), *limit = busy ? strchr(busy, ':') : NULL;

	if (!busy || shadow->index != (uint32_t)atoi(busy))
		return false;
	return !limit || times++ < (unsigned int)atoi(limit + 1);
}

static void fault_busy(struct shadow_fault *fault, const struct shadow_shadow_info *shadow)
{
	*fault = (struct shadow_fault){
		.error = EBUSY, .phase = SHADOW_PHASE_IMAGE, .reason = SHADOW_REASON_BUSY,
		.dev = shadow->volume,
	};
}

static int fake_delete(struct shadow_delete *delete)
{
	uint32_t i = 0;

	while (i < state.shadow_count) {
		struct shadow_shadow_info *shadow = &state.shadows[i];

		if (memcmp(delete->kind == SHADOW_KIND_SET ? &shadow->set : &shadow->uuid,
			   &delete->uuid, sizeof(delete->uuid))) {
			i++;
			continue;
		}
		if (is_busy(shadow)) {
			delete->failed = shadow->uuid;
			fault_busy(&delete->fault, shadow);
			return -EBUSY;
		}
		memmove(shadow, shadow + 1,
			(--state.shadow_count - i) * sizeof(*shadow));
		delete->deleted++;
	}
	forget_parts();
	return delete->deleted ? 0 : -ENOENT;
}

static int fake_change(struct shadow_change *change)
{
	uint32_t i;

	for (i = 0; i < state.shadow_count; i++) {
		struct shadow_shadow_info *shadow = &state.shadows[i];

		if (memcmp(change->kind == SHADOW_KIND_SET ? &shadow->set : &shadow->uuid,
			   &change->uuid, sizeof(change->uuid)))
			continue;
		if (change->flags & SHADOW_CHANGE_SEAL && is_busy(shadow)) {
			change->failed = shadow->uuid;
			fault_busy(&change->fault, shadow);
			return -EBUSY;
		}
		if (change->flags & SHADOW_CHANGE_SEAL)
			shadow->flags |= SHADOW_SHADOW_SEALED;
		else if (change->flags & SHADOW_CHANGE_PIN)
			shadow->flags |= SHADOW_SHADOW_PINNED;
		else
			shadow->flags &= ~SHADOW_SHADOW_PINNED;
		change->changed++;
	}
	return change->changed ? 0 : -ENOENT;
}

/* The first shadow has it all. */
static int fake_free(struct shadow_shadow_free *free)
{
	const struct shadow_free_range *ranges = (const void *)(uintptr_t)free->ranges;

	for (; free->done < free->count; free->done++) {
		free->blocks += ranges[free->done].bytes >> SHADOW_BLOCK_SHIFT;
		state.shadows[0].free_bytes += ranges[free->done].bytes;
	}
	return state.shadow_count ? 0 : -ENOENT;
}

static int fake_set_new(struct shadow_set_new *new)
{
	memset(&making, 0, sizeof(making));
	making.new = *new;
	make_uuid(&making.step.set, 0xaa);
	making.step.state = SHADOW_SET_NEW;
	new->set = making.step.set;
	new->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return new->fd < 0 ? -errno : 0;
}

static int fake_set_add(struct shadow_set_add *add)
{
	uint32_t number;

	if (making.count == SHADOW_MAX_FREEZE)
		return -E2BIG;
	if (making.new.flags & SHADOW_SET_PERSISTENT && add->flags & SHADOW_ADD_SHADOW &&
	    add->store.type != SHADOW_STORE_DEVICE &&
	    !has_parts(state.parts, state.part_count, add->dev))
		return refuse(&add->fault, EOPNOTSUPP, SHADOW_REASON_STORE_VOLATILE, add->dev);
	if (add->flags & SHADOW_ADD_SHADOW)
		make_uuid(&add->shadow, 0xbb);
	making.adds[making.count++] = *add;
	if (!(add->flags & SHADOW_ADD_SHADOW) ||
	    has_parts(state.parts, state.part_count, add->dev))
		return 0;
	return add_part(making.parts, &making.part_count, add->dev, &add->store, &number);
}

static uint32_t free_index(void)
{
	uint32_t index = 0, i;

	for (i = 0; i < state.shadow_count; i++)
		if (state.shadows[i].index == index) {
			index++;
			i = -1;
		}
	return index;
}

static bool any_held(void)
{
	uint32_t i;

	for (i = 0; i < making.count; i++)
		if (making.adds[i].flags & (SHADOW_ADD_SHADOW | SHADOW_ADD_HOLD))
			return true;
	return false;
}

/* Between the two nothing is held: a command can be run in between. */
static int fake_set_hold(struct shadow_set_step *step, uint32_t from, uint32_t to)
{
	if (making.step.state != from)
		return -EBADFD;
	if (!any_held())
		return -EINVAL;
	making.step.state = to;
	making.step.hold_ns = 3000000;
	making.step.gate_ns = 2000000;
	*step = making.step;
	return 0;
}

static int fake_set_take(struct shadow_set_step *step)
{
	struct shadow_shadow_info *shadow;
	size_t i;

	for (i = 0; i < making.count; i++)
		making.step.volumes += !!(making.adds[i].flags & SHADOW_ADD_SHADOW);
	for (i = 0; i < making.count; i++) {
		if (!(making.adds[i].flags & SHADOW_ADD_SHADOW))
			continue;
		if (state.shadow_count == SHADOWS_MAX)
			return -ENOSPC;
		shadow = &state.shadows[state.shadow_count];
		memset(shadow, 0, sizeof(*shadow));
		shadow->index = free_index();
		state.shadow_count++;
		shadow->uuid = making.adds[i].shadow;
		shadow->set = making.step.set;
		shadow->volume = making.adds[i].dev;
		shadow->image = (struct shadow_dev){ IMAGE_MAJOR, shadow->index };
		shadow->state = SHADOW_STATE_CREATED;
		shadow->flags = making.new.flags;
		shadow->context = making.new.context;
		shadow->set_count = making.step.volumes;
		shadow->bytes = 1 << 30;
		if (shadow->flags & SHADOW_SET_WRITABLE)
			shadow->overlay_blocks = 2;
		shadow->epoch = state.next_uuid;
		shadow->created_ns = 1700000000123456789;
		snprintf(shadow->volume_name, sizeof(shadow->volume_name), "fake%u",
			 making.adds[i].dev.minor);
		if (making.adds[i].store.type)
			volume(making.adds[i].dev, true)->store = making.adds[i].store;
	}
	for (i = 0; i < making.part_count; i++)
		state.parts[state.part_count++] = making.parts[i];
	making.step.state = SHADOW_SET_TAKEN;
	making.step.hold_ns = 12345678;
	making.step.gate_ns = 1234567;
	/* as if the page of the answer had not been there */
	memset(step, 0, sizeof(*step));
	return 0;
}

/* --- reverts: FAKE_REVERT is how far that of the first volume is, in per cent; 101: half-way -- */

static int fake_revert_next(struct shadow_revert_info *info)
{
	unsigned long percent = number("FAKE_REVERT");

	if (info->cursor || !getenv("FAKE_REVERT") || !state.shadow_count)
		return -ENOENT;
	info->cursor = 1;
	info->volume = state.shadows[0].volume;
	info->shadow = state.shadows[0].uuid;
	info->state = percent > 100 ? SHADOW_REVERT_HALF_DONE :
		      percent == 100 ? SHADOW_REVERT_DONE : percent ? SHADOW_REVERT_RUNNING :
		      SHADOW_REVERT_NOTED;
	info->bytes_all = 100 << 20;
	info->bytes_done = (percent > 100 ? 50 : percent) << 20;
	info->bytes_written = info->bytes_done / 2;
	if (percent > 100)
		info->fault = (struct shadow_fault){
			.error = EIO, .phase = SHADOW_PHASE_REVERT,
			.reason = SHADOW_REASON_REVERT_WRITE, .dev = info->volume,
		};
	snprintf(info->volume_name, sizeof(info->volume_name), "vda1");
	return 0;
}

/* --- what fake_changes.c sees -------------------------------------------------- */

const struct shadow_shadow_info *fake_shadow_at(uint64_t index)
{
	return index < state.shadow_count ? &state.shadows[index] : NULL;
}

const struct shadow_shadow_info *fake_shadow_find(const struct shadow_uuid *uuid)
{
	uint32_t i;

	for (i = 0; i < state.shadow_count; i++)
		if (!memcmp(&state.shadows[i].uuid, uuid, sizeof(*uuid)))
			return &state.shadows[i];
	return NULL;
}

const struct shadow_volume_info *fake_volume_at(uint64_t index)
{
	return index < state.volume_count ? &state.volumes[index] : NULL;
}

static int command(unsigned long request, void *argument)
{
	switch (request) {
	case SHADOW_IOC_INFO:
		return fake_info(argument);
	case SHADOW_IOC_SET_NEW:
		return fake_set_new(argument);
	case SHADOW_IOC_VOLUME_TRACK:
		return volume(((struct shadow_volume_track *)argument)->dev, true) ? 0 : -ENOMEM;
	case SHADOW_IOC_VOLUME_UNTRACK:
		return fake_untrack(argument);
	case SHADOW_IOC_VOLUME_NEXT:
		return fake_volume_next(argument);
	case SHADOW_IOC_SHADOW_NEXT:
		return fake_shadow_next(argument);
	case SHADOW_IOC_STORE_ADD:
		return fake_store_add(argument);
	case SHADOW_IOC_STORE_RESIZE:
		return fake_store_resize(argument);
	case SHADOW_IOC_STORE_NEXT:
		return fake_store_next(argument);
	case SHADOW_IOC_STORE_ATTACH:
		return fake_attach(argument);
	case SHADOW_IOC_STORE_DETACH:
		return fake_detach(argument);
	case SHADOW_IOC_DELETE:
		return fake_delete(argument);
	case SHADOW_IOC_VOLUME_POLICY:
		return fake_policy(argument);
	case SHADOW_IOC_SHADOW_CHANGE:
		return fake_change(argument);
	case SHADOW_IOC_SHADOW_FREE:
		return fake_free(argument);
	case SHADOW_IOC_REVERT:
	case SHADOW_IOC_REVERT_CANCEL:
		return 0;
	case SHADOW_IOC_REVERT_NEXT:
		return fake_revert_next(argument);
	case SHADOW_IOC_SET_ADD:
		return fake_set_add(argument);
	case SHADOW_IOC_SET_TAKE:
		return fake_set_take(argument);
	case SHADOW_IOC_SET_HOLD:
		return fake_set_hold(argument, SHADOW_SET_NEW, SHADOW_SET_HELD);
	case SHADOW_IOC_SET_RELEASE:
		return fake_set_hold(argument, SHADOW_SET_HELD, SHADOW_SET_NEW);
	case SHADOW_IOC_SET_STATUS:
		*(struct shadow_set_step *)argument = making.step;
		return 0;
	default:
		return fake_changes(request, argument);
	}
}

/* --- what takes the place of real functions --------------------------------- */

int sc_device_open(void)
{
	int fd;

	if (getenv("FAKE_OPEN"))
		return -(int)number("FAKE_OPEN");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sc_device_ioctl(int fd, unsigned long request, void *argument)
{
	struct shadow_fault fault;
	int rc = injected(request, &fault);

	(void)fd;
	if (rc) {
		if (request == SHADOW_IOC_SET_ADD)
			((struct shadow_set_add *)argument)->fault = fault;
		if (request == SHADOW_IOC_SET_TAKE || request == SHADOW_IOC_SET_HOLD ||
		    request == SHADOW_IOC_SET_RELEASE) {
			making.step.state = SHADOW_SET_FAILED;
			making.step.fault = fault;
		}
		if (request == SHADOW_IOC_STORE_ADD)
			((struct shadow_store_add *)argument)->fault = fault;
		if (request == SHADOW_IOC_STORE_RESIZE)
			((struct shadow_store_resize *)argument)->fault = fault;
		if (request == SHADOW_IOC_STORE_ATTACH || request == SHADOW_IOC_STORE_DETACH)
			((struct shadow_store_attach *)argument)->fault = fault;
		if (request == SHADOW_IOC_REVERT)
			((struct shadow_revert *)argument)->fault = fault;
		if (request == SHADOW_IOC_REVERT_CANCEL)
			((struct shadow_revert_cancel *)argument)->fault = fault;
		if (request == SHADOW_IOC_DELETE)
			((struct shadow_delete *)argument)->fault = fault;
		if (request == SHADOW_IOC_SHADOW_CHANGE)
			((struct shadow_change *)argument)->fault = fault;
		if (request == SHADOW_IOC_VOLUME_TRACK || request == SHADOW_IOC_VOLUME_UNTRACK)
			((struct shadow_volume_track *)argument)->fault = fault;
		if (request == SHADOW_IOC_MAP)
			((struct shadow_map *)argument)->fault = fault;
		if (request == SHADOW_IOC_BASE_CHANGE)
			((struct shadow_base *)argument)->fault = fault;
		return rc;
	}
	transfer(false);
	rc = command(request, argument);
	transfer(true);
	return rc;
}

struct shadowcopy *__wrap_shadowcopy_new(void)
{
	struct shadowcopy *sc = __real_shadowcopy_new();

	if (sc && getenv("FAKE_SYSROOT"))
		shadowcopy_set_sysroot(sc, getenv("FAKE_SYSROOT"));
	return sc;
}

/* The images have device nodes, the rest of the machine has not. */
int __wrap_stat64(const char *path, struct stat *st)
{
	unsigned int index;

	if (sscanf(path, "/dev/shadow%u", &index) == 1) {
		memset(st, 0, sizeof(*st));
		st->st_mode = S_IFBLK | 0640;
		st->st_rdev = makedev(IMAGE_MAJOR, index);
		return 0;
	}
	if (!strncmp(path, "/dev/", 5)) {
		errno = ENOENT;
		return -1;
	}
	return __real_stat64(path, st);
}

/* Images are files, N below $FAKE_IMAGES. */
int __wrap_open64(const char *path, int flags, mode_t mode)
{
	const char *images = getenv("FAKE_IMAGES");
	char file[PATH_MAX];
	unsigned int index;

	if (!images || sscanf(path, "/dev/shadow%u", &index) != 1)
		return __real_open64(path, flags, mode);
	snprintf(file, sizeof(file), "%s/%u", images, index);
	return __real_open64(file, flags, mode);
}

static FILE *recorded(const char *name)
{
	const char *root = getenv("FAKE_SYSROOT");
	char path[PATH_MAX];

	if (!root)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return fopen(path, "re");
}

/* Filesystems of the recorded machine have the room that was recorded. */
int __wrap_statvfs64(const char *path, struct statvfs *vfs)
{
	unsigned long long mib, free_mib;
	FILE *file = recorded("space");
	char line[256], target[128];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%127s %llu %llu", target, &mib, &free_mib) == 3 &&
			!strcmp(target, path);
	if (file)
		fclose(file);
	if (!found)
		return __real_statvfs64(path, vfs);
	memset(vfs, 0, sizeof(*vfs));
	vfs->f_frsize = 1 << 20;
	vfs->f_blocks = mib;
	vfs->f_bavail = free_mib;
	return 0;
}

static void tag(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%s", strcmp(text, "-") ? text : "");
}

int sc_probe(struct shadowcopy *sc, struct shadow_dev dev, struct sc_tags *tags)
{
	char line[256], uuid[64], partuuid[64], type[64];
	FILE *file = recorded("tags");
	struct shadow_dev its;
	bool found = false;

	(void)sc;
	memset(tags, 0, sizeof(*tags));
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%u:%u %63s %63s %63s", &its.major, &its.minor, uuid, partuuid,
			       type) == 5 && sc_dev_equal(its, dev);
	if (file)
		fclose(file);
	if (!found)
		return 0;
	tag(tags->uuid, sizeof(tags->uuid), uuid);
	tag(tags->partuuid, sizeof(tags->partuuid), partuuid);
	if (!strcmp(type, "unreadable"))
		return -EIO;
	tag(tags->type, sizeof(tags->type), type);
	tags->filesystem = *tags->uuid;
	return 0;
}
