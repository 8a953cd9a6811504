// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * amount.c - sizes as people write them: bytes, per cent, or without a limit.
 */
#include <ctype.h>

#include "private.h"

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

SC_EXPORT const char *shadowcopy_amount_parse(const char *text,
					      struct shadowcopy_amount *amount)
{
	unsigned long long number;
	const char *wrong;
	unsigned int shift;
	char *end;

	*amount = (struct shadowcopy_amount){ 0 };
	if (!strcmp(text, "unlimited")) {
		amount->bytes = SHADOWCOPY_UNLIMITED;
		return NULL;
	}
	if (!isdigit((unsigned char)*text))
		return "it does not begin with a digit";
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return "it is too large";
	if (*end == '.' || *end == ',')
		return "it has a fraction; use a smaller unit, 1536M for 1.5G";
	if (!strcmp(end, "%")) {
		if (number > 100)
			return "it is more than 100%";
		amount->percent = number;
		return NULL;
	}
	wrong = unit_shift(end, &shift);
	if (wrong)
		return wrong;
	if (shift && number > UINT64_MAX >> shift)
		return "it is too large";
	amount->bytes = (uint64_t)number << shift;
	return NULL;
}

/* The largest unit that it is a whole number of. */
SC_EXPORT char *shadowcopy_amount_format(const struct shadowcopy_amount *amount, char *buf)
{
	uint64_t number = amount->bytes;
	int unit = -1;

	if (amount->percent) {
		snprintf(buf, SHADOWCOPY_AMOUNT_LEN, "%u%%", amount->percent);
		return buf;
	}
	if (number == SHADOWCOPY_UNLIMITED) {
		snprintf(buf, SHADOWCOPY_AMOUNT_LEN, "unlimited");
		return buf;
	}
	while (number && !(number % 1024) && unit + 1 < (int)strlen(units)) {
		number /= 1024;
		unit++;
	}
	snprintf(buf, SHADOWCOPY_AMOUNT_LEN, "%llu%.1s", (unsigned long long)number,
		 unit < 0 ? "" : units + unit);
	return buf;
}

SC_EXPORT uint64_t shadowcopy_amount_of(const struct shadowcopy_amount *amount, uint64_t whole)
{
	return amount->percent ? whole / 100 * amount->percent : amount->bytes;
}
