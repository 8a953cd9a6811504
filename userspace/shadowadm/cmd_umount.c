// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_umount.c - shadowadm umount: ends the mounts of a shadow, of a set, or
 * those on or in a directory.
 */
#include <libmount.h>
#include <unistd.h>

#include "users.h"

struct unmounting {
	struct context *context;
	json_t *unmounted;	/* mount points */
	json_t *failed;	/* objects: mount point, message */
	const char *dir;	/* only mounts on it or below it, or NULL */
	char **targets;
	size_t count;
	bool short_of_memory;
};

/* Is it @dir, or below it? */
static bool is_on_or_in(const char *target, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(target, dir, length) && (!target[length] || target[length] == '/');
}

/* The mount point and those above it, up to @dir: they stay if not empty. */
static void remove_directories(char *target, const char *dir)
{
	while (is_on_or_in(target, dir) && strcmp(target, dir) && !rmdir(target))
		*strrchr(target, '/') = '\0';
}

static void keep(void *data, const struct user *user)
{
	struct unmounting *unmounting = data;
	char **more;

	if (unmounting->dir && !is_on_or_in(user->what, unmounting->dir))
		return;
	more = reallocarray(unmounting->targets, unmounting->count + 1, sizeof(*more));
	if (!more) {
		unmounting->short_of_memory = true;
		return;
	}
	unmounting->targets = more;
	more[unmounting->count] = strdup(user->what);
	if (more[unmounting->count])
		unmounting->count++;
	else
		unmounting->short_of_memory = true;
}

static int explain_failure(struct unmounting *unmounting, const char *target,
			   const char *message)
{
	json_t *object = json_object();

	fprintf(stderr, "shadowadm umount: cannot unmount %s: %s.\n", target, message);
	json_text(object, "directory", target);
	json_text(object, "message", message);
	json_array_append_new(unmounting->failed, object);
	return STATUS_FAILED;
}

static int umount_one(struct unmounting *unmounting, const char *target)
{
	char reason[BUFSIZ] = "", message[BUFSIZ + PATH_MAX + 64];
	struct libmnt_context *mount = mnt_new_context();
	int rc;

	if (!mount)
		return explain_failure(unmounting, target, "there is not enough memory");
	/* Unmounting takes what is on top, which need not be the shadow. */
	if (mounts_at(target) > 1) {
		mnt_free_context(mount);
		snprintf(message, sizeof(message), "more than one filesystem is mounted there. See "
			 "\"findmnt %s\", and unmount with umount(8) what is on top", target);
		return explain_failure(unmounting, target, message);
	}
	rc = mnt_context_set_target(mount, target);
	if (!rc) {
		rc = mnt_context_umount(mount);
		rc = mnt_context_get_excode(mount, rc, reason, sizeof(reason));
	}
	mnt_free_context(mount);
	if (rc) {
		snprintf(message, sizeof(message), "%s. \"fuser -vm %s\" shows who uses it",
			 *reason ? reason : "umount failed", target);
		return explain_failure(unmounting, target, message);
	}
	json_array_append_new(unmounting->unmounted, text_json(target));
	progress(unmounting->context, "unmounted %s", target);
	return STATUS_OK;
}

static int umount_all(struct unmounting *unmounting)
{
	json_t *document = json_object();
	int status = STATUS_OK, rc;
	size_t i;

	unmounting->unmounted = json_array();
	unmounting->failed = json_array();
	json_value(document, "unmounted", unmounting->unmounted);
	json_value(document, "failed", unmounting->failed);
	for (i = 0; i < unmounting->count; i++) {
		rc = umount_one(unmounting, unmounting->targets[i]);
		if (rc)
			status = rc;
		else if (unmounting->dir)
			remove_directories(unmounting->targets[i], unmounting->dir);
	}
	if (unmounting->context->json)
		return json_print(document) ?: status;
	json_decref(document);
	return status;
}

static void free_targets(struct unmounting *unmounting)
{
	size_t i;

	for (i = 0; i < unmounting->count; i++)
		free(unmounting->targets[i]);
	free(unmounting->targets);
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' }, { 0 }
	};
	struct unmounting unmounting = { .context = context };
	struct shadow_shadow_info *shadows;
	struct shadow_uuid uuid;
	int option, status;
	uint32_t kind = 0;
	ssize_t count, i;
	char *dir;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 1)
		return usage(context, "name one shadow, set or directory");

	dir = strncmp(argv[optind], "/dev/", 5) && strchr(argv[optind], '/') ?
	      realpath(argv[optind], NULL) : NULL;
	if (!dir && shadowcopy_find(context->sc, argv[optind], &uuid, &kind))
		return fail_library(context);
	unmounting.dir = dir;
	count = load_shadows(context->sc, &shadows);
	if (count < 0) {
		free(dir);
		return fail_library(context);
	}
	for (i = 0; i < count; i++)
		if (dir || uuid_equal(kind == SHADOW_KIND_SET ? &shadows[i].set :
				      &shadows[i].uuid, &uuid))
			mounts_of(&shadows[i], keep, &unmounting);
	free(shadows);
	status = STATUS_FAILED;
	if (unmounting.short_of_memory)
		fail(context, "there is not enough memory");
	else if (!unmounting.count)
		fail(context, "nothing to unmount: no shadow is mounted %s %s here",
		     dir ? "on or in" : "by the name of", argv[optind]);
	else
		status = umount_all(&unmounting);
	free_targets(&unmounting);
	free(dir);
	return status;
}

const struct command cmd_umount = {
	.name = "umount",
	.summary = "Unmount a shadow, the shadows of a set, or those on or in a directory",
	.synopsis = "SHADOW|SET|DIR",
	.text = "DIR, written with a slash, is where \"shadowadm mount\" mounted them; for a set\n"
		"the subdirectories it made are removed.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
