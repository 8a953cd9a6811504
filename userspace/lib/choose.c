// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * choose.c - which store a volume gets when nobody names one (VSS E-05).
 *
 *	1. the one that it has, where it has shadows
 *	2. what stores.conf has for it, or for all volumes
 *	3. a file without a name on a filesystem that is mounted for good:
 *	   a. on another disk than the volume, if there is room enough
 *	   b. on the volume itself, if there is room enough
 *	   c. on another filesystem of the same disk, if there is room enough
 *	   d. where there is most room
 *	4. memory
 *
 * Among equals, most room wins.  Such a file leaves nothing behind, but while it is
 * there its filesystem cannot be unmounted.  Hence "for good": the volume's own
 * filesystem, the root, and what /etc/fstab mounts at boot.  Left out are filesystems
 * that are frozen with the volumes or lie above them (a store there would wait for
 * itself), that have shadows of their own (each write of the store might be one to preserve
 * there), btrfs, where the file could not grow and would stand in the way of
 * snapshots, and ext2 and ext3, which have no files that are allocated in advance.
 */
#include <libmount.h>
#include <sys/statvfs.h>

#include "private.h"

#define MIB		(1ULL << 20)
#define ROOM_MIN	(64 * MIB)
#define DEVICES_MAX	256

/* A set of devices. */
struct devices {
	size_t count;
	struct shadow_dev dev[DEVICES_MAX];
};

struct choosing {
	struct shadowcopy *sc;
	struct sc_mounts *mounts;
	struct libmnt_table *fstab;	/* NULL: there is none */
	struct devices volumes;		/* of the set */
	struct devices above;		/* what is stacked on them */
	struct devices tracked;		/* others that have shadows */
	struct shadowcopy_candidate *candidates;
	size_t count;
};

/* --- sets of devices ------------------------------------------------------------ */

static bool contains(const struct devices *devices, struct shadow_dev dev)
{
	size_t i;

	for (i = 0; i < devices->count; i++)
		if (sc_dev_equal(devices->dev[i], dev))
			return true;
	return false;
}

/* False where it was there already, or there is no room. */
static bool include(struct devices *devices, struct shadow_dev dev)
{
	if (contains(devices, dev) || devices->count == DEVICES_MAX)
		return false;
	devices->dev[devices->count++] = dev;
	return true;
}

static bool overlap(const struct devices *a, const struct devices *b)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (contains(b, a->dev[i]))
			return true;
	return false;
}

static int include_above(void *data, struct shadow_dev dev)
{
	struct choosing *choosing = data;

	if (include(&choosing->above, dev))
		sc_sysfs_above(choosing->sc, choosing->mounts, dev, include_above, choosing);
	return 0;
}

/* --- disks ------------------------------------------------------------------------ */

struct below {
	struct shadowcopy *sc;
	struct devices passed;
	struct devices disks;
	const char *obstacle;
};

/* Disks that come and go, or that are files or other machines'. */
static const char *unfit_disk(struct shadowcopy *sc, struct shadow_dev dev, const char *name)
{
	static const char *const remote[] = { "nbd", "rbd", "drbd" };
	static const char *const made[] = { "loop", "zram", "ram", "shadow" };
	char line[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(remote); i++)
		if (!strncmp(name, remote[i], strlen(remote[i])))
			return "on another machine";
	for (i = 0; i < ARRAY_SIZE(made); i++)
		if (!strncmp(name, made[i], strlen(made[i])))
			return "not on a disk";
	if (!sc_read_line(sc, line, sizeof(line), "/sys/dev/block/%u:%u/removable", dev.major,
			  dev.minor) && !strcmp(line, "1"))
		return "removable";
	if (sc_on_usb(sc, dev))
		return "on USB";
	return NULL;
}

static int include_disk(void *data, struct shadow_dev dev)
{
	struct below *below = data;
	char name[32];
	int rc;

	if (!include(&below->passed, dev))
		return 0;
	if (sc_sysfs_name(below->sc, dev, name))
		return 0;
	if (!below->obstacle)
		below->obstacle = unfit_disk(below->sc, dev, name);
	rc = sc_sysfs_below(below->sc, dev, include_disk, below);
	if (!rc)
		include(&below->disks, dev);
	return rc < 0 ? rc : 1;
}

/* The disks that a device lies on in the end.  NULL, or why a store should not. */
static const char *disks_of(struct shadowcopy *sc, struct shadow_dev dev, struct devices *disks)
{
	struct below *below = calloc(1, sizeof(*below));
	const char *obstacle = NULL;

	disks->count = 0;
	if (!below)
		return NULL;
	below->sc = sc;
	include_disk(below, dev);
	*disks = below->disks;
	obstacle = below->obstacle;
	free(below);
	return obstacle;
}

/* --- candidates --------------------------------------------------------------------- */

static bool is_system_part(const char *target)
{
	static const char *const parts[] = { "/boot", "/efi" };
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		length = strlen(parts[i]);
		if (!strncmp(target, parts[i], length) &&
		    (!target[length] || target[length] == '/'))
			return true;
	}
	return false;
}

static bool mounted_at_boot(const struct choosing *choosing, const char *target)
{
	struct libmnt_fs *fs;

	if (!strcmp(target, "/"))
		return true;
	if (!choosing->fstab)
		return false;
	fs = mnt_table_find_target(choosing->fstab, target, MNT_ITER_FORWARD);
	return fs && mnt_fs_get_option(fs, "noauto", NULL, NULL) == 1;	/* it is not there */
}

/* Why a filesystem is not to be chosen, "" if it may be. */
static const char *obstacle_of(const struct choosing *choosing, const struct sc_mount *mount,
			       bool own, const char *of_disk)
{
	if (!sc_fs_fit(mount->fstype))
		return "its files cannot be mapped";
	if (!strcmp(mount->fstype, "btrfs"))
		return "a file on btrfs cannot grow; it must be named";
	if (!strcmp(mount->fstype, "ext2") || !strcmp(mount->fstype, "ext3"))
		return "it cannot allocate a file in advance";
	if (mount->read_only)
		return "read-only";
	if (own)
		return "";
	if (contains(&choosing->volumes, mount->dev))
		return "in the same set";
	if (contains(&choosing->above, mount->dev))
		return "stacked on a volume of the set";
	if (contains(&choosing->tracked, mount->dev))
		return "it has shadows of its own";
	if (of_disk)
		return of_disk;
	if (is_system_part(mount->target))
		return "for booting";
	if (!mounted_at_boot(choosing, mount->target))
		return "not mounted by /etc/fstab at boot";
	return "";
}

static struct shadowcopy_candidate *candidate_of(const struct choosing *choosing,
						 struct shadow_dev dev)
{
	size_t i;

	for (i = 0; i < choosing->count; i++)
		if (sc_dev_equal(choosing->candidates[i].dev, dev))
			return &choosing->candidates[i];
	return NULL;
}

static int add_candidate(void *data, const struct sc_mount *mount)
{
	struct choosing *choosing = data;
	struct shadowcopy_candidate *all, *candidate;
	struct statvfs vfs;

	/* the whole filesystem once, and no images */
	if (sc_dev_is_null(mount->dev) || candidate_of(choosing, mount->dev) ||
	    strlen(mount->target) >= sizeof(candidate->mountpoint) ||
	    statvfs(mount->target, &vfs) < 0)
		return 0;
	all = reallocarray(choosing->candidates, choosing->count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	choosing->candidates = all;
	candidate = &all[choosing->count++];
	memset(candidate, 0, sizeof(*candidate));
	candidate->dev = mount->dev;
	candidate->bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	candidate->free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	snprintf(candidate->fstype, sizeof(candidate->fstype), "%s", mount->fstype);
	snprintf(candidate->mountpoint, sizeof(candidate->mountpoint), "%s", mount->target);
	return 0;
}

/* What the candidates are for one volume of a set of @share. */
static void look_at(struct choosing *choosing, struct shadow_dev dev, size_t share)
{
	struct devices *own = calloc(2, sizeof(*own)), *disks = own ? own + 1 : NULL;
	unsigned int block = sc_logical_block(choosing->sc, dev);
	struct sc_mount mount;
	size_t i;

	if (!own)
		return;
	disks_of(choosing->sc, dev, own);
	for (i = 0; i < choosing->count; i++) {
		struct shadowcopy_candidate *candidate = &choosing->candidates[i];
		bool is_own = sc_dev_equal(candidate->dev, dev);
		const char *of_disk = disks_of(choosing->sc, candidate->dev, disks);

		candidate->flags = is_own ? SHADOWCOPY_CANDIDATE_OWN :
				   overlap(own, disks) ? 0 : SHADOWCOPY_CANDIDATE_APART;
		candidate->room_bytes = candidate->free_bytes / 2 / share;
		candidate->obstacle[0] = '\0';
		if (sc_mounts_by_dev(choosing->mounts, candidate->dev, &mount))
			snprintf(candidate->obstacle, sizeof(candidate->obstacle), "%s",
				 obstacle_of(choosing, &mount, is_own, of_disk));
		if (!*candidate->obstacle && block &&
		    sc_logical_block(choosing->sc, candidate->dev) > block)
			snprintf(candidate->obstacle, sizeof(candidate->obstacle),
				 "its logical blocks are larger than the volume's");
		if (!*candidate->obstacle && candidate->room_bytes < ROOM_MIN)
			snprintf(candidate->obstacle, sizeof(candidate->obstacle),
				 "too little room");
	}
	free(own);
}

static void note_tracked(struct choosing *choosing)
{
	struct shadow_volume_info info = { 0 };

	while (shadowcopy_volume_next(choosing->sc, &info) > 0)
		if (info.shadows)
			include(&choosing->tracked, info.dev);
}

static void finish(struct choosing *choosing)
{
	sc_mounts_free(choosing->mounts);
	mnt_unref_table(choosing->fstab);
	free(choosing->candidates);
	free(choosing);
}

static int begin(struct shadowcopy *sc, const struct shadow_dev *devs, size_t count,
		 struct choosing **choosingp)
{
	struct choosing *choosing = calloc(1, sizeof(*choosing));
	char *fstab = sc_path(sc, "/etc/fstab");
	size_t i;
	int rc;

	if (!choosing || !fstab) {
		free(choosing);
		free(fstab);
		return SC_FAIL(sc, -ENOMEM, .action = "choose a store");
	}
	choosing->sc = sc;
	choosing->fstab = mnt_new_table();
	if (choosing->fstab && mnt_table_parse_fstab(choosing->fstab, fstab)) {
		mnt_unref_table(choosing->fstab);
		choosing->fstab = NULL;
	}
	free(fstab);
	rc = sc_mounts_read(sc, &choosing->mounts);
	for (i = 0; !rc && i < count; i++) {
		include(&choosing->volumes, devs[i]);
		rc = sc_sysfs_above(sc, choosing->mounts, devs[i], include_above, choosing);
	}
	if (!rc)
		rc = sc_mounts_each(choosing->mounts, add_candidate, choosing);
	if (rc) {
		finish(choosing);
		return SC_FAIL(sc, rc, .action = "choose a store");
	}
	note_tracked(choosing);
	*choosingp = choosing;
	return 0;
}

/* --- the choice ------------------------------------------------------------------------ */

/* The rule by which a candidate would be chosen; 0: not at all. */
static uint32_t rule_of(const struct shadowcopy_candidate *candidate, uint64_t volume_bytes)
{
	if (*candidate->obstacle)
		return 0;
	if (candidate->room_bytes < volume_bytes / 10)
		return SHADOWCOPY_RULE_ROOM;
	if (candidate->flags & SHADOWCOPY_CANDIDATE_OWN)
		return SHADOWCOPY_RULE_OWN;
	return candidate->flags & SHADOWCOPY_CANDIDATE_APART ? SHADOWCOPY_RULE_APART :
		SHADOWCOPY_RULE_BESIDE;
}

static bool is_better(const struct shadowcopy_candidate *a, const struct shadowcopy_candidate *b,
		      uint64_t volume_bytes)
{
	uint32_t rule_a = rule_of(a, volume_bytes), rule_b = rule_of(b, volume_bytes);

	if (rule_a != rule_b)
		return rule_a && (!rule_b || rule_a < rule_b);
	if (a->room_bytes != b->room_bytes)
		return a->room_bytes > b->room_bytes;
	return a->flags & SHADOWCOPY_CANDIDATE_OWN;
}

/* The best one first. */
static void sort(struct choosing *choosing, uint64_t volume_bytes)
{
	struct shadowcopy_candidate *all = choosing->candidates, moved;
	size_t i, j;

	for (i = 1; i < choosing->count; i++) {
		moved = all[i];
		for (j = i; j && is_better(&moved, &all[j - 1], volume_bytes); j--)
			all[j] = all[j - 1];
		all[j] = moved;
	}
	if (choosing->count && rule_of(&all[0], volume_bytes))
		all[0].flags |= SHADOWCOPY_CANDIDATE_CHOSEN;
}

SC_EXPORT int shadowcopy_candidates(struct shadowcopy *sc, struct shadow_dev dev,
				    struct shadowcopy_candidate **candidatesp)
{
	struct shadowcopy_volume volume;
	struct choosing *choosing;
	int rc = begin(sc, &dev, 1, &choosing);

	*candidatesp = NULL;
	if (rc)
		return rc;
	shadowcopy_describe(sc, dev, &volume);
	look_at(choosing, dev, 1);
	sort(choosing, volume.bytes);
	rc = choosing->count;
	*candidatesp = choosing->candidates;
	choosing->candidates = NULL;
	finish(choosing);
	return rc;
}

static int add_store(struct shadowcopy *sc, struct shadowcopy_choice *choice,
		     const struct shadowcopy_store *store)
{
	struct shadowcopy_store *stores;

	stores = reallocarray(choice->stores, choice->count + 1, sizeof(*stores));
	if (!stores)
		return SC_FAIL(sc, -ENOMEM, .action = "choose a store");
	choice->stores = stores;
	stores[choice->count++] = *store;
	return 0;
}

static int choose_association(struct shadowcopy *sc, struct shadowcopy_choice *choice,
			      const struct shadowcopy_association *entry)
{
	struct shadowcopy_store *store = calloc(1, sizeof(*store));
	int rc;

	if (!store)
		return SC_FAIL(sc, -ENOMEM, .action = "choose a store");
	rc = shadowcopy_store_parse(sc, entry->store, store);
	store->max = entry->max;
	store->initial = entry->initial;
	rc = rc ? rc : add_store(sc, choice, store);
	if (entry->policy) {
		choice->policy = entry->policy;
		choice->throttle_ms = entry->throttle_ms;
	}
	free(store);
	return rc;
}

/* 1: something was chosen, 0: nothing, or a negative errno. */
static int choose_configured(struct shadowcopy *sc, struct shadowcopy_stores *stores,
			     struct shadow_dev dev, struct shadowcopy_choice *choice)
{
	const struct shadowcopy_association *entry;
	size_t index = 0;
	int rc;

	while ((entry = shadowcopy_stores_next(stores, dev, &index))) {
		choice->rule = SHADOWCOPY_RULE_ASSOCIATED;
		rc = choose_association(sc, choice, entry);
		if (rc)
			return rc;
	}
	if (choice->count)
		return 1;
	entry = shadowcopy_stores_default(stores);
	if (!entry)
		return 0;
	choice->rule = SHADOWCOPY_RULE_DEFAULT;
	rc = choose_association(sc, choice, entry);
	return rc ? rc : 1;
}

static int choose_place(struct choosing *choosing, const struct shadowcopy_volume *volume,
			struct shadowcopy_choice *choice)
{
	struct shadowcopy_store *store = calloc(1, sizeof(*store));
	const struct shadowcopy_candidate *best;
	int rc;

	if (!store)
		return SC_FAIL(choosing->sc, -ENOMEM, .action = "choose a store");
	look_at(choosing, volume->dev, choosing->volumes.count);
	sort(choosing, volume->bytes);
	best = choosing->candidates;
	choice->rule = choosing->count ? rule_of(best, volume->bytes) : 0;
	if (choice->rule) {
		store->type = SHADOW_STORE_FILE;
		store->flags = SHADOWCOPY_STORE_UNNAMED;
		snprintf(store->path, sizeof(store->path), "%s", best->mountpoint);
		/* more than its volume a store of one shadow never needs */
		store->max.bytes = best->room_bytes < volume->bytes ? best->room_bytes :
				   volume->bytes;
	} else {
		choice->rule = SHADOWCOPY_RULE_MEMORY;
		store->type = SHADOW_STORE_MEMORY;
	}
	rc = add_store(choosing->sc, choice, store);
	free(store);
	return rc;
}

static int choose_each(struct choosing *choosing, struct shadowcopy_stores *stores,
		       const struct shadowcopy_volume *volumes, size_t count,
		       struct shadowcopy_choice *choices)
{
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		if (choices[i].rule)
			continue;
		if (contains(&choosing->tracked, volumes[i].dev)) {
			choices[i].rule = SHADOWCOPY_RULE_KEPT;
			continue;
		}
		rc = choose_configured(choosing->sc, stores, volumes[i].dev, &choices[i]);
		if (!rc)
			rc = choose_place(choosing, &volumes[i], &choices[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

SC_EXPORT int shadowcopy_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volumes,
				size_t count, struct shadowcopy_choice *choices)
{
	struct shadow_dev *devs = calloc(count + 1, sizeof(*devs));
	struct shadowcopy_stores *stores = NULL;
	struct choosing *choosing = NULL;
	size_t i;
	int rc;

	if (!devs)
		return SC_FAIL(sc, -ENOMEM, .action = "choose a store");
	for (i = 0; i < count; i++)
		devs[i] = volumes[i].dev;
	rc = shadowcopy_stores_open(sc, 0, &stores);
	rc = rc ? rc : begin(sc, devs, count, &choosing);
	rc = rc ? rc : choose_each(choosing, stores, volumes, count, choices);
	if (choosing)
		finish(choosing);
	shadowcopy_stores_close(stores);
	free(devs);
	return rc;
}

SC_EXPORT void shadowcopy_choice_clear(struct shadowcopy_choice *choice)
{
	free(choice->stores);
	*choice = (struct shadowcopy_choice){ 0 };
}
