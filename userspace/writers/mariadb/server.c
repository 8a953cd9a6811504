// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - what the server says of itself, and whether there is one.
 *
 * A server that cannot be reached is not one that does not run: it may be starting, be
 * stopping, or listen elsewhere, and write all the time.  But a server locks its files, by
 * fcntl(), before it writes to anything: Aria its control file, InnoDB its first data file.
 * Who may open these can ask the kernel whether somebody has them locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mariadb.h"

static const char *const names[V_COUNT] = {
	[V_VERSION] = "version",
	[V_DATADIR] = "datadir",
	[V_INNODB_DATA_HOME] = "innodb_data_home_dir",
	[V_INNODB_DATA_FILES] = "innodb_data_file_path",
	[V_INNODB_REDO] = "innodb_log_group_home_dir",
	[V_INNODB_UNDO] = "innodb_undo_directory",
	[V_INNODB_TEMP] = "innodb_temp_data_file_path",
	[V_ARIA_LOG] = "aria_log_dir_path",
	[V_ROCKSDB] = "rocksdb_datadir",
	[V_ROCKSDB_WAL] = "rocksdb_wal_dir",
	[V_LOG_BIN] = "log_bin",
	[V_BINLOG] = "log_bin_basename",
	[V_BINLOG_INDEX] = "log_bin_index",
	[V_RELAY_LOG] = "relay_log_basename",
	[V_RELAY_LOG_INDEX] = "relay_log_index",
	[V_PID_FILE] = "pid_file",
	[V_SOCKET] = "socket",
	[V_TMPDIR] = "tmpdir",
};

void server_clear(struct server *server)
{
	size_t i;

	for (i = 0; i < V_COUNT; i++)
		free(server->values[i]);
	*server = (struct server){ 0 };
}

static void take_variable(MYSQL_ROW row, unsigned int columns, void *data)
{
	struct server *server = data;
	size_t i;

	if (columns < 2 || !row[0] || !row[1] || !*row[1])
		return;
	for (i = 0; i < V_COUNT; i++)
		if (!strcasecmp(row[0], names[i]) && !server->values[i])
			server->values[i] = strdup(row[1]);
}

int server_read(struct server *server, struct session *s, const struct limit *limit)
{
	struct server new = { 0 };
	char sql[1024] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN (";
	size_t i;

	for (i = 0; i < V_COUNT; i++) {
		strcat(sql, i ? ",'" : "'");
		strcat(sql, names[i]);
		strcat(sql, "'");
	}
	strcat(sql, ")");
	if (session_query(s, limit, sql, take_variable, &new)) {
		server_clear(&new);
		return -1;
	}
	if (!new.values[V_DATADIR] || !new.values[V_VERSION]) {
		server_clear(&new);
		s->error = 0;
		snprintf(s->text, sizeof(s->text), "the server does not say where its datadir is");
		return -1;
	}
	server_clear(server);
	*server = new;
	return 0;
}

int server_assume(struct server *server, const char *datadir)
{
	server_clear(server);
	server->values[V_DATADIR] = strdup(datadir);
	return server->values[V_DATADIR] ? 0 : -ENOMEM;
}

char *server_path(const struct server *server, const char *path)
{
	char *joined;

	if (*path == '/')
		return strdup(path);
	if (asprintf(&joined, "%s/%s", server->values[V_DATADIR], path) < 0)
		return NULL;
	return joined;
}

/* --- whether there is one ---------------------------------------------------------- */

/* 1, 0, or a negative errno. */
static int is_locked(const char *dir, const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	rc = fcntl(fd, F_GETLK, &lock) ? -errno : lock.l_type != F_UNLCK;
	close(fd);
	return rc;
}

/* The same of a file in a directory that the server may have elsewhere. */
static int is_locked_in(const struct server *server, enum variable variable, const char *name)
{
	char *dir = server_path(server, server->values[variable] ?: ".");
	int rc = dir ? is_locked(dir, name) : -ENOMEM;

	free(dir);
	return rc;
}

int server_runs(const struct server *server)
{
	const char *files = server->values[V_INNODB_DATA_FILES] ?: "ibdata1";
	int aria = is_locked_in(server, V_ARIA_LOG, "aria_log_control"), innodb;
	char first[NAME_MAX + 1];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(files, ":;"), files);
	innodb = *first == '/' ? is_locked("", first) :
				 is_locked_in(server, V_INNODB_DATA_HOME, first);
	if (aria > 0 || innodb > 0)
		return 1;
	if (aria < 0 && aria != -ENOENT)
		return aria;
	/* one of them not being there is nothing unusual */
	return innodb < 0 && (innodb != -ENOENT || aria < 0) ? innodb : 0;
}
