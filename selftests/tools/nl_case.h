/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs that test the netlink family share: sockets, messages made by
 * hand (no library: it is the kernel that is tested), and results.
 */
#ifndef NL_CASE_H
#define NL_CASE_H

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/shadow.h>
#include <linux/shadow_netlink.h>

#include "case.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static unsigned int slow = 1;		/* limits are so many times as long */

static inline int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* --- messages -------------------------------------------------------------------- */

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	char attrs[4096];
};

static uint32_t next_seq = 1;
static uint16_t family;

static inline void begin(struct message *m, uint16_t type, uint8_t cmd, uint16_t flags)
{
	memset(m, 0, sizeof(*m));
	m->nl.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	m->nl.nlmsg_type = type;
	m->nl.nlmsg_flags = NLM_F_REQUEST | flags;
	m->nl.nlmsg_seq = next_seq++;
	m->genl.cmd = cmd;
	m->genl.version = 1;
}

static inline void add(struct message *m, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attr = (struct nlattr *)((char *)m + NLMSG_ALIGN(m->nl.nlmsg_len));

	if (m->nl.nlmsg_len + size + 64 > sizeof(*m))
		errx(2, "message too long");
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	memcpy((char *)attr + NLA_HDRLEN, data, size);
	m->nl.nlmsg_len = NLMSG_ALIGN(m->nl.nlmsg_len) + NLA_ALIGN(attr->nla_len);
}

static inline void add_u32(struct message *m, uint16_t type, uint32_t value)
{
	add(m, type, &value, sizeof(value));
}

static inline void add_u64(struct message *m, uint16_t type, uint64_t value)
{
	add(m, type, &value, sizeof(value));
}

static inline void add_text(struct message *m, uint16_t type, const char *text)
{
	add(m, type, text, strlen(text) + 1);
}

/* A UUID for tests: @n in its last byte, @kind in its first. */
static inline void add_id(struct message *m, uint16_t type, uint8_t kind, uint8_t n)
{
	uint8_t uuid[16] = { kind };

	uuid[15] = n;
	add(m, type, uuid, sizeof(uuid));
}

static inline const struct nlattr *attr_of(const struct message *m, uint16_t type)
{
	const char *at = m->attrs, *end = (const char *)m + m->nl.nlmsg_len;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *attr = (const struct nlattr *)at;

		if (attr->nla_len < NLA_HDRLEN)
			break;
		if (attr->nla_type == type)
			return attr;
		at += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static inline uint32_t u32_of(const struct message *m, uint16_t type)
{
	const struct nlattr *attr = attr_of(m, type);
	uint32_t value = UINT32_MAX;

	if (attr && attr->nla_len == NLA_HDRLEN + sizeof(value))
		memcpy(&value, (const char *)attr + NLA_HDRLEN, sizeof(value));
	return value;
}

static inline uint64_t u64_of(const struct message *m, uint16_t type)
{
	const struct nlattr *attr = attr_of(m, type);
	uint64_t value = UINT64_MAX;

	if (attr && attr->nla_len == NLA_HDRLEN + sizeof(value))
		memcpy(&value, (const char *)attr + NLA_HDRLEN, sizeof(value));
	return value;
}

static inline const char *text_of(const struct message *m, uint16_t type)
{
	const struct nlattr *attr = attr_of(m, type);

	return attr ? (const char *)attr + NLA_HDRLEN : "";
}

/* The last byte of a UUID of add_id(). */
static inline int id_of(const struct message *m, uint16_t type)
{
	const struct nlattr *attr = attr_of(m, type);

	return attr && attr->nla_len == NLA_HDRLEN + 16 ?
	       ((const uint8_t *)attr)[NLA_HDRLEN + 15] : -1;
}

/* --- sockets ---------------------------------------------------------------------- */

static inline int open_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(2, "netlink socket");
	return fd;
}

static inline void send_message(int fd, const struct message *m)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(fd, m, m->nl.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		err(2, "sendto");
}

/* What has come and was not asked for yet, of all sockets. */
static struct pending {
	int fd;
	struct message m;
} *queue;
static size_t queued;

static inline bool take_queued(int fd, struct message *m)
{
	for (size_t i = 0; i < queued; i++) {
		if (queue[i].fd != fd)
			continue;
		*m = queue[i].m;
		memmove(queue + i, queue + i + 1, (--queued - i) * sizeof(*queue));
		return true;
	}
	return false;
}

static inline void put_queued(int fd, const struct message *m)
{
	queue = realloc(queue, (queued + 1) * sizeof(*queue));
	if (!queue)
		err(2, "realloc");
	queue[queued].fd = fd;
	queue[queued++].m = *m;
}

/* Close a socket, and forget what came to it: the next one can have its number. */
static inline void close_socket(int fd)
{
	struct message m;

	close(fd);
	while (take_queued(fd, &m))
		;
}

static inline bool receive_raw(int fd, struct message *m, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return false;
	memset(m, 0, sizeof(*m));
	return recv(fd, m, sizeof(*m), 0) > 0;
}

/* The next message of our family, within @ms; a slow machine gets more. */
static inline bool receive(int fd, struct message *m, int ms)
{
	return take_queued(fd, m) || receive_raw(fd, m, ms * (int)slow);
}

/*
 * Send a command, and wait for the kernel's word on it.  Return: 0 or an errno;
 * @reply, if not NULL, is the message that came before it.
 */
static inline int command(int fd, struct message *m, struct message *reply)
{
	struct message got;

	m->nl.nlmsg_flags |= NLM_F_ACK;
	send_message(fd, m);
	while (receive_raw(fd, &got, 10000 * (int)slow)) {
		if (got.nl.nlmsg_type == NLMSG_ERROR && got.nl.nlmsg_seq == m->nl.nlmsg_seq)
			return -((struct nlmsgerr *)NLMSG_DATA(&got.nl))->error;
		if (got.nl.nlmsg_seq == m->nl.nlmsg_seq && reply)
			*reply = got;
		else if (got.nl.nlmsg_seq == 0)
			put_queued(fd, &got);
	}
	errx(2, "the kernel does not answer command %u", m->genl.cmd);
}

static inline void find_family(void)
{
	struct message m, reply = { 0 };
	int fd = open_socket(), code;
	const struct nlattr *id;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	add_text(&m, CTRL_ATTR_FAMILY_NAME, SHADOW_NL_FAMILY);
	code = command(fd, &m, &reply);
	id = attr_of(&reply, CTRL_ATTR_FAMILY_ID);
	if (code || !id)
		errx(2, "no family " SHADOW_NL_FAMILY ": %s", strerror(code));
	memcpy(&family, (const char *)id + NLA_HDRLEN, sizeof(family));
	close(fd);
}

/* --- writers and coordinator -------------------------------------------------------- */

#define BIT(tell) (1U << SHADOW_NL_TELL_##tell)
#define ALL_TELLS 0x3ffeU		/* every enum shadow_nl_tell */

/* A writer with the instance @n; 0 or an errno. */
static inline int register_writer(int fd, uint8_t n, uint32_t tells, uint32_t freeze_ms)
{
	struct message m;

	begin(&m, family, SHADOW_NL_CMD_WRITER_REGISTER, 0);
	add_id(&m, SHADOW_NL_A_CLASS, 0xc1, 1);
	add_id(&m, SHADOW_NL_A_INSTANCE, 0x11, n);
	add_text(&m, SHADOW_NL_A_NAME, "test");
	add_text(&m, SHADOW_NL_A_INSTANCE_NAME, "one of them");
	add_u32(&m, SHADOW_NL_A_LEVEL, SHADOW_NL_LEVEL_BACK_END);
	add_u32(&m, SHADOW_NL_A_TELLS, tells);
	add_u32(&m, SHADOW_NL_A_FREEZE_MS, freeze_ms);
	return command(fd, &m, NULL);
}

static inline int writer(uint8_t n, uint32_t tells, uint32_t freeze_ms)
{
	int fd = open_socket();
	int code = register_writer(fd, n, tells, freeze_ms);

	if (code)
		errx(2, "writer %u: %s", n, strerror(code));
	return fd;
}

static inline int try_coordinate(int fd)
{
	struct message m;

	begin(&m, family, SHADOW_NL_CMD_COORDINATOR_REGISTER, 0);
	return command(fd, &m, NULL);
}

static inline int coordinator(void)
{
	int fd = open_socket();
	int code = try_coordinate(fd);

	if (code)
		errx(2, "coordinator: %s", strerror(code));
	return fd;
}

/* Tell writer @n something in session @session: 0 or an errno. */
static inline int tell(int fd, uint8_t n, uint8_t session, uint32_t what, uint32_t answer_ms,
		       uint64_t *cookie)
{
	struct message m, reply = { 0 };
	int code;

	begin(&m, family, SHADOW_NL_CMD_TELL, 0);
	add_id(&m, SHADOW_NL_A_INSTANCE, 0x11, n);
	add_id(&m, SHADOW_NL_A_SESSION, 0x5e, session);
	add_id(&m, SHADOW_NL_A_SET, 0x5e, session);
	add_u32(&m, SHADOW_NL_A_TELL, what);
	add_u32(&m, SHADOW_NL_A_ANSWER_MS, answer_ms);
	code = command(fd, &m, &reply);
	if (cookie)
		*cookie = code ? 0 : u64_of(&reply, SHADOW_NL_A_COOKIE);
	return code;
}

static inline int end_session(int fd, uint8_t session)
{
	struct message m;

	begin(&m, family, SHADOW_NL_CMD_SESSION_END, 0);
	add_id(&m, SHADOW_NL_A_SESSION, 0x5e, session);
	return command(fd, &m, NULL);
}

static inline int answer(int fd, uint64_t cookie, uint32_t status, const char *text)
{
	struct message m;

	begin(&m, family, SHADOW_NL_CMD_WRITER_ANSWER, 0);
	add_u64(&m, SHADOW_NL_A_COOKIE, cookie);
	add_u32(&m, SHADOW_NL_A_STATUS, status);
	if (text)
		add_text(&m, SHADOW_NL_A_TEXT, text);
	return command(fd, &m, NULL);
}

/* What a writer is told next: enum shadow_nl_tell, 0: nothing within @ms. */
static inline uint32_t heard(int fd, int ms, struct message *m)
{
	struct message own;

	m = m ?: &own;
	if (!receive(fd, m, ms) || m->genl.cmd != SHADOW_NL_CMD_WRITER_TELL)
		return 0;
	return u32_of(m, SHADOW_NL_A_TELL);
}

/* The next result that the coordinator gets: enum shadow_nl_result, 0: none within @ms. */
static inline uint32_t result_of(int fd, int ms, struct message *m)
{
	struct message own;

	m = m ?: &own;
	if (!receive(fd, m, ms) || m->genl.cmd != SHADOW_NL_CMD_RESULT)
		return 0;
	return u32_of(m, SHADOW_NL_A_RESULT);
}

#endif
