// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_memory.c - a store in the machine's memory.
 *
 * "Writing" a batch moves its pages into an XArray; the pool they came from
 * gets fresh ones in exchange if it is short of them.  Nothing is copied.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "store.h"

#define MEMORY_PATIENCE	HZ

struct memory_store {
	struct xarray pages;	/* by location; under store->lock */
};

static int memory_open(struct shadow_store *store, struct shadow_fault *fault)
{
	u64 bytes = store->spec.max_bytes;
	struct memory_store *ms;

	if (!bytes)
		bytes = (u64)totalram_pages() * PAGE_SIZE / 4;
	if (bytes < SHADOW_STORE_MIN || bytes / PAGE_SIZE > totalram_pages())
		return shadow_fail(fault, SHADOW_PHASE_STORE, SHADOW_REASON_STORE_SIZE, 0,
				   -EINVAL);
	ms = kzalloc(sizeof(*ms), GFP_KERNEL);
	if (!ms)
		return -ENOMEM;
	xa_init(&ms->pages);
	store->private = ms;
	store->nr_blocks = bytes >> SHADOW_BLOCK_BITS;
	store->spec.type = SHADOW_STORE_MEMORY;
	store->spec.max_bytes = store->nr_blocks << SHADOW_BLOCK_BITS;
	return 0;
}

static void memory_close(struct shadow_store *store)
{
	struct memory_store *ms = store->private;
	unsigned long loc;
	struct page *page;

	xa_for_each(&ms->pages, loc, page)
		__free_page(page);
	xa_destroy(&ms->pages);
	kfree(ms);
}

/* Move one page over, for a fresh one if the pool is short.  On failure it stays the batch's. */
static bool keep_page(struct shadow_store *store, struct shadow_batch *batch, unsigned int i)
{
	struct memory_store *ms = store->private;
	struct page *fresh = NULL;

	if (xa_reserve(&ms->pages, batch->loc + i, SHADOW_GFP) &&
	    xa_reserve(&ms->pages, batch->loc + i, SHADOW_GFP_LAST))
		return false;
	if (READ_ONCE(store->pages->curr_nr) < store->pages->min_nr) {
		fresh = alloc_page(SHADOW_GFP);
		if (!fresh)
			return false;
	}
	write_lock(&store->lock);
	xa_store(&ms->pages, batch->loc + i, batch->page[i], GFP_NOWAIT);
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
static int memory_write(struct shadow_store *store, struct shadow_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		if (!batch->page[i] || keep_page(store, batch, i))
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

static struct page *memory_page(struct shadow_store *store, u64 loc)
{
	struct memory_store *ms = store->private;

	return xa_load(&ms->pages, loc);
}

static void memory_discard(struct shadow_store *store, u64 loc, u64 len)
{
	struct memory_store *ms = store->private;

	for (; len; len--, loc++) {
		struct page *page;

		write_lock(&store->lock);
		page = xa_erase(&ms->pages, loc);
		write_unlock(&store->lock);
		if (page)
			__free_page(page);
	}
}

const struct shadow_store_ops shadow_store_memory_ops = {
	.open = memory_open,
	.close = memory_close,
	.write = memory_write,
	.page = memory_page,
	.discard = memory_discard,
};
