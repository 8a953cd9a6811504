/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan_table.h - the devices of a plan, as rows of a table.
 */
#ifndef SHADOWADM_PLAN_TABLE_H
#define SHADOWADM_PLAN_TABLE_H

#include "table.h"

/* Print them in the order in which they are frozen. */
int print_plan(struct context *context, const struct shadowcopy_plan *plan);

#endif /* SHADOWADM_PLAN_TABLE_H */
