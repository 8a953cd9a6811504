/* SPDX-License-Identifier: GPL-2.0-only */
/* Completes linux/sched/task.h: tasks that are switched out. */
#ifndef SHADOW_COMPAT_LINUX_SCHED_TASK_H
#define SHADOW_COMPAT_LINUX_SCHED_TASK_H

#include_next <linux/sched/task.h>

/* Could it run, and does not?  Context: the task cannot go away. */
static inline bool shadow_task_is_preempted(const struct task_struct *task)
{
#if IS_ENABLED(CONFIG_SMP)
	return READ_ONCE(task->on_rq) && !READ_ONCE(task->on_cpu);
#else
	return READ_ONCE(task->on_rq);
#endif
}

#endif /* SHADOW_COMPAT_LINUX_SCHED_TASK_H */
