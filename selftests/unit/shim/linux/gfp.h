/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include "../shim.h"

#define __GFP_DIRECT_RECLAIM	0x01u
#define __GFP_KSWAPD_RECLAIM	0x02u
#define __GFP_IO		0x04u
#define __GFP_FS		0x08u
#define __GFP_NOWARN		0x10u
#define __GFP_NORETRY		0x20u
#define __GFP_ZERO		0x40u
#define __GFP_NOMEMALLOC	0x80u
#define __GFP_HIGH		0x100u

#define GFP_NOWAIT	(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_ATOMIC	(__GFP_KSWAPD_RECLAIM | __GFP_HIGH)
#define GFP_NOIO	(__GFP_KSWAPD_RECLAIM | __GFP_DIRECT_RECLAIM)
#define GFP_NOFS	(GFP_NOIO | __GFP_IO)
#define GFP_KERNEL	(GFP_NOFS | __GFP_FS)

unsigned long get_zeroed_page(gfp_t gfp);
void free_page(unsigned long page);

#endif /* SHIM_LINUX_GFP_H */
