// SPDX-License-Identifier: GPL-2.0-only
/*
 * verbs.c - commands with verbs ("store add"): finds the verb, and runs it as a command of its
 * own.
 */
#include "shadowadm.h"

/* The verb is the second word of the command's name. */
static const char *verb_of(const struct command *command)
{
	return strchr(command->name, ' ') + 1;
}

int verb_unknown(struct context *context, const struct command *command, const char *verb)
{
	const char *words[VERBS_MAX], *near;
	size_t i;

	for (i = 0; i < command->verb_count && i < ARRAY_SIZE(words); i++)
		words[i] = verb_of(command->verbs[i]);
	near = nearest(verb, words, i);
	return usage(context, "there is no \"%s %s\"%s%s%s", command->name, verb,
		     near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
}

static const struct command *find(const struct command *command, const char *verb)
{
	size_t i;

	for (i = 0; i < command->verb_count; i++)
		if (!strcmp(verb_of(command->verbs[i]), verb))
			return command->verbs[i];
	return NULL;
}

/* Does a line of its synopsis begin with the verb, as in "[list [VOLUME]]"? */
static bool is_in_synopsis(const struct command *command, const char *verb)
{
	size_t length = strlen(verb);
	const char *line;

	for (line = command->synopsis; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n[");
		if (length && strcspn(line, " ]\n") == length && !strncmp(line, verb, length))
			return true;
	}
	return false;
}

const struct command *verb_help(const struct command *command, const char *verb)
{
	const struct command *found = find(command, verb);

	if (!found && command->verbs && is_in_synopsis(command, verb))
		found = command;
	return found;
}

int run_verb(struct context *context, int argc, char **argv)
{
	const struct command *verb = find(context->command, argv[1]);
	char title[64];

	if (!verb)
		return verb_unknown(context, context->command, argv[1]);
	context->command = verb;
	snprintf(title, sizeof(title), "shadowadm %s", verb->name);
	argv[1] = title;
	return verb->run(context, argc - 1, argv + 1);
}
