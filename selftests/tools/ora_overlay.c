// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write to a writable image from several threads and read it from others, at the same
 * places, and know of each sector which versions a read may have.
 *
 *	ora_overlay IMAGE MIB SECONDS SEED
 *
 * Each sector says which one it is and which version.  Each sector has one writer; the
 * sectors of a block have different ones in the first half of the MIB, where writes are
 * single sectors, and the same in the second half, where they are whole blocks.  A read
 * may have any version from the last one that was complete when it began to the last one
 * begun when it ended, and nothing else.  Everything past the page cache.  Prints counts;
 * exit status: 0, 1 if a read was wrong.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 512
#define WORDS (SECTOR / 8)
#define BLOCK_SECTORS 8
#define RUN 64			/* sectors that are read or written at once, at most */
#define WRITERS 8
#define READERS 8

static int image;
static uint64_t sectors, seed;
static time_t end;
static atomic_uint *started, *finished;
static atomic_uint_fast64_t reads, writes, wrong;

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void stamp(uint64_t *data, uint64_t sector, uint64_t version)
{
	data[0] = sector;
	data[1] = version;
	for (unsigned int i = 2; i < WORDS; i++)
		data[i] = mix(seed ^ sector << 32 ^ version << 8 ^ i);
}

static void write_run(uint64_t first, unsigned int n, uint64_t *data)
{
	for (unsigned int i = 0; i < n; i++)
		stamp(data + i * WORDS, first + i, atomic_fetch_add(&started[first + i], 1) + 1);
	if (pwrite(image, data, n * SECTOR, first * SECTOR) != (ssize_t)(n * SECTOR))
		err(1, "writing sector %ju", (uintmax_t)first);
	for (unsigned int i = 0; i < n; i++)
		atomic_fetch_add(&finished[first + i], 1);
	atomic_fetch_add(&writes, 1);
}

static void *writer(void *arg)
{
	uint64_t id = (uintptr_t)arg, random = mix(seed + id), half = sectors / 2, place;
	uint64_t *data = aligned_alloc(4096, RUN * SECTOR);
	unsigned int n;

	while (time(NULL) < end) {
		random = mix(random);
		if (random & 1) {
			place = random / 2 % (half / WRITERS) * WRITERS + id;
			n = 1;
		} else {
			n = (1 + random / 2 % 7) * BLOCK_SECTORS;
			place = half + random / 16 % (half / RUN / WRITERS) * RUN * WRITERS +
				id * RUN;
		}
		write_run(place, n, data);
	}
	free(data);
	return NULL;
}

static void check(uint64_t sector, const uint64_t *data, unsigned int from, unsigned int to)
{
	uint64_t want[WORDS];

	stamp(want, sector, data[1]);
	if (!memcmp(want, data, SECTOR) && data[1] >= from && data[1] <= to)
		return;
	if (atomic_fetch_add(&wrong, 1) < 8)
		printf("# sector %ju: it is sector %ju, version %ju, not %u to %u\n",
		       (uintmax_t)sector, (uintmax_t)data[0], (uintmax_t)data[1], from, to);
}

static void read_run(uint64_t first, unsigned int n, uint64_t *data)
{
	unsigned int from[RUN];

	for (unsigned int i = 0; i < n; i++)
		from[i] = atomic_load(&finished[first + i]);
	if (pread(image, data, n * SECTOR, first * SECTOR) != (ssize_t)(n * SECTOR))
		err(1, "reading sector %ju", (uintmax_t)first);
	for (unsigned int i = 0; i < n; i++)
		check(first + i, data + i * WORDS, from[i], atomic_load(&started[first + i]));
	atomic_fetch_add(&reads, 1);
}

static void *reader(void *arg)
{
	uint64_t random = mix(seed + 100 + (uintptr_t)arg);
	uint64_t *data = aligned_alloc(4096, RUN * SECTOR);
	unsigned int n;

	while (time(NULL) < end) {
		random = mix(random);
		n = 1 + random % RUN;
		read_run(random / RUN % (sectors - n), n, data);
	}
	free(data);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[WRITERS + READERS];
	uint64_t *data = aligned_alloc(4096, RUN * SECTOR);

	if (argc != 5)
		errx(2, "usage: ora_overlay IMAGE MIB SECONDS SEED");
	image = open(argv[1], O_RDWR | O_DIRECT);
	if (image < 0)
		err(2, "%s", argv[1]);
	sectors = strtoull(argv[2], NULL, 0) << 11;
	seed = mix(strtoull(argv[4], NULL, 0));
	started = calloc(sectors, sizeof(*started));
	finished = calloc(sectors, sizeof(*finished));
	if (!data || !started || !finished)
		err(2, "memory");
	for (uint64_t i = 0; i < sectors; i += RUN)
		write_run(i, RUN, data);
	end = time(NULL) + atoi(argv[3]);
	for (uintptr_t i = 0; i < WRITERS + READERS; i++)
		if (pthread_create(&thread[i], NULL, i < WRITERS ? writer : reader,
				   (void *)(i < WRITERS ? i : i - WRITERS)))
			errx(2, "no thread");
	for (unsigned int i = 0; i < WRITERS + READERS; i++)
		pthread_join(thread[i], NULL);
	for (uint64_t i = 0; i < sectors; i += RUN)
		read_run(i, RUN, data);
	printf("reads=%ju writes=%ju wrong=%ju\n", (uintmax_t)reads, (uintmax_t)writes,
	       (uintmax_t)wrong);
	return wrong != 0;
}
