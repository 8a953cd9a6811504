// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_session.c - scripts: the connection to the coordinator, and signals.
 *
 * A script that a signal ends undoes what it has begun, as one that fails: what it has mounted
 * would be in the way the next time.  So a signal is noted, the program that runs is ended by it,
 * too, and who waits for the coordinator is woken by the end of the connection, which is what
 * undoes the rest.  What waits for neither comes to its end by itself.
 */
#include <signal.h>
#include <sys/socket.h>

#include "libshadowcopy-requester.h"
#include "script.h"

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

static volatile sig_atomic_t signalled;
static volatile sig_atomic_t connection = -1;
static volatile sig_atomic_t program;

static void on_signal(int number)
{
	int saved = errno;

	signalled = number;
	if (program > 0)
		kill(program, number);
	if (connection >= 0)
		shutdown(connection, SHUT_RDWR);
	errno = saved;
}

void script_catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct sigaction before;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)	/* as nohup(1) wants it */
			sigaction(signals[i], &action, NULL);
	}
}

int script_signalled(void)
{
	return signalled;
}

void script_watch_program(pid_t pid)
{
	program = pid;
	if (pid > 0 && signalled)	/* it came before */
		kill(pid, signalled);
}

int script_connect(struct script *script)
{
	if (shadowcopy_requester_open(script->context->sc, NULL, &script->requester))
		return fail_library(script->context);
	connection = shadowcopy_requester_fd(script->requester);
	if (signalled)
		shutdown(connection, SHUT_RDWR);
	return STATUS_OK;
}

void script_disconnect(struct script *script)
{
	connection = -1;
	shadowcopy_requester_close(script->requester);
	script->requester = NULL;
}
