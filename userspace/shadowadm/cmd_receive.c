// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_receive.c - shadowadm receive: a file, a device or an image becomes what a shadow is.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receive.h"

static ssize_t read_input(void *arg, void *buf, size_t length)
{
	const int *fd = arg;
	ssize_t got;

	do
		got = read(*fd, buf, length);
	while (got < 0 && errno == EINTR && !receive_interrupted);
	return got < 0 ? -errno : got;
}

static int open_input(struct context *context, const struct receive_wish *wish, int *fd)
{
	*fd = STDIN_FILENO;
	if (wish->input) {
		*fd = open(wish->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (*fd < 0)
			return fail(context, "%s cannot be opened: %s", wish->input,
				    strerror(errno));
	}
	if (isatty(*fd))
		return usage(context, "a stream does not come from a terminal: name a file (-i "
			     "FILE), or pipe \"shadowadm send\" to it");
	posix_fadvise(*fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return STATUS_OK;
}

/* Under any name: the stream would be overwritten with what is in it. */
static int check_input(struct context *context, const struct receive_wish *wish, int fd)
{
	struct stat in, out;
	bool same;

	if (fstat(fd, &in) < 0 || stat(wish->target, &out) < 0)
		return STATUS_OK;
	if (S_ISBLK(in.st_mode))
		same = S_ISBLK(out.st_mode) && in.st_rdev == out.st_rdev;
	else
		same = S_ISREG(in.st_mode) && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
	return same ? fail(context, "%s is where the stream comes from, and would be lost: name "
			   "another target", wish->target) : STATUS_OK;
}

static void put_uuid(json_t *object, const char *key, const struct shadow_uuid *uuid)
{
	static const struct shadow_uuid none;

	if (uuid_equal(uuid, &none))
		json_value(object, key, NULL);
	else
		json_uuid(object, key, uuid);
}

static int print_already(const struct receive_wish *wish, const char *uuid,
			 const struct receive_state *state)
{
	printf("%s is that already: what shadow %s is%s.  Nothing was written\n", wish->target,
	       uuid, state->assumed ? ", if it was the base" : "");
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int print_result(struct context *context, const struct receive_wish *wish,
			const struct stream_info *info, const struct receive_result *result,
			const struct receive_state *state)
{
	char data[16], holes[16], rate[16], uuid[SHADOWCOPY_UUID_LEN];
	bool verified = wish->verify_only ? !info->resumed : state->verified;
	json_t *object, *document;

	if (!context->json) {
		if (context->quiet)
			return STATUS_OK;
		shadowcopy_uuid_format(&info->shadow, uuid);
		if (wish->nothing)
			return print_already(wish, uuid, state);
		if (wish->verify_only && (stream_is_incremental(info) || info->resumed))
			printf("%s has all that is in the stream", wish->target);
		else
			printf("%s is what shadow %s is%s", wish->target, uuid,
			       state && state->assumed ? ", if it was the base" : "");
		printf(": %s of data and %s of holes %s%s; %.1f s, %s/s\n",
		       size_format(result->data_bytes, data),
		       size_format(result->hole_bytes, holes),
		       wish->verify_only ? "compared" : "written",
		       wish->verify && !wish->verify_only ? " and read back" : "", result->seconds,
		       size_format(result->seconds > 0 ?
				   result->data_bytes / result->seconds : 0, rate));
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	object = json_object();
	json_text(object, "target", wish->target);
	json_text(object, "format", target_format_name(wish->format));
	json_uuid(object, "stream", &info->stream);
	json_uuid(object, "shadow", &info->shadow);
	put_uuid(object, "base", &info->base);
	put_uuid(object, "set", &info->set);
	json_text(object, "volume", info->volume);
	json_text(object, "label", info->label);
	json_number(object, "size", info->bytes);
	json_value(object, "already", json_boolean(wish->nothing));
	json_value(object, "resumed", json_boolean(info->resumed || result->skipped));
	json_value(object, "verified", json_boolean(verified));
	json_value(object, "assumed", json_boolean(state && state->assumed));
	json_number(object, "records", result->records);
	json_number(object, "data_bytes", result->data_bytes);
	json_number(object, "hole_bytes", result->hole_bytes);
	json_number(object, "bytes_read", result->stream_bytes);
	json_number(object, "duration_ns", result->seconds * 1e9);
	document = json_object();
	json_value(document, wish->verify_only ? "compared" : "received", object);
	return json_print(document);
}

/* A retry of what was done, which may be to be compared once more. */
static int receive_already(struct context *context, const struct receive_wish *wish,
			   struct stream_reader *reader, const struct receive_state *state)
{
	struct receive_wish again = *wish;
	struct receive_result result;

	again.verify_only = wish->verify;
	again.nothing = !wish->verify;
	return (wish->verify ? receive_compare(context, &again, reader, &result) :
		receive_nothing(context, &again, reader, &result)) ?:
	       print_result(context, &again, stream_reader_info(reader), &result, state);
}

static int receive_stream(struct context *context, const struct receive_wish *wish,
			  struct stream_reader *reader)
{
	const struct stream_info *info = stream_reader_info(reader);
	struct receive_result result;
	struct receive_plan plan;
	int status;

	if (wish->verify_only)
		return receive_compare(context, wish, reader, &result) ?:
		       print_result(context, wish, info, &result, NULL);
	status = receive_plan(context, wish, info, &plan);
	if (!status && plan.how == RECEIVE_NOTHING) {
		status = receive_already(context, wish, reader, &plan.state);
	} else if (!status) {
		status = receive(context, wish, reader, &plan, &result) ?:
			 print_result(context, wish, info, &result, &plan.state);
	}
	receive_plan_clear(&plan);
	return status;
}

static int do_receive(struct context *context, const struct receive_wish *wish)
{
	struct stream_reader *reader = NULL;
	int fd = -1, status = open_input(context, wish, &fd);

	if (!status)
		status = check_input(context, wish, fd);
	if (!status) {
		if (stream_reader_open(read_input, &fd, &reader) == STREAM_SOUND)
			status = receive_stream(context, wish, reader);
		else
			status = fail_for(context, reader ? receive_stream_reason(reader) : NULL,
					  "%s cannot be received: %s",
					  wish->input ?: "standard input",
					  reader ? stream_reader_problem(reader) :
					  "there is not enough memory");
	}
	stream_reader_close(reader);
	if (fd > STDIN_FILENO)
		close(fd);
	return status;
}

/* --- options ----------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && !strcmp(text + length - tail, end);
}

/* A block device is one; the rest is as its name says. */
static enum target_format guess_format(const char *target)
{
	struct stat st;

	if (!stat(target, &st) && S_ISBLK(st.st_mode))
		return TARGET_DEVICE;
	return ends_with(target, ".qcow2") ? TARGET_QCOW2 : TARGET_RAW;
}

static int parse_format(struct context *context, const char *text, const char *target,
			enum target_format *format)
{
	struct stat st;

	*format = guess_format(target);
	if (!text)
		return STATUS_OK;
	for (*format = TARGET_RAW; strcmp(text, target_format_name(*format)); (*format)++)
		if (*format == TARGET_QCOW2)
			return usage(context, "--format %s: it is raw, device or qcow2", text);
	if ((!stat(target, &st) && S_ISBLK(st.st_mode)) != (*format == TARGET_DEVICE))
		return usage(context, *format == TARGET_DEVICE ? "%s is no block device" :
			     "%s is a block device, and no file", target);
	return STATUS_OK;
}

static void interrupt(int signal)
{
	(void)signal;
	receive_interrupted = 1;
}

/* Reading is interrupted, so that what there is can be kept; the second one ends all. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_FORMAT = OPTION_OWN, OPTION_VERIFY, OPTION_VERIFY_ONLY, OPTION_FORCE,
	       OPTION_RESUME, OPTION_ASSUME_BASE, OPTION_BASE, OPTION_PROGRESS,
	       OPTION_NO_PROGRESS };
	static const struct option longs[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "format", required_argument, NULL, OPTION_FORMAT },
		{ "verify", no_argument, NULL, OPTION_VERIFY },
		{ "verify-only", no_argument, NULL, OPTION_VERIFY_ONLY },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "resume", no_argument, NULL, OPTION_RESUME },
		{ "assume-base", no_argument, NULL, OPTION_ASSUME_BASE },
		{ "base", required_argument, NULL, OPTION_BASE },
		{ "progress", no_argument, NULL, OPTION_PROGRESS },
		{ "no-progress", no_argument, NULL, OPTION_NO_PROGRESS },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct receive_wish wish = { 0 };
	const char *format = NULL;
	int option, status;

	while ((option = next_option(context, argc, argv, "i:q", longs, &status)) != -1)
		switch (option) {
		case 'i':
			wish.input = strcmp(optarg, "-") ? optarg : NULL;
			break;
		case OPTION_FORMAT:
			format = optarg;
			break;
		case OPTION_VERIFY:
			wish.verify = true;
			break;
		case OPTION_VERIFY_ONLY:
			wish.verify_only = true;
			break;
		case OPTION_FORCE:
			wish.force = true;
			break;
		case OPTION_RESUME:
			wish.resume = true;
			break;
		case OPTION_ASSUME_BASE:
			wish.assume_base = true;
			break;
		case OPTION_BASE:
			wish.base = optarg;
			break;
		case OPTION_PROGRESS:
			wish.show = METER_LINES;
			break;
		case OPTION_NO_PROGRESS:
			wish.show = METER_NONE;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 1)
		return usage(context, "name one target: a file or a block device");
	wish.target = argv[optind];
	status = parse_format(context, format, wish.target, &wish.format);
	if (status)
		return status;
	if (wish.base && wish.format != TARGET_QCOW2)
		return usage(context, "--base is for qcow2 images: others are changed in place");
	if (wish.verify_only && (wish.verify || wish.force || wish.resume || wish.assume_base ||
				 wish.base))
		return usage(context, "with --verify-only nothing is written, and nothing of what "
			     "is about writing goes with it");
	catch_signals();
	return do_receive(context, &wish);
}

const struct command cmd_receive = {
	.name = "receive",
	.summary = "Make a file, a device or an image what a shadow is, from a stream",
	.synopsis = "[-i FILE] TARGET [--format raw|qcow2|device] [--verify] [--force]\n"
		    "[-i FILE] TARGET --resume\n"
		    "[-i FILE] TARGET --verify-only",
	.text = "The stream is what \"shadowadm send\" makes.  TARGET is a sparse file, a qcow2\n"
		"image, or a block device.  What has changed since a base is written to what was\n"
		"received as that; as qcow2, it becomes an image that is laid over the one of the\n"
		"base.  TARGET.shadowcopy says what a target is, and how far one is that was\n"
		"interrupted; for a device it is below /var/lib/shadowcopy/receive.\n\n"
		"Options:\n"
		"  -i, --input FILE      instead of standard input\n"
		"      --format FORMAT   raw, qcow2 or device; else a block device is one, a name that\n"
		"                        ends in .qcow2 is an image, and what is left is raw\n"
		"      --verify          read back what was written, from the disk, and compare its\n"
		"                        SHA-256\n"
		"      --verify-only     write nothing: compare what is there with the stream\n"
		"      --resume          the stream begins at its beginning again: what the target has\n"
		"                        of it is not written once more.  One that goes on where the\n"
		"                        target is needs no option\n"
		"      --base FILE       the image of the base; else it is looked for beside TARGET\n"
		"      --assume-base     the target, or --base, is what the base was, whatever is said\n"
		"      --force           overwrite what is there\n"
		"      --progress        say how far it is, also where there is no terminal\n"
		"      --no-progress     do not\n"
		"  -q, --quiet           say nothing\n"
		COMMON_HELP,
	.run = run,
};
