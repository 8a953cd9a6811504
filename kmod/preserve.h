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

/* Prepare the worker's part of a volume. */
void shadow_preserve_init(struct shadow_volume *vol);

/* Sizes for the volume's pools. */
size_t shadow_write_front(void);
size_t shadow_claim_size(void);

#endif /* SHADOW_PRESERVE_H */
