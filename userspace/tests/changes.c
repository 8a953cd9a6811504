// SPDX-License-Identifier: GPL-2.0-only
/*
 * changes.c - tests of which blocks count as changed, and of ranges put together from runs.
 */
#include "base_table.h"
#include "changes.h"
#include "test.h"

#define CHANGED SHADOW_RUN_CHANGED
#define FREE SHADOW_RUN_FREE
#define WAS_FREE SHADOW_RUN_WAS_FREE

static void told(void)
{
	static const struct {
		uint32_t state;
		/* by default, exact, without what is free, both */
		bool told[4];
		const char *what;
	} cases[] = {
		{ 0, { false, false, false, false }, "nothing is so" },
		{ CHANGED, { true, true, true, true }, "changed" },
		{ CHANGED | FREE, { true, true, false, false }, "changed, and free now" },
		{ CHANGED | WAS_FREE, { true, true, true, true }, "changed, was free" },
		{ CHANGED | FREE | WAS_FREE, { true, true, false, false }, "changed, always free" },
		{ FREE, { false, true, false, false }, "became free: zeros now" },
		{ WAS_FREE, { false, true, false, true }, "is not free any more: zeros before" },
		{ FREE | WAS_FREE, { false, false, false, false }, "always free: zeros twice" },
	};
	struct changes_choice choice;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool good = true;

		for (j = 0; j < 4; j++) {
			choice.exact = j & 1;
			choice.skip_free = j & 2;
			good &= changes_told(&choice, cases[i].state) == cases[i].told[j];
		}
		CHECK(good, cases[i].what);
	}
	CHECK(changes_want(&(struct changes_choice){ 0 }) == CHANGED, "what it takes to tell");
	CHECK(changes_want(&(struct changes_choice){ .skip_free = true }) == (CHANGED | FREE),
	      "without what is free");
	CHECK(changes_want(&(struct changes_choice){ .exact = true }) ==
	      (CHANGED | FREE | WAS_FREE), "exactly");
}

struct source {
	const struct shadow_run *run;
	size_t count, next;
	int rc;		/* at the end */
};

static int next_run(void *data, struct shadow_run *run)
{
	struct source *source = data;

	if (source->next == source->count)
		return source->rc;
	*run = source->run[source->next++];
	return 1;
}

static void put_together(void)
{
	static const struct shadow_run runs[] = {
		{ 0, 4096, CHANGED, 0 }, { 4096, 8192, CHANGED | FREE, 0 },
		{ 12288, 4096, WAS_FREE, 0 }, { 16384, 4096, CHANGED, 0 },
		{ 40960, 4096, FREE | WAS_FREE, 0 }, { 45056, 1024, CHANGED, 0 },
	};
	struct source source = { runs, ARRAY_SIZE(runs), 0, 0 };
	struct changes changes = { .next = next_run, .data = &source };
	uint64_t first, bytes;

	CHECK(changes_next(&changes, &first, &bytes) == 1 && !first && bytes == 12288,
	      "runs that touch are one range, whatever else is so of them");
	CHECK(changes_next(&changes, &first, &bytes) == 1 && first == 16384 && bytes == 4096,
	      "what is between does not count");
	CHECK(changes_next(&changes, &first, &bytes) == 1 && first == 45056 && bytes == 1024,
	      "the last one can be part of a block");
	CHECK(changes_next(&changes, &first, &bytes) == 0, "the end");

	source.next = 0;
	changes.choice.exact = true;
	CHECK(changes_next(&changes, &first, &bytes) == 1 && !first && bytes == 20480,
	      "exactly, what was free fills the gap");

	source.next = 0;
	changes = (struct changes){ .choice.skip_free = true, .next = next_run, .data = &source };
	CHECK(changes_next(&changes, &first, &bytes) == 1 && !first && bytes == 4096 &&
	      changes_next(&changes, &first, &bytes) == 1 && first == 16384,
	      "without what is free there is one");

	source = (struct source){ runs, 1, 0, -ENODATA };
	changes = (struct changes){ .next = next_run, .data = &source };
	CHECK(changes_next(&changes, &first, &bytes) == -ENODATA,
	      "a range is not told whose end is not known");
}

static void sums(void)
{
	struct shadow_base_info bases[] = {
		{ .generation.b = { 1 }, .epoch = 1, .changed_bytes = 100 },
		{ .generation.b = { 1 }, .epoch = 3, .changed_bytes = 7 },
		{ .generation.b = { 2 }, .epoch = 2, .changed_bytes = 5000 },
		{ .generation.b = { 1 }, .epoch = 2, .changed_bytes = 20 },
	};
	struct base_row rows[4];

	base_rows(rows, bases, 4);
	CHECK(rows[0].since_bytes == 127 && rows[3].since_bytes == 27 && rows[1].since_bytes == 7,
	      "what changed since a base is added up to now");
	CHECK(rows[2].since_bytes == 5000, "in its generation only");
}

void test_changes(void)
{
	told();
	put_together();
	sums();
}
