// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - the options that every subcommand takes.
 */
#include "shadowadm.h"
#include "table.h"

static const struct option common_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
};

static const struct option table_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "noheadings", no_argument, NULL, OPTION_NOHEADINGS },
	{ "bytes", no_argument, NULL, OPTION_BYTES },
};

#define OPTIONS_MAX 32

/* All options of the command, for getopt_long(). */
struct all_options {
	char shorts[16];
	struct option longs[OPTIONS_MAX];
	size_t count;
};

static void add(struct all_options *all, const struct option *options, size_t count)
{
	size_t i;

	/* one is kept empty: the end */
	for (i = 0; i < count && options[i].name && all->count + 1 < OPTIONS_MAX; i++)
		all->longs[all->count++] = options[i];
}

static void collect(struct all_options *all, const struct command *command, const char *shorts,
		    const struct option *longs)
{
	memset(all, 0, sizeof(*all));
	if (longs)
		add(all, longs, OPTIONS_MAX);
	if (command->table)
		add(all, table_options, ARRAY_SIZE(table_options));
	add(all, common_options, ARRAY_SIZE(common_options));
	snprintf(all->shorts, sizeof(all->shorts), "h%s%s", command->table ? "o:" : "",
		 shorts ?: "");
}

int next_option(struct context *context, int argc, char **argv, const char *shorts,
		const struct option *longs, int *status)
{
	struct all_options all;
	int option;

	collect(&all, context->command, shorts, longs);
	for (;;) {
		option = getopt_long(argc, argv, all.shorts, all.longs, NULL);
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

int timeout_parse(struct context *context, const char *text, uint32_t *ms)
{
	uint64_t value;
	const char *wrong = seconds_parse(text, &value);

	if (!wrong && (value < SHADOW_TIMEOUT_MIN_MS || value > SHADOW_TIMEOUT_MAX_MS))
		wrong = "it must be between 0.01 and 600 seconds";
	if (wrong)
		return usage(context, "--timeout %s: %s", text, wrong);
	*ms = value;
	return STATUS_OK;
}
