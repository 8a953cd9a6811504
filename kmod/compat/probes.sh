#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel at hand has: prints -DHAVE_NAME=0 or 1 for each fact.
#
#   probes.sh INCLUDE-DIRECTORY
#
# Each probe names the upstream commit that changed the thing, and the release in
# which the change appeared; but distributions take changes back to older kernels,
# so it is the thing that is looked for, not the version.

cd "$1" || exit 1

# have NAME HEADERS REGEX: does the headers' text match, taken as one line with
# single blanks?  A header that is not there has no text.
have() {
	# shellcheck disable=SC2086 # headers are words
	if cat $2 2>/dev/null | tr -s '[:space:]' ' ' | grep -qE "$3"; then
		echo "-DHAVE_$1=1"
	else
		echo "-DHAVE_$1=0"
	fi
}

# d19ad0775dcd (5.11): ftrace callbacks are given struct ftrace_regs, not pt_regs
have FTRACE_REGS linux/ftrace.h 'struct ftrace_regs'
# a25d036d939a (5.11): recursion protection is asked for, no longer declined
have FTRACE_RECURSION_SAFE linux/ftrace.h 'FTRACE_OPS_FL_RECURSION_SAFE'
# 94d095ffa0e1 (6.2): ftrace_regs_get_argument() and ftrace_regs_set_instruction_pointer()
have FTRACE_REGS_ACCESS 'linux/ftrace.h linux/ftrace_regs.h' 'ftrace_regs_get_argument'

# 3e08773c3841 (5.16): submitting a bio gives no cookie any more
have SUBMIT_COOKIE linux/blkdev.h 'blk_qc_t submit_bio_noacct\('
# 6ce913fe3eee (5.16): REQ_HIPRI became REQ_POLLED, bio_clear_hipri() bio_clear_polled()
have BIO_CLEAR_POLLED linux/bio.h 'bio_clear_polled\('
# 309dca309fc3 (5.12): a bio points to a block device, no longer to disk and partition number
have BIO_BDEV "linux/blk_types.h linux/bio.h" 'bi_bdev;'
# a8affc03a9b3 (5.12): BIO_MAX_PAGES became BIO_MAX_VECS
have BIO_MAX_VECS linux/bio.h 'BIO_MAX_VECS'
# 609be1066731 (5.18): bio_alloc_bioset() is given device and operation
have BIO_ALLOC_BDEV linux/bio.h 'bio_alloc_bioset\(struct block_device'
# abfc426d1b2f (5.18): bio_clone_fast() became bio_alloc_clone()
have BIO_ALLOC_CLONE linux/bio.h 'bio_alloc_clone\('

# 0d02129e76ed (5.11): struct hd_struct became part of struct block_device
have HD_STRUCT linux/genhd.h 'struct hd_struct \{'
# a782483cc1f8 (5.11): bdev_nr_sectors()
have BDEV_NR_SECTORS "linux/blkdev.h linux/genhd.h" 'bdev_nr_sectors\('
# 40b3a52ffc5b (5.15): disk_live()
have DISK_LIVE "linux/blkdev.h linux/genhd.h" 'disk_live\('
# 46e7eac647b3 (5.17): GENHD_FL_NO_PART_SCAN became GENHD_FL_NO_PART
have GENHD_FL_NO_PART "linux/blkdev.h linux/genhd.h" 'GENHD_FL_NO_PART\b'
# f525464a8000 (5.14): blk_alloc_disk()
have BLK_ALLOC_DISK "linux/blkdev.h linux/genhd.h" 'blk_alloc_disk\('
# edb0872f44ec (5.15): the backing_dev_info moved from the queue to the disk
have DISK_BDI "linux/blkdev.h linux/genhd.h" 'struct backing_dev_info \*bdi;'
# 74fa8f9c553f (6.9): disks are made with their limits
have BLK_ALLOC_DISK_LIMITS linux/blkdev.h 'blk_alloc_disk\(lim, '
# d32e2bf83791, ae220766d87c (6.5): ->open() and ->release() are given the disk, and no mode
have DISK_OPEN_BY_DISK linux/blkdev.h '\(\*open\) ?\(struct gendisk \*'
# 3222d8c2a7f8 (6.3): ->rw_page() is gone
have RW_PAGE linux/blkdev.h '\(\*rw_page\)'
# 1e1a9cecfab3 (6.14): blk_mq_unfreeze_queue() ends a noio scope
have UNFREEZE_MEMFLAGS linux/blk-mq.h 'blk_mq_unfreeze_queue\(struct request_queue \*q, unsigned int'

# f3a608827d1f (6.9), 22650a99821d (6.10): block devices are opened as files; bdev_fput()
have BDEV_FPUT linux/blkdev.h 'bdev_fput\('
# 05bdb9965305 (6.5): block devices are no longer opened with fmode_t
have BLKDEV_GET_FMODE linux/blkdev.h 'blkdev_get_by_dev\(dev_t dev, fmode_t'
# 982c3b305843 (6.8): freeze_bdev() became bdev_freeze()
have BDEV_FREEZE linux/blkdev.h 'bdev_freeze\('
# 040f04bd2e82 (5.11): freeze_bdev() gives no superblock
have FREEZE_BDEV_SB linux/blkdev.h 'struct super_block \*freeze_bdev\('

# 2243acd50ac4 (6.4): callbacks of a class_interface are not given it
have CLASS_INTERFACE_ARG "linux/device.h linux/device/class.h" '\(\*remove_dev\) ?\(struct device \*, struct class_interface'
# f3ba3c710ac5 (5.11): kmap_local_page()
have KMAP_LOCAL "linux/highmem.h linux/highmem-internal.h" 'kmap_local_page\('
# 28961998f858 (5.13): memzero_page()
have MEMZERO_PAGE linux/highmem.h 'memzero_page\('
# cd4d7263d58a (6.7): who may join a generic netlink group is said in flags
have GENL_MCAST_FLAGS net/genetlink.h 'GENL_MCAST_CAP_NET_ADMIN'

# Only the tests' modules ask for these.
# 908a1d775422 (6.13): hrtimer_setup() in the place of hrtimer_init()
have HRTIMER_SETUP linux/hrtimer.h 'void hrtimer_setup\('
# cc76ace465d6 (6.14): all disks merge; BLK_MQ_F_SHOULD_MERGE is gone
have MQ_SHOULD_MERGE linux/blk-mq.h 'BLK_MQ_F_SHOULD_MERGE'
