/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include "../shim.h"

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void shim_list_insert(struct list_head *node, struct list_head *before)
{
	SHIM_BUG_ON(before->prev->next != before);
	node->prev = before->prev;
	node->next = before;
	before->prev->next = node;
	before->prev = node;
}

static inline void list_add(struct list_head *node, struct list_head *head)
{
	shim_list_insert(node, head->next);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	shim_list_insert(node, head);
}

static inline void shim_list_cut(struct list_head *node)
{
	SHIM_BUG_ON(!node->next || !node->prev);
	SHIM_BUG_ON(node->next->prev != node || node->prev->next != node);
	node->next->prev = node->prev;
	node->prev->next = node->next;
}

static inline void list_del(struct list_head *node)
{
	shim_list_cut(node);
	node->next = NULL;
	node->prev = NULL;
}

static inline void list_del_init(struct list_head *node)
{
	shim_list_cut(node);
	INIT_LIST_HEAD(node);
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

static inline bool list_is_head(const struct list_head *node, const struct list_head *head)
{
	return node == head;
}

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }

#define list_entry(ptr, type, member)	container_of(ptr, type, member)
static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	while (!list_empty(list)) {
		struct list_head *last = list->prev;

		list_del(last);
		list_add(last, head);
	}
}

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)	list_entry((head)->prev, type, member)
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) \
	list_entry((pos)->member.prev, __typeof__(*(pos)), member)

#define shim_list_end(pos, head, member) \
	((uintptr_t)(pos) + offsetof(__typeof__(*(pos)), member) == (uintptr_t)(head))

#define list_for_each_entry_from(pos, head, member) \
	for (; !shim_list_end(pos, head, member); pos = list_next_entry(pos, member))

#define list_for_each_entry(pos, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member); \
	     !shim_list_end(pos, head, member); pos = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member) \
	for (pos = list_last_entry(head, __typeof__(*pos), member); \
	     !shim_list_end(pos, head, member); pos = list_prev_entry(pos, member))

#define list_for_each_entry_from_reverse(pos, head, member) \
	for (; !shim_list_end(pos, head, member); pos = list_prev_entry(pos, member))

#define list_for_each_entry_continue(pos, head, member) \
	for (pos = list_next_entry(pos, member); \
	     !shim_list_end(pos, head, member); pos = list_next_entry(pos, member))

#define list_for_each_entry_safe(pos, n, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member), \
	     n = list_next_entry(pos, member); \
	     !shim_list_end(pos, head, member); pos = n, n = list_next_entry(n, member))

#endif /* SHIM_LINUX_LIST_H */
