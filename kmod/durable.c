// SPDX-License-Identifier: GPL-2.0-only
/*
 * durable.c - how a store comes to say on stable storage what it holds.
 *
 * What was preserved counts only when the store says so in its log, and says it on stable
 * storage: until then no write is let go that overwrites it.  So that this costs one flush
 * for many writes, entries are collected in groups.  One group takes entries while
 * another one is
 *
 *	DATA	closed: the batches with the blocks that it names are written,
 *	LOG	then its own blocks, with a flush before them and past the cache,
 *	APPLY	then it is on stable storage, and what it says comes to pass: blocks
 *		are recorded and settled, and writes go on.
 *
 * A group is closed as soon as the one before it is through, so one is as small as the
 * writers are few, and as large as they are many.
 *
 * The log lies in the store itself, in segments that are given blocks like everything else.
 * The last block of a segment says where the next one is; that is allotted when the segment
 * is begun.  A few blocks are kept for entries that make room, or that give up: a full
 * store can always say that a shadow is gone.
 *
 * The order of entries is the order of what they say.  What frees blocks of the store
 * (the deletion of a shadow, its loss) is committed first: nobody's data are overwritten
 * while the log still says that they are there.
 *
 * Where the store can be written no more it is dead: its shadows are lost in memory, and the
 * log cannot say so.  The header does, as soon as it can be written (checkpoint.c).
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include "durable.h"

#define LOG_PAGES	8		/* at least, for two groups */
#define URGENT_BLOCKS	8		/* of a store that is full, for urgent entries */
#define URGENT_PLACES	8		/* of a group */
#define SEGMENT_LEAST	16u
#define NOWAIT		(GFP_NOWAIT | __GFP_NOWARN)

static struct shadow_group *open_group(struct shadow_durable *d)
{
	return &d->groups[d->open];
}

static struct shadow_group *other_group(struct shadow_durable *d)
{
	return &d->groups[!d->open];
}

static struct shadow_disk_log *block_of(const struct shadow_group *g, unsigned int i)
{
	return page_address(g->page[i]);
}

/* --- making ------------------------------------------------------------------------ */

static u32 segment_blocks(const struct shadow_part *part)
{
	return clamp_t(u64, part->space.nr_blocks / 64, SEGMENT_LEAST, SHADOW_BATCH_BLOCKS);
}

struct shadow_segment *shadow_segment_allot(struct shadow_part *part)
{
	struct shadow_segment *s = kmalloc(sizeof(*s), SHADOW_GFP);
	u32 want = segment_blocks(part);
	unsigned int got;

	if (!s)
		return NULL;
	/* One that is in pieces has the least all the same, perhaps; see shadow_space_alloc(). */
	for (; want; want = want > SEGMENT_LEAST / 2 ? SEGMENT_LEAST / 2 : 0) {
		if (shadow_part_allot(part, want, &s->loc, &got))
			break;
		s->blocks = got;
		if (got >= SEGMENT_LEAST / 2)
			return s;
		shadow_part_free(part, s->loc, got);	/* most of it would say where the next is */
	}
	kfree(s);
	return NULL;
}

void shadow_segments_free(struct list_head *segments, struct shadow_part *part)
{
	struct shadow_segment *s, *next;

	list_for_each_entry_safe(s, next, segments, node) {
		if (part)
			shadow_part_free(part, s->loc, s->blocks);
		list_del(&s->node);
		kfree(s);
	}
}

/* Have the segment after the one that is being filled, if there is room for one. */
static void refill(struct shadow_durable *d)
{
	struct shadow_segment *s;
	unsigned int i;

	s = d->next_blocks ? NULL : shadow_segment_allot(d->part);
	if (s) {
		list_add_tail(&s->node, &d->segments);
		d->next_loc = s->loc;
		d->next_blocks = s->blocks;
		d->blocks += s->blocks;
	}
	for (i = 0; i < ARRAY_SIZE(d->spare); i++)
		if (!d->spare[i])
			d->spare[i] = mempool_alloc(&d->pages, NOWAIT);
}

static struct shadow_durable *durable_alloc(struct shadow_part *part)
{
	struct shadow_durable *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->header = (void *)get_zeroed_page(GFP_KERNEL);
	if (!d->header || mempool_init_page_pool(&d->pages, LOG_PAGES, 0)) {
		free_page((unsigned long)d->header);
		kfree(d);
		return NULL;
	}
	d->store = part->store;
	d->part = part;
	init_waitqueue_head(&d->wait);
	INIT_LIST_HEAD(&d->segments);
	INIT_LIST_HEAD(&d->dump);
	return d;
}

void shadow_durable_free(struct shadow_durable *d)
{
	unsigned int i, j;

	if (!d)
		return;
	while (atomic_read(&d->bios))	/* ends: they are bios of the store's device */
		usleep_range(500, 1000);
	spin_lock_irq(&d->store->list_lock);	/* the last completion has let go */
	spin_unlock_irq(&d->store->list_lock);
	for (i = 0; i < ARRAY_SIZE(d->groups); i++)
		for (j = 0; j < d->groups[i].nr; j++)
			mempool_free(d->groups[i].page[j], &d->pages);
	for (i = 0; i < ARRAY_SIZE(d->spare); i++)
		if (d->spare[i])
			mempool_free(d->spare[i], &d->pages);
	mempool_exit(&d->pages);
	shadow_segments_free(&d->segments, NULL);
	shadow_segments_free(&d->dump, NULL);
	free_page((unsigned long)d->header);
	kfree(d);
}

void shadow_durable_retire(struct shadow_durable *d)
{
	unsigned int i;

	for (i = 0; i < SHADOW_DISK_HEADERS; i++)
		blkdev_issue_zeroout(d->part->bdev,
				     d->part->ops->head(d->part, i * SHADOW_DISK_HEADER_STEP),
				     SHADOW_BLOCK_SECTORS, GFP_NOIO, 0);
}

/* From now on it takes entries. */
static void begin(struct shadow_durable *d, u64 group)
{
	d->open = 0;
	d->groups[0].number = group;
	d->committed = group - 1;
	refill(d);
	d->store->durable = d;
}

int shadow_durable_write_header(struct shadow_part *part, struct shadow_disk_header *h,
				unsigned int *written)
{
	struct page *page = virt_to_page(h);
	unsigned int i, n = 0;
	int err = 0, one;

	shadow_header_seal(h);
	for (i = 0; i < SHADOW_DISK_HEADERS; i++) {
		struct bio *bio = bio_alloc_bioset(part->bdev, 1, REQ_OP_WRITE | REQ_SYNC |
						   REQ_PREFLUSH | REQ_FUA, GFP_KERNEL,
						   part->bios);

		bio->bi_iter.bi_sector = part->ops->head(part, i * SHADOW_DISK_HEADER_STEP);
		__bio_add_page(bio, page, SHADOW_DISK_BLOCK, 0);
		one = submit_bio_wait(bio);
		bio_put(bio);
		err = err ?: one;
		n += !one;
	}
	if (written)
		*written = n;
	return err;
}

static void fill_header(const struct shadow_durable *d, struct shadow_disk_header *h, u64 sectors,
			const char *name)
{
	h->seq = cpu_to_le64(1);
	generate_random_uuid(h->store);
	generate_random_uuid(h->part);
	h->parts = cpu_to_le32(1);
	h->part_blocks = cpu_to_le64(d->part->space.nr_blocks);
	h->volume_sectors = cpu_to_le64(sectors);
	strscpy((char *)h->volume, name, sizeof(h->volume));
	h->created = cpu_to_le64(ktime_get_real_seconds());
	h->log_id = cpu_to_le64(d->id);
	h->log_loc = cpu_to_le64(d->loc);
	h->log_segment = cpu_to_le32(d->left);
	h->log_seq = cpu_to_le64(d->seq);
	h->log_group = cpu_to_le64(1);
}

int shadow_durable_make(struct shadow_part *part, u64 sectors, const char *name,
			struct shadow_fault *fault)
{
	struct shadow_durable *d = durable_alloc(part);
	u32 reason = SHADOW_REASON_NO_MEMORY;
	struct shadow_segment *s;
	int err = -ENOMEM;

	s = d ? shadow_segment_allot(part) : NULL;
	if (!s)
		goto fail;
	list_add_tail(&s->node, &d->segments);
	get_random_bytes(&d->id, sizeof(d->id));
	d->loc = s->loc;
	d->left = s->blocks;
	d->blocks = s->blocks;
	d->seq = 1;
	d->fresh = true;
	fill_header(d, d->header, sectors, name);
	reason = SHADOW_REASON_STORE_ERROR;
	err = shadow_durable_write_header(part, d->header, NULL);
	if (err)
		goto fail;
	begin(d, 1);
	return 0;

fail:
	shadow_durable_free(d);
	return shadow_fail(fault, SHADOW_PHASE_STORE, reason, part->bdev->bd_dev, err);
}

int shadow_durable_resume(struct shadow_part *part, const struct shadow_disk_header *header,
			  const struct shadow_log_place *at, struct list_head *segments,
			  struct list_head *dump, struct shadow_fault *fault)
{
	struct shadow_durable *d = durable_alloc(part);
	struct shadow_segment *s;
	unsigned int written;
	int err;

	if (!d)
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY,
				   part->bdev->bd_dev, -ENOMEM);
	memcpy(d->header, header, sizeof(*header));
	d->header->seq = cpu_to_le64(le64_to_cpu(header->seq) + 1);
	d->header->log_end = 0;
	err = shadow_durable_write_header(part, d->header, &written);
	if (err && written)	/* for that there are two */
		pr_warn("%pg: a header of the store cannot be written (%d)\n", part->bdev, err);
	if (!written) {
		shadow_durable_free(d);
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_ERROR,
				   part->bdev->bd_dev, err);
	}
	d->id = at->id;
	d->seq = at->seq;
	d->loc = at->loc;
	d->left = at->left;
	list_splice_tail_init(segments, &d->segments);
	list_splice_tail_init(dump, &d->dump);
	d->dumped = le32_to_cpu(header->dump_blocks);
	list_for_each_entry(s, &d->segments, node)
		d->blocks += s->blocks;
	begin(d, shadow_log_next_life(d->header, at->group));
	return 0;
}

/* --- entries ------------------------------------------------------------------------- */

static struct page *take_spare(struct shadow_durable *d)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(d->spare); i++) {
		struct page *page = d->spare[i];

		d->spare[i] = NULL;
		if (page)
			return page;
	}
	return NULL;
}

static void put_entry(struct shadow_durable *d, u64 what, u64 value)
{
	struct shadow_group *g = open_group(d);
	struct shadow_disk_entry *e = &block_of(g, g->nr - 1)->entry[d->entries++];

	e->what = cpu_to_le64(what);
	e->value = cpu_to_le64(value);
}

static u64 what_of(enum shadow_disk_type type, u64 rest)
{
	return (u64)type << 56 | rest;
}

static void close_block(struct shadow_durable *d)
{
	struct shadow_group *g = open_group(d);

	if (g->nr)
		block_of(g, g->nr - 1)->nr = cpu_to_le16(d->entries);
}

/* Where the next block goes. */
static struct shadow_log_place here(const struct shadow_durable *d)
{
	return (struct shadow_log_place){
		.id = d->id, .seq = d->seq, .group = d->groups[d->open].number,
		.loc = d->loc, .left = d->left,
	};
}

bool shadow_durable_take_mark(struct shadow_durable *d)
{
	struct shadow_group *g = open_group(d);

	lockdep_assert_held(d->store->mutate);
	if (!d->mark_wanted || d->state != SHADOW_COMMIT_IDLE)
		return false;
	d->mark = g->nr ? g->begin : here(d);
	d->mark_wanted = false;
	wake_up_all(&d->wait);
	return true;
}

/* One more block for the group that is open. */
static int open_block(struct shadow_durable *d, bool urgent)
{
	struct shadow_group *g = open_group(d);
	struct shadow_disk_log *b;
	struct page *page;
	bool fresh;

	if (g->nr == SHADOW_GROUP_BLOCKS - (urgent ? 0 : URGENT_PLACES))
		return -EAGAIN;
	refill(d);
	if (!d->next_blocks && d->left <= (urgent ? 1 : URGENT_BLOCKS))
		return -ENOSPC;
	page = mempool_alloc(&d->pages, NOWAIT);
	if (!page && urgent)
		page = take_spare(d);
	if (!page)
		return -ENOMEM;
	close_block(d);
	if (!g->nr)
		g->begin = here(d);
	b = page_address(page);
	memset(b, 0, SHADOW_DISK_BLOCK);
	b->id = cpu_to_le64(d->id);
	b->seq = cpu_to_le64(d->seq++);
	b->group = cpu_to_le64(g->number);
	g->page[g->nr] = page;
	g->loc[g->nr++] = d->loc;
	d->entries = 0;
	d->at = 0;
	fresh = d->fresh;
	d->fresh = false;
	if (--d->left) {
		d->loc++;
		/* Who looks for the end of the log looks there, too. */
		if (fresh && d->next_blocks)
			put_entry(d, what_of(SHADOW_DISK_NEXT, d->next_blocks), d->next_loc);
		return 0;
	}
	put_entry(d, what_of(SHADOW_DISK_NEXT, d->next_blocks), d->next_loc);
	d->loc = d->next_loc;
	d->left = d->next_blocks;
	d->next_blocks = 0;
	d->fresh = true;
	return 0;
}

int shadow_durable_room(struct shadow_durable *d, unsigned int n, bool urgent)
{
	lockdep_assert_held(d->store->mutate);
	if (d->dead)
		return -EIO;
	if (open_group(d)->nr && d->entries + n <= SHADOW_DISK_LOG_ENTRIES)
		return 0;
	return open_block(d, urgent);
}

u64 shadow_durable_add(struct shadow_durable *d, enum shadow_disk_type type, u64 what, u64 value)
{
	open_group(d)->told = true;
	put_entry(d, what_of(type, what), value);
	return open_group(d)->number;
}

static void set_epoch(struct shadow_durable *d, u64 epoch)
{
	if (d->at == epoch)
		return;
	put_entry(d, what_of(SHADOW_DISK_AT, 0), epoch);
	d->at = epoch;
}

u64 shadow_durable_extent(struct shadow_durable *d, u64 epoch, const struct shadow_extent *extent)
{
	set_epoch(d, epoch);
	return shadow_durable_add(d, SHADOW_DISK_EXTENT, (extent->len - 1) << 48 | extent->block,
				  shadow_loc_block(extent->loc));
}

u64 shadow_durable_free_run(struct shadow_durable *d, u64 epoch, u64 first, u64 n)
{
	set_epoch(d, epoch);
	return shadow_durable_add(d, SHADOW_DISK_FREE, first, n);
}

u64 shadow_durable_epoch(struct shadow_durable *d, u64 epoch,
			 const struct shadow_disk_epoch *shadow)
{
	const struct shadow_disk_entry *e = (const void *)shadow;
	unsigned int i;

	if (shadow_durable_room(d, 1 + SHADOW_DISK_EPOCH_ENTRIES, true)) {
		shadow_durable_kill(d);
		return open_group(d)->number;
	}
	shadow_durable_add(d, SHADOW_DISK_EPOCH, SHADOW_DISK_EPOCH_ENTRIES, epoch);
	for (i = 0; i < SHADOW_DISK_EPOCH_ENTRIES; i++)
		put_entry(d, le64_to_cpu(e[i].what), le64_to_cpu(e[i].value));
	return open_group(d)->number;
}

/* Take back what a group says of epochs up to @upto, and the blocks that it names. */
static void withdraw(struct shadow_durable *d, struct shadow_group *g, u64 upto)
{
	unsigned int i, j;

	for (i = 0; i < g->nr; i++) {
		struct shadow_disk_log *b = block_of(g, i);
		u64 at = 0;

		for (j = 0; j < SHADOW_DISK_LOG_ENTRIES; j++) {
			struct shadow_disk_entry *e = &b->entry[j];
			u64 what = le64_to_cpu(e->what);

			if (what >> 56 == SHADOW_DISK_AT)
				at = le64_to_cpu(e->value);
			if (what >> 56 == SHADOW_DISK_EPOCH)
				j += SHADOW_DISK_EPOCH_ENTRIES;
			if (what >> 56 != SHADOW_DISK_EXTENT || at > upto)
				continue;
			shadow_store_free(d->store,
					  shadow_loc(d->part, le64_to_cpu(e->value)),
					  ((what >> 48) & 0xff) + 1);
			e->what = cpu_to_le64(what_of(SHADOW_DISK_NOTHING, 0));
			e->value = 0;
		}
	}
}

static void withdraw_unsent(struct shadow_durable *d, u64 upto)
{
	lockdep_assert_held(d->store->mutate);
	withdraw(d, open_group(d), upto);
	if (d->state == SHADOW_COMMIT_DATA)
		withdraw(d, other_group(d), upto);
}

void shadow_durable_withdraw(struct shadow_durable *d)
{
	withdraw_unsent(d, U64_MAX);
}

u64 shadow_durable_lose(struct shadow_durable *d, u64 upto, u32 reason, u32 error)
{
	lockdep_assert_held(d->store->mutate);
	if (d->dead)
		return 0;
	withdraw_unsent(d, upto);
	if (shadow_durable_room(d, 1, true)) {
		shadow_durable_kill(d);
		return 0;
	}
	return shadow_durable_add(d, SHADOW_DISK_LOST, (u64)reason << 32 | error, upto);
}

void shadow_durable_stop(struct shadow_durable *d)
{
	lockdep_assert_held(d->store->mutate);
	WRITE_ONCE(d->dead, true);
	wake_up_all(&d->wait);
}

void shadow_durable_kill(struct shadow_durable *d)
{
	if (d->dead)
		return;
	d->failed = true;
	pr_err("%pg: this store cannot be written any more\n", d->part->bdev);
	shadow_durable_stop(d);
}

u64 shadow_durable_last(const struct shadow_durable *d)
{
	const struct shadow_group *g = &d->groups[d->open];

	return g->told ? g->number : g->number - 1;
}

u64 shadow_durable_end(const struct shadow_durable *d)
{
	return d->seq - d->groups[d->open].nr;
}

int shadow_durable_commit(struct shadow_durable *d, u64 group)
{
	d->store->kick(d->store->kick_arg);
	wait_event(d->wait, READ_ONCE(d->committed) >= group || READ_ONCE(d->dead));
	return READ_ONCE(d->committed) >= group ? 0 : -EIO;
}

/* --- commits --------------------------------------------------------------------------- */

bool shadow_durable_busy(const struct shadow_durable *d)
{
	return !d->dead && (d->state != SHADOW_COMMIT_IDLE || d->groups[d->open].told);
}

u64 shadow_durable_names(struct shadow_durable *d)
{
	struct shadow_group *g = open_group(d);

	g->batches++;
	return g->number;
}

void shadow_durable_stored(struct shadow_durable *d, u64 group)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(d->groups); i++)
		if (d->groups[i].number == group)
			d->groups[i].batches--;
}

void shadow_durable_push(struct shadow_durable *d)
{
	struct shadow_group *g = open_group(d), *next = other_group(d);
	unsigned int i;

	lockdep_assert_held(d->store->mutate);
	if (!d->dead && d->state == SHADOW_COMMIT_IDLE && g->told) {
		shadow_store_seal(d->store);
		close_block(d);
		block_of(g, g->nr - 1)->flags = cpu_to_le16(SHADOW_DISK_LAST);
		memset(next, 0, sizeof(*next));
		next->number = g->number + 1;
		d->open = !d->open;
		d->entries = 0;
		d->state = SHADOW_COMMIT_DATA;
	}
	g = other_group(d);
	if (!d->dead && d->state == SHADOW_COMMIT_DATA && !g->batches) {
		for (i = 0; i < g->nr; i++)
			shadow_log_seal(block_of(g, i));
		d->state = SHADOW_COMMIT_LOG;
	}
}

static void write_done(struct bio *bio)
{
	struct shadow_durable *d = bio->bi_private;
	struct shadow_store *store = d->store;
	unsigned long flags;

	if (bio->bi_status)
		WRITE_ONCE(d->status, bio->bi_status);
	bio_put(bio);
	spin_lock_irqsave(&store->list_lock, flags);
	store->kick(store->kick_arg);
	/* Last, as in shadow_store_written(). */
	atomic_dec(&d->bios);
	spin_unlock_irqrestore(&store->list_lock, flags);
}

bool shadow_durable_send(struct shadow_durable *d)
{
	struct shadow_group *g = other_group(d);

	if (d->state != SHADOW_COMMIT_LOG)
		return true;
	if (d->again && time_before(jiffies, d->again))
		return false;
	d->again = 0;
	while (g->sent < g->nr) {
		unsigned int n = 1, i;
		struct bio *bio;
		sector_t sector;
		u64 run;

		while (g->sent + n < g->nr && g->loc[g->sent + n] == g->loc[g->sent] + n)
			n++;
		run = n;
		sector = d->part->ops->locate(d->part, g->loc[g->sent], &run);
		n = run;	/* a segment is in one piece, unless its file was moved */
		bio = shadow_bio_alloc_nowait(d->part->bdev, n, REQ_OP_WRITE | REQ_SYNC |
					      REQ_PREFLUSH | REQ_FUA, d->part->bios);
		if (!bio)
			return false;
		bio->bi_iter.bi_sector = sector;
		bio->bi_private = d;
		bio->bi_end_io = write_done;
		for (i = 0; i < n; i++)
			__bio_add_page(bio, g->page[g->sent + i], SHADOW_BLOCK_SIZE, 0);
		g->sent += n;
		atomic_inc(&d->bios);
		submit_bio_noacct(bio);
	}
	return true;
}

int shadow_durable_collect(struct shadow_durable *d)
{
	struct shadow_group *g = other_group(d);
	blk_status_t status;

	lockdep_assert_held(d->store->mutate);
	if (d->state != SHADOW_COMMIT_LOG || g->sent < g->nr || atomic_read(&d->bios))
		return 0;
	smp_mb();	/* the count, then the status */
	status = d->status;
	d->status = BLK_STS_OK;
	if (status) {
		g->sent = 0;	/* to be written again, if it is */
		d->again = jiffies + HZ;
		return blk_status_to_errno(status);
	}
	atomic64_inc(&d->commits);
	d->state = SHADOW_COMMIT_APPLY;
	return 0;
}

/* All of the group under way has come to pass. */
static void retire(struct shadow_durable *d)
{
	struct shadow_group *g = other_group(d);
	unsigned int i;

	for (i = 0; i < g->nr; i++)
		mempool_free(g->page[i], &d->pages);
	g->nr = 0;
	d->state = SHADOW_COMMIT_IDLE;
	refill(d);
	WRITE_ONCE(d->committed, g->number);
	wake_up_all(&d->wait);
}

bool shadow_durable_next(struct shadow_durable *d, u64 *epoch, struct shadow_extent *extent)
{
	struct shadow_group *g = other_group(d);
	enum shadow_format verdict;
	struct shadow_item item;

	lockdep_assert_held(d->store->mutate);
	if (d->state != SHADOW_COMMIT_APPLY)
		return false;
	for (; g->block < g->nr; g->block++, g->entry = 0, g->epoch = 0) {
		unsigned int entry = g->entry;

		while (shadow_log_item(block_of(g, g->block), &entry, &g->epoch,
				       d->part->space.nr_blocks, &item, &verdict)) {
			if (item.type == SHADOW_DISK_EXTENT) {
				*epoch = item.epoch;
				*extent = item.extent;
				extent->loc = shadow_loc(d->part, item.extent.loc) + g->done;
				extent->block += g->done;
				extent->len -= g->done;
				return true;
			}
			g->entry = entry;
		}
	}
	retire(d);
	return false;
}

void shadow_durable_did(struct shadow_durable *d, u64 blocks)
{
	other_group(d)->done += blocks;
}

void shadow_durable_applied(struct shadow_durable *d)
{
	struct shadow_group *g = other_group(d);
	enum shadow_format verdict;
	struct shadow_item item;

	g->done = 0;
	shadow_log_item(block_of(g, g->block), &g->entry, &g->epoch, d->part->space.nr_blocks,
			&item, &verdict);
}
