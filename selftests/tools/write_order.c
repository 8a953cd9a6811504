// SPDX-License-Identifier: GPL-2.0-only
/*
 * Was each write of a durable store, and each write to its volume, begun only when all that it
 * rests upon was on stable storage?
 *
 *	write_order RECORDS ORIGIN-AT ORIGIN-BYTES STORE-AT STORE-BYTES
 *
 * RECORDS is what modules/recorder.c has noted of the disk that both lie on, beginning with a disk
 * of zeros.  What is on stable storage is known at each moment: a write that has ended, and was
 * past the cache, or was followed by a flush that has ended.  So this is no matter of chance,
 * and of when power is lost: one run shows each write that came too early.  The rules are those of
 * Documentation/store-format.rst, "In which order things are written":
 *
 *	DATA	a block of the log names only data that is on stable storage,
 *	SAME	and this is what the volume had there,
 *	GROUP	and the group before it is on stable storage;
 *	WRITE	a block of the volume is overwritten only when each shadow has it on stable
 *		storage, or had it free; from the mark "instant" on also the one to come;
 *	HEAD	one of its first blocks only with something that the log has announced,
 *		and past the cache;
 *	REUSE	a block of the store is written only when nothing on stable storage says that it
 *		holds something;
 *	DUMP	a header names only a dump all of which is on stable storage;
 *	CACHE	headers, and the log, are written past the cache.
 *
 * Prints a line for each write that breaks one, and at last how often each was put to the test.
 * Exit status: 0: none has been broken, 1, or 2: it cannot be told.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include "disk_format.h"
#include "../modules/recorder.h"

#define BLOCK SHADOW_DISK_BLOCK
#define NONE UINT64_MAX
#define EPOCHS 64
#define STATES 16		/* of a first block; beyond that it may be anything */
#define SHOWN 20		/* broken rules that are told */

enum rule { DATA, SAME, GROUP, WRITE, HEAD, REUSE, DUMP, CACHE, RULES };

static const char *const rules[RULES] = {
	"DATA", "SAME", "GROUP", "WRITE", "HEAD", "REUSE", "DUMP", "CACHE",
};

/* A write, by its number. */
struct write {
	uint64_t at;
	uint32_t bytes;
	uint32_t flags;
	uint64_t ended;		/* how many that were not past the cache had, when it was begun */
	bool done, durable;
};

/* A block of the volume, or of the store with its first MiB. */
struct block {
	uint64_t write;		/* the last one to it; 0: none */
	uint32_t sum;		/* of what it holds */
	bool known;		/* is it that? */
	const struct shadow_disk_log *log;	/* of the store: a block of the log or the dump */
	uint64_t epoch;		/* of the store: it is recorded for that one; else NONE */
	uint64_t of;		/* ... and is this block of the volume */
};

struct epoch {
	uint64_t number;
	uint64_t *record;	/* where a block of the volume is preserved, or NONE */
	bool *free;
};

/* What the log says a first block of the volume may be. */
struct head {
	unsigned int nr;
	uint32_t crc[STATES];
	bool any;
};

/* What a copy of the header says, and for as long as it is being written may still say. */
struct copy {
	uint64_t write;
	struct shadow_disk_header now, before;
	bool valid, was_valid;
};

/* The group that is being written. */
struct group {
	uint64_t number;
	unsigned int nr;
	bool last;
	const struct shadow_disk_log *log[64];
	uint64_t write[64];
};

static uint64_t origin_at, origin_blocks, store_at, store_blocks;
static struct block *origin, *store;
static struct write *writes;
static uint64_t nr_writes;
static uint64_t *volatile_ones, nr_volatile;
static struct epoch epochs[EPOCHS];
static unsigned int nr_epochs;
static uint64_t lost_upto, last_epoch, instant_after = NONE;
static struct head head[SHADOW_DISK_WATCHED];
static struct copy copies[SHADOW_DISK_HEADERS];
static bool live;
static uint64_t log_id;
static struct group group;
static const struct write *current;	/* what is being submitted */
static unsigned long tested[RULES], broken[RULES];
static unsigned long nr_flushes, nr_groups, nr_marks;
static size_t position;

static void __attribute__((format(printf, 2, 3))) breaks(enum rule rule, const char *format, ...)
{
	va_list args;

	if (++broken[rule] > SHOWN)
		return;
	va_start(args, format);
	printf("%s is broken at record byte %zu: ", rules[rule], position);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

static void *must(void *memory)
{
	if (!memory)
		err(2, "memory");
	return memory;
}

static struct write *write_of(uint64_t id)
{
	static uint64_t room;

	if (id >= room) {
		uint64_t more = id * 2 + 1024;

		writes = must(realloc(writes, more * sizeof(*writes)));
		memset(writes + room, 0, (more - room) * sizeof(*writes));
		volatile_ones = must(realloc(volatile_ones, more * sizeof(*volatile_ones)));
		room = more;
	}
	if (id >= nr_writes)
		nr_writes = id + 1;
	return &writes[id];
}

static bool is_durable(uint64_t id)
{
	return id && writes[id].durable;
}

/* Will it be on stable storage when this write is done, which may have a flush before it? */
static bool is_before(uint64_t id, const struct write *w)
{
	return is_durable(id) || (id && writes[id].done && w->flags & RECORD_FLUSH);
}

/* CRC-32 as in Ethernet: the recorder's. */
static uint32_t crc32(const unsigned char *p, size_t bytes)
{
	uint32_t crc = ~0U;

	while (bytes--) {
		crc ^= *p++;
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* --- what the log says, when it is on stable storage -------------------------------------- */

static struct epoch *find_epoch(uint64_t number)
{
	for (unsigned int i = 0; i < nr_epochs; i++)
		if (epochs[i].number == number)
			return &epochs[i];
	return NULL;
}

static struct block *block_of(uint64_t loc)
{
	uint64_t i = SHADOW_DISK_HEAD / BLOCK + loc;

	if (i >= store_blocks)
		errx(2, "a location %llu that is not in the store", (unsigned long long)loc);
	return &store[i];
}

static void drop_epoch(struct epoch *ep)
{
	free(ep->record);
	free(ep->free);
	memmove(ep, ep + 1, (epochs + nr_epochs - ep - 1) * sizeof(*ep));
	nr_epochs--;
}

static void add_epoch(uint64_t number)
{
	struct epoch *ep = &epochs[nr_epochs];

	if (find_epoch(number))
		return;
	if (nr_epochs++ == EPOCHS)
		errx(2, "more than %d epochs", EPOCHS);
	ep->number = number;
	ep->record = must(malloc(origin_blocks * sizeof(*ep->record)));
	memset(ep->record, 0xff, origin_blocks * sizeof(*ep->record));
	ep->free = must(calloc(origin_blocks, 1));
	last_epoch = number;
	if (instant_after != NONE && number > instant_after)
		instant_after = NONE;
}

/* Which one has what is recorded for @number: that, or if it was folded the next older one. */
static struct epoch *keeper_of(uint64_t number)
{
	struct epoch *found = NULL;

	for (unsigned int i = 0; i < nr_epochs && epochs[i].number <= number; i++)
		found = &epochs[i];
	return found;
}

static void record(struct epoch *ep, uint64_t block, uint64_t loc)
{
	if (block >= origin_blocks || ep->record[block] != NONE || ep->free[block])
		return;
	ep->record[block] = loc;
	block_of(loc)->epoch = ep->number;
	block_of(loc)->of = block;
}

static void fold(uint64_t number)
{
	struct epoch *ep = find_epoch(number), *older;

	if (!ep)
		return;
	older = ep > epochs && ep[-1].number > lost_upto ? ep - 1 : NULL;
	for (uint64_t b = 0; b < origin_blocks; b++) {
		uint64_t loc = ep->record[b];

		if (loc == NONE)
			continue;
		block_of(loc)->epoch = NONE;
		if (older)
			record(older, b, loc);
	}
	drop_epoch(ep);
}

static void lose(uint64_t upto)
{
	if (upto > lost_upto)
		lost_upto = upto;
	for (unsigned int i = 0; i < nr_epochs && epochs[i].number <= upto; i++)
		for (uint64_t b = 0; b < origin_blocks; b++)
			if (epochs[i].record[b] != NONE) {
				block_of(epochs[i].record[b])->epoch = NONE;
				epochs[i].record[b] = NONE;
			}
}

static void note_head(unsigned int type, uint64_t block, uint32_t crc)
{
	struct head *h = &head[block % SHADOW_DISK_WATCHED];

	if (type == SHADOW_DISK_HEAD_IS)
		*h = (struct head){ 0 };
	if (type == SHADOW_DISK_HEAD_ANY || h->nr == STATES)
		h->any = true;
	else
		h->crc[h->nr++] = crc;
}

/* Do something with each EXTENT, or with all entries, of a block of the log. */
static void each_entry(const struct shadow_disk_log *b,
		       void (*extent)(uint64_t epoch, uint64_t block, uint64_t loc),
		       void (*other)(unsigned int type, uint64_t rest, uint64_t value,
				     uint64_t epoch))
{
	uint64_t epoch = 0;

	for (unsigned int i = 0; i < le16toh(b->nr); i++) {
		uint64_t what = le64toh(b->entry[i].what), value = le64toh(b->entry[i].value);
		unsigned int type = what >> 56;

		if (type == SHADOW_DISK_AT)
			epoch = value;
		else if (type == SHADOW_DISK_EXTENT)
			for (uint64_t n = 0; n <= (what >> 48 & 0xff); n++)
				extent(epoch, (what & ((1ULL << 48) - 1)) + n, value + n);
		else if (other)
			other(type, what & ((1ULL << 56) - 1), value, epoch);
		if (type == SHADOW_DISK_EPOCH)
			i += SHADOW_DISK_EPOCH_ENTRIES;
	}
}

static void apply_extent(uint64_t epoch, uint64_t block, uint64_t loc)
{
	struct epoch *ep = epoch > lost_upto ? keeper_of(epoch) : NULL;

	if (ep)
		record(ep, block, loc);
}

static void apply_other(unsigned int type, uint64_t rest, uint64_t value, uint64_t epoch)
{
	struct epoch *ep;

	switch (type) {
	case SHADOW_DISK_EPOCH:
		add_epoch(value);
		break;
	case SHADOW_DISK_FOLD:
		fold(value);
		break;
	case SHADOW_DISK_LOST:
		lose(value);
		break;
	case SHADOW_DISK_FREE:
		ep = epoch > lost_upto ? find_epoch(epoch) : NULL;
		for (uint64_t b = rest; ep && b < rest + value && b < origin_blocks; b++)
			ep->free[b] = true;
		break;
	case SHADOW_DISK_HEAD_WILL:
	case SHADOW_DISK_HEAD_IS:
	case SHADOW_DISK_HEAD_ANY:
		note_head(type, rest, value);
		break;
	}
}

static void apply_group_if_whole(void)
{
	if (!group.last)
		return;
	for (unsigned int i = 0; i < group.nr; i++)
		if (!is_durable(group.write[i]))
			return;
	for (unsigned int i = 0; i < group.nr; i++)
		each_entry(group.log[i], apply_extent, apply_other);
	nr_groups++;
	group.nr = 0;
	group.last = false;
}

/* --- writes to the store ------------------------------------------------------------------ */

static void check_extent(uint64_t epoch, uint64_t block, uint64_t loc)
{
	const struct block *data = block_of(loc), *old = &origin[block];

	tested[DATA]++;
	if (!is_before(data->write, current))
		breaks(DATA, "group %llu names block %llu of epoch %llu at %llu, which is %s",
		       (unsigned long long)group.number, (unsigned long long)block,
		       (unsigned long long)epoch, (unsigned long long)loc,
		       !data->write ? "not written" : writes[data->write].done ?
		       "not flushed" : "being written");
	if (block >= origin_blocks || !old->known || !data->known ||
	    (old->write && !writes[old->write].done))
		return;
	tested[SAME]++;
	if (data->sum != old->sum)
		breaks(SAME, "what is preserved of block %llu is not what the volume has",
		       (unsigned long long)block);
}

static bool all_done(void)
{
	for (unsigned int i = 0; i < group.nr; i++)
		if (!writes[group.write[i]].done)
			return false;
	return true;
}

static void check_cache(const char *what)
{
	tested[CACHE]++;
	if (!(current->flags & RECORD_FUA))
		breaks(CACHE, "%s is not written past it", what);
}

static void log_block(const struct shadow_disk_log *b, uint64_t id)
{
	uint64_t number = le64toh(b->group);

	if (number != group.number) {
		tested[GROUP]++;
		if (group.nr && !(group.last && current->flags & RECORD_FLUSH && all_done()))
			breaks(GROUP, "%llu is written before %llu is on stable storage",
			       (unsigned long long)number, (unsigned long long)group.number);
		group = (struct group){ .number = number };
	}
	check_cache("a block of the log");
	each_entry(b, check_extent, NULL);
	if (group.nr == sizeof(group.log) / sizeof(*group.log))
		errx(2, "a group of more than 64 blocks");
	group.log[group.nr] = b;
	group.write[group.nr++] = id;
	group.last |= le16toh(b->flags) & SHADOW_DISK_LAST;
}

/* Is all of the dump that a header names there? */
static void check_dump(const struct shadow_disk_header *h)
{
	uint64_t loc = le64toh(h->dump_loc), left = le32toh(h->dump_segment);

	for (uint64_t seq = 1; seq <= le32toh(h->dump_blocks); seq++) {
		const struct block *block = block_of(loc);
		const struct shadow_disk_log *b = block->log;

		tested[DUMP]++;
		if (!b || b->id != h->dump_id || le64toh(b->seq) != seq ||
		    le32toh(b->crc) != log_crc(b)) {
			breaks(DUMP, "block %llu of it is not at %llu", (unsigned long long)seq,
			       (unsigned long long)loc);
			return;
		}
		if (!is_before(block->write, current))
			breaks(DUMP, "block %llu of it, at %llu, is not flushed",
			       (unsigned long long)seq, (unsigned long long)loc);
		loc++;
		if (--left)
			continue;
		for (unsigned int i = 0; i < le16toh(b->nr); i++) {
			if (le64toh(b->entry[i].what) >> 56 == SHADOW_DISK_NEXT) {
				loc = le64toh(b->entry[i].value);
				left = le64toh(b->entry[i].what) & ((1ULL << 56) - 1);
			} else if (le64toh(b->entry[i].what) >> 56 == SHADOW_DISK_EPOCH) {
				i += SHADOW_DISK_EPOCH_ENTRIES;
			}
		}
		if (!left) {
			breaks(DUMP, "it ends after block %llu", (unsigned long long)seq);
			return;
		}
	}
}

static void forget_store(void)
{
	while (nr_epochs)
		drop_epoch(epochs);
	for (uint64_t i = 0; i < store_blocks; i++)
		store[i].epoch = NONE;
	memset(head, 0, sizeof(head));
	memset(&group, 0, sizeof(group));
	memset(copies, 0, sizeof(copies));
	lost_upto = 0;
	instant_after = NONE;
	live = false;
}

static void write_header(unsigned int i, const struct shadow_disk_header *h, uint64_t id)
{
	struct copy *copy = &copies[i];

	copy->before = copy->now;
	copy->was_valid = copy->valid;
	copy->valid = h && is_header(h);
	copy->write = id;
	if (!copy->valid) {
		if (!copies[!i].valid)
			forget_store();
		return;
	}
	check_cache("a header");
	copy->now = *h;
	log_id = h->log_id;
	live = !h->log_end;
	if (le32toh(h->flags) & SHADOW_DISK_FAILED)
		lose(NONE - 1);
	if (h->dump_blocks)
		check_dump(h);
}

/* Does a header that may be on the disk need this block of its log, or of its dump? */
static bool needs(const struct shadow_disk_header *h, const struct shadow_disk_log *b)
{
	if (b->id == h->log_id)
		return le64toh(b->seq) >= le64toh(h->log_seq);
	return h->dump_blocks && b->id == h->dump_id;
}

static void check_reuse(uint64_t i, const struct shadow_disk_log *b)
{
	const struct block *block = &store[i];

	tested[REUSE]++;
	if (block->epoch != NONE)
		breaks(REUSE, "at %llu block %llu of epoch %llu is preserved",
		       (unsigned long long)(i - SHADOW_DISK_HEAD / BLOCK),
		       (unsigned long long)block->of, (unsigned long long)block->epoch);
	/* The same once more is what a write that has failed needs. */
	if (!block->log || !live || (b && !memcmp(b, block->log, BLOCK)))
		return;
	for (unsigned int n = 0; n < SHADOW_DISK_HEADERS; n++) {
		const struct copy *c = &copies[n];

		if ((c->valid && needs(&c->now, block->log)) ||
		    (c->was_valid && !is_durable(c->write) && needs(&c->before, block->log))) {
			breaks(REUSE, "at %llu there is a block of the %s, number %llu",
			       (unsigned long long)(i - SHADOW_DISK_HEAD / BLOCK),
			       block->log->id == log_id ? "log" : "dump",
			       (unsigned long long)le64toh(block->log->seq));
			break;
		}
	}
}

/* --- writes to the volume ----------------------------------------------------------------- */

static void check_head(uint64_t b, const struct write *w, bool whole, uint32_t sum)
{
	const struct head *h = &head[b];

	if (!h->nr || h->any)
		return;
	tested[HEAD]++;
	if (!(w->flags & RECORD_FUA)) {
		breaks(HEAD, "block %llu is not written past the cache", (unsigned long long)b);
		return;
	}
	if (!whole) {
		if (h->nr < 2)
			breaks(HEAD, "a write to block %llu was not announced",
			       (unsigned long long)b);
		return;
	}
	for (unsigned int i = 0; i < h->nr; i++)
		if (h->crc[i] == sum)
			return;
	breaks(HEAD, "what is written to block %llu was not announced", (unsigned long long)b);
}

static void check_overwrite(uint64_t b)
{
	bool there = false;

	if (instant_after != NONE) {
		tested[WRITE]++;
		breaks(WRITE, "block %llu, after the instant of a shadow that is not in the log",
		       (unsigned long long)b);
		return;
	}
	for (unsigned int i = nr_epochs; i-- && epochs[i].number > lost_upto;) {
		there |= epochs[i].record[b] != NONE;
		if (i == nr_epochs - 1)
			tested[WRITE]++;
		if (!there && !epochs[i].free[b]) {
			breaks(WRITE, "block %llu is not preserved for epoch %llu",
			       (unsigned long long)b, (unsigned long long)epochs[i].number);
			return;
		}
	}
}

/* --- records ------------------------------------------------------------------------------ */

/* Blocks of writes that are going to be submitted; there may be several such. */
static const struct record *payload[1 << 10];
static unsigned int nr_payload;

/* What was written there, by a write that is submitted. */
static const void *payload_of(uint64_t id, uint64_t at)
{
	for (unsigned int i = 0; i < nr_payload; i++)
		if (payload[i]->id == id && payload[i]->at == at)
			return payload[i] + 1;
	return NULL;
}

static void forget_payload(uint64_t id)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr_payload; i++)
		if (payload[i]->id != id)
			payload[n++] = payload[i];
	nr_payload = n;
}

/* The sum of one whole block, if it is known. */
static bool sum_of(const struct record *r, const uint32_t *sums, uint64_t at, uint32_t *sum)
{
	uint64_t first = (r->at + BLOCK - 1) / BLOCK * BLOCK;

	if (at < first || (at - first) / BLOCK >= r->more / sizeof(*sums))
		return false;
	*sum = sums[(at - first) / BLOCK];
	return true;
}

static void has_now(struct block *block, uint64_t id, bool known, uint32_t sum)
{
	/* Two at a time: nobody knows which one is the last. */
	block->known = known && (!block->write || writes[block->write].done);
	block->write = id;
	block->sum = sum;
}

static void store_write(const struct record *r, const uint32_t *sums)
{
	for (uint64_t at = r->at; at < r->at + r->bytes; at += BLOCK) {
		uint64_t from = at - store_at, i = from / BLOCK;
		const struct shadow_disk_log *b = payload_of(r->id, at);
		uint32_t sum = 0;
		bool known = sum_of(r, sums, at, &sum);

		if (b && le32toh(b->magic) != SHADOW_DISK_LOG_MAGIC)
			b = NULL;
		if (i >= SHADOW_DISK_HEAD / BLOCK) {
			check_reuse(i, b);
			has_now(&store[i], r->id, known, sum);
			store[i].log = b;
			if (b && live && b->id == log_id && le32toh(b->crc) == log_crc(b))
				log_block(b, r->id);
		} else if (from % SHADOW_DISK_HEADER_STEP == 0 &&
			   from / SHADOW_DISK_HEADER_STEP < SHADOW_DISK_HEADERS) {
			write_header(from / SHADOW_DISK_HEADER_STEP, payload_of(r->id, at), r->id);
		}
	}
}

static void origin_write(const struct record *r, const uint32_t *sums)
{
	uint64_t from = (r->at - origin_at) / BLOCK;
	uint64_t end = (r->at + r->bytes - origin_at + BLOCK - 1) / BLOCK;

	for (uint64_t b = from; b < end && b < origin_blocks; b++) {
		uint32_t sum = 0;
		bool known = sum_of(r, sums, origin_at + b * BLOCK, &sum);

		if (live) {
			check_overwrite(b);
			if (b < SHADOW_DISK_WATCHED)
				check_head(b, &writes[r->id], known, sum);
		}
		has_now(&origin[b], r->id, known, sum);
	}
}

static void submitted(const struct record *r, const uint32_t *sums)
{
	struct write *w = write_of(r->id);

	*w = (struct write){ .at = r->at, .bytes = r->bytes, .flags = r->flags,
			     .ended = nr_volatile };
	current = w;
	nr_flushes += r->flags & RECORD_FLUSH;
	if (r->bytes && r->at >= origin_at && r->at < origin_at + origin_blocks * BLOCK)
		origin_write(r, sums);
	else if (r->bytes && r->at >= store_at && r->at < store_at + store_blocks * BLOCK)
		store_write(r, sums);
	forget_payload(r->id);
}

static void make_unknown(struct block *blocks, uint64_t n, uint64_t id)
{
	for (uint64_t i = 0; i < n; i++)
		if (blocks[i].write == id)
			blocks[i].known = false;
}

static void done(const struct record *r)
{
	struct write *w = write_of(r->id);
	static uint64_t first;		/* those before it are on stable storage */

	w->done = true;
	if (r->flags & (RECORD_UNSTABLE | RECORD_FAILED)) {
		make_unknown(origin, origin_blocks, r->id);
		make_unknown(store, store_blocks, r->id);
	}
	if (r->flags & RECORD_FAILED)
		return;
	if (w->flags & RECORD_FLUSH) {
		for (uint64_t i = first; i < w->ended; i++)
			writes[volatile_ones[i]].durable = true;
		if (w->ended > first)
			first = w->ended;
	}
	if (w->flags & RECORD_FUA)
		w->durable = true;
	else if (w->bytes)
		volatile_ones[nr_volatile++] = r->id;
	apply_group_if_whole();
}

static void read_records(const char *path)
{
	size_t room = 1 << 24, size = 0;
	char *records = must(malloc(room));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		err(2, "%s", path);
	while ((n = read(fd, records + size, room - size)) > 0) {
		size += n;
		if (size == room)
			records = must(realloc(records, room *= 2));
	}
	if (n < 0)
		err(2, "%s", path);
	close(fd);
	while (position < size) {
		const struct record *r = (const void *)(records + position);
		const void *more = r + 1;

		switch (r->type) {
		case RECORD_SUBMIT:
			submitted(r, more);
			break;
		case RECORD_DONE:
			done(r);
			break;
		case RECORD_BLOCK:
			if (nr_payload == sizeof(payload) / sizeof(*payload))
				errx(2, "a write of too many blocks of a log");
			payload[nr_payload++] = r;
			break;
		case RECORD_MARK:
			nr_marks++;
			if (!strcmp(more, "instant"))
				instant_after = last_epoch;
			break;
		default:
			errx(2, "%s: not all that happened was recorded", path);
		}
		position += (sizeof(*r) + r->more + 7) / 8 * 8;
	}
}

int main(int argc, char **argv)
{
	static const unsigned char zeros[BLOCK];
	unsigned long sum = 0;

	if (argc != 6)
		errx(2, "usage: write_order RECORDS ORIGIN-AT ORIGIN-BYTES STORE-AT STORE-BYTES");
	origin_at = strtoull(argv[2], NULL, 0);
	origin_blocks = (strtoull(argv[3], NULL, 0) + BLOCK - 1) / BLOCK;
	store_at = strtoull(argv[4], NULL, 0);
	store_blocks = strtoull(argv[5], NULL, 0) / BLOCK;
	origin = must(calloc(origin_blocks, sizeof(*origin)));
	store = must(calloc(store_blocks, sizeof(*store)));
	for (uint64_t i = 0; i < store_blocks; i++)
		store[i].epoch = NONE;
	for (uint64_t i = 0; i < origin_blocks; i++) {
		origin[i].known = true;
		origin[i].sum = crc32(zeros, BLOCK);
	}
	read_records(argv[1]);
	printf("writes=%llu flushes=%lu groups=%lu marks=%lu", (unsigned long long)nr_writes,
	       nr_flushes, nr_groups, nr_marks);
	for (enum rule i = 0; i < RULES; i++) {
		printf(" %s=%lu", rules[i], tested[i]);
		sum += broken[i];
	}
	printf(" broken=%lu\n", sum);
	return sum ? 1 : 0;
}
