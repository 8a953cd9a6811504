// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracking.c - the columns of what is known of the changes of a volume.
 */
#include <time.h>

#include "table.h"
#include "tracking.h"

#define INFO(row) ((const struct shadow_tracking_info *)(row))
#define MEMBER(member) offsetof(struct shadow_tracking_info, member)
#define NS_PER_SEC 1000000000LL

static bool is_known(const struct shadow_tracking_info *info)
{
	static const struct shadow_uuid none;

	return !uuid_equal(&info->generation, &none);
}

static void get_name(const void *row, struct value *value)
{
	value_text(value, "%s", INFO(row)->volume_name);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", INFO(row)->volume.major, INFO(row)->volume.minor);
}

static void get_since(const void *row, struct value *value)
{
	if (is_known(INFO(row)))
		value_number(value, VALUE_TIME, INFO(row)->began_ns);
}

static void get_generation(const void *row, struct value *value)
{
	if (is_known(INFO(row)))
		value_uuid(value, &INFO(row)->generation);
}

static void get_reason(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_tracking_name(INFO(row)->reason));
}

static void get_cause(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_tracking_text(INFO(row)->reason));
}

static void get_bases(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, INFO(row)->bases);
}

static const struct column columns[] = {
	{ "VOLUME", "kernel name", .get = get_name },
	{ "DEV", "device number", .get = get_dev },
	{ "SINCE", "since when its changes are known", .get = get_since },
	{ "REASON", "why not longer, as a word", .get = get_reason },
	{ "CAUSE", "why not longer", .get = get_cause },
	{ "BASES", "how many bases are kept", .right = true, .get = get_bases },
	{ "MEMORY", "memory of what is known", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(memory_bytes) },
	{ "MEMORY-LIMIT", "bound of MEMORY: the oldest is forgotten first", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(memory_limit_bytes) },
	{ "FORGOTTEN", "instants that were forgotten for that, so far", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(forgotten) },
	{ "GENERATION", "identity of what is known without a gap", .get = get_generation },
};

const struct table tracking_table = {
	.name = "tracking",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "VOLUME,SINCE,CAUSE,BASES,MEMORY,MEMORY-LIMIT",
};

bool tracking_find(struct shadowcopy *sc, struct shadow_dev dev,
		   struct shadow_tracking_info *info)
{
	*info = (struct shadow_tracking_info){ 0 };
	while (shadowcopy_tracking_next(sc, info) > 0)
		if (dev_equal(info->volume, dev))
			return true;
	return false;
}

char *tracking_began(const struct shadow_tracking_info *info, char buf[32])
{
	time_t seconds = info->began_ns / NS_PER_SEC;
	struct tm tm;

	buf[0] = '\0';
	if (is_known(info)) {
		localtime_r(&seconds, &tm);
		strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm);
	}
	return buf;
}

json_t *tracking_json(struct context *context, const struct shadow_tracking_info *info)
{
	return table_row_json(context, &tracking_table, info);
}
