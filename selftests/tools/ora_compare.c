// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare two devices or files byte for byte, past the page cache, and say
 * which blocks differ.  A page cache would answer for a device that is at fault.
 *
 *	ora_compare A B [PLACES]	exit status 0: equal, 1: different, 2: cannot say
 *
 * B may be longer than A.  Each line of the file PLACES has the first byte and the length of
 * a place where a block of A may be zeros instead.
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

struct place {
	off_t first, end;
};

static struct place *places;
static size_t nr_places;

static void read_places(const char *path)
{
	FILE *f = fopen(path, "r");
	intmax_t first, bytes;

	if (!f)
		err(2, "%s", path);
	while (fscanf(f, "%jd %jd", &first, &bytes) == 2) {
		places = reallocarray(places, nr_places + 1, sizeof(*places));
		if (!places)
			err(2, "memory");
		places[nr_places++] = (struct place){ first, first + bytes };
	}
	fclose(f);
}

static int may_be_zeros(const char *data, size_t n, off_t at)
{
	for (size_t i = 0; i < nr_places; i++)
		if (places[i].first <= at && at + (off_t)n <= places[i].end)
			return !data[0] && !memcmp(data, data + 1, n - 1);
	return 0;
}

int main(int argc, char **argv)
{
	char *a = aligned_alloc(BLOCK, CHUNK), *b = aligned_alloc(BLOCK, CHUNK);
	uint64_t differing = 0, zeros = 0;
	size_t na, nb;
	off_t at = 0;
	int fa, fb;

	if (argc < 3 || argc > 4)
		errx(2, "usage: ora_compare A B [PLACES]");
	if (argc == 4)
		read_places(argv[3]);
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

			if (!memcmp(a + i, b + i, n))
				continue;
			if (may_be_zeros(a + i, n, at + i))
				zeros++;
			else if (differing++ < SHOWN)
				printf("# block %jd differs\n", (intmax_t)((at + i) / BLOCK));
		}
		at += na;
	} while (na == CHUNK);
	if (zeros)
		printf("# %ju blocks are zeros instead: %s\n", (uintmax_t)zeros, argv[1]);
	if (differing)
		printf("# %ju of %jd blocks differ: %s %s\n", (uintmax_t)differing,
		       (intmax_t)((at + BLOCK - 1) / BLOCK), argv[1], argv[2]);
	return differing != 0;
}
