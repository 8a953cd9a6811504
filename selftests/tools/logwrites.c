// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print what dm-log-writes recorded, a line for each entry:
 * position and length in sectors of 512 bytes, then its flags.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC 0x6a736677736872ULL

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

static void read_at(int fd, void *to, size_t size, uint64_t position)
{
	if (pread(fd, to, size, position) != (ssize_t)size)
		err(1, "reading the log at %llu", (unsigned long long)position);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "flush", "fua", "discard", "mark", "metadata" };
	struct super super;
	uint64_t position, i;
	uint32_t unit;
	int fd;

	if (argc != 2)
		errx(2, "usage: logwrites LOG-DEVICE");
	fd = open(argv[1], O_RDONLY);
	if (fd < 0)
		err(1, "%s", argv[1]);
	read_at(fd, &super, sizeof(super), 0);
	if (le64toh(super.magic) != MAGIC)
		errx(1, "%s: no log", argv[1]);
	unit = le32toh(super.sectorsize);
	position = unit;
	for (i = 0; i < le64toh(super.nr_entries); i++) {
		struct entry entry;
		uint64_t flags;
		unsigned int bit;

		read_at(fd, &entry, sizeof(entry), position);
		flags = le64toh(entry.flags);
		printf("%llu %llu", (unsigned long long)(le64toh(entry.sector) * unit / 512),
		       (unsigned long long)(le64toh(entry.nr_sectors) * unit / 512));
		for (bit = 0; bit < sizeof(names) / sizeof(*names); bit++)
			if (flags & 1ULL << bit)
				printf(" %s", names[bit]);
		putchar('\n');
		position += unit;
		if (!(flags & 4))	/* a discard has no data */
			position += le64toh(entry.nr_sectors) * unit;
	}
	return 0;
}
