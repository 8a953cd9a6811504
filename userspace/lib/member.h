/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * member.h - members of a structure by their place, for document.c, load.c and save.c.
 *
 * By memcpy(), since a pointer to a structure is no void pointer to the compiler.
 */
#ifndef SHADOWCOPY_MEMBER_H
#define SHADOWCOPY_MEMBER_H

#include "document.h"

#define SC_NS		1000000000LL
#define SC_TIME_LEN	48

static inline void *member(const void *object, size_t offset)
{
	return (char *)object + offset;
}

static inline void *load_pointer(const void *object, size_t offset)
{
	void *value;

	memcpy(&value, member(object, offset), sizeof(value));
	return value;
}

static inline void store_pointer(void *object, size_t offset, const void *value)
{
	memcpy(member(object, offset), &value, sizeof(value));
}

static inline size_t load_count(const void *object, const struct sc_field *field)
{
	size_t count;

	memcpy(&count, member(object, field->count), sizeof(count));
	return count;
}

static inline void store_count(void *object, const struct sc_field *field, size_t count)
{
	memcpy(member(object, field->count), &count, sizeof(count));
}

static inline uint32_t load_word(const void *object, const struct sc_field *field)
{
	uint32_t value;

	memcpy(&value, member(object, field->offset), sizeof(value));
	return value;
}

static inline void store_word(void *object, const struct sc_field *field, uint32_t value)
{
	memcpy(member(object, field->offset), &value, sizeof(value));
}

static inline bool load_bool(const void *object, const struct sc_field *field)
{
	return *(const bool *)member(object, field->offset);
}

static inline int64_t load_time(const void *object, const struct sc_field *field)
{
	int64_t value;

	memcpy(&value, member(object, field->offset), sizeof(value));
	return value;
}

static inline const struct shadow_uuid *load_uuid(const void *object, const struct sc_field *field)
{
	return member(object, field->offset);
}

static inline uint32_t sc_list_max(const struct sc_field *field)
{
	return field->max ?: SC_LIST_MAX;
}

/* Append an element, which the list owns afterwards: 0 or -ENOMEM. */
int sc_list_push(void *object, const struct sc_field *field, const void *element);

/* A word by its value, or NULL. */
const char *sc_word_of(const struct sc_word *words, uint32_t value);

/* RFC 3339 in UTC, with as many decimals as are needed. */
void sc_time_format(int64_t ns, char buf[SC_TIME_LEN]);

/* Size, depth and number of values of a text: 0 or -EFBIG. */
int sc_check_limits(struct shadowcopy *sc, const char *text, size_t size, const char *label);

#endif /* SHADOWCOPY_MEMBER_H */
