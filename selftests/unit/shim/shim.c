// SPDX-License-Identifier: GPL-2.0-only
/*
 * shim.c - allocators that can be told to fail, and an XArray.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/crc32c.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/xarray.h>

struct shim_state shim;

bool shim_fails(gfp_t gfp)
{
	SHIM_BUG_ON((gfp & __GFP_DIRECT_RECLAIM) && shim.atomic);
	if (!shim.fail_permille)
		return false;
	shim.rng ^= shim.rng << 13;
	shim.rng ^= shim.rng >> 7;
	shim.rng ^= shim.rng << 17;
	if (shim.rng % 1000 >= shim.fail_permille)
		return false;
	shim.failed++;
	return true;
}

/* In front of each object; the object's end is the allocation's, for ASan. */
struct head {
	size_t size;
	size_t slab;
	const struct kmem_cache *cache;
	u64 magic;
};

#define MAGIC		0x5ca1ab1e0ddba11ULL

static size_t slab_size(size_t size)
{
	size_t s = 8;

	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	while (s < size)
		s *= 2;
	return s;
}

static void *object_alloc(const struct kmem_cache *cache, size_t size, size_t slab, gfp_t gfp)
{
	struct head *head;

	if (shim_fails(gfp))
		return NULL;
	head = malloc(sizeof(*head) + size);
	SHIM_BUG_ON(!head);
	head->size = size;
	head->slab = slab;
	head->cache = cache;
	head->magic = MAGIC;
	memset(head + 1, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	shim.objects++;
	shim.bytes += size;
	shim.slab_bytes += slab;
	return head + 1;
}

static void object_free(const struct kmem_cache *cache, const void *p)
{
	struct head *head;

	if (!p)
		return;
	head = (struct head *)p - 1;
	SHIM_BUG_ON(head->magic != MAGIC);
	SHIM_BUG_ON(head->cache != cache);
	head->magic = 0;
	shim.objects--;
	shim.bytes -= head->size;
	shim.slab_bytes -= head->slab;
	free(head);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	return object_alloc(NULL, size, slab_size(size), gfp);
}

void kfree(const void *p)
{
	object_free(NULL, p);
}

struct kmem_cache {
	size_t size;
};

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     unsigned int flags, void (*ctor)(void *object))
{
	struct kmem_cache *cache = malloc(sizeof(*cache));

	(void)name;
	SHIM_BUG_ON(!cache || align || flags || ctor);
	cache->size = (size + 7) & ~7UL;
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	free(cache);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return object_alloc(cache, cache->size, cache->size, gfp);
}

void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	object_free(cache, p);
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	void *page;

	if (shim_fails(gfp))
		return 0;
	page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	SHIM_BUG_ON(!page);
	memset(page, 0, PAGE_SIZE);
	shim.pages++;
	return (unsigned long)page;
}

void free_page(unsigned long page)
{
	if (!page)
		return;
	shim.pages--;
	free((void *)page);
}

static char zero_entry;
#define SHIM_ZERO	((void *)&zero_entry)

static void *visible(void *entry)
{
	return entry == SHIM_ZERO ? NULL : entry;
}

static void *error_entry(int err)
{
	return (void *)(((uintptr_t)-err << 2) | 2);
}

bool xa_is_err(const void *entry)
{
	return ((uintptr_t)entry & 3) == 2;
}

int xa_err(const void *entry)
{
	return xa_is_err(entry) ? -(int)((uintptr_t)entry >> 2) : 0;
}

void xa_init(struct xarray *xa)
{
	*xa = (struct xarray){ 0 };
}

void xa_destroy(struct xarray *xa)
{
	free(xa->slot);
	xa_init(xa);
}

bool xa_empty(const struct xarray *xa)
{
	return !xa->nr;
}

/* Number of slots before @index. */
static size_t rank(const struct xarray *xa, unsigned long index)
{
	size_t lo = 0, hi = xa->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (xa->slot[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct shim_slot *slot_of(const struct xarray *xa, unsigned long index)
{
	size_t i = rank(xa, index);

	return i < xa->nr && xa->slot[i].index == index ? &xa->slot[i] : NULL;
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	struct shim_slot *slot = slot_of(xa, index);

	return slot ? visible(slot->entry) : NULL;
}

static struct shim_slot *slot_make(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	struct shim_slot *slot = slot_of(xa, index);
	size_t i;

	SHIM_BUG_ON((gfp & __GFP_DIRECT_RECLAIM) && shim.atomic);
	if (slot)
		return slot;
	if (shim_fails(gfp))
		return NULL;
	if (xa->nr == xa->room) {
		xa->room = xa->room ? xa->room * 2 : 4;
		xa->slot = realloc(xa->slot, xa->room * sizeof(*xa->slot));
		SHIM_BUG_ON(!xa->slot);
	}
	i = rank(xa, index);
	memmove(&xa->slot[i + 1], &xa->slot[i], (xa->nr - i) * sizeof(*xa->slot));
	xa->slot[i] = (struct shim_slot){ index, NULL };
	xa->nr++;
	return &xa->slot[i];
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	struct shim_slot *slot;
	void *old;

	if (!entry)
		return xa_erase(xa, index);
	SHIM_BUG_ON((uintptr_t)entry & 2 && !xa_is_value(entry));
	SHIM_BUG_ON(xa->guard && !xa->guard->held);
	slot = slot_make(xa, index, gfp);
	if (!slot)
		return error_entry(-ENOMEM);
	old = visible(slot->entry);
	slot->entry = entry;
	return old;
}

static void *cut(struct xarray *xa, struct shim_slot *slot)
{
	void *old = visible(slot->entry);
	size_t i = slot - xa->slot;

	memmove(slot, slot + 1, (xa->nr - i - 1) * sizeof(*slot));
	xa->nr--;
	return old;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	struct shim_slot *slot = slot_of(xa, index);

	if (!slot)
		return NULL;
	SHIM_BUG_ON(xa->guard && !xa->guard->held);
	return cut(xa, slot);
}

int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	struct shim_slot *slot = slot_make(xa, index, gfp);

	if (!slot)
		return -ENOMEM;
	if (!slot->entry)
		slot->entry = SHIM_ZERO;
	return 0;
}

void xa_release(struct xarray *xa, unsigned long index)
{
	struct shim_slot *slot = slot_of(xa, index);

	if (slot && slot->entry == SHIM_ZERO)
		cut(xa, slot);
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter)
{
	size_t i;

	SHIM_BUG_ON(filter != XA_PRESENT);
	for (i = rank(xa, *index); i < xa->nr && xa->slot[i].index <= max; i++) {
		if (!visible(xa->slot[i].entry))
			continue;
		*index = xa->slot[i].index;
		return xa->slot[i].entry;
	}
	return NULL;
}

void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
		    xa_mark_t filter)
{
	unsigned long next = *index + 1;
	void *entry;

	if (!next)
		return NULL;
	entry = xa_find(xa, &next, max, filter);
	if (entry)
		*index = next;
	return entry;
}

u32 crc32c(u32 crc, const void *data, size_t len)
{
	static u32 table[8][256];
	const u8 *at = data;
	unsigned int i, j;

	if (!table[0][1]) {
		for (i = 0; i < 256; i++) {
			u32 c = i;

			for (j = 0; j < 8; j++)
				c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
			table[0][i] = c;
		}
		for (i = 0; i < 256; i++)
			for (j = 1; j < 8; j++)
				table[j][i] = table[j - 1][i] >> 8 ^
					      table[0][table[j - 1][i] & 0xff];
	}
	for (; len >= 8; len -= 8, at += 8) {
		u64 word;

		memcpy(&word, at, sizeof(word));
		word ^= crc;
		for (crc = 0, j = 0; j < 8; j++)
			crc ^= table[7 - j][word >> 8 * j & 0xff];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *at++) & 0xff];
	return crc;
}
