/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * grow.h - how stores become larger, and what it takes to use blocks of the volume itself.
 */
#ifndef SHADOW_GROW_H
#define SHADOW_GROW_H

#include "volume.h"

/* Prepare a new volume.  Its store grows by vol->grow_work, which policy.c queues. */
void shadow_grow_begin(struct shadow_volume *vol);

/*
 * Wait until nothing of the volume's former store is growing.  It has none any more.
 * Context: sleeps, for as long as a filesystem likes.
 */
void shadow_grow_stop(struct shadow_volume *vol);

/**
 * shadow_grow_ready() - make the blocks that a part has ready for use
 * @vol: the volume, pinned
 * @part: a part of its store, or one that is about to be
 * @fault: out: the reason of a failure
 *
 * Where they lie on the volume itself, what shadows need of them is preserved first.
 * After a failure the part has those that were made ready.
 *
 * Context: sleeps, likewise.  One at a time.
 */
int shadow_grow_ready(struct shadow_volume *vol, struct shadow_part *part,
		      struct shadow_fault *fault);

/**
 * shadow_grow_take() - use all blocks of a part on the volume at once, if that costs nothing
 * @vol: the volume
 * @part: a part of its store, of which no block is ready
 * @groups: in: from shadow_space_groups() for all of them; out: for kvfree()
 *
 * So it is where no shadow exists.  Otherwise they are made ready one after the other.
 *
 * Context: mutate mutex.
 */
void shadow_grow_take(struct shadow_volume *vol, struct shadow_part *part, u16 **groups);

/**
 * shadow_grow_expect() - let a shadow in the making know the blocks of the volume's own store
 * @vol: the volume
 * @stake: its epoch and map are there; in @vol->prepared from now on
 * @restored: it was read from the store
 *
 * Return: 0; -ENOMEM; -EBUSY: the volume is being reverted, or is so half-way, or is to be, and
 * its shadows are not all there yet.
 */
int shadow_grow_expect(struct shadow_volume *vol, struct shadow_stake *stake, bool restored);

/*
 * Does it know all of them?  Nor does it know one too many: a part on the volume is not let go
 * of while there is a shadow in the making.  Context: mutate mutex.
 */
static inline bool shadow_grow_expected(const struct shadow_volume *vol,
					const struct shadow_stake *stake)
{
	return stake->own == vol->own_changes;
}

#endif /* SHADOW_GROW_H */
