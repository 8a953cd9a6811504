// SPDX-License-Identifier: GPL-2.0-only
/*
 * size.c - sizes and spans of time as people write them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <unistd.h>

#include "shadowadm.h"

static const char units[] = "KMGTPE";

const char *size_parse(const char *text, uint64_t whole, uint64_t *bytes)
{
	struct shadowcopy_amount amount;
	const char *wrong = shadowcopy_amount_parse(text, &amount);

	if (wrong)
		return wrong;
	if (strchr(text, '%') && !whole)
		return "a percentage of what is not known here";
	if (!strcmp(text, "unlimited"))
		return "something has to limit it";
	*bytes = shadowcopy_amount_of(&amount, whole);
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
