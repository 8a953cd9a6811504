// SPDX-License-Identifier: GPL-2.0-only
/*
 * receive.c - makes a target what a stream says.
 *
 * Before the first byte is written the state says what the target is becoming, so that half of it
 * is never taken for anything.  Now and then what was written is brought to stable storage, read
 * back if that is wanted, and the state says how far it is; so it does when the stream ends too
 * early.  Only when its end has come, and nothing follows, is the target said to be complete.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "receive.h"

#define SYNC_SECONDS	5
#define WRITTEN_MAX	4096			/* records between two syncs */
#define WRITTEN_BYTES	(256ULL << 20)
#define COMPARE_BYTES	(1U << 20)

volatile sig_atomic_t receive_interrupted;

/* A record that was written, to be read back. */
struct written {
	uint64_t offset;
	uint64_t length;
	bool hole;
	uint8_t sum[STREAM_SUM];
};

struct receiving {
	struct context *context;
	const struct receive_wish *wish;
	struct stream_reader *reader;
	struct receive_plan *plan;
	struct receive_result *result;
	struct target target;
	struct meter meter;
	bool skipping;			/* the target has it already */
	struct stream_point point;	/* what was written */
	char *stopped;			/* why it cannot be written on, or NULL */
	const struct stream_record *failed;	/* which could not be written */
	bool flush_failed;
	bool no_space;
	struct written *written;	/* since the last sync */
	size_t count;
	uint64_t bytes;			/* of data, since then */
	struct timespec synced;
	uint8_t *buffer;		/* to read back with, chunk_max of the stream at least */
	size_t room;
};

/* --- comparing --------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *data, size_t length)
{
	return !data[0] && !memcmp(data, data + 1, length - 1);
}

static int read_failed(struct receiving *receiving, uint64_t offset, int rc)
{
	return fail(receiving->context, "%s could not be read back at byte %llu: %s",
		    receiving->wish->target, (unsigned long long)offset, strerror(-rc));
}

static int differs(struct receiving *receiving, uint64_t offset, uint64_t length)
{
	return fail(receiving->context, "%s is not what it should be, from byte %llu on or within "
		    "%llu bytes behind it", receiving->wish->target, (unsigned long long)offset,
		    (unsigned long long)length);
}

static int compare_hole(struct receiving *receiving, uint64_t offset, uint64_t length)
{
	struct target *target = &receiving->target;
	size_t part;
	int rc;

	for (; length; offset += part, length -= part) {
		part = length < receiving->room ? length : receiving->room;
		rc = target->calls->read(target, receiving->buffer, part, offset);
		if (rc)
			return read_failed(receiving, offset, rc);
		if (!is_zero(receiving->buffer, part))
			return differs(receiving, offset, part);
		meter_update(&receiving->meter, offset);
	}
	return STATUS_OK;
}

static int compare_data(struct receiving *receiving, uint64_t offset, uint64_t length,
			const uint8_t wanted[STREAM_SUM])
{
	struct target *target = &receiving->target;
	uint8_t sum[STREAM_SUM];
	int rc = target->calls->read(target, receiving->buffer, length, offset);

	if (rc)
		return read_failed(receiving, offset, rc);
	stream_sum(receiving->buffer, length, sum);
	return memcmp(sum, wanted, STREAM_SUM) ? differs(receiving, offset, length) : STATUS_OK;
}

static int compare_record(struct receiving *receiving, const struct stream_record *record)
{
	if (record->type == STREAM_HOLE)
		return compare_hole(receiving, record->offset, record->length);
	return compare_data(receiving, record->offset, record->length, record->sum);
}

/* --- to stable storage ------------------------------------------------------------------- */

/* It is said together with how to go on, in not_whole(). */
PRINTF(3, 4)
static int stop(struct receiving *receiving, int rc, const char *format, ...)
{
	va_list args;

	free(receiving->stopped);
	va_start(args, format);
	if (vasprintf(&receiving->stopped, format, args) < 0)
		receiving->stopped = NULL;
	va_end(args);
	receiving->no_space |= receive_is_no_space(-rc);
	return STATUS_FAILED;
}

static int target_failed(struct receiving *receiving, const char *what, int rc)
{
	const char *problem = receiving->target.problem;

	return stop(receiving, rc, "%s could not be %s: %s%s%s%s", receiving->wish->target, what,
		    strerror(-rc), *problem ? " (" : "", problem, *problem ? ")" : "");
}

static int save_state(struct receiving *receiving)
{
	const char *path = receiving->plan->state_path;
	int rc = state_save(path, &receiving->plan->state);

	return rc ? stop(receiving, rc, "%s, which says what %s is, cannot be written: %s", path,
			 receiving->wish->target, strerror(-rc)) : STATUS_OK;
}

static int read_back(struct receiving *receiving)
{
	int status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < receiving->count; i++) {
		const struct written *written = &receiving->written[i];

		status = written->hole ?
			 compare_hole(receiving, written->offset, written->length) :
			 compare_data(receiving, written->offset, written->length, written->sum);
	}
	return status;
}

static int sync_target(struct receiving *receiving)
{
	struct receive_state *state = &receiving->plan->state;
	const struct stream_point before = state->point;
	int rc = receiving->target.calls->flush(&receiving->target);

	receiving->flush_failed = rc;
	if (rc)
		return target_failed(receiving, "brought to stable storage", rc);
	if (receiving->wish->verify && read_back(receiving))
		return STATUS_FAILED;
	if (!receiving->wish->verify && receiving->count)
		state->verified = false;
	if (!receiving->skipping)
		state->point = receiving->point;
	/* That is not written any more: who goes on can see whether it is still the same. */
	if (state->format != TARGET_QCOW2 && !state->complete && !state_has_head(state) &&
	    state->point.offset >= STATE_HEAD)
		rc = receive_head_sum(&receiving->target, state->head);
	if (rc) {
		state->point = before;
		return read_failed(receiving, 0, rc);
	}
	receiving->count = 0;
	receiving->bytes = 0;
	clock_gettime(CLOCK_MONOTONIC, &receiving->synced);
	if (!save_state(receiving))
		return STATUS_OK;
	/* It goes on from where the file says. */
	state->point = before;
	return STATUS_FAILED;
}

static bool is_time_to_sync(const struct receiving *receiving)
{
	struct timespec now;

	if (receiving->count == WRITTEN_MAX || receiving->bytes >= WRITTEN_BYTES)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - receiving->synced.tv_sec >= SYNC_SECONDS;
}

/* --- records ----------------------------------------------------------------------------- */

static int write_record(struct receiving *receiving, const struct stream_record *record)
{
	struct target *target = &receiving->target;
	struct written *written = &receiving->written[receiving->count];
	bool hole = record->type == STREAM_HOLE;
	int rc;

	rc = hole ? target->calls->zero(target, record->length, record->offset) :
		    target->calls->write(target, record->data, record->length, record->offset);
	if (rc) {
		receiving->failed = record;
		return target_failed(receiving, "written", rc);
	}
	*written = (struct written){
		.offset = record->offset, .length = record->length, .hole = hole,
	};
	memcpy(written->sum, record->sum, STREAM_SUM);
	receiving->point = *stream_reader_point(receiving->reader);
	receiving->count++;
	receiving->bytes += hole ? 0 : record->length;
	return is_time_to_sync(receiving) ? sync_target(receiving) : STATUS_OK;
}

/* What the target has already has to be the same. */
static int skip_record(struct receiving *receiving, const struct stream_record *record)
{
	const struct stream_point *now = stream_reader_point(receiving->reader);
	const struct receive_state *state = &receiving->plan->state;

	if (receiving->wish->verify && compare_record(receiving, record))
		return STATUS_FAILED;
	receiving->result->skipped++;
	if (now->records < state->point.records)
		return STATUS_OK;
	receiving->skipping = false;
	receiving->point = *now;
	if (stream_point_equal(now, &state->point))
		return STATUS_OK;
	return fail(receiving->context, "what %s has is not the beginning of this stream: receive "
		    "it from its beginning, without --resume", receiving->wish->target);
}

static int take_record(struct receiving *receiving, const struct stream_record *record)
{
	struct receive_result *result = receiving->result;

	meter_update(&receiving->meter, record->offset);
	if (record->type == STREAM_CHECKPOINT)
		return STATUS_OK;
	if (receiving->skipping)
		return skip_record(receiving, record);
	result->records++;
	*(record->type == STREAM_HOLE ? &result->hole_bytes : &result->data_bytes) +=
		record->length;
	if (receiving->wish->verify_only)
		return compare_record(receiving, record);
	return write_record(receiving, record);
}

/* --- the end, and what is not one -------------------------------------------------------- */

static const char *input_name(const struct receive_wish *wish)
{
	return wish->input ?: "standard input";
}

const char *receive_stream_reason(const struct stream_reader *reader)
{
	if (receive_interrupted)
		return "cut";
	switch (stream_reader_verdict(reader)) {
	case STREAM_CUT:
	case STREAM_UNREADABLE:
		return "cut";
	case STREAM_FOREIGN:
	case STREAM_DAMAGED:
	case STREAM_TRAILING:
		return "damaged";
	default:
		return NULL;
	}
}

static char *why_not_whole(struct receiving *receiving)
{
	char *why = receiving->stopped;

	receiving->stopped = NULL;
	if (!why && asprintf(&why, "%s: %s", input_name(receiving->wish), receive_interrupted ?
			     "interrupted" : stream_reader_problem(receiving->reader)) < 0)
		return NULL;
	return why;
}

/*
 * Keep what there is.  After a flush that failed it is not known what that is: another one may
 * succeed all the same.  The state is to be written where there may be no room: what was written
 * of a record that did not fit goes.
 */
static bool keep(struct receiving *receiving)
{
	const struct stream_record *failed = receiving->failed;
	json_t *said = NULL;
	int status;

	/* Closed: all of it was brought there before. */
	if (receiving->flush_failed || !receiving->target.calls)
		return false;
	if (failed && receiving->no_space && receiving->wish->format == TARGET_RAW)
		fallocate(receiving->target.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  failed->offset, failed->length);
	/* The sentence of what fails is said, but the document is that of not_whole(). */
	json_collect(&said);
	status = sync_target(receiving);
	json_collect(NULL);
	json_decref(said);
	return !status;
}

/* How to go on, for people and for programs. */
static int not_whole(struct receiving *receiving)
{
	const struct receive_wish *wish = receiving->wish;
	const struct receive_state *state = &receiving->plan->state;
	char token[STREAM_TOKEN_LEN], has[16], all[16], *text = NULL;
	struct context *context = receiving->context;
	bool json = context->json, stopped = receiving->stopped, saved;
	struct stream_token where;
	json_t *document, *error;
	const char *reason;
	char *why;

	why = why_not_whole(receiving);
	saved = keep(receiving);
	reason = receiving->no_space ? "no-space" :
		 stopped ? NULL : receive_stream_reason(receiving->reader);
	state_token(state, &where);
	stream_token_format(&where, token);
	if (!why || asprintf(&text, "%s.  %s is not complete: it has come to %s of %s", why,
			     wish->target, size_format(state->point.offset, has),
			     size_format(state->bytes, all)) < 0) {
		free(why);
		return fail(context, "there is not enough memory");
	}
	context->json = false;
	fail(context, "%s.  %s with \"shadowadm send SHADOW --resume-from %s\", or "
	     "--resume %s%s", text, receiving->no_space ? "Make room, and go on" : "Go on",
	     receiving->plan->state_path, token,
	     saved ? "" : "; what is not on stable storage is sent once more");
	context->json = json;
	if (json) {
		error = json_object();
		json_text(error, "message", text);
		json_text(error, "reason", reason);
		json_text(error, "resume", token);
		json_text(error, "resume_from", receiving->plan->state_path);
		json_number(error, "offset", state->point.offset);
		document = json_object();
		json_value(document, "error", error);
		json_print(document);
	}
	free(text);
	free(why);
	return STATUS_FAILED;
}

static int bad_stream(struct receiving *receiving)
{
	return fail_for(receiving->context, receive_stream_reason(receiving->reader), "%s: %s",
			input_name(receiving->wish), receive_interrupted ? "interrupted" :
			stream_reader_problem(receiving->reader));
}

/* The end of the stream has come: what was written is what the shadow is. */
static int complete(struct receiving *receiving)
{
	struct receive_state *state = &receiving->plan->state;
	int rc;

	if (receiving->skipping)
		return fail(receiving->context, "%s ends before what %s has already",
			    input_name(receiving->wish), receiving->wish->target);
	if (sync_target(receiving))
		return STATUS_FAILED;
	rc = receive_head_sum(&receiving->target, state->head);
	if (rc)
		return read_failed(receiving, 0, rc);
	/* What was there already has been compared. */
	if (receiving->wish->verify && receiving->plan->how == RECEIVE_SKIPPING)
		state->verified = !state->assumed;
	/* qemu-nbd writes until it has ended; what we write is locked until all is said. */
	if (state->format == TARGET_QCOW2)
		target_close(&receiving->target);
	state->changed_ns = state->format == TARGET_DEVICE ? 0 :
			    receive_changed(receiving->wish->target);
	state->complete = true;
	if (!save_state(receiving))
		return STATUS_OK;
	/* Nor is it said to be, where the state is saved after all. */
	state->complete = false;
	state->changed_ns = 0;
	return STATUS_FAILED;
}

static int take_records(struct receiving *receiving)
{
	struct stream_record record;
	int rc = 0, status = STATUS_OK;

	while (!status && !receive_interrupted &&
	       (rc = stream_reader_next(receiving->reader, &record)) > 0)
		status = take_record(receiving, &record);
	meter_end(&receiving->meter);
	receiving->result->stream_bytes = stream_reader_bytes(receiving->reader);
	receiving->result->seconds = meter_seconds(&receiving->meter);
	if (receiving->stopped)
		return not_whole(receiving);
	if (status)
		return status;
	if (receiving->wish->verify_only)
		return rc || receive_interrupted ? bad_stream(receiving) : STATUS_OK;
	if (rc || receive_interrupted)
		return not_whole(receiving);
	status = complete(receiving);
	return receiving->stopped ? not_whole(receiving) : status;
}

static bool make_room(struct receiving *receiving)
{
	const struct stream_info *info = stream_reader_info(receiving->reader);

	receiving->room = info->chunk_max > COMPARE_BYTES ? info->chunk_max : COMPARE_BYTES;
	receiving->buffer = malloc(receiving->room);
	receiving->written = calloc(WRITTEN_MAX, sizeof(*receiving->written));
	return receiving->buffer && receiving->written;
}

static int run(struct receiving *receiving, const struct target_wish *wish)
{
	const struct stream_info *info = stream_reader_info(receiving->reader);
	struct context *context = receiving->context;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &receiving->synced);
	if (!make_room(receiving))
		return fail(context, "there is not enough memory");
	status = target_open(context, receiving->wish->target, receiving->wish->format, wish,
			     &receiving->target);
	/* From here on it is not what it was. */
	if (!status && receiving->plan)
		status = receive_plan_holds(context, receiving->wish, receiving->plan) ?:
			 (save_state(receiving) ?
			  fail_for(context, receiving->no_space ? "no-space" : NULL, "%s",
				   receiving->stopped ?: "there is not enough memory") :
			  STATUS_OK) ?:
			 receiving->target.calls->begin(context, wish, &receiving->target);
	if (!status) {
		meter_begin(&receiving->meter, context, receiving->wish->target, info->bytes,
			    receiving->wish->show);
		status = take_records(receiving);
	}
	target_close(&receiving->target);
	return status;
}

static void clear(struct receiving *receiving)
{
	free(receiving->buffer);
	free(receiving->written);
	free(receiving->stopped);
}

int receive(struct context *context, const struct receive_wish *wish,
	    struct stream_reader *reader, struct receive_plan *plan,
	    struct receive_result *result)
{
	struct receiving receiving = {
		.context = context, .wish = wish, .reader = reader, .plan = plan,
		.result = result, .skipping = plan->how == RECEIVE_SKIPPING,
		.point = plan->state.point,
	};
	struct target_wish target = {
		.begin = plan->how == RECEIVE_ANEW, .force = plan->overwrite, .base = plan->base,
		.bytes = plan->state.bytes,
	};
	int status;

	memset(result, 0, sizeof(*result));
	status = run(&receiving, &target);
	clear(&receiving);
	return status;
}

int receive_nothing(struct context *context, const struct receive_wish *wish,
		    struct stream_reader *reader, struct receive_result *result)
{
	struct receiving receiving = { .context = context, .wish = wish, .reader = reader };
	struct stream_record record;
	int rc = 0;

	memset(result, 0, sizeof(*result));
	while (!receive_interrupted && (rc = stream_reader_next(reader, &record)) > 0)
		;
	result->stream_bytes = stream_reader_bytes(reader);
	return rc || receive_interrupted ? bad_stream(&receiving) : STATUS_OK;
}

int receive_compare(struct context *context, const struct receive_wish *wish,
		    struct stream_reader *reader, struct receive_result *result)
{
	struct receiving receiving = {
		.context = context, .wish = wish, .reader = reader, .result = result,
	};
	struct target_wish target = {
		.read_only = true, .bytes = stream_reader_info(reader)->bytes,
	};
	int status;

	memset(result, 0, sizeof(*result));
	status = run(&receiving, &target);
	clear(&receiving);
	return status;
}
