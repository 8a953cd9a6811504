// SPDX-License-Identifier: GPL-2.0-only
/*
 * sizes.c - tests of sizes and spans of time.
 */
#include "shadowadm.h"
#include "test.h"

static void good_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t whole, bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "4096", 0, 4096 },
		{ "4096B", 0, 4096 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "64KiB", 0, 65536 },
		{ "64MB", 0, 64ULL << 20 },
		{ "3G", 0, 3ULL << 30 },
		{ "2T", 0, 2ULL << 40 },
		{ "1P", 0, 1ULL << 50 },
		{ "15E", 0, 15ULL << 60 },
		{ "10%", 1000, 100 },
		{ "100%", 12345678900, 12345678900 },
		{ "0%", 1000, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
	};
	uint64_t bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *wrong = size_parse(cases[i].text, cases[i].whole, &bytes);

		CHECK(!wrong && bytes == cases[i].bytes, cases[i].text);
	}
}

static void bad_sizes(void)
{
	static const char *const cases[] = {
		"", "-1", "+1", " 1", "x", "M", "1X", "1MX", "1.5G", "1,5G", "16E", "1K1",
		"18446744073709551616", "99999999999999999999999", "101%", "10%%", "0x10",
	};
	char what[64];
	uint64_t bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(what, sizeof(what), "refused: \"%s\"", cases[i]);
		CHECK(size_parse(cases[i], 1000, &bytes), what);
	}
	CHECK(size_parse("10%", 0, &bytes), "refused: a percentage of nothing");
}

static void printed_sizes(void)
{
	char buf[16];

	CHECK_STRING(size_format(0, buf), "0B", "nothing");
	CHECK_STRING(size_format(1023, buf), "1023B", "bytes");
	CHECK_STRING(size_format(1024, buf), "1K", "1K");
	CHECK_STRING(size_format(1536, buf), "1.5K", "1.5K");
	CHECK_STRING(size_format((1 << 20) - 1, buf), "1M", "almost 1M");
	CHECK_STRING(size_format(10ULL << 30, buf), "10G", "10G");
	CHECK_STRING(size_format(UINT64_MAX, buf), "16E", "the largest");
}

static void spans(void)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} cases[] = {
		{ "0", 0 }, { "1", 1000 }, { "10", 10000 }, { "0.01", 10 }, { "1.5", 1500 },
		{ "2.345", 2345 }, { "1.23456", 1234 }, { "600", 600000 }, { "1.", 1000 },
	};
	static const char *const bad[] = {
		"", "x", "-1", "1s", "1.2.3", ".5", "999999999999999999999",
	};
	char what[64];
	uint64_t ms;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(what, sizeof(what), "%s seconds", cases[i].text);
		CHECK(!seconds_parse(cases[i].text, &ms) && ms == cases[i].ms, what);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(what, sizeof(what), "refused: \"%s\" seconds", bad[i]);
		CHECK(seconds_parse(bad[i], &ms), what);
	}
}

void test_sizes(void)
{
	good_sizes();
	bad_sizes();
	printed_sizes();
	spans();
	CHECK(memory_size() > 1 << 20, "the machine has memory");
}
