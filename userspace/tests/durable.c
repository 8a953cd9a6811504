// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable.c - tests of what looks at durable stores.
 */
#include <errno.h>
#include <stdlib.h>

#include "../shadowadm/durable.h"
#include "../shadowadm/runs.h"
#include "image.h"
#include "test.h"

/* As long as it is, and not one byte more: what is read beyond it is seen. */
static int read_image(void *arg, uint64_t offset, void *buf, size_t length)
{
	memcpy(buf, (const u8 *)arg + offset, length);
	return 0;
}

static char last_text[256];
static unsigned int told;

static void tell(void *arg, const struct durable_place *place, const char *text)
{
	(void)arg;
	(void)place;
	told++;
	snprintf(last_text, sizeof(last_text), "%s", text);
}

static void check(struct image *image, struct durable *d)
{
	struct durable_source source = {
		.read = read_image, .arg = image->bytes, .bytes = IMAGE_BYTES,
		.with_saved = true,
	};

	durable_check(&source, tell, NULL, d);
}

/* Check it and let go of it.  Is the verdict this, and the problem? */
static bool is(struct image *image, enum durable_verdict verdict, const char *problem)
{
	struct durable d;
	bool good;

	check(image, &d);
	good = d.verdict == verdict && !d.problem == !problem &&
	       (!problem || !strcmp(d.problem, problem));
	if (!good)
		printf("# verdict %d, %s\n", d.verdict, d.problem ?: "sound");
	durable_clear(&d);
	image_free(image);
	return good;
}

static void headers(void)
{
	struct durable_source nothing = { .read = read_image, .bytes = 0 };
	struct image image;
	struct durable d;

	durable_check(&nothing, NULL, NULL, &d);
	CHECK(d.verdict == DURABLE_FOREIGN, "nothing is no store");
	durable_clear(&d);

	image_new(&image);
	CHECK(is(&image, DURABLE_SOUND, NULL), "a new store");
	image_new(&image);
	memset(image.bytes, 0, SHADOW_DISK_HEAD);
	CHECK(is(&image, DURABLE_FOREIGN, "there is no durable store on it"), "zeros are no store");
	image_new(&image);
	image_header(&image, 0)->volume[3] ^= 1;
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.counts == 1 && d.headers[0] == DURABLE_DAMAGED,
	      "one header that is damaged");
	durable_clear(&d);
	image_header(&image, 1)->reserved[7] ^= 1;
	CHECK(is(&image, DURABLE_DAMAGED, "its header is not whole"), "and both");
	image_new(&image);
	image_header(&image, 1)->seq = cpu_to_le64(2);
	strcpy((char *)image_header(&image, 1)->volume, "vd\033[b");
	shadow_header_seal(image_header(&image, 1));
	check(&image, &d);
	CHECK(d.counts == 1 && !strcmp(d.volume, "vd?[b"), "the newer header counts");
	durable_clear(&d);
	image_header(&image, 0)->incompat = image_header(&image, 1)->incompat = cpu_to_le32(4);
	shadow_header_seal(image_header(&image, 0));
	shadow_header_seal(image_header(&image, 1));
	CHECK(is(&image, DURABLE_NEWER, "it was made by a newer version"), "an unknown feature");
	image_new(&image);
	image_header(&image, 0)->seq = cpu_to_le64(3);
	image_header(&image, 0)->part_blocks = cpu_to_le64(IMAGE_BLOCKS + 1);
	shadow_header_seal(image_header(&image, 0));
	CHECK(is(&image, DURABLE_DAMAGED, "the device is smaller than the store"),
	      "a device that is smaller");
}

static bool has(const struct durable_shadow *shadow, uint64_t epoch, uint64_t records,
		uint64_t free_blocks)
{
	return shadow->epoch == epoch && shadow->record_bytes == records << SHADOW_BLOCK_BITS &&
	       shadow->free_bytes == free_blocks << SHADOW_BLOCK_BITS;
}

static void test_sample(void)
{
	struct durable_shadow *s;
	struct image image;
	struct durable d;

	image_sample(&image);
	check(&image, &d);
	s = d.shadows;
	CHECK(d.verdict == DURABLE_SOUND && d.count == 4, "the sample is sound");
	CHECK(has(&s[0], 3, 0, 0) && s[0].lost == SHADOW_REASON_STORE_FULL && s[0].error == 28,
	      "its first shadow is lost, and has no records");
	CHECK(has(&s[1], 5, 3 + 3 + 1, 150) && s[1].complete && s[1].persistent && !s[1].error,
	      "the next one has its own records, and others of the one that was deleted");
	CHECK(has(&s[2], 7, 0, 0) && s[2].pinned, "the third one is pinned");
	CHECK(has(&s[3], 8, 0, 0) && !s[3].complete, "the set of the last one was not made");
	CHECK(d.deleted == 1 && d.watched == 31 && d.unknown == 1 && d.log.segments == 2 &&
	      d.log.blocks == 9 && d.log.groups == 8 &&
	      d.log.bytes == 16 << SHADOW_BLOCK_BITS && !d.dump.segments && !d.failed &&
	      d.records_bytes == 7 << SHADOW_BLOCK_BITS, "and what there is besides");
	CHECK(d.revert == SHADOW_DISK_REVERT_BEGUN && d.revert_epoch == 7,
	      "the volume is being made what the third one is");
	CHECK(d.place.block == 10 && d.place.byte == SHADOW_DISK_HEAD + 11 * 4096,
	      "this is where the log ends");
	durable_clear(&d);
	image_free(&image);
}

static void more_groups(struct image *image, unsigned int n)
{
	while (n--) {
		image_entry(image, SHADOW_DISK_HEAD_IS, n, n);
		image_end(image, true);
	}
}

/* Groups of one block each. */
static void groups(struct image *image, unsigned int n)
{
	image_new(image);
	more_groups(image, n);
}

static void ends(void)
{
	struct image image;
	struct durable d;

	groups(&image, 2);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 1, 1);
	image_end(&image, false);
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.log.groups == 2 && d.rest_blocks == 1,
	      "a group without its last block");
	durable_clear(&d);
	image_free(&image);

	groups(&image, 4);
	image_block(&image, 2)->entry[0].value ^= 1;
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.log.groups == 2 && d.rest_blocks == 1,
	      "one group behind a gap");
	durable_clear(&d);
	image_block(&image, 1)->entry[0].value ^= 1;
	CHECK(is(&image, DURABLE_SOUND, NULL), "it is one, too, with a block more missing");
	groups(&image, 5);
	image_block(&image, 2)->entry[0].value ^= 1;
	CHECK(is(&image, DURABLE_DAMAGED, "blocks of the log are missing"), "two behind a gap");
}

/* A segment that ends in the middle of its groups, and names the next one in its first block. */
static void segments(struct image *image)
{
	image_new(image);
	image_next_early(image, 10, IMAGE_SEGMENT);
	image_end(image, true);
	more_groups(image, IMAGE_SEGMENT - 2);
	image_next(image, 10, IMAGE_SEGMENT);
	image_end(image, true);
	more_groups(image, 3);
}

static void early_next(void)
{
	struct image image;
	struct durable d;

	segments(&image);
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.log.segments == 2 && d.log.groups == 11,
	      "a segment whose first block names the next one");
	durable_clear(&d);
	image_block(&image, IMAGE_SEGMENT - 1)->crc ^= 1;
	CHECK(is(&image, DURABLE_DAMAGED, "blocks of the log are missing"),
	      "the last block of a segment is damaged");
	segments(&image);
	image_block(&image, IMAGE_SEGMENT - 1)->crc ^= 1;
	image_block(&image, 11)->crc ^= 1;
	image_block(&image, 12)->crc ^= 1;
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.log.groups == 7 && d.rest_blocks == 1 &&
	      d.place.block == 8, "one group in the next segment");
	durable_clear(&d);
	image_free(&image);
	segments(&image);
	image_block(&image, 0)->entry[0].what = 0;
	shadow_log_seal(image_block(&image, 0));
	image_block(&image, IMAGE_SEGMENT - 1)->crc ^= 1;
	CHECK(is(&image, DURABLE_SOUND, NULL), "where it is not known nobody looks");
}

static bool ends_at(u64 end, bool damage, enum durable_verdict verdict)
{
	struct image image;
	struct durable d;
	unsigned int i;
	bool good;

	groups(&image, 4);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		image_header(&image, i)->log_end = cpu_to_le64(end);
	image_seal(&image);
	if (damage)
		image_block(&image, 3)->crc ^= 1;
	check(&image, &d);
	good = d.verdict == verdict && d.log_end == end && d.place.block == (damage ? 4 : 5) &&
	       (!d.problem || !strcmp(d.problem, "its log does not end where it did"));
	durable_clear(&d);
	image_free(&image);
	return good;
}

static void noted_end(void)
{
	CHECK(ends_at(5, false, DURABLE_SOUND), "a log that ends where it did");
	CHECK(ends_at(5, true, DURABLE_DAMAGED), "its last group is damaged");
	CHECK(ends_at(0, true, DURABLE_SOUND), "where no end was noted that is not known");
	CHECK(ends_at(6, false, DURABLE_DAMAGED), "one that is shorter");
	CHECK(ends_at(4, false, DURABLE_DAMAGED), "one that is longer");
}

static void test_failed(void)
{
	struct image image;
	struct durable d;

	image_sample(&image);
	image_header(&image, 1)->seq = cpu_to_le64(2);
	image_header(&image, 1)->flags = cpu_to_le32(SHADOW_DISK_FAILED);
	image_seal(&image);
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.failed && d.count == 4, "a store that has failed");
	CHECK(d.shadows[0].lost == SHADOW_REASON_STORE_FULL &&
	      d.shadows[1].lost == SHADOW_REASON_STORE_ERROR && d.shadows[1].error == 5 &&
	      d.shadows[1].record_bytes, "all its shadows will be lost");
	durable_clear(&d);
	image_header(&image, 0)->seq = cpu_to_le64(3);
	image_seal(&image);
	check(&image, &d);
	CHECK(!d.failed && !d.shadows[1].error, "a newer header says that it was noted");
	durable_clear(&d);
	image_free(&image);
}

/* The number of the second of three groups, of which the last one follows it. */
static bool second_group(u64 number, uint64_t groups_read, enum durable_verdict verdict)
{
	struct image image;
	struct durable d;
	bool good;

	groups(&image, 1);
	image.group = number;
	image.log->group = cpu_to_le64(number);
	more_groups(&image, 2);
	check(&image, &d);
	good = d.verdict == verdict && d.log.groups == groups_read;
	durable_clear(&d);
	image_free(&image);
	return good;
}

static bool header_limit(u64 seq, u64 log_seq, u64 log_group, enum durable_verdict verdict)
{
	struct shadow_disk_header *h;
	struct image image;
	unsigned int i;

	image_new(&image);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		h = image_header(&image, i);
		h->seq = cpu_to_le64(seq);
		h->log_seq = cpu_to_le64(log_seq);
		h->log_group = cpu_to_le64(log_group);
	}
	image_seal(&image);
	return is(&image, verdict, verdict == DURABLE_SOUND ? NULL : "its header is not whole");
}

static void test_numbers(void)
{
	struct shadow_disk_header h = { .seq = cpu_to_le64(7) };

	CHECK(shadow_log_next_life(&h, 3) == 7ULL << 32 &&
	      shadow_log_next_life(&h, (7ULL << 32) + 5) == (7ULL << 32) + 5,
	      "groups of one life after those of another");
	CHECK(second_group(2, 3, DURABLE_SOUND) && second_group(3, 3, DURABLE_SOUND) &&
	      second_group(7ULL << 32, 3, DURABLE_SOUND), "groups leave out numbers");
	CHECK(second_group(1, 1, DURABLE_SOUND), "and do not go back");
	CHECK(second_group((1ULL << 62) - 1, 3, DURABLE_SOUND) &&
	      second_group((1ULL << 62) + 1, 1, DURABLE_DAMAGED),
	      "a number of a group that cannot be");
	CHECK(header_limit(1 << 30, 1ULL << 62, 1ULL << 62, DURABLE_SOUND),
	      "numbers of a header that can be");
	CHECK(header_limit((1 << 30) + 1, 1, 1, DURABLE_DAMAGED) &&
	      header_limit(1, (1ULL << 62) + 1, 1, DURABLE_DAMAGED) &&
	      header_limit(1, 1, (1ULL << 62) + 1, DURABLE_DAMAGED), "and that cannot");
}

#define DUMP	40u	/* its first segment */
#define DUMP2	50u	/* its second one */

/* A dump of two groups, with a shadow that nobody knew any more, and a log that repeats some. */
static void dumped(struct image *image)
{
	image_new(image);
	image_dump(image, DUMP);
	image_entry(image, SHADOW_DISK_HEAD_IS, 1, 1);
	image_epoch(image, 4, SHADOW_DISK_PERSISTENT);
	image_entry(image, SHADOW_DISK_COMPLETE, 0, 4);
	image_entry(image, SHADOW_DISK_AT, 0, 4);
	image_extent(image, 10, 4, 20);
	image_end(image, false);
	image_epoch(image, 6, 0);
	memset(&image->log->entry[1], 0, sizeof(((struct shadow_disk_epoch *)0)->shadow));
	image_entry(image, SHADOW_DISK_AT, 0, 6);
	image_extent(image, 100, 1, 24);
	image_end(image, true);
	more_groups(image, IMAGE_SEGMENT - 3);
	image_next(image, DUMP2, IMAGE_SEGMENT);
	image_end(image, true);
	image_entry(image, SHADOW_DISK_EXTENT, 12, 25);	/* of epoch 0: there is none */
	image_end(image, true);
	image_dump_end(image);

	image_entry(image, SHADOW_DISK_AT, 0, 4);
	image_extent(image, 12, 2, 22);
	image_entry(image, SHADOW_DISK_AT, 0, 6);
	image_extent(image, 100, 1, 24);
	image_extent(image, 101, 1, 26);
	image_epoch(image, 4, 0);
	image_epoch(image, 6, SHADOW_DISK_PINNED);
	image_epoch(image, 7, 0);
	image_end(image, true);
}

static void test_dump(void)
{
	struct durable_shadow *s;
	struct image image;
	struct durable d;

	dumped(&image);
	told = 0;
	check(&image, &d);
	s = d.shadows;
	CHECK(d.verdict == DURABLE_SOUND && d.count == 3, "a store with a dump");
	CHECK(has(&s[0], 4, 4, 0) && s[0].complete && s[0].persistent,
	      "what the log repeats counts once, and changes nothing");
	CHECK(has(&s[1], 6, 2, 0) && s[1].uuid[0] == 0x46 && s[1].pinned,
	      "who was not known when it was dumped is known by the log");
	CHECK(has(&s[2], 7, 0, 0), "and the log goes on");
	CHECK(d.dump_blocks == 9 && d.dump.blocks == 9 && d.dump.groups == 8 &&
	      d.dump.segments == 2 && d.dump.bytes == 16 << SHADOW_BLOCK_BITS &&
	      d.log.groups == 1 && d.log.segments == 1 && d.log.entries == 6 &&
	      d.dump.entries + d.log.entries == told && !d.place.dump && d.place.block == 2,
	      "dump and log are told apart");
	durable_clear(&d);
	image_free(&image);
}

/* One whose last segment is full: the next one that it names is not its own. */
static void dump_end(void)
{
	struct image image;
	struct durable d;

	image_new(&image);
	image_dump(&image, DUMP);
	image_epoch(&image, 1, 0);
	image_entry(&image, SHADOW_DISK_AT, 0, 1);
	image_extent(&image, 10, 8, DUMP2);
	image_end(&image, true);
	more_groups(&image, IMAGE_SEGMENT - 2);
	image_next(&image, DUMP2, IMAGE_SEGMENT);
	image_end(&image, true);
	image_dump_end(&image);
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.dump.segments == 1 &&
	      d.dump.groups == IMAGE_SEGMENT, "the segment after a dump is not the dump's");
	durable_clear(&d);
	image_free(&image);

	dumped(&image);
	image_block(&image, DUMP2)->crc ^= 1;
	check(&image, &d);
	CHECK(d.verdict == DURABLE_DAMAGED &&
	      !strcmp(d.problem, "a block of the dump is missing") &&
	      d.in_log && d.place.dump && d.place.block == 9 && !d.log.segments,
	      "a block of the dump that is missing, and where");
	durable_clear(&d);
	image_free(&image);
}

static void set_dump_blocks(struct image *image, u32 blocks)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		image_header(image, i)->dump_blocks = cpu_to_le32(blocks);
	image_seal(image);
}

static void bad_dumps(void)
{
	struct image image;
	unsigned int i;

	dumped(&image);
	set_dump_blocks(&image, 10);
	CHECK(is(&image, DURABLE_DAMAGED, "a block of the dump is missing"), "one block too few");
	dumped(&image);
	set_dump_blocks(&image, 1);
	CHECK(is(&image, DURABLE_DAMAGED, "the dump ends within a group"), "half of a group");
	dumped(&image);
	image_block(&image, DUMP + IMAGE_SEGMENT - 1)->entry[0].what = 0;
	shadow_log_seal(image_block(&image, DUMP + IMAGE_SEGMENT - 1));
	CHECK(is(&image, DURABLE_DAMAGED, "a block of the dump cannot be"), "one without an end");
	dumped(&image);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		image_header(&image, i)->dump_loc = cpu_to_le64(IMAGE_BLOCKS - IMAGE_SEGMENT + 1);
	image_seal(&image);
	CHECK(is(&image, DURABLE_DAMAGED, "its header is not whole"),
	      "one that is beyond the store");
	image_new(&image);
	image_dump(&image, DUMP);
	image_extent(&image, 10, 1, IMAGE_BLOCKS);
	image_end(&image, true);
	image_dump_end(&image);
	CHECK(is(&image, DURABLE_DAMAGED, "an entry cannot be"), "a record beyond the store");
	dumped(&image);
	image_entry(&image, SHADOW_DISK_AT, 0, 7);
	image_extent(&image, 200, 1, DUMP2 + 2);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a block is in use twice"), "a record in the dump");
	dumped(&image);
	image_entry(&image, SHADOW_DISK_AT, 0, 7);
	image_extent(&image, 10, 1, 20);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a block is in use twice"), "of another epoch");
	dumped(&image);
	image_entry(&image, SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, 4);
	image.log->entry[1].what = cpu_to_le64(9);
	image.log->entry[3].value = cpu_to_le64(8);
	image.log->nr = cpu_to_le16(5);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a shadow cannot be"), "another shadow of its number");
}

/* One group with an entry that is wrong. */
static bool entry_is(enum shadow_disk_type type, u64 rest, u64 value, enum durable_verdict verdict)
{
	struct image image;
	struct durable d;
	bool good;

	image_new(&image);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 1, 1);
	image_entry(&image, type, rest, value);
	image_end(&image, true);
	check(&image, &d);
	good = d.verdict == verdict && d.in_log && d.place.block == 1 && d.place.entry == 2 &&
	       d.place.byte == SHADOW_DISK_HEAD;
	durable_clear(&d);
	image_free(&image);
	return good;
}

/* One shadow with these flags, and entries about a revert to that of an epoch. */
static bool revert_is(uint32_t flags, bool complete, u64 epoch, bool over,
		      enum durable_verdict verdict)
{
	struct image image;
	struct durable d;
	bool good;

	image_new(&image);
	image_epoch(&image, 4, flags);
	if (complete)
		image_entry(&image, SHADOW_DISK_COMPLETE, 0, 4);
	image_entry(&image, SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_BEGUN, epoch);
	if (over)
		image_entry(&image, SHADOW_DISK_REVERT, SHADOW_DISK_REVERT_OVER, epoch);
	image_end(&image, true);
	check(&image, &d);
	good = d.verdict == verdict && d.revert == (over ? SHADOW_DISK_REVERT_OVER :
						    SHADOW_DISK_REVERT_BEGUN);
	durable_clear(&d);
	image_free(&image);
	return good;
}

static void reverts(void)
{
	CHECK(revert_is(SHADOW_DISK_PERSISTENT, true, 4, false, DURABLE_SOUND), "a revert");
	CHECK(revert_is(SHADOW_DISK_PERSISTENT, true, 5, false, DURABLE_DAMAGED),
	      "one to a shadow that is not there");
	CHECK(revert_is(0, true, 4, false, DURABLE_DAMAGED), "to one that is not persistent");
	CHECK(revert_is(SHADOW_DISK_PERSISTENT, false, 4, false, DURABLE_DAMAGED),
	      "to one whose set was not made");
	CHECK(revert_is(SHADOW_DISK_PERSISTENT, true, 5, true, DURABLE_SOUND), "one that is over");
}

static void entries(void)
{
	CHECK(entry_is(SHADOW_DISK_EXTENT, 10, IMAGE_BLOCKS, DURABLE_DAMAGED),
	      "a record beyond the store");
	CHECK(entry_is(SHADOW_DISK_EXTENT, 7ULL << 48 | 10, IMAGE_BLOCKS - 7, DURABLE_DAMAGED),
	      "one that ends there");
	CHECK(entry_is(SHADOW_DISK_EXTENT, 1ULL << 48 | 255, 20, DURABLE_DAMAGED),
	      "one of two regions");
	CHECK(entry_is(SHADOW_DISK_FREE, 10, 0, DURABLE_DAMAGED), "nothing that is free");
	CHECK(entry_is(SHADOW_DISK_HEAD_IS, 32, 0, DURABLE_DAMAGED), "a block that is not watched");
	CHECK(entry_is(SHADOW_DISK_REVERT, 3, 1, DURABLE_DAMAGED), "a revert that cannot be");
	CHECK(entry_is(SHADOW_DISK_EPOCH, 4, 1, DURABLE_DAMAGED), "a shadow that is cut off");
	CHECK(entry_is(SHADOW_DISK_TYPES, 0, 0, DURABLE_NEWER), "an unknown entry");
}

static void test_twice(void)
{
	struct image image;

	image_new(&image);
	image_epoch(&image, 1, SHADOW_DISK_PERSISTENT);
	image_entry(&image, SHADOW_DISK_AT, 0, 1);
	image_extent(&image, 10, 3, 20);
	image_extent(&image, 20, 1, 22);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a block is in use twice"), "two records in one place");
	image_new(&image);
	image_epoch(&image, 1, SHADOW_DISK_PERSISTENT);
	image_entry(&image, SHADOW_DISK_AT, 0, 1);
	image_extent(&image, 10, 3, IMAGE_SEGMENT - 1);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a block is in use twice"), "a record in the log");
	image_new(&image);
	image_epoch(&image, 2, 0);
	image_epoch(&image, 2, 0);
	image.log->entry[6].what ^= 1;
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a shadow cannot be"), "two shadows with one number");
	groups(&image, IMAGE_SEGMENT - 1);
	image_next(&image, 50, 8);
	image_end(&image, true);
	more_groups(&image, 7);
	image_next(&image, 44, 8);
	image_end(&image, true);
	CHECK(is(&image, DURABLE_DAMAGED, "a block is in use twice"), "two segments in one place");
	groups(&image, IMAGE_SEGMENT);
	CHECK(is(&image, DURABLE_DAMAGED, "a block of the log cannot be"), "one without an end");
}

static void seal_at(struct image *image, size_t at)
{
	if (at < SHADOW_DISK_HEAD)
		shadow_header_seal(image_header(image, 0));
	else
		shadow_log_seal(image_block(image, (at - SHADOW_DISK_HEAD) / SHADOW_DISK_BLOCK));
}

/* What is known to be possible is not all that there is: no byte may do harm. */
static void every_byte(bool sealed)
{
	size_t at, end = SHADOW_DISK_HEAD + IMAGE_SEGMENT * SHADOW_DISK_BLOCK;
	struct image image;
	struct durable d;
	u8 was;

	image_sample(&image);
	memset(image_header(&image, 1), 0, SHADOW_DISK_BLOCK);
	for (at = 0; at < end; at++) {
		if (at == 256)
			at = SHADOW_DISK_HEAD;
		if (at >= SHADOW_DISK_HEAD && at % SHADOW_DISK_BLOCK > 48 + 700)
			at += SHADOW_DISK_BLOCK - at % SHADOW_DISK_BLOCK;
		if (at >= end)
			break;
		was = image.bytes[at];
		image.bytes[at] ^= 1 << at % 8 | 0x80;
		if (sealed)
			seal_at(&image, at);
		check(&image, &d);
		durable_clear(&d);
		image.bytes[at] = was;
		if (sealed)
			seal_at(&image, at);
	}
	CHECK(is(&image, DURABLE_SOUND, NULL), sealed ?
	      "no byte does harm with a checksum that is right" : "no byte does harm");
}

static void every_length(void)
{
	struct durable_source source = { .read = read_image };
	bool good = true;
	struct image image;
	struct durable d;

	image_sample(&image);
	source.arg = image.bytes;
	for (source.bytes = 0; source.bytes < IMAGE_BYTES; source.bytes += 1000) {
		durable_check(&source, NULL, NULL, &d);
		good &= d.verdict != DURABLE_SOUND;
		durable_clear(&d);
	}
	CHECK(good, "a store that is cut off is none");
	image_free(&image);
}

static int fail_reading(void *arg, uint64_t offset, void *buf, size_t length)
{
	if (offset >= SHADOW_DISK_HEAD)
		return -5;
	return read_image(arg, offset, buf, length);
}

static void unreadable(void)
{
	struct durable_source source = { .read = fail_reading, .bytes = IMAGE_BYTES };
	struct image image;
	struct durable d;

	image_sample(&image);
	source.arg = image.bytes;
	durable_check(&source, NULL, NULL, &d);
	CHECK(d.verdict == DURABLE_UNREADABLE && d.error == 5 && d.place.block == 1,
	      "a block that cannot be read");
	durable_clear(&d);
	image_free(&image);
}

static void test_words(void)
{
	struct image image;

	told = 0;
	image_new(&image);
	image_epoch(&image, 1, 0);
	image_entry(&image, SHADOW_DISK_AT, 0, 1);
	image_extent(&image, 10, 3, 20);
	image_end(&image, true);
	is(&image, DURABLE_SOUND, NULL);
	CHECK(told == 2, "entries are told");
	CHECK_STRING(last_text, "epoch 1: blocks 10 to 12 of the volume, in blocks 20 to 22",
		     "in words");
}

/* CRC-32 of blocks that are one letter throughout. */
#define CRC_A	0x9c99dc73
#define CRC_B	0x41a6f66b
#define CRC_ZEROS 0xc71c0011
#define CRC_HALF 0x294c1401	/* half of the block is "a", the rest zeros */

static enum durable_fit fit_of(const struct durable *d, const u8 *volume, uint64_t bytes)
{
	struct durable_source source = {
		.read = read_image, .arg = (void *)volume, .bytes = bytes,
	};
	enum durable_fit fit;

	CHECK(!durable_fits(d, &source, &fit), "a volume is looked at");
	return fit;
}

static int read_error(void *arg, uint64_t offset, void *buf, size_t length)
{
	(void)arg;
	(void)offset;
	(void)buf;
	(void)length;
	return -EIO;
}

static void known_head(void)
{
	struct durable_source broken = { .read = read_error, .bytes = 1 << 20 };
	u8 *volume = calloc(40, SHADOW_DISK_BLOCK);
	const uint64_t bytes = 40 * SHADOW_DISK_BLOCK;
	enum durable_fit fit;
	struct image image;
	struct durable d;
	unsigned int i;

	image_new(&image);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 0, CRC_ZEROS);
	image_entry(&image, SHADOW_DISK_HEAD_WILL, 1, CRC_ZEROS);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 1, CRC_A);
	image_entry(&image, SHADOW_DISK_HEAD_WILL, 1, CRC_B);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 2, CRC_A);
	image_entry(&image, SHADOW_DISK_HEAD_ANY, 2, 0);
	for (i = 0; i < 17; i++)
		image_entry(&image, SHADOW_DISK_HEAD_WILL, 31, i + 1);
	image_end(&image, true);
	check(&image, &d);
	CHECK(d.verdict == DURABLE_SOUND && d.watched == 2 && d.unknown == 2,
	      "four blocks are known");
	CHECK(fit_of(&d, volume, bytes) == DURABLE_DIFFERS, "a block is as it was before");
	memset(volume + SHADOW_DISK_BLOCK, 'a', SHADOW_DISK_BLOCK);
	CHECK(fit_of(&d, volume, bytes) == DURABLE_FITS, "it is as it is now");
	memset(volume + SHADOW_DISK_BLOCK, 'b', SHADOW_DISK_BLOCK);
	memset(volume + 2 * SHADOW_DISK_BLOCK, 'x', 38 * SHADOW_DISK_BLOCK);
	CHECK(fit_of(&d, volume, bytes) == DURABLE_FITS,
	      "or as it was going to be; others are anything");
	volume[SHADOW_DISK_BLOCK + 4095] ^= 1;
	CHECK(fit_of(&d, volume, bytes) == DURABLE_DIFFERS, "one bit is another one");
	volume[SHADOW_DISK_BLOCK + 4095] ^= 1;
	volume[7] = 1;
	CHECK(fit_of(&d, volume, bytes) == DURABLE_DIFFERS, "in a block of zeros, too");
	volume[7] = 0;
	CHECK(fit_of(&d, volume, 31 * SHADOW_DISK_BLOCK) == DURABLE_DIFFERS,
	      "a block is beyond the end");
	CHECK(durable_fits(&d, &broken, &fit) == -EIO, "one that cannot be read");
	durable_clear(&d);
	image_free(&image);
	free(volume);
}

static void unknown_head(void)
{
	u8 *volume = calloc(2, SHADOW_DISK_BLOCK);
	struct image image;
	struct durable d;

	image_new(&image);
	check(&image, &d);
	CHECK(fit_of(&d, volume, 2 * SHADOW_DISK_BLOCK) == DURABLE_UNPROVED, "nothing is known");
	durable_clear(&d);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 0, CRC_ZEROS);
	image_end(&image, true);
	check(&image, &d);
	CHECK(fit_of(&d, volume, 2 * SHADOW_DISK_BLOCK) == DURABLE_UNPROVED, "zeros are no proof");
	durable_clear(&d);
	image_free(&image);

	image_new(&image);
	image_entry(&image, SHADOW_DISK_HEAD_IS, 1, CRC_HALF);
	image_end(&image, true);
	check(&image, &d);
	memset(volume + SHADOW_DISK_BLOCK, 'a', SHADOW_DISK_BLOCK / 2);
	CHECK(fit_of(&d, volume, SHADOW_DISK_BLOCK * 3 / 2) == DURABLE_FITS,
	      "a last block that is not whole is filled up with zeros");
	durable_clear(&d);
	image_epoch(&image, 1, SHADOW_DISK_PERSISTENT);
	image_end(&image, true);
	check(&image, &d);
	CHECK(d.count == 1 && fit_of(&d, volume, SHADOW_DISK_BLOCK * 3 / 2) == DURABLE_DIFFERS,
	      "a shadow is larger than the volume");
	durable_clear(&d);
	image_free(&image);
	free(volume);
}

/* --- what is saved of changes ------------------------------------------------------------ */

/* Check it and let go of it.  What is said of what is saved? */
static bool saved_is(struct image *image, enum durable_saved_state state, const char *problem)
{
	struct durable d;
	bool good;

	check(image, &d);
	good = d.verdict == DURABLE_SOUND && d.count == 1 && d.saved.state == state &&
	       !d.saved.problem == !problem &&
	       (!problem || !strcmp(d.saved.problem, problem));
	if (!good)
		printf("# verdict %d, saved %d, %s\n", d.verdict, d.saved.state,
		       d.saved.problem ?: "nothing is wrong");
	durable_clear(&d);
	image_free(image);
	return good;
}

static void saved_sample(void)
{
	struct durable_mark *m;
	struct image image;
	struct durable d;

	image_saved_sample(&image);
	told = 0;
	check(&image, &d);
	m = d.saved.marks;
	CHECK(d.saved.state == DURABLE_SAVED_ALL && d.saved.count == 2 && d.saved.bases == 1 &&
	      d.saved.chunks == 2 && d.saved.reason == 3 && d.saved.whole &&
	      d.saved.began_ns == 1600000000123456789 && d.saved.generation[15] == 0x33,
	      "what is saved of changes is sound");
	CHECK(m[0].epoch == 3 && m[0].uuid[0] == 0x43 && m[0].kept && !m[0].begin &&
	      m[0].changed_bytes == 4 << SHADOW_BLOCK_BITS && !m[0].image_bytes &&
	      m[0].free_bytes == 4 << SHADOW_BLOCK_BITS, "a base, and what was written since");
	CHECK(m[1].epoch == 5 && !m[1].kept && m[1].changed_bytes == 65 << SHADOW_BLOCK_BITS &&
	      m[1].image_bytes == 4 << SHADOW_BLOCK_BITS && !m[1].free_bytes,
	      "a shadow, also to its image");
	CHECK(told == 2 + 8, "its records are told, too");
	CHECK_STRING(last_text, "the end of what is known", "in words");
	durable_clear(&d);
	image_free(&image);
}

static void set_saved(struct image *image, u64 log_end, u64 saved_end, u32 state)
{
	unsigned int i;

	image_saved_sample(image);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		image_header(image, i)->log_end = cpu_to_le64(log_end);
		image_header(image, i)->saved_end = cpu_to_le64(saved_end);
		image_header(image, i)->saved_state = cpu_to_le32(state);
	}
	image_seal(image);
}

static void saved_or_not(void)
{
	struct image image;

	set_saved(&image, 2, 2, SHADOW_DISK_SAVED_ALL);
	CHECK(saved_is(&image, DURABLE_SAVED_ALL, NULL), "something is saved");
	set_saved(&image, 2, 2, SHADOW_DISK_SAVED_NONE);
	CHECK(saved_is(&image, DURABLE_SAVED_NONE, NULL), "nothing was known");
	set_saved(&image, 2, 2, SHADOW_DISK_SAVED_NO_ROOM);
	CHECK(saved_is(&image, DURABLE_SAVED_NO_ROOM, NULL), "there was no room");
	set_saved(&image, 2, 1, SHADOW_DISK_SAVED_ALL);
	CHECK(saved_is(&image, DURABLE_SAVED_NONE, NULL), "it is of an earlier detaching");
	set_saved(&image, 2, 1, SHADOW_DISK_SAVED_NO_ROOM);
	CHECK(saved_is(&image, DURABLE_SAVED_NONE, NULL), "so is that there was no room");
	set_saved(&image, 0, 2, SHADOW_DISK_SAVED_ALL);
	CHECK(saved_is(&image, DURABLE_SAVED_UNCLEAN, NULL), "the store was not detached");
	image_saved_sample(&image);
	image_header(&image, 0)->flags = image_header(&image, 1)->flags =
		cpu_to_le32(SHADOW_DISK_FAILED);
	image_seal(&image);
	CHECK(saved_is(&image, DURABLE_SAVED_UNCLEAN, NULL), "it has failed");
}

static bool place_is(u64 loc, u32 blocks, const char *problem)
{
	struct image image;
	unsigned int i;

	image_saved_sample(&image);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		image_header(&image, i)->saved_loc = cpu_to_le64(loc);
		image_header(&image, i)->saved_blocks = cpu_to_le32(blocks);
	}
	image_seal(&image);
	return saved_is(&image, DURABLE_SAVED_DAMAGED, problem);
}

/* A generation, then this record, then nothing. */
static bool record_is(u32 type, const void *data, u32 bytes, const char *problem)
{
	struct shadow_disk_generation generation = { .whole = cpu_to_le32(1) };
	struct image image;

	image_saved_sample(&image);
	image_saved(&image, 20, 4);
	image_record(&image, SHADOW_DISK_GENERATION, &generation, sizeof(generation));
	image_record(&image, type, data, bytes);
	image_saved_end(&image);
	return saved_is(&image, DURABLE_SAVED_DAMAGED, problem);
}

static void saved_damage(void)
{
	struct shadow_disk_generation generation = { 0 };
	struct shadow_disk_mark mark = { 0 };
	struct shadow_disk_bits bits = { 0 };

	CHECK(place_is(IMAGE_BLOCKS, 1, "it does not lie in the store"), "one beyond the store");
	CHECK(place_is(IMAGE_BLOCKS - 1, 2, "it does not lie in the store"), "in part");
	CHECK(place_is(UINT64_MAX, 2, "it does not lie in the store"), "one that wraps around");
	CHECK(place_is(0, 65, "it does not lie in the store"), "one that is too long");
	CHECK(place_is(10, 0, "it does not lie in the store"), "one of no blocks");
	CHECK(place_is(10, 1, "it is not whole"), "one that is cut off");
	CHECK(place_is(13, 3, "it is not whole"), "the second one first");
	CHECK(record_is(SHADOW_DISK_GENERATION, &generation, sizeof(generation),
			"a record is in the wrong place"), "two generations");
	CHECK(record_is(SHADOW_DISK_BITS, &bits, sizeof(bits), "a record is of no instant"),
	      "bits without an instant");
	CHECK(record_is(SHADOW_DISK_SAVED_END, NULL, 0, "a record is of no instant"),
	      "no instant at all");
	CHECK(record_is(SHADOW_DISK_MARK, &mark, sizeof(mark), "an instant cannot be"),
	      "an instant of no volume");
	CHECK(record_is(SHADOW_DISK_MARK, &mark, 4, "a record cannot be"), "one that is too short");
	CHECK(record_is(7, &mark, 4, "a record cannot be"), "one of an unknown type");
	mark.sectors = cpu_to_le64(1);
	CHECK(record_is(SHADOW_DISK_MARK, &mark, sizeof(mark), "it does not lie in the store"),
	      "one without an end");
}

/* Each byte of the head of each chunk, then of what is behind it. */
static void saved_every_byte(void)
{
	const u64 places[] = { 10, 13 };
	unsigned int i, missed = 0, at;
	struct image image;
	struct durable d;
	u8 *byte;

	image_saved_sample(&image);
	for (i = 0; i < 2; i++)
		for (at = 0; at < 3 * sizeof(struct shadow_disk_saved); at++) {
			byte = (u8 *)image_block(&image, places[i]) + at;
			*byte ^= 1 << at % 8;
			check(&image, &d);
			missed += d.verdict != DURABLE_SOUND || d.count != 1 ||
				  d.saved.state != DURABLE_SAVED_DAMAGED ||
				  d.saved.chunk != i + 1;
			durable_clear(&d);
			*byte ^= 1 << at % 8;
		}
	CHECK(!missed, "each byte of a chunk's head counts, and costs no shadow");
	CHECK(saved_is(&image, DURABLE_SAVED_ALL, NULL), "as it was, it is sound");
}

/* With a checksum that is right no byte does harm either. */
static void saved_every_record(void)
{
	const u32 blocks[] = { 2, 3 };
	const u64 places[] = { 10, 13 };
	unsigned int i, at;
	struct image image;
	struct durable d;
	u8 *byte;

	image_saved_sample(&image);
	for (i = 0; i < 2; i++)
		for (at = 0; at < 400; at++) {
			byte = (u8 *)image_block(&image, places[i]) + at;
			*byte ^= 1 << at % 8 | 0x80;
			shadow_saved_seal((void *)image_block(&image, places[i]), blocks[i]);
			check(&image, &d);
			durable_clear(&d);
			*byte ^= 1 << at % 8 | 0x80;
		}
	for (i = 0; i < 2; i++)
		shadow_saved_seal((void *)image_block(&image, places[i]), blocks[i]);
	CHECK(saved_is(&image, DURABLE_SAVED_ALL, NULL), "no byte of a record does harm");
}

static void test_saved(void)
{
	saved_sample();
	saved_or_not();
	saved_damage();
	saved_every_byte();
	saved_every_record();
}

void test_durable(void)
{
	headers();
	test_sample();
	ends();
	early_next();
	noted_end();
	test_failed();
	test_numbers();
	test_dump();
	dump_end();
	bad_dumps();
	entries();
	reverts();
	test_twice();
	every_byte(false);
	every_byte(true);
	every_length();
	unreadable();
	test_words();
	known_head();
	unknown_head();
	test_saved();
}
