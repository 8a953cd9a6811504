// SPDX-License-Identifier: GPL-2.0-only
/*
 * json.c - members of JSON objects in one call each.
 */
#include "shadowadm.h"

void json_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

void json_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void json_uuid(struct json_object *object, const char *key, const struct shadow_uuid *uuid)
{
	char text[SHADOWCOPY_UUID_LEN];

	json_text(object, key, shadowcopy_uuid_format(uuid, text));
}

int json_print(struct json_object *document)
{
	int rc = puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY |
						     JSON_C_TO_STRING_SPACED |
						     JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(document);
	return rc < 0 || fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

int json_print_line(struct json_object *document)
{
	int rc = puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN |
						     JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(document);
	return rc < 0 || fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}
