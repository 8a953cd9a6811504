/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * runs.h - lists of runs of blocks, in the order in which they were noted, and what they
 * come to in the end.
 */
#ifndef SHADOWADM_RUNS_H
#define SHADOWADM_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNS_REGION	256	/* blocks of a volume; no record has some of two regions */

struct chunk;

/* Zeroed it is empty. */
struct runs {
	struct chunk *first;
	struct chunk *last;
	size_t count;
};

/* Note @len blocks from @block on, which are stored from @loc on.  False: no memory. */
bool runs_add(struct runs *runs, uint64_t block, uint64_t loc, uint64_t len);

/* Put all of @from behind what is in @to; @from is empty then.  This takes no time. */
void runs_append(struct runs *to, struct runs *from);

void runs_clear(struct runs *runs);

/*
 * Of the records of a block the one noted first counts.  @places: out: where the blocks that
 * count are stored, is added to it; @blocks: out: how many.  @runs is empty then.
 * Return: false: no memory.
 */
bool runs_resolve(struct runs *runs, struct runs *places, uint64_t *blocks);

/* How many blocks are in one at least.  @runs is empty then.  Return: false: no memory. */
bool runs_sum(struct runs *runs, uint64_t *blocks);

/*
 * Is no place in two of them?  @sum: out: their length; @twice: out: the first place that is.
 * @runs is empty then.  Return: 1, 0, or -ENOMEM.
 */
int runs_disjoint(struct runs *runs, uint64_t *sum, uint64_t *twice);

#endif /* SHADOWADM_RUNS_H */
