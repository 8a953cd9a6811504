// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell the module that parts of a shadow were free, true or not:
 *
 *	tell_free INDEX FIRST BYTES [FIRST BYTES]...
 *
 * INDEX is N of /dev/shadowN.  Prints "BLOCKS SETTLED", as the module counts them.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/shadow.h>

int main(int argc, char **argv)
{
	struct shadow_free_range ranges[64];
	struct shadow_shadow_free free = { 0 };
	struct shadow_shadow_info info = { 0 };
	int fd = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR);
	__u64 cursor;
	int i;

	if (fd < 0 || argc < 4 || argc > 2 + 2 * 64 || argc % 2)
		errx(2, "usage: tell_free INDEX FIRST BYTES...");
	do {
		cursor = info.cursor;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
		if (ioctl(fd, SHADOW_IOC_SHADOW_NEXT, &info))
			err(2, "shadow%s", argv[1]);
	} while (info.index != strtoul(argv[1], NULL, 0));
	free.uuid = info.uuid;
	free.ranges = (uintptr_t)ranges;
	free.count = (argc - 2) / 2;
	for (i = 2; i < argc; i += 2)
		ranges[i / 2 - 1] = (struct shadow_free_range){ strtoull(argv[i], NULL, 0),
								strtoull(argv[i + 1], NULL, 0) };
	if (ioctl(fd, SHADOW_IOC_SHADOW_FREE, &free))
		err(1, "SHADOW_IOC_SHADOW_FREE");
	printf("%llu %llu\n", (unsigned long long)free.blocks, (unsigned long long)free.settled);
	return 0;
}
