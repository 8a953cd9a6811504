// SPDX-License-Identifier: GPL-2.0-only
/*
 * epochs.c - the epochs of a volume, and what each shadow reads.
 *
 * Taking a shadow ends an epoch.  A block is preserved at most once per epoch,
 * under the newest one, however many shadows there are; older shadows read
 * through newer epochs.
 *
 * What was free when an epoch began is told later, or never, and read as zeros from
 * then on in the shadow of that epoch, in no other.  A block is settled without a
 * record when no shadow needs it.  From the newest epoch to the oldest (is_needed()):
 *
 *  - it is recorded in this one: it serves this shadow and all older ones.  Done.
 *  - it is free in this one, or the shadow of this one is gone: on to the next older.
 *  - neither: this shadow reads the origin, so the block has to be preserved.
 *
 * That may change in two ways: more is told to be free, or a shadow goes.
 *
 * Blocks that the volume's own store has are free in each epoch that begins while it has
 * them, and settled from the first moment on: they have been settled in the epoch before,
 * so no older shadow needs them from the origin either, and that stays so.
 *
 * Deletion of the shadow of epoch e ("folding"), with o the next older epoch
 * that still has a usable shadow:
 *
 *  - no o: nobody needs the records of e.  If e is the target, preserving ends
 *    first (the settled map goes), then the records are freed.
 *  - e is not the target: region by region, records of e that o lacks move to
 *    o, the others are freed.  Each region moves under the lock for writing, so
 *    a reader at o finds a record in o or in e, never in neither.
 *  - e is the target: first all blocks that o has recorded become settled: with
 *    the shadow of e gone nobody needs them any more.  Only then o becomes the
 *    target: what is unsettled now is in neither.  Then the records of e move as
 *    above.
 *  - at last what the shadow of e alone needed is settled: that is free in the target.
 *
 * A new shadow may be taken between two steps.  Then e is no longer the target
 * and the settled map is another one, which the first phase must not touch;
 * each step looks anew.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "block.h"
#include "epochs.h"

#define STEP_LOOKUPS	512		/* until others may have the mutex */
#define CURSOR_FREE	(1ULL << 63)	/* of a fold: all but settle_free() is done */

static struct shadow_settled *settled_of(const struct shadow_epochs *es)
{
	return rcu_dereference_protected(es->settled, lockdep_is_held(&es->mutate));
}

void shadow_epochs_init(struct shadow_epochs *es,
			void (*free)(void *arg, u64 loc, u64 len), void *free_arg)
{
	mutex_init(&es->mutate);
	rwlock_init(&es->lock);
	INIT_LIST_HEAD(&es->list);
	RCU_INIT_POINTER(es->settled, NULL);
	es->generation = 0;
	es->free = free;
	es->free_arg = free_arg;
}

void shadow_epochs_destroy(struct shadow_epochs *es)
{
	struct shadow_epoch *ep, *next;

	list_for_each_entry_safe(ep, next, &es->list, node) {
		list_del(&ep->node);
		shadow_epoch_free(ep);
	}
	shadow_settled_free(rcu_dereference_protected(es->settled, true));
	RCU_INIT_POINTER(es->settled, NULL);
}

struct shadow_epoch *shadow_epoch_alloc(gfp_t gfp)
{
	struct shadow_epoch *ep = kzalloc(sizeof(*ep), gfp);

	if (ep) {
		INIT_LIST_HEAD(&ep->node);
		shadow_index_init(&ep->index);
		shadow_index_init(&ep->overlay);
		shadow_blockmap_init(&ep->free);
	}
	return ep;
}

void shadow_epoch_free(struct shadow_epoch *ep)
{
	if (!ep)
		return;
	shadow_index_destroy(&ep->index);
	shadow_index_destroy(&ep->overlay);
	shadow_blockmap_destroy(&ep->free);
	kfree(ep);
}

struct shadow_settled *shadow_settled_alloc(gfp_t gfp)
{
	struct shadow_settled *st = kzalloc(sizeof(*st), gfp);

	if (st) {
		shadow_blockmap_init(&st->map);
		shadow_blockmap_init(&st->ahead);
	}
	return st;
}

void shadow_settled_free(struct shadow_settled *st)
{
	if (!st)
		return;
	shadow_blockmap_destroy(&st->map);
	shadow_blockmap_destroy(&st->ahead);
	kfree(st);
}

struct shadow_settled *shadow_epochs_flip(struct shadow_epochs *es, struct shadow_epoch *ep,
					  struct shadow_settled *st)
{
	struct shadow_settled *old = settled_of(es);

	st->target = ep;
	write_lock(&es->lock);
	list_add_tail(&ep->node, &es->list);
	write_unlock(&es->lock);
	rcu_assign_pointer(es->settled, st);
	return old;
}

enum shadow_place shadow_epochs_find(const struct shadow_epochs *es,
				     const struct shadow_epoch *ep, u64 block, u64 max,
				     u64 *loc, u64 *len)
{
	u64 until = min(max, SHADOW_REGION_BLOCKS - block % SHADOW_REGION_BLOCKS);
	bool free;

	until = shadow_blockmap_run(&ep->free, block, until, &free);
	*len = until;
	if (free)
		return SHADOW_IS_FREE;
	list_for_each_entry_from(ep, &es->list, node) {
		if (!ep->index.blocks)
			continue;
		if (shadow_index_find(&ep->index, block, until, loc, len))
			return SHADOW_IN_STORE;
		until = *len;	/* further on this epoch has a record of its own, or might */
	}
	return SHADOW_ON_ORIGIN;
}

u64 shadow_epochs_next_stored(const struct shadow_epochs *es, const struct shadow_epoch *ep,
			      u64 *block, u64 end)
{
	const struct shadow_epoch *newer = ep;
	u64 next = U64_MAX, region, stop, loc, len;

	lockdep_assert_held(&es->mutate);
	list_for_each_entry_from(newer, &es->list, node) {
		region = *block >> SHADOW_REGION_BITS;
		if (shadow_index_next_region(&newer->index, &region))
			next = min(next, region);
	}
	if (next >= (end + SHADOW_REGION_BLOCKS - 1) >> SHADOW_REGION_BITS) {
		*block = end;
		return 0;
	}
	*block = max(*block, next << SHADOW_REGION_BITS);
	stop = min(end, (next + 1) << SHADOW_REGION_BITS);
	for (; *block < stop; *block += len)
		if (shadow_epochs_find(es, ep, *block, stop - *block, &loc, &len) ==
		    SHADOW_IN_STORE)
			return len;
	return 0;
}

/* Make room for @words in a region. */
static int make_room(struct shadow_epochs *es, struct shadow_index *ix, u64 region,
		     unsigned int words, gfp_t gfp)
{
	struct shadow_leaf *leaf;
	int err;

	if (shadow_index_room(ix, region, words))
		return 0;
	err = shadow_index_reserve(ix, region, gfp);
	if (err)
		return err;
	leaf = shadow_index_prepare(ix, region, words, gfp);
	if (!leaf)
		return -ENOMEM;
	write_lock(&es->lock);
	leaf = shadow_index_commit(ix, region, leaf);
	write_unlock(&es->lock);
	shadow_leaf_free(leaf);
	return 0;
}

int shadow_epochs_reserve(struct shadow_epochs *es, u64 first, u64 n, gfp_t gfp)
{
	struct shadow_settled *st = settled_of(es);
	u64 region = first >> SHADOW_REGION_BITS;
	u64 last = (first + n - 1) >> SHADOW_REGION_BITS;
	int err;

	for (; region <= last; region++) {
		err = make_room(es, &st->target->index, region, SHADOW_ADD_WORDS, gfp);
		if (err)
			return err;
	}
	return shadow_blockmap_reserve(&st->map, first, n, gfp);
}

void shadow_epochs_record(struct shadow_epochs *es, const struct shadow_extent *extent)
{
	struct shadow_settled *st = settled_of(es);

	write_lock(&es->lock);
	shadow_index_add(&st->target->index, extent);
	WRITE_ONCE(es->generation, es->generation + 1);
	write_unlock(&es->lock);
}

void shadow_epochs_settle(struct shadow_epochs *es, u64 first, u64 n)
{
	shadow_blockmap_set(&settled_of(es)->map, first, n);
}

int shadow_epochs_overlay_reserve(struct shadow_epochs *es, struct shadow_epoch *ep, u64 block,
				  gfp_t gfp)
{
	return make_room(es, &ep->overlay, block >> SHADOW_REGION_BITS, SHADOW_PUT_WORDS, gfp);
}

/* The image only ever shows more of its own: no reader need look again, so no generation. */
void shadow_epochs_overlay_put(struct shadow_epochs *es, struct shadow_epoch *ep,
			       const struct shadow_extent *extent,
			       void (*drop)(void *arg, u64 loc, u64 len), void *arg)
{
	write_lock(&es->lock);
	shadow_index_put(&ep->overlay, extent, drop, arg);
	write_unlock(&es->lock);
}

/*
 * Does a shadow need @block from the origin?  The answer holds for @len blocks, at
 * most @max.
 */
static bool is_needed(const struct shadow_epochs *es, u64 floor, u64 block, u64 max, u64 *len,
		      unsigned int *lookups)
{
	const struct shadow_epoch *ep;

	*len = max;
	list_for_each_entry_reverse(ep, &es->list, node) {
		bool free;

		if (ep->number <= floor)
			break;
		++*lookups;
		if (shadow_index_has(&ep->index, block, *len, len))
			return false;
		if (ep->folding)
			continue;
		*len = shadow_blockmap_run(&ep->free, block, *len, &free);
		if (!free)
			return true;
	}
	return false;
}

/*
 * Settle what no shadow needs of @range, which lies in one page of maps.  The step ends
 * when it has become long: @range is what is left.
 */
static int settle_unneeded(struct shadow_epochs *es, u64 floor, struct shadow_range *range,
			   gfp_t gfp, u64 *settled)
{
	struct shadow_blockmap *map = &settled_of(es)->map;
	unsigned int lookups = 0;

	while (range->first < range->end && lookups++ < STEP_LOOKUPS) {
		u64 len = range->end - range->first;
		bool set;

		len = shadow_blockmap_run(map, range->first, len, &set);
		if (!set && !is_needed(es, floor, range->first, len, &len, &lookups)) {
			if (shadow_blockmap_fill(map, range->first, len, gfp))
				return -ENOMEM;
			*settled += len;
		}
		range->first += len;
	}
	return 0;
}

/* The part of @range that lies in the page of maps in which it begins. */
static struct shadow_range first_page(const struct shadow_range *range)
{
	u64 left = SHADOW_MAP_BITS - range->first % SHADOW_MAP_BITS;

	return (struct shadow_range){ range->first, min(range->end, range->first + left) };
}

static u64 count_clear(const struct shadow_blockmap *map, struct shadow_range range)
{
	u64 count = 0, len;
	bool set;

	for (; range.first < range.end; range.first += len) {
		len = shadow_blockmap_run(map, range.first, range.end - range.first, &set);
		if (!set)
			count += len;
	}
	return count;
}

u64 shadow_epochs_unsettled(const struct shadow_epochs *es, u64 first, u64 n)
{
	const struct shadow_settled *st = settled_of(es);

	lockdep_assert_held(&es->mutate);
	return st ? count_clear(&st->map, (struct shadow_range){ first, first + n }) : 0;
}

int shadow_epoch_expect(struct shadow_epoch *ep, struct shadow_settled *st, u64 first, u64 n,
			gfp_t gfp)
{
	u64 news = count_clear(&ep->free, (struct shadow_range){ first, first + n });

	if (shadow_blockmap_fill(&ep->free, first, n, gfp) ||
	    shadow_blockmap_fill(&st->map, first, n, gfp))
		return -ENOMEM;
	ep->free_blocks += news;
	return 0;
}

int shadow_epochs_mark_free(struct shadow_epochs *es, struct shadow_epoch *ep, u64 floor,
			    struct shadow_range *range, gfp_t gfp, u64 *settled)
{
	struct shadow_range part = first_page(range);
	u64 news = count_clear(&ep->free, part);
	int err = 0;

	lockdep_assert_held(&es->mutate);
	if (news) {
		if (shadow_blockmap_fill(&ep->free, part.first, part.end - part.first, gfp))
			return -ENOMEM;
		WRITE_ONCE(ep->free_blocks, ep->free_blocks + news);
		/* Who reads the origin for these looks again, before a write can be let go. */
		write_lock(&es->lock);
		WRITE_ONCE(es->generation, es->generation + 1);
		write_unlock(&es->lock);
	}
	if (settled_of(es))
		err = settle_unneeded(es, floor, &part, gfp, settled);
	else
		part.first = part.end;
	range->first = part.first;
	return err;
}

void shadow_epochs_ahead(struct shadow_epochs *es, u64 first, u64 n, gfp_t gfp)
{
	struct shadow_settled *st = settled_of(es);

	/* Those that are not noted only count as if they had been written. */
	if (!shadow_blockmap_reserve(&st->ahead, first, n, gfp))
		atomic_long_add(shadow_blockmap_mark(&st->ahead, first, n), &st->nr_ahead);
}

/* The next older epoch with a usable shadow, or NULL. */
static struct shadow_epoch *older_than(struct shadow_epochs *es, struct shadow_epoch *ep,
				       u64 floor)
{
	struct shadow_epoch *older;

	if (list_is_first(&ep->node, &es->list))
		return NULL;
	older = list_prev_entry(ep, node);
	return older->number > floor ? older : NULL;
}

static void unlink_epoch(struct shadow_epochs *es, struct shadow_epoch *ep)
{
	write_lock(&es->lock);
	list_del_init(&ep->node);
	WRITE_ONCE(es->generation, es->generation + 1);
	write_unlock(&es->lock);
}

/* Take a region's leaf out of @ix and give its store blocks back. */
static void free_region(struct shadow_epochs *es, struct shadow_index *ix, u64 region)
{
	u64 block = region << SHADOW_REGION_BITS;
	struct shadow_extent extent;
	struct shadow_leaf *leaf;

	while (shadow_index_next(ix, &block, &extent) &&
	       extent.block >> SHADOW_REGION_BITS == region)
		es->free(es->free_arg, extent.loc, extent.len);
	write_lock(&es->lock);
	leaf = shadow_index_commit(ix, region, NULL);
	WRITE_ONCE(es->generation, es->generation + 1);
	write_unlock(&es->lock);
	shadow_leaf_free(leaf);
}

bool shadow_epochs_overlay_free(struct shadow_epochs *es, struct shadow_epoch *ep)
{
	u64 region = 0;

	if (!shadow_index_next_region(&ep->overlay, &region))
		return false;
	free_region(es, &ep->overlay, region);
	return true;
}

static int move_region(struct shadow_epochs *es, struct shadow_epoch *older,
		       struct shadow_epoch *ep, u64 region, gfp_t gfp)
{
	struct shadow_leaf *merged, *a, *b;

	if (shadow_index_reserve(&older->index, region, gfp))
		return -ENOMEM;
	merged = shadow_leaf_merge(&older->index, &ep->index, region, gfp,
				   es->free, es->free_arg);
	if (!merged)
		return -ENOMEM;
	write_lock(&es->lock);
	a = shadow_index_commit(&older->index, region, merged);
	b = shadow_index_commit(&ep->index, region, NULL);
	WRITE_ONCE(es->generation, es->generation + 1);
	write_unlock(&es->lock);
	shadow_leaf_free(a);
	shadow_leaf_free(b);
	return 0;
}

/*
 * Settle what @older has recorded; nobody needs it under the target now.  Return: 1 when
 * there is more to do, 0, or -ENOMEM with @cursor as it was.
 */
static int settle_recorded(struct shadow_epochs *es, struct shadow_epoch *older, u64 floor,
			   u64 *cursor, gfp_t gfp)
{
	u64 region = *cursor >> SHADOW_REGION_BITS, ignored = 0;
	struct shadow_range range;

	if (!shadow_index_next_region(&older->index, &region))
		return 0;
	range.first = max(*cursor, region << SHADOW_REGION_BITS);
	range.end = (region + 1) << SHADOW_REGION_BITS;
	if (settle_unneeded(es, floor, &range, gfp, &ignored))
		return -ENOMEM;
	*cursor = range.first;
	return 1;
}

/* Settle what is free in the target and needed by nobody, likewise. */
static int settle_free(struct shadow_epochs *es, u64 floor, u64 *cursor, gfp_t gfp)
{
	const struct shadow_settled *st = settled_of(es);
	struct shadow_range range = { 0, U64_MAX };
	u64 ignored = 0;

	if (*cursor & CURSOR_FREE)
		range.first = *cursor & ~CURSOR_FREE;
	if (!st || !shadow_blockmap_next(&st->target->free, &range.first))
		return 0;
	range = first_page(&range);
	if (settle_unneeded(es, floor, &range, gfp, &ignored))
		return -ENOMEM;
	*cursor = CURSOR_FREE | range.first;
	return 1;
}

int shadow_epochs_fold(struct shadow_epochs *es, struct shadow_epoch *ep, u64 floor,
		       u64 *cursor, gfp_t gfp, struct shadow_settled **unused)
{
	struct shadow_epoch *older = older_than(es, ep, floor);
	struct shadow_settled *st = settled_of(es);
	u64 region = 0;
	int more;

	lockdep_assert_held(&es->mutate);
	ep->folding = true;
	if (st && st->target == ep) {
		if (!older) {
			rcu_assign_pointer(es->settled, NULL);
			*unused = st;
			return 1;
		}
		more = settle_recorded(es, older, floor, cursor, gfp);
		if (more)
			return more;
		WRITE_ONCE(st->target, older);
		return 1;
	}
	if (shadow_index_next_region(&ep->index, &region)) {
		if (older)
			return move_region(es, older, ep, region, gfp) ?: 1;
		free_region(es, &ep->index, region);
		return 1;
	}
	more = settle_free(es, floor, cursor, gfp);
	if (!more)
		unlink_epoch(es, ep);
	return more;
}

struct shadow_settled *shadow_epochs_drop(struct shadow_epochs *es, u64 number)
{
	struct shadow_settled *st = settled_of(es);
	struct shadow_epoch *ep;

	if (st && st->target->number <= number)
		rcu_assign_pointer(es->settled, NULL);
	else
		st = NULL;
	list_for_each_entry(ep, &es->list, node) {
		u64 region = 0;

		if (ep->number > number)
			break;
		while (shadow_index_next_region(&ep->index, &region)) {
			free_region(es, &ep->index, region);
			cond_resched();
		}
		while (shadow_epochs_overlay_free(es, ep))
			cond_resched();
	}
	return st;
}

struct shadow_epoch *shadow_epochs_upto(const struct shadow_epochs *es, u64 number)
{
	struct shadow_epoch *ep;

	list_for_each_entry_reverse(ep, &es->list, node)
		if (ep->number <= number)
			return ep;
	return NULL;
}

static struct shadow_index *index_at(struct shadow_epoch *ep, const struct shadow_walk *at)
{
	return at->overlay ? &ep->overlay : &ep->index;
}

int shadow_epochs_next_in(struct shadow_epochs *es, struct shadow_walk *walk, u64 first, u64 end,
			  struct shadow_extent *extent, unsigned int *budget)
{
	struct shadow_epoch *ep = shadow_epochs_upto(es, walk->number);
	int found;

	lockdep_assert_held(&es->mutate);
	if (!ep)
		return 0;
	list_for_each_entry_from_reverse(ep, &es->list, node) {
		if (ep->number != walk->number)
			*walk = (struct shadow_walk){ .number = ep->number };
		for (;;) {
			found = shadow_index_next_in(index_at(ep, walk), &walk->block, first, end,
						     extent, budget);
			if (found)
				return found;
			if (walk->overlay)
				break;
			walk->overlay = true;
			walk->block = 0;
		}
	}
	*walk = (struct shadow_walk){ 0 };
	return 0;
}

/* The index of @at, or NULL: the epoch is gone. */
static struct shadow_index *index_of(const struct shadow_epochs *es, const struct shadow_walk *at)
{
	struct shadow_epoch *ep = shadow_epochs_upto(es, at->number);

	return ep && ep->number == at->number ? index_at(ep, at) : NULL;
}

bool shadow_epochs_is_at(const struct shadow_epochs *es, const struct shadow_walk *at,
			 const struct shadow_extent *extent, u64 *len)
{
	const struct shadow_index *ix = index_of(es, at);
	u64 loc;

	*len = extent->len;
	return ix && shadow_index_find(ix, extent->block, extent->len, &loc, len) &&
	       loc == extent->loc;
}

int shadow_epochs_move_reserve(struct shadow_epochs *es, const struct shadow_walk *at, u64 block,
			       gfp_t gfp)
{
	return make_room(es, index_of(es, at), block >> SHADOW_REGION_BITS, SHADOW_PUT_WORDS, gfp);
}

void shadow_epochs_move(struct shadow_epochs *es, const struct shadow_walk *at,
			const struct shadow_extent *extent,
			void (*drop)(void *arg, u64 loc, u64 len), void *arg)
{
	struct shadow_index *ix = index_of(es, at);

	write_lock(&es->lock);
	shadow_index_put(ix, extent, drop, arg);
	write_unlock(&es->lock);
}

void shadow_epochs_append(struct shadow_epochs *es, struct shadow_epoch *ep)
{
	lockdep_assert_held(&es->mutate);
	write_lock(&es->lock);
	list_add_tail(&ep->node, &es->list);
	write_unlock(&es->lock);
}

int shadow_epochs_restore(struct shadow_epochs *es, u64 number, u64 floor,
			  const struct shadow_extent *extent, gfp_t gfp)
{
	struct shadow_epoch *ep = shadow_epochs_upto(es, number);
	struct shadow_extent run = *extent;
	u64 left;

	if (!ep || ep->number <= floor)
		return 0;
	for (left = extent->len; left; left -= run.len) {
		u64 loc;

		run.len = left;
		if (!shadow_index_find(&ep->index, run.block, left, &loc, &run.len)) {
			if (make_room(es, &ep->index, run.block >> SHADOW_REGION_BITS,
				      SHADOW_ADD_WORDS, gfp))
				return -ENOMEM;
			write_lock(&es->lock);
			shadow_index_add(&ep->index, &run);
			write_unlock(&es->lock);
		}
		run.block += run.len;
		run.loc += run.len;
	}
	return 0;
}

int shadow_epochs_restore_free(struct shadow_epoch *ep, u64 first, u64 n, gfp_t gfp)
{
	u64 news = count_clear(&ep->free, (struct shadow_range){ first, first + n });

	if (shadow_blockmap_fill(&ep->free, first, n, gfp))
		return -ENOMEM;
	ep->free_blocks += news;
	return 0;
}

int shadow_epochs_resume(struct shadow_epochs *es, struct shadow_settled *st, u64 floor,
			 u64 blocks, gfp_t gfp)
{
	struct shadow_epoch *newest = shadow_epochs_upto(es, U64_MAX);
	struct shadow_extent extent;
	u64 at, ignored = 0, run;
	bool set;

	if (!newest || newest->number <= floor) {
		shadow_settled_free(st);
		return 0;
	}
	st->target = newest;
	rcu_assign_pointer(es->settled, st);
	/* What the newest one has is settled; so may be, of the rest, what was free in it. */
	for (at = 0; shadow_index_next(&newest->index, &at, &extent); ) {
		if (shadow_blockmap_fill(&st->map, extent.block, extent.len, gfp))
			goto no_memory;
		cond_resched();
	}
	for (at = 0; at < blocks && shadow_blockmap_next(&newest->free, &at) && at < blocks;
	     at += run) {
		struct shadow_range left = { at, at };

		run = shadow_blockmap_run(&newest->free, at, blocks - at, &set);
		if (set)
			left.end += run;
		while (left.first < left.end) {
			struct shadow_range part = first_page(&left);

			if (settle_unneeded(es, floor, &part, gfp, &ignored))
				goto no_memory;
			left.first = part.first;
			cond_resched();
		}
	}
	return 0;

no_memory:
	RCU_INIT_POINTER(es->settled, NULL);
	return -ENOMEM;
}

struct shadow_settled *shadow_epochs_suspend(struct shadow_epochs *es)
{
	struct shadow_settled *st = settled_of(es);

	RCU_INIT_POINTER(es->settled, NULL);
	return st;
}

size_t shadow_epochs_bytes(const struct shadow_epochs *es)
{
	struct shadow_settled *st = settled_of(es);
	size_t bytes = 0;
	struct shadow_epoch *ep;

	if (st)
		bytes = shadow_blockmap_bytes(&st->map) + shadow_blockmap_bytes(&st->ahead);
	list_for_each_entry(ep, &es->list, node)
		bytes += ep->index.bytes + ep->overlay.bytes + shadow_blockmap_bytes(&ep->free);
	return bytes;
}
