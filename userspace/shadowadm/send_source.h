/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * send_source.h - what of a shadow is to be sent, and reading it.
 */
#ifndef SHADOWADM_SEND_SOURCE_H
#define SHADOWADM_SEND_SOURCE_H

#include "shadowadm.h"
#include "stream.h"

struct shadow_source {
	struct shadowcopy_map *map;
	bool incremental;
	uint64_t bytes;		/* of the shadow */
	uint64_t base_bytes;	/* behind that all is new */
	uint64_t position;	/* what lies before was told of */
	bool have;		/* @run is the next one that the module told of */
	bool end;		/* there is none any more */
	struct shadow_run run;
	int fd;			/* the image */
	bool direct;		/* it is read past the page cache */
};

/*
 * @base: all zero: all of it.  @from: where to begin.  STATUS_OK, or with a message STATUS_FAILED,
 * or STATUS_FULL_NEEDED; to be closed in any case.
 */
int source_open(struct context *context, const struct shadow_shadow_info *shadow,
		const struct shadow_uuid *base, uint64_t base_bytes, uint64_t from,
		struct shadow_source *source);
void source_close(struct shadow_source *source);

/*
 * How much data there is to be read; the source is where it was then.  0 or the library's negative
 * errno.
 */
int source_count(struct shadow_source *source, uint64_t from, uint64_t *bytes);

struct send_source source_calls(struct shadow_source *source);

#endif /* SHADOWADM_SEND_SOURCE_H */
