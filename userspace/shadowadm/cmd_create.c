// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_create.c - shadowadm create: shadows of one or more volumes at one instant.
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
#include <unistd.h>

#include "documents.h"
#include "free_space.h"
#include "plan_table.h"
#include "shadow_table.h"
#include "stores.h"
#include "writers.h"

/* What was asked for. */
struct request {
	size_t count;
	struct store_options options;
	uint32_t context;
	uint32_t timeout_ms;
	uint32_t flags;		/* SHADOW_SET_* */
	bool dry_run;
	bool no_free_space;
	bool with_writers;
	struct writers_request writers;
	json_t *answer;		/* of the coordinator */
	struct store_request volumes[SHADOW_MAX_SET_VOLUMES];
};

/* --- the making of a set --------------------------------------------------- */

static int find_volumes(struct context *context, struct request *request)
{
	size_t i;

	for (i = 0; i < request->count; i++)
		if (shadowcopy_resolve(context->sc, request->volumes[i].name,
				       &request->volumes[i].volume))
			return fail_library(context);
	return STATUS_OK;
}

static int plan_volumes(struct context *context, struct request *request,
			struct shadowcopy_plan *plan)
{
	int status;
	size_t i;

	status = find_volumes(context, request);
	if (request->with_writers && !request->dry_run)
		for (i = 0; i < request->count; i++)
			request->volumes[i].kept = true;	/* not made here */
	else if (!status)
		status = stores_choose(context, &request->options, request->volumes,
				       request->count);
	if (!status && request->flags & SHADOW_SET_PERSISTENT)
		status = stores_make_durable(context, request->volumes, request->count);
	if (!status && !request->dry_run && !request->with_writers)
		status = stores_open(context, request->volumes, request->count);
	for (i = 0; !status && i < request->count; i++)
		status = stores_plan(context, &request->volumes[i], plan);
	if (!status && shadowcopy_plan_compute(plan))
		status = fail_library(context);
	return status;
}

/* Before the volumes were held nothing has been preserved: no store was written to. */
static bool may_have_begun(const struct shadowcopy_error *error)
{
	return error->phase != SHADOW_PHASE_FREEZE && error->phase != SHADOW_PHASE_HOLD;
}

static int take(struct context *context, struct request *request,
		struct shadowcopy_plan *plan, struct shadow_set_step *step)
{
	struct shadowcopy_set *set;
	int synced, rc;
	size_t i;

	if (shadowcopy_set_new(context->sc, request->flags, request->timeout_ms, request->context,
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
		rc = shadowcopy_set_take(set, step);
		if (rc && may_have_begun(shadowcopy_last_error(context->sc)))
			stores_keep_devices(request->volumes, request->count);
	}
	if (rc)
		fail_library(context);
	else
		progress(context, "done: held for %.1f ms, of which writes waited %.1f ms",
			 step->hold_ns / 1e6, step->gate_ns / 1e6);
	if (!rc)
		stores_keep(request->volumes, request->count);
	for (i = 0; !rc && i < request->count; i++) {
		const struct store_request *volume = &request->volumes[i];

		if (volume->choice.policy &&
		    shadowcopy_volume_policy(context->sc, volume->volume.dev,
					     volume->choice.policy, volume->choice.throttle_ms))
			warn(context, "%s", shadowcopy_last_error(context->sc)->text);
	}
	shadowcopy_set_close(set);
	return rc ? STATUS_FAILED : STATUS_OK;
}

static int take_with_writers(struct context *context, struct request *request,
			     struct shadow_set_step *step)
{
	const char *volumes[SHADOW_MAX_SET_VOLUMES], *stores[SHADOW_MAX_SET_VOLUMES];
	size_t i;

	for (i = 0; i < request->count; i++) {
		volumes[i] = request->volumes[i].volume.path;
		stores_named_for(&request->options, request->volumes, request->count,
				 &request->volumes[i], &stores[i]);
	}
	request->writers.context = request->context;
	request->writers.flags = request->flags;
	request->writers.timeout_ms = request->timeout_ms;
	progress(context, "telling writers");
	return writers_take(context, &request->writers, volumes, stores, request->count, step,
			    &request->answer);
}

/* The shadows of the set in the order of the arguments.  Their number, or < 0. */
static ssize_t collect(struct context *context, const struct request *request,
		       const struct shadowcopy_plan *plan, const struct shadow_uuid *set,
		       struct shadow_row *rows)
{
	const struct shadowcopy_plan_entry *entry;
	struct shadow_shadow_info info = { 0 };
	size_t i, j, found = 0;
	int rc;

	while ((rc = shadowcopy_shadow_next(context->sc, &info)) > 0)
		for (i = 0; i < request->count; i++)
			if (uuid_equal(&info.set, set) &&
			    dev_equal(info.volume, request->volumes[i].volume.dev)) {
				rows[i].info = info;
				found++;
			}
	if (rc < 0)
		return rc;
	for (i = 0; i < request->count; i++)
		for (j = 0; (entry = shadowcopy_plan_entry(plan, j)); j++)
			if (entry->flags & SHADOW_ADD_SHADOW &&
			    dev_equal(entry->dev, request->volumes[i].volume.dev)) {
				rows[i].consistency = entry->consistency;
				rows[i].warning = *entry->warning ? entry->warning : NULL;
			}
	return found;
}

/* --- the answer ------------------------------------------------------------ */

static void add_told(json_t *document, json_t *answer)
{
	static const char *const names[] = { "consistency", "writers", "timings_ms" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set(document, names[i], json_object_get(answer, names[i]));
}

static const char *told(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

/* For who may have shadows made and not look at them: what the coordinator says. */
static int print_told(struct context *context, const struct shadow_set_step *step,
		      const struct request *request)
{
	json_t *shadows = json_object_get(request->answer, "shadows"), *shadow, *document;
	size_t i, count = json_array_size(shadows);

	if (context->json) {
		document = json_object();
		json_text(document, "set", told(request->answer, "set"));
		json_text(document, "context", shadowcopy_context_name(request->context));
		json_number(document, "hold_ns", step->hold_ns);
		json_number(document, "gate_ns", step->gate_ns);
		json_object_set(document, "shadows", shadows);
		add_told(document, request->answer);
		return json_print(document);
	}
	if (!context->quiet)
		printf("set %s: %zu shadow%s, held for %.1f ms, writes waited %.1f ms, consistency "
		       "%s\n", told(request->answer, "set"), count, count == 1 ? "" : "s",
		       step->hold_ns / 1e6, step->gate_ns / 1e6,
		       told(request->answer, "consistency"));
	json_array_foreach(shadows, i, shadow) {
		if (context->quiet)
			puts(told(shadow, "device"));
		else
			printf("%s of %s: %s\n", told(shadow, "device"), told(shadow, "volume"),
			       told(shadow, "uuid"));
	}
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int print_result(struct context *context, const struct shadow_set_step *step,
			const struct shadow_row *table, const struct request *request)
{
	size_t count = request->count;
	struct rows rows = { table, sizeof(*table), count, NULL };
	json_t *document, *array, *object;
	char set[SHADOWCOPY_UUID_LEN], path[IMAGE_PATH_LEN];
	char free_text[16], size_text[16];
	uint64_t bytes = 0, free_bytes = 0;
	size_t i;

	shadowcopy_uuid_format(&step->set, set);
	for (i = 0; i < count; i++) {
		bytes += table[i].info.bytes;
		free_bytes += table[i].info.free_bytes;
	}
	if (context->json) {
		array = table_json(context, &shadow_table, &rows);
		for (i = 0; i < count; i++) {
			object = json_array_get(array, i);
			json_text(object, "consistency", consistency_name(table[i].consistency));
			json_text(object, "warning", table[i].warning);
			if (!request->with_writers)
				json_value(object, "store",
					   choice_json(&request->volumes[i].choice));
		}
		document = json_object();
		json_text(document, "set", set);
		json_text(document, "context", shadowcopy_context_name(request->context));
		json_number(document, "hold_ns", step->hold_ns);
		json_number(document, "gate_ns", step->gate_ns);
		json_value(document, "shadows", array);
		if (request->with_writers)
			add_told(document, request->answer);
		return json_print(document);
	}
	if (context->quiet) {
		for (i = 0; i < count; i++)
			puts(image_path(&table[i].info, path));
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	printf("set %s: %zu shadow%s, held for %.1f ms, writes waited %.1f ms", set, count,
	       count == 1 ? "" : "s", step->hold_ns / 1e6, step->gate_ns / 1e6);
	if (request->with_writers)
		printf(", consistency %s",
		       json_string_value(json_object_get(request->answer, "consistency")));
	if (free_bytes)
		printf(", %s of %s free", size_format(free_bytes, free_text),
		       size_format(bytes, size_text));
	putchar('\n');
	return table_print(context, &shadow_table, &rows);
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

static int create(struct context *context, struct request *request,
		  struct shadowcopy_plan *plan)
{
	struct shadow_row *rows;
	struct shadow_set_step step;
	int status, degraded;
	ssize_t found;

	status = plan_volumes(context, request, plan);
	if (!status && request->dry_run)
		return print_plan(context, plan, request->volumes, request->count);
	if (!status && request->with_writers)
		status = take_with_writers(context, request, &step);
	else if (!status)
		status = take(context, request, plan, &step);
	if (status)
		return status;
	if (request->flags & SHADOW_SET_PERSISTENT)
		stores_tell_of_boot(context, request->volumes, request->count);
	rows = calloc(request->count, sizeof(*rows));
	if (!rows)
		return fail(context, "the shadows exist; there is not enough memory to show them");
	found = collect(context, request, plan, &step.set, rows);
	if (found < 0 && request->with_writers && geteuid()) {
		degraded = writers_check(context, request->answer);
		status = print_told(context, &step, request) ?: degraded;
	} else if (found < 0) {
		status = fail_library(context);
	} else if ((size_t)found < request->count) {
		status = fail(context, "some shadows of the set have been deleted already by "
			      "someone else; \"shadowadm list\" shows the rest");
	} else {
		degraded = check_rows(context, rows, found);
		if (request->with_writers)
			degraded = writers_check(context, request->answer) ?: degraded;
		if (!request->no_free_space)
			tell_free_space(context, plan, rows, found);
		status = print_result(context, &step, rows, request);
		status = status ?: degraded;
	}
	free(rows);
	return status;
}

/* --- arguments -------------------------------------------------------------- */

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

/* What only makes sense with writers, and what the coordinator does not take. */
static int check_writers(struct context *context, const struct request *request)
{
	const char *spec;
	size_t i;

	if (!request->with_writers && (request->writers.degrade || request->writers.excluded_count))
		return usage(context, "--degrade and --exclude-writer go with --writers");
	if (!request->with_writers && request->writers.document)
		return usage(context, "--document goes with --writers: without them there is none");
	if (request->with_writers && request->context & SHADOWCOPY_ATTR_NO_WRITERS)
		return usage(context, "the context %s has no writers",
			     shadowcopy_context_name(request->context));
	if (request->with_writers && (request->options.max || request->options.initial ||
				      request->options.force))
		return usage(context, "--max, --initial and --force do not go with --writers; "
			     "\"shadowadm store policy\" and stores.conf say how large stores are");
	for (i = 0; request->with_writers && i < request->count; i++)
		if (stores_named_for(&request->options, request->volumes, request->count,
				     &request->volumes[i], &spec) > 1)
			return usage(context, "with --writers a volume has one --store at most; "
				     "%s has several", request->volumes[i].name);
	return STATUS_OK;
}

/* What a durable store cannot do, and who does not know of it. */
static int check_persistent(struct context *context, const struct request *request)
{
	if (!(request->flags & SHADOW_SET_PERSISTENT))
		return STATUS_OK;
	if (request->flags & SHADOW_SET_WRITABLE)
		return usage(context, "--persistent and --writable do not go together: a durable "
			     "store does not keep what is written to its shadows");
	return STATUS_OK;
}

static int run_create(struct context *context, int argc, char **argv)
{
	enum { OPTION_STORE = OPTION_OWN, OPTION_MAX, OPTION_INITIAL, OPTION_FORCE,
	       OPTION_CONTEXT, OPTION_TIMEOUT, OPTION_PERSISTENT, OPTION_WRITABLE,
	       OPTION_WRITERS, OPTION_NO_WRITERS, OPTION_DEGRADE, OPTION_EXCLUDE_WRITER,
	       OPTION_DOCUMENT, OPTION_DRY_RUN, OPTION_NO_FREE_SPACE };
	static const struct option longs[] = {
		{ "store", required_argument, NULL, OPTION_STORE },
		{ "max", required_argument, NULL, OPTION_MAX },
		{ "initial", required_argument, NULL, OPTION_INITIAL },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "context", required_argument, NULL, OPTION_CONTEXT },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "persistent", no_argument, NULL, OPTION_PERSISTENT },
		{ "writable", no_argument, NULL, OPTION_WRITABLE },
		{ "writers", no_argument, NULL, OPTION_WRITERS },
		{ "no-writers", no_argument, NULL, OPTION_NO_WRITERS },
		{ "degrade", no_argument, NULL, OPTION_DEGRADE },
		{ "exclude-writer", required_argument, NULL, OPTION_EXCLUDE_WRITER },
		{ "document", required_argument, NULL, OPTION_DOCUMENT },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "no-free-space", no_argument, NULL, OPTION_NO_FREE_SPACE },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct request *request = calloc(1, sizeof(*request));
	struct shadowcopy_plan *plan = NULL;
	int option, status = STATUS_OK;
	size_t i;

	if (!request)
		return fail(context, "there is not enough memory");
	request->context = SHADOWCOPY_CTX_BACKUP;
	request->flags = SHADOW_SET_NO_AUTO_RELEASE;
	while (!status && (option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_STORE:
			status = add_option(context, &request->options, optarg);
			break;
		case OPTION_MAX:
			request->options.max = optarg;
			break;
		case OPTION_INITIAL:
			request->options.initial = optarg;
			break;
		case OPTION_FORCE:
			request->options.force = true;
			break;
		case OPTION_CONTEXT:
			status = parse_context(context, optarg, &request->context);
			break;
		case OPTION_TIMEOUT:
			status = timeout_parse(context, optarg, &request->timeout_ms);
			break;
		case OPTION_PERSISTENT:
			request->flags |= SHADOW_SET_PERSISTENT;
			break;
		case OPTION_WRITABLE:
			request->flags |= SHADOW_SET_WRITABLE;
			break;
		case OPTION_WRITERS:
			request->with_writers = true;
			break;
		case OPTION_NO_WRITERS:
			request->with_writers = false;
			break;
		case OPTION_DEGRADE:
			request->writers.degrade = true;
			break;
		case OPTION_EXCLUDE_WRITER:
			status = exclude_writer(context, &request->writers, optarg);
			break;
		case OPTION_DOCUMENT:
			request->writers.document = optarg;
			request->writers.directory = documents_in_directory(optarg);
			break;
		case OPTION_DRY_RUN:
			request->dry_run = true;
			break;
		case OPTION_NO_FREE_SPACE:
			request->no_free_space = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:	/* help was shown, or the error was */
			free(request);
			return status;
		}
	request->count = argc - optind;
	if (!status && !request->count)
		status = usage(context, "name a volume at least: a block device or a mount point");
	if (!status && request->count > SHADOW_MAX_SET_VOLUMES)
		status = usage(context, "a set has %d volumes at most, and %zu were named",
			       SHADOW_MAX_SET_VOLUMES, request->count);
	for (i = 0; !status && i < request->count; i++)
		request->volumes[i].name = argv[optind + i];
	if (!status)
		status = check_writers(context, request);
	if (!status)
		status = check_persistent(context, request);
	if (!status)
		status = stores_check(context, &request->options, request->volumes,
				      request->count);
	if (!status && request->writers.document && !request->dry_run)
		status = documents_prepare(context, request->writers.document,
					   request->writers.directory);
	if (!status && shadowcopy_plan_new(context->sc, &plan))
		status = fail_library(context);
	if (!status)
		status = create(context, request, plan);
	shadowcopy_plan_free(plan);
	if (request->count <= ARRAY_SIZE(request->volumes))
		stores_close(context, request->volumes, request->count);
	json_decref(request->answer);
	free(request);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.summary = "Make shadows of volumes, all at one instant",
	.synopsis = "VOLUME|MOUNTPOINT... [OPTIONS]",
	.text = "Filesystems on the volumes and on all that is stacked on them are frozen for the\n"
		"instant.  The shadows are /dev/shadowN, and stay until deleted, or without --persistent\n"
		"until the machine stops.\n\n"
		"Options:\n"
		"      --store STORE     where old data goes: a file, which is made if need be, a\n"
		"                        directory (for a file without a name in it), a block device,\n"
		"                        whose contents are lost, \"memory\" or \"memory:SIZE\".\n"
		"                        Given several times they are parts of one store.  Without it\n"
		"                        one is chosen\n"
		"      --store VOLUME=STORE\n"
		"                        the same for one volume, named as in the arguments\n"
		"      --max SIZE        upper limit of the store, e.g. 512M, 10% of the filesystem, the\n"
		"                        device or the memory that it is in, or unlimited\n"
		"      --initial SIZE    size to begin a file with; 64M, or 2% of the volume if that is\n"
		"                        more, without it\n"
		"      --force           overwrite what is in the file or on the device\n"
		"      --context NAME    what they are for: backup (the default), file-share-backup,\n"
		"                        nas-rollback, app-rollback, client-accessible\n"
		"      --timeout SECONDS longest hold, 0.01 to 600 (10)\n"
		"      --writable        let the shadows be written to, until \"shadowadm seal\"; the\n"
		"                        volume does not change, and the store holds what is written\n"
		"      --persistent      shadows that survive a reboot: \"shadowadm store attach\" has them\n"
		"                        again.  The store is one device, or one file on another\n"
		"                        filesystem than the volume's, and keeps them.  They cannot be\n"
		"                        written to\n"
		"      --writers         bring the applications to rest that have a writer, by shadowd; if\n"
		"                        one of them fails there is no set\n"
		"      --no-writers      tell no applications (the default)\n"
		"      --degrade         if a writer fails go on without it: less consistency, and exit\n"
		"                        status 3\n"
		"      --exclude-writer WRITER\n"
		"                        leave it out: its name, its class or its instance\n"
		"      --document FILE|DIRECTORY\n"
		"                        with --writers: write the backup components, which a restore\n"
		"                        needs, to FILE, or to DIRECTORY (one that there is, or with a\n"
		"                        slash at its end) with each writer's metadata as NAME.json\n"
		"      --no-free-space   do not look for what is free: preserve all of it, so that the\n"
		"                        image is the volume to the last byte\n"
		"      --dry-run         make nothing; show what would be frozen, in which order\n"
		"  -q, --quiet           print the paths of the devices only, one per line\n"
		TABLE_HELP COMMON_HELP,
	.table = &shadow_table,
	.run = run_create,
};
