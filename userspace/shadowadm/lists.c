// SPDX-License-Identifier: GPL-2.0-only
/*
 * lists.c - the module's lists as arrays, and the devices of shadows.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "shadowadm.h"

#define IMAGE_POLL_MS 20

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

static bool image_exists(const struct shadow_shadow_info *info)
{
	char path[IMAGE_PATH_LEN];
	struct stat st;

	return !stat(image_path(info, path), &st) && S_ISBLK(st.st_mode) &&
	       major(st.st_rdev) == info->image.major && minor(st.st_rdev) == info->image.minor;
}

bool image_wait(const struct shadow_shadow_info *info)
{
	const struct timespec pause = { .tv_nsec = IMAGE_POLL_MS * 1000000L };
	int waited;

	for (waited = 0; !image_exists(info); waited += IMAGE_POLL_MS) {
		if (waited >= IMAGE_WAIT_SECONDS * 1000)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
