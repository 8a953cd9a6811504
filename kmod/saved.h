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
 * Context: sleeps, without I/O for memory; the fold mutex and the mutate mutex held, the gate
 * closed and no write in flight.
 */
void shadow_saved_write(struct shadow_volume *vol);

/**
 * struct shadow_saved - what was read
 * @marks: the marks, or none
 * @generation: of which they are
 * @began_ns: when that began
 * @reason: why nothing older is known; without marks why nothing is
 * @whole: the first mark is the one that the generation began with
 */
struct shadow_saved {
	struct list_head marks;
	struct shadow_uuid generation;
	s64 began_ns;
	u32 reason;
	bool whole;
};

void shadow_saved_init(struct shadow_saved *saved);

/**
 * shadow_saved_read() - read what was saved
 * @vol: the volume
 * @part: the part of the store, of which no block was given out yet
 * @h: its header, as it was read
 * @saved: out
 *
 * If it cannot be, for whatever reason, nothing is known of the time before; that is no failure.
 *
 * Context: sleeps; mutate mutex held.
 */
void shadow_saved_read(struct shadow_volume *vol, struct shadow_part *part,
		       const struct shadow_disk_header *h, struct shadow_saved *saved);

/* Go on with it.  Context: mutate mutex; the volume's gate closed and drained. */
void shadow_saved_adopt(struct shadow_volume *vol, struct shadow_saved *saved);

/* It is not wanted. */
void shadow_saved_drop(struct shadow_saved *saved);

#endif /* SHADOW_SAVED_H */
