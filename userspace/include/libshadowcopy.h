/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy.h - the C interface to the shadow module: block-level shadow
 * copies of volumes, alone or in sets of one instant.
 *
 * Conventions
 *	A handle (struct shadowcopy *) is used by one thread at a time; several
 *	handles are independent of each other.
 *
 *	Functions that can fail return 0 or a positive result, or a negative
 *	errno.  After a negative return shadowcopy_last_error() tells what
 *	failed, on which device, why, and what can be done about it; that
 *	answer stays valid until the next call on the same handle fails.
 *
 *	The library prints nothing, never exits, starts no process, installs no
 *	signal handler, and every file descriptor it opens is close-on-exec.
 *
 *	The structures of <linux/shadow.h> appear here as they are: they never
 *	change.  Structures of this header grow only into their reserved words.
 */
#ifndef LIBSHADOWCOPY_H
#define LIBSHADOWCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/shadow.h>
#include <linux/shadow_netlink.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy;
struct shadowcopy_set;
struct shadowcopy_plan;
struct shadowcopy_events;
struct shadowcopy_stores;
struct shadowcopy_part;

/* --- handle ------------------------------------------------------------- */

/**
 * shadowcopy_new() - make a handle
 *
 * Opens nothing: the control device is opened by the first call that needs
 * it, or by shadowcopy_connect().
 *
 * Return: the handle, or NULL where memory is short.
 */
struct shadowcopy *shadowcopy_new(void);

/**
 * shadowcopy_free() - let go of a handle
 * @sc: the handle, or NULL
 *
 * Sets, plans and event streams made from it must be closed before.
 */
void shadowcopy_free(struct shadowcopy *sc);

/**
 * shadowcopy_connect() - open the control device and check its version
 * @sc: the handle
 *
 * Opening /dev/shadow-control makes the kernel load the module where the
 * device node exists.
 *
 * Return: 0, -ENOENT or -ENXIO (module not there), -EACCES or -EPERM (not
 * root), -EPROTO (the module is older than this library needs), another errno.
 */
int shadowcopy_connect(struct shadowcopy *sc);

/**
 * shadowcopy_is_loaded() - is the module there?
 * @sc: the handle
 *
 * For who has nothing to ask it if not: connecting would load it.
 */
bool shadowcopy_is_loaded(const struct shadowcopy *sc);

/**
 * shadowcopy_open() - shadowcopy_new() and shadowcopy_connect() in one
 * @scp: out: the handle; set on failure too, so that the error can be read,
 *	and NULL only where memory is short.  Always to be freed.
 *
 * Return: 0 or a negative errno as shadowcopy_connect().
 */
int shadowcopy_open(struct shadowcopy **scp);

/**
 * shadowcopy_close() - another name for shadowcopy_free()
 * @sc: the handle, or NULL
 */
void shadowcopy_close(struct shadowcopy *sc);

/**
 * shadowcopy_set_sysroot() - look at a recorded machine instead of this one
 * @sc: the handle
 * @dir: directory that holds sys/, proc/ and dev/ of the other machine
 *
 * For tests and for post-mortem analysis; it concerns what is read from sysfs
 * and procfs, never the control device.
 *
 * Return: 0 or -ENOMEM.
 */
int shadowcopy_set_sysroot(struct shadowcopy *sc, const char *dir);

/**
 * shadowcopy_version() - version of this library, e.g. "0.1.0"
 *
 * Return: a constant string.
 */
const char *shadowcopy_version(void);

/* --- errors ------------------------------------------------------------- */

/**
 * struct shadowcopy_error - why the last call failed
 * @code: negative errno
 * @phase: enum shadow_phase, where the module reported one
 * @reason: enum shadow_reason, where the module reported one
 * @dev: the device concerned, 0:0 where there is none
 * @action: what could not be done, "create a shadow of"
 * @object: of or on what: a device, a shadow, a path; may be empty
 * @cause: why
 * @remedy: what to do about it; may be empty
 * @text: all of it as one or two sentences, without a final newline
 */
struct shadowcopy_error {
	int code;
	uint32_t phase;
	uint32_t reason;
	struct shadow_dev dev;
	const char *action;
	const char *object;
	const char *cause;
	const char *remedy;
	const char *text;
};

/**
 * shadowcopy_last_error() - the last failure on a handle
 * @sc: the handle, or NULL: memory was short
 *
 * Return: the error; its code is 0 where nothing has failed yet.  Never NULL.
 */
const struct shadowcopy_error *shadowcopy_last_error(const struct shadowcopy *sc);

/*
 * Names and texts of what the module reports.  The names are short words for
 * programs ("store-full"); texts, causes and remedies are parts of English
 * sentences.  Unknown numbers get "unknown", and never NULL.
 */
const char *shadowcopy_phase_name(uint32_t phase);
const char *shadowcopy_phase_text(uint32_t phase);
const char *shadowcopy_reason_name(uint32_t reason);
const char *shadowcopy_reason_cause(uint32_t reason);
const char *shadowcopy_reason_remedy(uint32_t reason);
const char *shadowcopy_state_name(uint32_t state);
const char *shadowcopy_store_name(uint32_t type);
const char *shadowcopy_part_state_name(uint32_t state);

/* "evict", "throttle", "fail-io", and back: 0 or -EINVAL. */
const char *shadowcopy_policy_name(uint32_t policy);
int shadowcopy_policy_parse(const char *name, uint32_t *policy);

/* Why writes to a volume fail (enum shadow_protect_fault): "store-full", and a sentence. */
const char *shadowcopy_protect_fault_name(uint32_t fault);
const char *shadowcopy_protect_fault_text(uint32_t fault);

/* Of writers: "freeze", "answered", "retryable", "back-end" (enum shadow_nl_tell and so on). */
const char *shadowcopy_tell_name(uint32_t tell);
const char *shadowcopy_result_name(uint32_t result);
const char *shadowcopy_status_name(uint32_t status);
const char *shadowcopy_level_name(uint32_t level);

/* --- identities --------------------------------------------------------- */

#define SHADOWCOPY_UUID_LEN 37	/* text of a UUID, with its NUL */

/**
 * shadowcopy_uuid_format() - the text of a UUID
 * @uuid: the UUID
 * @buf: SHADOWCOPY_UUID_LEN bytes
 *
 * Return: @buf.
 */
char *shadowcopy_uuid_format(const struct shadow_uuid *uuid, char *buf);

/**
 * shadowcopy_uuid_parse() - read a UUID
 * @text: 36 characters
 * @uuid: out
 *
 * Return: 0 or -EINVAL.
 */
int shadowcopy_uuid_parse(const char *text, struct shadow_uuid *uuid);

/* Are they the same? */
bool shadowcopy_uuid_equal(const struct shadow_uuid *a, const struct shadow_uuid *b);

/* --- the module and its lists ------------------------------------------- */

/**
 * shadowcopy_info() - what the module is and can do
 * @sc: the handle
 * @info: out
 */
int shadowcopy_info(struct shadowcopy *sc, struct shadow_info *info);

/**
 * shadowcopy_volume_next() - walk the tracked volumes
 * @sc: the handle
 * @info: cursor 0 to begin; pass the answer again for the next one
 *
 * Return: 1 with @info filled, 0 at the end, or a negative errno.
 */
int shadowcopy_volume_next(struct shadowcopy *sc, struct shadow_volume_info *info);

/**
 * shadowcopy_volume_find() - one tracked volume
 * @sc: the handle
 * @dev: which
 * @info: out
 *
 * Return: 0, -ENOENT where it is not tracked, or another negative errno.
 */
int shadowcopy_volume_find(struct shadowcopy *sc, struct shadow_dev dev,
			   struct shadow_volume_info *info);

/**
 * shadowcopy_volume_track() - begin to watch a volume's writes
 * @sc: the handle
 * @dev: the volume
 * @memory_bytes: bound of preserved data not yet stored, 0 for the default
 */
int shadowcopy_volume_track(struct shadowcopy *sc, struct shadow_dev dev,
			    uint64_t memory_bytes);

/**
 * shadowcopy_volume_track_changes() - as shadowcopy_volume_track(), with a bound for changes
 * @sc: the handle
 * @dev: the volume
 * @memory_bytes: bound of preserved data not yet stored, 0 for the default
 * @changes_bytes: bound of the memory of what is known of changes, 0 for the default
 */
int shadowcopy_volume_track_changes(struct shadowcopy *sc, struct shadow_dev dev,
				    uint64_t memory_bytes, uint64_t changes_bytes);

/**
 * shadowcopy_volume_untrack() - stop watching a volume's writes
 * @sc: the handle
 * @dev: the volume
 */
int shadowcopy_volume_untrack(struct shadowcopy *sc, struct shadow_dev dev);

/**
 * shadowcopy_volume_policy() - what happens when a volume's store is full
 * @sc: the handle
 * @dev: a tracked volume
 * @policy: enum shadow_policy
 * @throttle_ms: how long writes wait, for SHADOW_POLICY_THROTTLE; 0 for the
 *	default
 *
 * Stays until the volume is tracked no more.
 */
int shadowcopy_volume_policy(struct shadowcopy *sc, struct shadow_dev dev, uint32_t policy,
			     uint32_t throttle_ms);

/**
 * shadowcopy_volume_clear_fault() - let writes to a volume pass again
 * @sc: the handle
 * @dev: a tracked volume
 *
 * After SHADOW_POLICY_FAIL_IO made them fail.  What made them fail, and filesystems
 * that saw it, are the caller's to look after.
 *
 * Return: 0, also where there is no fault, or a negative errno.
 */
int shadowcopy_volume_clear_fault(struct shadowcopy *sc, struct shadow_dev dev);

/**
 * shadowcopy_part_next() - walk the parts of all volumes' stores
 * @sc: the handle
 * @info: zeroed to begin; in: the previous answer, out: the next
 *
 * Return: 1 with @info filled, 0 at the end, or a negative errno.
 */
int shadowcopy_part_next(struct shadowcopy *sc, struct shadow_store_info *info);

/**
 * shadowcopy_shadow_next() - walk the shadows
 * @sc: the handle
 * @info: cursor 0 to begin; pass the answer again for the next one
 *
 * Return: 1 with @info filled, 0 at the end, or a negative errno.
 */
int shadowcopy_shadow_next(struct shadowcopy *sc, struct shadow_shadow_info *info);

/**
 * shadowcopy_find() - what a user names as a shadow or a set
 * @sc: the handle
 * @name: the UUID of a shadow or a set or at least four digits of its
 *	beginning, "/dev/shadowN", "shadowN", "N", or any path of the device
 *	node
 * @uuid: out: its identity
 * @kind: out: SHADOW_KIND_SHADOW or SHADOW_KIND_SET
 *
 * A UUID beginning must be unique among shadows and sets.
 *
 * Return: 0, -ENOENT, -EINVAL (not a name of that kind), -ENOTUNIQ, or another
 * negative errno.
 */
int shadowcopy_find(struct shadowcopy *sc, const char *name,
		    struct shadow_uuid *uuid, uint32_t *kind);

/**
 * shadowcopy_delete() - delete a shadow, or all shadows of a set
 * @sc: the handle
 * @kind: enum shadow_kind
 * @uuid: which
 * @result: out, may be NULL: how many went, and the first that did not
 */
int shadowcopy_delete(struct shadowcopy *sc, uint32_t kind,
		      const struct shadow_uuid *uuid, struct shadow_delete *result);

/**
 * shadowcopy_change() - change a shadow, or all shadows of a set
 * @sc: the handle
 * @kind: enum shadow_kind
 * @uuid: which
 * @flags: one of the SHADOW_CHANGE_* bits
 * @result: out, may be NULL: how many are as wanted now, and the first that is
 *	not
 */
int shadowcopy_change(struct shadowcopy *sc, uint32_t kind, const struct shadow_uuid *uuid,
		      uint32_t flags, struct shadow_change *result);

/**
 * shadowcopy_mark_free() - tell the module what was free at a shadow's instant
 * @sc: the handle
 * @uuid: the shadow
 * @ranges: what was free, in bytes, in any order
 * @count: how many; there is no limit
 * @result: out, may be NULL: how many ranges and blocks were taken in
 *
 * These blocks read as zeros in the shadow from now on, and are not preserved for it.  It
 * can be told in parts, and again.
 *
 * Return: 0, -ENOENT, -EIO (the shadow is lost), -ERANGE, or another negative errno.
 */
int shadowcopy_mark_free(struct shadowcopy *sc, const struct shadow_uuid *uuid,
			 const struct shadow_free_range *ranges, size_t count,
			 struct shadow_shadow_free *result);

/* --- what has changed, and what lies where ------------------------------- */

struct shadowcopy_map;

/**
 * shadowcopy_map_open() - begin to ask what is so of the blocks of a shadow
 * @sc: the handle; outlives the map
 * @shadow: the shadow; or a base, if only changes or free blocks are wanted
 * @since: an older shadow or base of the same volume, with SHADOW_RUN_CHANGED or
 *	SHADOW_RUN_WAS_FREE; NULL: since tracking began, with SHADOW_RUN_CHANGED only
 * @want: SHADOW_RUN_* bits
 * @mapp: out
 *
 * Return: 0; -ENOENT (no such shadow or base), -ENODATA (what changed is not known so far
 * back: a full backup is needed), -EXDEV (of two volumes), -EINVAL (@since is the newer
 * one), or another negative errno.
 */
int shadowcopy_map_open(struct shadowcopy *sc, const struct shadow_uuid *shadow,
			const struct shadow_uuid *since, uint32_t want,
			struct shadowcopy_map **mapp);

/* The counterpart.  @map may be NULL. */
void shadowcopy_map_close(struct shadowcopy_map *map);

/**
 * shadowcopy_map_next() - the next run of which something is so that is wanted
 * @map: the map
 * @run: out; runs are in order, and adjacent ones differ in their state.  The last one can end
 *	with half a block, where the shadow does.
 *
 * Memory of the process is bounded, whatever the size of the shadow.
 *
 * Return: 1 with @run filled, 0 at the end, or a negative errno as shadowcopy_map_open(): what
 * was known can be forgotten meanwhile.
 */
int shadowcopy_map_next(struct shadowcopy_map *map, struct shadow_run *run);

/**
 * shadowcopy_map_seek() - go on from another place
 * @map: the map
 * @offset: bytes, a multiple of 4096; what lies before is not told of
 */
int shadowcopy_map_seek(struct shadowcopy_map *map, uint64_t offset);

/* Size of the shadow, bytes. */
uint64_t shadowcopy_map_bytes(const struct shadowcopy_map *map);

/* The generation that the changes are of; all zero where none were asked for. */
const struct shadow_uuid *shadowcopy_map_generation(const struct shadowcopy_map *map);

/**
 * shadowcopy_base_next() - walk the instants since which changes are known
 * @sc: the handle
 * @info: cursor 0 to begin; pass the answer again for the next one
 *
 * Return: 1 with @info filled, 0 at the end, or a negative errno.
 */
int shadowcopy_base_next(struct shadowcopy *sc, struct shadow_base_info *info);

/**
 * shadowcopy_base_find() - what a user names as a base, or as a shadow that can be one
 * @sc: the handle
 * @name: as for shadowcopy_find(), or the UUID of a base or at least four digits of its
 *	beginning
 * @uuid: out: its identity
 *
 * Return: 0, or as shadowcopy_find(); with -ENOENT the reason of the error is
 * SHADOW_REASON_CHANGES_UNKNOWN, as for a base that is known no more.
 */
int shadowcopy_base_find(struct shadowcopy *sc, const char *name, struct shadow_uuid *uuid);

/**
 * shadowcopy_base_change() - keep a base, or drop it
 * @sc: the handle
 * @uuid: a shadow, or a base
 * @flags: SHADOW_BASE_KEEP: it outlives its shadow, or SHADOW_BASE_DROP
 */
int shadowcopy_base_change(struct shadowcopy *sc, const struct shadow_uuid *uuid,
			   uint32_t flags);

/**
 * shadowcopy_tracking_next() - walk the volumes, and what is known of their changes
 * @sc: the handle
 * @info: cursor 0 to begin; pass the answer again for the next one
 *
 * Return: 1 with @info filled, 0 at the end, or a negative errno.
 */
int shadowcopy_tracking_next(struct shadowcopy *sc, struct shadow_tracking_info *info);

/* "memory", "unclean" ... of enum shadow_tracking_reason, and a part of a sentence. */
const char *shadowcopy_tracking_name(uint32_t reason);
const char *shadowcopy_tracking_text(uint32_t reason);

/* --- sets --------------------------------------------------------------- */

/**
 * shadowcopy_set_new() - begin a set
 * @sc: the handle
 * @flags: SHADOW_SET_* bits
 * @timeout_ms: longest hold, 0 for the default
 * @context: stored with the shadows; shadowcopy uses the SHADOWCOPY_CTX_* values
 * @setp: out
 */
int shadowcopy_set_new(struct shadowcopy *sc, uint32_t flags, uint32_t timeout_ms,
		       uint32_t context, struct shadowcopy_set **setp);

/**
 * shadowcopy_set_close() - close the set's descriptor
 * @set: the set, or NULL
 *
 * Aborts a set in the making; deletes its shadows unless they were made with
 * SHADOW_SET_NO_AUTO_RELEASE or kept by shadowcopy_set_keep().
 */
void shadowcopy_set_close(struct shadowcopy_set *set);

/* The descriptor, for passing the ownership of the set on; stays the set's. */
int shadowcopy_set_fd(const struct shadowcopy_set *set);

/* The identity of the set. */
const struct shadow_uuid *shadowcopy_set_uuid(const struct shadowcopy_set *set);

/**
 * shadowcopy_set_add() - add one device to a set in the making
 * @set: the set
 * @dev: the device
 * @flags: SHADOW_ADD_* bits
 * @store: the volume's store, NULL for the default
 * @shadow: out, may be NULL: identity of the shadow to be
 *
 * Devices are frozen and held in the order of addition; struct shadowcopy_plan
 * finds devices and order.
 */
int shadowcopy_set_add(struct shadowcopy_set *set, struct shadow_dev dev,
		       uint32_t flags, const struct shadow_store_spec *store,
		       struct shadow_uuid *shadow);

/*
 * Steps of a set.  @step: out, may be NULL.  Hold brings every volume to rest,
 * take makes the shadows (alone: hold, take and release in one), release lets
 * the writes go on, keep makes the shadows outlive the descriptor.  Between hold and
 * release volumes that are only held (SHADOW_ADD_HOLD) can be copied by something else;
 * that copy is good if release returns 0.
 */
int shadowcopy_set_hold(struct shadowcopy_set *set, struct shadow_set_step *step);
int shadowcopy_set_take(struct shadowcopy_set *set, struct shadow_set_step *step);
int shadowcopy_set_release(struct shadowcopy_set *set, struct shadow_set_step *step);
int shadowcopy_set_status(struct shadowcopy_set *set, struct shadow_set_step *step);
int shadowcopy_set_keep(struct shadowcopy_set *set, struct shadow_set_step *step);

/*
 * Contexts: presets of attribute bits, the same numbers as VSS gives them.
 */
#define SHADOWCOPY_ATTR_PERSISTENT		0x00000001U
#define SHADOWCOPY_ATTR_CLIENT_ACCESSIBLE	0x00000004U
#define SHADOWCOPY_ATTR_NO_AUTO_RELEASE		0x00000008U
#define SHADOWCOPY_ATTR_NO_WRITERS		0x00000010U

#define SHADOWCOPY_CTX_BACKUP			0x00000000U
#define SHADOWCOPY_CTX_FILE_SHARE_BACKUP	0x00000010U
#define SHADOWCOPY_CTX_NAS_ROLLBACK		0x00000019U
#define SHADOWCOPY_CTX_APP_ROLLBACK		0x00000009U
#define SHADOWCOPY_CTX_CLIENT_ACCESSIBLE	0x0000001DU
#define SHADOWCOPY_CTX_CLIENT_ACCESSIBLE_WRITERS 0x0000000DU

/**
 * shadowcopy_context_name() - "backup", "nas-rollback" ...
 * @context: a context
 *
 * Return: its name, or "custom".
 */
const char *shadowcopy_context_name(uint32_t context);

/**
 * shadowcopy_context_parse() - a context by its name
 * @name: as shadowcopy_context_name() gives it
 * @context: out
 *
 * Return: 0 or -EINVAL.
 */
int shadowcopy_context_parse(const char *name, uint32_t *context);

/* --- volumes as people name them ---------------------------------------- */

#define SHADOWCOPY_PATH_MAX 256

/**
 * struct shadowcopy_volume - a block device that a name stands for
 * @dev: its number
 * @bytes: its size, 0 where unknown
 * @name: its kernel name, "vda1"
 * @path: its usual path, "/dev/vda1", "/dev/mapper/vg-home"
 * @reserved: zero
 */
struct shadowcopy_volume {
	struct shadow_dev dev;
	uint64_t bytes;
	char name[32];
	char path[SHADOWCOPY_PATH_MAX];
	uint64_t reserved[4];
};

/**
 * shadowcopy_resolve() - find the volume that a name stands for
 * @sc: the handle
 * @name: a block device (any path or link to it), a mount point, a kernel name
 *	("vda1"), "MAJOR:MINOR", or a tag ("UUID=...", "LABEL=...",
 *	"PARTUUID=...", "PARTLABEL=...")
 * @volume: out
 *
 * Return: 0, -ENOENT, -ENOTBLK (no block device behind it, or a path inside a
 * filesystem: the error names the mount point to use), or another errno.
 */
int shadowcopy_resolve(struct shadowcopy *sc, const char *name,
		       struct shadowcopy_volume *volume);

/**
 * struct shadowcopy_place - where a file is (B-50)
 * @volume: the volume that its filesystem is on, as shadowcopy_resolve() gives it
 * @mountpoint: where that is mounted
 * @path: of the file in the filesystem, and so in a shadow of it; "/": its root.  Where only a
 *	directory or a subvolume is mounted this begins with it
 * @reserved: zero
 */
struct shadowcopy_place {
	struct shadowcopy_volume volume;
	char mountpoint[SHADOWCOPY_PATH_MAX];
	char path[SHADOWCOPY_PATH_MAX];
	uint64_t reserved[4];
};

/**
 * shadowcopy_locate() - on which volume a file is, and what it is called there
 * @sc: the handle
 * @name: of a file or directory that exists; symbolic links are followed
 * @place: out
 *
 * Return: 0, -ENOENT, -ENOTBLK (no block device behind it), or another negative errno.
 */
int shadowcopy_locate(struct shadowcopy *sc, const char *name, struct shadowcopy_place *place);

/* UUID of the filesystem on a device, as that writes it; "" where there is none. */
int shadowcopy_fs_uuid(struct shadowcopy *sc, struct shadow_dev dev, char *buf, size_t size);

struct shadowcopy_affected;

/**
 * shadowcopy_affected_new() - prepare to see what is on some volumes (C-07)
 * @sc: the handle; outlives the rest
 * @volumes: their numbers; copied
 * @count: how many
 * @affectedp: out: to be freed by shadowcopy_affected_free()
 *
 * Mounts are seen as they are now.
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_affected_new(struct shadowcopy *sc, const struct shadow_dev *volumes,
			    size_t count, struct shadowcopy_affected **affectedp);

/* The end of it; NULL is allowed. */
void shadowcopy_affected_free(struct shadowcopy_affected *affected);

/**
 * shadowcopy_affected_test() - is a file or directory on one of them?
 * @affected: see shadowcopy_affected_new()
 * @path: absolute; symbolic links are followed; where it does not exist, its nearest parent
 *	that does counts
 * @recursive: or is anything that is mounted below it?
 *
 * Also where filesystem and volume share blocks, as a partition and its disk do.
 *
 * Return: 1, 0, or a negative errno.
 */
int shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
			     bool recursive);

/**
 * shadowcopy_describe() - name, path and size of a device number
 * @sc: the handle
 * @dev: the number
 * @volume: out; name and path read "M:m" where sysfs does not know the device
 *
 * Return: 0, or -ENODEV where sysfs does not know it.
 */
int shadowcopy_describe(struct shadowcopy *sc, struct shadow_dev dev,
			struct shadowcopy_volume *volume);

/* --- stores: where they can be ------------------------------------------ */

#define SHADOWCOPY_UNLIMITED UINT64_MAX

/**
 * struct shadowcopy_amount - so many bytes, or so much of something
 * @bytes: SHADOWCOPY_UNLIMITED: no limit; 0 with @percent 0: nothing was said
 * @percent: 1 to 100: of the place that a store is in, instead of @bytes
 * @reserved0: zero
 */
struct shadowcopy_amount {
	uint64_t bytes;
	uint32_t percent;
	uint32_t reserved0;
};

/**
 * shadowcopy_amount_parse() - read "4096", "64M", "10%" or "unlimited"
 * @text: a number of bytes, or of a binary unit: K, M, G, T, P, E
 * @amount: out
 *
 * Return: NULL, or what is wrong with it, as a part of a sentence.
 */
const char *shadowcopy_amount_parse(const char *text, struct shadowcopy_amount *amount);

#define SHADOWCOPY_AMOUNT_LEN 32	/* text of an amount, with its NUL */

/* The text of an amount, into SHADOWCOPY_AMOUNT_LEN bytes.  Return: @buf. */
char *shadowcopy_amount_format(const struct shadowcopy_amount *amount, char *buf);

/* An amount of @whole in bytes. */
uint64_t shadowcopy_amount_of(const struct shadowcopy_amount *amount, uint64_t whole);

#define SHADOWCOPY_STORE_PATH_MAX 1024

/* Flags of struct shadowcopy_store. */
#define SHADOWCOPY_STORE_UNNAMED (1U << 0) /* a file without a name, in directory @path */
#define SHADOWCOPY_STORE_FORCE	(1U << 1) /* other contents may be overwritten */
#define SHADOWCOPY_STORE_DURABLE (1U << 2) /* it is to keep persistent shadows */

/**
 * struct shadowcopy_store - a place for the preserved blocks of a volume
 * @type: enum shadow_store_type
 * @flags: SHADOWCOPY_STORE_* bits
 * @dev: for SHADOW_STORE_DEVICE which
 * @path: of the device, the file or the directory; empty for memory
 * @max: how much it may hold; nothing: all of a device, a quarter of the memory, and for
 *	a file half of what is free on its filesystem when it is opened
 * @initial: size to begin a file with; nothing: 64 MiB, or 2% of the volume if that
 *	is more
 * @reserved: zero
 *
 * A file with SHADOWCOPY_STORE_DURABLE has a name, lies on another filesystem than the volume's,
 * and has its size from the beginning: @max, or @initial, or a tenth of the volume but no more
 * than half of what is free.  All of it is written when it is opened, which takes its time.
 */
struct shadowcopy_store {
	uint32_t type;
	uint32_t flags;
	struct shadow_dev dev;
	char path[SHADOWCOPY_STORE_PATH_MAX];
	struct shadowcopy_amount max;
	struct shadowcopy_amount initial;
	uint64_t reserved[4];
};

/**
 * shadowcopy_store_parse() - understand what a user calls a store
 * @sc: the handle
 * @text: "memory", "memory:SIZE", a block device as shadowcopy_resolve() takes it,
 *	the path of a file, which need not exist, or a directory: a file without a name
 *	in it, of which nothing is left when the volume's last shadow is gone
 * @store: out
 *
 * What has a slash in it and is neither a block device nor a directory is a file,
 * except below /dev.
 */
int shadowcopy_store_parse(struct shadowcopy *sc, const char *text,
			   struct shadowcopy_store *store);

/**
 * shadowcopy_part_open() - make a place ready to be used by the module
 * @sc: the handle
 * @volume: the volume that it is for
 * @store: the place
 * @partp: out
 *
 * A file is made if it does not exist.  One that exists is taken only if it is a store
 * already, or empty, unless SHADOWCOPY_STORE_FORCE is given; so is a device only if nothing
 * is recognised on it.  A file that is overwritten has lost its contents when this succeeds.
 * Of parts that have blocks in common (shadowcopy_stores_overlap()) open one only: what the
 * first one overwrites is not there any more when the second one remembers it.
 *
 * Return: 0; -EEXIST: something else is there; -EPERM: others than root could
 * interfere; -EOPNOTSUPP: not on this filesystem; -ENOSPC; -EBUSY: it is in use; or another
 * errno.
 */
int shadowcopy_part_open(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
			 const struct shadowcopy_store *store,
			 struct shadowcopy_part **partp);

/**
 * shadowcopy_part_close() - let go of a part, or of NULL
 *
 * The module, if it has it, keeps it.  Unless shadowcopy_part_keep() was called, a file that
 * shadowcopy_part_open() made is deleted, and what was on a device comes back that was
 * overwritten to make it a store; a set that the device was added to is closed before.
 * Call shadowcopy_part_keep() for a device when shadows may have been taken, be it only for a
 * moment: the module writes to it from then on.  Where taking fails with SHADOW_PHASE_FREEZE
 * or SHADOW_PHASE_HOLD they have not.
 *
 * Return: 0, or a negative errno: what was on a device could not be put back, or not all.
 */
int shadowcopy_part_close(struct shadowcopy_part *part);
void shadowcopy_part_keep(struct shadowcopy_part *part);

/* What shadowcopy_set_add() and shadowcopy_part_add() take; valid until the part is closed. */
const struct shadow_store_spec *shadowcopy_part_spec(const struct shadowcopy_part *part);

/**
 * shadowcopy_stores_overlap() - do two stores have blocks in common?
 * @sc: the handle
 * @a: a store
 * @b: another one
 *
 * Return: 1 for two devices of which one is a part of the other, or made of it, as a disk
 * and its partition are, or that are the same; else 0.
 */
int shadowcopy_stores_overlap(struct shadowcopy *sc, const struct shadowcopy_store *a,
			      const struct shadowcopy_store *b);

/**
 * shadowcopy_store_limit() - how much a store may hold, in bytes
 * @sc: the handle
 * @store: which, with its @max said
 * @bytes: out; without a limit what its device or its filesystem has
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_store_limit(struct shadowcopy *sc, const struct shadowcopy_store *store,
			   uint64_t *bytes);

/* --- stores: parts that the module has ------------------------------------ */

/**
 * shadowcopy_part_describe() - what a part of a store is
 * @sc: the handle
 * @info: the part, as shadowcopy_part_next() gave it
 * @store: out; of a file whose path is not known, the mount point of its filesystem,
 *	with SHADOWCOPY_STORE_UNNAMED, or an empty path where that cannot be seen
 */
int shadowcopy_part_describe(struct shadowcopy *sc, const struct shadow_store_info *info,
			     struct shadowcopy_store *store);

/**
 * shadowcopy_part_is() - is this part the store that a user names?
 * @sc: the handle
 * @info: the part, as shadowcopy_part_next() gave it
 * @store: a place; a directory means a file without a name on its filesystem
 *
 * Return: 1, 0, or a negative errno.
 */
int shadowcopy_part_is(struct shadowcopy *sc, const struct shadow_store_info *info,
		       const struct shadowcopy_store *store);

/**
 * shadowcopy_part_find() - the part of a volume's store that a user names
 * @sc: the handle
 * @dev: the volume
 * @store: the place of the part, as for shadowcopy_part_is()
 * @info: out
 *
 * Return: 0; -ENOENT: the store has no such part, or the volume no store; -ENOTUNIQ:
 * it has several there; or another negative errno.
 */
int shadowcopy_part_find(struct shadowcopy *sc, struct shadow_dev dev,
			 const struct shadowcopy_store *store, struct shadow_store_info *info);

/**
 * shadowcopy_part_add() - give the store of a volume one more part
 * @sc: the handle
 * @dev: the volume; it has a store: it has shadows, or is in a set
 * @store: what shadowcopy_part_spec() tells of the new part
 * @part: out, may be NULL: its number
 *
 * Return: 0, -ENOENT (the volume has no store), or another negative errno.
 */
int shadowcopy_part_add(struct shadowcopy *sc, struct shadow_dev dev,
			const struct shadow_store_spec *store, uint32_t *part);

/**
 * shadowcopy_part_resize() - change the size of a part of a store, or let go of it
 * @sc: the handle
 * @dev: the volume
 * @part: number of the part
 * @max_bytes: its new maximum; 0: clear it out, and let go of it
 * @moved_bytes: out, may be NULL: what was moved elsewhere, after a failure, too
 *
 * Returns when what lay above the new maximum was moved to the rest of the store.  Shadows
 * and writes go on meanwhile, and nothing is lost whatever happens.  Any signal ends it.
 *
 * Return: 0; -ENOSPC: the rest of the store has no room; -EINTR: a signal; the part is
 * as large as before then; -ENOENT: there is no such part; or another negative errno.
 */
int shadowcopy_part_resize(struct shadowcopy *sc, struct shadow_dev dev, uint32_t part,
			   uint64_t max_bytes, uint64_t *moved_bytes);

/**
 * struct shadowcopy_attached - what shadowcopy_store_attach() found
 * @shadows: shadows that are there again, those that are lost included
 * @lost: of these, so many are lost, and say why
 * @dropped: shadows that were not persistent, or not complete, and are gone
 * @reserved: zero
 */
struct shadowcopy_attached {
	uint32_t shadows;
	uint32_t lost;
	uint32_t dropped;
	uint32_t reserved[5];
};

/**
 * shadowcopy_store_attach() - have the shadows again that a durable store keeps
 * @sc: the handle
 * @volume: the volume that they are of; nobody has mounted or claimed it
 * @store: the device or the file that has it; @type, @dev or @path are looked at
 * @flags: SHADOW_ATTACH_* bits, of <linux/shadow.h>
 * @attached: out, may be NULL
 *
 * To be called before anybody writes to the volume.  If something was written unseen, or it is
 * another volume, that is refused; SHADOW_ATTACH_LOST has all of its shadows as lost ones.
 *
 * Return: 0, -ESTALE (the volume was written), -EBUSY, -EEXIST (the volume has a store),
 * -EMEDIUMTYPE (there is none on @store), -EUCLEAN (it is damaged), -EOPNOTSUPP (it is newer),
 * or another negative errno.
 */
int shadowcopy_store_attach(struct shadowcopy *sc, struct shadow_dev volume,
			    const struct shadowcopy_store *store, uint32_t flags,
			    struct shadowcopy_attached *attached);

/**
 * shadowcopy_store_detach() - let go of a durable store, and leave the shadows in it
 * @sc: the handle
 * @volume: the volume; nobody has it, or one of its shadows, open
 * @shadows: out, may be NULL: how many there were
 *
 * Return: 0, -EBUSY, -ENOENT (it has no store), -EMEDIUMTYPE (the store is not durable), or
 * another negative errno.
 */
int shadowcopy_store_detach(struct shadowcopy *sc, struct shadow_dev volume, uint32_t *shadows);

/**
 * shadowcopy_store_detach_final() - the same, at the end of a shutdown
 * @sc: the handle
 * @volume: the volume; somebody may have mounted it read-only, as the root filesystem is then
 * @shadows: out, may be NULL: how many there were
 *
 * Writes to the volume fail from then on, until its store is attached again.  -EBUSY: a filesystem
 * on it, or on a device above it, is mounted read-write.
 */
int shadowcopy_store_detach_final(struct shadowcopy *sc, struct shadow_dev volume,
				  uint32_t *shadows);

/* --- reverts --------------------------------------------------------------- */

/**
 * shadowcopy_revert() - make a volume what it was at the instant of a shadow
 * @sc: the handle
 * @uuid: the shadow; it is persistent
 * @flags: SHADOW_REVERT_* bits, of <linux/shadow.h>
 *
 * Returns when it has begun, or with SHADOW_REVERT_AT_ATTACH when it is noted that it is to begin
 * when the volume's store is attached the next time.  Newer shadows, older ones and the shadow
 * itself stay what they are.  One that has ended half-way goes on.
 *
 * Return: 0; -EBUSY: the volume is in use, or a set of it in the making; -ENOENT: there is no such
 * shadow; -EALREADY: there is a revert already; -EMEDIUMTYPE: the shadow is not persistent; -EIO:
 * it is lost, or the store failed; -ENOSPC: the store has no room for what newer shadows may need;
 * -EFBIG: the volume is smaller; -EROFS: it is read-only; or another negative errno.
 */
int shadowcopy_revert(struct shadowcopy *sc, const struct shadow_uuid *uuid, uint32_t flags);

/**
 * shadowcopy_revert_next() - the next volume that has a revert
 * @sc: the handle
 * @info: the last one, zeroed to begin with; out: the next one
 *
 * Return: 1, 0 at the end, or a negative errno.
 */
int shadowcopy_revert_next(struct shadowcopy *sc, struct shadow_revert_info *info);

/**
 * shadowcopy_revert_status() - how far the revert of a volume is
 * @sc: the handle
 * @dev: the volume
 * @info: out; ->state is SHADOW_REVERT_NONE if there is none
 *
 * Return: 0, or a negative errno.
 */
int shadowcopy_revert_status(struct shadowcopy *sc, struct shadow_dev dev,
			     struct shadow_revert_info *info);

/**
 * shadowcopy_revert_cancel() - take a revert back that has not begun
 * @sc: the handle
 * @dev: the volume
 * @flags: SHADOW_CANCEL_HALF_DONE: or one that has ended half-way; the volume stays as it is
 *
 * Return: 0; -ENOENT: there is none; -EBUSY: it has begun; or another negative errno.
 */
int shadowcopy_revert_cancel(struct shadowcopy *sc, struct shadow_dev dev, uint32_t flags);

/* "noted", "running", "half-done", "done" */
const char *shadowcopy_revert_state_name(uint32_t state);

/* --- stores: which volume has which -------------------------------------- */

#define SHADOWCOPY_STORES_CONF "/etc/shadowcopy/stores.conf"

/**
 * struct shadowcopy_association - a line of stores.conf: a volume and a part of its store
 * @volume: "UUID=...", "PARTUUID=..." or another tag, the path of a device, a mount point, or
 *	"*" for every volume that has no line of its own
 * @store: "memory", a tag or a path below /dev for a device, a path for a file, a path
 *	that ends with a slash for a file without a name in that directory
 * @max: how much it may hold
 * @initial: size to begin a file with
 * @policy: what to do when the volume's store is full, 0 where that is not said
 * @throttle_ms: how long writes wait then, 0 where that is not said
 * @line: its number in the file, 0: not there yet
 * @reserved0: zero
 * @reserved: zero
 */
struct shadowcopy_association {
	const char *volume;
	const char *store;
	struct shadowcopy_amount max;
	struct shadowcopy_amount initial;
	uint32_t policy;
	uint32_t throttle_ms;
	uint32_t line;
	uint32_t reserved0;
	uint64_t reserved[4];
};

/* Flags of shadowcopy_stores_open(). */
#define SHADOWCOPY_STORES_EDIT	(1U << 0)	/* keep others from changing it meanwhile */

/**
 * shadowcopy_stores_open() - read the associations
 * @sc: the handle
 * @flags: SHADOWCOPY_STORES_* bits
 * @storesp: out; without the file it is empty
 *
 * Return: 0; -EINVAL: a line is wrong, and the error tells which and how; -EPERM:
 * others than root can change the file; or another errno.
 */
int shadowcopy_stores_open(struct shadowcopy *sc, uint32_t flags,
			   struct shadowcopy_stores **storesp);
void shadowcopy_stores_close(struct shadowcopy_stores *stores);

/* The association of index @index, in the order of the file, or NULL. */
const struct shadowcopy_association *
shadowcopy_stores_entry(const struct shadowcopy_stores *stores, size_t index);

/**
 * shadowcopy_stores_next() - walk the associations of a volume
 * @stores: the associations
 * @dev: the volume
 * @index: in, out: 0 to begin
 *
 * Return: the next one, or NULL.  "*" is not among them.
 */
const struct shadowcopy_association *
shadowcopy_stores_next(struct shadowcopy_stores *stores, struct shadow_dev dev, size_t *index);

/* The association of "*", or NULL. */
const struct shadowcopy_association *
shadowcopy_stores_default(const struct shadowcopy_stores *stores);

/*
 * Add an association, replace the one of index @index, remove it.  Comments and
 * other lines stay as they are.  Nothing is written before
 * shadowcopy_stores_commit(), which replaces the file as a whole.
 */
int shadowcopy_stores_add(struct shadowcopy_stores *stores,
			  const struct shadowcopy_association *entry);
int shadowcopy_stores_change(struct shadowcopy_stores *stores, size_t index,
			     const struct shadowcopy_association *entry);
int shadowcopy_stores_remove(struct shadowcopy_stores *stores, size_t index);
int shadowcopy_stores_commit(struct shadowcopy_stores *stores);

/**
 * shadowcopy_lasting_name() - a name for a volume that survives renaming of devices
 * @sc: the handle
 * @dev: the volume
 * @contents: 1: what is on it may identify it
 * @buf: SHADOWCOPY_PATH_MAX bytes
 *
 * In this order: the UUID of the filesystem on it, its dm name or PARTUUID, a link in
 * /dev/disk/by-id.
 *
 * Return: 0; 1: there was nothing but its kernel name; or a negative errno.
 */
int shadowcopy_lasting_name(struct shadowcopy *sc, struct shadow_dev dev, int contents,
			    char *buf);

/* --- stores: choosing one ------------------------------------------------- */

/* Flags of struct shadowcopy_candidate. */
#define SHADOWCOPY_CANDIDATE_OWN (1U << 0)	/* it is on the volume itself */
#define SHADOWCOPY_CANDIDATE_APART (1U << 1)	/* on no disk that the volume is on */
#define SHADOWCOPY_CANDIDATE_CHOSEN (1U << 2)	/* it would be chosen */

/**
 * struct shadowcopy_candidate - a filesystem that could have a volume's store
 * @dev: its device
 * @flags: SHADOWCOPY_CANDIDATE_* bits
 * @reserved0: zero
 * @bytes: its size
 * @free_bytes: what is free
 * @room_bytes: how much of that a store of this volume may take
 * @fstype: its type
 * @mountpoint: where it is mounted
 * @obstacle: why it is not chosen automatically, empty where it could be
 * @reserved: zero
 */
struct shadowcopy_candidate {
	struct shadow_dev dev;
	uint32_t flags;
	uint32_t reserved0;
	uint64_t bytes;
	uint64_t free_bytes;
	uint64_t room_bytes;
	char fstype[32];
	char mountpoint[SHADOWCOPY_STORE_PATH_MAX];
	char obstacle[128];
	uint64_t reserved[4];
};

/**
 * shadowcopy_candidates() - the filesystems that could have a volume's store
 * @sc: the handle
 * @dev: the volume
 * @candidatesp: out: an array, to be freed by free()
 *
 * Return: how many, the best one first, or a negative errno.
 */
int shadowcopy_candidates(struct shadowcopy *sc, struct shadow_dev dev,
			  struct shadowcopy_candidate **candidatesp);

/* By which rule a store was chosen, in the order in which they are tried (VSS E-05). */
enum shadowcopy_rule {
	SHADOWCOPY_RULE_ASKED = 1,	/* who makes the shadow named one */
	SHADOWCOPY_RULE_KEPT = 2,	/* the volume has shadows, and with them a store */
	SHADOWCOPY_RULE_ASSOCIATED = 3,	/* a line of stores.conf */
	SHADOWCOPY_RULE_DEFAULT = 4,	/* its line for all volumes */
	SHADOWCOPY_RULE_APART = 5,	/* a filesystem on another disk, with room enough */
	SHADOWCOPY_RULE_OWN = 6,	/* the volume's own, with room enough */
	SHADOWCOPY_RULE_BESIDE = 7,	/* another one on the same disk, with room enough */
	SHADOWCOPY_RULE_ROOM = 8,	/* none has enough: the one that has most */
	SHADOWCOPY_RULE_MEMORY = 9,	/* there is none */
};

/* "asked", "kept", "associated" ... */
const char *shadowcopy_rule_name(uint32_t rule);

/**
 * struct shadowcopy_choice - what was chosen for a volume
 * @rule: enum shadowcopy_rule
 * @count: how many parts; 0 with SHADOWCOPY_RULE_KEPT
 * @stores: the parts, the choice's own
 * @policy: enum shadow_policy, 0 where none was said
 * @throttle_ms: with SHADOW_POLICY_THROTTLE, 0 where it was not said
 * @reserved: zero
 */
struct shadowcopy_choice {
	uint32_t rule;
	uint32_t count;
	struct shadowcopy_store *stores;
	uint32_t policy;
	uint32_t throttle_ms;
	uint64_t reserved[4];
};

/**
 * shadowcopy_choose() - choose stores for the volumes of a set
 * @sc: the handle
 * @volumes: the volumes
 * @count: how many
 * @choices: in: zero, or with a rule where there is nothing to choose; out: as many
 *	choices, each to be cleared by shadowcopy_choice_clear() after a failure, too
 *
 * See enum shadowcopy_rule.  "Enough" is room for a tenth of the volume; a store may
 * take half of what is free, divided by the volumes of the set.
 */
int shadowcopy_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volumes,
		      size_t count, struct shadowcopy_choice *choices);
void shadowcopy_choice_clear(struct shadowcopy_choice *choice);

/* --- stores: what is left over ------------------------------------------- */

/**
 * struct shadowcopy_leftover - a store file that was found
 * @path: where
 * @volume: name of the volume that it was made for
 * @kept: why it was not deleted, empty where it was
 * @uuid: of the store
 * @created: when it was made, seconds since 1970
 * @bytes: what it takes of its filesystem
 * @reserved: zero
 */
struct shadowcopy_leftover {
	char path[SHADOWCOPY_STORE_PATH_MAX];
	char volume[SHADOWCOPY_PATH_MAX];
	char kept[320];
	struct shadow_uuid uuid;
	uint64_t created;
	uint64_t bytes;
	uint64_t reserved[4];
};

/* Flags of shadowcopy_gc(). */
#define SHADOWCOPY_GC_DRY_RUN	(1U << 0)	/* delete nothing */

/**
 * shadowcopy_gc() - delete store files that are neither associated nor in use
 * @sc: the handle
 * @flags: SHADOWCOPY_GC_* bits
 * @dir: NULL: all that were made on this machine; or a directory to look into, for
 *	those of another one; or a single file
 * @fn: called for each store file that was found, deleted or not
 * @data: its first argument
 *
 * What has not the header of a store, and what others than root can exchange, is not
 * touched.
 */
int shadowcopy_gc(struct shadowcopy *sc, uint32_t flags, const char *dir,
		  void (*fn)(void *data, const struct shadowcopy_leftover *leftover),
		  void *data);

/* --- plans: what must be frozen, and in which order ---------------------- */

/* How far the shadow of a volume can be trusted as a filesystem. */
enum shadowcopy_consistency {
	SHADOWCOPY_CONSISTENT_FS = 1,	/* what is mounted on it is frozen */
	SHADOWCOPY_CONSISTENT_CRASH = 2, /* as after pulling the plug */
	SHADOWCOPY_CONSISTENT_RAW = 3,	/* no filesystem is mounted on it */
};

/**
 * struct shadowcopy_plan_entry - a device of the plan
 * @dev: the device
 * @flags: SHADOW_ADD_* bits
 * @consistency: enum shadowcopy_consistency, for those that get a shadow, and for those that
 *	are only held: of the copy that is made meanwhile
 * @store: the store, or its first part, for those that get a shadow
 * @shadow: identity of the shadow, once added to a set
 * @name: kernel name
 * @path: usual path
 * @fstype: type of the filesystem mounted on it, in whatever namespace; empty
 *	where there is none
 * @mountpoint: where it is mounted in this namespace, empty where it is not
 * @warning: why @consistency is less than could be wished, or empty
 * @writable: 1 where a filesystem on it was seen mounted for writing, so that freezing it
 *	writes it out; one that is read-only can have a journal to be replayed
 */
struct shadowcopy_plan_entry {
	struct shadow_dev dev;
	uint32_t flags;
	uint32_t consistency;
	struct shadow_store_spec store;
	struct shadow_uuid shadow;
	const char *name;
	const char *path;
	const char *fstype;
	const char *mountpoint;
	const char *warning;
	uint32_t writable;
};

/**
 * shadowcopy_plan_new() - begin a plan
 * @sc: the handle
 * @planp: out
 */
int shadowcopy_plan_new(struct shadowcopy *sc, struct shadowcopy_plan **planp);
void shadowcopy_plan_free(struct shadowcopy_plan *plan);

/**
 * shadowcopy_plan_volume() - name a volume that is to get a shadow
 * @plan: the plan
 * @dev: the volume
 * @store: its store, NULL for the default
 *
 * For a volume of which something else makes the copy there is shadowcopy_plan_held(), of
 * libshadowcopy-provider.h.
 *
 * Return: 0, -EEXIST where it is in the plan already, or another errno.
 */
int shadowcopy_plan_volume(struct shadowcopy_plan *plan, struct shadow_dev dev,
			   const struct shadow_store_spec *store);

/**
 * shadowcopy_plan_part() - one more part of the store of a volume of the plan
 * @plan: the plan
 * @dev: the volume, which shadowcopy_plan_volume() named with a first part
 * @store: the part
 *
 * Return: 0, -ENOENT where the volume is not in the plan, or another errno.
 */
int shadowcopy_plan_part(struct shadowcopy_plan *plan, struct shadow_dev dev,
			 const struct shadow_store_spec *store);

/**
 * shadowcopy_plan_compute() - find every device above the volumes, and the order
 * @plan: the plan
 *
 * Upwards means: partitions of a disk, devices that hold it (device mapper,
 * md, bcache), loop devices whose file lies on a filesystem on it, and what is
 * above those.  All are to be frozen, most stacked first, the root
 * filesystem's device as late as that permits.  Swap is left out.
 *
 * Return: 0, -E2BIG where there are more than SHADOW_MAX_FREEZE, or another
 * errno.
 */
int shadowcopy_plan_compute(struct shadowcopy_plan *plan);

size_t shadowcopy_plan_count(const struct shadowcopy_plan *plan);
const struct shadowcopy_plan_entry *
shadowcopy_plan_entry(const struct shadowcopy_plan *plan, size_t index);

/**
 * shadowcopy_plan_sync() - write out what is dirty, so that the freeze is short
 * @plan: a computed plan
 *
 * No writer is held up.  A filesystem that cannot be written out gets a
 * warning in its entry.
 *
 * Return: the number of filesystems written out, or a negative errno.
 */
int shadowcopy_plan_sync(struct shadowcopy_plan *plan);

/**
 * shadowcopy_plan_apply() - add every device of the plan to a set, in order
 * @plan: a computed plan
 * @set: a set in the making
 *
 * With a volume go all parts of its store.  After a failure the set is to be closed, and
 * the stores that were made for it go with it.
 */
int shadowcopy_plan_apply(struct shadowcopy_plan *plan, struct shadowcopy_set *set);

/* --- events ------------------------------------------------------------- */

/* Which members of struct shadowcopy_event are filled. */
#define SHADOWCOPY_EV_SHADOW	(1U << 0)
#define SHADOWCOPY_EV_SET	(1U << 1)
#define SHADOWCOPY_EV_DEV	(1U << 2)
#define SHADOWCOPY_EV_INDEX	(1U << 3)
#define SHADOWCOPY_EV_REASON	(1U << 4)
#define SHADOWCOPY_EV_PERCENT	(1U << 5)
#define SHADOWCOPY_EV_SECONDS	(1U << 6)
#define SHADOWCOPY_EV_FAULT	(1U << 7)
#define SHADOWCOPY_EV_BYTES	(1U << 8)
#define SHADOWCOPY_EV_WRITER	(1U << 9)	/* @writer_class and @writer */
#define SHADOWCOPY_EV_SESSION	(1U << 10)

/**
 * struct shadowcopy_event - one fact
 * @event: enum shadow_nl_event, or 0 where only @missed has news
 * @present: SHADOWCOPY_EV_* bits
 * @seq: number of the event
 * @missed: events lost before this one: read the lists again.  UINT64_MAX:
 *	some were lost just now; how many, an event that follows may tell.
 * @time_ns: CLOCK_REALTIME
 * @shadow: the shadow concerned
 * @set: the set concerned
 * @dev: the volume concerned
 * @index: N of /dev/shadowN
 * @reason: enum shadow_reason
 * @percent: fill of the store
 * @seconds: time until the store is full, if it goes on like this
 * @name: kernel name of the volume, or the writer's name
 * @fault: enum shadow_protect_fault
 * @reserved0: zero
 * @bytes: what the store has now
 * @writer_class: what kind of writer
 * @writer: its instance
 * @session: in which it was told something
 * @reserved: zero
 */
struct shadowcopy_event {
	uint32_t event;
	uint32_t present;
	uint64_t seq;
	uint64_t missed;
	int64_t time_ns;
	struct shadow_uuid shadow;
	struct shadow_uuid set;
	struct shadow_dev dev;
	uint32_t index;
	uint32_t reason;
	uint32_t percent;
	uint32_t seconds;
	char name[SHADOW_NL_NAME_MAX + 1];
	uint32_t fault;
	uint32_t reserved0;
	uint64_t bytes;
	struct shadow_uuid writer_class;
	struct shadow_uuid writer;
	struct shadow_uuid session;
	uint64_t reserved[2];
};

/**
 * shadowcopy_events_open() - listen to the module's events
 * @sc: the handle
 * @evp: out
 *
 * Return: 0, -ENOENT (the module is not loaded), -EPERM, or another errno.
 */
int shadowcopy_events_open(struct shadowcopy *sc, struct shadowcopy_events **evp);
void shadowcopy_events_close(struct shadowcopy_events *ev);

/* A descriptor that polls readable when shadowcopy_events_next() has news. */
int shadowcopy_events_fd(const struct shadowcopy_events *ev);

/**
 * shadowcopy_events_next() - the next event, without waiting
 * @ev: the stream
 * @event: out
 *
 * Return: 1 with @event filled, 0 where there is none now, or a negative errno.
 */
int shadowcopy_events_next(struct shadowcopy_events *ev, struct shadowcopy_event *event);

/* "created", "store-fill" ... */
const char *shadowcopy_event_name(uint32_t event);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_H */
