// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * beneath.c - open what a document names, and nothing that a symbolic link makes of it
 * (VSS N-09).
 *
 * openat2() does it in one step.  Kernels before 5.6 have none, and sandboxes refuse it: then
 * each directory is opened by itself, without following a link, which leads nowhere
 * else since the path has no "..".
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "beneath.h"
#include "private.h"

static int by_steps(int root, const char *path, int flags)
{
	char part[NAME_MAX + 1];
	int fd, next;

	fd = fcntl(root, F_DUPFD_CLOEXEC, 3);
	while (fd >= 0) {
		size_t length = strcspn(path, "/");
		bool last = !path[length];

		if (length > NAME_MAX) {
			close(fd);
			return -ENAMETOOLONG;
		}
		memcpy(part, path, length);
		part[length] = '\0';
		next = openat(fd, length ? part : ".",
			      last ? flags | O_NOFOLLOW | O_CLOEXEC :
				     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			next = -errno;
		close(fd);
		if (next < 0 || last)
			return next;
		fd = next;
		path += length + 1;
	}
	return -errno;
}

/* Did openat2() look at the path, and not like what it saw? */
static bool is_path_error(int code)
{
	static const int of_path[] = { ELOOP, EXDEV, ENOENT, ENOTDIR, ENAMETOOLONG, EACCES };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(of_path); i++)
		if (code == -of_path[i])
			return true;
	return false;
}

int sc_open_beneath(const char *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (top < 0)
		return -errno;
	fd = syscall(SYS_openat2, top, *path ? path : ".", &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	/* Not known, or refused by a sandbox. */
	if (fd < 0 && !is_path_error(fd))
		fd = by_steps(top, path, flags);
	/* What a link in the middle of the way is to the two. */
	if (fd == -EXDEV)
		fd = -ELOOP;
	close(top);
	return fd;
}

/* To open a device may be to rewind a tape, or to start a watchdog: it is looked at first. */
int sc_open_file_beneath(const char *root, const char *path)
{
	int at = sc_open_beneath(root, path, O_PATH), fd;
	char name[40];
	struct stat status;

	if (at < 0)
		return at;
	if (fstat(at, &status)) {
		fd = -errno;
	} else if (!S_ISREG(status.st_mode)) {
		fd = -EMEDIUMTYPE;
	} else {
		/* The same file, whatever has become of its name. */
		snprintf(name, sizeof(name), "/proc/self/fd/%d", at);
		fd = open(name, O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	close(at);
	return fd;
}
