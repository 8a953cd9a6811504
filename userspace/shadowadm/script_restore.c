// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_restore.c - scripts: a restore (O-09, O-13).
 *
 * "load metadata" reads the documents of a backup.  "begin restore" selects all components that
 * it has, but for those that a filter leaves out, each with its writer as it is now, and the
 * writers make room; the script copies files back, and "end restore" tells the writers that all
 * of them are there.  A script that fails in between says nothing of the kind: files may be old,
 * new or half of each, and only who looks at it can know.
 *
 * "simulate restore" does the selecting in a session of its own, and tells writers nothing
 * but to identify themselves.
 */
#include "libshadowcopy-requester.h"
#include "script.h"

/* --- the documents ------------------------------------------------------------------- */

/* Lines NAME=VALUE, in place. */
static int load_names(struct script *script, char *text)
{
	char *line, *value, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (*line && script_name(&script->variables, line, value))
			return fail(script->context, "there is not enough memory");
	}
	return STATUS_OK;
}

SCRIPT_COMMAND(load)
{
	struct documents documents;
	int status;

	(void)line;
	status = documents_load(script->context, words[0], &documents);
	if (status) {
		documents_free(&documents);
		return status;
	}
	documents_free(&script->documents);
	script->documents = documents;
	if (documents.backup->writer_count && !documents.backup->completed)
		warn(script->context,
		     "%s: that backup was not completed: what it has may be a part of it",
		     words[0]);
	if (script->answer) {
		json_uuid(script->answer, "set", &documents.backup->set);
		json_number(script->answer, "writers", documents.backup->writer_count);
	} else if (script->settings.verbose) {
		printf("documents of %zu writer%s\n", documents.backup->writer_count,
		       documents.backup->writer_count == 1 ? "" : "s");
	}
	return documents.aliases ? load_names(script, documents.aliases) : STATUS_OK;
}

/* --- selecting ----------------------------------------------------------------------------- */

/* The writer of a backup as it is now: by what it is, and what it is called. */
struct live {
	const struct shadowcopy_backup_writer *wanted;
	struct shadow_uuid instance;
	bool found, has_metadata;
};

static int on_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct live *live = data;

	if (!uuid_equal(&writer->class_id, &live->wanted->class_id) ||
	    strcmp(writer->instance_name, live->wanted->instance_name ?: "") ||
	    !strcmp(writer->part, "absent"))
		return 0;
	live->found = true;
	live->has_metadata = writer->has_metadata;
	live->instance = writer->instance_id;
	return 1;
}

/* @metadata: out: NULL: it is not there. */
static int find_live(struct script *script, const struct shadowcopy_backup_writer *writer,
		     struct shadowcopy_metadata **metadata)
{
	struct live live = { .wanted = writer };
	int rc = shadowcopy_requester_writers(script->requester, on_writer, &live);

	*metadata = NULL;
	if (rc < 0 || (live.has_metadata &&
		       shadowcopy_requester_metadata(script->requester, &live.instance, metadata)))
		return fail_library(script->context);
	return STATUS_OK;
}

/* What was found out about one component. */
static void tell(struct script *script, json_t *array,
		 const struct shadowcopy_backup_writer *writer,
		 const struct shadowcopy_backup_component *component, const char *problem)
{
	const char *path = component->path ?: "";
	json_t *object = json_object();

	if (problem)
		warn(script->context, "%s:/%s%s%s: %s", writer->name, path, *path ? "/" : "",
		     component->name, problem);
	else if (!script->context->json && script->settings.verbose)
		printf("%s:/%s%s%s is restored\n", writer->name, path, *path ? "/" : "",
		       component->name);
	json_text(object, "writer", writer->name);
	json_text(object, "path", path);
	json_text(object, "component", component->name);
	json_text(object, "problem", problem);
	json_array_append_new(array, object);
}

/* Components of one writer: how many cannot be restored, or < 0 after a message. */
static int select_of(struct script *script, const struct shadowcopy_backup_writer *writer,
		     json_t *array)
{
	const struct shadowcopy_metadata *saved = documents_of(&script->documents, writer);
	struct shadowcopy_metadata *live;
	int problems = 0;
	size_t i;

	if (find_live(script, writer, &live))
		return -1;
	for (i = 0; i < writer->component_count; i++) {
		struct shadowcopy_backup_component *component = writer->components[i];
		const char *problem = NULL;

		if (!script_wants(script, writer, component))
			continue;
		if (!saved)
			problem = "the writer's metadata is not among the documents. Load the "
				  "directory that it was saved to";
		else if (shadowcopy_backup_select(script->context->sc, component, saved, live))
			problem = shadowcopy_last_error(script->context->sc)->text;
		problems += !!problem;
		tell(script, array, writer, component, problem);
	}
	return problems;
}

/* All that is wanted; each problem is told, and any of them is a failure. */
static int select_all(struct script *script)
{
	struct shadowcopy_backup *backup;
	json_t *array = json_array();
	int problems = 0, rc = 0;
	size_t i;

	if (script->answer)
		json_value(script->answer, "components", json_incref(array));
	if (shadowcopy_requester_backup(script->requester, &backup)) {
		json_decref(array);
		return fail_library(script->context);
	}
	for (i = 0; rc >= 0 && i < backup->writer_count; i++) {
		rc = select_of(script, backup->writers[i], array);
		problems += rc;
	}
	json_decref(array);
	if (rc < 0)
		return STATUS_FAILED;
	if (problems)
		return fail(script->context, "%d component%s cannot be restored. Do what is said "
			    "above, or leave out what it is said of with \"writer exclude\"",
			    problems, problems == 1 ? "" : "s");
	if (script_verify_restore(script, backup))
		return STATUS_FAILED;
	if (shadowcopy_restore_check(script->context->sc, backup, script->documents.metadata,
				     script->documents.count))
		return fail_library(script->context);
	return STATUS_OK;
}

static int open_session(struct script *script)
{
	if (script_connect(script))
		return STATUS_FAILED;
	if (shadowcopy_requester_init_restore(script->requester, script->documents.text,
					      script->documents.size) ||
	    shadowcopy_requester_gather_metadata(script->requester))
		return fail_library(script->context);
	return select_all(script);
}

/* --- the commands --------------------------------------------------------------------- */

SCRIPT_COMMAND(begin_restore)
{
	int status = open_session(script);

	(void)line;
	(void)words;
	if (!status && shadowcopy_requester_pre_restore(script->requester))
		status = fail_library(script->context);
	if (!status && documents_failed_writers(script->context, script->requester))
		status = fail(script->context, "a writer is not ready for what is restored. See "
			      "its log");
	if (status)
		script_disconnect(script);
	return status;
}

SCRIPT_COMMAND(simulate_restore)
{
	int status = open_session(script);

	(void)line;
	(void)words;
	script_disconnect(script);
	if (!status && !script->answer)
		puts("the restore can begin");
	return status;
}

static int note_status(struct script *script, struct shadowcopy_backup_component *component)
{
	return shadowcopy_backup_component_set_value(script->context->sc, component,
						     SHADOWCOPY_PROPERTY_FILE_RESTORE_STATUS,
						     SHADOWCOPY_STATUS_ALL);
}

/* L.5: the script has come to here, so all files are there. */
static int note_restored(struct script *script)
{
	struct shadowcopy_backup *backup;
	size_t i, j;
	int rc;

	rc = shadowcopy_requester_backup(script->requester, &backup);
	for (i = 0; !rc && i < backup->writer_count; i++)
		for (j = 0; !rc && j < backup->writers[i]->component_count; j++)
			if (backup->writers[i]->components[j]->selected)
				rc = note_status(script, backup->writers[i]->components[j]);
	return rc ? fail_library(script->context) : STATUS_OK;
}

SCRIPT_COMMAND(end_restore)
{
	int status = note_restored(script);

	(void)line;
	(void)words;
	if (!status && shadowcopy_requester_post_restore(script->requester))
		status = fail_library(script->context);
	if (!status && documents_failed_writers(script->context, script->requester))
		status = fail(script->context, "the files are there, and a writer could not take "
			      "them up. See its log");
	return status;
}
