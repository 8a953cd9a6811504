/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-requester.h - for requesters: programs that have shadows made while
 * applications are at rest, as a rule to back them up.
 *
 * A requester is a connection to shadowd, and one session with it: one backup.  It
 * calls one thing after the other; each call is answered once, at once or after
 * minutes, and meanwhile its descriptor can be polled.  When the connection ends, for
 * whatever reason, all that was begun is undone, writers hear that the backup is over,
 * and shadows that were not to stay are deleted.
 *
 * There are two ways to call.  shadowcopy_requester_begin() and _wait() take any call, with JSON
 * objects for arguments and results; they are for who polls.  The typed functions below
 * make the same calls, and wait for the answer.  Documentation/coordinator.rst has all calls, and
 * in which order they may come.
 *
 * A backup, by its typed calls: init_backup, set_context, set_backup_state,
 * gather_metadata, start_set, add_volume ..., prepare_backup, create_set, the copying,
 * backup_complete.  A restore: init_restore, gather_metadata, pre_restore, the copying,
 * post_restore.  Between them the session's document is read and changed.
 *
 * Conventions and errors are those of libshadowcopy.h.
 */
#ifndef LIBSHADOWCOPY_REQUESTER_H
#define LIBSHADOWCOPY_REQUESTER_H

#include <stdbool.h>
#include <libshadowcopy.h>
#include <libshadowcopy-document.h>
#include <libshadowcopy-provider.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy_requester;

/**
 * shadowcopy_requester_open() - connect to the coordinator
 * @sc: the handle; outlives the requester
 * @path: its socket, NULL for the usual one
 * @requesterp: out
 *
 * Return: 0, -ENOENT or -ECONNREFUSED (it does not run), -EACCES, or another negative errno.
 */
int shadowcopy_requester_open(struct shadowcopy *sc, const char *path,
			      struct shadowcopy_requester **requesterp);

/**
 * shadowcopy_requester_close() - end the session
 * @requester: the requester, or NULL
 */
void shadowcopy_requester_close(struct shadowcopy_requester *requester);

/* A descriptor that polls readable when shadowcopy_requester_wait() has an answer. */
int shadowcopy_requester_fd(const struct shadowcopy_requester *requester);

/**
 * shadowcopy_requester_begin() - call something, without waiting for the answer
 * @requester: the requester
 * @call: "create-set" ...
 * @arguments: a JSON object, or NULL: none
 *
 * Return: 0, -EBUSY (the call before is not answered yet), -EINVAL (that is no JSON
 * object), -EPIPE (the coordinator is gone), or another negative errno.
 */
int shadowcopy_requester_begin(struct shadowcopy_requester *requester, const char *call,
			       const char *arguments);

/**
 * shadowcopy_requester_wait() - the answer to what was begun
 * @requester: the requester
 * @timeout_ms: how long to wait for it; 0: not at all; < 0: for ever
 *
 * Return: 0 (done), -EAGAIN (not yet), -EPIPE (the coordinator is gone), or the negative
 * errno of what failed; shadowcopy_last_error() has what the coordinator says of it.
 */
int shadowcopy_requester_wait(struct shadowcopy_requester *requester, int timeout_ms);

/**
 * shadowcopy_requester_cancel() - end the call that is under way
 * @requester: the requester
 *
 * What writers have begun is undone, a set that is being made is given up, and the session is over
 * but for being looked at.  shadowcopy_requester_wait() tells how the call ended: with -ECANCELED,
 * or as it would have, where it was done, or had failed, before.  Where no call is under way this
 * does nothing.
 *
 * Return: 0, -EPIPE (the coordinator is gone), or another negative errno.
 */
int shadowcopy_requester_cancel(struct shadowcopy_requester *requester);

/* The result of the last call, or what is known of its failure: a JSON object. */
const char *shadowcopy_requester_result(const struct shadowcopy_requester *requester);

/* VSS' name of the last failure, "BAD_STATE" ..., or "". */
const char *shadowcopy_requester_code(const struct shadowcopy_requester *requester);

/* shadowcopy_requester_begin(), and shadowcopy_requester_wait() for ever. */
int shadowcopy_requester_call(struct shadowcopy_requester *requester, const char *call,
			      const char *arguments);

/* --- typed calls: each waits for its answer ----------------------------------- */

/* Begin a backup (B-02).  0 or a negative errno, as all that follow. */
int shadowcopy_requester_init_backup(struct shadowcopy_requester *requester);

/* Begin a restore (B-03), with the backup components that were saved with the backup. */
int shadowcopy_requester_init_restore(struct shadowcopy_requester *requester, const char *text,
				      size_t size);

/**
 * struct shadowcopy_requester_context - what kind of shadows (B-04, h)
 * @context: SHADOWCOPY_CTX_*
 * @keep: they outlive the session, also where the context does not say so (H-21)
 * @writable: they stay writable
 * @no_autorecovery: they are read-only at once: nothing is recovered or deleted in them (H-23)
 * @rollback_recovery: components with SHADOWCOPY_COMPONENT_ROLLBACK_RECOVERY recover (H-25)
 * @persistent: they survive a reboot (H-20), so they are kept, and in durable stores; nothing is
 *	recovered or deleted in them
 * @reserved: zero
 */
struct shadowcopy_requester_context {
	uint32_t context;
	bool keep;
	bool writable;
	bool no_autorecovery;
	bool rollback_recovery;
	bool persistent;
	uint64_t reserved[3];
};

/* Once, after init_backup; without it the context is SHADOWCOPY_CTX_BACKUP. */
int shadowcopy_requester_set_context(struct shadowcopy_requester *requester,
				     const struct shadowcopy_requester_context *context);

/**
 * struct shadowcopy_backup_state - what kind of backup (B-05)
 * @type: enum shadowcopy_backup_type
 * @component_mode: components are chosen, and only their writers take part
 * @bootable: system state that a machine boots from
 * @partial_files: writers may name parts of files
 * @may_degrade: a writer's failure costs consistency, and not the set
 * @timeout_ms: longest hold of the volumes; 0: the default
 * @reserved: zero
 */
struct shadowcopy_backup_state {
	uint32_t type;
	bool component_mode;
	bool bootable;
	bool partial_files;
	bool may_degrade;
	uint32_t timeout_ms;
	uint64_t reserved[3];
};

/* Before prepare_backup. */
int shadowcopy_requester_set_backup_state(struct shadowcopy_requester *requester,
					  const struct shadowcopy_backup_state *state);

/* Of a restore, before pre_restore (B-06): enum shadowcopy_restore_type. */
int shadowcopy_requester_set_restore_type(struct shadowcopy_requester *requester, uint32_t type);

/*
 * Who takes part (B-07), by name, class or instance, after gather_metadata: the first writer that
 * is included excludes all others.
 */
int shadowcopy_requester_include_writer(struct shadowcopy_requester *requester,
					const char *writer);
int shadowcopy_requester_exclude_writer(struct shadowcopy_requester *requester,
					const char *writer);

/* Ask all writers what they have (B-08). */
int shadowcopy_requester_gather_metadata(struct shadowcopy_requester *requester);

/* Begin a set (B-13). */
int shadowcopy_requester_start_set(struct shadowcopy_requester *requester);

/**
 * shadowcopy_requester_supports() - can a volume have a shadow? (B-14)
 * @requester: the requester
 * @volume: device or mount point
 * @provider: who is to make it, NULL: the first that can
 *
 * shadowcopy_requester_result() has "reason" where it cannot, and "provider" where it can.
 *
 * Return: enum shadowcopy_support, or a negative errno.
 */
int shadowcopy_requester_supports(struct shadowcopy_requester *requester, const char *volume,
				  const char *provider);

/**
 * shadowcopy_requester_add_volume() - a volume of the set (B-15)
 * @requester: the requester
 * @volume: device or mount point
 * @store: as --store of shadowadm, only for root; NULL: as stores.conf says
 * @provider: who makes the shadow; NULL: the first that can
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_requester_add_volume(struct shadowcopy_requester *requester, const char *volume,
				    const char *store, const char *provider);

/* Writers prepare (B-16), the set is made (B-17), the backup is good (B-23). */
int shadowcopy_requester_prepare_backup(struct shadowcopy_requester *requester);
int shadowcopy_requester_create_set(struct shadowcopy_requester *requester);
int shadowcopy_requester_backup_complete(struct shadowcopy_requester *requester);

/* The shadows outlive the session: after create_set. */
int shadowcopy_requester_keep(struct shadowcopy_requester *requester);

/* Undo what was begun (B-24); nothing begun is no error. */
int shadowcopy_requester_abort(struct shadowcopy_requester *requester);

/* Writers make room for what is restored, and take it up (B-41). */
int shadowcopy_requester_pre_restore(struct shadowcopy_requester *requester);
int shadowcopy_requester_post_restore(struct shadowcopy_requester *requester);

/* --- writers and documents ------------------------------------------------------ */

/**
 * struct shadowcopy_requester_writer - a writer in the session (B-18, B-49)
 * @class_id: what kind of writer
 * @instance_id: which of them
 * @name: of the kind
 * @instance_name: of this one, or ""
 * @state: "stable", "waiting-for-freeze", ... "failed" (c.3)
 * @part: "" where it takes part; "excluded", "no-data", "not-chosen" or "absent" where not
 * @failed_at: what it was told when it failed, "freeze" ..., or ""
 * @status: how it failed, "retryable" ..., or ""
 * @text: what it says of it, or ""
 * @app_code: its own number for it
 * @pid: its process; 0: it has none, its metadata is a file
 * @has_metadata: shadowcopy_requester_metadata() has something
 */
struct shadowcopy_requester_writer {
	struct shadow_uuid class_id;
	struct shadow_uuid instance_id;
	const char *name;
	const char *instance_name;
	const char *state;
	const char *part;
	const char *failed_at;
	const char *status;
	const char *text;
	uint32_t app_code;
	uint32_t pid;
	bool has_metadata;
};

/**
 * shadowcopy_requester_writers() - the writers, and how they are
 * @requester: the requester
 * @fn: called for each, until it does not return 0; what it gets is valid during the call
 * @data: for @fn
 *
 * Return: 0, the last answer of @fn, or a negative errno.
 */
int shadowcopy_requester_writers(struct shadowcopy_requester *requester,
				 int (*fn)(void *data,
					   const struct shadowcopy_requester_writer *writer),
				 void *data);

/**
 * shadowcopy_requester_metadata() - what a writer has told about its data (B-09)
 * @requester: the requester
 * @instance: which
 * @metadatap: out: the requester's, until it gathers metadata again or is closed; of a copy
 *	of its own, in which shadowcopy_metadata_expand() may put the values of variables
 *
 * Return: 0, -ENOENT (it has told nothing), or another negative errno.
 */
int shadowcopy_requester_metadata(struct shadowcopy_requester *requester,
				  const struct shadow_uuid *instance,
				  struct shadowcopy_metadata **metadatap);

/**
 * shadowcopy_requester_backup() - the session's backup components
 * @requester: the requester
 * @backupp: out: the requester's, until the next of set_context, set_backup_state,
 *	set_restore_type, prepare_backup, create_set, backup_complete, pre_restore, post_restore,
 *	commit and abort
 *
 * It is read, and changed by the functions of libshadowcopy-document.h (B-10 to B-12, B-19, B-22,
 * B-33 to B-44), and saved (B-25).  What was changed goes to the coordinator before the next
 * of those calls, which fails where something may not be changed; abort forgets it.
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_requester_backup(struct shadowcopy_requester *requester,
				struct shadowcopy_backup **backupp);

/* Have what was changed in it checked and taken over now; it has to be asked for again. */
int shadowcopy_requester_commit(struct shadowcopy_requester *requester);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_REQUESTER_H */
