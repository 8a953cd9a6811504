// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_set.c - scripts: what is said before there is a session: settings, the volumes of the
 * set, and names.
 *
 * Names are those of diskshadow: %NAME% of a volume's alias is the UUID of its shadow,
 * VSS_SHADOW_1 stands in for the alias that the first volume does not have, and VSS_SHADOW_SET is
 * the set.  What diskshadow has not: with _DEVICE behind it a name is the shadow's device.
 */
#include <ctype.h>

#include "script.h"

/* --- names ---------------------------------------------------------------------------- */

static struct script_variable *find(const struct script_variables *variables, const char *name)
{
	size_t i;

	for (i = 0; i < variables->count; i++)
		if (!strcasecmp(variables->list[i].name, name))
			return &variables->list[i];
	return NULL;
}

bool script_knows(const struct script_variables *variables, const char *name)
{
	const struct script_variable *variable = find(variables, name);

	return variable && variable->value;
}

const char *script_value(const struct script *script, const char *name)
{
	const struct script_variable *variable = find(&script->variables, name);

	return variable && variable->value ? variable->value : getenv(name);
}

int script_name(struct script_variables *variables, const char *name, const char *value)
{
	struct script_variable *variable = find(variables, name);
	char *copy = value ? strdup(value) : NULL;
	void *more;

	if (value && !copy)
		return -ENOMEM;
	if (!variable) {
		more = reallocarray(variables->list, variables->count + 1,
				    sizeof(*variables->list));
		if (more)
			variables->list = more;
		variable = &variables->list[variables->count];
		*variable = (struct script_variable){ more ? strdup(name) : NULL, NULL };
		if (!variable->name) {
			free(copy);
			return -ENOMEM;
		}
		variables->count++;
	}
	free(variable->value);
	variable->value = copy;
	return 0;
}

void script_variables_clear(struct script_variables *variables)
{
	while (variables->count) {
		free(variables->list[--variables->count].name);
		free(variables->list[variables->count].value);
	}
	free(variables->list);
	memset(variables, 0, sizeof(*variables));
}

/* --- which names there will be -------------------------------------------------------------- */

static void expect(struct script *script, const char *name, const char *value)
{
	char device[128];

	snprintf(device, sizeof(device), "%s_DEVICE", name);
	if (script_name(&script->expected, name, value) ||
	    script_name(&script->expected, device, value))
		script->expected.others = true;
}

void script_expect_volume(struct script *script, char **words)
{
	const char *alias = NULL;
	char name[32];
	size_t i;

	script->expected_volumes++;
	for (i = 1; words[0] && words[i] && words[i + 1]; i++)
		if (script_word_is(words[i], "alias"))
			alias = words[i + 1];
	snprintf(name, sizeof(name), "VSS_SHADOW_%u", script->expected_volumes);
	expect(script, alias ?: name, NULL);
	if (script_name(&script->expected, "VSS_SHADOW_SET", NULL))
		script->expected.others = true;
}

void script_expect_alias(struct script *script, char **words)
{
	if (!words[0] || script_has_variable(words[0]) ||
	    script_name(&script->expected, words[0], ""))
		script->expected.others = true;
}

void script_expect_set(struct script *script, char **words)
{
	size_t i;

	(void)words;
	for (i = 0; i < script->expected.count; i++)
		if (!script->expected.list[i].value)
			script->expected.list[i].value = strdup("");
}

void script_expect_documents(struct script *script, char **words)
{
	(void)words;
	script->expected.others = true;
}

void script_expect_reset(struct script *script, char **words)
{
	(void)words;
	script_variables_clear(&script->expected);
	script->expected_volumes = 0;
	script->has = 0;
}

/* --- settings ------------------------------------------------------------------------- */

/* NULL, or the word that is wrong. */
static const char *parse_context(char **words, uint32_t *context)
{
	bool persistent = script_word_is(words[0], "persistent");
	bool nowriters = words[1] && script_word_is(words[1], "nowriters");

	if (script_word_is(words[0], "clientaccessible")) {
		*context = SHADOWCOPY_CTX_CLIENT_ACCESSIBLE;
		return words[1];
	}
	if (!persistent && !script_word_is(words[0], "volatile"))
		return words[0];
	if (words[1] && !nowriters)
		return words[1];
	if (persistent)
		*context = nowriters ? SHADOWCOPY_CTX_NAS_ROLLBACK : SHADOWCOPY_CTX_APP_ROLLBACK;
	else
		*context = nowriters ? SHADOWCOPY_CTX_FILE_SHARE_BACKUP : SHADOWCOPY_CTX_BACKUP;
	return NULL;
}

SCRIPT_CHECK(context)
{
	uint32_t context;
	const char *wrong = parse_context(words, &context);

	if (!wrong)
		return 0;
	return script_error(script, wrong, "a context is \"%s\"", line->verb->arguments);
}

SCRIPT_COMMAND(set_context)
{
	(void)line;
	parse_context(words, &script->settings.context);
	return STATUS_OK;
}

SCRIPT_CHECK(option)
{
	bool recovers = false, never = false;
	size_t i;

	for (i = 0; i < line->count; i++) {
		if (script_word_is(words[i], "rollbackrecover") ||
		    script_word_is(words[i], "txfrecover"))
			recovers = true;
		else if (script_word_is(words[i], "noautorecover"))
			never = true;
		else if (script_word_is(words[i], "plex"))
			return script_error(script, words[i], "whole copies of volumes are not "
					    "made by this version. Copy the shadow's device");
		else if (script_word_is(words[i], "transportable"))
			return script_error(script, words[i], "shadows are not taken to other "
					    "machines by this version. Copy the shadow's device");
		else if (!script_word_is(words[i], "differential"))
			return script_error(script, words[i], "an option is differential, "
					    "rollbackrecover, txfrecover or noautorecover");
	}
	if (recovers && never)
		return script_error(script, "noautorecover", "it does not go with rollbackrecover "
				    "and txfrecover");
	return 0;
}

/* What is frozen has nothing to recover: txfrecover is what happens anyway. */
SCRIPT_COMMAND(set_option)
{
	struct script_settings *settings = &script->settings;
	size_t i;

	settings->rollback_recovery = false;
	settings->no_autorecovery = false;
	for (i = 0; i < line->count; i++) {
		settings->rollback_recovery |= script_word_is(words[i], "rollbackrecover");
		settings->no_autorecovery |= script_word_is(words[i], "noautorecover");
	}
	return STATUS_OK;
}

SCRIPT_CHECK(verbose)
{
	(void)line;
	if (script_word_is(words[0], "on") || script_word_is(words[0], "off"))
		return 0;
	return script_error(script, words[0], "it is \"on\" or \"off\"");
}

SCRIPT_COMMAND(set_verbose)
{
	(void)line;
	script->settings.verbose = script_word_is(words[0], "on");
	return STATUS_OK;
}

SCRIPT_COMMAND(set_metadata)
{
	char *copy = strdup(words[0]);

	(void)line;
	if (!copy)
		return fail(script->context, "there is not enough memory");
	free(script->settings.metadata);
	script->settings.metadata = copy;
	return documents_prepare(script->context, copy, true);
}

SCRIPT_COMMAND(set)
{
	const struct script_settings *settings = &script->settings;
	json_t *answer = script->answer;

	(void)line;
	(void)words;
	if (answer) {
		json_text(answer, "context", shadowcopy_context_name(settings->context));
		json_value(answer, "rollback_recovery", json_boolean(settings->rollback_recovery));
		json_value(answer, "no_autorecovery", json_boolean(settings->no_autorecovery));
		json_value(answer, "verbose", json_boolean(settings->verbose));
		json_text(answer, "metadata", settings->metadata);
		return STATUS_OK;
	}
	printf("context   %s\noption    %s\nverbose   %s\nmetadata  %s\n",
	       shadowcopy_context_name(settings->context),
	       settings->rollback_recovery ? "rollbackrecover" :
	       settings->no_autorecovery ? "noautorecover" : "none",
	       settings->verbose ? "on" : "off", settings->metadata ?: "not kept");
	return STATUS_OK;
}

/* --- volumes and names ------------------------------------------------------------------------ */

static bool is_good_name(const char *name)
{
	const char *c;

	for (c = name; *c; c++)
		if (*c != '_' && !isalpha((unsigned char)*c) &&
		    !(c > name && isdigit((unsigned char)*c)))
			return false;
	return *name && strlen(name) < 64;
}

static int check_name(struct script *script, const char *name)
{
	if (is_good_name(name))
		return 0;
	return script_error(script, name, "a name has letters, digits and \"_\", does not begin "
			    "with a digit, and is not longer than 63");
}

SCRIPT_CHECK(add_volume)
{
	size_t i;
	int rc = 0;

	for (i = 1; !rc && i < line->count; i += 2) {
		if (!script_word_is(words[i], "alias") && !script_word_is(words[i], "provider"))
			return script_error(script, words[i], "behind a volume there is \"alias "
					    "NAME\" or \"provider ID\"");
		if (i + 1 == line->count)
			return script_error(script, words[i], "the word behind it is missing");
		if (script_word_is(words[i], "alias"))
			rc = check_name(script, words[i + 1]);
	}
	return rc;
}

/* Is the volume, or the name, another one's? */
static int check_new(struct script *script, const char *word, const char *alias,
		     const struct shadowcopy_volume *volume)
{
	size_t i;

	for (i = 0; i < script->volume_count; i++) {
		if (dev_equal(script->volumes[i].volume.dev, volume->dev))
			return script_error(script, word, "the volume is in the set already, as %s",
					    script->volumes[i].name);
		if (alias && script->volumes[i].alias &&
		    !strcasecmp(alias, script->volumes[i].alias))
			return script_error(script, alias, "the name is that of %s already",
					    script->volumes[i].name);
	}
	if (script->volume_count == SHADOW_MAX_SET_VOLUMES)
		return script_error(script, word, "a set has %d volumes at most",
				    SHADOW_MAX_SET_VOLUMES);
	return 0;
}

SCRIPT_COMMAND(add_volume)
{
	struct script_volume entry = { 0 };
	const char *alias = NULL, *provider = NULL;
	size_t i;
	void *more;

	for (i = 1; i < line->count; i += 2)
		if (script_word_is(words[i], "alias"))
			alias = words[i + 1];
		else
			provider = script_id(words[i + 1]);
	if (shadowcopy_resolve(script->context->sc, words[0], &entry.volume))
		return fail_library(script->context);
	if (check_new(script, words[0], alias, &entry.volume))
		return STATUS_FAILED;
	more = reallocarray(script->volumes, script->volume_count + 1, sizeof(entry));
	if (!more)
		return fail(script->context, "there is not enough memory");
	script->volumes = more;
	entry.name = strdup(words[0]);
	entry.provider = provider ? strdup(provider) : NULL;
	if (alias)
		entry.alias = strdup(alias);
	else if (asprintf(&entry.alias, "VSS_SHADOW_%zu", script->volume_count + 1) < 0)
		entry.alias = NULL;
	script->volumes[script->volume_count++] = entry;
	if (!entry.name || !entry.alias || (provider && !entry.provider))
		return fail(script->context, "there is not enough memory");
	if (script->answer)
		json_text(script->answer, "device", entry.volume.path);
	return STATUS_OK;
}

SCRIPT_CHECK(add_alias)
{
	(void)line;
	return check_name(script, words[0]);
}

SCRIPT_COMMAND(add_alias)
{
	(void)line;
	if (script_name(&script->variables, words[0], script_id(words[1])))
		return fail(script->context, "there is not enough memory");
	return STATUS_OK;
}

static json_t *volumes_json(const struct script *script)
{
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < script->volume_count; i++) {
		object = json_object();
		json_text(object, "volume", script->volumes[i].name);
		json_text(object, "device", script->volumes[i].volume.path);
		json_text(object, "alias", script->volumes[i].alias);
		json_array_append_new(array, object);
	}
	return array;
}

SCRIPT_COMMAND(add)
{
	const struct script_variables *variables = &script->variables;
	json_t *names;
	size_t i;

	(void)line;
	(void)words;
	if (script->answer) {
		names = json_object();
		for (i = 0; i < variables->count; i++)
			json_text(names, variables->list[i].name, variables->list[i].value);
		json_value(script->answer, "volumes", volumes_json(script));
		json_value(script->answer, "names", names);
		return STATUS_OK;
	}
	for (i = 0; i < script->volume_count; i++)
		printf("volume %s (%s), alias %s\n", script->volumes[i].name,
		       script->volumes[i].volume.path, script->volumes[i].alias);
	for (i = 0; i < variables->count; i++)
		printf("%s=%s\n", variables->list[i].name, variables->list[i].value);
	if (!script->volume_count && !variables->count)
		puts("no volumes, no names");
	return STATUS_OK;
}

/* --- the end -------------------------------------------------------------------------- */

void script_forget(struct script *script)
{
	while (script->volume_count) {
		free(script->volumes[--script->volume_count].name);
		free(script->volumes[script->volume_count].alias);
		free(script->volumes[script->volume_count].provider);
	}
	while (script->filter_count) {
		struct script_filter *filter = &script->filters[--script->filter_count];

		free(filter->writer);
		free(filter->path);
		free(filter->component);
	}
	while (script->exposed_count)
		free(script->exposed[--script->exposed_count].directory);
	free(script->volumes);
	free(script->filters);
	free(script->exposed);
	free(script->settings.metadata);
	script->volumes = NULL;
	script->filters = NULL;
	script->exposed = NULL;
	memset(&script->settings, 0, sizeof(script->settings));
	memset(&script->set, 0, sizeof(script->set));
	script->settings.context = SHADOWCOPY_CTX_BACKUP;
	script_variables_clear(&script->variables);
	documents_free(&script->documents);
	script->has = 0;
}

SCRIPT_COMMAND(reset)
{
	int status = script_end_session(script, true);

	(void)line;
	(void)words;
	script_forget(script);
	return status;
}

SCRIPT_COMMAND(exit)
{
	(void)line;
	(void)words;
	script->ends = true;
	return STATUS_OK;
}
