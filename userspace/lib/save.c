// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * save.c - documents to JSON, by the tables of their structures, and into files.
 *
 * Members are written in the order of the tables, left out where they say nothing.  The checksum
 * is last: over the rest in its one form without freedom, see load.c.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "member.h"

void sc_time_format(int64_t ns, char buf[SC_TIME_LEN])
{
	time_t seconds = ns / SC_NS;
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ns % SC_NS) {
		length += sprintf(buf + length, ".%09lld", (long long)(ns % SC_NS));
		while (buf[length - 1] == '0')
			length--;
	}
	strcpy(buf + length, "Z");
}

/* --- text of JSON ----------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t size, room;
	bool failed;
};

static int append(const char *bytes, size_t size, void *data)
{
	struct text *text = data;
	char *more;

	while (!text->failed && text->room - text->size <= size) {
		more = realloc(text->bytes, 2 * text->room);
		text->failed = !more;
		if (more) {
			text->bytes = more;
			text->room *= 2;
		}
	}
	if (text->failed)
		return -1;
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	return 0;
}

/*
 * Not json_dumps(): where memory is short for a moment, jansson 2.14 leaves out the name of a
 * member and goes on.
 */
char *sc_json_text(const json_t *json, size_t flags)
{
	struct text text = { .bytes = malloc(1024), .room = 1024 };

	text.failed = !text.bytes;
	if (json_dump_callback(json, append, &text, flags) || text.failed) {
		free(text.bytes);
		return NULL;
	}
	text.bytes[text.size] = '\0';
	return text.bytes;
}

/* --- structures to JSON ------------------------------------------------------------- */

static json_t *write_node(const void *object);

static json_t *write_array(const void *object, const struct sc_field *field)
{
	size_t i, count = load_count(object, field);
	json_t *array = json_array(), *value;

	for (i = 0; i < count; i++) {
		const void *element = sc_list_get(object, field, i);

		value = field->kind == SC_LIST ? write_node(element) : json_string(element);
		if (json_array_append_new(array, value)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *write_mask(const struct sc_word *words, uint32_t mask)
{
	json_t *array = json_array();

	for (; words->word; words++) {
		if (!(mask & words->value))
			continue;
		if (json_array_append_new(array, json_string(words->word))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *write_time(int64_t ns)
{
	char buf[SC_TIME_LEN];

	sc_time_format(ns, buf);
	return json_string(buf);
}

static json_t *write_dev(const struct shadow_dev *dev)
{
	return json_sprintf("%u:%u", dev->major, dev->minor);
}

/* Is there anything to tell? */
static bool is_set(const void *object, const struct sc_field *field)
{
	switch (field->kind) {
	case SC_TEXT:
		return load_pointer(object, field->offset);
	case SC_UUID:
		return !sc_uuid_is_null(load_uuid(object, field));
	case SC_BOOL:
		return field->required || load_bool(object, field);
	case SC_ENUM:
		return field->required || load_word(object, field) != field->fallback;
	case SC_MASK:
		return load_word(object, field) != field->fallback;
	case SC_NUMBER:
		return field->required || load_word(object, field);
	case SC_TIME:
		return load_time(object, field);
	case SC_DEV:
		return field->required ||
		       !sc_dev_is_null(*(const struct shadow_dev *)member(object, field->offset));
	case SC_LIST:
	case SC_TEXTS:
		return field->required || load_count(object, field);
	}
	return false;
}

static json_t *write_member(const void *object, const struct sc_field *field)
{
	char uuid[SHADOWCOPY_UUID_LEN];

	switch (field->kind) {
	case SC_TEXT:
		return json_string(load_pointer(object, field->offset));
	case SC_UUID:
		return json_string(shadowcopy_uuid_format(load_uuid(object, field), uuid));
	case SC_BOOL:
		return json_boolean(load_bool(object, field));
	case SC_ENUM:
		return json_string(sc_word_of(field->words, load_word(object, field)) ?: "");
	case SC_MASK:
		return write_mask(field->words, load_word(object, field));
	case SC_NUMBER:
		return json_integer(load_word(object, field));
	case SC_TIME:
		return write_time(load_time(object, field));
	case SC_DEV:
		return write_dev(member(object, field->offset));
	case SC_LIST:
	case SC_TEXTS:
		return write_array(object, field);
	}
	return NULL;
}

static int write_members(const void *object, json_t *json)
{
	const struct sc_node *node = sc_node(object);
	size_t i;
	int rc = 0;

	for (i = 0; i < node->type->count && !rc; i++) {
		const struct sc_field *field = &node->type->fields[i];

		if (is_set(object, field))
			rc = json_object_set_new(json, field->name, write_member(object, field));
	}
	if (node->extra && !rc)
		rc = json_object_update_missing(json, node->extra);
	return rc;
}

static json_t *write_node(const void *object)
{
	json_t *json = json_object();

	if (write_members(object, json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* --- documents ------------------------------------------------------------------------ */

/* The text of a whole document, with its checksum. */
static char *write_root(const void *object)
{
	const struct sc_node *node = sc_node(object);
	char sum[SC_SHA256_LEN], *text = NULL, *canonical;
	json_t *root = json_object();

	if (!json_object_set_new(root, "format", json_string(node->type->format)) &&
	    !json_object_set_new(root, "version",
				 json_sprintf("%u.%u", node->type->major, node->minor)) &&
	    !write_members(object, root)) {
		canonical = sc_json_text(root, JSON_COMPACT | JSON_SORT_KEYS);
		if (canonical) {
			sc_sha256(canonical, strlen(canonical), sum);
			free(canonical);
			if (!json_object_set_new(root, "sha256", json_string(sum)))
				text = sc_json_text(root, JSON_INDENT(2));
		}
	}
	json_decref(root);
	return text;
}

int sc_document_save(struct shadowcopy *sc, const void *object, char **textp, size_t *sizep)
{
	const struct sc_type *type = sc_node(object)->type;
	size_t size;
	char *text, *more;
	int rc;

	*textp = NULL;
	rc = type->check(sc, object);
	if (rc)
		return rc;
	text = write_root(object);
	size = text ? strlen(text) : 0;
	more = text ? realloc(text, size + 2) : NULL;
	if (!more) {
		free(text);
		return SC_FAIL(sc, -ENOMEM, .action = "save", .object = type->title);
	}
	strcpy(more + size, "\n");
	rc = sc_check_limits(sc, more, size + 1, type->title);
	if (rc) {
		free(more);
		return rc;
	}
	*textp = more;
	if (sizep)
		*sizep = size + 1;
	return 0;
}

SC_EXPORT int shadowcopy_document_write_fd(struct shadowcopy *sc, int fd, const char *label,
					   const char *text, size_t size)
{
	ssize_t done;

	while (size) {
		done = write(fd, text, size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return SC_FAIL(sc, -errno, .action = "write", .object = label);
		text += done;
		size -= done;
	}
	return 0;
}

/* What a rename did is there after a crash only when its directory was written, too. */
static int sync_directory(struct shadowcopy *sc, const char *path)
{
	char *directory = strdup(path), *slash;
	int fd, rc;

	if (!directory)
		return SC_FAIL(sc, -ENOMEM, .action = "write", .object = path);
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(directory);
	return rc ? SC_FAIL(sc, rc, .action = "write", .object = path) : 0;
}

SC_EXPORT int shadowcopy_document_write(struct shadowcopy *sc, const char *path,
					const char *text, size_t size)
{
	char *temporary;
	int fd, rc;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return SC_FAIL(sc, -ENOMEM, .action = "write", .object = path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = SC_FAIL(sc, -errno, .action = "write", .object = path);
		free(temporary);
		return rc;
	}
	rc = shadowcopy_document_write_fd(sc, fd, path, text, size);
	if (!rc && (fsync(fd) || rename(temporary, path)))
		rc = SC_FAIL(sc, -errno, .action = "write", .object = path);
	close(fd);
	if (rc)
		unlink(temporary);
	else
		rc = sync_directory(sc, path);
	free(temporary);
	return rc;
}
