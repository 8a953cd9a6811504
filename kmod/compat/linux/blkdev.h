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

/* --- devices and partitions --------------------------------------------------- */

#if HAVE_HD_STRUCT
#define shadow_part_of(bdev)	((bdev)->bd_part)
#else
#define shadow_part_of(bdev)	(bdev)
#endif

#if !HAVE_BDEV_NR_SECTORS
#define bdev_nr_sectors(bdev)	READ_ONCE((bdev)->bd_part->nr_sects)
#endif

#if !HAVE_DISK_LIVE
#define disk_live(disk)		((disk)->flags & GENHD_FL_UP)
#endif

/* Writes to a device that its bio-based driver has under way. */
static inline long shadow_bdev_writes_inflight(struct block_device *bdev)
{
	long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += part_stat_local_read_cpu(shadow_part_of(bdev), in_flight[1], cpu);
	return max(n, 0L);
}

/* Those to the disk itself, and to all of its partitions if @parts. */
static inline long shadow_disk_writes_inflight(struct gendisk *disk, bool parts)
{
	long n = 0;
	int cpu;
#if HAVE_HD_STRUCT
	struct disk_part_iter iter;
	struct hd_struct *part;

	if (!parts) {
		for_each_possible_cpu(cpu)
			n += part_stat_local_read_cpu(&disk->part0, in_flight[1], cpu);
		return max(n, 0L);
	}
	disk_part_iter_init(&iter, disk, DISK_PITER_INCL_EMPTY_PART0);
	while ((part = disk_part_iter_next(&iter)))
		for_each_possible_cpu(cpu)
			n += part_stat_local_read_cpu(part, in_flight[1], cpu);
	disk_part_iter_exit(&iter);
#else
	struct block_device *part;
	unsigned long index;

	if (!parts)
		return shadow_bdev_writes_inflight(disk->part0);
	rcu_read_lock();
	xa_for_each(&disk->part_tbl, index, part)	/* the disk itself is number 0 */
		for_each_possible_cpu(cpu)
			n += part_stat_local_read_cpu(part, in_flight[1], cpu);
	rcu_read_unlock();
#endif
	return max(n, 0L);
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
static inline struct bio *shadow_bio_alloc_disk(struct gendisk *disk, unsigned int opf)
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

#if !HAVE_BDEV_FILE
typedef fmode_t blk_mode_t;

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
#define bdev_fput(file)		shadow_bdev_fput(file)
#elif !HAVE_BDEV_FPUT
#define bdev_fput(file)		fput(file)
#endif

/* --- freezing ------------------------------------------------------------------------- */

#if HAVE_FREEZE_BDEV_SB
static inline int bdev_freeze(struct block_device *bdev)
{
	return PTR_ERR_OR_ZERO(freeze_bdev(bdev));
}

static inline int shadow_thaw(struct block_device *bdev)
{
	struct super_block *sb = get_super(bdev);	/* frozen it cannot go away */

	if (sb)
		drop_super(sb);
	return thaw_bdev(bdev, sb);
}
#elif !HAVE_BDEV_FREEZE
#define bdev_freeze(bdev)	freeze_bdev(bdev)
#define shadow_thaw(bdev)	thaw_bdev(bdev)
#endif

#if !HAVE_BDEV_FREEZE
/*
 * A filesystem that somebody else has thawed meanwhile would leave the device
 * counted as frozen, and every later freeze would do nothing.
 */
static inline int bdev_thaw(struct block_device *bdev)
{
	int err = shadow_thaw(bdev);

	if (err == -EINVAL) {
		mutex_lock(&bdev->bd_fsfreeze_mutex);
		if (bdev->bd_fsfreeze_count && !--bdev->bd_fsfreeze_count) {
#if !HAVE_FREEZE_BDEV_SB
			bdev->bd_fsfreeze_sb = NULL;
#endif
		}
		mutex_unlock(&bdev->bd_fsfreeze_mutex);
	}
	return err;
}
#endif

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

static inline int shadow_add_disk(struct gendisk *disk)
{
	add_disk(disk);
	blk_put_queue(disk->queue);		/* it took one of its own */
	return 0;
}

static inline void shadow_put_disk(struct gendisk *disk)
{
	blk_cleanup_queue(disk->queue);
	put_disk(disk);
}

#define add_disk(disk)		shadow_add_disk(disk)
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
	}
	return disk;
}

#undef blk_alloc_disk
#define blk_alloc_disk(lim, node)	shadow_alloc_disk_limits(lim, node)
#endif

#endif /* SHADOW_COMPAT_LINUX_BLKDEV_H */
