// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_resize.c - shadowadm store resize: change how much a part of a store may hold (VSS
 * E-02).
 *
 * First the part that is in use, as that may fail, then the line.  No shadow is lost: what
 * does not fit elsewhere stays where it is.
 */
#include "store.h"
#include "stores.h"

struct resizing {
	const struct shadowcopy_volume *volume;	/* NULL: all */
	struct store_target target;
	uint64_t moved;
	uint64_t bytes;			/* the new maximum of the part in use */
	bool changed;			/* the line */
};

static int check_amount(struct context *context, const char *text, struct store_target *target)
{
	struct shadowcopy_amount amount;

	if (!shadowcopy_amount_parse(text, &amount) && !amount.bytes && !amount.percent)
		return usage(context, "%s: nothing could be stored in it; \"shadowadm store "
			     "remove\" lets go of it", text);
	return store_amount(context, "size", text, target->store.type != SHADOW_STORE_MEMORY,
			    &target->store.max);
}

static int resize_part(struct context *context, struct resizing *resizing)
{
	if (shadowcopy_store_limit(context->sc, &resizing->target.store, &resizing->bytes))
		return fail_library(context);
	if (!resizing->bytes)
		return fail(context, "%s has no room for a store", resizing->target.name);
	return target_resize(context, &resizing->target, resizing->bytes, &resizing->moved);
}

static int change_line(struct context *context, struct resizing *resizing)
{
	struct shadowcopy_association entry;
	struct shadowcopy_stores *stores;
	ssize_t index;
	int rc = 0;

	if (shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores))
		return fail_library(context);
	index = association_of(context, stores, resizing->volume, &resizing->target);
	if (index >= 0) {
		entry = *shadowcopy_stores_entry(stores, index);
		entry.max = resizing->target.store.max;
		rc = shadowcopy_stores_change(stores, index, &entry);
		rc = rc ? rc : shadowcopy_stores_commit(stores);
		resizing->changed = !rc;
	}
	if (rc)
		fail_library(context);
	shadowcopy_stores_close(stores);
	return rc ? STATUS_FAILED : STATUS_OK;
}

static int print(struct context *context, const char *volume, const struct resizing *resizing)
{
	const struct store_target *target = &resizing->target;
	char amount[SHADOWCOPY_AMOUNT_LEN], size[16];
	json_t *object;

	shadowcopy_amount_format(&target->store.max, amount);
	if (!context->json) {
		progress(context, "%s: %s may hold %s %s; %s were moved", volume, target->name,
			 amount, resizing->changed ? "from now on" :
			 "until the last shadow is deleted (it has no line in "
			 SHADOWCOPY_STORES_CONF ")", size_format(resizing->moved, size));
		return STATUS_OK;
	}
	object = json_object();
	json_text(object, "volume", volume);
	json_text(object, "store", target->name);
	json_text(object, "max", amount);
	json_value(object, "max_bytes", target->live ? number_json(resizing->bytes) : NULL);
	json_value(object, "part", target->live ? number_json(target->part.part) : NULL);
	json_value(object, "associated", json_boolean(resizing->changed));
	json_number(object, "moved", resizing->moved);
	return json_print(object);
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct resizing resizing = { 0 };
	struct shadowcopy_volume volume;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (argc - optind != 3)
		return usage(context, "it takes a volume, a store and a size");
	if (strcmp(argv[optind], "*")) {
		if (shadowcopy_resolve(context->sc, argv[optind], &volume))
			return fail_library(context);
		resizing.volume = &volume;
	}
	status = target_find(context, resizing.volume, argv[optind + 1], &resizing.target);
	if (!status)
		status = check_amount(context, argv[optind + 2], &resizing.target);
	if (!status && resizing.target.live)
		status = resize_part(context, &resizing);
	if (!status)
		status = change_line(context, &resizing);
	if (!status && !resizing.target.live && !resizing.changed)
		return fail(context, "%s is no store of %s: \"shadowadm store list\" shows those "
			    "that there are", resizing.target.name, argv[optind]);
	return status ? status : print(context, argv[optind], &resizing);
}

const struct command store_resize = {
	.name = "store resize",
	.summary = "Change how much a store, or a part of one, may hold",
	.synopsis = "VOLUME STORE SIZE [OPTIONS]",
	.text = "SIZE is for example 20G, 10% of the filesystem, the device or the memory, or\n"
		"unlimited.  STORE can also be the number of a part (\"shadowadm store list\").  A\n"
		"store that is in use is changed at once: what lies above a smaller size is moved\n"
		"to the rest of the store first.  Where that has no room nothing changes, and no\n"
		"shadow is lost.  Ctrl-C ends it; what was moved stays moved.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
