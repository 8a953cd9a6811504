// SPDX-License-Identifier: GPL-2.0-only
/*
 * provider_list.c - shadowadm provider list: what makes shadows, in the order in which it is asked.
 */
#include "libshadowcopy-provider.h"
#include "provider.h"

#define ROW(row) (*(const struct shadowcopy_provider *const *)(row))

static void get_id(const void *row, struct value *value)
{
	value_uuid(value, &ROW(row)->id);
}

static void get_name(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->name);
}

static void get_type(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_provider_type_name(ROW(row)->type));
}

static void get_version(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->version ?: "");
}

static void get_version_id(const void *row, struct value *value)
{
	value_uuid(value, &ROW(row)->version_id);
}

static const struct column columns[] = {
	{ "NAME", "what it is called", .get = get_name },
	{ "TYPE", "hardware, software or system", .get = get_type },
	{ "VERSION", "its version", .get = get_version },
	{ "ID", "its identity", .get = get_id },
	{ "VERSION-ID", "the identity of its version", .get = get_version_id },
};

const struct table provider_list_table = {
	.name = "providers",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "NAME,TYPE,VERSION,ID",
};

static int run_list(struct context *context, int argc, char **argv)
{
	const struct shadowcopy_provider *provider = NULL, *providers[64];
	struct rows rows = { .first = providers, .size = sizeof(*providers) };
	int status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (optind < argc)
		return usage(context, "it takes no argument");
	while (rows.count < ARRAY_SIZE(providers) &&
	       (provider = shadowcopy_provider_next(context->sc, provider)))
		providers[rows.count++] = provider;
	warn_without_module(context);
	return table_print(context, &provider_list_table, &rows);
}

const struct command provider_list = {
	.name = "provider list",
	.summary = "List what makes shadows",
	.synopsis = "[-o COLUMNS] [--json]",
	.text = "In the order in which they are asked whether they can make a volume's shadow.\n"
		"\"native\" is the module, which comes last.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &provider_list_table,
	.run = run_list,
};
