// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_pack.c - makes records of data: zeros become holes, the rest is compressed if that makes
 * it smaller, and gets its checksums.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "stream.h"

struct stream_packer {
	int level;
	ZSTD_CCtx *zstd;
};

struct stream_packer *stream_packer_new(int level)
{
	struct stream_packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return NULL;
	packer->level = level;
	if (level != STREAM_LEVEL_NONE) {
		packer->zstd = ZSTD_createCCtx();
		if (!packer->zstd) {
			free(packer);
			return NULL;
		}
	}
	return packer;
}

void stream_packer_free(struct stream_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->zstd);
	free(packer);
}

static bool is_zero(const uint8_t *data, size_t length)
{
	return !data[0] && !memcmp(data, data + 1, length - 1);
}

/*
 * From @at on: how much is of the same kind.  A piece ends where the unit does, and where the
 * chunk does; what is no whole unit is zeros only if the chunk is.
 */
static size_t same_kind(const uint8_t *data, uint64_t offset, size_t at, size_t length,
			bool *hole)
{
	size_t begin = at, part;
	bool zero, first = true;

	while (at < length) {
		part = STREAM_ZEROS - (offset + at) % STREAM_ZEROS;
		if (part > length - at)
			part = length - at;
		zero = part == STREAM_ZEROS && is_zero(data + at, part);
		if (!first && zero != *hole)
			break;
		*hole = zero;
		first = false;
		at += part;
	}
	return at - begin;
}

static void pack_data(struct stream_packer *packer, struct stream_piece *piece,
		      const uint8_t *data, uint8_t *packed)
{
	size_t got;

	piece->type = STREAM_DATA;
	piece->encoding = STREAM_RAW;
	piece->payload = data;
	piece->payload_bytes = piece->length;
	stream_sum(data, piece->length, piece->sum);
	if (packer->zstd) {
		/* Room for less than there is: else it is of no use. */
		got = ZSTD_compressCCtx(packer->zstd, packed, piece->length - 1, data,
					piece->length, packer->level);
		if (!ZSTD_isError(got)) {
			piece->encoding = STREAM_ZSTD;
			piece->payload = packed;
			piece->payload_bytes = got;
		}
	}
	piece->payload_crc = stream_crc(piece->payload, piece->payload_bytes);
}

size_t stream_pack(struct stream_packer *packer, const uint8_t *data, uint64_t offset,
		   size_t length, uint8_t *packed, struct stream_piece *pieces)
{
	size_t at = 0, count = 0, part;
	bool hole = false;

	if (is_zero(data, length)) {
		pieces[0] = (struct stream_piece){
			.type = STREAM_HOLE, .offset = offset, .length = length,
		};
		return 1;
	}
	for (; at < length; at += part) {
		struct stream_piece *piece = &pieces[count++];

		part = same_kind(data, offset, at, length, &hole);
		*piece = (struct stream_piece){
			.type = STREAM_HOLE, .offset = offset + at, .length = part,
		};
		if (!hole)
			pack_data(packer, piece, data + at, packed + at);
	}
	return count;
}
