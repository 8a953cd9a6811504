/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include "lockdep.h"

/* One thread runs, so a lock that is taken already is a deadlock. */
typedef struct {
	int readers;
	bool held;
} rwlock_t;

#define rwlock_init(l)	(*(l) = (rwlock_t){ 0 })

static inline void read_lock(rwlock_t *l)
{
	SHIM_BUG_ON(l->held);
	l->readers++;
	shim.atomic++;
}

static inline void read_unlock(rwlock_t *l)
{
	SHIM_BUG_ON(!l->readers);
	l->readers--;
	shim.atomic--;
}

static inline void write_lock(rwlock_t *l)
{
	SHIM_BUG_ON(l->held || l->readers);
	l->held = true;
	shim.atomic++;
}

static inline void write_unlock(rwlock_t *l)
{
	SHIM_BUG_ON(!l->held);
	l->held = false;
	shim.atomic--;
}

#endif /* SHIM_LINUX_SPINLOCK_H */
