/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * preserve.h - the way of a write through a tracked volume.
 */
#ifndef SHADOW_PRESERVE_H
#define SHADOW_PRESERVE_H

#include "volume.h"

/**
 * shadow_write() - take over a write that the hook has diverted
 * @vol: the volume
 * @bio: the write, in flight on @vol
 *
 * Passes it on, parks it until old data is preserved, or puts it behind the
 * gate; its submitter never waits for that.
 *
 * Context: that of submit_bio_noacct().
 */
void shadow_write(struct shadow_volume *vol, struct bio *bio);

/**
 * shadow_preserve() - preserve what no write is about to overwrite
 * @vol: the volume, pinned
 * @first: first block
 * @n: how many
 *
 * Goes the way of a write, a short one after the other, and ends where that would
 * go on.  Nothing stays settled across an instant: whoever needs that looks again.
 *
 * Context: sleeps, as long as a write may be parked.
 * Return: 0, -EIO when the policy refuses writes, or -ENOMEM.
 */
int shadow_preserve(struct shadow_volume *vol, u64 first, u64 n);

/**
 * struct shadow_write_clone - the front of an admitted write's clone
 * @orig: the write
 * @vol: which volume admitted it
 * @source: where it came from, before it was cloned for volumes on its way
 * @bio: the clone
 */
struct shadow_write_clone {
	struct bio *orig;
	struct shadow_volume *vol;
	const struct bio_set *source;
	struct bio bio;			/* last */
};

/*
 * A clone of a write that is to go below us, without waiting for memory; its end is to be
 * set.  Return: the clone, to be submitted, or NULL.
 */
struct bio *shadow_write_clone(struct shadow_volume *vol, struct bio *orig);

/* Prepare the worker's part of a volume. */
void shadow_preserve_init(struct shadow_volume *vol);

/* Sizes for the volume's pools. */
size_t shadow_write_front(void);
size_t shadow_claim_size(void);

#endif /* SHADOW_PRESERVE_H */
