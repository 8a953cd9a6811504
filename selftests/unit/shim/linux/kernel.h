/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include "../shim.h"
#include "minmax.h"
#endif /* SHIM_LINUX_KERNEL_H */
