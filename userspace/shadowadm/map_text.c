// SPDX-License-Identifier: GPL-2.0-only
/*
 * map_text.c - a shadow's blocks as rows of characters.
 *
 * Without colours a letter tells the class, a capital that it is more than half of the cell.
 * With colours four shades tell how much of it, where the terminal has such characters; what
 * nothing happened to is drawn lightly always, or it would be most of the picture.
 */
#include "map.h"

static const struct {
	char few, many;
	const char *colour;
} looks[] = {
	[CELL_WRITTEN] = { 'w', 'W', "35" },
	[CELL_CHANGED] = { 'c', 'C', "33" },
	[CELL_STORED] = { 'p', 'P', "36" },
	[CELL_FREE] = { '.', '.', "90" },
	[CELL_LIVE] = { '-', '-', "32" },
};

const char *map_meaning(enum cell_class class)
{
	static const char *const meanings[] = {
		[CELL_WRITTEN] = "written to the image",
		[CELL_CHANGED] = "changed",
		[CELL_STORED] = "preserved in the store",
		[CELL_FREE] = "free, reads as zeros",
		[CELL_LIVE] = "live on the volume",
	};

	return meanings[class];
}

bool map_in_legend(const struct map_picture *picture, enum cell_class class)
{
	return picture->cells.total.bytes[class] || class >= CELL_STORED ||
	       (class == CELL_CHANGED && *picture->since);
}

char *map_share(const struct map_picture *picture, enum cell_class class, char buf[16])
{
	uint64_t bytes = picture->cells.total.bytes[class], whole = picture->cells.bytes;
	double share = whole ? 100.0 * bytes / whole : 0;

	if (bytes && share < 0.05)
		snprintf(buf, 16, "<0.1%%");
	else
		snprintf(buf, 16, "%.1f%%", share);
	return buf;
}

static void print_cell(enum cell_class class, unsigned int level, const struct map_style *style,
		       FILE *stream)
{
	/* light, medium and dark shade, full block */
	static const char *const shades[] = {
		"\xe2\x96\x91", "\xe2\x96\x92", "\xe2\x96\x93", "\xe2\x96\x88",
	};
	static const char dot[] = "\xc2\xb7";

	if (style->shades && class == CELL_FREE)
		fputs(dot, stream);
	else if (style->shades)
		fputs(shades[class == CELL_LIVE ? 0 : level - 1], stream);
	else
		fputc(level > CELL_LEVELS / 2 ? looks[class].many : looks[class].few, stream);
}

/* The colour is changed only where another class begins. */
static void print_row(const struct map_picture *picture, size_t first, size_t end,
		      const struct map_style *style, FILE *stream)
{
	int last = -1;
	size_t i;

	for (i = first; i < end; i++) {
		const struct cell *cell = &picture->cells.cell[i];
		enum cell_class class = cell_shown(cell);

		if (style->colour && (int)class != last)
			fprintf(stream, "\033[%sm", looks[class].colour);
		print_cell(class, cell_level(cell), style, stream);
		last = class;
	}
	fputs(style->colour ? "\033[0m\n" : "\n", stream);
}

static void print_legend(const struct map_picture *picture, const struct map_style *style,
			 FILE *stream)
{
	enum cell_class class;
	char size[16], share[16];

	for (class = 0; class < CELL_CLASSES; class++) {
		if (!map_in_legend(picture, class))
			continue;
		if (style->colour)
			fprintf(stream, "\033[%sm", looks[class].colour);
		print_cell(class, CELL_LEVELS, style, stream);
		fprintf(stream, "%s %8s %6s  %s%s%s\n", style->colour ? "\033[0m" : "",
			size_format(picture->cells.total.bytes[class], size),
			map_share(picture, class, share), map_meaning(class),
			class == CELL_CHANGED ? " since " : "",
			class == CELL_CHANGED ? picture->since : "");
	}
}

void map_print(const struct map_picture *picture, const struct map_style *style, FILE *stream)
{
	const struct cells *cells = &picture->cells;
	char size[16], each[16];
	size_t i, end;

	fprintf(stream, "%s: %s", picture->title, size_format(cells->bytes, size));
	if (cells->count)
		fprintf(stream, ", each cell %s", size_format(cells_first(cells, 1), each));
	fputc('\n', stream);
	for (i = 0; i < cells->count; i = end) {
		end = i + picture->width < cells->count ? i + picture->width : cells->count;
		fprintf(stream, "%6s ", size_format(cells_first(cells, i), size));
		print_row(picture, i, end, style, stream);
	}
	print_legend(picture, style, stream);
}
