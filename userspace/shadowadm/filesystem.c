// SPDX-License-Identifier: GPL-2.0-only
/*
 * filesystem.c - finds out what is on an image, and the options for mounting it,
 * also where nothing can be written, not even to replay a journal.
 */
#include <blkid.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "filesystem.h"

/* --- what is it? -------------------------------------------------------------- */

static void take(blkid_probe probe, const char *name, char *buf, size_t size)
{
	const char *value = NULL;

	buf[0] = '\0';
	if (!blkid_probe_lookup_value(probe, name, &value, NULL) && value)
		snprintf(buf, size, "%s", value);
}

int filesystem_probe(const char *path, enum access access, struct filesystem *fs)
{
	char usage[32], table[32];
	blkid_probe probe;
	int fd, rc;

	memset(fs, 0, sizeof(*fs));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	probe = blkid_new_probe();
	if (!probe) {
		close(fd);
		return -ENOMEM;
	}
	rc = blkid_probe_set_device(probe, fd, 0, 0);
	if (!rc) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
						  BLKID_SUBLKS_USAGE);
		blkid_probe_enable_partitions(probe, 1);
		rc = blkid_do_safeprobe(probe);	/* 1: nothing found, -2: several */
	}
	take(probe, "USAGE", usage, sizeof(usage));
	take(probe, "TYPE", fs->type, sizeof(fs->type));
	take(probe, "UUID", fs->uuid, sizeof(fs->uuid));
	take(probe, "PTTYPE", table, sizeof(table));
	fs->several = *fs->type && *table;
	if (strcmp(usage, "filesystem")) {
		snprintf(fs->other, sizeof(fs->other), "%s", *fs->type ? fs->type : table);
		fs->type[0] = '\0';
	} else {
		filesystem_choose_options(fd, access, fs);
	}
	blkid_free_probe(probe);
	close(fd);
	return rc == -1 ? -EIO : 0;
}

/* --- how is it mounted? -------------------------------------------------------- */

#define EXT_SUPERBLOCK		1024
#define EXT_MAGIC_OFFSET	0x38
#define EXT_INCOMPAT_OFFSET	0x60
#define EXT_INCOMPAT_RECOVER	0x04

static bool ext_needs_recovery(int fd)
{
	unsigned char block[1024];

	if (pread(fd, block, sizeof(block), EXT_SUPERBLOCK) != sizeof(block) ||
	    block[EXT_MAGIC_OFFSET] != 0x53 || block[EXT_MAGIC_OFFSET + 1] != 0xef)
		return false;
	return block[EXT_INCOMPAT_OFFSET] & EXT_INCOMPAT_RECOVER;
}

/*
 * Filesystems that need more than "ro" or "rw": always, and where nothing can be
 * written.  XFS has a record in its log even after a freeze, and refuses a second
 * filesystem of the same UUID.
 */
static const struct {
	const char *type;
	const char *always;
	const char *unwritten;
} ways[] = {
	{ "xfs", ",nouuid", ",norecovery" },
	{ "btrfs", "", ",rescue=nologreplay" },
	{ "f2fs", "", ",norecovery" },
	{ "nilfs2", "", ",norecovery" },
};

void filesystem_choose_options(int fd, enum access access, struct filesystem *fs)
{
	const char *always = "", *unwritten = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].type, fs->type)) {
			always = ways[i].always;
			unwritten = ways[i].unwritten;
		}
	if (access == ACCESS_NO_WRITE && !strncmp(fs->type, "ext", 3) && ext_needs_recovery(fd)) {
		unwritten = ",noload";
		fs->note = "its journal was not empty at the instant, so the filesystem was not "
			   "frozen; it is mounted without the journal (noload), and files written "
			   "shortly before may be incomplete";
	}
	snprintf(fs->options, sizeof(fs->options), "%s%s%s",
		 access == ACCESS_WRITE ? "rw" : "ro",
		 access == ACCESS_NO_WRITE ? unwritten : "", always);
}

/* From 6.7 on a second btrfs of one device gets an identity of its own. */
static bool kernel_tells_btrfs_apart(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 7);
}

const char *filesystem_refusal(const struct filesystem *fs)
{
	char path[128];

	if (strcmp(fs->type, "btrfs"))
		return NULL;
	snprintf(path, sizeof(path), "/sys/fs/btrfs/%s", fs->uuid);
	if (access(path, F_OK) || kernel_tells_btrfs_apart())
		return NULL;
	return "a btrfs of the same UUID is mounted, and before Linux 6.7 the kernel takes the two "
	       "for one and would show the original instead. Unmount the original, mount it on "
	       "another machine, or back up the device as a whole";
}
