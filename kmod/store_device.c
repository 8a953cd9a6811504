// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_device.c - parts of stores on a block device that they have for themselves.
 *
 * The first MiB is zeroed, so that nobody takes the device for what was on it
 * before, and left for the header of durable stores.
 */
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "store.h"

struct device_part {
	struct file *bdev_file;
};

static int device_open(struct shadow_part *part, struct shadow_fault *fault)
{
	dev_t dev = MKDEV(part->spec.dev.major, part->spec.dev.minor);
	struct device_part *dp = kzalloc(sizeof(*dp), GFP_KERNEL);
	u64 bytes;
	int err;

	if (!dp)
		return -ENOMEM;
	dp->bdev_file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE, part, NULL);
	err = PTR_ERR_OR_ZERO(dp->bdev_file);
	if (err) {
		shadow_fail(fault, SHADOW_PHASE_STORE,
			    err == -EBUSY ? SHADOW_REASON_STORE_IN_USE :
			    err == -EACCES || err == -EROFS ? SHADOW_REASON_STORE_READONLY :
			    SHADOW_REASON_NO_DEVICE, dev, err);
		goto free;
	}
	part->bdev = file_bdev(dp->bdev_file);
	if (part->bdev->bd_disk->fops->owner == THIS_MODULE) {
		/* What is written to an image is written to its volume's store. */
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_IMAGE, dev,
				  -EOPNOTSUPP);
		goto close;
	}
	if (bdev_read_only(part->bdev)) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_READONLY, dev,
				  -EROFS);
		goto close;
	}
	bytes = (u64)bdev_nr_sectors(part->bdev) << SECTOR_SHIFT;
	if (bdev_logical_block_size(part->bdev) > SHADOW_BLOCK_SIZE) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_BLOCK_SIZE, dev,
				  -EINVAL);
		goto close;
	}
	if (bytes < SHADOW_STORE_HEAD + SHADOW_STORE_MIN ||
	    part->spec.max_bytes > bytes - SHADOW_STORE_HEAD ||
	    (part->spec.max_bytes && part->spec.max_bytes < SHADOW_STORE_MIN)) {
		err = shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_SIZE, dev,
				  -EINVAL);
		goto close;
	}
	part->plain = true;
	part->nr_blocks = (part->spec.max_bytes ?: bytes - SHADOW_STORE_HEAD) >> SHADOW_BLOCK_BITS;
	part->max_blocks = part->nr_blocks;
	part->private = dp;
	return 0;

close:
	shadow_bdev_fput(dp->bdev_file);
free:
	kfree(dp);
	return err;
}

static bool device_is(const struct shadow_part *part, const struct shadow_store_spec *spec)
{
	return part->spec.dev.major == spec->dev.major && part->spec.dev.minor == spec->dev.minor;
}

static u64 device_room(const struct shadow_part *part)
{
	u64 bytes = (u64)bdev_nr_sectors(part->bdev) << SECTOR_SHIFT;

	return bytes > SHADOW_STORE_HEAD ? (bytes - SHADOW_STORE_HEAD) >> SHADOW_BLOCK_BITS : 0;
}

static int device_prepare(struct shadow_part *part, struct shadow_fault *fault)
{
	int err = blkdev_issue_zeroout(part->bdev, 0, SHADOW_STORE_HEAD >> SECTOR_SHIFT,
				       GFP_KERNEL, 0);

	if (err)
		shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ERROR,
			    part->bdev->bd_dev, err);
	return err;
}

static void device_close(struct shadow_part *part)
{
	struct device_part *dp = part->private;

	shadow_bdev_fput(dp->bdev_file);
	kfree(dp);
}

static sector_t device_locate(struct shadow_part *part, u64 block, u64 *run)
{
	return (SHADOW_STORE_HEAD >> SECTOR_SHIFT) + block * SHADOW_BLOCK_SECTORS;
}

static sector_t device_head(const struct shadow_part *part, u32 byte)
{
	return byte >> SECTOR_SHIFT;
}

const struct shadow_part_ops shadow_part_device_ops = {
	.open = device_open,
	.prepare = device_prepare,
	.close = device_close,
	.is = device_is,
	.locate = device_locate,
	.head = device_head,
	.room = device_room,
};
