// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer.c - who has registered with the module, and the channel to them.
 *
 * The module multicasts who comes and goes, and such messages can be lost; so they
 * only say that its list is to be read again.
 */
#include "shadowd.h"

static struct link list = { &list, &list };
static struct shadowcopy *sc;
static struct shadowcopy_channel *channel;
static struct shadowcopy_events *events;
static sd_event *loop;

struct link *writers(void)
{
	return &list;
}

static void on_writer(void *data, const struct shadowcopy_channel_writer *info)
{
	struct writer *writer;

	(void)data;
	EACH(known, &list, struct writer, link)
		if (uuid_same(&known->info.instance_id, &info->instance_id)) {
			known->seen = true;
			return;
		}
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return;		/* asked again when somebody gathers */
	writer->info = *info;
	writer->seen = true;
	link_add(&list, &writer->link);
	log_line(6, "writer %s (%s) of user %u, process %u is there", info->name,
		 *info->instance_name ? info->instance_name : "-", info->uid, info->pid);
}

int writers_refresh(void)
{
	int rc;

	EACH(writer, &list, struct writer, link)
		writer->seen = false;
	rc = shadowcopy_channel_writers(channel, on_writer, NULL);
	if (rc < 0)
		return rc;
	EACH(writer, &list, struct writer, link) {
		if (writer->seen && access_allowed(writer->info.uid, ACCESS_WRITER))
			continue;
		if (!writer->seen)
			log_line(6, "writer %s is gone", writer->info.name);
		else
			log_line(4, "user %u is not allowed to be a writer (%s): see access.conf",
				 writer->info.uid, writer->info.name);
		link_remove(&writer->link);
		free(writer);
	}
	return 0;
}

int writer_tell(const struct shadow_uuid *instance, const struct shadow_uuid *session,
		const struct shadow_uuid *set, uint32_t tell, uint32_t answer_ms)
{
	struct shadowcopy_channel_message message = {
		.instance = *instance, .session = *session, .set = *set, .tell = tell,
		.answer_ms = answer_ms,
	};

	return shadowcopy_channel_tell(channel, &message, NULL);
}

void writer_end_session(const struct shadow_uuid *session)
{
	if (channel)
		shadowcopy_channel_end(channel, session);
}

/* What came while commands were sent is in the channel, and no descriptor tells of it. */
static int before_wait(sd_event_source *source, void *data)
{
	struct shadowcopy_channel_message message;
	int rc;

	(void)source;
	(void)data;
	while ((rc = shadowcopy_channel_next(channel, &message)) > 0)
		round_message(&message);
	if (rc < 0) {
		/* The module ends all sessions of a coordinator that it cannot tell things. */
		log_line(3, "%s: starting again", shadowcopy_last_error(sc)->text);
		sd_event_exit(loop, 1);
	}
	return 0;
}

static int on_channel(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	(void)source;
	(void)fd;
	(void)data;
	if (mask & (EPOLLERR | EPOLLHUP))
		log_line(4, "the module's channel has an error");
	return before_wait(NULL, NULL);
}

static int on_events(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	struct shadowcopy_event event;
	bool changed = false;
	int rc;

	(void)source;
	(void)fd;
	(void)mask;
	(void)data;
	while ((rc = shadowcopy_events_next(events, &event)) > 0)
		if (event.missed || event.event == SHADOW_NL_EV_WRITER_ADDED ||
		    event.event == SHADOW_NL_EV_WRITER_REMOVED)
			changed = true;
	if (changed && writers_refresh())
		log_line(4, "%s", shadowcopy_last_error(sc)->text);
	return 0;
}

int writers_init(sd_event *event, struct shadowcopy *handle)
{
	sd_event_source *post = NULL;
	int rc;

	loop = event;
	sc = handle;
	rc = shadowcopy_channel_open(sc, &channel);
	if (!rc)
		rc = shadowcopy_channel_coordinate(channel);
	if (!rc)
		rc = shadowcopy_events_open(sc, &events);
	if (!rc)
		rc = writers_refresh();
	if (rc) {
		log_line(3, "%s", shadowcopy_last_error(sc)->text);
		return rc;
	}
	rc = sd_event_add_io(loop, NULL, shadowcopy_channel_fd(channel), EPOLLIN, on_channel, NULL);
	if (rc >= 0)
		rc = sd_event_add_io(loop, NULL, shadowcopy_events_fd(events), EPOLLIN, on_events,
				     NULL);
	if (rc >= 0)
		rc = sd_event_add_post(loop, &post, before_wait, NULL);
	if (rc >= 0)
		rc = sd_event_source_set_floating(post, true);
	if (post)
		sd_event_source_unref(post);
	return rc < 0 ? rc : 0;
}

void writers_exit(void)
{
	EACH(writer, &list, struct writer, link) {
		link_remove(&writer->link);
		free(writer);
	}
	shadowcopy_events_close(events);
	shadowcopy_channel_close(channel);
	events = NULL;
	channel = NULL;
}
