// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ranges.c - parts of files (VSS F-40, F-45): as text, and in files of their own.
 */
#include <ctype.h>
#include <endian.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ranges.h"
#include "libshadowcopy-document.h"

#define FILE_END ((uint64_t)INT64_MAX)	/* no file is longer */

/* A number, decimal or with 0x; the rest of the text, or NULL. */
static const char *number(const char *text, uint64_t *value)
{
	unsigned int base = 10, digit;
	const char *p = text;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	text = p;
	for (*value = 0; isxdigit((unsigned char)*p); p++) {
		digit = isdigit((unsigned char)*p) ? *p - '0' :
						     tolower((unsigned char)*p) - 'a' + 10;
		if (digit >= base || *value > (UINT64_MAX - digit) / base)
			return NULL;
		*value = *value * base + digit;
	}
	return p == text ? NULL : p;
}

static const char *range_fault(const struct shadowcopy_range *range)
{
	if (!range->length)
		return "a range has no length";
	if (range->offset > FILE_END || range->length > FILE_END - range->offset)
		return "a range goes beyond what a file can have";
	return NULL;
}

/* One range; moves *@textp behind it.  What is wrong, or NULL. */
static const char *parse_one(const char **textp, struct shadowcopy_range *range)
{
	const char *p = number(*textp, &range->offset), *fault;

	if (!p)
		return "there is no offset in 64 bits, decimal or hexadecimal with 0x";
	*textp = p;
	if (*p != ':')
		return "there is no \":\" behind an offset";
	*textp = p + 1;
	p = number(p + 1, &range->length);
	if (!p)
		return "there is no length in 64 bits, decimal or hexadecimal with 0x";
	fault = range_fault(range);
	if (!fault)
		*textp = p;
	return fault;
}

/* Read all; *@at is where the fault is.  Ranges may be NULL: only look. */
static const char *parse(const char *text, struct shadowcopy_range *ranges, size_t *count,
			 const char **at)
{
	struct shadowcopy_range range;
	const char *fault;

	*at = text;
	*count = 0;
	for (;;) {
		fault = parse_one(at, &range);
		if (fault)
			return fault;
		if (ranges)
			ranges[*count] = range;
		if (++*count > SC_RANGES_MAX)
			return "there are more than 65536 ranges";
		if (!**at)
			return NULL;
		if (**at != ',')
			return "there is something else than \",\" behind a range";
		++*at;
	}
}

const char *sc_ranges_fault(const char *text)
{
	const char *at;
	size_t count;

	return parse(text, NULL, &count, &at);
}

const char *sc_ranges_pair_fault(const char *source, const char *destination)
{
	struct shadowcopy_range a, b;

	if (source[0] == '/' || destination[0] == '/')
		return NULL;
	for (;;) {
		if (parse_one(&source, &a) || parse_one(&destination, &b))
			return "a range cannot be read";
		if (a.length != b.length)
			return "a range and its destination have different lengths";
		if (!*source || !*destination)
			return *source || *destination ?
				"there are more ranges on one side than on the other" : NULL;
		source++;
		destination++;
	}
}

SC_EXPORT int shadowcopy_ranges_parse(struct shadowcopy *sc, const char *text,
				      struct shadowcopy_range **rangesp, size_t *count)
{
	const char *at, *fault;
	char cause[160];

	*rangesp = NULL;
	fault = parse(text, NULL, count, &at);
	if (fault) {
		snprintf(cause, sizeof(cause), "at character %zu %s", at - text + 1, fault);
		return SC_FAIL(sc, -EINVAL, .action = "read the ranges", .cause = cause,
			       .remedy = "write them as \"offset:length,offset:length\"");
	}
	*rangesp = calloc(*count, sizeof(**rangesp));
	if (!*rangesp)
		return SC_FAIL(sc, -ENOMEM, .action = "read the ranges");
	parse(text, *rangesp, count, &at);
	return 0;
}

/* Exactly so many bytes, or fewer at the end. */
static ssize_t read_full(int fd, void *buf, size_t size)
{
	size_t done = 0;
	ssize_t got;

	while (done < size) {
		got = read(fd, (char *)buf + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += got;
	}
	return done;
}

static int file_fail(struct shadowcopy *sc, int code, const char *label, const char *cause)
{
	return SC_FAIL(sc, code, .action = "read the ranges in", .object = label, .cause = cause,
		       .remedy = cause ? "have the writer make it anew" : NULL);
}

static int read_ranges(struct shadowcopy *sc, int fd, const char *label,
		       struct shadowcopy_range *ranges, size_t count)
{
	ssize_t got = read_full(fd, ranges, count * sizeof(*ranges));
	const char *fault;
	char more;
	size_t i;

	if (got < 0)
		return file_fail(sc, got, label, NULL);
	if ((size_t)got != count * sizeof(*ranges) || read_full(fd, &more, 1))
		return file_fail(sc, -EINVAL, label,
				 "it is shorter or longer than the number at its beginning says");
	for (i = 0; i < count; i++) {
		ranges[i].offset = le64toh(ranges[i].offset);
		ranges[i].length = le64toh(ranges[i].length);
		fault = range_fault(&ranges[i]);
		if (fault)
			return file_fail(sc, -EINVAL, label, fault);
	}
	return 0;
}

SC_EXPORT int shadowcopy_ranges_read(struct shadowcopy *sc, int fd, const char *label,
				     struct shadowcopy_range **rangesp, size_t *countp)
{
	struct shadowcopy_range *ranges;
	uint64_t count;
	ssize_t got;
	int rc;

	*rangesp = NULL;
	*countp = 0;
	got = read_full(fd, &count, sizeof(count));
	if (got < 0)
		return file_fail(sc, got, label, NULL);
	count = le64toh(count);
	if (got != sizeof(count) || !count)
		return file_fail(sc, -EINVAL, label, "it does not begin with the number of ranges");
	if (count > SHADOWCOPY_RANGES_MAX)
		return file_fail(sc, -EFBIG, label, "it says that it has more than 1048576 ranges");
	ranges = calloc(count, sizeof(*ranges));
	if (!ranges)
		return file_fail(sc, -ENOMEM, label, NULL);
	rc = read_ranges(sc, fd, label, ranges, count);
	if (rc) {
		free(ranges);
		return rc;
	}
	*rangesp = ranges;
	*countp = count;
	return 0;
}

SC_EXPORT int shadowcopy_ranges_write(struct shadowcopy *sc, int fd, const char *label,
				      const struct shadowcopy_range *ranges, size_t count)
{
	const char *fault = NULL;
	uint64_t *words;
	size_t i;
	int rc;

	if (!count || count > SHADOWCOPY_RANGES_MAX)
		return SC_FAIL(sc, -EFBIG, .action = "write the ranges into", .object = label,
			       .cause = "there are none, or more than 1048576",
			       .remedy = "join ranges that touch, or name the whole file");
	for (i = 0; i < count && !fault; i++)
		fault = range_fault(&ranges[i]);
	if (fault)
		return SC_FAIL(sc, -EINVAL, .action = "write the ranges into", .object = label,
			       .cause = fault, .remedy = "correct the ranges");
	words = calloc(1 + 2 * count, sizeof(*words));
	if (!words)
		return SC_FAIL(sc, -ENOMEM, .action = "write the ranges into", .object = label);
	words[0] = htole64(count);
	for (i = 0; i < count; i++) {
		words[1 + 2 * i] = htole64(ranges[i].offset);
		words[2 + 2 * i] = htole64(ranges[i].length);
	}
	rc = shadowcopy_document_write_fd(sc, fd, label, (char *)words,
					  (1 + 2 * count) * sizeof(*words));
	free(words);
	return rc;
}
