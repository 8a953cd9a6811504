// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_delete.c - shadowadm delete: shadows and sets, the oldest of a volume, or
 * all.
 *
 * It goes on after a failure: what can be deleted is, and each that cannot is
 * named with who uses it.
 */
#include "exposed.h"
#include "shadow_table.h"
#include "users.h"

struct deletion {
	struct context *context;
	json_t *deleted;	/* UUIDs */
	json_t *failed;	/* objects: UUID, message, users */
	unsigned int done;
	unsigned int failures;
	unsigned int pending;		/* go when the last opener closes them */
};

static void note(json_t *array, const struct shadow_uuid *uuid)
{
	char text[SHADOWCOPY_UUID_LEN];

	json_array_append_new(array, text_json(shadowcopy_uuid_format(uuid, text)));
}

static void explain_failure(struct deletion *deletion, const struct shadow_shadow_info *info)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(deletion->context->sc);
	json_t *object = json_object();

	fprintf(stderr, "shadowadm delete: %s.\n", last->text);
	json_uuid(object, "uuid", &info->uuid);
	json_text(object, "message", last->text);
	if (last->code == -EBUSY && last->reason != SHADOW_REASON_REVERTING)
		json_value(object, "users", users_print(info));
	json_array_append_new(deletion->failed, object);
	deletion->failures++;
}

/* Is it still there, waiting for its openers? */
static bool still_there(struct context *context, const struct shadow_uuid *uuid)
{
	struct shadow_shadow_info info = { 0 };

	while (shadowcopy_shadow_next(context->sc, &info) > 0)
		if (uuid_equal(&info.uuid, uuid))
			return true;
	return false;
}

/* What would be left is a unit that mounts nothing. */
static bool is_exposed(struct deletion *deletion, const struct shadow_shadow_info *info)
{
	char *directory = exposed_directory(&info->uuid), *message = NULL;
	char path[IMAGE_PATH_LEN];
	json_t *object;

	if (!directory)
		return false;
	if (asprintf(&message, "cannot delete %s: it is exposed at %s. End that first, with "
		     "\"shadowadm unexpose %s\"", image_path(info, path), directory, path) < 0)
		message = NULL;
	fprintf(stderr, "shadowadm delete: %s.\n", message ?: "there is not enough memory");
	object = json_object();
	json_uuid(object, "uuid", &info->uuid);
	json_text(object, "message", message);
	json_array_append_new(deletion->failed, object);
	deletion->failures++;
	free(message);
	free(directory);
	return true;
}

static void delete_one(struct deletion *deletion, const struct shadow_shadow_info *info)
{
	struct context *context = deletion->context;
	char path[IMAGE_PATH_LEN];
	int rc;

	if (is_exposed(deletion, info))
		return;
	do
		rc = shadowcopy_delete(context->sc, SHADOW_KIND_SHADOW, &info->uuid, NULL);
	while (users_pass(context, info, rc));
	if (rc) {
		explain_failure(deletion, info);
		return;
	}
	deletion->done++;
	note(deletion->deleted, &info->uuid);
	image_path(info, path);
	if (info->openers && still_there(context, &info->uuid)) {
		deletion->pending++;
		warn(context, "%s is in use and goes when its last user closes it", path);
		json_decref(users_print(info));
	} else {
		progress(context, "deleted %s of %s", path, info->volume_name);
	}
}

/* Mark those that a name means.  A negative errno where it means none. */
static int mark_named(struct context *context, const char *name,
		      const struct shadow_shadow_info *shadows, ssize_t count, bool *marks)
{
	struct shadow_uuid uuid;
	uint32_t kind;
	ssize_t i;
	int rc;

	rc = shadowcopy_find(context->sc, name, &uuid, &kind);
	if (rc)
		return rc;
	for (i = 0; i < count; i++)
		if (uuid_equal(kind == SHADOW_KIND_SET ? &shadows[i].set : &shadows[i].uuid, &uuid))
			marks[i] = true;
	return 0;
}

static void mark_oldest(struct shadow_dev dev, const struct shadow_shadow_info *shadows,
			ssize_t count, bool *marks)
{
	ssize_t i, oldest = -1;

	for (i = 0; i < count; i++)
		if (dev_equal(shadows[i].volume, dev) &&
		    shadows[i].state != SHADOW_STATE_DELETING &&
		    (oldest < 0 || shadows[i].epoch < shadows[oldest].epoch))
			oldest = i;
	if (oldest >= 0)
		marks[oldest] = true;
}

static int finish(struct deletion *deletion)
{
	struct context *context = deletion->context;
	json_t *document;

	if (context->json) {
		document = json_object();
		json_value(document, "deleted", deletion->deleted);
		json_value(document, "failed", deletion->failed);
		json_print(document);
	} else {
		json_decref(deletion->deleted);
		json_decref(deletion->failed);
	}
	if (deletion->failures)
		return STATUS_FAILED;
	return deletion->pending ? STATUS_DEGRADED : STATUS_OK;
}

static int delete_marked(struct context *context, const struct shadow_shadow_info *shadows,
			 ssize_t count, const bool *marks)
{
	struct deletion deletion = {
		.context = context,
		.deleted = json_array(),
		.failed = json_array(),
	};
	ssize_t i;

	for (i = 0; i < count; i++)
		if (marks[i])
			delete_one(&deletion, &shadows[i]);
	return finish(&deletion);
}

enum selection { SELECT_NAMED, SELECT_OLDEST, SELECT_ALL };

static int mark(struct context *context, enum selection selection, char **names,
		const struct shadow_shadow_info *shadows, ssize_t count, bool *marks)
{
	struct shadowcopy_volume volume;
	ssize_t i;

	if (selection == SELECT_NAMED) {
		for (; *names; names++)
			if (mark_named(context, *names, shadows, count, marks))
				return fail_library(context);
		return STATUS_OK;
	}
	if (*names && shadowcopy_resolve(context->sc, *names, &volume))
		return fail_library(context);
	if (selection == SELECT_OLDEST) {
		mark_oldest(volume.dev, shadows, count, marks);
		return STATUS_OK;
	}
	for (i = 0; i < count; i++)
		marks[i] = !*names || dev_equal(shadows[i].volume, volume.dev);
	return STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_OLDEST = OPTION_OWN, OPTION_ALL };
	static const struct option longs[] = {
		{ "oldest", no_argument, NULL, OPTION_OLDEST },
		{ "all", no_argument, NULL, OPTION_ALL },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	enum selection selection = SELECT_NAMED;
	struct shadow_shadow_info *shadows;
	int option, status;
	ssize_t count;
	bool *marks;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_OLDEST:
		case OPTION_ALL:
			if (selection != SELECT_NAMED)
				return usage(context, "--oldest and --all exclude each other");
			selection = option == OPTION_ALL ? SELECT_ALL : SELECT_OLDEST;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (selection == SELECT_NAMED && optind == argc)
		return usage(context, "name shadows or sets, or use --oldest VOLUME or --all");
	if (selection == SELECT_OLDEST && argc - optind != 1)
		return usage(context, "--oldest needs one volume");
	if (selection == SELECT_ALL && argc - optind > 1)
		return usage(context, "--all takes one volume at most");

	count = load_shadows(context->sc, &shadows);
	if (count < 0)
		return fail_library(context);
	marks = calloc(count + 1, sizeof(*marks));
	status = marks ? mark(context, selection, argv + optind, shadows, count, marks) :
		 fail(context, "there is not enough memory");
	if (!status)
		status = delete_marked(context, shadows, count, marks);
	free(marks);
	free(shadows);
	return status;
}

const struct command cmd_delete = {
	.name = "delete",
	.summary = "Delete shadows or sets",
	.synopsis = "SHADOW|SET...\n"
		    "--oldest VOLUME\n"
		    "--all [VOLUME]",
	.text = "SHADOW is /dev/shadowN, N, or the beginning of a UUID; SET the beginning of a\n"
		"set's UUID.  Nothing is deleted when one of the names is wrong.\n"
		"One that is exposed is not deleted.\n\n"
		"Options:\n"
		"      --oldest          the oldest shadow of VOLUME\n"
		"      --all             all shadows, or all of VOLUME\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
