// SPDX-License-Identifier: GPL-2.0-only
/*
 * reverts.c - waiting for a revert, and what it has come to.
 *
 * The revert is the module's: who waits only looks, again and again, and it goes on if he ends.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "reverts.h"

#define POLL_MS 100
#define LINE_EVERY 10		/* polls */

/* --- the table -------------------------------------------------------------------- */

#define INFO(row) (&((const struct revert_row *)(row))->info)

static void get_volume(const void *row, struct value *value)
{
	value_text(value, "%s", ((const struct revert_row *)row)->path);
}

static void get_dev(const void *row, struct value *value)
{
	value_text(value, "%u:%u", INFO(row)->volume.major, INFO(row)->volume.minor);
}

static void get_state(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_revert_state_name(INFO(row)->state));
}

static void get_shadow(const void *row, struct value *value)
{
	value_uuid(value, &INFO(row)->shadow);
}

static void get_percent(const void *row, struct value *value)
{
	const struct shadow_revert_info *info = INFO(row);

	if (info->state != SHADOW_REVERT_NOTED)
		value_number(value, VALUE_NUMBER, info->bytes_all ?
			     info->bytes_done * 100 / info->bytes_all : 100);
}

static void get_reason(const void *row, struct value *value)
{
	if (INFO(row)->fault.error)
		value_text(value, "%s", shadowcopy_reason_name(INFO(row)->fault.reason));
}

static void get_cause(const void *row, struct value *value)
{
	if (INFO(row)->fault.error)
		value_text(value, "%s", shadowcopy_reason_cause(INFO(row)->fault.reason));
}

static void get_remedy(const void *row, struct value *value)
{
	if (INFO(row)->fault.error)
		value_text(value, "%s", shadowcopy_reason_remedy(INFO(row)->fault.reason));
}

#define MEMBER(member) offsetof(struct revert_row, info.member)

static const struct column columns[] = {
	{ "VOLUME", "path of the volume", .get = get_volume },
	{ "STATE", "noted (for the next boot), running, half-done or done", .get = get_state },
	{ "PERCENT", "how much was looked at", .right = true, .get = get_percent },
	{ "DONE", "... in bytes", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(bytes_done) },
	{ "ALL", "what there is to look at", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(bytes_all) },
	{ "WRITTEN", "what was not as it should be", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(bytes_written) },
	{ "SHADOW", "what the volume is to be", .get = get_shadow },
	{ "REASON", "why it has ended half-way, or did not begin, as a word",
	  .get = get_reason },
	{ "CAUSE", "the same as a sentence", .get = get_cause },
	{ "REMEDY", "what to do about it", .get = get_remedy },
	{ "NEEDED", "what newer shadows may have needed of the store, where it had too little",
	  .right = true, .type = VALUE_SIZE, .offset = MEMBER(needed_bytes) },
	{ "ROOM", "what it had", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(room_bytes) },
	{ "VOLUME-DEV", "device number of the volume", .get = get_dev },
};

const struct table revert_table = {
	.name = "reverts",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "VOLUME,STATE,PERCENT,DONE,ALL,WRITTEN,SHADOW,REASON",
};

void revert_row_describe(struct context *context, struct revert_row *row)
{
	struct shadowcopy_volume volume;

	if (shadowcopy_describe(context->sc, row->info.volume, &volume))
		snprintf(row->path, sizeof(row->path), "%s", row->info.volume_name);
	else
		snprintf(row->path, sizeof(row->path), "%s", volume.path);
}

/* --- waiting ------------------------------------------------------------------------ */

static unsigned int percent_of(const struct shadow_revert_info *info)
{
	return info->bytes_all ? info->bytes_done * 100 / info->bytes_all : 100;
}

static void show_bar(const struct shadowcopy_volume *volume, const struct shadow_revert_info *info)
{
	char done[16], all[16];

	fprintf(stderr, "\r\033[K%s: %u%%, %s of %s", volume->path, percent_of(info),
		size_format(info->bytes_done, done), size_format(info->bytes_all, all));
	fflush(stderr);
}

static void show_line(struct context *context, const struct shadowcopy_volume *volume,
		      const struct shadow_revert_info *info)
{
	json_t *object;

	if (!context->json) {
		fprintf(stderr, "%s: %u%%\n", volume->path, percent_of(info));
		return;
	}
	object = json_object();
	json_text(object, "volume", volume->path);
	json_text(object, "state", shadowcopy_revert_state_name(info->state));
	json_number(object, "percent", percent_of(info));
	json_number(object, "done", info->bytes_done);
	json_number(object, "all", info->bytes_all);
	json_number(object, "written", info->bytes_written);
	json_print_line(object);
	fflush(stdout);
}

static int explain(struct context *context, const struct shadowcopy_volume *volume,
		   const struct shadow_revert_info *info)
{
	const char *remedy = shadowcopy_reason_remedy(info->fault.reason);

	if (info->state == SHADOW_REVERT_DONE)
		return STATUS_OK;
	if (info->state == SHADOW_REVERT_HALF_DONE)
		return fail(context, "%s was reverted half-way, and is neither what it was nor "
			    "what it was to be; do not use it: %s. Then revert again, to the same shadow "
			    "or to another one; it goes on, too, when the store is attached again. "
			    "%s%s", volume->path, shadowcopy_reason_cause(info->fault.reason),
			    *remedy ? "What may help: " : "", remedy);
	if (info->state == SHADOW_REVERT_NOTED)
		return fail(context, "the revert of %s did not begin, and the volume is what it "
			    "was: %s. %s", volume->path,
			    shadowcopy_reason_cause(info->fault.reason), remedy);
	return fail(context, "the revert of %s cannot be seen any more: its store has gone",
		    volume->path);
}

int revert_wait(struct context *context, const struct shadowcopy_volume *volume,
		enum revert_show show, struct shadow_revert_info *info)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	bool bar = show == REVERT_SHOW_TERMINAL && !context->quiet && !context->json &&
		   isatty(STDERR_FILENO);
	unsigned int polls = 0;
	int rc;

	while (!(rc = shadowcopy_revert_status(context->sc, volume->dev, info)) &&
	       info->state == SHADOW_REVERT_RUNNING) {
		if (bar)
			show_bar(volume, info);
		else if (show == REVERT_SHOW_LINES && polls++ % LINE_EVERY == 0)
			show_line(context, volume, info);
		nanosleep(&pause, NULL);
	}
	if (bar)
		fputs("\r\033[K", stderr);
	if (rc)
		return fail_library(context);
	if (show == REVERT_SHOW_LINES)
		show_line(context, volume, info);
	return explain(context, volume, info);
}

void revert_announce(struct context *context, const struct shadowcopy_volume *volume)
{
	int fd = open(volume->path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)	/* whose node nobody has looked at */
			warn(context, "%s: udev does not look at it again: %s", volume->path,
			     strerror(errno));
		return;
	}
	if (ioctl(fd, BLKRRPART) && errno == EBUSY)
		warn(context, "%s: partitions of it are in use, and were not read again",
		     volume->path);
	close(fd);	/* udev looks then */
}
