// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_pin.c - shadowadm pin and unpin: which shadows are never evicted.
 */
#include "shadowadm.h"

static int change(struct context *context, uint32_t flags, char **names)
{
	json_t *document, *array = json_array();
	struct shadow_change result;
	struct shadow_uuid uuid;
	char text[SHADOWCOPY_UUID_LEN];
	int status = STATUS_OK;
	uint32_t kind;

	for (; *names; names++) {
		if (shadowcopy_find(context->sc, *names, &uuid, &kind) ||
		    shadowcopy_change(context->sc, kind, &uuid, flags, &result)) {
			json_decref(array);
			return fail_library(context);
		}
		shadowcopy_uuid_format(&uuid, text);
		json_array_append_new(array, text_json(text));
		progress(context, "%s: %s", *names,
			 flags & SHADOW_CHANGE_PIN ? "pinned" : "no longer pinned");
	}
	if (!context->json) {
		json_decref(array);
		return status;
	}
	document = json_object();
	json_value(document, flags & SHADOW_CHANGE_PIN ? "pinned" : "unpinned", array);
	return json_print(document);
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (optind == argc)
		return usage(context, "name shadows or sets: /dev/shadowN, N, or UUIDs");
	return change(context, context->command == &cmd_pin ? SHADOW_CHANGE_PIN :
		      SHADOW_CHANGE_UNPIN, argv + optind);
}

#define PIN_OPTIONS \
	"SHADOW is /dev/shadowN, N, or the beginning of a UUID; SET the beginning of a\n" \
	"set's UUID.\n\n" \
	"Options:\n" \
	"  -q, --quiet           no progress\n" \
	COMMON_HELP

const struct command cmd_pin = {
	.name = "pin",
	.summary = "Keep shadows from being evicted",
	.synopsis = "SHADOW|SET...",
	.text = "When a store is full, the oldest shadow that is neither pinned nor open goes.\n"
		PIN_OPTIONS,
	.run = run,
};

const struct command cmd_unpin = {
	.name = "unpin",
	.summary = "Let shadows be evicted again",
	.synopsis = "SHADOW|SET...",
	.text = PIN_OPTIONS,
	.run = run,
};
