/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-writer.h - for writers: applications that are brought to rest for
 * the instant of a shadow.
 *
 * A writer says who it is and gives a handler for each thing that it may be told.
 * From then on its descriptor polls readable when there is something to do, and
 * shadowcopy_writer_process() does it: it calls handlers, and answers for them.
 *
 * What is told, in a backup: prepare-backup, prepare-snapshot, freeze, thaw,
 * post-snapshot, backup-complete, backup-shutdown.  Instead of any of the first four,
 * and after it, abort may come: then all that was begun is to be undone.  It may come
 * more than once, and always before the longest freeze is over, whoever has died.
 *
 * A writer comes to rest for one session at a time, so handlers need not compare sessions: where
 * one that only waits its turn is aborted, while another one has come to rest, the abort handler is
 * called for it when that is through.
 *
 * Whoever makes shadows, or if nobody does: back-off when the store of a volume fills, and continue
 * when there is room again.
 *
 * A writer is used by one thread at a time.  Conventions and errors are those of
 * libshadowcopy.h.
 */
#ifndef LIBSHADOWCOPY_WRITER_H
#define LIBSHADOWCOPY_WRITER_H

#include <stdbool.h>
#include <libshadowcopy.h>
#include <libshadowcopy-document.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy_writer;
struct shadowcopy_writer_event;

/**
 * typedef shadowcopy_writer_handler - what a writer does when it is told something
 * @event: what it is told; valid during the call
 * @data: as given to shadowcopy_writer_open()
 *
 * It may take its time, see shadowcopy_writer_event_extend(); between freeze and thaw
 * others wait for it.
 *
 * Return: 0, or a negative errno: it failed, as shadowcopy_writer_event_fail() said, or
 * else for good; then people are told what shadowcopy_last_error() has, if the errno is of
 * that, or the errno.
 */
typedef int shadowcopy_writer_handler(struct shadowcopy_writer_event *event, void *data);

/**
 * struct shadowcopy_writer_ops - what a writer does
 * @identify: somebody asks who writes (C-20); nothing may change
 * @prepare_backup: a backup begins (C-21)
 * @prepare_snapshot: the long part of coming to rest: checkpoints, queues (C-22)
 * @freeze: the short part: from its return on nothing is written (C-23)
 * @thaw: go on (C-24)
 * @post_snapshot: the shadows are there (C-25)
 * @backup_complete: the backup is good: logs may be truncated (C-26)
 * @backup_shutdown: the backup, or the restore, is over, however it ended (C-27)
 * @abort: undo all that was begun, and go on (C-28)
 * @pre_restore: its data is about to be replaced (C-29)
 * @post_restore: its data was replaced (C-30)
 * @back_off: the store of a volume, any volume, fills: write less to it, put off what can be put
 *	off (C-13); see shadowcopy_writer_event_filling().  May come again as it fills further
 * @continue_io: ... no longer; comes once after any number of back-offs for a volume, also when
 *	the module goes or the writer is closed
 * @reserved: zero
 *
 * A writer is not told what it has no handler for.  Who has a handler for freeze or for
 * preparing must have one for thaw and one for abort; of the last two it has both, or neither.
 * What these two return, and shadowcopy_writer_event_fail() in them, says nothing to anybody.
 */
struct shadowcopy_writer_ops {
	shadowcopy_writer_handler *identify;
	shadowcopy_writer_handler *prepare_backup;
	shadowcopy_writer_handler *prepare_snapshot;
	shadowcopy_writer_handler *freeze;
	shadowcopy_writer_handler *thaw;
	shadowcopy_writer_handler *post_snapshot;
	shadowcopy_writer_handler *backup_complete;
	shadowcopy_writer_handler *backup_shutdown;
	shadowcopy_writer_handler *abort;
	shadowcopy_writer_handler *pre_restore;
	shadowcopy_writer_handler *post_restore;
	shadowcopy_writer_handler *back_off;
	shadowcopy_writer_handler *continue_io;
	shadowcopy_writer_handler *reserved[3];
};

/**
 * struct shadowcopy_writer_spec - who a writer is (C-01)
 * @class_id: what kind of writer; made once, by uuidgen, for the application
 * @name: of the kind, not translated
 * @instance_name: of this one, where there can be several; the same at each start; or NULL
 * @level: enum shadow_nl_level; 0: front-end
 * @freeze_ms: longest time from freeze to thaw; 0: a minute
 * @reserved: zero
 */
struct shadowcopy_writer_spec {
	struct shadow_uuid class_id;
	const char *name;
	const char *instance_name;
	uint32_t level;
	uint32_t freeze_ms;
	uint64_t reserved[4];
};

/**
 * shadowcopy_writer_open() - become a writer
 * @sc: the handle; outlives the writer
 * @spec: who it is; copied
 * @ops: what it does; copied
 * @data: for the handlers
 * @writerp: out
 *
 * Where the module is not loaded this succeeds: the writer is registered when it
 * is, and again each time that it is loaded.
 *
 * Return: 0, -EINVAL (a handler is missing, or the name), -EUSERS (too many writers), or
 * another negative errno.
 */
int shadowcopy_writer_open(struct shadowcopy *sc, const struct shadowcopy_writer_spec *spec,
			   const struct shadowcopy_writer_ops *ops, void *data,
			   struct shadowcopy_writer **writerp);

/**
 * shadowcopy_writer_close() - be a writer no longer
 * @writer: the writer, or NULL
 *
 * Where it has something to undo its abort handler is called.
 */
void shadowcopy_writer_close(struct shadowcopy_writer *writer);

/* A descriptor that polls readable when shadowcopy_writer_process() has something to do. */
int shadowcopy_writer_fd(const struct shadowcopy_writer *writer);

/**
 * shadowcopy_writer_process() - do what there is to do, without waiting for more
 * @writer: the writer
 *
 * Calls handlers.
 *
 * Return: how many were called, or a negative errno.
 */
int shadowcopy_writer_process(struct shadowcopy_writer *writer);

/**
 * shadowcopy_writer_wait() - wait until there is something to do, and do it
 * @writer: the writer
 * @timeout_ms: how long to wait for it; < 0: for ever
 *
 * For who has nothing else to wait for; a signal ends it.
 *
 * Return: as shadowcopy_writer_process(): 0 where the time was over, or a signal came.
 */
int shadowcopy_writer_wait(struct shadowcopy_writer *writer, int timeout_ms);

/* Is it registered with the module now? */
bool shadowcopy_writer_active(const struct shadowcopy_writer *writer);

/* --- in a handler ------------------------------------------------------------ */

/* enum shadow_nl_tell; shadowcopy_tell_name() has its name. */
uint32_t shadowcopy_writer_event_tell(const struct shadowcopy_writer_event *event);

/* In which session it is told (B-48, C-09); the same in all that belongs together. */
const struct shadow_uuid *
shadowcopy_writer_event_session(const struct shadowcopy_writer_event *event);

/* The set that is made (C-06), or zeros. */
const struct shadow_uuid *
shadowcopy_writer_event_set(const struct shadowcopy_writer_event *event);

/**
 * struct shadowcopy_writer_requester - who has begun the session (C-12)
 * @uid: its user
 * @pid: its process
 * @context: SHADOWCOPY_CTX_*
 * @restore: it is a restore, and no backup
 * @reserved: zero
 */
struct shadowcopy_writer_requester {
	uint32_t uid;
	uint32_t pid;
	uint32_t context;
	bool restore;
	uint64_t reserved[3];
};

/**
 * shadowcopy_writer_event_requester() - who asks, in identify and in what follows
 * @event: what was told; not in backup-shutdown, and not where the writer aborts by itself
 * @requester: out
 *
 * Return: 0, -EBADFD (nobody waits for the answer any more), -EPIPE, -ECONNREFUSED or -ETIMEDOUT
 * (the coordinator does not answer), or another negative errno.
 */
int shadowcopy_writer_event_requester(struct shadowcopy_writer_event *event,
				      struct shadowcopy_writer_requester *requester);

/*
 * Is this the last that it hears of this session, because the module goes, or the writer is being
 * closed? (C-10)
 */
bool shadowcopy_writer_event_ends(const struct shadowcopy_writer_event *event);

/**
 * shadowcopy_writer_event_fail() - say how it failed (C-11)
 * @event: what was told
 * @status: enum shadow_nl_status, not 0
 * @app_code: the application's own number, or 0
 * @format: what people are told: what failed, on what, why
 *
 * Return: -ECANCELED, for the handler to return.
 */
int shadowcopy_writer_event_fail(struct shadowcopy_writer_event *event, uint32_t status,
				 uint32_t app_code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * shadowcopy_writer_event_extend() - this takes longer
 * @event: what was told
 * @ms: milliseconds from now on
 *
 * From freeze to thaw it takes no longer all the same.
 *
 * Return: 0, -ESTALE (it is too late already), or another negative errno.
 */
int shadowcopy_writer_event_extend(struct shadowcopy_writer_event *event, uint32_t ms);

/**
 * struct shadowcopy_writer_filling - the store of a volume fills (C-13)
 * @volume: the volume whose old data it keeps
 * @name: of the volume, "sda1" ...; the event's
 * @percent: how full its store is, or was when the writer was told; 0: it is gone
 * @seconds: until it is full, at the rate of the last half minute; 0: nobody knows
 * @reserved: zero
 */
struct shadowcopy_writer_filling {
	struct shadow_dev volume;
	const char *name;
	uint32_t percent;
	uint32_t seconds;
	uint64_t reserved[3];
};

/**
 * shadowcopy_writer_event_filling() - in back-off and continue: which store
 * @event: what was told
 * @filling: out
 *
 * Return: 0, or -EBADFD (not in these two).
 */
int shadowcopy_writer_event_filling(struct shadowcopy_writer_event *event,
				    struct shadowcopy_writer_filling *filling);

/* --- documents, in a handler -------------------------------------------------------- */

/**
 * shadowcopy_writer_event_metadata() - in the identify handler: what the writer has (C-20)
 * @event: what was told
 * @metadatap: out: the event's, with class, instance and names; to be filled in by
 *	shadowcopy_metadata_set_usage() and so on
 *
 * It is told to the coordinator when the handler returns 0, and checked before; a writer
 * whose metadata is not good is not there for this session.  A writer that never calls this
 * has told nothing: then it takes part in every set.
 *
 * Return: 0, -EINVAL (not in identify), or another negative errno.
 */
int shadowcopy_writer_event_metadata(struct shadowcopy_writer_event *event,
				     struct shadowcopy_metadata **metadatap);

/**
 * shadowcopy_writer_event_load_metadata() - the same, from a document that was written before
 * @event: what was told
 * @text: the document; it need have no checksum
 * @size: bytes of it
 *
 * Its class, instance and names become those that the writer has registered.
 *
 * Return: as shadowcopy_metadata_load(), or -EINVAL (not in identify).
 */
int shadowcopy_writer_event_load_metadata(struct shadowcopy_writer_event *event,
					  const void *text, size_t size);

/**
 * shadowcopy_writer_event_backup() - the backup components (C-04, C-05)
 * @event: what was told
 * @backupp: out: the event's; of the writers it has this one only, if it has components in it
 *
 * Not in identify, abort and backup-shutdown.  In prepare-backup, post-snapshot, pre-restore and
 * post-restore it may be changed, by shadowcopy_backup_component_set_text() and so on (c.6).
 * What was changed is told to the coordinator when the handler returns, also when it failed.
 *
 * Return: 0, -EBADFD (not in this handler), -EPIPE, -ECONNREFUSED or -ETIMEDOUT (the coordinator
 * does not answer), or another negative errno.
 */
int shadowcopy_writer_event_backup(struct shadowcopy_writer_event *event,
				   struct shadowcopy_backup **backupp);

/**
 * shadowcopy_writer_event_volumes() - the volumes of the set (C-07)
 * @event: what was told, from prepare-backup to post-snapshot; in back-off and continue, the one
 *	that fills
 * @volumesp: out: device numbers; the event's
 * @countp: out: how many
 *
 * Return: 0, or a negative errno as of shadowcopy_writer_event_backup().
 */
int shadowcopy_writer_event_volumes(struct shadowcopy_writer_event *event,
				    const struct shadow_dev **volumesp, size_t *countp);

/**
 * shadowcopy_writer_event_path_affected() - is it on a volume of the set? (C-07)
 * @event: what was told, from prepare-backup to post-snapshot; in back-off and continue: is it on
 *	the volume that fills?  Writing to it is what has to wait
 * @path: of a file or directory, absolute
 *
 * Return: 1, 0, or a negative errno.
 */
int shadowcopy_writer_event_path_affected(struct shadowcopy_writer_event *event,
					  const char *path);

/**
 * shadowcopy_writer_event_shadow() - in post-snapshot: the shadow of a path's volume (C-08)
 * @event: what was told
 * @path: of a file or directory, absolute
 * @devicep: out: "/dev/shadow0" ...; the event's
 *
 * Return: 0, -ENOENT (the volume is not in the set), -EBADFD (not in post-snapshot), or another
 * negative errno.
 */
int shadowcopy_writer_event_shadow(struct shadowcopy_writer_event *event, const char *path,
				   const char **devicep);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_WRITER_H */
