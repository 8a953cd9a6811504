/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/rcupdate.h: waiting for tasks in the middle of a function. */
#ifndef SHADOW_COMPAT_LINUX_RCUPDATE_H
#define SHADOW_COMPAT_LINUX_RCUPDATE_H

#include_next <linux/rcupdate.h>

/* synchronize_rcu_tasks() is no more than synchronize_rcu() without preemption. */
#define SHADOW_TASKS_RCU_IS_RCU		(!IS_ENABLED(CONFIG_TASKS_RCU))

#endif /* SHADOW_COMPAT_LINUX_RCUPDATE_H */
