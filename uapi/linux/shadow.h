/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shadow.h - the ioctl interface of the shadow module.
 *
 * Two kinds of file descriptor take commands: the control device
 * /dev/shadow-control, and the set descriptor that SHADOW_IOC_SET_NEW hands
 * out.  A set descriptor owns its set: closing it aborts a set in the making
 * and, unless the set was made with SHADOW_SET_NO_AUTO_RELEASE, deletes its
 * shadows.
 *
 * Rules for all structures: sizes are fixed and the same on 32 and 64 bits,
 * there are no holes, every reserved word and every "out" member must be zero on
 * the way in, reserved words are zero on the way out, unknown flag bits are
 * refused with EINVAL.  The size is
 * part of the command number, so a structure of another size is another
 * command and is answered ENOTTY.  Structures never grow: a larger one gets a
 * new command.
 *
 * Every command needs CAP_SYS_ADMIN.  Documentation/uapi/ioctl.rst lists every
 * errno of every command.
 */
#ifndef _UAPI_LINUX_SHADOW_H
#define _UAPI_LINUX_SHADOW_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define SHADOW_CONTROL_NAME	"shadow-control"	/* below /dev */

/* Raised when a command is added; old commands keep their meaning for ever. */
#define SHADOW_ABI_VERSION	6

#define SHADOW_BLOCK_SHIFT	12	/* a block is 4096 bytes */
#define SHADOW_MAX_SET_VOLUMES	64	/* volumes in one set, with shadows or held (VSS J-01) */
#define SHADOW_MAX_VOLUME_SHADOWS 512	/* shadows of one volume (VSS J-02) */
#define SHADOW_MAX_FREEZE	256	/* devices frozen for one set */
#define SHADOW_MAX_FREE_RANGES	65536	/* told of by one command */

#define SHADOW_TIMEOUT_MIN_MS	10
#define SHADOW_TIMEOUT_MAX_MS	600000
#define SHADOW_TIMEOUT_DEFAULT_MS 10000	/* VSS J-22: ten seconds of hold */

/**
 * struct shadow_uuid - 128-bit identity in RFC 4122 byte order
 * @b: the sixteen bytes as they are printed
 */
struct shadow_uuid {
	__u8	b[16];
};

/**
 * struct shadow_dev - a block device by number
 * @major: major number
 * @minor: minor number
 */
struct shadow_dev {
	__u32	major;
	__u32	minor;
};

/* Features, in struct shadow_info. */
#define SHADOW_FEAT_STORE_MEMORY	(1ULL << 0)
#define SHADOW_FEAT_STORE_DEVICE	(1ULL << 1)
#define SHADOW_FEAT_HOLD		(1ULL << 2)
#define SHADOW_FEAT_EVENTS		(1ULL << 3)
#define SHADOW_FEAT_FREE		(1ULL << 4)	/* SHADOW_IOC_SHADOW_FREE */
#define SHADOW_FEAT_WRITABLE		(1ULL << 5)	/* SHADOW_SET_WRITABLE */
#define SHADOW_FEAT_POLICY		(1ULL << 6)	/* SHADOW_IOC_VOLUME_POLICY */
#define SHADOW_FEAT_STORE_FILE		(1ULL << 8)
#define SHADOW_FEAT_STORE_GROW		(1ULL << 9)	/* files grow, and may be on the volume */
#define SHADOW_FEAT_STORE_CHANGE	(1ULL << 10)	/* parts come and go while shadows exist */
#define SHADOW_FEAT_HOLD_ONLY		(1ULL << 11)	/* SHADOW_ADD_HOLD */
#define SHADOW_FEAT_PERSISTENT		(1ULL << 12)	/* SHADOW_SET_PERSISTENT */
#define SHADOW_FEAT_REVERT		(1ULL << 13)	/* SHADOW_IOC_REVERT */
#define SHADOW_FEAT_CHANGES		(1ULL << 14)	/* SHADOW_IOC_MAP, bases */

/**
 * struct shadow_info - what this module is and can do
 * @abi_version: SHADOW_ABI_VERSION of the module
 * @block_size: unit of preservation, bytes
 * @features: SHADOW_FEAT_* bits
 * @max_set_volumes: volumes in one set, with shadows or held
 * @max_volume_shadows: shadows of one volume
 * @volumes: volumes tracked now
 * @shadows: shadows that exist now
 * @hooked: 1 while the interception hook is registered
 * @reserved0: zero
 * @version: version of the module, NUL-terminated
 * @reserved: zero
 */
struct shadow_info {
	__u32	abi_version;
	__u32	block_size;
	__u64	features;
	__u32	max_set_volumes;
	__u32	max_volume_shadows;
	__u32	volumes;
	__u32	shadows;
	__u32	hooked;
	__u32	reserved0;
	char	version[32];
	__u64	reserved[4];
};

/*
 * Where a failure happened and why, beside the errno.  A field that does not
 * apply is zero (SHADOW_PHASE_NONE, SHADOW_REASON_NONE).
 */
enum shadow_phase {
	SHADOW_PHASE_NONE	= 0,
	SHADOW_PHASE_ARGUMENTS	= 1,	/* checking what was asked for */
	SHADOW_PHASE_OPEN	= 2,	/* opening a volume or a store */
	SHADOW_PHASE_HOOK	= 3,	/* registering or testing the hook */
	SHADOW_PHASE_ATTACH	= 4,	/* beginning to track a volume */
	SHADOW_PHASE_STORE	= 5,	/* setting up the store */
	SHADOW_PHASE_IMAGE	= 6,	/* making the image's disk */
	SHADOW_PHASE_FREEZE	= 7,	/* freezing a filesystem */
	SHADOW_PHASE_HOLD	= 8,	/* closing gates, waiting for writes */
	SHADOW_PHASE_TAKE	= 9,	/* ending the epochs */
	SHADOW_PHASE_PRESERVE	= 10,	/* copying before a write */
	SHADOW_PHASE_REVERT	= 11,	/* making a volume what it was */
};

enum shadow_reason {
	SHADOW_REASON_NONE		= 0,
	SHADOW_REASON_NO_DEVICE		= 1,	/* no such block device */
	SHADOW_REASON_DAX		= 2,	/* stores bypass the block layer */
	SHADOW_REASON_ZONED		= 3,	/* zoned device */
	SHADOW_REASON_RW_PAGE		= 4,	/* driver has ->rw_page */
	SHADOW_REASON_IMAGE		= 5,	/* the device is itself a shadow */
	SHADOW_REASON_BLOCK_SIZE	= 6,	/* logical blocks above 4096 bytes */
	SHADOW_REASON_EMPTY		= 7,	/* device of size zero */
	SHADOW_REASON_DUPLICATE		= 8,	/* named twice in the set */
	SHADOW_REASON_SET_FULL		= 9,	/* SHADOW_MAX_SET_VOLUMES */
	SHADOW_REASON_VOLUME_FULL	= 10,	/* SHADOW_MAX_VOLUME_SHADOWS */
	SHADOW_REASON_HOOK_BUSY		= 11,	/* another module holds the function */
	SHADOW_REASON_HOOK_DEAD		= 12,	/* the hook is not called */
	SHADOW_REASON_FTRACE_OFF	= 13,	/* kernel.ftrace_enabled=0 */
	SHADOW_REASON_STORE_IN_USE	= 14,	/* others use its device or file */
	SHADOW_REASON_STORE_ON_VOLUME	= 15,	/* it lies on the volume, and cannot */
	SHADOW_REASON_STORE_CIRCLE	= 16,	/* stores depend on each other */
	SHADOW_REASON_STORE_MISMATCH	= 17,	/* volume has another store already */
	SHADOW_REASON_STORE_SIZE	= 18,	/* too small, or larger than the device */
	SHADOW_REASON_STORE_READONLY	= 19,
	SHADOW_REASON_STORE_FULL	= 20,
	SHADOW_REASON_STORE_ERROR	= 21,	/* I/O error writing or reading it */
	SHADOW_REASON_ORIGIN_ERROR	= 22,	/* I/O error reading the old data */
	SHADOW_REASON_ORIGIN_GONE	= 23,	/* the volume was removed or shrank */
	SHADOW_REASON_NO_MEMORY		= 24,
	SHADOW_REASON_FROZEN		= 25,	/* frozen already by someone else */
	SHADOW_REASON_FREEZE_FAILED	= 26,
	SHADOW_REASON_TIMEOUT		= 27,	/* the hold's timer ran out */
	SHADOW_REASON_DRAIN		= 28,	/* writes in flight did not finish */
	SHADOW_REASON_INTERRUPTED	= 29,	/* a signal */
	SHADOW_REASON_SUSPEND		= 30,	/* the machine goes to sleep */
	SHADOW_REASON_BUSY		= 31,	/* somebody has it open */
	SHADOW_REASON_STATE		= 32,	/* command out of order */
	SHADOW_REASON_FAULTED		= 33,	/* writes to it end with an error */
	SHADOW_REASON_STORE_FS		= 34,	/* its filesystem cannot hold a store */
	SHADOW_REASON_STORE_FILE	= 35,	/* no regular file open for reading and writing */
	SHADOW_REASON_STORE_HOLES	= 36,	/* blocks of the file are not allocated */
	SHADOW_REASON_STORE_SHARED	= 37,	/* blocks of the file do not stay where they are */
	SHADOW_REASON_STORE_PART	= 38,	/* the store has no such part */
	SHADOW_REASON_STORE_LAST	= 39,	/* its only part, and shadows exist */
	SHADOW_REASON_STORE_VOLATILE	= 40,	/* persistent shadows need a device */
	SHADOW_REASON_STORE_DURABLE	= 41,	/* a durable store cannot do that */
	SHADOW_REASON_STORE_FORMAT	= 42,	/* there is no durable store */
	SHADOW_REASON_STORE_DAMAGED	= 43,	/* what it says of itself cannot be right */
	SHADOW_REASON_STORE_NEWER	= 44,	/* made by a newer version */
	SHADOW_REASON_VOLUME_CHANGED	= 45,	/* written by somebody else since */
	SHADOW_REASON_NOT_PERSISTENT	= 46,	/* only to persistent shadows is reverted */
	SHADOW_REASON_SHADOW_LOST	= 47,	/* the shadow is lost */
	SHADOW_REASON_VOLUME_SIZE	= 48,	/* the volume is smaller than the shadow */
	SHADOW_REASON_VOLUME_READONLY	= 49,
	SHADOW_REASON_REVERTING		= 50,	/* a revert is noted, or under way */
	SHADOW_REASON_HALF_REVERTED	= 51,	/* a revert has ended half-way */
	SHADOW_REASON_REVERT_ROOM	= 52,	/* the store could not take what it overwrites */
	SHADOW_REASON_REVERT_WRITE	= 53,	/* I/O error writing the volume */
	SHADOW_REASON_CHANGES_UNKNOWN	= 54,	/* what changed is not known so far back */
	SHADOW_REASON_CHANGES_ORDER	= 55,	/* the one to begin with is the newer one */
	SHADOW_REASON_OTHER_VOLUME	= 56,	/* the two are of different volumes */
	SHADOW_REASON_BASES		= 57,	/* bases of the volume are kept */
};

/**
 * struct shadow_fault - the structured part of an error
 * @error: errno as a positive number, 0 for none
 * @phase: enum shadow_phase
 * @reason: enum shadow_reason
 * @reserved: zero
 * @dev: the device concerned, 0:0 where there is none
 */
struct shadow_fault {
	__u32	error;
	__u32	phase;
	__u32	reason;
	__u32	reserved;
	struct shadow_dev dev;
};

/* Stores. */
enum shadow_store_type {
	SHADOW_STORE_DEFAULT	= 0,	/* keep the volume's store; memory if none */
	SHADOW_STORE_MEMORY	= 1,
	SHADOW_STORE_DEVICE	= 2,
	SHADOW_STORE_FILE	= 3,
};

/**
 * struct shadow_store_spec - the store that a volume is to have
 * @type: enum shadow_store_type
 * @fd: for SHADOW_STORE_FILE, a descriptor of a regular file, open for reading and
 *	writing, that has all its blocks; else, and in answers, zero.  Its contents are
 *	lost, but for the first MiB, and it cannot be changed or deleted while it is in use.
 * @dev: the device, for SHADOW_STORE_DEVICE, else 0:0.  All its contents are lost.
 *	In answers for SHADOW_STORE_FILE the device that the file lies on.
 * @max_bytes: upper limit of what may be stored; 0: the size of the device or the file,
 *	or a quarter of the machine's memory.  Rounded down to blocks.  The first MiB of a
 *	device or a file does not count.  A file may have less, on a filesystem where it can
 *	grow: it does so in the background, before it is full.
 */
struct shadow_store_spec {
	__u32	type;
	__s32	fd;
	struct shadow_dev dev;
	__u64	max_bytes;
};

/* --- the control device ------------------------------------------------- */

/* Flags of SHADOW_IOC_SET_NEW. */
#define SHADOW_SET_NO_AUTO_RELEASE	(1U << 0)	/* shadows outlive the descriptor */
#define SHADOW_SET_WRITABLE		(1U << 1)	/* images take writes, until sealed */
#define SHADOW_SET_PERSISTENT		(1U << 2)	/* shadows outlive a reboot: see below */

/*
 * SHADOW_SET_PERSISTENT needs a store on a device, or in a file that has a name and does not lie on
 * the volume.  All of the file has been written once, and its first MiB holds nothing of an
 * earlier durable store.  If the volume has none yet, one that is durable is made, and keeps
 * its size: it says on stable storage what it holds, and SHADOW_IOC_STORE_ATTACH finds its
 * shadows again, after a loss of power, too.  What else is made in such a store is gone after
 * that; so is a set without SHADOW_SET_NO_AUTO_RELEASE that was not kept yet.
 */

/**
 * struct shadow_set_new - begin a set
 * @flags: SHADOW_SET_* bits
 * @timeout_ms: longest hold (first freeze to last thaw); 0: the default
 * @context: stored and shown, not interpreted by the module (VSS h)
 * @fd: out: the set descriptor, close-on-exec
 * @set: out: identity of the set
 * @reserved: zero
 */
struct shadow_set_new {
	__u32	flags;
	__u32	timeout_ms;
	__u32	context;
	__s32	fd;
	struct shadow_uuid set;
	__u64	reserved[4];
};

/**
 * struct shadow_volume_track - begin or end tracking a volume
 * @dev: the volume
 * @flags: zero
 * @reserved0: zero
 * @memory_bytes: bound of preserved data not yet stored; 0: the default
 *	(64 MiB); ignored by SHADOW_IOC_VOLUME_UNTRACK
 * @fault: out: why the command failed
 * @changes_bytes: bound of the memory of what is known of changes, at least a bit for each
 *	block of the volume; 0: the default (64 MiB, or twice that bit for each block); zero for
 *	SHADOW_IOC_VOLUME_UNTRACK
 * @reserved: zero
 *
 * While bases of the volume are kept (SHADOW_IOC_BASE_CHANGE) it stays tracked.
 */
struct shadow_volume_track {
	struct shadow_dev dev;
	__u32	flags;
	__u32	reserved0;
	__u64	memory_bytes;
	struct shadow_fault fault;
	__u64	changes_bytes;
	__u64	reserved[3];
};

/* What happens when a store is full and cannot grow (VSS E-08). */
enum shadow_policy {
	SHADOW_POLICY_EVICT	= 1,	/* shadows go, oldest first; the default */
	SHADOW_POLICY_THROTTLE	= 2,	/* writes wait for a while, then as above */
	SHADOW_POLICY_FAIL_IO	= 3,	/* writes end with an error, shadows stay */
};

/* Why writes to a volume end with an error: the protection faults of VSS (E-10). */
enum shadow_protect_fault {
	SHADOW_PROTECT_NONE		= 0,
	SHADOW_PROTECT_STORE_MISSING	= 1,	/* DIFF_AREA_MISSING */
	SHADOW_PROTECT_IO_ONLINE	= 2,	/* IO_FAILURE_DURING_ONLINE */
	SHADOW_PROTECT_METADATA		= 3,	/* META_DATA_CORRUPTION */
	SHADOW_PROTECT_NO_MEMORY	= 4,	/* MEMORY_ALLOCATION_FAILURE */
	SHADOW_PROTECT_MAPPED_MEMORY	= 5,	/* MAPPED_MEMORY_FAILURE */
	SHADOW_PROTECT_COW_READ		= 6,	/* COW_READ_FAILURE: of the volume */
	SHADOW_PROTECT_COW_WRITE	= 7,	/* COW_WRITE_FAILURE: to the store */
	SHADOW_PROTECT_STORE_FULL	= 8,	/* DIFF_AREA_FULL */
	SHADOW_PROTECT_GROW_TOO_SLOW	= 9,
	SHADOW_PROTECT_GROW_FAILED	= 10,
	SHADOW_PROTECT_DESTROY_ALL	= 11,	/* DESTROY_ALL_SNAPSHOTS */
	SHADOW_PROTECT_FILE_SYSTEM	= 12,	/* FILE_SYSTEM_FAILURE */
	SHADOW_PROTECT_IO		= 13,	/* IO_FAILURE: the store does not answer */
	SHADOW_PROTECT_STORE_REMOVED	= 14,	/* DIFF_AREA_REMOVED */
	SHADOW_PROTECT_EXTERNAL_WRITER	= 15,	/* EXTERNAL_WRITER_TO_DIFF_AREA */
	SHADOW_PROTECT_CLUSTER_MOUNT	= 16,	/* MOUNT_DURING_CLUSTER_OFFLINE */
};

#define SHADOW_THROTTLE_DEFAULT_MS	30000
#define SHADOW_THROTTLE_MAX_MS		3600000

/* Flags of SHADOW_IOC_VOLUME_POLICY. */
#define SHADOW_POLICY_CLEAR_FAULT	(1U << 0)	/* let writes pass again (VSS E-11) */

/**
 * struct shadow_volume_policy - the policy of a tracked volume, and its fault
 * @dev: the volume
 * @flags: SHADOW_POLICY_* bits
 * @policy: enum shadow_policy; 0: as it is, with SHADOW_POLICY_CLEAR_FAULT
 * @throttle_ms: how long writes wait, with SHADOW_POLICY_THROTTLE, else 0;
 *	0: the default
 * @reserved0: zero
 * @fault: out: why the command failed
 * @reserved: zero
 */
struct shadow_volume_policy {
	struct shadow_dev dev;
	__u32	flags;
	__u32	policy;
	__u32	throttle_ms;
	__u32	reserved0;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Flags of struct shadow_volume_info. */
#define SHADOW_VOLUME_TRACKED	(1U << 0)	/* tracked by SHADOW_IOC_VOLUME_TRACK */
#define SHADOW_VOLUME_PRESERVING (1U << 1)	/* a shadow needs old data */
#define SHADOW_VOLUME_GATED	(1U << 2)	/* writes are held now */
#define SHADOW_VOLUME_GONE	(1U << 3)	/* the device was removed */
#define SHADOW_VOLUME_FAULTED	(1U << 4)	/* writes end with an error */
#define SHADOW_VOLUME_THROTTLED	(1U << 5)	/* writes wait for room in the store */
#define SHADOW_VOLUME_REVERTING	(1U << 6)	/* a revert is under way, or ended half-way */

/**
 * struct shadow_volume_info - a tracked volume and its counters
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	volume's.  ENOENT ends the list.
 * @dev: the volume
 * @disk: the whole disk it lies on
 * @flags: SHADOW_VOLUME_* bits
 * @shadows: shadows of the volume, lost ones included
 * @start_sector: where it begins on its disk, 512-byte sectors
 * @bytes: its size
 * @name: kernel name, e.g. "vda1"
 * @epoch: number of the current epoch
 * @store: what the store is; type SHADOW_STORE_DEFAULT: the volume has none
 * @store_used_bytes: bytes of the store that are in use
 * @memory_limit_bytes: bound of @memory_bytes
 * @memory_bytes: preserved data in memory that is not stored yet
 * @memory_peak_bytes: highest @memory_bytes so far
 * @index_bytes: memory of maps and records
 * @bios_seen: write, discard and zeroing bios that reached the volume
 * @bios_direct: of these, let through at once
 * @bios_parked: of these, parked until old data was preserved
 * @bios_gated: of these, held at a closed gate
 * @bios_inflight: admitted or parked and not completed yet
 * @blocks_preserved: blocks copied since tracking began, because they were written
 * @origin_reads: read bios issued to the origin for preservation
 * @origin_read_bytes: their bytes
 * @store_writes: write bios issued to the store
 * @store_write_bytes: their bytes
 * @store_reads: read bios issued to the store for images
 * @store_read_bytes: their bytes
 * @image_origin_reads: read bios issued to the origin for images
 * @image_origin_read_bytes: their bytes
 * @image_retries: image reads of the origin repeated from a record
 * @memory_waits: times that preservation waited for memory
 * @lost: shadows lost so far
 * @hold_ns: length of the last hold of the gate
 * @drain_ns: of which waiting for writes in flight
 * @policy: enum shadow_policy
 * @throttle_ms: how long writes wait, with SHADOW_POLICY_THROTTLE
 * @protect_fault: enum shadow_protect_fault, why writes end with an error
 * @protect_errno: the errno behind it, as a positive number
 * @full_seconds: time until the store is full, if it goes on being filled like
 *	this; 0: it is not being filled
 * @evicted: shadows evicted so far
 * @bios_refused: of @bios_seen, ended with an error by the policy
 * @blocks_ahead: blocks preserved as neighbours of those that a write was for,
 *	before anybody wrote them; each counts as preserved, too, when it is written
 * @log_commits: groups that were written to the log of a durable store, since it was attached
 * @log_blocks: blocks that this log has now
 * @log_checkpoints: how often it was put together anew
 * @reserved: zero
 */
struct shadow_volume_info {
	__u64	cursor;
	struct shadow_dev dev;
	struct shadow_dev disk;
	__u32	flags;
	__u32	shadows;
	__u64	start_sector;
	__u64	bytes;
	char	name[32];
	__u64	epoch;
	struct shadow_store_spec store;
	__u64	store_used_bytes;
	__u64	memory_limit_bytes;
	__u64	memory_bytes;
	__u64	memory_peak_bytes;
	__u64	index_bytes;
	__u64	bios_seen;
	__u64	bios_direct;
	__u64	bios_parked;
	__u64	bios_gated;
	__u64	bios_inflight;
	__u64	blocks_preserved;
	__u64	origin_reads;
	__u64	origin_read_bytes;
	__u64	store_writes;
	__u64	store_write_bytes;
	__u64	store_reads;
	__u64	store_read_bytes;
	__u64	image_origin_reads;
	__u64	image_origin_read_bytes;
	__u64	image_retries;
	__u64	memory_waits;
	__u64	lost;
	__u64	hold_ns;
	__u64	drain_ns;
	__u32	policy;
	__u32	throttle_ms;
	__u32	protect_fault;
	__u32	protect_errno;
	__u32	full_seconds;
	__u32	evicted;
	__u64	bios_refused;
	__u64	blocks_ahead;
	__u64	log_commits;
	__u32	log_blocks;
	__u32	log_checkpoints;
	__u64	reserved[1];
};

enum shadow_state {
	SHADOW_STATE_CREATED	= 1,	/* usable */
	SHADOW_STATE_LOST	= 2,	/* reads fail; see fault */
	SHADOW_STATE_DELETING	= 3,	/* goes when its last opener closes it */
};

/* Flags of struct shadow_shadow_info, beside those of the set. */
#define SHADOW_SHADOW_PINNED	(1U << 16)	/* is never evicted */
#define SHADOW_SHADOW_SEALED	(1U << 17)	/* was writable, and is read-only for good */
#define SHADOW_SHADOW_REVERT	(1U << 18)	/* a revert to it is noted, or has begun */

/**
 * struct shadow_shadow_info - a shadow
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	shadow's.  ENOENT ends the list.
 * @uuid: identity of the shadow
 * @set: identity of its set
 * @volume: the volume that it is a copy of
 * @image: the image's device number
 * @index: N of /dev/shadowN
 * @state: enum shadow_state
 * @flags: SHADOW_SET_* bits of its set, SHADOW_SHADOW_* bits of its own
 * @context: as given to SHADOW_IOC_SET_NEW
 * @openers: how many have the image open (a mount counts)
 * @set_count: shadows in the set when it was taken
 * @epoch: number of the epoch that it ended
 * @bytes: its size
 * @created_ns: the instant, CLOCK_REALTIME nanoseconds
 * @blocks: records held under this shadow, blocks
 * @reads: read bios answered
 * @read_bytes: their bytes
 * @fault: why it was lost
 * @volume_name: kernel name of the volume at the instant
 * @free_bytes: known to have been free at the instant: reads as zeros, and is not
 *	preserved for this shadow
 * @overlay_blocks: blocks of the store that hold what was written to the image
 * @reserved: zero
 */
struct shadow_shadow_info {
	__u64	cursor;
	struct shadow_uuid uuid;
	struct shadow_uuid set;
	struct shadow_dev volume;
	struct shadow_dev image;
	__u32	index;
	__u32	state;
	__u32	flags;
	__u32	context;
	__u32	openers;
	__u32	set_count;
	__u64	epoch;
	__u64	bytes;
	__s64	created_ns;
	__u64	blocks;
	__u64	reads;
	__u64	read_bytes;
	struct shadow_fault fault;
	char	volume_name[32];
	__u64	free_bytes;
	__u64	overlay_blocks;
	__u64	reserved[2];
};

enum shadow_part_state {
	SHADOW_PART_READY	= 1,	/* in use */
	SHADOW_PART_DRAINING	= 2,	/* being cleared out, or cut */
};

/* Flags of struct shadow_store_info. */
#define SHADOW_PART_ON_VOLUME	(1U << 0)	/* lies on the volume itself */
#define SHADOW_PART_GROWING	(1U << 1)	/* becomes larger just now */
#define SHADOW_PART_GROW_FAILED	(1U << 2)	/* could not; is tried again later */

/**
 * struct shadow_store_info - a part of a store
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	part's.  ENOENT ends the list.
 * @volume: the volume whose store it is a part of
 * @part: number of the part in the store
 * @type: enum shadow_store_type
 * @flags: SHADOW_PART_* bits
 * @state: enum shadow_part_state
 * @dev: the device that it is, or that its file lies on; 0:0 for memory
 * @inode: inode number of its file; 0: none
 * @extents: in how many pieces it lies on its device; 0 for memory
 * @allocated_bytes: its size now
 * @used_bytes: of which hold records or are allotted
 * @max_bytes: the size that it may have
 * @volume_name: kernel name of the volume
 * @reserved: zero
 */
struct shadow_store_info {
	__u64	cursor;
	struct shadow_dev volume;
	__u32	part;
	__u32	type;
	__u32	flags;
	__u32	state;
	struct shadow_dev dev;
	__u64	inode;
	__u64	extents;
	__u64	allocated_bytes;
	__u64	used_bytes;
	__u64	max_bytes;
	char	volume_name[32];
	__u64	reserved[11];
};

/**
 * struct shadow_store_add - add a part to the store of a volume
 * @dev: the volume; it has a store
 * @flags: zero
 * @part: out: number of the part in the store
 * @store: the part
 * @fault: out: why the command failed
 * @reserved: zero
 */
struct shadow_store_add {
	struct shadow_dev dev;
	__u32	flags;
	__u32	part;
	struct shadow_store_spec store;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/**
 * struct shadow_store_resize - change what a part of a store may become
 * @dev: the volume
 * @part: number of the part in the store
 * @flags: zero
 * @max_bytes: the new limit of what may be stored in it, rounded down to blocks; 0:
 *	clear it out and let go of it
 * @moved_bytes: out: what was moved to the rest of the store, after an error too
 * @fault: out: why the command failed
 * @reserved: zero
 */
struct shadow_store_resize {
	struct shadow_dev dev;
	__u32	part;
	__u32	flags;
	__u64	max_bytes;
	__u64	moved_bytes;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Flags of SHADOW_IOC_STORE_ATTACH. */
#define SHADOW_ATTACH_LOST	(1U << 0)	/* also if its shadows are lost thereby */

/* Flags of SHADOW_IOC_STORE_DETACH. */
#define SHADOW_DETACH_FINAL	(1U << 1)	/* also if mounted; writes fail from then on */

/**
 * struct shadow_store_attach - the shadows that a durable store has are there again
 * @dev: the volume
 * @flags: SHADOW_ATTACH_* bits, or SHADOW_DETACH_* bits
 * @shadows: out: how many there are; of them
 * @lost: out: so many are lost, and say why
 * @dropped: out: how many were not persistent, or not complete, and are gone
 * @store: type SHADOW_STORE_DEVICE or SHADOW_STORE_FILE, and the device or the descriptor;
 *	@max_bytes zero
 * @fault: out: why the command failed
 * @reserved: zero
 *
 * To be used before anybody writes to the volume, which has neither a store nor somebody
 * who has it open for himself, like a mounted filesystem.  If it was written since, or is
 * another one, the command fails (SHADOW_REASON_VOLUME_CHANGED) and nothing is changed; with
 * SHADOW_ATTACH_LOST its shadows are there, and lost for good.
 *
 * The contrary, SHADOW_IOC_STORE_DETACH, ends the shadows of a volume with a durable store,
 * and leaves them in it, and with them what is known of changes.  Nobody has one of them open, or
 * the volume for himself; with SHADOW_DETACH_FINAL, the last thing that is done with the volume
 * before the machine is shut down, somebody may have mounted it read-only.
 */
struct shadow_store_attach {
	struct shadow_dev dev;
	__u32	flags;
	__u32	shadows;
	__u32	lost;
	__u32	dropped;
	struct shadow_store_spec store;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* What SHADOW_IOC_DELETE and SHADOW_IOC_SHADOW_CHANGE take their uuid for. */
enum shadow_kind {
	SHADOW_KIND_SHADOW	= 1,
	SHADOW_KIND_SET		= 2,
};

/**
 * struct shadow_delete - delete a shadow or all shadows of a set
 * @uuid: which
 * @kind: enum shadow_kind
 * @flags: zero
 * @deleted: out: shadows deleted
 * @reserved0: zero
 * @failed: out: the first shadow that was not deleted; all zero if none
 * @fault: out: why
 * @reserved: zero
 */
struct shadow_delete {
	struct shadow_uuid uuid;
	__u32	kind;
	__u32	flags;
	__u32	deleted;
	__u32	reserved0;
	struct shadow_uuid failed;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Flags of SHADOW_IOC_SHADOW_CHANGE: one of them. */
#define SHADOW_CHANGE_PIN	(1U << 0)	/* never evict it (VSS J-15) */
#define SHADOW_CHANGE_UNPIN	(1U << 1)
#define SHADOW_CHANGE_SEAL	(1U << 2)	/* read-only from now on, for good (VSS D-06) */

/**
 * struct shadow_change - change a shadow, or all shadows of a set
 * @uuid: which
 * @kind: enum shadow_kind
 * @flags: SHADOW_CHANGE_* bits
 * @changed: out: shadows that are as wanted now
 * @reserved0: zero
 * @failed: out: the first shadow that was not changed; all zero if none
 * @fault: out: why
 * @reserved: zero
 */
struct shadow_change {
	struct shadow_uuid uuid;
	__u32	kind;
	__u32	flags;
	__u32	changed;
	__u32	reserved0;
	struct shadow_uuid failed;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/**
 * struct shadow_free_range - a part of a shadow
 * @first: its first byte
 * @bytes: its length
 */
struct shadow_free_range {
	__u64	first;
	__u64	bytes;
};

/**
 * struct shadow_shadow_free - tell what was free on a volume at the instant
 * @uuid: the shadow
 * @ranges: address of an array of struct shadow_free_range, in any order; only blocks
 *	that lie in a range as a whole count
 * @count: how many, at most SHADOW_MAX_FREE_RANGES
 * @flags: zero
 * @done: out: how many were dealt with, after an error too
 * @reserved0: zero
 * @blocks: out: blocks that were not known to be free before
 * @settled: out: blocks of which from now on nothing is preserved for any shadow
 * @fault: out: why the command failed
 * @reserved: zero
 */
struct shadow_shadow_free {
	struct shadow_uuid uuid;
	__u64	ranges;
	__u32	count;
	__u32	flags;
	__u32	done;
	__u32	reserved0;
	__u64	blocks;
	__u64	settled;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Flags of SHADOW_IOC_REVERT. */
#define SHADOW_REVERT_AT_ATTACH	(1U << 0)	/* not now: when its store is attached again */

/**
 * struct shadow_revert - make a volume what it was at the instant of a shadow
 * @uuid: the shadow; it is persistent, and not lost
 * @flags: SHADOW_REVERT_* bits
 * @reserved0: zero
 * @needed_bytes: out: what newer shadows may need of the store at the most
 * @room_bytes: out: what it has for that
 * @fault: out: why the command failed
 * @reserved: zero
 *
 * The shadow's store knows that first, so that it is gone on with after a loss of power.  Nobody
 * has the volume for himself, and nobody can until it is over; with SHADOW_REVERT_AT_ATTACH
 * that is so when the store is attached the next time.  What the volume had is preserved for newer
 * shadows; the shadow itself stays, too, and cannot be deleted meanwhile.
 *
 * The command returns when it has begun; SHADOW_IOC_REVERT_NEXT tells how far it is.  One that
 * has ended half-way goes on with the same command, or is replaced by one to another shadow.
 */
struct shadow_revert {
	struct shadow_uuid uuid;
	__u32	flags;
	__u32	reserved0;
	__u64	needed_bytes;
	__u64	room_bytes;
	struct shadow_fault fault;
	__u64	reserved[4];
};

enum shadow_revert_state {
	SHADOW_REVERT_NONE	= 0,
	SHADOW_REVERT_NOTED	= 1,	/* begins when the store is attached again */
	SHADOW_REVERT_RUNNING	= 2,
	SHADOW_REVERT_HALF_DONE	= 3,	/* has ended with @fault; the volume is neither */
	SHADOW_REVERT_DONE	= 4,	/* told until the next one */
};

/**
 * struct shadow_revert_info - the revert of a volume
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	volume's.  ENOENT ends the list.
 * @volume: the volume
 * @shadow: what it is to be, or was made
 * @state: enum shadow_revert_state, never SHADOW_REVERT_NONE
 * @reserved0: zero
 * @bytes_all: what is looked at: all that the shadow has in the store
 * @bytes_done: of which was looked at
 * @bytes_written: of which was not as it should be
 * @needed_bytes: with SHADOW_REASON_REVERT_ROOM, as in struct shadow_revert
 * @room_bytes: likewise
 * @fault: why it has ended half-way, or did not begin when the store was attached
 * @volume_name: kernel name of the volume
 * @reserved: zero
 */
struct shadow_revert_info {
	__u64	cursor;
	struct shadow_dev volume;
	struct shadow_uuid shadow;
	__u32	state;
	__u32	reserved0;
	__u64	bytes_all;
	__u64	bytes_done;
	__u64	bytes_written;
	__u64	needed_bytes;
	__u64	room_bytes;
	struct shadow_fault fault;
	char	volume_name[32];
	__u64	reserved[4];
};

/* Flags of SHADOW_IOC_REVERT_CANCEL. */
#define SHADOW_CANCEL_HALF_DONE	(1U << 0)	/* leave the volume as it is, which is neither */

/**
 * struct shadow_revert_cancel - take a revert back that has not begun
 * @dev: the volume
 * @flags: SHADOW_CANCEL_HALF_DONE: or one that has ended half-way
 * @reserved0: zero
 * @fault: out: why the command failed
 * @reserved: zero
 */
struct shadow_revert_cancel {
	struct shadow_dev dev;
	__u32	flags;
	__u32	reserved0;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/*
 * What has changed from one shadow of a volume to another is known as long as it is tracked, or
 * has shadows.  A *base* is the instant of a shadow that was kept: it can be compared with when
 * its shadow is long gone.
 */

/* What is so of a run of blocks; wanted ones in struct shadow_map. */
#define SHADOW_RUN_CHANGED	(1U << 0)	/* written in between, or to one of the images */
#define SHADOW_RUN_FREE		(1U << 1)	/* was free at the instant: reads as zeros */
#define SHADOW_RUN_WAS_FREE	(1U << 2)	/* was free at that of @since */
#define SHADOW_RUN_STORED	(1U << 3)	/* preserved: is read from the store */
#define SHADOW_RUN_WRITTEN	(1U << 4)	/* was written to the image */

/**
 * struct shadow_run - a run of blocks of which the same is so
 * @first: its first byte
 * @bytes: its length; the last run ends with the shadow
 * @state: SHADOW_RUN_* bits, of those that were wanted
 * @reserved: zero
 */
struct shadow_run {
	__u64	first;
	__u64	bytes;
	__u32	state;
	__u32	reserved;
};

#define SHADOW_MAX_RUNS		65536	/* told by one command */

/**
 * struct shadow_map - what is so of the blocks of a shadow
 * @shadow: the shadow; or a base, of which SHADOW_RUN_STORED and SHADOW_RUN_WRITTEN are not known
 * @since: with SHADOW_RUN_CHANGED or SHADOW_RUN_WAS_FREE an older shadow or base of the same
 *	volume; all zero: with SHADOW_RUN_CHANGED only, since tracking began
 * @generation: out: SHADOW_RUN_CHANGED is exact for all that have the same
 * @offset: in: where to begin, bytes, a multiple of 4096; out: where to go on, @bytes at the end
 * @runs: address of room for runs of which something is so that is wanted
 * @count: in: for how many, 1 to SHADOW_MAX_RUNS; out: how many there are, which may be none
 *	before the end
 * @want: SHADOW_RUN_* bits, at least one
 * @bytes: out: size of the shadow
 * @fault: out: why the command failed
 * @reserved: zero
 *
 * A block that reads differently in the two images has SHADOW_RUN_CHANGED, or was free at one
 * instant and not at the other.
 */
struct shadow_map {
	struct shadow_uuid shadow;
	struct shadow_uuid since;
	struct shadow_uuid generation;
	__u64	offset;
	__u64	runs;
	__u32	count;
	__u32	want;
	__u64	bytes;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Flags of struct shadow_base_info. */
#define SHADOW_BASE_KEPT	(1U << 0)	/* outlives its shadow */
#define SHADOW_BASE_SHADOW	(1U << 1)	/* its shadow exists */
#define SHADOW_BASE_BEGIN	(1U << 2)	/* no shadow: when tracking began by request */

/**
 * struct shadow_base_info - an instant since which the changes of a volume are known
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	base's.  ENOENT ends the list.
 * @uuid: identity: its shadow's, or the generation's with SHADOW_BASE_BEGIN
 * @generation: to which it belongs
 * @volume: the volume
 * @flags: SHADOW_BASE_* bits
 * @reserved0: zero
 * @epoch: number of the epoch that it ended
 * @bytes: size of the volume then
 * @created_ns: the instant, CLOCK_REALTIME nanoseconds
 * @changed_bytes: written from then to the next one, or until now
 * @memory_bytes: memory of that
 * @volume_name: kernel name of the volume
 * @reserved: zero
 *
 * All shadows are listed of which changes are known, kept or not.
 */
struct shadow_base_info {
	__u64	cursor;
	struct shadow_uuid uuid;
	struct shadow_uuid generation;
	struct shadow_dev volume;
	__u32	flags;
	__u32	reserved0;
	__u64	epoch;
	__u64	bytes;
	__s64	created_ns;
	__u64	changed_bytes;
	__u64	memory_bytes;
	char	volume_name[32];
	__u64	reserved[4];
};

/* Flags of SHADOW_IOC_BASE_CHANGE: one of them. */
#define SHADOW_BASE_KEEP	(1U << 0)	/* it outlives its shadow */
#define SHADOW_BASE_DROP	(1U << 1)	/* it does not; and is gone if that is gone */

/**
 * struct shadow_base - keep a base, or drop it
 * @uuid: a shadow, or a base
 * @flags: SHADOW_BASE_KEEP or SHADOW_BASE_DROP
 * @reserved0: zero
 * @fault: out: why the command failed
 * @reserved: zero
 *
 * A volume with a base that is kept is tracked until SHADOW_IOC_VOLUME_UNTRACK.
 */
struct shadow_base {
	struct shadow_uuid uuid;
	__u32	flags;
	__u32	reserved0;
	struct shadow_fault fault;
	__u64	reserved[4];
};

/* Why nothing is known of changes before the generation began. */
enum shadow_tracking_reason {
	SHADOW_TRACKING_NONE		= 0,	/* nothing is known of changes now */
	SHADOW_TRACKING_BEGAN		= 1,	/* the volume was not tracked before */
	SHADOW_TRACKING_MEMORY		= 2,	/* its bound was reached, or there was none */
	SHADOW_TRACKING_UNCLEAN		= 3,	/* power was lost, or the store failed */
	SHADOW_TRACKING_VOLUME_CHANGED	= 4,	/* written by somebody else meanwhile */
	SHADOW_TRACKING_NOT_SAVED	= 5,	/* the store had no room for it */
	SHADOW_TRACKING_DAMAGED		= 6,	/* what was saved cannot be read, or be right */
};

/**
 * struct shadow_tracking_info - what is known of the changes of a volume
 * @cursor: in: the cursor of the previous answer, 0 to begin; out: this
 *	volume's.  ENOENT ends the list.
 * @volume: the volume
 * @generation: identity of what is known without a gap; all zero: nothing
 * @began_ns: when it began, CLOCK_REALTIME nanoseconds
 * @reason: enum shadow_tracking_reason
 * @bases: how many bases are kept
 * @memory_bytes: memory of what is known
 * @memory_limit_bytes: bound of that; the oldest is forgotten first
 * @forgotten: bases and shadows of which changes were forgotten for that, so far
 * @volume_name: kernel name of the volume
 * @reserved: zero
 */
struct shadow_tracking_info {
	__u64	cursor;
	struct shadow_dev volume;
	struct shadow_uuid generation;
	__s64	began_ns;
	__u32	reason;
	__u32	bases;
	__u64	memory_bytes;
	__u64	memory_limit_bytes;
	__u64	forgotten;
	char	volume_name[32];
	__u64	reserved[4];
};

/* --- the set descriptor ------------------------------------------------- */

/*
 * Flags of SHADOW_IOC_SET_ADD: at least one of them, and of the first and the last at
 * most one.
 */
#define SHADOW_ADD_SHADOW	(1U << 0)	/* make a shadow of this device */
#define SHADOW_ADD_FREEZE	(1U << 1)	/* freeze the filesystem on it, if any */
#define SHADOW_ADD_HOLD		(1U << 2)	/* only keep it at rest, for who copies it */

/**
 * struct shadow_set_add - add a device to a set in the making
 * @dev: the device
 * @flags: SHADOW_ADD_* bits
 * @reserved0: zero
 * @store: the volume's store, with SHADOW_ADD_SHADOW
 * @shadow: out: identity of the shadow to be, with SHADOW_ADD_SHADOW
 * @fault: out: why the command failed
 * @reserved: zero
 *
 * Filesystems are frozen, and gates closed, in the order of addition: add what
 * is stacked on another device before that device, the root filesystem last.
 *
 * With SHADOW_ADD_HOLD no write reaches the device from SHADOW_IOC_SET_HOLD to
 * SHADOW_IOC_SET_RELEASE, as if it got a shadow, but none is made and it needs no
 * store: an array, a volume manager or a program can copy it meanwhile.  (What stores of
 * earlier shadows have in files on the device itself is written still.)  The copy is
 * of the same instant as the shadows in the set if SHADOW_IOC_SET_RELEASE succeeds,
 * and worth nothing if it does not.
 */
struct shadow_set_add {
	struct shadow_dev dev;
	__u32	flags;
	__u32	reserved0;
	struct shadow_store_spec store;
	struct shadow_uuid shadow;
	struct shadow_fault fault;
	__u64	reserved[4];
};

enum shadow_set_state {
	SHADOW_SET_NEW		= 1,	/* devices can be added */
	SHADOW_SET_HOLDING	= 2,	/* freezing, closing gates, draining */
	SHADOW_SET_HELD		= 3,	/* every volume is at rest */
	SHADOW_SET_FLIPPED	= 4,	/* the instant has been; to be released */
	SHADOW_SET_TAKEN	= 5,	/* the shadows exist */
	SHADOW_SET_FAILED	= 6,	/* nothing is held, nothing was made */
};

/**
 * struct shadow_set_step - drive a set, and learn its state
 * @flags: zero
 * @state: out: enum shadow_set_state
 * @set: out: identity of the set
 * @volumes: out: volumes in the set, with shadows or held
 * @held: out: 1 while gates are closed or filesystems frozen
 * @hold_ns: out: from the first freeze to the last thaw, or until now
 * @gate_ns: out: from the first gate closed to the last one opened
 * @fault: out: why the set failed
 * @reserved: zero
 */
struct shadow_set_step {
	__u32	flags;
	__u32	state;
	struct shadow_uuid set;
	__u32	volumes;
	__u32	held;
	__u64	hold_ns;
	__u64	gate_ns;
	struct shadow_fault fault;
	__u64	reserved[4];
};

#define SHADOW_IOC_MAGIC	0xBC

/* on the control device */
#define SHADOW_IOC_INFO		_IOR(SHADOW_IOC_MAGIC, 0x00, struct shadow_info)
#define SHADOW_IOC_SET_NEW	_IOWR(SHADOW_IOC_MAGIC, 0x01, struct shadow_set_new)
#define SHADOW_IOC_VOLUME_TRACK	_IOWR(SHADOW_IOC_MAGIC, 0x02, struct shadow_volume_track)
#define SHADOW_IOC_VOLUME_UNTRACK _IOWR(SHADOW_IOC_MAGIC, 0x03, struct shadow_volume_track)
#define SHADOW_IOC_VOLUME_NEXT	_IOWR(SHADOW_IOC_MAGIC, 0x04, struct shadow_volume_info)
#define SHADOW_IOC_SHADOW_NEXT	_IOWR(SHADOW_IOC_MAGIC, 0x05, struct shadow_shadow_info)
#define SHADOW_IOC_DELETE	_IOWR(SHADOW_IOC_MAGIC, 0x06, struct shadow_delete)
#define SHADOW_IOC_STORE_ADD	_IOWR(SHADOW_IOC_MAGIC, 0x07, struct shadow_store_add)
#define SHADOW_IOC_STORE_RESIZE	_IOWR(SHADOW_IOC_MAGIC, 0x08, struct shadow_store_resize)
#define SHADOW_IOC_STORE_NEXT	_IOWR(SHADOW_IOC_MAGIC, 0x0b, struct shadow_store_info)
#define SHADOW_IOC_STORE_ATTACH	_IOWR(SHADOW_IOC_MAGIC, 0x09, struct shadow_store_attach)
#define SHADOW_IOC_STORE_DETACH	_IOWR(SHADOW_IOC_MAGIC, 0x0a, struct shadow_store_attach)
#define SHADOW_IOC_VOLUME_POLICY _IOWR(SHADOW_IOC_MAGIC, 0x0c, struct shadow_volume_policy)
#define SHADOW_IOC_SHADOW_CHANGE _IOWR(SHADOW_IOC_MAGIC, 0x0d, struct shadow_change)
#define SHADOW_IOC_SHADOW_FREE	_IOWR(SHADOW_IOC_MAGIC, 0x0e, struct shadow_shadow_free)
#define SHADOW_IOC_REVERT	_IOWR(SHADOW_IOC_MAGIC, 0x0f, struct shadow_revert)
#define SHADOW_IOC_REVERT_NEXT	_IOWR(SHADOW_IOC_MAGIC, 0x10, struct shadow_revert_info)
#define SHADOW_IOC_REVERT_CANCEL _IOWR(SHADOW_IOC_MAGIC, 0x11, struct shadow_revert_cancel)
#define SHADOW_IOC_MAP		_IOWR(SHADOW_IOC_MAGIC, 0x12, struct shadow_map)
#define SHADOW_IOC_BASE_NEXT	_IOWR(SHADOW_IOC_MAGIC, 0x13, struct shadow_base_info)
#define SHADOW_IOC_BASE_CHANGE	_IOWR(SHADOW_IOC_MAGIC, 0x14, struct shadow_base)
#define SHADOW_IOC_TRACKING_NEXT _IOWR(SHADOW_IOC_MAGIC, 0x15, struct shadow_tracking_info)

/* on a set descriptor */
#define SHADOW_IOC_SET_ADD	_IOWR(SHADOW_IOC_MAGIC, 0x20, struct shadow_set_add)
/*
 * Freeze, close the gates, drain: NEW to HELD.  While volumes are held the
 * answers of SET_HOLD and SET_TAKE are written only to memory that is resident;
 * SET_STATUS tells the same at any time.
 */
#define SHADOW_IOC_SET_HOLD	_IOWR(SHADOW_IOC_MAGIC, 0x21, struct shadow_set_step)
/* The instant.  HELD to FLIPPED; NEW to TAKEN, with hold and release, in one. */
#define SHADOW_IOC_SET_TAKE	_IOWR(SHADOW_IOC_MAGIC, 0x22, struct shadow_set_step)
/*
 * Open the gates and thaw.  FLIPPED to TAKEN: the images appear; HELD to NEW.  Fails
 * where volumes with SHADOW_ADD_HOLD were not at rest until now.
 */
#define SHADOW_IOC_SET_RELEASE	_IOWR(SHADOW_IOC_MAGIC, 0x23, struct shadow_set_step)
#define SHADOW_IOC_SET_STATUS	_IOWR(SHADOW_IOC_MAGIC, 0x24, struct shadow_set_step)
/* From now on the shadows outlive the descriptor; TAKEN only. */
#define SHADOW_IOC_SET_KEEP	_IOWR(SHADOW_IOC_MAGIC, 0x25, struct shadow_set_step)

#endif /* _UAPI_LINUX_SHADOW_H */
