// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tree.c - the components of a writer as a tree (VSS f.3).
 *
 * A component lies below those whose path and name its logical path begins with.  With names in
 * order, and '/' before all that a name may have, what is below a component comes directly
 * behind it.  So one walk finds what each lies below, and hands down what comes from above; a
 * writer with as many components as it may have is no more work than its document.
 */
#include "tree.h"

/* --- rules 1 to 4 ------------------------------------------------------------------- */

static const struct {
	bool selectable;
	bool below_selectable;
	uint32_t selectability;
} rules[] = {
	{ false, false, SHADOWCOPY_SELECTABILITY_MANDATORY },
	{ true,	 false, SHADOWCOPY_SELECTABILITY_OPTIONAL },
	{ false, true,	SHADOWCOPY_SELECTABILITY_IMPLICIT },
	{ true,	 true,	SHADOWCOPY_SELECTABILITY_NESTED },
};

uint32_t sc_selectability(bool selectable, bool below_selectable)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules) - 1; i++)
		if (rules[i].selectable == selectable &&
		    rules[i].below_selectable == below_selectable)
			break;
	return rules[i].selectability;
}

bool sc_is_below(const char *path, const char *above_path, const char *above_name)
{
	const char *rest;

	if (!path || !*path)
		return false;
	if (above_path && *above_path) {
		rest = sc_path_below(path, above_path);
		if (!rest || !*rest)
			return false;
		path = rest;
	}
	return sc_path_below(path, above_name);
}

/* --- order ------------------------------------------------------------------------ */

/* Reads "path/name" without making it. */
struct cursor {
	const char *path;	/* NULL: read to its end */
	const char *name;
};

static struct cursor begin(const char *path, const char *name)
{
	return (struct cursor){ path && *path ? path : NULL, name };
}

/* The next byte, '/' as less than all others and more than the end. */
static unsigned int next(struct cursor *cursor)
{
	unsigned char byte;

	if (!cursor->path) {
		byte = *cursor->name;
		cursor->name += !!byte;
		return byte;
	}
	byte = *cursor->path++;
	if (byte && byte != '/')
		return byte;
	if (!byte)
		cursor->path = NULL;
	return 1;
}

static int compare(struct cursor a, struct cursor b)
{
	unsigned int x, y;

	do {
		x = next(&a);
		y = next(&b);
	} while (x == y && x);
	return x < y ? -1 : x > y;
}

static int by_name(const void *a, const void *b)
{
	const struct sc_branch *const *x = a, *const *y = b;

	return compare(begin((*x)->component->path, (*x)->component->name),
		       begin((*y)->component->path, (*y)->component->name));
}

struct sc_branch *sc_tree_find(const struct sc_tree *tree, const char *path, const char *name)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct sc_branch *branch = tree->order[middle];
		int rc = compare(begin(path, name),
				 begin(branch->component->path, branch->component->name));

		if (!rc)
			return branch;
		if (rc < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* --- the tree ----------------------------------------------------------------------- */

/* What a component lies below: the one before it, or what that lies below. */
static struct sc_branch *find_above(const struct shadowcopy_component *component,
				    struct sc_branch *before)
{
	while (before && !sc_is_below(component->path, before->component->path,
				      before->component->name))
		before = before->above;
	return before;
}

int sc_tree_new(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
		struct sc_tree *tree)
{
	size_t i, count = metadata->component_count;

	*tree = (struct sc_tree){
		.branches = calloc(count + 1, sizeof(*tree->branches)),
		.order = calloc(count + 1, sizeof(*tree->order)),
		.count = count,
	};
	if (!tree->branches || !tree->order) {
		sc_tree_clear(tree);
		return SC_FAIL(sc, -ENOMEM, .action = "look at the components of",
			       .object = metadata->name);
	}
	for (i = 0; i < count; i++) {
		tree->branches[i].component = metadata->components[i];
		tree->order[i] = &tree->branches[i];
	}
	qsort(tree->order, count, sizeof(*tree->order), by_name);
	for (i = 0; i < count; i++) {
		struct sc_branch *branch = tree->order[i], *above;

		above = find_above(branch->component, i ? tree->order[i - 1] : NULL);
		branch->above = above;
		if (above)
			branch->selectable = above->component->selectable ? above :
									    above->selectable;
	}
	return 0;
}

void sc_tree_clear(struct sc_tree *tree)
{
	free(tree->branches);
	free(tree->order);
	*tree = (struct sc_tree){ 0 };
}

uint32_t sc_branch_selectability(const struct sc_branch *branch)
{
	return sc_selectability(branch->component->selectable, branch->selectable);
}

/* Its own entry, or that which brings it. */
static void hand_down(struct sc_branch *branch)
{
	const struct sc_branch *above = branch->above;

	branch->entry_above = above ? above->entry ?: above->entry_above : NULL;
	branch->set_above = !above ? NULL :
		above->entry && above->component->selectable ? above->entry : above->set_above;
	branch->by = branch->entry ?: branch->set_above;
	if (!branch->by && sc_branch_selectability(branch) == SHADOWCOPY_SELECTABILITY_MANDATORY)
		branch->by = branch->entry_above;
}

void sc_tree_enter(struct sc_tree *tree, const struct shadowcopy_backup_writer *writer)
{
	struct sc_branch *branch;
	size_t i;

	for (i = 0; i < tree->count; i++)
		tree->branches[i].entry = NULL;
	for (i = 0; writer && i < writer->component_count; i++) {
		branch = sc_tree_find(tree, writer->components[i]->path,
				      writer->components[i]->name);
		if (branch)
			branch->entry = writer->components[i];
	}
	for (i = 0; i < tree->count; i++)
		hand_down(tree->order[i]);
}
