/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reverts.h - waiting for a revert, and what it has come to.
 */
#ifndef SHADOWADM_REVERTS_H
#define SHADOWADM_REVERTS_H

#include "table.h"

/* A row of the table. */
struct revert_row {
	struct shadow_revert_info info;
	char path[SHADOWCOPY_PATH_MAX];		/* of the volume */
};

extern const struct table revert_table;

/* Find the rest of a row whose @info is there. */
void revert_row_describe(struct context *context, struct revert_row *row);

/* How the wait is shown. */
enum revert_show {
	REVERT_SHOW_TERMINAL,	/* where standard error is one, and nobody asked for silence */
	REVERT_SHOW_LINES,	/* a line for each step; with --json an object on standard output */
};

/*
 * Wait until a volume's revert runs no more.  @info: out: how it has ended.  STATUS_OK, or
 * STATUS_FAILED with a message: it has ended half-way, or was not to be seen any more.
 */
int revert_wait(struct context *context, const struct shadowcopy_volume *volume,
		enum revert_show show, struct shadow_revert_info *info);

/*
 * Who looked at the device before has to look again: udev, and the kernel for partitions.
 */
void revert_announce(struct context *context, const struct shadowcopy_volume *volume);

#endif /* SHADOWADM_REVERTS_H */
