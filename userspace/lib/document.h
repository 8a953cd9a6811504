/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * document.h - documents as tables: each structure of libshadowcopy-document.h has a
 * list of its members, and loading, saving, comparing, freeing, the setters and
 * the JSON Schema all go by these lists.
 */
#ifndef SHADOWCOPY_DOCUMENT_H
#define SHADOWCOPY_DOCUMENT_H

#include <jansson.h>

#include "private.h"
#include "libshadowcopy-document.h"

/*
 * jansson and json-c both have a json_object_get() and a json_object_iter_next(), and a
 * program may be linked with both and with our static library.  These two are not to be
 * called here, nor json_object_foreach(), which does; a test looks for them.
 */

/* --- text.c: what strings may be ----------------------------------------- */

enum sc_text {
	SC_TEXT_OPAQUE,		/* someone's own words, line breaks and all */
	SC_TEXT_LINE,		/* a caption */
	SC_TEXT_NAME,		/* a name without '/' */
	SC_TEXT_LOGICAL,	/* names with '/' between them, or nothing */
	SC_TEXT_PATH,		/* absolute and normalised, or ${VARIABLE}/... */
	SC_TEXT_DIRECTORY,	/* the same, of files that patterns are for; no wildcards */
	SC_TEXT_SPEC,		/* a pattern of file names */
	SC_TEXT_FILE,		/* a file name without wildcards */
	SC_TEXT_UNIT,		/* a systemd unit */
	SC_TEXT_HOST,
	SC_TEXT_RANGES,		/* "offset:length,...", or a path */
	SC_TEXT_OPTIONS,	/* restore options */
	SC_TEXT_KINDS
};

struct sc_text_kind {
	const char *what;	/* "a name without \"/\"" */
	size_t max;		/* bytes */
	bool may_be_empty;
	const char *pattern;	/* of the schema; it says less than the function */
	const char *(*fault)(const char *text);	/* what is wrong with it, or NULL */
};

const struct sc_text_kind *sc_text_kind(enum sc_text kind);

/* What is wrong with a string, or NULL. */
const char *sc_text_fault(enum sc_text kind, const char *text);

bool sc_text_is_path(enum sc_text kind, const char *text);

/* Bytes of the ${VARIABLE} that a text begins with; 0 where it does not. */
size_t sc_variable_length(const char *text);

/* A copy in its normal form: paths lose '/' at their end.  NULL where memory is short. */
char *sc_text_normal(enum sc_text kind, const char *text);

/* Is it all UTF-8, without NUL? */
bool sc_is_utf8(const char *text);

/*
 * What is wrong with the path of a file that a backup has, or NULL: it may be in any encoding, but
 * leads where it seems to.
 */
const char *sc_place_fault(const char *path);

/* Is @path @directory, or something below it?  Then the rest without its '/'. */
const char *sc_path_below(const char *path, const char *directory);

/* "directory/rest", or @directory where there is no rest, to be freed; NULL: no memory. */
char *sc_path_join(const char *directory, const char *rest);

/* Is a file, by its full path, one of those? */
bool sc_pattern_has(const char *path, const char *spec, bool recursive, const char *file);

/* --- document.c ----------------------------------------------------------- */

enum sc_kind {
	SC_TEXT,	/* const char * */
	SC_UUID,	/* struct shadow_uuid; zeros are "not there" */
	SC_BOOL,	/* bool */
	SC_ENUM,	/* uint32_t; 0 is "not there" unless it has a name */
	SC_MASK,	/* uint32_t, an array of names in JSON */
	SC_NUMBER,	/* uint32_t */
	SC_TIME,	/* int64_t ns, RFC 3339 in JSON; 0 is "not there" */
	SC_DEV,		/* struct shadow_dev, "major:minor" in JSON */
	SC_LIST,	/* an array of pointers to structures, and its size */
	SC_TEXTS,	/* an array of strings, and its size */
};

struct sc_word {
	uint32_t value;
	const char *word;
};

/* SHADOWCOPY_CTX_*, in names.c. */
extern const struct sc_word sc_contexts[];

/*
 * struct sc_field - a member of a structure, under the same name in JSON
 * @fallback: the value of an ENUM or MASK that is not in the document
 * @property: whose window of change it belongs to (enum shadowcopy_property)
 * @text: which strings, for TEXT and TEXTS
 * @words: for ENUM and MASK, until one without a word
 * @list: for LIST
 * @what: for the reader of the schema
 */
struct sc_field {
	const char *name;
	enum sc_kind kind;
	size_t offset;
	size_t count;		/* offset of the number of elements, for LIST and TEXTS */
	bool required;
	uint32_t fallback;
	uint32_t property;
	enum sc_text text;
	const struct sc_word *words;
	const struct sc_type *list;
	uint32_t max;		/* elements of an array; 0: SC_LIST_MAX */
	const char *what;
};

#define SC_LIST_MAX	65536U

struct sc_type {
	const char *name;	/* "component" */
	size_t size;
	const struct sc_field *fields;
	size_t count;
	/* Whether the structure as a whole is good: 0 or sc_fail()'s answer. */
	int (*check)(struct shadowcopy *sc, const void *object);
	/* Of a whole document only. */
	const char *format;
	unsigned int major;
	unsigned int minor;
	const char *title;
};

/* In front of each structure of a document. */
struct sc_node {
	const struct sc_type *type;
	void *parent;		/* the structure whose list it is in, or NULL */
	json_t *extra;		/* simple members that a newer minor version has, or NULL */
	uint32_t minor;		/* of a whole document: version of its format */
	uint32_t role, step;	/* of a backup components document */
} __attribute__((aligned(16)));

static inline struct sc_node *sc_node(const void *object)
{
	return (struct sc_node *)object - 1;
}

#define SC_FIELD(type_, member, kind_, ...) \
	{ .name = #member, .kind = (kind_), .offset = offsetof(struct type_, member), __VA_ARGS__ }
#define SC_LIST_FIELD(type_, member, counter, of, ...) \
	{ .name = #member, .kind = SC_LIST, .offset = offsetof(struct type_, member), \
	  .count = offsetof(struct type_, counter), .list = (of), __VA_ARGS__ }
#define SC_FIELDS(array) .fields = (array), .count = ARRAY_SIZE(array)

void *sc_node_new(const struct sc_type *type, void *parent);
void sc_node_free(void *object);

/* A copy of a structure with all that is in it, in the list of @parent; NULL: no memory. */
void *sc_node_copy(const void *from, void *parent);

/* The document that a structure is part of. */
void *sc_root(const void *object);

/* A member by its offset; it must exist. */
const struct sc_field *sc_field_at(const void *object, size_t offset);

/* Elements of an array. */
size_t sc_list_count(const void *object, const struct sc_field *field);
void *sc_list_get(const void *object, const struct sc_field *field, size_t i);

/* Append an empty structure to the list at @offset: 0, -E2BIG or -ENOMEM, explained. */
int sc_list_add(struct shadowcopy *sc, void *object, size_t offset, void **elementp);

/* Take away the last one: what a failing function had added. */
void sc_list_drop(void *object, size_t offset);

/* Free the elements of a list. */
void sc_list_clear(void *object, const struct sc_field *field);

/*
 * One of two elements of an array that are the same to @compare, which gets pointers to pointers
 * to them; NULL where all are different.  0, or -ENOMEM, explained.
 */
int sc_list_twin(struct shadowcopy *sc, const void *elements, size_t count,
		 int (*compare)(const void *a, const void *b), const void **twinp);

/*
 * Set a member by its offset, checked as if it came from a document: 0, -EINVAL or -ENOMEM,
 * explained.  A text may be NULL where it is not required.
 */
int sc_set_text(struct shadowcopy *sc, void *object, size_t offset, const char *text);
int sc_set_word(struct shadowcopy *sc, void *object, size_t offset, uint32_t value);

/* Would sc_set_word() take it? */
int sc_check_word(struct shadowcopy *sc, const void *object, size_t offset, uint32_t value);

/* Both texts, or none of them. */
int sc_set_two_texts(struct shadowcopy *sc, void *object, size_t offset, const char *text,
		     size_t other, const char *other_text);
int sc_texts_add(struct shadowcopy *sc, void *object, size_t offset, const char *text);

#define SC_SET_TEXT(sc, object, member, text) \
	sc_set_text((sc), (object), offsetof(__typeof__(*(object)), member), (text))
#define SC_SET_WORD(sc, object, member, value) \
	sc_set_word((sc), (object), offsetof(__typeof__(*(object)), member), (value))
#define SC_CHECK_WORD(sc, object, member, value) \
	sc_check_word((sc), (object), offsetof(__typeof__(*(object)), member), (value))
#define SC_LIST_ADD(sc, object, member, elementp) \
	sc_list_add((sc), (object), offsetof(__typeof__(*(object)), member), (void **)(elementp))
#define SC_LIST_DROP(object, member) \
	sc_list_drop((object), offsetof(__typeof__(*(object)), member))

/* Do two structures of one type say the same in this member? */
bool sc_field_equal(const struct sc_field *field, const void *a, const void *b);

/* Make the member of @to what it is in @from: 0, or -ENOMEM, and then it is what it was. */
int sc_field_copy(const struct sc_field *field, void *to, const void *from);

bool sc_uuid_is_null(const struct shadow_uuid *uuid);
bool sc_uuid_equal(const struct shadow_uuid *a, const struct shadow_uuid *b);

int sc_document_load(struct shadowcopy *sc, const void *text, size_t size, const char *label,
		     uint32_t flags, const struct sc_type *type, void **objectp);
int sc_document_load_fd(struct shadowcopy *sc, int fd, const char *label, uint32_t flags,
			const struct sc_type *type, void **objectp);
int sc_document_save(struct shadowcopy *sc, const void *object, char **textp, size_t *size);

/* The text of JSON, to be freed; NULL where memory is short. */
char *sc_json_text(const json_t *json, size_t flags);

/* --- checksum.c ------------------------------------------------------------ */

#define SC_SHA256_LEN 65	/* its text, with the NUL */

void sc_sha256(const void *data, size_t size, char text[SC_SHA256_LEN]);

/* --- schema.c -------------------------------------------------------------- */

json_t *sc_schema(const struct sc_type *type);

/* --- metadata.c, backup.c: the tables --------------------------------------- */

extern const struct sc_type sc_metadata_type;
extern const struct sc_type sc_backup_type;

/* "path/name", or "name" at the top, to be freed. */
char *sc_logical(const char *path, const char *name);

/* Has a component exactly this file set? */
bool sc_component_has(const struct shadowcopy_component *component, const char *path,
		      const char *spec, bool recursive);

/* 0, or -EINVAL: is the metadata that of an entry's writer, as it was at the backup? */
int sc_check_metadata(struct shadowcopy *sc, const struct shadowcopy_backup_component *entry,
		      const struct shadowcopy_metadata *metadata);

/* The metadata of a writer that takes part, or NULL. */
const struct shadowcopy_metadata *sc_metadata_of(const struct shadowcopy_backup_writer *writer,
						 struct shadowcopy_metadata *const *metadata,
						 size_t count);

#endif /* SHADOWCOPY_DOCUMENT_H */
