// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume_table.c - the columns of a tracked volume, its counters among them, and
 * what is computed from them.
 */
#include "volume_table.h"

#define INFO(row) ((const struct shadow_volume_info *)(row))

#define NUMBER(function, member, type) \
	static void function(const void *row, struct value *value) \
	{ \
		value_number(value, type, (INFO(row)->member)); \
	}

NUMBER(get_shadows, shadows, VALUE_NUMBER)
NUMBER(get_start, start_sector, VALUE_NUMBER)
NUMBER(get_size, bytes, VALUE_SIZE)
NUMBER(get_epoch, epoch, VALUE_NUMBER)
NUMBER(get_store_used, store_used_bytes, VALUE_SIZE)
NUMBER(get_memory_limit, memory_limit_bytes, VALUE_SIZE)
NUMBER(get_memory, memory_bytes, VALUE_SIZE)
NUMBER(get_memory_peak, memory_peak_bytes, VALUE_SIZE)
NUMBER(get_index_bytes, index_bytes, VALUE_SIZE)
NUMBER(get_bios_seen, bios_seen, VALUE_NUMBER)
NUMBER(get_bios_direct, bios_direct, VALUE_NUMBER)
NUMBER(get_bios_parked, bios_parked, VALUE_NUMBER)
NUMBER(get_bios_gated, bios_gated, VALUE_NUMBER)
NUMBER(get_bios_inflight, bios_inflight, VALUE_NUMBER)
NUMBER(get_blocks_preserved, blocks_preserved, VALUE_NUMBER)
NUMBER(get_origin_reads, origin_reads, VALUE_NUMBER)
NUMBER(get_origin_read_bytes, origin_read_bytes, VALUE_SIZE)
NUMBER(get_store_writes, store_writes, VALUE_NUMBER)
NUMBER(get_store_write_bytes, store_write_bytes, VALUE_SIZE)
NUMBER(get_store_reads, store_reads, VALUE_NUMBER)
NUMBER(get_store_read_bytes, store_read_bytes, VALUE_SIZE)
NUMBER(get_image_origin_reads, image_origin_reads, VALUE_NUMBER)
NUMBER(get_image_origin_read_bytes, image_origin_read_bytes, VALUE_SIZE)
NUMBER(get_image_retries, image_retries, VALUE_NUMBER)
NUMBER(get_memory_waits, memory_waits, VALUE_NUMBER)
NUMBER(get_lost, lost, VALUE_NUMBER)
NUMBER(get_hold, hold_ns, VALUE_SPAN)
NUMBER(get_drain, drain_ns, VALUE_SPAN)

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
		   flags & SHADOW_VOLUME_GATED ? "held" :
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
	{ "START", "first sector on that disk, 512 bytes each", .right = true, .get = get_start },
	{ "SIZE", "its size", .right = true, .get = get_size },
	{ "STATE", "idle, preserving (a shadow needs old data), held or gone", .get = get_state },
	{ "TRACKED", "tracked by command, not only for its shadows", .get = get_tracked },
	{ "SHADOWS", "its shadows, lost ones included", .right = true, .get = get_shadows },
	{ "EPOCH", "number of the current epoch", .right = true, .get = get_epoch },
	{ "STORE", "its store: none, memory or a device number", .get = get_store },
	{ "STORE-MAX", "upper limit of the store", .right = true, .get = get_store_max },
	{ "STORE-USED", "of which used", .right = true, .get = get_store_used },
	{ "STORE-FILL", "the same in per cent", .right = true, .get = get_store_fill },
	{ "MEMORY-LIMIT", "bound of MEMORY", .right = true, .get = get_memory_limit },
	{ "MEMORY", "preserved data in memory, not stored yet", .right = true, .get = get_memory },
	{ "MEMORY-PEAK", "highest MEMORY so far", .right = true, .get = get_memory_peak },
	{ "INDEX-BYTES", "memory of maps and records", .right = true, .get = get_index_bytes },
	{ "BIOS-SEEN", "write bios that reached the volume", .right = true, .get = get_bios_seen },
	{ "BIOS-DIRECT", "of these, let through at once", .right = true, .get = get_bios_direct },
	{ "BIOS-PARKED", "of these, parked until old data was preserved", .right = true,
	  .get = get_bios_parked },
	{ "BIOS-GATED", "of these, held at a closed gate", .right = true, .get = get_bios_gated },
	{ "BIOS-INFLIGHT", "admitted or parked, not completed yet", .right = true,
	  .get = get_bios_inflight },
	{ "DIRECT-PERCENT", "BIOS-DIRECT in per cent of BIOS-SEEN", .right = true,
	  .get = get_direct_percent },
	{ "BLOCKS-PRESERVED", "blocks copied since tracking began", .right = true,
	  .get = get_blocks_preserved },
	{ "ORIGIN-READS", "reads of the origin for preservation", .right = true,
	  .get = get_origin_reads },
	{ "ORIGIN-READ-BYTES", "their bytes", .right = true, .get = get_origin_read_bytes },
	{ "ORIGIN-IO-MEAN", "mean bytes of one", .right = true, .get = get_origin_io },
	{ "STORE-WRITES", "writes to the store", .right = true, .get = get_store_writes },
	{ "STORE-WRITE-BYTES", "their bytes", .right = true, .get = get_store_write_bytes },
	{ "STORE-IO-MEAN", "mean bytes of one", .right = true, .get = get_store_io },
	{ "BYTES-PER-BLOCK", "bytes read and stored for each block preserved", .right = true,
	  .get = get_bytes_per_block },
	{ "STORE-READS", "reads of the store for images", .right = true, .get = get_store_reads },
	{ "STORE-READ-BYTES", "their bytes", .right = true, .get = get_store_read_bytes },
	{ "IMAGE-ORIGIN-READS", "reads of the origin for images", .right = true,
	  .get = get_image_origin_reads },
	{ "IMAGE-ORIGIN-READ-BYTES", "their bytes", .right = true,
	  .get = get_image_origin_read_bytes },
	{ "IMAGE-RETRIES", "of these, repeated from the store", .right = true,
	  .get = get_image_retries },
	{ "MEMORY-WAITS", "times that preservation waited for memory", .right = true,
	  .get = get_memory_waits },
	{ "LOST", "shadows lost so far", .right = true, .get = get_lost },
	{ "HOLD", "length of the last hold of the gate", .right = true, .get = get_hold },
	{ "DRAIN", "of which waiting for writes in flight", .right = true, .get = get_drain },
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
