/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-requester.h - for requesters: programs that have shadows made while
 * applications are at rest, as a rule to back them up.
 *
 * A requester is a connection to shadowd, and one session with it: one backup.  It
 * calls one thing after the other; each call is answered once, at once or after
 * minutes, and meanwhile its descriptor can be polled.  When the connection ends, for
 * whatever reason, all that was begun is undone, writers hear that the backup is over,
 * and shadows that were not to stay are deleted.
 *
 * Arguments and results are JSON objects; Documentation/coordinator.rst has all calls,
 * and in which order they may come.
 *
 * Conventions and errors are those of libshadowcopy.h.
 */
#ifndef LIBSHADOWCOPY_REQUESTER_H
#define LIBSHADOWCOPY_REQUESTER_H

#include <libshadowcopy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy_requester;

/**
 * shadowcopy_requester_open() - connect to the coordinator
 * @sc: the handle; outlives the requester
 * @path: its socket, NULL for the usual one
 * @requesterp: out
 *
 * Return: 0, -ENOENT or -ECONNREFUSED (it does not run), -EACCES, or another negative errno.
 */
int shadowcopy_requester_open(struct shadowcopy *sc, const char *path,
			      struct shadowcopy_requester **requesterp);

/**
 * shadowcopy_requester_close() - end the session
 * @requester: the requester, or NULL
 */
void shadowcopy_requester_close(struct shadowcopy_requester *requester);

/* A descriptor that polls readable when shadowcopy_requester_wait() has an answer. */
int shadowcopy_requester_fd(const struct shadowcopy_requester *requester);

/**
 * shadowcopy_requester_begin() - call something, without waiting for the answer
 * @requester: the requester
 * @call: "create-set" ...
 * @arguments: a JSON object, or NULL: none
 *
 * Return: 0, -EBUSY (the call before is not answered yet), -EINVAL (that is no JSON
 * object), -EPIPE (the coordinator is gone), or another negative errno.
 */
int shadowcopy_requester_begin(struct shadowcopy_requester *requester, const char *call,
			       const char *arguments);

/**
 * shadowcopy_requester_wait() - the answer to what was begun
 * @requester: the requester
 * @timeout_ms: how long to wait for it; 0: not at all; < 0: for ever
 *
 * Return: 0 (done), -EAGAIN (not yet), -EPIPE (the coordinator is gone), or the negative
 * errno of what failed; shadowcopy_last_error() has what the coordinator says of it.
 */
int shadowcopy_requester_wait(struct shadowcopy_requester *requester, int timeout_ms);

/* The result of the last call, or what is known of its failure: a JSON object. */
const char *shadowcopy_requester_result(const struct shadowcopy_requester *requester);

/* VSS' name of the last failure, "BAD_STATE" ..., or "". */
const char *shadowcopy_requester_code(const struct shadowcopy_requester *requester);

/* shadowcopy_requester_begin(), and shadowcopy_requester_wait() for ever. */
int shadowcopy_requester_call(struct shadowcopy_requester *requester, const char *call,
			      const char *arguments);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_REQUESTER_H */
