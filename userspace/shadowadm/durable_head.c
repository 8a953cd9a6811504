// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable_head.c - which volume a durable store is of, told by the volume's first blocks.
 *
 * The log knows their checksums at every moment; kmod/watch.c says why, and why it is not
 * CRC-32C.  A block is as it was left if it has one of those that it may have.
 */
#include <errno.h>
#include <string.h>

#include "durable.h"

#define BLOCK 4096u

/* Of the numbers 0 to 15, by the polynomial 0x04c11db7, lowest bit first. */
static const uint32_t table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158,
	0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4,
	0xa00ae278, 0xbdbdf21c,
};

static uint32_t crc32_of(const uint8_t *block)
{
	uint32_t crc = ~0u;
	size_t i;

	for (i = 0; i < BLOCK; i++) {
		crc ^= block[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static bool is_good(const struct durable_head *head, unsigned int b, const uint8_t *block)
{
	uint32_t crc = crc32_of(block);
	unsigned int i;

	for (i = 0; i < head->nr[b]; i++)
		if (head->crc[b][i] == crc)
			return true;
	return head->any[b] || !head->nr[b];
}

static bool is_zeros(const uint8_t *block)
{
	return !*block && !memcmp(block, block + 1, BLOCK - 1);
}

/* A last block that is not whole is filled up with zeros. */
static int read_block(const struct durable_source *volume, unsigned int b, uint8_t *block)
{
	uint64_t offset = (uint64_t)b * BLOCK, left = volume->bytes - offset;

	memset(block, 0, BLOCK);
	return volume->read(volume->arg, offset, block, left < BLOCK ? left : BLOCK);
}

static bool holds_shadows(const struct durable *durable, const struct durable_source *volume)
{
	size_t i;

	for (i = 0; i < durable->count; i++)
		if (durable->shadows[i].bytes > volume->bytes)
			return false;
	return true;
}

int durable_fits(const struct durable *durable, const struct durable_source *volume,
		 enum durable_fit *fit)
{
	const struct durable_head *head = &durable->head;
	uint8_t block[BLOCK];
	unsigned int b;
	int rc;

	*fit = DURABLE_DIFFERS;
	if (!holds_shadows(durable, volume))
		return 0;
	*fit = DURABLE_UNPROVED;
	for (b = 0; b < DURABLE_WATCHED && *fit != DURABLE_DIFFERS; b++) {
		if ((uint64_t)b * BLOCK >= volume->bytes) {
			if (head->nr[b])
				*fit = DURABLE_DIFFERS;
			continue;
		}
		rc = read_block(volume, b, block);
		if (rc)
			return rc;
		if (!is_good(head, b, block))
			*fit = DURABLE_DIFFERS;
		else if (head->nr[b] && !head->any[b] && !is_zeros(block))
			*fit = DURABLE_FITS;
	}
	return 0;
}
