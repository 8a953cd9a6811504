/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what happens when a store is full, as the commands say it.
 */
#ifndef SHADOWADM_POLICY_H
#define SHADOWADM_POLICY_H

#include "shadowadm.h"

#define POLICY_SYNOPSIS "VOLUME [evict|throttle[=SECONDS]|fail-io]"

#define POLICY_HELP \
	"A policy says what happens when the store is full and cannot grow: evict (the\n" \
	"oldest shadow that is neither pinned nor open goes), throttle (writes wait for\n" \
	"room, 30 s or as said; then as evict), fail-io (writes fail, shadows stay).\n"

/*
 * "evict", "throttle", "throttle=10", "fail-io".  NULL, or what is wrong with it.
 */
const char *policy_parse(const char *text, uint32_t *policy, uint32_t *throttle_ms);

/* "throttle=10" */
char *policy_text(uint32_t policy, uint32_t throttle_ms, char buf[32]);

/* The command: @argv is a volume, and a policy unless it is only to be shown. */
int policy_command(struct context *context, int argc, char **argv);

#endif /* SHADOWADM_POLICY_H */
