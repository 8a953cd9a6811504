/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/blkdev.h: block devices, disks, and bios on partitions. */
#ifndef SHADOW_COMPAT_LINUX_BLKDEV_H
#define SHADOW_COMPAT_LINUX_BLKDEV_H

#include_next <linux/blkdev.h>
#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/part_stat.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

/* Memory is accounted in blocks of 4 KiB, each in a page. */
#if PAGE_SHIFT != 12
#error "shadow: kernels with pages other than 4 KiB are not supported"
#endif

/* --- devices and partitions --------------------------------------------------- */

#if !HAVE_BDEV_NR_SECTORS
#define bdev_nr_sectors(bdev)	READ_ONCE((bdev)->bd_part->nr_sects)
#endif

#if !HAVE_DISK_LIVE
#define disk_live(disk)		((disk)->flags & GENHD_FL_UP)
#endif

/*
 * Writes to a disk and its partitions that its bio-based driver has under way, as
 * far as it counts them: zero if there are none, and some more than there are on
 * kernels where the disk's own count has those to partitions in it (7.0 and later).
 */
static inline long shadow_disk_writes_inflight(struct gendisk *disk)
{
	long n = 0;
	int cpu;
#if HAVE_HD_STRUCT
	struct disk_part_iter iter;
	struct hd_struct *part;

	disk_part_iter_init(&iter, disk, DISK_PITER_INCL_EMPTY_PART0);
	while ((part = disk_part_iter_next(&iter)))
		for_each_possible_cpu(cpu)
			n += part_stat_local_read_cpu(part, in_flight[1], cpu);
	disk_part_iter_exit(&iter);
#else
	struct block_device *part;
	unsigned long index;

	rcu_read_lock();
	xa_for_each(&disk->part_tbl, index, part)	/* the disk itself is number 0 */
		for_each_possible_cpu(cpu)
			n += part_stat_local_read_cpu(part, in_flight[1], cpu);
	rcu_read_unlock();
#endif
	return max(n, 0L);
}

/*
 * Is a partition open by somebody who may not have been told to the driver?  Before
 * 6.9 only the first opener of a partition is, later all are.
 */
static inline bool shadow_disk_partition_open(struct gendisk *disk)
{
#if HAVE_BDEV_FPUT
	return false;
#elif HAVE_HD_STRUCT
	struct block_device *whole = bdget_disk(disk, 0);
	bool open = whole && whole->bd_part_count;

	if (whole)
		bdput(whole);
	return open;
#else
	return READ_ONCE(disk->open_partitions);
#endif
}

/* ->rw_page() writes without a bio. */
static inline bool shadow_disk_has_rw_page(struct gendisk *disk)
{
#if HAVE_RW_PAGE
	return disk->fops->rw_page;
#else
	return false;
#endif
}

#if !HAVE_UNFREEZE_MEMFLAGS
static inline void shadow_unfreeze_queue(struct request_queue *q, unsigned int memflags)
{
	blk_mq_unfreeze_queue(q);
	memalloc_noio_restore(memflags);
}

#define blk_mq_unfreeze_queue(q, memflags)	shadow_unfreeze_queue(q, memflags)
#endif

/* --- bios on partitions --------------------------------------------------------- */

#define SHADOW_SECTOR_NONE	((sector_t)1 << 62)	/* no disk has it */

/**
 * shadow_bio_sector() - first sector of a bio on the whole disk
 *
 * Where bios carry a partition's number, SHADOW_SECTOR_NONE for one that the block
 * layer is going to refuse: the partition is gone, or ends before.
 *
 * Context: rcu_read_lock().
 */
static __always_inline sector_t shadow_bio_sector(struct bio *bio)
{
	sector_t sector = bio->bi_iter.bi_sector;

#if HAVE_BIO_BDEV
	if (!bio_flagged(bio, BIO_REMAPPED))
		sector += bio->bi_bdev->bd_start_sect;
#else
	if (bio->bi_partno) {
		struct disk_part_tbl *tbl = rcu_dereference(bio->bi_disk->part_tbl);
		struct hd_struct *part = bio->bi_partno < tbl->len ?
			rcu_dereference(tbl->part[bio->bi_partno]) : NULL;
		sector_t nr = part ? READ_ONCE(part->nr_sects) : 0;

		if (bio_sectors(bio) > nr || sector > nr - bio_sectors(bio))
			return SHADOW_SECTOR_NONE;
		sector += part->start_sect;
	}
#endif
	return sector;
}

/**
 * shadow_bio_remap() - make a bio independent of its partition
 * @bio: shadow_bio_sector() was not SHADOW_SECTOR_NONE
 *
 * A bio that only carries a partition's number cannot be held: the partition
 * might go away meanwhile, or another one get its number.
 *
 * Context: the rcu_read_lock() under which the sector was found.
 */
static inline void shadow_bio_remap(struct bio *bio)
{
#if !HAVE_BIO_BDEV
	bio->bi_iter.bi_sector = shadow_bio_sector(bio);
	bio->bi_partno = 0;
#endif
}

/* An empty bio for a disk that need not have been added. */
static inline struct bio *shadow_bio_alloc_disk(struct gendisk *disk, blk_opf_t opf)
{
#if HAVE_BIO_BDEV
	return bio_alloc_bioset(disk->part0, 0, opf, GFP_KERNEL, &fs_bio_set);
#else
	struct bio *bio = (bio_alloc_bioset)(GFP_KERNEL, 0, &fs_bio_set);

	if (bio) {
		bio->bi_disk = disk;
		bio->bi_opf = opf;
	}
	return bio;
#endif
}

/* --- opening ------------------------------------------------------------------------- */

#if !HAVE_BDEV_FPUT
#define blk_mode_t	fmode_t
#define BLK_OPEN_READ	((__force blk_mode_t)FMODE_READ)
#define BLK_OPEN_WRITE	((__force blk_mode_t)FMODE_WRITE)

/* What the module takes for a file: it never looks inside. */
struct shadow_bdev_file {
	struct block_device *bdev;
	fmode_t mode;
};

static inline struct file *bdev_file_open_by_dev(dev_t dev, blk_mode_t mode, void *holder,
						 const void *hops)
{
	struct shadow_bdev_file *file = kmalloc(sizeof(*file), GFP_KERNEL);
	int err;

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->mode = mode | (holder ? FMODE_EXCL : 0);
	file->bdev = blkdev_get_by_dev(dev, file->mode, holder);
	if (!IS_ERR(file->bdev))
		return (struct file *)file;
	err = PTR_ERR(file->bdev);
	kfree(file);
	return ERR_PTR(err);
}

static inline struct block_device *shadow_file_bdev(const struct file *file)
{
	return ((const struct shadow_bdev_file *)file)->bdev;
}

static inline void shadow_bdev_fput(struct file *opaque)
{
	struct shadow_bdev_file *file = (struct shadow_bdev_file *)opaque;

	blkdev_put(file->bdev, file->mode);
	kfree(file);
}

#define file_bdev(file)		shadow_file_bdev(file)
#else
/* A kernel thread's fput() closes a moment later; who is told by us may not wait. */
static inline void shadow_bdev_fput(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		bdev_fput(file);
}
#endif

/* --- freezing ------------------------------------------------------------------------- */

#if HAVE_FREEZE_BDEV_SB
static inline int bdev_freeze(struct block_device *bdev)
{
	return PTR_ERR_OR_ZERO(freeze_bdev(bdev));
}

static inline int bdev_thaw(struct block_device *bdev)
{
	struct super_block *sb = get_super(bdev);
	int err;

	if (sb)
		up_read(&sb->s_umount);		/* thawing takes it */
	err = thaw_bdev(bdev, sb);
	if (sb) {
		down_read(&sb->s_umount);
		drop_super(sb);
	}
	return err;
}
#elif !HAVE_BDEV_FREEZE
#define bdev_freeze(bdev)	freeze_bdev(bdev)
#define bdev_thaw(bdev)		thaw_bdev(bdev)
#endif

/* Is the filesystem on a device frozen? */
static inline bool shadow_bdev_is_frozen(struct block_device *bdev)
{
	bool frozen = false;

#if HAVE_BDEV_FREEZE
	mutex_lock(&bdev->bd_holder_lock);
	if (bdev->bd_holder_ops == &fs_holder_ops)
		frozen = READ_ONCE(((struct super_block *)bdev->bd_holder)->s_writers.frozen) ==
			 SB_FREEZE_COMPLETE;
	mutex_unlock(&bdev->bd_holder_lock);
#endif
	return frozen;
}

/**
 * shadow_bdev_thaw() - thaw what bdev_freeze() froze
 *
 * The kernel goes on counting a device as frozen when it could not thaw the
 * filesystem.  Where somebody else has thawed that meanwhile this is for ever, and
 * every later freeze would do nothing: the count is put right.  The same happens
 * where freezes nest and another one is left, which some kernels report as an
 * error (6.8 to 6.12 at least); it is none.
 */
static inline int shadow_bdev_thaw(struct block_device *bdev)
{
	int err = bdev_thaw(bdev);

	if (err != -EINVAL)
		return err;
	mutex_lock(&bdev->bd_fsfreeze_mutex);
#if HAVE_BDEV_FREEZE
	atomic_dec_if_positive(&bdev->bd_fsfreeze_count);
	if (shadow_bdev_is_frozen(bdev))
		err = 0;
#else
	if (bdev->bd_fsfreeze_count && !--bdev->bd_fsfreeze_count) {
#if !HAVE_FREEZE_BDEV_SB
		bdev->bd_fsfreeze_sb = NULL;
#endif
	}
#endif
	mutex_unlock(&bdev->bd_fsfreeze_mutex);
	return err;
}

/*
 * What memory a device can read into is asked of a disk before its driver is,
 * since bf8d08532bc1 (6.0); before, direct I/O had to have whole blocks.
 */
static inline unsigned int shadow_dma_alignment(struct block_device *bdev)
{
#if HAVE_BIO_BDEV
	return max(511U, (unsigned int)bdev_dma_alignment(bdev));
#else
	return 0;
#endif
}

static inline void shadow_limits_dma(struct queue_limits *lim, struct block_device *bdev)
{
#if HAVE_BIO_BDEV
	lim->dma_alignment = max_t(unsigned int, lim->dma_alignment, shadow_dma_alignment(bdev));
#endif
}

/**
 * shadow_bdev_freeze() - freeze the filesystem on a device
 *
 * From 6.8 on bdev_freeze() can fail when the filesystem is frozen already, in what
 * it does to the device afterwards, and leaves it so.
 */
static inline int shadow_bdev_freeze(struct block_device *bdev)
{
	int err = bdev_freeze(bdev);

#if HAVE_BDEV_FREEZE
	if (err && err != -EBUSY && err != -EINVAL && shadow_bdev_is_frozen(bdev)) {
		mutex_lock(&bdev->bd_fsfreeze_mutex);
		atomic_inc(&bdev->bd_fsfreeze_count);	/* which it took back */
		mutex_unlock(&bdev->bd_fsfreeze_mutex);
		shadow_bdev_thaw(bdev);
	}
#endif
	return err;
}

/* --- disks of ours -------------------------------------------------------------------- */

#if !HAVE_GENHD_FL_NO_PART
#define GENHD_FL_NO_PART	GENHD_FL_NO_PART_SCAN
#endif

#if !HAVE_BLK_ALLOC_DISK
static inline struct gendisk *shadow_alloc_disk(int node)
{
	struct request_queue *q = blk_alloc_queue(node);
	struct gendisk *disk;

	if (!q)
		return NULL;
	disk = alloc_disk_node(0, node);
	if (!disk) {
		blk_cleanup_queue(q);
		return NULL;
	}
	WARN_ON_ONCE(!blk_get_queue(q));	/* put_disk() expects it, added or not */
	disk->queue = q;
	disk->flags |= GENHD_FL_EXT_DEVT;
	return disk;
}

static inline int shadow_add_disk(struct device *parent, struct gendisk *disk,
				  const struct attribute_group **groups)
{
	device_add_disk(parent, disk, groups);
	blk_put_queue(disk->queue);		/* it took one of its own */
	if (device_is_registered(disk_to_dev(disk)))
		return 0;
	blk_unregister_region(disk_devt(disk), disk->minors);
	disk->flags &= ~GENHD_FL_UP;
	return -EIO;
}

static inline void shadow_put_disk(struct gendisk *disk)
{
	blk_cleanup_queue(disk->queue);
	put_disk(disk);
}

#define device_add_disk(parent, disk, groups)	shadow_add_disk(parent, disk, groups)
#define add_disk(disk)		shadow_add_disk(NULL, disk, NULL)
#define put_disk(disk)		shadow_put_disk(disk)
#else
#define shadow_alloc_disk(node)	blk_alloc_disk(node)
#endif

#if !HAVE_BLK_ALLOC_DISK_LIMITS
static inline struct gendisk *shadow_alloc_disk_limits(const struct queue_limits *lim, int node)
{
	struct gendisk *disk = shadow_alloc_disk(node);

	if (!disk)
		return ERR_PTR(-ENOMEM);
	if (lim && lim->logical_block_size) {
		blk_queue_logical_block_size(disk->queue, lim->logical_block_size);
		blk_queue_physical_block_size(disk->queue, lim->physical_block_size);
		blk_queue_io_min(disk->queue, lim->io_min);
		blk_queue_io_opt(disk->queue, lim->io_opt);
#if HAVE_BIO_BDEV
		blk_queue_update_dma_alignment(disk->queue, lim->dma_alignment);
#endif
	}
	return disk;
}

#undef blk_alloc_disk
#define blk_alloc_disk(lim, node)	shadow_alloc_disk_limits(lim, node)
#endif

#if HAVE_DISK_BDI
#define shadow_disk_bdi(disk)	((disk)->bdi)
#else
#define shadow_disk_bdi(disk)	((disk)->queue->backing_dev_info)
#endif

#endif /* SHADOW_COMPAT_LINUX_BLKDEV_H */
