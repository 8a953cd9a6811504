// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit.c - runs the tests in C.
 */
#include "test.h"

int test_count, test_failures;

int main(void)
{
	puts("KTAP version 1");
	test_beneath();
	test_cells();
	test_changes();
	test_documents();
	test_durable();
	test_errors();
	test_exposed();
	test_files();
	test_identities();
	test_json();
	test_providers();
	test_selection();
	test_sizes();
	test_stores();
	test_stream();
	test_tables();
	printf("1..%d\n", test_count);
	return test_failures ? 1 : 0;
}
