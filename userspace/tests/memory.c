// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - documents where memory is short: each allocation of each of the rows below fails
 * once alone, and many of them with all that follow.
 *
 * What is done is told -ENOMEM then, not success and not something else; a document that
 * existed before is as it was, or at least whole; and nothing is lost, which the sanitizer
 * sees.  The linker puts these functions in the place of the C library's, and jansson is told
 * to use them, see the Makefile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "libshadowcopy-document.h"

/* --- failing ---------------------------------------------------------------------- */

static long countdown;		/* 0: nothing fails; 1: the next one does */
static bool and_all_after;
static bool fired;

static bool fails(void)
{
	if (!countdown || --countdown)
		return false;
	fired = true;
	if (and_all_after)
		countdown = 1;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
DIR *__real_fdopendir(int fd);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **textp, const char *format, ...) __attribute__((format(printf, 2, 3)));
DIR *__wrap_fdopendir(int fd);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

/* Leaves @textp undefined where it fails, as the C library may. */
int __wrap_asprintf(char **textp, const char *format, ...)
{
	va_list args;
	int rc;

	if (fails()) {
		*textp = (char *)-1L;
		return -1;
	}
	va_start(args, format);
	rc = vasprintf(textp, format, args);
	va_end(args);
	return rc;
}

DIR *__wrap_fdopendir(int fd)
{
	return fails() ? NULL : __real_fdopendir(fd);
}

/* --- what is done --------------------------------------------------------------------- */

static const struct shadow_uuid class_a = { { 0xa0, 1 } }, class_b = { { 0xb0, 1 } };
static const struct shadow_uuid instance_a = { { 0xa0, 2 } }, instance_b = { { 0xb0, 2 } };
static const struct shadow_uuid session = { { 0x5e } };
static char top[64];

/* All that the rows need, made where nothing fails. */
struct world {
	struct shadowcopy *sc;
	struct shadowcopy_metadata *metadata[2];
	struct shadowcopy_backup *backup;
	struct shadowcopy_backup *edited;
	struct shadowcopy_backup_component *entry;
	struct shadowcopy_backup_shadow *shadow;
	char *metadata_text;
	char *backup_text;	/* before the row */
};

static int make_metadata(struct shadowcopy *sc, struct shadowcopy_metadata **metadatap)
{
	struct shadowcopy_metadata *m;
	struct shadowcopy_component *c;
	int rc;

	rc = shadowcopy_metadata_new(sc, &class_a, &instance_a, "Mail", &m);
	if (rc)
		return rc;
	rc = shadowcopy_metadata_set_version(sc, m, "mail-1", 2, 7);
	rc = rc ?: shadowcopy_metadata_set_usage(sc, m, SHADOWCOPY_USAGE_USER_DATA,
						 SHADOWCOPY_SOURCE_TRANSACTIONAL);
	rc = rc ?: shadowcopy_metadata_set_restore(sc, m, SHADOWCOPY_RESTORE_STOP_RESTORE_START,
						   "mail@1.service",
						   SHADOWCOPY_PARTICIPATION_ALWAYS, true);
	rc = rc ?: shadowcopy_metadata_set_schema(sc, m, SHADOWCOPY_SCHEMA_COPY |
						  SHADOWCOPY_SCHEMA_NEW_TARGET |
						  SHADOWCOPY_SCHEMA_INCREMENTAL |
						  SHADOWCOPY_SCHEMA_LAST_MODIFY);
	rc = rc ?: shadowcopy_metadata_add_exclude(sc, m, "/srv/tmp", "*", true);
	rc = rc ?: shadowcopy_metadata_add_shadow_exclude(sc, m, "/srv/mail", "*.lock", false);
	rc = rc ?: shadowcopy_metadata_add_component(sc, m, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
						     "Spool", "Mails under way", true, false, 0,
						     &c);
	rc = rc ?: shadowcopy_component_add_files(sc, c, "/srv/", "*", true, NULL,
						  SHADOWCOPY_NEEDED_DEFAULT);
	rc = rc ?: shadowcopy_component_add_files(sc, c, "${STATE}/mail", "*", false, "/srv/spit",
						  SHADOWCOPY_NEEDED_INCREMENTAL);
	rc = rc ?: shadowcopy_component_add_dependency(sc, c, &class_b, "Top", "Users", NULL);
	rc = rc ?: shadowcopy_metadata_add_component(sc, m, SHADOWCOPY_COMPONENT_FILE_GROUP,
						     "Spool", "Part", NULL, false, true, 0, NULL);
	rc = rc ?: shadowcopy_metadata_add_component(sc, m, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
						     "Always", NULL, false, false, 0, NULL);
	rc = rc ?: shadowcopy_metadata_add_mapping(sc, m, "/srv", "*", true, "/alt");
	if (rc)
		shadowcopy_metadata_free(m);
	else
		*metadatap = m;
	return rc;
}

static int make_other(struct shadowcopy *sc, struct shadowcopy_metadata **metadatap)
{
	struct shadowcopy_metadata *m;

	shadowcopy_metadata_new(sc, &class_b, &instance_b, "Directory", &m);
	shadowcopy_metadata_set_usage(sc, m, SHADOWCOPY_USAGE_OTHER, SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_set_restore(sc, m, SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	shadowcopy_metadata_add_component(sc, m, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL, "Top", NULL,
					  true, false, 0, NULL);
	*metadatap = m;
	return shadowcopy_metadata_add_component(sc, m, SHADOWCOPY_COMPONENT_FILE_GROUP, "Top",
						 "Users", NULL, false, false, 0, NULL);
}

static const char *lookup(void *data, const char *name)
{
	(void)data;
	return strcmp(name, "STATE") ? NULL : "/srv/state";
}

static int act(struct world *w, uint32_t role, uint32_t step)
{
	return shadowcopy_backup_act(w->sc, w->backup, role, step);
}

#define REQUESTER SHADOWCOPY_ROLE_REQUESTER
#define WRITER SHADOWCOPY_ROLE_WRITER
#define STEP(name) SHADOWCOPY_STEP_ ## name
#define PROPERTY(name) SHADOWCOPY_PROPERTY_ ## name

/* --- rows --------------------------------------------------------------------------- */

static int make(struct world *w)
{
	struct shadowcopy_metadata *m = NULL;
	int rc = make_metadata(w->sc, &m);

	if (!rc)
		shadowcopy_metadata_free(m);
	return rc;
}

static int load_metadata(struct world *w)
{
	struct shadowcopy_metadata *m;
	int rc = shadowcopy_metadata_load(w->sc, w->metadata_text, strlen(w->metadata_text), "it",
					  0, &m);

	shadowcopy_metadata_free(m);
	return rc;
}

static int load_newer(struct world *w)
{
	static const char text[] =
		"{\"format\":\"shadowcopy-writer-metadata\",\"version\":\"1.9\","
		"\"class_id\":\"a0010000-0000-0000-0000-000000000000\","
		"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
		"\"usage\":\"other\",\"source\":\"other\",\"restore_method\":\"custom\","
		"\"participation\":\"never\",\"mood\":\"good\",\"list\":[1],\"components\":"
		"[{\"type\":\"file-group\",\"name\":\"C\",\"selectable\":true,\"weight\":7}]}";
	struct shadowcopy_metadata *m;
	int rc = shadowcopy_metadata_load(w->sc, text, strlen(text), "it",
					  SHADOWCOPY_LOAD_UNSIGNED, &m);

	shadowcopy_metadata_free(m);
	return rc;
}

static int load_fd(struct world *w)
{
	struct shadowcopy_metadata *m;
	char path[128];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/m.json", top);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = shadowcopy_metadata_load_fd(w->sc, fd, "it", 0, &m);
	close(fd);
	shadowcopy_metadata_free(m);
	return rc;
}

static int save_metadata(struct world *w)
{
	char *text = NULL;
	int rc = shadowcopy_metadata_save(w->sc, w->metadata[0], &text, NULL);

	if (!rc && strcmp(text, w->metadata_text))
		rc = -EILSEQ;
	free(text);
	return rc;
}

static int expand(struct world *w)
{
	struct shadowcopy_metadata *m;
	int rc = shadowcopy_metadata_load(w->sc, w->metadata_text, strlen(w->metadata_text), "it",
					  0, &m);

	rc = rc ?: shadowcopy_metadata_expand(w->sc, m, lookup, NULL);
	shadowcopy_metadata_free(m);
	return rc;
}

static int check_all(struct world *w)
{
	return shadowcopy_metadata_check_all(w->sc, w->metadata, 2);
}

static int load_backup(struct world *w)
{
	struct shadowcopy_backup *b;
	int rc = shadowcopy_backup_load(w->sc, w->backup_text, strlen(w->backup_text), "it", 0, &b);

	shadowcopy_backup_free(b);
	return rc;
}

static int save_backup(struct world *w)
{
	char *text = NULL;
	int rc = shadowcopy_backup_save(w->sc, w->backup, &text, NULL);

	if (!rc && strcmp(text, w->backup_text))
		rc = -EILSEQ;
	free(text);
	return rc;
}

static int new_backup(struct world *w)
{
	struct shadowcopy_backup *b;
	int rc = shadowcopy_backup_new(w->sc, &session, &b);

	shadowcopy_backup_free(b);
	return rc;
}

static int schemas(struct world *w)
{
	char *text = NULL;
	int rc = shadowcopy_document_schema(w->sc, SHADOWCOPY_DOCUMENT_METADATA, &text);

	free(text);
	if (rc)
		return rc;
	rc = shadowcopy_document_schema(w->sc, SHADOWCOPY_DOCUMENT_BACKUP, &text);
	if (!rc && (!strstr(text, "\"failure_text\"") || !strstr(text, "\"non-retryable\"") ||
		    !strstr(text, "where the volume was mounted")))
		rc = -EILSEQ;
	free(text);
	return rc;
}

static int write_file(struct world *w)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/written.json", top);
	return shadowcopy_document_write(w->sc, path, "{}", 2);
}

static int choose(struct world *w)
{
	int rc;

	act(w, REQUESTER, STEP(GATHERED));
	shadowcopy_backup_remove_writer(w->sc, w->backup, &class_a, &instance_a);
	rc = shadowcopy_backup_add_component(w->sc, w->backup, w->metadata[0], NULL, "Spool", NULL);
	rc = rc ?: shadowcopy_backup_add_dependencies(w->sc, w->backup, w->metadata, 2);
	return rc ?: shadowcopy_backup_check(w->sc, w->backup, w->metadata, 2);
}

static int choose_one(struct world *w)
{
	act(w, REQUESTER, STEP(GATHERED));
	return shadowcopy_backup_add_component(w->sc, w->backup, w->metadata[1], NULL, "Top", NULL);
}

static int set_text(struct world *w)
{
	act(w, WRITER, STEP(POST_SNAPSHOT));
	return shadowcopy_backup_component_set_text(w->sc, w->entry, PROPERTY(BACKUP_STAMP), "new");
}

static int set_failure(struct world *w)
{
	act(w, WRITER, STEP(POST_SNAPSHOT));
	return shadowcopy_backup_component_set_failure(w->sc, w->entry,
						       SHADOWCOPY_FAILURE_RETRYABLE, 7, "no");
}

static int set_fs(struct world *w)
{
	act(w, REQUESTER, STEP(SNAPSHOT));
	return shadowcopy_backup_shadow_set_fs(w->sc, w->shadow, "new", "xfs");
}

static int add_mount(struct world *w)
{
	act(w, REQUESTER, STEP(SNAPSHOT));
	return shadowcopy_backup_shadow_add_mount(w->sc, w->shadow, "/new");
}

static int add_shadow(struct world *w)
{
	act(w, REQUESTER, STEP(SNAPSHOT));
	return shadowcopy_backup_add_shadow(w->sc, w->backup, &class_a, "/dev/vdb",
					    (struct shadow_dev){ 253, 2 }, "/dev/shadow1", NULL);
}

static int set_set(struct world *w)
{
	act(w, REQUESTER, STEP(SNAPSHOT));
	return shadowcopy_backup_set_set(w->sc, w->backup, &class_b, "other", 5);
}

static int add_partial(struct world *w)
{
	act(w, WRITER, STEP(POST_SNAPSHOT));
	return shadowcopy_backup_component_add_partial(w->sc, w->entry, "/srv", "more", "0:5", "x");
}

static int add_differenced(struct world *w)
{
	act(w, WRITER, STEP(POST_SNAPSHOT));
	return shadowcopy_backup_component_add_differenced(w->sc, w->entry, "/srv", "*.new", true,
							   5);
}

static int merge(struct world *w)
{
	act(w, WRITER, STEP(POST_SNAPSHOT));
	return shadowcopy_backup_merge(w->sc, w->backup, w->edited, &instance_a, 1);
}

static int view(struct world *w)
{
	struct shadowcopy_backup *seen;
	int rc = shadowcopy_backup_view(w->sc, w->backup, &instance_a, 1, &seen);

	if (!rc)
		shadowcopy_backup_free(seen);
	return rc;
}

static int adopt(struct world *w)
{
	struct shadowcopy_backup *copy;
	int rc = shadowcopy_backup_load(w->sc, w->backup_text, strlen(w->backup_text), "it", 0,
					&copy);

	if (rc)
		return rc;
	act(w, REQUESTER, STEP(GATHERED));
	shadowcopy_backup_act(w->sc, copy, REQUESTER, STEP(GATHERED));
	rc = shadowcopy_backup_add_component(w->sc, copy, w->metadata[1], NULL, "Top", NULL);
	rc = rc ?: shadowcopy_backup_component_set_text(w->sc, copy->writers[0]->components[0],
							PROPERTY(BACKUP_OPTIONS), "fast");
	rc = rc ?: shadowcopy_backup_adopt(w->sc, &w->backup, copy, w->metadata, 2);
	shadowcopy_backup_free(copy);
	return rc;
}

static int list_files(struct world *w)
{
	char srv[80], conf[80];
	const struct shadowcopy_shadow_map map = { "/srv", srv };
	const struct shadowcopy_backup_item *item;
	struct shadowcopy_backup_set *set;
	struct shadowcopy_metadata *m[2];
	size_t found = 0;
	int rc;

	snprintf(srv, sizeof(srv), "%s/srv", top);
	snprintf(conf, sizeof(conf), "%s/conf", top);
	rc = shadowcopy_metadata_load(w->sc, w->metadata_text, strlen(w->metadata_text), "it", 0,
				      &m[0]);
	if (rc)
		return rc;
	m[1] = w->metadata[1];
	rc = shadowcopy_metadata_expand(w->sc, m[0], lookup, NULL);
	rc = rc ?: shadowcopy_backup_set_new(w->sc, w->backup, m, 2, &map, 1, &set);
	if (!rc) {
		rc = shadowcopy_backup_set_excludes(w->sc, set, conf, lookup, NULL);
		while (!rc && (rc = shadowcopy_backup_set_next(w->sc, set, &item)) > 0) {
			found++;
			rc = 0;
		}
		/* a, ranges, b, deep/, deep/er/, deep/er/c; not x.tmp */
		if (!rc && found != 6)
			rc = -EILSEQ;
		shadowcopy_backup_set_free(set);
	}
	shadowcopy_metadata_free(m[0]);
	return rc;
}

static int shadows_needed(struct world *w)
{
	static const char *const mounts[] = { "/", "/srv" };
	struct shadowcopy_metadata *m[2];
	bool needed[2];
	int rc;

	rc = shadowcopy_metadata_load(w->sc, w->metadata_text, strlen(w->metadata_text), "it", 0,
				      &m[0]);
	m[1] = w->metadata[1];
	rc = rc ?: shadowcopy_metadata_expand(w->sc, m[0], lookup, NULL);
	rc = rc ?: shadowcopy_backup_shadows_needed(w->sc, w->backup, m, 2, mounts, 2, needed);
	shadowcopy_metadata_free(m[0]);
	return rc;
}

static int plan(struct world *w)
{
	static const struct shadowcopy_media_file media[] = {
		{ "/srv/a", SHADOWCOPY_ITEM_FILE }, { "/srv/deep", SHADOWCOPY_ITEM_DIRECTORY },
		{ "/elsewhere", SHADOWCOPY_ITEM_FILE }, { "/srv/ranges", SHADOWCOPY_ITEM_RANGES },
	};
	struct shadowcopy_restore_plan *p;
	struct shadowcopy_metadata *m[2];
	int rc;

	rc = shadowcopy_metadata_load(w->sc, w->metadata_text, strlen(w->metadata_text), "it", 0,
				      &m[0]);
	if (rc)
		return rc;
	m[1] = w->metadata[1];
	rc = shadowcopy_metadata_expand(w->sc, m[0], lookup, NULL);
	rc = rc ?: shadowcopy_backup_begin_restore(w->sc, w->backup, &session);
	if (!rc)
		act(w, REQUESTER, STEP(CHOOSING));
	rc = rc ?: shadowcopy_backup_select(w->sc, w->entry, m[0], m[0]);
	rc = rc ?: shadowcopy_backup_component_add_new_target(w->sc, w->entry, m[0], "/srv", "*",
							      true, "/new");
	rc = rc ?: shadowcopy_backup_component_set_roll_forward(w->sc, w->entry, 3, "LSN 4");
	if (!rc)
		act(w, WRITER, STEP(PRE_RESTORE));
	rc = rc ?: shadowcopy_backup_component_set_value(w->sc, w->entry, PROPERTY(RESTORE_TARGET),
							 SHADOWCOPY_TARGET_DIRECTED);
	rc = rc ?: shadowcopy_backup_component_add_directed(w->sc, w->entry, "/srv", "a", "0:1",
							    "/srv", "z", "1:1");
	rc = rc ?: shadowcopy_restore_plan_new(w->sc, w->backup, m, 2, media, 4, &p);
	if (!rc)
		shadowcopy_restore_plan_free(p);
	shadowcopy_metadata_free(m[0]);
	return rc;
}

static int restore_part(struct world *w)
{
	int rc = shadowcopy_backup_begin_restore(w->sc, w->backup, &session);

	if (!rc)
		act(w, REQUESTER, STEP(CHOOSING));
	rc = rc ?: shadowcopy_backup_select(w->sc, w->entry, w->metadata[0], w->metadata[0]);
	rc = rc ?: shadowcopy_backup_add_restore_subcomponent(w->sc, w->entry, w->metadata[0],
							      "Spool", "Part");
	rc = rc ?: shadowcopy_backup_component_set_text(w->sc, w->entry, PROPERTY(RESTORE_OPTIONS),
							"\"x\"=\"y\"");
	if (!rc)
		rc = shadowcopy_restore_check(w->sc, w->backup, w->metadata, 2);
	/* Its dependency is not restored. */
	return rc == -ENOENT ? 0 : rc;
}

static int texts(struct world *w)
{
	struct shadowcopy_option **options = NULL;
	struct shadowcopy_range *ranges = NULL;
	char *path = NULL;
	size_t count;
	int rc;

	rc = shadowcopy_ranges_parse(w->sc, "0:1,2:3", &ranges, &count);
	rc = rc ?: shadowcopy_options_parse(w->sc, "\"A/B\":\"Roll Forward\"=\"All\"", &options,
					    &count);
	rc = rc ?: shadowcopy_path_expand(w->sc, "${STATE}/x", lookup, NULL, &path);
	free(ranges);
	free(options);
	free(path);
	return rc;
}

/*
 * @atomic: where it fails the document says what it said before
 * @parses: may say that the text is bad, for jansson takes a lack of memory for that, or
 *	loses a byte and goes on, which a checksum tells
 */
static const struct row {
	const char *what;
	int (*run)(struct world *w);
	bool atomic;
	bool parses;
} rows[] = {
	{ "metadata is made", make, true, false },
	{ "metadata is loaded", load_metadata, true, true },
	{ "metadata of a newer version is loaded", load_newer, true, true },
	{ "metadata is loaded from a file", load_fd, true, true },
	{ "metadata is saved", save_metadata, true, false },
	{ "metadata is expanded", expand, true, true },
	{ "metadata is compared", check_all, true, false },
	{ "a backup is begun", new_backup, true, false },
	{ "a backup is loaded", load_backup, true, true },
	{ "a backup is saved", save_backup, true, false },
	{ "schemas are made", schemas, true, false },
	{ "a document is written", write_file, true, false },
	{ "components are chosen", choose, false, false },
	{ "a component is chosen", choose_one, true, false },
	{ "a text is set", set_text, true, false },
	{ "a failure is set", set_failure, true, false },
	{ "a filesystem is set", set_fs, true, false },
	{ "a set is set", set_set, true, false },
	{ "a mount is added", add_mount, true, false },
	{ "a shadow is added", add_shadow, true, false },
	{ "a partial file is added", add_partial, true, false },
	{ "differenced files are added", add_differenced, true, false },
	{ "a writer's copy is merged", merge, false, false },
	{ "a view is made", view, true, false },
	{ "a requester's copy is adopted", adopt, true, true },
	{ "files are listed", list_files, true, true },
	{ "needed shadows are told", shadows_needed, true, true },
	{ "a restore is planned", plan, false, true },
	{ "a part is restored", restore_part, false, false },
	{ "texts are read", texts, true, false },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* --- doing it ------------------------------------------------------------------------- */

static int edit(struct world *w)
{
	struct shadowcopy_backup_component *c;
	int rc = shadowcopy_backup_load(w->sc, w->backup_text, strlen(w->backup_text), "it", 0,
					&w->edited);

	if (rc)
		return rc;
	c = w->edited->writers[0]->components[0];
	shadowcopy_backup_act(w->sc, w->edited, WRITER, STEP(POST_SNAPSHOT));
	rc = shadowcopy_backup_component_set_text(w->sc, c, PROPERTY(BACKUP_METADATA), "mine");
	rc = rc ?: shadowcopy_backup_component_add_partial(w->sc, c, "/srv", "b", "0:5", "x");
	return rc ?: shadowcopy_backup_component_add_differenced(w->sc, c, "/srv", "*.c", true, 5);
}

/* A backup of all of the writer, at the end of it. */
static int build(struct world *w)
{
	char path[128];
	int rc;

	rc = make_metadata(w->sc, &w->metadata[0]);
	rc = rc ?: make_other(w->sc, &w->metadata[1]);
	rc = rc ?: shadowcopy_metadata_save(w->sc, w->metadata[0], &w->metadata_text, NULL);
	rc = rc ?: shadowcopy_backup_new(w->sc, &session, &w->backup);
	rc = rc ?: shadowcopy_backup_set_state(w->sc, w->backup, SHADOWCOPY_TYPE_INCREMENTAL, true,
					       false, true);
	rc = rc ?: act(w, REQUESTER, STEP(GATHERED));
	rc = rc ?: shadowcopy_backup_add_component(w->sc, w->backup, w->metadata[0], NULL, "Spool",
						   &w->entry);
	rc = rc ?: shadowcopy_backup_add_shadow(w->sc, w->backup, &class_b, "/dev/vda1",
						(struct shadow_dev){ 253, 1 }, NULL, &w->shadow);
	rc = rc ?: act(w, WRITER, STEP(POST_SNAPSHOT));
	rc = rc ?: shadowcopy_backup_component_set_text(w->sc, w->entry, PROPERTY(BACKUP_STAMP),
							"LSN 1");
	snprintf(path, sizeof(path), "%s/srv/ranges", top);
	rc = rc ?: shadowcopy_backup_component_add_partial(w->sc, w->entry, "/srv", "a", path,
							   NULL);
	rc = rc ?: shadowcopy_backup_component_add_differenced(w->sc, w->entry, "/srv", "*.log",
							       false, 5);
	rc = rc ?: shadowcopy_backup_save(w->sc, w->backup, &w->backup_text, NULL);
	return rc ?: edit(w);
}

static void clear(struct world *w)
{
	shadowcopy_metadata_free(w->metadata[0]);
	shadowcopy_metadata_free(w->metadata[1]);
	shadowcopy_backup_free(w->backup);
	shadowcopy_backup_free(w->edited);
	free(w->metadata_text);
	free(w->backup_text);
	shadowcopy_free(w->sc);
}

/* Is the backup still good, and where that is asked for the same? */
static const char *harm(struct world *w, bool same)
{
	struct shadowcopy_backup *again = NULL;
	const char *found = NULL;
	char *text = NULL;

	if (shadowcopy_backup_save(w->sc, w->backup, &text, NULL) ||
	    shadowcopy_backup_load(w->sc, text, strlen(text), "it", 0, &again))
		found = "the document is not whole";
	else if (same && strcmp(text, w->backup_text))
		found = "the document is another one";
	shadowcopy_backup_free(again);
	free(text);
	return found;
}

/* Run a row with its nth allocation failing; what is wrong, or NULL. */
static const char *try_one(const struct row *row, long n, bool all_after, bool *donep)
{
	static char fault[256];
	struct world w = { .sc = shadowcopy_new() };
	const char *found = NULL;
	int rc;

	if (build(&w)) {
		snprintf(fault, sizeof(fault), "%s", shadowcopy_last_error(w.sc)->text);
		*donep = true;
		clear(&w);
		return fault;
	}
	fired = false;
	and_all_after = all_after;
	countdown = n;
	rc = row->run(&w);
	countdown = 0;
	*donep = !fired;
	if (rc != (fired ? -ENOMEM : 0) &&
	    !(fired && row->parses && (rc == -EBADMSG || rc == -EINVAL))) {
		snprintf(fault, sizeof(fault), "%s: %s", strerror(-rc),
			 rc ? shadowcopy_last_error(w.sc)->text : "");
		found = fault;
	} else if (fired) {
		found = harm(&w, row->atomic);
	}
	clear(&w);
	return found;
}

static bool try_all(const struct row *row, bool all_after)
{
	const char *found;
	bool done = false, good = true;
	long n;

	/* Where all fail that follow, a part of them tells as much. */
	for (n = 1; !done; n += all_after ? 1 + n / 16 : 1) {
		found = try_one(row, n, all_after, &done);
		if (found && good)
			printf("# allocation %ld%s: %s\n", n, all_after ? " and all after it" : "",
			       found);
		good &= !found;
	}
	return good;
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "we");
	if (file) {
		fwrite(text, 1, strlen(text), file);
		fclose(file);
	}
}

static void make_tree(void)
{
	static const char *const directories[] = { "srv", "conf", "srv/deep", "srv/deep/er" };
	static const struct shadowcopy_range range = { 0, 1 };
	struct world w = { .sc = shadowcopy_new() };
	char path[128];
	size_t i;
	int fd;

	strcpy(top, "/tmp/shadowcopy-memory.XXXXXX");
	if (!mkdtemp(top))
		return;
	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, directories[i]);
		mkdir(path, 0700);
	}
	put("srv/a", "a");
	put("srv/b", "b");
	put("srv/x.tmp", "x");
	put("srv/deep/er/c", "c");
	put("conf/a.conf", "/srv/**/*.tmp\n/srv/ranges\n[Gone]\n${STATE}/*\n");
	snprintf(path, sizeof(path), "%s/srv/ranges", top);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	shadowcopy_ranges_write(w.sc, fd, "ranges", &range, 1);
	close(fd);
	build(&w);
	put("m.json", w.metadata_text ?: "");
	clear(&w);
}

int main(void)
{
	char command[128];
	int failures = 0;
	size_t i;

	json_set_alloc_funcs(__wrap_malloc, free);
	make_tree();
	for (i = 0; i < ROWS; i++) {
		bool good = try_all(&rows[i], false) & try_all(&rows[i], true);

		failures += !good;
		printf("%s %s\n", good ? "ok" : "not ok", rows[i].what);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command) || failures ? 1 : 0;
}
