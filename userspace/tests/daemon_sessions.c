// SPDX-License-Identifier: GPL-2.0-only
/*
 * daemon_sessions.c - sessions of the coordinator: what is aborted, what waits, how writers
 * fail, and how much of it there may be.
 *
 * Volumes are made up ("vol1" ...), a set is made without the module, and what runs in a thread can
 * be stopped at a gate, as if a filesystem did not answer or a document were very large.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshadowcopy-provider.h"
#include "libshadowcopy-requester.h"
#include "daemon.h"
#include "making.h"

/* --- gates --------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static struct {
	bool closed;
	unsigned int waiting, most;
} gates[GATE_COUNT];

void gate_close(enum gate gate)
{
	pthread_mutex_lock(&lock);
	gates[gate].closed = true;
	gates[gate].most = 0;
	pthread_mutex_unlock(&lock);
}

void gate_open(enum gate gate)
{
	pthread_mutex_lock(&lock);
	gates[gate].closed = false;
	pthread_cond_broadcast(&opened);
	pthread_mutex_unlock(&lock);
}

static void pass(enum gate gate)
{
	pthread_mutex_lock(&lock);
	if (++gates[gate].waiting > gates[gate].most)
		gates[gate].most = gates[gate].waiting;
	while (gates[gate].closed)
		pthread_cond_wait(&opened, &lock);
	gates[gate].waiting--;
	pthread_mutex_unlock(&lock);
}

bool gate_has(enum gate gate, unsigned int wanted)
{
	unsigned int i, has = 0;

	for (i = 0; i < 1000 && has < wanted; i++) {
		turn(1);
		pthread_mutex_lock(&lock);
		has = gates[gate].waiting;
		pthread_mutex_unlock(&lock);
	}
	return has == wanted;
}

/* --- instead of volumes and of the module ----------------------------------------------------- */

int __wrap_shadowcopy_resolve(struct shadowcopy *sc, const char *name,
			      struct shadowcopy_volume *volume);
int __real_shadowcopy_resolve(struct shadowcopy *sc, const char *name,
			      struct shadowcopy_volume *volume);
int __wrap_shadowcopy_resolve(struct shadowcopy *sc, const char *name,
			      struct shadowcopy_volume *volume)
{
	if (!strcmp(name, "/dead"))
		pass(GATE_PLACE);
	if (strncmp(name, "vol", 3))
		return __real_shadowcopy_resolve(sc, name, volume);
	memset(volume, 0, sizeof(*volume));
	volume->dev.major = 4000;
	volume->dev.minor = atoi(name + 3);
	snprintf(volume->path, sizeof(volume->path), "/dev/%s", name);
	return 0;
}

/* Volumes from 100 on cannot have a shadow now, from 200 on never. */
static int supports(const struct shadowcopy_provider *provider, struct shadowcopy *sc,
		    const struct shadowcopy_volume *volume, char reason[SHADOWCOPY_REASON_LEN])
{
	(void)provider;
	(void)sc;
	snprintf(reason, SHADOWCOPY_REASON_LEN, "number %u", volume->dev.minor);
	return volume->dev.minor < 100 ? SHADOWCOPY_SUPPORT_YES :
	       volume->dev.minor < 200 ? SHADOWCOPY_SUPPORT_BLOCKED : SHADOWCOPY_SUPPORT_NO;
}

int __wrap_shadowcopy_provider_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
				      const char *wanted,
				      const struct shadowcopy_provider **providerp);
int __real_shadowcopy_provider_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
				      const char *wanted,
				      const struct shadowcopy_provider **providerp);
int __wrap_shadowcopy_provider_choose(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
				      const char *wanted,
				      const struct shadowcopy_provider **providerp)
{
	static const struct shadowcopy_provider_ops ops = { .supports = supports };
	static const struct shadowcopy_provider ours = {
		.id = { { 1 } }, .name = "ours", .type = SHADOWCOPY_PROVIDER_SOFTWARE, .ops = &ops,
	};

	shadowcopy_provider_register(sc, &ours);
	return __real_shadowcopy_provider_choose(sc, volume, wanted ?: "ours", providerp);
}

int __wrap_shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
				    bool below);
int __wrap_shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
				    bool below)
{
	(void)affected;
	(void)below;
	if (!strcmp(path, "/dead"))
		pass(GATE_PLACE);
	return strcmp(path, "/elsewhere");
}

int __wrap_shadowcopy_backup_load_fd(struct shadowcopy *sc, int fd, const char *label,
				     uint32_t flags, struct shadowcopy_backup **backupp);
int __real_shadowcopy_backup_load_fd(struct shadowcopy *sc, int fd, const char *label,
				     uint32_t flags, struct shadowcopy_backup **backupp);
int __wrap_shadowcopy_backup_load_fd(struct shadowcopy *sc, int fd, const char *label,
				     uint32_t flags, struct shadowcopy_backup **backupp)
{
	pass(GATE_LOAD);
	return __real_shadowcopy_backup_load_fd(sc, fd, label, flags, backupp);
}

int __wrap_shadowcopy_backup_view(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				  const struct shadow_uuid *instances, size_t count,
				  struct shadowcopy_backup **viewp);
int __real_shadowcopy_backup_view(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				  const struct shadow_uuid *instances, size_t count,
				  struct shadowcopy_backup **viewp);
int __wrap_shadowcopy_backup_view(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				  const struct shadow_uuid *instances, size_t count,
				  struct shadowcopy_backup **viewp)
{
	pass(GATE_VIEW);
	return __real_shadowcopy_backup_view(sc, backup, instances, count, viewp);
}

int __wrap_shadowcopy_metadata_save(struct shadowcopy *sc,
				    const struct shadowcopy_metadata *metadata, char **textp,
				    size_t *sizep);
int __real_shadowcopy_metadata_save(struct shadowcopy *sc,
				    const struct shadowcopy_metadata *metadata, char **textp,
				    size_t *sizep);
int __wrap_shadowcopy_metadata_save(struct shadowcopy *sc,
				    const struct shadowcopy_metadata *metadata, char **textp,
				    size_t *sizep)
{
	pass(GATE_SAVE);
	return __real_shadowcopy_metadata_save(sc, metadata, textp, sizep);
}

const struct shadowcopy_plan_entry *
__wrap_shadowcopy_plan_entry(const struct shadowcopy_plan *plan, size_t i);
const struct shadowcopy_plan_entry *
__wrap_shadowcopy_plan_entry(const struct shadowcopy_plan *plan, size_t i)
{
	(void)plan;
	(void)i;
	return NULL;
}

static bool takes_long;		/* to write out what is dirty */
static bool lists_long, finishes_long;

static unsigned int planned;	/* so many sets */

void making_plan(struct work *work)
{
	(void)work;
	__atomic_add_fetch(&planned, 1, __ATOMIC_SEQ_CST);
}

void making_sync(struct work *work)
{
	(void)work;
	if (takes_long)
		pass(GATE_PLACE);
}

void making_take(struct work *work)
{
	ENTRY(work, struct making, work)->step.set.b[0] = 5;
}

void making_list(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);

	if (lists_long)
		pass(GATE_PLACE);
	making->shadow_count = 1;
	making->shadows[0].uuid.b[0] = 6;
	making->shadows[0].volume = making->volumes[0].dev;
	making->shadows[0].created_ns = 1700000000000000000LL;
	strcpy(making->shadows[0].volume_name, "vol1");
}

void making_trim(struct work *work)
{
	(void)work;
}

void making_seal(struct work *work)
{
	(void)work;
}

void making_finish(struct work *work)
{
	(void)work;
	if (finishes_long)
		pass(GATE_PLACE);
}

void making_release(struct work *work)
{
	struct making *making = ENTRY(work, struct making, work);

	shadowcopy_free(making->sc);
	making->sc = NULL;
	making->count = 0;
	free(making->metadata);
	free(making->users);
	making->metadata = NULL;
	making->users = NULL;
}

/* --- sessions --------------------------------------------------------------------------------- */

#define INSTANCE1 "01000000-0000-0000-0000-000000000000"
#define INSTANCE2 "02000000-0000-0000-0000-000000000000"

static const char *text_at(json_t *answer, const char *kind, const char *key)
{
	return json_string_value(json_object_get(json_object_get(answer, kind), key)) ?: "";
}

/* A session as far as gather-metadata asks writers; its UUID goes to @session. */
static int begin(uid_t uid, char session[SHADOWCOPY_UUID_LEN])
{
	int fd = connect_as(uid);
	json_t *answer = call(fd, "{\"id\": 1, \"call\": \"init-backup\"}");

	snprintf(session, SHADOWCOPY_UUID_LEN, "%s", text_at(answer, "result", "session"));
	json_decref(answer);
	return fd;
}

static void end(int fd)
{
	close(fd);
	UNTIL(!sessions_left());
	turn(4);
	memset(behaviours, 0, sizeof(behaviours));
	memset(told, 0, sizeof(told));
	forget_writers();
}

static json_t *callf(int fd, const char *format, ...) PRINTF(2, 3);
static json_t *callf(int fd, const char *format, ...)
{
	char packet[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(packet, sizeof(packet), format, args);
	va_end(args);
	return call(fd, packet);
}

static void sendf(int fd, int document, const char *format, ...) PRINTF(3, 4);
static void sendf(int fd, int document, const char *format, ...)
{
	char packet[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(packet, sizeof(packet), format, args);
	va_end(args);
	send_call(fd, packet, document);
}

/* A writer call, as the library makes it. */
#define WRITER_CALL "{\"id\": 1, \"call\": \"%s\", \"arguments\": {\"session\": \"%s\", " \
		    "\"instance\": \"%s\", \"told\": \"%s\"}}"

/* @more: members of it, each with a comma, or "". */
static bool tell_metadata(int fd, const char *session, const char *path, const char *more)
{
	struct shadowcopy *sc = shadowcopy_new();
	struct shadowcopy_metadata *metadata;
	char text[1024], *saved;
	json_t *answer;
	int document;

	snprintf(text, sizeof(text), "{\"format\": \"shadowcopy-writer-metadata\", \"version\": "
		 "\"1.0\", \"class_id\": \"07000000-0000-0000-0000-000000000000\", "
		 "\"instance_id\": \"%s\", \"name\": \"Test\", \"usage\": \"user-data\", "
		 "\"source\": \"other\", \"restore_method\": \"custom\", \"participation\": "
		 "\"always\", %s \"components\": [{\"type\": \"file-group\", \"name\": \"Data\", "
		 "\"selectable\": true, \"files\": [{\"path\": \"%s\", \"spec\": \"*\", "
		 "\"recursive\": true}]}]}", INSTANCE1, more, path);
	/* with its checksum */
	if (shadowcopy_metadata_load(sc, text, strlen(text), "test", SHADOWCOPY_LOAD_UNSIGNED,
				     &metadata) ||
	    shadowcopy_metadata_save(sc, metadata, &saved, NULL)) {
		puts(shadowcopy_last_error(sc)->text);
		abort();
	}
	document = sealed_document(saved);
	free(saved);
	shadowcopy_metadata_free(metadata);
	shadowcopy_free(sc);
	sendf(fd, document, WRITER_CALL, "writer-metadata", session, INSTANCE1, "identify");
	answer = hear(fd);
	close(document);
	return is_good(answer);
}

/* One writer of root's with data at @path; the session then has gathered metadata. */
static bool gather_with(int fd, const char *session, const char *path, const char *more)
{
	unsigned int before = told[SHADOW_NL_TELL_IDENTIFY];
	int writer = connect_as(0);
	bool good;

	forget_writers();
	add_writer(1, 0);
	behaviours[SHADOW_NL_TELL_IDENTIFY].silent = true;
	send_call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_IDENTIFY] > before);
	good = tell_metadata(writer, session, path, more);
	answer_for(session, 1, SHADOW_NL_TELL_IDENTIFY);
	behaviours[SHADOW_NL_TELL_IDENTIFY].silent = false;
	close(writer);
	return is_good(hear(fd)) && good;
}

static bool gather(int fd, const char *session, const char *path)
{
	return gather_with(fd, session, path, "");
}

static bool add_volume(int fd, const char *volume)
{
	return is_good(call(fd, "{\"id\": 3, \"call\": \"start-set\"}")) &&
	       is_good(callf(fd, "{\"id\": 4, \"call\": \"add-volume\", \"arguments\": "
			     "{\"volume\": \"%s\"}}", volume));
}

/* --- what may never end ---------------------------------------------------------------------- */

static void test_dead_place(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(1000, session), fds[5], i;
	json_t *answer;

	CHECK(gather(fd, session, "/dead") && add_volume(fd, "vol1"),
	      "a writer has data at a place");
	gate_close(GATE_PLACE);
	send_call(fd, "{\"id\": 5, \"call\": \"prepare-backup\"}", -1);
	CHECK(gate_has(GATE_PLACE, 1), "that does not answer");
	answer = call(fd, "{\"id\": 6, \"call\": \"status\"}");
	CHECK_STRING(text_at(answer, "result", "looking_at"), "Test: /dead", "status says which");
	json_decref(answer);
	send_call(fd, "{\"id\": 7, \"call\": \"abort\"}", -1);
	answer = hear(fd);
	CHECK(json_integer_value(json_object_get(answer, "id")) == 5, "an abort ends the call");
	CHECK_STRING(text_at(answer, "error", "object"), "Test: /dead",
		     "and it says what it waited for");
	json_decref(answer);
	CHECK(is_good(hear(fd)), "the abort is answered");
	end(fd);
	for (i = 0; i < 5; i++) {
		fds[i] = begin(1000, session);
		json_decref(call(fds[i], "{\"id\": 2, \"call\": \"start-set\"}"));
		send_call(fds[i], "{\"id\": 3, \"call\": \"add-volume\", \"arguments\": "
			  "{\"volume\": \"/dead\"}}", -1);
		if (i < 3) {
			gate_has(GATE_PLACE, i + 2);
			close(fds[i]);
			turn(20);
		}
	}
	answer = hear(fds[3]);
	CHECK(json_integer_value(json_object_get(json_object_get(answer, "error"), "errno")) ==
	      -EUSERS, "a user has so many of these, and no more");
	json_decref(answer);
	fd = begin(0, session);
	json_decref(call(fd, "{\"id\": 2, \"call\": \"start-set\"}"));
	CHECK(is_good(call(fd, "{\"id\": 3, \"call\": \"add-volume\", \"arguments\": "
			   "{\"volume\": \"vol1\"}}")), "others are not kept from theirs");
	close(fd);
	gate_open(GATE_PLACE);
	turn(20);
	json_decref(hear(fds[4]));
	CHECK(is_error(call(fds[3], "{\"id\": 4, \"call\": \"add-volume\", \"arguments\": "
			    "{\"volume\": \"/dead\"}}"), "OBJECT_NOT_FOUND"),
	      "when they have come back, he has again");
	close(fds[4]);
	end(fds[3]);
}

/* As many as there can be, let go of at once. */
static void test_no_thread(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(1000, session);

	json_decref(call(fd, "{\"id\": 2, \"call\": \"start-set\"}"));
	no_threads = true;
	CHECK(is_error(call(fd, "{\"id\": 3, \"call\": \"add-volume\", \"arguments\": "
			    "{\"volume\": \"vol1\"}}"), "OUTOFMEMORY"),
	      "without a thread nothing is looked at that may never answer");
	no_threads = false;
	CHECK(is_good(call(fd, "{\"id\": 4, \"call\": \"add-volume\", \"arguments\": "
			   "{\"volume\": \"vol1\"}}")), "and it can be tried again");
	end(fd);
}

/* B-08 */
static void test_no_channel(void)
{
	int fd = connect_as(1000);

	json_decref(call(fd, "{\"id\": 1, \"call\": \"init-backup\"}"));
	channel_error = -EIO;
	CHECK(is_error(call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}"),
		       "WRITER_INFRASTRUCTURE"), "without the list of writers nobody is asked");
	channel_error = -ENOMEM;
	CHECK(is_error(call(fd, "{\"id\": 3, \"call\": \"gather-metadata\"}"), "OUTOFMEMORY"),
	      "memory is another matter");
	channel_error = 0;
	CHECK(is_good(call(fd, "{\"id\": 4, \"call\": \"gather-metadata\"}")),
	      "and it can be tried again");
	end(fd);
}

static void test_many_dead_places(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fds[32], users[2], i;

	gate_close(GATE_PLACE);
	for (i = 0; i < 32; i++) {
		fds[i] = begin(1000, session);
		json_decref(call(fds[i], "{\"id\": 2, \"call\": \"start-set\"}"));
		send_call(fds[i], "{\"id\": 3, \"call\": \"add-volume\", \"arguments\": "
			  "{\"volume\": \"/dead\"}}", -1);
	}
	CHECK(gate_has(GATE_PLACE, 32), "a user has many places looked at, that do not answer");
	for (i = 0; i < 32; i++)
		close(fds[i]);
	UNTIL(!sessions_left());
	for (i = 0; i < 2; i++) {
		users[i] = begin(i ? 1001 : 0, session);
		CHECK(add_volume(users[i], "vol1"), "nobody else is kept from theirs by that");
	}
	close(users[0]);
	gate_open(GATE_PLACE);
	turn(40);
	end(users[1]);
}

/* --- memory ---------------------------------------------------------------------------- */

static char *document_of(int fd)
{
	char *text;

	send_call(fd, "{\"id\": 9, \"call\": \"get-document\"}", -1);
	json_decref(hear_document(fd, &text));
	return text;
}

static void test_many_documents(void)
{
	char session[SHADOWCOPY_UUID_LEN], *text;
	int fds[6], documents[6], i;

	for (i = 0; i < 6; i++) {
		fds[i] = begin(i < 5 ? 1000 : 0, session);
		text = document_of(fds[i]);
		documents[i] = sealed_document(text);
		free(text);
	}
	gate_close(GATE_LOAD);
	for (i = 0; i < 6; i++)
		send_call(fds[i], "{\"id\": 3, \"call\": \"put-document\"}", documents[i]);
	CHECK(gate_has(GATE_LOAD, 3),
	      "documents of a user are read two at a time, and root's with them");
	turn(20);
	CHECK(gates[GATE_LOAD].most == 3, "and no more");
	gate_open(GATE_LOAD);
	for (i = 0; i < 6; i++) {
		CHECK(is_good(hear(fds[i])), "each is read in the end");
		close(documents[i]);
	}
	for (i = 0; i < 5; i++)
		close(fds[i]);
	end(fds[5]);
}

/* --- documents of writers -------------------------------------------------------------- */

static void test_writer_documents(void)
{
	char session[SHADOWCOPY_UUID_LEN], *text = NULL;
	int fd = begin(1000, session), writer = connect_as(0), other, document;
	json_t *answer;

	CHECK(gather(fd, session, "/data"), "a writer tells its metadata");
	gate_close(GATE_SAVE);
	send_call(fd, "{\"id\": 3, \"call\": \"get-metadata\", \"arguments\": {\"writer\": \""
		  INSTANCE1 "\"}}", -1);
	CHECK(gate_has(GATE_SAVE, 1), "get-metadata writes it");
	other = connect_as(1001);
	CHECK(is_good(call(other, "{\"id\": 1, \"call\": \"status\"}")), "in a thread");
	gate_open(GATE_SAVE);
	answer = hear_document(fd, &text);
	CHECK(is_good(answer) && text && strstr(text, "\"/data\""), "and it comes");
	free(text);
	answer = call(fd, "{\"id\": 3, \"call\": \"get-metadata\", \"arguments\": "
			  "{\"writer\": \"" INSTANCE2 "\"}}");
	CHECK(is_error(answer, "OBJECT_NOT_FOUND"), "of a writer that there is");

	CHECK(add_volume(fd, "vol1"), "a set begins");
	behaviours[SHADOW_NL_TELL_PREPARE_BACKUP].silent = true;
	send_call(fd, "{\"id\": 5, \"call\": \"prepare-backup\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_PREPARE_BACKUP]);
	gate_close(GATE_VIEW);
	sendf(writer, -1, WRITER_CALL, "writer-document", session, INSTANCE1, "prepare-backup");
	CHECK(gate_has(GATE_VIEW, 1), "a writer asks for its part of the document");
	CHECK(is_good(call(other, "{\"id\": 2, \"call\": \"status\"}")),
	      "which is made in a thread");
	answer_for(session, 1, SHADOW_NL_TELL_PREPARE_BACKUP);
	CHECK(is_good(hear(fd)), "the round does not wait for that");
	send_call(fd, "{\"id\": 6, \"call\": \"get-document\"}", -1);
	turn(12);
	CHECK(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) < 0,
	      "what uses the document does");
	gate_open(GATE_VIEW);
	answer = hear_document(writer, &text);
	CHECK(is_good(answer) && text && strstr(text, "\"Data\""), "it comes");
	document = sealed_document(text);
	free(text);
	answer = hear_document(fd, &text);
	CHECK(is_good(answer) && text && strstr(text, "\"privileged\": true"),
	      "and then the other; it says whose writer it is");
	free(text);

	/* It answered prepare-backup; now it is told something else. */
	behaviours[SHADOW_NL_TELL_PREPARE_SNAPSHOT].silent = true;
	send_call(fd, "{\"id\": 7, \"call\": \"create-set\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_PREPARE_SNAPSHOT]);
	sendf(writer, document, WRITER_CALL, "writer-update", session, INSTANCE1, "prepare-backup");
	CHECK(is_error(hear(writer), "BAD_STATE"),
	      "changes of a handler that is over come too late");
	gate_close(GATE_LOAD);
	sendf(writer, document, WRITER_CALL, "writer-update", session, INSTANCE1,
	      "prepare-snapshot");
	CHECK(gate_has(GATE_LOAD, 1), "changes of this one are read");
	behaviours[SHADOW_NL_TELL_FREEZE].silent = true;
	answer_for(session, 1, SHADOW_NL_TELL_PREPARE_SNAPSHOT);
	UNTIL(told[SHADOW_NL_TELL_FREEZE]);
	CHECK(told[SHADOW_NL_TELL_FREEZE] == 1, "meanwhile it is told the next thing");
	gate_open(GATE_LOAD);
	CHECK(is_error(hear(writer), "BAD_STATE"), "so they are not taken for an answer to that");
	answer_for(session, 1, SHADOW_NL_TELL_FREEZE);
	answer = hear(fd);
	CHECK_STRING(text_at(answer, "result", "consistency"), "application", "the set is made");
	json_decref(answer);
	close(document);
	close(writer);
	close(other);
	end(fd);
}

/* C-12 */
static void test_who_asks(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(1000, session), writer = connect_as(0);
	json_t *answer, *result;

	add_writer(1, 0);
	behaviours[SHADOW_NL_TELL_IDENTIFY].silent = true;
	send_call(fd, "{\"id\": 2, \"call\": \"gather-metadata\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_IDENTIFY]);
	answer = callf(writer, WRITER_CALL, "writer-requester", session, INSTANCE1, "identify");
	result = json_object_get(answer, "result");
	CHECK(json_integer_value(json_object_get(result, "uid")) == 1000 &&
	      json_integer_value(json_object_get(result, "pid")) == getpid(),
	      "a writer that is asked who it is can ask who asks");
	CHECK(json_is_false(json_object_get(result, "restore")), "and for what");
	CHECK_STRING(text_at(answer, "result", "context"), "backup", "in which context");
	json_decref(answer);
	answer_for(session, 1, SHADOW_NL_TELL_IDENTIFY);
	json_decref(hear(fd));
	CHECK(is_error(callf(writer, WRITER_CALL, "writer-requester", session, INSTANCE1,
			     "identify"),
		       "BAD_STATE"),
	      "but not later");
	close(writer);
	end(fd);
}

/* --- who takes part -------------------------------------------------------------------- */

static const char *part_of(json_t *answer, size_t i)
{
	json_t *writers = json_object_get(json_object_get(answer, "result"), "writers");

	return json_string_value(json_object_get(json_array_get(writers, i), "part")) ?: "?";
}

/* B-07: a part of each of two writers after the call. */
static void check_parts(int fd, const char *first, const char *second, const char *what)
{
	json_t *answer = call(fd, "{\"id\": 9, \"call\": \"status\"}");

	CHECK(!strcmp(part_of(answer, 0), first) && !strcmp(part_of(answer, 1), second), what);
	json_decref(answer);
}

static void test_filters(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session);

	add_writer(1, 0);
	add_writer(2, 0);
	CHECK(is_error(call(fd, "{\"id\": 2, \"call\": \"include-writer\", \"arguments\": "
				"{\"writer\": \"Test\"}}"),
		       "BAD_STATE"),
	      "writers are chosen after asking");
	json_decref(call(fd, "{\"id\": 3, \"call\": \"gather-metadata\"}"));
	check_parts(fd, "", "", "at first all take part");
	CHECK(is_good(call(fd, "{\"id\": 4, \"call\": \"include-writer\", \"arguments\": "
			   "{\"writer\": \"" INSTANCE1 "\"}}")), "the first that is included");
	check_parts(fd, "", "excluded", "leaves out all others");
	CHECK(is_good(call(fd, "{\"id\": 5, \"call\": \"include-writer\", \"arguments\": "
			   "{\"writer\": \"" INSTANCE2 "\"}}")), "further ones");
	check_parts(fd, "", "", "come to it");
	CHECK(is_good(call(fd, "{\"id\": 6, \"call\": \"exclude-writer\", \"arguments\": "
			   "{\"writer\": \"" INSTANCE1 "\"}}")), "one that is excluded");
	check_parts(fd, "excluded", "", "is left out");
	CHECK(is_error(call(fd, "{\"id\": 7, \"call\": \"include-writer\", \"arguments\": "
			    "{\"writer\": \"nobody\"}}"), "INVALIDARG"), "nobody is not there");
	end(fd);
}

/* --- volumes (B-14) -------------------------------------------------------------------- */

static void check_support(int fd, const char *volume, const char *wanted, const char *reason)
{
	json_t *answer = callf(fd, "{\"id\": 2, \"call\": \"is-volume-supported\", \"arguments\": "
			       "{\"volume\": \"%s\"}}", volume);

	CHECK_STRING(text_at(answer, "result", "supported"), wanted, volume);
	CHECK(strstr(text_at(answer, "result", "reason"), reason), "with the reason");
	json_decref(answer);
}

static void test_support(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(1000, session);

	check_support(fd, "vol1", "yes", "");
	check_support(fd, "vol100", "blocked", "number 100");
	check_support(fd, "vol200", "no", "number 200");
	check_support(fd, "/proc", "no", "no block device");
	CHECK(is_error(call(fd, "{\"id\": 3, \"call\": \"is-volume-supported\", \"arguments\": "
			    "{\"volume\": \"vol1\", \"provider\": \"zfs\"}}"),
		       "PROVIDER_NOT_REGISTERED"), "by a provider that there is not");
	CHECK(is_error(call(fd, "{\"id\": 4, \"call\": \"is-volume-supported\", \"arguments\": "
			    "{\"volume\": \"/nowhere\"}}"), "OBJECT_NOT_FOUND"),
	      "of a volume that there is not");
	end(fd);
}

/* --- how writers fail ------------------------------------------------------------------ */

static json_t *first_writer(json_t *answer, const char *kind)
{
	return json_array_get(json_object_get(json_object_get(answer, kind), "writers"), 0);
}

static void check_failure(uint32_t tell, uint32_t status, const char *code, int retry)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session);
	json_t *answer, *error, *failure;

	behaviours[tell].status = status;
	behaviours[tell].text = "because of me";
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	json_decref(call(fd, "{\"id\": 5, \"call\": \"prepare-backup\"}"));
	answer = call(fd, "{\"id\": 6, \"call\": \"create-set\"}");
	error = json_object_get(answer, "error");
	CHECK_STRING(text_at(answer, "error", "code"), code, "the set fails with VSS' code");
	CHECK_STRING(text_at(answer, "error", "cause"), "because of me", "says why");
	CHECK(retry < 0 ? json_is_null(json_object_get(error, "retry_seconds")) :
	      json_integer_value(json_object_get(error, "retry_seconds")) == retry,
	      "and whether to try again");
	failure = json_object_get(first_writer(answer, "error"), "failure");
	CHECK_STRING(json_string_value(json_object_get(failure, "code")) ?: "", code,
		     "so does the writer's state");
	json_decref(answer);
	CHECK(told[SHADOW_NL_TELL_ABORT] == 1, "it is told to abort");
	end(fd);
}

static void test_statuses(void)
{
	check_failure(SHADOW_NL_TELL_PREPARE_SNAPSHOT, SHADOW_NL_STATUS_INCONSISTENT,
		      "WRITERERROR_INCONSISTENTSNAPSHOT", -1);
	check_failure(SHADOW_NL_TELL_FREEZE, SHADOW_NL_STATUS_NO_RESOURCES,
		      "WRITERERROR_OUTOFRESOURCES", 600);
	check_failure(SHADOW_NL_TELL_PREPARE_BACKUP, SHADOW_NL_STATUS_RETRYABLE,
		      "WRITERERROR_RETRYABLE", 600);
	check_failure(SHADOW_NL_TELL_PREPARE_SNAPSHOT, SHADOW_NL_STATUS_RECOVERY_FAILED,
		      "WRITERERROR_RECOVERY_FAILED", -1);
	check_failure(SHADOW_NL_TELL_PREPARE_SNAPSHOT, SHADOW_NL_STATUS_PARTIAL,
		      "WRITERERROR_PARTIAL_FAILURE", -1);
}

/* C-45: the shadows are there; the writer's state tells that it did not recover in them. */
static void test_recovery_fails(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session);
	json_t *answer, *failure;

	behaviours[SHADOW_NL_TELL_POST_SNAPSHOT].status = SHADOW_NL_STATUS_RECOVERY_FAILED;
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	answer = call(fd, "{\"id\": 6, \"call\": \"create-set\"}");
	CHECK(json_is_true(json_object_get(json_object_get(answer, "result"), "degraded")),
	      "where a writer cannot recover in the shadow the set is less good");
	failure = json_object_get(first_writer(answer, "result"), "failure");
	CHECK_STRING(json_string_value(json_object_get(failure, "code")) ?: "",
		     "WRITERERROR_RECOVERY_FAILED", "and its state says so");
	json_decref(answer);
	end(fd);
}

/* C-46: it fails in part, and the document says of each component how. */
static void test_partial(void)
{
	char session[SHADOWCOPY_UUID_LEN], *text, *with, *at;
	int fd = begin(0, session), writer = connect_as(0), document;
	struct shadowcopy_backup *backup;
	struct shadowcopy *sc = shadowcopy_new();
	json_t *answer, *failure;

	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	behaviours[SHADOW_NL_TELL_POST_SNAPSHOT].silent = true;
	send_call(fd, "{\"id\": 6, \"call\": \"create-set\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_POST_SNAPSHOT]);
	sendf(writer, -1, WRITER_CALL, "writer-document", session, INSTANCE1, "post-snapshot");
	json_decref(hear_document(writer, &text));
	if (!text || shadowcopy_backup_load(sc, text, strlen(text), "view", 0, &backup) ||
	    shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_WRITER,
				  SHADOWCOPY_STEP_POST_SNAPSHOT) ||
	    shadowcopy_backup_component_set_failure(sc, backup->writers[0]->components[0],
						    SHADOWCOPY_FAILURE_RETRYABLE, 7,
						    "half of it") ||
	    shadowcopy_backup_save(sc, backup, &with, NULL)) {
		puts(shadowcopy_last_error(sc)->text);
		abort();
	}
	free(text);
	document = sealed_document(with);
	free(with);
	sendf(writer, document, WRITER_CALL, "writer-update", session, INSTANCE1, "post-snapshot");
	CHECK(is_good(hear(writer)), "a writer says of a component how it failed");
	{
		struct shadowcopy_channel_message message = {
			.tell = SHADOW_NL_TELL_POST_SNAPSHOT, .result = SHADOW_NL_RESULT_ANSWERED,
			.instance = { { 1 } }, .status = SHADOW_NL_STATUS_PARTIAL,
		};

		shadowcopy_uuid_parse(session, &message.session);
		round_message(&message);
	}
	answer = hear(fd);
	failure = json_object_get(first_writer(answer, "result"), "failure");
	CHECK_STRING(json_string_value(json_object_get(failure, "code")) ?: "",
		     "WRITERERROR_PARTIAL_FAILURE", "that it failed in part is in its state");
	json_decref(answer);
	text = document_of(fd);
	at = text ? strstr(text, "\"failure_text\": \"half of it\"") : NULL;
	CHECK(at && strstr(text, "\"failure_code\": 7"), "and of the component in the document");
	free(text);
	shadowcopy_backup_free(backup);
	shadowcopy_free(sc);
	close(document);
	close(writer);
	end(fd);
}

/* C-21: who cannot prepare can be left out; the set is made without. */
static void test_prepare_fails(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session);
	json_t *answer, *failure;

	behaviours[SHADOW_NL_TELL_PREPARE_BACKUP].status = SHADOW_NL_STATUS_NONRETRYABLE;
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	answer = call(fd, "{\"id\": 5, \"call\": \"prepare-backup\"}");
	CHECK(json_integer_value(json_object_get(json_object_get(answer, "result"), "failed")) == 1,
	      "a failure to prepare is told to the requester");
	failure = json_object_get(first_writer(answer, "result"), "failure");
	CHECK_STRING(json_string_value(json_object_get(failure, "at")) ?: "", "prepare-backup",
		     "with what it failed at");
	json_decref(answer);
	CHECK(is_good(call(fd, "{\"id\": 6, \"call\": \"exclude-writer\", \"arguments\": "
			   "{\"writer\": \"Test\"}}")), "who decides to do without");
	CHECK(told[SHADOW_NL_TELL_ABORT] == 1, "the writer undoes what it has begun");
	answer = call(fd, "{\"id\": 7, \"call\": \"create-set\"}");
	CHECK_STRING(text_at(answer, "result", "consistency"), "raw",
		     "and the set is made without it");
	json_decref(answer);
	CHECK(!told[SHADOW_NL_TELL_FREEZE], "which is told nothing of it");
	end(fd);
}

/* --- abort of what is under way (A-13, B-58) ------------------------------------------- */

static void test_abort(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session), i;
	json_t *answer;

	/* a round */
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	behaviours[SHADOW_NL_TELL_PREPARE_BACKUP].silent = true;
	send_call(fd, "{\"id\": 5, \"call\": \"prepare-backup\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_PREPARE_BACKUP]);
	CHECK(is_good(call(fd, "{\"id\": 6, \"call\": \"status\"}")),
	      "what is under way can be asked about");
	CHECK(is_error(call(fd, "{\"id\": 7, \"call\": \"keep\"}"), "BAD_STATE"),
	      "nothing else can be called");
	send_call(fd, "{\"id\": 8, \"call\": \"abort\"}", -1);
	answer = hear(fd);
	CHECK(json_integer_value(json_object_get(json_object_get(answer, "error"), "errno")) ==
	      -ECANCELED, "and it can be ended");
	json_decref(answer);
	CHECK(is_good(hear(fd)) && told[SHADOW_NL_TELL_ABORT] == 1, "writers abort");
	CHECK(is_error(call(fd, "{\"id\": 9, \"call\": \"create-set\"}"), "BAD_STATE"),
	      "it is over");
	{
		struct shadow_uuid uuid, instance = { { 1 } };

		shadowcopy_uuid_parse(session, &uuid);
		CHECK(!participant_find(session_find(&uuid), &instance)->metadata,
		      "and has no more of what writers told");
	}
	answer = call(fd, "{\"id\": 10, \"call\": \"status\"}");
	CHECK(json_is_true(json_object_get(first_writer(answer, "result"), "metadata")),
	      "but that they did");
	json_decref(answer);
	end(fd);

	/* an abort */
	fd = begin(0, session);
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	behaviours[SHADOW_NL_TELL_ABORT].silent = true;
	send_call(fd, "{\"id\": 5, \"call\": \"abort\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_ABORT]);
	answer = call(fd, "{\"id\": 6, \"call\": \"abort\"}");
	CHECK(json_integer_value(json_object_get(answer, "id")) == 6 && is_good(answer) &&
	      told[SHADOW_NL_TELL_ABORT] == 1, "another abort does not end the first one");
	answer_for(session, 1, SHADOW_NL_TELL_ABORT);
	CHECK(is_good(hear(fd)), "which is no failure");
	end(fd);

	/* a set, while a thread is at it */
	fd = begin(0, session);
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	takes_long = true;
	gate_close(GATE_PLACE);
	send_call(fd, "{\"id\": 5, \"call\": \"create-set\"}", -1);
	CHECK(gate_has(GATE_PLACE, 1), "a set is being made");
	CHECK(is_good(call(fd, "{\"id\": 6, \"call\": \"abort\"}")), "it is aborted");
	CHECK(is_good(call(fd, "{\"id\": 7, \"call\": \"status\"}")), "and asked about");
	gate_open(GATE_PLACE);
	CHECK(is_error(hear(fd), "BAD_STATE") && told[SHADOW_NL_TELL_ABORT] == 1 &&
	      !told[SHADOW_NL_TELL_FREEZE], "then it is given up");
	takes_long = false;
	end(fd);

	/* what a thread does with the document */
	fd = begin(0, session);
	{
		char *text = document_of(fd);
		int document = sealed_document(text);

		gate_close(GATE_LOAD);
		send_call(fd, "{\"id\": 2, \"call\": \"put-document\"}", document);
		gate_has(GATE_LOAD, 1);
		send_call(fd, "{\"id\": 3, \"call\": \"abort\"}", -1);
		turn(4);
		gate_open(GATE_LOAD);
		for (i = 2; i < 4; i++) {
			answer = hear(fd);
			CHECK(json_integer_value(json_object_get(answer, "id")) == i,
			      "an abort waits for a thread that is at the document");
			json_decref(answer);
		}
		free(text);
		close(document);
	}
	end(fd);
}

/* The answer of a requester's call, with the loop turning. */
static int wait_for(struct shadowcopy_requester *requester)
{
	int rc = -EAGAIN, i;

	for (i = 0; i < 4000 && rc == -EAGAIN; i++) {
		turn(1);
		rc = shadowcopy_requester_wait(requester, 0);
	}
	return rc;
}

/* The same by the library: what a call that takes long returns, and its descriptor. */
static void test_cancel(void)
{
	struct shadowcopy *sc = shadowcopy_new();
	struct shadowcopy_requester *requester;

	if (shadowcopy_requester_open(sc, socket_path, &requester))
		abort();
	turn(2);
	add_writer(1, 0);
	shadowcopy_requester_begin(requester, "init-backup", NULL);
	CHECK(!wait_for(requester), "a call is answered");
	behaviours[SHADOW_NL_TELL_IDENTIFY].silent = true;
	CHECK(!shadowcopy_requester_begin(requester, "gather-metadata", NULL),
	      "another one takes long");
	UNTIL(told[SHADOW_NL_TELL_IDENTIFY]);
	CHECK(shadowcopy_requester_wait(requester, 0) == -EAGAIN, "it is not answered yet");
	CHECK(shadowcopy_requester_begin(requester, "status", NULL) == -EBUSY,
	      "so no other is made");
	CHECK(!shadowcopy_requester_cancel(requester), "it is cancelled");
	CHECK(wait_for(requester) == -ECANCELED, "and ends so");
	CHECK_STRING(shadowcopy_requester_code(requester), "BAD_STATE", "with a code");
	CHECK(!shadowcopy_requester_begin(requester, "status", NULL), "the next call can be made");
	CHECK(!wait_for(requester) && strstr(shadowcopy_requester_result(requester), "\"aborted\""),
	      "the session has aborted");
	CHECK(!shadowcopy_requester_cancel(requester),
	      "nothing is under way, nothing is cancelled");
	shadowcopy_requester_close(requester);
	shadowcopy_free(sc);
	end(connect_as(0));
}

/* One that is aborted while it waits for another does not begin when that is over. */
static void test_abort_queued(void)
{
	char session[SHADOWCOPY_UUID_LEN], waits[SHADOWCOPY_UUID_LEN];
	int first = begin(0, session), second = begin(0, waits);
	struct shadow_uuid uuid;
	json_t *answer;

	if (!gather(first, session, "/data") || !add_volume(first, "vol1") ||
	    !gather(second, waits, "/data") || !add_volume(second, "vol1"))
		abort();
	takes_long = true;
	planned = 0;
	gate_close(GATE_PLACE);
	send_call(first, "{\"id\": 5, \"call\": \"create-set\"}", -1);
	gate_has(GATE_PLACE, 1);
	send_call(second, "{\"id\": 5, \"call\": \"create-set\"}", -1);
	shadowcopy_uuid_parse(waits, &uuid);
	UNTIL(set_step(session_find(&uuid)));
	behaviours[SHADOW_NL_TELL_ABORT].silent = true;
	CHECK(is_good(call(second, "{\"id\": 6, \"call\": \"abort\"}")),
	      "a set that waits is aborted");
	CHECK(told[SHADOW_NL_TELL_PREPARE_SNAPSHOT] == 1, "it has told its writer nothing of it");
	takes_long = false;
	gate_open(GATE_PLACE);
	answer = hear(first);
	CHECK_STRING(text_at(answer, "result", "consistency"), "application",
		     "the one that it waited for is made");
	json_decref(answer);
	turn(20);
	CHECK(planned == 1, "it does not begin while it aborts");
	answer_for(waits, 1, SHADOW_NL_TELL_ABORT);
	CHECK(is_error(hear(second), "BAD_STATE"), "and then is over");
	close(first);
	end(second);
}

/* Its requester goes while a writer still has the document, and a thread lists the shadows. */
static void test_gone_at_list(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session), writer = connect_as(0);

	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	behaviours[SHADOW_NL_TELL_THAW].silent = true;
	send_call(fd, "{\"id\": 5, \"call\": \"create-set\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_THAW]);
	gate_close(GATE_VIEW);
	sendf(writer, -1, WRITER_CALL, "writer-document", session, INSTANCE1, "thaw");
	CHECK(gate_has(GATE_VIEW, 1), "a writer asks for the document when it thaws");
	lists_long = true;
	gate_close(GATE_PLACE);
	answer_for(session, 1, SHADOW_NL_TELL_THAW);
	CHECK(gate_has(GATE_PLACE, 1), "and does not wait for it");
	close(fd);
	turn(20);
	gate_open(GATE_PLACE);
	turn(20);
	gate_open(GATE_VIEW);
	lists_long = false;
	UNTIL(!sessions_left());
	CHECK(!sessions_left(), "a session whose requester goes meanwhile ends");
	close(writer);
	end(connect_as(0));
}

/* What an abort comes too late for is done. */
static void test_abort_late(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session);
	json_t *answer;

	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	finishes_long = true;
	gate_close(GATE_PLACE);
	send_call(fd, "{\"id\": 5, \"call\": \"create-set\"}", -1);
	CHECK(gate_has(GATE_PLACE, 1), "a set is as good as made");
	CHECK(is_good(call(fd, "{\"id\": 6, \"call\": \"abort\"}")), "and aborted");
	gate_open(GATE_PLACE);
	finishes_long = false;
	answer = hear(fd);
	CHECK_STRING(text_at(answer, "result", "consistency"), "application",
		     "its shadows stay, so it is made");
	json_decref(answer);
	end(fd);
}

/* Behind post-snapshot nothing is undone any more (C-28), whatever call is ended. */
static void test_abort_created(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fd = begin(0, session), i;
	json_t *answer;

	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1"))
		abort();
	CHECK(is_good(call(fd, "{\"id\": 5, \"call\": \"create-set\"}")), "a set is made");
	behaviours[SHADOW_NL_TELL_BACKUP_COMPLETE].silent = true;
	send_call(fd, "{\"id\": 6, \"call\": \"backup-complete\"}", -1);
	UNTIL(told[SHADOW_NL_TELL_BACKUP_COMPLETE]);
	send_call(fd, "{\"id\": 7, \"call\": \"abort\"}", -1);
	CHECK(is_error(hear(fd), "BAD_STATE") && is_good(hear(fd)), "its end is aborted");
	answer_for(session, 1, SHADOW_NL_TELL_BACKUP_COMPLETE);
	turn(4);
	CHECK(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) < 0, "and is not told any more");
	answer = call(fd, "{\"id\": 8, \"call\": \"status\"}");
	CHECK_STRING(text_at(answer, "result", "state"), "aborted", "the session is over");
	json_decref(answer);
	CHECK(!told[SHADOW_NL_TELL_ABORT], "no writer is told to abort");
	end(fd);

	fd = begin(0, session);
	if (!gather(fd, session, "/data") || !add_volume(fd, "vol1") ||
	    !is_good(call(fd, "{\"id\": 5, \"call\": \"create-set\"}")) ||
	    !is_good(call(fd, "{\"id\": 6, \"call\": \"backup-complete\"}")))
		abort();
	gate_close(GATE_SAVE);
	send_call(fd, "{\"id\": 7, \"call\": \"get-metadata\", \"arguments\": {\"writer\": \""
		  INSTANCE1 "\"}}", -1);
	gate_has(GATE_SAVE, 1);
	send_call(fd, "{\"id\": 8, \"call\": \"abort\"}", -1);
	turn(4);
	gate_open(GATE_SAVE);
	for (i = 0; i < 2; i++)
		CHECK(is_good(hear_document(fd, NULL)), "what is complete stays so");
	answer = call(fd, "{\"id\": 9, \"call\": \"status\"}");
	CHECK_STRING(text_at(answer, "result", "state"), "complete", "and says so");
	json_decref(answer);
	CHECK(!told[SHADOW_NL_TELL_ABORT], "no writer is told to abort that");
	end(fd);
}

/* --- how many (A-12, J-05) ------------------------------------------------------------- */

static void test_limits(void)
{
	char session[SHADOWCOPY_UUID_LEN];
	int fds[6], i;

	sessions_limit(4, 2);
	for (i = 0; i < 2; i++)
		fds[i] = begin(1000, session);
	fds[2] = connect_as(1000);
	CHECK(is_error(call(fds[2], "{\"id\": 1, \"call\": \"init-backup\"}"),
		       "WRITER_STATUS_NOT_AVAILABLE"),
	      "a user has half of the backups that may be");
	for (i = 3; i < 5; i++)
		fds[i] = begin(0, session);
	fds[5] = connect_as(0);
	CHECK(is_error(call(fds[5], "{\"id\": 1, \"call\": \"init-backup\"}"),
		       "WRITER_STATUS_NOT_AVAILABLE"), "then there are as many as may be");
	close(fds[3]);
	turn(40);
	CHECK(is_good(call(fds[5], "{\"id\": 2, \"call\": \"init-backup\"}")),
	      "one that goes makes room for another");
	json_decref(call(fds[4], "{\"id\": 3, \"call\": \"abort\"}"));
	for (i = 0; i < 6; i++)
		if (i != 3)
			close(fds[i]);
	UNTIL(!sessions_left());
	sessions_limit(64, 8);
}

/* --- restores -------------------------------------------------------------------------- */

/* A document with the component of the writer that gather() has. */
static int backed_up(void)
{
	return saved_document(true, 0, true);
}

static int begin_restore(const char *more)
{
	int fd = connect_as(0), document = backed_up();
	char session[SHADOWCOPY_UUID_LEN];
	json_t *answer;

	send_call(fd, "{\"id\": 1, \"call\": \"init-restore\"}", document);
	answer = hear(fd);
	snprintf(session, sizeof(session), "%s", text_at(answer, "result", "session"));
	json_decref(answer);
	close(document);
	if (!gather_with(fd, session, "/data", more))
		abort();
	return fd;
}

static void select_all(int fd)
{
	struct shadowcopy *sc = shadowcopy_new();
	struct shadowcopy_backup *backup;
	char *text = document_of(fd);
	int document;

	if (shadowcopy_backup_load(sc, text, strlen(text), "it", 0, &backup))
		abort();
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
	backup->writers[0]->components[0]->selected = true;
	free(text);
	if (shadowcopy_backup_save(sc, backup, &text, NULL))
		abort();
	document = sealed_document(text);
	send_call(fd, "{\"id\": 3, \"call\": \"put-document\"}", document);
	json_decref(hear(fd));
	free(text);
	close(document);
	shadowcopy_backup_free(backup);
	shadowcopy_free(sc);
}

static char *last_restore(void)
{
	FILE *file = fopen(restored_path, "re");
	char *text = calloc(1, 4096);

	if (file) {
		fread(text, 1, 4095, file);
		fclose(file);
	}
	return text;
}

static void test_restores(void)
{
	char session[SHADOWCOPY_UUID_LEN], path[64], *text;
	int first, second, backup, i;
	const char *at;

	snprintf(path, sizeof(path), "/tmp/daemon-test.%d/last-restore.json", (int)getpid());
	restored_path = path;
	sessions_limit(64, 2);
	backup = begin(0, session);
	first = begin_restore("");
	second = begin_restore("");
	CHECK(is_good(call(backup, "{\"id\": 3, \"call\": \"gather-metadata\"}")),
	      "restores and a backup go on beside each other");
	{
		int fd = connect_as(0), document = backed_up();

		send_call(fd, "{\"id\": 1, \"call\": \"init-restore\"}", document);
		CHECK(is_error(hear(fd), "WRITER_STATUS_NOT_AVAILABLE"), "of restores so many");
		close(document);
		close(fd);
	}
	sessions_limit(64, 8);
	select_all(first);
	select_all(second);
	CHECK(is_good(call(first, "{\"id\": 4, \"call\": \"pre-restore\"}")), "one restores");
	CHECK(is_error(call(second, "{\"id\": 4, \"call\": \"pre-restore\"}"), "BAD_STATE"),
	      "a writer that cannot bear several has one at a time");
	CHECK(is_good(call(first, "{\"id\": 5, \"call\": \"post-restore\"}")), "it is over");
	text = last_restore();
	CHECK(strstr(text, "\"07000000-0000-0000-0000-000000000000\""),
	      "that there was one is noted for who comes later");
	free(text);
	CHECK(is_good(call(second, "{\"id\": 5, \"call\": \"pre-restore\"}")),
	      "then the other may");
	CHECK(is_good(call(second, "{\"id\": 6, \"call\": \"post-restore\"}")), "and ends");
	text = last_restore();
	for (i = 0, at = text; (at = strstr(at, "\"class\"")); at++)
		i++;
	CHECK(i == 1, "of each writer the last one is noted");
	free(text);
	close(first);
	close(second);
	unlink(path);

	first = begin_restore("");
	select_all(first);
	CHECK(is_good(call(first, "{\"id\": 4, \"call\": \"exclude-writer\", \"arguments\": "
			   "{\"writer\": \"Test\"}}")) &&
	      is_good(call(first, "{\"id\": 5, \"call\": \"pre-restore\"}")) &&
	      is_good(call(first, "{\"id\": 6, \"call\": \"post-restore\"}")),
	      "a writer does not hear of a restore");
	text = last_restore();
	CHECK(strstr(text, "\"07000000-0000-0000-0000-000000000000\""),
	      "but finds that there was one");
	free(text);
	close(first);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	end(backup);
}

/* Writers that can bear several restores of their data at a time say so (G-15). */
static void test_parallel(void)
{
	static const char can[] = "\"schema\": [\"parallel-restores\"],";
	int first = begin_restore(can), second = begin_restore(can), document;

	select_all(first);
	select_all(second);
	CHECK(is_good(call(first, "{\"id\": 4, \"call\": \"pre-restore\"}")) &&
	      is_good(call(second, "{\"id\": 4, \"call\": \"pre-restore\"}")),
	      "a writer that can bear several restores has several");
	close(first);
	close(second);
	UNTIL(!sessions_left());

	first = begin_restore("");
	second = begin_restore("");
	select_all(first);
	select_all(second);
	CHECK(is_good(call(first, "{\"id\": 4, \"call\": \"pre-restore\"}")) &&
	      is_error(call(second, "{\"id\": 4, \"call\": \"pre-restore\"}"), "BAD_STATE"),
	      "one that cannot has one");
	close(first);
	turn(40);
	CHECK(is_good(call(second, "{\"id\": 5, \"call\": \"pre-restore\"}")),
	      "until its requester has gone");

	forget_writers();
	add_writer(2, 0);	/* it was started again */
	first = connect_as(0);
	document = backed_up();
	send_call(first, "{\"id\": 1, \"call\": \"init-restore\"}", document);
	CHECK(is_good(hear(first)) &&
	      is_good(call(first, "{\"id\": 2, \"call\": \"gather-metadata\"}")), "a third begins");
	select_all(first);
	CHECK(is_error(call(first, "{\"id\": 4, \"call\": \"pre-restore\"}"), "BAD_STATE"),
	      "a writer that was started again is the same one");
	close(document);
	close(first);
	end(second);
}

void test_sessions(void)
{
	test_dead_place();
	test_no_thread();
	test_no_channel();
	test_many_dead_places();
	test_many_documents();
	test_writer_documents();
	test_who_asks();
	test_filters();
	test_support();
	test_statuses();
	test_recovery_fails();
	test_partial();
	test_prepare_fails();
	test_abort();
	test_abort_queued();
	test_cancel();
	test_gone_at_list();
	test_abort_late();
	test_abort_created();
	test_limits();
	test_restores();
	test_parallel();
}
