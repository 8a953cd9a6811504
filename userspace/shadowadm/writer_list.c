// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer_list.c - shadowadm writer list: who has registered with the module.
 */
#include "writer.h"

struct writer_list {
	struct writer_row *rows;
	size_t count;
	bool no_memory;
};

static void on_writer(void *data, const struct shadowcopy_channel_writer *writer)
{
	struct writer_list *list = data;
	void *more = reallocarray(list->rows, list->count + 1, sizeof(*list->rows));

	if (!more) {
		list->no_memory = true;
		return;
	}
	list->rows = more;
	list->rows[list->count++] = (struct writer_row){ .info = *writer };
}

static int list_writers(struct context *context)
{
	struct shadowcopy_channel *channel;
	struct writer_list list = { 0 };
	struct rows rows = { NULL, sizeof(*list.rows), 0, NULL };
	int status;

	if (shadowcopy_channel_open(context->sc, &channel))
		return fail_library(context);
	if (shadowcopy_channel_writers(channel, on_writer, &list) < 0) {
		status = fail_library(context);
	} else if (list.no_memory) {
		status = fail(context, "there is not enough memory");
	} else {
		rows.first = list.rows;
		rows.count = list.count;
		status = table_print(context, &writer_list_table, &rows);
	}
	shadowcopy_channel_close(channel);
	free(list.rows);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	int status;

	if (next_option(context, argc, argv, NULL, NULL, &status) != -1)
		return status;
	if (optind < argc)
		return usage(context, "it takes no argument");
	return list_writers(context);
}

const struct command writer_list = {
	.name = "writer list",
	.summary = "List the applications that can be brought to rest",
	.synopsis = "[-o COLUMNS] [--json]",
	.text = "Each writer that has registered with the module, with its process.  Nobody is "
		"asked\nbut the module; \"writer status\" asks them.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &writer_list_table,
	.run = run,
};
