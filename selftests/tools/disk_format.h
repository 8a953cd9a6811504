/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tools share that look into durable stores, or spoil them.  It is written from
 * Documentation/store-format.rst, and has nothing of the module: who reads a store by
 * that document alone must come to the same.
 */
#ifndef DISK_FORMAT_H
#define DISK_FORMAT_H

#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/shadow_store.h>

static inline uint32_t crc32c(const void *data, size_t bytes)
{
	const unsigned char *p = data;
	uint32_t crc = ~0U;

	while (bytes--) {
		crc ^= *p++;
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Of a block, as if the checksum at @at were zero. */
static inline uint32_t block_crc(const void *block, size_t at)
{
	unsigned char copy[SHADOW_DISK_BLOCK];

	memcpy(copy, block, sizeof(copy));
	memset(copy + at, 0, 4);
	return crc32c(copy, sizeof(copy));
}

static inline uint32_t header_crc(const struct shadow_disk_header *h)
{
	return block_crc(h, offsetof(struct shadow_disk_header, crc));
}

static inline uint32_t log_crc(const struct shadow_disk_log *b)
{
	return block_crc(b, offsetof(struct shadow_disk_log, crc));
}

static inline bool is_header(const struct shadow_disk_header *h)
{
	return !memcmp(h->magic, SHADOW_DISK_MAGIC, sizeof(h->magic)) &&
	       le32toh(h->crc) == header_crc(h);
}

/* Bytes of the device where a block of the store, or a copy of the header, lies. */
static inline off_t block_at(uint64_t loc)
{
	return SHADOW_DISK_HEAD + loc * SHADOW_DISK_BLOCK;
}

static inline off_t header_at(unsigned int copy)
{
	return (off_t)copy * SHADOW_DISK_HEADER_STEP;
}

/* Past the page cache, as the module does it.  @block is aligned. */
static inline void transfer_block(const char *path, off_t at, void *block, bool write)
{
	int fd = open(path, (write ? O_WRONLY | O_DSYNC : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		n = write ? pwrite(fd, block, SHADOW_DISK_BLOCK, at) :
			    pread(fd, block, SHADOW_DISK_BLOCK, at);
	if (n != SHADOW_DISK_BLOCK)
		err(2, "%s, at %lld", path, (long long)at);
	close(fd);
}

static inline void read_block(const char *path, off_t at, void *block)
{
	transfer_block(path, at, block, false);
}

static inline void write_block(const char *path, off_t at, void *block)
{
	transfer_block(path, at, block, true);
}

#endif /* DISK_FORMAT_H */
