// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - the loop of a writer that is a program of its own.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>

#include "run.h"

#define IDLE_MS 1000

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void writer_block_signals(void)
{
	sigset_t set;

	signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void writer_log(int level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "<%d>%s: %s\n", level, program_invocation_short_name, text);
}

static int loop(struct shadowcopy *sc, struct shadowcopy_writer *writer, int signal_fd,
		int (*idle)(void *data), void *data)
{
	struct pollfd fds[] = {
		{ .fd = shadowcopy_writer_fd(writer), .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};
	int rc;

	for (;;) {
		rc = poll(fds, 2, idle ? IDLE_MS : -1);
		if (rc < 0 && errno != EINTR) {
			writer_log(3, "poll: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		if (fds[1].revents)
			return EXIT_SUCCESS;
		if (!rc && idle && idle(data))
			return EXIT_FAILURE;
		if (shadowcopy_writer_process(writer) < 0) {
			writer_log(3, "%s", shadowcopy_last_error(sc)->text);
			return EXIT_FAILURE;
		}
	}
}

int writer_run(struct shadowcopy *sc, struct shadowcopy_writer *writer,
	       int (*idle)(void *data), void *data)
{
	sigset_t set;
	int fd, status;

	signals(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0) {
		writer_log(3, "signalfd: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	sd_notify(false, "READY=1");
	status = loop(sc, writer, fd, idle, data);
	sd_notify(false, "STOPPING=1");
	close(fd);
	return status;
}
