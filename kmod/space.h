/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * space.h - which blocks of a part of a store are in use, and finding free ones.
 */
#ifndef SHADOW_SPACE_H
#define SHADOW_SPACE_H

#include <linux/types.h>
#include <linux/gfp.h>
#include "blockmap.h"

/**
 * struct shadow_space - the blocks 0 to @nr_blocks - 1
 * @used: a bit per block in use
 * @nr_blocks: how many blocks there are
 * @limit: only blocks before this one are given out; @nr_blocks but while the
 *	others are being cleared out
 * @nr_used: blocks in use before @limit
 * @nr_above: blocks in use from @limit on
 * @cursor: where to look for free blocks next
 * @longest: for each group of blocks a bound of its longest free run
 *
 * The caller excludes all others; nothing here sleeps unless allowed to by a gfp.
 */
struct shadow_space {
	struct shadow_blockmap used;
	u64 nr_blocks;
	u64 limit;
	u64 nr_used;
	u64 nr_above;
	u64 cursor;
	u16 *longest;
};

/* An empty space, to be given blocks by shadow_space_resize(). */
void shadow_space_init(struct shadow_space *space);
void shadow_space_destroy(struct shadow_space *space);

/* What shadow_space_resize() to @nr_blocks needs; kvfree() if not used.  May sleep. */
u16 *shadow_space_groups(u64 nr_blocks);

/**
 * shadow_space_resize() - more blocks, or fewer
 * @space: the space
 * @nr_blocks: how many; what is cut off is forgotten, in use or not
 * @groups: from shadow_space_groups() for @nr_blocks
 *
 * All blocks are given out afterwards.  Does not sleep.
 *
 * Return: what was in the place of @groups, for kvfree().
 */
u16 *shadow_space_resize(struct shadow_space *space, u64 nr_blocks, u16 *groups);

/**
 * shadow_space_alloc() - take a run of free blocks
 * @space: the space
 * @want: how many, 1 to a group's
 * @first: out: the first one
 * @got: out: how many, 1 to @want
 * @gfp: how to allocate
 *
 * Prefers a run of @want after the last one that was taken; then any of @want, then
 * a shorter one.
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int shadow_space_alloc(struct shadow_space *space, u64 want, u64 *first, unsigned int *got,
		       gfp_t gfp);

/*
 * Take blocks that are known to be in use.  Return: 0; -EEXIST when one of them is, or is
 * not there; -ENOMEM.
 */
int shadow_space_take(struct shadow_space *space, u64 first, u64 n, gfp_t gfp);

/* Is none of these blocks in use?  They are there. */
bool shadow_space_is_free(const struct shadow_space *space, u64 first, u64 n);

/* Blocks that are in use are free again. */
void shadow_space_free(struct shadow_space *space, u64 first, u64 n);

/* The next run is to be looked for at @first on. */
void shadow_space_continue(struct shadow_space *space, u64 first);

/* From now on only blocks before @limit are given out. */
void shadow_space_limit(struct shadow_space *space, u64 limit);

/* Blocks that can be given out. */
static inline u64 shadow_space_room(const struct shadow_space *space)
{
	return space->limit - space->nr_used;
}

/* Blocks in use. */
static inline u64 shadow_space_used(const struct shadow_space *space)
{
	return space->nr_used + space->nr_above;
}

/* Memory used, bytes. */
size_t shadow_space_bytes(const struct shadow_space *space);

#endif /* SHADOW_SPACE_H */
