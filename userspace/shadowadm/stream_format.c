// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_format.c - the bytes of a stream, and what they mean.
 *
 * The sum of a transfer is a chain: each record of data or of a hole makes a new one of the one
 * before, of what it describes, and of the SHA-256 of its data.  So it can be worked out by many
 * threads, goes on in another stream, and is the same however the data was compressed.
 */
#include <endian.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
#include <stddef.h>
#include <string.h>

#include "../lib/crc32c.h"
#include "stream.h"

static void digest(struct sha256_ctx *context, uint8_t sum[STREAM_SUM])
{
#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(context, sum);
#else
	sha256_digest(context, STREAM_SUM, sum);
#endif
}

void stream_sum(const void *data, size_t length, uint8_t sum[STREAM_SUM])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, length, data);
	digest(&context, sum);
}

uint32_t stream_crc(const void *data, size_t length)
{
	return ~sc_crc32c(~0U, data, length);
}

/* --- points ------------------------------------------------------------------------------ */

void stream_begin(const struct stream_info *info, struct stream_point *point)
{
	struct {
		uint8_t magic[16];
		struct shadow_uuid shadow, base;
		__le64 bytes;
	} first = { .shadow = info->shadow, .base = info->base, .bytes = htole64(info->bytes) };

	memcpy(first.magic, STREAM_MAGIC, sizeof(first.magic));
	memset(point, 0, sizeof(*point));
	stream_sum(&first, sizeof(first), point->sum);
}

void stream_advance(struct stream_point *point, enum stream_type type, uint64_t offset,
		    uint64_t length, const uint8_t *sum)
{
	struct {
		uint8_t before[STREAM_SUM];
		__le64 type, offset, length;
		uint8_t data[STREAM_SUM];
	} link = { .type = htole64(type), .offset = htole64(offset), .length = htole64(length) };

	memcpy(link.before, point->sum, STREAM_SUM);
	if (sum)
		memcpy(link.data, sum, STREAM_SUM);
	stream_sum(&link, sizeof(link), point->sum);
	point->offset = offset + length;
	point->records++;
	if (type == STREAM_DATA)
		point->data_bytes += length;
	else
		point->hole_bytes += length;
}

bool stream_point_equal(const struct stream_point *a, const struct stream_point *b)
{
	return a->offset == b->offset && a->records == b->records &&
	       a->data_bytes == b->data_bytes && a->hole_bytes == b->hole_bytes &&
	       !memcmp(a->sum, b->sum, STREAM_SUM);
}

bool stream_point_is_possible(const struct stream_info *info, const struct stream_point *point)
{
	if (point->offset > info->bytes || point->data_bytes > point->offset ||
	    point->hole_bytes > point->offset - point->data_bytes)
		return false;
	if (point->offset % STREAM_BLOCK && point->offset != info->bytes)
		return false;
	if (!point->offset != !point->records || point->records > point->offset)
		return false;
	/* A full one describes all. */
	return stream_is_incremental(info) ||
	       point->data_bytes + point->hole_bytes == point->offset;
}

static void point_encode(const struct stream_point *point, struct stream_disk_point *disk)
{
	disk->offset = htole64(point->offset);
	disk->records = htole64(point->records);
	disk->data_bytes = htole64(point->data_bytes);
	disk->hole_bytes = htole64(point->hole_bytes);
	memcpy(disk->sum, point->sum, STREAM_SUM);
}

static void point_decode(const struct stream_disk_point *disk, struct stream_point *point)
{
	point->offset = le64toh(disk->offset);
	point->records = le64toh(disk->records);
	point->data_bytes = le64toh(disk->data_bytes);
	point->hole_bytes = le64toh(disk->hole_bytes);
	memcpy(point->sum, disk->sum, STREAM_SUM);
}

/* --- the header -------------------------------------------------------------------------- */

void stream_header_seal(struct stream_disk_header *header)
{
	header->crc = 0;
	header->crc = htole32(stream_crc(header, sizeof(*header)));
}

void stream_record_seal(struct stream_disk_record *record)
{
	record->crc = 0;
	record->crc = htole32(stream_crc(record, sizeof(*record)));
}

static bool crc_is_right(const struct stream_disk_header *header)
{
	struct stream_disk_header copy = *header;

	stream_header_seal(&copy);
	return copy.crc == header->crc;
}

void stream_header_encode(const struct stream_info *info, struct stream_disk_header *header)
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, STREAM_MAGIC, sizeof(header->magic));
	header->version = htole32(STREAM_VERSION);
	header->incompat = htole32(info->resumed ? STREAM_INCOMPAT_RESUMED : 0);
	header->block_size = htole32(STREAM_BLOCK);
	header->chunk_max = htole32(info->chunk_max);
	memcpy(header->stream, &info->stream, sizeof(header->stream));
	memcpy(header->shadow, &info->shadow, sizeof(header->shadow));
	memcpy(header->set, &info->set, sizeof(header->set));
	memcpy(header->base, &info->base, sizeof(header->base));
	memcpy(header->generation, &info->generation, sizeof(header->generation));
	header->bytes = htole64(info->bytes);
	header->base_bytes = htole64(info->base_bytes);
	header->created_ns = htole64(info->created_ns);
	header->sent_ns = htole64(info->sent_ns);
	header->id = htole64(info->id);
	point_encode(&info->from, &header->from);
	memcpy(header->volume, info->volume, strnlen(info->volume, sizeof(info->volume) - 1));
	memcpy(header->label, info->label, strnlen(info->label, sizeof(info->label) - 1));
	stream_header_seal(header);
}

/* Names that go to terminals. */
static void text_decode(const __u8 *from, char *to, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i] < ' ' || from[i] == 0x7f ? '?' : from[i];
	to[i] = '\0';
}

static bool is_possible(const struct stream_info *info)
{
	struct stream_point begin;

	if (!info->bytes || info->bytes > STREAM_BYTES_MAX || info->bytes % 512 ||
	    info->base_bytes > STREAM_BYTES_MAX ||
	    info->chunk_max < STREAM_CHUNK_MIN || info->chunk_max > STREAM_CHUNK_MAX ||
	    info->chunk_max % STREAM_BLOCK)
		return false;
	if (!stream_point_is_possible(info, &info->from))
		return false;
	stream_begin(info, &begin);
	return info->resumed || stream_point_equal(&begin, &info->from);
}

enum stream_verdict stream_header_decode(const struct stream_disk_header *header,
					 struct stream_info *info, const char **problem)
{
	memset(info, 0, sizeof(*info));
	*problem = "it does not begin as a stream does";
	if (memcmp(header->magic, STREAM_MAGIC, sizeof(header->magic)))
		return STREAM_FOREIGN;
	*problem = "the checksum of its header is wrong";
	if (!crc_is_right(header))
		return STREAM_DAMAGED;
	*problem = "it is of a newer version of the format";
	if (le32toh(header->version) != STREAM_VERSION)
		return STREAM_NEWER;
	*problem = "it has a feature that is not known";
	if (le32toh(header->incompat) & ~STREAM_INCOMPAT_RESUMED ||
	    le32toh(header->block_size) != STREAM_BLOCK)
		return STREAM_NEWER;
	info->resumed = le32toh(header->incompat) & STREAM_INCOMPAT_RESUMED;
	info->chunk_max = le32toh(header->chunk_max);
	memcpy(&info->stream, header->stream, sizeof(info->stream));
	memcpy(&info->shadow, header->shadow, sizeof(info->shadow));
	memcpy(&info->set, header->set, sizeof(info->set));
	memcpy(&info->base, header->base, sizeof(info->base));
	memcpy(&info->generation, header->generation, sizeof(info->generation));
	info->bytes = le64toh(header->bytes);
	info->base_bytes = le64toh(header->base_bytes);
	info->created_ns = le64toh(header->created_ns);
	info->sent_ns = le64toh(header->sent_ns);
	info->id = le64toh(header->id);
	point_decode(&header->from, &info->from);
	text_decode(header->volume, info->volume, sizeof(info->volume));
	text_decode(header->label, info->label, sizeof(info->label));
	*problem = "its header says what cannot be";
	return is_possible(info) ? STREAM_SOUND : STREAM_DAMAGED;
}
