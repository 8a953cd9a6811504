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
 * Up to 4 nothing has happened yet, and a failure of 4 leaves nothing behind.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "free_space.h"
#include "plan_table.h"
#include "shadow_table.h"

#define NODE_WAIT_MS 10000
#define NODE_POLL_MS 20

/* What was asked for. */
struct request {
	char **names;
	size_t count;
	const char *stores[SHADOW_MAX_SET_VOLUMES + 1];
	size_t store_count;
	const char *max;
	uint32_t context;
	uint32_t timeout_ms;
	uint32_t flags;		/* SHADOW_SET_* */
	bool dry_run;
	bool no_free_space;
	struct shadowcopy_volume volumes[SHADOW_MAX_SET_VOLUMES];
};

/* --- stores ------------------------------------------------------------- */

/* The part of "VOLUME=SPEC" after the name of volume @index, or NULL. */
static const char *spec_of(const struct request *request, const char *store, size_t index)
{
	const char *name = request->names[index];
	size_t length = strlen(name);

	if (!strncmp(store, name, length) && store[length] == '=')
		return store + length + 1;
	return NULL;
}

static bool is_for_one(const struct request *request, const char *store)
{
	size_t i;

	for (i = 0; i < request->count; i++)
		if (spec_of(request, store, i))
			return true;
	return false;
}

/* What --store says for a volume: its own, else the one for all, else NULL. */
static const char *store_for(const struct request *request, size_t index)
{
	const char *spec = NULL, *own;
	size_t i;

	for (i = 0; i < request->store_count; i++) {
		own = spec_of(request, request->stores[i], index);
		if (own)
			return own;
		if (!is_for_one(request, request->stores[i]))
			spec = request->stores[i];
	}
	return spec;
}

static int parse_max(struct context *context, const char *option, const char *text,
		     uint64_t whole, struct shadow_store_spec *store)
{
	uint64_t bytes;
	const char *wrong = size_parse(text, whole, &bytes);

	if (!wrong && bytes < 1 << SHADOW_BLOCK_SHIFT)
		wrong = "it is less than one block of 4096 bytes";
	if (wrong)
		return usage(context, "%s %s: %s", option, text, wrong);
	store->max_bytes = bytes;
	return STATUS_OK;
}

static int parse_store(struct context *context, const struct request *request,
		       const char *spec, struct shadow_store_spec *store)
{
	struct shadowcopy_volume device;
	uint64_t whole = memory_size();
	struct stat st;

	memset(store, 0, sizeof(*store));
	if (!spec && !request->max)
		return STATUS_OK;
	if (spec && !strncmp(spec, "memory:", 7)) {
		if (request->max)
			return usage(context, "--store %s and --max %s both give a size", spec,
				     request->max);
		store->type = SHADOW_STORE_MEMORY;
		return parse_max(context, "--store", spec + 7, whole, store);
	}
	if (!spec || !strcmp(spec, "memory")) {
		store->type = SHADOW_STORE_MEMORY;
	} else {
		if (!stat(spec, &st) && !S_ISBLK(st.st_mode))
			return fail(context, "cannot use %s as a store: it is no block device, and "
				    "this version stores in memory or on a device only. Use --store "
				    "memory or --store DEVICE", spec);
		if (shadowcopy_resolve(context->sc, spec, &device))
			return fail_library(context);
		store->type = SHADOW_STORE_DEVICE;
		store->dev = device.dev;
		whole = device.bytes;
	}
	if (request->max)
		return parse_max(context, "--max", request->max, whole, store);
	return STATUS_OK;
}

/* A store serves one volume, so a device for all of several is for none. */
static int check_own_store(struct context *context, const struct request *request,
			   const struct shadow_store_spec *stores, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (stores[i].type == SHADOW_STORE_DEVICE &&
		    stores[count].type == SHADOW_STORE_DEVICE &&
		    dev_equal(stores[i].dev, stores[count].dev))
			return usage(context, "%s and %s cannot have the same store device; give "
				     "each its own with --store VOLUME=DEVICE", request->names[i],
				     request->names[count]);
	return STATUS_OK;
}

/* --- the making of a set --------------------------------------------------- */

static int plan_volumes(struct context *context, struct request *request,
			struct shadowcopy_plan *plan)
{
	struct shadow_store_spec stores[SHADOW_MAX_SET_VOLUMES];
	int status;
	size_t i;

	for (i = 0; i < request->count; i++) {
		if (shadowcopy_resolve(context->sc, request->names[i], &request->volumes[i]))
			return fail_library(context);
		status = parse_store(context, request, store_for(request, i), &stores[i]);
		if (!status)
			status = check_own_store(context, request, stores, i);
		if (status)
			return status;
		if (shadowcopy_plan_volume(plan, request->volumes[i].dev, &stores[i]))
			return fail_library(context);
	}
	if (shadowcopy_plan_compute(plan))
		return fail_library(context);
	return STATUS_OK;
}

static int take(struct context *context, const struct request *request,
		struct shadowcopy_plan *plan, struct shadow_set_step *step)
{
	struct shadowcopy_set *set;
	int synced, rc;

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
	}
	if (rc)
		fail_library(context);
	else
		progress(context, "done: held for %.1f ms, of which writes waited %.1f ms",
			 step->hold_ns / 1e6, step->gate_ns / 1e6);
	shadowcopy_set_close(set);
	return rc ? STATUS_FAILED : STATUS_OK;
}

static bool node_exists(const struct shadow_shadow_info *info)
{
	char path[IMAGE_PATH_LEN];
	struct stat st;

	return !stat(image_path(info, path), &st) && S_ISBLK(st.st_mode) &&
	       major(st.st_rdev) == info->image.major && minor(st.st_rdev) == info->image.minor;
}

static bool wait_for_node(const struct shadow_shadow_info *info)
{
	const struct timespec pause = { .tv_nsec = NODE_POLL_MS * 1000000L };
	int waited;

	for (waited = 0; !node_exists(info); waited += NODE_POLL_MS) {
		if (waited >= NODE_WAIT_MS)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
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
			    dev_equal(info.volume, request->volumes[i].dev)) {
				rows[i].info = info;
				found++;
			}
	if (rc < 0)
		return rc;
	for (i = 0; i < request->count; i++)
		for (j = 0; (entry = shadowcopy_plan_entry(plan, j)); j++)
			if (entry->flags & SHADOW_ADD_SHADOW &&
			    dev_equal(entry->dev, request->volumes[i].dev)) {
				rows[i].consistency = entry->consistency;
				rows[i].warning = *entry->warning ? entry->warning : NULL;
			}
	return found;
}

/* --- the answer ------------------------------------------------------------ */

static int print_result(struct context *context, const struct shadow_set_step *step,
			const struct shadow_row *table, size_t count, uint32_t wanted)
{
	struct rows rows = { table, sizeof(*table), count, NULL };
	struct json_object *document, *array, *object;
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
			object = json_object_array_get_idx(array, i);
			json_text(object, "consistency", consistency_name(table[i].consistency));
			json_text(object, "warning", table[i].warning);
		}
		document = json_object_new_object();
		json_text(document, "set", set);
		json_text(document, "context", shadowcopy_context_name(wanted));
		json_number(document, "hold_ns", step->hold_ns);
		json_number(document, "gate_ns", step->gate_ns);
		json_object_object_add(document, "shadows", array);
		return json_print(document);
	}
	if (context->quiet) {
		for (i = 0; i < count; i++)
			puts(image_path(&table[i].info, path));
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	printf("set %s: %zu shadow%s, held for %.1f ms, writes waited %.1f ms", set, count,
	       count == 1 ? "" : "s", step->hold_ns / 1e6, step->gate_ns / 1e6);
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
		} else if (!wait_for_node(&rows[i].info)) {
			warn(context, "%s did not appear within %d seconds; the shadow exists. Is "
			     "udev running, is devtmpfs mounted on /dev?", path,
			     NODE_WAIT_MS / 1000);
			status = STATUS_DEGRADED;
		}
	}
	return status;
}

/* What it costs from now on depends on it, so it is done before anything is answered. */
static void tell_free_space(struct context *context, struct shadow_row *rows, size_t count)
{
	struct shadow_shadow_info info = { 0 };
	size_t i;

	for (i = 0; i < count; i++)
		free_space_tell(context, &rows[i].info,
				rows[i].consistency == SHADOWCOPY_CONSISTENT_FS);
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
		return print_plan(context, plan);
	if (!status)
		status = take(context, request, plan, &step);
	if (status)
		return status;
	rows = calloc(request->count, sizeof(*rows));
	if (!rows)
		return fail(context, "the shadows exist; there is not enough memory to show them");
	found = collect(context, request, plan, &step.set, rows);
	if (found < 0) {
		status = fail_library(context);
	} else if ((size_t)found < request->count) {
		status = fail(context, "some shadows of the set have been deleted already by "
			      "someone else; \"shadowadm list\" shows the rest");
	} else {
		degraded = check_rows(context, rows, found);
		if (!request->no_free_space)
			tell_free_space(context, rows, found);
		status = print_result(context, &step, rows, found, request->context);
		status = status ?: degraded;
	}
	free(rows);
	return status;
}

/* --- arguments -------------------------------------------------------------- */

static int unsupported(struct context *context, const char *option, const char *instead)
{
	return fail(context, "%s is not supported by this version of shadowcopy. %s", option,
		    instead);
}

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

static int parse_timeout(struct context *context, const char *text, uint32_t *value)
{
	uint64_t ms;
	const char *wrong = seconds_parse(text, &ms);

	if (!wrong && (ms < SHADOW_TIMEOUT_MIN_MS || ms > SHADOW_TIMEOUT_MAX_MS))
		wrong = "it must be between 0.01 and 600 seconds";
	if (wrong)
		return usage(context, "--timeout %s: %s", text, wrong);
	*value = ms;
	return STATUS_OK;
}

/* A --store VOLUME=SPEC whose volume is not in the set would be lost silently. */
static int check_stores(struct context *context, const struct request *request)
{
	size_t i, general = 0;
	struct stat st;

	for (i = 0; i < request->store_count; i++) {
		const char *store = request->stores[i];

		if (is_for_one(request, store))
			continue;
		if (strchr(store, '=') && *store == '/' && stat(store, &st))
			return usage(context, "--store %s: %.*s is none of the volumes named, as "
				     "they are written", store, (int)strcspn(store, "="), store);
		if (general++)
			return usage(context, "--store was given twice for all volumes; give each "
				     "its own with --store VOLUME=STORE");
	}
	return STATUS_OK;
}

static int run_create(struct context *context, int argc, char **argv)
{
	enum { OPTION_STORE = OPTION_OWN, OPTION_MAX, OPTION_CONTEXT, OPTION_TIMEOUT,
	       OPTION_PERSISTENT, OPTION_WRITABLE, OPTION_WRITERS, OPTION_NO_WRITERS,
	       OPTION_DRY_RUN, OPTION_NO_FREE_SPACE };
	static const struct option longs[] = {
		{ "store", required_argument, NULL, OPTION_STORE },
		{ "max", required_argument, NULL, OPTION_MAX },
		{ "context", required_argument, NULL, OPTION_CONTEXT },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "persistent", no_argument, NULL, OPTION_PERSISTENT },
		{ "writable", no_argument, NULL, OPTION_WRITABLE },
		{ "writers", no_argument, NULL, OPTION_WRITERS },
		{ "no-writers", no_argument, NULL, OPTION_NO_WRITERS },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "no-free-space", no_argument, NULL, OPTION_NO_FREE_SPACE },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct request *request = calloc(1, sizeof(*request));
	struct shadowcopy_plan *plan = NULL;
	int option, status = STATUS_OK;

	if (!request)
		return fail(context, "there is not enough memory");
	request->context = SHADOWCOPY_CTX_BACKUP;
	request->flags = SHADOW_SET_NO_AUTO_RELEASE;
	while (!status && (option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_STORE:
			if (request->store_count == ARRAY_SIZE(request->stores))
				status = usage(context, "--store was given too often");
			else
				request->stores[request->store_count++] = optarg;
			break;
		case OPTION_MAX:
			request->max = optarg;
			break;
		case OPTION_CONTEXT:
			status = parse_context(context, optarg, &request->context);
			break;
		case OPTION_TIMEOUT:
			status = parse_timeout(context, optarg, &request->timeout_ms);
			break;
		case OPTION_PERSISTENT:
			status = unsupported(context, "--persistent",
					     "Without it a shadow lives until it is deleted or the "
					     "machine stops");
			break;
		case OPTION_WRITABLE:
			request->flags |= SHADOW_SET_WRITABLE;
			break;
		case OPTION_WRITERS:
			status = unsupported(context, "--writers",
					     "Without it filesystems are frozen, but applications are "
					     "not told");
			break;
		case OPTION_NO_WRITERS:
			break;	/* what this version does anyway */
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
	request->names = argv + optind;
	request->count = argc - optind;
	if (!status && !request->count)
		status = usage(context, "name a volume at least: a block device or a mount point");
	if (!status && request->count > SHADOW_MAX_SET_VOLUMES)
		status = usage(context, "a set has %d volumes at most, and %zu were named",
			       SHADOW_MAX_SET_VOLUMES, request->count);
	if (!status)
		status = check_stores(context, request);
	if (!status && shadowcopy_plan_new(context->sc, &plan))
		status = fail_library(context);
	if (!status)
		status = create(context, request, plan);
	shadowcopy_plan_free(plan);
	free(request);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.summary = "Make shadows of volumes, all at one instant",
	.synopsis = "VOLUME|MOUNTPOINT... [OPTIONS]",
	.text = "Filesystems on the volumes and on all that is stacked on them are frozen for the\n"
		"instant.  The shadows are /dev/shadowN, and stay until deleted.\n\n"
		"Options:\n"
		"      --store STORE     where old data goes: \"memory\" (the default), \"memory:SIZE\",\n"
		"                        or a block device, whose contents are lost\n"
		"      --store VOLUME=STORE\n"
		"                        the same for one volume, named as in the arguments\n"
		"      --max SIZE        upper limit of the store, e.g. 512M, 2G, or 10% of the memory\n"
		"                        or of the device\n"
		"      --context NAME    what they are for: backup (the default), file-share-backup,\n"
		"                        nas-rollback, app-rollback, client-accessible\n"
		"      --timeout SECONDS longest hold, 0.01 to 600 (10)\n"
		"      --writable        let the shadows be written to, until \"shadowadm seal\"; the\n"
		"                        volume does not change, and the store holds what is written\n"
		"      --no-writers      tell no applications; this version never does\n"
		"      --no-free-space   do not look for what is free: preserve all of it, so that the\n"
		"                        image is the volume to the last byte\n"
		"      --dry-run         make nothing; show what would be frozen, in which order\n"
		"  -q, --quiet           print the paths of the devices only, one per line\n"
		TABLE_HELP COMMON_HELP,
	.table = &shadow_table,
	.run = run_create,
};
