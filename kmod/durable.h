/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable.h - how a store comes to say on stable storage what it holds.
 */
#ifndef SHADOW_DURABLE_H
#define SHADOW_DURABLE_H

#include <linux/wait.h>
#include "format.h"
#include "store.h"

/**
 * struct shadow_segment - blocks of the log, or of a dump, in a row
 * @node: in a list, in the order of the chain
 * @loc: where
 * @blocks: how many
 */
struct shadow_segment {
	struct list_head node;
	u64 loc;
	u32 blocks;
};

/**
 * struct shadow_group - entries of the log that go to the store together
 * @number: grows by one
 * @nr: blocks
 * @sent: of which the write was started
 * @told: it says something; else it waits, with the block that it may have
 * @batches: of data that it names, not written yet
 * @begin: where its first block goes
 * @page: the blocks
 * @loc: where they go
 * @block: of those applied last: the block,
 * @entry: the next entry in it,
 * @epoch: and the epoch that it belongs to
 * @done: of the next extent: so many blocks were applied
 */
struct shadow_group {
	u64 number;
	unsigned int nr;
	unsigned int sent;
	bool told;
	unsigned int batches;
	struct shadow_log_place begin;
	struct page *page[SHADOW_GROUP_BLOCKS];
	u64 loc[SHADOW_GROUP_BLOCKS];
	unsigned int block;
	unsigned int entry;
	u64 epoch;
	u64 done;
};

enum shadow_commit {
	SHADOW_COMMIT_IDLE,	/* no group is under way */
	SHADOW_COMMIT_DATA,	/* it waits for its data */
	SHADOW_COMMIT_LOG,	/* it is being written */
	SHADOW_COMMIT_APPLY,	/* it is on stable storage */
};

/**
 * struct shadow_durable - the log of a store
 * @store: whose; does not change, nor do @part, @id, @pages
 * @part: where the log lies
 * @id: of the log
 * @pages: where its pages come from
 * @spare: pages for what must not fail; under the mutate mutex, as is all that follows,
 *	but where it says otherwise
 * @seq: of the next block
 * @loc: where it goes
 * @left: blocks of the segment from there on, at least 1
 * @next_loc: the next segment
 * @next_blocks: its length; 0: there is none yet
 * @fresh: @loc is the first one of its segment
 * @segments: of the log; the one that is filled, and perhaps the next one, are the last
 * @dump: of the dump
 * @blocks: that all segments of the log have
 * @header: as it was written last
 * @groups: one takes entries, the other one is under way, or idle
 * @open: which of them takes entries
 * @entries: in its last block
 * @at: the epoch to which what follows in that block belongs
 * @state: of the other one; changed by the worker only
 * @committed: number of the last group that is on stable storage, and was applied; also read
 *	without the lock
 * @dead: nothing is written any more; likewise
 * @failed: ... because it cannot be: what it says is not true any more
 * @failure_noted: ... and the header says so
 * @bios: being written
 * @status: how the first one that failed did
 * @again: jiffies before which it is not tried again
 * @wait: for @committed
 * @commits: groups written
 * @mark_wanted: somebody wants to know where the log stands
 * @mark: there; all that it says before is so
 * @dumped: blocks of the dump
 * @next_checkpoint: number of a block before which there is no other one
 * @checkpoint_failed: there is never another one
 * @checkpoints: dumps written
 */
struct shadow_durable {
	struct shadow_store *store;
	struct shadow_part *part;
	u64 id;
	mempool_t pages;
	struct page *spare[2];
	u64 seq;
	u64 loc;
	u32 left;
	u64 next_loc;
	u32 next_blocks;
	bool fresh;
	struct list_head segments;
	struct list_head dump;
	u64 blocks;
	struct shadow_disk_header *header;
	struct shadow_group groups[2];
	unsigned int open;
	unsigned int entries;
	u64 at;
	enum shadow_commit state;
	u64 committed;
	bool dead;
	bool failed;
	bool failure_noted;
	atomic_t bios;
	blk_status_t status;
	unsigned long again;
	wait_queue_head_t wait;
	atomic64_t commits;
	bool mark_wanted;
	struct shadow_log_place mark;
	u32 dumped;
	u64 next_checkpoint;
	bool checkpoint_failed;
	atomic64_t checkpoints;
};

/**
 * shadow_durable_make() - make a store without contents durable
 * @part: its only part, which is ready
 * @sectors: size of the volume
 * @name: its name
 * @fault: out: the reason of a failure
 *
 * Writes the header.  From now on the store has a log, which is empty.
 *
 * Context: sleeps; nobody knows the store yet.
 * Return: 0 or a negative errno.
 */
int shadow_durable_make(struct shadow_part *part, u64 sectors, const char *name,
			struct shadow_fault *fault);

/**
 * shadow_durable_resume() - go on with the log of a store that was read
 * @part: its only part; all blocks that are in use are taken, those of the log, too
 * @header: its header
 * @at: where the next block of the log goes
 * @segments: of the log; the log's afterwards
 * @dump: of the dump; likewise
 * @fault: out: the reason of a failure
 *
 * Writes the header: groups of two lives are never taken for one.
 *
 * Context: as shadow_durable_make().
 * Return: 0 or a negative errno.
 */
int shadow_durable_resume(struct shadow_part *part, const struct shadow_disk_header *header,
			  const struct shadow_log_place *at, struct list_head *segments,
			  struct list_head *dump, struct shadow_fault *fault);

/* A segment for the log, or a dump, in no list yet; NULL: no memory, or no room.  Mutate mutex. */
struct shadow_segment *shadow_segment_allot(struct shadow_part *part);

/* Forget a list of segments, and give their blocks back to @part if it is not NULL. */
void shadow_segments_free(struct list_head *segments, struct shadow_part *part);

/**
 * shadow_durable_write_header() - write both copies of a header
 * @part: whose
 * @h: the header; sealed here
 * @written: out, may be NULL: how many were written
 *
 * Context: sleeps.
 * Return: 0; or the first error, and which one of the headers counts is not known unless
 * @written is 1 or more: then it is this one, as long as it can be read.
 */
int shadow_durable_write_header(struct shadow_part *part, struct shadow_disk_header *h,
				unsigned int *written);

/*
 * All shadows of the store were deleted: it is none any more.  Failing that does no harm, as its
 * log says the same.  Context: sleeps; nobody else writes.
 */
void shadow_durable_retire(struct shadow_durable *d);

/* Free it.  Waits for what is being written; nobody waits for it.  NULL: nothing. */
void shadow_durable_free(struct shadow_durable *d);

/*
 * Entries are added to the group that is open, and make sure first that there is room
 * for them.  Nothing that they say may come to pass before shadow_durable_commit(), or
 * before the worker has applied it.  All of these: mutate mutex held.
 */

/**
 * shadow_durable_room() - make sure that entries can be added
 * @d: the log
 * @n: how many, at most 8
 * @urgent: room for them is kept: it is what makes room, or gives up
 *
 * Return: 0; -EAGAIN: the group is full, the next commit makes room; -ENOMEM; -ENOSPC.
 */
int shadow_durable_room(struct shadow_durable *d, unsigned int n, bool urgent);

/* Add an entry for which there is room.  Return: number of its group. */
u64 shadow_durable_add(struct shadow_durable *d, enum shadow_disk_type type, u64 what, u64 value);

/* Add an extent that was preserved in an epoch: two entries.  Likewise. */
u64 shadow_durable_extent(struct shadow_durable *d, u64 epoch, const struct shadow_extent *extent);

/* Add a run that was free when an epoch began: likewise. */
u64 shadow_durable_free_run(struct shadow_durable *d, u64 epoch, u64 first, u64 n);

/* Add a shadow: five entries.  Does not fail, nor sleep. */
u64 shadow_durable_epoch(struct shadow_durable *d, u64 epoch,
			 const struct shadow_disk_epoch *shadow);

/**
 * shadow_durable_lose() - add that all shadows up to an epoch are lost
 * @d: the log
 * @upto: the epoch
 * @reason: enum shadow_reason
 * @error: positive errno
 *
 * What is in no group under way yet and belongs to them is withdrawn: its data need not
 * have been written.  If the log cannot take it, it is dead from now on.
 *
 * Return: number of the group; 0: nothing is to be waited for.
 */
u64 shadow_durable_lose(struct shadow_durable *d, u64 upto, u32 reason, u32 error);

/* Number of the last group that was begun.  Context: mutate mutex. */
u64 shadow_durable_last(const struct shadow_durable *d);

/*
 * Number of the block after the last one that was written, of a log that was stopped when nothing
 * was under way.  One that was begun, and says nothing, never will be written.
 */
u64 shadow_durable_end(const struct shadow_durable *d);

/* The log is left as it is: what follows is not for it.  Context: mutate mutex. */
void shadow_durable_stop(struct shadow_durable *d);

/*
 * What is preserved by what is in no group under way yet is given up: its writes end with an
 * error, so the volume has it still.  Context: mutate mutex.
 */
void shadow_durable_withdraw(struct shadow_durable *d);

/* Nothing can be made durable any more: give up.  What is waited for has failed. */
void shadow_durable_kill(struct shadow_durable *d);

/**
 * shadow_durable_commit() - wait until a group is on stable storage
 * @d: the log
 * @group: its number
 *
 * Context: sleeps; no lock that the worker needs.  Ends: the worker sees to it, and gives up
 * when the store does not answer for store_timeout seconds.
 * Return: 0, or -EIO.
 */
int shadow_durable_commit(struct shadow_durable *d, u64 group);

/* --- for the worker ---------------------------------------------------------------- */

/* Is something under way, or to be?  Context: mutate mutex. */
bool shadow_durable_busy(const struct shadow_durable *d);

/* A batch is begun.  Return: the group that will name its blocks.  Context: mutate mutex. */
u64 shadow_durable_names(struct shadow_durable *d);

/* A batch of a group was written, or is not to be any more.  Context: mutate mutex. */
void shadow_durable_stored(struct shadow_durable *d, u64 group);

/**
 * shadow_durable_collect() - learn whether the group under way was written
 *
 * Context: mutate mutex.
 * Return: 0, or the error as a negative errno, once: it is to be written again, or the
 * log to be given up.
 */
int shadow_durable_collect(struct shadow_durable *d);

/**
 * shadow_durable_next() - what of a group on stable storage is to be applied
 * @d: the log
 * @epoch: out: in which epoch it was preserved
 * @extent: out: what
 *
 * To be called until there is nothing left: then all of the group has come to pass.  The
 * same one is handed out until shadow_durable_applied(), without what was done of it.
 *
 * Context: mutate mutex.
 */
bool shadow_durable_next(struct shadow_durable *d, u64 *epoch, struct shadow_extent *extent);
void shadow_durable_did(struct shadow_durable *d, u64 blocks);
void shadow_durable_applied(struct shadow_durable *d);

/* Nothing is under way: all before the open group is so.  Return: whether that was wanted. */
bool shadow_durable_take_mark(struct shadow_durable *d);

/* Let the group that is open go under way, if none is.  Context: mutate mutex. */
void shadow_durable_push(struct shadow_durable *d);

/* Write what is under way and has its data written.  As shadow_store_send(). */
bool shadow_durable_send(struct shadow_durable *d);

#endif /* SHADOW_DURABLE_H */
