/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tracking.h - what is known of the changes of a volume at all: since when, why not longer.
 */
#ifndef SHADOWADM_TRACKING_H
#define SHADOWADM_TRACKING_H

#include "shadowadm.h"

extern const struct table tracking_table;

/* That of one volume; false where there is nothing. */
bool tracking_find(struct shadowcopy *sc, struct shadow_dev dev,
		   struct shadow_tracking_info *info);

/* "2026-11-30 17:00:00", local time; empty where nothing is known. */
char *tracking_began(const struct shadow_tracking_info *info, char buf[32]);

/* All of its columns. */
json_t *tracking_json(struct context *context, const struct shadow_tracking_info *info);

#endif /* SHADOWADM_TRACKING_H */
