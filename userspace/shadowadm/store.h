/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - the verbs of "shadowadm store", one file each or a few alike.
 */
#ifndef SHADOWADM_STORE_H
#define SHADOWADM_STORE_H

#include <sys/types.h>

#include "table.h"

extern const struct command store_add, store_candidates, store_gc, store_list, store_policy,
	store_remove;

extern const struct table store_table;

/* How a volume is written in stores.conf, into SHADOWCOPY_PATH_MAX bytes. */
int volume_name(struct context *context, const struct shadowcopy_volume *volume, char *buf);

/* How a store is written in stores.conf, into SHADOWCOPY_STORE_PATH_MAX + 1 bytes. */
int store_name(struct context *context, const struct shadowcopy_store *store, char *buf);

/* The association of a volume with a store; its index, -1: none, -2: failed. */
ssize_t association_find(struct context *context, struct shadowcopy_stores *stores,
			 const struct shadowcopy_volume *volume,
			 const struct shadowcopy_store *store);

/* An association as JSON, the whole answer of a verb. */
int association_print(const struct shadowcopy_association *entry);

#endif /* SHADOWADM_STORE_H */
