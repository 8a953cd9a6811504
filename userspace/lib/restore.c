// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * restore.c - what a restore does, as a plan (VSS f.4, l.2, l.3, l.4).
 *
 * The files of the backup are given to the selected components whose file sets have them,
 * by the metadata that was saved with it; alternate paths mean nothing now.  Each
 * gets its destination: where it was, or its new target, or what a directed target
 * says; and its alternate location, where there is a mapping.  Then each writer's restore
 * method, or the target that it set over it, becomes a row of steps.
 *
 * A part (an entry of the document) is restored as a whole or not at all, so a check
 * is about all of its files.
 */
#include "document.h"

struct planning {
	struct shadowcopy *sc;
	const struct shadowcopy_backup *backup;
	struct shadowcopy_restore_plan *plan;
	int rc;
};

/* --- arrays ------------------------------------------------------------------------ */

static int no_memory(struct shadowcopy *sc)
{
	return SC_FAIL(sc, -ENOMEM, .action = "plan the restore");
}

/* Append to an array of pointers that grows to powers of two. */
#define PUSH(array, count, element) ({ \
	__typeof__(array) more_ = (array); \
	if (!((count) & ((count) - 1))) \
		more_ = realloc((array), ((count) ? 2 * (count) : 1) * sizeof(*(array))); \
	if (more_) { \
		(array) = more_; \
		(array)[(count)++] = (element); \
	} \
	more_ ? 0 : -ENOMEM; })

static void free_file(struct shadowcopy_restore_file *file)
{
	free((char *)file->destination);
	free((char *)file->alternate);
	free(file);
}

SC_EXPORT void shadowcopy_restore_plan_free(struct shadowcopy_restore_plan *plan)
{
	size_t i, j;

	if (!plan)
		return;
	for (i = 0; i < plan->part_count; i++) {
		for (j = 0; j < plan->parts[i]->file_count; j++)
			free_file(plan->parts[i]->files[j]);
		free(plan->parts[i]->files);
		free(plan->parts[i]);
	}
	for (i = 0; i < plan->step_count; i++)
		free(plan->steps[i]);
	free(plan->parts);
	free(plan->steps);
	free(plan->unclaimed);
	free(plan);
}

static int add_step(struct planning *planning, uint32_t kind, uint32_t condition,
		    const struct shadowcopy_metadata *metadata,
		    const struct shadowcopy_restore_part *part, const char *unit)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	struct shadowcopy_restore_step *step = calloc(1, sizeof(*step));

	if (!step || PUSH(plan->steps, plan->step_count, step)) {
		free(step);
		return no_memory(planning->sc);
	}
	*step = (struct shadowcopy_restore_step){
		.kind = kind, .condition = condition, .metadata = metadata, .part = part,
		.unit = unit,
	};
	return 0;
}

/* --- files and their destinations ----------------------------------------------------- */

static char *join(const char *directory, const char *rest)
{
	char *path;

	if (asprintf(&path, "%s%s%s", *rest && !strcmp(directory, "/") ? "" : directory,
		     *rest ? "/" : "", rest) < 0)
		return NULL;
	return path;
}

struct claim {
	const struct shadowcopy_component *component;
	const struct shadowcopy_fileset *set;	/* NULL: a file of the document only */
	struct shadowcopy_restore_part *part;
};

/* Directories in a recursive file set belong to it, whatever their names. */
static const struct shadowcopy_fileset *set_with(struct shadowcopy_fileset *const *sets,
						 size_t count,
						 const struct shadowcopy_media_file *media)
{
	bool directory = media->kind == SHADOWCOPY_ITEM_DIRECTORY;
	size_t i;

	for (i = 0; i < count; i++)
		if (sc_pattern_has(sets[i]->path, directory ? "*" : sets[i]->spec,
				   sets[i]->recursive, media->path))
			return sets[i];
	return NULL;
}

static const struct shadowcopy_fileset *
component_set_with(const struct shadowcopy_component *component,
		   const struct shadowcopy_media_file *media)
{
	return set_with(component->files, component->file_count, media) ?:
	       set_with(component->databases, component->database_count, media) ?:
	       set_with(component->logs, component->log_count, media);
}

/* Files that the document adds to those of the file sets (F-40, F-41). */
static bool entry_has(const struct shadowcopy_backup_component *entry, const char *file)
{
	size_t i;

	for (i = 0; i < entry->partial_file_count; i++)
		if (sc_pattern_has(entry->partial_files[i]->path, entry->partial_files[i]->name,
				   false, file) ||
		    !strcmp(entry->partial_files[i]->ranges, file))
			return true;
	for (i = 0; i < entry->differenced_file_count; i++)
		if (sc_pattern_has(entry->differenced_files[i]->path,
				   entry->differenced_files[i]->spec,
				   entry->differenced_files[i]->recursive, file))
			return true;
	return false;
}

static bool find_claim(const struct planning *planning, const struct shadowcopy_media_file *media,
		       struct claim *claim)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	size_t i, j;

	for (i = 0; i < plan->part_count; i++) {
		struct shadowcopy_restore_part *part = plan->parts[i];

		for (j = 0; j < part->metadata->component_count; j++) {
			struct shadowcopy_backup_component *entry;

			claim->component = part->metadata->components[j];
			claim->set = component_set_with(claim->component, media);
			claim->part = part;
			if (claim->set &&
			    shadowcopy_restore_includes(planning->backup, part->metadata,
							claim->component, &entry) &&
			    entry == part->entry)
				return true;
		}
	}
	for (i = 0; i < plan->part_count; i++) {
		*claim = (struct claim){ .part = plan->parts[i] };
		if (entry_has(plan->parts[i]->entry, media->path))
			return true;
	}
	return false;
}

#define SAME_SET(a, b) \
	(!strcmp((a)->path, (b)->path) && !strcmp((a)->spec, (b)->spec) && \
	 (a)->recursive == (b)->recursive)

/* The directory that the requester wants a file set in, or its own (B-37). */
static const char *target_of(const struct claim *claim)
{
	const struct shadowcopy_backup_component *entry = claim->part->entry;
	size_t i;

	for (i = 0; i < entry->new_target_count; i++)
		if (SAME_SET(entry->new_targets[i], claim->set))
			return entry->new_targets[i]->destination;
	return claim->set->path;
}

static const char *mapping_of(const struct claim *claim)
{
	const struct shadowcopy_metadata *metadata = claim->part->metadata;
	size_t i;

	for (i = 0; i < metadata->mapping_count; i++)
		if (SAME_SET(metadata->mappings[i], claim->set))
			return metadata->mappings[i]->destination;
	return NULL;
}

static const struct shadowcopy_partial_file *
partial_of(const struct shadowcopy_backup_component *entry, const char *file)
{
	size_t i;

	for (i = 0; i < entry->partial_file_count; i++)
		if (sc_pattern_has(entry->partial_files[i]->path, entry->partial_files[i]->name,
				   false, file))
			return entry->partial_files[i];
	return NULL;
}

/* Where a ranges file goes to, which the requester may have moved (B-40). */
static const char *ranges_place(const struct shadowcopy_backup_component *entry, const char *file)
{
	size_t i;

	for (i = 0; i < entry->partial_file_count; i++)
		if (!strcmp(entry->partial_files[i]->ranges, file))
			return entry->partial_files[i]->ranges_path ?: file;
	return file;
}

static struct shadowcopy_restore_file *add_file(struct planning *planning,
						const struct claim *claim,
						const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_part *part = claim->part;
	struct shadowcopy_restore_file *file = calloc(1, sizeof(*file));

	if (!file || PUSH(part->files, part->file_count, file)) {
		free(file);
		planning->rc = no_memory(planning->sc);
		return NULL;
	}
	file->component = claim->component;
	file->path = media->path;
	file->kind = media->kind;
	return file;
}

/* What the writer directs elsewhere; each target is one more file (F-45). */
static size_t add_directed(struct planning *planning, const struct claim *claim,
			   const struct shadowcopy_media_file *media)
{
	const struct shadowcopy_backup_component *entry = claim->part->entry;
	size_t i, added = 0;

	for (i = 0; i < entry->directed_target_count && !planning->rc; i++) {
		const struct shadowcopy_directed_target *target = entry->directed_targets[i];
		struct shadowcopy_restore_file *file;

		if (!sc_pattern_has(target->path, target->name, false, media->path))
			continue;
		file = add_file(planning, claim, media);
		if (!file)
			break;
		file->destination = join(target->destination_path, target->destination_name);
		file->ranges = target->ranges;
		file->destination_ranges = target->destination_ranges;
		if (!file->destination)
			planning->rc = no_memory(planning->sc);
		added++;
	}
	return added;
}

static void place_file(struct planning *planning, const struct claim *claim,
		       const struct shadowcopy_media_file *media)
{
	const struct shadowcopy_backup_component *entry = claim->part->entry;
	const struct shadowcopy_partial_file *partial = partial_of(entry, media->path);
	struct shadowcopy_restore_file *file;
	const char *mapping, *rest;

	if (entry->restore_target == SHADOWCOPY_TARGET_DIRECTED &&
	    (add_directed(planning, claim, media) || planning->rc))
		return;
	file = add_file(planning, claim, media);
	if (!file)
		return;
	if (partial)
		file->ranges = partial->ranges_path ?: partial->ranges;
	if (!claim->set) {
		file->destination = strdup(ranges_place(entry, media->path));
	} else {
		rest = sc_path_below(media->path, claim->set->path);
		file->destination = join(target_of(claim), rest);
		mapping = mapping_of(claim);
		file->alternate = mapping ? join(mapping, rest) : NULL;
		if (mapping && !file->alternate)
			planning->rc = no_memory(planning->sc);
	}
	if (!file->destination)
		planning->rc = no_memory(planning->sc);
}

/* Ranges files have to be there before the files that they tell about. */
static void place_all(struct planning *planning, const struct shadowcopy_media_file *media,
		      size_t count, bool ranges)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	struct claim claim;
	size_t i;

	for (i = 0; i < count && !planning->rc; i++) {
		bool is_ranges = media[i].kind == SHADOWCOPY_ITEM_RANGES;

		if (is_ranges != ranges)
			continue;
		if (find_claim(planning, &media[i], &claim))
			place_file(planning, &claim, &media[i]);
		else if (PUSH(plan->unclaimed, plan->unclaimed_count, media[i].path))
			planning->rc = no_memory(planning->sc);
	}
}

/* --- methods and targets -------------------------------------------------------------- */

enum place {
	PLACE_ORIGINAL,
	PLACE_ALTERNATE,
	PLACE_BOOT,
	PLACE_CUSTOM,
};

/*
 * @check: step that looks first, or 0
 * @otherwise: where to where the check fails
 * @fixed: targets that the writer sets change nothing (l.3)
 */
static const struct method {
	uint32_t method;
	uint32_t check;
	enum place place;
	enum place otherwise;
	bool fixed;
} methods[] = {
	{ SHADOWCOPY_RESTORE_IF_NOT_THERE, SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT, PLACE_ORIGINAL,
	  PLACE_ALTERNATE, false },
	{ SHADOWCOPY_RESTORE_IF_CAN_REPLACE, SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE,
	  PLACE_ORIGINAL, PLACE_ALTERNATE, false },
	{ SHADOWCOPY_RESTORE_STOP_RESTORE_START, 0, PLACE_ORIGINAL, PLACE_ORIGINAL, false },
	{ SHADOWCOPY_RESTORE_RESTORE_STOP_START, 0, PLACE_ORIGINAL, PLACE_ORIGINAL, false },
	{ SHADOWCOPY_RESTORE_TO_ALTERNATE, 0, PLACE_ALTERNATE, PLACE_ALTERNATE, false },
	{ SHADOWCOPY_RESTORE_AT_REBOOT, 0, PLACE_BOOT, PLACE_BOOT, true },
	{ SHADOWCOPY_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE,
	  SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE, PLACE_ORIGINAL, PLACE_BOOT, true },
	{ SHADOWCOPY_RESTORE_CUSTOM, 0, PLACE_CUSTOM, PLACE_CUSTOM, true },
};

static const struct method *method_of(const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods) - 1; i++)
		if (methods[i].method == metadata->restore_method)
			break;
	return &methods[i];
}

static bool has_alternates(const struct shadowcopy_restore_part *part)
{
	size_t i;

	for (i = 0; i < part->file_count; i++)
		if (!part->files[i]->alternate && part->files[i]->kind != SHADOWCOPY_ITEM_RANGES)
			return false;
	return part->file_count;
}

static uint32_t step_of(enum place place)
{
	static const uint32_t steps[] = {
		[PLACE_ORIGINAL] = SHADOWCOPY_RESTORE_STEP_COPY,
		[PLACE_ALTERNATE] = SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE,
		[PLACE_BOOT] = SHADOWCOPY_RESTORE_STEP_STAGE,
		[PLACE_CUSTOM] = SHADOWCOPY_RESTORE_STEP_CUSTOM,
	};

	return steps[place];
}

static int no_alternate(struct planning *planning, const struct shadowcopy_restore_part *part)
{
	return SC_FAIL(planning->sc, -EINVAL, .action = "plan the restore of",
		       .object = part->entry->name,
		       .cause = "its writer wants it in its alternate location, and has not told "
		       "one for each of its file sets",
		       .remedy = "this is a fault of the writer; restore the files by hand");
}

static int plan_place(struct planning *planning, const struct shadowcopy_restore_part *part,
		      enum place place, uint32_t condition)
{
	if (place == PLACE_ALTERNATE && part->file_count && !has_alternates(part))
		return no_alternate(planning, part);
	return add_step(planning, step_of(place), condition, part->metadata, part, NULL);
}

/* What to do where the check failed: another place, if there is one. */
static int plan_otherwise(struct planning *planning, const struct shadowcopy_restore_part *part,
			  const struct method *method)
{
	uint32_t condition = SHADOWCOPY_CONDITION_FAILED;
	int rc = 0;

	if (method->otherwise == PLACE_ALTERNATE && !has_alternates(part))
		return 0;
	if (method->method == SHADOWCOPY_RESTORE_IF_NOT_THERE) {
		rc = add_step(planning, SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT, condition,
			      part->metadata, part, NULL);
		condition = SHADOWCOPY_CONDITION_ALTERNATE_PASSED;
	}
	return rc ?: plan_place(planning, part, method->otherwise, condition);
}

static int plan_part(struct planning *planning, const struct shadowcopy_restore_part *part)
{
	const struct method *method = method_of(part->metadata);
	uint32_t target = part->entry->restore_target;
	int rc;

	if (!method->fixed && target == SHADOWCOPY_TARGET_ALTERNATE)
		return plan_place(planning, part, PLACE_ALTERNATE, SHADOWCOPY_CONDITION_ALWAYS);
	if (!method->fixed && target != SHADOWCOPY_TARGET_ORIGINAL)
		return plan_place(planning, part, PLACE_ORIGINAL, SHADOWCOPY_CONDITION_ALWAYS);
	if (!method->check)
		return plan_place(planning, part, method->place, SHADOWCOPY_CONDITION_ALWAYS);
	rc = add_step(planning, method->check, SHADOWCOPY_CONDITION_ALWAYS, part->metadata, part,
		      NULL);
	if (!rc)
		rc = plan_place(planning, part, method->place, SHADOWCOPY_CONDITION_PASSED);
	return rc ?: plan_otherwise(planning, part, method);
}

/* --- writers ------------------------------------------------------------------------------ */

static int plan_unit(struct planning *planning, const struct shadowcopy_metadata *metadata,
		     uint32_t kind, uint32_t method)
{
	if (metadata->restore_method != method)
		return 0;
	return add_step(planning, kind, SHADOWCOPY_CONDITION_ALWAYS, metadata, NULL,
			metadata->service);
}

static int plan_event(struct planning *planning, const struct shadowcopy_metadata *metadata,
		      uint32_t kind)
{
	uint32_t condition = SHADOWCOPY_CONDITION_ALWAYS;

	if (metadata->participation == SHADOWCOPY_PARTICIPATION_NEVER)
		return 0;
	if (metadata->participation == SHADOWCOPY_PARTICIPATION_IF_REPLACE_FAILS &&
	    kind == SHADOWCOPY_RESTORE_STEP_POST_RESTORE)
		condition = SHADOWCOPY_CONDITION_ANY_FAILED;
	return add_step(planning, kind, condition, metadata, NULL, NULL);
}

/* The steps of a writer's parts, which are neighbours. */
static int plan_writer(struct planning *planning, size_t first, size_t count)
{
	const struct shadowcopy_metadata *metadata = planning->plan->parts[first]->metadata;
	/* What is imported comes with the volume: nothing is copied. */
	bool copies = planning->backup->restore_type != SHADOWCOPY_RESTORE_TYPE_IMPORT;
	size_t i;
	int rc;

	rc = plan_event(planning, metadata, SHADOWCOPY_RESTORE_STEP_PRE_RESTORE);
	if (!rc)
		rc = plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_STOP_UNIT,
			       SHADOWCOPY_RESTORE_STOP_RESTORE_START);
	for (i = 0; copies && i < count && !rc; i++)
		rc = plan_part(planning, planning->plan->parts[first + i]);
	if (!rc)
		rc = plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_START_UNIT,
			       SHADOWCOPY_RESTORE_STOP_RESTORE_START);
	if (!rc)
		rc = plan_event(planning, metadata, SHADOWCOPY_RESTORE_STEP_POST_RESTORE);
	if (!rc)
		rc = plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_STOP_UNIT,
			       SHADOWCOPY_RESTORE_RESTORE_STOP_START);
	return rc ?: plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_START_UNIT,
			       SHADOWCOPY_RESTORE_RESTORE_STOP_START);
}

static bool needs_reboot(const struct shadowcopy_restore_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->part_count; i++)
		if (plan->parts[i]->metadata->reboot)
			return true;
	for (i = 0; i < plan->step_count; i++)
		if (plan->steps[i]->kind == SHADOWCOPY_RESTORE_STEP_STAGE &&
		    plan->steps[i]->condition == SHADOWCOPY_CONDITION_ALWAYS)
			return true;
	return false;
}

static int plan_steps(struct planning *planning)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	size_t i, next;
	int rc = 0;

	for (i = 0; i < plan->part_count && !rc; i = next) {
		for (next = i + 1; next < plan->part_count; next++)
			if (plan->parts[next]->metadata != plan->parts[i]->metadata)
				break;
		rc = plan_writer(planning, i, next - i);
	}
	if (!rc && needs_reboot(plan))
		rc = add_step(planning, SHADOWCOPY_RESTORE_STEP_REBOOT,
			      SHADOWCOPY_CONDITION_ALWAYS, NULL, NULL, NULL);
	return rc;
}

static int add_part(struct planning *planning, const struct shadowcopy_metadata *metadata,
		    const struct shadowcopy_backup_component *entry)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	struct shadowcopy_restore_part *part = calloc(1, sizeof(*part));

	if (!part || PUSH(plan->parts, plan->part_count, part)) {
		free(part);
		return no_memory(planning->sc);
	}
	part->metadata = metadata;
	part->entry = entry;
	return 0;
}

static int add_parts(struct planning *planning, const struct shadowcopy_backup_writer *writer,
		     const struct shadowcopy_metadata *metadata)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		if (!writer->components[i]->selected)
			continue;
		if (!metadata)
			return SC_FAIL(planning->sc, -ENOENT,
				       .action = "plan the restore of writer",
				       .object = writer->name, .cause = "its metadata is not there",
				       .remedy = "load what was saved with the backup");
		rc = add_part(planning, metadata, writer->components[i]);
	}
	return rc;
}

SC_EXPORT int shadowcopy_restore_plan_new(struct shadowcopy *sc,
					  const struct shadowcopy_backup *backup,
					  struct shadowcopy_metadata *const *metadata,
					  size_t count, const struct shadowcopy_media_file *media,
					  size_t media_count,
					  struct shadowcopy_restore_plan **planp)
{
	struct planning planning = { .sc = sc, .backup = backup };
	size_t i;

	*planp = NULL;
	planning.plan = calloc(1, sizeof(*planning.plan));
	if (!planning.plan)
		return no_memory(sc);
	for (i = 0; i < backup->writer_count && !planning.rc; i++)
		planning.rc = add_parts(&planning, backup->writers[i],
					sc_metadata_of(backup->writers[i], metadata, count));
	place_all(&planning, media, media_count, true);
	place_all(&planning, media, media_count, false);
	if (!planning.rc)
		planning.rc = plan_steps(&planning);
	if (planning.rc) {
		shadowcopy_restore_plan_free(planning.plan);
		return planning.rc;
	}
	*planp = planning.plan;
	return 0;
}
