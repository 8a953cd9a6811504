// SPDX-License-Identifier: GPL-2.0-only
/*
 * tables.c - tests of the column tables: names that work, defaults that exist,
 * every number of the module shown.
 */
#include <ctype.h>

#include "base_table.h"
#include "shadow_table.h"
#include "test.h"
#include "tracking.h"
#include "volume_table.h"
#include "writer.h"

static bool has_column(const struct table *table, const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		if (strlen(table->columns[i].name) == length &&
		    !strncmp(table->columns[i].name, name, length))
			return true;
	return false;
}

static void well_formed(const struct table *table, const char *what)
{
	const char *word = table->defaults;
	bool good = true;
	size_t i, j;

	for (i = 0; i < table->count; i++) {
		const char *name = table->columns[i].name;

		for (j = 0; name[j]; j++)
			good &= isupper((unsigned char)name[j]) || name[j] == '-';
		for (j = 0; j < i; j++)
			good &= strcmp(name, table->columns[j].name) != 0;
		good &= strlen(table->columns[i].help) > 2;
		good &= table->columns[i].get || table->columns[i].type != VALUE_NONE;
	}
	while (*word) {
		size_t length = strcspn(word, ",");

		good &= has_column(table, word, length);
		word += length;
		word += *word == ',';
	}
	CHECK(good, what);
}

/*
 * Fill a volume with numbers that are all different and see that each comes out
 * in JSON: a counter of the module that has no column would be lost on people.
 */
static void every_counter(void)
{
	struct shadow_volume_info info = { .name = "x" };
	uint64_t *numbers = (uint64_t *)&info.epoch;
	size_t first = 0, i;
	struct context context = { 0 };
	bool complete = true;
	char wanted[32], *text;
	json_t *row;

	info.store.type = SHADOW_STORE_MEMORY;
	numbers[first] = 700001;
	info.store.max_bytes = 700002;
	numbers = (uint64_t *)&info.store_used_bytes;
	for (i = 0; &numbers[i] <= (uint64_t *)&info.drain_ns; i++)
		numbers[i] = 800001 + i;
	row = table_row_json(&context, &volume_table, &info);
	text = json_dumps(row, JSON_COMPACT);
	complete &= strstr(text, "700001") && strstr(text, "700002");
	while (i--) {
		snprintf(wanted, sizeof(wanted), "%zu", 800001 + i);
		if (!strstr(text, wanted)) {
			printf("# the counter number %zu after store_used_bytes is missing\n", i);
			complete = false;
		}
	}
	CHECK(complete, "every counter of a volume has a column");
	free(text);
	json_decref(row);
}

void test_tables(void)
{
	well_formed(&shadow_table, "the columns of shadows are well-formed");
	well_formed(&volume_table, "the columns of volumes are well-formed");
	well_formed(&stats_table, "the columns of stats are well-formed");
	well_formed(&base_table, "the columns of bases are well-formed");
	well_formed(&tracking_table, "and those of what is known of changes");
	well_formed(&writer_list_table, "the columns of writers are well-formed");
	well_formed(&writer_status_table, "and those of how they are");
	every_counter();
}
