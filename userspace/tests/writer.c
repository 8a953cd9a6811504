// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer.c - a writer of the library, without the module and without the coordinator: what the
 * channel brings is said here, what is answered is noted, and documents come from here.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libshadowcopy-channel.h"
#include "libshadowcopy-writer.h"
#include "packet.h"
#include "test.h"

int test_count, test_failures;

/* --- instead of the module ------------------------------------------------------------------- */

static struct shadowcopy_channel_message waiting[16], answered;
static unsigned int waiting_count, answer_count;
static int channel_fd;

int __wrap_shadowcopy_channel_open(struct shadowcopy *sc, struct shadowcopy_channel **channelp);
int __wrap_shadowcopy_channel_open(struct shadowcopy *sc, struct shadowcopy_channel **channelp)
{
	(void)sc;
	*channelp = (struct shadowcopy_channel *)&channel_fd;
	return 0;
}

void __wrap_shadowcopy_channel_close(struct shadowcopy_channel *channel);
void __wrap_shadowcopy_channel_close(struct shadowcopy_channel *channel)
{
	(void)channel;
}

int __wrap_shadowcopy_channel_fd(const struct shadowcopy_channel *channel);
int __wrap_shadowcopy_channel_fd(const struct shadowcopy_channel *channel)
{
	(void)channel;
	return channel_fd;
}

int __wrap_shadowcopy_channel_register(struct shadowcopy_channel *channel,
				       const struct shadowcopy_channel_writer *writer);
int __wrap_shadowcopy_channel_register(struct shadowcopy_channel *channel,
				       const struct shadowcopy_channel_writer *writer)
{
	(void)channel;
	(void)writer;
	return 0;
}

int __wrap_shadowcopy_channel_next(struct shadowcopy_channel *channel,
				   struct shadowcopy_channel_message *message);
int __wrap_shadowcopy_channel_next(struct shadowcopy_channel *channel,
				   struct shadowcopy_channel_message *message)
{
	(void)channel;
	if (!waiting_count)
		return 0;
	*message = waiting[0];
	memmove(&waiting[0], &waiting[1], --waiting_count * sizeof(*waiting));
	return 1;
}

int __wrap_shadowcopy_channel_answer(struct shadowcopy_channel *channel, uint64_t cookie,
				     uint32_t status, uint32_t app_code, const char *text);
int __wrap_shadowcopy_channel_answer(struct shadowcopy_channel *channel, uint64_t cookie,
				     uint32_t status, uint32_t app_code, const char *text)
{
	(void)channel;
	(void)app_code;
	answered.cookie = cookie;
	answered.status = status;
	snprintf(answered.text, sizeof(answered.text), "%s", text);
	answer_count++;
	return 0;
}

/* --- instead of the coordinator -------------------------------------------------------- */

static char calls[256], arguments_text[256];
static json_t *body;
static int document = -1;

int __wrap_sc_link_open(struct shadowcopy *sc, const char *path, struct sc_link **linkp);
int __wrap_sc_link_open(struct shadowcopy *sc, const char *path, struct sc_link **linkp)
{
	(void)sc;
	(void)path;
	*linkp = (struct sc_link *)&body;
	return 0;
}

void __wrap_sc_link_close(struct sc_link *link);
void __wrap_sc_link_close(struct sc_link *link)
{
	(void)link;
}

bool __wrap_sc_link_waits(const struct sc_link *link);
bool __wrap_sc_link_waits(const struct sc_link *link)
{
	(void)link;
	return false;
}

static int saved_document(void)
{
	struct shadow_uuid session = { { 1 } };
	struct shadowcopy *sc = shadowcopy_new();
	struct shadowcopy_backup *backup;
	int fd = memfd_create("document", 0);
	size_t size;
	char *text;

	if (shadowcopy_backup_new(sc, &session, &backup) ||
	    shadowcopy_backup_save(sc, backup, &text, &size) ||
	    pwrite(fd, text, size, 0) != (ssize_t)size)
		abort();
	free(text);
	shadowcopy_backup_free(backup);
	shadowcopy_free(sc);
	return fd;
}

int __wrap_sc_link_call(struct sc_link *link, const char *call, json_t *arguments,
			const char *text, size_t size);
int __wrap_sc_link_call(struct sc_link *link, const char *call, json_t *arguments,
			const char *text, size_t size)
{
	const char *told = "";

	(void)link;
	(void)text;
	(void)size;
	json_unpack(arguments, "{s:s}", "told", &told);
	snprintf(arguments_text, sizeof(arguments_text), "%s", told);
	snprintf(calls + strlen(calls), sizeof(calls) - strlen(calls), "%s ", call);
	json_decref(arguments);
	json_decref(body);
	body = NULL;
	if (!strcmp(call, "writer-document")) {
		body = json_pack("{s:i, s:[s, s]}", "step", SHADOWCOPY_STEP_PREPARE_BACKUP,
				 "volumes", "8:1", "253:7");
		document = saved_document();
	} else if (!strcmp(call, "writer-requester")) {
		body = json_pack("{s:i, s:i, s:b, s:s}", "uid", 1000, "pid", 4711, "restore", true,
				 "context", "app-rollback");
	}
	return 0;
}

int __wrap_sc_link_wait(struct sc_link *link, int timeout_ms);
int __wrap_sc_link_wait(struct sc_link *link, int timeout_ms)
{
	(void)link;
	(void)timeout_ms;
	return 0;
}

json_t *__wrap_sc_link_body(const struct sc_link *link);
json_t *__wrap_sc_link_body(const struct sc_link *link)
{
	(void)link;
	return body;
}

int __wrap_sc_link_take_document(struct sc_link *link);
int __wrap_sc_link_take_document(struct sc_link *link)
{
	int fd = document;

	(void)link;
	document = -1;
	return fd;
}

/* Which volumes paths are looked for on. */
static char looked_for[64];

int __wrap_shadowcopy_affected_new(struct shadowcopy *sc, const struct shadow_dev *volumes,
				   size_t count, struct shadowcopy_affected **affectedp);
int __wrap_shadowcopy_affected_new(struct shadowcopy *sc, const struct shadow_dev *volumes,
				   size_t count, struct shadowcopy_affected **affectedp)
{
	size_t i;

	(void)sc;
	looked_for[0] = '\0';
	for (i = 0; i < count; i++)
		snprintf(looked_for + strlen(looked_for), sizeof(looked_for) - strlen(looked_for),
			 "%u:%u ", volumes[i].major, volumes[i].minor);
	*affectedp = NULL;
	return 0;
}

int __wrap_shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
				    bool below);
int __wrap_shadowcopy_affected_test(struct shadowcopy_affected *affected, const char *path,
				    bool below)
{
	(void)affected;
	(void)below;
	return !strcmp(path, "/there");
}

/* --- the writer ------------------------------------------------------------------------ */

static struct shadowcopy *sc;
static char heard[512];		/* "freeze:1 abort:2 " ... */
static bool last_ends, asks;

static char volumes_seen[64];
static int there, elsewhere;
static struct shadowcopy_writer_requester who;

static void ask(struct shadowcopy_writer_event *event)
{
	const struct shadow_dev *volumes;
	size_t i, count;

	if (shadowcopy_writer_event_volumes(event, &volumes, &count) ||
	    shadowcopy_writer_event_requester(event, &who))
		abort();
	for (i = 0; i < count; i++)
		snprintf(volumes_seen + strlen(volumes_seen),
			 sizeof(volumes_seen) - strlen(volumes_seen), "%u:%u ", volumes[i].major,
			 volumes[i].minor);
	there = shadowcopy_writer_event_path_affected(event, "/there");
	elsewhere = shadowcopy_writer_event_path_affected(event, "/elsewhere");
}

static int on_event(struct shadowcopy_writer_event *event, void *data)
{
	(void)data;
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s:%u ",
		 shadowcopy_tell_name(shadowcopy_writer_event_tell(event)),
		 shadowcopy_writer_event_session(event)->b[0]);
	last_ends = shadowcopy_writer_event_ends(event);
	if (asks)
		ask(event);
	return 0;
}

static int on_strain(struct shadowcopy_writer_event *event, void *data)
{
	struct shadowcopy_writer_filling filling;
	const struct shadow_dev *volumes;
	size_t count;

	(void)data;
	if (shadowcopy_writer_event_filling(event, &filling) ||
	    shadowcopy_writer_event_volumes(event, &volumes, &count) || count != 1 ||
	    volumes[0].minor != filling.volume.minor ||
	    shadowcopy_writer_event_requester(event, &who) != -EBADFD)
		abort();
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s:%s:%u:%u:%u ",
		 shadowcopy_tell_name(shadowcopy_writer_event_tell(event)), filling.name,
		 filling.volume.minor, filling.percent, filling.seconds);
	there = shadowcopy_writer_event_path_affected(event, "/there");
	elsewhere = shadowcopy_writer_event_path_affected(event, "/elsewhere");
	last_ends = shadowcopy_writer_event_ends(event);
	return 0;
}

static const struct shadowcopy_writer_ops ops = {
	.prepare_backup = on_event, .prepare_snapshot = on_event, .freeze = on_event,
	.thaw = on_event, .post_snapshot = on_event, .abort = on_event,
	.back_off = on_strain, .continue_io = on_strain,
};

static struct shadowcopy_writer *open_writer(void)
{
	const struct shadowcopy_writer_spec spec = { .class_id = { { 3 } }, .name = "Test" };
	struct shadowcopy_writer *writer;

	heard[0] = '\0';
	if (shadowcopy_writer_open(sc, &spec, &ops, NULL, &writer)) {
		printf("Bail out! %s\n", shadowcopy_last_error(sc)->text);
		exit(1);
	}
	return writer;
}

/* Tell it something in a session: its answer's status. */
static uint32_t tell(struct shadowcopy_writer *writer, unsigned char session, uint32_t what)
{
	static uint64_t cookie;

	waiting[waiting_count++] = (struct shadowcopy_channel_message){
		.command = SHADOW_NL_CMD_WRITER_TELL, .tell = what, .session = { { session } },
		.cookie = ++cookie, .freeze_ms = 50,
	};
	answered.status = ~0U;
	shadowcopy_writer_process(writer);
	return answered.cookie == cookie ? answered.status : ~0U;
}

static void test_another_aborts(void)
{
	struct shadowcopy_writer *writer = open_writer();

	tell(writer, 1, SHADOW_NL_TELL_PREPARE_BACKUP);
	tell(writer, 2, SHADOW_NL_TELL_PREPARE_BACKUP);
	tell(writer, 1, SHADOW_NL_TELL_PREPARE_SNAPSHOT);
	tell(writer, 1, SHADOW_NL_TELL_FREEZE);
	CHECK(!tell(writer, 2, SHADOW_NL_TELL_ABORT),
	      "the abort of a session that waits is answered");
	CHECK(!tell(writer, 3, SHADOW_NL_TELL_ABORT), "so is one of a session that began nothing");
	CHECK_STRING(heard, "prepare-backup:1 prepare-backup:2 prepare-snapshot:1 freeze:1 ",
		     "a writer that is frozen for another one does not hear of them");
	CHECK(!tell(writer, 1, SHADOW_NL_TELL_THAW), "and thaws in its time");
	heard[0] = '\0';
	CHECK(!tell(writer, 1, SHADOW_NL_TELL_POST_SNAPSHOT), "when the shadow is there");
	CHECK_STRING(heard, "post-snapshot:1 abort:2 ",
		     "it hears of what was begun, and of no more");
	heard[0] = '\0';
	tell(writer, 2, SHADOW_NL_TELL_ABORT);
	CHECK_STRING(heard, "abort:2 ", "where nothing rests each abort is heard");
	shadowcopy_writer_close(writer);
}

static void test_own_abort(void)
{
	struct shadowcopy_writer *writer = open_writer();

	tell(writer, 2, SHADOW_NL_TELL_PREPARE_BACKUP);
	tell(writer, 1, SHADOW_NL_TELL_PREPARE_SNAPSHOT);
	tell(writer, 1, SHADOW_NL_TELL_FREEZE);
	tell(writer, 2, SHADOW_NL_TELL_ABORT);
	heard[0] = '\0';
	CHECK(!tell(writer, 1, SHADOW_NL_TELL_ABORT), "who has come to rest is aborted at once");
	CHECK_STRING(heard, "abort:1 abort:2 ", "then what waited");
	CHECK(!last_ends, "the writer goes on");
	shadowcopy_writer_close(writer);
}

static void test_timer(void)
{
	struct shadowcopy_writer *writer = open_writer();

	tell(writer, 2, SHADOW_NL_TELL_PREPARE_BACKUP);
	tell(writer, 1, SHADOW_NL_TELL_FREEZE);
	tell(writer, 2, SHADOW_NL_TELL_ABORT);
	heard[0] = '\0';
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	shadowcopy_writer_process(writer);
	CHECK_STRING(heard, "abort:1 abort:2 ", "a freeze that is too long ends, then what waited");
	CHECK(tell(writer, 1, SHADOW_NL_TELL_THAW) == SHADOW_NL_STATUS_TIMEOUT,
	      "a thaw after that is none");
	heard[0] = '\0';
	tell(writer, 4, SHADOW_NL_TELL_PREPARE_BACKUP);
	shadowcopy_writer_close(writer);
	CHECK_STRING(heard, "prepare-backup:4 abort:4 ", "who is closed undoes what was begun");
	CHECK(last_ends, "and hears that it is the end");
}

static void test_asking(void)
{
	struct shadowcopy_writer *writer = open_writer();

	asks = true;
	tell(writer, 1, SHADOW_NL_TELL_PREPARE_BACKUP);
	asks = false;
	CHECK_STRING(volumes_seen, "8:1 253:7 ",
		     "the volumes of the set are there before its shadows");
	CHECK(there == 1 && !elsewhere, "a path is on them, or not");
	CHECK_STRING(looked_for, "8:1 253:7 ", "by these volumes");
	CHECK(who.uid == 1000 && who.pid == 4711 && who.restore &&
	      who.context == SHADOWCOPY_CTX_APP_ROLLBACK, "who asks is told");
	CHECK_STRING(calls, "writer-document writer-requester ", "each by one call");
	CHECK_STRING(arguments_text, "prepare-backup", "with what it answers");
	shadowcopy_writer_close(writer);
}

static void strain(struct shadowcopy_writer *writer, unsigned int minor, uint32_t what,
		   uint32_t percent)
{
	struct shadowcopy_channel_message message = {
		.command = SHADOW_NL_CMD_WRITER_TELL, .tell = what, .percent = percent,
		.volume = { 8, minor }, .seconds = 7,
	};

	snprintf(message.name, sizeof(message.name), "sda%u", minor);
	waiting[waiting_count++] = message;
	shadowcopy_writer_process(writer);
}

static void test_strain(void)
{
	const struct shadowcopy_writer_spec spec = { .class_id = { { 3 } }, .name = "Test" };
	const struct shadowcopy_writer_ops half = { .back_off = on_strain };
	struct shadowcopy_writer *writer = open_writer();
	unsigned int before = answer_count;

	strain(writer, 1, SHADOW_NL_TELL_CONTINUE, 0);
	CHECK_STRING(heard, "", "who was not told to back off is not told to go on");
	strain(writer, 1, SHADOW_NL_TELL_BACK_OFF, 86);
	CHECK(there == 1 && !elsewhere, "it sees which of its paths are on the volume that fills");
	strain(writer, 2, SHADOW_NL_TELL_BACK_OFF, 90);
	strain(writer, 1, SHADOW_NL_TELL_BACK_OFF, 96);
	strain(writer, 1, SHADOW_NL_TELL_CONTINUE, 60);
	strain(writer, 1, SHADOW_NL_TELL_CONTINUE, 60);
	CHECK_STRING(heard, "back-off:sda1:1:86:7 back-off:sda2:2:90:7 back-off:sda1:1:96:7 "
		     "continue:sda1:1:60:7 ", "after that once, for each volume");
	CHECK(answer_count == before, "and nothing is answered");
	heard[0] = '\0';
	shadowcopy_writer_close(writer);
	CHECK_STRING(heard, "continue:sda2:2:0:0 ",
		     "a writer that is closed is told to go on first");
	CHECK(last_ends, "and that it hears no more");
	CHECK(shadowcopy_writer_open(sc, &spec, &half, NULL, &writer) == -EINVAL,
	      "who takes the one has to take the other");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	channel_fd = eventfd(0, EFD_CLOEXEC);
	sc = shadowcopy_new();
	puts("KTAP version 1");
	test_another_aborts();
	test_own_abort();
	test_timer();
	test_asking();
	test_strain();
	json_decref(body);
	shadowcopy_free(sc);
	printf("1..%d\n", test_count);
	return test_failures ? 1 : 0;
}
