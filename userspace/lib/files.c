// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * files.c - the files of a backup (VSS f.4).
 *
 * The row of sources (sources.c) is walked, source by source and directory by directory.  A
 * file goes to the first source of its entry that has it; what the writer or the machine
 * excludes goes to none.
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
#include "exclude.h"
#include "patterns.h"
#include "sources.h"

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
	struct sc_sources sources;
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

static int no_memory(struct shadowcopy *sc)
{
	return SC_FAIL(sc, -ENOMEM, .action = "list the files");
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

	for (i = 0; i < set->sources.count && !rc; i++) {
		const struct sc_source *source = &set->sources.all[i];

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
	struct shadowcopy_backup_set *set;
	struct sc_sources sources;
	int rc;

	*setp = NULL;
	rc = sc_sources_gather(sc, backup, metadata, count, &sources);
	if (rc)
		return rc;
	set = calloc(1, sizeof(*set));
	if (!set) {
		sc_sources_clear(&sources);
		return no_memory(sc);
	}
	set->metadata = metadata;
	set->metadata_count = count;
	set->maps = maps;
	set->map_count = map_count;
	set->sources = sources;
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
	sc_sources_clear(&set->sources);
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
		  const struct sc_source *source, const char *rest, char **root, char **below)
{
	char *logical = sc_path_join(source->from, rest);
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
		     const struct sc_source *source)
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
		      const struct sc_source *source, const char *rest)
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

static bool is_excluded(const struct shadowcopy_backup_set *set, const struct sc_source *source,
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
static bool is_claimed(const struct shadowcopy_backup_set *set, const struct sc_source *source,
		       const char *file, bool directory)
{
	return sc_patterns_find(&set->claims, file, directory, source->first,
				source - set->sources.all) != SC_NO_PATTERN;
}

static bool has_partial(const struct sc_source *source, const char *file)
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
static int fill_item(struct shadowcopy_backup_set *set, const struct sc_source *source, char *path,
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
		const struct sc_source *source, const char *rest, const struct stat *status)
{
	char *path, *root, *below, *read;
	bool live;
	int rc;

	path = sc_path_join(source->path, rest);
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
	read = sc_path_join(root, below);
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
		     const struct sc_source *source, const char *rest, const char *path,
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
		      const struct sc_source *source, const char *rest, const char *path, bool fits)
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
		 const struct sc_source *source, const char *name)
{
	bool fits = shadowcopy_spec_matches(source->spec, name);
	const char *above = set->levels[set->depth - 1].rest;
	char *rest, *path;
	int rc;

	if (!fits && !source->recursive)
		return 0;
	rest = *above ? sc_path_join(above, name) : strdup(name);
	path = rest ? sc_path_join(source->path, rest) : NULL;
	rc = path ? visit_path(sc, set, source, rest, path, fits) : no_memory(sc);
	free(rest);
	free(path);
	return rc;
}

/* A file that is named itself has to be there, a pattern may fit nothing (F-26). */
static int end_source(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
		      const struct sc_source *source)
{
	char *path;
	int rc;

	set->current++;
	set->begun = false;
	if (set->found || strpbrk(source->spec, "*?"))
		return 0;
	path = sc_path_join(source->path, source->spec);
	rc = SC_FAIL(sc, -ENOENT, .action = "back up", .object = path ?: source->spec,
		     .cause = "it is named by the writer, and not there",
		     .remedy = "see to why it is missing; a writer names by patterns what may be");
	free(path);
	return rc;
}

static int begin_source(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
			const struct sc_source *source)
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

/* What it failed at, so that who has the list knows what the backup lacks (B-22). */
static void name_failed(struct shadowcopy_backup_set *set, const struct sc_source *source)
{
	clear_item(set);
	set->item = (struct shadowcopy_backup_item){
		.metadata = source->metadata, .entry = source->entry,
		.component = source->component, .path = source->path, .reason = source->reason,
	};
}

SC_EXPORT int shadowcopy_backup_set_next(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
					 const struct shadowcopy_backup_item **itemp)
{
	int rc = 0;

	while (!rc && set->current < set->sources.count) {
		const struct sc_source *source = &set->sources.all[set->current];
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
		if (rc < 0)
			name_failed(set, source);
	}
	*itemp = rc ? &set->item : NULL;
	return rc;
}
