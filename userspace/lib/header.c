// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * header.c - the first block of a store that is a file, by which it is known.
 *
 * Little-endian:
 *
 *	   0	"shadowst"
 *	   8	u32 version, 1
 *	  12	u32 flags, 0
 *	  16	UUID of the store
 *	  32	u64 when it was made, seconds since 1970
 *	  40	the volume that it was made for, as in stores.conf, NUL-terminated
 *	 296	zeros
 *	4092	u32 CRC-32C of all before it
 *
 * The module uses nothing of the first MiB, but what <linux/shadow_store.h> says of a durable
 * store.  A file is ours only if all of this is as it should be: it is by this that files are
 * overwritten and deleted.
 */
#include <endian.h>
#include <linux/shadow_store.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "private.h"

#define MAGIC "shadowst"
#define VERSION 1

struct block {
	char magic[8];
	uint32_t version;
	uint32_t flags;
	struct shadow_uuid uuid;
	uint64_t created;
	char volume[256];
	unsigned char zero[3796];
	uint32_t checksum;
};

_Static_assert(sizeof(struct block) == SC_HEADER_SIZE, "the header is one block");

static uint32_t checksum(const struct block *block)
{
	return ~sc_crc32c(~0U, block, offsetof(struct block, checksum));
}

static bool is_zero(const unsigned char *p, size_t length)
{
	while (length--)
		if (*p++)
			return false;
	return true;
}

int sc_header_read(int fd, struct sc_header *header)
{
	struct block block;
	ssize_t got = pread(fd, &block, sizeof(block), 0);

	if (got < 0)
		return -errno;
	if (got != sizeof(block) || memcmp(block.magic, MAGIC, sizeof(block.magic)) ||
	    le32toh(block.version) != VERSION || block.flags ||
	    le32toh(block.checksum) != checksum(&block) ||
	    !memchr(block.volume, '\0', sizeof(block.volume)) ||
	    !is_zero(block.zero, sizeof(block.zero)))
		return -ENODATA;
	header->uuid = block.uuid;
	header->created = le64toh(block.created);
	memcpy(header->volume, block.volume, sizeof(header->volume));
	return 0;
}

int sc_header_new(struct sc_header *header, const char *volume)
{
	memset(header, 0, sizeof(*header));
	if (getrandom(&header->uuid, sizeof(header->uuid), 0) != sizeof(header->uuid))
		return -errno;
	header->uuid.b[6] = (header->uuid.b[6] & 0x0f) | 0x40;
	header->uuid.b[8] = (header->uuid.b[8] & 0x3f) | 0x80;
	header->created = time(NULL);
	snprintf(header->volume, sizeof(header->volume), "%s", volume);
	return 0;
}

int sc_header_write(int fd, const struct sc_header *header)
{
	struct block block = {
		.magic = { 's', 'h', 'a', 'd', 'o', 'w', 's', 't' },
		.version = htole32(VERSION),
		.uuid = header->uuid,
		.created = htole64(header->created),
	};

	memcpy(block.volume, header->volume, sizeof(block.volume));
	block.checksum = htole32(checksum(&block));
	if (pwrite(fd, &block, sizeof(block), 0) != sizeof(block))
		return errno ? -errno : -EIO;
	return fdatasync(fd) < 0 ? -errno : 0;
}

bool sc_is_durable(int fd, off_t head)
{
	char magic[sizeof(SHADOW_DISK_MAGIC) - 1];
	int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		if (pread(fd, magic, sizeof(magic), head + (off_t)i * SHADOW_DISK_HEADER_STEP) ==
		    (ssize_t)sizeof(magic) && !memcmp(magic, SHADOW_DISK_MAGIC, sizeof(magic)))
			return true;
	return false;
}
