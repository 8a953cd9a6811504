// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_document.c - what reads documents, fed by libFuzzer.
 *
 * Whatever is accepted has to be saved and loaded again as the same.  A document that is both
 * is also chosen from, and restored, so that rules and plans see what nobody would write.
 */
#include <stdint.h>
#include <unistd.h>

#include "../lib/document.h"

static struct shadowcopy *sc;

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

static const char *lookup(void *data, const char *name)
{
	(void)data;
	return name[0] == 'A' ? "/a" : NULL;
}

static char top[32] = "/tmp/shadowcopy-fuzz.XXXXXX";

static void remove_top(void)
{
	rmdir(top);
}

/* List the files of a backup, in a tree of nothing but a directory. */
static void list_files(const struct shadowcopy_backup *backup,
		       struct shadowcopy_metadata *metadata)
{
	static const struct shadowcopy_shadow_map map = { "/", top };
	const struct shadowcopy_backup_item *item;
	struct shadowcopy_backup_set *set;

	if (shadowcopy_backup_set_new(sc, backup, &metadata, 1, &map, 1, &set))
		return;
	while (shadowcopy_backup_set_next(sc, set, &item))
		;
	shadowcopy_backup_set_free(set);
}

/* Choose all that can be chosen, and plan its restore. */
static void use_metadata(struct shadowcopy_metadata *metadata)
{
	static const struct shadowcopy_media_file media[] = {
		{ "/srv/a", SHADOWCOPY_ITEM_FILE }, { "/a/b/c", SHADOWCOPY_ITEM_DIRECTORY },
	};
	static const struct shadow_uuid session = { { 1 } };
	static const char *const mounts[] = { "/", "/srv" };
	struct shadowcopy_restore_plan *plan;
	struct shadowcopy_backup *backup;
	bool needed[2];
	size_t i;

	must(!shadowcopy_backup_new(sc, &session, &backup));
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	for (i = 0; i < metadata->component_count; i++)
		shadowcopy_backup_add_component(sc, backup, metadata, metadata->components[i]->path,
						metadata->components[i]->name, NULL);
	shadowcopy_backup_add_dependencies(sc, backup, &metadata, 1);
	shadowcopy_backup_check(sc, backup, &metadata, 1);
	shadowcopy_backup_shadows_needed(sc, backup, &metadata, 1, mounts, 2, needed);
	list_files(backup, metadata);
	shadowcopy_backup_begin_restore(sc, backup, &session);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
	for (i = 0; backup->writer_count && i < backup->writers[0]->component_count; i++)
		shadowcopy_backup_select(sc, backup->writers[0]->components[i], metadata, metadata);
	shadowcopy_restore_check(sc, backup, &metadata, 1);
	if (!shadowcopy_restore_plan_new(sc, backup, &metadata, 1, media, 2, &plan))
		shadowcopy_restore_plan_free(plan);
	shadowcopy_backup_free(backup);
	shadowcopy_metadata_expand(sc, metadata, lookup, NULL);
}

static void try_metadata(const char *data, size_t size)
{
	struct shadowcopy_metadata *metadata, *again;
	char *text, *text_again;
	size_t length;

	if (shadowcopy_metadata_load(sc, data, size, "it", SHADOWCOPY_LOAD_UNSIGNED, &metadata))
		return;
	must(!shadowcopy_metadata_save(sc, metadata, &text, &length));
	must(!shadowcopy_metadata_load(sc, text, length, "it", 0, &again));
	must(!shadowcopy_metadata_save(sc, again, &text_again, NULL));
	must(!strcmp(text, text_again));
	free(text);
	free(text_again);
	shadowcopy_metadata_free(again);
	use_metadata(metadata);
	shadowcopy_metadata_free(metadata);
}

/* A writer with all that a document says there is, so that what it says is used. */
static struct shadowcopy_metadata *writer_of(const struct shadowcopy_backup_writer *writer)
{
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_component *component;
	size_t i;

	must(!shadowcopy_metadata_new(sc, &writer->class_id, &writer->instance_id, writer->name,
				      &metadata));
	must(!shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_IF_NOT_THERE, NULL,
					      SHADOWCOPY_PARTICIPATION_ALWAYS, false));
	for (i = 0; i < writer->component_count; i++) {
		must(!shadowcopy_metadata_add_component(sc, metadata,
							SHADOWCOPY_COMPONENT_FILE_GROUP,
							writer->components[i]->path,
							writer->components[i]->name, NULL, i % 2,
							true, 0, &component));
		must(!shadowcopy_component_add_files(sc, component, "/srv", "*", true, "/alt",
						     SHADOWCOPY_NEEDED_FULL));
	}
	return metadata;
}

static void use_backup(struct shadowcopy_backup *backup, struct shadowcopy_backup *empty)
{
	static const struct shadowcopy_media_file media[] = {
		{ "/srv/a", SHADOWCOPY_ITEM_FILE }, { "/srv/r", SHADOWCOPY_ITEM_RANGES },
	};
	static const struct shadow_uuid session = { { 1 } };
	struct shadowcopy_restore_plan *plan;
	struct shadowcopy_metadata *metadata;
	size_t i;

	if (!backup->writer_count)
		return;
	metadata = writer_of(backup->writers[0]);
	shadowcopy_backup_expand(sc, backup, lookup, NULL);
	shadowcopy_backup_check(sc, backup, &metadata, 1);
	list_files(backup, metadata);
	for (i = 0; i < backup->writers[0]->component_count; i++)
		backup->writers[0]->components[i]->selected = true;
	shadowcopy_restore_check(sc, backup, &metadata, 1);
	if (!shadowcopy_restore_plan_new(sc, backup, &metadata, 1, media, 2, &plan))
		shadowcopy_restore_plan_free(plan);
	must(!shadowcopy_backup_begin_restore(sc, backup, &session));
	shadowcopy_backup_merge(sc, empty, backup, &backup->writers[0]->instance_id, 1);
	shadowcopy_metadata_free(metadata);
}

static void try_backup(const char *data, size_t size)
{
	struct shadowcopy_backup *backup, *again;
	char *text, *text_again;
	size_t length;

	if (shadowcopy_backup_load(sc, data, size, "it", SHADOWCOPY_LOAD_UNSIGNED, &backup))
		return;
	must(!shadowcopy_backup_save(sc, backup, &text, &length));
	must(!shadowcopy_backup_load(sc, text, length, "it", 0, &again));
	must(!shadowcopy_backup_save(sc, again, &text_again, NULL));
	must(!strcmp(text, text_again));
	must(!shadowcopy_backup_merge(sc, backup, again, NULL, 0));
	use_backup(backup, again);
	free(text);
	free(text_again);
	shadowcopy_backup_free(again);
	shadowcopy_backup_free(backup);
}

static void try_texts(const char *data, size_t size)
{
	char *text = strndup(data, size), *path;
	struct shadowcopy_option **options;
	struct shadowcopy_range *ranges;
	size_t count;

	if (!text)
		return;
	shadowcopy_ranges_parse(sc, text, &ranges, &count);
	free(ranges);
	shadowcopy_options_parse(sc, text, &options, &count);
	free(options);
	if (!shadowcopy_path_expand(sc, text, lookup, NULL, &path)) {
		must(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//"));
		free(path);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!sc) {
		sc = shadowcopy_new();
		must(mkdtemp(top));
		atexit(remove_top);
	}
	try_metadata((const char *)data, size);
	try_backup((const char *)data, size);
	try_texts((const char *)data, size);
	return 0;
}
