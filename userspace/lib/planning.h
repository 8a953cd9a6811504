/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * planning.h - a plan of a restore in the making, private to the library.
 */
#ifndef SHADOWCOPY_PLANNING_H
#define SHADOWCOPY_PLANNING_H

#include "document.h"
#include "patterns.h"

/* What a pattern of files means, by its number among all patterns. */
struct sc_claim {
	size_t part;
	const struct shadowcopy_component *component;	/* NULL: a file of the document only */
	const struct shadowcopy_fileset *set;		/* NULL with it */
	const char *target;		/* directory that the file set goes to */
	const char *alternate;		/* its alternate location, or NULL */
};

struct sc_planning {
	struct shadowcopy *sc;
	const struct shadowcopy_backup *backup;
	struct shadowcopy_restore_plan *plan;
	struct sc_patterns patterns;	/* of all that is restored */
	struct sc_claim **claims;
	size_t claim_count;
	struct sc_patterns partials;	/* partial files of all parts, part by part */
	const struct shadowcopy_partial_file **partial_files;
	size_t partial_count;
	size_t *first_partials;		/* of each part; and where the last one's end */
	size_t first_partial_count;
	int rc;
};

static inline int sc_planning_no_memory(struct shadowcopy *sc)
{
	return SC_FAIL(sc, -ENOMEM, .action = "plan the restore");
}

/* Append to an array of pointers that grows to powers of two: 0 or -ENOMEM. */
#define SC_PUSH(array, count, element) ({ \
	__typeof__(array) more_ = (array); \
	if (!((count) & ((count) - 1))) \
		more_ = realloc((array), ((count) ? 2 * (count) : 1) * sizeof(*(array))); \
	if (more_) { \
		(array) = more_; \
		(array)[(count)++] = (element); \
	} \
	more_ ? 0 : -ENOMEM; })

/* --- destinations.c ----------------------------------------------------------------- */

/* A part has the files of this component: 0 or an error. */
int sc_claim_component(struct sc_planning *planning, size_t part,
		       const struct shadowcopy_component *component);

/* After all components of all parts: what the document adds, and that is all. */
int sc_claim_rest(struct sc_planning *planning);

/* Give the files of the backup to their parts; planning->rc says how that went. */
void sc_place_all(struct sc_planning *planning, const struct shadowcopy_media_file *media,
		  size_t count);

void sc_claims_clear(struct sc_planning *planning);

#endif /* SHADOWCOPY_PLANNING_H */
