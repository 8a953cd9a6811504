// SPDX-License-Identifier: GPL-2.0-only
/*
 * export.c - a shadow that a client of the NBD server is connected to.
 *
 * NBD has two bits for a range of blocks, and a plugin cannot add any: a hole, and zeros.
 *
 *			without since=		with since=
 *	data		is not free		has changed
 *	hole, zeros	was free		has changed, and was free
 *	hole		-			is as it was then
 *
 * A hole need not read as zeros in NBD, so all three are true of what is read here, which is
 * always the shadow: a client that takes no notice of holes copies all of it.
 *
 * Reads go past the page cache.  A backup reads each block once; and what a filesystem writes
 * to a writable shadow would not be seen through the cache of its device.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "export.h"

#define PIECE (1U << 20)	/* read at a time */

struct export {
	struct shadow_shadow_info info;
	struct shadow_uuid since;
	bool incremental;
	int fd;
	uint32_t align;		/* of direct reads */
	char description[DESCRIPTION_LEN];
	pthread_mutex_t lock;	/* of the next two: clients ask in parallel */
	struct shadowcopy *sc;
	struct shadowcopy_map *map;
};

int export_failed(const struct shadowcopy *sc)
{
	const struct shadowcopy_error *error = shadowcopy_last_error(sc);

	nbdkit_error("%s", error->text);
	nbdkit_set_error(-error->code);
	return -1;
}

static int failed(int code, const char *image, const char *why)
{
	nbdkit_error("%s: %s", image, why);
	nbdkit_set_error(code);
	return -1;
}

void export_describe(const struct shadow_shadow_info *info, const struct shadow_uuid *since,
		     char text[DESCRIPTION_LEN])
{
	char uuid[SHADOWCOPY_UUID_LEN], when[32];
	time_t created = info->created_ns / 1000000000;
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&created, &tm));
	snprintf(text, DESCRIPTION_LEN, "%.32s at %s, /dev/shadow%u%s%s", info->volume_name, when,
		 info->index, since ? ", changes since " : "",
		 since ? shadowcopy_uuid_format(since, uuid) : "");
}

/* --- opening ------------------------------------------------------------- */

/* What the module says of it now. */
static int look_up(struct shadowcopy *sc, const struct shadow_uuid *uuid,
		   struct shadow_shadow_info *found)
{
	struct shadow_shadow_info info = { 0 };
	char text[SHADOWCOPY_UUID_LEN];
	int rc;

	while ((rc = shadowcopy_shadow_next(sc, &info)) > 0)
		if (shadowcopy_uuid_equal(&info.uuid, uuid)) {
			*found = info;
			return 0;
		}
	if (rc)
		return export_failed(sc);
	return failed(ENOENT, shadowcopy_uuid_format(uuid, text), "the shadow was deleted");
}

/* Open its device, which nobody can delete then; before, another may have taken its number. */
static int open_image(struct export *export, const struct shadow_uuid *uuid)
{
	char path[32];
	struct stat st;
	int bytes;

	if (look_up(export->sc, uuid, &export->info))
		return -1;
	snprintf(path, sizeof(path), "/dev/shadow%u", export->info.index);
	export->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (export->fd < 0)
		return failed(errno, path, strerror(errno));
	if (look_up(export->sc, uuid, &export->info))
		return -1;
	if (fstat(export->fd, &st) || ioctl(export->fd, BLKSSZGET, &bytes))
		return failed(errno, path, strerror(errno));
	if (major(st.st_rdev) != export->info.image.major ||
	    minor(st.st_rdev) != export->info.image.minor)
		return failed(ENOENT, path, "this is not the shadow's device: is udev running?");
	if (export->info.state == SHADOW_STATE_DELETING)
		return failed(ENOENT, path, "the shadow is being deleted");
	if (export->info.state != SHADOW_STATE_CREATED)
		return failed(EIO, path, shadowcopy_reason_cause(export->info.fault.reason));
	export->align = bytes;
	return 0;
}

static int open_map(struct export *export, const struct shadow_uuid *since)
{
	uint32_t want = SHADOW_RUN_FREE;

	if (since) {
		export->since = *since;
		export->incremental = true;
		want |= SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE;
	}
	if (shadowcopy_map_open(export->sc, &export->info.uuid, since, want, &export->map))
		return export_failed(export->sc);
	return 0;
}

static int open_all(struct export *export, const char *name, const struct shadow_uuid *since)
{
	struct shadow_uuid uuid;
	uint32_t kind;

	if (shadowcopy_find(export->sc, name, &uuid, &kind))
		return export_failed(export->sc);
	if (kind != SHADOW_KIND_SHADOW)
		return failed(EINVAL, name, "this is a set of shadows: name one of them");
	return open_image(export, &uuid) ?: open_map(export, since);
}

struct export *export_open(const char *name, const struct shadow_uuid *since)
{
	struct export *export = calloc(1, sizeof(*export));

	if (!export) {
		failed(ENOMEM, name, strerror(ENOMEM));
		return NULL;
	}
	export->fd = -1;
	pthread_mutex_init(&export->lock, NULL);
	export->sc = shadowcopy_new();
	if (!export->sc)
		failed(ENOMEM, name, strerror(ENOMEM));
	if (!export->sc || open_all(export, name, since)) {
		export_close(export);
		return NULL;
	}
	export_describe(&export->info, since, export->description);
	return export;
}

void export_close(struct export *export)
{
	shadowcopy_map_close(export->map);
	shadowcopy_free(export->sc);
	if (export->fd >= 0)
		close(export->fd);
	pthread_mutex_destroy(&export->lock);
	free(export);
}

const struct shadow_uuid *export_uuid(const struct export *export)
{
	return &export->info.uuid;
}

const char *export_description(const struct export *export)
{
	return export->description;
}

uint64_t export_size(const struct export *export)
{
	return export->info.bytes;
}

/* --- reading ------------------------------------------------------------- */

int export_read(const struct export *export, void *buf, uint32_t count, uint64_t offset)
{
	void *piece;
	int rc = 0;

	/* nbdkit's buffers are not aligned. */
	if (posix_memalign(&piece, sysconf(_SC_PAGESIZE), PIECE))
		return failed(ENOMEM, export->description, strerror(ENOMEM));
	while (count) {
		uint32_t skip = offset & (export->align - 1);
		uint64_t bytes = (skip + (uint64_t)count + export->align - 1) &
				 ~(uint64_t)(export->align - 1);
		ssize_t got = pread(export->fd, piece, bytes < PIECE ? bytes : PIECE,
				    offset - skip);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || got <= skip) {
			int code = got < 0 ? errno : EIO;

			nbdkit_error("cannot read %s at byte %llu: %s", export->description,
				     (unsigned long long)offset, strerror(code));
			nbdkit_set_error(code);
			rc = -1;
			break;
		}
		got -= skip;
		if (got > count)
			got = count;
		memcpy(buf, (char *)piece + skip, got);
		buf = (char *)buf + got;
		offset += got;
		count -= got;
	}
	free(piece);
	return rc;
}

/* --- extents ------------------------------------------------------------- */

static uint32_t type_of(const struct export *export, uint32_t state)
{
	bool free = state & SHADOW_RUN_FREE, was_free = state & SHADOW_RUN_WAS_FREE;

	if (export->incremental && !(state & SHADOW_RUN_CHANGED) && free == was_free)
		return NBDKIT_EXTENT_HOLE;
	return free ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;
}

/* The run at @at, which may be one of which nothing is so. */
static int run_at(struct export *export, uint64_t at, struct shadow_run *run,
		  struct shadow_run *next)
{
	if (next->first + next->bytes <= at) {
		int rc = shadowcopy_map_next(export->map, next);

		if (rc < 0)
			return export_failed(export->sc);
		if (!rc)
			*next = (struct shadow_run){ .first = UINT64_MAX };
	}
	if (next->first <= at)
		*run = *next;
	else if (next->first == UINT64_MAX)
		*run = (struct shadow_run){ .first = at, .bytes = export_size(export) - at };
	else
		*run = (struct shadow_run){ .first = at, .bytes = next->first - at };
	return 0;
}

int export_extents(struct export *export, uint32_t count, uint64_t offset, bool one,
		   struct nbdkit_extents *extents)
{
	uint64_t at = offset & ~(uint64_t)((1U << SHADOW_BLOCK_SHIFT) - 1);
	uint64_t end = offset + count;
	struct shadow_run run, next = { 0 };
	uint32_t type, first = 0;
	int rc = 0;

	pthread_mutex_lock(&export->lock);
	if (shadowcopy_map_seek(export->map, at))
		rc = export_failed(export->sc);
	while (!rc && at < end) {
		rc = run_at(export, at, &run, &next);
		if (rc)
			break;
		/* Adjacent runs of one type are one extent: not told by parts. */
		type = type_of(export, run.state);
		if (one && run.first > offset && type != first)
			break;
		first = type;
		rc = nbdkit_add_extent(extents, run.first, run.bytes, type);
		at = run.first + run.bytes;
	}
	pthread_mutex_unlock(&export->lock);
	return rc;
}
