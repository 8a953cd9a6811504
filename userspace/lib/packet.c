// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * packet.c - calls to the coordinator: a packet for each call, a packet for each answer.
 *
 * One call at a time, and an abort of it, whose answer comes before or after that of the call: only
 * when both are there the next call may be made.  A document goes along as a memfd that can no
 * longer be changed: who gets it reads it whole, and trusts nothing in it.
 *
 * What is wanted of an object is unpacked: json_object_get() is a name that another JSON
 * library has, too, and a program may be linked with both.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"

#define SOCKET_PATH "/run/shadowcopy/shadowd.sock"
#define PACKET_MAX (64 * 1024)
#define ANSWER_MAX (4 << 20)
#define SEND_SECONDS 10		/* to connect or to send: the coordinator does both at once */

struct sc_link {
	struct shadowcopy *sc;
	int fd;
	int document;
	json_int_t id;
	bool waiting;
	bool aborting;		/* an answer to sc_link_abort() is to come, too */
	int rc;			/* of the answer, while that is so */
	char call[64];
	char code[64];
	json_t *message;	/* the last answer */
	char *buffer;
};

int sc_link_open(struct shadowcopy *sc, const char *path, struct sc_link **linkp)
{
	static const struct timeval patience = { .tv_sec = SEND_SECONDS };
	static const char action[] = "connect to the coordinator";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sc_link *link = calloc(1, sizeof(*link));
	int rc;

	*linkp = NULL;
	path = path ?: SOCKET_PATH;
	if (!link)
		return SC_FAIL(sc, -ENOMEM, .action = action);
	link->sc = sc;
	link->fd = -1;
	link->document = -1;
	link->buffer = malloc(ANSWER_MAX);
	if (!link->buffer) {
		rc = SC_FAIL(sc, -ENOMEM, .action = action);
		goto failed;
	}
	if (strlen(path) >= sizeof(address.sun_path)) {
		rc = SC_FAIL(sc, -ENAMETOOLONG, .action = action, .object = path);
		goto failed;
	}
	strcpy(address.sun_path, path);
	link->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* Who waits to be accepted may be frozen. */
	if (link->fd < 0 ||
	    setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(link->fd, (struct sockaddr *)&address, sizeof(address))) {
		rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (rc == -ENOENT || rc == -ECONNREFUSED)
			rc = SC_FAIL(sc, rc, .action = action, .object = path,
				     .cause = "shadowd does not run",
				     .remedy = "start it with \"systemctl start shadowd.socket\"");
		else
			rc = SC_FAIL(sc, rc, .action = action, .object = path);
		goto failed;
	}
	*linkp = link;
	return 0;

failed:
	sc_link_close(link);
	return rc;
}

void sc_link_close(struct sc_link *link)
{
	if (!link)
		return;
	if (link->fd >= 0)
		close(link->fd);
	if (link->document >= 0)
		close(link->document);
	json_decref(link->message);
	free(link->buffer);
	free(link);
}

int sc_link_fd(const struct sc_link *link)
{
	return link->fd;
}

bool sc_link_waits(const struct sc_link *link)
{
	return link->waiting || link->aborting;
}

json_t *sc_link_body(const struct sc_link *link)
{
	json_t *error = sc_member_of(link->message, "error");

	return error ?: sc_member_of(link->message, "result");
}

const char *sc_link_code(const struct sc_link *link)
{
	return link->code;
}

int sc_link_take_document(struct sc_link *link)
{
	int fd = link->document;

	link->document = -1;
	return fd;
}

const char *sc_text_of(json_t *object, const char *key)
{
	const char *text = "";

	json_unpack(object, "{s:s}", key, &text);
	return text;
}

json_t *sc_member_of(json_t *object, const char *key)
{
	json_t *member = NULL;

	json_unpack(object, "{s:o}", key, &member);
	return member;
}

/* --- calling --------------------------------------------------------------------------- */

/* A document that nobody changes any more, or a negative errno. */
static int sealed(const char *text, size_t size)
{
	int fd = memfd_create("shadowcopy-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;
	ssize_t rc = 0;

	if (fd < 0)
		return -errno;
	while (done < size && (rc = write(fd, text + done, size - done)) > 0)
		done += rc;
	if (done < size ||
	    lseek(fd, 0, SEEK_SET) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		rc = rc < 0 || done == size ? -errno : -EIO;
		close(fd);
		return rc;
	}
	return fd;
}

static int send_packet(struct sc_link *link, char *text, int document)
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
	if (sendmsg(link->fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int gone(struct sc_link *link)
{
	link->waiting = false;
	link->aborting = false;
	return SC_FAIL(link->sc, -EPIPE, .action = "hear from the coordinator",
		       .object = link->call,
		       .cause = "it has ended the connection: this user may not be a requester, or "
		       "shadowd has ended",
		       .remedy = "see its log (\"journalctl -u shadowd\") and access.conf; what "
		       "was begun is undone");
}

int sc_link_call(struct sc_link *link, const char *call, json_t *arguments, const char *text,
		 size_t size)
{
	static const char action[] = "call the coordinator";
	int document = -1, rc = 0;
	json_t *message;
	char *packet;

	if (sc_link_waits(link)) {
		json_decref(arguments);
		return SC_FAIL(link->sc, -EBUSY, .action = action, .object = call,
			       .cause = "the call before is not answered yet");
	}
	message = json_pack("{s:I, s:s, s:o*}", "id", ++link->id, "call", call, "arguments",
			    arguments);
	packet = message ? json_dumps(message, JSON_COMPACT) : NULL;
	json_decref(message);
	if (!packet)
		return SC_FAIL(link->sc, -ENOMEM, .action = action, .object = call);
	if (strlen(packet) > PACKET_MAX) {
		free(packet);
		return SC_FAIL(link->sc, -E2BIG, .action = action, .object = call,
			       .cause = "a call has 64 KiB at most");
	}
	if (text) {
		document = sealed(text, size);
		rc = document < 0 ? document : 0;
	}
	rc = rc ?: send_packet(link, packet, document);
	if (document >= 0)
		close(document);
	free(packet);
	if (rc == -EPIPE || rc == -ECONNRESET) {
		snprintf(link->call, sizeof(link->call), "%s", call);
		return gone(link);
	}
	if (rc)
		return SC_FAIL(link->sc, rc, .action = action, .object = call);
	link->waiting = true;
	snprintf(link->call, sizeof(link->call), "%s", call);
	return 0;
}

/* Its answer is known by a negative number. */
int sc_link_abort(struct sc_link *link)
{
	char packet[64];
	int rc;

	if (!link->waiting || link->aborting)
		return 0;
	snprintf(packet, sizeof(packet), "{\"id\": %" JSON_INTEGER_FORMAT ", \"call\": \"abort\"}",
		 -link->id);
	rc = send_packet(link, packet, -1);
	if (rc)
		return SC_FAIL(link->sc, rc, .action = "call the coordinator", .object = "abort");
	link->aborting = true;
	return 0;
}

/* --- the answer ------------------------------------------------------------------------ */

struct phrase {
	const char *word;	/* on the wire */
	const char *words;	/* for people */
};

static const struct phrase calls[] = {
	{ "init-backup", "begin the backup" },
	{ "init-restore", "begin the restore" },
	{ "set-context", "set what the shadows are for" },
	{ "set-backup-state", "set what kind of backup it is" },
	{ "set-restore-state", "set what kind of restore it is" },
	{ "gather-metadata", "ask the writers what they have" },
	{ "exclude-writer", "leave the writer out" },
	{ "include-writer", "take the writer" },
	{ "get-metadata", "get the writer's metadata" },
	{ "get-document", "get the document" },
	{ "put-document", "change the document" },
	{ "start-set", "begin the set" },
	{ "add-volume", "add the volume" },
	{ "is-volume-supported", "see whether the volume can have a shadow" },
	{ "prepare-backup", "prepare the backup" },
	{ "create-set", "create the set" },
	{ "status", "see how the writers are" },
	{ "sessions", "see the sessions" },
	{ "keep", "keep the set" },
	{ "backup-complete", "complete the backup" },
	{ "abort", "abort the session" },
	{ "pre-restore", "prepare the restore" },
	{ "post-restore", "complete the restore" },
	{ "writer-document", "get the backup components" },
	{ "writer-metadata", "tell the metadata" },
	{ "writer-update", "tell what was changed" },
	{ "writer-requester", "see who asks" },
};

/* What was being done with @object when it failed; other phases say no more than the cause. */
static const struct phrase phases[] = {
	{ "identify", "asking" },
	{ "prepare-backup", "preparing the backup of" },
	{ "prepare-snapshot", "preparing" },
	{ "freeze", "freezing" },
	{ "hold", "holding writes to" },
	{ "take", "taking the shadow of" },
	{ "thaw", "thawing" },
	{ "post-snapshot", "finishing" },
	{ "pre-restore", "preparing" },
	{ "post-restore", "finishing" },
};

static const char *words_of(const struct phrase *phrases, size_t count, const char *word,
			    const char *otherwise)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(phrases[i].word, word))
			return phrases[i].words;
	return otherwise;
}

/* "create the set while freezing", which an object follows if there is one. */
static int failed(struct sc_link *link, json_t *error)
{
	const char *phase = sc_text_of(error, "phase"), *object = sc_text_of(error, "object");
	int code = json_integer_value(sc_member_of(error, "errno"));
	char action[128];

	snprintf(link->code, sizeof(link->code), "%s", sc_text_of(error, "code"));
	if (!strcmp(object, link->call))
		object = "";
	phase = *object ? words_of(phases, ARRAY_SIZE(phases), phase, "") : "";
	snprintf(action, sizeof(action), "%s%s%s",
		 words_of(calls, ARRAY_SIZE(calls), link->call, link->call),
		 *phase ? " while " : "", phase);
	return SC_FAIL(link->sc, code < 0 ? code : -EIO, .action = action, .object = object,
		       .cause = sc_text_of(error, "cause"),
		       .remedy = sc_text_of(error, "remedy"));
}

/* Reads a packet, and keeps the descriptor that comes with it. */
static ssize_t receive(struct sc_link *link)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { link->buffer, ANSWER_MAX };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(link->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	size_t i, count;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return size;
	/* There is room for a second one, by the alignment; the last one is kept. */
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (i = 0; i < count; i++) {
		if (link->document >= 0)
			close(link->document);
		memcpy(&link->document, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
	}
	return size;
}

/* What was called is answered. */
static void keep_answer(struct sc_link *link, json_t *message)
{
	json_t *error;

	json_decref(link->message);
	link->message = message;
	link->waiting = false;
	link->code[0] = '\0';
	error = sc_member_of(message, "error");
	link->rc = error ? failed(link, error) : 0;
}

/* 1: it is the answer that is waited for, or the last of them. */
static int take_answer(struct sc_link *link, ssize_t size)
{
	json_error_t problem;
	json_t *message, *id;

	message = json_loadb(link->buffer, size, JSON_REJECT_DUPLICATES, &problem);
	id = sc_member_of(message, "id");
	if (link->aborting && json_is_integer(id) && json_integer_value(id) == -link->id) {
		link->aborting = false;
		json_decref(message);
		return !link->waiting;
	}
	/* A packet that is none is refused without an id. */
	if (!message || !link->waiting ||
	    (json_is_integer(id) && json_integer_value(id) != link->id)) {
		json_decref(message);
		return 0;
	}
	keep_answer(link, message);
	return !link->aborting;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int sc_link_wait(struct sc_link *link, int timeout_ms)
{
	struct pollfd fd = { .fd = link->fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	ssize_t size;
	int rc;

	if (!sc_link_waits(link))
		return SC_FAIL(link->sc, -EINVAL, .action = "wait for the coordinator",
			       .cause = "nothing was called");
	for (;;) {
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());

		rc = poll(&fd, 1, timeout_ms >= 0 && left < 0 ? 0 : left);
		if (rc < 0 && errno != EINTR)
			return SC_FAIL(link->sc, -errno, .action = "wait for the coordinator");
		if (!rc)
			return -EAGAIN;
		size = receive(link);
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (size <= 0)
			return gone(link);
		if (take_answer(link, size))
			return link->rc;
	}
}
