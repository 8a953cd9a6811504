// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_changes.c - what the module made of nothing knows of changes.
 *
 *	FAKE_RUNS="FIRST+COUNT:STATE ..."
 *				runs of blocks, STATE in hexadecimal; those of all shadows
 *	FAKE_RUNS_EACH=N	so many are told at a time
 *	FAKE_FORGET=N		when so many have been told, what has changed is forgotten
 *	FAKE_TRACKING=REASON	why nothing older is known
 *	FAKE_BEGAN=N		so many nanoseconds before the shadows were made it began
 *
 * Bases that are kept are in $FAKE_STATE.bases from one run of the program to the next.
 */
#include <stdlib.h>

#include "../lib/private.h"
#include "fake.h"

#define BASES_MAX 64

static struct shadow_uuid generation_of(struct shadow_dev volume)
{
	return (struct shadow_uuid){ .b = { 0x77, volume.minor, [15] = 0x77 } };
}

static const struct shadow_uuid none;

static struct {
	uint32_t count;
	struct shadow_base_info info[BASES_MAX];
} kept;

static uint32_t number(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void transfer(bool store)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s.bases", getenv("FAKE_STATE") ?: "/nonexistent");
	file = fopen(path, store ? "we" : "re");
	if (!store)
		memset(&kept, 0, sizeof(kept));
	if (!file)
		return;
	if ((store ? fwrite(&kept, sizeof(kept), 1, file) :
	     fread(&kept, sizeof(kept), 1, file)) != 1)
		perror("fake");
	fclose(file);
}

static struct shadow_base_info *kept_base(const struct shadow_uuid *uuid)
{
	uint32_t i;

	for (i = 0; i < kept.count; i++)
		if (!memcmp(&kept.info[i].uuid, uuid, sizeof(*uuid)))
			return &kept.info[i];
	return NULL;
}

/* Kept ones first, then shadows that are not kept. */
static bool base_at(uint64_t index, struct shadow_base_info *info)
{
	const struct shadow_shadow_info *shadow;
	uint64_t i;

	if (index < kept.count) {
		*info = kept.info[index];
		if (fake_shadow_find(&info->uuid))
			info->flags |= SHADOW_BASE_SHADOW;
		return true;
	}
	index -= kept.count;
	for (i = 0; (shadow = fake_shadow_at(i)); i++) {
		if (kept_base(&shadow->uuid) || index--)
			continue;
		*info = (struct shadow_base_info){
			.uuid = shadow->uuid, .volume = shadow->volume,
			.generation = generation_of(shadow->volume),
			.flags = SHADOW_BASE_SHADOW, .epoch = shadow->epoch, .bytes = shadow->bytes,
			.created_ns = shadow->created_ns, .changed_bytes = 1 << 20,
			.memory_bytes = 4096,
		};
		memcpy(info->volume_name, shadow->volume_name, sizeof(info->volume_name));
		return true;
	}
	return false;
}

static bool find(const struct shadow_uuid *uuid, struct shadow_base_info *info)
{
	uint64_t i;

	for (i = 0; base_at(i, info); i++)
		if (!memcmp(&info->uuid, uuid, sizeof(*uuid)))
			return true;
	return false;
}

static int base_change(const struct shadow_base *base)
{
	struct shadow_base_info info, *old = kept_base(&base->uuid);

	if (!find(&base->uuid, &info))
		return -ENOENT;
	if (base->flags == SHADOW_BASE_KEEP && !old) {
		if (kept.count == BASES_MAX)
			return -ENOSPC;
		info.flags = SHADOW_BASE_KEPT;
		kept.info[kept.count++] = info;
	} else if (base->flags == SHADOW_BASE_DROP && old) {
		*old = kept.info[--kept.count];
	}
	return 0;
}

static int fail(struct shadow_fault *fault, int error, uint32_t reason)
{
	fault->error = error;
	fault->reason = reason;
	return -error;
}

/* Of the recorded runs those that end behind the offset. */
static void tell(struct shadow_map *map, uint32_t room)
{
	struct shadow_run *runs = (struct shadow_run *)(uintptr_t)map->runs;
	unsigned long long first, count, begin = map->offset;
	const char *text = getenv("FAKE_RUNS") ?: "";
	unsigned int state;
	int length;

	map->count = 0;
	for (; sscanf(text, "%llu+%llu:%x %n", &first, &count, &state, &length) == 3;
	     text += length) {
		state &= map->want;
		if (!state || (first + count) << SHADOW_BLOCK_SHIFT <= begin)
			continue;
		if (map->count == room)
			return;
		runs[map->count++] = (struct shadow_run){
			.first = first << SHADOW_BLOCK_SHIFT, .bytes = count << SHADOW_BLOCK_SHIFT,
			.state = state,
		};
		map->offset = (first + count) << SHADOW_BLOCK_SHIFT;
	}
	map->offset = map->bytes;
}

static int map(struct shadow_map *map)
{
	uint32_t each = number("FAKE_RUNS_EACH", map->count);
	struct shadow_base_info shadow, since;

	if (!find(&map->shadow, &shadow))
		return -ENOENT;
	if (memcmp(&map->since, &none, sizeof(none))) {
		if (!find(&map->since, &since))
			return -ENOENT;
		if (since.volume.minor != shadow.volume.minor)
			return fail(&map->fault, EXDEV, SHADOW_REASON_OTHER_VOLUME);
		if (since.epoch > shadow.epoch)
			return fail(&map->fault, EINVAL, SHADOW_REASON_CHANGES_ORDER);
	}
	if (getenv("FAKE_FORGET") && map->offset >= number("FAKE_FORGET", 0) << SHADOW_BLOCK_SHIFT)
		return fail(&map->fault, ENODATA, SHADOW_REASON_CHANGES_UNKNOWN);
	map->bytes = shadow.bytes;
	map->generation = generation_of(shadow.volume);
	tell(map, each < map->count ? each : map->count);
	return 0;
}

static int tracking_next(struct shadow_tracking_info *info)
{
	uint64_t cursor = info->cursor;
	const struct shadow_volume_info *volume = fake_volume_at(cursor);
	uint32_t i;

	if (!volume)
		return -ENOENT;
	*info = (struct shadow_tracking_info){
		.cursor = cursor + 1, .volume = volume->dev,
		.generation = generation_of(volume->dev),
		.began_ns = 1700000000123456789 - number("FAKE_BEGAN", 0), .memory_bytes = 8192,
		.reason = number("FAKE_TRACKING", SHADOW_TRACKING_BEGAN),
		.memory_limit_bytes = 64 << 20, .forgotten = 3,
	};
	if (info->reason == SHADOW_TRACKING_NONE)
		info->generation = none;
	for (i = 0; i < kept.count; i++)
		info->bases += sc_dev_equal(kept.info[i].volume, volume->dev);
	memcpy(info->volume_name, volume->name, sizeof(info->volume_name));
	return 0;
}

bool fake_bases_kept(struct shadow_dev dev)
{
	bool found = false;
	uint32_t i;

	transfer(false);
	for (i = 0; i < kept.count; i++)
		found |= sc_dev_equal(kept.info[i].volume, dev);
	return found;
}

int fake_changes(unsigned long request, void *argument)
{
	struct shadow_base_info *info = argument;
	uint64_t cursor;
	int rc;

	transfer(false);
	switch (request) {
	case SHADOW_IOC_MAP:
		return map(argument);
	case SHADOW_IOC_BASE_NEXT:
		cursor = info->cursor;
		if (!base_at(cursor, info))
			return -ENOENT;
		info->cursor = cursor + 1;
		return 0;
	case SHADOW_IOC_BASE_CHANGE:
		rc = base_change(argument);
		transfer(true);
		return rc;
	case SHADOW_IOC_TRACKING_NEXT:
		return tracking_next(argument);
	default:
		return -ENOTTY;
	}
}
