/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_CRC32C_H
#define SHIM_LINUX_CRC32C_H

#include "types.h"

/* CRC-32C, not inverted at either end. */
u32 crc32c(u32 crc, const void *data, size_t len);

#endif /* SHIM_LINUX_CRC32C_H */
