// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_writer.c - shadowadm writer: the applications that can be brought to rest.
 */
#include <pwd.h>

#include "libshadowcopy-channel.h"
#include "table.h"

struct writer_list {
	struct shadowcopy_channel_writer *writers;
	size_t count;
	bool no_memory;
};

/* --- columns -------------------------------------------------------------------- */

static void get_name(const void *row, struct value *value)
{
	value_text(value, "%s", ((const struct shadowcopy_channel_writer *)row)->name);
}

static void get_instance_name(const void *row, struct value *value)
{
	const struct shadowcopy_channel_writer *writer = row;

	if (*writer->instance_name)
		value_text(value, "%s", writer->instance_name);
}

static void get_level(const void *row, struct value *value)
{
	value_text(value, "%s",
		   shadowcopy_level_name(((const struct shadowcopy_channel_writer *)row)->level));
}

static void get_class(const void *row, struct value *value)
{
	value_uuid(value, &((const struct shadowcopy_channel_writer *)row)->class_id);
}

static void get_instance(const void *row, struct value *value)
{
	value_uuid(value, &((const struct shadowcopy_channel_writer *)row)->instance_id);
}

static void get_pid(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, ((const struct shadowcopy_channel_writer *)row)->pid);
}

static void get_user(const void *row, struct value *value)
{
	uid_t uid = ((const struct shadowcopy_channel_writer *)row)->uid;
	struct passwd *user = getpwuid(uid);

	if (user)
		value_text(value, "%s", user->pw_name);
	else
		value_text(value, "%u", uid);
}

/* The systemd unit is the last part of the control group that has a suffix of one. */
static void get_unit(const void *row, struct value *value)
{
	char path[64], line[4096], *part, *dot, *unit = NULL, *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/cgroup",
		 ((const struct shadowcopy_channel_writer *)row)->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		for (part = strtok_r(line, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
			dot = strrchr(part, '.');
			if (dot && (!strcmp(dot, ".service") || !strcmp(dot, ".scope")))
				unit = part;
		}
		if (unit)
			break;
	}
	if (unit)
		value_text(value, "%s", unit);
	fclose(file);
}

static void get_freeze(const void *row, struct value *value)
{
	value_number(value, VALUE_SPAN,
		     ((const struct shadowcopy_channel_writer *)row)->freeze_ms * 1000000ULL);
}

static const struct column columns[] = {
	{ .name = "NAME", .help = "what kind of writer it is", .get = get_name },
	{ .name = "INSTANCE-NAME", .help = "which of that kind, the same at each start",
	  .get = get_instance_name },
	{ .name = "LEVEL", .help = "when it freezes: front-end, then back-end, then system",
	  .get = get_level },
	{ .name = "PID", .help = "its process", .right = true, .get = get_pid },
	{ .name = "USER", .help = "its user", .get = get_user },
	{ .name = "UNIT", .help = "the systemd unit that the process belongs to", .get = get_unit },
	{ .name = "FREEZE", .help = "how long it may be frozen", .right = true,
	  .get = get_freeze },
	{ .name = "CLASS", .help = "identity of the kind", .get = get_class },
	{ .name = "INSTANCE", .help = "identity of this one, new at each start",
	  .get = get_instance },
};

static const struct table writer_table = {
	.name = "writers", .columns = columns, .count = ARRAY_SIZE(columns),
	.defaults = "NAME,INSTANCE-NAME,LEVEL,PID,USER,UNIT,FREEZE",
};

/* --- list ------------------------------------------------------------------------------ */

static void on_writer(void *data, const struct shadowcopy_channel_writer *writer)
{
	struct writer_list *list = data;
	void *more = reallocarray(list->writers, list->count + 1, sizeof(*list->writers));

	if (!more) {
		list->no_memory = true;
		return;
	}
	list->writers = more;
	list->writers[list->count++] = *writer;
}

static int list_writers(struct context *context)
{
	struct shadowcopy_channel *channel;
	struct writer_list list = { 0 };
	struct rows rows = { NULL, sizeof(*list.writers), 0, NULL };
	int status;

	if (shadowcopy_channel_open(context->sc, &channel))
		return fail_library(context);
	if (shadowcopy_channel_writers(channel, on_writer, &list) < 0) {
		status = fail_library(context);
	} else if (list.no_memory) {
		status = fail(context, "there is not enough memory");
	} else {
		rows.first = list.writers;
		rows.count = list.count;
		status = table_print(context, &writer_table, &rows);
	}
	shadowcopy_channel_close(channel);
	free(list.writers);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	int status = STATUS_OK;

	if (next_option(context, argc, argv, NULL, longs, &status) != -1)
		return status;
	if (argc - optind != 1 || strcmp(argv[optind], "list"))
		return usage(context, "it is \"writer list\"");
	return list_writers(context);
}

const struct command cmd_writer = {
	.name = "writer",
	.summary = "List the applications that can be brought to rest",
	.synopsis = "list [-o COLUMNS] [--json]",
	.text = "Each application that has registered, with its process; \"create --writers\"\n"
		"brings them to rest.\n\n"
		"Options:\n"
		TABLE_HELP COMMON_HELP,
	.table = &writer_table,
	.run = run,
};
