// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_backup.c - scripts: a set, and the backup that it is of (O-11, O-12).
 *
 * "create" does all that a requester does up to the shadows, in one session with the coordinator.
 * The session lasts until "reset" or the end of the script, and with it shadows that are not to
 * stay.  With "begin backup" the backup is a full one, and "end backup" tells writers that it is
 * good; without, it is a copy that is good when the script has come to its end.  A script that
 * fails tells nobody that anything is good: its session ends, and what was begun is undone.
 */
#include <time.h>

#include "free_space.h"
#include "libshadowcopy-requester.h"
#include "script.h"
#include "users.h"

#define GONE_SECONDS 10		/* how long the end waits for shadows to be gone */
#define GONE_POLL_MS 50

static bool has_writers(const struct script *script)
{
	return !(script->settings.context & SHADOWCOPY_ATTR_NO_WRITERS);
}

static bool stays(const struct script *script)
{
	return script->settings.context & SHADOWCOPY_ATTR_NO_AUTO_RELEASE;
}

SCRIPT_COMMAND(begin_backup)
{
	(void)script;
	(void)line;
	(void)words;
	return STATUS_OK;
}

/* --- will they survive a reboot? ------------------------------------------------------------ */

/* The store that a volume has, or would get. */
static bool is_durable(struct script *script, const struct shadowcopy_volume *volume,
		       const struct shadowcopy_choice *choice)
{
	struct shadow_volume_info info = { 0 };

	if (choice->rule == SHADOWCOPY_RULE_KEPT)
		return !shadowcopy_volume_find(script->context->sc, volume->dev, &info) &&
		       info.log_blocks;
	return choice->count == 1 && (choice->stores[0].type == SHADOW_STORE_DEVICE ||
				      (choice->stores[0].type == SHADOW_STORE_FILE &&
				       !(choice->stores[0].flags & SHADOWCOPY_STORE_UNNAMED)));
}

/*
 * A persistent context wants shadows that survive, which not every store can have: those of the
 * volumes decide, so that a script runs without one, too.
 */
static int look_at_stores(struct script *script, bool *persistent)
{
	struct shadowcopy_choice *choices = calloc(script->volume_count, sizeof(*choices));
	struct shadowcopy_volume *volumes = calloc(script->volume_count, sizeof(*volumes));
	const struct shadowcopy_volume *without = NULL;
	int status = STATUS_OK;
	size_t i;

	*persistent = false;
	if (!choices || !volumes) {
		status = fail(script->context, "there is not enough memory");
		goto end;
	}
	for (i = 0; i < script->volume_count; i++)
		volumes[i] = script->volumes[i].volume;
	if (shadowcopy_choose(script->context->sc, volumes, script->volume_count, choices)) {
		status = fail_library(script->context);
		goto end;
	}
	for (i = 0; i < script->volume_count; i++) {
		if (!without && !is_durable(script, &volumes[i], &choices[i]))
			without = &volumes[i];
		shadowcopy_choice_clear(&choices[i]);
	}
	*persistent = !without;
	if (without)
		warn(script->context, "the shadows stay when the script has ended, but not when "
		     "the machine is started again: the store of %s is not durable. Associate a "
		     "device, or a file on another filesystem (\"shadowadm store add\")",
		     without->path);
end:
	free(choices);
	free(volumes);
	return status;
}

/* --- the session up to the set ----------------------------------------------------------- */

static int open_session(struct script *script)
{
	const struct script_settings *settings = &script->settings;
	struct shadowcopy_requester_context context = {
		.context = settings->context,
		.no_autorecovery = settings->no_autorecovery,
		.rollback_recovery = settings->rollback_recovery,
	};
	const struct shadowcopy_backup_state state = {
		.type = script->has & HAS_BACKUP ? SHADOWCOPY_TYPE_FULL : SHADOWCOPY_TYPE_COPY,
		.component_mode = script_filters_components(script),
	};

	int status = STATUS_OK;

	if (settings->context & SHADOWCOPY_ATTR_PERSISTENT && !settings->rollback_recovery)
		status = look_at_stores(script, &context.persistent);
	if (status || script_connect(script))
		return status ?: STATUS_FAILED;
	if (shadowcopy_requester_init_backup(script->requester) ||
	    shadowcopy_requester_set_context(script->requester, &context) ||
	    shadowcopy_requester_set_backup_state(script->requester, &state))
		return fail_library(script->context);
	return STATUS_OK;
}

static int gather(struct script *script)
{
	if (!has_writers(script))
		return script->filter_count ?
		       fail(script->context, "\"writer\" in line %u: the context has no writers. "
			    "Leave \"nowriters\" out", script->filters[0].line) : STATUS_OK;
	if (shadowcopy_requester_gather_metadata(script->requester))
		return fail_library(script->context);
	return script_filter_writers(script);
}

static int add_volumes(struct script *script)
{
	size_t i;

	if (shadowcopy_requester_start_set(script->requester))
		return fail_library(script->context);
	for (i = 0; i < script->volume_count; i++)
		if (shadowcopy_requester_add_volume(script->requester,
						    script->volumes[i].volume.path, NULL,
						    script->volumes[i].provider))
			return fail_library(script->context);
	return script_filters_components(script) ? script_choose(script) : STATUS_OK;
}

static int prepare(struct script *script)
{
	if (!has_writers(script))
		return STATUS_OK;
	if (shadowcopy_requester_prepare_backup(script->requester))
		return fail_library(script->context);
	if (documents_failed_writers(script->context, script->requester))
		return fail(script->context, "a writer cannot prepare. See its log, or leave it "
			    "out with \"writer exclude\"");
	return script_verify(script);
}

/* --- the set --------------------------------------------------------------------------------- */

static int note_names(struct script *script, const struct script_volume *volume,
		      const struct shadowcopy_backup_shadow *shadow)
{
	char uuid[SHADOWCOPY_UUID_LEN], name[128];

	shadowcopy_uuid_format(&shadow->uuid, uuid);
	snprintf(name, sizeof(name), "%s_DEVICE", volume->alias);
	return script_name(&script->variables, volume->alias, uuid) ||
	       script_name(&script->variables, name, shadow->node ?: "");
}

/* Names for the set and its shadows, which the document has. */
static int name_shadows(struct script *script)
{
	struct shadowcopy_backup *backup;
	char uuid[SHADOWCOPY_UUID_LEN];
	size_t i, j;
	int rc;

	if (shadowcopy_requester_backup(script->requester, &backup))
		return fail_library(script->context);
	script->set = backup->set;
	rc = script_name(&script->variables, "VSS_SHADOW_SET",
			 shadowcopy_uuid_format(&backup->set, uuid));
	for (i = 0; !rc && i < script->volume_count; i++)
		for (j = 0; !rc && j < backup->shadow_count; j++)
			if (dev_equal(backup->shadows[j]->dev, script->volumes[i].volume.dev))
				rc = note_names(script, &script->volumes[i], backup->shadows[j]);
	return rc ? fail(script->context, "there is not enough memory") : STATUS_OK;
}

/* "NAME=VALUE" lines, or NULL. */
static char *names_text(const struct script *script)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; out && i < script->variables.count; i++)
		fprintf(out, "%s=%s\n", script->variables.list[i].name,
			script->variables.list[i].value);
	if (out)
		fclose(out);
	return text;
}

static int save_documents(struct script *script)
{
	char *names;
	int status;

	if (!script->settings.metadata)
		return STATUS_OK;
	names = names_text(script);
	status = documents_save(script->context, script->requester, script->settings.metadata, true,
				names);
	free(names);
	return status;
}

/* Devices appear, and what was free at the instant is not preserved. */
static int look_after(struct script *script, const struct shadowcopy_plan *plan)
{
	struct context *context = script->context;
	struct shadow_shadow_info *shadows;
	ssize_t count = load_shadows(context->sc, &shadows), i;
	char path[IMAGE_PATH_LEN];
	int status = STATUS_OK;

	if (count < 0) {
		warn(context, "%s", shadowcopy_last_error(context->sc)->text);
		return STATUS_DEGRADED;
	}
	for (i = 0; i < count; i++) {
		if (!uuid_equal(&shadows[i].set, &script->set))
			continue;
		if (!image_wait(&shadows[i])) {
			warn(context, "%s did not appear within %d seconds. Is udev running?",
			     image_path(&shadows[i], path), IMAGE_WAIT_SECONDS);
			status = STATUS_DEGRADED;
		}
		free_space_tell(context, &shadows[i], plan);
	}
	free(shadows);
	return status;
}

static void print_set(const struct script *script, json_t *result)
{
	char uuid[SHADOWCOPY_UUID_LEN];
	size_t i;

	printf("set %s: consistency %s\n", shadowcopy_uuid_format(&script->set, uuid),
	       json_string_value(json_object_get(result, "consistency")));
	for (i = 0; i < script->volume_count; i++) {
		const struct script_volume *volume = &script->volumes[i];
		char name[128];

		snprintf(name, sizeof(name), "%s_DEVICE", volume->alias);
		printf("  %s of %s: %s=%s\n", script_value(script, name) ?: "nothing", volume->name,
		       volume->alias, script_value(script, volume->alias) ?: "");
	}
}

/* What the coordinator says of the set; what is less than could be wished. */
static int tell_set(struct script *script, json_t *result)
{
	json_t *reason, *ms;
	const char *step;
	size_t i;

	json_array_foreach(json_object_get(result, "reasons"), i, reason)
		warn(script->context, "%s", json_string_value(reason));
	if (script->answer)
		json_object_update(script->answer, result);
	else
		print_set(script, result);
	if (!script->answer && script->settings.verbose)
		json_object_foreach(json_object_get(result, "timings_ms"), step, ms)
			printf("  %-16s %lld ms\n", step, (long long)json_integer_value(ms));
	return json_is_true(json_object_get(result, "degraded")) ? STATUS_DEGRADED : STATUS_OK;
}

static int take(struct script *script, const struct shadowcopy_plan *plan)
{
	int status, degraded;
	json_t *result;

	if (shadowcopy_requester_create_set(script->requester))
		return fail_library(script->context);
	result = json_loads(shadowcopy_requester_result(script->requester), 0, NULL);
	status = name_shadows(script);
	degraded = status ?: look_after(script, plan);
	if (!status)
		status = save_documents(script);
	if (!status)
		degraded = tell_set(script, result) ?: degraded;
	json_decref(result);
	return status ?: degraded;
}

/* What is stacked on the volumes: for free space. */
static int make_plan(struct script *script, struct shadowcopy_plan **plan)
{
	size_t i;

	if (shadowcopy_plan_new(script->context->sc, plan))
		return fail_library(script->context);
	for (i = 0; i < script->volume_count; i++)
		if (shadowcopy_plan_volume(*plan, script->volumes[i].volume.dev, NULL))
			return fail_library(script->context);
	return shadowcopy_plan_compute(*plan) ? fail_library(script->context) : STATUS_OK;
}

SCRIPT_COMMAND(create)
{
	struct shadowcopy_plan *plan = NULL;
	int status = make_plan(script, &plan);

	(void)line;
	(void)words;
	status = status ?: open_session(script);
	status = status ?: gather(script);
	status = status ?: add_volumes(script);
	status = status ?: prepare(script);
	status = status ?: take(script, plan);
	shadowcopy_plan_free(plan);
	if (status && status != STATUS_DEGRADED)
		script_disconnect(script);
	return status;
}

/* --- the end of the backup ------------------------------------------------------------ */

struct ending {
	struct shadowcopy *sc;
	struct shadowcopy_backup *backup;
};

static int on_end(void *data, const struct shadowcopy_requester_writer *writer)
{
	uint32_t success = *writer->failed_at ? SHADOWCOPY_SUCCESS_NO : SHADOWCOPY_SUCCESS_YES;
	struct ending *ending = data;
	struct shadowcopy_backup_writer *part;
	size_t i;
	int rc = 0;

	part = shadowcopy_backup_find_writer(ending->backup, &writer->class_id,
					     &writer->instance_id);
	for (i = 0; !rc && part && i < part->component_count; i++)
		rc = shadowcopy_backup_component_set_value(ending->sc, part->components[i],
							   SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED,
							   success);
	return rc;
}

/* B-22: each component was backed up, but for those of writers that failed. */
static int note_success(struct script *script)
{
	struct ending ending = { .sc = script->context->sc };

	if (shadowcopy_requester_backup(script->requester, &ending.backup) ||
	    shadowcopy_requester_writers(script->requester, on_end, &ending))
		return fail_library(script->context);
	return STATUS_OK;
}

/* A writer that fails here does not make the backup worse, but its logs may stay long. */
static int complete(struct script *script)
{
	if (note_success(script))
		return STATUS_FAILED;
	if (shadowcopy_requester_backup_complete(script->requester))
		return fail_library(script->context);
	return documents_failed_writers(script->context, script->requester) ? STATUS_DEGRADED :
									      STATUS_OK;
}

SCRIPT_COMMAND(end_backup)
{
	int status = complete(script);

	(void)line;
	(void)words;
	if (status == STATUS_FAILED)
		return status;
	return save_documents(script) ?: status;
}

/* --- the end of the session ----------------------------------------------------------- */

static bool any_of_set(struct script *script)
{
	struct shadow_shadow_info info = { 0 };

	while (shadowcopy_shadow_next(script->context->sc, &info) > 0)
		if (uuid_equal(&info.set, &script->set))
			return true;
	return false;
}

/* Who comes after the script finds nothing of it. */
static void wait_until_gone(struct script *script)
{
	const struct timespec pause = { .tv_nsec = GONE_POLL_MS * 1000000L };
	int waited;

	for (waited = 0; waited < GONE_SECONDS * 1000 && any_of_set(script); waited += GONE_POLL_MS)
		nanosleep(&pause, NULL);
}

int script_end_session(struct script *script, bool good)
{
	bool made = script->requester && script->has & HAS_SET, gone = made && !stays(script);
	int status = STATUS_OK;

	if (good && made && has_writers(script) && !(script->has & HAS_BACKUP)) {
		status = complete(script);
		if (status != STATUS_FAILED)
			status = save_documents(script) ?: status;
	}
	if (!script_unexpose_all(script)) {
		warn(script->context, "what is mounted still keeps its shadow: unmount it when "
		     "nobody uses it, and the shadow goes");
		status = status ?: STATUS_DEGRADED;
		gone = false;
	}
	script_disconnect(script);
	if (gone)
		wait_until_gone(script);
	return status;
}
