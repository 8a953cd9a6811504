// SPDX-License-Identifier: GPL-2.0-only
/*
 * child.c - run one script to its end.
 *
 * It gets nothing of ours: a small environment of its own, no input, no descriptor but
 * its output, the root directory, a process group of its own, no signal blocked or ignored.
 *
 * When its time is up its group is asked to end, and soon after made to.  One that
 * cannot even be killed, since it waits for a disk, is left behind: thawing does not wait.  A
 * group whose script has ended in time is left alone: what freezes may have to stay.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "script.h"

#define DRAIN_MS 50	/* so often output is read */
#define TERM_MS 1000	/* from asking to end to killing */
#define KILL_MS 5000	/* and from there to leaving it behind */

enum waited { WAITED_ENDED, WAITED_LATE, WAITED_STOPPED };

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void fails(struct ending *ending, uint32_t status, const struct command *command,
		  const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void fails(struct ending *ending, uint32_t status, const struct command *command,
		  const char *format, ...)
{
	char why[sizeof(ending->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	ending->status = status;
	/* A path that is so long loses its end rather than the reason. */
	snprintf(ending->text, sizeof(ending->text), "%.240s %s: %.250s", command->path,
		 command->word, why);
}

/* --- starting ------------------------------------------------------------------------- */

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					POSIX_SPAWN_SETSIGDEF) ?:
	       posix_spawnattr_setpgroup(attributes, 0) ?:
	       posix_spawnattr_setsigdefault(attributes, &all) ?:
	       posix_spawnattr_setsigmask(attributes, &none);
}

/* Where one of its descriptors leads: to @from, or nowhere. */
static int set_file(posix_spawn_file_actions_t *actions, int from, int to)
{
	if (from < 0)
		return posix_spawn_file_actions_addopen(actions, to, "/dev/null", O_RDWR, 0);
	return posix_spawn_file_actions_adddup2(actions, from, to);
}

static int spawn(const struct command *command, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, pid_t *pid)
{
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C", "SHELL=/bin/sh", NULL
	};
	char *const words[] = {
		"/bin/sh", (char *)command->path, (char *)command->word, (char *)command->argument,
		NULL
	};
	int rc = posix_spawn(pid, command->path, actions, attributes, words + 1, environment);

	/* Without "#!" it is one for the shell, as it would be if a shell called it. */
	if (rc == ENOEXEC)
		rc = posix_spawn(pid, words[0], actions, attributes, words, environment);
	return rc;
}

/* 0 or an errno. */
static int start(const struct command *command, int out, int err, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (!rc) {
		rc = set_attributes(&attributes) ?: set_file(&actions, -1, 0) ?:
		     set_file(&actions, out, 1) ?: set_file(&actions, err, 2) ?:
		     spawn(command, &actions, &attributes, pid);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* --- ending --------------------------------------------------------------------------- */

static enum waited await(int pid_fd, int stop_fd, int64_t until)
{
	struct pollfd fds[] = {
		{ .fd = pid_fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};

	for (;;) {
		int64_t left = until - now_ms();

		poll(fds, ARRAY_SIZE(fds), left < 0 ? 0 : left < DRAIN_MS ? left : DRAIN_MS);
		output_drain();
		if (fds[0].revents)
			return WAITED_ENDED;
		if (fds[1].revents)
			return WAITED_STOPPED;
		if (left <= 0)
			return WAITED_LATE;
	}
}

static void end_group(pid_t pid, int pid_fd)
{
	kill(-pid, SIGTERM);
	await(pid_fd, -1, now_ms() + TERM_MS);
	/* Its children, too: as it is not reaped yet the group is its own still. */
	kill(-pid, SIGKILL);
	if (await(pid_fd, -1, now_ms() + KILL_MS) != WAITED_ENDED)
		output_log(3, "process %d cannot be killed; it is left behind", pid);
}

static void judge(const struct command *command, enum waited waited, int status,
		  struct ending *ending, const char *last)
{
	const char *colon = *last ? ": " : "";

	if (waited == WAITED_STOPPED) {
		fails(ending, SHADOW_NL_STATUS_RETRYABLE, command,
		      "killed, as this writer was told to end%s%s", colon, last);
	} else if (waited == WAITED_LATE) {
		fails(ending, SHADOW_NL_STATUS_TIMEOUT, command,
		      "killed, as it was not done after %.1f s%s%s", command->limit_ms / 1000.0,
		      colon, last);
	} else if (WIFSIGNALED(status)) {
		fails(ending, SHADOW_NL_STATUS_RETRYABLE, command, "ended by signal %d (%s)%s%s",
		      WTERMSIG(status), strsignal(WTERMSIG(status)), colon, last);
	} else if (WEXITSTATUS(status)) {
		ending->code = WEXITSTATUS(status);
		fails(ending, SHADOW_NL_STATUS_RETRYABLE, command, "exit status %d%s%s",
		      WEXITSTATUS(status), colon, last);
	}
}

static void wait_for_end(const struct command *command, pid_t pid, struct output *out,
			 struct output *err, struct ending *ending)
{
	int64_t began = now_ms();
	int pid_fd = syscall(__NR_pidfd_open, pid, 0), status = 0;
	enum waited waited = WAITED_LATE;

	if (pid_fd >= 0)
		waited = await(pid_fd, command->stop_fd, began + command->limit_ms);
	if (waited != WAITED_ENDED)
		end_group(pid, pid_fd);
	if (pid_fd >= 0)
		close(pid_fd);
	waitpid(pid, &status, WNOHANG);
	judge(command, waited, status, ending, *output_last(err) ? output_last(err) :
	      output_last(out));
	output_close(out);
	output_close(err);
	if (!ending->status)
		output_log(6, "%s %s: done after %.1f s", command->path, command->word,
			   (now_ms() - began) / 1000.0);
}

void child_run(const struct command *command, struct ending *ending)
{
	struct output *out, *err;
	int out_fd = -1, err_fd = -1, rc;
	char label[200];
	pid_t pid;

	*ending = (struct ending){ 0 };
	if (command->limit_ms <= 0) {
		fails(ending, SHADOW_NL_STATUS_TIMEOUT, command,
		      "not run: the scripts before it took all the time");
		output_log(3, "%s", ending->text);
		return;
	}
	snprintf(label, sizeof(label), "%s %s", command->path, command->word);
	out = output_open(6, label, &out_fd);
	err = output_open(5, label, &err_fd);
	rc = start(command, out_fd, err_fd, &pid);
	if (out_fd >= 0)
		close(out_fd);
	if (err_fd >= 0)
		close(err_fd);
	if (rc) {
		output_close(out);
		output_close(err);
		fails(ending, SHADOW_NL_STATUS_RETRYABLE, command, "cannot be run: %s",
		      strerror(rc));
	} else {
		ending->ran = true;
		wait_for_end(command, pid, out, err, ending);
	}
	if (ending->status)
		output_log(3, "%s", ending->text);
}

void child_reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}
