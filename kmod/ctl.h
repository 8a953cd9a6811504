/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ctl.h - /dev/shadow-control and the set descriptors.
 */
#ifndef SHADOW_CTL_H
#define SHADOW_CTL_H

/* Of the misc minors for local use (admin-guide/devices.txt): 240 to 254. */
#define SHADOW_CONTROL_MINOR	247

int shadow_ctl_init(void);
void shadow_ctl_exit(void);

#endif /* SHADOW_CTL_H */
