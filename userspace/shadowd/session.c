// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - what a requester is doing (VSS 2.1).
 *
 * One table says in which states each call may come; any other order is BAD_STATE,
 * and says what would be right.  One call at a time: its answer comes before the
 * next call may, but for abort and what only asks.
 *
 *	NEW -> INIT -> METADATA -> SET -> PREPARED -> CREATING -> CREATED -> COMPLETE
 *	 |                                   |            |
 *	 |                                   +------------+--> ABORTED, FAILED
 *	 +--> RESTORE_INIT -> CHOOSING -> RESTORING -> RESTORED
 *
 * When its requester goes, at whatever point, a session aborts what its writers have
 * begun, tells them that it is over, and lets its shadows go unless they were to stay.
 */
#include <sys/random.h>
#include <unistd.h>

#include "making.h"

static struct link list = { &list, &list };

static const char *const state_names[] = {
	[SESSION_NEW] = "new", [SESSION_INIT] = "initialised", [SESSION_METADATA] = "metadata",
	[SESSION_SET] = "set-begun", [SESSION_PREPARED] = "prepared",
	[SESSION_CREATING] = "creating", [SESSION_CREATED] = "created",
	[SESSION_COMPLETE] = "complete", [SESSION_ABORTED] = "aborted",
	[SESSION_FAILED] = "failed", [SESSION_RESTORE_INIT] = "restore-initialised",
	[SESSION_CHOOSING] = "choosing", [SESSION_RESTORING] = "restoring",
	[SESSION_RESTORED] = "restored",
};

static const char *const part_names[] = {
	[PART_TAKES] = "", [PART_EXCLUDED] = "excluded", [PART_ABSENT] = "absent",
	[PART_NOT_CHOSEN] = "not-chosen", [PART_NO_DATA] = "no-data",
};

struct session *session_find(const struct shadow_uuid *uuid)
{
	EACH(session, &list, struct session, link)
		if (uuid_same(&session->uuid, uuid))
			return session;
	return NULL;
}

bool sessions_left(void)
{
	return list.next != &list;
}

const struct shadow_uuid *session_set(const struct session *session)
{
	static const struct shadow_uuid none;

	return session->making.set ? shadowcopy_set_uuid(session->making.set) : &none;
}

static void new_uuid(struct shadow_uuid *uuid)
{
	if (getrandom(uuid, sizeof(*uuid), 0) != sizeof(*uuid))
		abort();	/* it does, once the machine is up */
	uuid->b[6] = (uuid->b[6] & 0x0f) | 0x40;
	uuid->b[8] = (uuid->b[8] & 0x3f) | 0x80;
}

struct session *session_new(struct client *client, uid_t uid, pid_t pid)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->client = client;
	session->uid = uid;
	session->pid = pid;
	session->opened_ms = now_ms();
	session->entered_ms = session->opened_ms;
	session->context = SHADOWCOPY_CTX_BACKUP;
	session->document_fd = -1;
	session->postponed_fd = -1;
	link_init(&session->jobs);
	new_uuid(&session->uuid);
	session->sc = shadowcopy_new();
	if (!session->sc || shadowcopy_backup_new(session->sc, &session->uuid, &session->backup)) {
		shadowcopy_free(session->sc);
		free(session);
		return NULL;
	}
	/* G-02: what changes nothing, unless something else is asked for */
	shadowcopy_backup_set_state(session->sc, session->backup, SHADOWCOPY_TYPE_COPY, false,
				    false, false);
	session->problems = json_array();
	link_init(&session->participants);
	link_init(&session->queue);
	link_add(&list, &session->link);
	return session;
}

/* One that is over is not counted any more, so it has no more than what is asked of it then. */
static void forget_metadata(struct session *session)
{
	EACH(p, &session->participants, struct participant, link) {
		shadowcopy_metadata_free(p->metadata);
		p->metadata = NULL;
	}
}

static void enter(struct session *session, enum session_state state)
{
	if (session->state != state)
		session->entered_ms = now_ms();
	session->state = state;
	if (state == SESSION_ABORTED || state == SESSION_FAILED)
		forget_metadata(session);
}

/* --- answers --------------------------------------------------------------------------- */

static void abort_asked(struct session *session);

static void answer(struct session *session, const char *kind, json_t *body)
{
	json_t *message = json_object();

	json_object_set_new(message, "id", session->reply ?: json_null());
	session->reply = NULL;
	json_object_set_new(message, kind, body ?: json_object());
	if (session->client)
		client_send(session->client, message);
	else
		json_decref(message);
	abort_asked(session);
}

void session_done(struct session *session, enum session_state next, json_t *result)
{
	enter(session, next);
	answer(session, "result", result);
}

void session_done_document(struct session *session, json_t *result, char *text, size_t size)
{
	json_t *message = json_object();

	json_object_set_new(message, "id", session->reply ?: json_null());
	session->reply = NULL;
	json_object_set_new(message, "result", result);
	if (session->client) {
		client_send_document(session->client, message, text, size);
	} else {
		json_decref(message);
		free(text);
	}
	abort_asked(session);
}

void session_fail(struct session *session, enum session_state next,
		  const struct failure *failure)
{
	json_t *body = failure_json(failure);

	enter(session, next);
	if (session->participants.next != &session->participants)
		json_object_set_new(body, "writers", participants_json(session));
	answer(session, "error", body);
}

static const char *writer_state_name(const struct participant *p)
{
	static const char *const names[] = {
		[WRITER_STABLE] = "stable",
		[WRITER_WAITING_FOR_FREEZE] = "waiting-for-freeze",
		[WRITER_WAITING_FOR_THAW] = "waiting-for-thaw",
		[WRITER_WAITING_FOR_POST_SNAPSHOT] = "waiting-for-post-snapshot",
		[WRITER_WAITING_FOR_BACKUP_COMPLETE] = "waiting-for-backup-complete",
		[WRITER_FAILED] = "failed",
	};

	return names[p->state];
}

static json_t *writer_failure_json(const struct participant *p)
{
	int retry = failure_retry_of_writer(p->result, p->status);

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:s}", "at",
			 shadowcopy_tell_name(p->failed_at),
			 "result", shadowcopy_result_name(p->result),
			 "status", shadowcopy_status_name(p->status),
			 "code", failure_of_writer(p->result, p->status),
			 "retry_seconds", retry < 0 ? json_null() : json_integer(retry),
			 "app_code", (int)p->app_code, "text", p->text);
}

static json_t *participant_json(const struct participant *p)
{
	char class_id[SHADOWCOPY_UUID_LEN], instance[SHADOWCOPY_UUID_LEN];
	json_t *json, *last = history_json(&p->info.instance_id);

	json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:b, s:o*}",
			 "name", p->info.name,
			 "instance_name", p->info.instance_name,
			 "class", shadowcopy_uuid_format(&p->info.class_id, class_id),
			 "instance", shadowcopy_uuid_format(&p->info.instance_id, instance),
			 "level", shadowcopy_level_name(p->info.level),
			 "pid", (int)p->info.pid, "uid", (int)p->info.uid,
			 "freeze_ms", (int)p->info.freeze_ms,
			 "state", writer_state_name(p), "part", part_names[p->part],
			 "metadata", p->has_told, "last_failure", last);
	if (json && p->state == WRITER_FAILED)
		json_object_set_new(json, "failure", writer_failure_json(p));
	return json;
}

json_t *participants_json(const struct session *session)
{
	json_t *array = json_array();

	EACH(p, &session->participants, struct participant, link)
		json_array_append_new(array, participant_json(p));
	return array;
}

/* --- the end ---------------------------------------------------------------------------- */

static void forget_participants(struct session *session);

static void session_free(struct session *session)
{
	link_remove(&session->link);
	link_remove(&session->queue);
	forget_participants(session);
	json_decref(session->reply);
	json_decref(session->abort_id);
	session_forget_postponed(session);
	json_decref(session->timings);
	json_decref(session->problems);
	shadowcopy_backup_free(session->backup);
	shadowcopy_free(session->sc);
	if (session->document_fd >= 0)
		close(session->document_fd);
	free(session);
}

void session_settle(struct session *session)
{
	if (!session->closing || session->working || session->state == SESSION_CREATING)
		return;		/* set.c calls again */
	if (!exchange_settle(session))
		return;		/* and so does exchange.c */
	if (session->making.sc) {	/* the shadows, or what is left of a set, go first */
		set_release(session);
		return;
	}
	/* aborts what is to be aborted, and tells that it is over */
	writer_end_session(&session->uuid);
	session_free(session);
}

void session_close(struct session *session)
{
	static const struct failure gone = {
		.code = "BAD_STATE", .error = -ECONNRESET, .phase = "session",
		.cause = "the requester is gone", .retry_seconds = -1,
	};

	session->client = NULL;
	session->closing = true;
	session->when_free = NULL;
	errand_drop(session);
	if (session->state == SESSION_CREATING)
		set_abort(session, &gone);
	session_settle(session);
}

/* --- calls ------------------------------------------------------------------------------- */

#define IN(state) (1U << SESSION_##state)
#define ANY (~0U)

static void bad_argument(struct session *session, const char *name, const char *remedy,
			 const char *cause)
{
	struct failure failure;

	failure_set(&failure, "INVALIDARG", -EINVAL, "arguments", name, remedy, "%s", cause);
	session_fail(session, session->state, &failure);
}

/* --- how many (A-12, J-05) ----------------------------------------------------------------- */

static unsigned int backups_max = 64, restores_max = 8;

void sessions_limit(unsigned int backups, unsigned int restores)
{
	backups_max = backups;
	restores_max = restores;
}

/* One that is over is only looked at, until its requester goes. */
static bool is_under_way(const struct session *session, bool restore)
{
	if (restore)
		return session->state >= SESSION_RESTORE_INIT && session->state < SESSION_RESTORED;
	return session->state > SESSION_NEW && session->state <= SESSION_CREATED;
}

/* No user but root has more than half of them. */
bool session_refused(struct session *session, bool restore)
{
	unsigned int max = restore ? restores_max : backups_max, all = 0, same = 0;
	struct failure failure;

	EACH(other, &list, struct session, link) {
		if (!is_under_way(other, restore))
			continue;
		all++;
		same += other->uid == session->uid;
	}
	if (all < max && (!session->uid || same < (max + 1) / 2))
		return false;
	failure_set(&failure, "WRITER_STATUS_NOT_AVAILABLE", -EUSERS, "session", "", "wait until "
		    "others are over; \"shadowadm writer status\" shows them",
		    "there are %u %s already%s", all, restore ? "restores" : "backups",
		    all < max ? ", half of what may be by this user" : "");
	failure.retry_seconds = 60;
	session_fail(session, session->state, &failure);
	return true;
}

static void call_init_backup(struct session *session, json_t *arguments)
{
	char text[SHADOWCOPY_UUID_LEN];

	(void)arguments;
	if (session_refused(session, false))
		return;
	session_done(session, SESSION_INIT,
		     json_pack("{s:s}", "session", shadowcopy_uuid_format(&session->uuid, text)));
}

/* Where bits of a context do not go together, why (h.2); else NULL. */
static const char *context_conflict(uint32_t context, bool writable, bool persistent,
				    int no_autorecovery, int rollback_recovery)
{
	if (persistent && (writable || rollback_recovery))
		return "a durable store does not keep what is written to persistent shadows";
	if (context & SHADOWCOPY_ATTR_CLIENT_ACCESSIBLE && writable)
		return "shadows that users see are never writable";
	if (context & SHADOWCOPY_ATTR_NO_WRITERS && rollback_recovery)
		return "nobody recovers in a context without writers";
	if (no_autorecovery && rollback_recovery)
		return "recovery cannot be wanted and not wanted";
	return NULL;
}

/* B-04, h: a context is a preset of bits; which of them fit is said in one place. */
static void call_set_context(struct session *session, json_t *arguments)
{
	int writable = 0, persistent = 0, keep = -1, no_autorecovery = 0, rollback_recovery = 0;
	uint32_t context = session->context;
	const char *name = NULL, *conflict;

	if (json_unpack(arguments, "{s?s, s?b, s?b, s?b, s?b, s?b}", "context", &name, "writable",
			&writable, "persistent", &persistent, "keep", &keep, "no_autorecovery",
			&no_autorecovery, "rollback_recovery", &rollback_recovery))
		return bad_argument(session, "set-context",
				    "context is a text, all others are true or false",
				    "an argument has the wrong type");
	if (session->context_set)
		return bad_argument(session, "set-context", "begin another session",
				    "the context can be set once");
	if (name && shadowcopy_context_parse(name, &context))
		return bad_argument(session, name, "use backup, file-share-backup, nas-rollback, "
				    "app-rollback, client-accessible or client-accessible-writers",
				    "there is no such context");
	conflict = context_conflict(context, writable, persistent, no_autorecovery,
				    rollback_recovery);
	if (conflict)
		return bad_argument(session, name ?: "backup", "leave one of them out", conflict);
	if (shadowcopy_backup_set_context(session->sc, session->backup, context))
		return session_fail_library(session);
	session->context_set = true;
	session->context = context;
	session->no_autorecovery = no_autorecovery || persistent;
	session->rollback_recovery = rollback_recovery;
	if (writable)
		session->flags |= SHADOW_SET_WRITABLE;
	if (persistent)
		session->flags |= SHADOW_SET_PERSISTENT;
	session->keep = keep > 0 || persistent || context & SHADOWCOPY_ATTR_NO_AUTO_RELEASE;
	session_done(session, session->state, NULL);
}

static const struct word {
	const char *name;
	uint32_t value;
} backup_types[] = {
	{ "full", SHADOWCOPY_TYPE_FULL }, { "copy", SHADOWCOPY_TYPE_COPY },
	{ "incremental", SHADOWCOPY_TYPE_INCREMENTAL },
	{ "differential", SHADOWCOPY_TYPE_DIFFERENTIAL }, { "log", SHADOWCOPY_TYPE_LOG },
	{ "other", SHADOWCOPY_TYPE_OTHER }, { NULL, 0 }
}, restore_types[] = {
	{ "copy", SHADOWCOPY_RESTORE_TYPE_COPY }, { "import", SHADOWCOPY_RESTORE_TYPE_IMPORT },
	{ "other", SHADOWCOPY_RESTORE_TYPE_OTHER }, { NULL, 0 }
};

static bool find_word(const struct word *words, const char *name, uint32_t *value)
{
	for (; words->name; words++)
		if (!strcmp(words->name, name)) {
			*value = words->value;
			return true;
		}
	return false;
}

/* B-05; what is not named stays as it is. */
static void call_set_backup_state(struct session *session, json_t *arguments)
{
	struct shadowcopy_backup *backup = session->backup;
	int components = backup->component_mode, bootable = backup->bootable;
	int partial = backup->partial_files, degrade = session->may_degrade;
	int timeout = session->timeout_ms;
	const char *type_name = NULL;
	uint32_t type = backup->type;

	if (json_unpack(arguments, "{s?b, s?i, s?s, s?b, s?b, s?b}", "may_degrade", &degrade,
			"timeout_ms", &timeout, "type", &type_name, "component_mode", &components,
			"bootable", &bootable, "partial_files", &partial) ||
	    (timeout && (timeout < SHADOW_TIMEOUT_MIN_MS || timeout > SHADOW_TIMEOUT_MAX_MS)))
		return bad_argument(session, "set-backup-state", "type is a text, timeout_ms 10 to "
				    "600000, all others are true or false",
				    "an argument has the wrong type or size");
	if (type_name && !find_word(backup_types, type_name, &type))
		return bad_argument(session, type_name,
				    "use full, copy, incremental, differential, log or other",
				    "there is no such type of backup");
	if (exchange_act(session) ||
	    shadowcopy_backup_set_state(session->sc, backup, type, components, bootable, partial))
		return session_fail_library(session);
	session->may_degrade = degrade;
	session->timeout_ms = timeout;
	session_done(session, session->state, NULL);
}

/* B-06 */
static void call_set_restore_state(struct session *session, json_t *arguments)
{
	const char *name = json_string_value(json_object_get(arguments, "type"));
	uint32_t type;

	if (!name || !find_word(restore_types, name, &type))
		return bad_argument(session, name ?: "type", "use copy, import or other",
				    "there is no such type of restore");
	if (exchange_act(session) ||
	    shadowcopy_backup_set_restore_type(session->sc, session->backup, type))
		return session_fail_library(session);
	session_done(session, session->state, NULL);
}

static int take_part(void *data, const struct shadowcopy_channel_writer *writer)
{
	struct session *session = data;
	struct participant *p;

	/* The instance of a writer in a file can be read there, and the module does not know it. */
	if (participant_find(session, &writer->instance_id)) {
		log_often(4, "writer %s of user %u is left out: another one has its instance",
			  writer->name, writer->uid);
		return 0;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->info = *writer;
	p->state = WRITER_STABLE;
	link_add(&session->participants, &p->link);
	return 0;
}

static void forget_participants(struct session *session)
{
	EACH(p, &session->participants, struct participant, link) {
		link_remove(&p->link);
		shadowcopy_metadata_free(p->metadata);
		free(p);
	}
}

/* Who does not identify itself is not there (C-20): it costs nobody a backup. */
static void metadata_gathered(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	EACH(p, &session->participants, struct participant, link)
		if (p->out)
			p->part = PART_ABSENT;
	session_done(session, session->state == SESSION_RESTORE_INIT ? SESSION_CHOOSING :
		     SESSION_METADATA, json_pack("{s:o, s:O}", "writers",
						 participants_json(session), "problems",
						 session->problems));
}

static void gather_registered(struct session *session)
{
	struct failure failure;
	int rc = writers_each(take_part, session);

	if (rc == -ENOMEM) {
		failure_set(&failure, "OUTOFMEMORY", rc, "metadata", "", "",
			    "there is not enough memory");
		return session_fail(session, session->state, &failure);
	}
	if (rc) {
		failure_set(&failure, "WRITER_INFRASTRUCTURE", rc, "metadata",
			    "the module's channel", "load the module \"shadow\", or see the log "
			    "of shadowd", "the module's list of writers cannot be read");
		return session_fail(session, session->state, &failure);
	}
	round_start(session, SHADOW_NL_TELL_IDENTIFY, 0, metadata_gathered);
}

/* To see who may be a writer files are opened. */
static void gather_when_released(struct session *session)
{
	session_defer(session, gather_registered);
}

static void go_on(void)
{
	EACH(session, &list, struct session, link) {
		void (*fn)(struct session *session) = session->deferred;

		session->deferred = NULL;
		if (fn)
			fn(session);
	}
}

void sessions_init(void)
{
	log_when_released(go_on);
}

void session_defer(struct session *session, void (*fn)(struct session *session))
{
	if (log_held())
		session->deferred = fn;
	else
		fn(session);
}

static void call_gather_metadata(struct session *session, json_t *arguments)
{
	(void)arguments;
	if (session->context & SHADOWCOPY_ATTR_NO_WRITERS)
		return bad_argument(session, shadowcopy_context_name(session->context),
				    "begin the set at once, or use another context",
				    "the context has no writers");
	forget_participants(session);
	express_gather(session, gather_when_released);
}

static bool is_named(const struct participant *p, const char *name)
{
	struct shadow_uuid uuid;

	if (!shadowcopy_uuid_parse(name, &uuid))
		return uuid_same(&p->info.class_id, &uuid) ||
		       uuid_same(&p->info.instance_id, &uuid);
	return !strcmp(p->info.name, name);
}

/* By name, class or instance: how many it is, or -1 after an answer. */
static int each_named(struct session *session, json_t *arguments,
		      void (*fn)(struct participant *p, bool named))
{
	const char *name = json_string_value(json_object_get(arguments, "writer"));
	int found = 0;

	EACH(p, &session->participants, struct participant, link)
		found += name && is_named(p, name);
	if (!found) {
		bad_argument(session, name ?: "writer", "name it, its class or its instance; "
			     "\"shadowadm writer status\" says which there are", name ?
			     "there is no such writer" : "no writer was named");
		return -1;
	}
	EACH(p, &session->participants, struct participant, link)
		fn(p, is_named(p, name));
	return found;
}

static void exclude(struct participant *p, bool named)
{
	if (named && takes_part(p))
		p->part = PART_EXCLUDED;
}

static void exclude_others(struct participant *p, bool named)
{
	if (!named && takes_part(p))
		p->part = PART_EXCLUDED;
}

static void include(struct participant *p, bool named)
{
	if (named && p->part == PART_EXCLUDED)
		p->part = PART_TAKES;
}

/* C-21: one that has failed to prepare, or is not wanted any more, undoes what it has begun. */
static void abort_excluded(struct session *session)
{
	EACH(p, &session->participants, struct participant, link)
		if (p->part == PART_EXCLUDED && p->begun && !p->aborted) {
			p->aborted = true;
			writer_tell(&p->info.instance_id, &session->uuid, session_set(session),
				    SHADOW_NL_TELL_ABORT, 60000);
		}
}

/* B-07: several calls add up. */
static void call_exclude_writer(struct session *session, json_t *arguments)
{
	int found = each_named(session, arguments, exclude);

	if (found > 0 && session->state == SESSION_PREPARED)
		abort_excluded(session);
	if (found > 0)
		session_done(session, session->state, json_pack("{s:i}", "excluded", found));
}

/* The first one leaves only those; further ones add to them. */
static void call_include_writer(struct session *session, json_t *arguments)
{
	int found = each_named(session, arguments, session->including ? include : exclude_others);

	if (found < 0)
		return;
	session->including = true;
	session_done(session, session->state, json_pack("{s:i}", "included", found));
}

static void call_start_set(struct session *session, json_t *arguments)
{
	(void)arguments;
	session_done(session, SESSION_SET, NULL);
}

static void call_is_volume_supported(struct session *session, json_t *arguments)
{
	const char *volume = NULL, *provider = NULL;

	if (json_unpack(arguments, "{s:s, s?s}", "volume", &volume, "provider", &provider))
		return bad_argument(session, "is-volume-supported", "volume names a device or a "
				    "mount point", "no volume was named");
	if (session->making.count == SHADOW_MAX_SET_VOLUMES)
		return bad_argument(session, volume, "ask before", "the set is full");
	lookup_volume(session, volume, NULL, provider, true);
}

static void call_add_volume(struct session *session, json_t *arguments)
{
	const char *volume = NULL, *store = NULL, *provider = NULL;
	struct failure failure;

	if (json_unpack(arguments, "{s:s, s?s, s?s}", "volume", &volume, "store", &store,
			"provider", &provider))
		return bad_argument(session, "add-volume", "volume names a device or a mount point",
				    "no volume was named");
	if (store && session->uid) {
		/* what is on it may be lost, and it may be anywhere */
		failure_set(&failure, "ACCESSDENIED", -EPERM, "arguments", store,
			    "leave it out: stores.conf says where stores are",
			    "only root may name a store");
		return session_fail(session, session->state, &failure);
	}
	if (session->making.count == SHADOW_MAX_SET_VOLUMES) {
		failure_set(&failure, "MAXIMUM_NUMBER_OF_VOLUMES_REACHED", -E2BIG, "arguments",
			    volume, "divide the volumes among several sets",
			    "a set has %d volumes at most", SHADOW_MAX_SET_VOLUMES);
		return session_fail(session, session->state, &failure);
	}
	lookup_volume(session, volume, store, provider, false);
}

static void backup_prepared(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	session_done(session, SESSION_PREPARED,
		     json_pack("{s:o, s:i}", "writers", participants_json(session), "failed",
			       round->failed));
}

static void prepare(struct session *session)
{
	session->parts_found = true;
	round_start(session, SHADOW_NL_TELL_PREPARE_BACKUP, 0, backup_prepared);
}

static void call_prepare_backup(struct session *session, json_t *arguments)
{
	(void)arguments;
	part_find(session, prepare);
}

static void create(struct session *session)
{
	session->parts_found = true;
	enter(session, SESSION_CREATING);
	set_create(session);
}

static void call_create_set(struct session *session, json_t *arguments)
{
	(void)arguments;
	if (!session->making.count)
		return bad_argument(session, "create-set", "add-volume comes before",
				    "the set has no volume");
	if (session->parts_found)
		create(session);
	else
		part_find(session, create);
}

/* What it waits for, where that can be for ever. */
static json_t *place_json(const struct session *session)
{
	char place[ERRAND_PLACE];

	return errand_place(session, place) ? json_string(place) : NULL;
}

static void call_status(struct session *session, json_t *arguments)
{
	(void)arguments;
	session_done(session, session->state,
		     json_pack("{s:s, s:o, s:o*}", "state", state_names[session->state], "writers",
			       participants_json(session), "looking_at", place_json(session)));
}

/* --- all sessions, for who looks after the machine ------------------------------------------ */

/* An answer is one packet. */
#define SESSIONS_WRITERS_MAX 1500

static json_t *volumes_json(const struct session *session)
{
	json_t *array = json_array();
	size_t i;

	/* a thread changes only what is behind them */
	for (i = 0; i < session->making.count; i++)
		json_array_append_new(array, json_string(session->making.volumes[i].path));
	return array;
}

static json_t *session_json(const struct session *session)
{
	char text[SHADOWCOPY_UUID_LEN];
	int64_t now = now_ms();

	return json_pack("{s:s, s:i, s:i, s:s, s:s?, s:I, s:I, s:o, s:o*}", "session",
			 shadowcopy_uuid_format(&session->uuid, text), "uid", (int)session->uid,
			 "pid", (int)session->pid, "state", state_names[session->state],
			 "step", set_step(session),
			 "seconds", (json_int_t)(now - session->opened_ms) / 1000,
			 "state_seconds", (json_int_t)(now - session->entered_ms) / 1000,
			 "volumes", volumes_json(session), "looking_at", place_json(session));
}

static void call_sessions(struct session *asking, json_t *arguments)
{
	json_t *array = json_array(), *json, *writers;
	bool truncated = false;
	size_t count = 0;

	(void)arguments;
	EACH(session, &list, struct session, link) {
		if (session == asking)
			continue;
		json = session_json(session);
		writers = participants_json(session);
		count += json_array_size(writers);
		if (count > SESSIONS_WRITERS_MAX) {
			truncated = true;
			json_array_clear(writers);
		}
		json_object_set_new(json, "writers", writers);
		json_array_append_new(array, json);
	}
	session_done(asking, asking->state, json_pack("{s:o, s:b}", "sessions", array, "truncated",
						      truncated));
}

static void backup_completed(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	session_done(session, SESSION_COMPLETE,
		     json_pack("{s:o, s:i}", "writers", participants_json(session), "failed",
			       round->failed));
}

static void call_backup_complete(struct session *session, json_t *arguments)
{
	struct timespec now;

	(void)arguments;
	clock_gettime(CLOCK_REALTIME, &now);
	if (shadowcopy_backup_act(session->sc, session->backup, SHADOWCOPY_ROLE_REQUESTER,
				  SHADOWCOPY_STEP_COMPLETE) ||
	    shadowcopy_backup_set_completed(session->sc, session->backup,
					    now.tv_sec * 1000000000LL + now.tv_nsec))
		return session_fail_library(session);
	round_start(session, SHADOW_NL_TELL_BACKUP_COMPLETE, 0, backup_completed);
}

static void aborted(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	session->restores = false;
	session->undoing = false;
	session_done(session, SESSION_ABORTED, NULL);
}

static void undo(struct session *session)
{
	session->undoing = true;
	round_start(session, SHADOW_NL_TELL_ABORT, 0, aborted);
}

/* B-24: whatever was begun is undone; nothing begun is no error. */
static void call_abort(struct session *session, json_t *arguments)
{
	(void)arguments;
	if (session->state < SESSION_SET || session->state > SESSION_PREPARED)
		return session_done(session, session->state, NULL);
	undo(session);
}

static void call_keep(struct session *session, json_t *arguments)
{
	struct failure failure;

	(void)arguments;
	if (!session->making.set || shadowcopy_set_keep(session->making.set, NULL)) {
		failure_of_library(&failure, session->making.sc);
		return session_fail(session, session->state, &failure);
	}
	session->keep = true;
	session_done(session, session->state, NULL);
}

/* --- restore (B-41) ------------------------------------------------------------------------ */

static void pre_restored(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	session_done(session, SESSION_RESTORING,
		     json_pack("{s:o, s:i}", "writers", participants_json(session), "failed",
			       round->failed));
}

static void call_pre_restore(struct session *session, json_t *arguments)
{
	const struct participant *p = NULL;
	struct failure failure;

	(void)arguments;
	part_find_restored(session);
	EACH(other, &list, struct session, link)
		if (!p && other != session && other->restores)
			p = part_restored_elsewhere(session, other);
	if (p) {
		failure_set(&failure, "BAD_STATE", -EBUSY, "session", p->info.name,
			    "wait until that is over", "another restore of its data is under "
			    "way, and it cannot bear several");
		failure.retry_seconds = 60;
		return session_fail(session, session->state, &failure);
	}
	session->restores = true;
	round_start(session, SHADOW_NL_TELL_PRE_RESTORE, 0, pre_restored);
}

static void restore_noted(struct session *session)
{
	session_done(session, SESSION_RESTORED,
		     json_pack("{s:o, s:i}", "writers", participants_json(session), "failed",
			       session->round.failed));
}

static void note_restore(struct session *session)
{
	restored_note(session, restore_noted);
}

static void post_restored(struct round *round)
{
	struct session *session = ENTRY(round, struct session, round);

	session->restores = false;
	exchange_when_free(session, note_restore);
}

/*
 * L-03: a writer that was started again meanwhile is the same one, with a new instance.
 * Anybody who may be a writer can say that he is one of that class: only the same user's
 * gets what it was, or root's.
 */
static int bind_again(void *data, const struct shadowcopy_channel_writer *writer)
{
	struct session *session = data;

	if (participant_find(session, &writer->instance_id))
		return 0;
	EACH(p, &session->participants, struct participant, link)
		if (!p->present && !p->express &&
		    (!writer->uid || writer->uid == p->info.uid) &&
		    uuid_same(&p->info.class_id, &writer->class_id) &&
		    !strcmp(p->info.instance_name, writer->instance_name)) {
			p->info = *writer;
			p->present = true;
			p->out = false;
			p->state = WRITER_STABLE;
			break;
		}
	return 0;
}

static int note_present(void *data, const struct shadowcopy_channel_writer *writer)
{
	struct participant *p = participant_find(data, &writer->instance_id);

	if (p)
		p->present = true;
	return 0;
}

static void post_restore(struct session *session)
{
	EACH(p, &session->participants, struct participant, link)
		p->present = false;
	if (!writers_each(note_present, session))
		writers_each(bind_again, session);
	part_find_replaced(session);
	round_start(session, SHADOW_NL_TELL_POST_RESTORE, 0, post_restored);
}

static void call_post_restore(struct session *session, json_t *arguments)
{
	(void)arguments;
	session_defer(session, post_restore);
}

/* --- the table -------------------------------------------------------------------------------- */

#define RESTORE (IN(RESTORE_INIT) | IN(CHOOSING) | IN(RESTORING) | IN(RESTORED))

/* What may come when, and what to do before it. */
static const struct {
	const char *name;
	uint32_t in;
	const char *order;
	void (*fn)(struct session *session, json_t *arguments);
} calls[] = {
	{ "init-backup", IN(NEW), "once, before all others", call_init_backup },
	{ "set-context", IN(INIT), "after init-backup, before gather-metadata and start-set",
	  call_set_context },
	{ "set-backup-state", IN(INIT) | IN(METADATA) | IN(SET),
	  "after init-backup, before prepare-backup", call_set_backup_state },
	{ "gather-metadata", IN(INIT) | IN(RESTORE_INIT),
	  "once, after init-backup or init-restore, before start-set", call_gather_metadata },
	{ "exclude-writer", IN(METADATA) | IN(PREPARED) | IN(CHOOSING),
	  "after gather-metadata, before start-set or pre-restore, or after prepare-backup",
	  call_exclude_writer },
	{ "include-writer", IN(METADATA) | IN(CHOOSING),
	  "after gather-metadata, before start-set or pre-restore", call_include_writer },
	{ "get-metadata", IN(METADATA) | IN(SET) | IN(PREPARED) | IN(CREATED) | IN(COMPLETE) |
	  RESTORE, "after gather-metadata", call_get_metadata },
	{ "get-document", ANY & ~IN(NEW), "after init-backup or init-restore",
	  call_get_document },
	{ "put-document", IN(INIT) | IN(METADATA) | IN(SET) | IN(PREPARED) | IN(CREATED) | RESTORE,
	  "after init-backup or init-restore, and not at its end", call_put_document },
	{ "start-set", IN(INIT) | IN(METADATA), "once, after gather-metadata", call_start_set },
	{ "add-volume", IN(SET), "after start-set, before prepare-backup", call_add_volume },
	{ "is-volume-supported", IN(INIT) | IN(METADATA) | IN(SET),
	  "after init-backup, before prepare-backup", call_is_volume_supported },
	{ "prepare-backup", IN(SET), "after start-set", call_prepare_backup },
	{ "create-set", IN(SET) | IN(PREPARED), "after prepare-backup", call_create_set },
	{ "status", ANY, "", call_status },
	{ "sessions", ANY, "", call_sessions },
	{ "keep", IN(CREATED) | IN(COMPLETE), "after create-set", call_keep },
	{ "backup-complete", IN(CREATED), "once, after create-set", call_backup_complete },
	{ "abort", ANY, "", call_abort },
	{ "init-restore", IN(NEW), "once, before all others", call_init_restore },
	{ "set-restore-state", IN(RESTORE_INIT) | IN(CHOOSING),
	  "after init-restore, before pre-restore", call_set_restore_state },
	{ "pre-restore", IN(CHOOSING), "once, after gather-metadata", call_pre_restore },
	{ "post-restore", IN(RESTORING), "once, after pre-restore", call_post_restore },
};

static void bad_state(struct session *session, const char *call, const char *remedy,
		      const char *cause)
{
	struct failure failure;

	failure_set(&failure, "BAD_STATE", -EBADFD, "session", call, remedy, "%s", cause);
	session_fail(session, session->state, &failure);
}

/* What changes nothing is answered while another call is under way, too. */
static bool only_asks(size_t call)
{
	return calls[call].fn == call_status || calls[call].fn == call_sessions;
}

/* Answers another call than the one under way. */
static void aside(struct session *session, json_t *id,
		  void (*fn)(struct session *session, json_t *arguments), json_t *arguments)
{
	json_t *under_way = session->reply, *abort_id = session->abort_id;

	session->reply = json_incref(id);
	session->abort_id = NULL;
	fn(session, arguments);
	session->reply = under_way;
	session->abort_id = abort_id;
}

/* Why a call ends that was aborted, and what it waited for. */
static struct failure asked(const struct session *session)
{
	char place[ERRAND_PLACE];
	struct failure failure;

	if (errand_place(session, place))
		failure_set(&failure, "BAD_STATE", -ECANCELED, "session", place, "see whether the "
			    "filesystem there answers", "the requester aborted it while that was "
			    "looked at");
	else
		failure_set(&failure, "BAD_STATE", -ECANCELED, "session", "", "",
			    "the requester aborted it");
	return failure;
}

/* Whom is there anything left to abort?  Who was told that the shadow is there has not (C-28). */
static bool is_to_abort(const struct session *session)
{
	switch (session->state) {
	case SESSION_CREATED:
	case SESSION_COMPLETE:
	case SESSION_ABORTED:
	case SESSION_FAILED:
	case SESSION_RESTORED:
		return false;
	default:
		return true;
	}
}

/* A call has been answered: now the abort that waited for that. */
static void abort_asked(struct session *session)
{
	if (!session->abort_id || session->closing)
		return;
	session->reply = session->abort_id;
	session->abort_id = NULL;
	if (is_to_abort(session))
		return undo(session);
	round_drop(session);
	session_done(session, session->state == SESSION_CREATED ? SESSION_ABORTED : session->state,
		     NULL);
}

void session_go_on(struct session *session, void (*fn)(struct session *session))
{
	struct failure failure = asked(session);

	if (session->closing)
		session_settle(session);
	else if (session->abort_id)
		session_fail(session, session->state, &failure);
	else
		fn(session);
}

/*
 * An abort of the call under way.  A set is given up, a round is over, what may never end is let
 * go of; what a thread does with the session, which is never long, is waited for.
 */
static void abort_call(struct session *session, json_t *id, json_t *arguments)
{
	struct failure failure = asked(session);

	if (session->state == SESSION_CREATING) {
		aside(session, id, call_status, arguments);
		set_abort(session, &failure);
		return;
	}
	if (session->abort_id || session->undoing)
		return aside(session, id, call_status, arguments);
	errand_drop(session);
	session->abort_id = json_incref(id);
	if (session->working)
		return;
	session->deferred = NULL;
	session_forget_postponed(session);
	session_fail(session, session->state, &failure);
}

void session_forget_postponed(struct session *session)
{
	json_decref(session->postponed);
	session->postponed = NULL;
	session->when_free = NULL;
	if (session->postponed_fd >= 0)
		close(session->postponed_fd);
	session->postponed_fd = -1;
}

static void call_postponed(struct session *session)
{
	json_t *arguments = session->postponed;

	session->postponed = NULL;
	session->document_fd = session->postponed_fd;
	session->postponed_fd = -1;
	session->postponed_fn(session, arguments);
	if (session->document_fd >= 0)
		close(session->document_fd);
	session->document_fd = -1;
	json_decref(arguments);
}

/* What a writer has still under way with the session's document comes first. */
static void call_when_free(struct session *session,
			   void (*fn)(struct session *session, json_t *arguments),
			   json_t *arguments)
{
	if (!exchange_busy(session))
		return fn(session, arguments);
	session->postponed_fn = fn;
	session->postponed = json_incref(arguments);
	session->postponed_fd = session->document_fd;
	session->document_fd = -1;
	exchange_when_free(session, call_postponed);
}

static void dispatch(struct session *session, const char *call, json_t *id, json_t *arguments)
{
	char cause[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i].name, call))
			break;
	if (session->reply && i < ARRAY_SIZE(calls) && only_asks(i))
		return aside(session, id, calls[i].fn, arguments);
	if (session->reply && i < ARRAY_SIZE(calls) && calls[i].fn == call_abort)
		return abort_call(session, id, arguments);
	if (session->reply) {
		json_t *under_way = session->reply, *abort_id = session->abort_id;

		session->reply = json_incref(id);
		session->abort_id = NULL;
		bad_state(session, call, "wait for its answer", "another call is under way");
		session->reply = under_way;
		session->abort_id = abort_id;
		return;
	}
	session->reply = json_incref(id);
	if (i == ARRAY_SIZE(calls)) {
		bad_state(session, call, "", "there is no such call");
	} else if (!(calls[i].in & 1U << session->state)) {
		snprintf(cause, sizeof(cause), "the session is in state \"%s\"",
			 state_names[session->state]);
		bad_state(session, call, calls[i].order, cause);
	} else if (only_asks(i)) {
		calls[i].fn(session, arguments);
	} else {
		call_when_free(session, calls[i].fn, arguments);
	}
}

void session_call(struct session *session, const char *call, json_t *id, json_t *arguments,
		  int fd)
{
	int before = session->document_fd;

	session->document_fd = fd;
	dispatch(session, call, id, arguments);
	if (session->document_fd >= 0)
		close(session->document_fd);
	session->document_fd = before;
}
