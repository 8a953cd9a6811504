// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * probe.c - what is on a block device.
 *
 * Nothing else in the library reads the contents of devices, so a program that
 * links its own sc_probe() before the static library decides what is there; the
 * tests do.
 */
#include <blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include "private.h"

static void take(blkid_probe probe, const char *name, char *buf, size_t size)
{
	const char *value = NULL;

	buf[0] = '\0';
	if (!blkid_probe_lookup_value(probe, name, &value, NULL) && value &&
	    strlen(value) < size)
		snprintf(buf, size, "%s", value);
}

int sc_probe(struct shadowcopy *sc, struct shadow_dev dev, struct sc_tags *tags)
{
	struct shadowcopy_volume volume;
	blkid_probe probe;
	char usage[32];
	int fd, rc;

	memset(tags, 0, sizeof(*tags));
	if (sc->sysroot)
		return -ENODEV;	/* the contents were not recorded */
	shadowcopy_describe(sc, dev, &volume);
	fd = open(volume.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	probe = blkid_new_probe();
	rc = probe ? blkid_probe_set_device(probe, fd, 0, 0) : -1;
	if (!rc) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
						  BLKID_SUBLKS_LABEL | BLKID_SUBLKS_USAGE);
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
		rc = blkid_do_safeprobe(probe);	/* 1: nothing found, -2: several */
	}
	if (rc == 0 || rc == 1) {
		take(probe, "UUID", tags->uuid, sizeof(tags->uuid));
		take(probe, "LABEL", tags->label, sizeof(tags->label));
		take(probe, "PART_ENTRY_UUID", tags->partuuid, sizeof(tags->partuuid));
		take(probe, "PART_ENTRY_NAME", tags->partlabel, sizeof(tags->partlabel));
		take(probe, "USAGE", usage, sizeof(usage));
		take(probe, "TYPE", tags->type, sizeof(tags->type));
		if (!*tags->type)
			take(probe, "PTTYPE", tags->type, sizeof(tags->type));
		if (!*tags->type && sc_is_durable(fd, 0))
			snprintf(tags->type, sizeof(tags->type), SC_DURABLE_TYPE);
		tags->filesystem = !strcmp(usage, "filesystem");
	} else if (rc == -2) {
		snprintf(tags->type, sizeof(tags->type), "several things");
		rc = 0;
	}
	if (probe)
		blkid_free_probe(probe);
	close(fd);
	return rc < 0 ? -EIO : 0;
}
