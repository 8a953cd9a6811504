// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_stats.c - shadowadm stats: the counters of the tracked volumes.
 */
#include <time.h>

#include "volume_table.h"

static size_t keep_volume(struct shadow_volume_info *volumes, size_t count,
			  struct shadow_dev dev)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (dev_equal(volumes[i].dev, dev))
			volumes[kept++] = volumes[i];
	return kept;
}

/* All counters of each, one below the other; with -o a table of columns. */
static int print(struct context *context, const struct shadow_volume_info *volumes,
		 size_t count, bool all)
{
	struct rows rows = { volumes, sizeof(*volumes), count, NULL };
	size_t i;

	if (context->json || context->columns || !all)
		return table_print(context, &stats_table, &rows);
	for (i = 0; i < count; i++) {
		if (i)
			putchar('\n');
		table_print_one(context, &stats_table, &volumes[i]);
	}
	return STATUS_OK;
}

static int stats_once(struct context *context, const struct shadowcopy_volume *only)
{
	struct shadow_volume_info *volumes;
	ssize_t count = load_volumes(context->sc, &volumes);
	int status;

	if (count < 0)
		return fail_library(context);
	if (only)
		count = keep_volume(volumes, count, only->dev);
	if (only && !count)
		status = fail(context, "%s is not tracked: it has no counters. \"shadowadm volume "
			      "list\" shows the tracked volumes", only->path);
	else
		status = print(context, volumes, count, only);
	free(volumes);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_WATCH = OPTION_OWN };
	static const struct option longs[] = {
		{ "watch", required_argument, NULL, OPTION_WATCH },
		{ 0 }
	};
	struct shadowcopy_volume volume;
	struct timespec pause;
	int option, status;
	const char *wrong;
	uint64_t watch_ms = 0;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_WATCH:
			wrong = seconds_parse(optarg, &watch_ms);
			if (!wrong && !watch_ms)
				wrong = "it must be more than nothing";
			if (wrong)
				return usage(context, "--watch %s: %s", optarg, wrong);
			break;
		default:
			return status;
		}
	if (argc - optind > 1)
		return usage(context, "it takes one volume at most");
	if (optind < argc && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);

	for (;;) {
		status = stats_once(context, optind < argc ? &volume : NULL);
		if (status || !watch_ms)
			return status;
		fflush(stdout);
		pause.tv_sec = watch_ms / 1000;
		pause.tv_nsec = watch_ms % 1000 * 1000000;
		nanosleep(&pause, NULL);
	}
}

const struct command cmd_stats = {
	.name = "stats",
	.summary = "Show the counters of tracked volumes",
	.synopsis = "[VOLUME] [--watch SECONDS] [-o COLUMNS] [--json]",
	.text = "With a VOLUME all its counters, without one a table of all volumes.\n\n"
		"Options:\n"
		"      --watch SECONDS   again and again; with --json one document each time\n"
		TABLE_HELP COMMON_HELP,
	.table = &stats_table,
	.run = run,
};
