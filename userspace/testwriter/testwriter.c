// SPDX-License-Identifier: GPL-2.0-only
/*
 * testwriter.c - a writer that does, and fails at, whatever it is told to (P-02).
 *
 * It logs what it is told, with the time, so that a test can look at order and states, and can
 * fail, be late, hang or die at any of it.  What it has is what its metadata, a file, says;
 * what is done with that, to delete it after the instant, to roll it forward or to compare it, its
 * commands do, which are told in the environment what the document says (edit.c).
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshadowcopy-channel.h"
#include "libshadowcopy-writer.h"
#include "edit.h"

#define SETS_MAX 16
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define TELLS (SHADOW_NL_TELL_CONTINUE + 1)

/* What happens at one of the things it is told. */
static struct {
	uint32_t status;
	unsigned int times;
	unsigned int delay_ms;
	bool dies;
	bool hangs;
	bool without;
	const char *set[SETS_MAX];	/* PROPERTY=TEXT, of all its components */
	unsigned int sets;
	const char *edit;	/* a command that says what to put into the document */
	const char *save;	/* the document, in this file */
	const char *run;	/* this command */
} at[TELLS];

static const char *metadata_file, *path;
static bool blocks_revert;
static uint32_t level;

static const char *name = "test";
static FILE *log_file;
static struct shadowcopy *sc;
static volatile sig_atomic_t ends;

static void on_signal(int number)
{
	(void)number;
	ends = 1;
}

/* In which session it is, or which volume fills, and how much. */
static void note(const char *what, struct shadowcopy_writer_event *event)
{
	char session[SHADOWCOPY_UUID_LEN], where[SHADOW_NL_NAME_MAX + 16];
	struct shadowcopy_writer_filling filling;
	struct timespec now;

	if (shadowcopy_writer_event_filling(event, &filling))
		shadowcopy_uuid_format(shadowcopy_writer_event_session(event), session);
	else
		snprintf(where, sizeof(where), "%s %u", filling.name, filling.percent);

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(log_file, "%lld.%06ld %s %s %s\n", (long long)now.tv_sec, now.tv_nsec / 1000, name,
		what, filling.name ? where : session);
	fflush(log_file);
}

static void pause_ms(unsigned int ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static int use_metadata(struct shadowcopy_writer_event *event, const void *text, size_t size)
{
	struct shadowcopy_metadata *metadata;
	int rc = shadowcopy_writer_event_load_metadata(event, text, size);

	if (rc || !blocks_revert)
		return rc;
	return shadowcopy_writer_event_metadata(event, &metadata) ?:
	       shadowcopy_metadata_set_blocks_revert(sc, metadata, true);
}

/* 0, or the event has failed. */
static int tell_metadata(struct shadowcopy_writer_event *event)
{
	static char text[1 << 20];
	FILE *file = fopen(metadata_file, "re");
	const char *why = strerror(errno);
	size_t size = 0;

	if (file) {
		size = fread(text, 1, sizeof(text), file);
		fclose(file);
		if (!use_metadata(event, text, size))
			return 0;
		why = shadowcopy_last_error(sc)->text;
	}
	fprintf(stderr, "testwriter: %s: %s\n", metadata_file, why);
	return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0, "%s: %s",
					    metadata_file, why);
}

static int run_edit(struct shadowcopy_backup *backup, const char *command)
{
	const char *component = NULL;
	FILE *pipe = popen(command, "re");
	char *text = NULL, *line, *rest;
	size_t room = 0;
	ssize_t got;
	int rc = 0;

	if (!pipe)
		return -errno;
	got = getdelim(&text, &room, '\0', pipe);
	if (pclose(pipe))
		rc = -EIO;
	for (rest = got > 0 ? text : NULL; !rc && (line = strsep(&rest, "\n"));)
		rc = edit_line(sc, backup, line, &component);
	free(text);
	return rc;
}

/* What was asked for with the document: 0 or a negative errno. */
static int use_document(struct shadowcopy_backup *backup, uint32_t tell)
{
	unsigned int i;
	size_t size;
	char *text;
	int rc = 0;

	if (at[tell].save) {
		rc = shadowcopy_backup_save(sc, backup, &text, &size);
		if (!rc) {
			rc = shadowcopy_document_write(sc, at[tell].save, text, size);
			free(text);
		}
	}
	for (i = 0; !rc && i < at[tell].sets; i++)
		rc = edit_set(sc, backup, at[tell].set[i]);
	return rc || !at[tell].edit ? rc : run_edit(backup, at[tell].edit);
}

static void set_number(const char *variable, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	setenv(variable, text, 1);
}

/* With the shadow of --path, and whether that is affected. */
static void set_environment(struct shadowcopy_writer_event *event, uint32_t tell)
{
	struct shadowcopy_writer_filling filling;
	const char *device;

	unsetenv("SHADOW");
	unsetenv("AFFECTED");
	unsetenv("VOLUME");
	unsetenv("PERCENT");
	unsetenv("SECONDS_LEFT");
	if (path && !shadowcopy_writer_event_shadow(event, path, &device))
		setenv("SHADOW", device, 1);
	if (!shadowcopy_writer_event_filling(event, &filling)) {
		setenv("VOLUME", filling.name, 1);
		set_number("PERCENT", filling.percent);
		set_number("SECONDS_LEFT", filling.seconds);
	}
	if (path && tell != SHADOW_NL_TELL_IDENTIFY)
		setenv("AFFECTED", shadowcopy_writer_event_path_affected(event, path) == 1 ? "1" :
		       "0", 1);
}

/* 0, or why it fails. */
static const char *do_commands(struct shadowcopy_writer_event *event, uint32_t tell)
{
	bool edits = at[tell].save || at[tell].sets || at[tell].edit;
	struct shadowcopy_backup *backup = NULL;

	if (!edits && !at[tell].run)
		return NULL;
	/* Of some things that it is told there is no document. */
	if (shadowcopy_writer_event_backup(event, &backup) && edits)
		return shadowcopy_last_error(sc)->text;
	edit_environment(backup, level);
	set_environment(event, tell);
	if (edits && use_document(backup, tell))
		return shadowcopy_last_error(sc)->text;
	if (at[tell].run && system(at[tell].run))
		return "its command failed";
	return NULL;
}

static int on_event(struct shadowcopy_writer_event *event, void *data)
{
	uint32_t tell = shadowcopy_writer_event_tell(event);
	const char *problem;

	(void)data;
	note(shadowcopy_tell_name(tell), event);
	if (at[tell].dies)
		_exit(9);
	while (at[tell].hangs && !ends)
		pause_ms(100);
	pause_ms(at[tell].delay_ms);
	if (tell == SHADOW_NL_TELL_IDENTIFY && metadata_file) {
		int rc = tell_metadata(event);

		if (rc)
			return rc;
	}
	problem = do_commands(event, tell);
	if (problem)
		return shadowcopy_writer_event_fail(event, SHADOW_NL_STATUS_NONRETRYABLE, 0, "%s",
						    problem);
	if (at[tell].times && at[tell].status) {
		at[tell].times--;
		return shadowcopy_writer_event_fail(event, at[tell].status, 42,
						    "%s was told to fail at %s", name,
						    shadowcopy_tell_name(tell));
	}
	return 0;
}

/* NUMBER, and nothing behind it. */
static unsigned int amount_of(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && value <= UINT32_MAX)
		return value;
	fprintf(stderr, "testwriter: \"%s\" is no number\n", text);
	exit(2);
}

static uint32_t number_of(const char *what, const char *(*names)(uint32_t number), uint32_t count,
			  const char *word, size_t length)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (strlen(names(i)) == length && !strncmp(names(i), word, length))
			return i;
	fprintf(stderr, "testwriter: there is no %s \"%.*s\"; see --help\n", what, (int)length,
		word);
	exit(2);
}

static uint32_t tell_of(const char *word)
{
	return number_of("event", shadowcopy_tell_name, TELLS, word, strcspn(word, "=:"));
}

static const char *behind_colon(const char *text)
{
	const char *colon = strchr(text, ':');

	if (colon)
		return colon + 1;
	fprintf(stderr, "testwriter: \"%s\" has no \":\"\n", text);
	exit(2);
}

/* EVENT=STATUS[:TIMES] */
static void take_fail(const char *text)
{
	uint32_t tell = tell_of(text);
	const char *status = strchr(text, '='), *times;

	status = status ? status + 1 : "nonretryable";
	times = strchr(status, ':');
	at[tell].status = number_of("status", shadowcopy_status_name, SHADOW_NL_STATUS_PARTIAL + 1,
				    status, strcspn(status, ":"));
	at[tell].times = times ? amount_of(times + 1) : 1;
}

static void take_delay(const char *text)
{
	const char *ms = strchr(text, '=');

	at[tell_of(text)].delay_ms = ms ? amount_of(ms + 1) : 1000;
}

static void help(void)
{
	puts("Usage: shadow-testwriter [OPTIONS]\n\n"
	     "A writer for tests: it logs what it is told, and fails where it is told to.\n\n"
	     "      --name NAME          its name (test)\n"
	     "      --instance NAME      and that of the instance\n"
	     "      --class UUID         its class\n"
	     "      --level LEVEL        front-end (the default), back-end or system\n"
	     "      --freeze-ms MS       longest freeze (60000)\n"
	     "      --log FILE           append to FILE instead of standard output\n"
	     "      --fail EVENT[=STATUS[:TIMES]]\n"
	     "                           fail at it: inconsistent, no-resources, timeout, retryable,\n"
	     "                           nonretryable (the default), recovery-failed or partial\n"
	     "      --delay EVENT[=MS]   be late, by a second\n"
	     "      --hang EVENT         never answer\n"
	     "      --die EVENT          exit at once\n"
	     "      --without EVENT      have no handler for it\n"
	     "      --metadata FILE      tell this metadata when it is asked\n"
	     "      --blocks-revert      with it, that volumes with its data must not be reverted\n"
	     "      --set EVENT:PROPERTY=TEXT\n"
	     "                           change this of all its components, \"backup-stamp\" ...\n"
	     "      --edit EVENT:COMMAND change what the command prints, see the manual page\n"
	     "      --save EVENT:FILE    write what it sees of the document into FILE\n"
	     "      --run EVENT:COMMAND  with $SHADOW, the shadow of --path, in post-snapshot, and\n"
	     "                           $AFFECTED, whether it is in the set; in back-off and\n"
	     "                           continue $AFFECTED is whether it is on the volume,\n"
	     "                           and there are $VOLUME, $PERCENT and $SECONDS_LEFT\n"
	     "      --path PATH          see there\n"
	     "  -h, --help               this help\n\n"
	     "EVENT is identify, prepare-backup, prepare-snapshot, freeze, thaw, post-snapshot,\n"
	     "backup-complete, backup-shutdown, abort, pre-restore, post-restore, back-off or\n"
	     "continue.");
}

static shadowcopy_writer_handler *handler(uint32_t tell)
{
	return at[tell].without ? NULL : on_event;
}

static int run(const struct shadowcopy_writer_spec *spec)
{
	const struct shadowcopy_writer_ops ops = {
		.identify = handler(SHADOW_NL_TELL_IDENTIFY),
		.prepare_backup = handler(SHADOW_NL_TELL_PREPARE_BACKUP),
		.prepare_snapshot = handler(SHADOW_NL_TELL_PREPARE_SNAPSHOT),
		.freeze = handler(SHADOW_NL_TELL_FREEZE),
		.thaw = handler(SHADOW_NL_TELL_THAW),
		.post_snapshot = handler(SHADOW_NL_TELL_POST_SNAPSHOT),
		.backup_complete = handler(SHADOW_NL_TELL_BACKUP_COMPLETE),
		.backup_shutdown = handler(SHADOW_NL_TELL_BACKUP_SHUTDOWN),
		.abort = handler(SHADOW_NL_TELL_ABORT),
		.pre_restore = handler(SHADOW_NL_TELL_PRE_RESTORE),
		.post_restore = handler(SHADOW_NL_TELL_POST_RESTORE),
		.back_off = handler(SHADOW_NL_TELL_BACK_OFF),
		.continue_io = handler(SHADOW_NL_TELL_CONTINUE),
	};
	struct shadowcopy_writer *writer;
	struct pollfd fd = { .events = POLLIN };
	int rc = 0;

	sc = shadowcopy_new();
	if (!sc || shadowcopy_writer_open(sc, spec, &ops, NULL, &writer)) {
		fprintf(stderr, "testwriter: %s\n", shadowcopy_last_error(sc)->text);
		return EXIT_FAILURE;
	}
	fprintf(log_file, "0 %s %s -\n", name,
		shadowcopy_writer_active(writer) ? "registered" : "waiting");
	fflush(log_file);
	fd.fd = shadowcopy_writer_fd(writer);
	while (!ends && rc >= 0) {
		poll(&fd, 1, 1000);
		rc = shadowcopy_writer_process(writer);
	}
	if (rc < 0)
		fprintf(stderr, "testwriter: %s\n", shadowcopy_last_error(sc)->text);
	shadowcopy_writer_close(writer);
	shadowcopy_free(sc);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	enum {
		NAME = 256, INSTANCE, CLASS, LEVEL, FREEZE_MS, LOG, FAIL, DELAY, HANG, DIE, WITHOUT,
		METADATA, BLOCKS_REVERT, SET, EDIT, SAVE, RUN, FILE_PATH,
	};
	static const struct option longs[] = {
		{ "name", required_argument, NULL, NAME },
		{ "instance", required_argument, NULL, INSTANCE },
		{ "class", required_argument, NULL, CLASS },
		{ "level", required_argument, NULL, LEVEL },
		{ "freeze-ms", required_argument, NULL, FREEZE_MS },
		{ "log", required_argument, NULL, LOG },
		{ "fail", required_argument, NULL, FAIL },
		{ "delay", required_argument, NULL, DELAY },
		{ "hang", required_argument, NULL, HANG },
		{ "die", required_argument, NULL, DIE },
		{ "without", required_argument, NULL, WITHOUT },
		{ "metadata", required_argument, NULL, METADATA },
		{ "blocks-revert", no_argument, NULL, BLOCKS_REVERT },
		{ "set", required_argument, NULL, SET },
		{ "edit", required_argument, NULL, EDIT },
		{ "save", required_argument, NULL, SAVE },
		{ "run", required_argument, NULL, RUN },
		{ "path", required_argument, NULL, FILE_PATH },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct shadowcopy_writer_spec spec = { .level = SHADOW_NL_LEVEL_FRONT_END };
	int option;

	log_file = stdout;
	shadowcopy_uuid_parse("7e57e57e-0000-4000-8000-7e57e57e57e5", &spec.class_id);
	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		switch (option) {
		case NAME:
			name = optarg;
			break;
		case INSTANCE:
			spec.instance_name = optarg;
			break;
		case CLASS:
			if (shadowcopy_uuid_parse(optarg, &spec.class_id)) {
				fprintf(stderr, "testwriter: \"%s\" is no UUID\n", optarg);
				return 2;
			}
			break;
		case LEVEL:
			spec.level = number_of("level", shadowcopy_level_name,
					       SHADOW_NL_LEVEL_SYSTEM + 1, optarg, strlen(optarg));
			break;
		case FREEZE_MS:
			spec.freeze_ms = amount_of(optarg);
			break;
		case LOG:
			log_file = fopen(optarg, "ae");
			if (!log_file) {
				perror(optarg);
				return EXIT_FAILURE;
			}
			break;
		case FAIL:
			take_fail(optarg);
			break;
		case DELAY:
			take_delay(optarg);
			break;
		case HANG:
			at[tell_of(optarg)].hangs = true;
			break;
		case DIE:
			at[tell_of(optarg)].dies = true;
			break;
		case WITHOUT:
			at[tell_of(optarg)].without = true;
			break;
		case METADATA:
			metadata_file = optarg;
			break;
		case BLOCKS_REVERT:
			blocks_revert = true;
			break;
		case SET:
			if (at[tell_of(optarg)].sets == SETS_MAX) {
				fprintf(stderr, "testwriter: too many --set\n");
				return 2;
			}
			at[tell_of(optarg)].set[at[tell_of(optarg)].sets++] = behind_colon(optarg);
			break;
		case EDIT:
			at[tell_of(optarg)].edit = behind_colon(optarg);
			break;
		case SAVE:
			at[tell_of(optarg)].save = behind_colon(optarg);
			break;
		case RUN:
			at[tell_of(optarg)].run = behind_colon(optarg);
			break;
		case FILE_PATH:
			path = optarg;
			break;
		case 'h':
			help();
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (optind < argc) {
		fprintf(stderr, "testwriter: \"%s\" is one argument too many\n", argv[optind]);
		return 2;
	}
	if (blocks_revert && !metadata_file) {
		fprintf(stderr, "testwriter: --blocks-revert goes with --metadata\n");
		return 2;
	}
	spec.name = name;
	level = spec.level;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	return run(&spec);
}
