// SPDX-License-Identifier: GPL-2.0-only
/*
 * writer_text.c - writer metadata for people.
 *
 * It is taken from the document, whose words are those of documents.rst, and not from the
 * library's structures: so what is printed is what stands there.
 */
#include "writer.h"

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool is_set(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void print_files(const char *label, json_t *sets)
{
	const char *path;
	json_t *set;
	size_t i;

	json_array_foreach(sets, i, set) {
		path = text_of(set, "path");
		printf("%-14s%s%s%s%s%s%s\n", label, path,
		       *path && path[strlen(path) - 1] == '/' ? "" : "/", text_of(set, "spec"),
		       is_set(set, "recursive") ? ", and below" : "",
		       *text_of(set, "alternate") ? ", read from " : "", text_of(set, "alternate"));
	}
}

static void print_words(json_t *words)
{
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word)
		printf(", %s", json_string_value(word));
}

static void print_dependencies(json_t *dependencies)
{
	json_t *dependency;
	size_t i;

	json_array_foreach(dependencies, i, dependency)
		printf("    needs     %s%s%s of %s%s%s\n", text_of(dependency, "path"),
		       *text_of(dependency, "path") ? "/" : "", text_of(dependency, "name"),
		       text_of(dependency, "class_id"),
		       *text_of(dependency, "host") ? " on " : "", text_of(dependency, "host"));
}

static void print_component(json_t *component, bool files)
{
	const char *path = text_of(component, "path");

	printf("  component   %s%s%s: %s", path, *path ? "/" : "", text_of(component, "name"),
	       text_of(component, "type"));
	if (is_set(component, "selectable"))
		printf(", selectable");
	if (is_set(component, "restore_selectable"))
		printf(", selectable for restore");
	print_words(json_object_get(component, "flags"));
	putchar('\n');
	if (!files)
		return;
	print_files("    files", json_object_get(component, "files"));
	print_files("    database", json_object_get(component, "databases"));
	print_files("    log", json_object_get(component, "logs"));
	print_dependencies(json_object_get(component, "dependencies"));
}

void metadata_print(json_t *metadata, bool files)
{
	json_t *component;
	size_t i;

	printf("%s%s%s\n", text_of(metadata, "name"),
	       *text_of(metadata, "instance_name") ? ", instance " : "",
	       text_of(metadata, "instance_name"));
	printf("  data        %s, %s\n", text_of(metadata, "usage"), text_of(metadata, "source"));
	printf("  restore     %s%s%s, takes part %s%s\n", text_of(metadata, "restore_method"),
	       *text_of(metadata, "service") ? " of " : "", text_of(metadata, "service"),
	       text_of(metadata, "participation"),
	       is_set(metadata, "reboot") ? ", and a reboot" : "");
	printf("  backups     full");
	print_words(json_object_get(metadata, "schema"));
	putchar('\n');
	if (is_set(metadata, "blocks_revert"))
		puts("  reverts     forbidden of volumes with its data");
	json_array_foreach(json_object_get(metadata, "components"), i, component)
		print_component(component, files);
	print_files("  excluded", json_object_get(metadata, "excludes"));
	print_files("  not kept", json_object_get(metadata, "shadow_excludes"));
}

json_t *metadata_json(struct context *context, const struct shadowcopy_metadata *metadata)
{
	json_t *json;
	size_t size;
	char *text;

	if (shadowcopy_metadata_save(context->sc, metadata, &text, &size))
		return NULL;
	json = json_loadb(text, size, 0, NULL);
	free(text);
	return json;
}
