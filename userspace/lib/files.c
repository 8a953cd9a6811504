// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * files.c - the files of a backup (VSS f.4).
 *
 * The chosen components are turned into a row of sources: for each entry of the document
 * first its differenced files, then its partial ones, then the file sets of its
 * components that the type of the backup asks for.  The row is then walked, source by source
 * and directory by directory.  A file goes to the first source of its entry that has it;
 * what the writer or the machine excludes goes to none.
 *
 * A file has two paths: the one that it is restored to, which excludes are compared with, and
 * the one that it is read from: the alternate path's instead of the first, and of that the
 * shadow with the longest mount point above it.  Directories are opened again by their path
 * each time, so that a mount below leads into its own shadow, and never through a symbolic
 * link, since what is in them is the writer's to make.
 *
 * Who has a file is looked up (patterns.c) and not searched: a writer may name its files one by
 * one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "document.h"
#include "exclude.h"
#include "patterns.h"
#include "tree.h"

struct source {
	const struct shadowcopy_metadata *metadata;
	size_t writer;		/* which of all metadata that is */
	const struct shadowcopy_backup_component *entry;
	const struct shadowcopy_component *component;
	const struct shadowcopy_partial_file *partial;
	uint32_t reason;
	const char *path;	/* where the files are */
	const char *spec;
	bool recursive;
	char *from;		/* where they are read, before shadows are looked at */
	bool needs_shadow;
	int64_t modified;
	bool by_records;
	size_t first;		/* number of the first source of the entry */
};

/* A directory that is being walked. */
struct level {
	char *rest;		/* below the source's path, "" for itself */
	char **names;
	size_t count;
	size_t next;
};

struct shadowcopy_backup_set {
	struct shadowcopy_metadata *const *metadata;
	size_t metadata_count;
	const struct shadowcopy_shadow_map *maps;
	size_t map_count;
	struct sc_excludes machine;	/* what the machine excludes */
	struct sc_patterns excludes;	/* the same, to look it up */
	struct sc_patterns *of_writers;	/* excludes of each metadata */
	struct source *sources;
	size_t source_count;
	struct sc_patterns claims;	/* of the sources, by their numbers */
	size_t current;
	struct level *levels;
	size_t depth;
	bool begun;		/* the current source */
	bool found;		/* something by it, also where that is excluded */
	struct shadowcopy_backup_item item;
	char *path, *read;	/* of the item */
	struct shadowcopy_range *ranges;
};

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
	struct source *sources;
	size_t count;
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

static void clear_sources(struct source *sources, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(sources[i].from);
	free(sources);
}

/* "directory/rest", or the one of them that is not empty. */
static char *join(const char *directory, const char *rest)
{
	char *path;

	if (asprintf(&path, "%s%s%s", *rest && !strcmp(directory, "/") ? "" : directory,
		     *rest ? "/" : "", rest) < 0)
		return NULL;
	return path;
}

/* It is read from what is at @rest below @from. */
static int add_source(struct gathering *gathering, const struct source *source, const char *from,
		      const char *rest)
{
	size_t count = gathering->count;
	struct source *more;

	if (strstr(source->path, "${") || strstr(from, "${"))
		return SC_FAIL(gathering->sc, -EINVAL, .action = "list the files in",
			       .object = source->path, .cause = "it has a variable in it",
			       .remedy = "expand the documents before");
	if (!(count & (count - 1))) {
		more = realloc(gathering->sources, (count ? 2 * count : 1) * sizeof(*more));
		if (!more)
			return no_memory(gathering->sc);
		gathering->sources = more;
	}
	more = &gathering->sources[count];
	*more = *source;
	more->from = join(from, rest);
	if (!more->from)
		return no_memory(gathering->sc);
	gathering->count++;
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
static int know_filesets(struct gathering *gathering, const struct source *base)
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
static bool needs_shadow(const struct gathering *gathering, const struct source *source,
			 const struct shadowcopy_fileset *set)
{
	uint32_t needed = needed_by(gathering->backup, source->metadata);

	return !(set->needed & needed) || set->needed & SHADOWCOPY_NEEDED_SHADOW(needed);
}

/* Differenced files and partial files are read as the file set that they are of. */
static int add_related(struct gathering *gathering, struct source *source, size_t number)
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

static int add_differenced(struct gathering *gathering, const struct source *base)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < base->entry->differenced_file_count && !rc; i++) {
		const struct shadowcopy_differenced_file *file = base->entry->differenced_files[i];
		struct source source = *base;

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

static int add_partial(struct gathering *gathering, const struct source *base)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < base->entry->partial_file_count && !rc; i++) {
		struct source source = *base;
		char *file;

		source.reason = SHADOWCOPY_REASON_PARTIAL;
		source.partial = base->entry->partial_files[i];
		source.path = source.partial->path;
		source.spec = source.partial->name;
		file = join(source.path, source.spec);
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
	const struct source *base;
};

static int add_fileset(void *data, const struct shadowcopy_component *component,
		       const struct shadowcopy_fileset *set, bool log)
{
	struct adding *adding = data;
	struct source source = *adding->base;
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
static int add_files(struct gathering *gathering, const struct source *base)
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
		struct source base = {
			.metadata = metadata, .writer = number, .entry = writer->components[i],
			.first = gathering->count,
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

static int gather(struct gathering *gathering, struct shadowcopy_metadata *const *metadata,
		  size_t count)
{
	const struct shadowcopy_backup *backup = gathering->backup;
	size_t i, number;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++) {
		const struct shadowcopy_metadata *of = sc_metadata_of(backup->writers[i], metadata,
								      count);

		for (number = 0; of && metadata[number] != of; number++)
			;
		if (!of)
			rc = SC_FAIL(gathering->sc, -ENOENT, .action = "list the files of writer",
				     .object = backup->writers[i]->name,
				     .cause = "its metadata is not there",
				     .remedy = "give that which the components were chosen from");
		else
			rc = gather_writer(gathering, backup->writers[i], of, number);
	}
	if (rc)
		clear_sources(gathering->sources, gathering->count);
	return rc;
}

/* --- the list ------------------------------------------------------------------------ */

/* A directory goes only with everything in it. */
static int add_exclude(struct sc_patterns *patterns, const char *path, const char *spec,
		       bool recursive)
{
	return sc_patterns_add(patterns, &(struct sc_pattern){
		.path = path, .spec = spec, .recursive = recursive,
		.directories = recursive && !strcmp(spec, "*") });
}

static int index_writer(struct sc_patterns *patterns, const struct shadowcopy_metadata *metadata)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < metadata->exclude_count && !rc; i++)
		rc = add_exclude(patterns, metadata->excludes[i]->path,
				 metadata->excludes[i]->spec, metadata->excludes[i]->recursive);
	return rc ?: sc_patterns_sort(patterns);
}

static int index_sources(struct shadowcopy_backup_set *set)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < set->source_count && !rc; i++) {
		const struct source *source = &set->sources[i];

		rc = sc_patterns_add(&set->claims, &(struct sc_pattern){
			.path = source->path, .spec = source->spec,
			.recursive = source->recursive,
			.directories = source->recursive &&
				       source->reason == SHADOWCOPY_REASON_FILESET });
	}
	for (i = 0; i < set->metadata_count && !rc; i++)
		rc = index_writer(&set->of_writers[i], set->metadata[i]);
	return rc ?: sc_patterns_sort(&set->claims);
}

SC_EXPORT int shadowcopy_backup_set_new(struct shadowcopy *sc,
					const struct shadowcopy_backup *backup,
					struct shadowcopy_metadata *const *metadata, size_t count,
					const struct shadowcopy_shadow_map *maps, size_t map_count,
					struct shadowcopy_backup_set **setp)
{
	struct gathering gathering = { .sc = sc, .backup = backup };
	struct shadowcopy_backup_set *set;
	int rc;

	*setp = NULL;
	rc = gather(&gathering, metadata, count);
	if (rc)
		return rc;
	set = calloc(1, sizeof(*set));
	if (!set) {
		clear_sources(gathering.sources, gathering.count);
		return no_memory(sc);
	}
	set->metadata = metadata;
	set->metadata_count = count;
	set->maps = maps;
	set->map_count = map_count;
	set->sources = gathering.sources;
	set->source_count = gathering.count;
	set->of_writers = calloc(count + 1, sizeof(*set->of_writers));
	if (!set->of_writers || index_sources(set)) {
		shadowcopy_backup_set_free(set);
		return no_memory(sc);
	}
	*setp = set;
	return 0;
}

static int index_excludes(struct shadowcopy_backup_set *set)
{
	size_t i;
	int rc = 0;

	sc_patterns_clear(&set->excludes);
	for (i = 0; i < set->machine.count && !rc; i++)
		rc = add_exclude(&set->excludes, set->machine.all[i].path,
				 set->machine.all[i].spec, set->machine.all[i].recursive);
	return rc ?: sc_patterns_sort(&set->excludes);
}

SC_EXPORT int shadowcopy_backup_set_excludes(struct shadowcopy *sc,
					     struct shadowcopy_backup_set *set,
					     const char *directory,
					     const char *(*lookup)(void *data, const char *name),
					     void *data)
{
	int rc = sc_excludes_read(sc, &set->machine, directory ?: "/etc/shadowcopy/exclude.d",
				  set->metadata, set->metadata_count, lookup, data);

	return rc ?: index_excludes(set) ? no_memory(sc) : 0;
}

/* --- walking ------------------------------------------------------------------------ */

static void pop_level(struct shadowcopy_backup_set *set)
{
	struct level *level = &set->levels[--set->depth];
	size_t i;

	for (i = 0; i < level->count; i++)
		free(level->names[i]);
	free(level->names);
	free(level->rest);
}

static void clear_item(struct shadowcopy_backup_set *set)
{
	free(set->path);
	free(set->read);
	free(set->ranges);
	set->path = NULL;
	set->read = NULL;
	set->ranges = NULL;
	memset(&set->item, 0, sizeof(set->item));
}

SC_EXPORT void shadowcopy_backup_set_free(struct shadowcopy_backup_set *set)
{
	size_t i;

	if (!set)
		return;
	while (set->depth)
		pop_level(set);
	clear_item(set);
	sc_excludes_clear(&set->machine);
	sc_patterns_clear(&set->excludes);
	for (i = 0; set->of_writers && i < set->metadata_count; i++)
		sc_patterns_clear(&set->of_writers[i]);
	free(set->of_writers);
	sc_patterns_clear(&set->claims);
	clear_sources(set->sources, set->source_count);
	free(set->levels);
	free(set);
}

/* The shadow of a path: its directory, and the rest below it; NULL where there is none. */
static const struct shadowcopy_shadow_map *find_map(const struct shadowcopy_backup_set *set,
						    const char *path, const char **rest)
{
	const struct shadowcopy_shadow_map *best = NULL;
	size_t i;

	for (i = 0; i < set->map_count; i++) {
		const char *below = sc_path_below(path, set->maps[i].path);

		if (below && (!best || strlen(set->maps[i].path) > strlen(best->path))) {
			best = &set->maps[i];
			*rest = below;
		}
	}
	return best;
}

/* Where to read what the source has at @rest: the root, and what is below it. */
static int locate(struct shadowcopy *sc, const struct shadowcopy_backup_set *set,
		  const struct source *source, const char *rest, char **root, char **below)
{
	char *logical = join(source->from, rest);
	const struct shadowcopy_shadow_map *map;
	const char *tail;
	int rc = 0;

	if (!logical)
		return no_memory(sc);
	map = find_map(set, logical, &tail);
	if (!map && source->needs_shadow)
		rc = SC_FAIL(sc, -ENXIO, .action = "back up", .object = logical,
			     .cause = "no shadow has it",
			     .remedy = "add the volume that it is on to the set");
	if (!rc) {
		*root = strdup(map ? map->directory : "/");
		*below = strdup(map ? tail : logical + 1);
		if (!*root || !*below) {
			free(*root);
			free(*below);
			rc = no_memory(sc);
		}
	}
	free(logical);
	return rc;
}

static int open_fail(struct shadowcopy *sc, int code, const char *path)
{
	if (code == -ELOOP || code == -ENOTDIR)
		return SC_FAIL(sc, code, .action = "back up", .object = path,
			       .cause = "a symbolic link, which may lead anywhere, or something "
			       "else that is no directory is on the way",
			       .remedy = "have the writer name the directory itself");
	return SC_FAIL(sc, code, .action = "back up", .object = path);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A directory with no names yet; NULL where memory is short. */
static struct level *add_level(struct shadowcopy_backup_set *set, const char *rest)
{
	struct level *more = realloc(set->levels, (set->depth + 1) * sizeof(*more));

	if (!more)
		return NULL;
	set->levels = more;
	more[set->depth] = (struct level){ .rest = strdup(rest) };
	return more[set->depth].rest ? &more[set->depth++] : NULL;
}

static int add_name(struct level *level, const char *name)
{
	char **more;

	if (!(level->count & (level->count - 1))) {
		more = realloc(level->names, (level->count ? 2 * level->count : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		level->names = more;
	}
	level->names[level->count] = strdup(name);
	if (!level->names[level->count])
		return -ENOMEM;
	level->count++;
	return 0;
}

static int read_names(DIR *directory, struct level *level)
{
	struct dirent *entry;
	int rc = 0;

	while (!rc && (errno = 0, entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = add_name(level, entry->d_name);
	if (rc || errno)
		return rc ?: -errno;
	if (level->count)
		qsort(level->names, level->count, sizeof(*level->names), by_text);
	return 0;
}

/* One file is looked for by its name: its directory need not be read. */
static int push_name(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		     const struct source *source)
{
	struct level *level = add_level(set, "");

	if (level && !add_name(level, source->spec))
		return 0;
	if (level)
		pop_level(set);
	return no_memory(sc);
}

/* Go into a directory.  One that is not there has no files. */
static int push_level(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		      const struct source *source, const char *rest)
{
	struct level *level;
	char *root, *below;
	DIR *directory;
	int fd, rc;

	if (!source->recursive && !sc_has_wildcard(source->spec))
		return push_name(sc, set, source);
	rc = locate(sc, set, source, rest, &root, &below);
	if (rc)
		return rc;
	fd = sc_open_beneath(root, below, O_RDONLY | O_DIRECTORY);
	free(root);
	free(below);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return open_fail(sc, fd, source->path);
	directory = fdopendir(fd);
	level = directory ? add_level(set, rest) : NULL;
	rc = level ? read_names(directory, level) : -ENOMEM;
	if (rc && level)
		pop_level(set);
	directory ? closedir(directory) : close(fd);
	return rc ? open_fail(sc, rc, source->path) : 0;
}

static bool is_excluded(const struct shadowcopy_backup_set *set, const struct source *source,
			const char *file, bool directory)
{
	const struct sc_patterns *of_writer = &set->of_writers[source->writer];

	return sc_patterns_find(of_writer, file, directory, 0, of_writer->count) !=
	       SC_NO_PATTERN ||
	       sc_patterns_find(&set->excludes, file, directory, 0, set->excludes.count) !=
	       SC_NO_PATTERN;
}

/*
 * Does an earlier source of the same entry have the file?  A directory belongs to the first
 * recursive file set that is above it, whatever its pattern.
 */
static bool is_claimed(const struct shadowcopy_backup_set *set, const struct source *source,
		       const char *file, bool directory)
{
	return sc_patterns_find(&set->claims, file, directory, source->first,
				source - set->sources) != SC_NO_PATTERN;
}

static bool has_partial(const struct source *source, const char *file)
{
	size_t i;

	for (i = 0; i < source->entry->partial_file_count; i++)
		if (sc_pattern_has(source->entry->partial_files[i]->path,
				   source->entry->partial_files[i]->name, false, file))
			return true;
	return false;
}

static uint32_t kind_of(mode_t mode)
{
	return S_ISREG(mode) ? SHADOWCOPY_ITEM_FILE : S_ISDIR(mode) ? SHADOWCOPY_ITEM_DIRECTORY :
	       S_ISLNK(mode) ? SHADOWCOPY_ITEM_SYMLINK : SHADOWCOPY_ITEM_SPECIAL;
}

static bool is_newer(const struct stat *status, int64_t modified)
{
	return status->st_mtim.tv_sec * 1000000000LL + status->st_mtim.tv_nsec > modified;
}

/* The item is the file at @rest; the set owns @path and @read. */
static int fill_item(struct shadowcopy_backup_set *set, const struct source *source, char *path,
		     char *read, uint32_t kind, bool live)
{
	clear_item(set);
	set->path = path;
	set->read = read;
	set->item = (struct shadowcopy_backup_item){
		.metadata = source->metadata, .entry = source->entry,
		.component = source->component, .path = path, .read = read, .kind = kind,
		.reason = source->reason,
		.flags = (source->by_records ? SHADOWCOPY_ITEM_BY_RECORDS : 0) |
			 (live ? SHADOWCOPY_ITEM_LIVE : 0) |
			 (source->reason == SHADOWCOPY_REASON_DIFFERENCED &&
			  has_partial(source, path) ? SHADOWCOPY_ITEM_CONFLICT : 0),
	};
	return 1;
}

/* Open a ranges file, as it is now; it may be newer than the shadow. */
static int read_ranges_file(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
			    const char *path)
{
	int fd = sc_open_file_beneath("/", path + 1), rc;

	if (fd == -EMEDIUMTYPE)
		return SC_FAIL(sc, -EINVAL, .action = "read the ranges in", .object = path,
			       .cause = "it is no regular file",
			       .remedy = "have the writer make one");
	if (fd < 0)
		return open_fail(sc, fd, path);
	rc = shadowcopy_ranges_read(sc, fd, path, &set->ranges, &set->item.range_count);
	close(fd);
	return rc;
}

/* The parts of the partial file that the item is. */
static int fill_ranges(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		       const struct shadowcopy_partial_file *partial)
{
	int rc;

	if (partial->ranges[0] == '/')
		rc = read_ranges_file(sc, set, partial->ranges);
	else
		rc = shadowcopy_ranges_parse(sc, partial->ranges, &set->ranges,
					     &set->item.range_count);
	set->item.ranges = set->ranges;
	return rc ?: 1;
}

/* One file that the source's pattern fits: 1 where it is the next item. */
static int emit(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		const struct source *source, const char *rest, const struct stat *status)
{
	char *path, *root, *below, *read;
	bool live;
	int rc;

	path = join(source->path, rest);
	if (!path)
		return no_memory(sc);
	if (is_excluded(set, source, path, S_ISDIR(status->st_mode)) ||
	    is_claimed(set, source, path, S_ISDIR(status->st_mode)) ||
	    (source->modified && !is_newer(status, source->modified))) {
		free(path);
		return 0;
	}
	rc = locate(sc, set, source, rest, &root, &below);
	if (rc) {
		free(path);
		return rc;
	}
	live = !strcmp(root, "/");
	read = join(root, below);
	free(root);
	free(below);
	if (!read) {
		free(path);
		return no_memory(sc);
	}
	fill_item(set, source, path, read, kind_of(status->st_mode), live);
	return source->partial ? fill_ranges(sc, set, source->partial) : 1;
}

/* -ENOENT, or a failure that is explained. */
static int stat_name(struct shadowcopy *sc, const struct shadowcopy_backup_set *set,
		     const struct source *source, const char *rest, const char *path,
		     struct stat *status)
{
	char *root, *below;
	int fd, rc;

	rc = locate(sc, set, source, rest, &root, &below);
	if (rc)
		return rc;
	fd = sc_open_beneath(root, below, O_PATH);
	rc = fd < 0 ? fd : fstat(fd, status) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(root);
	free(below);
	return rc && rc != -ENOENT ? open_fail(sc, rc, path) : rc;
}

/* What is at @rest below the source's path, and at @path: 1 where it is the next item. */
static int visit_path(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		      const struct source *source, const char *rest, const char *path, bool fits)
{
	struct stat status;
	int rc = stat_name(sc, set, source, rest, path, &status);

	/* Gone since it was listed, which happens where there is no shadow. */
	if (rc == -ENOENT)
		return 0;
	if (rc) {
		set->found |= fits;
		return rc;
	}
	if (!S_ISDIR(status.st_mode)) {
		set->found |= fits;
		return fits ? emit(sc, set, source, rest, &status) : 0;
	}
	if (!source->recursive)
		return 0;
	if (!is_excluded(set, source, path, true))
		rc = push_level(sc, set, source, rest);
	if (rc || source->reason != SHADOWCOPY_REASON_FILESET)
		return rc;
	return emit(sc, set, source, rest, &status);
}

/* A name in the directory on top: 1 where it is the next item. */
static int visit(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		 const struct source *source, const char *name)
{
	bool fits = shadowcopy_spec_matches(source->spec, name);
	const char *above = set->levels[set->depth - 1].rest;
	char *rest, *path;
	int rc;

	if (!fits && !source->recursive)
		return 0;
	rest = *above ? join(above, name) : strdup(name);
	path = rest ? join(source->path, rest) : NULL;
	rc = path ? visit_path(sc, set, source, rest, path, fits) : no_memory(sc);
	free(rest);
	free(path);
	return rc;
}

/* A file that is named itself has to be there, a pattern may fit nothing (F-26). */
static int end_source(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		      const struct source *source)
{
	char *path;
	int rc;

	set->current++;
	set->begun = false;
	if (set->found || strpbrk(source->spec, "*?"))
		return 0;
	path = join(source->path, source->spec);
	rc = SC_FAIL(sc, -ENOENT, .action = "back up", .object = path ?: source->spec,
		     .cause = "it is named by the writer, and not there",
		     .remedy = "see to why it is missing; a writer names by patterns what may be");
	free(path);
	return rc;
}

static int begin_source(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
			const struct source *source)
{
	const struct shadowcopy_partial_file *partial = source->partial;
	char *path, *read;
	int rc;

	set->begun = true;
	set->found = false;
	rc = push_level(sc, set, source, "");
	if (rc || !partial || partial->ranges[0] != '/')
		return rc;
	path = strdup(partial->ranges);
	read = strdup(partial->ranges);
	if (!path || !read) {
		free(path);
		free(read);
		return no_memory(sc);
	}
	return fill_item(set, source, path, read, SHADOWCOPY_ITEM_RANGES, true);
}

/* Nothing more of a source that failed. */
static void drop_source(struct shadowcopy_backup_set *set)
{
	while (set->depth)
		pop_level(set);
	set->begun = false;
	set->current++;
}

SC_EXPORT int shadowcopy_backup_set_next(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
					 const struct shadowcopy_backup_item **itemp)
{
	int rc = 0;

	*itemp = NULL;
	while (!rc && set->current < set->source_count) {
		const struct source *source = &set->sources[set->current];
		struct level *level = set->depth ? &set->levels[set->depth - 1] : NULL;

		if (!set->begun) {
			rc = begin_source(sc, set, source);
			if (rc < 0)
				drop_source(set);
		} else if (!level) {
			rc = end_source(sc, set, source);
		} else if (level->next == level->count) {
			pop_level(set);
		} else {
			rc = visit(sc, set, source, level->names[level->next++]);
		}
	}
	if (rc > 0)
		*itemp = &set->item;
	return rc;
}

/* --- which shadows are needed ------------------------------------------------------- */

/* The mount that a path is on, and for recursion all mounts below it. */
static void mark_mounts(const struct source *source, const char *const *mounts, size_t count,
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
	struct gathering gathering = { .sc = sc, .backup = backup };
	size_t i;
	int rc;

	for (i = 0; i < mount_count; i++)
		needed[i] = false;
	rc = gather(&gathering, metadata, count);
	if (rc)
		return rc;
	for (i = 0; i < gathering.count; i++)
		if (gathering.sources[i].needs_shadow)
			mark_mounts(&gathering.sources[i], mounts, mount_count, needed);
	clear_sources(gathering.sources, gathering.count);
	return 0;
}
