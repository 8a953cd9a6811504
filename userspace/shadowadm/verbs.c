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

static int unknown(struct context *context, const struct command *const *verbs, size_t count,
		   const char *verb)
{
	const char *words[VERBS_MAX], *near;
	size_t i;

	for (i = 0; i < count && i < ARRAY_SIZE(words); i++)
		words[i] = verb_of(verbs[i]);
	near = nearest(verb, words, i);
	return usage(context, "there is no \"%s %s\"%s%s%s", context->command->name, verb,
		     near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
}

int run_verb(struct context *context, const struct command *const *verbs, size_t count, int argc,
	     char **argv)
{
	char title[64];
	size_t i;

	for (i = 0; i < count && strcmp(verb_of(verbs[i]), argv[1]); i++)
		;
	if (i == count)
		return unknown(context, verbs, count, argv[1]);
	context->command = verbs[i];
	snprintf(title, sizeof(title), "shadowadm %s", verbs[i]->name);
	argv[1] = title;
	return verbs[i]->run(context, argc - 1, argv + 1);
}
