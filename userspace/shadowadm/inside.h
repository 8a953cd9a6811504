/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.h - a mount namespace in which shadows are in the places of their volumes.
 */
#ifndef SHADOWADM_INSIDE_H
#define SHADOWADM_INSIDE_H

#include "filesystem.h"

/* What is shown in the place of a device: the image of a shadow, or a partition of it. */
struct inside_image {
	struct shadow_dev original;
	char path[IMAGE_PATH_LEN];
	bool writable;		/* a journal can be replayed on it */
	int base;		/* its filesystem, mounted; -1: not yet */
};

#define INSIDE_IMAGES_MAX 256
#define INSIDE_LIVE_MAX 64

struct inside {
	const struct shadow_shadow_info *shadows;
	size_t shadow_count;
	char *live[INSIDE_LIVE_MAX];	/* what stays as it is: absolute paths without links */
	size_t live_count;
	struct inside_image images[INSIDE_IMAGES_MAX];	/* those that are needed */
	size_t image_count;
};

/* @image: what covers the mount; NULL: it is of another block device, and stays what it is. */
typedef void inside_fn(void *data, const char *mountpoint, const struct inside_image *image);

/*
 * As the mounts are now, call @fn for each that shadows will cover, and for each of another block
 * device below one of these.
 */
int inside_look(struct context *context, struct inside *inside, inside_fn *fn, void *data);

/*
 * Leave the namespace of the others, and have the shadows in ours.  Root and working directory
 * have the same paths as before.  Whoever does this has one thread.
 */
int inside_enter(struct context *context, struct inside *inside);

#endif /* SHADOWADM_INSIDE_H */
