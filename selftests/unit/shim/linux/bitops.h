/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include "../shim.h"

#define GENMASK(high, low) \
	((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))

static inline bool test_and_set_bit(unsigned long nr, volatile unsigned long *map)
{
	unsigned long bit = 1UL << (nr % BITS_PER_LONG);

	return __atomic_fetch_or(&map[nr / BITS_PER_LONG], bit, __ATOMIC_SEQ_CST) & bit;
}

static inline bool test_and_clear_bit(unsigned long nr, volatile unsigned long *map)
{
	unsigned long bit = 1UL << (nr % BITS_PER_LONG);

	return __atomic_fetch_and(&map[nr / BITS_PER_LONG], ~bit, __ATOMIC_SEQ_CST) & bit;
}

static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

#endif /* SHIM_LINUX_BITOPS_H */
