/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.h - which blocks of a shadow a backup has to copy, as ranges.
 */
#ifndef SHADOWADM_CHANGES_H
#define SHADOWADM_CHANGES_H

#include "shadowadm.h"

/* What is told besides what was written, and what is not. */
struct changes_choice {
	bool exact;	/* also what reads differently since it was free, or is */
	bool skip_free;	/* not what is free in the newer one */
};

/* The SHADOW_RUN_* bits that it takes to tell. */
uint32_t changes_want(const struct changes_choice *choice);

/* Is a run with this state told? */
bool changes_told(const struct changes_choice *choice, uint32_t state);

/*
 * Ranges that are told, put together from runs.  @next is where runs come from, as
 * shadowcopy_map_next(), with @data.
 */
struct changes {
	struct changes_choice choice;
	int (*next)(void *data, struct shadow_run *run);
	void *data;
	struct shadow_run ahead;	/* read, and not told yet: none where it has no bytes */
};

/* The next range.  1, 0 at the end, or a negative errno. */
int changes_next(struct changes *changes, uint64_t *first, uint64_t *bytes);

/*
 * Find what is to be a shadow, or a base where that does: @what says which is meant.  It fails with
 * STATUS_FAILED, since no backup makes up for a name that is wrong.
 */
int changes_find(struct context *context, const char *what, const char *name,
		 struct shadow_uuid *uuid);

/*
 * Find what @shadow, called @name, is to be compared with.  STATUS_FULL_NEEDED where there is no
 * such thing: it may have been one that was forgotten, or another machine's.
 */
int changes_find_since(struct context *context, const char *name, const struct shadow_uuid *shadow,
		       const char *since_name, struct shadow_uuid *since);

/*
 * Is @shadow, called @name, the instant with which tracking of its volume began?  Then that is
 * said, as the reason why there is nothing since tracking began.
 */
bool changes_nothing_before(struct context *context, const char *name,
			    const struct shadow_uuid *shadow);

/*
 * Say why the changes of @shadow, which may be a base, are not known: the library's last error.
 * STATUS_FULL_NEEDED where they are not known so far back, with the reason, else STATUS_FAILED.
 * With --json the error is returned in @error, if that is not NULL, and not printed.
 */
int changes_failed(struct context *context, const struct shadow_uuid *shadow, json_t **error);

#endif /* SHADOWADM_CHANGES_H */
