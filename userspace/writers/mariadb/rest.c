// SPDX-License-Identifier: GPL-2.0-only
/*
 * rest.c - the server's locks, and its place in the binary log.
 *
 * A shadow of InnoDB tables alone would need no lock: it is an instant, and InnoDB recovers
 * from that.  Tables that are not transactional (MyISAM, and what Aria does beside its log),
 * table definitions, and a place in the binary log that fits the data need the server to stop.
 *
 * MariaDB's own stages for that ask little of those who work: with START and FLUSH everything
 * goes on, BLOCK_DDL stops changes of definitions and writes to tables that are not
 * transactional, BLOCK_COMMIT commits; reading never stops.  The locks belong to the session,
 * and end with it, whatever happens to us.  While they are held the server also counts how
 * long we are silent: a writer that hangs is cut off by its wait_timeout.
 *
 * MySQL, and MariaDB before 10.4, know other locks, which stop all writes, and wait for
 * statements that only read, too.
 */
#include <errno.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mariadb.h"

/* The server lets a session go that was silent for so much longer than a freeze. */
#define SILENT_S 5
#define PREPARED_S 86400
/* So often we look whether it has written its log. */
#define LOG_POLL_MS 50

struct lock_method {
	const char *name;
	const char *prepare[2];
	const char *freeze[2];
	const char *end[2];	/* fails where the locks are not held, if they are stages */
};

/* In the order in which they are tried. */
static const struct lock_method methods[] = {
	{
		.name = "backup-stage",
		.prepare = { "BACKUP STAGE START", "BACKUP STAGE FLUSH" },
		.freeze = { "BACKUP STAGE BLOCK_DDL", "BACKUP STAGE BLOCK_COMMIT" },
		.end = { "BACKUP STAGE END" },
	},
	{
		.name = "instance-lock",
		.prepare = { "LOCK INSTANCE FOR BACKUP" },
		.freeze = { "FLUSH TABLES WITH READ LOCK" },
		.end = { "UNLOCK TABLES", "UNLOCK INSTANCE" },
	},
	{
		.name = "read-lock",
		.freeze = { "FLUSH TABLES WITH READ LOCK" },
		.end = { "UNLOCK TABLES" },
	},
};

const struct lock_method *rest_method(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

static int both(struct session *s, const struct limit *limit, const char *const sql[2])
{
	size_t i;

	for (i = 0; i < 2 && sql[i]; i++)
		if (session_query(s, limit, sql[i], NULL, NULL))
			return -1;
	return 0;
}

/*
 * How long the session waits for locks, and may be silent.  The rest is what somebody may have
 * set for all sessions, and must not be true of this one.
 */
static int set_times(struct session *s, const struct limit *limit, unsigned int lock_s,
		     unsigned int silent_s)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SET SESSION lock_wait_timeout=%u, wait_timeout=%u, "
		 "autocommit=1", lock_s, silent_s);
	return session_query(s, limit, sql, NULL, NULL);
}

/* --- the binary log ------------------------------------------------------------------- */

void position_clear(struct position *position)
{
	free(position->file);
	free(position->gtid);
	free(position->replicated);
	*position = (struct position){ 0 };
}

static void take_position(MYSQL_ROW row, unsigned int columns, void *data)
{
	struct position *position = data;

	if (columns < 2 || !row[0] || !row[1] || position->file)
		return;
	position->file = strdup(row[0]);
	position->offset = strtoull(row[1], NULL, 10);
}

static void take_text(MYSQL_ROW row, unsigned int columns, void *data)
{
	char **text = data;

	if (columns && row[0] && *row[0] && !*text)
		*text = strdup(row[0]);
}

static bool has_binlog(const struct server *server)
{
	return server->values[V_LOG_BIN] && !strcasecmp(server->values[V_LOG_BIN], "ON");
}

int rest_position(struct session *s, const struct limit *limit, const struct server *server,
		  struct position *position)
{
	bool mariadb = strstr(server->values[V_VERSION], "MariaDB");
	int rc;

	position_clear(position);
	if (has_binlog(server)) {
		rc = session_query(s, limit, "SHOW MASTER STATUS", take_position, position);
		if (rc && s->error == ER_PARSE_ERROR)
			rc = session_query(s, limit, "SHOW BINARY LOG STATUS", take_position,
					   position);
		if (!rc)
			rc = session_query(s, limit, mariadb ? "SELECT @@GLOBAL.gtid_binlog_pos" :
					   "SELECT @@GLOBAL.gtid_executed", take_text,
					   &position->gtid);
		if (rc)
			return -1;
	}
	if (!mariadb)
		return 0;
	return session_query(s, limit, "SELECT @@GLOBAL.gtid_slave_pos", take_text,
			     &position->replicated);
}

/* --- interface ------------------------------------------------------------------------ */

int rest_prepare(struct session *s, const struct limit *limit, const struct server *server,
		 const struct lock_method **methodp)
{
	const struct options *options = s->options;
	const struct lock_method *method = options->method ? rest_method(options->method) :
							     methods;
	struct position position = { 0 };
	int rc;

	if (set_times(s, limit, options->prepare_s, PREPARED_S))
		return -1;
	/* MySQL has no such thing */
	session_query(s, limit, "SET SESSION max_statement_time=0", NULL, NULL);
	/* what may not be done is better known now than when all wait */
	rc = rest_position(s, limit, server, &position);
	position_clear(&position);
	if (rc)
		return -1;
	for (;; method++) {
		*methodp = method;
		rc = both(s, limit, method->prepare);
		if (!rc || s->error != ER_PARSE_ERROR || options->method ||
		    method == &methods[ARRAY_SIZE(methods) - 1])
			return rc;
	}
}

struct log_state {
	unsigned long long current, flushed;
	unsigned int known;
};

static void take_log_state(MYSQL_ROW row, unsigned int columns, void *data)
{
	struct log_state *state = data;

	if (columns < 2 || !row[0] || !row[1])
		return;
	if (!strcasecmp(row[0], "Innodb_lsn_current"))
		state->current = strtoull(row[1], NULL, 10);
	else if (!strcasecmp(row[0], "Innodb_lsn_flushed"))
		state->flushed = strtoull(row[1], NULL, 10);
	else
		return;
	state->known++;
}

static void take_number(MYSQL_ROW row, unsigned int columns, void *data)
{
	if (columns && row[0])
		*(unsigned int *)data = strtoul(row[0], NULL, 10);
}

/*
 * With innodb_flush_log_at_trx_commit=0 MariaDB's InnoDB writes its log once in
 * innodb_flush_log_at_timeout seconds, whoever asks for it.  As nothing is committed any more
 * that comes to an end.  With any other value, and where the server does not tell (MySQL), asking
 * is enough: what it has written is on the disk when its filesystem is frozen.
 */
static int wait_for_log(struct session *s, const struct limit *limit)
{
	const struct timespec pause = { .tv_nsec = LOG_POLL_MS * 1000000L };
	unsigned long long committed = 0;
	unsigned int at_commit = 0;

	if (session_query(s, limit, "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", take_number,
			  &at_commit))
		return s->error == ER_UNKNOWN_SYSTEM_VARIABLE ? 0 : -1;	/* no InnoDB */
	while (!at_commit) {
		struct log_state state = { 0 };

		if (session_query(s, limit, "SHOW GLOBAL STATUS LIKE 'Innodb_lsn_%'",
				  take_log_state, &state))
			return -1;
		if (state.known < 2)
			return 0;
		if (!committed)
			committed = state.current;
		if (state.flushed >= committed)
			return 0;
		if (now_ms() >= limit->until_ms) {
			s->error = 0;
			snprintf(s->text, sizeof(s->text), "the server has not written what was "
				 "committed to its log: see innodb_flush_log_at_trx_commit and "
				 "innodb_flush_log_at_timeout");
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int rest_freeze(struct session *s, const struct limit *limit, const struct lock_method *method)
{
	int64_t left_s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(method->freeze) && method->freeze[i]; i++) {
		/* the server gives up before we do, and says why */
		left_s = (limit->until_ms - now_ms() + 999) / 1000 - REST_MARGIN_S;
		if (set_times(s, limit, left_s < 1 ? 1 : left_s,
			      s->options->freeze_s + SILENT_S) ||
		    session_query(s, limit, method->freeze[i], NULL, NULL))
			return -1;
	}
	/* what was committed may be in the server's memory only, if it is set up so */
	if (session_query(s, limit, "FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS", NULL, NULL))
		return -1;
	return wait_for_log(s, limit);
}

int rest_end(struct session *s, const struct limit *limit, const struct lock_method *method)
{
	return both(s, limit, method->end);
}
