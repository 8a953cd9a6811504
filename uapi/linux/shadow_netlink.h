/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shadow_netlink.h - the generic netlink family of the shadow module: facts for
 * everybody, and the control channel between the coordinator and the writers.
 *
 * Family "shadow".  What each message has in it is in the specification
 * Documentation/netlink/specs/shadow.yaml; what it means is in
 * Documentation/netlink.rst.
 *
 * Facts are multicast to the group "events" (CAP_NET_ADMIN to join;
 * CAP_SYS_ADMIN on 5.10) by SHADOW_NL_CMD_EVENT.
 *
 * A writer is an application that is brought to rest for an instant.  It
 * registers its socket, and is told what happens; the coordinator, one socket of
 * a process with CAP_SYS_ADMIN, says what it is told.  The module keeps the
 * deadlines and notices the death of either.
 */
#ifndef _UAPI_LINUX_SHADOW_NETLINK_H
#define _UAPI_LINUX_SHADOW_NETLINK_H

#define SHADOW_NL_FAMILY	"shadow"
#define SHADOW_NL_VERSION	1
#define SHADOW_NL_GROUP_EVENTS	"events"

#define SHADOW_NL_NAME_MAX	127	/* bytes of a writer's name */
#define SHADOW_NL_TEXT_MAX	511	/* bytes of what a writer says of a failure */
#define SHADOW_NL_MAX_WRITERS	1024	/* registered at a time */
#define SHADOW_NL_MAX_USER_WRITERS 128	/* of them by one user other than root */

/* Milliseconds from freeze to thaw (VSS C-24, J-22). */
#define SHADOW_NL_FREEZE_DEFAULT_MS 60000
#define SHADOW_NL_FREEZE_MAX_MS	600000
#define SHADOW_NL_ANSWER_MAX_MS	86400000	/* for any answer */

enum shadow_nl_cmd {
	SHADOW_NL_CMD_UNSPEC,
	SHADOW_NL_CMD_EVENT,		/* multicast: a fact */

	/* from a writer, and the answer to it */
	SHADOW_NL_CMD_WRITER_REGISTER,
	SHADOW_NL_CMD_WRITER_UNREGISTER,
	SHADOW_NL_CMD_WRITER_ANSWER,	/* what it was told is done, or failed */
	SHADOW_NL_CMD_WRITER_EXTEND,	/* it needs more time */
	/* to a writer */
	SHADOW_NL_CMD_WRITER_TELL,

	/* from the coordinator, and the answer to it */
	SHADOW_NL_CMD_WRITER_GET,	/* dump: the writers */
	SHADOW_NL_CMD_COORDINATOR_REGISTER,
	SHADOW_NL_CMD_TELL,		/* tell a writer */
	SHADOW_NL_CMD_SESSION_END,	/* forget a session */
	/* to the coordinator */
	SHADOW_NL_CMD_RESULT,		/* what became of a TELL */
	SHADOW_NL_CMD_FREEZE_EXPIRED,	/* a writer was frozen for too long */

	__SHADOW_NL_CMD_MAX,
};

#define SHADOW_NL_CMD_MAX	(__SHADOW_NL_CMD_MAX - 1)

enum shadow_nl_event {
	SHADOW_NL_EV_CREATED	= 1,	/* a shadow exists */
	SHADOW_NL_EV_DELETED	= 2,	/* a shadow is gone */
	SHADOW_NL_EV_LOST	= 3,	/* a shadow was lost, with the reason */
	SHADOW_NL_EV_STORE_FILL	= 4,	/* the store passed 70, 85 or 95 per cent */
	SHADOW_NL_EV_TRACKED	= 5,	/* a volume is tracked */
	SHADOW_NL_EV_UNTRACKED	= 6,	/* a volume is no longer tracked */
	SHADOW_NL_EV_GONE	= 7,	/* a tracked volume was removed */
	SHADOW_NL_EV_HELD	= 8,	/* every volume of a set is at rest */
	SHADOW_NL_EV_RELEASED	= 9,	/* the hold is over */
	SHADOW_NL_EV_EXPIRED	= 10,	/* the hold was ended by its timer */
	SHADOW_NL_EV_SEALED	= 11,	/* a writable shadow is read-only from now on */
	SHADOW_NL_EV_EVICTED	= 12,	/* a shadow goes because the store is full */
	SHADOW_NL_EV_THROTTLED	= 13,	/* writes begin to wait for room in the store */
	SHADOW_NL_EV_FAULTED	= 14,	/* writes end with an error from now on */
	SHADOW_NL_EV_CLEARED	= 15,	/* ... no longer */
	SHADOW_NL_EV_STORE_GROWN = 16,	/* a part of the store has become larger */
	SHADOW_NL_EV_GROW_FAILED = 17,	/* ... could not; is tried again later */
	SHADOW_NL_EV_WRITER_ADDED = 18,	/* a writer has registered */
	SHADOW_NL_EV_WRITER_REMOVED = 19, /* ... is gone */
	SHADOW_NL_EV_WRITER_FROZEN = 20, /* a writer was told to freeze */
	SHADOW_NL_EV_WRITER_THAWED = 21, /* ... to thaw, or to abort */
	SHADOW_NL_EV_WRITER_EXPIRED = 22, /* ... to abort, its time being over */
	SHADOW_NL_EV_REVERT_BEGUN = 23,	/* a volume is made what it was at a shadow's instant */
	SHADOW_NL_EV_REVERT_DONE = 24,	/* ... and is so */
	SHADOW_NL_EV_REVERT_FAILED = 25, /* ... has ended half-way, or could not begin */
	SHADOW_NL_EV_BASE_LOST = 26,	/* changes since then are known no more: its memory */
};

/* What a writer is told (VSS C-20 to C-30). */
enum shadow_nl_tell {
	SHADOW_NL_TELL_IDENTIFY		= 1,	/* C-20: say what you have */
	SHADOW_NL_TELL_PREPARE_BACKUP	= 2,	/* C-21 */
	SHADOW_NL_TELL_PREPARE_SNAPSHOT	= 3,	/* C-22: the long part of coming to rest */
	SHADOW_NL_TELL_FREEZE		= 4,	/* C-23: the short part */
	SHADOW_NL_TELL_THAW		= 5,	/* C-24 */
	SHADOW_NL_TELL_POST_SNAPSHOT	= 6,	/* C-25 */
	SHADOW_NL_TELL_BACKUP_COMPLETE	= 7,	/* C-26 */
	SHADOW_NL_TELL_BACKUP_SHUTDOWN	= 8,	/* C-27: the session is over */
	SHADOW_NL_TELL_ABORT		= 9,	/* C-28: undo everything, thaw */
	SHADOW_NL_TELL_PRE_RESTORE	= 10,	/* C-29 */
	SHADOW_NL_TELL_POST_RESTORE	= 11,	/* C-30 */
	/* Of a volume, by the module: in no session, without cookie and answer. */
	SHADOW_NL_TELL_BACK_OFF		= 12,	/* C-13: its store fills, write less */
	SHADOW_NL_TELL_CONTINUE		= 13,	/* C-13: ... no longer */
};

/* The order in which writers freeze, and the reverse of that in which they thaw. */
enum shadow_nl_level {
	SHADOW_NL_LEVEL_FRONT_END	= 1,	/* C-31: uses other writers' services */
	SHADOW_NL_LEVEL_BACK_END	= 2,	/* C-32 */
	SHADOW_NL_LEVEL_SYSTEM		= 3,	/* C-33 */
};

/* What became of what a writer was told. */
enum shadow_nl_result {
	SHADOW_NL_RESULT_ANSWERED	= 1,	/* see SHADOW_NL_A_STATUS */
	SHADOW_NL_RESULT_TIMEOUT	= 2,	/* it did not answer in time */
	SHADOW_NL_RESULT_GONE		= 3,	/* it is no longer there */
	SHADOW_NL_RESULT_SUPERSEDED	= 4,	/* it was told to abort instead */
};

/* How a writer says that it failed (VSS C-40 to C-48). */
enum shadow_nl_status {
	SHADOW_NL_STATUS_OK		= 0,
	SHADOW_NL_STATUS_INCONSISTENT	= 1,	/* C-40: the set lacks a volume */
	SHADOW_NL_STATUS_NO_RESOURCES	= 2,	/* C-41 */
	SHADOW_NL_STATUS_TIMEOUT	= 3,	/* C-42 */
	SHADOW_NL_STATUS_RETRYABLE	= 4,	/* C-43 */
	SHADOW_NL_STATUS_NONRETRYABLE	= 5,	/* C-44 */
	SHADOW_NL_STATUS_RECOVERY_FAILED = 6,	/* C-45 */
	SHADOW_NL_STATUS_PARTIAL	= 7,	/* C-46: see the components */
};

enum shadow_nl_attr {
	SHADOW_NL_A_UNSPEC,
	SHADOW_NL_A_PAD,
	SHADOW_NL_A_EVENT,		/* u32, enum shadow_nl_event */
	SHADOW_NL_A_SEQ,		/* u64 */
	SHADOW_NL_A_TIME,		/* u64, CLOCK_REALTIME, nanoseconds */
	SHADOW_NL_A_SHADOW,		/* 16 bytes */
	SHADOW_NL_A_SET,		/* 16 bytes */
	SHADOW_NL_A_MAJOR,		/* u32 */
	SHADOW_NL_A_MINOR,		/* u32 */
	SHADOW_NL_A_NAME,		/* string */
	SHADOW_NL_A_INDEX,		/* u32, N of /dev/shadowN */
	SHADOW_NL_A_REASON,		/* u32, enum shadow_reason */
	SHADOW_NL_A_PERCENT,		/* u32, fill of a store */
	SHADOW_NL_A_SECONDS,		/* u32 */
	SHADOW_NL_A_FAULT,		/* u32, enum shadow_protect_fault */
	SHADOW_NL_A_BYTES,		/* u64 */

	SHADOW_NL_A_CLASS,		/* 16 bytes: what kind of writer */
	SHADOW_NL_A_INSTANCE,		/* 16 bytes: which of them, new at each start */
	SHADOW_NL_A_INSTANCE_NAME,	/* string: the same at each start */
	SHADOW_NL_A_LEVEL,		/* u32, enum shadow_nl_level */
	SHADOW_NL_A_TELLS,		/* u32, 1 << enum shadow_nl_tell: what it is told */
	SHADOW_NL_A_FREEZE_MS,		/* u32, longest freeze */
	SHADOW_NL_A_PID,		/* u32, of who registered, in the first PID namespace */
	SHADOW_NL_A_UID,		/* u32, of who registered, in the first user namespace */
	SHADOW_NL_A_SESSION,		/* 16 bytes */
	SHADOW_NL_A_TELL,		/* u32, enum shadow_nl_tell */
	SHADOW_NL_A_COOKIE,		/* u64: which TELL is meant */
	SHADOW_NL_A_ANSWER_MS,		/* u32, until there must be an answer */
	SHADOW_NL_A_RESULT,		/* u32, enum shadow_nl_result */
	SHADOW_NL_A_STATUS,		/* u32, enum shadow_nl_status */
	SHADOW_NL_A_APP_CODE,		/* u32, the writer's own */
	SHADOW_NL_A_TEXT,		/* string, for people */
	SHADOW_NL_A_ELAPSED,		/* u64, nanoseconds from telling to answer */

	__SHADOW_NL_A_MAX,
};

#define SHADOW_NL_A_MAX	(__SHADOW_NL_A_MAX - 1)

#endif /* _UAPI_LINUX_SHADOW_NETLINK_H */
