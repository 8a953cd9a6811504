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
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "document.h"
#include "exclude.h"
#include "tree.h"

struct source {
	const struct shadowcopy_metadata *metadata;
	const struct shadowcopy_backup_component *entry;
	const struct shadowcopy_component *component;
	const struct shadowcopy_partial_file *partial;
	uint32_t reason;
	const char *path;	/* where the files are */
	const char *spec;
	bool recursive;
	const char *from;	/* where they are read, before shadows are looked at */
	bool needs_shadow;
	int64_t modified;
	bool by_records;
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
	struct sc_excludes excludes;
	struct source *sources;
	size_t source_count;
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
	struct source *sources;
	size_t count;
};

static int add_source(struct gathering *gathering, const struct source *source)
{
	size_t count = gathering->count;
	struct source *more;

	if (strstr(source->path, "${") || strstr(source->from, "${"))
		return SC_FAIL(gathering->sc, -EINVAL, .action = "list the files in",
			       .object = source->path, .cause = "it has a variable in it",
			       .remedy = "expand the metadata before");
	if (!(count & (count - 1))) {
		more = realloc(gathering->sources, (count ? 2 * count : 1) * sizeof(*more));
		if (!more)
			return SC_FAIL(gathering->sc, -ENOMEM, .action = "list the files");
		gathering->sources = more;
	}
	gathering->sources[gathering->count++] = *source;
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

struct finding {
	const char *path, *spec;
	bool recursive, exactly;
	const struct shadowcopy_component *component;
	const struct shadowcopy_fileset *set;
};

/* The file set that is exactly that, or that has a file. */
static int find_fileset(void *data, const struct shadowcopy_component *component,
			const struct shadowcopy_fileset *set, bool log)
{
	struct finding *finding = data;
	char file[PATH_MAX + NAME_MAX + 2];
	bool found;

	(void)log;
	if (finding->exactly) {
		found = !strcmp(set->path, finding->path) && !strcmp(set->spec, finding->spec) &&
			set->recursive == finding->recursive;
	} else {
		snprintf(file, sizeof(file), "%s/%s",
			 strcmp(finding->path, "/") ? finding->path : "", finding->spec);
		found = sc_pattern_has(set->path, set->spec, set->recursive, file);
	}
	if (!found)
		return 0;
	finding->component = component;
	finding->set = set;
	return 1;
}

/* Differenced files and partial files are read as the file set that they are of. */
static void relate(struct gathering *gathering, struct source *source, bool exactly)
{
	struct finding finding = {
		.path = source->path, .spec = source->spec, .recursive = source->recursive,
		.exactly = exactly,
	};

	source->from = source->path;
	source->needs_shadow = true;
	if (!each_in_entry(gathering, source->metadata, source->entry, find_fileset,
			   &finding))
		return;
	source->component = finding.component;
	source->needs_shadow = finding.set->needed &
		SHADOWCOPY_NEEDED_SHADOW(needed_by(gathering->backup, source->metadata));
	if (finding.set->alternate && !strcmp(finding.set->path, source->path))
		source->from = finding.set->alternate;
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
		relate(gathering, &source, true);
		rc = add_source(gathering, &source);
	}
	return rc;
}

static int add_partial(struct gathering *gathering, const struct source *base)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < base->entry->partial_file_count && !rc; i++) {
		struct source source = *base;

		source.reason = SHADOWCOPY_REASON_PARTIAL;
		source.partial = base->entry->partial_files[i];
		source.path = source.partial->path;
		source.spec = source.partial->name;
		relate(gathering, &source, false);
		rc = add_source(gathering, &source);
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
	source.from = set->alternate ?: set->path;
	source.needs_shadow = set->needed & SHADOWCOPY_NEEDED_SHADOW(needed);
	return add_source(adding->gathering, &source);
}

static int gather_entries(struct gathering *gathering,
			  const struct shadowcopy_backup_writer *writer,
			  const struct shadowcopy_metadata *metadata)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		struct source base = { .metadata = metadata, .entry = writer->components[i] };
		struct adding adding = { gathering, &base };

		rc = add_differenced(gathering, &base);
		if (!rc)
			rc = add_partial(gathering, &base);
		if (!rc)
			rc = each_in_entry(gathering, metadata, base.entry, add_fileset, &adding);
	}
	return rc;
}

static int gather_writer(struct gathering *gathering, const struct shadowcopy_backup_writer *writer,
			 const struct shadowcopy_metadata *metadata)
{
	int rc = sc_tree_new(gathering->sc, metadata, &gathering->tree);

	if (rc)
		return rc;
	sc_tree_enter(&gathering->tree, writer);
	rc = gather_entries(gathering, writer, metadata);
	sc_tree_clear(&gathering->tree);
	return rc;
}

static int gather(struct gathering *gathering, struct shadowcopy_metadata *const *metadata,
		  size_t count)
{
	const struct shadowcopy_backup *backup = gathering->backup;
	size_t i;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++) {
		const struct shadowcopy_metadata *of = sc_metadata_of(backup->writers[i], metadata,
								      count);

		if (!of)
			rc = SC_FAIL(gathering->sc, -ENOENT, .action = "list the files of writer",
				     .object = backup->writers[i]->name,
				     .cause = "its metadata is not there",
				     .remedy = "give that which the components were chosen from");
		else
			rc = gather_writer(gathering, backup->writers[i], of);
	}
	if (rc)
		free(gathering->sources);
	return rc;
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
		free(gathering.sources);
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
	}
	set->metadata = metadata;
	set->metadata_count = count;
	set->maps = maps;
	set->map_count = map_count;
	set->sources = gathering.sources;
	set->source_count = gathering.count;
	*setp = set;
	return 0;
}

SC_EXPORT int shadowcopy_backup_set_excludes(struct shadowcopy *sc,
					     struct shadowcopy_backup_set *set,
					     const char *directory,
					     const char *(*lookup)(void *data, const char *name),
					     void *data)
{
	return sc_excludes_read(sc, &set->excludes, directory ?: "/etc/shadowcopy/exclude.d",
				set->metadata, set->metadata_count, lookup, data);
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
	if (!set)
		return;
	while (set->depth)
		pop_level(set);
	clear_item(set);
	sc_excludes_clear(&set->excludes);
	free(set->levels);
	free(set->sources);
	free(set);
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
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
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
			rc = SC_FAIL(sc, -ENOMEM, .action = "list the files");
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

static int read_names(DIR *directory, struct level *level)
{
	struct dirent *entry;
	char **more;

	while ((errno = 0, entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!(level->count & (level->count - 1))) {
			more = realloc(level->names,
				       (level->count ? 2 * level->count : 1) * sizeof(*more));
			if (!more)
				return -ENOMEM;
			level->names = more;
		}
		level->names[level->count] = strdup(entry->d_name);
		if (!level->names[level->count])
			return -ENOMEM;
		level->count++;
	}
	if (errno)
		return -errno;
	if (level->count)
		qsort(level->names, level->count, sizeof(*level->names), by_text);
	return 0;
}

/* Go into a directory.  One that is not there has no files. */
static int push_level(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		      const struct source *source, const char *rest)
{
	char *root, *below;
	struct level *more;
	DIR *directory;
	int fd, rc;

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
	more = realloc(set->levels, (set->depth + 1) * sizeof(*more));
	if (!directory || !more) {
		set->levels = more ?: set->levels;
		directory ? closedir(directory) : close(fd);
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
	}
	set->levels = more;
	more[set->depth] = (struct level){ .rest = strdup(rest) };
	rc = more[set->depth].rest ? read_names(directory, &more[set->depth]) : -ENOMEM;
	set->depth++;
	closedir(directory);
	return rc ? open_fail(sc, rc, source->path) : 0;
}

static bool pattern_drops(const char *path, const char *spec, bool recursive, const char *file,
			  bool directory)
{
	/* A directory goes only with everything in it. */
	return sc_pattern_has(path, spec, recursive, file) &&
	       (!directory || (recursive && !strcmp(spec, "*")));
}

static bool is_excluded(const struct shadowcopy_backup_set *set, const struct source *source,
			const char *file, bool directory)
{
	size_t i;

	for (i = 0; i < source->metadata->exclude_count; i++) {
		const struct shadowcopy_exclude *exclude = source->metadata->excludes[i];

		if (pattern_drops(exclude->path, exclude->spec, exclude->recursive, file,
				  directory))
			return true;
	}
	for (i = 0; i < set->excludes.count; i++) {
		const struct sc_pattern *pattern = &set->excludes.patterns[i];

		if (pattern_drops(pattern->path, pattern->spec, pattern->recursive, file,
				  directory))
			return true;
	}
	return false;
}

/* Does an earlier source of the same entry have the file? */
static bool is_claimed(const struct shadowcopy_backup_set *set, const struct source *source,
		       const char *file)
{
	const struct source *other;

	for (other = source; other > set->sources && other[-1].entry == source->entry; other--)
		if (sc_pattern_has(other[-1].path, other[-1].spec, other[-1].recursive, file))
			return true;
	return false;
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
	int fd = sc_open_beneath("/", path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY), rc;
	struct stat status;

	if (fd < 0)
		return open_fail(sc, fd, path);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		rc = open_fail(sc, -EINVAL, path);
	else
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
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
	if (is_excluded(set, source, path, S_ISDIR(status->st_mode)) ||
	    is_claimed(set, source, path) ||
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
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
	}
	fill_item(set, source, path, read, kind_of(status->st_mode), live);
	return source->partial ? fill_ranges(sc, set, source->partial) : 1;
}

static int stat_name(struct shadowcopy *sc, const struct shadowcopy_backup_set *set,
		     const struct source *source, const char *rest, struct stat *status)
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
	return rc;
}

/* A name in the directory on top: 1 where it is the next item. */
static int visit(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		 const struct source *source, const char *name)
{
	char *rest = join(set->levels[set->depth - 1].rest, name), *path;
	bool fits = shadowcopy_spec_matches(source->spec, name), directory;
	const char *below = rest && rest[0] == '/' ? rest + 1 : rest;
	struct stat status;
	int rc;

	if (!rest)
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
	rc = stat_name(sc, set, source, below, &status);
	directory = !rc && S_ISDIR(status.st_mode);
	if (rc) {
		/* Gone since it was listed, which happens where there is no shadow. */
		rc = rc == -ENOENT ? 0 : open_fail(sc, rc, source->path);
	} else if (directory && source->recursive) {
		path = join(source->path, below);
		rc = path ? 0 : SC_FAIL(sc, -ENOMEM, .action = "list the files");
		if (path && !is_excluded(set, source, path, true))
			rc = push_level(sc, set, source, below);
		if (!rc && source->reason == SHADOWCOPY_REASON_FILESET)
			rc = emit(sc, set, source, below, &status);
		free(path);
	} else if (!directory && fits) {
		set->found = true;
		rc = emit(sc, set, source, below, &status);
	}
	free(rest);
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
		return SC_FAIL(sc, -ENOMEM, .action = "list the files");
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
		} else if (!level) {
			rc = end_source(sc, set, source);
			if (rc)
				return rc;
		} else if (level->next == level->count) {
			pop_level(set);
		} else {
			rc = visit(sc, set, source, level->names[level->next++]);
		}
		if (rc < 0)
			drop_source(set);
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
	free(gathering.sources);
	return 0;
}
