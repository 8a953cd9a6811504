/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/highmem.h: short mappings of pages. */
#ifndef SHADOW_COMPAT_LINUX_HIGHMEM_H
#define SHADOW_COMPAT_LINUX_HIGHMEM_H

#include_next <linux/highmem.h>

#if !HAVE_KMAP_LOCAL
/* 64-bit kernels have no memory that is not mapped. */
#define kmap_local_page(page)	page_address(page)
#define kunmap_local(addr)	((void)(addr))
#endif

#if !HAVE_MEMZERO_PAGE
#define memzero_page(page, offset, len)	zero_user(page, offset, len)
#endif

#endif /* SHADOW_COMPAT_LINUX_HIGHMEM_H */
