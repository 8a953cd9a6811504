/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writer.h - the verbs of "shadowadm writer", and the rows and texts that they and scripts show.
 */
#ifndef SHADOWADM_WRITER_H
#define SHADOWADM_WRITER_H

#include "libshadowcopy-channel.h"
#include "libshadowcopy-requester.h"
#include "table.h"

extern const struct command writer_list, writer_status, writer_check;

/*
 * A writer, by itself or in a session.  All but @info is for the status table; its strings are
 * those of the coordinator's answers, or NULL.
 */
struct writer_row {
	struct shadowcopy_channel_writer info;
	const char *state;
	const char *part;		/* "": it takes part, or may */
	bool metadata;			/* it has told what it has */
	bool failed;			/* it has, in whichever session: */
	const char *failed_at;
	const char *failure;
	const char *text;
	uint32_t app_code;
	uint64_t failed_seconds;	/* ago */
	const char *session;		/* that it takes part in */
	const char *session_state;
	const char *step;
	uint32_t session_pid;
	uint32_t session_uid;
};

extern const struct table writer_list_table, writer_status_table;

/* --- writer_status.c --------------------------------------------------------- */

/* What the coordinator says: to be freed by writer_answers_free(). */
struct writer_answers {
	json_t *writers;		/* in this session */
	json_t *sessions;		/* all others */
	json_t *documents;		/* instance: metadata, as JSON */
	struct writer_row *rows;
	size_t count;
};

/*
 * Ask it by a requester that has gathered metadata, or is begun and gathers it now; with
 * @documents for the metadata, too.  STATUS_OK, or STATUS_FAILED with a message.
 */
int writer_ask(struct context *context, struct shadowcopy_requester *requester, bool gather,
	       bool documents, struct writer_answers *answers);
void writer_answers_free(struct writer_answers *answers);

/*
 * Show it: the table, @metadata with what the writers have told, @detailed with their
 * files.  As JSON an object.
 */
int writer_answers_print(struct context *context, const struct writer_answers *answers,
			 bool metadata, bool detailed);

/* --- writer_text.c -------------------------------------------------------------- */

/* Writer metadata, read from JSON, for people; @files with all file sets. */
void metadata_print(json_t *metadata, bool files);

/* A document of the library as JSON, or NULL. */
json_t *metadata_json(struct context *context, const struct shadowcopy_metadata *metadata);

#endif /* SHADOWADM_WRITER_H */
