/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.h - what a shadow is received in: a file, a device, or an image that QEMU knows.
 */
#ifndef SHADOWADM_TARGET_H
#define SHADOWADM_TARGET_H

#include <sys/stat.h>

#include "receive_state.h"

struct target;
struct target_wish;

/*
 * Calls of one kind of target.  They return 0 or a negative errno; why, in words, is in
 * @problem of the target if that is not empty.
 */
struct target_calls {
	/* Only for who writes: what is there and is not wanted goes, and it gets its size. */
	int (*begin)(struct context *context, const struct target_wish *wish,
		     struct target *target);	/* STATUS_OK or STATUS_FAILED with a message */
	int (*write)(struct target *target, const void *data, size_t length, uint64_t offset);
	int (*zero)(struct target *target, uint64_t length, uint64_t offset);
	/* What is on stable storage after flush(): not what a cache still has. */
	int (*read)(struct target *target, void *buf, size_t length, uint64_t offset);
	int (*flush)(struct target *target);
	void (*close)(struct target *target);
};

struct target {
	const struct target_calls *calls;
	const char *path;
	uint64_t bytes;			/* of the volume that is in it */
	bool fresh;			/* it is new: all of it reads as zeros */
	int fd;				/* -1 where it has none */
	void *private;
	char problem[256];
};

/* How it is to be opened. */
struct target_wish {
	bool begin;			/* with nothing: what is there is not wanted */
	bool read_only;			/* to compare */
	bool force;			/* whatever is on it */
	const char *base;		/* of TARGET_QCOW2: the file that it is to be laid over */
	uint64_t bytes;
};

/*
 * Look whether it can be had; nothing of it is changed before begin() is called.  STATUS_OK, or
 * STATUS_FAILED with a message; to be closed in any case.  @path outlives it.
 */
int target_open(struct context *context, const char *path, enum target_format format,
		const struct target_wish *wish, struct target *target);
void target_close(struct target *target);

/* Is it for want of room that something cannot be written? */
static inline bool receive_is_no_space(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* --- target_file.c ----------------------------------------------------------------------- */

int target_file_open(struct context *context, const struct target_wish *wish,
		     struct target *target);
int target_device_open(struct context *context, const struct target_wish *wish,
		       struct target *target);

/* What is on a device that is not to be lost: its type, or NULL.  "?" where that is not known. */
const char *target_device_has(const char *path, char buf[64]);

/* --- target_qcow2.c ---------------------------------------------------------------------- */

int target_qcow2_open(struct context *context, const struct target_wish *wish,
		      struct target *target);

/* How large what is in an image is: from its header, without QEMU.  0, or -EINVAL if it is none. */
int target_qcow2_bytes(const char *path, uint64_t *bytes);

/* Is the image @path laid over the file @base? */
bool target_qcow2_is_over(const char *path, const struct stat *base);

#endif /* SHADOWADM_TARGET_H */
