// SPDX-License-Identifier: GPL-2.0-only
/*
 * table.c - tables for people (libsmartcols) and for programs (jansson).
 */
#include <ctype.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <time.h>

#include "table.h"

#define NS_PER_SEC 1000000000ULL

void value_text(struct value *value, const char *format, ...)
{
	va_list args;

	value->type = VALUE_TEXT;
	va_start(args, format);
	vsnprintf(value->text, sizeof(value->text), format, args);
	va_end(args);
}

void value_uuid(struct value *value, const struct shadow_uuid *uuid)
{
	value->type = VALUE_TEXT;
	shadowcopy_uuid_format(uuid, value->text);
}

static void get(const struct column *column, const void *row, struct value *value)
{
	value->type = VALUE_NONE;
	if (column->get) {
		column->get(row, value);
		return;
	}
	value->type = column->type;
	memcpy(&value->number, (const char *)row + column->offset, sizeof(value->number));
}

/* --- values --------------------------------------------------------------- */

static void render_time(uint64_t ns, bool json, char *buf, size_t size)
{
	time_t seconds = ns / NS_PER_SEC;
	struct tm tm;
	size_t used;

	if (!json) {
		localtime_r(&seconds, &tm);
		strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
		return;
	}
	gmtime_r(&seconds, &tm);
	used = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + used, size - used, ".%09uZ", (unsigned int)(ns % NS_PER_SEC));
}

static void render_span(uint64_t ns, char *buf, size_t size)
{
	if (ns < 1000)
		snprintf(buf, size, "%" PRIu64 "ns", ns);
	else if (ns < 1000000)
		snprintf(buf, size, "%.1fus", ns / 1e3);
	else if (ns < NS_PER_SEC)
		snprintf(buf, size, "%.1fms", ns / 1e6);
	else
		snprintf(buf, size, "%.2fs", ns / 1e9);
}

static void render(const struct context *context, const struct value *value, char *buf,
		   size_t size)
{
	char human[16];

	buf[0] = '\0';
	switch (value->type) {
	case VALUE_NONE:
		break;
	case VALUE_TEXT:
		snprintf(buf, size, "%s", value->text);
		break;
	case VALUE_SIZE:
		if (context->bytes)
			snprintf(buf, size, "%" PRIu64, value->number);
		else
			snprintf(buf, size, "%s", size_format(value->number, human));
		break;
	case VALUE_NUMBER:
		snprintf(buf, size, "%" PRIu64, value->number);
		break;
	case VALUE_TIME:
		render_time(value->number, false, buf, size);
		break;
	case VALUE_SPAN:
		render_span(value->number, buf, size);
		break;
	case VALUE_REAL:
		snprintf(buf, size, "%.2f", value->real);
		break;
	case VALUE_BOOL:
		snprintf(buf, size, "%s", value->number ? "yes" : "no");
		break;
	}
}

static json_t *to_json(const struct value *value)
{
	char buf[64];

	switch (value->type) {
	case VALUE_NONE:
		break;
	case VALUE_TEXT:
		return text_json(value->text);
	case VALUE_NUMBER:
	case VALUE_SIZE:
	case VALUE_SPAN:
		return number_json(value->number);
	case VALUE_TIME:
		render_time(value->number, true, buf, sizeof(buf));
		return text_json(buf);
	case VALUE_REAL:
		return real_json(value->real);
	case VALUE_BOOL:
		return json_boolean(value->number);
	}
	return NULL;
}

static void json_key(const struct column *column, const struct value *value, char *buf,
		     size_t size)
{
	size_t i;

	snprintf(buf, size, "%s%s", column->name, value->type == VALUE_SPAN ? "_ns" : "");
	for (i = 0; buf[i]; i++)
		buf[i] = buf[i] == '-' || buf[i] == ':' ? '_' : tolower((unsigned char)buf[i]);
}

/* --- the choice of columns ------------------------------------------------- */

#define COLUMNS_MAX 64

struct choice {
	size_t index[COLUMNS_MAX];
	size_t count;
};

static bool choose_one(const struct table *table, const char *name, size_t length,
		       struct choice *choice)
{
	size_t i;

	for (i = 0; i < table->count && choice->count < COLUMNS_MAX; i++)
		if (strlen(table->columns[i].name) == length &&
		    !strncasecmp(table->columns[i].name, name, length)) {
			choice->index[choice->count++] = i;
			return true;
		}
	return false;
}

/* NULL, or the word that is no column. */
static const char *choose_list(const struct table *table, const char *list,
			       struct choice *choice)
{
	while (*list) {
		size_t length = strcspn(list, ",");

		if (!choose_one(table, list, length, choice))
			return list;
		list += length;
		list += *list == ',';
	}
	return NULL;
}

static const char *choose(const struct context *context, const struct table *table,
			  struct choice *choice)
{
	const char *list = context->columns;

	choice->count = 0;
	if (!list || *list == '+')
		choose_list(table, table->defaults, choice);
	if (!list)
		return NULL;
	return choose_list(table, list + (*list == '+'), choice);
}

int table_check(struct context *context, const struct table *table)
{
	struct choice choice;
	const char *wrong = choose(context, table, &choice);

	if (wrong)
		return usage(context, "there is no column \"%.*s\"; the help lists those there are",
			     (int)strcspn(wrong, ","), wrong);
	if (!choice.count)
		return usage(context, "-o needs the name of a column at least");
	return STATUS_OK;
}

void table_help(const struct table *table, FILE *stream)
{
	size_t i;

	fprintf(stream, "\nColumns (shown without -o: %s):\n", table->defaults);
	for (i = 0; i < table->count; i++)
		fprintf(stream, "  %-18s %s\n", table->columns[i].name, table->columns[i].help);
}

/* --- output ----------------------------------------------------------------- */

json_t *table_row_json(struct context *context, const struct table *table, const void *row)
{
	json_t *object = json_object();
	struct choice choice;
	struct value value;
	char key[64];
	size_t i;

	choose(context, table, &choice);
	for (i = 0; i < (context->columns ? choice.count : table->count); i++) {
		const struct column *column =
			&table->columns[context->columns ? choice.index[i] : i];

		get(column, row, &value);
		json_key(column, &value, key, sizeof(key));
		json_value(object, key, to_json(&value));
	}
	return object;
}

static const void *row_at(const struct rows *rows, size_t index)
{
	return (const char *)rows->first + index * rows->size;
}

/* Rows below @parent, each with its own below it. */
static json_t *json_below(struct context *context, const struct table *table,
			  const struct rows *rows, int parent)
{
	json_t *array = json_array(), *object, *children;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		if (rows->parents && rows->parents[i] != parent)
			continue;
		object = table_row_json(context, table, row_at(rows, i));
		if (rows->parents) {
			children = json_below(context, table, rows, i);
			if (json_array_size(children))
				json_value(object, "children", children);
			else
				json_decref(children);
		}
		json_array_append_new(array, object);
	}
	return array;
}

json_t *table_json(struct context *context, const struct table *table, const struct rows *rows)
{
	return json_below(context, table, rows, -1);
}

static void print_line(struct context *context, const struct table *table,
		       const struct choice *choice, const void *row, struct libscols_line *line)
{
	char buf[SHADOWCOPY_PATH_MAX];
	struct value value;
	size_t i;

	for (i = 0; i < choice->count; i++) {
		get(&table->columns[choice->index[i]], row, &value);
		render(context, &value, buf, sizeof(buf));
		scols_line_set_data(line, i, buf);
	}
}

static int print_text(struct context *context, const struct table *table,
		      const struct rows *rows)
{
	struct libscols_line **lines = calloc(rows->count + 1, sizeof(*lines));
	struct libscols_table *out = scols_new_table();
	struct choice choice;
	int rc = STATUS_OK;
	size_t i;

	if (!out || !lines) {
		free(lines);
		scols_unref_table(out);
		return fail(context, "cannot print the table: there is not enough memory");
	}
	choose(context, table, &choice);
	scols_table_enable_noheadings(out, context->noheadings);
	for (i = 0; i < choice.count; i++) {
		const struct column *column = &table->columns[choice.index[i]];
		int flags = (column->right ? SCOLS_FL_RIGHT : 0) |
			    (column->tree && rows->parents ? SCOLS_FL_TREE : 0);

		scols_table_new_column(out, column->name, 0, flags);
	}
	for (i = 0; i < rows->count; i++) {
		int parent = rows->parents ? rows->parents[i] : -1;

		lines[i] = scols_table_new_line(out, parent < 0 ? NULL : lines[parent]);
		if (lines[i])
			print_line(context, table, &choice, row_at(rows, i), lines[i]);
	}
	if (scols_print_table(out) || fflush(stdout))
		rc = fail(context, "cannot write to standard output: %s", strerror(errno));
	scols_unref_table(out);
	free(lines);
	return rc;
}

int table_print(struct context *context, const struct table *table, const struct rows *rows)
{
	json_t *document;

	if (!context->json)
		return rows->count ? print_text(context, table, rows) : STATUS_OK;
	document = json_object();
	json_value(document, table->name, table_json(context, table, rows));
	return json_print(document);
}

int table_print_one(struct context *context, const struct table *table, const void *row)
{
	char buf[SHADOWCOPY_PATH_MAX];
	struct value value;
	size_t i;

	for (i = 0; i < table->count; i++) {
		get(&table->columns[i], row, &value);
		if (value.type == VALUE_NONE)
			continue;
		render(context, &value, buf, sizeof(buf));
		if (*buf)
			printf("%-20s %s\n", table->columns[i].name, buf);
	}
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}
