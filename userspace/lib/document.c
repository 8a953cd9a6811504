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

static void free_element(const struct sc_field *field, void *element)
{
	if (field->kind == SC_LIST)
		sc_node_free(element);
	else
		free(element);
}

static void free_items(const struct sc_field *field, void *items, size_t count)
{
	while (count)
		free_element(field, load_pointer(items, --count * sizeof(void *)));
	free(items);
}

/* Make a list another one, and forget what was in it. */
static void set_list(void *object, const struct sc_field *field, void *items, size_t count)
{
	store_pointer(object, field->offset, items);
	store_count(object, field, count);
}

void sc_list_clear(void *object, const struct sc_field *field)
{
	free_items(field, load_pointer(object, field->offset), load_count(object, field));
	set_list(object, field, NULL, 0);
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

int sc_list_twin(struct shadowcopy *sc, const void *elements, size_t count,
		 int (*compare)(const void *a, const void *b), const void **twinp)
{
	size_t i, bytes = count * sizeof(void *);
	void **sorted;

	*twinp = NULL;
	if (count < 2)
		return 0;
	sorted = malloc(bytes);
	if (!sorted)
		return SC_FAIL(sc, -ENOMEM, .action = "check the document");
	memcpy(sorted, elements, bytes);
	qsort(sorted, count, sizeof(*sorted), compare);
	for (i = 1; i < count && !*twinp; i++)
		if (!compare(&sorted[i - 1], &sorted[i]))
			*twinp = sorted[i];
	free(sorted);
	return 0;
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

/* A checked copy of a text, in its normal form; of none it is NULL. */
static int copy_text(struct shadowcopy *sc, const void *object, const struct sc_field *field,
		     const char *text, char **copyp)
{
	const char *fault = text ? sc_text_fault(field->text, text) : NULL;

	*copyp = NULL;
	if (!text && field->required)
		return set_fail(sc, object, field, "nothing", "is not there");
	if (fault)
		return set_fail(sc, object, field, text, fault);
	if (!text)
		return 0;
	*copyp = sc_text_normal(field->text, text);
	return *copyp ? 0 : SC_FAIL(sc, -ENOMEM, .action = "set", .object = field->name);
}

int sc_set_text(struct shadowcopy *sc, void *object, size_t offset, const char *text)
{
	char *copy;
	int rc = copy_text(sc, object, sc_field_at(object, offset), text, &copy);

	if (rc)
		return rc;
	free(load_pointer(object, offset));
	store_pointer(object, offset, copy);
	return 0;
}

int sc_set_two_texts(struct shadowcopy *sc, void *object, size_t offset, const char *text,
		     size_t other, const char *other_text)
{
	char *copy;
	int rc = copy_text(sc, object, sc_field_at(object, offset), text, &copy);

	if (rc)
		return rc;
	rc = sc_set_text(sc, object, other, other_text);
	if (rc) {
		free(copy);
		return rc;
	}
	free(load_pointer(object, offset));
	store_pointer(object, offset, copy);
	return 0;
}

int sc_check_word(struct shadowcopy *sc, const void *object, size_t offset, uint32_t value)
{
	const struct sc_field *field = sc_field_at(object, offset);
	bool good = true;
	char text[16];

	if (field->kind == SC_ENUM)
		good = sc_word_of(field->words, value) || (!value && !field->required);
	else if (field->kind == SC_MASK)
		good = !(value & ~all_bits(field->words));
	if (good)
		return 0;
	snprintf(text, sizeof(text), "0x%x", value);
	return set_fail(sc, object, field, text, "is unknown");
}

int sc_set_word(struct shadowcopy *sc, void *object, size_t offset, uint32_t value)
{
	int rc = sc_check_word(sc, object, offset, value);

	if (!rc)
		store_word(object, sc_field_at(object, offset), value);
	return rc;
}

int sc_texts_add(struct shadowcopy *sc, void *object, size_t offset, const char *text)
{
	const struct sc_field *field = sc_field_at(object, offset);
	const char *fault = text ? sc_text_fault(field->text, text) : "is not there";
	char *copy;

	if (!fault && load_count(object, field) >= sc_list_max(field))
		fault = "is one too many";
	if (fault)
		return set_fail(sc, object, field, text ?: "nothing", fault);
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

void *sc_node_copy(const void *from, void *parent)
{
	const struct sc_node *node = sc_node(from);
	void *copy = sc_node_new(node->type, parent);
	size_t i;

	if (!copy)
		return NULL;
	sc_node(copy)->extra = json_incref(node->extra);
	sc_node(copy)->minor = node->minor;
	sc_node(copy)->role = node->role;
	sc_node(copy)->step = node->step;
	for (i = 0; i < node->type->count; i++) {
		if (sc_field_copy(&node->type->fields[i], copy, from)) {
			sc_node_free(copy);
			return NULL;
		}
	}
	return copy;
}

static int push_copies(const struct sc_field *field, void *to, const void *from)
{
	size_t i, count = load_count(from, field);
	int rc = 0;

	for (i = 0; i < count && !rc; i++) {
		const void *element = sc_list_get(from, field, i);
		void *copy = field->kind == SC_LIST ? sc_node_copy(element, to) : strdup(element);

		rc = copy ? sc_list_push(to, field, copy) : -ENOMEM;
		if (rc && copy)
			free_element(field, copy);
	}
	return rc;
}

/* The old elements go when all of the new ones are there. */
static int copy_list(const struct sc_field *field, void *to, const void *from)
{
	void *old = load_pointer(to, field->offset);
	size_t old_count = load_count(to, field);
	int rc;

	set_list(to, field, NULL, 0);
	rc = push_copies(field, to, from);
	if (rc) {
		sc_list_clear(to, field);
		set_list(to, field, old, old_count);
	} else {
		free_items(field, old, old_count);
	}
	return rc;
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
