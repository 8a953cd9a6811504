// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a bio costs: submits bios of 4 KiB, one after the other, and says how long one
 * took.  In a machine whose clock counts instructions, this is their number.
 *
 *	echo "write MAJOR:MINOR COUNT SPAN" > /sys/module/biocost/parameters/run
 *	cat /sys/module/biocost/parameters/run		# nanoseconds for COUNT
 *
 * or "read"; the bios go round the first SPAN blocks of the device.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/module.h>

static u64 result;

static int submit(struct block_device *bdev, struct page *page, unsigned int op,
		  unsigned int count, unsigned int span)
{
	unsigned int i;
	u64 begin;
	int err = 0;

	begin = ktime_get_ns();
	for (i = 0; !err && i < count; i++) {
		struct bio *bio = bio_alloc_bioset(bdev, 1, op | REQ_SYNC, GFP_KERNEL,
						   &fs_bio_set);

		bio->bi_iter.bi_sector = (sector_t)(i % span) * 8;
		__bio_add_page(bio, page, 4096, 0);
		err = submit_bio_wait(bio);
		bio_put(bio);
	}
	result = ktime_get_ns() - begin;
	return err;
}

static int run(const char *text, const struct kernel_param *kp)
{
	unsigned int op, major, minor, count, span;
	struct page *page;
	struct file *file;
	char verb[8];
	int err;

	if (sscanf(text, "%7s %u:%u %u %u", verb, &major, &minor, &count, &span) != 5 || !span)
		return -EINVAL;
	if (sysfs_streq(verb, "write"))
		op = REQ_OP_WRITE;
	else if (sysfs_streq(verb, "read"))
		op = REQ_OP_READ;
	else
		return -EINVAL;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	file = bdev_file_open_by_dev(MKDEV(major, minor), BLK_OPEN_READ | BLK_OPEN_WRITE, NULL,
				     NULL);
	err = PTR_ERR_OR_ZERO(file);
	if (!err) {
		err = submit(file_bdev(file), page, op, count, span);
		shadow_bdev_fput(file);
	}
	__free_page(page);
	return err;
}

static int show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%llu\n", result);
}

static const struct kernel_param_ops run_ops = {
	.set = run,
	.get = show,
};
module_param_cb(run, &run_ops, NULL, 0600);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Counts what a bio costs, for measurements");
