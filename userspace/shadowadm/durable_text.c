// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable_text.c - entries of the log of a durable store in words.
 */
#include <inttypes.h>
#include <stdio.h>

#include "durable_text.h"
#include "libshadowcopy.h"

static void range(const char *what, u64 first, u64 len, char *buf, size_t size)
{
	if (len == 1)
		snprintf(buf, size, "%s %" PRIu64, what, first);
	else
		snprintf(buf, size, "%ss %" PRIu64 " to %" PRIu64, what, first, first + len - 1);
}

static void text_extent(const struct shadow_item *item, char *buf)
{
	char volume[80], store[80];

	range("block", item->extent.block, item->extent.len, volume, sizeof(volume));
	range("block", item->extent.loc, item->extent.len, store, sizeof(store));
	snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": %s of the volume, in %s", item->epoch,
		 volume, store);
}

static void text_free(const struct shadow_item *item, char *buf)
{
	char volume[80];

	range("block", item->extent.block, item->extent.len, volume, sizeof(volume));
	snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": %s of the volume free", item->epoch,
		 volume);
}

static void text_epoch(const struct shadow_item *item, char *buf)
{
	char uuid[SHADOWCOPY_UUID_LEN], set[SHADOWCOPY_UUID_LEN];

	snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": shadow %s of set %s", item->epoch,
		 shadowcopy_uuid_format((const void *)item->shadow->shadow, uuid),
		 shadowcopy_uuid_format((const void *)item->shadow->set, set));
}

static void text_head(const struct shadow_item *item, char *buf)
{
	const char *how = item->type == SHADOW_DISK_HEAD_IS ? "has" : "is going to have";

	if (item->type == SHADOW_DISK_HEAD_ANY)
		snprintf(buf, DURABLE_TEXT, "block %" PRIu64 " of the volume may be anything",
			 item->block);
	else
		snprintf(buf, DURABLE_TEXT, "block %" PRIu64 " of the volume %s checksum %08x",
			 item->block, how, item->crc);
}

char *durable_text(const struct shadow_item *item, char buf[DURABLE_TEXT])
{
	switch (item->type) {
	case SHADOW_DISK_NEXT:
		snprintf(buf, DURABLE_TEXT, "the log goes on at block %" PRIu64 ", for %u blocks",
			 item->loc, item->blocks);
		break;
	case SHADOW_DISK_EXTENT:
		text_extent(item, buf);
		break;
	case SHADOW_DISK_FREE:
		text_free(item, buf);
		break;
	case SHADOW_DISK_EPOCH:
		text_epoch(item, buf);
		break;
	case SHADOW_DISK_COMPLETE:
		snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": its set was made", item->epoch);
		break;
	case SHADOW_DISK_FLAGS:
		snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": %spersistent, %spinned",
			 item->epoch, item->flags & SHADOW_DISK_PERSISTENT ? "" : "not ",
			 item->flags & SHADOW_DISK_PINNED ? "" : "not ");
		break;
	case SHADOW_DISK_FOLD:
		snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": deleted", item->epoch);
		break;
	case SHADOW_DISK_REVERT:
		snprintf(buf, DURABLE_TEXT, "epoch %" PRIu64 ": the volume %s", item->epoch,
			 item->flags == SHADOW_DISK_REVERT_BEGUN ? "is being made what it was" :
			 item->flags == SHADOW_DISK_REVERT_NOTED ? "is to be made what it was" :
			 "is not to be made what it was any more");
		break;
	case SHADOW_DISK_LOST:
		snprintf(buf, DURABLE_TEXT, "all up to epoch %" PRIu64 " are lost: %s", item->epoch,
			 shadowcopy_reason_cause(item->reason));
		break;
	default:
		text_head(item, buf);
		break;
	}
	return buf;
}
