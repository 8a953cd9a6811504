// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_read.c - reads a stream, and believes nothing: each byte of it is under a checksum, each
 * record at its place, and what they come to is what the end says.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "stream.h"

struct stream_reader {
	stream_read_fn *read;
	void *arg;
	struct stream_info info;
	struct stream_point point;
	uint64_t seq;
	uint64_t bytes;			/* read of the stream */
	ZSTD_DCtx *zstd;
	uint8_t *payload, *data;	/* chunk_max each, once they are needed */
	bool ended;
	enum stream_verdict verdict;
	int error;
	char problem[160];
};

__attribute__((format(printf, 3, 4)))
static int refuse(struct stream_reader *reader, enum stream_verdict verdict, const char *format,
		  ...)
{
	va_list args;

	reader->verdict = verdict;
	va_start(args, format);
	vsnprintf(reader->problem, sizeof(reader->problem), format, args);
	va_end(args);
	return -1;
}

static int damaged(struct stream_reader *reader, const char *how)
{
	return refuse(reader, STREAM_DAMAGED, "its record %" PRIu64 ", near byte %" PRIu64
		      ", %s", reader->seq, reader->bytes, how);
}

/* Return: how many there were, fewer only at the end, or -1. */
static ssize_t fill(struct stream_reader *reader, void *buf, size_t length)
{
	size_t done = 0;
	ssize_t got;

	while (done < length) {
		got = reader->read(reader->arg, (char *)buf + done, length - done);
		if (got < 0) {
			reader->error = -got;
			return refuse(reader, STREAM_UNREADABLE, "reading it failed at byte %"
				      PRIu64 ": %s", reader->bytes, strerror(reader->error));
		}
		if (!got)
			break;
		done += got;
		reader->bytes += got;
	}
	return done;
}

static int fill_all(struct stream_reader *reader, void *buf, size_t length)
{
	ssize_t got = fill(reader, buf, length);

	if (got < 0)
		return -1;
	if ((size_t)got < length)
		return refuse(reader, STREAM_CUT, "it ends too early, after %" PRIu64 " bytes",
			      reader->bytes);
	return 0;
}

/* --- the header -------------------------------------------------------------------------- */

static int read_header(struct stream_reader *reader)
{
	struct stream_disk_header header;
	const char *problem;
	ssize_t got = fill(reader, &header, sizeof(header));
	enum stream_verdict verdict;

	if (got < 0)
		return -1;
	if (!got)
		return refuse(reader, STREAM_CUT, "it is empty");
	if (memcmp(header.magic, STREAM_MAGIC,
		   (size_t)got < sizeof(header.magic) ? (size_t)got : sizeof(header.magic)))
		return refuse(reader, STREAM_FOREIGN, "it does not begin as a stream does");
	if ((size_t)got < sizeof(header))
		return refuse(reader, STREAM_CUT, "it ends in its header");
	verdict = stream_header_decode(&header, &reader->info, &problem);
	if (verdict != STREAM_SOUND)
		return refuse(reader, verdict, "%s", problem);
	reader->point = reader->info.from;
	return 0;
}

enum stream_verdict stream_reader_open(stream_read_fn *read, void *arg,
				       struct stream_reader **readerp)
{
	struct stream_reader *reader = calloc(1, sizeof(*reader));

	*readerp = reader;
	if (!reader)
		return STREAM_NO_MEMORY;
	reader->read = read;
	reader->arg = arg;
	read_header(reader);
	return reader->verdict;
}

void stream_reader_close(struct stream_reader *reader)
{
	if (!reader)
		return;
	ZSTD_freeDCtx(reader->zstd);
	free(reader->payload);
	free(reader->data);
	free(reader);
}

/* --- records ----------------------------------------------------------------------------- */

static int no_memory(struct stream_reader *reader)
{
	return refuse(reader, STREAM_NO_MEMORY, "there is not enough memory");
}

static int make_room(struct stream_reader *reader)
{
	if (!reader->payload)
		reader->payload = malloc(reader->info.chunk_max);
	if (!reader->data)
		reader->data = malloc(reader->info.chunk_max);
	if (!reader->zstd)
		reader->zstd = ZSTD_createDCtx();
	return reader->payload && reader->data && reader->zstd ? 0 : no_memory(reader);
}

static bool crc_is_right(const struct stream_disk_record *record)
{
	struct stream_disk_record copy = *record;

	stream_record_seal(&copy);
	return copy.crc == record->crc;
}

static int read_head(struct stream_reader *reader, struct stream_disk_record *head)
{
	if (fill_all(reader, head, sizeof(*head)))
		return -1;
	if (memcmp(head->magic, STREAM_RECORD_MAGIC, sizeof(head->magic)))
		return damaged(reader, "does not begin as one does");
	if (!crc_is_right(head))
		return damaged(reader, "is damaged: the checksum of its head is wrong");
	if (le64toh(head->id) != reader->info.id)
		return damaged(reader, "is of another stream");
	if (le64toh(head->seq) != reader->seq)
		return damaged(reader, "is not the one that has its place");
	return 0;
}

/* Does what it describes follow what there was? */
static int check_place(struct stream_reader *reader, const struct stream_record *record)
{
	const struct stream_info *info = &reader->info;
	uint64_t end;

	if (!record->length || __builtin_add_overflow(record->offset, record->length, &end) ||
	    end > info->bytes || record->offset % STREAM_BLOCK ||
	    (record->length % STREAM_BLOCK && end != info->bytes))
		return damaged(reader, "describes what there cannot be");
	if (record->offset < reader->point.offset)
		return damaged(reader, "describes what was described already");
	if (!stream_is_incremental(info) && record->offset > reader->point.offset)
		return damaged(reader, "leaves something out");
	return 0;
}

static int unpack(struct stream_reader *reader, const struct stream_disk_record *head,
		  struct stream_record *record)
{
	size_t payload = le32toh(head->payload), got;

	switch (le32toh(head->encoding)) {
	case STREAM_RAW:
		if (payload != record->length)
			return damaged(reader, "has not the length that it says");
		record->data = reader->payload;
		return 0;
	case STREAM_ZSTD:
		got = ZSTD_decompressDCtx(reader->zstd, reader->data, record->length,
					  reader->payload, payload);
		if (ZSTD_isError(got) || got != record->length)
			return damaged(reader, "cannot be decompressed");
		record->data = reader->data;
		return 0;
	default:
		return refuse(reader, STREAM_NEWER, "its record %" PRIu64 " is compressed in a "
			      "way that is not known", reader->seq);
	}
}

static int read_data(struct stream_reader *reader, const struct stream_disk_record *head,
		     struct stream_record *record)
{
	size_t payload = le32toh(head->payload);

	if (check_place(reader, record))
		return -1;
	if (record->length > reader->info.chunk_max || !payload || payload > record->length)
		return damaged(reader, "is larger than one can be");
	if (make_room(reader) || fill_all(reader, reader->payload, payload))
		return -1;
	if (stream_crc(reader->payload, payload) != le32toh(head->payload_crc))
		return damaged(reader, "is damaged: the checksum of its data is wrong");
	if (unpack(reader, head, record))
		return -1;
	stream_sum(record->data, record->length, record->sum);
	if (memcmp(record->sum, head->sum, STREAM_SUM))
		return damaged(reader, "has not the data that it had: its SHA-256 is wrong");
	stream_advance(&reader->point, STREAM_DATA, record->offset, record->length, record->sum);
	return 1;
}

static int read_hole(struct stream_reader *reader, const struct stream_disk_record *head,
		     const struct stream_record *record)
{
	if (check_place(reader, record))
		return -1;
	if (head->payload)
		return damaged(reader, "is a hole, and has data");
	stream_advance(&reader->point, STREAM_HOLE, record->offset, record->length, NULL);
	return 1;
}

/* A checkpoint, or the end: is all as it says? */
static int check_point(struct stream_reader *reader, const struct stream_disk_record *head)
{
	struct stream_point said = {
		.offset = le64toh(head->offset), .records = le64toh(head->records),
		.data_bytes = le64toh(head->data_bytes), .hole_bytes = le64toh(head->hole_bytes),
	};

	memcpy(said.sum, head->sum, STREAM_SUM);
	if (head->payload)
		return damaged(reader, "has data, and is of a kind that has none");
	if (!stream_point_equal(&said, &reader->point))
		return damaged(reader, "counts, or sums up, what was not there");
	return 1;
}

static int read_end(struct stream_reader *reader, const struct stream_disk_record *head)
{
	const struct stream_info *info = &reader->info;
	char byte;
	ssize_t got;

	if (check_point(reader, head) < 0)
		return -1;
	if (!stream_is_incremental(info) && reader->point.offset != info->bytes)
		return damaged(reader, "ends it before the end of the volume");
	got = fill(reader, &byte, 1);
	if (got < 0)
		return -1;
	if (got)
		return refuse(reader, STREAM_TRAILING, "something follows its end, at byte %"
			      PRIu64, reader->bytes - 1);
	reader->ended = true;
	return 0;
}

/* What a later version may have added, and who does not know it need not. */
static int pass_over(struct stream_reader *reader, const struct stream_disk_record *head)
{
	size_t payload = le32toh(head->payload);
	char buf[4096];

	if (payload > STREAM_CHUNK_MAX)
		return damaged(reader, "is larger than one can be");
	while (payload) {
		size_t part = payload < sizeof(buf) ? payload : sizeof(buf);

		if (fill_all(reader, buf, part))
			return -1;
		payload -= part;
	}
	return 0;
}

static int next(struct stream_reader *reader, struct stream_record *record)
{
	struct stream_disk_record head;

	memset(record, 0, sizeof(*record));
	if (read_head(reader, &head))
		return -1;
	record->type = le32toh(head.type);
	record->offset = le64toh(head.offset);
	record->length = le64toh(head.length);
	switch (record->type) {
	case STREAM_DATA:
		return read_data(reader, &head, record);
	case STREAM_HOLE:
		return read_hole(reader, &head, record);
	case STREAM_CHECKPOINT:
		return check_point(reader, &head);
	case STREAM_END:
		return read_end(reader, &head);
	default:
		if (record->type >= STREAM_OPTIONAL)
			return pass_over(reader, &head);
		return refuse(reader, STREAM_NEWER, "its record %" PRIu64 " is of a kind that is "
			      "not known", reader->seq);
	}
}

int stream_reader_next(struct stream_reader *reader, struct stream_record *record)
{
	int rc;

	if (reader->verdict != STREAM_SOUND)
		return -1;
	do {
		if (reader->ended)
			return 0;
		rc = next(reader, record);
		reader->seq++;
	} while (!rc && !reader->ended);
	return rc;
}

/* --- what it is -------------------------------------------------------------------------- */

const struct stream_info *stream_reader_info(const struct stream_reader *reader)
{
	return &reader->info;
}

const struct stream_point *stream_reader_point(const struct stream_reader *reader)
{
	return &reader->point;
}

enum stream_verdict stream_reader_verdict(const struct stream_reader *reader)
{
	return reader->verdict;
}

const char *stream_reader_problem(const struct stream_reader *reader)
{
	return reader->problem;
}

int stream_reader_errno(const struct stream_reader *reader)
{
	return reader->error;
}

uint64_t stream_reader_bytes(const struct stream_reader *reader)
{
	return reader->bytes;
}
