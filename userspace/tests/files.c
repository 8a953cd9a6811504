// SPDX-License-Identifier: GPL-2.0-only
/*
 * files.c - tests of the list of a backup's files, and of the plan of a restore.
 *
 * "Shadows" are directories: /srv is at TOP/srv, and the volume mounted on /srv/deep at TOP/deep.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/document.h"
#include "../lib/patterns.h"
#include "test.h"

static struct shadowcopy *sc;
#define says(words) error_says(sc, words)
static char top[64];

static const struct shadow_uuid class_a = { { 0xa0, 1 } }, instance_a = { { 0xa0, 2 } };
static const struct shadow_uuid session = { { 0x5e } };

static const char *at(const char *name)
{
	static char path[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "we");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void make_tree(void)
{
	static const char *const directories[] = {
		"srv", "srv/sub", "srv/sub/empty", "srv/tmp", "srv/deep", "deep", "deep/er", "spit",
		"spit/below", "out", "conf",
	};
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	size_t i;

	strcpy(top, "/tmp/shadowcopy-files.XXXXXX");
	if (!mkdtemp(top))
		return;
	for (i = 0; i < ARRAY_SIZE(directories); i++)
		mkdir(at(directories[i]), 0700);
	put("srv/a.db", "a");
	put("srv/b.log", "b");
	put("srv/old.log", "o");
	put("srv/sub/c.db", "c");
	put("srv/tmp/t", "t");
	put("srv/deep/hidden", "of the parent");
	put("deep/d.db", "d");
	put("deep/er/e.db", "e");
	put("spit/a.db", "spit");
	put("out/secret", "s");
	if (symlink(at("out"), at("srv/link")) || symlink("a.db", at("srv/alias.db")))
		puts("# no symbolic links");
	utimensat(AT_FDCWD, at("srv/old.log"), old, 0);
}

static void remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	if (system(command))
		puts("# the tree is left");
}

static struct shadowcopy_metadata *metadata;
static struct shadowcopy_component *component;
static struct shadowcopy_backup *backup;
static struct shadowcopy_backup_component *entry;

static void begin(uint32_t type)
{
	shadowcopy_metadata_new(sc, &class_a, &instance_a, "W", &metadata);
	shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_OTHER,
				      SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	shadowcopy_metadata_add_component(sc, metadata, type, NULL, "C", NULL, true, false, 0,
					  &component);
	shadowcopy_backup_new(sc, &session, &backup);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_FULL, true, false, true);
	shadowcopy_backup_add_component(sc, backup, metadata, NULL, "C", &entry);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_WRITER, SHADOWCOPY_STEP_POST_SNAPSHOT);
}

static void begin_group(void)
{
	begin(SHADOWCOPY_COMPONENT_FILE_GROUP);
}

static void end(void)
{
	shadowcopy_metadata_free(metadata);
	shadowcopy_backup_free(backup);
}

static int add(const char *path, const char *spec, bool recursive, const char *alternate,
	       uint32_t needed)
{
	return shadowcopy_component_add_files(sc, component, path, spec, recursive, alternate,
					      needed);
}

static int last;
static bool with_excludes;
static const struct shadowcopy_backup_component *lacks;	/* what the last failure was of */
static char listed[4096];

/* All paths, a space before each; marks behind those that are special; and the last result. */
static const char *list(void)
{
	const struct shadowcopy_shadow_map maps[] = {
		{ "/srv", at("srv") }, { "/srv/deep", at("deep") }, { "/spit", at("spit") },
	};
	const struct shadowcopy_backup_item *item = NULL;
	struct shadowcopy_backup_set *set;
	size_t used = 0;

	listed[0] = '\0';
	last = shadowcopy_backup_set_new(sc, backup, &metadata, 1, maps, ARRAY_SIZE(maps), &set);
	if (last)
		return "";
	if (with_excludes)
		last = shadowcopy_backup_set_excludes(sc, set, at("conf"), NULL, NULL);
	while (!last && (last = shadowcopy_backup_set_next(sc, set, &item)) > 0) {
		used += snprintf(listed + used, sizeof(listed) - used, "%s%s%s%s%s%s",
				 used ? " " : "", item->path,
				 item->kind == SHADOWCOPY_ITEM_DIRECTORY ? "/" :
				 item->kind == SHADOWCOPY_ITEM_SYMLINK ? "@" :
				 item->kind == SHADOWCOPY_ITEM_RANGES ? "#" : "",
				 item->ranges ? "%" : "",
				 item->flags & SHADOWCOPY_ITEM_CONFLICT ? "!" : "",
				 item->flags & SHADOWCOPY_ITEM_BY_RECORDS ? "?" : "");
		last = 0;
		if (item->kind == SHADOWCOPY_ITEM_FILE && access(item->read, R_OK))
			last = -errno;
	}
	lacks = last < 0 && item ? item->entry : NULL;
	shadowcopy_backup_set_free(set);
	return listed;
}

static void expanding(void)
{
	begin_group();
	add("/srv", "*.db", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK_STRING(list(), "/srv/a.db /srv/alias.db@",
		     "a pattern in one directory; links are links");
	end();
	begin_group();
	add("/srv", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_metadata_add_exclude(sc, metadata, "/srv/tmp", "*", true);
	shadowcopy_metadata_add_exclude(sc, metadata, "/srv", "*.log", false);
	CHECK_STRING(list(), "/srv/a.db /srv/alias.db@ /srv/deep/ /srv/deep/d.db /srv/deep/er/ "
		     "/srv/deep/er/e.db /srv/link@ /srv/sub/ /srv/sub/c.db /srv/sub/empty/ /srv/tmp/",
		     "recursion: empty directories, a mount below from its own shadow, excludes (F-06)");
	end();
	begin_group();
	add("/srv", "*.db", true, "/spit", SHADOWCOPY_NEEDED_DEFAULT);
	CHECK_STRING(list(), "/srv/a.db /srv/below/",
		     "an alternate path is read, under the default path (F-29)");
	end();
	begin_group();
	add("/srv/link", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	list();
	CHECK((last == -ELOOP || last == -ENOTDIR) && says("symbolic link"),
	      "a symbolic link leads nowhere (N-09)");
	end();
	begin_group();
	add("/srv/none", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK_STRING(list(), "", "a pattern may fit nothing (F-26)");
	CHECK(!last, "which is no error");
	end();
	begin_group();
	add("/srv", "named", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	list();
	CHECK(last == -ENOENT && lacks == entry && says("/srv/named"),
	      "a file that is named has to be there (F-26)");
	end();
	begin_group();
	add("/elsewhere", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	list();
	CHECK(last == -ENXIO && lacks == entry && says("no shadow"),
	      "a file has to be in a shadow");
	end();
	begin_group();
	add(at("srv"), "a.db", false, NULL, SHADOWCOPY_NEEDED_FULL);
	list();
	CHECK(!last && strstr(listed, "srv/a.db"),
	      "where none is needed the volume is read (G-17)");
	end();
	begin_group();
	add("${X}", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	list();
	CHECK(last == -EINVAL && says("variable"), "variables are expanded before");
	end();
}

/* Of several file sets each file and each directory goes to the first. */
static void overlaps(void)
{
	begin_group();
	add("/srv/sub", "*.db", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	add("/srv/sub", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	add("/srv/sub", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	add("/srv", "*.db", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK_STRING(list(), "/srv/sub/c.db /srv/sub/empty/ /srv/a.db /srv/alias.db@ /srv/deep/ "
		     "/srv/deep/d.db /srv/deep/er/ /srv/deep/er/e.db /srv/sub/ /srv/tmp/",
		     "a directory belongs to the first recursive one, whatever the patterns (F-26)");
	end();
	begin_group();
	add("/srv/sub", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_backup_component_add_differenced(sc, entry, "/srv/sub", "*", true, 1);
	CHECK_STRING(list(), "/srv/sub/c.db /srv/sub/empty/",
		     "also where differenced files are all of its files");
	end();
}

/* What cannot be had costs what it is about, and no more. */
static void after_failures(void)
{
	const struct shadowcopy_shadow_map map = { "/srv", at("srv") };
	const struct shadowcopy_backup_item *item;
	struct shadowcopy_backup_set *set;
	size_t found = 0, failed = 0;
	int rc;

	begin_group();
	add("/srv", "not there", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	add("/srv/link", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	add("/nowhere", "x", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", at("srv/pipe"), NULL);
	add("/srv", "*.db", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	mkfifo(at("srv/pipe"), 0600);
	shadowcopy_backup_set_new(sc, backup, &metadata, 1, &map, 1, &set);
	while ((rc = shadowcopy_backup_set_next(sc, set, &item))) {
		found += rc > 0;
		failed += rc < 0;
		if (rc == -ENXIO)
			CHECK(says("no shadow has it"), "a file that no shadow has is told");
		if (rc == -EINVAL)
			CHECK(says("no regular file"), "ranges are read from a file only");
	}
	shadowcopy_backup_set_free(set);
	unlink(at("srv/pipe"));
	/* The ranges file itself, and alias.db. */
	CHECK(found == 2 && failed == 4, "after a failure the list goes on, and ends");
	end();
}

static void types(void)
{
	static const char *const mounts[] = { "/", "/srv", "/srv/deep", "/spit" };
	bool needed[4];

	begin(SHADOWCOPY_COMPONENT_DATABASE);
	shadowcopy_component_add_database(sc, component, "/srv", "a.db", SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_component_add_log(sc, component, "/srv", "b.log", SHADOWCOPY_NEEDED_DEFAULT);
	backup->type = SHADOWCOPY_TYPE_LOG;
	CHECK_STRING(list(), "/srv/a.db /srv/b.log",
		     "a type that a writer does not know is full (G-16)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_LOG);
	CHECK_STRING(list(), "/srv/b.log", "a log backup has logs only (G-05)");
	end();
	begin_group();
	add("/srv", "a.db", false, NULL, SHADOWCOPY_NEEDED_FULL |
	    SHADOWCOPY_NEEDED_SHADOW(SHADOWCOPY_NEEDED_FULL));
	add("/srv/deep", "*", true, NULL, SHADOWCOPY_NEEDED_INCREMENTAL);
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_INCREMENTAL);
	CHECK_STRING(list(), "/srv/a.db", "masks choose file sets (G-17)");
	CHECK(!shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 4, needed) &&
	      !needed[0] && needed[1] && !needed[2] && !needed[3], "and volumes");
	backup->type = SHADOWCOPY_TYPE_COPY;
	CHECK_STRING(list(), "/srv/a.db", "a copy is as a full one (G-02)");
	backup->type = SHADOWCOPY_TYPE_DIFFERENTIAL;
	CHECK_STRING(list(), "/srv/a.db", "and so is what the writer cannot do (G-16)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_INCREMENTAL |
				       SHADOWCOPY_SCHEMA_DIFFERENTIAL);
	CHECK_STRING(list(), "", "where it can it has masks, too (G-04)");
	backup->type = SHADOWCOPY_TYPE_INCREMENTAL;
	CHECK_STRING(list(), "/srv/deep/d.db /srv/deep/er/ /srv/deep/er/e.db", "for each type");
	CHECK(!shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 4, needed) &&
	      !needed[0] && !needed[1] && !needed[2], "and an incremental one needs none here");
	end();
	begin_group();
	add("/srv", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK(!shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 4, needed) &&
	      !needed[0] && needed[1] && needed[2] && !needed[3],
	      "recursion needs those of all volumes below, too (A-22)");
	end();
	begin_group();
	add("/srv", "*", true, "/spit", SHADOWCOPY_NEEDED_DEFAULT);
	CHECK(!shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 4, needed) &&
	      !needed[1] && needed[3], "and an alternate path that of its own volume (F-29)");
	end();
}

static void parts_of_files(void)
{
	static const char *const mounts[] = { "/srv" };
	bool needed[1];
	struct shadowcopy_range range = { 0, 1 };
	int fd;

	begin_group();
	add("/srv", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", "0:1", NULL);
	shadowcopy_backup_component_add_differenced(sc, entry, "/srv", "*.log", false,
						    2000LL * 1000000000);
	CHECK_STRING(list(), "/srv/b.log /srv/a.db% /srv/alias.db@ /srv/link@",
		     "differenced files, then partial ones, then the rest (F-43)");
	end();
	begin_group();
	add("/srv", "a.db", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", "0:1", NULL);
	shadowcopy_backup_component_add_differenced(sc, entry, "/srv", "a.db", false, 0);
	CHECK_STRING(list(), "/srv/a.db!?",
		     "one that is both is differenced, which is told (F-42), and 0 asks (F-41)");
	end();
	fd = open(at("ranges"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	shadowcopy_ranges_write(sc, fd, "ranges", &range, 1);
	close(fd);
	begin_group();
	shadowcopy_backup_component_add_partial(sc, entry, "/srv/sub", "c.db", at("ranges"), NULL);
	list();
	CHECK(!last && strstr(listed, "/ranges# /srv/sub/c.db%"),
	      "a ranges file comes before its file (F-40), which no file set needs to have");
	end();
	begin_group();
	add("/srv", "*", true, "/spit", SHADOWCOPY_NEEDED_DEFAULT);
	put("spit/below/a.db", "spit");
	shadowcopy_backup_component_add_partial(sc, entry, "/srv/below", "a.db", "0:1", NULL);
	CHECK_STRING(list(), "/srv/below/a.db% /srv/a.db /srv/below/",
		     "a partial file is read below the alternate path, too (F-29)");
	end();
	begin_group();
	add("/srv", "*", false, NULL, SHADOWCOPY_NEEDED_FULL);
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_INCREMENTAL);
	backup->type = SHADOWCOPY_TYPE_INCREMENTAL;
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", "0:1", NULL);
	CHECK(!shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 1, needed) &&
	      needed[0], "one over the mask of its file set is read from a shadow (F-40)");
	end();
	begin_group();
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "gone", "0:1", NULL);
	list();
	CHECK(last == -ENOENT, "a partial file has to be there");
	end();
}

static void of_the_machine(void)
{
	put("conf/a.conf",
	    "# of the machine\n\n/srv/**/*.db\n[Gone]\n/srv/old.log\n[W]\n/srv/b.log\n");
	put("conf/b.other", "nothing to read\n");
	with_excludes = true;
	begin_group();
	add("/srv", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK_STRING(list(), "/srv/b.log /srv/link@",
		     "the machine's excludes, those for absent writers among them (A-29)");
	/* That of b.log is in a section for W, which is there; here it is in none. */
	put("conf/b.conf", "/srv/link\n");
	CHECK_STRING(list(), "/srv/b.log", "a section ends with its file");
	unlink(at("conf/b.conf"));
	put("conf/c.conf", "/srv/x\nsrv/*.db\n");
	list();
	CHECK(last == -EINVAL && says("c.conf") && says("line 2"), "a bad line is told");
	put("conf/c.conf", "/home/*/cache/**/*\n");
	list();
	CHECK(last == -EINVAL && says("line 1"), "as is a directory that is a pattern");
	unlink(at("conf/c.conf"));
	mkdir(at("conf/d.conf"), 0700);
	list();
	CHECK(last == -EISDIR && says("d.conf"), "and what cannot be read");
	rmdir(at("conf/d.conf"));
	end();
	with_excludes = false;
}

/* --- patterns in order, against going through all of them ----------------------------------- */

static uint32_t draw(uint32_t below)
{
	static uint32_t state = 7;

	state = state * 1664525 + 1013904223;
	return (state >> 16) % below;
}

static const char *draw_path(char buf[64])
{
	static const char *const names[] = { "a", "b", "a-", "ab" };
	size_t depth = draw(4);

	strcpy(buf, depth ? "" : "/");
	while (depth--)
		sprintf(buf + strlen(buf), "/%s", names[draw(4)]);
	return buf;
}

static size_t search(const struct sc_patterns *patterns, const char *file, bool directory,
		     size_t from, size_t to)
{
	for (; from < to; from++) {
		const struct sc_pattern *pattern = &patterns->all[from];

		if (directory && !pattern->directories)
			continue;
		if (sc_pattern_has(pattern->path, directory ? "*" : pattern->spec,
				   pattern->recursive, file))
			return from;
	}
	return SC_NO_PATTERN;
}

static void patterns(void)
{
	static const char *const specs[] = { "a", "b", "a*", "?", "*", "ab" };
	static char paths[40][64];
	struct sc_patterns all = { 0 };
	bool agrees = true;
	char file[64];
	int i, j;

	for (i = 0; i < 200; i++) {
		sc_patterns_clear(&all);
		for (j = draw(40); j >= 0; j--) {
			bool recursive = draw(2);

			sc_patterns_add(&all, &(struct sc_pattern){
				.path = draw_path(paths[j]), .spec = specs[draw(6)],
				.recursive = recursive, .directories = recursive && draw(2) });
		}
		sc_patterns_sort(&all);
		for (j = 0; j < 100; j++) {
			size_t from = draw(all.count + 1), to = draw(all.count + 1);
			bool directory = draw(2);

			draw_path(file);
			agrees &= sc_patterns_find(&all, file, directory, from, to) ==
				  search(&all, file, directory, from, to);
		}
		for (j = 0; j < (int)all.count; j++) {
			const struct sc_pattern *one = &all.all[j];
			size_t found = sc_patterns_exactly(&all, one->path, one->spec,
							   one->recursive);

			agrees &= found <= (size_t)j && !strcmp(all.all[found].path, one->path) &&
				  !strcmp(all.all[found].spec, one->spec) &&
				  all.all[found].recursive == one->recursive;
		}
		agrees &= sc_patterns_exactly(&all, "/c", "*", true) == SC_NO_PATTERN;
	}
	sc_patterns_clear(&all);
	CHECK(agrees, "patterns in order find what a search finds");
}

/* --- restore -------------------------------------------------------------------------- */

static const struct shadowcopy_media_file media[] = {
	{ "/srv/a.db", SHADOWCOPY_ITEM_FILE }, { "/srv/sub", SHADOWCOPY_ITEM_DIRECTORY },
	{ "/srv/sub/c.db", SHADOWCOPY_ITEM_FILE }, { "/etc/passwd", SHADOWCOPY_ITEM_FILE },
	{ "/var/ranges", SHADOWCOPY_ITEM_RANGES },
};

static void begin_restore(uint32_t method, const char *service, uint32_t participation)
{
	begin_group();
	add("/srv", "*", true, "/spit", SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_metadata_set_restore(sc, metadata, method, service, participation, false);
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", "/var/ranges", NULL);
	shadowcopy_backup_begin_restore(sc, backup, &session);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
	shadowcopy_backup_select(sc, entry, metadata, metadata);
}

static const char *const step_names[] = {
	"", "pre", "stop", "absent?", "replaceable?", "alternate-absent?", "copy", "copy-alternate",
	"stage", "custom", "start", "post", "reboot",
};

static const char *const conditions[] = { "", "+", "-", "a+", "any-", "staged+" };

static struct shadowcopy_restore_plan *plan;

/* The steps, each behind its condition. */
static const char *steps(void)
{
	size_t i, used = 0;

	shadowcopy_restore_plan_free(plan);
	listed[0] = '\0';
	last = shadowcopy_restore_plan_new(sc, backup, &metadata, 1, media, ARRAY_SIZE(media),
					   &plan);
	for (i = 0; !last && i < plan->step_count; i++)
		used += snprintf(listed + used, sizeof(listed) - used, "%s%s%s", used ? " " : "",
				 conditions[plan->steps[i]->condition],
				 step_names[plan->steps[i]->kind]);
	return listed;
}

static void methods(void)
{
	static const struct {
		const char *row;
		uint32_t method;
		const char *service;
		const char *steps;
		const char *with_mapping;
	} rows[] = {
		{ "L-01", SHADOWCOPY_RESTORE_IF_NOT_THERE, NULL, "pre absent? +copy post",
		  "pre absent? +copy -alternate-absent? a+copy-alternate post" },
		{ "L-02", SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL, "pre replaceable? +copy post",
		  "pre replaceable? +copy -copy-alternate post" },
		{ "L-03", SHADOWCOPY_RESTORE_STOP_RESTORE_START, "w.service",
		  "pre stop copy start post", "pre stop copy start post" },
		{ "L-04", SHADOWCOPY_RESTORE_RESTORE_STOP_START, "w.service",
		  "pre copy post stop start", "pre copy post stop start" },
		{ "L-05", SHADOWCOPY_RESTORE_TO_ALTERNATE, NULL, NULL, "pre copy-alternate post" },
		{ "L-06", SHADOWCOPY_RESTORE_AT_REBOOT, NULL, "pre stage post reboot",
		  "pre stage post reboot" },
		{ "L-07", SHADOWCOPY_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE, NULL,
		  "pre replaceable? +copy -stage post staged+reboot",
		  "pre replaceable? +copy -stage post staged+reboot" },
		{ "L-08", SHADOWCOPY_RESTORE_CUSTOM, NULL, "pre custom post", "pre custom post" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_restore(rows[i].method, rows[i].service, SHADOWCOPY_PARTICIPATION_ALWAYS);
		steps();
		if (rows[i].steps)
			CHECK_STRING(listed, rows[i].steps, rows[i].row);
		else
			CHECK(last == -EINVAL && says("fault of the writer"), rows[i].row);
		shadowcopy_metadata_add_mapping(sc, metadata, "/srv", "*", true, "/alt");
		/* The ranges file has no alternate location, and needs none. */
		CHECK_STRING(steps(), rows[i].with_mapping, "and with an alternate location");
		end();
	}
	begin_restore(SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
		      SHADOWCOPY_PARTICIPATION_IF_REPLACE_FAILS);
	CHECK_STRING(steps(), "pre replaceable? +copy any-post",
		     "a writer that is told of failures (l.4)");
	end();
	begin_restore(SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL, SHADOWCOPY_PARTICIPATION_NEVER);
	CHECK_STRING(steps(), "replaceable? +copy", "and one that is told nothing (l.4)");
	backup->restore_type = SHADOWCOPY_RESTORE_TYPE_IMPORT;
	CHECK_STRING(steps(), "", "what is imported is not copied");
	end();
}

/* Two writers: each event for both, before the next step of either (l.1). */
static void two_writers(void)
{
	static const struct shadow_uuid class_b = { { 0xb0, 1 } }, instance_b = { { 0xb0, 2 } };
	struct shadowcopy_metadata *both[2];
	struct shadowcopy_backup_component *of_b;
	size_t i, used = 0;

	begin_restore(SHADOWCOPY_RESTORE_STOP_RESTORE_START, "a.service",
		      SHADOWCOPY_PARTICIPATION_ALWAYS);
	shadowcopy_metadata_new(sc, &class_b, &instance_b, "V", &both[1]);
	shadowcopy_metadata_set_usage(sc, both[1], SHADOWCOPY_USAGE_OTHER,
				      SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_set_restore(sc, both[1], SHADOWCOPY_RESTORE_RESTORE_STOP_START,
					"b.service", SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	shadowcopy_metadata_add_component(sc, both[1], SHADOWCOPY_COMPONENT_FILE_GROUP, NULL, "D",
					  NULL, true, false, 0, &component);
	add("/etc", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	both[0] = metadata;
	backup->mode = SHADOWCOPY_MODE_BACKUP;
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	shadowcopy_backup_add_component(sc, backup, both[1], NULL, "D", &of_b);
	backup->mode = SHADOWCOPY_MODE_RESTORE;
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
	shadowcopy_backup_select(sc, of_b, both[1], both[1]);
	last = shadowcopy_restore_plan_new(sc, backup, both, 2, media, ARRAY_SIZE(media), &plan);
	for (i = 0; !last && i < plan->step_count; i++)
		used += snprintf(listed + used, sizeof(listed) - used, "%s%s-%s", used ? " " : "",
				 plan->steps[i]->metadata->name, step_names[plan->steps[i]->kind]);
	CHECK_STRING(listed,
		     "W-pre V-pre W-stop W-copy W-start V-copy W-post V-post V-stop V-start",
		     "what is told is told to all writers before the next thing is done (l.1)");
	CHECK(plan && plan->part_count == 2 && plan->parts[1]->file_count == 1 &&
	      !strcmp(plan->parts[1]->files[0]->path, "/etc/passwd") && !plan->unclaimed_count,
	      "each has its files");
	shadowcopy_restore_plan_free(plan);
	plan = NULL;
	shadowcopy_metadata_free(both[1]);
	end();
}

/* A backup may have been changed by others since. */
static void hostile_media(void)
{
	static const char *const paths[] = {
		"srv/a.db", "/srv/../etc/cron.d/x", "/srv/..", "/srv//a.db", "/srv/./a.db",
		"/srv/sub/", "", "//",
	};
	struct shadowcopy_restore_plan *none = NULL;
	bool refused = true;
	size_t i;

	begin_restore(SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL, SHADOWCOPY_PARTICIPATION_NEVER);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct shadowcopy_media_file one = { paths[i], SHADOWCOPY_ITEM_FILE };

		refused &= shadowcopy_restore_plan_new(sc, backup, &metadata, 1, &one, 1, &none) ==
			   -EINVAL && says("Do not trust") && !none;
	}
	CHECK(refused, "a file of the backup does not lead out of its directory (N-09)");
	CHECK(!shadowcopy_restore_plan_new(sc, backup, &metadata, 1,
					   &(struct shadowcopy_media_file){
						"/srv/..a\xff", SHADOWCOPY_ITEM_FILE }, 1, &none) &&
	      none->parts[0]->file_count == 1, "but may have a strange name");
	shadowcopy_restore_plan_free(none);
	add("${X}", "*", false, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	CHECK(shadowcopy_restore_plan_new(sc, backup, &metadata, 1, media, 1, &none) == -EINVAL &&
	      says("variable"), "variables are expanded before a restore, too");
	end();
}

/* A directory is of a recursive file set; and a ranges file goes where the requester has it. */
static void places(void)
{
	static const struct shadowcopy_media_file some[] = {
		{ "/srv/deep", SHADOWCOPY_ITEM_DIRECTORY },
		{ "/srv/ranges", SHADOWCOPY_ITEM_RANGES }, { "/srv/a.db", SHADOWCOPY_ITEM_FILE },
	};
	struct shadowcopy_component *flat = NULL;
	size_t i;

	begin_group();
	add("/srv", "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP, "C",
					  "Flat", NULL, false, false, 0, &flat);
	/* The first one is looked at first. */
	metadata->components[1] = metadata->components[0];
	metadata->components[0] = flat;
	shadowcopy_component_add_files(sc, flat, "/srv", "*", false, NULL,
				       SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_backup_component_add_partial(sc, entry, "/srv", "a.db", "/srv/ranges", NULL);
	shadowcopy_backup_begin_restore(sc, backup, &session);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
	shadowcopy_backup_select(sc, entry, metadata, metadata);
	shadowcopy_backup_component_set_ranges_path(sc, entry, "/srv", "a.db", "/run/ranges");
	last = shadowcopy_restore_plan_new(sc, backup, &metadata, 1, some, 3, &plan);
	for (i = 0; plan && i < plan->parts[0]->file_count; i++) {
		const struct shadowcopy_restore_file *file = plan->parts[0]->files[i];

		if (file->kind == SHADOWCOPY_ITEM_DIRECTORY)
			CHECK(file->component && !strcmp(file->component->name, "C"),
			      "a directory belongs to a recursive file set");
		if (file->kind == SHADOWCOPY_ITEM_RANGES)
			CHECK_STRING(file->destination, "/run/ranges",
				     "a ranges file that is in a file set goes where it was moved to");
		if (file->kind == SHADOWCOPY_ITEM_FILE)
			CHECK_STRING(file->ranges ?: "", "/run/ranges", "and is looked for there");
	}
	CHECK(plan && plan->parts[0]->file_count == 3 && !plan->unclaimed_count,
	      "all three of them");
	shadowcopy_restore_plan_free(plan);
	plan = NULL;
	end();
}

static const struct shadowcopy_restore_file *file_of(const char *path)
{
	size_t i;

	for (i = 0; plan && i < plan->parts[0]->file_count; i++)
		if (!strcmp(plan->parts[0]->files[i]->path, path))
			return plan->parts[0]->files[i];
	return NULL;
}

static void targets(void)
{
	const struct shadowcopy_restore_file *file;

	begin_restore(SHADOWCOPY_RESTORE_IF_NOT_THERE, NULL, SHADOWCOPY_PARTICIPATION_ALWAYS);
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_NEW_TARGET);
	steps();
	file = file_of("/srv/sub/c.db");
	CHECK(file && !strcmp(file->destination, "/srv/sub/c.db") && !file->alternate,
	      "a file goes where it was; the alternate path means nothing (F-29)");
	CHECK(plan && !strcmp(plan->parts[0]->files[0]->path, "/var/ranges") &&
	      file_of("/srv/a.db")->ranges, "its ranges file goes first (F-40)");
	CHECK(plan && plan->unclaimed_count == 1 && !strcmp(plan->unclaimed[0], "/etc/passwd"),
	      "what belongs to nothing is told");
	shadowcopy_metadata_add_mapping(sc, metadata, "/srv", "*", true, "/alt");
	shadowcopy_backup_component_add_new_target(sc, entry, metadata, "/srv", "*", true, "/new");
	steps();
	file = file_of("/srv/sub/c.db");
	CHECK(file && !strcmp(file->destination, "/new/sub/c.db") &&
	      !strcmp(file->alternate, "/alt/sub/c.db"),
	      "a new target and an alternate location (B-37)");
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_WRITER, SHADOWCOPY_STEP_PRE_RESTORE);
	shadowcopy_backup_component_set_value(sc, entry, SHADOWCOPY_PROPERTY_RESTORE_TARGET,
					      SHADOWCOPY_TARGET_ALTERNATE);
	CHECK_STRING(steps(), "pre copy-alternate post",
		     "the target alternate is over the method (l.3)");
	shadowcopy_backup_component_set_value(sc, entry, SHADOWCOPY_PROPERTY_RESTORE_TARGET,
					      SHADOWCOPY_TARGET_ORIGINAL_LOCATION);
	CHECK_STRING(steps(), "pre copy post", "and so is the original location (l.3)");
	shadowcopy_backup_component_set_value(sc, entry, SHADOWCOPY_PROPERTY_RESTORE_TARGET,
					      SHADOWCOPY_TARGET_DIRECTED);
	shadowcopy_backup_component_add_directed(sc, entry, "/srv/sub", "c.db", "0:4", "/srv",
						 "z.db", "8:4");
	CHECK_STRING(steps(), "pre copy post", "and so are directed targets (F-45)");
	file = file_of("/srv/sub/c.db");
	CHECK(file && !strcmp(file->destination, "/srv/z.db") && !strcmp(file->ranges, "0:4") &&
	      !strcmp(file->destination_ranges, "8:4"), "which say from where to where");
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_AT_REBOOT, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	CHECK_STRING(steps(), "pre stage post reboot", "but a restore at boot is one (l.3)");
	shadowcopy_backup_component_set_value(sc, entry, SHADOWCOPY_PROPERTY_RESTORE_TARGET,
					      SHADOWCOPY_TARGET_ALTERNATE);
	CHECK_STRING(steps(), "pre stage post reboot", "whatever the target");
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_CUSTOM, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, true);
	CHECK_STRING(steps(), "pre custom post reboot",
		     "and a writer's own way is, which may ask for a restart (F-04)");
	shadowcopy_restore_plan_free(plan);
	plan = NULL;
	end();
}

void test_files(void)
{
	sc = shadowcopy_new();
	make_tree();
	expanding();
	overlaps();
	after_failures();
	types();
	parts_of_files();
	of_the_machine();
	patterns();
	methods();
	shadowcopy_restore_plan_free(plan);
	plan = NULL;
	two_writers();
	hostile_media();
	places();
	targets();
	remove_tree();
	shadowcopy_free(sc);
}
