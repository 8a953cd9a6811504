/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * copy.h - files, with all that belongs to them, from one place to another (N-06).
 */
#ifndef BETEST_COPY_H
#define BETEST_COPY_H

#include <sys/stat.h>

#include "libshadowcopy-document.h"
#include "shadowadm.h"

/* Paths, each to be freed. */
struct paths {
	char **list;
	size_t count;
};

int paths_add(struct paths *paths, const char *path);
void paths_clear(struct paths *paths);

/* Names of one file: what was copied under another name is linked. */
struct links {
	struct link {
		dev_t device;
		ino_t inode;
		dev_t made_device;	/* of what was made of it, and where */
		ino_t made_inode;
		char *path;
	} *list;
	size_t count;
};

void links_clear(struct links *links);

/* Parts of a file; @list NULL: all of it. */
struct parts {
	const struct shadowcopy_range *list;
	size_t count;
};

/*
 * The directory above an absolute path, without following symbolic links: a descriptor, or a
 * negative errno.  @name: out: the rest, in @path.  Where @made is given the directories on the
 * way are made, and noted in it.
 */
int copy_open_above(const char *path, struct paths *made, const char **name);

/* Make a directory that only we can enter, and those above it as copy_open_above() does. */
int copy_directory(struct context *context, const char *path, struct paths *made);

/* As lstat(), and without following symbolic links on the way: 0 or a negative errno. */
int copy_stat(const char *path, struct stat *st);

/*
 * Make @to, which is not there, of what is at @from, with owner, mode, times, attributes and ACLs;
 * the parts of a file are where they are in it, and the rest is a hole.  Of a directory nothing
 * but itself.  @links, @made: may be NULL.
 */
int copy_make(struct context *context, const char *from, const char *to, struct parts parts,
	      struct links *links, struct paths *made);

/*
 * Put parts of a file into another one that is there: @count of them, of the same lengths.  @size:
 * the other's size becomes that of the file.
 */
int copy_parts(struct context *context, const char *from, struct parts parts, const char *to,
	       struct parts to_parts, bool size);

/* Owner, mode, times, attributes and ACLs of what is there. */
int copy_attributes(struct context *context, const char *from, const char *to);

/* Delete a file, or an empty directory, that may not be there. */
void copy_remove(const char *path, bool directory);

/* Give a file another name, in its directory: 0 or a negative errno. */
int copy_rename(const char *from, const char *to, bool replace);

#endif /* BETEST_COPY_H */
