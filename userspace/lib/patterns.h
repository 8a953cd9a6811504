/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * patterns.h - many patterns of files, and which of them has a file; private to the library.
 */
#ifndef SHADOWCOPY_PATTERNS_H
#define SHADOWCOPY_PATTERNS_H

#include "private.h"

struct sc_pattern {
	const char *path;	/* both belong to the caller */
	const char *spec;
	bool recursive;
	bool directories;	/* what lies below the path has directories, too, by any name */
};

struct sc_patterns {
	struct sc_pattern *all;		/* as they were added; their numbers are their places */
	size_t count;
	const struct sc_pattern **files, **directories;		/* sorted */
	size_t directory_count;
};

#define SC_NO_PATTERN SIZE_MAX

int sc_patterns_add(struct sc_patterns *patterns, const struct sc_pattern *pattern);

/* After the last one is added, and before the first one is looked for. */
int sc_patterns_sort(struct sc_patterns *patterns);

/*
 * The first one from number @from on, and before @to, that has a file, or a directory; or
 * SC_NO_PATTERN.
 */
size_t sc_patterns_find(const struct sc_patterns *patterns, const char *file, bool directory,
			size_t from, size_t to);

/* The first one that is exactly that, or SC_NO_PATTERN. */
size_t sc_patterns_exactly(const struct sc_patterns *patterns, const char *path, const char *spec,
			   bool recursive);

void sc_patterns_clear(struct sc_patterns *patterns);

bool sc_has_wildcard(const char *spec);

#endif /* SHADOWCOPY_PATTERNS_H */
