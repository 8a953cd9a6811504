// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_memory.c - parts of stores in the machine's memory.
 *
 * "Writing" a batch moves its pages into an XArray; the pool they came from
 * gets fresh ones in exchange if it is short of them.  Nothing is copied.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "store.h"

#define MEMORY_PATIENCE	HZ

struct memory_part {
	struct xarray pages;	/* by block; under store->lock */
};

static int memory_open(struct shadow_part *part, struct shadow_fault *fault)
{
	u64 bytes = part->spec.max_bytes;
	struct memory_part *mp;

	if (!bytes)
		bytes = (u64)totalram_pages() * PAGE_SIZE / 4;
	if (bytes < SHADOW_STORE_MIN || bytes / PAGE_SIZE > totalram_pages())
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_SIZE, 0,
				   -EINVAL);
	mp = kzalloc(sizeof(*mp), GFP_KERNEL);
	if (!mp)
		return -ENOMEM;
	xa_init(&mp->pages);
	part->private = mp;
	part->nr_blocks = bytes >> SHADOW_BLOCK_BITS;
	part->max_blocks = part->nr_blocks;
	part->spec.type = SHADOW_STORE_MEMORY;
	return 0;
}

static bool memory_is(const struct shadow_part *part, const struct shadow_store_spec *spec)
{
	return true;
}

static u64 memory_room(const struct shadow_part *part)
{
	return (u64)totalram_pages() << (PAGE_SHIFT - SHADOW_BLOCK_BITS);
}

static void memory_close(struct shadow_part *part)
{
	struct memory_part *mp = part->private;
	unsigned long block;
	struct page *page;

	xa_for_each(&mp->pages, block, page)
		__free_page(page);
	xa_destroy(&mp->pages);
	kfree(mp);
}

/* Move one page over, for a fresh one if the pool is short.  On failure it stays the batch's. */
static bool keep_page(struct shadow_part *part, struct shadow_batch *batch, unsigned int i)
{
	u64 block = shadow_loc_block(batch->loc) + i;
	struct shadow_store *store = part->store;
	struct memory_part *mp = part->private;
	struct page *fresh = NULL;

	if (xa_reserve(&mp->pages, block, SHADOW_GFP) &&
	    xa_reserve(&mp->pages, block, SHADOW_GFP_LAST))
		return false;
	if (READ_ONCE(store->pages->curr_nr) < store->pages->min_nr) {
		fresh = alloc_page(SHADOW_GFP);
		if (!fresh)
			return false;
	}
	write_lock(&store->lock);
	xa_store(&mp->pages, block, batch->page[i], GFP_NOWAIT);
	batch->page[i] = NULL;
	write_unlock(&store->lock);
	if (fresh)
		mempool_free(fresh, store->pages);
	return true;
}

/*
 * Memory may be short for a moment only, so that is tried again for a while; not
 * for long, since what would make it free may be writes that wait for us.
 */
static int memory_write(struct shadow_part *part, struct shadow_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		if (!batch->page[i] || keep_page(part, batch, i))
			continue;
		if (!batch->since)
			batch->since = jiffies ?: 1;
		if (time_before(jiffies, batch->since + MEMORY_PATIENCE))
			return -EAGAIN;
		shadow_store_written(batch, BLK_STS_RESOURCE);
		return 0;
	}
	shadow_store_written(batch, BLK_STS_OK);
	return 0;
}

static struct page *memory_page(struct shadow_part *part, u64 block)
{
	struct memory_part *mp = part->private;

	return xa_load(&mp->pages, block);
}

static void memory_discard(struct shadow_part *part, u64 block, u64 n)
{
	struct memory_part *mp = part->private;

	for (; n; n--, block++) {
		struct page *page;

		write_lock(&part->store->lock);
		page = xa_erase(&mp->pages, block);
		write_unlock(&part->store->lock);
		if (page)
			__free_page(page);
	}
}

const struct shadow_part_ops shadow_part_memory_ops = {
	.open = memory_open,
	.close = memory_close,
	.is = memory_is,
	.write = memory_write,
	.page = memory_page,
	.room = memory_room,
	.discard = memory_discard,
};
