/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * meter.h - how far something has come, how fast it is, and how long it will take.
 */
#ifndef SHADOWADM_METER_H
#define SHADOWADM_METER_H

#include <time.h>

#include "shadowadm.h"

enum meter_show {
	METER_AUTO,	/* a bar where standard error is a terminal; with --json objects on it */
	METER_LINES,	/* always: a line each second where it is none */
	METER_NONE,
};

struct meter {
	const struct context *context;
	const char *name;		/* of what it is about */
	uint64_t total;			/* 0: not known */
	enum meter_show show;
	bool bar;			/* there is one on the terminal now */
	struct timespec begun, shown;
};

void meter_begin(struct meter *meter, const struct context *context, const char *name,
		 uint64_t total, enum meter_show show);
void meter_update(struct meter *meter, uint64_t done);

/* Take the bar away. */
void meter_end(struct meter *meter);

double meter_seconds(const struct meter *meter);

#endif /* SHADOWADM_METER_H */
