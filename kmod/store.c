// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - where preserved blocks go: space and batches.
 *
 * Blocks come one by one, in the order in which they were preserved, and go to
 * the store in batches of up to 1 MiB, whatever the pattern of the writes was.
 * A batch is
 *
 *	open	takes blocks; its place in the store is allotted already, so a
 *		block has its location as soon as it is handed over
 *	unsent	full, or flushed: to be written
 *	sent	being written
 *	done	written; waits to be reaped, which frees its pages
 *
 * and staged all this time: whoever reads a block of it gets it from memory.
 * Every change of state is made by the volume's worker (but for the end of a
 * write), up to "unsent" and from "done" on under the epochs' mutate mutex.  The
 * wait for "sent" batches ends because they are bios below us.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/slab.h>
#include "store.h"

#define BATCHES_MIN	4
#define BIOS_MIN	4

static const struct shadow_store_ops *ops_of(u32 type)
{
	switch (type) {
	case SHADOW_STORE_DEFAULT:
	case SHADOW_STORE_MEMORY:
		return &shadow_store_memory_ops;
	case SHADOW_STORE_DEVICE:
		return &shadow_store_device_ops;
	default:
		return NULL;
	}
}

struct shadow_store *shadow_store_create(const struct shadow_store_spec *spec, mempool_t *pages,
					 void (*kick)(void *arg), void *kick_arg,
					 struct shadow_fault *fault)
{
	dev_t dev = MKDEV(spec->dev.major, spec->dev.minor);
	struct shadow_store *store = kzalloc(sizeof(*store), GFP_KERNEL);
	int err = -ENOMEM;

	if (!store)
		goto no_memory;
	store->ops = ops_of(spec->type);
	store->spec = *spec;
	store->pages = pages;
	store->kick = kick;
	store->kick_arg = kick_arg;
	shadow_blockmap_init(&store->used);
	INIT_LIST_HEAD(&store->unsent);
	INIT_LIST_HEAD(&store->reaping);
	rwlock_init(&store->lock);
	store->staged = RB_ROOT;
	spin_lock_init(&store->done_lock);
	INIT_LIST_HEAD(&store->done);
	err = mempool_init_kmalloc_pool(&store->batches, BATCHES_MIN, sizeof(struct shadow_batch));
	if (err)
		goto free_store;
	err = bioset_init(&store->bios, BIOS_MIN, 0, BIOSET_NEED_BVECS);
	if (err)
		goto exit_batches;
	err = store->ops->open(store, fault);
	if (err)
		goto exit_bios;
	return store;

exit_bios:
	bioset_exit(&store->bios);
exit_batches:
	mempool_exit(&store->batches);
free_store:
	kfree(store);
no_memory:
	if (err == -ENOMEM)
		shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY, dev, err);
	return ERR_PTR(err);
}

static void retire(struct shadow_store *store, struct shadow_batch *batch)
{
	unsigned int i;

	write_lock(&store->lock);
	rb_erase(&batch->rb, &store->staged);
	write_unlock(&store->lock);
	for (i = 0; i < batch->nr; i++)
		if (batch->page[i])
			mempool_free(batch->page[i], store->pages);
	mempool_free(batch, &store->batches);
}

int shadow_store_prepare(struct shadow_store *store, struct shadow_fault *fault)
{
	return store->ops->prepare ? store->ops->prepare(store, fault) : 0;
}

unsigned int shadow_store_destroy(struct shadow_store *store)
{
	struct shadow_batch *batch, *next;
	unsigned int blocks = 0;

	while (atomic_read(&store->sent))	/* ends: they are bios of the store device */
		usleep_range(500, 1000);
	spin_lock_irq(&store->done_lock);	/* the last completion has let go */
	list_splice_init(&store->done, &store->unsent);
	spin_unlock_irq(&store->done_lock);
	list_splice_init(&store->reaping, &store->unsent);
	if (store->open)
		list_add(&store->open->node, &store->unsent);
	list_for_each_entry_safe(batch, next, &store->unsent, node) {
		blocks += batch->nr;
		retire(store, batch);
	}
	store->ops->close(store);
	shadow_blockmap_destroy(&store->used);
	bioset_exit(&store->bios);
	mempool_exit(&store->batches);
	kfree(store);
	return blocks;
}

/* Find up to @want free blocks in a row and take them. */
static int allot(struct shadow_store *store, u64 want, u64 *loc, unsigned int *got)
{
	u64 at = store->cursor, seen = 0;

	while (seen < store->nr_blocks) {
		u64 max = min(store->nr_blocks - at, store->nr_blocks - seen);
		bool used;
		u64 run;

		run = shadow_blockmap_run(&store->used, at, max, &used);
		if (!used) {
			run = min(run, want);
			if (shadow_blockmap_reserve(&store->used, at, run, SHADOW_GFP) &&
			    shadow_blockmap_reserve(&store->used, at, run, SHADOW_GFP_LAST))
				return -ENOMEM;
			shadow_blockmap_set(&store->used, at, run);
			store->used_blocks += run;
			*loc = at;
			*got = run;
			store->cursor = at + run == store->nr_blocks ? 0 : at + run;
			return 0;
		}
		seen += run;
		at = at + run == store->nr_blocks ? 0 : at + run;
	}
	return -ENOSPC;
}

static void give_back(struct shadow_store *store, u64 loc, u64 len)
{
	shadow_blockmap_clear(&store->used, loc, len);
	store->used_blocks -= len;
	if (store->ops->discard)
		store->ops->discard(store, loc, len);
}

/* Context: @store->lock or the mutate mutex held. */
static struct shadow_batch *staged_at(struct shadow_store *store, u64 loc)
{
	struct rb_node *node = store->staged.rb_node;

	while (node) {
		struct shadow_batch *batch = rb_entry(node, struct shadow_batch, rb);

		if (loc < batch->loc)
			node = node->rb_left;
		else if (loc >= batch->loc + batch->room)
			node = node->rb_right;
		else
			return batch;
	}
	return NULL;
}

static void stage(struct shadow_store *store, struct shadow_batch *batch)
{
	struct rb_node **link = &store->staged.rb_node, *parent = NULL;

	write_lock(&store->lock);
	while (*link) {
		parent = *link;
		if (batch->loc < rb_entry(parent, struct shadow_batch, rb)->loc)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&batch->rb, parent, link);
	rb_insert_color(&batch->rb, &store->staged);
	write_unlock(&store->lock);
}

static int open_batch(struct shadow_store *store)
{
	struct shadow_batch *batch = mempool_alloc(&store->batches, GFP_NOWAIT | __GFP_NOWARN);
	int err;

	if (!batch)
		return -ENOMEM;
	memset(batch, 0, offsetof(struct shadow_batch, page));
	batch->store = store;
	err = allot(store, SHADOW_BATCH_BLOCKS, &batch->loc, &batch->room);
	if (err) {
		mempool_free(batch, &store->batches);
		return err;
	}
	stage(store, batch);
	store->open = batch;
	return 0;
}

static void close_batch(struct shadow_store *store)
{
	struct shadow_batch *batch = store->open;
	u64 tail = batch->loc + batch->nr;
	unsigned int left = batch->room - batch->nr;

	store->open = NULL;
	if (left) {
		write_lock(&store->lock);
		batch->room = batch->nr;
		write_unlock(&store->lock);
		give_back(store, tail, left);
		store->cursor = tail;
	}
	list_add_tail(&batch->node, &store->unsent);
}

int shadow_store_append(struct shadow_store *store, struct page *page, u64 *loc)
{
	struct shadow_batch *batch;

	if (!store->open) {
		int err = open_batch(store);

		if (err)
			return err;
	}
	batch = store->open;
	write_lock(&store->lock);
	*loc = batch->loc + batch->nr;
	batch->page[batch->nr++] = page;
	write_unlock(&store->lock);
	if (batch->nr == batch->room)
		close_batch(store);
	return 0;
}

bool shadow_store_has_partial(const struct shadow_store *store)
{
	return store->open;
}

bool shadow_store_busy(const struct shadow_store *store)
{
	/* In this order: a batch is on @done before it stops to count as sent. */
	return !list_empty(&store->unsent) || atomic_read(&store->sent) ||
	       !list_empty_careful(&store->done);
}

void shadow_store_seal(struct shadow_store *store)
{
	if (store->open)
		close_batch(store);
}

bool shadow_store_send(struct shadow_store *store)
{
	struct shadow_batch *batch, *next;

	list_for_each_entry_safe(batch, next, &store->unsent, node) {
		u64 bytes = (u64)batch->nr << SHADOW_BLOCK_BITS;

		list_del(&batch->node);
		atomic_inc(&store->sent);
		if (store->ops->write(store, batch)) {
			atomic_dec(&store->sent);
			list_add(&batch->node, &store->unsent);
			return false;
		}
		atomic64_inc(&store->writes);	/* the batch may be gone already */
		atomic64_add(bytes, &store->write_bytes);
	}
	return true;
}

void shadow_store_written(struct shadow_batch *batch, blk_status_t status)
{
	struct shadow_store *store = batch->store;
	unsigned long flags;

	batch->status = status;
	spin_lock_irqsave(&store->done_lock, flags);
	list_add_tail(&batch->node, &store->done);
	store->kick(store->kick_arg);
	/* Last: from here on the store may be destroyed as soon as the lock is free. */
	atomic_dec(&store->sent);
	spin_unlock_irqrestore(&store->done_lock, flags);
}

int shadow_store_collect(struct shadow_store *store)
{
	struct shadow_batch *batch;

	spin_lock_irq(&store->done_lock);
	list_splice_tail_init(&store->done, &store->reaping);
	spin_unlock_irq(&store->done_lock);
	list_for_each_entry(batch, &store->reaping, node)
		if (batch->status && !bitmap_full(batch->freed, batch->nr))
			return blk_status_to_errno(batch->status);
	return 0;
}

unsigned int shadow_store_reap(struct shadow_store *store)
{
	struct shadow_batch *batch, *next;
	unsigned int pages = 0;

	list_for_each_entry_safe(batch, next, &store->reaping, node) {
		unsigned int i;

		for (i = find_first_bit(batch->freed, batch->nr); i < batch->nr;
		     i = find_next_bit(batch->freed, batch->nr, i + 1)) {
			give_back(store, batch->loc + i, 1);
			store->freeing--;
		}
		pages += batch->nr;
		list_del(&batch->node);
		retire(store, batch);
	}
	return pages;
}

void shadow_store_free(void *arg, u64 loc, u64 len)
{
	struct shadow_store *store = arg;

	while (len) {
		struct shadow_batch *batch = staged_at(store, loc);
		u64 n = 1;

		if (batch) {
			n = min(len, batch->loc + batch->room - loc);
			bitmap_set(batch->freed, loc - batch->loc, n);
			store->freeing += n;
		} else {
			while (n < len && !staged_at(store, loc + n))
				n++;
			give_back(store, loc, n);
		}
		loc += n;
		len -= n;
	}
}

struct page *shadow_store_page(struct shadow_store *store, u64 loc)
{
	struct shadow_batch *batch = staged_at(store, loc);

	if (batch && loc - batch->loc < batch->nr && batch->page[loc - batch->loc])
		return batch->page[loc - batch->loc];
	return store->ops->page ? store->ops->page(store, loc) : NULL;
}

unsigned int shadow_store_block_size(const struct shadow_store *store)
{
	struct block_device *bdev;
	sector_t sector;

	bdev = store->ops->locate((struct shadow_store *)store, 0, &sector);
	return bdev_logical_block_size(bdev);
}

bool shadow_store_lies_on(const struct shadow_store *store, struct gendisk *disk,
			  sector_t start, sector_t nr)
{
	struct block_device *bdev;
	sector_t first;

	if (!store->ops->locate)
		return false;
	bdev = store->ops->locate((struct shadow_store *)store, 0, &first);
	first = get_start_sect(bdev);
	return bdev->bd_disk == disk && first < start + nr &&
	       first + bdev_nr_sectors(bdev) > start;
}
