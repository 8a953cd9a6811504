// SPDX-License-Identifier: GPL-2.0-only
/*
 * exchange.c - documents: what of them goes to whom, and what comes back (A-14, c.6).
 *
 * The session's document is ours.  A requester gets a copy of it, a writer a copy with its
 * own part only; what comes back is compared with ours, and each difference has to be one
 * that this side may make at this step.  The steps follow from the session's state and
 * from what the writer is being told; so a writer's copy counts while its answer is
 * awaited, and never afterwards.
 *
 * A document can be so large that to compare or to write it takes seconds: threads do that.  While
 * one does it for the requester the session is working, so nobody else has its document:
 * writers are told nothing, and have none.  What they call is done one after the other, and what
 * the session does next with the document waits for that.
 *
 * A writer's call says what it was told: one that comes late, or whose document takes long to
 * read, is not taken for an answer to what it is told by then.
 *
 * Who calls for a writer has to be of its user; that this user may be a writer was found out
 * when the writers were gathered.
 */
#include <time.h>
#include <unistd.h>

#include "shadowd.h"

#define USER_DOCUMENT_MAX (1U << 20)	/* bytes, of a writer that is not root */

static const uint32_t requester_steps[] = {
	[SESSION_NEW] = SHADOWCOPY_STEP_INIT,
	[SESSION_INIT] = SHADOWCOPY_STEP_INIT,
	[SESSION_METADATA] = SHADOWCOPY_STEP_GATHERED,
	[SESSION_SET] = SHADOWCOPY_STEP_GATHERED,
	[SESSION_PREPARED] = SHADOWCOPY_STEP_PREPARED,
	[SESSION_CREATING] = SHADOWCOPY_STEP_SNAPSHOT,
	[SESSION_CREATED] = SHADOWCOPY_STEP_CREATED,
	[SESSION_COMPLETE] = SHADOWCOPY_STEP_COMPLETED,
	[SESSION_ABORTED] = SHADOWCOPY_STEP_COMPLETED,
	[SESSION_FAILED] = SHADOWCOPY_STEP_COMPLETED,
	[SESSION_RESTORE_INIT] = SHADOWCOPY_STEP_RESTORE_INIT,
	[SESSION_CHOOSING] = SHADOWCOPY_STEP_CHOOSING,
	[SESSION_RESTORING] = SHADOWCOPY_STEP_RESTORING,
	[SESSION_RESTORED] = SHADOWCOPY_STEP_RESTORED,
};

/* What a writer is told; those that are not here have no document. */
static const uint32_t writer_steps[] = {
	[SHADOW_NL_TELL_PREPARE_BACKUP] = SHADOWCOPY_STEP_PREPARE_BACKUP,
	[SHADOW_NL_TELL_PREPARE_SNAPSHOT] = SHADOWCOPY_STEP_SNAPSHOT,
	[SHADOW_NL_TELL_FREEZE] = SHADOWCOPY_STEP_SNAPSHOT,
	[SHADOW_NL_TELL_THAW] = SHADOWCOPY_STEP_SNAPSHOT,
	[SHADOW_NL_TELL_POST_SNAPSHOT] = SHADOWCOPY_STEP_POST_SNAPSHOT,
	[SHADOW_NL_TELL_BACKUP_COMPLETE] = SHADOWCOPY_STEP_COMPLETE,
	[SHADOW_NL_TELL_PRE_RESTORE] = SHADOWCOPY_STEP_PRE_RESTORE,
	[SHADOW_NL_TELL_POST_RESTORE] = SHADOWCOPY_STEP_POST_RESTORE,
};

int exchange_act(struct session *session)
{
	return shadowcopy_backup_act(session->sc, session->backup, SHADOWCOPY_ROLE_REQUESTER,
				     requester_steps[session->state]);
}

size_t exchange_metadata(const struct session *session, bool taking_part,
			 struct shadowcopy_metadata ***metadatap)
{
	size_t count = 0;

	EACH(p, &session->participants, struct participant, link)
		count += p->metadata && (!taking_part || takes_part(p));
	*metadatap = calloc(count + 2, sizeof(**metadatap));
	if (!*metadatap)
		return 0;
	count = 0;
	EACH(p, &session->participants, struct participant, link)
		if (p->metadata && (!taking_part || takes_part(p)))
			(*metadatap)[count++] = p->metadata;
	return count;
}

void exchange_note_users(struct session *session)
{
	struct shadowcopy_backup *backup = session->backup;
	const struct participant *p;
	size_t i;

	for (i = 0; i < backup->writer_count; i++) {
		struct shadowcopy_backup_writer *writer = backup->writers[i];

		p = participant_find(session, &writer->instance_id);
		if (!p || writer->privileged || writer->uid)
			continue;
		writer->privileged = !p->info.uid;
		writer->uid = p->info.uid;
	}
}

/* --- a requester's calls -------------------------------------------------------------------- */

void session_fail_library(struct session *session)
{
	struct failure failure;

	failure_of_document(&failure, session->sc);
	session_fail(session, session->state, &failure);
}

static void no_memory(struct session *session)
{
	struct failure failure;

	failure_set(&failure, "OUTOFMEMORY", -ENOMEM, "document", "", "",
		    "there is not enough memory");
	session_fail(session, session->state, &failure);
}

/* While it runs the session is working, and nobody changes either. */
struct saving {
	struct work work;
	struct session *session;
	const struct shadowcopy_metadata *metadata;	/* or NULL: the session's document */
	struct shadowcopy *sc;
	char *text;
	size_t size;
	int rc;
};

static void save(struct work *work)
{
	struct saving *saving = ENTRY(work, struct saving, work);

	if (saving->metadata)
		saving->rc = shadowcopy_metadata_save(saving->sc, saving->metadata, &saving->text,
						      &saving->size);
	else
		saving->rc = shadowcopy_backup_save(saving->sc, saving->session->backup,
						    &saving->text, &saving->size);
}

static void saved(struct work *work)
{
	struct saving *saving = ENTRY(work, struct saving, work);
	struct session *session = saving->session;
	json_t *result = saving->metadata ? json_object() :
			 json_pack("{s:i}", "step", (int)requester_steps[session->state]);
	struct failure failure;

	session->working = false;
	if (saving->rc) {
		failure_of_document(&failure, saving->sc);
		json_decref(result);
		session_fail(session, session->state, &failure);
	} else {
		session_done_document(session, result, saving->text, saving->size);
	}
	shadowcopy_free(saving->sc);
	free(saving);
	session_settle(session);
}

static void save_document(struct session *session, const struct shadowcopy_metadata *metadata)
{
	struct saving *saving = calloc(1, sizeof(*saving));

	if (saving)
		saving->sc = shadowcopy_new();
	if (!saving || !saving->sc) {
		free(saving);
		return no_memory(session);
	}
	saving->session = session;
	saving->metadata = metadata;
	saving->work.run = save;
	saving->work.done = saved;
	session->working = true;
	work_start_large(&saving->work, session->uid);
}

void call_get_document(struct session *session, json_t *arguments)
{
	(void)arguments;
	save_document(session, NULL);
}

static struct participant *named(struct session *session, json_t *arguments)
{
	const char *name = json_string_value(json_object_get(arguments, "writer"));
	struct shadow_uuid uuid;

	return name && !shadowcopy_uuid_parse(name, &uuid) ? participant_find(session, &uuid) :
							     NULL;
}

void call_get_metadata(struct session *session, json_t *arguments)
{
	struct participant *p = named(session, arguments);
	struct failure failure;

	if (!p || !p->metadata) {
		failure_set(&failure, "OBJECT_NOT_FOUND", -ENOENT, "document",
			    p ? p->info.name : "", "gather-metadata says which writers have "
			    "metadata; \"writer\" is an instance", "%s", p ?
			    "the writer has told nothing of its data" : "there is no such writer");
		return session_fail(session, session->state, &failure);
	}
	save_document(session, p->metadata);
}

/* A session has one reading at a time: its call is not answered yet.  NULL: it is now. */
static struct reading *reading_for_session(struct session *session, const char *label,
					   void (*done)(struct reading *reading))
{
	struct reading *reading;
	struct failure failure;

	if (session->document_fd < 0) {
		failure_set(&failure, "INVALIDARG", -EINVAL, "document", "", "send it in a memfd, "
			    "with the packet", "no document came with the call");
		session_fail(session, session->state, &failure);
		return NULL;
	}
	reading = reading_new(READING_BACKUP, session->document_fd, label);
	session->document_fd = -1;
	if (!reading) {
		no_memory(session);
		return NULL;
	}
	reading->done = done;
	reading->data = session;
	session->working = true;
	return reading;
}

/* In the thread. */
static void adopt(struct reading *reading)
{
	struct session *session = reading->data;

	reading->rc = shadowcopy_backup_adopt(reading->sc, &session->backup, reading->backup,
					      reading->others, reading->other_count);
	if (reading->rc)
		failure_of_document(&reading->failure, reading->sc);
}

static void put(struct reading *reading)
{
	struct session *session = reading->data;

	session->working = false;
	if (session->closing)
		return session_settle(session);
	if (reading->rc)
		return session_fail(session, session->state, &reading->failure);
	if (session->backup->mode == SHADOWCOPY_MODE_BACKUP)
		exchange_note_users(session);
	session_done(session, session->state, NULL);
}

void call_put_document(struct session *session, json_t *arguments)
{
	struct shadowcopy_metadata **metadata;
	struct reading *reading;
	size_t count;

	(void)arguments;
	if (exchange_act(session))
		return session_fail_library(session);
	count = exchange_metadata(session, false, &metadata);
	if (!metadata)
		return no_memory(session);
	reading = reading_for_session(session, "the requester's document", put);
	if (!reading) {
		free(metadata);
		return;
	}
	reading->others = metadata;
	reading->other_count = count;
	reading->then = adopt;
	reading_start(reading, session->uid);
}

static void restore_read(struct reading *reading)
{
	struct session *session = reading->data;
	char text[SHADOWCOPY_UUID_LEN];

	session->working = false;
	if (session->closing)
		return session_settle(session);
	if (reading->rc)
		return session_fail(session, session->state, &reading->failure);
	if (session_refused(session, true))
		return;
	if (shadowcopy_backup_begin_restore(session->sc, reading->backup, &session->uuid))
		return session_fail_library(session);
	shadowcopy_backup_free(session->backup);
	session->backup = reading->backup;
	reading->backup = NULL;
	session_done(session, SESSION_RESTORE_INIT,
		     json_pack("{s:s}", "session", shadowcopy_uuid_format(&session->uuid, text)));
}

/* Writers act on what it says, as their own users, and on any path: so it is root's to say. */
void call_init_restore(struct session *session, json_t *arguments)
{
	struct reading *reading;
	struct failure failure;

	(void)arguments;
	if (session->uid) {
		failure_set(&failure, "ACCESSDENIED", -EPERM, "document", "init-restore",
			    "restore as root", "only root may have writers restore");
		return session_fail(session, session->state, &failure);
	}
	if (session_refused(session, true))
		return;
	reading = reading_for_session(session, "the document of the backup", restore_read);
	if (reading)
		reading_start(reading, session->uid);
}

/* --- a writer's calls ------------------------------------------------------------------------ */

/* What is needed to find its place again when it has been read. */
struct writer_call {
	struct client *client;
	json_t *id;
	struct shadow_uuid session, instance;
	uint32_t tell;			/* what it was told when it called */
};

static void answer(struct client *client, json_t *id, const char *kind, json_t *body)
{
	json_t *message = json_object();

	json_object_set(message, "id", id);
	json_object_set_new(message, kind, body ?: json_object());
	client_send(client, message);
}

static void answer_failure(struct client *client, json_t *id, const struct failure *failure)
{
	answer(client, id, "error", failure_json(failure));
}

static void refuse(struct client *client, json_t *id, const char *code, int error,
		   const char *object, const char *cause, const char *remedy)
{
	struct failure failure;

	failure_set(&failure, code, error, "document", object, remedy, "%s", cause);
	answer_failure(client, id, &failure);
}

static void end_call(struct writer_call *call)
{
	client_release(call->client);
	json_decref(call->id);
}

static struct participant *find(const struct writer_call *call, struct session **session)
{
	*session = session_find(&call->session);
	return *session ? participant_find(*session, &call->instance) : NULL;
}

static uint32_t step_of(const struct participant *p)
{
	return p->pending < ARRAY_SIZE(writer_steps) ? writer_steps[p->pending] : 0;
}

/*
 * Who was first with a component has it; but what a user's writer says does not keep root's from
 * saying the same: then the user's is not there.
 */
static void root_wins(struct session *session, struct shadowcopy_metadata *metadata)
{
	EACH(p, &session->participants, struct participant, link) {
		struct shadowcopy_metadata *both[] = { p->metadata, metadata };

		if (!p->metadata || !p->info.uid ||
		    !shadowcopy_metadata_check_all(session->sc, both, ARRAY_SIZE(both)))
			continue;
		log_often(4, "writer %s of user %u is left out: it is what one of root's is",
			  p->info.name, p->info.uid);
		shadowcopy_metadata_free(p->metadata);
		p->metadata = NULL;
		p->has_told = false;
		p->part = PART_ABSENT;
	}
}

/* Does a participant's agree with what was told before it?  Those have been compared already. */
static int check_others(struct session *session, const struct participant *p,
			struct shadowcopy_metadata *metadata)
{
	int rc = 0;

	EACH(other, &session->participants, struct participant, link) {
		struct shadowcopy_metadata *both[] = { other->metadata, metadata };

		if (!rc && other->metadata && (p->info.uid || !other->info.uid))
			rc = shadowcopy_metadata_check_all(session->sc, both, ARRAY_SIZE(both));
	}
	return rc;
}

/* Metadata that is somebody else's, or that has a component which another one has. */
static bool is_good(struct session *session, struct participant *p, struct reading *reading)
{
	struct shadowcopy_metadata *metadata = reading->metadata;
	int rc;

	if (!uuid_same(&metadata->class_id, &p->info.class_id) ||
	    !uuid_same(&metadata->instance_id, &p->info.instance_id) ||
	    strcmp(metadata->name, p->info.name)) {
		failure_set(&reading->failure, "INVALIDARG", -EINVAL, "document", p->info.name,
			    "begin with what shadowcopy_writer_event_metadata() gives",
			    "its class, instance or name is not that which has registered");
		return false;
	}
	rc = check_others(session, p, metadata);
	if (rc)
		failure_of_document(&reading->failure, session->sc);
	else if (!p->info.uid)
		root_wins(session, metadata);
	return !rc;
}

static void metadata_read(struct reading *reading)
{
	struct writer_call *call = reading->data;
	struct session *session;
	struct participant *p = find(call, &session);

	if (!p || p->pending != call->tell || call->tell != SHADOW_NL_TELL_IDENTIFY ||
	    p->metadata) {
		refuse(call->client, call->id, "BAD_STATE", -EBADFD, "", "nobody waits for its "
		       "metadata any more", "tell it once, in the identify handler");
	} else if (reading->rc || !is_good(session, p, reading)) {
		log_often(4, "metadata of writer %s: %s", p->info.name, reading->failure.cause);
		answer_failure(call->client, call->id, &reading->failure);
	} else {
		p->metadata = reading->metadata;
		p->has_told = true;
		reading->metadata = NULL;
		answer(call->client, call->id, "result", NULL);
	}
	end_call(call);
	free(call);
}

/* --- a writer and the session's document --------------------------------------------------- */

/* A view of it that is wanted, or changes of it. */
struct job {
	struct link link;
	struct work work;
	struct writer_call call;
	struct session *session;
	struct shadow_uuid instances[PART_INSTANCES_MAX];	/* the writer's in the document */
	size_t count;
	uint32_t step;
	struct shadowcopy *sc;
	struct shadowcopy_backup *update;	/* or NULL: a view is wanted */
	char *text;
	size_t size;
	int rc;
	struct failure failure;
};

static void free_job(struct job *job)
{
	end_call(&job->call);
	shadowcopy_backup_free(job->update);
	shadowcopy_free(job->sc);
	free(job->text);
	free(job);
}

static void make_view(struct job *job)
{
	struct shadowcopy_backup *view;

	job->rc = shadowcopy_backup_view(job->sc, job->session->backup, job->instances, job->count,
					 &view);
	if (job->rc)
		return;
	job->rc = shadowcopy_backup_save(job->sc, view, &job->text, &job->size);
	shadowcopy_backup_free(view);
}

static void take_update(struct job *job)
{
	struct shadowcopy_backup *backup = job->session->backup;

	job->rc = shadowcopy_backup_act(job->sc, backup, SHADOWCOPY_ROLE_WRITER, job->step);
	if (!job->rc)
		job->rc = shadowcopy_backup_merge(job->sc, backup, job->update, job->instances,
						  job->count);
}

/* In the thread: nobody else has the document. */
static void run_job(struct work *work)
{
	struct job *job = ENTRY(work, struct job, work);

	if (job->update)
		take_update(job);
	else
		make_view(job);
	if (job->rc)
		failure_of_document(&job->failure, job->sc);
}

static json_t *volumes_json(const struct session *session)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < session->making.count; i++)
		json_array_append_new(array, json_sprintf("%u:%u",
							  session->making.volumes[i].dev.major,
							  session->making.volumes[i].dev.minor));
	return array;
}

static void answer_job(struct job *job)
{
	json_t *message;

	if (job->rc) {
		answer_failure(job->call.client, job->call.id, &job->failure);
	} else if (job->update) {
		answer(job->call.client, job->call.id, "result", NULL);
	} else {
		message = json_pack("{s:O, s:{s:i, s:o}}", "id", job->call.id, "result", "step",
				    (int)job->step, "volumes", volumes_json(job->session));
		client_send_document(job->call.client, message, job->text, job->size);
		job->text = NULL;
	}
}

static void start_jobs(struct session *session);

static void job_done(struct work *work)
{
	struct job *job = ENTRY(work, struct job, work);
	struct session *session = job->session;
	void (*fn)(struct session *session) = session->when_free;

	session->job = NULL;
	answer_job(job);
	free_job(job);
	start_jobs(session);
	if (session->closing) {
		session_settle(session);
	} else if (fn && !exchange_busy(session)) {
		session->when_free = NULL;
		fn(session);
	}
}

/* Is its answer still awaited?  Then what it calls for can begin; else it hears why not. */
static bool start_job(struct session *session, struct job *job)
{
	struct participant *p = participant_find(session, &job->call.instance);

	if (!p || p->pending != job->call.tell || session->working) {
		refuse(job->call.client, job->call.id, "BAD_STATE", -EBADFD, "", "nobody waits for "
		       "this any more", "do it in a handler, and in time");
		return false;
	}
	job->count = part_instances(session, p, job->instances);
	if (job->update && !job->count) {
		refuse(job->call.client, job->call.id, "BAD_STATE", -EBADFD, p->info.name,
		       "nothing of it is in the backup", "");
		return false;
	}
	job->step = step_of(p);
	session->job = job;
	work_start_large(&job->work, p->info.uid);
	return true;
}

static void start_jobs(struct session *session)
{
	while (!session->job && session->jobs.next != &session->jobs) {
		struct job *job = ENTRY(session->jobs.next, struct job, link);

		link_remove(&job->link);
		if (!start_job(session, job))
			free_job(job);
	}
}

bool exchange_busy(const struct session *session)
{
	return session->job || session->jobs.next != &session->jobs;
}

void exchange_when_free(struct session *session, void (*fn)(struct session *session))
{
	if (exchange_busy(session))
		session->when_free = fn;
	else
		fn(session);
}

bool exchange_settle(struct session *session)
{
	EACH(job, &session->jobs, struct job, link) {
		link_remove(&job->link);
		refuse(job->call.client, job->call.id, "BAD_STATE", -EBADFD, "",
		       "the session is over", "");
		free_job(job);
	}
	return !session->job;
}

/* Takes over what the call has of its client's; steals @update. */
static void add_job(struct session *session, const struct writer_call *call,
		    struct shadowcopy_backup *update)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->sc = shadowcopy_new();
	if (!job || !job->sc) {
		struct writer_call failed = *call;

		free(job);
		shadowcopy_backup_free(update);
		refuse(call->client, call->id, "OUTOFMEMORY", -ENOMEM, "",
		       "there is not enough memory", "");
		return end_call(&failed);
	}
	job->call = *call;
	job->session = session;
	job->update = update;
	job->work.run = run_job;
	job->work.done = job_done;
	link_add(&session->jobs, &job->link);
	start_jobs(session);
}

static void update_read(struct reading *reading)
{
	struct writer_call *call = reading->data;
	struct session *session;
	struct participant *p = find(call, &session);

	if (p && !reading->rc) {
		add_job(session, call, reading->backup);
		reading->backup = NULL;
	} else {
		if (p)
			answer_failure(call->client, call->id, &reading->failure);
		else
			refuse(call->client, call->id, "BAD_STATE", -EBADFD, "", "nobody waits for "
			       "its changes any more", "make them in a handler, and in time");
		end_call(call);
	}
	free(call);
}

static void read_for_writer(const struct writer_call *from, struct participant *p, int fd,
			    enum reading_kind kind, void (*done)(struct reading *reading))
{
	struct writer_call *call = malloc(sizeof(*call));
	struct reading *reading = call ? reading_new(kind, fd, p->info.name) : NULL;

	if (!reading) {
		if (!call)
			close(fd);
		free(call);
		return refuse(from->client, from->id, "OUTOFMEMORY", -ENOMEM, p->info.name,
			      "there is not enough memory", "");
	}
	*call = *from;
	json_incref(call->id);
	client_hold(call->client);
	if (p->info.uid)
		reading->size_max = USER_DOCUMENT_MAX;
	reading->done = done;
	reading->data = call;
	reading_start(reading, p->info.uid);
}

static void want_view(const struct writer_call *from, struct session *session)
{
	struct writer_call call = *from;

	json_incref(call.id);
	client_hold(call.client);
	add_job(session, &call, NULL);
}

/* C-12: who asks, and for what. */
static void tell_requester(const struct writer_call *call, const struct session *session)
{
	bool restore = session->backup->mode == SHADOWCOPY_MODE_RESTORE;

	answer(call->client, call->id, "result",
	       json_pack("{s:i, s:i, s:b, s:s}", "uid", (int)session->uid, "pid",
			 (int)session->pid, "restore", restore, "context",
			 shadowcopy_context_name(session->context) ?: ""));
}

bool exchange_is_writer_call(const char *call)
{
	return !strncmp(call, "writer-", 7);
}

/* @told: what it says that it answers, or NULL. */
static bool take_arguments(struct writer_call *call, json_t *arguments, const char **told)
{
	const char *session = NULL, *instance = NULL;

	return !json_unpack(arguments, "{s:s, s:s, s?s}", "session", &session, "instance",
			    &instance, "told", told) &&
	       !shadowcopy_uuid_parse(session, &call->session) &&
	       !shadowcopy_uuid_parse(instance, &call->instance);
}

void exchange_writer_call(struct client *client, uid_t uid, const char *name, json_t *id,
			  json_t *arguments, int fd)
{
	struct writer_call call = { .client = client, .id = id };
	struct participant *p = NULL;
	const char *told = NULL;
	struct session *session;

	if (take_arguments(&call, arguments, &told))
		p = find(&call, &session);
	if (p)
		call.tell = p->pending;
	if (!p || (uid && uid != p->info.uid)) {
		refuse(client, id, "OBJECT_NOT_FOUND", -ENOENT, name,
		       "there is no such session, or no such writer of this user in it",
		       "session and instance are those of what the writer was told");
	} else if (!p->pending || (told && strcmp(told, shadowcopy_tell_name(p->pending)))) {
		refuse(client, id, "BAD_STATE", -EBADFD, p->info.name, "nobody waits for what it "
		       "does any more", "call in a handler, and in time");
	} else if (!strcmp(name, "writer-requester")) {
		tell_requester(&call, session);
	} else if (!strcmp(name, "writer-metadata") && fd >= 0) {
		read_for_writer(&call, p, fd, READING_METADATA, metadata_read);
		fd = -1;
	} else if (!step_of(p) || !session->backup) {
		refuse(client, id, "BAD_STATE", -EBADFD, p->info.name,
		       "it is told nothing that has a document",
		       "ask in a handler, and not in identify or abort");
	} else if (!strcmp(name, "writer-document")) {
		want_view(&call, session);
	} else if (!strcmp(name, "writer-update") && fd >= 0) {
		read_for_writer(&call, p, fd, READING_BACKUP, update_read);
		fd = -1;
	} else {
		refuse(client, id, "INVALIDARG", -EINVAL, name, "there is no such call, or its "
		       "document is missing", "writer-metadata and writer-update have one");
	}
	if (fd >= 0)
		close(fd);
}

/* --- the set --------------------------------------------------------------------------- */

static int note_shadow(struct session *session, const struct shadow_shadow_info *info)
{
	const struct shadowcopy_plan_entry *entry;
	struct shadowcopy_backup_shadow *shadow;
	struct making *making = &session->making;
	const char *fs_uuid = NULL;
	char node[32], path[64];
	size_t i, j;
	int rc;

	for (i = 0; (entry = shadowcopy_plan_entry(making->plan, i)); i++)
		if (!memcmp(&entry->dev, &info->volume, sizeof(entry->dev)))
			break;
	for (j = 0; j < making->count; j++)
		if (!memcmp(&making->volumes[j].dev, &info->volume, sizeof(info->volume)))
			fs_uuid = *making->fs_uuids[j] ? making->fs_uuids[j] : NULL;
	snprintf(node, sizeof(node), "/dev/shadow%u", info->index);
	snprintf(path, sizeof(path), "/dev/%s", info->volume_name);
	rc = shadowcopy_backup_add_shadow(session->sc, session->backup, &info->uuid,
					  entry ? entry->path : path, info->volume, node, &shadow);
	if (!rc)
		rc = shadowcopy_backup_shadow_set_fs(session->sc, shadow, fs_uuid, entry &&
						     *entry->fstype ? entry->fstype : NULL);
	if (!rc && entry && *entry->mountpoint)
		rc = shadowcopy_backup_shadow_add_mount(session->sc, shadow, entry->mountpoint);
	return rc;
}

int exchange_note_set(struct session *session)
{
	struct making *making = &session->making;
	char machine[256] = "";
	size_t i;
	int rc;

	if (gethostname(machine, sizeof(machine) - 1))
		machine[0] = '\0';
	text_clean(machine);
	rc = exchange_act(session);
	if (!rc)
		rc = shadowcopy_backup_set_set(session->sc, session->backup, &making->step.set,
					       *machine ? machine : NULL, making->shadow_count ?
					       making->shadows[0].created_ns : 0);
	for (i = 0; !rc && i < making->shadow_count; i++)
		rc = note_shadow(session, &making->shadows[i]);
	return rc;
}
