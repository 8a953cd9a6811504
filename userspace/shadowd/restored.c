// SPDX-License-Identifier: GPL-2.0-only
/*
 * restored.c - that there was a restore, for who was not there to hear it.
 *
 * A writer that runs is told (C-30).  One that is started later, or an application without one,
 * finds in a file when its data was replaced last, and by which session, so it can tell that
 * what it remembers of it is older.  There is one entry for each class and instance name.
 */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shadowd.h"

#define ENTRIES_MAX 1024

const char *restored_path = "/var/lib/shadowcopy/last-restore.json";

struct noting {
	struct work work;
	struct session *session;
	void (*done)(struct session *session);
	struct shadowcopy *sc;
	json_t *entries;		/* new ones */
	char problem[512];
};

/* Two restores can end at the same time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- in a thread ------------------------------------------------------------------------- */

static const char *text_of(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key)) ?: "";
}

static bool same_writer(const json_t *a, const json_t *b)
{
	return !strcmp(text_of(a, "class"), text_of(b, "class")) &&
	       !strcmp(text_of(a, "instance_name"), text_of(b, "instance_name"));
}

/* What is there; nothing, where that is not good. */
static json_t *read_entries(void)
{
	json_t *root = json_load_file(restored_path, 0, NULL);
	json_t *entries = json_incref(json_object_get(root, "restores"));

	json_decref(root);
	if (json_is_array(entries))
		return entries;
	json_decref(entries);
	return json_array();
}

static void add_entry(json_t *entries, json_t *entry)
{
	size_t i;

	for (i = 0; i < json_array_size(entries); i++)
		if (same_writer(json_array_get(entries, i), entry)) {
			json_array_remove(entries, i);
			break;
		}
	while (json_array_size(entries) >= ENTRIES_MAX)
		json_array_remove(entries, 0);	/* the oldest */
	json_array_append(entries, entry);
}

static void make_directory(void)
{
	char *directory = strdup(restored_path), *slash;

	slash = directory ? strrchr(directory, '/') : NULL;
	if (slash) {
		*slash = '\0';
		(void)mkdir(directory, 0755);
	}
	free(directory);
}

static void run(struct work *work)
{
	struct noting *noting = ENTRY(work, struct noting, work);
	json_t *entries, *entry, *root;
	size_t i;
	char *text;

	pthread_mutex_lock(&lock);
	make_directory();
	entries = read_entries();
	json_array_foreach(noting->entries, i, entry)
		add_entry(entries, entry);
	root = json_pack("{s:o}", "restores", entries);
	text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!text)
		snprintf(noting->problem, sizeof(noting->problem), "there is not enough memory");
	else if (shadowcopy_document_write(noting->sc, restored_path, text, strlen(text)))
		snprintf(noting->problem, sizeof(noting->problem), "%s",
			 shadowcopy_last_error(noting->sc)->text);
	else
		(void)chmod(restored_path, 0644);
	free(text);
	json_decref(root);
	pthread_mutex_unlock(&lock);
}

/* --- in the loop --------------------------------------------------------------------------- */

static void done(struct work *work)
{
	struct noting *noting = ENTRY(work, struct noting, work);
	struct session *session = noting->session;
	void (*fn)(struct session *session) = noting->done;

	session->working = false;
	if (*noting->problem)
		log_line(4, "that there was a restore is not noted: %s", noting->problem);
	shadowcopy_free(noting->sc);
	json_decref(noting->entries);
	free(noting);
	session_go_on(session, fn);
}

static json_t *entry_new(const struct session *session, const struct shadow_uuid *class_id,
			 const char *name, const char *instance_name, bool failed)
{
	char text[SHADOWCOPY_UUID_LEN], uuid[SHADOWCOPY_UUID_LEN], when[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "class",
			 shadowcopy_uuid_format(class_id, text), "name", name,
			 "instance_name", instance_name ?: "", "session",
			 shadowcopy_uuid_format(&session->uuid, uuid), "when", when, "failed",
			 failed);
}

/* Has it heard of the restore, as a participant? */
static bool has_heard(const struct session *session, const struct shadowcopy_backup_writer *writer)
{
	struct shadow_uuid instances[PART_INSTANCES_MAX];
	size_t i, count;

	EACH(p, &session->participants, struct participant, link) {
		count = takes_part(p) ? part_instances(session, p, instances) : 0;
		for (i = 0; i < count; i++)
			if (uuid_same(&instances[i], &writer->instance_id))
				return true;
	}
	return false;
}

static bool is_restored(const struct shadowcopy_backup_writer *writer)
{
	size_t i;

	for (i = 0; i < writer->component_count; i++)
		if (writer->components[i]->selected)
			return true;
	return false;
}

/* Who takes part, and who was not there. */
static void add_all(json_t *entries, const struct session *session)
{
	size_t i;

	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p))
			json_array_append_new(entries, entry_new(session, &p->info.class_id,
								 p->info.name,
								 p->info.instance_name,
								 p->state == WRITER_FAILED));
	for (i = 0; i < session->backup->writer_count; i++) {
		const struct shadowcopy_backup_writer *writer = session->backup->writers[i];

		if (is_restored(writer) && !has_heard(session, writer))
			json_array_append_new(entries, entry_new(session, &writer->class_id,
								 writer->name,
								 writer->instance_name, false));
	}
}

void restored_note(struct session *session, void (*fn)(struct session *session))
{
	struct noting *noting = calloc(1, sizeof(*noting));

	if (noting) {
		noting->sc = shadowcopy_new();
		noting->entries = json_array();
	}
	if (!noting || !noting->sc || !noting->entries) {
		if (noting) {
			shadowcopy_free(noting->sc);
			json_decref(noting->entries);
		}
		free(noting);
		log_line(4, "that there was a restore is not noted: there is not enough memory");
		return fn(session);
	}
	add_all(noting->entries, session);
	noting->session = session;
	noting->done = fn;
	noting->work.run = run;
	noting->work.done = done;
	session->working = true;
	work_start(&noting->work);
}
