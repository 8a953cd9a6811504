/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable_saved.h - what a durable store has saved of the changes of its volume.  Needs the shim.
 */
#ifndef SHADOWADM_DURABLE_SAVED_H
#define SHADOWADM_DURABLE_SAVED_H

#include "../../kmod/format.h"
#include "durable.h"

/**
 * durable_saved_read() - read what was saved
 * @source: where from
 * @h: the header that counts
 * @tell: called for each record, with what it says; may be NULL
 * @arg: for @tell
 * @saved: out; to be cleared in any case
 */
void durable_saved_read(const struct durable_source *source, const struct shadow_disk_header *h,
			durable_tell *tell, void *arg, struct durable_saved *saved);

void durable_saved_clear(struct durable_saved *saved);

#endif /* SHADOWADM_DURABLE_SAVED_H */
