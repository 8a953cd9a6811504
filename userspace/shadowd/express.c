// SPDX-License-Identifier: GPL-2.0-only
/*
 * express.c - writers that are no process: metadata in files (A-19, C-15).
 *
 * What is in /etc/shadowcopy/writers.d and /usr/lib/shadowcopy/writers.d as *.json is a writer
 * each: backups know what belongs together and how it is put back, and nobody is told anything.
 * A file in /etc stands in for one of the same name in /usr/lib; an empty one, or a link to
 * /dev/null, takes that away.  A file that is not good is not a writer, and that is told.
 *
 * Files are read by a thread, each time that somebody gathers.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shadowd.h"

#define EXPRESS_MAX 256

static const char *const directories[] = {
	"/etc/shadowcopy/writers.d", "/usr/local/lib/shadowcopy/writers.d",
	"/usr/lib/shadowcopy/writers.d",
};

struct express {
	struct work work;
	struct session *session;
	void (*done)(struct session *session);
	struct shadowcopy *sc;
	char *names[EXPRESS_MAX];	/* of files that were seen */
	size_t name_count;
	struct shadowcopy_metadata *metadata[EXPRESS_MAX];
	size_t count;
	json_t *problems;
};

/* --- in a thread ------------------------------------------------------------------------- */

/* Where the text has the path in it there is none. */
static void problem(struct express *express, const char *path, const char *text)
{
	char *line;

	if (asprintf(&line, "%s%s%s", path ?: "", path ? ": " : "", text) < 0)
		return;
	text_clean(line);
	json_array_append_new(express->problems, json_string(line));
	free(line);
}

/* A file that others can write is no better than what they say. */
static bool is_trusted(const struct stat *st)
{
	return S_ISREG(st->st_mode) && !st->st_uid && !(st->st_mode & 0022);
}

static void read_file(struct express *express, const char *path)
{
	struct shadowcopy_metadata *metadata = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		problem(express, path, strerror(errno));
	} else if (S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && !st.st_size)) {
		/* takes a writer away */
	} else if (!is_trusted(&st)) {
		problem(express, path, "it is no file that only root can write");
	} else if (shadowcopy_metadata_load_fd(express->sc, fd, path, SHADOWCOPY_LOAD_UNSIGNED,
					       &metadata)) {
		problem(express, NULL, shadowcopy_last_error(express->sc)->text);
	} else if (shadowcopy_metadata_check_static(express->sc, metadata)) {
		problem(express, path, shadowcopy_last_error(express->sc)->text);
		shadowcopy_metadata_free(metadata);
	} else {
		express->metadata[express->count++] = metadata;
	}
	if (fd >= 0)
		close(fd);
}

static int is_json(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       !strcmp(entry->d_name + length - 5, ".json");
}

static bool seen(struct express *express, const char *name)
{
	size_t i;

	for (i = 0; i < express->name_count; i++)
		if (!strcmp(express->names[i], name))
			return true;
	if (express->name_count < EXPRESS_MAX) {
		express->names[express->name_count] = strdup(name);
		if (express->names[express->name_count])
			express->name_count++;
	}
	return false;
}

static void read_directory(struct express *express, const char *directory)
{
	struct dirent **entries;
	char path[4096];
	int i, count = scandir(directory, &entries, is_json, alphasort);

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (express->name_count == EXPRESS_MAX || express->count == EXPRESS_MAX)
			problem(express, path, "it is one file too many");
		else if (!seen(express, entries[i]->d_name))
			read_file(express, path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	else if (errno != ENOENT)
		problem(express, directory, strerror(errno));
}

static void run(struct work *work)
{
	struct express *express = ENTRY(work, struct express, work);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(directories); i++)
		read_directory(express, directories[i]);
}

/* --- in the loop --------------------------------------------------------------------------- */

static bool take_part(struct session *session, struct shadowcopy_metadata *metadata)
{
	struct participant *p;

	if (participant_find(session, &metadata->instance_id))
		return false;
	p = calloc(1, sizeof(*p));
	if (!p)
		return false;
	p->info.class_id = metadata->class_id;
	p->info.instance_id = metadata->instance_id;
	snprintf(p->info.name, sizeof(p->info.name), "%s", metadata->name);
	snprintf(p->info.instance_name, sizeof(p->info.instance_name), "%s",
		 metadata->instance_name ?: "");
	p->info.level = SHADOW_NL_LEVEL_SYSTEM;
	p->state = WRITER_STABLE;
	p->metadata = metadata;
	p->has_told = true;
	p->express = true;
	link_add(&session->participants, &p->link);
	return true;
}

static void done(struct work *work)
{
	struct express *express = ENTRY(work, struct express, work);
	struct session *session = express->session;
	void (*next)(struct session *session) = express->done;
	json_t *text;
	size_t i;

	session->working = false;
	for (i = 0; i < express->count; i++) {
		if (take_part(session, express->metadata[i]))
			continue;
		problem(express, express->metadata[i]->name, "its instance is there twice");
		shadowcopy_metadata_free(express->metadata[i]);
	}
	for (i = 0; i < express->name_count; i++)
		free(express->names[i]);
	json_array_foreach(express->problems, i, text)
		log_often(4, "%s", json_string_value(text));
	json_decref(session->problems);
	session->problems = express->problems;
	shadowcopy_free(express->sc);
	free(express);
	session_go_on(session, next);
}

void express_gather(struct session *session, void (*next)(struct session *session))
{
	struct express *express = calloc(1, sizeof(*express));

	if (express) {
		express->sc = shadowcopy_new();
		express->problems = json_array();
	}
	if (!express || !express->sc || !express->problems) {
		if (express) {
			shadowcopy_free(express->sc);
			json_decref(express->problems);
		}
		free(express);
		log_line(3, "writers in files are left out: there is not enough memory");
		return next(session);
	}
	express->session = session;
	express->done = next;
	express->work.run = run;
	express->work.done = done;
	session->working = true;
	work_start(&express->work);
}
