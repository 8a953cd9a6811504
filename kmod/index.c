// SPDX-License-Identifier: GPL-2.0-only
/*
 * index.c - the records of one epoch: which blocks were preserved in it, and
 * where in the store they are.
 *
 * The volume is cut into regions of 256 blocks.  A region with records has a
 * leaf: an array of extents in block order.  An extent is one 64-bit word,
 *
 *	start in the region (8 bits) | length - 1 (8 bits) | location (48 bits)
 *
 * so that words sort by block, a lone 4 KiB block costs 8 bytes and a run that
 * was stored in one piece costs 8 bytes altogether.  Adding to an extent's end
 * with the location that follows makes it longer instead of adding a word.
 *
 * A full leaf is replaced by one of the next size.  Sizes are a quarter apart,
 * the largest has 256 words.  Small ones are what kmalloc() has without rounding;
 * for the others, which it would round to powers of two, there are caches.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "block.h"
#include "index.h"

struct shadow_leaf {
	u16 nr;
	u16 room;
	u32 blocks;
	u64 word[];
};

static const u16 leaf_rooms[] = {
	1, 3, 7, 11, 15, 23, 31,			/* kmalloc() */
	40, 50, 63, 79, 99, 127, 160, 203, SHADOW_REGION_BLOCKS,
};

#define LEAF_KMALLOC	7
#define LEAF_SIZES	ARRAY_SIZE(leaf_rooms)

static struct kmem_cache *leaf_caches[LEAF_SIZES - LEAF_KMALLOC];

static u64 word_of(u64 start, u64 len, u64 loc)
{
	return start << 56 | (len - 1) << 48 | loc;
}

static unsigned int word_start(u64 word)
{
	return word >> 56;
}

static unsigned int word_len(u64 word)
{
	return ((word >> 48) & 0xff) + 1;
}

static u64 word_loc(u64 word)
{
	return word & SHADOW_LOC_MAX;
}

static size_t leaf_size(unsigned int room)
{
	return sizeof(struct shadow_leaf) + room * sizeof(u64);
}

/* The smallest size with @room, or more. */
static unsigned int leaf_class(unsigned int room)
{
	unsigned int i = 0;

	while (i < LEAF_SIZES - 1 && leaf_rooms[i] < room)
		i++;
	return i;
}

static struct shadow_leaf *leaf_alloc(unsigned int room, gfp_t gfp)
{
	unsigned int class = leaf_class(room);
	struct shadow_leaf *leaf;

	if (class < LEAF_KMALLOC)
		leaf = kmalloc(leaf_size(leaf_rooms[class]), gfp);
	else
		leaf = kmem_cache_alloc(leaf_caches[class - LEAF_KMALLOC], gfp);
	if (!leaf)
		return NULL;
	leaf->nr = 0;
	leaf->room = leaf_rooms[class];
	leaf->blocks = 0;
	return leaf;
}

void shadow_leaf_free(struct shadow_leaf *leaf)
{
	unsigned int class = leaf ? leaf_class(leaf->room) : 0;

	if (class < LEAF_KMALLOC)
		kfree(leaf);
	else
		kmem_cache_free(leaf_caches[class - LEAF_KMALLOC], leaf);
}

int shadow_leaf_caches_create(void)
{
	unsigned int i;
	char name[24];

	for (i = LEAF_KMALLOC; i < LEAF_SIZES; i++) {
		struct kmem_cache *cache;

		snprintf(name, sizeof(name), "shadow_leaf_%u", leaf_rooms[i]);
		cache = kmem_cache_create(name, leaf_size(leaf_rooms[i]), 0, 0, NULL);
		if (!cache) {
			shadow_leaf_caches_destroy();
			return -ENOMEM;
		}
		leaf_caches[i - LEAF_KMALLOC] = cache;
	}
	return 0;
}

void shadow_leaf_caches_destroy(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaf_caches); i++) {
		kmem_cache_destroy(leaf_caches[i]);
		leaf_caches[i] = NULL;
	}
}

void shadow_index_init(struct shadow_index *ix)
{
	xa_init(&ix->leaves);
	ix->blocks = 0;
	ix->bytes = 0;
}

void shadow_index_destroy(struct shadow_index *ix)
{
	struct shadow_leaf *leaf;
	unsigned long region;

	xa_for_each(&ix->leaves, region, leaf)
		shadow_leaf_free(leaf);
	xa_destroy(&ix->leaves);
	ix->blocks = 0;
	ix->bytes = 0;
}

/* Number of words that begin at or before @off. */
static unsigned int leaf_search(const struct shadow_leaf *leaf, unsigned int off)
{
	unsigned int lo = 0, hi = leaf->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (word_start(leaf->word[mid]) <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* As shadow_index_find(), within one leaf; @leaf may be NULL. */
static bool leaf_find(const struct shadow_leaf *leaf, unsigned int off, u64 *loc, u64 *len)
{
	unsigned int i = leaf ? leaf_search(leaf, off) : 0;

	if (i) {
		u64 word = leaf->word[i - 1];
		unsigned int into = off - word_start(word);

		if (into < word_len(word)) {
			*loc = word_loc(word) + into;
			*len = word_len(word) - into;
			return true;
		}
	}
	*len = (leaf && i < leaf->nr ? word_start(leaf->word[i]) : SHADOW_REGION_BLOCKS) - off;
	return false;
}

static struct shadow_leaf *leaf_of(const struct shadow_index *ix, u64 region)
{
	return xa_load((struct xarray *)&ix->leaves, region);
}

bool shadow_index_find(const struct shadow_index *ix, u64 block, u64 max, u64 *loc, u64 *len)
{
	bool found = leaf_find(leaf_of(ix, block >> SHADOW_REGION_BITS),
			       block % SHADOW_REGION_BLOCKS, loc, len);

	*len = min(*len, max);
	return found;
}

bool shadow_index_has(const struct shadow_index *ix, u64 block, u64 max, u64 *len)
{
	u64 loc, region;

	if (shadow_index_find(ix, block, max, &loc, len))
		return true;
	if (*len < max && !((block + *len) % SHADOW_REGION_BLOCKS)) {
		region = (block + *len) >> SHADOW_REGION_BITS;
		if (shadow_index_next_region(ix, &region))
			*len = min(max, (region << SHADOW_REGION_BITS) - block);
		else
			*len = max;
	}
	return false;
}

unsigned int shadow_index_weight(const struct shadow_index *ix, u64 region)
{
	const struct shadow_leaf *leaf = leaf_of(ix, region);

	return leaf ? leaf->blocks : 0;
}

bool shadow_index_room(const struct shadow_index *ix, u64 region, unsigned int words)
{
	const struct shadow_leaf *leaf = leaf_of(ix, region);

	/* The largest has a word for each block, and each word has one at least. */
	return leaf && (leaf->nr + words <= leaf->room || leaf->room == SHADOW_REGION_BLOCKS);
}

struct shadow_leaf *shadow_index_prepare(struct shadow_index *ix, u64 region,
					 unsigned int words, gfp_t gfp)
{
	const struct shadow_leaf *old = leaf_of(ix, region);
	unsigned int nr = old ? old->nr : 0;
	struct shadow_leaf *leaf = leaf_alloc(nr + words, gfp);

	if (!leaf || !old)
		return leaf;
	leaf->nr = nr;
	leaf->blocks = old->blocks;
	memcpy(leaf->word, old->word, nr * sizeof(u64));
	return leaf;
}

int shadow_index_reserve(struct shadow_index *ix, u64 region, gfp_t gfp)
{
	return xa_reserve(&ix->leaves, region, gfp);
}

struct shadow_leaf *shadow_index_commit(struct shadow_index *ix, u64 region,
					struct shadow_leaf *leaf)
{
	struct shadow_leaf *old;

	/* The slot exists, so no memory is needed: the mask only says "do not sleep". */
	if (leaf)
		old = xa_store(&ix->leaves, region, leaf, GFP_NOWAIT);
	else
		old = xa_erase(&ix->leaves, region);
	if (old) {
		ix->blocks -= old->blocks;
		ix->bytes -= leaf_size(old->room);
	}
	if (leaf) {
		ix->blocks += leaf->blocks;
		ix->bytes += leaf_size(leaf->room);
	}
	return old;
}

static void leaf_add(struct shadow_leaf *leaf, unsigned int start, unsigned int len, u64 loc)
{
	unsigned int i = leaf_search(leaf, start);

	leaf->blocks += len;
	if (i) {
		u64 before = leaf->word[i - 1];

		if (word_start(before) + word_len(before) == start &&
		    word_loc(before) + word_len(before) == loc) {
			leaf->word[i - 1] = word_of(word_start(before), word_len(before) + len,
						    word_loc(before));
			return;
		}
	}
	if (WARN_ON_ONCE(leaf->nr >= leaf->room))
		return;
	memmove(&leaf->word[i + 1], &leaf->word[i], (leaf->nr - i) * sizeof(u64));
	leaf->word[i] = word_of(start, len, loc);
	leaf->nr++;
}

void shadow_index_add(struct shadow_index *ix, const struct shadow_extent *extent)
{
	struct shadow_leaf *leaf = leaf_of(ix, extent->block >> SHADOW_REGION_BITS);

	leaf_add(leaf, extent->block % SHADOW_REGION_BLOCKS, extent->len, extent->loc);
	ix->blocks += extent->len;
}

/* Take [start, start + len) out of @leaf.  Return: how many blocks were there. */
static unsigned int leaf_cut(struct shadow_leaf *leaf, unsigned int start, unsigned int len,
			     void (*drop)(void *arg, u64 loc, u64 len), void *arg)
{
	unsigned int end = start + len, cut = 0, lo = leaf_search(leaf, start), hi, i;
	unsigned int head = 0, tail = 0;	/* what is left of the first and of the last */
	u64 first, last;

	if (lo && word_start(leaf->word[lo - 1]) + word_len(leaf->word[lo - 1]) > start)
		lo--;
	for (hi = lo; hi < leaf->nr && word_start(leaf->word[hi]) < end; hi++)
		;
	if (lo == hi)
		return 0;
	for (i = lo; i < hi; i++) {
		unsigned int at = word_start(leaf->word[i]);
		unsigned int from = max(at, start);
		unsigned int to = min(at + word_len(leaf->word[i]), end);

		drop(arg, word_loc(leaf->word[i]) + (from - at), to - from);
		cut += to - from;
	}
	first = leaf->word[lo];
	last = leaf->word[hi - 1];
	if (word_start(first) < start)
		head = start - word_start(first);
	if (word_start(last) + word_len(last) > end)
		tail = word_start(last) + word_len(last) - end;
	i = lo + !!head + !!tail;
	memmove(&leaf->word[i], &leaf->word[hi], (leaf->nr - hi) * sizeof(u64));
	leaf->nr -= hi;
	leaf->nr += i;
	if (head)
		leaf->word[lo] = word_of(word_start(first), head, word_loc(first));
	if (tail)
		leaf->word[i - 1] = word_of(end, tail,
					    word_loc(last) + word_len(last) - tail);
	leaf->blocks -= cut;
	return cut;
}

void shadow_index_put(struct shadow_index *ix, const struct shadow_extent *extent,
		      void (*drop)(void *arg, u64 loc, u64 len), void *arg)
{
	struct shadow_leaf *leaf = leaf_of(ix, extent->block >> SHADOW_REGION_BITS);
	unsigned int start = extent->block % SHADOW_REGION_BLOCKS;

	ix->blocks -= leaf_cut(leaf, start, extent->len, drop, arg);
	leaf_add(leaf, start, extent->len, extent->loc);
	ix->blocks += extent->len;
}

bool shadow_index_next_region(const struct shadow_index *ix, u64 *region)
{
	unsigned long at = *region;

	if (!xa_find((struct xarray *)&ix->leaves, &at, ULONG_MAX, XA_PRESENT))
		return false;
	*region = at;
	return true;
}

/* A store has millions of extents, and all are gone through: a region is looked up once. */
bool shadow_index_next(const struct shadow_index *ix, u64 *block, struct shadow_extent *extent)
{
	unsigned long region = *block >> SHADOW_REGION_BITS;
	unsigned int off = *block % SHADOW_REGION_BLOCKS, i;
	struct xarray *leaves = (struct xarray *)&ix->leaves;
	const struct shadow_leaf *leaf;

	for (leaf = xa_find(leaves, &region, ULONG_MAX, XA_PRESENT); leaf;
	     leaf = xa_find_after(leaves, &region, ULONG_MAX, XA_PRESENT)) {
		if (region != *block >> SHADOW_REGION_BITS)
			off = 0;
		i = leaf_search(leaf, off);
		for (i -= !!i; i < leaf->nr; i++) {	/* the one before may reach over @off */
			unsigned int start = word_start(leaf->word[i]);
			unsigned int end = start + word_len(leaf->word[i]);

			if (end <= off)
				continue;
			extent->block = ((u64)region << SHADOW_REGION_BITS) + max(start, off);
			extent->loc = word_loc(leaf->word[i]) + max(start, off) - start;
			extent->len = end - max(start, off);
			*block = extent->block + extent->len;
			return true;
		}
	}
	return false;
}

/* What of @word, from @off on, lies in locations @first to @end - 1; @base: the region's block. */
static bool word_in(u64 word, u64 base, unsigned int off, u64 first, u64 end,
		    struct shadow_extent *extent)
{
	unsigned int start = max(word_start(word), off);
	u64 loc = word_loc(word) + (start - word_start(word));
	u64 from = max(loc, first);
	u64 to = min(word_loc(word) + word_len(word), end);

	if (start >= word_start(word) + word_len(word) || from >= to)
		return false;
	*extent = (struct shadow_extent){ base + start + (from - loc), from, to - from };
	return true;
}

int shadow_index_next_in(const struct shadow_index *ix, u64 *block, u64 first, u64 end,
			 struct shadow_extent *extent, unsigned int *budget)
{
	u64 region = *block >> SHADOW_REGION_BITS;

	for (; shadow_index_next_region(ix, &region); region++) {
		const struct shadow_leaf *leaf = leaf_of(ix, region);
		u64 base = region << SHADOW_REGION_BITS;
		unsigned int off = max(*block, base) - base;
		unsigned int i = leaf_search(leaf, off);

		*block = base + off;
		if (!*budget)
			return -EAGAIN;
		*budget -= min_t(unsigned int, *budget, leaf->nr);
		for (i -= !!i; i < leaf->nr; i++) {	/* the one before may reach over @off */
			if (word_in(leaf->word[i], base, off, first, end, extent)) {
				*block = extent->block + extent->len;
				return 1;
			}
		}
	}
	return 0;
}

/* Use a smaller leaf where that holds it, too, and can be had. */
static struct shadow_leaf *leaf_trim(struct shadow_leaf *leaf, gfp_t gfp)
{
	struct shadow_leaf *small = NULL;

	if (leaf_class(leaf->nr) < leaf_class(leaf->room))
		small = leaf_alloc(leaf->nr, gfp);
	if (!small)
		return leaf;
	small->nr = leaf->nr;
	small->blocks = leaf->blocks;
	memcpy(small->word, leaf->word, leaf->nr * sizeof(u64));
	shadow_leaf_free(leaf);
	return small;
}

struct shadow_leaf *shadow_leaf_merge(const struct shadow_index *older,
				      const struct shadow_index *newer, u64 region, gfp_t gfp,
				      void (*drop)(void *arg, u64 loc, u64 len), void *arg)
{
	const struct shadow_leaf *from = leaf_of(newer, region);
	const struct shadow_leaf *keep = leaf_of(older, region);
	/* each word of the older leaf can cut one of the newer leaf in two */
	struct shadow_leaf *leaf = leaf_alloc(from->nr + 2 * (keep ? keep->nr : 0), gfp);
	unsigned int i;

	if (!leaf)
		return NULL;
	if (keep) {
		leaf->nr = keep->nr;
		leaf->blocks = keep->blocks;
		memcpy(leaf->word, keep->word, keep->nr * sizeof(u64));
	}
	for (i = 0; i < from->nr; i++) {
		unsigned int at = word_start(from->word[i]);
		unsigned int left = word_len(from->word[i]);
		u64 loc = word_loc(from->word[i]);

		while (left) {
			u64 unused, len;
			bool have = leaf_find(keep, at, &unused, &len);

			len = min_t(u64, len, left);
			if (have)
				drop(arg, loc, len);
			else
				leaf_add(leaf, at, len, loc);
			at += len;
			loc += len;
			left -= len;
		}
	}
	return leaf_trim(leaf, gfp);
}
