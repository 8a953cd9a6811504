// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable_saved.c - what a durable store has saved of the changes of its volume.
 *
 * It is read as kmod/saved.c does: a chain of chunks, a row of records.  It counts if it was
 * written with the end that the log has now.  What is damaged there costs the knowledge, and
 * not the shadows: so it is no verdict of the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/shadow.h>

#include "durable_saved.h"
#include "durable_text.h"
#include "libshadowcopy.h"

#define CHUNK_BYTES	((size_t)SHADOW_DISK_SAVED_BLOCKS * SHADOW_DISK_BLOCK)
#define PIECE_BITS	(64 * SHADOW_DISK_BITS_WORDS)	/* blocks of a record */

/**
 * struct saving - what is being read
 * @source: where from
 * @tell: who wants to hear of records, or NULL
 * @arg: for @tell
 * @saved: what was found
 * @id: of the chunks
 * @part_blocks: blocks of the part
 * @chunk: the chunk
 * @loc: where it is
 * @used: bytes of it that were read
 * @records: how many were read
 * @room: for how many marks there is room
 * @record: what the record has
 */
struct saving {
	const struct durable_source *source;
	durable_tell *tell;
	void *arg;
	struct durable_saved *saved;
	u64 id;
	u64 part_blocks;
	struct shadow_disk_saved *chunk;
	u64 loc;
	unsigned int used;
	unsigned int records;
	size_t room;
	union {
		struct shadow_disk_generation generation;
		struct shadow_disk_mark mark;
		struct shadow_disk_run run[SHADOW_DISK_RUNS];
		struct shadow_disk_bits bits;
	} record;
};

static u64 byte_of(u64 loc)
{
	return SHADOW_DISK_HEAD + loc * SHADOW_DISK_BLOCK;
}

/* The first thing that is wrong.  Return: false, always. */
static bool wrong(struct saving *s, const char *what, int error)
{
	s->saved->state = DURABLE_SAVED_DAMAGED;
	s->saved->problem = what;
	s->saved->error = error;
	return false;
}

/* --- chunks ------------------------------------------------------------------------------- */

static bool read_chunk(struct saving *s, u64 loc, u32 blocks)
{
	const struct durable_source *source = s->source;
	size_t length = (size_t)blocks * SHADOW_DISK_BLOCK;
	int rc;

	s->saved->chunk = s->saved->chunks + 1;
	s->saved->byte = byte_of(loc);
	if (!blocks || blocks > SHADOW_DISK_SAVED_BLOCKS || loc >= s->part_blocks ||
	    blocks > s->part_blocks - loc)
		return wrong(s, "it does not lie in the store", 0);
	if (byte_of(loc) > source->bytes || length > source->bytes - byte_of(loc))
		return wrong(s, "it cannot be read", ENODATA);
	rc = source->read(source->arg, byte_of(loc), s->chunk, length);
	if (rc)
		return wrong(s, "it cannot be read", -rc);
	if (!shadow_saved_valid(s->chunk, blocks, s->id, s->saved->chunk, s->part_blocks))
		return wrong(s, "it is not whole", 0);
	s->loc = loc;
	s->used = sizeof(*s->chunk);
	s->saved->chunks++;
	s->saved->bytes += le32_to_cpu(s->chunk->bytes);
	return true;
}

static bool get(struct saving *s, void *data, u32 bytes)
{
	u8 *to = data;

	for (;;) {
		unsigned int end = sizeof(*s->chunk) + le32_to_cpu(s->chunk->bytes);
		unsigned int n = min(bytes, end - s->used);

		memcpy(to, (const u8 *)s->chunk + s->used, n);
		s->used += n;
		to += n;
		bytes -= n;
		if (!bytes)
			return true;
		if (!read_chunk(s, le64_to_cpu(s->chunk->next_loc),
				le32_to_cpu(s->chunk->next_blocks)))
			return false;
	}
}

/* --- records ------------------------------------------------------------------------------ */

static unsigned int count_bits(const struct shadow_disk_bits *bits)
{
	unsigned int n = 0, i;

	for (i = 0; i < SHADOW_DISK_BITS_WORDS; i++)
		n += __builtin_popcountll(le64_to_cpu(bits->word[i]));
	return n;
}

static u64 count_runs(const struct saving *s, u32 bytes)
{
	u64 blocks = 0;
	unsigned int i;

	for (i = 0; i < bytes / sizeof(s->record.run[0]); i++)
		blocks += le64_to_cpu(s->record.run[i].blocks);
	return blocks;
}

/* A record that is good, in words. */
static void tell(struct saving *s, u32 type, u32 bytes, u64 byte)
{
	struct durable_place place = {
		.saved = true, .block = s->saved->chunks, .byte = byte, .entry = s->records,
	};
	char text[DURABLE_TEXT], uuid[SHADOWCOPY_UUID_LEN];
	u64 first = le64_to_cpu(s->record.bits.first);
	u32 flags = le32_to_cpu(s->record.mark.flags);

	if (!s->tell)
		return;
	switch (type) {
	case SHADOW_DISK_GENERATION:
		snprintf(text, sizeof(text), "changes of generation %s",
			 shadowcopy_uuid_format((const void *)s->record.generation.uuid, uuid));
		break;
	case SHADOW_DISK_MARK:
		snprintf(text, sizeof(text), "epoch %" PRIu64 ": %s %s",
			 le64_to_cpu(s->record.mark.number),
			 flags & SHADOW_DISK_MARK_KEPT ? "base" :
			 flags & SHADOW_DISK_MARK_BEGIN ? "beginning of tracking" : "shadow",
			 shadowcopy_uuid_format((const void *)s->record.mark.uuid, uuid));
		break;
	case SHADOW_DISK_WAS_FREE:
		snprintf(text, sizeof(text), "%" PRIu64 " blocks of the volume were free, in %zu runs",
			 count_runs(s, bytes), bytes / sizeof(s->record.run[0]));
		break;
	case SHADOW_DISK_SAVED_END:
		snprintf(text, sizeof(text), "the end of what is known");
		break;
	default:
		snprintf(text, sizeof(text), "of blocks %" PRIu64 " to %" PRIu64 " of the %s %u "
			 "were written", first, first + PIECE_BITS - 1,
			 type == SHADOW_DISK_BITS ? "volume" : "image",
			 count_bits(&s->record.bits));
		break;
	}
	s->tell(s->arg, &place, text);
}

static bool take_generation(struct saving *s)
{
	const struct shadow_disk_generation *disk = &s->record.generation;
	struct durable_saved *saved = s->saved;

	memcpy(saved->generation, disk->uuid, sizeof(saved->generation));
	saved->began_ns = le64_to_cpu(disk->began_ns);
	saved->reason = le32_to_cpu(disk->reason);
	saved->whole = le32_to_cpu(disk->whole);
	return true;
}

static bool take_mark(struct saving *s)
{
	const struct shadow_disk_mark *disk = &s->record.mark;
	struct durable_saved *saved = s->saved;
	u32 flags = le32_to_cpu(disk->flags);
	struct durable_mark *mark;

	if (le64_to_cpu(disk->sectors) >> 60 || !disk->sectors)
		return wrong(s, "an instant cannot be", 0);
	if (saved->count == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		mark = reallocarray(saved->marks, s->room, sizeof(*mark));
		if (!mark)
			return wrong(s, "there is not enough memory", ENOMEM);
		saved->marks = mark;
	}
	mark = &saved->marks[saved->count++];
	*mark = (struct durable_mark){
		.epoch = le64_to_cpu(disk->number),
		.created_ns = le64_to_cpu(disk->created_ns),
		.bytes = le64_to_cpu(disk->sectors) << 9,
		.kept = flags & SHADOW_DISK_MARK_KEPT,
		.begin = flags & SHADOW_DISK_MARK_BEGIN,
	};
	memcpy(mark->uuid, disk->uuid, sizeof(mark->uuid));
	saved->bases += mark->kept;
	return true;
}

static bool take_free(struct saving *s, struct durable_mark *mark, u32 bytes)
{
	u64 blocks = (mark->bytes + SHADOW_DISK_BLOCK - 1) / SHADOW_DISK_BLOCK;
	unsigned int i;

	for (i = 0; i < bytes / sizeof(s->record.run[0]); i++) {
		u64 first = le64_to_cpu(s->record.run[i].first);
		u64 n = le64_to_cpu(s->record.run[i].blocks);

		if (!n || first >= blocks || n > blocks - first)
			return wrong(s, "what was free cannot be", 0);
		mark->free_bytes += n * SHADOW_DISK_BLOCK;
	}
	return true;
}

static bool take_bits(struct saving *s, uint64_t *bytes)
{
	if (le64_to_cpu(s->record.bits.first) % PIECE_BITS)
		return wrong(s, "what was written cannot be", 0);
	*bytes += (u64)count_bits(&s->record.bits) * SHADOW_DISK_BLOCK;
	return true;
}

static bool take_record(struct saving *s, u32 type, u32 bytes)
{
	struct durable_saved *saved = s->saved;
	struct durable_mark *mark = saved->count ? &saved->marks[saved->count - 1] : NULL;

	if ((type == SHADOW_DISK_GENERATION) != (s->records == 1))
		return wrong(s, "a record is in the wrong place", 0);
	if (type == SHADOW_DISK_GENERATION)
		return take_generation(s);
	if (type == SHADOW_DISK_MARK)
		return take_mark(s);
	if (!mark)
		return wrong(s, "a record is of no instant", 0);
	switch (type) {
	case SHADOW_DISK_WAS_FREE:
		return take_free(s, mark, bytes);
	case SHADOW_DISK_BITS:
		return take_bits(s, &mark->changed_bytes);
	case SHADOW_DISK_OVERLAY:
		return take_bits(s, &mark->image_bytes);
	default:
		return true;
	}
}

/* Return: false: it was the last one, or is wrong. */
static bool read_record(struct saving *s)
{
	struct shadow_disk_record head;
	u32 type, bytes;
	u64 byte;

	s->saved->byte = byte_of(s->loc) + s->used;
	byte = s->saved->byte;
	if (!get(s, &head, sizeof(head)))
		return false;
	type = le32_to_cpu(head.type);
	bytes = le32_to_cpu(head.bytes);
	if (!shadow_record_valid(type, bytes))
		return wrong(s, "a record cannot be", 0);
	if (!get(s, &s->record, bytes))
		return false;
	s->saved->byte = byte;
	s->records++;
	if (!take_record(s, type, bytes))
		return false;
	tell(s, type, bytes, byte);
	return type != SHADOW_DISK_SAVED_END;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* What the header says of it. */
static enum durable_saved_state state_of(const struct shadow_disk_header *h)
{
	if (!h->log_end || le32_to_cpu(h->flags) & SHADOW_DISK_FAILED)
		return DURABLE_SAVED_UNCLEAN;
	if (h->saved_end != h->log_end)
		return DURABLE_SAVED_NONE;
	switch (le32_to_cpu(h->saved_state)) {
	case SHADOW_DISK_SAVED_ALL:
		return DURABLE_SAVED_ALL;
	case SHADOW_DISK_SAVED_NO_ROOM:
		return DURABLE_SAVED_NO_ROOM;
	default:
		return DURABLE_SAVED_NONE;
	}
}

void durable_saved_read(const struct durable_source *source, const struct shadow_disk_header *h,
			durable_tell *tell_record, void *arg, struct durable_saved *saved)
{
	struct saving s = {
		.source = source, .tell = tell_record, .arg = arg, .saved = saved,
		.id = le64_to_cpu(h->saved_id), .part_blocks = le64_to_cpu(h->part_blocks),
	};

	memset(saved, 0, sizeof(*saved));
	saved->state = state_of(h);
	if (saved->state != DURABLE_SAVED_ALL)
		return;
	s.chunk = malloc(CHUNK_BYTES);
	if (!s.chunk)
		wrong(&s, "there is not enough memory", ENOMEM);
	else if (read_chunk(&s, le64_to_cpu(h->saved_loc), le32_to_cpu(h->saved_blocks)))
		while (read_record(&s))
			;
	free(s.chunk);
}

void durable_saved_clear(struct durable_saved *saved)
{
	free(saved->marks);
	memset(saved, 0, sizeof(*saved));
}
