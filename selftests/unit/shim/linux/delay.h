/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_DELAY_H
#define SHIM_LINUX_DELAY_H

#include "../shim.h"

#define usleep_range(from, to)	SHIM_BUG_ON(shim.atomic)

#endif /* SHIM_LINUX_DELAY_H */
