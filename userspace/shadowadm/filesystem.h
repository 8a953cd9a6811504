/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filesystem.h - what is on an image, and how it is mounted.
 */
#ifndef SHADOWADM_FILESYSTEM_H
#define SHADOWADM_FILESYSTEM_H

#include "shadowadm.h"

struct filesystem {
	char type[32];		/* as mount(8) calls it; empty where there is none */
	char other[32];		/* "LVM2_member", "dos" ... where it is something else */
	bool several;		/* it is that, and has a table of partitions besides */
	char uuid[64];
	char options[64];	/* what the mount needs */
	const char *note;	/* what the user should know about that, or NULL */
};

/* How a filesystem is to be mounted. */
enum access {
	ACCESS_NO_WRITE,	/* nothing can be written, not even a journal replayed */
	ACCESS_READ_ONLY,	/* the journal can be replayed, then nothing is written */
	ACCESS_WRITE,
};

/* Look at a device.  0, or a negative errno. */
int filesystem_probe(const char *path, enum access access, struct filesystem *fs);

/* Fill @options and @note; @fd is the open device. */
void filesystem_choose_options(int fd, enum access access, struct filesystem *fs);

/*
 * Why this kernel would refuse to mount it, or mount something else, or NULL:
 * a btrfs whose original is mounted too.
 */
const char *filesystem_refusal(const struct filesystem *fs);

#endif /* SHADOWADM_FILESYSTEM_H */
