// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * volume.c - tracked volumes: the list, beginning and end of tracking, policies.
 */
#include "private.h"

SC_EXPORT int shadowcopy_volume_next(struct shadowcopy *sc, struct shadow_volume_info *info)
{
	struct shadow_volume_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_VOLUME_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the tracked volumes");
	*info = next;
	return 1;
}

SC_EXPORT int shadowcopy_volume_find(struct shadowcopy *sc, struct shadow_dev dev,
				     struct shadow_volume_info *info)
{
	char label[SHADOWCOPY_PATH_MAX];
	int rc;

	memset(info, 0, sizeof(*info));
	while ((rc = shadowcopy_volume_next(sc, info)) > 0)
		if (sc_dev_equal(info->dev, dev))
			return 0;
	if (rc)
		return rc;
	sc_dev_label(sc, dev, label, sizeof(label));
	return SC_FAIL(sc, -ENOENT, .action = "find the volume", .object = label,
		       .cause = "it is not tracked",
		       .remedy = "\"shadowadm volume list\" shows the tracked volumes");
}

static int track(struct shadowcopy *sc, unsigned long request, struct shadow_dev dev,
		 uint64_t memory_bytes, uint64_t changes_bytes, const char *action)
{
	struct shadow_volume_track track = {
		.dev = dev, .memory_bytes = memory_bytes, .changes_bytes = changes_bytes,
	};
	char label[SHADOWCOPY_PATH_MAX];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, request, &track);
	if (!rc)
		return 0;
	sc_dev_label(sc, dev, label, sizeof(label));
	if (request == SHADOW_IOC_VOLUME_UNTRACK && (rc == -ENODEV || rc == -ENOENT))
		return SC_FAIL(sc, rc, .action = action, .object = label,
			       .cause = "it is not tracked",
			       .remedy = "\"shadowadm volume list\" shows the tracked volumes");
	if (rc == -EEXIST)
		return SC_FAIL(sc, rc, .action = action, .object = label,
			       .cause = "it is tracked already",
			       .remedy = "stop tracking it first to change how");
	return SC_FAIL(sc, rc, .action = action, .object = label, .fault = &track.fault);
}

SC_EXPORT int shadowcopy_volume_track(struct shadowcopy *sc, struct shadow_dev dev,
				      uint64_t memory_bytes)
{
	return track(sc, SHADOW_IOC_VOLUME_TRACK, dev, memory_bytes, 0, "track");
}

SC_EXPORT int shadowcopy_volume_track_changes(struct shadowcopy *sc, struct shadow_dev dev,
					      uint64_t memory_bytes, uint64_t changes_bytes)
{
	return track(sc, SHADOW_IOC_VOLUME_TRACK, dev, memory_bytes, changes_bytes, "track");
}

SC_EXPORT int shadowcopy_volume_untrack(struct shadowcopy *sc, struct shadow_dev dev)
{
	return track(sc, SHADOW_IOC_VOLUME_UNTRACK, dev, 0, 0, "stop tracking");
}

static int change_policy(struct shadowcopy *sc, struct shadow_volume_policy *policy,
			 const char *action)
{
	char label[SHADOWCOPY_PATH_MAX];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_VOLUME_POLICY, policy);
	if (!rc)
		return 0;
	sc_dev_label(sc, policy->dev, label, sizeof(label));
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = action, .object = label,
			       .cause = "it is not tracked",
			       .remedy = "track it first: \"shadowadm volume track VOLUME\"");
	return SC_FAIL(sc, rc, .action = action, .object = label, .fault = &policy->fault);
}

SC_EXPORT int shadowcopy_volume_policy(struct shadowcopy *sc, struct shadow_dev dev,
				       uint32_t policy, uint32_t throttle_ms)
{
	struct shadow_volume_policy arg = {
		.dev = dev, .policy = policy, .throttle_ms = throttle_ms,
	};

	return change_policy(sc, &arg, "set the policy of");
}

SC_EXPORT int shadowcopy_volume_clear_fault(struct shadowcopy *sc, struct shadow_dev dev)
{
	struct shadow_volume_policy arg = { .dev = dev, .flags = SHADOW_POLICY_CLEAR_FAULT };

	return change_policy(sc, &arg, "clear the fault of");
}
