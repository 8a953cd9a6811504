/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * volume_table.h - tracked volumes as rows of a table: struct shadow_volume_info.
 */
#ifndef SHADOWADM_VOLUME_TABLE_H
#define SHADOWADM_VOLUME_TABLE_H

#include "table.h"

/* The same columns with two defaults: what it is, and what it counts. */
extern const struct table volume_table;
extern const struct table stats_table;

#endif /* SHADOWADM_VOLUME_TABLE_H */
