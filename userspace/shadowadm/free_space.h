/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * free_space.h - finds what was free on a shadow, and tells the module.
 */
#ifndef SHADOWADM_FREE_SPACE_H
#define SHADOWADM_FREE_SPACE_H

#include "shadowadm.h"

#define FREE_BATCH	4096	/* ranges told at a time */

/* What one of the finders below works on, and gives its answers to. */
struct free_space {
	struct context *context;
	const struct shadow_uuid *shadow;
	struct shadow_dev volume;
	const struct shadowcopy_plan *plan;	/* by which it was made */
	const char *path;	/* the image, or a partition of it */
	uint64_t base;		/* where that begins on the image, bytes */
	uint64_t bytes;		/* its size */
	bool frozen;		/* it was mounted for writing, and frozen at the instant */
	bool writable;		/* the image takes writes */
	char why[320];		/* out: why nothing can be told; empty where that needs no words */
	struct shadow_free_range *ranges;
	size_t count;
};

/* @bytes from @first on were free.  0 or a negative errno. */
int free_space_add(struct free_space *space, uint64_t first, uint64_t bytes);

/* Set ->why.  Return: @error. */
int free_space_unknown(struct free_space *space, int error, const char *format, ...) PRINTF(3, 4);

/*
 * Finders, one for each kind of filesystem.  0, or a negative errno with ->why set; what was
 * added before is right all the same.
 */
int free_space_ext(struct free_space *space);
int free_space_xfs(struct free_space *space);
int free_space_btrfs(struct free_space *space);
int free_space_swap(struct free_space *space);

/*
 * Find what was free on a shadow that was just made, or on its partitions, and tell the
 * module.  A failure is a warning: all of it is preserved then.
 */
void free_space_tell(struct context *context, const struct shadow_shadow_info *info,
		     const struct shadowcopy_plan *plan);

#endif /* SHADOWADM_FREE_SPACE_H */
