// SPDX-License-Identifier: GPL-2.0-only
/*
 * revert.c - a volume becomes what it was at the instant of a shadow.
 *
 * All that has changed since the instant is in the store: each block that was overwritten is
 * recorded in the shadow's epoch or a newer one.  So a revert writes those blocks to the volume,
 * and no others, and it writes them like everybody: past our own hook.  There, what they overwrite
 * is preserved for newer shadows, and the first blocks of the volume go the way of watch.c.
 * Records do not go by that, so the shadow itself stays what it was, and so do older ones.
 *
 * Blocks that are as they should be already are not written.  So all of it can be done again
 * at any time, and a revert that was interrupted goes on by being begun anew: no position is kept.
 *
 *	NONE, DONE ---> NOTED ---> RUNNING ---> DONE
 *	     |                     ^   |  ^
 *	     +---------------------+   v  |
 *	                           HALF_DONE
 *
 * Before the first write the log of the store says that it has begun, and after the last one has
 * got to stable storage, that it is over.  Who attaches a store whose log says the first and not
 * the second goes on, with the volume claimed from before the store was read: nobody can mount
 * what is neither the one nor the other.  NOTED is said in the log, too, and begins then.
 *
 * While it is RUNNING
 *  - the volume is claimed, and nobody else has it for himself;
 *  - the shadow is neither deleted nor evicted (shadow_keep_for_revert());
 *  - no shadow of the volume is made (shadow_grow_expect());
 *  - none is evicted: should the store get full all the same, or fail, our writes end with an
 *    error, as with the policy fail-io, and the newer shadows live (shadow_policy_protect());
 *  - other shadows are deleted as ever.  What is recorded for them goes to older ones, of
 *    which the shadow is one, or is older than them.
 * An error ends it HALF_DONE: the log still says that it has begun, and the volume can be had by
 * others.  But for that all of this holds still: shadows are what there is now.
 *
 * Locks: begin_lock is outermost, and kept while one begins or is taken back.  In it are, one
 * after the other, those for claiming, for finding the shadow (shadows_lock) and the volume
 * (registry_lock, change), and epochs.mutate; with none of these anything is waited for.  What is
 * waited for, and why that ends:
 *  - with begin_lock: a commit of the log (the worker writes it, or notes a fault, after
 *    store_timeout at the latest); dirty pages of the device (writes, as below).  Who runs a
 *    revert does not take it.
 *  - by a lane: its reads and writes.  They are bios of the volume and its store.  Writes may be
 *    parked for room in the store: not longer than the policy lets them, which is not at all.  At
 *    a closed gate they wait like others; its timer opens it.  A lane has no lock then.
 *  - by who runs it: the lanes; a flush; a commit.
 *  - for a revert: nobody, but the end of the shadow in shadow_destroy_withdrawn() and of the
 *    module.  The first cannot come while the volume is claimed, the second not while there is a
 *    shadow.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "durable.h"
#include "event.h"
#include "image.h"
#include "policy.h"
#include "registry.h"
#include "revert.h"

#define LANES		2u	/* one reads while the other one writes */
#define LANE_BLOCKS	256u	/* at a time */
#define STEPS		64u	/* regions looked through before others get the mutex */

struct revert;

/**
 * struct lane - blocks on their way from the store to the volume
 * @revert: of which
 * @work: takes blocks and brings them there, until none are left
 * @nr: how many
 * @block: which, in order
 * @image: what they are to have
 * @origin: what they have
 * @same: that is the same; bits
 * @left: parts of a read or write that are under way
 * @status: how the first one that failed has ended
 * @done: none is
 */
struct lane {
	struct revert *revert;
	struct work_struct work;
	unsigned int nr;
	u64 block[LANE_BLOCKS];
	struct page *image[LANE_BLOCKS];
	struct page *origin[LANE_BLOCKS];
	DECLARE_BITMAP(same, LANE_BLOCKS);
	atomic_t left;
	blk_status_t status;
	struct completion done;
};

/**
 * struct revert - one that runs
 * @vol: the volume, its store in use
 * @sh: what it is to be; kept
 * @file: the claim
 * @work: runs it
 * @end: blocks that the shadow has
 * @next: of which this is the next one; epochs.mutate
 * @fault: why it cannot go on; likewise
 * @failed: it cannot
 * @lane: the lanes
 */
struct revert {
	struct shadow_volume *vol;
	struct shadow *sh;
	struct file *file;
	struct work_struct work;
	u64 end;
	u64 next;
	struct shadow_fault fault;
	bool failed;
	struct lane lane[LANES];
};

static DEFINE_MUTEX(begin_lock);
static struct workqueue_struct *revert_wq;

static int holder;	/* its address: whose a volume is meanwhile */

/* --- what it needs ---------------------------------------------------------------------- */

struct file *shadow_revert_claim(dev_t dev, blk_mode_t mode, struct shadow_fault *fault)
{
	return shadow_registry_claim(dev, mode, &holder, fault);
}

static struct shadow_durable *durable_of(const struct shadow_volume *vol)
{
	return vol->store->durable;
}

static void send_event(const struct shadow_volume *vol, u32 event, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .shadow = &vol->revert.shadow, .dev = vol->dev,
		.name = vol->name, .index = vol->revert.index, .reason = reason,
	});
}

/* The store fails, and no shadow is lost for that: it is tried again for ever. */
static bool fails(const struct shadow_volume *vol)
{
	u32 fault = READ_ONCE(vol->protect_fault);

	return fault == SHADOW_PROTECT_COW_WRITE || fault == SHADOW_PROTECT_IO;
}

/* Wait for a commit, but not for ever.  Return: 0 or -EIO. */
static int wait_for_log(struct shadow_volume *vol, u64 group)
{
	struct shadow_durable *d = durable_of(vol);

	shadow_volume_kick(vol);
	while (!wait_event_timeout(d->wait, READ_ONCE(d->committed) >= group ||
				   READ_ONCE(d->dead), HZ / 10))
		if (fails(vol))
			break;
	return READ_ONCE(d->committed) >= group ? 0 : -EIO;
}

/* As shadow_durable_add(), for who puts the log together anew, too.  Context: epochs.mutate. */
static u64 add(struct shadow_volume *vol, enum shadow_disk_revert what, u64 epoch)
{
	vol->revert.logged = what;
	vol->revert.logged_epoch = epoch;
	return shadow_durable_add(durable_of(vol), SHADOW_DISK_REVERT, what, epoch);
}

/*
 * Let the log say it, if @only says yes.  Return: 0: it is on stable storage; -ESTALE: @only says
 * no; -EIO: it never will be, or is not known to be, and then what it said before comes after it.
 */
static int tell_log(struct shadow_volume *vol, enum shadow_disk_revert what,
		    bool (*only)(const struct shadow_volume *vol))
{
	struct shadow_durable *d = durable_of(vol);
	struct shadow_reverting was;
	u64 group = 0;
	int err;

	do {
		mutex_lock(&vol->epochs.mutate);
		was = vol->revert;
		err = only && !only(vol) ? -ESTALE : shadow_durable_room(d, 1, true);
		if (!err)
			group = add(vol, what, vol->revert.epoch);
		mutex_unlock(&vol->epochs.mutate);
		if (err == -EAGAIN || err == -ENOMEM) {
			shadow_volume_kick(vol);
			schedule_timeout_uninterruptible(HZ / 50);	/* a commit makes room */
		}
	} while ((err == -EAGAIN || err == -ENOMEM) && !fails(vol));
	if (err == -ESTALE)
		return err;
	if (err)
		return -EIO;
	err = wait_for_log(vol, group);
	mutex_lock(&vol->epochs.mutate);
	if (err && !shadow_durable_room(d, 1, true))
		add(vol, was.logged, was.logged_epoch);
	mutex_unlock(&vol->epochs.mutate);
	return err;
}

/* --- reading and writing ------------------------------------------------------------------ */

static void part_end(struct bio *bio)
{
	struct lane *l = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(l->status, bio->bi_status);
	bio_put(bio);
	if (atomic_dec_and_test(&l->left))
		complete(&l->done);
}

static void submit_origin(struct lane *l, struct bio *bio)
{
	submit_bio_noacct(bio);
}

static void submit_image(struct lane *l, struct bio *bio)
{
	shadow_read(l->revert->sh, bio);
}

/* Bytes of the shadow in a block: less than a block at its end. */
static unsigned int bytes_of(const struct lane *l, u64 block)
{
	u64 left = l->revert->sh->nr_sectors - block * SHADOW_BLOCK_SECTORS;

	return min_t(u64, left, SHADOW_BLOCK_SECTORS) << SECTOR_SHIFT;
}

/* Read or write the lane's blocks that are not the same, in runs.  Return: 0, or an errno. */
static int transfer(struct lane *l, struct page **page, blk_opf_t op,
		    void (*submit)(struct lane *l, struct bio *bio))
{
	struct shadow_volume *vol = l->revert->vol;
	unsigned int i, j, n;

	l->status = BLK_STS_OK;
	atomic_set(&l->left, 1);
	reinit_completion(&l->done);
	for (i = 0; i < l->nr; i += n) {
		struct bio *bio;

		n = 1;
		if (test_bit(i, l->same))
			continue;
		while (i + n < l->nr && l->block[i + n] == l->block[i] + n &&
		       !test_bit(i + n, l->same))
			n++;
		bio = bio_alloc_bioset(vol->bdev, n, op, GFP_NOIO, &fs_bio_set);
		bio->bi_iter.bi_sector = l->block[i] * SHADOW_BLOCK_SECTORS;
		bio->bi_private = l;
		bio->bi_end_io = part_end;
		for (j = i; j < i + n; j++)
			__bio_add_page(bio, page[j], bytes_of(l, l->block[j]), 0);
		atomic_inc(&l->left);
		submit(l, bio);
	}
	if (!atomic_dec_and_test(&l->left))
		wait_for_completion_io(&l->done);
	return blk_status_to_errno(l->status);
}

static void compare(struct lane *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (!memcmp(page_address(l->image[i]), page_address(l->origin[i]),
			    bytes_of(l, l->block[i])))
			__set_bit(i, l->same);
}

/* Why a write has ended with an error.  Context: epochs.mutate. */
static u32 write_failure(const struct shadow_volume *vol)
{
	if (READ_ONCE(vol->gone))
		return SHADOW_REASON_ORIGIN_GONE;
	switch (vol->protect_fault) {
	case SHADOW_PROTECT_NONE:
		return SHADOW_REASON_REVERT_WRITE;
	case SHADOW_PROTECT_STORE_FULL:
	case SHADOW_PROTECT_GROW_TOO_SLOW:
	case SHADOW_PROTECT_GROW_FAILED:
		return SHADOW_REASON_STORE_FULL;
	case SHADOW_PROTECT_COW_READ:
		return SHADOW_REASON_ORIGIN_ERROR;
	case SHADOW_PROTECT_NO_MEMORY:
		return SHADOW_REASON_NO_MEMORY;
	default:
		return SHADOW_REASON_STORE_ERROR;
	}
}

static bool is_lost(const struct revert *rv)
{
	return READ_ONCE(rv->sh->stake.lost);
}

/* It cannot go on; the first reason counts. */
static void fail(struct revert *rv, u32 reason, int err)
{
	struct shadow_volume *vol = rv->vol;

	mutex_lock(&vol->epochs.mutate);
	if (!rv->failed) {
		if (is_lost(rv))
			reason = SHADOW_REASON_SHADOW_LOST;
		else if (reason == SHADOW_REASON_REVERT_WRITE)
			reason = write_failure(vol);
		shadow_fail(&rv->fault, SHADOW_PHASE_REVERT, reason, vol->dev, err);
		WRITE_ONCE(rv->failed, true);
	}
	mutex_unlock(&vol->epochs.mutate);
}

/* Take the next blocks that the shadow has in the store.  False: there are none. */
static bool take(struct lane *l)
{
	struct revert *rv = l->revert;
	struct shadow_volume *vol = rv->vol;
	bool more = true;

	bitmap_zero(l->same, LANE_BLOCKS);
	for (l->nr = 0; more && !READ_ONCE(rv->failed); cond_resched()) {
		unsigned int step;

		mutex_lock(&vol->epochs.mutate);
		for (step = 0; more && step < STEPS; step++) {
			u64 n = shadow_epochs_next_stored(&vol->epochs, rv->sh->stake.epoch,
							  &rv->next, rv->end);

			for (n = min_t(u64, n, LANE_BLOCKS - l->nr); n; n--)
				l->block[l->nr++] = rv->next++;
			more = rv->next < rv->end && l->nr < LANE_BLOCKS;
		}
		mutex_unlock(&vol->epochs.mutate);
	}
	return l->nr && !READ_ONCE(rv->failed);
}

static void lane_work(struct work_struct *work)
{
	struct lane *l = container_of(work, struct lane, work);
	struct shadow_volume *vol = l->revert->vol;
	int err;

	while (take(l)) {
		err = transfer(l, l->image, REQ_OP_READ, submit_image);
		if (err) {
			fail(l->revert, SHADOW_REASON_STORE_ERROR, err);
			break;
		}
		/* What cannot be read may be written all the same, and be good then. */
		if (!transfer(l, l->origin, REQ_OP_READ, submit_origin))
			compare(l);
		err = transfer(l, l->image, REQ_OP_WRITE, submit_origin);
		if (err) {
			fail(l->revert, SHADOW_REASON_REVERT_WRITE, err);
			break;
		}
		mutex_lock(&vol->epochs.mutate);
		vol->revert.done += l->nr;
		vol->revert.written += l->nr - bitmap_weight(l->same, l->nr);
		mutex_unlock(&vol->epochs.mutate);
	}
}

/* --- life ------------------------------------------------------------------------------------ */

static void revert_free(struct revert *rv)
{
	unsigned int i, j;

	if (!rv)
		return;
	for (i = 0; i < LANES; i++) {
		for (j = 0; j < LANE_BLOCKS; j++) {
			if (rv->lane[i].image[j])
				__free_page(rv->lane[i].image[j]);
			if (rv->lane[i].origin[j])
				__free_page(rv->lane[i].origin[j]);
		}
	}
	kvfree(rv);
}

static void run(struct work_struct *work);

static struct revert *revert_alloc(struct shadow_volume *vol, struct shadow *sh,
				   struct file *file)
{
	struct revert *rv = kvzalloc(sizeof(*rv), GFP_KERNEL);
	unsigned int i, j;
	bool good = true;

	if (!rv)
		return NULL;
	rv->vol = vol;
	rv->sh = sh;
	rv->file = file;
	rv->end = shadow_blocks_of(sh->nr_sectors);
	INIT_WORK(&rv->work, run);
	for (i = 0; i < LANES; i++) {
		struct lane *l = &rv->lane[i];

		l->revert = rv;
		INIT_WORK(&l->work, lane_work);
		init_completion(&l->done);
		for (j = 0; good && j < LANE_BLOCKS; j++) {
			l->image[j] = alloc_page(GFP_KERNEL);
			l->origin[j] = alloc_page(GFP_KERNEL);
			good = l->image[j] && l->origin[j];
		}
	}
	if (good)
		return rv;
	revert_free(rv);
	return NULL;
}

/* What was written is on stable storage, and who reads the device through pages sees it. */
static int settle(struct shadow_volume *vol)
{
	struct bio *bio = bio_alloc_bioset(vol->bdev, 0, REQ_OP_WRITE | REQ_PREFLUSH, GFP_NOIO,
					   &fs_bio_set);
	int err = submit_bio_wait(bio);

	bio_put(bio);
	invalidate_bdev(vol->bdev);
	return err;
}

/* Context: epochs.mutate. */
static bool is_not_lost(const struct shadow_volume *vol)
{
	return vol->revert.epoch > vol->lost_upto;
}

/* The end, good or bad: the volume can be had by others, then that is said. */
static void finish(struct revert *rv)
{
	struct shadow_volume *vol = rv->vol;
	struct shadow *sh = rv->sh;
	bool good = !rv->failed;

	mutex_lock(&vol->epochs.mutate);
	shadow_policy_protect(vol, !good);
	mutex_unlock(&vol->epochs.mutate);
	shadow_bdev_fput(rv->file);
	if (good)
		shadow_keep_for_revert(sh, false);
	mutex_lock(&vol->epochs.mutate);
	vol->revert.fault = rv->fault;
	WRITE_ONCE(vol->revert.state, good ? SHADOW_REVERT_DONE : SHADOW_REVERT_HALF_DONE);
	send_event(vol, good ? SHADOW_NL_EV_REVERT_DONE : SHADOW_NL_EV_REVERT_FAILED,
		   rv->fault.reason);
	mutex_unlock(&vol->epochs.mutate);
	if (good)
		pr_info("%s: it is what it was at the instant of epoch %llu\n", vol->name,
			sh->stake.epoch->number);
	else
		pr_err("%s: it is reverted half-way (reason %u, error %u): neither what it was nor what it is to be\n",
		       vol->name, rv->fault.reason, rv->fault.error);
	shadow_put(sh);
	shadow_registry_return(vol);
	revert_free(rv);
}

static void run(struct work_struct *work)
{
	struct revert *rv = container_of(work, struct revert, work);
	unsigned int i;
	int err;

	for (i = 0; i < LANES; i++)
		queue_work(revert_wq, &rv->lane[i].work);
	for (i = 0; i < LANES; i++)
		flush_work(&rv->lane[i].work);
	err = settle(rv->vol);
	if (err)
		fail(rv, SHADOW_REASON_REVERT_WRITE, err);
	/* A shadow that is lost has nothing in the store, and nothing would have been done. */
	if (!rv->failed && tell_log(rv->vol, SHADOW_DISK_REVERT_OVER, is_not_lost))
		fail(rv, SHADOW_REASON_STORE_ERROR, -EIO);
	finish(rv);
}

/* --- beginning ------------------------------------------------------------------------------ */

static int refuse(const struct shadow_volume *vol, u32 reason, int err, struct shadow_fault *fault)
{
	return shadow_fail(fault, SHADOW_PHASE_REVERT, reason, vol->dev, err);
}

/* Can the volume be made what a shadow is? */
static int check_shadow(const struct shadow *sh, struct shadow_fault *fault)
{
	const struct shadow_volume *vol = sh->vol;

	if (!durable_of(vol) || !(sh->flags & SHADOW_SET_PERSISTENT) || !sh->complete)
		return refuse(vol, SHADOW_REASON_NOT_PERSISTENT, -EMEDIUMTYPE, fault);
	if (READ_ONCE(sh->stake.lost))
		return refuse(vol, SHADOW_REASON_SHADOW_LOST, -EIO, fault);
	if (READ_ONCE(vol->gone))
		return refuse(vol, SHADOW_REASON_ORIGIN_GONE, -ENODEV, fault);
	if (bdev_nr_sectors(vol->bdev) < sh->nr_sectors)
		return refuse(vol, SHADOW_REASON_VOLUME_SIZE, -EFBIG, fault);
	if (bdev_read_only(vol->bdev))
		return refuse(vol, SHADOW_REASON_VOLUME_READONLY, -EROFS, fault);
	return 0;
}

/* Is there another one, or a reason to wait?  Context: epochs.mutate. */
static int check_state(const struct shadow_volume *vol, u64 epoch, bool note,
		       struct shadow_fault *fault)
{
	bool same = vol->revert.epoch == epoch;

	switch (vol->revert.state) {
	case SHADOW_REVERT_RUNNING:
		return refuse(vol, SHADOW_REASON_REVERTING, -EALREADY, fault);
	case SHADOW_REVERT_NOTED:
		if (!same)
			return refuse(vol, SHADOW_REASON_REVERTING, -EALREADY, fault);
		break;
	case SHADOW_REVERT_HALF_DONE:
		if (note)	/* at the next attaching it goes on anyhow */
			return refuse(vol, SHADOW_REASON_HALF_REVERTED, -EALREADY, fault);
		break;
	}
	if (note)
		return 0;
	if (!list_empty(&vol->prepared))	/* shadows are in the making */
		return refuse(vol, SHADOW_REASON_BUSY, -EBUSY, fault);
	if (shadow_policy_refuses(vol))
		return refuse(vol, SHADOW_REASON_FAULTED, -EIO, fault);
	return 0;
}

/**
 * struct prospect - what a revert comes to
 * @all: blocks that are to be looked at
 * @needed: blocks that newer shadows may need of the store, at the most
 * @room: that it has
 */
struct prospect {
	u64 all;
	u64 needed;
	u64 room;
};

/*
 * Newer shadows need each block that is neither recorded nor free in the newest one.  The log
 * grows by that, and its dump.
 */
static int look_ahead(struct shadow_volume *vol, const struct shadow *sh, struct prospect *p,
		      struct shadow_fault *fault)
{
	u64 end = shadow_blocks_of(sh->nr_sectors), block = 0, runs = 0;
	const struct shadow_durable *d = durable_of(vol);
	unsigned int step;

	*p = (struct prospect){ 0 };
	while (block < end) {
		mutex_lock(&vol->epochs.mutate);
		for (step = 0; block < end && step < STEPS; step++) {
			u64 n = shadow_epochs_next_stored(&vol->epochs, sh->stake.epoch, &block,
							  end);
			u64 unsettled = n ? shadow_epochs_unsettled(&vol->epochs, block, n) : 0;

			p->all += n;
			p->needed += unsettled;
			runs += !!unsettled;
			block += n;
		}
		mutex_unlock(&vol->epochs.mutate);
		cond_resched();
	}
	mutex_lock(&vol->epochs.mutate);
	if (p->needed)
		p->needed += 2 * SHADOW_BATCH_BLOCKS + d->dumped +
			     2 * runs / SHADOW_DISK_LOG_ENTRIES;
	p->room = shadow_policy_room(vol);
	mutex_unlock(&vol->epochs.mutate);
	return p->needed > p->room ? refuse(vol, SHADOW_REASON_REVERT_ROOM, -ENOSPC, fault) : 0;
}

/*
 * From now on @sh is what the volume is to be; what was before, for change_back().  Context:
 * begin_lock.
 */
static int change_to(struct shadow_volume *vol, struct shadow *sh, u32 state,
		     struct shadow_reverting *before, struct shadow_fault *fault)
{
	struct shadow_reverting *revert = &vol->revert;
	int err;

	mutex_lock(&vol->epochs.mutate);
	err = check_state(vol, sh->stake.epoch->number, state == SHADOW_REVERT_NOTED, fault);
	if (!err) {
		*before = *revert;
		*revert = (struct shadow_reverting){
			.state = state, .logged = before->logged,
			.logged_epoch = before->logged_epoch, .shadow = sh->uuid,
			.epoch = sh->stake.epoch->number, .index = sh->index,
		};
		if (state == SHADOW_REVERT_RUNNING)
			shadow_policy_protect(vol, true);
	}
	mutex_unlock(&vol->epochs.mutate);
	return err;
}

static void change_back(struct shadow_volume *vol, struct shadow_reverting *before)
{
	mutex_lock(&vol->epochs.mutate);
	if (vol->protected)
		shadow_policy_protect(vol, before->state == SHADOW_REVERT_HALF_DONE);
	before->logged = vol->revert.logged;
	before->logged_epoch = vol->revert.logged_epoch;
	vol->revert = *before;
	mutex_unlock(&vol->epochs.mutate);
}

/* Is @sh the one that was wanted before? */
static bool was_wanted(const struct shadow_reverting *before, const struct shadow *sh)
{
	return before->logged && before->logged_epoch == sh->stake.epoch->number;
}

/* The log has it now: the one that was wanted before is a shadow like others. */
static void let_go_of(struct shadow_volume *vol, const struct shadow *sh)
{
	struct shadow *other = shadow_get_reverting(vol, sh);

	if (!other)
		return;
	shadow_keep_for_revert(other, false);
	shadow_put(other);
}

/* Let the log say it, before anything of it is done. */
static int tell(struct shadow_volume *vol, struct shadow *sh, enum shadow_disk_revert what,
		const struct shadow_reverting *before, struct shadow_fault *fault)
{
	int err = 0;

	if (!shadow_keep_for_revert(sh, true))
		return refuse(vol, SHADOW_REASON_NONE, -ENOENT, fault);	/* it goes */
	if (tell_log(vol, what, is_not_lost))
		err = refuse(vol, SHADOW_REASON_STORE_ERROR, -EIO, fault);
	if (err && !was_wanted(before, sh))
		shadow_keep_for_revert(sh, false);
	if (!err)
		let_go_of(vol, sh);
	return err;
}

/*
 * What was written through pages comes before what we write, and is not read again.  We have the
 * shadow, so nobody may wait for its end to make room for that.
 */
static int write_out(struct shadow_volume *vol, struct shadow_fault *fault)
{
	int err = sync_blockdev(vol->bdev);
	u32 reason;

	invalidate_bdev(vol->bdev);
	mutex_lock(&vol->epochs.mutate);
	reason = write_failure(vol);
	mutex_unlock(&vol->epochs.mutate);
	return err ? refuse(vol, reason, err, fault) : 0;
}

/*
 * Begin, or go on.  @vol is borrowed, @sh was got, and the volume is claimed by @file: on success
 * all of them are given back when it is over.  Context: begin_lock.
 */
static int begin(struct shadow_volume *vol, struct shadow *sh, struct file *file,
		 struct prospect *prospect, struct shadow_fault *fault)
{
	struct revert *rv = revert_alloc(vol, sh, file);
	struct shadow_reverting before;
	int err;

	if (!rv)
		return refuse(vol, SHADOW_REASON_NO_MEMORY, -ENOMEM, fault);
	err = change_to(vol, sh, SHADOW_REVERT_RUNNING, &before, fault);
	if (err)
		goto free;
	err = write_out(vol, fault) ?:			/* no shadow goes for that, */
	      look_ahead(vol, sh, prospect, fault) ?:	/* and none is made any more */
	      tell(vol, sh, SHADOW_DISK_REVERT_BEGUN, &before, fault);
	if (err) {
		change_back(vol, &before);
		goto free;
	}
	mutex_lock(&vol->epochs.mutate);
	vol->revert.all = prospect->all;
	mutex_unlock(&vol->epochs.mutate);
	pr_info("%s: it is being made what it was at the instant of epoch %llu\n", vol->name,
		sh->stake.epoch->number);
	send_event(vol, SHADOW_NL_EV_REVERT_BEGUN, SHADOW_REASON_NONE);
	queue_work(revert_wq, &rv->work);
	return 0;

free:
	revert_free(rv);
	return err;
}

static struct file *claim(struct shadow_volume *vol, u64 epoch, struct shadow_fault *fault)
{
	int err;

	mutex_lock(&vol->epochs.mutate);
	err = check_state(vol, epoch, false, fault);	/* rather than that it is claimed */
	mutex_unlock(&vol->epochs.mutate);
	return err ? ERR_PTR(err) :
	       shadow_revert_claim(vol->dev, BLK_OPEN_READ | BLK_OPEN_WRITE, fault);
}

/* Only let the log say that it is wanted.  Context: begin_lock. */
static int note(struct shadow_volume *vol, struct shadow *sh, struct prospect *prospect,
		struct shadow_fault *fault)
{
	struct shadow_reverting before;
	int err;

	err = look_ahead(vol, sh, prospect, fault) ?:
	      change_to(vol, sh, SHADOW_REVERT_NOTED, &before, fault);
	if (err)
		return err;
	err = tell(vol, sh, SHADOW_DISK_REVERT_NOTED, &before, fault);
	if (err)
		change_back(vol, &before);
	return err;
}

/* The volume of a shadow, in use.  It may be gone, and its number be another one's. */
static struct shadow_volume *borrow(const struct shadow *sh, struct shadow_fault *fault)
{
	struct shadow_volume *vol = shadow_registry_borrow(sh->vol->dev, fault);

	if (vol == sh->vol)
		return vol;
	if (!IS_ERR(vol))
		shadow_registry_return(vol);
	return ERR_PTR(refuse(sh->vol, SHADOW_REASON_ORIGIN_GONE, -ENODEV, fault));
}

/* The shadow that the volume is to be.  For shadow_put(), or an ERR_PTR(). */
static struct shadow *get(const struct shadow_uuid *uuid, struct shadow_fault *fault)
{
	struct shadow *sh = shadow_get(uuid);
	int err = sh ? check_shadow(sh, fault) : -ENOENT;

	if (sh && err)
		shadow_put(sh);
	return err ? ERR_PTR(err) : sh;
}

/* Begin, with the volume claimed, or only note it.  Context: begin_lock; @vol is borrowed. */
static int begin_or_note(struct shadow_volume *vol, struct shadow_revert *arg, struct file *file)
{
	struct shadow *sh = get(&arg->uuid, &arg->fault);
	struct prospect prospect = { 0 };
	int err;

	if (IS_ERR(sh))
		return PTR_ERR(sh);
	if (sh->vol != vol)	/* whose number is another one's now */
		err = refuse(vol, SHADOW_REASON_ORIGIN_GONE, -ENODEV, &arg->fault);
	else if (file)
		err = begin(vol, sh, file, &prospect, &arg->fault);
	else
		err = note(vol, sh, &prospect, &arg->fault);
	arg->needed_bytes = prospect.needed << SHADOW_BLOCK_BITS;
	arg->room_bytes = prospect.room << SHADOW_BLOCK_BITS;
	if (err || !file)
		shadow_put(sh);
	return err;
}

/*
 * Claiming may wait for writes (the kernel writes pages out while it reads a partition table), and
 * they for room.  That may be made by the end of the shadow: so we have none meanwhile.
 */
int shadow_revert(struct shadow_revert *arg)
{
	bool now = !(arg->flags & SHADOW_REVERT_AT_ATTACH);
	struct shadow_fault *fault = &arg->fault;
	struct shadow_volume *vol;
	struct file *file = NULL;
	struct shadow *sh;
	u64 epoch;
	dev_t dev;
	int err;

	if (mutex_lock_killable(&begin_lock))
		return -EINTR;
	sh = get(&arg->uuid, fault);
	err = PTR_ERR_OR_ZERO(sh);
	if (err)
		goto unlock;
	dev = sh->vol->dev;
	epoch = sh->stake.epoch->number;
	shadow_put(sh);
	vol = shadow_registry_borrow(dev, fault);
	err = PTR_ERR_OR_ZERO(vol);
	if (err)
		goto unlock;
	if (now) {
		file = claim(vol, epoch, fault);
		err = PTR_ERR_OR_ZERO(file);
	}
	if (!err)
		err = begin_or_note(vol, arg, file);
	if (err && !IS_ERR_OR_NULL(file))
		shadow_bdev_fput(file);
	if (err || !now)
		shadow_registry_return(vol);
unlock:
	mutex_unlock(&begin_lock);
	return err;
}

/* Context: begin_lock: none begins. */
static int check_cancel(struct shadow_volume *vol, bool half_done, struct shadow_fault *fault)
{
	u32 state;

	mutex_lock(&vol->epochs.mutate);
	state = vol->revert.state;
	mutex_unlock(&vol->epochs.mutate);
	switch (state) {
	case SHADOW_REVERT_NOTED:
		return 0;
	case SHADOW_REVERT_RUNNING:
		return refuse(vol, SHADOW_REASON_REVERTING, -EBUSY, fault);
	case SHADOW_REVERT_HALF_DONE:
		return half_done ? 0 : refuse(vol, SHADOW_REASON_HALF_REVERTED, -EBUSY, fault);
	default:
		return refuse(vol, SHADOW_REASON_STATE, -ENOENT, fault);
	}
}

int shadow_revert_cancel(struct shadow_revert_cancel *arg)
{
	struct shadow_fault *fault = &arg->fault;
	struct shadow_volume *vol;
	int err;

	if (mutex_lock_killable(&begin_lock))
		return -EINTR;
	vol = shadow_registry_borrow(MKDEV(arg->dev.major, arg->dev.minor), fault);
	err = PTR_ERR_OR_ZERO(vol);
	if (err)
		goto unlock;
	err = check_cancel(vol, arg->flags & SHADOW_CANCEL_HALF_DONE, fault);
	if (!err && tell_log(vol, SHADOW_DISK_REVERT_OVER, NULL))
		err = refuse(vol, SHADOW_REASON_STORE_ERROR, -EIO, fault);
	if (!err) {
		mutex_lock(&vol->epochs.mutate);
		vol->revert = (struct shadow_reverting){ .state = SHADOW_REVERT_NONE };
		if (vol->protected)
			shadow_policy_protect(vol, false);
		mutex_unlock(&vol->epochs.mutate);
		let_go_of(vol, NULL);
	}
	shadow_registry_return(vol);
unlock:
	mutex_unlock(&begin_lock);
	return err;
}

/* --- after attaching ----------------------------------------------------------------------- */

void shadow_revert_restore(struct shadow_volume *vol)
{
	mutex_lock(&vol->epochs.mutate);
	if (vol->revert.logged == SHADOW_DISK_REVERT_NOTED)
		WRITE_ONCE(vol->revert.state, SHADOW_REVERT_NOTED);
	if (vol->revert.logged == SHADOW_DISK_REVERT_BEGUN) {
		WRITE_ONCE(vol->revert.state, SHADOW_REVERT_HALF_DONE);
		shadow_policy_protect(vol, true);
	}
	mutex_unlock(&vol->epochs.mutate);
}

/* It did not go on, or did not begin, and that is said. */
static void note_failure(struct shadow_volume *vol, const struct prospect *prospect,
			 const struct shadow_fault *fault)
{
	mutex_lock(&vol->epochs.mutate);
	vol->revert.needed = prospect->needed;
	vol->revert.room = prospect->room;
	vol->revert.fault = *fault;
	pr_err("%s: its revert %s (reason %u, error %u)\n", vol->name,
	       vol->revert.state == SHADOW_REVERT_NOTED ? "did not begin" :
	       "did not go on: it is neither what it was nor what it is to be", fault->reason,
	       fault->error);
	send_event(vol, SHADOW_NL_EV_REVERT_FAILED, fault->reason);
	mutex_unlock(&vol->epochs.mutate);
}

void shadow_revert_attached(struct shadow_volume *vol, struct file *file)
{
	struct prospect prospect = { 0 };
	struct shadow_fault fault = { 0 };
	struct shadow *sh;
	u32 state;

	mutex_lock(&begin_lock);
	sh = shadow_get_reverting(vol, NULL);
	state = READ_ONCE(vol->revert.state);
	if (!sh || (state != SHADOW_REVERT_NOTED && state != SHADOW_REVERT_HALF_DONE))
		goto out;
	if (check_shadow(sh, &fault))
		goto failed;
	if (IS_ERR(borrow(sh, &fault)))
		goto failed;
	if (!begin(vol, sh, file, &prospect, &fault)) {
		sh = NULL;
		file = NULL;
		goto out;
	}
	shadow_registry_return(vol);
failed:
	note_failure(vol, &prospect, &fault);
out:
	mutex_unlock(&begin_lock);
	if (sh)
		shadow_put(sh);
	if (file)
		shadow_bdev_fput(file);
}

int shadow_revert_init(void)
{
	revert_wq = alloc_workqueue("shadow-revert", WQ_UNBOUND, 0);
	return revert_wq ? 0 : -ENOMEM;
}

void shadow_revert_exit(void)
{
	destroy_workqueue(revert_wq);	/* the last one may be in its last lines */
}
