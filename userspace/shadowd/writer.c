// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer.c - the channel to the writers: who has registered, and telling them.
 *
 * Who is there is asked of the module each time that somebody gathers, and kept
 * nowhere: a list of our own could be made wrong, or long, by anybody who registers.
 *
 * The module ends our sessions when it cannot tell us results, and has no way to say so:
 * so it is asked now and then, and if we are no longer the coordinator we begin anew.
 */
#include "shadowd.h"

#define PROBE_USEC (5 * 1000000ULL)

static struct shadowcopy *sc;
static struct shadowcopy_channel *channel;
static sd_event *loop;

struct gathering {
	int (*fn)(void *data, const struct shadowcopy_channel_writer *writer);
	void *data;
	int rc;
};

static void lost_it(const char *how)
{
	log_line(3, "%s: sessions have ended, starting again", how);
	sd_event_exit(loop, 1);
}

static void on_writer(void *data, const struct shadowcopy_channel_writer *info)
{
	struct shadowcopy_channel_writer writer = *info;
	struct gathering *gathering = data;

	if (gathering->rc)
		return;
	text_clean(writer.name);
	text_clean(writer.instance_name);
	if (!access_allowed(writer.uid, ACCESS_WRITER)) {
		log_often(4, "user %u is not allowed to be a writer (%s): see access.conf",
			  writer.uid, writer.name);
		return;
	}
	gathering->rc = gathering->fn(gathering->data, &writer);
}

int writers_each(int (*fn)(void *data, const struct shadowcopy_channel_writer *writer),
		 void *data)
{
	struct gathering gathering = { fn, data, 0 };
	int rc = shadowcopy_channel_writers(channel, on_writer, &gathering);

	return rc < 0 ? rc : gathering.rc;
}

int writer_tell(const struct shadow_uuid *instance, const struct shadow_uuid *session,
		const struct shadow_uuid *set, uint32_t tell, uint32_t answer_ms)
{
	struct shadowcopy_channel_message message = {
		.instance = *instance, .session = *session, .set = *set, .tell = tell,
		.answer_ms = answer_ms,
	};
	int rc = shadowcopy_channel_tell(channel, &message, NULL);

	if (rc == -ENOTCONN)
		lost_it("the module knows another coordinator, or none");
	return rc;
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
	while ((rc = shadowcopy_channel_next(channel, &message)) > 0) {
		text_clean(message.text);
		round_message(&message);
	}
	if (rc < 0)
		lost_it(shadowcopy_last_error(sc)->text);
	return 0;
}

static int on_channel(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	(void)source;
	(void)fd;
	(void)mask;
	(void)data;
	return before_wait(NULL, NULL);
}

static int on_probe(sd_event_source *source, uint64_t now, void *data)
{
	(void)data;
	if (shadowcopy_channel_coordinate(channel) != -EALREADY)
		lost_it("the module did not know its coordinator any more");
	sd_event_source_set_time(source, now + PROBE_USEC);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int writers_init(sd_event *event, struct shadowcopy *handle)
{
	sd_event_source *source = NULL, *post = NULL;
	uint64_t now;
	int rc;

	loop = event;
	sc = handle;
	rc = shadowcopy_channel_open(sc, &channel);
	if (!rc)
		rc = shadowcopy_channel_coordinate(channel);
	if (rc) {
		log_line(3, "%s", shadowcopy_last_error(sc)->text);
		return rc;
	}
	rc = sd_event_add_io(loop, &source, shadowcopy_channel_fd(channel), EPOLLIN, on_channel,
			     NULL);
	if (rc >= 0)
		rc = sd_event_source_set_floating(source, true);
	/* Writers that are frozen come before everybody else. */
	if (rc >= 0)
		rc = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
	if (rc >= 0)
		rc = sd_event_add_post(loop, &post, before_wait, NULL);
	if (rc >= 0)
		rc = sd_event_source_set_floating(post, true);
	if (rc >= 0)
		rc = sd_event_now(loop, CLOCK_MONOTONIC, &now);
	if (rc >= 0)
		rc = sd_event_add_time(loop, NULL, CLOCK_MONOTONIC, now + PROBE_USEC,
				       PROBE_USEC / 10, on_probe, NULL);
	if (source)
		sd_event_source_unref(source);
	if (post)
		sd_event_source_unref(post);
	return rc < 0 ? rc : 0;
}

void writers_exit(void)
{
	shadowcopy_channel_close(channel);
	channel = NULL;
}
