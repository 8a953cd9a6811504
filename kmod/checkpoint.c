// SPDX-License-Identifier: GPL-2.0-only
/*
 * checkpoint.c - the log of a durable store, put together anew before it is too long.
 *
 * A log grows with every write that needs something preserved, and with every shadow that
 * comes and goes; what is left of all that is less.  So it is written once more, as it would
 * be if only that had happened: the dump, a chain of its own.  Then the header says where
 * the dump is, and where the log goes on after it, and what was before is given back.
 *
 * Meanwhile writes go on, and so does the log.  The mark is a place in it before which all
 * that it says has come to pass; it is taken when no group is under way.  Then all
 * epochs are gone through, a few blocks at a time.  What is recorded after the mark is
 * in the log after it, and may be in the dump as well, which does no harm: who reads it finds
 * the block recorded, in the same place.  Only deletions would, which move records from one
 * epoch to another: the fold mutex keeps them away.
 *
 * A store that has failed has no log any more that could say so.  Its header is written instead,
 * here, as nobody else writes it then; that is tried again until the store is let go.
 *
 * Until the header is written, all is as if nothing had been done.  A store that has no
 * room for a dump goes on with a long log, and tries again when it has grown further.
 */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "checkpoint.h"
#include "durable.h"
#include "watch.h"

#define LEAST		256u		/* blocks: a log that is not too long */
#define PART		128		/* ... nor is this part of a store */

static bool (*describe)(struct shadow_volume *vol, u64 epoch, struct shadow_disk_epoch *disk,
			bool *complete, struct shadow_fault *lost);

enum phase {
	PHASE_HEAD,		/* the first blocks of the volume */
	PHASE_EPOCH,		/* a shadow */
	PHASE_FREE,		/* what was free */
	PHASE_EXTENTS,		/* what is recorded */
	PHASE_LOST,
	PHASE_DONE,
};

/**
 * struct dump - a dump that is being written
 * @vol: the volume
 * @d: the log of its store
 * @id: of its blocks
 * @segments: where they go
 * @loc: where the next one goes
 * @left: blocks of the segment from there on
 * @nr_blocks: that there are, from the first one on
 * @group: number of the group that is being filled
 * @page: its blocks
 * @where: where they go
 * @nr: how many
 * @entries: in the last of them
 * @at: the epoch to which what follows in that one belongs
 * @phase: what is put in
 * @epoch: of which epoch; those after @last are the log's
 * @block: from which block on
 * @last: the newest epoch at the mark
 * @lost: why the lost ones are
 * @head: the first blocks of the volume, at the mark
 */
struct dump {
	struct shadow_volume *vol;
	struct shadow_durable *d;
	u64 id;
	struct list_head segments;
	u64 loc;
	u32 left;
	u32 nr_blocks;
	u64 group;
	struct page *page[SHADOW_GROUP_BLOCKS];
	u64 where[SHADOW_GROUP_BLOCKS];
	unsigned int nr;
	unsigned int entries;
	u64 at;
	enum phase phase;
	u64 epoch;
	u64 block;
	u64 last;
	struct shadow_fault lost;
	struct shadow_head head;
};

/* --- blocks ------------------------------------------------------------------------ */

static struct shadow_disk_log *block_of(struct dump *dp, unsigned int i)
{
	return page_address(dp->page[i]);
}

static void put(struct dump *dp, enum shadow_disk_type type, u64 rest, u64 value)
{
	struct shadow_disk_log *b = block_of(dp, dp->nr - 1);
	struct shadow_disk_entry *e = &b->entry[dp->entries++];

	e->what = cpu_to_le64((u64)type << 56 | rest);
	e->value = cpu_to_le64(value);
	b->nr = cpu_to_le16(dp->entries);
}

static int open_block(struct dump *dp)
{
	struct shadow_segment *s;
	struct shadow_disk_log *b;

	if (dp->nr == SHADOW_GROUP_BLOCKS)
		return -EAGAIN;
	/* The last block of a segment says where the next one is; so does the first one need. */
	if (dp->left <= 1) {
		s = shadow_segment_allot(dp->d->part);
		if (!s)
			return -ENOSPC;
		list_add_tail(&s->node, &dp->segments);
	}
	s = list_last_entry(&dp->segments, struct shadow_segment, node);
	if (!dp->left) {
		dp->loc = s->loc;
		dp->left = s->blocks;
	}
	b = block_of(dp, dp->nr);
	memset(b, 0, SHADOW_DISK_BLOCK);
	b->id = cpu_to_le64(dp->id);
	b->seq = cpu_to_le64(++dp->nr_blocks);
	b->group = cpu_to_le64(dp->group);
	dp->where[dp->nr++] = dp->loc++;
	dp->entries = 0;
	dp->at = 0;
	if (--dp->left)
		return 0;
	put(dp, SHADOW_DISK_NEXT, s->blocks, s->loc);
	dp->loc = s->loc;
	dp->left = s->blocks;
	return 0;
}

/* Make sure that entries can be put in.  Return: 0; -EAGAIN: write first; -ENOSPC. */
static int room(struct dump *dp, unsigned int n)
{
	if (dp->nr && dp->entries + n <= SHADOW_DISK_LOG_ENTRIES)
		return 0;
	return open_block(dp);
}

/* Write the blocks that there are.  Context: no lock but the fold mutex. */
static int write_blocks(struct dump *dp)
{
	struct shadow_part *part = dp->d->part;
	unsigned int done, n, i;
	int err = 0;

	if (dp->nr)
		block_of(dp, dp->nr - 1)->flags = cpu_to_le16(SHADOW_DISK_LAST);
	for (done = 0; !err && done < dp->nr; done += n) {
		struct bio *bio;
		sector_t sector;
		u64 run;

		for (n = 1; done + n < dp->nr && dp->where[done + n] == dp->where[done] + n; n++)
			;
		run = n;
		sector = part->ops->locate(part, dp->where[done], &run);
		n = run;
		bio = bio_alloc_bioset(part->bdev, n, REQ_OP_WRITE, GFP_NOIO, &fs_bio_set);
		bio->bi_iter.bi_sector = sector;
		for (i = done; i < done + n; i++) {
			shadow_log_seal(block_of(dp, i));
			__bio_add_page(bio, dp->page[i], SHADOW_DISK_BLOCK, 0);
		}
		err = submit_bio_wait(bio);
		bio_put(bio);
	}
	dp->nr = 0;
	dp->group++;
	return err;
}

/* --- what there is ------------------------------------------------------------------- */

static int put_head(struct dump *dp)
{
	const struct shadow_head *head = &dp->head;
	unsigned int i;
	int err;

	for (; dp->block < SHADOW_DISK_WATCHED; dp->block++) {
		err = room(dp, 1 + SHADOW_HEAD_STATES);
		if (err)
			return err;
		for (i = 0; i < head->nr[dp->block]; i++)
			put(dp, i ? SHADOW_DISK_HEAD_WILL : SHADOW_DISK_HEAD_IS, dp->block,
			    head->crc[dp->block][i]);
		if (head->any[dp->block])
			put(dp, SHADOW_DISK_HEAD_ANY, dp->block, 0);
	}
	dp->phase = PHASE_EPOCH;
	dp->epoch = 0;
	return 0;
}

/* The first epoch from dp->epoch on that is the dump's, or NULL. */
static struct shadow_epoch *next_epoch(struct dump *dp)
{
	struct shadow_epoch *ep;

	list_for_each_entry(ep, &dp->vol->epochs.list, node)
		if (ep->number >= dp->epoch)
			return ep->number <= dp->last ? ep : NULL;
	return NULL;
}

/* One that nobody knows any more is about to be deleted: it is not complete. */
static int put_epoch(struct dump *dp, const struct shadow_epoch *ep)
{
	struct shadow_disk_epoch disk = { .sectors = cpu_to_le64(dp->vol->nr_sectors) };
	const struct shadow_disk_entry *e = (const void *)&disk;
	struct shadow_fault lost = { 0 };
	bool complete = false;
	unsigned int i;
	int err = room(dp, 2 + SHADOW_DISK_EPOCH_ENTRIES);

	if (err)
		return err;
	describe(dp->vol, ep->number, &disk, &complete, &lost);
	if (lost.error)
		dp->lost = lost;
	put(dp, SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, ep->number);
	for (i = 0; i < SHADOW_DISK_EPOCH_ENTRIES; i++)
		put(dp, le64_to_cpu(e[i].what) >> 56, le64_to_cpu(e[i].what) & ((1ULL << 56) - 1),
		    le64_to_cpu(e[i].value));
	if (complete)
		put(dp, SHADOW_DISK_COMPLETE, 0, ep->number);
	dp->epoch = ep->number;
	dp->block = 0;
	dp->phase = PHASE_FREE;
	return 0;
}

static int enter(struct dump *dp, const struct shadow_epoch *ep)
{
	int err = room(dp, 2);

	if (!err && dp->at != ep->number) {
		put(dp, SHADOW_DISK_AT, 0, ep->number);
		dp->at = ep->number;
	}
	return err;
}

static int put_free(struct dump *dp, const struct shadow_epoch *ep)
{
	u64 blocks = shadow_blocks_of(dp->vol->nr_sectors);
	bool free;
	int err;

	/* Of one that is lost, too: a base is known by it. */
	while (dp->block < blocks &&
	       shadow_blockmap_next(&ep->free, &dp->block) && dp->block < blocks) {
		u64 n = shadow_blockmap_run(&ep->free, dp->block, blocks - dp->block, &free);

		err = free ? enter(dp, ep) : 0;
		if (err)
			return err;
		if (free)
			put(dp, SHADOW_DISK_FREE, dp->block, n);
		dp->block += n;
	}
	dp->block = 0;
	dp->phase = PHASE_EXTENTS;
	return 0;
}

static int put_extents(struct dump *dp, const struct shadow_epoch *ep)
{
	struct shadow_extent extent;
	u64 block = dp->block;
	int err;

	while (shadow_index_next(&ep->index, &block, &extent)) {
		err = enter(dp, ep);
		if (err)
			return err;
		put(dp, SHADOW_DISK_EXTENT, (extent.len - 1) << 48 | extent.block,
		    shadow_loc_block(extent.loc));
		dp->block = block;
	}
	dp->epoch = ep->number + 1;
	dp->phase = PHASE_EPOCH;
	return 0;
}

static int put_lost(struct dump *dp)
{
	enum shadow_disk_revert revert = dp->vol->revert.logged;
	int err = dp->lost.error || revert ? room(dp, 2) : 0;

	if (err)
		return err;
	if (revert)
		put(dp, SHADOW_DISK_REVERT, revert, dp->vol->revert.logged_epoch);
	if (dp->lost.error)
		put(dp, SHADOW_DISK_LOST, (u64)dp->lost.reason << 32 | dp->lost.error,
		    dp->vol->lost_upto);
	dp->phase = PHASE_DONE;
	return 0;
}

/* Put in what fits.  Return: 0: all is; -EAGAIN: there is more; -ENOSPC. */
static int fill(struct dump *dp)
{
	struct shadow_epoch *ep;
	int err = 0;

	lockdep_assert_held(&dp->vol->epochs.mutate);
	while (!err && dp->phase != PHASE_DONE) {
		ep = dp->phase == PHASE_HEAD ? NULL : next_epoch(dp);
		if (dp->phase == PHASE_HEAD)
			err = put_head(dp);
		else if (!ep || dp->phase == PHASE_LOST)
			err = put_lost(dp);
		else if (dp->phase == PHASE_EPOCH)
			err = put_epoch(dp, ep);
		else if (dp->phase == PHASE_FREE)
			err = put_free(dp, ep);
		else
			err = put_extents(dp, ep);
	}
	return err;
}

/* --- the change from one to the other --------------------------------------------------- */

/* What of the log was before the mark is not needed any more.  Context: mutate mutex. */
static void cut_log(struct shadow_durable *d, const struct shadow_log_place *mark)
{
	struct shadow_segment *s, *next;

	list_for_each_entry_safe(s, next, &d->segments, node) {
		bool holds = mark->loc >= s->loc && mark->loc < s->loc + s->blocks;
		u32 n = holds ? mark->loc - s->loc : s->blocks;

		if (n)
			shadow_part_free(d->part, s->loc, n);
		d->blocks -= n;
		s->loc += n;
		s->blocks -= n;
		if (holds)
			return;
		list_del(&s->node);
		kfree(s);
	}
}

static int change_over(struct dump *dp, const struct shadow_log_place *mark)
{
	struct shadow_segment *first = list_first_entry(&dp->segments, struct shadow_segment, node);
	struct shadow_durable *d = dp->d;
	struct shadow_disk_header *h = d->header;
	int err;

	h->seq = cpu_to_le64(le64_to_cpu(h->seq) + 1);
	h->volume_sectors = cpu_to_le64(dp->vol->nr_sectors);
	h->dump_id = cpu_to_le64(dp->id);
	h->dump_loc = cpu_to_le64(first->loc);
	h->dump_segment = cpu_to_le32(first->blocks);
	h->dump_blocks = cpu_to_le32(dp->nr_blocks);
	h->log_loc = cpu_to_le64(mark->loc);
	h->log_segment = cpu_to_le32(mark->left);
	h->log_seq = cpu_to_le64(mark->seq);
	h->log_group = cpu_to_le64(mark->group);
	err = shadow_durable_write_header(d->part, h, NULL);
	mutex_lock(&dp->vol->epochs.mutate);
	if (err) {
		/* Which one counts is not known: neither is given back, nothing changes again. */
		pr_err("%pg: the header of the store cannot be written (%d)\n", d->part->bdev, err);
		d->checkpoint_failed = true;
		list_splice_tail_init(&dp->segments, &d->dump);
	} else {
		cut_log(d, mark);
		shadow_segments_free(&d->dump, d->part);
		list_splice_tail_init(&dp->segments, &d->dump);
		d->dumped = dp->nr_blocks;
		atomic64_inc(&d->checkpoints);
	}
	mutex_unlock(&dp->vol->epochs.mutate);
	return err;
}

/* Wait for the mark.  False: the log was stopped, or a deletion is more important. */
static bool wait_for_mark(struct dump *dp)
{
	struct shadow_durable *d = dp->d;

	shadow_volume_kick(dp->vol);
	/* Who tells free space may wait for memory, that for writes, and these for a deletion. */
	while (!wait_event_timeout(d->wait, !READ_ONCE(d->mark_wanted) || READ_ONCE(d->dead), HZ))
		if (READ_ONCE(dp->vol->short_of_room))
			break;
	return !READ_ONCE(d->mark_wanted) && !READ_ONCE(d->dead);
}

static int write_dump(struct dump *dp)
{
	struct shadow_volume *vol = dp->vol;
	int more, err = 0;

	do {
		mutex_lock(&vol->epochs.mutate);
		more = dp->d->dead ? -EIO : fill(dp);
		mutex_unlock(&vol->epochs.mutate);
		if (more && more != -EAGAIN)
			return more;
		err = write_blocks(dp);
		cond_resched();
	} while (!err && more);
	return err;
}

/* The segment after the last block is not needed, though that one names it. */
static void trim(struct dump *dp)
{
	struct shadow_segment *s = list_last_entry(&dp->segments, struct shadow_segment, node);

	if (dp->left != s->blocks)
		return;
	shadow_part_free(dp->d->part, s->loc, s->blocks);
	list_del(&s->node);
	kfree(s);
}

static struct dump *dump_alloc(struct shadow_volume *vol)
{
	struct dump *dp = kvzalloc(sizeof(*dp), GFP_KERNEL);
	unsigned int i;

	if (!dp)
		return NULL;
	dp->vol = vol;
	INIT_LIST_HEAD(&dp->segments);
	dp->group = 1;
	get_random_bytes(&dp->id, sizeof(dp->id));
	for (i = 0; i < SHADOW_GROUP_BLOCKS; i++) {
		dp->page[i] = alloc_page(GFP_KERNEL);
		if (!dp->page[i])
			break;
	}
	if (i == SHADOW_GROUP_BLOCKS)
		return dp;
	while (i--)
		__free_page(dp->page[i]);
	kvfree(dp);
	return NULL;
}

static void dump_free(struct dump *dp)
{
	unsigned int i;

	for (i = 0; i < SHADOW_GROUP_BLOCKS; i++)
		__free_page(dp->page[i]);
	kvfree(dp);
}

/* Is the log too long?  What it is going to be cannot be known, but it is a dump at least. */
static bool is_due(const struct shadow_durable *d)
{
	u64 enough = max3((u64)LEAST, 2 * (u64)d->dumped, d->part->space.nr_blocks / PART);

	return !d->dead && !d->checkpoint_failed && d->seq >= d->next_checkpoint &&
	       d->seq - le64_to_cpu(d->header->log_seq) > enough;
}

void shadow_checkpoint_note_failure(struct shadow_durable *d)
{
	if (!READ_ONCE(d->failed) || d->failure_noted)
		return;
	d->header->seq = cpu_to_le64(le64_to_cpu(d->header->seq) + 1);
	d->header->flags |= cpu_to_le32(SHADOW_DISK_FAILED);
	if (!shadow_durable_write_header(d->part, d->header, NULL))
		WRITE_ONCE(d->failure_noted, true);
}

/* Context: the fold mutex held. */
static void checkpoint(struct shadow_volume *vol, struct dump *dp)
{
	struct shadow_log_place mark;
	bool marked;
	int err;

	mutex_lock(&vol->epochs.mutate);
	dp->d = vol->store ? vol->store->durable : NULL;
	if (!dp->d || !is_due(dp->d)) {
		mutex_unlock(&vol->epochs.mutate);
		/* The store stays as long as this work item runs. */
		if (dp->d)
			shadow_checkpoint_note_failure(dp->d);
		return;
	}
	vol->dump_head = &dp->head;
	dp->d->mark_wanted = true;
	mutex_unlock(&vol->epochs.mutate);
	marked = wait_for_mark(dp);
	mutex_lock(&vol->epochs.mutate);
	vol->dump_head = NULL;
	dp->d->mark_wanted = false;
	if (!marked)
		dp->d->next_checkpoint = dp->d->seq + LEAST;
	mark = dp->d->mark;
	dp->last = vol->dump_last;
	mutex_unlock(&vol->epochs.mutate);
	if (!marked)
		return;
	err = write_dump(dp);
	mutex_lock(&vol->epochs.mutate);
	if (err)
		shadow_segments_free(&dp->segments, dp->d->part);
	else
		trim(dp);
	if (err)	/* not at once again */
		dp->d->next_checkpoint = dp->d->seq + LEAST;
	mutex_unlock(&vol->epochs.mutate);
	if (!err)
		change_over(dp, &mark);
}

static void checkpoint_work(struct work_struct *work)
{
	struct shadow_volume *vol = container_of(work, struct shadow_volume, checkpoint_work);
	unsigned int noio = memalloc_noio_save();
	struct dump *dp = dump_alloc(vol);

	if (dp) {
		mutex_lock(&vol->fold);
		checkpoint(vol, dp);
		mutex_unlock(&vol->fold);
		dump_free(dp);
	}
	memalloc_noio_restore(noio);
}

void shadow_checkpoint_review(struct shadow_volume *vol)
{
	struct shadow_durable *d = vol->store->durable;

	lockdep_assert_held(&vol->epochs.mutate);
	/* What the log says before the mark is to be found in the epochs. */
	if (!vol->telling_free && shadow_durable_take_mark(d)) {
		shadow_watch_snapshot(vol, vol->dump_head);
		vol->dump_last = vol->last_epoch;
	}
	if (is_due(d) || (d->failed && !READ_ONCE(d->failure_noted)))
		queue_work(vol->grow_wq, &vol->checkpoint_work);
}

void shadow_checkpoint_begin(struct shadow_volume *vol)
{
	INIT_WORK(&vol->checkpoint_work, checkpoint_work);
}

void shadow_checkpoint_stop(struct shadow_volume *vol)
{
	cancel_work_sync(&vol->checkpoint_work);
}

void shadow_checkpoint_init(bool (*fn)(struct shadow_volume *vol, u64 epoch,
				       struct shadow_disk_epoch *disk, bool *complete,
				       struct shadow_fault *lost))
{
	describe = fn;
}
