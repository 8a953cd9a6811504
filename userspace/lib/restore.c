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
#include "patterns.h"
#include "tree.h"

/* What a pattern of files means, by its number among all patterns. */
struct claim {
	size_t part;
	const struct shadowcopy_component *component;	/* NULL: a file of the document only */
	const struct shadowcopy_fileset *set;		/* NULL with it */
	const char *target;		/* directory that the file set goes to */
	const char *alternate;		/* its alternate location, or NULL */
};

struct planning {
	struct shadowcopy *sc;
	const struct shadowcopy_backup *backup;
	struct shadowcopy_restore_plan *plan;
	struct sc_patterns patterns;	/* of all that is restored */
	struct claim **claims;
	size_t claim_count;
	struct sc_patterns partials;	/* partial files of all parts, part by part */
	const struct shadowcopy_partial_file **partial_files;
	size_t partial_count;
	size_t *first_partials;		/* of each part; and where the last one's end */
	size_t first_partial_count;
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

#define SAME_SET(a, b) \
	(!strcmp((a)->path, (b)->path) && !strcmp((a)->spec, (b)->spec) && \
	 (a)->recursive == (b)->recursive)

/* The directory that the requester wants a file set in, or its own (B-37). */
static const char *target_of(const struct shadowcopy_backup_component *entry,
			     const struct shadowcopy_fileset *set)
{
	size_t i;

	for (i = 0; i < entry->new_target_count; i++)
		if (SAME_SET(entry->new_targets[i], set))
			return entry->new_targets[i]->destination;
	return set->path;
}

static const char *mapping_of(const struct shadowcopy_metadata *metadata,
			      const struct shadowcopy_fileset *set)
{
	size_t i;

	for (i = 0; i < metadata->mapping_count; i++)
		if (SAME_SET(metadata->mappings[i], set))
			return metadata->mappings[i]->destination;
	return NULL;
}

static int variable_fail(struct planning *planning, const char *path)
{
	return SC_FAIL(planning->sc, -EINVAL, .action = "plan the restore of files in",
		       .object = path, .cause = "it has a variable in it",
		       .remedy = "expand the documents before");
}

static bool has_variable(const char *path)
{
	return path && strstr(path, "${");
}

static int add_claim(struct planning *planning, const struct claim *claim,
		     const struct sc_pattern *pattern)
{
	struct claim *copy;

	if (has_variable(pattern->path))
		return variable_fail(planning, pattern->path);
	if (has_variable(claim->target) || has_variable(claim->alternate))
		return variable_fail(planning, claim->alternate ?: claim->target);
	copy = malloc(sizeof(*copy));
	if (!copy || PUSH(planning->claims, planning->claim_count, copy)) {
		free(copy);
		return no_memory(planning->sc);
	}
	*copy = *claim;
	return sc_patterns_add(&planning->patterns, pattern) ? no_memory(planning->sc) : 0;
}

static int claim_sets(struct planning *planning, struct claim *claim,
		      struct shadowcopy_fileset *const *sets, size_t count)
{
	const struct shadowcopy_restore_part *part = planning->plan->parts[claim->part];
	size_t i;
	int rc = 0;

	for (i = 0; i < count && !rc; i++) {
		claim->set = sets[i];
		claim->target = target_of(part->entry, sets[i]);
		claim->alternate = mapping_of(part->metadata, sets[i]);
		rc = add_claim(planning, claim, &(struct sc_pattern){
			.path = sets[i]->path, .spec = sets[i]->spec,
			.recursive = sets[i]->recursive, .directories = sets[i]->recursive });
	}
	return rc;
}

static int claim_component(struct planning *planning, size_t part,
			   const struct shadowcopy_component *component)
{
	struct claim claim = { .part = part, .component = component };
	int rc = claim_sets(planning, &claim, component->files, component->file_count);

	if (!rc)
		rc = claim_sets(planning, &claim, component->databases, component->database_count);
	return rc ?: claim_sets(planning, &claim, component->logs, component->log_count);
}

/* Files that the document adds to those of the file sets (F-40, F-41). */
static int claim_document(struct planning *planning, size_t part)
{
	const struct shadowcopy_backup_component *entry = planning->plan->parts[part]->entry;
	struct claim claim = { .part = part };
	size_t i;
	int rc = 0;

	for (i = 0; i < entry->partial_file_count && !rc; i++)
		rc = add_claim(planning, &claim, &(struct sc_pattern){
			.path = entry->partial_files[i]->path,
			.spec = entry->partial_files[i]->name });
	for (i = 0; i < entry->differenced_file_count && !rc; i++)
		rc = add_claim(planning, &claim, &(struct sc_pattern){
			.path = entry->differenced_files[i]->path,
			.spec = entry->differenced_files[i]->spec,
			.recursive = entry->differenced_files[i]->recursive });
	return rc;
}

static int note_partials(struct planning *planning, size_t part)
{
	const struct shadowcopy_backup_component *entry = planning->plan->parts[part]->entry;
	size_t i;

	for (i = 0; i < entry->partial_file_count; i++) {
		const struct shadowcopy_partial_file *file = entry->partial_files[i];
		struct sc_pattern pattern = { .path = file->path, .spec = file->name };

		if (PUSH(planning->partial_files, planning->partial_count, file) ||
		    sc_patterns_add(&planning->partials, &pattern))
			return no_memory(planning->sc);
	}
	if (PUSH(planning->first_partials, planning->first_partial_count, planning->partial_count))
		return no_memory(planning->sc);
	return 0;
}

/* What the document adds, behind the file sets of all parts. */
static int claim_rest(struct planning *planning)
{
	size_t i;
	int rc = PUSH(planning->first_partials, planning->first_partial_count, 0);

	if (rc)
		return no_memory(planning->sc);
	for (i = 0; i < planning->plan->part_count && !rc; i++) {
		rc = claim_document(planning, i);
		if (!rc)
			rc = note_partials(planning, i);
	}
	if (!rc && (sc_patterns_sort(&planning->patterns) || sc_patterns_sort(&planning->partials)))
		rc = no_memory(planning->sc);
	return rc;
}

static void clear_claims(struct planning *planning)
{
	size_t i;

	for (i = 0; i < planning->claim_count; i++)
		free(planning->claims[i]);
	free(planning->claims);
	free(planning->partial_files);
	free(planning->first_partials);
	sc_patterns_clear(&planning->patterns);
	sc_patterns_clear(&planning->partials);
}

static const struct shadowcopy_partial_file *partial_of(const struct planning *planning,
							size_t part, const char *file)
{
	size_t number = sc_patterns_find(&planning->partials, file, false,
					 planning->first_partials[part],
					 planning->first_partials[part + 1]);

	return number == SC_NO_PATTERN ? NULL : planning->partial_files[number];
}

static struct shadowcopy_restore_file *add_file(struct planning *planning,
						const struct claim *claim,
						const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_part *part = planning->plan->parts[claim->part];
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
	const struct shadowcopy_backup_component *entry;
	size_t i, added = 0;

	entry = planning->plan->parts[claim->part]->entry;
	for (i = 0; i < entry->directed_target_count && !planning->rc; i++) {
		const struct shadowcopy_directed_target *target = entry->directed_targets[i];
		struct shadowcopy_restore_file *file;

		if (!sc_pattern_has(target->path, target->name, false, media->path))
			continue;
		if (has_variable(target->destination_path)) {
			planning->rc = variable_fail(planning, target->destination_path);
			break;
		}
		file = add_file(planning, claim, media);
		if (!file)
			break;
		file->destination = sc_path_join(target->destination_path, target->destination_name);
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
	const struct shadowcopy_backup_component *entry;
	const struct shadowcopy_partial_file *partial;
	struct shadowcopy_restore_file *file;
	const char *rest;

	entry = planning->plan->parts[claim->part]->entry;
	if (entry->restore_target == SHADOWCOPY_TARGET_DIRECTED &&
	    (add_directed(planning, claim, media) || planning->rc))
		return;
	file = add_file(planning, claim, media);
	if (!file)
		return;
	partial = partial_of(planning, claim->part, media->path);
	if (partial)
		file->ranges = partial->ranges_path ?: partial->ranges;
	if (!claim->set) {
		file->destination = strdup(media->path);
	} else {
		rest = sc_path_below(media->path, claim->set->path);
		file->destination = sc_path_join(claim->target, rest);
		file->alternate = claim->alternate ? sc_path_join(claim->alternate, rest) : NULL;
	}
	if (!file->destination || (claim->alternate && !file->alternate))
		planning->rc = no_memory(planning->sc);
}

/* A ranges file goes to where the requester has it, whatever else it is a part of (B-40). */
static bool place_ranges(struct planning *planning, const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_file *file;
	struct claim claim = { 0 };
	size_t i;

	for (i = 0; i < planning->partial_count; i++)
		if (!strcmp(planning->partial_files[i]->ranges, media->path))
			break;
	if (i == planning->partial_count)
		return false;
	while (planning->first_partials[claim.part + 1] <= i)
		claim.part++;
	file = add_file(planning, &claim, media);
	if (!file)
		return true;
	file->destination = strdup(planning->partial_files[i]->ranges_path ?: media->path);
	if (!file->destination)
		planning->rc = no_memory(planning->sc);
	return true;
}

static void place_one(struct planning *planning, const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	const char *fault = sc_place_fault(media->path);
	char cause[128];
	size_t number;

	if (fault) {
		snprintf(cause, sizeof(cause), "its path %s", fault);
		planning->rc = SC_FAIL(planning->sc, -EINVAL, .action = "restore",
				       .object = media->path, .cause = cause,
				       .remedy = "do not trust this backup: files are in it under "
				       "paths that lead elsewhere");
		return;
	}
	if (media->kind == SHADOWCOPY_ITEM_RANGES && place_ranges(planning, media))
		return;
	number = sc_patterns_find(&planning->patterns, media->path,
				  media->kind == SHADOWCOPY_ITEM_DIRECTORY, 0,
				  planning->claim_count);
	if (number != SC_NO_PATTERN)
		place_file(planning, planning->claims[number], media);
	else if (PUSH(plan->unclaimed, plan->unclaimed_count, media->path))
		planning->rc = no_memory(planning->sc);
}

/* Ranges files have to be there before the files that they tell about. */
static void place_all(struct planning *planning, const struct shadowcopy_media_file *media,
		      size_t count, bool ranges)
{
	size_t i;

	for (i = 0; i < count && !planning->rc; i++) {
		bool is_ranges = media[i].kind == SHADOWCOPY_ITEM_RANGES;

		if (is_ranges == ranges)
			place_one(planning, &media[i]);
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

/* --- phases: what is done for all writers before the next begins (l.1) ----------------------- */

typedef int (*phase_fn)(struct planning *planning, size_t first, size_t count);

static const struct shadowcopy_metadata *writer_at(const struct planning *planning, size_t part)
{
	return planning->plan->parts[part]->metadata;
}

static int plan_before(struct planning *planning, size_t first, size_t count)
{
	(void)count;
	return plan_event(planning, writer_at(planning, first),
			  SHADOWCOPY_RESTORE_STEP_PRE_RESTORE);
}

static int plan_copies(struct planning *planning, size_t first, size_t count)
{
	const struct shadowcopy_metadata *metadata = writer_at(planning, first);
	/* What is imported comes with the volume: nothing is copied. */
	bool copies = planning->backup->restore_type != SHADOWCOPY_RESTORE_TYPE_IMPORT;
	size_t i;
	int rc;

	rc = plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_STOP_UNIT,
		       SHADOWCOPY_RESTORE_STOP_RESTORE_START);
	for (i = 0; copies && i < count && !rc; i++)
		rc = plan_part(planning, planning->plan->parts[first + i]);
	return rc ?: plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_START_UNIT,
			       SHADOWCOPY_RESTORE_STOP_RESTORE_START);
}

static int plan_after(struct planning *planning, size_t first, size_t count)
{
	(void)count;
	return plan_event(planning, writer_at(planning, first),
			  SHADOWCOPY_RESTORE_STEP_POST_RESTORE);
}

static int plan_restart(struct planning *planning, size_t first, size_t count)
{
	const struct shadowcopy_metadata *metadata = writer_at(planning, first);
	int rc = plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_STOP_UNIT,
			   SHADOWCOPY_RESTORE_RESTORE_STOP_START);

	(void)count;
	return rc ?: plan_unit(planning, metadata, SHADOWCOPY_RESTORE_STEP_START_UNIT,
			       SHADOWCOPY_RESTORE_RESTORE_STOP_START);
}

static const phase_fn phases[] = { plan_before, plan_copies, plan_after, plan_restart };

/* A writer's parts are neighbours. */
static int plan_phase(struct planning *planning, phase_fn phase)
{
	size_t first, next, count = planning->plan->part_count;
	int rc = 0;

	for (first = 0; first < count && !rc; first = next) {
		for (next = first + 1; next < count; next++)
			if (writer_at(planning, next) != writer_at(planning, first))
				break;
		rc = phase(planning, first, next - first);
	}
	return rc;
}

/* A restart of the machine is needed always, or where something was staged, or not at all. */
static int plan_reboot(struct planning *planning)
{
	const struct shadowcopy_restore_plan *plan = planning->plan;
	bool always = false, staged = false;
	size_t i;

	for (i = 0; i < plan->part_count; i++)
		always |= plan->parts[i]->metadata->reboot;
	for (i = 0; i < plan->step_count; i++) {
		if (plan->steps[i]->kind != SHADOWCOPY_RESTORE_STEP_STAGE)
			continue;
		staged = true;
		always |= plan->steps[i]->condition == SHADOWCOPY_CONDITION_ALWAYS;
	}
	if (!always && !staged)
		return 0;
	return add_step(planning, SHADOWCOPY_RESTORE_STEP_REBOOT,
			always ? SHADOWCOPY_CONDITION_ALWAYS : SHADOWCOPY_CONDITION_ANY_STAGED,
			NULL, NULL, NULL);
}

static int plan_steps(struct planning *planning)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_SIZE(phases) && !rc; i++)
		rc = plan_phase(planning, phases[i]);
	return rc ?: plan_reboot(planning);
}

/* --- parts ------------------------------------------------------------------------------- */

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

/* The file sets of what is restored of a writer by the parts from @first on. */
static int claim_writer(struct planning *planning, const struct sc_tree *tree, size_t first)
{
	const struct shadowcopy_backup_component *entry;
	size_t part, i;
	int rc = 0;

	for (part = first; part < planning->plan->part_count; part++) {
		entry = planning->plan->parts[part]->entry;
		for (i = 0; i < tree->count && !rc; i++)
			if (tree->branches[i].by == entry && sc_is_restored(&tree->branches[i]))
				rc = claim_component(planning, part, tree->branches[i].component);
	}
	return rc;
}

static bool is_selected(const struct shadowcopy_backup_writer *writer)
{
	size_t i;

	for (i = 0; i < writer->component_count; i++)
		if (writer->components[i]->selected)
			return true;
	return false;
}

static int add_parts(struct planning *planning, const struct shadowcopy_backup_writer *writer,
		     const struct shadowcopy_metadata *metadata)
{
	size_t i, first = planning->plan->part_count;
	struct sc_tree tree;
	int rc;

	if (!is_selected(writer))
		return 0;
	if (!metadata)
		return SC_FAIL(planning->sc, -ENOENT, .action = "plan the restore of writer",
			       .object = writer->name, .cause = "its metadata is not there",
			       .remedy = "load what was saved with the backup");
	rc = sc_tree_new(planning->sc, metadata, &tree);
	if (rc)
		return rc;
	sc_tree_enter(&tree, writer);
	for (i = 0; i < writer->component_count && !rc; i++)
		if (writer->components[i]->selected)
			rc = add_part(planning, metadata, writer->components[i]);
	if (!rc)
		rc = claim_writer(planning, &tree, first);
	sc_tree_clear(&tree);
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
	if (!planning.rc)
		planning.rc = claim_rest(&planning);
	place_all(&planning, media, media_count, true);
	place_all(&planning, media, media_count, false);
	if (!planning.rc)
		planning.rc = plan_steps(&planning);
	clear_claims(&planning);
	if (planning.rc) {
		shadowcopy_restore_plan_free(planning.plan);
		return planning.rc;
	}
	*planp = planning.plan;
	return 0;
}
