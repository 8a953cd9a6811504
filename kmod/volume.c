// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume.c - a tracked volume: its making, its end, and how its shadows' records go.
 */
#include <linux/dax.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "checkpoint.h"
#include "durable.h"
#include "grow.h"
#include "policy.h"
#include "preserve.h"
#include "volume.h"
#include "watch.h"
#include "writers.h"

#define FOLD_REGIONS	64	/* regions folded before others get the mutex */
#define PAGES_MIN	64
#define CLAIMS_MIN	4
#define BIOS_MIN	16
#define STORE_BIOS_MIN	4

/* What cannot be intercepted, or makes no sense. */
static int check_device(struct block_device *bdev, struct shadow_fault *fault)
{
	dev_t dev = bdev->bd_dev;
	u32 reason = SHADOW_REASON_NONE;

	if (blk_queue_dax(bdev_get_queue(bdev)))
		reason = SHADOW_REASON_DAX;
	else if (bdev_is_zoned(bdev))
		reason = SHADOW_REASON_ZONED;
	else if (shadow_disk_has_rw_page(bdev->bd_disk))
		reason = SHADOW_REASON_RW_PAGE;
	else if (bdev_logical_block_size(bdev) > SHADOW_BLOCK_SIZE)
		reason = SHADOW_REASON_BLOCK_SIZE;
	else if (!bdev_nr_sectors(bdev))
		reason = SHADOW_REASON_EMPTY;
	if (reason != SHADOW_REASON_NONE)
		return shadow_fail(fault, SHADOW_PHASE_OPEN, reason, dev, -EOPNOTSUPP);
	return 0;
}

static void free_blocks(void *arg, u64 loc, u64 len)
{
	struct shadow_volume *vol = arg;

	shadow_store_free(vol->store, loc, len);
}

static int alloc_pools(struct shadow_volume *vol)
{
	int err = bioset_init(&vol->clones, BIOS_MIN, shadow_write_front(), 0);

	err = err ?: bioset_init(&vol->reads, BIOS_MIN, 0, BIOSET_NEED_BVECS);
	err = err ?: bioset_init(&vol->store_writes, STORE_BIOS_MIN, 0, BIOSET_NEED_BVECS);
	err = err ?: bioset_init(&vol->own_writes, STORE_BIOS_MIN, 0, BIOSET_NEED_BVECS);
	err = err ?: mempool_init_page_pool(&vol->pages, PAGES_MIN, 0);
	err = err ?: mempool_init_kmalloc_pool(&vol->claim_pool, CLAIMS_MIN,
					       shadow_claim_size());
	return err;
}

static void free_pools(struct shadow_volume *vol)
{
	mempool_exit(&vol->claim_pool);
	mempool_exit(&vol->pages);
	bioset_exit(&vol->own_writes);
	bioset_exit(&vol->store_writes);
	bioset_exit(&vol->reads);
	bioset_exit(&vol->clones);
}

struct shadow_volume *shadow_volume_alloc(struct block_device *bdev, u64 memory_bytes,
					  struct shadow_fault *fault)
{
	static atomic64_t last_id;
	struct shadow_volume *vol;
	int err = check_device(bdev, fault);

	if (err)
		return ERR_PTR(err);
	vol = kzalloc(sizeof(*vol), GFP_KERNEL);
	if (!vol)
		goto no_memory;
	vol->disk = bdev->bd_disk;
	vol->start = get_start_sect(bdev);
	vol->nr_sectors = bdev_nr_sectors(bdev);
	vol->nr_blocks = shadow_blocks_of(vol->nr_sectors);
	vol->dev = bdev->bd_dev;
	vol->id = atomic64_inc_return(&last_id);
	vol->memory_limit = (memory_bytes ?: SHADOW_MEMORY_DEFAULT) >> SHADOW_BLOCK_BITS;
	snprintf(vol->name, sizeof(vol->name), "%pg", bdev);
	INIT_LIST_HEAD(&vol->hash);
	INIT_LIST_HEAD(&vol->list);
	mutex_init(&vol->fold);
	mutex_init(&vol->change);
	shadow_epochs_init(&vol->epochs, free_blocks, vol);
	spin_lock_init(&vol->stakes_lock);
	INIT_LIST_HEAD(&vol->stakes);
	INIT_LIST_HEAD(&vol->prepared);
	spin_lock_init(&vol->lock);
	bio_list_init(&vol->gated);
	bio_list_init(&vol->todo);
	INIT_LIST_HEAD(&vol->read_claims);
	init_waitqueue_head(&vol->drain_wait);
	init_waitqueue_head(&vol->image_wait);
	init_waitqueue_head(&vol->readers_wait);
	bio_list_init(&vol->queue);
	vol->claims = RB_ROOT;
	INIT_LIST_HEAD(&vol->settling);
	INIT_LIST_HEAD(&vol->committing);
	shadow_preserve_init(vol);
	shadow_policy_begin(vol);
	shadow_grow_begin(vol);
	shadow_checkpoint_begin(vol);
	shadow_changes_init(vol);

	vol->strain = shadow_strain_alloc(vol->dev, vol->name);
	if (!vol->strain)
		goto free_vol;
	vol->flight = alloc_percpu(struct shadow_flight);
	if (!vol->flight)
		goto free_strain;
	vol->wq = alloc_workqueue("shadow/%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, vol->name);
	if (!vol->wq)
		goto free_flight;
	vol->grow_wq = alloc_workqueue("shadow-grow/%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 1,
				       vol->name);
	if (!vol->grow_wq)
		goto free_wq;
	if (alloc_pools(vol))
		goto free_pools;
	get_device(disk_to_dev(vol->disk));
	__module_get(vol->disk->fops->owner);	/* frees the disk; @bdev is open */
	return vol;

free_pools:
	free_pools(vol);
	destroy_workqueue(vol->grow_wq);
free_wq:
	destroy_workqueue(vol->wq);
free_flight:
	free_percpu(vol->flight);
free_strain:
	shadow_strain_free(vol->strain);
free_vol:
	kfree(vol);
no_memory:
	return ERR_PTR(shadow_fail(fault, SHADOW_PHASE_OPEN, SHADOW_REASON_NO_MEMORY,
				   bdev->bd_dev, -ENOMEM));
}

void shadow_volume_free(struct shadow_volume *vol)
{
	struct module *owner = vol->disk->fops->owner;

	synchronize_rcu();	/* completions that look at the volume after their count */
	shadow_policy_end(vol);
	cancel_delayed_work_sync(&vol->flush_work);
	cancel_delayed_work_sync(&vol->retry_work);
	cancel_work_sync(&vol->gone_work);
	cancel_delayed_work_sync(&vol->changes.merge_work);
	destroy_workqueue(vol->grow_wq);
	destroy_workqueue(vol->wq);
	if (vol->store)
		shadow_store_destroy(vol->store);
	shadow_changes_destroy(vol);
	shadow_epochs_destroy(&vol->epochs);
	shadow_watch_free(vol);
	free_pools(vol);
	free_percpu(vol->flight);
	shadow_strain_free(vol->strain);
	put_device(disk_to_dev(vol->disk));
	module_put(owner);
	kfree(vol);
}

const char *shadow_reason_text(u32 reason)
{
	switch (reason) {
	case SHADOW_REASON_STORE_FULL:
		return "its store is full";
	case SHADOW_REASON_STORE_ERROR:
		return "its store failed";
	case SHADOW_REASON_ORIGIN_ERROR:
		return "old data could not be read";
	case SHADOW_REASON_ORIGIN_GONE:
		return "the volume is gone";
	case SHADOW_REASON_NO_MEMORY:
		return "memory ran out";
	default:
		return "see shadowadm list";
	}
}

static struct shadow_durable *durable_of(struct shadow_volume *vol)
{
	lockdep_assert_held(&vol->epochs.mutate);
	return vol->store ? vol->store->durable : NULL;
}

void shadow_volume_drop(struct shadow_volume *vol)
{
	struct shadow_settled *unused;

	lockdep_assert_held(&vol->epochs.mutate);
	vol->drop_group = 0;
	vol->dropped_upto = max(vol->dropped_upto, vol->drop_upto);
	unused = shadow_epochs_drop(&vol->epochs, vol->dropped_upto);
	if (unused) {
		synchronize_rcu();
		shadow_settled_free(unused);
	}
	shadow_volume_kick(vol);	/* its store has emptied: writes, and writers, may go on */
}

void shadow_volume_lose(struct shadow_volume *vol, u64 upto, u32 phase, u32 reason, int error)
{
	struct shadow_durable *durable = durable_of(vol);
	struct shadow_stake *stake;

	upto = min(upto, vol->last_epoch);
	if (upto <= vol->lost_upto)
		return;
	spin_lock(&vol->stakes_lock);
	list_for_each_entry(stake, &vol->stakes, node) {
		if (stake->lost || stake->epoch->number > upto)
			continue;
		shadow_fail(&stake->fault, phase, reason, vol->dev, error);
		smp_store_release(&stake->lost, true);	/* before the writes that it lacks */
		atomic64_inc(&vol->lost);
		pr_warn("%s: the shadow of epoch %llu is lost: %s (%d); writes go on\n",
			vol->name, stake->epoch->number, shadow_reason_text(reason), error);
		if (stake->on_lost)
			stake->on_lost(stake);
	}
	spin_unlock(&vol->stakes_lock);
	smp_wmb();	/* lost, then writes that find nothing to preserve */
	vol->lost_upto = upto;
	vol->drop_upto = upto;
	if (vol->revert.state == SHADOW_REVERT_NOTED && vol->revert.epoch <= upto) {
		pr_warn("%s: it will not be reverted: that shadow is lost\n", vol->name);
		vol->revert = (struct shadow_reverting){ .state = SHADOW_REVERT_NONE };
	}
	/*
	 * A volume that is gone is not written any more, and what it has in its store is good:
	 * nothing is written there any more either, where what is forgotten now would be in use
	 * for who attaches it again.
	 */
	if (durable && reason == SHADOW_REASON_ORIGIN_GONE)
		shadow_durable_stop(durable);
	vol->drop_group = durable ? shadow_durable_lose(durable, upto, reason, -error) : 0;
	if (vol->drop_group)
		shadow_volume_kick(vol);
	else
		shadow_volume_drop(vol);
}

/* Let a durable store's log say that a shadow is gone. */
static void log_fold(struct shadow_volume *vol, const struct shadow_epoch *ep)
{
	struct shadow_durable *durable;
	u64 group = 0;
	int err = 0;

	mutex_lock(&vol->epochs.mutate);
	durable = durable_of(vol);
	while (durable) {
		err = shadow_durable_room(durable, 2, true);
		if (err != -EAGAIN && err != -ENOMEM)
			break;
		mutex_unlock(&vol->epochs.mutate);
		shadow_volume_kick(vol);
		schedule_timeout_uninterruptible(HZ / 50);	/* a commit makes room */
		mutex_lock(&vol->epochs.mutate);
	}
	/* A lost one that the volume was to be: nothing can make it so any more. */
	if (vol->revert.logged && vol->revert.logged_epoch == ep->number) {
		vol->revert = (struct shadow_reverting){ .state = SHADOW_REVERT_NONE };
		if (vol->protected)	/* a fault of that goes, too */
			shadow_policy_protect(vol, false);
		if (durable && !err)
			shadow_durable_add(durable, SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_OVER,
					   ep->number);
	}
	if (durable && !err)
		group = shadow_durable_add(durable, SHADOW_DISK_FOLD, 0, ep->number);
	else if (err == -ENOSPC)
		shadow_volume_lose(vol, U64_MAX, SHADOW_PHASE_PRESERVE, SHADOW_REASON_STORE_FULL,
				   err);
	mutex_unlock(&vol->epochs.mutate);
	if (group)
		shadow_durable_commit(durable, group);
}

void shadow_volume_fold(struct shadow_volume *vol, struct shadow_epoch *ep)
{
	struct shadow_epochs *es = &vol->epochs;
	gfp_t gfp = SHADOW_GFP;
	u64 cursor = 0;
	int more;

	lockdep_assert_held(&vol->fold);
	log_fold(vol, ep);
	do {
		struct shadow_settled *unused = NULL;
		unsigned int n = 0;

		mutex_lock(&es->mutate);
		do {
			/* Who is lost needs its records, too, until the log says so. */
			more = shadow_epochs_fold(es, ep, vol->dropped_upto, &cursor, gfp,
						  &unused);
		} while (more > 0 && !unused && ++n < FOLD_REGIONS);
		mutex_unlock(&es->mutate);
		if (unused) {
			synchronize_rcu();
			shadow_settled_free(unused);
		}
		/* The instant polls for the mutex, once no write waits for room any more. */
		while (READ_ONCE(vol->gate) && !READ_ONCE(vol->short_of_room))
			usleep_range(500, 1000);
		if (READ_ONCE(vol->short_of_room))
			shadow_volume_kick(vol);
		gfp = SHADOW_GFP;
		if (more == -ENOMEM) {
			schedule_timeout_uninterruptible(HZ / 50);
			if (READ_ONCE(vol->short_of_room))	/* it may be they who have it */
				gfp = SHADOW_GFP_LAST;
		}
		cond_resched();
	} while (more);
	if (READ_ONCE(vol->strained))
		shadow_volume_kick(vol);	/* there may be room for writers to go on */
}

void shadow_readers_drain(struct shadow_volume *vol)
{
	unsigned int before = vol->read_phase;

	write_lock(&vol->epochs.lock);
	vol->read_phase = !before;
	write_unlock(&vol->epochs.lock);
	/* Each phase was empty before it began: only those count that have looked in it. */
	wait_event(vol->readers_wait, !atomic_read(&vol->readers[before]));
	smp_mb();	/* the count, then the reuse of what they have read */
}

bool shadow_volume_take_image_memory(struct shadow_volume *vol, unsigned int n)
{
	s64 images = atomic64_add_return(n, &vol->image_memory);

	if (images <= shadow_volume_image_share(vol) &&
	    images + atomic64_read(&vol->memory) <= READ_ONCE(vol->memory_limit))
		return true;
	atomic64_sub(n, &vol->image_memory);
	return false;
}

void shadow_volume_kick(void *arg)
{
	struct shadow_volume *vol = arg;

	queue_work(vol->wq, &vol->work);
}
