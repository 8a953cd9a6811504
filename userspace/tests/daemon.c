// SPDX-License-Identifier: GPL-2.0-only
/*
 * daemon.c - the coordinator's connections and sessions, without the module: what the module
 * says of writers is said here, and what they are told is noted.
 *
 * The loop is the real one.  A client is a socket; a call is sent, the loop is turned until the
 * answer is there.  Who is at the other end is what a test says.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define TURNS 6000	/* of 5 ms: so long an answer may take */

int test_count, test_failures;

const char *socket_path;

static sd_event *loop;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static uid_t peer_uid;

/* --- instead of the module, and of access.conf -------------------------------------------- */

struct behaviour behaviours[TELLS];
unsigned int told[TELLS];

static struct shadowcopy_channel_writer registered[4];
static size_t registered_count;
int channel_error;

int writers_each(int (*fn)(void *data, const struct shadowcopy_channel_writer *writer),
		 void *data)
{
	size_t i;
	int rc = channel_error;

	for (i = 0; i < registered_count && !rc; i++)
		rc = fn(data, &registered[i]);
	return rc;
}

/* Each answers at once, unless it is silent. */
static struct shadowcopy_channel_message answers[64];
static size_t answer_count;

int writer_tell(const struct shadow_uuid *instance, const struct shadow_uuid *session,
		const struct shadow_uuid *set, uint32_t tell, uint32_t answer_ms)
{
	struct shadowcopy_channel_message *message;

	(void)set;
	(void)answer_ms;
	told[tell]++;
	if (behaviours[tell].silent)
		return 0;
	message = &answers[answer_count++];
	memset(message, 0, sizeof(*message));
	message->instance = *instance;
	message->session = *session;
	message->tell = tell;
	message->result = SHADOW_NL_RESULT_ANSWERED;
	message->status = behaviours[tell].status;
	snprintf(message->text, sizeof(message->text), "%s", behaviours[tell].text ?: "");
	return 0;
}

void answer_for(const char *session, unsigned char number, uint32_t tell)
{
	struct shadowcopy_channel_message message = {
		.tell = tell, .result = SHADOW_NL_RESULT_ANSWERED, .instance = { { number } },
	};

	shadowcopy_uuid_parse(session, &message.session);
	round_message(&message);
}

void writer_end_session(const struct shadow_uuid *session)
{
	(void)session;
}

bool access_allowed(uid_t uid, enum access what)
{
	(void)uid;
	(void)what;
	return true;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	int rc = __real_getsockopt(fd, level, name, value, size);

	if (!rc && level == SOL_SOCKET && name == SO_PEERCRED)
		((struct ucred *)value)->uid = peer_uid;
	return rc;
}

bool no_threads;

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *),
			  void *data);
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *),
			  void *data);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *),
			  void *data)
{
	return no_threads ? EAGAIN : __real_pthread_create(id, attr, run, data);
}

/* Directories: who closes them, and how many of them. */
static pthread_t loop_thread;
static unsigned int closed_by_loop, closed_by_threads;

int __wrap_close(int fd);
int __real_close(int fd);
int __wrap_close(int fd)
{
	struct stat st;

	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		if (pthread_equal(pthread_self(), loop_thread))
			__atomic_add_fetch(&closed_by_loop, 1, __ATOMIC_SEQ_CST);
		else
			__atomic_add_fetch(&closed_by_threads, 1, __ATOMIC_SEQ_CST);
	}
	return __real_close(fd);
}

/* --- clients ---------------------------------------------------------------------------------- */

void turn(unsigned int times)
{
	struct shadowcopy_channel_message message;

	while (times--) {
		sd_event_run(loop, 5000);
		while (answer_count) {
			message = answers[--answer_count];
			round_message(&message);
		}
	}
}

int connect_as(uid_t uid)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	peer_uid = uid;
	turn(2);
	return fd;
}

void send_call(int fd, const char *packet, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { (char *)packet, strlen(packet) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (passed >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &passed, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		abort();
}

static ssize_t receive(int fd, char *packet, size_t size_max, int *document)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { packet, size_max };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*document = -1;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(document, CMSG_DATA(header), sizeof(int));
	return size;
}

static char *text_of(int document)
{
	struct stat st;
	char *text = fstat(document, &st) ? NULL : calloc(1, st.st_size + 1);

	if (text && pread(document, text, st.st_size, 0) != st.st_size)
		abort();
	return text;
}

json_t *hear_document(int fd, char **textp)
{
	static char packet[1 << 20];
	unsigned int i;
	int document;
	ssize_t size;

	for (i = 0; i < TURNS; i++) {
		turn(1);
		size = receive(fd, packet, sizeof(packet), &document);
		if (size < 0)
			continue;
		if (textp)
			*textp = document >= 0 ? text_of(document) : NULL;
		if (document >= 0)
			__real_close(document);
		return size ? json_loadb(packet, size, 0, NULL) : NULL;
	}
	return NULL;
}

json_t *hear(int fd)
{
	return hear_document(fd, NULL);
}

int sealed_document(const char *text)
{
	int fd = memfd_create("document", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		abort();
	return fd;
}

json_t *call(int fd, const char *packet)
{
	send_call(fd, packet, -1);
	return hear(fd);
}

bool is_good(json_t *answer)
{
	bool good = json_object_get(answer, "result");

	json_decref(answer);
	return good;
}

bool is_error(json_t *answer, const char *code)
{
	json_t *error = json_object_get(answer, "error");
	bool is = !strcmp(json_string_value(json_object_get(error, "code")) ?: "", code);

	json_decref(answer);
	return is;
}

/* --- tests ----------------------------------------------------------------------------- */

static void test_strays(void)
{
	int fd = connect_as(1000), passed = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	closed_by_loop = 0;
	closed_by_threads = 0;
	send_call(fd, "{\"id\": 1, \"call\": \"init-backup\"}", passed);
	CHECK(is_good(hear(fd)), "a call with a descriptor that is none of memory is answered");
	CHECK(is_good(call(fd, "{\"id\": 2, \"call\": \"status\"}")), "and the next one");
	CHECK(!closed_by_loop && closed_by_threads == 1, "the loop does not close that descriptor");
	send_call(fd, "{\"id\": 3, \"call\": \"put-document\"}", passed);
	CHECK(is_error(hear(fd), "INVALIDARG"), "a document that is none of memory is none");
	UNTIL(closed_by_threads == 2);
	CHECK(!closed_by_loop && closed_by_threads == 2, "nor is it closed by the loop");
	__real_close(passed);
	close(fd);
	turn(4);
}

static void test_unread(void)
{
	int fd = connect_as(1000);
	int before = 0, now = 0;
	char byte;

	CHECK(is_good(call(fd, "{\"id\": 1, \"call\": \"init-backup\"}")), "a session begins");
	CHECK(is_good(call(fd, "{\"id\": 2, \"call\": \"get-document\"}")), "its document comes");
	send_call(fd, "{\"id\": 3, \"call\": \"get-document\"}", -1);
	UNTIL(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0);
	ioctl(fd, FIONREAD, &before);
	send_call(fd, "{\"id\": 4, \"call\": \"get-document\"}", -1);
	UNTIL(!ioctl(fd, FIONREAD, &now) && now > before);
	CHECK(is_good(hear(fd)), "and comes again");
	CHECK(is_error(hear(fd), "BAD_STATE"), "but not before the one before it was read");
	CHECK(is_good(call(fd, "{\"id\": 5, \"call\": \"get-document\"}")), "then it does");
	close(fd);
	turn(4);
}

static void test_connections(void)
{
	unsigned int i, users = 0;
	int fds[200], root;
	char byte;

	for (i = 0; i < 200; i++)
		fds[i] = connect_as(1000);
	for (i = 0; i < 200; i++)
		users += recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0;
	CHECK(users == 160, "a user has so many connections and no more");
	root = connect_as(0);
	CHECK(is_good(call(root, "{\"id\": 1, \"call\": \"init-backup\"}")), "another one has his");
	for (i = 0; i < 200; i++)
		close(fds[i]);
	turn(250);
	fds[0] = connect_as(1000);
	CHECK(is_good(call(fds[0], "{\"id\": 1, \"call\": \"init-backup\"}")), "they come back");
	close(fds[0]);
	close(root);
	turn(8);
}

struct shadowcopy_channel_writer *add_writer(unsigned char number, uid_t uid)
{
	struct shadowcopy_channel_writer *writer = &registered[registered_count++];

	memset(writer, 0, sizeof(*writer));
	writer->class_id.b[0] = 7;
	writer->instance_id.b[0] = number;
	writer->level = SHADOW_NL_LEVEL_SYSTEM;
	writer->uid = uid;
	strcpy(writer->name, "Test");
	return writer;
}

void forget_writers(void)
{
	registered_count = 0;
}

static size_t count_writers(json_t *answer)
{
	size_t count = json_array_size(json_object_get(json_object_get(answer, "result"),
						       "writers"));

	json_decref(answer);
	return count;
}

static void test_same_instance(void)
{
	int fd = connect_as(0);

	registered_count = 0;
	add_writer(1, 0);
	add_writer(1, 1000);	/* as if the first one were a file */
	add_writer(2, 1000);
	CHECK(is_good(call(fd, "{\"id\": 1, \"call\": \"init-backup\"}")), "a session begins");
	CHECK(count_writers(call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}")) == 2,
	      "of two writers with one instance the first one is there, and nobody waits");
	close(fd);
	turn(8);
}

/* --- a restore ------------------------------------------------------------------------- */

int saved_document(bool privileged, uint32_t uid, bool selected)
{
	struct shadow_uuid session = { { 1 } }, class_id = { { 7 } }, instance = { { 9 } };
	struct shadowcopy *sc = shadowcopy_new();
	struct shadowcopy_backup_component *chosen;
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_component *component;
	struct shadowcopy_backup *backup;
	char *text;
	int fd;

	shadowcopy_backup_new(sc, &session, &backup);
	shadowcopy_metadata_new(sc, &class_id, &instance, "Test", &metadata);
	shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
				      SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
					  "Data", NULL, true, true, 0, &component);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	if (shadowcopy_backup_add_component(sc, backup, metadata, NULL, "Data", &chosen))
		abort();
	chosen->selected = selected;
	backup->writers[0]->privileged = privileged;
	backup->writers[0]->uid = uid;
	if (shadowcopy_backup_save(sc, backup, &text, NULL)) {
		puts(shadowcopy_last_error(sc)->text);
		abort();
	}
	fd = sealed_document(text);
	free(text);
	shadowcopy_metadata_free(metadata);
	shadowcopy_backup_free(backup);
	shadowcopy_free(sc);
	return fd;
}

/* How many writers of the document the registered writer is. */
static size_t backed_up_as(struct session *session, unsigned int writer)
{
	struct shadow_uuid instances[PART_INSTANCES_MAX];

	if (!session)
		return SIZE_MAX;
	return part_instances(session,
			      participant_find(session, &registered[writer].instance_id),
			      instances);
}

static void test_restored_by(void)
{
	struct session *session;
	int fd = connect_as(0), document = saved_document(false, 0, false);
	struct shadow_uuid uuid, roots;
	json_t *answer;

	send_call(fd, "{\"id\": 1, \"call\": \"init-restore\"}", document);
	answer = hear(fd);
	shadowcopy_uuid_parse(json_string_value(json_object_get(json_object_get(answer, "result"),
								"session")) ?: "", &uuid);
	json_decref(answer);
	session = session_find(&uuid);
	CHECK(session, "a restore begins");
	registered_count = 0;
	add_writer(1, 0);
	add_writer(2, 1000);
	roots = registered[0].instance_id;
	CHECK(count_writers(call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}")) == 2,
	      "there are a writer of root's and one that says it is the same");
	CHECK(backed_up_as(session, 0) == 1, "root's is what was backed up");
	CHECK(!backed_up_as(session, 1), "and the user's is not");
	CHECK(is_good(call(fd, "{\"id\": 3, \"call\": \"pre-restore\"}")), "they hear of it");
	/* Root's is gone; somebody else comes, who says that he is it. */
	registered_count = 0;
	add_writer(3, 1000);
	CHECK(is_good(call(fd, "{\"id\": 4, \"call\": \"post-restore\"}")), "it goes on");
	CHECK(session && participant_find(session, &roots),
	      "who comes in between is not what another user's writer was");
	close(document);
	close(fd);
	turn(8);
}

/* How many writers of the document a writer of @uid is, where nobody else has one. */
static size_t restored_by(bool privileged, uint32_t recorded, uid_t uid)
{
	struct shadow_uuid instances[PART_INSTANCES_MAX], uuid;
	int fd = connect_as(0), document = saved_document(privileged, recorded, false);
	struct session *session;
	json_t *answer;
	size_t count;

	send_call(fd, "{\"id\": 1, \"call\": \"init-restore\"}", document);
	answer = hear(fd);
	shadowcopy_uuid_parse(json_string_value(json_object_get(json_object_get(answer, "result"),
								"session")) ?: "", &uuid);
	json_decref(answer);
	session = session_find(&uuid);
	registered_count = 0;
	add_writer(1, uid);
	json_decref(call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}"));
	count = part_instances(session, participant_find(session, &registered[0].instance_id),
			       instances);
	close(document);
	close(fd);
	turn(8);
	return count;
}

static void test_recorded_user(void)
{
	CHECK(restored_by(true, 0, 0) == 1, "root's writer is the one that root's was");
	CHECK(!restored_by(true, 0, 1000), "a user's is not, though root has none now");
	CHECK(restored_by(false, 1000, 1000) == 1,
	      "a user's writer is the one that this user's was");
	CHECK(!restored_by(false, 1000, 1001), "another user's is not");
	CHECK(restored_by(false, 1000, 0) == 1, "root's is");
	CHECK(restored_by(false, 0, 1001) == 1, "of an older document nobody knows whose it was");
}

/* Who calls again and again does not keep another one from being heard. */
static void test_fairness(void)
{
	int fds[8], fd, i, j;
	char byte;

	for (i = 0; i < 8; i++) {
		fds[i] = connect_as(1000);
		for (j = 0; j < 20; j++)
			send_call(fds[i], "{\"id\": 1, \"call\": \"nonsense\"}", -1);
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		abort();
	send_call(fd, "{\"id\": 1, \"call\": \"nonsense\"}", -1);
	for (i = 0; i < 400 && recv(fd, &byte, 1, MSG_DONTWAIT) != 1; i++)
		turn(1);
	CHECK(i < 80, "many calls of others do not starve a newcomer");
	close(fd);
	for (i = 0; i < 8; i++)
		close(fds[i]);
	turn(200);
}

static int listen_in(char *directory)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (!mkdtemp(directory))
		abort();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	socket_path = address.sun_path;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 64))
		abort();
	return fd;
}

int main(void)
{
	char directory[] = "/tmp/daemon-test.XXXXXX";
	int listener = listen_in(directory);

	setvbuf(stdout, NULL, _IOLBF, 0);
	loop_thread = pthread_self();
	if (sd_event_default(&loop) < 0 || work_init(loop) < 0)
		return 1;
	sessions_init();
	if (clients_init(loop, listener) < 0)
		return 1;
	puts("KTAP version 1");
	test_strays();
	test_unread();
	test_connections();
	test_same_instance();
	test_restored_by();
	test_recorded_user();
	test_fairness();
	test_sessions();
	unlink(socket_path);
	rmdir(directory);
	sd_event_unref(loop);
	printf("1..%d\n", test_count);
	return test_failures ? 1 : 0;
}
