/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-provider.h - for providers: what makes shadows of a volume.
 *
 * The native provider is the module, and is always there; it makes shadows of block devices by
 * copying what is overwritten.  Others, that a program brings with it, are registered with a
 * handle, and asked first where their type goes before: hardware, software, system;
 * among those of a type by their priority.  Providers that are processes of their own will use
 * the same structures.
 *
 * Conventions and errors are those of libshadowcopy.h.
 */
#ifndef LIBSHADOWCOPY_PROVIDER_H
#define LIBSHADOWCOPY_PROVIDER_H

#include <libshadowcopy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What it is; the higher is asked first. */
enum shadowcopy_provider_type {
	SHADOWCOPY_PROVIDER_SYSTEM = 1,		/* part of the system: the module */
	SHADOWCOPY_PROVIDER_SOFTWARE = 2,	/* LVM, btrfs ... */
	SHADOWCOPY_PROVIDER_HARDWARE = 3,	/* a storage array */
};

/* Whether it can make a shadow of a volume (B-14). */
enum shadowcopy_support {
	SHADOWCOPY_SUPPORT_NO = 0,
	SHADOWCOPY_SUPPORT_YES = 1,
	SHADOWCOPY_SUPPORT_BLOCKED = 2,		/* it could, but not now: see the reason */
};

#define SHADOWCOPY_REASON_LEN 256

struct shadowcopy_provider;

/**
 * struct shadowcopy_provider_ops - what a provider does
 * @supports: can it make a shadow of the volume?  enum shadowcopy_support, with the reason
 *	where it is not yes, or a negative errno
 * @reserved: zero; for the phases of a set (d.1)
 */
struct shadowcopy_provider_ops {
	int (*supports)(const struct shadowcopy_provider *provider, struct shadowcopy *sc,
			const struct shadowcopy_volume *volume,
			char reason[SHADOWCOPY_REASON_LEN]);
	void (*reserved[15])(void);
};

/**
 * struct shadowcopy_provider - a provider (A-06, D-01)
 * @id: its identity, made once
 * @version_id: of this version of it
 * @name: for people
 * @version: for people
 * @type: enum shadowcopy_provider_type
 * @priority: among those of its type the higher is asked first
 * @ops: what it does
 * @data: its own
 * @reserved: zero
 */
struct shadowcopy_provider {
	struct shadow_uuid id;
	struct shadow_uuid version_id;
	const char *name;
	const char *version;
	uint32_t type;
	int32_t priority;
	const struct shadowcopy_provider_ops *ops;
	void *data;
	uint64_t reserved[4];
};

/**
 * shadowcopy_provider_register() - have a provider asked
 * @sc: the handle
 * @provider: outlives the handle, or is unregistered before
 *
 * Return: 0, -EEXIST (its @id is registered), -EINVAL (no name, type or ops) or -ENOMEM.
 */
int shadowcopy_provider_register(struct shadowcopy *sc,
				 const struct shadowcopy_provider *provider);

/* Have it asked no more: 0, or -ENOENT, also for the native one. */
int shadowcopy_provider_unregister(struct shadowcopy *sc, const struct shadow_uuid *id);

/* All of them, in the order in which they are asked: NULL gives the first, the last gives NULL. */
const struct shadowcopy_provider *
shadowcopy_provider_next(struct shadowcopy *sc, const struct shadowcopy_provider *last);

/**
 * shadowcopy_provider_choose() - who makes the shadow of a volume
 * @sc: the handle
 * @volume: which
 * @wanted: a provider's UUID or name; NULL: the first that can
 * @providerp: out
 *
 * One that is wanted is not passed over: it has to support the volume.
 *
 * Return: 0, -ENOENT (there is no such provider), -EOPNOTSUPP (it, or none, supports the volume),
 * -EBUSY (it could, but not now), or another negative errno.
 */
int shadowcopy_provider_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
			       const char *wanted, const struct shadowcopy_provider **providerp);

/**
 * shadowcopy_provider_volumes() - which volumes could have shadows (E-14)
 * @sc: the handle
 * @wanted: by which provider, its UUID or name; NULL: by any
 * @fn: called for each block device that has a size and is no shadow itself: @support is
 *	enum shadowcopy_support, @provider who would make it, or NULL, @reason why not, or "".  It
 *	ends by an answer that is not 0
 * @data: for @fn
 *
 * Return: 0, the last answer of @fn, -ENOENT (there is no such provider), or another negative
 * errno.
 */
int shadowcopy_provider_volumes(struct shadowcopy *sc, const char *wanted,
				int (*fn)(void *data, const struct shadowcopy_volume *volume,
					  uint32_t support,
					  const struct shadowcopy_provider *provider,
					  const char *reason),
				void *data);

/**
 * shadowcopy_plan_held() - name a volume that is only to be held
 * @plan: a plan that is not computed yet
 * @dev: the volume
 *
 * For who makes the copy by other means: an array, a volume manager, a cloud's disk.  No
 * shadow is made of the volume, and it needs no store.  Filesystems on it and on what is stacked
 * on it are frozen as for a shadow, no write reaches it, and the kernel's timer is the same.  A
 * plan can also have volumes that get shadows: all are of one instant.
 *
 *	shadowcopy_plan_held(), for each	shadowcopy_plan_compute(), shadowcopy_plan_sync()
 *	shadowcopy_set_new(), shadowcopy_plan_apply()
 *	shadowcopy_set_hold()			from here on no file is written, and none opened
 *	... make the copy ...			if it has a name or number afterwards, it is whole
 *	shadowcopy_set_take()			if the plan has volumes that get shadows
 *	shadowcopy_set_release()		0: the copy is good; else throw it away
 *
 * Whoever does that has its memory locked (mlockall()), and all that it needs open, before the
 * hold.  Data that is read from a held device is read with O_DIRECT: the page cache may have
 * what was there before the filesystem wrote.  The hold is the set's, and ends with
 * shadowcopy_set_close() or the process, too.
 *
 * Return: 0, -EEXIST where it is in the plan already, or another errno.
 */
int shadowcopy_plan_held(struct shadowcopy_plan *plan, struct shadow_dev dev);

/* "hardware", "software", "system"; "yes", "no", "blocked". */
const char *shadowcopy_provider_type_name(uint32_t type);
const char *shadowcopy_support_name(uint32_t support);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_PROVIDER_H */
