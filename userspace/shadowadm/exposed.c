// SPDX-License-Identifier: GPL-2.0-only
/*
 * exposed.c - the mount units by which shadows are at a directory over reboots.
 *
 * They are the only record of that: what is exposed is what has a unit that begins with our
 * mark.  systemd wants the unit of a mount point to have the name of its path.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exposed.h"

#define MARK	"# Made by \"shadowadm expose\"; \"shadowadm unexpose\" removes it.\n"
#define LINK	"/dev/disk/by-shadow/"
#define SUFFIX	".mount"

/* --- names ------------------------------------------------------------------------------ */

/* A "/" becomes "-"; what could be misread is written as its number. */
bool exposed_unit_name(const char *directory, char unit[NAME_MAX + 1])
{
	const char *p = directory + strspn(directory, "/");
	bool first = true;
	size_t n = 0;

	for (; *p; p++) {
		bool plain = isalnum((unsigned char)*p) || *p == ':' || *p == '_' ||
			     (*p == '.' && !first);

		if (n + (plain || *p == '/' ? 1 : strlen("\\x00")) + strlen(SUFFIX) > NAME_MAX)
			return false;
		if (*p == '/') {
			p += strspn(p, "/") - 1;
			if (p[1])
				unit[n++] = '-';
		} else if (plain) {
			unit[n++] = *p;
		} else {
			n += sprintf(unit + n, "\\x%02x", (unsigned char)*p);
		}
		first = false;
	}
	strcpy(unit + n, SUFFIX);
	return n > 0;
}

/* "%" begins something in a unit. */
static void put_path(FILE *file, const char *path)
{
	for (; *path; path++) {
		if (*path == '%')
			putc('%', file);
		putc(*path, file);
	}
}

static void take_path(const char *from, char *to, size_t size)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++) {
		if (from[0] == '%' && from[1] == '%')
			from++;
		to[n++] = *from;
	}
	to[n] = '\0';
}

/* --- reading ------------------------------------------------------------------------------ */

static bool read_unit(const char *unit, struct exposed *exposed)
{
	char path[sizeof(EXPOSED_UNIT_DIRECTORY) + NAME_MAX + 2];
	char line[2 * PATH_MAX + 16];
	bool ours = false;
	FILE *file;

	memset(exposed, 0, sizeof(*exposed));
	snprintf(exposed->unit, sizeof(exposed->unit), "%s", unit);
	snprintf(path, sizeof(path), EXPOSED_UNIT_DIRECTORY "/%s", unit);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		ours = !strcmp(line, MARK);
	while (ours && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "What=" LINK, strlen("What=" LINK)))
			snprintf(exposed->uuid, sizeof(exposed->uuid), "%.36s",
				 line + strlen("What=" LINK));
		else if (!strncmp(line, "Where=", strlen("Where=")))
			take_path(line + strlen("Where="), exposed->directory,
				  sizeof(exposed->directory));
	}
	fclose(file);
	return ours && *exposed->uuid && *exposed->directory;
}

bool exposed_find(const char *uuid, const char *directory, struct exposed *exposed)
{
	DIR *stream = opendir(EXPOSED_UNIT_DIRECTORY);
	struct dirent *entry;
	bool found = false;

	while (stream && !found && (entry = readdir(stream))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, SUFFIX) || !read_unit(entry->d_name, exposed))
			continue;
		found = uuid ? !strcmp(exposed->uuid, uuid) :
			!strcmp(exposed->directory, directory);
	}
	if (stream)
		closedir(stream);
	return found;
}

char *exposed_directory(const struct shadow_uuid *uuid)
{
	char text[SHADOWCOPY_UUID_LEN];
	struct exposed exposed;

	if (!exposed_find(shadowcopy_uuid_format(uuid, text), NULL, &exposed))
		return NULL;
	return strdup(exposed.directory);
}

/* --- writing ------------------------------------------------------------------------------ */

static void put_unit(FILE *file, const struct exposed *exposed, const char *description,
		     const char *type, const char *options)
{
	fputs(MARK "[Unit]\nDescription=", file);
	put_path(file, description);
	/* nofail: a shadow that was evicted holds nothing up but itself */
	fputs("\nDocumentation=man:shadowadm(8)\nAfter=shadowcopy-attach.service\n", file);
	fputs("\n[Mount]\n", file);
	fprintf(file, "What=" LINK "%s\nWhere=", exposed->uuid);
	put_path(file, exposed->directory);
	fprintf(file, "\nType=%s\nOptions=%s,nofail\n\n[Install]\nWantedBy=multi-user.target\n",
		type, options);
}

int exposed_write(const struct exposed *exposed, const char *description, const char *type,
		  const char *options)
{
	char path[sizeof(EXPOSED_UNIT_DIRECTORY) + NAME_MAX + 2];
	FILE *file;
	int fd, rc;

	snprintf(path, sizeof(path), EXPOSED_UNIT_DIRECTORY "/%s", exposed->unit);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		rc = -errno;
		close(fd);
		unlink(path);
		return rc;
	}
	put_unit(file, exposed, description, type, options);
	rc = fflush(file) || fsync(fd) ? -errno : 0;
	if (fclose(file) && !rc)
		rc = -errno;
	if (rc)
		unlink(path);
	return rc;
}

int exposed_remove(const struct exposed *exposed)
{
	char path[sizeof(EXPOSED_UNIT_DIRECTORY) + NAME_MAX + 2];

	snprintf(path, sizeof(path), EXPOSED_UNIT_DIRECTORY "/%s", exposed->unit);
	return unlink(path) ? -errno : 0;
}
