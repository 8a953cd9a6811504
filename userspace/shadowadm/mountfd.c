// SPDX-License-Identifier: GPL-2.0-only
/*
 * mountfd.c - mounts that are handled by descriptors rather than by paths: by system calls that
 * Linux has since 5.2, and the C library since 2.36.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mountfd.h"

#ifndef AT_RECURSIVE	/* glibc 2.31 does not have it */
#define AT_RECURSIVE	0x8000
#endif

static int result(long rc)
{
	return rc < 0 ? -errno : (int)rc;
}

/* --- new ones --------------------------------------------------------------------- */

static int configure(int fs, unsigned int command, const char *key, const char *value)
{
	return result(syscall(SYS_fsconfig, fs, command, key, value, 0));
}

/* "ro,nouuid,subvolid=5" */
static int set_options(int fs, const char *options)
{
	char *copy = strdup(options), *rest = copy, *word, *value;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (word = strsep(&rest, ","))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		rc = configure(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value);
	}
	free(copy);
	return rc;
}

/* The last of its errors: "e xfs: ...". */
static void read_why(int fs, char *why, size_t size)
{
	char line[512];
	ssize_t length;

	while ((length = read(fs, line, sizeof(line) - 1)) > 0) {
		line[length] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'e' && line[1] == ' ')
			snprintf(why, size, "%s", line + 2);
	}
}

int mountfd_new(const char *source, const char *type, const char *options, char *why, size_t size)
{
	int fs = result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)), rc;

	*why = '\0';
	if (fs < 0)
		return fs;
	rc = configure(fs, FSCONFIG_SET_STRING, "source", source);
	if (!rc)
		rc = set_options(fs, options);
	if (!rc)
		rc = configure(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (!rc)
		rc = result(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
	if (rc < 0)
		read_why(fs, why, size);
	close(fs);
	return rc;
}

/* --- places ------------------------------------------------------------------------- */

int mountfd_copy(int dir, const char *path, bool recursive)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
			     AT_EMPTY_PATH;

	return result(syscall(SYS_open_tree, dir, path, flags | (recursive ? AT_RECURSIVE : 0)));
}

int mountfd_attach(int mount, int place)
{
	return result(syscall(SYS_move_mount, mount, "", place, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int mountfd_open(const char *path)
{
	return result(open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

int mountfd_open_beneath(int dir, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return result(syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how)));
}

int mountfd_id(int fd)
{
	char name[64], line[128];
	FILE *info;
	int id = -1;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = fopen(name, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "mnt_id: %d", &id) == 1)
			break;
	if (info)
		fclose(info);
	return id;
}
