/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-channel.h - the module's channel between the coordinator and the
 * writers, message by message.
 *
 * shadowd is the coordinator, and libshadowcopy-writer.h is what writers use; this
 * is for who makes another one of either.  Documentation/netlink.rst tells what
 * the messages mean, and what the module guarantees.
 *
 * A channel is used by one thread at a time.  Conventions and errors are those of
 * libshadowcopy.h.
 */
#ifndef LIBSHADOWCOPY_CHANNEL_H
#define LIBSHADOWCOPY_CHANNEL_H

#include <libshadowcopy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy_channel;

/**
 * struct shadowcopy_channel_writer - a writer as the module knows it
 * @class_id: what kind of writer it is
 * @instance_id: which of that kind, new at each start
 * @name: of the kind
 * @instance_name: the same at each start, or ""
 * @level: enum shadow_nl_level
 * @tells: bits 1 << enum shadow_nl_tell: what it wants to be told
 * @freeze_ms: longest time from freeze to thaw; 0: the default
 * @pid: its process; only read
 * @uid: its user; only read
 * @reserved: zero
 */
struct shadowcopy_channel_writer {
	struct shadow_uuid class_id;
	struct shadow_uuid instance_id;
	char name[SHADOW_NL_NAME_MAX + 1];
	char instance_name[SHADOW_NL_NAME_MAX + 1];
	uint32_t level;
	uint32_t tells;
	uint32_t freeze_ms;
	uint32_t pid;
	uint32_t uid;
	uint32_t reserved[3];
};

/**
 * struct shadowcopy_channel_message - what has come
 * @command: SHADOW_NL_CMD_WRITER_TELL to a writer; SHADOW_NL_CMD_RESULT or
 *	SHADOW_NL_CMD_FREEZE_EXPIRED to the coordinator
 * @tell: enum shadow_nl_tell
 * @session: the session
 * @set: the set that the session makes, or zeros
 * @instance: of the writer
 * @cookie: the name of what was told
 * @answer_ms: how long the answer may take, 0: no limit
 * @freeze_ms: with SHADOW_NL_TELL_FREEZE, how long it may last
 * @reason: with SHADOW_NL_TELL_ABORT, enum shadow_reason
 * @result: enum shadow_nl_result
 * @status: enum shadow_nl_status
 * @app_code: the writer's own
 * @elapsed_ns: from telling to the answer
 * @text: what the writer says of its failure, or ""
 * @volume: with SHADOW_NL_TELL_BACK_OFF and SHADOW_NL_TELL_CONTINUE, which have neither session
 *	nor cookie: the volume that it is about
 * @percent: likewise: fill of its store
 * @seconds: likewise: until it is full; 0: it does not fill
 * @name: likewise: of the volume
 */
struct shadowcopy_channel_message {
	uint32_t command;
	uint32_t tell;
	struct shadow_uuid session;
	struct shadow_uuid set;
	struct shadow_uuid instance;
	uint64_t cookie;
	uint32_t answer_ms;
	uint32_t freeze_ms;
	uint32_t reason;
	uint32_t result;
	uint32_t status;
	uint32_t app_code;
	uint64_t elapsed_ns;
	char text[SHADOW_NL_TEXT_MAX + 1];
	struct shadow_dev volume;
	uint32_t percent;
	uint32_t seconds;
	char name[SHADOW_NL_NAME_MAX + 1];
};

/**
 * shadowcopy_channel_open() - open a channel that is nobody's yet
 * @sc: the handle
 * @channelp: out
 *
 * Return: 0, -ENOENT (the module is not loaded, or an older one), or another errno.
 */
int shadowcopy_channel_open(struct shadowcopy *sc, struct shadowcopy_channel **channelp);

/**
 * shadowcopy_channel_close() - close it: a writer is gone, a coordinator's sessions end
 * @channel: the channel, or NULL
 */
void shadowcopy_channel_close(struct shadowcopy_channel *channel);

/* A descriptor that polls readable when shadowcopy_channel_next() may have news. */
int shadowcopy_channel_fd(const struct shadowcopy_channel *channel);

/**
 * shadowcopy_channel_next() - the next message, without waiting
 * @channel: the channel
 * @message: out
 *
 * Call it until it answers 0: a message can have come while a command was under way.
 *
 * Return: 1 with @message filled, 0 where there is none now, -ENOBUFS (messages were
 * lost: the other side does not wait for us), or another negative errno.
 */
int shadowcopy_channel_next(struct shadowcopy_channel *channel,
			    struct shadowcopy_channel_message *message);

/* --- a writer ------------------------------------------------------------- */

/**
 * shadowcopy_channel_register() - become a writer
 * @channel: the channel
 * @writer: who it is; @pid and @uid are zero
 *
 * Return: 0, -EINVAL, -EALREADY, -EEXIST, -EUSERS or -ENOMEM as in Documentation/netlink.rst.
 */
int shadowcopy_channel_register(struct shadowcopy_channel *channel,
				const struct shadowcopy_channel_writer *writer);

/* Be a writer no longer: 0 or -ENOTCONN. */
int shadowcopy_channel_unregister(struct shadowcopy_channel *channel);

/**
 * shadowcopy_channel_answer() - what was told is done, or failed
 * @channel: the channel
 * @cookie: of what was told
 * @status: enum shadow_nl_status
 * @app_code: the writer's own
 * @text: for people, or NULL; what is too long is cut off
 *
 * Return: 0, -ESTALE (too late), -ENOTCONN or -ENOMEM.
 */
int shadowcopy_channel_answer(struct shadowcopy_channel *channel, uint64_t cookie,
			      uint32_t status, uint32_t app_code, const char *text);

/* The answer takes so long, from now on: 0, -ESTALE, -ENOTCONN or -EINVAL. */
int shadowcopy_channel_extend(struct shadowcopy_channel *channel, uint64_t cookie,
			      uint32_t answer_ms);

/* --- the coordinator -------------------------------------------------------- */

/* Become the coordinator: 0, -EPERM, -EBUSY (there is one) or -EALREADY. */
int shadowcopy_channel_coordinate(struct shadowcopy_channel *channel);

/**
 * shadowcopy_channel_writers() - who has registered
 * @channel: the coordinator's
 * @fn: called for each
 * @data: for @fn
 *
 * Return: how many there are, or a negative errno.
 */
int shadowcopy_channel_writers(struct shadowcopy_channel *channel,
			       void (*fn)(void *data,
					  const struct shadowcopy_channel_writer *writer),
			       void *data);

/**
 * shadowcopy_channel_tell() - tell a writer
 * @channel: the coordinator's
 * @tell: @instance, @session, @set, @tell, @answer_ms and @reason are read
 * @cookie: out, may be NULL: its name in the result that follows
 *
 * Return: 0, or -ENOTCONN, -ESRCH, -EOPNOTSUPP, -EBUSY, -EALREADY, -EBADFD, -ETIMEDOUT,
 * -ENOBUFS, -EINVAL or -ENOMEM as in Documentation/netlink.rst.
 */
int shadowcopy_channel_tell(struct shadowcopy_channel *channel,
			    const struct shadowcopy_channel_message *tell, uint64_t *cookie);

/* End a session: what is to be aborted is, and the writers are told that it is over. */
int shadowcopy_channel_end(struct shadowcopy_channel *channel,
			   const struct shadow_uuid *session);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_CHANNEL_H */
