/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include "../shim.h"

typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef int32_t __s32;
typedef int64_t __s64;
typedef u64 sector_t;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef uint64_t __le64;

/* The machines that run this are little-endian. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

#define cpu_to_le16(v)	((__le16)(v))
#define cpu_to_le32(v)	((__le32)(v))
#define cpu_to_le64(v)	((__le64)(v))
#define le16_to_cpu(v)	((u16)(v))
#define le32_to_cpu(v)	((u32)(v))
#define le64_to_cpu(v)	((u64)(v))

#define U32_MAX		UINT32_MAX

#endif /* SHIM_LINUX_TYPES_H */
