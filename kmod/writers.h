/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writers.h - applications that are brought to rest, and who tells them.
 */
#ifndef SHADOW_WRITERS_H
#define SHADOW_WRITERS_H

#include <linux/types.h>

struct genl_info;
struct netlink_callback;
struct shadow_strain;
struct sk_buff;

int shadow_writers_init(void);
/* No volume is left: tell writers what they have not heard.  The family is still there. */
void shadow_writers_leave(void);
/* Context: no command of the family runs any more. */
void shadow_writers_exit(void);

/*
 * The commands of the family; errors as Documentation/netlink.rst lists them.
 * Context: of the process that sent the command; may sleep, never for I/O.
 */
int shadow_writers_register(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_unregister(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_answer(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_extend(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_dump(struct sk_buff *skb, struct netlink_callback *cb);
int shadow_writers_coordinate(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_tell(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_end(struct sk_buff *skb, struct genl_info *info);

/* --- writing less, while a store fills ------------------------------------------ */

/* How far it is; each step up is told. */
enum {
	SHADOW_STRAIN_NONE,
	SHADOW_STRAIN_FILLS,
	SHADOW_STRAIN_FULL,	/* nearly, or writes wait */
};

/**
 * shadow_strain_alloc() - what writers are told of a volume's store
 * @dev: the volume
 * @name: its name; copied
 *
 * Return: no strain yet; NULL where memory is short.
 */
struct shadow_strain *shadow_strain_alloc(dev_t dev, const char *name);

/* The volume is gone: who was told to write less is told to go on.  @strain: or NULL. */
void shadow_strain_free(struct shadow_strain *strain);

/**
 * shadow_strain_set() - the store fills, or no longer
 * @strain: of the volume
 * @step: SHADOW_STRAIN_*
 * @percent: fill of the store
 * @seconds: until it is full; 0: it does not fill
 *
 * Each writer that wants to hear of it is told in a moment, by a work item, and so is one that
 * registers later.  Who was told to write less is told to go on once, when the step is
 * SHADOW_STRAIN_NONE again.
 *
 * Context: process, any locks of a volume but the innermost; one caller at a time for a volume.
 * Neither sleeps nor allocates.
 */
void shadow_strain_set(struct shadow_strain *strain, u32 step, u32 percent, u32 seconds);

#endif /* SHADOW_WRITERS_H */
