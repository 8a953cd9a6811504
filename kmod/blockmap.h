/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blockmap.h - one bit for each block of a volume, in memory only where some bits
 * are set and some are not.
 */
#ifndef SHADOW_BLOCKMAP_H
#define SHADOW_BLOCKMAP_H

#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/xarray.h>

#define SHADOW_MAP_BITS		(PAGE_SIZE * 8)	/* blocks of a page of bits */

/**
 * struct shadow_blockmap - a sparse bitmap
 * @pages: by block / SHADOW_MAP_BITS: a page of bits, or a value where all are set;
 *	nothing where all are clear
 * @nr_pages: how many pages there are
 * @nr_full: how many values
 *
 * Tests may run at any time, under rcu_read_lock() or where the map cannot go
 * away.  Reserving, setting, filling, clearing and moving need the caller's exclusion of
 * each other (in the module: the epochs' mutate mutex); noting does not.
 */
struct shadow_blockmap {
	struct xarray pages;
	unsigned long nr_pages;
	unsigned long nr_full;
};

void shadow_blockmap_init(struct shadow_blockmap *map);

/* Frees all pages.  Nobody may look at @map any more. */
void shadow_blockmap_destroy(struct shadow_blockmap *map);

/**
 * shadow_blockmap_reserve() - make sure that bits can be set
 * @map: the map
 * @first: first block
 * @n: how many
 * @gfp: how to allocate; decides whether it may sleep
 *
 * Return: 0 or -ENOMEM.
 */
int shadow_blockmap_reserve(struct shadow_blockmap *map, u64 first, u64 n, gfp_t gfp);

/**
 * shadow_blockmap_set() - set bits in reserved pages
 *
 * Everything the caller stored before is visible to whoever sees a bit set
 * here by shadow_blockmap_test() or shadow_blockmap_run().
 */
void shadow_blockmap_set(struct shadow_blockmap *map, u64 first, u64 n);

/* For maps that shadow_blockmap_fill() is not used on. */
void shadow_blockmap_clear(struct shadow_blockmap *map, u64 first, u64 n);

/**
 * shadow_blockmap_fill() - set bits for good, in no more memory than they need
 * @map: the map
 * @first: first block
 * @n: how many
 * @gfp: how to allocate; decides whether it may sleep
 *
 * Reserves and sets; a page that has all its bits in the run, and was not there, is
 * no page but a value of the XArray, of which no bit can be cleared again.
 *
 * Return: 0; -ENOMEM when only a first part of the run was set, or nothing.
 */
int shadow_blockmap_fill(struct shadow_blockmap *map, u64 first, u64 n, gfp_t gfp);

/*
 * For maps of which bits go at any time, and come one run at a time: set those in
 * reserved pages, clear, count.  Each bit is changed atomically.  The first two
 * return how many have changed.
 */
u64 shadow_blockmap_mark(struct shadow_blockmap *map, u64 first, u64 n);
u64 shadow_blockmap_unmark(struct shadow_blockmap *map, u64 first, u64 n);
u64 shadow_blockmap_weight(const struct shadow_blockmap *map, u64 first, u64 n);

/**
 * shadow_blockmap_note() - set bits at any time, beside others that do
 * @map: a map without values
 * @first: first block
 * @n: how many
 *
 * Return: false: some are not set, since their page is not reserved yet.
 */
bool shadow_blockmap_note(struct shadow_blockmap *map, u64 first, u64 n);

/**
 * shadow_blockmap_gather() - a page of bits, in addition to others
 * @map: the map
 * @index: block / SHADOW_MAP_BITS
 * @bits: a page of bits, to which those that are set in @map are added
 *
 * Return: whether any may have been.
 */
bool shadow_blockmap_gather(const struct shadow_blockmap *map, unsigned long index,
			    unsigned long *bits);

/**
 * shadow_blockmap_move() - set the bits of one map in another one instead, one step of it
 * @from: a map without values in which nobody sets bits
 * @to: likewise, but for bits that shadow_blockmap_note() sets
 * @gfp: how to allocate; decides whether it may sleep
 *
 * Moves a page.  Return: 1; 0: there is none left; or -ENOMEM, and nothing was moved.
 */
int shadow_blockmap_move(struct shadow_blockmap *from, struct shadow_blockmap *to, gfp_t gfp);

/* Are all @n bits from @first set?  No lock, no allocation. */
bool shadow_blockmap_test(const struct shadow_blockmap *map, u64 first, u64 n);

/**
 * shadow_blockmap_run() - length of the run of equal bits that begins at @first
 * @map: the map
 * @first: where to begin
 * @n: how far to look at most; at least 1
 * @set: out: whether the bits of the run are set
 *
 * Return: 1 to @n.
 */
u64 shadow_blockmap_run(const struct shadow_blockmap *map, u64 first, u64 n, bool *set);

/**
 * shadow_blockmap_next() - the first block from *@block on that may have its bit set
 * @map: the map
 * @block: in and out: a block
 *
 * Return: false when all bits from there on are clear.
 */
bool shadow_blockmap_next(const struct shadow_blockmap *map, u64 *block);

/* Memory used, bytes. */
size_t shadow_blockmap_bytes(const struct shadow_blockmap *map);

#endif /* SHADOW_BLOCKMAP_H */
