// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * events.c - the module's netlink events as a pollable stream.
 *
 * One message is taken from the socket at a time and handed on, so nothing is
 * buffered here but one event.  Events can be lost on the way (the socket's
 * buffer is finite); their numbers tell, and so does ENOBUFS.
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include "private.h"

/* Enough for some thousand events while the reader is busy elsewhere. */
#define RECEIVE_BUFFER (1 << 20)

struct shadowcopy_events {
	struct shadowcopy *sc;
	struct nl_sock *sock;
	uint64_t last_seq;
	struct shadowcopy_event event;
	bool filled;
};

static int nl_errno(int rc)
{
	switch (-rc) {
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_INTR:
		return -EINTR;
	case NLE_NOMEM:
		/* recvmsg()'s ENOBUFS arrives as this one */
		return -ENOBUFS;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	default:
		return -EIO;
	}
}

static void copy_uuid(struct nlattr *attr, struct shadow_uuid *uuid)
{
	memcpy(uuid, nla_data(attr), sizeof(*uuid));
}

static void note_sequence(struct shadowcopy_events *ev, struct shadowcopy_event *event)
{
	if (ev->last_seq && event->seq > ev->last_seq + 1)
		event->missed = event->seq - ev->last_seq - 1;
	ev->last_seq = event->seq;
}

static int on_message(struct nl_msg *msg, void *data)
{
	static struct nla_policy policy[SHADOW_NL_A_MAX + 1] = {
		[SHADOW_NL_A_EVENT]	= { .type = NLA_U32 },
		[SHADOW_NL_A_SEQ]	= { .type = NLA_U64 },
		[SHADOW_NL_A_TIME]	= { .type = NLA_U64 },
		[SHADOW_NL_A_SHADOW]	= { .minlen = sizeof(struct shadow_uuid) },
		[SHADOW_NL_A_SET]	= { .minlen = sizeof(struct shadow_uuid) },
		[SHADOW_NL_A_MAJOR]	= { .type = NLA_U32 },
		[SHADOW_NL_A_MINOR]	= { .type = NLA_U32 },
		[SHADOW_NL_A_NAME]	= { .type = NLA_STRING },
		[SHADOW_NL_A_INDEX]	= { .type = NLA_U32 },
		[SHADOW_NL_A_REASON]	= { .type = NLA_U32 },
		[SHADOW_NL_A_PERCENT]	= { .type = NLA_U32 },
		[SHADOW_NL_A_SECONDS]	= { .type = NLA_U32 },
		[SHADOW_NL_A_FAULT]	= { .type = NLA_U32 },
		[SHADOW_NL_A_BYTES]	= { .type = NLA_U64 },
		[SHADOW_NL_A_CLASS]	= { .minlen = sizeof(struct shadow_uuid) },
		[SHADOW_NL_A_INSTANCE]	= { .minlen = sizeof(struct shadow_uuid) },
		[SHADOW_NL_A_SESSION]	= { .minlen = sizeof(struct shadow_uuid) },
	};
	struct nlattr *attrs[SHADOW_NL_A_MAX + 1];
	struct shadowcopy_events *ev = data;
	struct shadowcopy_event *event = &ev->event;
	struct nlmsghdr *header = nlmsg_hdr(msg);

	if (!genlmsg_valid_hdr(header, 0) ||
	    genlmsg_hdr(header)->cmd != SHADOW_NL_CMD_EVENT ||
	    genlmsg_parse(header, 0, attrs, SHADOW_NL_A_MAX, policy) < 0 ||
	    !attrs[SHADOW_NL_A_EVENT] || !attrs[SHADOW_NL_A_SEQ])
		return NL_SKIP;

	memset(event, 0, sizeof(*event));
	event->event = nla_get_u32(attrs[SHADOW_NL_A_EVENT]);
	event->seq = nla_get_u64(attrs[SHADOW_NL_A_SEQ]);
	if (attrs[SHADOW_NL_A_TIME])
		event->time_ns = nla_get_u64(attrs[SHADOW_NL_A_TIME]);
	if (attrs[SHADOW_NL_A_SHADOW]) {
		copy_uuid(attrs[SHADOW_NL_A_SHADOW], &event->shadow);
		event->present |= SHADOWCOPY_EV_SHADOW;
	}
	if (attrs[SHADOW_NL_A_SET]) {
		copy_uuid(attrs[SHADOW_NL_A_SET], &event->set);
		event->present |= SHADOWCOPY_EV_SET;
	}
	if (attrs[SHADOW_NL_A_MAJOR] && attrs[SHADOW_NL_A_MINOR]) {
		event->dev.major = nla_get_u32(attrs[SHADOW_NL_A_MAJOR]);
		event->dev.minor = nla_get_u32(attrs[SHADOW_NL_A_MINOR]);
		event->present |= SHADOWCOPY_EV_DEV;
	}
	if (attrs[SHADOW_NL_A_NAME])
		nla_strlcpy(event->name, attrs[SHADOW_NL_A_NAME], sizeof(event->name));
	if (attrs[SHADOW_NL_A_INDEX]) {
		event->index = nla_get_u32(attrs[SHADOW_NL_A_INDEX]);
		event->present |= SHADOWCOPY_EV_INDEX;
	}
	if (attrs[SHADOW_NL_A_REASON]) {
		event->reason = nla_get_u32(attrs[SHADOW_NL_A_REASON]);
		event->present |= SHADOWCOPY_EV_REASON;
	}
	if (attrs[SHADOW_NL_A_PERCENT]) {
		event->percent = nla_get_u32(attrs[SHADOW_NL_A_PERCENT]);
		event->present |= SHADOWCOPY_EV_PERCENT;
	}
	if (attrs[SHADOW_NL_A_SECONDS]) {
		event->seconds = nla_get_u32(attrs[SHADOW_NL_A_SECONDS]);
		event->present |= SHADOWCOPY_EV_SECONDS;
	}
	if (attrs[SHADOW_NL_A_FAULT]) {
		event->fault = nla_get_u32(attrs[SHADOW_NL_A_FAULT]);
		event->present |= SHADOWCOPY_EV_FAULT;
	}
	if (attrs[SHADOW_NL_A_BYTES]) {
		event->bytes = nla_get_u64(attrs[SHADOW_NL_A_BYTES]);
		event->present |= SHADOWCOPY_EV_BYTES;
	}
	if (attrs[SHADOW_NL_A_CLASS] && attrs[SHADOW_NL_A_INSTANCE]) {
		copy_uuid(attrs[SHADOW_NL_A_CLASS], &event->writer_class);
		copy_uuid(attrs[SHADOW_NL_A_INSTANCE], &event->writer);
		event->present |= SHADOWCOPY_EV_WRITER;
	}
	if (attrs[SHADOW_NL_A_SESSION]) {
		copy_uuid(attrs[SHADOW_NL_A_SESSION], &event->session);
		event->present |= SHADOWCOPY_EV_SESSION;
	}
	note_sequence(ev, event);
	ev->filled = true;
	return NL_OK;
}

static int connect_failed(struct shadowcopy *sc, int rc)
{
	rc = nl_errno(rc);
	if (rc == -ENOENT)
		return SC_FAIL(sc, rc, .action = "listen to events",
			       .cause = "the module \"shadow\" is not loaded, or has no events",
			       .remedy = "load it with \"modprobe shadow\"");
	return SC_FAIL(sc, rc, .action = "listen to events");
}

SC_EXPORT int shadowcopy_events_open(struct shadowcopy *sc, struct shadowcopy_events **evp)
{
	struct shadowcopy_events *ev = calloc(1, sizeof(*ev));
	int rc = -NLE_NOMEM;

	*evp = NULL;
	if (!ev)
		return SC_FAIL(sc, -ENOMEM, .action = "listen to events");
	ev->sc = sc;
	ev->sock = nl_socket_alloc();
	if (!ev->sock)
		goto failed;
	nl_socket_disable_seq_check(ev->sock);
	rc = genl_connect(ev->sock);
	if (rc)
		goto failed;
	rc = genl_ctrl_resolve_grp(ev->sock, SHADOW_NL_FAMILY, SHADOW_NL_GROUP_EVENTS);
	if (rc < 0)
		goto failed;
	rc = nl_socket_add_membership(ev->sock, rc);
	if (rc)
		goto failed;
	nl_socket_set_buffer_size(ev->sock, RECEIVE_BUFFER, 0);
	rc = nl_socket_modify_cb(ev->sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, ev);
	if (!rc)
		rc = nl_socket_set_nonblocking(ev->sock);
	if (rc)
		goto failed;
	*evp = ev;
	return 0;

failed:
	rc = connect_failed(sc, rc);
	shadowcopy_events_close(ev);
	return rc;
}

SC_EXPORT void shadowcopy_events_close(struct shadowcopy_events *ev)
{
	if (!ev)
		return;
	nl_socket_free(ev->sock);
	free(ev);
}

SC_EXPORT int shadowcopy_events_fd(const struct shadowcopy_events *ev)
{
	return nl_socket_get_fd(ev->sock);
}

SC_EXPORT int shadowcopy_events_next(struct shadowcopy_events *ev, struct shadowcopy_event *event)
{
	int rc;

	for (;;) {
		ev->filled = false;
		rc = nl_recvmsgs_default(ev->sock);
		if (ev->filled) {
			*event = ev->event;
			return 1;
		}
		if (rc >= 0)
			continue;	/* something that is no event of ours */
		rc = nl_errno(rc);
		if (rc == -EAGAIN)
			return 0;
		if (rc == -EINTR)
			continue;
		if (rc != -ENOBUFS)
			return SC_FAIL(ev->sc, rc, .action = "read the next event");
		/*
		 * How many were lost, and after which, the numbers tell when
		 * those that were not are read; say at once that some were.
		 */
		memset(event, 0, sizeof(*event));
		event->missed = UINT64_MAX;
		return 1;
	}
}
