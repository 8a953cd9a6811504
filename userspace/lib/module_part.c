// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * module_part.c - the parts of stores, as the module has them: the list, what they are,
 * adding and resizing.
 *
 * The module knows a file by its inode and the device that it lies on.  Its path is found
 * where somebody names it, or where it was made on this machine; else it has none, as far as
 * can be seen.
 */
#include <sys/stat.h>

#include "private.h"

#define MIB	(1ULL << 20)

SC_EXPORT int shadowcopy_part_next(struct shadowcopy *sc, struct shadow_store_info *info)
{
	struct shadow_store_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the parts of stores");
	*info = next;
	return 1;
}

/* --- what they are ------------------------------------------------------------------ */

struct search {
	struct sc_mounts *mounts;
	const struct shadow_store_info *info;
	struct shadowcopy_store *store;
};

/* Is the file of this path the part? */
static bool is_path(const struct search *search, const char *path)
{
	struct sc_mount mount;
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && st.st_ino == search->info->inode &&
	       sc_mounts_by_path(search->mounts, path, &mount) &&
	       sc_dev_equal(mount.dev, search->info->dev);
}

static bool try_path(void *data, const char *path)
{
	const struct search *search = data;

	if (strlen(path) >= sizeof(search->store->path) || !is_path(search, path))
		return false;
	snprintf(search->store->path, sizeof(search->store->path), "%s", path);
	return true;
}

static void describe_file(struct shadowcopy *sc, const struct search *search)
{
	struct shadowcopy_store *store = search->store;
	struct sc_mount mount;

	if (sc_registry_each(sc, try_path, (void *)search))
		return;
	store->flags = SHADOWCOPY_STORE_UNNAMED;
	if (sc_mounts_by_dev(search->mounts, search->info->dev, &mount))
		snprintf(store->path, sizeof(store->path), "%s", mount.target);
}

SC_EXPORT int shadowcopy_part_describe(struct shadowcopy *sc, const struct shadow_store_info *info,
				       struct shadowcopy_store *store)
{
	struct search search = { .info = info, .store = store };
	struct shadowcopy_volume device;
	int rc;

	memset(store, 0, sizeof(*store));
	store->type = info->type;
	store->max.bytes = info->max_bytes;
	if (info->type == SHADOW_STORE_DEVICE) {
		store->dev = info->dev;
		shadowcopy_describe(sc, info->dev, &device);
		snprintf(store->path, sizeof(store->path), "%s", device.path);
	} else if (info->type == SHADOW_STORE_FILE) {
		rc = sc_mounts_read(sc, &search.mounts);
		if (rc)
			return SC_FAIL(sc, rc, .action = "read the mount table",
				       .object = "/proc/self/mountinfo");
		describe_file(sc, &search);
		sc_mounts_free(search.mounts);
	}
	return 0;
}

static bool is_store(struct shadowcopy *sc, struct sc_mounts *mounts,
		     const struct shadow_store_info *info, const struct shadowcopy_store *store)
{
	struct search search = { .mounts = mounts, .info = info };
	struct shadowcopy_store *its;
	struct sc_mount mount;
	bool same = false;

	if (info->type != store->type)
		return false;
	if (info->type == SHADOW_STORE_DEVICE)
		return sc_dev_equal(info->dev, store->dev);
	if (info->type != SHADOW_STORE_FILE)
		return true;
	if (!(store->flags & SHADOWCOPY_STORE_UNNAMED))
		return is_path(&search, store->path);
	its = calloc(1, sizeof(*its));
	if (its && sc_mounts_by_path(mounts, store->path, &mount) &&
	    sc_dev_equal(mount.dev, info->dev)) {
		search.store = its;
		describe_file(sc, &search);
		same = its->flags & SHADOWCOPY_STORE_UNNAMED;
	}
	free(its);
	return same;
}

SC_EXPORT int shadowcopy_part_is(struct shadowcopy *sc, const struct shadow_store_info *info,
				 const struct shadowcopy_store *store)
{
	struct sc_mounts *mounts;
	int rc = sc_mounts_read(sc, &mounts);

	if (rc)
		return SC_FAIL(sc, rc, .action = "read the mount table",
			       .object = "/proc/self/mountinfo");
	rc = is_store(sc, mounts, info, store);
	sc_mounts_free(mounts);
	return rc;
}

SC_EXPORT int shadowcopy_part_find(struct shadowcopy *sc, struct shadow_dev dev,
				   const struct shadowcopy_store *store,
				   struct shadow_store_info *info)
{
	const char *object = *store->path ? store->path : "memory";
	struct shadow_store_info next = { 0 };
	struct sc_mounts *mounts;
	unsigned int found = 0;
	int rc = sc_mounts_read(sc, &mounts);

	memset(info, 0, sizeof(*info));
	if (rc)
		return SC_FAIL(sc, rc, .action = "read the mount table",
			       .object = "/proc/self/mountinfo");
	while ((rc = shadowcopy_part_next(sc, &next)) > 0)
		if (sc_dev_equal(next.volume, dev) && is_store(sc, mounts, &next, store)) {
			*info = next;
			found++;
		}
	sc_mounts_free(mounts);
	if (rc)
		return rc;
	if (!found)
		return SC_FAIL(sc, -ENOENT, .action = "find the part", .object = object,
			       .cause = "the volume's store has no such part",
			       .remedy = "\"shadowadm store list\" shows the parts");
	if (found > 1)
		return SC_FAIL(sc, -ENOTUNIQ, .action = "find the part", .object = object,
			       .cause = "the volume's store has several parts there",
			       .remedy = "name it by its number, which \"shadowadm store list\" "
					 "shows");
	return 0;
}

/* --- changing them ------------------------------------------------------------------ */

#define STACK_MAX	32	/* devices on each other */

/* How far down from a store its device has been followed. */
struct descent {
	struct shadowcopy *sc;
	struct shadow_dev volume;
	struct shadow_dev at;
	unsigned int depth;
	bool stacked;		/* not only from a partition to its disk */
};

static int descend(void *data, struct shadow_dev below)
{
	const struct descent *from = data;
	struct descent next = *from;

	next.at = below;
	next.depth++;
	next.stacked |= !sc_exists(from->sc, "/sys/dev/block/%u:%u/partition", from->at.major,
				   from->at.minor);
	if (next.stacked && sc_dev_equal(below, from->volume))
		return -ELOOP;
	if (next.depth == STACK_MAX)
		return 0;
	return sc_sysfs_below(from->sc, below, descend, &next) == -ELOOP ? -ELOOP : 0;
}

bool sc_store_comes_back(struct shadowcopy *sc, struct shadow_dev volume,
			 const struct shadow_store_spec *store)
{
	struct descent from = { .sc = sc, .volume = volume, .at = store->dev };
	struct sc_mounts *mounts;
	struct sc_mount mount;

	if (store->type == SHADOW_STORE_FILE && !sc_mounts_read(sc, &mounts)) {
		if (sc_mounts_by_fd(mounts, store->fd, &mount))
			from.at = mount.dev;
		sc_mounts_free(mounts);
	}
	return !sc_dev_is_null(from.at) &&
	       sc_sysfs_below(sc, from.at, descend, &from) == -ELOOP;
}

SC_EXPORT int shadowcopy_part_add(struct shadowcopy *sc, struct shadow_dev dev,
				  const struct shadow_store_spec *store, uint32_t *part)
{
	struct shadow_store_add add = { .dev = dev, .store = *store };
	char label[SHADOWCOPY_PATH_MAX];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	if (sc_store_comes_back(sc, dev, store)) {
		sc_dev_label(sc, dev, label, sizeof(label));
		return SC_FAIL(sc, -EINVAL, .action = "add a part to the store of", .object = label,
			       .fault = &(struct shadow_fault){
				.error = EINVAL, .phase = SHADOW_PHASE_STORE,
				.reason = SHADOW_REASON_STORE_ON_VOLUME, .dev = store->dev });
	}
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_ADD, &add);
	if (!rc) {
		if (part)
			*part = add.part;
		return 0;
	}
	sc_dev_label(sc, dev, label, sizeof(label));
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = "add a part to the store of", .object = label,
			       .cause = "it has no store",
			       .remedy = "make a shadow of it first, with that part");
	return SC_FAIL(sc, rc, .action = "add a part to the store of", .object = label,
		       .fault = &add.fault);
}

static int resize_failed(struct shadowcopy *sc, int rc, const struct shadow_store_resize *resize)
{
	struct sc_failure failure = { .fault = &resize->fault };
	char label[SHADOWCOPY_PATH_MAX], *object = NULL, *cause = NULL;

	sc_dev_label(sc, resize->dev, label, sizeof(label));
	if (asprintf(&object, "%u of the store of %s", resize->part, label) < 0)
		object = NULL;
	failure.action = resize->max_bytes ? "change the size of part" : "clear out part";
	failure.object = object;
	if (rc == -EINTR) {
		if (asprintf(&cause, "it was interrupted by a signal; %llu MiB of it were moved, "
			     "and stay where they are now",
			     (unsigned long long)(resize->moved_bytes / MIB)) < 0)
			cause = NULL;
		failure.cause = cause;
		failure.remedy = "the part is as large as before; say it again to go on";
	} else if (rc == -ENOSPC) {
		failure.cause = "the rest of the store has no room for what is in it";
		failure.remedy = "give the store another part (\"shadowadm store add\"), enlarge "
				 "one (\"shadowadm store resize\"), or delete shadows; nothing was "
				 "lost";
	} else if (rc == -ENOENT && resize->fault.reason != SHADOW_REASON_STORE_PART) {
		failure.cause = "the volume has no store";
		failure.remedy = "\"shadowadm store list\" shows the stores in use";
	} else if (rc == -EBUSY && resize->fault.reason != SHADOW_REASON_STORE_LAST) {
		failure.cause = "another change of the store is under way";
		failure.remedy = "try again when it is over";
	}
	rc = sc_fail(sc, rc, &failure);
	free(object);
	free(cause);
	return rc;
}

SC_EXPORT int shadowcopy_part_resize(struct shadowcopy *sc, struct shadow_dev dev, uint32_t part,
				     uint64_t max_bytes, uint64_t *moved_bytes)
{
	struct shadow_store_resize resize = { .dev = dev, .part = part, .max_bytes = max_bytes };
	int rc = shadowcopy_connect(sc);

	if (moved_bytes)
		*moved_bytes = 0;
	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_RESIZE, &resize);
	if (moved_bytes)
		*moved_bytes = resize.moved_bytes;
	return rc ? resize_failed(sc, rc, &resize) : 0;
}
