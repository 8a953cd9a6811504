// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_add.c - shadowadm store add: associate a volume with a part of its store.
 *
 *	1. make the file, or look at the device: it has to be there when it is needed
 *	2. write the line
 *
 * What fails undoes what was done before.
 */
#include "store.h"
#include "stores.h"

struct addition {
	const char *max;
	const char *initial;
	bool force;
	struct shadowcopy_store store;
	struct shadowcopy_association entry;
	char volume[SHADOWCOPY_PATH_MAX];
	char name[SHADOWCOPY_STORE_PATH_MAX + 1];
};

static int parse(struct context *context, struct addition *addition)
{
	struct shadowcopy_store *store = &addition->store;
	int status = STATUS_OK;

	if (addition->force)
		store->flags |= SHADOWCOPY_STORE_FORCE;
	if (addition->max && (store->max.bytes || store->max.percent))
		return usage(context, "the store and --max %s both give a size", addition->max);
	if (addition->initial && store->type != SHADOW_STORE_FILE)
		return usage(context, "--initial %s: only a file has an initial size",
			     addition->initial);
	if (addition->max)
		status = store_amount(context, "--max", addition->max,
				      store->type != SHADOW_STORE_MEMORY, &store->max);
	if (!status && addition->initial)
		status = store_amount(context, "--initial", addition->initial, false,
				      &store->initial);
	return status;
}

static int add(struct context *context, const struct shadowcopy_volume *volume,
	       struct addition *addition)
{
	struct shadowcopy_stores *stores = NULL;
	struct shadowcopy_part *part = NULL;
	int rc;

	addition->entry.volume = addition->volume;
	addition->entry.store = addition->name;
	addition->entry.max = addition->store.max;
	addition->entry.initial = addition->store.initial;
	rc = shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores);
	rc = rc ? rc : shadowcopy_stores_add(stores, &addition->entry);
	if (!rc && volume)
		rc = shadowcopy_part_open(context->sc, volume, &addition->store, &part);
	rc = rc ? rc : shadowcopy_stores_commit(stores);
	if (!rc && part)
		shadowcopy_part_keep(part);
	if (rc)
		fail_library(context);
	shadowcopy_part_close(part);
	shadowcopy_stores_close(stores);
	return rc ? STATUS_FAILED : STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_MAX = OPTION_OWN, OPTION_INITIAL, OPTION_FORCE };
	static const struct option longs[] = {
		{ "max", required_argument, NULL, OPTION_MAX },
		{ "initial", required_argument, NULL, OPTION_INITIAL },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct addition addition = { 0 };
	struct shadowcopy_volume volume;
	bool all;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_MAX:
			addition.max = optarg;
			break;
		case OPTION_INITIAL:
			addition.initial = optarg;
			break;
		case OPTION_FORCE:
			addition.force = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 2)
		return usage(context, "it takes a volume and a store");
	all = !strcmp(argv[optind], "*");
	if (!all && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	status = store_parse(context, argv[optind + 1], &addition.store);
	if (!status)
		status = parse(context, &addition);
	if (!status)
		status = store_name(context, &addition.store, addition.name);
	if (!status && all)
		snprintf(addition.volume, sizeof(addition.volume), "*");
	else if (!status)
		status = volume_name(context, &volume, addition.volume);
	if (!status)
		status = add(context, all ? NULL : &volume, &addition);
	if (!status && context->json)
		return association_print(&addition.entry);
	if (!status)
		progress(context, "%s: %s is a store of it from now on", addition.volume,
			 addition.name);
	return status;
}

const struct command store_add = {
	.name = "store add",
	.summary = "Associate a volume with a store, or with one more part of it",
	.synopsis = "VOLUME STORE [OPTIONS]",
	.text = "VOLUME is \"*\" for all that have no line of their own; STORE is a directory or\n"
		"\"memory\" then.  A file is made, or used again if it is a store already; a device\n"
		"is overwritten when the next shadow is made.  The store is used from the next\n"
		"shadow on that is made while the volume has none.\n\n"
		"Options:\n"
		"      --max SIZE        how much may be stored, e.g. 20G, 10% of the filesystem or the\n"
		"                        device, or unlimited; half of what is free without it\n"
		"      --initial SIZE    size to begin a file with; 64M, or 2% of the volume if that is\n"
		"                        more, without it\n"
		"      --force           overwrite what is in the file or on the device\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
