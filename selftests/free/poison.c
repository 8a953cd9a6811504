// SPDX-License-Identifier: GPL-2.0-only
/*
 * poison KIND FILE: overwrite all that shadowadm would call free in an image of a
 * filesystem, and print how many bytes that was, or why nothing is known.  KIND is ext,
 * frozen-ext (it was mounted and frozen), btrfs or swap.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "free_space.h"

static uint64_t total;
static struct shadow_free_range ranges[1 << 20];
static size_t count;

int free_space_unknown(struct free_space *space, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(space->why, sizeof(space->why), format, args);
	va_end(args);
	return error;
}

int free_space_add(struct free_space *space, uint64_t first, uint64_t bytes)
{
	if (first > space->bytes || bytes > space->bytes - first)
		return free_space_unknown(space, -ERANGE, "beyond the end: %llu",
					  (unsigned long long)first);
	if (count == ARRAY_SIZE(ranges))
		abort();
	ranges[count++] = (struct shadow_free_range){ first, bytes };
	total += bytes;
	return 0;
}

int main(int argc, char **argv)
{
	struct free_space space = { .path = argc == 3 ? argv[2] : "" };
	int (*find)(struct free_space *) = free_space_ext;
	char block[4096];
	struct stat st;
	int fd, rc;
	size_t i;

	if (argc != 3 || stat(space.path, &st))
		return 2;
	space.bytes = st.st_size;
	if (!strcmp(argv[1], "btrfs"))
		find = free_space_btrfs;
	else if (!strcmp(argv[1], "swap"))
		find = free_space_swap;
	else if (!strcmp(argv[1], "frozen-ext"))
		space.frozen = true;
	rc = find(&space);
	fd = open(space.path, O_WRONLY);
	memset(block, 0xa5, sizeof(block));
	for (i = 0; i < count; i++)
		while (ranges[i].bytes) {
			size_t n = ranges[i].bytes < sizeof(block) ? ranges[i].bytes :
				   sizeof(block);

			if (pwrite(fd, block, n, ranges[i].first) != (ssize_t)n)
				return 2;
			ranges[i].first += n;
			ranges[i].bytes -= n;
		}
	if (close(fd))
		return 2;
	if (rc)
		printf("%s\n", space.why);
	else
		printf("%llu\n", (unsigned long long)total);
	return rc != 0;
}
