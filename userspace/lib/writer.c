// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * writer.c - a writer: its registration, its handlers, and its own watch over what it
 * has begun.
 *
 * Three descriptors are behind the one that the application polls: the module's
 * channel, a timer for the longest freeze, and the kernel's news of netlink families,
 * by which a module that is loaded later, or again, is noticed.
 *
 * The module tells a writer to abort in time whoever dies, but for itself: when it is
 * unloaded, or does not get through, the timer runs the abort handler.  The timer is
 * stopped before the thaw handler runs, and a thaw after it is none.
 *
 * A writer can be in several sessions, but comes to rest for one at a time.  What another one
 * aborts meanwhile, while it waits its turn, is not what the handlers are at: its abort is
 * answered at once, and its handler called when the one that has come to rest is through.
 *
 * Which volumes it was told to back off from is noted, so that it is told to go on once for each:
 * by the module, or by us when nobody else will.
 *
 * Documents go over the coordinator's socket, and only for a writer that asks for them in a
 * handler: what it changed is there before the module hears that the handler is done.
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libshadowcopy-channel.h"
#include "libshadowcopy-writer.h"
#include "packet.h"

#define TELL_COUNT (SHADOW_NL_TELL_CONTINUE + 1)
#define LINK_MS 20000		/* the coordinator answers of itself */

/* What a session of this writer has begun. */
struct begun {
	struct begun *next;
	struct shadow_uuid session;
	struct shadow_uuid set;
	int64_t thaw_by;		/* of the monotonic clock, nanoseconds; 0: not frozen */
	bool rests;			/* from prepare-snapshot on */
	bool aborted;			/* its handler is still to be called */
};

/* A volume that it was told to write less to. */
struct filling {
	struct filling *next;
	struct shadow_dev volume;
	char name[SHADOW_NL_NAME_MAX + 1];
};

struct shadowcopy_writer {
	struct shadowcopy *sc;
	struct shadowcopy_channel_writer info;
	shadowcopy_writer_handler *handlers[TELL_COUNT];
	void *data;
	int epoll, timer;
	struct shadowcopy_channel *channel;	/* NULL: the module is not there */
	struct nl_sock *families;
	bool family_came, family_went;
	struct begun *begun;			/* sessions with something to abort */
	struct filling *filling;
};

struct shadowcopy_writer_event {
	struct shadowcopy_writer *writer;
	struct shadowcopy_channel_message message;
	uint32_t status;
	uint32_t app_code;
	char text[SHADOW_NL_TEXT_MAX + 1];
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_backup *backup;
	char *fetched;				/* the document as it came */
	struct shadow_dev *volumes;		/* of the set */
	size_t volume_count;
	struct shadowcopy_affected *affected;
	struct sc_link *link;			/* NULL: no document was asked for yet */
	bool ends;				/* the writer hears nothing more */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool same(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Does it come from the module, and the coordinator knows nothing of it? */
static bool is_of_volume(const struct shadowcopy_writer_event *event)
{
	return event->message.tell == SHADOW_NL_TELL_BACK_OFF ||
	       event->message.tell == SHADOW_NL_TELL_CONTINUE;
}

/* --- what has begun ----------------------------------------------------------------- */

static void set_timer(struct shadowcopy_writer *writer)
{
	struct itimerspec when = { 0 };
	int64_t first = 0;

	for (struct begun *b = writer->begun; b; b = b->next)
		if (b->thaw_by && (!first || b->thaw_by < first))
			first = b->thaw_by;
	when.it_value.tv_sec = first / 1000000000;
	when.it_value.tv_nsec = first % 1000000000;
	timerfd_settime(writer->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static struct begun **find_begun(struct shadowcopy_writer *writer,
				 const struct shadow_uuid *session)
{
	struct begun **b = &writer->begun;

	while (*b && !same(&(*b)->session, session))
		b = &(*b)->next;
	return b;
}

static void forget(struct shadowcopy_writer *writer, const struct shadow_uuid *session)
{
	struct begun **at = find_begun(writer, session), *b = *at;

	if (!b)
		return;
	*at = b->next;
	free(b);
	set_timer(writer);
}

/* 0 or -ENOMEM: before its handler is called. */
static int note_begun(struct shadowcopy_writer *writer,
		      const struct shadowcopy_channel_message *message)
{
	struct begun **at = find_begun(writer, &message->session);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return -ENOMEM;
		(*at)->session = message->session;
	}
	(*at)->set = message->set;
	(*at)->aborted = false;
	(*at)->rests |= message->tell != SHADOW_NL_TELL_PREPARE_BACKUP;
	if (message->tell == SHADOW_NL_TELL_FREEZE) {
		(*at)->thaw_by = now_ns() + message->freeze_ms * 1000000LL;
		set_timer(writer);
	}
	return 0;
}

/* --- documents ------------------------------------------------------------------------ */

/* Who is frozen waits no longer than that may last: then it has to abort. */
static int patience_ms(const struct shadowcopy_writer_event *event)
{
	const struct begun *b = *find_begun(event->writer, &event->message.session);
	int64_t left = b && b->thaw_by ? (b->thaw_by - now_ns()) / 1000000 : LINK_MS;

	return left < 0 ? 0 : left < LINK_MS ? left : LINK_MS;
}

/* One connection for a handler: the coordinator may be another one at the next. */
static int link_call(struct shadowcopy_writer_event *event, const char *call, const char *text,
		     size_t size)
{
	struct shadowcopy_writer *writer = event->writer;
	char session[SHADOWCOPY_UUID_LEN], instance[SHADOWCOPY_UUID_LEN];
	int rc;

	if (is_of_volume(event))
		return SC_FAIL(writer->sc, -EBADFD, .action = "ask the coordinator",
			       .object = writer->info.name,
			       .cause = "back-off and continue belong to no session");
	rc = event->link ? 0 : sc_link_open(writer->sc, NULL, &event->link);
	shadowcopy_uuid_format(&event->message.session, session);
	shadowcopy_uuid_format(&writer->info.instance_id, instance);
	if (!rc)
		rc = sc_link_call(event->link, call,
				  json_pack("{s:s, s:s, s:s}", "session", session, "instance",
					    instance, "told",
					    shadowcopy_tell_name(event->message.tell)),
				  text, size);
	if (!rc)
		rc = sc_link_wait(event->link, patience_ms(event));
	if (rc == -EAGAIN)
		rc = SC_FAIL(writer->sc, -ETIMEDOUT, .action = "exchange documents",
			     .object = writer->info.name,
			     .cause = "the coordinator does not answer",
			     .remedy = "see its log (\"journalctl -u shadowd\")");
	/* An answer that is not here yet must not be taken for that of the next call. */
	if (event->link && (rc == -EPIPE || sc_link_waits(event->link))) {
		sc_link_close(event->link);
		event->link = NULL;
	}
	return rc;
}

static int take_volumes(struct shadowcopy_writer_event *event)
{
	json_t *volumes = sc_member_of(sc_link_body(event->link), "volumes"), *entry;
	size_t i, count = json_array_size(volumes);

	event->volumes = calloc(count + 1, sizeof(*event->volumes));
	if (!event->volumes)
		return SC_FAIL(event->writer->sc, -ENOMEM, .action = "see the volumes of the set");
	json_array_foreach(volumes, i, entry)
		if (!sc_dev_parse(json_string_value(entry) ?: "",
				  &event->volumes[event->volume_count]))
			event->volume_count++;
	return 0;
}

static int fetch_backup(struct shadowcopy_writer_event *event)
{
	struct shadowcopy *sc = event->writer->sc;
	uint32_t step;
	int fd, rc;

	rc = link_call(event, "writer-document", NULL, 0);
	if (rc)
		return rc;
	rc = take_volumes(event);
	fd = sc_link_take_document(event->link);
	if (rc || fd < 0) {
		if (fd >= 0)
			close(fd);
		return rc ?: SC_FAIL(sc, -EPROTO, .action = "get the backup components",
				     .cause = "the coordinator has sent none");
	}
	step = json_integer_value(sc_member_of(sc_link_body(event->link), "step"));
	rc = shadowcopy_backup_load_fd(sc, fd, "the session's document", 0, &event->backup);
	close(fd);
	if (!rc)
		rc = shadowcopy_backup_act(sc, event->backup, SHADOWCOPY_ROLE_WRITER, step);
	if (!rc)
		rc = shadowcopy_backup_save(sc, event->backup, &event->fetched, NULL);
	if (rc) {
		shadowcopy_backup_free(event->backup);
		event->backup = NULL;
	}
	return rc;
}

static int send_metadata(struct shadowcopy_writer_event *event)
{
	size_t size;
	char *text;
	int rc = shadowcopy_metadata_save(event->writer->sc, event->metadata, &text, &size);

	if (rc)
		return rc;
	rc = link_call(event, "writer-metadata", text, size);
	free(text);
	return rc;
}

static int send_backup(struct shadowcopy_writer_event *event)
{
	size_t size;
	char *text;
	int rc = shadowcopy_backup_save(event->writer->sc, event->backup, &text, &size);

	if (rc)
		return rc;
	if (strcmp(text, event->fetched))
		rc = link_call(event, "writer-update", text, size);
	free(text);
	return rc;
}

/* What the handler made, or changed, goes to the coordinator. */
static void finish_documents(struct shadowcopy_writer_event *event)
{
	int rc = 0;

	if (event->metadata && !event->status)
		rc = send_metadata(event);
	else if (event->backup)
		rc = send_backup(event);
	if (rc && !event->status)
		shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0, "%s",
					     shadowcopy_last_error(event->writer->sc)->text);
}

static void free_documents(struct shadowcopy_writer_event *event)
{
	shadowcopy_metadata_free(event->metadata);
	shadowcopy_backup_free(event->backup);
	shadowcopy_affected_free(event->affected);
	sc_link_close(event->link);
	free(event->fetched);
	free(event->volumes);
}

/* --- handlers ------------------------------------------------------------------------- */

static void answer(struct shadowcopy_writer_event *event)
{
	struct shadowcopy_writer *writer = event->writer;

	/* An answer that comes too late, or cannot be given, changes nothing here. */
	if (writer->channel && event->message.cookie)
		shadowcopy_channel_answer(writer->channel, event->message.cookie, event->status,
					  event->app_code, event->text);
}

/* A handler that only hands on what the library said is explained by that. */
static void call(struct shadowcopy_writer_event *event)
{
	struct shadowcopy_writer *writer = event->writer;
	const struct shadowcopy *sc = writer->sc;
	unsigned long failures = sc->failures;
	int rc = writer->handlers[event->message.tell](event, writer->data);

	if (rc && !event->status)
		shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0, "%s",
					     sc->failures != failures && sc->error.code == rc ?
					     sc->error.text : rc < 0 ? strerror(-rc) :
					     "it failed, and does not say why");
	finish_documents(event);
	free_documents(event);
}

/* Is it at rest for another session than this one, or on the way? */
static bool rests_for_another(struct shadowcopy_writer *writer, const struct shadow_uuid *session)
{
	for (struct begun *b = writer->begun; b; b = b->next)
		if (b->rests && !same(&b->session, session))
			return true;
	return false;
}

static bool begins(uint32_t tell)
{
	return tell == SHADOW_NL_TELL_PREPARE_BACKUP || tell == SHADOW_NL_TELL_PREPARE_SNAPSHOT ||
	       tell == SHADOW_NL_TELL_FREEZE;
}

static struct filling **find_filling(struct shadowcopy_writer *writer, struct shadow_dev volume)
{
	struct filling **f = &writer->filling;

	while (*f && !sc_dev_equal((*f)->volume, volume))
		f = &(*f)->next;
	return f;
}

/* In no session, and nobody waits for an answer.  1 if a handler was called. */
static int on_strain(struct shadowcopy_writer *writer,
		     const struct shadowcopy_channel_message *message)
{
	struct shadowcopy_writer_event event = {
		.writer = writer, .message = *message, .ends = !writer->channel,
	};
	struct filling **at = find_filling(writer, message->volume), *f = *at;

	if (!writer->handlers[message->tell])
		return 0;
	if (message->tell == SHADOW_NL_TELL_CONTINUE) {
		if (!f)
			return 0;
		*at = f->next;
		free(f);
	} else if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return 0;	/* as if not told: it is not told to go on */
		f->volume = message->volume;
		memcpy(f->name, message->name, sizeof(f->name));
		*at = f;
	}
	call(&event);
	return 1;
}

/* Nobody else tells it to go on any more. */
static int continue_all(struct shadowcopy_writer *writer)
{
	int called = 0;

	while (writer->filling) {
		struct shadowcopy_channel_message message = {
			.tell = SHADOW_NL_TELL_CONTINUE, .volume = writer->filling->volume,
		};

		memcpy(message.name, writer->filling->name, sizeof(message.name));
		called += on_strain(writer, &message);
	}
	return called;
}

/* Told something: 1 if a handler was called. */
static int on_tell(struct shadowcopy_writer *writer,
		   const struct shadowcopy_channel_message *message)
{
	struct shadowcopy_writer_event event = { .writer = writer, .message = *message };
	struct begun *b = *find_begun(writer, &message->session);
	uint32_t tell = message->tell;

	if (is_of_volume(&event))
		return on_strain(writer, message);
	if (tell == SHADOW_NL_TELL_ABORT && (!b || !b->rests) &&
	    rests_for_another(writer, &message->session)) {
		if (b)
			b->aborted = true;
		answer(&event);
		return 0;
	}
	if (tell == SHADOW_NL_TELL_ABORT || tell == SHADOW_NL_TELL_POST_SNAPSHOT)
		forget(writer, &message->session);
	if (tell == SHADOW_NL_TELL_POST_SNAPSHOT && !writer->handlers[tell])
		answer(&event);
	if (tell >= TELL_COUNT || !writer->handlers[tell])
		return 0;
	if (tell == SHADOW_NL_TELL_THAW && (!b || !b->thaw_by)) {
		shadowcopy_writer_event_fail(&event, SHADOW_NL_STATUS_TIMEOUT, 0,
					     "its longest freeze was over, it has aborted");
		answer(&event);
		return 0;
	}
	if (begins(tell) && note_begun(writer, message)) {
		shadowcopy_writer_event_fail(&event, SHADOW_NL_STATUS_NO_RESOURCES, 0,
					     "there is not enough memory");
		answer(&event);
		return 0;
	}
	if (tell == SHADOW_NL_TELL_THAW) {
		b->thaw_by = 0;
		set_timer(writer);
	}
	call(&event);
	answer(&event);
	return 1;
}

/* Abort what one session has begun, by ourselves. */
static void abort_alone(struct shadowcopy_writer *writer, const struct begun *b)
{
	struct shadowcopy_writer_event event = {
		.writer = writer, .ends = !writer->channel,
		.message = {
			.tell = SHADOW_NL_TELL_ABORT, .session = b->session, .set = b->set,
			.reason = SHADOW_REASON_TIMEOUT,
		},
	};

	forget(writer, &event.message.session);
	call(&event);
}

/* What has waited until nothing rests any more. */
static int abort_waiting(struct shadowcopy_writer *writer)
{
	static const struct shadow_uuid none;
	struct begun *b;
	int called = 0;

	while (!rests_for_another(writer, &none)) {
		for (b = writer->begun; b && !b->aborted; b = b->next)
			;
		if (!b)
			break;
		abort_alone(writer, b);
		called++;
	}
	return called;
}

static int abort_all(struct shadowcopy_writer *writer)
{
	int called = 0;

	for (; writer->begun; called++)
		abort_alone(writer, writer->begun);
	return called;
}

static int on_timer(struct shadowcopy_writer *writer)
{
	int64_t now = now_ns();
	uint64_t expirations;
	int called = 0;

	if (read(writer->timer, &expirations, sizeof(expirations)) < 0)
		return 0;
again:
	for (struct begun *b = writer->begun; b; b = b->next)
		if (b->thaw_by && b->thaw_by <= now) {
			abort_alone(writer, b);
			called++;
			goto again;
		}
	set_timer(writer);
	return called;
}

/* --- registration ----------------------------------------------------------------------- */

static void disconnect(struct shadowcopy_writer *writer)
{
	if (!writer->channel)
		return;
	epoll_ctl(writer->epoll, EPOLL_CTL_DEL, shadowcopy_channel_fd(writer->channel), NULL);
	shadowcopy_channel_close(writer->channel);
	writer->channel = NULL;
}

static int watch(struct shadowcopy_writer *writer, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(writer->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* 0, also where the module is not loaded. */
static int register_now(struct shadowcopy_writer *writer)
{
	int rc;

	if (getrandom(&writer->info.instance_id, sizeof(writer->info.instance_id), 0) !=
	    sizeof(writer->info.instance_id))
		return -errno;
	rc = shadowcopy_channel_open(writer->sc, &writer->channel);
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		rc = shadowcopy_channel_register(writer->channel, &writer->info);
	if (!rc)
		rc = watch(writer, shadowcopy_channel_fd(writer->channel));
	if (rc) {
		shadowcopy_channel_close(writer->channel);
		writer->channel = NULL;
	}
	return rc;
}

static int on_family(struct nl_msg *msg, void *data)
{
	static struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_NAME] = { .type = NLA_STRING },
	};
	struct shadowcopy_writer *writer = data;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];

	if (!genlmsg_valid_hdr(header, 0) ||
	    genlmsg_parse(header, 0, attrs, CTRL_ATTR_MAX, policy) < 0 ||
	    !attrs[CTRL_ATTR_FAMILY_NAME] ||
	    strcmp(nla_get_string(attrs[CTRL_ATTR_FAMILY_NAME]), SHADOW_NL_FAMILY))
		return NL_SKIP;
	if (genlmsg_hdr(header)->cmd == CTRL_CMD_NEWFAMILY)
		writer->family_came = true;
	else if (genlmsg_hdr(header)->cmd == CTRL_CMD_DELFAMILY)
		writer->family_went = true;
	return NL_OK;
}

/* 0 or a negative errno. */
static int watch_families(struct shadowcopy_writer *writer)
{
	int rc;

	writer->families = nl_socket_alloc();
	if (!writer->families)
		return -ENOMEM;
	nl_socket_disable_seq_check(writer->families);
	rc = genl_connect(writer->families);
	if (!rc)
		rc = genl_ctrl_resolve_grp(writer->families, "nlctrl", "notify");
	if (rc >= 0)
		rc = nl_socket_add_membership(writer->families, rc);
	if (!rc)
		rc = nl_socket_modify_cb(writer->families, NL_CB_VALID, NL_CB_CUSTOM, on_family,
					 writer);
	if (!rc)
		rc = nl_socket_set_nonblocking(writer->families);
	return rc ? -EIO : watch(writer, nl_socket_get_fd(writer->families));
}

static int check_families(struct shadowcopy_writer *writer)
{
	int called = 0;

	writer->family_came = false;
	writer->family_went = false;
	while (nl_recvmsgs_default(writer->families) >= 0)
		;
	if (writer->family_went) {
		disconnect(writer);
		called = abort_all(writer) + continue_all(writer);
	}
	if (writer->family_came && !writer->channel)
		register_now(writer);	/* the next time that it comes, else */
	return called;
}

/* --- interface ---------------------------------------------------------------------------- */

static int take_spec(struct shadowcopy *sc, struct shadowcopy_writer *writer,
		     const struct shadowcopy_writer_spec *spec,
		     const struct shadowcopy_writer_ops *ops)
{
	const char *instance_name = spec->instance_name ?: "";
	uint32_t tell;

	writer->handlers[SHADOW_NL_TELL_IDENTIFY] = ops->identify;
	writer->handlers[SHADOW_NL_TELL_PREPARE_BACKUP] = ops->prepare_backup;
	writer->handlers[SHADOW_NL_TELL_PREPARE_SNAPSHOT] = ops->prepare_snapshot;
	writer->handlers[SHADOW_NL_TELL_FREEZE] = ops->freeze;
	writer->handlers[SHADOW_NL_TELL_THAW] = ops->thaw;
	writer->handlers[SHADOW_NL_TELL_POST_SNAPSHOT] = ops->post_snapshot;
	writer->handlers[SHADOW_NL_TELL_BACKUP_COMPLETE] = ops->backup_complete;
	writer->handlers[SHADOW_NL_TELL_BACKUP_SHUTDOWN] = ops->backup_shutdown;
	writer->handlers[SHADOW_NL_TELL_ABORT] = ops->abort;
	writer->handlers[SHADOW_NL_TELL_PRE_RESTORE] = ops->pre_restore;
	writer->handlers[SHADOW_NL_TELL_POST_RESTORE] = ops->post_restore;
	writer->handlers[SHADOW_NL_TELL_BACK_OFF] = ops->back_off;
	writer->handlers[SHADOW_NL_TELL_CONTINUE] = ops->continue_io;
	if (!spec->name || !*spec->name || strlen(spec->name) > SHADOW_NL_NAME_MAX ||
	    strlen(instance_name) > SHADOW_NL_NAME_MAX)
		return SC_FAIL(sc, -EINVAL, .action = "open a writer", .object = spec->name,
			       .cause = "its name is missing, or longer than 127 bytes");
	if ((ops->freeze || ops->prepare_snapshot || ops->prepare_backup) &&
	    (!ops->thaw || !ops->abort))
		return SC_FAIL(sc, -EINVAL, .action = "open a writer", .object = spec->name,
			       .cause = "it has a handler for preparing or freezing, and none for "
			       "thaw or for abort", .remedy = "give it both");
	if (!ops->back_off != !ops->continue_io)
		return SC_FAIL(sc, -EINVAL, .action = "open a writer", .object = spec->name,
			       .cause = "of the handlers for back-off and for continue it has one "
			       "only", .remedy = "give it both, or neither");
	writer->info.class_id = spec->class_id;
	strcpy(writer->info.name, spec->name);
	strcpy(writer->info.instance_name, instance_name);
	writer->info.level = spec->level ?: SHADOW_NL_LEVEL_FRONT_END;
	writer->info.freeze_ms = spec->freeze_ms;
	for (tell = 0; tell < TELL_COUNT; tell++)
		if (writer->handlers[tell])
			writer->info.tells |= 1U << tell;
	/* From then on there is nothing to abort any more: so it is told in any case. */
	if (ops->abort)
		writer->info.tells |= 1U << SHADOW_NL_TELL_POST_SNAPSHOT;
	return 0;
}

SC_EXPORT int shadowcopy_writer_open(struct shadowcopy *sc,
				     const struct shadowcopy_writer_spec *spec,
				     const struct shadowcopy_writer_ops *ops, void *data,
				     struct shadowcopy_writer **writerp)
{
	struct shadowcopy_writer *writer = calloc(1, sizeof(*writer));
	int rc;

	*writerp = NULL;
	if (!writer)
		return SC_FAIL(sc, -ENOMEM, .action = "open a writer", .object = spec->name);
	writer->sc = sc;
	writer->data = data;
	writer->timer = -1;
	writer->epoll = -1;
	rc = take_spec(sc, writer, spec, ops);
	if (rc)
		goto failed;
	writer->epoll = epoll_create1(EPOLL_CLOEXEC);
	writer->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (writer->epoll < 0 || writer->timer < 0)
		rc = -errno;
	else
		rc = watch(writer, writer->timer);
	if (!rc)
		rc = watch_families(writer);
	if (rc) {
		rc = SC_FAIL(sc, rc, .action = "open a writer", .object = spec->name);
		goto failed;
	}
	rc = register_now(writer);
	if (rc)
		goto failed;
	*writerp = writer;
	return 0;

failed:
	shadowcopy_writer_close(writer);
	return rc;
}

SC_EXPORT void shadowcopy_writer_close(struct shadowcopy_writer *writer)
{
	if (!writer)
		return;
	disconnect(writer);
	abort_all(writer);
	continue_all(writer);
	nl_socket_free(writer->families);
	if (writer->timer >= 0)
		close(writer->timer);
	if (writer->epoll >= 0)
		close(writer->epoll);
	free(writer);
}

SC_EXPORT int shadowcopy_writer_fd(const struct shadowcopy_writer *writer)
{
	return writer->epoll;
}

SC_EXPORT bool shadowcopy_writer_active(const struct shadowcopy_writer *writer)
{
	return writer->channel;
}

SC_EXPORT int shadowcopy_writer_process(struct shadowcopy_writer *writer)
{
	struct shadowcopy_channel_message message;
	int called = 0, rc = 0;

	/* first of all what must not be late */
	called += on_timer(writer) + abort_waiting(writer);
	while (writer->channel && (rc = shadowcopy_channel_next(writer->channel, &message)) > 0)
		if (message.command == SHADOW_NL_CMD_WRITER_TELL)
			called += on_tell(writer, &message) + abort_waiting(writer);
	if (rc == -ENOBUFS) {
		/* What it was told is lost: it is another writer from here on. */
		disconnect(writer);
		called += abort_all(writer) + continue_all(writer);
		rc = register_now(writer);
	}
	called += check_families(writer);
	return rc < 0 ? rc : called;
}

SC_EXPORT int shadowcopy_writer_wait(struct shadowcopy_writer *writer, int timeout_ms)
{
	struct pollfd fd = { .fd = writer->epoll, .events = POLLIN };

	if (poll(&fd, 1, timeout_ms) < 0 && errno != EINTR)
		return SC_FAIL(writer->sc, -errno, .action = "wait for what the writer is told",
			       .object = writer->info.name);
	return shadowcopy_writer_process(writer);
}

/* --- in a handler --------------------------------------------------------------------------- */

SC_EXPORT uint32_t shadowcopy_writer_event_tell(const struct shadowcopy_writer_event *event)
{
	return event->message.tell;
}

SC_EXPORT const struct shadow_uuid *
shadowcopy_writer_event_session(const struct shadowcopy_writer_event *event)
{
	return &event->message.session;
}

SC_EXPORT const struct shadow_uuid *
shadowcopy_writer_event_set(const struct shadowcopy_writer_event *event)
{
	return &event->message.set;
}

SC_EXPORT int shadowcopy_writer_event_fail(struct shadowcopy_writer_event *event, uint32_t status,
					   uint32_t app_code, const char *format, ...)
{
	va_list args;

	event->status = status ?: SHADOW_NL_STATUS_NONRETRYABLE;
	event->app_code = app_code;
	va_start(args, format);
	vsnprintf(event->text, sizeof(event->text), format, args);
	va_end(args);
	return -ECANCELED;
}

SC_EXPORT int shadowcopy_writer_event_extend(struct shadowcopy_writer_event *event, uint32_t ms)
{
	if (!event->writer->channel || !event->message.cookie)
		return 0;	/* nobody waits for it */
	return shadowcopy_channel_extend(event->writer->channel, event->message.cookie, ms);
}

SC_EXPORT int shadowcopy_writer_event_metadata(struct shadowcopy_writer_event *event,
					       struct shadowcopy_metadata **metadatap)
{
	const struct shadowcopy_channel_writer *info = &event->writer->info;
	struct shadowcopy *sc = event->writer->sc;
	int rc = 0;

	*metadatap = NULL;
	if (event->message.tell != SHADOW_NL_TELL_IDENTIFY)
		return SC_FAIL(sc, -EINVAL, .action = "tell metadata", .object = info->name,
			       .cause = "it is told in the identify handler only");
	if (!event->metadata)
		rc = shadowcopy_metadata_new(sc, &info->class_id, &info->instance_id, info->name,
					     &event->metadata);
	if (!rc && *info->instance_name && !event->metadata->instance_name)
		rc = shadowcopy_metadata_set_version(sc, event->metadata, info->instance_name, 0,
						     0);
	*metadatap = rc ? NULL : event->metadata;
	return rc;
}

SC_EXPORT int shadowcopy_writer_event_load_metadata(struct shadowcopy_writer_event *event,
						    const void *text, size_t size)
{
	const struct shadowcopy_channel_writer *info = &event->writer->info;
	struct shadowcopy *sc = event->writer->sc;
	struct shadowcopy_metadata *metadata;
	int rc;

	if (event->message.tell != SHADOW_NL_TELL_IDENTIFY)
		return SC_FAIL(sc, -EINVAL, .action = "tell metadata", .object = info->name,
			       .cause = "it is told in the identify handler only");
	rc = shadowcopy_metadata_load(sc, text, size, info->name, SHADOWCOPY_LOAD_UNSIGNED,
				      &metadata);
	if (rc)
		return rc;
	metadata->class_id = info->class_id;
	metadata->instance_id = info->instance_id;
	rc = SC_SET_TEXT(sc, metadata, name, info->name);
	if (!rc)
		rc = SC_SET_TEXT(sc, metadata, instance_name,
				 *info->instance_name ? info->instance_name : NULL);
	if (rc) {
		shadowcopy_metadata_free(metadata);
		return rc;
	}
	shadowcopy_metadata_free(event->metadata);
	event->metadata = metadata;
	return 0;
}

SC_EXPORT int shadowcopy_writer_event_backup(struct shadowcopy_writer_event *event,
					     struct shadowcopy_backup **backupp)
{
	int rc = event->backup ? 0 : fetch_backup(event);

	*backupp = event->backup;
	return rc;
}

/* In @event: what the set has, or the one that fills. */
static int know_volumes(struct shadowcopy_writer_event *event)
{
	if (!is_of_volume(event))
		return event->backup ? 0 : fetch_backup(event);
	if (event->volumes)
		return 0;
	event->volumes = malloc(sizeof(*event->volumes));
	if (!event->volumes)
		return SC_FAIL(event->writer->sc, -ENOMEM, .action = "see which volume fills");
	event->volumes[0] = event->message.volume;
	event->volume_count = 1;
	return 0;
}

SC_EXPORT int shadowcopy_writer_event_filling(struct shadowcopy_writer_event *event,
					      struct shadowcopy_writer_filling *filling)
{
	memset(filling, 0, sizeof(*filling));
	if (!is_of_volume(event))
		return SC_FAIL(event->writer->sc, -EBADFD, .action = "see which volume fills",
			       .object = event->writer->info.name,
			       .cause = "this is known in back-off and continue only");
	filling->volume = event->message.volume;
	filling->name = event->message.name;
	filling->percent = event->message.percent;
	filling->seconds = event->message.seconds;
	return 0;
}

SC_EXPORT int shadowcopy_writer_event_volumes(struct shadowcopy_writer_event *event,
					      const struct shadow_dev **volumesp, size_t *countp)
{
	int rc = know_volumes(event);

	*volumesp = rc ? NULL : event->volumes;
	*countp = rc ? 0 : event->volume_count;
	return rc;
}

SC_EXPORT int shadowcopy_writer_event_requester(struct shadowcopy_writer_event *event,
						struct shadowcopy_writer_requester *requester)
{
	json_t *body;
	int rc;

	memset(requester, 0, sizeof(*requester));
	rc = link_call(event, "writer-requester", NULL, 0);
	if (rc)
		return rc;
	body = sc_link_body(event->link);
	requester->uid = json_integer_value(sc_member_of(body, "uid"));
	requester->pid = json_integer_value(sc_member_of(body, "pid"));
	requester->restore = json_is_true(sc_member_of(body, "restore"));
	if (shadowcopy_context_parse(sc_text_of(body, "context"), &requester->context))
		return SC_FAIL(event->writer->sc, -EPROTO, .action = "see who asks",
			       .cause = "the coordinator names an unknown context");
	return 0;
}

SC_EXPORT bool shadowcopy_writer_event_ends(const struct shadowcopy_writer_event *event)
{
	return event->ends;
}

SC_EXPORT int shadowcopy_writer_event_path_affected(struct shadowcopy_writer_event *event,
						    const char *path)
{
	int rc = know_volumes(event);

	if (!rc && !event->affected)
		rc = shadowcopy_affected_new(event->writer->sc, event->volumes,
					     event->volume_count, &event->affected);
	return rc ?: shadowcopy_affected_test(event->affected, path, false);
}

SC_EXPORT int shadowcopy_writer_event_shadow(struct shadowcopy_writer_event *event,
					     const char *path, const char **devicep)
{
	struct shadowcopy *sc = event->writer->sc;
	int rc = event->backup ? 0 : fetch_backup(event);
	size_t i;

	*devicep = NULL;
	if (!rc && event->message.tell != SHADOW_NL_TELL_POST_SNAPSHOT)
		rc = SC_FAIL(sc, -EBADFD, .action = "find the shadow of", .object = path,
			     .cause = "there are shadows in post-snapshot only");
	for (i = 0; !rc && i < event->backup->shadow_count; i++) {
		struct shadowcopy_backup_shadow *shadow = event->backup->shadows[i];
		struct shadowcopy_affected *one;

		rc = shadowcopy_affected_new(sc, &shadow->dev, 1, &one);
		if (rc)
			return rc;
		rc = shadowcopy_affected_test(one, path, false);
		shadowcopy_affected_free(one);
		if (rc > 0) {
			*devicep = shadow->node;
			return 0;
		}
	}
	return rc ?: SC_FAIL(sc, -ENOENT, .action = "find the shadow of", .object = path,
			     .cause = "its volume is not in the set");
}
