/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shadow.h - constants and small helpers that many files of the module share.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include <linux/types.h>
#include <linux/bio.h>
#include <linux/gfp.h>
#include <linux/kdev_t.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/shadow.h>
#include "block.h"

/*
 * Memory that the write path needs to go on: what is free, then from the
 * emergency reserves, since the caller is what makes memory free (write-back and
 * swap go through it).  Never by reclaiming it: without I/O that only means to
 * walk long lists of pages for nothing, while those who could free memory wait
 * for us.  A failure costs shadows, never a write.
 */
#define SHADOW_GFP	(GFP_NOWAIT | __GFP_NOWARN)
#define SHADOW_GFP_LAST	(GFP_NOWAIT | __GFP_MEMALLOC | __GFP_NOWARN)

static inline struct shadow_dev shadow_dev_encode(dev_t dev)
{
	return (struct shadow_dev){ .major = MAJOR(dev), .minor = MINOR(dev) };
}

/**
 * shadow_fail() - fill in the structured part of an error
 * @fault: what to fill; may be NULL
 * @phase: where it happened
 * @reason: why
 * @dev: the device concerned, 0 for none
 * @error: negative errno
 *
 * Return: @error, so that a function can return the call.
 */
static inline int shadow_fail(struct shadow_fault *fault, u32 phase, u32 reason,
			      dev_t dev, int error)
{
	if (fault)
		*fault = (struct shadow_fault){
			.error = -error, .phase = phase, .reason = reason,
			.dev = shadow_dev_encode(dev),
		};
	return error;
}

#endif /* SHADOW_H */
