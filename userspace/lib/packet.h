/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet.h - calls to the coordinator over its socket, for requester.c and writer.c.
 *
 * A packet is one JSON object; with it a document can go, in a sealed memfd.
 */
#ifndef SHADOWCOPY_PACKET_H
#define SHADOWCOPY_PACKET_H

#include <jansson.h>

#include "document.h"
#include "private.h"

struct sc_link;

/* 0, or sc_fail()'s answer; @path NULL: the usual one.  To be closed by sc_link_close(). */
int sc_link_open(struct shadowcopy *sc, const char *path, struct sc_link **linkp);
void sc_link_close(struct sc_link *link);
int sc_link_fd(const struct sc_link *link);

/* Whether an answer is outstanding. */
bool sc_link_waits(const struct sc_link *link);

/*
 * Call something.  @arguments is stolen, NULL: none; @text, if not NULL, goes with it as a
 * document.  0, -EBUSY, -E2BIG, -EPIPE or another negative errno, explained.
 */
int sc_link_call(struct sc_link *link, const char *call, json_t *arguments, const char *text,
		 size_t size);

/*
 * Abort the call that is under way, if there is one: its answer tells what became of it.  0, -EPIPE
 * or another negative errno, explained.
 */
int sc_link_abort(struct sc_link *link);

/*
 * The answer: 0 (done), -EAGAIN (not within @timeout_ms, which is < 0: for ever), -EPIPE, or
 * what failed, explained.
 */
int sc_link_wait(struct sc_link *link, int timeout_ms);

/* Of the last answer: its result or error, the link's; and VSS' name of a failure, or "". */
json_t *sc_link_body(const struct sc_link *link);
const char *sc_link_code(const struct sc_link *link);

/* The document that came with it, which is the caller's from then on, or -1. */
int sc_link_take_document(struct sc_link *link);

/* Members of an object; "" and NULL where they are not there. */
const char *sc_text_of(json_t *object, const char *key);
json_t *sc_member_of(json_t *object, const char *key);

#endif /* SHADOWCOPY_PACKET_H */
