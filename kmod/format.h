/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * format.h - what a durable store says of itself: its header, and the blocks of its log.
 *
 * Neither a device nor memory management appears here: these functions are also built in
 * user space, for tests and for programs that look at a store.
 */
#ifndef SHADOW_FORMAT_H
#define SHADOW_FORMAT_H

#include <linux/shadow_store.h>
#include "block.h"
#include "index.h"

/* More blocks a group does not have. */
#define SHADOW_GROUP_BLOCKS	64u

/* What is wrong with something that was read. */
enum shadow_format {
	SHADOW_FORMAT_GOOD,
	SHADOW_FORMAT_FOREIGN,	/* it is something else */
	SHADOW_FORMAT_DAMAGED,
	SHADOW_FORMAT_NEWER,	/* ... than what is known here */
};

/**
 * struct shadow_item - an entry of the log, as numbers
 * @type: enum shadow_disk_type
 * @epoch: the epoch that it is about
 * @extent: of EXTENT; of FREE with ->loc zero
 * @block: of HEAD_*
 * @crc: of HEAD_*
 * @flags: of FLAGS; of REVERT: enum shadow_disk_revert
 * @reason: of LOST
 * @error: of LOST, positive
 * @loc: of NEXT
 * @blocks: of NEXT
 * @shadow: of EPOCH; in the block
 */
struct shadow_item {
	unsigned int type;
	u64 epoch;
	struct shadow_extent extent;
	u64 block;
	u32 crc;
	u32 flags;
	u32 reason;
	u32 error;
	u64 loc;
	u32 blocks;
	const struct shadow_disk_epoch *shadow;
};

/**
 * struct shadow_log_place - where the reading of a log stands
 * @id: of the log
 * @seq: number of the next block
 * @group: number of the group that it is of, or, at its beginning, the least that it can have
 * @begun: blocks of that group that were read
 * @loc: where the next block lies
 * @left: blocks of the segment from there on
 * @next_loc: the segment after it
 * @next_blocks: its length; 0: not known yet
 * @fresh: @loc is the first block of a segment that the last block has named
 */
struct shadow_log_place {
	u64 id;
	u64 seq;
	u64 group;
	unsigned int begun;
	u64 loc;
	u32 left;
	u64 next_loc;
	u32 next_blocks;
	bool fresh;
};

/* Fill in magic, version and checksum. */
void shadow_header_seal(struct shadow_disk_header *h);

/* Is it a header, and can it be right?  Features are the caller's to look at. */
enum shadow_format shadow_header_check(const struct shadow_disk_header *h);

/* Where reading begins: of the dump, if there is one, and of the log. */
void shadow_dump_begin(struct shadow_log_place *at, const struct shadow_disk_header *h);
void shadow_log_begin(struct shadow_log_place *at, const struct shadow_disk_header *h);

/*
 * The first group of those who go on with a log, where @next would follow.  With each of them
 * the header's ->seq grows, so that what is left of a group that was never whole is older
 * than all that comes after it, wherever it lies.
 */
u64 shadow_log_next_life(const struct shadow_disk_header *h, u64 next);

/* Fill in the magic and the checksum of a block of the log. */
void shadow_log_seal(struct shadow_disk_log *b);

/* Is it a block of the log @id, whole, with plausible numbers? */
bool shadow_log_valid(const struct shadow_disk_log *b, u64 id);

/**
 * shadow_log_read() - take the block that was read at a place
 * @at: where it was read; out: where the next one is to be read
 * @b: the block
 * @part_blocks: blocks of the part, to tell what cannot be
 * @last: out: the group is complete with it
 *
 * Return: SHADOW_FORMAT_GOOD; FOREIGN: the log ends before it; DAMAGED: it is of the log,
 * and cannot be right.
 */
enum shadow_format shadow_log_read(struct shadow_log_place *at, const struct shadow_disk_log *b,
				   u64 part_blocks, bool *last);

/**
 * shadow_log_item() - the next entry of a block that was taken
 * @b: the block
 * @i: in and out: which one; 0 to begin with
 * @epoch: in and out: that of the last AT; 0 to begin with
 * @part_blocks: blocks of the part
 * @item: out: the entry; AT and NOTHING are passed over
 * @verdict: out: if there is none: GOOD at the end, else what is wrong
 *
 * Return: true: there is one.
 */
bool shadow_log_item(const struct shadow_disk_log *b, unsigned int *i, u64 *epoch,
		     u64 part_blocks, struct shadow_item *item, enum shadow_format *verdict);

/* Fill in the magic and the checksum of a chunk of @blocks. */
void shadow_saved_seal(struct shadow_disk_saved *chunk, u32 blocks);

/* Is it the chunk @seq of @id, whole, with plausible numbers? */
bool shadow_saved_valid(const struct shadow_disk_saved *chunk, u32 blocks, u64 id, u64 seq,
			u64 part_blocks);

/*
 * Can a record have so many bytes?  Types that are not known here cannot be.
 */
bool shadow_record_valid(u32 type, u32 bytes);

#endif /* SHADOW_FORMAT_H */
