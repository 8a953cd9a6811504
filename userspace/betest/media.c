// SPDX-License-Identifier: GPL-2.0-only
/*
 * media.c - the list of what a backup has: kind and path of each file, a zero behind each, in the
 * order in which they were copied.
 */
#include <fcntl.h>
#include <unistd.h>

#include "betest.h"

static const struct {
	const char *name;
	uint32_t kind;
} kinds[] = {
	{ "file", SHADOWCOPY_ITEM_FILE }, { "directory", SHADOWCOPY_ITEM_DIRECTORY },
	{ "symlink", SHADOWCOPY_ITEM_SYMLINK }, { "special", SHADOWCOPY_ITEM_SPECIAL },
	{ "ranges", SHADOWCOPY_ITEM_RANGES },
};

char *media_path(const char *directory, const char *path)
{
	char *whole;

	return asprintf(&whole, "%s/data%s", directory, path) < 0 ? NULL : whole;
}

static FILE *media_open(const char *directory, const char *mode)
{
	FILE *file = NULL;
	char *path;

	if (asprintf(&path, "%s/files", directory) < 0)
		return NULL;
	file = fopen(path, mode);
	free(path);
	return file;
}

int media_check(struct betest *test, const char *directory)
{
	FILE *file = media_open(directory, "re");

	if (!file)
		return STATUS_OK;
	fclose(file);
	return fail(test->context, "%s has a backup already. Name a directory that has none",
		    directory);
}

FILE *media_begin(struct betest *test, const char *directory)
{
	FILE *file = media_open(directory, "wxe");

	if (!file)
		fail(test->context, "cannot make the list of files in %s: %s", directory,
		     strerror(errno));
	return file;
}

int media_note(FILE *file, const char *path, uint32_t kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return fprintf(file, "%s%c%s%c", kinds[i].name, 0, path, 0) < 0 ? -EIO : 0;
	return -EINVAL;
}

int media_end(struct betest *test, FILE *file)
{
	int rc = fflush(file) || fsync(fileno(file));

	if (fclose(file) || rc)
		return fail(test->context, "cannot write the list of files: %s", strerror(errno));
	return STATUS_OK;
}

static int add(struct media *media, const char *kind, const char *path)
{
	struct shadowcopy_media_file *more;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i].name, kind); i++)
		;
	if (i == ARRAY_SIZE(kinds))
		return -EINVAL;
	more = reallocarray(media->list, media->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	media->list = more;
	more[media->count] = (struct shadowcopy_media_file){ strdup(path), kinds[i].kind };
	return more[media->count].path ? media->count++, 0 : -ENOMEM;
}

int media_load(struct betest *test, const char *directory, struct media *media)
{
	FILE *file = media_open(directory, "re");
	char *kind = NULL, *path = NULL;
	size_t room = 0, more = 0;
	int rc = file ? 0 : -errno;

	while (!rc && getdelim(&kind, &room, '\0', file) > 0)
		rc = getdelim(&path, &more, '\0', file) > 0 ? add(media, kind, path) : -EINVAL;
	free(kind);
	free(path);
	if (file)
		fclose(file);
	if (rc)
		return fail(test->context, "cannot read the list of files in %s: %s. Name a "
			    "directory that \"shadow-betest backup\" has made", directory,
			    strerror(-rc));
	return STATUS_OK;
}

void media_free(struct media *media)
{
	while (media->count)
		free((char *)media->list[--media->count].path);
	free(media->list);
	memset(media, 0, sizeof(*media));
}
