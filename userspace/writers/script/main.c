// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadow-writer-script: a writer that has scripts bring applications to rest.
 *
 * prepare-snapshot	looks which hooks there are, so that nothing is looked for later; one
 *			that is refused ends the set: its application would not be at rest
 * freeze		calls them, one after the other.  When one fails, those before it are
 *			thawed at once, and the set ends
 * thaw			calls those that were told to freeze, all of them
 * abort		the same, where there was no shadow
 *
 * All freezing together has half of the longest freeze, so that the other half is left for
 * the shadow and for thawing; each thawing has as much for itself, as it is never left out.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshadowcopy-channel.h"
#include "run.h"
#include "script.h"

#define FREEZE_MS 60000
#define FREEZE_MS_MIN 1000
#define FREEZE_MS_MAX 600000

static struct script_writer {
	struct shadowcopy_writer_spec spec;
	struct places places;
	const char *argument;	/* VMware's second */
	int stop_fd;		/* polls readable when the program is to end */
	bool prepared;		/* hooks are those of a set that is made */
	struct shadow_uuid session;
	struct hook_list hooks;
} self = {
	.spec = {
		.name = "script",
		.level = SHADOW_NL_LEVEL_FRONT_END,
		.freeze_ms = FREEZE_MS,
	},
	.places = {
		.qemu = { "/etc/qemu/fsfreeze-hook.d", "/etc/qemu-ga/fsfreeze-hook.d" },
		.vmware = "/etc/vmware-tools/backupScripts.d",
		.before = "/usr/sbin/pre-freeze-script",
		.after = "/usr/sbin/post-thaw-script",
	},
	.stop_fd = -1,
};

/* --- handlers ------------------------------------------------------------------------- */

static void call(const struct hook *hook, const char *path, const char *word, int64_t limit_ms,
		 int stop_fd, struct ending *ending)
{
	const struct command command = {
		.path = path,
		.word = word,
		.argument = hook->contract->has_argument ? self.argument : NULL,
		.limit_ms = limit_ms,
		.stop_fd = stop_fd,
	};

	child_run(&command, ending);
}

static size_t count_running(void)
{
	size_t i, count = 0;

	for (i = 0; i < self.hooks.count; i++)
		count += self.hooks.hooks[i].verdict == HOOK_RUNS;
	return count;
}

static int64_t limit_ms(void)
{
	return self.spec.freeze_ms / 2;
}

/* Thaw all that is owed it; @failure: of the first that fails. */
static void thaw_all(bool shadow, struct ending *failure)
{
	struct hook *hook = NULL;
	struct ending ending;

	*failure = (struct ending){ 0 };
	while ((hook = hooks_thaw_next(&self.hooks, hook))) {
		if (!hook->owed)
			continue;
		hook->owed = false;
		if (!hook->thaw)
			continue;
		call(hook, hook->thaw, hook_thaw_word(hook, shadow), limit_ms(), -1, &ending);
		if (!failure->status)
			*failure = ending;
	}
	owed_clear();
}

static void forget(void)
{
	hooks_free(&self.hooks);
	self.prepared = false;
	output_release();
}

static void log_refused(void)
{
	size_t i;

	for (i = 0; i < self.hooks.count; i++)
		if (self.hooks.hooks[i].verdict == HOOK_REFUSED)
			output_log(4, "%s is not run: %s", hook_name(&self.hooks.hooks[i]),
				   self.hooks.hooks[i].why);
}

/* Is it told of the set that hooks were looked for? */
static bool is_prepared(const struct shadowcopy_writer_event *event)
{
	return self.prepared && !memcmp(&self.session, shadowcopy_writer_event_session(event),
					sizeof(self.session));
}

static bool is_frozen(void)
{
	size_t i;

	for (i = 0; i < self.hooks.count; i++)
		if (self.hooks.hooks[i].owed)
			return true;
	return false;
}

static int refuse(struct shadowcopy_writer_event *event, const struct hook *hook)
{
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0,
					    "%.240s is not run: %.200s", hook_name(hook),
					    hook->why);
}

static int on_prepare(struct shadowcopy_writer_event *event, void *data)
{
	size_t i;

	(void)data;
	if (is_frozen())
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						    "it is frozen for another set");
	hooks_find(&self.hooks, &self.places);
	log_refused();
	for (i = 0; i < self.hooks.count; i++)
		if (self.hooks.hooks[i].verdict == HOOK_REFUSED)
			return refuse(event, &self.hooks.hooks[i]);
	self.session = *shadowcopy_writer_event_session(event);
	self.prepared = true;
	return 0;
}

static void freeze_one(struct hook *hook, int64_t until, struct ending *ending)
{
	owed_note(hook);
	hook->owed = true;
	*ending = (struct ending){ 0 };
	if (hook->freeze)
		call(hook, hook->freeze, "freeze", until - now_ms(), self.stop_fd, ending);
	if (ending->status)
		hook->owed = ending->ran && hook->contract->thaws_failed;
}

static int on_freeze(struct shadowcopy_writer_event *event, void *data)
{
	int64_t until = now_ms() + limit_ms();
	struct ending ending, ignored;
	size_t i;

	(void)data;
	if (!is_prepared(event))
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_RETRYABLE, 0,
						    "it was not told to prepare");
	shadowcopy_writer_event_extend(event, self.spec.freeze_ms);
	output_hold();
	for (i = 0; i < self.hooks.count; i++) {
		struct hook *hook = &self.hooks.hooks[i];

		if (hook->verdict != HOOK_RUNS)
			continue;
		freeze_one(hook, until, &ending);
		if (!ending.status)
			continue;
		thaw_all(false, &ignored);
		forget();
		return shadowcopy_writer_event_fail(event, ending.status, ending.code, "%s",
						    ending.text);
	}
	return 0;
}

static int on_thaw(struct shadowcopy_writer_event *event, void *data)
{
	struct ending failure;

	(void)data;
	if (!is_prepared(event))
		return 0;
	thaw_all(true, &failure);
	forget();
	return failure.status ? shadowcopy_writer_event_fail(event, failure.status, failure.code,
							     "%s", failure.text) : 0;
}

static int on_abort(struct shadowcopy_writer_event *event, void *data)
{
	struct ending failure;

	(void)data;
	if (!is_prepared(event))
		return 0;	/* of another set, which has come to nothing here */
	thaw_all(false, &failure);
	forget();
	return 0;	/* what failed is in the log */
}

static int on_idle(void *data)
{
	(void)data;
	output_drain();
	child_reap();
	return 0;
}

/* --- --check --------------------------------------------------------------------------- */

static void print_command(const struct hook *hook, const char *path, const char *word)
{
	bool argument = hook->contract->has_argument && self.argument;

	if (path && hook->verdict == HOOK_RUNS)
		printf("  %s %s%s%s\n", path, word, argument ? " " : "",
		       argument ? self.argument : "");
}

static size_t print_others(enum verdict verdict, const char *heading)
{
	size_t i, count = 0;

	for (i = 0; i < self.hooks.count; i++) {
		const struct hook *hook = &self.hooks.hooks[i];

		if (hook->verdict != verdict)
			continue;
		if (!count++)
			puts(heading);
		printf("  %s: %s\n", hook_name(hook), hook->why);
	}
	return count;
}

static void print_commands(void)
{
	const struct hook *hook = NULL;
	size_t i;

	puts("freeze:");
	for (i = 0; i < self.hooks.count; i++)
		print_command(&self.hooks.hooks[i], self.hooks.hooks[i].freeze, "freeze");
	puts("thaw:");
	while ((hook = hooks_thaw_next(&self.hooks, hook)))
		print_command(hook, hook->thaw, hook_thaw_word(hook, true));
}

static int check(void)
{
	size_t refused;

	hooks_find(&self.hooks, &self.places);
	if (count_running())
		print_commands();
	else
		puts("no script would be run");
	print_others(HOOK_IGNORED, "ignored:");
	refused = print_others(HOOK_REFUSED, "refused, and no set is made with this writer:");
	return fflush(stdout) || refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- running --------------------------------------------------------------------------- */

/* Nothing of who started it is left for scripts, and nothing has to be read when it counts. */
static void settle(void)
{
	sigset_t set;

	syscall(__NR_close_range, 3U, ~0U, 0U);
	if (chdir("/"))
		writer_log(4, "/: %s", strerror(errno));
	umask(022);
	writer_block_signals();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	self.stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		writer_log(4, "memory cannot be locked (%s): a set with the root filesystem can "
			   "time out", strerror(errno));
}

/* What one that was killed has left frozen. */
static void thaw_owed(void)
{
	struct ending failure;

	owed_read(&self.hooks);
	if (self.hooks.count)
		writer_log(4, "the last \"%s\" was killed while scripts were frozen: they are "
			   "thawed now", self.spec.name);
	log_refused();
	for (size_t i = 0; i < self.hooks.count; i++)
		if (self.hooks.hooks[i].verdict != HOOK_RUNS)
			self.hooks.hooks[i].owed = false;
	thaw_all(false, &failure);
	forget();
}

static int begin(void)
{
	int rc = owed_open(self.spec.name);

	if (rc == -EBUSY) {
		writer_log(3, "another writer \"%s\" runs; give this one another --name",
			   self.spec.name);
		return EXIT_FAILURE;
	}
	if (rc)
		writer_log(4, "/run/shadowcopy: %s: if this program is killed, nothing thaws what "
			   "it froze", strerror(-rc));
	thaw_owed();
	hooks_find(&self.hooks, &self.places);
	log_refused();
	writer_log(6, "%zu scripts are there now", count_running());
	hooks_free(&self.hooks);
	return EXIT_SUCCESS;
}

static int run(void)
{
	const struct shadowcopy_writer_ops ops = {
		.prepare_snapshot = on_prepare,
		.freeze = on_freeze,
		.thaw = on_thaw,
		.abort = on_abort,
	};
	struct shadowcopy_writer *writer;
	struct shadowcopy *sc;
	int status;

	if (geteuid()) {
		writer_log(3, "only root can run scripts as root; --check is for everybody");
		return EXIT_FAILURE;
	}
	settle();
	status = begin();
	if (status)
		return status;
	sc = shadowcopy_new();
	if (!sc || shadowcopy_writer_open(sc, &self.spec, &ops, NULL, &writer)) {
		writer_log(3, "%s", sc ? shadowcopy_last_error(sc)->text : strerror(ENOMEM));
		return EXIT_FAILURE;
	}
	status = writer_run(sc, writer, on_idle, NULL);
	shadowcopy_writer_close(writer);
	shadowcopy_free(sc);
	return status;
}

/* --- arguments ------------------------------------------------------------------------- */

static void help(void)
{
	puts("Usage: shadow-writer-script [OPTION]...\n\n"
	     "A writer that has scripts bring applications to rest: those that were made for\n"
	     "QEMU's guest agent and for VMware's tools.  See shadow-writer-script(8).\n\n"
	     "      --qemu PATH             a directory with hooks, or one hook, in place of\n"
	     "                              /etc/qemu/fsfreeze-hook.d and\n"
	     "                              /etc/qemu-ga/fsfreeze-hook.d\n"
	     "      --vmware DIRECTORY      in place of /etc/vmware-tools/backupScripts.d\n"
	     "      --vmware-argument TEXT  second argument of these scripts\n"
	     "      --no-qemu               nothing of the one\n"
	     "      --no-vmware             or of the other\n"
	     "      --name NAME             name of the writer (script)\n"
	     "      --level LEVEL           front-end (the default), back-end or system\n"
	     "      --freeze-ms MS          longest freeze (60000); scripts have half of it\n"
	     "      --check                 print what would be run, and what not and why\n"
	     "  -h, --help                  this help\n"
	     "  -V, --version               the version");
}

static int wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "shadow-writer-script: %s \"%s\": give %s\n", option, value, wanted);
	return 2;
}

static int take_level(const char *word)
{
	uint32_t level;

	for (level = SHADOW_NL_LEVEL_FRONT_END; level <= SHADOW_NL_LEVEL_SYSTEM; level++)
		if (!strcmp(shadowcopy_level_name(level), word)) {
			self.spec.level = level;
			return 0;
		}
	return wrong("--level", word, "front-end, back-end or system");
}

static int take_freeze_ms(const char *word)
{
	char *end;
	unsigned long ms = strtoul(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || ms < FREEZE_MS_MIN || ms > FREEZE_MS_MAX)
		return wrong("--freeze-ms", word, "a number from 1000 to 600000");
	self.spec.freeze_ms = ms;
	return 0;
}

/* It becomes a part of a file's name. */
static int take_name(const char *word)
{
	if (!*word || strchr(word, '/') || strlen(word) > SHADOW_NL_NAME_MAX)
		return wrong("--name", word, "a name without \"/\", of 127 bytes at most");
	self.spec.name = word;
	return 0;
}

static const char *absolute(const char *path)
{
	char *directory, *whole;

	if (*path == '/')
		return path;
	directory = getcwd(NULL, 0);
	if (!directory)
		return path;
	whole = say("%s/%s", directory, path);
	free(directory);
	return whole;
}

enum { QEMU = 256, VMWARE, ARGUMENT, NO_QEMU, NO_VMWARE, NAME, LEVEL, FREEZE, CHECK };

/* 0, or the exit status. */
static int take_option(int option, const char *value, bool *checks)
{
	switch (option) {
	case QEMU:
	case NO_QEMU:
		self.places.qemu[0] = value ? absolute(value) : NULL;
		self.places.qemu[1] = NULL;
		self.places.named_qemu = value;
		return 0;
	case VMWARE:
		self.places.vmware = absolute(value);
		self.places.named_vmware = true;
		return 0;
	case NO_VMWARE:
		self.places.vmware = NULL;
		self.places.before = NULL;
		self.places.after = NULL;
		return 0;
	case ARGUMENT:
		self.argument = value;
		return 0;
	case NAME:
		return take_name(value);
	case LEVEL:
		return take_level(value);
	case FREEZE:
		return take_freeze_ms(value);
	case CHECK:
		*checks = true;
		return 0;
	default:
		return 2;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "qemu", required_argument, NULL, QEMU },
		{ "vmware", required_argument, NULL, VMWARE },
		{ "vmware-argument", required_argument, NULL, ARGUMENT },
		{ "no-qemu", no_argument, NULL, NO_QEMU },
		{ "no-vmware", no_argument, NULL, NO_VMWARE },
		{ "name", required_argument, NULL, NAME },
		{ "level", required_argument, NULL, LEVEL },
		{ "freeze-ms", required_argument, NULL, FREEZE },
		{ "check", no_argument, NULL, CHECK },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	bool checks = false;
	int option, status;

	shadowcopy_uuid_parse("cee8c03d-9b72-4ee3-8f66-1a9c93c78707", &self.spec.class_id);
	while ((option = getopt_long(argc, argv, "hV", longs, NULL)) != -1) {
		if (option == 'h') {
			help();
			return EXIT_SUCCESS;
		}
		if (option == 'V') {
			printf("shadow-writer-script %s\n", shadowcopy_version());
			return EXIT_SUCCESS;
		}
		status = take_option(option, optarg, &checks);
		if (status)
			return status;
	}
	if (optind < argc) {
		fprintf(stderr, "shadow-writer-script: \"%s\" is one argument too many\n",
			argv[optind]);
		return 2;
	}
	return checks ? check() : run();
}
