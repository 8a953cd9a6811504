// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume_find.c - shadowadm volume find: on which volume a file is.
 */
#include "table.h"
#include "volume.h"

#define ROW(row) ((const struct shadowcopy_place *)(row))

static void get_device(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->volume.path);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", ROW(row)->volume.dev.major, ROW(row)->volume.dev.minor);
}

static void get_mountpoint(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->mountpoint);
}

static void get_path(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->path);
}

static const struct column columns[] = {
	{ "DEVICE", "the block device that the filesystem is on", .get = get_device },
	{ "DEV", "its number", .get = get_dev },
	{ "MOUNTPOINT", "where it is mounted", .get = get_mountpoint },
	{ "PATH", "the file in the filesystem, and in a shadow of it", .get = get_path },
};

static const struct table table = {
	.name = "places",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "DEVICE,MOUNTPOINT,PATH",
};

static int run(struct context *context, int argc, char **argv)
{
	struct shadowcopy_place *places;
	struct rows rows = { .size = sizeof(*places) };
	int status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (optind == argc)
		return usage(context, "it takes files or directories");
	places = calloc(argc - optind, sizeof(*places));
	if (!places)
		return fail(context, "there is not enough memory");
	for (; optind < argc; optind++, rows.count++)
		if (shadowcopy_locate(context->sc, argv[optind], &places[rows.count])) {
			free(places);
			return fail_library(context);
		}
	rows.first = places;
	status = table_print(context, &table, &rows);
	free(places);
	return status;
}

const struct command volume_find = {
	.name = "volume find",
	.summary = "Show on which volume files are",
	.synopsis = "FILE... [-o COLUMNS] [--json]",
	.text = "The block device, where its filesystem is mounted, and what the file is called\n"
		"in that: so it is called in a shadow, too.  Symbolic links are followed.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &table,
	.run = run,
};
