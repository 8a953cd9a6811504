/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * receive_state.h - what is known of a target that shadows are received in: a file beside it, or
 * below /var/lib/shadowcopy/receive for a device.
 */
#ifndef SHADOWADM_RECEIVE_STATE_H
#define SHADOWADM_RECEIVE_STATE_H

#include "shadowadm.h"
#include "stream.h"

#define STATE_SUFFIX	".shadowcopy"
#define STATE_DIRECTORY	"/var/lib/shadowcopy/receive"
#define STATE_HEAD	(128U << 10)	/* who mounts a filesystem writes there */

enum target_format { TARGET_RAW, TARGET_DEVICE, TARGET_QCOW2 };

const char *target_format_name(enum target_format format);

struct receive_state {
	enum target_format format;
	bool complete;			/* it is what @shadow is; else it is going to be */
	bool verified;			/* all that was received was read back */
	bool assumed;			/* it is that if what it was made from was the base */
	struct shadow_uuid shadow;
	struct shadow_uuid base;	/* all zero: it was received as a whole */
	struct shadow_uuid set;
	int64_t created_ns;
	uint64_t bytes;
	struct stream_point point;	/* what is on stable storage */
	int64_t changed_ns;		/* mtime of the file when it was complete; 0: none */
	uint8_t head[STREAM_SUM];	/* SHA-256 of its first 128 KiB, which are not written any
					 * more; zeros: not known */
	char label[128];
};

bool state_has_head(const struct receive_state *state);

/* The file for a target; to be freed.  NULL: memory is short. */
char *state_path(struct context *context, const char *target, enum target_format format);

/* 0, -ENOENT, -EINVAL (it is none), or another negative errno. */
int state_load(const char *path, struct receive_state *state);

/* On stable storage when it returns; one of two, whatever happens.  0 or a negative errno. */
int state_save(const char *path, const struct receive_state *state);

void state_token(const struct receive_state *state, struct stream_token *token);

#endif /* SHADOWADM_RECEIVE_STATE_H */
