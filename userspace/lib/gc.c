// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * gc.c - finds store files that nobody needs any more, and deletes them.
 *
 * Where a file was made as a store is noted as a link in /var/lib/shadowcopy/stores
 * whose name is the UUID of the store.  A file is deleted only if
 *
 *	its directory is one in which only root can exchange files,
 *	it is a regular file of root's, with one name, and its header is whole,
 *	no line of stores.conf names it, and every line could be read,
 *	it has no persistent shadows,
 *	nobody has it locked: who makes it ready does, and so does the module, for it
 *	keeps the descriptor that was locked.
 *
 * Between the look and the deletion the lock is ours, and the kernel refuses to delete
 * what the module has mapped.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/shadow_store.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

#define REGISTRY "/var/lib/shadowcopy/stores"

/* --- where stores were made --------------------------------------------------- */

static char *link_of(const struct shadowcopy *sc, const struct shadow_uuid *uuid)
{
	char text[SHADOWCOPY_UUID_LEN];

	return sc_path(sc, REGISTRY "/%s", shadowcopy_uuid_format(uuid, text));
}

static void make_registry(const struct shadowcopy *sc)
{
	static const char *const dirs[] = { "/var/lib", "/var/lib/shadowcopy", REGISTRY };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		char *path = sc_path(sc, "%s", dirs[i]);

		if (path && mkdir(path, i ? 0700 : 0755) < 0 && errno != EEXIST)
			i = ARRAY_SIZE(dirs);
		free(path);
	}
}

void sc_registry_add(struct shadowcopy *sc, const struct shadow_uuid *uuid, const char *path)
{
	char *link = link_of(sc, uuid);

	make_registry(sc);
	if (link && symlink(path, link) < 0)
		errno = 0;
	free(link);
}

void sc_registry_remove(struct shadowcopy *sc, const struct shadow_uuid *uuid)
{
	char *link = link_of(sc, uuid);

	if (link && unlink(link) < 0)
		errno = 0;
	free(link);
}

bool sc_registry_each(struct shadowcopy *sc, bool (*fn)(void *data, const char *path), void *data)
{
	char *dir = sc_path(sc, REGISTRY), target[PATH_MAX];
	DIR *stream = dir ? opendir(dir) : NULL;
	struct dirent *entry;
	bool found = false;
	ssize_t length;

	while (!found && stream && (entry = readdir(stream))) {
		length = readlinkat(dirfd(stream), entry->d_name, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		found = fn(data, target);
	}
	if (stream)
		closedir(stream);
	free(dir);
	return found;
}

/* --- one file -------------------------------------------------------------------- */

struct search {
	struct shadowcopy *sc;
	struct shadowcopy_stores *stores;
	bool dry_run;
	void (*fn)(void *data, const struct shadowcopy_leftover *leftover);
	void *data;
};

/* The volume that stores.conf has this file for, or NULL. */
static const char *associated(const struct search *search, const struct stat *st)
{
	const struct shadowcopy_association *entry;
	struct stat other;
	size_t i;

	for (i = 0; (entry = shadowcopy_stores_entry(search->stores, i)); i++)
		if (sc_store_type(entry->store) == SHADOW_STORE_FILE &&
		    !stat(entry->store, &other) && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino)
			return entry->volume;
	return NULL;
}

static bool is_same(int dir, const char *base, const struct stat *st)
{
	struct stat now;

	return !fstatat(dir, base, &now, AT_SYMLINK_NOFOLLOW) && now.st_dev == st->st_dev &&
	       now.st_ino == st->st_ino;
}

/*
 * Look at an open file, and delete it if nobody needs it.
 *
 * Return: whether there is no store of ours any more.
 */
static bool look_at(const struct search *search, int dir, const char *base, int fd,
		    const char *path)
{
	struct shadowcopy_leftover leftover = { 0 };
	struct sc_header header;
	const char *volume;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || sc_header_read(fd, &header))
		return true;
	snprintf(leftover.path, sizeof(leftover.path), "%s", path);
	memcpy(leftover.volume, header.volume, sizeof(leftover.volume));
	leftover.uuid = header.uuid;
	leftover.created = header.created;
	leftover.bytes = (uint64_t)st.st_blocks * 512;
	volume = associated(search, &st);
	if (volume)
		snprintf(leftover.kept, sizeof(leftover.kept), "associated with %s", volume);
	else if (st.st_uid && st.st_uid != geteuid())
		snprintf(leftover.kept, sizeof(leftover.kept), "it belongs to user %u", st.st_uid);
	else if (st.st_nlink != 1)
		snprintf(leftover.kept, sizeof(leftover.kept), "it has other names besides");
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		snprintf(leftover.kept, sizeof(leftover.kept), "in use");
	else if (sc_is_durable(fd, SHADOW_DISK_FILE_HEADER))
		snprintf(leftover.kept, sizeof(leftover.kept), "it has persistent shadows");
	else if (!is_same(dir, base, &st))
		return false;
	else if (!search->dry_run && unlinkat(dir, base, 0) < 0)
		snprintf(leftover.kept, sizeof(leftover.kept), "%s",
			 errno == EPERM || errno == ETXTBSY ? "in use" : strerror(errno));
	if (!*leftover.kept && !search->dry_run)
		sc_registry_remove(search->sc, &header.uuid);
	search->fn(search->data, &leftover);
	return !*leftover.kept && !search->dry_run;
}

/* As look_at(), for a path; false where nothing can be seen: it may not be mounted. */
static bool look_for(const struct search *search, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir, *real, *why = NULL;
	bool gone = false;
	int dirfd, fd;

	if (!slash)
		return false;
	dir = slash == path ? strdup("/") : strndup(path, slash - path);
	real = dir ? realpath(dir, NULL) : NULL;
	dirfd = real ? sc_directory_open(real, true, &why) : -1;
	if (dirfd >= 0) {
		fd = openat(dirfd, slash + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			    O_CLOEXEC);
		if (fd >= 0) {
			gone = look_at(search, dirfd, slash + 1, fd, path);
			close(fd);
		}
		close(dirfd);
	}
	free(why);
	free(real);
	free(dir);
	return gone;
}

/* --- all -------------------------------------------------------------------------- */

static void look_in_registry(const struct search *search)
{
	char *dir = sc_path(search->sc, REGISTRY), target[PATH_MAX];
	DIR *stream = dir ? opendir(dir) : NULL;
	struct dirent *entry;
	ssize_t length;

	while (stream && (entry = readdir(stream))) {
		length = readlinkat(dirfd(stream), entry->d_name, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (look_for(search, target) && !search->dry_run)
			unlinkat(dirfd(stream), entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
	free(dir);
}

static int look_in(const struct search *search, const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char *path;

	if (!stream && errno == ENOTDIR) {
		look_for(search, dir);
		return 0;
	}
	if (!stream)
		return SC_FAIL(search->sc, -errno, .action = "look for stores in", .object = dir);
	while ((entry = readdir(stream))) {
		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0)
			continue;
		look_for(search, path);
		free(path);
	}
	closedir(stream);
	return 0;
}

SC_EXPORT int shadowcopy_gc(struct shadowcopy *sc, uint32_t flags, const char *dir,
			    void (*fn)(void *data, const struct shadowcopy_leftover *leftover),
			    void *data)
{
	struct search search = {
		.sc = sc, .dry_run = flags & SHADOWCOPY_GC_DRY_RUN, .fn = fn, .data = data,
	};
	int rc;

	/* nobody adds an association meanwhile */
	rc = shadowcopy_stores_open(sc, search.dry_run ? 0 : SHADOWCOPY_STORES_EDIT,
				    &search.stores);
	if (rc)
		return rc;
	if (dir)
		rc = look_in(&search, dir);
	else
		look_in_registry(&search);
	shadowcopy_stores_close(search.stores);
	return rc;
}
