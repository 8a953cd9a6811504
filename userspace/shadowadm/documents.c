// SPDX-License-Identifier: GPL-2.0-only
/*
 * documents.c - where the documents of a backup are kept.
 *
 * In a directory: backup-components.json, a NAME.json for each writer that took part, and
 * "aliases", the names that a script gave to shadows.  Each file is replaced in one step, the
 * backup components last.  What is left there from an earlier backup does no harm: of the
 * writers only those count that the backup components name, by an instance that is new
 * at each start of a writer.
 *
 * A writer chooses its name, and is less trusted than who keeps its documents: of the name
 * only what is a plain part of a file's name is taken.  And the names of "aliases" go into the
 * environment of programs: they are read where nobody else can have written them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "documents.h"

#define BACKUP_NAME "backup-components"
#define ALIASES_NAME "aliases"
#define ALIASES_MAX (64 << 10)

bool documents_in_directory(const char *path)
{
	size_t length = strlen(path);
	struct stat st;

	return (length && path[length - 1] == '/') || (!stat(path, &st) && S_ISDIR(st.st_mode));
}

static int cannot_write(struct context *context, const char *path, int error)
{
	return fail(context, "cannot write the documents to %s: %s. Name a directory, or a file in "
		    "one, that can be written to", path, strerror(error));
}

int documents_prepare(struct context *context, const char *path, bool directory)
{
	char parent[PATH_MAX], *slash;
	struct stat st;

	if (directory) {
		if (mkdir(path, 0700) && errno != EEXIST)
			return cannot_write(context, path, errno);
		if (stat(path, &st) || !S_ISDIR(st.st_mode))
			return cannot_write(context, path, ENOTDIR);
		return access(path, W_OK | X_OK) ? cannot_write(context, path, errno) : STATUS_OK;
	}
	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	return access(slash ? parent : ".", W_OK | X_OK) ? cannot_write(context, path, errno) :
							   STATUS_OK;
}

/* --- saving ---------------------------------------------------------------------------- */

/* The writers whose metadata is kept. */
struct kept {
	struct shadow_uuid *instances;
	char (*names)[SHADOW_NL_NAME_MAX + SHADOWCOPY_UUID_LEN + 2];
	size_t count;
};

static bool is_taken(const struct kept *kept, const char *name)
{
	size_t i;

	for (i = 0; i < kept->count; i++)
		if (!strcmp(kept->names[i], name))
			return true;
	return !strcmp(name, BACKUP_NAME);
}

static int keep_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct kept *kept = data;
	char uuid[SHADOWCOPY_UUID_LEN], name[sizeof(*kept->names)], *c;
	void *more;

	if (*writer->part || !writer->has_metadata)
		return 0;
	snprintf(name, SHADOW_NL_NAME_MAX + 1, "%s", writer->name);
	for (c = name; *c; c++)
		if (!strchr("-_.", *c) && !(*c >= '0' && *c <= '9') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= 'a' && *c <= 'z'))
			*c = '_';
	if (*name == '.')
		*name = '_';
	if (is_taken(kept, name)) {
		c = name + strlen(name);
		snprintf(c, name + sizeof(name) - c, "-%s",
			 shadowcopy_uuid_format(&writer->instance_id, uuid));
	}
	more = reallocarray(kept->instances, kept->count + 1, sizeof(*kept->instances));
	if (!more)
		return -ENOMEM;
	kept->instances = more;
	more = reallocarray(kept->names, kept->count + 1, sizeof(*kept->names));
	if (!more)
		return -ENOMEM;
	kept->names = more;
	kept->instances[kept->count] = writer->instance_id;
	memcpy(kept->names[kept->count++], name, sizeof(name));
	return 0;
}

/* As json: DIRECTORY/NAME.json; else DIRECTORY/NAME. */
static int write_file(struct context *context, const char *directory, const char *name,
		      const char *suffix, const char *text, size_t size)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s%s", directory, name, suffix) < 0)
		return fail(context, "there is not enough memory");
	rc = shadowcopy_document_write(context->sc, path, text, size);
	free(path);
	return rc ? fail_library(context) : STATUS_OK;
}

static int save_metadata(struct context *context, struct shadowcopy_requester *requester,
			 const char *directory, const struct kept *kept)
{
	struct shadowcopy_metadata *metadata;
	int status = STATUS_OK;
	size_t i, size;
	char *text;

	for (i = 0; !status && i < kept->count; i++) {
		if (shadowcopy_requester_metadata(requester, &kept->instances[i], &metadata) ||
		    shadowcopy_metadata_save(context->sc, metadata, &text, &size))
			return fail_library(context);
		status = write_file(context, directory, kept->names[i], ".json", text, size);
		free(text);
	}
	return status;
}

static int save_writers(struct context *context, struct shadowcopy_requester *requester,
			const char *directory)
{
	struct kept kept = { 0 };
	int rc = shadowcopy_requester_writers(requester, keep_writer, &kept), status;

	if (rc == -ENOMEM)
		status = fail(context, "there is not enough memory");
	else if (rc)
		status = fail_library(context);
	else
		status = save_metadata(context, requester, directory, &kept);
	free(kept.instances);
	free(kept.names);
	return status;
}

int documents_save(struct context *context, struct shadowcopy_requester *requester,
		   const char *path, bool directory, const char *aliases)
{
	struct shadowcopy_backup *backup;
	int status = STATUS_OK;
	size_t size;
	char *text;

	if (directory)
		status = save_writers(context, requester, path);
	if (!status && directory && aliases)
		status = write_file(context, path, ALIASES_NAME, "", aliases, strlen(aliases));
	if (status)
		return status;
	if (shadowcopy_requester_backup(requester, &backup) ||
	    shadowcopy_backup_save(context->sc, backup, &text, &size))
		return fail_library(context);
	if (directory)
		status = write_file(context, path, BACKUP_NAME, ".json", text, size);
	else if (shadowcopy_document_write(context->sc, path, text, size))
		status = fail_library(context);
	free(text);
	return status;
}

/* --- loading ----------------------------------------------------------------------------- */

static int load_backup(struct context *context, const char *path, struct documents *documents)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return fail(context, "cannot read %s: %s. Name a directory with the documents of "
			    "a backup, or a file with backup components", path, strerror(errno));
	rc = shadowcopy_backup_load_fd(context->sc, fd, path, 0, &documents->backup);
	close(fd);
	if (!rc)
		rc = shadowcopy_backup_save(context->sc, documents->backup, &documents->text,
					    &documents->size);
	return rc ? fail_library(context) : STATUS_OK;
}

static bool is_in_backup(const struct documents *documents,
			 const struct shadowcopy_metadata *metadata)
{
	return shadowcopy_backup_find_writer(documents->backup, &metadata->class_id,
					     &metadata->instance_id);
}

/* What is no metadata is not meant, or is missed where it would be needed. */
static int load_writer(struct context *context, const char *path, struct documents *documents)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -errno;
	struct shadowcopy_metadata *metadata = NULL;
	void *more;

	if (fd >= 0) {
		rc = shadowcopy_metadata_load_fd(context->sc, fd, path, 0, &metadata);
		close(fd);
	}
	if (rc) {
		warn(context, "%s is left out: %s", path, fd < 0 ? strerror(-rc) :
		     shadowcopy_last_error(context->sc)->text);
		return STATUS_OK;
	}
	if (!is_in_backup(documents, metadata)) {
		shadowcopy_metadata_free(metadata);
		return STATUS_OK;
	}
	more = reallocarray(documents->metadata, documents->count + 1,
			    sizeof(*documents->metadata));
	if (!more) {
		shadowcopy_metadata_free(metadata);
		return fail(context, "there is not enough memory");
	}
	documents->metadata = more;
	documents->metadata[documents->count++] = metadata;
	return STATUS_OK;
}

static int is_document(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".json") && strcmp(entry->d_name, BACKUP_NAME ".json");
}

static int load_writers(struct context *context, const char *directory,
			struct documents *documents)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_document, alphasort), status = STATUS_OK, i;
	char *path;

	if (count < 0)
		return fail(context, "cannot read %s: %s", directory, strerror(errno));
	for (i = 0; i < count; i++) {
		if (!status && asprintf(&path, "%s/%s", directory, entries[i]->d_name) > 0) {
			status = load_writer(context, path, documents);
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	return status;
}

static bool is_ours(FILE *file)
{
	struct stat st;

	return !fstat(fileno(file), &st) && S_ISREG(st.st_mode) &&
	       (!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & 0022);
}

/* There need not be any. */
static void load_aliases(struct context *context, const char *directory,
			 struct documents *documents)
{
	size_t size;
	FILE *file;
	char *path;

	if (asprintf(&path, "%s/" ALIASES_NAME, directory) < 0)
		return;
	file = fopen(path, "re");
	if (file && is_ours(file)) {
		documents->aliases = malloc(ALIASES_MAX + 1);
		size = documents->aliases ? fread(documents->aliases, 1, ALIASES_MAX, file) : 0;
		if (documents->aliases)
			documents->aliases[size] = '\0';
	} else if (file) {
		warn(context, "%s is left out: others can write to it", path);
	}
	if (file)
		fclose(file);
	free(path);
}

int documents_load(struct context *context, const char *path, struct documents *documents)
{
	char *file;
	int status;

	memset(documents, 0, sizeof(*documents));
	if (!documents_in_directory(path))
		return load_backup(context, path, documents);
	if (asprintf(&file, "%s/" BACKUP_NAME ".json", path) < 0)
		return fail(context, "there is not enough memory");
	status = load_backup(context, file, documents);
	free(file);
	if (!status)
		status = load_writers(context, path, documents);
	if (!status)
		load_aliases(context, path, documents);
	return status;
}

void documents_free(struct documents *documents)
{
	free(documents->text);
	free(documents->aliases);
	shadowcopy_backup_free(documents->backup);
	while (documents->count)
		shadowcopy_metadata_free(documents->metadata[--documents->count]);
	free(documents->metadata);
	memset(documents, 0, sizeof(*documents));
}

const struct shadowcopy_metadata *documents_of(const struct documents *documents,
					       const struct shadowcopy_backup_writer *writer)
{
	size_t i;

	for (i = 0; i < documents->count; i++)
		if (uuid_equal(&documents->metadata[i]->class_id, &writer->class_id) &&
		    uuid_equal(&documents->metadata[i]->instance_id, &writer->instance_id))
			return documents->metadata[i];
	return NULL;
}

/* --- writers that failed ---------------------------------------------------------------- */

struct failing {
	struct context *context;
	size_t count;
};

static int on_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct failing *failing = data;

	if (*writer->part || !*writer->failed_at)
		return 0;
	failing->count++;
	warn(failing->context, "writer %s failed at %s (%s)%s%s", writer->name, writer->failed_at,
	     *writer->status ? writer->status : "gone", *writer->text ? ": " : "", writer->text);
	return 0;
}

size_t documents_failed_writers(struct context *context, struct shadowcopy_requester *requester)
{
	struct failing failing = { .context = context };

	if (shadowcopy_requester_writers(requester, on_writer, &failing)) {
		fail_library(context);
		return 1;
	}
	return failing.count;
}
