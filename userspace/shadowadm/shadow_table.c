// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow_table.c - the columns of a shadow.
 */
#include "exposed.h"
#include "shadow_table.h"
#include "users.h"

const char *consistency_name(uint32_t consistency)
{
	switch (consistency) {
	case SHADOWCOPY_CONSISTENT_FS:
		return "filesystem";
	case SHADOWCOPY_CONSISTENT_CRASH:
		return "crash";
	case SHADOWCOPY_CONSISTENT_RAW:
		return "raw";
	default:
		return "unknown";
	}
}

#define ROW(row) (&((const struct shadow_row *)(row))->info)
#define IS_SET(row) (((const struct shadow_row *)(row))->is_set)

static void get_device(const void *row, struct value *value)
{
	char path[IMAGE_PATH_LEN];

	if (!IS_SET(row))
		value_text(value, "%s", image_path(ROW(row), path));
	else if (!((const struct shadow_row *)row)->is_json)
		value_text(value, "set of %u", ROW(row)->set_count);
}

static void get_uuid(const void *row, struct value *value)
{
	value_uuid(value, IS_SET(row) ? &ROW(row)->set : &ROW(row)->uuid);
}

static void get_set(const void *row, struct value *value)
{
	value_uuid(value, &ROW(row)->set);
}

static void get_volume(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_text(value, "%s", ROW(row)->volume_name);
}

static void get_volume_dev(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_text(value, "%u:%u", ROW(row)->volume.major, ROW(row)->volume.minor);
}

static void get_image_dev(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_text(value, "%u:%u", ROW(row)->image.major, ROW(row)->image.minor);
}

static void get_index(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_NUMBER, ROW(row)->index);
}

static void get_created(const void *row, struct value *value)
{
	value_number(value, VALUE_TIME, ROW(row)->created_ns);
}

static void get_size(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_SIZE, ROW(row)->bytes);
}

static void get_used(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_SIZE, ROW(row)->blocks << SHADOW_BLOCK_SHIFT);
}

static void get_free(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_SIZE, ROW(row)->free_bytes);
}

static void get_state(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_text(value, "%s", shadowcopy_state_name(ROW(row)->state));
}

static void get_context(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_context_name(ROW(row)->context));
}

static void get_auto_release(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !(ROW(row)->flags & SHADOW_SET_NO_AUTO_RELEASE));
}

static void get_persistent(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(ROW(row)->flags & SHADOW_SET_PERSISTENT));
}

static void get_pinned(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_BOOL, !!(ROW(row)->flags & SHADOW_SHADOW_PINNED));
}

static bool is_writable(const void *row)
{
	return ROW(row)->flags & SHADOW_SET_WRITABLE && !(ROW(row)->flags & SHADOW_SHADOW_SEALED);
}

static void get_writable(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_BOOL, is_writable(row));
}

static void get_sealed(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_BOOL, !!(ROW(row)->flags & SHADOW_SHADOW_SEALED));
}

static void get_overlay(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_SIZE, ROW(row)->overlay_blocks << SHADOW_BLOCK_SHIFT);
}

static void get_revert(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_BOOL, !!(ROW(row)->flags & SHADOW_SHADOW_REVERT));
}

static void get_openers(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_NUMBER, ROW(row)->openers);
}

static void get_mountpoint(const void *row, struct value *value)
{
	char *mountpoint = IS_SET(row) ? NULL : mountpoint_of(ROW(row));

	if (mountpoint)
		value_text(value, "%s", mountpoint);
	free(mountpoint);
}

static void get_exposed(const void *row, struct value *value)
{
	char *directory = IS_SET(row) ? NULL : exposed_directory(&ROW(row)->uuid);

	if (directory)
		value_text(value, "%s", directory);
	free(directory);
}

static void get_set_count(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, ROW(row)->set_count);
}

static void get_epoch(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_NUMBER, ROW(row)->epoch);
}

static void get_reads(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_NUMBER, ROW(row)->reads);
}

static void get_read_bytes(const void *row, struct value *value)
{
	if (!IS_SET(row))
		value_number(value, VALUE_SIZE, ROW(row)->read_bytes);
}

static bool is_lost(const void *row)
{
	return !IS_SET(row) && ROW(row)->state == SHADOW_STATE_LOST;
}

static void get_reason(const void *row, struct value *value)
{
	if (is_lost(row))
		value_text(value, "%s", shadowcopy_reason_name(ROW(row)->fault.reason));
}

static void get_cause(const void *row, struct value *value)
{
	if (is_lost(row))
		value_text(value, "%s", shadowcopy_reason_cause(ROW(row)->fault.reason));
}

static void get_remedy(const void *row, struct value *value)
{
	if (is_lost(row))
		value_text(value, "%s", shadowcopy_reason_remedy(ROW(row)->fault.reason));
}

static const struct column columns[] = {
	{ "DEVICE", "path of the image", .tree = true, .get = get_device },
	{ "VOLUME", "kernel name of the volume at the instant", .get = get_volume },
	{ "CREATED", "the instant", .get = get_created },
	{ "SIZE", "size of the volume at the instant", .right = true, .get = get_size },
	{ "USED", "preserved data held for it", .right = true, .get = get_used },
	{ "FREE", "known to have been free at the instant, so zeros, and not preserved",
	  .right = true, .get = get_free },
	{ "STATE", "created, lost or deleting", .get = get_state },
	{ "WRITABLE", "takes writes, until sealed", .get = get_writable },
	{ "SEALED", "was writable, and is read-only for good", .get = get_sealed },
	{ "OVERLAY", "what was written to it, in the store", .right = true, .get = get_overlay },
	{ "OPENERS", "how many have the image open, a mount counts", .right = true,
	  .get = get_openers },
	{ "PINNED", "is never evicted", .get = get_pinned },
	{ "REVERT", "the volume is to be reverted to it, or is so in part", .get = get_revert },
	{ "MOUNTPOINT", "where it is mounted", .get = get_mountpoint },
	{ "EXPOSED", "where it is mounted at each boot", .get = get_exposed },
	{ "UUID", "identity", .get = get_uuid },
	{ "SET", "identity of its set", .get = get_set },
	{ "SET-COUNT", "shadows in the set when it was made", .right = true, .get = get_set_count },
	{ "CONTEXT", "what it was made for", .get = get_context },
	{ "AUTO-RELEASE", "goes with the program that made it", .get = get_auto_release },
	{ "PERSISTENT", "survives a reboot, in a durable store", .get = get_persistent },
	{ "INDEX", "N of /dev/shadowN", .right = true, .get = get_index },
	{ "IMAGE-DEV", "device number of the image", .get = get_image_dev },
	{ "VOLUME-DEV", "device number of the volume", .get = get_volume_dev },
	{ "EPOCH", "number of the epoch that it ended", .right = true, .get = get_epoch },
	{ "READS", "reads answered", .right = true, .get = get_reads },
	{ "READ-BYTES", "bytes read", .right = true, .get = get_read_bytes },
	{ "REASON", "why it was lost, as a word", .get = get_reason },
	{ "CAUSE", "why it was lost", .get = get_cause },
	{ "REMEDY", "what to do about it", .get = get_remedy },
};

const struct table shadow_table = {
	.name = "shadows",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "DEVICE,VOLUME,CREATED,SIZE,USED,STATE,UUID",
};
