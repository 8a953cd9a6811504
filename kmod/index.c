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
 * was stored in one piece costs 8 bytes altogether.  Leaves grow by half; the
 * largest has 256 words.  Adding to an extent's end with the location that
 * follows makes it longer instead of adding a word.
 */
#include <linux/errno.h>
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

#define LEAF_MIN	7	/* with the head: a 64-byte object */

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

static struct shadow_leaf *leaf_alloc(unsigned int room, gfp_t gfp)
{
	struct shadow_leaf *leaf;

	room = clamp(room, LEAF_MIN + 0u, SHADOW_REGION_BLOCKS);
	leaf = kmalloc(leaf_size(room), gfp);
	if (!leaf)
		return NULL;
	leaf->nr = 0;
	leaf->room = room;
	leaf->blocks = 0;
	return leaf;
}

void shadow_leaf_free(struct shadow_leaf *leaf)
{
	kfree(leaf);
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
		kfree(leaf);
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
	struct shadow_leaf *leaf = leaf_alloc(nr + nr / 2 + words, gfp);

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

bool shadow_index_next(const struct shadow_index *ix, u64 *block, struct shadow_extent *extent)
{
	u64 region = *block >> SHADOW_REGION_BITS;

	for (; shadow_index_next_region(ix, &region); region++) {
		u64 at = max(*block, region << SHADOW_REGION_BITS);
		u64 end = (region + 1) << SHADOW_REGION_BITS;

		while (at < end) {
			u64 loc, len;

			if (shadow_index_find(ix, at, end - at, &loc, &len)) {
				*extent = (struct shadow_extent){ at, loc, len };
				*block = at + len;
				return true;
			}
			at += len;
		}
	}
	return false;
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
	return leaf;
}
