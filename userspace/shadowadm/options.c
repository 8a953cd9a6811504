// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - the options that every subcommand takes.
 */
#include "shadowadm.h"
#include "table.h"

int next_option(struct context *context, int argc, char **argv, const char *shorts,
		const struct option *longs, int *status)
{
	int option;

	for (;;) {
		option = getopt_long(argc, argv, shorts, longs, NULL);
		switch (option) {
		case 'h':
			command_help(context->command, stdout);
			*status = fflush(stdout) ? STATUS_FAILED : STATUS_OK;
			return -2;
		case OPTION_JSON:
			context->json = true;
			break;
		case 'o':
			if (!context->command->table)
				return option;
			context->columns = optarg;
			*status = table_check(context, context->command->table);
			if (*status)
				return -2;
			break;
		case OPTION_NOHEADINGS:
			context->noheadings = true;
			break;
		case OPTION_BYTES:
			context->bytes = true;
			break;
		case '?':
			fprintf(stderr, "Try \"shadowadm %s --help\".\n", context->command->name);
			*status = STATUS_USAGE;
			return -2;
		default:
			return option;
		}
	}
}
