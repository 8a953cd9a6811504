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

#define LOST_MAX 32		/* that nobody waits for any more: of root, and of all others */
#define USER_LOST_MAX 4		/* of one of those */

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

/* Of those that are lost, how many this user has, and one of them. */
static unsigned int count_of(uid_t uid, const struct errand **one)
{
	unsigned int count = 0;

	EACH(errand, &lost, struct errand, link) {
		if (errand->uid != uid)
			continue;
		*one = errand;
		count++;
	}
	return count;
}

/*
 * Who has many under way at once can let go of all of them: beyond what is his they are not
 * counted, so that he keeps nobody else from theirs.
 */
static unsigned int count_of_users(const struct errand **one)
{
	unsigned int count = 0, before;

	EACH(errand, &lost, struct errand, link) {
		before = 0;
		EACH(other, &lost, struct errand, link) {
			if (other == errand)
				break;
			before += other->uid == errand->uid;
		}
		if (!errand->uid || before >= USER_LOST_MAX)
			continue;
		*one = errand;
		count++;
	}
	return count;
}

/* One of those that are too many, or NULL: one more can begin.  Root's are counted alone. */
static const struct errand *too_many(uid_t uid)
{
	const struct errand *one = NULL;

	if (count_of(uid, &one) >= (uid ? USER_LOST_MAX : LOST_MAX) ||
	    (uid && count_of_users(&one) >= LOST_MAX))
		return one;
	return NULL;
}

static void refuse(struct errand *errand, struct session *session,
		   const struct failure *failure)
{
	errand->free(errand);
	session_fail(session, session->state, failure);
}

void errand_start(struct errand *errand, struct session *session)
{
	const struct errand *one = too_many(session->uid);
	char place[ERRAND_PLACE];
	struct failure failure;

	errand->uid = session->uid;
	link_init(&errand->link);
	if (one) {
		copy_place(one, place);
		failure_set(&failure, "UNEXPECTED", -EUSERS, "session", place, "see to it that the "
			    "filesystem there answers, or unmount it",
			    "too many places that were looked at before do not answer");
		failure.retry_seconds = 60;
		return refuse(errand, session, &failure);
	}
	errand->session = session;
	errand->work.run = run;
	errand->work.done = done;
	if (!work_try(&errand->work)) {		/* in the loop all would wait, perhaps for ever */
		failure_set(&failure, "OUTOFMEMORY", -EAGAIN, "session", "", "",
			    "there is no thread to be had");
		failure.retry_seconds = 60;
		return refuse(errand, session, &failure);
	}
	session->errand = errand;
	session->working = true;
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
