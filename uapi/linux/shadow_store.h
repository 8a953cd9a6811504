/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shadow_store.h - the format of durable stores, as it lies on devices.
 *
 * A store consists of parts, devices or files.  Each begins with a head of 1 MiB, which has two
 * copies of the part's header, and then has blocks of 4096 bytes, numbered from 0 on.  A location
 * names a part (bits 40 to 47) and a block in it (bits 0 to 39).
 *
 * What the blocks hold is in a log: a chain of segments, of which each is a run of blocks in
 * one part.  Blocks of the log are written in groups; a group counts if all of it is there,
 * and is written only when all before it is on stable storage, and all data that it names.
 * So that it does not grow for ever, what it has come to is put together in a second chain of
 * the same kind, the dump; then the log is read from where it was when that was begun.
 *
 * All numbers are little-endian.  What is reserved is zero.  Documentation/store-format.rst
 * says what the entries mean, and in which order what is written.
 */
#ifndef _UAPI_LINUX_SHADOW_STORE_H
#define _UAPI_LINUX_SHADOW_STORE_H

#include <linux/types.h>

#define SHADOW_DISK_MAGIC	"shadowcopy-store"	/* 16 bytes, without a NUL */
#define SHADOW_DISK_VERSION	1
#define SHADOW_DISK_BLOCK	4096
#define SHADOW_DISK_HEAD	(1 << 20)	/* bytes before block 0 of a part */
#define SHADOW_DISK_HEADERS	2
#define SHADOW_DISK_HEADER_STEP	(64 << 10)	/* bytes from one header to the next */
#define SHADOW_DISK_FILE_HEADER	(128 << 10)	/* where the first one is in a file; else at 0 */

/*
 * Features that are known.  Who does not know one of the first may use the store, of the
 * second may only read it, of the third must leave it alone.
 */
#define SHADOW_DISK_COMPAT	0
#define SHADOW_DISK_RO_COMPAT	0
#define SHADOW_DISK_INCOMPAT	0

/* Flags of a header: it could not be written for a while, and what it says is not true. */
#define SHADOW_DISK_FAILED	(1 << 0)

/**
 * struct shadow_disk_header - what a part is
 * @magic: SHADOW_DISK_MAGIC
 * @crc: CRC-32C of the whole block, with this field zero; begun with and inverted by ~0
 * @version: SHADOW_DISK_VERSION
 * @seq: of the store's headers the one with the highest counts; no more than 2^30
 * @compat: features
 * @ro_compat: features
 * @incompat: features
 * @flags: SHADOW_DISK_FAILED
 * @store: identity of the store
 * @part: identity of this part
 * @part_id: its number in the store
 * @parts: how many the store has
 * @part_blocks: blocks of this part
 * @volume_sectors: size of the volume when the header was written, 512-byte sectors
 * @volume: its kernel name then, NUL-terminated; a help, not a proof
 * @created: when the store was made, seconds since 1970
 * @dump_id: of the blocks of the dump
 * @dump_loc: its first segment
 * @dump_segment: blocks of that
 * @dump_blocks: blocks that the dump has in all, numbered from 1 on; 0: there is none
 * @log_id: of the blocks of the log
 * @log_loc: the first segment that is to be read
 * @log_segment: blocks of that
 * @reserved1: zero
 * @log_seq: number of its first block
 * @log_group: number of its first group
 * @log_end: number of the block that it ends before, if the store was detached; else 0
 * @saved_id: of the chunks with what is known of changes
 * @saved_loc: the first one
 * @saved_end: @log_end when they were written: if it is another one, they say nothing any more
 * @saved_blocks: blocks of the first one
 * @saved_state: enum shadow_disk_saved_state
 * @reserved: zero
 */
struct shadow_disk_header {
	__u8	magic[16];
	__le32	crc;
	__le32	version;
	__le64	seq;
	__le32	compat;
	__le32	ro_compat;
	__le32	incompat;
	__le32	flags;
	__u8	store[16];
	__u8	part[16];
	__le32	part_id;
	__le32	parts;
	__le64	part_blocks;
	__le64	volume_sectors;
	__u8	volume[64];
	__le64	created;
	__le64	dump_id;
	__le64	dump_loc;
	__le32	dump_segment;
	__le32	dump_blocks;
	__le64	log_id;
	__le64	log_loc;
	__le32	log_segment;
	__le32	reserved1;
	__le64	log_seq;
	__le64	log_group;
	__le64	log_end;
	__le64	saved_id;
	__le64	saved_loc;
	__le64	saved_end;
	__le32	saved_blocks;
	__le32	saved_state;
	__u8	reserved[3816];
};

enum shadow_disk_saved_state {
	SHADOW_DISK_SAVED_NONE	= 0,	/* nothing was known of changes */
	SHADOW_DISK_SAVED_ALL	= 1,
	SHADOW_DISK_SAVED_NO_ROOM = 2,	/* there was no room for it */
};

/**
 * struct shadow_disk_entry - an entry of the log
 * @what: enum shadow_disk_type in bits 56 to 63, the rest as the type says
 * @value: as the type says
 */
struct shadow_disk_entry {
	__le64	what;
	__le64	value;
};

/*
 * What an entry says: what @what has beside the type; and @value.  "n" is the number of an
 * epoch.
 */
enum shadow_disk_type {
	SHADOW_DISK_NOTHING	= 0,	/* skip it */
	/* Where a segment ends, and where it begins if it is known by then. */
	SHADOW_DISK_NEXT	= 1,	/* blocks of the next segment; its location */
	SHADOW_DISK_AT		= 2,	/* -; n: what follows in this block belongs to it */
	SHADOW_DISK_EXTENT	= 3,	/* preserved: length - 1 (48 to 55), block; location */
	SHADOW_DISK_FREE	= 4,	/* free at the instant: first block; how many */
	/* They follow, as struct shadow_disk_epoch, in the same block. */
	SHADOW_DISK_EPOCH	= 5,	/* SHADOW_DISK_EPOCH_ENTRIES; n: a shadow */
	SHADOW_DISK_COMPLETE	= 6,	/* -; n: its set was made */
	SHADOW_DISK_FLAGS	= 7,	/* SHADOW_DISK_* bits; n */
	SHADOW_DISK_FOLD	= 8,	/* -; n: deleted, its records go to the next older shadow */
	SHADOW_DISK_LOST	= 9,	/* reason (32 to 47), errno (0 to 31); n: all up to it */
	SHADOW_DISK_HEAD_WILL	= 10,	/* block of the volume; CRC-32 that it may have */
	SHADOW_DISK_HEAD_IS	= 11,	/* likewise; ... that it has, and no older one */
	SHADOW_DISK_HEAD_ANY	= 12,	/* block of the volume; 0: it may hold anything */
	SHADOW_DISK_REVERT	= 13,	/* enum shadow_disk_revert; n: made what it was then */
	SHADOW_DISK_TYPES
};

/* Is the volume to be made what it was at the instant of a shadow? */
enum shadow_disk_revert {
	SHADOW_DISK_REVERT_OVER	= 0,	/* no longer */
	SHADOW_DISK_REVERT_NOTED = 1,	/* when the store is attached */
	SHADOW_DISK_REVERT_BEGUN = 2,	/* it may be so in part */
};

/* Flags of a shadow. */
#define SHADOW_DISK_PERSISTENT	(1 << 0)	/* else it is gone after the next attaching */
#define SHADOW_DISK_PINNED	(1 << 1)

/*
 * Blocks of the volume at its beginning whose contents show if somebody else has written.  Their
 * checksum is CRC-32 as in Ethernet and zlib, not CRC-32C: filesystems protect their superblocks
 * by that one, and the CRC of something with its own CRC in it is always the same.
 */
#define SHADOW_DISK_WATCHED	32

/**
 * struct shadow_disk_epoch - a shadow; follows its entry
 * @shadow: identity
 * @set: identity of its set
 * @created_ns: the instant, nanoseconds since 1970
 * @sectors: its size
 * @flags: SHADOW_DISK_* bits
 * @context: of the set
 * @set_count: shadows in the set
 * @reserved: zero
 */
struct shadow_disk_epoch {
	__u8	shadow[16];
	__u8	set[16];
	__le64	created_ns;
	__le64	sectors;
	__le32	flags;
	__le32	context;
	__le32	set_count;
	__le32	reserved;
};

#define SHADOW_DISK_EPOCH_ENTRIES 4	/* as many as the struct takes */

#define SHADOW_DISK_LOG_MAGIC	0x676f4c73	/* "sLog" */
#define SHADOW_DISK_LOG_ENTRIES	253

/* Flags of a log block. */
#define SHADOW_DISK_LAST	(1 << 0)	/* the last one of its group */

/**
 * struct shadow_disk_log - a block of the log
 * @magic: SHADOW_DISK_LOG_MAGIC
 * @crc: as in the header
 * @id: of the log that it belongs to
 * @seq: grows by one from block to block
 * @group: grows from group to group: by one, and to at least the header's seq * 2^32 when it is
 *	attached, which adds one to that
 * @nr: entries
 * @flags: SHADOW_DISK_LAST
 * @reserved: zero
 * @entry: the entries
 */
struct shadow_disk_log {
	__le32	magic;
	__le32	crc;
	__le64	id;
	__le64	seq;
	__le64	group;
	__le16	nr;
	__le16	flags;
	__le32	reserved[3];
	struct shadow_disk_entry entry[SHADOW_DISK_LOG_ENTRIES];
};

/*
 * What is known of the changes of the volume, written when the store is detached: a chain of
 * chunks, each a run of blocks, with a head and a part of a row of records.
 */
#define SHADOW_DISK_SAVED_MAGIC	0x67684373	/* "sChg" */
#define SHADOW_DISK_SAVED_BLOCKS 64		/* of a chunk, at most */

/**
 * struct shadow_disk_saved - the head of a chunk
 * @magic: SHADOW_DISK_SAVED_MAGIC
 * @crc: CRC-32C of all blocks of the chunk, as in the header
 * @id: the header's saved_id
 * @seq: number of the chunk, from 1 on
 * @next_loc: where the next one is
 * @next_blocks: its blocks; 0: it is the last one
 * @bytes: of records in this one, right behind the head
 * @reserved: zero
 */
struct shadow_disk_saved {
	__le32	magic;
	__le32	crc;
	__le64	id;
	__le64	seq;
	__le64	next_loc;
	__le32	next_blocks;
	__le32	bytes;
	__le64	reserved;
};

/* Records can go on in the next chunk.  @bytes of what the type says follow the record. */
struct shadow_disk_record {
	__le32	type;		/* enum shadow_disk_record_type */
	__le32	bytes;
};

enum shadow_disk_record_type {
	SHADOW_DISK_GENERATION	= 1,	/* struct shadow_disk_generation; the first one */
	SHADOW_DISK_MARK	= 2,	/* struct shadow_disk_mark; from old to new */
	SHADOW_DISK_WAS_FREE	= 3,	/* struct shadow_disk_run...: free at the last mark */
	SHADOW_DISK_BITS	= 4,	/* struct shadow_disk_bits: written since the last mark */
	SHADOW_DISK_SAVED_END	= 5,	/* nothing; nothing follows */
	SHADOW_DISK_OVERLAY	= 6,	/* struct shadow_disk_bits: written to the mark's image */
};

/**
 * struct shadow_disk_generation - of which history all of it is
 * @uuid: identity
 * @began_ns: when it began, nanoseconds since 1970
 * @reason: why nothing older is known, enum shadow_tracking_reason
 * @whole: 1: the first mark is the one that it began with; 0: that is forgotten
 */
struct shadow_disk_generation {
	__u8	uuid[16];
	__le64	began_ns;
	__le32	reason;
	__le32	whole;
};

/* Flags of a mark. */
#define SHADOW_DISK_MARK_KEPT	(1 << 0)	/* it is a base */
#define SHADOW_DISK_MARK_BEGIN	(1 << 1)	/* tracking began, without a shadow */

/**
 * struct shadow_disk_mark - an instant since which changes are known
 * @uuid: identity, of the shadow
 * @created_ns: the instant
 * @sectors: size of the volume then
 * @number: of the epoch that it ended
 * @flags: SHADOW_DISK_MARK_* bits
 * @reserved: zero
 */
struct shadow_disk_mark {
	__u8	uuid[16];
	__le64	created_ns;
	__le64	sectors;
	__le64	number;
	__le32	flags;
	__le32	reserved;
};

struct shadow_disk_run {
	__le64	first;		/* block */
	__le64	blocks;
};

#define SHADOW_DISK_RUNS	512	/* of a record, at most */
#define SHADOW_DISK_BITS_WORDS	512

/**
 * struct shadow_disk_bits - a bit for each of 32768 blocks
 * @first: the first block, a multiple of 32768
 * @word: bit n of word m stands for block @first + 64 * m + n
 */
struct shadow_disk_bits {
	__le64	first;
	__le64	word[SHADOW_DISK_BITS_WORDS];
};

#endif /* _UAPI_LINUX_SHADOW_STORE_H */
