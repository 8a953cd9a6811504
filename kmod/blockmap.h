/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blockmap.h - one bit for each block of a volume, in memory only where a bit
 * was set.
 */
#ifndef SHADOW_BLOCKMAP_H
#define SHADOW_BLOCKMAP_H

#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/xarray.h>

/**
 * struct shadow_blockmap - a sparse bitmap
 * @pages: bitmap pages by block / SHADOW_MAP_BITS; an absent page is all zero
 * @nr_pages: how many there are
 *
 * Tests may run at any time, under rcu_read_lock() or where the map cannot go
 * away.  Reserving, setting and clearing need the caller's exclusion of each
 * other (in the module: the epochs' mutate mutex).
 */
struct shadow_blockmap {
	struct xarray pages;
	unsigned long nr_pages;
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

void shadow_blockmap_clear(struct shadow_blockmap *map, u64 first, u64 n);

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

/* Memory used, bytes. */
size_t shadow_blockmap_bytes(const struct shadow_blockmap *map);

#endif /* SHADOW_BLOCKMAP_H */
