/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * block.h - blocks: the unit of preservation, and ranges of them.
 *
 * No block-layer type appears here: the files that include only this header
 * (blockmap, index, epochs) are also built and tested in user space.
 */
#ifndef SHADOW_BLOCK_H
#define SHADOW_BLOCK_H

#include <linux/types.h>
#include <linux/minmax.h>

#define SHADOW_BLOCK_BITS	12
#define SHADOW_BLOCK_SIZE	(1u << SHADOW_BLOCK_BITS)
#define SHADOW_BLOCK_SECTORS	(SHADOW_BLOCK_SIZE >> 9)

/**
 * struct shadow_range - blocks @first to @end - 1 of a volume
 * @first: first block
 * @end: the block after the last one; equal to @first for an empty range
 */
struct shadow_range {
	u64 first;
	u64 end;
};

/**
 * shadow_range_of() - the blocks of a volume that a run of sectors touches
 * @sector: first sector, on the disk
 * @nr: how many sectors
 * @start: the volume's first sector on the disk
 * @size: the volume's sectors
 *
 * What lies outside the volume is cut off.
 */
static inline struct shadow_range shadow_range_of(u64 sector, u64 nr, u64 start, u64 size)
{
	u64 from = max(sector, start);
	u64 to = min(sector + nr, start + size);
	struct shadow_range r = { 0, 0 };

	if (from >= to)
		return r;
	r.first = (from - start) / SHADOW_BLOCK_SECTORS;
	r.end = (to - start + SHADOW_BLOCK_SECTORS - 1) / SHADOW_BLOCK_SECTORS;
	return r;
}

/* Blocks of a volume of @sectors; the last one may be a part only. */
static inline u64 shadow_blocks_of(u64 sectors)
{
	return (sectors + SHADOW_BLOCK_SECTORS - 1) / SHADOW_BLOCK_SECTORS;
}

#endif /* SHADOW_BLOCK_H */
