// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume_candidates.c - shadowadm volume candidates: which volumes could have shadows.
 */
#include "libshadowcopy-provider.h"
#include "table.h"
#include "volume.h"

struct candidate {
	struct shadowcopy_volume volume;
	uint32_t support;
	const char *provider;
	char reason[SHADOWCOPY_REASON_LEN];
};

#define ROW(row) ((const struct candidate *)(row))

static void get_device(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->volume.path);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", ROW(row)->volume.dev.major, ROW(row)->volume.dev.minor);
}

static void get_size(const void *row, struct value *value)
{
	value_number(value, VALUE_SIZE, ROW(row)->volume.bytes);
}

static void get_supported(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_support_name(ROW(row)->support));
}

static void get_provider(const void *row, struct value *value)
{
	if (ROW(row)->provider)
		value_text(value, "%s", ROW(row)->provider);
}

static void get_reason(const void *row, struct value *value)
{
	if (*ROW(row)->reason)
		value_text(value, "%s", ROW(row)->reason);
}

static const struct column columns[] = {
	{ "DEVICE", "the block device", .get = get_device },
	{ "DEV", "its number", .get = get_dev },
	{ "SIZE", "its size", .right = true, .get = get_size },
	{ "SUPPORTED", "yes, blocked (not now) or no", .get = get_supported },
	{ "PROVIDER", "who would make the shadow", .get = get_provider },
	{ "REASON", "why not", .get = get_reason },
};

static const struct table table = {
	.name = "candidates",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "DEVICE,SIZE,SUPPORTED,PROVIDER,REASON",
};

struct list {
	struct candidate *rows;
	size_t count;
};

static int on_volume(void *data, const struct shadowcopy_volume *volume, uint32_t support,
		     const struct shadowcopy_provider *provider, const char *reason)
{
	struct list *list = data;
	struct candidate *rows = realloc(list->rows, (list->count + 1) * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	rows = &list->rows[list->count++];
	rows->volume = *volume;
	rows->support = support;
	rows->provider = provider ? provider->name : NULL;
	snprintf(rows->reason, sizeof(rows->reason), "%s", reason);
	return 0;
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "provider", required_argument, NULL, OPTION_OWN },
		{ 0 }
	};
	struct list list = { 0 };
	struct rows rows = { .size = sizeof(*list.rows) };
	const char *wanted = NULL;
	int option, status, rc;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_OWN)
			return status;
		wanted = optarg;
	}
	if (optind < argc)
		return usage(context, "it takes no argument");
	rc = shadowcopy_provider_volumes(context->sc, wanted, on_volume, &list);
	if (rc == -ENOMEM) {
		status = fail(context, "there is not enough memory");
	} else if (rc) {
		status = fail_library(context);
	} else {
		rows.first = list.rows;
		rows.count = list.count;
		warn_without_module(context);
		status = table_print(context, &table, &rows);
	}
	free(list.rows);
	return status;
}

const struct command volume_candidates = {
	.name = "volume candidates",
	.summary = "List the volumes that could have shadows",
	.synopsis = "[--provider NAME] [-o COLUMNS] [--json]",
	.text = "All block devices that have a size, with whether a shadow could be made of each "
		"now,\nand why not.  Nothing is changed.\n\n"
		"Options:\n"
		"      --provider NAME   by this one, its name or identity; see \"provider list\"\n"
		TABLE_HELP COMMON_HELP,
	.table = &table,
	.run = run,
};
