/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <stdio.h>
#include "../shim.h"
#include "minmax.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define round_down(x, y)	((x) & ~((__typeof__(x))(y) - 1))
#define round_up(x, y)		((((x) - 1) | ((__typeof__(x))(y) - 1)) + 1)

#endif /* SHIM_LINUX_KERNEL_H */
