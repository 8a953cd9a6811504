/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writers.h - sets that the coordinator makes, with applications at rest.
 */
#ifndef SHADOWADM_WRITERS_H
#define SHADOWADM_WRITERS_H

#include "shadowadm.h"

#define WRITERS_EXCLUDED_MAX 64

/* What is asked of the coordinator. */
struct writers_request {
	bool degrade;			/* a writer's failure costs consistency, not the set */
	const char *excluded[WRITERS_EXCLUDED_MAX];
	size_t excluded_count;
	uint32_t context;
	uint32_t flags;			/* SHADOW_SET_* */
	uint32_t timeout_ms;
	const char *document;		/* where the documents go, or NULL */
	bool directory;			/* that is a directory */
};

struct shadowcopy_requester;

/*
 * Have a set made of these volumes, with their stores where @stores says so.  @step: out:
 * its identity and times.  @answer: out: what the coordinator said, to be put.  @session: out:
 * to be closed; without SHADOW_SET_NO_AUTO_RELEASE the shadows go with it.
 */
int writers_take(struct context *context, const struct writers_request *request,
		 const char *const *volumes, const char *const *stores, size_t count,
		 struct shadow_set_step *step, json_t **answer,
		 struct shadowcopy_requester **session);

/*
 * What was copied is good: writers hear that, and the documents are saved.  They hear that it is
 * not where the session is closed without it.
 */
int writers_complete(struct context *context, const struct writers_request *request,
		     struct shadowcopy_requester *session);

/* Say what is less than could be wished: STATUS_OK or STATUS_DEGRADED. */
int writers_check(struct context *context, json_t *answer);

#endif /* SHADOWADM_WRITERS_H */
