/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/highmem.h: short mappings of pages. */
#ifndef SHADOW_COMPAT_LINUX_HIGHMEM_H
#define SHADOW_COMPAT_LINUX_HIGHMEM_H

#include_next <linux/highmem.h>

#if !HAVE_KMAP_LOCAL
#define kmap_local_page(page)	kmap_atomic(page)
#define kunmap_local(addr)	kunmap_atomic(addr)
#endif

#endif /* SHADOW_COMPAT_LINUX_HIGHMEM_H */
