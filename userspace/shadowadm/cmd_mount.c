// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_mount.c - shadowadm mount: the filesystem of a shadow, or those of a set,
 * mounted read-only.
 *
 * A set goes into subdirectories named after the volumes, all or none.
 */
#include <libmount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"
#include "table.h"

/* One mount that was made. */
struct made {
	char path[IMAGE_PATH_LEN];
	char target[PATH_MAX];
	char type[32];
	char options[PATH_MAX];
	bool made_directory;
};

static int mount_filesystem(struct context *context, struct made *made)
{
	struct libmnt_context *mount = mnt_new_context();
	char reason[BUFSIZ] = "";
	int rc;

	if (!mount)
		return fail(context, "there is not enough memory");
	rc = mnt_context_set_source(mount, made->path) ||
	     mnt_context_set_target(mount, made->target) ||
	     mnt_context_set_fstype(mount, made->type) ||
	     mnt_context_set_options(mount, made->options);
	if (!rc) {
		rc = mnt_context_mount(mount);
		rc = mnt_context_get_excode(mount, rc, reason, sizeof(reason));
	}
	mnt_free_context(mount);
	if (!rc)
		return STATUS_OK;
	return fail(context, "cannot mount %s on %s (%s, %s): %s. The kernel log may tell more",
		    made->path, made->target, made->type, made->options,
		    *reason ? reason : "mount options were not understood");
}

static int refuse(struct context *context, const char *path, const struct filesystem *fs)
{
	const char *refusal;

	if (!*fs->type && *fs->other)
		return fail(context, "cannot mount %s: it holds no filesystem but \"%s\". "
			    "Shadow-copy the partition or logical volume that has the filesystem, or use the "
			    "device as a whole", path, fs->other);
	if (!*fs->type)
		return fail(context, "cannot mount %s: no filesystem was recognised on it. The "
			    "device can be read as a whole", path);
	refusal = filesystem_refusal(fs);
	if (refusal)
		return fail(context, "cannot mount %s: %s", path, refusal);
	return STATUS_OK;
}

static int mount_one(struct context *context, const struct shadow_shadow_info *info,
		     const char *user_options, struct made *made)
{
	struct filesystem fs;
	int status, rc;

	image_path(info, made->path);
	if (info->state == SHADOW_STATE_LOST)
		return fail(context, "cannot mount %s: the shadow is lost, because %s. Delete it "
			    "and make another", made->path,
			    shadowcopy_reason_cause(info->fault.reason));
	rc = filesystem_probe(made->path, &fs);
	if (rc)
		return fail(context, "cannot read %s: %s", made->path, strerror(-rc));
	status = refuse(context, made->path, &fs);
	if (status)
		return status;
	snprintf(made->type, sizeof(made->type), "%s", fs.type);
	snprintf(made->options, sizeof(made->options), "%s%s%s", fs.options,
		 user_options ? "," : "", user_options ?: "");
	status = mount_filesystem(context, made);
	if (!status && fs.note)
		warn(context, "%s: %s", made->path, fs.note);
	if (!status)
		progress(context, "%s (%s, %s) on %s", made->path, made->type, made->options,
			 made->target);
	return status;
}

static void undo(struct made *made, size_t count)
{
	while (count--) {
		umount2(made[count].target, UMOUNT_NOFOLLOW);
		if (made[count].made_directory)
			rmdir(made[count].target);
	}
}

/* The last part of the volume's usual name: "vda1", "vg-home". */
static int make_directory(struct context *context, const struct shadow_shadow_info *info,
			  const char *dir, struct made *made)
{
	struct shadowcopy_volume volume;
	const char *name = info->volume_name;

	if (!shadowcopy_describe(context->sc, info->volume, &volume))
		name = strrchr(volume.path, '/') ? strrchr(volume.path, '/') + 1 : volume.name;
	snprintf(made->target, sizeof(made->target), "%s/%s", dir, name);
	if (!mkdir(made->target, 0755))
		made->made_directory = true;
	else if (errno != EEXIST)
		return fail(context, "cannot make the directory %s: %s", made->target,
			    strerror(errno));
	return STATUS_OK;
}

static int print_made(struct context *context, const struct made *made, size_t count)
{
	struct json_object *document, *array, *object;
	size_t i;

	if (!context->json)
		return STATUS_OK;
	array = json_object_new_array();
	for (i = 0; i < count; i++) {
		object = json_object_new_object();
		json_text(object, "device", made[i].path);
		json_text(object, "mountpoint", made[i].target);
		json_text(object, "fstype", made[i].type);
		json_text(object, "options", made[i].options);
		json_object_array_add(array, object);
	}
	document = json_object_new_object();
	json_object_object_add(document, "mounts", array);
	return json_print(document);
}

static int mount_all(struct context *context, const struct shadow_uuid *uuid, uint32_t kind,
		     const struct shadow_shadow_info *shadows, size_t count, const char *dir,
		     const char *options)
{
	struct made *made = calloc(count + 1, sizeof(*made));
	int status = STATUS_OK;
	size_t i, done = 0;

	if (!made)
		return fail(context, "there is not enough memory");
	for (i = 0; i < count && !status; i++) {
		if (!uuid_equal(kind == SHADOW_KIND_SET ? &shadows[i].set : &shadows[i].uuid, uuid))
			continue;
		if (kind == SHADOW_KIND_SET)
			status = make_directory(context, &shadows[i], dir, &made[done]);
		else
			snprintf(made[done].target, sizeof(made[done].target), "%s", dir);
		if (status)
			break;
		status = mount_one(context, &shadows[i], options, &made[done]);
		if (!status)
			done++;
		else if (made[done].made_directory)
			rmdir(made[done].target);
	}
	if (status)
		undo(made, done);
	else
		status = print_made(context, made, done);
	free(made);
	return status;
}

static bool wants_writing(const char *options)
{
	const char *word = options;

	while (word && *word) {
		size_t length = strcspn(word, ",");

		if (length == 2 && !strncmp(word, "rw", 2))
			return true;
		word += length;
		word += *word == ',';
	}
	return false;
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "options", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct shadow_shadow_info *shadows;
	const char *options = NULL, *dir;
	struct shadow_uuid uuid;
	int option, status;
	struct stat st;
	ssize_t count;
	uint32_t kind;

	while ((option = next_option(context, argc, argv, "o:q", longs, &status)) != -1)
		switch (option) {
		case 'o':
			options = optarg;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != 2)
		return usage(context, "name one shadow or set, and the directory to mount it on");
	if (wants_writing(options))
		return usage(context, "-o rw: shadows are always mounted read-only");
	dir = argv[optind + 1];
	if (stat(dir, &st))
		return fail(context, "cannot mount on %s: %s. Make the directory first", dir,
			    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(context, "cannot mount on %s: it is not a directory", dir);
	if (shadowcopy_find(context->sc, argv[optind], &uuid, &kind))
		return fail_library(context);
	count = load_shadows(context->sc, &shadows);
	if (count < 0)
		return fail_library(context);
	status = mount_all(context, &uuid, kind, shadows, count, dir, options);
	free(shadows);
	return status;
}

const struct command cmd_mount = {
	.name = "mount",
	.summary = "Mount a shadow, or each shadow of a set, read-only",
	.synopsis = "SHADOW|SET DIR [-o OPTIONS]",
	.text = "A shadow is mounted on DIR; those of a set are mounted on DIR/VOLUME each.\n"
		"Options that the filesystem needs to be mounted without writing are added:\n"
		"norecovery and nouuid for XFS, noload for ext3 and ext4 whose journal is not\n"
		"empty.\n\n"
		"Options:\n"
		"  -o, --options OPTIONS mount options besides, comma-separated\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
