// SPDX-License-Identifier: GPL-2.0-only
/*
 * space_test.c - the space of a part of a store, against an array.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>
#include "space.h"
#include "test.h"

#define GROUP	32768u
#define MOST	(3 * GROUP)
#define ENOUGH	32u

struct model {
	u8 used[MOST];
	u64 nr;
	u64 limit;
};

/* The longest run of free blocks below the limit that lies in one group. */
static u64 longest_free(const struct model *m)
{
	u64 best = 0, run = 0, i;

	for (i = 0; i < m->limit; i++) {
		if (i % GROUP == 0)
			run = 0;
		run = m->used[i] ? 0 : run + 1;
		if (run > best)
			best = run;
	}
	return best;
}

static void counts_are(const struct shadow_space *space, const struct model *m)
{
	u64 below = 0, above = 0, i;

	for (i = 0; i < m->nr; i++)
		*(i < m->limit ? &below : &above) += m->used[i];
	CHECK(space->nr_used == below && space->nr_above == above, "%llu %llu, not %llu %llu",
	      (unsigned long long)space->nr_used, (unsigned long long)space->nr_above,
	      (unsigned long long)below, (unsigned long long)above);
	CHECK(shadow_space_room(space) == m->limit - below, "room");
	CHECK(shadow_space_used(space) == below + above, "used");
}

/* Takes a run, which must be free, and as long as there is one. */
static void take(struct shadow_space *space, struct model *m, bool thorough)
{
	u64 want = rnd_len(256), first = ~0ULL, i, longest;
	unsigned int got = 0;
	int err = shadow_space_alloc(space, want, &first, &got, GFP_NOWAIT);

	if (err == -ENOMEM && shim.fail_permille)
		return;
	longest = thorough || err ? longest_free(m) : got;
	if (!longest) {
		CHECK(err == -ENOSPC, "%d", err);
		return;
	}
	CHECK(!err && got && got <= want && first + got <= m->limit, "%d: %u at %llu of %llu", err,
	      got, (unsigned long long)first, (unsigned long long)m->limit);
	if (thorough) {
		CHECK(longest < want || got == want, "%u though there are %llu", got,
		      (unsigned long long)longest);
		CHECK(longest < ENOUGH || got == want || got >= ENOUGH, "%u of %llu", got,
		      (unsigned long long)longest);
	}
	for (i = first; i < first + got; i++) {
		CHECK(!m->used[i], "block %llu is in use", (unsigned long long)i);
		m->used[i] = 1;
	}
}

static void give(struct shadow_space *space, struct model *m)
{
	u64 at = rnd(m->nr), n = rnd_len(m->nr - at < 600 ? m->nr - at : 600), i;

	for (i = at; i < at + n; i++) {
		if (!m->used[i])
			continue;
		m->used[i] = 0;
		if (chance(50) && i + 1 < at + n && m->used[i + 1]) {
			shadow_space_free(space, i, 2);
			m->used[++i] = 0;
		} else {
			shadow_space_free(space, i, 1);
		}
	}
}

static void resize(struct shadow_space *space, struct model *m)
{
	u64 nr = chance(20) ? MOST : 1 + rnd(MOST);
	u16 *groups = shadow_space_groups(nr);

	if (!groups) {
		CHECK(shim.fail_permille, "no memory");
		return;
	}
	kvfree(shadow_space_resize(space, nr, groups));
	if (nr < m->nr)
		memset(m->used + nr, 0, m->nr - nr);
	m->nr = nr;
	m->limit = nr;
}

static void one_round(void)
{
	struct model *m = test_alloc(1, sizeof(*m));
	struct shadow_space space;
	unsigned int i, n = 2000;

	shadow_space_init(&space);
	resize(&space, m);
	for (i = 0; m->nr && i < n; i++) {
		switch (rnd(100)) {
		case 0 ... 69:
			take(&space, m, i % 16 == 0);
			break;
		case 70 ... 95:
			give(&space, m);
			break;
		case 96:
			m->limit = chance(40) ? m->nr : rnd(m->nr + 1);
			shadow_space_limit(&space, m->limit);
			break;
		case 97:
			if (m->limit)
				shadow_space_continue(&space, rnd(m->limit));
			break;
		case 98:
			if (chance(20))
				resize(&space, m);
			break;
		default:
			counts_are(&space, m);
		}
	}
	shadow_space_destroy(&space);
	free(m);
}

static void rounds(unsigned int fail_permille)
{
	unsigned int i;

	for (i = 0; i < (test_rounds + 9) / 10; i++) {
		if (test_round >= 0 && i != test_round)
			continue;
		rnd_start(i);
		shim.fail_permille = fail_permille;
		one_round();
		shim.fail_permille = 0;
	}
}

void test_space(void)
{
	rounds(0);
}

void test_space_nomem(void)
{
	rounds(200);
}

/* What is preserved one after another lies one after another, until it is full. */
void test_space_sequence(void)
{
	struct shadow_space space;
	u64 first, at = 0;
	unsigned int got;

	shadow_space_init(&space);
	kvfree(shadow_space_resize(&space, MOST, shadow_space_groups(MOST)));
	while (at < MOST) {
		CHECK(!shadow_space_alloc(&space, 256, &first, &got, GFP_KERNEL) && first == at &&
		      got == 256, "%u at %llu", got, (unsigned long long)first);
		at += got;
	}
	CHECK(shadow_space_alloc(&space, 1, &first, &got, GFP_KERNEL) == -ENOSPC, "full");
	/* the only free run is found, also behind the place where the last one ended */
	shadow_space_free(&space, 70000, 40);
	CHECK(!shadow_space_alloc(&space, 256, &first, &got, GFP_KERNEL) && first == 70000 &&
	      got == 40, "%u at %llu", got, (unsigned long long)first);
	shadow_space_free(&space, 10, 5);
	CHECK(!shadow_space_alloc(&space, 256, &first, &got, GFP_KERNEL) && first == 10 && got == 5,
	      "%u at %llu", got, (unsigned long long)first);
	/* and goes on behind a limit when that is lifted */
	shadow_space_free(&space, 0, MOST);
	shadow_space_limit(&space, 100);
	shadow_space_continue(&space, 60);
	CHECK(!shadow_space_alloc(&space, 256, &first, &got, GFP_KERNEL) && first == 60 &&
	      got == 40, "%u at %llu", got, (unsigned long long)first);
	shadow_space_limit(&space, MOST);
	CHECK(!shadow_space_alloc(&space, 256, &first, &got, GFP_KERNEL) && first == 100 &&
	      got == 256, "%u at %llu", got, (unsigned long long)first);
	shadow_space_destroy(&space);
}
