/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook.h - how writes reach a tracked volume, and how that is undone.
 */
#ifndef SHADOW_HOOK_H
#define SHADOW_HOOK_H

#include "volume.h"

/* Make and free the disk that the self-test submits to.  Module init and exit. */
int shadow_hook_init(void);
void shadow_hook_exit(void);

/* A device of the block class, by which the class is found. */
struct device *shadow_hook_device(void);

/**
 * shadow_hook_add() - divert writes to a volume from now on
 * @vol: the volume
 * @fault: out: the reason of a failure
 *
 * Registers the hook for the first volume, and makes sure that it is called.
 * Writes that passed the hook before this returns may be under way still.
 *
 * Context: registry lock held; sleeps for RCU-tasks grace periods.
 */
int shadow_hook_add(struct shadow_volume *vol, struct shadow_fault *fault);

/**
 * shadow_hook_pass() - wait for the tasks that passed the hook before now
 *
 * When this returns their bios have reached the driver.
 *
 * Return: 0, -ENOMEM, or -ETIMEDOUT.
 */
int shadow_hook_pass(void);

/**
 * shadow_hook_leave() - divert no new writes to a volume
 *
 * Writes in flight are recognised still.
 */
void shadow_hook_leave(struct shadow_volume *vol);

/**
 * shadow_hook_remove() - forget a volume that was left
 *
 * No write is in flight on it.  The last removal waits for the bios that are
 * being diverted and unregisters the hook.
 *
 * Context: registry lock held; sleeps.
 */
void shadow_hook_remove(struct shadow_volume *vol);

/**
 * shadow_hook_verify() - is the hook called?
 *
 * ftrace can be switched off behind our back by a bug elsewhere
 * (ftrace_kill()), so this is asked again at each shadow.
 */
int shadow_hook_verify(struct shadow_fault *fault);

/* Is the hook registered now? */
bool shadow_hook_registered(void);

/* Does clone traffic of @a pass @b later, on the same disk? */
bool shadow_hook_before(const struct shadow_volume *a, const struct shadow_volume *b);

/**
 * shadow_hook_for_device() - call @fn for each diverted volume on a removed device
 * @dev: the device of a disk or a partition
 * @fn: called under rcu_read_lock()
 */
void shadow_hook_for_device(struct device *dev, void (*fn)(struct shadow_volume *vol));

#endif /* SHADOW_HOOK_H */
