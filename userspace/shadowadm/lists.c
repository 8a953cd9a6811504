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

/* What the module lists. */
union any_info {
	struct shadow_shadow_info shadow;
	struct shadow_volume_info volume;
	struct shadow_base_info base;
	struct shadow_tracking_info tracking;
};

static ssize_t load(struct shadowcopy *sc, int (*next)(struct shadowcopy *, union any_info *),
		    size_t size, void **array)
{
	union any_info info = { 0 };
	ssize_t count = 0;
	char *more;
	int rc;

	*array = NULL;
	while ((rc = next(sc, &info)) > 0) {
		more = grow(*array, count, size);
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		*array = more;
		memcpy(more + count++ * size, &info, size);
	}
	if (rc < 0) {
		free(*array);
		*array = NULL;
		return rc;
	}
	return count;
}

static int next_shadow(struct shadowcopy *sc, union any_info *info)
{
	return shadowcopy_shadow_next(sc, &info->shadow);
}

ssize_t load_shadows(struct shadowcopy *sc, struct shadow_shadow_info **shadows)
{
	void *array;
	ssize_t count = load(sc, next_shadow, sizeof(**shadows), &array);

	*shadows = array;
	return count;
}

static int next_volume(struct shadowcopy *sc, union any_info *info)
{
	return shadowcopy_volume_next(sc, &info->volume);
}

ssize_t load_volumes(struct shadowcopy *sc, struct shadow_volume_info **volumes)
{
	void *array;
	ssize_t count = load(sc, next_volume, sizeof(**volumes), &array);

	*volumes = array;
	return count;
}

static int next_base(struct shadowcopy *sc, union any_info *info)
{
	return shadowcopy_base_next(sc, &info->base);
}

ssize_t load_bases(struct shadowcopy *sc, struct shadow_base_info **bases)
{
	void *array;
	ssize_t count = load(sc, next_base, sizeof(**bases), &array);

	*bases = array;
	return count;
}

static int next_tracking(struct shadowcopy *sc, union any_info *info)
{
	return shadowcopy_tracking_next(sc, &info->tracking);
}

ssize_t load_tracking(struct shadowcopy *sc, struct shadow_tracking_info **tracking)
{
	void *array;
	ssize_t count = load(sc, next_tracking, sizeof(**tracking), &array);

	*tracking = array;
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
