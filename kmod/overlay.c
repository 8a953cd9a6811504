// SPDX-License-Identifier: GPL-2.0-only
/*
 * overlay.c - what is written to the image of a shadow.
 *
 * A write touches neither the origin nor a record.  Its blocks go to the volume's
 * store as preserved ones do, and their locations into the overlay of the shadow's
 * epoch, where the image looks first.  A block that is written again gets a new
 * location.
 *
 * Each image has a worker of its own, which takes one write after the other, in the
 * order in which they came.  It may sleep, and the volume's worker never waits for it:
 *
 *	1. it waits until so many blocks may be in memory: images have a share of the
 *	   volume's budget, and the origin's writes have the rest;
 *	2. it copies the write's data into pages.  Where a write is a part of a block,
 *	   the page has what the image reads there, and the write's part on top; there
 *	   is no other writer, so the block cannot change in between;
 *	3. under the mutate mutex it hands the pages to the store's open batch, and puts
 *	   their locations into the overlay.  From here on they are read.
 *
 * Then the write has ended.  The store is volatile: there is nothing to flush, and who
 * has been told of the end of one write before sending the next has his order.
 *
 * A full store fails the write (ENOSPC).  Some of the store is left for the origin,
 * since what an image takes of it may cost all shadows; only blocks that replace
 * others may come from there.
 *
 * A location that was replaced may have been found by a read that is still under way,
 * so it is not given back at once.  Reads are counted in one of two phases, the current
 * one when they look; what is replaced in a phase is retired with it.  When nobody is
 * left who looked in the phase before, what was retired with that one is given back,
 * and a new phase begins.
 *
 * Why the worker's waits end: reads of the image are bios below us; memory comes back
 * from store writes, which are bios below us that the volume's worker sends without
 * us.  If the shadow is lost meanwhile, all writes fail; if fail-io has struck, nothing
 * is stored, and writes fail that would have to wait for it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "overlay.h"
#include "policy.h"

#define CHUNK_BLOCKS	64u	/* handed over without giving up the mutex */
#define RETIRED_MAX	512u
#define FREE_RUNS	64	/* of a region each; then others get the mutex */
#define PAUSE		(HZ / 50)
#define MEMORY_TRIES	100	/* pauses without memory, until a write fails */

/* Blocks of the store that are out of use, but for reads that have found them. */
struct retired {
	unsigned int nr;
	struct run {
		u64 loc;
		u64 len;
	} run[RETIRED_MAX];
};

/**
 * struct shadow_overlay - a writable image's other half
 * @vol: the volume
 * @stake: the shadow; its epoch has the index
 * @ops: the image's
 * @image: their argument
 * @wq: for @work alone: its rescuer waits for no other image
 * @work: the worker
 * @lock: protects @todo, @sealed; any context
 * @todo: writes for the worker
 * @sealed: no more of them
 * @phase: 0 or 1; changed with the epochs' lock held for writing
 * @readers: who looked in each phase, and reads still
 * @draining: somebody waits for the readers of the phase before
 * @drained: where they wait
 * @retired: in each phase; the worker's
 * @page: what is being handed over; the worker's
 */
struct shadow_overlay {
	struct shadow_volume *vol;
	struct shadow_stake *stake;
	const struct shadow_overlay_ops *ops;
	void *image;
	struct workqueue_struct *wq;
	struct work_struct work;

	spinlock_t lock;		/* any context */
	struct bio_list todo;
	bool sealed;

	unsigned int phase;
	atomic_t readers[2];
	bool draining;
	wait_queue_head_t drained;
	struct retired retired[2];

	struct page *page[CHUNK_BLOCKS];
};

static struct bio_set base_bios;	/* reads of what a block has, one at a time each */

/* --- what was replaced ------------------------------------------------------------ */

bool shadow_overlay_find(const struct shadow_overlay *ov, u64 block, u64 max, u64 *loc, u64 *len)
{
	return shadow_index_find(&ov->stake->epoch->overlay, block, max, loc, len);
}

unsigned int shadow_overlay_enter(struct shadow_overlay *ov)
{
	atomic_inc(&ov->readers[ov->phase]);
	return ov->phase;
}

void shadow_overlay_stay(struct shadow_overlay *ov, unsigned int phase)
{
	atomic_inc(&ov->readers[phase]);
}

void shadow_overlay_leave(struct shadow_overlay *ov, unsigned int phase)
{
	/* Count, then look: pairs with the barrier in has_drained(). */
	if (atomic_dec_and_test(&ov->readers[phase]) && READ_ONCE(ov->draining)) {
		wake_up(&ov->drained);
		queue_work(ov->wq, &ov->work);
	}
}

/* Has everybody left who looked in the phase before?  If not, the last one tells. */
static bool has_drained(struct shadow_overlay *ov)
{
	WRITE_ONCE(ov->draining, true);
	smp_mb();	/* say so, then look; pairs with shadow_overlay_leave() */
	if (atomic_read(&ov->readers[!ov->phase]))
		return false;
	WRITE_ONCE(ov->draining, false);
	return true;
}

/* Context: the worker, the mutate mutex and the epochs' lock held. */
static void retire(void *arg, u64 loc, u64 len)
{
	struct shadow_overlay *ov = arg;
	struct retired *now = &ov->retired[ov->phase];
	struct run *last = now->nr ? &now->run[now->nr - 1] : NULL;

	if (last && last->loc + last->len == loc && last->len + len <= SHADOW_BATCH_BLOCKS)
		last->len += len;
	else
		now->run[now->nr++] = (struct run){ loc, len };
}

static bool any_retired(const struct shadow_overlay *ov)
{
	return ov->retired[0].nr || ov->retired[1].nr;
}

static void give_back(struct shadow_overlay *ov, struct retired *retired)
{
	struct shadow_epochs *es = &ov->vol->epochs;
	unsigned int n;

	while (retired->nr) {
		mutex_lock(&es->mutate);
		for (n = 0; retired->nr && n < FREE_RUNS; n++) {
			const struct run *run = &retired->run[--retired->nr];

			es->free(es->free_arg, run->loc, run->len);
		}
		mutex_unlock(&es->mutate);
	}
}

/* Give back what nobody reads any more. */
static void reclaim(struct shadow_overlay *ov)
{
	struct shadow_epochs *es = &ov->vol->epochs;

	while (any_retired(ov) && has_drained(ov)) {
		give_back(ov, &ov->retired[!ov->phase]);
		if (!ov->retired[ov->phase].nr)
			break;
		write_lock(&es->lock);
		ov->phase = !ov->phase;
		write_unlock(&es->lock);
	}
}

/* The same, and wait for it: until there is room for a chunk, or (@all) none is left. */
static void reclaim_wait(struct shadow_overlay *ov, bool all)
{
	for (;;) {
		reclaim(ov);
		if (all ? !any_retired(ov) :
		    ov->retired[ov->phase].nr + CHUNK_BLOCKS <= RETIRED_MAX)
			break;
		wait_event(ov->drained, has_drained(ov));
	}
}

/* --- writing ------------------------------------------------------------------------ */

static bool is_lost(const struct shadow_overlay *ov)
{
	return READ_ONCE(ov->stake->lost);
}

/*
 * Wait until @n more blocks may be in memory.  Return: 0, or -EIO when the shadow is lost, or
 * nothing is stored.
 */
static int wait_for_room(struct shadow_overlay *ov, unsigned int n)
{
	struct shadow_volume *vol = ov->vol;
	bool taken = shadow_volume_take_image_memory(vol, n);

	if (!taken) {
		WRITE_ONCE(vol->flush_due, true);	/* an open batch may have the room */
		shadow_volume_kick(vol);
		wait_event(vol->image_wait, (taken = shadow_volume_take_image_memory(vol, n)) ||
			   is_lost(ov) || shadow_policy_refuses(vol));
	}
	return taken ? 0 : -EIO;
}

static void base_read(struct bio *bio)
{
	complete(bio->bi_private);
}

/* Fill @page with what the image has at @block, @bytes of it. */
static int read_base(struct shadow_overlay *ov, u64 block, struct page *page, unsigned int bytes)
{
	struct bio *bio = bio_alloc_bioset(ov->vol->bdev, 1, REQ_OP_READ | REQ_SYNC, GFP_NOIO,
					   &base_bios);
	DECLARE_COMPLETION_ONSTACK(done);
	int err;

	bio->bi_iter.bi_sector = block * SHADOW_BLOCK_SECTORS;
	bio->bi_private = &done;
	bio->bi_end_io = base_read;
	__bio_add_page(bio, page, bytes, 0);
	ov->ops->read(ov->image, bio);
	wait_for_completion_io(&done);
	err = blk_status_to_errno(bio->bi_status);
	bio_put(bio);
	return err;
}

static void copy_out(struct bio *bio, struct bvec_iter iter, void *to, unsigned int bytes)
{
	while (bytes) {
		struct bio_vec bv = bio_iter_iovec(bio, iter);
		unsigned int n = min(bv.bv_len, bytes);

		memcpy_from_page(to, bv.bv_page, bv.bv_offset, n);
		bio_advance_iter(bio, &iter, n);
		to += n;
		bytes -= n;
	}
}

/* The page of the block in which @iter begins, with @iter's part of it.  Advances @iter. */
static int fill_page(struct shadow_overlay *ov, struct bio *bio, struct bvec_iter *iter,
		     struct page **pagep)
{
	u64 block = iter->bi_sector / SHADOW_BLOCK_SECTORS;
	unsigned int offset = (iter->bi_sector % SHADOW_BLOCK_SECTORS) << SECTOR_SHIFT;
	unsigned int bytes = min(SHADOW_BLOCK_SIZE - offset, iter->bi_size);
	u64 left = get_capacity(shadow_bio_disk(bio)) - block * SHADOW_BLOCK_SECTORS;
	unsigned int whole = min_t(u64, left, SHADOW_BLOCK_SECTORS) << SECTOR_SHIFT;
	struct page *page = alloc_page(GFP_NOIO | __GFP_NOWARN);
	void *to;
	int err;

	if (!page)
		return -ENOMEM;
	if (whole < SHADOW_BLOCK_SIZE)
		clear_highpage(page);
	if (bytes < whole) {
		err = read_base(ov, block, page, whole);
		if (err) {
			__free_page(page);
			return err;
		}
	}
	to = kmap_local_page(page);
	copy_out(bio, *iter, to + offset, bytes);
	kunmap_local(to);
	bio_advance_iter(bio, iter, bytes);
	*pagep = page;
	return 0;
}

/* Does what the image has at @block come from the overlay already? */
static bool is_written(const struct shadow_overlay *ov, u64 block)
{
	u64 loc, len;

	return shadow_overlay_find(ov, block, 1, &loc, &len);
}

static int reserve(struct shadow_overlay *ov, u64 block)
{
	struct shadow_epochs *es = &ov->vol->epochs;

	if (!shadow_epochs_overlay_reserve(es, ov->stake->epoch, block, SHADOW_GFP))
		return 0;
	return shadow_epochs_overlay_reserve(es, ov->stake->epoch, block, SHADOW_GFP_LAST);
}

/*
 * Store a run of pages, adjacent in the store and within a region, and show it.  @done:
 * how many of @n are; raised.  Context: mutate mutex held.  Return: 0, -EIO, -ENOMEM,
 * -ENOSPC, or -EAGAIN when the store has neither memory nor space at the moment.
 */
static int put_run(struct shadow_overlay *ov, u64 first, unsigned int n, unsigned int *done)
{
	struct shadow_store *store = ov->vol->store;
	struct shadow_extent extent = { .block = first + *done };
	u64 region_end = (extent.block | (SHADOW_REGION_BLOCKS - 1)) + 1;
	bool grows;
	int err = 0;

	if (is_lost(ov))
		return -EIO;
	if (reserve(ov, extent.block))
		return -ENOMEM;
	while (*done < n && first + *done < region_end) {
		unsigned int one = 1;
		u64 loc;

		/* A batch that begins anew may lie elsewhere: a run of its own then. */
		if (extent.len && !store->open)
			break;
		if (!shadow_store_has_spare(store) && !is_written(ov, first + *done))
			err = -ENOSPC;
		else
			err = shadow_store_append(store, &ov->page[*done], &one, SHADOW_FOR_IMAGE,
						  &loc);
		if (err == -ENOSPC && shadow_store_uncut(store))
			continue;
		if (err)
			break;
		if (!extent.len)
			extent.loc = loc;
		extent.len++;
		++*done;
	}
	if (extent.len) {
		shadow_epochs_overlay_put(&ov->vol->epochs, ov->stake->epoch, &extent, retire, ov);
		shadow_changes_note_overlay(ov->vol, ov->stake->mark, extent.block, extent.len);
		return 0;
	}
	grows = err == -ENOSPC && shadow_policy_want_room(ov->vol);
	if ((err == -ENOMEM || (err == -ENOSPC && store->freeing)) && shadow_store_busy(store))
		return shadow_policy_refuses(ov->vol) ? -EIO : -EAGAIN;
	return grows ? -EAGAIN : err;	/* may_go_on() kicks the worker */
}

/* May a write go on, after a pause, that could not be stored because of @err? */
static bool may_go_on(struct shadow_overlay *ov, int err, unsigned int *tries)
{
	switch (err) {
	case -ENOSPC:
		if (!any_retired(ov))
			return false;
		reclaim_wait(ov, true);
		return true;
	case -ENOMEM:
		if (++*tries > MEMORY_TRIES)
			return false;
		break;
	case -EAGAIN:
		WRITE_ONCE(ov->vol->flush_due, true);
		shadow_volume_kick(ov->vol);
		break;
	default:
		return false;
	}
	schedule_timeout_uninterruptible(PAUSE);
	return true;
}

/* Hand over the first @n pages, which are for the blocks from @first on. */
static int store_pages(struct shadow_overlay *ov, u64 first, unsigned int n)
{
	struct shadow_volume *vol = ov->vol;
	unsigned int done = 0, tries = 0, i;
	int err = 0;

	do {
		reclaim_wait(ov, false);
		if (READ_ONCE(vol->gate))	/* the instant polls for the mutex */
			usleep_range(200, 400);
		mutex_lock(&vol->epochs.mutate);
		do {
			err = put_run(ov, first, n, &done);
		} while (!err && done < n);
		mutex_unlock(&vol->epochs.mutate);
		shadow_volume_kick(vol);
	} while (err && may_go_on(ov, err, &tries));
	if (done == n)
		return 0;
	for (i = done; i < n; i++)
		__free_page(ov->page[i]);
	atomic64_sub(n - done, &vol->image_memory);
	shadow_volume_kick(vol);	/* others may wait for it */
	return err;
}

/* Write the next chunk of @iter. */
static int write_chunk(struct shadow_overlay *ov, struct bio *bio, struct bvec_iter *iter)
{
	struct shadow_range range = shadow_range_of(iter->bi_sector, bvec_iter_sectors(*iter), 0,
						    U64_MAX);
	unsigned int n = min_t(u64, range.end - range.first, CHUNK_BLOCKS), filled = 0;
	int err, stored;

	err = wait_for_room(ov, n);
	if (err)
		return err;
	while (!err && filled < n) {
		err = fill_page(ov, bio, iter, &ov->page[filled]);
		if (!err)
			filled++;
	}
	atomic64_sub(n - filled, &ov->vol->image_memory);
	stored = store_pages(ov, range.first, filled);
	return err ?: stored;
}

static struct bio *next_write(struct shadow_overlay *ov)
{
	struct bio *bio;

	spin_lock_irq(&ov->lock);
	bio = bio_list_pop(&ov->todo);
	spin_unlock_irq(&ov->lock);
	return bio;
}

static void worker(struct work_struct *work)
{
	struct shadow_overlay *ov = container_of(work, struct shadow_overlay, work);
	unsigned int noio = memalloc_noio_save();
	struct shadow_volume *vol = ov->vol;
	struct bio *bio;

	atomic_inc(&vol->image_writers);
	while ((bio = next_write(ov))) {
		struct bvec_iter iter = bio->bi_iter;
		int err = 0;

		while (!err && iter.bi_size)
			err = write_chunk(ov, bio, &iter);
		ov->ops->written(ov->image, bio, errno_to_blk_status(err));
	}
	atomic_dec(&vol->image_writers);
	if (READ_ONCE(vol->starved))
		shadow_volume_kick(vol);	/* our share is free for the origin */
	reclaim(ov);
	memalloc_noio_restore(noio);
}

bool shadow_overlay_write(struct shadow_overlay *ov, struct bio *bio)
{
	unsigned long flags;
	bool sealed;

	spin_lock_irqsave(&ov->lock, flags);
	sealed = ov->sealed;
	if (!sealed) {
		bio_list_add(&ov->todo, bio);
		queue_work(ov->wq, &ov->work);
	}
	spin_unlock_irqrestore(&ov->lock, flags);
	return !sealed;
}

void shadow_overlay_seal(struct shadow_overlay *ov)
{
	spin_lock_irq(&ov->lock);
	ov->sealed = true;
	spin_unlock_irq(&ov->lock);
	flush_work(&ov->work);
}

/* --- life --------------------------------------------------------------------------- */

void shadow_overlay_lost(struct shadow_overlay *ov)
{
	wake_up_all(&ov->vol->image_wait);
	queue_work(ov->wq, &ov->work);		/* gives back what is retired */
}

struct shadow_overlay *shadow_overlay_create(struct shadow_volume *vol, struct shadow_stake *stake,
					     const char *name,
					     const struct shadow_overlay_ops *ops, void *image)
{
	struct shadow_overlay *ov = kvzalloc(sizeof(*ov), GFP_KERNEL);

	if (!ov)
		return NULL;
	ov->wq = alloc_workqueue("shadow-write/%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 1, name);
	if (!ov->wq) {
		kvfree(ov);
		return NULL;
	}
	ov->vol = vol;
	ov->stake = stake;
	ov->ops = ops;
	ov->image = image;
	INIT_WORK(&ov->work, worker);
	spin_lock_init(&ov->lock);
	bio_list_init(&ov->todo);
	init_waitqueue_head(&ov->drained);
	return ov;
}

void shadow_overlay_empty(struct shadow_overlay *ov)
{
	struct shadow_epochs *es;
	unsigned int n;
	bool more;

	if (!ov)
		return;
	es = &ov->vol->epochs;
	cancel_work_sync(&ov->work);	/* which has nothing to wait for any more */
	give_back(ov, &ov->retired[0]);
	give_back(ov, &ov->retired[1]);
	do {
		mutex_lock(&es->mutate);
		for (n = 0, more = true; more && n < FREE_RUNS; n++)
			more = shadow_epochs_overlay_free(es, ov->stake->epoch);
		mutex_unlock(&es->mutate);
		/* The instant polls for the mutex, once no write waits for room any more. */
		while (READ_ONCE(ov->vol->gate) && !READ_ONCE(ov->vol->short_of_room))
			usleep_range(500, 1000);
		cond_resched();
	} while (more);
}

void shadow_overlay_destroy(struct shadow_overlay *ov)
{
	if (!ov)
		return;
	destroy_workqueue(ov->wq);
	kvfree(ov);
}

int shadow_overlay_init(void)
{
	return bioset_init(&base_bios, BIO_POOL_SIZE, 0, BIOSET_NEED_BVECS);
}

void shadow_overlay_exit(void)
{
	bioset_exit(&base_bios);
}
