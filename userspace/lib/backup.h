/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backup.h - what the files about the backup components document share.
 */
#ifndef SHADOWCOPY_BACKUP_H
#define SHADOWCOPY_BACKUP_H

#include "document.h"

/* --- backup.c: rules ------------------------------------------------------------ */

/* 0 or -EINVAL: do the ranges fit to each other? */
int sc_check_directed(struct shadowcopy *sc, const struct shadowcopy_directed_target *target);

/* Which elements of a list are the same, by pointers to pointers to them. */
int sc_by_partial_file(const void *a, const void *b);
int sc_by_differenced(const void *a, const void *b);
int sc_by_target(const void *a, const void *b);

/* --- windows.c ------------------------------------------------------------------- */

/* Is it a property that only a restore sets? */
bool sc_of_restore(uint32_t property);

/* 0 or -EBADFD: may the document's role change this at its step? */
int sc_may_change(struct shadowcopy *sc, const void *object, uint32_t property);

#endif /* SHADOWCOPY_BACKUP_H */
