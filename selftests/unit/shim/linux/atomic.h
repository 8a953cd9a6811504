/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

typedef struct {
	long counter;
} atomic_long_t;

static inline long atomic_long_read(const atomic_long_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic_long_add(long n, atomic_long_t *v)
{
	__atomic_add_fetch(&v->counter, n, __ATOMIC_RELAXED);
}

static inline void atomic_long_sub(long n, atomic_long_t *v)
{
	__atomic_sub_fetch(&v->counter, n, __ATOMIC_RELAXED);
}

static inline void atomic_long_or(long bits, atomic_long_t *v)
{
	__atomic_or_fetch(&v->counter, bits, __ATOMIC_RELAXED);
}

#endif /* SHIM_LINUX_ATOMIC_H */
