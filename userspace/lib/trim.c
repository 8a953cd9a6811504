// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trim.c - files that a shadow need not have are deleted in it, while it can be written to
 * (F-07, A-30).
 *
 * Which files: what the writers exclude from shadows, and what the machine does, in
 * /etc/shadowcopy/trim.d.  The shadow's filesystem is mounted where nobody sees it, by
 * a descriptor alone; directories are opened below that without following links and without
 * leaving the filesystem: what is in a shadow is not trusted, and nothing of the volume
 * itself can be reached.  What a user's writer excludes is deleted where it is the user's own:
 * a backup of others' files is not his to thin out.  A mount that is needed for no longer goes with
 * its descriptor.
 *
 * Names are those that the machine sees now.  What another mount hides has no name there, so it
 * is not meant: below a mount nothing is deleted in what is under it.  The filesystem is one
 * that the machine has mounted and writes to, so its bytes, also those of a removable disk, are no
 * worse here; where it is mounted read-only nothing is written to its shadow, either.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "document.h"
#include "exclude.h"
#include "libshadowcopy-document.h"

#define TRIM_DIRECTORY	"/etc/shadowcopy/trim.d"
#define DEPTH_MAX	256

struct shadowcopy_trim {
	struct shadowcopy *sc;
	struct sc_excludes machine;
	struct shadowcopy_metadata *const *writers;
	const uid_t *users;
	size_t writer_count;
	size_t count;
};

/* What is deleted: names, and of whom; @user 0: of anybody. */
struct pattern {
	const char *path, *spec;
	bool recursive;
	uid_t user;
};

SC_EXPORT int shadowcopy_trim_new(struct shadowcopy *sc, const char *directory,
				  struct shadowcopy_metadata *const *writers, const uid_t *users,
				  size_t count, struct shadowcopy_trim **trimp)
{
	struct shadowcopy_trim *trim = calloc(1, sizeof(*trim));
	size_t i;
	int rc;

	*trimp = NULL;
	if (!trim)
		return SC_FAIL(sc, -ENOMEM, .action = "see what shadows need not have");
	rc = sc_excludes_read(sc, &trim->machine, directory ?: TRIM_DIRECTORY, writers, count, NULL,
			      NULL);
	if (rc) {
		shadowcopy_trim_free(trim);
		return rc;
	}
	trim->sc = sc;
	trim->writers = writers;
	trim->users = users;
	trim->writer_count = count;
	trim->count = trim->machine.count;
	for (i = 0; i < count; i++)
		trim->count += writers[i]->shadow_exclude_count;
	*trimp = trim;
	return 0;
}

SC_EXPORT void shadowcopy_trim_free(struct shadowcopy_trim *trim)
{
	if (!trim)
		return;
	sc_excludes_clear(&trim->machine);
	free(trim);
}

SC_EXPORT size_t shadowcopy_trim_count(const struct shadowcopy_trim *trim)
{
	return trim->count;
}

/* --- the shadow's files ---------------------------------------------------------------- */

static int set_option(int fs, unsigned int command, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, command, key, value, 0) ? -errno : 0;
}

/* A directory: the root of the filesystem on @device. */
static int mount_hidden(const char *device, const char *fstype)
{
	int fs = syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC), rc, root;

	if (fs < 0)
		return -errno;
	rc = set_option(fs, FSCONFIG_SET_STRING, "source", device);
	/* Its twin is mounted. */
	if (!rc && !strcmp(fstype, "xfs"))
		rc = set_option(fs, FSCONFIG_SET_FLAG, "nouuid", NULL);
	if (!rc)
		rc = set_option(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (rc) {
		close(fs);
		return rc;
	}
	root = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		       MOUNT_ATTR_NOEXEC);
	rc = root < 0 ? -errno : 0;
	close(fs);
	if (rc)
		return rc;
	/* The mount's own descriptor is only a place: it cannot be read, nor synced. */
	rc = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc < 0)
		rc = -errno;
	close(root);
	return rc;
}

/* --- what other mounts hide -------------------------------------------------------------- */

struct hidden {
	const char *mountpoint;
	char **paths;			/* below it */
	size_t count;
	bool read_only, twice;
	size_t seen;			/* mounts on the mount point itself */
};

static int note_mount(void *data, const struct sc_mount *mount)
{
	struct hidden *hidden = data;
	const char *below = sc_path_below(mount->target, hidden->mountpoint);
	char **paths;

	if (!below)
		return 0;
	if (!*below) {
		hidden->twice = hidden->seen++;
		hidden->read_only = mount->read_only;
		return 0;
	}
	paths = realloc(hidden->paths, (hidden->count + 1) * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	hidden->paths = paths;
	paths[hidden->count] = strdup(below);
	if (!paths[hidden->count])
		return -ENOMEM;
	hidden->count++;
	return 0;
}

/* 0 or a negative errno. */
static int find_hidden(const struct shadowcopy_trim *trim, struct hidden *hidden)
{
	struct sc_mounts *mounts;
	int rc = sc_mounts_read(trim->sc, &mounts);

	if (!rc)
		rc = sc_mounts_each(mounts, note_mount, hidden);
	sc_mounts_free(mounts);
	if (!rc && hidden->twice)
		rc = -EXDEV;	/* which of them is seen there is not known */
	if (!rc && hidden->read_only)
		rc = -EROFS;
	return rc;
}

static void free_hidden(struct hidden *hidden)
{
	while (hidden->count)
		free(hidden->paths[--hidden->count]);
	free(hidden->paths);
}

static bool is_hidden(const struct hidden *hidden, const char *path)
{
	size_t i;

	for (i = 0; i < hidden->count; i++)
		if (sc_path_below(path, hidden->paths[i]))
			return true;
	return false;
}

/* --- deleting ----------------------------------------------------------------------------- */

static int open_below(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int trim_directory(int fd, const char *where, const struct pattern *pattern,
			  const struct hidden *hidden, unsigned int depth,
			  struct shadowcopy_trimmed *result);

static int trim_below(int fd, const char *where, const char *name, const struct pattern *pattern,
		      const struct hidden *hidden, unsigned int depth,
		      struct shadowcopy_trimmed *result)
{
	char *path = *where ? sc_path_join(where, name) : strdup(name);
	int below, rc = path ? 0 : -ENOMEM;

	if (path && !is_hidden(hidden, path)) {
		below = open_below(fd, name);
		if (below >= 0)
			rc = trim_directory(below, path, pattern, hidden, depth, result);
	}
	free(path);
	return rc;
}

/* Delete in a directory, which is closed, all that can be: 0 or the first errno. */
static int trim_directory(int fd, const char *where, const struct pattern *pattern,
			  const struct hidden *hidden, unsigned int depth,
			  struct shadowcopy_trimmed *result)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;
	struct stat st;
	int rc = 0, trimmed;

	if (!stream) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while ((errno = 0, entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (!S_ISDIR(st.st_mode)) {
			if (!shadowcopy_spec_matches(pattern->spec, entry->d_name) ||
			    (pattern->user && st.st_uid != pattern->user))
				continue;
			if (unlinkat(fd, entry->d_name, 0)) {
				rc = rc ?: -errno;
				continue;
			}
			result->files++;
			if (st.st_nlink == 1)
				result->bytes += (uint64_t)st.st_blocks * 512;
		} else if (pattern->recursive && depth < DEPTH_MAX) {
			trimmed = trim_below(fd, where, entry->d_name, pattern, hidden, depth + 1,
					     result);
			rc = rc ?: trimmed;
		}
	}
	rc = rc ?: -errno;
	closedir(stream);
	return rc;
}

static int trim_pattern(int root, const struct hidden *hidden, const struct pattern *pattern,
			struct shadowcopy_trimmed *result)
{
	const char *mountpoint = hidden->mountpoint;
	const char *below = sc_path_below(pattern->path, mountpoint);
	int fd;

	/* Of a directory above the volume all that is below it may be meant. */
	if (!below && pattern->recursive && sc_path_below(mountpoint, pattern->path))
		below = "";
	if (!below || is_hidden(hidden, below))
		return 0;
	fd = open_below(root, below);
	if (fd < 0)	/* not there, or somewhere else: then not in this shadow */
		return 0;
	return trim_directory(fd, below, pattern, hidden, 0, result);
}

static int trim_all(const struct shadowcopy_trim *trim, int root, const struct hidden *hidden,
		    struct shadowcopy_trimmed *result)
{
	size_t i, j;
	int rc = 0, failed;

	for (i = 0; i < trim->machine.count; i++) {
		const struct sc_exclude *p = &trim->machine.all[i];
		struct pattern pattern = { p->path, p->spec, p->recursive, 0 };

		failed = trim_pattern(root, hidden, &pattern, result);
		rc = rc ?: failed;
	}
	for (i = 0; i < trim->writer_count; i++)
		for (j = 0; j < trim->writers[i]->shadow_exclude_count; j++) {
			const struct shadowcopy_exclude *e = trim->writers[i]->shadow_excludes[j];
			struct pattern pattern = { e->path, e->spec, e->recursive,
						   trim->users ? trim->users[i] : 0 };

			failed = trim_pattern(root, hidden, &pattern, result);
			rc = rc ?: failed;
		}
	return rc;
}

/* Is it the filesystem's root that is mounted there, and not a directory or a subvolume of it? */
static bool is_whole(int root, const char *mountpoint)
{
	struct stat st, mounted;

	return !fstat(root, &st) && !stat(mountpoint, &mounted) && st.st_ino == mounted.st_ino;
}

SC_EXPORT int shadowcopy_trim_run(struct shadowcopy_trim *trim, const char *device,
				  const char *fstype, const char *mountpoint,
				  struct shadowcopy_trimmed *result)
{
	struct hidden hidden = { .mountpoint = mountpoint };
	int root, rc;

	memset(result, 0, sizeof(*result));
	rc = find_hidden(trim, &hidden);
	if (rc) {
		free_hidden(&hidden);
		return SC_FAIL(trim->sc, rc, .action = "delete what need not be in",
			       .object = device, .cause = rc == -EROFS ?
			       "its filesystem is mounted read-only" : rc == -EXDEV ?
			       "something else is mounted over it" : NULL);
	}
	root = mount_hidden(device, fstype);
	if (root < 0) {
		free_hidden(&hidden);
		return SC_FAIL(trim->sc, root, .action = "mount to delete what it need not have",
			       .object = device);
	}
	rc = is_whole(root, mountpoint) ? trim_all(trim, root, &hidden, result) : -EXDEV;
	free_hidden(&hidden);
	if (!rc && syncfs(root))
		rc = -errno;
	close(root);
	if (rc)
		return SC_FAIL(trim->sc, rc, .action = "delete what need not be in",
			       .object = device);
	return 0;
}
