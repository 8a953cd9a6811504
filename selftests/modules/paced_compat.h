/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What paced.c needs beyond the module's own compat: disks with a request queue, and
 * timers, in each kernel's way.
 */
#ifndef PACED_COMPAT_H
#define PACED_COMPAT_H

#include <linux/blkdev.h>
#include <linux/hrtimer.h>

#if !HAVE_MQ_SHOULD_MERGE
#define BLK_MQ_F_SHOULD_MERGE	0	/* cc76ace465d6 (6.14): all do */
#endif

#if !HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *), clockid_t clock,
				 enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#define PACED_MAX_SECTORS	2048	/* of an operation */
#define PACED_MAX_DISCARD	(64U << (20 - SECTOR_SHIFT))

static inline struct gendisk *paced_alloc_disk(struct blk_mq_tag_set *tags, void *data)
{
#if HAVE_BLK_ALLOC_DISK_LIMITS
	struct queue_limits limits = {
		.physical_block_size = 4096,
		.max_hw_sectors = PACED_MAX_SECTORS,
		.max_segments = 1024,
		.max_hw_discard_sectors = PACED_MAX_DISCARD,
		.max_write_zeroes_sectors = PACED_MAX_DISCARD,
		.discard_granularity = 4096,
	};

	return blk_mq_alloc_disk(tags, &limits, data);
#else
	struct request_queue *q;
	struct gendisk *disk;
#if HAVE_BLK_ALLOC_DISK
	disk = blk_mq_alloc_disk(tags, data);
	if (IS_ERR(disk))
		return disk;
	q = disk->queue;
#else
	q = blk_mq_init_queue_data(tags, data);
	if (IS_ERR(q))
		return ERR_CAST(q);
	disk = alloc_disk_node(1 << 4, NUMA_NO_NODE);
	if (!disk) {
		blk_cleanup_queue(q);
		return ERR_PTR(-ENOMEM);
	}
	WARN_ON_ONCE(!blk_get_queue(q));	/* the module's put_disk() expects it */
	disk->queue = q;
	blk_queue_flag_set(QUEUE_FLAG_DISCARD, q);
#endif
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	blk_queue_physical_block_size(q, 4096);
	blk_queue_max_hw_sectors(q, PACED_MAX_SECTORS);
	blk_queue_max_segments(q, 1024);
	blk_queue_max_discard_sectors(q, PACED_MAX_DISCARD);
	blk_queue_max_write_zeroes_sectors(q, PACED_MAX_DISCARD);
	q->limits.discard_granularity = 4096;
	return disk;
#endif
}

#endif /* PACED_COMPAT_H */
