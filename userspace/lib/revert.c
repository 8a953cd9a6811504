// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * revert.c - a volume becomes what it was at the instant of a shadow.
 *
 * Most of what can be wrong is said better where it is known what was wanted, so many of the
 * module's reasons get sentences of their own here.
 */
#include "private.h"

static const char *size_text(uint64_t bytes, char buf[24])
{
	snprintf(buf, 24, "%.1f MiB", bytes / 1048576.0);
	return buf;
}

static int revert_failed(struct shadowcopy *sc, int rc, const struct shadow_revert *revert)
{
	struct sc_failure failure = { .action = "revert", .fault = &revert->fault };
	char uuid[SHADOWCOPY_UUID_LEN], label[SHADOWCOPY_PATH_MAX] = "", room[160], sizes[2][24];

	if (!sc_dev_is_null(revert->fault.dev))
		sc_dev_label(sc, revert->fault.dev, label, sizeof(label));
	else
		snprintf(label, sizeof(label), "to %s",
			 shadowcopy_uuid_format(&revert->uuid, uuid));
	failure.object = label;
	if (rc == -ENOENT) {
		failure.cause = "there is no such shadow";
		failure.remedy = "\"shadowadm list\" shows the shadows";
	} else if (revert->fault.reason == SHADOW_REASON_BUSY &&
		   revert->fault.phase == SHADOW_PHASE_OPEN) {
		failure.cause = "the volume is mounted, or in use by another device";
		failure.remedy = "unmount it, or end what uses it (\"lsblk\" shows that); or have "
				 "it reverted when its store is attached the next time, after a "
				 "reboot: \"shadowadm revert --at-boot SHADOW\"";
	} else if (revert->fault.reason == SHADOW_REASON_BUSY) {
		failure.cause = "a set with a shadow of the volume is being made";
		failure.remedy = "try again when it is there";
	} else if (revert->fault.reason == SHADOW_REASON_REVERT_ROOM) {
		snprintf(room, sizeof(room), "to keep newer shadows as they are may need %s of the "
			 "store, and it has %s", size_text(revert->needed_bytes, sizes[0]),
			 size_text(revert->room_bytes, sizes[1]));
		failure.cause = room;
		failure.remedy = "delete shadows that are newer than this one, or older; nothing "
				 "was changed";
	}
	return sc_fail(sc, rc, &failure);
}

SC_EXPORT int shadowcopy_revert(struct shadowcopy *sc, const struct shadow_uuid *uuid,
				uint32_t flags)
{
	struct shadow_revert revert = { .uuid = *uuid, .flags = flags };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_REVERT, &revert);
	return rc ? revert_failed(sc, rc, &revert) : 0;
}

SC_EXPORT int shadowcopy_revert_next(struct shadowcopy *sc, struct shadow_revert_info *info)
{
	struct shadow_revert_info next = { .cursor = info->cursor };
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_REVERT_NEXT, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return SC_FAIL(sc, rc, .action = "list the reverts of volumes");
	*info = next;
	return 1;
}

SC_EXPORT int shadowcopy_revert_status(struct shadowcopy *sc, struct shadow_dev dev,
				       struct shadow_revert_info *info)
{
	struct shadow_revert_info next = { 0 };
	int rc;

	memset(info, 0, sizeof(*info));
	while ((rc = shadowcopy_revert_next(sc, &next)) > 0)
		if (sc_dev_equal(next.volume, dev)) {
			*info = next;
			return 0;
		}
	return rc;
}

SC_EXPORT int shadowcopy_revert_cancel(struct shadowcopy *sc, struct shadow_dev dev,
				       uint32_t flags)
{
	struct shadow_revert_cancel cancel = { .dev = dev, .flags = flags };
	struct sc_failure failure = { .action = "take back the revert of",
				      .fault = &cancel.fault };
	char label[SHADOWCOPY_PATH_MAX];
	int rc = shadowcopy_connect(sc);

	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_REVERT_CANCEL, &cancel);
	if (!rc)
		return 0;
	sc_dev_label(sc, dev, label, sizeof(label));
	failure.object = label;
	if (rc == -ENOENT) {
		failure.cause = "none is noted";
		failure.remedy = "\"shadowadm revert --status\" shows those that there are";
	} else if (cancel.fault.reason == SHADOW_REASON_REVERTING) {
		failure.cause = "it has begun, and cannot be stopped";
		failure.remedy = "let it end; to have what was before, revert to a newer shadow "
				 "then";
	} else if (cancel.fault.reason == SHADOW_REASON_HALF_REVERTED) {
		failure.cause = "it has ended half-way: the volume is neither what it was nor "
				"what it was to be";
		failure.remedy = "revert again, to the same shadow or to another one; \"shadowadm "
				 "revert --cancel --force\" leaves the volume as it is";
	}
	return sc_fail(sc, rc, &failure);
}
