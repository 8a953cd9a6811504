/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TIMEKEEPING_H
#define SHIM_LINUX_TIMEKEEPING_H

#define ktime_get_real_ns()	1

#endif /* SHIM_LINUX_TIMEKEEPING_H */
