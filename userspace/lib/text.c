// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * text.c - what the strings of a document may be.
 *
 * A document comes from someone who is trusted less than its reader, which opens files by
 * its paths (VSS N-09).  So a path is what it seems to be: absolute, without "..", "." or
 * empty parts, without characters that a terminal obeys.  That no symbolic link leads out of
 * it is seen to where it is opened.
 */
#include <ctype.h>

#include "document.h"
#include "ranges.h"

#define NAME_BYTES	255	/* as a file's name */
#define ALPHANUMERIC	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* --- characters ------------------------------------------------------------ */

/* Bytes of the character at @p, and the character; 0 where it is no UTF-8. */
static size_t decode(const unsigned char *p, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, bytes = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 :
			  *p >> 3 == 30 ? 4 : 0;
	uint32_t c;

	if (!bytes)
		return 0;
	c = bytes == 1 ? *p : *p & (0x7f >> bytes);
	for (i = 1; i < bytes; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return bytes;
}

bool sc_is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;
	size_t bytes;

	while (*p) {
		bytes = decode(p, &c);
		if (!bytes)
			return false;
		p += bytes;
	}
	return true;
}

/* What a terminal obeys rather than shows? */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Of valid UTF-8. */
static bool has_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;

	while (*p) {
		p += decode(p, &c) ?: 1;
		if (is_control(c))
			return true;
	}
	return false;
}

void sc_text_plain(char *text)
{
	unsigned char *p = (unsigned char *)text, *out = p;
	uint32_t c;
	size_t bytes;

	while (*p) {
		bytes = decode(p, &c);
		if (!bytes || is_control(c)) {
			*out++ = '?';
			p += bytes ?: 1;
			continue;
		}
		memmove(out, p, bytes);
		out += bytes;
		p += bytes;
	}
	*out = '\0';
}

/* --- the kinds ------------------------------------------------------------- */

static const char *line_fault(const char *text)
{
	return has_control(text) ? "has a control character" : NULL;
}

/* A part of a path, or a name that may become one. */
static const char *part_fault(const char *text, size_t length)
{
	if (!length)
		return "has an empty part";
	if (length == 1 && text[0] == '.')
		return "has a part \".\"";
	if (length == 2 && text[0] == '.' && text[1] == '.')
		return "has a part \"..\", which leads out of its directory";
	if (length > NAME_BYTES)
		return "has a part of more than 255 bytes";
	return NULL;
}

static const char *parts_fault(const char *text)
{
	const char *fault;
	size_t length;

	for (;;) {
		length = strcspn(text, "/");
		fault = part_fault(text, length);
		if (fault || !text[length])
			return fault;
		text += length + 1;
	}
}

const char *sc_place_fault(const char *path)
{
	const char *part;
	size_t length;

	if (path[0] != '/')
		return "is not absolute";
	for (part = path + 1; *part; part += length) {
		length = strcspn(part, "/");
		if (!length)
			return "has an empty part";
		if (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')))
			return "has a part \".\" or \"..\", which leads out of its directory";
		if (part[length] == '/' && !part[++length])
			return "ends in \"/\"";
	}
	return NULL;
}

static const char *name_fault(const char *text)
{
	if (strchr(text, '/'))
		return "has a \"/\"";
	return line_fault(text) ?: part_fault(text, strlen(text));
}

static const char *logical_fault(const char *text)
{
	if (!*text)
		return NULL;
	return line_fault(text) ?: parts_fault(text);
}

size_t sc_variable_length(const char *text)
{
	size_t name;

	if (strncmp(text, "${", 2))
		return 0;
	name = strspn(text + 2, ALPHANUMERIC "_");
	if (!name || name > 64 || isdigit((unsigned char)text[2]) || text[2 + name] != '}')
		return 0;
	return name + 3;
}

static const char *variables_fault(const char *text)
{
	for (text = strstr(text, "${"); text; text = strstr(text + 2, "${"))
		if (!sc_variable_length(text))
			return "has a \"${\" without a variable's name and a \"}\"";
	return NULL;
}

static const char *path_fault(const char *text)
{
	const char *fault = line_fault(text) ?: variables_fault(text);
	size_t length = strlen(text);
	char copy[PATH_MAX];

	if (fault)
		return fault;
	if (text[0] != '/' && !sc_variable_length(text))
		return "is not absolute";
	if (!strcmp(text, "/"))
		return NULL;
	/* A slash at the end means nothing. */
	if (length >= sizeof(copy))
		return "is too long";
	memcpy(copy, text, length + 1);
	if (copy[length - 1] == '/')
		copy[length - 1] = '\0';
	return parts_fault(copy[0] == '/' ? copy + 1 : copy);
}

/* What looks like a pattern and is none would have no files, in silence. */
static const char *directory_fault(const char *text)
{
	if (strpbrk(text, "*?"))
		return "has a wildcard, which only names of files may have";
	return path_fault(text);
}

static const char *file_fault(const char *text)
{
	if (strpbrk(text, "*?"))
		return "has a wildcard";
	return name_fault(text);
}

static const char *unit_fault(const char *text)
{
	static const char *const kinds[] = { ".service", ".target", ".socket", ".slice", ".mount",
					     ".path", ".timer" };
	const char *dot = strrchr(text, '.');
	size_t i;

	if (text[strspn(text, ALPHANUMERIC ":-_.\\@")])
		return "has a character that no unit's name has";
	for (i = 0; dot && dot != text && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(dot, kinds[i]))
			return text[0] == '-' ? "begins with \"-\"" : NULL;
	return "does not end as a unit's name, for example in \".service\"";
}

static const char *host_fault(const char *text)
{
	if (text[strspn(text, ALPHANUMERIC "-.:")])
		return "has a character that no host's name or address has";
	return text[0] == '-' || text[0] == '.' ? "begins with \"-\" or \".\"" : NULL;
}

static const char *ranges_fault(const char *text)
{
	if (text[0] == '/')
		return path_fault(text);
	return sc_ranges_fault(text);
}

static const struct sc_text_kind kinds[SC_TEXT_KINDS] = {
	[SC_TEXT_OPAQUE] = { "text", 1 << 20, true, NULL, NULL },
	[SC_TEXT_LINE] = { "one line of text", 1024, false, NULL, line_fault },
	[SC_TEXT_NAME] = { "a name without \"/\"", NAME_BYTES, false, "^[^/]+$", name_fault },
	[SC_TEXT_LOGICAL] = { "names with \"/\" between them", PATH_MAX - 1, true,
			      "^([^/]+(/[^/]+)*)?$", logical_fault },
	[SC_TEXT_PATH] = { "an absolute path without \".\", \"..\" and empty parts", PATH_MAX - 1,
			   false, "^(/|\\$\\{)", path_fault },
	[SC_TEXT_DIRECTORY] = { "an absolute path without \".\", \"..\", empty parts and wildcards",
				PATH_MAX - 1, false, "^(/|\\$\\{)[^*?]*$", directory_fault },
	[SC_TEXT_SPEC] = { "a pattern of file names, without \"/\"", NAME_BYTES, false, "^[^/]+$",
			   name_fault },
	[SC_TEXT_FILE] = { "a file name without wildcards and \"/\"", NAME_BYTES, false,
			   "^[^/*?]+$", file_fault },
	[SC_TEXT_UNIT] = { "the name of a systemd unit", NAME_BYTES, false,
			   "^[A-Za-z0-9:_.\\\\@][-A-Za-z0-9:_.\\\\@]*$", unit_fault },
	[SC_TEXT_HOST] = { "the name of a host", NAME_BYTES, false, "^[A-Za-z0-9:][-A-Za-z0-9.:]*$",
			   host_fault },
	[SC_TEXT_RANGES] = { "\"offset:length,...\" or the path of a file with ranges", 1 << 20,
			     false, "^(/|[0-9])", ranges_fault },
	[SC_TEXT_OPTIONS] = { "restore options", 1 << 16, true, NULL, NULL },
};

const struct sc_text_kind *sc_text_kind(enum sc_text kind)
{
	return &kinds[kind];
}

const char *sc_text_fault(enum sc_text kind, const char *text)
{
	if (!*text && !kinds[kind].may_be_empty)
		return "is empty";
	if (strlen(text) > kinds[kind].max)
		return "is too long";
	if (!sc_is_utf8(text))
		return "is not UTF-8";
	return kinds[kind].fault ? kinds[kind].fault(text) : NULL;
}

bool sc_text_is_path(enum sc_text kind, const char *text)
{
	return kind == SC_TEXT_PATH || kind == SC_TEXT_DIRECTORY ||
	       (kind == SC_TEXT_RANGES && text[0] == '/');
}

char *sc_text_normal(enum sc_text kind, const char *text)
{
	size_t length = strlen(text);

	if (sc_text_is_path(kind, text) && length > 1 && text[length - 1] == '/')
		length--;
	return strndup(text, length);
}

/* --- paths ----------------------------------------------------------------- */

const char *sc_path_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (!strcmp(directory, "/"))
		return path[0] == '/' ? path + 1 : NULL;
	if (strncmp(path, directory, length) || (path[length] && path[length] != '/'))
		return NULL;
	return path[length] ? path + length + 1 : path + length;
}

char *sc_path_join(const char *directory, const char *rest)
{
	char *path;

	if (asprintf(&path, "%s%s%s", *rest && !strcmp(directory, "/") ? "" : directory,
		     *rest ? "/" : "", rest) < 0)
		return NULL;
	return path;
}

SC_EXPORT bool shadowcopy_spec_matches(const char *spec, const char *name)
{
	const char *star = NULL, *retry = NULL;
	uint32_t c;

	/* Each star takes as little as it can, and only the last one ever has to take more. */
	while (*name) {
		size_t bytes = decode((const unsigned char *)name, &c) ?: 1;

		if (*spec == '*') {
			star = ++spec;
			retry = name;
		} else if (*spec == '?') {
			spec++;
			name += bytes;
		} else if (*spec == *name) {
			spec++;
			name++;
		} else if (star) {
			spec = star;
			retry += decode((const unsigned char *)retry, &c) ?: 1;
			name = retry;
		} else {
			return false;
		}
	}
	while (*spec == '*')
		spec++;
	return !*spec;
}

bool sc_pattern_has(const char *path, const char *spec, bool recursive, const char *file)
{
	const char *rest = sc_path_below(file, path), *slash;

	if (!rest || !*rest)
		return false;
	slash = strrchr(rest, '/');
	if (slash && !recursive)
		return false;
	return shadowcopy_spec_matches(spec, slash ? slash + 1 : rest);
}
