/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * base_table.h - the instants since which changes are known, as a table has them.
 */
#ifndef SHADOWADM_BASE_TABLE_H
#define SHADOWADM_BASE_TABLE_H

#include "table.h"

struct base_row {
	struct shadow_base_info info;
	uint64_t since_bytes;	/* written from then until now; twice counts twice */
	int index;		/* of its shadow's device, -1: there is none */
};

extern const struct table base_table;

/* Rows of @count bases, with @since_bytes; they have no shadows yet. */
void base_rows(struct base_row *rows, const struct shadow_base_info *bases, size_t count);

#endif /* SHADOWADM_BASE_TABLE_H */
