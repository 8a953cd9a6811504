// SPDX-License-Identifier: GPL-2.0-only
/*
 * set.c - how a set is made (VSS i): a sequence of steps, some told to writers, some
 * done by the library in a thread.
 *
 *	wait	until no set before it has a volume or a writer of it
 *	plan	stores are made ready, the module knows the set
 *	prepare	writers: PREPARE_SNAPSHOT
 *	sync	what is dirty is written out, while nobody waits for it
 *	freeze	writers: FREEZE, front-end first, then back-end, then system
 *	take	the module: filesystems, gates, the instant, release
 *	thaw	writers: THAW, in the reverse order
 *	list	which shadows there are: the document has them from here on
 *	post	writers: POST_SNAPSHOT; some recover in the shadows, which can be written to
 *	trim	what writers and the machine exclude from shadows is deleted in them
 *	seal	... and then the shadows are read-only
 *	finish	what stays with the volumes
 *
 * Trim and seal do nothing where the shadows were read-only from the beginning.
 *
 * After each told step those that failed are looked at.  A set that may not degrade is
 * given up for any of them; one that may goes on, its consistency is less, and who failed
 * is told to abort.  A thaw that the module refuses means that the writer was not at rest
 * at the instant any more: that is such a failure, too.
 *
 * Giving up: work under way is waited for (the module's timer ends what is held), then
 * all writers are told to abort, unless they were told of the shadow already; then the set
 * goes, and only then the requester hears.
 *
 * Nothing is logged from the first freeze to the last thaw.
 */
#include "making.h"

struct step {
	const char *name;
	void (*run)(struct work *work);		/* or, where NULL: */
	uint32_t tell;
	uint32_t level;				/* 0: all */
	bool frozen;				/* something is, from here on or still */
};

enum {
	STEP_PLAN, STEP_PREPARE, STEP_SYNC, STEP_FREEZE_FRONT_END, STEP_FREEZE_BACK_END,
	STEP_FREEZE_SYSTEM, STEP_TAKE, STEP_THAW_SYSTEM, STEP_THAW_BACK_END, STEP_THAW_FRONT_END,
	STEP_LIST, STEP_POST, STEP_TRIM, STEP_SEAL, STEP_FINISH,
};

static const struct step steps[] = {
	[STEP_PLAN] = { "plan", making_plan, 0, 0, false },
	[STEP_PREPARE] = { "prepare", NULL, SHADOW_NL_TELL_PREPARE_SNAPSHOT, 0, false },
	[STEP_SYNC] = { "sync", making_sync, 0, 0, false },
	[STEP_FREEZE_FRONT_END] = { "freeze-front-end", NULL, SHADOW_NL_TELL_FREEZE,
		SHADOW_NL_LEVEL_FRONT_END, true },
	[STEP_FREEZE_BACK_END] = { "freeze-back-end", NULL, SHADOW_NL_TELL_FREEZE,
		SHADOW_NL_LEVEL_BACK_END, true },
	[STEP_FREEZE_SYSTEM] = { "freeze-system", NULL, SHADOW_NL_TELL_FREEZE,
		SHADOW_NL_LEVEL_SYSTEM, true },
	[STEP_TAKE] = { "take", making_take, 0, 0, true },
	[STEP_THAW_SYSTEM] = { "thaw-system", NULL, SHADOW_NL_TELL_THAW,
		SHADOW_NL_LEVEL_SYSTEM, true },
	[STEP_THAW_BACK_END] = { "thaw-back-end", NULL, SHADOW_NL_TELL_THAW,
		SHADOW_NL_LEVEL_BACK_END, true },
	[STEP_THAW_FRONT_END] = { "thaw-front-end", NULL, SHADOW_NL_TELL_THAW,
		SHADOW_NL_LEVEL_FRONT_END, true },
	[STEP_LIST] = { "list", making_list, 0, 0, false },
	[STEP_POST] = { "post", NULL, SHADOW_NL_TELL_POST_SNAPSHOT, 0, false },
	[STEP_TRIM] = { "trim", making_trim, 0, 0, false },
	[STEP_SEAL] = { "seal", making_seal, 0, 0, false },
	[STEP_FINISH] = { "finish", making_finish, 0, 0, false },
};

static struct link queue = { &queue, &queue };

static void run_step(struct session *session);
static void start_waiting(void);

const char *set_step(const struct session *session)
{
	if (session->state != SESSION_CREATING)
		return NULL;
	if (session->aborting)
		return "abort";
	return session->started ? steps[session->step].name : "queue";
}

static void note_time(struct session *session, const char *name)
{
	int64_t now = now_ms();

	json_object_set_new(session->timings, name, json_integer(now - session->began_ms));
	session->began_ms = now;
}

/* Is the log held for this session?  For its steps from the first freeze to the last thaw. */
static void hold_log(struct session *session, bool hold)
{
	if (hold && !session->log_held)
		log_hold();
	if (!hold && session->log_held)
		log_release();
	session->log_held = hold;
}

/* --- the end ------------------------------------------------------------------------------ */

static void leave_queue(struct session *session)
{
	link_remove(&session->queue);
	start_waiting();
}

static void released(struct work *work)
{
	struct session *session = ENTRY(work, struct session, making.work);

	session->working = false;
	leave_queue(session);
	if (session->state == SESSION_CREATING)
		session_fail(session, SESSION_FAILED, &session->failure);
	session_settle(session);
}

void set_release(struct session *session)
{
	session->making.work.run = making_release;
	session->making.work.done = released;
	session->working = true;
	work_start(&session->making.work);
}

static void all_aborted(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	hold_log(session, false);
	set_release(session);
}

static void give_up(struct session *session)
{
	if (session->aborting)
		return;
	session->aborting = true;
	session->when_free = NULL;
	/* Who was told that the shadow is there is not told to abort any more (C-28). */
	if (session->step >= STEP_POST)
		all_aborted(&session->round);
	else
		round_start(session, SHADOW_NL_TELL_ABORT, 0, all_aborted);
}

void set_abort(struct session *session, const struct failure *failure)
{
	if (session->state != SESSION_CREATING)
		return;
	if (!session->failure.code)
		session->failure = *failure;
	if (!session->working)
		give_up(session);
}

static bool any_failed(const struct session *session)
{
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && p->out)
			return true;
	return false;
}

/* Who was told to come to rest: a writer that is a file was not. */
static bool any_takes_part(const struct session *session)
{
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && !p->express)
			return true;
	return false;
}

static bool any_volume(const struct session *session, uint32_t consistency)
{
	const struct shadowcopy_plan_entry *entry;
	size_t i;

	for (i = 0; (entry = shadowcopy_plan_entry(session->making.plan, i)); i++)
		if (entry->flags & SHADOW_ADD_SHADOW && entry->consistency == consistency)
			return true;
	return false;
}

static const char *level_word(const struct session *session)
{
	if (any_volume(session, SHADOWCOPY_CONSISTENT_CRASH))
		return "crash";
	if (any_takes_part(session) && !any_failed(session))
		return "application";
	return any_volume(session, SHADOWCOPY_CONSISTENT_FS) ? "filesystem" : "raw";
}

static json_t *writer_reason(const struct participant *p)
{
	return json_sprintf("writer %s failed at %s: %s", p->info.name,
			    shadowcopy_tell_name(p->failed_at),
			    *p->text ? p->text : shadowcopy_status_name(p->status));
}

/* Why the set is not as consistent as it could be. */
static json_t *reasons(const struct session *session)
{
	const struct shadowcopy_plan_entry *entry;
	json_t *array = json_array();
	size_t i;

	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && p->out)
			json_array_append_new(array, writer_reason(p));
	for (i = 0; (entry = shadowcopy_plan_entry(session->making.plan, i)); i++)
		if (*entry->warning)
			json_array_append_new(array, json_sprintf("%s: %s", entry->path,
								  entry->warning));
	return array;
}

static void add_trim(json_t *result, const struct making *making)
{
	if (!making->trim || !shadowcopy_trim_count(making->trim))
		return;
	json_object_set_new(result, "trimmed",
			    json_pack("{s:I, s:I, s:s}", "files",
				      (json_int_t)making->trimmed_files, "bytes",
				      (json_int_t)making->trimmed_bytes, "problem",
				      making->trim_problem));
}

static json_t *shadows_json(const struct making *making)
{
	char uuid[SHADOWCOPY_UUID_LEN], device[64];
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < making->shadow_count; i++) {
		const struct shadow_shadow_info *info = &making->shadows[i];

		snprintf(device, sizeof(device), "/dev/shadow%u", info->index);
		shadowcopy_uuid_format(&info->uuid, uuid);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "uuid", uuid, "device",
						       device, "volume", info->volume_name));
	}
	return array;
}

static void finished(struct session *session)
{
	char set[SHADOWCOPY_UUID_LEN];
	const char *level = level_word(session);
	json_t *why = reasons(session), *result;
	bool degraded = json_array_size(why) > 0 || any_failed(session);

	leave_queue(session);
	log_line(6, "set %s is made, consistency %s",
		 shadowcopy_uuid_format(&session->making.step.set, set), level);
	result = json_pack("{s:s, s:o, s:s, s:b, s:o}", "set", set, "shadows",
			   shadows_json(&session->making), "consistency", level, "degraded",
			   degraded, "reasons", why);
	add_trim(result, &session->making);
	json_object_set_new(result, "hold_ns", json_integer(session->making.step.hold_ns));
	json_object_set_new(result, "gate_ns", json_integer(session->making.step.gate_ns));
	json_object_set(result, "timings_ms", session->timings);
	json_object_set_new(result, "writers", participants_json(session));
	session_done(session, SESSION_CREATED, result);
	session_settle(session);
}

/* --- steps -------------------------------------------------------------------------------- */

static void next_step(struct session *session)
{
	note_time(session, steps[session->step].name);
	if (session->step == ARRAY_SIZE(steps) - 1) {
		finished(session);	/* too late to give it up: its shadows may stay by now */
	} else if (session->failure.code) {
		give_up(session);
	} else {
		session->step++;
		hold_log(session, steps[session->step].frozen);
		run_step(session);
	}
}

static void note_set(struct session *session)
{
	if (exchange_note_set(session)) {
		failure_of_document(&session->making.failure, session->sc);
		return set_abort(session, &session->making.failure);
	}
	next_step(session);
}

static void work_done(struct work *work)
{
	struct session *session = ENTRY(work, struct session, making.work);

	session->working = false;
	if (session->making.rc)
		return set_abort(session, &session->making.failure);
	/* What is given up needs no document: nobody waits for what writers do with it. */
	if (session->step == STEP_LIST && !session->failure.code)
		exchange_when_free(session, note_set);
	else
		next_step(session);
}

/* Of writers that failed in the last round: what it means for the set. */
static void look_at_failures(struct session *session)
{
	struct failure failure;

	EACH(p, &session->participants, struct participant, link) {
		if (!p->out || !takes_part(p) || p->aborted)
			continue;
		if (steps[session->step].tell == SHADOW_NL_TELL_POST_SNAPSHOT)
			continue;	/* C-25: the shadow is there; its state tells */
		if (session->may_degrade) {
			p->aborted = true;
			writer_tell(&p->info.instance_id, &session->uuid, session_set(session),
				    SHADOW_NL_TELL_ABORT, 60000);
			continue;
		}
		failure_set(&failure, failure_of_writer(p->result, p->status), -ECANCELED,
			    shadowcopy_tell_name(p->failed_at), p->info.name,
			    failure_remedy_of_writer(p->result, p->status),
			    "%s", *p->text ? p->text : shadowcopy_status_name(p->status));
		failure.retry_seconds = failure_retry_of_writer(p->result, p->status);
		set_abort(session, &failure);
		return;
	}
}

static void round_done(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	look_at_failures(session);
	if (!session->failure.code)
		next_step(session);
}

void set_expired(struct session *session)
{
	if (session->state == SESSION_CREATING && !session->working)
		look_at_failures(session);
	/* else the end of the work finds it: the thaw is refused */
}

static void run_step(struct session *session)
{
	const struct step *step = &steps[session->step];

	if (!step->run)
		return round_start(session, step->tell, step->level, round_done);
	session->making.work.run = step->run;
	session->making.work.done = work_done;
	session->working = true;
	work_start(&session->making.work);
}

/* --- the queue ---------------------------------------------------------------------------- */

static bool share(const struct session *a, const struct session *b)
{
	size_t i, j;

	for (i = 0; i < a->making.count; i++)
		for (j = 0; j < b->making.count; j++)
			if (!memcmp(&a->making.volumes[i].dev, &b->making.volumes[j].dev,
				    sizeof(a->making.volumes[i].dev)))
				return true;
	EACH(p, &a->participants, struct participant, link)
		EACH(q, &b->participants, struct participant, link)
			if (takes_part(p) && takes_part(q) && !p->express &&
			    uuid_same(&p->info.instance_id, &q->info.instance_id))
				return true;
	return false;
}

/* May it begin?  Who came before it does, and so nobody waits for ever. */
static bool is_free(struct session *session)
{
	EACH(before, &queue, struct session, queue) {
		if (before == session)
			return true;
		if (share(before, session))
			return false;
	}
	return true;
}

/* One that is given up while it waits never begins: its writers are being told to abort. */
static struct session *next_free(void)
{
	EACH(session, &queue, struct session, queue)
		if (!session->started && !session->aborting && is_free(session))
			return session;
	return NULL;
}

/* Who begins can end at once, and change the queue: so it is looked at anew each time. */
static void start_waiting(void)
{
	struct session *session;

	while ((session = next_free())) {
		session->started = true;
		session->began_ms = now_ms();
		run_step(session);
	}
}

/* Without memory nothing is trimmed for a writer. */
static void note_metadata(struct session *session)
{
	struct making *making = &session->making;
	size_t count = exchange_metadata(session, true, &making->metadata), i = 0;

	making->users = calloc(count + 1, sizeof(*making->users));
	if (!making->users)
		return;
	making->metadata_count = count;
	EACH(p, &session->participants, struct participant, link)
		if (p->metadata && takes_part(p) && i < count)
			making->users[i++] = p->info.uid;
}

void set_create(struct session *session)
{
	struct making *making = &session->making;

	making->flags = session->flags;
	making->keep = session->keep;
	making->no_recover = session->no_autorecovery ||
			     session->context & SHADOWCOPY_ATTR_CLIENT_ACCESSIBLE;
	making->recover = !making->no_recover && !(making->flags & SHADOW_SET_WRITABLE) &&
			  part_needs_recovery(session);
	if (making->recover)
		making->flags |= SHADOW_SET_WRITABLE;
	note_metadata(session);
	making->timeout_ms = session->timeout_ms;
	making->context = session->context;
	session->timings = json_object();
	session->step = 0;
	link_add(&queue, &session->queue);
	start_waiting();
}
