/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * window.h - how many neighbours are preserved with a block.
 */
#ifndef SHADOW_WINDOW_H
#define SHADOW_WINDOW_H

#include "block.h"
#include "epochs.h"

#define SHADOW_WINDOW_BLOCKS	64u	/* 256 KiB */

/**
 * shadow_window_limit() - how many blocks may be preserved that nobody has written yet
 * @es: the epochs
 * @total: blocks of the store
 * @used: blocks of it in use
 *
 * Context: @es->mutate held.
 */
u64 shadow_window_limit(const struct shadow_epochs *es, u64 total, u64 used);

/**
 * shadow_window() - what to preserve together with blocks that a write needs
 * @es: the epochs
 * @limit: as told by shadow_window_limit(), less what is being preserved ahead
 * @need: the blocks; unsettled
 * @room: they and what may be preserved around them
 *
 * Context: does not sleep; takes @es->lock.
 * Return: blocks that include @need and are within @room.  Few of them, in short
 *	runs, are settled.
 */
struct shadow_range shadow_window(struct shadow_epochs *es, u64 limit, struct shadow_range need,
				  struct shadow_range room);

#endif /* SHADOW_WINDOW_H */
