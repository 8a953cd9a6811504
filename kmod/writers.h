/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * writers.h - applications that are brought to rest, and who tells them.
 */
#ifndef SHADOW_WRITERS_H
#define SHADOW_WRITERS_H

struct genl_info;
struct netlink_callback;
struct sk_buff;

int shadow_writers_init(void);
/* Context: no command of the family runs any more. */
void shadow_writers_exit(void);

/*
 * The commands of the family; errors as Documentation/netlink.rst lists them.
 * Context: of the process that sent the command; may sleep, never for I/O.
 */
int shadow_writers_register(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_unregister(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_answer(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_extend(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_dump(struct sk_buff *skb, struct netlink_callback *cb);
int shadow_writers_coordinate(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_tell(struct sk_buff *skb, struct genl_info *info);
int shadow_writers_end(struct sk_buff *skb, struct genl_info *info);

#endif /* SHADOW_WRITERS_H */
