// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * options.c - the grammar of restore options (VSS l.6), with '/' in logical paths.
 *
 *	options = option *("," option)
 *	option	= [ quoted ":" ] quoted "=" quoted
 *
 * with any white space between.
 */
#include "document.h"
#include "options.h"

#define OPTIONS_MAX 4096

struct parsing {
	const char *text;
	const char *at;
	char *out;		/* where the next string goes */
	const char *fault;
};

static void skip_space(struct parsing *parsing)
{
	parsing->at += strspn(parsing->at, " \t\r\n");
}

/* Take a character that may be there. */
static bool take(struct parsing *parsing, char c)
{
	skip_space(parsing);
	if (*parsing->at != c)
		return false;
	parsing->at++;
	return true;
}

/* A quoted string, without its quotation marks; NULL where there is none. */
static const char *quoted(struct parsing *parsing, const char *what)
{
	const char *begin = parsing->out;

	if (!take(parsing, '"')) {
		parsing->fault = what;
		return NULL;
	}
	while (*parsing->at && *parsing->at != '"') {
		if (*parsing->at == '\\' && (parsing->at[1] == '"' || parsing->at[1] == '\\'))
			parsing->at++;
		*parsing->out++ = *parsing->at++;
	}
	if (!take(parsing, '"')) {
		parsing->fault = "has no quotation mark at the end of a string";
		return NULL;
	}
	*parsing->out++ = '\0';
	return begin;
}

/* --- the options that everyone knows ------------------------------------------ */

static const char *authoritative_fault(const char *value)
{
	if (!strcasecmp(value, "All") || (!strncasecmp(value, "Item:", 5) && value[5]))
		return NULL;
	return "has an \"Authoritative\" that is neither \"All\" nor \"Item:...\"";
}

static const char *roll_forward_fault(const char *value)
{
	if (!strcasecmp(value, "None") || !strcasecmp(value, "All") ||
	    (!strncasecmp(value, "Partial:", 8) && value[8]))
		return NULL;
	return "has a \"Roll Forward\" that is none of \"None\", \"All\", \"Partial:...\"";
}

static const char *new_name_fault(const char *value)
{
	if (*value && !sc_text_fault(SC_TEXT_LOGICAL, value))
		return NULL;
	return "has a \"New Component Name\" that is no logical path and name";
}

static const struct known {
	const char *name;
	const char *(*fault)(const char *value);
	bool once;	/* for one component, whatever its value */
} known[] = {
	{ "Authoritative", authoritative_fault, false },
	{ "Roll Forward", roll_forward_fault, true },
	{ "New Component Name", new_name_fault, true },
};

static const struct known *known_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcasecmp(known[i].name, name))
			return &known[i];
	return NULL;
}

/* --- the list ---------------------------------------------------------------- */

/* Where an option is in the text, beside what it says. */
struct place {
	struct shadowcopy_option option;
	const char *at;
};

/* By what may be said once, and then by where it is. */
static int by_subject(const void *a, const void *b)
{
	const struct place *const *x = a, *const *y = b;
	int rc = strcasecmp((*x)->option.name, (*y)->option.name);

	rc = rc ?: strcmp((*x)->option.component ?: "", (*y)->option.component ?: "");
	return rc ?: (*x)->at < (*y)->at ? -1 : (*x)->at > (*y)->at;
}

static bool same_subject(const struct shadowcopy_option *a, const struct shadowcopy_option *b)
{
	return !strcasecmp(a->name, b->name) && !strcmp(a->component ?: "", b->component ?: "");
}

/* Whether the second of two neighbours may be there, which are for the same. */
static bool is_twice(const struct shadowcopy_option *a, const struct shadowcopy_option *b)
{
	const struct known *option = known_of(a->name);

	return option && (option->once || !strcasecmp(a->value, "All") ||
			  !strcasecmp(b->value, "All"));
}

static bool parse_option(struct parsing *parsing, struct shadowcopy_option *option)
{
	const char *first = quoted(parsing, "has no name in quotation marks");

	if (!first)
		return false;
	option->component = NULL;
	if (take(parsing, ':')) {
		option->component = first;
		if (!*first || sc_text_fault(SC_TEXT_LOGICAL, first)) {
			parsing->fault = "has a component that is no logical path";
			return false;
		}
		first = quoted(parsing, "has no name in quotation marks behind \":\"");
	}
	option->name = first;
	if (!first)
		return false;
	if (!*first || sc_text_fault(SC_TEXT_LINE, first)) {
		parsing->fault = "has an empty name, or one that is no line of text";
		return false;
	}
	if (!take(parsing, '=')) {
		parsing->fault = "has no \"=\" behind a name";
		return false;
	}
	option->value = quoted(parsing, "has no value in quotation marks");
	return option->value;
}

/* What is wrong with an option that everyone knows, or NULL. */
static const char *value_fault(const struct shadowcopy_option *option)
{
	const struct known *known_option = known_of(option->name);

	return known_option ? known_option->fault(option->value) : NULL;
}

static void parse_all(struct parsing *parsing, struct place **places, struct place *pool,
		      size_t *count)
{
	skip_space(parsing);
	if (!*parsing->at)
		return;
	do {
		struct place *place = &pool[*count];

		if (*count == OPTIONS_MAX) {
			parsing->fault = "has more than 4096 options";
			return;
		}
		skip_space(parsing);
		place->at = parsing->at;
		if (!parse_option(parsing, &place->option))
			return;
		parsing->fault = value_fault(&place->option);
		if (parsing->fault)
			return;
		places[(*count)++] = place;
	} while (take(parsing, ','));
	skip_space(parsing);
	if (*parsing->at)
		parsing->fault = "has something else than \",\" behind an option";
}

/* Sorts the places: what is said twice is a neighbour then. */
static void check_twice(struct parsing *parsing, struct place **places, size_t count)
{
	size_t i;

	if (count)
		qsort(places, count, sizeof(*places), by_subject);
	for (i = 1; i < count && !parsing->fault; i++) {
		if (!same_subject(&places[i - 1]->option, &places[i]->option) ||
		    !is_twice(&places[i - 1]->option, &places[i]->option))
			continue;
		parsing->fault = "says the same option twice";
		parsing->at = places[i]->at;
	}
}

/* As many options as there are '=', or fewer; and one that is begun and no option. */
static size_t most_options(const char *text)
{
	size_t count = 0;

	for (; *text && count < OPTIONS_MAX; text++)
		count += *text == '=';
	return count + 1;
}

SC_EXPORT int shadowcopy_options_parse(struct shadowcopy *sc, const char *text,
				       struct shadowcopy_option ***optionsp, size_t *countp)
{
	struct parsing parsing = { .text = text, .at = text };
	size_t i, most = most_options(text), count = 0;
	struct shadowcopy_option **options;
	struct place **places, *pool;
	char cause[160];

	*optionsp = NULL;
	/* Pointers, options and strings in one piece; no string is longer than its quotation. */
	options = calloc(1, (most + 1) * sizeof(*options) + most * sizeof(*places) +
			 most * sizeof(*pool) + strlen(text) + 1);
	if (!options)
		return SC_FAIL(sc, -ENOMEM, .action = "read the restore options");
	places = (struct place **)(options + most + 1);
	pool = (struct place *)(places + most);
	parsing.out = (char *)(pool + most);
	parse_all(&parsing, places, pool, &count);
	if (!parsing.fault)
		check_twice(&parsing, places, count);
	if (parsing.fault) {
		free(options);
		snprintf(cause, sizeof(cause), "character %zu %s",
			 parsing.at - parsing.text + 1, parsing.fault);
		return SC_FAIL(sc, -EINVAL, .action = "read the restore options", .cause = cause,
			       .remedy = "write them as \"Sub/Path\":\"Name\"=\"Value\",...");
	}
	for (i = 0; i < count; i++)
		options[i] = &pool[i].option;
	options[count] = NULL;
	*optionsp = options;
	if (countp)
		*countp = count;
	return 0;
}

int sc_options_check(struct shadowcopy *sc, const char *text)
{
	struct shadowcopy_option **options;
	int rc = shadowcopy_options_parse(sc, text, &options, NULL);

	free(options);
	return rc;
}
