// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * load.c - documents from JSON, by the tables of their structures.
 *
 * Reading trusts nothing.  Before the parser sees a text its size, depth and number of
 * values are counted, so that it cannot be made to take much memory.  Then the
 * checksum is compared: over the document without it, in the one form that has no
 * freedom (no white space, members sorted).  Then each structure's members are
 * taken out of the JSON as its table says; what is left is unknown: an error, but
 * in a document of a newer minor version, of which simple values are kept and written
 * again, and arrays and objects are ignored.
 */
#include <time.h>
#include <unistd.h>

#include "member.h"

#define WHERE_MAX	256

/* What reading a document knows. */
struct reading {
	struct shadowcopy *sc;
	const char *label;
	bool newer;			/* of a newer minor version than ours */
	char where[WHERE_MAX];		/* "components[2].files[0]" */
};

/* --- words and times -------------------------------------------------------------- */

static bool word_parse(const struct sc_word *words, const char *word, uint32_t *value)
{
	for (; words->word; words++) {
		if (strcmp(words->word, word))
			continue;
		*value = words->value;
		return true;
	}
	return false;
}

static bool time_parse(const char *text, int64_t *ns)
{
	int64_t fraction = 0, unit = SC_NS;
	char again[SC_TIME_LEN];
	struct tm tm;
	time_t seconds;
	const char *p;

	memset(&tm, 0, sizeof(tm));
	p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p || tm.tm_year < 70 || tm.tm_year > 300)
		return false;
	seconds = timegm(&tm);
	/* strptime() and timegm() also take what is no date. */
	sc_time_format(seconds * SC_NS, again);
	if (strncmp(again, text, p - text) || p - text != 19)
		return false;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9' && unit > 1; p++) {
			unit /= 10;
			fraction += (*p - '0') * unit;
		}
		if (unit == SC_NS)
			return false;
	}
	*ns = seconds * SC_NS + fraction;
	return !strcmp(p, "Z");
}

static bool dev_parse(const char *text, struct shadow_dev *dev)
{
	char again[32];

	if (sc_dev_parse(text, dev))
		return false;
	snprintf(again, sizeof(again), "%u:%u", dev->major, dev->minor);
	return !strcmp(again, text);
}

/* --- members ---------------------------------------------------------------------- */

SC_PRINTF(3, 4)
static int read_fail(struct reading *reading, const char *remedy, const char *format, ...)
{
	char fault[512], cause[WHERE_MAX + 520];
	va_list args;

	va_start(args, format);
	vsnprintf(fault, sizeof(fault), format, args);
	va_end(args);
	snprintf(cause, sizeof(cause), "%s%s%s", reading->where, *reading->where ? " " : "", fault);
	return SC_FAIL(reading->sc, -EINVAL, .action = "read", .object = reading->label,
		       .cause = cause, .remedy = remedy ?: "correct the document");
}

/* Go into a member; the answer is what leave() goes back to. */
SC_PRINTF(2, 3)
static size_t enter(struct reading *reading, const char *format, ...)
{
	size_t length = strlen(reading->where);
	va_list args;

	va_start(args, format);
	vsnprintf(reading->where + length, WHERE_MAX - length, format, args);
	va_end(args);
	return length;
}

static void leave(struct reading *reading, size_t length)
{
	reading->where[length] = '\0';
}

static int read_node(struct reading *reading, json_t *json, void *object);

static int read_text(struct reading *reading, json_t *json, void *object,
		     const struct sc_field *field)
{
	const char *fault;
	char *copy;

	fault = sc_text_fault(field->text, json_string_value(json));
	if (fault)
		return read_fail(reading, NULL, "%s: it has to be %s", fault,
				 sc_text_kind(field->text)->what);
	copy = sc_text_normal(field->text, json_string_value(json));
	if (!copy)
		return -ENOMEM;
	if (field->kind == SC_TEXT) {
		store_pointer(object, field->offset, copy);
	} else if (sc_list_push(object, field, copy)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

/* The names of a table, for an error. */
static void list_words(const struct sc_word *words, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (; words->word && used < size; words++)
		used += snprintf(buf + used, size - used, "%s%s", used ? ", " : "", words->word);
}

static int read_word(struct reading *reading, json_t *json, const struct sc_field *field,
		     uint32_t *value)
{
	char words[400];

	if (word_parse(field->words, json_string_value(json), value))
		return 0;
	list_words(field->words, words, sizeof(words));
	return read_fail(reading, NULL, "is none of: %s", words);
}

static int read_array(struct reading *reading, json_t *json, void *object,
		      const struct sc_field *field)
{
	size_t i, length, count = json_array_size(json);
	uint32_t mask = 0, bit;
	int rc = 0;

	if (count > sc_list_max(field))
		return read_fail(reading, NULL, "has %zu elements, and %u are allowed", count,
				 sc_list_max(field));
	for (i = 0; i < count && !rc; i++) {
		json_t *value = json_array_get(json, i);

		length = enter(reading, "[%zu]", i);
		if (field->kind == SC_LIST) {
			void *element = sc_node_new(field->list, object);

			if (!element || sc_list_push(object, field, element)) {
				sc_node_free(element);
				return -ENOMEM;
			}
			rc = read_node(reading, value, element);
		} else if (!json_is_string(value)) {
			rc = read_fail(reading, NULL, "is no string");
		} else if (field->kind == SC_TEXTS) {
			rc = read_text(reading, value, object, field);
		} else {
			rc = read_word(reading, value, field, &bit);
			if (!rc && (mask & bit))
				rc = read_fail(reading, NULL, "is there twice");
			mask |= rc ? 0 : bit;
		}
		if (!rc)
			leave(reading, length);
	}
	if (field->kind == SC_MASK && !rc)
		store_word(object, field, mask);
	return rc;
}

static int read_number(struct reading *reading, json_t *json, void *object,
		       const struct sc_field *field)
{
	json_int_t value = json_integer_value(json);

	if (value < 0 || value > UINT32_MAX)
		return read_fail(reading, NULL, "is not between 0 and %u", UINT32_MAX);
	store_word(object, field, value);
	return 0;
}

static const char *kind_name(enum sc_kind kind)
{
	static const char *const names[] = {
		[SC_TEXT] = "string", [SC_UUID] = "string", [SC_BOOL] = "boolean",
		[SC_ENUM] = "string", [SC_MASK] = "array", [SC_NUMBER] = "integer",
		[SC_TIME] = "string", [SC_DEV] = "string", [SC_LIST] = "array",
		[SC_TEXTS] = "array",
	};

	return names[kind];
}

static bool is_kind(const json_t *json, enum sc_kind kind)
{
	switch (kind) {
	case SC_BOOL:
		return json_is_boolean(json);
	case SC_NUMBER:
		return json_is_integer(json);
	case SC_MASK:
	case SC_LIST:
	case SC_TEXTS:
		return json_is_array(json);
	default:
		return json_is_string(json);
	}
}

static int read_member(struct reading *reading, json_t *json, void *object,
		       const struct sc_field *field)
{
	const char *text = json_string_value(json);
	uint32_t value;
	int rc;

	if (!is_kind(json, field->kind))
		return read_fail(reading, NULL, "is no %s", kind_name(field->kind));
	switch (field->kind) {
	case SC_TEXT:
		return read_text(reading, json, object, field);
	case SC_UUID:
		if (shadowcopy_uuid_parse(text, member(object, field->offset)) ||
		    sc_uuid_is_null(load_uuid(object, field)))
			return read_fail(reading, NULL, "is no UUID");
		return 0;
	case SC_BOOL:
		*(bool *)member(object, field->offset) = json_is_true(json);
		return 0;
	case SC_ENUM:
		rc = read_word(reading, json, field, &value);
		if (!rc)
			store_word(object, field, value);
		return rc;
	case SC_NUMBER:
		return read_number(reading, json, object, field);
	case SC_TIME:
		if (!time_parse(text, member(object, field->offset)))
			return read_fail(reading, NULL,
					 "is no time such as \"2026-01-31T12:00:00Z\"");
		return 0;
	case SC_DEV:
		if (!dev_parse(text, member(object, field->offset)))
			return read_fail(reading, NULL, "is no device number such as \"253:1\"");
		return 0;
	case SC_MASK:
	case SC_LIST:
	case SC_TEXTS:
		return read_array(reading, json, object, field);
	}
	return 0;
}

/* An unknown member of a newer version: what is simple is kept. */
static int keep_unknown(struct sc_node *node, const char *name, json_t *value)
{
	if (json_is_array(value) || json_is_object(value))
		return 0;
	if (!node->extra)
		node->extra = json_object();
	return json_object_set(node->extra, name, value) ? -ENOMEM : 0;
}

/* What the table did not take out of the JSON. */
static int read_rest(struct reading *reading, json_t *json, struct sc_node *node)
{
	void *iter;
	char *name;
	int rc = 0;

	while (!rc && (iter = json_object_iter(json))) {
		name = strdup(json_object_iter_key(iter));
		if (!name)
			return -ENOMEM;
		if (!reading->newer)
			rc = read_fail(reading, "remove it, or correct its name",
				       "%s a member \"%s\", which is unknown",
				       *reading->where ? "has" : "it has", name);
		else
			rc = keep_unknown(node, name, json_object_iter_value(iter));
		json_object_del(json, name);
		free(name);
	}
	return rc;
}

static int read_node(struct reading *reading, json_t *json, void *object)
{
	struct sc_node *node = sc_node(object);
	const struct sc_type *type = node->type;
	size_t i, length;
	int rc;

	if (!json_is_object(json))
		return read_fail(reading, NULL, "is no object");
	for (i = 0; i < type->count; i++) {
		const struct sc_field *field = &type->fields[i];
		json_t *value;

		value = json_object_iter_value(json_object_iter_at(json, field->name));
		length = enter(reading, "%s%s", *reading->where ? "." : "", field->name);
		if (value) {
			rc = read_member(reading, value, object, field);
			if (rc)
				return rc;
			json_object_del(json, field->name);
		} else if (field->required) {
			return read_fail(reading, "add it", "is not there");
		}
		leave(reading, length);
	}
	return read_rest(reading, json, node);
}

/* --- documents -------------------------------------------------------------------- */

/*
 * Size, depth and number of values before anything is parsed.  Values are counted by the
 * commas and the brackets that are not in strings: as many as there are, or more.
 */
int sc_check_limits(struct shadowcopy *sc, const char *text, size_t size, const char *label)
{
	size_t i, nodes = 1, depth = 0, deepest = 0;
	const char *cause = NULL;
	bool string = false;

	if (size > SHADOWCOPY_DOCUMENT_SIZE_MAX)
		return SC_FAIL(sc, -EFBIG, .action = "read", .object = label,
			       .cause = "it has more than 16 MiB",
			       .remedy = "name files by patterns rather than one by one");
	for (i = 0; i < size; i++) {
		char c = text[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '[' || c == '{') {
			nodes++;
			if (++depth > deepest)
				deepest = depth;
		} else if (c == ']' || c == '}') {
			depth -= !!depth;
		} else if (c == ',') {
			nodes++;
		}
	}
	if (deepest > SHADOWCOPY_DOCUMENT_DEPTH_MAX)
		cause = "more arrays and objects are in each other than there ever are";
	else if (nodes > SHADOWCOPY_DOCUMENT_NODES_MAX)
		cause = "it has more than 400000 values";
	if (!cause)
		return 0;
	return SC_FAIL(sc, -EFBIG, .action = "read", .object = label, .cause = cause,
		       .remedy = "name files by patterns rather than one by one");
}

static int check_sum(struct shadowcopy *sc, json_t *root, const char *label, uint32_t flags)
{
	json_t *sum = json_object_iter_value(json_object_iter_at(root, "sha256"));
	char computed[SC_SHA256_LEN], given[SC_SHA256_LEN];
	char *canonical;

	if (!sum && (flags & SHADOWCOPY_LOAD_UNSIGNED))
		return 0;
	if (!sum)
		return SC_FAIL(sc, -EBADMSG, .action = "read", .object = label,
			       .cause = "it has no checksum",
			       .remedy = "load it as a document written by hand, if it is one");
	snprintf(given, sizeof(given), "%s", json_string_value(sum) ?: "");
	json_object_del(root, "sha256");
	canonical = sc_json_text(root, JSON_COMPACT | JSON_SORT_KEYS);
	if (!canonical)
		return SC_FAIL(sc, -ENOMEM, .action = "read", .object = label);
	sc_sha256(canonical, strlen(canonical), computed);
	free(canonical);
	if (!strcmp(given, computed))
		return 0;
	return SC_FAIL(sc, -EBADMSG, .action = "read", .object = label,
		       .cause = "its checksum does not fit: it was damaged, or changed by hand",
		       .remedy = "use another copy; after a change by hand that was meant, remove "
		       "\"sha256\" and load it as a document written by hand");
}

static int check_version(struct shadowcopy *sc, json_t *root, const char *label,
			 const struct sc_type *type, uint32_t *minor)
{
	json_t *format = json_object_iter_value(json_object_iter_at(root, "format"));
	json_t *version = json_object_iter_value(json_object_iter_at(root, "version"));
	unsigned int major;
	char again[32], cause[160];

	if (!json_is_string(format) || strcmp(json_string_value(format), type->format)) {
		snprintf(cause, sizeof(cause), "its \"format\" is not \"%s\"", type->format);
		return SC_FAIL(sc, -EINVAL, .action = "read", .object = label, .cause = cause,
			       .remedy = "name a document of that kind");
	}
	if (!json_is_string(version) ||
	    sscanf(json_string_value(version), "%9u.%9u", &major, minor) != 2 ||
	    (snprintf(again, sizeof(again), "%u.%u", major, *minor),
	     strcmp(again, json_string_value(version))))
		return SC_FAIL(sc, -EINVAL, .action = "read", .object = label,
			       .cause = "its \"version\" is not as \"1.0\" is",
			       .remedy = "correct the document");
	if (major != type->major) {
		snprintf(cause, sizeof(cause),
			 "it is of version %u.%u, and this library knows %u only", major, *minor,
			 type->major);
		return SC_FAIL(sc, -EPROTONOSUPPORT, .action = "read", .object = label,
			       .cause = cause, .remedy = "install a version that knows it");
	}
	json_object_del(root, "format");
	json_object_del(root, "version");
	return 0;
}

/* jansson's fault, with the place.  Where memory is short it says so, or nothing. */
static int parse_fail(struct shadowcopy *sc, const char *label, const json_error_t *error)
{
	char cause[sizeof(error->text) + 64];

	if (!error->text[0] || json_error_code(error) == json_error_out_of_memory)
		return SC_FAIL(sc, -ENOMEM, .action = "read", .object = label);
	/* Its sentences end in the offending text, which is no text that one wants to see. */
	snprintf(cause, sizeof(cause), "line %d, column %d: %.*s", error->line, error->column,
		 (int)strcspn(error->text, "\n"), error->text);
	if (!sc_is_utf8(cause))
		snprintf(cause, sizeof(cause), "line %d, column %d is no JSON in UTF-8",
			 error->line, error->column);
	return SC_FAIL(sc, -EBADMSG, .action = "read", .object = label, .cause = cause,
		       .remedy = "correct the document, or use another copy");
}

static int load_root(struct reading *reading, json_t *root, const struct sc_type *type,
		     uint32_t flags, void *object)
{
	uint32_t minor;
	int rc;

	if (!json_is_object(root))
		return read_fail(reading, NULL, "it is no object");
	rc = check_sum(reading->sc, root, reading->label, flags);
	if (!rc)
		rc = check_version(reading->sc, root, reading->label, type, &minor);
	if (rc)
		return rc;
	reading->newer = minor > type->minor;
	sc_node(object)->minor = reading->newer ? minor : type->minor;
	rc = read_node(reading, root, object);
	if (rc == -ENOMEM)
		SC_FAIL(reading->sc, -ENOMEM, .action = "read", .object = reading->label);
	return rc ?: type->check(reading->sc, object);
}

int sc_document_load(struct shadowcopy *sc, const void *text, size_t size, const char *label,
		     uint32_t flags, const struct sc_type *type, void **objectp)
{
	struct reading reading = { .sc = sc, .label = label ?: type->title };
	json_error_t error;
	void *object;
	json_t *root;
	int rc;

	*objectp = NULL;
	if (flags & ~SHADOWCOPY_LOAD_UNSIGNED)
		return SC_FAIL(sc, -EINVAL, .action = "read", .object = reading.label,
			       .cause = "a flag is unknown", .remedy = "see the header");
	rc = sc_check_limits(sc, text, size, reading.label);
	if (rc)
		return rc;
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return parse_fail(sc, reading.label, &error);
	object = sc_node_new(type, NULL);
	rc = object ? load_root(&reading, root, type, flags, object) :
		SC_FAIL(sc, -ENOMEM, .action = "read", .object = reading.label);
	json_decref(root);
	if (rc) {
		sc_node_free(object);
		return rc;
	}
	*objectp = object;
	return 0;
}

/* All of a file, and a byte more than is allowed where it is too large. */
static int read_all(int fd, char **textp, size_t *sizep)
{
	size_t size = 0, room = 64 << 10;
	char *text = malloc(room), *more;
	ssize_t got;

	while (text) {
		got = read(fd, text + size, room - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			free(text);
			return got;
		}
		size += got;
		if (!got || size > SHADOWCOPY_DOCUMENT_SIZE_MAX) {
			*textp = text;
			*sizep = size;
			return 0;
		}
		if (size < room)
			continue;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	return -ENOMEM;
}

int sc_document_load_fd(struct shadowcopy *sc, int fd, const char *label, uint32_t flags,
			const struct sc_type *type, void **objectp)
{
	size_t size = 0;
	char *text = NULL;
	int rc;

	*objectp = NULL;
	rc = read_all(fd, &text, &size);
	if (rc)
		return SC_FAIL(sc, rc, .action = "read", .object = label ?: type->title);
	rc = sc_document_load(sc, text, size, label, flags, type, objectp);
	free(text);
	return rc;
}
