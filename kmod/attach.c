// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach.c - shadows that a durable store has are there again, and go without being deleted.
 *
 * Attaching reads the log from its beginning to its end, and does what it says in the order
 * in which it came to pass: a shadow begins, blocks are recorded, a shadow goes.  The
 * log ends where no whole group follows; it was never known to be on stable storage, so no
 * write was let go for it.  At the end
 *
 *  - what is recorded, and what the log itself lies in, is what of the store is in use,
 *  - what no shadow needs from the volume is settled,
 *  - the first blocks of the volume have to be as the log says (watch.c): otherwise
 *    somebody has written to it whom we have not seen, or it is another one: then the
 *    shadows are lost, if whoever attaches it has agreed to that,
 *  - shadows that were not meant to survive, or were not complete, go.
 *
 * All this happens with the volume's gate closed, and while we have the volume for
 * ourselves: nobody has mounted it.
 *
 * Nothing that was read is believed: see format.c.  A store that contradicts itself is
 * refused, and nothing on it is changed.
 *
 * Detaching is the contrary: with the gate closed the log is brought to its end and
 * stopped, then the shadows go, and the log does not hear of it.
 */
#include <linux/blkdev.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "attach.h"
#include "durable.h"
#include "gate.h"
#include "image.h"
#include "policy.h"
#include "registry.h"
#include "revert.h"
#include "saved.h"
#include "watch.h"

#define CHUNK_BLOCKS	64u		/* read at a time */
/* Those that are about to be dropped do not count for who makes new ones. */
#define FOUND_MAX	(2 * SHADOW_MAX_VOLUME_SHADOWS)

/**
 * struct reading - a store that is being read
 * @vol: the volume
 * @part: the part
 * @header: its header
 * @at: where the log is read
 * @end: where it ends, as far as is known: behind the last whole group
 * @page: what was read last:
 * @chunk_loc: from where on,
 * @chunk_nr: and how many blocks
 * @group: the blocks of a group
 * @fresh: segments that a group has begun
 * @segments: those of the log
 * @dump: those of the dump
 * @found: the shadows
 * @nr_found: how many
 * @head: the first blocks of the volume
 * @reason: why all shadows are lost, for the log; SHADOW_REASON_NONE: they are not
 * @error: positive errno of that
 * @revert: whether the volume is to be what it was
 * @revert_epoch: at the instant of this shadow
 * @lost_upto: as of the volume
 * @last_epoch: likewise
 * @flags: SHADOW_ATTACH_* bits
 * @fault: why it cannot be read
 */
struct reading {
	struct shadow_volume *vol;
	struct shadow_part *part;
	struct shadow_disk_header *header;
	struct shadow_log_place at;
	struct shadow_log_place end;
	struct page *page[CHUNK_BLOCKS];
	u64 chunk_loc;
	unsigned int chunk_nr;
	struct shadow_disk_log *group;
	struct list_head fresh;
	struct list_head segments;
	struct list_head dump;
	struct list_head *found;
	unsigned int nr_found;
	struct shadow_head head;
	u32 reason;
	u32 error;
	enum shadow_disk_revert revert;
	u64 revert_epoch;
	u64 lost_upto;
	u64 last_epoch;
	u32 flags;
	struct shadow_fault *fault;
};

static int refuse(struct reading *r, u32 reason, int err)
{
	return shadow_fail(r->fault, SHADOW_PHASE_STORE, reason, r->part->bdev->bd_dev, err);
}

static int is_damaged(struct reading *r, const char *what)
{
	if (r->part->file)
		pr_err("%pD4 on %pg: the store is damaged: %s, at block %llu of its log\n",
		       r->part->file, r->part->bdev, what, r->at.seq);
	else
		pr_err("%pg: the store is damaged: %s, at block %llu of its log\n",
		       r->part->bdev, what, r->at.seq);
	return refuse(r, SHADOW_REASON_STORE_DAMAGED, -EUCLEAN);
}

static int no_memory(struct reading *r)
{
	return refuse(r, SHADOW_REASON_NO_MEMORY, -ENOMEM);
}

/* --- reading ------------------------------------------------------------------------ */

static int read_pages(struct block_device *bdev, sector_t sector, struct page **page,
		      unsigned int n, unsigned int last_bytes)
{
	struct bio *bio = bio_alloc_bioset(bdev, n, REQ_OP_READ, GFP_NOIO, &fs_bio_set);
	unsigned int i;
	int err;

	bio->bi_iter.bi_sector = sector;
	for (i = 0; i < n; i++)
		__bio_add_page(bio, page[i], i == n - 1 ? last_bytes : SHADOW_DISK_BLOCK, 0);
	err = submit_bio_wait(bio);
	bio_put(bio);
	return err;
}

/* The newest of the two copies that is whole. */
static int read_header(struct reading *r)
{
	enum shadow_format worst = SHADOW_FORMAT_FOREIGN;
	struct shadow_disk_header *best = NULL, *h;
	unsigned int i;
	int failed = 0;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		enum shadow_format verdict;
		int err;

		err = read_pages(r->part->bdev,
				 r->part->ops->head(r->part, i * SHADOW_DISK_HEADER_STEP),
				 &r->page[i], 1, SHADOW_DISK_BLOCK);
		if (err) {	/* for that there are two */
			failed = err;
			continue;
		}
		h = page_address(r->page[i]);
		verdict = shadow_header_check(h);
		if (verdict != SHADOW_FORMAT_GOOD)
			worst = max(worst, verdict);
		else if (!best || le64_to_cpu(h->seq) > le64_to_cpu(best->seq))
			best = h;
	}
	if (!best && failed)
		return refuse(r, SHADOW_REASON_STORE_ERROR, failed);
	if (!best && worst == SHADOW_FORMAT_FOREIGN)
		return refuse(r, SHADOW_REASON_STORE_FORMAT, -EMEDIUMTYPE);
	if (!best && worst == SHADOW_FORMAT_NEWER)
		return refuse(r, SHADOW_REASON_STORE_NEWER, -EOPNOTSUPP);
	if (!best)
		return is_damaged(r, "its header is not whole");
	/* One that cannot be written might be read, but nothing would be preserved. */
	if (le32_to_cpu(best->ro_compat) & ~SHADOW_DISK_RO_COMPAT)
		return refuse(r, SHADOW_REASON_STORE_NEWER, -EOPNOTSUPP);
	if (le64_to_cpu(best->part_blocks) > r->part->nr_blocks)
		return is_damaged(r, "the device is smaller than the store");
	memcpy(r->header, best, sizeof(*best));
	return 0;
}

/* The block at @loc of the log; of its segment @left are left.  NULL: @err. */
static struct shadow_disk_log *read_block(struct reading *r, u64 loc, u32 left, int *err)
{
	u64 run = min(left, CHUNK_BLOCKS);

	if (loc < r->chunk_loc || loc >= r->chunk_loc + r->chunk_nr) {
		sector_t sector = r->part->ops->locate(r->part, loc, &run);

		*err = read_pages(r->part->bdev, sector, r->page, run, SHADOW_DISK_BLOCK);
		if (*err) {
			refuse(r, SHADOW_REASON_STORE_ERROR, *err);
			return NULL;
		}
		r->chunk_loc = loc;
		r->chunk_nr = run;
	}
	return page_address(r->page[loc - r->chunk_loc]);
}

/* --- what the log says ---------------------------------------------------------------- */

static struct shadow_restored *restored_at(struct reading *r, u64 epoch)
{
	struct shadow_restored *s;

	list_for_each_entry(s, r->found, node)
		if (s->epoch->number == epoch)
			return s;
	return NULL;
}

static int begin_epoch(struct reading *r, const struct shadow_item *item)
{
	struct shadow_restored *s = restored_at(r, item->epoch);
	u64 sectors = le64_to_cpu(item->shadow->sectors);
	bool good = sectors && !(sectors >> 60);

	/* The dump may have what the log has after it, too. */
	if (s && !memcmp(s->disk.shadow, item->shadow->shadow, sizeof(s->disk.shadow)))
		return 0;
	/* Who wrote the dump did not know it any more, as it was about to be deleted. */
	if (s && good && !memchr_inv(s->disk.shadow, 0, sizeof(s->disk.shadow))) {
		s->disk = *item->shadow;
		s->flags = le32_to_cpu(item->shadow->flags);
		return 0;
	}
	if (item->epoch <= r->last_epoch || !good)
		return is_damaged(r, "a shadow cannot be");
	if (r->nr_found == FOUND_MAX)
		return is_damaged(r, "there are too many shadows");
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return no_memory(r);
	s->epoch = shadow_epoch_alloc(GFP_KERNEL);
	if (!s->epoch) {
		kfree(s);
		return no_memory(r);
	}
	s->epoch->number = item->epoch;
	s->disk = *item->shadow;
	s->flags = le32_to_cpu(item->shadow->flags);
	list_add_tail(&s->node, r->found);
	r->nr_found++;
	shadow_epochs_append(&r->vol->epochs, s->epoch);
	r->last_epoch = item->epoch;
	return 0;
}

/* Give up an epoch as live, to its end. */
static int fold(struct reading *r, struct shadow_restored *s)
{
	struct shadow_settled *unused = NULL;
	u64 cursor = 0;
	int more;

	do {
		more = shadow_epochs_fold(&r->vol->epochs, s->epoch, r->lost_upto, &cursor,
					  GFP_KERNEL, &unused);
		cond_resched();
	} while (more > 0);
	if (more)
		return no_memory(r);
	list_del(&s->node);
	r->nr_found--;
	shadow_epoch_free(s->epoch);
	kfree(s);
	return 0;
}

static void lose(struct reading *r, u64 upto, u32 reason, u32 error)
{
	struct shadow_restored *s;

	list_for_each_entry(s, r->found, node)
		if (s->epoch->number <= upto && !s->fault.error)
			shadow_fail(&s->fault, SHADOW_PHASE_PRESERVE, reason, r->vol->dev,
				    -(int)(error ?: EIO));
	if (r->revert == SHADOW_DISK_REVERT_NOTED && r->revert_epoch <= upto)
		r->revert = SHADOW_DISK_REVERT_OVER;
	r->lost_upto = max(r->lost_upto, upto);
	shadow_epochs_drop(&r->vol->epochs, upto);
}

/*
 * Leave out what the volume does not have: it has shrunk, and its shadows are lost.  So what
 * is read needs no more memory than a volume of its size may.
 */
static bool clip(const struct reading *r, struct shadow_extent *extent)
{
	u64 blocks = r->vol->nr_blocks;

	if (extent->block >= blocks)
		return false;
	extent->len = min(extent->len, blocks - extent->block);
	return true;
}

static int apply(struct reading *r, const struct shadow_item *item)
{
	struct shadow_extent extent = item->extent;
	struct shadow_restored *s;

	switch (item->type) {
	case SHADOW_DISK_EPOCH:
		return begin_epoch(r, item);
	case SHADOW_DISK_EXTENT:
		if (clip(r, &extent) &&
		    shadow_epochs_restore(&r->vol->epochs, item->epoch, r->lost_upto, &extent,
					  GFP_KERNEL))
			return no_memory(r);
		return 0;
	case SHADOW_DISK_FREE:
		s = restored_at(r, item->epoch);
		if (s && s->epoch->number > r->lost_upto && clip(r, &extent) &&
		    shadow_epochs_restore_free(s->epoch, extent.block, extent.len, GFP_KERNEL))
			return no_memory(r);
		return 0;
	case SHADOW_DISK_COMPLETE:
		s = restored_at(r, item->epoch);
		if (s)
			s->complete = true;
		return 0;
	case SHADOW_DISK_FLAGS:
		s = restored_at(r, item->epoch);
		if (s)
			s->flags = item->flags;
		return 0;
	case SHADOW_DISK_FOLD:
		s = restored_at(r, item->epoch);
		return s ? fold(r, s) : 0;
	case SHADOW_DISK_LOST:
		lose(r, min(item->epoch, r->last_epoch), item->reason, item->error);
		return 0;
	case SHADOW_DISK_REVERT:
		r->revert = item->flags;
		r->revert_epoch = item->epoch;
		return 0;
	case SHADOW_DISK_HEAD_WILL:
	case SHADOW_DISK_HEAD_IS:
	case SHADOW_DISK_HEAD_ANY:
		shadow_head_note(&r->head, item);
		return 0;
	default:
		return 0;
	}
}

/* A whole group was read: what it says comes to pass. */
static int apply_group(struct reading *r, unsigned int nr, struct list_head *segments)
{
	struct shadow_segment *s;
	unsigned int i;
	int err;

	list_for_each_entry(s, &r->fresh, node) {
		err = shadow_space_take(&r->part->space, s->loc, s->blocks, GFP_KERNEL);
		if (err == -EEXIST)
			return is_damaged(r, "a segment is in use already");
		if (err)
			return no_memory(r);
	}
	list_splice_tail_init(&r->fresh, segments);
	for (i = 0; i < nr; i++) {
		enum shadow_format verdict;
		unsigned int entry = 0;
		struct shadow_item item;
		u64 epoch = 0;

		while (shadow_log_item(&r->group[i], &entry, &epoch, r->part->space.nr_blocks,
				       &item, &verdict)) {
			err = apply(r, &item);
			if (err)
				return err;
		}
		if (verdict == SHADOW_FORMAT_NEWER)
			return refuse(r, SHADOW_REASON_STORE_NEWER, -EOPNOTSUPP);
		if (verdict != SHADOW_FORMAT_GOOD)
			return is_damaged(r, "an entry cannot be");
		cond_resched();
	}
	r->end = r->at;
	return 0;
}

/* Look for blocks of the log in a segment.  @group: in and out: whose they are. */
static int look_in(struct reading *r, u64 loc, u32 left, u64 *group)
{
	int err = 0;

	for (; left; left--, loc++) {
		const struct shadow_disk_log *b = read_block(r, loc, left, &err);

		if (!b)
			return err;
		if (!shadow_log_valid(b, r->at.id) || le64_to_cpu(b->seq) < r->at.seq ||
		    le64_to_cpu(b->group) < r->end.group)
			continue;
		if (*group && le64_to_cpu(b->group) != *group)
			return is_damaged(r, "blocks are missing");
		*group = le64_to_cpu(b->group);
	}
	return 0;
}

/*
 * No block follows.  A group is only written when the one before it is on stable storage,
 * so behind a gap there is no more than one; more were written, and have gone.  Who has
 * detached the store has left a note of where it ends.
 */
static int check_end(struct reading *r)
{
	u64 group = 0, end = le64_to_cpu(r->header->log_end);
	int err = look_in(r, r->at.loc, r->at.left, &group);

	if (!err && r->at.next_blocks)
		err = look_in(r, r->at.next_loc, r->at.next_blocks, &group);
	if (!err && end && r->end.seq != end)
		return is_damaged(r, "it does not end where it did");
	return err;
}

static int note_segment(struct reading *r)
{
	struct shadow_segment *s = kmalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return no_memory(r);
	s->loc = r->at.loc;
	s->blocks = r->at.left;
	list_add_tail(&s->node, &r->fresh);
	return 0;
}

/* Read up to @max blocks of a chain, from r->at on.  Return: 0; 1: it ends earlier; an error. */
static int read_chain(struct reading *r, struct list_head *segments, u64 max)
{
	unsigned int nr = 0;
	int err = 0;

	r->chunk_nr = 0;
	err = note_segment(r) ?: apply_group(r, 0, segments);
	for (; !err && max; max--) {
		const struct shadow_disk_log *b = read_block(r, r->at.loc, r->at.left, &err);
		enum shadow_format verdict;
		bool last;

		if (!b)
			return err;
		if (nr == SHADOW_GROUP_BLOCKS)
			return is_damaged(r, "a group has too many blocks");
		memcpy(&r->group[nr], b, sizeof(*b));
		verdict = shadow_log_read(&r->at, &r->group[nr], r->part->space.nr_blocks, &last);
		if (verdict == SHADOW_FORMAT_FOREIGN)
			return 1;
		if (verdict != SHADOW_FORMAT_GOOD)
			return is_damaged(r, "a block cannot be");
		nr++;
		if (r->at.fresh && max > 1)
			err = note_segment(r);
		if (!err && last) {
			err = apply_group(r, nr, segments);
			nr = 0;
		}
	}
	if (!err && nr)
		return is_damaged(r, "it ends within a group");
	return err;
}

/* All of the dump has to be there. */
static int read_dump(struct reading *r)
{
	u64 blocks = le32_to_cpu(r->header->dump_blocks);
	int err;

	if (!blocks)
		return 0;
	shadow_dump_begin(&r->at, r->header);
	err = read_chain(r, &r->dump, blocks);
	return err == 1 ? is_damaged(r, "a block of the dump is missing") : err;
}

static int read_log(struct reading *r)
{
	int err;

	shadow_log_begin(&r->at, r->header);
	r->end = r->at;
	err = read_chain(r, &r->segments, U64_MAX);
	return err == 1 ? check_end(r) : err;
}

/* --- what follows from it -------------------------------------------------------------- */

/* The blocks that are recorded are in use. */
static int take_space(struct reading *r)
{
	struct shadow_restored *s;
	int err = 0;

	list_for_each_entry(s, r->found, node) {
		struct shadow_extent extent;
		u64 block = 0;

		while (!err && shadow_index_next(&s->epoch->index, &block, &extent)) {
			err = shadow_space_take(&r->part->space, extent.loc, extent.len,
						GFP_KERNEL);
			cond_resched();
		}
	}
	if (err == -EEXIST)
		return is_damaged(r, "a block is in use twice");
	return err ? no_memory(r) : 0;
}

static int clear(struct reading *r, u64 loc, u64 n)
{
	int err = 0;

	while (!err && n) {
		u64 run = n;
		sector_t sector = r->part->ops->locate(r->part, loc, &run);

		err = blkdev_issue_zeroout(r->part->bdev, sector, run * SHADOW_BLOCK_SECTORS,
					   GFP_NOIO, 0);
		loc += run;
		n -= run;
	}
	return err ? refuse(r, SHADOW_REASON_STORE_ERROR, err) : 0;
}

/* The rest of the segment, and the next one, may have blocks of a group that was never whole. */
static int clear_rest(struct reading *r)
{
	u32 n = min(r->end.next_blocks, SHADOW_GROUP_BLOCKS);
	int err = clear(r, r->end.loc, r->end.left);

	/* If there was another machine's end in between, that may have become something else. */
	if (!err && n && shadow_space_is_free(&r->part->space, r->end.next_loc, n))
		err = clear(r, r->end.next_loc, n);
	return err;
}

/* What the volume is to be has to be one of the shadows that there will be. */
static int check_revert(struct reading *r)
{
	const struct shadow_restored *s = restored_at(r, r->revert_epoch);

	if (r->revert && !(s && s->complete && s->flags & SHADOW_DISK_PERSISTENT))
		return is_damaged(r, "it is to be made what it never was");
	return 0;
}

static int resume(struct reading *r)
{
	struct shadow_volume *vol = r->vol;
	struct shadow_settled *st;
	int err;

	err = take_space(r) ?: clear_rest(r);
	if (err)
		return err;
	err = shadow_durable_resume(r->part, r->header, &r->end, &r->segments, &r->dump, r->fault);
	if (err)
		return err;
	st = shadow_settled_alloc(GFP_KERNEL);
	if (!st || shadow_epochs_resume(&vol->epochs, st, r->lost_upto, vol->nr_blocks,
					GFP_KERNEL)) {
		shadow_settled_free(st);
		return no_memory(r);
	}
	vol->last_epoch = max(vol->last_epoch, r->last_epoch);
	vol->lost_upto = r->lost_upto;
	vol->dropped_upto = r->lost_upto;
	vol->drop_upto = 0;
	vol->revert = (struct shadow_reverting){
		.logged = r->revert, .logged_epoch = r->revert_epoch, .epoch = r->revert_epoch,
	};
	if (r->reason)
		shadow_durable_lose(r->part->store->durable, r->last_epoch, r->reason, r->error);
	err = shadow_watch_begin(vol, r->part->store->durable);
	if (err)
		shadow_fail(r->fault, SHADOW_PHASE_ATTACH, err == -ENOMEM ?
			    SHADOW_REASON_NO_MEMORY : SHADOW_REASON_ORIGIN_ERROR, vol->dev, err);
	return err;
}

/* The part has as many blocks as the header says, whatever the device has. */
static int fit_part(struct reading *r)
{
	u64 blocks = le64_to_cpu(r->header->part_blocks);
	u16 *groups = shadow_space_groups(blocks);

	if (!groups)
		return no_memory(r);
	r->part->nr_blocks = blocks;
	r->part->max_blocks = blocks;
	r->part->spec.max_bytes = blocks << SHADOW_BLOCK_BITS;
	kvfree(shadow_space_resize(&r->part->space, blocks, groups));
	return 0;
}

/* Is the volume as we have left it? */
static int check_volume(struct reading *r)
{
	struct shadow_volume *vol = r->vol;
	u32 reason = SHADOW_REASON_VOLUME_CHANGED, error = ESTALE;
	struct shadow_restored *s;
	bool changed = false;
	u64 sectors = 0;
	int err;

	list_for_each_entry(s, r->found, node)
		sectors = max(sectors, le64_to_cpu(s->disk.sectors));
	err = shadow_head_check(&r->head, vol->bdev, vol->nr_sectors, &changed);
	if (err)
		return shadow_fail(r->fault, SHADOW_PHASE_ATTACH, SHADOW_REASON_ORIGIN_ERROR,
				   vol->dev, err);
	changed |= sectors > vol->nr_sectors;
	if (le32_to_cpu(r->header->flags) & SHADOW_DISK_FAILED) {
		reason = SHADOW_REASON_STORE_ERROR;
		error = EIO;
		changed = true;
	}
	if (changed && !(r->flags & SHADOW_ATTACH_LOST))
		return shadow_fail(r->fault, SHADOW_PHASE_ATTACH, reason, vol->dev, -ESTALE);
	if (changed) {
		pr_warn("%s: it was written without its store: its shadows are lost\n", vol->name);
		lose(r, r->last_epoch, reason, error);
		r->reason = reason;
		r->error = error;
	}
	return 0;
}

static void nothing(void *arg, u64 loc, u64 len)
{
}

static struct reading *reading_alloc(struct shadow_volume *vol, struct shadow_part *part,
				     struct list_head *found, struct shadow_fault *fault)
{
	struct reading *r = kvzalloc(sizeof(*r), GFP_KERNEL);
	unsigned int i;

	if (!r)
		return NULL;
	r->vol = vol;
	r->part = part;
	r->found = found;
	r->fault = fault;
	INIT_LIST_HEAD(&r->fresh);
	INIT_LIST_HEAD(&r->segments);
	INIT_LIST_HEAD(&r->dump);
	r->header = kzalloc(sizeof(*r->header), GFP_KERNEL);
	r->group = vmalloc(SHADOW_GROUP_BLOCKS * sizeof(*r->group));
	for (i = 0; i < CHUNK_BLOCKS; i++)
		r->page[i] = alloc_page(GFP_KERNEL);
	return r;
}

static bool is_complete(const struct reading *r)
{
	unsigned int i;

	for (i = 0; r && i < CHUNK_BLOCKS; i++)
		if (!r->page[i])
			return false;
	return r && r->header && r->group;
}

static void reading_free(struct reading *r)
{
	unsigned int i;

	if (!r)
		return;
	for (i = 0; i < CHUNK_BLOCKS; i++)
		if (r->page[i])
			__free_page(r->page[i]);
	shadow_segments_free(&r->fresh, NULL);
	shadow_segments_free(&r->segments, NULL);
	shadow_segments_free(&r->dump, NULL);
	vfree(r->group);
	kfree(r->header);
	kvfree(r);
}

/* What is known of changes, if nobody else has written to the volume. */
static void read_saved(struct reading *r, struct shadow_saved *saved)
{
	if (!r->reason)
		shadow_saved_read(r->vol, r->part, r->header, saved);
	else
		saved->reason = r->reason == SHADOW_REASON_VOLUME_CHANGED ?
				SHADOW_TRACKING_VOLUME_CHANGED : SHADOW_TRACKING_UNCLEAN;
}

/* None of the shadows that were found is to be.  Context: mutate mutex. */
static void forget(struct shadow_volume *vol, struct list_head *found)
{
	struct shadow_restored *s, *next;

	shadow_watch_end(vol);
	shadow_settled_free(shadow_epochs_suspend(&vol->epochs));
	list_for_each_entry_safe(s, next, found, node) {
		list_del(&s->epoch->node);
		shadow_epoch_free(s->epoch);
		list_del(&s->node);
		kfree(s);
	}
}

int shadow_attach_load(struct shadow_volume *vol, struct shadow_part *part, u32 flags,
		       struct list_head *found, struct shadow_fault *fault)
{
	struct reading *r = reading_alloc(vol, part, found, fault);
	void (*free)(void *arg, u64 loc, u64 len) = vol->epochs.free;
	struct shadow_saved saved;
	unsigned int noio;
	int err;

	if (!is_complete(r)) {
		reading_free(r);
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY,
				   part->bdev->bd_dev, -ENOMEM);
	}
	r->flags = flags;
	shadow_saved_init(&saved);
	noio = memalloc_noio_save();
	mutex_lock(&vol->epochs.mutate);
	vol->epochs.free = nothing;	/* what is in use is made out at the end */
	err = read_header(r) ?: fit_part(r);
	err = err ?: read_dump(r);
	err = err ?: read_log(r);
	err = err ?: check_revert(r);
	err = err ?: check_volume(r);
	if (!err)
		read_saved(r, &saved);	/* before anything of the store is given out */
	err = err ?: resume(r);
	if (err)
		forget(vol, found);
	else
		shadow_saved_adopt(vol, &saved);
	shadow_saved_drop(&saved);
	vol->epochs.free = free;
	mutex_unlock(&vol->epochs.mutate);
	memalloc_noio_restore(noio);
	reading_free(r);
	return err;
}

/* --- attaching -------------------------------------------------------------------------- */

/* Make the disks of what was found; those that are not to be stay in the list. */
static int surface(struct shadow_volume *vol, struct list_head *found,
		   struct shadow_store_attach *arg)
{
	struct shadow_restored *s, *next;
	int err;

	list_for_each_entry_safe(s, next, found, node) {
		if (!s->complete || !(s->flags & SHADOW_DISK_PERSISTENT))
			continue;
		err = shadow_restore(vol, s, &arg->fault);
		if (!err) {
			arg->shadows++;
			arg->lost += !!s->fault.error;
		}
		if (!s->epoch) {	/* it goes with the shadow */
			list_del(&s->node);
			kfree(s);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Delete what is not to be.  The gate is open: a deletion waits for an instant. */
static void drop_rest(struct shadow_volume *vol, struct list_head *found,
		      struct shadow_store_attach *arg)
{
	struct shadow_restored *s, *next;

	list_for_each_entry_safe(s, next, found, node) {
		mutex_lock(&vol->fold);
		shadow_volume_fold(vol, s->epoch);
		mutex_unlock(&vol->fold);
		synchronize_rcu();	/* readers of its map */
		shadow_epoch_free(s->epoch);
		list_del(&s->node);
		kfree(s);
		arg->dropped++;
	}
}

/* All that a store's log was told is on stable storage. */
static int finish_log(struct shadow_volume *vol)
{
	struct shadow_durable *d = vol->store->durable;
	u64 group;

	mutex_lock(&vol->epochs.mutate);
	group = shadow_durable_last(d);
	mutex_unlock(&vol->epochs.mutate);
	return shadow_durable_commit(d, group);
}

/*
 * The log hears of nothing any more, so there is nothing to preserve either: writes pass from
 * now on.  Context: the gate is closed, no write and so no claim is in flight.
 *
 * Return: false: it was told something meanwhile, which is not on stable storage yet, and with
 * @whole it was not stopped for that.
 */
static bool stop_log(struct shadow_volume *vol, bool whole)
{
	struct shadow_durable *d = vol->store->durable;
	struct shadow_settled *unused = NULL;
	bool stops;

	mutex_lock(&vol->epochs.mutate);
	stops = !whole || !shadow_durable_busy(d);
	if (stops) {
		shadow_durable_stop(d);
		unused = shadow_epochs_suspend(&vol->epochs);
	}
	mutex_unlock(&vol->epochs.mutate);
	if (unused)
		synchronize_rcu();
	shadow_settled_free(unused);
	return stops;
}

/* Stop it with all that it was told; or without, if that cannot be.  Return: 0 or -EIO. */
static int end_log(struct shadow_volume *vol)
{
	int err;

	do
		err = finish_log(vol);
	while (!stop_log(vol, !err));
	return err;
}

/* What the log says is so again: it has said what is lost. */
static int clear_failure(struct shadow_volume *vol)
{
	struct shadow_durable *d = vol->store->durable;

	if (!d->header->flags)
		return 0;
	d->header->seq = cpu_to_le64(le64_to_cpu(d->header->seq) + 1);
	d->header->flags = 0;
	return shadow_durable_write_header(d->part, d->header, NULL);
}

/* The log, which was stopped, ends here.  Context: the fold mutex: no header is written. */
static int note_end(struct shadow_volume *vol)
{
	struct shadow_durable *d = vol->store->durable;
	unsigned int written;
	int err;

	d->header->seq = cpu_to_le64(le64_to_cpu(d->header->seq) + 1);
	d->header->log_end = cpu_to_le64(shadow_durable_end(d));
	err = shadow_durable_write_header(d->part, d->header, &written);
	return written ? 0 : err;
}

/* Nothing that was written before is under way, and nothing begins. */
static int close_gate(struct shadow_volume *vol, struct shadow_fault *fault)
{
	static const bool never;
	int err;

	shadow_gate_close(vol);
	err = shadow_gate_drain(vol, &never);
	if (!err)
		return 0;
	shadow_gate_open(vol);
	return shadow_fail(fault, SHADOW_PHASE_ATTACH, SHADOW_REASON_INTERRUPTED, vol->dev, err);
}

/* It was detached for a shutdown that did not come about. */
static void resume_writes(struct shadow_volume *vol)
{
	mutex_lock(&vol->epochs.mutate);
	shadow_policy_resume_writes(vol);
	mutex_unlock(&vol->epochs.mutate);
}

int shadow_attach(struct shadow_store_attach *arg)
{
	dev_t dev = MKDEV(arg->dev.major, arg->dev.minor);
	/* Nobody else has the volume, so it is in nobody's way; nor until a revert is over. */
	struct file *file = shadow_revert_claim(dev, BLK_OPEN_READ, &arg->fault);
	struct shadow_store *store;
	struct shadow_volume *vol;
	LIST_HEAD(found);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	vol = shadow_registry_pin(dev, &arg->fault);
	err = PTR_ERR_OR_ZERO(vol);
	if (err)
		goto close;
	store = shadow_registry_open_store(vol, &arg->store, &arg->fault);
	err = PTR_ERR_OR_ZERO(store);
	if (err)
		goto unpin;
	/*
	 * No checkpoint until the shadows are there: who is in no list, is gone for it.  Before
	 * the gate, for which a deletion may wait.
	 */
	mutex_lock(&vol->fold);
	err = close_gate(vol, &arg->fault);
	if (err)
		goto unlock;
	err = shadow_registry_adopt_store(vol, store, arg->flags, &found, &arg->fault);
	if (err)
		goto open;
	/* The store has to know, before anything is written to the volume. */
	err = finish_log(vol) ?: clear_failure(vol);
	if (err)
		shadow_fail(&arg->fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ERROR, dev, err);
	else
		err = surface(vol, &found, arg);
	if (err)
		stop_log(vol, false);
	shadow_gate_open(vol);
	mutex_unlock(&vol->fold);
	if (err) {
		shadow_discard_restored(vol);
	} else {
		resume_writes(vol);
		shadow_revert_restore(vol);
		shadow_publish_volume(vol);
	}
	shadow_changes_settle(vol);
	drop_rest(vol, &found, arg);
	if (!err) {
		shadow_registry_each(shadow_registry_keep_bases, NULL);
		shadow_revert_attached(vol, file);
		file = NULL;
	}
	shadow_registry_unuse_store(vol);
	goto unpin;

open:
	shadow_gate_open(vol);
unlock:
	mutex_unlock(&vol->fold);
	shadow_store_destroy(store);	/* its file, too, is let go without locks */
unpin:
	shadow_registry_unpin(vol);
close:
	if (file)
		shadow_bdev_fput(file);
	return err;
}

/* --- detaching --------------------------------------------------------------------------- */

static int holder;	/* its address: whose a volume is meanwhile */

/*
 * What is known of changes is in the store now, and not here.  Nobody keeps a base in between,
 * which would be neither here nor there.  @mark: to go on with, if the volume stays tracked.
 *
 * Context: the gate is closed, the log was stopped; with @whole all of it is on stable storage.
 * Return: whether a header says so.
 */
static int end_changes(struct shadow_volume *vol, bool whole, struct shadow_mark *mark)
{
	unsigned int noio = memalloc_noio_save();
	int err = -EIO;

	mutex_lock(&vol->epochs.mutate);
	if (whole) {
		shadow_saved_write(vol);
		err = note_end(vol);
	}
	shadow_changes_forget(vol, SHADOW_TRACKING_BEGAN);
	mutex_unlock(&vol->epochs.mutate);
	memalloc_noio_restore(noio);
	if (READ_ONCE(vol->tracked))
		shadow_changes_begin(vol, mark);
	else
		shadow_mark_destroy(mark);
	return err;
}

/* The last that is done with a volume before the machine goes: nothing is written any more. */
static void seal_volume(struct shadow_volume *vol)
{
	mutex_lock(&vol->epochs.mutate);
	shadow_policy_end_writes(vol);
	mutex_unlock(&vol->epochs.mutate);
}

/* Context: the fold mutex: no header is written but ours. */
static int detach_store(struct shadow_volume *vol, struct shadow_store_attach *arg, bool *withdrawn)
{
	struct shadow_mark *mark = shadow_mark_create();
	unsigned int shadows;
	int err;

	if (!mark)
		return shadow_fail(&arg->fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY,
				   vol->dev, -ENOMEM);
	err = close_gate(vol, &arg->fault);
	if (err) {
		shadow_mark_destroy(mark);
		return err;
	}
	shadows = READ_ONCE(vol->nr_stakes);
	err = shadow_withdraw(vol, &arg->fault);
	*withdrawn = !err;
	if (err) {
		shadow_mark_destroy(mark);
	} else {
		arg->shadows = shadows;
		err = end_changes(vol, !end_log(vol), mark);
		if (err)
			err = shadow_fail(&arg->fault, SHADOW_PHASE_STORE,
					  SHADOW_REASON_STORE_ERROR, vol->dev, -EIO);
		if (arg->flags & SHADOW_DETACH_FINAL)
			seal_volume(vol);
	}
	shadow_gate_open(vol);
	return err;
}

int shadow_detach(struct shadow_store_attach *arg)
{
	dev_t dev = MKDEV(arg->dev.major, arg->dev.minor);
	bool final = arg->flags & SHADOW_DETACH_FINAL, withdrawn = false;
	struct file *file = NULL;
	struct shadow_volume *vol;
	int err;

	if (!final)
		file = shadow_registry_claim(dev, BLK_OPEN_READ, &holder, &arg->fault);
	if (IS_ERR(file))
		return PTR_ERR(file);
	vol = shadow_registry_borrow(dev, &arg->fault);
	err = PTR_ERR_OR_ZERO(vol);
	if (err)
		goto close;
	if (!vol->store->durable) {
		err = shadow_fail(&arg->fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_VOLATILE,
				  dev, -EMEDIUMTYPE);
		goto give_back;
	}
	mutex_lock(&vol->fold);		/* before the gate */
	err = detach_store(vol, arg, &withdrawn);
	mutex_unlock(&vol->fold);
	if (withdrawn && final)
		shadow_registry_hold_volume(vol);
	if (withdrawn) {
		shadow_destroy_withdrawn(vol);
		shadow_registry_release_stores();
	}
give_back:
	shadow_registry_return(vol);
close:
	if (file)
		shadow_bdev_fput(file);
	return err;
}
