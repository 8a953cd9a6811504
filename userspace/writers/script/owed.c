// SPDX-License-Identifier: GPL-2.0-only
/*
 * owed.c - what is thawed even if this program is killed.
 *
 * Before a hook is told to freeze it is put on record, in a file of /run, which is memory
 * and is never frozen.  When all were thawed the file is emptied.  What the program finds
 * there when it starts was frozen by one that is dead.
 *
 * Whoever has the file locked is the writer of that name; a second one would call
 * the same hooks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "script.h"

#define DIRECTORY "/run/shadowcopy"
#define SIZE_MAX_KEPT (1024 * 1024)

static int file = -1;

int owed_open(const char *name)
{
	char *path = say(DIRECTORY "/script-%s.frozen", name);
	int rc = 0;

	(void)mkdir(DIRECTORY, 0755);
	file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		rc = -errno;
	else if (flock(file, LOCK_EX | LOCK_NB))
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	free(path);
	return rc;
}

/* Each hook is three strings: contract, freeze, thaw; an empty one for what is not there. */
void owed_note(const struct hook *hook)
{
	char *text;
	int length;

	if (file < 0)
		return;
	length = asprintf(&text, "%s%c%s%c%s%c", hook->contract->name, 0, hook->freeze ?: "", 0,
			  hook->thaw ?: "", 0);
	if (length < 0)
		return;
	if (write(file, text, length) != length)
		output_log(4, "%s is not on record as frozen: %s", hook_name(hook),
			   strerror(errno));
	free(text);
}

void owed_clear(void)
{
	if (file >= 0 && ftruncate(file, 0))
		output_log(4, DIRECTORY ": %s", strerror(errno));
}

/* The string at *@at, which is moved behind it; NULL if there is none. */
static const char *next(const char **at, const char *end)
{
	const char *text = *at, *zero = memchr(text, 0, end - text);

	if (!zero)
		return NULL;
	*at = zero + 1;
	return text;
}

static void parse(struct hook_list *list, const char *at, const char *end)
{
	const struct contract *contract;
	const char *name, *freeze, *thaw;

	while ((name = next(&at, end)) && (freeze = next(&at, end)) && (thaw = next(&at, end))) {
		contract = contract_find(name);
		if (contract)
			hooks_add(list, contract, *freeze ? freeze : NULL,
				  *thaw ? thaw : NULL)->owed = true;
	}
}

void owed_read(struct hook_list *list)
{
	struct stat st;
	ssize_t length;
	char *text;

	if (fstat(file, &st) || !st.st_size || st.st_size > SIZE_MAX_KEPT)
		return;
	text = malloc(st.st_size);
	if (!text)
		return;
	length = pread(file, text, st.st_size, 0);
	if (length > 0)
		parse(list, text, text + length);
	free(text);
}
