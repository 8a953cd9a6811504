// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - what happens when a store is full, as the commands say it.
 */
#include "policy.h"

static const char *const names[] = { "evict", "throttle", "fail-io" };

const char *policy_parse(const char *text, uint32_t *policy, uint32_t *throttle_ms)
{
	static char message[160];
	size_t length = strcspn(text, "=");
	char name[32];
	const char *near, *wrong;
	uint64_t ms;

	*throttle_ms = 0;
	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	if (shadowcopy_policy_parse(name, policy)) {
		near = nearest(name, names, ARRAY_SIZE(names));
		snprintf(message, sizeof(message), "there is no such policy%s%s%s",
			 near ? "; did you mean \"" : "", near ?: "", near ? "\"?" : "");
		return message;
	}
	if (!text[length])
		return NULL;
	if (*policy != SHADOW_POLICY_THROTTLE)
		return "only throttle takes a time";
	wrong = seconds_parse(text + length + 1, &ms);
	if (wrong)
		return wrong;
	if (!ms)
		return "to wait for no time is the policy evict; without a time it is 30 seconds";
	if (ms > SHADOW_THROTTLE_MAX_MS)
		return "writes may be throttled for an hour at most";
	*throttle_ms = ms;
	return NULL;
}

char *policy_text(uint32_t policy, uint32_t throttle_ms, char buf[32])
{
	if (policy == SHADOW_POLICY_THROTTLE)
		snprintf(buf, 32, "throttle=%g", throttle_ms / 1000.0);
	else
		snprintf(buf, 32, "%s", shadowcopy_policy_name(policy));
	return buf;
}

static int print(struct context *context, const struct shadowcopy_volume *volume)
{
	struct shadow_volume_info info;
	json_t *object;
	char text[32];

	if (shadowcopy_volume_find(context->sc, volume->dev, &info))
		return fail_library(context);
	policy_text(info.policy, info.throttle_ms, text);
	if (!context->json) {
		puts(text);
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	object = json_object();
	json_text(object, "volume", info.name);
	json_text(object, "policy", text);
	json_text(object, "fault", info.protect_fault ?
		  shadowcopy_protect_fault_name(info.protect_fault) : NULL);
	return json_print(object);
}

int policy_command(struct context *context, int argc, char **argv)
{
	struct shadowcopy_volume volume;
	uint32_t policy, throttle_ms;
	struct shadow_volume_info info;
	const char *wrong;
	char text[32];

	if (argc < 1 || argc > 2)
		return usage(context, "a policy is set, or shown, for one volume: "
			     POLICY_SYNOPSIS);
	if (argc == 2) {
		wrong = policy_parse(argv[1], &policy, &throttle_ms);
		if (wrong)
			return usage(context, "%s: %s", argv[1], wrong);
	}
	if (shadowcopy_resolve(context->sc, argv[0], &volume))
		return fail_library(context);
	if (argc == 1)
		return print(context, &volume);
	if (shadowcopy_volume_policy(context->sc, volume.dev, policy, throttle_ms))
		return fail_library(context);
	if (shadowcopy_volume_find(context->sc, volume.dev, &info))
		return fail_library(context);
	progress(context, "%s: %s", volume.path, policy_text(info.policy, info.throttle_ms, text));
	if (policy != SHADOW_POLICY_FAIL_IO && info.protect_fault)
		warn(context, "%s is faulted still: \"shadowadm volume clear-fault %s\"",
		     volume.path, volume.path);
	return context->json ? print(context, &volume) : STATUS_OK;
}
