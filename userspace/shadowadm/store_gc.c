// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_gc.c - shadowadm store gc: store files that nobody needs any more.
 */
#include "store.h"

struct collection {
	struct context *context;
	bool dry_run;
	json_t *files;
	unsigned int deleted;
	unsigned int kept;
	uint64_t bytes;
};

static void note(void *data, const struct shadowcopy_leftover *leftover)
{
	struct collection *collection = data;
	bool deleted = !*leftover->kept && !collection->dry_run;
	json_t *object;
	char size[16];

	size_format(leftover->bytes, size);
	if (*leftover->kept) {
		collection->kept++;
	} else {
		collection->deleted++;
		collection->bytes += leftover->bytes;
	}
	if (collection->context->json) {
		object = json_object();
		json_text(object, "path", leftover->path);
		json_text(object, "volume", leftover->volume);
		json_uuid(object, "uuid", &leftover->uuid);
		json_number(object, "bytes", leftover->bytes);
		json_value(object, "deleted", json_boolean(deleted));
		json_text(object, "kept", *leftover->kept ? leftover->kept : NULL);
		json_array_append_new(collection->files, object);
	} else if (*leftover->kept) {
		printf("kept %s (%s, of %s): %s\n", leftover->path, size, leftover->volume,
		       leftover->kept);
	} else {
		printf("%s %s (%s, of %s)\n", collection->dry_run ? "would delete" : "deleted",
		       leftover->path, size, leftover->volume);
	}
}

static int finish(struct collection *collection)
{
	json_t *document;
	char size[16];

	if (collection->context->json) {
		document = json_object();
		json_value(document, "files", collection->files);
		json_number(document, "bytes", collection->bytes);
		return json_print(document);
	}
	json_decref(collection->files);
	printf("%u file%s %s, %s; %u kept\n", collection->deleted,
	       collection->deleted == 1 ? "" : "s",
	       collection->dry_run ? "to delete" : "deleted",
	       size_format(collection->bytes, size), collection->kept);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int run_gc(struct context *context, int argc, char **argv)
{
	enum { OPTION_DRY_RUN = OPTION_OWN };
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ 0 }
	};
	struct collection collection = { .context = context };
	uint32_t flags = 0;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_DRY_RUN)
			return status;
		collection.dry_run = true;
		flags |= SHADOWCOPY_GC_DRY_RUN;
	}
	collection.files = json_array();
	argv += optind;
	do {
		if (shadowcopy_gc(context->sc, flags, *argv, note, &collection)) {
			json_decref(collection.files);
			return fail_library(context);
		}
	} while (*argv && *++argv);
	return finish(&collection);
}

const struct command store_gc = {
	.name = "store gc",
	.summary = "Delete store files that nobody needs any more",
	.synopsis = "[DIRECTORY...] [OPTIONS]",
	.text = "Deletes the files that were made on this machine as stores, are in no line of\n"
		"/etc/shadowcopy/stores.conf, and are not in use; of each DIRECTORY those made\n"
		"elsewhere, too.  What has not the header of a store is not touched.\n\n"
		"Options:\n"
		"      --dry-run         delete nothing, show what would be deleted\n"
		COMMON_HELP,
	.run = run_gc,
};
