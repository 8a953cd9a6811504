// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_create.c - shadowadm create: shadows of one or more volumes at one instant, that stay.
 *
 * How they are made: see making.c.
 */
#include <unistd.h>

#include "making.h"
#include "plan_table.h"

/* Bases to keep of the shadows. */
struct bases {
	bool wanted;
	bool kept[SHADOW_MAX_SET_VOLUMES];	/* in the order of the volumes */
};

/* The shadows exist, and stay, if they cannot be kept as bases.  STATUS_OK or STATUS_DEGRADED. */
static int keep_bases(struct context *context, const struct making *making,
		      const struct shadow_row *rows, struct bases *bases)
{
	int status = STATUS_OK;
	size_t i;

	for (i = 0; bases->wanted && i < making->count; i++) {
		bases->kept[i] = !shadowcopy_base_change(context->sc, &rows[i].info.uuid,
							 SHADOW_BASE_KEEP);
		if (bases->kept[i])
			continue;
		warn(context, "%s", shadowcopy_last_error(context->sc)->text);
		status = STATUS_DEGRADED;
	}
	return status;
}

/* --- the answer ------------------------------------------------------------ */

static const char *told(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name)) ?: "";
}

/* For who may have shadows made and not look at them: what the coordinator says. */
static int print_told(struct context *context, const struct making *making)
{
	json_t *shadows = json_object_get(making->answer, "shadows"), *shadow, *document;
	size_t i, count = json_array_size(shadows);

	if (context->json) {
		document = json_object();
		json_text(document, "set", told(making->answer, "set"));
		json_text(document, "context", shadowcopy_context_name(making->context));
		json_number(document, "hold_ns", making->step.hold_ns);
		json_number(document, "gate_ns", making->step.gate_ns);
		json_object_set(document, "shadows", shadows);
		making_add_told(document, making->answer);
		return json_print(document);
	}
	if (!context->quiet)
		printf("set %s: %zu shadow%s, held for %.1f ms, writes waited %.1f ms, consistency "
		       "%s\n", told(making->answer, "set"), count, count == 1 ? "" : "s",
		       making->step.hold_ns / 1e6, making->step.gate_ns / 1e6,
		       told(making->answer, "consistency"));
	json_array_foreach(shadows, i, shadow) {
		if (context->quiet)
			puts(told(shadow, "device"));
		else
			printf("%s of %s: %s\n", told(shadow, "device"), told(shadow, "volume"),
			       told(shadow, "uuid"));
	}
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int print_json(struct context *context, const struct making *making,
		      const struct shadow_row *rows, const struct bases *bases)
{
	json_t *document = making_json(context, making, rows);
	json_t *shadows = json_object_get(document, "shadows");
	size_t i;

	for (i = 0; bases->wanted && i < making->count; i++)
		json_value(json_array_get(shadows, i), "base_kept", json_boolean(bases->kept[i]));
	return json_print(document);
}

static int print_result(struct context *context, const struct making *making,
			const struct shadow_row *table, const struct bases *bases)
{
	size_t count = making->count;
	struct rows rows = { table, sizeof(*table), count, NULL };
	char set[SHADOWCOPY_UUID_LEN], path[IMAGE_PATH_LEN];
	char free_text[16], size_text[16];
	uint64_t bytes = 0, free_bytes = 0;
	size_t i;

	if (context->json)
		return print_json(context, making, table, bases);
	if (context->quiet) {
		for (i = 0; i < count; i++)
			puts(image_path(&table[i].info, path));
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	for (i = 0; i < count; i++) {
		bytes += table[i].info.bytes;
		free_bytes += table[i].info.free_bytes;
	}
	printf("set %s: %zu shadow%s, held for %.1f ms, writes waited %.1f ms",
	       shadowcopy_uuid_format(&making->step.set, set), count, count == 1 ? "" : "s",
	       making->step.hold_ns / 1e6, making->step.gate_ns / 1e6);
	if (making->with_writers)
		printf(", consistency %s", told(making->answer, "consistency"));
	if (free_bytes)
		printf(", %s of %s free", size_format(free_bytes, free_text),
		       size_format(bytes, size_text));
	putchar('\n');
	return table_print(context, &shadow_table, &rows);
}

static int show(struct context *context, const struct making *making, struct shadow_row *rows,
		struct bases *bases)
{
	ssize_t found = making_collect(context, making, rows);
	int degraded, status;

	if (found < 0 && making->with_writers && geteuid()) {
		degraded = writers_check(context, making->answer);
		if (bases->wanted) {
			warn(context, "the shadows are not kept as bases: only root may do that, "
			     "with \"shadowadm base keep\"");
			degraded = STATUS_DEGRADED;
		}
		return print_told(context, making) ?: degraded;
	}
	if (found < 0)
		return fail_library(context);
	if ((size_t)found < making->count)
		return fail(context, "some shadows of the set have been deleted already by "
			    "someone else; \"shadowadm list\" shows the rest");
	degraded = keep_bases(context, making, rows, bases);
	degraded = making_settle(context, making, rows) ?: degraded;
	status = print_result(context, making, rows, bases);
	return status ?: degraded;
}

static int create(struct context *context, struct making *making, struct bases *bases)
{
	struct shadow_row *rows;
	int status;

	status = making_plan(context, making);
	if (!status && making->dry_run)
		return print_plan(context, making->plan, making->volumes, making->count);
	if (!status)
		status = making_take(context, making);
	if (status)
		return status;
	if (making->flags & SHADOW_SET_PERSISTENT)
		stores_tell_of_boot(context, making->volumes, making->count);
	rows = calloc(making->count, sizeof(*rows));
	if (!rows)
		return fail(context, "the shadows exist; there is not enough memory to show them");
	status = show(context, making, rows, bases);
	free(rows);
	return status;
}

/* --- arguments -------------------------------------------------------------- */

static int run_create(struct context *context, int argc, char **argv)
{
	enum { OPTION_PERSISTENT = OPTION_NOT_MAKING, OPTION_DRY_RUN, OPTION_KEEP_BASE };
	static const struct option longs[] = {
		MAKING_OPTIONS,
		{ "persistent", no_argument, NULL, OPTION_PERSISTENT },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "keep-base", no_argument, NULL, OPTION_KEEP_BASE },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct making *making = making_new(context);
	struct bases bases = { 0 };
	int option, status = STATUS_OK;

	if (!making)
		return STATUS_FAILED;
	making->flags = SHADOW_SET_NO_AUTO_RELEASE;
	while (!status && (option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_PERSISTENT:
			making->flags |= SHADOW_SET_PERSISTENT;
			break;
		case OPTION_DRY_RUN:
			making->dry_run = true;
			break;
		case OPTION_KEEP_BASE:
			bases.wanted = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		case -2:	/* help was shown, or the error was */
			making_free(context, making);
			return status;
		default:
			status = making_option(context, making, option, optarg);
		}
	if (!status && optind == argc)
		status = usage(context, "name a volume at least: a block device or a mount point");
	if (!status && argc - optind > SHADOW_MAX_SET_VOLUMES)
		status = usage(context, "a set has %d volumes at most, and %d were named",
			       SHADOW_MAX_SET_VOLUMES, argc - optind);
	while (!status && optind < argc)
		status = making_volume(context, making, argv[optind++]);
	if (!status)
		status = making_check(context, making);
	if (!status)
		status = create(context, making, &bases);
	making_free(context, making);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.summary = "Make shadows of volumes, all at one instant",
	.synopsis = "VOLUME|MOUNTPOINT... [OPTIONS]",
	.text = "Filesystems on the volumes and on all that is stacked on them are frozen for the\n"
		"instant.  The shadows are /dev/shadowN, and stay until deleted, or without --persistent\n"
		"until the machine stops.\n\n"
		"Options:\n"
		"      --store STORE     where old data goes: a file, which is made if need be, a\n"
		"                        directory (for a file without a name in it), a block device,\n"
		"                        whose contents are lost, \"memory\" or \"memory:SIZE\".\n"
		"                        Given several times they are parts of one store.  Without it\n"
		"                        one is chosen\n"
		"      --store VOLUME=STORE\n"
		"                        the same for one volume, named as in the arguments\n"
		"      --max SIZE        upper limit of the store, e.g. 512M, 10% of the filesystem, the\n"
		"                        device or the memory that it is in, or unlimited\n"
		"      --initial SIZE    size to begin a file with; 64M, or 2% of the volume if that is\n"
		"                        more, without it\n"
		"      --force           overwrite what is in the file or on the device\n"
		"      --context NAME    what they are for: backup (the default), file-share-backup,\n"
		"                        nas-rollback, app-rollback, client-accessible\n"
		"      --timeout SECONDS longest hold, 0.01 to 600 (10)\n"
		"      --writable        let the shadows be written to, until \"shadowadm seal\"; the\n"
		"                        volume does not change, and the store holds what is written\n"
		"      --persistent      shadows that survive a reboot: \"shadowadm store attach\" has them\n"
		"                        again.  The store is one device, or one file on another\n"
		"                        filesystem than the volume's, and keeps them.  They cannot be\n"
		"                        written to\n"
		"      --writers         bring the applications to rest that have a writer, by shadowd; if\n"
		"                        one of them fails there is no set\n"
		"      --no-writers      tell no applications (the default)\n"
		"      --degrade         if a writer fails go on without it: less consistency, and exit\n"
		"                        status 3\n"
		"      --exclude-writer WRITER\n"
		"                        leave it out: its name, its class or its instance\n"
		"      --document FILE|DIRECTORY\n"
		"                        with --writers: write the backup components, which a restore\n"
		"                        needs, to FILE, or to DIRECTORY (one that there is, or with a\n"
		"                        slash at its end) with each writer's metadata as NAME.json\n"
		"      --no-free-space   do not look for what is free: preserve all of it, so that the\n"
		"                        image is the volume to the last byte\n"
		"      --keep-base       keep each new shadow as a base, so that what changes since is known\n"
		"                        when it is deleted (\"shadowadm base\")\n"
		"      --dry-run         make nothing; show what would be frozen, in which order\n"
		"  -q, --quiet           print the paths of the devices only, one per line\n"
		TABLE_HELP COMMON_HELP,
	.table = &shadow_table,
	.run = run_create,
};
