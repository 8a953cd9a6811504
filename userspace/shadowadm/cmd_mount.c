// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_mount.c - shadowadm mount: the filesystem of a shadow, or those of a set,
 * mounted read-only if nothing else is wanted.
 *
 * A set goes into subdirectories named after the volumes, the partitions of a disk
 * into p1, p2 and so on; all or none.
 */
#include <libmount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"
#include "users.h"

/* One mount that was made. */
struct made {
	char path[IMAGE_PATH_LEN];
	char target[PATH_MAX];
	char type[32];
	char options[PATH_MAX];
};

/* What was done so far: mounts, and directories made for them. */
struct mounting {
	struct context *context;
	const char *options;	/* of the user */
	bool write;		/* "rw" is among them */
	struct made *made;
	size_t count;
	char **directories;
	size_t directory_count;
};

static int mount_filesystem(struct context *context, struct made *made)
{
	struct libmnt_context *mount = mnt_new_context();
	char reason[BUFSIZ] = "";
	int rc;

	if (!mount)
		return fail(context, "there is not enough memory");
	if (mounts_at(made->target)) {
		mnt_free_context(mount);
		return fail(context, "cannot mount %s on %s: something is mounted there "
			    "already, which it would hide. Name an empty directory", made->path,
			    made->target);
	}
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

/* The mount, noted before it is made.  NULL where memory is short. */
static struct made *note_mount(struct mounting *mounting)
{
	struct made *more = reallocarray(mounting->made, mounting->count + 1, sizeof(*more));

	if (!more)
		return NULL;
	mounting->made = more;
	return &more[mounting->count];
}

static int mount_device(struct mounting *mounting, const char *path, const char *target,
			const struct filesystem *fs)
{
	struct context *context = mounting->context;
	struct made *made = note_mount(mounting);
	int status;

	if (!made)
		return fail(context, "there is not enough memory");
	snprintf(made->path, sizeof(made->path), "%s", path);
	snprintf(made->target, sizeof(made->target), "%s", target);
	snprintf(made->type, sizeof(made->type), "%s", fs->type);
	snprintf(made->options, sizeof(made->options), "%s%s%s", fs->options,
		 mounting->options ? "," : "", mounting->options ?: "");
	status = mount_filesystem(context, made);
	if (status)
		return status;
	mounting->count++;
	if (fs->note)
		warn(context, "%s: %s", path, fs->note);
	progress(context, "%s (%s, %s) on %s", path, made->type, made->options, target);
	return STATUS_OK;
}

static int make_directory(struct mounting *mounting, const char *path)
{
	char **more;

	if (mkdir(path, 0755)) {
		if (errno == EEXIST)
			return STATUS_OK;
		return fail(mounting->context, "cannot make the directory %s: %s", path,
			    strerror(errno));
	}
	more = reallocarray(mounting->directories, mounting->directory_count + 1, sizeof(*more));
	if (more) {
		mounting->directories = more;
		more[mounting->directory_count] = strdup(path);
		if (more[mounting->directory_count])
			mounting->directory_count++;
	}
	return STATUS_OK;
}

static void undo(struct mounting *mounting)
{
	while (mounting->count)
		umount2(mounting->made[--mounting->count].target, UMOUNT_NOFOLLOW);
	while (mounting->directory_count) {
		rmdir(mounting->directories[--mounting->directory_count]);
		free(mounting->directories[mounting->directory_count]);
	}
}

static void forget(struct mounting *mounting)
{
	while (mounting->directory_count)
		free(mounting->directories[--mounting->directory_count]);
	free(mounting->directories);
	free(mounting->made);
}

/* --- one shadow ---------------------------------------------------------------- */

static int refuse(struct context *context, const char *path, const struct filesystem *fs)
{
	const char *refusal = filesystem_refusal(fs);

	if (refusal)
		return fail(context, "cannot mount %s: %s", path, refusal);
	if (*fs->type)
		return STATUS_OK;
	if (*fs->other)
		return fail(context, "cannot mount %s: it holds no filesystem but \"%s\". "
			    "Shadow-copy the device that has the filesystem, or use this one as a "
			    "whole", path, fs->other);
	return fail(context, "cannot mount %s: no filesystem was recognised on it. The device can "
		    "be read as a whole", path);
}

struct partitions {
	struct mounting *mounting;
	enum access access;
	const char *target;
	size_t mounted;
	int status;
};

/* A partition: mounted where it has a filesystem, passed over where it has none. */
static void mount_partition(void *data, const char *name, unsigned int number,
			    struct shadow_dev dev)
{
	struct partitions *partitions = data;
	struct mounting *mounting = partitions->mounting;
	char path[IMAGE_PATH_LEN], target[PATH_MAX];
	struct filesystem fs;
	int rc;

	(void)dev;
	if (partitions->status)
		return;
	snprintf(path, sizeof(path), "/dev/%.31s", name);
	rc = filesystem_probe(path, partitions->access, &fs);
	if (rc) {
		partitions->status = fail(mounting->context, "cannot read %s: %s", path,
					  strerror(-rc));
		return;
	}
	if (!*fs.type) {
		progress(mounting->context, "%s has no filesystem: passed over", path);
		return;
	}
	partitions->status = refuse(mounting->context, path, &fs);
	if (partitions->status)
		return;
	snprintf(target, sizeof(target), "%s/p%u", partitions->target, number);
	partitions->status = make_directory(mounting, target);
	if (!partitions->status)
		partitions->status = mount_device(mounting, path, target, &fs);
	if (!partitions->status)
		partitions->mounted++;
}

static int mount_shadow(struct mounting *mounting, const struct shadow_shadow_info *info,
			const char *target)
{
	struct partitions partitions = { .mounting = mounting, .target = target };
	bool writable = info->flags & SHADOW_SET_WRITABLE &&
			!(info->flags & SHADOW_SHADOW_SEALED);
	struct context *context = mounting->context;
	char path[IMAGE_PATH_LEN];
	struct filesystem fs;
	int status, rc;

	image_path(info, path);
	if (info->state == SHADOW_STATE_LOST)
		return fail(context, "cannot mount %s: the shadow is lost, because %s. Delete it "
			    "and make another", path,
			    shadowcopy_reason_cause(info->fault.reason));
	if (mounting->write && !writable)
		return fail(context, "cannot mount %s with -o rw: the shadow is read-only%s. Mount "
			    "it without, or make one with \"shadowadm create --writable\"", path,
			    info->flags & SHADOW_SHADOW_SEALED ? ", because it was sealed" : "");
	if (writable)
		partitions.access = mounting->write ? ACCESS_WRITE : ACCESS_READ_ONLY;
	rc = filesystem_probe(path, partitions.access, &fs);
	if (rc)
		return fail(context, "cannot read %s: %s", path, strerror(-rc));
	if (!*fs.type) {
		partitions_of(info, mount_partition, &partitions);
		if (partitions.mounted || partitions.status)
			return partitions.status;
	}
	status = refuse(context, path, &fs);
	return status ?: mount_device(mounting, path, target, &fs);
}

/* --- all of them ---------------------------------------------------------------- */

/* The last part of the volume's usual name: "vda1", "vg-home". */
static const char *volume_label(struct context *context, const struct shadow_shadow_info *info,
				struct shadowcopy_volume *volume)
{
	const char *slash;

	if (shadowcopy_describe(context->sc, info->volume, volume))
		return info->volume_name;
	slash = strrchr(volume->path, '/');
	return slash ? slash + 1 : volume->name;
}

static int print_made(const struct mounting *mounting)
{
	json_t *document, *array, *object;
	size_t i;

	if (!mounting->context->json)
		return STATUS_OK;
	array = json_array();
	for (i = 0; i < mounting->count; i++) {
		object = json_object();
		json_text(object, "device", mounting->made[i].path);
		json_text(object, "mountpoint", mounting->made[i].target);
		json_text(object, "fstype", mounting->made[i].type);
		json_text(object, "options", mounting->made[i].options);
		json_array_append_new(array, object);
	}
	document = json_object();
	json_value(document, "mounts", array);
	return json_print(document);
}

static bool wants_writing(const char *options)
{
	const char *word = options;
	bool wants = false;

	while (word && *word) {
		size_t length = strcspn(word, ",");

		if (length == 2 && (!strncmp(word, "rw", 2) || !strncmp(word, "ro", 2)))
			wants = word[1] == 'w';		/* the last one counts */
		word += length;
		word += *word == ',';
	}
	return wants;
}

static int mount_all(struct context *context, const struct shadow_uuid *uuid, uint32_t kind,
		     const struct shadow_shadow_info *shadows, size_t count, const char *dir,
		     const char *options)
{
	struct mounting mounting = {
		.context = context, .options = options, .write = wants_writing(options),
	};
	struct shadowcopy_volume volume;
	char target[PATH_MAX];
	int status = STATUS_OK;
	size_t i;

	for (i = 0; i < count && !status; i++) {
		if (!uuid_equal(kind == SHADOW_KIND_SET ? &shadows[i].set : &shadows[i].uuid, uuid))
			continue;
		if (kind != SHADOW_KIND_SET) {
			status = mount_shadow(&mounting, &shadows[i], dir);
			continue;
		}
		snprintf(target, sizeof(target), "%s/%s", dir,
			 volume_label(context, &shadows[i], &volume));
		status = make_directory(&mounting, target);
		if (!status)
			status = mount_shadow(&mounting, &shadows[i], target);
	}
	if (status)
		undo(&mounting);
	else
		status = print_made(&mounting);
	forget(&mounting);
	return status;
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
	.summary = "Mount a shadow, or each shadow of a set",
	.synopsis = "SHADOW|SET DIR [-o OPTIONS]",
	.text = "A shadow is mounted on DIR, those of a set on DIR/VOLUME each, and partitions\n"
		"of a disk on p1, p2 ... below that.\n"
		"They are mounted read-only; a writable shadow can be mounted with -o rw, too.\n"
		"Options that the filesystem needs are added: nouuid for XFS, and where nothing\n"
		"can be written, norecovery for XFS and noload for ext3 and ext4 whose journal is\n"
		"not empty.  On a writable shadow the journal is replayed.\n\n"
		"Options:\n"
		"  -o, --options OPTIONS mount options besides, comma-separated\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
