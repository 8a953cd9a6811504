// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_provider.c - shadowadm provider: what makes shadows.
 */
#include "provider.h"

static const struct command *const verbs[] = { &provider_list };

static int run(struct context *context, int argc, char **argv)
{
	int status;

	if (argc > 1 && *argv[1] != '-')
		return run_verb(context, argc, argv);
	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	return usage(context, "it is \"provider list\"");
}

const struct command cmd_provider = {
	.name = "provider",
	.summary = "Show what makes shadows",
	.synopsis = "list [-o COLUMNS] [--json]",
	.text = "The module makes shadows of block devices.  A program can bring others with it,\n"
		"see libshadowcopy-provider(3); these are its own, and not shown here.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &provider_list_table,
	.verbs = verbs,
	.verb_count = ARRAY_SIZE(verbs),
	.run = run,
};
