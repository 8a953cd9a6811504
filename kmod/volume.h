/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * volume.h - a tracked volume: what the write path, the worker, images and sets
 * know of it.
 */
#ifndef SHADOW_VOLUME_H
#define SHADOW_VOLUME_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/shadow_store.h>
#include "changes.h"
#include "epochs.h"
#include "shadow.h"
#include "store.h"

#define SHADOW_MEMORY_DEFAULT	(64ULL << 20)
#define SHADOW_MEMORY_MIN	(4ULL << 20)

/**
 * struct shadow_reverting - the revert of a volume: see revert.c
 * @state: enum shadow_revert_state
 * @logged: what the log of the store was told last,
 * @logged_epoch: and of which shadow
 * @epoch: of the shadow that the volume is to be
 * @shadow: its identity
 * @index: of its image
 * @all: blocks that are looked at
 * @done: of which were
 * @written: of which were not as they should be
 * @needed: blocks of the store that newer shadows may need
 * @room: that it has for them
 * @fault: why it has ended half-way, or did not begin
 */
struct shadow_reverting {
	u32 state;
	enum shadow_disk_revert logged;
	u64 logged_epoch;
	u64 epoch;
	struct shadow_uuid shadow;
	int index;
	u64 all;
	u64 done;
	u64 written;
	u64 needed;
	u64 room;
	struct shadow_fault fault;
};

struct shadow_volume;
struct shadow_head;
struct shadow_watch;

/**
 * struct shadow_stake - a shadow, as far as its volume is concerned
 * @node: in shadow_volume.stakes, oldest first; under its stakes_lock.  Before its instant,
 *	in shadow_volume.prepared
 * @epoch: the epoch that begins with the shadow
 * @lost: set before any write is let through that was not preserved for it; a
 *	reader that finds it unset after its data arrived has valid data
 * @fault: why it was lost; written before @lost
 * @on_lost: told once, with stakes_lock held
 * @settled: the map that its epoch begins with, until then; under the mutate mutex
 * @own: the volume's @own_changes that @epoch and @settled know of, until then
 * @mark: since which the volume's changes are known, unless it is in no list
 */
struct shadow_stake {
	struct list_head node;
	struct shadow_epoch *epoch;
	struct shadow_settled *settled;
	u64 own;
	struct shadow_mark *mark;
	bool lost;
	struct shadow_fault fault;
	void (*on_lost)(struct shadow_stake *stake);
};

/**
 * struct shadow_flight - per-CPU counters of the write path
 * @started: writes that came in; with @finished, what is in flight
 * @finished: writes that were completed, or put behind the gate
 * @direct: writes let through at once
 * @parked: writes handed to the worker
 * @gated: writes put behind the gate
 */
struct shadow_flight {
	unsigned long started;
	unsigned long finished;
	unsigned long direct;
	unsigned long parked;
	unsigned long gated;
};

/**
 * struct shadow_volume - a tracked volume
 *
 * Born by shadow_registry_get(), unreachable for new writes once it is out of
 * the hash, freed when the last write has ended and the last pin is gone.
 *
 * Lock order: fold; registry_lock > change > epochs.mutate > (epochs.lock, store
 * locks, stakes_lock, strains_lock); @lock is innermost.  None is held while a bio is submitted.
 */
struct shadow_volume {
	/* Fixed for life. */
	struct gendisk *disk;		/* a reference on its device is held */
	sector_t start;			/* on the disk */
	dev_t dev;
	u64 id;
	char name[32];
	struct workqueue_struct *wq;	/* its own: its rescuer waits for no other volume */
	struct bio_set clones;		/* of admitted writes; tells our bios from others */
	struct bio_set reads;		/* of old data */
	struct bio_set store_writes;	/* of its store */
	struct bio_set own_writes;	/* of what lies on the volume itself of that */
	mempool_t pages;
	mempool_t claim_pool;
	struct shadow_flight __percpu *flight;
	u64 memory_limit;		/* blocks */
	struct shadow_strain *strain;	/* what writers are told of its store */

	/* Changed under RCU. */
	struct list_head hash;
	bool whole_disk;		/* takes all writes of the disk, to count them */

	/* registry_lock */
	struct list_head list;
	sector_t nr_sectors;		/* grows with the device; also read without the lock */
	u64 nr_blocks;			/* likewise */
	unsigned int pins;		/* sets and shadows */
	bool tracked;			/* by request, not only for its shadows */
	bool holds_store;		/* a pin, and a use of its store, are its bases' */
	unsigned int reached;		/* by a search for circles of stores */
	struct file *bdev_file;		/* open while pins > 0 */
	struct block_device *bdev;

	struct mutex fold;		/* one deletion at a time */
	struct work_struct evict_work;
	struct mutex change;		/* the coming and going of the store */
	struct shadow_store *store;	/* fixed while a shadow exists */
	unsigned int store_users;
	unsigned int borrowers;		/* of @store_users, those that change it */
	bool resizing;			/* a part of it becomes smaller */

	struct shadow_changes changes;
	struct shadow_epochs epochs;
	u64 last_epoch;			/* epochs.mutate */
	u64 lost_upto;			/* epochs.mutate: epochs <= this one are lost, */
	u64 dropped_upto;		/* ... up to this one their records, too */
	struct list_head prepared;	/* epochs.mutate: stakes before their instant */
	u64 drop_group;			/* epochs.mutate: they go with this group, */
	u64 drop_upto;			/* ... up to this one */
	u64 own_changes;		/* epochs.mutate: of which blocks are its own store's */

	struct workqueue_struct *grow_wq; /* its own: a filesystem may be slow */
	struct work_struct grow_work;
	struct work_struct checkpoint_work;
	struct shadow_head *dump_head;	/* epochs.mutate: where the state at the mark goes, */
	u64 dump_last;			/* ... and the last epoch at it */
	unsigned int telling_free;	/* epochs.mutate: the log knows more than the epochs */
	struct shadow_reverting revert;	/* epochs.mutate; its state also read without */

	spinlock_t stakes_lock;		/* process context */
	struct list_head stakes;
	unsigned int nr_stakes;		/* also read without the lock */

	/* Policy, see policy.c: epochs.mutate, the first five also read without it. */
	u32 protect_fault;		/* enum shadow_protect_fault: writes end with an error */
	bool short_of_room;		/* writes wait for room in the store, since: */
	bool throttled;			/* ... and no shadow goes for them yet */
	u32 evicted;
	u32 strained;			/* SHADOW_STRAIN_*: writers are told to write less */
	unsigned long short_since;	/* jiffies */
	bool nothing_to_evict;		/* ... as was found while they waited */
	bool protected;			/* as with fail-io, for a while; also read without */
	u32 policy;			/* enum shadow_policy */
	u32 throttle_ms;
	u32 protect_errno;
	u64 look_again_at;		/* used blocks at which to look for a victim again */
	unsigned int fill_step;		/* warnings of the store's fill that were given */
	unsigned long rate_at;		/* jiffies when @rate was made out, 0: never */
	unsigned long rate_since;	/* jiffies when that began */
	u64 rate_from;			/* what the store had taken by then, blocks */
	u64 rate;			/* bytes per second */
	atomic_t hurry;			/* who cannot wait for throttled writes */
	atomic64_t refused;

	/* lock, any context */
	spinlock_t lock;
	bool gate;			/* closed; also read without the lock */
	unsigned int gate_holders;	/* who want it closed */
	struct bio_list gated;
	struct bio_list todo;		/* writes for the worker */
	struct list_head read_claims;	/* claims whose read has ended */

	wait_queue_head_t drain_wait;
	atomic_t nr_claims;
	bool watching;			/* its first blocks; set with the gate closed */
	bool leaving;			/* new writes pass it by; under RCU, set once */
	bool gone;			/* the device was removed; set once */
	struct work_struct gone_work;
	struct work_struct detach_work;

	/* The worker's own. */
	struct work_struct work;
	struct delayed_work flush_work;
	struct delayed_work retry_work;
	bool stuck;			/* writes wait for memory, since: */
	unsigned long stuck_since;	/* jiffies, or when something last moved */
	struct bio_list queue;		/* writes it is working on, in order */
	struct rb_root claims;
	struct list_head settling;	/* claims that were read, not yet recorded */
	struct list_head committing;	/* claims that wait for the log of the store */
	unsigned int nr_committing;
	bool starved;			/* something waits for memory; also read by others */
	bool flush_due;
	struct shadow_watch *watch;	/* of its first blocks, once they were watched */
	u64 ahead_limit;		/* blocks that may be preserved before they are written */
	u64 ahead_claimed;		/* ... that are claimed, and not recorded yet */
	bool ahead_failed;		/* reading ahead met an error: never again */

	/* Writes to images. */
	atomic64_t image_memory;	/* blocks staged for them, not stored yet */
	atomic_t image_writers;		/* images whose writes are being stored */
	wait_queue_head_t image_wait;	/* for room in memory; woken by the worker */

	/* Reads of the store for images, see shadow_readers_drain(). */
	unsigned int read_phase;	/* 0 or 1; epochs.lock */
	atomic_t readers[2];
	wait_queue_head_t readers_wait;

	/* Counters. */
	atomic64_t memory;		/* the origin's blocks read or staged, not stored yet */
	u64 memory_peak;		/* the worker's; also read by others */
	atomic64_t blocks_preserved;	/* for a write; those ahead when they are written */
	atomic64_t blocks_ahead;	/* before a write, whether one came or not */
	atomic64_t origin_reads;
	atomic64_t origin_read_bytes;
	atomic64_t store_reads;
	atomic64_t store_read_bytes;
	atomic64_t image_origin_reads;
	atomic64_t image_origin_read_bytes;
	atomic64_t image_retries;
	atomic64_t memory_waits;
	atomic64_t lost;
	u64 past_writes;		/* of stores that are gone */
	u64 past_write_bytes;
	u64 hold_ns;
	u64 drain_ns;
};

/**
 * shadow_volume_alloc() - a volume object for a block device, not tracked yet
 * @bdev: the device, open
 * @memory_bytes: bound of preserved data that is not stored yet
 * @fault: out: the reason of a failure
 *
 * Refuses what cannot be intercepted.
 */
struct shadow_volume *shadow_volume_alloc(struct block_device *bdev, u64 memory_bytes,
					  struct shadow_fault *fault);

/* The counterpart.  No write is in flight, no pin is left, it is out of the hash. */
void shadow_volume_free(struct shadow_volume *vol);

/**
 * shadow_volume_lose() - declare all shadows up to an epoch lost
 * @vol: the volume
 * @upto: number of the last epoch concerned; U64_MAX: all there are
 * @phase: enum shadow_phase
 * @reason: enum shadow_reason
 * @error: the errno behind it, negative
 *
 * Forgets their records; if the newest shadow is among them writes pass freely
 * afterwards.  Where the store is durable that is so when its log has said it.
 *
 * Context: epochs.mutate held; sleeps for a grace period.
 */
void shadow_volume_lose(struct shadow_volume *vol, u64 upto, u32 phase, u32 reason, int error);

/* Now it has, or never will.  Context: as above. */
void shadow_volume_drop(struct shadow_volume *vol);

/**
 * shadow_volume_fold() - give up the records of a shadow that nobody reads any more
 * @vol: the volume
 * @ep: its epoch, which is in no list afterwards, and the caller's
 *
 * Records that the next older shadow needs become that one's.  A durable store has said
 * on stable storage that the shadow is gone before any of it comes to pass.
 *
 * Context: the volume's fold mutex held; sleeps.  Waits for nothing that could wait
 * for writes of the volume.
 */
void shadow_volume_fold(struct shadow_volume *vol, struct shadow_epoch *ep);

/* Words for the log; tools have the whole story. */
const char *shadow_reason_text(u32 reason);

/* Let the worker look.  Any context. */
void shadow_volume_kick(void *vol);

/**
 * shadow_readers_enter() - keep what was found in the store where it is
 * @vol: the volume
 *
 * Until shadow_readers_leave() no location that was found is used for anything else,
 * unless the shadow is lost, and its part of the store stays.
 *
 * Context: the epochs' lock, under which it was found.
 * Return: for shadow_readers_leave() and shadow_readers_stay().
 */
static inline unsigned int shadow_readers_enter(struct shadow_volume *vol)
{
	atomic_inc(&vol->readers[vol->read_phase]);
	return vol->read_phase;
}

/* Once more, while it is kept; needs a leave of its own. */
static inline void shadow_readers_stay(struct shadow_volume *vol, unsigned int phase)
{
	atomic_inc(&vol->readers[phase]);
}

/* Any context. */
static inline void shadow_readers_leave(struct shadow_volume *vol, unsigned int phase)
{
	/* Data, then count, then look: pairs with the barriers of shadow_readers_drain(). */
	if (atomic_dec_and_test(&vol->readers[phase]) && waitqueue_active(&vol->readers_wait))
		wake_up(&vol->readers_wait);
}

/**
 * shadow_readers_drain() - wait for those that have found something in the store
 * @vol: the volume
 *
 * Those that look from now on are not waited for: they find what is recorded now.
 *
 * Context: one task at a time for a volume, no lock held.  Ends: they are reads of images,
 * bios below us.
 */
void shadow_readers_drain(struct shadow_volume *vol);

/* May @n more blocks be in memory for images?  Then they count from now on. */
bool shadow_volume_take_image_memory(struct shadow_volume *vol, unsigned int n);

/* Blocks of the memory budget that writes to images may use, all of them together. */
static inline s64 shadow_volume_image_share(const struct shadow_volume *vol)
{
	return READ_ONCE(vol->memory_limit) / 4;
}

/**
 * shadow_volume_range() - the blocks of the volume that a bio touches
 */
static inline struct shadow_range shadow_volume_range(const struct shadow_volume *vol,
						      struct bio *bio)
{
	return shadow_range_of(shadow_bio_sector(bio), bio_sectors(bio), vol->start,
			       READ_ONCE(vol->nr_sectors));
}

#endif /* SHADOW_VOLUME_H */
