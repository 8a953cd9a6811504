// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the generic netlink family: its commands, its groups, and what its
 * attributes may be.
 *
 * Commands run beside each other: one that waited behind another family's, and so
 * for a filesystem, could not thaw it.
 */
#include "event.h"
#include "netlink.h"
#include "writers.h"

#define UUID_POLICY NLA_POLICY_EXACT_LEN(sizeof(struct shadow_uuid))

static const struct nla_policy policy[SHADOW_NL_A_MAX + 1] = {
	[SHADOW_NL_A_NAME]	= { .type = NLA_NUL_STRING, .len = SHADOW_NL_NAME_MAX },
	[SHADOW_NL_A_SET]	= UUID_POLICY,
	[SHADOW_NL_A_CLASS]	= UUID_POLICY,
	[SHADOW_NL_A_INSTANCE]	= UUID_POLICY,
	[SHADOW_NL_A_INSTANCE_NAME] = { .type = NLA_NUL_STRING, .len = SHADOW_NL_NAME_MAX },
	[SHADOW_NL_A_LEVEL]	= NLA_POLICY_RANGE(NLA_U32, SHADOW_NL_LEVEL_FRONT_END,
						   SHADOW_NL_LEVEL_SYSTEM),
	[SHADOW_NL_A_TELLS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_FREEZE_MS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_SESSION]	= UUID_POLICY,
	[SHADOW_NL_A_TELL]	= NLA_POLICY_RANGE(NLA_U32, SHADOW_NL_TELL_IDENTIFY,
						   SHADOW_NL_TELL_CONTINUE),
	[SHADOW_NL_A_COOKIE]	= { .type = NLA_U64 },
	[SHADOW_NL_A_ANSWER_MS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_STATUS]	= NLA_POLICY_MAX(NLA_U32, SHADOW_NL_STATUS_PARTIAL),
	[SHADOW_NL_A_APP_CODE]	= { .type = NLA_U32 },
	[SHADOW_NL_A_TEXT]	= { .type = NLA_NUL_STRING, .len = SHADOW_NL_TEXT_MAX },
};

static const struct genl_small_ops ops[] = {
	{ .cmd = SHADOW_NL_CMD_WRITER_REGISTER, .doit = shadow_writers_register },
	{ .cmd = SHADOW_NL_CMD_WRITER_UNREGISTER, .doit = shadow_writers_unregister },
	{ .cmd = SHADOW_NL_CMD_WRITER_ANSWER, .doit = shadow_writers_answer },
	{ .cmd = SHADOW_NL_CMD_WRITER_EXTEND, .doit = shadow_writers_extend },
	{ .cmd = SHADOW_NL_CMD_WRITER_GET, .dumpit = shadow_writers_dump },
	{ .cmd = SHADOW_NL_CMD_COORDINATOR_REGISTER, .doit = shadow_writers_coordinate },
	{ .cmd = SHADOW_NL_CMD_TELL, .doit = shadow_writers_tell },
	{ .cmd = SHADOW_NL_CMD_SESSION_END, .doit = shadow_writers_end },
};

static const struct genl_multicast_group groups[] = {
	{ .name = SHADOW_NL_GROUP_EVENTS, SHADOW_MCGRP_ADMIN },
};

struct genl_family shadow_family = {
	.name = SHADOW_NL_FAMILY,
	.version = SHADOW_NL_VERSION,
	.maxattr = SHADOW_NL_A_MAX,
	.policy = policy,
	.module = THIS_MODULE,
	.parallel_ops = true,
	.small_ops = ops,
	.n_small_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

struct sk_buff *shadow_netlink_new(u32 portid, u32 seq, int flags, u8 cmd, void **header,
				   gfp_t gfp)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, gfp);

	if (!skb)
		return NULL;
	*header = genlmsg_put(skb, portid, seq, &shadow_family, flags, cmd);
	return skb;
}

int shadow_netlink_init(void)
{
	int err = shadow_writers_init();

	if (err)
		return err;
	err = genl_register_family(&shadow_family);
	if (err)
		shadow_writers_exit();
	return err;
}

void shadow_netlink_exit(void)
{
	shadow_writers_leave();
	genl_unregister_family(&shadow_family);	/* waits for commands under way */
	shadow_writers_exit();
}
