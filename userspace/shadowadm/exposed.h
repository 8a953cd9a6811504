/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exposed.h - shadows that are mounted at a directory at each boot: mount units of systemd.
 */
#ifndef SHADOWADM_EXPOSED_H
#define SHADOWADM_EXPOSED_H

#include "shadowadm.h"

#define EXPOSED_UNIT_DIRECTORY "/etc/systemd/system"

/* An exposure, as its unit says. */
struct exposed {
	char unit[NAME_MAX + 1];
	char uuid[SHADOWCOPY_UUID_LEN];
	char directory[PATH_MAX];
};

/*
 * Find the exposure of a shadow by its UUID, as text, or with NULL that of a directory.  What
 * others have made is none.
 */
bool exposed_find(const char *uuid, const char *directory, struct exposed *exposed);

/* The directory where a shadow is exposed: to be freed, or NULL. */
char *exposed_directory(const struct shadow_uuid *uuid);

/* The name of the unit that mounts a directory.  False: it is too long for one. */
bool exposed_unit_name(const char *directory, char unit[NAME_MAX + 1]);

/* Write the unit.  0 or a negative errno; -EEXIST: there is one already. */
int exposed_write(const struct exposed *exposed, const char *description, const char *type,
		  const char *options);

/* Remove it.  0 or a negative errno. */
int exposed_remove(const struct exposed *exposed);

#endif /* SHADOWADM_EXPOSED_H */
