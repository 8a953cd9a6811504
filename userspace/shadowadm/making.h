/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * making.h - the making of a set of shadows, by us or by the coordinator: for those who have
 * something to do with it afterwards.
 */
#ifndef SHADOWADM_MAKING_H
#define SHADOWADM_MAKING_H

#include "libshadowcopy-requester.h"
#include "shadow_table.h"
#include "stores.h"
#include "writers.h"

/* What is asked for, and what comes of it. */
struct making {
	size_t count;
	struct store_options options;
	uint32_t context;
	uint32_t timeout_ms;
	uint32_t flags;			/* SHADOW_SET_* */
	bool dry_run;
	bool no_free_space;
	bool with_writers;
	struct writers_request writers;
	struct store_request volumes[SHADOW_MAX_SET_VOLUMES];
	struct shadowcopy_plan *plan;
	struct shadow_set_step step;	/* identity and times of the set */
	json_t *answer;			/* of the coordinator */
	struct shadowcopy_set *set;	/* owns the shadows, or NULL */
	struct shadowcopy_requester *session;	/* likewise */
};

/* NULL: there is not enough memory, which was said. */
struct making *making_new(struct context *context);

/*
 * The end of it: without SHADOW_SET_NO_AUTO_RELEASE that of the shadows, too.  NULL is allowed.
 */
void making_free(struct context *context, struct making *making);

/* --- options ------------------------------------------------------------------- */

enum {
	MAKING_STORE = OPTION_OWN, MAKING_MAX, MAKING_INITIAL, MAKING_FORCE, MAKING_CONTEXT,
	MAKING_TIMEOUT, MAKING_WRITABLE, MAKING_WRITERS, MAKING_NO_WRITERS, MAKING_DEGRADE,
	MAKING_EXCLUDE_WRITER, MAKING_DOCUMENT, MAKING_NO_FREE_SPACE, OPTION_NOT_MAKING,
};

#define MAKING_OPTIONS \
	{ "store", required_argument, NULL, MAKING_STORE }, \
	{ "max", required_argument, NULL, MAKING_MAX }, \
	{ "initial", required_argument, NULL, MAKING_INITIAL }, \
	{ "force", no_argument, NULL, MAKING_FORCE }, \
	{ "context", required_argument, NULL, MAKING_CONTEXT }, \
	{ "timeout", required_argument, NULL, MAKING_TIMEOUT }, \
	{ "writable", no_argument, NULL, MAKING_WRITABLE }, \
	{ "writers", no_argument, NULL, MAKING_WRITERS }, \
	{ "no-writers", no_argument, NULL, MAKING_NO_WRITERS }, \
	{ "degrade", no_argument, NULL, MAKING_DEGRADE }, \
	{ "exclude-writer", required_argument, NULL, MAKING_EXCLUDE_WRITER }, \
	{ "document", required_argument, NULL, MAKING_DOCUMENT }, \
	{ "no-free-space", no_argument, NULL, MAKING_NO_FREE_SPACE }

/* One of these.  STATUS_OK or STATUS_USAGE. */
int making_option(struct context *context, struct making *making, int option, const char *argument);

/* One more volume, as it is named.  STATUS_OK or STATUS_USAGE. */
int making_volume(struct context *context, struct making *making, const char *name);

/* Do they fit together?  Then make ready where documents go.  STATUS_OK or what is wrong. */
int making_check(struct context *context, struct making *making);

/* --- steps, in this order -------------------------------------------------------- */

/* Find the volumes and their stores, and what must be frozen with them. */
int making_plan(struct context *context, struct making *making);

/*
 * The instant.  ->step has what it took; shadows that are not to outlive us have their owner in
 * ->set or ->session.
 */
int making_take(struct context *context, struct making *making);

/* The shadows of the set in the order of the volumes.  Their number, or < 0. */
ssize_t making_collect(struct context *context, const struct making *making,
		       struct shadow_row *rows);

/*
 * Warnings about shadows that exist, and if that is wanted tell the module what is free on them.
 * STATUS_OK or STATUS_DEGRADED.
 */
int making_settle(struct context *context, const struct making *making, struct shadow_row *rows);

/* The set, its shadows, and what the coordinator says. */
json_t *making_json(struct context *context, const struct making *making,
		    const struct shadow_row *rows);

/* Of an answer of the coordinator what everybody is told. */
void making_add_told(json_t *document, json_t *answer);

#endif /* SHADOWADM_MAKING_H */
