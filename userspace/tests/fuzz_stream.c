// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_stream.c - the reader of streams, fed by libFuzzer.
 *
 * The input is a stream.  It is read twice, the second time with right checksums of the header and
 * of the heads and the data of records, with numbers in order, and with sums that are right where
 * the data can be had: what no fuzzer finds.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "../shadowadm/stream.h"

struct input {
	uint8_t *bytes;
	size_t size;
	size_t at;
};

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

static ssize_t read_input(void *arg, void *buf, size_t length)
{
	struct input *input = arg;

	if (length > input->size - input->at)
		length = input->size - input->at;
	memcpy(buf, input->bytes + input->at, length);
	input->at += length;
	return length;
}

/* What is said of a record is so. */
static void check_record(const struct stream_info *info, const struct stream_record *record,
			 const struct stream_point *before, const struct stream_point *now)
{
	uint8_t sum[STREAM_SUM];

	if (record->type == STREAM_CHECKPOINT) {
		must(stream_point_equal(before, now));
		return;
	}
	must(record->type == STREAM_DATA || record->type == STREAM_HOLE);
	must(record->length && record->offset >= before->offset &&
	     record->offset + record->length <= info->bytes &&
	     now->offset == record->offset + record->length &&
	     now->records == before->records + 1);
	must(stream_is_incremental(info) || record->offset == before->offset);
	if (record->type == STREAM_HOLE)
		return;
	must(record->length <= info->chunk_max);
	stream_sum(record->data, record->length, sum);
	must(!memcmp(sum, record->sum, sizeof(sum)));
}

static void try(struct input *input)
{
	struct stream_point before;
	struct stream_reader *reader;
	struct stream_record record;
	const struct stream_info *info;
	int rc = -1;

	input->at = 0;
	if (stream_reader_open(read_input, input, &reader) == STREAM_SOUND) {
		info = stream_reader_info(reader);
		for (;;) {
			before = *stream_reader_point(reader);
			rc = stream_reader_next(reader, &record);
			if (rc <= 0)
				break;
			check_record(info, &record, &before, stream_reader_point(reader));
			must(stream_point_is_possible(info, stream_reader_point(reader)));
		}
		if (!rc)
			must(input->at == input->size &&
			     (stream_is_incremental(info) ||
			      stream_reader_point(reader)->offset == info->bytes));
	}
	must((rc < 0) == (stream_reader_verdict(reader) != STREAM_SOUND));
	must(rc >= 0 || *stream_reader_problem(reader));
	stream_reader_close(reader);
}

/* --- right checksums --------------------------------------------------------------------- */

static void seal_data(struct stream_disk_record *record, uint8_t *payload, size_t length,
		      uint8_t *room, size_t room_size)
{
	size_t wanted = le64toh(record->length), got = length;

	record->payload_crc = htole32(stream_crc(payload, length));
	if (le32toh(record->encoding) == STREAM_ZSTD && wanted <= room_size) {
		got = ZSTD_decompress(room, wanted, payload, length);
		if (ZSTD_isError(got))
			return;
		payload = room;
	}
	stream_sum(payload, got, record->sum);
}

static void seal(struct input *input)
{
	struct stream_disk_header *header = (void *)input->bytes;
	struct stream_disk_record *record;
	struct stream_info info;
	struct stream_point point;
	const char *problem;
	static uint8_t room[1 << 20];
	size_t at = sizeof(*header), length;
	uint64_t seq = 0;

	if (input->size < sizeof(*header))
		return;
	stream_header_seal(header);
	stream_header_decode(header, &info, &problem);
	point = info.from;
	if (!info.resumed) {
		stream_begin(&info, &point);
		memset(&header->from, 0, sizeof(header->from));
		memcpy(header->from.sum, point.sum, sizeof(point.sum));
		stream_header_seal(header);
	}
	for (; at + sizeof(*record) <= input->size; at += sizeof(*record) + length) {
		record = (void *)(input->bytes + at);
		length = le32toh(record->payload);
		if (length > input->size - at - sizeof(*record))
			length = input->size - at - sizeof(*record);
		memcpy(record->magic, STREAM_RECORD_MAGIC, sizeof(record->magic));
		record->id = header->id;
		record->seq = htole64(seq++);
		record->payload = htole32(length);
		switch (le32toh(record->type)) {
		case STREAM_DATA:
			seal_data(record, (uint8_t *)(record + 1), length, room, sizeof(room));
			stream_advance(&point, STREAM_DATA, le64toh(record->offset),
				       le64toh(record->length), record->sum);
			break;
		case STREAM_HOLE:
			stream_advance(&point, STREAM_HOLE, le64toh(record->offset),
				       le64toh(record->length), NULL);
			break;
		default:
			memcpy(record->sum, point.sum, sizeof(point.sum));
			record->offset = htole64(point.offset);
			record->records = htole64(point.records);
			record->data_bytes = htole64(point.data_bytes);
			record->hole_bytes = htole64(point.hole_bytes);
		}
		stream_record_seal(record);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .bytes = malloc(size + 1), .size = size };

	must(input.bytes);
	memcpy(input.bytes, data, size);
	try(&input);
	seal(&input);
	try(&input);
	free(input.bytes);
	return 0;
}
