// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * document.c - the structures of documents, by their tables: made, freed, changed,
 * compared and copied.
 */
#include "member.h"

bool sc_uuid_is_null(const struct shadow_uuid *uuid)
{
	static const struct shadow_uuid null;

	return !memcmp(uuid, &null, sizeof(null));
}

bool sc_uuid_equal(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

const struct sc_field *sc_field_at(const void *object, size_t offset)
{
	const struct sc_type *type = sc_node(object)->type;
	size_t i;

	for (i = 0; i < type->count - 1; i++)
		if (type->fields[i].offset == offset)
			break;
	return &type->fields[i];
}

/* --- structures -------------------------------------------------------------- */

void *sc_node_new(const struct sc_type *type, void *parent)
{
	struct sc_node *node = calloc(1, sizeof(*node) + type->size);
	size_t i;

	if (!node)
		return NULL;
	node->type = type;
	node->parent = parent;
	node->minor = type->minor;
	for (i = 0; i < type->count; i++)
		if (type->fields[i].kind == SC_ENUM || type->fields[i].kind == SC_MASK)
			store_word(node + 1, &type->fields[i], type->fields[i].fallback);
	return node + 1;
}

void *sc_root(const void *object)
{
	while (sc_node(object)->parent)
		object = sc_node(object)->parent;
	return (void *)object;
}

size_t sc_list_count(const void *object, const struct sc_field *field)
{
	return load_count(object, field);
}

void *sc_list_get(const void *object, const struct sc_field *field, size_t i)
{
	return load_pointer(load_pointer(object, field->offset), i * sizeof(void *));
}

void sc_list_clear(void *object, const struct sc_field *field)
{
	size_t i, count = load_count(object, field);

	for (i = 0; i < count; i++) {
		void *element = sc_list_get(object, field, i);

		if (field->kind == SC_LIST)
			sc_node_free(element);
		else
			free(element);
	}
	free(load_pointer(object, field->offset));
	store_pointer(object, field->offset, NULL);
	store_count(object, field, 0);
}

static void clear_member(void *object, const struct sc_field *field)
{
	switch (field->kind) {
	case SC_TEXT:
		free(load_pointer(object, field->offset));
		store_pointer(object, field->offset, NULL);
		break;
	case SC_LIST:
	case SC_TEXTS:
		sc_list_clear(object, field);
		break;
	default:
		break;
	}
}

void sc_node_free(void *object)
{
	struct sc_node *node;
	size_t i;

	if (!object)
		return;
	node = sc_node(object);
	for (i = 0; i < node->type->count; i++)
		clear_member(object, &node->type->fields[i]);
	json_decref(node->extra);
	free(node);
}

/* Room for one more pointer; arrays grow to powers of two. */
int sc_list_push(void *object, const struct sc_field *field, const void *element)
{
	size_t count = load_count(object, field);
	void *items = load_pointer(object, field->offset);

	if (!(count & (count - 1))) {
		items = realloc(items, (count ? 2 * count : 1) * sizeof(void *));
		if (!items)
			return -ENOMEM;
		store_pointer(object, field->offset, items);
	}
	store_pointer(items, count * sizeof(void *), element);
	store_count(object, field, count + 1);
	return 0;
}

int sc_list_add(struct shadowcopy *sc, void *object, size_t offset, void **elementp)
{
	const struct sc_field *field = sc_field_at(object, offset);
	char cause[64];
	void *element;

	*elementp = NULL;
	if (load_count(object, field) >= sc_list_max(field)) {
		snprintf(cause, sizeof(cause), "it has %u already, and no more are allowed",
			 sc_list_max(field));
		return SC_FAIL(sc, -E2BIG, .action = "add to", .object = field->name,
			       .cause = cause,
			       .remedy = "use patterns, or components, that take in more");
	}
	element = sc_node_new(field->list, object);
	if (!element || sc_list_push(object, field, element)) {
		sc_node_free(element);
		return SC_FAIL(sc, -ENOMEM, .action = "add to", .object = field->name);
	}
	*elementp = element;
	return 0;
}

void sc_list_drop(void *object, size_t offset)
{
	const struct sc_field *field = sc_field_at(object, offset);
	size_t last = load_count(object, field) - 1;

	sc_node_free(sc_list_get(object, field, last));
	store_count(object, field, last);
}

/* --- words ---------------------------------------------------------------------- */

const char *sc_word_of(const struct sc_word *words, uint32_t value)
{
	for (; words->word; words++)
		if (words->value == value)
			return words->word;
	return NULL;
}

static uint32_t all_bits(const struct sc_word *words)
{
	uint32_t bits = 0;

	for (; words->word; words++)
		bits |= words->value;
	return bits;
}

/* --- setters ------------------------------------------------------------------ */

/* What the error of a setter is about: "path of file set". */
static int set_fail(struct shadowcopy *sc, const void *object, const struct sc_field *field,
		    const char *value, const char *fault)
{
	char action[128], cause[512];

	snprintf(action, sizeof(action), "set the %s of a %s to", field->name,
		 sc_node(object)->type->name);
	snprintf(cause, sizeof(cause), "it %s; it has to be %s", fault,
		 field->kind == SC_TEXT || field->kind == SC_TEXTS ?
			sc_text_kind(field->text)->what : "one of the values in the header");
	return SC_FAIL(sc, -EINVAL, .action = action, .object = value, .cause = cause,
		       .remedy = "correct it");
}

int sc_set_text(struct shadowcopy *sc, void *object, size_t offset, const char *text)
{
	const struct sc_field *field = sc_field_at(object, offset);
	const char *fault = text ? sc_text_fault(field->text, text) : NULL;
	char *copy = NULL;

	if (!text && field->required)
		return set_fail(sc, object, field, "nothing", "is not there");
	if (fault)
		return set_fail(sc, object, field, text, fault);
	if (text) {
		copy = sc_text_normal(field->text, text);
		if (!copy)
			return SC_FAIL(sc, -ENOMEM, .action = "set", .object = field->name);
	}
	free(load_pointer(object, offset));
	store_pointer(object, offset, copy);
	return 0;
}

int sc_set_word(struct shadowcopy *sc, void *object, size_t offset, uint32_t value)
{
	const struct sc_field *field = sc_field_at(object, offset);
	bool good = true;
	char text[16];

	if (field->kind == SC_ENUM)
		good = sc_word_of(field->words, value) || (!value && !field->required);
	else if (field->kind == SC_MASK)
		good = !(value & ~all_bits(field->words));
	if (!good) {
		snprintf(text, sizeof(text), "0x%x", value);
		return set_fail(sc, object, field, text, "is unknown");
	}
	store_word(object, field, value);
	return 0;
}

int sc_texts_add(struct shadowcopy *sc, void *object, size_t offset, const char *text)
{
	const struct sc_field *field = sc_field_at(object, offset);
	const char *fault = sc_text_fault(field->text, text);
	char *copy;

	if (!fault && load_count(object, field) >= sc_list_max(field))
		fault = "is one too many";
	if (fault)
		return set_fail(sc, object, field, text, fault);
	copy = sc_text_normal(field->text, text);
	if (!copy || sc_list_push(object, field, copy)) {
		free(copy);
		return SC_FAIL(sc, -ENOMEM, .action = "add to", .object = field->name);
	}
	return 0;
}

/* --- comparing and copying ------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool node_equal(const void *a, const void *b)
{
	const struct sc_type *type = sc_node(a)->type;
	size_t i;

	for (i = 0; i < type->count; i++)
		if (!sc_field_equal(&type->fields[i], a, b))
			return false;
	return true;
}

bool sc_field_equal(const struct sc_field *field, const void *a, const void *b)
{
	size_t i, count;

	switch (field->kind) {
	case SC_TEXT:
		return same_text(load_pointer(a, field->offset), load_pointer(b, field->offset));
	case SC_UUID:
		return sc_uuid_equal(load_uuid(a, field), load_uuid(b, field));
	case SC_BOOL:
		return load_bool(a, field) == load_bool(b, field);
	case SC_ENUM:
	case SC_MASK:
	case SC_NUMBER:
		return load_word(a, field) == load_word(b, field);
	case SC_TIME:
		return load_time(a, field) == load_time(b, field);
	case SC_DEV:
		return !memcmp(member(a, field->offset), member(b, field->offset),
			       sizeof(struct shadow_dev));
	case SC_LIST:
	case SC_TEXTS:
		break;
	}
	count = load_count(a, field);
	if (count != load_count(b, field))
		return false;
	for (i = 0; i < count; i++) {
		const void *x = sc_list_get(a, field, i), *y = sc_list_get(b, field, i);

		if (field->kind == SC_LIST ? !node_equal(x, y) : strcmp(x, y))
			return false;
	}
	return true;
}

static int copy_list(const struct sc_field *field, void *to, const void *from)
{
	size_t i, j, count = load_count(from, field);

	for (i = 0; i < count; i++) {
		const void *element = sc_list_get(from, field, i);
		void *copy = field->kind == SC_LIST ? sc_node_new(field->list, to) :
						      strdup(element);
		int rc = copy ? sc_list_push(to, field, copy) : -ENOMEM;

		if (rc && field->kind == SC_LIST)
			sc_node_free(copy);
		else if (rc)
			free(copy);
		for (j = 0; !rc && field->kind == SC_LIST && j < field->list->count; j++)
			rc = sc_field_copy(&field->list->fields[j], copy, element);
		if (rc)
			return rc;
	}
	return 0;
}

int sc_field_copy(const struct sc_field *field, void *to, const void *from)
{
	const char *text;
	char *copy = NULL;

	switch (field->kind) {
	case SC_TEXT:
		text = load_pointer(from, field->offset);
		if (text) {
			copy = strdup(text);
			if (!copy)
				return -ENOMEM;
		}
		clear_member(to, field);
		store_pointer(to, field->offset, copy);
		return 0;
	case SC_LIST:
	case SC_TEXTS:
		sc_list_clear(to, field);
		return copy_list(field, to, from);
	case SC_UUID:
		memcpy(member(to, field->offset), member(from, field->offset),
		       sizeof(struct shadow_uuid));
		return 0;
	case SC_DEV:
		memcpy(member(to, field->offset), member(from, field->offset),
		       sizeof(struct shadow_dev));
		return 0;
	case SC_TIME:
		memcpy(member(to, field->offset), member(from, field->offset), sizeof(int64_t));
		return 0;
	case SC_BOOL:
		*(bool *)member(to, field->offset) = load_bool(from, field);
		return 0;
	case SC_ENUM:
	case SC_MASK:
	case SC_NUMBER:
		store_word(to, field, load_word(from, field));
		return 0;
	}
	return 0;
}
