/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registry.h - the volumes that are tracked.
 */
#ifndef SHADOW_REGISTRY_H
#define SHADOW_REGISTRY_H

#include "volume.h"

int shadow_registry_init(void);

/* Ends tracking of all volumes.  No set and no shadow is left. */
void shadow_registry_exit(void);

/**
 * shadow_registry_pin() - a volume to make a shadow of, or to hold
 * @dev: the device
 * @fault: out: the reason of a failure
 *
 * Tracks the device if it is not tracked yet, and keeps it open.
 *
 * Context: sleeps, for grace periods and for old writes.
 * Return: the volume or an ERR_PTR().
 */
struct shadow_volume *shadow_registry_pin(dev_t dev, struct shadow_fault *fault);

/* The counterpart.  Tracking ends with the last pin, unless asked for by track. */
void shadow_registry_unpin(struct shadow_volume *vol);

/* A pinned volume has all of its device again, which may have grown.  Return: 0 or an errno. */
int shadow_registry_follow(struct shadow_volume *vol);

/**
 * shadow_registry_track() - as SHADOW_IOC_VOLUME_TRACK
 *
 * Return: 0; -EEXIST when it was tracked by request already; -ERANGE: @arg->changes_bytes is
 * less than what the volume needs.
 */
int shadow_registry_track(struct shadow_volume_track *arg);

/*
 * Return: 0; -ENOENT: not tracked by request; -EBUSY: it has shadows, or is in a set, or bases of
 * it are kept.
 */
int shadow_registry_untrack(dev_t dev, struct shadow_fault *fault);

/**
 * shadow_registry_each() - look at all volumes
 * @fn: called for each, until it does not return 0; holds registry_lock
 * @data: for @fn
 *
 * Return: what @fn has returned last; 0 where there is no volume.
 */
int shadow_registry_each(int (*fn)(struct shadow_volume *vol, void *data), void *data);

/* As SHADOW_IOC_VOLUME_POLICY.  Return: 0; -ENOENT: not tracked. */
int shadow_registry_policy(struct shadow_volume_policy *arg);

/**
 * shadow_registry_use_store() - see to it that a pinned volume has a store
 * @vol: the volume
 * @spec: the store asked for
 * @durable: it has to be durable
 * @fault: out: the reason of a failure
 *
 * To be followed by shadow_registry_unuse_store(), the last of which destroys
 * the store.
 */
int shadow_registry_use_store(struct shadow_volume *vol, const struct shadow_store_spec *spec,
			      bool durable, struct shadow_fault *fault);
void shadow_registry_unuse_store(struct shadow_volume *vol);

/**
 * shadow_registry_open_store() - open what a pinned volume's durable store is in
 * @vol: the volume
 * @spec: the device or the file
 * @fault: out: the reason of a failure
 *
 * Context: a task without locks, the volume's gate open: a file's filesystem may have to write.
 * Return: a store that nobody knows yet, for shadow_registry_adopt_store() or
 * shadow_store_destroy(); or an ERR_PTR().
 */
struct shadow_store *shadow_registry_open_store(struct shadow_volume *vol,
						const struct shadow_store_spec *spec,
						struct shadow_fault *fault);

/**
 * shadow_registry_adopt_store() - let a pinned volume have the store that a device has
 * @vol: the volume, its gate closed and drained
 * @store: from shadow_registry_open_store(); stays the caller's on failure
 * @flags: SHADOW_ATTACH_* bits
 * @found: out: shadows that are in it
 * @fault: out: the reason of a failure
 *
 * Return: 0, to be followed by shadow_registry_unuse_store(); or a negative errno.
 */
int shadow_registry_adopt_store(struct shadow_volume *vol, struct shadow_store *store, u32 flags,
				struct list_head *found, struct shadow_fault *fault);

/* One more pin, and one more use of its store, of a volume that has both. */
void shadow_registry_keep(struct shadow_volume *vol);

/*
 * A volume that has a store, which it keeps until the counterpart.  Return: the volume, or
 * an ERR_PTR().
 */
struct shadow_volume *shadow_registry_borrow(dev_t dev, struct shadow_fault *fault);
void shadow_registry_return(struct shadow_volume *vol);

/* A volume stays tracked until it is untracked. */
void shadow_registry_hold_volume(struct shadow_volume *vol);

/*
 * A volume with bases stays tracked; and they are saved in its store, if that is durable: which it
 * keeps for that, without shadows, too.  For shadow_registry_each().  Return: 0.
 */
int shadow_registry_keep_bases(struct shadow_volume *vol, void *unused);

/* Stores are let go that were kept for bases, and there are none, or they cannot be saved there. */
void shadow_registry_release_stores(void);

/* As SHADOW_IOC_STORE_ADD; the arguments have been checked.  Return: 0; -ENOENT: no store. */
int shadow_registry_add_part(struct shadow_store_add *arg);

/*
 * As SHADOW_IOC_STORE_RESIZE.  Context: a task; waits for as long as blocks have to be moved,
 * without a lock.  Return: 0 or a negative errno.
 */
int shadow_registry_resize_part(struct shadow_store_resize *arg);

/* Does preserving for @vol need writes to @other, because its store lies there? */
bool shadow_registry_depends(struct shadow_volume *vol, const struct shadow_volume *other);

/**
 * shadow_registry_claim() - have a volume for ourselves
 * @dev: the volume
 * @mode: BLK_OPEN_READ, and BLK_OPEN_WRITE if it has to be writable
 * @holder: an address: who claims it with the same one is not kept out
 * @fault: out: the reason of a failure
 *
 * Return: for shadow_bdev_fput(), or an ERR_PTR().
 */
struct file *shadow_registry_claim(dev_t dev, blk_mode_t mode, void *holder,
				   struct shadow_fault *fault);

/* The tracked volume after the one with id @info->cursor.  Return: 0 or -ENOENT. */
int shadow_registry_next(struct shadow_volume_info *info);

/* The revert of the first volume after the one with id @info->cursor.  Return: 0 or -ENOENT. */
int shadow_registry_next_revert(struct shadow_revert_info *info);

/* The part of a store after the one with id @info->cursor.  Return: 0 or -ENOENT. */
int shadow_registry_next_part(struct shadow_store_info *info);

unsigned int shadow_registry_count(void);

#endif /* SHADOW_REGISTRY_H */
