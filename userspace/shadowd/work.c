// SPDX-License-Identifier: GPL-2.0-only
/*
 * work.c - what may block, each in a thread of its own; the loop is told of its end.
 *
 * Where there is no thread to be had it is done in the loop: everybody waits for it then,
 * and its end is told as always.  What may never end is not: see errand.c.
 *
 * A document of 16 MiB takes ten times that while it is read, compared or written.  Of such
 * works only some are under way at a time, the others wait for their turn: so many sessions
 * and writers as there may be cannot have all the memory.  Some places only root has, whose
 * writers nobody else is to keep waiting.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shadowd.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct link finished = { &finished, &finished };
static int wakeup = -1;

#define LARGE_MAX 8
#define LARGE_USERS 6		/* of them by others than root */
#define LARGE_USER 2		/* by one of them */

static struct link large = { &large, &large }, waiting = { &waiting, &waiting };

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

/* --- turns: only in the loop ------------------------------------------------------------ */

static bool has_turn(uid_t uid)
{
	unsigned int all = 0, users = 0, same = 0;

	EACH(work, &large, struct work, turn) {
		all++;
		users += !!work->uid;
		same += work->uid == uid;
	}
	return all < LARGE_MAX && (!uid || (users < LARGE_USERS && same < LARGE_USER));
}

static void start_waiting(void)
{
	EACH(work, &waiting, struct work, turn) {
		if (!has_turn(work->uid))
			continue;
		link_remove(&work->turn);
		link_add(&large, &work->turn);
		work_start(work);
	}
}

void work_start_large(struct work *work, uid_t uid)
{
	work->uid = uid;
	work->large = true;
	link_init(&work->turn);
	link_add(&waiting, &work->turn);
	start_waiting();
}

static void end(struct work *work)
{
	bool was_large = work->large;

	if (was_large)
		link_remove(&work->turn);
	work->large = false;
	work->done(work);
	if (was_large)
		start_waiting();
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
		end(work);
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

bool work_try(struct work *work)
{
	pthread_attr_t attr;
	pthread_t id;
	int rc;

	link_init(&work->link);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 * 1024);	/* locked in memory */
	rc = pthread_create(&id, &attr, thread, work);
	pthread_attr_destroy(&attr);
	return !rc;
}

void work_start(struct work *work)
{
	if (!work_try(work))
		thread(work);
}
