// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * restore.c - what a restore does, as a plan (VSS f.4, l.2, l.3, l.4).
 *
 * The files of the backup are given to the selected components (destinations.c).  Then each
 * writer's restore method, or the target that it set over it, becomes a row of steps, in phases
 * that all writers go through together.
 *
 * A part (an entry of the document) is restored as a whole or not at all, so a check
 * is about all of its files.
 */
#include "planning.h"
#include "tree.h"

/* --- the plan ---------------------------------------------------------------------- */

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

static int add_step(struct sc_planning *planning, uint32_t kind, uint32_t condition,
		    const struct shadowcopy_metadata *metadata,
		    const struct shadowcopy_restore_part *part, const char *unit)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	struct shadowcopy_restore_step *step = calloc(1, sizeof(*step));

	if (!step || SC_PUSH(plan->steps, plan->step_count, step)) {
		free(step);
		return sc_planning_no_memory(planning->sc);
	}
	*step = (struct shadowcopy_restore_step){
		.kind = kind, .condition = condition, .metadata = metadata, .part = part,
		.unit = unit,
	};
	return 0;
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

static int no_alternate(struct sc_planning *planning, const struct shadowcopy_restore_part *part)
{
	return SC_FAIL(planning->sc, -EINVAL, .action = "plan the restore of",
		       .object = part->entry->name,
		       .cause = "its writer wants it in its alternate location, and has not told "
		       "one for each of its file sets",
		       .remedy = "this is a fault of the writer; restore the files by hand");
}

static int plan_place(struct sc_planning *planning, const struct shadowcopy_restore_part *part,
		      enum place place, uint32_t condition)
{
	if (place == PLACE_ALTERNATE && part->file_count && !has_alternates(part))
		return no_alternate(planning, part);
	return add_step(planning, step_of(place), condition, part->metadata, part, NULL);
}

/* What to do where the check failed: another place, if there is one. */
static int plan_otherwise(struct sc_planning *planning, const struct shadowcopy_restore_part *part,
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

static int plan_part(struct sc_planning *planning, const struct shadowcopy_restore_part *part)
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

static int plan_unit(struct sc_planning *planning, const struct shadowcopy_metadata *metadata,
		     uint32_t kind, uint32_t method)
{
	if (metadata->restore_method != method)
		return 0;
	return add_step(planning, kind, SHADOWCOPY_CONDITION_ALWAYS, metadata, NULL,
			metadata->service);
}

static int plan_event(struct sc_planning *planning, const struct shadowcopy_metadata *metadata,
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

typedef int (*phase_fn)(struct sc_planning *planning, size_t first, size_t count);

static const struct shadowcopy_metadata *writer_at(const struct sc_planning *planning, size_t part)
{
	return planning->plan->parts[part]->metadata;
}

static int plan_before(struct sc_planning *planning, size_t first, size_t count)
{
	(void)count;
	return plan_event(planning, writer_at(planning, first),
			  SHADOWCOPY_RESTORE_STEP_PRE_RESTORE);
}

static int plan_copies(struct sc_planning *planning, size_t first, size_t count)
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

static int plan_after(struct sc_planning *planning, size_t first, size_t count)
{
	(void)count;
	return plan_event(planning, writer_at(planning, first),
			  SHADOWCOPY_RESTORE_STEP_POST_RESTORE);
}

static int plan_restart(struct sc_planning *planning, size_t first, size_t count)
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
static int plan_phase(struct sc_planning *planning, phase_fn phase)
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
static int plan_reboot(struct sc_planning *planning)
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

static int plan_steps(struct sc_planning *planning)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_SIZE(phases) && !rc; i++)
		rc = plan_phase(planning, phases[i]);
	return rc ?: plan_reboot(planning);
}

/* --- parts ------------------------------------------------------------------------------- */

static int add_part(struct sc_planning *planning, const struct shadowcopy_metadata *metadata,
		    struct shadowcopy_backup_component *entry)
{
	struct shadowcopy_restore_plan *plan = planning->plan;
	struct shadowcopy_restore_part *part = calloc(1, sizeof(*part));

	if (!part || SC_PUSH(plan->parts, plan->part_count, part)) {
		free(part);
		return sc_planning_no_memory(planning->sc);
	}
	part->metadata = metadata;
	part->entry = entry;
	return 0;
}

/* The file sets of what is restored of a writer by the parts from @first on. */
static int claim_writer(struct sc_planning *planning, const struct sc_tree *tree, size_t first)
{
	const struct shadowcopy_backup_component *entry;
	const struct sc_branch *branch;
	size_t part, i;
	int rc = 0;

	for (part = first; part < planning->plan->part_count; part++) {
		entry = planning->plan->parts[part]->entry;
		for (i = 0; i < tree->count && !rc; i++) {
			branch = &tree->branches[i];
			if (branch->by == entry && sc_is_restored(branch))
				rc = sc_claim_component(planning, part, branch->component);
		}
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

static int add_parts(struct sc_planning *planning, const struct shadowcopy_backup_writer *writer,
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
	struct sc_planning planning = { .sc = sc, .backup = backup };
	size_t i;

	*planp = NULL;
	planning.plan = calloc(1, sizeof(*planning.plan));
	if (!planning.plan)
		return sc_planning_no_memory(sc);
	for (i = 0; i < backup->writer_count && !planning.rc; i++)
		planning.rc = add_parts(&planning, backup->writers[i],
					sc_metadata_of(backup->writers[i], metadata, count));
	if (!planning.rc)
		planning.rc = sc_claim_rest(&planning);
	sc_place_all(&planning, media, media_count);
	if (!planning.rc)
		planning.rc = plan_steps(&planning);
	sc_claims_clear(&planning);
	if (planning.rc) {
		shadowcopy_restore_plan_free(planning.plan);
		return planning.rc;
	}
	*planp = planning.plan;
	return 0;
}
