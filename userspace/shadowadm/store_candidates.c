// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_candidates.c - shadowadm store candidates: where a volume's store could be.
 */
#include "store.h"
#include "table.h"

#define ROW(row) ((const struct shadowcopy_candidate *)(row))

static void get_mountpoint(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->mountpoint);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", ROW(row)->dev.major, ROW(row)->dev.minor);
}

static void get_fstype(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->fstype);
}

static void get_place(const void *row, struct value *value)
{
	uint32_t flags = ROW(row)->flags;

	value_text(value, "%s", flags & SHADOWCOPY_CANDIDATE_OWN ? "own-volume" :
		   flags & SHADOWCOPY_CANDIDATE_APART ? "another-disk" : "same-disk");
}

static void get_chosen(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(ROW(row)->flags & SHADOWCOPY_CANDIDATE_CHOSEN));
}

static void get_obstacle(const void *row, struct value *value)
{
	if (*ROW(row)->obstacle)
		value_text(value, "%s", ROW(row)->obstacle);
}

#define MEMBER(member) offsetof(struct shadowcopy_candidate, member)

static const struct column columns[] = {
	{ "MOUNTPOINT", "where the filesystem is mounted", .get = get_mountpoint },
	{ "DEV", "device number", .get = get_dev },
	{ "FSTYPE", "its type", .get = get_fstype },
	{ "SIZE", "its size", .right = true, .type = VALUE_SIZE, .offset = MEMBER(bytes) },
	{ "FREE", "what is free", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(free_bytes) },
	{ "ROOM", "how much of that a store may take", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(room_bytes) },
	{ "PLACE", "own-volume, same-disk or another-disk", .get = get_place },
	{ "CHOSEN", "a shadow made now has its store there, unless stores.conf says otherwise",
	  .get = get_chosen },
	{ "OBSTACLE", "why it is not chosen by itself", .get = get_obstacle },
};

static const struct table table = {
	.name = "candidates",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "MOUNTPOINT,FSTYPE,FREE,ROOM,PLACE,CHOSEN,OBSTACLE",
};

static int run(struct context *context, int argc, char **argv)
{
	struct shadowcopy_candidate *candidates;
	struct shadowcopy_volume volume;
	struct rows rows = { .size = sizeof(*candidates) };
	int count, status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (argc - optind != 1)
		return usage(context, "it takes a volume: a block device or a mount point");
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	count = shadowcopy_candidates(context->sc, volume.dev, &candidates);
	if (count < 0)
		return fail_library(context);
	rows.first = candidates;
	rows.count = count;
	status = table_print(context, &table, &rows);
	free(candidates);
	return status;
}

const struct command store_candidates = {
	.name = "store candidates",
	.summary = "Show the filesystems that could have the store of a volume",
	.synopsis = "VOLUME [OPTIONS]",
	.text = "The best one is first.  Any that has no obstacle is chosen by itself where it is\n"
		"best; others can be named, unless their files cannot be mapped.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &table,
	.run = run,
};
