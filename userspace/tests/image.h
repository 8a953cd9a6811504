/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - makes durable stores in memory, good and bad ones.  Needs the shim.
 */
#ifndef SHADOWCOPY_IMAGE_H
#define SHADOWCOPY_IMAGE_H

#include "../../kmod/format.h"

#define IMAGE_BLOCKS	64u	/* of a store */
#define IMAGE_SEGMENT	8u	/* of its log, which begins at block 0 */
#define IMAGE_BYTES	(SHADOW_DISK_HEAD + IMAGE_BLOCKS * SHADOW_DISK_BLOCK)

/**
 * struct image - a store, and the log or the dump that is being written
 * @bytes: the store, IMAGE_BYTES
 * @id: of the blocks
 * @log: the block that is being filled
 * @loc: where it is
 * @seq: its number
 * @group: that of its group
 * @chunk: of what is saved of changes, the chunk that is being filled
 * @chunk_blocks: blocks of it
 * @used: bytes of it
 */
struct image {
	u8 *bytes;
	u64 id;
	struct shadow_disk_log *log;
	u64 loc;
	u64 seq;
	u64 group;
	struct shadow_disk_saved *chunk;
	u32 chunk_blocks;
	u32 used;
};

/* Two headers, and an empty log. */
void image_new(struct image *image);
void image_free(struct image *image);

struct shadow_disk_header *image_header(struct image *image, unsigned int i);
struct shadow_disk_log *image_block(struct image *image, u64 loc);

/* An entry for the block that is being filled. */
void image_entry(struct image *image, enum shadow_disk_type type, u64 rest, u64 value);

/* A shadow, whose UUID has its number. */
void image_epoch(struct image *image, u64 epoch, u32 flags);

void image_extent(struct image *image, u64 block, u64 len, u64 loc);

/* The block is full; @last: and so is the group. */
void image_end(struct image *image, bool last);

/* The log goes on in another segment. */
void image_next(struct image *image, u64 loc, u32 blocks);

/* As image_next(), but in a block that is not the last one. */
void image_next_early(struct image *image, u64 loc, u32 blocks);

/*
 * Instead of the log, which has no block yet, write a dump, in a segment of IMAGE_SEGMENT blocks
 * at @loc; and go back to the log.
 */
void image_dump(struct image *image, u64 loc);
void image_dump_end(struct image *image);

/*
 * Save what is known of changes: in a chunk at @loc; in records, each as a whole; then in another
 * chunk.  The end seals all, and notes where the log ends.
 */
void image_saved(struct image *image, u64 loc, u32 blocks);
void image_record(struct image *image, u32 type, const void *data, u32 bytes);
void image_chunk(struct image *image, u64 loc, u32 blocks);
void image_saved_end(struct image *image);

/* A store in which something is saved: a base and a shadow, in two chunks. */
void image_saved_sample(struct image *image);

/* Both copies of the header have changed. */
void image_seal(struct image *image);

/* A store with all that one can have: shadows, deleted and lost ones, two segments. */
void image_sample(struct image *image);

#endif /* SHADOWCOPY_IMAGE_H */
