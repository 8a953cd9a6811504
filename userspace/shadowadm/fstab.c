// SPDX-License-Identifier: GPL-2.0-only
/*
 * fstab.c - is a file on a volume, when that is mounted where /etc/fstab has it?
 *
 * What is mounted decides.  Where nothing is, as on a volume that was unmounted to be reverted,
 * /etc/fstab does, and nobody looks below the directory: that might mount it (automount).  Symbolic
 * links are followed, also those that lead nowhere as long as the volume is not mounted.
 */
#include <libmount.h>
#include <unistd.h>

#include "fstab.h"

#define LINKS_MAX 8

/**
 * struct place - where /etc/fstab mounts something
 * @dir: the directory
 * @is_volume: what it mounts there is the volume, or shares blocks with it
 * @is_mounted: something is mounted there
 */
struct place {
	char *dir;
	bool is_volume;
	bool is_mounted;
};

struct fstab_places {
	struct shadowcopy_affected *affected;
	struct place *list;
	size_t count;
};

/* --- reading ------------------------------------------------------------------------- */

static bool is_volume(struct context *context, const char *source,
		      const struct shadowcopy_volume *volume)
{
	struct shadowcopy_store a = { .type = SHADOW_STORE_DEVICE, .dev = volume->dev }, b = a;
	struct shadowcopy_volume other;

	/* "proc", "tmpfs" ... are names of no device */
	if ((*source != '/' && !strchr(source, '=')) ||
	    shadowcopy_resolve(context->sc, source, &other))
		return false;
	b.dev = other.dev;
	return dev_equal(a.dev, b.dev) || shadowcopy_stores_overlap(context->sc, &a, &b) == 1;
}

static bool is_mounted(struct libmnt_table *mounts, const char *dir)
{
	struct libmnt_fs *fs = mnt_table_find_target(mounts, dir, MNT_ITER_BACKWARD);
	const char *type = fs ? mnt_fs_get_fstype(fs) : NULL;

	return fs && !(type && !strcmp(type, "autofs"));
}

/* Return: 0 or -ENOMEM. */
static int add_place(struct context *context, struct fstab_places *places, struct libmnt_fs *fs,
		     struct libmnt_table *mounts, const struct shadowcopy_volume *volume)
{
	const char *source = mnt_fs_get_source(fs), *dir = mnt_fs_get_target(fs);
	struct place *more;

	if (!source || !dir || *dir != '/')
		return 0;
	more = reallocarray(places->list, places->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	places->list = more;
	more += places->count;
	more->dir = strdup(dir);
	if (!more->dir)
		return -ENOMEM;
	more->is_volume = is_volume(context, source, volume);
	more->is_mounted = is_mounted(mounts, dir);
	places->count++;
	return 0;
}

static int read_places(struct context *context, struct fstab_places *places,
		       const struct shadowcopy_volume *volume)
{
	struct libmnt_table *fstab = mnt_new_table(), *mounts = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int rc = -ENOMEM;

	if (fstab && mounts && iter) {
		rc = mnt_table_parse_file(mounts, "/proc/self/mountinfo");
		/* without a file there is nothing in it */
		if (!rc && !mnt_table_parse_fstab(fstab, NULL))
			while (!rc && !mnt_table_next_fs(fstab, iter, &fs))
				rc = add_place(context, places, fs, mounts, volume);
	}
	mnt_free_iter(iter);
	mnt_unref_table(mounts);
	mnt_unref_table(fstab);
	return rc;
}

int fstab_places_new(struct context *context, const struct shadowcopy_volume *volume,
		     struct fstab_places **placesp)
{
	struct fstab_places *places = calloc(1, sizeof(*places));
	int rc;

	*placesp = NULL;
	if (!places)
		return fail(context, "there is not enough memory");
	if (shadowcopy_affected_new(context->sc, &volume->dev, 1, &places->affected)) {
		fstab_places_free(places);
		return fail_library(context);
	}
	rc = read_places(context, places, volume);
	if (rc) {
		fstab_places_free(places);
		return fail(context, "cannot see where %s is mounted: %s", volume->path,
			    strerror(-rc));
	}
	*placesp = places;
	return STATUS_OK;
}

void fstab_places_free(struct fstab_places *places)
{
	size_t i;

	if (!places)
		return;
	for (i = 0; i < places->count; i++)
		free(places->list[i].dir);
	free(places->list);
	shadowcopy_affected_free(places->affected);
	free(places);
}

/* --- looking ------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	if (length && dir[length - 1] == '/')
		length--;
	return !strncmp(path, dir, length) && (!path[length] || path[length] == '/');
}

/* The one that @path would be in if all were mounted, or NULL. */
static const struct place *place_of(const struct fstab_places *places, const char *path)
{
	const struct place *best = NULL;
	size_t i;

	for (i = 0; i < places->count; i++)
		if (is_below(path, places->list[i].dir) &&
		    (!best || strlen(places->list[i].dir) >= strlen(best->dir)))
			best = &places->list[i];
	return best;
}

/* Take "." and ".." out of a path of which no part is a link. */
static void straighten(char *path)
{
	char *to = path, *from = path;
	size_t length;

	while (*from) {
		length = 1 + strcspn(from + 1, "/");
		if (length == 3 && !strncmp(from, "/..", 3)) {
			while (to > path && *--to != '/')
				;
		} else if (length > 1 && !(length == 2 && from[1] == '.')) {
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* Put what the first symbolic link in it leads to in its place.  Return: whether there is one. */
static bool follow(char path[PATH_MAX])
{
	char target[PATH_MAX], whole[2 * PATH_MAX];
	size_t i, parent = 0;
	ssize_t length;
	char end;

	for (i = 1; path[i - 1]; i++) {
		end = path[i];
		if (end && end != '/')
			continue;
		path[i] = '\0';
		length = readlink(path, target, sizeof(target) - 1);
		path[i] = end;
		if (length > 0) {
			target[length] = '\0';
			snprintf(whole, sizeof(whole), "%.*s/%s%s",
				 *target == '/' ? 0 : (int)parent, path, target, path + i);
			straighten(whole);
			return snprintf(path, PATH_MAX, "%s", whole) < PATH_MAX;
		}
		parent = i;
	}
	return false;
}

/* Is something of the volume mounted below it later? */
static bool is_above(const struct fstab_places *places, const char *path)
{
	size_t i;

	for (i = 0; i < places->count; i++)
		if (places->list[i].is_volume && !places->list[i].is_mounted &&
		    is_below(places->list[i].dir, path))
			return true;
	return false;
}

bool fstab_places_have(struct fstab_places *places, const char *path, bool recursive)
{
	const struct place *place;
	char real[PATH_MAX];
	unsigned int links;

	snprintf(real, sizeof(real), "%s", path);
	straighten(real);
	for (links = 0; links <= LINKS_MAX; links++) {
		place = place_of(places, real);
		if (place && !place->is_mounted && place->is_volume)
			return true;
		if (recursive && is_above(places, real))
			return true;
		if (!follow(real))
			break;
	}
	/* where another one will be mounted there is nothing of this one */
	if (place && !place->is_mounted)
		return false;
	return shadowcopy_affected_test(places->affected, path, recursive);
}
