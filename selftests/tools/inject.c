// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live through the life of a volume with shadows while the kernel makes
 * allocations or bios of the module fail.
 *
 *	inject sites ORIGIN STORE [POLICY]	fail one call site after the other
 *	inject nth ORIGIN STORE [POLICY]	fail the 1st, 2nd... allocation of each ioctl
 *	inject once ORIGIN STORE [POLICY]	one life without failures of our making
 *
 * STORE is "memory", a device or a file, POLICY "evict", "throttle" or "fail-io".  A
 * life: the volume is tracked, gets two shadows with writes to it before, between and
 * after, one by one and so close together that neighbours are preserved with them; the
 * first shadow is told what was free, and written to until it is sealed; the images are
 * read, everything is deleted again.  Whatever fails on the way,
 *
 *	- no write fails (but the one whose own bio was failed),
 *	- the volume has what was written to it,
 *	- an image has what the volume had then and what was written to it, or says EIO;
 *	  a write to it that failed may have been done or not,
 *	- afterwards all can be deleted, and nothing is left.
 *
 * With the policy "fail-io" writes may fail, and do nothing then, until the fault is
 * cleared; and no shadow is lost.
 *
 * "sites" reads lines "NAME START END KIND TIMES PERCENT" from standard input: of the
 * calls that return to an address from START up to END fail PERCENT, up to TIMES; KIND
 * is "alloc" or "bio", or "write" for the bio that is a write of the volume, or "late"
 * for allocations from the first shadow on, where a step that fails is passed over.  It prints
 * "site NAME fired=N result=..." for each.  The kernel's log has the rest.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/shadow.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WINDOW		(192 << 10)
#define FIRST_FREE_FD	64	/* then a table of descriptors has to grow */
#define PATIENCE	200	/* times 50 ms */
#define SECTOR		512
#define BLOCK		4096

/* Two places of the volume, in different pages of a map of its blocks. */
static const off_t windows[] = { 64 << 10, (off_t)130 << 20 };

/* What is told to have been free: a part of a map's page, and all blocks of another. */
static const struct shadow_free_range free_ranges[] = {
	{ 140ULL << 20, 1 << 20 }, { 256ULL << 20, 128 << 20 },
};

struct content {
	char window[ARRAY_SIZE(windows)][WINDOW];
};

static struct shadow_dev origin_dev;
static struct shadow_store_spec store;
static int origin_fd, control, faulty = -1;
static __u32 policy = SHADOW_POLICY_EVICT;
/* An image has what is in "then", or else in "instead", where a write to it failed. */
static struct content *now, *then[2], *instead[2], *buffer;
static unsigned int *serial;
static bool own_writes_fail, injected, told_free, in_a_hurry;

struct site {
	char name[128], start[32], end[32], kind[16], times[16], percent[16];
};

static const struct site *late;

__attribute__((format(printf, 1, 2)))
static void bad(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("not ok ");
	vprintf(format, args);
	printf(": %s\n", strerror(errno));
	va_end(args);
	fflush(stdout);
	_exit(1);
}

/* --- the attributes of fault injection ------------------------------------------ */

static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_make_request" };

static void put(const char *attribute, const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", attribute, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s", path);
	close(fd);
}

static long get(const char *attribute, const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", attribute, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		err(2, "%s", path);
	close(fd);
	return strtol(text, NULL, 0);
}

static void arm_site(const struct site *site)
{
	bool bios = strcmp(site->kind, "alloc") && strcmp(site->kind, "late");

	for (unsigned int i = 0; i < ARRAY_SIZE(attributes); i++) {
		bool about_bios = i == 2;

		if (bios != about_bios)
			continue;
		put(attributes[i], "require-start", site->start);
		put(attributes[i], "require-end", site->end);
		put(attributes[i], "times", site->times);
		put(attributes[i], "probability", site->percent);
	}
}

/* Return: how often something failed. */
static long disarm(long times)
{
	long fired = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!get(attributes[i], "probability"))
			continue;
		put(attributes[i], "probability", "0");
		fired += times - get(attributes[i], "times");
	}
	return fired;
}

/* --- one life -------------------------------------------------------------------- */

static void fill(char *data, size_t n)
{
	uint64_t x = 0x9e3779b97f4a7c15 * ++*serial;

	for (size_t i = 0; i < n; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + i, &x, 8);
	}
}

/* May a write of the volume fail, as things are? */
static bool may_be_refused(void)
{
	return errno == EIO && (own_writes_fail || (injected && policy == SHADOW_POLICY_FAIL_IO));
}

static void write_origin(unsigned int w, size_t at, size_t n)
{
	char *old = aligned_alloc(BLOCK, n), *data = now->window[w] + at;

	if (!old)
		err(2, "memory");
	memcpy(old, data, n);
	fill(data, n);
	if (pwrite(origin_fd, data, n, windows[w] + at) != (ssize_t)n) {
		if (!may_be_refused())
			bad("a write of %zu at %zu in %u", n, at, w);
		memcpy(data, old, n);	/* it was one bio, which went nowhere */
	}
	free(old);
}

/* What is free has the same on the volume at all times; only images have zeros. */
static void write_free(void)
{
	char *data = buffer->window[0];

	memset(data, 0x5a, BLOCK);
	for (unsigned int i = 0; i < ARRAY_SIZE(free_ranges); i++)
		if (pwrite(origin_fd, data, BLOCK, free_ranges[i].first) != BLOCK &&
		    !may_be_refused())
			bad("a write to free space");
}

static void write_some(unsigned int seed)
{
	for (unsigned int w = 0; w < ARRAY_SIZE(windows); w++) {
		write_origin(w, (seed * 24 << 10) % (WINDOW / 2), 4 << 10);
		write_origin(w, ((seed * 24 + 8) << 10) % (WINDOW / 2), 32 << 10);
		write_origin(w, ((seed * 24 + 60) << 10) % (WINDOW / 2) + 512, 1024);
		write_origin(w, WINDOW / 2 + (seed % 4) * 4096, 16 << 10);
	}
	write_free();
}

/* Backwards, so that each block is a record of its own: more than a small leaf has. */
static void write_dense(void)
{
	for (size_t at = WINDOW; at; at -= BLOCK)
		write_origin(0, at - BLOCK, BLOCK);
}

/* Does each sector of @data have what it has in @want, or in @or? */
static bool is_one_of(const char *data, const char *want, const char *or)
{
	for (size_t at = 0; at < WINDOW; at += SECTOR)
		if (memcmp(data + at, want + at, SECTOR) && memcmp(data + at, or + at, SECTOR))
			return false;
	return true;
}

/* Does @fd have @want or @or, or refuse?  Return: whether it answered everything. */
static bool check(const char *who, int fd, const struct content *want,
		  const struct content *or, bool may_fail)
{
	bool all = true;

	for (unsigned int w = 0; w < ARRAY_SIZE(windows); w++) {
		if (pread(fd, buffer->window[w], WINDOW, windows[w]) != WINDOW) {
			if (errno != EIO || !may_fail)
				bad("reading %s in %u", who, w);
			all = false;
		} else if (!is_one_of(buffer->window[w], want->window[w], or->window[w])) {
			errno = 0;
			bad("%s has other data in %u", who, w);
		}
	}
	return all;
}

static bool check_volume(void)
{
	return check("the volume", origin_fd, now, now, false);
}

/* Zeros where blocks are free; where the module was not told of all, what the volume has. */
static void check_free(const char *who, int fd, bool told, bool may_fail)
{
	char *data = buffer->window[0];

	for (unsigned int i = 0; i < ARRAY_SIZE(free_ranges); i++) {
		bool zero;

		if (pread(fd, data, BLOCK, free_ranges[i].first) != BLOCK) {
			if (errno != EIO || !may_fail)
				bad("reading %s where it is free", who);
			continue;
		}
		zero = !data[0];
		for (unsigned int n = 0; n < BLOCK; n++)
			if (data[n] != (zero ? 0 : 0x5a) || (told && !zero)) {
				errno = 0;
				bad("%s has other data where it is free", who);
			}
	}
}

static bool shadow_at(unsigned int n, struct shadow_shadow_info *info)
{
	__u64 cursor = 0;

	do {
		memset(info, 0, sizeof(*info));
		info->cursor = cursor;
		if (ioctl(control, SHADOW_IOC_SHADOW_NEXT, info))
			return false;
		cursor = info->cursor;
	} while (n--);
	return true;
}

/* Return: a descriptor, or -1 when it cannot be had and @may_fail. */
static int open_image(const struct shadow_shadow_info *info, int flags, bool may_fail)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/shadow%u", info->index);
	for (int i = 0; (fd = open(path, flags | O_DIRECT | O_CLOEXEC)) < 0; i++) {
		if (!may_fail && (i == PATIENCE || errno != ENOENT))
			bad("opening %s", path);
		if (i == PATIENCE || errno != ENOENT)
			break;
		usleep(50000);
	}
	return fd;
}

static bool read_image(unsigned int n, bool may_fail)
{
	struct shadow_shadow_info info;
	char who[32];
	bool all;
	int fd;

	if (!shadow_at(n, &info))
		return false;
	snprintf(who, sizeof(who), "shadow%u", info.index);
	fd = open_image(&info, O_RDONLY, may_fail);
	if (fd < 0)
		return false;
	all = check(who, fd, then[n], instead[n], may_fail);
	check_free(who, fd, !n && told_free, may_fail);
	close(fd);
	if (!may_fail && info.state != SHADOW_STATE_CREATED)
		bad("%s is lost", who);
	return all;
}

/* A write of the image of shadow @n; after one that failed, either may be there. */
static void write_image_at(int fd, unsigned int n, unsigned int w, size_t at, size_t bytes)
{
	char *old = then[n]->window[w] + at, *new = instead[n]->window[w] + at;
	char *data = aligned_alloc(BLOCK, BLOCK);

	if (!data || bytes > BLOCK)
		err(2, "memory");
	if (!memcmp(old, new, bytes)) {
		fill(data, bytes);
		memcpy(new, data, bytes);
		if (pwrite(fd, data, bytes, windows[w] + at) == (ssize_t)bytes)
			memcpy(old, data, bytes);
		else if (!injected)
			bad("a write to an image");
	}
	free(data);
}

static int write_image(unsigned int n)
{
	struct shadow_shadow_info info;
	int fd;

	if (!shadow_at(n, &info))
		return 0;
	fd = open_image(&info, O_RDWR, injected);
	if (fd < 0)
		return 0;
	for (unsigned int w = 0; w < ARRAY_SIZE(windows); w++) {
		write_image_at(fd, n, w, 5 * BLOCK, BLOCK);
		write_image_at(fd, n, w, 6 * BLOCK, BLOCK);
		write_image_at(fd, n, w, 9 * BLOCK + SECTOR, 3 * SECTOR);
		write_image_at(fd, n, w, WINDOW / 2 + BLOCK + SECTOR, SECTOR);
	}
	close(fd);
	return 0;
}

/* What is not lost can be read, now that nothing fails any more. */
static void read_images(void)
{
	struct shadow_shadow_info info;

	for (unsigned int n = 0; n < ARRAY_SIZE(then) && shadow_at(n, &info); n++)
		if (info.state == SHADOW_STATE_CREATED || policy == SHADOW_POLICY_FAIL_IO)
			read_image(n, false);
}

static int delete_shadow(const struct shadow_uuid *uuid)
{
	for (int i = 0;; i++) {
		struct shadow_delete arg = { .uuid = *uuid, .kind = SHADOW_KIND_SHADOW };

		if (!ioctl(control, SHADOW_IOC_DELETE, &arg))
			return 0;
		if (errno != EBUSY || i == PATIENCE)
			return -1;
		usleep(50000);
	}
}

static int delete_nth(unsigned int n)
{
	struct shadow_shadow_info info;

	return shadow_at(n, &info) ? delete_shadow(&info.uuid) : 0;
}

/* The set that is being made. */
static int set = -1;

static int new_set(__u32 flags)
{
	struct shadow_set_new arg = {
		.flags = SHADOW_SET_NO_AUTO_RELEASE | flags, .timeout_ms = 60000,
	};

	if (ioctl(control, SHADOW_IOC_SET_NEW, &arg))
		return -1;
	set = arg.fd;
	return 0;
}

static int step_new(void)
{
	return new_set(0);
}

static int step_new_writable(void)
{
	return new_set(SHADOW_SET_WRITABLE);
}

static int step_add(void)
{
	struct shadow_set_add arg = {
		.dev = origin_dev, .store = store, .flags = SHADOW_ADD_SHADOW | SHADOW_ADD_FREEZE,
	};

	return ioctl(set, SHADOW_IOC_SET_ADD, &arg);
}

static int set_step(unsigned long command)
{
	struct shadow_set_step arg = { 0 };

	return ioctl(set, command, &arg);
}

static int step_hold(void)
{
	return set_step(SHADOW_IOC_SET_HOLD);
}

static int step_take(void)
{
	return set_step(SHADOW_IOC_SET_TAKE);
}

static int step_release(void)
{
	return set_step(SHADOW_IOC_SET_RELEASE);
}

static int step_status(void)
{
	return set_step(SHADOW_IOC_SET_STATUS);
}

static int step_close(void)
{
	if (set >= 0)
		close(set);
	set = -1;
	return 0;
}

static int track(unsigned long command)
{
	struct shadow_volume_track arg = { .dev = origin_dev };

	return ioctl(control, command, &arg);
}

static int step_track(void)
{
	return track(SHADOW_IOC_VOLUME_TRACK);
}

static int step_untrack(void)
{
	return track(SHADOW_IOC_VOLUME_UNTRACK);
}

static int step_policy(void)
{
	struct shadow_volume_policy arg = { .dev = origin_dev, .policy = policy };

	return ioctl(control, SHADOW_IOC_VOLUME_POLICY, &arg);
}

/*
 * Writes succeed again, whatever has happened to those before.  What was failed may take a
 * moment to be noticed.
 */
static void clear_fault(void)
{
	struct shadow_volume_policy arg = {
		.dev = origin_dev, .flags = SHADOW_POLICY_CLEAR_FAULT,
	};

	for (int i = 0;; i++) {
		if (ioctl(control, SHADOW_IOC_VOLUME_POLICY, &arg) && errno != ENOENT)
			bad("clearing the fault");
		if (pwrite(origin_fd, now->window[0], BLOCK, windows[0]) == BLOCK)
			break;
		if (policy != SHADOW_POLICY_FAIL_IO || i == PATIENCE)
			bad("a write after the failures");
		usleep(50000);
	}
}

static int step_list(void)
{
	struct shadow_volume_info info = { 0 };
	struct shadow_store_info part = { 0 };
	struct shadow_info about;

	return ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info) ?:
	       ioctl(control, SHADOW_IOC_STORE_NEXT, &part) ?:
	       ioctl(control, SHADOW_IOC_INFO, &about);
}

static int step_list_shadows(void)
{
	struct shadow_shadow_info info = { 0 };

	return ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info);
}

static int step_write(void)
{
	static unsigned int n;

	write_some(n++);
	return 0;
}

static int step_dense(void)
{
	write_dense();
	return 0;
}

static int keep(unsigned int n)
{
	*then[n] = *now;
	*instead[n] = *now;
	return 0;
}

static int step_keep_first(void)
{
	return keep(0);
}

static int step_keep_second(void)
{
	return keep(1);
}

static int step_write_image(void)
{
	return write_image(0);
}

static int step_free(void)
{
	struct shadow_shadow_info info;
	struct shadow_shadow_free arg = {
		.ranges = (uintptr_t)free_ranges, .count = ARRAY_SIZE(free_ranges),
	};

	if (!shadow_at(0, &info))
		return 0;
	arg.uuid = info.uuid;
	if (ioctl(control, SHADOW_IOC_SHADOW_FREE, &arg))
		return -1;
	told_free = true;
	return 0;
}

static int step_seal(void)
{
	struct shadow_shadow_info info;
	struct shadow_change arg = { .kind = SHADOW_KIND_SHADOW, .flags = SHADOW_CHANGE_SEAL };

	if (!shadow_at(0, &info))
		return 0;
	arg.uuid = info.uuid;
	return ioctl(control, SHADOW_IOC_SHADOW_CHANGE, &arg);
}

static int step_read_first(void)
{
	read_image(0, injected);
	return 0;
}

static int step_read_both(void)
{
	read_image(0, injected);
	read_image(1, injected);
	return 0;
}

static int step_wait(void)
{
	if (!in_a_hurry)
		usleep(1200000);	/* what is left of a batch is written after a second */
	return 0;
}

static int step_delete_second(void)
{
	return delete_nth(1);
}

static int step_delete_first(void)
{
	return delete_nth(0);
}

static int step_late(void)
{
	if (late)
		arm_site(late);
	return 0;
}

static const struct step {
	const char *name;
	int (*run)(void);
	bool ioctl;
} steps[] = {
	{ "track", step_track, true },
	{ "policy", step_policy, true },
	{ "write", step_write, false },
	{ "new", step_new_writable, true },
	{ "add", step_add, true },
	{ "hold", step_hold, true },
	{ "status", step_status, true },
	{ "keep", step_keep_first, false },
	{ "take", step_take, true },
	{ "release", step_release, true },
	{ "close", step_close, false },
	{ "late", step_late, false },
	{ "write-image", step_write_image, false },
	{ "write", step_write, false },
	{ "free", step_free, true },
	{ "write", step_write, false },
	{ "write-image", step_write_image, false },
	{ "wait", step_wait, false },
	{ "read", step_read_first, false },
	{ "write-image", step_write_image, false },
	{ "seal", step_seal, true },
	{ "new", step_new, false },
	{ "add", step_add, true },
	{ "keep", step_keep_second, false },
	{ "take", step_take, true },
	{ "close", step_close, false },
	{ "dense", step_dense, false },
	{ "write", step_write, false },
	{ "read", step_read_both, false },
	{ "list", step_list, true },
	{ "list-shadows", step_list_shadows, true },
	{ "delete", step_delete_second, true },
	{ "write", step_write, false },
	{ "read", step_read_first, false },
	{ "delete", step_delete_first, true },
	{ "untrack", step_untrack, true },
};

static void cleanup(void)
{
	struct shadow_shadow_info info;
	struct shadow_info about;

	step_close();
	while (shadow_at(0, &info))
		if (delete_shadow(&info.uuid))
			bad("deleting what is left");
	if (step_untrack() && errno != ENOENT)
		bad("untracking");
	if (ioctl(control, SHADOW_IOC_INFO, &about))
		bad("info");
	errno = 0;
	if (about.shadows)
		bad("%u shadows left", about.shadows);
	for (int i = 0; about.volumes; i++) {	/* the last writes of it may go on */
		if (i == PATIENCE)
			bad("%u volumes left", about.volumes);
		usleep(50000);
		ioctl(control, SHADOW_IOC_INFO, &about);
	}
	check_volume();
}

/* Let the N-th failure come, in this task, from here on; 0: none. */
static void fail_nth(long n)
{
	char text[16];

	int length = sprintf(text, "%ld", n);

	/* What was to fail may be the reading of this. */
	if (pwrite(faulty, text, length, 0) < 0 && pwrite(faulty, text, length, 0) < 0)
		err(2, "fail-nth");
}

static long fails_left(void)
{
	char text[16] = "";

	if (pread(faulty, text, sizeof(text) - 1, 0) < 0)
		return 1;	/* the answer was the next to fail */
	return atol(text);
}

/*
 * Live until the end or a failure.  With @nth the step @which has its N-th
 * allocation fail.  Return: -1, or the step that failed; *left: what is left of @nth.
 */
static int live(int which, long nth, long *left)
{
	int failed = -1;

	injected = injected || nth;
	for (int i = 0; failed < 0 && i < (int)ARRAY_SIZE(steps); i++) {
		int status;

		if (i == which)
			fail_nth(nth);
		status = steps[i].run();
		if (i == which) {
			int code = errno;

			*left = fails_left();
			fail_nth(0);
			errno = code;
		}
		if (!status)
			continue;
		if (!injected)
			bad("%s", steps[i].name);
		printf("# %s: %s\n", steps[i].name, strerror(errno));
		if (!late)
			failed = i;
	}
	return failed;
}

/* --- what is asked for --------------------------------------------------------------- */

/* A new process has a new table of descriptors.  Return: whether all was well. */
static bool in_child(void (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		faulty = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		if (faulty < 0 && errno != ENOENT)	/* "once" goes without */
			err(2, "/proc/thread-self/fail-nth");
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	check_volume();
	return !status;
}

static void fill_table(void)
{
	int fd;

	do {
		fd = fcntl(origin_fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			err(2, "descriptors");
	} while (fd < FIRST_FREE_FD - 1);
}

static void live_site(void *arg)
{
	struct site *site = arg;
	long fired, left;
	int failed;

	injected = true;
	own_writes_fail = !strcmp(site->kind, "write");
	late = strcmp(site->kind, "late") ? NULL : site;
	if (!late)
		arm_site(site);
	fill_table();
	failed = live(-1, 0, &left);
	fired = disarm(atol(site->times));
	clear_fault();
	read_images();
	cleanup();
	printf("site %s fired=%ld result=%s\n", site->name, fired,
	       failed < 0 ? "done" : steps[failed].name);
}

static void live_once(void *arg)
{
	long left;

	(void)arg;
	injected = false;
	live(-1, 0, &left);
	cleanup();
}

static bool do_sites(void)
{
	struct site site;
	bool good = true;

	while (scanf("%127s %31s %31s %15s %15s %15s", site.name, site.start, site.end, site.kind,
		     site.times, site.percent) == 6) {
		if (!in_child(live_site, &site)) {
			disarm(0);
			printf("not ok %s: see above\n", site.name);
			good = false;
			if (!in_child(live_once, NULL))
				return false;
		}
	}
	return good;
}

struct nth {
	int step;
	long n, left;
};

static void live_nth(void *arg)
{
	struct nth *nth = arg;

	live(nth->step, nth->n, &nth->left);
	clear_fault();
	read_images();
	cleanup();
}

static bool do_nth(struct nth *nth)
{
	in_a_hurry = true;	/* no ioctl waits for the store */
	for (nth->step = 0; nth->step < (int)ARRAY_SIZE(steps); nth->step++) {
		if (!steps[nth->step].ioctl)
			continue;
		for (nth->n = 1, nth->left = 0; !nth->left; nth->n++)
			if (!in_child(live_nth, nth)) {
				printf("not ok %s (%d), failure %ld\n", steps[nth->step].name,
				       nth->step, nth->n);
				return false;
			}
		printf("ok %s (%d): %ld failures\n", steps[nth->step].name, nth->step, nth->n - 2);
	}
	return true;
}

static struct shadow_dev dev_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	return (struct shadow_dev){ major(st.st_rdev), minor(st.st_rdev) };
}

static void use_store(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	if (S_ISBLK(st.st_mode)) {
		store.type = SHADOW_STORE_DEVICE;
		store.dev = dev_of(path);
		return;
	}
	store.type = SHADOW_STORE_FILE;
	store.max_bytes = 0;
	store.fd = open(path, O_RDWR | O_CLOEXEC);
	if (store.fd < 0)
		err(2, "%s", path);
}

static __u32 policy_of(const char *name)
{
	if (!strcmp(name, "fail-io"))
		return SHADOW_POLICY_FAIL_IO;
	if (!strcmp(name, "throttle"))
		return SHADOW_POLICY_THROTTLE;
	if (strcmp(name, "evict"))
		errx(2, "no policy \"%s\"", name);
	return SHADOW_POLICY_EVICT;
}

/* Memory that is shared, so that a child's writes are known to its parent. */
static void *shared(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "memory");
	return memory;
}

int main(int argc, char **argv)
{
	bool good;

	if (argc != 4 && argc != 5)
		errx(2, "usage: inject sites|nth|once ORIGIN STORE [POLICY]");
	if (argc == 5)
		policy = policy_of(argv[4]);
	origin_fd = open(argv[2], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (origin_fd < 0)
		err(2, "%s", argv[2]);
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(2, "/dev/" SHADOW_CONTROL_NAME);
	origin_dev = dev_of(argv[2]);
	store.type = SHADOW_STORE_MEMORY;
	store.max_bytes = 32 << 20;
	if (strcmp(argv[3], "memory"))
		use_store(argv[3]);
	now = shared(sizeof(*now));
	for (unsigned int n = 0; n < ARRAY_SIZE(then); n++) {
		then[n] = shared(sizeof(*now));
		instead[n] = shared(sizeof(*now));
	}
	buffer = shared(sizeof(*now));
	serial = shared(sizeof(*serial));
	for (unsigned int w = 0; w < ARRAY_SIZE(windows); w++) {
		fill(now->window[w], WINDOW);
		if (pwrite(origin_fd, now->window[w], WINDOW, windows[w]) != WINDOW)
			err(2, "%s", argv[2]);
	}
	write_free();
	good = in_child(live_once, NULL);
	if (good && !strcmp(argv[1], "sites"))
		good = do_sites() && in_child(live_once, NULL);
	else if (good && !strcmp(argv[1], "nth"))
		good = do_nth(shared(sizeof(struct nth))) && in_child(live_once, NULL);
	return !good;
}
