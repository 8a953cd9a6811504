// SPDX-License-Identifier: GPL-2.0-only
/*
 * json.c - members of JSON objects in one call each.
 */
#include <float.h>

#include "shadowadm.h"

/* --- texts ---------------------------------------------------------------- */

/* U+FFFD, for what is no character */
#define REPLACEMENT "\xef\xbf\xbd"

/*
 * Bytes of the character that @text begins with; 0 where it begins with none.  As RFC 3629
 * has it: none is longer than it need be, none is a surrogate or above U+10FFFF.
 */
static size_t character(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length, i;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return length;
}

static json_t *replaced(const char *text)
{
	char *good = malloc(strlen(text) * strlen(REPLACEMENT) + 1), *end = good;
	json_t *string;
	size_t length;

	if (!good)
		return NULL;
	while (*text) {
		length = character(text);
		end = mempcpy(end, length ? text : REPLACEMENT, length ?: strlen(REPLACEMENT));
		text += length ?: 1;
	}
	*end = '\0';
	string = json_string(good);
	free(good);
	return string;
}

json_t *text_json(const char *text)
{
	return json_string(text) ?: replaced(text);
}

/* --- numbers -------------------------------------------------------------- */

json_t *number_json(uint64_t number)
{
	return json_integer(number < INT64_MAX ? number : INT64_MAX);
}

json_t *real_json(double real)
{
	char text[DBL_MAX_10_EXP + 8];

	snprintf(text, sizeof(text), "%.3f", real);
	return json_real(strtod(text, NULL));
}

/* --- members -------------------------------------------------------------- */

void json_value(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ?: json_null());
}

void json_text(json_t *object, const char *key, const char *text)
{
	json_value(object, key, text ? text_json(text) : NULL);
}

void json_number(json_t *object, const char *key, uint64_t number)
{
	json_value(object, key, number_json(number));
}

void json_uuid(json_t *object, const char *key, const struct shadow_uuid *uuid)
{
	char text[SHADOWCOPY_UUID_LEN];

	json_text(object, key, shadowcopy_uuid_format(uuid, text));
}

/* --- documents ------------------------------------------------------------ */

static int print(json_t *document, size_t layout)
{
	/* Left alone, the library writes 0.1 with 17 digits, the last of them a 1. */
	int rc = json_dumpf(document, stdout, layout | JSON_REAL_PRECISION(DBL_DIG));

	json_decref(document);
	return rc || putchar('\n') == EOF || fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static json_t **collected;

void json_collect(json_t **into)
{
	collected = into;
}

int json_print(json_t *document)
{
	if (!collected)
		return print(document, JSON_INDENT(2));
	if (!*collected)
		*collected = json_object();
	json_object_update(*collected, document);
	json_decref(document);
	return STATUS_OK;
}

int json_print_line(json_t *document)
{
	return print(document, JSON_COMPACT);
}
