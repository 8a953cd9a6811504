// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_filter.c - scripts: writers, and components of them, that must take part or must not
 * (O-14).
 *
 * They are noted, and used when there is a session: by then it is known who is there.  A
 * component is written behind its writer, "Mail:/Boxes/Index".  Where one is left out, or is all
 * that is wanted, the backup is one of chosen components; all others that have something on
 * the volumes are chosen then, as the coordinator does it by itself otherwise.
 */
#include "script.h"
#include "libshadowcopy-requester.h"

/* --- noting them ------------------------------------------------------------------------ */

/* diskshadow's names have no quotes: "writer exclude System Writer". */
static char *join(const struct script_line *line, char **words)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; out && i < line->count; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
	if (out)
		fclose(out);
	return text;
}

/* ":/" parts the writer from the component; its place, or NULL. */
static char *component_of(char *text)
{
	char *colon = strstr(text, ":/");

	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 2;
}

SCRIPT_CHECK(filter)
{
	char *text = join(line, words), *component;
	int rc = 0;

	if (!text)
		return script_error(script, NULL, "there is not enough memory");
	component = component_of(text);
	if (!*text || (component && (!*component || component[strlen(component) - 1] == '/')))
		rc = script_error(script, words[0], "it is the name, the class or the instance of "
				  "a writer, and perhaps \":/\" and the path of a component");
	free(text);
	return rc;
}

SCRIPT_COMMAND(filter)
{
	struct script_filter *filters = reallocarray(script->filters, script->filter_count + 1,
						     sizeof(*filters));
	char *text = filters ? join(line, words) : NULL, *component, *slash;
	struct script_filter *filter;

	if (filters)
		script->filters = filters;
	if (!text)
		return fail(script->context, "there is not enough memory");
	filter = &filters[script->filter_count++];
	memset(filter, 0, sizeof(*filter));
	filter->kind = !strcmp(line->verb->name, "writer verify") ? FILTER_VERIFY :
		       !strcmp(line->verb->name, "writer exclude") ? FILTER_EXCLUDE :
		       FILTER_INCLUDE;
	filter->line = line->number;
	component = component_of(text);
	slash = component ? strrchr(component, '/') : NULL;
	if (slash) {
		*slash = '\0';
		filter->path = strdup(component);
	}
	if (component)
		filter->component = strdup(slash ? slash + 1 : component);
	filter->writer = script_id(text);
	if ((component && !filter->component) || (slash && !filter->path))
		return fail(script->context, "there is not enough memory");
	return STATUS_OK;
}

bool script_filters_components(const struct script *script)
{
	size_t i;

	for (i = 0; i < script->filter_count; i++)
		if (script->filters[i].component && script->filters[i].kind != FILTER_VERIFY)
			return true;
	return false;
}

static const char *kind_name(const struct script_filter *filter)
{
	static const char *const names[] = {
		[FILTER_VERIFY] = "verify", [FILTER_EXCLUDE] = "exclude",
		[FILTER_INCLUDE] = "include",
	};

	return names[filter->kind];
}

static bool is_writer(const struct script_filter *filter, const char *name,
		      const struct shadow_uuid *class_id, const struct shadow_uuid *instance_id)
{
	struct shadow_uuid uuid;

	if (!shadowcopy_uuid_parse(filter->writer, &uuid))
		return uuid_equal(&uuid, class_id) || uuid_equal(&uuid, instance_id);
	return !strcmp(filter->writer, name);
}

static bool is_component(const struct script_filter *filter, const char *path, const char *name)
{
	return filter->component && !strcmp(filter->component, name) &&
	       !strcmp(filter->path ?: "", path ?: "");
}

/* Why, and where it was asked for. */
static int fails(struct script *script, const struct script_filter *filter, const char *why)
{
	return fail(script->context, "\"writer %s %s%s%s%s%s\" in line %u: %s", kind_name(filter),
		    filter->writer, filter->component ? ":/" : "", filter->path ?: "",
		    filter->path ? "/" : "", filter->component ?: "", filter->line, why);
}

/* --- writers of the session ---------------------------------------------------------------- */

struct there {
	struct shadow_uuid class_id, instance_id;
	char name[SHADOW_NL_NAME_MAX + 1];
	char part[32];
	bool failed, has_metadata;
};

struct all_there {
	struct there *list;
	size_t count;
};

static int on_writer(void *data, const struct shadowcopy_requester_writer *writer)
{
	struct all_there *all = data;
	struct there *more = reallocarray(all->list, all->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	all->list = more;
	more += all->count++;
	more->class_id = writer->class_id;
	more->instance_id = writer->instance_id;
	snprintf(more->name, sizeof(more->name), "%s", writer->name);
	snprintf(more->part, sizeof(more->part), "%s", writer->part);
	more->failed = *writer->failed_at;
	more->has_metadata = writer->has_metadata;
	return 0;
}

/* To be freed by free() of ->list in any case. */
static int ask(struct script *script, struct all_there *all)
{
	int rc = shadowcopy_requester_writers(script->requester, on_writer, all);

	if (rc == -ENOMEM)
		return fail(script->context, "there is not enough memory");
	return rc ? fail_library(script->context) : STATUS_OK;
}

/* The first writer from @from on that a filter means, or NULL. */
static const struct there *meant(const struct script_filter *filter, const struct all_there *all,
				 size_t from)
{
	for (; from < all->count; from++)
		if (is_writer(filter, all->list[from].name, &all->list[from].class_id,
			      &all->list[from].instance_id))
			return &all->list[from];
	return NULL;
}

int script_filter_writers(struct script *script)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];

		if (filter->kind == FILTER_EXCLUDE && !filter->component)
			rc = shadowcopy_requester_exclude_writer(script->requester, filter->writer);
		else if (filter->kind == FILTER_INCLUDE)
			rc = shadowcopy_requester_include_writer(script->requester, filter->writer);
		if (rc)
			fails(script, filter, shadowcopy_last_error(script->context->sc)->text);
	}
	return rc ? STATUS_FAILED : STATUS_OK;
}

/* --- choosing components -------------------------------------------------------------- */

static bool is_affected(struct shadowcopy_affected *affected,
			struct shadowcopy_fileset *const *sets, size_t count)
{
	size_t i;

	/* what cannot be looked at may be there */
	for (i = 0; i < count; i++)
		if (strchr(sets[i]->path, '$') ||
		    shadowcopy_affected_test(affected, sets[i]->path, sets[i]->recursive))
			return true;
	return false;
}

static bool has_data(struct shadowcopy_affected *affected,
		     const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];

		if (is_affected(affected, c->files, c->file_count) ||
		    is_affected(affected, c->databases, c->database_count) ||
		    is_affected(affected, c->logs, c->log_count))
			return true;
	}
	return false;
}

struct choosing {
	struct script *script;
	struct shadowcopy_backup *backup;
	struct shadowcopy_affected *affected;
	struct all_there all;
	struct shadowcopy_metadata **metadata;	/* of those that can be chosen from */
	size_t count;
};

/* The filter of this kind for a component, or, where @name is NULL, for any of the writer. */
static const struct script_filter *filter_of(const struct script *script,
					     enum script_filter_kind kind,
					     const struct shadowcopy_metadata *metadata,
					     const char *path, const char *name)
{
	size_t i;

	for (i = 0; i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];

		if (filter->kind == kind && filter->component &&
		    is_writer(filter, metadata->name, &metadata->class_id,
			      &metadata->instance_id) &&
		    (!name || is_component(filter, path, name)))
			return filter;
	}
	return NULL;
}

/* Can it be left out? */
static int check_exclude(struct script *script, const struct script_filter *filter, uint32_t rule)
{
	switch (rule) {
	case SHADOWCOPY_SELECTABILITY_OPTIONAL:
		return STATUS_OK;
	case SHADOWCOPY_SELECTABILITY_MANDATORY:
		return fails(script, filter, "it comes wherever its writer takes part. Leave out "
			     "the writer");
	default:
		return fails(script, filter, "it comes with the one above it. Leave out that");
	}
}

static int choose_all_of(struct choosing *choosing, const struct shadowcopy_metadata *metadata)
{
	struct script *script = choosing->script;
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];
		uint32_t rule = shadowcopy_component_selectability(metadata, c);
		const struct script_filter *filter = filter_of(script, FILTER_EXCLUDE, metadata,
							       c->path, c->name);

		if (filter && check_exclude(script, filter, rule))
			return STATUS_FAILED;
		if (filter || (rule != SHADOWCOPY_SELECTABILITY_MANDATORY &&
			       rule != SHADOWCOPY_SELECTABILITY_OPTIONAL))
			continue;
		if (shadowcopy_backup_add_component(script->context->sc, choosing->backup, metadata,
						    c->path, c->name, NULL))
			return fail_library(script->context);
	}
	return STATUS_OK;
}

static int choose_included(struct choosing *choosing, const struct shadowcopy_metadata *metadata)
{
	struct script *script = choosing->script;
	size_t i;

	for (i = 0; i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];

		if (filter->kind != FILTER_INCLUDE || !filter->component ||
		    !is_writer(filter, metadata->name, &metadata->class_id,
			       &metadata->instance_id))
			continue;
		if (shadowcopy_backup_add_component(script->context->sc, choosing->backup, metadata,
						    filter->path, filter->component, NULL))
			return fails(script, filter,
				     shadowcopy_last_error(script->context->sc)->text);
	}
	return STATUS_OK;
}

/* A component that nobody has would be left out silently. */
static int check_components(struct choosing *choosing)
{
	struct script *script = choosing->script;
	size_t i, j;

	for (i = 0; i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];

		if (!filter->component || filter->kind == FILTER_VERIFY)
			continue;
		for (j = 0; j < choosing->count; j++)
			if (is_writer(filter, choosing->metadata[j]->name,
				      &choosing->metadata[j]->class_id,
				      &choosing->metadata[j]->instance_id) &&
			    shadowcopy_metadata_find(choosing->metadata[j], filter->path,
						     filter->component))
				break;
		if (j == choosing->count)
			return fails(script, filter, "no writer that is there has it");
	}
	return STATUS_OK;
}

static int load_metadata(struct choosing *choosing)
{
	struct script *script = choosing->script;
	size_t i;

	choosing->metadata = calloc(choosing->all.count + 1, sizeof(*choosing->metadata));
	if (!choosing->metadata)
		return fail(script->context, "there is not enough memory");
	for (i = 0; i < choosing->all.count; i++) {
		const struct there *there = &choosing->all.list[i];

		if (*there->part || !there->has_metadata)
			continue;
		if (shadowcopy_requester_metadata(script->requester, &there->instance_id,
						  &choosing->metadata[choosing->count]))
			return fail_library(script->context);
		choosing->count++;
	}
	return STATUS_OK;
}

static int choose(struct choosing *choosing)
{
	struct script *script = choosing->script;
	struct shadowcopy *sc = script->context->sc;
	int status = ask(script, &choosing->all) ?: load_metadata(choosing);
	size_t i;

	status = status ?: check_components(choosing);
	for (i = 0; !status && i < choosing->count; i++) {
		const struct shadowcopy_metadata *metadata = choosing->metadata[i];

		if (filter_of(script, FILTER_INCLUDE, metadata, NULL, NULL))
			status = choose_included(choosing, metadata);
		else if (has_data(choosing->affected, metadata))
			status = choose_all_of(choosing, metadata);
	}
	if (!status && (shadowcopy_backup_check(sc, choosing->backup, choosing->metadata,
						choosing->count) ||
			shadowcopy_requester_commit(script->requester)))
		status = fail_library(script->context);
	return status;
}

int script_choose(struct script *script)
{
	struct shadow_dev volumes[SHADOW_MAX_SET_VOLUMES];
	struct choosing choosing = { .script = script };
	size_t i;
	int status;

	for (i = 0; i < script->volume_count; i++)
		volumes[i] = script->volumes[i].volume.dev;
	if (shadowcopy_affected_new(script->context->sc, volumes, script->volume_count,
				    &choosing.affected) ||
	    shadowcopy_requester_backup(script->requester, &choosing.backup))
		status = fail_library(script->context);
	else
		status = choose(&choosing);
	shadowcopy_affected_free(choosing.affected);
	free(choosing.all.list);
	free(choosing.metadata);
	return status;
}

/* --- verifying ------------------------------------------------------------------------ */

static const char *why_not(const struct there *there)
{
	if (!there)
		return "there is no such writer; \"list writers\" shows which there are";
	if (there->failed)
		return "it has failed";
	if (!strcmp(there->part, "excluded"))
		return "it is excluded";
	if (!strcmp(there->part, "absent"))
		return "it does not say who it is when it is asked";
	if (!strcmp(there->part, "no-data"))
		return "it has nothing on the volumes of the set";
	if (*there->part)
		return "no component of it was chosen";
	return NULL;
}

/* Is the component in the backup? */
static bool is_in(struct script *script, const struct script_filter *filter,
		  const struct there *there, const struct shadowcopy_backup *backup)
{
	const struct shadowcopy_component *component;
	struct shadowcopy_metadata *metadata;

	if (!there->has_metadata ||
	    shadowcopy_requester_metadata(script->requester, &there->instance_id, &metadata))
		return false;
	component = shadowcopy_metadata_find(metadata, filter->path, filter->component);
	return component && shadowcopy_backup_inclusion(backup, metadata, component, NULL);
}

/* One of several instances is enough. */
static int verify_one(struct script *script, const struct script_filter *filter,
		      const struct all_there *all, const struct shadowcopy_backup *backup)
{
	const struct there *there = meant(filter, all, 0);
	const char *why = why_not(there);

	for (; there; there = meant(filter, all, there - all->list + 1)) {
		why = why_not(there);
		if (!why && filter->component && !is_in(script, filter, there, backup))
			why = "the component is not in the backup";
		if (!why)
			return STATUS_OK;
	}
	return fails(script, filter, why);
}

int script_verify(struct script *script)
{
	struct shadowcopy_backup *backup;
	struct all_there all = { 0 };
	size_t i;
	int status;

	for (i = 0; i < script->filter_count && script->filters[i].kind != FILTER_VERIFY; i++)
		;
	if (i == script->filter_count)
		return STATUS_OK;
	status = ask(script, &all);
	if (!status && shadowcopy_requester_backup(script->requester, &backup))
		status = fail_library(script->context);
	for (i = 0; !status && i < script->filter_count; i++)
		if (script->filters[i].kind == FILTER_VERIFY)
			status = verify_one(script, &script->filters[i], &all, backup);
	free(all.list);
	return status;
}

/* --- restores ------------------------------------------------------------------------- */

static bool covers(const struct script_filter *filter,
		   const struct shadowcopy_backup_writer *writer,
		   const struct shadowcopy_backup_component *component)
{
	return is_writer(filter, writer->name, &writer->class_id, &writer->instance_id) &&
	       (!filter->component || is_component(filter, component->path, component->name));
}

bool script_wants(const struct script *script, const struct shadowcopy_backup_writer *writer,
		  const struct shadowcopy_backup_component *component)
{
	bool including = false, included = false;
	size_t i;

	for (i = 0; i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];

		if (filter->kind == FILTER_EXCLUDE && covers(filter, writer, component))
			return false;
		including |= filter->kind == FILTER_INCLUDE;
		included |= filter->kind == FILTER_INCLUDE && covers(filter, writer, component);
	}
	return included || !including;
}

int script_verify_restore(struct script *script, const struct shadowcopy_backup *backup)
{
	size_t i, j, k;

	for (i = 0; i < script->filter_count; i++) {
		const struct script_filter *filter = &script->filters[i];
		bool found = filter->kind != FILTER_VERIFY;

		for (j = 0; !found && j < backup->writer_count; j++)
			for (k = 0; !found && k < backup->writers[j]->component_count; k++)
				found = backup->writers[j]->components[k]->selected &&
					covers(filter, backup->writers[j],
					       backup->writers[j]->components[k]);
		if (!found)
			return fails(script, filter, "nothing of it is restored");
	}
	return STATUS_OK;
}
