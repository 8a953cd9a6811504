// SPDX-License-Identifier: GPL-2.0-only
/*
 * preserve.c - the way of a write through a tracked volume: copy before write.
 *
 * In the submitter's context (shadow_write()) there is only a decision:
 *
 *	gate closed			behind the gate
 *	all its blocks are settled,	cloned and on its way
 *	and it is noted that they
 *	change (changes.c)
 *	otherwise			to the worker's list
 *
 * Nothing is read, waited for or allocated with waiting there: the submitter may
 * hold a filesystem's locks, be freeing memory, or be inside another driver's
 * ->submit_bio.  In that last case (current->bio_list) even a clone that we
 * submit only lands on the task's list, where it waits for the driver, which may
 * wait for memory that only the clone's completion frees: such writes always go
 * through the worker.
 *
 * The worker is one work item per volume, so everything it alone uses needs no
 * lock.  Each run
 *
 *	1. collects ended store writes; an error loses shadows first, then the
 *	   memory is taken back,
 *	2. records what was read: each block goes to the store's open batch, then
 *	   into the index, then its settled bit is set, then the claim's waiting
 *	   writes are let go; in a durable store (durable.c) all but the first step
 *	   follows when the store's log says it on stable storage,
 *	3. goes through the waiting writes in order: settled ones are admitted;
 *	   unsettled blocks without a claim get one, which reads their old contents;
 *	   the write parks on the last claim that it needs, and is looked at again
 *	   from its beginning when that is done,
 *	4. starts store writes.
 *
 * A claim is a run of up to 256 blocks of which the old contents are being read.
 * Claims are disjoint.  A write of 1 MiB is one claim, and one read.  A claim for a
 * small write may take unsettled neighbours with it (window.c) that nobody writes
 * yet.  It is the write's claim all the same: there is none without a write in
 * flight that has to wait for it, so the end of an epoch finds no claim.
 *
 * Old data can be preserved without a write that overwrites it (shadow_preserve()):
 * a write of nothing goes the same way, and ends where it would be admitted.
 *
 * The worker does not wait for memory.  It asks pools without waiting; when one
 * is empty, or the volume's budget is used up, the writes stay where they are
 * and it ends.  Whatever refills a pool kicks it: the end of a claim's read, of
 * a store write, of an admitted write.  Our pools hold enough for one, so with
 * nothing under way something is always possible; for memory that is not ours
 * it looks again after a while.  A store that does not answer for store_timeout
 * seconds while writes wait for it costs the shadows.  What is below us makes
 * progress without us, except another tracked volume, which has a worker, pools
 * and a work queue of its own.
 *
 * Where the store is full writes may wait for room, in the same way as for memory;
 * policy.c decides that, and what becomes of shadows and writes after a failure
 * (reading old data, store full or failing, no memory for records): as a rule the
 * shadows are lost that needed the data, and then the writes go on.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "checkpoint.h"
#include "durable.h"
#include "gate.h"
#include "policy.h"
#include "preserve.h"
#include "watch.h"
#include "window.h"

#define CLAIM_BLOCKS	SHADOW_BATCH_BLOCKS
#define WRITE_WINDOW	(4 * CLAIM_BLOCKS)	/* blocks claimed for one write at a time */
#define FLUSH_AFTER	HZ			/* how long a partial batch may wait */
#define RETRY_AFTER	(HZ / 20)
#define NOTE_AFTER	(5 * HZ)
#define NOWAIT		(GFP_NOWAIT | __GFP_NOWARN)

static unsigned int store_timeout = 120;
module_param(store_timeout, uint, 0644);
MODULE_PARM_DESC(store_timeout,
		 "seconds that writes wait for a store that does not answer, before the shadows are given up (default 120)");

/**
 * struct shadow_claim - blocks whose old contents are being read
 * @rb: in the volume's claims, by @first
 * @node: in read_claims, then settling, then committing where the store is durable
 * @vol: the volume
 * @first: first block
 * @end: block after the last
 * @want: what the write that made it wants; the other blocks are preserved ahead
 * @done: blocks up to this one are recorded
 * @status: how the read ended
 * @group: the last one of the store's log that names blocks of it; 0: none does
 * @waiters: writes to be looked at again then
 * @page: the data
 */
struct shadow_claim {
	struct rb_node rb;
	struct list_head node;
	struct shadow_volume *vol;
	u64 first;
	u64 end;
	struct shadow_range want;
	u64 done;
	blk_status_t status;
	u64 group;
	struct bio_list waiters;
	struct page *page[CLAIM_BLOCKS];
};

size_t shadow_write_front(void)
{
	return offsetof(struct shadow_write_clone, bio);
}

size_t shadow_claim_size(void)
{
	return sizeof(struct shadow_claim);
}

/* --- admission ---------------------------------------------------------------- */

static void clone_end(struct bio *bio)
{
	struct shadow_write_clone *clone = container_of(bio, struct shadow_write_clone, bio);
	struct shadow_volume *vol = clone->vol;
	struct bio *orig = clone->orig;

	if (bio->bi_status)
		orig->bi_status = bio->bi_status;
	bio_put(bio);
	bio_endio(orig);
	shadow_flight_end(vol);
}

static void nothing_written(struct bio *bio)
{
	complete(bio->bi_private);
}

/* A write of nothing changes nothing. */
static bool is_nothing(const struct bio *bio)
{
	return bio->bi_end_io == nothing_written;
}

/* Drivers have not seen it yet, so nobody has borrowed its end. */
static const struct bio_set *source_of(const struct bio *bio)
{
	if (bio->bi_end_io == clone_end)
		return container_of(bio, struct shadow_write_clone, bio)->source;
	return bio->bi_pool;
}

struct bio *shadow_write_clone(struct shadow_volume *vol, struct bio *orig)
{
	struct bio *bio = shadow_bio_clone(orig, NOWAIT, &vol->clones);
	struct shadow_write_clone *clone;

	if (!bio)
		return NULL;
	clone = container_of(bio, struct shadow_write_clone, bio);
	clone->orig = orig;
	clone->vol = vol;
	clone->source = source_of(orig);
	return bio;
}

/* Send a write on.  False: no memory for the clone. */
static bool admit(struct shadow_volume *vol, struct bio *orig)
{
	struct bio *bio;

	if (is_nothing(orig)) {
		bio_endio(orig);
		shadow_flight_end(vol);
		return true;
	}
	bio = shadow_write_clone(vol, orig);
	if (!bio)
		return false;
	bio->bi_end_io = clone_end;
	submit_bio_noacct(bio);
	return true;
}

/*
 * Length of the run of settled, or unsettled, blocks from @first on.  All are
 * settled while nothing is to be preserved.
 */
static u64 settled_run(struct shadow_volume *vol, u64 first, u64 n, bool *set)
{
	const struct shadow_settled *st;

	*set = true;
	rcu_read_lock();
	st = rcu_dereference(vol->epochs.settled);
	if (st)
		n = shadow_blockmap_run(&st->map, first, n, set);
	rcu_read_unlock();
	return n;
}

static bool all_settled(struct shadow_volume *vol, struct shadow_range range)
{
	bool set;

	return range.first == range.end ||	/* another partition's */
	       (settled_run(vol, range.first, range.end - range.first, &set) ==
		range.end - range.first && set);
}

/* A write to settled blocks goes on. */
static void note_written(struct shadow_volume *vol, struct shadow_range range)
{
	struct shadow_settled *st;
	u64 were_ahead = 0;

	rcu_read_lock();
	st = rcu_dereference(vol->epochs.settled);
	if (st)
		were_ahead = shadow_settled_written(st, range.first, range.end - range.first);
	rcu_read_unlock();
	if (were_ahead)
		atomic64_add(were_ahead, &vol->blocks_preserved);
}

static struct shadow_range range_of(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range;

	rcu_read_lock();
	range = shadow_volume_range(vol, bio);
	rcu_read_unlock();
	return range;
}

void shadow_write(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range;
	unsigned long flags;

	bio_clear_polled(bio);	/* its completion will not come from polling it */
	if (shadow_gate_park(vol, bio))
		return;
	range = range_of(vol, bio);
	if (!current->bio_list && !shadow_policy_refuses(vol) && all_settled(vol, range) &&
	    !shadow_watch_concerns(vol, range) &&
	    (is_nothing(bio) || shadow_changes_note(vol, range))) {
		note_written(vol, range);
		this_cpu_inc(vol->flight->direct);	/* before the volume may go */
		if (admit(vol, bio))
			return;
		this_cpu_dec(vol->flight->direct);
	}
	bio->bi_opf &= ~REQ_NOWAIT;	/* the worker submits it, and may wait */
	spin_lock_irqsave(&vol->lock, flags);
	bio_list_add(&vol->todo, bio);
	this_cpu_inc(vol->flight->parked);
	shadow_volume_kick(vol);
	spin_unlock_irqrestore(&vol->lock, flags);
}

/* --- preserving without a write ------------------------------------------------------ */

/* A write of nothing to blocks of the volume: all that comes before it is done. */
static int write_nothing(struct shadow_volume *vol, u64 first, u64 n)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct bio *bio = shadow_bio_alloc_disk(vol->disk, REQ_OP_WRITE_ZEROES);
	int err;

	if (!bio)
		return -ENOMEM;
	bio->bi_iter.bi_sector = vol->start + first * SHADOW_BLOCK_SECTORS;
	bio->bi_iter.bi_size = n << SHADOW_BLOCK_BITS;
	bio->bi_private = &done;
	bio->bi_end_io = nothing_written;
	rcu_read_lock();
	shadow_flight_begin(vol);
	rcu_read_unlock();
	shadow_write(vol, bio);
	wait_for_completion(&done);
	err = blk_status_to_errno(bio->bi_status);
	bio_put(bio);
	return err;
}

int shadow_preserve(struct shadow_volume *vol, u64 first, u64 n)
{
	int err = 0;

	while (n && !err) {
		bool settled;
		u64 run = settled_run(vol, first, n, &settled);

		if (!settled) {
			run = min_t(u64, run, CLAIM_BLOCKS);
			err = write_nothing(vol, first, run);
		}
		first += run;
		n -= run;
	}
	return err;
}

/* --- claims ------------------------------------------------------------------------ */

static struct shadow_claim *to_claim(struct rb_node *node)
{
	return rb_entry_safe(node, struct shadow_claim, rb);
}

/* The first claim that ends after @block, or NULL. */
static struct shadow_claim *claim_from(struct shadow_volume *vol, u64 block)
{
	struct rb_node *node = vol->claims.rb_node;
	struct shadow_claim *best = NULL;

	while (node) {
		struct shadow_claim *claim = to_claim(node);

		if (claim->end > block) {
			best = claim;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

static void insert_claim(struct shadow_volume *vol, struct shadow_claim *claim)
{
	struct rb_node **link = &vol->claims.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (claim->first < to_claim(parent)->first)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&claim->rb, parent, link);
	rb_insert_color(&claim->rb, &vol->claims);
}

static void claim_read_end(struct bio *bio)
{
	struct shadow_claim *claim = bio->bi_private;
	struct shadow_volume *vol = claim->vol;
	unsigned long flags;

	claim->status = bio->bi_status;
	bio_put(bio);
	spin_lock_irqsave(&vol->lock, flags);
	list_add_tail(&claim->node, &vol->read_claims);
	shadow_volume_kick(vol);	/* the claim's writes keep the volume until it ran */
	spin_unlock_irqrestore(&vol->lock, flags);
}

/* Bytes of the volume in block @block: less than a block at its end. */
static unsigned int block_bytes(const struct shadow_volume *vol, u64 block)
{
	u64 left = READ_ONCE(vol->nr_sectors) - block * SHADOW_BLOCK_SECTORS;

	return min_t(u64, left, SHADOW_BLOCK_SECTORS) << SECTOR_SHIFT;
}

/* What of the budget is not the origin's: what images have, and could have at once. */
static s64 images_part(struct shadow_volume *vol)
{
	s64 part = atomic64_read(&vol->image_memory);

	return atomic_read(&vol->image_writers) ? max(part, shadow_volume_image_share(vol)) : part;
}

static void note_peak(struct shadow_volume *vol)
{
	u64 now = atomic64_read(&vol->memory) + atomic64_read(&vol->image_memory);

	if (now > vol->memory_peak)
		WRITE_ONCE(vol->memory_peak, now);
}

/* Take pages for up to @n blocks from pool and budget. */
static unsigned int take_pages(struct shadow_volume *vol, struct page **page, u64 n)
{
	s64 room = READ_ONCE(vol->memory_limit) - images_part(vol) - atomic64_read(&vol->memory);
	unsigned int i;

	if (room <= 0)
		return 0;
	n = min3(n, (u64)room, (u64)CLAIM_BLOCKS);
	for (i = 0; i < n; i++) {
		page[i] = mempool_alloc(&vol->pages, NOWAIT);
		if (!page[i])
			break;
	}
	atomic64_add(i, &vol->memory);
	note_peak(vol);
	return i;
}

static void put_pages(struct shadow_volume *vol, struct page **page, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		mempool_free(page[i], &vol->pages);
	atomic64_sub(n, &vol->memory);
}

/* What to claim for @need: neighbours, too, where that pays and memory is plentiful. */
static struct shadow_range window_of(struct shadow_volume *vol, struct shadow_range need)
{
	struct shadow_claim *after = claim_from(vol, need.first);
	struct shadow_claim *before = to_claim(after ? rb_prev(&after->rb) : rb_last(&vol->claims));
	struct shadow_range room = { before ? before->end : 0,
				     after ? after->first : READ_ONCE(vol->nr_blocks) };

	if (vol->ahead_failed || vol->starved || READ_ONCE(vol->protected) ||
	    READ_ONCE(vol->pages.curr_nr) < vol->pages.min_nr ||
	    (u64)atomic64_read(&vol->memory) > READ_ONCE(vol->memory_limit) / 2)
		return need;
	return shadow_window(&vol->epochs,
			     vol->ahead_limit - min(vol->ahead_limit, vol->ahead_claimed),
			     need, room);
}

/* Blocks of a claim that its write does not want. */
static u64 ahead_in(const struct shadow_claim *claim)
{
	u64 wanted = min(claim->end, claim->want.end) - max(claim->first, claim->want.first);

	return claim->end - claim->first - wanted;
}

/*
 * Claim unsettled blocks from @need.first on up to @need.end at most, and start to
 * read them.  @want: all that the write wants.  NULL: no memory, or the budget is
 * used up.
 */
static struct shadow_claim *start_claim(struct shadow_volume *vol, struct shadow_range want,
					struct shadow_range need)
{
	struct shadow_claim *claim = mempool_alloc(&vol->claim_pool, NOWAIT);
	struct shadow_range all;
	unsigned int nr, i;
	struct bio *bio;
	u64 first;

	if (!claim)
		return NULL;
	all = window_of(vol, need);
	first = all.first;
	nr = take_pages(vol, claim->page, all.end - all.first);
	if (nr < all.end - all.first && nr) {
		unsigned int enough = min_t(u64, nr, need.end - need.first);

		first = need.first;
		put_pages(vol, claim->page + enough, nr - enough);
		nr = enough;
	}
	if (!nr)
		goto free_claim;
	bio = shadow_bio_alloc_nowait(vol->bdev, nr, REQ_OP_READ | REQ_SYNC, &vol->reads);
	if (!bio)
		goto free_pages;
	claim->vol = vol;
	claim->first = first;
	claim->done = first;
	claim->end = first + nr;
	claim->want = want;
	claim->group = 0;
	bio_list_init(&claim->waiters);
	insert_claim(vol, claim);
	vol->ahead_claimed += ahead_in(claim);
	atomic_inc(&vol->nr_claims);

	bio->bi_iter.bi_sector = first * SHADOW_BLOCK_SECTORS;
	bio->bi_private = claim;
	bio->bi_end_io = claim_read_end;
	for (i = 0; i < nr; i++) {
		unsigned int bytes = block_bytes(vol, first + i);

		if (bytes < SHADOW_BLOCK_SIZE)
			clear_highpage(claim->page[i]);
		__bio_add_page(bio, claim->page[i], bytes, 0);
	}
	atomic64_inc(&vol->origin_reads);
	atomic64_add(bio->bi_iter.bi_size, &vol->origin_read_bytes);
	submit_bio_noacct(bio);
	return claim;

free_pages:
	put_pages(vol, claim->page, nr);
free_claim:
	mempool_free(claim, &vol->claim_pool);
	return NULL;
}

/*
 * Bring a write one step further: it is admitted, or waits on a claim.  False:
 * it can do neither for want of memory.
 *
 * No write goes while a claim overlaps it: the claim's read must not race with
 * it, and when no write is in flight there must be no claim either, whose data
 * would belong to an epoch that has ended.
 */
static bool advance(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range = range_of(vol, bio);
	struct shadow_claim *claim, *wait_on = NULL;
	u64 block = range.first, claimed = 0;

	while (block < range.end && claimed < WRITE_WINDOW) {
		bool settled;
		u64 run;

		claim = claim_from(vol, block);
		if (!claim || claim->first > block) {
			run = settled_run(vol, block, range.end - block, &settled);
			if (claim)
				run = min(run, claim->first - block);
			if (settled) {
				block += run;
				continue;
			}
			claim = start_claim(vol, range,
					    (struct shadow_range){ block, block + run });
			if (!claim)
				break;
			claimed += claim->end - claim->first;
		}
		/* Its read is under way, even if its blocks are settled by now. */
		wait_on = claim;
		block = claim->end;
	}
	if (wait_on) {
		bio_list_add(&wait_on->waiters, bio);
		return true;
	}
	if (block < range.end)
		return false;
	note_written(vol, range);
	if (!is_nothing(bio))
		shadow_changes_note_slow(vol, range);
	if (!is_nothing(bio) && shadow_watch_concerns(vol, range)) {
		shadow_watch_write(vol, bio);
		return true;
	}
	return admit(vol, bio);
}

/* Are its blocks settled, and none of them claimed? */
static bool needs_nothing(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range = range_of(vol, bio);
	struct shadow_claim *claim = claim_from(vol, range.first);

	return (!claim || claim->first >= range.end) && all_settled(vol, range);
}

/* --- recording ------------------------------------------------------------------------ */

static int reserve_records(struct shadow_volume *vol, u64 block)
{
	if (!shadow_epochs_reserve(&vol->epochs, block, 1, SHADOW_GFP))
		return 0;
	return shadow_epochs_reserve(&vol->epochs, block, 1, SHADOW_GFP_LAST);
}

static bool is_wide(const struct shadow_claim *claim)
{
	return claim->first < claim->want.first || claim->end > claim->want.end;
}

/* Tell the blocks that a write waits for from those preserved ahead.  Not settled yet. */
static void note_ahead(struct shadow_volume *vol, struct shadow_claim *claim,
		       const struct shadow_extent *extent)
{
	u64 end = extent->block + extent->len;
	u64 from = clamp(claim->want.first, extent->block, end);
	u64 to = clamp(claim->want.end, from, end);

	if (from > extent->block)
		shadow_epochs_ahead(&vol->epochs, extent->block, from - extent->block, SHADOW_GFP);
	if (to < end)
		shadow_epochs_ahead(&vol->epochs, to, end - to, SHADOW_GFP);
	atomic64_add(to - from, &vol->blocks_preserved);
	atomic64_add(extent->len - (to - from), &vol->blocks_ahead);
}

/* Leave out the neighbours that would be recorded next.  False: a write wants what is next. */
static bool skip_ahead(struct shadow_volume *vol, struct shadow_claim *claim)
{
	u64 upto = claim->done < claim->want.first ? claim->want.first : claim->end;

	if (claim->done >= claim->want.first && claim->done < claim->want.end)
		return false;
	put_pages(vol, claim->page + (claim->done - claim->first), upto - claim->done);
	claim->done = upto;
	return true;
}

/* The epoch under which blocks are recorded.  Context: mutate mutex; there is one. */
static struct shadow_epoch *target_of(struct shadow_volume *vol)
{
	return rcu_dereference_protected(vol->epochs.settled,
					 lockdep_is_held(&vol->epochs.mutate))->target;
}

/*
 * Store and record a run of a claim's blocks, before @end: adjacent in the store
 * and within a region.  A durable store's log is told of it, and it is recorded when that
 * is committed.  Return: 0, or as shadow_store_append(), or shadow_durable_room().
 */
static int record_run(struct shadow_volume *vol, struct shadow_claim *claim, u64 end)
{
	u64 region_end = (claim->done | (SHADOW_REGION_BLOCKS - 1)) + 1;
	struct shadow_extent extent = { .block = claim->done };
	struct shadow_durable *durable = vol->store->durable;
	unsigned int n = min(end, region_end) - claim->done;
	int err;

	if (durable)
		err = shadow_durable_room(durable, 2, false);
	else
		err = reserve_records(vol, claim->done) ? -ENOBUFS : 0;
	if (err)
		return err;
	err = shadow_store_append(vol->store, claim->page + (claim->done - claim->first), &n,
				  SHADOW_FOR_ORIGIN, &extent.loc);
	if (err)
		return err;
	extent.len = n;
	claim->done += n;
	if (durable) {
		claim->group = shadow_durable_extent(durable, target_of(vol)->number, &extent);
		return 0;
	}
	shadow_epochs_record(&vol->epochs, &extent);
	note_ahead(vol, claim, &extent);
	shadow_epochs_settle(&vol->epochs, extent.block, extent.len);
	return 0;
}

static u32 read_failure(const struct shadow_volume *vol)
{
	return READ_ONCE(vol->gone) || !disk_live(vol->disk) ? SHADOW_REASON_ORIGIN_GONE :
	       SHADOW_REASON_ORIGIN_ERROR;
}

/* Is the log of its store being written, which frees memory?  Context: mutate mutex. */
static bool is_committing(const struct shadow_volume *vol)
{
	return vol->store && vol->store->durable && shadow_durable_busy(vol->store->durable);
}

/*
 * Record what a claim has read.  False: the store has no memory for a batch at
 * the moment, or no room, to be continued when one was written, or there is some.
 */
static bool record(struct shadow_volume *vol, struct shadow_claim *claim)
{
	struct shadow_settled *st;
	bool settled;
	u64 run;
	int err;

	while (claim->done < claim->end) {
		st = rcu_dereference_protected(vol->epochs.settled,
					       lockdep_is_held(&vol->epochs.mutate));
		if (!st || shadow_policy_refuses(vol))
			break;		/* nobody needs it any more, or its writes end here */
		if (st->target->number <= vol->lost_upto)
			return false;	/* nobody does, once the store's log says so */
		run = shadow_blockmap_run(&st->map, claim->done, claim->end - claim->done,
					  &settled);
		if (settled) {		/* by a deletion meanwhile: not to be recorded again */
			put_pages(vol, claim->page + (claim->done - claim->first), run);
			claim->done += run;
			continue;
		}
		if (claim->status && is_wide(claim)) {
			/* Perhaps it was a neighbour's.  The write tries alone. */
			vol->ahead_failed = true;
			break;
		}
		if (claim->status) {
			shadow_policy_give_up(vol, read_failure(vol),
					      blk_status_to_errno(claim->status));
			break;
		}
		err = record_run(vol, claim, claim->done + run);
		if (err && skip_ahead(vol, claim))
			continue;
		if ((err == -ENOMEM || (err == -ENOSPC && vol->store->freeing)) &&
		    shadow_store_busy(vol->store))
			return false;
		if (err == -EAGAIN || (err == -ENOMEM && is_committing(vol)))
			return false;
		if (err == -ENOSPC && shadow_policy_wait(vol))
			return false;
		if (err == -ENOSPC)
			shadow_policy_give_up(vol, SHADOW_REASON_STORE_FULL, err);
		else if (err)
			shadow_policy_give_up(vol, SHADOW_REASON_NO_MEMORY, -ENOMEM);
		else
			shadow_policy_relieve(vol);
	}
	put_pages(vol, claim->page + (claim->done - claim->first), claim->end - claim->done);
	return true;
}

static void finish_claim(struct shadow_volume *vol, struct shadow_claim *claim)
{
	rb_erase(&claim->rb, &vol->claims);
	vol->ahead_claimed -= ahead_in(claim);
	list_del(&claim->node);
	bio_list_merge(&vol->queue, &claim->waiters);
	mempool_free(claim, &vol->claim_pool);
	vol->stuck_since = jiffies;
	atomic_dec(&vol->nr_claims);
}

/* --- the worker ---------------------------------------------------------------------------- */

static void collect_store(struct shadow_volume *vol)
{
	int err = shadow_store_collect(vol->store);
	u32 reason = SHADOW_REASON_STORE_ERROR;
	struct shadow_stored stored;

	if (err == -ENOMEM)
		reason = SHADOW_REASON_NO_MEMORY;
	if (err && shadow_policy_give_up(vol, reason, err))
		shadow_store_keep(vol->store);
	note_peak(vol);
	stored = shadow_store_reap(vol->store);
	atomic64_sub(stored.blocks[SHADOW_FOR_ORIGIN], &vol->memory);
	atomic64_sub(stored.blocks[SHADOW_FOR_IMAGE], &vol->image_memory);
	if (stored.blocks[SHADOW_FOR_ORIGIN])
		vol->stuck_since = jiffies;
}

static void take_in(struct shadow_volume *vol)
{
	spin_lock_irq(&vol->lock);
	bio_list_merge(&vol->queue, &vol->todo);
	bio_list_init(&vol->todo);
	list_splice_tail_init(&vol->read_claims, &vol->settling);
	spin_unlock_irq(&vol->lock);
}

/* A run that the log says is preserved.  False: no memory to record it. */
static bool apply_run(struct shadow_volume *vol, const struct shadow_extent *run, bool settled)
{
	struct shadow_claim *claim = claim_from(vol, run->block);

	if (reserve_records(vol, run->block))
		return false;
	shadow_epochs_record(&vol->epochs, run);
	if (settled)	/* by a deletion meanwhile; what was read before is good all the same */
		return true;
	if (claim && claim->first <= run->block && claim->group)
		note_ahead(vol, claim, run);
	else
		atomic64_add(run->len, &vol->blocks_preserved);
	shadow_epochs_settle(&vol->epochs, run->block, run->len);
	return true;
}

/* As apply_run(), under an epoch that is not the target: the write never was let go. */
static bool apply_late(struct shadow_volume *vol, const struct shadow_epoch *ep,
		       const struct shadow_extent *run)
{
	struct shadow_epochs *es = &vol->epochs;

	return !shadow_epochs_restore(es, ep->number, 0, run, SHADOW_GFP) ||
	       !shadow_epochs_restore(es, ep->number, 0, run, SHADOW_GFP_LAST);
}

/*
 * Where what was preserved in @epoch is recorded, as for who reads the log: under the next older
 * one where that has gone.  A newer one is the target only if its write ended with an error.
 * NULL: nobody needs it.
 */
static struct shadow_epoch *apply_to(struct shadow_volume *vol, u64 epoch)
{
	struct shadow_epoch *ep;

	if (!rcu_access_pointer(vol->epochs.settled))
		return NULL;
	ep = target_of(vol);
	if (ep->number > epoch)
		ep = shadow_epochs_upto(&vol->epochs, epoch);
	return ep && ep->number > vol->dropped_upto ? ep : NULL;
}

/*
 * Record what the log says is preserved.  Where an older shadow has taken the place of the
 * one that it was for, and has the block, that one's data are older, as they will be
 * for who reads the log.
 */
static bool apply(struct shadow_volume *vol, u64 epoch, const struct shadow_extent *extent)
{
	struct shadow_epoch *ep = apply_to(vol, epoch);
	struct shadow_extent run = *extent;
	u64 end = extent->block + extent->len;

	while (run.block < end) {
		bool settled, has = false;
		u64 loc;

		run.len = settled_run(vol, run.block, end - run.block, &settled);
		if (ep)
			has = shadow_index_find(&ep->index, run.block, run.len, &loc, &run.len);
		if (!ep || (has && loc != run.loc))
			shadow_store_free(vol->store, run.loc, run.len);
		else if (!has && !(ep == target_of(vol) ? apply_run(vol, &run, settled) :
							   apply_late(vol, ep, &run)))
			return false;
		shadow_durable_did(vol->store->durable, run.len);
		run.block += run.len;
		run.loc += run.len;
	}
	return true;
}

/* All shadows are lost, and what could say so on stable storage is out of reach. */
static void give_up_log(struct shadow_volume *vol)
{
	shadow_durable_kill(vol->store->durable);
	shadow_volume_lose(vol, U64_MAX, SHADOW_PHASE_PRESERVE, SHADOW_REASON_STORE_ERROR, -EIO);
	shadow_volume_drop(vol);
}

/* What the log has got onto stable storage comes to pass.  Context: mutate mutex. */
static void apply_log(struct shadow_volume *vol)
{
	struct shadow_durable *durable = vol->store->durable;
	int err = shadow_durable_collect(durable);
	u64 before = durable->committed, epoch;
	struct shadow_extent extent;

	if (err && (vol->drop_group ||
		    (!shadow_policy_give_up(vol, SHADOW_REASON_STORE_ERROR, err) &&
		     !vol->drop_group)))
		give_up_log(vol);
	else if (durable->failed && rcu_access_pointer(vol->epochs.settled))
		give_up_log(vol);
	while (shadow_durable_next(durable, &epoch, &extent)) {
		if (!apply(vol, epoch, &extent)) {
			queue_delayed_work(vol->wq, &vol->retry_work, RETRY_AFTER);
			break;
		}
		shadow_durable_applied(durable);
	}
	shadow_checkpoint_review(vol);
	if (durable->failed && !READ_ONCE(durable->failure_noted))
		queue_delayed_work(vol->wq, &vol->retry_work, NOTE_AFTER);
	if (durable->committed != before)
		vol->stuck_since = jiffies;
	if (vol->drop_group && durable->committed >= vol->drop_group)
		shadow_volume_drop(vol);
}

/* Let go what waited for the log, or has nothing to wait for any more. */
static void finish_committed(struct shadow_volume *vol)
{
	const struct shadow_durable *durable = vol->store ? vol->store->durable : NULL;
	struct shadow_claim *claim, *next;

	list_for_each_entry_safe(claim, next, &vol->committing, node) {
		if (durable && claim->group > durable->committed && !durable->dead &&
		    !shadow_policy_refuses(vol))
			break;
		vol->nr_committing--;
		finish_claim(vol, claim);
	}
}

static void record_claims(struct shadow_volume *vol)
{
	struct shadow_claim *claim, *next;

	list_for_each_entry_safe(claim, next, &vol->settling, node) {
		if (!record(vol, claim))
			break;
		if (claim->group && vol->store) {
			list_move_tail(&claim->node, &vol->committing);
			vol->nr_committing++;
		} else {
			finish_claim(vol, claim);
		}
	}
	if (list_empty(&vol->settling) && !shadow_watch_lacks_room(vol))
		shadow_policy_relieve(vol);
}

/* A write that has no memory to go on, twice: who frees memory looks after freeing it. */
static bool advance_hard(struct shadow_volume *vol, struct bio *bio)
{
	if (advance(vol, bio))
		return true;
	WRITE_ONCE(vol->starved, true);
	smp_mb();	/* pairs with shadow_flight_end() */
	return advance(vol, bio);
}

/* Does a write end with an error?  One to another partition passes by: see registry.c. */
static bool is_refused(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range;

	if (!shadow_policy_refuses(vol))
		return false;
	range = range_of(vol, bio);
	return range.first < range.end;
}

/* End a write with an error; after the claims that it needed, like any other: see advance(). */
static void refuse(struct shadow_volume *vol, struct bio *bio)
{
	struct shadow_range range = range_of(vol, bio);
	struct shadow_claim *claim = claim_from(vol, range.first);

	if (claim && claim->first < range.end)
		bio_list_add(&claim->waiters, bio);
	else
		shadow_policy_refuse(vol, bio);
}

/*
 * Writes in order; false: some are left for want of memory.  Behind the first of
 * those only writes go on that need nothing preserved.
 */
static bool advance_all(struct shadow_volume *vol)
{
	struct bio_list left = BIO_EMPTY_LIST;
	struct bio *bio;

	while ((bio = bio_list_pop(&vol->queue))) {
		bool first = bio_list_empty(&left);

		if (is_refused(vol, bio)) {
			refuse(vol, bio);
		} else if ((first || needs_nothing(vol, bio)) && advance_hard(vol, bio)) {
			/* Those that wait are no further when others pass them. */
			if (first && list_empty(&vol->settling))
				vol->stuck_since = jiffies;
		} else {
			bio_list_add(&left, bio);
		}
	}
	vol->queue = left;
	return bio_list_empty(&left);
}

/* Nothing moves, unless @moves.  After store_timeout seconds of that it is given up. */
static void note_stuck(struct shadow_volume *vol, bool moves)
{
	if (!vol->stuck || moves) {
		vol->stuck = true;
		vol->stuck_since = jiffies;
	}
	if (!time_after(jiffies, vol->stuck_since + READ_ONCE(store_timeout) * HZ))
		return;
	mutex_lock(&vol->epochs.mutate);
	if (!shadow_policy_give_up(vol, SHADOW_REASON_STORE_ERROR, -ETIMEDOUT) &&
	    is_committing(vol))
		give_up_log(vol);
	mutex_unlock(&vol->epochs.mutate);
}

/*
 * Writes wait for memory, or for room in the store.  Whoever frees memory kicks us,
 * but some of it is not ours (a clone may need the crypto layer's), so look again
 * soon in any case.  When nothing has moved for long, and it is not throttling, the
 * store hangs, or its writes come back to this very volume through a stack of
 * devices and wait here for themselves: the origin's writes come first.  Reads
 * under way are the origin's own time.
 */
static void starve(struct shadow_volume *vol)
{
	if (!vol->short_of_room)
		atomic64_inc(&vol->memory_waits);
	note_stuck(vol, vol->throttled || (list_empty(&vol->settling) &&
					   atomic_read(&vol->nr_claims) > vol->nr_committing));
	queue_delayed_work(vol->wq, &vol->retry_work, RETRY_AFTER);
}

/* The store's log is being written, and somebody may wait for it: not for ever. */
static void watch_log(struct shadow_volume *vol)
{
	note_stuck(vol, false);
	queue_delayed_work(vol->wq, &vol->retry_work, HZ);
}

static void worker(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, work);
	unsigned int noio = memalloc_noio_save();
	struct shadow_store *store;
	struct blk_plug plug;
	bool committing;

	blk_start_plug(&plug);
	take_in(vol);
	mutex_lock(&vol->epochs.mutate);
	if (vol->store)
		collect_store(vol);
	if (vol->store && vol->store->durable)
		apply_log(vol);
	finish_committed(vol);
	record_claims(vol);
	committing = is_committing(vol);
	vol->ahead_limit = 0;
	if (vol->store)
		vol->ahead_limit = shadow_window_limit(&vol->epochs,
						       shadow_store_size(vol->store),
						       shadow_store_used(vol->store));
	mutex_unlock(&vol->epochs.mutate);

	WRITE_ONCE(vol->starved, false);
	if (!advance_all(vol) || !list_empty(&vol->settling) || shadow_watch_lacks_room(vol))
		starve(vol);
	else if (committing)
		watch_log(vol);
	else
		vol->stuck = false;

	mutex_lock(&vol->epochs.mutate);
	store = vol->store;
	if (store) {
		if (xchg(&vol->flush_due, false) || vol->starved || !list_empty(&vol->settling))
			shadow_store_seal(store);
		if (shadow_store_has_partial(store))
			queue_delayed_work(vol->wq, &vol->flush_work, FLUSH_AFTER);
		shadow_policy_review(vol);
	}
	shadow_watch_advance(vol);
	if (shadow_watch_lacks_room(vol))
		queue_delayed_work(vol->wq, &vol->retry_work, RETRY_AFTER);
	if (store && store->durable)
		shadow_durable_push(store->durable);
	mutex_unlock(&vol->epochs.mutate);
	/* Not under the mutex, which the instant needs: the store may be slow to take it. */
	if (store && (store->durable || !shadow_policy_refuses(vol)) &&
	    (!shadow_store_send(store) ||	/* the store's end waits for this run */
	     (store->durable && !shadow_durable_send(store->durable))))
		queue_delayed_work(vol->wq, &vol->retry_work, RETRY_AFTER);
	if (!shadow_watch_send(vol))
		queue_delayed_work(vol->wq, &vol->retry_work, RETRY_AFTER);
	blk_finish_plug(&plug);
	if (wq_has_sleeper(&vol->image_wait))
		wake_up_all(&vol->image_wait);	/* there may be room now */
	memalloc_noio_restore(noio);
}

static void retry(struct work_struct *work)
{
	shadow_volume_kick(container_of(to_delayed_work(work), struct shadow_volume, retry_work));
}

static void flush_due(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(to_delayed_work(work), struct shadow_volume,
						 flush_work);

	WRITE_ONCE(vol->flush_due, true);
	shadow_volume_kick(vol);
}

void shadow_preserve_init(struct shadow_volume *vol)
{
	INIT_WORK(&vol->work, worker);
	INIT_DELAYED_WORK(&vol->flush_work, flush_due);
	INIT_DELAYED_WORK(&vol->retry_work, retry);
}
