// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume_table.c - the columns of a tracked volume, its counters among them, and
 * what is computed from them.
 */
#include "policy.h"
#include "volume_table.h"

#define INFO(row) ((const struct shadow_volume_info *)(row))

/* A column that is a member as it is. */
#define MEMBER(member) offsetof(struct shadow_volume_info, member)

static void get_shadows(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, INFO(row)->shadows);
}

static void get_name(const void *row, struct value *value)
{
	value_text(value, "%s", INFO(row)->name);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", INFO(row)->dev.major, INFO(row)->dev.minor);
}

static void get_disk(const void *row, struct value *value)
{
	value_text(value, "%u:%u", INFO(row)->disk.major, INFO(row)->disk.minor);
}

static void get_state(const void *row, struct value *value)
{
	uint32_t flags = INFO(row)->flags;

	value_text(value, "%s", flags & SHADOW_VOLUME_GONE ? "gone" :
		   flags & SHADOW_VOLUME_FAULTED ? "faulted" :
		   flags & SHADOW_VOLUME_REVERTING ? "reverting" :
		   flags & SHADOW_VOLUME_GATED ? "held" :
		   flags & SHADOW_VOLUME_THROTTLED ? "throttled" :
		   flags & SHADOW_VOLUME_PRESERVING ? "preserving" : "idle");
}

static void get_tracked(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, !!(INFO(row)->flags & SHADOW_VOLUME_TRACKED));
}

static void get_store(const void *row, struct value *value)
{
	const struct shadow_store_spec *store = &INFO(row)->store;

	if (store->type == SHADOW_STORE_DEVICE)
		value_text(value, "%u:%u", store->dev.major, store->dev.minor);
	else
		value_text(value, "%s", shadowcopy_store_name(store->type));
}

static void get_store_max(const void *row, struct value *value)
{
	if (INFO(row)->store.type != SHADOW_STORE_DEFAULT)
		value_number(value, VALUE_SIZE, INFO(row)->store.max_bytes);
}

static void get_policy(const void *row, struct value *value)
{
	char text[32];

	value_text(value, "%s", policy_text(INFO(row)->policy, INFO(row)->throttle_ms, text));
}

static void get_fault(const void *row, struct value *value)
{
	if (INFO(row)->protect_fault)
		value_text(value, "%s", shadowcopy_protect_fault_name(INFO(row)->protect_fault));
}

static void get_fault_cause(const void *row, struct value *value)
{
	if (INFO(row)->protect_fault)
		value_text(value, "%s", shadowcopy_protect_fault_text(INFO(row)->protect_fault));
}

static void get_full_seconds(const void *row, struct value *value)
{
	if (INFO(row)->full_seconds)
		value_number(value, VALUE_NUMBER, INFO(row)->full_seconds);
}

static void get_evicted(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, INFO(row)->evicted);
}

static void ratio(struct value *value, double dividend, double divisor)
{
	if (divisor > 0)
		value_real(value, dividend / divisor);
}

static void get_store_fill(const void *row, struct value *value)
{
	ratio(value, 100.0 * INFO(row)->store_used_bytes, INFO(row)->store.max_bytes);
}

/* Old data read and stored; the write itself would make it one more. */
static void get_bytes_per_block(const void *row, struct value *value)
{
	const struct shadow_volume_info *info = INFO(row);

	ratio(value, (double)info->origin_read_bytes + info->store_write_bytes,
	      info->blocks_preserved);
}

static void get_store_io(const void *row, struct value *value)
{
	ratio(value, INFO(row)->store_write_bytes, INFO(row)->store_writes);
}

static void get_origin_io(const void *row, struct value *value)
{
	ratio(value, INFO(row)->origin_read_bytes, INFO(row)->origin_reads);
}

static void get_direct_percent(const void *row, struct value *value)
{
	ratio(value, 100.0 * INFO(row)->bios_direct, INFO(row)->bios_seen);
}

static const struct column columns[] = {
	{ "VOLUME", "kernel name", .get = get_name },
	{ "DEV", "device number", .get = get_dev },
	{ "DISK", "device number of the whole disk it lies on", .get = get_disk },
	{ "START", "first sector on that disk, 512 bytes each", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(start_sector) },
	{ "SIZE", "its size", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(bytes) },
	{ "STATE", "idle, preserving (a shadow needs old data), throttled (writes wait for room "
	  "in the store), held, reverting (or so half-way), faulted (writes fail) or gone",
	  .get = get_state },
	{ "TRACKED", "tracked by command, not only for its shadows", .get = get_tracked },
	{ "SHADOWS", "its shadows, lost ones included", .right = true, .get = get_shadows },
	{ "EPOCH", "number of the current epoch", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(epoch) },
	{ "STORE", "its store, or the first part: none, memory, file or a device number",
	  .get = get_store },
	{ "STORE-MAX", "upper limit of the store", .right = true, .get = get_store_max },
	{ "STORE-USED", "of which used", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(store_used_bytes) },
	{ "STORE-FILL", "the same in per cent", .right = true, .get = get_store_fill },
	{ "FULL-SECONDS", "time until it is full, if it goes on being filled like this",
	  .right = true, .get = get_full_seconds },
	{ "POLICY", "what happens then: evict, throttle=SECONDS or fail-io", .get = get_policy },
	{ "FAULT", "why writes fail, as a word", .get = get_fault },
	{ "FAULT-CAUSE", "why writes fail", .get = get_fault_cause },
	{ "MEMORY-LIMIT", "bound of MEMORY", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(memory_limit_bytes) },
	{ "MEMORY", "preserved data in memory, not stored yet", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(memory_bytes) },
	{ "MEMORY-PEAK", "highest MEMORY so far", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(memory_peak_bytes) },
	{ "INDEX-BYTES", "memory of maps and records", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(index_bytes) },
	{ "BIOS-SEEN", "write bios that reached the volume", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_seen) },
	{ "BIOS-DIRECT", "of these, let through at once", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_direct) },
	{ "BIOS-PARKED", "of these, parked until old data was preserved", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_parked) },
	{ "BIOS-GATED", "of these, held at a closed gate", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_gated) },
	{ "BIOS-INFLIGHT", "admitted or parked, not completed yet", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_inflight) },
	{ "DIRECT-PERCENT", "BIOS-DIRECT in per cent of BIOS-SEEN", .right = true,
	  .get = get_direct_percent },
	{ "BLOCKS-PRESERVED", "blocks copied since tracking began", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(blocks_preserved) },
	{ "BLOCKS-AHEAD", "blocks copied before they were written", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(blocks_ahead) },
	{ "ORIGIN-READS", "reads of the origin for preservation", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(origin_reads) },
	{ "ORIGIN-READ-BYTES", "their bytes", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(origin_read_bytes) },
	{ "ORIGIN-IO-MEAN", "mean bytes of one", .right = true, .get = get_origin_io },
	{ "STORE-WRITES", "writes to the store", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(store_writes) },
	{ "STORE-WRITE-BYTES", "their bytes", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(store_write_bytes) },
	{ "STORE-IO-MEAN", "mean bytes of one", .right = true, .get = get_store_io },
	{ "BYTES-PER-BLOCK", "bytes read and stored for each block preserved", .right = true,
	  .get = get_bytes_per_block },
	{ "STORE-READS", "reads of the store for images", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(store_reads) },
	{ "STORE-READ-BYTES", "their bytes", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(store_read_bytes) },
	{ "IMAGE-ORIGIN-READS", "reads of the origin for images", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(image_origin_reads) },
	{ "IMAGE-ORIGIN-READ-BYTES", "their bytes", .right = true,
	  .type = VALUE_SIZE, .offset = MEMBER(image_origin_read_bytes) },
	{ "IMAGE-RETRIES", "of these, repeated from the store", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(image_retries) },
	{ "MEMORY-WAITS", "times that preservation waited for memory", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(memory_waits) },
	{ "LOST", "shadows lost so far", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(lost) },
	{ "EVICTED", "shadows evicted so far", .right = true, .get = get_evicted },
	{ "BIOS-REFUSED", "of BIOS-SEEN, failed to protect the shadows", .right = true,
	  .type = VALUE_NUMBER, .offset = MEMBER(bios_refused) },
	{ "HOLD", "length of the last hold of the gate", .right = true,
	  .type = VALUE_SPAN, .offset = MEMBER(hold_ns) },
	{ "DRAIN", "of which waiting for writes in flight", .right = true,
	  .type = VALUE_SPAN, .offset = MEMBER(drain_ns) },
};

const struct table volume_table = {
	.name = "volumes",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "VOLUME,DEV,SIZE,STATE,TRACKED,SHADOWS,STORE,STORE-USED,STORE-MAX",
};

const struct table stats_table = {
	.name = "volumes",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "VOLUME,SHADOWS,BIOS-SEEN,DIRECT-PERCENT,BIOS-PARKED,BLOCKS-PRESERVED,"
		    "BYTES-PER-BLOCK,STORE-IO-MEAN,STORE-FILL,MEMORY,MEMORY-PEAK,LOST,HOLD",
};
