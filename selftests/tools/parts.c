// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of stores:
 *
 *	parts list [VOLUME]
 *	parts add VOLUME memory[:BYTES]|DEVICE[:BYTES]|FILE[:BYTES]
 *	parts resize VOLUME PART MIB
 *	parts attach VOLUME DEVICE [lost]
 *	parts detach VOLUME
 *	parts log VOLUME
 *
 * list prints a line of key=value for each part, of all volumes or of one; add the number of
 * the new part; resize how many bytes were moved.  With 0 MiB a part is removed.  A resize that
 * fails says so with its reason: "ENOSPC reason=20 moved=4096".
 * attach prints "shadows=3 lost=0 dropped=1", detach "shadows=3",
 * log "commits=100 blocks=32 checkpoints=1".
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/shadow.h>
#include "store_spec.h"

static const char *const types[] = {
	[SHADOW_STORE_MEMORY] = "memory", [SHADOW_STORE_DEVICE] = "device",
	[SHADOW_STORE_FILE] = "file",
};

static const char *const states[] = {
	[SHADOW_PART_READY] = "ready", [SHADOW_PART_DRAINING] = "draining",
};

static int control;

static int list(const char *volume)
{
	struct shadow_dev dev = { 0 };
	struct shadow_store_info info = { 0 };

	if (volume)
		dev = dev_of(volume);
	while (!ioctl(control, SHADOW_IOC_STORE_NEXT, &info)) {
		__u64 cursor = info.cursor;

		if (!volume || !memcmp(&info.volume, &dev, sizeof(dev)))
			printf("volume=%s part=%u type=%s flags=%#x state=%s dev=%u:%u "
			       "inode=%llu extents=%llu allocated=%llu used=%llu max=%llu\n",
			       info.volume_name, info.part,
			       name_in(types, ARRAY_SIZE(types), info.type), info.flags,
			       name_in(states, ARRAY_SIZE(states), info.state), info.dev.major,
			       info.dev.minor, (unsigned long long)info.inode,
			       (unsigned long long)info.extents,
			       (unsigned long long)info.allocated_bytes,
			       (unsigned long long)info.used_bytes,
			       (unsigned long long)info.max_bytes);
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	if (errno != ENOENT)
		err(1, "SHADOW_IOC_STORE_NEXT");
	return 0;
}

static int add(const char *volume, char *store)
{
	struct shadow_store_add arg = { .dev = dev_of(volume), .store = store_of(store) };

	if (ioctl(control, SHADOW_IOC_STORE_ADD, &arg))
		return failed("add", &arg.fault) ? 1 : 0;
	printf("%u\n", arg.part);
	return 0;
}

static __u64 mib(const char *text)
{
	return strtoull(text, NULL, 0) << 20;
}

/* A signal ends the command, not us. */
static void nothing(int signal)
{
	(void)signal;
}

static int resize(const char *volume, const char *part, const char *size)
{
	struct shadow_store_resize resize = {
		.dev = dev_of(volume), .part = strtoul(part, NULL, 0), .max_bytes = mib(size),
	};

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing }, NULL);
	if (ioctl(control, SHADOW_IOC_STORE_RESIZE, &resize))
		errx(1, "%s reason=%u moved=%llu", strerrorname_np(errno), resize.fault.reason,
		     (unsigned long long)resize.moved_bytes);
	printf("%llu\n", (unsigned long long)resize.moved_bytes);
	return 0;
}

static int attach(const char *volume, char *store, const char *lost)
{
	struct shadow_store_attach arg = {
		.dev = dev_of(volume), .store = store_of(store),
		.flags = lost ? SHADOW_ATTACH_LOST : 0,
	};

	if (ioctl(control, SHADOW_IOC_STORE_ATTACH, &arg))
		return failed("attach", &arg.fault) ? 1 : 0;
	printf("shadows=%u lost=%u dropped=%u\n", arg.shadows, arg.lost, arg.dropped);
	return 0;
}

static int detach(const char *volume)
{
	struct shadow_store_attach arg = { .dev = dev_of(volume) };

	if (ioctl(control, SHADOW_IOC_STORE_DETACH, &arg))
		return failed("detach", &arg.fault) ? 1 : 0;
	printf("shadows=%u\n", arg.shadows);
	return 0;
}

static int print_log(const char *volume)
{
	struct shadow_dev dev = dev_of(volume);
	struct shadow_volume_info info = { 0 };
	__u64 cursor = 0;

	do {
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
		if (ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info))
			err(1, "SHADOW_IOC_VOLUME_NEXT");
		cursor = info.cursor;
	} while (memcmp(&info.dev, &dev, sizeof(dev)));
	printf("commits=%llu blocks=%u checkpoints=%u\n", (unsigned long long)info.log_commits,
	       info.log_blocks, info.log_checkpoints);
	return 0;
}

int main(int argc, char **argv)
{
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(1, "/dev/" SHADOW_CONTROL_NAME);
	if (argc >= 2 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "add"))
		return add(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "resize"))
		return resize(argv[2], argv[3], argv[4]);
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "attach"))
		return attach(argv[2], argv[3], argv[4]);
	if (argc == 3 && !strcmp(argv[1], "detach"))
		return detach(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "log"))
		return print_log(argv[2]);
	errx(2, "usage: parts list [VOLUME] | add VOLUME STORE | resize VOLUME PART MIB | "
		"attach VOLUME DEVICE [lost] | detach VOLUME | log VOLUME");
}
