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

#endif /* SHADOWCOPY_BENEATH_H */
