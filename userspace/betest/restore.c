// SPDX-License-Identifier: GPL-2.0-only
/*
 * restore.c - a restore (P-01): one session for each backup of a row, the first one first.
 *
 * Of a row, all sessions but the last say that more restores follow (l.7), so that writers wait
 * with recovering.  Before anything is touched it is looked at whether the row is one: each backup
 * has to build on one that comes before it, by the stamps that the writers gave (F-44).
 */
#include <unistd.h>

#include "betest.h"
#include "copy.h"

struct restoring {
	struct betest *test;
	const char *directory;
	struct documents documents;
	struct shadowcopy_metadata **saved;	/* with values of variables, as the documents' */
	size_t saved_count;
	struct media media;
	bool more;				/* restores follow */
	bool lacking;
};

/* --- what there is ---------------------------------------------------------------------- */

static int load(struct restoring *own)
{
	struct betest *test = own->test;
	int status = documents_load(test->context, own->directory, &own->documents) ?:
		     media_load(test, own->directory, &own->media);
	size_t i;

	own->saved = calloc(own->documents.count + 1, sizeof(*own->saved));
	if (!own->saved)
		return fail(test->context, "there is not enough memory");
	for (i = 0; !status && i < own->documents.count; i++) {
		own->saved[i] = metadata_copy(test, own->documents.metadata[i]);
		if (!own->saved[i])
			return fail_library(test->context);
		own->saved_count++;
	}
	return status;
}

static void clear(struct restoring *own)
{
	documents_free(&own->documents);
	while (own->saved_count)
		shadowcopy_metadata_free(own->saved[--own->saved_count]);
	free(own->saved);
	media_free(&own->media);
}

static struct shadowcopy_metadata *saved_of(const struct restoring *own,
					    const struct shadowcopy_backup_writer *writer)
{
	size_t i;

	for (i = 0; i < own->saved_count; i++)
		if (uuid_equal(&own->saved[i]->class_id, &writer->class_id) &&
		    uuid_equal(&own->saved[i]->instance_id, &writer->instance_id))
			return own->saved[i];
	return NULL;
}

/* --- a row of backups (l.7) ------------------------------------------------------------- */

static const char *stamp_in(const struct restoring *own,
			    const struct shadowcopy_backup_writer *like,
			    const struct shadowcopy_backup_component *entry)
{
	const struct shadowcopy_backup *backup = own->documents.backup;
	const struct shadowcopy_backup_component *same;
	size_t i;

	for (i = 0; i < backup->writer_count; i++) {
		const struct shadowcopy_backup_writer *writer = backup->writers[i];

		if (!uuid_equal(&writer->class_id, &like->class_id) ||
		    strcmp(writer->instance_name ?: "", like->instance_name ?: ""))
			continue;
		same = shadowcopy_backup_find(writer, entry->path, entry->name);
		if (same)
			return same->backup_stamp;
	}
	return NULL;
}

/* An incremental backup builds on the one before it, a differential one on any of those. */
static int check_entry(const struct restoring *row, size_t number,
		       const struct shadowcopy_backup_writer *writer,
		       const struct shadowcopy_backup_component *entry)
{
	bool last = row[number].documents.backup->type == SHADOWCOPY_TYPE_INCREMENTAL;
	const char *stamp;
	size_t i;

	if (!entry->previous_stamp)
		return STATUS_OK;	/* of a full backup, or its writer knows of no row */
	for (i = number; i--;) {
		stamp = stamp_in(&row[i], writer, entry);
		if (stamp && !strcmp(stamp, entry->previous_stamp))
			return STATUS_OK;
		if (last)
			break;
	}
	return fail(row[number].test->context, "%s does not build on %s: %s of writer %s wants "
		    "\"%s\". Name the backups in the order in which they were made, the full one "
		    "first", row[number].directory, number ? row[number - 1].directory :
		    "nothing", entry->name, writer->name, entry->previous_stamp);
}

static int check_row(const struct restoring *row, size_t count)
{
	const struct shadowcopy_backup *backup;
	int status = STATUS_OK;
	size_t i, j, k;

	for (i = 0; i < count; i++) {
		backup = row[i].documents.backup;
		for (j = 0; j < backup->writer_count; j++)
			for (k = 0; !status && k < backup->writers[j]->component_count; k++)
				status = check_entry(row, i, backup->writers[j],
						     backup->writers[j]->components[k]);
	}
	return status;
}

/* --- choosing --------------------------------------------------------------------------- */

/* A writer of today: its instance is new at each start, its class and its name are not. */
struct live {
	const struct shadowcopy_backup_writer *wanted;
	const char *instance_name;
	struct shadow_uuid instance;
	bool has_metadata;
};

static int on_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct live *live = data;

	if (!uuid_equal(&writer->class_id, &live->wanted->class_id) ||
	    strcmp(writer->instance_name, live->instance_name) ||
	    !strcmp(writer->part, "absent"))
		return 0;
	live->has_metadata = writer->has_metadata;
	live->instance = writer->instance_id;
	return 1;
}

static int find_live(struct restoring *own, const struct shadowcopy_backup_writer *writer,
		     const char *instance_name, struct shadowcopy_metadata **live)
{
	struct live wanted = { .wanted = writer, .instance_name = instance_name };
	int rc = shadowcopy_requester_writers(own->test->requester, on_writer, &wanted);

	*live = NULL;
	if (rc < 0 || (wanted.has_metadata &&
		       shadowcopy_requester_metadata(own->test->requester, &wanted.instance,
						     live)))
		return fail_library(own->test->context);
	return STATUS_OK;
}

/* "none", "all", or a point in the writer's own words (B-44). */
static int set_roll_forward(struct restoring *own, struct shadowcopy_backup_component *entry,
			    const char *value)
{
	uint32_t kind = !strcmp(value, "none") ? SHADOWCOPY_ROLL_FORWARD_NONE :
			!strcmp(value, "all") ? SHADOWCOPY_ROLL_FORWARD_ALL :
			SHADOWCOPY_ROLL_FORWARD_PARTIAL;

	return shadowcopy_backup_component_set_roll_forward(own->test->context->sc, entry, kind,
			kind == SHADOWCOPY_ROLL_FORWARD_PARTIAL ? value : NULL);
}

static int add_subcomponent(struct restoring *own, struct shadowcopy_backup_component *entry,
			    const struct shadowcopy_metadata *saved, const char *value)
{
	char *path = strdup(value), *slash = path ? strrchr(path, '/') : NULL;
	struct shadowcopy *sc = own->test->context->sc;
	int rc = -ENOMEM;

	if (slash)
		*slash = '\0';
	if (path)
		rc = shadowcopy_backup_add_restore_subcomponent(sc, entry, saved, slash ? path : "",
								slash ? slash + 1 : path);
	free(path);
	return rc;
}

static int add_new_targets(struct restoring *own, struct shadowcopy_backup_component *entry,
			   const struct shadowcopy_metadata *saved,
			   struct shadowcopy_fileset *const *sets, size_t count)
{
	struct settings *targets = &own->test->settings[SETTING_NEW_TARGET];
	struct shadowcopy *sc = own->test->context->sc;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < targets->count; i++)
		for (j = 0; j < count && !rc; j++) {
			if (strcmp(targets->list[i].path, sets[j]->path))
				continue;
			targets->list[i].used = true;
			rc = shadowcopy_backup_component_add_new_target(sc, entry, saved,
									sets[j]->path,
									sets[j]->spec,
									sets[j]->recursive,
									targets->list[i].value);
		}
	return rc;
}

/* Those of components that came with the entry have to be asked for at the entry (B-37). */
static int set_new_targets(struct restoring *own, struct shadowcopy_backup *backup,
			   struct shadowcopy_backup_component *entry,
			   const struct shadowcopy_metadata *saved)
{
	struct shadowcopy_backup_component *by;
	size_t i;
	int rc = 0;

	for (i = 0; i < saved->component_count && !rc; i++) {
		const struct shadowcopy_component *c = saved->components[i];

		if (!shadowcopy_restore_includes(backup, saved, c, &by) || by != entry)
			continue;
		rc = add_new_targets(own, entry, saved, c->files, c->file_count) ?:
		     add_new_targets(own, entry, saved, c->databases, c->database_count) ?:
		     add_new_targets(own, entry, saved, c->logs, c->log_count);
	}
	return rc;
}

static const char *setting_value(struct restoring *own, uint32_t kind,
				 const struct shadowcopy_backup_writer *writer,
				 const struct shadowcopy_backup_component *entry)
{
	const struct setting *setting = setting_for(own->test, kind, writer->name,
						    writer->instance_name, entry->path,
						    entry->name);

	return setting ? setting->value ?: "" : NULL;
}

/* A ranges file goes where it is in nobody's way, if that was asked for (B-40). */
static int move_ranges(struct restoring *own, struct shadowcopy_backup_component *entry)
{
	size_t i;
	int rc = 0;

	for (i = 0; own->test->ranges && i < entry->partial_file_count && !rc; i++) {
		const struct shadowcopy_partial_file *file = entry->partial_files[i];
		char *path;

		if (*file->ranges != '/')
			continue;
		if (asprintf(&path, "%s/%s-%zu", own->test->ranges, file->name, i) < 0)
			return -ENOMEM;
		rc = shadowcopy_backup_component_set_ranges_path(own->test->context->sc, entry,
								 file->path, file->name, path);
		free(path);
	}
	return rc;
}

static int set_up(struct restoring *own, struct shadowcopy_backup *backup,
		  const struct shadowcopy_backup_writer *writer,
		  struct shadowcopy_backup_component *entry,
		  const struct shadowcopy_metadata *saved)
{
	struct shadowcopy *sc = own->test->context->sc;
	const char *options = setting_value(own, SETTING_RESTORE_OPTIONS, writer, entry);
	const char *name = setting_value(own, SETTING_RENAME, writer, entry);
	const char *roll = setting_value(own, SETTING_ROLL_FORWARD, writer, entry);
	const char *sub = setting_value(own, SETTING_SUBCOMPONENT, writer, entry);
	const char *wins = setting_value(own, SETTING_AUTHORITATIVE, writer, entry);
	uint32_t property;
	int rc = 0;

	setting_value(own, SETTING_FORGET, writer, entry);	/* for later */
	if (sub)
		rc = add_subcomponent(own, entry, saved, sub);
	property = SHADOWCOPY_PROPERTY_RESTORE_OPTIONS;
	if (!rc && options)
		rc = shadowcopy_backup_component_set_text(sc, entry, property, options);
	property = SHADOWCOPY_PROPERTY_RESTORE_NAME;
	if (!rc && name)
		rc = shadowcopy_backup_component_set_text(sc, entry, property, name);
	property = SHADOWCOPY_PROPERTY_AUTHORITATIVE;
	if (!rc && wins)
		rc = shadowcopy_backup_component_set_value(sc, entry, property, true);
	property = SHADOWCOPY_PROPERTY_ADDITIONAL_RESTORES;
	if (!rc && own->more)
		rc = shadowcopy_backup_component_set_value(sc, entry, property, true);
	/* the end of the row is what is rolled forward */
	if (!rc && roll && !own->more)
		rc = set_roll_forward(own, entry, roll);
	return rc ?: set_new_targets(own, backup, entry, saved) ?: move_ranges(own, entry);
}

static int select_one(struct restoring *own, struct shadowcopy_backup *backup,
		      const struct shadowcopy_backup_writer *writer,
		      struct shadowcopy_backup_component *entry)
{
	const char *move = setting_value(own, SETTING_MOVE, writer, entry);
	struct shadowcopy_metadata *saved = saved_of(own, writer), *live;
	struct context *context = own->test->context;

	if (!saved)
		return fail(context, "%s: the metadata of writer %s is not there. Restore from "
			    "all of what the backup has", own->directory, writer->name);
	if (entry->backup_succeeded == SHADOWCOPY_SUCCESS_NO) {
		warn(context, "%s of writer %s was not backed up in %s, and is left out",
		     entry->name, writer->name, own->directory);
		own->lacking = true;
		return STATUS_OK;
	}
	if (find_live(own, writer, move ?: writer->instance_name ?: "", &live))
		return STATUS_FAILED;
	if (shadowcopy_backup_select(context->sc, entry, saved, live) ||
	    set_up(own, backup, writer, entry, saved))
		return fail_library(context);
	return STATUS_OK;
}

static int choose(struct restoring *own)
{
	struct betest *test = own->test;
	struct shadowcopy_backup *backup;
	int status = STATUS_OK;
	size_t i, j;

	if (shadowcopy_requester_backup(test->requester, &backup))
		return fail_library(test->context);
	for (i = 0; i < backup->writer_count; i++) {
		const struct shadowcopy_backup_writer *writer = backup->writers[i];

		for (j = 0; !status && j < writer->component_count; j++)
			if (betest_wants(test, writer->name, writer->instance_name,
					 writer->components[j]->path, writer->components[j]->name))
				status = select_one(own, backup, writer, writer->components[j]);
	}
	if (!status && shadowcopy_restore_check(test->context->sc, backup, own->saved,
						own->saved_count))
		status = fail_library(test->context);
	return status;
}

static int begin(struct restoring *own)
{
	struct betest *test = own->test;

	if (shadowcopy_requester_open(test->context->sc, NULL, &test->requester) ||
	    shadowcopy_requester_init_restore(test->requester, own->documents.text,
					      own->documents.size) ||
	    (test->restore_type &&
	     shadowcopy_requester_set_restore_type(test->requester, test->restore_type)) ||
	    shadowcopy_requester_gather_metadata(test->requester))
		return fail_library(test->context);
	return choose(own);
}

/* --- the end ---------------------------------------------------------------------------- */

static const char *const statuses[] = {
	[SHADOWCOPY_STATUS_UNDEFINED] = "undefined", [SHADOWCOPY_STATUS_NONE] = "none",
	[SHADOWCOPY_STATUS_ALL] = "all", [SHADOWCOPY_STATUS_FAILED] = "failed",
};

/* B-38; each of a component's file sets that has an alternate location went there. */
static int note_alternates(struct restoring *own, struct shadowcopy_backup_component *entry,
			   const struct shadowcopy_restore_part *part)
{
	struct shadowcopy *sc = own->test->context->sc;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < part->metadata->mapping_count && !rc; i++) {
		const struct shadowcopy_mapping *mapping = part->metadata->mappings[i];

		for (j = 0; j < part->file_count; j++)
			if (part->files[j]->alternate &&
			    !strncmp(part->files[j]->path, mapping->path, strlen(mapping->path)))
				break;
		if (j == part->file_count)
			continue;
		rc = shadowcopy_backup_component_add_alternate_used(sc, entry, part->metadata,
								    mapping->path, mapping->spec,
								    mapping->recursive,
								    mapping->destination);
		if (rc == -ENOENT || rc == -EEXIST)	/* of another component, or told */
			rc = 0;
	}
	return rc;
}

static int note_part(struct restoring *own, struct shadowcopy_backup *backup,
		     const struct shadowcopy_restore_part *part, const struct outcome *outcome)
{
	struct shadowcopy_backup_writer *writer;
	struct shadowcopy_backup_component *entry;
	char *name;

	writer = shadowcopy_backup_find_writer(backup, &part->metadata->class_id,
					       &part->metadata->instance_id);
	entry = entry_in(backup, writer, part->entry);
	if (!entry)
		return fail(own->test->context, "%s is not in the document any more",
			    part->entry->name);
	name = component_text(writer->name, entry->path, entry->name);
	printf("%s %s%s\n", name ?: "", statuses[outcome->status], outcome->alternate ?
	       ", in its alternate location" : outcome->staged ? ", at the next boot" : "");
	free(name);
	own->lacking |= outcome->status != SHADOWCOPY_STATUS_ALL;
	if (outcome->alternate && note_alternates(own, entry, part))
		return fail_library(own->test->context);
	if (setting_value(own, SETTING_FORGET, writer, entry))
		return STATUS_OK;
	if (shadowcopy_backup_component_set_value(own->test->context->sc, entry,
						  SHADOWCOPY_PROPERTY_FILE_RESTORE_STATUS,
						  outcome->status))
		return fail_library(own->test->context);
	return STATUS_OK;
}

static int finish(struct betest *test, const struct shadowcopy_restore_plan *plan,
		  const struct outcome *outcomes, void *data)
{
	struct restoring *own = data;
	struct shadowcopy_backup *backup;
	int status = STATUS_OK;
	size_t i;

	if (shadowcopy_requester_backup(test->requester, &backup))
		return fail_library(test->context);
	for (i = 0; !status && i < plan->part_count; i++)
		status = note_part(own, backup, plan->parts[i], &outcomes[i]);
	fflush(stdout);
	if (!status && test->run && betest_run(test, test->run))
		status = fail(test->context, "the command of --run failed");
	if (status)
		return status;
	if (shadowcopy_requester_post_restore(test->requester))
		return fail_library(test->context);
	own->lacking |= documents_failed_writers(test->context, test->requester);
	return STATUS_OK;
}

/* --- one session ------------------------------------------------------------------------ */

/* Of a copy with values in place of variables; what is told goes into the session's own. */
static int plan_new(struct restoring *own, struct shadowcopy_backup **copy,
		    struct shadowcopy_restore_plan **plan)
{
	struct shadowcopy *sc = own->test->context->sc;
	struct shadowcopy_backup *backup;

	if (shadowcopy_requester_backup(own->test->requester, &backup) ||
	    shadowcopy_backup_view(sc, backup, NULL, 0, copy) ||
	    shadowcopy_backup_expand(sc, *copy, betest_variable, NULL) ||
	    shadowcopy_restore_plan_new(sc, *copy, own->saved, own->saved_count, own->media.list,
					own->media.count, plan))
		return fail_library(own->test->context);
	return STATUS_OK;
}

/* Where a writer has no room for it, nothing of it may be touched. */
static int make_room(struct restoring *own)
{
	if (shadowcopy_requester_pre_restore(own->test->requester))
		return fail_library(own->test->context);
	if (documents_failed_writers(own->test->context, own->test->requester))
		return fail(own->test->context, "a writer is not ready for what is restored, and "
			    "nothing was touched. See its log");
	return STATUS_OK;
}

static int restore_one(struct restoring *own)
{
	struct betest *test = own->test;
	struct shadowcopy_restore_plan *plan = NULL;
	struct shadowcopy_backup *copy = NULL;
	int status = begin(own);

	status = status ?: settings_check(test, SETTING_COUNT);
	if (!status && !test->dry_run)
		status = make_room(own);
	status = status ?: plan_new(own, &copy, &plan);
	if (!status && test->dry_run)
		carry_print(plan);
	else if (!status)
		status = carry_out(test, plan, own->directory, finish, own);
	shadowcopy_restore_plan_free(plan);
	shadowcopy_backup_free(copy);
	shadowcopy_requester_close(test->requester);
	test->requester = NULL;
	return status ?: own->lacking ? STATUS_DEGRADED : STATUS_OK;
}

int betest_restore(struct betest *test, char **directories, size_t count)
{
	struct restoring *row = calloc(count, sizeof(*row));
	int status = row ? STATUS_OK : STATUS_FAILED;
	size_t i;

	for (i = 0; !status && i < count; i++) {
		row[i].test = test;
		row[i].more = i + 1 < count || test->additional;
		row[i].directory = realpath(directories[i], NULL);
		status = row[i].directory ? load(&row[i]) :
			 fail(test->context, "cannot read %s: %s", directories[i],
			      strerror(errno));
	}
	status = status ?: check_row(row, count);
	/* What comes behind one that is not whole would make it worse. */
	for (i = 0; !status && i < count; i++)
		status = restore_one(&row[i]);
	if (status == STATUS_DEGRADED && i < count)
		status = fail(test->context, "%s was not restored as a whole, so that what follows "
			      "it was not begun", row[i - 1].directory);
	for (i = 0; row && i < count; i++) {
		clear(&row[i]);
		free((char *)row[i].directory);
	}
	free(row);
	return status;
}
