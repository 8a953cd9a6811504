/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shadow_netlink.h - the generic netlink family of the shadow module.
 *
 * Family "shadow", version 1.  Multicast group "events" (CAP_NET_ADMIN to
 * join; CAP_SYS_ADMIN on 5.10) carries one message per fact:
 *
 *	SHADOW_NL_CMD_EVENT
 *	    SHADOW_NL_A_EVENT	u32	enum shadow_nl_event
 *	    SHADOW_NL_A_SEQ	u64	one more than the event before; a gap means
 *					that events were lost: read the lists again
 *	    SHADOW_NL_A_TIME	u64	CLOCK_REALTIME, nanoseconds
 *	    SHADOW_NL_A_SHADOW	16 bytes	where a shadow is concerned
 *	    SHADOW_NL_A_SET	16 bytes	where a set is concerned
 *	    SHADOW_NL_A_MAJOR, SHADOW_NL_A_MINOR  u32	the volume concerned
 *	    SHADOW_NL_A_NAME	string	its kernel name
 *	    SHADOW_NL_A_INDEX	u32	N of /dev/shadowN
 *	    SHADOW_NL_A_REASON	u32	enum shadow_reason
 *	    SHADOW_NL_A_PERCENT	u32	fill of the store
 *	    SHADOW_NL_A_SECONDS	u32	until it is full, if it goes on like this
 *	    SHADOW_NL_A_FAULT	u32	enum shadow_protect_fault
 *	    SHADOW_NL_A_BYTES	u64	the size that the store has now
 */
#ifndef _UAPI_LINUX_SHADOW_NETLINK_H
#define _UAPI_LINUX_SHADOW_NETLINK_H

#define SHADOW_NL_FAMILY	"shadow"
#define SHADOW_NL_VERSION	1
#define SHADOW_NL_GROUP_EVENTS	"events"

enum shadow_nl_cmd {
	SHADOW_NL_CMD_UNSPEC,
	SHADOW_NL_CMD_EVENT,
};

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
};

enum shadow_nl_attr {
	SHADOW_NL_A_UNSPEC,
	SHADOW_NL_A_PAD,
	SHADOW_NL_A_EVENT,
	SHADOW_NL_A_SEQ,
	SHADOW_NL_A_TIME,
	SHADOW_NL_A_SHADOW,
	SHADOW_NL_A_SET,
	SHADOW_NL_A_MAJOR,
	SHADOW_NL_A_MINOR,
	SHADOW_NL_A_NAME,
	SHADOW_NL_A_INDEX,
	SHADOW_NL_A_REASON,
	SHADOW_NL_A_PERCENT,
	SHADOW_NL_A_SECONDS,
	SHADOW_NL_A_FAULT,
	SHADOW_NL_A_BYTES,

	__SHADOW_NL_A_MAX,
};

#define SHADOW_NL_A_MAX	(__SHADOW_NL_A_MAX - 1)

#endif /* _UAPI_LINUX_SHADOW_NETLINK_H */
