/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.h - the components of a writer as a tree (VSS f.3), private to the library.
 */
#ifndef SHADOWCOPY_TREE_H
#define SHADOWCOPY_TREE_H

#include "document.h"

/* A component, and what it has to do with those above it. */
struct sc_branch {
	const struct shadowcopy_component *component;
	struct sc_branch *above;	/* the nearest one, or NULL */
	struct sc_branch *selectable;	/* the nearest one above it that is selectable, or NULL */
	struct shadowcopy_backup_component *entry;	/* its own in the document, or NULL */
	struct shadowcopy_backup_component *by;		/* that by which it is in the backup */
	/* The nearest entry above it, and the nearest one above it that is a component set. */
	struct shadowcopy_backup_component *entry_above, *set_above;
	bool walked;			/* for whoever walks the tree */
};

struct sc_tree {
	struct sc_branch *branches;	/* as the components of the metadata */
	struct sc_branch **order;	/* by their names: each before those below it */
	size_t count;
};

/* Make a tree of a writer's components, with nothing in the backup: 0 or -ENOMEM, explained. */
int sc_tree_new(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
		struct sc_tree *tree);
void sc_tree_clear(struct sc_tree *tree);

/* Note what a writer, or NULL, has in the document. */
void sc_tree_enter(struct sc_tree *tree, const struct shadowcopy_backup_writer *writer);

struct sc_branch *sc_tree_find(const struct sc_tree *tree, const char *path, const char *name);

/* enum shadowcopy_selectability: by rules 1 to 4, by whether it and one above it are selectable */
uint32_t sc_selectability(bool selectable, bool below_selectable);
uint32_t sc_branch_selectability(const struct sc_branch *branch);

/* Is it selected for the restore, or a part of what is? */
bool sc_is_restored(const struct sc_branch *branch);

/* Does the logical path @path begin with all of (@above_path, @above_name)? */
bool sc_is_below(const char *path, const char *above_path, const char *above_name);

#endif /* SHADOWCOPY_TREE_H */
