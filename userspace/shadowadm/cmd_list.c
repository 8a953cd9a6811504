// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_list.c - shadowadm list: the shadows that exist.
 */
#include "shadow_table.h"

/* The shadows of one volume only. */
static size_t keep_volume(struct shadow_shadow_info *shadows, size_t count,
			  struct shadow_dev dev)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (dev_equal(shadows[i].volume, dev))
			shadows[kept++] = shadows[i];
	return kept;
}

static int print_flat(struct context *context, const struct shadow_shadow_info *shadows,
		      size_t count)
{
	struct shadow_row *table = calloc(count + 1, sizeof(*table));
	struct rows rows = { table, sizeof(*table), count, NULL };
	size_t i;
	int status;

	if (!table)
		return fail(context, "there is not enough memory");
	for (i = 0; i < count; i++)
		table[i].info = shadows[i];
	status = table_print(context, &shadow_table, &rows);
	free(table);
	return status;
}

/* Each set as a line, its shadows below it. */
static int print_tree(struct context *context, const struct shadow_shadow_info *shadows,
		      size_t count)
{
	struct shadow_row *table = calloc(2 * count + 1, sizeof(*table));
	int *parents = calloc(2 * count + 1, sizeof(*parents));
	struct rows rows = { table, sizeof(*table), 0, parents };
	size_t i, j, set;
	int status;

	if (!table || !parents) {
		free(table);
		free(parents);
		return fail(context, "there is not enough memory");
	}
	for (i = 0; i < count; i++) {
		for (j = 0; j < i && !uuid_equal(&shadows[j].set, &shadows[i].set); j++)
			;
		if (j < i)
			continue;	/* a set that has its line */
		set = rows.count;
		table[set].info = shadows[i];
		table[set].is_set = true;
		table[set].is_json = context->json;
		parents[rows.count++] = -1;
		for (j = i; j < count; j++)
			if (uuid_equal(&shadows[j].set, &shadows[i].set)) {
				table[rows.count].info = shadows[j];
				parents[rows.count++] = set;
			}
	}
	status = table_print(context, &shadow_table, &rows);
	free(table);
	free(parents);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_TREE = OPTION_OWN };
	static const struct option longs[] = {
		{ "tree", no_argument, NULL, OPTION_TREE },
		{ 0 }
	};
	struct shadow_shadow_info *shadows;
	struct shadowcopy_volume volume;
	int option, status = STATUS_OK;
	bool tree = false;
	ssize_t count;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_TREE:
			tree = true;
			break;
		default:
			return status;
		}
	if (argc - optind > 1)
		return usage(context, "it takes one volume at most");
	if (optind < argc && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);

	count = load_shadows(context->sc, &shadows);
	if (count < 0)
		return fail_library(context);
	if (optind < argc)
		count = keep_volume(shadows, count, volume.dev);
	status = tree ? print_tree(context, shadows, count) :
		 print_flat(context, shadows, count);
	free(shadows);
	return status;
}

const struct command cmd_list = {
	.name = "list",
	.summary = "List shadows, of all volumes or of one",
	.synopsis = "[VOLUME] [--tree] [-o COLUMNS] [--json]",
	.text = "VOLUME is a block device or a mount point.\n\n"
		"Options:\n"
		"      --tree            sets, and below them their shadows\n"
		TABLE_HELP COMMON_HELP,
	.table = &shadow_table,
	.run = run,
};
