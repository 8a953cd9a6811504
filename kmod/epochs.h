/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * epochs.h - the epochs of a volume, and what each shadow reads.
 */
#ifndef SHADOW_EPOCHS_H
#define SHADOW_EPOCHS_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include "block.h"
#include "blockmap.h"
#include "index.h"

/**
 * struct shadow_epoch - the blocks preserved from one shadow to the next
 * @node: in shadow_epochs.list
 * @number: grows by one with each shadow of the volume
 * @folding: its shadow is gone, and needs nothing any more
 * @index: the records
 * @free: what is known to have been free on the volume when the epoch began; bits
 *	are only ever set
 * @free_blocks: how many
 * @overlay: what was written to the image of the shadow that the epoch begins
 *	with; nobody else reads it, and it goes with that shadow
 *
 * Both indexes point to the store: whoever moves blocks there looks at both.
 */
struct shadow_epoch {
	struct list_head node;
	u64 number;
	bool folding;
	struct shadow_index index;
	struct shadow_index overlay;
	struct shadow_blockmap free;
	u64 free_blocks;
};

/* Where a shadow has a block. */
enum shadow_place {
	SHADOW_ON_ORIGIN,
	SHADOW_IN_STORE,
	SHADOW_IS_FREE,		/* nowhere: it reads as zeros */
};

/**
 * struct shadow_settled - the blocks for which nothing is left to preserve
 * @map: a bit per block
 * @ahead: the blocks that were preserved with a neighbour, and that nobody has
 *	written since
 * @nr_ahead: how many
 * @target: the epoch under which the others are recorded: the newest one
 *
 * Exists while some shadow needs old data.  Readers test @map; @target is for
 * holders of the mutate mutex, or of the epochs' lock under rcu_read_lock().
 */
struct shadow_settled {
	struct shadow_blockmap map;
	struct shadow_blockmap ahead;
	atomic_long_t nr_ahead;
	struct shadow_epoch *target;
};

/**
 * struct shadow_epochs - all epochs of a volume
 * @mutate: held by whoever changes epochs, records or settled bits; sleeps
 * @lock: taken for writing around each single change that a reader could see
 *	half done, for reading around shadow_epochs_find(); inside @mutate
 * @list: the epochs that have a shadow or are being folded into an older one,
 *	oldest first
 * @settled: what the write path tests; NULL: nothing is to be preserved
 * @generation: counts changes of records and of what is free, so that "nothing has
 *	changed" is one comparison
 * @free: gives a run of store blocks back; called with @mutate held
 * @free_arg: its first argument
 *
 * Reading: a shadow of epoch e has a block from its overlay.  If it is not there, a
 * block that is free in epoch e is zeros, whatever else is known of it; any other is
 * in the first record at an epoch >= e, and on the origin where there is none.
 *
 * The life of a block that is overwritten: shadow_epochs_record() under the
 * target epoch, then shadow_epochs_settle(), then the write goes on.  So who
 * sees a settled bit, or new data on the origin, also finds the record.  A block that
 * is told to be free is free for readers first, then settled.
 */
struct shadow_epochs {
	struct mutex mutate;	/* outer of the two */
	rwlock_t lock;
	struct list_head list;
	struct shadow_settled __rcu *settled;
	u64 generation;
	void (*free)(void *arg, u64 loc, u64 len);
	void *free_arg;
};

void shadow_epochs_init(struct shadow_epochs *es,
			void (*free)(void *arg, u64 loc, u64 len), void *free_arg);

/* Frees everything that is left.  No reader and no writer may be left. */
void shadow_epochs_destroy(struct shadow_epochs *es);

/* Memory for shadow_epochs_flip(), obtained before the gates close. */
struct shadow_epoch *shadow_epoch_alloc(gfp_t gfp);
void shadow_epoch_free(struct shadow_epoch *ep);
struct shadow_settled *shadow_settled_alloc(gfp_t gfp);
void shadow_settled_free(struct shadow_settled *st);

/**
 * shadow_epoch_expect() - blocks will be free when an epoch begins, and stay as they are
 * @ep: the epoch, before shadow_epochs_flip()
 * @st: its map, likewise
 * @first: first block
 * @n: how many
 * @gfp: how to allocate
 *
 * For blocks of the volume that nobody but its own store writes to: when the epoch begins
 * they are settled in the one before.  They read as zeros in the shadow, and nothing is
 * preserved of them.
 *
 * Return: 0; -ENOMEM when @ep and @st are of no use any more.
 */
int shadow_epoch_expect(struct shadow_epoch *ep, struct shadow_settled *st, u64 first, u64 n,
			gfp_t gfp);

/**
 * shadow_epochs_flip() - end the current epoch: the instant of a shadow
 * @es: the epochs
 * @ep: the new newest epoch, which the new shadow owns; @ep->number is set and
 *	above all others
 * @st: its empty map
 *
 * Context: @es->mutate held; no write is in flight (gate closed and drained).
 *	Does not sleep.
 * Return: the map that is out of use now, or NULL; free it after a grace
 *	period.
 */
struct shadow_settled *shadow_epochs_flip(struct shadow_epochs *es, struct shadow_epoch *ep,
					  struct shadow_settled *st);

/**
 * shadow_epochs_find() - where a shadow had its blocks at its instant
 * @es: the epochs
 * @ep: the shadow's epoch
 * @block: first block
 * @max: how many are wanted
 * @loc: out: where in the store they are, if they are recorded
 * @len: out: how many blocks this answer is good for, 1 to @max
 *
 * Context: @es->lock held for reading.  Does not sleep.
 */
enum shadow_place shadow_epochs_find(const struct shadow_epochs *es,
				     const struct shadow_epoch *ep, u64 block, u64 max,
				     u64 *loc, u64 *len);

/**
 * shadow_epochs_reserve() - obtain the memory for recording and settling a run
 * @es: the epochs
 * @first: first block
 * @n: how many
 * @gfp: how to allocate
 *
 * Makes room for one extent in each region of the run; to be called again
 * after each extent that was recorded there.
 *
 * Context: @es->mutate held.
 * Return: 0 or -ENOMEM.
 */
int shadow_epochs_reserve(struct shadow_epochs *es, u64 first, u64 n, gfp_t gfp);

/**
 * shadow_epochs_record() - record a run under the target epoch
 * @es: the epochs
 * @extent: blocks that are not settled, within one region, reserved before
 *
 * Context: @es->mutate held.  Does not sleep, cannot fail.
 */
void shadow_epochs_record(struct shadow_epochs *es, const struct shadow_extent *extent);

/* How many blocks of a run are not settled?  Context: @es->mutate held. */
u64 shadow_epochs_unsettled(const struct shadow_epochs *es, u64 first, u64 n);

/* Set the settled bits of a reserved run.  Context: @es->mutate held. */
void shadow_epochs_settle(struct shadow_epochs *es, u64 first, u64 n);

/**
 * shadow_epochs_overlay_reserve() - obtain the memory for a shadow_epochs_overlay_put()
 * @es: the epochs
 * @ep: the epoch of the shadow
 * @block: a block of the region concerned
 * @gfp: how to allocate
 *
 * Context: @es->mutate held.
 * Return: 0 or -ENOMEM.
 */
int shadow_epochs_overlay_reserve(struct shadow_epochs *es, struct shadow_epoch *ep, u64 block,
				  gfp_t gfp);

/**
 * shadow_epochs_overlay_put() - what was written to an image is in the store
 * @es: the epochs
 * @ep: the epoch of the shadow
 * @extent: within one region, reserved before
 * @drop: called, readers excluded, for each run of the store that is out of use
 *	now; reads that have found it may be under way
 * @arg: for @drop
 *
 * Context: @es->mutate held.  Does not sleep, cannot fail.
 */
void shadow_epochs_overlay_put(struct shadow_epochs *es, struct shadow_epoch *ep,
			       const struct shadow_extent *extent,
			       void (*drop)(void *arg, u64 loc, u64 len), void *arg);

/**
 * shadow_epochs_overlay_free() - forget what was written to an image, one region of it
 * @es: the epochs
 * @ep: the epoch of the shadow; nobody reads its overlay any more
 *
 * To be called until there is nothing left, before the epoch is folded; the
 * mutex may be given up in between.
 *
 * Context: @es->mutate held.
 * Return: whether there was something left.
 */
bool shadow_epochs_overlay_free(struct shadow_epochs *es, struct shadow_epoch *ep);

/**
 * shadow_epochs_mark_free() - blocks were free when an epoch began, one step of it
 * @es: the epochs
 * @ep: the epoch, of a shadow that is neither lost nor being deleted
 * @floor: as for shadow_epochs_fold()
 * @range: in: the blocks; out: those that are left to do
 * @gfp: how to allocate
 * @settled: counts blocks that became settled
 *
 * The blocks read as zeros in that shadow from now on, and nothing is preserved of
 * those that no shadow needs.  Steps are short, so that @es->mutate can be given up in
 * between.  Blocks that were told before may be told again: that settles what could
 * not be settled then.
 *
 * Context: @es->mutate held.
 * Return: 0 or -ENOMEM; either way @range says what is left.
 */
int shadow_epochs_mark_free(struct shadow_epochs *es, struct shadow_epoch *ep, u64 floor,
			    struct shadow_range *range, gfp_t gfp, u64 *settled);

/**
 * shadow_epochs_ahead() - note blocks that are preserved before anybody writes them
 * @es: the epochs
 * @first: first block
 * @n: how many
 * @gfp: how to allocate; without memory they are not noted
 *
 * Context: @es->mutate held; they are recorded, and not settled yet.
 */
void shadow_epochs_ahead(struct shadow_epochs *es, u64 first, u64 n, gfp_t gfp);

/**
 * shadow_settled_written() - a write to settled blocks goes on
 * @st: the map in which they are settled
 * @first: first block
 * @n: how many
 *
 * Context: any; rcu_read_lock().
 * Return: how many of them were preserved ahead, and are written for the first
 *	time now.
 */
static inline u64 shadow_settled_written(struct shadow_settled *st, u64 first, u64 n)
{
	u64 were_ahead;

	if (likely(!atomic_long_read(&st->nr_ahead)))
		return 0;
	were_ahead = shadow_blockmap_unmark(&st->ahead, first, n);
	if (were_ahead)
		atomic_long_sub(were_ahead, &st->nr_ahead);
	return were_ahead;
}

/**
 * shadow_epochs_fold() - remove the epoch of a deleted shadow, one step of it
 * @es: the epochs
 * @ep: the epoch; no shadow reads at it any more
 * @floor: epochs with a number <= @floor have lost their shadows and want
 *	nothing
 * @cursor: in and out: where the work stands; zero to begin with
 * @gfp: how to allocate
 * @unused: out: as what shadow_epochs_flip() returns; left alone otherwise
 *
 * Hands the records that the next older shadow needs over to it and frees the
 * rest.  When the newest epoch goes, the older one becomes the target: before
 * that, whatever it has recorded is settled.  At last, what its shadow alone needed is
 * settled.  Steps are short, so that @es->mutate can be given up in between;
 * preserving goes on meanwhile, and flips may come.  One fold at a time, to its end.
 *
 * Context: @es->mutate held.
 * Return: 1 when there is more to do, 0 when @ep is gone from the list (the
 *	caller frees it), -ENOMEM when nothing was done for want of memory.
 */
int shadow_epochs_fold(struct shadow_epochs *es, struct shadow_epoch *ep, u64 floor,
		       u64 *cursor, gfp_t gfp, struct shadow_settled **unused);

/**
 * shadow_epochs_drop() - forget all records and overlays of the epochs up to a number
 * @es: the epochs
 * @number: the last epoch that is dropped
 *
 * For shadows that were lost.  When the target is among them, preserving ends.
 *
 * Context: @es->mutate held.
 * Return: the map that is out of use now, or NULL; free it after a grace
 *	period.
 */
struct shadow_settled *shadow_epochs_drop(struct shadow_epochs *es, u64 number);

/**
 * struct shadow_walk - where a walk over all records and overlays stands
 * @number: of the epoch that is looked through, or the next older one that there is
 * @overlay: its overlay, and no longer its records
 * @block: where to go on
 *
 * From the newest epoch to the oldest, and in each the records before the overlay.
 */
struct shadow_walk {
	u64 number;
	bool overlay;
	u64 block;
};

#define SHADOW_WALK_BEGIN	((struct shadow_walk){ .number = U64_MAX })

/**
 * shadow_epochs_next_in() - find what lies in a part of the store
 * @es: the epochs
 * @walk: in: where to begin; out: where @extent was found, and where to go on
 * @first: first location of that part
 * @end: the location after it
 * @extent: out: a run of blocks, within one region
 * @budget: in and out: how many extents may be looked at, or a little more
 *
 * The mutex may be given up between two calls, and anything be done but recording more
 * that lies in the part: records only move to older epochs, so that each is found that
 * is still there.
 *
 * Context: @es->mutate held.
 * Return: 1; 0 when there is no more; -EAGAIN when there was none for all of @budget.
 */
int shadow_epochs_next_in(struct shadow_epochs *es, struct shadow_walk *walk, u64 first, u64 end,
			  struct shadow_extent *extent, unsigned int *budget);

/**
 * shadow_epochs_is_at() - is what was found still where it was found?
 * @es: the epochs
 * @at: where it was found
 * @extent: what was found
 * @len: out: the answer is good for so many blocks, from the extent's first one on
 *
 * Context: @es->mutate held.
 */
bool shadow_epochs_is_at(const struct shadow_epochs *es, const struct shadow_walk *at,
			 const struct shadow_extent *extent, u64 *len);

/**
 * shadow_epochs_move_reserve() - obtain the memory for a shadow_epochs_move()
 * @es: the epochs
 * @at: where it was found; it is still there
 * @block: a block of the region concerned
 * @gfp: how to allocate
 *
 * Context: @es->mutate held.
 * Return: 0 or -ENOMEM.
 */
int shadow_epochs_move_reserve(struct shadow_epochs *es, const struct shadow_walk *at, u64 block,
			       gfp_t gfp);

/**
 * shadow_epochs_move() - what was found is in another place now
 * @es: the epochs
 * @at: where it was found; it is still there
 * @extent: its blocks, within one region, and their new place; reserved before
 * @drop: called, readers excluded, for each run of the store that is out of use
 *	now; reads that have found it may be under way
 * @arg: for @drop
 *
 * What shadows read is the same as before, so @es->generation is, too.
 *
 * Context: @es->mutate held.  Does not sleep, cannot fail.
 */
void shadow_epochs_move(struct shadow_epochs *es, const struct shadow_walk *at,
			const struct shadow_extent *extent,
			void (*drop)(void *arg, u64 loc, u64 len), void *arg);

/**
 * shadow_epochs_next_stored() - find what a shadow has in the store
 * @es: the epochs
 * @ep: the shadow's epoch
 * @block: in: where to begin; out: the first block that was found
 * @end: where to stop
 *
 * Looks through one region of blocks at the most.
 *
 * Context: @es->mutate held.
 * Return: how many blocks from @block on are there, in one region; 0: none that was looked at,
 * and @block says where to go on; that is @end when there are no more.
 */
u64 shadow_epochs_next_stored(const struct shadow_epochs *es, const struct shadow_epoch *ep,
			      u64 *block, u64 end);

/* The newest epoch up to @number, or NULL.  Context: @es->mutate held. */
struct shadow_epoch *shadow_epochs_upto(const struct shadow_epochs *es, u64 number);

/*
 * Epochs that are read from a store: nothing is preserved, and nobody reads, until all of
 * them are there.  All of these: @es->mutate held.
 */

/* An epoch begins; @ep->number is set, and above all others. */
void shadow_epochs_append(struct shadow_epochs *es, struct shadow_epoch *ep);

/**
 * shadow_epochs_restore() - a run was preserved
 * @es: the epochs
 * @number: of the epoch in which it was; where that has gone it is for the next older one
 * @floor: as for shadow_epochs_fold()
 * @extent: within one region; blocks that the epoch has already stay as they are
 * @gfp: how to allocate
 *
 * Return: 0 or -ENOMEM.
 */
int shadow_epochs_restore(struct shadow_epochs *es, u64 number, u64 floor,
			  const struct shadow_extent *extent, gfp_t gfp);

/* Blocks were free when an epoch began.  Return: 0 or -ENOMEM. */
int shadow_epochs_restore_free(struct shadow_epoch *ep, u64 first, u64 n, gfp_t gfp);

/**
 * shadow_epochs_resume() - preserve again
 * @es: the epochs
 * @st: an empty map; used if a shadow is left
 * @floor: as for shadow_epochs_fold()
 * @blocks: of the volume
 * @gfp: how to allocate
 *
 * Settles what no shadow needs.
 *
 * Return: 0; or -ENOMEM, and @st is the caller's.
 */
int shadow_epochs_resume(struct shadow_epochs *es, struct shadow_settled *st, u64 floor,
			 u64 blocks, gfp_t gfp);

/* Preserve no more.  Return: the map that is out of use, or NULL. */
struct shadow_settled *shadow_epochs_suspend(struct shadow_epochs *es);

/* Memory of all indexes and maps, bytes.  Context: @es->mutate held. */
size_t shadow_epochs_bytes(const struct shadow_epochs *es);

#endif /* SHADOW_EPOCHS_H */
