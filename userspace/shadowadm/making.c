// SPDX-License-Identifier: GPL-2.0-only
/*
 * making.c - the making of a set of shadows, by us or by the coordinator.
 *
 *	1. find the volumes and their stores
 *	2. plan: what is stacked on them must be frozen, and in which order
 *	3. write out what is dirty, while nobody waits for it
 *	4. one command to the module: freeze, hold, take, release
 *	5. wait until udev, or devtmpfs, has made the device nodes
 *	6. find what is free on the shadows, and tell the module
 *
 * With writers 3 and 4 are the coordinator's, and so are the stores: see writers.c.
 *
 * Up to 4 nothing has happened to a volume yet, and a failure of 4 leaves nothing behind: files
 * that were made for it are deleted, and devices get back what was on them, unless shadows may
 * have existed for a moment.  A file that was overwritten by --force stays so.
 */
#include "documents.h"
#include "free_space.h"
#include "making.h"

struct making *making_new(struct context *context)
{
	struct making *making = calloc(1, sizeof(*making));

	if (!making)
		fail(context, "there is not enough memory");
	else
		making->context = SHADOWCOPY_CTX_BACKUP;
	return making;
}

void making_free(struct context *context, struct making *making)
{
	if (!making)
		return;
	shadowcopy_requester_close(making->session);
	shadowcopy_set_close(making->set);
	shadowcopy_plan_free(making->plan);
	stores_close(context, making->volumes, making->count);
	json_decref(making->answer);
	free(making);
}

/* --- options ------------------------------------------------------------------- */

static int parse_context(struct context *context, const char *name, uint32_t *value)
{
	static const char *const names[] = {
		"backup", "file-share-backup", "nas-rollback", "app-rollback", "client-accessible",
	};
	const char *near;

	if (!shadowcopy_context_parse(name, value))
		return STATUS_OK;
	near = nearest(name, names, ARRAY_SIZE(names));
	return usage(context, "there is no context \"%s\"%s%s%s; there are backup, "
		     "file-share-backup, nas-rollback, app-rollback and client-accessible", name,
		     near ? ", did you mean \"" : "", near ?: "", near ? "\"?" : "");
}

static int add_option(struct context *context, struct store_options *options, const char *store)
{
	if (options->count == ARRAY_SIZE(options->stores))
		return usage(context, "--store was given too often");
	options->stores[options->count++] = store;
	return STATUS_OK;
}

static int exclude_writer(struct context *context, struct writers_request *writers,
			  const char *name)
{
	if (writers->excluded_count == WRITERS_EXCLUDED_MAX)
		return usage(context, "--exclude-writer was given too often");
	writers->excluded[writers->excluded_count++] = name;
	return STATUS_OK;
}

int making_option(struct context *context, struct making *making, int option, const char *argument)
{
	switch (option) {
	case MAKING_STORE:
		return add_option(context, &making->options, argument);
	case MAKING_MAX:
		making->options.max = argument;
		break;
	case MAKING_INITIAL:
		making->options.initial = argument;
		break;
	case MAKING_FORCE:
		making->options.force = true;
		break;
	case MAKING_CONTEXT:
		return parse_context(context, argument, &making->context);
	case MAKING_TIMEOUT:
		return timeout_parse(context, argument, &making->timeout_ms);
	case MAKING_WRITABLE:
		making->flags |= SHADOW_SET_WRITABLE;
		break;
	case MAKING_WRITERS:
		making->with_writers = true;
		break;
	case MAKING_NO_WRITERS:
		making->with_writers = false;
		break;
	case MAKING_DEGRADE:
		making->writers.degrade = true;
		break;
	case MAKING_EXCLUDE_WRITER:
		return exclude_writer(context, &making->writers, argument);
	case MAKING_DOCUMENT:
		making->writers.document = argument;
		making->writers.directory = documents_in_directory(argument);
		break;
	case MAKING_NO_FREE_SPACE:
		making->no_free_space = true;
		break;
	}
	return STATUS_OK;
}

int making_volume(struct context *context, struct making *making, const char *name)
{
	if (making->count == SHADOW_MAX_SET_VOLUMES)
		return usage(context, "a set has %d volumes at most, and more were named",
			     SHADOW_MAX_SET_VOLUMES);
	making->volumes[making->count++].name = name;
	return STATUS_OK;
}

/* What only makes sense with writers, and what the coordinator does not take. */
static int check_writers(struct context *context, const struct making *making)
{
	const char *spec;
	size_t i;

	if (!making->with_writers && (making->writers.degrade || making->writers.excluded_count))
		return usage(context, "--degrade and --exclude-writer go with --writers");
	if (!making->with_writers && making->writers.document)
		return usage(context, "--document goes with --writers: without them there is none");
	if (making->with_writers && making->context & SHADOWCOPY_ATTR_NO_WRITERS)
		return usage(context, "the context %s has no writers",
			     shadowcopy_context_name(making->context));
	if (making->with_writers && (making->options.max || making->options.initial ||
				     making->options.force))
		return usage(context, "--max, --initial and --force do not go with --writers; "
			     "\"shadowadm store policy\" and stores.conf say how large stores are");
	for (i = 0; making->with_writers && i < making->count; i++)
		if (stores_named_for(&making->options, making->volumes, making->count,
				     &making->volumes[i], &spec) > 1)
			return usage(context, "with --writers a volume has one --store at most; "
				     "%s has several", making->volumes[i].name);
	return STATUS_OK;
}

/* What a durable store cannot do, and who does not know of it. */
static int check_persistent(struct context *context, const struct making *making)
{
	if (!(making->flags & SHADOW_SET_PERSISTENT))
		return STATUS_OK;
	if (making->flags & SHADOW_SET_WRITABLE)
		return usage(context, "--persistent and --writable do not go together: a durable "
			     "store does not keep what is written to its shadows");
	return STATUS_OK;
}

int making_check(struct context *context, struct making *making)
{
	int status = check_writers(context, making);

	if (!status)
		status = check_persistent(context, making);
	if (!status)
		status = stores_check(context, &making->options, making->volumes, making->count);
	if (!status && making->writers.document && !making->dry_run)
		status = documents_prepare(context, making->writers.document,
					   making->writers.directory);
	return status;
}

/* --- before the instant ------------------------------------------------------------ */

static int find_volumes(struct context *context, struct making *making)
{
	size_t i;

	for (i = 0; i < making->count; i++)
		if (shadowcopy_resolve(context->sc, making->volumes[i].name,
				       &making->volumes[i].volume))
			return fail_library(context);
	return STATUS_OK;
}

int making_plan(struct context *context, struct making *making)
{
	int status;
	size_t i;

	if (shadowcopy_plan_new(context->sc, &making->plan))
		return fail_library(context);
	status = find_volumes(context, making);
	if (making->with_writers && !making->dry_run)
		for (i = 0; i < making->count; i++)
			making->volumes[i].kept = true;		/* not made here */
	else if (!status)
		status = stores_choose(context, &making->options, making->volumes, making->count);
	if (!status && making->flags & SHADOW_SET_PERSISTENT)
		status = stores_make_durable(context, making->volumes, making->count);
	if (!status && !making->dry_run && !making->with_writers)
		status = stores_open(context, making->volumes, making->count);
	for (i = 0; !status && i < making->count; i++)
		status = stores_plan(context, &making->volumes[i], making->plan);
	if (!status && shadowcopy_plan_compute(making->plan))
		status = fail_library(context);
	return status;
}

/* --- the instant --------------------------------------------------------------------- */

/* Before the volumes were held nothing has been preserved: no store was written to. */
static bool may_have_begun(const struct shadowcopy_error *error)
{
	return error->phase != SHADOW_PHASE_FREEZE && error->phase != SHADOW_PHASE_HOLD;
}

static int take(struct context *context, struct making *making)
{
	const struct shadow_set_step *step = &making->step;
	struct shadowcopy_plan *plan = making->plan;
	struct shadowcopy_set *set;
	int synced, rc;
	size_t i;

	if (shadowcopy_set_new(context->sc, making->flags, making->timeout_ms, making->context,
			       &set))
		return fail_library(context);
	rc = shadowcopy_plan_apply(plan, set);
	if (!rc) {
		/* in the set by now: volumes do not throttle writes any more */
		progress(context, "writing out dirty data");
		synced = shadowcopy_plan_sync(plan);
		rc = synced < 0 ? synced : 0;
	}
	if (!rc) {
		progress(context, "%d filesystem%s written out; freezing %zu device%s and taking",
			 synced, synced == 1 ? "" : "s", shadowcopy_plan_count(plan),
			 shadowcopy_plan_count(plan) == 1 ? "" : "s");
		rc = shadowcopy_set_take(set, &making->step);
		if (rc && may_have_begun(shadowcopy_last_error(context->sc)))
			stores_keep_devices(making->volumes, making->count);
	}
	if (rc)
		fail_library(context);
	else
		progress(context, "done: held for %.1f ms, of which writes waited %.1f ms",
			 step->hold_ns / 1e6, step->gate_ns / 1e6);
	if (!rc)
		stores_keep(making->volumes, making->count);
	for (i = 0; !rc && i < making->count; i++) {
		const struct store_request *volume = &making->volumes[i];

		if (volume->choice.policy &&
		    shadowcopy_volume_policy(context->sc, volume->volume.dev,
					     volume->choice.policy, volume->choice.throttle_ms))
			warn(context, "%s", shadowcopy_last_error(context->sc)->text);
	}
	if (rc || making->flags & SHADOW_SET_NO_AUTO_RELEASE)
		shadowcopy_set_close(set);
	else
		making->set = set;
	return rc ? STATUS_FAILED : STATUS_OK;
}

static int take_with_writers(struct context *context, struct making *making)
{
	const char *volumes[SHADOW_MAX_SET_VOLUMES], *stores[SHADOW_MAX_SET_VOLUMES];
	size_t i;
	int status;

	for (i = 0; i < making->count; i++) {
		volumes[i] = making->volumes[i].volume.path;
		stores_named_for(&making->options, making->volumes, making->count,
				 &making->volumes[i], &stores[i]);
	}
	making->writers.context = making->context;
	making->writers.flags = making->flags;
	making->writers.timeout_ms = making->timeout_ms;
	progress(context, "telling writers");
	status = writers_take(context, &making->writers, volumes, stores, making->count,
			      &making->step, &making->answer, &making->session);
	if (!status && making->flags & SHADOW_SET_NO_AUTO_RELEASE) {
		status = writers_complete(context, &making->writers, making->session);
		shadowcopy_requester_close(making->session);
		making->session = NULL;
	}
	return status;
}

int making_take(struct context *context, struct making *making)
{
	if (making->with_writers)
		return take_with_writers(context, making);
	return take(context, making);
}

/* --- after it -------------------------------------------------------------------------- */

ssize_t making_collect(struct context *context, const struct making *making,
		       struct shadow_row *rows)
{
	const struct shadowcopy_plan_entry *entry;
	struct shadow_shadow_info info = { 0 };
	size_t i, j, found = 0;
	int rc;

	while ((rc = shadowcopy_shadow_next(context->sc, &info)) > 0)
		for (i = 0; i < making->count; i++)
			if (uuid_equal(&info.set, &making->step.set) &&
			    dev_equal(info.volume, making->volumes[i].volume.dev)) {
				rows[i].info = info;
				found++;
			}
	if (rc < 0)
		return rc;
	for (i = 0; i < making->count; i++)
		for (j = 0; (entry = shadowcopy_plan_entry(making->plan, j)); j++)
			if (entry->flags & SHADOW_ADD_SHADOW &&
			    dev_equal(entry->dev, making->volumes[i].volume.dev)) {
				rows[i].consistency = entry->consistency;
				rows[i].warning = *entry->warning ? entry->warning : NULL;
			}
	return found;
}

/* Warnings about shadows that exist.  STATUS_OK or STATUS_DEGRADED. */
static int check_rows(struct context *context, const struct shadow_row *rows, size_t count)
{
	char path[IMAGE_PATH_LEN];
	int status = STATUS_OK;
	size_t i;

	for (i = 0; i < count; i++) {
		image_path(&rows[i].info, path);
		if (rows[i].warning) {
			warn(context, "%s (%s): %s", path, rows[i].info.volume_name,
			     rows[i].warning);
			status = STATUS_DEGRADED;
		}
		if (rows[i].info.state == SHADOW_STATE_LOST) {
			warn(context, "%s is lost already: %s", path,
			     shadowcopy_reason_cause(rows[i].info.fault.reason));
			status = STATUS_DEGRADED;
		} else if (!image_wait(&rows[i].info)) {
			warn(context, "%s did not appear within %d seconds; the shadow exists. Is "
			     "udev running, is devtmpfs mounted on /dev?", path,
			     IMAGE_WAIT_SECONDS);
			status = STATUS_DEGRADED;
		}
	}
	return status;
}

/* What it costs from now on depends on it, so it is done before anything is answered. */
static void tell_free_space(struct context *context, const struct shadowcopy_plan *plan,
			    struct shadow_row *rows, size_t count)
{
	struct shadow_shadow_info info = { 0 };
	size_t i;

	for (i = 0; i < count; i++)
		free_space_tell(context, &rows[i].info, plan);
	while (shadowcopy_shadow_next(context->sc, &info) > 0)
		for (i = 0; i < count; i++)
			if (uuid_equal(&info.uuid, &rows[i].info.uuid))
				rows[i].info = info;
}

int making_settle(struct context *context, const struct making *making, struct shadow_row *rows)
{
	int degraded = check_rows(context, rows, making->count);

	if (making->with_writers)
		degraded = writers_check(context, making->answer) ?: degraded;
	if (!making->no_free_space)
		tell_free_space(context, making->plan, rows, making->count);
	return degraded;
}

/* --- as JSON ---------------------------------------------------------------------------- */

void making_add_told(json_t *document, json_t *answer)
{
	static const char *const names[] = { "consistency", "writers", "timings_ms" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set(document, names[i], json_object_get(answer, names[i]));
}

json_t *making_json(struct context *context, const struct making *making,
		    const struct shadow_row *rows)
{
	struct rows table = { rows, sizeof(*rows), making->count, NULL };
	json_t *array = table_json(context, &shadow_table, &table);
	json_t *document = json_object(), *object;
	size_t i;

	for (i = 0; i < making->count; i++) {
		object = json_array_get(array, i);
		json_text(object, "consistency", consistency_name(rows[i].consistency));
		json_text(object, "warning", rows[i].warning);
		if (!making->with_writers)
			json_value(object, "store", choice_json(&making->volumes[i].choice));
	}
	json_uuid(document, "set", &making->step.set);
	json_text(document, "context", shadowcopy_context_name(making->context));
	json_number(document, "hold_ns", making->step.hold_ns);
	json_number(document, "gate_ns", making->step.gate_ns);
	json_value(document, "shadows", array);
	if (making->with_writers)
		making_add_told(document, making->answer);
	return document;
}
