/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - a shadow, and its block device /dev/shadowN.
 */
#ifndef SHADOW_IMAGE_H
#define SHADOW_IMAGE_H

#include "overlay.h"
#include "volume.h"

/**
 * struct shadow - one volume at one instant
 *
 * Prepared before the instant, taken at it, deleted by shadow_delete().  Fields
 * without a lock do not change once the shadow is in the list.
 */
struct shadow {
	struct shadow_stake stake;
	struct shadow_volume *vol;	/* pinned, its store in use */
	struct shadow_uuid uuid;
	struct shadow_uuid set;
	u32 flags;
	u32 context;
	u32 set_count;
	u64 id;
	int index;
	sector_t nr_sectors;
	s64 created_ns;
	bool complete;			/* ... and that its set was made; epochs.mutate */
	u64 log_group;			/* of a durable store: where it says so */
	struct shadow_overlay *overlay;	/* of a writable one */
	struct gendisk *disk;
	bool added;

	/* shadows_lock */
	struct list_head node;
	bool published;			/* to be found by commands */
	bool restored;			/* not by a set, so published by who attaches its store */
	unsigned int openers;
	bool written;			/* an opener may write, or has, or there was one */
	bool sealed;			/* writable no longer */
	bool pinned;			/* never to be evicted */
	bool reverting;			/* nor deleted: the volume is to be made what it is */
	bool deleting;			/* also read without the lock */
	bool evicted;			/* its records are gone, or going */
	struct work_struct delete_work;

	atomic_t inflight;		/* reads, writes, other uses; one for the shadow itself */
	wait_queue_head_t idle;
	atomic64_t reads;
	atomic64_t read_bytes;
};

int shadow_image_init(void);
void shadow_image_exit(void);

/**
 * shadow_prepare() - everything for a shadow that needs memory or time
 * @vol: the volume; pinned and with its store in use, both the shadow's from
 *	now on
 * @flags: SHADOW_SET_* bits
 * @fault: out: the reason of a failure
 *
 * Return: the shadow or an ERR_PTR(), with @vol's pin and store still the
 * caller's.
 */
struct shadow *shadow_prepare(struct shadow_volume *vol, u32 flags, struct shadow_fault *fault);

/**
 * shadow_flip() - the instant of one shadow
 * @sh: a prepared shadow
 *
 * Context: the volume's gate is closed, no write is in flight; its
 * epochs.mutate is held.  Does not sleep and cannot fail.
 */
void shadow_flip(struct shadow *sh);

/**
 * shadow_surface() - make /dev/shadowN appear
 * @sh: a shadow after its flip
 *
 * Context: sleeps; gates open.  Reads from the image (partition scan).
 * Return: 0 or a negative errno; the shadow is to be deleted then.
 */
int shadow_surface(struct shadow *sh, struct shadow_fault *fault);

/**
 * shadow_commit() - let a durable store say that there is a shadow
 * @sh: a shadow after its flip
 * @complete: and that all of its set were made; they have been committed before
 *
 * Context: sleeps; gates open.
 * Return: 0, also where the store is not durable, or -EIO.
 */
int shadow_commit(struct shadow *sh, bool complete);

struct shadow_restored;

/**
 * shadow_restore() - make /dev/shadowN appear of a shadow that was found in a store
 * @vol: the volume, with the shadow's epoch, and a store; one pin and one use of it more
 *	are the shadow's
 * @s: what was found; ->epoch is NULL afterwards if it is the shadow's now
 * @fault: out: the reason of a failure
 *
 * Context: sleeps.
 * Return: 0 or a negative errno; then there may be a shadow all the same, for
 * shadow_discard_restored().
 */
int shadow_restore(struct shadow_volume *vol, struct shadow_restored *s,
		   struct shadow_fault *fault);

/* Throw those away again, while they are not published.  Context: sleeps; the gate is open. */
void shadow_discard_restored(struct shadow_volume *vol);

/* The shadows of a volume that were restored are there. */
void shadow_publish_volume(struct shadow_volume *vol);

/**
 * shadow_withdraw() - nobody finds the shadows of a volume any more
 * @vol: the volume
 * @fault: out: the reason of a failure
 *
 * Return: 0; -EBUSY when one is open, or in the making, or going.
 */
int shadow_withdraw(struct shadow_volume *vol, struct shadow_fault *fault);

/*
 * They go; the log of their store does not hear of it, since it was stopped.  Context: sleeps;
 * the gate is open.
 */
void shadow_destroy_withdrawn(struct shadow_volume *vol);

/* All shadows of a set are there: from now on commands find them. */
void shadow_publish_set(const struct shadow_uuid *set);

/**
 * shadow_discard() - throw away a shadow that was not published
 *
 * If somebody has opened its disk already, it goes when that is closed.
 */
void shadow_discard(struct shadow *sh);

/**
 * shadow_delete() - delete a shadow
 * @uuid: which one
 * @when_closed: if somebody has it open, delete it when that ends, and let
 *	nobody else open it
 * @fault: out: the reason of a failure
 *
 * Return: 0; -ENOENT; -EBUSY when it is open; -EINPROGRESS when it goes later.
 */
int shadow_delete(const struct shadow_uuid *uuid, bool when_closed, struct shadow_fault *fault);

/**
 * shadow_change() - change a shadow
 * @uuid: which one
 * @flags: SHADOW_CHANGE_* bits
 * @fault: out: the reason of a failure
 *
 * Return: 0, also when it was so before; -ENOENT when there is none, or it is
 * being deleted; -EBUSY when it is to be sealed while somebody may write to it.
 */
int shadow_change(const struct shadow_uuid *uuid, u32 flags, struct shadow_fault *fault);

/**
 * shadow_mark_free() - a part of the volume was free at a shadow's instant
 * @arg: which shadow; ->done, ->blocks and ->settled are counted up
 * @ranges: which parts, in bytes; a block that lies in one partly is passed over
 * @n: how many
 *
 * Context: sleeps; obtains memory by reclaiming it, never in the way of writes.
 * Return: 0; -ENOENT; -EIO when the shadow is lost; -ERANGE when a range is not within
 * the volume; -ENOMEM; -EINTR to a task that is killed.
 */
int shadow_mark_free(struct shadow_shadow_free *arg, const struct shadow_free_range *ranges,
		     unsigned int n);

/*
 * A shadow that commands find; its deletion waits for the counterpart.  Return: NULL when there
 * is none, or it goes.
 */
struct shadow *shadow_get(const struct shadow_uuid *uuid);
void shadow_put(struct shadow *sh);

/* The same, of the one that a volume is to be reverted to, if that is not @but. */
struct shadow *shadow_get_reverting(const struct shadow_volume *vol, const struct shadow *but);

/* From now on it is neither deleted nor evicted; or it can be again.  False: it goes already. */
bool shadow_keep_for_revert(struct shadow *sh, bool keep);

/**
 * shadow_read() - read what an image has, in the kernel
 * @sh: the shadow
 * @bio: a read of it, with its sectors, for any device; ended like one that was submitted
 *
 * Context: process context, as for submit_bio_noacct(); waits for nothing of the read.
 */
void shadow_read(struct shadow *sh, struct bio *bio);

/* The shadow after the one with id @info->cursor.  Return: 0 or -ENOENT. */
int shadow_next(struct shadow_shadow_info *info);

/* Sets @uuid to a shadow of @set that is not in the making, from @id on; advances @id. */
bool shadow_of_set(const struct shadow_uuid *set, u64 *id, struct shadow_uuid *uuid);

/**
 * shadow_keep_set() - from now on the shadows of a set outlive its descriptor
 * @set: identity of the set
 *
 * Where they are persistent their stores say so first, on stable storage.
 *
 * Context: sleeps.  Ends: as shadow_durable_commit().
 * Return: 0, or -EIO: a store cannot say so, and the set is as it was.
 */
int shadow_keep_set(const struct shadow_uuid *set);

unsigned int shadow_count(void);

#endif /* SHADOW_IMAGE_H */
