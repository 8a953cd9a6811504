// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer_table.c - the columns of a writer: who it is, and how it is.
 */
#include <pwd.h>

#include "writer.h"

#define ROW(row) ((const struct writer_row *)(row))
#define INFO(row) (&ROW(row)->info)

static void put_text(struct value *value, const char *text)
{
	if (text && *text)
		value_text(value, "%s", text);
}

static void put_user(struct value *value, uid_t uid)
{
	struct passwd *user = getpwuid(uid);

	if (user)
		value_text(value, "%s", user->pw_name);
	else
		value_text(value, "%u", uid);
}

/* --- who it is --------------------------------------------------------------------- */

static void get_name(const void *row, struct value *value)
{
	value_text(value, "%s", INFO(row)->name);
}

static void get_instance_name(const void *row, struct value *value)
{
	put_text(value, INFO(row)->instance_name);
}

static void get_level(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_level_name(INFO(row)->level));
}

static void get_class(const void *row, struct value *value)
{
	value_uuid(value, &INFO(row)->class_id);
}

static void get_instance(const void *row, struct value *value)
{
	value_uuid(value, &INFO(row)->instance_id);
}

/* One that is only a file has no process, and nobody's. */
static void get_pid(const void *row, struct value *value)
{
	if (INFO(row)->pid)
		value_number(value, VALUE_NUMBER, INFO(row)->pid);
}

static void get_user(const void *row, struct value *value)
{
	if (INFO(row)->pid)
		put_user(value, INFO(row)->uid);
}

/* The systemd unit is the last part of the control group that has a suffix of one. */
static void get_unit(const void *row, struct value *value)
{
	char path[64], line[4096], *part, *dot, *unit = NULL, *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", INFO(row)->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	while (!unit && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		for (part = strtok_r(line, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
			dot = strrchr(part, '.');
			if (dot && (!strcmp(dot, ".service") || !strcmp(dot, ".scope")))
				unit = part;
		}
	}
	put_text(value, unit);
	fclose(file);
}

static void get_freeze(const void *row, struct value *value)
{
	value_number(value, VALUE_SPAN, INFO(row)->freeze_ms * 1000000ULL);
}

/* --- how it is ------------------------------------------------------------------------ */

static void get_state(const void *row, struct value *value)
{
	put_text(value, ROW(row)->state);
}

static void get_part(const void *row, struct value *value)
{
	put_text(value, ROW(row)->part);
}

static void get_metadata(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, ROW(row)->metadata);
}

/* "timeout", or where the status says nothing, "gone" */
static void get_failure(const void *row, struct value *value)
{
	if (ROW(row)->failed)
		put_text(value, ROW(row)->failure);
}

static void get_last_failure(const void *row, struct value *value)
{
	if (ROW(row)->failed)
		value_text(value, "%s: %s", ROW(row)->failed_at, *ROW(row)->text ?
			   ROW(row)->text : ROW(row)->failure);
}

static void get_failed_at(const void *row, struct value *value)
{
	if (ROW(row)->failed)
		put_text(value, ROW(row)->failed_at);
}

static void get_failed_ago(const void *row, struct value *value)
{
	if (ROW(row)->failed)
		value_number(value, VALUE_SPAN, ROW(row)->failed_seconds * 1000000000ULL);
}

static void get_app_code(const void *row, struct value *value)
{
	if (ROW(row)->failed)
		value_number(value, VALUE_NUMBER, ROW(row)->app_code);
}

static void get_session(const void *row, struct value *value)
{
	put_text(value, ROW(row)->session);
}

static void get_session_state(const void *row, struct value *value)
{
	put_text(value, ROW(row)->session_state);
}

static void get_step(const void *row, struct value *value)
{
	put_text(value, ROW(row)->step);
}

static void get_session_pid(const void *row, struct value *value)
{
	if (ROW(row)->session)
		value_number(value, VALUE_NUMBER, ROW(row)->session_pid);
}

static void get_session_user(const void *row, struct value *value)
{
	if (ROW(row)->session)
		put_user(value, ROW(row)->session_uid);
}

/* --- the tables ------------------------------------------------------------------------- */

#define LIST_COLUMNS 9

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
	/* LIST_COLUMNS */
	{ .name = "STATE", .help = "stable, what it waits for, or failed: in the session, if it is "
	  "in one", .get = get_state },
	{ .name = "LAST-FAILURE", .help = "when it failed the last time, and why",
	  .get = get_last_failure },
	{ .name = "METADATA", .help = "has it told what data it has?", .get = get_metadata },
	{ .name = "PART", .help = "absent: it did not say who it is when it was asked",
	  .get = get_part },
	{ .name = "FAILED-AT", .help = "at what it failed the last time", .get = get_failed_at },
	{ .name = "FAILURE", .help = "retryable, timeout ...", .get = get_failure },
	{ .name = "FAILED-AGO", .help = "how long ago that was", .right = true,
	  .get = get_failed_ago },
	{ .name = "APP-CODE", .help = "its own number for it", .right = true, .get = get_app_code },
	{ .name = "SESSION", .help = "a running backup or restore that it takes part in",
	  .get = get_session },
	{ .name = "SESSION-STATE", .help = "how far that is", .get = get_session_state },
	{ .name = "STEP", .help = "which step of making the set", .get = get_step },
	{ .name = "SESSION-PID", .help = "the requester's process", .right = true,
	  .get = get_session_pid },
	{ .name = "SESSION-USER", .help = "and its user", .get = get_session_user },
};

const struct table writer_list_table = {
	.name = "writers", .columns = columns, .count = LIST_COLUMNS,
	.defaults = "NAME,INSTANCE-NAME,LEVEL,PID,USER,UNIT,FREEZE",
};

const struct table writer_status_table = {
	.name = "writers", .columns = columns, .count = ARRAY_SIZE(columns),
	.defaults = "NAME,INSTANCE-NAME,STATE,LAST-FAILURE,LEVEL,PID,USER,UNIT,METADATA,"
		    "SESSION-STATE",
};
