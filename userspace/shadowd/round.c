// SPDX-License-Identifier: GPL-2.0-only
/*
 * round.c - the same thing told to many writers at once, until each has answered,
 * has failed, or is gone.
 *
 * What a writer's state becomes stands in one table (c.3): told and done, it is in
 * the next state; else it has failed at what it was told, and is told nothing more
 * of this session but to abort, and that the session is over.
 */
#include "shadowd.h"

/* How long an answer may take (c.2), and the state that follows it. */
static const struct {
	uint32_t answer_ms;
	uint32_t next;		/* 0: as it was */
	bool to_failed;		/* told to those that have failed, too */
} tells[] = {
	[SHADOW_NL_TELL_IDENTIFY]	  = { 30000, 0, false },
	[SHADOW_NL_TELL_PREPARE_BACKUP]	  = { 600000, WRITER_STABLE, false },
	[SHADOW_NL_TELL_PREPARE_SNAPSHOT] = { 300000, WRITER_WAITING_FOR_FREEZE, false },
	[SHADOW_NL_TELL_FREEZE]		  = { 10000, WRITER_WAITING_FOR_THAW, false },
	[SHADOW_NL_TELL_THAW]		  = { 60000, WRITER_WAITING_FOR_POST_SNAPSHOT, false },
	[SHADOW_NL_TELL_POST_SNAPSHOT]	  = { 600000, WRITER_WAITING_FOR_BACKUP_COMPLETE, false },
	[SHADOW_NL_TELL_BACKUP_COMPLETE]  = { 600000, WRITER_STABLE, false },
	[SHADOW_NL_TELL_BACKUP_SHUTDOWN]  = { 60000, 0, true },
	[SHADOW_NL_TELL_ABORT]		  = { 60000, 0, true },
	[SHADOW_NL_TELL_PRE_RESTORE]	  = { 600000, WRITER_STABLE, false },
	[SHADOW_NL_TELL_POST_RESTORE]	  = { 3600000, WRITER_STABLE, false },
};

static void participant_fails(struct participant *p, uint32_t tell, uint32_t result,
			      uint32_t status, const char *text)
{
	if (tell == SHADOW_NL_TELL_ABORT || tell == SHADOW_NL_TELL_BACKUP_SHUTDOWN)
		return;		/* the end of the session is not held up by it */
	p->result = result;
	p->status = status;
	snprintf(p->text, sizeof(p->text), "%s", text);
	text_clean(p->text);
	p->state = WRITER_FAILED;
	p->failed_at = tell;
	p->out = true;
	history_note(p);
}

/* It cannot even be told.  Return: whether an answer is to be waited for. */
static bool tell_failed(struct participant *p, uint32_t tell, int rc)
{
	switch (rc) {
	case -EOPNOTSUPP:	/* it does not want to know */
		if (tells[tell].next)
			p->state = tells[tell].next;
		break;
	case -ESRCH:
		participant_fails(p, tell, SHADOW_NL_RESULT_GONE, 0, "it is no longer there");
		break;
	case -ETIMEDOUT:
		participant_fails(p, tell, SHADOW_NL_RESULT_TIMEOUT, SHADOW_NL_STATUS_TIMEOUT,
				  "its longest freeze was over before it was thawed");
		break;
	case -ENOBUFS:
		participant_fails(p, tell, SHADOW_NL_RESULT_TIMEOUT, SHADOW_NL_STATUS_TIMEOUT,
				  "it does not read what it is told");
		break;
	default:
		participant_fails(p, tell, SHADOW_NL_RESULT_GONE, SHADOW_NL_STATUS_NONRETRYABLE,
				  "the module refuses to tell it");
		log_line(3, "writer %s cannot be told to %s: %s", p->info.name,
			 shadowcopy_tell_name(tell), strerror(-rc));
		break;
	}
	return false;
}

static bool tell_one(struct session *session, struct participant *p, uint32_t tell)
{
	int rc;

	/* What it was told before nobody waits for any more. */
	p->pending = 0;
	if (p->out && !tells[tell].to_failed)
		return false;
	if (tell == SHADOW_NL_TELL_THAW && !p->frozen) {
		/* who does not want to be told to freeze has nothing to thaw */
		p->state = tells[tell].next;
		return false;
	}
	if (p->express || (tell == SHADOW_NL_TELL_POST_RESTORE && p->replaced))
		return tell_failed(p, tell, -EOPNOTSUPP);
	rc = writer_tell(&p->info.instance_id, &session->uuid, session_set(session),
			 tell, tells[tell].answer_ms);
	if (rc)
		return tell_failed(p, tell, rc);
	if (tell == SHADOW_NL_TELL_FREEZE)
		p->frozen = true;
	else if (tell == SHADOW_NL_TELL_THAW || tell == SHADOW_NL_TELL_ABORT)
		p->frozen = false;
	p->begun |= tell == SHADOW_NL_TELL_PREPARE_BACKUP;
	p->pending = tell;
	return true;
}

static unsigned int count_failed(const struct session *session)
{
	unsigned int failed = 0;

	EACH(p, &session->participants, struct participant, link)
		failed += takes_part(p) && p->out;
	return failed;
}

static void round_end(struct session *session)
{
	session->round.failed = count_failed(session);
	session->round.done(&session->round);
}

void round_start(struct session *session, uint32_t tell, uint32_t level,
		 void (*done)(struct round *round))
{
	struct round *round = &session->round;

	round->tell = tell;
	round->done = done;
	round->pending = 1;	/* ours: answers may not end the round before all are told */
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && (!level || p->info.level == level))
			round->pending += tell_one(session, p, tell);
	if (!--round->pending)
		round_end(session);
}

void round_drop(struct session *session)
{
	session->round.tell = 0;
	session->round.pending = 0;
	EACH(p, &session->participants, struct participant, link)
		p->pending = 0;
}

struct participant *participant_find(struct session *session, const struct shadow_uuid *instance)
{
	EACH(p, &session->participants, struct participant, link)
		if (uuid_same(&p->info.instance_id, instance))
			return p;
	return NULL;
}

static void note_result(struct participant *p, const struct shadowcopy_channel_message *message)
{
	uint32_t tell = message->tell;

	if (p->state != WRITER_FAILED) {	/* an abort is no news of what failed */
		p->elapsed_ns = message->elapsed_ns;
		p->app_code = message->app_code;
	}
	switch (message->result) {
	case SHADOW_NL_RESULT_ANSWERED:
		if (message->status)
			participant_fails(p, tell, message->result, message->status, message->text);
		else if (p->state != WRITER_FAILED && tells[tell].next)
			p->state = tells[tell].next;
		break;
	case SHADOW_NL_RESULT_TIMEOUT:
		participant_fails(p, tell, message->result, SHADOW_NL_STATUS_TIMEOUT,
				  "it did not answer in time");
		break;
	default:
		participant_fails(p, tell, message->result, 0, "it is no longer there");
		break;
	}
}

/* It has been told to abort; what it still owes of this round it owes no more. */
static void expired(struct session *session, struct participant *p)
{
	bool owes = p->pending && session->round.tell == p->pending;

	participant_fails(p, SHADOW_NL_TELL_FREEZE, SHADOW_NL_RESULT_TIMEOUT,
			  SHADOW_NL_STATUS_TIMEOUT, "its longest freeze was over");
	p->pending = 0;
	if (owes && !--session->round.pending)
		round_end(session);
	else
		set_expired(session);
}

void round_message(const struct shadowcopy_channel_message *message)
{
	struct session *session = session_find(&message->session);
	struct participant *p = session ? participant_find(session, &message->instance) : NULL;

	if (!p)
		return;		/* of a session that is over */
	if (message->command == SHADOW_NL_CMD_FREEZE_EXPIRED) {
		expired(session, p);
		return;
	}
	if (message->result == SHADOW_NL_RESULT_SUPERSEDED || p->pending != message->tell)
		return;		/* it was told something else meanwhile */
	p->pending = 0;
	note_result(p, message);
	if (session->round.tell == message->tell && !--session->round.pending)
		round_end(session);
}
