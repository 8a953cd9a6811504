// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.c - how many neighbours are preserved with a block.
 *
 * Where a small part of a volume is overwritten block by block, in any order, one
 * read of 256 KiB saves sixty of 4 KiB.  Where single blocks are overwritten all
 * over a volume, it moves sixty times the data for nothing.  At first both look
 * the same, so two things decide:
 *
 *	where	In the aligned 4 MiB around, 32 writes of this size have gone before,
 *		or a quarter of it was written.  Then all of the aligned 256 KiB that
 *		is not settled is preserved at once; runs of up to 8 settled blocks in
 *		between are read, too, and left out.
 *	how much  No more than a sixteenth of the store, or 16 MiB, and half of what was
 *		written goes to blocks that nobody has written yet, and no more than a
 *		quarter of what is free in the store.  A guess that was right gives its
 *		room back as soon as the blocks are written.
 *
 * Documentation/window.rst has what this does to the usual patterns.
 */
#include <linux/kernel.h>
#include "window.h"

#define NEIGHBOURHOOD	4u	/* regions */
#define ENOUGH_WRITES	32u
#define ENOUGH_BLOCKS	(NEIGHBOURHOOD * SHADOW_REGION_BLOCKS / 4)
#define GAP		8u
#define AHEAD_FLOOR	((u64)16 * SHADOW_REGION_BLOCKS)	/* 16 MiB */

u64 shadow_window_limit(const struct shadow_epochs *es, u64 total, u64 used)
{
	struct shadow_settled *st = rcu_dereference_protected(es->settled,
							      lockdep_is_held(&es->mutate));
	u64 recorded, ahead, most;

	if (!st || used >= total)
		return 0;
	recorded = st->target->index.blocks;
	ahead = atomic_long_read(&st->nr_ahead);
	most = max(total / 16, AHEAD_FLOOR) + (recorded - min(ahead, recorded)) / 2;
	return min(most, (total - used) / 4);
}

/* How much of the neighbourhood was recorded and written in this epoch. */
static u64 written_around(struct shadow_epochs *es, const struct shadow_settled *st, u64 block)
{
	u64 region = round_down(block >> SHADOW_REGION_BITS, NEIGHBOURHOOD);
	const struct shadow_epoch *target;
	u64 written = 0, ahead;
	unsigned int i;

	read_lock(&es->lock);
	target = READ_ONCE(st->target);
	for (i = 0; i < NEIGHBOURHOOD; i++)
		written += shadow_index_weight(&target->index, region + i);
	read_unlock(&es->lock);
	ahead = shadow_blockmap_weight(&st->ahead, region << SHADOW_REGION_BITS,
				       NEIGHBOURHOOD * SHADOW_REGION_BLOCKS);
	return written - min(ahead, written);
}

/* Extend @need over what is not settled. */
static struct shadow_range extend(const struct shadow_settled *st, struct shadow_range need,
				  struct shadow_range room)
{
	struct shadow_range window = need;
	u64 at;

	for (at = need.first; at > room.first && window.first - at <= GAP; at--)
		if (!shadow_blockmap_test(&st->map, at - 1, 1))
			window.first = at - 1;
	for (at = need.end; at < room.end && at - window.end <= GAP; at++)
		if (!shadow_blockmap_test(&st->map, at, 1))
			window.end = at + 1;
	return window;
}

struct shadow_range shadow_window(struct shadow_epochs *es, u64 limit, struct shadow_range need,
				  struct shadow_range room)
{
	u64 n = need.end - need.first, ahead;
	struct shadow_range window = need;
	struct shadow_settled *st;

	if (n >= SHADOW_WINDOW_BLOCKS)
		return need;
	rcu_read_lock();
	st = rcu_dereference(es->settled);
	ahead = st ? atomic_long_read(&st->nr_ahead) : limit;
	if (ahead < limit &&
	    written_around(es, st, need.first) >= min(n * ENOUGH_WRITES, (u64)ENOUGH_BLOCKS)) {
		room.first = max(room.first, round_down(need.first, SHADOW_WINDOW_BLOCKS));
		room.end = min(room.end, round_up(need.end, SHADOW_WINDOW_BLOCKS));
		window = extend(st, need, room);
	}
	rcu_read_unlock();
	return ahead + (window.end - window.first) - n <= limit ? window : need;
}
