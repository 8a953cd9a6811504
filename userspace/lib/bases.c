// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * bases.c - the instants since which changes are known, and what is known of a volume at all.
 */
#include <ctype.h>

#include "private.h"

#define PREFIX_MIN 4	/* as for shadows */

SC_EXPORT int shadowcopy_base_next(struct shadowcopy *sc, struct shadow_base_info *info)
{
	struct shadow_base_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_BASE_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the bases");
	*info = next;
	return 1;
}

SC_EXPORT int shadowcopy_base_find(struct shadowcopy *sc, const char *name,
				   struct shadow_uuid *uuid)
{
	/* For who has a backup to make it is the same as a base that is known no more. */
	const struct shadow_fault unknown = { .reason = SHADOW_REASON_CHANGES_UNKNOWN };
	struct shadow_base_info info = { 0 };
	char text[SHADOWCOPY_UUID_LEN];
	size_t len = strlen(name);
	unsigned int found = 0;
	uint32_t kind;
	int rc;

	/* A number is a shadow's, here as everywhere. */
	if (len >= PREFIX_MIN && len < SHADOWCOPY_UUID_LEN && !strchr(name, '/') &&
	    (strspn(name, "0123456789") != len || len >= 8))
		while ((rc = shadowcopy_base_next(sc, &info)) > 0)
			if (!strncasecmp(shadowcopy_uuid_format(&info.uuid, text), name, len)) {
				*uuid = info.uuid;
				found++;
			}
	if (found > 1)
		return SC_FAIL(sc, -ENOTUNIQ, .action = "find the base", .object = name,
			       .cause = "more than one base begins with it",
			       .remedy = "give more digits; \"shadowadm base list\" shows them");
	if (found)
		return 0;
	rc = shadowcopy_find(sc, name, uuid, &kind);
	if (!rc && kind != SHADOW_KIND_SHADOW)
		return SC_FAIL(sc, -EINVAL, .action = "find the base", .object = name,
			       .cause = "it is a set of shadows",
			       .remedy = "name one of its shadows; \"shadowadm show\" lists them");
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = "find the base", .object = name, .fault = &unknown,
			       .cause = "no shadow and no base has this name",
			       .remedy = "\"shadowadm base list\" shows those that there are; "
					 "without one a full backup is needed");
	return rc;
}

SC_EXPORT int shadowcopy_base_change(struct shadowcopy *sc, const struct shadow_uuid *uuid,
				     uint32_t flags)
{
	struct shadow_base base = { .uuid = *uuid, .flags = flags };
	struct sc_failure failure = { .fault = &base.fault };
	char text[SHADOWCOPY_UUID_LEN];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_BASE_CHANGE, &base);
	if (!rc)
		return 0;
	failure.action = flags == SHADOW_BASE_DROP ? "drop the base" : "keep as a base";
	failure.object = shadowcopy_uuid_format(uuid, text);
	if (rc == -ENOENT) {
		failure.cause = "there is no such shadow or base";
		failure.remedy = "\"shadowadm base list\" shows those that there are";
	}
	return sc_fail(sc, rc, &failure);
}

SC_EXPORT int shadowcopy_tracking_next(struct shadowcopy *sc, struct shadow_tracking_info *info)
{
	struct shadow_tracking_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_TRACKING_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list what is known of changes");
	*info = next;
	return 1;
}

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
	[SHADOW_TRACKING_NONE] = { "none", "nothing is known of its changes" },
	[SHADOW_TRACKING_BEGAN] = { "began", "it was not tracked before" },
	[SHADOW_TRACKING_MEMORY] = { "memory", "there was not the memory to know more" },
	[SHADOW_TRACKING_UNCLEAN] = { "unclean", "its store was not detached before: power was "
				      "lost, or the store failed" },
	[SHADOW_TRACKING_VOLUME_CHANGED] = { "volume-changed", "somebody else wrote to it while "
					     "its store was detached" },
	[SHADOW_TRACKING_NOT_SAVED] = { "not-saved", "its store had no room for what was known "
					"when it was detached" },
	[SHADOW_TRACKING_DAMAGED] = { "damaged", "what its store had of it could not be read" },
};

SC_EXPORT const char *shadowcopy_tracking_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "unknown";
}

SC_EXPORT const char *shadowcopy_tracking_text(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].text : "unknown";
}
