/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RWLOCK_H
#define SHIM_LINUX_RWLOCK_H

#include "spinlock.h"

#endif /* SHIM_LINUX_RWLOCK_H */
