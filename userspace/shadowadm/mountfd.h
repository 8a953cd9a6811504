/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mountfd.h - mounts that are handled by descriptors rather than by paths.
 *
 * A file of its own because <linux/mount.h>, which has the words for it, and the C library's
 * <sys/mount.h> cannot both be included everywhere.
 */
#ifndef SHADOWADM_MOUNTFD_H
#define SHADOWADM_MOUNTFD_H

#include "shadowadm.h"

/*
 * Mount a filesystem read-only, at no place yet.  A descriptor or a negative errno, with what the
 * kernel has to say of it in @why, or "".
 */
int mountfd_new(const char *source, const char *type, const char *options, char *why, size_t size);

/*
 * A second mount of what is at @path below @dir, or with "" of @dir itself: a file or a directory,
 * in our namespace.  It has no place yet; with @recursive what is mounted below it comes along.
 */
int mountfd_copy(int dir, const char *path, bool recursive);

/* Let a mount, or one that is somewhere already, have its place on top of an open file. */
int mountfd_attach(int mount, int place);

/*
 * Open a file or directory as a place only (O_PATH): nothing is mounted by looking at it, and a
 * server that does not answer is not asked.
 */
int mountfd_open(const char *path);

/* The same of a path below @dir, where no symbolic link is followed. */
int mountfd_open_beneath(int dir, const char *path);

/* The number of the mount that an open file is in, as in mountinfo, or -1. */
int mountfd_id(int fd);

#endif /* SHADOWADM_MOUNTFD_H */
