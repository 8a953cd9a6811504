/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blockers.h - writers that forbid that a volume is reverted (B-52).
 */
#ifndef SHADOWADM_BLOCKERS_H
#define SHADOWADM_BLOCKERS_H

#include "shadowadm.h"

/**
 * struct blockers - what the writers say
 * @asked: the coordinator runs, and has asked them
 * @list: of those that forbid it: "writer", "instance_name" or null, "component" and "path"
 */
struct blockers {
	bool asked;
	json_t *list;
};

/*
 * Ask the writers, by the coordinator, which of them forbid that @volume is reverted: those that
 * say so in their metadata and have data there.  Where it does not run nobody is asked, and a
 * warning says so if there are any.  STATUS_OK with @blockers, to be freed by blockers_free(), or
 * STATUS_FAILED with a message.
 */
int blockers_ask(struct context *context, const struct shadowcopy_volume *volume,
		 struct blockers *blockers);
void blockers_free(struct blockers *blockers);

/* Say who forbids it: that it is not done, STATUS_FAILED; with @force that it is all the same. */
int blockers_say(struct context *context, const struct shadowcopy_volume *volume,
		 const struct blockers *blockers, bool force);

#endif /* SHADOWADM_BLOCKERS_H */
