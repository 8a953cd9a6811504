// SPDX-License-Identifier: GPL-2.0-only
/*
 * map_svg.c - a shadow's blocks as a picture that needs nothing else: no script, no font, no
 * other file.
 *
 * Cells of one look are one path, neighbours in it one rectangle: a volume that was hardly
 * written to makes a small file.  What it shows is said in words, too, for those who cannot see
 * it; the colours differ for those who cannot tell red from green.
 */
#include <inttypes.h>

#include "map.h"

#define PICTURE_WIDTH 960
#define MARGIN 24
#define GUTTER 56		/* left of the cells: where a row begins */
#define TOP 84
#define LEGEND_LINE 26

/* Without variables, which not all that draw SVG know. */
static const char style[] =
	"svg{font:14px system-ui,sans-serif}\n"
	".paper{fill:#fff}text{fill:#1c2128}.faint{fill:#5c6570;font-size:12px}\n"
	".head{font-size:20px;font-weight:600}.end{text-anchor:end}\n"
	".w{fill:#aa3c7f}.c{fill:#d55e00}.p{fill:#0072b2}.f{fill:#dfe3e8}.l{fill:#8fbfa8}\n"
	"@media(prefers-color-scheme:dark){.paper{fill:#14171c}text{fill:#e8eaed}\n"
	".faint{fill:#9aa3ad}.w{fill:#e08bbf}.c{fill:#f0803c}.p{fill:#56b4e9}.f{fill:#2b3138}\n"
	".l{fill:#4b7a66}}\n";

static const char *class_name(enum cell_class class)
{
	static const char *const names[] = {
		[CELL_WRITTEN] = "w", [CELL_CHANGED] = "c", [CELL_STORED] = "p",
		[CELL_FREE] = "f", [CELL_LIVE] = "l",
	};

	return names[class];
}

static void print_escaped(const char *text, FILE *stream)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", stream);
			break;
		case '&':
			fputs("&amp;", stream);
			break;
		default:
			/* what no XML may have */
			fputc((unsigned char)*text < ' ' ? '?' : *text, stream);
		}
}

/* Where the cells are. */
struct grid {
	double step, side;	/* of a cell, with the gap to the next one and without */
	size_t rows;
	double bottom;
};

static struct grid grid_of(const struct map_picture *picture)
{
	struct grid grid;

	grid.step = (PICTURE_WIDTH - 2.0 * MARGIN - GUTTER) / picture->width;
	/* few cells are not to be larger than a line of text is high */
	if (grid.step > 28)
		grid.step = 28;
	grid.side = grid.step > 5 ? grid.step - 1 : grid.step;
	grid.rows = (picture->cells.count + picture->width - 1) / picture->width;
	grid.bottom = TOP + grid.rows * grid.step;
	return grid;
}

static bool looks_like(const struct cell *cell, enum cell_class class, unsigned int level)
{
	return cell_shown(cell) == class && cell_level(cell) == level;
}

/* All cells of one look. */
static void print_path(const struct map_picture *picture, const struct grid *grid,
		       enum cell_class class, unsigned int level, FILE *stream)
{
	const struct cells *cells = &picture->cells;
	bool begun = false;
	size_t i, end;

	for (i = 0; i < cells->count; i = end) {
		size_t row = i / picture->width, column = i % picture->width;
		double length;

		end = i + 1;
		if (!looks_like(&cells->cell[i], class, level))
			continue;
		while (end < cells->count && end / picture->width == row &&
		       looks_like(&cells->cell[end], class, level))
			end++;
		if (!begun)
			fprintf(stream, "<path class=\"%s\" fill-opacity=\"%.2f\" d=\"",
				class_name(class), 0.25 + 0.75 * level / CELL_LEVELS);
		begun = true;
		length = (end - i - 1) * grid->step + grid->side;
		fprintf(stream, "M%.1f %.1fh%.1fv%.1fh-%.1fz",
			MARGIN + GUTTER + column * grid->step, TOP + row * grid->step, length,
			grid->side, length);
	}
	if (begun)
		fputs("\"/>\n", stream);
}

/* Where rows begin, as many as there is room for. */
static void print_offsets(const struct map_picture *picture, const struct grid *grid, FILE *stream)
{
	size_t every = grid->step < 14 ? 14 / grid->step + 1 : 1, row;
	char size[16];

	for (row = 0; row < grid->rows; row += every)
		fprintf(stream, "<text class=\"faint end\" x=\"%d\" y=\"%.1f\">%s</text>\n",
			MARGIN + GUTTER - 8, TOP + row * grid->step + grid->side / 2 + 4,
			size_format(cells_first(&picture->cells, row * picture->width), size));
}

static void print_legend(const struct map_picture *picture, double y, FILE *stream)
{
	char size[16], share[16];
	enum cell_class class;
	int x = MARGIN + GUTTER;

	for (class = 0; class < CELL_CLASSES; class++) {
		if (!map_in_legend(picture, class))
			continue;
		fprintf(stream, "<path class=\"%s\" d=\"M%d %.1fh14v14h-14z\"/>\n",
			class_name(class), x, y - 12);
		fprintf(stream, "<text class=\"end\" x=\"%d\" y=\"%.1f\">%s</text>", x + 90, y,
			size_format(picture->cells.total.bytes[class], size));
		share[0] = '\0';
		map_share(picture, class, share);
		fprintf(stream, "<text class=\"faint end\" x=\"%d\" y=\"%.1f\">", x + 150, y);
		print_escaped(share, stream);
		fprintf(stream, "</text><text x=\"%d\" y=\"%.1f\">%s", x + 170, y,
			map_meaning(class));
		if (class == CELL_CHANGED) {
			fputs(" since ", stream);
			print_escaped(picture->since, stream);
		}
		fputs("</text>\n", stream);
		y += LEGEND_LINE;
	}
}

/* The picture in words. */
static void print_words(const struct map_picture *picture, FILE *stream)
{
	char size[16], share[16];
	enum cell_class class;

	fputs("<title id=\"title\">", stream);
	print_escaped(picture->title, stream);
	fputs("</title>\n<desc id=\"words\">The blocks of the shadow, from the beginning of the "
	      "volume in rows from left to right.", stream);
	for (class = 0; class < CELL_CLASSES; class++)
		if (map_in_legend(picture, class)) {
			fprintf(stream, " %s%s: %s, ", map_meaning(class),
				class == CELL_CHANGED ? " since the base" : "",
				size_format(picture->cells.total.bytes[class], size));
			print_escaped(map_share(picture, class, share), stream);
			fputc('.', stream);
		}
	fputs("</desc>\n", stream);
}

static int legend_lines(const struct map_picture *picture)
{
	enum cell_class class;
	int lines = 0;

	for (class = 0; class < CELL_CLASSES; class++)
		lines += map_in_legend(picture, class);
	return lines;
}

void map_print_svg(const struct map_picture *picture, FILE *stream)
{
	struct grid grid = grid_of(picture);
	int height = grid.bottom + 36 + legend_lines(picture) * LEGEND_LINE + MARGIN - 12;
	char size[16], each[16];
	enum cell_class class;
	unsigned int level;

	fprintf(stream, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"role=\"img\" aria-labelledby=\"title words\">\n", PICTURE_WIDTH, height);
	print_words(picture, stream);
	fprintf(stream, "<style>\n%s</style>\n", style);
	fprintf(stream, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", PICTURE_WIDTH,
		height);
	fprintf(stream, "<text class=\"head\" x=\"%d\" y=\"40\">", MARGIN);
	print_escaped(picture->title, stream);
	fprintf(stream, "</text>\n<text class=\"faint\" x=\"%d\" y=\"62\">%s", MARGIN,
		size_format(picture->cells.bytes, size));
	if (picture->cells.count)
		fprintf(stream, ", each cell %s; paler: less of the cell",
			size_format(cells_first(&picture->cells, 1), each));
	fputs("</text>\n", stream);
	for (class = 0; class < CELL_CLASSES; class++)
		for (level = 1; level <= CELL_LEVELS; level++)
			print_path(picture, &grid, class, level, stream);
	print_offsets(picture, &grid, stream);
	print_legend(picture, grid.bottom + 36, stream);
	fputs("</svg>\n", stream);
}
