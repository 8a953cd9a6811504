/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * users.h - who uses a shadow's device.
 */
#ifndef SHADOWADM_USERS_H
#define SHADOWADM_USERS_H

#include "shadowadm.h"

/* One use.  @pid is 0 and @command empty where no process stands for it. */
struct user {
	const char *kind;	/* "mount", "open", "holder", "loop" */
	const char *what;	/* a mount point or a device; empty for "open" */
	int pid;
	const char *command;
};

typedef void user_fn(void *data, const struct user *user);

/* Call @fn for each use that can be seen; their number. */
size_t users_of(const struct shadow_shadow_info *shadow, user_fn *fn, void *data);

/* The same for its mounts in this namespace only, the last one first. */
size_t mounts_of(const struct shadow_shadow_info *shadow, user_fn *fn, void *data);

typedef void partition_fn(void *data, const char *name, unsigned int number,
			  struct shadow_dev dev);

/* Call @fn for each partition that the kernel found on the shadow's image. */
void partitions_of(const struct shadow_shadow_info *shadow, partition_fn *fn, void *data);

/* "mounted on /mnt", "open by tar (pid 12)" */
char *user_text(const struct user *user, char *buf, size_t size);

/* Name those who use it, on stderr.  To be freed. */
json_t *users_print(const struct shadow_shadow_info *shadow);

/*
 * A shadow that is new or has changed is opened by udev, which wants to know what is on it, and
 * a writer that has ended may still be writing out.  @rc is what a command got: is it -EBUSY,
 * does nobody else use the shadow as far as can be seen, and has the command as a whole not
 * waited for USERS_PASS_MS yet?  If so, wait for a moment, and tell so the first time.
 */
#define USERS_PASS_MS 5000

bool users_pass(struct context *context, const struct shadow_shadow_info *shadow, int rc);

/* The same for a volume. */
bool volume_users_pass(struct context *context, const struct shadowcopy_volume *volume, int rc);
json_t *volume_users_print(const struct shadowcopy_volume *volume);

/* How many mounts lie on top of each other at @target, in this namespace. */
size_t mounts_at(const char *target);

/* Where it is mounted in this namespace: to be freed, or NULL. */
char *mountpoint_of(const struct shadow_shadow_info *shadow);

#endif /* SHADOWADM_USERS_H */
