// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * directory.c - directories in which root can keep a file that nobody exchanges.
 *
 * The module overwrites what it is given, and gc deletes, so every directory on the
 * way must belong to root (or to who runs this) and be writable by nobody else; one
 * with the sticky bit, as /tmp has it, is good enough, for others cannot rename there what is
 * not theirs.  The way is gone by descriptors, so that what was looked at is what is
 * used.
 *
 * For a file without a name the last directory may belong to somebody else if a filesystem is
 * mounted there, as on a database's: he cannot put another one in its place.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

/* 0; -EPERM: others could exchange a file in it, and @why tells; another errno. */
static int check(int fd, const char *path, size_t length, char **why)
{
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid && st.st_uid != geteuid())
		rc = asprintf(why, "the directory %.*s belongs to user %u, who could exchange the "
			      "file", (int)length, path, st.st_uid);
	else if (st.st_mode & 0022 && !(st.st_mode & S_ISVTX))
		rc = asprintf(why, "others than root may write to the directory %.*s (mode %04o), "
			      "and could exchange the file", (int)length, path,
			      st.st_mode & 07777);
	else
		return 0;
	return rc < 0 ? -ENOMEM : -EPERM;
}

static int open_below(int fd, const char *name, size_t length)
{
	char part[NAME_MAX + 1];
	int below;

	if (length >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, name, length);
	part[length] = '\0';
	below = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return below < 0 ? -errno : below;
}

/* Has what was opened another filesystem than the directory above it? */
static bool is_mounted(int fd, dev_t above)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev != above;
}

static int device_of(int fd, dev_t *dev)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*dev = st.st_dev;
	return 0;
}

int sc_directory_open(const char *path, bool for_names, char **why)
{
	size_t gone = 0, length;	/* so much of the way */
	dev_t above = 0;
	int fd, next, rc;

	*why = NULL;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		length = path[gone] ? strcspn(path + gone + 1, "/") : 0;
		if (for_names || length || !gone || !is_mounted(fd, above))
			rc = check(fd, path, gone ?: 1, why);
		else
			rc = 0;
		rc = rc ? rc : device_of(fd, &above);
		if (rc || !length)
			break;
		next = open_below(fd, path + gone + 1, length);
		if (next < 0) {
			rc = next;
			break;
		}
		close(fd);
		fd = next;
		gone += 1 + length;
	}
	if (!rc)
		return fd;
	close(fd);
	return rc;
}
