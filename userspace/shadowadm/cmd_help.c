// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_help.c - shadowadm help: the list of commands, or the help of one, or of a verb of it.
 */
#include "shadowadm.h"

static void overview(void)
{
	size_t i;

	printf("Shadow copies of Linux volumes: instant, consistent images.\n\n"
	       "Usage:\n"
	       "  shadowadm COMMAND [OPTIONS] [ARGUMENTS]\n"
	       "  shadowadm COMMAND --help\n\n"
	       "Commands:\n");
	for (i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nExit status: 0 done, 1 failed, 2 wrong use, 3 done but degraded.\n");
}

static int run(struct context *context, int argc, char **argv)
{
	const struct command *command, *verb;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, NULL, &status)) != -1)
		return status;
	if (argc - optind > 2)
		return usage(context, "it takes one command at most, and a verb of it");
	if (argc == optind) {
		overview();
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	command = command_find(argv[optind]);
	if (!command)
		return usage(context, "there is no command \"%s\"", argv[optind]);
	if (argc - optind == 2) {
		verb = verb_help(command, argv[optind + 1]);
		if (!verb)
			return verb_unknown(context, command, argv[optind + 1]);
		command = verb;
	}
	command_help(command, stdout);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

const struct command cmd_help = {
	.name = "help",
	.summary = "Explain a command",
	.synopsis = "[COMMAND [VERB]]",
	.text = "Options:\n" COMMON_HELP,
	.run = run,
};
