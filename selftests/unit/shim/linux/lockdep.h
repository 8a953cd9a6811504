/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#include "../shim.h"

#define lockdep_is_held(lock)		((lock)->held)
#define lockdep_assert_held(lock)	SHIM_BUG_ON(!lockdep_is_held(lock))

#endif /* SHIM_LINUX_LOCKDEP_H */
