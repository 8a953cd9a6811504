/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes net/genetlink.h: groups that only administrators may join. */
#ifndef SHADOW_COMPAT_NET_GENETLINK_H
#define SHADOW_COMPAT_NET_GENETLINK_H

#include_next <net/genetlink.h>

#if HAVE_GENL_MCAST_FLAGS
#define SHADOW_MCGRP_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define SHADOW_MCGRP_ADMIN	.cap_sys_admin = 1
#endif

#endif /* SHADOW_COMPAT_NET_GENETLINK_H */
