// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * requester.c - a backup of all that writers have, in component mode: "requester DIRECTORY"
 *
 * All components are chosen, and the volumes that they need become the set.  Its shadows are
 * mounted below DIRECTORY, and what is to be copied, and from where, is printed and written to
 * DIRECTORY/files.  An empty line on standard input says that it was copied, anything else
 * that it was not.  The documents go to DIRECTORY, too, for restore.c.
 */
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libshadowcopy-requester.h>

#define MOUNTS_MAX 4096

static struct shadowcopy *sc;
static struct shadowcopy_requester *requester;
static struct shadowcopy_metadata *metadata[SHADOW_NL_MAX_WRITERS];
static size_t metadata_count;
static struct shadowcopy_shadow_map maps[SHADOW_MAX_SET_VOLUMES];
static size_t map_count;
static bool lacking;		/* not all is in the backup */

/* What a document is written to belongs to who made the backup. */
static int save(const char *name, char *text, size_t size)
{
	int rc = shadowcopy_document_write(sc, name, text, size);

	free(text);
	return rc;
}

/* --- who has what ------------------------------------------------------------------- */

static const char *variable(void *data, const char *name)
{
	(void)data;
	return getenv(name);
}

/* It is saved as it came, and used with the values of its variables. */
static int take_metadata(void *data, const struct shadowcopy_requester_writer *writer)
{
	char uuid[SHADOWCOPY_UUID_LEN], name[64], *text;
	struct shadowcopy_metadata *own;
	size_t size;
	int rc;

	(void)data;
	if (*writer->part)
		fprintf(stderr, "writer %s is %s: %s\n", writer->name, writer->part, writer->text);
	if (!writer->has_metadata || metadata_count == SHADOW_NL_MAX_WRITERS)
		return 0;
	snprintf(name, sizeof(name), "%s.json", shadowcopy_uuid_format(&writer->instance_id, uuid));
	rc = shadowcopy_requester_metadata(requester, &writer->instance_id, &own) ?:
	     shadowcopy_metadata_save(sc, own, &text, &size) ?: save(name, text, size) ?:
	     shadowcopy_metadata_expand(sc, own, variable, NULL);
	if (!rc)
		metadata[metadata_count++] = own;
	return rc;
}

/* What comes with another component is not chosen by itself. */
static int choose_all(struct shadowcopy_backup *backup)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; i < metadata_count; i++)
		for (j = 0; j < metadata[i]->component_count && !rc; j++) {
			const struct shadowcopy_component *c = metadata[i]->components[j];
			uint32_t rule = shadowcopy_component_selectability(metadata[i], c);

			if (rule == SHADOWCOPY_SELECTABILITY_MANDATORY ||
			    rule == SHADOWCOPY_SELECTABILITY_OPTIONAL)
				rc = shadowcopy_backup_add_component(sc, backup, metadata[i],
								     c->path, c->name, NULL);
		}
	return rc ?: shadowcopy_backup_add_dependencies(sc, backup, metadata, metadata_count);
}

/* A volume can be mounted twice. */
static int add_volumes(struct shadowcopy_backup *backup)
{
	static const char *mounts[MOUNTS_MAX];
	static bool needed[MOUNTS_MAX];
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	size_t i, count = 0;
	int rc;

	while (file && count < MOUNTS_MAX && (entry = getmntent(file)))
		mounts[count++] = strdup(entry->mnt_dir);
	if (file)
		endmntent(file);
	rc = shadowcopy_backup_shadows_needed(sc, backup, metadata, metadata_count, mounts, count,
					      needed);
	for (i = 0; i < count && !rc; i++)
		if (needed[i]) {
			rc = shadowcopy_requester_add_volume(requester, mounts[i], NULL, NULL);
			rc = rc == -EEXIST ? 0 : rc;
		}
	return rc;
}

static int choose(void)
{
	const struct shadowcopy_backup_state state = {
		.type = SHADOWCOPY_TYPE_FULL, .component_mode = true,
	};
	struct shadowcopy_backup *backup;

	return shadowcopy_requester_init_backup(requester) ?:
	       shadowcopy_requester_set_backup_state(requester, &state) ?:
	       shadowcopy_requester_gather_metadata(requester) ?:
	       shadowcopy_requester_writers(requester, take_metadata, NULL) ?:
	       shadowcopy_requester_start_set(requester) ?:
	       shadowcopy_requester_backup(requester, &backup) ?: choose_all(backup) ?:
	       add_volumes(backup);
}

/* --- the files ---------------------------------------------------------------------- */

/* shadowadm knows with which options a filesystem's shadow is mounted. */
static int mount_shadows(const struct shadowcopy_backup *backup)
{
	static char targets[SHADOW_MAX_SET_VOLUMES][PATH_MAX];
	char command[128], above[PATH_MAX - 32];
	unsigned int n;
	size_t i;

	for (i = 0; i < backup->shadow_count; i++) {
		const struct shadowcopy_backup_shadow *shadow = backup->shadows[i];

		if (!shadow->mount_count || !getcwd(above, sizeof(above)) ||
		    sscanf(shadow->node, "/dev/shadow%u", &n) != 1)
			return 1;
		snprintf(targets[i], sizeof(targets[i]), "%s/shadow%u", above, n);
		snprintf(command, sizeof(command), "shadowadm mount -q %u shadow%u", n, n);
		if (mkdir(targets[i], 0700) || system(command))
			return 1;
		printf("%s: %s, as it was on %s\n", targets[i], shadow->node, shadow->mounts[0]);
		maps[map_count].path = shadow->mounts[0];
		maps[map_count++].directory = targets[i];
	}
	return 0;
}

static void umount_shadows(void)
{
	char command[128];

	while (map_count) {
		const char *target = maps[--map_count].directory;

		snprintf(command, sizeof(command), "shadowadm umount %s", strrchr(target, '/') + 1);
		if (!system(command))
			rmdir(target);
	}
}

static int set_success(struct shadowcopy_backup_component *entry, uint32_t success)
{
	lacking |= success == SHADOWCOPY_SUCCESS_NO;
	return shadowcopy_backup_component_set_value(sc, entry,
						     SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED, success);
}

static int list(struct shadowcopy_backup *backup, FILE *file)
{
	static const char *const kinds[] = {
		[SHADOWCOPY_ITEM_FILE] = "file", [SHADOWCOPY_ITEM_DIRECTORY] = "directory",
		[SHADOWCOPY_ITEM_SYMLINK] = "symlink", [SHADOWCOPY_ITEM_SPECIAL] = "special",
		[SHADOWCOPY_ITEM_RANGES] = "ranges",
	};
	const struct shadowcopy_backup_item *item;
	struct shadowcopy_backup_set *set;
	int rc = shadowcopy_backup_set_new(sc, backup, metadata, metadata_count, maps, map_count,
					   &set);

	if (rc)
		return rc;
	rc = shadowcopy_backup_set_excludes(sc, set, NULL, variable, NULL);
	while (!rc && (rc = shadowcopy_backup_set_next(sc, set, &item))) {
		if (rc < 0) {		/* the rest can be had all the same */
			fprintf(stderr, "%s\n", shadowcopy_last_error(sc)->text);
			rc = set_success(item->entry, SHADOWCOPY_SUCCESS_NO);
			continue;
		}
		rc = 0;
		printf("%s %s -> %s\n", kinds[item->kind], item->read, item->path);
		fprintf(file, "%s%c%s%c%s%c", kinds[item->kind], 0, item->read, 0, item->path, 0);
	}
	shadowcopy_backup_set_free(set);
	return rc;
}

/* --- how it went ------------------------------------------------------------------------ */

static int set_succeeded(struct shadowcopy_backup_writer *writer, uint32_t success)
{
	size_t i;
	int rc = 0;

	for (i = 0; writer && i < writer->component_count && !rc; i++)
		rc = set_success(writer->components[i], success);
	return rc;
}

static int set_all(struct shadowcopy_backup *backup, uint32_t success)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++)
		rc = set_succeeded(backup->writers[i], success);
	return rc;
}

/* The set can be made although a writer has failed after the instant. */
static int look_at_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	if (*writer->part || !*writer->failed_at)
		return 0;
	fprintf(stderr, "writer %s failed at %s: %s\n", writer->name, writer->failed_at,
		writer->text);
	return set_succeeded(shadowcopy_backup_find_writer(data, &writer->class_id,
							   &writer->instance_id),
			     SHADOWCOPY_SUCCESS_NO);
}

static int copy(void)
{
	FILE *file = fopen("files", "we");
	struct shadowcopy_backup *backup;
	int rc = shadowcopy_requester_backup(requester, &backup) ?:
		 set_all(backup, SHADOWCOPY_SUCCESS_YES) ?:
		 shadowcopy_requester_writers(requester, look_at_writer, backup) ?:
		 mount_shadows(backup);

	if (!rc)
		rc = file ? list(backup, file) : 1;
	if (file && fclose(file))
		rc = 1;
	if (rc)
		return rc;
	puts("Copy these, and press Enter.");
	fflush(stdout);
	return getchar() == '\n' ? 0 : set_all(backup, SHADOWCOPY_SUCCESS_NO);
}

static int complete(void)
{
	struct shadowcopy_backup *backup;
	size_t size;
	char *text;

	return shadowcopy_requester_backup_complete(requester) ?:
	       shadowcopy_requester_backup(requester, &backup) ?:
	       shadowcopy_backup_save(sc, backup, &text, &size) ?:
	       save("backup.json", text, size);
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: requester DIRECTORY, which is there, and is empty\n");
		return 2;
	}
	sc = shadowcopy_new();
	if (!sc)
		return 1;
	rc = shadowcopy_requester_open(sc, NULL, &requester) ?: choose() ?:
	     shadowcopy_requester_prepare_backup(requester) ?:
	     shadowcopy_requester_create_set(requester) ?: copy();
	umount_shadows();
	rc = rc ?: complete();
	if (rc)
		fprintf(stderr, "requester: %s\n", rc < 0 ? shadowcopy_last_error(sc)->text :
			"the shadows cannot be mounted, or the list cannot be written");
	shadowcopy_requester_close(requester);
	shadowcopy_free(sc);
	return rc || lacking ? 1 : 0;
}
