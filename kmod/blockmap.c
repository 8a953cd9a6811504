// SPDX-License-Identifier: GPL-2.0-only
/*
 * blockmap.c - one bit for each block of a volume, in memory only where a bit
 * was set.
 *
 * An XArray holds zeroed pages; each covers SHADOW_MAP_BITS blocks (128 MiB of
 * volume with 4 KiB pages).  Pages appear when bits are about to be set and
 * stay until the map dies, so a reader never sees one go: one look-up and one
 * word test answer the common question, without a lock.
 *
 * There is one mutator at a time, so words are changed by plain stores; what
 * readers need is only the order "first the record, then the bit".
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include "block.h"
#include "blockmap.h"

#define SHADOW_MAP_BITS		(PAGE_SIZE * 8)

void shadow_blockmap_init(struct shadow_blockmap *map)
{
	xa_init(&map->pages);
	map->nr_pages = 0;
}

void shadow_blockmap_destroy(struct shadow_blockmap *map)
{
	unsigned long index;
	void *page;

	xa_for_each(&map->pages, index, page)
		free_page((unsigned long)page);
	xa_destroy(&map->pages);
	map->nr_pages = 0;
}

int shadow_blockmap_reserve(struct shadow_blockmap *map, u64 first, u64 n, gfp_t gfp)
{
	unsigned long index = first / SHADOW_MAP_BITS;
	unsigned long last = (first + n - 1) / SHADOW_MAP_BITS;

	for (; index <= last; index++) {
		void *page;
		int err;

		if (xa_load(&map->pages, index))
			continue;
		page = (void *)get_zeroed_page(gfp);
		if (!page)
			return -ENOMEM;
		err = xa_err(xa_store(&map->pages, index, page, gfp));
		if (err) {
			free_page((unsigned long)page);
			return err;
		}
		map->nr_pages++;
	}
	return 0;
}

/* Call @fn on the part of [first, first + n) in each page that exists. */
static void on_each_page(struct shadow_blockmap *map, u64 first, u64 n,
			 void (*fn)(unsigned long *page, unsigned int from, unsigned int nr))
{
	while (n) {
		unsigned int from = first % SHADOW_MAP_BITS;
		unsigned int nr = min_t(u64, n, SHADOW_MAP_BITS - from);
		unsigned long *page = xa_load(&map->pages, first / SHADOW_MAP_BITS);

		if (page)
			fn(page, from, nr);
		first += nr;
		n -= nr;
	}
}

static void set_bits(unsigned long *page, unsigned int from, unsigned int nr)
{
	bitmap_set(page, from, nr);
}

static void clear_bits(unsigned long *page, unsigned int from, unsigned int nr)
{
	bitmap_clear(page, from, nr);
}

void shadow_blockmap_set(struct shadow_blockmap *map, u64 first, u64 n)
{
	smp_wmb();	/* pairs with smp_rmb() in shadow_blockmap_run() */
	on_each_page(map, first, n, set_bits);
}

void shadow_blockmap_clear(struct shadow_blockmap *map, u64 first, u64 n)
{
	on_each_page(map, first, n, clear_bits);
}

u64 shadow_blockmap_run(const struct shadow_blockmap *map, u64 first, u64 n, bool *set)
{
	u64 done = 0;

	while (done < n) {
		unsigned int from = (first + done) % SHADOW_MAP_BITS;
		unsigned int end = min_t(u64, from + n - done, SHADOW_MAP_BITS);
		const unsigned long *page = xa_load((struct xarray *)&map->pages,
						    (first + done) / SHADOW_MAP_BITS);
		bool bit = page && test_bit(from, page);
		unsigned int next;

		if (!done)
			*set = bit;
		else if (bit != *set)
			break;
		if (!page)
			next = end;
		else if (bit)
			next = find_next_zero_bit(page, end, from);
		else
			next = find_next_bit(page, end, from);
		done += next - from;
		if (next < end)
			break;
	}
	smp_rmb();	/* pairs with smp_wmb() in shadow_blockmap_set() */
	return done;
}

bool shadow_blockmap_test(const struct shadow_blockmap *map, u64 first, u64 n)
{
	bool set;

	return shadow_blockmap_run(map, first, n, &set) == n && set;
}

size_t shadow_blockmap_bytes(const struct shadow_blockmap *map)
{
	return map->nr_pages * PAGE_SIZE;
}
