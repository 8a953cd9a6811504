// SPDX-License-Identifier: GPL-2.0-only
/*
 * model_test.c - random operations on a volume's epochs, against a model that
 * keeps everything: each shadow's blocks, the store's blocks, the volume.
 *
 * The content of a block is a number that no other write ever had.  Blocks of
 * the volume that the model knows are in a few windows at borders; what is
 * around them is read too, is never recorded, and may be free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/list.h>
#include "block.h"
#include "epochs.h"
#include "test.h"

#define MAX_WINDOWS	4
#define MAX_FREE	12
#define MAX_OWN		3
#define MAP_BITS	(PAGE_SIZE * 8)
#define ZONES		3
#define FREED		0xdeadf4eeu
#define MAX_FOUND	6

struct window {
	u64 base;
	u64 len;
	u32 idx;	/* of the first block in the model's arrays */
};

enum state { LIVE, LOST, DELETING };

struct shadow {
	struct shadow_epoch *ep;
	u32 *oracle;
	u32 *written;	/* to its image; 0: not */
	enum state state;
	u64 number;
	u64 cursor;
	struct shadow_range free[MAX_FREE];
	unsigned int nr_free;
	/* "nothing has changed" */
	bool hashed;
	u64 generation;
	u64 hash;
};

/**
 * struct options - what a scenario does
 * @max_shadows: at most so many at once
 * @max_len: of a window
 * @steps: operations
 * @nomem: of 1000 allocations fail, in some phases
 * @interleaved: several deletions proceed at once
 * @sparse_checks: check everything only now and then
 * @p_flip, @p_delete, @p_fold, @p_drop, @p_image, @p_free, @p_own, @p_move: of 1000 operations;
 *	the others are writes to the volume
 */
struct options {
	unsigned int max_shadows;
	unsigned int max_len;
	unsigned int steps;
	unsigned int nomem;
	bool interleaved;
	unsigned int sparse_checks;
	unsigned int p_flip, p_delete, p_fold, p_drop, p_image, p_free, p_own, p_move;
};

struct model {
	const struct options *opt;
	struct shadow_epochs es;
	struct window window[MAX_WINDOWS];
	unsigned int nr_windows;
	u32 nb;

	u32 *now;		/* the volume */
	u32 version;
	u8 *since_flip;		/* how often preserved since the last flip */
	u8 *needed;		/* by a live shadow: not recorded for it */

	struct shadow **shadow;	/* oldest first */
	unsigned int nr_shadows;
	struct shadow *active;	/* whose fold has begun; not if interleaved */
	u64 number;
	u64 floor;
	struct shadow_range own[MAX_OWN];	/* written without preserving anything */
	unsigned int nr_own;
	bool partly;		/* free blocks need not be settled: not all was told, or done */

	u32 zone_len;
	u32 *stored;
	u8 *used;
	u8 *seen;
	u32 nr_used;
	u32 next_slot;

	/* A part of the store that is being cleared out: from @cut to the end of its zone. */
	bool moving;
	u32 cut, cut_end;
	struct shadow_walk walk;
	unsigned int nr_found;	/* and read, not moved yet */
	struct shadow_walk at;
	struct shadow_extent found[MAX_FOUND];
	u32 *copy[MAX_FOUND];
	u64 moves;
};

static const u64 zone_base[ZONES] = { 0, (1ULL << 32) - 77, 0 /* up to SHADOW_LOC_MAX */ };

static u64 loc_of(const struct model *m, u32 slot)
{
	u32 zone = slot / m->zone_len, at = slot % m->zone_len;

	if (zone == ZONES - 1)
		return SHADOW_LOC_MAX - m->zone_len + 1 + at;
	return zone_base[zone] + at;
}

static u32 slot_of(const struct model *m, u64 loc)
{
	u32 zone;

	for (zone = 0; zone < ZONES; zone++) {
		u64 base = loc_of(m, zone * m->zone_len);

		if (loc >= base && loc < base + m->zone_len)
			return zone * m->zone_len + (loc - base);
	}
	shim_bug(__FILE__, __LINE__, "location %llu was never given out", (unsigned long long)loc);
}

static void store_free(void *arg, u64 loc, u64 len)
{
	struct model *m = arg;

	CHECK(m->es.mutate.held, "mutex");
	CHECK(len, "freed nothing");
	while (len--) {
		u32 slot = slot_of(m, loc);

		CHECK(m->used[slot], "location %llu freed twice", (unsigned long long)loc);
		m->used[slot] = 0;
		m->stored[slot] = FREED;
		m->nr_used--;
		loc++;
	}
}

/* Is it not given out at the moment? */
static bool is_cut(const struct model *m, u32 slot)
{
	return m->moving && slot >= m->cut && slot < m->cut_end;
}

/* Up to @want blocks in one piece. */
static u32 store_alloc(struct model *m, u64 want, u64 *loc)
{
	u32 total = ZONES * m->zone_len, slot = m->next_slot, end, n;

	CHECK(m->nr_used < total, "store full");
	if (chance(25))
		slot = rnd(total);
	while (m->used[slot] || is_cut(m, slot))
		slot = (slot + 1) % total;
	end = (slot / m->zone_len + 1) * m->zone_len;
	if (chance(30))
		want = 1 + rnd(want);
	for (n = 0; n < want && slot + n < end && !m->used[slot + n] && !is_cut(m, slot + n); n++)
		m->used[slot + n] = 1;
	m->nr_used += n;
	m->next_slot = (slot + n) % total;
	*loc = loc_of(m, slot);
	return n;
}

/* The model's number for a block of the volume; -1: none */
static long idx_of(const struct model *m, u64 block)
{
	unsigned int w;

	for (w = 0; w < m->nr_windows; w++)
		if (block >= m->window[w].base && block - m->window[w].base < m->window[w].len)
			return m->window[w].idx + (block - m->window[w].base);
	return -1;
}

static bool is_free(const struct shadow *s, u64 block)
{
	unsigned int i;

	for (i = 0; i < s->nr_free; i++)
		if (block >= s->free[i].first && block < s->free[i].end)
			return true;
	return false;
}

static void check_answer(struct model *m, struct shadow *s, u64 block, u64 n,
			 enum shadow_place place, u64 loc, bool mark, u64 *hash)
{
	u64 j;

	for (j = 0; j < n; j++) {
		long i = idx_of(m, block + j);
		bool found = place == SHADOW_IN_STORE;

		/* What is there, not where: that may change, and nobody need look again. */
		*hash = (*hash ^ (found ? m->stored[slot_of(m, loc + j)] + 1ULL :
				  place == SHADOW_IS_FREE ? ~0ULL : 0)) * 0x100000001b3ULL;
		CHECK((place == SHADOW_IS_FREE) == is_free(s, block + j),
		      "shadow %llu block %llu: place %d", (unsigned long long)s->number,
		      (unsigned long long)(block + j), place);
		if (place == SHADOW_IS_FREE)
			continue;
		if (found) {
			u32 slot = slot_of(m, loc + j);

			CHECK(i >= 0, "block %llu was never written",
			      (unsigned long long)(block + j));
			CHECK(m->used[slot], "shadow %llu block %llu: location %llu is free",
			      (unsigned long long)s->number, (unsigned long long)(block + j),
			      (unsigned long long)(loc + j));
			CHECK(m->stored[slot] == s->oracle[i],
			      "shadow %llu block %llu: stored %u, not %u",
			      (unsigned long long)s->number, (unsigned long long)(block + j),
			      m->stored[slot], s->oracle[i]);
		} else if (i >= 0) {
			CHECK(m->now[i] == s->oracle[i],
			      "shadow %llu block %llu: origin has %u, not %u",
			      (unsigned long long)s->number, (unsigned long long)(block + j),
			      m->now[i], s->oracle[i]);
			if (mark)
				m->needed[i] = 1;
		}
	}
}

/* Who looks for what is stored finds all of it, and nothing else; and comes to an end. */
static void check_stored(struct model *m, struct shadow *s)
{
	unsigned int w;

	for (w = 0; w < m->nr_windows; w++) {
		u64 block = m->window[w].base, end = block + m->window[w].len, next = block;

		while (block < end) {
			u64 len = shadow_epochs_next_stored(&m->es, s->ep, &block, end), loc, run;

			CHECK(block >= next && block + len <= end && (len || block > next),
			      "block %llu, len %llu", (unsigned long long)block,
			      (unsigned long long)len);
			for (; next < block + len; next += run) {
				bool stored = shadow_epochs_find(&m->es, s->ep, next,
								 next < block ? block - next :
								 block + len - next, &loc,
								 &run) == SHADOW_IN_STORE;

				CHECK(stored == (next >= block), "block %llu: %s",
				      (unsigned long long)next, stored ? "passed over" :
				      "is not there");
			}
			block += len;
		}
	}
}

/* Reads all of a shadow. */
static void check_shadow(struct model *m, struct shadow *s, bool mark)
{
	u64 hash = 0xcbf29ce484222325ULL;
	unsigned int w;

	read_lock(&m->es.lock);
	for (w = 0; w < m->nr_windows; w++) {
		u64 base = m->window[w].base;
		u64 at = base > 33 ? base - 33 : 0;
		u64 end = base + m->window[w].len + 33;
		unsigned int style = rnd(3);

		while (at < end) {
			u64 max = !style ? end - at : style == 1 ? rnd_len(300) : 1ULL << 60;
			enum shadow_place place;
			u64 loc, len = 0;

			place = shadow_epochs_find(&m->es, s->ep, at, max, &loc, &len);

			CHECK(len >= 1 && len <= max, "len %llu, max %llu",
			      (unsigned long long)len, (unsigned long long)max);
			CHECK(len <= 1ULL << 20, "len %llu", (unsigned long long)len);
			if (at + len > end) {
				u64 ignored = 0;

				/* what is beyond the end must be right all the same */
				check_answer(m, s, end, at + len - end, place, loc + end - at,
					     false, &ignored);
				len = end - at;
			}
			check_answer(m, s, at, len, place, loc, mark, &hash);
			at += len;
		}
	}
	read_unlock(&m->es.lock);
	if (s->hashed && s->generation == m->es.generation)
		CHECK(s->hash == hash, "shadow %llu: answers changed, the generation did not",
		      (unsigned long long)s->number);
	s->hashed = true;
	s->hash = hash;
	s->generation = m->es.generation;
	check_stored(m, s);
}

/* What was written to the image of a shadow is there, and nothing else is. */
static void check_overlay(struct model *m, struct shadow *s)
{
	unsigned int w;

	for (w = 0; w < m->nr_windows; w++) {
		u64 base = m->window[w].base, at = 0, n = m->window[w].len, j;

		while (at < n) {
			u64 loc, len = 0;
			bool found = shadow_index_find(&s->ep->overlay, base + at, n - at, &loc,
						       &len);

			for (j = 0; j < len; j++) {
				u32 want = s->written[m->window[w].idx + at + j];
				u32 slot = found ? slot_of(m, loc + j) : 0;

				CHECK(found == !!want, "shadow %llu block %llu: written %u",
				      (unsigned long long)s->number,
				      (unsigned long long)(base + at + j), want);
				CHECK(!found || (m->used[slot] && m->stored[slot] == want),
				      "shadow %llu block %llu: %u was written, not %u",
				      (unsigned long long)s->number,
				      (unsigned long long)(base + at + j), want, m->stored[slot]);
			}
			at += len;
		}
	}
}

/* The extents of an index; each location is seen once.  Return: blocks. */
static u64 check_index(struct model *m, const struct shadow_index *ix)
{
	u64 block = 0, last = 0, blocks = 0, j;
	struct shadow_extent ex;

	while (shadow_index_next(ix, &block, &ex)) {
		CHECK(ex.block >= last && ex.len, "extents overlap at %llu",
		      (unsigned long long)ex.block);
		last = ex.block + ex.len;
		for (j = 0; j < ex.len; j++) {
			u32 slot = slot_of(m, ex.loc + j);

			CHECK(m->used[slot], "record of a free location");
			CHECK(!m->seen[slot], "two records of a location");
			CHECK(idx_of(m, ex.block + j) >= 0, "record of block %llu",
			      (unsigned long long)(ex.block + j));
			m->seen[slot] = 1;
		}
		blocks += ex.len;
	}
	CHECK(blocks == ix->blocks, "%llu blocks, counted %llu", (unsigned long long)blocks,
	      (unsigned long long)ix->blocks);
	return blocks;
}

static void check_records(struct model *m)
{
	size_t bytes = 0, objects = 0, map_bytes = 0, full = 0;
	struct shadow_epoch *ep;
	u64 total = 0, number = 0;
	unsigned int nr = 0;

	memset(m->seen, 0, ZONES * m->zone_len);
	list_for_each_entry(ep, &m->es.list, node) {
		CHECK(ep->number > number, "epochs out of order");
		number = ep->number;
		total += check_index(m, &ep->index) + check_index(m, &ep->overlay);
		bytes += ep->index.bytes + ep->overlay.bytes;
		map_bytes += shadow_blockmap_bytes(&ep->free);
		full += ep->free.nr_full;
		objects += sizeof(*ep);
		nr++;
	}
	CHECK(total == m->nr_used, "%llu recorded, %u used", (unsigned long long)total,
	      m->nr_used);
	CHECK(nr == m->nr_shadows, "%u epochs", nr);
	if (m->es.settled) {
		objects += sizeof(*m->es.settled);
		map_bytes += shadow_blockmap_bytes(&m->es.settled->map);
		full += m->es.settled->map.nr_full;
	}
	CHECK(map_bytes == shim.pages * PAGE_SIZE + full * 9, "%ld pages, %zu full, %zu bytes",
	      shim.pages, full, map_bytes);
	CHECK(bytes + objects == shim.bytes, "leaves have %zu bytes, not %zu",
	      shim.bytes - objects, bytes);
	CHECK(shadow_epochs_bytes(&m->es) == bytes + map_bytes, "bytes");
}

/* Does a shadow read it from the origin?  For blocks in no window. */
static bool needed_outside(const struct model *m, u64 block)
{
	unsigned int i;

	for (i = 0; i < m->nr_shadows; i++)
		if (m->shadow[i]->state == LIVE && !is_free(m->shadow[i], block))
			return true;
	return false;
}

static void check_settled_one(struct model *m, u64 block, bool may_be_unsettled)
{
	const struct shadow_settled *st = m->es.settled;
	long i = idx_of(m, block);
	bool need = i >= 0 ? m->needed[i] : needed_outside(m, block);
	bool set;

	if (!st) {
		CHECK(!need, "block %llu is needed, but there is no map",
		      (unsigned long long)block);
		return;
	}
	set = shadow_blockmap_test(&st->map, block, 1);
	CHECK(!need || !set, "block %llu is needed, but settled", (unsigned long long)block);
	if (i >= 0 || !m->partly)
		CHECK(need || set || may_be_unsettled, "block %llu is not needed, nor settled",
		      (unsigned long long)block);
}

/* Settled: all that nobody needs, unless a fold is under way; nothing else. */
static void check_settled(struct model *m, bool folding)
{
	unsigned int w, k;
	u64 j;

	for (w = 0; w < m->nr_windows; w++) {
		u64 base = m->window[w].base, len = m->window[w].len;

		for (j = 0; j < len; j++)
			check_settled_one(m, base + j, folding || m->partly);
		check_settled_one(m, base + len, folding);
		/* what is far away, if there is something */
		for (k = 0; k < 8; k++) {
			u64 off = rnd(3 * MAP_BITS);

			check_settled_one(m, base + off, folding || m->partly);
			if (base >= off)
				check_settled_one(m, base - off, folding || m->partly);
		}
	}
}

static void check_all(struct model *m)
{
	bool live = false, folding = false;
	unsigned int i;

	memset(m->needed, 0, m->nb);
	for (i = 0; i < m->nr_shadows; i++) {
		struct shadow *s = m->shadow[i];

		switch (s->state) {
		case LIVE:
			check_shadow(m, s, true);
			check_overlay(m, s);
			live = true;
			CHECK(m->es.settled && m->es.settled->target->number >= s->number,
			      "shadow %llu has no target", (unsigned long long)s->number);
			break;
		case LOST:
			CHECK(!s->ep->index.blocks && !s->ep->overlay.blocks,
			      "records of a lost shadow");
			break;
		case DELETING:
			folding = true;
			break;
		}
	}
	CHECK(live || folding || !m->es.settled, "a map for nobody");
	check_settled(m, folding);
	check_records(m);
}

static void check_some(struct model *m)
{
	if (m->opt->sparse_checks && rnd(m->opt->sparse_checks)) {
		struct shadow *s = m->nr_shadows ? m->shadow[rnd(m->nr_shadows)] : NULL;

		if (s && s->state == LIVE)
			check_shadow(m, s, false);
		return;
	}
	check_all(m);
}

static void nomem_phase(struct model *m)
{
	if (m->opt->nomem && chance(10))
		shim.fail_permille = chance(50) ? m->opt->nomem : rnd(m->opt->nomem + 1);
}

/* Records [first, first + n), which is not settled.  False: no memory. */
static bool preserve(struct model *m, u64 first, u64 n)
{
	unsigned int style = rnd(3);
	u64 done = 0, region = ~0ULL;
	bool settle_each = chance(40);

	while (done < n) {
		u64 at = first + done, len = n - done, loc, j;
		struct shadow_extent ex;
		u64 unused_loc, unused_len;
		int err = 0;

		len = min(len, SHADOW_REGION_BLOCKS - at % SHADOW_REGION_BLOCKS);
		len = store_alloc(m, len, &loc);
		if (style == 0)		/* all that is left, each time */
			err = shadow_epochs_reserve(&m->es, at, n - done, GFP_NOIO);
		else if (style == 1)	/* each extent on its own */
			err = shadow_epochs_reserve(&m->es, at, len, GFP_NOIO);
		else if (!done)		/* all at once, again only where it is used up */
			err = shadow_epochs_reserve(&m->es, at, n, GFP_NOIO);
		else if (region == at >> SHADOW_REGION_BITS)
			err = shadow_epochs_reserve(&m->es, at, len, GFP_NOIO);
		if (err) {
			CHECK(err == -ENOMEM && m->opt->nomem, "reserve: %d", err);
			store_free(m, loc, len);
			break;
		}
		region = at >> SHADOW_REGION_BITS;
		for (j = 0; j < len; j++) {
			long i = idx_of(m, at + j);

			CHECK(!shadow_index_find(&m->es.settled->target->index, at + j, 1,
						 &unused_loc, &unused_len),
			      "block %llu is recorded twice", (unsigned long long)(at + j));
			CHECK(!m->since_flip[i], "block %llu is preserved twice",
			      (unsigned long long)(at + j));
			m->since_flip[i] = 1;
			m->stored[slot_of(m, loc + j)] = m->now[i];
		}
		ex = (struct shadow_extent){ at, loc, len };
		shadow_epochs_record(&m->es, &ex);
		if (!rnd(16) && m->nr_shadows) {
			struct shadow *s = m->shadow[rnd(m->nr_shadows)];

			if (s->state == LIVE)
				check_shadow(m, s, false);
		}
		if (settle_each)
			shadow_epochs_settle(&m->es, at, len);
		done += len;
	}
	if (!settle_each && done)
		shadow_epochs_settle(&m->es, first, done);
	return done == n;
}

static void op_write(struct model *m)
{
	struct window *w = &m->window[rnd(m->nr_windows)];
	u64 at = rnd(w->len), n = chance(50) ? rnd_len(min(w->len - at, (u64)8)) :
		 rnd_len(w->len - at), block = w->base + at, done;

	if (chance(4)) {
		at = 0;
		n = w->len;
		block = w->base;
	}
	for (done = 0; done < n;) {
		u64 len = n - done;
		bool set;

		if (m->es.settled) {
			len = shadow_blockmap_run(&m->es.settled->map, block + done, len, &set);
			if (!set && !preserve(m, block + done, len))
				break;
		}
		done += len;
	}
	/* nothing that was not preserved is written */
	for (; done; done--)
		m->now[w->idx + at + done - 1] = ++m->version;
}

static void op_flip(struct model *m)
{
	struct shadow_epoch *ep;
	struct shadow_settled *st;
	struct shadow *s;
	unsigned int i;

	if (m->nr_shadows >= m->opt->max_shadows)
		return;
	ep = shadow_epoch_alloc(GFP_KERNEL);
	st = shadow_settled_alloc(GFP_KERNEL);
	if (!ep || !st) {
		CHECK(m->opt->nomem, "no memory");
		shadow_epoch_free(ep);
		shadow_settled_free(st);
		return;
	}
	for (i = 0; i < m->nr_own; i++) {
		const struct shadow_range *own = &m->own[i];

		CHECK(!shadow_epochs_unsettled(&m->es, own->first, own->end - own->first),
		      "blocks of the store are not settled");
		if (!shadow_epoch_expect(ep, st, own->first, own->end - own->first, GFP_KERNEL))
			continue;
		CHECK(m->opt->nomem, "no memory");
		shadow_epoch_free(ep);
		shadow_settled_free(st);
		return;
	}
	m->number += 1 + rnd(3);
	ep->number = m->number;
	ep->index.leaves.guard = &m->es.lock;
	ep->overlay.leaves.guard = &m->es.lock;
	shadow_settled_free(shadow_epochs_flip(&m->es, ep, st));
	CHECK(m->es.settled == st && st->target == ep, "flip");

	s = test_alloc(1, sizeof(*s));
	s->ep = ep;
	s->number = m->number;
	s->oracle = test_alloc(m->nb, sizeof(*s->oracle));
	memcpy(s->oracle, m->now, m->nb * sizeof(*s->oracle));
	s->written = test_alloc(m->nb, sizeof(*s->written));
	m->shadow[m->nr_shadows++] = s;
	for (i = 0; i < m->nr_own; i++)
		s->free[s->nr_free++] = m->own[i];
	memset(m->since_flip, 0, m->nb);
	m->partly = false;
}

/*
 * The volume's own store: it gets blocks that are settled, writes to them as it likes, and
 * gives them back.
 */
static void op_own(struct model *m)
{
	struct window *w = &m->window[rnd(m->nr_windows)];
	struct shadow_range own = { .first = w->base + rnd(w->len) };
	unsigned int i, tries;
	u64 at;

	own.end = min(own.first + 1 + rnd(16), w->base + w->len);
	if (m->nr_own == MAX_OWN && chance(10))
		m->own[rnd(MAX_OWN)] = m->own[--m->nr_own];
	if (m->nr_own < MAX_OWN &&
	    !shadow_epochs_unsettled(&m->es, own.first, own.end - own.first))
		m->own[m->nr_own++] = own;
	for (i = 0; i < m->nr_own; i++)
		for (tries = rnd(4); tries; tries--) {
			at = m->own[i].first + rnd(m->own[i].end - m->own[i].first);
			m->now[idx_of(m, at)] = ++m->version;
		}
}

/*
 * Some blocks were free in some shadow: near a window, or around it and far beyond.
 * Told in steps; between two of them others have their turn.
 */
static void op_free(struct model *m)
{
	struct window *w = &m->window[rnd(m->nr_windows)];
	struct shadow *s = m->nr_shadows ? m->shadow[rnd(m->nr_shadows)] : NULL;
	struct shadow_range range, told;
	u64 settled = 0, before, tries = 0;

	if (!s || s->state != LIVE || s->nr_free == MAX_FREE)
		return;
	range.first = w->base + rnd(w->len);
	range.end = range.first + rnd_len(chance(30) ? 3 * MAP_BITS : w->len);
	if (chance(20)) {
		range.first &= ~(MAP_BITS - 1);
		range.end = range.first + (1 + rnd(3)) * MAP_BITS;
	} else if (chance(20)) {
		range.first -= min(range.first, rnd_len(2 * MAP_BITS));
	}
	told = range;
	before = s->ep->free_blocks;
	while (range.first < range.end) {
		u64 first = range.first, generation = m->es.generation;
		int err = shadow_epochs_mark_free(&m->es, s->ep, m->floor, &range, GFP_KERNEL,
						  &settled);

		CHECK(range.first >= first && range.end == told.end, "range");
		CHECK(err ? err == -ENOMEM && m->opt->nomem : range.first > first, "free: %d",
		      err);
		CHECK(s->ep->free_blocks == before || m->es.generation != generation,
		      "more is free, the generation is the same");
		before = s->ep->free_blocks;
		if (err && ++tries > 3)
			break;
	}
	/* up to the end of the page where memory was short it may read as zeros */
	if (range.first < range.end) {
		u64 end = (range.first | (MAP_BITS - 1)) + 1;

		m->partly = true;
		if (shadow_blockmap_test(&s->ep->free, range.first, 1))
			range.first = min(end, range.end);
	}
	if (told.first < range.first)
		s->free[s->nr_free++] = (struct shadow_range){ told.first, range.first };
	if (range.first < told.end)
		CHECK(m->opt->nomem, "not all was told");
	CHECK(shadow_blockmap_test(&s->ep->free, told.first, range.first - told.first) ||
	      range.first == told.first, "told, but not marked");
}

static struct shadow *pick(struct model *m, bool deleting)
{
	struct shadow *s = NULL;
	unsigned int i, n = 0;

	for (i = 0; i < m->nr_shadows; i++) {
		bool is = m->shadow[i]->state == DELETING;

		if (is == deleting && !rnd(++n))
			s = m->shadow[i];
	}
	return s;
}

/* Writes to the image of a shadow: to the store, then into its overlay. */
static void write_image(struct model *m, struct shadow *s, u64 block, u64 n)
{
	u64 generation = m->es.generation;

	while (n && m->nr_used < ZONES * m->zone_len - 1) {
		u64 len = n, loc, j;

		len = min(len, SHADOW_REGION_BLOCKS - block % SHADOW_REGION_BLOCKS);
		len = store_alloc(m, len, &loc);
		if (shadow_epochs_overlay_reserve(&m->es, s->ep, block, GFP_NOIO)) {
			CHECK(m->opt->nomem, "no memory");
			store_free(m, loc, len);
			return;
		}
		m->version++;
		for (j = 0; j < len; j++) {
			s->written[idx_of(m, block + j)] = m->version;
			m->stored[slot_of(m, loc + j)] = m->version;
		}
		shadow_epochs_overlay_put(&m->es, s->ep,
					  &(struct shadow_extent){ block, loc, len },
					  store_free, m);
		block += len;
		n -= len;
	}
	CHECK(m->es.generation == generation, "a write to an image is a change of records");
}

static void op_image(struct model *m)
{
	struct window *w = &m->window[rnd(m->nr_windows)];
	u64 at = rnd(w->len), n = rnd_len(w->len - at);
	struct shadow *s = m->nr_shadows ? m->shadow[rnd(m->nr_shadows)] : NULL;

	if (s && s->state == LIVE)
		write_image(m, s, w->base + at, n);
}

static void op_delete(struct model *m)
{
	struct shadow *s = pick(m, false);

	if (chance(25) && m->nr_shadows) {	/* the newest, often */
		s = m->shadow[m->nr_shadows - 1];
		if (s->state == DELETING)
			return;
	}
	if (!s)
		return;
	s->state = DELETING;
	while (shadow_epochs_overlay_free(&m->es, s->ep))
		;
	CHECK(!s->ep->overlay.blocks && !s->ep->overlay.bytes, "an overlay is left");
}

static void op_fold(struct model *m)
{
	struct shadow_epoch *target = m->es.settled ? m->es.settled->target : NULL;
	struct shadow_settled *before = m->es.settled, *unused = NULL;
	struct shadow *s = m->active;
	u64 cursor, generation = m->es.generation;
	u32 nr_used = m->nr_used;
	unsigned int i;
	int ret;

	if (!s || m->opt->interleaved)
		s = pick(m, true);
	if (!s)
		return;
	m->active = s;
	cursor = s->cursor;
	ret = shadow_epochs_fold(&m->es, s->ep, m->floor, &s->cursor, GFP_KERNEL, &unused);
	if (unused) {
		CHECK(unused == before && !m->es.settled, "unused map in use");
		shadow_settled_free(unused);
	} else {
		CHECK(m->es.settled == before, "map lost");
	}
	if (ret == -ENOMEM) {
		CHECK(m->opt->nomem, "no memory");
		CHECK(!unused && s->cursor == cursor && m->es.generation == generation &&
		      m->nr_used == nr_used && (!before || before->target == target),
		      "something was done without memory");
		return;
	}
	CHECK(ret == 0 || ret == 1, "fold: %d", ret);
	if (ret)
		return;
	CHECK(list_empty(&s->ep->node), "still on the list");
	CHECK(!m->es.settled || m->es.settled->target != s->ep, "still the target");
	CHECK(!s->ep->index.blocks && !s->ep->index.bytes, "still has records");
	for (i = 0; m->shadow[i] != s; i++)
		;
	memmove(&m->shadow[i], &m->shadow[i + 1], (--m->nr_shadows - i) * sizeof(s));
	shadow_epoch_free(s->ep);
	free(s->oracle);
	free(s->written);
	free(s);
	m->active = NULL;
}

static void op_drop(struct model *m)
{
	u64 number;
	unsigned int i;

	if (!m->nr_shadows)
		return;
	number = m->shadow[chance(40) ? m->nr_shadows - 1 : rnd(m->nr_shadows)]->number;
	m->floor = max(m->floor, number);
	m->partly = true;	/* what they alone needed stays as it is */
	shadow_settled_free(shadow_epochs_drop(&m->es, number));
	for (i = 0; i < m->nr_shadows && m->shadow[i]->number <= number; i++) {
		CHECK(!m->shadow[i]->ep->index.blocks && !m->shadow[i]->ep->index.bytes &&
		      !m->shadow[i]->ep->overlay.blocks && !m->shadow[i]->ep->overlay.bytes,
		      "records of a dropped epoch");
		if (m->shadow[i]->state == LIVE)
			m->shadow[i]->state = LOST;
	}
}

static void forget_found(struct model *m)
{
	while (m->nr_found)
		free(m->copy[--m->nr_found]);
}

/* The store's blocks from some slot on are wanted for something else. */
static void begin_move(struct model *m)
{
	u32 zone = rnd(ZONES);

	m->moving = true;
	m->cut = zone * m->zone_len + (chance(50) ? 0 : rnd(m->zone_len));
	m->cut_end = (zone + 1) * m->zone_len;
	m->walk = SHADOW_WALK_BEGIN;
}

/* Find some blocks, all of one epoch, and read them.  False: there are no more. */
static bool find_some(struct model *m)
{
	u64 first = loc_of(m, m->cut), end = loc_of(m, m->cut_end - 1) + 1;
	unsigned int budget = rnd_len(600), want = 1 + rnd(MAX_FOUND);
	struct shadow_walk walk = m->walk;
	struct shadow_extent ex;

	while (m->nr_found < want) {
		int found = shadow_epochs_next_in(&m->es, &walk, first, end, &ex, &budget);
		u64 j;

		if (found <= 0) {
			CHECK(!found || (found == -EAGAIN && !budget), "next_in: %d", found);
			if (!m->nr_found)
				m->walk = walk;
			return m->nr_found || found == -EAGAIN;
		}
		if (m->nr_found && (walk.number != m->at.number || walk.overlay != m->at.overlay))
			return true;
		m->at = walk;
		m->walk = walk;
		CHECK(ex.loc >= first && ex.loc + ex.len <= end, "it lies elsewhere");
		m->found[m->nr_found] = ex;
		m->copy[m->nr_found] = test_alloc(ex.len, sizeof(u32));
		for (j = 0; j < ex.len; j++)
			m->copy[m->nr_found][j] = m->stored[slot_of(m, ex.loc + j)];
		m->nr_found++;
	}
	return true;
}

/*
 * What was found in an overlay is written again: its blocks are there, but elsewhere in
 * the store.  Records have nothing like that: in its epoch a block is preserved once.
 */
static void replace_found(struct model *m)
{
	const struct shadow_extent *ex = &m->found[rnd(m->nr_found)];
	u64 skip = rnd(ex->len);
	unsigned int i;

	for (i = 0; i < m->nr_shadows; i++) {
		struct shadow *s = m->shadow[i];

		if (s->number == m->at.number && s->state == LIVE)
			write_image(m, s, ex->block + skip, rnd_len(ex->len - skip));
	}
}

/* Give what was read another place, where it is still wanted.  False: no memory. */
static bool move_found(struct model *m, const struct shadow_extent *found, const u32 *copy)
{
	struct shadow_extent left = *found;
	u64 len, loc, j;

	for (; left.len; left.block += len, left.loc += len, left.len -= len, copy += len) {
		if (!shadow_epochs_is_at(&m->es, &m->at, &left, &len))
			continue;
		if (shadow_epochs_move_reserve(&m->es, &m->at, left.block, GFP_KERNEL)) {
			CHECK(m->opt->nomem, "no memory");
			return false;
		}
		len = store_alloc(m, len, &loc);
		for (j = 0; j < len; j++) {
			CHECK(m->stored[slot_of(m, left.loc + j)] == copy[j],
			      "a location was used again");
			m->stored[slot_of(m, loc + j)] = copy[j];
		}
		shadow_epochs_move(&m->es, &m->at, &(struct shadow_extent){ left.block, loc, len },
				   store_free, m);
		m->moves += len;
	}
	return true;
}

/* One step of clearing out a part of the store; others have their turn in between. */
static void op_move(struct model *m)
{
	u64 generation = m->es.generation;
	unsigned int i;
	u32 slot;

	if (!m->moving) {
		begin_move(m);
		return;
	}
	if (!m->nr_found) {
		if (find_some(m)) {
			if (m->nr_found && m->at.overlay && chance(50))
				replace_found(m);
			return;
		}
		for (slot = m->cut; slot < m->cut_end; slot++)
			CHECK(!m->used[slot], "location %llu was passed over",
			      (unsigned long long)loc_of(m, slot));
		m->moving = false;
		return;
	}
	for (i = 0; i < m->nr_found; i++) {
		if (!move_found(m, &m->found[i], m->copy[i])) {
			m->moving = false;	/* given up */
			break;
		}
	}
	forget_found(m);
	CHECK(m->es.generation == generation, "moving is a change of records");
}

static void model_start(struct model *m, const struct options *opt)
{
	static const u64 border[] = {
		0, 16 << 8, 1 << 15, (3 << 15) + 256,
		(1ULL << 34) - 4096, 1ULL << 34, (1ULL << 34) + (7 << 15), 1ULL << 40,
		1ULL << 51,
	};
	unsigned int taken = 0, w, i;

	memset(m, 0, sizeof(*m));
	m->opt = opt;
	m->nr_windows = 1 + rnd(MAX_WINDOWS);
	for (w = 0; w < m->nr_windows; w++) {
		struct window *win = &m->window[w];

		do {
			i = rnd(ARRAY_SIZE(border));
		} while (taken & 1 << i);
		taken |= 1 << i;
		win->len = 3 + rnd_len(opt->max_len - 3);
		win->base = border[i] - min(border[i], rnd(win->len));
		win->idx = m->nb;
		m->nb += win->len;
	}
	/* records, and as much in overlays, also while one zone takes none */
	m->zone_len = m->nb * (2 * min(opt->max_shadows, 16u) + 1) / (ZONES - 1) + 300;
	if (opt->max_shadows > 16)
		m->zone_len = m->nb * 200 + 1000;
	m->now = test_alloc(m->nb, sizeof(*m->now));
	m->since_flip = test_alloc(m->nb, 1);
	m->needed = test_alloc(m->nb, 1);
	m->shadow = test_alloc(opt->max_shadows, sizeof(*m->shadow));
	m->stored = test_alloc(ZONES * m->zone_len, sizeof(*m->stored));
	m->used = test_alloc(ZONES * m->zone_len, 1);
	m->seen = test_alloc(ZONES * m->zone_len, 1);
	m->next_slot = rnd(ZONES * m->zone_len);
	shadow_epochs_init(&m->es, store_free, m);
	mutex_lock(&m->es.mutate);
}

static void delete_all(struct model *m)
{
	while (m->nr_shadows) {
		if (chance(30))
			op_delete(m);
		else if (!m->opt->sparse_checks && chance(10))
			op_write(m);
		else if (m->opt->p_move && chance(30))
			op_move(m);
		else
			op_fold(m);
		check_some(m);
		if (shim.fail_permille > 700 || !rnd(50))
			shim.fail_permille = 0;
	}
	CHECK(!m->nr_used, "%u locations leaked", m->nr_used);
	CHECK(!m->es.settled && list_empty(&m->es.list), "something is left");
	CHECK(!shim.objects && !shim.pages, "%ld objects, %ld pages left", shim.objects,
	      shim.pages);
}

static void model_end(struct model *m)
{
	unsigned int i;

	mutex_unlock(&m->es.mutate);
	shadow_epochs_destroy(&m->es);
	for (i = 0; i < m->nr_shadows; i++) {
		free(m->shadow[i]->oracle);
		free(m->shadow[i]->written);
		free(m->shadow[i]);
	}
	CHECK(!shim.objects && !shim.pages, "%ld objects, %ld pages leaked", shim.objects,
	      shim.pages);
	forget_found(m);
	free(m->now);
	free(m->since_flip);
	free(m->needed);
	free(m->shadow);
	free(m->stored);
	free(m->used);
	free(m->seen);
}

static void op_any(struct model *m)
{
	const struct {
		unsigned int permille;
		void (*fn)(struct model *m);
	} op[] = {
		{ m->opt->p_flip, op_flip },
		{ m->opt->p_delete, op_delete },
		{ m->opt->p_fold, op_fold },
		{ m->opt->p_drop, op_drop },
		{ m->opt->p_image, op_image },
		{ m->opt->p_free, op_free },
		{ m->opt->p_own, op_own },
		{ m->opt->p_move, op_move },
		{ 1000, op_write },
	};
	unsigned int what = rnd(1000), i;

	for (i = 0; what >= op[i].permille; i++)
		what -= op[i].permille;
	op[i].fn(m);
}

static u64 model_round(const struct options *opt)
{
	struct model m;
	unsigned int step;

	model_start(&m, opt);
	for (step = 0; step < opt->steps; step++) {
		nomem_phase(&m);
		op_any(&m);
		check_some(&m);
	}
	/* or else shadow_epochs_destroy() has to free what is left */
	if (chance(80))
		delete_all(&m);
	shim.fail_permille = 0;
	model_end(&m);
	return m.moves;
}

static void model_rounds(struct options opt, unsigned int rounds)
{
	unsigned int round;
	u64 failed, moves = 0;

	for (round = 0; round < rounds; round++) {
		struct options o = opt;

		if (test_round >= 0 && round != (u64)test_round)
			continue;
		rnd_start(round);
		o.max_shadows = 2 + rnd(opt.max_shadows - 1);
		if (chance(50))
			o.max_len = min(o.max_len, 40u);
		/* mostly deletions under way, or seldom */
		if (chance(30))
			o.p_fold = 20 + rnd(100);
		moves += model_round(&o);
	}
	failed = shim.failed;
	if (opt.p_move)
		note("%llu blocks were moved", (unsigned long long)moves);
	if (opt.nomem)
		note("%llu allocations failed", (unsigned long long)failed);
}

static const struct options usual = {
	.max_shadows = 12, .max_len = 700, .steps = 250,
	.p_flip = 110, .p_delete = 80, .p_fold = 300, .p_drop = 4, .p_image = 60,
};

/* The same, with parts of the store that are cleared out. */
static struct options with_moves(void)
{
	struct options opt = usual;

	opt.p_move = 200;
	return opt;
}

/* The same, with free blocks told of at any time. */
static struct options with_free(void)
{
	struct options opt = usual;

	opt.p_free = 150;
	return opt;
}

void test_model_serial(void)
{
	model_rounds(usual, test_rounds);
}

void test_model_free(void)
{
	model_rounds(with_free(), test_rounds);
}

/* The same, with blocks that are the volume's own store's. */
void test_model_own(void)
{
	struct options opt = with_free();

	opt.p_own = 150;
	model_rounds(opt, test_rounds);
}

void test_model_moves(void)
{
	model_rounds(with_moves(), test_rounds);
}

void test_model_nomem(void)
{
	struct options opt = with_free();

	opt.p_own = 100;
	opt.p_move = 100;

	opt.nomem = 500;
	model_rounds(opt, test_rounds);
}

void test_model_interleaved(void)
{
	struct options opt = usual;

	opt.interleaved = true;
	opt.nomem = 200;
	model_rounds(opt, test_rounds);
}

/* 600 shadows at once: taken with few writes in between, deleted in any order. */
void test_model_many(void)
{
	const struct options opt = {
		.max_shadows = 600, .max_len = 120, .sparse_checks = 300, .nomem = 100,
	};
	struct model m;
	unsigned int i;

	rnd_start(0);
	model_start(&m, &opt);
	while (m.nr_shadows < opt.max_shadows) {
		op_flip(&m);
		for (i = rnd(4); i; i--)
			op_write(&m);
		for (i = rnd(4); i; i--)
			op_free(&m);
		check_some(&m);
		nomem_phase(&m);
	}
	check_all(&m);
	while (m.nr_shadows > 100) {
		op_delete(&m);
		for (i = 1 + rnd(6); i; i--)
			op_fold(&m);
		if (chance(20))
			op_write(&m);
		check_some(&m);
		nomem_phase(&m);
	}
	check_all(&m);
	delete_all(&m);
	shim.fail_permille = 0;
	model_end(&m);
}
