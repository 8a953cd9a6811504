/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include "../shim.h"

static inline bool test_bit(unsigned long nr, const volatile unsigned long *map)
{
	return (map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG)) & 1;
}

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

/* First bit from @at on that differs from all of @skip's; @size if none. */
static inline unsigned long shim_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long at, unsigned long skip)
{
	while (at < size) {
		unsigned long word = (map[at / BITS_PER_LONG] ^ skip) >> (at % BITS_PER_LONG);

		if (word) {
			at += __builtin_ctzl(word);
			return at < size ? at : size;
		}
		at = (at / BITS_PER_LONG + 1) * BITS_PER_LONG;
	}
	return size;
}

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long at)
{
	return shim_next_bit(map, size, at, 0);
}

static inline unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
					       unsigned long at)
{
	return shim_next_bit(map, size, at, ~0UL);
}

#endif /* SHIM_LINUX_BITOPS_H */
