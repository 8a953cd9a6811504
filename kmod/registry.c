// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry.c - the volumes that are tracked: beginning, end, and removal of the
 * device.
 *
 * A volume is tracked by request (shadow_registry_track()), or for as long as
 * sets and shadows pin it.  A device that is only tracked is not kept open; its
 * gendisk is kept from being freed, so that its address stays unique.
 *
 * When a device is removed the class interface tells us, with the driver core's
 * locks held: there we only mark the volume and leave the rest to work items.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include "attach.h"
#include "checkpoint.h"
#include "durable.h"
#include "evacuate.h"
#include "event.h"
#include "gate.h"
#include "grow.h"
#include "hook.h"
#include "policy.h"
#include "registry.h"
#include "watch.h"

#define OLD_WRITES_TIMEOUT	(10 * HZ)
#define GATED_TIMEOUT		(2 * HZ)	/* with writers held */

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(volumes);		/* by id */
static unsigned int nr_volumes;
static struct class_interface removal;
static bool leaving;
static struct workqueue_struct *detach_wq;

static void reap_gone(struct work_struct *work);
static DECLARE_WORK(reap_work, reap_gone);

static struct shadow_volume *find(dev_t dev)
{
	struct shadow_volume *vol;

	lockdep_assert_held(&registry_lock);
	list_for_each_entry(vol, &volumes, list)
		if (vol->dev == dev && !READ_ONCE(vol->gone))
			return vol;
	return NULL;
}

/* The device of a volume was removed.  Context: a work item. */
static void gone_work(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, gone_work);

	mutex_lock(&vol->epochs.mutate);
	shadow_volume_lose(vol, U64_MAX, SHADOW_PHASE_NONE, SHADOW_REASON_ORIGIN_GONE, -ENODEV);
	mutex_unlock(&vol->epochs.mutate);
	shadow_event_volume(SHADOW_NL_EV_GONE, vol, SHADOW_REASON_ORIGIN_GONE);
	schedule_work(&reap_work);
}

static void mark_gone(struct shadow_volume *vol)
{
	WRITE_ONCE(vol->gone, true);
	schedule_work(&vol->gone_work);
}

static void device_removed(struct device *dev)
{
	if (!READ_ONCE(leaving))	/* unregistering tells us of every device */
		shadow_hook_for_device(dev, mark_gone);
}

THUNK_CLASS_REMOVE(device_removed)

/* Wait for all requests that are under way now; blk-mq only. */
static int wait_for_requests(struct request_queue *q)
{
	unsigned int noio = memalloc_noio_save();	/* while requests cannot start */
	long left;

	blk_freeze_queue_start(q);
	left = blk_mq_freeze_queue_wait_timeout(q, OLD_WRITES_TIMEOUT);
	blk_mq_unfreeze_queue(q, noio);			/* restores it */
	return left > 0 ? 0 : -ETIMEDOUT;
}

/*
 * Wait for the writes that reached the driver before they could be diverted.  A
 * shadow would change when they hit the disk after its instant.
 */
static int wait_for_old_writes(struct shadow_volume *vol)
{
	unsigned long end = jiffies + GATED_TIMEOUT;
	int err = 0;

	if (queue_is_mq(vol->disk->queue))
		return wait_for_requests(vol->disk->queue);
	/*
	 * With new ones behind the gate only old ones are left in the driver's count.
	 * Kernels differ in whether a disk's count has those of its partitions in it, so
	 * it is waited for as a whole.
	 */
	shadow_gate_close(vol);
	while (!err && (!shadow_flight_none(vol) || shadow_disk_writes_inflight(vol->disk))) {
		if (time_after(jiffies, end))
			err = -ETIMEDOUT;
		else
			usleep_range(200, 500);
	}
	shadow_gate_open(vol);
	return err;
}

/*
 * Let those writes pass that are on their way and were not diverted.  Meanwhile the
 * volume takes all writes of its disk: what goes to other partitions would be
 * counted as old.  It touches no block of ours, and is passed on.
 */
static int let_old_writes_pass(struct shadow_volume *vol)
{
	int err;

	WRITE_ONCE(vol->whole_disk, true);
	err = shadow_hook_pass() ?: wait_for_old_writes(vol);
	WRITE_ONCE(vol->whole_disk, false);
	synchronize_rcu();
	return err;
}

/* No write is in flight any more. */
static void end_detach(struct shadow_volume *vol)
{
	lockdep_assert_held(&registry_lock);
	shadow_hook_remove(vol);
	shadow_event_volume(SHADOW_NL_EV_UNTRACKED, vol, SHADOW_REASON_NONE);
	shadow_volume_free(vol);
}

/* Some writes take their time; nobody but the module's exit waits for them. */
static void detach_work(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, detach_work);

	/* Ends: the gate is open and all that is in flight is below us. */
	while (!shadow_flight_none(vol))
		msleep(20);
	mutex_lock(&registry_lock);
	end_detach(vol);
	mutex_unlock(&registry_lock);
}

static void detach(struct shadow_volume *vol)
{
	unsigned int tries = 200;

	lockdep_assert_held(&registry_lock);
	list_del(&vol->list);
	WRITE_ONCE(nr_volumes, nr_volumes - 1);
	shadow_hook_leave(vol);
	while (!shadow_flight_none(vol) && --tries)
		usleep_range(500, 1000);
	if (tries) {
		end_detach(vol);
		return;
	}
	INIT_WORK(&vol->detach_work, detach_work);
	queue_work(detach_wq, &vol->detach_work);
}

/* @mark: in and out: since when changes are to be known, unless NULL; NULL when it is used. */
static struct shadow_volume *attach(dev_t dev, u64 memory_bytes, struct shadow_mark **mark,
				    struct shadow_fault *fault)
{
	struct file *file = bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
	struct shadow_volume *vol;
	int err;

	lockdep_assert_held(&registry_lock);
	if (IS_ERR(file))
		return ERR_PTR(shadow_fail(fault, SHADOW_PHASE_OPEN, SHADOW_REASON_NO_DEVICE, dev,
					   PTR_ERR(file)));
	if (file_bdev(file)->bd_disk->fops->owner == THIS_MODULE)
		vol = ERR_PTR(shadow_fail(fault, SHADOW_PHASE_OPEN, SHADOW_REASON_IMAGE, dev,
					  -EOPNOTSUPP));
	else
		vol = shadow_volume_alloc(file_bdev(file), memory_bytes, fault);
	if (IS_ERR(vol))
		goto close;
	INIT_WORK(&vol->gone_work, gone_work);
	vol->whole_disk = true;		/* from the first moment on: see let_old_writes_pass() */
	if (mark) {
		/* Before the first write: all that are let through are noted, or waited for. */
		shadow_changes_begin(vol, *mark);
		*mark = NULL;
	}
	err = shadow_hook_add(vol, fault);
	if (err) {
		shadow_volume_free(vol);
		vol = ERR_PTR(err);
		goto close;
	}
	list_add_tail(&vol->list, &volumes);
	WRITE_ONCE(nr_volumes, nr_volumes + 1);
	if (!disk_live(vol->disk))
		mark_gone(vol);		/* removed before we would have been told */
	err = let_old_writes_pass(vol);
	if (err) {
		shadow_fail(fault, SHADOW_PHASE_ATTACH,
			    err == -ENOMEM ? SHADOW_REASON_NO_MEMORY : SHADOW_REASON_DRAIN,
			    dev, err);
		detach(vol);
		vol = ERR_PTR(err);
		goto close;
	}
	shadow_event_volume(SHADOW_NL_EV_TRACKED, vol, SHADOW_REASON_NONE);
close:
	shadow_bdev_fput(file);
	return vol;
}

/* The device may have grown since it was attached; shadows keep their size. */
static int follow_growth(struct shadow_volume *vol)
{
	sector_t before = vol->nr_sectors;
	sector_t now = bdev_nr_sectors(vol->bdev);
	int err;

	if (now <= before)
		return 0;
	WRITE_ONCE(vol->nr_blocks, shadow_blocks_of(now));
	WRITE_ONCE(vol->nr_sectors, now);
	err = let_old_writes_pass(vol);
	if (err) {			/* the next one has to wait, too */
		WRITE_ONCE(vol->nr_sectors, before);
		WRITE_ONCE(vol->nr_blocks, shadow_blocks_of(before));
	}
	return err;
}

static void unpin(struct shadow_volume *vol)
{
	lockdep_assert_held(&registry_lock);
	if (--vol->pins)
		return;
	/* No shadow is left; a run, or reads, that began before still use the device. */
	flush_work(&vol->work);
	while (atomic_read(&vol->nr_claims))
		usleep_range(500, 1000);
	vol->bdev = NULL;
	shadow_bdev_fput(vol->bdev_file);
	if (!vol->tracked || READ_ONCE(vol->gone))
		detach(vol);
}

struct shadow_volume *shadow_registry_pin(dev_t dev, struct shadow_fault *fault)
{
	struct shadow_volume *vol;
	int err;

	mutex_lock(&registry_lock);
	vol = find(dev) ?: attach(dev, 0, NULL, fault);
	if (IS_ERR(vol))
		goto out;
	if (!vol->pins) {
		vol->bdev_file = bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
		err = PTR_ERR_OR_ZERO(vol->bdev_file);
		if (err) {
			shadow_fail(fault, SHADOW_PHASE_OPEN, SHADOW_REASON_NO_DEVICE, dev, err);
			if (!vol->tracked)
				detach(vol);
			vol = ERR_PTR(err);
			goto out;
		}
		vol->bdev = file_bdev(vol->bdev_file);
		if (vol->bdev->bd_disk != vol->disk ||
		    get_start_sect(vol->bdev) != vol->start) {
			/* Another device has its number: this one went unnoticed. */
			vol->bdev = NULL;
			shadow_bdev_fput(vol->bdev_file);
			mark_gone(vol);
			vol = ERR_PTR(shadow_fail(fault, SHADOW_PHASE_OPEN,
						  SHADOW_REASON_ORIGIN_GONE, dev, -ENODEV));
			goto out;
		}
	}
	vol->pins++;
	err = follow_growth(vol);
	if (err) {
		unpin(vol);
		vol = ERR_PTR(shadow_fail(fault, SHADOW_PHASE_ATTACH, SHADOW_REASON_DRAIN, dev,
					  err));
	}
out:
	mutex_unlock(&registry_lock);
	return vol;
}

void shadow_registry_unpin(struct shadow_volume *vol)
{
	mutex_lock(&registry_lock);
	unpin(vol);
	mutex_unlock(&registry_lock);
}

int shadow_registry_follow(struct shadow_volume *vol)
{
	int err;

	mutex_lock(&registry_lock);
	err = follow_growth(vol);
	mutex_unlock(&registry_lock);
	return err;
}

static void reap_gone(struct work_struct *work)
{
	struct shadow_volume *vol, *next;

	shadow_registry_release_stores();
	mutex_lock(&registry_lock);
	list_for_each_entry_safe(vol, next, &volumes, list)
		if (READ_ONCE(vol->gone) && !vol->pins)
			detach(vol);
	mutex_unlock(&registry_lock);
}

int shadow_registry_track(struct shadow_volume_track *arg)
{
	dev_t dev = MKDEV(arg->dev.major, arg->dev.minor);
	struct shadow_mark *mark = shadow_mark_create();
	struct shadow_volume *vol;
	bool is_new;
	int err = 0;

	if (!mark)
		return shadow_fail(&arg->fault, SHADOW_PHASE_ATTACH, SHADOW_REASON_NO_MEMORY, dev,
				   -ENOMEM);
	mutex_lock(&registry_lock);
	vol = find(dev);
	is_new = !vol;
	if (vol && vol->tracked)
		err = shadow_fail(&arg->fault, SHADOW_PHASE_ATTACH, SHADOW_REASON_DUPLICATE, dev,
				  -EEXIST);
	else if (!vol)
		vol = attach(dev, arg->memory_bytes, &mark, &arg->fault);
	if (!err && IS_ERR(vol))
		err = PTR_ERR(vol);
	if (!err && shadow_changes_limit(vol, arg->changes_bytes)) {
		err = shadow_fail(&arg->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_NONE, dev,
				  -ERANGE);
		if (is_new)
			detach(vol);
	}
	if (!err) {
		if (arg->memory_bytes)
			WRITE_ONCE(vol->memory_limit, arg->memory_bytes >> SHADOW_BLOCK_BITS);
		vol->tracked = true;
		if (mark)
			shadow_changes_begin(vol, mark);
		mark = NULL;
	}
	mutex_unlock(&registry_lock);
	shadow_mark_destroy(mark);
	return err;
}

int shadow_registry_untrack(dev_t dev, struct shadow_fault *fault)
{
	struct shadow_volume *vol;
	int err = 0;

	shadow_registry_release_stores();
	mutex_lock(&registry_lock);
	vol = find(dev);
	if (!vol || !vol->tracked)
		err = shadow_fail(fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_NO_DEVICE, dev,
				  -ENOENT);
	else if (shadow_changes_kept(vol))
		err = shadow_fail(fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_BASES, dev, -EBUSY);
	else if (vol->pins)
		err = shadow_fail(fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_BUSY, dev, -EBUSY);
	else
		detach(vol);
	mutex_unlock(&registry_lock);
	return err;
}

int shadow_registry_each(int (*fn)(struct shadow_volume *vol, void *data), void *data)
{
	struct shadow_volume *vol;
	int ret = 0;

	mutex_lock(&registry_lock);
	list_for_each_entry(vol, &volumes, list) {
		ret = fn(vol, data);
		if (ret)
			break;
	}
	mutex_unlock(&registry_lock);
	return ret;
}

int shadow_registry_policy(struct shadow_volume_policy *arg)
{
	dev_t dev = MKDEV(arg->dev.major, arg->dev.minor);
	struct shadow_volume *vol;
	int err = 0;

	mutex_lock(&registry_lock);
	vol = find(dev);
	if (vol)
		shadow_policy_set(vol, arg);
	else
		err = shadow_fail(&arg->fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_NO_DEVICE,
				  dev, -ENOENT);
	mutex_unlock(&registry_lock);
	return err;
}

/* --- stores -------------------------------------------------------------------- */

static bool is_part(const struct shadow_part *part, const struct shadow_store_spec *spec)
{
	return spec->type == part->spec.type && part->ops->is(part, spec);
}

static bool has_part(const struct shadow_store *store, const struct shadow_store_spec *spec)
{
	const struct shadow_part *part;

	if (spec->type == SHADOW_STORE_DEFAULT)
		return true;
	list_for_each_entry(part, &store->parts, node)
		if (is_part(part, spec) &&
		    (!spec->max_bytes || spec->max_bytes >> SHADOW_BLOCK_BITS == part->max_blocks))
			return true;
	return false;
}

static bool lies_on(const struct shadow_part *part, const struct shadow_volume *vol)
{
	return shadow_part_lies_on(part, vol->disk, vol->start, READ_ONCE(vol->nr_sectors));
}

/* Context: registry_lock, or @vol's epochs.mutate. */
static bool depends(const struct shadow_volume *vol, const struct shadow_volume *other)
{
	const struct shadow_part *part;

	if (!vol->store)
		return false;
	list_for_each_entry(part, &vol->store->parts, node)
		if (lies_on(part, other))
			return true;
	return false;
}

bool shadow_registry_depends(struct shadow_volume *vol, const struct shadow_volume *other)
{
	bool found;

	mutex_lock(&vol->epochs.mutate);	/* parts come and go at any time */
	found = depends(vol, other);
	mutex_unlock(&vol->epochs.mutate);
	return found;
}

enum { NOT_REACHED, REACHED, FOLLOWED };

/*
 * Would a part of @vol's store depend on @vol in a circle?  The volumes that its
 * writes need are reached, then those that the stores of these need, and so on.
 */
static bool circular(struct shadow_volume *vol, const struct shadow_part *part)
{
	struct shadow_volume *via, *next;
	bool found = false, more;

	lockdep_assert_held(&registry_lock);
	list_for_each_entry(via, &volumes, list)
		via->reached = via != vol && lies_on(part, via) ? REACHED : NOT_REACHED;
	do {
		more = false;
		list_for_each_entry(via, &volumes, list) {
			if (via->reached != REACHED)
				continue;
			via->reached = FOLLOWED;
			list_for_each_entry(next, &volumes, list) {
				if (!depends(via, next))
					continue;
				found |= next == vol;
				if (next->reached == NOT_REACHED) {
					next->reached = REACHED;
					more = true;
				}
			}
		}
	} while (more && !found);
	return found;
}

/*
 * A file may lie on the volume itself, in blocks that are blocks of the volume: its
 * filesystem has given them away for good.  A device there is a part of the volume.
 */
static bool can_lie_on(const struct shadow_part *part, const struct shadow_volume *vol)
{
	sector_t start = get_start_sect(part->bdev);

	return part->inode && !((start - vol->start) % SHADOW_BLOCK_SECTORS);
}

static int check_place(struct shadow_volume *vol, const struct shadow_part *part,
		       struct shadow_fault *fault)
{
	dev_t dev = MKDEV(part->spec.dev.major, part->spec.dev.minor);

	/* What images read into suits all parts that there are when an image is made. */
	if (part->bdev && vol->store &&
	    shadow_dma_alignment(part->bdev) > shadow_dma_alignment(vol->bdev))
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BLOCK_SIZE, dev,
				   -EINVAL);
	if (part->bdev && bdev_logical_block_size(part->bdev) >
	    bdev_logical_block_size(vol->bdev))	/* images are read in the volume's blocks */
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BLOCK_SIZE, dev,
				   -EINVAL);
	if (lies_on(part, vol) && !can_lie_on(part, vol))
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ON_VOLUME, dev,
				   -EINVAL);
	if (circular(vol, part))
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_CIRCLE, dev,
				   -ELOOP);
	return 0;
}

/*
 * Look whether an open part may be one of @vol's store, and make it ready, but for blocks
 * on the volume itself.
 */
static int admit_part(struct shadow_volume *vol, struct shadow_part *part,
		      struct shadow_fault *fault)
{
	int err = check_place(vol, part, fault) ?: shadow_part_prepare(part, fault);

	lockdep_assert_held(&registry_lock);
	if (err || !lies_on(part, vol))
		return err;
	part->on_volume = true;
	part->bios = &vol->own_writes;
	kvfree(shadow_space_resize(&part->space, 0, NULL));
	return 0;
}

/*
 * Can a store that is made of @part be durable?  It has to be read before the volume is mounted,
 * so a file is on another one.
 */
static int check_durable(const struct shadow_volume *vol, const struct shadow_part *part,
			 struct shadow_fault *fault)
{
	if (part->bdev && lies_on(part, vol))
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ON_VOLUME,
				   vol->dev, -EOPNOTSUPP);
	if (!part->plain)
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_VOLATILE,
				   vol->dev, -EOPNOTSUPP);
	return 0;
}

/* Let the store that @part is of be durable: it knows the volume that it is for. */
static int make_durable(struct shadow_volume *vol, struct shadow_part *part,
			struct shadow_fault *fault)
{
	static const bool never;
	int err = shadow_durable_make(part, vol->nr_sectors, vol->name, fault);

	if (err)
		return err;
	shadow_gate_close(vol);
	err = shadow_gate_drain(vol, &never);	/* killable */
	if (err) {
		shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_INTERRUPTED, vol->dev, err);
	} else {
		mutex_lock(&vol->epochs.mutate);
		err = shadow_watch_begin(vol, part->store->durable);
		mutex_unlock(&vol->epochs.mutate);
		if (err)
			shadow_fail(fault, SHADOW_PHASE_STORE, err == -ENOMEM ?
				    SHADOW_REASON_NO_MEMORY : SHADOW_REASON_ORIGIN_ERROR,
				    vol->dev, err);
	}
	shadow_gate_open(vol);
	return err;
}

/* A store for @vol, without parts; NULL without memory. */
static struct shadow_store *new_store(struct shadow_volume *vol, struct shadow_fault *fault)
{
	struct shadow_store *store = shadow_store_create(&vol->epochs.mutate, &vol->pages,
							 &vol->store_writes, shadow_volume_kick,
							 vol);

	if (!store)
		shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY, vol->dev, -ENOMEM);
	return store;
}

/* Give @vol a store of one part. */
static int make_store(struct shadow_volume *vol, const struct shadow_store_spec *spec,
		      bool durable, struct shadow_fault *fault)
{
	struct shadow_store *store = new_store(vol, fault);
	struct shadow_part *part;
	int err = 0;

	if (!store)
		return -ENOMEM;
	part = shadow_part_open(store, spec, fault);
	if (IS_ERR(part)) {
		shadow_store_destroy(store);
		return PTR_ERR(part);
	}
	shadow_store_attach(part);
	if (durable) {
		err = check_durable(vol, part, fault);
		/* Its header says how many it has. */
		part->nr_blocks = min(part->nr_blocks, part->max_blocks);
		part->max_blocks = part->nr_blocks;
	}
	err = err ?: admit_part(vol, part, fault) ?: shadow_grow_ready(vol, part, fault);
	if (!err && durable)
		err = make_durable(vol, part, fault);
	if (err) {
		mutex_lock(&vol->epochs.mutate);
		shadow_watch_end(vol);
		mutex_unlock(&vol->epochs.mutate);
		shadow_store_destroy(store);
		return err;
	}
	mutex_lock(&vol->epochs.mutate);
	vol->store = store;
	mutex_unlock(&vol->epochs.mutate);
	return 0;
}

int shadow_registry_use_store(struct shadow_volume *vol, const struct shadow_store_spec *spec,
			      bool durable, struct shadow_fault *fault)
{
	int err = 0;

	mutex_lock(&registry_lock);
	mutex_lock(&vol->change);
	if (vol->store_users - vol->borrowers >= SHADOW_MAX_VOLUME_SHADOWS)
		err = shadow_fail(fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_VOLUME_FULL,
				  vol->dev, -EDQUOT);
	else if (!vol->store)
		err = make_store(vol, spec, durable, fault);
	else if (!has_part(vol->store, spec))
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_MISMATCH,
				  vol->dev, -EEXIST);
	else if (durable && !vol->store->durable)
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_VOLATILE,
				  vol->dev, -EEXIST);
	if (!err)
		vol->store_users++;
	mutex_unlock(&vol->change);
	if (!err)
		shadow_registry_keep_bases(vol, NULL);
	mutex_unlock(&registry_lock);
	return err;
}

/* It has no other one.  Context: registry_lock. */
static int check_no_store(const struct shadow_volume *vol, struct shadow_fault *fault)
{
	if (!vol->store)
		return 0;
	return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_MISMATCH, vol->dev,
			   -EEXIST);
}

/*
 * As for shadow_registry_add_part(), a file is opened without locks, and while the volume's gate is
 * open: its filesystem may have something to write out, and lie on a loop device over the
 * volume's disk, which then writes what was written to the volume there, too.
 */
struct shadow_store *shadow_registry_open_store(struct shadow_volume *vol,
						const struct shadow_store_spec *spec,
						struct shadow_fault *fault)
{
	struct shadow_store *store;
	struct shadow_part *part;
	int err;

	mutex_lock(&registry_lock);
	err = check_no_store(vol, fault);	/* it would have the device */
	mutex_unlock(&registry_lock);
	if (err)
		return ERR_PTR(err);
	store = new_store(vol, fault);
	if (!store)
		return ERR_PTR(-ENOMEM);
	part = shadow_part_open(store, spec, fault);
	if (IS_ERR(part)) {
		shadow_store_destroy(store);
		return ERR_CAST(part);
	}
	shadow_store_attach(part);
	return store;
}

/* See that an open store can be that of @vol, and read it. */
static int load_store(struct shadow_volume *vol, struct shadow_store *store, u32 flags,
		      struct list_head *found, struct shadow_fault *fault)
{
	struct shadow_part *part = list_first_entry(&store->parts, struct shadow_part, node);
	int err = check_durable(vol, part, fault) ?: check_place(vol, part, fault) ?:
		  shadow_attach_load(vol, part, flags, found, fault);

	if (err)
		return err;
	mutex_lock(&vol->epochs.mutate);
	vol->store = store;
	mutex_unlock(&vol->epochs.mutate);
	return 0;
}

int shadow_registry_adopt_store(struct shadow_volume *vol, struct shadow_store *store, u32 flags,
				struct list_head *found, struct shadow_fault *fault)
{
	int err;

	mutex_lock(&registry_lock);
	mutex_lock(&vol->change);
	err = check_no_store(vol, fault) ?: load_store(vol, store, flags, found, fault);
	if (!err)
		vol->store_users++;
	mutex_unlock(&vol->change);
	mutex_unlock(&registry_lock);
	return err;
}

/* One less needs the store; the last one ends it. */
static void drop_user(struct shadow_volume *vol, bool borrower)
{
	struct shadow_store *store = NULL;
	struct shadow_stored stored;
	bool retires = false;

	mutex_lock(&registry_lock);	/* others look at our store for circles */
	mutex_lock(&vol->change);
	vol->borrowers -= borrower;
	if (!--vol->store_users) {
		mutex_lock(&vol->epochs.mutate);
		store = vol->store;
		vol->store = NULL;
		vol->revert = (struct shadow_reverting){ .state = SHADOW_REVERT_NONE };
		if (vol->protected)	/* a fault of that goes, too */
			shadow_policy_protect(vol, false);
		shadow_watch_end(vol);
		/* What goes with its volume is there again with it. */
		retires = store->durable && !store->durable->dead && !READ_ONCE(vol->gone);
		if (store->durable)
			shadow_durable_stop(store->durable);
		shadow_policy_no_store(vol);
		mutex_unlock(&vol->epochs.mutate);
	}
	mutex_unlock(&vol->change);
	mutex_unlock(&registry_lock);
	/* Ours alone now, so that a store which is slow to end holds nobody up. */
	if (store) {
		shadow_grow_stop(vol);
		shadow_checkpoint_stop(vol);
		if (store->durable)
			shadow_checkpoint_note_failure(store->durable);
		if (retires)
			shadow_durable_retire(store->durable);
		shadow_volume_kick(vol);	/* a new store may have wanted to grow just now */
		flush_work(&vol->work);		/* it may be sending batches */
		mutex_lock(&vol->epochs.mutate);
		vol->past_writes += atomic64_read(&store->writes);
		vol->past_write_bytes += atomic64_read(&store->write_bytes);
		mutex_unlock(&vol->epochs.mutate);
		stored = shadow_store_destroy(store);
		atomic64_sub(stored.blocks[SHADOW_FOR_ORIGIN], &vol->memory);
		atomic64_sub(stored.blocks[SHADOW_FOR_IMAGE], &vol->image_memory);
	}
}

void shadow_registry_unuse_store(struct shadow_volume *vol)
{
	drop_user(vol, false);
}

struct file *shadow_registry_claim(dev_t dev, blk_mode_t mode, void *holder,
				   struct shadow_fault *fault)
{
	struct file *file = bdev_file_open_by_dev(dev, mode, holder, NULL);
	int err = PTR_ERR_OR_ZERO(file);

	if (err)
		shadow_fail(fault, SHADOW_PHASE_OPEN, err == -EBUSY ? SHADOW_REASON_BUSY :
			    err == -EROFS || err == -EACCES ? SHADOW_REASON_VOLUME_READONLY :
			    SHADOW_REASON_NO_DEVICE, dev, err);
	return file;
}

/* The volume that is meant, if it has a store.  Context: registry_lock. */
static struct shadow_volume *find_store(const struct shadow_dev *dev, struct shadow_fault *fault)
{
	dev_t number = MKDEV(dev->major, dev->minor);
	struct shadow_volume *vol = find(number);

	if (vol && vol->store)
		return vol;
	shadow_fail(fault, SHADOW_PHASE_ARGUMENTS, SHADOW_REASON_NO_DEVICE, number, -ENOENT);
	return NULL;
}

/* Use the store of a volume for a while: neither goes.  Context: registry_lock, vol->change. */
static void borrow_store(struct shadow_volume *vol)
{
	vol->pins++;
	vol->store_users++;
	vol->borrowers++;
}

static void return_store(struct shadow_volume *vol)
{
	drop_user(vol, true);
	shadow_registry_unpin(vol);
}

void shadow_registry_keep(struct shadow_volume *vol)
{
	mutex_lock(&registry_lock);
	mutex_lock(&vol->change);
	vol->pins++;
	vol->store_users++;
	mutex_unlock(&vol->change);
	mutex_unlock(&registry_lock);
}

struct shadow_volume *shadow_registry_borrow(dev_t dev, struct shadow_fault *fault)
{
	struct shadow_dev number = shadow_dev_encode(dev);
	struct shadow_volume *vol;

	mutex_lock(&registry_lock);
	vol = find_store(&number, fault);
	if (vol) {
		mutex_lock(&vol->change);
		borrow_store(vol);
		mutex_unlock(&vol->change);
	}
	mutex_unlock(&registry_lock);
	return vol ?: ERR_PTR(-ENOENT);
}

void shadow_registry_return(struct shadow_volume *vol)
{
	return_store(vol);
}

void shadow_registry_hold_volume(struct shadow_volume *vol)
{
	mutex_lock(&registry_lock);
	vol->tracked = true;
	mutex_unlock(&registry_lock);
}

/* Can something be saved in the volume's store?  Context: registry_lock. */
static bool can_save(const struct shadow_volume *vol)
{
	return vol->store && vol->store->durable && !READ_ONCE(vol->store->durable->dead) &&
	       !READ_ONCE(vol->gone);
}

/* Context: registry_lock. */
static void hold_store(struct shadow_volume *vol)
{
	mutex_lock(&vol->change);
	if (!vol->holds_store && can_save(vol)) {
		borrow_store(vol);
		vol->holds_store = true;
		__module_get(THIS_MODULE);	/* the caller has a descriptor of ours */
	}
	mutex_unlock(&vol->change);
}

int shadow_registry_keep_bases(struct shadow_volume *vol, void *unused)
{
	lockdep_assert_held(&registry_lock);
	if (shadow_changes_kept(vol)) {
		vol->tracked = true;
		hold_store(vol);
	}
	return 0;
}

void shadow_registry_release_stores(void)
{
	struct shadow_volume *vol, *found;

	do {
		found = NULL;
		mutex_lock(&registry_lock);
		list_for_each_entry(vol, &volumes, list) {
			if (!vol->holds_store || (shadow_changes_kept(vol) && can_save(vol)))
				continue;
			vol->holds_store = false;
			found = vol;
			break;
		}
		mutex_unlock(&registry_lock);
		if (found) {
			return_store(found);
			module_put(THIS_MODULE);
		}
	} while (found);
}

/* A durable store is of one part, which stays as it is.  Context: registry_lock. */
static int check_changeable(const struct shadow_volume *vol, struct shadow_fault *fault)
{
	if (!vol->store->durable)
		return 0;
	return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_DURABLE, vol->dev,
			   -EOPNOTSUPP);
}

/* Is there a place for one more, and is it not there yet?  Context: registry_lock. */
static int check_new(const struct shadow_volume *vol, const struct shadow_store_spec *spec,
		     struct shadow_fault *fault)
{
	const struct shadow_part *part;
	unsigned int n = 0;

	list_for_each_entry(part, &vol->store->parts, node) {
		if (is_part(part, spec))
			return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_DUPLICATE,
					   vol->dev, -EEXIST);
		n++;
	}
	if (n == SHADOW_PARTS_MAX)
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_FULL, vol->dev,
				   -E2BIG);
	return 0;
}

static int attach_part(struct shadow_volume *vol, struct shadow_part *part,
		       const struct shadow_store_spec *spec, struct shadow_fault *fault)
{
	u16 *groups = shadow_space_groups(part->space.nr_blocks);
	int err;

	mutex_lock(&registry_lock);
	mutex_lock(&vol->change);
	/* Others may have been added while it was opened. */
	err = check_new(vol, spec, fault) ?: admit_part(vol, part, fault);
	if (!err) {
		mutex_lock(&vol->epochs.mutate);
		shadow_store_attach(part);
		if (groups && part->on_volume)
			shadow_grow_take(vol, part, &groups);
		shadow_policy_grow(vol);	/* by the blocks that are to be made ready */
		mutex_unlock(&vol->epochs.mutate);
	}
	mutex_unlock(&vol->change);
	mutex_unlock(&registry_lock);
	kvfree(groups);
	return err;
}

/*
 * A file is opened without locks: its filesystem may have something to write out, perhaps
 * to the volume, whose writes may wait for the room that the part is to give.
 */
int shadow_registry_add_part(struct shadow_store_add *arg)
{
	struct shadow_store_spec spec = arg->store;
	struct shadow_part *part = NULL;
	struct shadow_volume *vol;
	int err = -ENOENT;

	mutex_lock(&registry_lock);
	vol = find_store(&arg->dev, &arg->fault);
	if (vol) {
		mutex_lock(&vol->change);
		borrow_store(vol);
		err = check_changeable(vol, &arg->fault) ?: check_new(vol, &spec, &arg->fault);
		mutex_unlock(&vol->change);
	}
	mutex_unlock(&registry_lock);
	if (!vol)
		return err;
	if (!err) {
		part = shadow_part_open(vol->store, &spec, &arg->fault);
		err = PTR_ERR_OR_ZERO(part);
	}
	if (!err) {
		err = attach_part(vol, part, &spec, &arg->fault);
		if (err)
			shadow_part_close(part);
		else
			arg->part = part->id;
	}
	if (!err)
		shadow_volume_kick(vol);	/* writes may wait for room */
	return_store(vol);
	return err;
}

/*
 * What is wanted of a part that is there.  Return: 0, with @vol and @part, or an error.
 * Context: registry_lock; on success @vol's change mutex is held, too.
 */
static int find_part(struct shadow_store_resize *arg, struct shadow_volume **volp,
		     struct shadow_part **partp)
{
	struct shadow_volume *vol = find_store(&arg->dev, &arg->fault);
	struct shadow_part *part = NULL;
	u32 reason = SHADOW_REASON_NONE;
	int err = 0;

	if (!vol)
		return -ENOENT;
	err = check_changeable(vol, &arg->fault);
	if (err)
		return err;
	mutex_lock(&vol->change);
	if (arg->part < SHADOW_PARTS_MAX)
		part = vol->store->part[arg->part];
	if (!part) {
		reason = SHADOW_REASON_STORE_PART;
		err = -ENOENT;
	} else if (vol->resizing) {
		reason = SHADOW_REASON_BUSY;
		err = -EBUSY;
	} else if (!arg->max_bytes && list_is_singular(&vol->store->parts)) {
		reason = SHADOW_REASON_STORE_LAST;
		err = -EBUSY;
	} else if (arg->max_bytes &&
		   (arg->max_bytes < SHADOW_STORE_MIN ||
		    arg->max_bytes >> SHADOW_BLOCK_BITS > part->ops->room(part))) {
		reason = SHADOW_REASON_STORE_SIZE;
		err = -EINVAL;
	}
	if (err) {
		mutex_unlock(&vol->change);
		return shadow_fail(&arg->fault, SHADOW_PHASE_STORE, reason, vol->dev, err);
	}
	*volp = vol;
	*partp = part;
	return 0;
}

/* May it become smaller now?  Context: epochs.mutate. */
static int check_cut(struct shadow_volume *vol, const struct shadow_part *part, u64 max_blocks,
		     struct shadow_fault *fault)
{
	/* What is being made ready would be given out after all. */
	bool busy = vol->store->growing == part;

	/* Shadows in the making have been told that its blocks are the store's: see grow.c. */
	if (part->on_volume && !max_blocks)
		busy |= !list_empty(&vol->prepared);
	return busy ? shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BUSY, vol->dev,
				  -EBUSY) : 0;
}

/* Context: epochs.mutate.  Return: 1, or an error. */
static int begin_cut(struct shadow_volume *vol, struct shadow_part *part, u64 max_blocks,
		     struct shadow_fault *fault)
{
	int err = check_cut(vol, part, max_blocks, fault);

	if (err)
		return err;
	shadow_store_cut(part, max_blocks);
	/* The others may have no block yet: of nothing, nothing is enough. */
	if (shadow_store_size(vol->store) && shadow_policy_has_room(vol->store))
		return 1;
	shadow_store_uncut(vol->store);
	return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_FULL, vol->dev,
			   -ENOSPC);
}

/*
 * Make a part as large as it may be, if that is no less than it is; a file grows to it.
 * Return: 0; 1 when blocks have to be cleared out first, and the volume is kept for that; or
 * an error.
 */
static int begin_resize(struct shadow_volume *vol, struct shadow_part *part, u64 max_blocks,
			struct shadow_fault *fault)
{
	u16 *groups = part->ops->grow ? NULL : shadow_space_groups(max_blocks);
	int ret = 0;

	if (!groups && !part->ops->grow)
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY, vol->dev,
				   -ENOMEM);
	mutex_lock(&vol->epochs.mutate);
	if (!max_blocks || max_blocks < part->space.nr_blocks) {
		ret = begin_cut(vol, part, max_blocks, fault);
	} else {
		part->max_blocks = max_blocks;
		if (part->ops->grow) {
			part->grow_again = 0;
			shadow_policy_grow(vol);
		} else {
			part->nr_blocks = max_blocks;
			groups = shadow_space_resize(&part->space, max_blocks, groups);
		}
	}
	mutex_unlock(&vol->epochs.mutate);
	kvfree(groups);
	if (ret == 1) {
		borrow_store(vol);
		vol->resizing = true;
	}
	shadow_volume_kick(vol);	/* writes may wait for the room */
	return ret;
}

/* The end of a cut, or an error: it was given up for writes at the last moment. */
static int finish_cut(struct shadow_volume *vol, struct shadow_part *part, u64 max_blocks,
		      u16 **groups, struct shadow_fault *fault)
{
	int err;

	lockdep_assert_held(&vol->epochs.mutate);
	if (vol->store->cut != part)
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_FULL, vol->dev,
				   -ENOSPC);
	err = check_cut(vol, part, max_blocks, fault);
	if (err)
		shadow_store_uncut(vol->store);
	else if (max_blocks)
		*groups = shadow_store_cut_off(part, *groups);
	else
		shadow_store_detach(part);
	return err;
}

/* Clear out what is cut off of a part, and let go of it.  The volume is kept until then. */
static int clear_part(struct shadow_volume *vol, struct shadow_part *part, u64 max_blocks,
		      struct shadow_store_resize *arg)
{
	u16 *groups = max_blocks ? shadow_space_groups(max_blocks) : NULL;
	u64 moved = 0;
	int err;

	if (max_blocks && !groups)
		err = shadow_fail(&arg->fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY,
				  vol->dev, -ENOMEM);
	else
		err = shadow_evacuate(vol, part, &moved, &arg->fault);
	arg->moved_bytes = moved << SHADOW_BLOCK_BITS;
	mutex_lock(&registry_lock);
	mutex_lock(&vol->change);
	mutex_lock(&vol->epochs.mutate);
	if (err)
		shadow_store_uncut(vol->store);
	else
		err = finish_cut(vol, part, max_blocks, &groups, &arg->fault);
	mutex_unlock(&vol->epochs.mutate);
	vol->resizing = false;
	mutex_unlock(&vol->change);
	mutex_unlock(&registry_lock);
	kvfree(groups);
	if (!err && !max_blocks)
		shadow_part_close(part);	/* ours alone now */
	shadow_volume_kick(vol);
	return_store(vol);
	return err;
}

int shadow_registry_resize_part(struct shadow_store_resize *arg)
{
	u64 max_blocks = arg->max_bytes >> SHADOW_BLOCK_BITS;
	struct shadow_volume *vol;
	struct shadow_part *part;
	int ret;

	mutex_lock(&registry_lock);
	ret = find_part(arg, &vol, &part);
	if (!ret) {
		ret = begin_resize(vol, part, max_blocks, &arg->fault);
		mutex_unlock(&vol->change);
	}
	mutex_unlock(&registry_lock);
	return ret > 0 ? clear_part(vol, part, max_blocks, arg) : ret;
}

/* --- listing ---------------------------------------------------------------------- */

static void fill_info(struct shadow_volume *vol, struct shadow_volume_info *info)
{
	struct shadow_flight sum = { 0 };
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct shadow_flight *f = per_cpu_ptr(vol->flight, cpu);

		sum.finished += READ_ONCE(f->finished);
		sum.direct += READ_ONCE(f->direct);
		sum.parked += READ_ONCE(f->parked);
		sum.gated += READ_ONCE(f->gated);
	}
	for_each_possible_cpu(cpu)
		sum.started += READ_ONCE(per_cpu_ptr(vol->flight, cpu)->started);
	memset(info, 0, sizeof(*info));
	info->cursor = vol->id;
	info->dev = shadow_dev_encode(vol->dev);
	info->disk = shadow_dev_encode(disk_devt(vol->disk));
	info->flags = (vol->tracked ? SHADOW_VOLUME_TRACKED : 0) |
		      (rcu_access_pointer(vol->epochs.settled) ? SHADOW_VOLUME_PRESERVING : 0) |
		      (READ_ONCE(vol->gate) ? SHADOW_VOLUME_GATED : 0) |
		      (READ_ONCE(vol->gone) ? SHADOW_VOLUME_GONE : 0);
	if (READ_ONCE(vol->revert.state) == SHADOW_REVERT_RUNNING ||
	    READ_ONCE(vol->revert.state) == SHADOW_REVERT_HALF_DONE)
		info->flags |= SHADOW_VOLUME_REVERTING;
	info->shadows = READ_ONCE(vol->nr_stakes);
	info->start_sector = vol->start;
	info->bytes = (u64)vol->nr_sectors << SECTOR_SHIFT;
	strscpy(info->name, vol->name, sizeof(info->name));
	info->memory_limit_bytes = vol->memory_limit << SHADOW_BLOCK_BITS;
	info->bios_seen = sum.started - sum.gated;
	info->bios_direct = sum.direct;
	info->bios_parked = sum.parked;
	info->bios_gated = sum.gated;
	info->bios_inflight = sum.started - sum.finished;
	info->blocks_preserved = atomic64_read(&vol->blocks_preserved);
	info->blocks_ahead = atomic64_read(&vol->blocks_ahead);
	info->origin_reads = atomic64_read(&vol->origin_reads);
	info->origin_read_bytes = atomic64_read(&vol->origin_read_bytes);
	info->store_reads = atomic64_read(&vol->store_reads);
	info->store_read_bytes = atomic64_read(&vol->store_read_bytes);
	info->image_origin_reads = atomic64_read(&vol->image_origin_reads);
	info->image_origin_read_bytes = atomic64_read(&vol->image_origin_read_bytes);
	info->image_retries = atomic64_read(&vol->image_retries);
	info->memory_waits = atomic64_read(&vol->memory_waits);
	info->lost = atomic64_read(&vol->lost);
	info->hold_ns = READ_ONCE(vol->hold_ns);
	info->drain_ns = READ_ONCE(vol->drain_ns);

	mutex_lock(&vol->epochs.mutate);
	info->epoch = vol->last_epoch;
	info->memory_bytes = (u64)(atomic64_read(&vol->memory) +
				   atomic64_read(&vol->image_memory)) << SHADOW_BLOCK_BITS;
	info->memory_peak_bytes = READ_ONCE(vol->memory_peak) << SHADOW_BLOCK_BITS;
	info->index_bytes = shadow_epochs_bytes(&vol->epochs);
	shadow_policy_fill_info(vol, info);
	info->store_writes = vol->past_writes;
	info->store_write_bytes = vol->past_write_bytes;
	if (vol->store) {
		info->store = list_first_entry(&vol->store->parts, struct shadow_part,
					       node)->spec;
		info->store.max_bytes = shadow_store_capacity(vol->store) << SHADOW_BLOCK_BITS;
		info->store_used_bytes = shadow_store_used(vol->store) << SHADOW_BLOCK_BITS;
		info->store_writes += atomic64_read(&vol->store->writes);
		info->store_write_bytes += atomic64_read(&vol->store->write_bytes);
		info->index_bytes += shadow_store_bytes(vol->store);
		if (vol->store->durable) {
			info->log_commits = atomic64_read(&vol->store->durable->commits);
			info->log_blocks = vol->store->durable->blocks;
			info->log_checkpoints = atomic64_read(&vol->store->durable->checkpoints);
		}
	}
	mutex_unlock(&vol->epochs.mutate);
}

int shadow_registry_next(struct shadow_volume_info *info)
{
	struct shadow_volume *vol;
	int err = -ENOENT;

	mutex_lock(&registry_lock);
	list_for_each_entry(vol, &volumes, list) {
		if (vol->id > info->cursor) {
			fill_info(vol, info);
			err = 0;
			break;
		}
	}
	mutex_unlock(&registry_lock);
	return err;
}

/* Return: false: there is none. */
static bool fill_revert(struct shadow_volume *vol, struct shadow_revert_info *info)
{
	const struct shadow_reverting *revert = &vol->revert;
	bool is_one;

	mutex_lock(&vol->epochs.mutate);
	is_one = revert->state != SHADOW_REVERT_NONE;
	if (is_one) {
		memset(info, 0, sizeof(*info));
		info->cursor = vol->id;
		info->volume = shadow_dev_encode(vol->dev);
		info->shadow = revert->shadow;
		info->state = revert->state;
		info->bytes_all = revert->all << SHADOW_BLOCK_BITS;
		info->bytes_done = revert->done << SHADOW_BLOCK_BITS;
		info->bytes_written = revert->written << SHADOW_BLOCK_BITS;
		info->needed_bytes = revert->needed << SHADOW_BLOCK_BITS;
		info->room_bytes = revert->room << SHADOW_BLOCK_BITS;
		info->fault = revert->fault;
		strscpy(info->volume_name, vol->name, sizeof(info->volume_name));
	}
	mutex_unlock(&vol->epochs.mutate);
	return is_one;
}

int shadow_registry_next_revert(struct shadow_revert_info *info)
{
	struct shadow_volume *vol;
	int err = -ENOENT;

	mutex_lock(&registry_lock);
	list_for_each_entry(vol, &volumes, list) {
		if (vol->id > info->cursor && fill_revert(vol, info)) {
			err = 0;
			break;
		}
	}
	mutex_unlock(&registry_lock);
	return err;
}

/* Parts of one volume by number, volumes by id; never 0. */
static u64 part_cursor(const struct shadow_volume *vol, const struct shadow_part *part)
{
	return vol->id * SHADOW_PARTS_MAX + part->id;
}

static void fill_part(struct shadow_volume *vol, const struct shadow_part *part,
		      struct shadow_store_info *info)
{
	memset(info, 0, sizeof(*info));
	info->cursor = part_cursor(vol, part);
	info->volume = shadow_dev_encode(vol->dev);
	info->part = part->id;
	info->type = part->spec.type;
	info->dev = part->spec.dev;
	info->inode = part->inode;
	info->extents = part->ops->extents ? part->ops->extents(part) : !!part->bdev;
	strscpy(info->volume_name, vol->name, sizeof(info->volume_name));

	mutex_lock(&vol->epochs.mutate);
	info->flags = (part->on_volume ? SHADOW_PART_ON_VOLUME : 0) |
		      (part->store->growing == part || shadow_part_unready(part) ?
		       SHADOW_PART_GROWING : 0) |
		      (part->grow_fault ? SHADOW_PART_GROW_FAILED : 0);
	info->state = vol->store->cut == part ? SHADOW_PART_DRAINING : SHADOW_PART_READY;
	info->max_bytes = part->max_blocks << SHADOW_BLOCK_BITS;
	info->allocated_bytes = part->space.nr_blocks << SHADOW_BLOCK_BITS;
	info->used_bytes = shadow_space_used(&part->space) << SHADOW_BLOCK_BITS;
	mutex_unlock(&vol->epochs.mutate);
}

int shadow_registry_next_part(struct shadow_store_info *info)
{
	struct shadow_volume *vol;
	struct shadow_part *part;
	unsigned int id;
	int err = -ENOENT;

	mutex_lock(&registry_lock);
	list_for_each_entry(vol, &volumes, list) {
		for (id = 0; err && vol->store && id < SHADOW_PARTS_MAX; id++) {
			part = vol->store->part[id];
			if (part && part_cursor(vol, part) > info->cursor) {
				fill_part(vol, part, info);
				err = 0;
			}
		}
		if (!err)
			break;
	}
	mutex_unlock(&registry_lock);
	return err;
}

unsigned int shadow_registry_count(void)
{
	return READ_ONCE(nr_volumes);
}

int shadow_registry_init(void)
{
	int err;

	detach_wq = alloc_workqueue("shadow-detach", WQ_UNBOUND, 0);
	if (!detach_wq)
		return -ENOMEM;
	removal.class = shadow_hook_device()->class;
	removal.remove_dev = THUNK_CLASS(device_removed);
	err = class_interface_register(&removal);
	if (err)
		destroy_workqueue(detach_wq);
	return err;
}

void shadow_registry_exit(void)
{
	struct shadow_volume *vol, *next;

	WRITE_ONCE(leaving, true);
	class_interface_unregister(&removal);
	cancel_work_sync(&reap_work);
	mutex_lock(&registry_lock);
	list_for_each_entry_safe(vol, next, &volumes, list)
		detach(vol);
	mutex_unlock(&registry_lock);
	cancel_work_sync(&reap_work);
	destroy_workqueue(detach_wq);	/* waits for writes that were under way */
	synchronize_rcu_tasks();	/* completions preempted in their last instructions */
}
