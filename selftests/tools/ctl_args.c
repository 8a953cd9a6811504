// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every ioctl does with wrong arguments, from one table of all commands:
 *
 *	ctl_args GROUP a=DEVICE b=DEVICE c=DEVICE d=DEVICE store=DEVICE durable=DEVICE
 *		detached=DEVICE
 *
 * Groups: members, sizes, capability, pointers, states.  @a gets a shadow with
 * its store on @store, @c is in the set that is tried, @b could be added, or @detached be
 * attached to it, and @d has a persistent shadow in @durable, which could be detached.  Each
 * command is first given what it would accept; then one thing is made wrong, and nothing may
 * have changed after the refusal.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/types.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "ctl_case.h"

#define ROOM 1024	/* for the largest structure */

struct member {
	const char *name;
	size_t size;
	bool in;
};

/* Must be zero: it is reserved, or only comes out. */
#define ZERO(type, member)	{ #member, sizeof((*(struct type *)0).member), false }
/* Means something. */
#define IN(type, member)	{ #member, sizeof((*(struct type *)0).member), true }

/*
 * A command: @members are all there are, in their order; there are no holes.
 */
struct command {
	const char *name;
	unsigned long number;
	bool on_set;
	void (*fill)(void *arg);
	struct member members[50];
	size_t flags;		/* offset */
	unsigned int known;	/* bits of the flags; ~0: it has none */
};

static struct shadow_dev dev_a, dev_b, dev_c, dev_d;
static struct shadow_uuid shadow_of_a;

static void fill_nothing(void *arg)
{
	(void)arg;
}

static void fill_track(void *arg)
{
	((struct shadow_volume_track *)arg)->dev = dev_b;
}

static void fill_untrack(void *arg)
{
	((struct shadow_volume_track *)arg)->dev = dev_c;
}

static void fill_policy(void *arg)
{
	struct shadow_volume_policy *policy = arg;

	policy->dev = dev_c;
	policy->flags = SHADOW_POLICY_CLEAR_FAULT;
	policy->policy = SHADOW_POLICY_EVICT;
}

static void fill_resize(void *arg)
{
	struct shadow_store_resize *resize = arg;

	resize->dev = dev_a;
	resize->max_bytes = 5 << 20;
}

static void fill_delete(void *arg)
{
	struct shadow_delete *delete = arg;

	delete->uuid = shadow_of_a;
	delete->kind = SHADOW_KIND_SHADOW;
}

static void fill_change(void *arg)
{
	struct shadow_change *change = arg;

	change->uuid = shadow_of_a;
	change->kind = SHADOW_KIND_SHADOW;
	change->flags = SHADOW_CHANGE_UNPIN;
}

static void fill_free(void *arg)
{
	static const struct shadow_free_range nothing;
	struct shadow_shadow_free *free = arg;

	free->uuid = shadow_of_a;
	free->ranges = (uintptr_t)&nothing;
	free->count = 1;
}

static void fill_revert(void *arg)
{
	((struct shadow_revert *)arg)->uuid = shadow_of_a;
}

static void fill_cancel(void *arg)
{
	((struct shadow_revert_cancel *)arg)->dev = dev_b;
}

/* What make_shadow() says is free of it. */
static void fill_map(void *arg)
{
	static struct shadow_run room;
	struct shadow_map *map = arg;

	map->shadow = shadow_of_a;
	map->runs = (uintptr_t)&room;
	map->count = 1;
	map->want = SHADOW_RUN_FREE;
}

static void fill_base(void *arg)
{
	struct shadow_base *base = arg;

	base->uuid = shadow_of_a;
	base->flags = SHADOW_BASE_KEEP;
}

static void fill_add(void *arg)
{
	*(struct shadow_set_add *)arg = adding(dev_b, SHADOW_ADD_SHADOW, "memory");
}

static void fill_part(void *arg)
{
	struct shadow_store_add *add = arg;

	add->dev = dev_a;
	add->store.type = SHADOW_STORE_MEMORY;
	add->store.max_bytes = 4 << 20;
}

static void fill_attach(void *arg)
{
	struct shadow_store_attach *attach = arg;

	attach->dev = dev_b;
	attach->store.type = SHADOW_STORE_DEVICE;
	attach->store.dev = role_dev("detached");
}

static void fill_detach(void *arg)
{
	((struct shadow_store_attach *)arg)->dev = dev_d;
}

#define STEP(ioc) { \
	.name = #ioc, .number = SHADOW_IOC_##ioc, .on_set = true, \
	.fill = fill_nothing, \
	.members = { \
		IN(shadow_set_step, flags), ZERO(shadow_set_step, state), \
		ZERO(shadow_set_step, set), ZERO(shadow_set_step, volumes), \
		ZERO(shadow_set_step, held), ZERO(shadow_set_step, hold_ns), \
		ZERO(shadow_set_step, gate_ns), ZERO(shadow_set_step, fault), \
		ZERO(shadow_set_step, reserved), \
	}, \
	.flags = offsetof(struct shadow_set_step, flags), .known = 0, \
}

#define TRACK(ioc, filler, changes) { \
	.name = #ioc, .number = SHADOW_IOC_##ioc, .fill = filler, \
	.members = { \
		IN(shadow_volume_track, dev), IN(shadow_volume_track, flags), \
		ZERO(shadow_volume_track, reserved0), \
		IN(shadow_volume_track, memory_bytes), ZERO(shadow_volume_track, fault), \
		changes(shadow_volume_track, changes_bytes), \
		ZERO(shadow_volume_track, reserved), \
	}, \
	.flags = offsetof(struct shadow_volume_track, flags), .known = 0, \
}

static const struct command commands[] = {
	{
		/* only comes out: whatever is there is overwritten */
		.name = "INFO", .number = SHADOW_IOC_INFO, .fill = fill_nothing,
		.members = { { "all", sizeof(struct shadow_info), true } }, .known = ~0U,
	}, {
		.name = "SET_NEW", .number = SHADOW_IOC_SET_NEW,
		.fill = fill_nothing,
		.members = {
			IN(shadow_set_new, flags), IN(shadow_set_new, timeout_ms),
			IN(shadow_set_new, context), ZERO(shadow_set_new, fd),
			ZERO(shadow_set_new, set), ZERO(shadow_set_new, reserved),
		},
		.flags = offsetof(struct shadow_set_new, flags),
		.known = SHADOW_SET_NO_AUTO_RELEASE | SHADOW_SET_WRITABLE |
			 SHADOW_SET_PERSISTENT,
	},
	TRACK(VOLUME_TRACK, fill_track, IN),
	TRACK(VOLUME_UNTRACK, fill_untrack, ZERO),
	{
		.name = "VOLUME_NEXT", .number = SHADOW_IOC_VOLUME_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_volume_info, cursor), ZERO(shadow_volume_info, dev),
			ZERO(shadow_volume_info, disk), ZERO(shadow_volume_info, flags),
			ZERO(shadow_volume_info, shadows),
			ZERO(shadow_volume_info, start_sector),
			ZERO(shadow_volume_info, bytes), ZERO(shadow_volume_info, name),
			ZERO(shadow_volume_info, epoch),
			ZERO(shadow_volume_info, store),
			ZERO(shadow_volume_info, store_used_bytes),
			ZERO(shadow_volume_info, memory_limit_bytes),
			ZERO(shadow_volume_info, memory_bytes),
			ZERO(shadow_volume_info, memory_peak_bytes),
			ZERO(shadow_volume_info, index_bytes),
			ZERO(shadow_volume_info, bios_seen),
			ZERO(shadow_volume_info, bios_direct),
			ZERO(shadow_volume_info, bios_parked),
			ZERO(shadow_volume_info, bios_gated),
			ZERO(shadow_volume_info, bios_inflight),
			ZERO(shadow_volume_info, blocks_preserved),
			ZERO(shadow_volume_info, origin_reads),
			ZERO(shadow_volume_info, origin_read_bytes),
			ZERO(shadow_volume_info, store_writes),
			ZERO(shadow_volume_info, store_write_bytes),
			ZERO(shadow_volume_info, store_reads),
			ZERO(shadow_volume_info, store_read_bytes),
			ZERO(shadow_volume_info, image_origin_reads),
			ZERO(shadow_volume_info, image_origin_read_bytes),
			ZERO(shadow_volume_info, image_retries),
			ZERO(shadow_volume_info, memory_waits),
			ZERO(shadow_volume_info, lost),
			ZERO(shadow_volume_info, hold_ns),
			ZERO(shadow_volume_info, drain_ns),
			ZERO(shadow_volume_info, policy),
			ZERO(shadow_volume_info, throttle_ms),
			ZERO(shadow_volume_info, protect_fault),
			ZERO(shadow_volume_info, protect_errno),
			ZERO(shadow_volume_info, full_seconds),
			ZERO(shadow_volume_info, evicted),
			ZERO(shadow_volume_info, bios_refused),
			ZERO(shadow_volume_info, blocks_ahead),
			ZERO(shadow_volume_info, log_commits),
			ZERO(shadow_volume_info, log_blocks),
			ZERO(shadow_volume_info, log_checkpoints),
			ZERO(shadow_volume_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "SHADOW_NEXT", .number = SHADOW_IOC_SHADOW_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_shadow_info, cursor), ZERO(shadow_shadow_info, uuid),
			ZERO(shadow_shadow_info, set), ZERO(shadow_shadow_info, volume),
			ZERO(shadow_shadow_info, image),
			ZERO(shadow_shadow_info, index),
			ZERO(shadow_shadow_info, state),
			ZERO(shadow_shadow_info, flags),
			ZERO(shadow_shadow_info, context),
			ZERO(shadow_shadow_info, openers),
			ZERO(shadow_shadow_info, set_count),
			ZERO(shadow_shadow_info, epoch),
			ZERO(shadow_shadow_info, bytes),
			ZERO(shadow_shadow_info, created_ns),
			ZERO(shadow_shadow_info, blocks),
			ZERO(shadow_shadow_info, reads),
			ZERO(shadow_shadow_info, read_bytes),
			ZERO(shadow_shadow_info, fault),
			ZERO(shadow_shadow_info, volume_name),
			ZERO(shadow_shadow_info, free_bytes),
			ZERO(shadow_shadow_info, overlay_blocks),
			ZERO(shadow_shadow_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "STORE_NEXT", .number = SHADOW_IOC_STORE_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_store_info, cursor), ZERO(shadow_store_info, volume),
			ZERO(shadow_store_info, part), ZERO(shadow_store_info, type),
			ZERO(shadow_store_info, flags), ZERO(shadow_store_info, state),
			ZERO(shadow_store_info, dev), ZERO(shadow_store_info, inode),
			ZERO(shadow_store_info, extents),
			ZERO(shadow_store_info, allocated_bytes),
			ZERO(shadow_store_info, used_bytes),
			ZERO(shadow_store_info, max_bytes),
			ZERO(shadow_store_info, volume_name),
			ZERO(shadow_store_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "STORE_ADD", .number = SHADOW_IOC_STORE_ADD,
		.fill = fill_part,
		.members = {
			IN(shadow_store_add, dev), IN(shadow_store_add, flags),
			ZERO(shadow_store_add, part), IN(shadow_store_add, store),
			ZERO(shadow_store_add, fault), ZERO(shadow_store_add, reserved),
		},
		.flags = offsetof(struct shadow_store_add, flags),
		.known = 0,
	}, {
		.name = "STORE_RESIZE", .number = SHADOW_IOC_STORE_RESIZE,
		.fill = fill_resize,
		.members = {
			IN(shadow_store_resize, dev), IN(shadow_store_resize, part),
			IN(shadow_store_resize, flags), IN(shadow_store_resize, max_bytes),
			ZERO(shadow_store_resize, moved_bytes),
			ZERO(shadow_store_resize, fault), ZERO(shadow_store_resize, reserved),
		},
		.flags = offsetof(struct shadow_store_resize, flags),
		.known = 0,
	}, {
		.name = "STORE_ATTACH", .number = SHADOW_IOC_STORE_ATTACH,
		.fill = fill_attach,
		.members = {
			IN(shadow_store_attach, dev), IN(shadow_store_attach, flags),
			ZERO(shadow_store_attach, shadows), ZERO(shadow_store_attach, lost),
			ZERO(shadow_store_attach, dropped), IN(shadow_store_attach, store.type),
			ZERO(shadow_store_attach, store.fd), IN(shadow_store_attach, store.dev),
			ZERO(shadow_store_attach, store.max_bytes),
			ZERO(shadow_store_attach, fault), ZERO(shadow_store_attach, reserved),
		},
		.flags = offsetof(struct shadow_store_attach, flags),
		.known = SHADOW_ATTACH_LOST,
	}, {
		.name = "STORE_DETACH", .number = SHADOW_IOC_STORE_DETACH,
		.fill = fill_detach,
		.members = {
			IN(shadow_store_attach, dev), IN(shadow_store_attach, flags),
			ZERO(shadow_store_attach, shadows), ZERO(shadow_store_attach, lost),
			ZERO(shadow_store_attach, dropped), ZERO(shadow_store_attach, store),
			ZERO(shadow_store_attach, fault), ZERO(shadow_store_attach, reserved),
		},
		.flags = offsetof(struct shadow_store_attach, flags),
		.known = SHADOW_DETACH_FINAL,
	}, {
		.name = "DELETE", .number = SHADOW_IOC_DELETE,
		.fill = fill_delete,
		.members = {
			IN(shadow_delete, uuid), IN(shadow_delete, kind),
			IN(shadow_delete, flags), ZERO(shadow_delete, deleted),
			ZERO(shadow_delete, reserved0), ZERO(shadow_delete, failed),
			ZERO(shadow_delete, fault), ZERO(shadow_delete, reserved),
		},
		.flags = offsetof(struct shadow_delete, flags),
		.known = 0,
	}, {
		.name = "VOLUME_POLICY", .number = SHADOW_IOC_VOLUME_POLICY,
		.fill = fill_policy,
		.members = {
			IN(shadow_volume_policy, dev), IN(shadow_volume_policy, flags),
			IN(shadow_volume_policy, policy),
			IN(shadow_volume_policy, throttle_ms),
			ZERO(shadow_volume_policy, reserved0),
			ZERO(shadow_volume_policy, fault),
			ZERO(shadow_volume_policy, reserved),
		},
		.flags = offsetof(struct shadow_volume_policy, flags),
		.known = SHADOW_POLICY_CLEAR_FAULT,
	}, {
		.name = "SHADOW_CHANGE", .number = SHADOW_IOC_SHADOW_CHANGE,
		.fill = fill_change,
		.members = {
			IN(shadow_change, uuid), IN(shadow_change, kind),
			IN(shadow_change, flags), ZERO(shadow_change, changed),
			ZERO(shadow_change, reserved0), ZERO(shadow_change, failed),
			ZERO(shadow_change, fault), ZERO(shadow_change, reserved),
		},
		.flags = offsetof(struct shadow_change, flags),
		.known = SHADOW_CHANGE_UNPIN,
	}, {
		.name = "SHADOW_FREE", .number = SHADOW_IOC_SHADOW_FREE,
		.fill = fill_free,
		.members = {
			IN(shadow_shadow_free, uuid), IN(shadow_shadow_free, ranges),
			IN(shadow_shadow_free, count), IN(shadow_shadow_free, flags),
			ZERO(shadow_shadow_free, done), ZERO(shadow_shadow_free, reserved0),
			ZERO(shadow_shadow_free, blocks), ZERO(shadow_shadow_free, settled),
			ZERO(shadow_shadow_free, fault), ZERO(shadow_shadow_free, reserved),
		},
		.flags = offsetof(struct shadow_shadow_free, flags),
		.known = 0,
	}, {
		.name = "REVERT", .number = SHADOW_IOC_REVERT,
		.fill = fill_revert,
		.members = {
			IN(shadow_revert, uuid), IN(shadow_revert, flags),
			ZERO(shadow_revert, reserved0), ZERO(shadow_revert, needed_bytes),
			ZERO(shadow_revert, room_bytes), ZERO(shadow_revert, fault),
			ZERO(shadow_revert, reserved),
		},
		.flags = offsetof(struct shadow_revert, flags),
		.known = SHADOW_REVERT_AT_ATTACH,
	}, {
		.name = "REVERT_NEXT", .number = SHADOW_IOC_REVERT_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_revert_info, cursor), ZERO(shadow_revert_info, volume),
			ZERO(shadow_revert_info, shadow), ZERO(shadow_revert_info, state),
			ZERO(shadow_revert_info, reserved0), ZERO(shadow_revert_info, bytes_all),
			ZERO(shadow_revert_info, bytes_done),
			ZERO(shadow_revert_info, bytes_written),
			ZERO(shadow_revert_info, needed_bytes),
			ZERO(shadow_revert_info, room_bytes), ZERO(shadow_revert_info, fault),
			ZERO(shadow_revert_info, volume_name), ZERO(shadow_revert_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "REVERT_CANCEL", .number = SHADOW_IOC_REVERT_CANCEL,
		.fill = fill_cancel,
		.members = {
			IN(shadow_revert_cancel, dev), IN(shadow_revert_cancel, flags),
			ZERO(shadow_revert_cancel, reserved0), ZERO(shadow_revert_cancel, fault),
			ZERO(shadow_revert_cancel, reserved),
		},
		.flags = offsetof(struct shadow_revert_cancel, flags),
		.known = SHADOW_CANCEL_HALF_DONE,
	}, {
		.name = "MAP", .number = SHADOW_IOC_MAP,
		.fill = fill_map,
		.members = {
			IN(shadow_map, shadow), IN(shadow_map, since),
			ZERO(shadow_map, generation), IN(shadow_map, offset),
			IN(shadow_map, runs), IN(shadow_map, count), IN(shadow_map, want),
			ZERO(shadow_map, bytes), ZERO(shadow_map, fault),
			ZERO(shadow_map, reserved),
		},
		.flags = offsetof(struct shadow_map, want),
		.known = SHADOW_RUN_CHANGED | SHADOW_RUN_FREE | SHADOW_RUN_WAS_FREE |
			 SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN,
	}, {
		.name = "BASE_NEXT", .number = SHADOW_IOC_BASE_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_base_info, cursor), ZERO(shadow_base_info, uuid),
			ZERO(shadow_base_info, generation), ZERO(shadow_base_info, volume),
			ZERO(shadow_base_info, flags), ZERO(shadow_base_info, reserved0),
			ZERO(shadow_base_info, epoch), ZERO(shadow_base_info, bytes),
			ZERO(shadow_base_info, created_ns),
			ZERO(shadow_base_info, changed_bytes),
			ZERO(shadow_base_info, memory_bytes),
			ZERO(shadow_base_info, volume_name), ZERO(shadow_base_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "BASE_CHANGE", .number = SHADOW_IOC_BASE_CHANGE,
		.fill = fill_base,
		.members = {
			IN(shadow_base, uuid), IN(shadow_base, flags),
			ZERO(shadow_base, reserved0), ZERO(shadow_base, fault),
			ZERO(shadow_base, reserved),
		},
		.flags = offsetof(struct shadow_base, flags),
		.known = SHADOW_BASE_KEEP,
	}, {
		.name = "TRACKING_NEXT", .number = SHADOW_IOC_TRACKING_NEXT,
		.fill = fill_nothing,
		.members = {
			IN(shadow_tracking_info, cursor), ZERO(shadow_tracking_info, volume),
			ZERO(shadow_tracking_info, generation),
			ZERO(shadow_tracking_info, began_ns), ZERO(shadow_tracking_info, reason),
			ZERO(shadow_tracking_info, bases),
			ZERO(shadow_tracking_info, memory_bytes),
			ZERO(shadow_tracking_info, memory_limit_bytes),
			ZERO(shadow_tracking_info, forgotten),
			ZERO(shadow_tracking_info, volume_name),
			ZERO(shadow_tracking_info, reserved),
		},
		.known = ~0U,
	}, {
		.name = "SET_ADD", .number = SHADOW_IOC_SET_ADD, .on_set = true,
		.fill = fill_add,
		.members = {
			IN(shadow_set_add, dev), IN(shadow_set_add, flags),
			ZERO(shadow_set_add, reserved0), IN(shadow_set_add, store.type),
			ZERO(shadow_set_add, store.fd),
			IN(shadow_set_add, store.dev),
			IN(shadow_set_add, store.max_bytes),
			ZERO(shadow_set_add, shadow), ZERO(shadow_set_add, fault),
			ZERO(shadow_set_add, reserved),
		},
		.flags = offsetof(struct shadow_set_add, flags),
		.known = SHADOW_ADD_SHADOW | SHADOW_ADD_FREEZE | SHADOW_ADD_HOLD,
	},
	STEP(SET_HOLD),
	STEP(SET_TAKE),
	STEP(SET_RELEASE),
	STEP(SET_STATUS),
	STEP(SET_KEEP),
};

/* --- sets in all states --------------------------------------------------- */

static const char *const state_names[] = {
	[SHADOW_SET_NEW] = "NEW", [SHADOW_SET_HELD] = "HELD", [SHADOW_SET_FLIPPED] = "FLIPPED",
	[SHADOW_SET_TAKEN] = "TAKEN", [SHADOW_SET_FAILED] = "FAILED",
};

/* A set that failed because it was held for too long. */
static int set_failed(void)
{
	int set = set_new(0, 300), code;

	set_add(set, dev_c, SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_HOLD);
	usleep(900 * 1000);
	code = set_step(set, SHADOW_IOC_SET_TAKE, NULL);
	if (code != ETIMEDOUT)
		errx(2, "it could be taken after the time was over: %s", code_name(code));
	return set;
}

static int set_in(unsigned int state)
{
	int set;

	if (state == SHADOW_SET_FAILED)
		return set_failed();
	set = set_new(0, 60000);
	set_add(set, dev_c, SHADOW_ADD_SHADOW, "memory");
	if (state == SHADOW_SET_NEW)
		return set;
	set_must(set, SHADOW_IOC_SET_HOLD);
	if (state == SHADOW_SET_HELD)
		return set;
	set_must(set, SHADOW_IOC_SET_TAKE);
	if (state == SHADOW_SET_FLIPPED)
		return set;
	set_must(set, SHADOW_IOC_SET_RELEASE);
	wait_for_udev();
	return set;
}

static int watched_set_in(unsigned int state)
{
	int set = set_in(state);

	watch_set(set);
	return set;
}

/* --- one wrong thing after the other -------------------------------------- */

/* Give it @arg; it must refuse with @wanted.  Return: did it? */
static bool refuses(int fd, const struct command *c, void *arg, int wanted, const char *what)
{
	int code = ioctl(fd, c->number, arg) ? errno : 0;

	if (code == wanted)
		return true;
	printf("# %s, %s: %s\n", c->name, what, code_name(code));
	return false;
}

static bool one_member(int fd, const struct command *c, const struct member *m, size_t offset)
{
	unsigned char arg[ROOM];
	bool good = true;

	for (size_t i = 0; i < m->size; i++) {
		memset(arg, 0, sizeof(arg));
		c->fill(arg);
		arg[offset + i] = i & 1 ? 0x80 : 1;
		good &= refuses(fd, c, arg, EINVAL, m->name);
	}
	return good;
}

/* Each flag that nobody knows, one at a time. */
static bool unknown_flags(int fd, const struct command *c)
{
	__u32 word[ROOM / 4];
	bool good = true;

	for (unsigned int bit = 0; bit < 32; bit++) {
		if (c->known & 1U << bit)
			continue;
		memset(word, 0, sizeof(word));
		c->fill(word);
		word[c->flags / 4] |= 1U << bit;
		good &= refuses(fd, c, word, EINVAL, "unknown flag");
	}
	return good;
}

static size_t described(const struct command *c)
{
	size_t bytes = 0;

	for (const struct member *m = c->members; m->name; m++)
		bytes += m->size;
	return bytes;
}

static void members_of(int fd, const struct command *c, const char *state)
{
	size_t offset = 0;

	for (const struct member *m = c->members; m->name; offset += m->size, m++) {
		struct picture before;
		bool good;

		if (m->in)
			continue;
		picture_take(&before);
		good = one_member(fd, c, m, offset);
		result(good && !picture_differs(&before), "%s%s: %s must be zero", c->name, state,
		       m->name);
	}
	if (c->known != ~0U) {
		struct picture before;
		bool good;

		picture_take(&before);
		good = unknown_flags(fd, c);
		result(good && !picture_differs(&before), "%s%s: unknown flags", c->name, state);
	}
}

static void bad_value(int fd, const struct command *c, const void *arg, const char *what)
{
	struct picture before;
	bool good;

	picture_take(&before);
	good = refuses(fd, c, (void *)arg, EINVAL, what);
	result(good && !picture_differs(&before), "%s: %s", c->name, what);
}

static const struct command *command_of(unsigned long number)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].number == number)
			return &commands[i];
	errx(2, "no such command");
}

/* The same of durable stores. */
static void bad_durable_values(void)
{
	static const unsigned int others[] = {
		SHADOW_STORE_DEFAULT, SHADOW_STORE_MEMORY, 4, 0x80000002, ~0U,
	};
	const struct command *attach = command_of(SHADOW_IOC_STORE_ATTACH);
	const struct command *detach = command_of(SHADOW_IOC_STORE_DETACH);
	struct shadow_store_attach arg = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		fill_attach(&arg);
		arg.store.type = others[i];
		bad_value(control, attach, &arg, "no device of a store, but one is named");
		arg.store.dev = (struct shadow_dev){ 0 };
		bad_value(control, attach, &arg, "another type of store");
	}
	fill_attach(&arg);
	arg.store.type = SHADOW_STORE_FILE;
	bad_value(control, attach, &arg, "a file, but a device is named");
	fill_attach(&arg);
	arg.store.dev = (struct shadow_dev){ 0 };
	bad_value(control, attach, &arg, "a store on a device that is not named");
	arg.store.dev = (struct shadow_dev){ 8, 1 << 20 };
	bad_value(control, attach, &arg, "no such minor of a store");
	fill_attach(&arg);
	arg.dev = (struct shadow_dev){ 4096, 0 };
	bad_value(control, attach, &arg, "no such major");
	arg = (struct shadow_store_attach){ .dev = { 4096, 0 } };
	bad_value(control, detach, &arg, "no such major");
}

/* The same of maps and bases. */
static void bad_map_values(void)
{
	const struct command *map = command_of(SHADOW_IOC_MAP);
	const struct command *base = command_of(SHADOW_IOC_BASE_CHANGE);
	static const __u64 offsets[] = { 1, 512, 4095, 4097, ~0ULL };
	struct shadow_base b = { .uuid = shadow_of_a };
	struct shadow_map m = { 0 };

	fill_map(&m);
	m.want = 0;
	bad_value(control, map, &m, "nothing wanted");
	fill_map(&m);
	m.count = 0;
	bad_value(control, map, &m, "no room for a run");
	m.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		m.offset = offsets[i];
		bad_value(control, map, &m, "begun within a block");
	}
	m = (struct shadow_map){ 0 };
	fill_map(&m);
	m.shadow = (struct shadow_uuid){ 0 };
	bad_value(control, map, &m, "no shadow");
	fill_map(&m);
	m.want = SHADOW_RUN_WAS_FREE;
	bad_value(control, map, &m, "what was free, but not when");
	m.want |= SHADOW_RUN_CHANGED;
	bad_value(control, map, &m, "what has changed and was free, but not when");
	m.want = SHADOW_RUN_FREE | SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN;
	m.since = shadow_of_a;
	bad_value(control, map, &m, "a shadow to compare with, but nothing to compare");
	bad_value(control, base, &b, "nothing to change");
	b.flags = SHADOW_BASE_KEEP | SHADOW_BASE_DROP;
	bad_value(control, base, &b, "two changes");
	b = (struct shadow_base){ .flags = SHADOW_BASE_KEEP };
	bad_value(control, base, &b, "no base");
}

/* Values of members that mean something, but not this. */
static void bad_values(int set)
{
	const struct command *add = command_of(SHADOW_IOC_SET_ADD);
	const struct command *delete = command_of(SHADOW_IOC_DELETE);
	const struct command *change = command_of(SHADOW_IOC_SHADOW_CHANGE);
	const struct command *policy = command_of(SHADOW_IOC_VOLUME_POLICY);
	const struct command *part = command_of(SHADOW_IOC_STORE_ADD);
	struct shadow_store_add s = { .dev = dev_a };
	struct shadow_set_add a;
	struct shadow_delete d = { .uuid = shadow_of_a };
	struct shadow_change p = { .uuid = shadow_of_a };
	struct shadow_volume_policy v = { .dev = dev_c };
	static const unsigned int policies[] = { SHADOW_POLICY_FAIL_IO + 1, 0x80000001, ~0U };
	struct shadow_volume_track t = { .dev = { 4096, 0 } };
	static const unsigned int kinds[] = { 0, 3, 0x80000001, ~0U };
	static const unsigned int types[] = { 3, 0x80000001, ~0U };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		d.kind = kinds[i];
		bad_value(control, delete, &d, "unknown kind");
		p.kind = kinds[i];
		p.flags = SHADOW_CHANGE_PIN;
		bad_value(control, change, &p, "unknown kind");
	}
	p.kind = SHADOW_KIND_SHADOW;
	p.flags = 0;
	bad_value(control, change, &p, "nothing to change");
	p.flags = SHADOW_CHANGE_PIN | SHADOW_CHANGE_UNPIN;
	bad_value(control, change, &p, "two changes");
	bad_value(control, policy, &v, "neither a policy nor a fault to clear");
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		v.policy = policies[i];
		bad_value(control, policy, &v, "unknown policy");
	}
	v.throttle_ms = 1;
	v.policy = SHADOW_POLICY_EVICT;
	bad_value(control, policy, &v, "a time for another policy");
	v.policy = 0;
	v.flags = SHADOW_POLICY_CLEAR_FAULT;
	bad_value(control, policy, &v, "a time for no policy");
	v = (struct shadow_volume_policy){ .dev = { 4096, 0 }, .policy = SHADOW_POLICY_EVICT };
	bad_value(control, policy, &v, "no such major");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		a = adding(dev_b, SHADOW_ADD_SHADOW, NULL);
		a.store.type = types[i];
		bad_value(set, add, &a, "unknown type of store");
	}
	bad_value(control, part, &s, "no type of part");
	s.store.type = SHADOW_STORE_FILE + 1;
	bad_value(control, part, &s, "unknown type of part");
	s.store.type = SHADOW_STORE_DEVICE;
	bad_value(control, part, &s, "a part on a device that is not named");
	s.store.type = SHADOW_STORE_MEMORY;
	s.dev = (struct shadow_dev){ 4096, 0 };
	bad_value(control, part, &s, "no such major");
	a = adding(dev_b, 0, NULL);
	bad_value(set, add, &a, "neither shadow nor freeze nor hold");
	a = adding(dev_b, SHADOW_ADD_SHADOW | SHADOW_ADD_HOLD, NULL);
	bad_value(set, add, &a, "a shadow of what is only held");
	a = adding(dev_b, SHADOW_ADD_HOLD, "memory");
	bad_value(set, add, &a, "a store of what is only held");
	a = adding(dev_b, SHADOW_ADD_FREEZE, "memory");
	bad_value(set, add, &a, "a store without a shadow");
	a = adding(dev_b, SHADOW_ADD_SHADOW, NULL);
	a.store.max_bytes = 4 << 20;
	bad_value(set, add, &a, "a size without a store");
	a = adding(dev_b, SHADOW_ADD_SHADOW, NULL);
	a.store.dev = dev_b;
	bad_value(set, add, &a, "a device for no store");
	a = adding(dev_b, SHADOW_ADD_SHADOW, "memory");
	a.store.dev = dev_b;
	bad_value(set, add, &a, "a device for a store in memory");
	a = adding(dev_b, SHADOW_ADD_SHADOW, NULL);
	a.store.type = SHADOW_STORE_DEVICE;
	bad_value(set, add, &a, "a store on a device that is not named");
	a.store.dev = (struct shadow_dev){ 8, 1 << 20 };
	bad_value(set, add, &a, "no such minor of a store");
	a = adding((struct shadow_dev){ 8, 1 << 20 }, SHADOW_ADD_SHADOW, NULL);
	bad_value(set, add, &a, "no such minor");
	bad_value(control, command_of(SHADOW_IOC_VOLUME_TRACK), &t, "no such major");
	bad_value(control, command_of(SHADOW_IOC_VOLUME_UNTRACK), &t, "no such major");
}

static void members(void)
{
	int set = watched_set_in(SHADOW_SET_NEW);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		result(described(&commands[i]) == _IOC_SIZE(commands[i].number),
		       "%s: the table is complete", commands[i].name);
		members_of(commands[i].on_set ? set : control, &commands[i], "");
	}
	bad_values(set);
	bad_durable_values();
	bad_map_values();
	close_set(set);
	/* While held arguments come in another way. */
	set = watched_set_in(SHADOW_SET_HELD);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		members_of(commands[i].on_set ? set : control, &commands[i], " (held)");
	result(set_state(set) == SHADOW_SET_HELD, "it is held still");
	close_set(set);
}

/* --- other numbers -------------------------------------------------------- */

static bool unknown(int fd, unsigned long number)
{
	const struct command c = { .name = "a number", .number = number };
	unsigned char arg[ROOM] = { 0 };
	char what[32];

	snprintf(what, sizeof(what), "%#lx", number);
	return refuses(fd, &c, arg, ENOTTY, what);
}

static void other_size(int fd, const struct command *c)
{
	unsigned int size = _IOC_SIZE(c->number);
	unsigned long rest = c->number - ((unsigned long)size << _IOC_SIZESHIFT);
	const unsigned int sizes[] = { 0, 1, size - 8, size - 4, size - 1, size + 1, size + 4,
				       size + 8, 2 * size, 0x3fff };
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		good &= unknown(fd, rest | (unsigned long)sizes[i] << _IOC_SIZESHIFT);
	result(good, "%s of another size", c->name);
	good = unknown(fd, c->number ^ (unsigned long)_IOC_WRITE << _IOC_DIRSHIFT);
	good &= unknown(fd, c->number ^ (unsigned long)_IOC_READ << _IOC_DIRSHIFT);
	good &= unknown(fd, c->number ^ 1 << _IOC_TYPESHIFT);
	result(good, "%s of another direction or kind", c->name);
}

static bool is_command(unsigned int nr, bool on_set)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (_IOC_NR(commands[i].number) == nr && commands[i].on_set == on_set)
			return true;
	return false;
}

static void sizes(void)
{
	int set = watched_set_in(SHADOW_SET_NEW);
	struct picture before;
	bool good = true;

	picture_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		other_size(commands[i].on_set ? set : control, &commands[i]);
		result(unknown(commands[i].on_set ? control : set, commands[i].number),
		       "%s is for the other descriptor", commands[i].name);
	}
	for (unsigned int nr = 0; nr < 256; nr++) {
		if (!is_command(nr, false))
			good &= unknown(control, _IOC(_IOC_READ | _IOC_WRITE, SHADOW_IOC_MAGIC, nr,
						      sizeof(struct shadow_set_step)));
		if (!is_command(nr, true))
			good &= unknown(set, _IOC(_IOC_READ | _IOC_WRITE, SHADOW_IOC_MAGIC, nr,
						  sizeof(struct shadow_set_step)));
	}
	result(good, "all other numbers are unknown");
	result(!picture_differs(&before), "nothing has changed");
	close_set(set);
}

/* --- without the capability ----------------------------------------------- */

static void set_capable(bool on)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		err(2, "capget");
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].effective |= (unsigned int)on << CAP_SYS_ADMIN;
	if (syscall(SYS_capset, &header, data))
		err(2, "capset");
}

static bool all_refused(int set, const char *who)
{
	unsigned char arg[ROOM];
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		memset(arg, 0, sizeof(arg));
		commands[i].fill(arg);
		good &= refuses(commands[i].on_set ? set : control, &commands[i], arg, EPERM, who);
		good &= refuses(commands[i].on_set ? set : control, &commands[i], NULL, EPERM, who);
	}
	return good;
}

/* In a user namespace of its own a program has all capabilities, but not ours. */
static bool refused_in_namespace(int set)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			err(2, "unshare");
		_exit(!all_refused(set, "in a user namespace"));
	}
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	return !status;
}

static void capability(void)
{
	static const unsigned int states[] = { SHADOW_SET_NEW, SHADOW_SET_HELD };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		int set = watched_set_in(states[i]);
		struct picture before;
		bool good;

		picture_take(&before);
		set_capable(false);
		good = all_refused(set, "without CAP_SYS_ADMIN");
		set_capable(true);
		result(good, "all commands want CAP_SYS_ADMIN, %s", state_names[states[i]]);
		result(refused_in_namespace(set), "of the initial user namespace, %s",
		       state_names[states[i]]);
		result(!picture_differs(&before), "nothing has changed, %s",
		       state_names[states[i]]);
		close_set(set);
	}
}

/* --- pointers to nowhere -------------------------------------------------- */

struct pointer {
	const char *name;
	void *address;		/* or where the good page ends */
	bool kernel;
	bool straddles;
};

static struct pointer pointers[] = {
	{ "NULL", NULL, false, false },
	{ "1", (void *)1, false, false },
	{ "an unmapped page", NULL, false, false },
	{ "a page without access", NULL, false, false },
	{ "a read-only page", NULL, false, false },
	{ "the last 8 bytes on an unmapped page", NULL, false, true },
	{ "all but a byte on an unmapped page", NULL, false, true },
	{ "the kernel's text", (void *)0xffffffff81000000UL, true, false },
	{ "the kernel's memory", (void *)0xffff888000001000UL, true, false },
	{ "an address that is none", (void *)0x8000000000000000UL, true, false },
	{ "the last bytes there are", (void *)-8UL, true, false },
};

enum { UNMAPPED = 2, NO_ACCESS, READ_ONLY, TAIL, HEAD };

static void make_pointers(void)
{
	char *page = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (page == MAP_FAILED || munmap(page + 4096, 4096) ||
	    mprotect(page + 3 * 4096, 4096, PROT_NONE))
		err(2, "mmap");
	pointers[UNMAPPED].address = page + 4096;
	pointers[NO_ACCESS].address = page + 3 * 4096;
	pointers[READ_ONLY].address = page + 5 * 4096;
	pointers[TAIL].address = page + 4096;
	pointers[HEAD].address = page + 4096;
}

/* Where the argument of @c is to be; what is valid there is filled in. */
static void *place(const struct pointer *p, const struct command *c)
{
	unsigned char arg[ROOM] = { 0 };
	size_t size = _IOC_SIZE(c->number), good = 0;
	char *at = p->address;

	c->fill(arg);
	if (p == &pointers[READ_ONLY]) {
		mprotect(at, 4096, PROT_READ | PROT_WRITE);
		memcpy(at, arg, size);
		mprotect(at, 4096, PROT_READ);
	} else if (p->straddles) {
		good = p == &pointers[TAIL] ? size - 8 : 1;
		at -= good;
		memcpy(at, arg, good);
	}
	return at;
}

static void pointer(int fd, const struct command *c, const struct pointer *p, int wanted,
		    const char *state)
{
	void *arg = place(p, c);
	struct picture before;
	const char *differs;
	bool good;

	picture_take(&before);
	good = refuses(fd, c, arg, wanted, p->name);
	differs = picture_differs(&before);
	if (differs)
		printf("# changed: %s\n", differs);
	result(good && !differs, "%s%s: %s", c->name, state, p->name);
}

/*
 * Of a set that is held a step is done whether or not its answer can be written:
 * only addresses of the kernel are refused.
 */
static int wanted_while_held(const struct command *c, const struct pointer *p)
{
	int code = EBADFD;

	if (!c->on_set || c->number == SHADOW_IOC_SET_ADD || p->kernel)
		code = EFAULT;
	else if (c->number == SHADOW_IOC_SET_STATUS)
		code = 0;
	return code;
}

static void pointers_held(void)
{
	int set = watched_set_in(SHADOW_SET_HELD);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		for (size_t j = 0; j < ARRAY_SIZE(pointers); j++) {
			bool leads_on = c->number == SHADOW_IOC_SET_TAKE ||
					c->number == SHADOW_IOC_SET_RELEASE;

			if (!leads_on || pointers[j].kernel)
				pointer(c->on_set ? set : control, c, &pointers[j],
					wanted_while_held(c, &pointers[j]), " (held)");
		}
	}
	close_set(set);
}

static void steps_without_answer(void)
{
	struct shadow_set_step step;
	int set = set_in(SHADOW_SET_HELD);

	result(!ioctl(set, SHADOW_IOC_SET_TAKE, pointers[UNMAPPED].address) &&
	       set_state(set) == SHADOW_SET_FLIPPED, "a held set is taken without an answer");
	result(ioctl(set, SHADOW_IOC_SET_RELEASE, pointers[UNMAPPED].address) &&
	       errno == EFAULT, "releasing it says that the answer was not written");
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(step.state == SHADOW_SET_TAKEN && !step.held, "it is released all the same");
	wait_for_udev();
	close(set);
}

/* Addresses within an argument that is good. */
static void bad_ranges(void)
{
	const struct command *c = command_of(SHADOW_IOC_SHADOW_FREE);
	struct shadow_shadow_free free;

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		struct picture before;
		bool good;

		if (i == READ_ONLY)
			continue;
		memset(&free, 0, sizeof(free));
		fill_free(&free);
		free.ranges = (uintptr_t)pointers[i].address;
		if (pointers[i].straddles)
			free.ranges -= i == TAIL ? 8 : 1;
		picture_take(&before);
		good = refuses(control, c, &free, EFAULT, pointers[i].name);
		result(good && !free.done && !picture_differs(&before), "SHADOW_FREE, ranges: %s",
		       pointers[i].name);
	}
}

/* Likewise, where the answer is to be; what it was about is as it was before. */
static void bad_runs(void)
{
	const struct command *c = command_of(SHADOW_IOC_MAP);

	mprotect(pointers[READ_ONLY].address, 4096, PROT_READ);
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		struct shadow_map map = { 0 };
		struct picture before;
		bool good;

		fill_map(&map);
		map.runs = (uintptr_t)pointers[i].address;
		if (pointers[i].straddles)
			map.runs -= i == TAIL ? sizeof(struct shadow_run) - 8 : 1;
		picture_take(&before);
		good = refuses(control, c, &map, EFAULT, pointers[i].name);
		result(good && !map.count && !map.offset && !picture_differs(&before),
		       "MAP, runs: %s", pointers[i].name);
	}
}

static void bad_pointers(void)
{
	int set = watched_set_in(SHADOW_SET_NEW);

	make_pointers();
	bad_ranges();
	bad_runs();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		for (size_t j = 0; j < ARRAY_SIZE(pointers); j++)
			pointer(commands[i].on_set ? set : control, &commands[i], &pointers[j],
				EFAULT, "");
	close_set(set);
	pointers_held();
	steps_without_answer();
}

/* --- every command in every state ----------------------------------------- */

static const struct {
	unsigned long number;
	const char *name;
	unsigned int states;	/* where it is allowed */
} steps[] = {
	{ SHADOW_IOC_SET_ADD, "SET_ADD", 1 << SHADOW_SET_NEW },
	{ SHADOW_IOC_SET_HOLD, "SET_HOLD", 1 << SHADOW_SET_NEW },
	{ SHADOW_IOC_SET_TAKE, "SET_TAKE", 1 << SHADOW_SET_NEW | 1 << SHADOW_SET_HELD },
	{ SHADOW_IOC_SET_RELEASE, "SET_RELEASE", 1 << SHADOW_SET_HELD | 1 << SHADOW_SET_FLIPPED },
	{ SHADOW_IOC_SET_KEEP, "SET_KEEP", 1 << SHADOW_SET_TAKEN },
	{ SHADOW_IOC_SET_STATUS, "SET_STATUS", ~0U },
};

static int give(int set, unsigned long number, struct shadow_fault *fault)
{
	struct shadow_set_add add = adding(dev_b, SHADOW_ADD_SHADOW, "memory");
	struct shadow_set_step step;
	int code;

	if (number == SHADOW_IOC_SET_ADD) {
		code = ioctl(set, number, &add) ? errno : 0;
		*fault = add.fault;
		return code;
	}
	code = set_step(set, number, &step);
	*fault = step.fault;
	return code;
}

static void out_of_order(unsigned int state)
{
	int wanted = state == SHADOW_SET_FAILED ? ETIMEDOUT : EBADFD;
	int set = watched_set_in(state);

	result(set_state(set) == state, "a set is %s", state_names[state]);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct picture before;
		struct shadow_fault fault;
		const char *differs;
		int code;

		if (steps[i].states & 1U << state)
			continue;
		picture_take(&before);
		code = give(set, steps[i].number, &fault);
		differs = picture_differs(&before);
		if (differs)
			printf("# changed: %s\n", differs);
		result(code == wanted && !differs, "%s %s: %s", steps[i].name, state_names[state],
		       code_name(code));
		if (steps[i].number == SHADOW_IOC_SET_ADD || wanted == EBADFD)
			result(fault.reason == SHADOW_REASON_STATE, "its reason is STATE");
		else if (state == SHADOW_SET_FAILED)
			result(fault.error == ETIMEDOUT && fault.reason == SHADOW_REASON_TIMEOUT,
			       "its reason is that of the failure");
	}
	close_set(set);
}

/* From each state that allows it: @number ends in @next. */
static void in_order(unsigned int state, unsigned long number, const char *name,
		     unsigned int next)
{
	struct shadow_fault fault;
	int set = set_in(state);
	int code = give(set, number, &fault);

	result(!code && set_state(set) == next, "%s %s: %s, then %s", name, state_names[state],
	       code_name(code), state_names[set_state(set)]);
	if (next == SHADOW_SET_TAKEN)
		wait_for_udev();
	close(set);
}

static void states(void)
{
	for (unsigned int state = SHADOW_SET_NEW; state <= SHADOW_SET_FAILED; state++)
		if (state != SHADOW_SET_HOLDING)
			out_of_order(state);
	in_order(SHADOW_SET_NEW, SHADOW_IOC_SET_ADD, "SET_ADD", SHADOW_SET_NEW);
	in_order(SHADOW_SET_NEW, SHADOW_IOC_SET_HOLD, "SET_HOLD", SHADOW_SET_HELD);
	in_order(SHADOW_SET_NEW, SHADOW_IOC_SET_TAKE, "SET_TAKE", SHADOW_SET_TAKEN);
	in_order(SHADOW_SET_HELD, SHADOW_IOC_SET_TAKE, "SET_TAKE", SHADOW_SET_FLIPPED);
	in_order(SHADOW_SET_HELD, SHADOW_IOC_SET_RELEASE, "SET_RELEASE", SHADOW_SET_NEW);
	in_order(SHADOW_SET_FLIPPED, SHADOW_IOC_SET_RELEASE, "SET_RELEASE", SHADOW_SET_TAKEN);
	in_order(SHADOW_SET_TAKEN, SHADOW_IOC_SET_STATUS, "SET_STATUS", SHADOW_SET_TAKEN);
}

/* --- all of it ------------------------------------------------------------ */

static const struct ctl_case parts[] = {
	CASE(COMMON, EINVAL, NONE, members, members),
	CASE(COMMON, ENOTTY, NONE, sizes, sizes),
	CASE(COMMON, EPERM, NONE, capability, capability),
	CASE(COMMON, EFAULT, NONE, pointers, bad_pointers),
	CASE(STEP, EBADFD, NONE, states, states),
};

/* A block of its shadow was free. */
static void make_free(struct shadow_uuid uuid)
{
	const struct shadow_free_range range = { 1 << 20, 4096 };
	struct shadow_shadow_free free = { .uuid = uuid, .count = 1 };

	free.ranges = (uintptr_t)&range;
	if (ioctl(control, SHADOW_IOC_SHADOW_FREE, &free))
		err(2, "SHADOW_IOC_SHADOW_FREE");
}

/* @a has a shadow on @store and @c is tracked, so that there is something to lose. */
static int make_shadow(void)
{
	struct shadow_volume_track track = { .dev = dev_c };
	struct shadow_set_add add = adding(dev_a, SHADOW_ADD_SHADOW, role("store"));
	int set = set_new(0, 0);

	if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
		err(2, "SHADOW_IOC_SET_ADD");
	shadow_of_a = add.shadow;
	set_must(set, SHADOW_IOC_SET_TAKE);
	make_free(shadow_of_a);
	if (ioctl(control, SHADOW_IOC_VOLUME_TRACK, &track))
		err(2, "SHADOW_IOC_VOLUME_TRACK");
	wait_for_udev();
	return set;
}

/* A persistent shadow of a volume.  Return: which. */
static struct shadow_uuid make_persistent(struct shadow_dev dev, const char *store)
{
	struct shadow_set_add add = adding(dev, SHADOW_ADD_SHADOW, store);
	int set = set_new(SHADOW_SET_NO_AUTO_RELEASE | SHADOW_SET_PERSISTENT, 0);

	if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
		err(2, "SHADOW_IOC_SET_ADD");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	close(set);
	return add.shadow;
}

/* @d has one, and @b had. */
static struct shadow_uuid make_durable(void)
{
	struct shadow_store_attach detach = { .dev = dev_b };

	make_persistent(dev_b, role("detached"));
	if (ioctl(control, SHADOW_IOC_STORE_DETACH, &detach))
		err(2, "SHADOW_IOC_STORE_DETACH");
	return make_persistent(dev_d, role("durable"));
}

static void delete_shadow(struct shadow_uuid uuid)
{
	struct shadow_delete delete = { .uuid = uuid, .kind = SHADOW_KIND_SHADOW };

	wait_for_udev();
	if (ioctl(control, SHADOW_IOC_DELETE, &delete))
		err(2, "SHADOW_IOC_DELETE");
}

int main(int argc, char **argv)
{
	uint64_t store, durable, detached;
	struct shadow_uuid shadow_of_d;
	struct picture before;
	const char *differs;
	int set;

	if (argc < 2)
		errx(2, "usage: ctl_args GROUP NAME=DEVICE...");
	roles = argv + 2;
	open_control();
	dev_a = role_dev("a");
	dev_b = role_dev("b");
	dev_c = role_dev("c");
	dev_d = role_dev("d");
	shadow_of_d = make_durable();
	set = make_shadow();
	watch_set(set);
	store = contents(role("store"));
	durable = contents(role("durable"));
	detached = contents(role("detached"));
	picture_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(parts[i].group, argv[1]))
			parts[i].fn();
	wait_for_udev();
	/* Sets that were held have left their mark on @c's counters. */
	differs = picture_differs(&before);
	result(!differs || !strcmp(differs, picture_parts[PICTURE_VOLUMES]),
	       "in the end all is as it was");
	result(contents(role("store")) == store, "the store has not changed");
	result(contents(role("durable")) == durable && contents(role("detached")) == detached,
	       "nor have durable ones");
	close_set(set);
	delete_shadow(shadow_of_d);
	return failures ? 1 : 0;
}
