/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * map.h - a shadow's blocks as a picture: in the terminal, and as SVG.
 */
#ifndef SHADOWADM_MAP_H
#define SHADOWADM_MAP_H

#include "cells.h"

#define MAP_ROWS 16

/* What is drawn, and what is said of it. */
struct map_picture {
	struct cells cells;
	size_t width;		/* cells in a row */
	char title[96];		/* "/dev/shadow0 of vda1, 2026-11-30 17:00:00" */
	char since[96];		/* what "changed" means; empty: changes were not asked for */
};

/* What a class means here, for a legend. */
const char *map_meaning(enum cell_class class);

/* Is there a line for it in the legend? */
bool map_in_legend(const struct map_picture *picture, enum cell_class class);

/* "4.9%" of the volume, "<0.1%" where there is less but not nothing. */
char *map_share(const struct map_picture *picture, enum cell_class class, char buf[16]);

/* How it is drawn in a terminal. */
struct map_style {
	bool colour;
	bool shades;	/* block characters of Unicode; with colours only */
};

void map_print(const struct map_picture *picture, const struct map_style *style, FILE *stream);

/* A file that needs nothing else. */
void map_print_svg(const struct map_picture *picture, FILE *stream);

#endif /* SHADOWADM_MAP_H */
