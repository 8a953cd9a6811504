// SPDX-License-Identifier: GPL-2.0-only
/*
 * runs.c - lists of runs of blocks, and what they come to in the end.
 *
 * The log of a store has millions of records, and epochs are folded into older ones again and
 * again.  So nothing is looked up while it is read: a list is a chain of chunks, folding
 * hangs one chain behind the other, and what counts is found once, at the end, by sorting.
 * This is the same as what the module does block by block: an epoch's own records count, and
 * of those that are folded into it the ones for other blocks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

#define CHUNK_FIRST	4
#define CHUNK_MOST	4096

struct run {
	uint64_t block;
	uint64_t loc;
	uint64_t len;
};

struct chunk {
	struct chunk *next;
	size_t count;
	size_t room;
	struct run run[];
};

/* A run in an array, with its place in the list. */
struct flat {
	struct run run;
	size_t order;
};

bool runs_add(struct runs *runs, uint64_t block, uint64_t loc, uint64_t len)
{
	struct chunk *chunk = runs->last;
	size_t room;

	if (!chunk || chunk->count == chunk->room) {
		room = chunk ? chunk->room * 2 : CHUNK_FIRST;
		if (room > CHUNK_MOST)
			room = CHUNK_MOST;
		chunk = malloc(sizeof(*chunk) + room * sizeof(chunk->run[0]));
		if (!chunk)
			return false;
		chunk->next = NULL;
		chunk->count = 0;
		chunk->room = room;
		if (runs->last)
			runs->last->next = chunk;
		else
			runs->first = chunk;
		runs->last = chunk;
	}
	chunk->run[chunk->count++] = (struct run){ block, loc, len };
	runs->count++;
	return true;
}

void runs_append(struct runs *to, struct runs *from)
{
	if (to->last)
		to->last->next = from->first;
	else
		to->first = from->first;
	if (from->last)
		to->last = from->last;
	to->count += from->count;
	memset(from, 0, sizeof(*from));
}

void runs_clear(struct runs *runs)
{
	struct chunk *chunk, *next;

	for (chunk = runs->first; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(runs, 0, sizeof(*runs));
}

/* An array of them, in order; the list is empty then.  NULL: no memory. */
static struct flat *flatten(struct runs *runs, size_t *count)
{
	struct flat *flat = calloc(runs->count + 1, sizeof(*flat));
	const struct chunk *chunk;
	size_t i;

	*count = 0;
	for (chunk = runs->first; flat && chunk; chunk = chunk->next)
		for (i = 0; i < chunk->count; i++, ++*count)
			flat[*count] = (struct flat){ chunk->run[i], *count };
	runs_clear(runs);
	return flat;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_region(const void *a, const void *b)
{
	const struct flat *one = a, *other = b;

	return compare(one->run.block / RUNS_REGION, other->run.block / RUNS_REGION) ?:
	       compare(one->order, other->order);
}

static int by_block(const void *a, const void *b)
{
	const struct flat *one = a, *other = b;

	return compare(one->run.block, other->run.block);
}

static int by_place(const void *a, const void *b)
{
	const struct flat *one = a, *other = b;

	return compare(one->run.loc, other->run.loc);
}

/* --- records ---------------------------------------------------------------------- */

struct region {
	bool known[RUNS_REGION];
	uint64_t loc[RUNS_REGION];
};

static void fill_region(struct region *region, const struct run *run)
{
	unsigned int at = run->block % RUNS_REGION;
	uint64_t i;

	for (i = 0; i < run->len && at + i < RUNS_REGION; i++) {
		if (region->known[at + i])
			continue;
		region->known[at + i] = true;
		region->loc[at + i] = run->loc + i;
	}
}

/* Add the places of a region to @places, what lies together as one. */
static bool empty_region(const struct region *region, struct runs *places, uint64_t *blocks)
{
	unsigned int i = 0, n;

	while (i < RUNS_REGION) {
		if (!region->known[i]) {
			i++;
			continue;
		}
		for (n = 1; i + n < RUNS_REGION && region->known[i + n] &&
		     region->loc[i + n] == region->loc[i] + n; n++)
			;
		if (!runs_add(places, 0, region->loc[i], n))
			return false;
		*blocks += n;
		i += n;
	}
	return true;
}

bool runs_resolve(struct runs *runs, struct runs *places, uint64_t *blocks)
{
	struct region region;
	struct flat *flat;
	size_t count, i = 0;
	bool good = true;

	*blocks = 0;
	flat = flatten(runs, &count);
	if (!flat)
		return false;
	qsort(flat, count, sizeof(*flat), by_region);
	while (good && i < count) {
		uint64_t number = flat[i].run.block / RUNS_REGION;

		memset(&region, 0, sizeof(region));
		for (; i < count && flat[i].run.block / RUNS_REGION == number; i++)
			fill_region(&region, &flat[i].run);
		good = empty_region(&region, places, blocks);
	}
	free(flat);
	return good;
}

/* --- others ----------------------------------------------------------------------- */

bool runs_sum(struct runs *runs, uint64_t *blocks)
{
	uint64_t end = 0, first, last;
	struct flat *flat;
	size_t count, i;

	*blocks = 0;
	flat = flatten(runs, &count);
	if (!flat)
		return false;
	qsort(flat, count, sizeof(*flat), by_block);
	for (i = 0; i < count; i++) {
		first = flat[i].run.block;
		last = first + flat[i].run.len;
		if (first < end)
			first = end;
		if (last > first) {
			*blocks += last - first;
			end = last;
		}
	}
	free(flat);
	return true;
}

int runs_disjoint(struct runs *runs, uint64_t *sum, uint64_t *twice)
{
	struct flat *flat;
	size_t count, i;
	int rc = 1;

	*sum = 0;
	flat = flatten(runs, &count);
	if (!flat)
		return -ENOMEM;
	qsort(flat, count, sizeof(*flat), by_place);
	for (i = 0; i < count; i++) {
		*sum += flat[i].run.len;
		if (rc && i && flat[i].run.loc < flat[i - 1].run.loc + flat[i - 1].run.len) {
			*twice = flat[i].run.loc;
			rc = 0;
		}
	}
	free(flat);
	return rc;
}
