// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_send.c - shadowadm send: a shadow, or what has changed since another one, as a stream.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "changes.h"
#include "meter.h"
#include "receive_state.h"
#include "send_source.h"
#include "stream.h"

#define LEVEL_DEFAULT	1
#define CHUNK_DEFAULT	(1U << 20)

/* What was asked for. */
struct wish {
	const char *shadow;
	const char *since;
	const char *output;		/* NULL: standard output */
	const char *token;
	const char *resume_from;
	const char *label;
	struct send_options options;
	enum meter_show show;
};

static const struct shadow_uuid none;

/* --- which shadow, since what, from where ------------------------------------------------ */

static int find_info(struct context *context, const struct shadow_uuid *uuid,
		     struct shadow_shadow_info *info)
{
	int rc;

	memset(info, 0, sizeof(*info));
	while ((rc = shadowcopy_shadow_next(context->sc, info)) > 0)
		if (uuid_equal(&info->uuid, uuid))
			break;
	return rc;
}

static int find_shadow(struct context *context, const char *name, struct shadow_shadow_info *info)
{
	char path[IMAGE_PATH_LEN];
	struct shadow_uuid uuid;
	uint32_t kind;
	int rc;

	if (shadowcopy_find(context->sc, name, &uuid, &kind))
		return fail_library(context);
	if (kind != SHADOW_KIND_SHADOW)
		return usage(context, "%s is a set: name the shadow of one volume", name);
	rc = find_info(context, &uuid, info);
	if (rc < 0)
		return fail_library(context);
	if (!rc)
		return fail(context, "%s has just gone: \"shadowadm list\" shows the shadows",
			    name);
	image_path(info, path);
	if (info->state == SHADOW_STATE_LOST)
		return fail(context, "%s cannot be sent: it is lost, as %s", path,
			    shadowcopy_reason_cause(info->fault.reason));
	if (info->flags & SHADOW_SET_WRITABLE && !(info->flags & SHADOW_SHADOW_SEALED))
		return fail(context, "%s cannot be sent: it can still be written, and could change "
			    "meanwhile.  \"shadowadm seal\" makes it read-only", path);
	return STATUS_OK;
}

/* How large the volume was at the instant of the base. */
static int find_base_bytes(struct context *context, const struct shadow_uuid *uuid,
			   uint64_t *bytes)
{
	struct shadow_base_info base = { 0 };
	struct shadow_shadow_info shadow;
	int rc;

	while ((rc = shadowcopy_base_next(context->sc, &base)) > 0)
		if (uuid_equal(&base.uuid, uuid)) {
			*bytes = base.bytes;
			return STATUS_OK;
		}
	if (!rc)
		rc = find_info(context, uuid, &shadow);
	if (rc < 0)
		return fail_library(context);
	/* Else why it cannot be one is the module's to say. */
	*bytes = rc ? shadow.bytes : 0;
	return STATUS_OK;
}

struct input {
	int fd;
};

static ssize_t read_input(void *arg, void *buf, size_t length)
{
	const struct input *input = arg;
	ssize_t got;

	do
		got = read(input->fd, buf, length);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* A stream that was cut: as far as it is good. */
static int token_of_stream(struct context *context, const char *path, struct stream_token *token)
{
	struct input input = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	const struct stream_info *info;
	struct stream_reader *reader;
	struct stream_record record;
	enum stream_verdict verdict;
	int rc = -1;

	if (input.fd < 0)
		return fail(context, "%s cannot be opened: %s", path, strerror(errno));
	verdict = stream_reader_open(read_input, &input, &reader);
	while (verdict == STREAM_SOUND && (rc = stream_reader_next(reader, &record)) > 0)
		;
	close(input.fd);
	if (!reader)
		return fail(context, "there is not enough memory");
	info = stream_reader_info(reader);
	*token = (struct stream_token){
		.shadow = info->shadow, .base = info->base, .point = *stream_reader_point(reader),
	};
	if (verdict != STREAM_SOUND)
		rc = fail(context, "%s is neither a stream nor what \"shadowadm receive\" keeps "
			  "beside its target: %s", path, stream_reader_problem(reader));
	else if (!rc)
		rc = fail(context, "%s is whole: there is nothing to go on with", path);
	else
		rc = STATUS_OK;
	stream_reader_close(reader);
	return rc;
}

/* What receive keeps, or a stream that was cut. */
static int token_of_file(struct context *context, const char *path, struct stream_token *token)
{
	struct receive_state state;
	int rc = state_load(path, &state);

	if (rc == -EINVAL)
		return token_of_stream(context, path, token);
	if (rc)
		return fail(context, "%s cannot be read: %s", path, strerror(-rc));
	if (state.complete)
		return fail(context, "%s says that all was received: there is nothing to go on "
			    "with", path);
	state_token(&state, token);
	return STATUS_OK;
}

static int find_token(struct context *context, const struct wish *wish, struct stream_token *token,
		      bool *resumed)
{
	*resumed = wish->token || wish->resume_from;
	if (wish->resume_from)
		return token_of_file(context, wish->resume_from, token);
	if (wish->token && !stream_token_parse(wish->token, token))
		return usage(context, "--resume: this is no token; \"shadowadm receive\" prints "
			     "one when it is interrupted");
	return STATUS_OK;
}

/* The base that was named, and does it agree with the token? */
static int find_base(struct context *context, const struct wish *wish,
		     const struct shadow_shadow_info *shadow, const struct stream_token *token,
		     bool resumed, struct shadow_uuid *base)
{
	int rc;

	*base = resumed ? token->base : none;
	if (resumed && !uuid_equal(&token->shadow, &shadow->uuid))
		return fail(context, "what is to be gone on with is another shadow's than %s",
			    wish->shadow);
	if (!wish->since)
		return STATUS_OK;
	rc = shadowcopy_base_find(context->sc, wish->since, base);
	if (rc) {
		fail_library(context);
		return rc == -ENOENT ? STATUS_FULL_NEEDED : STATUS_FAILED;
	}
	if (resumed && !uuid_equal(&token->base, base))
		return fail(context, "what is to be gone on with was not sent --since %s",
			    wish->since);
	if (uuid_equal(base, &shadow->uuid))
		return usage(context, "%s since itself is nothing", wish->shadow);
	return STATUS_OK;
}

static int make_info(struct context *context, const struct wish *wish,
		     const struct shadow_shadow_info *shadow, const struct shadow_uuid *base,
		     const struct stream_token *token, bool resumed, struct stream_info *info)
{
	struct shadowcopy_volume volume;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*info = (struct stream_info){
		.shadow = shadow->uuid, .set = shadow->set, .base = *base, .bytes = shadow->bytes,
		.created_ns = shadow->created_ns,
		.sent_ns = now.tv_sec * 1000000000LL + now.tv_nsec,
		.chunk_max = wish->options.chunk, .resumed = resumed,
	};
	if (getrandom(&info->stream, sizeof(info->stream), 0) != sizeof(info->stream) ||
	    getrandom(&info->id, sizeof(info->id), 0) != sizeof(info->id))
		return fail(context, "there are no random numbers: %s", strerror(errno));
	if (stream_is_incremental(info) && find_base_bytes(context, base, &info->base_bytes))
		return STATUS_FAILED;
	shadowcopy_describe(context->sc, shadow->volume, &volume);
	snprintf(info->volume, sizeof(info->volume), "%.63s", volume.path);
	snprintf(info->label, sizeof(info->label), "%s", wish->label ?: "");
	stream_begin(info, &info->from);
	if (!resumed)
		return STATUS_OK;
	info->from = token->point;
	if (!stream_point_is_possible(info, &info->from))
		return fail(context, "what is to be gone on with says what cannot be: begin anew");
	info->resumed = info->from.offset;
	return STATUS_OK;
}

/* --- where to ---------------------------------------------------------------------------- */

struct output {
	int fd;
	bool is_file;
	const char *name;
};

static int write_output(void *arg, struct iovec *parts, int count)
{
	const struct output *output = arg;
	ssize_t done;

	while (count) {
		done = writev(output->fd, parts, count);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		while (count && (size_t)done >= parts->iov_len) {
			done -= parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + done;
			parts->iov_len -= done;
		}
	}
	return 0;
}

/* What else is printed on standard output would be in the stream: it goes where errors go. */
static int take_stdout(struct context *context, struct output *output)
{
	if (isatty(STDOUT_FILENO))
		return usage(context, "a stream is nothing for a terminal: name a file (-o FILE), "
			     "or pipe it to \"shadowadm receive\"");
	output->name = "standard output";
	fflush(stdout);
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (output->fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return fail(context, "standard output cannot be used: %s", strerror(errno));
	return STATUS_OK;
}

/* What keeps nothing can be written to; all else that is there would be lost. */
static int check_there(struct context *context, const char *path, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return fail(context, "%s is a block device, and is not overwritten with a stream: "
			    "name a file, or pipe the stream to \"shadowadm receive %s\", which "
			    "makes the device what the shadow is", path, path);
	if (!S_ISFIFO(st->st_mode) && !S_ISCHR(st->st_mode))
		return fail(context, "%s is there already, and is not overwritten: name another, "
			    "or remove it", path);
	return STATUS_OK;
}

static int open_named(struct context *context, const char *path, int *fd)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
	struct stat st;

	*fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (*fd < 0 && errno == EEXIST && !stat(path, &st)) {
		if (check_there(context, path, &st))
			return STATUS_FAILED;
		*fd = open(path, flags);
		/* It may have become another meanwhile. */
		if (*fd >= 0 && !fstat(*fd, &st) && check_there(context, path, &st))
			return STATUS_FAILED;
	}
	return *fd < 0 ? fail(context, "%s cannot be made: %s", path, strerror(errno)) : STATUS_OK;
}

static int open_output(struct context *context, const char *path, struct output *output)
{
	struct stat st;

	if (output->fd < 0) {
		output->name = path;
		if (open_named(context, path, &output->fd))
			return STATUS_FAILED;
	}
	if (fstat(output->fd, &st) < 0)
		return fail(context, "%s: %s", output->name, strerror(errno));
	/* What is behind the end of the stream there would be taken for a part of it. */
	if (S_ISBLK(st.st_mode))
		return usage(context, "%s is a block device, and a stream is no image: name a file "
			     "(-o FILE), or pipe it to \"shadowadm receive\"", output->name);
	output->is_file = S_ISREG(st.st_mode);
	if (isatty(output->fd))
		return usage(context, "%s is a terminal", output->name);
	return STATUS_OK;
}

/* --- sending ----------------------------------------------------------------------------- */

static void show_progress(void *arg, uint64_t bytes_read, uint64_t bytes_written)
{
	(void)bytes_written;
	meter_update(arg, bytes_read);
}

static int print_result(struct context *context, const struct stream_info *info,
			const struct send_result *result, double seconds)
{
	json_t *object, *document;
	char data[16], holes[16], stream[16], rate[16];

	if (!context->json) {
		if (!context->quiet)
			fprintf(stderr, "sent: %s of data and %s of holes, in a stream of %s; "
				"%.1f s, %s/s\n",
				size_format(result->point.data_bytes - info->from.data_bytes, data),
				size_format(result->point.hole_bytes - info->from.hole_bytes,
					    holes),
				size_format(result->bytes_written, stream), seconds,
				size_format(seconds > 0 ? result->bytes_read / seconds : 0, rate));
		return STATUS_OK;
	}
	object = json_object();
	json_uuid(object, "stream", &info->stream);
	json_uuid(object, "shadow", &info->shadow);
	json_value(object, "base", NULL);
	if (stream_is_incremental(info))
		json_uuid(object, "base", &info->base);
	json_number(object, "size", info->bytes);
	json_value(object, "resumed", json_boolean(info->resumed));
	json_number(object, "records", result->point.records - info->from.records);
	json_number(object, "data_bytes", result->point.data_bytes - info->from.data_bytes);
	json_number(object, "hole_bytes", result->point.hole_bytes - info->from.hole_bytes);
	json_number(object, "bytes_read", result->bytes_read);
	json_number(object, "bytes_written", result->bytes_written);
	json_number(object, "duration_ns", seconds * 1e9);
	document = json_object();
	json_value(document, "sent", object);
	return json_print_line(document);
}

/* Why, and what to do about it. */
static int failed(struct context *context, const struct shadow_shadow_info *shadow,
		  const struct output *output, const struct send_result *result)
{
	struct shadow_shadow_info now;
	char path[IMAGE_PATH_LEN];

	image_path(shadow, path);
	switch (result->phase) {
	case SEND_RUNS:
		return changes_failed(context, &shadow->uuid, NULL);
	case SEND_READ:
		if (find_info(context, &shadow->uuid, &now) > 0 && now.state == SHADOW_STATE_LOST)
			return fail(context, "%s was lost on the way, as %s.  The stream has no "
				    "end, and nobody takes it for whole", path,
				    shadowcopy_reason_cause(now.fault.reason));
		return fail(context, "%s could not be read at byte %" PRIu64 ": %s.  The stream "
			    "has no end, and nobody takes it for whole; see the kernel log", path,
			    result->offset, strerror(-result->error));
	case SEND_WRITE:
		if (result->error == -EPIPE)
			return fail(context, "who reads the stream has ended; its message says "
				    "why");
		return fail(context, "%s could not be written: %s.  What there is of the stream "
			    "can be received, and \"shadowadm send --resume-from\" with it makes the "
			    "rest", output->name, strerror(-result->error));
	default:
		return fail(context, "there is not enough memory");
	}
}

static int send_it(struct context *context, const struct wish *wish,
		   const struct shadow_shadow_info *shadow, struct stream_info *info,
		   struct shadow_source *source, const struct output *output)
{
	struct send_source calls = source_calls(source);
	char path[IMAGE_PATH_LEN];
	struct send_result result;
	struct meter meter;
	uint64_t total;

	if (stream_is_incremental(info))
		info->generation = *shadowcopy_map_generation(source->map);
	if (source_count(source, info->from.offset, &total))
		return changes_failed(context, &shadow->uuid, NULL);
	meter_begin(&meter, context, image_path(shadow, path), total, wish->show);
	stream_send(info, &calls, &wish->options, write_output, (void *)output, show_progress,
		    &meter, &result);
	meter_end(&meter);
	/* Space can be short as late as that. */
	if (result.phase == SEND_DONE && output->is_file && fsync(output->fd) < 0) {
		result.phase = SEND_WRITE;
		result.error = -errno;
	}
	if (result.phase != SEND_DONE)
		return failed(context, shadow, output, &result);
	return print_result(context, info, &result, meter_seconds(&meter));
}

static int do_send(struct context *context, const struct wish *wish)
{
	struct output output = { .fd = -1 };
	struct shadow_source source = { .fd = -1 };
	struct shadow_shadow_info shadow;
	struct stream_token token = { 0 };
	struct stream_info info;
	struct shadow_uuid base;
	bool resumed;
	int status = STATUS_OK;

	if (!wish->output || !strcmp(wish->output, "-"))
		status = take_stdout(context, &output);
	if (!status)
		status = find_token(context, wish, &token, &resumed);
	if (!status)
		status = find_shadow(context, wish->shadow, &shadow);
	if (!status)
		status = find_base(context, wish, &shadow, &token, resumed, &base);
	if (!status)
		status = make_info(context, wish, &shadow, &base, &token, resumed, &info);
	if (!status)
		status = source_open(context, &shadow, &base, info.base_bytes, info.from.offset,
				     &source);
	if (!status)
		status = open_output(context, wish->output, &output);
	if (!status)
		status = send_it(context, wish, &shadow, &info, &source, &output);
	source_close(&source);
	if (output.fd >= 0 && close(output.fd) < 0 && !status)
		status = fail(context, "%s could not be written: %s", output.name,
			      strerror(errno));
	return status;
}

/* --- options ----------------------------------------------------------------------------- */

static int parse_level(struct context *context, const char *text, int *level)
{
	char *end;
	long value;

	if (!strcmp(text, "none")) {
		*level = STREAM_LEVEL_NONE;
		return STATUS_OK;
	}
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || !value || value < -20 || value > ZSTD_maxCLevel())
		return usage(context, "--compress %s: it is \"none\", or a level of zstd from 1 to "
			     "%d, or from -1 to -20 (faster)", text, ZSTD_maxCLevel());
	*level = value;
	return STATUS_OK;
}

static int parse_threads(struct context *context, const char *text, unsigned int *threads)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < 1 || value > 64)
		return usage(context, "--threads %s: it is a number from 1 to 64", text);
	*threads = value;
	return STATUS_OK;
}

static int parse_chunk(struct context *context, const char *text, uint32_t *chunk)
{
	uint64_t bytes = 0;
	const char *wrong = size_parse(text, 0, &bytes);

	if (!wrong && (bytes < STREAM_CHUNK_MIN || bytes > STREAM_CHUNK_MAX ||
		       bytes & (bytes - 1)))
		wrong = "it is a power of two from 4K to 16M";
	if (wrong)
		return usage(context, "--chunk %s: %s", text, wrong);
	*chunk = bytes;
	return STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_SINCE = OPTION_OWN, OPTION_COMPRESS, OPTION_THREADS, OPTION_RESUME,
	       OPTION_RESUME_FROM, OPTION_CHUNK, OPTION_LABEL, OPTION_PROGRESS,
	       OPTION_NO_PROGRESS };
	static const struct option longs[] = {
		{ "since", required_argument, NULL, OPTION_SINCE },
		{ "output", required_argument, NULL, 'o' },
		{ "compress", required_argument, NULL, OPTION_COMPRESS },
		{ "threads", required_argument, NULL, OPTION_THREADS },
		{ "resume", required_argument, NULL, OPTION_RESUME },
		{ "resume-from", required_argument, NULL, OPTION_RESUME_FROM },
		{ "chunk", required_argument, NULL, OPTION_CHUNK },
		{ "label", required_argument, NULL, OPTION_LABEL },
		{ "progress", no_argument, NULL, OPTION_PROGRESS },
		{ "no-progress", no_argument, NULL, OPTION_NO_PROGRESS },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct wish wish = {
		.options = {
			.level = LEVEL_DEFAULT, .chunk = CHUNK_DEFAULT,
			.threads = processors > 0 && processors < 64 ? processors : 1,
		},
	};
	int option, status, wrong = STATUS_OK;

	while ((option = next_option(context, argc, argv, "o:q", longs, &status)) != -1) {
		switch (option) {
		case OPTION_SINCE:
			wish.since = optarg;
			break;
		case 'o':
			wish.output = optarg;
			break;
		case OPTION_COMPRESS:
			wrong = parse_level(context, optarg, &wish.options.level);
			break;
		case OPTION_THREADS:
			wrong = parse_threads(context, optarg, &wish.options.threads);
			break;
		case OPTION_RESUME:
			wish.token = optarg;
			break;
		case OPTION_RESUME_FROM:
			wish.resume_from = optarg;
			break;
		case OPTION_CHUNK:
			wrong = parse_chunk(context, optarg, &wish.options.chunk);
			break;
		case OPTION_LABEL:
			wish.label = optarg;
			if (strlen(optarg) > 127)
				wrong = usage(context, "--label: it has 127 bytes at most");
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
		if (wrong)
			return wrong;
	}
	if (argc - optind != 1)
		return usage(context, "name one shadow");
	if (wish.token && wish.resume_from)
		return usage(context, "--resume and --resume-from exclude each other");
	wish.shadow = argv[optind];
	/* Who reads can end; that is an error like others. */
	signal(SIGPIPE, SIG_IGN);
	return do_send(context, &wish);
}

const struct command cmd_send = {
	.name = "send",
	.summary = "Send a shadow, or what has changed since another, as a stream",
	.synopsis = "SHADOW [--since BASE|SHADOW] [-o FILE] [--compress LEVEL|none]\n"
		    "SHADOW (--resume TOKEN|--resume-from FILE) [-o FILE] [...]",
	.text = "\"shadowadm receive\" makes of it what the shadow is, bit for bit.  What was\n"
		"free is not read, and takes no room.  All is under checksums; a stream that was cut\n"
		"has no end, and is not taken for whole.  SHADOW is /dev/shadowN, N, or the beginning\n"
		"of a UUID.\n\n"
		"Options:\n"
		"      --since BASE|SHADOW\n"
		"                        only what has changed since an older shadow of the volume, or a\n"
		"                        base of one (\"shadowadm base list\"): the receiver has it.\n"
		"                        Status 4: it is not known; send all of the shadow\n"
		"  -o, --output FILE     instead of standard output, which must not be a terminal\n"
		"      --compress LEVEL  of zstd, 1 to 22, -1 to -20, or \"none\"; 1 if not given\n"
		"      --threads N       that compress; as many as there are processors\n"
		"      --chunk SIZE      read and compressed at a time, 4K to 16M; 1M if not given\n"
		"      --resume TOKEN    go on where \"shadowadm receive\" was interrupted: it prints\n"
		"                        this\n"
		"      --resume-from FILE\n"
		"                        the same, with the file TARGET.shadowcopy that it keeps; or\n"
		"                        where a stream ends that was cut\n"
		"      --label TEXT      goes with the stream, for people\n"
		"      --progress        say how far it is, also where there is no terminal\n"
		"      --no-progress     do not\n"
		"  -q, --quiet           say nothing\n"
		"      --json            progress as objects on standard error, a line each second; the\n"
		"                        result on standard output, or, where that has the stream, on\n"
		"                        standard error\n"
		"  -h, --help            this help\n",
	.run = run,
};
