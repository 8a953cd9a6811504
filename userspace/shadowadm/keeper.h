/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keeper.h - a command that runs inside (inside.h), and nothing of it is left when it has ended,
 * or when we have.
 */
#ifndef SHADOWADM_KEEPER_H
#define SHADOWADM_KEEPER_H

#include "inside.h"

/* What is to be run. */
struct keeper_request {
	struct inside *inside;
	char **command;
	int output;		/* its standard output */
};

/* What became of it. */
struct keeper_outcome {
	bool ran;
	int error;		/* why it did not: errno of exec; 0: that was said already */
	int wait_status;
};

/*
 * Run it, pass signals on to it, and wait until it, and all that it has started, is gone, and with
 * that the namespace.
 */
void keeper_run(struct context *context, const struct keeper_request *request,
		struct keeper_outcome *outcome);

#endif /* SHADOWADM_KEEPER_H */
