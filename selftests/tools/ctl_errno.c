// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every error that Documentation/uapi/ioctl.rst knows, provoked:
 *
 *	ctl_errno GROUP NAME=DEVICE...
 *
 * runs the cases of a group; each asks for the devices that it needs by name.  A
 * case gives at least one command that must fail with its errno and its reason, and
 * change nothing.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "ctl_case.h"
#include "disk_format.h"

static const struct ctl_case *current;
static unsigned int refusals;

static void pause_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

/* What is deleted goes, and udev closes what it has looked at, in their own time. */
static const char *differs_at_last(struct picture *before)
{
	const char *differs;

	for (unsigned int i = 0; i < 100; i++) {
		wait_for_udev();
		differs = picture_compare(before);
		if (!differs)
			break;
		pause_ms(50);
	}
	picture_free(before);
	return differs;
}

/* --- refusals ------------------------------------------------------------- */

static void judge(int code, const struct shadow_fault *fault, struct picture *before)
{
	const char *differs = before ? picture_differs(before) : NULL;
	unsigned int reason = fault ? fault->reason : SHADOW_REASON_NONE;
	bool good = code == current->code && reason == current->reason && !differs;

	/* ctl_errno knows the errno; the fault repeats it where there is a reason */
	if (fault && fault->reason && (int)fault->error != code)
		good = false;
	refusals++;
	if (!result(good, "%s", current->name))
		printf("# errno %s, phase %u, reason %u, device %u:%u%s%s\n", code_name(code),
		       fault ? fault->phase : 0, reason, fault ? fault->dev.major : 0,
		       fault ? fault->dev.minor : 0, differs ? "; changed: " : "",
		       differs ?: "");
}

/* The command must fail as the case says. */
static void refused(int fd, unsigned long number, void *arg, const struct shadow_fault *fault)
{
	struct picture before;

	picture_take(&before);
	judge(ioctl(fd, number, arg) ? errno : 0, fault, &before);
}

/* The step must fail as the case says; the set is not the same after it. */
static void step_fails(int set, unsigned long number)
{
	struct shadow_set_step step;
	int code = set_step(set, number, &step);

	judge(code, &step.fault, NULL);
}

static void add_refused(int set, struct shadow_set_add add)
{
	refused(set, SHADOW_IOC_SET_ADD, &add, &add.fault);
}

static void track_refused(struct shadow_dev dev, __u64 memory_bytes)
{
	struct shadow_volume_track track = { .dev = dev, .memory_bytes = memory_bytes };

	refused(control, SHADOW_IOC_VOLUME_TRACK, &track, &track.fault);
}

static void untrack_refused(struct shadow_dev dev)
{
	struct shadow_volume_track track = { .dev = dev };

	refused(control, SHADOW_IOC_VOLUME_UNTRACK, &track, &track.fault);
}

static void track(struct shadow_dev dev)
{
	struct shadow_volume_track track = { .dev = dev };

	if (ioctl(control, SHADOW_IOC_VOLUME_TRACK, &track))
		err(2, "SHADOW_IOC_VOLUME_TRACK");
}

static void untrack(struct shadow_dev dev)
{
	struct shadow_volume_track track = { .dev = dev };

	if (ioctl(control, SHADOW_IOC_VOLUME_UNTRACK, &track))
		err(2, "SHADOW_IOC_VOLUME_UNTRACK");
}

/* A shadow of @dev, as a set that is taken. */
static int shadow(struct shadow_dev dev)
{
	int set = set_new(0, 0);

	set_add(set, dev, SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	return set;
}

/* The last shadow of the list. */
static struct shadow_shadow_info last_shadow(void)
{
	struct shadow_shadow_info info = { 0 }, last = { 0 };

	while (!ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info)) {
		last = info;
		memset(&info, 0, sizeof(info));
		info.cursor = last.cursor;
	}
	return last;
}

static int open_image(const struct shadow_shadow_info *info)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/shadow%u", info->index);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

/* --- sets and lists ------------------------------------------------------- */

static void too_many_files(void)
{
	struct rlimit old, low;
	struct shadow_set_new new = { 0 };
	struct picture before;
	int code;

	if (getrlimit(RLIMIT_NOFILE, &old))
		err(2, "getrlimit");
	picture_take(&before);
	low = old;
	low.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &low);
	code = ioctl(control, SHADOW_IOC_SET_NEW, &new) ? errno : 0;
	setrlimit(RLIMIT_NOFILE, &old);
	judge(code, NULL, &before);
}

static void set_timeouts(void)
{
	static const unsigned int wrong[] = {
		1, SHADOW_TIMEOUT_MIN_MS - 1, SHADOW_TIMEOUT_MAX_MS + 1, ~0U,
	};
	static const unsigned int right[] = {
		0, SHADOW_TIMEOUT_MIN_MS, SHADOW_TIMEOUT_DEFAULT_MS, SHADOW_TIMEOUT_MAX_MS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct shadow_set_new new = { .timeout_ms = wrong[i] };

		refused(control, SHADOW_IOC_SET_NEW, &new, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(right); i++)
		close(set_new(0, right[i]));
}

static void tracked_twice(void)
{
	track(role_dev("a"));
	track_refused(role_dev("a"), 0);
	track_refused(role_dev("a"), 8 << 20);
	untrack(role_dev("a"));
}

static void memory_range(void)
{
	track_refused(role_dev("a"), 1);
	track_refused(role_dev("a"), (4 << 20) - 1);
	track_refused(role_dev("a"), 1ULL << 44);
	track_refused(role_dev("a"), ~0ULL);
}

static void no_device(void)
{
	track_refused((struct shadow_dev){ 0, 0 }, 0);
	track_refused((struct shadow_dev){ 4095, (1 << 20) - 1 }, 0);
	track_refused((struct shadow_dev){ 259, 1000000 }, 0);
}

static void untrack_with_shadow(void)
{
	int set;

	track(role_dev("a"));
	set = shadow(role_dev("a"));
	untrack_refused(role_dev("a"));
	close(set);
	set = set_new(0, 0);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, NULL);
	untrack_refused(role_dev("a"));
	close(set);
	untrack(role_dev("a"));
}

static void untrack_untracked(void)
{
	int set = set_new(0, 0);

	untrack_refused(role_dev("b"));
	untrack_refused((struct shadow_dev){ 4095, 0 });
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, NULL);	/* tracked, not by request */
	untrack_refused(role_dev("a"));
	close(set);
}

static void set_policy(struct shadow_dev dev, __u32 flags, __u32 kind, __u32 throttle_ms)
{
	struct shadow_volume_policy policy = {
		.dev = dev, .flags = flags, .policy = kind, .throttle_ms = throttle_ms,
	};

	if (ioctl(control, SHADOW_IOC_VOLUME_POLICY, &policy))
		err(2, "SHADOW_IOC_VOLUME_POLICY");
}

static void policy_untracked(void)
{
	static const struct shadow_dev none = { 4095, 0 };
	struct shadow_volume_policy policy = { .policy = SHADOW_POLICY_FAIL_IO };

	policy.dev = role_dev("b");
	refused(control, SHADOW_IOC_VOLUME_POLICY, &policy, &policy.fault);
	policy = (struct shadow_volume_policy){ .flags = SHADOW_POLICY_CLEAR_FAULT };
	policy.dev = role_dev("b");
	refused(control, SHADOW_IOC_VOLUME_POLICY, &policy, &policy.fault);
	policy = (struct shadow_volume_policy){ .dev = none, .policy = SHADOW_POLICY_EVICT };
	refused(control, SHADOW_IOC_VOLUME_POLICY, &policy, &policy.fault);
}

static void throttle_range(void)
{
	struct shadow_volume_policy policy = { .policy = SHADOW_POLICY_THROTTLE };
	static const unsigned int wrong[] = { SHADOW_THROTTLE_MAX_MS + 1, ~0U };

	track(role_dev("a"));
	policy.dev = role_dev("a");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		policy.throttle_ms = wrong[i];
		refused(control, SHADOW_IOC_VOLUME_POLICY, &policy, &policy.fault);
	}
	set_policy(role_dev("a"), 0, SHADOW_POLICY_THROTTLE, SHADOW_THROTTLE_MAX_MS);
	untrack(role_dev("a"));
}

/* Fill its store of 4 MiB: writes end with an error from then on. */
static void make_fault(const char *name)
{
	static char buffer[1 << 20] __attribute__((aligned(4096)));
	int fd = open(role(name), O_RDWR | O_DIRECT | O_CLOEXEC);
	off_t at = 0;

	set_policy(role_dev(name), 0, SHADOW_POLICY_FAIL_IO, 0);
	if (fd < 0)
		err(2, "%s", role(name));
	do {
		if (pread(fd, buffer, sizeof(buffer), at) != sizeof(buffer))
			errx(2, "%s has no fault", role(name));
	} while (pwrite(fd, buffer, sizeof(buffer), at) == sizeof(buffer) &&
		 (at += sizeof(buffer)));
	result(errno == EIO && at, "a write that cannot be preserved ends with EIO");
	close(fd);
}

static void add_faulted(void)
{
	int set = shadow(role_dev("a")), other = set_new(0, 0);

	make_fault("a");
	add_refused(other, adding(role_dev("a"), SHADOW_ADD_SHADOW, NULL));
	set_policy(role_dev("a"), SHADOW_POLICY_CLEAR_FAULT, 0, 0);
	set_add(other, role_dev("a"), SHADOW_ADD_SHADOW, NULL);
	close(other);
	close(set);
}

static void take_faulted(void)
{
	int set = shadow(role_dev("a")), other = set_new(0, 60000);

	watch_set(other);
	set_add(other, role_dev("a"), SHADOW_ADD_SHADOW, NULL);
	make_fault("a");
	set_must(other, SHADOW_IOC_SET_HOLD);
	step_fails(other, SHADOW_IOC_SET_TAKE);
	close_set(other);
	close(set);
}

static void no_more_volumes(void)
{
	struct shadow_volume_info info = { 0 };

	refused(control, SHADOW_IOC_VOLUME_NEXT, &info, NULL);
	track(role_dev("a"));
	if (ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info))
		err(2, "SHADOW_IOC_VOLUME_NEXT");
	info = (struct shadow_volume_info){ .cursor = info.cursor };
	refused(control, SHADOW_IOC_VOLUME_NEXT, &info, NULL);
	info = (struct shadow_volume_info){ .cursor = ~0ULL };
	refused(control, SHADOW_IOC_VOLUME_NEXT, &info, NULL);
	untrack(role_dev("a"));
}

static void no_more_shadows(void)
{
	struct shadow_shadow_info info = { 0 };
	int set;

	refused(control, SHADOW_IOC_SHADOW_NEXT, &info, NULL);
	set = shadow(role_dev("a"));
	info.cursor = last_shadow().cursor;
	refused(control, SHADOW_IOC_SHADOW_NEXT, &info, NULL);
	info.cursor = ~0ULL;
	refused(control, SHADOW_IOC_SHADOW_NEXT, &info, NULL);
	close(set);
}

static void no_more_parts(void)
{
	struct shadow_store_info info = { 0 };
	int set;

	refused(control, SHADOW_IOC_STORE_NEXT, &info, NULL);
	set = shadow(role_dev("a"));
	if (ioctl(control, SHADOW_IOC_STORE_NEXT, &info))
		err(2, "SHADOW_IOC_STORE_NEXT");
	info = (struct shadow_store_info){ .cursor = info.cursor };
	refused(control, SHADOW_IOC_STORE_NEXT, &info, NULL);
	info = (struct shadow_store_info){ .cursor = ~0ULL };
	refused(control, SHADOW_IOC_STORE_NEXT, &info, NULL);
	close(set);
}

static void resize_refused(struct shadow_dev dev, unsigned int part, __u64 max_bytes)
{
	struct shadow_store_resize resize = { .dev = dev, .part = part, .max_bytes = max_bytes };

	refused(control, SHADOW_IOC_STORE_RESIZE, &resize, &resize.fault);
}

static void resize_no_store(void)
{
	resize_refused(role_dev("b"), 0, 8 << 20);
	resize_refused((struct shadow_dev){ 4095, 0 }, 0, 0);
	track(role_dev("a"));
	resize_refused(role_dev("a"), 0, 8 << 20);
	untrack(role_dev("a"));
}

static void resize_no_part(void)
{
	static const unsigned int wrong[] = { 1, 255, 256, 0x80000000, ~0U };
	int set = shadow(role_dev("a"));

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		resize_refused(role_dev("a"), wrong[i], 8 << 20);
		resize_refused(role_dev("a"), wrong[i], 0);
	}
	close(set);
}

static void resize_last(void)
{
	int set = shadow(role_dev("a"));

	resize_refused(role_dev("a"), 0, 0);
	close(set);
	/* nor while a shadow is only to be */
	set = set_new(0, 0);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	resize_refused(role_dev("a"), 0, 0);
	close(set);
}

static void resize_size(void)
{
	static const __u64 wrong[] = { 1, 4096, (4 << 20) - 1, 1ULL << 50, ~0ULL };
	int set = shadow(role_dev("a"));

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		resize_refused(role_dev("a"), 0, wrong[i]);
	close(set);
}

static void delete_open(void)
{
	int set = shadow(role_dev("a"));
	struct shadow_shadow_info info = last_shadow();
	struct shadow_delete delete = { .uuid = info.uuid, .kind = SHADOW_KIND_SHADOW };
	int image = open_image(&info);

	refused(control, SHADOW_IOC_DELETE, &delete, &delete.fault);
	result(!memcmp(&delete.failed, &info.uuid, sizeof(info.uuid)) && !delete.deleted,
	       "it is named as the one that failed");
	close(image);
	close(set);
}

/* Of a set the others are deleted. */
static void delete_set_open(void)
{
	int set = set_new(0, 0);
	struct shadow_delete delete = { .kind = SHADOW_KIND_SET };
	struct shadow_shadow_info info;
	int image;

	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	info = last_shadow();
	image = open_image(&info);
	delete.uuid = info.set;
	judge(ioctl(control, SHADOW_IOC_DELETE, &delete) ? errno : 0, &delete.fault, NULL);
	result(delete.deleted == 1 && !memcmp(&delete.failed, &info.uuid, sizeof(info.uuid)),
	       "the other one of the set is deleted");
	close(image);
	close(set);
}

static void delete_unknown(void)
{
	struct shadow_uuid uuids[] = { { { 0 } }, { { 1, 2, 3 } } };
	int set = shadow(role_dev("a"));
	struct shadow_shadow_info info = last_shadow();

	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++)
		for (unsigned int kind = SHADOW_KIND_SHADOW; kind <= SHADOW_KIND_SET; kind++) {
			struct shadow_delete delete = { .uuid = uuids[i], .kind = kind };

			refused(control, SHADOW_IOC_DELETE, &delete, &delete.fault);
		}
	/* a set is no shadow, and a shadow no set */
	refused(control, SHADOW_IOC_DELETE, &(struct shadow_delete){
		.uuid = info.set, .kind = SHADOW_KIND_SHADOW }, NULL);
	refused(control, SHADOW_IOC_DELETE, &(struct shadow_delete){
		.uuid = info.uuid, .kind = SHADOW_KIND_SET }, NULL);
	close(set);
	/* nor can what is deleted be deleted again */
	refused(control, SHADOW_IOC_DELETE, &(struct shadow_delete){
		.uuid = info.uuid, .kind = SHADOW_KIND_SHADOW }, NULL);
}

/* What went with its last opener is deleted by a work item. */
static void wait_for_deletions(void)
{
	struct shadow_info info;

	do {
		pause_ms(20);
		memset(&info, 0, sizeof(info));
		if (ioctl(control, SHADOW_IOC_INFO, &info))
			err(2, "SHADOW_IOC_INFO");
	} while (info.shadows || info.volumes);
}

static void change_unknown(void)
{
	struct shadow_uuid uuids[] = { { { 0 } }, { { 1, 2, 3 } } };
	int set = shadow(role_dev("a")), image;
	struct shadow_shadow_info info = last_shadow();

	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++)
		for (unsigned int kind = SHADOW_KIND_SHADOW; kind <= SHADOW_KIND_SET; kind++) {
			struct shadow_change change = {
				.uuid = uuids[i], .kind = kind, .flags = SHADOW_CHANGE_PIN,
			};

			refused(control, SHADOW_IOC_SHADOW_CHANGE, &change, &change.fault);
		}
	refused(control, SHADOW_IOC_SHADOW_CHANGE, &(struct shadow_change){
		.uuid = info.set, .kind = SHADOW_KIND_SHADOW, .flags = SHADOW_CHANGE_PIN }, NULL);
	/* nor what only waits for its opener */
	image = open_image(&info);
	close(set);
	refused(control, SHADOW_IOC_SHADOW_CHANGE, &(struct shadow_change){
		.uuid = info.uuid, .kind = SHADOW_KIND_SHADOW, .flags = SHADOW_CHANGE_PIN }, NULL);
	refused(control, SHADOW_IOC_SHADOW_CHANGE, &(struct shadow_change){
		.uuid = info.set, .kind = SHADOW_KIND_SET, .flags = SHADOW_CHANGE_PIN }, NULL);
	close(image);
	wait_for_deletions();
}

/* Not while somebody may write; who only reads does not matter. */
static void seal_open(void)
{
	int set = set_new(SHADOW_SET_WRITABLE, 0), reader, writer;
	struct shadow_change change = { .kind = SHADOW_KIND_SHADOW, .flags = SHADOW_CHANGE_SEAL };
	struct shadow_shadow_info info;
	char path[64];

	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	info = last_shadow();
	change.uuid = info.uuid;
	snprintf(path, sizeof(path), "/dev/shadow%u", info.index);
	writer = open(path, O_RDWR | O_CLOEXEC);
	result(writer >= 0, "it can be opened for writing");
	refused(control, SHADOW_IOC_SHADOW_CHANGE, &change, &change.fault);
	result(!memcmp(&change.failed, &info.uuid, sizeof(info.uuid)) && !change.changed,
	       "it is named as the one that failed");
	close(writer);
	wait_for_udev();
	reader = open_image(&info);
	for (unsigned int i = 0; i < 2; i++) {
		change = (struct shadow_change){
			.uuid = i ? info.set : info.uuid, .flags = SHADOW_CHANGE_SEAL,
			.kind = i ? SHADOW_KIND_SET : SHADOW_KIND_SHADOW,
		};
		result(!ioctl(control, SHADOW_IOC_SHADOW_CHANGE, &change) && change.changed == 1,
		       i ? "and once more, as a set" : "sealed while it is read");
	}
	result(last_shadow().flags == (SHADOW_SET_WRITABLE | SHADOW_SHADOW_SEALED),
	       "its flags say so");
	writer = open(path, O_RDWR | O_CLOEXEC);
	result(writer < 0 && errno == EROFS, "it can no longer be opened for writing");
	close(reader);
	close(set);
}

/* --- free space ----------------------------------------------------------- */

/* @count ranges at @ranges, of the last shadow. */
static struct shadow_shadow_free freeing(const struct shadow_free_range *ranges, unsigned int count)
{
	struct shadow_shadow_free free = {
		.uuid = last_shadow().uuid, .ranges = (uintptr_t)ranges, .count = count,
	};

	return free;
}

static void free_refused(struct shadow_shadow_free free)
{
	refused(control, SHADOW_IOC_SHADOW_FREE, &free, &free.fault);
	result(!free.done && !free.blocks && !free.settled, "nothing is counted");
}

static void free_too_many(void)
{
	static struct shadow_free_range ranges[SHADOW_MAX_FREE_RANGES + 1];
	struct shadow_shadow_free free;
	int set = shadow(role_dev("a"));

	free_refused(freeing(ranges, SHADOW_MAX_FREE_RANGES + 1));
	free_refused(freeing(ranges, ~0U));
	free = freeing(ranges, SHADOW_MAX_FREE_RANGES);
	result(!ioctl(control, SHADOW_IOC_SHADOW_FREE, &free) && free.done == free.count,
	       "one less is not too many");
	close(set);
}

static void free_unknown(void)
{
	static const struct shadow_free_range range = { 0, 4096 };
	int set = shadow(role_dev("a"));
	struct shadow_shadow_info info = last_shadow();
	struct shadow_shadow_free free = freeing(&range, 1);

	free.uuid = info.set;
	free_refused(free);
	free.uuid = (struct shadow_uuid){ { 1 } };
	free_refused(free);
	free.count = 0;
	free_refused(free);
	free = freeing(&range, 1);
	close(set);
	free_refused(free);
}

static void free_beyond(void)
{
	int set = shadow(role_dev("a"));
	__u64 size = last_shadow().bytes;
	const struct shadow_free_range wrong[] = {
		{ size, 1 }, { size - 4096, 4097 }, { 0, size + 1 }, { ~0ULL, 1 }, { 4096, ~0ULL },
		{ ~0ULL, ~0ULL }, { 1ULL << 63, 1ULL << 63 },
	};
	const struct shadow_free_range good[] = {
		{ 0, 4096 }, { 8192, 8191 }, { size, 0 }, { size, 1 }
	};
	struct shadow_shadow_free free;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		free_refused(freeing(&wrong[i], 1));
	free = freeing(good, ARRAY_SIZE(good));
	judge(ioctl(control, SHADOW_IOC_SHADOW_FREE, &free) ? errno : 0, &free.fault, NULL);
	result(free.done == 3 && free.blocks == 2 && free.settled == 2 &&
	       last_shadow().free_bytes == 8192, "those before it count");
	close(set);
}

static void free_lost(void)
{
	static const struct shadow_free_range range = { 0, 4096 };
	static char buffer[1 << 20] __attribute__((aligned(4096)));
	int fd = open(role("a"), O_WRONLY | O_DIRECT | O_CLOEXEC);
	int set = shadow(role_dev("a"));
	struct shadow_change pin = {
		.uuid = last_shadow().uuid, .kind = SHADOW_KIND_SHADOW, .flags = SHADOW_CHANGE_PIN,
	};

	if (ioctl(control, SHADOW_IOC_SHADOW_CHANGE, &pin))	/* it would go otherwise */
		err(2, "pin");
	for (unsigned int i = 0; i < 8; i++)	/* its store has 4 MiB */
		if (pwrite(fd, buffer, sizeof(buffer), i << 20) != sizeof(buffer))
			err(2, "%s", role("a"));
	close(fd);
	result(last_shadow().state == SHADOW_STATE_LOST, "it is lost");
	pause_ms(1500);		/* what is to be stored is stored: all is as it will be */
	free_refused(freeing(&range, 1));
	close(set);
}

/* --- devices that are not for it ------------------------------------------ */

/* Neither tracked nor shadow-copied. */
static void unfit(const char *name)
{
	int set = set_new(0, 0);

	track_refused(role_dev(name), 0);
	add_refused(set, adding(role_dev(name), SHADOW_ADD_SHADOW, "memory"));
	close(set);
}

static void unfit_zoned(void)
{
	unfit("zoned");
}

static void unfit_rw_page(void)
{
	unfit("brd");
}

static void unfit_empty(void)
{
	unfit("empty");
}

static void unfit_dax(void)
{
	unfit("dax");
}

static void unfit_image(void)
{
	int set = shadow(role_dev("a"));
	int other = set_new(0, 0);
	struct shadow_shadow_info info = last_shadow();

	track_refused(info.image, 0);
	add_refused(other, adding(info.image, SHADOW_ADD_SHADOW, "memory"));
	close(other);
	close(set);
}

/* A write that does not end, begun before tracking: with dm-delay. */
static void *slow_write(void *arg)
{
	static char buffer[4096] __attribute__((aligned(4096)));
	int fd = open(arg, O_WRONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, buffer, sizeof(buffer), 0) != sizeof(buffer))
		err(2, "%s", (char *)arg);
	close(fd);
	return NULL;
}

static pthread_t begin_slow_write(const char *name)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, slow_write, (void *)role(name)))
		errx(2, "pthread_create");
	pause_ms(500);
	return thread;
}

static void old_writes(void)
{
	struct shadow_volume_track track = { .dev = role_dev("slow") };
	pthread_t thread = begin_slow_write("slow");

	/* The thread's open file comes and goes. */
	judge(ioctl(control, SHADOW_IOC_VOLUME_TRACK, &track) ? errno : 0, &track.fault, NULL);
	pthread_join(thread, NULL);
}

/* --- the hook ------------------------------------------------------------- */

static void no_hook(void)
{
	track_refused(role_dev("a"), 0);
}

/* --- stores --------------------------------------------------------------- */

static void store_refused(struct shadow_set_add add)
{
	int set = set_new(0, 0);
	uint64_t before = 0;
	const char *path = NULL;

	if (add.store.type == SHADOW_STORE_DEVICE)
		path = role_or_null("store");
	if (path)
		before = contents(path);
	add_refused(set, add);
	if (path)
		result(contents(path) == before, "the store device was not touched");
	close(set);
}

static void store_in_use(void)
{
	int fd;

	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("mounted")));
	fd = open(role("b"), O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", role("b"));
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("b")));
	close(fd);
}

static void store_of_another(void)
{
	int set = set_new(0, 0);

	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, role("store"));
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("store")));
	close(set);
}

static void store_mismatch(void)
{
	struct shadow_set_add add = adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	int set = set_new(0, 0);

	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	add.store.max_bytes = 5 << 20;
	store_refused(add);
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("store")));
	close(set);
}

static void store_on_volume(void)
{
	store_refused(adding(role_dev("store"), SHADOW_ADD_SHADOW, role("store")));
	store_refused(adding(role_dev("disk"), SHADOW_ADD_SHADOW, role("partition")));
	store_refused(adding(role_dev("partition"), SHADOW_ADD_SHADOW, role("disk")));
}

static void store_size(void)
{
	struct shadow_set_add add = adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	static const __u64 wrong[] = { 1, 4096, (4 << 20) - 1, 1ULL << 50, ~0ULL };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		add = adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory");
		add.store.max_bytes = wrong[i];
		store_refused(add);
		add = adding(role_dev("a"), SHADOW_ADD_SHADOW, role("store"));
		add.store.max_bytes = wrong[i];
		store_refused(add);
	}
	/* one MiB is not for data */
	add.store.max_bytes = 8 << 20;
	store_refused(add);
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("small")));
}

static void store_block_size(void)
{
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("store4k")));
}

static void store_circle(void)
{
	int set = set_new(0, 0);

	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, role("b"));
	store_refused(adding(role_dev("b"), SHADOW_ADD_SHADOW, role("a")));
	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, role("store"));
	store_refused(adding(role_dev("store"), SHADOW_ADD_SHADOW, role("a")));
	close(set);
}

static void store_readonly(void)
{
	store_refused(adding(role_dev("a"), SHADOW_ADD_SHADOW, role("readonly")));
}

static void store_no_device(void)
{
	struct shadow_set_add add = adding(role_dev("a"), SHADOW_ADD_SHADOW, NULL);

	add.store.type = SHADOW_STORE_DEVICE;
	add.store.dev = (struct shadow_dev){ 259, 1000000 };
	store_refused(add);
}

/* A new file below role "mountpoint": @size bytes, of which @allocated have blocks. */
static int new_file(const char *name, off_t size, off_t allocated, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", role("mountpoint"), name);
	unlink(path);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size) || (allocated && fallocate(fd, 0, 0, allocated)))
		err(2, "%s", path);
	close(fd);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

static struct shadow_set_add adding_file(struct shadow_dev dev, int fd, __u64 max_bytes)
{
	struct shadow_set_add add = adding(dev, SHADOW_ADD_SHADOW, NULL);

	add.store.type = SHADOW_STORE_FILE;
	add.store.fd = fd;
	add.store.max_bytes = max_bytes;
	return add;
}

static void file_refused(int fd, __u64 max_bytes)
{
	store_refused(adding_file(role_dev("a"), fd, max_bytes));
	if (fd >= 0)
		close(fd);
}

static void store_bad_fd(void)
{
	file_refused(-1, 0);
	file_refused(12345, 0);
	file_refused(open(role("mountpoint"), O_PATH | O_CLOEXEC), 0);
}

static void store_no_file(void)
{
	file_refused(open(role("mountpoint"), O_RDONLY | O_CLOEXEC), 0);
	file_refused(open("/dev/null", O_RDWR | O_CLOEXEC), 0);
	file_refused(open(role("b"), O_RDWR | O_CLOEXEC), 0);
	file_refused(new_file("file", 6 << 20, 6 << 20, O_RDONLY), 0);
	file_refused(new_file("file", 6 << 20, 6 << 20, O_WRONLY), 0);
}

static void store_fs(void)
{
	int fd = memfd_create("store", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 6 << 20))
		err(2, "memfd_create");
	file_refused(fd, 0);
}

static void store_file_size(void)
{
	file_refused(new_file("file", 0, 0, O_RDWR), 0);
	file_refused(new_file("file", 5119 << 10, 5119 << 10, O_RDWR), 0);
	file_refused(new_file("file", 6 << 20, 6 << 20, O_RDWR), 1);
	file_refused(new_file("file", 6 << 20, 6 << 20, O_RDWR), (4 << 20) - 1);
}

static void store_holes(void)
{
	file_refused(new_file("file", 6 << 20, 0, O_RDWR), 0);
	file_refused(new_file("file", 6 << 20, 3 << 20, O_RDWR), 0);
}

/* As many blocks as it should have, but not where they should be. */
static void store_unpinned(void)
{
	int fd = new_file("file", 6 << 20, 3 << 20, O_RDWR);

	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 6 << 20, 3 << 20))
		err(2, "fallocate");
	file_refused(fd, 0);
}

static void store_file_in_use(void)
{
	int fd = new_file("file", 6 << 20, 6 << 20, O_RDWR);
	int set = set_new(0, 0);
	struct shadow_set_add add = adding_file(role_dev("b"), fd, 0);
	void *map;

	if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
		err(2, "SHADOW_IOC_SET_ADD: reason %u", add.fault.reason);
	store_refused(adding_file(role_dev("a"), fd, 0));	/* another volume's */
	close(set);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(2, "mmap");
	file_refused(fd, 0);
	munmap(map, 4096);
}

static void store_frozen(void)
{
	int fd = new_file("file", 6 << 20, 6 << 20, O_RDWR);

	if (ioctl(fd, FIFREEZE, 0))
		err(2, "FIFREEZE");
	store_refused(adding_file(role_dev("a"), fd, 0));
	if (ioctl(fd, FITHAW, 0))
		err(2, "FITHAW");
	close(fd);
}

/* --- parts ---------------------------------------------------------------- */

static void part_refused(struct shadow_dev volume, struct shadow_store_spec store)
{
	struct shadow_store_add add = { .dev = volume, .store = store };

	refused(control, SHADOW_IOC_STORE_ADD, &add, &add.fault);
}

static void part_of_none(void)
{
	static const struct shadow_store_spec memory = { .type = SHADOW_STORE_MEMORY };

	part_refused(role_dev("a"), memory);
	part_refused((struct shadow_dev){ 4095, 0 }, memory);
	track(role_dev("a"));
	part_refused(role_dev("a"), memory);
	untrack(role_dev("a"));
}

static void part_twice(void)
{
	struct shadow_store_spec store = { .type = SHADOW_STORE_DEVICE };
	int set = set_new(0, 0);

	store.dev = role_dev("store");
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, role("store"));
	part_refused(role_dev("a"), store);
	close(set);
}

/* --- durable stores --------------------------------------------------------- */

#define PERSISTENT	(SHADOW_SET_PERSISTENT | SHADOW_SET_NO_AUTO_RELEASE)

/* A shadow that outlives its set, and the store: of the volumes and devices of these names. */
static void make_persistent(const char *volume, const char *store)
{
	int set = set_new(PERSISTENT, 0);

	set_add(set, role_dev(volume), SHADOW_ADD_SHADOW, role(store));
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	close(set);
}

static void delete_persistent(void)
{
	struct shadow_delete delete = { .kind = SHADOW_KIND_SHADOW };

	wait_for_udev();
	delete.uuid = last_shadow().uuid;
	if (ioctl(control, SHADOW_IOC_DELETE, &delete))
		err(2, "SHADOW_IOC_DELETE");
}

static struct shadow_store_attach attaching(struct shadow_dev volume, const char *store)
{
	struct shadow_store_attach attach = { .dev = volume };

	attach.store.type = SHADOW_STORE_DEVICE;
	attach.store.dev = dev_of(store);
	return attach;
}

static void detach(const char *volume)
{
	struct shadow_store_attach detach = { .dev = role_dev(volume) };

	wait_for_udev();
	if (ioctl(control, SHADOW_IOC_STORE_DETACH, &detach))
		err(2, "SHADOW_IOC_STORE_DETACH: reason %u", detach.fault.reason);
	result(detach.shadows == 1, "what is detached has a shadow");
}

/* In the end it can be attached, and its shadow deleted. */
static void attach_and_delete(const char *volume, const char *store)
{
	struct shadow_store_attach attach = attaching(role_dev(volume), role(store));
	int code = ioctl(control, SHADOW_IOC_STORE_ATTACH, &attach) ? errno : 0;

	if (!result(!code && attach.shadows == 1 && !attach.lost && !attach.dropped,
		    "the store can be attached: %s", code_name(code)))
		printf("# reason %u, %u shadows, %u lost, %u dropped\n", attach.fault.reason,
		       attach.shadows, attach.lost, attach.dropped);
	if (!code)
		delete_persistent();
}

/* Nothing is changed on what is no store, or cannot be attached. */
static void attach_refused(struct shadow_dev volume, const char *store)
{
	struct shadow_store_attach attach = attaching(volume, store);
	uint64_t before = contents(store);

	refused(control, SHADOW_IOC_STORE_ATTACH, &attach, &attach.fault);
	result(contents(store) == before && !attach.shadows && !attach.lost && !attach.dropped,
	       "nothing was written to the store, and nothing is counted");
}

static void detach_refused(struct shadow_dev volume)
{
	struct shadow_store_attach detach = { .dev = volume };

	refused(control, SHADOW_IOC_STORE_DETACH, &detach, &detach.fault);
}

/* Memory, a file, and what the volume has, when it has nothing. */
static void persistent_volatile(void)
{
	int fd = new_file("file", 6 << 20, 6 << 20, O_RDWR), set = set_new(PERSISTENT, 0);
	char path[256];

	/* without a name it would not be found again */
	snprintf(path, sizeof(path), "%s/file", role("mountpoint"));
	if (unlink(path))
		err(2, "%s", path);
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory"));
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, NULL));
	add_refused(set, adding_file(role_dev("a"), fd, 0));
	close(fd);
	close(set);
}

/* The volume has a store, which is not durable. */
static void persistent_too_late(void)
{
	static const char *const stores[] = { "memory", "store" };
	int set = set_new(PERSISTENT, 0);

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		const char *store = i ? role(stores[i]) : stores[i];
		int other = set_new(0, 0);

		set_add(other, role_dev("a"), SHADOW_ADD_SHADOW, store);
		add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, store));
		add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, NULL));
		close(other);
	}
	close(set);
}

static void persistent_elsewhere(void)
{
	int set = set_new(PERSISTENT, 0);

	make_persistent("a", "store");
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, role("other")));
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory"));
	close(set);
	delete_persistent();
}

/* What would be made durable is not touched, if it is refused. */
static void persistent_writable(void)
{
	int set = set_new(PERSISTENT | SHADOW_SET_WRITABLE, 0), other;
	uint64_t before = contents(role("other"));

	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, role("other")));
	result(contents(role("other")) == before, "the store device was not touched");
	make_persistent("a", "store");
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, NULL));
	other = set_new(SHADOW_SET_WRITABLE, 0);
	add_refused(other, adding(role_dev("a"), SHADOW_ADD_SHADOW, role("store")));
	close(other);
	close(set);
	delete_persistent();
}

/* The first blocks of the volume, of which the store has checksums, cannot be read. */
static void persistent_unreadable(void)
{
	int set = set_new(PERSISTENT, 0);

	add_refused(set, adding(role_dev("bad"), SHADOW_ADD_SHADOW, role("store")));
	close(set);
}

static void part_of_durable(void)
{
	struct shadow_store_spec other = {
		.type = SHADOW_STORE_DEVICE, .dev = role_dev("other"),
	};
	static const struct shadow_store_spec memory = { .type = SHADOW_STORE_MEMORY };
	uint64_t before = contents(role("other"));

	make_persistent("a", "store");
	part_refused(role_dev("a"), memory);
	part_refused(role_dev("a"), other);
	other.dev = role_dev("store");
	part_refused(role_dev("a"), other);
	result(contents(role("other")) == before, "the device was not touched");
	delete_persistent();
}

static void resize_durable(void)
{
	static const __u64 sizes[] = { 0, 4 << 20, 5 << 20, 1ULL << 40 };

	make_persistent("a", "store");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		resize_refused(role_dev("a"), 0, sizes[i]);
		resize_refused(role_dev("a"), 1, sizes[i]);
	}
	delete_persistent();
}

/* Mounted, or somebody else's for another reason: a store is on it, a program has it. */
static void attach_in_use(void)
{
	int set = set_new(0, 0), fd;

	make_persistent("a", "store");
	detach("a");
	attach_refused(role_dev("mounted"), role("store"));
	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, role("other"));
	attach_refused(role_dev("other"), role("store"));
	close(set);
	fd = open(role("a"), O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", role("a"));
	attach_refused(role_dev("a"), role("store"));
	close(fd);
	attach_and_delete("a", "store");
}

static void attach_store_in_use(void)
{
	int set = set_new(0, 0), fd;

	attach_refused(role_dev("a"), role("mounted"));
	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, role("store"));
	attach_refused(role_dev("a"), role("store"));
	close(set);
	fd = open(role("store"), O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", role("store"));
	attach_refused(role_dev("a"), role("store"));
	close(fd);
	/* we have the volume for ourselves, so its store cannot be on it */
	attach_refused(role_dev("a"), role("a"));
	attach_refused(role_dev("disk"), role("partition"));
	attach_refused(role_dev("partition"), role("disk"));
}

static void attach_twice(void)
{
	int set = shadow(role_dev("a"));

	attach_refused(role_dev("a"), role("other"));
	close(set);
	make_persistent("a", "store");
	attach_refused(role_dev("a"), role("store"));
	attach_refused(role_dev("a"), role("other"));
	delete_persistent();
}

/* Neither as the volume nor as the store, which a read-only one could not be anyway. */
static void attach_image(void)
{
	int set = set_new(SHADOW_SET_WRITABLE, 0);
	struct shadow_shadow_info info;
	char path[64];

	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	info = last_shadow();
	snprintf(path, sizeof(path), "/dev/shadow%u", info.index);
	attach_refused(info.image, role("store"));
	attach_refused(role_dev("a"), path);
	close(set);
}

static void attach_no_device(void)
{
	struct shadow_store_attach attach = attaching(role_dev("a"), role("store"));

	attach_refused((struct shadow_dev){ 259, 1000000 }, role("store"));
	attach_refused((struct shadow_dev){ 4095, 0 }, role("store"));
	attach.store.dev = (struct shadow_dev){ 259, 1000000 };
	refused(control, SHADOW_IOC_STORE_ATTACH, &attach, &attach.fault);
}

static void attach_size(void)
{
	attach_refused(role_dev("a"), role("small"));
}

static void attach_block_size(void)
{
	attach_refused(role_dev("a"), role("store4k"));
}

static void attach_readonly(void)
{
	attach_refused(role_dev("a"), role("readonly"));
}

/* Somebody else writes to the volume, and has it as it was when it is done twice. */
static void flip_byte(const char *path)
{
	static unsigned char block[4096] __attribute__((aligned(4096)));
	int fd = open(path, O_RDWR | O_DIRECT);

	if (fd < 0 || pread(fd, block, sizeof(block), 4096) != sizeof(block))
		err(2, "%s", path);
	block[100] ^= 1;
	if (pwrite(fd, block, sizeof(block), 4096) != sizeof(block))
		err(2, "%s", path);
	close(fd);
}

static void attach_other_volume(void)
{
	make_persistent("a", "store");
	detach("a");
	flip_byte(role("a"));
	attach_refused(role_dev("a"), role("store"));
	flip_byte(role("a"));
	attach_and_delete("a", "store");
}

static void attach_unreadable(void)
{
	struct shadow_store_attach attach = attaching(role_dev("a"), role("bad"));

	refused(control, SHADOW_IOC_STORE_ATTACH, &attach, &attach.fault);
}

static void attach_to_unreadable(void)
{
	make_persistent("a", "store");
	detach("a");
	attach_refused(role_dev("bad"), role("store"));
	attach_and_delete("a", "store");
}

/* --- reverts ---------------------------------------------------------------- */

static void revert_refused(struct shadow_uuid uuid, uint32_t flags)
{
	struct shadow_revert revert = { .uuid = uuid, .flags = flags };

	refused(control, SHADOW_IOC_REVERT, &revert, &revert.fault);
}

static void revert_unknown(void)
{
	revert_refused((struct shadow_uuid){ { 1 } }, 0);
	revert_refused((struct shadow_uuid){ { 1 } }, SHADOW_REVERT_AT_ATTACH);
}

static void revert_volatile(void)
{
	int set = set_new(0, 0);

	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, "memory");
	set_must(set, SHADOW_IOC_SET_TAKE);
	wait_for_udev();
	revert_refused(last_shadow().uuid, 0);
	revert_refused(last_shadow().uuid, SHADOW_REVERT_AT_ATTACH);
	close(set);
}

static void revert_in_use(void)
{
	make_persistent("mounted", "store");
	revert_refused(last_shadow().uuid, 0);
	delete_persistent();
}

/* Note that "a" is to be reverted to its shadow. */
static struct shadow_uuid note_revert(void)
{
	struct shadow_revert revert = { .flags = SHADOW_REVERT_AT_ATTACH };

	make_persistent("a", "store");
	revert.uuid = last_shadow().uuid;
	for (unsigned int i = 0; i < 2; i++) {
		if (ioctl(control, SHADOW_IOC_REVERT, &revert))
			err(2, "SHADOW_IOC_REVERT: reason %u", revert.fault.reason);
		revert.needed_bytes = 0;
		revert.room_bytes = 0;
	}
	return revert.uuid;
}

static void cancel_revert(void)
{
	struct shadow_revert_cancel cancel = { .dev = role_dev("a") };

	if (ioctl(control, SHADOW_IOC_REVERT_CANCEL, &cancel))
		err(2, "SHADOW_IOC_REVERT_CANCEL: reason %u", cancel.fault.reason);
}

static void revert_to_another(void)
{
	struct shadow_delete delete = { .kind = SHADOW_KIND_SHADOW };

	delete.uuid = note_revert();
	make_persistent("a", "store");
	revert_refused(last_shadow().uuid, 0);
	revert_refused(last_shadow().uuid, SHADOW_REVERT_AT_ATTACH);
	cancel_revert();
	delete_persistent();
	if (ioctl(control, SHADOW_IOC_DELETE, &delete))
		err(2, "SHADOW_IOC_DELETE");
}

static void delete_wanted(void)
{
	struct shadow_delete delete = { .kind = SHADOW_KIND_SHADOW };

	delete.uuid = note_revert();
	refused(control, SHADOW_IOC_DELETE, &delete, &delete.fault);
	cancel_revert();
	delete_persistent();
}

static void cancel_refused(struct shadow_dev volume)
{
	struct shadow_revert_cancel cancel = { .dev = volume };

	refused(control, SHADOW_IOC_REVERT_CANCEL, &cancel, &cancel.fault);
}

static void cancel_no_store(void)
{
	cancel_refused(role_dev("a"));
	cancel_refused((struct shadow_dev){ 4095, 0 });
}

static void cancel_nothing(void)
{
	make_persistent("a", "store");
	cancel_refused(role_dev("a"));
	delete_persistent();
}

/* --- changes ------------------------------------------------------------------ */

static const struct shadow_uuid nobody = { { 1, 2, 3 } };

static struct shadow_map mapping(struct shadow_uuid shadow, struct shadow_uuid since,
				 unsigned int want)
{
	static struct shadow_run room[8];
	struct shadow_map map = {
		.shadow = shadow, .since = since, .count = ARRAY_SIZE(room), .want = want,
	};

	map.runs = (uintptr_t)room;
	return map;
}

/* The answer says what it did before, but for the fault and no runs. */
static void map_refused(struct shadow_map map)
{
	const struct shadow_uuid none = { 0 };
	__u64 offset = map.offset;

	refused(control, SHADOW_IOC_MAP, &map, &map.fault);
	if (current->code != EINVAL && current->code != E2BIG)
		result(map.offset == offset && !map.count &&
		       !memcmp(&map.generation, &none, sizeof(none)), "it tells no runs");
}

static void map_since_refused(struct shadow_uuid shadow, struct shadow_uuid since)
{
	map_refused(mapping(shadow, since, SHADOW_RUN_CHANGED));
	map_refused(mapping(shadow, since, SHADOW_RUN_WAS_FREE));
	map_refused(mapping(shadow, since, SHADOW_RUN_CHANGED | SHADOW_RUN_FREE |
			    SHADOW_RUN_WAS_FREE | SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN));
}

static void map_too_many(void)
{
	int set = shadow(role_dev("a"));
	struct shadow_map map = mapping(last_shadow().uuid, (struct shadow_uuid){ 0 },
					SHADOW_RUN_FREE);

	map.count = SHADOW_MAX_RUNS + 1;
	map_refused(map);
	map.count = ~0U;
	map_refused(map);
	map.count = SHADOW_MAX_RUNS;
	result(!ioctl(control, SHADOW_IOC_MAP, &map) && !map.count && map.offset == map.bytes &&
	       map.bytes == last_shadow().bytes, "so many are not too many");
	map = mapping(last_shadow().uuid, (struct shadow_uuid){ 0 }, SHADOW_RUN_FREE);
	map.offset = ~0ULL << 12;
	result(!ioctl(control, SHADOW_IOC_MAP, &map) && !map.count && map.offset == map.bytes,
	       "behind the end there is nothing");
	close(set);
}

static void map_nothing(void)
{
	int set = shadow(role_dev("a"));
	struct shadow_uuid uuid = last_shadow().uuid;
	struct shadow_map map = mapping(uuid, (struct shadow_uuid){ 0 }, SHADOW_RUN_FREE);

	map_refused(mapping(uuid, (struct shadow_uuid){ 0 }, 0));
	map_refused(mapping(uuid, (struct shadow_uuid){ 0 }, SHADOW_RUN_WAS_FREE));
	map_refused(mapping(uuid, nobody, SHADOW_RUN_FREE | SHADOW_RUN_STORED));
	map_refused(mapping((struct shadow_uuid){ 0 }, (struct shadow_uuid){ 0 },
			    SHADOW_RUN_FREE));
	map.offset = 512;
	map_refused(map);
	map.offset = 0;
	map.count = 0;
	map_refused(map);
	close(set);
}

static void map_wrong_order(void)
{
	int set = shadow(role_dev("a")), newer;
	struct shadow_uuid uuid = last_shadow().uuid;

	newer = shadow(role_dev("a"));
	map_since_refused(uuid, last_shadow().uuid);
	map_since_refused(uuid, uuid);
	close(newer);
	close(set);
}

static void keep(struct shadow_uuid uuid, unsigned int flags)
{
	struct shadow_base base = { .uuid = uuid, .flags = flags };

	if (ioctl(control, SHADOW_IOC_BASE_CHANGE, &base))
		err(2, "SHADOW_IOC_BASE_CHANGE: reason %u", base.fault.reason);
}

/* There is no beginning but the oldest shadow, nor any when that has gone. */
static void map_no_begin(void)
{
	const struct shadow_uuid none = { 0 };
	int set = shadow(role_dev("a")), newer;
	struct shadow_map map;

	map_refused(mapping(last_shadow().uuid, none, SHADOW_RUN_CHANGED));
	newer = shadow(role_dev("a"));
	map = mapping(last_shadow().uuid, none, SHADOW_RUN_CHANGED);
	result(!ioctl(control, SHADOW_IOC_MAP, &map), "since the oldest one it is known");
	close(set);
	map_refused(mapping(last_shadow().uuid, none, SHADOW_RUN_CHANGED));
	close(newer);
}

/* Of the older of two shadows there is no memory to know.  Both sets are to be closed. */
static struct shadow_uuid make_forgotten(int sets[2])
{
	static char block[4096] __attribute__((aligned(4096)));
	struct shadow_volume_track track = { .dev = role_dev("a"), .changes_bytes = 4096 };
	int fd = open(role("a"), O_WRONLY | O_DIRECT | O_CLOEXEC);
	struct shadow_uuid older;

	if (fd < 0 || ioctl(control, SHADOW_IOC_VOLUME_TRACK, &track))
		err(2, "%s", role("a"));
	for (unsigned int i = 0; i < 2; i++) {
		sets[i] = shadow(role_dev("a"));
		if (!i)
			older = last_shadow().uuid;
		if (pwrite(fd, block, sizeof(block), 0) != sizeof(block))
			err(2, "%s", role("a"));
	}
	close(fd);
	pause_ms(1500);		/* what is to be stored is stored: all is as it will be */
	return older;
}

static void close_forgotten(int sets[2])
{
	close(sets[1]);
	close(sets[0]);
	untrack(role_dev("a"));
}

/* What is forgotten has no history, but its blocks can be told of. */
static void map_forgotten(void)
{
	struct shadow_map map;
	int sets[2];
	struct shadow_uuid older = make_forgotten(sets);

	map_since_refused(last_shadow().uuid, older);
	map_since_refused(older, last_shadow().uuid);
	map_refused(mapping(older, (struct shadow_uuid){ 0 }, SHADOW_RUN_CHANGED));
	map_refused(mapping(last_shadow().uuid, (struct shadow_uuid){ 0 }, SHADOW_RUN_CHANGED));
	map = mapping(older, (struct shadow_uuid){ 0 }, SHADOW_RUN_STORED);
	result(!ioctl(control, SHADOW_IOC_MAP, &map) && map.count == 1 &&
	       map.offset == last_shadow().bytes, "where its blocks are is known");
	close_forgotten(sets);
}

static void map_unknown(void)
{
	int set = shadow(role_dev("a")), newer;
	struct shadow_uuid gone = last_shadow().uuid;

	newer = shadow(role_dev("a"));
	map_refused(mapping(nobody, (struct shadow_uuid){ 0 }, SHADOW_RUN_FREE));
	map_refused(mapping(nobody, (struct shadow_uuid){ 0 }, SHADOW_RUN_CHANGED));
	map_refused(mapping(last_shadow().set, (struct shadow_uuid){ 0 }, SHADOW_RUN_FREE));
	map_since_refused(last_shadow().uuid, nobody);
	map_since_refused(nobody, last_shadow().uuid);
	map_since_refused(nobody, nobody);
	/* what has gone, and was not kept */
	close(set);
	map_since_refused(last_shadow().uuid, gone);
	map_refused(mapping(gone, (struct shadow_uuid){ 0 }, SHADOW_RUN_FREE));
	close(newer);
}

static void map_others(void)
{
	int set = shadow(role_dev("a")), other;
	struct shadow_uuid uuid = last_shadow().uuid;

	other = shadow(role_dev("b"));
	map_since_refused(uuid, last_shadow().uuid);
	map_since_refused(last_shadow().uuid, uuid);
	close(other);
	close(set);
}

static void no_more_bases(void)
{
	struct shadow_base_info info = { 0 };
	struct shadow_uuid uuid;
	int set;

	refused(control, SHADOW_IOC_BASE_NEXT, &info, NULL);
	set = shadow(role_dev("a"));
	uuid = last_shadow().uuid;
	if (ioctl(control, SHADOW_IOC_BASE_NEXT, &info))
		err(2, "SHADOW_IOC_BASE_NEXT");
	result(info.flags == SHADOW_BASE_SHADOW &&
	       !memcmp(&info.uuid, &uuid, sizeof(uuid)), "a shadow is listed");
	info = (struct shadow_base_info){ .cursor = info.cursor };
	refused(control, SHADOW_IOC_BASE_NEXT, &info, NULL);
	info = (struct shadow_base_info){ .cursor = ~0ULL };
	refused(control, SHADOW_IOC_BASE_NEXT, &info, NULL);
	close(set);
}

static void no_more_tracking(void)
{
	struct shadow_tracking_info info = { 0 };

	refused(control, SHADOW_IOC_TRACKING_NEXT, &info, NULL);
	track(role_dev("a"));
	if (ioctl(control, SHADOW_IOC_TRACKING_NEXT, &info))
		err(2, "SHADOW_IOC_TRACKING_NEXT");
	result(info.reason == SHADOW_TRACKING_BEGAN && info.began_ns, "it has begun");
	info = (struct shadow_tracking_info){ .cursor = info.cursor };
	refused(control, SHADOW_IOC_TRACKING_NEXT, &info, NULL);
	info = (struct shadow_tracking_info){ .cursor = ~0ULL };
	refused(control, SHADOW_IOC_TRACKING_NEXT, &info, NULL);
	untrack(role_dev("a"));
}

static void base_refused(struct shadow_uuid uuid, unsigned int flags)
{
	struct shadow_base base = { .uuid = uuid, .flags = flags };

	refused(control, SHADOW_IOC_BASE_CHANGE, &base, &base.fault);
}

static void base_unknown(void)
{
	int set = shadow(role_dev("a"));
	struct shadow_uuid gone = last_shadow().uuid;

	base_refused(nobody, SHADOW_BASE_KEEP);
	base_refused(nobody, SHADOW_BASE_DROP);
	base_refused(last_shadow().set, SHADOW_BASE_KEEP);
	keep(gone, SHADOW_BASE_DROP);	/* it is not kept: well */
	keep(gone, SHADOW_BASE_KEEP);
	keep(gone, SHADOW_BASE_KEEP);
	close(set);
	keep(gone, SHADOW_BASE_KEEP);
	keep(gone, SHADOW_BASE_DROP);
	base_refused(gone, SHADOW_BASE_DROP);
	base_refused(gone, SHADOW_BASE_KEEP);
	untrack(role_dev("a"));
}

static void keep_forgotten(void)
{
	int sets[2];

	base_refused(make_forgotten(sets), SHADOW_BASE_KEEP);
	close_forgotten(sets);
}

static void drop_forgotten(void)
{
	int sets[2];

	base_refused(make_forgotten(sets), SHADOW_BASE_DROP);
	close_forgotten(sets);
}

/* A page of bits for each 128 MiB is the least. */
static void changes_range(void)
{
	static const __u64 wrong[] = { 1, 4095, 1ULL << 44, ~0ULL };
	struct shadow_tracking_info info = { 0 };
	struct shadow_volume_track track;
	int set;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		track = (struct shadow_volume_track){
			.dev = role_dev("a"), .changes_bytes = wrong[i],
		};
		refused(control, SHADOW_IOC_VOLUME_TRACK, &track, &track.fault);
	}
	/* one that is tracked for its shadow stays as it is */
	set = shadow(role_dev("a"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		track = (struct shadow_volume_track){
			.dev = role_dev("a"), .memory_bytes = 8 << 20, .changes_bytes = wrong[i],
		};
		refused(control, SHADOW_IOC_VOLUME_TRACK, &track, &track.fault);
	}
	track = (struct shadow_volume_track){ .dev = role_dev("a"), .changes_bytes = 4096 };
	result(!ioctl(control, SHADOW_IOC_VOLUME_TRACK, &track) &&
	       !ioctl(control, SHADOW_IOC_TRACKING_NEXT, &info) &&
	       info.memory_limit_bytes == 4096, "a page is enough");
	close(set);
	untrack(role_dev("a"));
}

/* A base keeps its volume tracked, with its shadow or without. */
static void untrack_with_base(void)
{
	int set = shadow(role_dev("a"));
	struct shadow_uuid uuid = last_shadow().uuid;

	keep(uuid, SHADOW_BASE_KEEP);
	close(set);
	untrack_refused(role_dev("a"));
	keep(uuid, SHADOW_BASE_DROP);
	untrack(role_dev("a"));
	/* so it is where it was tracked before */
	track(role_dev("a"));
	set = shadow(role_dev("a"));
	keep(last_shadow().uuid, SHADOW_BASE_KEEP);
	uuid = last_shadow().uuid;
	close(set);
	untrack_refused(role_dev("a"));
	keep(uuid, SHADOW_BASE_DROP);
	untrack(role_dev("a"));
}

/* --- durable stores that are spoilt ----------------------------------------- */

static struct shadow_disk_header headers[SHADOW_DISK_HEADERS] __attribute__((aligned(4096)));
static struct shadow_disk_log log_block __attribute__((aligned(4096)));

/* Write to a volume with a shadow, so that each block is a group of the log. */
static void write_volume(const char *name)
{
	static char buffer[4096] __attribute__((aligned(4096)));
	int fd = open(role(name), O_WRONLY | O_DIRECT | O_CLOEXEC);

	memset(buffer, 'x', sizeof(buffer));
	for (unsigned int i = 0; i < 6; i++)
		if (pwrite(fd, buffer, sizeof(buffer), (4 << 20) + i * 65536) != sizeof(buffer))
			err(2, "%s", role(name));
	close(fd);
}

/* A store to be spoilt, which is intact in the end.  To begin tracking each time takes long. */
static void begin_spoiling(void)
{
	track(role_dev("a"));
	make_persistent("a", "store");
	write_volume("a");
	detach("a");
	for (unsigned int i = 0; i < SHADOW_DISK_HEADERS; i++)
		read_block(role("store"), header_at(i), &headers[i]);
	result(is_header(&headers[0]) && is_header(&headers[1]), "both headers are whole");
	read_block(role("store"), block_at(le64toh(headers[0].log_loc)), &log_block);
	result(le32toh(log_block.crc) == log_crc(&log_block), "and so is a block of the log");
}

static void end_spoiling(void)
{
	attach_and_delete("a", "store");
	untrack(role_dev("a"));
}

/* Try it with other headers; those that were there come back. */
static void try_headers(struct shadow_disk_header *first, struct shadow_disk_header *second)
{
	write_block(role("store"), header_at(0), first);
	write_block(role("store"), header_at(1), second);
	attach_refused(role_dev("a"), role("store"));
	write_block(role("store"), header_at(0), &headers[0]);
	write_block(role("store"), header_at(1), &headers[1]);
}

/* Both with other bytes at @at, and the right checksum. */
static void try_member(size_t at, const void *value, size_t size)
{
	static struct shadow_disk_header h __attribute__((aligned(4096)));

	h = headers[0];
	memcpy((char *)&h + at, value, size);
	h.crc = htole32(header_crc(&h));
	try_headers(&h, &h);
}

#define TRY_32(member, value) \
	try_member(offsetof(struct shadow_disk_header, member), &(__le32){ htole32(value) }, 4)
#define TRY_64(member, value) \
	try_member(offsetof(struct shadow_disk_header, member), &(__le64){ htole64(value) }, 8)

/* Both, with a bit turned round at @at. */
static void try_bit(size_t at)
{
	static struct shadow_disk_header h __attribute__((aligned(4096)));

	h = headers[0];
	((unsigned char *)&h)[at] ^= 0x10;
	try_headers(&h, &h);
}

/* Another block of the log in the place of its first one. */
static void try_log(struct shadow_disk_log *b)
{
	off_t at = block_at(le64toh(headers[0].log_loc));

	write_block(role("store"), at, b);
	attach_refused(role_dev("a"), role("store"));
	write_block(role("store"), at, &log_block);
}

/* Another first entry of the log, with the right checksum. */
static void try_entry(unsigned int type, uint64_t rest, uint64_t value)
{
	static struct shadow_disk_log b __attribute__((aligned(4096)));

	b = log_block;
	b.entry[0].what = htole64((uint64_t)type << 56 | rest);
	b.entry[0].value = htole64(value);
	b.crc = htole32(log_crc(&b));
	try_log(&b);
}

static void attach_no_store(void)
{
	static struct shadow_disk_header none __attribute__((aligned(4096)));
	int set = set_new(0, 0);

	set_add(set, role_dev("b"), SHADOW_ADD_SHADOW, role("store"));
	close(set);
	attach_refused(role_dev("a"), role("store"));	/* what is not durable */
	attach_refused(role_dev("a"), role("disk"));
	begin_spoiling();
	try_headers(&none, &none);
	try_bit(0);
	try_bit(15);
	end_spoiling();
}

static void attach_newer(void)
{
	static const unsigned int versions[] = { 0, SHADOW_DISK_VERSION + 1, ~0U };
	static struct shadow_disk_header newer __attribute__((aligned(4096)));
	static struct shadow_disk_header damaged __attribute__((aligned(4096)));

	begin_spoiling();
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		TRY_32(version, versions[i]);
	for (unsigned int bit = 0; bit < 32; bit += 31) {
		TRY_32(incompat, 1U << bit);
		TRY_32(ro_compat, 1U << bit);
	}
	newer = headers[0];
	newer.version = htole32(SHADOW_DISK_VERSION + 1);
	newer.crc = htole32(header_crc(&newer));
	damaged = headers[0];
	damaged.seq = ~damaged.seq;
	try_headers(&newer, &damaged);
	try_headers(&damaged, &newer);
	try_entry(SHADOW_DISK_TYPES, 0, 0);
	try_entry(255, 0, 0);
	end_spoiling();
}

/* What who does not know it may use: it is attached. */
static void attach_compatible(void)
{
	static struct shadow_disk_header h __attribute__((aligned(4096)));

	h = headers[0];
	h.compat = htole32(~0U);
	h.crc = htole32(header_crc(&h));
	write_block(role("store"), header_at(0), &h);
	write_block(role("store"), header_at(1), &h);
	end_spoiling();
}

/* A header whose checksum is wrong, or right and it cannot be true. */
static void attach_damaged_header(void)
{
	static const size_t bytes[] = { 16, 20, 24, 48, 96, 1000, SHADOW_DISK_BLOCK - 1 };
	uint64_t blocks;

	begin_spoiling();
	blocks = le64toh(headers[0].part_blocks);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		try_bit(bytes[i]);
	TRY_32(parts, 0);
	TRY_32(parts, 2);
	TRY_32(part_id, 1);
	TRY_64(part_blocks, 0);
	TRY_64(part_blocks, blocks + 1);	/* than the device has */
	TRY_64(part_blocks, 1ULL << 41);
	TRY_64(log_loc, blocks);
	TRY_64(log_loc, ~0ULL);
	TRY_32(log_segment, 0);
	TRY_32(log_segment, ~0U);
	TRY_64(log_seq, 0);
	TRY_64(log_group, 0);
	TRY_32(dump_blocks, 1);			/* without a segment */
	attach_compatible();
}

static void attach_damaged_log(void)
{
	static struct shadow_disk_log b __attribute__((aligned(4096)));
	uint64_t blocks;

	begin_spoiling();
	blocks = le64toh(headers[0].part_blocks);
	b = log_block;
	b.reserved[0] ^= 1;
	try_log(&b);				/* others follow */
	memset(&b, 0, sizeof(b));
	try_log(&b);
	b = log_block;
	b.nr = htole16(1);			/* an epoch without its struct */
	b.entry[0].what = htole64((uint64_t)SHADOW_DISK_EPOCH << 56 | SHADOW_DISK_EPOCH_ENTRIES);
	b.entry[0].value = htole64(1);
	b.crc = htole32(log_crc(&b));
	try_log(&b);
	try_entry(SHADOW_DISK_EXTENT, 0, blocks);
	try_entry(SHADOW_DISK_EXTENT, 255ULL << 48, blocks - 1);
	try_entry(SHADOW_DISK_EXTENT, 255ULL << 48 | ((1ULL << 48) - 1), 0);
	try_entry(SHADOW_DISK_FREE, 0, 0);
	try_entry(SHADOW_DISK_FREE, (1ULL << 48) - 1, 2);
	try_entry(SHADOW_DISK_FREE, 1ULL << 48, 1);
	try_entry(SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES + 1, 1);
	try_entry(SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, 0);
	try_entry(SHADOW_DISK_COMPLETE, 1, 1);
	try_entry(SHADOW_DISK_FOLD, 1, 1);
	try_entry(SHADOW_DISK_HEAD_IS, SHADOW_DISK_WATCHED, 0);
	try_entry(SHADOW_DISK_HEAD_WILL, 0, 1ULL << 32);
	try_entry(SHADOW_DISK_HEAD_ANY, ~0ULL >> 8, 0);
	try_entry(SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_BEGUN + 1, 1);
	try_entry(SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_BEGUN, 77);
	try_entry(SHADOW_DISK_NEXT, 0, 0);
	try_entry(SHADOW_DISK_NEXT, 1, blocks);
	try_entry(SHADOW_DISK_NEXT, ~0ULL >> 8, 0);
	end_spoiling();
}

/* --- detaching ---------------------------------------------------------------- */

static void detach_in_use(void)
{
	struct shadow_shadow_info info;
	int fd, set;

	make_persistent("mounted", "store");
	detach_refused(role_dev("mounted"));
	delete_persistent();
	make_persistent("a", "store");
	info = last_shadow();
	fd = open_image(&info);
	detach_refused(role_dev("a"));
	close(fd);
	fd = open(role("a"), O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", role("a"));
	detach_refused(role_dev("a"));
	close(fd);
	wait_for_udev();
	set = set_new(0, 0);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, NULL);	/* in the making */
	detach_refused(role_dev("a"));
	close(set);
	delete_persistent();
}

static void detach_volatile(void)
{
	int set = shadow(role_dev("a"));

	detach_refused(role_dev("a"));
	close(set);
	set = set_new(0, 0);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, role("store"));
	detach_refused(role_dev("a"));
	close(set);
}

static void detach_nothing(void)
{
	detach_refused(role_dev("a"));
	track(role_dev("a"));
	detach_refused(role_dev("a"));
	untrack(role_dev("a"));
}

static void detach_no_device(void)
{
	detach_refused((struct shadow_dev){ 259, 1000000 });
	detach_refused((struct shadow_dev){ 4095, 0 });
}

/* --- limits --------------------------------------------------------------- */

/* The devices /dev/NAME0, /dev/NAME1... */
static struct shadow_dev nth(const char *name, unsigned int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s%u", name, n);
	return dev_of(path);
}

static void shadows_of_set(void)
{
	int set = set_new(0, 60000);
	struct shadow_set_step step;

	for (unsigned int i = 0; i < SHADOW_MAX_SET_VOLUMES; i++)
		if (i % 4)
			set_add(set, nth(role("many"), i), SHADOW_ADD_SHADOW, "memory");
		else
			set_add(set, nth(role("many"), i), SHADOW_ADD_HOLD, NULL);
	add_refused(set, adding(nth(role("many"), SHADOW_MAX_SET_VOLUMES), SHADOW_ADD_SHADOW,
				"memory"));
	add_refused(set, adding(nth(role("many"), SHADOW_MAX_SET_VOLUMES),
				SHADOW_ADD_SHADOW | SHADOW_ADD_FREEZE, "memory"));
	add_refused(set, adding(nth(role("many"), SHADOW_MAX_SET_VOLUMES), SHADOW_ADD_HOLD,
				NULL));
	/* frozen it can be */
	set_add(set, nth(role("many"), SHADOW_MAX_SET_VOLUMES), SHADOW_ADD_FREEZE, NULL);
	result(!set_step(set, SHADOW_IOC_SET_HOLD, &step) &&
	       step.volumes == SHADOW_MAX_SET_VOLUMES, "a full set is held");
	result(!set_step(set, SHADOW_IOC_SET_RELEASE, &step), "and released");
	close(set);
}

static void frozen_of_set(void)
{
	int set = set_new(0, 60000);

	for (unsigned int i = 0; i < SHADOW_MAX_FREEZE; i++)
		set_add(set, nth(role("many"), i), SHADOW_ADD_FREEZE, NULL);
	add_refused(set, adding(nth(role("many"), SHADOW_MAX_FREEZE), SHADOW_ADD_FREEZE, NULL));
	add_refused(set, adding(nth(role("many"), SHADOW_MAX_FREEZE), SHADOW_ADD_SHADOW,
				"memory"));
	close(set);
}

static void shadows_of_volume(void)
{
	static int sets[SHADOW_MAX_VOLUME_SHADOWS];
	int set;

	/* That they were taken is not needed: what is prepared counts. */
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		sets[i] = set_new(0, 0);
		set_add(sets[i], role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	}
	set = set_new(0, 0);
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory"));
	close(sets[0]);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	result(true, "one less, and there is room again");
	close(set);
	for (size_t i = 1; i < ARRAY_SIZE(sets); i++)
		close(sets[i]);
}

static void twice_in_set(void)
{
	int set = set_new(0, 0);

	watch_set(set);
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, "memory");
	set_add(set, role_dev("b"), SHADOW_ADD_FREEZE, NULL);
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_SHADOW, "memory"));
	add_refused(set, adding(role_dev("a"), SHADOW_ADD_FREEZE, NULL));
	add_refused(set, adding(role_dev("b"), SHADOW_ADD_SHADOW, "memory"));
	close_set(set);
}

/* --- holds ---------------------------------------------------------------- */

static int set_of(const char *name, unsigned int timeout_ms)
{
	int set = set_new(0, timeout_ms);

	watch_set(set);
	set_add(set, role_dev(name), SHADOW_ADD_SHADOW, "memory");
	return set;
}

static void hold_nothing(void)
{
	int set = set_new(0, 0);
	struct shadow_set_step step;

	step_fails(set, SHADOW_IOC_SET_HOLD);
	set_add(set, role_dev("b"), SHADOW_ADD_FREEZE, NULL);
	step_fails(set, SHADOW_IOC_SET_HOLD);
	step_fails(set, SHADOW_IOC_SET_TAKE);
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(step.state == SHADOW_SET_NEW && !step.held, "the set is NEW as before");
	set_add(set, role_dev("a"), SHADOW_ADD_SHADOW, NULL);
	result(!set_step(set, SHADOW_IOC_SET_TAKE, NULL), "with a shadow it is taken");
	wait_for_udev();
	close(set);
}

/* What is only held is no shadow to take. */
static void take_only_held(void)
{
	int set = set_new(0, 60000);
	struct shadow_set_step step;

	set_add(set, role_dev("a"), SHADOW_ADD_HOLD, NULL);
	step_fails(set, SHADOW_IOC_SET_TAKE);
	result(set_state(set) == SHADOW_SET_NEW, "the set is NEW as before");
	set_must(set, SHADOW_IOC_SET_HOLD);
	step_fails(set, SHADOW_IOC_SET_TAKE);
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(step.state == SHADOW_SET_HELD && step.held, "it is HELD as before");
	result(!set_step(set, SHADOW_IOC_SET_RELEASE, &step) && step.state == SHADOW_SET_NEW &&
	       !step.fault.error, "it can be released");
	close(set);
}

static int mountpoint(void)
{
	int fd = open(role("mountpoint"), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", role("mountpoint"));
	return fd;
}

static void frozen_already(void)
{
	int fs = mountpoint();
	int set = set_of("a", 0);

	set_add(set, role_dev("mounted"), SHADOW_ADD_FREEZE, NULL);
	if (ioctl(fs, FIFREEZE, 0))
		err(2, "FIFREEZE");
	step_fails(set, SHADOW_IOC_SET_HOLD);
	result(!ioctl(fs, FITHAW, 0), "it is frozen still");
	step_fails(set, SHADOW_IOC_SET_HOLD);	/* it has failed for good */
	close_set(set);
	close(fs);
}

/* The holder dies while it waits for its turn; who has the descriptor too can tell. */
static void killed(void)
{
	int first = set_of("a", 60000), second = set_of("b", 60000);
	struct shadow_set_step step;
	pid_t pid;

	set_must(first, SHADOW_IOC_SET_HOLD);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		set_step(second, SHADOW_IOC_SET_HOLD, NULL);
		_exit(0);
	}
	pause_ms(500);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	set_step(second, SHADOW_IOC_SET_STATUS, &step);
	result(step.state == SHADOW_SET_FAILED, "the set of a dead holder has failed");
	step_fails(second, SHADOW_IOC_SET_HOLD);
	result(set_state(first) == SHADOW_SET_HELD, "the other set is held still");
	close_set(second);
	close_set(first);
}

/* Freezing takes longer than the hold may. */
static void slow_freeze(void)
{
	int fs = mountpoint();
	int set = set_of("a", 300);
	int fd = openat(fs, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct shadow_dev dev = role_dev("mounted");
	struct shadow_set_step step;

	set_add(set, dev, SHADOW_ADD_FREEZE, NULL);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd))
		err(2, "%s/file", role("mountpoint"));
	step_fails(set, SHADOW_IOC_SET_HOLD);
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(step.fault.phase == SHADOW_PHASE_FREEZE &&
	       !memcmp(&step.fault.dev, &dev, sizeof(dev)),
	       "it is the freeze, and the device is named");
	result(ioctl(fs, FITHAW, 0) && errno == EINVAL, "the filesystem is not frozen");
	close(fd);
	close_set(set);
	close(fs);
}

static void slow_drain(void)
{
	int set = set_of("slow", 300);
	pthread_t thread = begin_slow_write("slow");
	struct shadow_dev dev = role_dev("slow");
	struct shadow_set_step step;

	step_fails(set, SHADOW_IOC_SET_HOLD);
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(!memcmp(&step.fault.dev, &dev, sizeof(dev)), "the device is named");
	pthread_join(thread, NULL);
	close_set(set);
}

static void expired_held(unsigned long number)
{
	int set = set_of("a", 200);

	set_must(set, SHADOW_IOC_SET_HOLD);
	pause_ms(700);
	result(set_state(set) == SHADOW_SET_FAILED, "the timer ended the hold");
	step_fails(set, number);
	close_set(set);
}

static void expired_take(void)
{
	expired_held(SHADOW_IOC_SET_TAKE);
}

static void expired_release(void)
{
	expired_held(SHADOW_IOC_SET_RELEASE);
}

/* The instant had been: that is no error. */
static void expired_flipped(void)
{
	int set = set_of("a", 300);
	struct shadow_set_step step;

	set_must(set, SHADOW_IOC_SET_HOLD);
	set_must(set, SHADOW_IOC_SET_TAKE);
	pause_ms(900);
	set_step(set, SHADOW_IOC_SET_STATUS, &step);
	result(step.state == SHADOW_SET_FLIPPED && !step.held, "expired when flipped");
	result(!set_step(set, SHADOW_IOC_SET_RELEASE, &step) && step.state == SHADOW_SET_TAKEN,
	       "the shadow appears all the same");
	wait_for_udev();
	close_set(set);
}

/* Not for who copied the other volume until now. */
static void expired_flipped_held(void)
{
	int set = set_of("a", 300);

	set_add(set, role_dev("b"), SHADOW_ADD_HOLD, NULL);
	set_must(set, SHADOW_IOC_SET_HOLD);
	set_must(set, SHADOW_IOC_SET_TAKE);
	pause_ms(900);
	result(set_state(set) == SHADOW_SET_FAILED, "the timer failed the set");
	step_fails(set, SHADOW_IOC_SET_RELEASE);
	step_fails(set, SHADOW_IOC_SET_RELEASE);
	close_set(set);
}

static void expired_only_held(void)
{
	int set = set_new(0, 200);

	set_add(set, role_dev("a"), SHADOW_ADD_HOLD, NULL);
	set_must(set, SHADOW_IOC_SET_HOLD);
	pause_ms(700);
	step_fails(set, SHADOW_IOC_SET_RELEASE);
	close(set);
}

static void expired(void)
{
	expired_release();
	expired_flipped();
	expired_flipped_held();
	expired_only_held();
}

/* The volume goes while it is held: role "goes", by the command in role "away". */
static void gone_while_held(void)
{
	int set = set_of("goes", 60000);

	set_must(set, SHADOW_IOC_SET_HOLD);
	if (system(role("away")))
		errx(2, "%s", role("away"));
	step_fails(set, SHADOW_IOC_SET_TAKE);
	close_set(set);
}

/* The same of one that is only held, in a set whose shadow was taken. */
static void gone_only_held(void)
{
	int set = set_of("stays", 60000);

	set_add(set, role_dev("goes"), SHADOW_ADD_HOLD, NULL);
	set_must(set, SHADOW_IOC_SET_HOLD);
	set_must(set, SHADOW_IOC_SET_TAKE);
	if (system(role("away")))
		errx(2, "%s", role("away"));
	step_fails(set, SHADOW_IOC_SET_RELEASE);
	close_set(set);
}

/* --- the table ------------------------------------------------------------ */

static const struct ctl_case cases[] = {
	CASE(SET_NEW, EMFILE, NONE, sets, too_many_files),
	/* no case: SET_NEW, ENFILE, NONE: who has CAP_SYS_ADMIN may exceed fs.file-max */
	/* no case: SET_NEW, ENOMEM, NONE: small allocations do not fail for root */
	CASE(SET_NEW, ERANGE, NONE, sets, set_timeouts),

	CASE(VOLUME_TRACK, EBUSY, HOOK_BUSY, hook, no_hook),
	CASE(VOLUME_TRACK, EBUSY, FTRACE_OFF, ftrace, no_hook),
	/* no case: VOLUME_TRACK, EIO, HOOK_DEAD: nothing can take the hook from under us */
	CASE(VOLUME_TRACK, EEXIST, DUPLICATE, sets, tracked_twice),
	/* no case: VOLUME_TRACK, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(VOLUME_TRACK, ENXIO, NO_DEVICE, sets, no_device),
	/* no case: VOLUME_TRACK, ENODEV, NO_DEVICE: what other kernels say for ENXIO */
	CASE(VOLUME_TRACK, EOPNOTSUPP, DAX, dax, unfit_dax),
	CASE(VOLUME_TRACK, EOPNOTSUPP, ZONED, devices, unfit_zoned),
	CASE(VOLUME_TRACK, EOPNOTSUPP, RW_PAGE, rw_page, unfit_rw_page),
	CASE(VOLUME_TRACK, EOPNOTSUPP, IMAGE, devices, unfit_image),
	/* no case: VOLUME_TRACK, EOPNOTSUPP, BLOCK_SIZE: older kernels allow 4 KiB at most */
	CASE(VOLUME_TRACK, EOPNOTSUPP, EMPTY, devices, unfit_empty),
	CASE(VOLUME_TRACK, ERANGE, NONE, sets, memory_range),
	CASE(VOLUME_TRACK, ERANGE, NONE, changes, changes_range),
	CASE(VOLUME_TRACK, ETIMEDOUT, DRAIN, slow, old_writes),

	CASE(VOLUME_UNTRACK, EBUSY, BASES, changes, untrack_with_base),
	CASE(VOLUME_UNTRACK, EBUSY, BUSY, sets, untrack_with_shadow),
	CASE(VOLUME_UNTRACK, ENOENT, NO_DEVICE, sets, untrack_untracked),

	CASE(VOLUME_POLICY, ENOENT, NO_DEVICE, sets, policy_untracked),
	CASE(VOLUME_POLICY, ERANGE, NONE, sets, throttle_range),

	CASE(VOLUME_NEXT, ENOENT, NONE, sets, no_more_volumes),
	/* no case: VOLUME_NEXT, ENOMEM, NONE: small allocations do not fail for root */
	CASE(SHADOW_NEXT, ENOENT, NONE, sets, no_more_shadows),
	CASE(STORE_NEXT, ENOENT, NONE, sets, no_more_parts),
	/* no case: STORE_ADD, E2BIG, STORE_FULL: 256 parts need 256 disks or files */
	CASE(STORE_ADD, EEXIST, DUPLICATE, stores, part_twice),
	CASE(STORE_ADD, ENOENT, NO_DEVICE, stores, part_of_none),
	CASE(STORE_ADD, EOPNOTSUPP, STORE_DURABLE, durable, part_of_durable),

	CASE(STORE_RESIZE, EBUSY, STORE_LAST, sets, resize_last),
	/* no case: STORE_RESIZE, EBUSY, BUSY: store/23 tries a second one */
	/* no case: STORE_RESIZE, EINTR, INTERRUPTED: store/24 has signals */
	CASE(STORE_RESIZE, EINVAL, STORE_SIZE, sets, resize_size),
	/* no case: STORE_RESIZE, EIO, FAULTED: store/27 has a fault in the middle */
	/* no case: STORE_RESIZE, EIO, STORE_ERROR: store/26 has a disk that fails */
	CASE(STORE_RESIZE, ENOENT, NO_DEVICE, sets, resize_no_store),
	CASE(STORE_RESIZE, ENOENT, STORE_PART, sets, resize_no_part),
	/* no case: STORE_RESIZE, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	/* no case: STORE_RESIZE, ENOSPC, STORE_FULL: store/23 has a store that is too small */
	CASE(STORE_RESIZE, EOPNOTSUPP, STORE_DURABLE, durable, resize_durable),

	CASE(STORE_ATTACH, EBUSY, BUSY, durable, attach_in_use),
	CASE(STORE_ATTACH, EBUSY, STORE_IN_USE, durable, attach_store_in_use),
	CASE(STORE_ATTACH, EEXIST, STORE_MISMATCH, durable, attach_twice),
	/* no case: STORE_ATTACH, EINTR, INTERRUPTED: only SIGKILL does it, who hears of it? */
	CASE(STORE_ATTACH, EINVAL, BLOCK_SIZE, durable, attach_block_size),
	CASE(STORE_ATTACH, EINVAL, STORE_SIZE, durable, attach_size),
	CASE(STORE_ATTACH, EIO, ORIGIN_ERROR, durable, attach_to_unreadable),
	CASE(STORE_ATTACH, EIO, STORE_ERROR, durable, attach_unreadable),
	CASE(STORE_ATTACH, EMEDIUMTYPE, STORE_FORMAT, durable, attach_no_store),
	/* no case: STORE_ATTACH, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(STORE_ATTACH, ENXIO, NO_DEVICE, durable, attach_no_device),
	/* no case: STORE_ATTACH, ENODEV, NO_DEVICE: what other kernels say for ENXIO */
	CASE(STORE_ATTACH, EOPNOTSUPP, IMAGE, durable, attach_image),
	CASE(STORE_ATTACH, EOPNOTSUPP, STORE_NEWER, durable, attach_newer),
	CASE(STORE_ATTACH, EROFS, STORE_READONLY, durable, attach_readonly),
	/* no case: STORE_ATTACH, EACCES, STORE_READONLY: what newer kernels say for EROFS */
	CASE(STORE_ATTACH, ESTALE, VOLUME_CHANGED, durable, attach_other_volume),
	CASE(STORE_ATTACH, EUCLEAN, STORE_DAMAGED, durable, attach_damaged_header),
	CASE(STORE_ATTACH, EUCLEAN, STORE_DAMAGED, durable, attach_damaged_log),

	CASE(STORE_DETACH, EBUSY, BUSY, durable, detach_in_use),
	/* no case: STORE_DETACH, EINTR, INTERRUPTED: only SIGKILL does it, who hears of it? */
	/* no case: STORE_DETACH, EIO, STORE_ERROR: durable/ has disks that fail */
	/* no case: STORE_DETACH, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(STORE_DETACH, EMEDIUMTYPE, STORE_VOLATILE, durable, detach_volatile),
	CASE(STORE_DETACH, ENOENT, NO_DEVICE, durable, detach_nothing),
	CASE(STORE_DETACH, ENXIO, NO_DEVICE, durable, detach_no_device),
	/* no case: STORE_DETACH, ENODEV, NO_DEVICE: what other kernels say for ENXIO */

	CASE(DELETE, EBUSY, BUSY, sets, delete_open),
	CASE(DELETE, EBUSY, BUSY, sets, delete_set_open),
	CASE(DELETE, EBUSY, REVERTING, durable, delete_wanted),
	CASE(DELETE, ENOENT, NONE, sets, delete_unknown),

	CASE(SHADOW_CHANGE, EBUSY, BUSY, sets, seal_open),
	CASE(SHADOW_CHANGE, ENOENT, NONE, sets, change_unknown),
	CASE(SHADOW_FREE, E2BIG, NONE, free, free_too_many),
	CASE(SHADOW_FREE, EIO, NONE, free, free_lost),
	CASE(SHADOW_FREE, ENOENT, NONE, free, free_unknown),
	/* no case: SHADOW_FREE, EINTR, NONE: only SIGKILL does it, and nobody hears of it */
	/* no case: SHADOW_FREE, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	/* no case: SHADOW_FREE, ENOSPC, NONE: a store that is full loses its shadows first */
	CASE(SHADOW_FREE, ERANGE, NONE, free, free_beyond),

	/* no case: REVERT, EALREADY, HALF_REVERTED: revert/05 has one that fails */
	CASE(REVERT, EALREADY, REVERTING, durable, revert_to_another),
	CASE(REVERT, EBUSY, BUSY, durable, revert_in_use),
	/* no case: REVERT, EFBIG, VOLUME_SIZE: revert/04 has a volume that shrinks */
	/* no case: REVERT, EINTR, NONE: only SIGKILL does it, and nobody hears of it */
	/* no case: REVERT, EIO, FAULTED: policy/07 has faults, of all writes alike */
	/* no case: REVERT, EIO, REVERT_WRITE: revert/05 has a disk that fails */
	/* no case: REVERT, EIO, SHADOW_LOST: revert/04 has a lost one */
	/* no case: REVERT, EIO, STORE_ERROR: durable/05 has disks that fail */
	CASE(REVERT, EMEDIUMTYPE, NOT_PERSISTENT, durable, revert_volatile),
	/* no case: REVERT, ENODEV, ORIGIN_GONE: fault/11 has disks that are unplugged */
	CASE(REVERT, ENOENT, NONE, durable, revert_unknown),
	/* no case: REVERT, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	/* no case: REVERT, ENOSPC, REVERT_ROOM: revert/04 has a store that is too small */
	/* no case: REVERT, EROFS, VOLUME_READONLY: revert/04 has such a volume */
	/* no case: REVERT, EACCES, VOLUME_READONLY: what newer kernels say for EROFS */

	/* no case: REVERT_NEXT, ENOENT, NONE: the end of every list */

	/* no case: REVERT_CANCEL, EBUSY, HALF_REVERTED: revert/05 has one that fails */
	/* no case: REVERT_CANCEL, EBUSY, REVERTING: revert/06 has a slow disk */
	/* no case: REVERT_CANCEL, EINTR, NONE: only SIGKILL does it, and nobody hears of it */
	/* no case: REVERT_CANCEL, EIO, STORE_ERROR: durable/05 has disks that fail */
	CASE(REVERT_CANCEL, ENOENT, NO_DEVICE, durable, cancel_no_store),
	CASE(REVERT_CANCEL, ENOENT, STATE, durable, cancel_nothing),

	CASE(MAP, E2BIG, NONE, changes, map_too_many),
	CASE(MAP, EINVAL, NONE, changes, map_nothing),
	CASE(MAP, EINVAL, CHANGES_ORDER, changes, map_wrong_order),
	CASE(MAP, ENODATA, CHANGES_UNKNOWN, changes, map_no_begin),
	CASE(MAP, ENODATA, CHANGES_UNKNOWN, changes, map_forgotten),
	CASE(MAP, ENOENT, NONE, changes, map_unknown),
	/* no case: MAP, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(MAP, EXDEV, OTHER_VOLUME, changes, map_others),

	CASE(BASE_NEXT, ENOENT, NONE, changes, no_more_bases),
	/* no case: BASE_NEXT, ENOMEM, NONE: small allocations do not fail for root */
	CASE(BASE_CHANGE, ENODATA, CHANGES_UNKNOWN, changes, keep_forgotten),
	CASE(BASE_CHANGE, ENOENT, NONE, changes, base_unknown),
	CASE(BASE_CHANGE, ENOENT, NONE, changes, drop_forgotten),
	CASE(TRACKING_NEXT, ENOENT, NONE, changes, no_more_tracking),

	CASE(SET_ADD, E2BIG, SET_FULL, many, frozen_of_set),
	CASE(SET_ADD, E2BIG, SET_FULL, many, shadows_of_set),
	/* no case: SET_ADD, EBUSY, HALF_REVERTED: revert/05 has a revert that fails */
	/* no case: SET_ADD, EBUSY, REVERTING: revert/06 has a slow disk */
	CASE(SET_ADD, EBUSY, STORE_IN_USE, stores, store_in_use),
	CASE(SET_ADD, EBUSY, STORE_IN_USE, stores, store_of_another),
	CASE(SET_ADD, EBADF, STORE_FILE, stores, store_bad_fd),
	CASE(SET_ADD, EBUSY, STORE_IN_USE, stores, store_file_in_use),
	CASE(SET_ADD, EBUSY, FROZEN, stores, store_frozen),
	CASE(SET_ADD, EDQUOT, VOLUME_FULL, many, shadows_of_volume),
	CASE(SET_ADD, EEXIST, DUPLICATE, sets, twice_in_set),
	CASE(SET_ADD, EEXIST, STORE_MISMATCH, stores, store_mismatch),
	CASE(SET_ADD, EEXIST, STORE_MISMATCH, durable, persistent_elsewhere),
	CASE(SET_ADD, EEXIST, STORE_VOLATILE, durable, persistent_too_late),
	/* no case: SET_ADD, EINTR, INTERRUPTED: only SIGKILL does it, who hears of it? */
	CASE(SET_ADD, EIO, FAULTED, sets, add_faulted),
	CASE(SET_ADD, EINVAL, STORE_ON_VOLUME, stores, store_on_volume),
	CASE(SET_ADD, EINVAL, STORE_SIZE, stores, store_size),
	CASE(SET_ADD, EINVAL, STORE_SIZE, stores, store_file_size),
	CASE(SET_ADD, EINVAL, STORE_FILE, stores, store_no_file),
	CASE(SET_ADD, EINVAL, STORE_HOLES, stores, store_holes),
	CASE(SET_ADD, EINVAL, STORE_SHARED, stores, store_unpinned),
	CASE(SET_ADD, EIO, ORIGIN_ERROR, durable, persistent_unreadable),
	CASE(SET_ADD, EOPNOTSUPP, STORE_DURABLE, durable, persistent_writable),
	CASE(SET_ADD, EOPNOTSUPP, STORE_FS, stores, store_fs),
	CASE(SET_ADD, EOPNOTSUPP, STORE_VOLATILE, durable, persistent_volatile),
	/* no case: SET_ADD, EOPNOTSUPP, STORE_ON_VOLUME: durable/11-file has one */
	/* no case: SET_ADD, EIO, STORE_ERROR: fault/ and store/ have disks that fail */
	CASE(SET_ADD, EINVAL, BLOCK_SIZE, stores, store_block_size),
	CASE(SET_ADD, ELOOP, STORE_CIRCLE, stores, store_circle),
	CASE(SET_ADD, EROFS, STORE_READONLY, stores, store_readonly),
	/* no case: SET_ADD, EACCES, STORE_READONLY: what newer kernels say for EROFS */
	CASE(SET_ADD, ENXIO, NO_DEVICE, stores, store_no_device),

	/* no case: SET_HOLD, EAGAIN, SUSPEND: programs are stopped before the machine sleeps */
	CASE(SET_HOLD, EBUSY, FROZEN, frozen, frozen_already),
	CASE(SET_HOLD, EINTR, INTERRUPTED, holds, killed),
	CASE(SET_HOLD, EINVAL, EMPTY, holds, hold_nothing),
	/* no case: SET_HOLD, EIO, HOOK_DEAD: nothing can take the hook from under us */
	CASE(SET_HOLD, ETIMEDOUT, TIMEOUT, slow, slow_freeze),
	CASE(SET_HOLD, ETIMEDOUT, DRAIN, slow, slow_drain),

	CASE(SET_TAKE, EINVAL, EMPTY, holds, take_only_held),
	CASE(SET_TAKE, EIO, FAULTED, sets, take_faulted),
	/* no case: SET_TAKE, EIO, STORE_ERROR: durable/ has disks that fail */
	/* no case: SET_KEEP, EIO, STORE_ERROR: likewise */
	CASE(SET_TAKE, ENODEV, ORIGIN_GONE, gone, gone_while_held),
	/* no case: SET_TAKE, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(SET_TAKE, ETIMEDOUT, TIMEOUT, holds, expired_take),

	CASE(SET_RELEASE, ENODEV, ORIGIN_GONE, gone_held, gone_only_held),
	/* no case: SET_RELEASE, EIO, STORE_ERROR: durable/ has disks that fail */
	/* no case: SET_RELEASE, ENOMEM, NO_MEMORY: small allocations do not fail for root */
	CASE(SET_RELEASE, ETIMEDOUT, TIMEOUT, holds, expired),
};

int main(int argc, char **argv)
{
	struct picture before;
	const char *differs;

	if (argc < 2)
		errx(2, "usage: ctl_errno GROUP NAME=DEVICE...");
	roles = argv + 2;
	open_control();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(cases[i].group, argv[1]))
			continue;
		current = &cases[i];
		refusals = 0;
		picture_take(&before);
		cases[i].fn();
		differs = differs_at_last(&before);
		result(refusals && !differs, "after %s all is as it was", current->name);
	}
	return failures ? 1 : 0;
}
