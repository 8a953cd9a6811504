// SPDX-License-Identifier: GPL-2.0-only
/*
 * space.c - which blocks of a part of a store are in use, and finding free ones.
 *
 * A bit per block says what is in use.  Blocks are looked at in groups of 32768,
 * 128 MiB, and each group has a bound of its longest free run: set to what was found
 * when the group was searched in vain, lifted when a block of it becomes free.  So a
 * full group costs one comparison however often space is wanted, and one that is
 * in pieces is searched once for each length.
 *
 * A run is looked for from the place where the last one ended: what is preserved one
 * after another lies one after another.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "space.h"

#define GROUP_BLOCKS	32768u
#define ENOUGH		32u	/* blocks: a shorter run is only taken where there is no other */

static u64 groups_of(u64 nr_blocks)
{
	return (nr_blocks + GROUP_BLOCKS - 1) / GROUP_BLOCKS;
}

void shadow_space_init(struct shadow_space *space)
{
	*space = (struct shadow_space){ 0 };
	shadow_blockmap_init(&space->used);
}

void shadow_space_destroy(struct shadow_space *space)
{
	shadow_blockmap_destroy(&space->used);
	kvfree(space->longest);
}

u16 *shadow_space_groups(u64 nr_blocks)
{
	u64 nr = groups_of(nr_blocks), i;
	u16 *groups = kvmalloc_array(nr, sizeof(*groups), GFP_KERNEL);

	for (i = 0; groups && i < nr; i++)
		groups[i] = GROUP_BLOCKS;
	return groups;
}

u16 *shadow_space_resize(struct shadow_space *space, u64 nr_blocks, u16 *groups)
{
	u16 *old = space->longest;
	u64 at, run;
	bool used;

	for (at = nr_blocks; at < space->nr_blocks; at += run) {
		run = shadow_blockmap_run(&space->used, at, space->nr_blocks - at, &used);
		if (used)
			shadow_space_free(space, at, run);
	}
	space->longest = groups;
	space->nr_blocks = nr_blocks;
	space->limit = nr_blocks;
	space->nr_used += space->nr_above;
	space->nr_above = 0;
	if (space->cursor >= nr_blocks)
		space->cursor = 0;
	return old;
}

/*
 * Find a run of at least @need free blocks in [@from, @end) of one group; 0 if there is
 * none, and *@longest is the longest one.  No more than @want are looked at.
 */
static u64 search(const struct shadow_space *space, u64 from, u64 end, u64 need, u64 want,
		  u64 *first, u64 *longest)
{
	*longest = 0;
	while (from < end) {
		bool used;
		u64 run = shadow_blockmap_run(&space->used, from, end - from, &used);

		if (!used && run >= need) {
			*first = from;
			return min(run, want);
		}
		if (!used)
			*longest = max(*longest, run);
		from += run;
	}
	return 0;
}

/* Find at least @need blocks, from the cursor on and around. */
static u64 find(struct shadow_space *space, u64 need, u64 want, u64 *first)
{
	u64 nr = groups_of(space->limit), start = space->cursor / GROUP_BLOCKS, i;

	for (i = 0; i <= nr; i++) {
		u64 group = start + i < nr ? start + i : start + i - nr;
		u64 from = i ? group * GROUP_BLOCKS : space->cursor;
		u64 end = min((group + 1) * GROUP_BLOCKS, space->limit);
		u64 longest, got;

		if (space->longest[group] < need)
			continue;
		got = search(space, from, end, need, want, first, &longest);
		if (got)
			return got;
		if (from == group * GROUP_BLOCKS)
			space->longest[group] = longest;
	}
	return 0;
}

int shadow_space_alloc(struct shadow_space *space, u64 want, u64 *first, unsigned int *got,
		       gfp_t gfp)
{
	u64 n;

	if (space->nr_used >= space->limit)
		return -ENOSPC;
	if (space->cursor >= space->limit)
		space->cursor = 0;
	n = find(space, want, want, first);
	if (!n && want > ENOUGH)
		n = find(space, ENOUGH, want, first);
	if (!n)
		n = find(space, 1, want, first);
	if (!n)
		return -ENOSPC;
	if (shadow_blockmap_reserve(&space->used, *first, n, gfp))
		return -ENOMEM;
	shadow_blockmap_set(&space->used, *first, n);
	space->nr_used += n;
	space->cursor = *first + n;
	*got = n;
	return 0;
}

bool shadow_space_is_free(const struct shadow_space *space, u64 first, u64 n)
{
	bool used;

	return shadow_blockmap_run(&space->used, first, n, &used) == n && !used;
}

int shadow_space_take(struct shadow_space *space, u64 first, u64 n, gfp_t gfp)
{
	if (first >= space->limit || n > space->limit - first ||
	    !shadow_space_is_free(space, first, n))
		return -EEXIST;
	if (shadow_blockmap_reserve(&space->used, first, n, gfp))
		return -ENOMEM;
	shadow_blockmap_set(&space->used, first, n);
	space->nr_used += n;
	return 0;
}

void shadow_space_free(struct shadow_space *space, u64 first, u64 n)
{
	u64 below = first < space->limit ? min(n, space->limit - first) : 0;
	u64 group;

	shadow_blockmap_clear(&space->used, first, n);
	space->nr_used -= below;
	space->nr_above -= n - below;
	for (group = first / GROUP_BLOCKS; group <= (first + n - 1) / GROUP_BLOCKS; group++)
		space->longest[group] = GROUP_BLOCKS;
}

void shadow_space_continue(struct shadow_space *space, u64 first)
{
	space->cursor = first;
}

void shadow_space_limit(struct shadow_space *space, u64 limit)
{
	u64 all = space->nr_used + space->nr_above, above = 0, at, run;
	bool used;

	for (at = limit; at < space->nr_blocks; at += run) {
		run = shadow_blockmap_run(&space->used, at, space->nr_blocks - at, &used);
		if (used)
			above += run;
	}
	/* A group in which the limit was has been searched up to there only. */
	if (space->limit < limit)
		space->longest[space->limit / GROUP_BLOCKS] = GROUP_BLOCKS;
	space->limit = limit;
	space->nr_above = above;
	space->nr_used = all - above;
}

size_t shadow_space_bytes(const struct shadow_space *space)
{
	return shadow_blockmap_bytes(&space->used) +
	       groups_of(space->nr_blocks) * sizeof(*space->longest);
}
