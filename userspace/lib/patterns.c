// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * patterns.c - many patterns of files, and which of them has a file.
 *
 * A writer may name each of its files, and have ten thousands of them, so that to go through
 * all patterns for each file takes the square of their number.  Here they are in order: by their
 * directory; in one directory first those that are names, by name, then those that have
 * wildcards.  For a file each directory above it is looked up, and in that its name; only
 * patterns with wildcards of these directories are tried one by one.
 */
#include "document.h"
#include "patterns.h"

bool sc_has_wildcard(const char *spec)
{
	return strpbrk(spec, "*?");
}

int sc_patterns_add(struct sc_patterns *patterns, const struct sc_pattern *pattern)
{
	size_t count = patterns->count;
	struct sc_pattern *more;

	if (!(count & (count - 1))) {
		more = realloc(patterns->all, (count ? 2 * count : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		patterns->all = more;
	}
	patterns->all[patterns->count++] = *pattern;
	return 0;
}

void sc_patterns_clear(struct sc_patterns *patterns)
{
	free(patterns->all);
	free(patterns->files);
	free(patterns->directories);
	*patterns = (struct sc_patterns){ 0 };
}

/* --- order ------------------------------------------------------------------------ */

/* What a pattern is compared with: of a directory's path the first @length bytes. */
struct key {
	const char *path;
	size_t length;
	bool wild;
	const char *spec;
	const struct sc_pattern *first;
};

static int compare_path(const struct sc_pattern *pattern, const struct key *key)
{
	int rc = strncmp(pattern->path, key->path, key->length);

	return rc ?: !!pattern->path[key->length];
}

static int compare_file(const struct sc_pattern *pattern, const struct key *key)
{
	int rc = compare_path(pattern, key);

	rc = rc ?: sc_has_wildcard(pattern->spec) - key->wild;
	return rc ?: strcmp(pattern->spec, key->spec);
}

static int compare_directory(const struct sc_pattern *pattern, const struct key *key)
{
	int rc = compare_path(pattern, key);

	return rc ?: pattern < key->first ? -1 : pattern > key->first;
}

static struct key key_of(const struct sc_pattern *pattern)
{
	return (struct key){ pattern->path, strlen(pattern->path), sc_has_wildcard(pattern->spec),
			     pattern->spec, pattern };
}

static int by_file(const void *a, const void *b)
{
	const struct sc_pattern *const *x = a, *const *y = b;
	struct key key = key_of(*y);
	int rc = compare_file(*x, &key);

	return rc ?: *x < *y ? -1 : *x > *y;
}

static int by_directory(const void *a, const void *b)
{
	const struct sc_pattern *const *x = a, *const *y = b;
	struct key key = key_of(*y);

	return compare_directory(*x, &key);
}

int sc_patterns_sort(struct sc_patterns *patterns)
{
	size_t i, count = patterns->count;

	free(patterns->files);
	free(patterns->directories);
	patterns->directory_count = 0;
	patterns->files = calloc(count + 1, sizeof(*patterns->files));
	patterns->directories = calloc(count + 1, sizeof(*patterns->directories));
	if (!patterns->files || !patterns->directories)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		patterns->files[i] = &patterns->all[i];
		if (patterns->all[i].directories)
			patterns->directories[patterns->directory_count++] = &patterns->all[i];
	}
	qsort(patterns->files, count, sizeof(*patterns->files), by_file);
	qsort(patterns->directories, patterns->directory_count, sizeof(*patterns->directories),
	      by_directory);
	return 0;
}

/* The first of an array that is not less than a key. */
static size_t lower_bound(const struct sc_pattern *const *array, size_t count,
			  const struct key *key,
			  int (*compare)(const struct sc_pattern *pattern, const struct key *key))
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(array[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- looking for one ------------------------------------------------------------------ */

struct search {
	const struct sc_patterns *patterns;
	const char *name;	/* of the file */
	bool direct;		/* its own directory is looked at */
	size_t from, best;	/* a number from @from on and less than @best is looked for */
};

static void consider(struct search *search, const struct sc_pattern *pattern)
{
	size_t number = pattern - search->patterns->all;

	if (number >= search->from && number < search->best &&
	    (search->direct || pattern->recursive) &&
	    shadowcopy_spec_matches(pattern->spec, search->name))
		search->best = number;
}

/* The patterns of one directory: its name among the names, then those with wildcards. */
static void search_files(struct search *search, const char *path, size_t length)
{
	const struct sc_patterns *patterns = search->patterns;
	struct key key = { path, length, false, search->name, NULL };
	size_t i;

	i = lower_bound(patterns->files, patterns->count, &key, compare_file);
	for (; i < patterns->count && !compare_file(patterns->files[i], &key); i++)
		consider(search, patterns->files[i]);
	key.wild = true;
	key.spec = "";
	i = lower_bound(patterns->files, patterns->count, &key, compare_file);
	for (; i < patterns->count && !compare_path(patterns->files[i], &key); i++)
		consider(search, patterns->files[i]);
}

static void search_directories(struct search *search, const char *path, size_t length)
{
	const struct sc_patterns *patterns = search->patterns;
	struct key key = { .path = path, .length = length, .first = patterns->all + search->from };
	size_t number, i;

	i = lower_bound(patterns->directories, patterns->directory_count, &key, compare_directory);
	if (i == patterns->directory_count || compare_path(patterns->directories[i], &key))
		return;
	number = patterns->directories[i] - patterns->all;
	if (number < search->best)
		search->best = number;
}

size_t sc_patterns_find(const struct sc_patterns *patterns, const char *file, bool directory,
			size_t from, size_t to)
{
	struct search search = { .patterns = patterns, .direct = true, .from = from, .best = to };
	size_t length = strlen(file);

	if (from >= to || !patterns->count)
		return SC_NO_PATTERN;
	while (length && file[length - 1] != '/')
		length--;
	search.name = file + length;
	if (!*search.name)
		return SC_NO_PATTERN;
	/* From the directory that it is in up to the root, which keeps its '/'. */
	while (length) {
		size_t path = length == 1 ? 1 : length - 1;

		if (directory)
			search_directories(&search, file, path);
		else
			search_files(&search, file, path);
		search.direct = false;
		do
			length--;
		while (length && file[length - 1] != '/');
	}
	return search.best < to ? search.best : SC_NO_PATTERN;
}

size_t sc_patterns_exactly(const struct sc_patterns *patterns, const char *path, const char *spec,
			   bool recursive)
{
	struct key key = { path, strlen(path), sc_has_wildcard(spec), spec, NULL };
	size_t i;

	i = lower_bound(patterns->files, patterns->count, &key, compare_file);
	for (; i < patterns->count && !compare_file(patterns->files[i], &key); i++)
		if (patterns->files[i]->recursive == recursive)
			return patterns->files[i] - patterns->all;
	return SC_NO_PATTERN;
}
