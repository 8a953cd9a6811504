// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * schema.c - the JSON Schema (2020-12) of a document, from its tables.
 */
#include "document.h"

static json_t *words_schema(const struct sc_word *words)
{
	json_t *values = json_array();

	for (; words->word; words++)
		json_array_append_new(values, json_string(words->word));
	return json_pack("{s:s, s:o}", "type", "string", "enum", values);
}

static json_t *text_schema(const struct sc_field *field)
{
	const struct sc_text_kind *kind = sc_text_kind(field->text);
	/* The schema counts characters, of which there are no more than bytes. */
	json_t *schema = json_pack("{s:s, s:I}", "type", "string", "maxLength",
				   (json_int_t)kind->max);

	if (!kind->may_be_empty)
		json_object_set_new(schema, "minLength", json_integer(1));
	if (kind->pattern)
		json_object_set_new(schema, "pattern", json_string(kind->pattern));
	return schema;
}

static json_t *pattern_schema(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *list_schema(const struct sc_field *field, json_t *items)
{
	return json_pack("{s:s, s:o, s:I}", "type", "array", "items", items, "maxItems",
			 (json_int_t)(field->max ?: SC_LIST_MAX));
}

static void define(const struct sc_type *type, json_t *definitions);

static json_t *member_schema(const struct sc_field *field, json_t *definitions)
{
	json_t *schema;

	switch (field->kind) {
	case SC_TEXT:
		return text_schema(field);
	case SC_UUID:
		return pattern_schema("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$");
	case SC_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case SC_ENUM:
		return words_schema(field->words);
	case SC_NUMBER:
		return json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 0, "maximum",
				 (json_int_t)UINT32_MAX);
	case SC_TIME:
		return pattern_schema("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
				      "(\\.[0-9]{1,9})?Z$");
	case SC_DEV:
		return pattern_schema("^(0|[1-9][0-9]*):(0|[1-9][0-9]*)$");
	case SC_MASK:
		schema = list_schema(field, words_schema(field->words));
		json_object_del(schema, "maxItems");
		json_object_set_new(schema, "uniqueItems", json_true());
		return schema;
	case SC_TEXTS:
		return list_schema(field, text_schema(field));
	case SC_LIST:
		define(field->list, definitions);
		return list_schema(field, json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s",
									     field->list->name)));
	}
	return NULL;
}

/* "type", "properties" and so on of a structure, into @schema. */
static void describe(const struct sc_type *type, json_t *schema, json_t *definitions)
{
	json_t *properties = json_object(), *required = json_array();
	size_t i;

	if (type->format) {
		json_object_set_new(properties, "format",
				    json_pack("{s:s}", "const", type->format));
		json_object_set_new(properties, "version",
				    json_pack("{s:o}", "const", json_sprintf("%u.%u", type->major,
									     type->minor)));
		json_object_set_new(properties, "sha256", pattern_schema("^[0-9a-f]{64}$"));
		json_array_append_new(required, json_string("format"));
		json_array_append_new(required, json_string("version"));
	}
	for (i = 0; i < type->count; i++) {
		const struct sc_field *field = &type->fields[i];
		json_t *member = member_schema(field, definitions);

		if (field->what)
			json_object_set_new(member, "description", json_string(field->what));
		json_object_set_new(properties, field->name, member);
		if (field->required)
			json_array_append_new(required, json_string(field->name));
	}
	json_object_set_new(schema, "type", json_string("object"));
	json_object_set_new(schema, "properties", properties);
	if (json_array_size(required))
		json_object_set_new(schema, "required", required);
	else
		json_decref(required);
	json_object_set_new(schema, "additionalProperties", json_false());
}

static void define(const struct sc_type *type, json_t *definitions)
{
	json_t *schema;

	if (json_object_iter_at(definitions, type->name))
		return;
	schema = json_object();
	json_object_set_new(definitions, type->name, schema);
	describe(type, schema, definitions);
}

json_t *sc_schema(const struct sc_type *type)
{
	json_t *schema = json_object(), *definitions = json_object();

	json_object_set_new(schema, "$schema",
			    json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(schema, "title", json_string(type->title));
	describe(type, schema, definitions);
	json_object_set_new(schema, "$defs", definitions);
	return schema;
}

SC_EXPORT int shadowcopy_document_schema(struct shadowcopy *sc, uint32_t document, char **textp)
{
	static const struct sc_type *const types[] = {
		[SHADOWCOPY_DOCUMENT_METADATA] = &sc_metadata_type,
		[SHADOWCOPY_DOCUMENT_BACKUP] = &sc_backup_type,
	};
	json_t *schema;

	*textp = NULL;
	if (document >= ARRAY_SIZE(types) || !types[document])
		return SC_FAIL(sc, -EINVAL, .action = "make a schema",
			       .cause = "there is no such document", .remedy = "see the header");
	schema = sc_schema(types[document]);
	*textp = json_dumps(schema, JSON_INDENT(2));
	json_decref(schema);
	return *textp ? 0 : SC_FAIL(sc, -ENOMEM, .action = "make a schema");
}
