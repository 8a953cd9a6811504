// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * expand.c - values in place of the variables in paths (VSS F-26).
 *
 * A document keeps its variables until someone uses it, who alone knows what they are.  What comes
 * out is a path as one without variables has to be: a value does not lead out of it.
 */
#include "member.h"

static int append(char *buf, size_t size, size_t *used, const char *text, size_t length)
{
	if (length >= size - *used)
		return -ENAMETOOLONG;
	memcpy(buf + *used, text, length);
	*used += length;
	buf[*used] = '\0';
	return 0;
}

SC_EXPORT int shadowcopy_path_expand(struct shadowcopy *sc, const char *path,
				     const char *(*lookup)(void *data, const char *name),
				     void *data, char **pathp)
{
	const char *fault = sc_text_fault(SC_TEXT_PATH, path), *from = path;
	char expanded[PATH_MAX] = "";
	size_t used = 0;
	int rc = 0;

	*pathp = NULL;
	if (fault)
		return SC_FAIL(sc, -EINVAL, .action = "use path", .object = path, .cause = fault,
			       .remedy = "give an absolute path");
	while (*from && !rc) {
		size_t length = sc_variable_length(from);
		const char *value;
		char name[72];

		if (!length) {
			rc = append(expanded, sizeof(expanded), &used, from++, 1);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(length - 3), from + 2);
		value = lookup ? lookup(data, name) : NULL;
		if (!value)
			return SC_FAIL(sc, -ENOENT, .action = "expand path", .object = path,
				       .cause = "it has a variable of which nobody knows the value",
				       .remedy = "set the variable, or have the writer name the "
				       "directory itself");
		rc = append(expanded, sizeof(expanded), &used, value, strlen(value));
		from += length;
	}
	fault = rc ? "is too long with the values of its variables" :
		sc_text_fault(SC_TEXT_PATH, expanded);
	if (!fault && strstr(expanded, "${"))
		fault = "has a variable in the value of a variable";
	if (fault)
		return SC_FAIL(sc, -EINVAL, .action = "expand path", .object = path, .cause = fault,
			       .remedy = "check the values of its variables");
	*pathp = sc_text_normal(SC_TEXT_PATH, expanded);
	if (!*pathp)
		return SC_FAIL(sc, -ENOMEM, .action = "expand path", .object = path);
	return 0;
}

/* --- documents ---------------------------------------------------------------------- */

struct expanding {
	struct shadowcopy *sc;
	const char *(*lookup)(void *data, const char *name);
	void *data;
};

static int expand_text(const struct expanding *expanding, void *object,
		       const struct sc_field *field)
{
	char *text = load_pointer(object, field->offset), *expanded;
	const char *fault;
	int rc;

	if (!text || !sc_text_is_path(field->text, text) || !strstr(text, "${"))
		return 0;
	rc = shadowcopy_path_expand(expanding->sc, text, expanding->lookup, expanding->data,
				    &expanded);
	if (rc)
		return rc;
	fault = sc_text_fault(field->text, expanded);
	if (fault) {
		free(expanded);
		return SC_FAIL(expanding->sc, -EINVAL, .action = "expand path", .object = text,
			       .cause = fault, .remedy = "check the values of its variables");
	}
	free(text);
	store_pointer(object, field->offset, expanded);
	return 0;
}

/* Each path of a structure and of those in it. */
static int expand_node(const struct expanding *expanding, void *object)
{
	const struct sc_type *type = sc_node(object)->type;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < type->count && !rc; i++) {
		const struct sc_field *field = &type->fields[i];

		if (field->kind == SC_TEXT)
			rc = expand_text(expanding, object, field);
		for (j = 0; field->kind == SC_LIST && j < load_count(object, field) && !rc; j++)
			rc = expand_node(expanding, sc_list_get(object, field, j));
	}
	return rc;
}

SC_EXPORT int shadowcopy_metadata_expand(struct shadowcopy *sc,
					 struct shadowcopy_metadata *metadata,
					 const char *(*lookup)(void *data, const char *name),
					 void *data)
{
	return expand_node(&(struct expanding){ sc, lookup, data }, metadata);
}

SC_EXPORT int shadowcopy_backup_expand(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				       const char *(*lookup)(void *data, const char *name),
				       void *data)
{
	return expand_node(&(struct expanding){ sc, lookup, data }, backup);
}
