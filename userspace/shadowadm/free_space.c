// SPDX-License-Identifier: GPL-2.0-only
/*
 * free_space.c - finds what was free on a shadow, and tells the module.
 *
 * A shadow does not change, so its filesystem can be asked at leisure what was free at
 * the instant.  From then on nothing of that is preserved: new files cost no copying.
 *
 * Only what is certain is told.  A block that the filesystem calls free while something
 * that was not written yet (a journal to be replayed) makes it live would be zeros in the
 * shadow.  So each finder says first why its filesystem is at rest; where it is not, all
 * of it is preserved as ever.
 *
 * "At rest" is a matter of each filesystem, not of the volume: of a disk's partitions one
 * can be mounted and frozen while another has had no clean end.  Only what was mounted for
 * writing is written out by the freeze.  And what is found must be what is used: where there
 * is a table of partitions besides a filesystem or a swap area, one of them is left over,
 * and what something stacked on the device makes of it is not known here.
 */
#include <dirent.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <fcntl.h>
#include <unistd.h>
#include <linux/fs.h>

#include "filesystem.h"
#include "free_space.h"
#include "users.h"

int free_space_unknown(struct free_space *space, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(space->why, sizeof(space->why), format, args);
	va_end(args);
	return error;
}

static int tell(struct free_space *space)
{
	int rc = 0;

	if (space->count)
		rc = shadowcopy_mark_free(space->context->sc, space->shadow, space->ranges,
					  space->count, NULL);
	space->count = 0;
	if (!rc)
		return 0;
	return free_space_unknown(space, rc, "%s", shadowcopy_last_error(space->context->sc)->text);
}

int free_space_add(struct free_space *space, uint64_t first, uint64_t bytes)
{
	struct shadow_free_range *last;

	/* A filesystem that is larger than its device is not what it seems to be. */
	if (first > space->bytes || bytes > space->bytes - first)
		return free_space_unknown(space, -ERANGE, "its filesystem reaches beyond its end");
	first += space->base;
	if (space->count) {
		last = &space->ranges[space->count - 1];
		if (last->first + last->bytes == first) {
			last->bytes += bytes;
			return 0;
		}
	}
	if (space->count == FREE_BATCH && tell(space))
		return -EIO;
	space->ranges[space->count++] = (struct shadow_free_range){ first, bytes };
	return 0;
}

static const struct {
	const char *type;
	int (*find)(struct free_space *space);
} finders[] = {
	{ "ext2", free_space_ext },
	{ "ext3", free_space_ext },
	{ "ext4", free_space_ext },
	{ "xfs", free_space_xfs },
	{ "btrfs", free_space_btrfs },
	{ "swap", free_space_swap },
};

static uint64_t size_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;

	if (fd < 0)
		return 0;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		bytes = 0;
	close(fd);
	return bytes;
}

/* A partition's place on its disk, from sysfs. */
static bool partition_start(const char *name, uint64_t *bytes)
{
	unsigned long long sectors;
	char path[128];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/sys/class/block/%s/start", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%llu", &sectors) == 1;
	fclose(file);
	*bytes = sectors * 512;
	return good;
}

/* The disk that a partition is on, likewise. */
static bool partition_disk(const char *name, struct shadow_dev *disk)
{
	char path[128];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/sys/class/block/%s/../dev", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%u:%u", &disk->major, &disk->minor) == 2;
	fclose(file);
	return good;
}

/* The device whose shadow is looked at, the volume or a partition of it; NULL: none. */
static const struct shadowcopy_plan_entry *original_of(const struct free_space *space)
{
	const struct shadowcopy_plan_entry *entry;
	struct shadow_dev disk;
	uint64_t start;
	size_t i;

	for (i = 0; (entry = shadowcopy_plan_entry(space->plan, i)); i++)
		if (!space->base ? dev_equal(entry->dev, space->volume) :
		    partition_disk(entry->name, &disk) && dev_equal(disk, space->volume) &&
		    partition_start(entry->name, &start) && start == space->base)
			return entry;
	return NULL;
}

/* Is something stacked on a device? */
static bool is_held(const char *name)
{
	struct dirent **holders;
	char path[128];
	int count, i;

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", name);
	count = scandir(path, &holders, NULL, NULL);
	for (i = 0; i < count; i++)
		free(holders[i]);
	if (count >= 0)
		free(holders);
	return count > 2;	/* "." and ".." */
}

/* Is it certain who uses the device, and how? */
static int check_use(struct free_space *space, const struct filesystem *fs)
{
	const struct shadowcopy_plan_entry *original = original_of(space);

	space->frozen = original && original->flags & SHADOW_ADD_FREEZE && original->writable &&
			!*original->warning;
	if (fs->several)
		return free_space_unknown(space, -EBUSY, "there is a table of partitions, too, and "
					  "one of them is left over");
	if (original && !*original->mountpoint && is_held(original->name))
		return free_space_unknown(space, -EBUSY, "something is stacked on %s, which alone "
					  "knows what is in use", original->path);
	return 0;
}

static void find(struct free_space *space, const struct filesystem *fs)
{
	const char *type = *fs->type ? fs->type : fs->other;
	size_t i;
	int rc = 0;

	space->bytes = size_of(space->path);
	for (i = 0; i < ARRAY_SIZE(finders); i++)
		if (!strcmp(finders[i].type, type)) {
			progress(space->context, "looking for free space on %s (%s)", space->path,
				 type);
			rc = check_use(space, fs) ?: finders[i].find(space);
			if (!rc)
				rc = tell(space);
			else
				tell(space);	/* what is certain */
		}
	if (rc)
		warn(space->context, "not all free space of %s is known, and what is not is "
		     "preserved like data: %s", space->path, *space->why ? space->why :
		     strerror(-rc));
}

static void find_on_partition(void *data, const char *name, unsigned int number,
			      struct shadow_dev dev)
{
	struct free_space *space = data;
	char path[IMAGE_PATH_LEN];
	struct filesystem fs;

	(void)number;
	(void)dev;
	snprintf(path, sizeof(path), "/dev/%.31s", name);
	space->path = path;
	space->why[0] = '\0';
	if (partition_start(name, &space->base) && !filesystem_probe(path, ACCESS_NO_WRITE, &fs))
		find(space, &fs);
}

void free_space_tell(struct context *context, const struct shadow_shadow_info *info,
		     const struct shadowcopy_plan *plan)
{
	struct free_space space = {
		.context = context, .shadow = &info->uuid, .volume = info->volume, .plan = plan,
		.writable = info->flags & SHADOW_SET_WRITABLE,
	};
	char path[IMAGE_PATH_LEN];
	struct filesystem fs;

	space.path = image_path(info, path);
	if (info->state == SHADOW_STATE_LOST || filesystem_probe(path, ACCESS_NO_WRITE, &fs))
		return;
	space.ranges = calloc(FREE_BATCH, sizeof(*space.ranges));
	if (!space.ranges)
		return;
	if (*fs.type || *fs.other)
		find(&space, &fs);
	if (!*fs.type && !fs.several)
		partitions_of(info, find_on_partition, &space);
	free(space.ranges);
}
