// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_write.c - writes a stream: the header, records in order, checkpoints now and then, and the
 * end.
 *
 * Holes that follow each other become one, so the last one is kept until something else comes.
 */
#include <endian.h>
#include <string.h>

#include "stream.h"

/* Between two checkpoints, whichever comes first. */
#define CHECKPOINT_BYTES	(256ULL << 20)
#define CHECKPOINT_RECORDS	4096

static int put(struct stream_writer *writer, struct stream_disk_record *head, const void *payload,
	       size_t length)
{
	struct iovec parts[] = {
		{ .iov_base = head, .iov_len = sizeof(*head) },
		{ .iov_base = (void *)payload, .iov_len = length },
	};
	int rc;

	memcpy(head->magic, STREAM_RECORD_MAGIC, sizeof(head->magic));
	head->id = htole64(writer->info->id);
	head->seq = htole64(writer->seq++);
	stream_record_seal(head);
	rc = writer->write(writer->arg, parts, length ? 2 : 1);
	if (!rc)
		writer->bytes += sizeof(*head) + length;
	return rc;
}

/* A checkpoint, or the end. */
static int put_point(struct stream_writer *writer, enum stream_type type)
{
	const struct stream_point *point = &writer->point;
	struct stream_disk_record head = {
		.type = htole32(type), .offset = htole64(point->offset),
		.records = htole64(point->records), .data_bytes = htole64(point->data_bytes),
		.hole_bytes = htole64(point->hole_bytes),
	};

	memcpy(head.sum, point->sum, STREAM_SUM);
	writer->checkpoint = *point;
	return put(writer, &head, NULL, 0);
}

static int put_piece(struct stream_writer *writer, const struct stream_piece *piece)
{
	struct stream_disk_record head = {
		.type = htole32(piece->type), .encoding = htole32(piece->encoding),
		.offset = htole64(piece->offset), .length = htole64(piece->length),
		.payload = htole32(piece->payload_bytes),
		.payload_crc = htole32(piece->payload_crc),
	};
	bool data = piece->type == STREAM_DATA;
	int rc;

	if (data)
		memcpy(head.sum, piece->sum, STREAM_SUM);
	rc = put(writer, &head, piece->payload, piece->payload_bytes);
	if (rc)
		return rc;
	stream_advance(&writer->point, piece->type, piece->offset, piece->length,
		       data ? piece->sum : NULL);
	if (writer->point.data_bytes - writer->checkpoint.data_bytes < CHECKPOINT_BYTES &&
	    writer->point.records - writer->checkpoint.records < CHECKPOINT_RECORDS)
		return 0;
	return put_point(writer, STREAM_CHECKPOINT);
}

static int put_hole(struct stream_writer *writer)
{
	struct stream_piece piece = {
		.type = STREAM_HOLE, .offset = writer->hole_offset, .length = writer->hole_length,
	};

	if (!piece.length)
		return 0;
	writer->hole_length = 0;
	return put_piece(writer, &piece);
}

int stream_writer_begin(struct stream_writer *writer, const struct stream_info *info,
			stream_write_fn *write, void *arg)
{
	struct stream_disk_header header;
	struct iovec part = { .iov_base = &header, .iov_len = sizeof(header) };
	int rc;

	*writer = (struct stream_writer){
		.info = info, .write = write, .arg = arg, .point = info->from,
		.checkpoint = info->from,
	};
	stream_header_encode(info, &header);
	rc = write(arg, &part, 1);
	if (!rc)
		writer->bytes = sizeof(header);
	return rc;
}

int stream_writer_piece(struct stream_writer *writer, const struct stream_piece *piece)
{
	int rc;

	if (piece->type == STREAM_HOLE) {
		if (writer->hole_length &&
		    writer->hole_offset + writer->hole_length == piece->offset) {
			writer->hole_length += piece->length;
			return 0;
		}
		rc = put_hole(writer);
		writer->hole_offset = piece->offset;
		writer->hole_length = piece->length;
		return rc;
	}
	rc = put_hole(writer);
	return rc ? rc : put_piece(writer, piece);
}

int stream_writer_end(struct stream_writer *writer)
{
	int rc = put_hole(writer);

	return rc ? rc : put_point(writer, STREAM_END);
}
