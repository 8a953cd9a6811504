/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * set.h - shadows of several volumes at one instant, and volumes at rest for others
 * that copy them.
 */
#ifndef SHADOW_SET_H
#define SHADOW_SET_H

#include "shadow.h"

struct shadow_set;

int shadow_set_init(void);
void shadow_set_exit(void);

/* A new, empty set.  Return: the set or an ERR_PTR(). */
struct shadow_set *shadow_set_create(u32 flags, u32 timeout_ms, u32 context);

/**
 * shadow_set_destroy() - the owner is gone
 *
 * Opens and thaws what is held, throws a set in the making away, and deletes
 * the shadows of an auto-release set (those that are open: when they are
 * closed).
 */
void shadow_set_destroy(struct shadow_set *set);

const struct shadow_uuid *shadow_set_uuid(const struct shadow_set *set);

/* As SHADOW_IOC_SET_ADD; the arguments have been checked. */
int shadow_set_add(struct shadow_set *set, struct shadow_set_add *add);

/* As the commands of the same name.  Return: 0 or a negative errno, see status. */
int shadow_set_hold(struct shadow_set *set);
int shadow_set_take(struct shadow_set *set);
int shadow_set_release(struct shadow_set *set);
int shadow_set_keep(struct shadow_set *set);

/* Fill in the answer.  May be called while volumes are held: does not sleep long. */
void shadow_set_status(struct shadow_set *set, struct shadow_set_step *step);

/* Are volumes held by this set now? */
bool shadow_set_held(struct shadow_set *set);

#endif /* SHADOW_SET_H */
