/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include "../shim.h"

#endif /* SHIM_LINUX_TYPES_H */
