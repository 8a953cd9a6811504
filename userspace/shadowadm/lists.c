// SPDX-License-Identifier: GPL-2.0-only
/*
 * lists.c - the module's lists as arrays.
 */
#include "shadowadm.h"

/* Room for one more; the array grows by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

ssize_t load_shadows(struct shadowcopy *sc, struct shadow_shadow_info **shadows)
{
	struct shadow_shadow_info info = { 0 }, *array = NULL, *more;
	ssize_t count = 0;
	int rc;

	*shadows = NULL;
	while ((rc = shadowcopy_shadow_next(sc, &info)) > 0) {
		more = grow(array, count, sizeof(*array));
		if (!more) {
			free(array);
			return -ENOMEM;
		}
		array = more;
		array[count++] = info;
	}
	if (rc < 0) {
		free(array);
		return rc;
	}
	*shadows = array;
	return count;
}

ssize_t load_volumes(struct shadowcopy *sc, struct shadow_volume_info **volumes)
{
	struct shadow_volume_info info = { 0 }, *array = NULL, *more;
	ssize_t count = 0;
	int rc;

	*volumes = NULL;
	while ((rc = shadowcopy_volume_next(sc, &info)) > 0) {
		more = grow(array, count, sizeof(*array));
		if (!more) {
			free(array);
			return -ENOMEM;
		}
		array = more;
		array[count++] = info;
	}
	if (rc < 0) {
		free(array);
		return rc;
	}
	*volumes = array;
	return count;
}

char *image_path(const struct shadow_shadow_info *info, char buf[IMAGE_PATH_LEN])
{
	snprintf(buf, IMAGE_PATH_LEN, "/dev/shadow%u", info->index);
	return buf;
}
