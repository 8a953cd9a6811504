// SPDX-License-Identifier: GPL-2.0-only
/*
 * making.c - the steps of a set that may block, each run by a thread: what they have
 * is struct making, and nothing else of the daemon.
 */
#include "making.h"

static void fails(struct making *making)
{
	making->rc = shadowcopy_last_error(making->sc)->code;
	failure_of_library(&making->failure, making->sc);
}

static void no_memory(struct making *making)
{
	making->rc = -ENOMEM;
	failure_set(&making->failure, "OUTOFMEMORY", -ENOMEM, "store", "", "",
		    "there is not enough memory");
}

void making_resolve(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);

	making->rc = 0;
	if (shadowcopy_resolve(making->sc, making->name, &making->volumes[making->count]))
		fails(making);
}

/* What was asked for, unless the volume has it already. */
static int choose_asked(struct making *making, size_t i)
{
	struct shadowcopy_choice *choice = &making->choices[i];
	struct shadow_store_info part = { 0 };

	if (!making->stores[i])
		return 0;
	choice->stores = calloc(1, sizeof(*choice->stores));
	if (!choice->stores) {
		no_memory(making);
		return making->rc;
	}
	if (shadowcopy_store_parse(making->sc, making->stores[i], choice->stores)) {
		fails(making);
		return making->rc;
	}
	choice->rule = SHADOWCOPY_RULE_ASKED;
	choice->count = !!shadowcopy_part_find(making->sc, making->volumes[i].dev, choice->stores,
					       &part);
	return 0;
}

static int open_parts(struct making *making, size_t i)
{
	struct shadowcopy_choice *choice = &making->choices[i];
	uint32_t j;

	making->parts[i] = calloc(choice->count + 1, sizeof(*making->parts[i]));
	if (!making->parts[i]) {
		no_memory(making);
		return making->rc;
	}
	for (j = 0; j < choice->count; j++)
		if (shadowcopy_part_open(making->sc, &making->volumes[i], &choice->stores[j],
					 &making->parts[i][j])) {
			fails(making);
			return making->rc;
		}
	return 0;
}

static int plan_one(struct making *making, size_t i)
{
	struct shadow_store_spec spec = { 0 };
	uint32_t j;
	int rc;

	if (making->choices[i].count)
		spec = *shadowcopy_part_spec(making->parts[i][0]);
	rc = shadowcopy_plan_volume(making->plan, making->volumes[i].dev, &spec);
	for (j = 1; !rc && j < making->choices[i].count; j++)
		rc = shadowcopy_plan_part(making->plan, making->volumes[i].dev,
					  shadowcopy_part_spec(making->parts[i][j]));
	if (rc)
		fails(making);
	return rc;
}

/* Two volumes may not have one store: the library says so when the second is opened. */
void making_plan(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	size_t i;

	for (i = 0; i < making->count; i++)
		if (choose_asked(making, i))
			return;
	if (shadowcopy_choose(making->sc, making->volumes, making->count, making->choices)) {
		fails(making);
		return;
	}
	if (shadowcopy_plan_new(making->sc, &making->plan)) {
		fails(making);
		return;
	}
	for (i = 0; i < making->count; i++)
		if (open_parts(making, i) || plan_one(making, i))
			return;
	if (shadowcopy_plan_compute(making->plan) ||
	    shadowcopy_set_new(making->sc, making->flags, making->timeout_ms, making->context,
			       &making->set) ||
	    shadowcopy_plan_apply(making->plan, making->set))
		fails(making);
}

void making_sync(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);

	if (shadowcopy_plan_sync(making->plan) < 0)
		fails(making);
}

/* From the first freeze of a filesystem to the last thaw: one call. */
void making_take(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	uint32_t phase;
	size_t i, j;

	if (!shadowcopy_set_take(making->set, &making->step))
		return;
	fails(making);
	phase = shadowcopy_last_error(making->sc)->phase;
	if (phase == SHADOW_PHASE_FREEZE || phase == SHADOW_PHASE_HOLD)
		return;		/* nothing was preserved: what was on devices comes back */
	for (i = 0; i < making->count; i++)
		for (j = 0; j < making->choices[i].count; j++)
			if (making->choices[i].stores[j].type == SHADOW_STORE_DEVICE)
				shadowcopy_part_keep(making->parts[i][j]);
}

/* What stays with the volumes, and what the shadows are. */
void making_finish(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	struct shadow_shadow_info info = { 0 };
	size_t i, j;
	int rc;

	for (i = 0; i < making->count; i++) {
		for (j = 0; j < making->choices[i].count; j++)
			shadowcopy_part_keep(making->parts[i][j]);
		if (making->choices[i].policy &&
		    shadowcopy_volume_policy(making->sc, making->volumes[i].dev,
					     making->choices[i].policy,
					     making->choices[i].throttle_ms)) {
			fails(making);
			return;
		}
	}
	while ((rc = shadowcopy_shadow_next(making->sc, &info)) > 0)
		if (uuid_same(&info.set, &making->step.set) &&
		    making->shadow_count < SHADOW_MAX_SET_VOLUMES)
			making->shadows[making->shadow_count++] = info;
	if (rc < 0)
		fails(making);
}

/* Everything goes, the shadows too unless they are to stay. */
void making_release(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	size_t i, j;

	shadowcopy_set_close(making->set);
	shadowcopy_plan_free(making->plan);
	for (i = 0; i < making->count; i++) {
		for (j = 0; making->parts[i] && j < making->choices[i].count; j++)
			shadowcopy_part_close(making->parts[i][j]);
		free(making->parts[i]);
		shadowcopy_choice_clear(&making->choices[i]);
		free(making->stores[i]);
	}
	shadowcopy_free(making->sc);
	making->set = NULL;
	making->plan = NULL;
	making->sc = NULL;
	making->count = 0;
}
