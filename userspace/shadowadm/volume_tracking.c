// SPDX-License-Identifier: GPL-2.0-only
/*
 * volume_tracking.c - shadowadm volume tracking: since when the changes of volumes are known.
 */
#include "table.h"
#include "tracking.h"
#include "volume.h"

static int run(struct context *context, int argc, char **argv)
{
	struct shadow_tracking_info *tracking;
	struct rows rows = { .size = sizeof(*tracking) };
	struct shadowcopy_volume volume;
	ssize_t count, i;
	int status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (argc - optind > 1)
		return usage(context, "it takes one volume at most");
	if (optind < argc && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	count = load_tracking(context->sc, &tracking);
	if (count < 0)
		return fail_library(context);
	for (i = 0; i < count; i++)
		if (optind == argc || dev_equal(tracking[i].volume, volume.dev))
			tracking[rows.count++] = tracking[i];
	rows.first = tracking;
	status = optind < argc && !rows.count ?
		 fail(context, "%s is not tracked, and has no shadows: nothing is known of its "
		      "changes. \"shadowadm volume track %s\" begins to know them", volume.path,
		      volume.path) :
		 table_print(context, &tracking_table, &rows);
	free(tracking);
	return status;
}

const struct command volume_tracking = {
	.name = "volume tracking",
	.summary = "Show since when the changes of volumes are known",
	.synopsis = "[VOLUME] [-o COLUMNS] [--json]",
	.text = "What has changed is known from when a volume is tracked, or from its first\n"
		"shadow on, without a gap: that is a generation.  A new one begins where something is not\n"
		"known, and REASON says why.  What is older than it needs a full backup.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &tracking_table,
	.run = run,
};
