/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * documents.h - where the documents of a backup are kept: all of them in a directory, or the
 * backup components alone in a file.
 */
#ifndef SHADOWADM_DOCUMENTS_H
#define SHADOWADM_DOCUMENTS_H

#include "libshadowcopy-requester.h"
#include "shadowadm.h"

/*
 * What a directory has.  @text is what the coordinator is given to begin a restore with; the
 * metadata is that of the writers of the backup, as far as it is there.
 */
struct documents {
	char *text;
	size_t size;
	struct shadowcopy_backup *backup;
	struct shadowcopy_metadata **metadata;
	size_t count;
	char *aliases;		/* lines NAME=VALUE, or NULL */
};

/* Is it a directory, or written as one, with a slash at its end? */
bool documents_in_directory(const char *path);

/*
 * Before there is anything to save: see that it can be, and make the directory where there is
 * none.
 */
int documents_prepare(struct context *context, const char *path, bool directory);

/*
 * Those of a session whose set is there, the metadata of all writers that take part;
 * @aliases, which may be NULL, goes with them into a directory.
 */
int documents_save(struct context *context, struct shadowcopy_requester *requester,
		   const char *path, bool directory, const char *aliases);

/* Writers that take part in a session and have failed: how many, after a warning for each. */
size_t documents_failed_writers(struct context *context, struct shadowcopy_requester *requester);

int documents_load(struct context *context, const char *path, struct documents *documents);
void documents_free(struct documents *documents);

/* The metadata of a writer of the backup, or NULL: it is not there. */
const struct shadowcopy_metadata *documents_of(const struct documents *documents,
					       const struct shadowcopy_backup_writer *writer);

#endif /* SHADOWADM_DOCUMENTS_H */
