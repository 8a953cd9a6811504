// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fill a device or file with data that depends on nothing but a seed and the
 * position, at the speed of the disk, past the page cache.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK (1 << 20)

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static int open_target(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_DIRECT, 0600);

	if (fd < 0 && errno == EINVAL)	/* tmpfs */
		fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	uint64_t seed, left = UINT64_MAX, position = 0;
	uint64_t *data;
	ssize_t done;
	size_t i;
	int fd;

	if (argc < 3 || argc > 4)
		errx(2, "usage: fill TARGET SEED [MIB]");
	seed = mix(strtoull(argv[2], NULL, 0));
	if (argc == 4)
		left = strtoull(argv[3], NULL, 0) * CHUNK;

	fd = open_target(argv[1]);
	data = aligned_alloc(4096, CHUNK);
	if (!data)
		err(1, "memory");

	while (left) {
		size_t length = left < CHUNK ? left : CHUNK;

		for (i = 0; i < CHUNK / sizeof(*data); i++)
			data[i] = mix(seed ^ (position + i * sizeof(*data)));
		done = pwrite(fd, data, length, position);
		if (done < 0 && errno == ENOSPC && argc == 3)
			break;
		if (done <= 0)
			err(1, "%s: writing at %llu", argv[1],
			    (unsigned long long)position);
		position += done;
		left -= done;
	}
	if (fsync(fd))
		err(1, "%s", argv[1]);
	return 0;
}
