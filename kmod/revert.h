/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * revert.h - a volume becomes what it was at the instant of a shadow.
 */
#ifndef SHADOW_REVERT_H
#define SHADOW_REVERT_H

#include "volume.h"

int shadow_revert_init(void);
void shadow_revert_exit(void);

/* As SHADOW_IOC_REVERT; the arguments have been checked. */
int shadow_revert(struct shadow_revert *arg);

/* As SHADOW_IOC_REVERT_CANCEL; likewise. */
int shadow_revert_cancel(struct shadow_revert_cancel *arg);

/**
 * shadow_revert_claim() - have a volume for ourselves
 * @dev: the volume
 * @mode: BLK_OPEN_READ, and BLK_OPEN_WRITE if it has to be writable
 * @fault: out: the reason of a failure
 *
 * Who attaches a store and who reverts do not keep each other out, so that the first one can
 * hand the volume over: both look at the volume's state.
 *
 * Return: for shadow_bdev_fput(), or an ERR_PTR().
 */
struct file *shadow_revert_claim(dev_t dev, blk_mode_t mode, struct shadow_fault *fault);

/* What the log said of a revert is so: the shadow is there again, and nobody finds it yet. */
void shadow_revert_restore(struct shadow_volume *vol);

/**
 * shadow_revert_attached() - go on with a revert, or begin it, as the log of the store says
 * @vol: the volume, in use by who attaches; its shadows are published
 * @file: from shadow_revert_claim(); closed when the volume is what it is to be, or cannot be
 *	made so, or there is nothing to be done
 *
 * Context: sleeps, while the store's log is written; not for the revert.
 */
void shadow_revert_attached(struct shadow_volume *vol, struct file *file);

#endif /* SHADOW_REVERT_H */
