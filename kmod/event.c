// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - facts for whoever listens: the multicast group "events".
 *
 * Multicast loses messages when a listener is slow, so each carries a number
 * that grows by one.
 */
#include <linux/ktime.h>
#include "event.h"
#include "netlink.h"

static atomic64_t last_seq;

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
	if (!err && ev->class)
		err = nla_put(skb, SHADOW_NL_A_CLASS, sizeof(*ev->class), ev->class);
	if (!err && ev->instance)
		err = nla_put(skb, SHADOW_NL_A_INSTANCE, sizeof(*ev->instance), ev->instance);
	if (!err && ev->session)
		err = nla_put(skb, SHADOW_NL_A_SESSION, sizeof(*ev->session), ev->session);
	return err;
}

void shadow_event_send(const struct shadow_event *ev)
{
	u64 seq = atomic64_inc_return(&last_seq);
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&shadow_family, &init_net, 0))
		return;
	skb = shadow_netlink_new(0, 0, 0, SHADOW_NL_CMD_EVENT, &head, GFP_ATOMIC);
	if (!skb)
		return;
	if (put_event(skb, ev, seq)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast(&shadow_family, skb, 0, 0, GFP_ATOMIC);	/* nobody there: fine */
}

void shadow_event_volume(u32 event, const struct shadow_volume *vol, u32 reason)
{
	shadow_event_send(&(struct shadow_event){
		.event = event, .dev = vol->dev, .name = vol->name, .index = -1,
		.reason = reason,
	});
}
