// SPDX-License-Identifier: GPL-2.0-only
/*
 * output.c - what scripts say, and what is said of them.
 *
 * While anything is frozen nothing is logged: the log may be on what is frozen.  Lines are
 * kept in memory until it is thawed, as many as there is room for; a part of the room
 * is for lines of our own.
 *
 * A script may leave a process behind which has its output still, as one that keeps a
 * database locked until it is thawed.  So a stream lasts until its last writer has gone, and
 * is read whenever there is time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "script.h"

#define STREAMS 64
#define ROOM (256 * 1024)
#define OWN_ROOM (32 * 1024)
#define LINE 400
#define CHUNKS 64		/* that are read of a stream at a time: it may have no end */

struct output {
	bool used, closed;
	int fd, level;
	char label[200];
	char line[LINE];
	size_t length;
	char last[LINE];
};

static struct output outputs[STREAMS];
static char kept[ROOM];		/* of each line: its level, its text, a zero */
static size_t kept_length;
static unsigned int lost;
static bool held;

static void keep(int level, const char *text, size_t room)
{
	size_t length = strlen(text);

	if (kept_length + length + 2 > room) {
		lost++;
		return;
	}
	kept[kept_length] = level;
	memcpy(kept + kept_length + 1, text, length + 1);
	kept_length += length + 2;
}

void output_hold(void)
{
	held = true;
}

void output_release(void)
{
	size_t at;

	held = false;
	for (at = 0; at < kept_length; at += strlen(kept + at + 1) + 2)
		writer_log(kept[at], "%s", kept + at + 1);
	if (lost)
		writer_log(4, "%u lines more were not kept", lost);
	kept_length = 0;
	lost = 0;
}

static void log_or_keep(int level, const char *text, size_t room)
{
	if (held)
		keep(level, text, room);
	else
		writer_log(level, "%s", text);
}

void output_log(int level, const char *format, ...)
{
	char text[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_or_keep(level, text, ROOM);
}

/* --- streams -------------------------------------------------------------------------- */

struct output *output_open(int level, const char *label, int *fd)
{
	struct output *output = outputs;
	int ends[2];

	while (output < outputs + STREAMS && output->used)
		output++;
	if (output == outputs + STREAMS || pipe2(ends, O_CLOEXEC))
		return NULL;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*output = (struct output){ .used = true, .fd = ends[0], .level = level };
	snprintf(output->label, sizeof(output->label), "%s", label);
	*fd = ends[1];
	return output;
}

static void end_line(struct output *output)
{
	char text[sizeof(output->label) + LINE + 2];

	if (!output->length)
		return;
	output->line[output->length] = '\0';
	output->length = 0;
	strcpy(output->last, output->line);
	snprintf(text, sizeof(text), "%s: %s", output->label, output->line);
	log_or_keep(output->level, text, ROOM - OWN_ROOM);
}

static void take(struct output *output, const char *chunk, size_t length)
{
	for (; length; chunk++, length--) {
		if (*chunk == '\n') {
			end_line(output);
			continue;
		}
		if (output->length == LINE - 1)
			end_line(output);
		output->line[output->length++] =
			(unsigned char)*chunk < ' ' || *chunk == 127 ? ' ' : *chunk;
	}
}

static void drain(struct output *output)
{
	char chunk[4096];
	ssize_t length;
	int i;

	if (output->fd < 0)
		return;
	for (i = 0; i < CHUNKS; i++) {
		length = read(output->fd, chunk, sizeof(chunk));
		if (length > 0) {
			take(output, chunk, length);
			continue;
		}
		if (!length || (errno != EAGAIN && errno != EINTR)) {
			close(output->fd);
			output->fd = -1;
		}
		break;
	}
	if (output->closed || output->fd < 0)
		end_line(output);
	if (output->closed && output->fd < 0)
		output->used = false;
}

void output_drain(void)
{
	size_t i;

	for (i = 0; i < STREAMS; i++)
		if (outputs[i].used)
			drain(&outputs[i]);
}

const char *output_last(const struct output *output)
{
	return output ? output->last : "";
}

void output_close(struct output *output)
{
	if (!output)
		return;
	output->closed = true;
	drain(output);
}
