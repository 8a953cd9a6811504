/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exclude.h - what the machine excludes from backups (VSS A-29), private to the library.
 */
#ifndef SHADOWCOPY_EXCLUDE_H
#define SHADOWCOPY_EXCLUDE_H

#include "private.h"

struct sc_exclude {
	char *path;
	char *spec;
	bool recursive;
};

struct sc_excludes {
	struct sc_exclude *all;
	size_t count;
};

struct shadowcopy_metadata;

/*
 * Read the *.conf files of a directory; those of sections that are the name of one of the
 * writers are left out.
 */
int sc_excludes_read(struct shadowcopy *sc, struct sc_excludes *excludes, const char *directory,
		     struct shadowcopy_metadata *const *writers, size_t count,
		     const char *(*lookup)(void *data, const char *name), void *data);
void sc_excludes_clear(struct sc_excludes *excludes);

#endif /* SHADOWCOPY_EXCLUDE_H */
