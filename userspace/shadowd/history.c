// SPDX-License-Identifier: GPL-2.0-only
/*
 * history.c - how writers failed, when the sessions that they failed in are long over.
 *
 * A writer's state is of a session, and goes with it, so nothing is ever stuck.  But who looks
 * after the machine comes later, and wants to know.  The last failure of each instance is
 * kept; where too many have failed, the oldest one goes.
 */
#include "shadowd.h"

#define KEPT 256

static struct failed {
	struct shadow_uuid instance;
	int64_t when_ms;	/* 0: this one is empty */
	uint32_t at, result, status, app_code;
	char text[SHADOW_NL_TEXT_MAX + 1];
} kept[KEPT];

/* That of an instance, or NULL. */
static struct failed *find(const struct shadow_uuid *instance)
{
	size_t i;

	for (i = 0; i < KEPT; i++)
		if (kept[i].when_ms && uuid_same(&kept[i].instance, instance))
			return &kept[i];
	return NULL;
}

static struct failed *oldest(void)
{
	struct failed *oldest = kept;
	size_t i;

	for (i = 1; i < KEPT; i++)
		if (kept[i].when_ms < oldest->when_ms)
			oldest = &kept[i];
	return oldest;
}

void history_note(const struct participant *p)
{
	struct failed *failed = find(&p->info.instance_id) ?: oldest();

	failed->instance = p->info.instance_id;
	failed->when_ms = now_ms();
	failed->at = p->failed_at;
	failed->result = p->result;
	failed->status = p->status;
	failed->app_code = p->app_code;
	memcpy(failed->text, p->text, sizeof(failed->text));
}

json_t *history_json(const struct shadow_uuid *instance)
{
	const struct failed *failed = find(instance);

	if (!failed)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:I}", "at", shadowcopy_tell_name(failed->at),
			 "result", shadowcopy_result_name(failed->result),
			 "status", shadowcopy_status_name(failed->status),
			 "app_code", (int)failed->app_code, "text", failed->text,
			 "seconds_ago", (json_int_t)(now_ms() - failed->when_ms) / 1000);
}
