/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - the verbs of "shadowadm store", one file each or a few alike.
 */
#ifndef SHADOWADM_STORE_H
#define SHADOWADM_STORE_H

#include <sys/types.h>

#include "table.h"

extern const struct command store_add, store_attach, store_candidates, store_check, store_detach,
	store_gc, store_list, store_migrate, store_policy, store_remove, store_resize;

extern const struct table store_table;

/* How a volume is written in stores.conf, into SHADOWCOPY_PATH_MAX bytes. */
int volume_name(struct context *context, const struct shadowcopy_volume *volume, char *buf);

/* How a store is written in stores.conf, into SHADOWCOPY_STORE_PATH_MAX + 1 bytes. */
int store_name(struct context *context, const struct shadowcopy_store *store, char *buf);

/* The association of a volume with a store: its index, or -1. */
ssize_t association_find(struct context *context, struct shadowcopy_stores *stores,
			 const struct shadowcopy_volume *volume,
			 const struct shadowcopy_store *store);

/* An association as JSON, the whole answer of a verb. */
int association_print(const struct shadowcopy_association *entry);

/* --- store_part.c ---------------------------------------------------------- */

/* What a user names as a store, and the part of the volume's store that it is. */
struct store_target {
	struct shadowcopy_store store;
	char name[SHADOWCOPY_STORE_PATH_MAX + 1];	/* for messages */
	bool live;					/* the volume's store has it */
	struct shadow_store_info part;
};

/*
 * Find out what @text is: a store, or the number of a part.  @volume is NULL for "*".  That
 * nothing has it is no failure, but for a number.
 */
int target_find(struct context *context, const struct shadowcopy_volume *volume,
		const char *text, struct store_target *target);

/* Has the volume a store now? */
int store_in_use(struct context *context, const struct shadowcopy_volume *volume, bool *in_use);

/* The association of a volume with a target: its index, or -1. */
ssize_t association_of(struct context *context, struct shadowcopy_stores *stores,
		       const struct shadowcopy_volume *volume, const struct store_target *target);

/*
 * Change the size of a part, or with 0 let go of it, and wait for that; progress on a
 * terminal.  @moved: out: bytes, after a failure, too.
 */
int target_resize(struct context *context, const struct store_target *target, uint64_t max_bytes,
		  uint64_t *moved);

/* Delete a file that was made as a store, if nobody needs it.  Return: whether it is gone. */
bool store_file_delete(struct context *context, const struct shadowcopy_store *store);

/* --- store_attach.c ---------------------------------------------------------- */

struct shadowcopy_stores;

/*
 * What a part of a store is called, where it was made here, or @stores associates it; that may be
 * NULL.  1 with @store; 0: it is a file of which nobody knows the name, and that of @store is where
 * its filesystem is mounted; negative: it cannot be seen.
 */
int part_name(struct context *context, struct shadowcopy_stores *stores,
	      const struct shadow_store_info *info, struct shadowcopy_store *store);

/*
 * Wait until the shadows of a volume have their devices, as after create.  @cause: out: why the
 * first one that is lost is so.  STATUS_OK or STATUS_DEGRADED.
 */
int attach_look(struct context *context, const struct shadowcopy_volume *volume,
		const char **cause);

/* What was attached, as a line and as JSON. */
void attach_say(const struct shadowcopy_volume *volume,
		const struct shadowcopy_attached *attached, const char *cause);
json_t *attach_json(const struct shadowcopy_volume *volume, const char *store,
		    const struct shadowcopy_attached *attached, const char *cause);

/* --- store_attach_all.c ------------------------------------------------------ */

/* Options of --all. */
struct attach_all {
	const char *volume;	/* only this one, or NULL */
	uint64_t wait_ms;	/* for what is missing */
	uint64_t timeout_ms;	/* for everything but reverts; 0: none */
	bool no_wait;		/* for reverts */
};

int attach_all(struct context *context, const struct attach_all *options);

/* --- store_add.c ------------------------------------------------------------ */

/* Options of a verb that adds a store. */
struct store_sizes {
	const char *max;
	const char *initial;
	bool force;
};

/* Put them into @store. */
int store_sizes_apply(struct context *context, const struct store_sizes *sizes,
		      struct shadowcopy_store *store);

#endif /* SHADOWADM_STORE_H */
