// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - the block device of a shadow: every block from what was written to it,
 * from its record, or from the origin; zeros where the volume was free.
 *
 * A read is cut into runs.  A run that was free is zeros.  A run in the store is copied
 * from memory, where it is still (or for good) there, or read from the store.  The
 * others are read from the origin, and looked at again when that is done: blocks that
 * have become recorded or free meanwhile are filled anew, whatever was read; where
 * a block is neither still, no write was let through yet, so what was read is old
 * data.  Writers therefore never wait for readers.  "Nothing has changed" is one
 * comparison, of the epochs' generation.
 *
 * Writes go to the overlay of a writable image (overlay.c), until it is sealed.
 *
 * Last of all the stake is looked at: a shadow is marked lost before any write
 * goes through that it lacks and before any of its store blocks is used again,
 * so data that arrived while it was not lost is good.
 *
 * Deleting: under shadows_lock the shadow becomes unreachable for openers; with
 * none left there is nothing new to read or write, and what is under way is counted
 * and ends because it is bios below us.  Then the overlay goes, and its epoch is
 * folded into the next older one, and last its disk goes: what that waits for is not
 * known to us, and writes may wait for the room that the records took.
 */
#include <linux/backing-dev.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/idr.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include "attach.h"
#include "checkpoint.h"
#include "durable.h"
#include "event.h"
#include "grow.h"
#include "image.h"
#include "policy.h"
#include "registry.h"

#define FREE_STEPS	16	/* before others get the mutex */
#define FREE_TRIES	20	/* for memory */

static DEFINE_MUTEX(shadows_lock);
static LIST_HEAD(shadows);		/* taken ones, by id */
static unsigned int nr_shadows;		/* prepared ones too */
static DEFINE_IDA(indexes);

/*
 * Images have a major number of their own, and so have their partitions, but for
 * those above 31.  LVM takes its physical volumes from majors that it knows, the
 * one for everybody's use among them: it would find each one a second time.
 */
#define IMAGE_MINORS	32
static int image_major;
static u64 last_id;
static struct bio_set piece_bios;
static struct workqueue_struct *image_wq;	/* second looks at reads */
static struct workqueue_struct *delete_wq;	/* may wait for them */

/**
 * struct found - where a run of blocks is
 * @place: the kind of place
 * @written: it was written to the image: found in the overlay, in @phase of that
 * @phase: if @written
 * @reader: in which phase of the volume's readers, if in the store
 * @loc: the first block's location, if in the store
 * @len: blocks
 * @generation: of the epochs when it was looked up
 */
struct found {
	enum shadow_place place;
	bool written;
	unsigned int phase;
	unsigned int reader;
	u64 loc;
	u64 len;
	u64 generation;
};

/**
 * struct piece - a part of a read that is under way below us
 * @sh: the shadow
 * @parent: the read
 * @iter: which part of @parent, in sectors of the image
 * @found: what the look-up said
 * @work: looks again, where waiting is allowed
 * @bio: the clone
 */
struct piece {
	struct shadow *sh;
	struct bio *parent;
	struct bvec_iter iter;
	struct found found;
	struct work_struct work;
	struct bio bio;
};

/* --- reading ---------------------------------------------------------------------- */

static void inflight_get(struct shadow *sh)
{
	atomic_inc(&sh->inflight);
}

static void inflight_put(struct shadow *sh)
{
	/* The deleter's grace period keeps the shadow for the wake-up. */
	rcu_read_lock();
	if (atomic_dec_and_test(&sh->inflight))
		wake_up(&sh->idle);
	rcu_read_unlock();
}

static bool is_lost(const struct shadow *sh)
{
	smp_rmb();	/* the data first; pairs with smp_store_release() in lose */
	return READ_ONCE(sh->stake.lost);
}

/*
 * What was found in the store stays there until it is read.  Who writes to the image waits
 * for readers of what was written before, who moves blocks of the store for all readers.
 */
static void enter_store(struct shadow *sh, struct found *found)
{
	if (found->written)
		found->phase = shadow_overlay_enter(sh->overlay);
	if (found->place == SHADOW_IN_STORE)
		found->reader = shadow_readers_enter(sh->vol);
}

static void stay_in_store(struct shadow *sh, const struct found *found)
{
	if (found->written)
		shadow_overlay_stay(sh->overlay, found->phase);
	if (found->place == SHADOW_IN_STORE)
		shadow_readers_stay(sh->vol, found->reader);
}

static void leave_store(struct shadow *sh, const struct found *found)
{
	if (found->written)
		shadow_overlay_leave(sh->overlay, found->phase);
	if (found->place == SHADOW_IN_STORE)
		shadow_readers_leave(sh->vol, found->reader);
}

/* One part of @parent is done. */
static void part_done(struct shadow *sh, struct bio *parent, blk_status_t status)
{
	if (!status && is_lost(sh))
		status = BLK_STS_IOERR;
	if (status && !READ_ONCE(parent->bi_status))	/* other parts may end now, too */
		WRITE_ONCE(parent->bi_status, status);
	bio_endio(parent);
	inflight_put(sh);
}

static bool serve(struct shadow *sh, struct bio *parent, struct bvec_iter iter,
		  bool origin_done);

static void piece_again(struct work_struct *work)
{
	struct piece *piece = container_of(work, struct piece, work);
	struct shadow *sh = piece->sh;
	struct bio *parent = piece->parent;

	struct bvec_iter iter = piece->iter;
	blk_status_t status = piece->bio.bi_status;

	atomic64_inc(&sh->vol->image_retries);
	bio_put(&piece->bio);	/* first: serving may need it */
	if (!serve(sh, parent, iter, true))
		status = BLK_STS_OK;	/* nothing of what was read is used */
	part_done(sh, parent, status);
}

static void piece_end(struct bio *bio)
{
	struct piece *piece = container_of(bio, struct piece, bio);
	struct shadow *sh = piece->sh;
	struct bio *parent = piece->parent;
	blk_status_t status = bio->bi_status;

	smp_rmb();	/* the data, then the generation */
	if (piece->found.place == SHADOW_ON_ORIGIN &&
	    READ_ONCE(sh->vol->epochs.generation) != piece->found.generation) {
		INIT_WORK(&piece->work, piece_again);
		queue_work(image_wq, &piece->work);
		return;
	}
	leave_store(sh, &piece->found);
	bio_put(bio);
	part_done(sh, parent, status);
}

/* Read @bytes of @iter from a device, where @found said that they are. */
static void read_piece(struct shadow *sh, struct bio *parent, struct bvec_iter iter,
		       unsigned int bytes, struct block_device *bdev, sector_t sector,
		       const struct found *found)
{
	struct bio *bio = shadow_bio_clone(parent, GFP_NOIO, &piece_bios);
	struct piece *piece = container_of(bio, struct piece, bio);

	iter.bi_size = bytes;
	piece->sh = sh;
	piece->parent = parent;
	piece->iter = iter;
	piece->found = *found;
	stay_in_store(sh, found);
	bio_set_dev(bio, bdev);
	bio->bi_iter = iter;
	bio->bi_iter.bi_sector = sector;
	bio->bi_end_io = piece_end;
	bio->bi_opf &= ~REQ_POLLED;
	inflight_get(sh);
	bio_inc_remaining(parent);
	submit_bio_noacct(bio);
}

static void copy_in(struct bio *parent, struct bvec_iter iter, const void *from,
		    unsigned int bytes)
{
	while (bytes) {
		struct bio_vec bv = bio_iter_iovec(parent, iter);
		unsigned int n = min(bv.bv_len, bytes);

		memcpy_to_page(bv.bv_page, bv.bv_offset, from, n);
		bio_advance_iter(parent, &iter, n);
		from += n;
		bytes -= n;
	}
}

static void zero_in(struct bio *parent, struct bvec_iter iter, unsigned int bytes)
{
	while (bytes) {
		struct bio_vec bv = bio_iter_iovec(parent, iter);
		unsigned int n = min(bv.bv_len, bytes);

		memzero_page(bv.bv_page, bv.bv_offset, n);
		bio_advance_iter(parent, &iter, n);
		bytes -= n;
	}
}

/* Copy one block's part from memory, if the block is there. */
static bool copy_block(struct shadow *sh, struct bio *parent, struct bvec_iter iter, u64 loc,
		       unsigned int offset, unsigned int bytes)
{
	struct shadow_store *store = sh->vol->store;
	struct page *page;

	read_lock(&store->lock);
	page = shadow_store_page(store, loc);
	if (page) {
		void *from = kmap_local_page(page);

		copy_in(parent, iter, from + offset, bytes);
		kunmap_local(from);
	}
	read_unlock(&store->lock);
	return page;
}

/* Read @bytes from the store; @iter begins @offset bytes into the block stored at @loc. */
static void read_store(struct shadow *sh, struct bio *parent, struct bvec_iter iter,
		       const struct found *found, u64 loc, unsigned int offset,
		       unsigned int bytes)
{
	struct shadow_volume *vol = sh->vol;

	while (bytes) {
		u64 run = (offset + (u64)bytes + SHADOW_BLOCK_SIZE - 1) >> SHADOW_BLOCK_BITS;
		struct block_device *bdev;
		sector_t sector;
		unsigned int n;

		bdev = shadow_store_locate(vol->store, loc, &run, &sector);
		if (!bdev) {		/* the page went: the shadow was lost just now */
			bio_inc_remaining(parent);
			inflight_get(sh);
			part_done(sh, parent, BLK_STS_IOERR);
			return;
		}
		n = min_t(u64, bytes, (run << SHADOW_BLOCK_BITS) - offset);
		atomic64_inc(&vol->store_reads);
		atomic64_add(n, &vol->store_read_bytes);
		read_piece(sh, parent, iter, n, bdev, sector + (offset >> SECTOR_SHIFT), found);
		bio_advance_iter(parent, &iter, n);
		bytes -= n;
		offset = 0;
		loc += run;
	}
}

/*
 * Fill @bytes of @iter from a run in the store; @iter begins @offset bytes into its
 * first block.  What is not in memory is read in runs.
 */
static void serve_stored(struct shadow *sh, struct bio *parent, struct bvec_iter iter,
			 const struct found *found, unsigned int offset, unsigned int bytes)
{
	struct bvec_iter from = iter;	/* what has to be read begins here */
	unsigned int unread = 0;
	u64 loc = found->loc, unread_loc = 0;
	unsigned int unread_offset = 0;

	while (bytes || unread) {
		unsigned int n = min(bytes, SHADOW_BLOCK_SIZE - offset);
		bool copied = !bytes || copy_block(sh, parent, iter, loc, offset, n);

		if (!copied && !unread) {
			from = iter;
			unread_loc = loc;
			unread_offset = offset;
		}
		if (!copied)
			unread += n;
		if (unread && (copied || n == bytes)) {
			read_store(sh, parent, from, found, unread_loc, unread_offset, unread);
			unread = 0;
		}
		bio_advance_iter(parent, &iter, n);
		bytes -= n;
		offset = 0;
		loc++;
	}
}

/* One answer of the look-up.  Context: the epochs' lock held for reading. */
static void find_run(struct shadow *sh, u64 block, u64 max, struct found *found)
{
	struct shadow_epochs *es = &sh->vol->epochs;

	found->written = false;
	found->len = max;
	if (sh->overlay)
		found->written = shadow_overlay_find(sh->overlay, block, max, &found->loc,
						     &found->len);
	if (found->written)
		found->place = SHADOW_IN_STORE;
	else
		found->place = shadow_epochs_find(es, sh->stake.epoch, block, found->len,
						  &found->loc, &found->len);
}

/* Where the image has @block and, up to @max of them, those that follow there. */
static struct found look_up(struct shadow *sh, u64 block, u64 max)
{
	struct shadow_epochs *es = &sh->vol->epochs;
	struct found found = { 0 }, more;

	read_lock(&es->lock);
	find_run(sh, block, max, &found);
	while (found.len < max) {
		/* Answers end at regions; one bio for the whole run all the same. */
		find_run(sh, block + found.len, max - found.len, &more);
		if (more.place != found.place || more.written != found.written ||
		    (found.place == SHADOW_IN_STORE && more.loc != found.loc + found.len))
			break;
		found.len += more.len;
	}
	found.generation = es->generation;
	enter_store(sh, &found);
	read_unlock(&es->lock);
	return found;
}

/*
 * Fill @iter of @parent.  With @origin_done, all but what is the origin's.  Return:
 * whether a part of it is the origin's.
 */
static bool serve(struct shadow *sh, struct bio *parent, struct bvec_iter iter,
		  bool origin_done)
{
	struct shadow_volume *vol = sh->vol;
	bool origin = false;

	while (iter.bi_size) {
		u64 block = iter.bi_sector / SHADOW_BLOCK_SECTORS;
		unsigned int offset = (iter.bi_sector % SHADOW_BLOCK_SECTORS) << SECTOR_SHIFT;
		u64 n = (offset + (u64)iter.bi_size + SHADOW_BLOCK_SIZE - 1) >> SHADOW_BLOCK_BITS;
		struct found found = look_up(sh, block, n);
		unsigned int bytes = min_t(u64, (found.len << SHADOW_BLOCK_BITS) - offset,
					   iter.bi_size);

		if (found.place == SHADOW_IS_FREE) {
			zero_in(parent, iter, bytes);
		} else if (found.place == SHADOW_IN_STORE) {
			serve_stored(sh, parent, iter, &found, offset, bytes);
			leave_store(sh, &found);
		} else if (!origin_done) {
			atomic64_inc(&vol->image_origin_reads);
			atomic64_add(bytes, &vol->image_origin_read_bytes);
			read_piece(sh, parent, iter, bytes, vol->bdev, iter.bi_sector, &found);
		}
		origin |= found.place == SHADOW_ON_ORIGIN;
		bio_advance_iter(parent, &iter, bytes);
	}
	return origin;
}

static void read_image(void *image, struct bio *bio)
{
	struct shadow *sh = image;

	inflight_get(sh);
	serve(sh, bio, bio->bi_iter, false);
	part_done(sh, bio, BLK_STS_OK);
}

static void write_done(void *image, struct bio *bio, blk_status_t status)
{
	part_done(image, bio, status);
}

static const struct shadow_overlay_ops overlay_ops = {
	.read = read_image,
	.written = write_done,
};

static void image_submit(struct bio *bio)
{
	struct shadow *sh = shadow_bio_disk(bio)->private_data;

	if (bio_op(bio) == REQ_OP_READ && !is_lost(sh)) {
		atomic64_inc(&sh->reads);
		atomic64_add(bio->bi_iter.bi_size, &sh->read_bytes);
		read_image(sh, bio);
		return;
	}
	inflight_get(sh);
	if (bio_op(bio) == REQ_OP_WRITE && bio_sectors(bio) && sh->overlay) {
		/* Who has opened it for reading can: "mount -o remount,rw" opens nothing. */
		if (!READ_ONCE(sh->written))
			WRITE_ONCE(sh->written, true);
		if (shadow_overlay_write(sh->overlay, bio))
			return;		/* ends in write_done() */
	}
	if (bio_op(bio) == REQ_OP_FLUSH || (op_is_flush(bio->bi_opf) && !bio_sectors(bio)))
		part_done(sh, bio, BLK_STS_OK);
	else
		part_done(sh, bio, BLK_STS_IOERR);
}

THUNK_SUBMIT_BIO(image_submit)

/* --- openers --------------------------------------------------------------------------- */

static int image_open(struct gendisk *disk, blk_mode_t mode)
{
	bool write = mode & BLK_OPEN_WRITE;
	struct shadow *sh;
	int err = 0;

	mutex_lock(&shadows_lock);
	sh = disk->private_data;
	if (!sh || sh->deleting) {	/* before 5.15 this may come after del_gendisk() */
		err = -ENXIO;
	} else if (write && (!sh->overlay || sh->sealed)) {
		err = -EROFS;
	} else {
		sh->openers++;
		if (write)
			WRITE_ONCE(sh->written, true);
	}
	mutex_unlock(&shadows_lock);
	return err;
}

THUNK_DISK_OPEN(image_open)

/*
 * Kernels do not say whether it was a writer that has gone, so until all are gone
 * there may be one.  With the last one dirty pages have been written out.
 */
static void close_shadow(struct shadow *sh)
{
	mutex_lock(&shadows_lock);
	if (!--sh->openers) {
		WRITE_ONCE(sh->written, false);
		if (sh->deleting)
			queue_work(delete_wq, &sh->delete_work);
	}
	mutex_unlock(&shadows_lock);
}

static void image_release(struct gendisk *disk)
{
	close_shadow(disk->private_data);
}

THUNK_DISK_RELEASE(image_release)

/* The group is root until udev makes it shadowcopy, whose members may read. */
static char *image_devnode(struct gendisk *disk, umode_t *mode)
{
	if (mode)
		*mode = 0640;
	return NULL;
}

static const struct block_device_operations image_ops = {
	.owner = THIS_MODULE,
	.submit_bio = THUNK_SUBMIT(image_submit),
	.open = THUNK_DISK(image_open),
	.release = THUNK_DISK(image_release),
	.devnode = image_devnode,
};

/* --- life -------------------------------------------------------------------------------- */

static void send_event(const struct shadow *sh, u32 event, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .shadow = &sh->uuid, .set = &sh->set, .dev = sh->vol->dev,
		.name = sh->vol->name, .index = sh->index, .reason = reason,
	});
}

static void on_lost(struct shadow_stake *stake)
{
	struct shadow *sh = container_of(stake, struct shadow, stake);

	if (sh->overlay)
		shadow_overlay_lost(sh->overlay);
	send_event(sh, SHADOW_NL_EV_LOST, stake->fault.reason);
}

static void delete_work(struct work_struct *work);

/*
 * What udev's rules go by.  They may run before the set is published, when commands do not find
 * it yet; attributes are there before the device is announced, and until it has gone.
 */
static const struct shadow *shadow_of(struct device *dev)
{
	return dev_to_disk(dev)->private_data;
}

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%pU\n", shadow_of(dev)->uuid.b);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t set_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%pU\n", shadow_of(dev)->set.b);
}
static DEVICE_ATTR_RO(set);

static ssize_t volume_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", shadow_of(dev)->vol->name);
}
static DEVICE_ATTR_RO(volume);

static ssize_t created_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", div_u64(shadow_of(dev)->created_ns, NSEC_PER_SEC));
}
static DEVICE_ATTR_RO(created);

static struct attribute *identity_attrs[] = {
	&dev_attr_uuid.attr, &dev_attr_set.attr, &dev_attr_volume.attr, &dev_attr_created.attr,
	NULL,
};

static const struct attribute_group identity = {
	.name = "shadow",
	.attrs = identity_attrs,
};

static const struct attribute_group *image_groups[] = { &identity, NULL };

/* Its blocks have the volume's sizes: filesystems insist.  NULL without memory. */
static struct gendisk *alloc_image_disk(struct shadow_volume *vol)
{
	struct queue_limits lim = {
		.logical_block_size = bdev_logical_block_size(vol->bdev),
		.physical_block_size = bdev_physical_block_size(vol->bdev),
		.io_min = bdev_io_min(vol->bdev),
		.io_opt = bdev_io_opt(vol->bdev),
	};
	struct shadow_part *part;
	struct gendisk *disk;

	/* What is read into comes from readers, and goes to all. */
	shadow_limits_dma(&lim, vol->bdev);
	mutex_lock(&vol->epochs.mutate);	/* parts come at any time */
	list_for_each_entry(part, &vol->store->parts, node)
		if (part->bdev)
			shadow_limits_dma(&lim, part->bdev);
	mutex_unlock(&vol->epochs.mutate);
	disk = blk_alloc_disk(&lim, NUMA_NO_NODE);
	if (IS_ERR(disk))
		return NULL;
	/* As much is read ahead as on the volume, also where its administrator chose that. */
	shadow_disk_bdi(disk)->ra_pages = max(shadow_disk_bdi(disk)->ra_pages,
					      shadow_disk_bdi(vol->disk)->ra_pages);
	return disk;
}

static struct shadow *prepare(struct shadow_volume *vol, u32 flags, bool restored,
			      struct shadow_fault *fault)
{
	struct shadow *sh = kzalloc(sizeof(*sh), GFP_KERNEL);
	bool writable = flags & SHADOW_SET_WRITABLE;
	u32 reason = SHADOW_REASON_NO_MEMORY;
	int err = -ENOMEM;
	bool whole;

	if (!sh)
		goto fail;
	sh->flags = flags;
	sh->stake.epoch = shadow_epoch_alloc(GFP_KERNEL);
	sh->stake.settled = shadow_settled_alloc(GFP_KERNEL);
	sh->stake.mark = shadow_mark_create();
	sh->index = ida_alloc_max(&indexes, (1 << MINORBITS) / IMAGE_MINORS - 1, GFP_KERNEL);
	sh->disk = alloc_image_disk(vol);
	if (!sh->stake.epoch || !sh->stake.settled || !sh->stake.mark || sh->index < 0 ||
	    !sh->disk)
		goto free_sh;
	sh->stake.mark->shadow = true;
	sh->stake.mark->epoch = sh->stake.epoch;
	sh->vol = vol;
	sh->stake.on_lost = on_lost;
	INIT_LIST_HEAD(&sh->stake.node);
	INIT_LIST_HEAD(&sh->node);
	INIT_WORK(&sh->delete_work, delete_work);
	init_waitqueue_head(&sh->idle);
	atomic_set(&sh->inflight, 1);
	generate_random_uuid(sh->uuid.b);
	whole = vol->start == 0 && READ_ONCE(vol->nr_sectors) == get_capacity(vol->disk);
	sh->disk->major = image_major;
	sh->disk->first_minor = sh->index * IMAGE_MINORS;
	sh->disk->minors = IMAGE_MINORS;
	sh->disk->fops = &image_ops;
	sh->disk->private_data = sh;
	if (!whole)
		sh->disk->flags |= GENHD_FL_NO_PART;
	snprintf(sh->disk->disk_name, DISK_NAME_LEN, "shadow%d", sh->index);
	if (writable) {
		sh->overlay = shadow_overlay_create(vol, &sh->stake, sh->disk->disk_name,
						    &overlay_ops, sh);
		if (!sh->overlay)
			goto free_sh;
	}
	set_disk_ro(sh->disk, !writable);
	err = shadow_grow_expect(vol, &sh->stake, restored);
	if (err)
		goto free_overlay;
	__module_get(THIS_MODULE);	/* the caller has a descriptor of ours */
	mutex_lock(&shadows_lock);
	WRITE_ONCE(nr_shadows, nr_shadows + 1);
	mutex_unlock(&shadows_lock);
	return sh;

free_overlay:
	shadow_overlay_destroy(sh->overlay);
free_sh:
	if (sh->disk)
		put_disk(sh->disk);
	if (sh->index >= 0)
		ida_free(&indexes, sh->index);
	shadow_mark_destroy(sh->stake.mark);
	shadow_settled_free(sh->stake.settled);
	shadow_epoch_free(sh->stake.epoch);
	kfree(sh);
fail:
	if (err == -EBUSY)
		reason = READ_ONCE(vol->revert.state) == SHADOW_REVERT_HALF_DONE ?
			 SHADOW_REASON_HALF_REVERTED : SHADOW_REASON_REVERTING;
	return ERR_PTR(shadow_fail(fault, SHADOW_PHASE_IMAGE, reason, vol->dev, err));
}

struct shadow *shadow_prepare(struct shadow_volume *vol, u32 flags, struct shadow_fault *fault)
{
	return prepare(vol, flags, false, fault);
}

static u32 disk_flags(const struct shadow *sh)
{
	return (sh->flags & SHADOW_SET_PERSISTENT ? SHADOW_DISK_PERSISTENT : 0) |
	       (sh->pinned ? SHADOW_DISK_PINNED : 0);
}

static struct shadow_disk_epoch disk_epoch(const struct shadow *sh)
{
	struct shadow_disk_epoch disk = {
		.created_ns = cpu_to_le64(sh->created_ns),
		.sectors = cpu_to_le64(sh->nr_sectors),
		.flags = cpu_to_le32(disk_flags(sh)),
		.context = cpu_to_le32(sh->context),
		.set_count = cpu_to_le32(sh->set_count),
	};

	memcpy(disk.shadow, sh->uuid.b, sizeof(disk.shadow));
	memcpy(disk.set, sh->set.b, sizeof(disk.set));
	return disk;
}

static void log_epoch(struct shadow *sh)
{
	struct shadow_disk_epoch disk = disk_epoch(sh);

	sh->log_group = shadow_durable_epoch(sh->vol->store->durable, sh->stake.epoch->number,
					     &disk);
}

/* For who puts the log together anew. */
static bool describe(struct shadow_volume *vol, u64 epoch, struct shadow_disk_epoch *disk,
		     bool *complete, struct shadow_fault *lost)
{
	struct shadow_stake *stake;
	bool found = false;

	spin_lock(&vol->stakes_lock);
	list_for_each_entry(stake, &vol->stakes, node) {
		const struct shadow *sh = container_of(stake, struct shadow, stake);

		if (stake->epoch->number != epoch)
			continue;
		found = true;
		*disk = disk_epoch(sh);
		*complete = sh->complete;
		if (stake->lost)
			*lost = stake->fault;
	}
	spin_unlock(&vol->stakes_lock);
	return found;
}

/* Add an entry about a shadow to the log.  Return: number of its group; 0: none. */
static u64 log_entry(struct shadow *sh, enum shadow_disk_type type)
{
	struct shadow_volume *vol = sh->vol;
	struct shadow_durable *durable = vol->store->durable;
	u64 group = 0;
	int err;

	do {
		mutex_lock(&vol->epochs.mutate);
		err = shadow_durable_room(durable, 1, true);
		if (!err)
			group = shadow_durable_add(durable, type, type == SHADOW_DISK_FLAGS ?
						   disk_flags(sh) : 0, sh->stake.epoch->number);
		if (!err && type == SHADOW_DISK_COMPLETE)
			sh->complete = true;
		mutex_unlock(&vol->epochs.mutate);
		if (err) {
			shadow_volume_kick(vol);
			schedule_timeout_uninterruptible(HZ / 50);	/* a commit makes room */
		}
	} while (err == -EAGAIN || err == -ENOMEM);
	return group;
}

int shadow_commit(struct shadow *sh, bool complete)
{
	struct shadow_durable *durable = sh->vol->store->durable;
	u64 group = sh->log_group;

	if (!durable)
		return 0;
	if (complete) {
		group = log_entry(sh, SHADOW_DISK_COMPLETE);
		if (!group)
			return -EIO;
	}
	return shadow_durable_commit(durable, group);
}

static void describe_mark(struct shadow *sh)
{
	struct shadow_mark *mark = sh->stake.mark;

	mark->number = sh->stake.epoch->number;
	mark->uuid = sh->uuid;
	mark->created_ns = sh->created_ns;
	mark->sectors = sh->nr_sectors;
	mark->epoch = sh->stake.epoch;
}

void shadow_flip(struct shadow *sh)
{
	struct shadow_volume *vol = sh->vol;

	lockdep_assert_held(&vol->epochs.mutate);
	sh->nr_sectors = READ_ONCE(vol->nr_sectors);
	sh->created_ns = ktime_get_real_ns();
	sh->stake.epoch->number = ++vol->last_epoch;
	spin_lock(&vol->stakes_lock);
	list_move_tail(&sh->stake.node, &vol->stakes);
	WRITE_ONCE(vol->nr_stakes, vol->nr_stakes + 1);
	spin_unlock(&vol->stakes_lock);
	if (vol->store->durable)
		log_epoch(sh);
	describe_mark(sh);
	shadow_changes_flip(vol, sh->stake.mark);
	/* In exchange for the map that went out of use: shadow_surface() frees it. */
	sh->stake.settled = shadow_epochs_flip(&vol->epochs, sh->stake.epoch, sh->stake.settled);
}

int shadow_surface(struct shadow *sh, struct shadow_fault *fault)
{
	int err;

	if (sh->stake.settled) {
		synchronize_rcu();
		shadow_settled_free(sh->stake.settled);
		sh->stake.settled = NULL;
	}
	set_capacity(sh->disk, sh->nr_sectors);
	mutex_lock(&shadows_lock);
	sh->id = ++last_id;		/* not before: sets surface in any order */
	list_add_tail(&sh->node, &shadows);
	mutex_unlock(&shadows_lock);
	err = device_add_disk(NULL, sh->disk, image_groups);
	if (err)
		return shadow_fail(fault, SHADOW_PHASE_IMAGE,
				   err == -ENOMEM ? SHADOW_REASON_NO_MEMORY : SHADOW_REASON_NONE,
				   sh->vol->dev, err);
	sh->added = true;
	if (READ_ONCE(sh->vol->gone)) {	/* perhaps too late for those who told its shadows */
		mutex_lock(&sh->vol->epochs.mutate);
		shadow_volume_lose(sh->vol, U64_MAX, SHADOW_PHASE_TAKE,
				   SHADOW_REASON_ORIGIN_GONE, -ENODEV);
		mutex_unlock(&sh->vol->epochs.mutate);
	}
	return 0;
}

/* Stakes are in the order of epochs; one that is taken meanwhile is newer. */
static void add_stake(struct shadow *sh)
{
	struct shadow_volume *vol = sh->vol;
	struct shadow_stake *newer;

	spin_lock(&vol->stakes_lock);
	list_for_each_entry(newer, &vol->stakes, node)
		if (newer->epoch->number > sh->stake.epoch->number)
			break;
	list_move_tail(&sh->stake.node, &newer->node);
	WRITE_ONCE(vol->nr_stakes, vol->nr_stakes + 1);
	spin_unlock(&vol->stakes_lock);
}

int shadow_restore(struct shadow_volume *vol, struct shadow_restored *s,
		   struct shadow_fault *fault)
{
	struct shadow_mark *mark;
	struct shadow *sh;

	shadow_registry_keep(vol);
	sh = prepare(vol, SHADOW_SET_NO_AUTO_RELEASE | SHADOW_SET_PERSISTENT, true, fault);
	if (IS_ERR(sh)) {
		shadow_registry_unuse_store(vol);
		shadow_registry_unpin(vol);
		return -ENOMEM;
	}
	memcpy(sh->uuid.b, s->disk.shadow, sizeof(sh->uuid.b));
	memcpy(sh->set.b, s->disk.set, sizeof(sh->set.b));
	sh->context = le32_to_cpu(s->disk.context);
	sh->set_count = le32_to_cpu(s->disk.set_count);
	sh->nr_sectors = le64_to_cpu(s->disk.sectors);
	sh->created_ns = le64_to_cpu(s->disk.created_ns);
	sh->pinned = s->flags & SHADOW_DISK_PINNED;
	sh->complete = true;
	sh->restored = true;
	mutex_lock(&vol->epochs.mutate);
	if (vol->revert.logged && vol->revert.epoch == s->epoch->number) {
		sh->reverting = true;
		vol->revert.shadow = sh->uuid;
		vol->revert.index = sh->index;
	}
	shadow_epoch_free(sh->stake.epoch);
	shadow_settled_free(sh->stake.settled);
	sh->stake.epoch = s->epoch;
	s->epoch = NULL;
	sh->stake.settled = NULL;
	mark = shadow_changes_claim(vol, &sh->uuid);
	if (mark)
		swap(mark, sh->stake.mark);
	shadow_mark_destroy(mark);
	describe_mark(sh);
	sh->stake.fault = s->fault;
	sh->stake.lost = s->fault.error;
	add_stake(sh);
	mutex_unlock(&vol->epochs.mutate);
	return shadow_surface(sh, fault);
}

void shadow_publish_volume(struct shadow_volume *vol)
{
	struct shadow *sh;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (sh->vol != vol || !sh->restored)
			continue;
		sh->restored = false;
		sh->published = true;
		send_event(sh, SHADOW_NL_EV_CREATED, SHADOW_REASON_NONE);
	}
	mutex_unlock(&shadows_lock);
}

/* Nobody reads or writes it any more when this returns.  It can be opened no more. */
static void wait_until_idle(struct shadow *sh)
{
	atomic_dec(&sh->inflight);
	wait_event(sh->idle, !atomic_read(&sh->inflight));
}

/* Context: the volume's stakes_lock. */
static void withdraw_stake(struct shadow *sh)
{
	list_del_init(&sh->stake.node);
	WRITE_ONCE(sh->vol->nr_stakes, sh->vol->nr_stakes - 1);
}

static void give_up_records(struct shadow *sh)
{
	struct shadow_volume *vol = sh->vol;

	wait_until_idle(sh);
	mutex_lock(&vol->epochs.mutate);
	if (sh->stake.epoch->number) {		/* it was flipped */
		spin_lock(&vol->stakes_lock);
		withdraw_stake(sh);
		spin_unlock(&vol->stakes_lock);
	} else {
		list_del_init(&sh->stake.node);
	}
	mutex_unlock(&vol->epochs.mutate);
	shadow_overlay_empty(sh->overlay);
	if (!sh->stake.epoch->number)
		return;
	mutex_lock(&vol->fold);
	shadow_volume_fold(vol, sh->stake.epoch);
	mutex_unlock(&vol->fold);
}

/* What has changed since may be wanted longer than the shadow, and what was free with it. */
static void release_mark(struct shadow *sh)
{
	struct shadow_volume *vol = sh->vol;
	bool taken;

	mutex_lock(&vol->epochs.mutate);
	taken = shadow_changes_release(vol, sh->stake.mark, sh->stake.epoch);
	mutex_unlock(&vol->epochs.mutate);
	if (taken)
		return;
	shadow_mark_destroy(sh->stake.mark);
	shadow_epoch_free(sh->stake.epoch);
}

/* Nobody can open it any more. */
static void destroy(struct shadow *sh)
{
	struct shadow_volume *vol = sh->vol;

	if (!sh->evicted)
		give_up_records(sh);
	if (sh->added) {
		del_gendisk(sh->disk);
		if (sh->published)
			send_event(sh, SHADOW_NL_EV_DELETED, SHADOW_REASON_NONE);
	}
	synchronize_rcu();	/* for inflight_put(), and for the map if it was flipped */
	shadow_overlay_destroy(sh->overlay);
	release_mark(sh);
	shadow_settled_free(sh->stake.settled);
	shadow_registry_unuse_store(vol);
	shadow_registry_unpin(vol);
	shadow_registry_release_stores();	/* it may have failed, or a base be forgotten */
	mutex_lock(&shadows_lock);
	sh->disk->private_data = NULL;
	WRITE_ONCE(nr_shadows, nr_shadows - 1);
	mutex_unlock(&shadows_lock);
	put_disk(sh->disk);
	ida_free(&indexes, sh->index);
	kfree(sh);
	module_put(THIS_MODULE);
}

/*
 * Shadows that were withdrawn, of all volumes.  shadows_lock.
 */
static LIST_HEAD(withdrawn);

int shadow_withdraw(struct shadow_volume *vol, struct shadow_fault *fault)
{
	unsigned int n = 0, epochs = 0;
	struct shadow *sh, *next;
	struct shadow_epoch *ep;
	bool busy = false;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (sh->vol != vol)
			continue;
		busy |= sh->openers || !sh->published;	/* whose set has it still */
		n++;
	}
	mutex_lock(&vol->epochs.mutate);	/* some are in the making, or going */
	list_for_each_entry(ep, &vol->epochs.list, node)
		epochs++;
	busy |= n != vol->nr_stakes || n != epochs || !list_empty(&vol->prepared);
	mutex_unlock(&vol->epochs.mutate);
	list_for_each_entry_safe(sh, next, &shadows, node) {
		if (busy || sh->vol != vol)
			continue;
		WRITE_ONCE(sh->deleting, true);
		list_move_tail(&sh->node, &withdrawn);
	}
	mutex_unlock(&shadows_lock);
	return busy ? shadow_fail(fault, SHADOW_PHASE_IMAGE, SHADOW_REASON_BUSY, vol->dev,
				  -EBUSY) : 0;
}

void shadow_destroy_withdrawn(struct shadow_volume *vol)
{
	struct shadow *sh;

	do {
		mutex_lock(&shadows_lock);
		list_for_each_entry(sh, &withdrawn, node)
			if (sh->vol == vol)
				break;
		if (list_entry_is_head(sh, &withdrawn, node))
			sh = NULL;
		else
			list_del_init(&sh->node);
		mutex_unlock(&shadows_lock);
		if (sh)
			destroy(sh);
	} while (sh);
}

void shadow_discard(struct shadow *sh)
{
	bool open;

	mutex_lock(&shadows_lock);
	WRITE_ONCE(sh->deleting, true);
	list_del_init(&sh->node);
	open = sh->openers;	/* then image_release() queues delete_work */
	mutex_unlock(&shadows_lock);
	if (!open)
		destroy(sh);
}

void shadow_discard_restored(struct shadow_volume *vol)
{
	struct shadow *sh, *found;

	do {
		found = NULL;
		mutex_lock(&shadows_lock);
		list_for_each_entry(sh, &shadows, node) {
			if (sh->vol == vol && sh->restored) {
				found = sh;
				sh->restored = false;
				break;
			}
		}
		mutex_unlock(&shadows_lock);
		if (found)
			shadow_discard(found);
	} while (found);
}

static void delete_work(struct work_struct *work)
{
	struct shadow *sh = container_of(work, struct shadow, delete_work);

	shadow_discard(sh);
}

/* --- eviction: see shadow_policy_init() ------------------------------------------------- */

/*
 * It is as good as deleted for everybody, and lost for a reader that there cannot
 * be.
 */
static struct shadow_stake *victim(struct shadow_volume *vol)
{
	struct shadow_stake *stake;
	struct shadow *sh = NULL;

	mutex_lock(&shadows_lock);
	spin_lock(&vol->stakes_lock);
	list_for_each_entry(stake, &vol->stakes, node) {
		sh = container_of(stake, struct shadow, stake);
		if (sh->published && !sh->openers && !sh->pinned && !sh->reverting &&
		    !sh->deleting && !stake->lost)
			break;
		sh = NULL;
	}
	if (sh) {
		withdraw_stake(sh);
		smp_store_release(&stake->lost, true);	/* before its records go */
		sh->evicted = true;
		WRITE_ONCE(sh->deleting, true);
		list_del_init(&sh->node);
	}
	spin_unlock(&vol->stakes_lock);
	mutex_unlock(&shadows_lock);
	if (!sh)
		return NULL;
	pr_warn("%s: the shadow of epoch %llu goes: its store is full\n", vol->name,
		stake->epoch->number);
	send_event(sh, SHADOW_NL_EV_EVICTED, SHADOW_REASON_STORE_FULL);
	wait_until_idle(sh);
	shadow_overlay_empty(sh->overlay);
	return stake;
}

/* The rest of its deletion: it waits for what may wait for memory. */
static void evicted(struct shadow_stake *stake)
{
	struct shadow *sh = container_of(stake, struct shadow, stake);

	queue_work(delete_wq, &sh->delete_work);
}

static struct shadow *find(const struct shadow_uuid *uuid)
{
	struct shadow *sh;

	lockdep_assert_held(&shadows_lock);
	list_for_each_entry(sh, &shadows, node)
		if (sh->published && !memcmp(&sh->uuid, uuid, sizeof(*uuid)))
			return sh;
	return NULL;
}

/* Is a volume to be made what a shadow is?  Of a lost one it cannot, unless that goes on still. */
static bool is_kept(const struct shadow *sh)
{
	return sh->reverting && (!READ_ONCE(sh->stake.lost) ||
				 READ_ONCE(sh->vol->revert.state) == SHADOW_REVERT_RUNNING);
}

struct shadow *shadow_get(const struct shadow_uuid *uuid)
{
	struct shadow *sh;

	mutex_lock(&shadows_lock);
	sh = find(uuid);
	if (sh && sh->deleting)
		sh = NULL;
	if (sh)
		inflight_get(sh);
	mutex_unlock(&shadows_lock);
	return sh;
}

struct shadow *shadow_get_reverting(const struct shadow_volume *vol, const struct shadow *but)
{
	struct shadow *sh, *found = NULL;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node)
		if (sh->vol == vol && sh != but && sh->reverting && sh->published && !sh->deleting)
			found = sh;
	if (found)
		inflight_get(found);
	mutex_unlock(&shadows_lock);
	return found;
}

void shadow_put(struct shadow *sh)
{
	inflight_put(sh);
}

bool shadow_keep_for_revert(struct shadow *sh, bool keep)
{
	bool good;

	mutex_lock(&shadows_lock);
	good = !keep || !sh->deleting;
	if (good)
		sh->reverting = keep;
	mutex_unlock(&shadows_lock);
	return good;
}

void shadow_read(struct shadow *sh, struct bio *bio)
{
	read_image(sh, bio);
}

int shadow_delete(const struct shadow_uuid *uuid, bool when_closed, struct shadow_fault *fault)
{
	struct shadow *sh;
	int err = 0;

	mutex_lock(&shadows_lock);
	sh = find(uuid);
	if (!sh || (sh->deleting && !when_closed)) {
		err = -ENOENT;
	} else if (is_kept(sh)) {
		err = shadow_fail(fault, SHADOW_PHASE_REVERT, SHADOW_REASON_REVERTING, sh->vol->dev,
				  -EBUSY);
	} else if (sh->openers && when_closed) {
		WRITE_ONCE(sh->deleting, true);
		err = -EINPROGRESS;
	} else if (sh->openers) {
		err = shadow_fail(fault, SHADOW_PHASE_IMAGE, SHADOW_REASON_BUSY, sh->vol->dev,
				  -EBUSY);
	} else if (sh->deleting) {
		err = -EINPROGRESS;	/* its last opener has just gone */
	} else {
		WRITE_ONCE(sh->deleting, true);
		list_del_init(&sh->node);
	}
	mutex_unlock(&shadows_lock);
	if (!err)
		destroy(sh);
	return err;
}

#define SEAL_BEGUN	1

/*
 * From now on nobody can open @sh for writing, and nobody has.  It is kept, like an open
 * one, until finish_seal().  Return: SEAL_BEGUN, 0 when it is read-only already, -EBUSY.
 */
static int begin_seal(struct shadow *sh, struct shadow_fault *fault)
{
	lockdep_assert_held(&shadows_lock);
	if (!sh->overlay || sh->sealed)
		return 0;
	if (sh->written || shadow_disk_partition_open(sh->disk))
		return shadow_fail(fault, SHADOW_PHASE_IMAGE, SHADOW_REASON_BUSY, sh->vol->dev,
				   -EBUSY);
	sh->sealed = true;
	sh->openers++;
	return SEAL_BEGUN;
}

static void finish_seal(struct shadow *sh)
{
	set_disk_ro(sh->disk, true);
	shadow_overlay_seal(sh->overlay);
	send_event(sh, SHADOW_NL_EV_SEALED, SHADOW_REASON_NONE);
	close_shadow(sh);
}

#define PIN_BEGUN	2

/* Return: PIN_BEGUN, and the shadow is kept until finish_pin(), where its store is to know. */
static int begin_pin(struct shadow *sh, bool pinned)
{
	lockdep_assert_held(&shadows_lock);
	if (sh->pinned == pinned)
		return 0;
	sh->pinned = pinned;
	if (!sh->vol->store->durable)
		return 0;
	inflight_get(sh);
	return PIN_BEGUN;
}

static void finish_pin(struct shadow *sh)
{
	u64 group = log_entry(sh, SHADOW_DISK_FLAGS);

	if (group)
		shadow_durable_commit(sh->vol->store->durable, group);
	inflight_put(sh);
}

int shadow_change(const struct shadow_uuid *uuid, u32 flags, struct shadow_fault *fault)
{
	struct shadow *sh;
	int err = 0;

	mutex_lock(&shadows_lock);
	sh = find(uuid);
	if (!sh || sh->deleting)
		err = -ENOENT;
	else if (flags & SHADOW_CHANGE_SEAL)
		err = begin_seal(sh, fault);
	else
		err = begin_pin(sh, flags & SHADOW_CHANGE_PIN);
	mutex_unlock(&shadows_lock);
	if (err == SEAL_BEGUN)
		finish_seal(sh);
	if (err == PIN_BEGUN)
		finish_pin(sh);
	return min(err, 0);
}

/* --- free space ---------------------------------------------------------------------------- */

/* The blocks that lie in a range as a whole; the shadow's last one may be a part. */
static int blocks_in(const struct shadow *sh, const struct shadow_free_range *range,
		     struct shadow_range *blocks)
{
	u64 size = (u64)sh->nr_sectors << SECTOR_SHIFT;
	u64 end = range->first + range->bytes;

	if (end < range->first || end > size)
		return -ERANGE;
	blocks->first = DIV_ROUND_UP_ULL(range->first, SHADOW_BLOCK_SIZE);
	blocks->end = end == size ? shadow_blocks_of(sh->nr_sectors) : end >> SHADOW_BLOCK_BITS;
	return 0;
}

/*
 * Nothing waits for memory under the mutex, which the write path needs.  Make room
 * without it: to obtain a page, and to give it back.
 */
static bool make_room(unsigned int tries)
{
	unsigned long page;

	if (tries > FREE_TRIES)
		return false;
	page = __get_free_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	free_page(page);
	if (!page)
		schedule_timeout_uninterruptible(HZ / 50);
	return true;
}

static int mark_blocks(struct shadow *sh, struct shadow_range blocks,
		       struct shadow_shadow_free *arg)
{
	struct shadow_epoch *ep = sh->stake.epoch;
	struct shadow_volume *vol = sh->vol;
	unsigned int tries = 0, n;
	int err;

	while (blocks.first < blocks.end) {
		mutex_lock(&vol->epochs.mutate);
		err = ep->number <= vol->lost_upto ? -EIO : 0;
		arg->blocks -= ep->free_blocks;
		for (n = 0; !err && blocks.first < blocks.end && n < FREE_STEPS; n++)
			err = shadow_epochs_mark_free(&vol->epochs, ep, vol->dropped_upto,
						      &blocks, SHADOW_GFP, &arg->settled);
		arg->blocks += ep->free_blocks;
		mutex_unlock(&vol->epochs.mutate);
		tries = err == -ENOMEM ? tries + 1 : 0;
		if (err && !(err == -ENOMEM && make_room(tries)))
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (READ_ONCE(sh->deleting))
			return -ENOENT;
		if (READ_ONCE(vol->gate))	/* the instant polls for the mutex */
			usleep_range(500, 1000);
		cond_resched();
	}
	return 0;
}

/* A durable store knows what was free before anything comes of it. */
static int log_free(struct shadow *sh, const struct shadow_free_range *ranges, unsigned int n)
{
	struct shadow_volume *vol = sh->vol;
	struct shadow_durable *durable = vol->store->durable;
	struct shadow_range blocks;
	unsigned int i = 0;
	u64 group = 0;
	int err = 0;

	while (i < n && (!err || err == -EAGAIN || err == -ENOMEM)) {
		if (err) {
			shadow_volume_kick(vol);
			schedule_timeout_uninterruptible(HZ / 50);	/* a commit makes room */
		}
		mutex_lock(&vol->epochs.mutate);
		for (err = 0; i < n && !err; i++) {
			err = blocks_in(sh, &ranges[i], &blocks);
			if (err || blocks.first >= blocks.end)
				continue;
			err = shadow_durable_room(durable, 2, false);
			if (err)
				break;
			group = shadow_durable_free_run(durable, sh->stake.epoch->number,
							blocks.first, blocks.end - blocks.first);
		}
		mutex_unlock(&vol->epochs.mutate);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	if (err && err != -ERANGE)	/* which is found again, where it counts */
		return err;
	return group ? shadow_durable_commit(durable, group) : 0;
}

int shadow_mark_free(struct shadow_shadow_free *arg, const struct shadow_free_range *ranges,
		     unsigned int n)
{
	struct shadow_range blocks;
	struct shadow *sh = shadow_get(&arg->uuid);
	unsigned int i;
	int err = 0;

	if (!sh)
		return -ENOENT;
	mutex_lock(&sh->vol->epochs.mutate);
	sh->vol->telling_free++;
	mutex_unlock(&sh->vol->epochs.mutate);
	if (sh->vol->store->durable)
		err = log_free(sh, ranges, n);
	for (i = 0; i < n && !err; i++) {
		err = blocks_in(sh, &ranges[i], &blocks) ?: mark_blocks(sh, blocks, arg);
		if (!err)
			arg->done++;
	}
	mutex_lock(&sh->vol->epochs.mutate);
	sh->vol->telling_free--;
	shadow_policy_told_free(sh->vol);
	mutex_unlock(&sh->vol->epochs.mutate);
	shadow_volume_kick(sh->vol);	/* a checkpoint may wait */
	inflight_put(sh);
	return err;
}

bool shadow_of_set(const struct shadow_uuid *set, u64 *id, struct shadow_uuid *uuid)
{
	struct shadow *sh;
	bool found = false;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (sh->id > *id && sh->published && !memcmp(&sh->set, set, sizeof(*set))) {
			*id = sh->id;
			*uuid = sh->uuid;
			found = true;
			break;
		}
	}
	mutex_unlock(&shadows_lock);
	return found;
}

void shadow_publish_set(const struct shadow_uuid *set)
{
	struct shadow *sh;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (memcmp(&sh->set, set, sizeof(*set)))
			continue;
		sh->published = true;
		send_event(sh, SHADOW_NL_EV_CREATED, SHADOW_REASON_NONE);
	}
	mutex_unlock(&shadows_lock);
}

/* One of @set that would not survive yet, and is to; kept until inflight_put(). */
static struct shadow *incomplete_of(const struct shadow_uuid *set)
{
	struct shadow *sh;

	lockdep_assert_held(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (memcmp(&sh->set, set, sizeof(*set)) || sh->complete || sh->deleting ||
		    !(sh->flags & SHADOW_SET_PERSISTENT))
			continue;
		inflight_get(sh);
		return sh;
	}
	return NULL;
}

int shadow_keep_set(const struct shadow_uuid *set)
{
	struct shadow *sh;
	int err = 0;

	mutex_lock(&shadows_lock);
	while (!err && (sh = incomplete_of(set))) {
		mutex_unlock(&shadows_lock);
		err = shadow_commit(sh, true);
		inflight_put(sh);
		mutex_lock(&shadows_lock);
	}
	if (!err)
		list_for_each_entry(sh, &shadows, node)
			if (!memcmp(&sh->set, set, sizeof(*set)))
				sh->flags |= SHADOW_SET_NO_AUTO_RELEASE;
	mutex_unlock(&shadows_lock);
	return err;
}

static void fill_info(struct shadow *sh, struct shadow_shadow_info *info)
{
	memset(info, 0, sizeof(*info));
	info->cursor = sh->id;
	info->uuid = sh->uuid;
	info->set = sh->set;
	info->volume = shadow_dev_encode(sh->vol->dev);
	info->image = shadow_dev_encode(disk_devt(sh->disk));
	info->index = sh->index;
	info->state = sh->deleting ? SHADOW_STATE_DELETING :
		      READ_ONCE(sh->stake.lost) ? SHADOW_STATE_LOST : SHADOW_STATE_CREATED;
	info->flags = sh->flags | (sh->pinned ? SHADOW_SHADOW_PINNED : 0) |
		      (sh->sealed ? SHADOW_SHADOW_SEALED : 0) |
		      (sh->reverting ? SHADOW_SHADOW_REVERT : 0);
	info->context = sh->context;
	info->openers = sh->openers;
	info->set_count = sh->set_count;
	info->epoch = sh->stake.epoch->number;
	info->bytes = (u64)sh->nr_sectors << SECTOR_SHIFT;
	info->created_ns = sh->created_ns;
	read_lock(&sh->vol->epochs.lock);
	info->blocks = sh->stake.epoch->index.blocks;
	info->overlay_blocks = sh->stake.epoch->overlay.blocks;
	read_unlock(&sh->vol->epochs.lock);
	info->reads = atomic64_read(&sh->reads);
	info->read_bytes = atomic64_read(&sh->read_bytes);
	if (is_lost(sh))
		info->fault = sh->stake.fault;
	strscpy(info->volume_name, sh->vol->name, sizeof(info->volume_name));
	info->free_bytes = min(READ_ONCE(sh->stake.epoch->free_blocks) << SHADOW_BLOCK_BITS,
			       info->bytes);
}

int shadow_next(struct shadow_shadow_info *info)
{
	struct shadow *sh;
	int err = -ENOENT;

	mutex_lock(&shadows_lock);
	list_for_each_entry(sh, &shadows, node) {
		if (sh->id > info->cursor && sh->published) {
			fill_info(sh, info);
			err = 0;
			break;
		}
	}
	mutex_unlock(&shadows_lock);
	return err;
}

unsigned int shadow_count(void)
{
	return READ_ONCE(nr_shadows);
}

int shadow_image_init(void)
{
	int err = bioset_init(&piece_bios, BIO_POOL_SIZE, offsetof(struct piece, bio),
			      BIOSET_NEED_RESCUER);

	if (err)
		return err;
	image_wq = alloc_workqueue("shadow-image", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!image_wq)
		goto exit_bios;
	delete_wq = alloc_workqueue("shadow-delete", WQ_UNBOUND, 0);
	if (!delete_wq)
		goto destroy_image_wq;
	err = shadow_overlay_init();
	if (err)
		goto destroy_delete_wq;
	err = register_blkdev(0, "shadow");
	if (err < 0)
		goto exit_overlay;
	image_major = err;
	shadow_policy_init(victim, evicted);
	shadow_checkpoint_init(describe);
	return 0;

exit_overlay:
	shadow_overlay_exit();
destroy_delete_wq:
	destroy_workqueue(delete_wq);
destroy_image_wq:
	destroy_workqueue(image_wq);
exit_bios:
	bioset_exit(&piece_bios);
	return err < 0 ? err : -ENOMEM;
}

void shadow_image_exit(void)
{
	unregister_blkdev(image_major, "shadow");
	shadow_overlay_exit();
	destroy_workqueue(delete_wq);
	destroy_workqueue(image_wq);
	bioset_exit(&piece_bios);
	ida_destroy(&indexes);
}
