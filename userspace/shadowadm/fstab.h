/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fstab.h - is a file on a volume, when that is mounted where /etc/fstab has it?
 */
#ifndef SHADOWADM_FSTAB_H
#define SHADOWADM_FSTAB_H

#include "shadowadm.h"

struct fstab_places;

/* STATUS_OK with *@placesp, for fstab_places_free(), or STATUS_FAILED with a message. */
int fstab_places_new(struct context *context, const struct shadowcopy_volume *volume,
		     struct fstab_places **placesp);
void fstab_places_free(struct fstab_places *places);

/*
 * Is @path, which is absolute, on the volume: now, or when it is mounted?  With @recursive also
 * anything below it.  What cannot be looked at may be there.
 */
bool fstab_places_have(struct fstab_places *places, const char *path, bool recursive);

#endif /* SHADOWADM_FSTAB_H */
