// SPDX-License-Identifier: GPL-2.0-only
/*
 * format.c - what a durable store says of itself: its header, and the blocks of its log.
 *
 * Nothing that was read is believed.  A header or a block with a wrong checksum is no
 * header, and no block; one with a right checksum still has to say what can be: places
 * within the part, runs that do not wrap around, types that are known.
 */
#include <linux/crc32c.h>
#include <linux/string.h>
#include "format.h"

#define WHAT_BITS	56
#define WHAT_MASK	((1ULL << WHAT_BITS) - 1)
#define BLOCK_MASK	((1ULL << 48) - 1)
#define LIFE_BITS	32		/* of the number of a group: those of one life */
#define ERROR_MAX	4095
#define LIVES_MAX	(1ULL << 30)
#define NUMBER_MAX	(1ULL << 62)	/* what counts grows by one, and never gets there */

/* Of a block, as if the four bytes of its checksum were zero. */
static u32 crc_of(const void *block, size_t crc_at, size_t size)
{
	const u8 *bytes = block;
	__le32 zero = 0;
	u32 crc = crc32c(~0u, bytes, crc_at);

	crc = crc32c(crc, &zero, sizeof(zero));
	crc_at += sizeof(zero);
	return ~crc32c(crc, bytes + crc_at, size - crc_at);
}

static u32 block_crc(const void *block, size_t crc_at)
{
	return crc_of(block, crc_at, SHADOW_DISK_BLOCK);
}

/* --- the header ------------------------------------------------------------------- */

void shadow_header_seal(struct shadow_disk_header *h)
{
	memcpy(h->magic, SHADOW_DISK_MAGIC, sizeof(h->magic));
	h->version = cpu_to_le32(SHADOW_DISK_VERSION);
	h->crc = cpu_to_le32(block_crc(h, offsetof(struct shadow_disk_header, crc)));
}

static bool in_part(u64 loc, u64 n, u64 part_blocks)
{
	return loc < part_blocks && n && n <= part_blocks - loc;
}

enum shadow_format shadow_header_check(const struct shadow_disk_header *h)
{
	if (memcmp(h->magic, SHADOW_DISK_MAGIC, sizeof(h->magic)))
		return SHADOW_FORMAT_FOREIGN;
	if (le32_to_cpu(h->crc) != block_crc(h, offsetof(struct shadow_disk_header, crc)))
		return SHADOW_FORMAT_DAMAGED;
	if (le32_to_cpu(h->version) != SHADOW_DISK_VERSION ||
	    le32_to_cpu(h->incompat) & ~SHADOW_DISK_INCOMPAT)
		return SHADOW_FORMAT_NEWER;
	if (le64_to_cpu(h->part_blocks) > 1ULL << 40 || le32_to_cpu(h->parts) != 1 ||
	    h->part_id || !h->log_seq || !h->log_group || le64_to_cpu(h->seq) > LIVES_MAX ||
	    le64_to_cpu(h->log_seq) > NUMBER_MAX || le64_to_cpu(h->log_group) > NUMBER_MAX ||
	    !in_part(le64_to_cpu(h->log_loc), le32_to_cpu(h->log_segment),
		     le64_to_cpu(h->part_blocks)) ||
	    (h->dump_blocks && !in_part(le64_to_cpu(h->dump_loc), le32_to_cpu(h->dump_segment),
					le64_to_cpu(h->part_blocks))))
		return SHADOW_FORMAT_DAMAGED;
	return SHADOW_FORMAT_GOOD;
}

/* --- blocks of the log ----------------------------------------------------------------- */

void shadow_dump_begin(struct shadow_log_place *at, const struct shadow_disk_header *h)
{
	*at = (struct shadow_log_place){
		.id = le64_to_cpu(h->dump_id),
		.seq = 1,
		.group = 1,
		.loc = le64_to_cpu(h->dump_loc),
		.left = le32_to_cpu(h->dump_segment),
	};
}

void shadow_log_begin(struct shadow_log_place *at, const struct shadow_disk_header *h)
{
	*at = (struct shadow_log_place){
		.id = le64_to_cpu(h->log_id),
		.seq = le64_to_cpu(h->log_seq),
		.group = le64_to_cpu(h->log_group),
		.loc = le64_to_cpu(h->log_loc),
		.left = le32_to_cpu(h->log_segment),
	};
}

u64 shadow_log_next_life(const struct shadow_disk_header *h, u64 next)
{
	return max(next, le64_to_cpu(h->seq) << LIFE_BITS);
}

void shadow_log_seal(struct shadow_disk_log *b)
{
	b->magic = cpu_to_le32(SHADOW_DISK_LOG_MAGIC);
	b->crc = cpu_to_le32(block_crc(b, offsetof(struct shadow_disk_log, crc)));
}

bool shadow_log_valid(const struct shadow_disk_log *b, u64 id)
{
	return le32_to_cpu(b->magic) == SHADOW_DISK_LOG_MAGIC && le64_to_cpu(b->id) == id &&
	       le16_to_cpu(b->nr) <= SHADOW_DISK_LOG_ENTRIES &&
	       le32_to_cpu(b->crc) == block_crc(b, offsetof(struct shadow_disk_log, crc));
}

static unsigned int type_of(const struct shadow_disk_entry *e)
{
	return le64_to_cpu(e->what) >> WHAT_BITS;
}

/* Is there an entry that says where the next segment is? */
static const struct shadow_disk_entry *next_entry(const struct shadow_disk_log *b)
{
	unsigned int i, nr = le16_to_cpu(b->nr);

	for (i = 0; i < nr; i++) {
		if (type_of(&b->entry[i]) == SHADOW_DISK_NEXT)
			return &b->entry[i];
		if (type_of(&b->entry[i]) == SHADOW_DISK_EPOCH)
			i += SHADOW_DISK_EPOCH_ENTRIES;
	}
	return NULL;
}

enum shadow_format shadow_log_read(struct shadow_log_place *at, const struct shadow_disk_log *b,
				   u64 part_blocks, bool *last)
{
	const struct shadow_disk_entry *next;

	if (!shadow_log_valid(b, at->id) || le64_to_cpu(b->seq) != at->seq)
		return SHADOW_FORMAT_FOREIGN;
	/* Of a group that was never whole, and begun before this one. */
	if (le64_to_cpu(b->group) < at->group)
		return SHADOW_FORMAT_FOREIGN;
	if (at->begun && (le64_to_cpu(b->group) != at->group ||
			  at->begun >= SHADOW_GROUP_BLOCKS))
		return SHADOW_FORMAT_DAMAGED;
	if (le64_to_cpu(b->group) > NUMBER_MAX || at->seq > NUMBER_MAX)
		return SHADOW_FORMAT_DAMAGED;
	next = next_entry(b);
	if (next) {
		at->next_loc = le64_to_cpu(next->value);
		at->next_blocks = le64_to_cpu(next->what) & WHAT_MASK;
		if ((le64_to_cpu(next->what) & WHAT_MASK) > part_blocks ||
		    !in_part(at->next_loc, at->next_blocks, part_blocks))
			return SHADOW_FORMAT_DAMAGED;
	}
	at->seq++;
	at->group = le64_to_cpu(b->group);
	at->begun++;
	at->fresh = false;
	at->loc++;
	*last = le16_to_cpu(b->flags) & SHADOW_DISK_LAST;
	if (*last) {
		at->group++;
		at->begun = 0;
	}
	if (--at->left)
		return SHADOW_FORMAT_GOOD;
	if (!at->next_blocks)
		return SHADOW_FORMAT_DAMAGED;
	at->loc = at->next_loc;
	at->left = at->next_blocks;
	at->next_blocks = 0;
	at->fresh = true;
	return SHADOW_FORMAT_GOOD;
}

static bool good_run(u64 block, u64 len)
{
	return block <= BLOCK_MASK && len && len <= BLOCK_MASK + 1 - block;
}

static enum shadow_format decode(const struct shadow_disk_entry *e, u64 part_blocks,
				 struct shadow_item *item)
{
	u64 what = le64_to_cpu(e->what) & WHAT_MASK, value = le64_to_cpu(e->value);
	bool good = item->epoch <= NUMBER_MAX;

	switch (item->type) {
	case SHADOW_DISK_NEXT:
		item->loc = value;
		item->blocks = what;
		good = what <= part_blocks && in_part(value, what, part_blocks);
		break;
	case SHADOW_DISK_EXTENT:
		item->extent.block = what & BLOCK_MASK;
		item->extent.len = (what >> 48) + 1;
		item->extent.loc = value;
		good = good && good_run(item->extent.block, item->extent.len) &&
		       in_part(value, item->extent.len, part_blocks) &&
		       item->extent.block >> SHADOW_REGION_BITS ==
		       (item->extent.block + item->extent.len - 1) >> SHADOW_REGION_BITS;
		break;
	case SHADOW_DISK_FREE:
		item->extent.block = what;
		item->extent.len = value;
		good = good && good_run(what, value);
		break;
	case SHADOW_DISK_FLAGS:
		item->flags = what;
		item->epoch = value;
		good = value <= NUMBER_MAX;
		break;
	case SHADOW_DISK_EPOCH:
		good = what == SHADOW_DISK_EPOCH_ENTRIES && value <= NUMBER_MAX;
		item->epoch = value;
		break;
	case SHADOW_DISK_COMPLETE:
	case SHADOW_DISK_FOLD:
		good = !what && value <= NUMBER_MAX;
		item->epoch = value;
		break;
	case SHADOW_DISK_LOST:
		item->reason = what >> 32;
		item->error = (u32)what;
		item->epoch = value;
		good = item->error <= ERROR_MAX && value <= NUMBER_MAX;
		break;
	case SHADOW_DISK_REVERT:
		item->flags = what;
		item->epoch = value;
		good = what <= SHADOW_DISK_REVERT_BEGUN && value <= NUMBER_MAX;
		break;
	case SHADOW_DISK_HEAD_WILL:
	case SHADOW_DISK_HEAD_IS:
	case SHADOW_DISK_HEAD_ANY:
		item->block = what;
		item->crc = value;
		good = what < SHADOW_DISK_WATCHED && value <= U32_MAX;
		break;
	default:
		return SHADOW_FORMAT_NEWER;
	}
	return good ? SHADOW_FORMAT_GOOD : SHADOW_FORMAT_DAMAGED;
}

bool shadow_log_item(const struct shadow_disk_log *b, unsigned int *i, u64 *epoch,
		     u64 part_blocks, struct shadow_item *item, enum shadow_format *verdict)
{
	unsigned int nr = le16_to_cpu(b->nr);

	*verdict = SHADOW_FORMAT_GOOD;
	while (*i < nr) {
		const struct shadow_disk_entry *e = &b->entry[(*i)++];
		unsigned int type = type_of(e);

		if (type == SHADOW_DISK_AT)
			*epoch = le64_to_cpu(e->value);
		if (type == SHADOW_DISK_AT || type == SHADOW_DISK_NOTHING)
			continue;
		*item = (struct shadow_item){ .type = type, .epoch = *epoch };
		*verdict = decode(e, part_blocks, item);
		if (*verdict != SHADOW_FORMAT_GOOD)
			return false;
		if (type == SHADOW_DISK_EPOCH) {
			if (nr - *i < SHADOW_DISK_EPOCH_ENTRIES) {
				*verdict = SHADOW_FORMAT_DAMAGED;
				return false;
			}
			item->shadow = (const void *)&b->entry[*i];
			*i += SHADOW_DISK_EPOCH_ENTRIES;
		}
		return true;
	}
	return false;
}

/* --- what is known of changes ------------------------------------------------------- */

static u32 chunk_crc(const struct shadow_disk_saved *chunk, u32 blocks)
{
	return crc_of(chunk, offsetof(struct shadow_disk_saved, crc),
		      (size_t)blocks * SHADOW_DISK_BLOCK);
}

void shadow_saved_seal(struct shadow_disk_saved *chunk, u32 blocks)
{
	chunk->magic = cpu_to_le32(SHADOW_DISK_SAVED_MAGIC);
	chunk->crc = cpu_to_le32(chunk_crc(chunk, blocks));
}

bool shadow_saved_valid(const struct shadow_disk_saved *chunk, u32 blocks, u64 id, u64 seq,
			u64 part_blocks)
{
	u64 next = le32_to_cpu(chunk->next_blocks);

	return le32_to_cpu(chunk->magic) == SHADOW_DISK_SAVED_MAGIC &&
	       le64_to_cpu(chunk->id) == id && le64_to_cpu(chunk->seq) == seq &&
	       le32_to_cpu(chunk->bytes) <= blocks * SHADOW_DISK_BLOCK - sizeof(*chunk) &&
	       next <= SHADOW_DISK_SAVED_BLOCKS &&
	       (!next || in_part(le64_to_cpu(chunk->next_loc), next, part_blocks)) &&
	       le32_to_cpu(chunk->crc) == chunk_crc(chunk, blocks);
}

bool shadow_record_valid(u32 type, u32 bytes)
{
	switch (type) {
	case SHADOW_DISK_GENERATION:
		return bytes == sizeof(struct shadow_disk_generation);
	case SHADOW_DISK_MARK:
		return bytes == sizeof(struct shadow_disk_mark);
	case SHADOW_DISK_WAS_FREE:
		return bytes && bytes % sizeof(struct shadow_disk_run) == 0 &&
		       bytes <= SHADOW_DISK_RUNS * sizeof(struct shadow_disk_run);
	case SHADOW_DISK_BITS:
	case SHADOW_DISK_OVERLAY:
		return bytes == sizeof(struct shadow_disk_bits);
	case SHADOW_DISK_SAVED_END:
		return !bytes;
	default:
		return false;
	}
}
