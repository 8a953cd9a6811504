/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include "../shim.h"

#define HZ	250

struct workqueue_struct;

struct work_struct {
	void (*fn)(struct work_struct *work);
};

/* @queued: it is for the test to run it. */
struct delayed_work {
	struct work_struct work;
	bool queued;
};

#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(w, f)		((w)->work.fn = (f), (w)->queued = false)

static inline bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
				      unsigned long delay)
{
	(void)wq;
	(void)delay;
	work->queued = true;
	return true;
}

#endif /* SHIM_LINUX_WORKQUEUE_H */
