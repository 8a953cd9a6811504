// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * schema.c - the JSON Schema (2020-12) of a document, from its tables.
 *
 * Where memory is short an object, or an array, becomes NULL, and what it was to be put into
 * does so, too: so who has a schema in the end has all of it.
 */
#include "document.h"

static void put(json_t **objectp, const char *name, json_t *value)
{
	if (!json_object_set_new(*objectp, name, value))
		return;
	json_decref(*objectp);
	*objectp = NULL;
}

static void append(json_t **arrayp, json_t *value)
{
	if (!json_array_append_new(*arrayp, value))
		return;
	json_decref(*arrayp);
	*arrayp = NULL;
}

static json_t *type_schema(const char *type)
{
	json_t *schema = json_object();

	put(&schema, "type", json_string(type));
	return schema;
}

static json_t *words_schema(const struct sc_word *words)
{
	json_t *schema = type_schema("string"), *values = json_array();

	for (; words->word; words++)
		append(&values, json_string(words->word));
	put(&schema, "enum", values);
	return schema;
}

static json_t *pattern_schema(const char *pattern)
{
	json_t *schema = type_schema("string");

	put(&schema, "pattern", json_string(pattern));
	return schema;
}

static json_t *text_schema(const struct sc_field *field)
{
	const struct sc_text_kind *kind = sc_text_kind(field->text);
	json_t *schema = type_schema("string");

	/* The schema counts characters, of which there are no more than bytes. */
	put(&schema, "maxLength", json_integer(kind->max));
	if (!kind->may_be_empty)
		put(&schema, "minLength", json_integer(1));
	if (kind->pattern)
		put(&schema, "pattern", json_string(kind->pattern));
	return schema;
}

static json_t *number_schema(void)
{
	json_t *schema = type_schema("integer");

	put(&schema, "minimum", json_integer(0));
	put(&schema, "maximum", json_integer(UINT32_MAX));
	return schema;
}

static json_t *array_schema(json_t *items)
{
	json_t *schema = type_schema("array");

	put(&schema, "items", items);
	return schema;
}

static json_t *list_schema(const struct sc_field *field, json_t *items)
{
	json_t *schema = array_schema(items);

	put(&schema, "maxItems", json_integer(field->max ?: SC_LIST_MAX));
	return schema;
}

static json_t *mask_schema(const struct sc_field *field)
{
	json_t *schema = array_schema(words_schema(field->words));

	put(&schema, "uniqueItems", json_true());
	return schema;
}

static json_t *constant(const char *value)
{
	json_t *schema = json_object();

	put(&schema, "const", json_string(value));
	return schema;
}

static json_t *reference(const struct sc_type *type)
{
	json_t *schema = json_object();

	put(&schema, "$ref", json_sprintf("#/$defs/%s", type->name));
	return schema;
}

static void define(const struct sc_type *type, json_t **definitions);

static json_t *member_schema(const struct sc_field *field, json_t **definitions)
{
	switch (field->kind) {
	case SC_TEXT:
		return text_schema(field);
	case SC_UUID:
		return pattern_schema("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$");
	case SC_BOOL:
		return type_schema("boolean");
	case SC_ENUM:
		return words_schema(field->words);
	case SC_NUMBER:
		return number_schema();
	case SC_TIME:
		return pattern_schema("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
				      "(\\.[0-9]{1,9})?Z$");
	case SC_DEV:
		return pattern_schema("^(0|[1-9][0-9]*):(0|[1-9][0-9]*)$");
	case SC_MASK:
		return mask_schema(field);
	case SC_TEXTS:
		return list_schema(field, text_schema(field));
	case SC_LIST:
		define(field->list, definitions);
		return list_schema(field, reference(field->list));
	}
	return NULL;
}

/* "format" and what else is of a whole document only. */
static void describe_document(const struct sc_type *type, json_t **properties, json_t **required)
{
	char version[32];

	snprintf(version, sizeof(version), "%u.%u", type->major, type->minor);
	put(properties, "format", constant(type->format));
	put(properties, "version", constant(version));
	put(properties, "sha256", pattern_schema("^[0-9a-f]{64}$"));
	append(required, json_string("format"));
	append(required, json_string("version"));
}

/* "type", "properties" and so on of a structure, into @schema. */
static void describe(const struct sc_type *type, json_t **schema, json_t **definitions)
{
	json_t *properties = json_object(), *required = json_array();
	size_t i;

	if (type->format)
		describe_document(type, &properties, &required);
	for (i = 0; i < type->count; i++) {
		const struct sc_field *field = &type->fields[i];
		json_t *member = member_schema(field, definitions);

		if (field->what)
			put(&member, "description", json_string(field->what));
		put(&properties, field->name, member);
		if (field->required)
			append(&required, json_string(field->name));
	}
	put(schema, "type", json_string("object"));
	put(schema, "properties", properties);
	if (required && !json_array_size(required))
		json_decref(required);
	else
		put(schema, "required", required);
	put(schema, "additionalProperties", json_false());
}

/* It gets its place before those that it contains. */
static void define(const struct sc_type *type, json_t **definitions)
{
	json_t *schema;

	if (json_object_iter_at(*definitions, type->name))
		return;
	put(definitions, type->name, json_null());
	schema = json_object();
	describe(type, &schema, definitions);
	put(definitions, type->name, schema);
}

json_t *sc_schema(const struct sc_type *type)
{
	json_t *schema = json_object(), *definitions = json_object();

	put(&schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	put(&schema, "title", json_string(type->title));
	describe(type, &schema, &definitions);
	put(&schema, "$defs", definitions);
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
	*textp = sc_json_text(schema, JSON_INDENT(2));
	json_decref(schema);
	return *textp ? 0 : SC_FAIL(sc, -ENOMEM, .action = "make a schema");
}
