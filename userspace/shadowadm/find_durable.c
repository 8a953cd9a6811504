// SPDX-License-Identifier: GPL-2.0-only
/*
 * find_durable.c - looks for durable stores on block devices, and for their volumes.
 *
 * No configuration is needed: a store has a magic number where its header begins, and knows the
 * checksums of its volume's first blocks.  Devices are read through their caches, which know
 * nothing of what was written past them, so what they have is dropped first.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/shadow_store.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "filesystem.h"
#include "find_durable.h"

#define FLOPPY_MAJOR	2
#define CDROM_MAJOR	11

/* --- reading ---------------------------------------------------------------------------- */

static int read_at(void *arg, uint64_t offset, void *buf, size_t length)
{
	int fd = *(const int *)arg;
	ssize_t got;
	size_t done;

	for (done = 0; done < length; done += got) {
		got = pread(fd, (char *)buf + done, length - done, offset + done);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return got ? -errno : -ENODATA;
	}
	return 0;
}

/* @fd belongs to the caller.  Return: whether the device can be read. */
static bool device_open(const struct device *device, int *fd, struct durable_source *source)
{
	off_t end;

	*fd = open(device->node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return false;
	end = lseek(*fd, 0, SEEK_END);
	if (end <= 0) {
		close(*fd);
		return false;
	}
	posix_fadvise(*fd, 0, 0, POSIX_FADV_DONTNEED);
	*source = (struct durable_source){ .read = read_at, .arg = fd, .bytes = end };
	return true;
}

static bool has_magic(const struct durable_source *source, uint64_t offset)
{
	char magic[sizeof(SHADOW_DISK_MAGIC) - 1];

	return !source->read(source->arg, offset, magic, sizeof(magic)) &&
	       !memcmp(magic, SHADOW_DISK_MAGIC, sizeof(magic));
}

/* --- devices ---------------------------------------------------------------------------- */

static bool has_holders(const char *name)
{
	char path[NAME_MAX + 32];
	struct dirent *entry;
	bool found = false;
	DIR *stream;

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", name);
	stream = opendir(path);
	while (stream && !found && (entry = readdir(stream)))
		found = *entry->d_name != '.';
	if (stream)
		closedir(stream);
	return found;
}

static bool read_number(const char *name, struct shadow_dev *dev)
{
	char path[NAME_MAX + 32];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%u:%u", &dev->major, &dev->minor) == 2;
	fclose(file);
	return good;
}

static int is_device(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && (strncmp(name, "shadow", 6) || !isdigit((unsigned char)name[6]));
}

/* What has gone meanwhile is not there. */
static bool take_device(struct context *context, const char *name, struct device *device)
{
	struct shadow_dev dev;

	memset(device, 0, sizeof(*device));
	if (!read_number(name, &dev) || dev.major == FLOPPY_MAJOR || dev.major == CDROM_MAJOR ||
	    shadowcopy_describe(context->sc, dev, &device->volume) || !device->volume.bytes)
		return false;
	snprintf(device->node, sizeof(device->node), "/dev/%s", device->volume.name);
	device->held = has_holders(name);
	return true;
}

static int read_devices(struct context *context, struct machine *machine)
{
	struct dirent **entries = NULL;
	int count = scandir("/sys/class/block", &entries, is_device, versionsort), i;

	if (count < 0)
		return -errno;
	machine->devices = calloc(count + 1, sizeof(*machine->devices));
	for (i = 0; i < count; i++) {
		if (machine->devices && take_device(context, entries[i]->d_name,
						    &machine->devices[machine->device_count]))
			machine->device_count++;
		free(entries[i]);
	}
	free(entries);
	return machine->devices ? 0 : -ENOMEM;
}

/* --- stores ------------------------------------------------------------------------------ */

/* A device that another one is made of is not the store's: that one is. */
static void read_store(struct machine *machine, size_t number)
{
	struct durable_found *found = &machine->stores[machine->store_count];
	struct durable_source source;
	int fd;

	if (machine->devices[number].held ||
	    !device_open(&machine->devices[number], &fd, &source))
		return;
	if (has_magic(&source, 0) || has_magic(&source, SHADOW_DISK_HEADER_STEP)) {
		memset(found, 0, sizeof(*found));
		found->device = number;
		durable_check(&source, NULL, NULL, &found->durable);
		machine->store_count++;
	}
	close(fd);
}

/* Without the module nothing is in use. */
static void note_used(struct context *context, struct machine *machine)
{
	struct shadow_store_info part = { 0 };
	size_t i;

	while (shadowcopy_part_next(context->sc, &part) > 0)
		for (i = 0; i < machine->store_count; i++) {
			struct durable_found *found = &machine->stores[i];

			if (part.type != SHADOW_STORE_DEVICE ||
			    !dev_equal(part.dev, machine->devices[found->device].volume.dev))
				continue;
			found->in_use = true;
			found->volume = part.volume;
		}
}

int machine_read(struct context *context, struct machine *machine)
{
	size_t i;
	int rc;

	memset(machine, 0, sizeof(*machine));
	rc = read_devices(context, machine);
	if (rc)
		return rc;
	machine->stores = calloc(machine->device_count + 1, sizeof(*machine->stores));
	if (!machine->stores)
		return -ENOMEM;
	for (i = 0; i < machine->device_count; i++)
		read_store(machine, i);
	if (machine->store_count)
		note_used(context, machine);
	return 0;
}

void machine_free(struct machine *machine)
{
	size_t i;

	for (i = 0; i < machine->store_count; i++)
		durable_clear(&machine->stores[i].durable);
	free(machine->stores);
	free(machine->devices);
	memset(machine, 0, sizeof(*machine));
}

/* --- volumes ------------------------------------------------------------------------------ */

static bool is_member(const struct device *device)
{
	static const char member[] = "_raid_member";
	struct filesystem fs;
	size_t length;

	if (filesystem_probe(device->node, ACCESS_NO_WRITE, &fs))
		return false;
	length = strlen(fs.other);
	return length >= strlen(member) && !strcmp(fs.other + length - strlen(member), member);
}

enum durable_fit machine_fits(const struct device *device, const struct durable *durable)
{
	enum durable_fit fit = DURABLE_DIFFERS;
	struct durable_source source;
	int fd;

	if (!device_open(device, &fd, &source))
		return fit;
	if (durable_fits(durable, &source, &fit))
		fit = DURABLE_DIFFERS;
	close(fd);
	return fit == DURABLE_FITS && is_member(device) ? DURABLE_DIFFERS : fit;
}

/* --- one place ------------------------------------------------------------------------------ */

static bool has_header(const char *path, off_t first)
{
	struct durable_source source = { .read = read_at };
	bool found;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	source.arg = &fd;
	found = has_magic(&source, first) || has_magic(&source, first + SHADOW_DISK_HEADER_STEP);
	close(fd);
	return found;
}

bool durable_in_file(const char *path)
{
	return has_header(path, SHADOW_DISK_FILE_HEADER);
}

bool durable_at(const struct shadowcopy_store *store)
{
	if (store->type == SHADOW_STORE_DEVICE)
		return has_header(store->path, 0);
	return store->type == SHADOW_STORE_FILE && !(store->flags & SHADOWCOPY_STORE_UNNAMED) &&
	       durable_in_file(store->path);
}
