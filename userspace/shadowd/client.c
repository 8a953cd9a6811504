// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - connections: each packet is a JSON object {"id", "call", "arguments"}, each
 * answer {"id", "result"} or {"id", "error"}.
 *
 * A connection is a session.  Who is at its other end the kernel says (SO_PEERCRED),
 * and access.c whether he may.  A client that does not read its answers is hung up on.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "shadowd.h"

#define PACKET_MAX (64 * 1024)
#define ANSWER_MAX (2 * 1024 * 1024)
#define CLIENTS_MAX 128

struct client {
	struct link link;
	int fd;
	struct ucred peer;
	sd_event_source *source;
	struct session *session;
};

static struct link list = { &list, &list };
static unsigned int count;
static sd_event_source *listening;

static void hang_up(struct client *client)
{
	struct session *session = client->session;

	client->session = NULL;
	sd_event_source_disable_unref(client->source);
	link_remove(&client->link);
	close(client->fd);
	free(client);
	count--;
	if (session)
		session_close(session);
}

void client_send(struct client *client, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	json_decref(message);
	/* An answer that does not fit into the socket: nobody reads the others. */
	if (!text || send(client->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (text && errno != EPIPE && errno != ECONNRESET)
			log_often(4, "process %d: an answer of %zu bytes cannot be sent: %s",
				  client->peer.pid, strlen(text), strerror(errno));
		shutdown(client->fd, SHUT_RDWR);	/* and it is closed from the loop */
	}
	free(text);
}

static void refuse(struct client *client, json_t *id, const char *code, const char *remedy,
		   const char *cause)
{
	struct failure failure;
	json_t *message = json_object();

	failure_set(&failure, code, -EINVAL, "packet", "", remedy, "%s", cause);
	json_object_set(message, "id", id ?: json_null());
	json_object_set_new(message, "error", failure_json(&failure));
	client_send(client, message);
}

static void on_packet(struct client *client, const char *packet, size_t size)
{
	json_t *message, *id, *arguments, *none;
	json_error_t error;
	const char *call;

	message = json_loadb(packet, size, JSON_REJECT_DUPLICATES, &error);
	if (!message)
		return refuse(client, NULL, "INVALIDARG", "a packet is one JSON object",
			      error.text);
	id = json_object_get(message, "id");
	call = json_string_value(json_object_get(message, "call"));
	arguments = json_object_get(message, "arguments");
	if (!id || !call || (arguments && !json_is_object(arguments)))
		refuse(client, id, "INVALIDARG", "a packet has id, call, and perhaps arguments",
		       "the packet is no call");
	else if (client->session) {
		none = json_object();
		session_call(client->session, call, id, arguments ?: none);
		json_decref(none);
	}
	json_decref(message);
}

static int on_client(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	static char packet[PACKET_MAX];
	struct client *client = data;
	ssize_t size;

	(void)source;
	(void)mask;
	size = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0)
		hang_up(client);
	else if ((size_t)size > sizeof(packet))
		refuse(client, NULL, "INVALIDARG", "a packet has 64 KiB at most",
		       "the packet is too long");
	else
		on_packet(client, packet, size);
	return 0;
}

static void accept_one(sd_event *loop, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	socklen_t size = sizeof(client->peer);

	if (!client || count == CLIENTS_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &size) ||
	    !access_allowed(client->peer.uid, ACCESS_REQUESTER)) {
		if (client && count < CLIENTS_MAX)
			log_often(4, "user %u is not allowed to make shadows: see access.conf",
				  client->peer.uid);
		free(client);
		close(fd);
		return;
	}
	/* An answer has all writers, in one packet. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ ANSWER_MAX }, sizeof(int));
	client->fd = fd;
	client->session = session_new(client, client->peer.uid);
	if (!client->session ||
	    sd_event_add_io(loop, &client->source, fd, EPOLLIN, on_client, client) < 0) {
		if (client->session)
			session_close(client->session);
		free(client);
		close(fd);
		return;
	}
	link_add(&list, &client->link);
	count++;
}

/* One at a time, after everything else: anybody can connect, again and again. */
static int on_listener(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	int client;

	(void)mask;
	(void)data;
	if (log_held()) {	/* to see who it is files are opened */
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client >= 0)
		accept_one(sd_event_source_get_event(source), client);
	return 0;
}

static void listen_again(void)
{
	sd_event_source_set_enabled(listening, SD_EVENT_ON);
}

int clients_init(sd_event *loop, int listener)
{
	int rc = sd_event_add_io(loop, &listening, listener, EPOLLIN, on_listener, NULL);

	if (rc < 0)
		return rc;
	log_when_released(listen_again);
	return sd_event_source_set_priority(listening, SD_EVENT_PRIORITY_IDLE);
}
