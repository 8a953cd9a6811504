// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wipe.c - makes a device forget what was on it.
 *
 * Only the signatures are overwritten, all that libblkid finds, as wipefs does: the
 * module zeroes the head of a store, but some are at the end of a device.
 */
#include <blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include "private.h"

#define SIGNATURES_MAX 64

int sc_wipe(struct shadowcopy *sc, struct shadow_dev dev)
{
	struct shadowcopy_volume volume;
	blkid_probe probe;
	int fd, count, rc;

	if (sc->sysroot)
		return 0;
	shadowcopy_describe(sc, dev, &volume);
	fd = open(volume.path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	probe = blkid_new_probe();
	rc = probe && !blkid_probe_set_device(probe, fd, 0, 0) ? 0 : -EIO;
	if (!rc) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC |
						  BLKID_SUBLKS_BADCSUM);
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
		for (count = 0; !rc && count < SIGNATURES_MAX && !blkid_do_probe(probe); count++)
			if (blkid_do_wipe(probe, 0))
				rc = -EIO;
	}
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (probe)
		blkid_free_probe(probe);
	close(fd);
	return rc;
}
