// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_policy.c - shadowadm store policy: what happens when a volume's store is full.
 *
 * It is an option of one of the volume's lines in stores.conf, the first that has one,
 * or else the first.  Like VSS (E-08) it needs an association to be kept.
 */
#include "store.h"
#include "stores.h"

/* The line that has the volume's policy or would get it; -1: the volume has none. */
static ssize_t find_line(struct shadowcopy_stores *stores, const struct shadowcopy_volume *volume)
{
	const struct shadowcopy_association *entry;
	ssize_t first = -1;
	size_t index = 0;

	while ((entry = shadowcopy_stores_next(stores, volume->dev, &index))) {
		if (entry->policy)
			return index - 1;
		if (first < 0)
			first = index - 1;
	}
	return first;
}

/* One line has it from now on: two lines cannot say different things. */
static int drop_policies(struct shadowcopy_stores *stores, const struct shadowcopy_volume *volume)
{
	const struct shadowcopy_association *old;
	struct shadowcopy_association entry;
	size_t index = 0;
	int rc = 0;

	while (!rc && (old = shadowcopy_stores_next(stores, volume->dev, &index))) {
		if (!old->policy)
			continue;
		entry = *old;
		entry.policy = 0;
		entry.throttle_ms = 0;
		rc = shadowcopy_stores_change(stores, index - 1, &entry);
	}
	return rc;
}

static int show(struct context *context, const struct shadowcopy_volume *volume)
{
	const struct shadowcopy_association *entry;
	struct shadowcopy_stores *stores;
	json_t *object;
	uint32_t policy = SHADOW_POLICY_EVICT, throttle_ms = 0;
	ssize_t index;

	if (shadowcopy_stores_open(context->sc, 0, &stores))
		return fail_library(context);
	index = find_line(stores, volume);
	entry = index < 0 ? NULL : shadowcopy_stores_entry(stores, index);
	if (entry && entry->policy) {
		policy = entry->policy;
		throttle_ms = entry->throttle_ms;
	}
	shadowcopy_stores_close(stores);
	if (context->json) {
		object = json_object();
		json_text(object, "volume", volume->path);
		json_text(object, "policy", shadowcopy_policy_name(policy));
		json_value(object, "throttle_ms", throttle_ms ? number_json(throttle_ms) : NULL);
		return json_print(object);
	}
	printf("%s", shadowcopy_policy_name(policy));
	if (throttle_ms)
		printf(" for %g s", throttle_ms / 1000.0);
	putchar('\n');
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int set(struct context *context, const struct shadowcopy_volume *volume, uint32_t policy,
	       uint32_t throttle_ms)
{
	struct shadowcopy_association entry;
	struct shadow_volume_info info;
	struct shadowcopy_stores *stores;
	ssize_t index;
	int rc;

	if (shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores))
		return fail_library(context);
	index = find_line(stores, volume);
	if (index < 0) {
		shadowcopy_stores_close(stores);
		return fail(context, "%s has no association that could keep a policy: give it a "
			    "store with \"shadowadm store add\" first", volume->path);
	}
	rc = drop_policies(stores, volume);
	entry = *shadowcopy_stores_entry(stores, index);
	entry.policy = policy;
	entry.throttle_ms = throttle_ms;
	rc = rc ? rc : shadowcopy_stores_change(stores, index, &entry);
	rc = rc ? rc : shadowcopy_stores_commit(stores);
	/* a volume that is not tracked gets it with its next shadow */
	if (!rc && !shadowcopy_volume_find(context->sc, volume->dev, &info))
		rc = shadowcopy_volume_policy(context->sc, volume->dev, policy, throttle_ms);
	if (rc)
		fail_library(context);
	shadowcopy_stores_close(stores);
	if (rc)
		return STATUS_FAILED;
	return context->json ? show(context, volume) : STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_THROTTLE = OPTION_OWN };
	static const struct option longs[] = {
		{ "throttle", required_argument, NULL, OPTION_THROTTLE },
		{ 0 }
	};
	struct shadowcopy_volume volume;
	const char *throttle = NULL, *wrong;
	uint64_t throttle_ms = 0;
	uint32_t policy = 0;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_THROTTLE)
			return status;
		throttle = optarg;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return usage(context, "it takes a volume, and a policy to set it");
	if (argc - optind == 2 && shadowcopy_policy_parse(argv[optind + 1], &policy))
		return usage(context, "there is no policy \"%s\"; there are evict, throttle and "
			     "fail-io", argv[optind + 1]);
	if (throttle && policy != SHADOW_POLICY_THROTTLE)
		return usage(context, "--throttle is for the policy \"throttle\"");
	if (throttle) {
		wrong = seconds_parse(throttle, &throttle_ms);
		if (!wrong && (!throttle_ms || throttle_ms > 3600000))
			wrong = "it must be between 0.001 and 3600 seconds";
		if (wrong)
			return usage(context, "--throttle %s: %s", throttle, wrong);
	}
	if (shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	return policy ? set(context, &volume, policy, throttle_ms) : show(context, &volume);
}

const struct command store_policy = {
	.name = "store policy",
	.summary = "Show or set what happens when the store of a volume is full",
	.synopsis = "VOLUME [evict|throttle|fail-io] [OPTIONS]",
	.text = "  evict     the oldest shadow that is neither pinned nor in use goes (default)\n"
		"  throttle  writes that need old data preserved wait for room; then as evict\n"
		"  fail-io   all writes to the volume fail, the shadows stay\n\n"
		"It is kept in /etc/shadowcopy/stores.conf, in a line of the volume's own, and\n"
		"holds at once; \"shadowadm volume policy\" is for as long as the volume is tracked.\n\n"
		"Options:\n"
		"      --throttle SECONDS\n"
		"                        how long writes wait, 0.001 to 3600 (30)\n"
		COMMON_HELP,
	.run = run,
};
