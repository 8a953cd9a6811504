// SPDX-License-Identifier: GPL-2.0-only
/*
 * A durable store of any size, without the writes that it would take to fill one:
 *
 *	mkstore DEVICE --volume BYTES --records N [--run BLOCKS] [--epochs N]
 *
 * DEVICE, or a file of which nothing is allocated, becomes the store of a volume of that size,
 * with N records of BLOCKS blocks each (1), of one persistent shadow or of several, in its dump;
 * the log is empty.  What is preserved has no data: only who reads the index is to be measured.
 * The first blocks of the volume may hold anything.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include "disk_format.h"

#define SEGMENT		256u
#define GROUP		64u
#define ENTRY(type, rest) htole64((uint64_t)(type) << 56 | (rest))
#define CHUNK		256u

static uint32_t table[256];
static int fd;
static struct shadow_disk_log chunk[CHUNK] __attribute__((aligned(SHADOW_DISK_BLOCK)));
static uint64_t id, blocks, at_epoch, dump_blocks;
static unsigned int entries;

static void make_table(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		table[i] = i;
		for (unsigned int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78 : 0);
	}
}

/* As crc32c(), for many. */
static uint32_t crc(const void *data, size_t bytes)
{
	const unsigned char *p = data;
	uint32_t c = ~0U;

	while (bytes--)
		c = c >> 8 ^ table[(c ^ *p++) & 0xff];
	return ~c;
}

static struct shadow_disk_log *block(void)
{
	return &chunk[(blocks - 1) % CHUNK];
}

static void put_raw(uint64_t what, uint64_t value)
{
	block()->entry[entries++] = (struct shadow_disk_entry){ what, htole64(value) };
	block()->nr = htole16(entries);
}

/* Write the blocks of the chunk that are full. */
static void flush(void)
{
	uint64_t n = (blocks - 1) % CHUNK + 1, first = blocks - n;
	ssize_t bytes = n * sizeof(chunk[0]);

	for (uint64_t i = 0; i < n; i++)
		chunk[i].crc = htole32(crc(&chunk[i], sizeof(chunk[i])));
	if (pwrite(fd, chunk, bytes, block_at(first)) != bytes)
		err(2, "write");
	memset(chunk, 0, sizeof(chunk));
}

/* One more block; the segments follow each other. */
static void open_block(void)
{
	if (blocks && blocks % CHUNK == 0)
		flush();
	blocks++;
	entries = 0;
	at_epoch = 0;
	*block() = (struct shadow_disk_log){
		.magic = htole32(SHADOW_DISK_LOG_MAGIC), .id = id, .seq = htole64(blocks),
		.group = htole64((blocks - 1) / GROUP + 1),
		.flags = htole16(blocks % GROUP && blocks != dump_blocks ? 0 : SHADOW_DISK_LAST),
	};
	if (blocks % SEGMENT == 0 || blocks % SEGMENT == 1)
		put_raw(ENTRY(SHADOW_DISK_NEXT, SEGMENT),
			(blocks + SEGMENT - 1) / SEGMENT * SEGMENT);
}

static void put(unsigned int n, uint64_t what, uint64_t value)
{
	if (!blocks || entries + n > SHADOW_DISK_LOG_ENTRIES)
		open_block();
	put_raw(what, value);
}

static void put_epoch(uint64_t number, uint64_t volume)
{
	struct shadow_disk_epoch e = {
		.created_ns = htole64(time(NULL) * 1000000000ULL), .sectors = htole64(volume / 512),
		.flags = htole32(SHADOW_DISK_PERSISTENT), .set_count = htole32(1),
	};
	struct shadow_disk_entry parts[SHADOW_DISK_EPOCH_ENTRIES];

	if (getrandom(e.shadow, sizeof(e.shadow), 0) < 0 || getrandom(e.set, sizeof(e.set), 0) < 0)
		err(2, "random numbers");
	memcpy(parts, &e, sizeof(parts));
	put(2 + SHADOW_DISK_EPOCH_ENTRIES,
	    ENTRY(SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES), number);
	for (unsigned int i = 0; i < SHADOW_DISK_EPOCH_ENTRIES; i++) {
		block()->entry[entries++] = parts[i];
		block()->nr = htole16(entries);
	}
	put_raw(ENTRY(SHADOW_DISK_COMPLETE, 0), number);
}

/* Records of an epoch, evenly over the volume; @loc is where the first one's data would be. */
static void put_records(uint64_t epoch, uint64_t volume, uint64_t n, uint64_t run, uint64_t loc)
{
	uint64_t step = volume / SHADOW_DISK_BLOCK / n;

	if (step < run)
		errx(2, "the volume is too small for so many records");
	for (uint64_t i = 0; i < n; i++, loc += run) {
		uint64_t first = i * step;

		/* none is in two regions of the index */
		if (first / 256 != (first + run - 1) / 256)
			first -= (first + run) % 256;
		if (!blocks || entries + 2 > SHADOW_DISK_LOG_ENTRIES)
			open_block();
		if (at_epoch != epoch)
			put_raw(ENTRY(SHADOW_DISK_AT, 0), epoch);
		at_epoch = epoch;
		put_raw(ENTRY(SHADOW_DISK_EXTENT, (run - 1) << 48 | first), loc);
	}
}

static void put_all(uint64_t volume, uint64_t records, uint64_t run, uint64_t epochs, uint64_t data)
{
	blocks = 0;
	for (unsigned int i = 0; i < SHADOW_DISK_WATCHED; i++)
		put(1, ENTRY(SHADOW_DISK_HEAD_ANY, i), 0);
	for (uint64_t e = 1; e <= epochs; e++) {
		put_epoch(e, volume);
		put_records(e, volume, records / epochs, run,
			    data + (e - 1) * (records / epochs) * run);
	}
	flush();
}

static void write_header(uint64_t volume, uint64_t part_blocks, uint64_t log)
{
	static struct shadow_disk_header h __attribute__((aligned(SHADOW_DISK_BLOCK)));

	h = (struct shadow_disk_header){
		.version = htole32(SHADOW_DISK_VERSION), .seq = htole64(1), .parts = htole32(1),
		.part_blocks = htole64(part_blocks), .volume_sectors = htole64(volume / 512),
		.volume = "made", .created = htole64(time(NULL)), .dump_id = id, .dump_loc = 0,
		.dump_segment = htole32(SEGMENT), .dump_blocks = htole32(blocks), .log_id = id + 1,
		.log_loc = htole64(log), .log_segment = htole32(SEGMENT), .log_seq = htole64(1),
		.log_group = htole64(1),
	};
	memcpy(h.magic, SHADOW_DISK_MAGIC, sizeof(h.magic));
	if (getrandom(h.store, sizeof(h.store), 0) < 0 || getrandom(h.part, sizeof(h.part), 0) < 0)
		err(2, "random numbers");
	h.crc = htole32(header_crc(&h));
	for (unsigned int i = 0; i < SHADOW_DISK_HEADERS; i++)
		if (pwrite(fd, &h, sizeof(h), header_at(i)) != sizeof(h))
			err(2, "write");
	if (fsync(fd))
		err(2, "flush");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "volume", required_argument, NULL, 'v' },
		{ "records", required_argument, NULL, 'r' },
		{ "run", required_argument, NULL, 'l' },
		{ "epochs", required_argument, NULL, 'e' },
		{ 0 }
	};
	uint64_t volume = 0, records = 0, run = 1, epochs = 1, end, log;
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (option) {
		case 'v':
			volume = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			records = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			run = strtoull(optarg, NULL, 0);
			break;
		case 'e':
			epochs = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	if (argc - optind != 1 || !volume || !records || !run || run > 256 || !epochs ||
	    records < epochs)
		errx(2, "DEVICE --volume BYTES --records N [--run BLOCKS] [--epochs N]");
	make_table();
	fd = open(argv[optind], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[optind]);
	end = (lseek(fd, 0, SEEK_END) - SHADOW_DISK_HEAD) / SHADOW_DISK_BLOCK;
	if (getrandom(&id, sizeof(id), 0) < 0)
		err(2, "random numbers");
	/* once to count the blocks, and once more where the places are known */
	put_all(volume, records, run, epochs, 0);
	dump_blocks = blocks;
	log = (blocks / SEGMENT + 2) * SEGMENT;
	if (log + SEGMENT + records * run > end)
		errx(2, "%s: so many records need %llu blocks more", argv[optind],
		     (unsigned long long)(log + SEGMENT + records * run - end));
	put_all(volume, records, run, epochs, log + SEGMENT);
	write_header(volume, end, log);
	records = records / epochs * epochs;
	printf("records=%llu blocks=%llu dump=%llu\n", (unsigned long long)records,
	       (unsigned long long)(records * run), (unsigned long long)dump_blocks);
	return 0;
}
