// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_add.c - shadowadm store add: give a volume a store, or one more part of it.
 *
 *	1. make the file, or look at the device: it has to be there when it is needed
 *	2. where the volume has a store in use, add the part to it
 *	3. write the line
 *
 * What fails undoes what was done before.  Should it be cut short between 2 and 3, saying it
 * again finds the part in use, and writes the line.
 */
#include "find_durable.h"
#include "store.h"
#include "stores.h"

struct addition {
	struct store_sizes sizes;
	const struct shadowcopy_volume *volume;	/* NULL: all */
	struct store_target target;
	struct shadowcopy_association entry;
	bool in_use;			/* the volume has a store */
	bool added;			/* ... and now this part of it */
	bool written;			/* ... or had it for a while */
	char volume_name[SHADOWCOPY_PATH_MAX];
	char name[SHADOWCOPY_STORE_PATH_MAX + 1];
};

int store_sizes_apply(struct context *context, const struct store_sizes *sizes,
		      struct shadowcopy_store *store)
{
	int status = STATUS_OK;

	if (sizes->force)
		store->flags |= SHADOWCOPY_STORE_FORCE;
	if (sizes->max && (store->max.bytes || store->max.percent))
		return usage(context, "the store and --max %s both give a size", sizes->max);
	if (sizes->initial && store->type != SHADOW_STORE_FILE)
		return usage(context, "--initial %s: only a file has an initial size",
			     sizes->initial);
	if (sizes->max)
		status = store_amount(context, "--max", sizes->max,
				      store->type != SHADOW_STORE_MEMORY, &store->max);
	if (!status && sizes->initial)
		status = store_amount(context, "--initial", sizes->initial, false,
				      &store->initial);
	return status;
}

/* The part is in the store now, but nothing says so: let go of it again. */
static void take_back(struct context *context, struct addition *addition, uint32_t number)
{
	if (shadowcopy_part_resize(context->sc, addition->volume->dev, number, 0, NULL))
		warn(context, "%s is a part of the store now, without an association",
		     addition->name);
	else
		addition->added = false;
}

/*
 * The line: a new one, or one that was there before the store was in use, with what is said
 * now.  The file is ready to be written after that.
 */
static int edit(struct context *context, struct shadowcopy_stores *stores,
		struct addition *addition)
{
	struct shadowcopy_store *store = &addition->target.store;
	struct shadowcopy_association *entry = &addition->entry;
	const struct shadowcopy_association *old;
	ssize_t index = association_of(context, stores, addition->volume, &addition->target);

	entry->volume = addition->volume_name;
	entry->store = addition->name;
	entry->max = store->max;
	entry->initial = store->initial;
	old = index < 0 ? NULL : shadowcopy_stores_entry(stores, index);
	if (!old || (!strcmp(old->store, addition->name) &&
		     (addition->target.live || !addition->in_use)))
		return shadowcopy_stores_add(stores, entry) ? fail_library(context) : STATUS_OK;
	if (addition->target.live || !addition->in_use)
		return fail(context, "%s is a store of %s already, as %s in line %u of "
			    SHADOWCOPY_STORES_CONF, addition->name, addition->volume_name,
			    old->store, old->line);
	if (!addition->sizes.max)
		store->max = old->max;
	if (!addition->sizes.initial)
		store->initial = old->initial;
	snprintf(addition->name, sizeof(addition->name), "%s", old->store);
	snprintf(addition->volume_name, sizeof(addition->volume_name), "%s", old->volume);
	entry->max = store->max;
	entry->initial = store->initial;
	entry->policy = old->policy;
	entry->throttle_ms = old->throttle_ms;
	return shadowcopy_stores_change(stores, index, entry) ? fail_library(context) : STATUS_OK;
}

static int add(struct context *context, struct addition *addition)
{
	struct shadowcopy_stores *stores = NULL;
	struct shadowcopy_part *part = NULL;
	uint32_t number = 0;
	bool has_shadows;
	int rc, status;

	if (shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores))
		return fail_library(context);
	status = edit(context, stores, addition);
	if (status) {
		shadowcopy_stores_close(stores);
		return status;
	}
	rc = 0;
	/* Of which volume they are is told when it is attached; nothing is overwritten. */
	has_shadows = !addition->in_use && !addition->sizes.force &&
		      durable_at(&addition->target.store);
	if (addition->volume && !addition->target.live && !has_shadows)
		rc = shadowcopy_part_open(context->sc, addition->volume, &addition->target.store,
					  &part);
	if (!rc && part && addition->in_use) {
		rc = shadowcopy_part_add(context->sc, addition->volume->dev,
					 shadowcopy_part_spec(part), &number);
		addition->added = !rc;
		addition->written = !rc && addition->target.store.type == SHADOW_STORE_DEVICE;
	}
	rc = rc ? rc : shadowcopy_stores_commit(stores);
	if (rc)
		fail_library(context);
	if (rc && addition->added)
		take_back(context, addition, number);
	/* what a device had besides its head may be overwritten: it must not look intact */
	if (part && (!rc || addition->added || addition->written))
		shadowcopy_part_keep(part);
	if (shadowcopy_part_close(part))
		warn(context, "%s", shadowcopy_last_error(context->sc)->text);
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
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_MAX:
			addition.sizes.max = optarg;
			break;
		case OPTION_INITIAL:
			addition.sizes.initial = optarg;
			break;
		case OPTION_FORCE:
			addition.sizes.force = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 2)
		return usage(context, "it takes a volume and a store");
	if (strcmp(argv[optind], "*")) {
		if (shadowcopy_resolve(context->sc, argv[optind], &volume))
			return fail_library(context);
		addition.volume = &volume;
	}
	status = target_find(context, addition.volume, argv[optind + 1], &addition.target);
	if (!status)
		status = store_sizes_apply(context, &addition.sizes, &addition.target.store);
	if (!status)
		status = store_name(context, &addition.target.store, addition.name);
	if (!status && addition.volume)
		status = volume_name(context, &volume, addition.volume_name);
	else if (!status)
		snprintf(addition.volume_name, sizeof(addition.volume_name), "*");
	if (!status && addition.volume)
		status = store_in_use(context, &volume, &addition.in_use);
	if (!status)
		status = add(context, &addition);
	if (!status && context->json)
		return association_print(&addition.entry);
	if (!status)
		progress(context, "%s: %s is a store of it from now on%s", addition.volume_name,
			 addition.name, addition.added ? ", and a part of the one in use" : "");
	return status;
}

const struct command store_add = {
	.name = "store add",
	.summary = "Associate a volume with a store, or with one more part of it",
	.synopsis = "VOLUME STORE [OPTIONS]",
	.text = "VOLUME is \"*\" for all that have no line of their own; STORE is a directory or\n"
		"\"memory\" then.  A file is made, or used again if it is a store already; a device\n"
		"is overwritten.  Where the volume has shadows, the part is added to the store that\n"
		"they have at once; else it is used from the next shadow on.  A durable store that is\n"
		"there already stays what it is: \"shadowadm store attach\" finds it by this.\n\n"
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
