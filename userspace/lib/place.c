// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * place.c - where a store can be: what a user's word for one means, and which
 * filesystems can have one.
 */
#include <sys/stat.h>

#include "private.h"

#define ACTION "find the store"

/* --- filesystems ----------------------------------------------------------- */

static const struct {
	const char *type;
	const char *cause;
	const char *remedy;
} unfit[] = {
	{ "tmpfs", "is in memory",
	  "use --store memory, which does the same at less cost" },
	{ "ramfs", "is in memory", "use --store memory, which does the same at less cost" },
	{ "overlay", "is a layer above other filesystems",
	  "name a directory of the filesystem below it, or of another local one" },
	{ "nfs", "is on another machine", "name a directory of a local filesystem" },
	{ "nfs4", "is on another machine", "name a directory of a local filesystem" },
	{ "cifs", "is on another machine", "name a directory of a local filesystem" },
	{ "smb3", "is on another machine", "name a directory of a local filesystem" },
	{ "ceph", "is on another machine", "name a directory of a local filesystem" },
	{ "9p", "is on another machine", "name a directory of a local filesystem" },
	{ "virtiofs", "is on another machine", "name a directory of a local filesystem" },
};

bool sc_fs_fit(const char *type)
{
	static const char *const fit[] = { "ext2", "ext3", "ext4", "xfs", "btrfs" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fit); i++)
		if (!strcmp(fit[i], type))
			return true;
	return false;
}

int sc_fs_check(struct shadowcopy *sc, const char *path, const struct sc_mount *mount)
{
	const char *cause = "is of a kind whose files the kernel cannot map";
	const char *remedy = "name a directory of an ext4, XFS or btrfs filesystem";
	char *text = NULL;
	size_t i;
	int rc;

	if (sc_fs_fit(mount->fstype) && !sc_dev_is_null(mount->dev))
		return 0;
	for (i = 0; i < ARRAY_SIZE(unfit); i++)
		if (!strcmp(unfit[i].type, mount->fstype)) {
			cause = unfit[i].cause;
			remedy = unfit[i].remedy;
		}
	if (!strncmp(mount->fstype, "fuse", 4))
		cause = "is kept by a program";
	if (asprintf(&text, "the filesystem mounted on %s (%s) %s", mount->target, mount->fstype,
		     cause) < 0)
		text = NULL;
	rc = SC_FAIL(sc, -EOPNOTSUPP, .action = "keep a store in", .object = path,
		     .cause = text, .remedy = remedy);
	free(text);
	return rc;
}

int sc_fs_of(struct shadowcopy *sc, const char *path, struct sc_mounts **mounts,
	     struct sc_mount *mount)
{
	int rc = sc_mounts_read(sc, mounts);

	if (rc)
		return SC_FAIL(sc, rc, .action = "read the mount table",
			       .object = "/proc/self/mountinfo");
	if (sc_mounts_by_path(*mounts, path, mount))
		return 0;
	sc_mounts_free(*mounts);
	*mounts = NULL;
	return SC_FAIL(sc, -ENOENT, .action = ACTION, .object = path,
		       .cause = "the mount that it lies in is not visible from here");
}

/* --- what a word means ------------------------------------------------------- */

static int too_long(struct shadowcopy *sc, const char *text)
{
	return SC_FAIL(sc, -ENAMETOOLONG, .action = ACTION, .object = text,
		       .cause = "the path is too long",
		       .remedy = "a store's path has less than 1024 characters");
}

/* A file: its directory's real path, and its own name. */
static int parse_file(struct shadowcopy *sc, const char *text, struct shadowcopy_store *store)
{
	const char *slash = strrchr(text, '/');
	char *dir, *real;
	int rc = 0;

	dir = slash == text ? strdup("/") : strndup(text, slash - text);
	real = dir ? realpath(dir, NULL) : NULL;
	if (!real)
		rc = SC_FAIL(sc, dir ? -errno : -ENOMEM, .object = text,
			     .action = "find the directory of the store",
			     .remedy = "make the directory first; the file itself is made here");
	else if (snprintf(store->path, sizeof(store->path), "%s/%s", real[1] ? real : "",
			  slash + 1) >= (int)sizeof(store->path))
		rc = too_long(sc, text);
	store->type = SHADOW_STORE_FILE;
	free(dir);
	free(real);
	return rc;
}

static int parse_directory(struct shadowcopy *sc, const char *text,
			   struct shadowcopy_store *store)
{
	char *real = realpath(text, NULL);
	int rc = 0;

	if (!real)
		rc = SC_FAIL(sc, -errno, .action = ACTION, .object = text);
	else if (snprintf(store->path, sizeof(store->path), "%s", real) >=
		 (int)sizeof(store->path))
		rc = too_long(sc, text);
	store->type = SHADOW_STORE_FILE;
	store->flags = SHADOWCOPY_STORE_UNNAMED;
	free(real);
	return rc;
}

static int parse_device(struct shadowcopy *sc, const char *text, struct shadowcopy_store *store)
{
	struct shadowcopy_volume device;
	int rc = shadowcopy_resolve(sc, text, &device);

	if ((rc == -ENOENT || rc == -ENOTBLK) && !sc_is_tag(text))
		return SC_FAIL(sc, rc, .action = ACTION, .object = text,
			       .cause = "there is no such block device",
			       .remedy = strchr(text, '/') ?
					 "\"lsblk\" shows the devices that there are" :
					 "\"lsblk\" shows the devices that there are; a file or a "
					 "directory is written with a slash (./NAME)");
	if (rc)
		return rc;
	store->type = SHADOW_STORE_DEVICE;
	store->dev = device.dev;
	snprintf(store->path, sizeof(store->path), "%s", device.path);
	return 0;
}

static int parse_memory(struct shadowcopy *sc, const char *text, struct shadowcopy_store *store)
{
	const char *wrong = NULL;

	store->type = SHADOW_STORE_MEMORY;
	if (!text[6])
		return 0;
	wrong = shadowcopy_amount_parse(text + 7, &store->max);
	if (!wrong && store->max.bytes == SHADOWCOPY_UNLIMITED)
		wrong = "a store in memory must have a limit";
	if (!wrong && !store->max.bytes && !store->max.percent)
		wrong = "nothing can be stored in it";
	if (!wrong)
		return 0;
	return SC_FAIL(sc, -EINVAL, .action = "understand the store", .object = text,
		       .cause = wrong, .remedy = "write \"memory:512M\" or \"memory:10%\"");
}

SC_EXPORT int shadowcopy_store_parse(struct shadowcopy *sc, const char *text,
				     struct shadowcopy_store *store)
{
	struct stat st;

	memset(store, 0, sizeof(*store));
	if (!strcmp(text, "memory") || !strncmp(text, "memory:", 7))
		return parse_memory(sc, text, store);
	/* below /dev a name that is not there must not become a file in memory */
	if (!strchr(text, '/') || sc_is_tag(text) || !strncmp(text, "/dev/", 5))
		return parse_device(sc, text, store);
	if (stat(text, &st) < 0) {
		if (errno != ENOENT)
			return SC_FAIL(sc, -errno, .action = ACTION, .object = text);
		if (!text[strlen(text) - 1] || text[strlen(text) - 1] == '/')
			return SC_FAIL(sc, -ENOENT, .action = ACTION, .object = text,
				       .cause = "there is no such directory",
				       .remedy = "make it first");
		return parse_file(sc, text, store);
	}
	if (S_ISBLK(st.st_mode))
		return parse_device(sc, text, store);
	if (S_ISDIR(st.st_mode))
		return parse_directory(sc, text, store);
	if (S_ISREG(st.st_mode))
		return parse_file(sc, text, store);
	return SC_FAIL(sc, -EINVAL, .action = "use as a store", .object = text,
		       .cause = "it is neither a regular file nor a directory nor a block device",
		       .remedy = "name one of these, or a file that is to be made, or \"memory\"");
}
