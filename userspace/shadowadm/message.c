// SPDX-License-Identifier: GPL-2.0-only
/*
 * message.c - what the program says: errors, warnings, progress.  In a script they begin with
 * its file and line.
 *
 * Sentences go to standard error, always.  With --json a failure is on standard
 * output too, as {"error": {...}}, so that a script finds the parts of it.
 */
#include <stdarg.h>
#include <unistd.h>

#include "shadowadm.h"

static void prefix(const struct context *context)
{
	if (context->place)
		fprintf(stderr, "shadowadm script: %s: ", context->place);
	else
		fprintf(stderr, "%s%s%s: ", context->program ?: "shadowadm",
			context->command ? " " : "",
			context->command ? context->command->name : "");
}

static void print_error(json_t *error)
{
	json_t *document = json_object();

	json_value(document, "error", error);
	json_print(document);
}

/* @error: more that a script may want to know, or NULL; it is freed. */
PRINTF(3, 0)
static int message(struct context *context, json_t *error, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0) {
		json_decref(error);
		return STATUS_FAILED;
	}
	prefix(context);
	fprintf(stderr, "%s\n", text);
	if (context->json) {
		error = error ?: json_object();
		json_text(error, "message", text);
		print_error(error);
	} else {
		json_decref(error);
	}
	free(text);
	return STATUS_FAILED;
}

int fail(struct context *context, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = message(context, NULL, format, args);
	va_end(args);
	return status;
}

int fail_with(struct context *context, json_t *error, const char *format, ...)
{
	va_list args;
	int status;

	va_start(args, format);
	status = message(context, error, format, args);
	va_end(args);
	return status;
}

int fail_for(struct context *context, const char *reason, const char *format, ...)
{
	json_t *error = json_object();
	va_list args;
	int status;

	json_text(error, "reason", reason);
	va_start(args, format);
	status = message(context, error, format, args);
	va_end(args);
	return status;
}

int usage(struct context *context, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(context, NULL, format, args);
	va_end(args);
	if (!context->place)
		fprintf(stderr, "Try \"%s%s%s --help\".\n", context->program ?: "shadowadm",
			context->command ? " " : "",
			context->command ? context->command->name : "");
	return STATUS_USAGE;
}

#if defined(__GLIBC_PREREQ) && __GLIBC_PREREQ(2, 32)
#define errno_name(code) strerrorname_np(code)
#else
/* glibc 2.31 has no such function: those that the module and the library return. */
static const char *errno_name(int code)
{
#define NAME(e) { e, #e }
	static const struct {
		int code;
		const char *name;
	} names[] = {
		NAME(EPERM), NAME(ENOENT), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG),
		NAME(EBADF), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT),
		NAME(ENOTBLK), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV), NAME(ENODEV),
		NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE),
		NAME(ENOTTY), NAME(EFBIG), NAME(ENOSPC), NAME(EROFS), NAME(EMLINK),
		NAME(ERANGE), NAME(EDEADLK), NAME(ENAMETOOLONG), NAME(ELOOP),
		NAME(ENODATA), NAME(ETIME), NAME(EPROTO), NAME(EOVERFLOW), NAME(EOPNOTSUPP),
		NAME(EADDRINUSE), NAME(ENOBUFS), NAME(ETIMEDOUT), NAME(EALREADY),
		NAME(EINPROGRESS), NAME(ESTALE), NAME(ECANCELED), NAME(EUCLEAN), NAME(EDQUOT),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}
#endif

int fail_library(struct context *context)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(context->sc);
	json_t *error;

	prefix(context);
	fprintf(stderr, "%s.\n", last->text);
	if (!context->json)
		return STATUS_FAILED;
	error = json_object();
	json_text(error, "message", last->text);
	json_text(error, "errno", errno_name(-last->code));
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

void warn_without_module(const struct context *context)
{
	int rc = shadowcopy_connect(context->sc);

	/* Who may not ask does not know. */
	if (rc && rc != -EACCES && rc != -EPERM)
		warn(context, "nothing can be made now: %s",
		     shadowcopy_last_error(context->sc)->text);
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
