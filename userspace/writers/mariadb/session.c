// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - a connection to the server, every wait of which ends.
 *
 * The client library's functions that may wait are called in their halves: "start" does what
 * it can, says what it waits for, and "cont" goes on when that is there.  Between the two is
 * our own poll(), which ends at a limit, and once a second tells the coordinator that there is
 * more to come.  By that it also hears when nobody waits for the answer any more: the backup
 * was given up, and what is begun here has to be, too.
 *
 * A session that was not answered in time is of no more use.  Its socket is closed, at which
 * the server stops waiting for locks on its behalf; and it is killed by a second session, since
 * not everything in a server looks at the socket.
 */
#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "mariadb.h"

#define SLICE_MS 1000
#define EXTEND_MS 30000
#define KILL_S 2

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct limit limit_of(unsigned int seconds, struct shadowcopy_writer_event *event)
{
	return (struct limit){ .until_ms = now_ms() + seconds * 1000LL, .event = event };
}

/* --- why it failed -------------------------------------------------------------- */

static int failed(struct session *s, const char *doing)
{
	s->error = mysql_errno(s->mysql);
	snprintf(s->text, sizeof(s->text), "%s: %s (%u)", doing, mysql_error(s->mysql), s->error);
	return -1;
}

static bool is_refusal(unsigned int error)
{
	switch (error) {
	case ER_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_HOST_NOT_PRIVILEGED:
	case ER_MUST_CHANGE_PASSWORD_LOGIN:
	case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
		return true;
	}
	return false;
}

uint32_t session_status(const struct session *s)
{
	if (is_refusal(s->error))
		return SHADOW_NL_STATUS_NONRETRYABLE;
	switch (s->error) {
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_OUT_OF_RESOURCES:
	case ER_OUTOFMEMORY:
	case CR_OUT_OF_MEMORY:
		return SHADOW_NL_STATUS_NO_RESOURCES;
	}
	return SHADOW_NL_STATUS_RETRYABLE;
}

/* --- waiting -------------------------------------------------------------------- */

/* Milliseconds that may be waited in one piece; 0: the time is up. */
static int slice(const struct session *s, const struct limit *limit, int wanted, bool *timeoutp)
{
	int64_t left = limit->until_ms - now_ms();

	*timeoutp = false;
	if (left > SLICE_MS)
		left = SLICE_MS;
	if (wanted & MYSQL_WAIT_TIMEOUT && left > mysql_get_timeout_value_ms(s->mysql)) {
		left = mysql_get_timeout_value_ms(s->mysql);
		*timeoutp = true;
	}
	return left < 0 ? 0 : left;
}

/* What the library waits for has come: MYSQL_WAIT_ bits.  -1: that was too long. */
static int wait_for(struct session *s, const struct limit *limit, int wanted, const char *doing)
{
	struct pollfd fd = { .fd = mysql_get_socket(s->mysql) };
	bool library_timeout;
	int ms, rc;

	fd.events = (wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
		    (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
		    (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0);
	for (;;) {
		ms = slice(s, limit, wanted, &library_timeout);
		rc = ms || library_timeout ? poll(&fd, 1, ms) : 0;
		if (rc > 0)
			return (fd.revents & (POLLIN | POLLERR | POLLHUP) ? MYSQL_WAIT_READ : 0) |
			       (fd.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
			       (fd.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
		if (!rc && library_timeout)
			return MYSQL_WAIT_TIMEOUT;
		s->error = 0;
		if (now_ms() >= limit->until_ms) {
			snprintf(s->text, sizeof(s->text), "%s: the server did not answer in time",
				 doing);
			return -1;
		}
		if (limit->event &&
		    shadowcopy_writer_event_extend(limit->event, EXTEND_MS) == -ESTALE) {
			snprintf(s->text, sizeof(s->text), "%s: the backup was given up meanwhile",
				 doing);
			return -1;
		}
	}
}

/* End it in the server, too, whatever it is doing there. */
static void kill_other(const struct options *options, unsigned long id)
{
	const struct limit limit = limit_of(KILL_S, NULL);
	struct session s = { 0 };
	char sql[64];

	if (session_open(&s, options, &limit))
		return;
	s.helper = true;	/* it is not killed in turn */
	snprintf(sql, sizeof(sql), "KILL %lu", id);
	session_query(&s, &limit, sql, NULL, NULL);
	session_close(&s);
}

/* In the middle of something: what the library would still send must not wait either. */
static int give_up(struct session *s)
{
	unsigned long id = s->helper ? 0 : s->id;

	shutdown(mysql_get_socket(s->mysql), SHUT_RDWR);
	session_close(s);
	if (id)
		kill_other(s->options, id);
	return -1;
}

/* --- interface ------------------------------------------------------------------ */

static int set_up(struct session *s, const struct options *options)
{
	const unsigned int protocol = MYSQL_PROTOCOL_SOCKET;
	char group[160];

	s->mysql = mysql_init(NULL);
	if (!s->mysql) {
		s->error = CR_OUT_OF_MEMORY;
		snprintf(s->text, sizeof(s->text), "there is not enough memory");
		return -1;
	}
	/* [client] is read anyway; an instance has a section of its own */
	snprintf(group, sizeof(group), "shadow-writer-mariadb%s%s", options->instance ? "." : "",
		 options->instance ?: "");
	if (options->defaults_file)
		mysql_options(s->mysql, MYSQL_READ_DEFAULT_FILE, options->defaults_file);
	mysql_options(s->mysql, MYSQL_READ_DEFAULT_GROUP, group);
	mysql_options(s->mysql, MYSQL_OPT_NONBLOCK, NULL);
	mysql_options(s->mysql, MYSQL_OPT_PROTOCOL, &protocol);
	return 0;
}

int session_open(struct session *s, const struct options *options, const struct limit *limit)
{
	static const char doing[] = "connecting to the server";
	MYSQL *connected;
	int status;

	*s = (struct session){ .options = options };
	if (set_up(s, options))
		return -1;
	status = mysql_real_connect_start(&connected, s->mysql, "localhost", options->user, NULL,
					  NULL, 0, options->socket, 0);
	while (status) {
		status = wait_for(s, limit, status, doing);
		if (status < 0)
			return give_up(s);
		status = mysql_real_connect_cont(&connected, s->mysql, status);
	}
	if (!connected) {
		failed(s, doing);
		s->refused = s->error < CR_MIN_ERROR || s->error > CR_MAX_ERROR;
		session_close(s);
		return -1;
	}
	s->id = mysql_thread_id(s->mysql);
	return 0;
}

void session_close(struct session *s)
{
	if (s->mysql)
		mysql_close(s->mysql);
	s->mysql = NULL;
	s->id = 0;
}

/* Its result, which may be none: @resultp is NULL then. */
static int fetch(struct session *s, const struct limit *limit, const char *sql,
		 MYSQL_RES **resultp)
{
	int status = mysql_store_result_start(resultp, s->mysql);

	while (status) {
		status = wait_for(s, limit, status, sql);
		if (status < 0)
			return give_up(s);
		status = mysql_store_result_cont(resultp, s->mysql, status);
	}
	return !*resultp && mysql_errno(s->mysql) ? failed(s, sql) : 0;
}

int session_query(struct session *s, const struct limit *limit, const char *sql,
		  session_row *row, void *data)
{
	MYSQL_RES *result = NULL;
	MYSQL_ROW values;
	int status, rc;

	if (!s->mysql) {
		s->error = CR_SERVER_GONE_ERROR;
		snprintf(s->text, sizeof(s->text), "%s: there is no session any more", sql);
		return -1;
	}
	status = mysql_real_query_start(&rc, s->mysql, sql, strlen(sql));
	while (status) {
		status = wait_for(s, limit, status, sql);
		if (status < 0)
			return give_up(s);
		status = mysql_real_query_cont(&rc, s->mysql, status);
	}
	if (rc)
		return failed(s, sql);
	if (mysql_thread_id(s->mysql) != s->id) {
		/* an option file may have the library connect again by itself */
		s->error = CR_SERVER_LOST;
		snprintf(s->text, sizeof(s->text), "%s: the session was lost", sql);
		return -1;
	}
	if (fetch(s, limit, sql, &result))
		return -1;
	while (result && row && (values = mysql_fetch_row(result)))
		row(values, mysql_num_fields(result), data);
	mysql_free_result(result);
	return 0;
}
