// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * plan.c - which devices a set must freeze, and in which order.
 *
 * A shadow of a disk is only as good as what lies above the disk: partitions,
 * dm and md devices, loop devices over files.  So is a copy that somebody else makes of it
 * while it is held.  Beginning with the volumes that are to get shadows, or to be held,
 * the plan follows sysfs upwards until nothing new turns
 * up, and notes each "A is above B" on the way.  Every device found is to be
 * frozen, whether or not a filesystem can be seen on it: it may be mounted in a
 * namespace that cannot be seen, and freezing a device without a filesystem is
 * no more than a sync.
 *
 * The order is a topological one: nothing goes before what is above it, or
 * freezing the upper filesystem would have to write to a frozen lower one.
 * Among the devices that may go next, the one of the root filesystem goes last:
 * once it is frozen, any program that touches a file may stop.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshadowcopy-provider.h"
#include "private.h"

struct node {
	struct shadowcopy_plan_entry entry;
	char name[32];
	char path[SHADOWCOPY_PATH_MAX];
	char fstype[32];
	char *mountpoint;
	char warning[256];
	bool root;
	struct shadow_store_spec *parts;	/* of the store, besides entry.store */
	size_t part_count;
};

struct shadowcopy_plan {
	struct shadowcopy *sc;
	size_t count;
	bool computed;
	struct node *nodes[SHADOW_MAX_FREEZE];
	/* above[a][b]: device a is directly stacked on device b */
	bool above[SHADOW_MAX_FREEZE][SHADOW_MAX_FREEZE];
};

#define ACTION "find what must be frozen for"
#define VOLUME (SHADOW_ADD_SHADOW | SHADOW_ADD_HOLD)	/* asked for, not only found above */

SC_EXPORT int shadowcopy_plan_new(struct shadowcopy *sc, struct shadowcopy_plan **planp)
{
	*planp = calloc(1, sizeof(**planp));
	if (!*planp)
		return SC_FAIL(sc, -ENOMEM, .action = "plan the set");
	(*planp)->sc = sc;
	return 0;
}

SC_EXPORT void shadowcopy_plan_free(struct shadowcopy_plan *plan)
{
	size_t i;

	if (!plan)
		return;
	for (i = 0; i < plan->count; i++) {
		free(plan->nodes[i]->mountpoint);
		free(plan->nodes[i]->parts);
		free(plan->nodes[i]);
	}
	free(plan);
}

static ssize_t node_index(const struct shadowcopy_plan *plan, struct shadow_dev dev)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		if (sc_dev_equal(plan->nodes[i]->entry.dev, dev))
			return i;
	return -1;
}

/* Its index, or a negative errno. */
static ssize_t node_add(struct shadowcopy_plan *plan, struct shadow_dev dev, uint32_t flags)
{
	struct shadowcopy_volume volume;
	struct node *node;

	if (plan->count == ARRAY_SIZE(plan->nodes))
		return -E2BIG;
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	shadowcopy_describe(plan->sc, dev, &volume);
	memcpy(node->name, volume.name, sizeof(node->name));
	memcpy(node->path, volume.path, sizeof(node->path));
	node->entry.dev = dev;
	node->entry.flags = flags;
	node->entry.name = node->name;
	node->entry.path = node->path;
	node->entry.fstype = node->fstype;
	node->entry.mountpoint = "";
	node->entry.warning = node->warning;
	plan->nodes[plan->count] = node;
	return plan->count++;
}

static int plan_failed(struct shadowcopy_plan *plan, int rc, const char *object)
{
	if (rc == -E2BIG)
		return SC_FAIL(plan->sc, rc, .action = ACTION, .object = object,
			       .cause = "more devices are stacked on the volumes than one set can "
					"freeze",
			       .remedy = "divide the volumes among several sets");
	return SC_FAIL(plan->sc, rc, .action = ACTION, .object = object);
}

/* Its index, or a negative errno with the error set. */
static ssize_t volume_add(struct shadowcopy_plan *plan, struct shadow_dev dev, uint32_t flags)
{
	char label[SHADOWCOPY_PATH_MAX];
	ssize_t index = node_index(plan, dev);

	sc_dev_label(plan->sc, dev, label, sizeof(label));
	if (index >= 0)
		return SC_FAIL(plan->sc, -EEXIST, .action = sc_add_action(flags), .object = label,
			       .cause = "it was named twice",
			       .remedy = "name each volume once; a mount point and its device are "
					 "the same volume");
	index = node_add(plan, dev, flags);
	if (index < 0)
		return plan_failed(plan, index, label);
	/* A named swap device gets its shadow, but there is nothing to freeze. */
	if (!sc_is_swap(plan->sc, dev))
		plan->nodes[index]->entry.flags |= SHADOW_ADD_FREEZE;
	return index;
}

SC_EXPORT int shadowcopy_plan_volume(struct shadowcopy_plan *plan, struct shadow_dev dev,
				     const struct shadow_store_spec *store)
{
	ssize_t index = volume_add(plan, dev, SHADOW_ADD_SHADOW);

	if (index < 0)
		return index;
	if (store)
		plan->nodes[index]->entry.store = *store;
	return 0;
}

SC_EXPORT int shadowcopy_plan_held(struct shadowcopy_plan *plan, struct shadow_dev dev)
{
	ssize_t index = volume_add(plan, dev, SHADOW_ADD_HOLD);

	return index < 0 ? index : 0;
}

SC_EXPORT int shadowcopy_plan_part(struct shadowcopy_plan *plan, struct shadow_dev dev,
				   const struct shadow_store_spec *store)
{
	ssize_t index = node_index(plan, dev);
	struct shadow_store_spec *parts;
	char label[SHADOWCOPY_PATH_MAX];
	struct node *node;

	if (index < 0 || !(plan->nodes[index]->entry.flags & SHADOW_ADD_SHADOW)) {
		sc_dev_label(plan->sc, dev, label, sizeof(label));
		return SC_FAIL(plan->sc, -ENOENT, .action = "plan the store of", .object = label,
			       .cause = "it is not in the plan");
	}
	node = plan->nodes[index];
	parts = reallocarray(node->parts, node->part_count + 1, sizeof(*parts));
	if (!parts)
		return SC_FAIL(plan->sc, -ENOMEM, .action = "plan the store of",
			       .object = node->path);
	node->parts = parts;
	parts[node->part_count++] = *store;
	return 0;
}

/* --- upwards ------------------------------------------------------------ */

struct climb {
	struct shadowcopy_plan *plan;
	size_t below;
};

static int found_above(void *data, struct shadow_dev dev)
{
	struct climb *climb = data;
	struct shadowcopy_plan *plan = climb->plan;
	ssize_t index = node_index(plan, dev);

	if (index < 0) {
		if (sc_is_swap(plan->sc, dev))
			return 0;
		index = node_add(plan, dev, SHADOW_ADD_FREEZE);
		if (index < 0)
			return index;
	}
	if ((size_t)index != climb->below)
		plan->above[index][climb->below] = true;
	return 0;
}

/* What is mounted on the node, and whether freezing the device stops it. */
static int look_at(struct shadowcopy_plan *plan, struct sc_mounts *mounts, struct node *node)
{
	unsigned int devices;
	struct sc_mount mount;

	if (sc_mounts_by_dev(mounts, node->entry.dev, &mount)) {
		snprintf(node->fstype, sizeof(node->fstype), "%s", mount.fstype);
		node->mountpoint = strdup(mount.target);
		if (!node->mountpoint)
			return -ENOMEM;
		node->entry.mountpoint = node->mountpoint;
		node->entry.writable = !mount.read_only;
	} else {
		sc_fs_in_sysfs(plan->sc, node->name, node->fstype);
	}
	node->root = sc_mounts_root(mounts, &mount) &&
		     sc_dev_equal(mount.dev, node->entry.dev);

	if (!strcmp(node->fstype, "btrfs")) {
		devices = sc_btrfs_devices(plan->sc, node->name, NULL, NULL);
		if (!sc_btrfs_freezes(plan->sc, devices ?: 1))
			snprintf(node->warning, sizeof(node->warning),
				 "crash-consistent (btrfs not frozen)");
	} else if (!strcmp(node->fstype, "fuseblk")) {
		snprintf(node->warning, sizeof(node->warning),
			 "crash-consistent (filesystem in user space not frozen)");
	}
	return 0;
}

/* --- order -------------------------------------------------------------- */

static bool is_free(const struct shadowcopy_plan *plan, const bool *placed, size_t index)
{
	size_t i;

	if (placed[index])
		return false;
	for (i = 0; i < plan->count; i++)
		if (plan->above[i][index] && !placed[i])
			return false;
	return true;
}

/* The first device that may go next, the root filesystem's if there is no other. */
static ssize_t choose(const struct shadowcopy_plan *plan, const bool *placed)
{
	ssize_t root = -1;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		if (!is_free(plan, placed, i))
			continue;
		if (!plan->nodes[i]->root)
			return i;
		root = i;
	}
	return root;
}

static int sort(struct shadowcopy_plan *plan, size_t *order)
{
	bool placed[SHADOW_MAX_FREEZE] = { false };
	ssize_t next;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		next = choose(plan, placed);
		if (next < 0)
			return -ELOOP;
		placed[next] = true;
		order[i] = next;
	}
	return 0;
}

/* --- how good the shadows will be --------------------------------------- */

/* Is @upper above @lower, directly or not? */
static bool is_above(const struct shadowcopy_plan *plan, size_t upper, size_t lower,
		     bool *visited)
{
	size_t i;

	if (plan->above[upper][lower])
		return true;
	visited[lower] = true;
	for (i = 0; i < plan->count; i++)
		if (plan->above[i][lower] && !visited[i] && is_above(plan, upper, i, visited))
			return true;
	return false;
}

/* Does it, or something that it lies on, get a shadow, or is it held for another copy? */
static bool is_covered(const struct shadowcopy_plan *plan, size_t index)
{
	size_t i;

	for (i = 0; i < plan->count; i++) {
		bool visited[SHADOW_MAX_FREEZE] = { false };

		if (plan->nodes[i]->entry.flags & VOLUME &&
		    (i == index || is_above(plan, index, i, visited)))
			return true;
	}
	return false;
}

/*
 * A store on something that lies on its own volume would have its writes come
 * back to that volume and wait there for themselves.  The module sees the two
 * only where they are on the same disk.
 */
static int check_store(struct shadowcopy_plan *plan, struct sc_mounts *mounts, size_t index,
		       const struct shadow_store_spec *store)
{
	struct shadow_fault fault = {
		.error = EINVAL, .phase = SHADOW_PHASE_STORE,
		.reason = SHADOW_REASON_STORE_ON_VOLUME, .dev = store->dev,
	};
	bool visited[SHADOW_MAX_FREEZE] = { false };
	struct sc_mount mount;
	ssize_t at = -1;

	if (store->type == SHADOW_STORE_DEVICE)
		at = node_index(plan, store->dev);
	else if (store->type == SHADOW_STORE_FILE && store->fd > 0 &&
		 sc_mounts_by_fd(mounts, store->fd, &mount))
		at = node_index(plan, fault.dev = mount.dev);
	/* a file may be on the volume itself: the module knows which blocks are its */
	if (store->type == SHADOW_STORE_FILE &&
	    !sc_store_comes_back(plan->sc, plan->nodes[index]->entry.dev, store))
		return 0;
	if (at >= 0 && ((size_t)at == index || is_above(plan, at, index, visited)))
		return SC_FAIL(plan->sc, -EINVAL, .action = "set up the store for",
			       .object = plan->nodes[index]->path, .fault = &fault);
	return 0;
}

static int check_stores(struct shadowcopy_plan *plan, struct sc_mounts *mounts)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; !rc && i < plan->count; i++) {
		const struct node *node = plan->nodes[i];

		rc = check_store(plan, mounts, i, &node->entry.store);
		for (j = 0; !rc && j < node->part_count; j++)
			rc = check_store(plan, mounts, i, &node->parts[j]);
	}
	return rc;
}

struct membership {
	struct shadowcopy_plan *plan;
	bool missing;
};

static void check_member(void *data, const char *member)
{
	struct membership *membership = data;
	struct shadow_dev dev;
	ssize_t index;

	if (sc_sysfs_dev(membership->plan->sc, member, &dev))
		return;
	index = node_index(membership->plan, dev);
	if (index < 0 || !is_covered(membership->plan, index))
		membership->missing = true;
}

static void judge(struct shadowcopy_plan *plan, size_t index)
{
	struct shadowcopy_plan_entry *entry = &plan->nodes[index]->entry;
	struct membership membership = { .plan = plan };
	struct node *node = plan->nodes[index];
	const char *warning = NULL;
	bool mounted = false;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		bool visited[SHADOW_MAX_FREEZE] = { false };

		if (i != index && !is_above(plan, i, index, visited))
			continue;
		if (*plan->nodes[i]->fstype)
			mounted = true;
		if (*plan->nodes[i]->warning)
			warning = plan->nodes[i]->warning;
		sc_btrfs_devices(plan->sc, plan->nodes[i]->name, check_member, &membership);
	}
	if (membership.missing)
		warning = "incomplete (btrfs has more devices than are in the set)";
	if (warning && warning != node->warning)
		snprintf(node->warning, sizeof(node->warning), "%s", warning);
	entry->consistency = warning ? SHADOWCOPY_CONSISTENT_CRASH :
			     mounted ? SHADOWCOPY_CONSISTENT_FS : SHADOWCOPY_CONSISTENT_RAW;
}

/* --- all of it ---------------------------------------------------------- */

static int climb(struct shadowcopy_plan *plan, struct sc_mounts *mounts)
{
	struct climb climb = { .plan = plan };
	int rc;

	/* the list grows at its end while it is walked */
	for (climb.below = 0; climb.below < plan->count; climb.below++) {
		struct node *node = plan->nodes[climb.below];

		rc = sc_sysfs_above(plan->sc, mounts, node->entry.dev, found_above, &climb);
		if (!rc)
			rc = look_at(plan, mounts, node);
		if (rc)
			return plan_failed(plan, rc, node->path);
	}
	return 0;
}

SC_EXPORT int shadowcopy_plan_compute(struct shadowcopy_plan *plan)
{
	size_t order[SHADOW_MAX_FREEZE], i;
	struct node *nodes[SHADOW_MAX_FREEZE];
	struct sc_mounts *mounts;
	int rc;

	rc = sc_mounts_read(plan->sc, &mounts);
	if (rc)
		return SC_FAIL(plan->sc, rc, .action = "read the mount table",
			       .object = "/proc/self/mountinfo");
	rc = climb(plan, mounts);
	rc = rc ? rc : check_stores(plan, mounts);
	sc_mounts_free(mounts);
	if (rc)
		return rc;

	rc = sort(plan, order);
	if (rc)
		return SC_FAIL(plan->sc, rc, .action = "find the order to freeze the devices in",
			       .cause = "they are stacked on each other in a circle",
			       .remedy = "see \"lsblk\" and \"losetup -l\" for the circle");
	for (i = 0; i < plan->count; i++)
		if (plan->nodes[i]->entry.flags & VOLUME)
			judge(plan, i);

	memcpy(nodes, plan->nodes, sizeof(nodes));
	for (i = 0; i < plan->count; i++)
		plan->nodes[i] = nodes[order[i]];
	plan->computed = true;
	return 0;
}

SC_EXPORT size_t shadowcopy_plan_count(const struct shadowcopy_plan *plan)
{
	return plan->count;
}

SC_EXPORT const struct shadowcopy_plan_entry *
shadowcopy_plan_entry(const struct shadowcopy_plan *plan, size_t index)
{
	return index < plan->count ? &plan->nodes[index]->entry : NULL;
}

static int sync_visible(const struct node *node)
{
	/* a mount point may be a file, and a file may be anything */
	int fd = open(node->mountpoint, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (syncfs(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * A filesystem that is mounted in another namespace only.  Flushing the device
 * makes the kernel sync the filesystem on it, wherever that is mounted; it also
 * drops clean buffers, so it is not done where syncfs() can be.
 */
static int sync_hidden(const struct node *node)
{
	int fd = open(node->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) ||
	    !sc_dev_equal(sc_dev_from_devno(st.st_rdev), node->entry.dev))
		rc = -ENODEV;
	else if (ioctl(fd, BLKFLSBUF) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

SC_EXPORT int shadowcopy_plan_sync(struct shadowcopy_plan *plan)
{
	int rc, synced = 0;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		struct node *node = plan->nodes[i];

		if (!*node->fstype || plan->sc->sysroot)
			continue;
		rc = node->mountpoint ? sync_visible(node) : sync_hidden(node);
		if (!rc)
			synced++;
		else if (!*node->warning)
			snprintf(node->warning, sizeof(node->warning),
				 "could not be written out beforehand (%s)", strerror(-rc));
	}
	return synced;
}

SC_EXPORT int shadowcopy_plan_apply(struct shadowcopy_plan *plan, struct shadowcopy_set *set)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; !rc && i < plan->count; i++) {
		struct node *node = plan->nodes[i];
		struct shadowcopy_plan_entry *entry = &node->entry;
		bool shadow = entry->flags & SHADOW_ADD_SHADOW;

		rc = shadowcopy_set_add(set, entry->dev, entry->flags,
					shadow ? &entry->store : NULL,
					shadow ? &entry->shadow : NULL);
		for (j = 0; !rc && j < node->part_count; j++)
			rc = shadowcopy_part_add(plan->sc, entry->dev, &node->parts[j], NULL);
	}
	return rc;
}
