/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RANDOM_H
#define SHIM_LINUX_RANDOM_H

#include "../shim.h"

/* All that matters is that no two are the same. */
static inline void generate_random_uuid(u8 *uuid)
{
	static u64 last;
	unsigned int i;

	last++;
	for (i = 0; i < 16; i++)
		uuid[i] = i < 8 ? 0xee : last >> (8 * (i - 8));
}

#endif /* SHIM_LINUX_RANDOM_H */
