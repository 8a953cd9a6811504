/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results of the programs that test the module's interfaces: lines that begin with "ok" or
 * "not ok".
 */
#ifndef CASE_H
#define CASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int failures;

__attribute__((format(printf, 2, 3)))
static inline bool result(bool good, const char *format, ...)
{
	va_list args;

	fputs(good ? "ok " : "not ok ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	failures += !good;
	return good;
}

#endif
