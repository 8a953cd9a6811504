// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * map.c - what is so of the blocks of a shadow: changed, free, in the store.
 *
 * The module is asked for as many runs at a time as fit in a page or two, so that neither
 * side holds much at once.  It ends an answer where it likes; a run that goes on in the next
 * one is put together here.
 */
#include "private.h"

#define RUNS 512

struct shadowcopy_map {
	struct shadowcopy *sc;
	struct shadow_uuid shadow;
	struct shadow_uuid since;
	struct shadow_uuid generation;
	uint32_t want;
	uint64_t bytes;
	uint64_t offset;	/* where the module goes on */
	size_t next, count;	/* of the runs that it has told */
	struct shadow_run run[RUNS];
};

static const struct shadow_uuid null;

static int map_failed(struct shadowcopy_map *map, int rc, const struct shadow_fault *fault)
{
	struct sc_failure failure = { .action = "tell what has changed in", .fault = fault };
	char shadow[SHADOWCOPY_UUID_LEN], since[SHADOWCOPY_UUID_LEN], label[2 * sizeof(since) + 16];

	shadowcopy_uuid_format(&map->shadow, shadow);
	shadowcopy_uuid_format(&map->since, since);
	if (!(map->want & (SHADOW_RUN_CHANGED | SHADOW_RUN_WAS_FREE)))
		failure.action = "tell where there are blocks of";
	if (memcmp(&map->since, &null, sizeof(null)))
		snprintf(label, sizeof(label), "%s since %s", shadow, since);
	else
		snprintf(label, sizeof(label), "%s", shadow);
	failure.object = label;
	if (rc == -ENOENT) {
		failure.cause = "there is no such shadow or base";
		failure.remedy = "\"shadowadm list\" and \"shadowadm base list\" show those that "
				 "there are; without the base a full backup is needed";
	}
	return sc_fail(map->sc, rc, &failure);
}

/* Ask for more runs; there may be none though the end has not come. */
static int ask(struct shadowcopy_map *map)
{
	struct shadow_map arg = {
		.shadow = map->shadow, .since = map->since, .offset = map->offset,
		.runs = (uintptr_t)map->run, .count = RUNS, .want = map->want,
	};
	int rc = sc_device_ioctl(map->sc->fd, SHADOW_IOC_MAP, &arg);

	if (rc)
		return map_failed(map, rc, &arg.fault);
	/* Another generation under the same name would be another history. */
	if (map->bytes && memcmp(&map->generation, &arg.generation, sizeof(null))) {
		arg.fault = (struct shadow_fault){ .error = ENODATA,
						   .reason = SHADOW_REASON_CHANGES_UNKNOWN };
		return map_failed(map, -ENODATA, &arg.fault);
	}
	map->generation = arg.generation;
	map->bytes = arg.bytes;
	map->offset = arg.offset;
	map->next = 0;
	map->count = arg.count;
	return 0;
}

SC_EXPORT int shadowcopy_map_open(struct shadowcopy *sc, const struct shadow_uuid *shadow,
				  const struct shadow_uuid *since, uint32_t want,
				  struct shadowcopy_map **mapp)
{
	struct shadowcopy_map *map;
	int rc = shadowcopy_connect(sc);

	*mapp = NULL;
	if (rc)
		return rc;
	map = calloc(1, sizeof(*map));
	if (!map)
		return SC_FAIL(sc, -ENOMEM, .action = "tell where there are blocks");
	map->sc = sc;
	map->shadow = *shadow;
	if (since)
		map->since = *since;
	map->want = want;
	rc = ask(map);
	if (rc)
		free(map);
	else
		*mapp = map;
	return rc;
}

SC_EXPORT void shadowcopy_map_close(struct shadowcopy_map *map)
{
	free(map);
}

/* The next run that the module tells of, which may be a part of one. */
static int next_part(struct shadowcopy_map *map, const struct shadow_run **part)
{
	while (map->next == map->count) {
		int rc;

		if (map->offset >= map->bytes)
			return 0;
		rc = ask(map);
		if (rc)
			return rc;
	}
	*part = &map->run[map->next];
	return 1;
}

SC_EXPORT int shadowcopy_map_next(struct shadowcopy_map *map, struct shadow_run *run)
{
	const struct shadow_run *part = NULL;
	int rc = next_part(map, &part);

	if (rc <= 0)
		return rc;
	*run = *part;
	map->next++;
	while ((rc = next_part(map, &part)) > 0 && part->first == run->first + run->bytes &&
	       part->state == run->state) {
		run->bytes += part->bytes;
		map->next++;
	}
	return rc < 0 ? rc : 1;
}

SC_EXPORT int shadowcopy_map_seek(struct shadowcopy_map *map, uint64_t offset)
{
	map->offset = offset;
	map->next = 0;
	map->count = 0;
	return offset < map->bytes ? ask(map) : 0;
}

SC_EXPORT uint64_t shadowcopy_map_bytes(const struct shadowcopy_map *map)
{
	return map->bytes;
}

SC_EXPORT const struct shadow_uuid *shadowcopy_map_generation(const struct shadowcopy_map *map)
{
	return &map->generation;
}
