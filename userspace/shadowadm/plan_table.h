/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan_table.h - the devices of a plan, as rows of a table.
 */
#ifndef SHADOWADM_PLAN_TABLE_H
#define SHADOWADM_PLAN_TABLE_H

#include "stores.h"
#include "table.h"

/* Print them in the order in which they are frozen, and the stores of the volumes. */
int print_plan(struct context *context, const struct shadowcopy_plan *plan,
	       const struct store_request *requests, size_t count);

#endif /* SHADOWADM_PLAN_TABLE_H */
