// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/eraser0 and /dev/eraser1: disks in memory that offer secure erase, which no
 * other device of the test machine does.  What was erased reads as 0xee.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include "eraser_compat.h"

#define DISKS 2

static unsigned int mib = 16;
module_param(mib, uint, 0444);

static struct gendisk *disks[DISKS];
static int major;

static void transfer(struct bio *bio, char *data)
{
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, iter) {
		char *at = data + ((size_t)iter.bi_sector << SECTOR_SHIFT);
		char *page = kmap_local_page(bv.bv_page);

		if (op_is_write(bio->bi_opf))
			memcpy(at, page + bv.bv_offset, bv.bv_len);
		else
			memcpy(page + bv.bv_offset, at, bv.bv_len);
		kunmap_local(page);
	}
}

static void eraser_submit(struct bio *bio)
{
	char *data = shadow_bio_disk(bio)->private_data;
	size_t offset;

	bio = bio_split_to_limits(bio);
	if (!bio)
		return;
	offset = (size_t)bio->bi_iter.bi_sector << SECTOR_SHIFT;
	if (bio_op(bio) == REQ_OP_SECURE_ERASE)
		memset(data + offset, 0xee, bio->bi_iter.bi_size);
	else if (bio_has_data(bio))
		transfer(bio, data);
	bio_endio(bio);
}

THUNK_SUBMIT_BIO(eraser_submit)

static const struct block_device_operations eraser_ops = {
	.owner = THIS_MODULE,
	.submit_bio = THUNK_SUBMIT(eraser_submit),
};

/* Erasing is split at 4 MiB, as other devices split it too. */
#define ERASE_SECTORS (4 << (20 - SECTOR_SHIFT))

static void remove(struct gendisk *disk)
{
	char *data = disk->private_data;

	del_gendisk(disk);
	put_disk(disk);
	vfree(data);
}

static int add(unsigned int index)
{
	char *data = vzalloc((size_t)mib << 20);
	struct gendisk *disk = data ? eraser_alloc_disk(ERASE_SECTORS) : NULL;
	int err;

	if (!disk) {
		vfree(data);
		return -ENOMEM;
	}
	disk->major = major;
	disk->first_minor = index;
	disk->minors = 1;
	disk->fops = &eraser_ops;
	disk->private_data = data;
	snprintf(disk->disk_name, DISK_NAME_LEN, "eraser%u", index);
	set_capacity(disk, (sector_t)mib << (20 - SECTOR_SHIFT));
	err = add_disk(disk);
	if (err) {
		put_disk(disk);
		vfree(data);
		return err;
	}
	disks[index] = disk;
	return 0;
}

static int __init eraser_init(void)
{
	unsigned int i;
	int err = 0;

	major = register_blkdev(0, "eraser");
	if (major < 0)
		return major;
	for (i = 0; !err && i < DISKS; i++)
		err = add(i);
	if (!err)
		return 0;
	for (i = 0; i < DISKS; i++)
		if (disks[i])
			remove(disks[i]);
	unregister_blkdev(major, "eraser");
	return err;
}

static void __exit eraser_exit(void)
{
	unsigned int i;

	for (i = 0; i < DISKS; i++)
		remove(disks[i]);
	unregister_blkdev(major, "eraser");
}

module_init(eraser_init);
module_exit(eraser_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Disks with secure erase, for tests");
