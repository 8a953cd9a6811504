// SPDX-License-Identifier: GPL-2.0-only
/*
 * base_table.c - the columns of an instant since which changes are known.
 */
#include "base_table.h"

#define ROW(row) ((const struct base_row *)(row))
#define MEMBER(member) offsetof(struct base_row, member)

static void get_uuid(const void *row, struct value *value)
{
	value_uuid(value, &ROW(row)->info.uuid);
}

static void get_volume(const void *row, struct value *value)
{
	value_text(value, "%s", ROW(row)->info.volume_name);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", ROW(row)->info.volume.major, ROW(row)->info.volume.minor);
}

static void get_created(const void *row, struct value *value)
{
	value_number(value, VALUE_TIME, ROW(row)->info.created_ns);
}

static void get_kept(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(ROW(row)->info.flags & SHADOW_BASE_KEPT));
}

static void get_kind(const void *row, struct value *value)
{
	uint32_t flags = ROW(row)->info.flags;

	value_text(value, "%s", flags & SHADOW_BASE_BEGIN ? "begin" :
		   flags & SHADOW_BASE_KEPT ? "base" : "shadow");
}

static void get_device(const void *row, struct value *value)
{
	if (ROW(row)->index >= 0)
		value_text(value, "/dev/shadow%d", ROW(row)->index);
}

static void get_generation(const void *row, struct value *value)
{
	value_uuid(value, &ROW(row)->info.generation);
}

static const struct column columns[] = {
	{ "BASE", "identity: the UUID of its shadow", .get = get_uuid },
	{ "VOLUME", "kernel name of the volume", .get = get_volume },
	{ "DEV", "its device number", .get = get_dev },
	{ "CREATED", "the instant", .get = get_created },
	{ "KIND", "base (kept), shadow (goes with it), begin (tracking began, without a shadow)",
	  .get = get_kind },
	{ "KEPT", "outlives its shadow", .get = get_kept },
	{ "DEVICE", "its shadow, if that exists", .get = get_device },
	{ "SIZE", "size of the volume then", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(info.bytes) },
	{ "CHANGED", "written from then to the next one, or until now", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(info.changed_bytes) },
	{ "CHANGED-SINCE", "CHANGED of this and all later ones: no more has changed since",
	  .right = true, .type = VALUE_SIZE, .offset = MEMBER(since_bytes) },
	{ "MEMORY", "memory of what changed to the next one", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(info.memory_bytes) },
	{ "EPOCH", "number of the epoch that it ended", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(info.epoch) },
	{ "GENERATION", "only those of the same can be compared", .get = get_generation },
};

const struct table base_table = {
	.name = "bases",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "BASE,VOLUME,CREATED,DEVICE,CHANGED,CHANGED-SINCE,MEMORY",
};

/* Is @later one of the instants after @base that changes are added up over? */
static bool follows(const struct shadow_base_info *later, const struct shadow_base_info *base)
{
	return uuid_equal(&later->generation, &base->generation) && later->epoch >= base->epoch;
}

void base_rows(struct base_row *rows, const struct shadow_base_info *bases, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		rows[i] = (struct base_row){ .info = bases[i], .index = -1 };
		for (j = 0; j < count; j++)
			if (follows(&bases[j], &bases[i]))
				rows[i].since_bytes += bases[j].changed_bytes;
	}
}
