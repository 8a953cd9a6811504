/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h - the first blocks of a volume, by which it shows whether somebody else has written.
 */
#ifndef SHADOW_WATCH_H
#define SHADOW_WATCH_H

#include "durable.h"
#include "format.h"
#include "volume.h"

#define SHADOW_HEAD_STATES	16u	/* that a block may be in */

/**
 * struct shadow_head - what the first blocks of a volume may be, as a log says
 * @nr: in how many states a block may be; 0: nothing is said of it
 * @crc: of these
 * @any: it may be anything
 */
struct shadow_head {
	unsigned int nr[SHADOW_DISK_WATCHED];
	u32 crc[SHADOW_DISK_WATCHED][SHADOW_HEAD_STATES];
	bool any[SHADOW_DISK_WATCHED];
};

/* An entry of the log, in the order in which they came. */
void shadow_head_note(struct shadow_head *head, const struct shadow_item *item);

/**
 * shadow_head_check() - is a volume as a log says?
 * @head: what it says
 * @bdev: the volume
 * @sectors: its size
 * @changed: out: whether somebody else has written to it
 *
 * Context: sleeps; nobody writes.
 * Return: 0 or a negative errno.
 */
int shadow_head_check(const struct shadow_head *head, struct block_device *bdev, u64 sectors,
		      bool *changed);

/**
 * shadow_watch_begin() - watch the first blocks of a volume
 * @vol: the volume, pinned; its gate is closed and drained
 * @durable: its store's, which nobody else knows yet
 *
 * The log is told what they hold now.
 *
 * Context: sleeps; mutate mutex held.
 * Return: 0 or a negative errno.
 */
int shadow_watch_begin(struct shadow_volume *vol, struct shadow_durable *durable);

/* The counterpart: new writes go elsewhere.  Context: mutate mutex held. */
void shadow_watch_end(struct shadow_volume *vol);

/* What the blocks may be now, as the log says.  Context: the worker; mutate mutex held. */
void shadow_watch_snapshot(struct shadow_volume *vol, struct shadow_head *head);

/* No write is in flight, and the volume goes. */
void shadow_watch_free(struct shadow_volume *vol);

/* Does a write to these blocks have to go by here?  Any context. */
static inline bool shadow_watch_concerns(const struct shadow_volume *vol, struct shadow_range range)
{
	return unlikely(READ_ONCE(vol->watching)) && range.first < SHADOW_DISK_WATCHED &&
	       range.first < range.end;
}

/* Take over a write to watched blocks, of which nothing is left to preserve.  The worker's. */
void shadow_watch_write(struct shadow_volume *vol, struct bio *bio);

/* Bring writes further.  Context: the worker; mutate mutex held. */
void shadow_watch_advance(struct shadow_volume *vol);

/* Does a write wait for room in the store?  The worker's. */
bool shadow_watch_lacks_room(const struct shadow_volume *vol);

/* Start what may be written now.  The worker's.  Return: false without memory. */
bool shadow_watch_send(struct shadow_volume *vol);

#endif /* SHADOW_WATCH_H */
