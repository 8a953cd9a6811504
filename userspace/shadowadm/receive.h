/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * receive.h - receiving a stream: whether it fits the target, and doing it.
 */
#ifndef SHADOWADM_RECEIVE_H
#define SHADOWADM_RECEIVE_H

#include <signal.h>

#include "meter.h"
#include "receive_state.h"
#include "target.h"

/* What was asked for. */
struct receive_wish {
	const char *input;		/* NULL: standard input */
	const char *target;
	const char *base;		/* of a qcow2 image */
	enum target_format format;
	bool verify;
	bool verify_only;
	bool nothing;			/* it is that already */
	bool force;
	bool resume;
	bool assume_base;
	enum meter_show show;
};

/* --- receive_plan.c ---------------------------------------------------------------------- */

/* How the stream goes with what there is. */
enum receive_how {
	RECEIVE_ANEW,		/* into nothing, or over what is not wanted */
	RECEIVE_ON_BASE,	/* in place: it is what the base was */
	RECEIVE_CONTINUED,	/* the stream begins where the target has come to */
	RECEIVE_SKIPPING,	/* the stream has again what the target has already */
	RECEIVE_NOTHING,	/* the target is all of it already, and was not changed since */
};

struct receive_plan {
	enum receive_how how;
	char *state_path;
	char *base;			/* file of the base of a qcow2 image, or NULL */
	bool overwrite;			/* what is there is not to be kept */
	bool known;			/* there is a state */
	struct receive_state found;	/* it */
	bool assumed;			/* that it is the base, or what that came from was */
	struct receive_state state;	/* as it is to be when the first byte is written */
};

/*
 * Does the stream fit?  Changes nothing.  STATUS_OK, or STATUS_FAILED with a message; to be
 * cleared in any case.
 */
int receive_plan(struct context *context, const struct receive_wish *wish,
		 const struct stream_info *info, struct receive_plan *plan);
/* Once the target is ours: is what was planned with still so?  Likewise. */
int receive_plan_holds(struct context *context, const struct receive_wish *wish,
		       const struct receive_plan *plan);
void receive_plan_clear(struct receive_plan *plan);

/* SHA-256 of the beginning of a target; what is shorter counts as far as it goes. */
int receive_head_sum(struct target *target, uint8_t sum[STREAM_SUM]);

/* Time of the last change of a file, nanoseconds; 0: it cannot be told. */
int64_t receive_changed(const char *path);

/* --- receive.c --------------------------------------------------------------------------- */

struct receive_result {
	uint64_t stream_bytes;
	uint64_t records;	/* written, or compared */
	uint64_t data_bytes;
	uint64_t hole_bytes;
	uint64_t skipped;	/* records that the target had already */
	double seconds;
};

/* STATUS_OK: the target is what the shadow is, and that is on stable storage. */
int receive(struct context *context, const struct receive_wish *wish,
	    struct stream_reader *reader, struct receive_plan *plan,
	    struct receive_result *result);

/* Only read the stream: it is whole, and who sends it can end. */
int receive_nothing(struct context *context, const struct receive_wish *wish,
		    struct stream_reader *reader, struct receive_result *result);

/* The target as it is has all that the stream says. */
int receive_compare(struct context *context, const struct receive_wish *wish,
		    struct stream_reader *reader, struct receive_result *result);

/* Why it is not whole, a word for programs: "cut", "damaged", or NULL. */
const char *receive_stream_reason(const struct stream_reader *reader);

/* A signal has asked for an end. */
extern volatile sig_atomic_t receive_interrupted;

#endif /* SHADOWADM_RECEIVE_H */
