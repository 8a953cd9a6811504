/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_CRC32C_H
#define SHIM_LINUX_CRC32C_H

#include "../../../lib/crc32c.h"

#define crc32c(crc, data, length)	sc_crc32c(crc, data, length)

#endif /* SHIM_LINUX_CRC32C_H */
