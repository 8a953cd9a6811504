// SPDX-License-Identifier: GPL-2.0-only
/*
 * size.c - sizes and spans of time as people write them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <unistd.h>

#include "shadowadm.h"

static const char units[] = "KMGTPE";

static const char *unit_shift(const char *text, unsigned int *shift)
{
	const char *unit;

	*shift = 0;
	if (!*text)
		return NULL;
	unit = strchr(units, toupper((unsigned char)*text));
	if (unit) {
		*shift = 10 * (unit - units + 1);
		text++;
		if (!strcasecmp(text, "iB") || !strcasecmp(text, "B") || !*text)
			return NULL;
	} else if (!strcasecmp(text, "B")) {
		return NULL;
	}
	return "it has an unknown unit; K, M, G, T, P and E (times 1024) are known";
}

const char *size_parse(const char *text, uint64_t whole, uint64_t *bytes)
{
	unsigned long long number;
	const char *wrong;
	unsigned int shift;
	char *end;

	if (!isdigit((unsigned char)*text))
		return "it does not begin with a digit";
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return "it is too large";
	if (*end == '.' || *end == ',')
		return "it has a fraction; use a smaller unit, 1536M for 1.5G";
	if (!strcmp(end, "%")) {
		if (!whole)
			return "a percentage of what is not known here";
		if (number > 100)
			return "it is more than 100%";
		*bytes = whole / 100 * number;
		return NULL;
	}
	wrong = unit_shift(end, &shift);
	if (wrong)
		return wrong;
	if (shift && number > UINT64_MAX >> shift)
		return "it is too large";
	*bytes = (uint64_t)number << shift;
	return NULL;
}

char *size_format(uint64_t bytes, char buf[16])
{
	double value = bytes;
	int unit = -1;

	while (value >= 1023.95 && unit + 1 < (int)strlen(units)) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, 16, "%" PRIu64 "B", bytes);
	else if (value < 9.95 && (unsigned int)(value * 10 + 0.5) % 10)
		snprintf(buf, 16, "%.1f%c", value, units[unit]);
	else
		snprintf(buf, 16, "%.0f%c", value, units[unit]);
	return buf;
}

uint64_t memory_size(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * size : 0;
}

const char *seconds_parse(const char *text, uint64_t *ms)
{
	uint64_t value = 0, scale = 1000;
	bool fraction = false;

	if (!isdigit((unsigned char)*text))
		return "it does not begin with a digit";
	for (; *text; text++) {
		if (*text == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (!isdigit((unsigned char)*text))
			return "it is not a number of seconds";
		if (fraction) {
			scale /= 10;
			value += (*text - '0') * scale;
		} else {
			if (value > UINT64_MAX / 20)
				return "it is too large";
			value = value * 10 + (*text - '0') * 1000;
		}
	}
	*ms = value;
	return NULL;
}
