/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shadow_table.h - shadows as rows of a table.
 */
#ifndef SHADOWADM_SHADOW_TABLE_H
#define SHADOWADM_SHADOW_TABLE_H

#include "table.h"

/*
 * A shadow, or with @is_set the set that it belongs to (a row of --tree).
 * Where @is_json a set has no words in the place of its device.
 * @consistency and @warning are known to the maker only, else 0 and NULL.
 */
struct shadow_row {
	struct shadow_shadow_info info;
	bool is_set;
	bool is_json;
	uint32_t consistency;
	const char *warning;
};

extern const struct table shadow_table;

const char *consistency_name(uint32_t consistency);

#endif /* SHADOWADM_SHADOW_TABLE_H */
