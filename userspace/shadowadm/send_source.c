// SPDX-License-Identifier: GPL-2.0-only
/*
 * send_source.c - what of a shadow is to be sent: of a full one all that was not free, of one with
 * a base what was written since or was free then; and in both cases as holes what was free.
 *
 * A block can read differently in base and shadow without having been written only if it was free
 * in one of them.  Where it was in the shadow it is a hole; where it was in the base it is sent.
 * What lies behind the end of the base, which had a smaller volume, is sent as if there was none.
 *
 * The image is read past the page cache, so that a backup does not push out what the machine works
 * with.
 */
#include <fcntl.h>
#include <unistd.h>

#include "changes.h"
#include "send_source.h"

/* --- runs -------------------------------------------------------------------------------- */

static void seek(struct shadow_source *source, uint64_t from)
{
	source->position = from - from % STREAM_BLOCK;
	source->have = false;
	source->end = false;
}

/* Where the next run that the module tells of begins; the end of the shadow, if there is none. */
static int look_ahead(struct shadow_source *source, uint64_t *first)
{
	int rc;

	if (!source->have && !source->end) {
		rc = shadowcopy_map_next(source->map, &source->run);
		if (rc < 0)
			return rc;
		source->have = rc;
		source->end = !rc;
	}
	*first = source->have ? source->run.first : source->bytes;
	return 0;
}

static int next_run(void *arg, struct send_run *run)
{
	struct shadow_source *source = arg;
	uint64_t first = 0, gap;
	int rc = look_ahead(source, &first);

	if (rc)
		return rc;
	gap = source->position;
	if (source->incremental && gap < source->base_bytes)
		gap = source->base_bytes < first ? source->base_bytes : first;
	if (gap < first) {
		*run = (struct send_run){ .offset = gap, .length = first - gap };
		source->position = first;
		return 1;
	}
	if (!source->have)
		return 0;
	*run = (struct send_run){
		.hole = source->run.state & SHADOW_RUN_FREE, .offset = source->run.first,
		.length = source->run.bytes,
	};
	source->position = run->offset + run->length;
	source->have = false;
	return 1;
}

int source_count(struct shadow_source *source, uint64_t from, uint64_t *bytes)
{
	struct send_run run;
	int rc;

	*bytes = 0;
	while ((rc = next_run(source, &run)) > 0)
		if (!run.hole)
			*bytes += run.length;
	seek(source, from);
	return rc ? rc : shadowcopy_map_seek(source->map, source->position);
}

/* --- the image --------------------------------------------------------------------------- */

static int read_image(void *arg, void *buf, size_t length, uint64_t offset)
{
	const struct shadow_source *source = arg;
	size_t done = 0;
	ssize_t got;

	while (done < length) {
		got = pread(source->fd, (char *)buf + done, length - done, offset + done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		done += got;
	}
	if (!source->direct)
		posix_fadvise(source->fd, offset, length, POSIX_FADV_DONTNEED);
	return 0;
}

static int open_image(struct context *context, const struct shadow_shadow_info *shadow,
		      struct shadow_source *source)
{
	char path[IMAGE_PATH_LEN];

	image_path(shadow, path);
	if (!image_wait(shadow))
		return fail(context, "%s did not appear: is udev running?", path);
	source->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	source->direct = source->fd >= 0;
	if (source->fd < 0 && errno == EINVAL)
		source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0)
		return fail(context, "%s cannot be opened: %s", path, strerror(errno));
	return STATUS_OK;
}

/* --- both -------------------------------------------------------------------------------- */

int source_open(struct context *context, const struct shadow_shadow_info *shadow,
		const struct shadow_uuid *base, uint64_t base_bytes, uint64_t from,
		struct shadow_source *source)
{
	static const struct shadow_uuid none;

	*source = (struct shadow_source){
		.fd = -1, .bytes = shadow->bytes, .incremental = !uuid_equal(base, &none),
		.base_bytes = base_bytes - base_bytes % STREAM_BLOCK,
	};
	/* Open, it is not evicted. */
	if (open_image(context, shadow, source))
		return STATUS_FAILED;
	seek(source, from);
	if (shadowcopy_map_open(context->sc, &shadow->uuid, source->incremental ? base : NULL,
				SHADOW_RUN_FREE | (source->incremental ?
				SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE : 0), &source->map) ||
	    (source->position && shadowcopy_map_seek(source->map, source->position)))
		return changes_failed(context, &shadow->uuid, NULL);
	return STATUS_OK;
}

void source_close(struct shadow_source *source)
{
	shadowcopy_map_close(source->map);
	if (source->fd >= 0)
		close(source->fd);
}

struct send_source source_calls(struct shadow_source *source)
{
	return (struct send_source){ .next = next_run, .read = read_image, .arg = source };
}
