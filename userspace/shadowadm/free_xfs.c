// SPDX-License-Identifier: GPL-2.0-only
/*
 * free_xfs.c - what is free on an XFS: the kernel's own answer (FS_IOC_GETFSMAP).
 *
 * For that the image is mounted, read-only and where nobody sees it: the mount is in no
 * namespace and goes when its descriptor is closed.  By mount(2), in a namespace made for
 * it, and not by fsmount(2): an XFS before 6.8 learns that it is read-only from what is
 * known before the first option is set (fixed by d8d222e09dab, in 6.1's stable kernels,
 * too).  Such a one refuses norecovery, and writes where nothing may be written.
 *
 * Freezing an XFS writes all metadata to its place and leaves in the log only what
 * concerns the superblock, so the free-space trees on the device are complete, and the
 * log, which cannot be replayed on a read-only device, is passed over (norecovery).  One
 * that was not frozen is mounted without that: the kernel refuses it if its log is not
 * empty.  On an image that takes writes it would be replayed instead, so there nothing is
 * asked.
 */
#include <fcntl.h>
#include <linux/fsmap.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "free_space.h"

#define RECORDS	1024

/*
 * In a child that shares its parent's descriptors: mount the image in a namespace that goes
 * with the child, and put the root directory where the descriptor @place was.  Others'
 * mounts still go there when they are unmounted.  Return: 0 or an errno.
 */
static int mount_apart(const struct free_space *space, int place)
{
	static const char hidden[] = "/dev";
	int root, error = 0;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount(space->path, hidden, "xfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  space->frozen ? "nouuid,norecovery" : "nouuid"))
		return errno;
	root = open(hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno;
	if (dup3(root, place, O_CLOEXEC) < 0)
		error = errno;
	close(root);
	return error;
}

/* The root directory of the filesystem, whose mount is in no namespace.  Or a negative errno. */
static int open_root(const struct free_space *space)
{
	int root = open("/", O_PATH | O_CLOEXEC), status = 0, error;
	pid_t child;

	if (root < 0)
		return -errno;
	child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!child)
		_exit(mount_apart(space, root));
	error = child < 0 ? errno : 0;
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR) {
			error = errno;
			break;
		}
	if (!error)
		error = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	if (!error)
		return root;
	close(root);
	return -error;
}

/* As the filesystem writes a device's number. */
static uint32_t encode(dev_t dev)
{
	return (minor(dev) & 0xff) | major(dev) << 8 | (minor(dev) & ~0xffU) << 12;
}

static bool is_free(const struct fsmap *record, uint32_t dev)
{
	return record->fmr_device == dev && record->fmr_flags & FMR_OF_SPECIAL_OWNER &&
	       record->fmr_owner == FMR_OWN_FREE;
}

static int add_records(struct free_space *space, const struct fsmap_head *head, uint32_t dev)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; i < head->fmh_entries && !rc; i++)
		if (is_free(&head->fmh_recs[i], dev))
			rc = free_space_add(space, head->fmh_recs[i].fmr_physical,
					    head->fmh_recs[i].fmr_length);
	return rc;
}

static int walk(struct free_space *space, int root, struct fsmap_head *head)
{
	struct fsmap *low = &head->fmh_keys[0], *high = &head->fmh_keys[1];
	const struct fsmap *last;
	struct stat st;
	int rc;

	if (stat(space->path, &st))
		return free_space_unknown(space, -errno, "%s", strerror(errno));
	high->fmr_device = UINT32_MAX;
	high->fmr_flags = UINT32_MAX;
	high->fmr_physical = UINT64_MAX;
	high->fmr_owner = UINT64_MAX;
	high->fmr_offset = UINT64_MAX;
	do {
		head->fmh_count = RECORDS;
		if (ioctl(root, FS_IOC_GETFSMAP, head))
			return free_space_unknown(space, -errno, "the kernel does not tell it (%s)",
						  strerror(errno));
		if (!(head->fmh_oflags & FMH_OF_DEV_T))
			return free_space_unknown(space, -EOPNOTSUPP,
						  "the kernel does not say which device it means");
		rc = add_records(space, head, encode(st.st_rdev));
		if (rc || !head->fmh_entries)
			return rc;
		last = &head->fmh_recs[head->fmh_entries - 1];
		*low = *last;
	} while (!(last->fmr_flags & FMR_OF_LAST));
	return 0;
}

int free_space_xfs(struct free_space *space)
{
	struct fsmap_head *head = calloc(1, fsmap_sizeof(RECORDS));
	int root, rc;

	if (!head)
		return -ENOMEM;
	if (!space->frozen && space->writable) {
		free(head);
		return free_space_unknown(space, -EBUSY, "it was not frozen, and the image takes "
					  "writes");
	}
	root = open_root(space);
	if (root < 0)
		rc = free_space_unknown(space, root,
					"it cannot be mounted to be looked at (%s)%s",
					strerror(-root), space->frozen ? "" :
					"; an XFS that was not frozen must have been unmounted");
	else
		rc = walk(space, root, head);
	if (root >= 0)
		close(root);
	free(head);
	return rc;
}
