// SPDX-License-Identifier: GPL-2.0-only
/*
 * making.c - the steps of a set that may block, each run by a thread: what they have
 * is struct making, and nothing else of the daemon.
 */
#include <unistd.h>

#include "making.h"

#define SEAL_TRIES 100
#define SEAL_WAIT_US 100000

static void fails(struct making *making)
{
	making->rc = shadowcopy_last_error(making->sc)->code;
	failure_of_library(&making->failure, making->sc);
}

/* What the library finds, and not the module, has no phase. */
static void store_fails(struct making *making)
{
	fails(making);
	if (!shadowcopy_last_error(making->sc)->phase)
		snprintf(making->failure.phase, sizeof(making->failure.phase), "store");
}

static void no_memory(struct making *making)
{
	making->rc = -ENOMEM;
	failure_set(&making->failure, "OUTOFMEMORY", -ENOMEM, "store", "", "",
		    "there is not enough memory");
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
		store_fails(making);
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
	for (j = 0; j < choice->count; j++) {
		if (making->flags & SHADOW_SET_PERSISTENT)
			choice->stores[j].flags |= SHADOWCOPY_STORE_DURABLE;
		if (shadowcopy_part_open(making->sc, &making->volumes[i], &choice->stores[j],
					 &making->parts[i][j])) {
			store_fails(making);
			return making->rc;
		}
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

/* What is to be deleted in the shadows makes them writable for a while. */
static int find_trims(struct making *making)
{
	if (making->no_recover)
		return 0;
	if (shadowcopy_trim_new(making->sc, NULL, making->metadata, making->users,
				making->metadata_count, &making->trim)) {
		fails(making);
		return making->rc;
	}
	if (shadowcopy_trim_count(making->trim) && !(making->flags & SHADOW_SET_WRITABLE)) {
		making->recover = true;
		making->flags |= SHADOW_SET_WRITABLE;
	}
	return 0;
}

/* Two volumes may not have one store: the library says so when the second is opened. */
void making_plan(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	size_t i;

	if (find_trims(making))
		return;
	for (i = 0; i < making->count; i++)
		if (choose_asked(making, i))
			return;
	if (shadowcopy_choose(making->sc, making->volumes, making->count, making->choices)) {
		store_fails(making);
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

/* What did not come to rest: the module's device, or the only volume, or any of them. */
static void name_volume(struct making *making)
{
	const struct shadow_dev *dev = &making->step.fault.dev;
	struct failure *failure = &making->failure;
	struct shadowcopy_volume volume;

	if (*failure->object)
		return;
	if (dev->major || dev->minor) {
		shadowcopy_describe(making->sc, *dev, &volume);	/* may lie above a volume */
		snprintf(failure->object, sizeof(failure->object), "%.200s", volume.path);
	} else if (making->count == 1) {
		snprintf(failure->object, sizeof(failure->object), "%.200s",
			 making->volumes[0].path);
	} else {
		snprintf(failure->object, sizeof(failure->object), "the %zu volumes of the set",
			 making->count);
	}
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
	name_volume(making);
	phase = shadowcopy_last_error(making->sc)->phase;
	if (phase == SHADOW_PHASE_FREEZE || phase == SHADOW_PHASE_HOLD)
		return;		/* nothing was preserved: what was on devices comes back */
	for (i = 0; i < making->count; i++)
		for (j = 0; j < making->choices[i].count; j++)
			if (making->choices[i].stores[j].type == SHADOW_STORE_DEVICE)
				shadowcopy_part_keep(making->parts[i][j]);
}

void making_list(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	struct shadow_shadow_info info = { 0 };
	int rc;

	while ((rc = shadowcopy_shadow_next(making->sc, &info)) > 0)
		if (uuid_same(&info.set, &making->step.set) &&
		    making->shadow_count < SHADOW_MAX_SET_VOLUMES)
			making->shadows[making->shadow_count++] = info;
	if (rc < 0)
		fails(making);
}

/* As well as it can be done: what is left does no harm. */
void making_trim(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	const struct shadowcopy_plan_entry *entry;
	struct shadowcopy_trimmed trimmed;
	char device[32];
	size_t i, j;

	if (!making->trim || !shadowcopy_trim_count(making->trim))
		return;
	for (i = 0; i < making->shadow_count; i++) {
		snprintf(device, sizeof(device), "/dev/shadow%u", making->shadows[i].index);
		for (j = 0; (entry = shadowcopy_plan_entry(making->plan, j)); j++)
			if (!memcmp(&entry->dev, &making->shadows[i].volume, sizeof(entry->dev)))
				break;
		if (!entry || !*entry->mountpoint || !*entry->fstype)
			continue;
		if (shadowcopy_trim_run(making->trim, device, entry->fstype, entry->mountpoint,
					&trimmed))
			snprintf(making->trim_problem, sizeof(making->trim_problem), "%s",
				 shadowcopy_last_error(making->sc)->text);
		making->trimmed_files += trimmed.files;
		making->trimmed_bytes += trimmed.bytes;
	}
}

/* Writers have let go of the shadows by now; udev may be looking at them. */
void making_seal(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	unsigned int tries;

	if (!making->recover)
		return;
	for (tries = 0; tries < SEAL_TRIES; tries++) {
		if (!shadowcopy_change(making->sc, SHADOW_KIND_SET, &making->step.set,
				       SHADOW_CHANGE_SEAL, NULL))
			return;
		if (shadowcopy_last_error(making->sc)->code != -EBUSY)
			break;
		usleep(SEAL_WAIT_US);
	}
	fails(making);
}

/*
 * What stays with the volumes.  The shadows stay from here on only: what is given up before, or
 * has no coordinator any more, leaves none that could be written to, or are not trimmed.
 */
void making_finish(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);
	size_t i, j;

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
	if (making->keep && shadowcopy_set_keep(making->set, NULL))
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
	shadowcopy_trim_free(making->trim);
	free(making->metadata);
	free(making->users);
	making->trim = NULL;
	making->metadata = NULL;
	making->users = NULL;
}
