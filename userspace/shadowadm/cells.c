// SPDX-License-Identifier: GPL-2.0-only
/*
 * cells.c - puts runs of blocks into cells.
 *
 * Each cell has as many blocks as the next one, or one more.  What is looked for must not hide:
 * one block that has changed shows in a cell of millions, as the palest of four shades; what
 * there is most of would hide it.
 */
#include "cells.h"

#define BLOCK_BYTES (1ULL << SHADOW_BLOCK_SHIFT)

int cells_init(struct cells *cells, uint64_t bytes, size_t count)
{
	uint64_t blocks = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
	size_t i;

	memset(cells, 0, sizeof(*cells));
	cells->bytes = bytes;
	cells->count = count < blocks ? count : blocks;
	cells->cell = calloc(cells->count + 1, sizeof(*cells->cell));
	if (!cells->cell)
		return -ENOMEM;
	for (i = 0; i < cells->count; i++)
		cells->cell[i].bytes[CELL_LIVE] = cells_first(cells, i + 1) - cells_first(cells, i);
	cells->total.bytes[CELL_LIVE] = bytes;
	return 0;
}

void cells_free(struct cells *cells)
{
	free(cells->cell);
	cells->cell = NULL;
}

/* Not by a product, which could be too large. */
uint64_t cells_first(const struct cells *cells, size_t index)
{
	uint64_t blocks = (cells->bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;

	if (index >= cells->count)
		return cells->bytes;
	return (blocks / cells->count * index + blocks % cells->count * index / cells->count) *
	       BLOCK_BYTES;
}

enum cell_class cell_class_of(uint32_t state)
{
	return state & SHADOW_RUN_WRITTEN ? CELL_WRITTEN :
	       state & SHADOW_RUN_CHANGED ? CELL_CHANGED :
	       state & SHADOW_RUN_STORED ? CELL_STORED :
	       state & SHADOW_RUN_FREE ? CELL_FREE : CELL_LIVE;
}

static void move(struct cell *cell, enum cell_class class, uint64_t bytes)
{
	cell->bytes[CELL_LIVE] -= bytes;
	cell->bytes[class] += bytes;
}

void cells_add(struct cells *cells, const struct shadow_run *run)
{
	enum cell_class class = cell_class_of(run->state);
	uint64_t first = run->first, end = run->first + run->bytes;

	if (end > cells->bytes)
		end = cells->bytes;
	while (first < end) {
		uint64_t border = cells_first(cells, cells->at + 1);

		if (border <= first) {
			cells->at++;
			continue;
		}
		if (border > end)
			border = end;
		move(&cells->cell[cells->at], class, border - first);
		move(&cells->total, class, border - first);
		first = border;
	}
}

enum cell_class cell_shown(const struct cell *cell)
{
	enum cell_class class;

	for (class = 0; class < CELL_FREE; class++)
		if (cell->bytes[class])
			return class;
	return cell->bytes[CELL_FREE] > cell->bytes[CELL_LIVE] ? CELL_FREE : CELL_LIVE;
}

unsigned int cell_level(const struct cell *cell)
{
	uint64_t whole = 0, part = cell->bytes[cell_shown(cell)];
	unsigned int level = 1;
	int class;

	for (class = 0; class < CELL_CLASSES; class++)
		whole += cell->bytes[class];
	/* a quarter of the whole is enough of a unit, and no product is too large */
	while (level < CELL_LEVELS && part > whole / CELL_LEVELS * level +
	       whole % CELL_LEVELS * level / CELL_LEVELS)
		level++;
	return level;
}

const char *cell_name(enum cell_class class)
{
	static const char *const names[] = {
		[CELL_WRITTEN] = "written",
		[CELL_CHANGED] = "changed",
		[CELL_STORED] = "preserved",
		[CELL_FREE] = "free",
		[CELL_LIVE] = "live",
	};

	return names[class];
}
