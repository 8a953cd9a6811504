/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * index.h - the records of one epoch: which blocks were preserved in it, and
 * where in the store they are.
 */
#ifndef SHADOW_INDEX_H
#define SHADOW_INDEX_H

#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/xarray.h>

#define SHADOW_REGION_BITS	8
#define SHADOW_REGION_BLOCKS	(1u << SHADOW_REGION_BITS)	/* 1 MiB of volume */
#define SHADOW_LOC_MAX		((1ULL << 48) - 1)

struct shadow_leaf;

/**
 * struct shadow_index - block to store location, as extents
 * @leaves: struct shadow_leaf by block / SHADOW_REGION_BLOCKS
 * @blocks: blocks recorded
 * @bytes: memory of the leaves
 */
struct shadow_index {
	struct xarray leaves;
	u64 blocks;
	size_t bytes;
};

/**
 * struct shadow_extent - a run of blocks and where it is stored
 * @block: first block of the volume
 * @loc: first block of the store, at most SHADOW_LOC_MAX
 * @len: blocks
 */
struct shadow_extent {
	u64 block;
	u64 loc;
	u64 len;
};

/* The caches that leaves come from.  Module init, before any index, and exit. */
int shadow_leaf_caches_create(void);
void shadow_leaf_caches_destroy(void);

void shadow_index_init(struct shadow_index *ix);

/* Frees the leaves; what the records point to is the caller's. */
void shadow_index_destroy(struct shadow_index *ix);

/**
 * shadow_index_find() - what is known about @block
 * @ix: the index
 * @block: the block
 * @max: how far to look; at least 1
 * @loc: out: where @block is stored, if it is
 * @len: out: length of the answer: this many blocks from @block on are stored
 *	one after another, or are not in the index; 1 to @max
 *
 * Context: the caller excludes changes.  Does not sleep.
 * Return: true if @block is in the index.
 */
bool shadow_index_find(const struct shadow_index *ix, u64 block, u64 max, u64 *loc, u64 *len);

/**
 * shadow_index_has() - as shadow_index_find(), where the place does not matter
 *
 * Answers do not end at regions where nothing is recorded.
 */
bool shadow_index_has(const struct shadow_index *ix, u64 block, u64 max, u64 *len);

/*
 * Changing the index is done in two halves, so that no allocation happens
 * under the lock that excludes readers:
 *
 *	leaf = shadow_index_prepare(ix, region, gfp);		no lock
 *	lock; spare = shadow_index_commit(ix, region, leaf); unlock
 *	shadow_leaf_free(spare);
 *
 * Between the halves nobody else may change the index.
 */

/* What a change can need of a leaf: words for extents. */
#define SHADOW_ADD_WORDS	1	/* shadow_index_add() */
#define SHADOW_PUT_WORDS	2	/* shadow_index_put(): it may cut an extent in two */

/* A leaf with room for @words more, holding what @region holds now; NULL: no memory. */
struct shadow_leaf *shadow_index_prepare(struct shadow_index *ix, u64 region,
					 unsigned int words, gfp_t gfp);

/* Has @region room for @words more, so that no new leaf is needed? */
bool shadow_index_room(const struct shadow_index *ix, u64 region, unsigned int words);

/* Make an empty slot for @region, so that a commit to it needs no memory. */
int shadow_index_reserve(struct shadow_index *ix, u64 region, gfp_t gfp);

/* Put @leaf (NULL: nothing) in the place of what @region had, and hand that out. */
struct shadow_leaf *shadow_index_commit(struct shadow_index *ix, u64 region,
					struct shadow_leaf *leaf);

/**
 * shadow_index_add() - record an extent
 * @ix: the index, with room in the region
 * @extent: within one region, no block of it in the index yet
 *
 * Context: the caller excludes readers.  Does not sleep, cannot fail.
 */
void shadow_index_add(struct shadow_index *ix, const struct shadow_extent *extent);

/**
 * shadow_index_put() - record an extent in the place of what there is
 * @ix: the index, with room for SHADOW_PUT_WORDS in the region
 * @extent: within one region
 * @drop: called for each run of locations that its blocks had before
 * @arg: for @drop
 *
 * Context: the caller excludes readers.  Does not sleep, cannot fail.
 */
void shadow_index_put(struct shadow_index *ix, const struct shadow_extent *extent,
		      void (*drop)(void *arg, u64 loc, u64 len), void *arg);

/**
 * shadow_index_next() - the first extent at or after *@block, in block order
 * @ix: the index
 * @block: in: where to begin; out: the block after the extent
 * @extent: out: the extent, or its part from *@block on
 *
 * Return: false when there is none.
 */
bool shadow_index_next(const struct shadow_index *ix, u64 *block, struct shadow_extent *extent);

/**
 * shadow_index_next_in() - the first extent at or after *@block that lies in a part of the store
 * @ix: the index
 * @block: in: where to begin; out: where to go on
 * @first: first location of that part
 * @end: the location after it
 * @extent: out: the extent, or as much of it as lies there, from *@block on
 * @budget: in and out: how many extents may be looked at; overdrawn by one region's
 *
 * Context: the caller excludes changes.  Does not sleep.
 * Return: 1; 0 when there is none; -EAGAIN when there was none for all of @budget.
 */
int shadow_index_next_in(const struct shadow_index *ix, u64 *block, u64 first, u64 end,
			 struct shadow_extent *extent, unsigned int *budget);

/* How many blocks of @region are recorded.  Context: the caller excludes changes. */
unsigned int shadow_index_weight(const struct shadow_index *ix, u64 region);

/* The first region at or after *@region that has a leaf; false: none. */
bool shadow_index_next_region(const struct shadow_index *ix, u64 *region);

/**
 * shadow_leaf_merge() - what an older epoch's region looks like after a newer one is folded in
 * @older: the older epoch's index
 * @newer: the newer epoch's index
 * @region: the region; @newer has a leaf there
 * @gfp: how to allocate
 * @drop: called for each extent of @newer that @older has already
 * @arg: for @drop
 *
 * Neither index is changed.  The older epoch's own records win: they hold
 * older data.
 *
 * Return: the new leaf for @older, or NULL without memory (then @drop was not
 * called).
 */
struct shadow_leaf *shadow_leaf_merge(const struct shadow_index *older,
				      const struct shadow_index *newer, u64 region, gfp_t gfp,
				      void (*drop)(void *arg, u64 loc, u64 len), void *arg);

void shadow_leaf_free(struct shadow_leaf *leaf);

#endif /* SHADOW_INDEX_H */
