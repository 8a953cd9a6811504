/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * export.h - a shadow that a client of the NBD server is connected to.
 *
 * What fails has told nbdkit why, in words and as an errno: callers pass -1 or NULL on.
 */
#ifndef NBDKIT_SHADOW_EXPORT_H
#define NBDKIT_SHADOW_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "libshadowcopy.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define DESCRIPTION_LEN 256

struct export;

/* Tell nbdkit what failed last on @sc.  Return: -1. */
int export_failed(const struct shadowcopy *sc);

/* What people are told of a shadow, and of the base that it is compared with, or NULL. */
void export_describe(const struct shadow_shadow_info *info, const struct shadow_uuid *since,
		     char text[DESCRIPTION_LEN]);

/**
 * export_open() - hold a shadow open, so that it is not deleted
 * @name: as for shadowcopy_find()
 * @since: tell extents of what has changed since then; NULL: of all that is not free
 */
struct export *export_open(const char *name, const struct shadow_uuid *since);
void export_close(struct export *export);

const struct shadow_uuid *export_uuid(const struct export *export);
const char *export_description(const struct export *export);
uint64_t export_size(const struct export *export);

/* These two may be called by several threads at once. */
int export_read(const struct export *export, void *buf, uint32_t count, uint64_t offset);
int export_extents(struct export *export, uint32_t count, uint64_t offset, bool one,
		   struct nbdkit_extents *extents);

#endif
