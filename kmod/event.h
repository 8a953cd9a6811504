/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - facts for whoever listens.
 */
#ifndef SHADOW_EVENT_H
#define SHADOW_EVENT_H

#include <linux/shadow_netlink.h>
#include "volume.h"

/**
 * struct shadow_event - what an event says; zero members are left out
 * @event: enum shadow_nl_event
 * @shadow: identity of the shadow, or NULL
 * @set: identity of the set, or NULL
 * @dev: the volume
 * @name: its name, or that of the writer, or NULL
 * @index: N of /dev/shadowN, -1: none
 * @reason: enum shadow_reason
 * @percent: fill of the store
 * @seconds: until it is full
 * @fault: enum shadow_protect_fault
 * @bytes: size of the store
 * @class: of the writer, or NULL
 * @instance: of the writer, or NULL
 * @session: that concerns the writer, or NULL
 */
struct shadow_event {
	u32 event;
	const struct shadow_uuid *shadow;
	const struct shadow_uuid *set;
	dev_t dev;
	const char *name;
	int index;
	u32 reason;
	u32 percent;
	u32 seconds;
	u32 fault;
	u64 bytes;
	const struct shadow_uuid *class;
	const struct shadow_uuid *instance;
	const struct shadow_uuid *session;
};

/* Multicast an event.  Never fails and never sleeps; a lost one leaves a gap in the numbers. */
void shadow_event_send(const struct shadow_event *ev);

/* An event about a volume only. */
void shadow_event_volume(u32 event, const struct shadow_volume *vol, u32 reason);

#endif /* SHADOW_EVENT_H */
