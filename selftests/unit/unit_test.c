// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit_test.c - the parts, one by one, against arrays.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/slab.h>
#include "block.h"
#include "blockmap.h"
#include "epochs.h"
#include "index.h"
#include "test.h"

#define MAP_BITS	(PAGE_SIZE * 8)

static void range_is(u64 sector, u64 nr, u64 start, u64 size, u64 first, u64 end)
{
	struct shadow_range r = shadow_range_of(sector, nr, start, size);

	CHECK(r.first == first && r.end == end,
	      "range_of(%llu, %llu, %llu, %llu) = %llu, %llu, not %llu, %llu",
	      (unsigned long long)sector, (unsigned long long)nr, (unsigned long long)start,
	      (unsigned long long)size, (unsigned long long)r.first, (unsigned long long)r.end,
	      (unsigned long long)first, (unsigned long long)end);
}

/* Sector by sector. */
static void range_is_naive(u64 sector, u64 nr, u64 start, u64 size)
{
	u64 first = 0, end = 0, s;

	for (s = sector; s < sector + nr; s++) {
		if (s < start || s >= start + size)
			continue;
		if (!end)
			first = (s - start) / 8;
		end = (s - start) / 8 + 1;
	}
	range_is(sector, nr, start, size, first, end);
}

void test_range(void)
{
	const u64 tib64 = 1ULL << 37;	/* 64 TiB in sectors */
	u64 sector, nr, start, size;

	for (start = 0; start < 20; start += 3)
		for (size = 0; size < 36; size++)
			for (sector = 0; sector < 60; sector++)
				for (nr = 0; nr < 28; nr++)
					range_is_naive(sector, nr, start, size);
	range_is(0, tib64, 0, tib64, 0, 1ULL << 34);
	range_is(tib64 - 1, 1, 0, tib64, (1ULL << 34) - 1, 1ULL << 34);
	range_is(tib64 - 1, 2, 0, tib64, (1ULL << 34) - 1, 1ULL << 34);
	range_is(tib64, 8, 0, tib64, 0, 0);
	range_is(2048 + tib64, 1, 2048, tib64 + 1, 1ULL << 34, (1ULL << 34) + 1);
	range_is(0, ~0ULL, 2048, tib64, 0, 1ULL << 34);
	range_is(0, 2048, 2048, tib64, 0, 0);
	range_is(0, 2049, 2048, tib64, 0, 1);
	range_is(2047, 1, 2048, tib64, 0, 0);
	/* the last sector that a signed byte offset can reach */
	range_is((1ULL << 54) - 1, 1, 0, 1ULL << 54, (1ULL << 51) - 1, 1ULL << 51);
}

void test_blocks_of(void)
{
	u64 n;

	for (n = 0; n < 1000; n++) {
		u64 blocks = shadow_blocks_of(n);

		CHECK(blocks * 8 >= n && blocks * 8 < n + 8, "blocks_of(%llu) = %llu",
		      (unsigned long long)n, (unsigned long long)blocks);
	}
	CHECK(shadow_blocks_of(1ULL << 37) == 1ULL << 34, "64 TiB");
	CHECK(shadow_blocks_of((1ULL << 37) + 1) == (1ULL << 34) + 1, "64 TiB and a sector");
	CHECK(shadow_blocks_of((1ULL << 37) - 1) == 1ULL << 34, "64 TiB but a sector");
	CHECK(shadow_blocks_of(1ULL << 55) == 1ULL << 52, "the limit");
}

/* Compares @map at @base with @bit[0] to @bit[n - 1]; around them all is clear. */
static void map_is(const struct shadow_blockmap *map, u64 base, const u8 *bit, u64 n)
{
	u64 at = 0;
	unsigned int i;

	while (at < n) {
		u64 max = chance(50) ? n - at : rnd_len(n - at), len, want;
		bool set;

		for (want = 1; want < max && bit[at + want] == bit[at]; want++)
			;
		len = shadow_blockmap_run(map, base + at, max, &set);
		CHECK(len == want && set == bit[at], "run at %llu of %llu: %llu %d, not %llu %d",
		      (unsigned long long)(base + at), (unsigned long long)max,
		      (unsigned long long)len, set, (unsigned long long)want, bit[at]);
		CHECK(shadow_blockmap_test(map, base + at, len) == set, "at %llu",
		      (unsigned long long)(base + at));
		at += len;
	}
	for (i = 0; i < 20; i++) {
		u64 from = rnd(n), len = rnd_len(n - from), j;
		bool all = true;

		for (j = from; j < from + len; j++)
			all = all && bit[j];
		CHECK(shadow_blockmap_test(map, base + from, len) == all, "at %llu, %llu",
		      (unsigned long long)(base + from), (unsigned long long)len);
	}
}

void test_blockmap(void)
{
	static const u64 bases[] = {
		0, MAP_BITS - 300, 3 * MAP_BITS - 700, (1ULL << 34) - 500,
		(1ULL << 34) + 5 * MAP_BITS - 64, (1ULL << 51) - 999,
	};
	const u64 n = 1100;
	u8 *bit = test_alloc(n, 1);
	unsigned int round, i;
	struct shadow_blockmap map;
	bool set;
	u64 at;

	shadow_blockmap_init(&map);
	CHECK(shadow_blockmap_run(&map, 5, 1ULL << 20, &set) == 1ULL << 20 && !set, "empty");
	CHECK(!shadow_blockmap_bytes(&map), "empty");
	CHECK(!shadow_blockmap_reserve(&map, 0, 4 * MAP_BITS, GFP_KERNEL), "no memory");
	CHECK(shadow_blockmap_bytes(&map) == 4 * PAGE_SIZE, "four pages");
	shadow_blockmap_set(&map, 1, 4 * MAP_BITS - 1);
	CHECK(shadow_blockmap_run(&map, 0, ~0ULL >> 1, &set) == 1 && !set, "first bit");
	CHECK(shadow_blockmap_run(&map, 1, 1ULL << 40, &set) == 4 * MAP_BITS - 1 && set, "long");
	CHECK(shadow_blockmap_test(&map, 1, 4 * MAP_BITS - 1), "long");
	CHECK(!shadow_blockmap_test(&map, 1, 4 * MAP_BITS), "into the absent page");
	shadow_blockmap_clear(&map, 0, 9 * MAP_BITS);
	CHECK(shadow_blockmap_run(&map, 0, 9 * MAP_BITS, &set) == 9 * MAP_BITS && !set, "cleared");
	shadow_blockmap_destroy(&map);

	/* values in the place of pages */
	at = 0;
	CHECK(!shadow_blockmap_next(&map, &at), "empty");
	CHECK(!shadow_blockmap_fill(&map, 100, 5 * MAP_BITS, GFP_KERNEL), "no memory");
	CHECK(map.nr_pages == 2 && map.nr_full == 4, "two pages and four values");
	CHECK(shadow_blockmap_run(&map, 100, 1ULL << 40, &set) == 5 * MAP_BITS && set, "filled");
	CHECK(shadow_blockmap_run(&map, 3 * MAP_BITS + 5, 7, &set) == 7 && set, "inside");
	CHECK(!shadow_blockmap_fill(&map, 0, 6 * MAP_BITS, GFP_KERNEL), "no memory");
	CHECK(map.nr_pages == 2 && map.nr_full == 4, "pages stay");
	CHECK(!shadow_blockmap_reserve(&map, MAP_BITS, 2 * MAP_BITS, GFP_KERNEL), "no memory");
	shadow_blockmap_set(&map, MAP_BITS - 1, MAP_BITS);
	CHECK(map.nr_pages == 2 && map.nr_full == 4, "values stay");
	CHECK(shadow_blockmap_test(&map, 0, 6 * MAP_BITS), "filled");
	CHECK(!shadow_blockmap_test(&map, 0, 6 * MAP_BITS + 1), "and no more");
	CHECK(shadow_blockmap_next(&map, &at) && !at, "next");
	at = 6 * MAP_BITS - 1;
	CHECK(shadow_blockmap_next(&map, &at) && at == 6 * MAP_BITS - 1, "the last one");
	at = 6 * MAP_BITS;
	CHECK(!shadow_blockmap_next(&map, &at), "none");
	CHECK(!shadow_blockmap_fill(&map, 1ULL << 40, MAP_BITS, GFP_KERNEL), "no memory");
	CHECK(shadow_blockmap_next(&map, &at) && at == 1ULL << 40, "far");
	shadow_blockmap_destroy(&map);
	CHECK(!shim.pages && !map.nr_full, "%ld pages left", shim.pages);

	for (round = 0; round < 60; round++) {
		u64 base = bases[round % ARRAY_SIZE(bases)];
		bool fill = round % 2;

		rnd_start(round);
		shadow_blockmap_init(&map);
		memset(bit, 0, n);
		for (i = 0; i < 60; i++) {
			u64 at = rnd(n), len = rnd_len(n - at);

			if (fill) {
				CHECK(!shadow_blockmap_fill(&map, base + at, len, GFP_NOIO),
				      "no memory");
				memset(bit + at, 1, len);
			} else if (chance(60)) {
				CHECK(!shadow_blockmap_reserve(&map, base + at, len, GFP_NOIO),
				      "no memory");
				shadow_blockmap_set(&map, base + at, len);
				memset(bit + at, 1, len);
			} else {
				shadow_blockmap_clear(&map, base + at, len);
				memset(bit + at, 0, len);
			}
			CHECK(shadow_blockmap_bytes(&map) == shim.pages * PAGE_SIZE, "bytes");
			map_is(&map, base, bit, n);
		}
		shadow_blockmap_destroy(&map);
		CHECK(!shim.pages, "%ld pages left", shim.pages);
	}
	free(bit);
}

static struct {
	struct shadow_blockmap map;
	bool end;
} race;

static void *changer(void *arg)
{
	(void)arg;
	while (!READ_ONCE(race.end)) {
		shadow_blockmap_set(&race.map, 70, 1);
		shadow_blockmap_clear(&race.map, 70, 1);
	}
	return NULL;
}

/* A bit that changes while it is looked at is one or the other: never a run of none. */
void test_blockmap_race(void)
{
	pthread_t thread;
	unsigned int i;

	shadow_blockmap_init(&race.map);
	race.end = false;
	CHECK(!shadow_blockmap_reserve(&race.map, 0, 1, GFP_KERNEL), "no memory");
	CHECK(!pthread_create(&thread, NULL, changer, NULL), "no thread");
	for (i = 0; i < 10000000; i++) {
		bool set;
		u64 n = shadow_blockmap_run(&race.map, 70, 100, &set);

		CHECK(n == (set ? 1 : 100), "%llu blocks, set: %d", (unsigned long long)n, set);
	}
	WRITE_ONCE(race.end, true);
	pthread_join(thread, NULL);
	shadow_blockmap_destroy(&race.map);
}

void test_blockmap_nomem(void)
{
	struct shadow_blockmap map;
	unsigned int i, tries = 0;

	shadow_blockmap_init(&map);
	shim.fail_permille = 500;
	for (i = 0; i < 64; i++) {
		u64 at = (i + 1) * 3 * MAP_BITS - 10;

		for (; shadow_blockmap_reserve(&map, at, MAP_BITS, GFP_NOWAIT); tries++)
			CHECK(!shadow_blockmap_test(&map, at, 1), "set");
		CHECK(shadow_blockmap_bytes(&map) == 2 * (i + 1) * PAGE_SIZE, "bytes");
		CHECK((u64)shim.pages == 2 * (i + 1), "%ld pages", shim.pages);
		shadow_blockmap_set(&map, at, MAP_BITS);
		CHECK(shadow_blockmap_test(&map, at, MAP_BITS), "not set");
	}
	CHECK(tries, "nothing failed");
	shadow_blockmap_destroy(&map);

	/* filling leaves a first part of the run set */
	shadow_blockmap_init(&map);
	for (i = 0; i < 64; i++) {
		u64 at = i * 7 * MAP_BITS + rnd(MAP_BITS), n = rnd_len(3 * MAP_BITS), done = 0;
		bool set = false;

		for (; shadow_blockmap_fill(&map, at, n, GFP_NOWAIT); done = set ? done : 0) {
			u64 len = shadow_blockmap_run(&map, at, n, &set);

			CHECK(set ? len >= done : !done, "a part went");
			done = len;
			CHECK(shadow_blockmap_bytes(&map) ==
			      shim.pages * PAGE_SIZE + map.nr_full * 9, "bytes");
		}
		CHECK(shadow_blockmap_test(&map, at, n), "not filled");
		CHECK(!shadow_blockmap_test(&map, at + n, 1), "too much");
	}
	shadow_blockmap_destroy(&map);
}

static bool is_set(const unsigned long *bits, unsigned int i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* What shadow_blockmap_gather() adds to @before, of the page with @base: @bit, one by one. */
static void gathered_is(const struct shadow_blockmap *map, u64 base, const u8 *bit, u8 before)
{
	unsigned long bits[PAGE_SIZE / sizeof(long)];
	bool any = memchr(bit, 1, MAP_BITS), told;
	unsigned int i;

	memset(bits, before, sizeof(bits));
	told = shadow_blockmap_gather(map, base / MAP_BITS, bits);
	CHECK(told || !any, "bits that are not told of");
	for (i = 0; i < MAP_BITS; i++)
		CHECK(is_set(bits, i) == (bit[i] || before >> i % 8 & 1), "bit %u at %llu", i,
		      (unsigned long long)base);
}

void test_blockmap_note(void)
{
	static const u64 bases[] = { 0, 7 * MAP_BITS, 1ULL << 34, (1ULL << 51) - 2 * MAP_BITS };
	u8 *bit = test_alloc(3 * MAP_BITS, 1);
	struct shadow_blockmap map;
	unsigned int round, i;
	bool set;

	/* only where there are pages; what was noted before one that is missing may stay */
	shadow_blockmap_init(&map);
	CHECK(!shadow_blockmap_note(&map, 5, 1), "noted in no page");
	gathered_is(&map, 0, bit, 0);
	gathered_is(&map, 0, bit, 0xa5);
	CHECK(!shadow_blockmap_reserve(&map, 0, MAP_BITS, GFP_KERNEL), "no memory");
	CHECK(!shadow_blockmap_note(&map, MAP_BITS - 2, 3), "noted into the absent page");
	CHECK(!shadow_blockmap_run(&map, 0, MAP_BITS - 2, &set) || !set, "too much");
	CHECK(!shadow_blockmap_test(&map, MAP_BITS, 1), "the absent page has bits");
	CHECK(map.nr_pages == 1, "it has allocated");
	CHECK(!shadow_blockmap_reserve(&map, MAP_BITS, 1, GFP_KERNEL), "no memory");
	CHECK(shadow_blockmap_note(&map, MAP_BITS - 2, 3), "not noted");
	CHECK(shadow_blockmap_test(&map, MAP_BITS - 2, 3), "not set");
	CHECK(shadow_blockmap_weight(&map, 0, 2 * MAP_BITS) == 3, "too much");
	shadow_blockmap_destroy(&map);

	/* a value is a page with all bits */
	shadow_blockmap_init(&map);
	CHECK(!shadow_blockmap_fill(&map, 0, MAP_BITS, GFP_KERNEL) && map.nr_full, "no value");
	memset(bit, 1, MAP_BITS);
	gathered_is(&map, 0, bit, 0);
	shadow_blockmap_destroy(&map);

	for (round = 0; round < 40; round++) {
		u64 base = bases[round % ARRAY_SIZE(bases)];

		rnd_start(round);
		shadow_blockmap_init(&map);
		memset(bit, 0, 3 * MAP_BITS);
		for (i = 0; i < 30; i++) {
			u64 at = chance(70) ? rnd(3 * MAP_BITS) : MAP_BITS - 1 - rnd(70);
			u64 n = rnd_len(3 * MAP_BITS - at);

			if (chance(50))
				n = min_t(u64, n, 1 + rnd(200));
			if (!shadow_blockmap_note(&map, base + at, n)) {
				CHECK(!shadow_blockmap_reserve(&map, base + at, n, GFP_NOIO),
				      "no memory");
				CHECK(shadow_blockmap_note(&map, base + at, n), "not noted");
			}
			memset(bit + at, 1, n);
		}
		for (i = 0; i < 3; i++)
			gathered_is(&map, base + i * MAP_BITS, bit + i * MAP_BITS, round);
		shadow_blockmap_destroy(&map);
		CHECK(!shim.pages, "%ld pages left", shim.pages);
	}
	free(bit);
}

/* Note a run, and reserve it before; memory may be short. */
static void note_run(struct shadow_blockmap *map, u64 first, u64 n)
{
	while (shadow_blockmap_reserve(map, first, n, GFP_NOWAIT))
		;
	CHECK(shadow_blockmap_note(map, first, n), "not noted");
}

/* At each moment of a move the two maps together have all bits, and no others. */
static void together_are(const struct shadow_blockmap *a, const struct shadow_blockmap *b,
			 const u8 *bit, unsigned int pages)
{
	unsigned long bits[PAGE_SIZE / sizeof(long)];
	unsigned int page, i;

	for (page = 0; page < pages; page++) {
		memset(bits, 0, sizeof(bits));
		shadow_blockmap_gather(a, page, bits);
		shadow_blockmap_gather(b, page, bits);
		for (i = 0; i < MAP_BITS; i++)
			CHECK(is_set(bits, i) == bit[page * MAP_BITS + i], "bit %u, page %u", i,
			      page);
	}
	CHECK((a->nr_pages + b->nr_pages) == (unsigned long)shim.pages, "%lu + %lu, not %ld pages",
	      a->nr_pages, b->nr_pages, shim.pages);
}

void test_blockmap_move(void)
{
	enum { PAGES = 6, N = PAGES * MAP_BITS };
	u8 *bit = test_alloc(N, 1);
	struct shadow_blockmap from, to;
	unsigned int round, i, failed = 0;

	for (round = 0; round < 40; round++) {
		unsigned long left;
		int more;

		rnd_start(round);
		shim.fail_permille = round % 2 ? 400 : 0;
		shadow_blockmap_init(&from);
		shadow_blockmap_init(&to);
		memset(bit, 0, N);
		for (i = 0; i < 20; i++) {
			u64 at = rnd(N), n = rnd_len(min_t(u64, N - at, MAP_BITS));

			note_run(chance(60) ? &from : &to, at, n);
			memset(bit + at, 1, n);
		}
		do {
			left = from.nr_pages;
			more = shadow_blockmap_move(&from, &to, GFP_NOWAIT);
			CHECK(more == (left ? more < 0 ? -ENOMEM : 1 : 0), "%d with %lu pages",
			      more, left);
			CHECK(from.nr_pages == left - (more > 0), "%lu pages, then %lu", left,
			      from.nr_pages);
			failed += more < 0;
			if (chance(50)) {
				u64 at = rnd(N), n = rnd_len(min_t(u64, N - at, 300));

				note_run(&to, at, n);
				memset(bit + at, 1, n);
			}
			together_are(&from, &to, bit, PAGES);
		} while (more);
		shim.fail_permille = 0;
		CHECK(!from.nr_pages && xa_empty(&from.pages), "something is left");
		shadow_blockmap_destroy(&from);
		together_are(&from, &to, bit, PAGES);
		shadow_blockmap_destroy(&to);
		CHECK(!shim.pages, "%ld pages left", shim.pages);
	}
	CHECK(failed, "nothing failed");
	free(bit);
}

/* A page is moved where somebody else sets bits of the same words. */
static struct {
	struct shadow_blockmap to;
	unsigned int round;	/* prepared by the mover; the last one ends the noter */
	unsigned int begun;	/* by the noter: if the mover sees it come, both are running */
	unsigned int done;
} moving;

#define MOVE_ROUNDS	20000
#define MOVE_SECONDS	10	/* on a machine that has other things to do */
#define MOVE_NOTED	(16 * 64)	/* bits of the first words */

/* Wait for another value than @old. */
static unsigned int wait_change(const unsigned int *value, unsigned int old)
{
	unsigned int spins = 0, now;

	while ((now = __atomic_load_n(value, __ATOMIC_ACQUIRE)) == old)
		if (++spins % 20000 == 0)
			sched_yield();
	return now;
}

static void *noter(void *arg)
{
	unsigned int round = 0, i;

	(void)arg;
	while ((round = wait_change(&moving.round, round)) <= MOVE_ROUNDS) {
		__atomic_store_n(&moving.begun, round, __ATOMIC_RELEASE);
		for (i = 0; i < MOVE_NOTED; i++)	/* slowly: the mover comes past */
			if (i % 64)
				shadow_blockmap_note(&moving.to, i, 1);
		__atomic_store_n(&moving.done, round, __ATOMIC_RELEASE);
	}
	return NULL;
}

void test_blockmap_move_race(void)
{
	const u64 all = MOVE_NOTED - MOVE_NOTED / 64 + MAP_BITS / 64;
	time_t end = time(NULL) + MOVE_SECONDS;
	struct shadow_blockmap from;
	unsigned int round, i;
	u64 weight = all;
	pthread_t thread;

	memset(&moving, 0, sizeof(moving));
	CHECK(!pthread_create(&thread, NULL, noter, NULL), "no thread");
	for (round = 1; round <= MOVE_ROUNDS && weight == all && time(NULL) <= end; round++) {
		shadow_blockmap_init(&moving.to);
		shadow_blockmap_init(&from);
		CHECK(!shadow_blockmap_reserve(&moving.to, 0, 1, GFP_KERNEL), "no memory");
		CHECK(!shadow_blockmap_reserve(&from, 0, 1, GFP_KERNEL), "no memory");
		for (i = 0; i < MAP_BITS; i += 64)
			shadow_blockmap_set(&from, i, 1);
		__atomic_store_n(&moving.round, round, __ATOMIC_RELEASE);
		wait_change(&moving.begun, round - 1);
		CHECK(shadow_blockmap_move(&from, &moving.to, GFP_KERNEL) == 1, "not moved");
		wait_change(&moving.done, round - 1);
		weight = shadow_blockmap_weight(&moving.to, 0, MAP_BITS);
		shadow_blockmap_destroy(&from);
		shadow_blockmap_destroy(&moving.to);
	}
	__atomic_store_n(&moving.round, MOVE_ROUNDS + 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	CHECK(weight == all, "round %u has lost bits", round - 1);
}

/* What the index must hold: the location + 1 of each block, 0 for none. */
struct naive {
	u64 base;
	u64 n;
	u64 *loc;
};

static void index_is(const struct shadow_index *ix, const struct naive *nv)
{
	u64 at, len, loc, j, blocks = 0, block, region, far = 0;
	struct shadow_extent ex;
	bool found;
	u64 *seen;

	for (at = 0; at < nv->n; at += chance(80) ? len : 1 + rnd(len)) {
		u64 max = chance(50) ? 1 + rnd(1000) : rnd_len(300);

		found = shadow_index_has(ix, nv->base + at, max, &len);
		CHECK(len >= 1 && len <= max && found == !!nv->loc[at], "has %llu",
		      (unsigned long long)(nv->base + at));
		for (j = 0; j < len && at + j < nv->n; j++)
			CHECK(found == !!nv->loc[at + j], "has %llu of an answer at %llu",
			      (unsigned long long)(nv->base + at + j),
			      (unsigned long long)(nv->base + at));
		far += len > SHADOW_REGION_BLOCKS;
	}
	CHECK(ix->blocks || far, "an answer for an empty index is no longer than a region");
	for (at = 0; at < nv->n; at += chance(80) ? len : 1 + rnd(len)) {
		u64 max = chance(50) ? 1 + rnd(1000) : rnd_len(300);

		found = shadow_index_find(ix, nv->base + at, max, &loc, &len);
		CHECK(len >= 1 && len <= max, "len %llu of %llu", (unsigned long long)len,
		      (unsigned long long)max);
		CHECK(found == !!nv->loc[at], "block %llu", (unsigned long long)(nv->base + at));
		for (j = 0; j < len && at + j < nv->n; j++)
			CHECK(nv->loc[at + j] == (found ? loc + j + 1 : 0),
			      "block %llu of an answer at %llu",
			      (unsigned long long)(nv->base + at + j),
			      (unsigned long long)(nv->base + at));
		CHECK(!found || at + len <= nv->n, "block %llu, len %llu",
		      (unsigned long long)(nv->base + at), (unsigned long long)len);
	}

	seen = test_alloc(nv->n, sizeof(*seen));
	for (block = 0, at = 0; shadow_index_next(ix, &block, &ex);) {
		CHECK(ex.block >= at && ex.len && block == ex.block + ex.len, "next at %llu",
		      (unsigned long long)ex.block);
		CHECK(ex.block >= nv->base && block <= nv->base + nv->n, "next at %llu",
		      (unsigned long long)ex.block);
		CHECK(ex.block >> SHADOW_REGION_BITS == (block - 1) >> SHADOW_REGION_BITS,
		      "across a region");
		for (j = 0; j < ex.len; j++)
			seen[ex.block - nv->base + j] = ex.loc + j + 1;
		at = block;
		blocks += ex.len;
	}
	CHECK(!memcmp(seen, nv->loc, nv->n * sizeof(*seen)), "next");
	CHECK(blocks == ix->blocks, "%llu blocks, not %llu", (unsigned long long)ix->blocks,
	      (unsigned long long)blocks);
	free(seen);

	/* from within */
	block = nv->base + rnd(nv->n);
	for (at = block - nv->base; at < nv->n && !nv->loc[at]; at++)
		;
	if (shadow_index_next(ix, &block, &ex))
		CHECK(ex.block == nv->base + at && ex.loc + 1 == nv->loc[at], "next at %llu",
		      (unsigned long long)ex.block);
	else
		CHECK(at == nv->n, "next at %llu", (unsigned long long)block);

	region = 0;
	if (shadow_index_next_region(ix, &region))
		CHECK(region >= nv->base >> SHADOW_REGION_BITS, "region %llu",
		      (unsigned long long)region);
	else
		CHECK(!ix->blocks, "no region");
}

static int make_room(struct shadow_index *ix, u64 region, unsigned int words)
{
	struct shadow_leaf *leaf;

	if (shadow_index_room(ix, region, words))
		return 0;
	if (shadow_index_reserve(ix, region, GFP_KERNEL))
		return -ENOMEM;
	leaf = shadow_index_prepare(ix, region, words, GFP_KERNEL);
	if (!leaf)
		return -ENOMEM;
	shadow_leaf_free(shadow_index_commit(ix, region, leaf));
	return 0;
}

static int index_put(struct shadow_index *ix, u64 block, u64 loc, u64 len)
{
	u64 region = block >> SHADOW_REGION_BITS;
	struct shadow_extent ex = { block, loc, len };

	if (make_room(ix, region, SHADOW_ADD_WORDS))
		return -ENOMEM;
	shadow_index_add(ix, &ex);
	return 0;
}

static void index_put_naive(struct shadow_index *ix, struct naive *nv, u64 loc)
{
	u64 at = rnd(nv->n), len, j, max;

	if (nv->loc[at])
		return;
	max = SHADOW_REGION_BLOCKS - (nv->base + at) % SHADOW_REGION_BLOCKS;
	if (chance(70))
		max = 1 + rnd(5);
	max = min(max, SHADOW_REGION_BLOCKS - (nv->base + at) % SHADOW_REGION_BLOCKS);
	max = min(max, nv->n - at);
	/* often with the location that follows the block before */
	if (at && nv->loc[at - 1] && chance(70) && nv->loc[at - 1] <= SHADOW_LOC_MAX - 300)
		loc = nv->loc[at - 1];
	for (len = 0; len < max && !nv->loc[at + len]; len++)
		;
	if (chance(30))
		len = 1 + rnd(len);
	while (index_put(ix, nv->base + at, loc, len))
		;
	for (j = 0; j < len; j++)
		nv->loc[at + j] = loc + j + 1;
}

static const u64 index_bases[] = {
	0, 256 - 7, 32768 - 400, (1ULL << 34) - 300, (1ULL << 34) + 11, (1ULL << 40) - 1,
	(1ULL << 51) - 513,
};

static u64 rnd_loc(void)
{
	switch (rnd(4)) {
	case 0:
		return rnd(10000);
	case 1:
		return SHADOW_LOC_MAX - 255 - rnd(10000);
	default:
		return rnd(SHADOW_LOC_MAX - 300);
	}
}

void test_index(void)
{
	struct naive nv = { .n = 900, .loc = test_alloc(900, sizeof(u64)) };
	struct shadow_index ix;
	unsigned int round, i;

	for (round = 0; round < 70; round++) {
		rnd_start(round);
		shim.fail_permille = round % 2 ? 300 : 0;
		nv.base = index_bases[round % ARRAY_SIZE(index_bases)];
		memset(nv.loc, 0, nv.n * sizeof(u64));
		shadow_index_init(&ix);
		for (i = 0; i < 400; i++) {
			index_put_naive(&ix, &nv, rnd_loc());
			if (!(i % 16))
				index_is(&ix, &nv);
			CHECK(ix.bytes == shim.bytes, "%zu bytes, not %zu", ix.bytes, shim.bytes);
		}
		index_is(&ix, &nv);
		shadow_index_destroy(&ix);
		CHECK(!ix.blocks && !ix.bytes, "counters");
	}
	free(nv.loc);
}

void test_index_edges(void)
{
	struct naive nv = { .n = 768, .loc = test_alloc(768, sizeof(u64)) };
	struct shadow_index ix;
	struct shadow_extent ex;
	u64 block = 0, region = 0, loc, len;
	unsigned int i;

	shadow_index_init(&ix);
	CHECK(!shadow_index_find(&ix, 0, 1, &loc, &len) && len == 1, "empty");
	CHECK(!shadow_index_find(&ix, ~0ULL >> 12, 1, &loc, &len) && len == 1, "empty");
	CHECK(!shadow_index_next(&ix, &block, &ex) && !block, "empty");
	CHECK(!shadow_index_next_region(&ix, &region) && !region, "empty");

	/* a reserved slot and an empty leaf do not count */
	CHECK(!shadow_index_reserve(&ix, 1, GFP_KERNEL), "reserve");
	CHECK(!shadow_index_next_region(&ix, &region) && !shadow_index_room(&ix, 1, 1),
	      "reserved");
	shadow_leaf_free(shadow_index_commit(&ix, 1, shadow_index_prepare(&ix, 1, 1, GFP_KERNEL)));
	CHECK(shadow_index_room(&ix, 1, 1) && ix.bytes == shim.bytes && !ix.blocks, "empty leaf");
	CHECK(!shadow_index_next(&ix, &block, &ex), "empty leaf");

	/* a whole region in one word, with the highest location */
	CHECK(!index_put(&ix, 256, SHADOW_LOC_MAX - 255, 256), "put");
	for (i = 256; i < 512; i++)
		nv.loc[i] = SHADOW_LOC_MAX - 511 + i + 1;
	index_is(&ix, &nv);
	CHECK(shadow_index_find(&ix, 511, 9, &loc, &len) && loc == SHADOW_LOC_MAX && len == 1,
	      "last block");
	CHECK(shadow_index_find(&ix, 256, 999, &loc, &len) && len == 256, "whole region");

	/* 256 words in a region, from the middle outwards; no block's location follows */
	for (i = 0; i < 256; i++) {
		unsigned int at = i % 2 ? 128 + i / 2 : 127 - i / 2;

		CHECK(!index_put(&ix, at, 2 * at, 1), "put");
		nv.loc[at] = 2 * at + 1;
	}
	index_is(&ix, &nv);
	CHECK(ix.blocks == 512, "%llu", (unsigned long long)ix.blocks);
	/* full: a leaf can still be prepared */
	shadow_leaf_free(shadow_index_commit(&ix, 0, shadow_index_prepare(&ix, 0, 2, GFP_KERNEL)));
	index_is(&ix, &nv);

	/* one block at a time in order: one word; and the last block of a region first */
	CHECK(!index_put(&ix, 767, 5, 1), "put");
	nv.loc[767] = 6;
	for (i = 512; i < 767; i++) {
		CHECK(!index_put(&ix, i, 7000 + i, 1), "put");
		nv.loc[i] = 7000 + i + 1;
	}
	index_is(&ix, &nv);
	CHECK(shadow_index_find(&ix, 512, 256, &loc, &len) && len == 255, "grown");

	shadow_leaf_free(shadow_index_commit(&ix, 0, NULL));
	memset(nv.loc, 0, 256 * sizeof(u64));
	index_is(&ix, &nv);
	CHECK(ix.bytes == shim.bytes && ix.blocks == 512, "counters");
	CHECK(!shadow_index_commit(&ix, 77, NULL), "nothing there");
	shadow_index_destroy(&ix);
	free(nv.loc);
}

struct dropped {
	u64 nr;
	u64 *loc;
};

static void drop(void *arg, u64 loc, u64 len)
{
	struct dropped *d = arg;

	while (len--)
		d->loc[d->nr++] = loc++;
}

/* Puts an extent over whatever there is; what it replaces is dropped, each once. */
static void index_replace_naive(struct shadow_index *ix, struct naive *nv, struct dropped *d)
{
	u64 at = rnd(nv->n), loc = rnd_loc(), len, j, k = 0, region;
	struct shadow_extent ex;

	len = min(nv->n - at, SHADOW_REGION_BLOCKS - (nv->base + at) % SHADOW_REGION_BLOCKS);
	len = chance(60) ? 1 + rnd(len < 4 ? len : 4) : rnd_len(len);
	if (at && nv->loc[at - 1] && chance(40) && nv->loc[at - 1] <= SHADOW_LOC_MAX - 300)
		loc = nv->loc[at - 1];
	ex = (struct shadow_extent){ nv->base + at, loc, len };
	region = ex.block >> SHADOW_REGION_BITS;
	while (make_room(ix, region, SHADOW_PUT_WORDS))
		;
	d->nr = 0;
	shadow_index_put(ix, &ex, drop, d);
	for (j = at; j < at + len; j++) {
		if (nv->loc[j]) {
			CHECK(k < d->nr && d->loc[k] + 1 == nv->loc[j], "block %llu: dropped",
			      (unsigned long long)(nv->base + j));
			k++;
		}
		nv->loc[j] = loc + (j - at) + 1;
	}
	CHECK(k == d->nr, "%llu dropped, %llu replaced", (unsigned long long)d->nr,
	      (unsigned long long)k);
}

void test_index_put(void)
{
	struct naive nv = { .n = 900, .loc = test_alloc(900, sizeof(u64)) };
	struct dropped d = { .loc = test_alloc(SHADOW_REGION_BLOCKS, sizeof(u64)) };
	struct shadow_index ix;
	unsigned int round, i;

	for (round = 0; round < 70; round++) {
		rnd_start(round);
		shim.fail_permille = round % 2 ? 300 : 0;
		nv.base = index_bases[round % ARRAY_SIZE(index_bases)];
		memset(nv.loc, 0, nv.n * sizeof(u64));
		shadow_index_init(&ix);
		for (i = 0; i < 700; i++) {
			if (chance(20))
				index_put_naive(&ix, &nv, rnd_loc());
			else
				index_replace_naive(&ix, &nv, &d);
			if (!(i % 16))
				index_is(&ix, &nv);
			CHECK(ix.bytes == shim.bytes, "%zu bytes, not %zu", ix.bytes, shim.bytes);
		}
		index_is(&ix, &nv);
		shadow_index_destroy(&ix);
		CHECK(!ix.blocks && !ix.bytes, "counters");
	}
	free(nv.loc);
	free(d.loc);
}

/* A region with a word for each block: nothing but replacing is left, and no room is needed. */
void test_index_put_full(void)
{
	struct dropped d = { .loc = test_alloc(SHADOW_REGION_BLOCKS, sizeof(u64)) };
	struct naive nv = { .n = 256, .loc = test_alloc(256, sizeof(u64)) };
	struct shadow_index ix;
	unsigned int i;

	shadow_index_init(&ix);
	for (i = 0; i < 256; i++) {
		CHECK(!index_put(&ix, i, 2 * i, 1), "put");
		nv.loc[i] = 2 * i + 1;
	}
	for (i = 0; i < 2000; i++)
		index_replace_naive(&ix, &nv, &d);
	index_is(&ix, &nv);
	/* all of it in one piece, and one block out of its middle */
	d.nr = 0;
	shadow_index_put(&ix, &(struct shadow_extent){ 0, 5000, 256 }, drop, &d);
	CHECK(d.nr == 256, "%llu dropped", (unsigned long long)d.nr);
	d.nr = 0;
	shadow_index_put(&ix, &(struct shadow_extent){ 100, 9000, 1 }, drop, &d);
	CHECK(d.nr == 1 && d.loc[0] == 5100, "%llu dropped", (unsigned long long)d.nr);
	for (i = 0; i < 256; i++)
		nv.loc[i] = i == 100 ? 9001 : 5001 + i;
	index_is(&ix, &nv);
	shadow_index_destroy(&ix);
	free(nv.loc);
	free(d.loc);
}

void test_merge(void)
{
	const u64 n = 256;
	struct naive nv[2] = {
		{ .n = n, .loc = test_alloc(n, sizeof(u64)) },
		{ .n = n, .loc = test_alloc(n, sizeof(u64)) },
	};
	struct dropped d = { .loc = test_alloc(n, sizeof(u64)) };
	struct shadow_index ix[2];
	unsigned int round, i, k;

	for (round = 0; round < 3000; round++) {
		u64 base, region, want = 0, j, both = 0;
		struct shadow_leaf *leaf;

		rnd_start(round);
		base = index_bases[rnd(ARRAY_SIZE(index_bases))] & ~255ULL;
		region = base >> SHADOW_REGION_BITS;
		for (k = 0; k < 2; k++) {
			unsigned int puts = rnd(4) ? rnd_len(300) : 2000;

			nv[k].base = base;
			memset(nv[k].loc, 0, n * sizeof(u64));
			shadow_index_init(&ix[k]);
			/* unique locations: the newer's follow the older's at times */
			for (i = 0; i < puts; i++)
				index_put_naive(&ix[k], &nv[k], (k << 20) + i * 300 + rnd(44));
		}
		if (!ix[1].blocks) {
			shadow_index_destroy(&ix[0]);
			shadow_index_destroy(&ix[1]);
			continue;
		}
		d.nr = 0;
		CHECK(!shadow_index_reserve(&ix[0], region, GFP_KERNEL), "no memory");
		if (!rnd(8)) {
			shim.fail_permille = 1000;
			CHECK(!shadow_leaf_merge(&ix[0], &ix[1], region, GFP_KERNEL, drop, &d),
			      "memory");
			CHECK(!d.nr, "dropped without memory");
			shim.fail_permille = 0;
		}
		leaf = shadow_leaf_merge(&ix[0], &ix[1], region, GFP_KERNEL, drop, &d);
		CHECK(leaf, "no memory");
		index_is(&ix[0], &nv[0]);
		index_is(&ix[1], &nv[1]);
		shadow_leaf_free(shadow_index_commit(&ix[0], region, leaf));
		for (j = 0; j < n; j++) {
			if (nv[0].loc[j] && nv[1].loc[j]) {
				CHECK(both < d.nr && d.loc[both] == nv[1].loc[j] - 1,
				      "dropped the wrong ones");
				both++;
			}
			if (!nv[0].loc[j])
				nv[0].loc[j] = nv[1].loc[j];
			want += !!nv[0].loc[j];
		}
		CHECK(d.nr == both, "dropped %llu, not %llu", (unsigned long long)d.nr,
		      (unsigned long long)both);
		index_is(&ix[0], &nv[0]);
		CHECK(ix[0].blocks == want, "blocks");
		CHECK(ix[0].bytes + ix[1].bytes == shim.bytes, "bytes");
		/* what was merged can be added to */
		for (i = 0; i < 20; i++)
			index_put_naive(&ix[0], &nv[0], (3 << 20) + i * 300);
		index_is(&ix[0], &nv[0]);
		shadow_index_destroy(&ix[0]);
		shadow_index_destroy(&ix[1]);
	}
	free(nv[0].loc);
	free(nv[1].loc);
	free(d.loc);
}

/* A few epochs by hand. */
struct hand {
	struct shadow_epochs es;
	u64 freed;
	u64 number;
};

static void hand_free(void *arg, u64 loc, u64 len)
{
	struct hand *h = arg;

	(void)loc;
	CHECK(h->es.mutate.held, "mutex");
	h->freed += len;
}

static void hand_start(struct hand *h)
{
	memset(h, 0, sizeof(*h));
	shadow_epochs_init(&h->es, hand_free, h);
	mutex_lock(&h->es.mutate);
}

static void hand_end(struct hand *h)
{
	mutex_unlock(&h->es.mutate);
	shadow_epochs_destroy(&h->es);
}

static struct shadow_epoch *hand_flip(struct hand *h)
{
	struct shadow_epoch *ep = shadow_epoch_alloc(GFP_KERNEL);

	ep->number = ++h->number;
	shadow_settled_free(shadow_epochs_flip(&h->es, ep, shadow_settled_alloc(GFP_KERNEL)));
	return ep;
}

static void hand_record(struct hand *h, u64 block, u64 loc, u64 len)
{
	struct shadow_extent ex = { block, loc, len };

	CHECK(!shadow_epochs_reserve(&h->es, block, len, GFP_KERNEL), "no memory");
	shadow_epochs_record(&h->es, &ex);
	shadow_epochs_settle(&h->es, block, len);
}

static int hand_fold(struct hand *h, struct shadow_epoch *ep, u64 *cursor)
{
	struct shadow_settled *unused = NULL;
	int ret = shadow_epochs_fold(&h->es, ep, 0, cursor, GFP_KERNEL, &unused);

	shadow_settled_free(unused);
	if (!ret)
		shadow_epoch_free(ep);
	return ret;
}

static void hand_reads(struct hand *h, struct shadow_epoch *ep, u64 block, u64 max,
		       enum shadow_place place, u64 loc, u64 len)
{
	enum shadow_place p;
	u64 l = 0, n = 0;

	read_lock(&h->es.lock);
	p = shadow_epochs_find(&h->es, ep, block, max, &l, &n);
	read_unlock(&h->es.lock);
	CHECK(p == place && n == len && (p != SHADOW_IN_STORE || l == loc),
	      "block %llu: %d %llu %llu", (unsigned long long)block, p, (unsigned long long)l,
	      (unsigned long long)n);
}

void test_find_bounds(void)
{
	struct shadow_epoch *a, *b, *c;
	struct hand h;

	hand_start(&h);
	a = hand_flip(&h);
	hand_record(&h, 10, 1000, 4);
	b = hand_flip(&h);
	hand_record(&h, 8, 2000, 16);
	c = hand_flip(&h);
	hand_record(&h, 0, 3000, 256);

	/* a: 8, 9 from b; 10 to 13 from a; 14 to 23 from b; the others from c */
	hand_reads(&h, a, 0, 100, SHADOW_IN_STORE, 3000, 8);
	hand_reads(&h, a, 7, 100, SHADOW_IN_STORE, 3007, 1);
	hand_reads(&h, a, 8, 100, SHADOW_IN_STORE, 2000, 2);
	hand_reads(&h, a, 9, 1, SHADOW_IN_STORE, 2001, 1);
	hand_reads(&h, a, 10, 100, SHADOW_IN_STORE, 1000, 4);
	hand_reads(&h, a, 13, 100, SHADOW_IN_STORE, 1003, 1);
	hand_reads(&h, a, 14, 100, SHADOW_IN_STORE, 2006, 10);
	hand_reads(&h, a, 24, 7, SHADOW_IN_STORE, 3024, 7);
	hand_reads(&h, a, 24, 1000, SHADOW_IN_STORE, 3024, 232);
	hand_reads(&h, b, 10, 100, SHADOW_IN_STORE, 2002, 14);
	hand_reads(&h, c, 10, 100, SHADOW_IN_STORE, 3010, 100);
	hand_reads(&h, c, 256, 9, SHADOW_ON_ORIGIN, 0, 9);
	hand_end(&h);
}

static void hand_mark(struct hand *h, struct shadow_epoch *ep, u64 first, u64 n, u64 settled)
{
	struct shadow_range range = { first, first + n };
	u64 got = 0;

	while (range.first < range.end)
		CHECK(!shadow_epochs_mark_free(&h->es, ep, 0, &range, GFP_KERNEL, &got),
		      "no memory");
	CHECK(got == settled, "%llu settled, not %llu", (unsigned long long)got,
	      (unsigned long long)settled);
}

/* Blocks free in some of three shadows; a letter for each that has it free, in its order. */
void test_free_rule(void)
{
	const u64 big = 3 * MAP_BITS;
	struct shadow_epoch *a, *b, *c;
	u64 cursor = 0;
	struct hand h;

	hand_start(&h);
	a = hand_flip(&h);
	hand_record(&h, 100, 1000, 10);		/* served for a */
	hand_mark(&h, a, 0, 100, 100);
	b = hand_flip(&h);
	hand_record(&h, 120, 2000, 10);		/* for a and b */
	hand_record(&h, 5000, 2500, 1);
	c = hand_flip(&h);

	hand_mark(&h, c, 0, 200, 10);		/* 120 to 129: recorded in b */
	hand_mark(&h, b, 0, 110, 110);		/* 0 to 99: free in a; 100 to 109: recorded */
	hand_mark(&h, b, 110, 5, 0);		/* a has nothing */
	hand_mark(&h, b, 0, 115, 0);
	hand_reads(&h, a, 0, 256, SHADOW_IS_FREE, 0, 100);
	hand_reads(&h, a, 100, 256, SHADOW_IN_STORE, 1000, 10);
	hand_reads(&h, a, 110, 256, SHADOW_ON_ORIGIN, 0, 10);
	hand_reads(&h, a, 120, 256, SHADOW_IN_STORE, 2000, 10);
	hand_reads(&h, b, 0, 256, SHADOW_IS_FREE, 0, 115);
	hand_reads(&h, b, 115, 256, SHADOW_ON_ORIGIN, 0, 5);
	hand_reads(&h, c, 0, 256, SHADOW_IS_FREE, 0, 200);
	hand_reads(&h, c, 200, 256, SHADOW_ON_ORIGIN, 0, 56);
	CHECK(!shadow_blockmap_test(&h.es.settled->map, 110, 1), "needed by a");

	/* free in c and b, needed by a: preserved for a; c and b do not look */
	hand_record(&h, 110, 3000, 5);
	hand_reads(&h, a, 110, 256, SHADOW_IN_STORE, 3000, 5);
	hand_reads(&h, c, 110, 5, SHADOW_IS_FREE, 0, 5);

	/* a goes: what it alone needed is settled, as far as it is free in b and c */
	CHECK(!shadow_blockmap_test(&h.es.settled->map, 130, 1), "needed by a and b");
	while (hand_fold(&h, a, &cursor))
		;
	CHECK(!shadow_blockmap_test(&h.es.settled->map, 115, 5), "needed by b");
	hand_mark(&h, b, 115, 5, 5);
	hand_mark(&h, b, 130, 1, 1);
	CHECK(h.freed == 10, "%llu", (unsigned long long)h.freed);

	/* c goes: b is the target, and has what is free in it settled */
	hand_mark(&h, b, 200, 10, 0);
	hand_mark(&h, b, 2000, 10, 0);
	cursor = 0;
	while (hand_fold(&h, c, &cursor))
		;
	CHECK(h.es.settled->target == b, "target");
	CHECK(shadow_blockmap_test(&h.es.settled->map, 200, 10), "free in the target");
	CHECK(shadow_blockmap_test(&h.es.settled->map, 2000, 10), "free in the target");
	CHECK(!shadow_blockmap_test(&h.es.settled->map, 131, 1), "needed");

	/* much of it costs no pages */
	hand_mark(&h, b, big, 1000 * MAP_BITS, 1000 * MAP_BITS);
	CHECK(b->free_blocks == 115 + 5 + 1 + 20 + 1000 * MAP_BITS, "counter");
	CHECK(shim.pages == 2, "%ld pages", shim.pages);
	CHECK(shadow_epochs_bytes(&h.es) < 50000, "%zu bytes", shadow_epochs_bytes(&h.es));
	hand_end(&h);
}

/* Free in pieces: no step is long, and none is forgotten. */
void test_free_pieces(void)
{
	const u64 n = 9000;
	struct shadow_range range = { MAP_BITS - 4000, MAP_BITS - 4000 + n };
	u64 cursor = 0, settled = 0, i, steps = 0;
	struct shadow_epoch *a, *b;
	struct hand h;

	hand_start(&h);
	a = hand_flip(&h);
	for (i = 0; i < n; i += 2)
		hand_mark(&h, a, range.first + i, 1, 1);
	b = hand_flip(&h);
	for (; range.first < range.end; steps++)
		CHECK(!shadow_epochs_mark_free(&h.es, b, 0, &range, GFP_KERNEL, &settled),
		      "no memory");
	CHECK(settled == n / 2, "%llu settled", (unsigned long long)settled);
	CHECK(steps > 20, "%llu steps", (unsigned long long)steps);
	for (steps = 0; hand_fold(&h, a, &cursor); steps++)
		;
	CHECK(steps > 20, "%llu steps", (unsigned long long)steps);
	CHECK(shadow_blockmap_test(&h.es.settled->map, MAP_BITS - 4000, n), "all of it");
	hand_end(&h);
}

/*
 * The deletion of a shadow goes on after another shadow was taken and deleted:
 * the map is another one, so what was settled in the old map does not count.
 */
void test_fold_reflip(void)
{
	struct shadow_epoch *e, *f;
	u64 ce = 0, cf = 0;
	struct hand h;

	hand_start(&h);
	hand_flip(&h);
	hand_record(&h, 0, 1000, 1);
	e = hand_flip(&h);
	CHECK(hand_fold(&h, e, &ce) == 1, "first step");
	f = hand_flip(&h);
	while (hand_fold(&h, f, &cf))
		;
	while (hand_fold(&h, e, &ce))
		;
	CHECK(shadow_blockmap_test(&h.es.settled->map, 0, 1),
	      "block 0 is recorded under the target, but not settled");
	hand_end(&h);
}

/* The older epoch goes away while the newest one's fold settles its blocks. */
void test_fold_pair(void)
{
	struct shadow_epoch *b, *c;
	u64 cb = 0, cc = 0;
	struct hand h;

	hand_start(&h);
	hand_flip(&h);
	hand_record(&h, 0, 1000, 1);
	b = hand_flip(&h);
	hand_record(&h, 256, 2000, 1);
	c = hand_flip(&h);
	CHECK(hand_fold(&h, c, &cc) == 1, "first step");
	while (hand_fold(&h, b, &cb))
		;
	while (hand_fold(&h, c, &cc))
		;
	CHECK(shadow_blockmap_test(&h.es.settled->map, 256, 1), "block 256 is not settled");
	CHECK(shadow_blockmap_test(&h.es.settled->map, 0, 1), "block 0 is not settled");
	hand_end(&h);
}
