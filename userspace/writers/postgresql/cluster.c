// SPDX-License-Identifier: GPL-2.0-only
/*
 * cluster.c - what the files of a cluster say, also while no server runs.
 *
 * Where its data is: the data directory, what links in it lead to, and the tablespaces,
 * which are links in pg_tblspc.  Where the server listens, and whether there is one:
 * postmaster.pid, which it writes at its start and removes at its end.  After a crash the
 * file is still there; then nobody has its process number, and nobody is attached to its
 * shared memory, which the server's own children can be longer than itself.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postgresql.h"

#define DEBIAN_CONFIGURATION "/etc/postgresql"
#define DEBIAN_DATA "/var/lib/postgresql"

/* Lines of postmaster.pid, from 0 on. */
enum {
	LINE_PID, LINE_DIRECTORY, LINE_START, LINE_PORT, LINE_SOCKET_DIRECTORY, LINE_ADDRESS,
	LINE_SHARED_MEMORY, LINES
};

/* The path of something in the data directory. */
static void path_in(const struct cluster *cluster, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", cluster->directory, name);
}

/* --- names, and the configuration of Debian ------------------------------------------- */

bool cluster_name_fits(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash && slash != name && slash[1] && slash[1] != '.' && name[0] != '.' &&
	       !strchr(slash + 1, '/') && strlen(name) <= SHADOW_NL_NAME_MAX;
}

/* "key = 'it''s'  # why" or "key value": is it that key?  Then its value, in place. */
static char *setting(char *line, const char *key)
{
	size_t length = strlen(key);
	char *from, *to;

	line += strspn(line, " \t");
	if (strncasecmp(line, key, length) || !strchr(" \t='", line[length]) || !line[length])
		return NULL;
	line += length;
	line += strspn(line, " \t");
	if (*line == '=')
		line += 1 + strspn(line + 1, " \t");
	if (*line != '\'') {
		line[strcspn(line, " \t\r\n#")] = '\0';
		return line;
	}
	for (from = to = ++line; *from && *from != '\n'; from++) {
		if (*from == '\'' && *++from != '\'')
			break;
		*to++ = *from;
	}
	*to = '\0';
	return line;
}

/* What Debian's tools write stands in the file itself; what that includes is not read. */
char *cluster_directory_of(const char *name)
{
	char path[PATH_MAX], *line = NULL, *value, *found = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), DEBIAN_CONFIGURATION "/%s/postgresql.conf", name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	while (getline(&line, &size, file) > 0) {
		value = setting(line, "data_directory");
		if (value) {		/* the last one counts */
			free(found);
			found = strdup(value);
		}
	}
	free(line);
	fclose(file);
	if (!found && asprintf(&found, DEBIAN_DATA "/%s", name) < 0)
		return NULL;
	return found;
}

char *cluster_configuration(const struct cluster *cluster)
{
	char path[PATH_MAX];

	if (!cluster->name)
		return NULL;
	snprintf(path, sizeof(path), DEBIAN_CONFIGURATION "/%s", cluster->name);
	return access(path, R_OK) ? NULL : strdup(path);
}

int cluster_version(const struct cluster *cluster, char *version, size_t size)
{
	char path[PATH_MAX];
	FILE *file;
	int rc = 0;

	path_in(cluster, "PG_VERSION", path);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (!fgets(version, size, file))
		rc = -EBADMSG;
	else
		version[strcspn(version, "\n")] = '\0';
	fclose(file);
	return rc;
}

/* --- postmaster.pid ------------------------------------------------------------------- */

/* 0 with its lines, or a negative errno; -ENOENT: no server has written one. */
static int read_lines(const struct cluster *cluster, char lines[LINES][PATH_MAX])
{
	char path[PATH_MAX];
	FILE *file;
	int i;

	path_in(cluster, "postmaster.pid", path);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	for (i = 0; i < LINES; i++) {
		lines[i][0] = '\0';
		if (fgets(lines[i], PATH_MAX, file))
			lines[i][strcspn(lines[i], "\n")] = '\0';
	}
	fclose(file);
	return 0;
}

int cluster_address(const struct cluster *cluster, struct address *address)
{
	char lines[LINES][PATH_MAX];
	const char *host = lines[LINE_SOCKET_DIRECTORY];

	*address = (struct address){ .conninfo = cluster->conninfo };
	if (cluster->conninfo)
		return 0;
	if (read_lines(cluster, lines) || !lines[LINE_PORT][0])
		return -ENOENT;
	if (!*host)	/* no socket of its own */
		host = strcmp(lines[LINE_ADDRESS], "*") ? lines[LINE_ADDRESS] : "127.0.0.1";
	if (!*host || strlen(host) >= sizeof(address->host) ||
	    strlen(lines[LINE_PORT]) >= sizeof(address->port))
		return -ENOENT;
	strcpy(address->host, host);
	strcpy(address->port, lines[LINE_PORT]);
	return 0;
}

/* Who is attached to the server's shared memory is one of its processes. */
static bool memory_is_used(const char *line)
{
	struct shmid_ds memory;
	long key;
	int id;

	if (sscanf(line, "%ld %d", &key, &id) != 2)
		return false;
	if (shmctl(id, IPC_STAT, &memory))
		return errno == EACCES;		/* somebody else's, or not: better not */
	return memory.shm_nattch;
}

int cluster_is_stopped(const struct cluster *cluster)
{
	char lines[LINES][PATH_MAX];
	long pid;
	int rc = read_lines(cluster, lines);

	if (rc)
		return rc == -ENOENT ? 1 : rc;
	pid = labs(strtol(lines[LINE_PID], NULL, 10));	/* < 0: one for a single user */
	if (pid <= 0 || pid > INT_MAX)
		return -EBADMSG;
	if (!kill(pid, 0) || errno != ESRCH)
		return 0;
	return !memory_is_used(lines[LINE_SHARED_MEMORY]);
}

/* --- where the data is -------------------------------------------------------------------- */

/* What a database is nothing without; what is missing here is made anew by each server. */
static const char *const parts[] = {
	"base", "global", "pg_commit_ts", "pg_logical", "pg_multixact", "pg_tblspc", "pg_twophase",
	"pg_wal", "pg_xact",
};

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

/* Without links; of one that leads nowhere, because nothing is mounted there, where it leads. */
static char *target_of(const char *path)
{
	char *target = realpath(path, NULL), link[PATH_MAX];
	ssize_t length;

	if (target || errno != ENOENT)
		return target;
	length = readlink(path, link, sizeof(link) - 1);
	if (length <= 0 || link[0] != '/') {
		errno = ENOENT;
		return NULL;
	}
	link[length] = '\0';
	return strdup(link);
}

/* What is not there is not added. */
static int add(struct locations *locations, const char *path, const char *what, const char *name)
{
	struct location *more = realloc(locations->list,
					(locations->count + 1) * sizeof(*more)), *new;

	if (!more)
		return -ENOMEM;
	locations->list = more;
	new = &more[locations->count];
	*new = (struct location){ .path = target_of(path) };
	if (!new->path)
		return errno == ENOENT ? 0 : -errno;
	if (asprintf(&new->what, "%s%s", what, name) < 0) {
		free(new->path);
		return -ENOMEM;
	}
	new->apart = locations->count && !is_below(new->path, more[0].path);
	locations->count++;
	return 0;
}

/* A tablespace that is no link is in the data directory. */
static int add_tablespaces(const struct cluster *cluster, struct locations *locations)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;
	int rc = 0;

	path_in(cluster, "pg_tblspc", path);
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (!rc && (errno = 0, entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/pg_tblspc/%s", cluster->directory, entry->d_name);
		rc = add(locations, path, "the tablespace ", entry->d_name);
	}
	if (!rc)
		rc = -errno;
	closedir(directory);
	return rc;
}

int cluster_locate(const struct cluster *cluster, struct locations *locations)
{
	char path[PATH_MAX];
	size_t i;
	int rc;

	*locations = (struct locations){ 0 };
	rc = add(locations, cluster->directory, "the data directory", "");
	if (!rc && !locations->count)
		rc = -ENOENT;
	for (i = 0; i < sizeof(parts) / sizeof(*parts) && !rc; i++) {
		path_in(cluster, parts[i], path);
		rc = add(locations, path, "", parts[i]);
	}
	if (!rc)
		rc = add_tablespaces(cluster, locations);
	if (rc)
		cluster_forget(locations);
	return rc;
}

void cluster_forget(struct locations *locations)
{
	size_t i;

	for (i = 0; i < locations->count; i++) {
		free(locations->list[i].what);
		free(locations->list[i].path);
	}
	free(locations->list);
	*locations = (struct locations){ 0 };
}
