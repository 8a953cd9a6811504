// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_show.c - shadowadm show: all that is known of a shadow, or of the shadows
 * of a set.
 */
#include "shadow_table.h"

/* For scripts, by the names of udev's properties: names of shadows and volumes need no quotes. */
static void export_shadow(const struct shadow_shadow_info *info)
{
	char text[SHADOWCOPY_UUID_LEN];

	printf("SHADOWCOPY_UUID=%s\n", shadowcopy_uuid_format(&info->uuid, text));
	printf("SHADOWCOPY_SET=%s\n", shadowcopy_uuid_format(&info->set, text));
	printf("SHADOWCOPY_VOLUME=%s\n", info->volume_name);
	printf("SHADOWCOPY_CREATED=%llu\n",
	       (unsigned long long)(info->created_ns / 1000000000));
}

static int show(struct context *context, const struct shadow_uuid *uuid, uint32_t kind,
		bool export)
{
	json_t *document = json_object();
	json_t *array = json_array();
	struct shadow_shadow_info *shadows;
	struct shadow_row row = { 0 };
	ssize_t count, i, shown = 0;

	count = load_shadows(context->sc, &shadows);
	if (count < 0) {
		json_decref(document);
		json_decref(array);
		return fail_library(context);
	}
	for (i = 0; i < count; i++) {
		row.info = shadows[i];
		if (!uuid_equal(kind == SHADOW_KIND_SET ? &row.info.set : &row.info.uuid, uuid))
			continue;
		if (context->json) {
			json_array_append_new(array, table_row_json(context, &shadow_table, &row));
			continue;
		}
		if (shown++)
			putchar('\n');
		if (export)
			export_shadow(&row.info);
		else
			table_print_one(context, &shadow_table, &row);
	}
	free(shadows);
	json_value(document, shadow_table.name, array);
	if (context->json)
		return json_print(document);
	json_decref(document);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_EXPORT = OPTION_OWN };
	static const struct option longs[] = {
		{ "bytes", no_argument, NULL, OPTION_BYTES },
		{ "export", no_argument, NULL, OPTION_EXPORT },
		{ 0 }
	};
	struct shadow_uuid uuid;
	bool export = false;
	int option, status;
	uint32_t kind;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_EXPORT)
			return status;
		export = true;
	}
	if (export && context->json)
		return usage(context, "--export and --json are different formats: choose one");
	if (argc - optind != 1)
		return usage(context, "name one shadow or set: /dev/shadowN, N, or a UUID");
	if (shadowcopy_find(context->sc, argv[optind], &uuid, &kind))
		return fail_library(context);
	return show(context, &uuid, kind, export);
}

const struct command cmd_show = {
	.name = "show",
	.summary = "Show all that is known of a shadow or of a set",
	.synopsis = "SHADOW|SET [--json|--export]",
	.text = "SHADOW is /dev/shadowN, N, or the beginning of a UUID; SET the beginning of a\n"
		"set's UUID.\n\n"
		"Options:\n"
		"      --bytes           sizes in bytes\n"
		"      --export          lines KEY=VALUE for scripts, as udev has them\n"
		COMMON_HELP,
	.run = run,
};
