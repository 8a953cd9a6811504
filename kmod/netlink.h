/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.h - the generic netlink family: what its users share.
 */
#ifndef SHADOW_NETLINK_H
#define SHADOW_NETLINK_H

#include <net/genetlink.h>
#include <linux/shadow_netlink.h>

extern struct genl_family shadow_family;

int shadow_netlink_init(void);
void shadow_netlink_exit(void);

/**
 * shadow_netlink_new() - begin a message
 * @portid: who gets it; 0: everybody
 * @seq: number of the request that it answers; 0: none
 * @flags: NLM_F_* bits
 * @cmd: enum shadow_nl_cmd
 * @header: out: for genlmsg_end()
 * @gfp: how to allocate
 *
 * It has room for every attribute at its longest.
 *
 * Return: the message, or NULL where memory is short.
 */
struct sk_buff *shadow_netlink_new(u32 portid, u32 seq, int flags, u8 cmd, void **header,
				   gfp_t gfp);

#endif /* SHADOW_NETLINK_H */
