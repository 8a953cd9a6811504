// SPDX-License-Identifier: GPL-2.0-only
/*
 * blockmap.c - one bit for each block of a volume, in memory only where some bits
 * are set and some are not.
 *
 * An XArray holds pages of bits; each covers SHADOW_MAP_BITS blocks (128 MiB of
 * volume with 4 KiB pages).  Pages appear when bits are about to be set and
 * stay until the map dies, so a reader never sees one go: one look-up and one
 * word test answer the common question, without a lock.
 *
 * Where all bits of a page are set at once, and for good, the XArray has a value in
 * the place of a page: 64 TiB of free space are 512 Ki slots, that is 5 MB, where
 * pages would be 2 GiB.  A value stays as well.
 *
 * There is one mutator at a time, so words are changed by stores, not atomically; what
 * readers need is only that they look at each word once, and the order "first the
 * record, then the bit".  Maps in which bits are noted are the exception: anybody sets bits
 * there, atomically, while the mutator adds pages, or moves those of another map in.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "block.h"
#include "blockmap.h"

#define FULL		xa_mk_value(1)	/* a page with all bits set */
#define SLOT_BYTES	9		/* of an XArray: its nodes have 576 for 64 */

void shadow_blockmap_init(struct shadow_blockmap *map)
{
	xa_init(&map->pages);
	map->nr_pages = 0;
	map->nr_full = 0;
}

void shadow_blockmap_destroy(struct shadow_blockmap *map)
{
	unsigned long index;
	void *page;

	xa_for_each(&map->pages, index, page)
		if (!xa_is_value(page))
			free_page((unsigned long)page);
	xa_destroy(&map->pages);
	map->nr_pages = 0;
	map->nr_full = 0;
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

/* Readers look at words, so what they see of one is all or nothing. */
static void set_bits(unsigned long *page, unsigned int from, unsigned int nr)
{
	unsigned int end = from + nr, next;

	for (; from < end; from = next) {
		unsigned long *word = &page[from / BITS_PER_LONG];

		next = min_t(unsigned int, end, from - from % BITS_PER_LONG + BITS_PER_LONG);
		WRITE_ONCE(*word, *word | GENMASK((next - 1) % BITS_PER_LONG,
						  from % BITS_PER_LONG));
	}
}

static void clear_bits(unsigned long *page, unsigned int from, unsigned int nr)
{
	bitmap_clear(page, from, nr);
}

/* As set_bits(), beside others that do the same. */
static void note_bits(unsigned long *page, unsigned int from, unsigned int nr)
{
	unsigned int end = from + nr, next;

	for (; from < end; from = next) {
		unsigned long *word = &page[from / BITS_PER_LONG];
		unsigned long mask;

		next = min_t(unsigned int, end, from - from % BITS_PER_LONG + BITS_PER_LONG);
		mask = GENMASK((next - 1) % BITS_PER_LONG, from % BITS_PER_LONG);
		if ((READ_ONCE(*word) & mask) != mask)	/* else the line stays shared */
			atomic_long_or(mask, (atomic_long_t *)word);
	}
}

/* Call @fn on the part of [first, first + n) in each page that exists; values stay. */
static void on_each_page(struct shadow_blockmap *map, u64 first, u64 n,
			 void (*fn)(unsigned long *page, unsigned int from, unsigned int nr))
{
	while (n) {
		unsigned int from = first % SHADOW_MAP_BITS;
		unsigned int nr = min_t(u64, n, SHADOW_MAP_BITS - from);
		unsigned long *page = xa_load(&map->pages, first / SHADOW_MAP_BITS);

		if (xa_is_value(page))
			WARN_ON_ONCE(fn == clear_bits);
		else if (page)
			fn(page, from, nr);
		first += nr;
		n -= nr;
	}
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

static int fill_page(struct shadow_blockmap *map, unsigned long index, gfp_t gfp)
{
	/* A release: what the caller stored before is seen with it. */
	int err = xa_err(xa_store(&map->pages, index, FULL, gfp));

	if (!err)
		map->nr_full++;
	return err;
}

int shadow_blockmap_fill(struct shadow_blockmap *map, u64 first, u64 n, gfp_t gfp)
{
	while (n) {
		u64 nr = min_t(u64, n, SHADOW_MAP_BITS - first % SHADOW_MAP_BITS);
		unsigned long index = first / SHADOW_MAP_BITS;
		int err;

		if (nr == SHADOW_MAP_BITS && !xa_load(&map->pages, index)) {
			err = fill_page(map, index, gfp);
		} else {
			err = shadow_blockmap_reserve(map, first, nr, gfp);
			if (!err)
				shadow_blockmap_set(map, first, nr);
		}
		if (err)
			return err;
		first += nr;
		n -= nr;
	}
	return 0;
}

/*
 * Length of the run of equal bits from @from on, before @end.  Others may be changing
 * bits: each word is looked at once, so that a bit which was clear to begin with cannot
 * be the set one at which its own run ends.
 */
static unsigned int run_in_page(const unsigned long *page, unsigned int from, unsigned int end,
				bool *set)
{
	unsigned int at = from - from % BITS_PER_LONG;
	unsigned long word = READ_ONCE(page[at / BITS_PER_LONG]), same;

	*set = word >> from % BITS_PER_LONG & 1;
	same = *set ? ~0UL : 0;
	word = (word ^ same) & ~0UL << from % BITS_PER_LONG;
	while (!word) {
		at += BITS_PER_LONG;
		if (at >= end)
			return end - from;
		word = READ_ONCE(page[at / BITS_PER_LONG]) ^ same;
	}
	return min_t(unsigned int, at + __ffs(word), end) - from;
}

u64 shadow_blockmap_mark(struct shadow_blockmap *map, u64 first, u64 n)
{
	u64 marked = 0;

	for (; n; n--, first++) {
		unsigned long *page = xa_load(&map->pages, first / SHADOW_MAP_BITS);

		if (page && !test_and_set_bit(first % SHADOW_MAP_BITS, page))
			marked++;
	}
	return marked;
}

u64 shadow_blockmap_unmark(struct shadow_blockmap *map, u64 first, u64 n)
{
	u64 unmarked = 0;

	while (n) {
		unsigned int from = first % SHADOW_MAP_BITS;
		unsigned int nr = min_t(u64, n, SHADOW_MAP_BITS - from);
		unsigned long *page = xa_load(&map->pages, first / SHADOW_MAP_BITS);
		unsigned int bit = from, end;
		bool set;

		while (page && bit < from + nr) {
			end = bit + run_in_page(page, bit, from + nr, &set);
			for (; bit < end; bit++)
				unmarked += set && test_and_clear_bit(bit, page);
		}
		first += nr;
		n -= nr;
	}
	return unmarked;
}

bool shadow_blockmap_note(struct shadow_blockmap *map, u64 first, u64 n)
{
	while (n) {
		unsigned int from = first % SHADOW_MAP_BITS;
		unsigned int nr = min_t(u64, n, SHADOW_MAP_BITS - from);
		unsigned long *page = xa_load(&map->pages, first / SHADOW_MAP_BITS);

		if (!page)
			return false;
		note_bits(page, from, nr);
		first += nr;
		n -= nr;
	}
	return true;
}

bool shadow_blockmap_gather(const struct shadow_blockmap *map, unsigned long index,
			    unsigned long *bits)
{
	const unsigned long *page = xa_load((struct xarray *)&map->pages, index);
	unsigned int i;

	if (xa_is_value(page))
		memset(bits, 0xff, PAGE_SIZE);
	else if (page)
		for (i = 0; i < SHADOW_MAP_BITS / BITS_PER_LONG; i++)
			bits[i] |= READ_ONCE(page[i]);
	return page;
}

int shadow_blockmap_move(struct shadow_blockmap *from, struct shadow_blockmap *to, gfp_t gfp)
{
	unsigned long index = 0;
	unsigned long *page = xa_find(&from->pages, &index, ULONG_MAX, XA_PRESENT);
	unsigned long *other;
	unsigned int i;
	int err;

	if (!page)
		return 0;
	other = xa_load(&to->pages, index);
	if (other) {
		for (i = 0; i < SHADOW_MAP_BITS / BITS_PER_LONG; i++)
			if (page[i])
				atomic_long_or(page[i], (atomic_long_t *)&other[i]);
		free_page((unsigned long)page);
	} else {
		err = xa_err(xa_store(&to->pages, index, page, gfp));
		if (err)
			return err;
		to->nr_pages++;
	}
	xa_erase(&from->pages, index);
	from->nr_pages--;
	return 1;
}

u64 shadow_blockmap_weight(const struct shadow_blockmap *map, u64 first, u64 n)
{
	u64 weight = 0;

	while (n) {
		unsigned int from = first % SHADOW_MAP_BITS;
		unsigned int nr = min_t(u64, n, SHADOW_MAP_BITS - from);
		const unsigned long *page = xa_load((struct xarray *)&map->pages,
						    first / SHADOW_MAP_BITS);
		unsigned int bit, run;
		bool set;

		for (bit = from; page && bit < from + nr; bit += run) {
			run = run_in_page(page, bit, from + nr, &set);
			weight += set ? run : 0;
		}
		first += nr;
		n -= nr;
	}
	return weight;
}

u64 shadow_blockmap_run(const struct shadow_blockmap *map, u64 first, u64 n, bool *set)
{
	u64 done = 0;

	while (done < n) {
		unsigned int from = (first + done) % SHADOW_MAP_BITS;
		unsigned int end = min_t(u64, from + n - done, SHADOW_MAP_BITS);
		const unsigned long *page = xa_load((struct xarray *)&map->pages,
						    (first + done) / SHADOW_MAP_BITS);
		unsigned int run = end - from;
		bool bit = xa_is_value(page);

		if (page && !bit)
			run = run_in_page(page, from, end, &bit);
		if (!done)
			*set = bit;
		else if (bit != *set)
			break;
		done += run;
		if (from + run < end)
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

bool shadow_blockmap_next(const struct shadow_blockmap *map, u64 *block)
{
	unsigned long index = *block / SHADOW_MAP_BITS;

	if (!xa_find((struct xarray *)&map->pages, &index, ULONG_MAX, XA_PRESENT))
		return false;
	*block = max_t(u64, *block, (u64)index * SHADOW_MAP_BITS);
	return true;
}

size_t shadow_blockmap_bytes(const struct shadow_blockmap *map)
{
	return map->nr_pages * PAGE_SIZE + map->nr_full * SLOT_BYTES;
}
