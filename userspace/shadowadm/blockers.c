// SPDX-License-Identifier: GPL-2.0-only
/*
 * blockers.c - writers that forbid that a volume is reverted (B-52).
 *
 * A writer says in its metadata that volumes with its data must not be reverted: an application
 * that has a part of its state elsewhere, on another volume or on another machine, would not be one
 * any more.  That is for who has the command to know, so --force is allowed.
 *
 * The writers are asked in a session of its own, in which nothing else is done.
 */
#include "blockers.h"
#include "fstab.h"
#include "writer.h"

/* --- asking ------------------------------------------------------------------------------ */

static void on_writer(void *data, const struct shadowcopy_channel_writer *writer)
{
	(void)data;
	(void)writer;
}

/* Without the coordinator: those that have registered are there all the same. */
static void warn_unasked(const struct context *context)
{
	struct shadowcopy_channel *channel;
	int count = 0;

	if (shadowcopy_channel_open(context->sc, &channel))
		return;
	count = shadowcopy_channel_writers(channel, on_writer, NULL);
	shadowcopy_channel_close(channel);
	if (count > 0)
		warn(context, "shadowd does not run, so no writer is asked whether its data may be "
		     "reverted; %d %s registered (\"shadowadm writer list\" shows them). \"systemctl "
		     "start shadowd.socket\" has them asked", count, count == 1 ? "has" : "have");
}

/* Where a set of files is, on the volume: that, or NULL. */
static const char *set_there(struct fstab_places *places, const struct shadowcopy_fileset *set)
{
	const char *paths[] = { set->path, set->alternate };
	size_t i;

	/* one that only its writer could expand may be anywhere */
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i] && (*paths[i] != '/' || strchr(paths[i], '$') ||
				 fstab_places_have(places, paths[i], set->recursive)))
			return paths[i];
	return NULL;
}

static const char *sets_there(struct fstab_places *places,
			      struct shadowcopy_fileset *const *sets, size_t count)
{
	const char *there = NULL;
	size_t i;

	for (i = 0; i < count && !there; i++)
		there = set_there(places, sets[i]);
	return there;
}

static void add(json_t *list, const struct shadowcopy_metadata *metadata,
		const struct shadowcopy_component *component, const char *path)
{
	bool above = component->path && *component->path;
	json_t *blocker = json_object();
	char *name = NULL;

	json_text(blocker, "writer", metadata->name);
	json_text(blocker, "instance_name", metadata->instance_name);
	if (asprintf(&name, "%s%s%s", above ? component->path : "", above ? "/" : "",
		     component->name) < 0)
		name = NULL;
	json_text(blocker, "component", name ?: component->name);
	json_text(blocker, "path", path);
	free(name);
	json_array_append_new(list, blocker);
}

static void look(struct fstab_places *places, const struct shadowcopy_metadata *metadata,
		 json_t *list)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];
		const char *path = sets_there(places, c->files, c->file_count) ?:
				   sets_there(places, c->databases, c->database_count) ?:
				   sets_there(places, c->logs, c->log_count);

		if (path)
			add(list, metadata, c, path);
	}
}

/* What is not known of a writer may be that it forbids it. */
static void warn_silent(const struct context *context, const struct writer_row *row)
{
	if (!row->metadata && row->failed)
		warn(context, "writer %s has not said what it has (%s), nor whether its data may "
		     "be reverted", row->info.name, row->text && *row->text ? row->text :
		     "\"shadowadm writer status\" tells more");
}

static int look_at_all(struct context *context, struct shadowcopy_requester *requester,
		       const struct writer_answers *answers,
		       const struct shadowcopy_volume *volume, json_t *list)
{
	struct shadowcopy_metadata *metadata;
	struct fstab_places *places;
	int status = fstab_places_new(context, volume, &places);
	size_t i;

	for (i = 0; !status && i < answers->count; i++) {
		const struct writer_row *row = &answers->rows[i];

		warn_silent(context, row);
		if (!row->metadata)
			continue;
		if (shadowcopy_requester_metadata(requester, &row->info.instance_id, &metadata))
			status = fail_library(context);
		else if (metadata->blocks_revert)
			look(places, metadata, list);
	}
	fstab_places_free(places);
	return status;
}

int blockers_ask(struct context *context, const struct shadowcopy_volume *volume,
		 struct blockers *blockers)
{
	struct shadowcopy_requester *requester;
	struct writer_answers answers = { 0 };
	int rc = shadowcopy_requester_open(context->sc, NULL, &requester);
	int status;

	*blockers = (struct blockers){ .list = json_array() };
	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		warn_unasked(context);
		return STATUS_OK;
	}
	if (rc)
		return fail_library(context);
	blockers->asked = true;
	if (shadowcopy_requester_init_backup(requester))
		status = fail_library(context);
	else
		status = writer_ask(context, requester, true, false, &answers);
	if (!status)
		status = look_at_all(context, requester, &answers, volume, blockers->list);
	writer_answers_free(&answers);
	shadowcopy_requester_close(requester);
	return status;
}

void blockers_free(struct blockers *blockers)
{
	json_decref(blockers->list);
	blockers->list = NULL;
}

/* --- saying ------------------------------------------------------------------------------- */

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* "Mail (component Data, /srv/mail), DB instance 2 (...)"; to be freed, NULL without memory. */
static char *names_of(const struct blockers *blockers)
{
	char *text = NULL;
	json_t *blocker;
	size_t i, size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	json_array_foreach(blockers->list, i, blocker)
		fprintf(stream, "%s%s%s%s (component %s, %s)", i ? ", " : "",
			text_of(blocker, "writer"),
			*text_of(blocker, "instance_name") ? " instance " : "",
			text_of(blocker, "instance_name"), text_of(blocker, "component"),
			text_of(blocker, "path"));
	if (fclose(stream)) {
		free(text);
		text = NULL;
	}
	return text;
}

int blockers_say(struct context *context, const struct shadowcopy_volume *volume,
		 const struct blockers *blockers, bool force)
{
	int status = STATUS_OK;
	json_t *members;
	char *names;

	if (!json_array_size(blockers->list))
		return STATUS_OK;
	names = names_of(blockers);
	if (force) {
		warn(context, "%s is reverted although writers that have data on it forbid that: "
		     "%s", volume->path, names ?: "");
	} else {
		members = json_object();
		json_text(members, "reason", "blocks-revert");
		json_value(members, "writers", json_incref(blockers->list));
		status = fail_with(context, members, "%s is not reverted: writers that have data "
				   "on it forbid that: %s. Stop the application with its writer, "
				   "if it can do with older data there; --force reverts all the "
				   "same",
				   volume->path, names ?: "");
	}
	free(names);
	return status;
}
