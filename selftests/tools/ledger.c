// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbered writes, and whether what is found on disk could be any other than an
 * unbroken beginning of them.
 *
 *	ledger write [--writers N] [--slots N] [--count N] [--seconds N]
 *	             [--progress FILE] DEVICE...
 *
 * Each writer has slots of its own, 4 KiB each, in turn on one device and the next,
 * and writes 1, 2, 3... into them round and round, past the page cache.  It
 * begins a write when the one before it has ended, so a state in which number n
 * is there and n - 1 is not never existed.  The end is COUNT, the time, or SIGTERM.
 * Prints "writer N: LAST", the last number whose write succeeded; FILE has the
 * number of all writes that ended, as 64 bits, at any time.  A write that fails
 * ends the program with 1.
 *
 *	ledger check [--writers N] [--slots N] [--expect FILE] DEVICE...
 *
 * With the same WRITERS, SLOTS and number of devices: is it such a beginning?
 * Prints the last number of each writer in the same way; with FILE, what "write"
 * printed, they must be equal.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define DEVICES 64
#define MAGIC 0x6c656467657221ULL

struct page {
	uint64_t magic;
	uint64_t writer;
	uint64_t number;
	uint64_t rest[BLOCK / 8 - 3];	/* the number again */
};

static int fds[DEVICES];
static char **names;
static unsigned int nr_devices, writers = 4, slots = 64;
static uint64_t count;
static atomic_int stop;
static atomic_uint_fast64_t own_progress, *progress = &own_progress;
static uint64_t *last;

/* Slot @n of a writer: device and position. */
static unsigned int device_of(uint64_t n)
{
	return n % slots % nr_devices;
}

static off_t position_of(unsigned int writer, uint64_t n)
{
	uint64_t per_device = (slots + nr_devices - 1) / nr_devices;

	return (writer * per_device + n % slots / nr_devices) * BLOCK;
}

static void *writer_main(void *arg)
{
	unsigned int writer = (uintptr_t)arg;
	struct page *page = aligned_alloc(BLOCK, BLOCK);
	uint64_t n;
	size_t i;

	if (!page)
		err(1, "memory");
	for (n = 1; !stop && (!count || n <= count); n++) {
		page->magic = MAGIC;
		page->writer = writer;
		page->number = n;
		for (i = 0; i < sizeof(page->rest) / 8; i++)
			page->rest[i] = n;
		if (pwrite(fds[device_of(n)], page, BLOCK, position_of(writer, n)) != BLOCK)
			err(1, "%s: write %llu", names[device_of(n)], (unsigned long long)n);
		last[writer] = n;
		atomic_fetch_add(progress, 1);
	}
	free(page);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void write_all(unsigned int seconds)
{
	pthread_t *threads = calloc(writers, sizeof(*threads));
	uintptr_t i;

	signal(SIGTERM, on_signal);
	signal(SIGALRM, on_signal);
	alarm(seconds);
	for (i = 0; i < writers; i++)
		if (pthread_create(&threads[i], NULL, writer_main, (void *)i))
			errx(1, "no thread");
	for (i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

/* The number in a slot, 0 where none was written. */
static uint64_t number_in(unsigned int writer, uint64_t slot, struct page *page)
{
	size_t i;

	if (pread(fds[device_of(slot)], page, BLOCK, position_of(writer, slot)) != BLOCK)
		err(2, "%s: reading", names[device_of(slot)]);
	if (page->magic != MAGIC)
		return 0;
	if (page->writer != writer || page->number % slots != slot)
		errx(1, "%s: slot %llu of writer %u has number %llu of writer %llu",
		     names[device_of(slot)], (unsigned long long)slot, writer,
		     (unsigned long long)page->number, (unsigned long long)page->writer);
	for (i = 0; i < sizeof(page->rest) / 8; i++)
		if (page->rest[i] != page->number)
			errx(1, "%s: number %llu of writer %u is torn: %llu follows",
			     names[device_of(slot)], (unsigned long long)page->number, writer,
			     (unsigned long long)page->rest[i]);
	return page->number;
}

static void check_writer(unsigned int writer)
{
	struct page *page = aligned_alloc(BLOCK, BLOCK);
	uint64_t *found = calloc(slots, sizeof(*found));
	uint64_t slot, highest = 0;

	if (!page || !found)
		err(1, "memory");
	for (slot = 0; slot < slots; slot++) {
		found[slot] = number_in(writer, slot, page);
		if (found[slot] > highest)
			highest = found[slot];
	}
	for (slot = 0; slot < slots; slot++) {
		uint64_t behind = (highest % slots + slots - slot) % slots;
		uint64_t wanted = highest > behind ? highest - behind : 0;

		if (found[slot] != wanted)
			errx(1, "%s: writer %u: %llu is there, but %llu is not: its slot has %llu",
			     names[device_of(slot)], writer, (unsigned long long)highest,
			     (unsigned long long)wanted, (unsigned long long)found[slot]);
	}
	last[writer] = highest;
	free(found);
	free(page);
}

static void compare(const char *expected)
{
	FILE *file = fopen(expected, "r");
	unsigned int writer, seen = 0;
	unsigned long long number;

	if (!file)
		err(2, "%s", expected);
	while (fscanf(file, "writer %u: %llu\n", &writer, &number) == 2) {
		seen++;
		if (writer >= writers || last[writer] != number)
			errx(1, "writer %u: %llu ended, the last one found is %llu", writer, number,
			     (unsigned long long)(writer < writers ? last[writer] : 0));
	}
	if (seen != writers)
		errx(1, "%s: %u writers", expected, seen);
	fclose(file);
}

static void share_progress(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *map;

	if (fd < 0 || ftruncate(fd, BLOCK))
		err(1, "%s", path);
	map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "%s", path);
	progress = map;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "writers", required_argument, NULL, 'w' },
		{ "slots", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "progress", required_argument, NULL, 'p' },
		{ "expect", required_argument, NULL, 'e' },
		{ 0 }
	};
	unsigned int seconds = 0, i;
	const char *expected = NULL;
	int option, writing;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (option) {
		case 'w':
			writers = atoi(optarg);
			break;
		case 's':
			slots = atoi(optarg);
			break;
		case 'c':
			count = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		case 'p':
			share_progress(optarg);
			break;
		case 'e':
			expected = optarg;
			break;
		default:
			return 2;
		}
	if (argc - optind < 2 || argc - optind - 1 > DEVICES)
		errx(2, "usage: ledger write|check [OPTION...] DEVICE...");
	writing = !strcmp(argv[optind], "write");
	names = argv + optind + 1;
	nr_devices = argc - optind - 1;
	last = calloc(writers, sizeof(*last));
	if (!last)
		err(1, "memory");
	for (i = 0; i < nr_devices; i++) {
		fds[i] = open(names[i], (writing ? O_RDWR : O_RDONLY) | O_DIRECT);
		if (fds[i] < 0)
			err(1, "%s", names[i]);
	}
	if (writing)
		write_all(seconds);
	for (i = 0; i < writers; i++) {
		if (!writing)
			check_writer(i);
		printf("writer %u: %llu\n", i, (unsigned long long)last[i]);
	}
	if (expected)
		compare(expected);
	return 0;
}
