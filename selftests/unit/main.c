// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - runs the tests, prints KTAP.
 *
 * Environment: SEED, ROUNDS, ROUND (one round only), TEST (names, only these),
 * STOP (if set: at the first failure), INTERLEAVED (if set: also what happens
 * when a fold begins before another one is done, which the module never does).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_LSAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_LSAN
#endif
#endif
#ifdef HAVE_LSAN
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_do_recoverable_leak_check()	0
#endif
#include "index.h"
#include "test.h"

u64 test_seed = 1;
unsigned int test_rounds = 250;
long test_round = -1;

static const struct {
	const char *name;
	void (*fn)(void);
	bool interleaved;	/* only if INTERLEAVED is set */
} tests[] = {
	{ "range_of", test_range, false },
	{ "blocks_of", test_blocks_of, false },
	{ "blockmap_random", test_blockmap, false },
	{ "blockmap_race", test_blockmap_race, false },
	{ "blockmap_no_memory", test_blockmap_nomem, false },
	{ "blockmap_note", test_blockmap_note, false },
	{ "blockmap_move", test_blockmap_move, false },
	{ "blockmap_move_race", test_blockmap_move_race, false },
	{ "index_edges", test_index_edges, false },
	{ "index_random", test_index, false },
	{ "index_put_random", test_index_put, false },
	{ "index_put_full", test_index_put_full, false },
	{ "leaf_merge_random", test_merge, false },
	{ "find_bounds", test_find_bounds, false },
	{ "space_sequence", test_space_sequence, false },
	{ "space_random", test_space, false },
	{ "space_no_memory", test_space_nomem, false },
	{ "free_rule", test_free_rule, false },
	{ "free_pieces", test_free_pieces, false },
	{ "model_random", test_model_serial, false },
	{ "model_free_space", test_model_free, false },
	{ "model_own_store", test_model_own, false },
	{ "model_moves", test_model_moves, false },
	{ "model_no_memory", test_model_nomem, false },
	{ "model_many_shadows", test_model_many, false },
	{ "fold_flip_between_steps", test_fold_reflip, true },
	{ "fold_two_at_once", test_fold_pair, true },
	{ "model_folds_interleaved", test_model_interleaved, true },
	{ "window_patterns", test_window, false },
	{ "format_power", test_format_power, false },
	{ "format_damage", test_format_damage, false },
	{ "changes_random", test_changes, false },
	{ "changes_no_memory", test_changes_nomem, false },
	{ "changes_bound", test_changes_bound, false },
	{ "memory_per_block", test_memory, false },
};

static jmp_buf failed;
static u64 rng;
static u64 test_salt;
static u64 round_now;

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

void shim_bug(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;

	va_start(args, fmt);
	printf("# %s:%d: ", base ? base + 1 : file, line);
	vprintf(fmt, args);
	printf(" [SEED=%llu ROUND=%llu]\n", (unsigned long long)test_seed,
	       (unsigned long long)round_now);
	va_end(args);
	longjmp(failed, 1);
}

static u64 mix(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void rnd_start(u64 round)
{
	round_now = round;
	rng = mix(mix(test_seed) ^ mix(test_salt + (round << 16)));
	shim.rng = mix(rng) | 1;
}

u64 rnd64(void)
{
	rng += 0x9e3779b97f4a7c15ULL;
	return mix(rng);
}

u64 rnd_len(u64 max)
{
	u64 bound = 1ULL << rnd(64 - __builtin_clzll(max));

	return 1 + rnd(bound < max ? bound * 2 > max ? max : bound * 2 : max);
}

void *test_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

/* Returns whether test @i passed. */
static bool run(size_t i)
{
	static bool any_failed;

	memset(&shim, 0, sizeof(shim));
	test_salt = i + 1;
	rnd_start(0);
	if (setjmp(failed)) {
		any_failed = true;
		return false;
	}
	tests[i].fn();
	CHECK(!shim.atomic, "%d locks held", shim.atomic);
	CHECK(!shim.objects && !shim.pages, "%ld objects, %ld pages leaked", shim.objects,
	      shim.pages);
	/* a failed test leaves its memory behind */
	if (!any_failed)
		CHECK(!__lsan_do_recoverable_leak_check(), "leaks");
	return true;
}

static u64 env(const char *name, u64 otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

/* Is it among the names in TEST? */
static bool wanted(const char *name)
{
	const char *list = getenv("TEST");
	size_t len = strlen(name);

	if (!list || !*list)
		return true;
	for (; *list; list += strspn(list, " ")) {
		size_t word = strcspn(list, " ");

		if (word == len && !strncmp(list, name, len))
			return true;
		list += word;
	}
	return false;
}

int main(void)
{
	const char *interleaved = getenv("INTERLEAVED");
	const char *stop = getenv("STOP");
	size_t i, nr = 0, total = 0;
	bool good = true;

	test_seed = env("SEED", test_seed);
	test_rounds = env("ROUNDS", test_rounds);
	test_round = env("ROUND", -1);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		total += wanted(tests[i].name);
	printf("KTAP version 1\n1..%zu\n", total);
	note("SEED=%llu ROUNDS=%u", (unsigned long long)test_seed, test_rounds);
	if (shadow_leaf_caches_create())
		return 1;
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		bool ok;

		if (!wanted(tests[i].name))
			continue;
		if (tests[i].interleaved && (!interleaved || !*interleaved)) {
			printf("ok %zu %s # SKIP one fold at a time; INTERLEAVED=1 runs it\n", ++nr,
			       tests[i].name);
			continue;
		}
		ok = run(i);
		printf("%s %zu %s\n", ok ? "ok" : "not ok", ++nr, tests[i].name);
		fflush(stdout);
		good = good && ok;
		if (!good && stop && *stop)
			break;
	}
	fflush(stdout);
	/* no check for leaks at exit: each test had its own */
	_exit(!good || !total);
}
