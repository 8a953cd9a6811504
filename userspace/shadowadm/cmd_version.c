// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_version.c - shadowadm version: versions of the tools and of the module.
 */
#include "shadowadm.h"

static const struct {
	uint64_t bit;
	const char *name;
} features[] = {
	{ SHADOW_FEAT_STORE_MEMORY, "store-memory" },
	{ SHADOW_FEAT_STORE_DEVICE, "store-device" },
	{ SHADOW_FEAT_HOLD, "hold" },
	{ SHADOW_FEAT_EVENTS, "events" },
	{ SHADOW_FEAT_POLICY, "policy" },
	{ SHADOW_FEAT_STORE_FILE, "store-file" },
	{ SHADOW_FEAT_STORE_GROW, "store-grow" },
	{ SHADOW_FEAT_STORE_CHANGE, "store-change" },
	{ SHADOW_FEAT_HOLD_ONLY, "hold-only" },
	{ SHADOW_FEAT_PERSISTENT, "persistent" },
	{ SHADOW_FEAT_REVERT, "revert" },
	{ SHADOW_FEAT_CHANGES, "changes" },
};

static void print_text(const struct shadow_info *info)
{
	size_t i;

	printf("module    %s (interface %u)\n", info->version, info->abi_version);
	printf("features ");
	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (info->features & features[i].bit)
			printf(" %s", features[i].name);
	printf("\nlimits    %u volumes in a set, %u shadows of a volume\n", info->max_set_volumes,
	       info->max_volume_shadows);
	printf("now       %u volumes tracked, %u shadows, hook %s\n", info->volumes, info->shadows,
	       info->hooked ? "registered" : "not registered");
}

static json_t *module_json(const struct shadow_info *info)
{
	json_t *module = json_object();
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (info->features & features[i].bit)
			json_array_append_new(list, text_json(features[i].name));
	json_text(module, "version", info->version);
	json_number(module, "abi_version", info->abi_version);
	json_number(module, "block_size", info->block_size);
	json_value(module, "features", list);
	json_number(module, "max_set_volumes", info->max_set_volumes);
	json_number(module, "max_volume_shadows", info->max_volume_shadows);
	json_number(module, "volumes", info->volumes);
	json_number(module, "shadows", info->shadows);
	json_value(module, "hooked", json_boolean(info->hooked));
	return module;
}

static int run(struct context *context, int argc, char **argv)
{
	json_t *document;
	struct shadow_info info;
	int option, status, rc;

	while ((option = next_option(context, argc, argv, NULL, NULL, &status)) != -1)
		return status;
	if (optind < argc)
		return usage(context, "it takes no argument");

	/* Without the module the tools still have a version. */
	rc = shadowcopy_info(context->sc, &info);
	if (context->json) {
		document = json_object();
		json_text(document, "tools", shadowcopy_version());
		json_value(document, "module", rc ? NULL : module_json(&info));
		return json_print(document);
	}
	printf("shadowadm %s\n", shadowcopy_version());
	if (rc)
		printf("module    not available: %s\n", shadowcopy_last_error(context->sc)->cause);
	else
		print_text(&info);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "Show the versions of the tools and of the module, and its limits",
	.synopsis = "[--json]",
	.text = "Options:\n" COMMON_HELP,
	.run = run,
};
