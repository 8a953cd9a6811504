// SPDX-License-Identifier: GPL-2.0-only
/*
 * writers.c - sets that the coordinator makes, with applications at rest: one session
 * from its beginning to the end of the backup, which is for the caller to tell.
 */
#include "documents.h"
#include "writers.h"

/* Call with arguments, which it frees.  STATUS_OK with *@result, to be put, or the failure. */
static int call(struct context *context, struct shadowcopy_requester *requester,
		const char *name, json_t *arguments, json_t **result)
{
	char *text = arguments ? json_dumps(arguments, JSON_COMPACT) : NULL;
	int rc = shadowcopy_requester_call(requester, name, text);

	free(text);
	json_decref(arguments);
	if (rc)
		return fail_library(context);
	if (result)
		*result = json_loads(shadowcopy_requester_result(requester), 0, NULL);
	return STATUS_OK;
}

/* A writer that is not fit now would fail later, with everybody at rest for nothing. */
static int check_prepared(struct context *context, const struct writers_request *request,
			  json_t *prepared)
{
	json_t *writer, *failure;
	size_t i;

	json_array_foreach(json_object_get(prepared, "writers"), i, writer) {
		failure = json_object_get(writer, "failure");
		if (!failure || *json_string_value(json_object_get(writer, "part")))
			continue;
		if (!request->degrade)
			return fail(context, "writer %s failed at %s: %s. See its log, leave it "
				    "out with --exclude-writer, or let the set have less consistency with "
				    "--degrade", json_string_value(json_object_get(writer, "name")),
				    json_string_value(json_object_get(failure, "at")),
				    json_string_value(json_object_get(failure, "text")));
	}
	return STATUS_OK;
}

static int begin(struct context *context, const struct writers_request *request,
		 struct shadowcopy_requester *requester)
{
	json_t *state = json_pack("{s:b}", "may_degrade", request->degrade);
	bool persistent = request->flags & SHADOW_SET_PERSISTENT;
	size_t i;
	int status;

	if (request->timeout_ms)
		json_object_set_new(state, "timeout_ms", json_integer(request->timeout_ms));
	status = call(context, requester, "init-backup", NULL, NULL);
	if (!status)
		status = call(context, requester, "set-context",
			      json_pack("{s:s, s:b, s:b, s:b}", "context",
					shadowcopy_context_name(request->context), "writable",
					!!(request->flags & SHADOW_SET_WRITABLE), "persistent",
					persistent, "keep",
					!!(request->flags & SHADOW_SET_NO_AUTO_RELEASE)), NULL);
	if (!status)
		status = call(context, requester, "set-backup-state", json_incref(state), NULL);
	json_decref(state);
	if (!status)
		status = call(context, requester, "gather-metadata", NULL, NULL);
	for (i = 0; !status && i < request->excluded_count; i++)
		status = call(context, requester, "exclude-writer",
			      json_pack("{s:s}", "writer", request->excluded[i]), NULL);
	return status ?: call(context, requester, "start-set", NULL, NULL);
}

static int make(struct context *context, const struct writers_request *request,
		struct shadowcopy_requester *requester, const char *const *volumes,
		const char *const *stores, size_t count, json_t **answer)
{
	json_t *prepared = NULL, *arguments;
	int status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < count; i++) {
		arguments = json_pack("{s:s}", "volume", volumes[i]);
		if (stores[i])
			json_object_set_new(arguments, "store", json_string(stores[i]));
		status = call(context, requester, "add-volume", arguments, NULL);
	}
	if (!status)
		status = call(context, requester, "prepare-backup", NULL, &prepared);
	if (!status)
		status = check_prepared(context, request, prepared);
	json_decref(prepared);
	return status ?: call(context, requester, "create-set", NULL, answer);
}

int writers_take(struct context *context, const struct writers_request *request,
		 const char *const *volumes, const char *const *stores, size_t count,
		 struct shadow_set_step *step, json_t **answer,
		 struct shadowcopy_requester **session)
{
	struct shadowcopy_requester *requester;
	const char *set;
	int status;

	*answer = NULL;
	memset(step, 0, sizeof(*step));
	if (shadowcopy_requester_open(context->sc, NULL, &requester))
		return fail_library(context);
	status = begin(context, request, requester);
	if (!status)
		status = make(context, request, requester, volumes, stores, count, answer);
	if (!status) {
		set = json_string_value(json_object_get(*answer, "set"));
		if (!set || shadowcopy_uuid_parse(set, &step->set))
			status = fail(context, "the coordinator does not say which set it made");
		step->hold_ns = json_integer_value(json_object_get(*answer, "hold_ns"));
		step->gate_ns = json_integer_value(json_object_get(*answer, "gate_ns"));
	}
	if (status)
		shadowcopy_requester_close(requester);
	else
		*session = requester;
	return status;
}

int writers_complete(struct context *context, const struct writers_request *request,
		     struct shadowcopy_requester *session)
{
	int status = call(context, session, "backup-complete", NULL, NULL);

	/* the set is there, even if a writer did not like the end */
	if (request->document &&
	    documents_save(context, session, request->document, request->directory, NULL)) {
		if (request->flags & SHADOW_SET_NO_AUTO_RELEASE)
			warn(context, "the shadows are there all the same: \"shadowadm list\" "
			     "shows them");
		status = STATUS_FAILED;
	}
	return status;
}

int writers_check(struct context *context, json_t *answer)
{
	json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(answer, "reasons"), i, reason)
		warn(context, "%s", json_string_value(reason));
	return json_is_true(json_object_get(answer, "degraded")) ? STATUS_DEGRADED : STATUS_OK;
}
