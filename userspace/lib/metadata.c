// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * metadata.c - writer metadata (VSS f.1, f.2, c.5): its tables, how it is made, and the
 * rules that it has to keep.
 *
 * What one member may be is in its table; what several have to be together is checked when a
 * document is loaded and when it is saved, and as early as it can be when it is made.
 */
#include "document.h"
#include "patterns.h"

/* --- words ------------------------------------------------------------------- */

static const struct sc_word usages[] = {
	{ SHADOWCOPY_USAGE_SYSTEM_BOOT, "system-boot" },
	{ SHADOWCOPY_USAGE_SYSTEM_SERVICE, "system-service" },
	{ SHADOWCOPY_USAGE_USER_DATA, "user-data" },
	{ SHADOWCOPY_USAGE_OTHER, "other" },
	{ 0, NULL }
};

static const struct sc_word sources[] = {
	{ SHADOWCOPY_SOURCE_TRANSACTIONAL, "transactional-database" },
	{ SHADOWCOPY_SOURCE_PLAIN, "database" },
	{ SHADOWCOPY_SOURCE_OTHER, "other" },
	{ 0, NULL }
};

static const struct sc_word methods[] = {
	{ SHADOWCOPY_RESTORE_IF_NOT_THERE, "if-not-there" },
	{ SHADOWCOPY_RESTORE_IF_CAN_REPLACE, "if-can-replace" },
	{ SHADOWCOPY_RESTORE_STOP_RESTORE_START, "stop-restore-start" },
	{ SHADOWCOPY_RESTORE_RESTORE_STOP_START, "restore-stop-start" },
	{ SHADOWCOPY_RESTORE_TO_ALTERNATE, "to-alternate-location" },
	{ SHADOWCOPY_RESTORE_AT_REBOOT, "at-reboot" },
	{ SHADOWCOPY_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE, "at-reboot-if-cannot-replace" },
	{ SHADOWCOPY_RESTORE_CUSTOM, "custom" },
	{ 0, NULL }
};

static const struct sc_word participations[] = {
	{ SHADOWCOPY_PARTICIPATION_NEVER, "never" },
	{ SHADOWCOPY_PARTICIPATION_IF_REPLACE_FAILS, "if-replace-fails" },
	{ SHADOWCOPY_PARTICIPATION_ALWAYS, "always" },
	{ 0, NULL }
};

static const struct sc_word schemas[] = {
	{ SHADOWCOPY_SCHEMA_COPY, "copy" },
	{ SHADOWCOPY_SCHEMA_DIFFERENTIAL, "differential" },
	{ SHADOWCOPY_SCHEMA_INCREMENTAL, "incremental" },
	{ SHADOWCOPY_SCHEMA_LOG, "log" },
	{ SHADOWCOPY_SCHEMA_EXCLUSIVE, "exclusive-incremental-differential" },
	{ SHADOWCOPY_SCHEMA_TIMESTAMPED, "timestamped" },
	{ SHADOWCOPY_SCHEMA_LAST_MODIFY, "last-modify" },
	{ SHADOWCOPY_SCHEMA_NEW_TARGET, "new-target" },
	{ SHADOWCOPY_SCHEMA_RESTORE_WITH_MOVE, "restore-with-move" },
	{ SHADOWCOPY_SCHEMA_INDEPENDENT_SYSTEM_STATE, "independent-system-state" },
	{ SHADOWCOPY_SCHEMA_ROLL_FORWARD, "roll-forward" },
	{ SHADOWCOPY_SCHEMA_RESTORE_RENAME, "restore-rename" },
	{ SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE, "authoritative-restore" },
	{ SHADOWCOPY_SCHEMA_PARALLEL_RESTORES, "parallel-restores" },
	{ 0, NULL }
};

static const struct sc_word component_types[] = {
	{ SHADOWCOPY_COMPONENT_DATABASE, "database" },
	{ SHADOWCOPY_COMPONENT_FILE_GROUP, "file-group" },
	{ 0, NULL }
};

static const struct sc_word component_flags[] = {
	{ SHADOWCOPY_COMPONENT_BACKUP_RECOVERY, "backup-recovery" },
	{ SHADOWCOPY_COMPONENT_ROLLBACK_RECOVERY, "rollback-recovery" },
	{ SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE, "not-system-state" },
	{ 0, NULL }
};

static const struct sc_word needs[] = {
	{ SHADOWCOPY_NEEDED_FULL, "full" },
	{ SHADOWCOPY_NEEDED_DIFFERENTIAL, "differential" },
	{ SHADOWCOPY_NEEDED_INCREMENTAL, "incremental" },
	{ SHADOWCOPY_NEEDED_LOG, "log" },
	{ SHADOWCOPY_NEEDED_SHADOW(SHADOWCOPY_NEEDED_FULL), "full-shadow" },
	{ SHADOWCOPY_NEEDED_SHADOW(SHADOWCOPY_NEEDED_DIFFERENTIAL), "differential-shadow" },
	{ SHADOWCOPY_NEEDED_SHADOW(SHADOWCOPY_NEEDED_INCREMENTAL), "incremental-shadow" },
	{ SHADOWCOPY_NEEDED_SHADOW(SHADOWCOPY_NEEDED_LOG), "log-shadow" },
	{ 0, NULL }
};

/* --- tables ------------------------------------------------------------------ */

static const struct sc_field fileset_fields[] = {
	SC_FIELD(shadowcopy_fileset, path, SC_TEXT, .required = true, .text = SC_TEXT_DIRECTORY,
		 .what = "directory; may begin with a ${VARIABLE}; no wildcards"),
	SC_FIELD(shadowcopy_fileset, spec, SC_TEXT, .required = true, .text = SC_TEXT_SPEC,
		 .what = "names in the directory, with ? and *"),
	SC_FIELD(shadowcopy_fileset, recursive, SC_BOOL, .what = "also in all directories below"),
	SC_FIELD(shadowcopy_fileset, alternate, SC_TEXT, .text = SC_TEXT_DIRECTORY,
		 .what = "directory that a backup reads the files from instead"),
	SC_FIELD(shadowcopy_fileset, needed, SC_MASK, .fallback = SHADOWCOPY_NEEDED_DEFAULT,
		 .words = needs,
		 .what = "backups that the files have to be in, and to be read from a shadow for; "
		 "all of them where this is not there"),
};

static const struct sc_type fileset_type = {
	.name = "fileset", .size = sizeof(struct shadowcopy_fileset), SC_FIELDS(fileset_fields),
};

static const struct sc_field exclude_fields[] = {
	SC_FIELD(shadowcopy_exclude, path, SC_TEXT, .required = true, .text = SC_TEXT_DIRECTORY,
		 .what = "directory; may begin with a ${VARIABLE}; no wildcards"),
	SC_FIELD(shadowcopy_exclude, spec, SC_TEXT, .required = true, .text = SC_TEXT_SPEC,
		 .what = "names in the directory, with ? and *"),
	SC_FIELD(shadowcopy_exclude, recursive, SC_BOOL, .what = "also in all directories below"),
};

static const struct sc_type exclude_type = {
	.name = "exclude", .size = sizeof(struct shadowcopy_exclude), SC_FIELDS(exclude_fields),
};

static const struct sc_field mapping_fields[] = {
	SC_FIELD(shadowcopy_mapping, path, SC_TEXT, .required = true, .text = SC_TEXT_DIRECTORY,
		 .what = "directory; may begin with a ${VARIABLE}; no wildcards"),
	SC_FIELD(shadowcopy_mapping, spec, SC_TEXT, .required = true, .text = SC_TEXT_SPEC,
		 .what = "names in the directory, with ? and *"),
	SC_FIELD(shadowcopy_mapping, recursive, SC_BOOL, .what = "also in all directories below"),
	SC_FIELD(shadowcopy_mapping, destination, SC_TEXT, .required = true, .text = SC_TEXT_PATH,
		 .what = "directory that a restore may write the file set to instead"),
};

static const struct sc_type mapping_type = {
	.name = "mapping", .size = sizeof(struct shadowcopy_mapping), SC_FIELDS(mapping_fields),
};

static const struct sc_field dependency_fields[] = {
	SC_FIELD(shadowcopy_dependency, class_id, SC_UUID, .required = true,
		 .what = "class of the other writer"),
	SC_FIELD(shadowcopy_dependency, path, SC_TEXT, .text = SC_TEXT_LOGICAL,
		 .what = "logical path of its component"),
	SC_FIELD(shadowcopy_dependency, name, SC_TEXT, .required = true, .text = SC_TEXT_NAME,
		 .what = "name of its component"),
	SC_FIELD(shadowcopy_dependency, host, SC_TEXT, .text = SC_TEXT_HOST,
		 .what = "machine that it is on; this one where it is not there"),
};

static const struct sc_type dependency_type = {
	.name = "dependency", .size = sizeof(struct shadowcopy_dependency),
	SC_FIELDS(dependency_fields),
};

static const struct sc_field component_fields[] = {
	SC_FIELD(shadowcopy_component, type, SC_ENUM, .required = true, .words = component_types),
	SC_FIELD(shadowcopy_component, path, SC_TEXT, .text = SC_TEXT_LOGICAL,
		 .what = "logical path: names of what it lies below, with / between them"),
	SC_FIELD(shadowcopy_component, name, SC_TEXT, .required = true, .text = SC_TEXT_NAME),
	SC_FIELD(shadowcopy_component, caption, SC_TEXT, .text = SC_TEXT_LINE,
		 .what = "for people"),
	SC_FIELD(shadowcopy_component, selectable, SC_BOOL, .required = true,
		 .what = "a backup may choose it"),
	SC_FIELD(shadowcopy_component, restore_selectable, SC_BOOL,
		 .what = "a restore may choose it alone"),
	SC_FIELD(shadowcopy_component, flags, SC_MASK, .words = component_flags),
	SC_LIST_FIELD(shadowcopy_component, files, file_count, &fileset_type,
		      .what = "of a file-group"),
	SC_LIST_FIELD(shadowcopy_component, databases, database_count, &fileset_type,
		      .what = "data files of a database"),
	SC_LIST_FIELD(shadowcopy_component, logs, log_count, &fileset_type,
		      .what = "log files of a database"),
	SC_LIST_FIELD(shadowcopy_component, dependencies, dependency_count, &dependency_type,
		      .what = "other writers' components that it is of no use without"),
};

static const struct sc_type component_type = {
	.name = "component", .size = sizeof(struct shadowcopy_component),
	SC_FIELDS(component_fields),
};

static const struct sc_field metadata_fields[] = {
	SC_FIELD(shadowcopy_metadata, class_id, SC_UUID, .required = true,
		 .what = "of the kind of writer"),
	SC_FIELD(shadowcopy_metadata, instance_id, SC_UUID, .required = true,
		 .what = "of the running writer, new at each start"),
	SC_FIELD(shadowcopy_metadata, name, SC_TEXT, .required = true, .text = SC_TEXT_NAME),
	SC_FIELD(shadowcopy_metadata, instance_name, SC_TEXT, .text = SC_TEXT_NAME,
		 .what = "lasting, where there are several instances"),
	SC_FIELD(shadowcopy_metadata, major, SC_NUMBER,
		 .what = "version of the data; that of another one cannot be restored"),
	SC_FIELD(shadowcopy_metadata, minor, SC_NUMBER),
	SC_FIELD(shadowcopy_metadata, usage, SC_ENUM, .required = true, .words = usages),
	SC_FIELD(shadowcopy_metadata, source, SC_ENUM, .required = true, .words = sources),
	SC_FIELD(shadowcopy_metadata, restore_method, SC_ENUM, .required = true, .words = methods),
	SC_FIELD(shadowcopy_metadata, service, SC_TEXT, .text = SC_TEXT_UNIT,
		 .what = "systemd unit that the restore method stops and starts"),
	SC_FIELD(shadowcopy_metadata, participation, SC_ENUM, .required = true,
		 .words = participations, .what = "whether the writer is told of a restore"),
	SC_FIELD(shadowcopy_metadata, reboot, SC_BOOL,
		 .what = "the machine must be restarted after a restore"),
	SC_FIELD(shadowcopy_metadata, schema, SC_MASK, .words = schemas,
		 .what = "what the writer can do beside full backups"),
	SC_FIELD(shadowcopy_metadata, blocks_revert, SC_BOOL,
		 .what = "volumes with its data must not be reverted"),
	SC_LIST_FIELD(shadowcopy_metadata, excludes, exclude_count, &exclude_type,
		      .what = "left out of every backup"),
	SC_LIST_FIELD(shadowcopy_metadata, shadow_excludes, shadow_exclude_count, &exclude_type,
		      .what = "deleted from the shadow while it is writable"),
	SC_LIST_FIELD(shadowcopy_metadata, mappings, mapping_count, &mapping_type, .max = 1024,
		      .what = "alternate locations for a restore"),
	SC_LIST_FIELD(shadowcopy_metadata, components, component_count, &component_type,
		      .required = true, .max = 4096),
};

static int metadata_check(struct shadowcopy *sc, const void *object)
{
	return shadowcopy_metadata_check(sc, object);
}

const struct sc_type sc_metadata_type = {
	.name = "metadata", .size = sizeof(struct shadowcopy_metadata), SC_FIELDS(metadata_fields),
	.check = metadata_check, .format = "shadowcopy-writer-metadata", .major = 1, .minor = 0,
	.title = "writer metadata",
};

/* --- names ------------------------------------------------------------------- */

char *sc_logical(const char *path, const char *name)
{
	char *text;

	if (asprintf(&text, "%s%s%s", path ?: "", path && *path ? "/" : "", name) < 0)
		return NULL;
	return text;
}

static bool same_name(const char *path_a, const char *name_a, const char *path_b,
		      const char *name_b)
{
	return name_b && !strcmp(path_a ?: "", path_b ?: "") && !strcmp(name_a, name_b);
}

SC_EXPORT struct shadowcopy_component *
shadowcopy_metadata_find(const struct shadowcopy_metadata *metadata, const char *path,
			 const char *name)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		struct shadowcopy_component *component = metadata->components[i];

		if (same_name(component->path, component->name, path, name))
			return component;
	}
	return NULL;
}

static bool list_has(struct shadowcopy_fileset *const *sets, size_t count, const char *path,
		     const char *spec, bool recursive)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(sets[i]->path, path) && !strcmp(sets[i]->spec, spec) &&
		    sets[i]->recursive == recursive)
			return true;
	return false;
}

bool sc_component_has(const struct shadowcopy_component *component, const char *path,
		      const char *spec, bool recursive)
{
	return list_has(component->files, component->file_count, path, spec, recursive) ||
	       list_has(component->databases, component->database_count, path, spec, recursive) ||
	       list_has(component->logs, component->log_count, path, spec, recursive);
}

static bool has_fileset(const struct shadowcopy_metadata *metadata, const char *path,
			const char *spec, bool recursive)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++)
		if (sc_component_has(metadata->components[i], path, spec, recursive))
			return true;
	return false;
}

/* --- rules ------------------------------------------------------------------- */

/* A failure of a rule, about one component or the whole document. */
static int rule_fail(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
		     const struct shadowcopy_component *component, const char *cause,
		     const char *remedy)
{
	char *logical = component ? sc_logical(component->path, component->name) : NULL;
	char *object = NULL;
	int rc;

	if (asprintf(&object, "%s%s%s", metadata->name ?: "", logical ? ", component " : "",
		     logical ?: "") < 0)
		object = NULL;
	rc = SC_FAIL(sc, -EINVAL, .action = "accept the metadata of writer",
		     .object = object ?: "", .cause = cause, .remedy = remedy);
	free(object);
	free(logical);
	return rc;
}

static const char database_recursive[] =
	"a file set of a database is recursive or has an alternate path";

static bool plain(struct shadowcopy_fileset *const *sets, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sets[i]->recursive || sets[i]->alternate)
			return false;
	return true;
}

static int check_component(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
			   const struct shadowcopy_component *component)
{
	size_t i;

	if (component->type == SHADOWCOPY_COMPONENT_DATABASE) {
		if (component->file_count)
			return rule_fail(sc, metadata, component,
					 "it is a database and has files of a file group",
					 "use \"databases\" and \"logs\"");
		if (!plain(component->databases, component->database_count) ||
		    !plain(component->logs, component->log_count))
			return rule_fail(sc, metadata, component, database_recursive,
					 "make it a file group, or name each directory");
	} else if (component->database_count || component->log_count) {
		return rule_fail(sc, metadata, component,
				 "it is a file group and has databases or logs",
				 "use \"files\", or make it a database");
	}
	for (i = 0; i < component->dependency_count; i++)
		if (sc_uuid_equal(&component->dependencies[i]->class_id, &metadata->class_id))
			return rule_fail(sc, metadata, component,
					 "it depends on a component of its own writer",
					 "put the two into one component set: such dependencies are "
					 "for other writers");
	return 0;
}

struct schema_rule {
	uint32_t bit;
	uint32_t needs_one;
	uint32_t needs_all;
	const char *cause;
};

static const struct schema_rule schema_rules[] = {
	{ SHADOWCOPY_SCHEMA_EXCLUSIVE, 0,
	  SHADOWCOPY_SCHEMA_INCREMENTAL | SHADOWCOPY_SCHEMA_DIFFERENTIAL,
	  "its schema has exclusive-incremental-differential without both of them" },
	{ SHADOWCOPY_SCHEMA_TIMESTAMPED,
	  SHADOWCOPY_SCHEMA_INCREMENTAL | SHADOWCOPY_SCHEMA_DIFFERENTIAL, 0,
	  "its schema has timestamped without incremental or differential" },
	{ SHADOWCOPY_SCHEMA_LAST_MODIFY,
	  SHADOWCOPY_SCHEMA_INCREMENTAL | SHADOWCOPY_SCHEMA_DIFFERENTIAL, 0,
	  "its schema has last-modify without incremental or differential" },
};

static int check_schema(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata)
{
	size_t i, logs = 0;

	for (i = 0; i < ARRAY_SIZE(schema_rules); i++) {
		const struct schema_rule *rule = &schema_rules[i];

		if ((metadata->schema & rule->bit) &&
		    ((rule->needs_one && !(metadata->schema & rule->needs_one)) ||
		     (metadata->schema & rule->needs_all) != rule->needs_all))
			return rule_fail(sc, metadata, NULL, rule->cause, "add what is missing");
	}
	for (i = 0; i < metadata->component_count; i++)
		logs += metadata->components[i]->log_count;
	if ((metadata->schema & SHADOWCOPY_SCHEMA_LOG) && !logs)
		return rule_fail(sc, metadata, NULL,
				 "its schema has log, and no component has log files",
				 "add log files to a database, or leave it out of the schema");
	return 0;
}

static bool has_service_method(uint32_t method)
{
	return method == SHADOWCOPY_RESTORE_STOP_RESTORE_START ||
	       method == SHADOWCOPY_RESTORE_RESTORE_STOP_START;
}

static int check_restore(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
			 uint32_t method, const char *service, uint32_t participation)
{
	if (!method || !participation)
		return rule_fail(sc, metadata, NULL,
				 "its restore method, or the writer's part in it, is undefined",
				 "say how the data is restored");
	if (has_service_method(method) && !service)
		return rule_fail(sc, metadata, NULL,
				 "its restore method stops and starts a service that it does not name",
				 "name the systemd unit");
	if (!has_service_method(method) && service)
		return rule_fail(sc, metadata, NULL,
				 "it names a service that its restore method does not stop",
				 "leave the service out, or use another method");
	return 0;
}

static int mapping_fail(struct shadowcopy *sc, int code, const char *path, const char *cause,
			const char *remedy)
{
	return SC_FAIL(sc, code, .action = "map to an alternate location", .object = path,
		       .cause = cause, .remedy = remedy);
}

static bool same_fileset(const struct shadowcopy_mapping *mapping, const char *path,
			 const char *spec, bool recursive)
{
	return !strcmp(mapping->path, path) && !strcmp(mapping->spec, spec) &&
	       mapping->recursive == recursive;
}

static int by_fileset(const void *a, const void *b)
{
	const struct shadowcopy_mapping *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path, (*y)->path);

	rc = rc ?: strcmp((*x)->spec, (*y)->spec);
	return rc ?: (*x)->recursive - (*y)->recursive;
}

static int add_filesets(struct sc_patterns *patterns, struct shadowcopy_fileset *const *sets,
			size_t count)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < count && !rc; i++)
		rc = sc_patterns_add(patterns, &(struct sc_pattern){
			.path = sets[i]->path, .spec = sets[i]->spec,
			.recursive = sets[i]->recursive });
	return rc;
}

/* The file sets of all components. */
static int all_filesets(const struct shadowcopy_metadata *metadata, struct sc_patterns *patterns)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < metadata->component_count && !rc; i++) {
		const struct shadowcopy_component *component = metadata->components[i];

		rc = add_filesets(patterns, component->files, component->file_count);
		if (!rc)
			rc = add_filesets(patterns, component->databases,
					  component->database_count);
		if (!rc)
			rc = add_filesets(patterns, component->logs, component->log_count);
	}
	return rc ?: sc_patterns_sort(patterns);
}

static int check_mapped(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata)
{
	struct sc_patterns patterns = { 0 };
	size_t i;
	int rc = all_filesets(metadata, &patterns);

	if (rc)
		SC_FAIL(sc, rc, .action = "check", .object = metadata->name);
	for (i = 0; i < metadata->mapping_count && !rc; i++) {
		const struct shadowcopy_mapping *map = metadata->mappings[i];

		if (sc_patterns_exactly(&patterns, map->path, map->spec, map->recursive) ==
		    SC_NO_PATTERN)
			rc = mapping_fail(sc, -EINVAL, map->path,
					  "no component has exactly that file set",
					  "give path, spec and recursive as a component has them");
	}
	sc_patterns_clear(&patterns);
	return rc;
}

static int check_mappings(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata)
{
	const struct shadowcopy_mapping *mapping;
	const void *twin;
	int rc = sc_list_twin(sc, metadata->mappings, metadata->mapping_count, by_fileset, &twin);

	mapping = twin;
	if (!rc && mapping)
		rc = mapping_fail(sc, -EINVAL, mapping->path, "that file set is mapped already",
				  "map each file set once");
	return rc || !metadata->mapping_count ? rc : check_mapped(sc, metadata);
}

static int by_name(const void *a, const void *b)
{
	const struct shadowcopy_component *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path ?: "", (*y)->path ?: "");

	return rc ?: strcmp((*x)->name, (*y)->name);
}

static int check_names(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata)
{
	const void *twin;
	int rc = sc_list_twin(sc, metadata->components, metadata->component_count, by_name, &twin);

	if (!rc && twin)
		rc = rule_fail(sc, metadata, twin, "it is there twice",
			       "give components of one logical path different names");
	return rc;
}

SC_EXPORT int shadowcopy_metadata_check(struct shadowcopy *sc,
					const struct shadowcopy_metadata *metadata)
{
	size_t i;
	int rc;

	if (!metadata->usage || !metadata->source)
		return rule_fail(sc, metadata, NULL, "its usage or its source is undefined",
				 "say what the data is");
	rc = check_restore(sc, metadata, metadata->restore_method, metadata->service,
			   metadata->participation);
	if (rc)
		return rc;
	if (!metadata->component_count)
		return rule_fail(sc, metadata, NULL, "it has no component",
				 "add one, empty if need be");
	for (i = 0; i < metadata->component_count; i++) {
		rc = check_component(sc, metadata, metadata->components[i]);
		if (rc)
			return rc;
	}
	rc = check_names(sc, metadata);
	if (!rc)
		rc = check_schema(sc, metadata);
	return rc ?: check_mappings(sc, metadata);
}

static int conflict_fail(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
			 const char *cause, const char *remedy)
{
	return SC_FAIL(sc, -EEXIST, .action = "accept writer",
		       .object = metadata->instance_name ?: metadata->name, .cause = cause,
		       .remedy = remedy);
}

/* A component, among those of all instances of its class. */
struct owned {
	const struct shadowcopy_metadata *metadata;
	const struct shadowcopy_component *component;
};

static int by_class_and_name(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int rc = memcmp(&x->metadata->class_id, &y->metadata->class_id,
			sizeof(x->metadata->class_id));

	return rc ?: by_name(&x->component, &y->component);
}

static bool has_sibling(struct shadowcopy_metadata *const *metadata, size_t count, size_t i)
{
	size_t j;

	for (j = 0; j < count; j++)
		if (j != i && sc_uuid_equal(&metadata[i]->class_id, &metadata[j]->class_id))
			return true;
	return false;
}

/* The components of all writers that have siblings; @owned may be NULL: only count them. */
static size_t list_owned(struct shadowcopy_metadata *const *metadata, size_t count,
			 struct owned *owned)
{
	size_t i, j, listed = 0;

	for (i = 0; i < count; i++) {
		if (!has_sibling(metadata, count, i))
			continue;
		for (j = 0; owned && j < metadata[i]->component_count; j++)
			owned[listed + j] = (struct owned){ metadata[i],
							    metadata[i]->components[j] };
		listed += metadata[i]->component_count;
	}
	return listed;
}

/* Instances of a class with a component in common are neighbours in order. */
static int check_shared(struct shadowcopy *sc, struct shadowcopy_metadata *const *metadata,
			size_t count)
{
	size_t i, listed = list_owned(metadata, count, NULL);
	struct owned *owned = calloc(listed + 1, sizeof(*owned));
	int rc = 0;

	if (!owned)
		return SC_FAIL(sc, -ENOMEM, .action = "compare the writers");
	list_owned(metadata, count, owned);
	qsort(owned, listed, sizeof(*owned), by_class_and_name);
	for (i = 1; i < listed && !rc; i++)
		if (!by_class_and_name(&owned[i - 1], &owned[i]))
			rc = conflict_fail(sc, owned[i].metadata,
					   "another instance of its class has a component of the "
					   "same path and name",
					   "put the instance's name into the logical path");
	free(owned);
	return rc;
}

SC_EXPORT int shadowcopy_metadata_check_all(struct shadowcopy *sc,
					    struct shadowcopy_metadata *const *metadata,
					    size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			if (sc_uuid_equal(&metadata[i]->instance_id, &metadata[j]->instance_id))
				return conflict_fail(sc, metadata[i],
						     "another writer has the same instance",
						     "make a new UUID for each instance");
	return check_shared(sc, metadata, count);
}

/* --- making it ------------------------------------------------------------------ */

static int argument_fail(struct shadowcopy *sc, int code, const char *action, const char *object,
			 const char *cause, const char *remedy)
{
	return SC_FAIL(sc, code, .action = action, .object = object, .cause = cause,
		       .remedy = remedy);
}

SC_EXPORT int shadowcopy_metadata_new(struct shadowcopy *sc, const struct shadow_uuid *class_id,
				      const struct shadow_uuid *instance_id, const char *name,
				      struct shadowcopy_metadata **metadatap)
{
	struct shadowcopy_metadata *metadata;
	int rc;

	*metadatap = NULL;
	if (sc_uuid_is_null(class_id) || sc_uuid_is_null(instance_id))
		return argument_fail(sc, -EINVAL, "begin the metadata of writer", name,
				     "the UUID of its class or its instance is zero",
				     "make them with uuidgen");
	metadata = sc_node_new(&sc_metadata_type, NULL);
	if (!metadata)
		return SC_FAIL(sc, -ENOMEM, .action = "begin the metadata of writer",
			       .object = name);
	metadata->class_id = *class_id;
	metadata->instance_id = *instance_id;
	rc = SC_SET_TEXT(sc, metadata, name, name);
	if (rc) {
		sc_node_free(metadata);
		return rc;
	}
	*metadatap = metadata;
	return 0;
}

SC_EXPORT void shadowcopy_metadata_free(struct shadowcopy_metadata *metadata)
{
	sc_node_free(metadata);
}

SC_EXPORT int shadowcopy_metadata_set_version(struct shadowcopy *sc,
					      struct shadowcopy_metadata *metadata,
					      const char *instance_name, uint32_t major,
					      uint32_t minor)
{
	int rc = SC_SET_TEXT(sc, metadata, instance_name, instance_name);

	if (rc)
		return rc;
	metadata->major = major;
	metadata->minor = minor;
	return 0;
}

SC_EXPORT int shadowcopy_metadata_set_usage(struct shadowcopy *sc,
					    struct shadowcopy_metadata *metadata, uint32_t usage,
					    uint32_t source)
{
	int rc = SC_CHECK_WORD(sc, metadata, usage, usage);

	if (!rc)
		rc = SC_SET_WORD(sc, metadata, source, source);
	if (!rc)
		metadata->usage = usage;
	return rc;
}

SC_EXPORT int shadowcopy_metadata_set_restore(struct shadowcopy *sc,
					      struct shadowcopy_metadata *metadata,
					      uint32_t method, const char *service,
					      uint32_t participation, bool reboot)
{
	int rc = check_restore(sc, metadata, method, service, participation);

	if (!rc)
		rc = SC_CHECK_WORD(sc, metadata, restore_method, method);
	if (!rc)
		rc = SC_CHECK_WORD(sc, metadata, participation, participation);
	if (!rc)
		rc = SC_SET_TEXT(sc, metadata, service, service);
	if (rc)
		return rc;
	metadata->restore_method = method;
	metadata->participation = participation;
	metadata->reboot = reboot;
	return 0;
}

SC_EXPORT int shadowcopy_metadata_set_schema(struct shadowcopy *sc,
					     struct shadowcopy_metadata *metadata, uint32_t schema)
{
	return SC_SET_WORD(sc, metadata, schema, schema);
}

SC_EXPORT int shadowcopy_metadata_set_blocks_revert(struct shadowcopy *sc,
						    struct shadowcopy_metadata *metadata,
						    bool blocks)
{
	(void)sc;
	metadata->blocks_revert = blocks;
	return 0;
}

static int set_exclude(struct shadowcopy *sc, struct shadowcopy_exclude *exclude,
		       const char *path, const char *spec, bool recursive)
{
	int rc = SC_SET_TEXT(sc, exclude, path, path);

	exclude->recursive = recursive;
	return rc ?: SC_SET_TEXT(sc, exclude, spec, spec);
}

SC_EXPORT int shadowcopy_metadata_add_exclude(struct shadowcopy *sc,
					      struct shadowcopy_metadata *metadata,
					      const char *path, const char *spec, bool recursive)
{
	struct shadowcopy_exclude *exclude;
	int rc = SC_LIST_ADD(sc, metadata, excludes, &exclude);

	if (rc)
		return rc;
	rc = set_exclude(sc, exclude, path, spec, recursive);
	if (rc)
		SC_LIST_DROP(metadata, excludes);
	return rc;
}

SC_EXPORT int shadowcopy_metadata_add_shadow_exclude(struct shadowcopy *sc,
						     struct shadowcopy_metadata *metadata,
						     const char *path, const char *spec,
						     bool recursive)
{
	struct shadowcopy_exclude *exclude;
	int rc = SC_LIST_ADD(sc, metadata, shadow_excludes, &exclude);

	if (rc)
		return rc;
	rc = set_exclude(sc, exclude, path, spec, recursive);
	if (rc)
		SC_LIST_DROP(metadata, shadow_excludes);
	return rc;
}

static int set_mapping(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
		       struct shadowcopy_mapping *mapping, const char *path, const char *spec,
		       bool recursive, const char *destination)
{
	size_t i;
	int rc = SC_SET_TEXT(sc, mapping, path, path);

	if (!rc)
		rc = SC_SET_TEXT(sc, mapping, spec, spec);
	if (!rc)
		rc = SC_SET_TEXT(sc, mapping, destination, destination);
	if (rc)
		return rc;
	mapping->recursive = recursive;
	if (!has_fileset(metadata, mapping->path, mapping->spec, recursive))
		return mapping_fail(sc, -ENOENT, path, "no component has exactly that file set",
				    "add the component's files first, and give the same path, spec "
				    "and recursive");
	for (i = 0; i < metadata->mapping_count - 1; i++)
		if (same_fileset(metadata->mappings[i], mapping->path, mapping->spec, recursive))
			return mapping_fail(sc, -EEXIST, path, "that file set is mapped already",
					    "map each file set once");
	return 0;
}

SC_EXPORT int shadowcopy_metadata_add_mapping(struct shadowcopy *sc,
					      struct shadowcopy_metadata *metadata,
					      const char *path, const char *spec, bool recursive,
					      const char *destination)
{
	struct shadowcopy_mapping *mapping;
	int rc = SC_LIST_ADD(sc, metadata, mappings, &mapping);

	if (rc)
		return rc;
	rc = set_mapping(sc, metadata, mapping, path, spec, recursive, destination);
	if (rc)
		SC_LIST_DROP(metadata, mappings);
	return rc;
}

static int set_component(struct shadowcopy *sc, struct shadowcopy_component *component,
			 uint32_t type, const char *path, const char *name, const char *caption,
			 uint32_t flags)
{
	int rc = SC_SET_WORD(sc, component, type, type);

	if (!rc)
		rc = SC_SET_TEXT(sc, component, path, path && *path ? path : NULL);
	if (!rc)
		rc = SC_SET_TEXT(sc, component, name, name);
	if (!rc)
		rc = SC_SET_TEXT(sc, component, caption, caption);
	return rc ?: SC_SET_WORD(sc, component, flags, flags);
}

SC_EXPORT int shadowcopy_metadata_add_component(struct shadowcopy *sc,
						struct shadowcopy_metadata *metadata,
						uint32_t type, const char *path, const char *name,
						const char *caption, bool selectable,
						bool restore_selectable, uint32_t flags,
						struct shadowcopy_component **componentp)
{
	struct shadowcopy_component *component;
	int rc;

	if (componentp)
		*componentp = NULL;
	if (name && shadowcopy_metadata_find(metadata, path, name))
		return argument_fail(sc, -EEXIST, "add component", name,
				     "the writer has one of that path and name",
				     "use another name, or another logical path");
	rc = SC_LIST_ADD(sc, metadata, components, &component);
	if (rc)
		return rc;
	rc = set_component(sc, component, type, path, name, caption, flags);
	if (rc) {
		SC_LIST_DROP(metadata, components);
		return rc;
	}
	component->selectable = selectable;
	component->restore_selectable = restore_selectable;
	if (componentp)
		*componentp = component;
	return 0;
}

static int set_fileset(struct shadowcopy *sc, struct shadowcopy_fileset *set, const char *path,
		       const char *spec, bool recursive, const char *alternate, uint32_t needed)
{
	int rc = SC_SET_TEXT(sc, set, path, path);

	set->recursive = recursive;
	if (!rc)
		rc = SC_SET_TEXT(sc, set, spec, spec);
	if (!rc)
		rc = SC_SET_TEXT(sc, set, alternate, alternate);
	return rc ?: SC_SET_WORD(sc, set, needed, needed);
}

/* Append a file set to one of the three lists of a component of that type. */
static int add_fileset(struct shadowcopy *sc, struct shadowcopy_component *component,
		       size_t list, uint32_t type, const char *path, const char *spec,
		       bool recursive, const char *alternate, uint32_t needed)
{
	struct shadowcopy_fileset *set;
	int rc;

	if (component->type != type)
		return argument_fail(sc, -EINVAL, "add files to component", component->name,
				     type == SHADOWCOPY_COMPONENT_DATABASE ? "it is no database" :
									     "it is no file group",
				     "use the function for its type");
	rc = sc_list_add(sc, component, list, (void **)&set);
	if (rc)
		return rc;
	rc = set_fileset(sc, set, path, spec, recursive, alternate, needed);
	if (rc)
		sc_list_drop(component, list);
	return rc;
}

SC_EXPORT int shadowcopy_component_add_files(struct shadowcopy *sc,
					     struct shadowcopy_component *component,
					     const char *path, const char *spec, bool recursive,
					     const char *alternate, uint32_t needed)
{
	return add_fileset(sc, component, offsetof(struct shadowcopy_component, files),
			   SHADOWCOPY_COMPONENT_FILE_GROUP, path, spec, recursive, alternate,
			   needed);
}

SC_EXPORT int shadowcopy_component_add_database(struct shadowcopy *sc,
						struct shadowcopy_component *component,
						const char *path, const char *spec, uint32_t needed)
{
	return add_fileset(sc, component, offsetof(struct shadowcopy_component, databases),
			   SHADOWCOPY_COMPONENT_DATABASE, path, spec, false, NULL, needed);
}

SC_EXPORT int shadowcopy_component_add_log(struct shadowcopy *sc,
					   struct shadowcopy_component *component,
					   const char *path, const char *spec, uint32_t needed)
{
	return add_fileset(sc, component, offsetof(struct shadowcopy_component, logs),
			   SHADOWCOPY_COMPONENT_DATABASE, path, spec, false, NULL, needed);
}

static int set_dependency(struct shadowcopy *sc, struct shadowcopy_dependency *dependency,
			  const char *path, const char *name, const char *host)
{
	int rc = SC_SET_TEXT(sc, dependency, path, path && *path ? path : NULL);

	if (!rc)
		rc = SC_SET_TEXT(sc, dependency, name, name);
	return rc ?: SC_SET_TEXT(sc, dependency, host, host);
}

SC_EXPORT int shadowcopy_component_add_dependency(struct shadowcopy *sc,
						  struct shadowcopy_component *component,
						  const struct shadow_uuid *class_id,
						  const char *path, const char *name,
						  const char *host)
{
	const struct shadowcopy_metadata *metadata = sc_root(component);
	struct shadowcopy_dependency *dependency;
	int rc;

	if (sc_uuid_is_null(class_id) || sc_uuid_equal(class_id, &metadata->class_id))
		return argument_fail(sc, -EINVAL, "add a dependency to component", component->name,
				     "it is not on another writer",
				     "put what one writer has into one component set");
	rc = SC_LIST_ADD(sc, component, dependencies, &dependency);
	if (rc)
		return rc;
	dependency->class_id = *class_id;
	rc = set_dependency(sc, dependency, path, name, host);
	if (rc)
		SC_LIST_DROP(component, dependencies);
	return rc;
}

/* --- loading and saving ------------------------------------------------------------ */

SC_EXPORT int shadowcopy_metadata_load(struct shadowcopy *sc, const void *text, size_t size,
				       const char *label, uint32_t flags,
				       struct shadowcopy_metadata **metadatap)
{
	void *object;
	int rc = sc_document_load(sc, text, size, label, flags, &sc_metadata_type, &object);

	*metadatap = object;
	return rc;
}

SC_EXPORT int shadowcopy_metadata_load_fd(struct shadowcopy *sc, int fd, const char *label,
					  uint32_t flags, struct shadowcopy_metadata **metadatap)
{
	void *object;
	int rc = sc_document_load_fd(sc, fd, label, flags, &sc_metadata_type, &object);

	*metadatap = object;
	return rc;
}

SC_EXPORT int shadowcopy_metadata_save(struct shadowcopy *sc,
				       const struct shadowcopy_metadata *metadata, char **textp,
				       size_t *size)
{
	return sc_document_save(sc, metadata, textp, size);
}

/* --- writers that are no process (C-15) ------------------------------------------------ */

static const char *static_fault(const struct shadowcopy_metadata *metadata)
{
	size_t i;

	if (metadata->participation != SHADOWCOPY_PARTICIPATION_NEVER)
		return "its participation is not \"never\", and nobody could be told of a restore";
	if (metadata->shadow_exclude_count)
		return "it has \"shadow_excludes\"";
	if (metadata->schema & ~SHADOWCOPY_SCHEMA_COPY)
		return "its schema has more than \"copy\"";
	if (metadata->restore_method == SHADOWCOPY_RESTORE_UNDEFINED ||
	    metadata->restore_method == SHADOWCOPY_RESTORE_TO_ALTERNATE ||
	    metadata->restore_method == SHADOWCOPY_RESTORE_CUSTOM)
		return "its restore method is one that a program has to help with";
	for (i = 0; i < metadata->component_count; i++)
		if (metadata->components[i]->flags & ~SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE)
			return "a component of it recovers in the shadow";
	return NULL;
}

SC_EXPORT int shadowcopy_metadata_check_static(struct shadowcopy *sc,
					       const struct shadowcopy_metadata *metadata)
{
	const char *fault = static_fault(metadata);

	if (!fault)
		return 0;
	return SC_FAIL(sc, -EINVAL, .action = "have a writer that is a file",
		       .object = metadata->name, .cause = fault,
		       .remedy = "take that out, or write a program with libshadowcopy-writer.h");
}
