/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mariadb.h - the writer of MariaDB and MySQL: what its parts know of each other.
 *
 *	main	options
 *	events	what happens at what it is told
 *	rest	the server's locks, and its place in the binary log
 *	session	a connection to the server, every wait of which ends
 *	server	what the server says of itself, and whether there is one
 *	places	on which volumes its data is
 *	metadata  the documents
 */
#ifndef WRITERS_MARIADB_H
#define WRITERS_MARIADB_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libshadowcopy-writer.h"
#include "run.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct options {
	const char *defaults_file;	/* NULL: the client library's own */
	const char *socket;		/* NULL: as the option files say */
	const char *user;		/* the same */
	const char *instance;		/* NULL: there is one only */
	const char *datadir;		/* of a server that was never reached */
	const char *unit;		/* that a restore stops and starts */
	const char *method;		/* NULL: the first that the server knows */
	unsigned int lock_wait_s;	/* longest wait for what runs, at freeze */
	unsigned int prepare_s;		/* the same before that */
	unsigned int freeze_s;		/* longest freeze */
};

/* --- session ------------------------------------------------------------------ */

/* How long something may take. */
struct limit {
	int64_t until_ms;			/* of now_ms() */
	struct shadowcopy_writer_event *event;	/* whose time is extended, or NULL */
};

struct session {
	const struct options *options;
	MYSQL *mysql;			/* NULL: there is none, or it was lost */
	unsigned long id;		/* the server's number for it */
	bool helper;			/* of another one, which it kills */
	bool refused;			/* there is a server, but not for us */
	unsigned int error;		/* the server's or the client library's number; 0: ours */
	char text[384];			/* what failed, and why */
};

typedef void session_row(MYSQL_ROW row, unsigned int columns, void *data);

int64_t now_ms(void);
struct limit limit_of(unsigned int seconds, struct shadowcopy_writer_event *event);

/* 0 or -1, with the reason in @s; then there is no session. */
int session_open(struct session *s, const struct options *options, const struct limit *limit);

/* What it holds in the server is let go by that. */
void session_close(struct session *s);

/*
 * One statement; @row, if not NULL, gets its rows.  0 or -1, with the reason in @s.  Where the
 * answer does not come in time the session is given up, and killed in the server.
 */
int session_query(struct session *s, const struct limit *limit, const char *sql,
		  session_row *row, void *data);

/* What to say to shadowcopy_writer_event_fail() after it failed. */
uint32_t session_status(const struct session *s);

/* --- server ------------------------------------------------------------------- */

/* What it is asked; server.c has their names. */
enum variable {
	V_VERSION,
	V_DATADIR,
	V_INNODB_DATA_HOME,
	V_INNODB_DATA_FILES,
	V_INNODB_REDO,
	V_INNODB_UNDO,
	V_INNODB_TEMP,
	V_ARIA_LOG,
	V_ROCKSDB,
	V_ROCKSDB_WAL,
	V_LOG_BIN,
	V_BINLOG,
	V_BINLOG_INDEX,
	V_RELAY_LOG,
	V_RELAY_LOG_INDEX,
	V_PID_FILE,
	V_SOCKET,
	V_TMPDIR,
	V_COUNT
};

struct server {
	char *values[V_COUNT];		/* NULL: it has no such thing */
};

/* 0 or -1, with the reason in the session; then @server is as it was. */
int server_read(struct server *server, struct session *s, const struct limit *limit);

/* All that is known of one that was never reached. */
int server_assume(struct server *server, const char *datadir);
void server_clear(struct server *server);

/* A path of its as an absolute one; NULL: no memory. */
char *server_path(const struct server *server, const char *path);

/*
 * Does a server have the data open, whether it can be reached or not?  1, 0, -ENOENT: there is
 * no data, or another negative errno: that cannot be said.
 */
int server_runs(const struct server *server);

/* --- places ------------------------------------------------------------------- */

struct place {
	const char *what;	/* the variable that says it, or what sort of file leads there */
	char *dir;		/* without symbolic links, if it can be followed */
	char *spec;		/* names in it */
	bool recursive;
	dev_t dev;		/* of the directory; 0: it is not there */
};

struct places {
	struct place *all;	/* the data directory comes first */
	size_t count, room;
	int error;		/* not all are here: a negative errno */
};

/* 0, or a negative errno: there may be more than those that are there now. */
int places_find(struct places *places, const struct server *server);
void places_clear(struct places *places);

/* One that is on a volume that none of @known is on, or NULL. */
const struct place *places_elsewhere(const struct places *places, const struct places *known);

/* --- rest --------------------------------------------------------------------- */

/* Where the server stood in its binary log while it was at rest. */
struct position {
	char *file;			/* NULL: it writes none */
	unsigned long long offset;
	char *gtid;			/* of what it has written there, or NULL */
	char *replicated;		/* of what it has taken over as a replica, or NULL */
};

void position_clear(struct position *position);

struct lock_method;

/* A freeze may take so much longer than it waits for locks. */
#define REST_MARGIN_S 3

/* Which of them is called so, or NULL. */
const struct lock_method *rest_method(const char *name);

/* Each returns 0 or -1, with the reason in the session. */
int rest_prepare(struct session *s, const struct limit *limit, const struct server *server,
		 const struct lock_method **methodp);
int rest_freeze(struct session *s, const struct limit *limit, const struct lock_method *method);
int rest_position(struct session *s, const struct limit *limit, const struct server *server,
		  struct position *position);
int rest_end(struct session *s, const struct limit *limit, const struct lock_method *method);

/* --- events ------------------------------------------------------------------- */

struct writer;

/* 0 or a negative errno, printed. */
int events_open(struct shadowcopy *sc, const struct options *options, struct writer **writerp);
struct shadowcopy_writer *events_writer(const struct writer *w);
void events_close(struct writer *w);

/* --- metadata ----------------------------------------------------------------- */

/* In identify.  Each returns 0 or a negative errno, explained by shadowcopy_last_error(). */
int metadata_fill(struct shadowcopy *sc, struct shadowcopy_writer_event *event,
		  const struct options *options, const struct server *server,
		  const struct places *places);

/* Into the backup's document, in post-snapshot: @text, and @stamp, which may be NULL. */
int metadata_record(struct shadowcopy *sc, struct shadowcopy_writer_event *event,
		    const char *text, const char *stamp);

#endif /* WRITERS_MARIADB_H */
