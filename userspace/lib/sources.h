/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sources.h - where the files of a backup come from (VSS f.4), private to the library.
 */
#ifndef SHADOWCOPY_SOURCES_H
#define SHADOWCOPY_SOURCES_H

#include "document.h"

/* Some files of a directory, and why they are in the backup. */
struct sc_source {
	const struct shadowcopy_metadata *metadata;
	size_t writer;		/* which of all metadata that is */
	struct shadowcopy_backup_component *entry;
	const struct shadowcopy_component *component;
	const struct shadowcopy_partial_file *partial;
	uint32_t reason;
	const char *path;	/* where the files are */
	const char *spec;
	bool recursive;
	char *from;		/* where they are read, before shadows are looked at */
	bool needs_shadow;
	int64_t modified;
	bool by_records;
	size_t first;		/* number of the first source of the entry */
};

struct sc_sources {
	struct sc_source *all;
	size_t count;
};

/* In the order in which they are gone through (F-43): 0, -ENOENT, -EINVAL or -ENOMEM, explained. */
int sc_sources_gather(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
		      struct shadowcopy_metadata *const *metadata, size_t count,
		      struct sc_sources *sources);
void sc_sources_clear(struct sc_sources *sources);

#endif /* SHADOWCOPY_SOURCES_H */
