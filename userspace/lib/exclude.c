// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * exclude.c - what the machine excludes from backups (VSS A-29).
 *
 * Files *.conf, in the order of their names.  A line is a directory and a pattern of names, with
 * "**" between them for all directories below.  Lines behind "[NAME]" stand in for the writer
 * of that name: they count only where it is not there.
 */
#include <dirent.h>

#include "document.h"
#include "exclude.h"

struct reading {
	struct shadowcopy *sc;
	struct sc_excludes *excludes;
	struct shadowcopy_metadata *const *writers;
	size_t count;
	const char *(*lookup)(void *data, const char *name);
	void *data;
	bool skip;		/* in the section of a writer that is there */
};

static bool is_there(const struct reading *reading, const char *name)
{
	size_t i;

	for (i = 0; i < reading->count; i++)
		if (!strcmp(reading->writers[i]->name, name))
			return true;
	return false;
}

/* Divide "/directory/pattern" and "/directory/ ** /pattern"; false where it is neither. */
static bool divide(char *line, struct sc_exclude *pattern, char **directory)
{
	char *slash = strrchr(line, '/');
	size_t length;

	if (!slash)
		return false;
	*slash = '\0';
	pattern->spec = slash + 1;
	length = strlen(line);
	if (length >= 3 && !strcmp(line + length - 3, "/**")) {
		line[length - 3] = '\0';
		pattern->recursive = true;
	} else if (!strcmp(pattern->spec, "**")) {
		pattern->spec[1] = '\0';
		pattern->recursive = true;
	}
	*directory = *line ? line : "/";
	return !sc_text_fault(SC_TEXT_SPEC, pattern->spec) && !strpbrk(line, "*?");
}

static int add_line(struct reading *reading, char *line)
{
	struct sc_excludes *excludes = reading->excludes;
	struct sc_exclude pattern = { 0 }, *more;
	char *directory;
	int rc;

	if (!divide(line, &pattern, &directory))
		return -EINVAL;
	rc = shadowcopy_path_expand(reading->sc, directory, reading->lookup, reading->data,
				    &pattern.path);
	if (rc)
		return rc;
	pattern.spec = strdup(pattern.spec);
	more = pattern.spec ? realloc(excludes->all, (excludes->count + 1) * sizeof(*more)) :
			      NULL;
	if (!more) {
		free(pattern.path);
		free(pattern.spec);
		return -ENOMEM;
	}
	excludes->all = more;
	more[excludes->count++] = pattern;
	return 0;
}

static int read_line(struct reading *reading, char *line)
{
	size_t length;

	line += strspn(line, " \t");
	length = strlen(line);
	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	if (!length || line[0] == '#')
		return 0;
	if (line[0] == '[') {
		if (length < 3 || line[length - 1] != ']')
			return -EINVAL;
		line[length - 1] = '\0';
		reading->skip = is_there(reading, line + 1);
		return 0;
	}
	return reading->skip ? 0 : add_line(reading, line);
}

static int read_file(struct reading *reading, const char *path)
{
	unsigned int number = 0;
	char *line = NULL, place[64];
	size_t room = 0;
	FILE *file = fopen(path, "re");
	int rc = 0;

	if (!file)
		return SC_FAIL(reading->sc, -errno, .action = "read", .object = path);
	reading->skip = false;
	while (!rc && (errno = 0, getline(&line, &room, file)) >= 0) {
		number++;
		rc = read_line(reading, line);
	}
	if (!rc && !feof(file))
		rc = -errno;
	free(line);
	fclose(file);
	if (!rc)
		return 0;
	if (rc != -EINVAL && rc != -ENOENT)
		return SC_FAIL(reading->sc, rc, .action = "read", .object = path);
	snprintf(place, sizeof(place), "line %u is no pattern of files", number);
	return SC_FAIL(reading->sc, rc, .action = "read", .object = path, .cause = place,
		       .remedy = "write it as /directory/pattern or /directory/**/pattern, with no "
		       "other wildcards in the directory, and variables that have values");
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

int sc_excludes_read(struct shadowcopy *sc, struct sc_excludes *excludes, const char *directory,
		     struct shadowcopy_metadata *const *writers, size_t count,
		     const char *(*lookup)(void *data, const char *name), void *data)
{
	struct reading reading = {
		.sc = sc, .excludes = excludes, .writers = writers, .count = count,
		.lookup = lookup, .data = data,
	};
	struct dirent **names;
	int i, found, rc = 0;
	char *path;

	found = scandir(directory, &names, is_conf, alphasort);
	if (found < 0)
		return errno == ENOENT ? 0 :
			SC_FAIL(sc, -errno, .action = "read", .object = directory);
	for (i = 0; i < found; i++) {
		if (!rc && asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0) {
			rc = SC_FAIL(sc, -ENOMEM, .action = "read", .object = directory);
		} else if (!rc) {
			rc = read_file(&reading, path);
			free(path);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

void sc_excludes_clear(struct sc_excludes *excludes)
{
	size_t i;

	for (i = 0; i < excludes->count; i++) {
		free(excludes->all[i].path);
		free(excludes->all[i].spec);
	}
	free(excludes->all);
}
