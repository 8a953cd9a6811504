// SPDX-License-Identifier: GPL-2.0-only
/*
 * choose.c - which components, and what is said of each: options "WRITER:/PATH/NAME=VALUE".
 */
#include "betest.h"

/* --- settings --------------------------------------------------------------------------- */

static const struct {
	const char *option;
	bool component;		/* of one; else "PATH=VALUE" */
	bool value;		/* has to have one */
} kinds[] = {
	[SETTING_COMPONENT] = { "component", true, false },
	[SETTING_BACKUP_OPTIONS] = { "backup-options", true, true },
	[SETTING_FAILED] = { "failed", true, false },
	[SETTING_RESTORE_OPTIONS] = { "restore-options", true, true },
	[SETTING_SUBCOMPONENT] = { "subcomponent", true, true },
	[SETTING_NEW_TARGET] = { "new-target", false, true },
	[SETTING_RENAME] = { "rename", true, true },
	[SETTING_ROLL_FORWARD] = { "roll-forward", true, true },
	[SETTING_AUTHORITATIVE] = { "authoritative", true, false },
	[SETTING_FORGET] = { "forget", true, false },
	[SETTING_MOVE] = { "move", true, true },
};

static int bad_setting(struct betest *test, uint32_t kind, const char *text)
{
	return usage(test->context, "--%s %s: write %s%s", kinds[kind].option, text,
		     kinds[kind].component ? "WRITER:/PATH/NAME, or WRITER:/* for all of them" :
		     "PATH", kinds[kind].value ? ", and behind it =VALUE" : "");
}

static int parse_component(struct setting *setting)
{
	char *colon = strstr(setting->text, ":/"), *equals, *slash;

	if (!colon || colon == setting->text)
		return -EINVAL;
	*colon = '\0';
	setting->writer = setting->text;
	colon += 2;
	equals = strchr(colon, '=');
	if (equals) {
		*equals = '\0';
		setting->value = equals + 1;
	}
	slash = strrchr(colon, '/');
	if (slash)
		*slash = '\0';
	setting->path = slash ? colon : "";
	setting->name = slash ? slash + 1 : colon;
	return *setting->name ? 0 : -EINVAL;
}

static int parse_path(struct setting *setting)
{
	char *equals = strchr(setting->text, '=');

	if (!equals)
		return -EINVAL;
	*equals = '\0';
	setting->path = setting->text;
	setting->value = equals + 1;
	return 0;
}

int setting_add(struct betest *test, uint32_t kind, const char *text)
{
	struct settings *settings = &test->settings[kind];
	struct setting *more = reallocarray(settings->list, settings->count + 1, sizeof(*more));
	struct setting *setting;

	if (!more)
		return fail(test->context, "there is not enough memory");
	settings->list = more;
	setting = &more[settings->count++];
	*setting = (struct setting){ .text = strdup(text) };
	if (!setting->text)
		return fail(test->context, "there is not enough memory");
	if ((kinds[kind].component ? parse_component(setting) : parse_path(setting)) ||
	    (kinds[kind].value && !setting->value))
		return bad_setting(test, kind, text);
	return STATUS_OK;
}

const struct setting *setting_for(struct betest *test, uint32_t kind, const char *writer,
				  const char *instance_name, const char *path, const char *name)
{
	struct settings *settings = &test->settings[kind];
	struct setting *all = NULL;
	size_t i;

	for (i = 0; i < settings->count; i++) {
		struct setting *setting = &settings->list[i];

		if (strcmp(setting->writer, writer) &&
		    strcmp(setting->writer, instance_name ?: ""))
			continue;
		if (!strcmp(setting->name, "*") && !*setting->path) {
			all = setting;
		} else if (!strcmp(setting->name, name) && !strcmp(setting->path, path ?: "")) {
			setting->used = true;
			return setting;
		}
	}
	if (all)
		all->used = true;
	return all;
}

bool betest_wants(struct betest *test, const char *writer, const char *instance_name,
		  const char *path, const char *name)
{
	return !test->settings[SETTING_COMPONENT].count ||
	       setting_for(test, SETTING_COMPONENT, writer, instance_name, path, name);
}

int settings_check(struct betest *test, size_t end)
{
	size_t i, kind;

	for (kind = 0; kind < end; kind++)
		for (i = 0; i < test->settings[kind].count; i++) {
			const struct setting *setting = &test->settings[kind].list[i];

			if (setting->used)
				continue;
			if (!setting->writer)
				return usage(test->context, "--%s %s: no file set that is "
					     "restored has this path. See the writer's metadata",
					     kinds[kind].option, setting->path);
			return usage(test->context, "--%s %s:/%s%s%s: there is no such component, "
				     "or nothing of it is wanted. See \"shadowadm writer status "
				     "--verbose\", or the documents of the backup",
				     kinds[kind].option, setting->writer, setting->path,
				     *setting->path ? "/" : "", setting->name);
		}
	return STATUS_OK;
}

/* --- components ------------------------------------------------------------------------- */

char *component_text(const char *writer, const char *path, const char *name)
{
	char *text;

	if (asprintf(&text, "%s:/%s%s%s", writer, path ?: "", path && *path ? "/" : "", name) < 0)
		return NULL;
	return text;
}

struct shadowcopy_backup_writer *writer_of(const struct shadowcopy_backup *backup,
					   const struct shadowcopy_backup_component *entry)
{
	size_t i, j;

	for (i = 0; i < backup->writer_count; i++)
		for (j = 0; j < backup->writers[i]->component_count; j++)
			if (backup->writers[i]->components[j] == entry)
				return backup->writers[i];
	return NULL;
}

struct shadowcopy_backup_component *entry_in(struct shadowcopy_backup *backup,
					     const struct shadowcopy_backup_writer *writer,
					     const struct shadowcopy_backup_component *entry)
{
	struct shadowcopy_backup_writer *other;

	if (!writer)
		return NULL;
	other = shadowcopy_backup_find_writer(backup, &writer->class_id, &writer->instance_id);
	return other ? shadowcopy_backup_find(other, entry->path, entry->name) : NULL;
}

/* --- writers ---------------------------------------------------------------------------- */

struct shadowcopy_metadata *metadata_copy(struct betest *test,
					  const struct shadowcopy_metadata *metadata)
{
	struct shadowcopy *sc = test->context->sc;
	struct shadowcopy_metadata *copy = NULL;
	size_t size;
	char *text;

	if (shadowcopy_metadata_save(sc, metadata, &text, &size))
		return NULL;
	if (shadowcopy_metadata_load(sc, text, size, metadata->name, 0, &copy) ||
	    shadowcopy_metadata_expand(sc, copy, betest_variable, NULL)) {
		shadowcopy_metadata_free(copy);
		copy = NULL;
	}
	free(text);
	return copy;
}
