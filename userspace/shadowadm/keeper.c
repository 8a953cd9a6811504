// SPDX-License-Identifier: GPL-2.0-only
/*
 * keeper.c - a command that runs inside, and nothing of it is left when it has ended, or when we
 * have.
 *
 *	shadowadm	owns the shadows; passes signals on
 *	  the keeper	enters the namespace, starts the command, and ends what that leaves behind
 *	    the command
 *
 * The shadows are held by mounts, the mounts by the namespace, and that by every process in it:
 * so nothing may go on there.  A process whose parent ends becomes a child of the keeper
 * (PR_SET_CHILD_SUBREAPER), however it was started; so the keeper has no children any more when
 * all are gone.  It ends them when the command has ended, and when we die, by whatever signal:
 * then our end of a socket closes.  If the keeper is killed its children become ours, and
 * we do the same; if both are, the command, which is most of it, dies with the keeper
 * (PR_SET_PDEATHSIG).  The keeper has a process group of its own, so that who kills ours as a
 * whole does not kill it.
 *
 * A namespace of process numbers would do this, too.  But backup programs write their number
 * into locks in their repositories, and take a lock for left over whose number does not live: two
 * that have numbers in different namespaces would break each other's locks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"
#include "program.h"

/* What the processes that are left may take to end by themselves. */
#define LEFT_GRACE_MS	2000	/* when the command has ended */
#define ORPHAN_GRACE_MS	5000	/* when we were killed: the command is one of them */

#define POLL_MS		20

/* --- descendants ---------------------------------------------------------------------- */

struct process {
	pid_t pid;
	pid_t parent;
	bool ours;
};

static struct process *processes_read(size_t *count)
{
	struct process *list = NULL, *more;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], line[512], *end;
	FILE *file;

	*count = 0;
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		/* "12 (name, with any bytes) S 1 ...": newlines, too */
		line[file ? fread(line, 1, sizeof(line) - 1, file) : 0] = '\0';
		if (file)
			fclose(file);
		end = strrchr(line, ')');
		more = end ? reallocarray(list, *count + 1, sizeof(*list)) : NULL;
		if (!more)
			continue;
		list = more;
		list[*count] = (struct process){ .pid = atoi(entry->d_name) };
		if (sscanf(end, ") %*c %d", &list[*count].parent) == 1)
			(*count)++;
	}
	if (proc)
		closedir(proc);
	return list;
}

static bool is_ours(const struct process *list, size_t count, pid_t parent)
{
	size_t i;

	if (parent == getpid())
		return true;
	for (i = 0; i < count; i++)
		if (list[i].pid == parent)
			return list[i].ours;
	return false;
}

/* Send all of them a signal. */
static void signal_descendants(int number)
{
	bool found = true;
	size_t count, i;
	struct process *list = processes_read(&count);

	while (found) {
		found = false;
		for (i = 0; i < count; i++)
			if (!list[i].ours && is_ours(list, count, list[i].parent)) {
				list[i].ours = true;
				found = true;
			}
	}
	for (i = 0; i < count; i++)
		if (list[i].ours)
			kill(list[i].pid, number);
	free(list);
}

/* Let go of those that have ended: are there others? */
static bool has_children(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0 || (pid < 0 && errno == EINTR));
	return !pid;
}

/*
 * All that we have started, and what that has, is gone afterwards.  First asked to go, then
 * killed; one that waits for a disk ends when that answers.
 */
static void end_descendants(int grace_ms)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	int waited;

	if (!has_children())
		return;
	signal_descendants(SIGTERM);
	signal_descendants(SIGCONT);
	for (waited = 0; has_children(); waited += POLL_MS) {
		if (waited >= grace_ms)
			signal_descendants(SIGKILL);
		nanosleep(&pause, NULL);
	}
}

/* --- the command ------------------------------------------------------------------------ */

/* Signals that are passed on: those that nobody has told us to ignore. */
static void passed_on(sigset_t *signals)
{
	static const int numbers[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
	};
	struct sigaction action;
	size_t i;

	sigemptyset(signals);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!sigaction(numbers[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(signals, numbers[i]);
}

/* In the command's process; does not return. */
static void become(const struct keeper_request *request, pid_t keeper, const sigset_t *mask,
		   int failed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(PROGRAM_NOT_FOUND);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (request->output == STDOUT_FILENO || dup2(request->output, STDOUT_FILENO) >= 0)
		execvp(request->command[0], request->command);
	if (write(failed, &errno, sizeof(errno)) < 0)
		_exit(PROGRAM_NOT_EXECUTABLE);
	_exit(PROGRAM_NOT_FOUND);
}

/* Its process, or < 0.  @outcome: out: ->error, where it could not begin. */
static pid_t start(const struct keeper_request *request, const sigset_t *mask,
		   struct keeper_outcome *outcome)
{
	pid_t keeper = getpid(), pid;
	ssize_t size = -1;
	int failed[2];

	if (pipe2(failed, O_CLOEXEC)) {
		outcome->error = errno;
		return -1;
	}
	pid = fork();
	if (!pid)
		become(request, keeper, mask, failed[1]);
	if (pid < 0)
		outcome->error = errno;
	close(failed[1]);
	while (pid > 0 && (size = read(failed[0], &outcome->error, sizeof(outcome->error))) < 0 &&
	       errno == EINTR)
		;
	close(failed[0]);
	if (pid > 0 && size <= 0)
		outcome->error = 0;
	return pid;
}

/* --- the keeper ---------------------------------------------------------------------------- */

/* What is shadowadm's alone: the shadows would be held by the keeper, too. */
static void close_all_but(int control, int output)
{
	DIR *self = opendir("/proc/self/fd");
	struct dirent *entry;

	while (self && (entry = readdir(self))) {
		int fd = atoi(entry->d_name), flags = fd > 2 ? fcntl(fd, F_GETFD) : 0;

		/* others are for the command */
		if (fd != control && fd != output && fd != dirfd(self) && flags > 0 &&
		    flags & FD_CLOEXEC)
			close(fd);
	}
	if (self)
		closedir(self);
}

/* One signal from shadowadm; false: it is gone. */
static bool pass_on(int control, pid_t command, bool ended)
{
	unsigned char number;
	ssize_t size = recv(control, &number, sizeof(number), 0);

	if (size < 0 && errno == EINTR)
		return true;
	if (size <= 0)
		return false;
	if (!ended)
		kill(command, number);
	return true;
}

/* Until the command has ended, or shadowadm has. */
static bool watch(int control, int children, pid_t command, struct keeper_outcome *outcome)
{
	struct pollfd fds[] = { { control, POLLIN, 0 }, { children, POLLIN, 0 } };
	struct signalfd_siginfo info;
	bool ended = false;
	int wait_status;
	pid_t pid;

	while (!ended) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents && !pass_on(control, command, ended))
			return false;
		if (!fds[1].revents || read(children, &info, sizeof(info)) < 0)
			continue;
		/* those that others have left to us, too */
		while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
			if (pid == command) {
				outcome->wait_status = wait_status;
				ended = true;
			}
	}
	return true;
}

/* Does not return. */
static void keep(struct context *context, const struct keeper_request *request, int control,
		 const sigset_t *mask)
{
	struct keeper_outcome outcome = { 0 };
	sigset_t child;
	pid_t command;
	int children;

	close_all_but(control, request->output);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (children < 0) {
		fail(context, "cannot watch the command: %s", strerror(errno));
		_exit(STATUS_FAILED);
	}
	if (inside_enter(context, request->inside))
		_exit(STATUS_FAILED);
	command = start(request, mask, &outcome);
	setpgid(0, 0);
	outcome.ran = command > 0 && !outcome.error;
	if (command > 0 && !watch(control, children, command, &outcome)) {
		end_descendants(ORPHAN_GRACE_MS);
		_exit(STATUS_FAILED);
	}
	end_descendants(LEFT_GRACE_MS);
	if (send(control, &outcome, sizeof(outcome), MSG_NOSIGNAL) < 0)
		_exit(STATUS_FAILED);
	_exit(STATUS_OK);
}

/* --- shadowadm ------------------------------------------------------------------------------ */

/* A terminal sends its signals to the command as well. */
static void take_signal(int signals, int control)
{
	struct signalfd_siginfo info;
	unsigned char number;

	if (read(signals, &info, sizeof(info)) != sizeof(info) || info.ssi_code == SI_KERNEL)
		return;
	number = info.ssi_signo;
	send(control, &number, sizeof(number), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Until the keeper has said what became of it, or has ended. */
static void listen_to(int control, int signals, struct keeper_outcome *outcome)
{
	struct pollfd fds[] = { { control, POLLIN, 0 }, { signals, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			take_signal(signals, control);
		if (!fds[0].revents)
			continue;
		if (recv(control, outcome, sizeof(*outcome), 0) != sizeof(*outcome))
			memset(outcome, 0, sizeof(*outcome));
		return;
	}
}

static void supervise(struct context *context, pid_t keeper, int control, int signals,
		      struct keeper_outcome *outcome)
{
	int wait_status = 0;

	listen_to(control, signals, outcome);
	while (waitpid(keeper, &wait_status, 0) < 0 && errno == EINTR)
		;
	if (!WIFSIGNALED(wait_status))
		return;
	outcome->ran = false;
	fail(context, "the process that watches over the command was ended by signal %d (%s)",
	     WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	end_descendants(LEFT_GRACE_MS);
}

void keeper_run(struct context *context, const struct keeper_request *request,
		struct keeper_outcome *outcome)
{
	sigset_t passed, blocked, mask;
	int control[2], signals;
	pid_t keeper;

	memset(outcome, 0, sizeof(*outcome));
	passed_on(&passed);
	blocked = passed;
	/* whoever writes to a terminal from another process group may be stopped by this */
	sigaddset(&blocked, SIGTTOU);
	sigaddset(&blocked, SIGCHLD);
	signals = signalfd(-1, &passed, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control)) {
		fail(context, "cannot watch the command: %s", strerror(errno));
		return;
	}
	fflush(NULL);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	keeper = fork();
	if (!keeper)
		keep(context, request, control[1], &mask);
	close(control[1]);
	if (keeper > 0)
		supervise(context, keeper, control[0], signals, outcome);
	else
		fail(context, "cannot start a process: %s", strerror(errno));
	close(control[0]);
	close(signals);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}
