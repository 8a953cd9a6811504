// SPDX-License-Identifier: GPL-2.0-only
/*
 * changes.c - which blocks of a shadow a backup has to copy, put together from what the module
 * tells of runs of blocks.
 *
 * A block that was written in between counts, whatever its contents are now.  One that was not
 * can read differently all the same: what was free at an instant reads as zeros in its image, so
 * where only one of the two instants found it free, one image has zeros and the other may have
 * what lay there.  A filesystem does not care; who wants the image to the last bit does.
 */
#include "changes.h"
#include "tracking.h"

uint32_t changes_want(const struct changes_choice *choice)
{
	return SHADOW_RUN_CHANGED | (choice->exact || choice->skip_free ? SHADOW_RUN_FREE : 0) |
	       (choice->exact ? SHADOW_RUN_WAS_FREE : 0);
}

bool changes_told(const struct changes_choice *choice, uint32_t state)
{
	bool is_free = state & SHADOW_RUN_FREE, was_free = state & SHADOW_RUN_WAS_FREE;

	if (choice->skip_free && is_free)
		return false;
	return state & SHADOW_RUN_CHANGED || (choice->exact && is_free != was_free);
}

/* The next run that is told. */
static int next_told(struct changes *changes, struct shadow_run *run)
{
	int rc;

	if (changes->ahead.bytes) {
		*run = changes->ahead;
		changes->ahead.bytes = 0;
		return 1;
	}
	do
		rc = changes->next(changes->data, run);
	while (rc > 0 && !changes_told(&changes->choice, run->state));
	return rc;
}

int changes_next(struct changes *changes, uint64_t *first, uint64_t *bytes)
{
	struct shadow_run run;
	int rc = next_told(changes, &run);

	if (rc <= 0)
		return rc;
	*first = run.first;
	*bytes = run.bytes;
	while ((rc = next_told(changes, &run)) > 0) {
		if (run.first != *first + *bytes) {
			changes->ahead = run;
			break;
		}
		*bytes += run.bytes;
	}
	return rc < 0 ? rc : 1;
}

/* --- names ------------------------------------------------------------------- */

int changes_find(struct context *context, const char *what, const char *name,
		 struct shadow_uuid *uuid)
{
	static const char cause[] = "no shadow and no base has this name";
	static const char remedy[] = "\"shadowadm list\" and \"shadowadm base list\" show those "
				     "that there are";
	int rc = shadowcopy_base_find(context->sc, name, uuid);
	json_t *error;

	if (rc != -ENOENT)
		return rc ? fail_library(context) : STATUS_OK;
	error = json_object();
	json_text(error, "errno", "ENOENT");
	json_text(error, "object", name);
	json_text(error, "cause", cause);
	json_text(error, "remedy", remedy);
	return fail_with(context, error, "cannot find the %s %s: %s. %s", what, name, cause,
			 remedy);
}

int changes_find_since(struct context *context, const char *name, const struct shadow_uuid *shadow,
		       const char *since_name, struct shadow_uuid *since)
{
	int rc = shadowcopy_base_find(context->sc, since_name, since);

	if (rc) {
		fail_library(context);
		return rc == -ENOENT ? STATUS_FULL_NEEDED : STATUS_FAILED;
	}
	if (uuid_equal(since, shadow))
		return usage(context, "%s since itself is nothing", name);
	return STATUS_OK;
}

/* --- where they are not known ----------------------------------------------- */

/* On which volume is it? */
static bool volume_of(struct context *context, const struct shadow_uuid *shadow,
		      struct shadow_dev *dev)
{
	struct shadow_shadow_info info = { 0 };
	struct shadow_base_info base = { 0 };

	while (shadowcopy_base_next(context->sc, &base) > 0)
		if (uuid_equal(&base.uuid, shadow)) {
			*dev = base.volume;
			return true;
		}
	while (shadowcopy_shadow_next(context->sc, &info) > 0)
		if (uuid_equal(&info.uuid, shadow)) {
			*dev = info.volume;
			return true;
		}
	return false;
}

/* Lists begin with the oldest; what tracking began with may have been deleted before that. */
static bool is_first(struct context *context, const struct shadow_tracking_info *info,
		     const struct shadow_uuid *shadow)
{
	struct shadow_base_info base = { 0 };

	while (shadowcopy_base_next(context->sc, &base) > 0)
		if (dev_equal(base.volume, info->volume))
			return uuid_equal(&base.uuid, shadow) && base.created_ns == info->began_ns;
	return false;
}

bool changes_nothing_before(struct context *context, const char *name,
			    const struct shadow_uuid *shadow)
{
	static const char remedy[] = "name an older one to compare with after --since, or copy "
				     "all of it";
	struct shadow_tracking_info info;
	struct shadow_dev dev;
	json_t *error;

	if (!volume_of(context, shadow, &dev) || !tracking_find(context->sc, dev, &info) ||
	    info.reason != SHADOW_TRACKING_BEGAN || !is_first(context, &info, shadow))
		return false;
	error = json_object();
	json_text(error, "errno", "ENODATA");
	json_text(error, "reason", shadowcopy_reason_name(SHADOW_REASON_CHANGES_UNKNOWN));
	json_text(error, "object", name);
	json_text(error, "cause", "tracking began with it: nothing lies before");
	json_text(error, "remedy", remedy);
	json_value(error, "tracking", tracking_json(context, &info));
	fail_with(context, error, "cannot tell what has changed in %s: tracking of %s began with "
		  "it: nothing lies before; %s", name, info.volume_name, remedy);
	return true;
}

/* Since when they are known, and why not longer. */
static void tell_since(struct context *context, const struct shadow_uuid *shadow, json_t *error)
{
	struct shadow_tracking_info info;
	struct shadow_dev dev;
	char since[32];

	if (!volume_of(context, shadow, &dev) || !tracking_find(context->sc, dev, &info)) {
		fprintf(stderr, "shadowadm %s: a full backup is needed\n", context->command->name);
		return;
	}
	tracking_began(&info, since);
	if (*since)
		fprintf(stderr, "shadowadm %s: a full backup is needed: changes of %s are known "
			"since %s, as %s\n", context->command->name, info.volume_name, since,
			shadowcopy_tracking_text(info.reason));
	else
		fprintf(stderr, "shadowadm %s: a full backup is needed: nothing is known of the "
			"changes of %s\n", context->command->name, info.volume_name);
	if (error)
		json_value(error, "tracking", tracking_json(context, &info));
}

int changes_failed(struct context *context, const struct shadow_uuid *shadow, json_t **error)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(context->sc);
	bool unknown = last->reason == SHADOW_REASON_CHANGES_UNKNOWN || last->code == -ENODATA;
	json_t *document = NULL;

	json_collect(&document);
	fail_library(context);
	json_collect(NULL);
	if (unknown)
		tell_since(context, shadow, json_object_get(document, "error"));
	if (error) {
		*error = json_incref(json_object_get(document, "error"));
		json_decref(document);
	} else if (document) {
		json_print(document);
	}
	return unknown ? STATUS_FULL_NEEDED : STATUS_FAILED;
}
