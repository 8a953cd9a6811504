// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * attach.c - durable stores: their shadows are there again, and go without being deleted.
 *
 * What is in use is somebody else's each time, the volume, a shadow or the store, so
 * the module's reasons get sentences of their own here.
 */
#include <unistd.h>

#include "private.h"

/* Nobody may have the volume: he might write to it unseen, or has already. */
static bool is_volume_claimed(int rc, const struct shadow_fault *fault)
{
	return rc == -EBUSY && fault->phase == SHADOW_PHASE_OPEN &&
	       fault->reason == SHADOW_REASON_BUSY;
}

static int attach_failed(struct shadowcopy *sc, int rc, const struct shadow_store_attach *attach,
			 const struct shadowcopy_store *store)
{
	struct sc_failure failure = { .action = "attach the store of", .fault = &attach->fault };
	char label[SHADOWCOPY_PATH_MAX];
	char action[SHADOWCOPY_STORE_PATH_MAX + 32], remedy[SHADOWCOPY_STORE_PATH_MAX + 128];
	struct shadow_fault fault = attach->fault;

	sc_dev_label(sc, attach->dev, label, sizeof(label));
	failure.object = label;
	/* The module knows the device that a file lies on; nothing is wrong with that. */
	if (store->type == SHADOW_STORE_FILE && fault.phase == SHADOW_PHASE_STORE) {
		snprintf(action, sizeof(action), "attach %s, the store of", store->path);
		failure.action = action;
		fault.dev = (struct shadow_dev){ 0 };
		failure.fault = &fault;
	}
	if (attach->fault.reason == SHADOW_REASON_STORE_DAMAGED) {
		snprintf(remedy, sizeof(remedy), "\"shadowadm store check %s\" and the kernel log "
			 "tell where; nothing was changed on it", store->path);
		failure.cause = shadowcopy_reason_cause(attach->fault.reason);
		failure.remedy = *store->path ? remedy : NULL;
	}
	if (is_volume_claimed(rc, &attach->fault)) {
		failure.cause = "the volume is mounted, or in use by another device";
		failure.remedy = "unmount it, or end what uses it (\"lsblk\" shows that); a store "
				 "is attached before anybody uses the volume";
	} else if (attach->fault.reason == SHADOW_REASON_STORE_MISMATCH) {
		failure.cause = "the volume has a store already";
		failure.remedy = "\"shadowadm store list\" shows it; delete the shadows that are "
				 "in it, or if it is durable detach it, then attach this one";
	} else if (attach->fault.reason == SHADOW_REASON_STORE_IN_USE) {
		failure.cause = "somebody else uses the store's device or file";
		failure.remedy = "end that (\"lsblk\" shows who uses a device); where another "
				 "volume has the store, detach it there";
	} else if (rc == -ESTALE) {
		failure.cause = "the volume was written by somebody else since, or it is not the "
				"volume of this store; nothing was changed";
		failure.remedy = "name the right one; if it is, its shadows are of no use any "
				 "more: \"shadowadm store attach --lost\" has them as lost ones, "
				 "to be deleted";
	}
	return sc_fail(sc, rc, &failure);
}

SC_EXPORT int shadowcopy_store_attach(struct shadowcopy *sc, struct shadow_dev volume,
				      const struct shadowcopy_store *store, uint32_t flags,
				      struct shadowcopy_attached *attached)
{
	struct shadow_store_attach attach = {
		.dev = volume,
		.flags = flags,
		.store.type = store->type,
	};
	int rc = shadowcopy_connect(sc), fd = -1;

	if (attached)
		memset(attached, 0, sizeof(*attached));
	if (rc)
		return rc;
	if (store->type == SHADOW_STORE_FILE) {
		fd = sc_durable_file_open(sc, store, volume);
		if (fd < 0)
			return fd;
		attach.store.fd = fd;
	} else {
		attach.store.dev = store->dev;
	}
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_ATTACH, &attach);
	if (fd >= 0)	/* the module has the file */
		close(fd);
	if (rc)
		return attach_failed(sc, rc, &attach, store);
	if (attached) {
		attached->shadows = attach.shadows;
		attached->lost = attach.lost;
		attached->dropped = attach.dropped;
	}
	return 0;
}

/**
 * struct writable - who could still write to a volume
 * @sc: the handle
 * @mounts: what is mounted
 * @dev: the device that is looked at: the volume, or what lies above it
 * @depth: how far above
 * @at: where a filesystem is mounted that can be written to
 */
struct writable {
	struct shadowcopy *sc;
	struct sc_mounts *mounts;
	struct shadow_dev dev;
	unsigned int depth;
	char at[SHADOWCOPY_PATH_MAX];
};

#define DEPTH_MAX 16

static int look_at_mount(void *data, const struct sc_mount *mount)
{
	struct writable *writable = data;

	if (!mount->written || !sc_dev_equal(mount->dev, writable->dev))
		return 0;
	snprintf(writable->at, sizeof(writable->at), "%s", mount->target);
	return 1;
}

/* Return: 1: it can be written to; 0 or a negative errno. */
static int look_at_device(void *data, struct shadow_dev dev)
{
	struct writable *writable = data;
	struct shadow_dev below = writable->dev;
	int rc;

	writable->dev = dev;
	rc = sc_mounts_each(writable->mounts, look_at_mount, writable);
	if (!rc && writable->depth < DEPTH_MAX) {
		writable->depth++;
		rc = sc_sysfs_above(writable->sc, writable->mounts, dev, look_at_device, writable);
		writable->depth--;
	}
	writable->dev = below;
	return rc;
}

/*
 * Is a filesystem on the volume mounted so that it can be written to?  The module cannot tell; it
 * makes such writes fail.
 */
static int check_written(struct shadowcopy *sc, struct shadow_dev volume)
{
	struct sc_failure failure = { .action = "detach the store of" };
	struct writable writable = { .sc = sc };
	char label[SHADOWCOPY_PATH_MAX], cause[SHADOWCOPY_PATH_MAX + 64];
	int rc = sc_mounts_read(sc, &writable.mounts);

	if (!rc)
		rc = look_at_device(&writable, volume);
	sc_mounts_free(writable.mounts);
	if (!rc)
		return 0;
	sc_dev_label(sc, volume, label, sizeof(label));
	failure.object = label;
	if (rc > 0) {
		rc = -EBUSY;
		snprintf(cause, sizeof(cause), "it is mounted read-write at %s", writable.at);
		failure.cause = cause;
		failure.remedy = "this is for the end of a shutdown: unmount it, or remount it "
				 "read-only first";
	}
	return sc_fail(sc, rc, &failure);
}

static int detach_failed(struct shadowcopy *sc, int rc, const struct shadow_store_attach *detach)
{
	struct sc_failure failure = { .action = "detach the store of", .fault = &detach->fault };
	char label[SHADOWCOPY_PATH_MAX];

	sc_dev_label(sc, detach->dev, label, sizeof(label));
	failure.object = label;
	if (is_volume_claimed(rc, &detach->fault)) {
		failure.cause = "the volume is mounted, or in use by another device";
		failure.remedy = "unmount it, or end what uses it (\"lsblk\" shows that): what is "
				 "written to it afterwards makes its shadows lost";
	} else if (rc == -EBUSY) {
		failure.cause = "one of its shadows is in use, or is being made";
		failure.remedy = "unmount it and close what has it open; \"shadowadm list -o "
				 "+OPENERS,MOUNTPOINT\" tells which one it is";
	} else if (rc == -ENOENT) {
		failure.cause = "the volume has no store now";
		failure.remedy = "\"shadowadm store list\" shows the stores in use";
	} else if (detach->fault.reason == SHADOW_REASON_STORE_VOLATILE) {
		failure.cause = "its store is not durable: its shadows would be gone for good";
		failure.remedy = "delete them if that is wanted: \"shadowadm delete --all VOLUME\"";
	}
	return sc_fail(sc, rc, &failure);
}

static int detach_store(struct shadowcopy *sc, struct shadow_dev volume, uint32_t flags,
			uint32_t *shadows)
{
	struct shadow_store_attach detach = { .dev = volume, .flags = flags };
	int rc = shadowcopy_connect(sc);

	if (shadows)
		*shadows = 0;
	if (rc)
		return rc;
	rc = sc_device_ioctl(sc->fd, SHADOW_IOC_STORE_DETACH, &detach);
	if (rc)
		return detach_failed(sc, rc, &detach);
	if (shadows)
		*shadows = detach.shadows;
	return 0;
}

SC_EXPORT int shadowcopy_store_detach(struct shadowcopy *sc, struct shadow_dev volume,
				      uint32_t *shadows)
{
	return detach_store(sc, volume, 0, shadows);
}

SC_EXPORT int shadowcopy_store_detach_final(struct shadowcopy *sc, struct shadow_dev volume,
					    uint32_t *shadows)
{
	int rc = check_written(sc, volume);

	if (rc) {
		if (shadows)
			*shadows = 0;
		return rc;
	}
	return detach_store(sc, volume, SHADOW_DETACH_FINAL, shadows);
}
