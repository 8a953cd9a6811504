// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_run.c - shadowadm run: a command that finds the shadows of volumes in the places of the
 * volumes, and nothing is left when it has ended.
 *
 *	1. see that there is such a command
 *	2. make the set, whose shadows are ours and go with us (making.c)
 *	3. run the command in a namespace of its own (keeper.c, inside.c)
 *	4. see whether the shadows were good until then; only then, and if the command says that
 *	   all went well, writers hear that the backup is complete
 *	5. let go of the set, and wait until its shadows are gone
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"
#include "making.h"
#include "program.h"

/* What is not the command's: as env(1), timeout(1) and others have it. */
#define RUN_FAILED	125

#define GONE_POLL_MS	20
#define GONE_WAIT_MS	10000

struct running {
	struct making *making;
	char **command;
	const char *report;	/* where JSON goes, or NULL */
	int output;		/* the command's standard output */
	struct inside inside;
	struct shadow_row rows[SHADOW_MAX_SET_VOLUMES];
	struct shadow_shadow_info shadows[SHADOW_MAX_SET_VOLUMES];
	int kept[SHADOW_MAX_SET_VOLUMES];	/* the images, open: nobody evicts them */
	char *lists[SHADOW_MAX_SET_VOLUMES];	/* arguments of --volumes, in pieces */
	size_t list_count;
};

/* --- what the command is told -------------------------------------------------------- */

static int tell(struct context *context, const char *name, const char *value)
{
	return setenv(name, value, 1) ? fail(context, "there is not enough memory") : STATUS_OK;
}

static int tell_command(struct context *context, const struct running *running)
{
	char *shadows = NULL, *volumes = NULL, path[IMAGE_PATH_LEN], text[SHADOWCOPY_UUID_LEN];
	const struct making *making = running->making;
	size_t size, i;
	FILE *a = open_memstream(&shadows, &size), *b = open_memstream(&volumes, &size);
	int status = STATUS_OK;

	for (i = 0; a && b && i < making->count; i++) {
		fprintf(a, "%s%s", i ? " " : "", image_path(&running->shadows[i], path));
		fprintf(b, "%s%s", i ? " " : "", making->volumes[i].volume.path);
	}
	if (!a || fclose(a) || !b || fclose(b))
		status = fail(context, "there is not enough memory");
	if (!status)
		status = tell(context, "SHADOWCOPY_SHADOWS", shadows);
	if (!status)
		status = tell(context, "SHADOWCOPY_VOLUMES", volumes);
	free(shadows);
	free(volumes);
	if (!status)
		status = tell(context, "SHADOWCOPY_SET",
			      shadowcopy_uuid_format(&making->step.set, text));
	snprintf(text, sizeof(text), "%lld",
		 (long long)(running->shadows[0].created_ns / 1000000000));
	return status ?: tell(context, "SHADOWCOPY_TIME", text);
}

/* --- the shadows ---------------------------------------------------------------------- */

static int collect(struct context *context, struct running *running)
{
	ssize_t found = making_collect(context, running->making, running->rows);
	size_t i;

	if (found < 0)
		return fail_library(context);
	if ((size_t)found < running->making->count)
		return fail(context, "some shadows of the set have been deleted already by someone "
			    "else");
	making_settle(context, running->making, running->rows);
	for (i = 0; i < running->making->count; i++)
		running->shadows[i] = running->rows[i].info;
	running->inside.shadows = running->shadows;
	running->inside.shadow_count = running->making->count;
	return STATUS_OK;
}

static void hold_images(struct running *running)
{
	char path[IMAGE_PATH_LEN];
	size_t i;

	for (i = 0; i < running->making->count; i++)
		running->kept[i] = open(image_path(&running->shadows[i], path),
					O_RDONLY | O_CLOEXEC);
}

static void let_go(struct running *running)
{
	size_t i;

	for (i = 0; i < running->making->count; i++)
		if (running->kept[i] >= 0)
			close(running->kept[i]);
}

/* Did the command see them until its end? */
static bool were_good(struct context *context, struct running *running)
{
	struct shadow_row rows[SHADOW_MAX_SET_VOLUMES] = { 0 };
	ssize_t found = making_collect(context, running->making, rows);
	char path[IMAGE_PATH_LEN];
	json_t *said = NULL;
	bool good = true;
	size_t i;

	if (found < 0) {
		fail_library(context);
		return false;
	}
	/* a sentence for each, but one document */
	json_collect(&said);
	for (i = 0; i < running->making->count; i++) {
		const struct shadow_shadow_info *info = &rows[i].info;

		if (info->bytes && info->state != SHADOW_STATE_LOST)
			continue;
		fail(context, "%s, the shadow of %s, %s%s while %s ran: what it has read since "
		     "then is worth nothing", image_path(&running->shadows[i], path),
		     running->making->volumes[i].name, info->bytes ? "was lost, because " :
		     "was deleted", info->bytes ? shadowcopy_reason_cause(info->fault.reason) : "",
		     running->command[0]);
		good = false;
	}
	json_collect(NULL);
	if (said)
		json_print(said);
	return good;
}

/* Those of the set that there are still. */
static size_t count_left(struct context *context, const struct shadow_uuid *set)
{
	struct shadow_shadow_info info = { 0 };
	size_t count = 0;

	while (shadowcopy_shadow_next(context->sc, &info) > 0)
		if (uuid_equal(&info.set, set))
			count++;
	return count;
}

/* Whoever runs the next one finds everything as it was. */
static void wait_until_gone(struct context *context, const struct shadow_uuid *set)
{
	const struct timespec pause = { .tv_nsec = GONE_POLL_MS * 1000000L };
	int waited;

	for (waited = 0; count_left(context, set); waited += GONE_POLL_MS) {
		if (waited >= GONE_WAIT_MS) {
			warn(context, "shadows of the set are still open, and go when they are "
			     "closed: \"shadowadm list\" shows them");
			return;
		}
		nanosleep(&pause, NULL);
	}
}

/* --- the answer ------------------------------------------------------------------------ */

struct listing {
	json_t *mounts;
	json_t *live;
};

static void list_place(void *data, const char *mountpoint, const struct inside_image *image)
{
	struct listing *listing = data;
	json_t *object;

	if (!image) {
		json_array_append_new(listing->live, text_json(mountpoint));
		return;
	}
	object = json_object();
	json_text(object, "mountpoint", mountpoint);
	json_text(object, "device", image->path);
	json_array_append_new(listing->mounts, object);
}

/* The image itself, or a partition of it: "/dev/shadow1", "/dev/shadow1p2". */
static bool is_of(const char *path, const char *image)
{
	size_t length = strlen(image);

	return !strncmp(path, image, length) && (!path[length] || path[length] == 'p');
}

static void warn_of_hidden(struct context *context, const struct running *running)
{
	const struct inside *inside = &running->inside;
	char path[IMAGE_PATH_LEN];
	size_t i, j;

	for (i = 0; i < running->making->count; i++) {
		image_path(&running->shadows[i], path);
		for (j = 0; j < inside->image_count; j++)
			if (is_of(inside->images[j].path, path))
				break;
		if (j == inside->image_count)
			warn(context, "%s is mounted nowhere: its shadow is %s, and in "
			     "SHADOWCOPY_SHADOWS", running->making->volumes[i].name, path);
	}
}

/* Before the command runs: what it will see. */
static int look(struct context *context, struct running *running, json_t *document)
{
	struct listing listing = { json_array(), json_array() };
	int status = inside_look(context, &running->inside, list_place, &listing);
	json_t *live;
	size_t i;

	json_array_foreach(listing.live, i, live)
		progress(context, "%s is of no volume of the set, and stays what it is",
			 json_string_value(live));
	if (!status)
		warn_of_hidden(context, running);
	json_value(document, "mounts", listing.mounts);
	json_value(document, "live", listing.live);
	return status;
}

/* --- the run ---------------------------------------------------------------------------- */

/* The exit status that stands for what became of the command. */
static int status_of(struct context *context, const struct running *running,
		     const struct keeper_outcome *outcome)
{
	const char *name = running->command[0];

	if (outcome->error) {
		fail(context, "cannot run %s: %s", name, strerror(outcome->error));
		return outcome->error == ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_NOT_EXECUTABLE;
	}
	if (!outcome->ran)
		return RUN_FAILED;
	if (!WIFSIGNALED(outcome->wait_status))
		return WEXITSTATUS(outcome->wait_status);
	warn(context, "%s was ended by signal %d (%s)", name, WTERMSIG(outcome->wait_status),
	     strsignal(WTERMSIG(outcome->wait_status)));
	return 128 + WTERMSIG(outcome->wait_status);
}

static int run_inside(struct context *context, struct running *running, json_t *document)
{
	struct keeper_request request = { &running->inside, running->command, running->output };
	struct making *making = running->making;
	struct keeper_outcome outcome;
	int status;

	keeper_run(context, &request, &outcome);
	status = status_of(context, running, &outcome);
	if (!outcome.ran)
		return status;
	if (!were_good(context, running))
		return RUN_FAILED;
	if (!status && making->session &&
	    writers_complete(context, &making->writers, making->session))
		return RUN_FAILED;
	if (status && making->session)
		warn(context, "writers hear that the backup has failed, as %s ended with %d",
		     running->command[0], status);
	json_number(document, "exit_status", status);
	if (WIFSIGNALED(outcome.wait_status))
		json_number(document, "signal", WTERMSIG(outcome.wait_status));
	return status;
}

/* @document: out: what there is to tell: it has "exit_status" if all went well for us. */
static int run_all(struct context *context, struct running *running, json_t **document)
{
	struct making *making = running->making;
	int status;

	status = making_plan(context, making) ?: making_take(context, making);
	if (!status)
		status = collect(context, running);
	if (!status)
		status = tell_command(context, running);
	if (status)
		return RUN_FAILED;
	*document = making_json(context, making, running->rows);
	hold_images(running);
	status = look(context, running, *document) ? RUN_FAILED :
		 run_inside(context, running, *document);
	let_go(running);
	return status;
}

/* --- arguments ---------------------------------------------------------------------------- */

static int add_volumes(struct context *context, struct running *running, const char *list)
{
	char *copy, *rest, *name;
	int status = STATUS_OK;

	if (running->list_count == ARRAY_SIZE(running->lists))
		return usage(context, "--volumes was given too often");
	copy = strdup(list);
	if (!copy)
		return fail(context, "there is not enough memory");
	running->lists[running->list_count++] = copy;
	for (rest = copy; !status && (name = strsep(&rest, ","));)
		status = *name ? making_volume(context, running->making, name) :
			 usage(context, "--volumes %s: a name in it is empty", list);
	return status;
}

static int add_live(struct context *context, struct running *running, const char *path)
{
	struct inside *inside = &running->inside;

	if (inside->live_count == INSIDE_LIVE_MAX)
		return usage(context, "--bind was given too often");
	if (access(path, F_OK))
		return fail(context, "cannot keep %s as it is: %s", path, strerror(errno));
	inside->live[inside->live_count] = strdup(path);
	if (!inside->live[inside->live_count])
		return fail(context, "there is not enough memory");
	inside->live_count++;
	return STATUS_OK;
}

/* Shadows go with us: a context that wants them to stay is none for this. */
static int check(struct context *context, struct running *running)
{
	struct making *making = running->making;

	if (!making->count)
		return usage(context, "name a volume at least: a block device or a mount point");
	if (making->context & (SHADOWCOPY_ATTR_NO_AUTO_RELEASE | SHADOWCOPY_ATTR_PERSISTENT))
		return usage(context, "shadows of the context %s stay, and those that a command is "
			     "run on do not: use backup or file-share-backup",
			     shadowcopy_context_name(making->context));
	return making_check(context, making);
}

static int check_command(struct context *context, const char *name)
{
	const char *why;
	int status;

	if (!*name)
		return usage(context, "the command after \"--\" is an empty word");
	status = program_check(name, &why);
	if (status)
		fail(context, "cannot run %s: %s; no shadow was made", name, why);
	return status;
}

/*
 * JSON has standard output, and the command standard error for it; or JSON has a file, and
 * the command its standard output.
 */
static int direct_output(struct context *context, struct running *running)
{
	int fd;

	running->output = context->json ? STDERR_FILENO : STDOUT_FILENO;
	if (!running->report)
		return STATUS_OK;
	fd = open(running->report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(context, "cannot write %s: %s", running->report, strerror(errno));
	running->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (running->output < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return fail(context, "cannot write %s: %s", running->report, strerror(errno));
	close(fd);
	context->json = true;
	return STATUS_OK;
}

static int run_command(struct context *context, struct running *running)
{
	struct shadow_uuid set;
	json_t *document = NULL;
	int status;

	status = check(context, running);
	if (!status && geteuid())
		status = fail(context, "it takes root to mount shadows") ? RUN_FAILED : 0;
	if (!status)
		status = check_command(context, running->command[0]);
	if (!status && direct_output(context, running))
		status = RUN_FAILED;
	if (status)
		return status;
	status = run_all(context, running, &document);
	set = running->making->step.set;
	making_free(context, running->making);
	running->making = NULL;
	if (!document)
		return status;
	wait_until_gone(context, &set);
	if (context->json && json_object_get(document, "exit_status")) {
		if (json_print(document) && !status)
			status = RUN_FAILED;
	} else {
		json_decref(document);
	}
	return status;
}

static int parse(struct context *context, struct running *running, int argc, char **argv)
{
	enum { OPTION_VOLUMES = OPTION_NOT_MAKING, OPTION_BIND, OPTION_REPORT };
	static const struct option longs[] = {
		MAKING_OPTIONS,
		{ "volumes", required_argument, NULL, OPTION_VOLUMES },
		{ "bind", required_argument, NULL, OPTION_BIND },
		{ "report", required_argument, NULL, OPTION_REPORT },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	int option, own, status = STATUS_OK;

	/* What follows "--" is not ours; getopt would put it together with the volumes. */
	for (own = 1; own < argc && strcmp(argv[own], "--"); own++)
		;
	while (!status && (option = next_option(context, own, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_VOLUMES:
			status = add_volumes(context, running, optarg);
			break;
		case OPTION_BIND:
			status = add_live(context, running, optarg);
			break;
		case OPTION_REPORT:
			running->report = optarg;
			break;
		case 'q':
			context->quiet = true;
			break;
		case -2:	/* help was shown, or the error was */
			/* An option that is none of ours may be the command's. */
			if (status == STATUS_USAGE && own == argc)
				fputs("If it is the command's: put \"--\" before the command.\n",
				      stderr);
			return status;
		default:
			status = making_option(context, running->making, option, optarg);
		}
	while (!status && optind < own)
		status = making_volume(context, running->making, argv[optind++]);
	if (status)
		return status == STATUS_FAILED ? RUN_FAILED : status;
	if (running->making->count && own + 1 >= argc)
		return usage(context, "say what to run: \"-- COMMAND\"");
	running->command = argv + own + 1;
	return run_command(context, running);
}

static int run(struct context *context, int argc, char **argv)
{
	struct running *running = calloc(1, sizeof(*running));
	int status = RUN_FAILED;
	size_t i;

	if (running)
		running->making = making_new(context);
	if (running && running->making)
		status = parse(context, running, argc, argv);
	if (!running)
		return status;
	making_free(context, running->making);
	for (i = 0; i < running->list_count; i++)
		free(running->lists[i]);
	for (i = 0; i < running->inside.live_count; i++)
		free(running->inside.live[i]);
	free(running);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "Run a command that sees shadows in the places of their volumes",
	.synopsis = "VOLUME|MOUNTPOINT... [OPTIONS] -- COMMAND [ARGUMENT...]",
	.text = "For backup programs that know nothing of shadows: at the usual paths the command\n"
		"finds the volumes as they were at one instant, read-only, and nobody else does.\n"
		"The shadows are gone when it has ended, whatever ends it or shadowadm.\n"
		"What it leaves running is ended, too.  Exit status: that of the command, 128 and\n"
		"the number of the signal that has ended it, 127 where there is no such command and\n"
		"126 where it cannot be run; 125 where it is not the command that failed.\n\n"
		"Other volumes that are mounted below stay as they are; so do /dev, /proc, /run, /sys\n"
		"and /tmp, also on a volume of the set.  The command finds SHADOWCOPY_SET,\n"
		"SHADOWCOPY_SHADOWS, SHADOWCOPY_VOLUMES and SHADOWCOPY_TIME in its environment.\n\n"
		"Options:\n"
		"      --volumes LIST    volumes, comma-separated, as others name them before \"--\"\n"
		"      --bind PATH       a directory or file that stays as it is, and can be written:\n"
		"                        the cache of a backup program; can be repeated\n"
		"      --report FILE     write what --json prints to FILE; without that it is on\n"
		"                        standard output, and the command's output on standard error\n"
		"      --store STORE, --max SIZE, --initial SIZE, --force, --context NAME,\n"
		"      --timeout SECONDS, --writable, --no-free-space, --exclude-writer WRITER,\n"
		"      --degrade, --document FILE|DIRECTORY\n"
		"                        see \"shadowadm create --help\"\n"
		"      --writers         bring the applications to rest that have a writer; they hear\n"
		"                        that the backup is complete when the command ends with 0,\n"
		"                        and else that it has failed\n"
		"      --no-writers      tell no applications (the default)\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
