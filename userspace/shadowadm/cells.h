/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cells.h - a volume in few cells, each with how much of it is what.
 */
#ifndef SHADOWADM_CELLS_H
#define SHADOWADM_CELLS_H

#include "shadowadm.h"

/* What a block is.  Where more than one is so, it counts as the first. */
enum cell_class {
	CELL_WRITTEN,	/* to the image */
	CELL_CHANGED,
	CELL_STORED,	/* preserved */
	CELL_FREE,
	CELL_LIVE,	/* nothing of these: read from the volume */
	CELL_CLASSES
};

#define CELL_LEVELS 4

struct cell {
	uint64_t bytes[CELL_CLASSES];
};

struct cells {
	uint64_t bytes;		/* of the volume */
	size_t count;
	struct cell *cell;
	struct cell total;
	size_t at;		/* where the last run ended */
};

/* @count cells at most, all live.  0 or -ENOMEM. */
int cells_init(struct cells *cells, uint64_t bytes, size_t count);
void cells_free(struct cells *cells);

/* Runs come in order, and do not overlap. */
void cells_add(struct cells *cells, const struct shadow_run *run);

/* First byte of a cell; of the one behind the last: the end. */
uint64_t cells_first(const struct cells *cells, size_t index);

enum cell_class cell_class_of(uint32_t state);

/* What a cell is drawn as: the first class that is in it, but free or live as there is more. */
enum cell_class cell_shown(const struct cell *cell);

/* How much of it that is, 1 to CELL_LEVELS quarters, rounded up. */
unsigned int cell_level(const struct cell *cell);

/* "changed" */
const char *cell_name(enum cell_class class);

#endif /* SHADOWADM_CELLS_H */
