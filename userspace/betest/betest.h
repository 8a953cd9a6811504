/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * betest.h - a requester for tests, that backs up and restores (P-01).
 *
 * A backup is a directory: the documents, as shadowadm keeps them (documents.h), the files below
 * "data", at the paths that they had, and "files", the list of them.
 */
#ifndef BETEST_H
#define BETEST_H

#include "documents.h"

#define BETEST_STATE "/var/lib/shadowcopy/at-boot"

/* What is said of components, each by an option that can be there any number of times. */
enum setting_kind {
	SETTING_COMPONENT,		/* only these */
	SETTING_BACKUP_OPTIONS,
	SETTING_FAILED,			/* say that it was not backed up */
	SETTING_RESTORE_OPTIONS,
	SETTING_SUBCOMPONENT,
	SETTING_NEW_TARGET,		/* PATH=DIRECTORY */
	SETTING_RENAME,
	SETTING_ROLL_FORWARD,
	SETTING_AUTHORITATIVE,
	SETTING_FORGET,			/* do not say what became of it */
	SETTING_MOVE,			/* to another instance */
	SETTING_COUNT,
};

struct setting {
	char *text;
	const char *writer;		/* NULL: this kind has none */
	const char *path;
	const char *name;		/* "*": each component */
	const char *value;		/* behind "=", or NULL */
	bool used;
};

struct settings {
	struct setting *list;
	size_t count;
};

struct words {
	const char **list;
	size_t count;
};

struct betest {
	struct context *context;
	struct shadowcopy_requester *requester;
	struct settings settings[SETTING_COUNT];
	struct words volumes, included, excluded;
	uint32_t type;			/* of the backup */
	uint32_t restore_type;
	struct shadowcopy_requester_context shadows;
	const char *store;
	const char *previous;		/* a backup that this one builds on */
	const char *run;		/* a command, at the instant or before the end */
	const char *custom;		/* and one that restores */
	const char *ranges;		/* where ranges files go */
	const char *state;		/* what is to be done at the next boot */
	uint32_t timeout_ms;
	bool partial, bootable, degrade, no_copy, no_complete, additional, dry_run;
};

/* --- main.c ----------------------------------------------------------------------------- */

/* With variables of the environment: 0 if it succeeds. */
int betest_run(struct betest *test, const char *command);

/* Of a writer's paths: from the environment. */
const char *betest_variable(void *data, const char *name);

/* --- choose.c --------------------------------------------------------------------------- */

int setting_add(struct betest *test, uint32_t kind, const char *text);

/* The setting for a component, the most exact one, or NULL. */
const struct setting *setting_for(struct betest *test, uint32_t kind, const char *writer,
				  const char *instance_name, const char *path, const char *name);

/* Is it wanted?  All are where none was named. */
bool betest_wants(struct betest *test, const char *writer, const char *instance_name,
		  const char *path, const char *name);

/* What was named and is not there, of the kinds before @end: STATUS_USAGE. */
int settings_check(struct betest *test, size_t end);

/* "WRITER:/PATH/NAME" */
char *component_text(const char *writer, const char *path, const char *name);

/* An entry of one document in another one. */
struct shadowcopy_backup_component *entry_in(struct shadowcopy_backup *backup,
					     const struct shadowcopy_backup_writer *writer,
					     const struct shadowcopy_backup_component *entry);

/* Which writer of a document has an entry. */
struct shadowcopy_backup_writer *writer_of(const struct shadowcopy_backup *backup,
					   const struct shadowcopy_backup_component *entry);

/* The metadata of a session's, or a backup's, writers, with values in place of variables. */
struct shadowcopy_metadata *metadata_copy(struct betest *test,
					  const struct shadowcopy_metadata *metadata);

/* --- media.c ---------------------------------------------------------------------------- */

/* The files of a backup; names are any bytes but zeros. */
struct media {
	struct shadowcopy_media_file *list;
	size_t count;
};

/* "DIRECTORY/data/PATH": to be freed. */
char *media_path(const char *directory, const char *path);

/* Has a directory none yet? */
int media_check(struct betest *test, const char *directory);

/* Begin a list in it. */
FILE *media_begin(struct betest *test, const char *directory);
int media_note(FILE *file, const char *path, uint32_t kind);
int media_end(struct betest *test, FILE *file);

int media_load(struct betest *test, const char *directory, struct media *media);
void media_free(struct media *media);

/* --- backup.c, restore.c, boot.c -------------------------------------------------------- */

int betest_backup(struct betest *test, const char *directory);
int betest_restore(struct betest *test, char **directories, size_t count);
int betest_boot(struct betest *test);

/* --- carry.c ---------------------------------------------------------------------------- */

/* What became of a part. */
struct outcome {
	uint32_t status;	/* enum shadowcopy_file_restore_status */
	bool alternate;		/* it is in its alternate location */
	bool staged;
};

/* Ends the session's part of a restore: what became of parts is told, and writers take it up. */
typedef int finish_fn(struct betest *test, const struct shadowcopy_restore_plan *plan,
		      const struct outcome *outcomes, void *data);

/*
 * Do what a plan says with what is in @directory.  @finish is called once, between what is
 * before the writers' PostRestore and what is behind it.
 */
int carry_out(struct betest *test, const struct shadowcopy_restore_plan *plan,
	      const char *directory, finish_fn *finish, void *data);
void carry_print(const struct shadowcopy_restore_plan *plan);

/* --- boot.c ----------------------------------------------------------------------------- */

struct staged {
	char *from, *to;
};

/* Note what is renamed at the next boot. */
int boot_note(struct betest *test, const struct staged *staged, size_t count);

#endif /* BETEST_H */
