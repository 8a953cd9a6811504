// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * selection.c - which components are in a backup and in a restore (VSS f.3).
 *
 * A component lies below those whose path and name its logical path begins with.  Whether a
 * backup may, must or must not name it follows from two things, which are the table
 * below: is it selectable, and is one above it?  A selectable component with
 * all below it is a component set; choosing it chooses the set, of which it alone gets an
 * entry in the document.
 *
 * At a restore the metadata saved with the backup counts, and whether components are
 * selectable for restore: such a one may be chosen alone, from within the set that was
 * backed up.
 *
 * Components in the system's state belong together, whichever writers have them: a backup of the
 * system's state has all of them, and another one has all or none, but for writers that offer to
 * be backed up alone ("independent-system-state").
 *
 * The catalogue leaves open whether one mandatory component brings those below it, which
 * are mandatory, too (appendix C, 4).  Here each gets its entry; a document in which
 * the lower ones have none is accepted.
 */
#include "backup.h"
#include "tree.h"

/* --- one component ---------------------------------------------------------------- */

static bool same_name(const char *path_a, const char *name_a, const char *path_b,
		      const char *name_b)
{
	return !strcmp(path_a ?: "", path_b ?: "") && !strcmp(name_a, name_b);
}

static const struct shadowcopy_component *
nearest_selectable(const struct shadowcopy_metadata *metadata,
		   const struct shadowcopy_component *component)
{
	const struct shadowcopy_component *nearest = NULL;
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *above = metadata->components[i];

		if (above->selectable && sc_is_below(component->path, above->path, above->name) &&
		    (!nearest || strlen(above->path ?: "") > strlen(nearest->path ?: "")))
			nearest = above;
	}
	return nearest;
}

SC_EXPORT uint32_t
shadowcopy_component_selectability(const struct shadowcopy_metadata *metadata,
				   const struct shadowcopy_component *component)
{
	return sc_selectability(component->selectable, nearest_selectable(metadata, component));
}

SC_EXPORT bool
shadowcopy_component_in_system_state(const struct shadowcopy_metadata *metadata,
				     const struct shadowcopy_component *component)
{
	return (metadata->usage == SHADOWCOPY_USAGE_SYSTEM_BOOT ||
		metadata->usage == SHADOWCOPY_USAGE_SYSTEM_SERVICE) &&
	       !(component->flags & SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE);
}

/* --- what is in the document ------------------------------------------------------- */

static struct shadowcopy_backup_writer *writer_of(const struct shadowcopy_backup *backup,
						  const struct shadowcopy_metadata *metadata)
{
	return shadowcopy_backup_find_writer(backup, &metadata->class_id, &metadata->instance_id);
}

/*
 * The nearest entry above a component that brings it: a selectable one brings all, others only
 * what is mandatory as they are.
 */
static struct shadowcopy_backup_component *
nearest_entry(const struct shadowcopy_backup_writer *writer,
	      const struct shadowcopy_metadata *metadata,
	      const struct shadowcopy_component *component)
{
	bool mandatory = shadowcopy_component_selectability(metadata, component) ==
			 SHADOWCOPY_SELECTABILITY_MANDATORY;
	struct shadowcopy_backup_component *nearest = NULL;
	size_t i;

	for (i = 0; i < writer->component_count; i++) {
		struct shadowcopy_backup_component *entry = writer->components[i];
		const struct shadowcopy_component *above;

		if (!sc_is_below(component->path, entry->path, entry->name))
			continue;
		above = shadowcopy_metadata_find(metadata, entry->path, entry->name);
		if (above && (mandatory || above->selectable) &&
		    (!nearest || strlen(entry->path ?: "") > strlen(nearest->path ?: "")))
			nearest = entry;
	}
	return nearest;
}

SC_EXPORT uint32_t shadowcopy_backup_inclusion(const struct shadowcopy_backup *backup,
					       const struct shadowcopy_metadata *metadata,
					       const struct shadowcopy_component *component,
					       struct shadowcopy_backup_component **entryp)
{
	const struct shadowcopy_backup_writer *writer = writer_of(backup, metadata);
	struct shadowcopy_backup_component *entry = NULL;
	uint32_t inclusion = SHADOWCOPY_INCLUSION_NONE;

	if (writer)
		entry = shadowcopy_backup_find(writer, component->path, component->name);
	if (entry) {
		inclusion = SHADOWCOPY_INCLUSION_EXPLICIT;
	} else if (writer) {
		entry = nearest_entry(writer, metadata, component);
		if (entry)
			inclusion = SHADOWCOPY_INCLUSION_IMPLICIT;
	}
	if (entryp)
		*entryp = entry;
	return inclusion;
}

/* --- choosing ------------------------------------------------------------------------ */

/* A failure with a component, and often with another one. */
static int choose_fail(struct shadowcopy *sc, int code, const char *action, const char *path,
		       const char *name, const char *cause, const char *other, const char *remedy)
{
	char *logical = name ? sc_logical(path, name) : NULL, *text = NULL;
	int rc;

	if (other && asprintf(&text, "%s %s", cause, other) < 0)
		text = NULL;
	rc = SC_FAIL(sc, code, .action = action, .object = logical ?: name, .cause = text ?: cause,
		     .remedy = remedy);
	free(logical);
	free(text);
	return rc;
}

static int add_fail(struct shadowcopy *sc, int code, const struct shadowcopy_component *component,
		    const char *cause, const char *other, const char *remedy)
{
	return choose_fail(sc, code, "choose component", component->path, component->name, cause,
			   other, remedy);
}

static int add_writer(struct shadowcopy *sc, struct shadowcopy_backup *backup,
		      const struct shadowcopy_metadata *metadata,
		      struct shadowcopy_backup_writer **writerp)
{
	struct shadowcopy_backup_writer *writer;
	int rc = SC_LIST_ADD(sc, backup, writers, &writer);

	if (rc)
		return rc;
	writer->class_id = metadata->class_id;
	writer->instance_id = metadata->instance_id;
	rc = SC_SET_TEXT(sc, writer, name, metadata->name);
	if (!rc)
		rc = SC_SET_TEXT(sc, writer, instance_name, metadata->instance_name);
	if (rc)
		SC_LIST_DROP(backup, writers);
	else
		*writerp = writer;
	return rc;
}

static int add_entry(struct shadowcopy *sc, struct shadowcopy_backup_writer *writer,
		     const struct shadowcopy_component *component,
		     struct shadowcopy_backup_component **entryp)
{
	struct shadowcopy_backup_component *entry;
	int rc = SC_LIST_ADD(sc, writer, components, &entry);

	if (rc)
		return rc;
	entry->type = component->type;
	rc = SC_SET_TEXT(sc, entry, path, component->path);
	if (!rc)
		rc = SC_SET_TEXT(sc, entry, name, component->name);
	if (rc)
		SC_LIST_DROP(writer, components);
	else
		*entryp = entry;
	return rc;
}

/* An entry that lies below a component, or NULL. */
static const struct shadowcopy_backup_component *
entry_below(const struct shadowcopy_backup_writer *writer,
	    const struct shadowcopy_component *component)
{
	size_t i;

	for (i = 0; i < writer->component_count; i++)
		if (sc_is_below(writer->components[i]->path, component->path, component->name))
			return writer->components[i];
	return NULL;
}

/* Rules 3 and 4, and that nothing is there twice. */
static int may_add(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
		   const struct shadowcopy_metadata *metadata,
		   const struct shadowcopy_component *component)
{
	const struct shadowcopy_backup_writer *writer = writer_of(backup, metadata);
	const struct shadowcopy_backup_component *below;
	const struct shadowcopy_component *above;
	struct shadowcopy_backup_component *entry;

	if (shadowcopy_component_selectability(metadata, component) ==
	    SHADOWCOPY_SELECTABILITY_IMPLICIT) {
		above = nearest_selectable(metadata, component);
		return add_fail(sc, -EINVAL, component, "it is not selectable, and comes with",
				above->name, "choose that one");
	}
	switch (shadowcopy_backup_inclusion(backup, metadata, component, &entry)) {
	case SHADOWCOPY_INCLUSION_EXPLICIT:
		return add_fail(sc, -EEXIST, component, "it was chosen already", NULL,
				"choose each component once");
	case SHADOWCOPY_INCLUSION_IMPLICIT:
		return add_fail(sc, -EEXIST, component, "it is in the backup with", entry->name,
				"nothing has to be done");
	default:
		break;
	}
	below = writer && component->selectable ? entry_below(writer, component) : NULL;
	if (below)
		return add_fail(sc, -EEXIST, component, "a part of it was chosen already:",
				below->name, "choose the whole first, or the parts only");
	return 0;
}

static int add_mandatory(struct shadowcopy *sc, struct shadowcopy_backup_writer *writer,
			 const struct shadowcopy_metadata *metadata)
{
	struct shadowcopy_backup_component *entry;
	struct sc_tree tree;
	size_t i;
	int rc = sc_tree_new(sc, metadata, &tree);

	if (rc)
		return rc;
	for (i = 0; i < tree.count && !rc; i++)
		if (sc_branch_selectability(&tree.branches[i]) ==
		    SHADOWCOPY_SELECTABILITY_MANDATORY)
			rc = add_entry(sc, writer, tree.branches[i].component, &entry);
	sc_tree_clear(&tree);
	return rc;
}

/* The component, and the mandatory ones where it is the writer's first. */
static int add_chosen(struct shadowcopy *sc, struct shadowcopy_backup *backup,
		      const struct shadowcopy_metadata *metadata,
		      const struct shadowcopy_component *component,
		      struct shadowcopy_backup_component **entryp)
{
	struct shadowcopy_backup_writer *writer = writer_of(backup, metadata);
	bool is_new = !writer;
	size_t before = writer ? writer->component_count : 0;
	int rc = 0;

	if (is_new)
		rc = add_writer(sc, backup, metadata, &writer);
	if (rc)
		return rc;
	if (!before)
		rc = add_mandatory(sc, writer, metadata);
	if (!rc) {
		*entryp = shadowcopy_backup_find(writer, component->path, component->name);
		if (!*entryp)
			rc = add_entry(sc, writer, component, entryp);
	}
	while (rc && writer->component_count > before)
		SC_LIST_DROP(writer, components);
	if (rc && is_new)
		SC_LIST_DROP(backup, writers);
	return rc;
}

SC_EXPORT int shadowcopy_backup_add_component(struct shadowcopy *sc,
					      struct shadowcopy_backup *backup,
					      const struct shadowcopy_metadata *metadata,
					      const char *path, const char *name,
					      struct shadowcopy_backup_component **entryp)
{
	const struct shadowcopy_component *component;
	struct shadowcopy_backup_component *entry = NULL;
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_COMPONENTS);

	if (entryp)
		*entryp = NULL;
	if (!rc && (backup->context & SHADOWCOPY_ATTR_NO_WRITERS))
		rc = SC_FAIL(sc, -EINVAL, .action = "choose component", .object = name,
			     .cause = "no writer takes part in a backup of this context",
			     .remedy = "set another context first: \"backup\", for example");
	if (rc)
		return rc;
	component = shadowcopy_metadata_find(metadata, path, name);
	if (!component)
		return choose_fail(sc, -ENOENT, "choose component", path, name,
				   "this writer has none of that name:", metadata->name,
				   "\"path\" and \"name\" in its metadata are what it has");
	if (shadowcopy_component_selectability(metadata, component) ==
	    SHADOWCOPY_SELECTABILITY_MANDATORY &&
	    shadowcopy_backup_inclusion(backup, metadata, component, &entry)) {
		if (entryp)
			*entryp = entry;
		return 0;
	}
	rc = may_add(sc, backup, metadata, component);
	if (!rc)
		rc = add_chosen(sc, backup, metadata, component, &entry);
	if (!rc && entryp)
		*entryp = entry;
	return rc;
}

SC_EXPORT int shadowcopy_backup_remove_writer(struct shadowcopy *sc,
					      struct shadowcopy_backup *backup,
					      const struct shadow_uuid *class_id,
					      const struct shadow_uuid *instance_id)
{
	struct shadowcopy_backup_writer *writer, *last;
	size_t i;
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_COMPONENTS);

	if (rc)
		return rc;
	writer = shadowcopy_backup_find_writer(backup, class_id, instance_id);
	if (!writer)
		return SC_FAIL(sc, -ENOENT, .action = "leave the writer out",
			       .cause = "it takes no part", .remedy = "nothing has to be done");
	last = backup->writers[backup->writer_count - 1];
	for (i = 0; backup->writers[i] != writer; i++)
		;
	backup->writers[i] = last;
	backup->writers[backup->writer_count - 1] = writer;
	SC_LIST_DROP(backup, writers);
	return 0;
}

/* --- dependencies (rule 8) ------------------------------------------------------------- */

struct dependency_walk {
	struct shadowcopy *sc;
	struct shadowcopy_backup *backup;
	struct shadowcopy_metadata *const *metadata;
	struct sc_tree *trees;		/* of each of them */
	size_t count;
	bool (*included)(const struct sc_branch *branch);
	/* What to do with one whose target is not in: 0 or an error. */
	int (*missing)(const struct dependency_walk *walk,
		       const struct shadowcopy_component *dependent, size_t writer,
		       const struct sc_branch *target);
	bool changed;
};

static void clear_walk(struct dependency_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->count; i++)
		sc_tree_clear(&walk->trees[i]);
	free(walk->trees);
}

static int begin_walk(struct dependency_walk *walk)
{
	size_t i;
	int rc = 0;

	walk->trees = calloc(walk->count + 1, sizeof(*walk->trees));
	if (!walk->trees)
		return SC_FAIL(walk->sc, -ENOMEM, .action = "look at dependencies");
	for (i = 0; i < walk->count && !rc; i++) {
		rc = sc_tree_new(walk->sc, walk->metadata[i], &walk->trees[i]);
		if (!rc)
			sc_tree_enter(&walk->trees[i], writer_of(walk->backup, walk->metadata[i]));
	}
	if (rc)
		clear_walk(walk);
	return rc;
}

/* The first writer of a class that has such a component; *writer is which. */
static const struct sc_branch *find_target(const struct dependency_walk *walk,
					   const struct shadowcopy_dependency *dependency,
					   size_t *writer)
{
	const struct sc_branch *target;
	size_t i;

	for (i = 0; i < walk->count; i++) {
		if (!sc_uuid_equal(&walk->metadata[i]->class_id, &dependency->class_id))
			continue;
		target = sc_tree_find(&walk->trees[i], dependency->path, dependency->name);
		*writer = i;
		if (target)
			return target;
	}
	return NULL;
}

static int walk_dependency(struct dependency_walk *walk,
			   const struct shadowcopy_component *dependent,
			   const struct shadowcopy_dependency *dependency)
{
	const struct sc_branch *target;
	size_t writer;

	if (dependency->host)
		return 0;
	target = find_target(walk, dependency, &writer);
	if (!target)
		return add_fail(walk->sc, -ENOENT, dependent,
				"no writer has what it depends on:", dependency->name,
				"leave it out, or start the writer");
	if (walk->included(target))
		return 0;
	walk->changed = true;
	return walk->missing(walk, dependent, writer, target);
}

/* Each component that is in, once. */
static int walk_tree(struct dependency_walk *walk, struct sc_tree *tree)
{
	size_t i, j;
	int rc = 0;

	for (i = 0; i < tree->count && !rc; i++) {
		struct sc_branch *branch = &tree->branches[i];
		const struct shadowcopy_component *component = branch->component;

		if (branch->walked || !walk->included(branch))
			continue;
		branch->walked = true;
		for (j = 0; j < component->dependency_count && !rc; j++)
			rc = walk_dependency(walk, component, component->dependencies[j]);
	}
	return rc;
}

/* It ends: each round but the last adds a component. */
static int walk_dependencies(struct dependency_walk *walk)
{
	size_t i;
	int rc = begin_walk(walk);

	if (rc)
		return rc;
	do {
		walk->changed = false;
		for (i = 0; i < walk->count && !rc; i++)
			rc = walk_tree(walk, &walk->trees[i]);
	} while (!rc && walk->changed);
	clear_walk(walk);
	return rc;
}

static bool in_backup(const struct sc_branch *branch)
{
	return branch->by;
}

static int add_missing(const struct dependency_walk *walk,
		       const struct shadowcopy_component *dependent, size_t writer,
		       const struct sc_branch *target)
{
	const struct shadowcopy_metadata *metadata = walk->metadata[writer];
	const struct shadowcopy_component *component = target->component;
	int rc;

	(void)dependent;
	if (sc_branch_selectability(target) == SHADOWCOPY_SELECTABILITY_IMPLICIT)
		component = target->selectable->component;
	rc = shadowcopy_backup_add_component(walk->sc, walk->backup, metadata, component->path,
					     component->name, NULL);
	if (!rc)
		sc_tree_enter(&walk->trees[writer], writer_of(walk->backup, metadata));
	return rc;
}

static int refuse_missing(const struct dependency_walk *walk,
			  const struct shadowcopy_component *dependent, size_t writer,
			  const struct sc_branch *target)
{
	(void)writer;
	return add_fail(walk->sc, -ENOENT, dependent, "what it depends on is not chosen:",
			target->component->name, "choose that, too, or leave it out");
}

SC_EXPORT int shadowcopy_backup_add_dependencies(struct shadowcopy *sc,
						 struct shadowcopy_backup *backup,
						 struct shadowcopy_metadata *const *metadata,
						 size_t count)
{
	struct dependency_walk walk = {
		.sc = sc, .metadata = metadata, .count = count, .backup = backup,
		.included = in_backup, .missing = add_missing,
	};

	return walk_dependencies(&walk);
}

/* --- the system's state (F-02, G-13) ------------------------------------------------------ */

/* In the order of their names what is above comes first, and brings what is below. */
static int add_state_of(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			const struct shadowcopy_metadata *metadata, struct sc_tree *tree)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < tree->count && !rc; i++) {
		const struct sc_branch *branch = tree->order[i];
		const struct shadowcopy_component *component = branch->component;

		if (branch->by || !shadowcopy_component_in_system_state(metadata, component))
			continue;
		if (sc_branch_selectability(branch) == SHADOWCOPY_SELECTABILITY_IMPLICIT)
			component = branch->selectable->component;
		rc = shadowcopy_backup_add_component(sc, backup, metadata, component->path,
						     component->name, NULL);
		sc_tree_enter(tree, writer_of(backup, metadata));
	}
	return rc;
}

SC_EXPORT int shadowcopy_backup_add_system_state(struct shadowcopy *sc,
						 struct shadowcopy_backup *backup,
						 struct shadowcopy_metadata *const *metadata,
						 size_t count)
{
	struct sc_tree tree;
	size_t i;
	int rc = 0;

	for (i = 0; i < count && !rc; i++) {
		rc = sc_tree_new(sc, metadata[i], &tree);
		if (rc)
			break;
		sc_tree_enter(&tree, writer_of(backup, metadata[i]));
		rc = add_state_of(sc, backup, metadata[i], &tree);
		sc_tree_clear(&tree);
	}
	return rc;
}

/* What of it is chosen, and what is not: of each the first one that was found. */
struct state_found {
	const struct shadowcopy_component *chosen, *missing;
};

static int look_at_state(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			 const struct shadowcopy_metadata *metadata, struct state_found *found)
{
	struct sc_tree tree;
	size_t i;
	int rc;

	if (!backup->bootable && metadata->schema & SHADOWCOPY_SCHEMA_INDEPENDENT_SYSTEM_STATE)
		return 0;
	rc = sc_tree_new(sc, metadata, &tree);
	if (rc)
		return rc;
	sc_tree_enter(&tree, writer_of(backup, metadata));
	for (i = 0; i < tree.count; i++) {
		const struct sc_branch *branch = &tree.branches[i];
		const struct shadowcopy_component **first = branch->by ? &found->chosen :
							    &found->missing;

		if (!*first && shadowcopy_component_in_system_state(metadata, branch->component))
			*first = branch->component;
	}
	sc_tree_clear(&tree);
	return 0;
}

static int check_system_state(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			      struct shadowcopy_metadata *const *metadata, size_t count)
{
	struct state_found found = { NULL, NULL };
	size_t i;
	int rc = 0;

	for (i = 0; i < count && !rc; i++)
		rc = look_at_state(sc, backup, metadata[i], &found);
	if (rc || !found.missing)
		return rc;
	if (backup->bootable && backup->component_mode)
		return add_fail(sc, -EINVAL, found.missing,
				"a backup of the system's state has all of that, and this was not "
				"chosen", NULL,
				"choose it, too, or make another backup of the rest");
	if (found.chosen && !backup->bootable)
		return add_fail(sc, -EINVAL, found.chosen,
				"its writer does not offer to back up this part of the system's "
				"state alone, without", found.missing->name,
				"choose all of the system's state, or nothing of this writer");
	return 0;
}

/* --- checking --------------------------------------------------------------------------- */

const struct shadowcopy_metadata *sc_metadata_of(const struct shadowcopy_backup_writer *writer,
						 struct shadowcopy_metadata *const *metadata,
						 size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sc_uuid_equal(&metadata[i]->class_id, &writer->class_id) &&
		    sc_uuid_equal(&metadata[i]->instance_id, &writer->instance_id))
			return metadata[i];
	return NULL;
}

static int no_metadata(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer)
{
	return SC_FAIL(sc, -ENOENT, .action = "accept writer", .object = writer->name,
		       .cause = "its metadata is not there",
		       .remedy = "start the writer, or load what was saved with the backup");
}

static int check_entry(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer,
		       const struct sc_tree *tree, const struct shadowcopy_backup_component *entry)
{
	const struct sc_branch *branch = sc_tree_find(tree, entry->path, entry->name);

	if (!branch || branch->component->type != entry->type)
		return choose_fail(sc, -ENOENT, "accept component", entry->path, entry->name,
				   "this writer has none of that name and type:", writer->name,
				   "choose again with the writer's metadata of now");
	if (sc_branch_selectability(branch) == SHADOWCOPY_SELECTABILITY_IMPLICIT)
		return add_fail(sc, -EINVAL, branch->component,
				"it is not selectable and lies below one that is", NULL,
				"choose that one");
	if (branch->set_above)
		return add_fail(sc, -EINVAL, branch->component,
				"it is in the backup already, with", branch->set_above->name,
				"choose one of the two");
	return 0;
}

static int check_tree(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer,
		      const struct shadowcopy_metadata *metadata, const struct sc_tree *tree)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		const struct shadowcopy_backup_component *entry = writer->components[i];

		rc = check_entry(sc, writer, tree, entry);
		if (!rc && entry->differenced_file_count &&
		    !(metadata->schema & SHADOWCOPY_SCHEMA_LAST_MODIFY))
			rc = choose_fail(sc, -EINVAL, "accept component", entry->path, entry->name,
					 "it has differenced files, and \"last-modify\" is not in the "
					 "schema of its writer:", writer->name,
					 "this is a fault of the writer");
	}
	for (i = 0; writer->component_count && i < tree->count && !rc; i++) {
		const struct sc_branch *branch = &tree->branches[i];

		if (!branch->by &&
		    sc_branch_selectability(branch) == SHADOWCOPY_SELECTABILITY_MANDATORY)
			rc = add_fail(sc, -EINVAL, branch->component,
				      "it is mandatory where anything of its writer is chosen, and "
				      "was not", NULL, "choose it, or nothing of the writer");
	}
	return rc;
}

static int check_writer(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer,
			const struct shadowcopy_metadata *metadata)
{
	struct sc_tree tree;
	int rc = sc_tree_new(sc, metadata, &tree);

	if (rc)
		return rc;
	sc_tree_enter(&tree, writer);
	rc = check_tree(sc, writer, metadata, &tree);
	sc_tree_clear(&tree);
	return rc;
}

SC_EXPORT int shadowcopy_backup_check(struct shadowcopy *sc,
				      const struct shadowcopy_backup *backup,
				      struct shadowcopy_metadata *const *metadata, size_t count)
{
	struct dependency_walk walk = {
		.sc = sc, .metadata = metadata, .count = count,
		.backup = (struct shadowcopy_backup *)backup,
		.included = in_backup, .missing = refuse_missing,
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++) {
		const struct shadowcopy_backup_writer *writer = backup->writers[i];
		const struct shadowcopy_metadata *of = sc_metadata_of(writer, metadata, count);

		if (!of)
			return no_metadata(sc, writer);
		rc = check_writer(sc, writer, of);
	}
	rc = rc ?: check_system_state(sc, backup, metadata, count);
	return rc ?: walk_dependencies(&walk);
}

int sc_check_metadata(struct shadowcopy *sc, const struct shadowcopy_backup_component *entry,
		      const struct shadowcopy_metadata *metadata)
{
	const struct shadowcopy_backup_writer *writer = sc_node(entry)->parent;

	if (sc_uuid_equal(&writer->class_id, &metadata->class_id) &&
	    sc_uuid_equal(&writer->instance_id, &metadata->instance_id))
		return 0;
	return choose_fail(sc, -EINVAL, "restore component", entry->path, entry->name,
			   "the metadata is that of another writer:", metadata->name,
			   "give that which was saved with the backup");
}

/* --- restore (rules 9 to 14) --------------------------------------------------------------- */

static int select_fail(struct shadowcopy *sc, int code,
		       const struct shadowcopy_backup_component *entry, const char *cause,
		       const char *remedy)
{
	return choose_fail(sc, code, "select for restore", entry->path, entry->name, cause, NULL,
			   remedy);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ?: "", b ?: "");
}

SC_EXPORT int shadowcopy_backup_select(struct shadowcopy *sc,
				       struct shadowcopy_backup_component *entry,
				       const struct shadowcopy_metadata *saved,
				       const struct shadowcopy_metadata *live)
{
	static const struct shadow_uuid nobody;
	bool moves = false;
	int rc = sc_may_change(sc, entry, SHADOWCOPY_PROPERTY_SELECTED);

	if (!rc)
		rc = sc_check_metadata(sc, entry, saved);
	if (rc)
		return rc;
	if (!shadowcopy_metadata_find(saved, entry->path, entry->name))
		return select_fail(sc, -EINVAL, entry, "the writer's metadata does not have it",
				   "give that which was saved with the backup");
	if (saved->participation == SHADOWCOPY_PARTICIPATION_NEVER)
		live = NULL;
	else if (!live || !sc_uuid_equal(&live->class_id, &saved->class_id))
		return select_fail(sc, -ENOENT, entry, "its writer is not there",
				   "start the writer, or restore its files without it");
	if (live && live->major < saved->major)
		return select_fail(sc, -EOPNOTSUPP, entry,
				   "its writer is older than the data, which it cannot restore",
				   "install a newer version of it");
	if (live && !same_text(live->instance_name, saved->instance_name)) {
		moves = true;
		if (!(live->schema & SHADOWCOPY_SCHEMA_RESTORE_WITH_MOVE))
			return select_fail(sc, -EOPNOTSUPP, entry,
					   "it was of another instance of the writer, and this one "
					   "does not offer to take it over",
					   "start the instance that it was of");
	}
	entry->selected = true;
	entry->restore_instance = moves ? live->instance_id : nobody;
	return 0;
}

/* Is the component one of those chosen alone, or below it?  True where none were. */
static bool among_chosen(const struct shadowcopy_backup_component *entry, const char *path,
			 const char *name)
{
	size_t i;

	for (i = 0; i < entry->restore_subcomponent_count; i++) {
		const struct shadowcopy_subcomponent *chosen = entry->restore_subcomponents[i];

		if (same_name(path, name, chosen->path, chosen->name) ||
		    sc_is_below(path, chosen->path, chosen->name))
			return true;
	}
	return !entry->restore_subcomponent_count;
}

static int may_restore_alone(struct shadowcopy *sc,
			     const struct shadowcopy_backup_component *entry,
			     const struct shadowcopy_metadata *saved, const char *path,
			     const char *name)
{
	const struct shadowcopy_component *component;
	struct shadowcopy_backup_component *by;

	if (!entry->selected)
		return select_fail(sc, -ENOENT, entry,
				   "it is not selected, which it must be before a part of it is",
				   "select it first");
	component = shadowcopy_metadata_find(saved, path, name);
	if (!component || !sc_is_below(path, entry->path, entry->name))
		return choose_fail(sc, -ENOENT, "select for restore", path, name ?: "",
				   "nothing of that name lies below", entry->name,
				   "name a component as the metadata has it");
	shadowcopy_backup_inclusion(sc_root(entry), saved, component, &by);
	if (by != entry)
		return choose_fail(sc, -ENOENT, "select for restore", path, name,
				   "it was not backed up with", entry->name,
				   by ? "select the entry that it was backed up with" :
					"restore it from a backup that has it");
	if (!component->restore_selectable)
		return choose_fail(sc, -EINVAL, "select for restore", path, name,
				   "it cannot be restored alone, but comes with", entry->name,
				   "restore one that is selectable for restore");
	if (entry->restore_subcomponent_count && among_chosen(entry, path, name))
		return choose_fail(sc, -EEXIST, "select for restore", path, name,
				   "it was selected already", NULL, "nothing has to be done");
	return 0;
}

SC_EXPORT int
shadowcopy_backup_add_restore_subcomponent(struct shadowcopy *sc,
					   struct shadowcopy_backup_component *entry,
					   const struct shadowcopy_metadata *saved,
					   const char *path, const char *name)
{
	struct shadowcopy_subcomponent *chosen;
	int rc = sc_may_change(sc, entry, SHADOWCOPY_PROPERTY_RESTORE_SUBCOMPONENTS);

	if (!rc)
		rc = sc_check_metadata(sc, entry, saved);
	if (!rc)
		rc = may_restore_alone(sc, entry, saved, path, name);
	if (!rc)
		rc = SC_LIST_ADD(sc, entry, restore_subcomponents, &chosen);
	if (rc)
		return rc;
	rc = SC_SET_TEXT(sc, chosen, path, path);
	if (!rc)
		rc = SC_SET_TEXT(sc, chosen, name, name);
	if (rc)
		SC_LIST_DROP(entry, restore_subcomponents);
	return rc;
}

SC_EXPORT bool shadowcopy_restore_includes(const struct shadowcopy_backup *backup,
					   const struct shadowcopy_metadata *metadata,
					   const struct shadowcopy_component *component,
					   struct shadowcopy_backup_component **entryp)
{
	struct shadowcopy_backup_component *entry;
	bool included;

	included = shadowcopy_backup_inclusion(backup, metadata, component, &entry) &&
		   entry->selected && among_chosen(entry, component->path, component->name);
	if (entryp)
		*entryp = included ? entry : NULL;
	return included;
}

SC_EXPORT int shadowcopy_backup_deselect(struct shadowcopy *sc,
					 struct shadowcopy_backup_component *entry)
{
	int rc = sc_may_change(sc, entry, SHADOWCOPY_PROPERTY_SELECTED);

	if (rc)
		return rc;
	entry->selected = false;
	entry->restore_instance = (struct shadow_uuid){ { 0 } };
	while (entry->restore_subcomponent_count)
		SC_LIST_DROP(entry, restore_subcomponents);
	return 0;
}

bool sc_is_restored(const struct sc_branch *branch)
{
	return branch->by && branch->by->selected &&
	       among_chosen(branch->by, branch->component->path, branch->component->name);
}

/* What a writer has to offer for what is asked of it (B-37, B-42 to B-44). */
static const struct {
	uint32_t schema;
	const char *cause;
} offers[] = {
	{ SHADOWCOPY_SCHEMA_NEW_TARGET, "its writer does not offer new targets" },
	{ SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE,
	  "its writer does not offer to let what is restored win over replicas" },
	{ SHADOWCOPY_SCHEMA_ROLL_FORWARD, "its writer does not offer to roll forward" },
	{ SHADOWCOPY_SCHEMA_RESTORE_RENAME, "its writer does not offer another name" },
};

/* By the options that everyone knows (l.6). */
static uint32_t asked_by_options(struct shadowcopy_option *const *options)
{
	uint32_t asked = 0;

	for (; *options; options++) {
		if (!strcasecmp((*options)->name, "Authoritative"))
			asked |= SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE;
		else if (!strcasecmp((*options)->name, "New Component Name"))
			asked |= SHADOWCOPY_SCHEMA_RESTORE_RENAME;
		else if (!strcasecmp((*options)->name, "Roll Forward") &&
			 strcasecmp((*options)->value, "None"))
			asked |= SHADOWCOPY_SCHEMA_ROLL_FORWARD;
	}
	return asked;
}

static uint32_t asked_by(const struct shadowcopy_backup_component *entry)
{
	return (entry->new_target_count ? SHADOWCOPY_SCHEMA_NEW_TARGET : 0) |
	       (entry->authoritative ? SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE : 0) |
	       (entry->roll_forward > SHADOWCOPY_ROLL_FORWARD_NONE ?
		SHADOWCOPY_SCHEMA_ROLL_FORWARD : 0) |
	       (entry->restore_name ? SHADOWCOPY_SCHEMA_RESTORE_RENAME : 0);
}

static int check_asked(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
		       const struct shadowcopy_backup_component *entry)
{
	struct shadowcopy_option **options;
	uint32_t asked = asked_by(entry);
	size_t i;
	int rc;

	if (entry->restore_options) {
		rc = shadowcopy_options_parse(sc, entry->restore_options, &options, NULL);
		if (rc)
			return rc;
		asked |= asked_by_options(options);
		free(options);
	}
	for (i = 0; i < ARRAY_SIZE(offers); i++)
		if (asked & offers[i].schema & ~metadata->schema)
			return select_fail(sc, -EOPNOTSUPP, entry, offers[i].cause,
					   "restore it without");
	return 0;
}

static int check_selected(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer,
			  const struct shadowcopy_metadata *metadata)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		if (!writer->components[i]->selected)
			continue;
		if (!metadata)
			return no_metadata(sc, writer);
		rc = check_asked(sc, metadata, writer->components[i]);
	}
	return rc;
}

SC_EXPORT int shadowcopy_restore_check(struct shadowcopy *sc,
				       const struct shadowcopy_backup *backup,
				       struct shadowcopy_metadata *const *metadata, size_t count)
{
	struct dependency_walk walk = {
		.sc = sc, .metadata = metadata, .count = count,
		.backup = (struct shadowcopy_backup *)backup,
		.included = sc_is_restored, .missing = refuse_missing,
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++)
		rc = check_selected(sc, backup->writers[i],
				    sc_metadata_of(backup->writers[i], metadata, count));
	return rc ?: walk_dependencies(&walk);
}
