// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_revert.c - shadowadm revert: a volume becomes what it was at the instant of a shadow (VSS
 * B-31, B-32).
 */
#include <unistd.h>

#include "blockers.h"
#include "reverts.h"
#include "users.h"

/* What was asked for. */
struct wish {
	bool at_boot;
	bool yes;
	bool no_wait;
	bool status;
	bool cancel;
	bool force;
	bool no_writers;
	enum revert_show show;
};

/* --- beginning ------------------------------------------------------------------------ */

static int find_shadow(struct context *context, const char *name, struct shadow_shadow_info *info)
{
	struct shadow_uuid uuid;
	uint32_t kind;
	int rc;

	if (shadowcopy_find(context->sc, name, &uuid, &kind))
		return fail_library(context);
	if (kind != SHADOW_KIND_SHADOW)
		return usage(context, "%s is a set: name the shadow of one volume", name);
	memset(info, 0, sizeof(*info));
	while ((rc = shadowcopy_shadow_next(context->sc, info)) > 0)
		if (uuid_equal(&info->uuid, &uuid))
			return STATUS_OK;
	return rc ? fail_library(context) :
	       fail(context, "%s has just gone: \"shadowadm list\" shows the shadows", name);
}

static int newer_than(struct context *context, const struct shadow_shadow_info *shadow)
{
	struct shadow_shadow_info info = { 0 };
	int count = 0;

	while (shadowcopy_shadow_next(context->sc, &info) > 0)
		count += dev_equal(info.volume, shadow->volume) && info.epoch > shadow->epoch;
	return count;
}

/* Was it refused because somebody has the volume? */
static bool is_in_use(const struct context *context, int rc)
{
	return rc == -EBUSY &&
	       shadowcopy_last_error(context->sc)->phase == SHADOW_PHASE_OPEN;
}

/* @asked: out: the writers were. */
static int check_writers(struct context *context, const struct wish *wish,
			 const struct shadowcopy_volume *volume, bool *asked)
{
	struct blockers blockers;
	int status;

	*asked = false;
	if (wish->no_writers)
		return STATUS_OK;
	status = blockers_ask(context, volume, &blockers);
	if (!status)
		status = blockers_say(context, volume, &blockers, wish->force);
	*asked = blockers.asked;
	blockers_free(&blockers);
	return status;
}

/* All that the volume has now goes, unless a newer shadow has it. */
static int confirm(struct context *context, const struct wish *wish,
		   const struct shadowcopy_volume *volume, const struct shadow_shadow_info *shadow)
{
	char answer[8] = "", path[IMAGE_PATH_LEN];
	int newer = newer_than(context, shadow);

	if (wish->yes)
		return STATUS_OK;
	if (!isatty(STDIN_FILENO) || context->json)
		return usage(context, "%s loses what was written to it since; say --yes if that is "
			     "wanted%s", volume->path, newer ? "" : " (no newer shadow has it: "
			     "\"shadowadm create --persistent\" makes one)");
	fprintf(stderr, "%s becomes what %s is.  What was written to it since is lost%s.\n"
		"Go on (yes/no)? ", volume->path, image_path(shadow, path),
		newer ? ", but for what newer shadows have" :
		", and no newer shadow has it");
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "yes\n"))
		return STATUS_OK;
	return fail(context, "nothing was changed");
}

static int print_info(struct context *context, const struct shadow_revert_info *info, bool asked)
{
	struct revert_row row = { .info = *info };
	json_t *document = json_object();

	revert_row_describe(context, &row);
	json_value(document, "revert", table_row_json(context, &revert_table, &row));
	json_value(document, "writers_asked", json_boolean(asked));
	return json_print(document);
}

static int noted(struct context *context, const struct shadowcopy_volume *volume, bool asked)
{
	struct shadow_revert_info info;

	if (context->json)
		return shadowcopy_revert_status(context->sc, volume->dev, &info) ?
		       fail_library(context) : print_info(context, &info, asked);
	if (!context->quiet)
		printf("%s is reverted when its store is attached again, before it is mounted; "
		       "\"shadowadm revert --cancel %s\" takes that back\n", volume->path,
		       volume->path);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int finished(struct context *context, const struct shadowcopy_volume *volume,
		    const struct shadow_shadow_info *shadow, const struct shadow_revert_info *info,
		    const struct wish *wish, bool asked)
{
	char path[IMAGE_PATH_LEN], written[16], all[16];

	revert_announce(context, volume);
	if (context->json)
		return wish->show == REVERT_SHOW_LINES ? STATUS_OK :
		       print_info(context, info, asked);
	if (!context->quiet)
		printf("%s is what %s is: %s of %s were written\n", volume->path,
		       image_path(shadow, path), size_format(info->bytes_written, written),
		       size_format(info->bytes_all, all));
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int revert(struct context *context, const char *name, const struct wish *wish)
{
	struct shadow_shadow_info shadow;
	struct shadowcopy_volume volume;
	struct shadow_revert_info info;
	int status = find_shadow(context, name, &shadow);
	bool asked;
	int rc;

	if (status)
		return status;
	if (shadowcopy_describe(context->sc, shadow.volume, &volume))
		return fail_library(context);
	status = check_writers(context, wish, &volume, &asked) ?:
		 confirm(context, wish, &volume, &shadow);
	if (status)
		return status;
	do
		rc = shadowcopy_revert(context->sc, &shadow.uuid,
				       wish->at_boot ? SHADOW_REVERT_AT_ATTACH : 0);
	while (is_in_use(context, rc) && volume_users_pass(context, &volume, rc));
	if (rc) {
		fail_library(context);
		if (is_in_use(context, rc))
			json_decref(volume_users_print(&volume));
		return STATUS_FAILED;
	}
	if (wish->at_boot)
		return noted(context, &volume, asked);
	if (wish->no_wait)
		return STATUS_OK;
	return revert_wait(context, &volume, wish->show, &info) ?:
	       finished(context, &volume, &shadow, &info, wish, asked);
}

/* --- looking, and taking back ------------------------------------------------------------ */

static int print_status(struct context *context, const char *name)
{
	struct revert_row *array = NULL, *more;
	struct shadow_revert_info info = { 0 };
	struct shadowcopy_volume volume;
	size_t count = 0;
	int rc, status;

	if (name && shadowcopy_resolve(context->sc, name, &volume))
		return fail_library(context);
	while ((rc = shadowcopy_revert_next(context->sc, &info)) > 0) {
		if (name && !dev_equal(info.volume, volume.dev))
			continue;
		more = reallocarray(array, count + 1, sizeof(*array));
		if (!more) {
			free(array);
			return fail(context, "there is not enough memory");
		}
		array = more;
		array[count].info = info;
		revert_row_describe(context, &array[count++]);
	}
	status = rc ? fail_library(context) :
		 table_print(context, &revert_table,
			     &(struct rows){ array, sizeof(*array), count, NULL });
	free(array);
	return status;
}

static int cancel(struct context *context, const char *name, bool force)
{
	struct shadowcopy_volume volume;
	json_t *document;

	if (shadowcopy_resolve(context->sc, name, &volume) ||
	    shadowcopy_revert_cancel(context->sc, volume.dev,
				     force ? SHADOW_CANCEL_HALF_DONE : 0))
		return fail_library(context);
	if (context->json) {
		document = json_object();
		json_text(document, "cancelled", volume.path);
		return json_print(document);
	}
	progress(context, "%s is not reverted", volume.path);
	return STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_AT_BOOT = OPTION_OWN, OPTION_YES, OPTION_NO_WAIT, OPTION_PROGRESS,
	       OPTION_STATUS, OPTION_CANCEL, OPTION_FORCE, OPTION_NO_WRITERS };
	static const struct option longs[] = {
		{ "at-boot", no_argument, NULL, OPTION_AT_BOOT },
		{ "yes", no_argument, NULL, OPTION_YES },
		{ "no-wait", no_argument, NULL, OPTION_NO_WAIT },
		{ "progress", no_argument, NULL, OPTION_PROGRESS },
		{ "status", no_argument, NULL, OPTION_STATUS },
		{ "cancel", no_argument, NULL, OPTION_CANCEL },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "no-writers", no_argument, NULL, OPTION_NO_WRITERS },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct wish wish = { .show = REVERT_SHOW_TERMINAL };
	int option, status;
	bool begins;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_AT_BOOT:
			wish.at_boot = true;
			break;
		case OPTION_YES:
			wish.yes = true;
			break;
		case OPTION_NO_WAIT:
			wish.no_wait = true;
			break;
		case OPTION_PROGRESS:
			wish.show = REVERT_SHOW_LINES;
			break;
		case OPTION_STATUS:
			wish.status = true;
			break;
		case OPTION_CANCEL:
			wish.cancel = true;
			break;
		case OPTION_FORCE:
			wish.force = true;
			break;
		case OPTION_NO_WRITERS:
			wish.no_writers = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	begins = wish.at_boot || wish.yes || wish.no_wait || wish.no_writers ||
		 wish.show == REVERT_SHOW_LINES;
	if ((wish.status || wish.cancel) && (begins || wish.status == wish.cancel))
		return usage(context, "--status and --cancel exclude each other, and what is for a "
			     "revert that begins");
	if (wish.force && (wish.status || wish.no_writers))
		return usage(context, "--force goes with --cancel, or overrides what writers say: "
			     "so neither with --status nor with --no-writers");
	if (wish.at_boot && (wish.no_wait || wish.show == REVERT_SHOW_LINES))
		return usage(context, "with --at-boot nothing is waited for now");
	if (wish.status)
		return argc - optind > 1 ? usage(context, "it takes one volume at most") :
		       print_status(context, argv[optind]);
	if (argc - optind != 1)
		return usage(context, wish.cancel ? "name one volume" : "name one shadow");
	return wish.cancel ? cancel(context, argv[optind], wish.force) :
	       revert(context, argv[optind], &wish);
}

const struct command cmd_revert = {
	.name = "revert",
	.summary = "Make a volume what it was at the instant of a shadow",
	.synopsis = "SHADOW [--yes] [--no-wait] [--progress] [--force | --no-writers]\n"
		    "--at-boot SHADOW [--yes] [--force | --no-writers]\n"
		    "--status [VOLUME]\n"
		    "--cancel VOLUME [--force]",
	.text = "SHADOW is /dev/shadowN, N, or the beginning of a UUID; it is persistent.  Nobody\n"
		"has the volume mounted, nor can have it until it is done.  What was written since is\n"
		"lost, but for what newer shadows have: they stay, as do older ones, and SHADOW.  A\n"
		"revert that was interrupted goes on when the store is attached again.\n\n"
		"If shadowd runs the writers are asked first: one that forbids it (blocks_revert in\n"
		"its metadata), and has data on the volume, is a reason to refuse.\n\n"
		"Options:\n"
		"      --at-boot         when the store is attached the next time, before the volume\n"
		"                        is mounted: for one that is in use now\n"
		"      --yes             do not ask\n"
		"      --no-wait         return when it has begun\n"
		"      --progress        say how far it is, a line each second; with --json objects\n"
		"      --status          show the reverts that are noted, running, or have ended\n"
		"      --cancel          take back one that has not begun\n"
		"      --force           ... or has ended half-way: the volume stays as it is, which\n"
		"                        is of no use.  Without --cancel: revert although a writer\n"
		"                        forbids it\n"
		"      --no-writers      ask no writer\n"
		"  -q, --quiet           say nothing\n"
		TABLE_HELP COMMON_HELP,
	.table = &revert_table,
	.run = run,
};
