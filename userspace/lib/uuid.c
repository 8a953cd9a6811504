// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * uuid.c - UUIDs, also as text.
 */
#include "private.h"

/* After which bytes the printed form has a dash. */
static bool dash_after(size_t byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

SC_EXPORT char *shadowcopy_uuid_format(const struct shadow_uuid *uuid, char *buf)
{
	char *p = buf;
	size_t i;

	for (i = 0; i < sizeof(uuid->b); i++) {
		p += sprintf(p, "%02x", uuid->b[i]);
		if (dash_after(i))
			*p++ = '-';
	}
	*p = '\0';
	return buf;
}

SC_EXPORT bool shadowcopy_uuid_equal(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

SC_EXPORT int shadowcopy_uuid_parse(const char *text, struct shadow_uuid *uuid)
{
	size_t i;

	if (strlen(text) != SHADOWCOPY_UUID_LEN - 1)
		return -EINVAL;
	for (i = 0; i < sizeof(uuid->b); i++) {
		int high = hex(text[0]), low = high < 0 ? -1 : hex(text[1]);

		if (low < 0)
			return -EINVAL;
		uuid->b[i] = high << 4 | low;
		text += 2;
		if (dash_after(i) && *text++ != '-')
			return -EINVAL;
	}
	return 0;
}
