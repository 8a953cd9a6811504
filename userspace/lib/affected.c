// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * affected.c - is a directory on one of these volumes? (A-22, B-50, C-07)
 *
 * A path is on the volume of the mount that it lies in, symbolic links followed; what does
 * not exist yet would be where its nearest existing parent is.  With what is below, all
 * mounts below count, too.  A volume counts where the filesystem's device is the volume,
 * or where the two share blocks: a partition of a disk that is in the set, and so on.
 */
#include <sys/stat.h>

#include "document.h"
#include "private.h"

struct shadowcopy_affected {
	struct shadowcopy *sc;
	struct sc_mounts *mounts;
	size_t count;
	struct shadow_dev volumes[];
};

SC_EXPORT int shadowcopy_affected_new(struct shadowcopy *sc, const struct shadow_dev *volumes,
				      size_t count, struct shadowcopy_affected **affectedp)
{
	static const char action[] = "see what is on the volumes";
	struct shadowcopy_affected *affected;
	int rc;

	*affectedp = NULL;
	affected = calloc(1, sizeof(*affected) + count * sizeof(*volumes));
	if (!affected)
		return SC_FAIL(sc, -ENOMEM, .action = action);
	affected->sc = sc;
	affected->count = count;
	if (count)
		memcpy(affected->volumes, volumes, count * sizeof(*volumes));
	rc = sc_mounts_read(sc, &affected->mounts);
	if (rc) {
		free(affected);
		return SC_FAIL(sc, rc, .action = action, .object = "/proc/self/mountinfo");
	}
	*affectedp = affected;
	return 0;
}

SC_EXPORT void shadowcopy_affected_free(struct shadowcopy_affected *affected)
{
	if (!affected)
		return;
	sc_mounts_free(affected->mounts);
	free(affected);
}

static bool is_volume(const struct shadowcopy_affected *affected, struct shadow_dev dev)
{
	size_t i;

	if (sc_dev_is_null(dev))
		return false;
	for (i = 0; i < affected->count; i++)
		if (sc_dev_equal(dev, affected->volumes[i]))
			return true;
	for (i = 0; i < affected->count; i++)
		if (sc_share_blocks(affected->sc, dev, affected->volumes[i]))
			return true;
	return false;
}

/* The path without links, of its nearest parent that exists; to be freed. */
static char *existing(const char *path)
{
	char *copy = strdup(path), *found = NULL, *slash;

	while (copy && *copy) {
		found = realpath(copy, NULL);
		if (found || (errno != ENOENT && errno != ENOTDIR))
			break;
		slash = strrchr(copy, '/');
		if (!slash)
			break;
		slash[slash == copy && slash[1]] = '\0';
	}
	free(copy);
	return found;
}

struct below {
	const struct shadowcopy_affected *affected;
	const char *path;
};

static int look_at_mount(void *data, const struct sc_mount *mount)
{
	const struct below *below = data;

	return sc_path_below(mount->target, below->path) &&
	       is_volume(below->affected, mount->dev);
}

SC_EXPORT int shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
				       bool recursive)
{
	struct shadowcopy *sc = affected->sc;
	struct sc_mount mount;
	struct below below;
	char *real;
	int rc;

	if (*path != '/')
		return SC_FAIL(sc, -EINVAL, .action = "see where it is", .object = path,
			       .cause = "it is no absolute path");
	real = existing(path);
	if (!real)
		return SC_FAIL(sc, -errno, .action = "see where it is", .object = path);
	rc = sc_mounts_by_path(affected->mounts, real, &mount) && is_volume(affected, mount.dev);
	below = (struct below){ affected, real };
	if (!rc && recursive)
		rc = sc_mounts_each(affected->mounts, look_at_mount, &below);
	free(real);
	return rc;
}
