// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable.c - reads a durable store as the module does when it attaches it.
 *
 * What headers, blocks and entries are is the module's own code (kmod/format.c); what they
 * come to is told here a second time, for people (kmod/attach.c is the first).  First the
 * dump is read, of which all has to be there, then the log, to its end; group by group, and a
 * group counts if all of it is there:
 *
 *  - an epoch begins a shadow, and has a higher number than all before it; but the log may
 *    tell once more of one that the dump has,
 *  - a record, or what was free, belongs to its epoch; where that has gone meanwhile, a record
 *    belongs to the next older one,
 *  - an epoch that is deleted leaves its records to the next older one that is not lost,
 *  - a loss takes the records of all epochs up to it, and what was not recorded yet.
 *
 * At the end no block is in use twice; a record that both dump and log have is one.  Where no
 * block follows the log may be at its end, in the middle of a group, too; blocks of two later
 * groups would mean that some are missing, and so would another end than the one that was noted
 * when the store was detached.
 *
 * What was saved of changes when it was detached is read last: see durable_saved.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <linux/shadow.h>

#include "durable.h"
#include "durable_saved.h"
#include "durable_text.h"
#include "runs.h"

#define CHUNK_BLOCKS	64u
#define SHADOWS_MAX	(2 * SHADOW_MAX_VOLUME_SHADOWS)	/* as the module */

_Static_assert(RUNS_REGION == SHADOW_REGION_BLOCKS, "regions are the module's");
_Static_assert(DURABLE_WATCHED == SHADOW_DISK_WATCHED, "and so are the blocks it watches");

/* A shadow that lives; its number in durable.shadows is the same as here. */
struct epoch {
	struct durable_shadow shadow;
	struct runs records;
	struct runs free;
};

/**
 * struct reading - a store that is being read
 * @source: where from
 * @tell: who wants to hear of entries, or NULL
 * @arg: for @tell
 * @d: what was found
 * @header: the one that counts
 * @part_blocks: its blocks
 * @chain: what is being read: the dump, or the log
 * @at: where
 * @end: behind the last whole group
 * @chunk: what was read last:
 * @chunk_loc: from where on,
 * @chunk_nr: and how many blocks
 * @group: the blocks of a group
 * @place: where they lie
 * @group_segments: segments that the group begins
 * @group_bytes: their lengths
 * @segments: those of dump and log
 * @epochs: what lives, oldest first
 * @count: how many
 * @room: for how many there is room
 * @last_epoch: the highest number that there was
 * @lost_upto: all epochs up to it are lost
 */
struct reading {
	const struct durable_source *source;
	durable_tell *tell;
	void *arg;
	struct durable *d;
	struct shadow_disk_header header;
	u64 part_blocks;
	struct durable_chain *chain;
	struct shadow_log_place at;
	struct shadow_log_place end;
	struct shadow_disk_log chunk[CHUNK_BLOCKS];
	u64 chunk_loc;
	unsigned int chunk_nr;
	struct shadow_disk_log group[SHADOW_GROUP_BLOCKS];
	u64 place[SHADOW_GROUP_BLOCKS];
	struct runs group_segments;
	u64 group_bytes;
	struct runs segments;
	struct epoch *epochs;
	size_t count;
	size_t room;
	u64 last_epoch;
	u64 lost_upto;
};

/* --- what is wrong ------------------------------------------------------------------ */

/* The first thing that is wrong is what counts.  Return: false, always. */
static bool wrong(struct reading *r, enum durable_verdict verdict, const char *what)
{
	if (r->d->verdict != DURABLE_SOUND)
		return false;
	r->d->verdict = verdict;
	r->d->problem = what;
	return false;
}

static bool no_memory(struct reading *r)
{
	return wrong(r, DURABLE_NO_MEMORY, "there is not enough memory");
}

static u64 byte_of(u64 loc)
{
	return SHADOW_DISK_HEAD + loc * SHADOW_DISK_BLOCK;
}

static bool in_dump(const struct reading *r)
{
	return r->chain == &r->d->dump;
}

static void place_at(struct reading *r, const struct shadow_log_place *at)
{
	r->d->in_log = true;
	r->d->place = (struct durable_place){
		.dump = in_dump(r), .block = at->seq, .group = at->group,
		.byte = byte_of(at->loc),
	};
}

/* In block @i of the group. */
static struct durable_place place_in(const struct reading *r, unsigned int i, unsigned int entry)
{
	const struct shadow_disk_log *b = &r->group[i];

	return (struct durable_place){
		.dump = in_dump(r), .block = le64_to_cpu(b->seq), .group = le64_to_cpu(b->group),
		.byte = byte_of(r->place[i]), .entry = entry,
	};
}

/* Where the dump or the log is being read. */
static bool wrong_here(struct reading *r, enum durable_verdict verdict, const char *what)
{
	if (r->d->verdict == DURABLE_SOUND)
		place_at(r, &r->at);
	return wrong(r, verdict, what);
}

static bool wrong_entry(struct reading *r, unsigned int i, unsigned int entry,
			enum durable_verdict verdict, const char *what)
{
	if (r->d->verdict == DURABLE_SOUND) {
		r->d->in_log = true;
		r->d->place = place_in(r, i, entry);
	}
	return wrong(r, verdict, what);
}

/* Return: 0 or a negative errno. */
static int read_bytes(const struct reading *r, u64 offset, void *buf, size_t length)
{
	if (offset > r->source->bytes || length > r->source->bytes - offset)
		return -ENODATA;
	return r->source->read(r->source->arg, offset, buf, length);
}

static bool unreadable(struct reading *r, int error)
{
	if (r->d->verdict == DURABLE_SOUND)
		r->d->error = -error;
	return wrong(r, DURABLE_UNREADABLE, "it cannot be read");
}

/* --- the header --------------------------------------------------------------------- */

static enum durable_verdict verdict_of(enum shadow_format format)
{
	switch (format) {
	case SHADOW_FORMAT_GOOD:
		return DURABLE_SOUND;
	case SHADOW_FORMAT_FOREIGN:
		return DURABLE_FOREIGN;
	case SHADOW_FORMAT_NEWER:
		return DURABLE_NEWER;
	default:
		return DURABLE_DAMAGED;
	}
}

/* It is shown on terminals. */
static void take_name(char *to, const u8 *from, size_t length)
{
	size_t i;

	for (i = 0; i < length && from[i]; i++)
		to[i] = from[i] > ' ' && from[i] < 0x7f ? from[i] : '?';
	to[i] = '\0';
}

static void take_header(struct reading *r)
{
	const struct shadow_disk_header *h = &r->header;
	struct durable *d = r->d;

	memcpy(d->store, h->store, sizeof(d->store));
	memcpy(d->part, h->part, sizeof(d->part));
	take_name(d->volume, h->volume, sizeof(h->volume));
	d->seq = le64_to_cpu(h->seq);
	d->version = le32_to_cpu(h->version);
	d->compat = le32_to_cpu(h->compat);
	d->ro_compat = le32_to_cpu(h->ro_compat);
	d->incompat = le32_to_cpu(h->incompat);
	d->read_only = d->ro_compat & ~SHADOW_DISK_RO_COMPAT;
	d->failed = le32_to_cpu(h->flags) & SHADOW_DISK_FAILED;
	d->dump_blocks = le32_to_cpu(h->dump_blocks);
	d->log_end = le64_to_cpu(h->log_end);
	d->bytes = le64_to_cpu(h->part_blocks) * SHADOW_DISK_BLOCK;
	d->volume_bytes = le64_to_cpu(h->volume_sectors) << 9;
	d->created = le64_to_cpu(h->created);
	r->part_blocks = le64_to_cpu(h->part_blocks);
}

static bool no_header(struct reading *r, enum durable_verdict worst, int error)
{
	switch (worst) {
	case DURABLE_UNREADABLE:
		return unreadable(r, error);
	case DURABLE_FOREIGN:
		return wrong(r, worst, "there is no durable store on it");
	case DURABLE_NEWER:
		return wrong(r, worst, "it was made by a newer version");
	default:
		return wrong(r, worst, "its header is not whole");
	}
}

/* Copy @i.  @error: out: why it cannot be read, if so. */
static enum durable_verdict read_header(const struct reading *r, unsigned int i,
					struct shadow_disk_header *h, int *error)
{
	u64 offset = r->source->header + (u64)i * SHADOW_DISK_HEADER_STEP;
	int rc;

	/* too short to be one */
	if (r->source->bytes < offset + sizeof(*h))
		return DURABLE_FOREIGN;
	rc = read_bytes(r, offset, h, sizeof(*h));
	if (rc) {
		*error = rc;
		return DURABLE_UNREADABLE;
	}
	return verdict_of(shadow_header_check(h));
}

/* Of the copies that are whole the newest one counts. */
static bool read_headers(struct reading *r)
{
	enum durable_verdict worst = DURABLE_FOREIGN;
	struct shadow_disk_header h;
	unsigned int i;
	int error = 0;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		r->d->headers[i] = read_header(r, i, &h, &error);
		if (r->d->headers[i] != DURABLE_SOUND) {
			worst = max(worst, r->d->headers[i]);
			continue;
		}
		if (r->d->counts >= 0 && le64_to_cpu(h.seq) <= le64_to_cpu(r->header.seq))
			continue;
		r->d->counts = i;
		r->header = h;
	}
	if (r->d->counts < 0)
		return no_header(r, worst, error);
	take_header(r);
	if (r->source->bytes < SHADOW_DISK_HEAD ||
	    r->part_blocks > (r->source->bytes - SHADOW_DISK_HEAD) / SHADOW_DISK_BLOCK)
		return wrong(r, DURABLE_DAMAGED, "the device is smaller than the store");
	return true;
}

/* --- shadows ------------------------------------------------------------------------ */

/* The newest epoch up to @number: its place, or -1. */
static ssize_t epoch_upto(const struct reading *r, u64 number)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->epochs[middle].shadow.epoch <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return (ssize_t)low - 1;
}

static struct epoch *epoch_at(const struct reading *r, u64 number)
{
	ssize_t i = epoch_upto(r, number);

	return i >= 0 && r->epochs[i].shadow.epoch == number ? &r->epochs[i] : NULL;
}

static void set_flags(struct durable_shadow *shadow, u32 flags)
{
	shadow->persistent = flags & SHADOW_DISK_PERSISTENT;
	shadow->pinned = flags & SHADOW_DISK_PINNED;
}

static bool is_nobody(const uint8_t uuid[16])
{
	static const uint8_t nobody[16];

	return !memcmp(uuid, nobody, sizeof(nobody));
}

static void take_epoch(struct durable_shadow *shadow, const struct shadow_item *item)
{
	const struct shadow_disk_epoch *disk = item->shadow;

	memcpy(shadow->uuid, disk->shadow, sizeof(shadow->uuid));
	memcpy(shadow->set, disk->set, sizeof(shadow->set));
	shadow->epoch = item->epoch;
	shadow->created_ns = le64_to_cpu(disk->created_ns);
	shadow->bytes = le64_to_cpu(disk->sectors) << 9;
	shadow->context = le32_to_cpu(disk->context);
	shadow->set_count = le32_to_cpu(disk->set_count);
	set_flags(shadow, le32_to_cpu(disk->flags));
}

static const char *begin_epoch(struct reading *r, const struct shadow_item *item)
{
	const struct shadow_disk_epoch *disk = item->shadow;
	struct epoch *epochs, *known = epoch_at(r, item->epoch);
	bool good = disk->sectors && !(le64_to_cpu(disk->sectors) >> 60);

	/* The dump may have what the log has after it, too. */
	if (known && !memcmp(known->shadow.uuid, disk->shadow, sizeof(disk->shadow)))
		return NULL;
	/* Who wrote the dump did not know it any more, as it was about to be deleted. */
	if (known && good && is_nobody(known->shadow.uuid)) {
		take_epoch(&known->shadow, item);
		return NULL;
	}
	if (item->epoch <= r->last_epoch || !good)
		return "a shadow cannot be";
	if (r->count == SHADOWS_MAX)
		return "there are too many shadows";
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 16;

		epochs = reallocarray(r->epochs, room, sizeof(*epochs));
		if (!epochs) {
			no_memory(r);
			return NULL;
		}
		r->epochs = epochs;
		r->room = room;
	}
	memset(&r->epochs[r->count], 0, sizeof(r->epochs[0]));
	take_epoch(&r->epochs[r->count++].shadow, item);
	r->last_epoch = item->epoch;
	return NULL;
}

static void fold(struct reading *r, struct epoch *epoch)
{
	size_t i = epoch - r->epochs;

	if (i && r->epochs[i - 1].shadow.epoch > r->lost_upto)
		runs_append(&r->epochs[i - 1].records, &epoch->records);
	runs_clear(&epoch->records);
	runs_clear(&epoch->free);
	memmove(epoch, epoch + 1, (--r->count - i) * sizeof(*epoch));
	r->d->deleted++;
}

static void lose(struct reading *r, const struct shadow_item *item)
{
	u64 upto = min(item->epoch, r->last_epoch);
	size_t i;

	for (i = 0; i < r->count && r->epochs[i].shadow.epoch <= upto; i++) {
		struct durable_shadow *shadow = &r->epochs[i].shadow;

		if (!shadow->error) {
			shadow->lost = item->reason;
			shadow->error = item->error ?: EIO;
		}
		runs_clear(&r->epochs[i].records);
	}
	if (r->d->revert == SHADOW_DISK_REVERT_NOTED && r->d->revert_epoch <= upto)
		r->d->revert = SHADOW_DISK_REVERT_OVER;
	r->lost_upto = max(r->lost_upto, upto);
}

static void record(struct reading *r, const struct shadow_item *item)
{
	ssize_t i = epoch_upto(r, item->epoch);

	if (i < 0 || r->epochs[i].shadow.epoch <= r->lost_upto)
		return;
	if (!runs_add(&r->epochs[i].records, item->extent.block, item->extent.loc,
		      item->extent.len))
		no_memory(r);
}

static void note_free(struct reading *r, const struct shadow_item *item)
{
	struct epoch *epoch = epoch_at(r, item->epoch);

	if (epoch && epoch->shadow.epoch > r->lost_upto &&
	    !runs_add(&epoch->free, item->extent.block, 0, item->extent.len))
		no_memory(r);
}

static void note_head(struct reading *r, const struct shadow_item *item)
{
	struct durable_head *head = &r->d->head;
	u64 b = item->block;

	if (item->type == SHADOW_DISK_HEAD_IS) {
		head->nr[b] = 0;
		head->any[b] = false;
	}
	if (item->type == SHADOW_DISK_HEAD_ANY || head->nr[b] == DURABLE_STATES)
		head->any[b] = true;
	else
		head->crc[b][head->nr[b]++] = item->crc;
}

/* Return: NULL, or what is wrong with it. */
static const char *apply(struct reading *r, const struct shadow_item *item)
{
	struct epoch *epoch;

	switch (item->type) {
	case SHADOW_DISK_EPOCH:
		return begin_epoch(r, item);
	case SHADOW_DISK_EXTENT:
		record(r, item);
		break;
	case SHADOW_DISK_FREE:
		note_free(r, item);
		break;
	case SHADOW_DISK_COMPLETE:
		epoch = epoch_at(r, item->epoch);
		if (epoch)
			epoch->shadow.complete = true;
		break;
	case SHADOW_DISK_FLAGS:
		epoch = epoch_at(r, item->epoch);
		if (epoch)
			set_flags(&epoch->shadow, item->flags);
		break;
	case SHADOW_DISK_FOLD:
		epoch = epoch_at(r, item->epoch);
		if (epoch)
			fold(r, epoch);
		break;
	case SHADOW_DISK_LOST:
		lose(r, item);
		break;
	case SHADOW_DISK_REVERT:
		r->d->revert = item->flags;
		r->d->revert_epoch = item->epoch;
		break;
	case SHADOW_DISK_HEAD_WILL:
	case SHADOW_DISK_HEAD_IS:
	case SHADOW_DISK_HEAD_ANY:
		note_head(r, item);
		break;
	}
	return NULL;
}

/* --- dump and log -------------------------------------------------------------------- */

/* The block at @loc; of its segment @left are left.  NULL: it cannot be read. */
static const struct shadow_disk_log *read_block(struct reading *r, u64 loc, u32 left)
{
	unsigned int nr = min(left, CHUNK_BLOCKS);
	int rc;

	if (loc < r->chunk_loc || loc >= r->chunk_loc + r->chunk_nr) {
		r->chunk_nr = 0;
		rc = read_bytes(r, byte_of(loc), r->chunk, (size_t)nr * SHADOW_DISK_BLOCK);
		if (rc) {
			place_at(r, &r->at);
			unreadable(r, rc);
			return NULL;
		}
		r->chunk_loc = loc;
		r->chunk_nr = nr;
	}
	return &r->chunk[loc - r->chunk_loc];
}

static void tell(struct reading *r, unsigned int i, unsigned int entry,
		 const struct shadow_item *item)
{
	struct durable_place place = place_in(r, i, entry);
	char text[DURABLE_TEXT];

	if (r->tell)
		r->tell(r->arg, &place, durable_text(item, text));
}

static bool apply_block(struct reading *r, unsigned int i)
{
	enum shadow_format verdict;
	struct shadow_item item;
	unsigned int entry = 0, first = 0;
	const char *what;
	u64 epoch = 0;

	while (shadow_log_item(&r->group[i], &entry, &epoch, r->part_blocks, &item, &verdict)) {
		first = entry;
		if (item.type == SHADOW_DISK_EPOCH)
			first -= SHADOW_DISK_EPOCH_ENTRIES;
		r->chain->entries++;
		tell(r, i, first, &item);
		what = apply(r, &item);
		if (what)
			return wrong_entry(r, i, first, DURABLE_DAMAGED, what);
		if (r->d->verdict != DURABLE_SOUND)
			return false;
	}
	if (verdict == SHADOW_FORMAT_NEWER)
		return wrong_entry(r, i, entry, DURABLE_NEWER, "an entry is of a newer version");
	if (verdict != SHADOW_FORMAT_GOOD)
		return wrong_entry(r, i, entry, DURABLE_DAMAGED, "an entry cannot be");
	return true;
}

/* A whole group was read: what it says comes to pass. */
static bool apply_group(struct reading *r, unsigned int nr)
{
	unsigned int i;

	r->chain->segments += r->group_segments.count;
	r->chain->bytes += r->group_bytes;
	r->group_bytes = 0;
	runs_append(&r->segments, &r->group_segments);
	for (i = 0; i < nr; i++)
		if (!apply_block(r, i))
			return false;
	r->chain->groups += nr ? 1 : 0;
	r->chain->blocks += nr;
	r->end = r->at;
	return true;
}

/*
 * Look for blocks of the log in a segment, or the rest of one.  @group: in and out: whose they
 * are.  Return: whether they can be there at the end.
 */
static bool look_in(struct reading *r, u64 loc, u32 left, u64 *group)
{
	struct shadow_log_place at = r->at;

	for (; left; left--, loc++) {
		const struct shadow_disk_log *b = read_block(r, loc, left);

		if (!b)
			return false;
		if (!shadow_log_valid(b, at.id) || le64_to_cpu(b->seq) < at.seq ||
		    le64_to_cpu(b->group) < r->end.group)
			continue;
		if (*group && le64_to_cpu(b->group) != *group)
			return wrong_here(r, DURABLE_DAMAGED, "blocks of the log are missing");
		*group = le64_to_cpu(b->group);
		r->d->rest_blocks++;
	}
	return true;
}

/*
 * No block follows, and @nr are of a group that is not whole.  The log is at its end if there is
 * no more than one later group, and if that is where it has ended.
 */
static void check_end(struct reading *r, unsigned int nr)
{
	u64 group = 0;

	if (!look_in(r, r->at.loc, r->at.left, &group) ||
	    (r->at.next_blocks && !look_in(r, r->at.next_loc, r->at.next_blocks, &group))) {
		r->d->rest_blocks = 0;
		return;
	}
	r->d->rest_blocks += nr;
	r->at = r->end;
	if (r->d->log_end && r->end.seq != r->d->log_end)
		wrong_here(r, DURABLE_DAMAGED, "its log does not end where it did");
	else
		place_at(r, &r->end);
}

/* The chain goes on in another one. */
static bool begin_segment(struct reading *r)
{
	r->group_bytes += (u64)r->at.left * SHADOW_DISK_BLOCK;
	return runs_add(&r->group_segments, 0, r->at.loc, r->at.left) || no_memory(r);
}

/* Begin with a chain. */
static bool begin_chain(struct reading *r, struct durable_chain *chain)
{
	r->chain = chain;
	r->end = r->at;
	return begin_segment(r) && apply_group(r, 0);
}

/*
 * Take one more block, the @nr-th of its group.  @max: so many are to be read; the segment after
 * the last of them is none of the chain.  @more: out: there was one.
 */
static bool read_next(struct reading *r, unsigned int *nr, u64 max, bool *more)
{
	const struct shadow_disk_log *b = read_block(r, r->at.loc, r->at.left);
	struct shadow_log_place before = r->at;
	enum shadow_format verdict;
	bool last = false;

	if (!b)
		return false;
	if (*nr == SHADOW_GROUP_BLOCKS)
		return wrong_here(r, DURABLE_DAMAGED, "a group has too many blocks");
	r->group[*nr] = *b;
	r->place[*nr] = r->at.loc;
	verdict = shadow_log_read(&r->at, &r->group[*nr], r->part_blocks, &last);
	*more = verdict != SHADOW_FORMAT_FOREIGN;
	if (!*more)
		return true;
	if (verdict != SHADOW_FORMAT_GOOD) {
		r->at = before;
		return wrong_here(r, DURABLE_DAMAGED, in_dump(r) ?
				  "a block of the dump cannot be" :
				  "a block of the log cannot be");
	}
	++*nr;
	if (r->at.fresh && max > 1 && !begin_segment(r))
		return false;
	if (!last)
		return true;
	if (!apply_group(r, *nr))
		return false;
	*nr = 0;
	return true;
}

/* All of it has to be there. */
static bool read_dump(struct reading *r)
{
	u64 left = r->d->dump_blocks;
	unsigned int nr = 0;
	bool more;

	if (!left)
		return true;
	shadow_dump_begin(&r->at, &r->header);
	if (!begin_chain(r, &r->d->dump))
		return false;
	for (; left; left--) {
		if (!read_next(r, &nr, left, &more))
			return false;
		if (!more)
			return wrong_here(r, DURABLE_DAMAGED, "a block of the dump is missing");
	}
	return !nr || wrong_here(r, DURABLE_DAMAGED, "the dump ends within a group");
}

static void read_log(struct reading *r)
{
	unsigned int nr = 0;
	bool more = true;

	shadow_log_begin(&r->at, &r->header);
	if (!begin_chain(r, &r->d->log))
		return;
	while (more)
		if (!read_next(r, &nr, UINT64_MAX, &more))
			return;
	check_end(r, nr);
}

/* --- what it comes to ---------------------------------------------------------------- */

/* Find what is stored for an epoch, and what was free. */
static bool settle(struct reading *r, struct epoch *epoch, struct runs *places)
{
	uint64_t records, free_blocks;

	if (!runs_resolve(&epoch->records, places, &records) ||
	    !runs_sum(&epoch->free, &free_blocks))
		return no_memory(r);
	epoch->shadow.record_bytes = records * SHADOW_DISK_BLOCK;
	epoch->shadow.free_bytes = free_blocks * SHADOW_DISK_BLOCK;
	r->d->records_bytes += epoch->shadow.record_bytes;
	return true;
}

static void check_places(struct reading *r, struct runs *places, const char *what)
{
	uint64_t sum, twice = 0;
	int rc = runs_disjoint(places, &sum, &twice);

	if (rc < 0) {
		no_memory(r);
	} else if (!rc && r->d->verdict == DURABLE_SOUND) {
		wrong(r, DURABLE_DAMAGED, what);
		r->d->place = (struct durable_place){ .byte = byte_of(twice) };
		r->d->in_log = false;
	}
}

/* With a store that has failed, all shadows are lost when it is attached. */
static void take_shadows(struct reading *r)
{
	size_t i;

	r->d->shadows = calloc(r->count + 1, sizeof(*r->d->shadows));
	if (!r->d->shadows) {
		no_memory(r);
		return;
	}
	for (i = 0; i < r->count; i++) {
		r->d->shadows[i] = r->epochs[i].shadow;
		if (r->d->failed && !r->d->shadows[i].error) {
			r->d->shadows[i].lost = SHADOW_REASON_STORE_ERROR;
			r->d->shadows[i].error = EIO;
		}
	}
	r->d->count = r->count;
}

/* What the volume is to be has to be one of the shadows that there will be. */
static void check_revert(struct reading *r)
{
	const struct epoch *epoch = epoch_at(r, r->d->revert_epoch);

	if (r->d->revert && r->d->verdict == DURABLE_SOUND &&
	    !(epoch && epoch->shadow.complete && epoch->shadow.persistent))
		wrong(r, DURABLE_DAMAGED, "the volume is to be made what it never was");
}

static void sum_up(struct reading *r)
{
	struct runs places = { 0 };
	bool good = true;
	size_t i;

	for (i = 0; good && i < r->count; i++)
		good = settle(r, &r->epochs[i], &places);
	runs_append(&places, &r->segments);
	if (good)
		check_places(r, &places, "a block is in use twice");
	runs_clear(&places);
	check_revert(r);
	for (i = 0; i < SHADOW_DISK_WATCHED; i++) {
		r->d->unknown += r->d->head.any[i];
		r->d->watched += r->d->head.nr[i] && !r->d->head.any[i];
	}
	take_shadows(r);
}

static void reading_free(struct reading *r)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		runs_clear(&r->epochs[i].records);
		runs_clear(&r->epochs[i].free);
	}
	runs_clear(&r->group_segments);
	runs_clear(&r->segments);
	free(r->epochs);
	free(r);
}

void durable_check(const struct durable_source *source, durable_tell *tell, void *arg,
		   struct durable *durable)
{
	struct reading *r = calloc(1, sizeof(*r));

	memset(durable, 0, sizeof(*durable));
	durable->counts = -1;
	if (!r) {
		durable->verdict = DURABLE_NO_MEMORY;
		durable->problem = "there is not enough memory";
		return;
	}
	r->source = source;
	r->tell = tell;
	r->arg = arg;
	r->d = durable;
	if (read_headers(r)) {
		if (read_dump(r))
			read_log(r);
		sum_up(r);
	}
	if (durable->verdict == DURABLE_SOUND && source->with_saved)
		durable_saved_read(source, &r->header, tell, arg, &durable->saved);
	reading_free(r);
}

void durable_clear(struct durable *durable)
{
	durable_saved_clear(&durable->saved);
	free(durable->shadows);
	memset(durable, 0, sizeof(*durable));
}
