// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * destinations.c - which part of a restore has a file, and where it goes (VSS f.4).
 *
 * Each part claims what it has: the file sets of its components, by the metadata that was saved
 * with the backup, and what the document adds to them.  A file of the backup goes to the first
 * that has it, and gets its destination: where it was, or its new target, or what a directed
 * target says; and its alternate location, where there is a mapping.
 */
#include "planning.h"

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

static int variable_fail(struct sc_planning *planning, const char *path)
{
	return SC_FAIL(planning->sc, -EINVAL, .action = "plan the restore of files in",
		       .object = path, .cause = "it has a variable in it",
		       .remedy = "expand the documents before");
}

static bool has_variable(const char *path)
{
	return path && strstr(path, "${");
}

static int add_claim(struct sc_planning *planning, const struct sc_claim *claim,
		     const struct sc_pattern *pattern)
{
	struct sc_claim *copy;

	if (has_variable(pattern->path))
		return variable_fail(planning, pattern->path);
	if (has_variable(claim->target) || has_variable(claim->alternate))
		return variable_fail(planning, claim->alternate ?: claim->target);
	copy = malloc(sizeof(*copy));
	if (!copy || SC_PUSH(planning->claims, planning->claim_count, copy)) {
		free(copy);
		return sc_planning_no_memory(planning->sc);
	}
	*copy = *claim;
	if (sc_patterns_add(&planning->patterns, pattern))
		return sc_planning_no_memory(planning->sc);
	return 0;
}

static int claim_sets(struct sc_planning *planning, struct sc_claim *claim,
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

int sc_claim_component(struct sc_planning *planning, size_t part,
		       const struct shadowcopy_component *component)
{
	struct sc_claim claim = { .part = part, .component = component };
	int rc = claim_sets(planning, &claim, component->files, component->file_count);

	if (!rc)
		rc = claim_sets(planning, &claim, component->databases, component->database_count);
	return rc ?: claim_sets(planning, &claim, component->logs, component->log_count);
}

/* Files that the document adds to those of the file sets (F-40, F-41). */
static int claim_document(struct sc_planning *planning, size_t part)
{
	const struct shadowcopy_backup_component *entry = planning->plan->parts[part]->entry;
	struct sc_claim claim = { .part = part };
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

static int note_partials(struct sc_planning *planning, size_t part)
{
	const struct shadowcopy_backup_component *entry = planning->plan->parts[part]->entry;
	size_t i;

	for (i = 0; i < entry->partial_file_count; i++) {
		const struct shadowcopy_partial_file *file = entry->partial_files[i];
		struct sc_pattern pattern = { .path = file->path, .spec = file->name };

		if (SC_PUSH(planning->partial_files, planning->partial_count, file) ||
		    sc_patterns_add(&planning->partials, &pattern))
			return sc_planning_no_memory(planning->sc);
	}
	if (SC_PUSH(planning->first_partials, planning->first_partial_count,
		    planning->partial_count))
		return sc_planning_no_memory(planning->sc);
	return 0;
}

/* What the document adds, behind the file sets of all parts. */
int sc_claim_rest(struct sc_planning *planning)
{
	size_t i;
	int rc = SC_PUSH(planning->first_partials, planning->first_partial_count, 0);

	if (rc)
		return sc_planning_no_memory(planning->sc);
	for (i = 0; i < planning->plan->part_count && !rc; i++) {
		rc = claim_document(planning, i);
		if (!rc)
			rc = note_partials(planning, i);
	}
	if (!rc && (sc_patterns_sort(&planning->patterns) || sc_patterns_sort(&planning->partials)))
		rc = sc_planning_no_memory(planning->sc);
	return rc;
}

void sc_claims_clear(struct sc_planning *planning)
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

static const struct shadowcopy_partial_file *partial_of(const struct sc_planning *planning,
							size_t part, const char *file)
{
	size_t number = sc_patterns_find(&planning->partials, file, false,
					 planning->first_partials[part],
					 planning->first_partials[part + 1]);

	return number == SC_NO_PATTERN ? NULL : planning->partial_files[number];
}

static struct shadowcopy_restore_file *add_file(struct sc_planning *planning,
						const struct sc_claim *claim,
						const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_part *part = planning->plan->parts[claim->part];
	struct shadowcopy_restore_file *file = calloc(1, sizeof(*file));

	if (!file || SC_PUSH(part->files, part->file_count, file)) {
		free(file);
		planning->rc = sc_planning_no_memory(planning->sc);
		return NULL;
	}
	file->component = claim->component;
	file->path = media->path;
	file->kind = media->kind;
	return file;
}

/* What the writer directs elsewhere; each target is one more file (F-45). */
static size_t add_directed(struct sc_planning *planning, const struct sc_claim *claim,
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
		file->destination = sc_path_join(target->destination_path,
						 target->destination_name);
		file->ranges = target->ranges;
		file->destination_ranges = target->destination_ranges;
		if (!file->destination)
			planning->rc = sc_planning_no_memory(planning->sc);
		added++;
	}
	return added;
}

static void place_file(struct sc_planning *planning, const struct sc_claim *claim,
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
		planning->rc = sc_planning_no_memory(planning->sc);
}

/* A ranges file goes to where the requester has it, whatever else it is a part of (B-40). */
static bool place_ranges(struct sc_planning *planning, const struct shadowcopy_media_file *media)
{
	struct shadowcopy_restore_file *file;
	struct sc_claim claim = { 0 };
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
		planning->rc = sc_planning_no_memory(planning->sc);
	return true;
}

static void place_one(struct sc_planning *planning, const struct shadowcopy_media_file *media)
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
	else if (SC_PUSH(plan->unclaimed, plan->unclaimed_count, media->path))
		planning->rc = sc_planning_no_memory(planning->sc);
}

static void place_some(struct sc_planning *planning, const struct shadowcopy_media_file *media,
		       size_t count, bool ranges)
{
	size_t i;

	for (i = 0; i < count && !planning->rc; i++) {
		bool is_ranges = media[i].kind == SHADOWCOPY_ITEM_RANGES;

		if (is_ranges == ranges)
			place_one(planning, &media[i]);
	}
}

/* Ranges files have to be there before the files that they tell about. */
void sc_place_all(struct sc_planning *planning, const struct shadowcopy_media_file *media,
		  size_t count)
{
	place_some(planning, media, count, true);
	place_some(planning, media, count, false);
}
