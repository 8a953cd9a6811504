// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer_status.c - shadowadm writer status: how the writers are.
 *
 * A session of its own asks all of them who they are; what they are doing stands in the sessions
 * of others, which the coordinator tells.  So a writer has a row for each session that it takes
 * part in, and one where it takes part in none.
 */
#include "writer.h"

/* Of an object; "" where there is none. */
static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static uint32_t number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* --- asking ------------------------------------------------------------------------- */

static void take_info(struct shadowcopy_channel_writer *info, json_t *writer)
{
	shadowcopy_uuid_parse(text_of(writer, "class"), &info->class_id);
	shadowcopy_uuid_parse(text_of(writer, "instance"), &info->instance_id);
	snprintf(info->name, sizeof(info->name), "%s", text_of(writer, "name"));
	snprintf(info->instance_name, sizeof(info->instance_name), "%s",
		 text_of(writer, "instance_name"));
	for (info->level = 0; info->level < SHADOW_NL_LEVEL_SYSTEM; info->level++)
		if (!strcmp(shadowcopy_level_name(info->level), text_of(writer, "level")))
			break;
	info->freeze_ms = number_of(writer, "freeze_ms");
	info->pid = number_of(writer, "pid");
	info->uid = number_of(writer, "uid");
}

static void take_failure(struct writer_row *row, json_t *failure)
{
	row->failed = failure;
	row->failed_at = text_of(failure, "at");
	/* who is gone has no status */
	row->failure = strcmp(text_of(failure, "result"), "answered") ?
		       text_of(failure, "result") : text_of(failure, "status");
	row->text = text_of(failure, "text");
	row->app_code = number_of(failure, "app_code");
	row->failed_seconds = number_of(failure, "seconds_ago");
}

static void take_row(struct writer_row *row, json_t *writer, json_t *session)
{
	memset(row, 0, sizeof(*row));
	take_info(&row->info, writer);
	take_failure(row, json_object_get(writer, "last_failure"));
	row->state = text_of(writer, "state");
	row->part = text_of(writer, "part");
	row->metadata = json_is_true(json_object_get(writer, "metadata"));
	if (!session)
		return;
	row->session = text_of(session, "session");
	row->session_state = text_of(session, "state");
	row->step = text_of(session, "step");
	row->session_pid = number_of(session, "pid");
	row->session_uid = number_of(session, "uid");
}

/* The same writer where it takes part in a session, or NULL. */
static json_t *find_in(json_t *session, const char *instance)
{
	json_t *writer;
	size_t i;

	json_array_foreach(json_object_get(session, "writers"), i, writer)
		if (!strcmp(text_of(writer, "instance"), instance) && !*text_of(writer, "part"))
			return writer;
	return NULL;
}

static int make_rows(struct context *context, struct writer_answers *answers)
{
	size_t max = json_array_size(answers->writers), i, j;
	json_t *writer, *session, *there;

	json_array_foreach(answers->sessions, i, session)
		max += json_array_size(json_object_get(session, "writers"));
	answers->rows = calloc(max + 1, sizeof(*answers->rows));
	if (!answers->rows)
		return fail(context, "there is not enough memory");
	json_array_foreach(answers->writers, i, writer) {
		size_t before = answers->count;

		json_array_foreach(answers->sessions, j, session) {
			there = find_in(session, text_of(writer, "instance"));
			if (there && answers->count < max)
				take_row(&answers->rows[answers->count++], there, session);
		}
		if (answers->count == before && answers->count < max)
			take_row(&answers->rows[answers->count++], writer, NULL);
	}
	return STATUS_OK;
}

#define SILENT_MS 2000	/* then people are told what is waited for */

/* Call, and say so where the writers take their time. */
static int call(struct context *context, struct shadowcopy_requester *requester, const char *name)
{
	int rc = shadowcopy_requester_begin(requester, name, NULL);

	if (!rc)
		rc = shadowcopy_requester_wait(requester, SILENT_MS);
	if (rc != -EAGAIN)
		return rc;
	progress(context, "waiting for a writer that has not answered; in half a minute at most it "
		 "counts as failed, and is named");
	return shadowcopy_requester_wait(requester, -1);
}

/* Call it, and take a member of the answer; files that should be writers can be wrong. */
static int ask(struct context *context, struct shadowcopy_requester *requester, const char *name,
	       json_t **member)
{
	json_t *result, *problem;
	size_t i;

	if (call(context, requester, name))
		return fail_library(context);
	result = json_loads(shadowcopy_requester_result(requester), 0, NULL);
	*member = json_incref(json_object_get(result, strcmp(name, "sessions") ? "writers" :
					      "sessions"));
	json_array_foreach(json_object_get(result, "problems"), i, problem)
		warn(context, "%s", json_string_value(problem));
	json_decref(result);
	return STATUS_OK;
}

static int ask_documents(struct context *context, struct shadowcopy_requester *requester,
			 struct writer_answers *answers)
{
	struct shadowcopy_metadata *metadata;
	struct shadow_uuid instance;
	json_t *writer;
	size_t i;

	answers->documents = json_object();
	json_array_foreach(answers->writers, i, writer) {
		if (!json_is_true(json_object_get(writer, "metadata")) ||
		    shadowcopy_uuid_parse(text_of(writer, "instance"), &instance))
			continue;
		if (shadowcopy_requester_metadata(requester, &instance, &metadata))
			return fail_library(context);
		json_value(answers->documents, text_of(writer, "instance"),
			   metadata_json(context, metadata));
	}
	return STATUS_OK;
}

int writer_ask(struct context *context, struct shadowcopy_requester *requester, bool gather,
	       bool documents, struct writer_answers *answers)
{
	int status;

	memset(answers, 0, sizeof(*answers));
	status = ask(context, requester, gather ? "gather-metadata" : "status", &answers->writers);
	if (!status)
		status = ask(context, requester, "sessions", &answers->sessions);
	if (!status && documents)
		status = ask_documents(context, requester, answers);
	return status ?: make_rows(context, answers);
}

void writer_answers_free(struct writer_answers *answers)
{
	json_decref(answers->writers);
	json_decref(answers->sessions);
	json_decref(answers->documents);
	free(answers->rows);
	memset(answers, 0, sizeof(*answers));
}

/* --- showing -------------------------------------------------------------------------- */

static int print_json(struct context *context, const struct writer_answers *answers)
{
	struct rows rows = { answers->rows, sizeof(*answers->rows), answers->count, NULL };
	json_t *document = json_object(), *array;
	char instance[SHADOWCOPY_UUID_LEN];
	size_t i;

	array = table_json(context, &writer_status_table, &rows);
	for (i = 0; answers->documents && i < answers->count; i++) {
		shadowcopy_uuid_format(&answers->rows[i].info.instance_id, instance);
		json_value(json_array_get(array, i), "document",
			   json_incref(json_object_get(answers->documents, instance)));
	}
	json_value(document, writer_status_table.name, array);
	json_value(document, "sessions", json_incref(answers->sessions));
	return json_print(document);
}

static void print_session(json_t *session)
{
	json_t *volume;
	size_t i;

	printf("session %s of process %u: %s", text_of(session, "session"),
	       number_of(session, "pid"), text_of(session, "state"));
	if (*text_of(session, "step"))
		printf(" (%s)", text_of(session, "step"));
	printf(" for %u s, begun %u s ago", number_of(session, "state_seconds"),
	       number_of(session, "seconds"));
	json_array_foreach(json_object_get(session, "volumes"), i, volume)
		printf("%s %s", i ? "," : ":", json_string_value(volume));
	putchar('\n');
}

int writer_answers_print(struct context *context, const struct writer_answers *answers,
			 bool metadata, bool detailed)
{
	struct rows rows = { answers->rows, sizeof(*answers->rows), answers->count, NULL };
	const char *instance;
	json_t *document;
	size_t i;
	int status;

	if (context->json)
		return print_json(context, answers);
	status = table_print(context, &writer_status_table, &rows);
	if (!status && metadata)
		json_object_foreach(answers->documents, instance, document) {
			putchar('\n');
			metadata_print(document, detailed);
		}
	if (!status && json_array_size(answers->sessions))
		putchar('\n');
	json_array_foreach(answers->sessions, i, document)
		print_session(document);
	return status ?: fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

/* --- the command ------------------------------------------------------------------------ */

static int show(struct context *context, bool verbose)
{
	struct shadowcopy_requester *requester;
	struct writer_answers answers = { 0 };
	int status;

	if (shadowcopy_requester_open(context->sc, NULL, &requester))
		return fail_library(context);
	if (shadowcopy_requester_init_backup(requester))
		status = fail_library(context);
	else
		status = writer_ask(context, requester, true, verbose, &answers);
	if (!status)
		status = writer_answers_print(context, &answers, verbose, true);
	writer_answers_free(&answers);
	shadowcopy_requester_close(requester);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_VERBOSE = OPTION_OWN };
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, OPTION_VERBOSE },
		{ 0 }
	};
	bool verbose = false;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_VERBOSE)
			return status;
		verbose = true;
	}
	if (optind < argc)
		return usage(context, "it takes no argument");
	return show(context, verbose);
}

const struct command writer_status = {
	.name = "writer status",
	.summary = "Ask the applications that can be brought to rest how they are",
	.synopsis = "[--verbose] [-o COLUMNS] [--json]",
	.text = "shadowd asks each writer who it is and what it has, and says in which backups "
		"and\nrestores it takes part just now, and how it failed the last time.  A writer "
		"that\ntakes part in several has a row for each.\n\n"
		"Options:\n"
		"      --verbose         what they have told of their data, too\n"
		TABLE_HELP COMMON_HELP,
	.table = &writer_status_table,
	.run = run,
};
