// SPDX-License-Identifier: GPL-2.0-only
/*
 * edit.c - what the test writer does with its part of the session's document.
 *
 * It is told what to put there, and tells its commands in the environment what is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX 8

static const char *const targets[] = {
	[SHADOWCOPY_TARGET_ORIGINAL] = "original", [SHADOWCOPY_TARGET_ALTERNATE] = "alternate",
	[SHADOWCOPY_TARGET_DIRECTED] = "directed",
	[SHADOWCOPY_TARGET_ORIGINAL_LOCATION] = "original-location",
};

static int no_such(const char *what, const char *word)
{
	fprintf(stderr, "testwriter: there is no %s \"%s\"\n", what, word);
	return -EINVAL;
}

/* --- changing it ---------------------------------------------------------------------------- */

static int set_property(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
			const char *name,
			const char *value)
{
	const uint32_t property = SHADOWCOPY_PROPERTY_RESTORE_TARGET;
	uint32_t i;

	if (!strcmp(name, "restore-target")) {
		for (i = 0; i < ARRAY_SIZE(targets); i++)
			if (!strcmp(targets[i], value))
				return shadowcopy_backup_component_set_value(sc, component,
									     property, i);
		return no_such("target", value);
	}
	for (i = 1; i <= SHADOWCOPY_PROPERTY_FAILURE; i++)
		if (!strcmp(shadowcopy_property_name(i), name))
			return shadowcopy_backup_component_set_text(sc, component, i, value);
	return no_such("property", name);
}

static int add_partial(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
		       char **words, size_t count)
{
	return shadowcopy_backup_component_add_partial(sc, component, words[1], words[2], words[3],
						       count > 4 ? words[4] : NULL);
}

static int add_differenced(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
			   char **words,
			   size_t count)
{
	(void)count;
	return shadowcopy_backup_component_add_differenced(sc, component, words[1], words[2],
							   *words[3] == '1',
							   strtoll(words[4], NULL, 10));
}

static int add_directed(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
			char **words, size_t count)
{
	(void)count;
	return shadowcopy_backup_component_add_directed(sc, component, words[1], words[2], words[3],
							words[4], words[5], words[6]);
}

/* The numbers of a failure of a component are those of an event's. */
static int set_failure(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
		       char **words, size_t count)
{
	uint32_t i;

	(void)count;
	for (i = 1; i <= SHADOW_NL_STATUS_PARTIAL; i++)
		if (!strcmp(shadowcopy_status_name(i), words[1]))
			return shadowcopy_backup_component_set_failure(sc, component, i,
								       strtoul(words[2], NULL, 0),
								       words[3]);
	return no_such("failure", words[1]);
}

static const struct {
	const char *name;
	size_t words;
	int (*fn)(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
		  char **words, size_t count);
} edits[] = {
	{ "partial-file", 4, add_partial },
	{ "differenced-file", 5, add_differenced },
	{ "directed-target", 7, add_directed },
	{ "failure", 4, set_failure },
};

static int edit_one(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
		    char **words, size_t count)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(edits); i++)
		if (!strcmp(edits[i].name, words[0]))
			return count < edits[i].words ? no_such("meaning of", words[0]) :
			       edits[i].fn(sc, component, words, count);
	return count < 2 ? no_such("value of", words[0]) :
	       set_property(sc, component, words[0], words[1]);
}

int edit_line(struct shadowcopy *sc, struct shadowcopy_backup *backup, char *line,
	      const char **component)
{
	char *words[WORDS_MAX], *rest = line;
	size_t count = 0, i, j;
	int rc = 0;

	while (count < WORDS_MAX && (words[count] = strsep(&rest, "\t")))
		count++;
	if (!count || !*words[0])
		return 0;
	if (!strcmp(words[0], "component")) {
		*component = count > 1 ? words[1] : NULL;
		return 0;
	}
	for (i = 0; i < backup->writer_count; i++)
		for (j = 0; !rc && j < backup->writers[i]->component_count; j++)
			if (!*component ||
			    !strcmp(backup->writers[i]->components[j]->name, *component))
				rc = edit_one(sc, backup->writers[i]->components[j], words, count);
	return rc;
}

int edit_set(struct shadowcopy *sc, struct shadowcopy_backup *backup, const char *text)
{
	const char *component = NULL;
	char *line = strdup(text), *equals = line ? strchr(line, '=') : NULL;
	int rc = equals ? 0 : no_such("value in", text);

	if (equals)
		*equals = '\t';
	if (!rc)
		rc = edit_line(sc, backup, line, &component);
	free(line);
	return rc;
}

/* --- telling it ------------------------------------------------------------------------------ */

static void tell(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static const char *word_of(const char *const *words, size_t count, uint32_t number)
{
	return number < count && words[number] ? words[number] : "undefined";
}

#define WORD(number, ...) ({ \
	static const char *const words_[] = { __VA_ARGS__ }; \
	word_of(words_, ARRAY_SIZE(words_), number); })

static void tell_component(const struct shadowcopy_backup_component *component)
{
	tell("COMPONENT", component->name);
	tell("STAMP", component->backup_stamp);
	tell("PREVIOUS_STAMP", component->previous_stamp);
	tell("BACKUP_OPTIONS", component->backup_options);
	tell("RESTORE_OPTIONS", component->restore_options);
	tell("BACKUP_METADATA", component->backup_metadata);
	tell("RESTORE_METADATA", component->restore_metadata);
	tell("RESTORE_NAME", component->restore_name);
	tell("SELECTED", component->selected ? "1" : "0");
	tell("ADDITIONAL", component->additional_restores ? "1" : "0");
	tell("AUTHORITATIVE", component->authoritative ? "1" : "0");
	tell("POINT", component->roll_forward_point);
	tell("SUCCEEDED", WORD(component->backup_succeeded, NULL, "no", "yes"));
	tell("STATUS", WORD(component->file_restore_status, NULL, "none", "all", "failed"));
	tell("ROLL_FORWARD", WORD(component->roll_forward, NULL, "none", "all", "partial"));
	tell("TARGET", word_of(targets, ARRAY_SIZE(targets), component->restore_target));
	tell("NEW_TARGET", component->new_target_count ?
	     component->new_targets[0]->destination : NULL);
	tell("ALTERNATE_USED", component->alternate_used_count ?
	     component->alternates_used[0]->destination : NULL);
	tell("RANGES_PATH", component->partial_file_count ?
	     component->partial_files[0]->ranges_path : NULL);
}

void edit_environment(const struct shadowcopy_backup *backup, uint32_t level)
{
	static const struct shadowcopy_backup_component nothing;
	const struct shadowcopy_backup_component *first = &nothing;
	size_t i;

	for (i = 0; backup && i < backup->writer_count && first == &nothing; i++)
		if (backup->writers[i]->component_count)
			first = backup->writers[i]->components[0];
	tell_component(first);
	tell("LEVEL", shadowcopy_level_name(level));
	tell("TYPE", backup ? WORD(backup->type, NULL, "full", "copy", "incremental",
				   "differential", "log", "other") : NULL);
	tell("RESTORE_TYPE", backup ? WORD(backup->restore_type, NULL, "copy", "import", "other") :
	     NULL);
	tell("CONTEXT", backup ? shadowcopy_context_name(backup->context) : NULL);
	tell("COMPONENT_MODE", backup ? backup->component_mode ? "1" : "0" : NULL);
	tell("BOOTABLE", backup ? backup->bootable ? "1" : "0" : NULL);
	tell("PARTIAL_FILES", backup ? backup->partial_files ? "1" : "0" : NULL);
}
