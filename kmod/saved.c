// SPDX-License-Identifier: GPL-2.0-only
/*
 * saved.c - what is known of changes, while a durable store is detached.
 *
 * When the log has ended and nothing is written to the volume any more, the marks and their maps
 * are written to free blocks of the store: one row of records, cut into chunks that name each
 * other.  Then the header, which says where the log has ended, says also where the first
 * chunk is.  Nothing else names these blocks: when the store is attached again they are
 * free, and are read before any block is given out.
 *
 * So it counts for one attaching only.  That writes a header without an end of the log before the
 * volume can be written, and the end that is there at the next detaching is another one: what was
 * saved is tied to the end of the log that it was written with.  After a loss of power there is
 * none, and what has changed is not known: a new generation begins, and says why.
 *
 * Damage costs the knowledge, never the shadows.
 */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "changes.h"
#include "durable.h"
#include "saved.h"

#define CHUNK_BLOCKS	SHADOW_DISK_SAVED_BLOCKS
#define PIECE_BITS	(64 * SHADOW_DISK_BITS_WORDS)	/* blocks of a record */

/**
 * struct chunks - a row of records in chunks, being written or read
 * @part: where
 * @chunk: the chunk
 * @id: of all of them
 * @seq: number of this one
 * @loc: where it is
 * @blocks: how many it has
 * @used: bytes of it that were written, or read
 * @err: the first error
 * @bits: a page, for a map
 * @record: room for what a record has
 */
struct chunks {
	struct shadow_part *part;
	struct shadow_disk_saved *chunk;
	u64 id;
	u64 seq;
	u64 loc;
	unsigned int blocks;
	unsigned int used;
	int err;
	unsigned long *bits;
	union {
		struct shadow_disk_generation generation;
		struct shadow_disk_mark mark;
		struct shadow_disk_run run[SHADOW_DISK_RUNS];
		struct shadow_disk_bits bits;
	} record;
};

static struct chunks *chunks_alloc(struct shadow_part *part)
{
	struct chunks *c = kvzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->part = part;
	c->chunk = vmalloc(CHUNK_BLOCKS * SHADOW_DISK_BLOCK);
	c->bits = (void *)__get_free_page(GFP_KERNEL);
	if (c->chunk && c->bits)
		return c;
	vfree(c->chunk);
	free_page((unsigned long)c->bits);
	kvfree(c);
	return NULL;
}

static void chunks_free(struct chunks *c)
{
	vfree(c->chunk);
	free_page((unsigned long)c->bits);
	kvfree(c);
}

static int transfer(struct chunks *c, blk_opf_t op)
{
	unsigned int done = 0, i;
	int err = 0;

	while (!err && done < c->blocks) {
		u64 run = c->blocks - done;
		sector_t sector = c->part->ops->locate(c->part, c->loc + done, &run);
		unsigned int size = run << SHADOW_BLOCK_BITS, at = done << SHADOW_BLOCK_BITS;
		struct bio *bio = bio_alloc_bioset(c->part->bdev, DIV_ROUND_UP(size, PAGE_SIZE) + 1,
						   op, GFP_NOIO, &fs_bio_set);

		bio->bi_iter.bi_sector = sector;
		for (i = 0; i < run; i++, at += SHADOW_DISK_BLOCK)
			__bio_add_page(bio, vmalloc_to_page((char *)c->chunk + at),
				       SHADOW_DISK_BLOCK, at % PAGE_SIZE);
		err = submit_bio_wait(bio);
		bio_put(bio);
		done += run;
	}
	return err;
}

/* --- writing ------------------------------------------------------------------------- */

/* Context: mutate mutex. */
static void begin_chunk(struct chunks *c, u64 loc, unsigned int blocks)
{
	c->loc = loc;
	c->blocks = blocks;
	c->used = sizeof(*c->chunk);
	memset(c->chunk, 0, CHUNK_BLOCKS * SHADOW_DISK_BLOCK);
	c->chunk->id = cpu_to_le64(c->id);
	c->chunk->seq = cpu_to_le64(++c->seq);
}

static void end_chunk(struct chunks *c, u64 next_loc, unsigned int next_blocks)
{
	c->chunk->next_loc = cpu_to_le64(next_loc);
	c->chunk->next_blocks = cpu_to_le32(next_blocks);
	c->chunk->bytes = cpu_to_le32(c->used - sizeof(*c->chunk));
	shadow_saved_seal(c->chunk, c->blocks);
	if (!c->err)
		c->err = transfer(c, REQ_OP_WRITE);
}

static void put(struct chunks *c, const void *data, unsigned int bytes)
{
	while (bytes && !c->err) {
		unsigned int size = c->blocks << SHADOW_BLOCK_BITS;
		unsigned int n = min(bytes, size - c->used), got;
		u64 loc;

		memcpy((char *)c->chunk + c->used, data, n);
		c->used += n;
		data += n;
		bytes -= n;
		if (c->used < size)
			continue;
		c->err = shadow_part_allot(c->part, CHUNK_BLOCKS, &loc, &got);
		if (c->err)
			return;
		end_chunk(c, loc, got);
		begin_chunk(c, loc, got);
	}
}

static void put_record(struct chunks *c, u32 type, u32 bytes)
{
	struct shadow_disk_record record = {
		.type = cpu_to_le32(type), .bytes = cpu_to_le32(bytes),
	};

	put(c, &record, sizeof(record));
	put(c, &c->record, bytes);
}

static void put_mark(struct chunks *c, const struct shadow_mark *mark)
{
	c->record.mark = (struct shadow_disk_mark){
		.created_ns = cpu_to_le64(mark->created_ns),
		.sectors = cpu_to_le64(mark->sectors),
		.number = cpu_to_le64(mark->number),
		.flags = cpu_to_le32((mark->kept ? SHADOW_DISK_MARK_KEPT : 0) |
				     (mark->begin ? SHADOW_DISK_MARK_BEGIN : 0)),
	};
	memcpy(c->record.mark.uuid, mark->uuid.b, sizeof(c->record.mark.uuid));
	put_record(c, SHADOW_DISK_MARK, sizeof(c->record.mark));
}

/*
 * What was free; of a shadow that is there the log says it.  A base needs it also if its shadow
 * does not survive.
 */
static void put_free(struct chunks *c, const struct shadow_mark *mark)
{
	u64 blocks = shadow_blocks_of(mark->sectors), at = 0, len;
	const struct shadow_blockmap *map;
	unsigned int n = 0;
	bool free;

	if (!mark->epoch || (mark->shadow && !mark->kept))
		return;
	map = &mark->epoch->free;
	for (; at < blocks && shadow_blockmap_next(map, &at) && at < blocks; at += len) {
		len = shadow_blockmap_run(map, at, blocks - at, &free);
		if (!free)
			continue;
		c->record.run[n++] = (struct shadow_disk_run){ cpu_to_le64(at), cpu_to_le64(len) };
		if (n == SHADOW_DISK_RUNS) {
			put_record(c, SHADOW_DISK_WAS_FREE, n * sizeof(c->record.run[0]));
			n = 0;
		}
	}
	if (n)
		put_record(c, SHADOW_DISK_WAS_FREE, n * sizeof(c->record.run[0]));
}

/* A page of bits, in records that are as large everywhere. */
static void put_bits(struct chunks *c, u32 type, u64 index)
{
	unsigned int at, i;

	for (at = 0; at < SHADOW_MAP_BITS; at += PIECE_BITS) {
		bool any = false;

		c->record.bits.first = cpu_to_le64(index * SHADOW_MAP_BITS + at);
		for (i = 0; i < SHADOW_DISK_BITS_WORDS; i++) {
			u64 word = c->bits[(at + 64 * i) / BITS_PER_LONG];

			if (BITS_PER_LONG == 32)
				word |= (u64)c->bits[(at + 64 * i) / BITS_PER_LONG + 1] << 32;
			c->record.bits.word[i] = cpu_to_le64(word);
			any |= word;
		}
		if (any)
			put_record(c, type, sizeof(c->record.bits));
	}
}

static void put_overlay(struct chunks *c, const struct shadow_mark *mark)
{
	u64 at = 0;

	while (shadow_blockmap_next(&mark->overlay, &at)) {
		memset(c->bits, 0, PAGE_SIZE);
		shadow_blockmap_gather(&mark->overlay, at / SHADOW_MAP_BITS, c->bits);
		put_bits(c, SHADOW_DISK_OVERLAY, at / SHADOW_MAP_BITS);
		at = (at / SHADOW_MAP_BITS + 1) * SHADOW_MAP_BITS;
	}
}

/* The oldest mark that is to be saved, or NULL. */
static const struct shadow_mark *first_wanted(const struct shadow_changes *ch)
{
	const struct shadow_mark *mark;

	list_for_each_entry(mark, &ch->marks, node)
		if (shadow_mark_wanted(mark))
			return mark;
	return NULL;
}

static void put_generation(struct chunks *c, const struct shadow_changes *ch, bool whole)
{
	c->record.generation = (struct shadow_disk_generation){
		.began_ns = cpu_to_le64(ch->began_ns),
		.reason = cpu_to_le32(ch->reason),
		.whole = cpu_to_le32(whole),
	};
	memcpy(c->record.generation.uuid, ch->generation.b, sizeof(c->record.generation.uuid));
	put_record(c, SHADOW_DISK_GENERATION, sizeof(c->record.generation));
}

/* Context: mutate mutex. */
static void put_all(struct chunks *c, const struct shadow_changes *ch,
		    const struct shadow_mark *first)
{
	const struct shadow_mark *mark = first;
	u64 index;

	put_generation(c, ch, first->id == ch->first);
	list_for_each_entry_from(mark, &ch->marks, node) {
		if (!shadow_mark_wanted(mark))
			continue;
		put_mark(c, mark);
		put_free(c, mark);
		put_overlay(c, mark);
		for (index = 0; shadow_changes_next_written(ch, mark, &index, c->bits); index++)
			put_bits(c, SHADOW_DISK_BITS, index);
	}
	put_record(c, SHADOW_DISK_SAVED_END, 0);
}

/* Write all chunks.  Context: mutate mutex. */
static int write_all(struct chunks *c, struct shadow_changes *ch, const struct shadow_mark *first,
		     struct shadow_disk_header *h)
{
	unsigned int blocks;
	u64 loc;
	int err = shadow_part_allot(c->part, CHUNK_BLOCKS, &loc, &blocks);

	if (err)
		return err;
	get_random_bytes(&c->id, sizeof(c->id));
	begin_chunk(c, loc, blocks);
	put_all(c, ch, first);
	end_chunk(c, 0, 0);
	if (c->err)
		return c->err;
	h->saved_id = cpu_to_le64(c->id);
	h->saved_loc = cpu_to_le64(loc);
	h->saved_blocks = cpu_to_le32(blocks);
	h->saved_state = cpu_to_le32(SHADOW_DISK_SAVED_ALL);
	return 0;
}

void shadow_saved_write(struct shadow_volume *vol)
{
	struct shadow_durable *d = vol->store->durable;
	const struct shadow_mark *first = first_wanted(&vol->changes);
	struct shadow_disk_header *h = d->header;
	struct chunks *c;
	int err;

	lockdep_assert_held(&vol->epochs.mutate);
	h->saved_id = 0;
	h->saved_loc = 0;
	h->saved_blocks = 0;
	h->saved_end = cpu_to_le64(shadow_durable_end(d));
	h->saved_state = cpu_to_le32(SHADOW_DISK_SAVED_NONE);
	if (!first)
		return;
	c = chunks_alloc(d->part);
	err = c ? write_all(c, &vol->changes, first, h) : -ENOMEM;
	if (err) {
		h->saved_state = cpu_to_le32(SHADOW_DISK_SAVED_NO_ROOM);
		pr_warn("%s: what has changed could not be saved (%d): the next backup is a full one\n",
			vol->name, err);
	}
	if (c)
		chunks_free(c);
}

/* --- reading ------------------------------------------------------------------------- */

/* The chunk at @loc. */
static int read_chunk(struct chunks *c, u64 loc, unsigned int blocks)
{
	u64 end = c->part->space.nr_blocks;
	int err;

	if (!blocks || blocks > CHUNK_BLOCKS || loc >= end || blocks > end - loc)
		return -EUCLEAN;
	c->loc = loc;
	c->blocks = blocks;
	c->used = sizeof(*c->chunk);
	err = transfer(c, REQ_OP_READ);
	if (err)
		return err;
	return shadow_saved_valid(c->chunk, blocks, c->id, ++c->seq, end) ? 0 : -EUCLEAN;
}

static int get(struct chunks *c, void *data, unsigned int bytes)
{
	while (bytes) {
		unsigned int end = sizeof(*c->chunk) + le32_to_cpu(c->chunk->bytes);
		unsigned int n = min(bytes, end - c->used);
		int err;

		memcpy(data, (char *)c->chunk + c->used, n);
		c->used += n;
		data += n;
		bytes -= n;
		if (!bytes)
			return 0;
		err = read_chunk(c, le64_to_cpu(c->chunk->next_loc),
				 le32_to_cpu(c->chunk->next_blocks));
		if (err)
			return err;
	}
	return 0;
}

/* Return: the type, or a negative errno. */
static int get_record(struct chunks *c, u32 *bytes)
{
	struct shadow_disk_record record;
	int err = get(c, &record, sizeof(record));
	u32 type = le32_to_cpu(record.type);

	if (err)
		return err;
	*bytes = le32_to_cpu(record.bytes);
	if (!shadow_record_valid(type, *bytes))
		return -EUCLEAN;
	return get(c, &c->record, *bytes) ?: type;
}

static int read_mark(struct chunks *c, const struct shadow_volume *vol, struct list_head *marks)
{
	const struct shadow_disk_mark *disk = &c->record.mark;
	u32 flags = le32_to_cpu(disk->flags);
	struct shadow_mark *mark;

	if (le64_to_cpu(disk->sectors) >> 60 || !disk->sectors)
		return -EUCLEAN;
	if (le64_to_cpu(disk->sectors) > vol->nr_sectors)	/* as for shadows */
		return -ESTALE;
	mark = shadow_mark_create();
	if (!mark)
		return -ENOMEM;
	list_add_tail(&mark->node, marks);
	mark->epoch = shadow_epoch_alloc(GFP_KERNEL);
	if (!mark->epoch)
		return -ENOMEM;
	memcpy(mark->uuid.b, disk->uuid, sizeof(mark->uuid.b));
	mark->created_ns = le64_to_cpu(disk->created_ns);
	mark->sectors = le64_to_cpu(disk->sectors);
	mark->number = le64_to_cpu(disk->number);
	mark->epoch->number = mark->number;
	mark->kept = flags & SHADOW_DISK_MARK_KEPT;
	mark->begin = flags & SHADOW_DISK_MARK_BEGIN;
	return 0;
}

static int read_free(struct chunks *c, struct shadow_mark *mark, u32 bytes)
{
	u64 blocks = shadow_blocks_of(mark->sectors);
	unsigned int i;

	for (i = 0; i < bytes / sizeof(c->record.run[0]); i++) {
		u64 first = le64_to_cpu(c->record.run[i].first);
		u64 n = le64_to_cpu(c->record.run[i].blocks);

		if (!n || first >= blocks || n > blocks - first)
			return -EUCLEAN;
		if (shadow_epochs_restore_free(mark->epoch, first, n, GFP_KERNEL))
			return -ENOMEM;
	}
	return 0;
}

/* Runs of bits that are set; nobody sets any beside us. */
static int read_bits(struct chunks *c, struct shadow_volume *vol, struct shadow_blockmap *map,
		     bool written)
{
	const struct shadow_disk_bits *disk = &c->record.bits;
	u64 first = le64_to_cpu(disk->first), word;
	unsigned int i, from, to = 0;

	if (first % PIECE_BITS || first >= vol->nr_blocks)
		return -EUCLEAN;
	if (shadow_blockmap_reserve(map, first, PIECE_BITS, GFP_KERNEL))
		return -ENOMEM;
	for (i = 0; i < SHADOW_DISK_BITS_WORDS; i++) {
		for (word = le64_to_cpu(disk->word[i]); word; word &= ~GENMASK_ULL(to - 1, from)) {
			from = __ffs64(word);
			to = ~(word >> from) ? from + __ffs64(~(word >> from)) : 64;
			to = min(to, 64u);
			if (written)
				shadow_blockmap_note(map, first + 64 * i + from, to - from);
			else
				shadow_blockmap_set(map, first + 64 * i + from, to - from);
		}
	}
	return 0;
}

static int read_all(struct chunks *c, struct shadow_volume *vol, struct list_head *marks)
{
	struct shadow_mark *mark;
	u32 bytes;
	int type;

	for (;;) {
		int err;

		type = get_record(c, &bytes);
		if (type < 0)
			return type;
		if (type == SHADOW_DISK_SAVED_END)
			return list_empty(marks) ? -EUCLEAN : 0;
		if (type == SHADOW_DISK_MARK) {
			err = read_mark(c, vol, marks);
			if (err)
				return err;
			continue;
		}
		if (list_empty(marks))
			return -EUCLEAN;
		mark = list_last_entry(marks, struct shadow_mark, node);
		if (type == SHADOW_DISK_WAS_FREE)
			err = read_free(c, mark, bytes);
		else if (type == SHADOW_DISK_BITS)
			err = read_bits(c, vol, mark->written, true);
		else if (type == SHADOW_DISK_OVERLAY)
			err = read_bits(c, vol, &mark->overlay, false);
		else
			err = -EUCLEAN;
		if (err)
			return err;
		cond_resched();
	}
}

/* The generation, which comes first, then its marks. */
static int read_generation(struct chunks *c, struct shadow_volume *vol,
			   const struct shadow_disk_header *h, struct shadow_saved *saved)
{
	const struct shadow_disk_generation *disk = &c->record.generation;
	u32 bytes;
	int err;

	c->id = le64_to_cpu(h->saved_id);
	err = read_chunk(c, le64_to_cpu(h->saved_loc), le32_to_cpu(h->saved_blocks));
	if (!err)
		err = get_record(c, &bytes);
	if (err != SHADOW_DISK_GENERATION)
		return err < 0 ? err : -EUCLEAN;
	memcpy(saved->generation.b, disk->uuid, sizeof(saved->generation.b));
	saved->began_ns = le64_to_cpu(disk->began_ns);
	saved->reason = le32_to_cpu(disk->reason);
	saved->whole = le32_to_cpu(disk->whole);
	return read_all(c, vol, &saved->marks);
}

/* Why what was there before is not known; SHADOW_TRACKING_NONE: it was saved. */
static u32 why_unknown(const struct shadow_disk_header *h)
{
	if (!h->log_end)
		return SHADOW_TRACKING_UNCLEAN;
	if (h->saved_end != h->log_end)		/* of an earlier detaching */
		return SHADOW_TRACKING_BEGAN;
	if (h->saved_state == cpu_to_le32(SHADOW_DISK_SAVED_NO_ROOM))
		return SHADOW_TRACKING_NOT_SAVED;
	if (h->saved_state != cpu_to_le32(SHADOW_DISK_SAVED_ALL))
		return SHADOW_TRACKING_BEGAN;
	return SHADOW_TRACKING_NONE;
}

static u32 why_unread(int err)
{
	switch (err) {
	case -ENOMEM:
		return SHADOW_TRACKING_MEMORY;
	case -ESTALE:
		return SHADOW_TRACKING_VOLUME_CHANGED;
	default:
		return SHADOW_TRACKING_DAMAGED;
	}
}

void shadow_saved_init(struct shadow_saved *saved)
{
	memset(saved, 0, sizeof(*saved));
	INIT_LIST_HEAD(&saved->marks);
}

void shadow_saved_drop(struct shadow_saved *saved)
{
	struct shadow_mark *mark, *next;

	list_for_each_entry_safe(mark, next, &saved->marks, node)
		shadow_mark_destroy(mark);
	INIT_LIST_HEAD(&saved->marks);
}

void shadow_saved_read(struct shadow_volume *vol, struct shadow_part *part,
		       const struct shadow_disk_header *h, struct shadow_saved *saved)
{
	struct chunks *c;
	int err;

	lockdep_assert_held(&vol->epochs.mutate);
	saved->reason = why_unknown(h);
	if (saved->reason)
		return;
	c = chunks_alloc(part);
	err = c ? read_generation(c, vol, h, saved) : -ENOMEM;
	if (err) {
		pr_warn("%s: what has changed before cannot be read (%d): the next backup is a full one\n",
			vol->name, err);
		shadow_saved_drop(saved);
		saved->reason = why_unread(err);
	}
	if (c)
		chunks_free(c);
}

void shadow_saved_adopt(struct shadow_volume *vol, struct shadow_saved *saved)
{
	struct shadow_changes *ch = &vol->changes;

	lockdep_assert_held(&vol->epochs.mutate);
	if (!list_empty(&saved->marks)) {
		ch->generation = saved->generation;
		ch->began_ns = saved->began_ns;
		ch->reason = saved->reason;
		shadow_changes_adopt(vol, &saved->marks, saved->whole);
	} else if (list_empty(&ch->marks) || ch->reason == SHADOW_TRACKING_BEGAN) {
		ch->reason = saved->reason;	/* what is known is of later */
	}
}
