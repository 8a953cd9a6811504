/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what a kernel must have, and functions whose shape changed;
 * included before everything else.
 *
 * The module is written for the newest kernel.  The headers beside this one
 * bend older kernels to it; each has the name of the header that it completes
 * and is found before it.  probes.sh tells them what is there: HAVE_X is 0 or 1.
 * Nowhere else in the module is a kernel's version or feature tested.
 */
#ifndef SHADOW_COMPAT_H
#define SHADOW_COMPAT_H

#include <linux/kconfig.h>

/* --- kernels that are refused when the module is built ---------------------- */

#if !IS_ENABLED(CONFIG_64BIT)
#error "shadow: 32-bit kernels are not supported"
#endif

#if !IS_ENABLED(CONFIG_BLOCK)
#error "shadow: the kernel has no block layer (CONFIG_BLOCK)"
#endif

/* The hook: a callback that may change where a traced function continues. */
#if !IS_ENABLED(CONFIG_DYNAMIC_FTRACE_WITH_REGS) && \
	!IS_ENABLED(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
#error "shadow: the kernel needs CONFIG_DYNAMIC_FTRACE_WITH_ARGS or CONFIG_DYNAMIC_FTRACE_WITH_REGS"
#endif

#if !IS_ENABLED(CONFIG_CRC32)
#error "shadow: durable stores need checksums (CONFIG_CRC32, and up to 6.13 CONFIG_LIBCRC32C)"
#endif

#if !IS_ENABLED(CONFIG_NET)
#error "shadow: events need generic netlink (CONFIG_NET)"
#endif

#if !HAVE_BDEV_FPUT && !HAVE_BLKDEV_GET_FMODE
#error "shadow: kernels 6.5 to 6.9 are not supported"
#endif

/* --- functions that the kernel calls, where it calls them otherwise ---------- */

/*
 * THUNK_X(fn) defines, THUNK(fn) names what the kernel is given in the place of
 * fn, which has the newest kernel's shape.
 */
#if HAVE_SUBMIT_COOKIE
#define THUNK_SUBMIT_BIO(fn)						\
	static noinline notrace blk_qc_t fn##_thunk(struct bio *bio)	\
	{								\
		fn(bio);						\
		return BLK_QC_T_NONE;					\
	}
#define THUNK_SUBMIT(fn)	fn##_thunk
#else
#define THUNK_SUBMIT_BIO(fn)
#define THUNK_SUBMIT(fn)	fn
#endif

#if HAVE_DISK_OPEN_BY_DISK
#define THUNK_DISK_OPEN(fn)
#define THUNK_DISK_RELEASE(fn)
#define THUNK_DISK(fn)		fn
#else
#define THUNK_DISK_OPEN(fn)						\
	static int fn##_thunk(struct block_device *bdev, fmode_t mode)	\
	{								\
		return fn(bdev->bd_disk, mode);				\
	}
#define THUNK_DISK_RELEASE(fn)						\
	static void fn##_thunk(struct gendisk *disk, fmode_t mode)	\
	{								\
		fn(disk);						\
	}
#define THUNK_DISK(fn)		fn##_thunk
#endif

#if HAVE_CLASS_INTERFACE_ARG
#define THUNK_CLASS_REMOVE(fn)						\
	static void fn##_thunk(struct device *dev, struct class_interface *ci) \
	{								\
		fn(dev);						\
	}
#define THUNK_CLASS(fn)		fn##_thunk
#else
#define THUNK_CLASS_REMOVE(fn)
#define THUNK_CLASS(fn)		fn
#endif

#endif /* SHADOW_COMPAT_H */
