// SPDX-License-Identifier: GPL-2.0-only
/*
 * program.c - is there the program that is to be run?  Seen before anything is done for it.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* Call @is for the name in each directory of PATH until it is true. */
static bool in_path(const char *name, bool (*is)(const char *path))
{
	const char *path = getenv("PATH") ?: "/bin:/usr/bin";
	bool found;

	/* one that is empty is the directory that we are in, the last one too */
	for (;;) {
		size_t length = strcspn(path, ":");
		char *file;

		if (asprintf(&file, "%.*s%s%s", (int)length, path, length ? "/" : "", name) < 0)
			return true;	/* exec will tell */
		found = is(file);
		free(file);
		path += length;
		if (found || !*path)
			return found;
		path++;
	}
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

int program_check(const char *name, const char **why)
{
	bool named = strchr(name, '/');
	struct stat st;

	if (named ? is_program(name) : *name && in_path(name, is_program))
		return 0;
	*why = "there is no such program";
	if (named && !stat(name, &st) && !S_ISREG(st.st_mode)) {
		*why = "it is no regular file";
		return PROGRAM_NOT_EXECUTABLE;
	}
	if (named ? is_file(name) : *name && in_path(name, is_file)) {
		*why = "it is not executable";
		return PROGRAM_NOT_EXECUTABLE;
	}
	return PROGRAM_NOT_FOUND;
}
