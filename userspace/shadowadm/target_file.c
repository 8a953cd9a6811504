// SPDX-License-Identifier: GPL-2.0-only
/*
 * target_file.c - a shadow is received in a sparse file, or on a block device.
 *
 * They are written through the page cache, which is told to write early and to forget: it would
 * push out what the machine works with, and what is read back must come from the disk.
 */
#include <blkid.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

#define WRITE_BEHIND	(8U << 20)
#define ZEROS		(1U << 20)

struct file_private {
	bool is_device;
	bool is_fresh;		/* what was not written reads as zeros */
	uint64_t written;	/* since the cache was told to write */
	uint64_t begin, end;	/* where that is */
};

static struct file_private *private(const struct target *target)
{
	return target->private;
}

/* --- writing ----------------------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t length, uint64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < length) {
		got = pwrite(fd, (const char *)data + done, length - done, offset + done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENOSPC;
		done += got;
	}
	return 0;
}

/* Begin to write out what there is, and let go of what was written out before. */
static void write_behind(struct target *target, uint64_t offset, size_t length)
{
	struct file_private *file = private(target);

	if (!file->written) {
		file->begin = offset;
		file->end = offset;
	}
	file->written += length;
	file->end = offset + length > file->end ? offset + length : file->end;
	if (file->written < WRITE_BEHIND)
		return;
	sync_file_range(target->fd, file->begin, file->end - file->begin, SYNC_FILE_RANGE_WRITE);
	posix_fadvise(target->fd, 0, file->begin, POSIX_FADV_DONTNEED);
	file->written = 0;
}

static int file_write(struct target *target, const void *data, size_t length, uint64_t offset)
{
	int rc = write_all(target->fd, data, length, offset);

	if (!rc)
		write_behind(target, offset, length);
	return rc;
}

static int write_zeros(struct target *target, uint64_t length, uint64_t offset)
{
	static const char zeros[ZEROS];
	size_t part;
	int rc = 0;

	for (; !rc && length; length -= part, offset += part) {
		part = length < sizeof(zeros) ? length : sizeof(zeros);
		rc = file_write(target, zeros, part, offset);
	}
	return rc;
}

/* Whole blocks of the filesystem or of the device; what it cannot is written. */
static int punch(struct target *target, uint64_t length, uint64_t offset)
{
	uint64_t range[2] = { offset, length };

	if (!fallocate(target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length))
		return 0;
	if (private(target)->is_device && !ioctl(target->fd, BLKZEROOUT, range))
		return 0;
	if (errno == ENOSPC || errno == EIO)
		return -errno;
	return write_zeros(target, length, offset);
}

static int file_zero(struct target *target, uint64_t length, uint64_t offset)
{
	uint64_t tail = (offset + length) % STREAM_BLOCK;
	int rc = 0;

	if (private(target)->is_fresh)
		return 0;
	/* Of the last block there may be a part only, and more behind it. */
	if (tail > length)
		tail = length;
	if (length > tail)
		rc = punch(target, length - tail, offset);
	if (!rc && tail)
		rc = write_zeros(target, tail, offset + length - tail);
	return rc;
}

static int file_flush(struct target *target)
{
	if (fsync(target->fd) < 0)
		return -errno;
	private(target)->written = 0;
	posix_fadvise(target->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int file_read(struct target *target, void *buf, size_t length, uint64_t offset)
{
	size_t done = 0;
	ssize_t got;

	while (done < length) {
		got = pread(target->fd, (char *)buf + done, length - done, offset + done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENODATA;
		done += got;
	}
	return 0;
}

static void file_close(struct target *target)
{
	if (target->fd >= 0)
		close(target->fd);
	target->fd = -1;
	free(target->private);
}

static int file_begin(struct context *context, const struct target_wish *wish,
		      struct target *target)
{
	if (private(target)->is_device)
		return STATUS_OK;
	if ((wish->begin && ftruncate(target->fd, 0) < 0) ||
	    ftruncate(target->fd, wish->bytes) < 0)
		return fail_for(context, receive_is_no_space(errno) ? "no-space" : NULL,
				"%s cannot have the size of the volume: %s", target->path,
				strerror(errno));
	return STATUS_OK;
}

static const struct target_calls calls = {
	.begin = file_begin, .write = file_write, .zero = file_zero, .read = file_read,
	.flush = file_flush, .close = file_close,
};

static int prepare(struct context *context, struct target *target, bool is_device, bool is_fresh)
{
	struct file_private *file = calloc(1, sizeof(*file));

	target->calls = &calls;
	target->private = file;
	if (!file)
		return fail(context, "there is not enough memory");
	file->is_device = is_device;
	file->is_fresh = is_fresh;
	target->fresh = is_fresh;
	return STATUS_OK;
}

/* --- a file ------------------------------------------------------------------------------ */

static int check_file(struct context *context, const struct target_wish *wish,
		      const struct target *target, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return fail(context, "%s is neither a file nor a block device", target->path);
	if (wish->read_only && (uint64_t)st->st_size != wish->bytes)
		return fail(context, "%s has %llu bytes, and the shadow %llu", target->path,
			    (unsigned long long)st->st_size, (unsigned long long)wish->bytes);
	if (!wish->read_only && flock(target->fd, LOCK_EX | LOCK_NB) < 0)
		return fail(context, "%s is being received in by another: end that first",
			    target->path);
	return STATUS_OK;
}

int target_file_open(struct context *context, const struct target_wish *wish,
		     struct target *target)
{
	int flags = wish->read_only ? O_RDONLY : O_RDWR | (wish->begin ? O_CREAT : 0);
	struct stat st;

	target->fd = open(target->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (target->fd < 0 || fstat(target->fd, &st) < 0)
		return fail(context, "%s cannot be opened: %s", target->path, strerror(errno));
	if (check_file(context, wish, target, &st))
		return STATUS_FAILED;
	if (wish->begin && !wish->force && st.st_size)
		return fail_for(context, "exists", "%s is there already, and would be lost: name "
				"another file, or say --force to overwrite this one",
				target->path);
	return prepare(context, target, false, wish->begin);
}

/* --- a device ---------------------------------------------------------------------------- */

const char *target_device_has(const char *path, char buf[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	blkid_probe probe = fd >= 0 ? blkid_new_probe() : NULL;
	const char *type = NULL;
	int rc = -1;

	if (probe && !blkid_probe_set_device(probe, fd, 0, 0)) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
		blkid_probe_enable_partitions(probe, 1);
		rc = blkid_do_safeprobe(probe);
		if (!rc && blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
			blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL);
	}
	/* 1: nothing, -2: more than one, -1: an error */
	snprintf(buf, 64, "%s", type ?: "?");
	if (probe)
		blkid_free_probe(probe);
	if (fd >= 0)
		close(fd);
	return rc == 1 ? NULL : buf;
}

static int open_device(struct context *context, const struct target_wish *wish,
		       struct target *target)
{
	int flags = wish->read_only ? O_RDONLY : O_RDWR | O_EXCL;

	target->fd = open(target->path, flags | O_CLOEXEC);
	if (target->fd >= 0)
		return STATUS_OK;
	if (errno == EBUSY)
		return fail(context, "%s is in use: it is mounted, or a part of something, or a "
			    "store.  Unmount it, or name another device; \"lsblk %s\" tells what "
			    "it is", target->path, target->path);
	if (errno == EROFS || errno == EACCES || errno == EPERM)
		return fail(context, "%s cannot be written: %s", target->path, strerror(errno));
	return fail(context, "%s cannot be opened: %s", target->path, strerror(errno));
}

int target_device_open(struct context *context, const struct target_wish *wish,
		       struct target *target)
{
	char has[16], wants[16], what[64];
	uint64_t bytes;

	if (wish->begin && !wish->force && target_device_has(target->path, what))
		return fail_for(context, "exists", "there is something on %s (%s), which would be "
				"lost: name another device, or say --force to overwrite this one",
				target->path, what);
	if (open_device(context, wish, target))
		return STATUS_FAILED;
	if (ioctl(target->fd, BLKGETSIZE64, &bytes) < 0)
		return fail(context, "%s does not tell its size: %s", target->path,
			    strerror(errno));
	if (bytes < wish->bytes)
		return fail_for(context, "no-space", "%s is too small: it has %s, and the volume "
				"%s", target->path, size_format(bytes, has),
				size_format(wish->bytes, wants));
	if (bytes > wish->bytes && !wish->read_only)
		warn(context, "%s is larger than the volume: what is behind that stays as it is",
		     target->path);
	return prepare(context, target, true, false);
}

/* --- either, or another ------------------------------------------------------------------ */

int target_open(struct context *context, const char *path, enum target_format format,
		const struct target_wish *wish, struct target *target)
{
	*target = (struct target){ .path = path, .bytes = wish->bytes, .fd = -1 };
	switch (format) {
	case TARGET_DEVICE:
		return target_device_open(context, wish, target);
	case TARGET_QCOW2:
		return target_qcow2_open(context, wish, target);
	default:
		return target_file_open(context, wish, target);
	}
}

void target_close(struct target *target)
{
	if (target->calls)
		target->calls->close(target);
	else if (target->fd >= 0)
		close(target->fd);
	target->fd = -1;
	target->calls = NULL;
}
