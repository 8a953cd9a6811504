// SPDX-License-Identifier: GPL-2.0-only
/*
 * changes_test.c - what has changed between instants, against a model that has a bit for each
 * block between any two.
 *
 * changes.c is built as it is, with as much of a volume as it knows.  Writes, instants,
 * releases, bases, merges come in any order, memory fails, and its bound is reached.  What is
 * known is exact at each moment; what is forgotten is the oldest, and only where memory is short.
 */
#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include "test.h"

#define SHADOW_VOLUME_H		/* what these would say is here */
#define SHADOW_EVENT_H
#include "changes.h"
#include "epochs.h"

#define SHADOW_GFP		GFP_NOWAIT
#define SHADOW_GFP_LAST		GFP_NOWAIT
#define SHADOW_NL_EV_BASE_LOST	26
#define SECTOR_SHIFT		9
#define DIV_ROUND_UP_ULL(a, b)	(((a) + (b) - 1) / (b))
#define swap(a, b)		({ __typeof__(a) swap_ = (a); (a) = (b); (b) = swap_; })
#define pr_warn(...)		do { } while (0)
#define strscpy(to, from, size)	snprintf(to, size, "%s", from)

struct shadow_volume {
	u64 id;
	dev_t dev;
	const char *name;
	u64 nr_blocks;
	u64 nr_sectors;
	bool gate;
	struct workqueue_struct *wq;
	struct shadow_epochs epochs;
	struct shadow_changes changes;
};

struct shadow_event {
	u32 event;
	const struct shadow_uuid *shadow;
	dev_t dev;
	const char *name;
	int index;
	u32 reason;
};

static unsigned int lost_bases;

static void shadow_event_send(const struct shadow_event *ev)
{
	lost_bases += ev->event == SHADOW_NL_EV_BASE_LOST;
}

static struct shadow_dev shadow_dev_encode(dev_t dev)
{
	return (struct shadow_dev){ .major = dev };
}

/* The kernel's u64 is what its constants are. */
#undef max
#define max(a, b)		max_t(u64, a, b)

#include "changes.c"

#define PAGES		5
#define BLOCKS		(PAGES * SHADOW_MAP_BITS - 100)
#define WORDS		(PAGES * SHADOW_MAP_BITS / BITS_PER_LONG)
#define INSTANTS	40
#define STEPS		250

/**
 * struct instant - what the model knows of one
 * @uuid: as the mark's
 * @mark: while the shadow exists
 * @epoch: likewise
 * @wanted: it may be asked for
 * @kept: as a base
 * @begin: it is where tracking began
 * @written: until the next instant, wanted or not
 * @overlay: to its image
 */
struct instant {
	struct shadow_uuid uuid;
	struct shadow_mark *mark;
	struct shadow_epoch *epoch;
	bool wanted, kept, begin;
	unsigned long written[WORDS];
	unsigned long overlay[WORDS];
};

static struct shadow_volume vol;
static struct instant instant[INSTANTS];
static unsigned int nr;
static unsigned long expected[WORDS], bits[SHADOW_MAP_BITS / BITS_PER_LONG];

static struct shadow_range some_range(void)
{
	u64 first = rnd(BLOCKS), n = rnd_len(2 * SHADOW_MAP_BITS);

	return (struct shadow_range){ first, min_t(u64, BLOCKS, first + n) };
}

static void set(unsigned long *to, struct shadow_range range)
{
	for (; range.first < range.end; range.first++)
		to[range.first / BITS_PER_LONG] |= 1UL << range.first % BITS_PER_LONG;
}

static void merge_now(void)
{
	struct delayed_work *work = &vol.changes.merge_work;

	if (!work->queued)
		return;
	work->queued = false;
	vol.gate = rnd(2);	/* then it is one step only, and goes on later */
	work->work.fn(&work->work);
	vol.gate = false;
}

static void write_some(void)
{
	struct shadow_range range = some_range();

	/* Nobody can tell what has changed since when nothing is known. */
	if (nr)
		set(instant[nr - 1].written, range);
	if (!shadow_changes_note(&vol, range))
		shadow_changes_note_slow(&vol, range);
}

static void flip(void)
{
	struct instant *i = &instant[nr];

	if (nr == INSTANTS)
		return;
	memset(i, 0, sizeof(*i));
	i->mark = shadow_mark_create();
	i->epoch = shadow_epoch_alloc(GFP_KERNEL);
	if (!i->mark || !i->epoch) {
		shadow_mark_destroy(i->mark);
		shadow_epoch_free(i->epoch);
		return;
	}
	generate_random_uuid(i->uuid.b);
	i->mark->uuid = i->uuid;
	i->mark->epoch = i->epoch;
	i->mark->sectors = BLOCKS * SHADOW_BLOCK_SECTORS;
	i->mark->shadow = true;
	mutex_lock(&vol.epochs.mutate);
	shadow_changes_flip(&vol, i->mark);
	mutex_unlock(&vol.epochs.mutate);
	i->wanted = true;
	nr++;
}

static void begin(void)
{
	struct shadow_mark *mark = shadow_mark_create();
	bool begins = list_empty(&vol.changes.marks);

	if (!mark || nr == INSTANTS) {
		shadow_mark_destroy(mark);
		return;
	}
	shadow_changes_begin(&vol, mark);
	if (!begins)
		return;
	memset(&instant[nr], 0, sizeof(instant[nr]));
	instant[nr].uuid = vol.changes.generation;
	instant[nr].wanted = true;
	instant[nr++].begin = true;
}

static void write_image(struct instant *i)
{
	struct shadow_range range = some_range();

	if (!i->mark)
		return;
	set(i->overlay, range);
	mutex_lock(&vol.epochs.mutate);
	shadow_changes_note_overlay(&vol, i->mark, range.first, range.end - range.first);
	mutex_unlock(&vol.epochs.mutate);
}

static void release(struct instant *i)
{
	bool taken;

	if (!i->mark)
		return;
	mutex_lock(&vol.epochs.mutate);
	taken = shadow_changes_release(&vol, i->mark, i->epoch);
	mutex_unlock(&vol.epochs.mutate);
	if (!taken) {
		shadow_mark_destroy(i->mark);
		shadow_epoch_free(i->epoch);
	}
	i->mark = NULL;
	i->wanted = taken && (i->kept || i->begin);
}

static void change(struct instant *i, bool keep)
{
	int err = shadow_changes_change(&vol, &i->uuid, keep);

	if (err)
		return;		/* look() knows whether that may be */
	i->kept = keep;
	if (!keep) {
		i->begin = false;
		i->wanted = i->mark;
	}
}

static void gather(const struct shadow_mark *since, const struct shadow_mark *mark, u64 index)
{
	const struct shadow_mark *m = since;

	memset(bits, 0, sizeof(bits));
	list_for_each_entry_from(m, &vol.changes.marks, node) {
		if (m == mark)
			break;
		shadow_blockmap_gather(m->written, index, bits);
	}
	shadow_blockmap_gather(&since->overlay, index, bits);
	shadow_blockmap_gather(&mark->overlay, index, bits);
}

static void look_at_pair(unsigned int a, unsigned int b, const struct shadow_mark *since,
			 const struct shadow_mark *mark)
{
	unsigned int i, w;

	memset(expected, 0, sizeof(expected));
	for (i = a; i < b; i++)
		for (w = 0; w < WORDS; w++)
			expected[w] |= instant[i].written[w];
	for (w = 0; w < WORDS; w++)
		expected[w] |= instant[a].overlay[w] | instant[b].overlay[w];
	CHECK(since->id < mark->id, "order");
	for (i = 0; i < PAGES; i++) {
		gather(since, mark, i);
		CHECK(!memcmp(bits, expected + i * SHADOW_MAP_BITS / BITS_PER_LONG, sizeof(bits)),
		      "what has changed from %u to %u, of %u", a, b, nr);
	}
}

/* What "base list" says. */
static void look_at_list(void)
{
	struct shadow_base_info info = { 0 };
	unsigned int at = 0, i, w;
	u64 weight;

	while (at < nr && !instant[at].wanted)
		at++;
	CHECK(shadow_changes_next(&vol, &info) == (at < nr), "the list has a first one");
	while (at < nr) {
		CHECK(!memcmp(&info.uuid, &instant[at].uuid, sizeof(info.uuid)), "listed: %u", at);
		memset(expected, 0, sizeof(expected));
		i = at;
		do {
			for (w = 0; w < WORDS; w++)
				expected[w] |= instant[i].written[w];
		} while (++i < nr && !instant[i].wanted);
		for (w = 0, weight = 0; w < WORDS; w++)
			weight += __builtin_popcountl(expected[w]);
		CHECK(shadow_changes_count(&vol, &info, bits), "it is there still");
		CHECK(info.changed_bytes == weight << SHADOW_BLOCK_BITS, "bytes of %u", at);
		at = i;
		CHECK(shadow_changes_next(&vol, &info) == (at < nr), "the end of the list");
	}
}

/* @may_forget: memory failed, or its bound was reached. */
static void look(bool may_forget)
{
	struct shadow_mark *mark[INSTANTS];
	bool known = false;
	unsigned int a, b;

	mutex_lock(&vol.epochs.mutate);
	for (a = 0; a < nr; a++) {
		mark[a] = shadow_changes_find(&vol, &instant[a].uuid);
		CHECK(!mark[a] || instant[a].wanted, "%u is known, and should be gone", a);
		if (!mark[a] && instant[a].wanted) {
			CHECK(may_forget, "%u is forgotten without need", a);
			CHECK(!known, "%u is forgotten, and an older one is not", a);
			instant[a].wanted = false;
			instant[a].kept = false;
			instant[a].begin = false;
		}
		known |= !!mark[a];
	}
	for (a = 0; a < nr; a++)
		for (b = a + 1; mark[a] && b < nr; b++)
			if (mark[b] && (b == nr - 1 || !rnd(3)))
				look_at_pair(a, b, mark[a], mark[b]);
	mutex_unlock(&vol.epochs.mutate);
	look_at_list();
}

static u64 written_bytes(void)
{
	struct shadow_mark *mark;
	u64 bytes = 0;

	list_for_each_entry(mark, &vol.changes.marks, node) {
		unsigned long index;
		u64 pages = 0;
		void *page;

		xa_for_each(&mark->written->pages, index, page)
			pages++;
		CHECK(shadow_blockmap_bytes(mark->written) == pages * PAGE_SIZE, "bytes of a map");
		bytes += pages * PAGE_SIZE;
	}
	return bytes;
}

static void one_round(unsigned int fail_permille, u64 limit)
{
	unsigned int step;

	memset(&vol, 0, sizeof(vol));
	vol.name = "test";
	vol.nr_blocks = BLOCKS;
	vol.nr_sectors = BLOCKS * SHADOW_BLOCK_SECTORS;
	mutex_init(&vol.epochs.mutate);
	shadow_changes_init(&vol);
	CHECK(shadow_changes_limit(&vol, (PAGES - 1) * PAGE_SIZE) == -ERANGE, "too small a bound");
	CHECK(!shadow_changes_limit(&vol, limit), "bound");
	nr = 0;
	if (rnd(2))
		begin();
	for (step = 0; step < STEPS; step++) {
		struct instant *some = nr ? &instant[nr - 1 - rnd(min(nr, 8u))] : NULL;

		shim.fail_permille = rnd(4) ? 0 : fail_permille;
		switch (rnd(16)) {
		case 0:
		case 1:
			flip();
			break;
		case 2:
			begin();
			break;
		case 3:
			if (some)
				write_image(some);
			break;
		case 4:
		case 5:
		case 6:
			if (some)
				release(some);
			break;
		case 7:
		case 8:
			if (some)
				change(some, rnd(2));
			break;
		case 9:
		case 10:
			merge_now();
			break;
		default:
			write_some();
			CHECK(written_bytes() <= limit || !limit ||
			      list_is_singular(&vol.changes.marks), "the bound");
		}
		shim.fail_permille = 0;
		look(fail_permille || limit);
	}
	for (step = 0; step < nr; step++)
		release(&instant[step]);
	while (vol.changes.merge_work.queued)
		merge_now();
	look(fail_permille || limit);
	shadow_changes_destroy(&vol);
}

static void rounds(unsigned int fail_permille, u64 limit)
{
	unsigned int round;

	for (round = 0; round < (test_rounds + 7) / 8; round++) {
		if (test_round >= 0 && test_round != (long)round)
			continue;
		rnd_start(round);
		one_round(fail_permille, limit);
	}
}

void test_changes(void)
{
	rounds(0, 0);
}

void test_changes_nomem(void)
{
	rounds(300, 0);
	CHECK(!test_rounds || shim.failed, "memory failed");
}

void test_changes_bound(void)
{
	lost_bases = 0;
	rounds(0, 12 * PAGE_SIZE);
	CHECK(test_rounds < 8 || lost_bases, "bases were lost");
}
