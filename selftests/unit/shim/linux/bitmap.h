/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include "bitops.h"

static inline void bitmap_clear(unsigned long *map, unsigned int at, unsigned int n)
{
	for (; n; n--, at++)
		map[at / BITS_PER_LONG] &= ~(1UL << (at % BITS_PER_LONG));
}

static inline unsigned int bitmap_weight(const unsigned long *map, unsigned int n)
{
	unsigned int weight = 0, i;

	for (i = 0; i < n / BITS_PER_LONG; i++)
		weight += __builtin_popcountl(map[i]);
	return weight;
}

#endif /* SHIM_LINUX_BITMAP_H */
