// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare two devices or files byte for byte, past the page cache, and say
 * which blocks differ.  A page cache would answer for a device that is at fault.
 *
 *	ora_compare A B		exit status 0: equal, 1: different, 2: cannot say
 *
 * B may be longer than A.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 20)
#define BLOCK 4096
#define SHOWN 8		/* differing blocks that are named */

static int open_direct(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT);

	if (fd < 0 && errno == EINVAL)	/* tmpfs */
		fd = open(path, O_RDONLY);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

static size_t read_at(int fd, const char *path, char *data, off_t at)
{
	size_t done = 0;

	while (done < CHUNK) {
		ssize_t n = pread(fd, data + done, CHUNK - done, at + done);

		if (n < 0)
			err(2, "%s: reading at %jd", path, (intmax_t)(at + done));
		if (!n)
			break;
		done += n;
	}
	return done;
}

int main(int argc, char **argv)
{
	char *a = aligned_alloc(BLOCK, CHUNK), *b = aligned_alloc(BLOCK, CHUNK);
	uint64_t differing = 0;
	size_t na, nb;
	off_t at = 0;
	int fa, fb;

	if (argc != 3)
		errx(2, "usage: ora_compare A B");
	if (!a || !b)
		err(2, "memory");
	fa = open_direct(argv[1]);
	fb = open_direct(argv[2]);
	do {
		na = read_at(fa, argv[1], a, at);
		nb = read_at(fb, argv[2], b, at);
		if (nb < na) {
			printf("# only %jd bytes: %s\n", (intmax_t)(at + nb), argv[2]);
			return 1;
		}
		for (size_t i = 0; i < na; i += BLOCK) {
			size_t n = na - i < BLOCK ? na - i : BLOCK;

			if (memcmp(a + i, b + i, n) && differing++ < SHOWN)
				printf("# block %jd differs\n", (intmax_t)((at + i) / BLOCK));
		}
		at += na;
	} while (na == CHUNK);
	if (differing)
		printf("# %ju of %jd blocks differ: %s %s\n", (uintmax_t)differing,
		       (intmax_t)((at + BLOCK - 1) / BLOCK), argv[1], argv[2]);
	return differing != 0;
}
