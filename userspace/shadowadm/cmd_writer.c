// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_writer.c - shadowadm writer: the applications that can be brought to rest.
 */
#include "writer.h"

static const struct command *const verbs[] = { &writer_list, &writer_status, &writer_check };

static int run(struct context *context, int argc, char **argv)
{
	int status;

	if (argc > 1 && *argv[1] != '-')
		return run_verb(context, argc, argv);
	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	return usage(context, "it is \"writer list\", \"writer status\" or \"writer check\"");
}

const struct command cmd_writer = {
	.name = "writer",
	.summary = "Show the applications that can be brought to rest, and how they are",
	.synopsis = "list [-o COLUMNS] [--json]\n"
		    "status [--verbose] [-o COLUMNS] [--json]\n"
		    "check [--program] FILE...",
	.text = "Each application that has registered has a writer; \"create --writers\" brings "
		"them\nto rest.  \"list\" asks the module, \"status\" the coordinator, which asks "
		"them.\n\nOptions (\"shadowadm writer VERB --help\" tells more):\n"
		"      --verbose         what they have told of their data, too\n"
		"      --program         what is checked is of a program\n"
		TABLE_HELP COMMON_HELP,
	.table = &writer_list_table,
	.verbs = verbs,
	.verb_count = ARRAY_SIZE(verbs),
	.run = run,
};
