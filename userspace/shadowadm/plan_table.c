// SPDX-License-Identifier: GPL-2.0-only
/*
 * plan_table.c - what a set would freeze, and in which order.
 */
#include "plan_table.h"
#include "shadow_table.h"

struct plan_row {
	const struct shadowcopy_plan_entry *entry;
	const struct shadowcopy_choice *choice;	/* of a volume's store, else NULL */
};

#define ENTRY(row) (((const struct plan_row *)(row))->entry)
#define CHOICE(row) (((const struct plan_row *)(row))->choice)

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

/* The first part, and how many there are besides. */
static void get_store(const void *row, struct value *value)
{
	char label[SHADOWCOPY_STORE_PATH_MAX + 1];

	if (!CHOICE(row) || !CHOICE(row)->count)
		return;
	store_label(CHOICE(row)->stores, label, sizeof(label));
	if (CHOICE(row)->count > 1)
		value_text(value, "%s, %u more", label, CHOICE(row)->count - 1);
	else
		value_text(value, "%s", label);
}

static void get_rule(const void *row, struct value *value)
{
	if (CHOICE(row))
		value_text(value, "%s", shadowcopy_rule_name(CHOICE(row)->rule));
}

static const struct column columns[] = {
	{ "DEVICE", "path of the device", .get = get_device },
	{ "DEV", "its number", .get = get_dev },
	{ "SHADOW", "it gets a shadow", .get = get_shadow },
	{ "FREEZE", "it is frozen", .get = get_freeze },
	{ "FSTYPE", "what is mounted on it, in whatever namespace", .get = get_fstype },
	{ "MOUNTPOINT", "where, in this namespace", .get = get_mountpoint },
	{ "CONSISTENCY", "of the shadow: filesystem, crash or raw", .get = get_consistency },
	{ "STORE", "where old data goes: memory, a device, a file, a directory for a file "
	  "without a name", .get = get_store },
	{ "RULE", "why there", .get = get_rule },
	{ "WARNING", "why the shadow is not better", .get = get_warning },
};

static const struct table plan_table = {
	.name = "plan",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "DEVICE,DEV,SHADOW,FREEZE,FSTYPE,MOUNTPOINT,CONSISTENCY,STORE,RULE,WARNING",
};

int print_plan(struct context *context, const struct shadowcopy_plan *plan,
	       const struct store_request *requests, size_t count)
{
	struct plan_row all[SHADOW_MAX_FREEZE] = { 0 };
	struct rows rows = { all, sizeof(*all), shadowcopy_plan_count(plan), NULL };
	size_t i, j;

	for (i = 0; i < rows.count; i++) {
		all[i].entry = shadowcopy_plan_entry(plan, i);
		for (j = 0; j < count; j++)
			if (dev_equal(requests[j].volume.dev, all[i].entry->dev))
				all[i].choice = &requests[j].choice;
	}
	context->columns = NULL;	/* -o is for shadows */
	return table_print(context, &plan_table, &rows);
}
