// SPDX-License-Identifier: GPL-2.0-only
/*
 * script.c - a line of a script: from text to a command, and what may come when.
 *
 * A line is words with blanks between them.  What is between double quotes is one word, or a
 * part of one; "" in it is a double quote.  %NAME% is a variable, %% is a percent sign.  A word
 * that begins with #, or "rem" at the beginning of a line, and what is behind it are a
 * comment.  Commands and their own words are read in any case of letters.
 *
 * A script is read, and each of its lines is checked, before anything runs: in files that are
 * run at night a mistake in the last line is found when everything above it is done.  The
 * order of commands is checked as well, since there is no command that jumps.  Only what
 * depends on the value of a variable is looked at when the line is run.
 */
#include <ctype.h>
#include <stdarg.h>

#include "script.h"

/* --- messages --------------------------------------------------------------------- */

/* As it was written, but for quotes. */
static char *readable(const char *word)
{
	char *text = strdup(word), *c;

	for (c = text; c && *c; c++)
		if (*c == VARIABLE_BEGIN || *c == VARIABLE_END)
			*c = '%';
	return text;
}

static void print_error(struct script *script, const char *word, const char *message)
{
	json_t *line = json_object(), *error = json_object();

	json_text(error, "message", message);
	json_text(error, "word", word);
	json_text(line, "file", script->file);
	json_number(line, "line", script->line ? script->line->number : 0);
	json_value(line, "error", error);
	if (script->answer)	/* of a command that runs */
		json_object_set(script->answer, "error", error);
	else
		json_print_line(json_incref(line));
	json_decref(line);
}

int script_error(struct script *script, const char *word, const char *format, ...)
{
	char *text = NULL, *shown = word ? readable(word) : NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	script->errors++;
	fprintf(stderr, "shadowadm script: %s:%u: ", script->file,
		script->line ? script->line->number : 0);
	if (shown)
		fprintf(stderr, "\"%s\": ", shown);
	fprintf(stderr, "%s%s\n", text ?: "there is not enough memory",
		text && *text && text[strlen(text) - 1] == '?' ? "" : ".");
	if (script->context->json)
		print_error(script, shown, text);
	free(text);
	free(shown);
	return STATUS_USAGE;
}

/* --- words --------------------------------------------------------------------------- */

/* Text that is being made words of. */
struct cut {
	struct script *script;
	const char *at, *end;
	char *out;		/* the word so far: never longer than the text */
	size_t length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (text[i] != '_' && !(isalpha((unsigned char)text[i])) &&
		    !(i && isdigit((unsigned char)text[i])))
			return false;
	return length;
}

static int cut_variable(struct cut *cut)
{
	const char *name = cut->at + 1;
	const char *end = memchr(name, '%', cut->end - name);

	if (end == name) {
		cut->out[cut->length++] = '%';
		cut->at += 2;
		return 0;
	}
	if (!end || !is_name(name, end - name)) {
		cut->out[cut->length] = '\0';
		return script_error(cut->script, NULL, "behind \"%s%%\" there is no name of a "
				    "variable with a %% behind it. A percent sign is written %%%%",
				    cut->out);
	}
	cut->out[cut->length++] = VARIABLE_BEGIN;
	memcpy(cut->out + cut->length, name, end - name);
	cut->length += end - name;
	cut->out[cut->length++] = VARIABLE_END;
	cut->at = end + 1;
	return 0;
}

/* Where it stands is no blank. */
static int cut_word(struct cut *cut)
{
	bool quoted = false;
	int rc = 0;

	cut->length = 0;
	for (; !rc && cut->at < cut->end && (quoted || !is_blank(*cut->at));) {
		if (*cut->at == '%') {
			rc = cut_variable(cut);
		} else if (*cut->at != '"') {
			cut->out[cut->length++] = *cut->at++;
		} else if (quoted && cut->at + 1 < cut->end && cut->at[1] == '"') {
			cut->out[cut->length++] = '"';
			cut->at += 2;
		} else {
			quoted = !quoted;
			cut->at++;
		}
	}
	cut->out[cut->length] = '\0';
	if (!rc && quoted)
		return script_error(cut->script, cut->out, "the quote has no end");
	return rc;
}

static int add_word(struct cut *cut, struct script_line *line)
{
	char **more = reallocarray(line->words, line->count + 2, sizeof(*more));

	if (!more)
		return script_error(cut->script, NULL, "there is not enough memory");
	line->words = more;
	more[line->count] = strdup(cut->out);
	more[line->count + 1] = NULL;
	if (!more[line->count])
		return script_error(cut->script, NULL, "there is not enough memory");
	line->count++;
	return 0;
}

static int cut_line(struct cut *cut, struct script_line *line)
{
	int rc = 0;

	while (!rc) {
		while (cut->at < cut->end && is_blank(*cut->at))
			cut->at++;
		if (cut->at == cut->end || *cut->at == '#')
			break;
		rc = cut_word(cut) ?: add_word(cut, line);
		if (!rc && line->count == 1 && script_word_is(line->words[0], "rem")) {
			free(line->words[0]);
			line->words[0] = NULL;
			line->count = 0;
			break;
		}
	}
	return rc;
}

bool script_word_is(const char *word, const char *name)
{
	return !strcasecmp(word, name);
}

bool script_has_variable(const char *word)
{
	return strchr(word, VARIABLE_BEGIN);
}

char *script_id(char *word)
{
	size_t length = strlen(word);

	if (length > 1 && word[0] == '{' && word[length - 1] == '}') {
		memmove(word, word + 1, length - 2);
		word[length - 2] = '\0';
	}
	return word;
}

/* --- commands ---------------------------------------------------------------------------- */

const struct script_verb *script_verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < script_verb_count; i++)
		if (script_word_is(script_verbs[i].name, name))
			return &script_verbs[i];
	return NULL;
}

/* Does a command of two words begin with it? */
static bool begins_two(const char *name, const char *word)
{
	size_t length = strlen(word);

	return !strncasecmp(name, word, length) && name[length] == ' ';
}

/* "begin" alone, or with a word that does not go with it. */
static int unknown_second(struct script *script, const char *first, const char *name)
{
	char list[256] = "";
	size_t i, length = 0;

	for (i = 0; i < script_verb_count && length < sizeof(list); i++)
		if (begins_two(script_verbs[i].name, first))
			length += snprintf(list + length, sizeof(list) - length, "%s\"%s\"",
					   length ? ", " : "", script_verbs[i].name);
	return script_error(script, name, "there is no such command; there is %s", list);
}

static int unknown_verb(struct script *script, struct script_line *line)
{
	const char *words[64], *first = line->words[0], *near;
	size_t i, count = 0;
	char name[128];

	script->order_unknown = true;
	line->verb = NULL;
	snprintf(name, sizeof(name), "%s%s%s", first, line->count > 1 ? " " : "",
		 line->count > 1 ? line->words[1] : "");
	for (i = 0; i < script_verb_count; i++)
		if (begins_two(script_verbs[i].name, first))
			return unknown_second(script, first, name);
	for (i = 0; i < script_verb_count && count < ARRAY_SIZE(words); i++)
		words[count++] = script_verbs[i].name;
	near = line->count > 1 ? nearest(name, words, count) : NULL;
	near = near ?: nearest(first, words, count);
	return script_error(script, first, "there is no such command%s%s%s", near ?
			    "; did you mean \"" : "", near ?: "", near ? "\"?" : "; \"help\" lists "
			    "those that there are");
}

/* The words that name the command go. */
static int find_verb(struct script *script, struct script_line *line)
{
	size_t named = 1, i;
	char name[128];

	if (!line->count)
		return 0;
	if (line->count > 1) {
		snprintf(name, sizeof(name), "%s %s", line->words[0], line->words[1]);
		line->verb = script_verb_find(name);
		named = line->verb ? 2 : 1;
	}
	if (!line->verb)
		line->verb = script_verb_find(line->words[0]);
	/* "add" lists, but "add volme" means something else */
	if (line->verb && named == 1 && line->count > 1 && !line->verb->max)
		for (i = 0; i < script_verb_count; i++)
			if (begins_two(script_verbs[i].name, line->words[0]))
				return unknown_verb(script, line);
	if (!line->verb)
		return unknown_verb(script, line);
	for (i = 0; i < named; i++)
		free(line->words[i]);
	line->count -= named;
	memmove(line->words, line->words + named, (line->count + 1) * sizeof(*line->words));
	return 0;
}

int script_parse(struct script *script, char *text, size_t size, unsigned int number,
		 struct script_line *line)
{
	struct cut cut = { .script = script, .at = text };
	size_t i;
	int rc;

	memset(line, 0, sizeof(*line));
	line->number = number;
	script->line = line;
	while (size && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	/* a byte order mark, as editors of Windows put it there */
	if (number == 1 && size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		cut.at += 3;
	cut.end = text + size;
	for (i = 0; i < size; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
			return script_error(script, NULL, "character %zu is a control character. A "
					    "script is text", i + 1);
	cut.out = malloc(size + 2);
	if (!cut.out)
		return script_error(script, NULL, "there is not enough memory");
	rc = cut_line(&cut, line);
	free(cut.out);
	if (rc)
		script->order_unknown = true;
	return rc ?: find_verb(script, line);
}

void script_line_free(struct script_line *line)
{
	char **word;

	for (word = line->words; word && *word; word++)
		free(*word);
	free(line->words);
	line->words = NULL;
	line->count = 0;
}

/* --- checks --------------------------------------------------------------------------------- */

static bool is_known(const struct script *script, const char *name)
{
	if (script->interactive)
		return script_value(script, name);
	return script->expected.others || script_knows(&script->expected, name) || getenv(name);
}

/* The name of the variable that begins at @mark, which is put behind it. */
static char *variable_at(const char **mark)
{
	const char *begin = *mark + 1, *end = strchr(begin, VARIABLE_END);

	*mark = end + 1;
	return strndup(begin, end - begin);
}

static int check_variables(struct script *script, const char *word)
{
	const char *mark = word;
	char *name;
	int rc = 0;

	while (!rc && (mark = strchr(mark, VARIABLE_BEGIN))) {
		name = variable_at(&mark);
		if (!name || !is_known(script, name))
			rc = script_error(script, word, "no variable \"%s\" has a value here. "
					  "\"add alias\" gives one; aliases of volumes get theirs "
					  "by \"create\"", name ?: "");
		free(name);
	}
	return rc;
}

static int check_count(struct script *script, const struct script_line *line)
{
	const struct script_verb *verb = line->verb;

	if (line->count >= verb->min && line->count <= verb->max)
		return 0;
	return script_error(script, line->count > verb->max ? line->words[verb->max] : NULL,
			    "%s: it is \"%s%s%s\"", line->count < verb->min ? "a word is missing" :
			    "there is a word too many", verb->name, *verb->arguments ? " " : "",
			    verb->arguments);
}

static int check_order(struct script *script, const struct script_verb *verb)
{
	if (script->order_unknown)
		return 0;
	if ((script->has & verb->needs) == verb->needs && !(script->has & verb->excludes))
		return 0;
	return script_error(script, verb->name, "it cannot come here: %s", verb->order);
}

int script_check(struct script *script, const struct script_line *line)
{
	const struct script_verb *verb = line->verb;
	bool unknown = false;
	size_t i;
	int rc;

	script->line = line;
	if (!verb)
		return 0;
	if (!verb->run)
		return script_error(script, verb->name, "%s", verb->help);
	rc = check_count(script, line);
	for (i = 0; !rc && i < line->count; i++) {
		rc = check_variables(script, line->words[i]);
		unknown |= script_has_variable(line->words[i]) &&
			   (i > 31 || !(verb->values & 1U << i));
	}
	if (!rc && verb->check && !unknown)
		rc = verb->check(script, line, line->words);
	return rc ?: check_order(script, verb);
}

void script_expect(struct script *script, const struct script_line *line)
{
	if (!line->verb)
		return;
	script->has |= line->verb->gives;
	if (line->verb->expect)
		line->verb->expect(script, line->words);
}

/* --- running -------------------------------------------------------------------------- */

/* The word with values in it, or NULL. */
static char *expand(struct script *script, const char *word)
{
	const char *mark = word, *value;
	size_t size = 0;
	char *text = NULL, *name;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (*mark) {
		if (*mark != VARIABLE_BEGIN) {
			fputc(*mark++, out);
			continue;
		}
		name = variable_at(&mark);
		value = name ? script_value(script, name) : NULL;
		if (!value) {
			script_error(script, word, "no variable \"%s\" has a value", name ?: "");
			fclose(out);
			free(text);
			free(name);
			return NULL;
		}
		fputs(value, out);
		free(name);
	}
	fclose(out);
	return text;
}

int script_run(struct script *script, const struct script_line *line)
{
	char **words = calloc(line->count + 1, sizeof(*words));
	bool variables = false;
	int status = STATUS_OK;
	size_t i;

	script->line = line;
	if (!words)
		return fail(script->context, "there is not enough memory");
	for (i = 0; !status && i < line->count; i++) {
		words[i] = expand(script, line->words[i]);
		status = words[i] ? STATUS_OK : STATUS_FAILED;
		variables |= script_has_variable(line->words[i]);
	}
	if (!status && variables && line->verb->check)
		status = line->verb->check(script, line, words);
	if (!status)
		status = line->verb->run(script, line, words);
	for (i = 0; i < line->count; i++)
		free(words[i]);
	free(words);
	if (status == STATUS_DEGRADED) {
		script->degraded = true;
		status = STATUS_OK;
	}
	if (!status)
		script->has |= line->verb->gives;
	return status;
}
