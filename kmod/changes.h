/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.h - which blocks of a volume were written, from one of its instants to the next.
 */
#ifndef SHADOW_CHANGES_H
#define SHADOW_CHANGES_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/shadow.h>
#include "block.h"
#include "blockmap.h"

struct shadow_epoch;
struct shadow_volume;

/**
 * struct shadow_mark - an instant of a volume since which its changes are known
 * @node: in shadow_changes.marks, oldest first; empty before the instant, and when what was
 *	written since is forgotten
 * @id: in the order of instants of all volumes
 * @number: of the epoch that it ended; 0: no shadow's
 * @uuid: of the shadow
 * @created_ns: the instant
 * @sectors: size of the volume then
 * @epoch: which has what was free; NULL: nothing is known to have been
 * @shadow: the shadow exists; @epoch and the mark itself are its, too
 * @kept: it outlives the shadow
 * @begin: there is no shadow: tracking began
 * @written: the blocks written from then until the next mark; NULL when that is forgotten.
 *	All its pages are pages, never values: others set bits
 * @overlay: the blocks written to the image
 */
struct shadow_mark {
	struct list_head node;
	u64 id;
	u64 number;
	struct shadow_uuid uuid;
	s64 created_ns;
	sector_t sectors;
	struct shadow_epoch *epoch;
	bool shadow;
	bool kept;
	bool begin;
	struct shadow_blockmap *written;
	struct shadow_blockmap overlay;
};

/**
 * struct shadow_changes - what is known of the changes of a volume
 * @now: the newest mark's written blocks, where bits are being set; NULL: nothing is known
 * @marks: all marks, oldest first; those that are neither a shadow's nor kept are merged into
 *	the next older one
 * @generation: identity of what is known without a gap
 * @began_ns: when it began
 * @first: id of its first mark
 * @reason: why nothing older is known, enum shadow_tracking_reason; of the next generation
 *	while there is none
 * @limit: bound of the memory, bytes
 * @forgotten: marks that were forgotten for that
 * @merge_work: merges marks
 *
 * All but @now are under the epochs' mutate mutex.
 *
 * Bits are set before a write is let through, and a mark comes when none is in flight.  So what
 * is set in @written was written between the two marks, or was about to be when power was lost.
 */
struct shadow_changes {
	struct shadow_blockmap __rcu *now;
	struct list_head marks;
	struct shadow_uuid generation;
	s64 began_ns;
	u64 first;
	u32 reason;
	u64 limit;
	u64 forgotten;
	struct delayed_work merge_work;
};

/* Is it a shadow's, or kept, or where tracking began?  Else it is merged. */
static inline bool shadow_mark_wanted(const struct shadow_mark *mark)
{
	return mark->shadow || mark->kept || mark->begin;
}

void shadow_changes_init(struct shadow_volume *vol);

/* Frees all marks.  No shadow and no writer is left. */
void shadow_changes_destroy(struct shadow_volume *vol);

/**
 * shadow_changes_limit() - bound the memory
 * @vol: the volume
 * @bytes: 0: the default
 *
 * Return: 0; -ERANGE: there is not a bit for each block.
 */
int shadow_changes_limit(struct shadow_volume *vol, u64 bytes);

/* Memory for shadow_changes_flip(), before the gate closes; NULL: there is none. */
struct shadow_mark *shadow_mark_create(void);

/* Not for one that is in the list of a volume. */
void shadow_mark_destroy(struct shadow_mark *mark);

/**
 * shadow_changes_begin() - the changes of a volume are to be known from now on
 * @vol: the volume
 * @mark: from shadow_mark_create(); used if nothing is known yet, and freed if not
 *
 * Writes in flight may be before or after it.
 */
void shadow_changes_begin(struct shadow_volume *vol, struct shadow_mark *mark);

/**
 * shadow_changes_flip() - the instant of a shadow
 * @vol: the volume
 * @mark: its mark, with all but @node, @id, and @written
 *
 * Context: mutate mutex; no write is in flight.  Does not sleep.
 */
void shadow_changes_flip(struct shadow_volume *vol, struct shadow_mark *mark);

/**
 * shadow_changes_note() - blocks are about to be written
 * @vol: the volume
 * @range: the blocks
 *
 * Context: any; the write counts as in flight.
 * Return: false: there is no memory for that yet; see shadow_changes_note_slow().
 */
bool shadow_changes_note(struct shadow_volume *vol, struct shadow_range range);

/* As shadow_changes_note(), always.  Context: may sleep; takes the mutate mutex. */
void shadow_changes_note_slow(struct shadow_volume *vol, struct shadow_range range);

/* Likewise, with the mutate mutex held. */
void shadow_changes_note_locked(struct shadow_volume *vol, struct shadow_range range);

/* Blocks were written to the image of a shadow.  Context: mutate mutex. */
void shadow_changes_note_overlay(struct shadow_volume *vol, struct shadow_mark *mark, u64 first,
				 u64 n);

/**
 * shadow_changes_release() - the shadow of a mark is gone
 * @vol: the volume
 * @mark: its mark
 * @epoch: its epoch, which is in no list any more
 *
 * Context: mutate mutex.
 * Return: whether mark and epoch are the volume's now; else they are the caller's still.
 */
bool shadow_changes_release(struct shadow_volume *vol, struct shadow_mark *mark,
			    struct shadow_epoch *epoch);

/* What is known is forgotten, and will have been for that.  Context: mutate mutex; sleeps. */
void shadow_changes_forget(struct shadow_volume *vol, u32 reason);

/* Is a base of the volume kept?  Context: takes the mutate mutex. */
bool shadow_changes_kept(struct shadow_volume *vol);

/* The mark that is found by an identity, or NULL.  Context: mutate mutex. */
struct shadow_mark *shadow_changes_find(struct shadow_volume *vol, const struct shadow_uuid *uuid);

/* Keep a mark, or drop it.  Return: 0 or -ENOENT.  Context: takes the mutate mutex. */
int shadow_changes_change(struct shadow_volume *vol, const struct shadow_uuid *uuid, bool keep);

/* Before the mutate mutex is taken over and over.  Context: without it; may sleep. */
void shadow_changes_give_way(const struct shadow_volume *vol);

/*
 * The mark after the one with id @info->cursor, without what was written since.  Return: whether
 * there is one.  Context: takes the mutate mutex.
 */
bool shadow_changes_next(struct shadow_volume *vol, struct shadow_base_info *info);

/* That, of the one with id @info->cursor; @bits: a page to count with.  Likewise. */
bool shadow_changes_count(struct shadow_volume *vol, struct shadow_base_info *info,
			  unsigned long *bits);

/**
 * shadow_changes_next_written() - what was written since a mark, before the next one
 * @ch: the changes
 * @mark: the mark, one that is wanted
 * @index: in: from which page of bits on; out: which one it is
 * @bits: out: its bits
 *
 * Context: mutate mutex.
 * Return: whether there is one.
 */
bool shadow_changes_next_written(const struct shadow_changes *ch, const struct shadow_mark *mark,
				 u64 *index, unsigned long *bits);

/**
 * shadow_changes_adopt() - go on with what was saved
 * @vol: the volume, its gate closed and drained
 * @marks: at least one; no shadow's yet.  The volume's afterwards
 * @whole: the first one is the one that the generation began with
 *
 * Marks that the volume has are newer.  Of these bases stay; the others, and all that nobody wants,
 * are merged after shadow_changes_settle().
 *
 * Context: mutate mutex.
 */
void shadow_changes_adopt(struct shadow_volume *vol, struct list_head *marks, bool whole);

/*
 * The shadow of a mark that was saved is there again.  Return: the mark, without an epoch, or
 * NULL.  Context: mutate mutex.
 */
struct shadow_mark *shadow_changes_claim(struct shadow_volume *vol, const struct shadow_uuid *uuid);

/* Marks whose shadows are not there again are nobody's. */
void shadow_changes_settle(struct shadow_volume *vol);

/* Context: takes the mutate mutex. */
void shadow_changes_fill_info(struct shadow_volume *vol, struct shadow_tracking_info *info);

#endif /* SHADOW_CHANGES_H */
