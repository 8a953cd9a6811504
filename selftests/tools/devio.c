// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do a list of operations on a block device, one after the other, with data that
 * depends on nothing but the position and the number of the operation: run twice,
 * on two devices with equal contents, it leaves equal contents.
 *
 *	devio DEVICE OPERATION...
 *
 *	write:OFFSET:LENGTH	past the page cache
 *	dsync:OFFSET:LENGTH	the same, and durable when it returns (FUA)
 *	buffered:OFFSET:LENGTH	through the page cache
 *	nowait:OFFSET:LENGTH	RWF_NOWAIT; written again without where that is EAGAIN
 *	fsync
 *	discard:OFFSET:LENGTH	BLKDISCARD
 *	zeroout:OFFSET:LENGTH	BLKZEROOUT
 *	secure:OFFSET:LENGTH	BLKSECDISCARD
 *	zero-range:OFFSET:LENGTH	fallocate() of that kind
 *	punch-hole:OFFSET:LENGTH
 *	no-hide-stale:OFFSET:LENGTH
 *
 * Offsets and lengths are bytes, or have a suffix: k, m, s (512 bytes).  A
 * negative offset counts from the end.  An operation that fails ends the program
 * with 1; with "?" before it its result is printed instead.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef FALLOC_FL_NO_HIDE_STALE
#define FALLOC_FL_NO_HIDE_STALE 0x04
#endif

static int direct_fd, dsync_fd, buffered_fd;
static uint64_t device_bytes;

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static int64_t number(const char *text, char **end)
{
	int64_t value = strtoll(text, end, 0);

	switch (**end) {
	case 'k':
		value <<= 10;
		break;
	case 'm':
		value <<= 20;
		break;
	case 's':
		value <<= 9;
		break;
	default:
		return value;
	}
	(*end)++;
	return value;
}

static void *data_for(unsigned int serial, uint64_t offset, uint64_t length)
{
	uint64_t *data = aligned_alloc(4096, (length + 4095) & ~4095ULL);
	uint64_t i, seed = mix(serial);

	if (!data)
		err(1, "memory");
	for (i = 0; i < length / 8; i++)
		data[i] = mix(seed ^ (offset + i * 8));
	return data;
}

static int write_all(int fd, const char *data, uint64_t offset, uint64_t length, int flags)
{
	while (length) {
		struct iovec iov = { (void *)data, length };
		ssize_t done = pwritev2(fd, &iov, 1, offset, flags);

		if (done < 0 && errno == EAGAIN && flags & RWF_NOWAIT) {
			flags = 0;
			continue;
		}
		if (done < 0)
			return -1;
		data += done;
		offset += done;
		length -= done;
	}
	return 0;
}

static int operate(const char *name, unsigned int serial, uint64_t offset, uint64_t length)
{
	static const struct {
		const char *name;
		unsigned long request;
	} ioctls[] = {
		{ "discard", BLKDISCARD }, { "zeroout", BLKZEROOUT }, { "secure", BLKSECDISCARD },
	};
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
		{ "zero-range", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
		{ "punch-hole", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
		{ "no-hide-stale", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE |
				   FALLOC_FL_NO_HIDE_STALE },
	};
	uint64_t range[2] = { offset, length };
	void *data;
	size_t i;
	int result;

	for (i = 0; i < sizeof(ioctls) / sizeof(*ioctls); i++)
		if (!strcmp(name, ioctls[i].name))
			return ioctl(buffered_fd, ioctls[i].request, range);
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(name, modes[i].name))
			return fallocate(buffered_fd, modes[i].mode, offset, length);
	if (!strcmp(name, "fsync"))
		return fsync(buffered_fd);
	data = data_for(serial, offset, length);
	if (!strcmp(name, "write"))
		result = write_all(direct_fd, data, offset, length, 0);
	else if (!strcmp(name, "dsync"))
		result = write_all(dsync_fd, data, offset, length, 0);
	else if (!strcmp(name, "buffered"))
		result = write_all(buffered_fd, data, offset, length, 0);
	else if (!strcmp(name, "nowait"))
		result = write_all(direct_fd, data, offset, length, RWF_NOWAIT);
	else
		errx(2, "unknown operation: %s", name);
	free(data);
	return result;
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		errx(2, "usage: devio DEVICE OPERATION...");
	direct_fd = open(argv[1], O_RDWR | O_DIRECT);
	dsync_fd = open(argv[1], O_RDWR | O_DIRECT | O_DSYNC);
	buffered_fd = open(argv[1], O_RDWR);
	if (direct_fd < 0 || dsync_fd < 0 || buffered_fd < 0)
		err(1, "%s", argv[1]);
	if (ioctl(buffered_fd, BLKGETSIZE64, &device_bytes))
		err(1, "%s: size", argv[1]);

	for (i = 2; i < argc; i++) {
		char *word = strdup(argv[i]), *name = word, *rest;
		int64_t offset = 0, length = 0;
		int tolerant = *name == '?';

		name += tolerant;
		rest = strchr(name, ':');
		if (rest) {
			*rest++ = 0;
			offset = number(rest, &rest);
			if (*rest++ != ':')
				errx(2, "no length: %s", argv[i]);
			length = number(rest, &rest);
			if (*rest)
				errx(2, "what is %s", argv[i]);
			if (offset < 0)
				offset += device_bytes;
		}
		errno = 0;
		if (operate(name, i, offset, length) && !tolerant)
			err(1, "%s: %s", argv[1], argv[i]);
		if (tolerant)
			printf("%s: %s\n", argv[i], errno ? strerror(errno) : "ok");
		free(word);
	}
	return 0;
}
