// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare two devices or files byte for byte, past the page cache, and say where
 * they differ.
 *
 *	same A B [BYTES]
 *
 * "seed:N" stands for what fill writes with that seed.  0: equal, as far as the
 * shorter one or BYTES go; 1: not; 2: an error, which is also what a read that
 * fails is.
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

struct side {
	const char *name;
	int fd;			/* -1: made up */
	uint64_t seed;
	uint64_t *data;
};

/* splitmix64, as in fill */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void side_open(struct side *side, const char *name)
{
	side->name = name;
	side->fd = -1;
	side->data = aligned_alloc(BLOCK, CHUNK);
	if (!side->data)
		err(2, "memory");
	if (!strncmp(name, "seed:", 5)) {
		side->seed = mix(strtoull(name + 5, NULL, 0));
		return;
	}
	side->fd = open(name, O_RDONLY | O_DIRECT);
	if (side->fd < 0 && errno == EINVAL)	/* tmpfs */
		side->fd = open(name, O_RDONLY);
	if (side->fd < 0)
		err(2, "%s", name);
}

static size_t side_read(struct side *side, uint64_t position, size_t length)
{
	size_t done = 0, i;

	if (side->fd < 0) {
		for (i = 0; i < length / 8; i++)
			side->data[i] = mix(side->seed ^ (position + i * 8));
		return length;
	}
	while (done < length) {
		ssize_t n = pread(side->fd, (char *)side->data + done, length - done,
				  position + done);

		if (n < 0)
			err(2, "%s: reading at %llu", side->name,
			    (unsigned long long)(position + done));
		if (!n || (done + n) % 512)
			return done + n;
		done += n;
	}
	return done;
}

int main(int argc, char **argv)
{
	uint64_t position = 0, limit = UINT64_MAX, different = 0, first = 0;
	struct side a, b;

	if (argc < 3 || argc > 4)
		errx(2, "usage: same A B [BYTES]");
	if (argc == 4)
		limit = strtoull(argv[3], NULL, 0);
	side_open(&a, argv[1]);
	side_open(&b, argv[2]);
	if (a.fd < 0 && b.fd < 0 && argc < 4)
		errx(2, "two that never end");

	while (position < limit) {
		size_t want = limit - position < CHUNK ? limit - position : CHUNK;
		size_t got = side_read(&a, position, want), other, at;

		other = side_read(&b, position, want);
		if (other < got)
			got = other;
		for (at = 0; at < got; at += BLOCK) {
			size_t n = got - at < BLOCK ? got - at : BLOCK;

			if (!memcmp((char *)a.data + at, (char *)b.data + at, n))
				continue;
			if (!different++)
				first = position + at;
		}
		position += got;
		if (got < want)
			break;
	}
	if (different) {
		printf("%s and %s differ: %llu blocks, the first at byte %llu (block %llu)\n",
		       argv[1], argv[2], (unsigned long long)different,
		       (unsigned long long)first, (unsigned long long)first / BLOCK);
		return 1;
	}
	if (!position) {
		printf("nothing to compare\n");
		return 2;
	}
	return 0;
}
