// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * channel.c - the module's channel between coordinator and writers.
 *
 * One socket carries both what was asked for and what comes by itself.  A command
 * is carried out while it is sent, so its answer is in the socket's buffer when
 * the call returns: it is read up to there, and what comes by itself is put aside
 * for shadowcopy_channel_next().  Nothing here waits.
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "libshadowcopy-channel.h"
#include "private.h"

/* A coordinator may be told by a thousand writers at once. */
#define RECEIVE_BUFFER (8 << 20)

struct waiting {
	struct waiting *next;
	struct shadowcopy_channel_message message;
};

struct shadowcopy_channel {
	struct shadowcopy *sc;
	struct nl_sock *sock;
	int family;
	struct waiting *first, **last;	/* what came by itself */
	int lost;			/* negative errno: some of it was lost; until it is told */
	unsigned int seq;		/* of the command under way */
	/* the command under way */
	bool answered;
	int error;
	uint64_t cookie;
	void (*each)(void *data, const struct shadowcopy_channel_writer *writer);
	void *data;
	int count;
};

static struct nla_policy policy[SHADOW_NL_A_MAX + 1] = {
	[SHADOW_NL_A_NAME]	= { .type = NLA_STRING },
	[SHADOW_NL_A_SET]	= { .minlen = sizeof(struct shadow_uuid) },
	[SHADOW_NL_A_MAJOR]	= { .type = NLA_U32 },
	[SHADOW_NL_A_MINOR]	= { .type = NLA_U32 },
	[SHADOW_NL_A_REASON]	= { .type = NLA_U32 },
	[SHADOW_NL_A_PERCENT]	= { .type = NLA_U32 },
	[SHADOW_NL_A_SECONDS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_CLASS]	= { .minlen = sizeof(struct shadow_uuid) },
	[SHADOW_NL_A_INSTANCE]	= { .minlen = sizeof(struct shadow_uuid) },
	[SHADOW_NL_A_INSTANCE_NAME] = { .type = NLA_STRING },
	[SHADOW_NL_A_LEVEL]	= { .type = NLA_U32 },
	[SHADOW_NL_A_TELLS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_FREEZE_MS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_PID]	= { .type = NLA_U32 },
	[SHADOW_NL_A_UID]	= { .type = NLA_U32 },
	[SHADOW_NL_A_SESSION]	= { .minlen = sizeof(struct shadow_uuid) },
	[SHADOW_NL_A_TELL]	= { .type = NLA_U32 },
	[SHADOW_NL_A_COOKIE]	= { .type = NLA_U64 },
	[SHADOW_NL_A_ANSWER_MS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_RESULT]	= { .type = NLA_U32 },
	[SHADOW_NL_A_STATUS]	= { .type = NLA_U32 },
	[SHADOW_NL_A_APP_CODE]	= { .type = NLA_U32 },
	[SHADOW_NL_A_TEXT]	= { .type = NLA_STRING },
	[SHADOW_NL_A_ELAPSED]	= { .type = NLA_U64 },
};

static void get_uuid(struct nlattr *attr, struct shadow_uuid *uuid)
{
	if (attr)
		memcpy(uuid, nla_data(attr), sizeof(*uuid));
}

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void put_aside(struct shadowcopy_channel *channel, uint32_t command, struct nlattr **a)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	struct shadowcopy_channel_message *m;

	if (!waiting) {
		channel->lost = -ENOMEM;
		return;
	}
	m = &waiting->message;
	m->command = command;
	m->tell = get_u32(a[SHADOW_NL_A_TELL]);
	get_uuid(a[SHADOW_NL_A_SESSION], &m->session);
	get_uuid(a[SHADOW_NL_A_SET], &m->set);
	get_uuid(a[SHADOW_NL_A_INSTANCE], &m->instance);
	m->cookie = get_u64(a[SHADOW_NL_A_COOKIE]);
	m->answer_ms = get_u32(a[SHADOW_NL_A_ANSWER_MS]);
	m->freeze_ms = get_u32(a[SHADOW_NL_A_FREEZE_MS]);
	m->reason = get_u32(a[SHADOW_NL_A_REASON]);
	m->result = get_u32(a[SHADOW_NL_A_RESULT]);
	m->status = get_u32(a[SHADOW_NL_A_STATUS]);
	m->app_code = get_u32(a[SHADOW_NL_A_APP_CODE]);
	m->elapsed_ns = get_u64(a[SHADOW_NL_A_ELAPSED]);
	if (a[SHADOW_NL_A_TEXT])
		nla_strlcpy(m->text, a[SHADOW_NL_A_TEXT], sizeof(m->text));
	m->volume.major = get_u32(a[SHADOW_NL_A_MAJOR]);
	m->volume.minor = get_u32(a[SHADOW_NL_A_MINOR]);
	m->percent = get_u32(a[SHADOW_NL_A_PERCENT]);
	m->seconds = get_u32(a[SHADOW_NL_A_SECONDS]);
	if (a[SHADOW_NL_A_NAME])
		nla_strlcpy(m->name, a[SHADOW_NL_A_NAME], sizeof(m->name));
	*channel->last = waiting;
	channel->last = &waiting->next;
}

static void tell_of_writer(struct shadowcopy_channel *channel, struct nlattr **a)
{
	struct shadowcopy_channel_writer writer = {
		.level = get_u32(a[SHADOW_NL_A_LEVEL]),
		.tells = get_u32(a[SHADOW_NL_A_TELLS]),
		.freeze_ms = get_u32(a[SHADOW_NL_A_FREEZE_MS]),
		.pid = get_u32(a[SHADOW_NL_A_PID]),
		.uid = get_u32(a[SHADOW_NL_A_UID]),
	};

	get_uuid(a[SHADOW_NL_A_CLASS], &writer.class_id);
	get_uuid(a[SHADOW_NL_A_INSTANCE], &writer.instance_id);
	if (a[SHADOW_NL_A_NAME])
		nla_strlcpy(writer.name, a[SHADOW_NL_A_NAME], sizeof(writer.name));
	if (a[SHADOW_NL_A_INSTANCE_NAME])
		nla_strlcpy(writer.instance_name, a[SHADOW_NL_A_INSTANCE_NAME],
			    sizeof(writer.instance_name));
	channel->count++;
	if (channel->each)
		channel->each(channel->data, &writer);
}

static int on_message(struct nl_msg *msg, void *data)
{
	struct shadowcopy_channel *channel = data;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *a[SHADOW_NL_A_MAX + 1];

	/* Whoever is root could send us something, too. */
	if (nlmsg_get_src(msg)->nl_pid || header->nlmsg_type != channel->family ||
	    !genlmsg_valid_hdr(header, 0) ||
	    genlmsg_parse(header, 0, a, SHADOW_NL_A_MAX, policy) < 0)
		return NL_SKIP;
	switch (genlmsg_hdr(header)->cmd) {
	case SHADOW_NL_CMD_WRITER_TELL:
	case SHADOW_NL_CMD_RESULT:
	case SHADOW_NL_CMD_FREEZE_EXPIRED:
		put_aside(channel, genlmsg_hdr(header)->cmd, a);
		break;
	case SHADOW_NL_CMD_WRITER_GET:
		tell_of_writer(channel, a);
		break;
	case SHADOW_NL_CMD_TELL:
		channel->cookie = get_u64(a[SHADOW_NL_A_COOKIE]);
		break;
	}
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *data)
{
	struct shadowcopy_channel *channel = data;

	if (nlmsg_hdr(msg)->nlmsg_seq == channel->seq)
		channel->answered = true;
	return NL_OK;
}

/* The end of a list has an errno, too, which the library does not look at. */
static int on_finish(struct nl_msg *msg, void *data)
{
	struct shadowcopy_channel *channel = data;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	if (header->nlmsg_seq != channel->seq)
		return NL_OK;
	channel->answered = true;
	if (nlmsg_datalen(header) >= (int)sizeof(int) && *(int *)nlmsg_data(header) < 0)
		channel->error = *(int *)nlmsg_data(header);
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *data)
{
	struct shadowcopy_channel *channel = data;

	(void)from;
	if (error->msg.nlmsg_seq != channel->seq)
		return NL_SKIP;
	channel->answered = true;
	channel->error = error->error;
	return NL_SKIP;
}

/* Read one datagram: 0, -EAGAIN where there is none, or another negative errno. */
static int read_some(struct shadowcopy_channel *channel)
{
	int rc;

	do
		rc = nl_recvmsgs_default(channel->sock);
	while (rc == -NLE_INTR);
	switch (-rc) {
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM:		/* recvmsg()'s ENOBUFS arrives as this one */
		channel->lost = -ENOBUFS;
		return 0;
	default:
		return rc < 0 && !channel->answered ? -EIO : 0;
	}
}

/* Send a command and read up to its end; frees it. */
static int command(struct shadowcopy_channel *channel, struct nl_msg *msg)
{
	int rc;

	channel->answered = false;
	channel->error = 0;
	nl_complete_msg(channel->sock, msg);
	channel->seq = nlmsg_hdr(msg)->nlmsg_seq;
	rc = nl_send(channel->sock, msg);
	nlmsg_free(msg);
	if (rc < 0)
		return rc == -NLE_NOMEM ? -ENOBUFS : -EIO;
	while (!channel->answered) {
		rc = read_some(channel);
		if (rc == -EAGAIN) {	/* the answer is what was lost */
			channel->lost = channel->lost ?: -ENOBUFS;
			return channel->lost;
		}
		if (rc)
			return rc;
	}
	return channel->error;
}

static struct nl_msg *new_command(const struct shadowcopy_channel *channel, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, channel->family, 0, flags, cmd,
				SHADOW_NL_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static void put_uuid(struct nl_msg *msg, int attr, const struct shadow_uuid *uuid)
{
	nla_put(msg, attr, sizeof(*uuid), uuid);	/* a message has room for all of ours */
}

static int no_memory(struct shadowcopy_channel *channel, const char *action)
{
	return SC_FAIL(channel->sc, -ENOMEM, .action = action);
}

SC_EXPORT int shadowcopy_channel_open(struct shadowcopy *sc, struct shadowcopy_channel **channelp)
{
	struct shadowcopy_channel *channel = calloc(1, sizeof(*channel));
	int rc = -NLE_NOMEM;
	struct nl_cb *cb;

	*channelp = NULL;
	if (!channel)
		return SC_FAIL(sc, -ENOMEM, .action = "open the module's channel");
	channel->sc = sc;
	channel->last = &channel->first;
	channel->sock = nl_socket_alloc();
	if (!channel->sock)
		goto failed;
	nl_socket_disable_seq_check(channel->sock);
	rc = genl_connect(channel->sock);
	if (rc)
		goto failed;
	rc = genl_ctrl_resolve(channel->sock, SHADOW_NL_FAMILY);
	if (rc < 0)
		goto failed;
	channel->family = rc;
	nl_socket_set_buffer_size(channel->sock, RECEIVE_BUFFER, 0);
	/* More than the system's limit, where we may. */
	(void)setsockopt(nl_socket_get_fd(channel->sock), SOL_SOCKET, SO_RCVBUFFORCE,
			 &(int){ RECEIVE_BUFFER }, sizeof(int));
	cb = nl_socket_get_cb(channel->sock);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_message, channel);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, channel);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, channel);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, channel);
	nl_cb_put(cb);
	rc = nl_socket_set_nonblocking(channel->sock);
	if (rc)
		goto failed;
	*channelp = channel;
	return 0;

failed:
	if (rc == -NLE_OBJ_NOTFOUND)
		rc = SC_FAIL(sc, -ENOENT, .action = "open the module's channel",
			     .cause = "the module \"shadow\" is not loaded",
			     .remedy = "load it with \"modprobe shadow\"");
	else
		rc = SC_FAIL(sc, rc == -NLE_NOMEM ? -ENOMEM : -EIO,
			     .action = "open the module's channel", .cause = nl_geterror(rc));
	shadowcopy_channel_close(channel);
	return rc;
}

SC_EXPORT void shadowcopy_channel_close(struct shadowcopy_channel *channel)
{
	struct waiting *waiting;

	if (!channel)
		return;
	while ((waiting = channel->first)) {
		channel->first = waiting->next;
		free(waiting);
	}
	nl_socket_free(channel->sock);
	free(channel);
}

SC_EXPORT int shadowcopy_channel_fd(const struct shadowcopy_channel *channel)
{
	return nl_socket_get_fd(channel->sock);
}

SC_EXPORT int shadowcopy_channel_next(struct shadowcopy_channel *channel,
				      struct shadowcopy_channel_message *message)
{
	struct waiting *waiting;
	int rc = 0;

	while (!channel->first) {
		rc = channel->lost ? 0 : read_some(channel);
		if (rc == -EAGAIN)
			return 0;
		if (!rc && channel->lost) {
			rc = -ENOBUFS;
			channel->lost = 0;
			return SC_FAIL(channel->sc, rc, .action = "read the module's channel",
				       .cause = "messages were lost");
		}
		if (rc)
			return SC_FAIL(channel->sc, rc, .action = "read the module's channel");
	}
	waiting = channel->first;
	channel->first = waiting->next;
	if (!channel->first)
		channel->last = &channel->first;
	*message = waiting->message;
	free(waiting);
	return 1;
}

/* --- a writer ------------------------------------------------------------------- */

SC_EXPORT int shadowcopy_channel_register(struct shadowcopy_channel *channel,
					  const struct shadowcopy_channel_writer *writer)
{
	static const char action[] = "register the writer";
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_WRITER_REGISTER, 0);
	int rc;

	if (!msg)
		return no_memory(channel, action);
	put_uuid(msg, SHADOW_NL_A_CLASS, &writer->class_id);
	put_uuid(msg, SHADOW_NL_A_INSTANCE, &writer->instance_id);
	nla_put_string(msg, SHADOW_NL_A_NAME, writer->name);
	if (*writer->instance_name)
		nla_put_string(msg, SHADOW_NL_A_INSTANCE_NAME, writer->instance_name);
	nla_put_u32(msg, SHADOW_NL_A_LEVEL, writer->level);
	nla_put_u32(msg, SHADOW_NL_A_TELLS, writer->tells);
	if (writer->freeze_ms)
		nla_put_u32(msg, SHADOW_NL_A_FREEZE_MS, writer->freeze_ms);
	rc = command(channel, msg);
	switch (-rc) {
	case 0:
		return 0;
	case EALREADY:
		return SC_FAIL(channel->sc, rc, .action = action, .object = writer->name,
			       .cause = "its channel has a writer already",
			       .remedy = "open a channel for each writer");
	case EEXIST:
		return SC_FAIL(channel->sc, rc, .action = action, .object = writer->name,
			       .cause = "another writer has the same instance",
			       .remedy = "make a new instance UUID at each start");
	case EUSERS:
		return SC_FAIL(channel->sc, rc, .action = action, .object = writer->name,
			       .cause = "too many writers have registered",
			       .remedy = "\"shadowadm writer list\" shows which");
	case EINVAL:
	case ERANGE:
		return SC_FAIL(channel->sc, rc, .action = action, .object = writer->name,
			       .cause = "class, instance, name, level, what it is told, or its "
			       "longest freeze cannot be so",
			       .remedy = "see libshadowcopy-channel.h for what they may be");
	default:
		return SC_FAIL(channel->sc, rc, .action = action, .object = writer->name);
	}
}

SC_EXPORT int shadowcopy_channel_unregister(struct shadowcopy_channel *channel)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_WRITER_UNREGISTER, 0);
	int rc = msg ? command(channel, msg) : -ENOMEM;

	return rc ? SC_FAIL(channel->sc, rc, .action = "unregister the writer") : 0;
}

SC_EXPORT int shadowcopy_channel_answer(struct shadowcopy_channel *channel, uint64_t cookie,
					uint32_t status, uint32_t app_code, const char *text)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_WRITER_ANSWER, 0);
	char buffer[SHADOW_NL_TEXT_MAX + 1];
	int rc;

	if (!msg)
		return no_memory(channel, "answer the coordinator");
	nla_put_u64(msg, SHADOW_NL_A_COOKIE, cookie);
	nla_put_u32(msg, SHADOW_NL_A_STATUS, status);
	if (app_code)
		nla_put_u32(msg, SHADOW_NL_A_APP_CODE, app_code);
	if (text && *text) {
		snprintf(buffer, sizeof(buffer), "%s", text);
		nla_put_string(msg, SHADOW_NL_A_TEXT, buffer);
	}
	rc = command(channel, msg);
	if (rc == -ESTALE)
		return SC_FAIL(channel->sc, rc, .action = "answer the coordinator",
			       .cause = "it does not wait for this answer any more");
	return rc ? SC_FAIL(channel->sc, rc, .action = "answer the coordinator") : 0;
}

SC_EXPORT int shadowcopy_channel_extend(struct shadowcopy_channel *channel, uint64_t cookie,
					uint32_t answer_ms)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_WRITER_EXTEND, 0);
	int rc;

	if (!msg)
		return no_memory(channel, "ask for more time");
	nla_put_u64(msg, SHADOW_NL_A_COOKIE, cookie);
	nla_put_u32(msg, SHADOW_NL_A_ANSWER_MS, answer_ms);
	rc = command(channel, msg);
	return rc ? SC_FAIL(channel->sc, rc, .action = "ask for more time") : 0;
}

/* --- the coordinator ------------------------------------------------------------- */

SC_EXPORT int shadowcopy_channel_coordinate(struct shadowcopy_channel *channel)
{
	static const char action[] = "become the coordinator";
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_COORDINATOR_REGISTER, 0);
	int rc;

	if (!msg)
		return no_memory(channel, action);
	rc = command(channel, msg);
	if (rc == -EBUSY)
		return SC_FAIL(channel->sc, rc, .action = action,
			       .cause = "another process is the coordinator",
			       .remedy = "see if shadowd runs twice");
	return rc ? SC_FAIL(channel->sc, rc, .action = action) : 0;
}

SC_EXPORT int shadowcopy_channel_writers(struct shadowcopy_channel *channel,
					 void (*fn)(void *data,
						    const struct shadowcopy_channel_writer *writer),
					 void *data)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_WRITER_GET, NLM_F_DUMP);
	int rc = -ENOMEM;

	channel->count = 0;
	channel->each = fn;
	channel->data = data;
	if (msg)
		rc = command(channel, msg);
	channel->each = NULL;
	return rc ? SC_FAIL(channel->sc, rc, .action = "list the writers") : channel->count;
}

SC_EXPORT int shadowcopy_channel_tell(struct shadowcopy_channel *channel,
				      const struct shadowcopy_channel_message *tell,
				      uint64_t *cookie)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_TELL, 0);
	int rc;

	if (!msg)
		return no_memory(channel, "tell a writer");
	put_uuid(msg, SHADOW_NL_A_INSTANCE, &tell->instance);
	put_uuid(msg, SHADOW_NL_A_SESSION, &tell->session);
	put_uuid(msg, SHADOW_NL_A_SET, &tell->set);
	nla_put_u32(msg, SHADOW_NL_A_TELL, tell->tell);
	if (tell->answer_ms)
		nla_put_u32(msg, SHADOW_NL_A_ANSWER_MS, tell->answer_ms);
	if (tell->reason)
		nla_put_u32(msg, SHADOW_NL_A_REASON, tell->reason);
	channel->cookie = 0;
	rc = command(channel, msg);
	if (cookie)
		*cookie = channel->cookie;
	return rc ? SC_FAIL(channel->sc, rc, .action = "tell a writer",
			    .object = shadowcopy_tell_name(tell->tell)) : 0;
}

SC_EXPORT int shadowcopy_channel_end(struct shadowcopy_channel *channel,
				     const struct shadow_uuid *session)
{
	struct nl_msg *msg = new_command(channel, SHADOW_NL_CMD_SESSION_END, 0);
	int rc;

	if (!msg)
		return no_memory(channel, "end a session");
	put_uuid(msg, SHADOW_NL_A_SESSION, session);
	rc = command(channel, msg);
	return rc ? SC_FAIL(channel->sc, rc, .action = "end a session") : 0;
}
