/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - what writers that are programs of their own have in common: they are told what
 * happens until somebody ends them.
 */
#ifndef WRITERS_RUN_H
#define WRITERS_RUN_H

#include "libshadowcopy-writer.h"

/*
 * Block SIGTERM and SIGINT: they end writer_run().  Before the first thread, and before
 * what would be half done.
 */
void writer_block_signals(void);

/*
 * Tell systemd that the writer is ready, and call its handlers until SIGTERM or SIGINT
 * comes: then what has begun is over first, at most as long as a freeze lasts, as the
 * caller's shadowcopy_writer_close() aborts it.
 *
 * @idle: may be NULL: called with @data once a second while nothing happens; it ends the
 *	writer by not returning 0.
 * Return: EXIT_SUCCESS, or EXIT_FAILURE after an error was printed.
 */
int writer_run(struct shadowcopy *sc, struct shadowcopy_writer *writer,
	       int (*idle)(void *data), void *data);

/* "<3>PROGRAM: text" on standard error; levels as in syslog(3). */
void writer_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* WRITERS_RUN_H */
