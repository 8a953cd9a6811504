// SPDX-License-Identifier: GPL-2.0-only
/*
 * errand.c - work that may never end, and that nobody has to wait for.
 *
 * A path can lie on a filesystem whose server is gone: a thread that looks at it does not come back
 * before the server does, and cannot be stopped.  So such a thread has nothing of its session's,
 * only copies, and the session can let go of it: then what it finds is thrown away when it comes.
 * A thread that was let go of is still there, with its memory: there are so many of them and no
 * more, of a user, and in all.
 */
#include <pthread.h>

#include "shadowd.h"

#define LOST_MAX 32		/* that nobody waits for any more */
#define USER_LOST_MAX 4		/* of one user other than root */

static struct link lost = { &lost, &lost };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* of all @place */

void errand_note(struct errand *errand, const char *who, const char *what)
{
	pthread_mutex_lock(&lock);
	snprintf(errand->place, sizeof(errand->place), "%s%s%s", who, *who ? ": " : "", what);
	pthread_mutex_unlock(&lock);
}

static void copy_place(const struct errand *errand, char place[ERRAND_PLACE])
{
	pthread_mutex_lock(&lock);
	memcpy(place, errand->place, ERRAND_PLACE);
	pthread_mutex_unlock(&lock);
	text_clean(place);
}

bool errand_place(const struct session *session, char place[ERRAND_PLACE])
{
	if (!session->errand)
		return false;
	copy_place(session->errand, place);
	return *place;
}

static void run(struct work *work)
{
	struct errand *errand = ENTRY(work, struct errand, work);

	errand->run(errand);
}

static void done(struct work *work)
{
	struct errand *errand = ENTRY(work, struct errand, work);
	struct session *session = errand->session;

	link_remove(&errand->link);
	if (session) {
		session->errand = NULL;
		session->working = false;
		errand->done(errand, session);
	}
	errand->free(errand);
}

/* Of those that are lost: how many this user has, and one of them. */
static unsigned int count_lost(uid_t uid, const struct errand **one)
{
	unsigned int count = 0;

	EACH(errand, &lost, struct errand, link) {
		if (uid && errand->uid != uid)
			continue;
		*one = errand;
		count++;
	}
	return count;
}

bool errand_start(struct errand *errand, struct session *session)
{
	const struct errand *one = NULL;
	char place[ERRAND_PLACE];
	struct failure failure;

	errand->uid = session->uid;
	link_init(&errand->link);
	if (count_lost(0, &one) >= LOST_MAX || count_lost(errand->uid, &one) >=
	    (errand->uid ? USER_LOST_MAX : LOST_MAX)) {
		copy_place(one, place);
		failure_set(&failure, "UNEXPECTED", -EUSERS, "session", place, "see to it that the "
			    "filesystem there answers, or unmount it",
			    "too many places that were looked at before do not answer");
		failure.retry_seconds = 60;
		errand->free(errand);
		session_fail(session, session->state, &failure);
		return false;
	}
	errand->session = session;
	errand->work.run = run;
	errand->work.done = done;
	session->errand = errand;
	session->working = true;
	work_start(&errand->work);
	return true;
}

void errand_drop(struct session *session)
{
	struct errand *errand = session->errand;
	char place[ERRAND_PLACE];

	if (!errand)
		return;
	if (errand_place(session, place))
		log_often(4, "nobody waits for it any more: %s", place);
	errand->session = NULL;
	session->errand = NULL;
	session->working = false;
	link_add(&lost, &errand->link);
}
