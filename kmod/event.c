// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - facts for whoever listens: the multicast group of the generic
 * netlink family.
 *
 * Multicast loses messages when a listener is slow, so each carries a number
 * that grows by one.
 */
#include <linux/ktime.h>
#include <net/genetlink.h>
#include "event.h"

static atomic64_t last_seq;

static const struct genl_multicast_group groups[] = {
	{ .name = SHADOW_NL_GROUP_EVENTS, SHADOW_MCGRP_ADMIN },
};

static struct genl_family family = {
	.name = SHADOW_NL_FAMILY,
	.version = SHADOW_NL_VERSION,
	.maxattr = SHADOW_NL_A_MAX,
	.module = THIS_MODULE,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static int put_event(struct sk_buff *skb, const struct shadow_event *ev, u64 seq)
{
	int err = nla_put_u32(skb, SHADOW_NL_A_EVENT, ev->event) ?:
		  nla_put_u64_64bit(skb, SHADOW_NL_A_SEQ, seq, SHADOW_NL_A_PAD) ?:
		  nla_put_u64_64bit(skb, SHADOW_NL_A_TIME, ktime_get_real_ns(), SHADOW_NL_A_PAD);

	if (!err && ev->shadow)
		err = nla_put(skb, SHADOW_NL_A_SHADOW, sizeof(*ev->shadow), ev->shadow);
	if (!err && ev->set)
		err = nla_put(skb, SHADOW_NL_A_SET, sizeof(*ev->set), ev->set);
	if (!err && ev->dev)
		err = nla_put_u32(skb, SHADOW_NL_A_MAJOR, MAJOR(ev->dev)) ?:
		      nla_put_u32(skb, SHADOW_NL_A_MINOR, MINOR(ev->dev));
	if (!err && ev->name)
		err = nla_put_string(skb, SHADOW_NL_A_NAME, ev->name);
	if (!err && ev->index >= 0)
		err = nla_put_u32(skb, SHADOW_NL_A_INDEX, ev->index);
	if (!err && ev->reason)
		err = nla_put_u32(skb, SHADOW_NL_A_REASON, ev->reason);
	if (!err && ev->percent)
		err = nla_put_u32(skb, SHADOW_NL_A_PERCENT, ev->percent);
	if (!err && ev->seconds)
		err = nla_put_u32(skb, SHADOW_NL_A_SECONDS, ev->seconds);
	if (!err && ev->fault)
		err = nla_put_u32(skb, SHADOW_NL_A_FAULT, ev->fault);
	if (!err && ev->bytes)
		err = nla_put_u64_64bit(skb, SHADOW_NL_A_BYTES, ev->bytes, SHADOW_NL_A_PAD);
	return err;
}

void shadow_event_send(const struct shadow_event *ev)
{
	u64 seq = atomic64_inc_return(&last_seq);
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&family, &init_net, 0))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &family, 0, SHADOW_NL_CMD_EVENT);
	if (!head || put_event(skb, ev, seq)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast(&family, skb, 0, 0, GFP_ATOMIC);	/* nobody there: fine */
}

void shadow_event_volume(u32 event, const struct shadow_volume *vol, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .dev = vol->dev, .name = vol->name, .index = -1,
		.reason = reason,
	});
}

int shadow_event_init(void)
{
	return genl_register_family(&family);
}

void shadow_event_exit(void)
{
	genl_unregister_family(&family);
}
