// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - what happens at what the writer is told.
 *
 * One session with the server lasts from prepare-snapshot to thaw, and with it the locks.  That
 * it can end them at thaw is the proof that they were held all the time: had the session been
 * lost in between, or the server, nobody could say what was written at the instant, and the
 * thaw fails.
 *
 * A server that is stopped has nothing to do, and is at rest; but it must still be stopped at
 * each step.  A server whose volumes are partly in the set and partly not would not survive
 * being restored, and the set is refused; one of which nothing is in the set is left alone.
 *
 * From freeze to thaw nothing is logged: the log may be on a volume that stands still.
 */
#include <errno.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mariadb.h"

#define CONNECT_S 10
#define THAW_S 10
#define ABORT_S 3
#define NAME "mariadb"
#define CLASS "aed6dd0d-9ec9-4828-9eb6-6095c068b783"

enum phase {
	IDLE,
	APART,		/* nothing of it is in the set */
	STOPPED,	/* the server is */
	PREPARED,
	FROZEN,
	RESTED,		/* thawed: it was at rest at the instant */
};

struct writer {
	struct shadowcopy *sc;
	struct shadowcopy_writer *handle;
	const struct options *options;
	struct server server;		/* as it was when it was last reached */

	enum phase phase;
	struct shadow_uuid id;		/* the coordinator's session that it is in */
	struct session session;
	const struct lock_method *method;
	struct places places;
	struct position position;
	int64_t frozen_ms;
};

/* --- how it failed ------------------------------------------------------------------ */

static int fail_by_session(const struct session *s, struct shadowcopy_writer_event *event,
			   const char *remedy)
{
	const char *text = s->text;

	if (session_status(s) == SHADOW_NL_STATUS_NONRETRYABLE)
		remedy = "the user needs RELOAD and BINLOG MONITOR, see shadow-writer-mariadb(8)";
	return shadowcopy_writer_event_fail(event, session_status(s), s->error, "%s%s%s", text,
					    remedy ? "; " : "", remedy ?: "");
}

static int fail_by_library(struct writer *w, struct shadowcopy_writer_event *event)
{
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0, "%s",
					    shadowcopy_last_error(w->sc)->text);
}

/* The server cannot be reached.  0: because it is stopped. */
static int fail_unless_stopped(struct writer *w, const struct session *s,
			       struct shadowcopy_writer_event *event)
{
	const char *datadir = w->server.values[V_DATADIR];
	int rc = server_runs(&w->server);

	if (!rc)
		return 0;
	if (rc > 0)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, s->error,
						    "%s; but a server has the files in %s locked: "
						    "it starts or stops, or listens elsewhere "
						    "(--socket)", s->text, datadir);
	if (rc == -ENOENT)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, s->error,
						    "%s; and %s has no data of a server: say where "
						    "it is by --socket and --datadir", s->text,
						    datadir);
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, s->error,
					    "%s; and whether it runs cannot be seen in %s: %s: run "
					    "the writer as its user", s->text, datadir,
					    strerror(-rc));
}

static int still_stopped(struct writer *w, struct shadowcopy_writer_event *event)
{
	if (!server_runs(&w->server))
		return 0;
	w->phase = IDLE;
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
					    "the server in %s was stopped, and was started "
					    "meanwhile: try again", w->server.values[V_DATADIR]);
}

/* --- steps --------------------------------------------------------------------------- */

static bool is_ours(const struct writer *w, const struct shadowcopy_writer_event *event)
{
	return w->phase != IDLE &&
	       !memcmp(&w->id, shadowcopy_writer_event_session(event), sizeof(w->id));
}

/* Whatever was begun: the server goes on. */
static void drop(struct writer *w)
{
	const struct limit limit = limit_of(ABORT_S, NULL);

	if (w->session.mysql && w->method && (w->phase == PREPARED || w->phase == FROZEN))
		rest_end(&w->session, &limit, w->method);
	session_close(&w->session);
	position_clear(&w->position);
	w->phase = IDLE;
}

/* Is the server chosen, whatever the volumes?  1, 0, or a negative errno. */
static int is_chosen(struct writer *w, struct shadowcopy_writer_event *event)
{
	struct shadowcopy_backup *backup;

	if (shadowcopy_writer_event_backup(event, &backup))
		return fail_by_library(w, event);
	return backup->component_mode && backup->writer_count;
}

static int fail_by_place(struct shadowcopy_writer_event *event, const struct place *out,
			 const struct place *in)
{
	if (!in)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_INCONSISTENT, 0,
						    "the server is to be backed up, and the volume "
						    "of %s (%s) is not in the set: add it",
						    out->dir, out->what);
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_INCONSISTENT, 0,
					    "the volume of %s (%s) is not in the set, that of %s "
					    "(%s) is: add it, they are of use together only",
					    out->dir, out->what, in->dir, in->what);
}

/* 1: all that the server has is in the set, 0: nothing; or a negative errno. */
static int check_places(struct writer *w, struct shadowcopy_writer_event *event)
{
	const struct place *in = NULL, *out = NULL, *place;
	size_t i;
	int rc;

	rc = places_find(&w->places, &w->server);
	if (rc)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, -rc,
						    "where tables are cannot be seen in %s: %s: "
						    "run the writer as the server's user",
						    w->server.values[V_DATADIR], strerror(-rc));
	for (i = 0; i < w->places.count; i++) {
		place = &w->places.all[i];
		rc = shadowcopy_writer_event_path_affected(event, place->dir);
		if (rc < 0)
			return fail_by_library(w, event);
		if (rc)
			in = in ?: place;
		else
			out = out ?: place;
	}
	if (!out)
		return 1;
	rc = in ? 1 : is_chosen(w, event);
	return rc > 0 ? fail_by_place(event, out, in) : rc;
}

/* A table whose DATA DIRECTORY has come since. */
static int check_places_again(struct writer *w, struct shadowcopy_writer_event *event)
{
	struct places now = { 0 };
	const struct place *new = NULL;
	int rc = places_find(&now, &w->server);

	if (!rc)
		new = places_elsewhere(&now, &w->places);
	if (rc || new)
		rc = shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						  "%s (%s) has come while the backup began: try "
						  "again", new ? new->dir : "something",
						  new ? new->what : strerror(-rc));
	places_clear(&now);
	return rc;
}

/* 1: there is a session, 0: the server is stopped; or a negative errno. */
static int reach(struct writer *w, struct shadowcopy_writer_event *event)
{
	const struct limit limit = limit_of(CONNECT_S, event);
	struct session *s = &w->session;

	if (!session_open(s, w->options, &limit)) {
		if (!server_read(&w->server, s, &limit))
			return 1;
		session_close(s);
		return fail_by_session(s, event, NULL);
	}
	return s->refused ? fail_by_session(s, event, NULL) : fail_unless_stopped(w, s, event);
}

/* --- handlers ------------------------------------------------------------------------- */

static int on_identify(struct shadowcopy_writer_event *event, void *data)
{
	const struct limit limit = limit_of(CONNECT_S, event);
	struct places places = { 0 };
	struct writer *w = data;
	struct session s;
	int rc;

	/* beside a backup; where it cannot be reached by what is known: why is said later */
	if (!session_open(&s, w->options, &limit))
		server_read(&w->server, &s, &limit);
	session_close(&s);
	rc = places_find(&places, &w->server);
	if (rc != -ENOMEM)
		rc = metadata_fill(w->sc, event, w->options, &w->server, &places);
	places_clear(&places);
	return rc ? fail_by_library(w, event) : 0;
}

static int on_prepare_snapshot(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *w = data;
	struct limit limit;
	int there, in;

	drop(w);
	w->id = *shadowcopy_writer_event_session(event);
	there = reach(w, event);
	if (there < 0)
		return there;
	in = check_places(w, event);
	if (in <= 0 || !there) {
		session_close(&w->session);
		w->phase = in < 0 ? IDLE : in ? STOPPED : APART;
		if (w->phase == STOPPED)
			writer_log(5, "the server in %s is stopped: there is nothing to bring to "
				   "rest", w->server.values[V_DATADIR]);
		return in < 0 ? in : 0;
	}
	limit = limit_of(w->options->prepare_s + REST_MARGIN_S, event);
	w->phase = PREPARED;
	if (rest_prepare(&w->session, &limit, &w->server, &w->method)) {
		session_close(&w->session);
		w->phase = IDLE;
		return fail_by_session(&w->session, event, NULL);
	}
	return 0;
}

static int freeze(struct writer *w, struct shadowcopy_writer_event *event)
{
	const unsigned int wait_s = w->options->lock_wait_s;
	struct limit limit = limit_of(wait_s + REST_MARGIN_S, event);
	char remedy[128];

	/* the time for its answer may be shorter than what we are told to wait */
	shadowcopy_writer_event_extend(event, (wait_s + 3 * REST_MARGIN_S) * 1000);
	if (!rest_freeze(&w->session, &limit, w->method) &&
	    !rest_position(&w->session, &limit, &w->server, &w->position))
		return check_places_again(w, event);
	snprintf(remedy, sizeof(remedy), "a statement runs for longer than %u s: wait for its "
		 "end, or allow more by --lock-wait", wait_s);
	return fail_by_session(&w->session, event,
			       w->session.error == ER_LOCK_WAIT_TIMEOUT ? remedy : NULL);
}

static int on_freeze(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *w = data;
	int rc;

	if (!is_ours(w, event))
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						    "it was not told to prepare");
	if (w->phase == APART)
		return 0;
	if (w->phase == STOPPED)
		return still_stopped(w, event);
	rc = freeze(w, event);
	if (rc) {
		drop(w);
		return rc;
	}
	w->phase = FROZEN;
	w->frozen_ms = now_ms();
	return 0;
}

static void log_rest(const struct writer *w, const struct shadowcopy_writer_event *event)
{
	const struct position *p = &w->position;
	char set[SHADOWCOPY_UUID_LEN];

	writer_log(6, "set %s: at rest for %lld ms; binary log %s, position %llu, GTID \"%s\", "
		   "replicated \"%s\"",
		   shadowcopy_uuid_format(shadowcopy_writer_event_set(event), set),
		   (long long)(now_ms() - w->frozen_ms), p->file ?: "off", p->offset,
		   p->gtid ?: "", p->replicated ?: "");
}

static int on_thaw(struct shadowcopy_writer_event *event, void *data)
{
	const struct limit limit = limit_of(THAW_S, NULL);
	struct writer *w = data;
	int lost;

	if (is_ours(w, event) && w->phase == APART)
		return 0;
	if (is_ours(w, event) && w->phase == STOPPED)
		return still_stopped(w, event);
	if (!is_ours(w, event) || w->phase != FROZEN)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						    "it was not frozen");
	lost = rest_end(&w->session, &limit, w->method);
	session_close(&w->session);
	if (lost) {
		w->phase = IDLE;
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE,
						    w->session.error, "the server's locks were "
						    "lost between freeze and thaw, so it may have "
						    "written at the instant: %s; see the server's "
						    "log", w->session.text);
	}
	w->phase = RESTED;
	log_rest(w, event);
	return 0;
}

/* What a restore, or who sets up a replica by it, needs to know. */
static int record(struct writer *w, struct shadowcopy_writer_event *event)
{
	const struct position *p = &w->position;
	char *text, *stamp = NULL;
	int rc;

	if (asprintf(&text, "version=%s\nbinlog_file=%s\nbinlog_position=%llu\n"
		     "gtid_binlog_pos=%s\ngtid_slave_pos=%s\n",
		     w->server.values[V_VERSION], p->file ?: "", p->offset, p->gtid ?: "",
		     p->replicated ?: "") < 0)
		return -ENOMEM;
	if (p->file && asprintf(&stamp, "%s:%llu", p->file, p->offset) < 0) {
		free(text);
		return -ENOMEM;
	}
	rc = metadata_record(w->sc, event, text, p->gtid ?: stamp);
	free(stamp);
	free(text);
	return rc;
}

static int on_post_snapshot(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *w = data;
	int rc = 0;

	if (!is_ours(w, event))
		return 0;
	if (w->phase == RESTED)
		rc = record(w, event);
	else if (w->phase == STOPPED)
		rc = metadata_record(w->sc, event, "server=stopped\n", NULL);
	drop(w);
	return rc ? fail_by_library(w, event) : 0;
}

static int on_abort(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *w = data;

	if (is_ours(w, event))
		drop(w);
	return 0;
}

/* --- interface ------------------------------------------------------------------------- */

/* For who looks at the log after it was started. */
static void introduce(struct writer *w)
{
	const struct limit limit = limit_of(CONNECT_S, NULL);
	struct session s;

	if (!session_open(&s, w->options, &limit) && !server_read(&w->server, &s, &limit))
		writer_log(6, "server %s with its data in %s", w->server.values[V_VERSION],
			   w->server.values[V_DATADIR]);
	else
		writer_log(5, "%s; it is tried again when there is a backup", s.text);
	session_close(&s);
}

int events_open(struct shadowcopy *sc, const struct options *options, struct writer **writerp)
{
	static const struct shadowcopy_writer_ops ops = {
		.identify = on_identify,
		.prepare_snapshot = on_prepare_snapshot,
		.freeze = on_freeze,
		.thaw = on_thaw,
		.post_snapshot = on_post_snapshot,
		.abort = on_abort,
	};
	struct shadowcopy_writer_spec spec = {
		.name = NAME,
		.instance_name = options->instance,
		.level = SHADOW_NL_LEVEL_BACK_END,
		.freeze_ms = options->freeze_s * 1000,
	};
	struct writer *w = calloc(1, sizeof(*w));
	int rc = w ? server_assume(&w->server, options->datadir) : -ENOMEM;

	if (rc) {
		writer_log(3, "there is not enough memory");
		free(w);
		return rc;
	}
	w->sc = sc;
	w->options = options;
	introduce(w);
	shadowcopy_uuid_parse(CLASS, &spec.class_id);
	rc = shadowcopy_writer_open(sc, &spec, &ops, w, &w->handle);
	if (rc) {
		writer_log(3, "%s", shadowcopy_last_error(sc)->text);
		events_close(w);
		return rc;
	}
	*writerp = w;
	return 0;
}

struct shadowcopy_writer *events_writer(const struct writer *w)
{
	return w->handle;
}

void events_close(struct writer *w)
{
	shadowcopy_writer_close(w->handle);	/* its abort handler may be called */
	drop(w);
	places_clear(&w->places);
	server_clear(&w->server);
	free(w);
}
