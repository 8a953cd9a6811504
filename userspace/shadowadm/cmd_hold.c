// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_hold.c - shadowadm hold: volumes at rest while a command copies them by other means.
 *
 *	1. find the volumes; plan: what must be frozen with them, and in which order
 *	2. start a process for the command, which waits: where there is no memory for one, or no
 *	   such program, nothing has been held
 *	3. write out what is dirty, while nobody waits for it; lock our memory
 *	4. hold; let the process become the command; wait for its end; release
 *
 * From hold to release we write nothing, open nothing and say nothing: the file that messages
 * go to may be on what is held.  The command is read from disk then, which a frozen filesystem
 * allows.  If we die the descriptor of the set goes, and with it the hold; the process of the
 * command has no copy of it, and ends if it was waiting still.
 */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshadowcopy-provider.h"
#include "program.h"

struct request {
	size_t count;
	struct shadowcopy_volume volumes[SHADOW_MAX_SET_VOLUMES];
	uint32_t timeout_ms;
	char **command;
};

/* The process that becomes the command. */
struct child {
	pid_t pid;
	int go;		/* a byte: begin; the end of it: there will be no hold */
	int failed;	/* the errno of what became of exec, or nothing */
};

/* --- the command ------------------------------------------------------------- */

static int check_command(struct context *context, const char *name)
{
	const char *why;

	if (!*name)
		return usage(context, "the command after \"--\" is an empty word");
	if (!program_check(name, &why))
		return STATUS_OK;
	return fail(context, "cannot run %s: %s; nothing was held", name, why);
}

/* In the child. */
static void become(const struct context *context, char **command, int go, int failed)
{
	char byte;
	ssize_t size;

	while ((size = read(go, &byte, 1)) < 0 && errno == EINTR)
		;
	if (size != 1)
		_exit(0);
	/* standard output has JSON and nothing else */
	if (!context->json || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execvp(command[0], command);
	if (write(failed, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

static int start(struct context *context, char **command, struct child *child)
{
	int go[2], failed[2];

	if (pipe2(go, O_CLOEXEC))
		return fail(context, "cannot start %s: %s", command[0], strerror(errno));
	if (pipe2(failed, O_CLOEXEC)) {
		fail(context, "cannot start %s: %s", command[0], strerror(errno));
		close(go[0]);
		close(go[1]);
		return STATUS_FAILED;
	}
	child->pid = fork();
	if (!child->pid) {
		close(go[1]);
		become(context, command, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	child->go = go[1];
	child->failed = failed[0];
	if (child->pid > 0)
		return STATUS_OK;
	fail(context, "cannot start %s: %s", command[0], strerror(errno));
	close(child->go);
	close(child->failed);
	return STATUS_FAILED;
}

/* Let it become the command, or not, and wait for its end.  A negative errno: it could not. */
static int wait_for(struct child *child, bool go, int *wait_status)
{
	ssize_t size;
	int error;

	/* it may have been killed: that is seen by its status */
	signal(SIGPIPE, SIG_IGN);
	while (go && write(child->go, "", 1) < 0 && errno == EINTR)
		;
	close(child->go);
	while ((size = read(child->failed, &error, sizeof(error))) < 0 && errno == EINTR)
		;
	close(child->failed);
	while (waitpid(child->pid, wait_status, 0) < 0 && errno == EINTR)
		;
	return size == sizeof(error) ? -error : 0;
}

/* --- the hold ------------------------------------------------------------------ */

static int plan_volumes(struct context *context, struct request *request, char **names,
			struct shadowcopy_plan *plan)
{
	size_t i;

	for (i = 0; i < request->count; i++)
		if (shadowcopy_resolve(context->sc, names[i], &request->volumes[i]) ||
		    shadowcopy_plan_held(plan, request->volumes[i].dev))
			return fail_library(context);
	return shadowcopy_plan_compute(plan) ? fail_library(context) : STATUS_OK;
}

/* The number of a file on btrfs is that of its subvolume, and of no device. */
static bool is_on(struct context *context, int fd, const struct stat *st, struct shadow_dev dev)
{
	char name[SHADOWCOPY_UUID_LEN], other[SHADOWCOPY_UUID_LEN];
	struct btrfs_ioctl_fs_info_args info = { 0 };
	struct shadow_uuid uuid;

	if (st->st_dev == makedev(dev.major, dev.minor))
		return true;
	if (major(st->st_dev) || ioctl(fd, BTRFS_IOC_FS_INFO, &info) ||
	    shadowcopy_fs_uuid(context->sc, dev, other, sizeof(other)))
		return false;
	memcpy(uuid.b, info.fsid, sizeof(uuid.b));
	return !strcmp(shadowcopy_uuid_format(&uuid, name), other);
}

/* What the command says would wait for the end of the hold, and the command with it. */
static int check_output(struct context *context, const struct shadowcopy_plan *plan, int fd,
			const char *what)
{
	const struct shadowcopy_plan_entry *entry;
	struct stat st;
	size_t i;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return STATUS_OK;
	for (i = 0; (entry = shadowcopy_plan_entry(plan, i)); i++)
		if (entry->flags & SHADOW_ADD_FREEZE && is_on(context, fd, &st, entry->dev))
			return fail(context, "%s is a file on %s, which is to be held: writing to "
				    "it would wait for the end of the hold. Direct it to a file "
				    "elsewhere, or into a pipe", what, entry->path);
	return STATUS_OK;
}

/* Up to the moment before the hold. */
static int prepare(struct context *context, const struct request *request,
		   struct shadowcopy_plan *plan, struct shadowcopy_set **set)
{
	const struct shadowcopy_plan_entry *entry;
	size_t i;

	if (shadowcopy_set_new(context->sc, 0, request->timeout_ms, 0, set) ||
	    shadowcopy_plan_apply(plan, *set))
		return fail_library(context);
	progress(context, "writing out dirty data");
	if (shadowcopy_plan_sync(plan) < 0)
		return fail_library(context);
	for (i = 0; (entry = shadowcopy_plan_entry(plan, i)); i++)
		if (entry->flags & SHADOW_ADD_HOLD && *entry->warning)
			warn(context, "%s: %s", entry->path, entry->warning);
	progress(context, "freezing %zu device%s, and running %s", shadowcopy_plan_count(plan),
		 shadowcopy_plan_count(plan) == 1 ? "" : "s", request->command[0]);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return fail(context, "cannot lock the memory of this program, which may not wait "
			    "for what is held: %s", strerror(errno));
	return STATUS_OK;
}

static int print_result(const struct request *request,
			const struct shadow_set_step *step, int exit_status)
{
	json_t *document, *array = json_array();
	size_t i;

	for (i = 0; i < request->count; i++)
		json_array_append_new(array, text_json(request->volumes[i].path));
	document = json_object();
	json_value(document, "volumes", array);
	json_number(document, "hold_ns", step->hold_ns);
	json_number(document, "gate_ns", step->gate_ns);
	json_number(document, "exit_status", exit_status);
	return json_print(document);
}

static int hold(struct context *context, const struct request *request,
		struct shadowcopy_plan *plan, struct child *child)
{
	int status, wait_status = 0, rc, not_run;
	struct shadowcopy_set *set = NULL;
	struct shadow_set_step step;

	status = prepare(context, request, plan, &set);
	if (!status && shadowcopy_set_hold(set, &step))
		status = fail_library(context);
	if (status) {
		wait_for(child, false, &wait_status);
		shadowcopy_set_close(set);
		return status;
	}
	not_run = wait_for(child, true, &wait_status);
	rc = shadowcopy_set_release(set, &step);
	shadowcopy_set_close(set);
	munlockall();
	if (not_run)
		return fail(context, "cannot run %s: %s", request->command[0], strerror(-not_run));
	if (rc) {
		warn(context, "the volumes were not at rest until %s had ended: what it has copied "
		     "is worth nothing", request->command[0]);
		return fail_library(context);
	}
	progress(context, "done: held for %.1f ms, of which writes waited %.1f ms",
		 step.hold_ns / 1e6, step.gate_ns / 1e6);
	if (WIFSIGNALED(wait_status)) {
		warn(context, "%s was ended by signal %d (%s)", request->command[0],
		     WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
		status = 128 + WTERMSIG(wait_status);
	} else {
		status = WEXITSTATUS(wait_status);
	}
	if (context->json && print_result(request, &step, status) && !status)
		status = STATUS_FAILED;
	return status;
}

/* --- arguments ------------------------------------------------------------------ */

static int run_all(struct context *context, struct request *request, char **names)
{
	struct shadowcopy_plan *plan;
	struct child child;
	int status;

	status = check_command(context, request->command[0]);
	if (status)
		return status;
	if (shadowcopy_plan_new(context->sc, &plan))
		return fail_library(context);
	status = plan_volumes(context, request, names, plan);
	if (!status && !context->json)
		status = check_output(context, plan, STDOUT_FILENO, "standard output");
	if (!status)
		status = check_output(context, plan, STDERR_FILENO, "standard error");
	if (!status)
		status = start(context, request->command, &child);
	if (!status)
		status = hold(context, request, plan, &child);
	shadowcopy_plan_free(plan);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_TIMEOUT = OPTION_OWN };
	static const struct option longs[] = {
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct request *request;
	uint32_t timeout_ms = 0;
	int option, own, status;

	/* What follows "--" is not ours; getopt would put it together with the volumes. */
	for (own = 1; own < argc && strcmp(argv[own], "--"); own++)
		;
	while ((option = next_option(context, own, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_TIMEOUT:
			status = timeout_parse(context, optarg, &timeout_ms);
			if (status)
				return status;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (optind == own)
		return usage(context, "name a volume at least: a block device or a mount point");
	if (own - optind > SHADOW_MAX_SET_VOLUMES)
		return usage(context, "a set has %d volumes at most, and %d were named",
			     SHADOW_MAX_SET_VOLUMES, own - optind);
	if (own + 1 >= argc)
		return usage(context, "say what to do while they are held: \"-- COMMAND\"");
	request = calloc(1, sizeof(*request));
	if (!request)
		return fail(context, "there is not enough memory");
	request->count = own - optind;
	request->timeout_ms = timeout_ms;
	request->command = argv + own + 1;
	status = run_all(context, request, argv + optind);
	free(request);
	return status;
}

const struct command cmd_hold = {
	.name = "hold",
	.summary = "Keep volumes at rest while a command copies them",
	.synopsis = "VOLUME|MOUNTPOINT... [OPTIONS] -- COMMAND [ARGUMENT...]",
	.text = "For snapshots that something else makes: a storage array, a volume manager, a\n"
		"cloud.  No shadow is made.  Filesystems on the volumes and on all that is\n"
		"stacked on them are frozen, and no write reaches the volumes, from before the\n"
		"command begins until it has ended.  Exit status: that of the command, 128 and the\n"
		"number of the signal that has ended it, or 1 where the volumes were not at rest for\n"
		"all of that time or the command did not run.\n\n"
		"Meanwhile no other set of the machine is held or made, whatever its volumes.\n"
		"The command must not write to a filesystem that is held: it would wait for the\n"
		"end of the hold.  What it reads from a held device it reads past the page cache\n"
		"(dd iflag=direct).\n\n"
		"Options:\n"
		"      --timeout SECONDS longest hold, 0.01 to 600 (10): then the volumes go on,\n"
		"                        and the hold has failed\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
