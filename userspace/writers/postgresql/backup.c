// SPDX-License-Identifier: GPL-2.0-only
/*
 * backup.c - what the writer does when it is told something.
 *
 * light: nothing is held.  Shadows of one set are of one instant, so all files together are
 * what a crash would have left, and the server recovers from that to the last committed
 * transaction.  Two things have to be seen to: that everything is in the set (or it is no
 * one instant), and that recovery is short (a checkpoint while there is time for it).
 *
 * api: pg_backup_start() and pg_backup_stop() around the shadow, in one session, which is
 * what the server asks of those who copy its files at leisure.  What comes of it are two
 * files that go into the document.  It is for archives of the log, and for volumes that
 * are not in one set; to be restored it needs the log up to pg_backup_stop(), which no
 * shadow can have.
 *
 * A cluster without a server is at rest, and nothing is to be done.  Whether there is
 * none is asked of its files, and only after a server has not answered.
 *
 *	prepare-snapshot  connect; CHECKPOINT, or pg_backup_start(fast)
 *	freeze		  is that session there still?
 *	thaw		  nothing
 *	post-snapshot	  pg_backup_stop(), wait for the archive; the document
 *	abort, shutdown	  close the session: the server drops what it has begun
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postgresql.h"

#define FREEZE_S 5		/* half of what a freeze may take to be answered */
#define POST_S 120
#define CONNECT_S 20
#define OLDEST 100000		/* version 10: pg_wal has its name */
#define NEW_NAMES 150000	/* pg_backup_start() */

#define DENIED "42501"		/* SQLSTATE: insufficient_privilege */

static void forget(struct writer *writer)
{
	struct backup *backup = &writer->backup;

	server_close(&writer->server);
	free(backup->outside);
	free(backup->label);
	free(backup->map);
	*backup = (struct backup){ 0 };
}

static bool is_of(const struct writer *writer, const struct shadowcopy_writer_event *event)
{
	return !memcmp(&writer->backup.session, shadowcopy_writer_event_session(event),
		       sizeof(writer->backup.session));
}

/* --- is all of it in the set? ----------------------------------------------------------- */

/* Add a line to what is not in the set: 0 or -ENOMEM. */
static int note_outside(struct backup *backup, const struct location *location)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", backup->outside ?: "", backup->outside ? "\n" : "",
		     location->path) < 0)
		return -ENOMEM;
	free(backup->outside);
	backup->outside = longer;
	return 0;
}

/* Which of them are: @takes_part, and the first that is not; 0, or the event fails. */
static int divide(struct backup *backup, struct shadowcopy_writer_event *event,
		  const struct locations *locations, const struct location **outside)
{
	size_t i;
	int rc;

	for (i = 0; i < locations->count; i++) {
		const struct location *location = &locations->list[i];

		rc = shadowcopy_writer_event_path_affected(event, location->path);
		if (rc > 0) {
			backup->takes_part = true;
			continue;
		}
		if (!rc)
			rc = note_outside(backup, location);
		if (rc)
			return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE,
				-rc, "whether %s (%s) is on a volume of the set cannot be found "
				"out: %s", location->what, location->path, strerror(-rc));
		if (!*outside)
			*outside = location;
	}
	return 0;
}

static int look_at(struct writer *writer, struct shadowcopy_writer_event *event,
		   const struct locations *locations)
{
	const struct location *outside = NULL;
	struct backup *backup = &writer->backup;
	int rc = divide(backup, event, locations, &outside);

	if (rc || !outside)
		return rc;
	/* Who has chosen the cluster wants it, and not what happens to be on his volumes. */
	if (!backup->takes_part && metadata_chosen(writer, event) <= 0)
		return 0;
	if (writer->mode == MODE_LIGHT)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_INCONSISTENT, 0,
			"%s (%s) is on a volume that is not in the set, and the files of the "
			"cluster are of use only together", outside->what, outside->path);
	backup->takes_part = true;
	writer_log(5, "%s (%s) is not in the set: a backup without it needs the log", outside->what,
		   outside->path);
	return 0;
}

static int look_at_volumes(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct locations locations;
	int rc = cluster_locate(&writer->cluster, &locations);

	if (rc)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, -rc,
			"where the files of %s are cannot be found out: %s",
			writer->cluster.directory, strerror(-rc));
	rc = look_at(writer, event, &locations);
	cluster_forget(&locations);
	return rc;
}

/* --- the server --------------------------------------------------------------------------- */

static int server_fails(struct writer *writer, struct shadowcopy_writer_event *event,
			const char *what)
{
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0, "%s: %s", what,
					    writer->server.error);
}

/* No server has answered: is there none?  0 with @at_rest, or the event fails. */
static int look_for_server(struct writer *writer, struct shadowcopy_writer_event *event)
{
	int stopped = cluster_is_stopped(&writer->cluster);

	if (stopped > 0) {
		writer_log(6, "the server is stopped: its files are at rest");
		writer->backup.at_rest = true;
		return 0;
	}
	if (stopped < 0)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, -stopped,
			"no server answers (%s), and whether one runs cannot be found out from "
			"%s/postmaster.pid: %s", writer->server.error, writer->cluster.directory,
			strerror(-stopped));
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
		"the server runs, as %s/postmaster.pid says, and does not answer: %s",
		writer->cluster.directory, writer->server.error);
}

/* A session, or @at_rest: 0, or the event fails. */
static int connect_to(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct server *server = &writer->server;
	struct address address;
	int rc;

	server_limit(server, event, CONNECT_S);
	snprintf(server->error, sizeof(server->error), "it has not said where it listens");
	rc = cluster_address(&writer->cluster, &address);
	if (!rc)
		rc = server_connect(server, &address);
	if (rc)
		return look_for_server(writer, event);
	writer->backup.version = PQserverVersion(server->connection);
	if (writer->backup.version < OLDEST)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0,
			"the server is older than PostgreSQL 10: this writer does not know it");
	return 0;
}

/* One word of the server's: 0 with it in @value, or a negative errno. */
static int ask_word(struct server *server, const char *statement, char *value, size_t size)
{
	PGresult *answer = server_ask(server, statement, 0, NULL, 1);

	if (!answer)
		return -EIO;
	snprintf(value, size, "%s", PQgetvalue(answer, 0, 0));
	PQclear(answer);
	return 0;
}

static int ask_position(struct server *server, char *value, size_t size)
{
	return ask_word(server, "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
			"pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() "
			"END", value, size);
}

/* --- light -------------------------------------------------------------------------------- */

/* It only makes recovery shorter: who may not do it has a good image all the same. */
static int checkpoint(struct writer *writer, struct shadowcopy_writer_event *event)
{
	time_t begin = time(NULL);

	server_limit(&writer->server, event, writer->checkpoint_s);
	if (!server_tell(&writer->server, "CHECKPOINT")) {
		writer_log(6, "a checkpoint took %lld s", (long long)(time(NULL) - begin));
		return 0;
	}
	if (strcmp(writer->server.state, DENIED))
		return server_fails(writer, event, "the checkpoint");
	writer_log(4, "no checkpoint (%s): the image will take longer to start; let the role do "
		   "it: GRANT pg_checkpoint TO ..., from PostgreSQL 15 on", writer->server.error);
	return 0;
}

static int prepare_light(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct server *server = &writer->server;
	char fsync[8];

	if (ask_word(server, "SELECT pg_catalog.current_setting('fsync')", fsync, sizeof(fsync)))
		return server_fails(writer, event, "the server's settings");
	if (strcmp(fsync, "on"))
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0,
			"fsync is off: an image of such a server need not be one that it can start "
			"from; set it on, or use --mode api");
	if (checkpoint(writer, event))
		return -ECANCELED;
	if (ask_position(server, writer->backup.start, sizeof(writer->backup.start)))
		return server_fails(writer, event, "the position in the log");
	return 0;
}

/* --- api ---------------------------------------------------------------------------------- */

static int prepare_api(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct backup *backup = &writer->backup;
	char label[64], uuid[SHADOWCOPY_UUID_LEN];
	const char *const parameters[] = { label };
	PGresult *answer;

	snprintf(label, sizeof(label), "shadowcopy %s",
		 shadowcopy_uuid_format(shadowcopy_writer_event_set(event), uuid));
	server_limit(&writer->server, event, writer->checkpoint_s);
	answer = server_ask(&writer->server, backup->version < NEW_NAMES ?
			    "SELECT pg_catalog.pg_start_backup($1, true, false)" :
			    "SELECT pg_catalog.pg_backup_start($1, true)", 1, parameters, 1);
	if (!answer)
		return server_fails(writer, event, "the backup cannot be begun");
	backup->begun = true;
	snprintf(backup->start, sizeof(backup->start), "%s", PQgetvalue(answer, 0, 0));
	PQclear(answer);
	return 0;
}

static int stop_backup(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct backup *backup = &writer->backup;
	PGresult *answer;

	server_limit(&writer->server, event, POST_S);
	/* Without waiting for the archive, or the label would be lost where that takes long. */
	answer = server_ask(&writer->server, backup->version < NEW_NAMES ?
			    "SELECT lsn, labelfile, spcmapfile FROM "
			    "pg_catalog.pg_stop_backup(false, false)" :
			    "SELECT lsn, labelfile, spcmapfile FROM "
			    "pg_catalog.pg_backup_stop(false)", 0, NULL, 3);
	if (!answer)
		return server_fails(writer, event, "the backup cannot be ended, and is void");
	backup->begun = false;
	snprintf(backup->stop, sizeof(backup->stop), "%s", PQgetvalue(answer, 0, 0));
	backup->label = strdup(PQgetvalue(answer, 0, 1));
	backup->map = strdup(PQgetvalue(answer, 0, 2));
	PQclear(answer);
	return backup->label && backup->map ? 0 : -ENOMEM;
}

/* Is there an archive that gets all of the log by itself?  1, 0, or a negative errno. */
static int has_archive(struct server *server)
{
	char word[8];
	int rc = ask_word(server, "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' "
			  "ELSE pg_catalog.current_setting('archive_mode') END", word,
			  sizeof(word));

	if (rc)
		return rc;
	if (!strcmp(word, "off"))
		writer_log(5, "archive_mode is off: the log up to the end of the backup has to be "
			   "kept by other means");
	/* A standby does not end the file that the position is in: that could take for ever. */
	return !strcmp(word, "on") || !strcmp(word, "always");
}

/* Until what the backup needs of the log has been archived. */
static int wait_for_archive(struct writer *writer, struct shadowcopy_writer_event *event)
{
	static const char statement[] =
		"SELECT pg_catalog.pg_walfile_name($1::pg_catalog.pg_lsn) COLLATE \"C\" <= "
		"pg_catalog.left(last_archived_wal, 24) COLLATE \"C\" "
		"FROM pg_catalog.pg_stat_archiver";
	const char *const parameters[] = { writer->backup.stop };
	struct server *server = &writer->server;
	PGresult *answer;
	unsigned int waited;
	int rc = writer->archive_s ? has_archive(server) : 0;
	bool there;

	if (rc <= 0)
		return rc ? server_fails(writer, event, "the server's settings") : 0;
	for (waited = 0; waited <= writer->archive_s; waited++) {
		server_limit(server, event, POST_S);
		answer = server_ask(server, statement, 1, parameters, 1);
		if (!answer)
			return server_fails(writer, event, "whether the log was archived");
		there = !strcmp(PQgetvalue(answer, 0, 0), "t");
		PQclear(answer);
		if (there)
			return 0;
		if (server_pause(server))
			return server_fails(writer, event, "the archive was waited for");
	}
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
		"the log up to %s was not archived within %u s, and the backup is of no use "
		"without it: see pg_stat_archiver", writer->backup.stop, writer->archive_s);
}

/* --- told ----------------------------------------------------------------------------------- */

int backup_prepare(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;
	struct backup *backup = &writer->backup;
	int rc;

	forget(writer);
	backup->session = *shadowcopy_writer_event_session(event);
	rc = look_at_volumes(writer, event);
	if (!rc && backup->takes_part)
		rc = connect_to(writer, event);
	if (!rc && backup->takes_part && !backup->at_rest)
		rc = writer->mode == MODE_API ? prepare_api(writer, event) :
						prepare_light(writer, event);
	if (rc)
		forget(writer);
	return rc;
}

/* It is the last chance to say that the image will not be what it should be. */
int backup_freeze(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;
	struct backup *backup = &writer->backup;

	if (!is_of(writer, event) || !backup->takes_part)
		return 0;
	if (backup->at_rest) {
		if (cluster_is_stopped(&writer->cluster) > 0)
			return 0;
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						    "the server was started meanwhile");
	}
	server_limit(&writer->server, NULL, FREEZE_S);
	if (server_tell(&writer->server, "SELECT 1"))
		return server_fails(writer, event, "the server went away before the freeze");
	return 0;
}

int backup_thaw(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;

	if (is_of(writer, event) && writer->mode == MODE_LIGHT)
		server_close(&writer->server);
	return 0;
}

/*
 * What is to be known of the backup goes into its document.  One without a document is as
 * good in light mode; in api mode it is if all of the cluster was in the set.
 */
static int store(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct backup *backup = &writer->backup;
	int rc = metadata_store(writer, event);

	if (rc == -ENOENT && !(backup->label && backup->outside)) {
		if (backup->label)
			writer_log(5, "the backup has no document to put the label into: its image "
				   "can only be started as one of --mode light");
		return 0;
	}
	return rc ? shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, -rc,
		"what belongs to the backup cannot be put into its document: %s", strerror(-rc)) :
		0;
}

int backup_post(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;
	struct backup *backup = &writer->backup;
	int rc = 0;

	if (!is_of(writer, event) || !backup->takes_part)
		return 0;
	if (backup->begun)
		rc = stop_backup(writer, event);
	if (!rc)
		rc = store(writer, event);
	if (!rc && backup->label)
		rc = wait_for_archive(writer, event);
	forget(writer);
	return rc;
}

int backup_end(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;

	if (is_of(writer, event)) {
		if (writer->backup.begun)
			writer_log(5, "the backup was given up");
		forget(writer);
	}
	return 0;
}
