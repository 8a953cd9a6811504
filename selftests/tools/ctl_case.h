/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs that test the ioctl interface share: results, a picture of
 * everything that a refused command must leave as it is, and sets.
 */
#ifndef CTL_CASE_H
#define CTL_CASE_H

#include <dirent.h>
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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/shadow.h>

#include "case.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * A documented error and the function that provokes it.  A test
 * compares these rows, and comments "no case: SECTION, ERRNO, REASON: why",
 * with Documentation/uapi/ioctl.rst.
 */
struct ctl_case {
	const char *section;
	int code;
	unsigned int reason;
	const char *group;
	void (*fn)(void);
	const char *name;
};

#define CASE(section, code, reason, group, fn) \
	{ #section, code, SHADOW_REASON_##reason, #group, fn, \
	  #section " " #code " " #reason " (" #fn ")" }

static int control = -1;

/* --- results: lines that begin with "ok" or "not ok" ------------------------- */

static inline const char *code_name(int code)
{
	return code ? strerrorname_np(code) : "success";
}

/* --- the arguments NAME=DEVICE ------------------------------------------------- */

static char **roles;

static inline const char *role_or_null(const char *name)
{
	size_t length = strlen(name);

	for (char **role = roles; *role; role++)
		if (!strncmp(*role, name, length) && (*role)[length] == '=')
			return *role + length + 1;
	return NULL;
}

static inline const char *role(const char *name)
{
	const char *path = role_or_null(name);

	if (!path)
		errx(2, "%s=... is missing", name);
	return path;
}

static inline struct shadow_dev dev_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	return (struct shadow_dev){ major(st.st_rdev), minor(st.st_rdev) };
}

static inline struct shadow_dev role_dev(const char *name)
{
	return dev_of(role(name));
}

static inline void open_control(void)
{
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(2, "/dev/" SHADOW_CONTROL_NAME);
}

/* udev opens every new device; wait until it is through. */
static inline void wait_for_udev(void)
{
	if (system("udevadm settle --timeout=20"))
		errx(2, "udev has too much to do");
}

/* --- a picture of everything ------------------------------------------------- */

enum {
	PICTURE_INFO, PICTURE_VOLUMES, PICTURE_STORES, PICTURE_SHADOWS, PICTURE_BASES,
	PICTURE_TRACKING, PICTURE_SETS, PICTURE_FDS, PICTURE_PARTS,
};

static const char *const picture_parts[] = {
	"what INFO says", "the volumes", "the stores", "the shadows", "the bases",
	"what is known of changes", "the sets", "the open files",
};

struct picture {
	char *part[PICTURE_PARTS];
	size_t size[PICTURE_PARTS];
};

/* Sets whose state belongs to the picture; -1: none. */
static int watched_sets[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };

static inline void watch_set(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(watched_sets); i++)
		if (watched_sets[i] < 0) {
			watched_sets[i] = fd;
			return;
		}
	errx(2, "too many sets");
}

static inline void close_set(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(watched_sets); i++)
		if (watched_sets[i] == fd)
			watched_sets[i] = -1;
	close(fd);
}

static inline void picture_volumes(FILE *f)
{
	struct shadow_volume_info info = { 0 };
	__u64 cursor;

	while (!ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info)) {
		fwrite(&info, sizeof(info), 1, f);
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(2, "SHADOW_IOC_VOLUME_NEXT");
}

static inline void picture_stores(FILE *f)
{
	struct shadow_store_info info = { 0 };
	__u64 cursor;

	while (!ioctl(control, SHADOW_IOC_STORE_NEXT, &info)) {
		fwrite(&info, sizeof(info), 1, f);
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(2, "SHADOW_IOC_STORE_NEXT");
}

static inline void picture_shadows(FILE *f)
{
	struct shadow_shadow_info info = { 0 };
	__u64 cursor;

	while (!ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info)) {
		fwrite(&info, sizeof(info), 1, f);
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(2, "SHADOW_IOC_SHADOW_NEXT");
}

/* Not what was written since: others may write, and what nobody asks for is merged. */
static inline void picture_bases(FILE *f)
{
	struct shadow_base_info info = { 0 };
	__u64 cursor;

	while (!ioctl(control, SHADOW_IOC_BASE_NEXT, &info)) {
		info.changed_bytes = 0;
		info.memory_bytes = 0;
		fwrite(&info, sizeof(info), 1, f);
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(2, "SHADOW_IOC_BASE_NEXT");
}

static inline void picture_tracking(FILE *f)
{
	struct shadow_tracking_info info = { 0 };
	__u64 cursor;

	while (!ioctl(control, SHADOW_IOC_TRACKING_NEXT, &info)) {
		info.memory_bytes = 0;
		fwrite(&info, sizeof(info), 1, f);
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(2, "SHADOW_IOC_TRACKING_NEXT");
}

static inline void picture_sets(FILE *f)
{
	struct shadow_set_step step;

	for (size_t i = 0; i < ARRAY_SIZE(watched_sets); i++) {
		if (watched_sets[i] < 0)
			continue;
		memset(&step, 0, sizeof(step));
		if (ioctl(watched_sets[i], SHADOW_IOC_SET_STATUS, &step))
			err(2, "SHADOW_IOC_SET_STATUS");
		if (step.held) {	/* the clock runs */
			step.hold_ns = 0;
			step.gate_ns = 0;
		}
		fwrite(&step, sizeof(step), 1, f);
	}
}

static inline void picture_fds(FILE *f)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[256];

	if (!dir)
		err(2, "/proc/self/fd");
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));

		if (n > 0 && atoi(entry->d_name) != dirfd(dir))
			fprintf(f, "%s %.*s\n", entry->d_name, (int)n, target);
	}
	closedir(dir);
}

static inline void picture_info(FILE *f)
{
	struct shadow_info info = { 0 };

	if (ioctl(control, SHADOW_IOC_INFO, &info))
		err(2, "SHADOW_IOC_INFO");
	fwrite(&info, sizeof(info), 1, f);
}

static inline void picture_take(struct picture *p)
{
	static void (*const parts[])(FILE *f) = {
		picture_info, picture_volumes, picture_stores, picture_shadows, picture_bases,
		picture_tracking, picture_sets, picture_fds,
	};

	for (size_t i = 0; i < PICTURE_PARTS; i++) {
		FILE *f = open_memstream(&p->part[i], &p->size[i]);

		if (!f)
			err(2, "open_memstream");
		parts[i](f);
		fclose(f);
	}
}

/* Compare with how it is now.  Return: what differs, or NULL. */
static inline const char *picture_compare(const struct picture *before)
{
	const char *differs = NULL;
	struct picture now;

	picture_take(&now);
	for (size_t i = 0; i < PICTURE_PARTS; i++) {
		if (now.size[i] != before->size[i] ||
		    memcmp(now.part[i], before->part[i], now.size[i]))
			differs = differs ?: picture_parts[i];
		free(now.part[i]);
	}
	return differs;
}

static inline void picture_free(struct picture *p)
{
	for (size_t i = 0; i < PICTURE_PARTS; i++)
		free(p->part[i]);
}

/* The same, and frees the picture. */
static inline const char *picture_differs(struct picture *before)
{
	const char *differs = picture_compare(before);

	picture_free(before);
	return differs;
}

/* A sum over all that is on a device, past the page cache. */
static inline uint64_t contents(const char *path)
{
	static char *buffer;
	uint64_t sum = 14695981039346656037ULL;
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (!buffer)
		buffer = aligned_alloc(4096, 1 << 20);
	if (fd < 0 || !buffer)
		err(2, "%s", path);
	while ((n = read(fd, buffer, 1 << 20)) > 0)
		for (ssize_t i = 0; i < n / 8; i++)
			sum = (sum ^ ((uint64_t *)buffer)[i]) * 1099511628211ULL;
	if (n < 0)
		err(2, "%s", path);
	close(fd);
	return sum;
}

/* --- sets --------------------------------------------------------------------- */

static inline int set_new(unsigned int flags, unsigned int timeout_ms)
{
	struct shadow_set_new new = { .flags = flags, .timeout_ms = timeout_ms };

	if (ioctl(control, SHADOW_IOC_SET_NEW, &new))
		err(2, "SHADOW_IOC_SET_NEW");
	return new.fd;
}

/* The first 4 MiB of memory or a device, for @store not NULL. */
static inline struct shadow_set_add adding(struct shadow_dev dev, unsigned int flags,
					   const char *store)
{
	struct shadow_set_add add = { .dev = dev, .flags = flags };

	if (store && !strcmp(store, "memory")) {
		add.store.type = SHADOW_STORE_MEMORY;
		add.store.max_bytes = 4 << 20;
	} else if (store) {
		add.store.type = SHADOW_STORE_DEVICE;
		add.store.dev = dev_of(store);
	}
	return add;
}

static inline void set_add(int set, struct shadow_dev dev, unsigned int flags, const char *store)
{
	struct shadow_set_add add = adding(dev, flags, store);

	if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
		err(2, "SHADOW_IOC_SET_ADD: phase %u, reason %u", add.fault.phase,
		    add.fault.reason);
}

/* Return: 0 or an errno; @step, if not NULL, is the answer. */
static inline int set_step(int set, unsigned long command, struct shadow_set_step *step)
{
	struct shadow_set_step own;

	step = step ?: &own;
	memset(step, 0, sizeof(*step));
	return ioctl(set, command, step) ? errno : 0;
}

static inline void set_must(int set, unsigned long command)
{
	int code = set_step(set, command, NULL);

	if (code)
		errx(2, "step %#lx: %s", command & 0xff, code_name(code));
}

static inline unsigned int set_state(int set)
{
	struct shadow_set_step step;
	int code = set_step(set, SHADOW_IOC_SET_STATUS, &step);

	if (code)
		errx(2, "SHADOW_IOC_SET_STATUS: %s", code_name(code));
	return step.state;
}

#endif
