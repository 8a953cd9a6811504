// SPDX-License-Identifier: GPL-2.0-only
/*
 * plan_table.c - what a set would freeze, and in which order.
 */
#include "plan_table.h"
#include "shadow_table.h"

#define ENTRY(row) (*(const struct shadowcopy_plan_entry *const *)(row))

static void get_device(const void *row, struct value *value)
{
	value_text(value, "%s", ENTRY(row)->path);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", ENTRY(row)->dev.major, ENTRY(row)->dev.minor);
}

static void get_shadow(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(ENTRY(row)->flags & SHADOW_ADD_SHADOW));
}

static void get_freeze(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(ENTRY(row)->flags & SHADOW_ADD_FREEZE));
}

static void get_fstype(const void *row, struct value *value)
{
	if (*ENTRY(row)->fstype)
		value_text(value, "%s", ENTRY(row)->fstype);
}

static void get_mountpoint(const void *row, struct value *value)
{
	if (*ENTRY(row)->mountpoint)
		value_text(value, "%s", ENTRY(row)->mountpoint);
}

static void get_consistency(const void *row, struct value *value)
{
	if (ENTRY(row)->flags & SHADOW_ADD_SHADOW)
		value_text(value, "%s", consistency_name(ENTRY(row)->consistency));
}

static void get_warning(const void *row, struct value *value)
{
	if (*ENTRY(row)->warning)
		value_text(value, "%s", ENTRY(row)->warning);
}

static const struct column columns[] = {
	{ "DEVICE", "path of the device", .get = get_device },
	{ "DEV", "its number", .get = get_dev },
	{ "SHADOW", "it gets a shadow", .get = get_shadow },
	{ "FREEZE", "it is frozen", .get = get_freeze },
	{ "FSTYPE", "what is mounted on it, in whatever namespace", .get = get_fstype },
	{ "MOUNTPOINT", "where, in this namespace", .get = get_mountpoint },
	{ "CONSISTENCY", "of the shadow: filesystem, crash or raw", .get = get_consistency },
	{ "WARNING", "why not better", .get = get_warning },
};

static const struct table plan_table = {
	.name = "plan",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "DEVICE,DEV,SHADOW,FREEZE,FSTYPE,MOUNTPOINT,CONSISTENCY,WARNING",
};

int print_plan(struct context *context, const struct shadowcopy_plan *plan)
{
	const struct shadowcopy_plan_entry *entries[SHADOW_MAX_FREEZE];
	struct rows rows = { entries, sizeof(*entries), shadowcopy_plan_count(plan), NULL };
	size_t i;

	for (i = 0; i < rows.count; i++)
		entries[i] = shadowcopy_plan_entry(plan, i);
	context->columns = NULL;	/* -o is for shadows */
	return table_print(context, &plan_table, &rows);
}
