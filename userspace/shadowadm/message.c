// SPDX-License-Identifier: GPL-2.0-only
/*
 * message.c - what the program says: errors, warnings, progress.
 *
 * Sentences go to standard error, always.  With --json a failure is on standard
 * output too, as {"error": {...}}, so that a script finds the parts of it.
 */
#include <stdarg.h>
#include <unistd.h>

#include "shadowadm.h"

static void prefix(const struct context *context)
{
	fprintf(stderr, "shadowadm%s%s: ", context->command ? " " : "",
		context->command ? context->command->name : "");
}

static void print_error(struct json_object *error)
{
	struct json_object *document = json_object_new_object();

	json_object_object_add(document, "error", error);
	json_print(document);
}

PRINTF(2, 0)
static int message(struct context *context, const char *format, va_list args)
{
	struct json_object *error;
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return STATUS_FAILED;
	prefix(context);
	fprintf(stderr, "%s\n", text);
	if (context->json) {
		error = json_object_new_object();
		json_text(error, "message", text);
		print_error(error);
	}
	free(text);
	return STATUS_FAILED;
}

int fail(struct context *context, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = message(context, format, args);
	va_end(args);
	return status;
}

int usage(struct context *context, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(context, format, args);
	va_end(args);
	fprintf(stderr, "Try \"shadowadm%s%s --help\".\n", context->command ? " " : "",
		context->command ? context->command->name : "");
	return STATUS_USAGE;
}

int fail_library(struct context *context)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(context->sc);
	struct json_object *error;

	prefix(context);
	fprintf(stderr, "%s.\n", last->text);
	if (!context->json)
		return STATUS_FAILED;
	error = json_object_new_object();
	json_text(error, "message", last->text);
	json_text(error, "errno", strerrorname_np(-last->code));
	json_text(error, "phase", shadowcopy_phase_name(last->phase));
	json_text(error, "reason", shadowcopy_reason_name(last->reason));
	json_text(error, "object", last->object);
	json_text(error, "cause", last->cause);
	json_text(error, "remedy", last->remedy);
	print_error(error);
	return STATUS_FAILED;
}

void warn(const struct context *context, const char *format, ...)
{
	va_list args;

	prefix(context);
	fputs("warning: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void progress(const struct context *context, const char *format, ...)
{
	va_list args;

	if (context->quiet || context->json || !isatty(STDERR_FILENO))
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}
