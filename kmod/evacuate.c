// SPDX-License-Identifier: GPL-2.0-only
/*
 * evacuate.c - clearing out what is cut off of a part of a store, or all of it.
 *
 * Shadows are read, written to, taken and deleted meanwhile, and writes to the volume go on.
 * From shadow_store_cut() on no block of what is cut off is given out; what is in use there only
 * becomes less.  One walk over all records and overlays (shadow_epochs_next_in()) then finds
 * all of it, some blocks at a time:
 *
 *	1. find: up to CHUNK blocks of one epoch, under the mutate mutex;
 *	2. read them, from memory or from the device, without it;
 *	3. move, under the mutex again: what is still where it was found has not changed
 *	   either, since its place was in use all the time, or is out of use now; a place that is
 *	   free is not given out.  It goes to the store like any other block, and the record
 *	   gets its new place.  What is no longer there was deleted, written anew, or
 *	   handed over to an older epoch, where the walk comes later.
 *
 * The old place is retired: readers may have found it before.  Readers of the store count
 * themselves (shadow_readers_enter()), and when all are gone that began before, retired blocks
 * are given back.  So no reader ever finds its page or its blocks gone, or used again, and when
 * nothing is in use in what is cut off, nobody is reading there.
 *
 * Blocks are in use there, too, without being found: those retired by an overlay, and
 * those of a batch that is on its way.  Both end by themselves, and are waited for.
 *
 * The blocks in hand count as the images' in the budget of memory.  When the store gets
 * short of room for old data the cut is given up (shadow_store_uncut()), by whoever needs
 * the room: no write waits for us, and no shadow goes because of us.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "evacuate.h"
#include "policy.h"

#define CHUNK		128u	/* blocks read at once */
#define BUDGET		8192u	/* extents looked at before others get the mutex */
#define RETIRED_MAX	1024u	/* runs */
#define RETIRED_BLOCKS	1024u	/* 4 MiB: when readers are waited for */
#define FREE_RUNS	64	/* of a region each; then others get the mutex */
#define PAUSE		(HZ / 50)
#define MEMORY_TRIES	100	/* pauses without memory */

struct retired {
	u64 loc;
	u64 len;
};

/**
 * struct evacuation - the clearing out of a part
 * @vol: the volume
 * @store: its store
 * @part: the part
 * @first: first location that is cut off
 * @end: the location after them
 * @walk: what is found next
 * @at: where all of @found were found
 * @nr: how many of @found
 * @done: how many of them are dealt with
 * @nr_pages: how many of @page are filled
 * @used: how many of them are used
 * @found: runs of blocks; the one that is being dealt with gets shorter
 * @page: copies of their blocks
 * @status: an error of reading them
 * @reading: bios under way, and one
 * @read: @reading has come to nothing
 * @nr_retired: how many of @retired
 * @blocks_retired: blocks in them
 * @retired: out of use, but for readers
 * @moved: blocks
 */
struct evacuation {
	struct shadow_volume *vol;
	struct shadow_store *store;
	struct shadow_part *part;
	u64 first;
	u64 end;
	struct shadow_walk walk;
	struct shadow_walk at;
	unsigned int nr;
	unsigned int done;
	unsigned int nr_pages;
	unsigned int used;
	struct shadow_extent found[CHUNK];
	struct page *page[CHUNK];
	blk_status_t status;
	atomic_t reading;
	struct completion read;
	unsigned int nr_retired;
	u64 blocks_retired;
	struct retired retired[RETIRED_MAX];
	u64 moved;
};

static struct shadow_epochs *epochs_of(struct evacuation *ev)
{
	return &ev->vol->epochs;
}

static void lock(struct evacuation *ev)
{
	if (READ_ONCE(ev->vol->gate))	/* the instant polls for the mutex */
		usleep_range(200, 400);
	mutex_lock(&epochs_of(ev)->mutate);
}

static void unlock(struct evacuation *ev)
{
	mutex_unlock(&epochs_of(ev)->mutate);
}

/* Context: mutate mutex. */
static bool is_cut(const struct evacuation *ev)
{
	return ev->store->cut == ev->part;
}

/* --- finding ------------------------------------------------------------------------ */

/* Context: mutate mutex.  Return: 0; -ENOSPC: the cut was given up; -EIO: nothing is stored. */
static int may_go_on(const struct evacuation *ev)
{
	if (shadow_policy_refuses(ev->vol))
		return -EIO;
	return is_cut(ev) ? 0 : -ENOSPC;
}

/* Return: how many runs were found; 0 at the end of the walk; -EAGAIN: none so far; an error. */
static int find_some(struct evacuation *ev)
{
	struct shadow_walk walk = ev->walk;
	unsigned int budget = BUDGET;
	u64 blocks = 0;
	int found;

	ev->nr = 0;
	lock(ev);
	found = may_go_on(ev);
	while (!found && blocks < CHUNK) {
		struct shadow_extent *ex = &ev->found[ev->nr];

		found = shadow_epochs_next_in(epochs_of(ev), &walk, ev->first, ev->end, ex,
					      &budget);
		if (found <= 0)
			break;
		if (ev->nr && (walk.number != ev->at.number || walk.overlay != ev->at.overlay))
			break;		/* they could move past each other */
		ex->len = min_t(u64, ex->len, CHUNK - blocks);
		walk.block = ex->block + ex->len;
		blocks += ex->len;
		ev->at = walk;
		ev->walk = walk;
		ev->nr++;
		found = 0;
	}
	unlock(ev);
	if (ev->nr)
		return ev->nr;
	ev->walk = walk;
	return found;
}

/* --- reading ------------------------------------------------------------------------ */

static void put_page_of(struct evacuation *ev, struct page *page)
{
	__free_page(page);
	atomic64_dec(&ev->vol->image_memory);
}

/* Throw away what was read and is not stored. */
static void drop_pages(struct evacuation *ev)
{
	while (ev->used < ev->nr_pages)
		put_page_of(ev, ev->page[ev->used++]);
	ev->nr_pages = 0;
	ev->used = 0;
}

/* May @n blocks be in memory?  Return: 0, -EINTR, or -EIO when none leave it any more. */
static int wait_for_room(struct evacuation *ev, unsigned int n)
{
	struct shadow_volume *vol = ev->vol;
	bool taken = shadow_volume_take_image_memory(vol, n);
	int err;

	if (taken)
		return 0;
	WRITE_ONCE(vol->flush_due, true);	/* an open batch may have the room */
	shadow_volume_kick(vol);
	err = wait_event_interruptible(vol->image_wait,
				       (taken = shadow_volume_take_image_memory(vol, n)) ||
				       shadow_policy_refuses(vol));
	if (err)
		return -EINTR;
	return taken ? 0 : -EIO;
}

static int take_pages(struct evacuation *ev)
{
	unsigned int n = 0, i;
	int err;

	for (i = 0; i < ev->nr; i++)
		n += ev->found[i].len;
	err = wait_for_room(ev, n);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		ev->page[i] = alloc_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!ev->page[i])
			break;
	}
	ev->nr_pages = i;
	atomic64_sub(n - i, &ev->vol->image_memory);
	if (i == n)
		return 0;
	drop_pages(ev);
	return -ENOMEM;
}

static void read_end(struct bio *bio)
{
	struct evacuation *ev = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(ev->status, bio->bi_status);
	bio_put(bio);
	if (atomic_dec_and_test(&ev->reading))
		complete(&ev->read);
}

/* Read @n blocks that are not in memory. */
static void read_run(struct evacuation *ev, u64 loc, struct page **page, unsigned int n)
{
	while (n) {
		u64 run = n;
		struct block_device *bdev;
		struct bio *bio;
		sector_t sector;

		bdev = shadow_store_locate(ev->store, loc, &run, &sector);
		if (!bdev) {		/* the page went: it is not wanted any more */
			WRITE_ONCE(ev->status, BLK_STS_IOERR);
			return;
		}
		bio = bio_alloc_bioset(bdev, run, REQ_OP_READ, GFP_KERNEL, &fs_bio_set);
		bio->bi_iter.bi_sector = sector;
		bio->bi_private = ev;
		bio->bi_end_io = read_end;
		atomic64_inc(&ev->vol->store_reads);
		atomic64_add(run << SHADOW_BLOCK_BITS, &ev->vol->store_read_bytes);
		atomic_inc(&ev->reading);
		n -= run;
		loc += run;
		while (run--)
			__bio_add_page(bio, *page++, SHADOW_BLOCK_SIZE, 0);
		submit_bio_noacct(bio);
	}
}

/* Copy a block from memory, if it is there. */
static bool copy_block(struct evacuation *ev, u64 loc, struct page *to)
{
	struct page *page;

	read_lock(&ev->store->lock);
	page = shadow_store_page(ev->store, loc);
	if (page)
		copy_highpage(to, page);
	read_unlock(&ev->store->lock);
	return page;
}

static void read_extent(struct evacuation *ev, const struct shadow_extent *ex, struct page **page)
{
	unsigned int i, unread = 0;

	for (i = 0; i < ex->len; i++) {
		if (!copy_block(ev, ex->loc + i, page[i])) {
			unread++;
			continue;
		}
		read_run(ev, ex->loc + i - unread, page + i - unread, unread);
		unread = 0;
	}
	read_run(ev, ex->loc + i - unread, page + i - unread, unread);
}

/* The wait ends: they are bios below us. */
static void read_found(struct evacuation *ev)
{
	struct page **page = ev->page;
	struct blk_plug plug;
	unsigned int i;

	ev->status = BLK_STS_OK;
	atomic_set(&ev->reading, 1);
	reinit_completion(&ev->read);
	blk_start_plug(&plug);
	for (i = 0; i < ev->nr; i++) {
		read_extent(ev, &ev->found[i], page);
		page += ev->found[i].len;
	}
	blk_finish_plug(&plug);
	if (!atomic_dec_and_test(&ev->reading))
		wait_for_completion_io(&ev->read);
}

/* Is all that was found still there? */
static bool all_there(struct evacuation *ev)
{
	bool there = true;
	unsigned int i;
	u64 len;

	lock(ev);
	for (i = 0; there && i < ev->nr; i++)
		there = shadow_epochs_is_at(epochs_of(ev), &ev->at, &ev->found[i], &len) &&
			len == ev->found[i].len;
	unlock(ev);
	return there;
}

/* --- moving ------------------------------------------------------------------------- */

/* Context: the mutate mutex and the epochs' lock held. */
static void retire(void *arg, u64 loc, u64 len)
{
	struct evacuation *ev = arg;

	ev->retired[ev->nr_retired++] = (struct retired){ loc, len };
	ev->blocks_retired += len;
	ev->store->leaving += len;
}

/* Give back what is retired, once nobody reads it any more. */
static void give_back(struct evacuation *ev)
{
	struct shadow_epochs *es = epochs_of(ev);
	unsigned int n;

	if (!ev->nr_retired)
		return;
	shadow_readers_drain(ev->vol);
	while (ev->nr_retired) {
		lock(ev);
		for (n = 0; ev->nr_retired && n < FREE_RUNS; n++) {
			const struct retired *run = &ev->retired[--ev->nr_retired];

			ev->store->leaving -= run->len;
			es->free(es->free_arg, run->loc, run->len);
		}
		unlock(ev);
	}
	ev->blocks_retired = 0;
	shadow_volume_kick(ev->vol);	/* there may be room now */
}

/* What of the run in hand was found to be gone, or has its new place. */
static void advance(struct evacuation *ev, u64 n)
{
	struct shadow_extent *ex = &ev->found[ev->done];

	ex->block += n;
	ex->loc += n;
	ex->len -= n;
	ev->used += n;
	if (!ex->len)
		ev->done++;
}

/* Deal with some blocks of the run in hand.  Context: mutate mutex. */
static int move_run(struct evacuation *ev)
{
	struct shadow_epochs *es = epochs_of(ev);
	struct shadow_extent to = ev->found[ev->done];
	unsigned int n, i;
	u64 len;
	int err;

	err = may_go_on(ev);
	if (err)
		return err;
	if (!shadow_epochs_is_at(es, &ev->at, &to, &len)) {
		for (i = 0; i < len; i++)
			put_page_of(ev, ev->page[ev->used + i]);
		advance(ev, len);
		return 0;
	}
	if (shadow_epochs_move_reserve(es, &ev->at, to.block, SHADOW_GFP))
		return -ENOMEM;
	n = len;
	err = shadow_store_append(ev->store, ev->page + ev->used, &n, SHADOW_FOR_IMAGE, &to.loc);
	if (err)
		return err;
	to.len = n;
	shadow_epochs_move(es, &ev->at, &to, retire, ev);
	ev->moved += n;
	advance(ev, n);
	return 0;
}

static int move_some(struct evacuation *ev)
{
	int err = 0;

	lock(ev);
	while (!err && ev->done < ev->nr)
		err = move_run(ev);
	/* Room that is on its way: ours, a batch's, or more of the store. */
	if (err == -ENOSPC && is_cut(ev) && (ev->store->leaving || ev->store->freeing ||
					     shadow_policy_want_room(ev->vol)))
		err = -EAGAIN;
	unlock(ev);
	shadow_volume_kick(ev->vol);
	return err;
}

static int pause_for(struct evacuation *ev)
{
	/* What is freed in a batch is given back at its end. */
	WRITE_ONCE(ev->vol->flush_due, true);
	shadow_volume_kick(ev->vol);
	schedule_timeout_interruptible(PAUSE);
	return signal_pending(current) ? -EINTR : 0;
}

/* Store what was read, and let the records have it. */
static int move_found(struct evacuation *ev)
{
	unsigned int tries = 0;
	int err;

	ev->done = 0;
	ev->used = 0;
	if (ev->nr_retired + CHUNK > RETIRED_MAX || ev->blocks_retired >= RETIRED_BLOCKS)
		give_back(ev);
	for (;;) {
		err = move_some(ev);
		if (err == -EAGAIN)
			give_back(ev);
		else if (err != -ENOMEM || ++tries > MEMORY_TRIES)
			break;
		err = pause_for(ev);
		if (err)
			break;
	}
	drop_pages(ev);
	return err;
}

/* --- all of it ---------------------------------------------------------------------- */

/* One step.  Return: 1; 0 when nothing more is found; or an error. */
static int step(struct evacuation *ev)
{
	struct shadow_walk before = ev->walk;
	int found = find_some(ev), err;

	if (found <= 0)
		return found == -EAGAIN ? 1 : found;
	err = take_pages(ev);
	if (err)
		return err;
	read_found(ev);
	if (ev->status) {
		err = blk_status_to_errno(ev->status);
		drop_pages(ev);
		if (all_there(ev))
			return err == -EINTR ? -EIO : err;
		ev->walk = before;	/* perhaps it was what has gone meanwhile */
		return 1;
	}
	return move_found(ev) ?: 1;
}

/* Is nothing in use any more?  Or an error. */
static int is_clear(struct evacuation *ev)
{
	int clear;

	lock(ev);
	clear = may_go_on(ev) ?: !ev->part->space.nr_above;
	unlock(ev);
	return clear;
}

static int clear_out(struct evacuation *ev)
{
	int ret;

	for (;;) {
		ret = step(ev);
		if (!ret) {
			give_back(ev);
			ret = is_clear(ev);
			if (ret)
				return ret < 0 ? ret : 0;
			ret = pause_for(ev);
			ev->walk = SHADOW_WALK_BEGIN;
		}
		if (ret < 0)
			return ret;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static u32 reason_of(const struct shadow_volume *vol, int err)
{
	switch (err) {
	case -ENOSPC:
		return SHADOW_REASON_STORE_FULL;
	case -EINTR:
		return SHADOW_REASON_INTERRUPTED;
	case -ENOMEM:
		return SHADOW_REASON_NO_MEMORY;
	default:
		return shadow_policy_refuses(vol) ? SHADOW_REASON_FAULTED :
						    SHADOW_REASON_STORE_ERROR;
	}
}

int shadow_evacuate(struct shadow_volume *vol, struct shadow_part *part, u64 *moved,
		    struct shadow_fault *fault)
{
	struct evacuation *ev = kvzalloc(sizeof(*ev), GFP_KERNEL);
	dev_t dev = part->bdev ? part->bdev->bd_dev : 0;
	int err = -ENOMEM;

	*moved = 0;
	if (!ev)
		goto out;
	ev->vol = vol;
	ev->store = vol->store;
	ev->part = part;
	ev->first = shadow_loc(part, min(part->max_blocks, part->space.nr_blocks));
	ev->end = shadow_loc(part, part->space.nr_blocks);
	ev->walk = SHADOW_WALK_BEGIN;
	init_completion(&ev->read);
	atomic_inc(&vol->image_writers);
	err = clear_out(ev);
	atomic_dec(&vol->image_writers);
	if (READ_ONCE(vol->starved))
		shadow_volume_kick(vol);	/* our share is free for the origin */
	give_back(ev);
	/* Readers whose shadow was lost, too: its places were given back at once. */
	shadow_readers_drain(vol);
	*moved = ev->moved;
	kvfree(ev);
out:
	return err ? shadow_fail(fault, SHADOW_PHASE_STORE, reason_of(vol, err), dev, err) : 0;
}
