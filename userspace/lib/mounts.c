// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mounts.c - what is mounted where, and on which device.
 *
 * Only this process's mount namespace is seen.  Nothing relies on seeing all:
 * what is mounted elsewhere is frozen through its device.
 */
#include <fcntl.h>
#include <libmount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "private.h"

struct sc_mounts {
	const struct shadowcopy *sc;
	struct libmnt_table *table;
};

int sc_mounts_read(const struct shadowcopy *sc, struct sc_mounts **mountsp)
{
	struct sc_mounts *mounts = calloc(1, sizeof(*mounts));
	char *path = sc_path(sc, "/proc/self/mountinfo");
	int rc = -ENOMEM;

	*mountsp = NULL;
	if (!mounts || !path)
		goto failed;
	mounts->sc = sc;
	mounts->table = mnt_new_table();
	if (!mounts->table)
		goto failed;
	rc = mnt_table_parse_file(mounts->table, path);
	if (rc < 0)
		goto failed;
	free(path);
	*mountsp = mounts;
	return 0;

failed:
	free(path);
	sc_mounts_free(mounts);
	return rc;
}

void sc_mounts_free(struct sc_mounts *mounts)
{
	if (!mounts)
		return;
	mnt_unref_table(mounts->table);
	free(mounts);
}

/*
 * btrfs and others of several devices have an anonymous device number; the
 * source names one of their devices.
 */
static struct shadow_dev device_of(const struct sc_mounts *mounts, struct libmnt_fs *fs)
{
	struct shadow_dev dev = sc_dev_from_devno(mnt_fs_get_devno(fs));
	const char *source = mnt_fs_get_source(fs);
	struct stat st;

	if (dev.major)
		return dev;
	dev = (struct shadow_dev){ 0 };
	if (!source || *source != '/')
		return dev;
	if (!mounts->sc->sysroot && !stat(source, &st) && S_ISBLK(st.st_mode))
		return sc_dev_from_devno(st.st_rdev);
	if (!strncmp(source, "/dev/", 5) && sc_sysfs_dev(mounts->sc, source + 5, &dev))
		dev = (struct shadow_dev){ 0 };
	return dev;
}

static void fill(const struct sc_mounts *mounts, struct libmnt_fs *fs, struct sc_mount *mount)
{
	mount->dev = device_of(mounts, fs);
	mount->target = mnt_fs_get_target(fs) ?: "";
	mount->source = mnt_fs_get_source(fs) ?: "";
	mount->fstype = mnt_fs_get_fstype(fs) ?: "";
	mount->root = mnt_fs_get_root(fs) ?: "/";
	mount->read_only = mnt_fs_match_options(fs, "ro");
	mount->written = mnt_optstr_get_option(mnt_fs_get_fs_options(fs) ?: "", "ro", NULL, NULL);
}

bool sc_mounts_by_dev(struct sc_mounts *mounts, struct shadow_dev dev, struct sc_mount *mount)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs, *found = NULL;

	if (!iter)
		return false;
	while (!mnt_table_next_fs(mounts->table, iter, &fs)) {
		const char *root = mnt_fs_get_root(fs);
		bool whole = root && !strcmp(root, "/");

		if ((found && !whole) || !sc_dev_equal(device_of(mounts, fs), dev))
			continue;
		found = fs;
		if (whole)
			break;
	}
	mnt_free_iter(iter);
	if (!found)
		return false;
	fill(mounts, found, mount);
	return true;
}

/* The kernel's number of the mount that an open file lies in, or -1. */
static int mount_id_of(int fd)
{
	char name[64], line[128];
	FILE *info;
	int id = -1;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = fopen(name, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "mnt_id: %d", &id) == 1)
			break;
	if (info)
		fclose(info);
	return id;
}

static int mount_id(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), id;

	if (fd < 0)
		return -1;
	id = mount_id_of(fd);
	close(fd);
	return id;
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (length && dir[length - 1] == '/')
		length--;
	return !strncmp(path, dir, length) && (!path[length] || path[length] == '/');
}

/*
 * By the mount's number, which is exact; on a recorded machine by the longest
 * target, the later one where two are alike.
 */
bool sc_mounts_by_path(struct sc_mounts *mounts, const char *path, struct sc_mount *mount)
{
	bool recorded = mounts->sc->sysroot;
	int id = recorded ? -1 : mount_id(path);
	struct libmnt_iter *iter;
	struct libmnt_fs *fs, *found = NULL;

	if (!recorded && id < 0)
		return false;
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	if (!iter)
		return false;
	while (!mnt_table_next_fs(mounts->table, iter, &fs)) {
		const char *target = mnt_fs_get_target(fs) ?: "";

		if (recorded ? is_below(path, target) &&
		    (!found || strlen(target) >= strlen(mnt_fs_get_target(found))) :
		    mnt_fs_get_id(fs) == id)
			found = fs;
	}
	mnt_free_iter(iter);
	if (!found)
		return false;
	fill(mounts, found, mount);
	return true;
}

bool sc_mounts_by_fd(struct sc_mounts *mounts, int fd, struct sc_mount *mount)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int id = mount_id_of(fd);
	bool found = false;

	if (!iter || id < 0 || mounts->sc->sysroot) {
		mnt_free_iter(iter);
		return false;
	}
	while (!found && !mnt_table_next_fs(mounts->table, iter, &fs))
		if (mnt_fs_get_id(fs) == id) {
			fill(mounts, fs, mount);
			found = true;
		}
	mnt_free_iter(iter);
	return found;
}

static int each(struct sc_mounts *mounts, bool whole,
		int (*fn)(void *data, const struct sc_mount *mount), void *data)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct sc_mount mount;
	struct libmnt_fs *fs;
	int rc = 0;

	if (!iter)
		return -ENOMEM;
	while (!rc && !mnt_table_next_fs(mounts->table, iter, &fs)) {
		const char *root = mnt_fs_get_root(fs);

		if ((root && !strcmp(root, "/")) != whole)
			continue;
		fill(mounts, fs, &mount);
		rc = fn(data, &mount);
	}
	mnt_free_iter(iter);
	return rc;
}

int sc_mounts_each(struct sc_mounts *mounts,
		   int (*fn)(void *data, const struct sc_mount *mount), void *data)
{
	int rc = each(mounts, true, fn, data);

	return rc ? rc : each(mounts, false, fn, data);
}

bool sc_mounts_root(struct sc_mounts *mounts, struct sc_mount *mount)
{
	struct libmnt_fs *fs = mnt_table_find_target(mounts->table, "/", MNT_ITER_BACKWARD);

	if (!fs)
		return false;
	fill(mounts, fs, mount);
	return true;
}

bool sc_is_swap(const struct shadowcopy *sc, struct shadow_dev dev)
{
	char *path = sc_path(sc, "/proc/swaps");
	FILE *file = path ? fopen(path, "re") : NULL;
	char line[PATH_MAX], name[PATH_MAX];
	struct shadow_dev swap;
	bool found = false;

	free(path);
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		/* the kernel writes the path it resolved: /dev/KERNELNAME */
		found = sscanf(line, "/dev/%s partition", name) == 1 &&
			!sc_sysfs_dev(sc, name, &swap) && sc_dev_equal(swap, dev);
	fclose(file);
	return found;
}
