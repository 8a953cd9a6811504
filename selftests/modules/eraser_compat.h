/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What eraser.c needs beyond the module's own compat: splitting, and the limit of
 * secure erase, in each kernel's way.
 */
#ifndef ERASER_COMPAT_H
#define ERASER_COMPAT_H

#include <linux/blkdev.h>

#if !HAVE_BIO_BDEV
/* Before 5a97806f7dc0 (6.0). */
static inline struct bio *bio_split_to_limits(struct bio *bio)
{
	blk_queue_split(&bio);
	return bio;
}
#endif

static inline struct gendisk *eraser_alloc_disk(unsigned int max_sectors)
{
	struct queue_limits limits = {
#if HAVE_BLK_ALLOC_DISK_LIMITS
		.max_secure_erase_sectors = max_sectors,
#endif
		.discard_granularity = SECTOR_SIZE,
	};
	struct gendisk *disk = blk_alloc_disk(&limits, NUMA_NO_NODE);

	if (IS_ERR(disk))
		return NULL;
#if !HAVE_BLK_ALLOC_DISK_LIMITS
	disk->queue->limits.discard_granularity = SECTOR_SIZE;
#if HAVE_BIO_BDEV	/* 44abff2c0b97 (5.19) made it a limit of its own */
	blk_queue_max_secure_erase_sectors(disk->queue, max_sectors);
#else
	blk_queue_max_discard_sectors(disk->queue, max_sectors);
	blk_queue_flag_set(QUEUE_FLAG_DISCARD, disk->queue);
	blk_queue_flag_set(QUEUE_FLAG_SECERASE, disk->queue);
#endif
#endif
	return disk;
}

#endif /* ERASER_COMPAT_H */
