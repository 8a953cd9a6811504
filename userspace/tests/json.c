// SPDX-License-Identifier: GPL-2.0-only
/*
 * json.c - tests of what JSON is made of: texts of any bytes, large numbers, members.
 */
#include <math.h>

#include "shadowadm.h"
#include "test.h"

#define WRONG "\xef\xbf\xbd"

/* Whether the library, which takes UTF-8 only, prints and reads a document as it is. */
static bool comes_back(json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);
	json_t *read = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	bool same = json_equal(document, read);

	json_decref(read);
	free(text);
	return same;
}

static void texts(void)
{
	static const struct {
		const char *text, *becomes, *what;
	} cases[] = {
		{ "", "", "an empty text" },
		{ "/srv/a b", "/srv/a b", "a path" },
		{ "\t\"\\\x7f", "\t\"\\\x7f", "what is escaped" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "characters of two, three and four bytes" },
		{ "\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80", "\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80",
		  "the first of each length" },
		{ "\xdf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf",
		  "\xdf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf",
		  "the last of each length, and those around surrogates" },
		{ "/srv/\xff/x", "/srv/" WRONG "/x", "a byte that is in no character" },
		{ "caf\xe9", "caf" WRONG, "another encoding" },
		{ "\xe9t\xe9", WRONG "t" WRONG, "the same, with what follows it" },
		{ "\x80\xbf", WRONG WRONG, "bytes that begin no character" },
		{ "\xe2\x82", WRONG WRONG, "a character that is cut off" },
		{ "\xf0\x9f\x98/", WRONG WRONG WRONG "/", "one that is cut short" },
		{ "\xc3\xc3\xa9", WRONG "\xc3\xa9", "a character after half of one" },
		{ "\xc0\xaf\xe0\x9f\xbf\xf0\x8f\xbf\xbf",
		  WRONG WRONG WRONG WRONG WRONG WRONG WRONG WRONG WRONG,
		  "characters longer than they need be" },
		{ "\xed\xa0\x80", WRONG WRONG WRONG, "a surrogate" },
		{ "\xf4\x90\x80\x80\xf5\x80\x80\x80",
		  WRONG WRONG WRONG WRONG WRONG WRONG WRONG WRONG, "more than U+10FFFF" },
	};
	json_t *document = json_object();
	char wrong[3] = { 0 };
	bool all = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		json_text(document, cases[i].what, cases[i].text);
		CHECK_STRING(json_string_value(json_object_get(document, cases[i].what)) ?: "null",
			     cases[i].becomes, cases[i].what);
	}
	CHECK(comes_back(document), "all of them are JSON");
	/* What we took for a character and the library did not would be null. */
	for (i = 1; i <= UINT16_MAX; i++) {
		wrong[0] = i & 0xff ?: 'x';
		wrong[1] = i >> 8;
		json_text(document, "two", wrong);
		all &= json_is_string(json_object_get(document, "two"));
	}
	CHECK(all, "any two bytes are a text");
	json_text(document, "none", NULL);
	CHECK(json_is_null(json_object_get(document, "none")), "no text is null");
	json_decref(document);
}

static void numbers(void)
{
	static const struct {
		uint64_t number;
		json_int_t becomes;
		const char *what;
	} cases[] = {
		{ 0, 0, "zero" },
		{ 1ULL << 53 | 1, 1LL << 53 | 1, "more than a double holds" },
		{ INT64_MAX, INT64_MAX, "the largest number" },
		{ 1ULL << 63, INT64_MAX, "one more" },
		{ UINT64_MAX, INT64_MAX, "the largest of 64 bits" },
	};
	json_t *document = json_object();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *value;

		json_number(document, cases[i].what, cases[i].number);
		value = json_object_get(document, cases[i].what);
		CHECK(json_is_integer(value) && json_integer_value(value) == cases[i].becomes,
		      cases[i].what);
	}
	json_value(document, "third", real_json(1 / 3.0));
	json_value(document, "whole", real_json(2));
	json_value(document, "large", real_json(1e300));
	json_value(document, "infinite", real_json(INFINITY));
	CHECK(json_real_value(json_object_get(document, "third")) == 0.333, "three digits");
	CHECK(json_is_real(json_object_get(document, "whole")), "or none");
	CHECK(json_real_value(json_object_get(document, "large")) == 1e300, "or very many");
	CHECK(json_is_null(json_object_get(document, "infinite")), "what is no number is null");
	CHECK(comes_back(document), "all of them are JSON");
	json_decref(document);
}

static void members(void)
{
	json_t *document = json_object();
	char *text;

	json_text(document, "volume", "/srv");
	json_value(document, "part", NULL);
	json_number(document, "bytes", 4096);
	json_value(document, "free", real_json(0.1));
	json_value(document, "associated", json_boolean(true));
	json_text(document, "volume", "/home");
	text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
	CHECK_STRING(text ?: "",
		     "{\"volume\":\"/home\",\"part\":null,\"bytes\":4096,\"free\":0.1,"
		     "\"associated\":true}", "members in their order, each once");
	free(text);
	json_decref(document);
	CHECK(!json_loads("{\"volume\": 1, \"volume\": 2}", JSON_REJECT_DUPLICATES, NULL),
	      "a member twice is refused");
}

void test_json(void)
{
	texts();
	numbers();
	members();
}
