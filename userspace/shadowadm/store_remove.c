// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_remove.c - shadowadm store remove: end an association.
 */
#include "store.h"
#include "stores.h"

static void ignore(void *data, const struct shadowcopy_leftover *leftover)
{
	*(bool *)data |= !*leftover->kept;
}

/* The line is gone: if the file is one of ours, nobody needs it any more. */
static bool delete_file(struct context *context, const struct shadowcopy_store *store)
{
	bool deleted = false;

	if (store->type == SHADOW_STORE_FILE && !(store->flags & SHADOWCOPY_STORE_UNNAMED))
		shadowcopy_gc(context->sc, 0, store->path, ignore, &deleted);
	return deleted;
}

static int remove_line(struct context *context, const struct shadowcopy_volume *volume,
		       const char *name, const struct shadowcopy_store *store)
{
	struct shadowcopy_stores *stores;
	ssize_t index;
	int rc;

	if (shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores))
		return fail_library(context);
	index = association_find(context, stores, volume, store);
	if (index < 0) {
		shadowcopy_stores_close(stores);
		return fail(context, "%s is no store of %s: \"shadowadm store list\" shows those "
			    "that there are", store->path, name);
	}
	rc = shadowcopy_stores_remove(stores, index);
	rc = rc ? rc : shadowcopy_stores_commit(stores);
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
	struct shadowcopy_volume volume;
	struct shadowcopy_store store;
	struct json_object *object;
	bool all, deleted;
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (argc - optind != 2)
		return usage(context, "it takes a volume and a store");
	all = !strcmp(argv[optind], "*");
	if (!all && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	status = store_parse(context, argv[optind + 1], &store);
	if (!status)
		status = remove_line(context, all ? NULL : &volume, argv[optind], &store);
	if (status)
		return status;
	deleted = delete_file(context, &store);
	if (context->json) {
		object = json_object_new_object();
		json_text(object, "volume", argv[optind]);
		json_text(object, "store", argv[optind + 1]);
		json_object_object_add(object, "file_deleted", json_object_new_boolean(deleted));
		return json_print(object);
	}
	progress(context, "%s: %s is no store of it any more%s", argv[optind], argv[optind + 1],
		 deleted ? "; the file is deleted" : "");
	return STATUS_OK;
}

const struct command store_remove = {
	.name = "store remove",
	.summary = "End the association of a volume with a store",
	.synopsis = "VOLUME STORE [OPTIONS]",
	.text = "A file that was made for it is deleted, unless it is in use: then it stays until\n"
		"the volume's last shadow is deleted, and \"shadowadm store gc\" deletes it.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
