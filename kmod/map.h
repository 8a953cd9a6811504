/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * map.h - what is so of the blocks of a shadow, and the instants to compare it with.
 */
#ifndef SHADOW_MAP_H
#define SHADOW_MAP_H

#include <linux/types.h>
#include <linux/shadow.h>

/* As SHADOW_IOC_MAP; the arguments, but for the two instants, have been checked. */
int shadow_map_tell(struct shadow_map *arg);

/* As SHADOW_IOC_BASE_NEXT, SHADOW_IOC_BASE_CHANGE and SHADOW_IOC_TRACKING_NEXT. */
int shadow_map_next_base(struct shadow_base_info *info);
int shadow_map_change_base(struct shadow_base *arg);
int shadow_map_next_tracking(struct shadow_tracking_info *info);

#endif /* SHADOW_MAP_H */
