// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * requester.c - a requester's connection to the coordinator: a packet for each call,
 * a packet for each answer.
 *
 * What it wants of an object it unpacks: json_object_get() is a name that another JSON
 * library has, too, and a program may be linked with both.
 */
#include <jansson.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "libshadowcopy-requester.h"
#include "private.h"

#define SOCKET_PATH "/run/shadowcopy/shadowd.sock"
#define PACKET_MAX (64 * 1024)
#define ANSWER_MAX (4 << 20)

struct shadowcopy_requester {
	struct shadowcopy *sc;
	int fd;
	json_int_t id;
	bool waiting;
	char call[64];
	char code[64];
	char *result;
	char *buffer;
};

SC_EXPORT int shadowcopy_requester_open(struct shadowcopy *sc, const char *path,
					struct shadowcopy_requester **requesterp)
{
	static const char action[] = "connect to the coordinator";
	struct shadowcopy_requester *requester = calloc(1, sizeof(*requester));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int rc;

	*requesterp = NULL;
	path = path ?: SOCKET_PATH;
	if (!requester)
		return SC_FAIL(sc, -ENOMEM, .action = action);
	requester->sc = sc;
	requester->fd = -1;
	requester->buffer = malloc(ANSWER_MAX);
	if (!requester->buffer) {
		rc = SC_FAIL(sc, -ENOMEM, .action = action);
		goto failed;
	}
	if (strlen(path) >= sizeof(address.sun_path)) {
		rc = SC_FAIL(sc, -ENAMETOOLONG, .action = action, .object = path);
		goto failed;
	}
	strcpy(address.sun_path, path);
	requester->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (requester->fd < 0 ||
	    connect(requester->fd, (struct sockaddr *)&address, sizeof(address))) {
		rc = -errno;
		if (rc == -ENOENT || rc == -ECONNREFUSED)
			rc = SC_FAIL(sc, rc, .action = action, .object = path,
				     .cause = "shadowd does not run",
				     .remedy = "start it with \"systemctl start shadowd.socket\"");
		else
			rc = SC_FAIL(sc, rc, .action = action, .object = path);
		goto failed;
	}
	*requesterp = requester;
	return 0;

failed:
	shadowcopy_requester_close(requester);
	return rc;
}

SC_EXPORT void shadowcopy_requester_close(struct shadowcopy_requester *requester)
{
	if (!requester)
		return;
	if (requester->fd >= 0)
		close(requester->fd);
	free(requester->result);
	free(requester->buffer);
	free(requester);
}

SC_EXPORT int shadowcopy_requester_fd(const struct shadowcopy_requester *requester)
{
	return requester->fd;
}

SC_EXPORT const char *shadowcopy_requester_result(const struct shadowcopy_requester *requester)
{
	return requester->result ?: "{}";
}

SC_EXPORT const char *shadowcopy_requester_code(const struct shadowcopy_requester *requester)
{
	return requester->code;
}

SC_EXPORT int shadowcopy_requester_begin(struct shadowcopy_requester *requester, const char *call,
					 const char *arguments)
{
	json_t *object = json_object(), *message;
	json_error_t error;
	char *text;
	int rc = 0;

	if (requester->waiting) {
		json_decref(object);
		return SC_FAIL(requester->sc, -EBUSY, .action = "call the coordinator",
			       .object = call, .cause = "the call before is not answered yet");
	}
	if (arguments) {
		json_decref(object);
		object = json_loads(arguments, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(object)) {
			json_decref(object);
			return SC_FAIL(requester->sc, -EINVAL, .action = "call the coordinator",
				       .object = call, .cause = "its arguments are no JSON object");
		}
	}
	message = json_pack("{s:I, s:s, s:o}", "id", ++requester->id, "call", call, "arguments",
			    object);
	text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	json_decref(message);
	if (!text)
		return SC_FAIL(requester->sc, -ENOMEM, .action = "call the coordinator",
			       .object = call);
	if (strlen(text) > PACKET_MAX) {
		free(text);
		return SC_FAIL(requester->sc, -E2BIG, .action = "call the coordinator",
			       .object = call, .cause = "a call has 64 KiB at most");
	}
	if (send(requester->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		rc = -errno;
	free(text);
	if (rc)
		return SC_FAIL(requester->sc, rc, .action = "call the coordinator", .object = call);
	requester->waiting = true;
	snprintf(requester->call, sizeof(requester->call), "%s", call);
	return 0;
}

static int gone(struct shadowcopy_requester *requester)
{
	requester->waiting = false;
	return SC_FAIL(requester->sc, -EPIPE, .action = "hear from the coordinator",
		       .object = requester->call,
		       .cause = "it has ended the connection: this user may not be a requester, or "
		       "shadowd has ended",
		       .remedy = "see its log (\"journalctl -u shadowd\") and access.conf; what "
		       "was begun is undone");
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = "";

	json_unpack(object, "{s:s}", key, &text);
	return text;
}

/* A member that is the object's, or NULL. */
static json_t *member_of(json_t *object, const char *key)
{
	json_t *member = NULL;

	json_unpack(object, "{s:o}", key, &member);
	return member;
}

static int failed(struct shadowcopy_requester *requester, json_t *error)
{
	const char *phase = text_of(error, "phase"), *object = text_of(error, "object");
	int code = json_integer_value(member_of(error, "errno"));
	char action[128];

	snprintf(requester->code, sizeof(requester->code), "%s", text_of(error, "code"));
	snprintf(action, sizeof(action), "%s%s%s%s", requester->call, *phase ? " (" : "", phase,
		 *phase ? ")" : "");
	return SC_FAIL(requester->sc, code < 0 ? code : -EIO, .action = action, .object = object,
		       .cause = text_of(error, "cause"), .remedy = text_of(error, "remedy"));
}

/* 1: it is the answer that is waited for. */
static int take_answer(struct shadowcopy_requester *requester, ssize_t size, int *rc)
{
	json_t *message, *body;
	json_error_t error;

	message = json_loadb(requester->buffer, size, JSON_REJECT_DUPLICATES, &error);
	/* A packet that is none is refused without an id. */
	if (!message || (json_is_integer(member_of(message, "id")) &&
			 json_integer_value(member_of(message, "id")) != requester->id)) {
		json_decref(message);
		return 0;
	}
	free(requester->result);
	requester->waiting = false;
	requester->code[0] = '\0';
	body = member_of(message, "error");
	*rc = body ? failed(requester, body) : 0;
	requester->result = json_dumps(body ?: member_of(message, "result"), JSON_COMPACT);
	json_decref(message);
	return 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

SC_EXPORT int shadowcopy_requester_wait(struct shadowcopy_requester *requester, int timeout_ms)
{
	struct pollfd fd = { .fd = requester->fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	ssize_t size;
	int rc;

	if (!requester->waiting)
		return SC_FAIL(requester->sc, -EINVAL, .action = "wait for the coordinator",
			       .cause = "nothing was called");
	for (;;) {
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());

		rc = poll(&fd, 1, timeout_ms >= 0 && left < 0 ? 0 : left);
		if (rc < 0 && errno != EINTR)
			return SC_FAIL(requester->sc, -errno, .action = "wait for the coordinator");
		if (!rc)
			return -EAGAIN;
		size = recv(requester->fd, requester->buffer, ANSWER_MAX, MSG_DONTWAIT);
		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (size <= 0)
			return gone(requester);
		if (take_answer(requester, size, &rc))
			return rc;
	}
}

SC_EXPORT int shadowcopy_requester_call(struct shadowcopy_requester *requester, const char *call,
					const char *arguments)
{
	int rc = shadowcopy_requester_begin(requester, call, arguments);

	return rc ?: shadowcopy_requester_wait(requester, -1);
}
