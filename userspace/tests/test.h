/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test.h - results of tests in C, in KTAP.
 */
#ifndef SHADOWCOPY_TEST_H
#define SHADOWCOPY_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libshadowcopy.h"

extern int test_count, test_failures;

static inline void test_result(bool good, const char *what, const char *file, int line)
{
	test_count++;
	if (good) {
		printf("ok %d %s\n", test_count, what);
		return;
	}
	test_failures++;
	printf("not ok %d %s\n# %s:%d\n", test_count, what, file, line);
}

/* Does the last failure say these words? */
static inline bool error_says(const struct shadowcopy *sc, const char *words)
{
	const char *text = shadowcopy_last_error(sc)->text;

	if (strstr(text, words))
		return true;
	printf("# got    %s\n# wanted ...%s...\n", text, words);
	return false;
}

#define CHECK(condition, what) test_result((condition), (what), __FILE__, __LINE__)

#define CHECK_STRING(got, wanted, what) do { \
	const char *got_ = (got), *wanted_ = (wanted); \
	bool same_ = !strcmp(got_, wanted_); \
	if (!same_) \
		printf("# got    %s\n# wanted %s\n", got_, wanted_); \
	test_result(same_, (what), __FILE__, __LINE__); \
} while (0)

void test_beneath(void);
void test_cells(void);
void test_changes(void);
void test_documents(void);
void test_durable(void);
void test_errors(void);
void test_exposed(void);
void test_files(void);
void test_identities(void);
void test_json(void);
void test_providers(void);
void test_selection(void);
void test_sizes(void);
void test_stores(void);
void test_stream(void);
void test_tables(void);

#endif /* SHADOWCOPY_TEST_H */
