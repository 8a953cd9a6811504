/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - one description of columns for text and for JSON.
 *
 * A column knows how to take its value from a row; the type of the value
 * decides how it is written: as text for people, or as JSON.
 */
#ifndef SHADOWADM_TABLE_H
#define SHADOWADM_TABLE_H

#include <stddef.h>

#include "shadowadm.h"

enum value_type {
	VALUE_NONE,	/* nothing to tell: empty, null */
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_SIZE,	/* bytes; for people 1.5G unless --bytes */
	VALUE_TIME,	/* CLOCK_REALTIME, nanoseconds */
	VALUE_SPAN,	/* nanoseconds; the JSON key gets "_ns" */
	VALUE_REAL,
	VALUE_BOOL,
};

struct value {
	enum value_type type;
	union {
		char text[SHADOWCOPY_PATH_MAX];
		uint64_t number;
		double real;
	};
};

void value_text(struct value *value, const char *format, ...) PRINTF(2, 3);
void value_uuid(struct value *value, const struct shadow_uuid *uuid);

static inline void value_number(struct value *value, enum value_type type, uint64_t number)
{
	value->type = type;
	value->number = number;
}

static inline void value_real(struct value *value, double real)
{
	value->type = VALUE_REAL;
	value->real = real;
}

/*
 * Its value comes from @get, or where that is NULL is the 64-bit number of type
 * @type at @offset of the row.
 */
struct column {
	const char *name;	/* header; in JSON lower case, '-' becomes '_' */
	const char *help;
	bool right;
	bool tree;		/* the column that carries the tree's branches */
	void (*get)(const void *row, struct value *value);
	enum value_type type;
	size_t offset;
};

struct table {
	const char *name;	/* of the JSON array */
	const struct column *columns;
	size_t count;
	const char *defaults;	/* shown without -o */
};

/*
 * Rows to print, in order.  @parents, may be NULL: for each row the index of
 * the row that it hangs below, which comes before it, or -1.
 */
struct rows {
	const void *first;
	size_t size;
	size_t count;
	const int *parents;
};

/* Check the argument of -o.  STATUS_OK, or STATUS_USAGE with a message. */
int table_check(struct context *context, const struct table *table);

/* Print as text, or as {"NAME": [...]} with --json. */
int table_print(struct context *context, const struct table *table, const struct rows *rows);

/* Print as "NAME  VALUE" lines, all columns that have a value. */
int table_print_one(struct context *context, const struct table *table, const void *row);

/* All columns, or those of -o, of one row. */
json_t *table_row_json(struct context *context, const struct table *table, const void *row);

/* The same for many rows, as an array. */
json_t *table_json(struct context *context, const struct table *table, const struct rows *rows);

void table_help(const struct table *table, FILE *stream);

#endif /* SHADOWADM_TABLE_H */
