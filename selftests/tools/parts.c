// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of stores:
 *
 *	parts list [VOLUME]
 *	parts add VOLUME memory[:BYTES]|DEVICE[:BYTES]|FILE[:BYTES]
 *
 * The first prints a line of key=value for each part, of all volumes or of one; the second
 * adds a part to the store of a volume, and prints its number.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
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
	[SHADOW_PART_READY] = "ready",
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

int main(int argc, char **argv)
{
	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(1, "/dev/" SHADOW_CONTROL_NAME);
	if (argc >= 2 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "add"))
		return add(argv[2], argv[3]);
	errx(2, "usage: parts list [VOLUME] | add VOLUME STORE");
}
