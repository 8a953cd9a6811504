// SPDX-License-Identifier: GPL-2.0-only
/*
 * places.c - on which volumes the server's data is.
 *
 * The data directory comes first, with all that is below it.  The rest is said by the
 * server's variables, and in the data directory itself: a database or a file that is a
 * symbolic link, a file NAME.isl, in which InnoDB keeps where a table with a DATA DIRECTORY
 * lies, and a directory that is another filesystem's.  The latter is looked for rather than asked
 * for, since the server shows it only to who may see all tables, and not at all while it is
 * stopped.  All of it is at most one directory deep.
 *
 * What is below the data directory, on the same filesystem, needs no place of its own.
 * Symbolic links are followed: in a shadow they would lead out of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mariadb.h"

void places_clear(struct places *places)
{
	size_t i;

	for (i = 0; i < places->count; i++) {
		free(places->all[i].dir);
		free(places->all[i].spec);
	}
	free(places->all);
	*places = (struct places){ 0 };
}

/* --- one more ------------------------------------------------------------------------ */

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (path[length] == '/' || !path[length]);
}

/* The data directory, or a place that is there, has it. */
static bool is_known(const struct places *places, const struct place *new)
{
	const struct place *all = places->all;
	size_t i;

	if (places->count && new->dev == all[0].dev && is_below(new->dir, all[0].dir))
		return true;
	for (i = 0; i < places->count; i++)
		if (!strcmp(all[i].dir, new->dir) && !strcmp(all[i].spec, new->spec) &&
		    all[i].recursive == new->recursive)
			return true;
	return false;
}

/* 0 or -ENOMEM. */
static int append(struct places *places, const struct place *new)
{
	struct place *all = places->all;

	if (places->count == places->room) {
		all = reallocarray(all, places->room * 2 + 8, sizeof(*all));
		if (!all)
			return -ENOMEM;
		places->all = all;
		places->room = places->room * 2 + 8;
	}
	all[places->count++] = *new;
	return 0;
}

static void add(struct places *places, const char *what, const char *dir, const char *spec,
		bool recursive)
{
	struct place new = { .what = what, .recursive = recursive };
	char path[PATH_MAX];
	struct stat st;

	/* as it is where it cannot be followed */
	new.dir = strdup(realpath(dir, path) ?: dir);
	new.spec = strdup(spec);
	if (!stat(dir, &st))
		new.dev = st.st_dev;
	if (!new.dir || !new.spec)
		places->error = -ENOMEM;
	else if (is_known(places, &new))
		;
	else if (append(places, &new))
		places->error = -ENOMEM;
	else
		return;
	free(new.dir);
	free(new.spec);
}

/* A file by its path, with @tail behind its name. */
static void add_file(struct places *places, const char *what, const char *path, const char *tail)
{
	char dir[PATH_MAX], spec[NAME_MAX + 1];
	const char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return;
	snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	snprintf(spec, sizeof(spec), "%s%s", slash + 1, tail);
	add(places, what, dir, spec, false);
}

/* --- what the server says -------------------------------------------------------------- */

/* Files of some names in a directory that it says, or in one below that. */
static const struct {
	enum variable variable;
	const char *what, *below, *spec;
	bool recursive;
} directories[] = {
	{ V_INNODB_REDO, "innodb_log_group_home_dir", "", "ib_logfile*", false },
	{ V_INNODB_REDO, "innodb_log_group_home_dir", "/#innodb_redo", "*", false },
	{ V_INNODB_UNDO, "innodb_undo_directory", "", "undo*", false },
	{ V_ARIA_LOG, "aria_log_dir_path", "", "aria_log*", false },
	{ V_ROCKSDB, "rocksdb_datadir", "", "*", true },
	{ V_ROCKSDB_WAL, "rocksdb_wal_dir", "", "*", true },
};

/* Files that it says, with something behind their names. */
static const struct {
	enum variable variable;
	const char *what, *tail;
} files[] = {
	{ V_BINLOG, "log_bin", ".*" },
	{ V_BINLOG_INDEX, "log_bin_index", "" },
	{ V_RELAY_LOG, "relay_log", ".*" },
	{ V_RELAY_LOG_INDEX, "relay_log_index", "" },
};

/* "ibdata1:12M;/other/ibdata2:1G:autoextend", below a home directory */
static void add_data_files(struct places *places, const struct server *server)
{
	const char *list = server->values[V_INNODB_DATA_FILES] ?: "";
	const char *home = server->values[V_INNODB_DATA_HOME] ?: ".";
	char name[PATH_MAX], *dir, *path;

	while (*list) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, ":;"), list);
		dir = server_path(server, home);
		if (!dir || asprintf(&path, "%s/%s", *name == '/' ? "" : dir, name) < 0) {
			places->error = -ENOMEM;
		} else {
			add_file(places, "innodb_data_file_path", path, "");
			free(path);
		}
		free(dir);
		list += strcspn(list, ";");
		list += *list == ';';
	}
}

static void add_directory(struct places *places, const struct server *server, size_t i)
{
	char *dir = server_path(server, server->values[directories[i].variable]), *path = NULL;

	if (!dir || asprintf(&path, "%s%s", dir, directories[i].below) < 0) {
		path = NULL;
		places->error = -ENOMEM;
	} else if (!*directories[i].below || !access(path, F_OK)) {
		add(places, directories[i].what, path, directories[i].spec,
		    directories[i].recursive);
	}
	free(path);
	free(dir);
}

static void add_variables(struct places *places, const struct server *server)
{
	char *path;
	size_t i;

	add_data_files(places, server);
	for (i = 0; i < ARRAY_SIZE(directories); i++)
		if (server->values[directories[i].variable])
			add_directory(places, server, i);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!server->values[files[i].variable])
			continue;
		path = server_path(server, server->values[files[i].variable]);
		if (path)
			add_file(places, files[i].what, path, files[i].tail);
		else
			places->error = -ENOMEM;
		free(path);
	}
}

/* --- what the data directory shows ------------------------------------------------------ */

static void scan_directory(struct places *places, const char *dir, bool top);

static void on_directory(struct places *places, const char *path, bool top, bool link)
{
	struct stat st;

	if (!stat(path, &st) && (link || st.st_dev != places->all[0].dev))
		add(places, link ? "a symbolic link in datadir" : "a filesystem in datadir", path,
		    "*", true);
	if (top)
		scan_directory(places, path, false);
}

static void on_link(struct places *places, const char *path, bool top)
{
	char target[PATH_MAX];
	struct stat st;

	if (!realpath(path, target) || stat(target, &st))
		return;		/* it leads nowhere */
	if (S_ISDIR(st.st_mode))
		on_directory(places, target, top, true);
	else if (S_ISREG(st.st_mode))
		add_file(places, "a symbolic link in datadir", target, "");
}

/* NAME.isl has a path in it. */
static void on_isl(struct places *places, const char *path)
{
	char target[PATH_MAX];
	FILE *file = fopen(path, "re");

	if (!file) {
		if (errno != ENOENT)	/* its table was just dropped */
			places->error = -errno;
		return;
	}
	if (fgets(target, sizeof(target), file)) {
		target[strcspn(target, "\r\n")] = '\0';
		if (*target == '/')
			add_file(places, "DATA DIRECTORY of a table", target, "");
	}
	fclose(file);
}

static bool ends_with(const char *name, const char *tail)
{
	size_t length = strlen(name), tail_length = strlen(tail);

	return length > tail_length && !strcmp(name + length - tail_length, tail);
}

static void on_entry(struct places *places, const char *path, const struct dirent *entry, bool top)
{
	unsigned char type = entry->d_type;
	struct stat st;

	if (type == DT_UNKNOWN && !lstat(path, &st))
		type = IFTODT(st.st_mode);
	if (type == DT_LNK)
		on_link(places, path, top);
	else if (type == DT_DIR)
		on_directory(places, path, top, false);
	else if (type == DT_REG && ends_with(entry->d_name, ".isl"))
		on_isl(places, path);
}

static void scan_directory(struct places *places, const char *dir, bool top)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	DIR *all = opendir(dir);

	if (!all) {
		if (errno != ENOENT && errno != ENOTDIR)
			places->error = -errno;
		return;
	}
	while ((entry = readdir(all))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) <
		    sizeof(path))
			on_entry(places, path, entry, top);
	}
	closedir(all);
}

int places_find(struct places *places, const struct server *server)
{
	places_clear(places);
	add(places, "datadir", server->values[V_DATADIR], "*", true);
	if (places->count) {
		add_variables(places, server);
		scan_directory(places, places->all[0].dir, true);
	}
	return places->error;
}

const struct place *places_elsewhere(const struct places *places, const struct places *known)
{
	size_t i, j;

	for (i = 0; i < places->count; i++) {
		for (j = 0; j < known->count; j++)
			if (known->all[j].dev == places->all[i].dev)
				break;
		if (j == known->count)
			return &places->all[i];
	}
	return NULL;
}
