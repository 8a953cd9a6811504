// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * resolve.c - from what a person calls a volume to its device number.
 */
#include <blkid.h>
#include <sys/stat.h>

#include "private.h"

#define ACTION "find the volume"

static int found(struct shadowcopy *sc, const char *name, struct shadow_dev dev,
		 struct shadowcopy_volume *volume)
{
	if (!shadowcopy_describe(sc, dev, volume))
		return 0;
	return SC_FAIL(sc, -ENODEV, .action = ACTION, .object = name,
		       .cause = "the kernel has no block device of this number",
		       .remedy = "the device node is stale, or sysfs is not mounted; \"lsblk\" "
				 "shows the devices that exist");
}

/* "UUID=..." and its like. */
static int by_tag(struct shadowcopy *sc, const char *name, struct shadowcopy_volume *volume)
{
	char *path = blkid_evaluate_tag(name, NULL, NULL);
	struct stat st;
	int rc = -1;

	if (path)
		rc = stat(path, &st);
	free(path);
	if (rc)
		return SC_FAIL(sc, -ENOENT, .action = ACTION, .object = name,
			       .cause = "no block device has this tag",
			       .remedy = "\"lsblk -o NAME,UUID,LABEL,PARTUUID,PARTLABEL\" shows "
					 "those that exist");
	return found(sc, name, sc_dev_from_devno(st.st_rdev), volume);
}

static int not_a_mountpoint(struct shadowcopy *sc, const char *path,
			    const struct sc_mount *mount)
{
	char *cause = NULL, *remedy = NULL;
	int rc;

	if (asprintf(&cause, "it lies inside the filesystem mounted on %s, and only a whole "
		     "volume can be shadow-copied", mount->target) < 0)
		cause = NULL;
	if (asprintf(&remedy, "name the mount point instead: %s", mount->target) < 0)
		remedy = NULL;
	rc = SC_FAIL(sc, -ENOTBLK, .action = ACTION, .object = path, .cause = cause,
		     .remedy = remedy);
	free(cause);
	free(remedy);
	return rc;
}

static int no_block_device(struct shadowcopy *sc, const char *path,
			   const struct sc_mount *mount)
{
	char *cause = NULL;
	int rc;

	if (asprintf(&cause, "the filesystem mounted on %s (%s, from %s) has no block device "
		     "below it", mount->target, mount->fstype, mount->source) < 0)
		cause = NULL;
	rc = SC_FAIL(sc, -ENOTBLK, .action = ACTION, .object = path, .cause = cause,
		     .remedy = "only block devices can be shadow-copied; for a network or overlay "
			       "filesystem, do it where the data really is");
	free(cause);
	return rc;
}

/* A directory or file: good where it is exactly a mount point. */
static int by_path(struct shadowcopy *sc, const char *name, struct shadowcopy_volume *volume)
{
	char *path = sc->sysroot ? strdup(name) : realpath(name, NULL);
	struct sc_mounts *mounts = NULL;
	struct sc_mount mount;
	int rc;

	if (!path)
		return SC_FAIL(sc, -errno, .action = ACTION, .object = name);
	rc = sc_mounts_read(sc, &mounts);
	if (rc)
		rc = SC_FAIL(sc, rc, .action = "read the mount table",
			     .object = "/proc/self/mountinfo");
	else if (!sc_mounts_by_path(mounts, path, &mount))
		rc = SC_FAIL(sc, -ENOTBLK, .action = ACTION, .object = name,
			     .cause = "the mount that it lies in is not visible from here",
			     .remedy = "name the block device itself; \"lsblk\" shows it");
	else if (sc_dev_is_null(mount.dev))
		rc = no_block_device(sc, name, &mount);
	else if (strcmp(mount.target, path))
		rc = not_a_mountpoint(sc, name, &mount);
	else
		rc = found(sc, name, mount.dev, volume);
	sc_mounts_free(mounts);
	free(path);
	return rc;
}

/* Of a recorded machine there are no device nodes, and no paths to look at. */
static bool is_recorded_path(const struct shadowcopy *sc, const char *name)
{
	return sc->sysroot && *name == '/' && strncmp(name, "/dev/", 5);
}

SC_EXPORT int shadowcopy_resolve(struct shadowcopy *sc, const char *name,
				 struct shadowcopy_volume *volume)
{
	struct shadow_dev dev;
	struct stat st;

	if (is_recorded_path(sc, name))
		return by_path(sc, name, volume);
	errno = ENOENT;
	if (!sc->sysroot && !stat(name, &st)) {
		if (S_ISBLK(st.st_mode))
			return found(sc, name, sc_dev_from_devno(st.st_rdev), volume);
		return by_path(sc, name, volume);
	}
	if (errno != ENOENT)
		return SC_FAIL(sc, -errno, .action = ACTION, .object = name);
	if (!sc_dev_parse(name, &dev))
		return found(sc, name, dev, volume);
	if (strchr(name, '=') && *name != '/')
		return by_tag(sc, name, volume);
	/* without its node: a chroot, or a bare kernel name */
	if (!sc_sysfs_dev(sc, strncmp(name, "/dev/", 5) ? name : name + 5, &dev))
		return found(sc, name, dev, volume);
	return SC_FAIL(sc, -ENOENT, .action = ACTION, .object = name,
		       .cause = "there is no such block device or mount point",
		       .remedy = "\"lsblk\" shows the devices and where they are mounted");
}

/* "a/b" of "/a" and "/b"; of a root nothing is left but the other. */
static int join(char buf[SHADOWCOPY_PATH_MAX], const char *root, const char *rest)
{
	int length = snprintf(buf, SHADOWCOPY_PATH_MAX, "%s%s", strcmp(root, "/") ? root : "",
			      rest);

	if (!length)
		strcpy(buf, "/");
	return length < SHADOWCOPY_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int place_in(struct shadowcopy *sc, const char *name, const char *path,
		    const struct sc_mount *mount, struct shadowcopy_place *place)
{
	const char *rest = strcmp(mount->target, "/") ? path + strlen(mount->target) : path;
	int rc;

	if (sc_dev_is_null(mount->dev))
		return no_block_device(sc, name, mount);
	rc = found(sc, name, mount->dev, &place->volume);
	if (rc)
		return rc;
	rc = join(place->path, mount->root, strcmp(rest, "/") ? rest : "");
	if (!rc)
		rc = join(place->mountpoint, mount->target, "");
	return rc ? SC_FAIL(sc, rc, .action = ACTION, .object = name) : 0;
}

SC_EXPORT int shadowcopy_locate(struct shadowcopy *sc, const char *name,
				struct shadowcopy_place *place)
{
	char *path = sc->sysroot ? strdup(name) : realpath(name, NULL);
	struct sc_mounts *mounts = NULL;
	struct sc_mount mount;
	int rc;

	memset(place, 0, sizeof(*place));
	if (!path)
		return SC_FAIL(sc, -errno, .action = ACTION, .object = name);
	rc = sc_mounts_read(sc, &mounts);
	if (rc)
		rc = SC_FAIL(sc, rc, .action = "read the mount table",
			     .object = "/proc/self/mountinfo");
	else if (*path != '/' || !sc_mounts_by_path(mounts, path, &mount) ||
		 strncmp(path, mount.target, strlen(mount.target)))
		rc = SC_FAIL(sc, -ENOTBLK, .action = ACTION, .object = name,
			     .cause = "the mount that it lies in is not visible from here");
	else
		rc = place_in(sc, name, path, &mount, place);
	sc_mounts_free(mounts);
	free(path);
	return rc;
}
