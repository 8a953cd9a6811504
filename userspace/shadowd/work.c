// SPDX-License-Identifier: GPL-2.0-only
/*
 * work.c - what may block, each in a thread of its own; the loop is told of its end.
 *
 * Where there is no thread to be had it is done in the loop: everybody waits for it then,
 * and its end is told as always.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shadowd.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct link finished = { &finished, &finished };
static int wakeup = -1;

static void *thread(void *data)
{
	struct work *work = data;

	work->run(work);
	pthread_mutex_lock(&lock);
	link_add(&finished, &work->link);
	pthread_mutex_unlock(&lock);
	if (eventfd_write(wakeup, 1))
		abort();	/* the loop would wait for ever */
	return NULL;
}

static int on_wakeup(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct work *work;
	eventfd_t value;

	(void)source;
	(void)events;
	(void)data;
	eventfd_read(fd, &value);
	for (;;) {
		work = NULL;
		pthread_mutex_lock(&lock);
		if (finished.next != &finished) {
			work = ENTRY(finished.next, struct work, link);
			link_remove(&work->link);
		}
		pthread_mutex_unlock(&lock);
		if (!work)
			return 0;
		work->done(work);
	}
}

int work_init(sd_event *loop)
{
	sd_event_source *source;
	int rc;

	wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup < 0)
		return -errno;
	rc = sd_event_add_io(loop, &source, wakeup, EPOLLIN, on_wakeup, NULL);
	if (rc < 0)
		return rc;
	sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	rc = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return rc;
}

void work_start(struct work *work)
{
	pthread_attr_t attr;
	pthread_t id;

	link_init(&work->link);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 * 1024);	/* locked in memory */
	if (pthread_create(&id, &attr, thread, work))
		thread(work);
	pthread_attr_destroy(&attr);
}
