// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream.c - streams are read as they were written, and nothing else is taken for one.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "../shadowadm/stream.h"
#include "test.h"

#define VOLUME	(200 << 10)	/* no whole number of chunks */
#define CHUNK	(64 << 10)

/* --- a stream in memory ------------------------------------------------------------------ */

struct memory {
	uint8_t *bytes;
	size_t length, room;
	size_t at;		/* read so far */
	size_t step;		/* at a time; 0: all */
	size_t limit;		/* writing fails beyond; 0: does not */
};

static int write_memory(void *arg, struct iovec *parts, int count)
{
	struct memory *memory = arg;
	int i;

	for (i = 0; i < count; i++) {
		if (memory->limit && memory->length + parts[i].iov_len > memory->limit)
			return -ENOSPC;
		while (memory->length + parts[i].iov_len > memory->room) {
			memory->room = memory->room ? 2 * memory->room : 4096;
			memory->bytes = realloc(memory->bytes, memory->room);
			if (!memory->bytes)
				abort();
		}
		memcpy(memory->bytes + memory->length, parts[i].iov_base, parts[i].iov_len);
		memory->length += parts[i].iov_len;
	}
	return 0;
}

static ssize_t read_memory(void *arg, void *buf, size_t length)
{
	struct memory *memory = arg;
	size_t left = memory->length - memory->at;

	if (length > left)
		length = left;
	if (memory->step && length > memory->step)
		length = memory->step;
	memcpy(buf, memory->bytes + memory->at, length);
	memory->at += length;
	return length;
}

/* --- a volume in memory ------------------------------------------------------------------ */

struct volume {
	uint8_t bytes[VOLUME];
	const struct send_run *runs;
	size_t count, next;
	uint64_t bad;		/* reading that fails; 0: none does */
};

static int next_run(void *arg, struct send_run *run)
{
	struct volume *volume = arg;

	if (volume->next == volume->count)
		return 0;
	*run = volume->runs[volume->next++];
	return 1;
}

static int read_volume(void *arg, void *buf, size_t length, uint64_t offset)
{
	const struct volume *volume = arg;

	if (volume->bad && offset <= volume->bad && volume->bad < offset + length)
		return -EIO;
	memcpy(buf, volume->bytes + offset, length);
	return 0;
}

static void fill(struct volume *volume, unsigned int seed)
{
	size_t i;

	for (i = 0; i < VOLUME; i++) {
		seed = seed * 1103515245 + 12345;
		/* half of it can be compressed */
		volume->bytes[i] = i / 4096 % 2 ? seed >> 16 : i / 512 + seed / (1U << 31);
	}
}

static const struct send_run all[] = { { false, 0, VOLUME } };

static struct stream_info make_info(bool incremental)
{
	struct stream_info info = {
		.bytes = VOLUME, .created_ns = 17, .sent_ns = 18, .id = 0x1234567890abcdefULL,
		.chunk_max = CHUNK, .volume = "/dev/vda", .label = "nightly",
	};

	memset(&info.shadow, 0x11, sizeof(info.shadow));
	memset(&info.set, 0x22, sizeof(info.set));
	if (incremental)
		memset(&info.base, 0x33, sizeof(info.base));
	info.base_bytes = incremental ? VOLUME : 0;
	stream_begin(&info, &info.from);
	return info;
}

static enum send_phase make(const struct stream_info *info, struct volume *volume,
			    const struct send_run *runs, size_t count, int level,
			    struct memory *memory)
{
	struct send_source source = { next_run, read_volume, volume };
	struct send_options options = { .level = level, .threads = 3, .chunk = info->chunk_max };
	struct send_result result;

	volume->runs = runs;
	volume->count = count;
	volume->next = 0;
	return stream_send(info, &source, &options, write_memory, memory, NULL, NULL, &result);
}

/* --- reading ----------------------------------------------------------------------------- */

/* What came of reading it. */
struct outcome {
	enum stream_verdict verdict;
	bool whole;
	struct stream_info info;
	struct stream_point point;
	size_t data, holes, checkpoints;
	char problem[160];
};

/* @target: written as the stream says; or NULL. */
static struct outcome receive(struct memory *memory, uint8_t *target)
{
	struct outcome outcome = { 0 };
	struct stream_reader *reader;
	struct stream_record record;
	int rc = -1;

	memory->at = 0;
	outcome.verdict = stream_reader_open(read_memory, memory, &reader);
	while (outcome.verdict == STREAM_SOUND &&
	       (rc = stream_reader_next(reader, &record)) > 0) {
		outcome.data += record.type == STREAM_DATA;
		outcome.holes += record.type == STREAM_HOLE;
		outcome.checkpoints += record.type == STREAM_CHECKPOINT;
		if (!target)
			continue;
		if (record.type == STREAM_DATA)
			memcpy(target + record.offset, record.data, record.length);
		else if (record.type == STREAM_HOLE)
			memset(target + record.offset, 0, record.length);
	}
	outcome.whole = !rc;
	outcome.verdict = stream_reader_verdict(reader);
	outcome.info = *stream_reader_info(reader);
	outcome.point = *stream_reader_point(reader);
	snprintf(outcome.problem, sizeof(outcome.problem), "%s", stream_reader_problem(reader));
	stream_reader_close(reader);
	return outcome;
}

static void round_trip(int level, const char *what)
{
	static struct volume volume;
	static uint8_t target[VOLUME];
	struct stream_info info = make_info(false);
	struct memory memory = { 0 };
	struct outcome outcome;

	fill(&volume, 1);
	memset(volume.bytes + CHUNK, 0, CHUNK);
	memset(target, 0xaa, sizeof(target));
	CHECK(make(&info, &volume, all, 1, level, &memory) == SEND_DONE, what);
	outcome = receive(&memory, target);
	CHECK(outcome.whole && outcome.verdict == STREAM_SOUND, "it is read as a whole");
	CHECK(!memcmp(target, volume.bytes, VOLUME), "it is the volume");
	CHECK(outcome.holes == 1, "zeros are a hole");
	CHECK(!memcmp(&outcome.info.shadow, &info.shadow, sizeof(info.shadow)) &&
	      outcome.info.created_ns == 17 && outcome.info.bytes == VOLUME &&
	      !strcmp(outcome.info.label, "nightly"), "so is its header");
	CHECK(outcome.point.data_bytes == VOLUME - CHUNK && outcome.point.hole_bytes == CHUNK,
	      "it was counted");
	CHECK(level == STREAM_LEVEL_NONE ? memory.length > VOLUME - CHUNK :
	      memory.length < VOLUME - CHUNK, "it is as large as it should be");
	memory.step = 7;
	CHECK(receive(&memory, target).whole, "... also read by 7 bytes");
	free(memory.bytes);
}

static void test_incremental(void)
{
	static const struct send_run runs[] = {
		{ false, 4096, 8192 }, { true, 65536, 65536 }, { true, 131072, 4096 },
		{ false, 196608, VOLUME - 196608 },
	};
	static struct volume volume, target;
	struct stream_info info = make_info(true);
	struct memory memory = { 0 };
	struct outcome outcome;

	fill(&volume, 2);
	fill(&target, 2);
	memset(volume.bytes + 65536, 0, 65536 + 4096);
	memset(volume.bytes + 4096, 7, 8192);
	memset(volume.bytes + 196608, 8, VOLUME - 196608);
	CHECK(make(&info, &volume, runs, 4, 3, &memory) == SEND_DONE, "what has changed is sent");
	outcome = receive(&memory, target.bytes);
	CHECK(outcome.whole && !memcmp(volume.bytes, target.bytes, VOLUME),
	      "the base becomes the shadow");
	CHECK(outcome.holes == 1 && outcome.data == 2, "holes that are adjacent are one");
	free(memory.bytes);
}

/* --- damage ------------------------------------------------------------------------------ */

/* A stream that is as small as one with all kinds of records can be. */
static struct stream_info small(struct memory *memory, struct volume *volume, int level)
{
	static const struct send_run runs[] = {
		{ false, 0, 4096 }, { true, 4096, 8192 }, { false, 12288, 4096 },
	};
	struct stream_info info = make_info(false);

	info.bytes = 16384;
	info.chunk_max = 4096;
	stream_begin(&info, &info.from);
	memset(volume->bytes, 5, 4096);
	memset(volume->bytes + 4096, 0, 8192);
	memset(volume->bytes + 12288, 6, 4096);
	if (make(&info, volume, runs, 3, level, memory) != SEND_DONE ||
	    !receive(memory, NULL).whole)
		CHECK(false, "a small one is made, and read");
	return info;
}

static void test_cuts(void)
{
	static struct volume volume;
	struct memory memory = { 0 };
	size_t whole, wrong = 0;

	small(&memory, &volume, 1);
	whole = memory.length;
	for (memory.length = 0; memory.length < whole; memory.length++) {
		struct outcome outcome = receive(&memory, NULL);

		if (outcome.whole || outcome.verdict != STREAM_CUT) {
			printf("# cut at %zu: verdict %d\n", memory.length, outcome.verdict);
			wrong++;
		}
	}
	CHECK(!wrong, "cut at any byte, it is said to be cut");
	free(memory.bytes);
}

static void test_flips(void)
{
	static struct volume volume;
	struct memory memory = { 0 };
	size_t i, wrong = 0;
	int bit;

	small(&memory, &volume, 1);
	for (i = 0; i < memory.length; i++)
		for (bit = 0; bit < 8; bit++) {
			memory.bytes[i] ^= 1 << bit;
			if (receive(&memory, NULL).whole) {
				printf("# bit %d of byte %zu was not noticed\n", bit, i);
				wrong++;
			}
			memory.bytes[i] ^= 1 << bit;
		}
	CHECK(!wrong, "any bit flipped, it is refused");
	free(memory.bytes);
}

/* The records of a stream: where the one of that number begins, the end for one behind the last. */
static size_t record_at(const struct memory *memory, unsigned int number)
{
	size_t at = sizeof(struct stream_disk_header);

	while (number-- && at < memory->length) {
		const struct stream_disk_record *record = (void *)(memory->bytes + at);

		at += sizeof(*record) + le32toh(record->payload);
	}
	return at;
}

static void swap(struct memory *memory, unsigned int a, unsigned int b)
{
	size_t from = record_at(memory, a), to = record_at(memory, b);
	size_t length = record_at(memory, a + 1) - from;
	uint8_t copy[8192];

	memcpy(copy, memory->bytes + from, length);
	memcpy(memory->bytes + from, memory->bytes + to, length);
	memcpy(memory->bytes + to, copy, length);
}

static void check_refused(struct memory *memory, enum stream_verdict verdict, const char *words,
			  const char *what)
{
	struct outcome outcome = receive(memory, NULL);
	bool good = !outcome.whole && outcome.verdict == verdict &&
		    strstr(outcome.problem, words);

	if (!good)
		printf("# verdict %d: %s\n", outcome.verdict, outcome.problem);
	CHECK(good, what);
}

/* Somebody wrote it so: its checksums are right. */
static void seal(struct memory *memory, unsigned int number)
{
	stream_record_seal((void *)(memory->bytes + record_at(memory, number)));
}

static struct stream_disk_record *record(struct memory *memory, unsigned int number)
{
	return (void *)(memory->bytes + record_at(memory, number));
}

/* Each time a new one, to be spoilt in one way. */
static struct stream_disk_header *fresh(struct memory *memory, int level)
{
	static struct volume volume;

	memory->length = 0;
	small(memory, &volume, level);
	return (void *)memory->bytes;
}

static void test_refusals(void)
{
	struct iovec part = { .iov_base = (void *)"x", .iov_len = 1 };
	struct memory memory = { 0 }, other = { 0 };
	struct stream_disk_header *header;
	struct stream_disk_record *end;
	static struct volume volume;

	fresh(&memory, STREAM_LEVEL_NONE);
	swap(&memory, 0, 2);
	check_refused(&memory, STREAM_DAMAGED, "its place", "records that were swapped");

	fresh(&memory, 1);
	write_memory(&memory, &part, 1);
	check_refused(&memory, STREAM_TRAILING, "follows its end", "what follows the end");

	fresh(&memory, 1);
	small(&other, &volume, 1);
	part = (struct iovec){ other.bytes, other.length };
	write_memory(&memory, &part, 1);
	check_refused(&memory, STREAM_TRAILING, "follows its end", "two streams in one");

	header = fresh(&memory, 1);
	header->version = htole32(2);
	stream_header_seal(header);
	check_refused(&memory, STREAM_NEWER, "newer version", "a newer version");

	header = fresh(&memory, 1);
	header->incompat = htole32(2);
	stream_header_seal(header);
	check_refused(&memory, STREAM_NEWER, "feature", "a feature that is not known");

	header = fresh(&memory, 1);
	header->compat = htole32(2);
	header->ro_compat = htole32(2);
	stream_header_seal(header);
	CHECK(receive(&memory, NULL).whole, "one that need not be known does no harm");

	header = fresh(&memory, 1);
	header->chunk_max = htole32(64 << 20);
	stream_header_seal(header);
	check_refused(&memory, STREAM_DAMAGED, "cannot be", "a chunk that would eat the memory");

	header = fresh(&memory, 1);
	header->magic[0] = 'S';
	check_refused(&memory, STREAM_FOREIGN, "begin", "what is no stream");

	fresh(&memory, 1);
	record(&memory, 1)->id ^= htole64(1);
	seal(&memory, 1);
	check_refused(&memory, STREAM_DAMAGED, "another stream", "a record of another stream");

	fresh(&memory, 1);
	record(&memory, 1)->offset = htole64(8192);
	record(&memory, 1)->length = htole64(4096);
	seal(&memory, 1);
	check_refused(&memory, STREAM_DAMAGED, "leaves something out", "a gap in what is full");

	fresh(&memory, 1);
	record(&memory, 1)->length = htole64(4096);
	seal(&memory, 1);
	check_refused(&memory, STREAM_DAMAGED, "leaves something out", "a hole that is too short");

	fresh(&memory, 1);
	record(&memory, 2)->offset = htole64(8192);
	seal(&memory, 2);
	check_refused(&memory, STREAM_DAMAGED, "already", "what is described twice");

	fresh(&memory, 1);
	record(&memory, 2)->offset = htole64(1ULL << 63);
	seal(&memory, 2);
	check_refused(&memory, STREAM_DAMAGED, "cannot be", "what lies behind the volume");

	fresh(&memory, 1);
	end = record(&memory, 3);
	CHECK(le32toh(end->type) == STREAM_END, "the last record is the end");
	end->sum[5] ^= 1;
	seal(&memory, 3);
	check_refused(&memory, STREAM_DAMAGED, "sums up", "another sum of all");

	fresh(&memory, 1);
	record(&memory, 3)->hole_bytes = htole64(4096);
	seal(&memory, 3);
	check_refused(&memory, STREAM_DAMAGED, "counts", "other counts");

	fresh(&memory, STREAM_LEVEL_NONE);
	((uint8_t *)(record(&memory, 2) + 1))[9] ^= 1;
	record(&memory, 2)->payload_crc = htole32(stream_crc(record(&memory, 2) + 1, 4096));
	seal(&memory, 2);
	check_refused(&memory, STREAM_DAMAGED, "SHA-256", "other data, its checksum right");

	fresh(&memory, 1);
	record(&memory, 0)->encoding = htole32(9);
	seal(&memory, 0);
	check_refused(&memory, STREAM_NEWER, "compressed", "a compression that is not known");

	fresh(&memory, 1);
	record(&memory, 1)->type = htole32(77);
	seal(&memory, 1);
	check_refused(&memory, STREAM_NEWER, "kind", "a kind of record that is not known");
	free(memory.bytes);
	free(other.bytes);
}

/* --- going on ---------------------------------------------------------------------------- */

static void test_resume(void)
{
	static struct volume volume;
	static uint8_t target[VOLUME];
	struct stream_info info = make_info(false), again;
	struct memory memory = { 0 }, rest = { 0 };
	struct outcome outcome;
	char text[STREAM_TOKEN_LEN];
	struct stream_token token = { .shadow = info.shadow }, back;
	size_t whole, wrong = 0, ways = 0;

	fill(&volume, 3);
	make(&info, &volume, all, 1, 1, &memory);
	whole = memory.length;
	for (memory.length = sizeof(struct stream_disk_header); memory.length < whole;
	     memory.length += 997) {
		memset(target, 0xaa, sizeof(target));
		outcome = receive(&memory, target);
		if (!outcome.point.offset)
			continue;
		token.point = outcome.point;
		if (!stream_token_parse(stream_token_format(&token, text), &back) ||
		    !stream_point_equal(&back.point, &outcome.point))
			wrong++;
		again = info;
		again.resumed = true;
		again.from = back.point;
		again.chunk_max = 8192;
		rest.length = 0;
		make(&again, &volume, all, 1, STREAM_LEVEL_NONE, &rest);
		outcome = receive(&rest, target);
		if (!outcome.whole || memcmp(target, volume.bytes, VOLUME) ||
		    outcome.point.data_bytes + outcome.point.hole_bytes != VOLUME)
			wrong++;
		ways++;
	}
	CHECK(ways > 10 && !wrong, "what was cut is gone on with, in another way");
	text[7] ^= 1;
	CHECK(!stream_token_parse(text, &back), "a token that was mistyped is none");
	CHECK(!stream_token_parse("", &back), "nothing is none");
	free(memory.bytes);
	free(rest.bytes);
}

/* --- who sends fails --------------------------------------------------------------------- */

static void test_errors_on_the_way(void)
{
	static struct volume volume;
	struct stream_info info = make_info(false);
	struct memory memory = { 0 };

	fill(&volume, 4);
	volume.bad = 150000;
	CHECK(make(&info, &volume, all, 1, 1, &memory) == SEND_READ, "a failing read is told of");
	check_refused(&memory, STREAM_CUT, "too early", "and the stream has no end");
	volume.bad = 0;
	memory.length = 0;
	memory.limit = 3000;
	CHECK(make(&info, &volume, all, 1, 1, &memory) == SEND_WRITE,
	      "so is a write that fails");
	memory.length = 0;
	memory.limit = 100;
	CHECK(make(&info, &volume, all, 1, 1, &memory) == SEND_WRITE, "also of the header");
	free(memory.bytes);
}

static void test_checkpoints(void)
{
	static struct volume volume;
	static uint8_t packed[4096];
	struct stream_piece pieces[STREAM_PIECES_MAX(4096)];
	struct stream_packer *packer = stream_packer_new(1);
	struct stream_info info = make_info(false);
	struct stream_writer writer;
	struct memory memory = { 0 };
	struct outcome outcome;
	size_t i;

	info.bytes = 10000 * 4096ULL;
	stream_begin(&info, &info.from);
	fill(&volume, 5);
	stream_writer_begin(&writer, &info, write_memory, &memory);
	for (i = 0; i < 10000; i++) {
		stream_pack(packer, volume.bytes + i % 40 * 4096, i * 4096, 4096, packed, pieces);
		stream_writer_piece(&writer, &pieces[0]);
	}
	stream_writer_end(&writer);
	stream_packer_free(packer);
	outcome = receive(&memory, NULL);
	CHECK(outcome.whole && outcome.data == 10000 && outcome.checkpoints == 2,
	      "there are checkpoints now and then");
	free(memory.bytes);
}

void test_stream(void)
{
	round_trip(STREAM_LEVEL_NONE, "a volume is sent");
	round_trip(1, "a volume is sent, and compressed");
	round_trip(19, "... more");
	test_incremental();
	test_cuts();
	test_flips();
	test_refusals();
	test_resume();
	test_errors_on_the_way();
	test_checkpoints();
}
