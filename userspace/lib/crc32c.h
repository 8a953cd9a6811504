/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crc32c.h - CRC-32C.  Not a part of the library's interface: shadowadm has the object, too.
 */
#ifndef SHADOWCOPY_CRC32C_H
#define SHADOWCOPY_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Go on with @crc over more bytes; beginning it with ~0, and inverting it, is the caller's. */
uint32_t sc_crc32c(uint32_t crc, const void *data, size_t length);

#endif /* SHADOWCOPY_CRC32C_H */
