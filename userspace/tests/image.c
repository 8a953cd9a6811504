// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - makes durable stores in memory, good and bad ones.
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define LOG_ID	0x1234567812345678ULL
#define DUMP_ID	0x8765432187654321ULL
#define SAVED_ID 0x1122334455667788ULL

struct shadow_disk_header *image_header(struct image *image, unsigned int i)
{
	return (void *)(image->bytes + (size_t)i * SHADOW_DISK_HEADER_STEP);
}

struct shadow_disk_log *image_block(struct image *image, u64 loc)
{
	return (void *)(image->bytes + SHADOW_DISK_HEAD + loc * SHADOW_DISK_BLOCK);
}

static void begin(struct image *image)
{
	image->log = image_block(image, image->loc);
	memset(image->log, 0, sizeof(*image->log));
	image->log->id = cpu_to_le64(image->id);
	image->log->seq = cpu_to_le64(image->seq);
	image->log->group = cpu_to_le64(image->group);
}

void image_new(struct image *image)
{
	struct shadow_disk_header *h;
	unsigned int i;

	*image = (struct image){ .id = LOG_ID, .seq = 1, .group = 1 };
	image->bytes = calloc(1, IMAGE_BYTES);
	if (!image->bytes)
		abort();
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		h = image_header(image, i);
		h->seq = cpu_to_le64(1);
		memset(h->store, 0x11, sizeof(h->store));
		memset(h->part, 0x22, sizeof(h->part));
		h->parts = cpu_to_le32(1);
		h->part_blocks = cpu_to_le64(IMAGE_BLOCKS);
		h->volume_sectors = cpu_to_le64(1 << 19);
		strcpy((char *)h->volume, "vda1");
		h->created = cpu_to_le64(1700000000);
		h->log_id = cpu_to_le64(LOG_ID);
		h->log_segment = cpu_to_le32(IMAGE_SEGMENT);
		h->log_seq = cpu_to_le64(1);
		h->log_group = cpu_to_le64(1);
		shadow_header_seal(h);
	}
	begin(image);
}

void image_free(struct image *image)
{
	free(image->bytes);
}

void image_entry(struct image *image, enum shadow_disk_type type, u64 rest, u64 value)
{
	u16 nr = le16_to_cpu(image->log->nr);

	image->log->entry[nr].what = cpu_to_le64((u64)type << 56 | rest);
	image->log->entry[nr].value = cpu_to_le64(value);
	image->log->nr = cpu_to_le16(nr + 1);
}

void image_epoch(struct image *image, u64 epoch, u32 flags)
{
	struct shadow_disk_epoch disk = {
		.created_ns = cpu_to_le64(1700000000123456789ULL),
		.sectors = cpu_to_le64(1 << 19),
		.flags = cpu_to_le32(flags),
		.set_count = cpu_to_le32(1),
	};
	u16 nr;

	memset(disk.shadow, 0x40 + epoch, sizeof(disk.shadow));
	memset(disk.set, 0x80 + epoch, sizeof(disk.set));
	image_entry(image, SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, epoch);
	nr = le16_to_cpu(image->log->nr);
	memcpy(&image->log->entry[nr], &disk, sizeof(disk));
	image->log->nr = cpu_to_le16(nr + SHADOW_DISK_EPOCH_ENTRIES);
}

void image_extent(struct image *image, u64 block, u64 len, u64 loc)
{
	image_entry(image, SHADOW_DISK_EXTENT, (len - 1) << 48 | block, loc);
}

void image_end(struct image *image, bool last)
{
	if (last)
		image->log->flags = cpu_to_le16(SHADOW_DISK_LAST);
	shadow_log_seal(image->log);
	image->loc++;
	image->seq++;
	image->group += last;
	if (image->loc < IMAGE_BLOCKS)
		begin(image);
}

void image_next(struct image *image, u64 loc, u32 blocks)
{
	image_next_early(image, loc, blocks);
	image->loc = loc - 1;
}

void image_next_early(struct image *image, u64 loc, u32 blocks)
{
	image_entry(image, SHADOW_DISK_NEXT, blocks, loc);
}

void image_dump(struct image *image, u64 loc)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		image_header(image, i)->dump_id = cpu_to_le64(DUMP_ID);
		image_header(image, i)->dump_loc = cpu_to_le64(loc);
		image_header(image, i)->dump_segment = cpu_to_le32(IMAGE_SEGMENT);
	}
	image->id = DUMP_ID;
	image->loc = loc;
	begin(image);
}

void image_dump_end(struct image *image)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		image_header(image, i)->dump_blocks = cpu_to_le32(image->seq - 1);
	image_seal(image);
	image->id = LOG_ID;
	image->seq = 1;
	image->group = 1;
	image->loc = 0;
	begin(image);
}

static void begin_chunk(struct image *image, u64 loc, u32 blocks, u64 seq)
{
	image->chunk = (void *)image_block(image, loc);
	image->chunk_blocks = blocks;
	image->used = sizeof(*image->chunk);
	memset(image->chunk, 0, (size_t)blocks * SHADOW_DISK_BLOCK);
	image->chunk->id = cpu_to_le64(SAVED_ID);
	image->chunk->seq = cpu_to_le64(seq);
}

void image_saved(struct image *image, u64 loc, u32 blocks)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		image_header(image, i)->saved_id = cpu_to_le64(SAVED_ID);
		image_header(image, i)->saved_loc = cpu_to_le64(loc);
		image_header(image, i)->saved_blocks = cpu_to_le32(blocks);
		image_header(image, i)->saved_state = cpu_to_le32(SHADOW_DISK_SAVED_ALL);
	}
	begin_chunk(image, loc, blocks, 1);
}

static void put(struct image *image, const void *data, u32 bytes)
{
	if (bytes > image->chunk_blocks * SHADOW_DISK_BLOCK - image->used)
		abort();
	memcpy((u8 *)image->chunk + image->used, data, bytes);
	image->used += bytes;
}

void image_record(struct image *image, u32 type, const void *data, u32 bytes)
{
	struct shadow_disk_record record = {
		.type = cpu_to_le32(type), .bytes = cpu_to_le32(bytes),
	};

	put(image, &record, sizeof(record));
	if (bytes)
		put(image, data, bytes);
}

static void end_chunk(struct image *image)
{
	image->chunk->bytes = cpu_to_le32(image->used - sizeof(*image->chunk));
	shadow_saved_seal(image->chunk, image->chunk_blocks);
}

void image_chunk(struct image *image, u64 loc, u32 blocks)
{
	u64 seq = le64_to_cpu(image->chunk->seq);

	image->chunk->next_loc = cpu_to_le64(loc);
	image->chunk->next_blocks = cpu_to_le32(blocks);
	end_chunk(image);
	begin_chunk(image, loc, blocks, seq + 1);
}

void image_saved_end(struct image *image)
{
	unsigned int i;

	end_chunk(image);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		image_header(image, i)->log_end = cpu_to_le64(image->seq);
		image_header(image, i)->saved_end = cpu_to_le64(image->seq);
	}
	image_seal(image);
}

static void put_mark(struct image *image, u64 epoch, u32 flags)
{
	struct shadow_disk_mark mark = {
		.created_ns = cpu_to_le64(1700000000123456789ULL),
		.sectors = cpu_to_le64(1 << 19),
		.number = cpu_to_le64(epoch),
		.flags = cpu_to_le32(flags),
	};

	memset(mark.uuid, 0x40 + epoch, sizeof(mark.uuid));
	image_record(image, SHADOW_DISK_MARK, &mark, sizeof(mark));
}

void image_saved_sample(struct image *image)
{
	struct shadow_disk_generation generation = {
		.began_ns = cpu_to_le64(1600000000123456789ULL),
		.reason = cpu_to_le32(3),	/* unclean */
		.whole = cpu_to_le32(1),
	};
	struct shadow_disk_run run[] = {
		{ cpu_to_le64(0), cpu_to_le64(3) }, { cpu_to_le64(100), cpu_to_le64(1) },
	};
	struct shadow_disk_bits bits = {
		.first = cpu_to_le64(32768), .word = { cpu_to_le64(7), cpu_to_le64(1ULL << 63) },
	};

	image_new(image);
	image_epoch(image, 5, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 5);
	image_end(image, true);
	memset(generation.uuid, 0x33, sizeof(generation.uuid));
	image_saved(image, 10, 2);
	image_record(image, SHADOW_DISK_GENERATION, &generation, sizeof(generation));
	put_mark(image, 3, SHADOW_DISK_MARK_KEPT);
	image_record(image, SHADOW_DISK_WAS_FREE, run, sizeof(run));
	image_record(image, SHADOW_DISK_BITS, &bits, sizeof(bits));
	image_chunk(image, 13, 3);
	put_mark(image, 5, 0);
	image_record(image, SHADOW_DISK_OVERLAY, &bits, sizeof(bits));
	bits.first = 0;
	memset(bits.word, 0xff, 8);
	image_record(image, SHADOW_DISK_BITS, &bits, sizeof(bits));
	image_record(image, SHADOW_DISK_SAVED_END, NULL, 0);
	image_saved_end(image);
}

void image_seal(struct image *image)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		shadow_header_seal(image_header(image, i));
}

void image_sample(struct image *image)
{
	unsigned int i;

	image_new(image);
	for (i = 0; i < SHADOW_DISK_WATCHED; i++)
		image_entry(image, SHADOW_DISK_HEAD_IS, i, 0x1000 + i);
	image_entry(image, SHADOW_DISK_HEAD_ANY, 5, 0);
	image_epoch(image, 3, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 3);
	image_end(image, true);

	image_entry(image, SHADOW_DISK_AT, 0, 3);
	image_extent(image, 100, 4, 20);
	image_entry(image, SHADOW_DISK_LOST, 20ULL << 32 | 28, 3);	/* full, ENOSPC */
	image_epoch(image, 5, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 5);
	image_epoch(image, 6, 0);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 6);
	image_end(image, false);
	image_entry(image, SHADOW_DISK_AT, 0, 6);
	image_extent(image, 10, 5, 30);
	image_extent(image, 300, 1, 28);
	image_end(image, true);

	/* of an older one than the last: 10 and 11 count, and 12 to 14 of 6 */
	image_entry(image, SHADOW_DISK_AT, 0, 5);
	image_extent(image, 9, 3, 40);
	image_entry(image, SHADOW_DISK_FREE, 500, 100);
	image_entry(image, SHADOW_DISK_FREE, 550, 100);
	image_entry(image, SHADOW_DISK_FOLD, 0, 6);
	image_epoch(image, 7, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 7);
	image_entry(image, SHADOW_DISK_FLAGS, SHADOW_DISK_PERSISTENT | SHADOW_DISK_PINNED, 7);
	image_epoch(image, 8, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_NOTED, 3);
	image_entry(image, SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_BEGUN, 7);
	image_end(image, true);
	while (image->seq < IMAGE_SEGMENT) {
		image_entry(image, SHADOW_DISK_HEAD_WILL, 2, image->seq);
		image_end(image, true);
	}
	image_next(image, 10, IMAGE_SEGMENT);
	image_end(image, true);
	image_entry(image, SHADOW_DISK_NOTHING, 0, 0);
	image_end(image, true);
}
