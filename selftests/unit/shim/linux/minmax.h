/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#include "../shim.h"

/* As strict as the kernels before 6.7: both sides of the same type. */
#define shim_same(a, b) \
	_Static_assert(__builtin_types_compatible_p(__typeof__((a) + 0), __typeof__((b) + 0)), \
		       "comparison of different types")

#define min(a, b) \
({ \
	shim_same(a, b); \
	__typeof__(a) min_a_ = (a); \
	__typeof__(b) min_b_ = (b); \
	min_a_ < min_b_ ? min_a_ : min_b_; \
})

#define max(a, b) \
({ \
	shim_same(a, b); \
	__typeof__(a) max_a_ = (a); \
	__typeof__(b) max_b_ = (b); \
	max_a_ > max_b_ ? max_a_ : max_b_; \
})

#define min_t(type, a, b) \
({ \
	type min_ta_ = (a); \
	type min_tb_ = (b); \
	min_ta_ < min_tb_ ? min_ta_ : min_tb_; \
})

#define max_t(type, a, b) \
({ \
	type max_ta_ = (a); \
	type max_tb_ = (b); \
	max_ta_ > max_tb_ ? max_ta_ : max_tb_; \
})

#define clamp(v, lo, hi) \
({ \
	shim_same(v, lo); \
	shim_same(v, hi); \
	__typeof__(v) clamp_v_ = (v); \
	__typeof__(v) clamp_lo_ = (lo); \
	__typeof__(v) clamp_hi_ = (hi); \
	clamp_v_ < clamp_lo_ ? clamp_lo_ : clamp_v_ > clamp_hi_ ? clamp_hi_ : clamp_v_; \
})

#endif /* SHIM_LINUX_MINMAX_H */
