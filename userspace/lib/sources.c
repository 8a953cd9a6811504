// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sources.c - where the files of a backup come from (VSS f.4, g).
 *
 * The chosen components are turned into a row of sources: for each entry of the document
 * first its differenced files, then its partial ones, then the file sets of its
 * components that the type of the backup asks for.  What the document says of some files is read
 * as the file set that has them is: from its alternate path, and from a shadow where that is.
 */
#include "patterns.h"
#include "sources.h"
#include "tree.h"

/* --- types of backup ------------------------------------------------------------- */

/* What a type asks of a writer; one that it does not know is a full one (G-16). */
static const struct {
	uint32_t type;
	uint32_t schema;
	uint32_t needed;
} type_needs[] = {
	{ SHADOWCOPY_TYPE_INCREMENTAL, SHADOWCOPY_SCHEMA_INCREMENTAL,
	  SHADOWCOPY_NEEDED_INCREMENTAL },
	{ SHADOWCOPY_TYPE_DIFFERENTIAL, SHADOWCOPY_SCHEMA_DIFFERENTIAL,
	  SHADOWCOPY_NEEDED_DIFFERENTIAL },
	{ SHADOWCOPY_TYPE_LOG, SHADOWCOPY_SCHEMA_LOG, SHADOWCOPY_NEEDED_LOG },
};

static uint32_t needed_by(const struct shadowcopy_backup *backup,
			  const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(type_needs); i++)
		if (type_needs[i].type == backup->type && (metadata->schema & type_needs[i].schema))
			return type_needs[i].needed;
	return SHADOWCOPY_NEEDED_FULL;
}

/* --- sources ---------------------------------------------------------------------- */

struct gathering {
	struct shadowcopy *sc;
	const struct shadowcopy_backup *backup;
	struct sc_tree tree;		/* of the writer that is looked at */
	/* The file sets of the entry that is looked at, and what they are. */
	struct sc_patterns patterns;
	struct known *known;
	struct sc_sources *sources;
};

/* A file set of a component. */
struct known {
	const struct shadowcopy_component *component;
	const struct shadowcopy_fileset *set;
};

static int no_memory(struct shadowcopy *sc)
{
	return SC_FAIL(sc, -ENOMEM, .action = "list the files");
}

void sc_sources_clear(struct sc_sources *sources)
{
	size_t i;

	for (i = 0; i < sources->count; i++)
		free(sources->all[i].from);
	free(sources->all);
	*sources = (struct sc_sources){ 0 };
}

/* It is read from what is at @rest below @from. */
static int add_source(struct gathering *gathering, const struct sc_source *source, const char *from,
		      const char *rest)
{
	struct sc_sources *sources = gathering->sources;
	size_t count = sources->count;
	struct sc_source *more;

	if (strstr(source->path, "${") || strstr(from, "${"))
		return SC_FAIL(gathering->sc, -EINVAL, .action = "list the files in",
			       .object = source->path, .cause = "it has a variable in it",
			       .remedy = "expand the documents before");
	if (!(count & (count - 1))) {
		more = realloc(sources->all, (count ? 2 * count : 1) * sizeof(*more));
		if (!more)
			return no_memory(gathering->sc);
		sources->all = more;
	}
	more = &sources->all[count];
	*more = *source;
	more->from = sc_path_join(from, rest);
	if (!more->from)
		return no_memory(gathering->sc);
	sources->count++;
	return 0;
}

typedef int (*fileset_fn)(void *data, const struct shadowcopy_component *component,
			  const struct shadowcopy_fileset *set, bool log);

/* Call @fn for each file set of a component until it answers not 0. */
static int each_fileset(const struct shadowcopy_component *component, fileset_fn fn, void *data)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < component->file_count && !rc; i++)
		rc = fn(data, component, component->files[i], false);
	for (i = 0; i < component->database_count && !rc; i++)
		rc = fn(data, component, component->databases[i], false);
	for (i = 0; i < component->log_count && !rc; i++)
		rc = fn(data, component, component->logs[i], true);
	return rc;
}

/* Call @fn for each file set that is in the backup by an entry. */
static int each_in_entry(const struct gathering *gathering,
			 const struct shadowcopy_metadata *metadata,
			 const struct shadowcopy_backup_component *entry, fileset_fn fn, void *data)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < metadata->component_count && !rc; i++)
		if (gathering->tree.branches[i].by == entry)
			rc = each_fileset(metadata->components[i], fn, data);
	return rc;
}

static int count_fileset(void *data, const struct shadowcopy_component *component,
			 const struct shadowcopy_fileset *set, bool log)
{
	(void)component;
	(void)set;
	(void)log;
	++*(size_t *)data;
	return 0;
}

static int know_fileset(void *data, const struct shadowcopy_component *component,
			const struct shadowcopy_fileset *set, bool log)
{
	struct gathering *gathering = data;

	(void)log;
	gathering->known[gathering->patterns.count] = (struct known){ component, set };
	return sc_patterns_add(&gathering->patterns, &(struct sc_pattern){
		.path = set->path, .spec = set->spec, .recursive = set->recursive });
}

static void forget_filesets(struct gathering *gathering)
{
	sc_patterns_clear(&gathering->patterns);
	free(gathering->known);
	gathering->known = NULL;
}

/* Make the file sets of an entry ready to be looked up. */
static int know_filesets(struct gathering *gathering, const struct sc_source *base)
{
	size_t count = 0;
	int rc;

	each_in_entry(gathering, base->metadata, base->entry, count_fileset, &count);
	gathering->known = calloc(count + 1, sizeof(*gathering->known));
	rc = gathering->known ? each_in_entry(gathering, base->metadata, base->entry, know_fileset,
					      gathering) : -ENOMEM;
	if (!rc)
		rc = sc_patterns_sort(&gathering->patterns);
	return rc ? no_memory(gathering->sc) : 0;
}

/* Is a file set read from a shadow in this backup?  Also where it was not to be in it at all. */
static bool needs_shadow(const struct gathering *gathering, const struct sc_source *source,
			 const struct shadowcopy_fileset *set)
{
	uint32_t needed = needed_by(gathering->backup, source->metadata);

	return !(set->needed & needed) || set->needed & SHADOWCOPY_NEEDED_SHADOW(needed);
}

/* Differenced files and partial files are read as the file set that they are of. */
static int add_related(struct gathering *gathering, struct sc_source *source, size_t number)
{
	const struct shadowcopy_fileset *set;

	source->needs_shadow = true;
	if (number == SC_NO_PATTERN)
		return add_source(gathering, source, source->path, "");
	set = gathering->known[number].set;
	source->component = gathering->known[number].component;
	source->needs_shadow = needs_shadow(gathering, source, set);
	if (!set->alternate)
		return add_source(gathering, source, source->path, "");
	return add_source(gathering, source, set->alternate,
			  sc_path_below(source->path, set->path));
}

static int add_differenced(struct gathering *gathering, const struct sc_source *base)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < base->entry->differenced_file_count && !rc; i++) {
		const struct shadowcopy_differenced_file *file = base->entry->differenced_files[i];
		struct sc_source source = *base;

		source.reason = SHADOWCOPY_REASON_DIFFERENCED;
		source.path = file->path;
		source.spec = file->spec;
		source.recursive = file->recursive;
		source.modified = file->modified;
		source.by_records = !file->modified;
		rc = add_related(gathering, &source,
				 sc_patterns_exactly(&gathering->patterns, file->path, file->spec,
						     file->recursive));
	}
	return rc;
}

static int add_partial(struct gathering *gathering, const struct sc_source *base)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < base->entry->partial_file_count && !rc; i++) {
		struct sc_source source = *base;
		char *file;

		source.reason = SHADOWCOPY_REASON_PARTIAL;
		source.partial = base->entry->partial_files[i];
		source.path = source.partial->path;
		source.spec = source.partial->name;
		file = sc_path_join(source.path, source.spec);
		if (!file)
			return no_memory(gathering->sc);
		rc = add_related(gathering, &source,
				 sc_patterns_find(&gathering->patterns, file, false, 0,
						  gathering->patterns.count));
		free(file);
	}
	return rc;
}

struct adding {
	struct gathering *gathering;
	const struct sc_source *base;
};

static int add_fileset(void *data, const struct shadowcopy_component *component,
		       const struct shadowcopy_fileset *set, bool log)
{
	struct adding *adding = data;
	struct sc_source source = *adding->base;
	uint32_t needed = needed_by(adding->gathering->backup, source.metadata);

	/* A log backup is of log files, whatever the masks of others say (G-05). */
	if (!(set->needed & needed) || (needed == SHADOWCOPY_NEEDED_LOG && !log))
		return 0;
	source.reason = SHADOWCOPY_REASON_FILESET;
	source.component = component;
	source.path = set->path;
	source.spec = set->spec;
	source.recursive = set->recursive;
	source.needs_shadow = set->needed & SHADOWCOPY_NEEDED_SHADOW(needed);
	return add_source(adding->gathering, &source, set->alternate ?: set->path, "");
}

/* What the document says of some files, as the file sets that they are of. */
static int add_files(struct gathering *gathering, const struct sc_source *base)
{
	int rc;

	if (!base->entry->differenced_file_count && !base->entry->partial_file_count)
		return 0;
	rc = know_filesets(gathering, base);
	if (!rc)
		rc = add_differenced(gathering, base);
	if (!rc)
		rc = add_partial(gathering, base);
	forget_filesets(gathering);
	return rc;
}

static int gather_entries(struct gathering *gathering,
			  const struct shadowcopy_backup_writer *writer,
			  const struct shadowcopy_metadata *metadata, size_t number)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		struct sc_source base = {
			.metadata = metadata, .writer = number, .entry = writer->components[i],
			.first = gathering->sources->count,
		};
		struct adding adding = { gathering, &base };

		rc = add_files(gathering, &base);
		if (!rc)
			rc = each_in_entry(gathering, metadata, base.entry, add_fileset, &adding);
	}
	return rc;
}

static int gather_writer(struct gathering *gathering, const struct shadowcopy_backup_writer *writer,
			 const struct shadowcopy_metadata *metadata, size_t number)
{
	int rc = sc_tree_new(gathering->sc, metadata, &gathering->tree);

	if (rc)
		return rc;
	sc_tree_enter(&gathering->tree, writer);
	rc = gather_entries(gathering, writer, metadata, number);
	sc_tree_clear(&gathering->tree);
	return rc;
}

int sc_sources_gather(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
		      struct shadowcopy_metadata *const *metadata, size_t count,
		      struct sc_sources *sources)
{
	struct gathering gathering = { .sc = sc, .backup = backup, .sources = sources };
	size_t i, number;
	int rc = 0;

	*sources = (struct sc_sources){ 0 };
	for (i = 0; i < backup->writer_count && !rc; i++) {
		const struct shadowcopy_metadata *of = sc_metadata_of(backup->writers[i], metadata,
								      count);

		for (number = 0; of && metadata[number] != of; number++)
			;
		if (!of)
			rc = SC_FAIL(sc, -ENOENT, .action = "list the files of writer",
				     .object = backup->writers[i]->name,
				     .cause = "its metadata is not there",
				     .remedy = "give that which the components were chosen from");
		else
			rc = gather_writer(&gathering, backup->writers[i], of, number);
	}
	if (rc)
		sc_sources_clear(sources);
	return rc;
}

/* --- which shadows are needed ------------------------------------------------------- */

/* The mount that a path is on, and for recursion all mounts below it. */
static void mark_mounts(const struct sc_source *source, const char *const *mounts, size_t count,
			bool *needed)
{
	size_t i, best = count;

	for (i = 0; i < count; i++) {
		if (sc_path_below(source->from, mounts[i]) &&
		    (best == count || strlen(mounts[i]) > strlen(mounts[best])))
			best = i;
		if (source->recursive && sc_path_below(mounts[i], source->from))
			needed[i] = true;
	}
	if (best < count)
		needed[best] = true;
}

SC_EXPORT int shadowcopy_backup_shadows_needed(struct shadowcopy *sc,
					       const struct shadowcopy_backup *backup,
					       struct shadowcopy_metadata *const *metadata,
					       size_t count, const char *const *mounts,
					       size_t mount_count, bool *needed)
{
	struct sc_sources sources;
	size_t i;
	int rc;

	for (i = 0; i < mount_count; i++)
		needed[i] = false;
	rc = sc_sources_gather(sc, backup, metadata, count, &sources);
	if (rc)
		return rc;
	for (i = 0; i < sources.count; i++)
		if (sources.all[i].needs_shadow)
			mark_mounts(&sources.all[i], mounts, mount_count, needed);
	sc_sources_clear(&sources);
	return 0;
}
