// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look for torn reads: threads read an image at places that other threads
 * overwrite on the origin just then, and compare each read with an oracle.
 *
 *	ora_torn IMAGE ORACLE ORIGIN SECONDS SEED
 *
 * Readers and writers agree on places: one goes first, the other follows after
 * up to CHASE_US microseconds, in either order; reads are larger or smaller
 * than the writes, and begin at any sector.  Everything past the page cache.
 *
 * A place can be torn only once, when it is first overwritten: places are taken
 * from the whole device without repetition, in an order that looks random.
 * Prints counts; exit status: 0, 1 if a read was not the oracle's data.
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
#define PLACE (64 << 10)	/* what a pair of threads plays with at a time */
#define LARGEST (128 << 10)	/* a read */
#define PAIRS 6
#define CHASE_US 30000

static int image, origin;
static const char *oracle;
static uint64_t size, seed;
static struct timespec end;
static atomic_uint_fast64_t next_place, reads, writes, torn;

struct pair {
	pthread_t reader, writer;
	pthread_barrier_t barrier;
	uint64_t random;
	uint64_t place;		/* offset; UINT64_MAX: stop */
	int lead_us;		/* the writer's lead, negative: the reader's */
};

static uint64_t rnd(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static int over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end.tv_sec ||
	       (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

/* The next place, or UINT64_MAX. */
static uint64_t take_place(void)
{
	uint64_t count = size / PLACE, i = atomic_fetch_add(&next_place, 1);

	/* 65537 is prime, and divides no count that occurs: a permutation. */
	return i >= count || over() ? UINT64_MAX : (i * 65537 + seed) % count * PLACE;
}

static void *writer(void *arg)
{
	struct pair *p = arg;
	uint64_t random = p->random ^ 0x5555, *data = aligned_alloc(4096, PLACE);

	for (;;) {
		uint64_t done = 0;

		pthread_barrier_wait(&p->barrier);
		if (p->place == UINT64_MAX)
			return NULL;
		if (p->lead_us < 0)
			usleep(-p->lead_us);
		while (done < PLACE) {
			uint64_t n = SECTOR << (rnd(&random) % 7);

			if (n > PLACE - done)
				n = PLACE - done;
			for (size_t i = 0; i < n / sizeof(*data); i++)
				data[i] = rnd(&random);
			if (pwrite(origin, data, n, p->place + done) != (ssize_t)n)
				err(2, "writing");
			done += n;
			atomic_fetch_add(&writes, 1);
		}
		pthread_barrier_wait(&p->barrier);
	}
}

static void read_once(uint64_t place, uint64_t *random, char *data)
{
	uint64_t from = place + rnd(random) % (PLACE / SECTOR) * SECTOR;
	uint64_t n = SECTOR + rnd(random) % (LARGEST / SECTOR) * SECTOR;

	if (rnd(random) % 2)		/* small ones as well */
		n = SECTOR + rnd(random) % 16 * SECTOR;
	if (n > size - from)
		n = size - from;
	if (pread(image, data, n, from) != (ssize_t)n)
		err(2, "reading the image");
	atomic_fetch_add(&reads, 1);
	if (!memcmp(data, oracle + from, n))
		return;
	for (uint64_t i = 0; i < n; i += SECTOR) {
		if (memcmp(data + i, oracle + from + i, SECTOR)) {
			if (atomic_fetch_add(&torn, 1) < 8)
				printf("# torn: sector %ju of a read of %ju bytes at sector %ju\n",
				       (uintmax_t)((from + i) / SECTOR), (uintmax_t)n,
				       (uintmax_t)(from / SECTOR));
			return;
		}
	}
}

static void *reader(void *arg)
{
	struct pair *p = arg;
	uint64_t random = p->random;
	char *data = aligned_alloc(4096, LARGEST);

	for (;;) {
		p->place = take_place();
		p->lead_us = (int)(rnd(&random) % (2 * CHASE_US)) - CHASE_US / 2;
		pthread_barrier_wait(&p->barrier);
		if (p->place == UINT64_MAX)
			return NULL;
		if (p->lead_us > 0)
			usleep(p->lead_us);
		for (int i = 0; i < 6; i++)
			read_once(p->place, &random, data);
		pthread_barrier_wait(&p->barrier);
	}
}

static const char *load(const char *path)
{
	int fd = open(path, O_RDONLY);
	char *data = malloc(size);
	uint64_t done = 0;
	ssize_t n;

	if (fd < 0 || !data)
		err(2, "%s", path);
	for (; done < size; done += n) {
		n = pread(fd, data + done, size - done, done);
		if (n <= 0)
			err(2, "%s", path);
	}
	close(fd);
	return data;
}

int main(int argc, char **argv)
{
	static struct pair pairs[PAIRS];

	if (argc != 6)
		errx(2, "usage: ora_torn IMAGE ORACLE ORIGIN SECONDS SEED");
	image = open(argv[1], O_RDONLY | O_DIRECT);
	if (image < 0)
		err(2, "%s", argv[1]);
	origin = open(argv[3], O_WRONLY | O_DIRECT);
	if (origin < 0)
		err(2, "%s", argv[3]);
	size = lseek(image, 0, SEEK_END);
	oracle = load(argv[2]);
	seed = strtoull(argv[5], NULL, 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += atoi(argv[4]);

	for (int i = 0; i < PAIRS; i++) {
		pairs[i].random = seed * 1000 + i;
		pthread_barrier_init(&pairs[i].barrier, NULL, 2);
		if (pthread_create(&pairs[i].reader, NULL, reader, &pairs[i]) ||
		    pthread_create(&pairs[i].writer, NULL, writer, &pairs[i]))
			errx(2, "threads");
	}
	for (int i = 0; i < PAIRS; i++) {
		pthread_join(pairs[i].reader, NULL);
		pthread_join(pairs[i].writer, NULL);
	}
	printf("places=%ju reads=%ju writes=%ju torn=%ju\n", (uintmax_t)next_place,
	       (uintmax_t)reads, (uintmax_t)writes, (uintmax_t)torn);
	return torn != 0;
}
