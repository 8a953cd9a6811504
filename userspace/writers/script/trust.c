// SPDX-License-Identifier: GPL-2.0-only
/*
 * trust.c - may a file be run as root?
 *
 * Only if nobody but root can change it, or what its path leads to.  So the path is
 * walked as the kernel would walk it, symbolic links and all, and each step must belong to
 * root and be writable by nobody else.  A directory with the sticky bit may be passed: there
 * others cannot touch what is root's.
 *
 * All that is looked at being root's, nothing changes between this look and the run.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

#define LINKS_MAX 40	/* as the kernel's */

struct walk {
	char done[PATH_MAX];	/* without links; "" is the root directory */
	char rest[PATH_MAX];
	unsigned int links;
};

/* What is wrong with one step, or NULL. */
static char *look(const char *path, bool last, struct stat *st)
{
	bool passed;

	if (lstat(path, st))
		return say("%s: %s", path, strerror(errno));
	if (st->st_uid)
		return say("%s belongs to user %u and not to root", path, st->st_uid);
	passed = S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX && !last;
	if (!S_ISLNK(st->st_mode) && st->st_mode & 0022 && !passed)
		return say("%s can be written by others than root (mode %04o)", path,
			   st->st_mode & 07777);
	return NULL;
}

/* The last step was a link: go where it leads.  What is wrong, or NULL. */
static char *follow(struct walk *walk, size_t step)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(walk->done, target, sizeof(target) - 1);
	int needed;

	if (length < 0)
		return say("%s: %s", walk->done, strerror(errno));
	if (++walk->links > LINKS_MAX)
		return say("%s: %s", walk->done, strerror(ELOOP));
	target[length] = '\0';
	needed = snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest);
	if (needed < 0 || (size_t)needed >= sizeof(rest))
		return say("%s: %s", walk->done, strerror(ENAMETOOLONG));
	walk->done[*target == '/' ? 0 : step] = '\0';
	strcpy(walk->rest, rest);
	return NULL;
}

/* One step on.  What is wrong, or NULL. */
static char *step(struct walk *walk, const char *name)
{
	size_t length = strlen(walk->done);
	struct stat st;
	char *why;

	if (!strcmp(name, "."))
		return NULL;
	if (!strcmp(name, "..")) {
		walk->done[length ? strrchr(walk->done, '/') - walk->done : 0] = '\0';
		return NULL;
	}
	if (length + 1 + strlen(name) >= sizeof(walk->done))
		return say("%s: %s", walk->done, strerror(ENAMETOOLONG));
	walk->done[length] = '/';
	strcpy(walk->done + length + 1, name);
	why = look(walk->done, !walk->rest[strspn(walk->rest, "/")], &st);
	if (!why && S_ISLNK(st.st_mode))
		why = follow(walk, length);
	return why;
}

char *trust_why_not(const char *path)
{
	struct walk walk = { 0 };
	struct stat st;
	char *why;

	if (strlen(path) >= sizeof(walk.rest))
		return say("%s", strerror(ENAMETOOLONG));
	strcpy(walk.rest, path);
	why = look("/", false, &st);
	while (!why) {
		char name[NAME_MAX + 1], *from = walk.rest + strspn(walk.rest, "/");
		size_t length = strcspn(from, "/");

		if (!length)
			return NULL;
		if (length >= sizeof(name))
			return say("%s", strerror(ENAMETOOLONG));
		memcpy(name, from, length);
		name[length] = '\0';
		memmove(walk.rest, from + length, strlen(from + length) + 1);
		why = step(&walk, name);
	}
	return why;
}
