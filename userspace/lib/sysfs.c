// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysfs.c - block devices as sysfs shows them: names, sizes, and what is
 * stacked on what.
 *
 * Device numbers are the identity throughout.  Device nodes are not needed: in
 * a chroot or another mount namespace /dev may be bare, sysfs is the same.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "private.h"

struct shadow_dev sc_dev_from_devno(dev_t devno)
{
	return (struct shadow_dev){ .major = major(devno), .minor = minor(devno) };
}

int sc_dev_parse(const char *text, struct shadow_dev *dev)
{
	int end = 0;

	if (sscanf(text, "%u:%u%n", &dev->major, &dev->minor, &end) != 2 || text[end])
		return -EINVAL;
	return 0;
}

SC_PRINTF(2, 0)
static char *path_va(const struct shadowcopy *sc, const char *format, va_list args)
{
	char *relative, *path;
	int rc;

	if (vasprintf(&relative, format, args) < 0)
		return NULL;
	if (!sc->sysroot)
		return relative;
	rc = asprintf(&path, "%s%s", sc->sysroot, relative);
	free(relative);
	return rc < 0 ? NULL : path;
}

char *sc_path(const struct shadowcopy *sc, const char *format, ...)
{
	va_list args;
	char *path;

	va_start(args, format);
	path = path_va(sc, format, args);
	va_end(args);
	return path;
}

int sc_read_line(const struct shadowcopy *sc, char *buf, size_t size, const char *format, ...)
{
	va_list args;
	char *path;
	FILE *file;
	int rc = 0;

	buf[0] = '\0';
	va_start(args, format);
	path = path_va(sc, format, args);
	va_end(args);
	if (!path)
		return -ENOMEM;
	file = fopen(path, "re");
	rc = -errno;
	free(path);
	if (!file)
		return rc;
	rc = fgets(buf, size, file) || !ferror(file) ? 0 : -EIO;
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
	return rc;
}

bool sc_exists(const struct shadowcopy *sc, const char *format, ...)
{
	va_list args;
	char *path;
	bool exists;

	va_start(args, format);
	path = path_va(sc, format, args);
	va_end(args);
	exists = path && !access(path, F_OK);
	free(path);
	return exists;
}

int sc_sysfs_name(const struct shadowcopy *sc, struct shadow_dev dev, char name[32])
{
	char *path = sc_path(sc, "/sys/dev/block/%u:%u", dev.major, dev.minor);
	char target[PATH_MAX];
	const char *base;
	ssize_t length;
	size_t i;

	if (!path)
		return -ENODEV;
	length = readlink(path, target, sizeof(target) - 1);
	free(path);
	if (length < 0)
		return -ENODEV;
	target[length] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (snprintf(name, 32, "%s", base) >= 32)
		return -ENODEV;
	/* sysfs writes ! for the / in a name such as cciss/c0d0 */
	for (i = 0; name[i]; i++)
		if (name[i] == '!')
			name[i] = '/';
	return 0;
}

/* The directory name in sysfs for a kernel name. */
static void sysfs_spelling(const char *name, char spelled[32])
{
	size_t i;

	for (i = 0; name[i] && i < 31; i++)
		spelled[i] = name[i] == '/' ? '!' : name[i];
	spelled[i] = '\0';
}

int sc_sysfs_dev(const struct shadowcopy *sc, const char *name, struct shadow_dev *dev)
{
	char spelled[32], line[32];

	if (strlen(name) >= sizeof(spelled))
		return -ENODEV;
	sysfs_spelling(name, spelled);
	if (spelled[0] == '.' ||
	    sc_read_line(sc, line, sizeof(line), "/sys/class/block/%s/dev", spelled) ||
	    sc_dev_parse(line, dev))
		return -ENODEV;
	return 0;
}

SC_EXPORT int shadowcopy_describe(struct shadowcopy *sc, struct shadow_dev dev,
				  struct shadowcopy_volume *volume)
{
	char line[128];

	memset(volume, 0, sizeof(*volume));
	volume->dev = dev;
	if (sc_sysfs_name(sc, dev, volume->name)) {
		snprintf(volume->name, sizeof(volume->name), "%u:%u", dev.major, dev.minor);
		snprintf(volume->path, sizeof(volume->path), "%s", volume->name);
		return -ENODEV;
	}
	snprintf(volume->path, sizeof(volume->path), "/dev/%s", volume->name);
	if (!sc_read_line(sc, line, sizeof(line), "/sys/dev/block/%u:%u/dm/name",
			  dev.major, dev.minor) && *line)
		snprintf(volume->path, sizeof(volume->path), "/dev/mapper/%s", line);
	if (!sc_read_line(sc, line, sizeof(line), "/sys/dev/block/%u:%u/size",
			  dev.major, dev.minor))
		volume->bytes = strtoull(line, NULL, 10) * 512;
	return 0;
}

void sc_dev_label(const struct shadowcopy *sc, struct shadow_dev dev, char *buf, size_t size)
{
	struct shadowcopy_volume volume;

	/* describe() changes nothing in the handle */
	if (shadowcopy_describe((struct shadowcopy *)sc, dev, &volume))
		snprintf(buf, size, "block device %u:%u", dev.major, dev.minor);
	else
		snprintf(buf, size, "%s", volume.path);
}

/* --- upwards ------------------------------------------------------------ */

struct walk {
	const struct shadowcopy *sc;
	int (*fn)(void *data, struct shadow_dev above);
	void *data;
};

/*
 * Call the walk's function for each entry below @dir that is a device: that
 * has a file "dev" and, for partitions, one called "partition".
 */
static int each_device_in(const struct walk *walk, bool partitions, const char *dir)
{
	char line[32];
	struct shadow_dev dev;
	struct dirent *entry;
	char *path = sc_path(walk->sc, "%s", dir);
	DIR *stream;
	int rc = 0;

	if (!path)
		return -ENOMEM;
	stream = opendir(path);
	free(path);
	if (!stream)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		if (partitions && !sc_exists(walk->sc, "%s/%s/partition", dir, entry->d_name))
			continue;
		if (sc_read_line(walk->sc, line, sizeof(line), "%s/%s/dev", dir,
				 entry->d_name) || sc_dev_parse(line, &dev))
			continue;
		rc = walk->fn(walk->data, dev);
	}
	closedir(stream);
	return rc;
}

/*
 * Ask the driver for the device that a loop device's file lies on, or is.  It
 * knows where a path does not help: in other namespaces, and for deleted files.
 * 0:0 where no single block device is behind the file's filesystem.
 */
static bool ask_loop(const char *loop, struct shadow_dev *dev)
{
	struct loop_info64 info;
	char node[64];
	int fd, rc;

	snprintf(node, sizeof(node), "/dev/%s", loop);
	fd = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	rc = ioctl(fd, LOOP_GET_STATUS64, &info);
	close(fd);
	if (rc)
		return false;
	*dev = sc_dev_from_devno((dev_t)(info.lo_rdevice ?: info.lo_device));
	if (!dev->major)
		*dev = (struct shadow_dev){ 0 };
	return true;
}

/* Is what the loop device makes a device of on @below, or @below itself? */
static bool loop_lies_on(const struct shadowcopy *sc, struct sc_mounts *mounts,
			 const char *loop, struct shadow_dev below)
{
	char file[PATH_MAX];
	struct sc_mount mount;
	struct shadow_dev dev;

	if (sc_read_line(sc, file, sizeof(file), "/sys/block/%s/loop/backing_file", loop))
		return false;
	if (!sc->sysroot && ask_loop(loop, &dev) && !sc_dev_is_null(dev))
		return sc_dev_equal(dev, below);
	if (!strncmp(file, "/dev/", 5) && !sc_sysfs_dev(sc, file + 5, &dev))
		return sc_dev_equal(dev, below);
	return sc_mounts_by_path(mounts, file, &mount) && sc_dev_equal(mount.dev, below);
}

static int each_loop_on(const struct walk *walk, struct sc_mounts *mounts,
			struct shadow_dev below)
{
	char *path = sc_path(walk->sc, "/sys/block");
	struct shadow_dev dev;
	struct dirent *entry;
	DIR *stream;
	int rc = 0;

	if (!path)
		return -ENOMEM;
	stream = opendir(path);
	free(path);
	if (!stream)
		return 0;
	while (!rc && (entry = readdir(stream)))
		if (!strncmp(entry->d_name, "loop", 4) &&
		    loop_lies_on(walk->sc, mounts, entry->d_name, below) &&
		    !sc_sysfs_dev(walk->sc, entry->d_name, &dev))
			rc = walk->fn(walk->data, dev);
	closedir(stream);
	return rc;
}

int sc_sysfs_above(const struct shadowcopy *sc, struct sc_mounts *mounts,
		   struct shadow_dev dev,
		   int (*fn)(void *data, struct shadow_dev above), void *data)
{
	struct walk walk = { .sc = sc, .fn = fn, .data = data };
	char dir[64];
	int rc;

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", dev.major, dev.minor);
	rc = each_device_in(&walk, true, dir);
	if (rc)
		return rc;
	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u/holders", dev.major, dev.minor);
	rc = each_device_in(&walk, false, dir);
	if (rc)
		return rc;
	return each_loop_on(&walk, mounts, dev);
}

/* --- downwards ---------------------------------------------------------- */

#define DEPTH_MAX 16	/* of devices on devices */

struct count {
	int (*fn)(void *data, struct shadow_dev below);
	void *data;
	int count;
};

static int count_below(void *data, struct shadow_dev dev)
{
	struct count *count = data;
	int rc = count->fn(count->data, dev);

	count->count++;
	return rc < 0 ? rc : 0;
}

/* What a loop device's file is on, or the device that it makes another of. */
static bool below_loop(struct shadowcopy *sc, const char *name, struct shadow_dev *dev)
{
	struct sc_mounts *mounts;
	struct sc_mount mount;
	char file[PATH_MAX];
	bool found;

	if (!sc->sysroot && ask_loop(name, dev))
		return !sc_dev_is_null(*dev);
	if (sc_read_line(sc, file, sizeof(file), "/sys/block/%s/loop/backing_file", name) ||
	    sc_mounts_read(sc, &mounts))
		return false;
	found = sc_mounts_by_path(mounts, file, &mount) && !sc_dev_is_null(mount.dev);
	*dev = mount.dev;
	sc_mounts_free(mounts);
	return found;
}

int sc_sysfs_below(struct shadowcopy *sc, struct shadow_dev dev,
		   int (*fn)(void *data, struct shadow_dev below), void *data)
{
	struct count count = { .fn = fn, .data = data };
	const struct walk walk = { .sc = sc, .fn = count_below, .data = &count };
	char dir[64], name[32], line[32];
	struct shadow_dev below;
	int rc = 0;

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", dev.major, dev.minor);
	if (sc_exists(sc, "%s/partition", dir)) {
		if (!sc_read_line(sc, line, sizeof(line), "%s/../dev", dir) &&
		    !sc_dev_parse(line, &below))
			rc = count_below(&count, below);
		return rc < 0 ? rc : count.count;
	}
	if (!sc_sysfs_name(sc, dev, name) && !strncmp(name, "loop", 4) &&
	    below_loop(sc, name, &below))
		rc = count_below(&count, below);
	if (!rc) {
		snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u/slaves", dev.major, dev.minor);
		rc = each_device_in(&walk, false, dir);
	}
	return rc < 0 ? rc : count.count;
}

struct search {
	struct shadowcopy *sc;
	struct shadow_dev wanted;
	unsigned int depth;
};

#define FOUND	(-EEXIST)	/* ends the walk */

static int search_below(void *data, struct shadow_dev dev)
{
	struct search *search = data;
	int rc;

	if (sc_dev_equal(dev, search->wanted))
		return FOUND;
	if (search->depth == DEPTH_MAX)
		return 0;
	search->depth++;
	rc = sc_sysfs_below(search->sc, dev, search_below, search);
	search->depth--;
	return rc == FOUND ? FOUND : 0;
}

bool sc_share_blocks(struct shadowcopy *sc, struct shadow_dev a, struct shadow_dev b)
{
	struct search for_b = { .sc = sc, .wanted = b }, for_a = { .sc = sc, .wanted = a };

	return search_below(&for_b, a) == FOUND || search_below(&for_a, b) == FOUND;
}

bool sc_is_read_only(const struct shadowcopy *sc, struct shadow_dev dev)
{
	char line[8];

	return !sc_read_line(sc, line, sizeof(line), "/sys/dev/block/%u:%u/ro", dev.major,
			     dev.minor) && !strcmp(line, "1");
}

unsigned int sc_logical_block(const struct shadowcopy *sc, struct shadow_dev dev)
{
	static const char *const places[] = { "", "/.." };	/* a partition's is its disk's */
	char line[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!sc_read_line(sc, line, sizeof(line),
				  "/sys/dev/block/%u:%u%s/queue/logical_block_size", dev.major,
				  dev.minor, places[i]))
			return strtoul(line, NULL, 10);
	return 0;
}

bool sc_on_usb(const struct shadowcopy *sc, struct shadow_dev dev)
{
	char *path = sc_path(sc, "/sys/dev/block/%u:%u", dev.major, dev.minor);
	char target[PATH_MAX];
	ssize_t length = path ? readlink(path, target, sizeof(target) - 1) : -1;

	free(path);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strstr(target, "/usb");
}
