/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shadowd.h - the coordinator's parts and what they know of each other.
 *
 *	client	connections: packets, calls, answers
 *	session	what a requester is doing: one state table
 *	exchange	documents: what of them goes to whom, and what comes back
 *	reading	documents that come, read by a thread
 *	part	who takes part
 *	lookup	volumes by their names
 *	errand	what may never end, and can be let go of
 *	express	writers that are files
 *	restored	that there was a restore, for who comes later
 *	set	how a set is made: one sequence of steps
 *	round	the same thing told to many writers, until all have answered
 *	writer	who has registered with the module
 *	history	how writers failed, when their sessions are long over
 *	work	what may block, in threads of its own
 *	log	what is said, but for the time that something is frozen
 *	text	what others say, made UTF-8
 *
 * Upper parts call lower ones; answers come up through function pointers.  There is
 * one loop; only work runs beside it, and touches nothing but its own session's
 * struct making.
 */
#ifndef SHADOWD_H
#define SHADOWD_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <jansson.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "libshadowcopy-channel.h"
#include "libshadowcopy-document.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

static inline bool uuid_same(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Of the monotonic clock. */
static inline int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --- list.h in small: doubly linked, the head is an entry, too ------------------ */

struct link {
	struct link *next, *prev;
};

static inline void link_init(struct link *head)
{
	head->next = head;
	head->prev = head;
}

static inline void link_add(struct link *head, struct link *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

static inline void link_remove(struct link *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	link_init(entry);
}

#define ENTRY(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
/* @entry is a name. */
#define EACH(entry, head, type, member) \
	for (type *entry = ENTRY((head)->next, type, member), \
	     *entry##_next = ENTRY(entry->member.next, type, member); \
	     &entry->member != (head); \
	     entry = entry##_next, entry##_next = ENTRY(entry->member.next, type, member))

/* --- failure.c ---------------------------------------------------------------------- */

/*
 * Why something failed, as the requester is told it.  Strings are the failure's own.
 * @code is VSS' name for it; @retry: "never", "now", or how many seconds to wait.
 */
struct failure {
	const char *code;
	int error;			/* negative errno; 0: nothing failed */
	char phase[32];
	char object[256];
	char cause[512];
	char remedy[256];
	int retry_seconds;		/* < 0: it will not help */
};

void failure_set(struct failure *failure, const char *code, int error, const char *phase,
		 const char *object, const char *remedy, const char *cause, ...)
	PRINTF(7, 8);
/* The last failure on a handle of the library. */
void failure_of_library(struct failure *failure, const struct shadowcopy *sc);
/* The same, of what has to do with documents. */
void failure_of_document(struct failure *failure, const struct shadowcopy *sc);
json_t *failure_json(const struct failure *failure);
/* VSS' name for how a writer failed: enum shadow_nl_result and shadow_nl_status. */
const char *failure_of_writer(uint32_t result, uint32_t status);
const char *failure_remedy_of_writer(uint32_t result, uint32_t status);
/* After how many seconds trying again can help; < 0: it will not. */
int failure_retry_of_writer(uint32_t result, uint32_t status);

/* --- log.c -------------------------------------------------------------------------- */

/*
 * What log() is told while something is frozen is kept in memory until nothing is:
 * who writes the log may wait for the frozen filesystem, and we for him.
 */
void log_line(int level, const char *format, ...) PRINTF(2, 3);
/* One of many like it, which anybody can cause: one in ten seconds. */
void log_often(int level, const char *format, ...) PRINTF(2, 3);
void log_hold(void);
void log_release(void);
bool log_held(void);
/* What waits for the end of it: called each time. */
void log_when_released(void (*fn)(void));
void log_flush(void);

/* --- text.c ------------------------------------------------------------------------- */

/* Make it UTF-8 without control characters, in place: a '?' for each byte that is none. */
void text_clean(char *text);

/* --- work.c --------------------------------------------------------------------------- */

struct work {
	struct link link;
	void (*run)(struct work *work);		/* in a thread */
	void (*done)(struct work *work);	/* in the loop */
	struct link turn;			/* of what takes much memory */
	uid_t uid;
	bool large;
};

int work_init(sd_event *loop);
/* Begin; @done is called in any case, and not from here. */
void work_start(struct work *work);
/* The same, but not without a thread: false, and nothing has begun. */
bool work_try(struct work *work);
/*
 * The same, of what takes much memory: it begins when not too much else of that kind is under way,
 * of this user, and in all.
 */
void work_start_large(struct work *work, uid_t uid);

/* --- errand.c -------------------------------------------------------------------------- */

#define ERRAND_PLACE 384

/* Work that may never end; it has nothing of its session's. */
struct errand {
	struct work work;
	struct link link;
	struct session *session;	/* NULL: nobody waits for it any more */
	uid_t uid;
	void (*run)(struct errand *errand);	/* in a thread */
	void (*done)(struct errand *errand, struct session *session);	/* in the loop */
	void (*free)(struct errand *errand);	/* in the loop, in any case */
	char place[ERRAND_PLACE];		/* what it is looking at */
};

/* Begin, or answer the session's call with a failure and free it. */
void errand_start(struct errand *errand, struct session *session);
/* The session does not wait for it any more. */
void errand_drop(struct session *session);
/* What it looks at from now on, for people; called by its thread. */
void errand_note(struct errand *errand, const char *who, const char *what);
/* What a session waits for, if it does. */
bool errand_place(const struct session *session, char place[ERRAND_PLACE]);

/* --- writer.c --------------------------------------------------------------------------- */

int writers_init(sd_event *loop, struct shadowcopy *sc);
void writers_exit(void);
/*
 * Who has registered with the module, and may be a writer.  Stops at the first answer of
 * @fn that is not 0, and returns it, or a negative errno.
 */
int writers_each(int (*fn)(void *data, const struct shadowcopy_channel_writer *writer),
		 void *data);

/* Tell a writer; the result comes to round_result(). */
int writer_tell(const struct shadow_uuid *instance, const struct shadow_uuid *session,
		const struct shadow_uuid *set, uint32_t tell, uint32_t answer_ms);
void writer_end_session(const struct shadow_uuid *session);

/* --- round.c -------------------------------------------------------------------------- */

/* VSS' states of a writer in a session (c.3). */
enum writer_state {
	WRITER_STABLE = 1,
	WRITER_WAITING_FOR_FREEZE,
	WRITER_WAITING_FOR_THAW,
	WRITER_WAITING_FOR_POST_SNAPSHOT,
	WRITER_WAITING_FOR_BACKUP_COMPLETE,
	WRITER_FAILED,
};

/* Whether a writer takes part, and if not, why. */
enum part {
	PART_TAKES,
	PART_EXCLUDED,		/* the requester does not want it (B-07) */
	PART_ABSENT,		/* it has not identified itself (C-20) */
	PART_NOT_CHOSEN,	/* components are chosen, and none of its */
	PART_NO_DATA,		/* volumes are, and it has nothing on them */
};

/* A writer in a session. */
struct participant {
	struct link link;
	struct shadowcopy_channel_writer info;
	struct shadowcopy_metadata *metadata;	/* NULL: it has told nothing, or all is over */
	bool has_told;
	enum part part;
	bool out;		/* failed or gone: it is told no more but abort */
	bool frozen;
	bool begun;		/* it was told to prepare */
	bool aborted;		/* alone, the others go on */
	bool present;		/* for post_restore() */
	bool replaced;		/* and all of its files, so that it need not hear of it */
	bool express;		/* no process: it is told nothing */
	uint32_t pending;	/* what it is to answer */
	uint32_t state;		/* enum writer_state */
	uint32_t failed_at;	/* enum shadow_nl_tell, with WRITER_FAILED */
	uint32_t result, status, app_code;
	uint64_t elapsed_ns;
	char text[SHADOW_NL_TEXT_MAX + 1];
};

static inline bool takes_part(const struct participant *p)
{
	return p->part == PART_TAKES;
}

struct round {
	uint32_t tell;
	unsigned int pending;
	unsigned int failed;
	void (*done)(struct round *round);
};

struct session;

/*
 * Tell all participants of a level (0: of every one) the same thing; @done is called when
 * each has answered, failed or gone, at once where there is none.
 */
void round_start(struct session *session, uint32_t tell, uint32_t level,
		 void (*done)(struct round *round));
/* Nobody waits for its answers any more. */
void round_drop(struct session *session);
/* A message of the module to the coordinator. */
void round_message(const struct shadowcopy_channel_message *message);
struct participant *participant_find(struct session *session, const struct shadow_uuid *instance);

/* --- history.c ------------------------------------------------------------------------- */

/* It has failed just now. */
void history_note(const struct participant *p);
/* How it failed the last time, in whichever session, or NULL. */
json_t *history_json(const struct shadow_uuid *instance);

/* --- session.c ----------------------------------------------------------------------- */

enum session_state {
	SESSION_NEW, SESSION_INIT, SESSION_METADATA, SESSION_SET, SESSION_PREPARED,
	SESSION_CREATING, SESSION_CREATED, SESSION_COMPLETE, SESSION_ABORTED, SESSION_FAILED,
	SESSION_RESTORE_INIT, SESSION_CHOOSING, SESSION_RESTORING, SESSION_RESTORED,
};

/* What a set is made of; while work runs it is the work's. */
struct making {
	struct work work;
	struct shadowcopy *sc;
	struct shadowcopy_plan *plan;
	struct shadowcopy_set *set;
	size_t count;
	struct shadowcopy_volume volumes[SHADOW_MAX_SET_VOLUMES];
	char *stores[SHADOW_MAX_SET_VOLUMES];	/* as asked for, or NULL */
	char fs_uuids[SHADOW_MAX_SET_VOLUMES][64];	/* or "" */
	struct shadowcopy_choice choices[SHADOW_MAX_SET_VOLUMES];
	struct shadowcopy_part **parts[SHADOW_MAX_SET_VOLUMES];
	uint32_t flags;			/* SHADOW_SET_* */
	uint32_t timeout_ms;
	uint32_t context;
	struct shadow_set_step step;
	struct shadow_shadow_info shadows[SHADOW_MAX_SET_VOLUMES];
	size_t shadow_count;
	bool recover;			/* writable until its writers have recovered */
	bool keep;			/* the shadows outlive the session, once all is done */
	bool no_recover;		/* nothing may be changed in them (H-23) */
	struct shadowcopy_metadata **metadata;	/* of who takes part; they are the session's */
	uid_t *users;			/* whose each is */
	size_t metadata_count;
	struct shadowcopy_trim *trim;	/* what is deleted in the shadows then */
	uint64_t trimmed_files, trimmed_bytes;
	char trim_problem[256];
	int rc;
	struct failure failure;
};

struct client;

struct session {
	struct link link;
	struct client *client;		/* NULL: it is gone */
	uid_t uid;
	pid_t pid;
	struct shadow_uuid uuid;
	enum session_state state;
	int64_t opened_ms, entered_ms;	/* since when it is there, and in this state */
	json_t *reply;			/* "id" of the call that is still to be answered */
	json_t *abort_id;		/* of an abort that waits for the end of that call */
	int document_fd;		/* what came with the call, or -1 */
	struct link jobs;		/* what writers have to do with the document, in turn */
	struct job *job;		/* that of them which a thread is at */
	void (*when_free)(struct session *session);	/* once there is none */
	void (*postponed_fn)(struct session *session, json_t *arguments);
	json_t *postponed;		/* its arguments */
	int postponed_fd;		/* its document, or -1 */
	struct shadowcopy *sc;		/* for the documents */
	struct shadowcopy_backup *backup;	/* NULL before init */
	struct round round;
	struct link participants;
	uint32_t context;
	uint32_t flags;			/* SHADOW_SET_* */
	uint32_t timeout_ms;
	bool may_degrade;		/* a writer's failure costs consistency, not the set */
	bool keep;			/* the shadows outlive the connection */
	void (*deferred)(struct session *session);	/* once nothing is frozen */
	bool no_autorecovery, rollback_recovery;	/* H-23, H-25 */
	bool restores;			/* from pre-restore to the end of post-restore */
	bool including;			/* a writer was included: all others are not */
	bool context_set;
	bool parts_found;		/* who takes part is known */
	bool working;			/* a thread has struct making, or the document */
	struct errand *errand;		/* working, and can be let go of */
	bool started;			/* no longer waiting in the queue */
	bool aborting;
	bool undoing;			/* writers are told to abort, as the requester wants */
	bool log_held;
	bool closing;
	struct link queue;		/* in the queue for the making of sets */
	unsigned int step;
	struct making making;
	struct failure failure;		/* why the set is not made */
	int64_t began_ms;
	json_t *timings;
	json_t *problems;		/* of writers in files */
};

/* For a requester of this user. */
struct session *session_new(struct client *client, uid_t uid, pid_t pid);
/* Its requester is gone. */
void session_close(struct session *session);
struct session *session_find(const struct shadow_uuid *uuid);
/* A call of its requester; answers it, now or later.  Closes @fd, -1: no document came. */
void session_call(struct session *session, const char *call, json_t *id, json_t *arguments,
		  int fd);
/* The answer of what was called last. */
void session_done(struct session *session, enum session_state next, json_t *result);
void session_fail(struct session *session, enum session_state next,
		  const struct failure *failure);
/* Is there still something to wait for?  If not, and it is closing, it goes. */
void session_settle(struct session *session);
void sessions_init(void);
/* How many backups and restores may be under way. */
void sessions_limit(unsigned int backups, unsigned int restores);
/* Would one more be too many?  Then the call is answered. */
bool session_refused(struct session *session, bool restore);
bool sessions_left(void);
/* The answer of what was called last, with a document. */
void session_done_document(struct session *session, json_t *result, char *text, size_t size);
/* A failure of the library leaves the session as it is. */
void session_fail_library(struct session *session);
/* Do it now, or as soon as nothing is frozen: files are opened in it. */
void session_defer(struct session *session, void (*fn)(struct session *session));
json_t *participants_json(const struct session *session);
/* After work for a call of which more is to be done, unless it was aborted meanwhile. */
void session_go_on(struct session *session, void (*fn)(struct session *session));
/* The call that waits for the document is not to be any more. */
void session_forget_postponed(struct session *session);

/* --- lookup.c ---------------------------------------------------------------------------- */

/* Find a volume, and answer the call that asks for it, or adds it. */
void lookup_volume(struct session *session, const char *volume, const char *store,
		   const char *provider, bool only_asked);

/* --- part.c ----------------------------------------------------------------------------- */

/*
 * Find out who takes part in a backup, then call @done: what the volumes have is looked at
 * in a thread.
 */
void part_find(struct session *session, void (*done)(struct session *session));
/* Who has something that is to be restored. */
void part_find_restored(struct session *session);
/* One of them in whose data another session is about to restore, and that cannot bear it (G-15). */
const struct participant *part_restored_elsewhere(const struct session *session,
						  const struct session *other);
/* Of those, who wants to hear only what could not be put in its place (l.4). */
void part_find_replaced(struct session *session);
/* The writers of the session's document that a participant is: how many. */
#define PART_INSTANCES_MAX 64
size_t part_instances(const struct session *session, const struct participant *p,
		      struct shadow_uuid instances[PART_INSTANCES_MAX]);
/* Does anybody who takes part need shadows that can be written to for a while? (h.3) */
bool part_needs_recovery(const struct session *session);

/* --- express.c ---------------------------------------------------------------------------- */

/* Writers in files become participants, then @next is called. */
void express_gather(struct session *session, void (*next)(struct session *session));

/* --- restored.c ---------------------------------------------------------------------------- */

/* Where it is noted. */
extern const char *restored_path;
/* Note it of all whose data it was, whether they have heard of it or not, then call @fn. */
void restored_note(struct session *session, void (*fn)(struct session *session));

/* --- exchange.c -------------------------------------------------------------------------- */

/* A call of a writer's; answers it, now or later.  Closes @fd. */
void exchange_writer_call(struct client *client, uid_t uid, const char *call, json_t *id,
			  json_t *arguments, int fd);
bool exchange_is_writer_call(const char *call);
/* Has a writer something under way with the session's document? */
bool exchange_busy(const struct session *session);
/* Call @fn once it has not. */
void exchange_when_free(struct session *session, void (*fn)(struct session *session));
/* The session ends: what has not begun never does.  Is anything under way? */
bool exchange_settle(struct session *session);
void call_get_metadata(struct session *session, json_t *arguments);
void call_get_document(struct session *session, json_t *arguments);
void call_put_document(struct session *session, json_t *arguments);
void call_init_restore(struct session *session, json_t *arguments);
/* Metadata of all that have told it, with room for one more, to be freed by free(). */
size_t exchange_metadata(const struct session *session, bool taking_part,
			 struct shadowcopy_metadata ***metadatap);
/* Whose the writers in the session's document are, where that is not written there yet. */
void exchange_note_users(struct session *session);
/* The session's document goes to where its requester may change what he may at this state. */
int exchange_act(struct session *session);
/* What the set is goes into the document: 0, or a negative errno. */
int exchange_note_set(struct session *session);

/* --- reading.c ---------------------------------------------------------------------------- */

enum reading_kind { READING_METADATA, READING_BACKUP };

struct reading {
	struct work work;
	enum reading_kind kind;
	int fd;
	uint64_t size_max;
	char label[128];
	void (*then)(struct reading *reading);	/* in the thread, where it was good; or NULL */
	void (*done)(struct reading *reading);	/* it is freed after that */
	void *data;
	struct shadowcopy_metadata **others;	/* for @then: to be freed, and how many */
	size_t other_count;
	struct shadowcopy *sc;
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_backup *backup;
	int rc;
	struct failure failure;		/* with @rc */
};

/* Steals @fd.  NULL where there is no memory. */
struct reading *reading_new(enum reading_kind kind, int fd, const char *label);
/* When it is the turn of this user's. */
void reading_start(struct reading *reading, uid_t uid);

/* --- set.c ------------------------------------------------------------------------------ */

/* "queue", "freeze-back-end", "abort" ... while a set is made, else NULL. */
const char *set_step(const struct session *session);
/* The set that is being made, or zeros. */
const struct shadow_uuid *session_set(const struct session *session);
void set_create(struct session *session);
/* Give up making it; the end is told as a failure of the call. */
void set_abort(struct session *session, const struct failure *failure);
/* A freeze took too long. */
void set_expired(struct session *session);
/* Let the shadows go, or keep them. */
void set_release(struct session *session);

/* --- client.c --------------------------------------------------------------------------- */

int clients_init(sd_event *loop, int listener);
/* Whatever anybody calls from now on fails with this, which has to stay. */
void clients_fail(const struct failure *failure);
/* Nobody is connected, and nobody was since this was asked before. */
bool clients_idle(unsigned int *before);
/* Both steal what they send. */
void client_send(struct client *client, json_t *message);
void client_send_document(struct client *client, json_t *message, char *text, size_t size);
/* What it calls next waits until an answer was sent; it stays until then. */
void client_hold(struct client *client);
void client_release(struct client *client);

/* --- access.c ---------------------------------------------------------------------------- */

enum access { ACCESS_WRITER = 1, ACCESS_REQUESTER = 2 };

/* May this user do this?  Opens files, so not while the log is held, if that can be. */
bool access_allowed(uid_t uid, enum access what);

#endif /* SHADOWD_H */
