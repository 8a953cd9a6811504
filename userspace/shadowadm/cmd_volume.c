// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_volume.c - shadowadm volume: the tracked volumes, beginning and end of
 * tracking, policies and faults.
 */
#include "policy.h"
#include "volume.h"
#include "volume_table.h"

static int list(struct context *context)
{
	struct shadow_volume_info *volumes;
	struct rows rows = { .size = sizeof(*volumes) };
	ssize_t count = load_volumes(context->sc, &volumes);
	int status;

	if (count < 0)
		return fail_library(context);
	rows.first = volumes;
	rows.count = count;
	status = table_print(context, &volume_table, &rows);
	free(volumes);
	return status;
}

/* What may be asked for. */
struct bounds {
	uint64_t memory, changes;	/* bytes, 0: the default */
};

/* A bit for each block, in whole pages, is what the module needs at least. */
static int bounds_refused(struct context *context, const struct shadowcopy_volume *volume,
			  const struct bounds *bounds)
{
	char least[16];

	if (!bounds->changes)
		return usage(context, "%s cannot be tracked with this --memory: 4M to 16T are "
			     "possible", volume->path);
	return usage(context, "%s cannot be tracked with this %s--changes-memory: a volume of its "
		     "size needs %s at least", volume->path,
		     bounds->memory ? "--memory (4M to 16T are possible) or this " : "",
		     size_format(((volume->bytes >> (SHADOW_BLOCK_SHIFT + 15)) + 1) * 4096, least));
}

static int track(struct context *context, char **names, const struct bounds *bounds)
{
	struct shadowcopy_volume volume;
	int rc;

	for (; *names; names++) {
		if (shadowcopy_resolve(context->sc, *names, &volume))
			return fail_library(context);
		rc = shadowcopy_volume_track_changes(context->sc, volume.dev, bounds->memory,
						     bounds->changes);
		if (rc == -ERANGE)
			return bounds_refused(context, &volume, bounds);
		if (rc)
			return fail_library(context);
		progress(context, "%s: tracked", volume.path);
	}
	return context->json ? list(context) : STATUS_OK;
}

/* All bases of a volume that are kept.  0 or a negative errno. */
static int drop_bases(struct context *context, struct shadow_dev dev)
{
	struct shadow_base_info *bases;
	ssize_t count = load_bases(context->sc, &bases), i;
	int rc = count < 0 ? count : 0;

	for (i = 0; !rc && i < count; i++)
		if (bases[i].flags & SHADOW_BASE_KEPT && dev_equal(bases[i].volume, dev))
			rc = shadowcopy_base_change(context->sc, &bases[i].uuid, SHADOW_BASE_DROP);
	free(bases);
	return rc;
}

static bool bases_in_the_way(const struct context *context)
{
	return shadowcopy_last_error(context->sc)->reason == SHADOW_REASON_BASES;
}

static int untrack_failed(struct context *context, const struct shadowcopy_volume *volume, int rc)
{
	if (bases_in_the_way(context) && !context->json)
		return fail(context, "bases of %s are kept, and what has changed since them would "
			    "be forgotten: drop them first (\"shadowadm base drop --all %s\"), or "
			    "use --force", volume->path, volume->path);
	if (rc == -EBUSY && !bases_in_the_way(context) && !context->json)
		return fail(context, "%s has shadows, or is in a set: it is tracked until they are "
			    "deleted (\"shadowadm delete --all %s\")", volume->path, volume->path);
	return fail_library(context);
}

/* Where it fails for shadows nothing is forgotten: bases go only when they are in the way. */
static int untrack(struct context *context, char **names, bool force)
{
	struct shadowcopy_volume volume;
	int rc;

	for (; *names; names++) {
		if (shadowcopy_resolve(context->sc, *names, &volume))
			return fail_library(context);
		rc = shadowcopy_volume_untrack(context->sc, volume.dev);
		if (rc && force && bases_in_the_way(context)) {
			rc = drop_bases(context, volume.dev);
			if (rc)
				return fail_library(context);
			rc = shadowcopy_volume_untrack(context->sc, volume.dev);
		}
		if (rc)
			return untrack_failed(context, &volume, rc);
		progress(context, "%s: no longer tracked", volume.path);
	}
	return context->json ? list(context) : STATUS_OK;
}

/* What is mounted from a volume, or from what is stacked on it: to be freed, or NULL. */
static char *mounted_from(struct context *context, struct shadow_dev dev)
{
	struct shadowcopy_plan *plan;
	char *found = NULL;
	size_t i;

	if (shadowcopy_plan_new(context->sc, &plan))
		return NULL;
	if (!shadowcopy_plan_volume(plan, dev, NULL) && !shadowcopy_plan_compute(plan))
		for (i = 0; i < shadowcopy_plan_count(plan) && !found; i++) {
			const struct shadowcopy_plan_entry *entry = shadowcopy_plan_entry(plan, i);

			if (*entry->mountpoint)
				found = strdup(entry->mountpoint);
			else if (*entry->fstype)
				found = strdup(entry->path);
		}
	shadowcopy_plan_free(plan);
	return found;
}

static int clear_fault(struct context *context, char **names, bool force)
{
	struct shadowcopy_volume volume;
	struct shadow_volume_info info;
	char *mounted;
	int status;

	for (; *names; names++) {
		if (shadowcopy_resolve(context->sc, *names, &volume) ||
		    shadowcopy_volume_find(context->sc, volume.dev, &info))
			return fail_library(context);
		mounted = force || !info.protect_fault ? NULL :
			  mounted_from(context, volume.dev);
		if (mounted) {
			status = fail(context, "the filesystem of %s has seen failed writes: "
				      "unmount it, clear the fault of %s, and mount it again; or "
				      "use --force", mounted, volume.path);
			free(mounted);
			return status;
		}
		if (shadowcopy_volume_clear_fault(context->sc, volume.dev))
			return fail_library(context);
		progress(context, "%s: %s", volume.path,
			 info.protect_fault ? "writes pass again" : "it had no fault");
	}
	return context->json ? list(context) : STATUS_OK;
}

static const struct command *const own[] = {
	&volume_candidates, &volume_find, &volume_tracking,
};

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_MEMORY = OPTION_OWN, OPTION_CHANGES_MEMORY, OPTION_FORCE };
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, OPTION_MEMORY },
		{ "changes-memory", required_argument, NULL, OPTION_CHANGES_MEMORY },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ 0 }
	};
	static const char *const verbs[] = {
		"list", "track", "untrack", "policy", "clear-fault", "candidates", "find",
		"tracking",
	};
	const char *wrong, *near, *verb;
	int option, status;
	struct bounds bounds = { 0 };
	bool force = false;

	if (argc > 1 && (!strcmp(argv[1], "candidates") || !strcmp(argv[1], "find") ||
			 !strcmp(argv[1], "tracking")))
		return run_verb(context, argc, argv);
	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_MEMORY:
			wrong = size_parse(optarg, memory_size(), &bounds.memory);
			if (wrong)
				return usage(context, "--memory %s: %s", optarg, wrong);
			break;
		case OPTION_CHANGES_MEMORY:
			wrong = size_parse(optarg, memory_size(), &bounds.changes);
			if (wrong)
				return usage(context, "--changes-memory %s: %s", optarg, wrong);
			break;
		case OPTION_FORCE:
			force = true;
			break;
		default:
			return status;
		}
	verb = optind < argc ? argv[optind++] : "list";
	if (!strcmp(verb, "list")) {
		if (optind < argc)
			return usage(context, "\"volume list\" takes no argument");
		return list(context);
	}
	if (!strcmp(verb, "track") || !strcmp(verb, "untrack")) {
		if (optind == argc)
			return usage(context, "\"volume %s\" needs a volume: a block device or a "
				     "mount point", verb);
		return *verb == 't' ? track(context, argv + optind, &bounds) :
		       untrack(context, argv + optind, force);
	}
	if (!strcmp(verb, "policy"))
		return policy_command(context, argc - optind, argv + optind);
	if (!strcmp(verb, "clear-fault")) {
		if (optind == argc)
			return usage(context, "\"volume clear-fault\" needs a volume");
		return clear_fault(context, argv + optind, force);
	}
	near = nearest(verb, verbs, ARRAY_SIZE(verbs));
	return usage(context, "there is no \"volume %s\"%s%s%s", verb,
		     near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
}

const struct command cmd_volume = {
	.name = "volume",
	.summary = "List tracked volumes, begin or end tracking, set policies",
	.synopsis = "[list] [-o COLUMNS] [--json]\n"
		    "track VOLUME... [--memory SIZE] [--changes-memory SIZE]\n"
		    "untrack VOLUME... [--force]\n"
		    "tracking [VOLUME] [-o COLUMNS] [--json]\n"
		    "policy " POLICY_SYNOPSIS "\n"
		    "clear-fault VOLUME...\n"
		    "candidates [--provider NAME] [-o COLUMNS] [--json]\n"
		    "find FILE... [-o COLUMNS] [--json]",
	.text = "A volume is tracked from its first shadow on; \"track\" does it without one.\n"
		"\"untrack\" ends it, where no shadow needs it and no base is kept; what has changed so\n"
		"far is forgotten then.  \"tracking\" shows since when changes are known, and why not\n"
		"longer.\n\n"
		POLICY_HELP
		"It lasts for as long as the volume is tracked.  \"clear-fault\" lets writes pass\n"
		"again that failed under fail-io.\n"
		"\"candidates\" shows which volumes could have shadows, \"find\" on which volume a file\n"
		"is.\n\n"
		"Options:\n"
		"      --memory SIZE     bound of preserved data not yet stored, e.g. 64M or 1%\n"
		"      --changes-memory SIZE\n"
		"                        bound of the memory of what has changed; 64M, or two bits for\n"
		"                        each block of the volume if that is more, without it\n"
		"      --force           untrack: drop the bases that are kept; clear-fault: also of a\n"
		"                        volume that is mounted\n"
		"      --provider NAME   with candidates: by this one\n"
		TABLE_HELP COMMON_HELP,
	.table = &volume_table,
	.verbs = own,
	.verb_count = ARRAY_SIZE(own),
	.run = run,
};
