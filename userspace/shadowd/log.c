// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - lines for whoever reads standard error, and none while something is
 * frozen (D-17): they are kept until nothing is.  What else would open files waits
 * for that, too.
 */
#include <time.h>

#include "shadowd.h"

#define KEPT 256
#define OFTEN_SECONDS 10
#define KINDS 16

static struct {
	int level;
	char text[512];
} kept[KEPT];
static unsigned int count, lost, holds;
static void (*waiters[4])(void);

static void print(int level, const char *text)
{
	fprintf(stderr, "<%d>%s\n", level, text);
}

static void keep_or_print(int level, const char *text)
{
	if (!holds) {
		print(level, text);
	} else if (count < KEPT) {
		kept[count].level = level;
		snprintf(kept[count++].text, sizeof(kept[0].text), "%s", text);
	} else {
		lost++;
	}
}

void log_line(int level, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	keep_or_print(level, text);
}

void log_often(int level, const char *format, ...)
{
	static struct {
		const char *format;
		unsigned int passed_over;
		time_t last;
	} kinds[KINDS], *kind = kinds;
	struct timespec now;
	char text[512];
	va_list args;

	/* One kind of line does not hide another; those that are one too many share the last. */
	while (kind->format && kind->format != format && kind < kinds + KINDS - 1)
		kind++;
	kind->format = format;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (kind->last && now.tv_sec < kind->last + OFTEN_SECONDS) {
		kind->passed_over++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	kind->last = now.tv_sec;
	keep_or_print(level, text);
	if (kind->passed_over)
		log_line(level, "... and %u lines like this before", kind->passed_over);
	kind->passed_over = 0;
}

void log_hold(void)
{
	holds++;
}

bool log_held(void)
{
	return holds;
}

void log_when_released(void (*fn)(void))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		if (!waiters[i]) {
			waiters[i] = fn;
			return;
		}
	abort();	/* as many as there are in the code */
}

void log_flush(void)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		print(kept[i].level, kept[i].text);
	if (lost)
		fprintf(stderr, "<4>%u lines more were not kept\n", lost);
	count = 0;
	lost = 0;
}

void log_release(void)
{
	size_t i;

	if (!holds || --holds)
		return;
	log_flush();
	for (i = 0; i < ARRAY_SIZE(waiters) && waiters[i]; i++)
		waiters[i]();
}
