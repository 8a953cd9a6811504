// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * restore.c - the restore of a backup that requester.c has made: "restore DIRECTORY"
 *
 * DIRECTORY has the documents of the backup, and in the file "files" what it has.  All of it is
 * selected, and its writers make room; the plan is printed, and is carried out by who reads
 * it.  An empty line on standard input says that this was done, anything else that some of it
 * may be new and some old.  Then writers take up what was restored.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libshadowcopy-requester.h>

static struct shadowcopy *sc;
static struct shadowcopy_requester *requester;
static struct shadowcopy_metadata *saved[SHADOW_NL_MAX_WRITERS], *live[SHADOW_NL_MAX_WRITERS];
static size_t saved_count, live_count;
static struct shadowcopy_media_file *media;
static size_t media_count;

static const char *variable(void *data, const char *name)
{
	(void)data;
	return getenv(name);
}

/* --- what was backed up ------------------------------------------------------------------ */

/* There are no zeros in a document: so it is read whole. */
static int begin(void)
{
	FILE *file = fopen("backup.json", "re");
	size_t room = 0;
	char *text = NULL;
	ssize_t size = file ? getdelim(&text, &room, '\0', file) : -1;
	int rc = size < 0 ? 1 : shadowcopy_requester_init_restore(requester, text, size);

	free(text);
	if (file)
		fclose(file);
	return rc;
}

static int load_metadata(const struct shadowcopy_backup_writer *writer)
{
	struct shadowcopy_metadata **own = &saved[saved_count];
	char uuid[SHADOWCOPY_UUID_LEN], name[64];
	int fd, rc;

	snprintf(name, sizeof(name), "%s.json", shadowcopy_uuid_format(&writer->instance_id, uuid));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || saved_count == SHADOW_NL_MAX_WRITERS)
		return 1;
	rc = shadowcopy_metadata_load_fd(sc, fd, name, 0, own);
	close(fd);
	if (rc)
		return rc;
	saved_count++;
	return shadowcopy_metadata_expand(sc, *own, variable, NULL);
}

/* A list of three texts each: what it is, where it was read, and where it was. */
static int load_files(void)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} kinds[] = {
		{ "file", SHADOWCOPY_ITEM_FILE }, { "directory", SHADOWCOPY_ITEM_DIRECTORY },
		{ "symlink", SHADOWCOPY_ITEM_SYMLINK }, { "special", SHADOWCOPY_ITEM_SPECIAL },
		{ "ranges", SHADOWCOPY_ITEM_RANGES }, { NULL, 0 },
	}, *kind;
	char *text[3] = { NULL };
	FILE *file = fopen("files", "re");
	size_t room[3] = { 0 };

	while (file && getdelim(&text[0], &room[0], '\0', file) > 0 &&
	       getdelim(&text[1], &room[1], '\0', file) > 0 &&
	       getdelim(&text[2], &room[2], '\0', file) > 0) {
		media = realloc(media, (media_count + 1) * sizeof(*media));
		for (kind = kinds; kind->name && strcmp(kind->name, text[0]); kind++)
			;
		if (!media || !kind->name)
			break;
		media[media_count++] = (struct shadowcopy_media_file){
			.path = strdup(text[2]), .kind = kind->kind,
		};
	}
	free(text[0]);
	free(text[1]);
	free(text[2]);
	return !file || !feof(file) || fclose(file);
}

/* --- what is restored ------------------------------------------------------------------------ */

static int take_live(void *data, const struct shadowcopy_requester_writer *writer)
{
	int rc;

	(void)data;
	if (!writer->has_metadata || live_count == SHADOW_NL_MAX_WRITERS)
		return 0;
	rc = shadowcopy_requester_metadata(requester, &writer->instance_id, &live[live_count]);
	live_count += !rc;
	return rc;
}

/* The writer of today: its instance is new at each start, its class and name are not. */
static const struct shadowcopy_metadata *live_one(const struct shadowcopy_metadata *own)
{
	const char *name = own->instance_name ?: "";
	size_t i;

	for (i = 0; i < live_count; i++)
		if (shadowcopy_uuid_equal(&live[i]->class_id, &own->class_id) &&
		    !strcmp(live[i]->instance_name ?: "", name))
			return live[i];
	return NULL;
}

static int select_all(struct shadowcopy_backup *backup)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++) {
		struct shadowcopy_backup_writer *writer = backup->writers[i];

		rc = load_metadata(writer);
		for (j = 0; j < writer->component_count && !rc; j++)
			rc = shadowcopy_backup_select(sc, writer->components[j], saved[i],
						      live_one(saved[i]));
	}
	return rc ?: shadowcopy_restore_check(sc, backup, saved, saved_count);
}

static int choose(void)
{
	struct shadowcopy_backup *backup;

	return shadowcopy_requester_gather_metadata(requester) ?:
	       shadowcopy_requester_writers(requester, take_live, NULL) ?:
	       shadowcopy_requester_backup(requester, &backup) ?: select_all(backup);
}

/* --- the plan --------------------------------------------------------------------------------- */

static const char *const step_texts[] = {
	[SHADOWCOPY_RESTORE_STEP_PRE_RESTORE] = "the writer makes room",
	[SHADOWCOPY_RESTORE_STEP_STOP_UNIT] = "stop",
	[SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT] = "check that nothing is there",
	[SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE] = "check that all of it can be replaced",
	[SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT] = "check that nothing is there instead",
	[SHADOWCOPY_RESTORE_STEP_COPY] = "copy",
	[SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE] = "copy to the alternate location",
	[SHADOWCOPY_RESTORE_STEP_STAGE] = "have it replaced at the next boot",
	[SHADOWCOPY_RESTORE_STEP_CUSTOM] = "do what the writer's documentation says",
	[SHADOWCOPY_RESTORE_STEP_START_UNIT] = "start",
	[SHADOWCOPY_RESTORE_STEP_POST_RESTORE] = "the writer takes it up",
	[SHADOWCOPY_RESTORE_STEP_REBOOT] = "restart the machine",
};

static const char *const condition_texts[] = {
	[SHADOWCOPY_CONDITION_ALWAYS] = "",
	[SHADOWCOPY_CONDITION_PASSED] = ", if the check has passed",
	[SHADOWCOPY_CONDITION_FAILED] = ", if the check has failed",
	[SHADOWCOPY_CONDITION_ALTERNATE_PASSED] = ", if the second check has passed",
	[SHADOWCOPY_CONDITION_ANY_FAILED] = ", if not all of it has gone to its place",
};

static void print_step(const struct shadowcopy_restore_step *step)
{
	bool alternate = step->kind == SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT ||
			 step->kind == SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE;
	size_t i;

	printf("%s %s: %s%s\n", step->metadata ? step->metadata->name : "-",
	       step->part ? step->part->entry->name : step->unit ? step->unit : "-",
	       step_texts[step->kind], condition_texts[step->condition]);
	for (i = 0; step->part && i < step->part->file_count; i++) {
		const struct shadowcopy_restore_file *file = step->part->files[i];

		printf("\t%s -> %s\n", file->path, alternate ? file->alternate : file->destination);
	}
}

static int carry_out(const struct shadowcopy_restore_plan *plan)
{
	uint32_t status;
	size_t i;
	int rc = 0;

	for (i = 0; i < plan->step_count; i++)
		print_step(plan->steps[i]);
	for (i = 0; i < plan->unclaimed_count; i++)
		printf("of nothing that is restored: %s\n", plan->unclaimed[i]);
	puts("Do this, but what writers do, and press Enter.");
	fflush(stdout);
	status = getchar() == '\n' ? SHADOWCOPY_STATUS_ALL : SHADOWCOPY_STATUS_FAILED;
	for (i = 0; i < plan->part_count && !rc; i++)
		rc = shadowcopy_backup_component_set_value(sc, plan->parts[i]->entry,
							   SHADOWCOPY_PROPERTY_FILE_RESTORE_STATUS,
							   status);
	return rc;
}

static int look_at_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	(void)data;
	if (*writer->part || !*writer->failed_at)
		return 0;
	fprintf(stderr, "writer %s failed at %s: %s\n", writer->name, writer->failed_at,
		writer->text);
	return 1;
}

/* Where a writer has no room for it, nothing of it may be touched. */
static int restore(void)
{
	struct shadowcopy_restore_plan *plan = NULL;
	struct shadowcopy_backup *backup;
	int rc = shadowcopy_requester_pre_restore(requester) ?:
		 shadowcopy_requester_writers(requester, look_at_writer, NULL) ?:
		 shadowcopy_requester_backup(requester, &backup) ?:
		 shadowcopy_restore_plan_new(sc, backup, saved, saved_count, media, media_count,
					     &plan) ?: carry_out(plan);

	shadowcopy_restore_plan_free(plan);
	return rc ?: shadowcopy_requester_post_restore(requester) ?:
	       shadowcopy_requester_writers(requester, look_at_writer, NULL);
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: restore DIRECTORY, to which requester has backed up\n");
		return 2;
	}
	sc = shadowcopy_new();
	if (!sc)
		return 1;
	rc = shadowcopy_requester_open(sc, NULL, &requester) ?: begin() ?: load_files() ?:
	     choose() ?: restore();
	if (rc)
		fprintf(stderr, "restore: %s\n", rc < 0 ? shadowcopy_last_error(sc)->text :
			"a writer has failed, or what was backed up cannot be read");
	shadowcopy_requester_close(requester);
	while (saved_count)
		shadowcopy_metadata_free(saved[--saved_count]);
	while (media_count)
		free((char *)media[--media_count].path);
	free(media);
	shadowcopy_free(sc);
	return rc ? 1 : 0;
}
