/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tools share that hand stores to the module: how a store is named on the command
 * line, and how a failed ioctl is told.
 */
#ifndef STORE_SPEC_H
#define STORE_SPEC_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <linux/shadow.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NAME(prefix, x) \
	[SHADOW_##prefix##_##x] = #x

static const char *const phases[] = {
	NAME(PHASE, NONE), NAME(PHASE, ARGUMENTS), NAME(PHASE, OPEN), NAME(PHASE, HOOK),
	NAME(PHASE, ATTACH), NAME(PHASE, STORE), NAME(PHASE, IMAGE), NAME(PHASE, FREEZE),
	NAME(PHASE, HOLD), NAME(PHASE, TAKE), NAME(PHASE, PRESERVE),
	NAME(PHASE, REVERT),
};

static const char *const reasons[] = {
	NAME(REASON, NONE), NAME(REASON, NO_DEVICE), NAME(REASON, DAX), NAME(REASON, ZONED),
	NAME(REASON, RW_PAGE), NAME(REASON, IMAGE), NAME(REASON, BLOCK_SIZE),
	NAME(REASON, EMPTY), NAME(REASON, DUPLICATE), NAME(REASON, SET_FULL),
	NAME(REASON, VOLUME_FULL), NAME(REASON, HOOK_BUSY), NAME(REASON, HOOK_DEAD),
	NAME(REASON, FTRACE_OFF), NAME(REASON, STORE_IN_USE), NAME(REASON, STORE_ON_VOLUME),
	NAME(REASON, STORE_CIRCLE), NAME(REASON, STORE_MISMATCH), NAME(REASON, STORE_SIZE),
	NAME(REASON, STORE_READONLY), NAME(REASON, STORE_FULL), NAME(REASON, STORE_ERROR),
	NAME(REASON, ORIGIN_ERROR), NAME(REASON, ORIGIN_GONE), NAME(REASON, NO_MEMORY),
	NAME(REASON, FROZEN), NAME(REASON, FREEZE_FAILED), NAME(REASON, TIMEOUT),
	NAME(REASON, DRAIN), NAME(REASON, INTERRUPTED), NAME(REASON, SUSPEND),
	NAME(REASON, BUSY), NAME(REASON, STATE), NAME(REASON, FAULTED),
	NAME(REASON, STORE_FS),
	NAME(REASON, STORE_FILE), NAME(REASON, STORE_HOLES), NAME(REASON, STORE_SHARED),
	NAME(REASON, STORE_PART), NAME(REASON, STORE_LAST),
	NAME(REASON, STORE_VOLATILE), NAME(REASON, STORE_DURABLE),
	NAME(REASON, STORE_FORMAT), NAME(REASON, STORE_DAMAGED),
	NAME(REASON, STORE_NEWER), NAME(REASON, VOLUME_CHANGED),
	NAME(REASON, NOT_PERSISTENT), NAME(REASON, SHADOW_LOST), NAME(REASON, VOLUME_SIZE),
	NAME(REASON, VOLUME_READONLY), NAME(REASON, REVERTING), NAME(REASON, HALF_REVERTED),
	NAME(REASON, REVERT_ROOM), NAME(REASON, REVERT_WRITE),
};

static const char *name_in(const char *const *names, size_t n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "UNKNOWN";
}

static void print_fault(FILE *f, const struct shadow_fault *fault)
{
	fprintf(f, "phase=%s reason=%s dev=%u:%u",
		name_in(phases, ARRAY_SIZE(phases), fault->phase),
		name_in(reasons, ARRAY_SIZE(reasons), fault->reason),
		fault->dev.major, fault->dev.minor);
}

static int failed(const char *step, const struct shadow_fault *fault)
{
	int code = errno;

	fflush(stdout);
	fprintf(stderr, "step=%s error=%s ", step, strerrorname_np(code));
	print_fault(stderr, fault);
	fputc('\n', stderr);
	return -code;
}

static struct shadow_dev dev_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		err(2, "%s", path);
	if (!S_ISBLK(st.st_mode))
		errx(2, "%s: not a block device", path);
	return (struct shadow_dev){ major(st.st_rdev), minor(st.st_rdev) };
}

/* memory[:BYTES], DEVICE[:BYTES] or FILE[:BYTES] */
static struct shadow_store_spec store_of(char *text)
{
	struct shadow_store_spec spec = { 0 };
	struct stat st;
	char *colon = strrchr(text, ':');

	if (colon) {
		*colon = '\0';
		spec.max_bytes = strtoull(colon + 1, NULL, 0);
	}
	if (!strcmp(text, "memory")) {
		spec.type = SHADOW_STORE_MEMORY;
	} else if (!stat(text, &st) && !S_ISBLK(st.st_mode)) {
		spec.type = SHADOW_STORE_FILE;
		spec.fd = open(text, (S_ISREG(st.st_mode) ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		if (spec.fd < 0)
			err(2, "%s", text);
	} else {
		spec.type = SHADOW_STORE_DEVICE;
		spec.dev = dev_of(text);
	}
	return spec;
}

#endif /* STORE_SPEC_H */
