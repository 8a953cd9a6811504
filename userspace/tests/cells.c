// SPDX-License-Identifier: GPL-2.0-only
/*
 * cells.c - tests of a volume in cells, and of its picture.
 */
#include "map.h"
#include "test.h"

#define MIB (1ULL << 20)

static void sizes(void)
{
	struct cells cells;
	uint64_t least = UINT64_MAX, most = 0, bytes;
	size_t i;

	CHECK(!cells_init(&cells, 1000 * 4096 + 512, 37), "cells");
	for (i = 0; i < cells.count; i++) {
		bytes = cells_first(&cells, i + 1) - cells_first(&cells, i);
		if (i + 1 < cells.count && bytes < least)
			least = bytes;
		if (bytes > most)
			most = bytes;
	}
	CHECK(cells.count == 37 && most - least <= 4096, "each has a block more or less");
	CHECK(cells_first(&cells, 37) == 1000 * 4096 + 512, "the last ends with the volume");
	cells_free(&cells);

	CHECK(!cells_init(&cells, 3 * 4096, 64) && cells.count == 3, "none is less than a block");
	cells_free(&cells);
	CHECK(!cells_init(&cells, 1ULL << 60, 8192), "a volume of an exbibyte");
	CHECK(cells_first(&cells, 8191) == (1ULL << 60) - (1ULL << 47), "has cells of 128 TiB");
	cells_free(&cells);
}

static void runs(void)
{
	struct cells cells;
	struct shadow_run all = { 0, 16 * MIB, SHADOW_RUN_FREE, 0 };
	struct shadow_run some[] = {
		{ 0, 4096, SHADOW_RUN_CHANGED | SHADOW_RUN_STORED, 0 },
		{ MIB - 4096, MIB + 8192, SHADOW_RUN_STORED, 0 },
		{ 3 * MIB, 4096, SHADOW_RUN_WRITTEN | SHADOW_RUN_CHANGED, 0 },
		{ 4 * MIB, 2 * MIB, SHADOW_RUN_FREE, 0 },
		{ 15 * MIB, 8 * MIB, SHADOW_RUN_FREE | SHADOW_RUN_CHANGED, 0 },
	};
	enum cell_class class;
	uint64_t sum = 0;
	size_t i;

	cells_init(&cells, 16 * MIB, 16);
	for (i = 0; i < ARRAY_SIZE(some); i++)
		cells_add(&cells, &some[i]);
	CHECK(cells.cell[0].bytes[CELL_CHANGED] == 4096 &&
	      cells.cell[0].bytes[CELL_STORED] == 4096 &&
	      cells.cell[0].bytes[CELL_LIVE] == MIB - 8192, "a cell with several classes");
	CHECK(cell_shown(&cells.cell[0]) == CELL_CHANGED && cell_level(&cells.cell[0]) == 1,
	      "one block that changed shows, palely");
	CHECK(cells.cell[1].bytes[CELL_STORED] == MIB && cell_level(&cells.cell[1]) == CELL_LEVELS,
	      "a run over three cells fills the one in the middle");
	CHECK(cells.cell[2].bytes[CELL_STORED] == 4096, "and begins the next");
	CHECK(cell_shown(&cells.cell[3]) == CELL_WRITTEN,
	      "what was written to the image comes first");
	CHECK(cell_shown(&cells.cell[4]) == CELL_FREE && cell_shown(&cells.cell[6]) == CELL_LIVE,
	      "free or live");
	CHECK(cells.cell[15].bytes[CELL_CHANGED] == MIB, "nothing behind the end of the volume");
	for (class = 0; class < CELL_CLASSES; class++)
		sum += cells.total.bytes[class];
	CHECK(sum == 16 * MIB, "each block counts once");
	cells_free(&cells);

	cells_init(&cells, 16 * MIB, 5);
	cells_add(&cells, &all);
	for (sum = i = 0; i < cells.count; i++)
		sum += cells.cell[i].bytes[CELL_FREE];
	CHECK(sum == 16 * MIB && !cells.total.bytes[CELL_LIVE], "one run over all of it");
	cells_free(&cells);
}

static void levels(void)
{
	static const struct {
		uint64_t part, rest;
		unsigned int level;
	} cases[] = {
		{ 1, 999, 1 }, { 250, 750, 1 }, { 251, 749, 2 }, { 500, 500, 2 }, { 501, 499, 3 },
		{ 750, 250, 3 }, { 751, 249, 4 }, { 1000, 0, 4 },
		{ 1ULL << 63, (1ULL << 63) - 1, 3 },
	};
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cell cell = {
			{ [CELL_CHANGED] = cases[i].part, [CELL_LIVE] = cases[i].rest },
		};

		good &= cell_level(&cell) == cases[i].level;
	}
	CHECK(good, "quarters of a cell, rounded up");
}

/* What is drawn, to be freed. */
static char *drawn(const struct map_picture *picture, const struct map_style *style)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (style)
		map_print(picture, style, stream);
	else
		map_print_svg(picture, stream);
	fclose(stream);
	return text;
}

static void pictures(void)
{
	static const struct shadow_run some[] = {
		{ 0, MIB, SHADOW_RUN_CHANGED, 0 },
		{ MIB, 4096, SHADOW_RUN_CHANGED, 0 },
		{ 8 * MIB, 7 * MIB, SHADOW_RUN_FREE, 0 },
		{ 15 * MIB, MIB, SHADOW_RUN_STORED, 0 },
	};
	struct map_picture picture = {
		.width = 8, .title = "/dev/shadow0 of a<b&c, now", .since = "yesterday",
	};
	struct map_style plain = { 0 }, coloured = { .colour = true, .shades = true };
	char *text;
	size_t i;

	cells_init(&picture.cells, 16 * MIB, 16);
	for (i = 0; i < ARRAY_SIZE(some); i++)
		cells_add(&picture.cells, &some[i]);
	text = drawn(&picture, &plain);
	CHECK_STRING(text,
		     "/dev/shadow0 of a<b&c, now: 16M, each cell 1M\n"
		     "    0B Cc------\n"
		     "    8M .......P\n"
		     "C       1M   6.3%  changed since yesterday\n"
		     "P       1M   6.2%  preserved in the store\n"
		     ".       7M  43.8%  free, reads as zeros\n"
		     "-       7M  43.7%  live on the volume\n", "without colours");
	free(text);
	text = drawn(&picture, &coloured);
	CHECK(strstr(text, "    0B \033[33m\xe2\x96\x88\xe2\x96\x91\033[32m\xe2\x96\x91"),
	      "with colours, in four shades");
	CHECK(!strstr(text, "\033[32m\033") && strstr(text, "\033[0m\n"), "that end with the line");
	free(text);
	text = drawn(&picture, NULL);
	CHECK(!strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 ", 57),
	      "as SVG");
	CHECK(strstr(text, "<title id=\"title\">/dev/shadow0 of a&lt;b&amp;c, now</title>"),
	      "with a title");
	CHECK(strstr(text, "changed since the base: 1M, 6.3%."), "and a description");
	CHECK(strstr(text, "role=\"img\" aria-labelledby=\"title words\""),
	      "for who cannot see it");
	CHECK(!strstr(text, "href") && !strstr(text, "url(") && !strstr(text, "<script"),
	      "that needs no other file");
	CHECK(strlen(text) < 6000, "and is small");
	free(text);
	cells_free(&picture.cells);
}

/* Each cell unlike its neighbours. */
static void largest(void)
{
	struct map_picture picture = { .width = 64, .title = "x" };
	struct shadow_run run = { 0, 0, SHADOW_RUN_STORED, 0 };
	char *text;
	size_t i;

	cells_init(&picture.cells, 64 * MIB * MAP_ROWS, 64 * MAP_ROWS);
	for (i = 0; i < picture.cells.count; i++) {
		run.first = i * MIB;
		run.bytes = (i % 4 + 1) * MIB / 4;
		cells_add(&picture.cells, &run);
	}
	text = drawn(&picture, NULL);
	CHECK(strlen(text) < 48 << 10, "no picture is more than 48 KiB");
	free(text);
	cells_free(&picture.cells);
}

void test_cells(void)
{
	sizes();
	runs();
	levels();
	pictures();
	largest();
}
