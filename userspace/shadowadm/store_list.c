// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_list.c - shadowadm store list: the stores that are associated with volumes, and
 * those that are in use (VSS E-04).
 */
#include "store.h"
#include "stores.h"
#include "table.h"

struct store_row {
	struct shadow_dev volume;	/* 0:0 where it is not there, or for all */
	char volume_name[SHADOWCOPY_PATH_MAX];	/* as in stores.conf, or its path */
	struct shadowcopy_store store;
	char store_name[SHADOWCOPY_STORE_PATH_MAX + 1];
	uint32_t line;			/* of stores.conf; 0: not associated */
	bool in_use;
	struct shadow_store_info part;	/* where it is in use */
	uint32_t policy;
	struct shadowcopy_amount max_said;
};

struct list {
	struct store_row *rows;
	size_t count;
};

#define ROW(row) ((const struct store_row *)(row))

/* --- columns ------------------------------------------------------------------- */

static void get_volume(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->volume_name);
}

static void get_dev(const void *row, struct value *value)
{
	if (ROW(row)->volume.major || ROW(row)->volume.minor)
		value_text(value, "%u:%u", ROW(row)->volume.major, ROW(row)->volume.minor);
}

static void get_store(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->store_name);
}

static void get_kind(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_store_name(ROW(row)->store.type));
}

static void get_associated(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!ROW(row)->line);
}

static void get_line(const void *row, struct value *value)
{
	if (ROW(row)->line)
		value_number(value, VALUE_NUMBER, ROW(row)->line);
}

static void get_in_use(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, ROW(row)->in_use);
}

static void get_limit(const void *row, struct value *value)
{
	char amount[SHADOWCOPY_AMOUNT_LEN];

	if (ROW(row)->max_said.bytes || ROW(row)->max_said.percent)
		value_text(value, "%s", shadowcopy_amount_format(&ROW(row)->max_said, amount));
}

static void get_part(const void *row, struct value *value)
{
	if (ROW(row)->in_use)
		value_number(value, VALUE_NUMBER, ROW(row)->part.part);
}

static void get_state(const void *row, struct value *value)
{
	if (ROW(row)->in_use)
		value_text(value, "%s", shadowcopy_part_state_name(ROW(row)->part.state));
}

static void get_growth(const void *row, struct value *value)
{
	uint32_t flags = ROW(row)->part.flags;

	if (flags & (SHADOW_PART_GROWING | SHADOW_PART_GROW_FAILED))
		value_text(value, "%s", flags & SHADOW_PART_GROWING ? "growing" : "failed");
}

static void get_on_volume(const void *row, struct value *value)
{
	if (ROW(row)->in_use)
		value_number(value, VALUE_BOOL,
			     !!(ROW(row)->part.flags & SHADOW_PART_ON_VOLUME));
}

static void get_extents(const void *row, struct value *value)
{
	if (ROW(row)->part.extents)
		value_number(value, VALUE_NUMBER, ROW(row)->part.extents);
}

static void measure(const void *row, struct value *value, uint64_t bytes)
{
	if (ROW(row)->in_use)
		value_number(value, VALUE_SIZE, bytes);
}

static void get_max(const void *row, struct value *value)
{
	measure(row, value, ROW(row)->part.max_bytes);
}

static void get_allocated(const void *row, struct value *value)
{
	measure(row, value, ROW(row)->part.allocated_bytes);
}

static void get_used(const void *row, struct value *value)
{
	measure(row, value, ROW(row)->part.used_bytes);
}

static void get_policy(const void *row, struct value *value)
{
	if (ROW(row)->policy)
		value_text(value, "%s", shadowcopy_policy_name(ROW(row)->policy));
}

static const struct column columns[] = {
	{ "VOLUME", "the volume, as in stores.conf, or its path", .get = get_volume },
	{ "DEV", "its device number", .get = get_dev },
	{ "STORE", "where old data goes", .get = get_store },
	{ "KIND", "memory, device or file", .get = get_kind },
	{ "ASSOCIATED", "it is in stores.conf", .get = get_associated },
	{ "LINE", "in which line", .right = true, .get = get_line },
	{ "LIMIT", "how much it may hold, as that line says it", .right = true,
	  .get = get_limit },
	{ "IN-USE", "the volume's shadows have it", .get = get_in_use },
	{ "PART", "its number in their store", .right = true, .get = get_part },
	{ "STATE", "ready, or draining: being cleared out, or cut", .get = get_state },
	{ "GROWTH", "growing, or failed: it could not grow the last time", .get = get_growth },
	{ "ON-VOLUME", "it is on the volume itself", .get = get_on_volume },
	{ "EXTENTS", "in how many pieces it is on its device", .right = true,
	  .get = get_extents },
	{ "USED", "what is in it", .right = true, .get = get_used },
	{ "ALLOCATED", "what it has", .right = true, .get = get_allocated },
	{ "MAX", "what it may have", .right = true, .get = get_max },
	{ "POLICY", "what happens when it is full, where that line says it", .get = get_policy },
};

const struct table store_table = {
	.name = "stores",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "VOLUME,STORE,KIND,ASSOCIATED,LIMIT,IN-USE,PART,STATE,GROWTH,ON-VOLUME,"
		    "USED,ALLOCATED,MAX",
};

/* --- rows -------------------------------------------------------------------------- */

static struct store_row *add_row(struct list *list)
{
	struct store_row *rows = reallocarray(list->rows, list->count + 1, sizeof(*rows));

	if (!rows)
		return NULL;
	list->rows = rows;
	memset(&rows[list->count], 0, sizeof(*rows));
	return &rows[list->count++];
}

static int add_associations(struct context *context, struct shadowcopy_stores *stores,
			    struct list *list)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_volume volume;
	struct store_row *row;
	size_t i;

	for (i = 0; (entry = shadowcopy_stores_entry(stores, i)); i++) {
		row = add_row(list);
		if (!row)
			return fail(context, "there is not enough memory");
		row->line = entry->line;
		row->max_said = entry->max;
		row->policy = entry->policy;
		snprintf(row->volume_name, sizeof(row->volume_name), "%s", entry->volume);
		snprintf(row->store_name, sizeof(row->store_name), "%s", entry->store);
		if (strcmp(entry->volume, "*") &&
		    !shadowcopy_resolve(context->sc, entry->volume, &volume))
			row->volume = volume.dev;
		/* a store that is not there now is shown all the same */
		if (shadowcopy_store_parse(context->sc, entry->store, &row->store))
			row->store.type = strcmp(entry->store, "memory") ?
				(*entry->store == '/' && strncmp(entry->store, "/dev/", 5) ?
				 SHADOW_STORE_FILE : SHADOW_STORE_DEVICE) : SHADOW_STORE_MEMORY;
	}
	return STATUS_OK;
}

/* Note which rows are a volume's: its names are compared, not looked up. */
static void note_volume(struct shadowcopy_stores *stores, struct list *list,
			struct shadow_dev dev)
{
	const struct shadowcopy_association *entry;
	size_t index = 0, i;

	while ((entry = shadowcopy_stores_next(stores, dev, &index)))
		for (i = 0; i < list->count; i++)
			if (list->rows[i].line == entry->line)
				list->rows[i].volume = dev;
}

/* The row of a part that the module has: that of its association, or a new one. */
static struct store_row *row_in_use(struct context *context, struct list *list,
				    const struct shadow_store_info *part)
{
	struct shadowcopy_volume volume;
	struct store_row *row;
	size_t i;

	for (i = 0; i < list->count; i++) {
		row = &list->rows[i];
		if (!row->in_use && dev_equal(row->volume, part->volume) &&
		    shadowcopy_part_is(context->sc, part, &row->store) > 0)
			return row;
	}
	row = add_row(list);
	if (!row)
		return NULL;
	shadowcopy_describe(context->sc, part->volume, &volume);
	snprintf(row->volume_name, sizeof(row->volume_name), "%s", volume.path);
	row->volume = part->volume;
	row->store.type = part->type;
	shadowcopy_part_describe(context->sc, part, &row->store);
	store_label(&row->store, row->store_name, sizeof(row->store_name));
	if (!*row->store_name)	/* its filesystem cannot be seen from here */
		snprintf(row->store_name, sizeof(row->store_name), "%s",
			 shadowcopy_store_name(part->type));
	return row;
}

static int add_used(struct context *context, struct shadowcopy_stores *stores,
		    struct list *list)
{
	struct shadow_store_info part = { 0 };
	struct store_row *row;

	while (shadowcopy_part_next(context->sc, &part) > 0) {
		note_volume(stores, list, part.volume);
		row = row_in_use(context, list, &part);
		if (!row)
			return fail(context, "there is not enough memory");
		row->in_use = true;
		row->part = part;
	}
	/* without the module there are associations all the same */
	return STATUS_OK;
}

/* Keep the rows of one volume. */
static void filter(struct list *list, struct shadow_dev dev)
{
	size_t i, kept = 0;

	for (i = 0; i < list->count; i++)
		if (dev_equal(list->rows[i].volume, dev))
			list->rows[kept++] = list->rows[i];
	list->count = kept;
}

static int run(struct context *context, int argc, char **argv)
{
	struct list list = { 0 };
	struct rows rows = { .size = sizeof(*list.rows) };
	struct shadowcopy_stores *stores;
	struct shadowcopy_volume volume;
	int status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (argc - optind > 1)
		return usage(context, "it takes one volume at most");
	if (argc > optind && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	if (shadowcopy_stores_open(context->sc, 0, &stores))
		return fail_library(context);
	status = add_associations(context, stores, &list);
	if (!status)
		status = add_used(context, stores, &list);
	if (!status && argc > optind) {
		note_volume(stores, &list, volume.dev);
		filter(&list, volume.dev);
	}
	shadowcopy_stores_close(stores);
	rows.first = list.rows;
	rows.count = list.count;
	if (!status)
		status = table_print(context, &store_table, &rows);
	free(list.rows);
	return status;
}

const struct command store_list = {
	.name = "store list",
	.summary = "List the stores that are associated with volumes or in use",
	.synopsis = "[VOLUME] [OPTIONS]",
	.text = "What is in use, but not associated, is there until the volume's last shadow is\n"
		"deleted.  A file without a name is shown as a directory of its filesystem.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &store_table,
	.run = run,
};
