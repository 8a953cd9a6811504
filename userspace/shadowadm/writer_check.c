// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer_check.c - shadowadm writer check: whether writer metadata that somebody wrote by hand
 * keeps the rules, each document by itself and all of them together, and is good for a writer
 * that is nothing but this file.
 */
#include <fcntl.h>
#include <unistd.h>

#include "writer.h"

struct checking {
	struct context *context;
	bool programs;		/* the writers are programs */
	json_t *files;
	struct shadowcopy_metadata **metadata;
	size_t count;
	int status;
};

static json_t *note(struct checking *checking, const char *file, const char *message)
{
	json_t *object = json_object();

	json_text(object, "file", file);
	json_value(object, "good", json_boolean(!message));
	json_text(object, "message", message);
	json_array_append_new(checking->files, object);
	if (message) {
		fprintf(stderr, "shadowadm writer check: %s.\n", message);
		checking->status = STATUS_FAILED;
	}
	return object;
}

static size_t count_filesets(const struct shadowcopy_metadata *metadata)
{
	size_t i, count = 0;

	for (i = 0; i < metadata->component_count; i++)
		count += metadata->components[i]->file_count +
			 metadata->components[i]->database_count +
			 metadata->components[i]->log_count;
	return count;
}

static void note_good(struct checking *checking, const char *file,
		      const struct shadowcopy_metadata *metadata)
{
	json_t *object = note(checking, file, NULL);

	json_text(object, "name", metadata->name);
	json_uuid(object, "class", &metadata->class_id);
	json_number(object, "components", metadata->component_count);
	json_number(object, "filesets", count_filesets(metadata));
	if (!checking->context->json)
		printf("%s: good: writer %s, components: %zu, sets of files: %zu\n", file,
		       metadata->name, metadata->component_count, count_filesets(metadata));
}

static void check_one(struct checking *checking, const char *file)
{
	struct shadowcopy *sc = checking->context->sc;
	struct shadowcopy_metadata *metadata;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char message[PATH_MAX + 128];

	if (fd < 0) {
		snprintf(message, sizeof(message), "cannot read %s: %s", file, strerror(errno));
		note(checking, file, message);
		return;
	}
	if (shadowcopy_metadata_load_fd(sc, fd, file, SHADOWCOPY_LOAD_UNSIGNED, &metadata)) {
		note(checking, file, shadowcopy_last_error(sc)->text);
	} else {
		if (!checking->programs && shadowcopy_metadata_check_static(sc, metadata)) {
			snprintf(message, sizeof(message), "%s: %s", file,
				 shadowcopy_last_error(sc)->text);
			note(checking, file, message);
		} else {
			note_good(checking, file, metadata);
		}
		checking->metadata[checking->count++] = metadata;
	}
	close(fd);
}

/* Two files of one writer, or of two that claim the same component. */
static void check_together(struct checking *checking)
{
	struct shadowcopy *sc = checking->context->sc;

	if (shadowcopy_metadata_check_all(sc, checking->metadata, checking->count))
		note(checking, NULL, shadowcopy_last_error(sc)->text);
}

static int check(struct context *context, bool programs, char **files, size_t count)
{
	struct checking checking = {
		.context = context, .programs = programs, .files = json_array(),
		.metadata = calloc(count, sizeof(*checking.metadata)),
	};
	json_t *document;

	if (!checking.metadata)
		return fail(context, "there is not enough memory");
	for (; *files; files++)
		check_one(&checking, *files);
	check_together(&checking);
	while (checking.count)
		shadowcopy_metadata_free(checking.metadata[--checking.count]);
	free(checking.metadata);
	if (!context->json) {
		json_decref(checking.files);
		return checking.status ?: fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	document = json_object();
	json_value(document, "files", checking.files);
	return json_print(document) ?: checking.status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_PROGRAM = OPTION_OWN };
	static const struct option longs[] = {
		{ "program", no_argument, NULL, OPTION_PROGRAM },
		{ 0 }
	};
	bool programs = false;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_PROGRAM)
			return status;
		programs = true;
	}
	if (optind == argc)
		return usage(context, "name a file with writer metadata at least");
	return check(context, programs, argv + optind, argc - optind);
}

const struct command writer_check = {
	.name = "writer check",
	.summary = "Check writer metadata that was written by hand",
	.synopsis = "[--program] FILE...",
	.text = "The rules are those of documents.rst; a checksum may be missing, and if there is "
		"one\nit has to fit.  Several files are checked together, too: one writer is "
		"described\nonce, and writers of one class have no component in common.\n\n"
		"A writer that is nothing but its file, in /etc/shadowcopy/writers.d, is told nothing,\n"
		"and its metadata may ask for nothing that a program would have to do.\n\n"
		"Options:\n"
		"      --program         the metadata is that of a program\n"
		COMMON_HELP,
	.run = run,
};
