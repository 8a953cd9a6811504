/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test.h - what the tests share: random numbers, checks, the list of tests.
 */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include "shim.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Ends the running test when @cond does not hold. */
#define CHECK(cond, fmt, ...) \
	do { \
		if (!(cond)) \
			shim_bug(__FILE__, __LINE__, "%s: " fmt, #cond, ##__VA_ARGS__); \
	} while (0)

extern u64 test_seed;		/* SEED= */
extern unsigned int test_rounds;	/* ROUNDS= */
extern long test_round;		/* ROUND=: only this one; -1: all */

/* Starts the sequence that belongs to the seed, the test and @round. */
void rnd_start(u64 round);
u64 rnd64(void);

/* 0 to @n - 1 */
static inline u64 rnd(u64 n)
{
	return rnd64() % n;
}

static inline bool chance(unsigned int percent)
{
	return rnd(100) < percent;
}

/* 1 to @max, the small ones more often. */
u64 rnd_len(u64 max);

/* A KTAP diagnostic. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void *test_alloc(size_t n, size_t size);

/* unit_test.c */
void test_range(void);
void test_blocks_of(void);
void test_blockmap(void);
void test_blockmap_race(void);
void test_blockmap_nomem(void);
void test_blockmap_note(void);
void test_blockmap_move(void);
void test_blockmap_move_race(void);
void test_index(void);
void test_index_edges(void);
void test_index_put(void);
void test_index_put_full(void);
void test_merge(void);
void test_find_bounds(void);
void test_free_rule(void);
void test_free_pieces(void);
void test_fold_reflip(void);
void test_fold_pair(void);

/* space_test.c */
void test_space(void);
void test_space_nomem(void);
void test_space_sequence(void);

/* model_test.c */
void test_model_serial(void);
void test_model_free(void);
void test_model_own(void);
void test_model_moves(void);
void test_model_nomem(void);
void test_model_interleaved(void);
void test_model_many(void);

/* window_test.c */
void test_window(void);

/* format_test.c */
void test_format_power(void);
void test_format_damage(void);

/* changes_test.c */
void test_changes(void);
void test_changes_nomem(void);
void test_changes_bound(void);

/* memory_test.c */
void test_memory(void);

#endif /* TEST_H */
