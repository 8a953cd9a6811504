// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_remove.c - shadowadm store remove: clear out a part of a store, and end the
 * association.
 *
 * The part that is in use first: as long as it holds something the line stays, so that it
 * can be said again.
 */
#include "store.h"
#include "stores.h"

/* False where there was none. */
static int remove_line(struct context *context, const struct shadowcopy_volume *volume,
		       const struct store_target *target, bool *removed)
{
	struct shadowcopy_stores *stores;
	ssize_t index;
	int rc = 0;

	if (shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores))
		return fail_library(context);
	index = association_of(context, stores, volume, target);
	*removed = index >= 0;
	if (*removed)
		rc = shadowcopy_stores_remove(stores, index);
	if (*removed && !rc)
		rc = shadowcopy_stores_commit(stores);
	if (rc)
		fail_library(context);
	shadowcopy_stores_close(stores);
	return rc ? STATUS_FAILED : STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct shadowcopy_volume volume, *which = NULL;
	bool removed = false, deleted;
	struct store_target target;
	json_t *object;
	uint64_t moved = 0;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (argc - optind != 2)
		return usage(context, "it takes a volume and a store");
	if (strcmp(argv[optind], "*")) {
		if (shadowcopy_resolve(context->sc, argv[optind], &volume))
			return fail_library(context);
		which = &volume;
	}
	status = target_find(context, which, argv[optind + 1], &target);
	if (!status && target.live)
		status = target_resize(context, &target, 0, &moved);
	if (!status)
		status = remove_line(context, which, &target, &removed);
	if (!status && !removed && !target.live)
		status = fail(context, "%s is no store of %s: \"shadowadm store list\" shows those "
			      "that there are", target.name, argv[optind]);
	if (status)
		return status;
	deleted = store_file_delete(context, &target.store);
	if (context->json) {
		object = json_object();
		json_text(object, "volume", argv[optind]);
		json_text(object, "store", argv[optind + 1]);
		json_value(object, "part", target.live ? number_json(target.part.part) : NULL);
		json_number(object, "moved", moved);
		json_value(object, "file_deleted", json_boolean(deleted));
		return json_print(object);
	}
	progress(context, "%s: %s is no store of it any more%s", argv[optind], target.name,
		 deleted ? "; the file is deleted" : "");
	return STATUS_OK;
}

const struct command store_remove = {
	.name = "store remove",
	.summary = "Let go of a store, or of a part of one, and end its association",
	.synopsis = "VOLUME STORE [OPTIONS]",
	.text = "What a part that is in use holds is moved to the rest of the store first.  The\n"
		"only part of a store cannot go while the volume has shadows: see \"shadowadm\n"
		"store migrate\".  Ctrl-C ends it; what was moved stays moved.  A file that was\n"
		"made for the store is deleted, unless there are persistent shadows in it.  STORE\n"
		"can also be the number of a part (\"shadowadm store list\").\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
