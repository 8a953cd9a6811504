// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - lines for whoever reads standard error, and none while something is
 * frozen (D-17): they are kept until nothing is.
 */
#include "shadowd.h"

#define KEPT 256

static struct {
	int level;
	char text[512];
} kept[KEPT];
static unsigned int count, lost, holds;

static void print(int level, const char *text)
{
	fprintf(stderr, "<%d>%s\n", level, text);
}

void log_line(int level, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!holds) {
		print(level, text);
	} else if (count < KEPT) {
		kept[count].level = level;
		memcpy(kept[count++].text, text, sizeof(text));
	} else {
		lost++;
	}
}

void log_hold(void)
{
	holds++;
}

void log_release(void)
{
	unsigned int i;

	if (!holds || --holds)
		return;
	for (i = 0; i < count; i++)
		print(kept[i].level, kept[i].text);
	if (lost)
		fprintf(stderr, "<4>%u lines more were not kept\n", lost);
	count = 0;
	lost = 0;
}
