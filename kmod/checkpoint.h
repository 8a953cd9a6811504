/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * checkpoint.h - the log of a durable store, put together anew before it is too long.
 */
#ifndef SHADOW_CHECKPOINT_H
#define SHADOW_CHECKPOINT_H

#include <linux/shadow_store.h>
#include "volume.h"

/**
 * shadow_checkpoint_init() - how a shadow is described
 * @describe: says what a store is to know of the one that an epoch begins with, and whether its
 *	set is complete; false: there is none any more.  Called with the mutate mutex held
 */
void shadow_checkpoint_init(bool (*describe)(struct shadow_volume *vol, u64 epoch,
					     struct shadow_disk_epoch *disk, bool *complete,
					     struct shadow_fault *lost));

/* Prepare a new volume. */
void shadow_checkpoint_begin(struct shadow_volume *vol);

/*
 * Let the header of a store that has failed say so, if that was not possible yet.  Context: as
 * shadow_checkpoint_stop(), after it.
 */
void shadow_checkpoint_note_failure(struct shadow_durable *d);

/* None is under way any more.  The volume has no store, or its log was stopped. */
void shadow_checkpoint_stop(struct shadow_volume *vol);

/* Nothing of the log is under way: begin one if that is due, or go on.  Worker; mutate mutex. */
void shadow_checkpoint_review(struct shadow_volume *vol);

#endif /* SHADOW_CHECKPOINT_H */
