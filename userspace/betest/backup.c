// SPDX-License-Identifier: GPL-2.0-only
/*
 * backup.c - a backup (P-01): the session up to the set, the files from its shadows, and the end.
 *
 * Shadows are mounted in a mount namespace of our own, so that whatever ends this
 * program unmounts them.  A component that lacks a file was not backed up, which its writer
 * is told, and the rest goes on.
 */
#include <fcntl.h>
#include <libmount.h>
#include <mntent.h>
#include <sched.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "betest.h"
#include "copy.h"
#include "filesystem.h"

#define MOUNTS_MAX 4096

/* What was copied of one entry of the document. */
struct tally {
	const struct shadowcopy_backup_component *entry;
	size_t files;
	bool lacking;
};

struct backing_up {
	struct betest *test;
	const char *directory;
	struct shadowcopy_metadata **metadata;		/* with values of variables */
	size_t metadata_count;
	struct documents previous;
	struct shadowcopy_shadow_map maps[MOUNTS_MAX];
	size_t map_count;
	char top[64];					/* where shadows are mounted */
	size_t mounted;
	struct shadowcopy_backup *copy;			/* of the document, the same */
	struct tally *tallies;
	size_t tally_count;
	struct links links;
	struct paths directories, sources;		/* whose times come at the end */
	FILE *list;
};

/* --- who takes part --------------------------------------------------------------------- */

static int filter_writers(struct betest *test)
{
	size_t i;

	for (i = 0; i < test->included.count; i++)
		if (shadowcopy_requester_include_writer(test->requester, test->included.list[i]))
			return fail_library(test->context);
	for (i = 0; i < test->excluded.count; i++)
		if (shadowcopy_requester_exclude_writer(test->requester, test->excluded.list[i]))
			return fail_library(test->context);
	return STATUS_OK;
}

static int take_metadata(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct backing_up *own = data;
	struct betest *test = own->test;
	struct shadowcopy_metadata *metadata, **more;

	if (!strcmp(writer->part, "absent"))
		warn(test->context, "writer %s is absent: %s", writer->name, writer->text);
	if (*writer->part || !writer->has_metadata)
		return 0;
	more = reallocarray(own->metadata, own->metadata_count + 1, sizeof(*more));
	if (!more)
		return fail(test->context, "there is not enough memory");
	own->metadata = more;
	if (shadowcopy_requester_metadata(test->requester, &writer->instance_id, &metadata))
		return fail_library(test->context);
	metadata = metadata_copy(test, metadata);
	if (!metadata)
		return fail_library(test->context);
	own->metadata[own->metadata_count++] = metadata;
	return 0;
}

static int begin(struct backing_up *own)
{
	struct betest *test = own->test;
	const struct shadowcopy_backup_state state = {
		.type = test->type, .component_mode = !test->volumes.count,
		.bootable = test->bootable, .partial_files = test->partial,
		.may_degrade = test->degrade, .timeout_ms = test->timeout_ms,
	};
	int rc, status;

	if (shadowcopy_requester_open(test->context->sc, NULL, &test->requester) ||
	    shadowcopy_requester_init_backup(test->requester) ||
	    shadowcopy_requester_set_context(test->requester, &test->shadows) ||
	    shadowcopy_requester_set_backup_state(test->requester, &state))
		return fail_library(test->context);
	if (test->shadows.context & SHADOWCOPY_ATTR_NO_WRITERS)
		return STATUS_OK;
	if (shadowcopy_requester_gather_metadata(test->requester))
		return fail_library(test->context);
	status = filter_writers(test);
	if (status)
		return status;
	rc = shadowcopy_requester_writers(test->requester, take_metadata, own);
	return rc < 0 ? fail_library(test->context) : rc;
}

/* --- components ------------------------------------------------------------------------- */

/* What a component builds on: what the writer said of the backup before (B-12). */
static const char *previous_stamp(const struct backing_up *own,
				  const struct shadowcopy_metadata *metadata, const char *path,
				  const char *name)
{
	const struct shadowcopy_backup *backup = own->previous.backup;
	const struct shadowcopy_backup_component *entry;
	size_t i;

	for (i = 0; backup && i < backup->writer_count; i++) {
		const struct shadowcopy_backup_writer *writer = backup->writers[i];

		if (!uuid_equal(&writer->class_id, &metadata->class_id) ||
		    strcmp(writer->instance_name ?: "", metadata->instance_name ?: ""))
			continue;
		entry = shadowcopy_backup_find(writer, path, name);
		if (entry)
			return entry->backup_stamp;
	}
	return NULL;
}

static int set_up(struct backing_up *own, const struct shadowcopy_metadata *metadata,
		  struct shadowcopy_backup_component *entry)
{
	struct betest *test = own->test;
	const struct setting *options = setting_for(test, SETTING_BACKUP_OPTIONS, metadata->name,
						    metadata->instance_name, entry->path,
						    entry->name);
	const char *stamp = previous_stamp(own, metadata, entry->path, entry->name);
	int rc = 0;

	if (options)
		rc = shadowcopy_backup_component_set_text(test->context->sc, entry,
							  SHADOWCOPY_PROPERTY_BACKUP_OPTIONS,
							  options->value);
	if (!rc && stamp)
		rc = shadowcopy_backup_component_set_text(test->context->sc, entry,
							  SHADOWCOPY_PROPERTY_PREVIOUS_STAMP,
							  stamp);
	return rc ? fail_library(test->context) : STATUS_OK;
}

/* Those that can be chosen by themselves; one that is named can lie below another. */
static int choose_of(struct backing_up *own, struct shadowcopy_backup *backup,
		     const struct shadowcopy_metadata *metadata)
{
	struct betest *test = own->test;
	bool named = test->settings[SETTING_COMPONENT].count;
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];
		uint32_t rule = shadowcopy_component_selectability(metadata, c);

		if (!betest_wants(test, metadata->name, metadata->instance_name, c->path, c->name))
			continue;
		if (!named && rule != SHADOWCOPY_SELECTABILITY_MANDATORY &&
		    rule != SHADOWCOPY_SELECTABILITY_OPTIONAL)
			continue;
		if (shadowcopy_backup_add_component(test->context->sc, backup, metadata, c->path,
						    c->name, NULL))
			return fail_library(test->context);
	}
	return STATUS_OK;
}

static int set_up_all(struct backing_up *own, struct shadowcopy_backup *backup)
{
	size_t i, j, k;
	int status = STATUS_OK;

	for (i = 0; i < own->metadata_count; i++)
		for (j = 0; j < backup->writer_count; j++)
			for (k = 0; !status && k < backup->writers[j]->component_count &&
			     uuid_equal(&backup->writers[j]->instance_id,
					&own->metadata[i]->instance_id); k++)
				status = set_up(own, own->metadata[i],
						backup->writers[j]->components[k]);
	return status;
}

static int choose(struct backing_up *own)
{
	struct betest *test = own->test;
	struct shadowcopy_backup *backup;
	int status = STATUS_OK;
	size_t i;

	if (shadowcopy_requester_backup(test->requester, &backup))
		return fail_library(test->context);
	for (i = 0; !status && i < own->metadata_count; i++)
		status = choose_of(own, backup, own->metadata[i]);
	if (status)
		return status;
	if ((test->bootable &&
	     shadowcopy_backup_add_system_state(test->context->sc, backup, own->metadata,
						own->metadata_count)) ||
	    shadowcopy_backup_add_dependencies(test->context->sc, backup, own->metadata,
					       own->metadata_count) ||
	    shadowcopy_backup_check(test->context->sc, backup, own->metadata,
				    own->metadata_count))
		return fail_library(test->context);
	return set_up_all(own, backup) ?: settings_check(test, SETTING_FAILED);
}

/* --- volumes ---------------------------------------------------------------------------- */

static int add_volume(struct betest *test, const char *volume)
{
	int rc = shadowcopy_requester_add_volume(test->requester, volume, test->store, NULL);

	return rc && rc != -EEXIST ? fail_library(test->context) : STATUS_OK;
}

/* Of the mounts, those that the backup needs, or would need if it were a full one. */
static int find_needed(struct backing_up *own, const struct paths *mounts, bool *needed, bool full)
{
	struct shadowcopy *sc = own->test->context->sc;
	struct shadowcopy_backup *backup, *copy;
	int rc;

	if (shadowcopy_requester_backup(own->test->requester, &backup) ||
	    shadowcopy_backup_view(sc, backup, NULL, 0, &copy))
		return fail_library(own->test->context);
	rc = full ? shadowcopy_backup_set_state(sc, copy, SHADOWCOPY_TYPE_FULL, true,
						copy->bootable, copy->partial_files) : 0;
	rc = rc ?: shadowcopy_backup_shadows_needed(sc, copy, own->metadata, own->metadata_count,
						    (const char *const *)mounts->list,
						    mounts->count, needed);
	shadowcopy_backup_free(copy);
	return rc ? fail_library(own->test->context) : STATUS_OK;
}

/*
 * A writer names parts of files, and files that changed, when it is too late for volumes, and only
 * of those that are there; so where its file sets are in a full backup has to be there.
 */
static int add_needed(struct backing_up *own)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct paths mounts = { 0 };
	struct mntent *entry;
	bool *needed, *full;
	int status;
	size_t i;

	while (file && (entry = getmntent(file)))
		paths_add(&mounts, entry->mnt_dir);
	if (file)
		endmntent(file);
	needed = calloc(2 * mounts.count + 1, sizeof(*needed));
	full = needed + mounts.count;
	status = needed ? STATUS_OK : fail(own->test->context, "there is not enough memory");
	status = status ?: find_needed(own, &mounts, needed, false);
	status = status ?: find_needed(own, &mounts, full, true);
	for (i = 0; !status && i < mounts.count; i++)
		if (needed[i] || full[i])
			status = add_volume(own->test, mounts.list[i]);
	free(needed);
	paths_clear(&mounts);
	return status;
}

static int add_volumes(struct backing_up *own)
{
	struct betest *test = own->test;
	int status = STATUS_OK;
	size_t i;

	if (shadowcopy_requester_start_set(test->requester))
		return fail_library(test->context);
	for (i = 0; !status && i < test->volumes.count; i++)
		status = add_volume(test, test->volumes.list[i]);
	if (test->volumes.count || status)
		return status;
	return choose(own) ?: add_needed(own);
}

static int make(struct backing_up *own)
{
	struct betest *test = own->test;

	if (!(test->shadows.context & SHADOWCOPY_ATTR_NO_WRITERS)) {
		if (shadowcopy_requester_prepare_backup(test->requester))
			return fail_library(test->context);
		if (documents_failed_writers(test->context, test->requester) && !test->degrade)
			return fail(test->context, "a writer cannot prepare. See its log, leave it "
				    "out with --exclude-writer, or go on without it with "
				    "--degrade");
	}
	if (shadowcopy_requester_create_set(test->requester))
		return fail_library(test->context);
	documents_failed_writers(test->context, test->requester);
	return STATUS_OK;
}

/* --- the shadows ------------------------------------------------------------------------ */

static int wait_for_device(struct betest *test, const char *node)
{
	const struct timespec pause = { .tv_nsec = 50000000L };
	int tries;

	for (tries = 0; tries < IMAGE_WAIT_SECONDS * 20; tries++) {
		if (!access(node, R_OK))
			return STATUS_OK;
		nanosleep(&pause, NULL);
	}
	return fail(test->context, "%s did not appear within %d seconds. Is udev running?", node,
		    IMAGE_WAIT_SECONDS);
}

static int mount_shadow(struct backing_up *own, const struct shadowcopy_backup_shadow *shadow,
			const char *target)
{
	struct context *context = own->test->context;
	struct libmnt_context *mount = mnt_new_context();
	struct filesystem fs;
	int rc = filesystem_probe(shadow->node, own->test->shadows.writable ? ACCESS_READ_ONLY :
				  ACCESS_NO_WRITE, &fs);

	if (rc || !*fs.type || !mount || mkdir(target, 0700)) {
		mnt_free_context(mount);
		return fail(context, "cannot mount %s: %s", shadow->node, rc ? strerror(-rc) :
			    *fs.type ? strerror(errno) : "it has no filesystem. Leave its volume "
			    "out, or have it copied as a whole with --no-copy");
	}
	rc = mnt_context_set_source(mount, shadow->node) ||
	     mnt_context_set_target(mount, target) ||
	     mnt_context_set_fstype(mount, fs.type) ||
	     mnt_context_set_options(mount, fs.options) || mnt_context_disable_mtab(mount, 1) ||
	     mnt_context_mount(mount);
	mnt_free_context(mount);
	if (rc)
		return fail(context, "cannot mount %s (%s, %s). The kernel's log may tell more",
			    shadow->node, fs.type, fs.options);
	own->mounted++;
	return STATUS_OK;
}

static int map_shadow(struct backing_up *own, const struct shadowcopy_backup_shadow *shadow,
		      const char *target)
{
	size_t i;

	for (i = 0; i < shadow->mount_count && own->map_count < MOUNTS_MAX; i++) {
		const char *path = strcmp(shadow->mounts[i], "/") ? shadow->mounts[i] : "";
		char *directory = strdup(target);

		if (!directory)
			return fail(own->test->context, "there is not enough memory");
		own->maps[own->map_count++] = (struct shadowcopy_shadow_map){ path, directory };
	}
	return STATUS_OK;
}

static int mount_shadows(struct backing_up *own)
{
	struct context *context = own->test->context;
	char target[sizeof(own->top) + 24];
	int status = STATUS_OK;
	size_t i;

	snprintf(own->top, sizeof(own->top), "/run/shadow-betest.XXXXXX");
	if (!mkdtemp(own->top) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return fail(context, "cannot mount shadows below %s: %s. That is for root",
			    own->top, strerror(errno));
	for (i = 0; !status && i < own->copy->shadow_count; i++) {
		const struct shadowcopy_backup_shadow *shadow = own->copy->shadows[i];

		if (!shadow->mount_count || !shadow->node)
			continue;
		snprintf(target, sizeof(target), "%s/%zu", own->top, i);
		status = wait_for_device(own->test, shadow->node) ?:
			 mount_shadow(own, shadow, target) ?: map_shadow(own, shadow, target);
	}
	return status;
}

static void umount_shadows(struct backing_up *own)
{
	char target[sizeof(own->top) + 24];
	size_t i;

	if (!*own->top)
		return;
	for (i = 0; own->copy && i < own->copy->shadow_count; i++) {
		snprintf(target, sizeof(target), "%s/%zu", own->top, i);
		umount2(target, MNT_DETACH);
		rmdir(target);
	}
	while (own->map_count)
		free((char *)own->maps[--own->map_count].directory);
	rmdir(own->top);
}

/* --- the files -------------------------------------------------------------------------- */

static struct tally *tally_of(struct backing_up *own,
			      const struct shadowcopy_backup_component *entry)
{
	size_t i;

	for (i = 0; i < own->tally_count; i++)
		if (own->tallies[i].entry == entry)
			return &own->tallies[i];
	return NULL;
}

static int tally_new(struct backing_up *own)
{
	size_t i, j;

	for (i = 0; i < own->copy->writer_count; i++)
		own->tally_count += own->copy->writers[i]->component_count;
	own->tallies = calloc(own->tally_count + 1, sizeof(*own->tallies));
	if (!own->tallies)
		return fail(own->test->context, "there is not enough memory");
	own->tally_count = 0;
	for (i = 0; i < own->copy->writer_count; i++)
		for (j = 0; j < own->copy->writers[i]->component_count; j++)
			own->tallies[own->tally_count++].entry =
				own->copy->writers[i]->components[j];
	return STATUS_OK;
}

/* Where the writer leaves it to our records: those are the backup before (F-41). */
static bool is_unchanged(const struct backing_up *own, const struct shadowcopy_backup_item *item)
{
	struct stat before, now;
	bool same = false;
	char *path;

	if (!(item->flags & SHADOWCOPY_ITEM_BY_RECORDS) || !own->test->previous)
		return false;
	path = media_path(own->test->previous, item->path);
	if (path && !copy_stat(path, &before) && !copy_stat(item->read, &now))
		same = before.st_size == now.st_size &&
		       before.st_mtim.tv_sec == now.st_mtim.tv_sec &&
		       before.st_mtim.tv_nsec == now.st_mtim.tv_nsec;
	free(path);
	return same;
}

static int copy_item(struct backing_up *own, const struct shadowcopy_backup_item *item)
{
	const struct parts parts = { item->ranges, item->range_count };
	struct context *context = own->test->context;
	char *to = media_path(own->directory, item->path);
	struct paths made = { 0 };
	int status;

	if (!to)
		return fail(context, "there is not enough memory");
	if (item->flags & SHADOWCOPY_ITEM_CONFLICT)
		warn(context, "%s: its writer wants all of it where it has changed, and parts "
		     "of it: all of it is taken", item->path);
	if (item->kind != SHADOWCOPY_ITEM_DIRECTORY)
		copy_remove(to, false);		/* two components can have one file */
	status = copy_make(context, item->read, to, parts, &own->links, &made);
	paths_clear(&made);
	if (!status && item->kind == SHADOWCOPY_ITEM_DIRECTORY &&
	    (paths_add(&own->directories, to) || paths_add(&own->sources, item->read)))
		status = fail(context, "there is not enough memory");
	if (!status && media_note(own->list, item->path, item->kind))
		status = fail(context, "cannot write the list of files: %s", strerror(errno));
	free(to);
	return status;
}

static int copy_items(struct backing_up *own, struct shadowcopy_backup_set *set)
{
	struct shadowcopy *sc = own->test->context->sc;
	const struct shadowcopy_backup_item *item;
	struct tally *tally;
	int rc;

	while ((rc = shadowcopy_backup_set_next(sc, set, &item))) {
		tally = item ? tally_of(own, item->entry) : NULL;
		if (!tally)
			return fail_library(own->test->context);
		if (rc < 0) {
			fail_library(own->test->context);
			tally->lacking = true;
		} else if (is_unchanged(own, item)) {
			continue;
		} else if (copy_item(own, item)) {
			tally->lacking = true;
		} else {
			tally->files += item->kind != SHADOWCOPY_ITEM_DIRECTORY;
		}
	}
	return STATUS_OK;
}

/* What is made in a directory changes its times. */
static int finish_directories(struct backing_up *own)
{
	int status = STATUS_OK;
	size_t i;

	for (i = own->directories.count; !status && i--;)
		status = copy_attributes(own->test->context, own->sources.list[i],
					 own->directories.list[i]);
	return status;
}

static int copy_all(struct backing_up *own)
{
	struct context *context = own->test->context;
	struct shadowcopy_backup_set *set;
	int status;

	own->list = media_begin(own->test, own->directory);
	if (!own->list)
		return STATUS_FAILED;
	if (shadowcopy_backup_set_new(context->sc, own->copy, own->metadata, own->metadata_count,
				      own->maps, own->map_count, &set)) {
		fclose(own->list);
		return fail_library(context);
	}
	if (shadowcopy_backup_set_excludes(context->sc, set, NULL, betest_variable, NULL))
		status = fail_library(context);
	else
		status = copy_items(own, set);
	shadowcopy_backup_set_free(set);
	status = status ?: finish_directories(own);
	return media_end(own->test, own->list) ?: status;
}

/* --- the end ---------------------------------------------------------------------------- */

static int on_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct backing_up *own = data;
	const struct shadowcopy_backup_writer *part;
	size_t i;

	part = shadowcopy_backup_find_writer(own->copy, &writer->class_id, &writer->instance_id);
	if (!*writer->failed_at || !part)
		return 0;
	for (i = 0; i < part->component_count; i++)
		tally_of(own, part->components[i])->lacking = true;
	return 0;
}

/* B-22; a writer that failed has no component that was backed up. */
static int note_success(struct backing_up *own, bool *lacking)
{
	const uint32_t property = SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED;
	struct context *context = own->test->context;
	struct shadowcopy_backup *backup;
	uint32_t success;
	size_t i;

	if (shadowcopy_requester_writers(own->test->requester, on_writer, own) ||
	    shadowcopy_requester_backup(own->test->requester, &backup))
		return fail_library(context);
	for (i = 0; i < own->tally_count; i++) {
		struct tally *tally = &own->tallies[i];
		struct shadowcopy_backup_writer *writer = writer_of(own->copy, tally->entry);
		struct shadowcopy_backup_component *entry = entry_in(backup, writer, tally->entry);
		char *name = component_text(writer->name, tally->entry->path, tally->entry->name);

		if (setting_for(own->test, SETTING_FAILED, writer->name, writer->instance_name,
				tally->entry->path, tally->entry->name))
			tally->lacking = true;
		*lacking |= tally->lacking;
		printf("%s %s, %zu file%s\n", name ?: "", tally->lacking ? "failed" : "succeeded",
		       tally->files, tally->files == 1 ? "" : "s");
		free(name);
		success = tally->lacking ? SHADOWCOPY_SUCCESS_NO : SHADOWCOPY_SUCCESS_YES;
		if (!entry ||
		    shadowcopy_backup_component_set_value(context->sc, entry, property, success))
			return fail_library(context);
	}
	return settings_check(own->test, SETTING_COUNT);
}

static int complete(struct backing_up *own)
{
	struct betest *test = own->test;
	bool lacking = false, writers = !(test->shadows.context & SHADOWCOPY_ATTR_NO_WRITERS);
	int status = writers && !test->no_copy ? note_success(own, &lacking) : STATUS_OK;

	if (status)
		return status;
	if (writers && !test->no_complete) {
		if (shadowcopy_requester_backup_complete(test->requester))
			return fail_library(test->context);
		lacking |= documents_failed_writers(test->context, test->requester);
	}
	status = documents_save(test->context, test->requester, own->directory, true, NULL);
	return status ?: lacking ? STATUS_DEGRADED : STATUS_OK;
}

static int copy_out(struct backing_up *own)
{
	struct betest *test = own->test;
	char uuid[SHADOWCOPY_UUID_LEN];
	struct shadowcopy_backup *backup;

	if (shadowcopy_requester_backup(test->requester, &backup) ||
	    shadowcopy_backup_view(test->context->sc, backup, NULL, 0, &own->copy) ||
	    shadowcopy_backup_expand(test->context->sc, own->copy, betest_variable, NULL))
		return fail_library(test->context);
	printf("set %s, %zu shadow%s\n", shadowcopy_uuid_format(&own->copy->set, uuid),
	       own->copy->shadow_count, own->copy->shadow_count == 1 ? "" : "s");
	fflush(stdout);
	if (test->run && betest_run(test, test->run))
		return fail(test->context, "the command of --run failed");
	if (test->no_copy)
		return STATUS_OK;
	return tally_new(own) ?: mount_shadows(own) ?: copy_all(own);
}

static void clear(struct backing_up *own)
{
	umount_shadows(own);
	shadowcopy_requester_close(own->test->requester);
	own->test->requester = NULL;
	shadowcopy_backup_free(own->copy);
	while (own->metadata_count)
		shadowcopy_metadata_free(own->metadata[--own->metadata_count]);
	free(own->metadata);
	free(own->tallies);
	links_clear(&own->links);
	paths_clear(&own->directories);
	paths_clear(&own->sources);
	documents_free(&own->previous);
}

int betest_backup(struct betest *test, const char *directory)
{
	static struct backing_up own;
	int status = documents_prepare(test->context, directory, true);
	char *path = status ? NULL : realpath(directory, NULL);

	if (status || !path)
		return STATUS_FAILED;
	own = (struct backing_up){ .test = test, .directory = path };
	status = media_check(test, path);
	if (!status && test->previous)
		status = documents_load(test->context, test->previous, &own.previous);
	status = status ?: begin(&own);
	status = status ?: add_volumes(&own);
	status = status ?: make(&own);
	status = status ?: copy_out(&own);
	umount_shadows(&own);
	status = status ?: complete(&own);
	clear(&own);
	free(path);
	return status;
}
