/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between kernels; included before everything else.
 *
 * The module is written for the newest kernel.  Here older ones are bent to
 * it; nowhere else in the module is a kernel's version or feature tested.
 */
#ifndef SHADOW_COMPAT_H
#define SHADOW_COMPAT_H

#include <linux/version.h>
#include <linux/blkdev.h>
#include <linux/blk-mq.h>
#include <linux/bio.h>
#include <linux/device.h>
#include <linux/part_stat.h>
#include <net/genetlink.h>
#include <linux/ftrace.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
#include <linux/genhd.h>
#endif

/* --- ftrace --------------------------------------------------------------- */

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define ftrace_regs pt_regs
#define SHADOW_HOOK_NORECURSE	FTRACE_OPS_FL_RECURSION_SAFE
#else
#define SHADOW_HOOK_NORECURSE	0
#endif

#ifdef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#define SHADOW_HOOK_REGS	0
#else
#define SHADOW_HOOK_REGS	FTRACE_OPS_FL_SAVE_REGS
#endif

/* First argument of the hooked function. */
static __always_inline void *shadow_hook_arg0(struct ftrace_regs *fregs)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
	return (void *)regs_get_kernel_argument(fregs, 0);
#elif !defined(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS)
	return (void *)regs_get_kernel_argument(ftrace_get_regs(fregs), 0);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return (void *)regs_get_kernel_argument(&fregs->regs, 0);
#else
	return (void *)ftrace_regs_get_argument(fregs, 0);
#endif
}

/* Return from the hook to @ip instead. */
static __always_inline void shadow_hook_divert(struct ftrace_regs *fregs, unsigned long ip)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
	instruction_pointer_set(fregs, ip);
#elif !defined(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS)
	instruction_pointer_set(ftrace_get_regs(fregs), ip);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	ftrace_instruction_pointer_set(fregs, ip);
#else
	ftrace_regs_set_instruction_pointer(fregs, ip);
#endif
}

/* submit_bio_noacct() and ->submit_bio() returned a cookie before 3e08773c3841. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define shadow_submit_t		blk_qc_t
#define SHADOW_SUBMIT_NONE	BLK_QC_T_NONE
#else
#define shadow_submit_t		void
#define SHADOW_SUBMIT_NONE
#endif

/* --- bios ------------------------------------------------------------------ */

#ifndef REQ_POLLED
#define REQ_POLLED	REQ_HIPRI
#endif

/* Give up polling, and the cache that is only safe with it. */
static inline void shadow_bio_clear_polled(struct bio *bio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
	bio_clear_polled(bio);
#else
	bio->bi_opf &= ~REQ_POLLED;
#endif
}

static __always_inline struct gendisk *shadow_bio_disk(const struct bio *bio)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 12, 0)
	return bio->bi_disk;
#else
	return bio->bi_bdev->bd_disk;
#endif
}

/* First sector on the whole disk.  Context: rcu_read_lock(). */
static __always_inline sector_t shadow_bio_sector(struct bio *bio)
{
	sector_t sector = bio->bi_iter.bi_sector;

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 12, 0)
	if (bio->bi_partno) {
		struct disk_part_tbl *tbl = rcu_dereference(bio->bi_disk->part_tbl);
		struct hd_struct *part = bio->bi_partno < tbl->len ?
			rcu_dereference(tbl->part[bio->bi_partno]) : NULL;

		if (part)
			sector += part->start_sect;
	}
#else
	if (!bio_flagged(bio, BIO_REMAPPED))
		sector += bio->bi_bdev->bd_start_sect;
#endif
	return sector;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
static inline struct bio *shadow_bio_alloc(struct block_device *bdev, unsigned short nr,
					   unsigned int opf, gfp_t gfp, struct bio_set *bs)
{
	struct bio *bio = bio_alloc_bioset(gfp, nr, bs);

	if (bio) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = opf;
	}
	return bio;
}

#define bio_alloc_bioset(bdev, nr, opf, gfp, bs) shadow_bio_alloc(bdev, nr, opf, gfp, bs)

/* A clone aimed where @src is. */
static inline struct bio *shadow_bio_clone(struct bio *src, gfp_t gfp, struct bio_set *bs)
{
	return bio_clone_fast(src, gfp, bs);
}
#else
static inline struct bio *shadow_bio_clone(struct bio *src, gfp_t gfp, struct bio_set *bs)
{
	return bio_alloc_clone(src->bi_bdev, src, gfp, bs);
}
#endif

/* --- block devices ------------------------------------------------------------ */

/**
 * struct shadow_bdev - an open block device
 *
 * 6.9 opens block devices as files, 6.5 changed modes and holders.
 */
struct shadow_bdev {
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	struct file *file;
#else
	struct block_device *bdev;
	void *holder;
#endif
};

static inline struct block_device *shadow_bdev_of(const struct shadow_bdev *ref)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return file_bdev(ref->file);
#else
	return ref->bdev;
#endif
}

static inline int shadow_bdev_open_mode(struct shadow_bdev *ref, dev_t dev, void *holder)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	ref->file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | (holder ? BLK_OPEN_WRITE : 0),
					  holder, NULL);
	return PTR_ERR_OR_ZERO(ref->file);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#error "kernels 6.5 to 6.8 are not supported"
#else
	ref->holder = holder;
	ref->bdev = blkdev_get_by_dev(dev, FMODE_READ |
				      (holder ? FMODE_WRITE | FMODE_EXCL : 0), holder);
	return PTR_ERR_OR_ZERO(ref->bdev);
#endif
}

/* Open to read beside whoever has it. */
static inline int shadow_bdev_open(struct shadow_bdev *ref, dev_t dev)
{
	return shadow_bdev_open_mode(ref, dev, NULL);
}

/* Open to read and write, for @holder alone. */
static inline int shadow_bdev_open_excl(struct shadow_bdev *ref, dev_t dev, void *holder)
{
	return shadow_bdev_open_mode(ref, dev, holder);
}

static inline void shadow_bdev_close(struct shadow_bdev *ref)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	bdev_fput(ref->file);
#else
	blkdev_put(ref->bdev, FMODE_READ | (ref->holder ? FMODE_WRITE | FMODE_EXCL : 0));
#endif
}

static inline sector_t shadow_bdev_start(struct block_device *bdev)
{
	return get_start_sect(bdev);
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define bdev_nr_sectors(bdev)	((bdev)->bd_part->nr_sects)
#endif

/* ->rw_page writes without a bio; it is gone since 6.3. */
static inline bool shadow_disk_has_rw_page(struct gendisk *disk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return disk->fops->rw_page;
#else
	return false;
#endif
}

static inline bool shadow_disk_is_mq(struct gendisk *disk)
{
	return queue_is_mq(disk->queue);
}

/* Wait until all requests that are under way now are done; blk-mq only. */
static inline int shadow_disk_flush_requests(struct gendisk *disk, unsigned long timeout)
{
	int left;

	blk_freeze_queue_start(disk->queue);
	left = blk_mq_freeze_queue_wait_timeout(disk->queue, timeout);
	blk_mq_unfreeze_queue(disk->queue);
	return left > 0 ? 0 : -ETIMEDOUT;
}

/* Writes to a device that its bio-based driver has under way. */
static inline long shadow_bdev_writes_inflight(struct block_device *bdev)
{
	long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += part_stat_local_read_cpu(bdev, in_flight[1], cpu);
	return max(n, 0L);
}

/* The same for a disk and its partitions, as far as the driver counts them. */
static inline long shadow_disk_writes_inflight(struct gendisk *disk)
{
	struct block_device *part;
	unsigned long index;
	long n = 0;

	rcu_read_lock();
	xa_for_each(&disk->part_tbl, index, part)	/* the disk itself is number 0 */
		n += shadow_bdev_writes_inflight(part);
	rcu_read_unlock();
	return n;
}

/* freeze_bdev() was renamed by 982c3b305863. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define bdev_freeze	freeze_bdev
#define bdev_thaw	thaw_bdev
#endif

/**
 * shadow_bdev_thaw() - thaw what bdev_freeze() froze
 *
 * Before 6.8 a filesystem that somebody else has thawed meanwhile leaves the
 * device counted as frozen, and every later freeze would do nothing.
 */
static inline int shadow_bdev_thaw(struct block_device *bdev)
{
	int err = bdev_thaw(bdev);

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	if (err == -EINVAL) {
		mutex_lock(&bdev->bd_fsfreeze_mutex);
		if (bdev->bd_fsfreeze_count && !--bdev->bd_fsfreeze_count)
			bdev->bd_fsfreeze_sb = NULL;
		mutex_unlock(&bdev->bd_fsfreeze_mutex);
	}
#endif
	return err;
}

/* --- disks --------------------------------------------------------------------- */

/* Renamed by 46e7eac647b3; an enum, so it cannot be tested for. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0)
#define GENHD_FL_NO_PART	GENHD_FL_NO_PART_SCAN
#endif

/**
 * shadow_disk_alloc() - a bio-based disk with the block sizes of another device
 * @like: the device; NULL: 512-byte blocks
 */
static inline struct gendisk *shadow_disk_alloc(struct block_device *like)
{
	struct gendisk *disk;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	struct queue_limits lim = { };

	if (like) {
		lim.logical_block_size = bdev_logical_block_size(like);
		lim.physical_block_size = bdev_physical_block_size(like);
		lim.io_min = bdev_io_min(like);
	}
	disk = blk_alloc_disk(&lim, NUMA_NO_NODE);
	return IS_ERR(disk) ? NULL : disk;
#else
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	disk = blk_alloc_disk(NUMA_NO_NODE);
	if (!disk)
		return NULL;
#else
	struct request_queue *q = blk_alloc_queue(NUMA_NO_NODE);

	if (!q)
		return NULL;
	disk = alloc_disk(0);
	if (!disk) {
		blk_cleanup_queue(q);
		return NULL;
	}
	disk->queue = q;
	disk->flags |= GENHD_FL_EXT_DEVT;
#endif
	if (like) {
		blk_queue_logical_block_size(disk->queue, bdev_logical_block_size(like));
		blk_queue_physical_block_size(disk->queue, bdev_physical_block_size(like));
		blk_queue_io_min(disk->queue, bdev_io_min(like));
	}
	return disk;
#endif
}

static inline int shadow_disk_add(struct gendisk *disk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
	add_disk(disk);
	return 0;
#else
	return add_disk(disk);
#endif
}

/* The last reference of a disk that shadow_disk_alloc() made. */
static inline void shadow_disk_put(struct gendisk *disk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
	blk_cleanup_queue(disk->queue);
#endif
	put_disk(disk);
}

/* ->open and ->release take the disk since 05bdb9965305 (6.5). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define SHADOW_OPEN_WRITE	FMODE_WRITE
#define SHADOW_DISK_OPEN_ARGS	struct block_device *bdev, fmode_t mode
#define SHADOW_DISK_RELEASE_ARGS struct gendisk *disk, fmode_t mode
#define SHADOW_DISK_OF_OPEN	(bdev->bd_disk)
#else
#define SHADOW_OPEN_WRITE	BLK_OPEN_WRITE
#define SHADOW_DISK_OPEN_ARGS	struct gendisk *disk, blk_mode_t mode
#define SHADOW_DISK_RELEASE_ARGS struct gendisk *disk
#define SHADOW_DISK_OF_OPEN	(disk)
#endif

/* class_interface callbacks lost an argument by 2243acd50ac7 (6.4). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define SHADOW_CLASS_ARGS	struct device *dev, struct class_interface *ci
#else
#define SHADOW_CLASS_ARGS	struct device *dev
#endif

/* --- generic netlink --------------------------------------------------------- */

#ifdef GENL_MCAST_CAP_NET_ADMIN
#define SHADOW_GROUP_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define SHADOW_GROUP_ADMIN	.cap_sys_admin = 1
#endif

#endif /* SHADOW_COMPAT_H */
