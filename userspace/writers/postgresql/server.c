// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - a connection to the server on which no wait is without an end.
 *
 * libpq is asked only for what does not block; between, the socket is polled, a second at
 * a time.  After each second the event that waits is extended by a little: as long as the
 * writer lives, and its own limit is not over, nobody gives it up.  SIGTERM, which is
 * blocked, ends the wait, too.
 *
 * What is waited for no longer goes on in the server.  It is not cancelled: that would be
 * another connection, which could hang as this one does.  Instead the session has a
 * statement_timeout a little longer than the wait, and ends when it finds its connection
 * closed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postgresql.h"

#define SLICE_MS 1000
#define EXTEND_MS 30000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Keep what was said: without line ends, which libpq has at its end and between. */
static void note_error(struct server *server, const char *text)
{
	char *end;

	snprintf(server->error, sizeof(server->error), "%s", text);
	for (end = server->error + strlen(server->error); end > server->error; end--)
		if (end[-1] != '\n')
			break;
	*end = '\0';
	while ((end = strpbrk(server->error, "\n\t")))
		*end = ' ';
}

static int fails(struct server *server, int rc, const char *text)
{
	note_error(server, text);
	server_close(server);
	return rc;
}

void server_limit(struct server *server, struct shadowcopy_writer_event *event,
		  unsigned int seconds)
{
	server->event = event;
	server->limit_s = seconds;
	server->until_ms = now_ms() + seconds * 1000LL;
}

void server_close(struct server *server)
{
	PQfinish(server->connection);
	server->connection = NULL;
}

static bool is_to_end(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT));
}

int server_pause(struct server *server)
{
	poll(NULL, 0, SLICE_MS);
	if (server->event)
		shadowcopy_writer_event_extend(server->event, EXTEND_MS);
	return is_to_end() ? fails(server, -ECANCELED, "the writer was told to end") : 0;
}

/* Until the socket is ready: 0, -ETIMEDOUT or -ECANCELED, with the connection closed. */
static int wait_for(struct server *server, short events)
{
	struct pollfd fd = { .fd = PQsocket(server->connection), .events = events };
	char text[80];
	int64_t left;

	for (;;) {
		left = server->until_ms - now_ms();
		if (left <= 0) {
			snprintf(text, sizeof(text), "the server did not answer within %u s",
				 server->limit_s);
			return fails(server, -ETIMEDOUT, text);
		}
		if (poll(&fd, 1, left < SLICE_MS ? left : SLICE_MS) > 0)
			return 0;
		if (is_to_end())
			return fails(server, -ECANCELED, "the writer was told to end");
		if (server->event &&
		    shadowcopy_writer_event_extend(server->event, EXTEND_MS) == -ESTALE)
			return fails(server, -ETIMEDOUT, "it took longer than it may");
	}
}

static void on_notice(void *data, const char *text)
{
	struct server *server = data;
	char error[sizeof(server->error)];

	memcpy(error, server->error, sizeof(error));
	note_error(server, text);
	writer_log(6, "the server says: %s", server->error);
	memcpy(server->error, error, sizeof(error));
}

/* What the session needs: names that mean the same whoever has made others, and limits. */
static int set_up(struct server *server)
{
	char limit[16];
	const char *const parameters[] = { limit };
	PGresult *answer;

	snprintf(limit, sizeof(limit), "%us", server->limit_s + 5);
	answer = server_ask(server, "SELECT pg_catalog.set_config('search_path', '', false), "
			    "pg_catalog.set_config('statement_timeout', $1, false)", 1, parameters,
			    2);
	if (!answer)
		return -ECONNREFUSED;
	PQclear(answer);
	/* Of version 14 and later: a held session is idle. */
	answer = server_ask(server, "SELECT pg_catalog.set_config(name, '0', false) FROM "
			    "pg_catalog.pg_settings WHERE name = 'idle_session_timeout'", 0, NULL,
			    0);
	if (!answer)
		return -ECONNREFUSED;
	PQclear(answer);
	return 0;
}

int server_connect(struct server *server, const struct address *address)
{
	/* What stands in conninfo wins over what stands before it. */
	const char *const names[] = {
		"fallback_application_name", "tcp_user_timeout", "host", "port", "dbname", NULL
	};
	const char *const values[] = {
		program_invocation_short_name, "10000", address->host, address->port,
		address->conninfo ?: "postgres", NULL
	};
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	int rc;

	server_close(server);
	server->state[0] = '\0';
	server->connection = PQconnectStartParams(names, values, 1);
	if (!server->connection)
		return fails(server, -ENOMEM, "there is not enough memory");
	if (PQstatus(server->connection) == CONNECTION_BAD)
		return fails(server, -ECONNREFUSED, PQerrorMessage(server->connection));
	while (status != PGRES_POLLING_OK) {
		rc = wait_for(server, status == PGRES_POLLING_READING ? POLLIN : POLLOUT);
		if (rc)
			return rc;
		status = PQconnectPoll(server->connection);
		if (status == PGRES_POLLING_FAILED)
			return fails(server, -ECONNREFUSED, PQerrorMessage(server->connection));
	}
	PQsetNoticeProcessor(server->connection, on_notice, server);
	if (PQsetnonblocking(server->connection, 1))
		return fails(server, -ECONNREFUSED, PQerrorMessage(server->connection));
	return set_up(server);
}

/* Until it is sent: 0, or the connection is closed. */
static int send_all(struct server *server)
{
	int rc, left;

	while ((left = PQflush(server->connection)) > 0) {
		rc = wait_for(server, POLLIN | POLLOUT);
		if (rc)
			return rc;
		if (!PQconsumeInput(server->connection))
			left = -1;
		if (left < 0)
			break;
	}
	return left < 0 ? fails(server, -ECONNRESET, PQerrorMessage(server->connection)) : 0;
}

/* The next answer, NULL where there is none, too: 0, or the connection is closed. */
static int receive(struct server *server, PGresult **answer)
{
	int rc;

	while (PQisBusy(server->connection)) {
		rc = wait_for(server, POLLIN);
		if (rc)
			return rc;
		if (!PQconsumeInput(server->connection))
			return fails(server, -ECONNRESET, PQerrorMessage(server->connection));
	}
	*answer = PQgetResult(server->connection);
	return 0;
}

/* The first answer of those that come; the connection is free for the next statement. */
static int receive_all(struct server *server, PGresult **first)
{
	PGresult *next;
	int rc;

	*first = NULL;
	do {
		rc = receive(server, &next);
		if (rc)
			break;
		if (*first)
			PQclear(next);
		else
			*first = next;
	} while (next);
	if (rc) {
		PQclear(*first);
		*first = NULL;
	}
	return rc;
}

/* Is it what was asked for?  If not it is said, and a connection that is lost is closed. */
static bool is_good(struct server *server, const PGresult *answer, int columns)
{
	ExecStatusType status = PQresultStatus(answer);
	const char *state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
		if (!columns || (PQntuples(answer) == 1 && PQnfields(answer) >= columns))
			return true;
		note_error(server, "the server's answer is of another form");
		return false;
	}
	snprintf(server->state, sizeof(server->state), "%s", state ?: "");
	note_error(server, PQresultErrorMessage(answer));
	if (PQstatus(server->connection) == CONNECTION_BAD)
		server_close(server);
	return false;
}

PGresult *server_ask(struct server *server, const char *statement, int count,
		     const char *const *parameters, int columns)
{
	PGresult *answer;

	server->state[0] = '\0';
	if (!server->connection) {
		note_error(server, "there is no connection");
		return NULL;
	}
	if (!PQsendQueryParams(server->connection, statement, count, NULL, parameters, NULL, NULL,
			       0)) {
		fails(server, -ECONNRESET, PQerrorMessage(server->connection));
		return NULL;
	}
	if (send_all(server) || receive_all(server, &answer))
		return NULL;
	if (is_good(server, answer, columns))
		return answer;
	PQclear(answer);
	return NULL;
}

int server_tell(struct server *server, const char *statement)
{
	PGresult *answer = server_ask(server, statement, 0, NULL, 0);

	if (!answer)
		return -EIO;
	PQclear(answer);
	return 0;
}
