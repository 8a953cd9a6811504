// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_base.c - shadowadm base: which instants are kept to be compared with, whether their
 * shadows exist or not.
 */
#include "base_table.h"
#include "changes.h"

/* --- list ------------------------------------------------------------------ */

/* Whose shadows exist. */
static int find_devices(struct context *context, struct base_row *rows, size_t count)
{
	struct shadow_shadow_info info = { 0 };
	size_t i;
	int rc;

	while ((rc = shadowcopy_shadow_next(context->sc, &info)) > 0)
		for (i = 0; i < count; i++)
			if (uuid_equal(&rows[i].info.uuid, &info.uuid) &&
			    rows[i].info.flags & SHADOW_BASE_SHADOW)
				rows[i].index = info.index;
	return rc;
}

static bool is_listed(const struct shadow_base_info *info, const struct shadowcopy_volume *only,
		      bool all)
{
	return (all || info->flags & SHADOW_BASE_KEPT) &&
	       (!only || dev_equal(info->volume, only->dev));
}

static int list(struct context *context, const struct shadowcopy_volume *only, bool all)
{
	struct rows rows = { .size = sizeof(struct base_row) };
	struct shadow_base_info *bases;
	ssize_t count = load_bases(context->sc, &bases), i;
	struct base_row *table;
	int status;

	if (count < 0)
		return fail_library(context);
	table = calloc(count + 1, sizeof(*table));
	if (!table) {
		free(bases);
		return fail(context, "there is not enough memory");
	}
	base_rows(table, bases, count);
	free(bases);
	for (i = 0; i < count; i++)
		if (is_listed(&table[i].info, only, all))
			table[rows.count++] = table[i];
	rows.first = table;
	status = find_devices(context, table, rows.count) ? fail_library(context) :
		 table_print(context, &base_table, &rows);
	free(table);
	return status;
}

static int run_list(struct context *context, int argc, char **argv)
{
	enum { OPTION_ALL = OPTION_OWN };
	static const struct option longs[] = {
		{ "all", no_argument, NULL, OPTION_ALL },
		{ 0 }
	};
	struct shadowcopy_volume volume;
	int option, status;
	bool all = false;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_ALL)
			return status;
		all = true;
	}
	if (argc - optind > 1)
		return usage(context, "it takes one volume at most");
	if (optind < argc && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	return list(context, optind < argc ? &volume : NULL, all);
}

/* --- keep, drop --------------------------------------------------------------- */

static int answer(struct context *context, json_t *array, uint32_t flag)
{
	json_t *document;

	if (!context->json) {
		json_decref(array);
		return STATUS_OK;
	}
	document = json_object();
	json_value(document, flag == SHADOW_BASE_KEEP ? "kept" : "dropped", array);
	return json_print(document);
}

static int change(struct context *context, const struct shadow_uuid *uuids, size_t count,
		  uint32_t flag)
{
	json_t *array = json_array();
	char text[SHADOWCOPY_UUID_LEN];
	size_t i;

	for (i = 0; i < count; i++) {
		if (shadowcopy_base_change(context->sc, &uuids[i], flag)) {
			json_decref(array);
			return fail_library(context);
		}
		shadowcopy_uuid_format(&uuids[i], text);
		json_array_append_new(array, text_json(text));
		progress(context, "%s: %s", text, flag == SHADOW_BASE_KEEP ? "kept" : "dropped");
	}
	return answer(context, array, flag);
}

/* All names are looked up before anything is done. */
static int change_named(struct context *context, char **names, size_t count, uint32_t flag)
{
	struct shadow_uuid *uuids = calloc(count, sizeof(*uuids));
	const char *what = flag == SHADOW_BASE_KEEP ? "shadow" : "base";
	int status = STATUS_OK;
	size_t i;

	if (!uuids)
		return fail(context, "there is not enough memory");
	for (i = 0; i < count && !status; i++)
		status = changes_find(context, what, names[i], &uuids[i]);
	if (!status)
		status = change(context, uuids, count, flag);
	free(uuids);
	return status;
}

static int drop_all(struct context *context, const struct shadowcopy_volume *only)
{
	struct shadow_base_info *bases;
	ssize_t count = load_bases(context->sc, &bases), i;
	struct shadow_uuid *uuids;
	size_t kept = 0;
	int status;

	if (count < 0)
		return fail_library(context);
	uuids = calloc(count + 1, sizeof(*uuids));
	for (i = 0; uuids && i < count; i++)
		if (is_listed(&bases[i], only, false))
			uuids[kept++] = bases[i].uuid;
	status = uuids ? change(context, uuids, kept, SHADOW_BASE_DROP) :
		 fail(context, "there is not enough memory");
	free(uuids);
	free(bases);
	return status;
}

static int run_keep(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	if (optind == argc)
		return usage(context, "name shadows: /dev/shadowN, N, or UUIDs");
	return change_named(context, argv + optind, argc - optind, SHADOW_BASE_KEEP);
}

static int run_drop(struct context *context, int argc, char **argv)
{
	enum { OPTION_ALL = OPTION_OWN };
	static const struct option longs[] = {
		{ "all", no_argument, NULL, OPTION_ALL },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct shadowcopy_volume volume;
	int option, status;
	bool all = false;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_ALL:
			all = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (!all && optind == argc)
		return usage(context, "name bases, or use --all; \"shadowadm base list\" shows "
			     "them");
	if (!all)
		return change_named(context, argv + optind, argc - optind, SHADOW_BASE_DROP);
	if (argc - optind > 1)
		return usage(context, "--all takes one volume at most");
	if (optind < argc && shadowcopy_resolve(context->sc, argv[optind], &volume))
		return fail_library(context);
	return drop_all(context, optind < argc ? &volume : NULL);
}

/* --- the commands -------------------------------------------------------------- */

static const struct command base_list = {
	.name = "base list",
	.summary = "Show the bases that are kept",
	.synopsis = "[VOLUME] [--all] [-o COLUMNS] [--json]",
	.text = "Of all volumes, or of one.  \"shadowadm changes --since\" compares with them.\n\n"
		"Options:\n"
		"      --all             also shadows that are not kept as bases, and where tracking began\n"
		TABLE_HELP COMMON_HELP,
	.table = &base_table,
	.run = run_list,
};

static const struct command base_keep = {
	.name = "base keep",
	.summary = "Keep the instants of shadows as bases",
	.synopsis = "SHADOW...",
	.text = "What changes since is known then when the shadows are deleted, too.  \"shadowadm\n"
		"create --keep-base\" does that for new shadows.  The volume stays tracked.\n"
		"Nothing is kept when one of the names is wrong.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run_keep,
};

static const struct command base_drop = {
	.name = "base drop",
	.summary = "Keep bases no longer",
	.synopsis = "BASE...\n"
		    "--all [VOLUME]",
	.text = "BASE is the beginning of its UUID, or its shadow while that exists, which is not\n"
		"deleted by it.  Nothing is dropped when one of the names is wrong.\n\n"
		"Options:\n"
		"      --all             all, or all of VOLUME\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run_drop,
};

static const struct command *const verbs[] = { &base_list, &base_keep, &base_drop };

static int run(struct context *context, int argc, char **argv)
{
	if (argc < 2 || *argv[1] == '-')
		return base_list.run(context, argc, argv);
	return run_verb(context, argc, argv);
}

const struct command cmd_base = {
	.name = "base",
	.summary = "Keep instants to know what changes since",
	.synopsis = "[list [VOLUME] [--all]]\n"
		    "keep SHADOW...\n"
		    "drop BASE...\n"
		    "drop --all [VOLUME]",
	.text = "A base is the instant of a shadow.  It takes no room in the store, and outlives\n"
		"its shadow: what has changed since can be asked as long as it is kept.\n\n"
		"Options (\"shadowadm base VERB --help\" tells more):\n"
		"      --all             list: also what is not kept; drop: all bases\n"
		"  -q, --quiet           no progress\n"
		TABLE_HELP COMMON_HELP,
	.table = &base_table,
	.verbs = verbs,
	.verb_count = ARRAY_SIZE(verbs),
	.run = run,
};
