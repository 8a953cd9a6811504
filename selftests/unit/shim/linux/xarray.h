/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_XARRAY_H
#define SHIM_LINUX_XARRAY_H

#include "gfp.h"
#include "spinlock.h"

struct shim_slot {
	unsigned long index;
	void *entry;	/* SHIM_ZERO: reserved */
};

/**
 * struct xarray - a sorted array of slots
 * @slot: the slots
 * @nr: how many there are
 * @room: for how many there is memory
 * @guard: if set, what readers are excluded by: entries that they can see may
 *	change only while it is held for writing
 *
 * A store to a slot that exists, reserved or not, needs no memory; any other
 * may fail, more often than in the kernel.
 */
struct xarray {
	struct shim_slot *slot;
	size_t nr;
	size_t room;
	const rwlock_t *guard;
};

typedef unsigned int xa_mark_t;

#define XA_PRESENT	8u

void xa_init(struct xarray *xa);
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
void xa_release(struct xarray *xa, unsigned long index);
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter);
void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
		    xa_mark_t filter);
bool xa_empty(const struct xarray *xa);
bool xa_is_err(const void *entry);
int xa_err(const void *entry);

/* An integer in the place of a pointer. */
static inline void *xa_mk_value(unsigned long v)
{
	return (void *)(v << 1 | 1);
}

static inline bool xa_is_value(const void *entry)
{
	return (uintptr_t)entry & 1;
}

#define xa_for_each(xa, index, entry) \
	for (index = 0, entry = xa_find(xa, &index, ULONG_MAX, XA_PRESENT); entry; \
	     entry = xa_find_after(xa, &index, ULONG_MAX, XA_PRESENT))

#define xa_for_each_start(xa, index, entry, start) \
	for (index = (start), entry = xa_find(xa, &index, ULONG_MAX, XA_PRESENT); entry; \
	     entry = xa_find_after(xa, &index, ULONG_MAX, XA_PRESENT))

#endif /* SHIM_LINUX_XARRAY_H */
