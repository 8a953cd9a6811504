/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h - what the headers in linux/ share: allocators that can be told to
 * fail, and the checks of context that lockdep and might_sleep() do in the
 * kernel.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned int gfp_t;

#define U64_MAX		UINT64_MAX

#define __rcu
#define __must_check	__attribute__((warn_unused_result))
#define __always_unused	__attribute__((unused))
#define __maybe_unused	__attribute__((unused))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)

#define container_of(ptr, type, member) \
	((type *)((uintptr_t)(ptr) - offsetof(type, member)))

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define BITS_PER_LONG	64
#define BITS_PER_BYTE	8

/* Provided by the test program; ends the test that runs. */
void shim_bug(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define SHIM_BUG_ON(cond) \
	do { \
		if (cond) \
			shim_bug(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define BUG_ON(cond)	SHIM_BUG_ON(cond)
#define WARN_ON(cond)		({ bool w_ = !!(cond); SHIM_BUG_ON(w_); w_; })
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)
#define static_assert(cond, ...) _Static_assert(cond, #cond)

/**
 * struct shim_state - the state of the shim
 * @fail_permille: how many of 1000 allocations fail
 * @rng: decides which
 * @failed: how many did
 * @objects: kmalloc() objects that live
 * @bytes: their sizes, as asked for
 * @slab_bytes: their sizes, as the kernel's slab caches would round them
 * @pages: pages that live
 * @atomic: how many rwlocks are held, so that nobody may sleep
 */
struct shim_state {
	unsigned int fail_permille;
	u64 rng;
	u64 failed;
	long objects;
	size_t bytes;
	size_t slab_bytes;
	long pages;
	int atomic;
};

extern struct shim_state shim;

/* Shall this allocation fail?  Also checks that it may sleep if it may. */
bool shim_fails(gfp_t gfp);

#endif /* SHIM_H */
