/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * beneath.h - files by paths that are not trusted, private to the library.
 */
#ifndef SHADOWCOPY_BENEATH_H
#define SHADOWCOPY_BENEATH_H

/*
 * Open @path, relative and without "..", below the directory @root, following no symbolic link
 * on the way and none at the end: a descriptor or a negative errno.
 */
int sc_open_beneath(const char *root, const char *path, int flags);

/*
 * Open a regular file there for reading: a descriptor or a negative errno, -EMEDIUMTYPE where it is
 * something else, which is not opened.
 */
int sc_open_file_beneath(const char *root, const char *path);

#endif /* SHADOWCOPY_BENEATH_H */
