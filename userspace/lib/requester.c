// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * requester.c - a requester's session with the coordinator.
 *
 * The document of a session is the coordinator's.  A requester that asks for it gets a copy,
 * at the session's step, and changes that by the functions of documents; before the next
 * call that changes the coordinator's, or in which writers hear of it, the copy goes back, is
 * checked there, and is gone.  So there is never more than one that counts.
 */
#include <unistd.h>

#include "libshadowcopy-requester.h"
#include "packet.h"

/* A writer's metadata, once it was asked for. */
struct known {
	struct known *next;
	struct shadow_uuid instance;
	struct shadowcopy_metadata *metadata;
};

struct shadowcopy_requester {
	struct shadowcopy *sc;
	struct sc_link *link;
	char *result;
	struct shadowcopy_backup *backup;
	struct known *known;
};

/* What changes the document itself, or has writers see it. */
static const char *const using[] = {
	"set-context", "set-backup-state", "set-restore-state", "prepare-backup", "create-set",
	"backup-complete", "pre-restore", "post-restore",
};

SC_EXPORT int shadowcopy_requester_open(struct shadowcopy *sc, const char *path,
					struct shadowcopy_requester **requesterp)
{
	struct shadowcopy_requester *requester = calloc(1, sizeof(*requester));
	int rc;

	*requesterp = NULL;
	if (!requester)
		return SC_FAIL(sc, -ENOMEM, .action = "connect to the coordinator");
	requester->sc = sc;
	rc = sc_link_open(sc, path, &requester->link);
	if (rc)
		free(requester);
	else
		*requesterp = requester;
	return rc;
}

static void forget_backup(struct shadowcopy_requester *requester)
{
	shadowcopy_backup_free(requester->backup);
	requester->backup = NULL;
}

static void forget_metadata(struct shadowcopy_requester *requester)
{
	struct known *known;

	while ((known = requester->known)) {
		requester->known = known->next;
		shadowcopy_metadata_free(known->metadata);
		free(known);
	}
}

SC_EXPORT void shadowcopy_requester_close(struct shadowcopy_requester *requester)
{
	if (!requester)
		return;
	sc_link_close(requester->link);
	forget_backup(requester);
	forget_metadata(requester);
	free(requester->result);
	free(requester);
}

SC_EXPORT int shadowcopy_requester_fd(const struct shadowcopy_requester *requester)
{
	return sc_link_fd(requester->link);
}

SC_EXPORT const char *shadowcopy_requester_result(const struct shadowcopy_requester *requester)
{
	return requester->result ?: "{}";
}

SC_EXPORT const char *shadowcopy_requester_code(const struct shadowcopy_requester *requester)
{
	return sc_link_code(requester->link);
}

/* --- calls ------------------------------------------------------------------------------ */

/* A call of our own; its result is not the requester's. */
static int call_aside(struct shadowcopy_requester *requester, const char *call,
		      json_t *arguments, const char *text, size_t size)
{
	int rc = sc_link_call(requester->link, call, arguments, text, size);

	return rc ?: sc_link_wait(requester->link, -1);
}

/* The copy goes back, if there is one. */
static int give_back(struct shadowcopy_requester *requester)
{
	char *text;
	size_t size;
	int rc;

	if (!requester->backup)
		return 0;
	rc = shadowcopy_backup_save(requester->sc, requester->backup, &text, &size);
	if (rc)
		return rc;
	rc = call_aside(requester, "put-document", NULL, text, size);
	free(text);
	if (!rc)
		forget_backup(requester);
	return rc;
}

static bool uses(const char *call)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(using); i++)
		if (!strcmp(call, using[i]))
			return true;
	return false;
}

static int begin(struct shadowcopy_requester *requester, const char *call, json_t *arguments,
		 const char *text, size_t size)
{
	int rc = sc_link_waits(requester->link) || !uses(call) ? 0 : give_back(requester);

	if (rc) {
		json_decref(arguments);
		return rc;
	}
	rc = sc_link_call(requester->link, call, arguments, text, size);
	if (!rc && !strcmp(call, "abort"))
		forget_backup(requester);
	return rc;
}

SC_EXPORT int shadowcopy_requester_begin(struct shadowcopy_requester *requester, const char *call,
					 const char *arguments)
{
	json_t *object = NULL;
	json_error_t error;

	if (arguments) {
		object = json_loads(arguments, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(object)) {
			json_decref(object);
			return SC_FAIL(requester->sc, -EINVAL, .action = "call the coordinator",
				       .object = call, .cause = "its arguments are no JSON object");
		}
	}
	return begin(requester, call, object, NULL, 0);
}

SC_EXPORT int shadowcopy_requester_wait(struct shadowcopy_requester *requester, int timeout_ms)
{
	int rc = sc_link_wait(requester->link, timeout_ms);

	if (rc == -EAGAIN || rc == -EPIPE)
		return rc;
	free(requester->result);
	requester->result = json_dumps(sc_link_body(requester->link), JSON_COMPACT);
	return rc;
}

SC_EXPORT int shadowcopy_requester_cancel(struct shadowcopy_requester *requester)
{
	if (sc_link_waits(requester->link))
		forget_backup(requester);
	return sc_link_abort(requester->link);
}

SC_EXPORT int shadowcopy_requester_call(struct shadowcopy_requester *requester, const char *call,
					const char *arguments)
{
	int rc = shadowcopy_requester_begin(requester, call, arguments);

	return rc ?: shadowcopy_requester_wait(requester, -1);
}

/* --- typed calls ------------------------------------------------------------------------- */

static int call(struct shadowcopy_requester *requester, const char *name, json_t *arguments)
{
	int rc = begin(requester, name, arguments, NULL, 0);

	return rc ?: shadowcopy_requester_wait(requester, -1);
}

SC_EXPORT int shadowcopy_requester_init_backup(struct shadowcopy_requester *requester)
{
	return call(requester, "init-backup", NULL);
}

SC_EXPORT int shadowcopy_requester_init_restore(struct shadowcopy_requester *requester,
						const char *text, size_t size)
{
	int rc = begin(requester, "init-restore", NULL, text, size);

	return rc ?: shadowcopy_requester_wait(requester, -1);
}

SC_EXPORT int shadowcopy_requester_set_context(struct shadowcopy_requester *requester,
					       const struct shadowcopy_requester_context *context)
{
	const char *name = shadowcopy_context_name(context->context);
	json_t *arguments;

	if (!name)
		return SC_FAIL(requester->sc, -EINVAL, .action = "set the context",
			       .cause = "there is no such context",
			       .remedy = "use one of SHADOWCOPY_CTX_*");
	arguments = json_pack("{s:s, s:b, s:b, s:b}", "context", name, "writable",
			      context->writable, "no_autorecovery", context->no_autorecovery,
			      "rollback_recovery", context->rollback_recovery);
	if (arguments && context->keep)
		json_object_set_new(arguments, "keep", json_true());
	if (arguments && context->persistent)
		json_object_set_new(arguments, "persistent", json_true());
	return call(requester, "set-context", arguments);
}

SC_EXPORT int shadowcopy_requester_set_backup_state(struct shadowcopy_requester *requester,
						    const struct shadowcopy_backup_state *state)
{
	static const char *const types[] = {
		[SHADOWCOPY_TYPE_FULL] = "full", [SHADOWCOPY_TYPE_COPY] = "copy",
		[SHADOWCOPY_TYPE_INCREMENTAL] = "incremental",
		[SHADOWCOPY_TYPE_DIFFERENTIAL] = "differential", [SHADOWCOPY_TYPE_LOG] = "log",
		[SHADOWCOPY_TYPE_OTHER] = "other",
	};
	json_t *arguments;

	if (state->type >= ARRAY_SIZE(types) || !types[state->type])
		return SC_FAIL(requester->sc, -EINVAL, .action = "set the state of the backup",
			       .cause = "there is no such type of backup",
			       .remedy = "use one of SHADOWCOPY_TYPE_*");
	arguments = json_pack("{s:s, s:b, s:b, s:b, s:b}", "type", types[state->type],
			      "component_mode", state->component_mode, "bootable", state->bootable,
			      "partial_files", state->partial_files, "may_degrade",
			      state->may_degrade);
	if (arguments && state->timeout_ms)
		json_object_set_new(arguments, "timeout_ms", json_integer(state->timeout_ms));
	return call(requester, "set-backup-state", arguments);
}

SC_EXPORT int shadowcopy_requester_set_restore_type(struct shadowcopy_requester *requester,
						    uint32_t type)
{
	static const char *const types[] = {
		[SHADOWCOPY_RESTORE_TYPE_UNDEFINED] = "copy",
		[SHADOWCOPY_RESTORE_TYPE_COPY] = "copy",
		[SHADOWCOPY_RESTORE_TYPE_IMPORT] = "import",
		[SHADOWCOPY_RESTORE_TYPE_OTHER] = "other",
	};

	if (type >= ARRAY_SIZE(types))
		return SC_FAIL(requester->sc, -EINVAL, .action = "set the type of the restore",
			       .cause = "there is no such type",
			       .remedy = "use one of SHADOWCOPY_RESTORE_TYPE_*");
	return call(requester, "set-restore-state", json_pack("{s:s}", "type", types[type]));
}

SC_EXPORT int shadowcopy_requester_include_writer(struct shadowcopy_requester *requester,
						  const char *writer)
{
	return call(requester, "include-writer", json_pack("{s:s}", "writer", writer));
}

SC_EXPORT int shadowcopy_requester_exclude_writer(struct shadowcopy_requester *requester,
						  const char *writer)
{
	return call(requester, "exclude-writer", json_pack("{s:s}", "writer", writer));
}

SC_EXPORT int shadowcopy_requester_gather_metadata(struct shadowcopy_requester *requester)
{
	forget_metadata(requester);
	return call(requester, "gather-metadata", NULL);
}

SC_EXPORT int shadowcopy_requester_start_set(struct shadowcopy_requester *requester)
{
	return call(requester, "start-set", NULL);
}

SC_EXPORT int shadowcopy_requester_add_volume(struct shadowcopy_requester *requester,
					      const char *volume, const char *store,
					      const char *provider)
{
	return call(requester, "add-volume", json_pack("{s:s, s:s*, s:s*}", "volume", volume,
						       "store", store, "provider", provider));
}

SC_EXPORT int shadowcopy_requester_supports(struct shadowcopy_requester *requester,
					    const char *volume, const char *provider)
{
	int rc = call(requester, "is-volume-supported",
		      json_pack("{s:s, s:s*}", "volume", volume, "provider", provider));
	const char *word;
	int support;

	if (rc)
		return rc;
	word = sc_text_of(sc_link_body(requester->link), "supported");
	for (support = SHADOWCOPY_SUPPORT_BLOCKED; support > SHADOWCOPY_SUPPORT_NO; support--)
		if (!strcmp(word, shadowcopy_support_name(support)))
			break;
	return support;
}

SC_EXPORT int shadowcopy_requester_prepare_backup(struct shadowcopy_requester *requester)
{
	return call(requester, "prepare-backup", NULL);
}

SC_EXPORT int shadowcopy_requester_create_set(struct shadowcopy_requester *requester)
{
	return call(requester, "create-set", NULL);
}

SC_EXPORT int shadowcopy_requester_backup_complete(struct shadowcopy_requester *requester)
{
	return call(requester, "backup-complete", NULL);
}

SC_EXPORT int shadowcopy_requester_keep(struct shadowcopy_requester *requester)
{
	return call(requester, "keep", NULL);
}

SC_EXPORT int shadowcopy_requester_abort(struct shadowcopy_requester *requester)
{
	return call(requester, "abort", NULL);
}

SC_EXPORT int shadowcopy_requester_pre_restore(struct shadowcopy_requester *requester)
{
	return call(requester, "pre-restore", NULL);
}

SC_EXPORT int shadowcopy_requester_post_restore(struct shadowcopy_requester *requester)
{
	return call(requester, "post-restore", NULL);
}

/* --- writers and documents ------------------------------------------------------------------ */

SC_EXPORT int shadowcopy_requester_writers(struct shadowcopy_requester *requester,
					   int (*fn)(void *data,
						     const struct shadowcopy_requester_writer *w),
					   void *data)
{
	int rc = call_aside(requester, "status", NULL, NULL, 0);
	json_t *array, *entry;
	size_t i;

	if (rc)
		return rc;
	array = json_incref(sc_member_of(sc_link_body(requester->link), "writers"));
	json_array_foreach(array, i, entry) {
		json_t *failure = sc_member_of(entry, "failure");
		struct shadowcopy_requester_writer writer = {
			.name = sc_text_of(entry, "name"),
			.instance_name = sc_text_of(entry, "instance_name"),
			.state = sc_text_of(entry, "state"),
			.part = sc_text_of(entry, "part"),
			.failed_at = sc_text_of(failure, "at"),
			.status = sc_text_of(failure, "status"),
			.text = sc_text_of(failure, "text"),
			.app_code = json_integer_value(sc_member_of(failure, "app_code")),
			.pid = json_integer_value(sc_member_of(entry, "pid")),
			.has_metadata = json_is_true(sc_member_of(entry, "metadata")),
		};

		shadowcopy_uuid_parse(sc_text_of(entry, "class"), &writer.class_id);
		shadowcopy_uuid_parse(sc_text_of(entry, "instance"), &writer.instance_id);
		rc = fn(data, &writer);
		if (rc)
			break;
	}
	json_decref(array);
	return rc;
}

/* A call whose answer has a document: its descriptor, or a negative errno. */
static int fetch(struct shadowcopy_requester *requester, const char *name, json_t *arguments)
{
	int rc = call_aside(requester, name, arguments, NULL, 0), fd;

	if (rc)
		return rc;
	fd = sc_link_take_document(requester->link);
	if (fd < 0)
		return SC_FAIL(requester->sc, -EPROTO, .action = "get a document", .object = name,
			       .cause = "the coordinator has sent none");
	return fd;
}

SC_EXPORT int shadowcopy_requester_metadata(struct shadowcopy_requester *requester,
					    const struct shadow_uuid *instance,
					    struct shadowcopy_metadata **metadatap)
{
	char text[SHADOWCOPY_UUID_LEN];
	struct known *known;
	int fd, rc;

	*metadatap = NULL;
	for (known = requester->known; known; known = known->next)
		if (sc_uuid_equal(&known->instance, instance)) {
			*metadatap = known->metadata;
			return 0;
		}
	shadowcopy_uuid_format(instance, text);
	fd = fetch(requester, "get-metadata", json_pack("{s:s}", "writer", text));
	if (fd < 0)
		return fd;
	known = calloc(1, sizeof(*known));
	rc = known ? shadowcopy_metadata_load_fd(requester->sc, fd, text, 0, &known->metadata) :
		     SC_FAIL(requester->sc, -ENOMEM, .action = "get metadata");
	close(fd);
	if (rc) {
		free(known);
		return rc;
	}
	known->instance = *instance;
	known->next = requester->known;
	requester->known = known;
	*metadatap = known->metadata;
	return 0;
}

SC_EXPORT int shadowcopy_requester_backup(struct shadowcopy_requester *requester,
					  struct shadowcopy_backup **backupp)
{
	uint32_t step;
	int fd, rc;

	*backupp = requester->backup;
	if (requester->backup)
		return 0;
	fd = fetch(requester, "get-document", NULL);
	if (fd < 0)
		return fd;
	step = json_integer_value(sc_member_of(sc_link_body(requester->link), "step"));
	rc = shadowcopy_backup_load_fd(requester->sc, fd, "the session's document", 0,
				       &requester->backup);
	close(fd);
	if (!rc)
		rc = shadowcopy_backup_act(requester->sc, requester->backup,
					   SHADOWCOPY_ROLE_REQUESTER, step);
	if (rc)
		forget_backup(requester);
	*backupp = requester->backup;
	return rc;
}

SC_EXPORT int shadowcopy_requester_commit(struct shadowcopy_requester *requester)
{
	return give_back(requester);
}
