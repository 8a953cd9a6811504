// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_seal.c - shadowadm seal: writable shadows become read-only, for good.
 */
#include "users.h"

/* What a name stands for. */
struct target {
	struct shadow_uuid uuid;
	uint32_t kind;
};

static bool find_shadow(struct context *context, const struct shadow_uuid *uuid,
			struct shadow_shadow_info *info)
{
	memset(info, 0, sizeof(*info));
	while (shadowcopy_shadow_next(context->sc, info) > 0)
		if (uuid_equal(&info->uuid, uuid))
			return true;
	return false;
}

static int seal(struct context *context, const struct target *target)
{
	struct shadow_shadow_info info;
	struct shadow_change result;
	int rc;

	do
		rc = shadowcopy_change(context->sc, target->kind, &target->uuid,
				       SHADOW_CHANGE_SEAL, &result);
	while (rc == -EBUSY && find_shadow(context, &result.failed, &info) &&
	       users_pass(context, &info, rc));
	if (!rc)
		return STATUS_OK;
	fail_library(context);
	if (rc == -EBUSY && find_shadow(context, &result.failed, &info))
		json_decref(users_print(&info));
	return STATUS_FAILED;
}

static int seal_all(struct context *context, char **names, const struct target *targets,
		    size_t count)
{
	json_t *document, *array = json_array();
	char text[SHADOWCOPY_UUID_LEN];
	size_t i;

	for (i = 0; i < count; i++) {
		if (seal(context, &targets[i])) {
			json_decref(array);
			return STATUS_FAILED;
		}
		shadowcopy_uuid_format(&targets[i].uuid, text);
		json_array_append_new(array, text_json(text));
		progress(context, "%s: read-only from now on", names[i]);
	}
	if (!context->json) {
		json_decref(array);
		return STATUS_OK;
	}
	document = json_object();
	json_value(document, "sealed", array);
	return json_print(document);
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct target *targets;
	int option, status;
	size_t count, i;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (optind == argc)
		return usage(context, "name shadows or sets: /dev/shadowN, N, or UUIDs");
	count = argc - optind;
	targets = calloc(count, sizeof(*targets));
	if (!targets)
		return fail(context, "there is not enough memory");
	status = STATUS_OK;
	for (i = 0; i < count && !status; i++)
		if (shadowcopy_find(context->sc, argv[optind + i], &targets[i].uuid,
				    &targets[i].kind))
			status = fail_library(context);
	if (!status)
		status = seal_all(context, argv + optind, targets, count);
	free(targets);
	return status;
}

const struct command cmd_seal = {
	.name = "seal",
	.summary = "Make writable shadows read-only, for good",
	.synopsis = "SHADOW|SET...",
	.text = "What was written to them stays.  Refused while somebody has one open who may\n"
		"write: unmount it first.  Nothing happens to shadows that are read-only already.\n"
		"SHADOW is /dev/shadowN, N, or the beginning of a UUID; SET the beginning of a\n"
		"set's UUID.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
