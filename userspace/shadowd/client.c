// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - connections: each packet is a JSON object {"id", "call", "arguments"}, each
 * answer {"id", "result"} or {"id", "error"}.  A document goes with a packet, in a memfd.
 *
 * A requester's connection is a session; a writer's is no more than a way for documents, and
 * belongs to sessions only by what it calls.  Who is at the other end the kernel says
 * (SO_PEERCRED), and access.c whether he may.  To find that out files are opened: while
 * something is frozen a requester's packet stays in the socket, and a writer's is taken:
 * who may be a writer was found out when the writers were gathered.
 *
 * A client that does not read its answers is hung up on.
 *
 * A descriptor that is no file in memory is closed by a thread: it can be one of a filesystem
 * that its sender runs, and whoever closes it waits for him.  Its sender is not listened to
 * until then, so that he has no more of them than connections.
 */
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shadowd.h"

#define PACKET_MAX (64 * 1024)
#define ANSWER_MAX (2 * 1024 * 1024)
#define CLIENTS_MAX 384
#define USER_CLIENTS_MAX 160		/* of one user: a connection for each writer, and some */
#define ROOT_CLIENTS 64			/* that only root has */

struct client {
	struct link link;
	int fd;			/* -1: hung up on */
	struct ucred peer;
	sd_event_source *source;
	struct session *session;
	bool checked;		/* whether he may was looked up: */
	int allowed;
	bool waits;		/* until nothing is frozen */
	unsigned int held;
};

static struct link list = { &list, &list };
static unsigned int count;
static unsigned int accepted;	/* since the beginning */
static const struct failure *broken;	/* why nothing can be done */

/* What is held counts, too. */
static void client_free(struct client *client)
{
	link_remove(&client->link);
	count--;
	free(client);
}

static void hang_up(struct client *client)
{
	struct session *session = client->session;

	client->session = NULL;
	if (client->fd >= 0) {
		sd_event_source_disable_unref(client->source);
		close(client->fd);
		client->fd = -1;
	}
	if (!client->held)
		client_free(client);
	if (session)
		session_close(session);
}

void client_hold(struct client *client)
{
	if (!client->held++ && client->fd >= 0)
		sd_event_source_set_enabled(client->source, SD_EVENT_OFF);
}

void client_release(struct client *client)
{
	if (--client->held)
		return;
	if (client->fd < 0)
		client_free(client);
	else
		sd_event_source_set_enabled(client->source, SD_EVENT_ON);
}

/* --- answers ----------------------------------------------------------------------------- */

static int send_packet(struct client *client, char *text, int document)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { text, strlen(text) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (document >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &document, sizeof(int));
	}
	return sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void send_answer(struct client *client, json_t *message, int document)
{
	char *text = json_dumps(message, JSON_COMPACT);
	int rc;

	json_decref(message);
	if (client->fd < 0) {
		free(text);
		return;
	}
	rc = text ? send_packet(client, text, document) : -ENOMEM;
	/* An answer that does not fit into the socket: nobody reads the others. */
	if (rc) {
		if (rc != -EPIPE && rc != -ECONNRESET)
			log_often(4, "process %d: an answer cannot be sent: %s", client->peer.pid,
				  strerror(-rc));
		shutdown(client->fd, SHUT_RDWR);	/* and it is closed from the loop */
	}
	free(text);
}

void client_send(struct client *client, json_t *message)
{
	send_answer(client, message, -1);
}

static void refuse_with(struct client *client, json_t *id, const struct failure *failure)
{
	json_t *message = json_object();

	json_object_set(message, "id", id ?: json_null());
	json_object_set_new(message, "error", failure_json(failure));
	client_send(client, message);
}

static void refuse(struct client *client, json_t *id, const char *code, const char *remedy,
		   const char *cause)
{
	struct failure failure;

	failure_set(&failure, code, -EINVAL, "packet", strcmp(code, "ACCESSDENIED") ?
		    "the packet" : "the user", remedy, "%s", cause);
	refuse_with(client, id, &failure);
}

void clients_fail(const struct failure *failure)
{
	broken = failure;
}

/* A file in memory that nobody changes any more. */
static int sealed(const char *text, size_t size)
{
	int fd = memfd_create("shadowcopy-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;
	ssize_t rc = 0;

	while (fd >= 0 && done < size && (rc = write(fd, text + done, size - done)) > 0)
		done += rc;
	if (fd >= 0 &&
	    (done < size || lseek(fd, 0, SEEK_SET) ||
	     fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * An answer is small, so that many fit into the socket; a document is not, and takes memory until
 * it was received.
 */
static bool has_unread(const struct client *client)
{
	int bytes = 0;

	return client->fd >= 0 && !ioctl(client->fd, SIOCOUTQ, &bytes) && bytes > 0;
}

void client_send_document(struct client *client, json_t *message, char *text, size_t size)
{
	int fd;

	if (has_unread(client)) {
		refuse(client, json_object_get(message, "id"), "BAD_STATE",
		       "read all answers, then call again",
		       "an answer before it was not read yet");
		json_decref(message);
		free(text);
		return;
	}
	fd = sealed(text, size);
	free(text);
	if (fd < 0) {
		/* the answer without the document would be a lie */
		json_decref(message);
		log_often(3, "a document of %zu bytes cannot be sent: %s", size, strerror(errno));
		shutdown(client->fd, SHUT_RDWR);
		return;
	}
	send_answer(client, message, fd);
	close(fd);
}

/* --- who it is ---------------------------------------------------------------------------- */

/* Opens files. */
static void look_up(struct client *client)
{
	client->checked = true;
	client->allowed = 0;
	if (access_allowed(client->peer.uid, ACCESS_REQUESTER))
		client->allowed |= ACCESS_REQUESTER;
	if (access_allowed(client->peer.uid, ACCESS_WRITER))
		client->allowed |= ACCESS_WRITER;
	if (!client->allowed)
		log_often(4, "user %u may neither make shadows nor be a writer: see access.conf",
			  client->peer.uid);
}

/* --- packets ------------------------------------------------------------------------------ */

/* Steals @fd. */
static void requester_call(struct client *client, const char *call, json_t *id,
			   json_t *arguments, int fd)
{
	if (!(client->allowed & ACCESS_REQUESTER)) {
		refuse(client, id, "ACCESSDENIED", "have it allowed in access.conf",
		       "this user may not be a requester");
		goto none;
	}
	if (!client->session)
		client->session = session_new(client, client->peer.uid, client->peer.pid);
	if (!client->session) {
		refuse(client, id, "OUTOFMEMORY", "", "there is not enough memory");
		goto none;
	}
	session_call(client->session, call, id, arguments, fd);
	return;

none:
	if (fd >= 0)
		close(fd);
}

/* Steals @fd. */
static void on_packet(struct client *client, const char *packet, size_t size, int fd)
{
	json_t *message, *id, *arguments, *none = json_object();
	json_error_t error;
	const char *call;

	message = json_loadb(packet, size, JSON_REJECT_DUPLICATES, &error);
	id = json_object_get(message, "id");
	call = json_string_value(json_object_get(message, "call"));
	arguments = json_object_get(message, "arguments");
	if (!message) {
		refuse(client, NULL, "INVALIDARG", "a packet is one JSON object", error.text);
	} else if (!id || !call || (arguments && !json_is_object(arguments))) {
		refuse(client, id, "INVALIDARG", "a packet has id, call, and perhaps arguments",
		       "the packet is no call");
	} else if (broken) {
		refuse_with(client, id, broken);
	} else if (exchange_is_writer_call(call)) {
		exchange_writer_call(client, client->peer.uid, call, id, arguments ?: none, fd);
		fd = -1;
	} else {
		requester_call(client, call, id, arguments ?: none, fd);
		fd = -1;
	}
	if (fd >= 0)
		close(fd);
	json_decref(none);
	json_decref(message);
}

struct stray {
	struct work work;
	struct client *client;
	int fd;
};

static void close_stray(struct work *work)
{
	close(ENTRY(work, struct stray, work)->fd);
}

static void stray_closed(struct work *work)
{
	struct stray *stray = ENTRY(work, struct stray, work);

	client_release(stray->client);
	free(stray);
}

/* What can be a document, else -1, and it is closed. */
static int document_only(struct client *client, int fd)
{
	struct stray *stray;

	if (fd < 0 || fcntl(fd, F_GET_SEALS) >= 0)
		return fd;
	stray = calloc(1, sizeof(*stray));
	if (!stray)
		return -1;	/* it stays open: that harms less than to wait for it */
	stray->client = client;
	stray->fd = fd;
	stray->work.run = close_stray;
	stray->work.done = stray_closed;
	client_hold(client);
	work_start(&stray->work);
	return -1;
}

/* Is what comes next a writer's call?  It stays where it is. */
static bool writer_is_next(int fd)
{
	static char packet[PACKET_MAX];
	ssize_t size = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_PEEK);
	json_t *message = size > 0 ? json_loadb(packet, size, 0, NULL) : NULL;
	const char *call = json_string_value(json_object_get(message, "call"));
	bool is = size <= 0 || (call && exchange_is_writer_call(call));

	json_decref(message);
	return is;	/* an end can be taken, too */
}

static ssize_t receive(int fd, char *packet, size_t size_max, int *document)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { packet, size_max };
	struct msghdr message = {
		/* Not all of the buffer: by the alignment a second one would fit. */
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = size >= 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*document = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(document, CMSG_DATA(header), sizeof(int));
	return size;
}

static int on_client(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	static char packet[PACKET_MAX];
	struct client *client = data;
	int document;
	ssize_t size;

	(void)mask;
	if (!client->checked && log_held() && !writer_is_next(fd)) {
		client->waits = true;
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	if (!client->checked && !log_held())
		look_up(client);
	size = receive(fd, packet, sizeof(packet), &document);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	document = document_only(client, document);
	if (size <= 0 || (client->checked && !client->allowed)) {
		if (document >= 0)
			close(document);
		hang_up(client);
	} else if ((size_t)size > sizeof(packet)) {
		if (document >= 0)
			close(document);
		refuse(client, NULL, "INVALIDARG", "a packet has 64 KiB at most",
		       "the packet is too long");
	} else {
		on_packet(client, packet, size, document);
	}
	return 0;
}

static void go_on(void)
{
	EACH(client, &list, struct client, link) {
		if (client->fd < 0)
			continue;
		if (!client->checked)
			look_up(client);
		if (!client->allowed) {
			hang_up(client);
		} else if (client->waits) {
			client->waits = false;
			sd_event_source_set_enabled(client->source, SD_EVENT_ON);
		}
	}
}

/* --- connections ---------------------------------------------------------------------------- */

/* Has this user a connection left? */
static bool is_room(uid_t uid)
{
	unsigned int of_user = 0;

	if (!uid)
		return count < CLIENTS_MAX;
	EACH(client, &list, struct client, link)
		of_user += client->peer.uid == uid;
	return of_user < USER_CLIENTS_MAX && count < CLIENTS_MAX - ROOT_CLIENTS;
}

static void accept_one(sd_event *loop, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	socklen_t size = sizeof(client->peer);

	if (!client || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->peer, &size) ||
	    !is_room(client->peer.uid))
		goto refused;
	if (!log_held()) {
		look_up(client);
		if (!client->allowed)
			goto refused;
	}
	/* An answer has all writers, in one packet. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ ANSWER_MAX }, sizeof(int));
	client->fd = fd;
	if (sd_event_add_io(loop, &client->source, fd, EPOLLIN, on_client, client) < 0)
		goto refused;
	link_add(&list, &client->link);
	count++;
	accepted++;
	return;

refused:
	free(client);
	close(fd);
}

/*
 * One at a time, in turn with everybody who is connected: anybody can connect, again and again, and
 * anybody can call, again and again.
 */
static int on_listener(sd_event_source *source, int fd, uint32_t mask, void *data)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)mask;
	(void)data;
	if (client >= 0)
		accept_one(sd_event_source_get_event(source), client);
	return 0;
}

bool clients_idle(unsigned int *before)
{
	bool idle = !count && *before == accepted;

	*before = accepted;
	return idle;
}

int clients_init(sd_event *loop, int listener)
{
	sd_event_source *listening;
	int rc = sd_event_add_io(loop, &listening, listener, EPOLLIN, on_listener, NULL);

	if (rc < 0)
		return rc;
	log_when_released(go_on);
	return 0;
}
