// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where what lies in a durable store:
 *
 *	disklog DEVICE
 *
 * prints a line of key=value for each copy of the header, and for each block of the dump and of the
 * log, in the order in which they are read:
 *
 *	header copy=0 at=0 good=1 seq=3
 *	log seq=1 group=1 last=1 left=28 at=1048576 entries=33
 *	saved state=1 blocks=64 at=4194304 end=7
 *
 * @left is how many blocks the segment has from there on, @at the place in bytes.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "disk_format.h"

static const char *path;
static struct shadow_disk_header header __attribute__((aligned(SHADOW_DISK_BLOCK)));
static struct shadow_disk_log block __attribute__((aligned(SHADOW_DISK_BLOCK)));

/* Return: whether @header is there. */
static bool read_headers(void)
{
	static struct shadow_disk_header h __attribute__((aligned(SHADOW_DISK_BLOCK)));
	bool any = false;

	for (unsigned int i = 0; i < SHADOW_DISK_HEADERS; i++) {
		read_block(path, header_at(i), &h);
		printf("header copy=%u at=%lld good=%d seq=%llu\n", i, (long long)header_at(i),
		       is_header(&h), (unsigned long long)le64toh(h.seq));
		if (!is_header(&h) || (any && le64toh(h.seq) <= le64toh(header.seq)))
			continue;
		header = h;
		any = true;
	}
	return any;
}

/* The entry that says where the next segment is, or NULL. */
static const struct shadow_disk_entry *next_segment(void)
{
	for (unsigned int i = 0; i < le16toh(block.nr); i++) {
		unsigned int type = le64toh(block.entry[i].what) >> 56;

		if (type == SHADOW_DISK_NEXT)
			return &block.entry[i];
		if (type == SHADOW_DISK_EPOCH)
			i += SHADOW_DISK_EPOCH_ENTRIES;
	}
	return NULL;
}

static void print_chain(const char *name, uint64_t id, uint64_t loc, uint32_t left, uint64_t seq,
			uint64_t blocks)
{
	for (; blocks; blocks--, seq++) {
		const struct shadow_disk_entry *next;

		read_block(path, block_at(loc), &block);
		if (le32toh(block.magic) != SHADOW_DISK_LOG_MAGIC || le64toh(block.id) != id ||
		    le64toh(block.seq) != seq || le32toh(block.crc) != log_crc(&block))
			return;
		printf("%s seq=%llu group=%llu last=%d left=%u at=%lld entries=%u\n", name,
		       (unsigned long long)seq, (unsigned long long)le64toh(block.group),
		       le16toh(block.flags) & SHADOW_DISK_LAST, left, (long long)block_at(loc),
		       le16toh(block.nr));
		next = next_segment();
		loc++;
		if (--left || !next)
			continue;
		loc = le64toh(next->value);
		left = le64toh(next->what) & ((1ULL << 56) - 1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: disklog DEVICE");
	path = argv[1];
	if (!read_headers())
		errx(1, "%s: no header is whole", path);
	print_chain("dump", le64toh(header.dump_id), le64toh(header.dump_loc),
		    le32toh(header.dump_segment), 1, le32toh(header.dump_blocks));
	print_chain("log", le64toh(header.log_id), le64toh(header.log_loc),
		    le32toh(header.log_segment), le64toh(header.log_seq), UINT64_MAX);
	printf("saved state=%u blocks=%u at=%llu end=%llu\n", le32toh(header.saved_state),
	       le32toh(header.saved_blocks), (unsigned long long)SHADOW_DISK_HEAD +
	       le64toh(header.saved_loc) * SHADOW_DISK_BLOCK,
	       (unsigned long long)le64toh(header.saved_end));
	return 0;
}
