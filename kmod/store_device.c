// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_device.c - a store on a block device that it has for itself.
 *
 * The first MiB is zeroed, so that nobody takes the device for what was on it
 * before, and left for the header of durable stores.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>
#include "store.h"

struct device_store {
	struct file *bdev_file;
	struct block_device *bdev;
};

static int device_open(struct shadow_store *store, struct shadow_fault *fault)
{
	dev_t dev = MKDEV(store->spec.dev.major, store->spec.dev.minor);
	struct device_store *ds = kzalloc(sizeof(*ds), GFP_KERNEL);
	u64 bytes;
	int err;

	if (!ds)
		return -ENOMEM;
	ds->bdev_file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE, store, NULL);
	err = PTR_ERR_OR_ZERO(ds->bdev_file);
	if (err) {
		shadow_fail(fault, SHADOW_PHASE_STORE,
			    err == -EBUSY ? SHADOW_REASON_STORE_IN_USE :
			    err == -EACCES || err == -EROFS ? SHADOW_REASON_STORE_READONLY :
			    SHADOW_REASON_NO_DEVICE, dev, err);
		goto free;
	}
	ds->bdev = file_bdev(ds->bdev_file);
	if (bdev_read_only(ds->bdev)) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_READONLY, dev,
				  -EROFS);
		goto close;
	}
	bytes = (u64)bdev_nr_sectors(ds->bdev) << SECTOR_SHIFT;
	if (bdev_logical_block_size(ds->bdev) > SHADOW_BLOCK_SIZE) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BLOCK_SIZE, dev,
				  -EINVAL);
		goto close;
	}
	if (bytes < SHADOW_STORE_HEAD + SHADOW_STORE_MIN ||
	    store->spec.max_bytes > bytes - SHADOW_STORE_HEAD ||
	    (store->spec.max_bytes && store->spec.max_bytes < SHADOW_STORE_MIN)) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_SIZE, dev,
				  -EINVAL);
		goto close;
	}
	store->nr_blocks = (store->spec.max_bytes ?: bytes - SHADOW_STORE_HEAD) >>
			   SHADOW_BLOCK_BITS;
	store->spec.max_bytes = store->nr_blocks << SHADOW_BLOCK_BITS;
	store->private = ds;
	return 0;

close:
	shadow_bdev_fput(ds->bdev_file);
free:
	kfree(ds);
	return err;
}

static int device_prepare(struct shadow_store *store, struct shadow_fault *fault)
{
	struct device_store *ds = store->private;
	int err = blkdev_issue_zeroout(ds->bdev, 0, SHADOW_STORE_HEAD >> SECTOR_SHIFT,
				       GFP_KERNEL, 0);

	if (err)
		shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ERROR,
			    ds->bdev->bd_dev, err);
	return err;
}

static void device_close(struct shadow_store *store)
{
	struct device_store *ds = store->private;

	shadow_bdev_fput(ds->bdev_file);
	kfree(ds);
}

static struct block_device *device_locate(struct shadow_store *store, u64 loc, sector_t *sector)
{
	struct device_store *ds = store->private;

	*sector = (SHADOW_STORE_HEAD >> SECTOR_SHIFT) + loc * SHADOW_BLOCK_SECTORS;
	return ds->bdev;
}

static void write_done(struct bio *bio)
{
	struct shadow_batch *batch = bio->bi_private;
	blk_status_t status = bio->bi_status;

	bio_put(bio);
	shadow_store_written(batch, status);
}

static int device_write(struct shadow_store *store, struct shadow_batch *batch)
{
	struct block_device *bdev;
	sector_t sector;
	struct bio *bio;
	unsigned int i;

	bdev = device_locate(store, batch->loc, &sector);
	bio = shadow_bio_alloc_nowait(bdev, batch->nr, REQ_OP_WRITE, &store->bios);
	if (!bio)
		return -EAGAIN;
	bio->bi_iter.bi_sector = sector;
	bio->bi_private = batch;
	bio->bi_end_io = write_done;
	for (i = 0; i < batch->nr; i++)
		__bio_add_page(bio, batch->page[i], SHADOW_BLOCK_SIZE, 0);
	submit_bio_noacct(bio);
	return 0;
}

const struct shadow_store_ops shadow_store_device_ops = {
	.open = device_open,
	.prepare = device_prepare,
	.close = device_close,
	.write = device_write,
	.locate = device_locate,
};
