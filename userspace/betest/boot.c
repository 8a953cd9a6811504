// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - what a restore leaves to the next boot (L-06, L-07).
 *
 * Each part has a list in a directory that only root can write to: a new file and its place, a
 * zero behind each, in one directory.  A service that runs before others have them open renames
 * them.  A rename is done or is not, and a list goes when all of its files are in place: so what
 * is ended by whatever is gone on with at the boot after.
 */
#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "betest.h"
#include "copy.h"

static int make_state(const char *path)
{
	struct paths made = { 0 };
	char *below;
	int rc = asprintf(&below, "%s/list", path) < 0 ? -ENOMEM : 0, fd;
	const char *name;

	if (rc)
		return rc;
	fd = copy_open_above(below, &made, &name);
	if (fd >= 0)
		close(fd);
	free(below);
	paths_clear(&made);
	return fd < 0 ? fd : 0;
}

int boot_note(struct betest *test, const struct staged *staged, size_t count)
{
	char *text = NULL, *path = NULL;
	struct timespec now;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	int status = STATUS_OK, rc = make_state(test->state);

	for (i = 0; out && i < count; i++)
		fprintf(out, "%s%c%s%c", staged[i].from, 0, staged[i].to, 0);
	if (out)
		fclose(out);
	clock_gettime(CLOCK_REALTIME, &now);
	/* the later one wins, so they are in order */
	if (!rc && (!text || asprintf(&path, "%s/%020lld.%09ld.list", test->state,
				      (long long)now.tv_sec, now.tv_nsec) < 0))
		rc = -ENOMEM;
	sync();		/* the files are there before the list is */
	if (rc)
		status = fail(test->context, "cannot note in %s what is to be done at the next "
			      "boot: %s", test->state, strerror(-rc));
	else if (shadowcopy_document_write(test->context->sc, path, text, size))
		status = fail_library(test->context);
	free(path);
	free(text);
	return status;
}

/* What is not there was renamed before. */
static int put(struct betest *test, const char *from, const char *to)
{
	struct stat st;
	int rc = copy_stat(from, &st);

	if (!rc)
		rc = copy_rename(from, to, true);
	else if (rc == -ENOENT)
		rc = copy_stat(to, &st);
	if (rc)
		return fail(test->context, "cannot put %s in its place, where it is in %s: %s. It "
			    "is tried again at the next boot", to, from, strerror(-rc));
	printf("%s\n", to);
	return STATUS_OK;
}

static int put_all(struct betest *test, const char *path)
{
	char *from = NULL, *to = NULL;
	size_t room = 0, more = 0;
	int status = STATUS_OK;
	FILE *file = fopen(path, "re");

	if (!file)
		return fail(test->context, "cannot read %s: %s", path, strerror(errno));
	while (getdelim(&from, &room, '\0', file) > 0 && getdelim(&to, &more, '\0', file) > 0)
		status |= put(test, from, to);
	free(from);
	free(to);
	fclose(file);
	sync();
	if (!status && unlink(path))
		status = fail(test->context, "cannot delete %s: %s", path, strerror(errno));
	return status ? STATUS_FAILED : STATUS_OK;
}

static int is_list(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".list") && *entry->d_name != '.';
}

int betest_boot(struct betest *test)
{
	struct dirent **entries;
	int count = scandir(test->state, &entries, is_list, alphasort), status = STATUS_OK, i;
	char *path;

	if (count < 0 && errno == ENOENT)
		return STATUS_OK;
	if (count < 0)
		return fail(test->context, "cannot read %s: %s", test->state, strerror(errno));
	for (i = 0; i < count; i++) {
		if (asprintf(&path, "%s/%s", test->state, entries[i]->d_name) > 0) {
			status |= put_all(test, path);
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	return status ? STATUS_FAILED : STATUS_OK;
}
