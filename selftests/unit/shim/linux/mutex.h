/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include "lockdep.h"

struct mutex {
	bool held;
};

#define mutex_init(m)	((m)->held = false)

static inline void mutex_lock(struct mutex *m)
{
	SHIM_BUG_ON(shim.atomic);
	SHIM_BUG_ON(m->held);
	m->held = true;
}

static inline void mutex_unlock(struct mutex *m)
{
	SHIM_BUG_ON(!m->held);
	m->held = false;
}

#endif /* SHIM_LINUX_MUTEX_H */
