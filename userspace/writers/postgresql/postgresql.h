/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * postgresql.h - the parts of the PostgreSQL writer, and what they know of each other.
 *
 *	main	 options; who the writer is
 *	backup	 what it does when it is told something: the two modes
 *	metadata what it tells of its data, and what it leaves in the documents
 *	cluster	 what the files say: where the data is, whether a server runs on it
 *	server	 a connection on which no wait is without an end
 *
 * Upper parts call lower ones.
 */
#ifndef POSTGRESQL_H
#define POSTGRESQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libpq-fe.h>

#include "run.h"

/* --- server.c ------------------------------------------------------------------------- */

/*
 * A connection, and until when it is waited for.  Zeros are one that is not connected.
 * While something waits the event is extended, so that a checkpoint may take minutes and a
 * writer that hangs is still noticed.
 */
struct server {
	PGconn *connection;
	struct shadowcopy_writer_event *event;	/* what takes its time, or NULL */
	int64_t until_ms;			/* of the monotonic clock */
	unsigned int limit_s;			/* the same, as it was given */
	char state[6];				/* SQLSTATE of the last failure, or "" */
	char error[400];			/* and what was said of it, in one line */
};

/* Where it is: @conninfo as libpq has it, or the other two. */
struct address {
	const char *conninfo;
	char host[256];
	char port[16];
};

/* From now on what is asked may take so many seconds, all together. */
void server_limit(struct server *server, struct shadowcopy_writer_event *event,
		  unsigned int seconds);
/*
 * 0, or with @error: -ETIMEDOUT, -ECANCELED (the writer is to end), -ECONNREFUSED, -ENOMEM.
 * The session ends by itself what the writer does not wait for any more.
 */
int server_connect(struct server *server, const struct address *address);
/*
 * One statement; @count parameters.  The answer, with @columns at least in one row, is to be
 * freed by PQclear().  NULL: @error says why, and on a timeout the connection is closed.
 */
PGresult *server_ask(struct server *server, const char *statement, int count,
		     const char *const *parameters, int columns);
/* The same without an answer: 0, or a negative errno. */
int server_tell(struct server *server, const char *statement);
/* A second in which nothing is asked: 0, or -ECANCELED (the writer is to end). */
int server_pause(struct server *server);
/* What was begun in it, and not ended, is undone by the server. */
void server_close(struct server *server);

/* --- cluster.c ------------------------------------------------------------------------ */

struct cluster {
	const char *name;	/* "15/main" of --cluster, or NULL */
	const char *conninfo;	/* of --conninfo, or NULL */
	char *directory;	/* its data directory, without links */
	char *unit;		/* what stops and starts it */
};

/* A directory that belongs to the data. */
struct location {
	char *what;		/* "the tablespace 16385", for people */
	char *path;		/* without links */
	bool apart;		/* not below the data directory */
};

struct locations {
	struct location *list;
	size_t count;
};

/* Is "15/main" the name of one?  And its data directory, by its configuration; NULL: no. */
bool cluster_name_fits(const char *name);
char *cluster_directory_of(const char *name);
/* Where its configuration is, if not in the data directory; to be freed, or NULL. */
char *cluster_configuration(const struct cluster *cluster);
/* Of the file PG_VERSION: "15"; 0 or a negative errno. */
int cluster_version(const struct cluster *cluster, char *version, size_t size);
/* Where its server listens: 0, or -ENOENT where none has said so. */
int cluster_address(const struct cluster *cluster, struct address *address);
/* Is nobody at work in the data directory?  1, 0, or a negative errno. */
int cluster_is_stopped(const struct cluster *cluster);
/*
 * All of its directories that can be on other volumes than the data directory, itself
 * first: 0 or a negative errno; cluster_forget() frees them.
 */
int cluster_locate(const struct cluster *cluster, struct locations *locations);
void cluster_forget(struct locations *locations);

/* --- the writer ------------------------------------------------------------------------- */

enum mode {
	MODE_LIGHT,
	MODE_API,
};

/* What is under way. */
struct backup {
	struct shadow_uuid session;
	bool takes_part;	/* something of the cluster is on the volumes */
	bool at_rest;		/* no server runs */
	bool begun;		/* pg_backup_start() was called */
	int version;		/* of the server, as libpq has it: 150018 */
	char *outside;		/* paths that are not in the set, a line each; or NULL */
	char start[32], stop[32];	/* positions in the log, "0/3000060"; or "" */
	char *label;		/* of pg_backup_stop(): backup_label */
	char *map;		/* and tablespace_map */
};

struct writer {
	struct shadowcopy *sc;
	struct cluster cluster;
	enum mode mode;
	unsigned int checkpoint_s;	/* longest wait for a checkpoint */
	unsigned int archive_s;		/* for the archive; 0: none */
	struct server server;
	struct backup backup;
};

/* --- metadata.c ---------------------------------------------------------------------- */

shadowcopy_writer_handler metadata_identify;
/* Has somebody chosen the cluster, rather than volumes?  1, 0, or a negative errno. */
int metadata_chosen(struct writer *writer, struct shadowcopy_writer_event *event);
/*
 * Put what is to be known of the backup into its document: 0, -ENOENT (there is none, or the
 * cluster is not in it), or another negative errno.
 */
int metadata_store(struct writer *writer, struct shadowcopy_writer_event *event);

/* --- backup.c ------------------------------------------------------------------------- */

shadowcopy_writer_handler backup_prepare, backup_freeze, backup_thaw, backup_post, backup_end;

#endif /* POSTGRESQL_H */
