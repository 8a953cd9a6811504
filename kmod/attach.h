/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attach.h - shadows that a durable store has are there again, and go without being deleted.
 */
#ifndef SHADOW_ATTACH_H
#define SHADOW_ATTACH_H

#include <linux/shadow_store.h>
#include "volume.h"

/**
 * struct shadow_restored - a shadow that was found in a store
 * @node: in a list, oldest first
 * @epoch: its epoch, in the volume's
 * @disk: what the store says of it
 * @flags: SHADOW_DISK_* bits, as they were last
 * @complete: its set was made
 * @fault: why it is lost; ->error is zero if it is not
 */
struct shadow_restored {
	struct list_head node;
	struct shadow_epoch *epoch;
	struct shadow_disk_epoch disk;
	u32 flags;
	bool complete;
	struct shadow_fault fault;
};

/* As SHADOW_IOC_STORE_ATTACH and SHADOW_IOC_STORE_DETACH; the arguments have been checked. */
int shadow_attach(struct shadow_store_attach *arg);
int shadow_detach(struct shadow_store_attach *arg);

/**
 * shadow_attach_load() - read a durable store
 * @vol: the volume, without a store and without shadows, its gate closed and drained
 * @part: the part, open, in a store that nobody knows yet
 * @flags: SHADOW_ATTACH_* bits
 * @found: out: the shadows
 * @fault: out: the reason of a failure
 *
 * On success the volume has the epochs, and the store its log.  What is preserved is to begin
 * at once.
 *
 * Context: sleeps; reads all of the log.
 * Return: 0, or a negative errno, and the volume is as it was.
 */
int shadow_attach_load(struct shadow_volume *vol, struct shadow_part *part, u32 flags,
		       struct list_head *found, struct shadow_fault *fault);

#endif /* SHADOW_ATTACH_H */
