/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * overlay.h - what is written to the image of a shadow.
 */
#ifndef SHADOW_OVERLAY_H
#define SHADOW_OVERLAY_H

#include "volume.h"

struct shadow_overlay;

/**
 * struct shadow_overlay_ops - what an overlay needs of its image
 * @read: start a read of the image; ends by bio_endio().  May sleep.
 * @written: a write has ended
 */
struct shadow_overlay_ops {
	void (*read)(void *image, struct bio *bio);
	void (*written)(void *image, struct bio *bio, blk_status_t status);
};

/**
 * shadow_overlay_create() - let the image of a shadow be written to
 * @vol: the volume, its store in use for as long as the overlay lives
 * @stake: the shadow, not taken yet
 * @name: of the image, for its worker
 * @ops: how to reach the image
 * @image: their first argument
 *
 * Return: the overlay, or NULL without memory.
 */
struct shadow_overlay *shadow_overlay_create(struct shadow_volume *vol, struct shadow_stake *stake,
					     const char *name,
					     const struct shadow_overlay_ops *ops, void *image);

/**
 * shadow_overlay_empty() - give back what it has in the store
 * @ov: the overlay, or NULL
 *
 * Nobody reads the image any more, no write is under way, and nobody tells it that the
 * shadow is lost.  To be called before the shadow's epoch is folded.
 *
 * Context: sleeps.  Waits for nothing that could wait for writes of the volume.
 */
void shadow_overlay_empty(struct shadow_overlay *ov);

/**
 * shadow_overlay_destroy() - free an overlay that is empty
 * @ov: the overlay, or NULL
 *
 * Context: sleeps.  The end of a work queue waits for others' memory.
 */
void shadow_overlay_destroy(struct shadow_overlay *ov);

/**
 * shadow_overlay_write() - take over a write
 * @ov: the overlay
 * @bio: a write to the image; ends in ->written()
 *
 * Context: that of ->submit_bio().  Does not sleep.
 * Return: false: the overlay is sealed, and the write was not taken.
 */
bool shadow_overlay_write(struct shadow_overlay *ov, struct bio *bio);

/* Take no more writes, and wait for those that were taken. */
void shadow_overlay_seal(struct shadow_overlay *ov);

/* The shadow was lost: let the worker see it.  Any context. */
void shadow_overlay_lost(struct shadow_overlay *ov);

/* As shadow_index_find(), for blocks that were written.  Context: as that. */
bool shadow_overlay_find(const struct shadow_overlay *ov, u64 block, u64 max, u64 *loc, u64 *len);

/**
 * shadow_overlay_enter() - keep what was found in the overlay
 * @ov: the overlay
 *
 * Until shadow_overlay_leave() no location that was found is used for anything else.
 *
 * Context: the lock under which it was found.
 * Return: for shadow_overlay_leave() and shadow_overlay_stay().
 */
unsigned int shadow_overlay_enter(struct shadow_overlay *ov);

/* Once more, while it is kept; needs a leave of its own. */
void shadow_overlay_stay(struct shadow_overlay *ov, unsigned int phase);

/* Any context. */
void shadow_overlay_leave(struct shadow_overlay *ov, unsigned int phase);

int shadow_overlay_init(void);
void shadow_overlay_exit(void);

#endif /* SHADOW_OVERLAY_H */
