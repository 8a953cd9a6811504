/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * saved.h - what is known of changes, while a durable store is detached.
 */
#ifndef SHADOW_SAVED_H
#define SHADOW_SAVED_H

#include <linux/shadow_store.h>
#include "volume.h"

/**
 * shadow_saved_write() - write what is known to the store of a volume
 * @vol: the volume; its store is durable, and its log was stopped
 *
 * What becomes of it is for the header, which is to be written next.
 *
 * Context: sleeps; the fold mutex held, the gate closed and no write in flight.
 */
void shadow_saved_write(struct shadow_volume *vol);

/**
 * shadow_saved_read() - go on with what was saved
 * @vol: the volume, its gate closed and drained
 * @part: the part of the store
 * @h: its header, as it was read
 *
 * If it cannot be, for whatever reason, nothing is known of the time before; that is no failure.
 *
 * Context: sleeps; mutate mutex held.
 */
void shadow_saved_read(struct shadow_volume *vol, struct shadow_part *part,
		       const struct shadow_disk_header *h);

#endif /* SHADOW_SAVED_H */
