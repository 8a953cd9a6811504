// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - where preserved blocks go: parts, space and batches.
 *
 * A store is made of parts: memory, devices, files.  A location names the part and the block
 * in it.  Blocks go to one part until it is full, then to the next one that has room.
 *
 * Blocks come one by one, in the order in which they were preserved, and go to
 * the store in batches of up to 1 MiB, whatever the pattern of the writes was.
 * A batch lies in one piece on its part's device, and is
 *
 *	open	takes blocks; its place in the store is allotted already, so a
 *		block has its location as soon as it is handed over
 *	unsent	full, or flushed: to be written
 *	sent	being written
 *	done	written; waits to be reaped, which frees its pages
 *
 * and staged all this time: whoever reads a block of it gets it from memory.
 * Growth: a part may have fewer blocks than it is to have, and obtains more before it is full;
 * grow.c sees to that.
 *
 * Batches are sent and reaped by the volume's worker, and filled and reaped under the
 * epochs' mutate mutex.  The wait for "sent" batches ends because they are bios below
 * us.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include "durable.h"
#include "store.h"

#define BATCHES_MIN	4
#define SPARE_MAX	(1ULL << 18)	/* blocks, 1 GiB */
#define GROW_PATIENCE	(30 * HZ)

/* --- parts ------------------------------------------------------------------------- */

static const struct shadow_part_ops *ops_of(u32 type)
{
	switch (type) {
	case SHADOW_STORE_DEFAULT:
	case SHADOW_STORE_MEMORY:
		return &shadow_part_memory_ops;
	case SHADOW_STORE_DEVICE:
		return &shadow_part_device_ops;
	case SHADOW_STORE_FILE:
		return &shadow_part_file_ops;
	default:
		return NULL;
	}
}

struct shadow_part *shadow_part_open(struct shadow_store *store,
				     const struct shadow_store_spec *spec,
				     struct shadow_fault *fault)
{
	struct shadow_part *part = kzalloc(sizeof(*part), GFP_KERNEL);
	u16 *groups;
	u64 blocks;
	int err;

	if (!part)
		goto no_memory;
	part->store = store;
	part->ops = ops_of(spec->type);
	part->spec = *spec;
	part->bios = store->bios;
	shadow_space_init(&part->space);
	err = part->ops->open(part, fault);
	if (err) {
		kfree(part);
		if (err == -ENOMEM)
			goto no_memory;
		return ERR_PTR(err);
	}
	part->spec.max_bytes = part->max_blocks << SHADOW_BLOCK_BITS;
	blocks = min(part->nr_blocks, part->max_blocks);
	groups = shadow_space_groups(blocks);
	if (!groups) {
		shadow_part_close(part);
		goto no_memory;
	}
	shadow_space_resize(&part->space, blocks, groups);
	return part;

no_memory:
	return ERR_PTR(shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_NO_MEMORY,
				   MKDEV(spec->dev.major, spec->dev.minor), -ENOMEM));
}

int shadow_part_prepare(struct shadow_part *part, struct shadow_fault *fault)
{
	return part->ops->prepare ? part->ops->prepare(part, fault) : 0;
}

void shadow_part_close(struct shadow_part *part)
{
	part->ops->close(part);
	shadow_space_destroy(&part->space);
	kfree(part);
}

bool shadow_part_lies_on(const struct shadow_part *part, struct gendisk *disk, sector_t start,
			 sector_t nr)
{
	sector_t first;

	if (!part->bdev || part->bdev->bd_disk != disk)
		return false;
	first = get_start_sect(part->bdev);
	return first < start + nr && first + bdev_nr_sectors(part->bdev) > start;
}

int shadow_store_attach(struct shadow_part *part)
{
	struct shadow_store *store = part->store;
	unsigned int id;

	for (id = 0; id < SHADOW_PARTS_MAX && store->part[id]; id++)
		;
	if (id == SHADOW_PARTS_MAX)
		return -ENOSPC;
	part->id = id;
	store->part[id] = part;
	list_add_tail(&part->node, &store->parts);
	return 0;
}

/* Blocks that the open batch has and has not filled: it takes them, or gives them back. */
static u64 unfilled(const struct shadow_store *store)
{
	return store->open ? store->open->room - store->open->nr : 0;
}

u64 shadow_store_used(const struct shadow_store *store)
{
	const struct shadow_part *part;
	u64 n = 0;

	list_for_each_entry(part, &store->parts, node)
		n += shadow_space_used(&part->space);
	return n - store->leaving - unfilled(store);
}

u64 shadow_store_capacity(const struct shadow_store *store)
{
	const struct shadow_part *part;
	u64 n = 0;

	list_for_each_entry(part, &store->parts, node)
		n += part->grow_fault ? part->space.limit : part->max_blocks;
	return n;
}

u64 shadow_store_size(const struct shadow_store *store)
{
	const struct shadow_part *part;
	u64 n = 0;

	list_for_each_entry(part, &store->parts, node)
		n += part->space.limit;
	return n;
}

u64 shadow_store_room(const struct shadow_store *store)
{
	const struct shadow_part *part;
	u64 n = 0;

	list_for_each_entry(part, &store->parts, node)
		n += shadow_space_room(&part->space);
	return n + unfilled(store);
}

size_t shadow_store_bytes(const struct shadow_store *store)
{
	const struct shadow_part *part;
	size_t n = 0;

	list_for_each_entry(part, &store->parts, node)
		n += shadow_space_bytes(&part->space);
	return n;
}

struct block_device *shadow_store_locate(const struct shadow_store *store, u64 loc, u64 *run,
					 sector_t *sector)
{
	struct shadow_part *part = shadow_loc_part(store, loc);

	if (!part->ops->locate)
		return NULL;
	*sector = part->ops->locate(part, shadow_loc_block(loc), run);
	return part->bdev;
}

/* --- growth ------------------------------------------------------------------------ */

static bool may_try(const struct shadow_part *part)
{
	return !part->grow_again || time_after_eq(jiffies, part->grow_again);
}

static bool may_obtain(const struct shadow_part *part)
{
	return part->ops->grow && part->nr_blocks + SHADOW_GROW_LEAST <= part->max_blocks;
}

/* Has it a step to take, be it now or later? */
static bool is_to_grow(const struct shadow_part *part)
{
	return shadow_part_unready(part) || may_obtain(part);
}

struct shadow_part *shadow_store_growable(const struct shadow_store *store)
{
	struct shadow_part *part;

	list_for_each_entry(part, &store->parts, node)
		if (shadow_part_unready(part) && may_try(part))
			return part;
	list_for_each_entry(part, &store->parts, node)
		if (may_obtain(part) && may_try(part))
			return part;
	return NULL;
}

bool shadow_store_can_grow(const struct shadow_store *store)
{
	const struct shadow_part *part;

	list_for_each_entry(part, &store->parts, node)
		if (is_to_grow(part) && (part->grow_frozen || may_try(part)))
			return true;
	return false;
}

bool shadow_store_grow_is_frozen(const struct shadow_store *store)
{
	const struct shadow_part *part;
	bool frozen = false;

	list_for_each_entry(part, &store->parts, node) {
		if (!is_to_grow(part))
			continue;
		/* Who asks, asks often: one that was not tried for a while may be thawed. */
		if (part->grow_frozen && time_before(jiffies, part->grow_again + HZ))
			frozen = true;
		else if (part == store->growing || may_try(part))
			return false;
	}
	return frozen;
}

bool shadow_store_grows_slowly(const struct shadow_store *store)
{
	return store->grow_since && time_after(jiffies, store->grow_since + GROW_PATIENCE);
}

bool shadow_store_grows(const struct shadow_store *store)
{
	if (!store->grow_since || shadow_store_grows_slowly(store))
		return false;
	return !store->grow_needs || shadow_store_room(store);
}

u32 shadow_store_grow_fault(const struct shadow_store *store)
{
	const struct shadow_part *part;

	list_for_each_entry_reverse(part, &store->parts, node)
		if (part->grow_fault)
			return part->grow_fault;
	return SHADOW_REASON_NONE;
}

/* --- life -------------------------------------------------------------------------- */

struct shadow_store *shadow_store_create(struct mutex *mutate, mempool_t *pages,
					 struct bio_set *bios, void (*kick)(void *arg),
					 void *kick_arg)
{
	struct shadow_store *store = kzalloc(sizeof(*store), GFP_KERNEL);

	if (!store)
		return NULL;
	store->mutate = mutate;
	store->pages = pages;
	store->bios = bios;
	store->kick = kick;
	store->kick_arg = kick_arg;
	INIT_LIST_HEAD(&store->parts);
	INIT_LIST_HEAD(&store->reaping);
	rwlock_init(&store->lock);
	store->staged = RB_ROOT;
	spin_lock_init(&store->list_lock);
	INIT_LIST_HEAD(&store->unsent);
	INIT_LIST_HEAD(&store->done);
	if (mempool_init_kmalloc_pool(&store->batches, BATCHES_MIN, sizeof(struct shadow_batch))) {
		kfree(store);
		return NULL;
	}
	return store;
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

/* The memory of @batch counts as free from now on. */
static void count(struct shadow_stored *stored, const struct shadow_batch *batch)
{
	unsigned int i;

	for (i = 0; i < SHADOW_NR_ACCOUNTS; i++)
		stored->blocks[i] += batch->nr_for.blocks[i];
}

struct shadow_stored shadow_store_destroy(struct shadow_store *store)
{
	struct shadow_stored stored = { 0 };
	struct shadow_part *part, *next_part;
	struct shadow_batch *batch, *next;
	LIST_HEAD(left);

	while (atomic_read(&store->sent))	/* ends: they are bios of the store's devices */
		usleep_range(500, 1000);
	spin_lock_irq(&store->list_lock);	/* the last completion has let go */
	list_splice_init(&store->unsent, &left);
	list_splice_init(&store->done, &left);
	spin_unlock_irq(&store->list_lock);
	list_splice_init(&store->reaping, &left);
	if (store->open)
		list_add(&store->open->node, &left);
	list_for_each_entry_safe(batch, next, &left, node) {
		count(&stored, batch);
		retire(store, batch);
	}
	shadow_durable_free(store->durable);
	list_for_each_entry_safe(part, next_part, &store->parts, node)
		shadow_part_close(part);
	mempool_exit(&store->batches);
	kfree(store);
	return stored;
}

/* --- space ------------------------------------------------------------------------- */

int shadow_part_allot(struct shadow_part *part, u64 want, u64 *block, unsigned int *got)
{
	int err = shadow_space_alloc(&part->space, want, block, got, SHADOW_GFP);
	u64 run;

	if (err == -ENOMEM)
		err = shadow_space_alloc(&part->space, want, block, got, SHADOW_GFP_LAST);
	if (err || !part->ops->locate)
		return err;
	run = *got;
	part->ops->locate(part, *block, &run);
	if (run < *got) {
		shadow_space_free(&part->space, *block + run, *got - run);
		shadow_space_continue(&part->space, *block + run);
		*got = run;
	}
	return 0;
}

/* A place for @batch: in the part that is being filled, or the first one that has room. */
static int allot(struct shadow_store *store, struct shadow_batch *batch)
{
	struct shadow_part *part = store->filling;
	int err = -ENOSPC;
	u64 block;

	if (part)
		err = shadow_part_allot(part, SHADOW_BATCH_BLOCKS, &block, &batch->room);
	if (err == -ENOSPC) {
		list_for_each_entry(part, &store->parts, node) {
			err = shadow_part_allot(part, SHADOW_BATCH_BLOCKS, &block, &batch->room);
			if (err != -ENOSPC)
				break;
		}
	}
	if (err)
		return err;
	store->filling = part;
	batch->part = part;
	batch->loc = shadow_loc(part, block);
	return 0;
}

void shadow_part_free(struct shadow_part *part, u64 block, u64 n)
{
	shadow_space_free(&part->space, block, n);
	if (part->ops->discard)
		part->ops->discard(part, block, n);
}

static void give_back(struct shadow_store *store, u64 loc, u64 len)
{
	shadow_part_free(shadow_loc_part(store, loc), shadow_loc_block(loc), len);
}

/* The first staged batch that ends after @loc.  Context: @store->lock or the mutate mutex held. */
static struct shadow_batch *staged_from(struct shadow_store *store, u64 loc)
{
	struct rb_node *node = store->staged.rb_node;
	struct shadow_batch *best = NULL;

	while (node) {
		struct shadow_batch *batch = rb_entry(node, struct shadow_batch, rb);

		if (loc < batch->loc + batch->room) {
			best = batch;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

static struct shadow_batch *staged_at(struct shadow_store *store, u64 loc)
{
	struct shadow_batch *batch = staged_from(store, loc);

	return batch && batch->loc <= loc ? batch : NULL;
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

/* --- batches ----------------------------------------------------------------------- */

static int open_batch(struct shadow_store *store)
{
	struct shadow_batch *batch = mempool_alloc(&store->batches, GFP_NOWAIT | __GFP_NOWARN);
	int err;

	if (!batch)
		return -ENOMEM;
	memset(batch, 0, offsetof(struct shadow_batch, page));
	err = allot(store, batch);
	if (err) {
		mempool_free(batch, &store->batches);
		return err;
	}
	if (store->durable)
		batch->group = shadow_durable_names(store->durable);
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
		shadow_space_continue(&batch->part->space, shadow_loc_block(tail));
	}
	spin_lock_irq(&store->list_lock);
	list_add_tail(&batch->node, &store->unsent);
	spin_unlock_irq(&store->list_lock);
}

int shadow_store_append(struct shadow_store *store, struct page **page, unsigned int *n,
			enum shadow_account account, u64 *loc)
{
	struct shadow_batch *batch;

	if (!store->open) {
		int err = open_batch(store);

		if (err)
			return err;
	}
	batch = store->open;
	*n = min(*n, batch->room - batch->nr);
	write_lock(&store->lock);
	*loc = batch->loc + batch->nr;
	memcpy(&batch->page[batch->nr], page, *n * sizeof(*page));
	batch->nr += *n;
	batch->nr_for.blocks[account] += *n;
	write_unlock(&store->lock);
	store->appended += *n;
	if (batch->nr == batch->room)
		close_batch(store);
	return 0;
}

void shadow_store_cut(struct shadow_part *part, u64 max_blocks)
{
	struct shadow_store *store = part->store;

	store->cut = part;
	store->uncut_blocks = part->max_blocks;
	part->max_blocks = max_blocks;
	shadow_space_limit(&part->space, max_blocks);
	if (store->open && store->open->part == part)
		close_batch(store);
	if (store->filling == part)
		store->filling = NULL;
}

bool shadow_store_uncut(struct shadow_store *store)
{
	struct shadow_part *part = store->cut;

	if (!part)
		return false;
	store->cut = NULL;
	part->max_blocks = store->uncut_blocks;
	shadow_space_limit(&part->space, part->space.nr_blocks);
	return true;
}

u16 *shadow_store_cut_off(struct shadow_part *part, u16 *groups)
{
	part->store->cut = NULL;
	return shadow_space_resize(&part->space, part->max_blocks, groups);
}

void shadow_store_detach(struct shadow_part *part)
{
	struct shadow_store *store = part->store;

	store->cut = NULL;
	list_del(&part->node);
	store->part[part->id] = NULL;
}

bool shadow_store_has_spare(const struct shadow_store *store)
{
	/* Twice what shadows begin to go for (policy.c): none goes for what an image has stored. */
	return shadow_store_room(store) > min(shadow_store_size(store) / 8, SPARE_MAX);
}

bool shadow_store_has_partial(const struct shadow_store *store)
{
	return store->open;
}

bool shadow_store_busy(struct shadow_store *store)
{
	bool busy;

	spin_lock_irq(&store->list_lock);	/* a batch may go from one to the other */
	busy = !list_empty(&store->unsent) || atomic_read(&store->sent) ||
	       !list_empty(&store->done);
	spin_unlock_irq(&store->list_lock);
	return busy;
}

void shadow_store_seal(struct shadow_store *store)
{
	if (store->open)
		close_batch(store);
}

void shadow_store_written(struct shadow_batch *batch, blk_status_t status)
{
	struct shadow_store *store = batch->part->store;
	unsigned long flags;

	batch->status = status;
	spin_lock_irqsave(&store->list_lock, flags);
	list_add_tail(&batch->node, &store->done);
	store->kick(store->kick_arg);
	/* Last: from here on the store may be destroyed as soon as the lock is free. */
	atomic_dec(&store->sent);
	spin_unlock_irqrestore(&store->list_lock, flags);
}

static void write_done(struct bio *bio)
{
	struct shadow_batch *batch = bio->bi_private;
	blk_status_t status = bio->bi_status;

	bio_put(bio);
	shadow_store_written(batch, status);
}

/* One bio: a batch is in one piece on the device. */
static int write_batch(struct shadow_part *part, struct shadow_batch *batch)
{
	struct bio *bio = shadow_bio_alloc_nowait(part->bdev, batch->nr, REQ_OP_WRITE,
						  part->bios);
	u64 run = batch->nr;
	unsigned int i;

	if (!bio)
		return -EAGAIN;
	bio->bi_iter.bi_sector = part->ops->locate(part, shadow_loc_block(batch->loc), &run);
	bio->bi_private = batch;
	bio->bi_end_io = write_done;
	for (i = 0; i < batch->nr; i++)
		__bio_add_page(bio, batch->page[i], SHADOW_BLOCK_SIZE, 0);
	submit_bio_noacct(bio);
	return 0;
}

static struct shadow_batch *next_unsent(struct shadow_store *store)
{
	struct shadow_batch *batch;

	spin_lock_irq(&store->list_lock);
	batch = list_first_entry_or_null(&store->unsent, struct shadow_batch, node);
	if (batch) {
		atomic_inc(&store->sent);
		list_del(&batch->node);
	}
	spin_unlock_irq(&store->list_lock);
	return batch;
}

bool shadow_store_send(struct shadow_store *store)
{
	struct shadow_batch *batch;

	while ((batch = next_unsent(store))) {
		struct shadow_part *part = batch->part;
		u64 bytes = (u64)batch->nr << SHADOW_BLOCK_BITS;

		if (part->ops->write ? part->ops->write(part, batch) : write_batch(part, batch)) {
			spin_lock_irq(&store->list_lock);
			list_add(&batch->node, &store->unsent);
			atomic_dec(&store->sent);
			spin_unlock_irq(&store->list_lock);
			return false;
		}
		atomic64_inc(&store->writes);	/* the batch may be gone already */
		atomic64_add(bytes, &store->write_bytes);
	}
	return true;
}

int shadow_store_collect(struct shadow_store *store)
{
	struct shadow_batch *batch;

	spin_lock_irq(&store->list_lock);
	list_splice_tail_init(&store->done, &store->reaping);
	spin_unlock_irq(&store->list_lock);
	list_for_each_entry(batch, &store->reaping, node)
		if (batch->status && !bitmap_full(batch->freed, batch->nr))
			return blk_status_to_errno(batch->status);
	return 0;
}

void shadow_store_keep(struct shadow_store *store)
{
	struct shadow_batch *batch, *next;

	spin_lock_irq(&store->list_lock);
	list_for_each_entry_safe(batch, next, &store->reaping, node) {
		if (!batch->status || bitmap_full(batch->freed, batch->nr))
			continue;
		batch->status = BLK_STS_OK;
		batch->since = 0;
		list_move(&batch->node, &store->unsent);
	}
	spin_unlock_irq(&store->list_lock);
}

struct shadow_stored shadow_store_reap(struct shadow_store *store)
{
	struct shadow_stored stored = { 0 };
	struct shadow_batch *batch, *next;

	list_for_each_entry_safe(batch, next, &store->reaping, node) {
		unsigned int i;

		for (i = find_first_bit(batch->freed, batch->nr); i < batch->nr;
		     i = find_next_bit(batch->freed, batch->nr, i + 1)) {
			give_back(store, batch->loc + i, 1);
			store->freeing--;
		}
		if (store->durable)
			shadow_durable_stored(store->durable, batch->group);
		count(&stored, batch);
		list_del(&batch->node);
		retire(store, batch);
	}
	return stored;
}

void shadow_store_free(void *arg, u64 loc, u64 len)
{
	struct shadow_store *store = arg;

	while (len) {
		struct shadow_batch *batch = staged_from(store, loc);
		u64 n = len;

		if (batch && batch->loc <= loc) {
			n = min(len, batch->loc + batch->room - loc);
			bitmap_set(batch->freed, loc - batch->loc, n);
			store->freeing += n;
		} else {
			if (batch)
				n = min(len, batch->loc - loc);
			give_back(store, loc, n);
		}
		loc += n;
		len -= n;
	}
}

struct page *shadow_store_page(struct shadow_store *store, u64 loc)
{
	struct shadow_batch *batch = staged_at(store, loc);
	struct shadow_part *part;

	if (batch && loc - batch->loc < batch->nr && batch->page[loc - batch->loc])
		return batch->page[loc - batch->loc];
	part = shadow_loc_part(store, loc);
	return part->ops->page ? part->ops->page(part, shadow_loc_block(loc)) : NULL;
}
