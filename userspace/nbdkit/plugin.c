// SPDX-License-Identifier: GPL-2.0-only
/*
 * plugin.c - nbdkit's plugin "shadow": its parameters, and what it tells the server.
 *
 * Names are understood when the server begins: /dev/shadow0 may be another shadow an hour
 * later, a UUID is not.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "export.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static struct {
	const char *shadow, *since;	/* as given, or NULL */
	char only[SHADOWCOPY_UUID_LEN];	/* the shadow to serve; "": the client chooses */
	struct shadow_uuid base;	/* with since */
} parameters;

static const struct shadow_uuid *since(void)
{
	return parameters.since ? &parameters.base : NULL;
}

static int config(const char *key, const char *value)
{
	if (!strcmp(key, "shadow")) {
		parameters.shadow = value;
	} else if (!strcmp(key, "since")) {
		parameters.since = value;
	} else {
		nbdkit_error("unknown parameter '%s': there are shadow= and since=", key);
		return -1;
	}
	return 0;
}

static int find_base(void)
{
	struct shadowcopy *sc = shadowcopy_new();
	int rc = 0;

	if (!sc || shadowcopy_base_find(sc, parameters.since, &parameters.base))
		rc = export_failed(sc);
	shadowcopy_free(sc);
	return rc;
}

/* What cannot be served is told now, and not to a client. */
static int config_complete(void)
{
	struct export *export;

	if (parameters.since && find_base())
		return -1;
	if (!parameters.shadow)
		return 0;
	export = export_open(parameters.shadow, since());
	if (!export)
		return -1;
	shadowcopy_uuid_format(export_uuid(export), parameters.only);
	export_close(export);
	return 0;
}

static void dump_plugin(void)
{
	printf("shadow_library_version=%s\n", shadowcopy_version());
	printf("shadow_abi_version=%u\n", SHADOW_ABI_VERSION);
}

/* --- exports ------------------------------------------------------------- */

static bool is_served(const struct shadow_shadow_info *info, char uuid[SHADOWCOPY_UUID_LEN])
{
	shadowcopy_uuid_format(&info->uuid, uuid);
	return info->state == SHADOW_STATE_CREATED &&
	       (!*parameters.only || !strcmp(uuid, parameters.only));
}

static int list_exports(int readonly, int is_tls, struct nbdkit_exports *exports)
{
	struct shadowcopy *sc = shadowcopy_new();
	struct shadow_shadow_info info = { 0 };
	char uuid[SHADOWCOPY_UUID_LEN], text[DESCRIPTION_LEN];
	int rc = sc ? 1 : -1;

	while (rc > 0 && (rc = shadowcopy_shadow_next(sc, &info)) > 0) {
		if (!is_served(&info, uuid))
			continue;
		export_describe(&info, since(), text);
		if (nbdkit_add_export(exports, uuid, text)) {
			shadowcopy_free(sc);
			return -1;
		}
	}
	if (rc < 0)
		rc = export_failed(sc);
	shadowcopy_free(sc);
	return rc;
}

/* How many can be served, and one of them. */
static int count_served(char found[SHADOWCOPY_UUID_LEN])
{
	struct shadowcopy *sc = shadowcopy_new();
	struct shadow_shadow_info info = { 0 };
	int rc = sc ? 1 : -1, count = 0;
	char uuid[SHADOWCOPY_UUID_LEN];

	while (rc > 0 && (rc = shadowcopy_shadow_next(sc, &info)) > 0)
		if (is_served(&info, uuid) && !count++)
			memcpy(found, uuid, sizeof(uuid));
	if (rc < 0)
		rc = export_failed(sc);
	shadowcopy_free(sc);
	return rc ?: count;
}

/* Who names none gets the one that there is. */
static const char *default_export(int readonly, int is_tls)
{
	char found[SHADOWCOPY_UUID_LEN];

	if (*parameters.only)
		return parameters.only;
	return count_served(found) == 1 ? nbdkit_strdup_intern(found) : "";
}

static void *plugin_open(int readonly)
{
	const char *name = nbdkit_export_name();
	char uuid[SHADOWCOPY_UUID_LEN];
	struct export *export;
	int count;

	if (!name)
		return NULL;
	if (!*name) {
		count = count_served(uuid);
		if (count < 0)
			return NULL;
		nbdkit_error("there are %d shadows, and the client has named none: it has to, as "
			     "the export's name; \"nbdinfo --list\" shows them", count);
		nbdkit_set_error(ENOENT);
		return NULL;
	}
	export = export_open(name, since());
	if (!export)
		return NULL;
	shadowcopy_uuid_format(export_uuid(export), uuid);
	if (*parameters.only && strcmp(uuid, parameters.only)) {
		nbdkit_error("%s: only shadow %s is served here", name, parameters.only);
		nbdkit_set_error(ENOENT);
		export_close(export);
		return NULL;
	}
	return export;
}

static void plugin_close(void *export)
{
	export_close(export);
}

/* --- a connection -------------------------------------------------------- */

static const char *description(void *export)
{
	return export_description(export);
}

static int64_t get_size(void *export)
{
	return export_size(export);
}

/* Nobody writes here, so all connections see the same. */
static int can_multi_conn(void *export)
{
	return 1;
}

#if NBDKIT_VERSION_MAJOR > 1 || NBDKIT_VERSION_MINOR >= 30
static int block_size(void *export, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	*minimum = 1;
	*preferred = 65536;
	*maximum = 32 << 20;
	return 0;
}
#endif

static int plugin_pread(void *export, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	return export_read(export, buf, count, offset);
}

static int extents(void *export, uint32_t count, uint64_t offset, uint32_t flags,
		   struct nbdkit_extents *list)
{
	return export_extents(export, count, offset, flags & NBDKIT_FLAG_REQ_ONE, list);
}

static struct nbdkit_plugin plugin = {
	.name = "shadow",
	.longname = "shadow copies of volumes",
	.version = SHADOWCOPY_VERSION,
	.description = "Shadows, read-only, and what has changed in them",
	.magic_config_key = "shadow",
	.config = config,
	.config_complete = config_complete,
	.config_help =
		"[shadow=]NAME  Shadow to serve: /dev/shadowN, N, or its UUID; without it each\n"
		"               client chooses one, by the name of the export.\n"
		"since=BASE     Older shadow, or base, of the same volume: extents tell what has\n"
		"               changed since, and what has not is a hole.",
	.dump_plugin = dump_plugin,
	.list_exports = list_exports,
	.default_export = default_export,
	.open = plugin_open,
	.close = plugin_close,
	.export_description = description,
	.get_size = get_size,
	.can_multi_conn = can_multi_conn,
#if NBDKIT_VERSION_MAJOR > 1 || NBDKIT_VERSION_MINOR >= 30
	.block_size = block_size,
#endif
	.pread = plugin_pread,
	.extents = extents,
	.errno_is_preserved = 1,
};

NBDKIT_REGISTER_PLUGIN(plugin)
