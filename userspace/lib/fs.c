// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fs.c - filesystems as sysfs shows them, whatever namespace they are mounted in.
 */
#include <dirent.h>
#include <sys/utsname.h>

#include "private.h"

/* Filesystems with a directory per mounted device, named as the device is. */
static const char *const named_by_device[] = { "ext4", "xfs", "f2fs", "nilfs2" };

bool sc_fs_in_sysfs(const struct shadowcopy *sc, const char *name, char type[32])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(named_by_device); i++)
		if (sc_exists(sc, "/sys/fs/%s/%s", named_by_device[i], name)) {
			snprintf(type, 32, "%s", named_by_device[i]);
			return true;
		}
	if (sc_btrfs_devices(sc, name, NULL, NULL)) {
		snprintf(type, 32, "btrfs");
		return true;
	}
	return false;
}

static unsigned int each_member(const struct shadowcopy *sc, const char *fsid,
				void (*fn)(void *data, const char *member), void *data)
{
	char *path = sc_path(sc, "/sys/fs/btrfs/%s/devices", fsid);
	DIR *stream = path ? opendir(path) : NULL;
	unsigned int count = 0;
	struct dirent *entry;

	free(path);
	while (stream && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (fn)
			fn(data, entry->d_name);
	}
	if (stream)
		closedir(stream);
	return count;
}

unsigned int sc_btrfs_devices(const struct shadowcopy *sc, const char *name,
			      void (*fn)(void *data, const char *member), void *data)
{
	char *path = sc_path(sc, "/sys/fs/btrfs");
	DIR *stream = path ? opendir(path) : NULL;
	unsigned int count = 0;
	struct dirent *entry;

	free(path);
	while (stream && !count && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' &&
		    sc_exists(sc, "/sys/fs/btrfs/%s/devices/%s", entry->d_name, name))
			count = each_member(sc, entry->d_name, fn, data);
	if (stream)
		closedir(stream);
	return count;
}

/*
 * Up to 6.7 the kernel looks for a superblock whose device it is, and that of a
 * btrfs names one of its devices only.  From 6.8 the filesystem must have
 * claimed the device with its own operations, which btrfs does since 6.17.
 */
bool sc_btrfs_freezes(const struct shadowcopy *sc, unsigned int devices)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;
	char release[65];

	if (sc_read_line(sc, release, sizeof(release), "/proc/sys/kernel/osrelease")) {
		if (uname(&uts))
			return false;
		snprintf(release, sizeof(release), "%s", uts.release);
	}
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	if (major > 6 || (major == 6 && minor >= 17))
		return true;
	return devices == 1 && (major < 6 || (major == 6 && minor < 8));
}
