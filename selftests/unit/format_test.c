// SPDX-License-Identifier: GPL-2.0-only
/*
 * format_test.c - what a durable store says after a loss of power, and what damage can do.
 *
 * A volume with shadows preserves blocks as the module does: old contents and entries of
 * the log are written, and only when both are on stable storage they are recorded, and the
 * writes go on.  Between any two steps the power may go: any of the writes that were not
 * flushed may be there or not, block by block.  Then the log is read like attach.c reads it, and
 * each shadow has to be what it was.  Now and then life goes on from there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/crc32c.h>
#include <linux/list.h>
#include "epochs.h"
#include "format.h"
#include "space.h"
#include "test.h"

#define PART		768u	/* blocks of the store */
#define BLOCKS		560u	/* of the volume */
#define SEGMENT		6u	/* short ones, so that groups lie in several */
#define NUMBERS		160u	/* of epochs, in all lives */
#define PENDING		512u
#define CLAIMS		128u
#define LIVES_BITS	32

/* What is on a device: a block is data, or of the log. */
struct disk {
	struct shadow_disk_header header;
	u32 data[PART];
	struct shadow_disk_log log[PART];
};

struct pending {
	u32 slot;
	u32 data;
	const struct shadow_disk_log *log;	/* NULL: it is data */
};

enum life { NONE, LIVE, GOING, LOST };

/* A shadow, as it has to be. */
struct oracle {
	struct shadow_epoch *ep;
	enum life life;
	bool committed;		/* the log says for sure that there is this shadow */
	u32 block[BLOCKS];
	bool free[BLOCKS];
};

struct group {
	u64 number;
	unsigned int nr;
	struct shadow_disk_log block[SHADOW_GROUP_BLOCKS];
	u32 loc[SHADOW_GROUP_BLOCKS];
};

struct segment {
	u32 loc;
	u32 blocks;
};

struct claim {
	u64 block;
	u64 len;
};

struct machine {
	struct shadow_epochs es;
	struct shadow_space space;
	struct disk *disk;
	struct disk *image;	/* after a loss of power */
	struct pending pending[PENDING];
	unsigned int nr_pending;

	u64 seq;
	u64 group;
	u32 loc;
	u32 left;
	struct segment next;
	struct group groups[2];
	unsigned int open;
	unsigned int entries;
	u64 at;

	u32 now[BLOCKS];
	u32 version;
	bool claimed[BLOCKS];
	struct claim claim[2][CLAIMS];	/* that wait for a group */
	unsigned int nr_claims[2];

	u64 last_epoch;
	u64 lost_upto;
	u64 dropped_upto;
	struct oracle *folding;
	u64 cursor;
	struct oracle oracle[NUMBERS];
	bool dead;		/* the power has gone, and life goes on from @image */
	unsigned long crashes, lives, groups_read;
};

/* A store that was read. */
struct replay {
	struct shadow_epochs es;
	struct shadow_space space;
	struct shadow_log_place at;
	struct shadow_log_place end;
	bool complete[NUMBERS];
	u64 last_epoch;
	u64 lost_upto;
	unsigned long groups;
	struct segment fresh[SHADOW_GROUP_BLOCKS + 1];
	unsigned int nr_fresh;
};

/* --- reading ----------------------------------------------------------------------- */

static void nothing(void *arg, u64 loc, u64 len)
{
	(void)arg;
	(void)loc;
	(void)len;
}

static void space_make(struct shadow_space *space)
{
	shadow_space_init(space);
	free(shadow_space_resize(space, PART, test_alloc(1, sizeof(u16))));
	space->longest[0] = 32768;
}

static void space_end(struct shadow_space *space)
{
	free(space->longest);
	space->longest = NULL;
	shadow_blockmap_destroy(&space->used);
}

static struct shadow_epoch *epoch_at(const struct shadow_epochs *es, u64 number)
{
	struct shadow_epoch *ep;

	list_for_each_entry(ep, &es->list, node)
		if (ep->number == number)
			return ep;
	return NULL;
}

static void check_item(const struct shadow_item *item)
{
	switch (item->type) {
	case SHADOW_DISK_EPOCH:
		crc32c(0, item->shadow, sizeof(*item->shadow));	/* it is all there */
		break;
	case SHADOW_DISK_EXTENT:
		CHECK(item->extent.len && item->extent.len <= SHADOW_REGION_BLOCKS, "length");
		CHECK(item->extent.loc < PART && item->extent.len <= PART - item->extent.loc,
		      "location %llu", (unsigned long long)item->extent.loc);
		CHECK(item->extent.block / SHADOW_REGION_BLOCKS ==
		      (item->extent.block + item->extent.len - 1) / SHADOW_REGION_BLOCKS,
		      "two regions");
		break;
	case SHADOW_DISK_FREE:
		CHECK(item->extent.len && item->extent.block + item->extent.len <= 1ULL << 48,
		      "run");
		break;
	case SHADOW_DISK_REVERT:
		CHECK(item->flags <= SHADOW_DISK_REVERT_BEGUN, "revert");
		break;
	case SHADOW_DISK_HEAD_WILL:
	case SHADOW_DISK_HEAD_IS:
	case SHADOW_DISK_HEAD_ANY:
		CHECK(item->block < SHADOW_DISK_WATCHED, "block");
		break;
	}
}

/* Return: whether the store contradicts itself. */
static bool apply_item(struct replay *r, const struct shadow_item *item)
{
	struct shadow_extent extent = item->extent;
	struct shadow_epoch *ep = epoch_at(&r->es, item->epoch);
	struct shadow_settled *unused = NULL;
	u64 cursor = 0;

	check_item(item);
	if (extent.block < BLOCKS && extent.len > BLOCKS - extent.block)
		extent.len = BLOCKS - extent.block;
	switch (item->type) {
	case SHADOW_DISK_EPOCH:
		if (item->epoch <= r->last_epoch || item->epoch >= NUMBERS)
			return true;
		ep = shadow_epoch_alloc(GFP_KERNEL);
		ep->number = item->epoch;
		shadow_epochs_append(&r->es, ep);
		r->last_epoch = item->epoch;
		break;
	case SHADOW_DISK_EXTENT:
		if (extent.block < BLOCKS)
			CHECK(!shadow_epochs_restore(&r->es, item->epoch, r->lost_upto, &extent,
						     GFP_KERNEL), "memory");
		break;
	case SHADOW_DISK_FREE:
		if (ep && ep->number > r->lost_upto && extent.block < BLOCKS)
			CHECK(!shadow_epochs_restore_free(ep, extent.block, extent.len,
							  GFP_KERNEL), "memory");
		break;
	case SHADOW_DISK_COMPLETE:
		if (ep)
			r->complete[item->epoch] = true;
		break;
	case SHADOW_DISK_FOLD:
		while (ep && shadow_epochs_fold(&r->es, ep, r->lost_upto, &cursor, GFP_KERNEL,
						&unused) > 0)
			;
		shadow_epoch_free(ep);
		break;
	case SHADOW_DISK_LOST:
		r->lost_upto = max(r->lost_upto, min(item->epoch, r->last_epoch));
		shadow_epochs_drop(&r->es, r->lost_upto);
		break;
	}
	return false;
}

/* Return: whether the store contradicts itself. */
static bool apply_group(struct replay *r, const struct shadow_disk_log *group, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < r->nr_fresh; i++)
		if (shadow_space_take(&r->space, r->fresh[i].loc, r->fresh[i].blocks, GFP_KERNEL))
			return true;
	r->nr_fresh = 0;
	for (i = 0; i < nr; i++) {
		enum shadow_format verdict;
		struct shadow_item item;
		unsigned int entry = 0;
		u64 epoch = 0;

		while (shadow_log_item(&group[i], &entry, &epoch, PART, &item, &verdict))
			if (apply_item(r, &item))
				return true;
		if (verdict != SHADOW_FORMAT_GOOD)
			return true;
	}
	r->end = r->at;
	r->groups++;
	return false;
}

/* Return: whether the store is refused. */
static bool read_store(struct replay *r, const struct disk *disk)
{
	struct shadow_disk_log *group = malloc(SHADOW_GROUP_BLOCKS * sizeof(*group));
	unsigned int nr = 0, blocks = 0;
	bool bad = shadow_header_check(&disk->header) != SHADOW_FORMAT_GOOD ||
		   le64_to_cpu(disk->header.part_blocks) != PART;
	struct shadow_epoch *ep;
	struct shadow_extent ex;

	memset(r, 0, sizeof(*r));
	shadow_epochs_init(&r->es, nothing, NULL);
	space_make(&r->space);
	mutex_lock(&r->es.mutate);
	shadow_log_begin(&r->at, &disk->header);
	r->end = r->at;
	r->fresh[r->nr_fresh++] = (struct segment){ r->at.loc, r->at.left };
	bad = bad || apply_group(r, group, 0);
	while (!bad) {
		enum shadow_format verdict;
		bool last;

		CHECK(r->at.loc < PART && r->at.left && r->at.left <= PART - r->at.loc,
		      "out of the part");
		CHECK(nr < SHADOW_GROUP_BLOCKS, "a group of too many blocks");
		CHECK(blocks++ < 4 * PART, "it does not end");
		group[nr] = disk->log[r->at.loc];
		verdict = shadow_log_read(&r->at, &group[nr], PART, &last);
		if (verdict == SHADOW_FORMAT_FOREIGN)
			break;
		bad = verdict != SHADOW_FORMAT_GOOD;
		nr++;
		if (!bad && r->at.fresh)
			r->fresh[r->nr_fresh++] = (struct segment){ r->at.loc, r->at.left };
		if (!bad && last) {
			bad = apply_group(r, group, nr);
			nr = 0;
		}
	}
	list_for_each_entry(ep, &r->es.list, node) {
		u64 block = 0;

		while (!bad && shadow_index_next(&ep->index, &block, &ex))
			bad = shadow_space_take(&r->space, ex.loc, ex.len, GFP_KERNEL);
	}
	free(group);
	return bad;
}

static void replay_end(struct replay *r)
{
	mutex_unlock(&r->es.mutate);
	shadow_epochs_destroy(&r->es);
	space_end(&r->space);
}

/* --- the power goes ---------------------------------------------------------------- */

static void put_on(struct disk *disk, const struct pending *p)
{
	if (p->log) {
		disk->log[p->slot] = *p->log;
		disk->data[p->slot] = ~0u;
	} else {
		memset(&disk->log[p->slot], 0x5a, 64);
		disk->data[p->slot] = p->data;
	}
}

/* Is a shadow that was read what it was? */
static void check_read(const struct machine *m, const struct replay *r,
		       const struct shadow_epoch *ep, const struct shadow_settled *st)
{
	const struct oracle *o = &m->oracle[ep->number];
	u64 b = 0, loc, len, i;

	CHECK(o->life != NONE, "epoch %llu never was", (unsigned long long)ep->number);
	while (b < BLOCKS) {
		enum shadow_place place = shadow_epochs_find(&r->es, ep, b, BLOCKS - b, &loc, &len);

		for (i = b; i < b + len; i++) {
			u32 has = m->now[i];

			if (place == SHADOW_IN_STORE)
				has = m->image->data[loc + i - b];

			CHECK(place != SHADOW_IS_FREE || o->free[i], "block %llu of %llu is free",
			      (unsigned long long)i, (unsigned long long)ep->number);
			CHECK(place == SHADOW_IS_FREE || has == o->block[i],
			      "block %llu of %llu: %u, not %u (%d)", (unsigned long long)i,
			      (unsigned long long)ep->number, has, o->block[i], place);
			CHECK(place != SHADOW_ON_ORIGIN ||
			      !shadow_blockmap_test(&st->map, i, 1),
			      "block %llu of %llu is settled", (unsigned long long)i,
			      (unsigned long long)ep->number);
		}
		b += len;
	}
}

static void rebirth(struct machine *m, struct replay *r);

static void power_cut(struct machine *m)
{
	struct shadow_settled *st;
	struct shadow_epoch *ep;
	unsigned int i, keep = rnd(101);
	struct replay r;

	memcpy(m->image, m->disk, sizeof(*m->image));
	for (i = 0; i < m->nr_pending; i++)
		if (chance(keep))
			put_on(m->image, &m->pending[i]);
	CHECK(!read_store(&r, m->image), "refused, at block %llu", (unsigned long long)r.at.seq);
	m->crashes++;
	m->groups_read += r.groups;
	st = shadow_settled_alloc(GFP_KERNEL);
	CHECK(st && !shadow_epochs_resume(&r.es, st, r.lost_upto, BLOCKS, GFP_KERNEL), "memory");
	list_for_each_entry(ep, &r.es.list, node)
		if (ep->number > r.lost_upto)
			check_read(m, &r, ep, r.es.settled);
	for (i = 0; i < NUMBERS; i++)
		if (m->oracle[i].life == LIVE && m->oracle[i].committed)
			CHECK(epoch_at(&r.es, i) && i > r.lost_upto, "shadow %u has gone", i);
	if (!m->dead && chance(40)) {
		rebirth(m, &r);
		return;
	}
	replay_end(&r);
}

static bool any_moment(struct machine *m, unsigned int percent)
{
	if (!m->dead && chance(percent))
		power_cut(m);
	return m->dead;
}

/* --- writing ----------------------------------------------------------------------- */

static void give_back(void *arg, u64 loc, u64 len)
{
	struct machine *m = arg;
	bool used;

	CHECK(shadow_blockmap_run(&m->space.used, loc, len, &used) == len && used,
	      "location %llu freed twice", (unsigned long long)loc);
	shadow_space_free(&m->space, loc, len);
}

static void write_later(struct machine *m, struct pending p)
{
	CHECK(m->nr_pending < PENDING, "pending");
	m->pending[m->nr_pending++] = p;
}

static void flush(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_pending; i++)
		put_on(m->disk, &m->pending[i]);
	m->nr_pending = 0;
}

static bool refill(struct machine *m)
{
	unsigned int got;
	u64 loc;

	if (m->next.blocks)
		return true;
	/* What was one in another life is likely to be one again. */
	if (chance(70))
		shadow_space_continue(&m->space, 0);
	if (shadow_space_alloc(&m->space, 1 + rnd(SEGMENT), &loc, &got, GFP_KERNEL))
		return false;
	m->next = (struct segment){ loc, got };
	return true;
}

static struct group *open_group(struct machine *m)
{
	return &m->groups[m->open];
}

static void put(struct machine *m, unsigned int type, u64 what, u64 value)
{
	struct group *g = open_group(m);
	struct shadow_disk_log *b = &g->block[g->nr - 1];

	b->entry[m->entries++] = (struct shadow_disk_entry){ (u64)type << 56 | what, value };
	b->nr = m->entries;
}

/* Blocks are rather left half empty than groups small. */
static bool room(struct machine *m, unsigned int n)
{
	struct group *g = open_group(m);
	struct shadow_disk_log *b;

	if (g->nr && m->entries + n <= SHADOW_DISK_LOG_ENTRIES && (chance(50) || g->nr > 30))
		return true;
	if (g->nr == SHADOW_GROUP_BLOCKS || !refill(m))
		return false;
	b = &g->block[g->nr];
	memset(b, 0, sizeof(*b));
	b->id = m->disk->header.log_id;
	b->seq = m->seq++;
	b->group = g->number;
	g->loc[g->nr++] = m->loc++;
	m->entries = 0;
	m->at = 0;
	if (--m->left)
		return true;
	put(m, SHADOW_DISK_NEXT, m->next.blocks, m->next.loc);
	m->loc = m->next.loc;
	m->left = m->next.blocks;
	m->next.blocks = 0;
	return true;
}

static void set_epoch(struct machine *m, u64 epoch)
{
	if (m->at != epoch)
		put(m, SHADOW_DISK_AT, 0, epoch);
	m->at = epoch;
}

static void let_go(struct machine *m, u64 block, u64 len)
{
	while (len--) {
		m->claimed[block] = false;
		m->now[block++] = ++m->version;
	}
}

/* A write that has something to preserve waits until that is so. */
static void preserve(struct machine *m, u64 block, u64 len)
{
	unsigned int got, i, *n = &m->nr_claims[m->open];
	u64 loc;

	len = min(len, (u64)SHADOW_REGION_BLOCKS - block % SHADOW_REGION_BLOCKS);
	for (i = 0; i < len && !m->claimed[block + i]; i++)
		;
	len = i;
	if (!len || *n == CLAIMS || m->nr_pending + len > PENDING - SHADOW_GROUP_BLOCKS ||
	    m->es.settled->target->number <= m->lost_upto || !room(m, 2) ||
	    shadow_space_alloc(&m->space, len, &loc, &got, GFP_KERNEL))
		return;
	set_epoch(m, m->es.settled->target->number);
	put(m, SHADOW_DISK_EXTENT, (u64)(got - 1) << 48 | block, loc);
	for (i = 0; i < got; i++) {
		write_later(m, (struct pending){ .slot = loc + i, .data = m->now[block + i] });
		m->claimed[block + i] = true;
	}
	m->claim[m->open][(*n)++] = (struct claim){ block, got };
}

static void write_some(struct machine *m)
{
	u64 block = rnd(BLOCKS), len = min(rnd_len(40), (u64)(BLOCKS - block));
	bool settled = true;

	while (len) {
		u64 run = len;

		if (m->es.settled)
			run = shadow_blockmap_run(&m->es.settled->map, block, len, &settled);
		if (settled)
			let_go(m, block, run);
		else
			preserve(m, block, run);
		block += run;
		len -= run;
	}
}

/* As apply() in preserve.c. */
static void apply_extent(struct machine *m, const struct shadow_extent *extent)
{
	struct shadow_extent run = *extent;
	u64 end = run.block + run.len, loc;
	bool settled, has;

	for (; run.block < end; run.block += run.len, run.loc += run.len) {
		run.len = end - run.block;
		if (!m->es.settled) {
			give_back(m, run.loc, run.len);
			continue;
		}
		run.len = shadow_blockmap_run(&m->es.settled->map, run.block, run.len, &settled);
		has = shadow_index_find(&m->es.settled->target->index, run.block, run.len, &loc,
					&run.len);
		if (has) {
			CHECK(loc != run.loc, "recorded already");
			give_back(m, run.loc, run.len);
			continue;
		}
		CHECK(!shadow_epochs_reserve(&m->es, run.block, run.len, GFP_KERNEL), "memory");
		shadow_epochs_record(&m->es, &run);
		if (!settled)
			shadow_epochs_settle(&m->es, run.block, run.len);
	}
}

static void some_writes(struct machine *m)
{
	unsigned int n = rnd(4);

	while (n--)
		write_some(m);
}

/* The open group goes to stable storage, and what it says comes to pass. */
static void commit(struct machine *m)
{
	struct group *g = open_group(m), *next = &m->groups[!m->open];
	unsigned int mine = m->open, i;

	if (m->dead || !g->nr)
		return;
	g->block[g->nr - 1].flags = SHADOW_DISK_LAST;
	next->number = g->number + 1;
	next->nr = 0;
	m->open = !m->open;
	m->entries = 0;
	some_writes(m);
	if (any_moment(m, 3))
		return;
	flush(m);
	for (i = 0; i < g->nr; i++) {
		shadow_log_seal(&g->block[i]);
		write_later(m, (struct pending){ .slot = g->loc[i], .log = &g->block[i] });
	}
	some_writes(m);
	if (any_moment(m, 20))
		return;
	flush(m);
	if (any_moment(m, 3))
		return;
	for (i = 0; i < g->nr; i++) {
		enum shadow_format verdict;
		struct shadow_item item;
		unsigned int entry = 0;
		u64 epoch = 0;

		while (shadow_log_item(&g->block[i], &entry, &epoch, PART, &item, &verdict))
			if (item.type == SHADOW_DISK_EXTENT)
				apply_extent(m, &item.extent);
		CHECK(verdict == SHADOW_FORMAT_GOOD, "verdict %d", verdict);
	}
	for (i = 0; i < m->nr_claims[mine]; i++)
		let_go(m, m->claim[mine][i].block, m->claim[mine][i].len);
	m->nr_claims[mine] = 0;
	g->nr = 0;
}

static void commit_all(struct machine *m)
{
	while (!m->dead && open_group(m)->nr)
		commit(m);
}

/* No write is in flight, and no claim is. */
static void flip_now(struct machine *m)
{
	struct shadow_disk_epoch disk = { .sectors = BLOCKS * SHADOW_BLOCK_SECTORS };
	u64 words[2 * SHADOW_DISK_EPOCH_ENTRIES];
	unsigned int i;
	struct oracle *o;

	if (m->dead || m->last_epoch + 1 == NUMBERS || !room(m, 1 + SHADOW_DISK_EPOCH_ENTRIES))
		return;
	o = &m->oracle[++m->last_epoch];
	o->ep = shadow_epoch_alloc(GFP_KERNEL);
	o->ep->number = m->last_epoch;
	o->life = LIVE;
	memcpy(o->block, m->now, sizeof(o->block));
	disk.shadow[0] = m->last_epoch;
	disk.shadow[1] = 0xff;
	memcpy(words, &disk, sizeof(disk));
	put(m, SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, m->last_epoch);
	for (i = 0; i < SHADOW_DISK_EPOCH_ENTRIES; i++)
		put(m, words[2 * i] >> 56, words[2 * i] & ((1ULL << 56) - 1), words[2 * i + 1]);
	shadow_settled_free(shadow_epochs_flip(&m->es, o->ep, shadow_settled_alloc(GFP_KERNEL)));
	some_writes(m);
	commit(m);
	if (m->dead)
		return;
	o->committed = true;
	if (room(m, 1))
		put(m, SHADOW_DISK_COMPLETE, 0, o->ep->number);
}

static void flip(struct machine *m)
{
	commit_all(m);
	flip_now(m);
}

/* A shadow that is there, or is lost. */
static struct oracle *pick(struct machine *m)
{
	struct oracle *o = &m->oracle[rnd(NUMBERS)];
	unsigned int i;

	for (i = 0; i < NUMBERS; i++, o = o + 1 == &m->oracle[NUMBERS] ? m->oracle : o + 1)
		if (o->ep && o->life != GOING && o->committed)
			return o;
	return NULL;
}

static void begin_fold(struct machine *m)
{
	struct oracle *o = m->folding ? NULL : pick(m);

	if (!o || !room(m, 1))
		return;
	put(m, SHADOW_DISK_FOLD, 0, o->ep->number);
	o->life = GOING;
	commit(m);
	if (m->dead)
		return;
	m->folding = o;
	m->cursor = 0;
}

static void go_on_folding(struct machine *m)
{
	struct shadow_settled *unused = NULL;
	struct oracle *o = m->folding;
	int more;

	if (!o)
		return;
	more = shadow_epochs_fold(&m->es, o->ep, m->dropped_upto, &m->cursor, GFP_KERNEL, &unused);
	CHECK(more >= 0, "memory");
	shadow_settled_free(unused);
	if (more)
		return;
	shadow_epoch_free(o->ep);
	o->ep = NULL;
	m->folding = NULL;
}

/* As withdraw() in durable.c. */
static void withdraw(struct machine *m)
{
	struct group *g = open_group(m);
	unsigned int i, j;

	for (i = 0; i < g->nr; i++) {
		for (j = 0; j < g->block[i].nr; j++) {
			struct shadow_disk_entry *e = &g->block[i].entry[j];

			if (e->what >> 56 == SHADOW_DISK_EPOCH)
				j += SHADOW_DISK_EPOCH_ENTRIES;
			if (e->what >> 56 != SHADOW_DISK_EXTENT)
				continue;
			give_back(m, e->value, (e->what >> 48 & 0xff) + 1);
			*e = (struct shadow_disk_entry){ 0 };
		}
	}
}

static void lose(struct machine *m)
{
	unsigned int i, steps = rnd(8);
	u64 upto = m->last_epoch;

	if (m->lost_upto == m->last_epoch || !room(m, 1))
		return;
	flush(m);		/* what was withdrawn is written all the same, or is not */
	withdraw(m);
	put(m, SHADOW_DISK_LOST, 5ULL << 32 | EIO, m->last_epoch);
	m->lost_upto = m->last_epoch;
	for (i = 0; i < NUMBERS; i++)
		if (m->oracle[i].life == LIVE)
			m->oracle[i].life = LOST;
	while (steps--)
		go_on_folding(m);
	/* The next one need not wait for it, if no write does. */
	if (!m->nr_claims[0] && !m->nr_claims[1])
		flip_now(m);
	commit_all(m);
	if (m->dead)
		return;
	m->dropped_upto = upto;
	shadow_settled_free(shadow_epochs_drop(&m->es, m->dropped_upto));
}

static void tell_free(struct machine *m)
{
	struct oracle *o = pick(m);
	struct shadow_range range;
	u64 settled = 0, i;

	if (!o || o->life != LIVE || !room(m, 2))
		return;
	range.first = rnd(BLOCKS);
	range.end = min((u64)BLOCKS, range.first + rnd_len(100));
	set_epoch(m, o->ep->number);
	put(m, SHADOW_DISK_FREE, range.first, range.end - range.first);
	for (i = range.first; i < range.end; i++)
		o->free[i] = true;
	commit(m);
	while (!m->dead && range.first < range.end)
		CHECK(!shadow_epochs_mark_free(&m->es, o->ep, m->dropped_upto, &range, GFP_KERNEL,
					       &settled), "memory");
}

/* --- life -------------------------------------------------------------------------- */

static void begin(struct machine *m)
{
	struct shadow_disk_header *h = &m->disk->header;
	unsigned int got;
	u64 loc = 0;

	shadow_epochs_init(&m->es, give_back, m);
	mutex_lock(&m->es.mutate);
	space_make(&m->space);
	CHECK(!shadow_space_alloc(&m->space, SEGMENT, &loc, &got, GFP_KERNEL), "space");
	h->seq = 1;
	h->parts = 1;
	h->part_blocks = PART;
	h->log_id = rnd64();
	h->log_loc = loc;
	h->log_segment = got;
	h->log_seq = 1;
	h->log_group = 1;
	shadow_header_seal(h);
	m->loc = loc;
	m->left = got;
	m->seq = 1;
	m->groups[0].number = 1;
}

/* Go on with what was read. */
static void rebirth(struct machine *m, struct replay *r)
{
	struct shadow_epoch *ep;
	unsigned int i;

	m->dead = true;
	m->lives++;
	shadow_epochs_destroy(&m->es);
	space_end(&m->space);
	mutex_unlock(&m->es.mutate);
	memcpy(m->disk, m->image, sizeof(*m->disk));
	m->nr_pending = 0;
	for (i = 0; i < r->end.left; i++)
		memset(&m->disk->log[r->end.loc + i], 0, sizeof(m->disk->log[0]));
	m->disk->header.seq++;
	shadow_header_seal(&m->disk->header);
	m->seq = r->end.seq;
	m->loc = r->end.loc;
	m->left = r->end.left;
	m->next.blocks = 0;
	m->open = 0;
	m->groups[0].nr = 0;
	m->groups[0].number = shadow_log_next_life(&m->disk->header, r->end.group);
	m->groups[1].nr = 0;
	memset(m->claimed, 0, sizeof(m->claimed));
	memset(m->nr_claims, 0, sizeof(m->nr_claims));
	m->folding = NULL;
	m->lost_upto = r->lost_upto;
	m->dropped_upto = r->lost_upto;
	m->last_epoch = max(m->last_epoch, r->last_epoch);	/* numbers name oracles */
	shadow_epochs_init(&m->es, give_back, m);
	mutex_lock(&m->es.mutate);
	m->es.settled = r->es.settled;
	r->es.settled = NULL;
	for (i = 0; i < NUMBERS; i++) {
		struct oracle *o = &m->oracle[i];

		ep = epoch_at(&r->es, i);
		o->ep = ep;
		o->committed = ep;
		if (ep)
			o->life = i > r->lost_upto ? LIVE : LOST;
		else
			o->life = o->life != NONE ? GOING : NONE;
		if (!ep)
			continue;
		list_del(&ep->node);
		list_add_tail(&ep->node, &m->es.list);
	}
	m->space = r->space;
	mutex_unlock(&r->es.mutate);
}

static void end(struct machine *m)
{
	mutex_unlock(&m->es.mutate);
	shadow_epochs_destroy(&m->es);
	space_end(&m->space);
	free(m->disk);
	free(m->image);
	free(m);
}

static void live(struct machine *m, unsigned int steps)
{
	while (steps--) {
		unsigned int what = rnd(100);

		m->dead = false;
		if (what < 55)
			write_some(m);
		else if (what < 68)
			commit(m);
		else if (what < 74)
			flip(m);
		else if (what < 80)
			begin_fold(m);
		else if (what < 92)
			go_on_folding(m);
		else if (what < 97)
			tell_free(m);
		else
			lose(m);
		any_moment(m, 3);
	}
}

static struct machine *machine(void)
{
	struct machine *m = test_alloc(1, sizeof(*m));

	m->disk = test_alloc(1, sizeof(*m->disk));
	m->image = test_alloc(1, sizeof(*m->image));
	begin(m);
	return m;
}

void test_format_power(void)
{
	unsigned long crashes = 0, lives = 0, groups = 0;
	unsigned int round;

	for (round = 0; round < test_rounds / 10 + 1; round++) {
		struct machine *m;

		if (test_round >= 0 && round != test_round)
			continue;
		rnd_start(round);
		m = machine();
		live(m, 400);
		crashes += m->crashes;
		lives += m->lives;
		groups += m->groups_read;
		end(m);
	}
	note("the power went %lu times, %lu lives, %lu groups read", crashes, lives, groups);
}

/* --- damage ------------------------------------------------------------------------ */

static void damage(u8 *at, size_t size)
{
	unsigned int n = rnd_len(8);

	while (n--) {
		size_t i = rnd(size);

		if (chance(50))
			at[i] ^= 1 << rnd(8);
		else
			at[i] = chance(50) ? rnd(256) : chance(50) ? 0 : 0xff;
	}
}

/* All entries of a block, which lies at the end of its memory. */
static void read_items(const struct shadow_disk_log *b)
{
	enum shadow_format verdict;
	struct shadow_item item;
	unsigned int entry = 0, n = 0;
	u64 epoch = 0;

	if (le16_to_cpu(b->nr) > SHADOW_DISK_LOG_ENTRIES)
		return;
	while (shadow_log_item(b, &entry, &epoch, PART, &item, &verdict)) {
		check_item(&item);
		CHECK(++n <= SHADOW_DISK_LOG_ENTRIES && entry <= SHADOW_DISK_LOG_ENTRIES,
		      "entries");
	}
}

static void damage_block(const struct shadow_disk_log *from, bool everything)
{
	struct shadow_disk_log *b = malloc(sizeof(*b));
	struct shadow_log_place at;
	bool last;

	*b = *from;
	if (everything) {
		unsigned int i;

		for (i = 0; i < sizeof(*b); i++)
			((u8 *)b)[i] = rnd(256);
		b->id = from->id;
		b->seq = from->seq;
		b->nr = rnd(SHADOW_DISK_LOG_ENTRIES + 3);
	}
	damage((u8 *)b, chance(30) ? 32 : sizeof(*b));
	if (chance(80))
		shadow_log_seal(b);
	at = (struct shadow_log_place){
		.id = b->id, .seq = b->seq, .group = rnd(3), .loc = rnd(PART),
		.left = 1 + rnd(3), .begun = rnd(SHADOW_GROUP_BLOCKS + 1),
	};
	if (at.left > PART - at.loc)
		at.left = PART - at.loc;
	if (shadow_log_read(&at, b, PART, &last) == SHADOW_FORMAT_GOOD) {
		CHECK(at.left && at.loc + at.left <= PART, "the next one is nowhere");
		read_items(b);
	}
	free(b);
}

/* Some blocks of a store say something else; it is read to its end, or refused. */
static void damage_store(struct machine *m)
{
	unsigned int i, n = rnd_len(6);
	struct replay r;

	memcpy(m->image, m->disk, sizeof(*m->image));
	for (i = 0; i < PART && n; i++) {
		struct shadow_disk_log *b = &m->image->log[i];

		if (!shadow_log_valid(b, m->disk->header.log_id) || !chance(20))
			continue;
		n--;
		if (chance(40) && b->nr) {	/* an entry only, perhaps one that was not there */
			unsigned int e = rnd(b->nr);

			if (chance(50))
				damage((u8 *)&b->entry[e], sizeof(b->entry[e]));
			else
				b->entry[e].what = rnd(SHADOW_DISK_TYPES + 1) << 56 | rnd(1000);
			if (chance(30))
				b->entry[e].value = rnd(2 * PART);
		} else {
			damage((u8 *)b, chance(50) ? 32 : sizeof(*b));
		}
		shadow_log_seal(b);
	}
	if (chance(20)) {
		damage((u8 *)&m->image->header, 256);
		shadow_header_seal(&m->image->header);
	}
	read_store(&r, m->image);
	replay_end(&r);
}

void test_format_damage(void)
{
	struct machine *m;
	unsigned int i, n;

	rnd_start(1);
	m = machine();
	live(m, 300);
	for (i = 0; i < PART; i++)
		if (shadow_log_valid(&m->disk->log[i], m->disk->header.log_id))
			for (n = 0; n < 12; n++)
				damage_block(&m->disk->log[i], n == 11);
	for (i = 0; i < sizeof(m->disk->header); i++) {
		struct shadow_disk_header h = m->disk->header;

		((u8 *)&h)[i] ^= 1 << rnd(8);
		CHECK(shadow_header_check(&h) != SHADOW_FORMAT_GOOD, "byte %u", i);
	}
	for (n = 0; n < test_rounds; n++)
		damage_store(m);
	end(m);
}
