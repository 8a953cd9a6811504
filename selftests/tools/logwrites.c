// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dm-log-writes has recorded:
 *
 *	logwrites LOG-DEVICE
 *		prints a line for each entry: position and length in sectors of 512 bytes, then
 *		its flags, and of a mark its text
 *	logwrites LOG-DEVICE replay DEVICE FROM TO [SOME]
 *		does once more, on DEVICE, what the entries FROM to TO - 1 have done, or only some
 *		of it: "half:SEED" of them by chance, "but:N" all but the Nth (modulo how many
 *		there are), "below:SECTOR" or "from:SECTOR" those to one side of it
 *
 * Entries are numbered from 0 on.  What was not flushed is in no log; what is between two
 * flushes may have reached the disk or not, when power is lost before the second one.  It is in
 * the log when that flush is done, also what was written before something that went past the cache
 * meanwhile: what came too early cannot always be told from this log (see write_order.c).
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC 0x6a736677736872ULL
#define DISCARD 4
#define MARK 8
#define PIECE (1 << 20)

struct super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sectorsize;
};

struct entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_len;
};

enum choice { CHOICE_HALF, CHOICE_BUT, CHOICE_BELOW, CHOICE_FROM, CHOICE_ALL };

static enum choice choice = CHOICE_ALL;
static uint64_t number;
static char piece[PIECE];
static int log_fd, device = -1;
static uint32_t unit;

static void read_at(void *to, size_t size, uint64_t position)
{
	if (pread(log_fd, to, size, position) != (ssize_t)size)
		err(1, "reading the log at %llu", (unsigned long long)position);
}

static void write_at(const void *from, size_t size, uint64_t position)
{
	if (pwrite(device, from, size, position) != (ssize_t)size)
		err(1, "writing at %llu", (unsigned long long)position);
}

/* Of the machine's byte order from here on. */
static struct entry entry_at(uint64_t position)
{
	struct entry entry;

	read_at(&entry, sizeof(entry), position);
	entry.sector = le64toh(entry.sector);
	entry.nr_sectors = le64toh(entry.nr_sectors);
	entry.flags = le64toh(entry.flags);
	entry.data_len = le64toh(entry.data_len);
	return entry;
}

static void print(const struct entry *entry, uint64_t position)
{
	static const char *const names[] = { "flush", "fua", "discard", "mark", "metadata" };
	char text[513] = "";
	unsigned int bit;

	printf("%llu %llu", (unsigned long long)(entry->sector * unit / 512),
	       (unsigned long long)(entry->nr_sectors * unit / 512));
	for (bit = 0; bit < sizeof(names) / sizeof(*names); bit++)
		if (entry->flags & 1ULL << bit)
			printf(" %s", names[bit]);
	if (entry->flags & MARK) {
		read_at(text, entry->data_len < 512 ? entry->data_len : 512,
			position + sizeof(*entry));
		printf(" %s", text);
	}
	putchar('\n');
}

/* @data: where in the log its data are. */
static void replay(const struct entry *entry, uint64_t data)
{
	uint64_t to = entry->sector * unit, left = entry->nr_sectors * unit;

	while (left && !(entry->flags & MARK)) {
		size_t n = left < PIECE ? left : PIECE;

		if (entry->flags & DISCARD)
			memset(piece, 0, n);
		else
			read_at(piece, n, data);
		write_at(piece, n, to);
		to += n;
		data += n;
		left -= n;
	}
}

static bool parse_choice(const char *text)
{
	static const char *const names[] = { "half:", "but:", "below:", "from:" };

	for (choice = 0; choice < CHOICE_ALL; choice++) {
		size_t n = strlen(names[choice]);

		if (!strncmp(text, names[choice], n)) {
			number = strtoull(text + n, NULL, 0);
			return true;
		}
	}
	return false;
}

/* Is it one of those that reach the disk?  @i: which one of @count it is. */
static bool is_chosen(const struct entry *entry, uint64_t i, uint64_t count)
{
	uint64_t sector = entry->sector * unit / 512;

	switch (choice) {
	case CHOICE_HALF:
		return random() & 1;
	case CHOICE_BUT:
		return i != number % count;
	case CHOICE_BELOW:
		return sector < number;
	case CHOICE_FROM:
		return sector >= number;
	default:
		return true;
	}
}

int main(int argc, char **argv)
{
	uint64_t position, i, from = 0, to = UINT64_MAX;
	struct super super;

	if (argc != 2 && !(argc >= 6 && argc <= 7 && !strcmp(argv[2], "replay")))
		errx(2, "usage: logwrites LOG-DEVICE [replay DEVICE FROM TO [SOME]]");
	log_fd = open(argv[1], O_RDONLY);
	if (log_fd < 0)
		err(1, "%s", argv[1]);
	if (argc > 2) {
		device = open(argv[3], O_WRONLY);
		if (device < 0)
			err(1, "%s", argv[3]);
		from = strtoull(argv[4], NULL, 0);
		to = strtoull(argv[5], NULL, 0);
	}
	if (argc > 6 && !parse_choice(argv[6]))
		errx(2, "%s: neither half:, but:, below: nor from:", argv[6]);
	srandom(number);
	read_at(&super, sizeof(super), 0);
	if (le64toh(super.magic) != MAGIC)
		errx(1, "%s: no log", argv[1]);
	unit = le32toh(super.sectorsize);
	position = unit;
	for (i = 0; i < le64toh(super.nr_entries) && i < to; i++) {
		struct entry entry = entry_at(position);
		uint64_t data = position + unit;

		if (device < 0)
			print(&entry, position);
		else if (i >= from && is_chosen(&entry, i - from, to - from))
			replay(&entry, data);
		position = data;
		if (!(entry.flags & DISCARD))	/* which has no data */
			position += entry.nr_sectors * unit;
	}
	if (device >= 0 && fsync(device))
		err(1, "%s", argv[3]);
	return 0;
}
