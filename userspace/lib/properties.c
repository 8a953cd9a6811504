// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * properties.c - the functions that change a backup's document (VSS c.6): what is said of all
 * of it, and what is said of a component.
 *
 * Each asks first whether its role may, at its step; what fails has changed nothing.
 */
#include "backup.h"
#include "options.h"

#define TIME_MAX (7258118400LL * 1000000000)	/* the year 2200 */

/* --- the whole backup ------------------------------------------------------------------ */

SC_EXPORT int shadowcopy_backup_set_context(struct shadowcopy *sc,
					    struct shadowcopy_backup *backup, uint32_t context)
{
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_CONTEXT);

	return rc ?: SC_SET_WORD(sc, backup, context, context);
}

SC_EXPORT int shadowcopy_backup_set_state(struct shadowcopy *sc, struct shadowcopy_backup *backup,
					  uint32_t type, bool component_mode, bool bootable,
					  bool partial_files)
{
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_STATE);

	if (!rc && !type)
		rc = SC_FAIL(sc, -EINVAL, .action = "set the state of the backup",
			     .cause = "its type is undefined", .remedy = "choose one");
	if (!rc)
		rc = SC_SET_WORD(sc, backup, type, type);
	if (rc)
		return rc;
	backup->component_mode = component_mode;
	backup->bootable = bootable;
	backup->partial_files = partial_files;
	return 0;
}

SC_EXPORT int shadowcopy_backup_set_restore_type(struct shadowcopy *sc,
						 struct shadowcopy_backup *backup, uint32_t type)
{
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_RESTORE_TYPE);

	return rc ?: SC_SET_WORD(sc, backup, restore_type, type);
}

static int check_time(struct shadowcopy *sc, int64_t time)
{
	if (time >= 0 && time <= TIME_MAX)
		return 0;
	return SC_FAIL(sc, -EINVAL, .action = "set a time",
		       .cause = "it is not between the years 1970 and 2200",
		       .remedy = "give nanoseconds since 1970");
}

SC_EXPORT int shadowcopy_backup_set_set(struct shadowcopy *sc, struct shadowcopy_backup *backup,
					const struct shadow_uuid *set, const char *machine,
					int64_t taken)
{
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_SET);

	if (!rc)
		rc = check_time(sc, taken);
	if (!rc)
		rc = SC_SET_TEXT(sc, backup, machine, machine);
	if (rc)
		return rc;
	backup->set = *set;
	backup->taken = taken;
	return 0;
}

SC_EXPORT int shadowcopy_backup_add_shadow(struct shadowcopy *sc, struct shadowcopy_backup *backup,
					   const struct shadow_uuid *uuid, const char *volume,
					   struct shadow_dev dev, const char *node,
					   struct shadowcopy_backup_shadow **shadowp)
{
	struct shadowcopy_backup_shadow *shadow;
	size_t i;
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_SET);

	if (shadowp)
		*shadowp = NULL;
	if (!rc && sc_uuid_is_null(uuid))
		rc = SC_FAIL(sc, -EINVAL, .action = "add the shadow of", .object = volume,
			     .cause = "its UUID is zero", .remedy = "give that of the shadow");
	if (rc)
		return rc;
	for (i = 0; i < backup->shadow_count; i++)
		if (sc_uuid_equal(&backup->shadows[i]->uuid, uuid))
			return SC_FAIL(sc, -EEXIST, .action = "add the shadow of", .object = volume,
				       .cause = "the document has it already",
				       .remedy = "add each shadow once");
	rc = SC_LIST_ADD(sc, backup, shadows, &shadow);
	if (rc)
		return rc;
	shadow->uuid = *uuid;
	shadow->dev = dev;
	rc = SC_SET_TEXT(sc, shadow, volume, volume);
	if (!rc)
		rc = SC_SET_TEXT(sc, shadow, node, node);
	if (rc) {
		SC_LIST_DROP(backup, shadows);
		return rc;
	}
	if (shadowp)
		*shadowp = shadow;
	return 0;
}

SC_EXPORT int shadowcopy_backup_shadow_set_fs(struct shadowcopy *sc,
					      struct shadowcopy_backup_shadow *shadow,
					      const char *fs_uuid, const char *fs_type)
{
	int rc = sc_may_change(sc, shadow, SHADOWCOPY_PROPERTY_SET);

	return rc ?: sc_set_two_texts(sc, shadow,
				      offsetof(struct shadowcopy_backup_shadow, fs_uuid), fs_uuid,
				      offsetof(struct shadowcopy_backup_shadow, fs_type), fs_type);
}

SC_EXPORT int shadowcopy_backup_shadow_set_provider(struct shadowcopy *sc,
						    struct shadowcopy_backup_shadow *shadow,
						    const struct shadow_uuid *provider,
						    const char *transport)
{
	int rc = sc_may_change(sc, shadow, SHADOWCOPY_PROPERTY_SET);

	if (!rc)
		rc = SC_SET_TEXT(sc, shadow, transport, transport);
	if (!rc)
		shadow->provider = *provider;
	return rc;
}

SC_EXPORT int shadowcopy_backup_shadow_add_mount(struct shadowcopy *sc,
						 struct shadowcopy_backup_shadow *shadow,
						 const char *path)
{
	int rc = sc_may_change(sc, shadow, SHADOWCOPY_PROPERTY_SET);

	return rc ?: sc_texts_add(sc, shadow, offsetof(struct shadowcopy_backup_shadow, mounts),
				  path);
}

SC_EXPORT int shadowcopy_backup_set_completed(struct shadowcopy *sc,
					      struct shadowcopy_backup *backup, int64_t completed)
{
	int rc = sc_may_change(sc, backup, SHADOWCOPY_PROPERTY_COMPLETED);

	if (!rc)
		rc = check_time(sc, completed);
	if (!rc)
		backup->completed = completed;
	return rc;
}

/* --- properties of a component ------------------------------------------------------ */

/* The member of a component that a property is, of a kind; NULL where there is none. */
static const struct sc_field *
property_field(const struct shadowcopy_backup_component *component, uint32_t property, bool text)
{
	const struct sc_type *type = sc_node(component)->type;
	size_t i;

	for (i = 0; i < type->count; i++) {
		const struct sc_field *field = &type->fields[i];
		bool value = field->kind == SC_ENUM || field->kind == SC_BOOL;

		if (field->property == property && (text ? field->kind == SC_TEXT : value))
			return field;
	}
	return NULL;
}

/* These have more than one member, or rules, and functions of their own. */
static bool has_own_function(uint32_t property)
{
	return property == SHADOWCOPY_PROPERTY_COMPONENTS ||
	       property == SHADOWCOPY_PROPERTY_SELECTED ||
	       property == SHADOWCOPY_PROPERTY_ROLL_FORWARD ||
	       property == SHADOWCOPY_PROPERTY_FAILURE;
}

static int property_fail(struct shadowcopy *sc, uint32_t property, const char *cause)
{
	return SC_FAIL(sc, -EINVAL, .action = "change",
		       .object = shadowcopy_property_name(property), .cause = cause,
		       .remedy = "see the header for what it may be, and which function sets it");
}

SC_EXPORT int shadowcopy_backup_component_set_text(struct shadowcopy *sc,
						   struct shadowcopy_backup_component *component,
						   uint32_t property, const char *text)
{
	const struct sc_field *field = property_field(component, property, true);
	int rc;

	if (!field || has_own_function(property))
		return property_fail(sc, property, "it is no text that can be set alone");
	rc = sc_may_change(sc, component, property);
	if (!rc && text && !*text && property == SHADOWCOPY_PROPERTY_RESTORE_NAME)
		rc = property_fail(sc, property, "a name to restore under is not empty");
	if (!rc && text && field->text == SC_TEXT_OPTIONS)
		rc = sc_options_check(sc, text);
	return rc ?: sc_set_text(sc, component, field->offset, text);
}

SC_EXPORT int shadowcopy_backup_component_set_value(struct shadowcopy *sc,
						    struct shadowcopy_backup_component *component,
						    uint32_t property, uint32_t value)
{
	const struct sc_field *field = property_field(component, property, false);
	int rc;

	if (!field || has_own_function(property))
		return property_fail(sc, property, "it is no value that can be set alone");
	rc = sc_may_change(sc, component, property);
	if (rc)
		return rc;
	if (field->kind == SC_ENUM)
		return sc_set_word(sc, component, field->offset, value);
	if (value > 1)
		return property_fail(sc, property, "it is a flag, and neither 0 nor 1");
	*(bool *)((char *)component + field->offset) = value;
	return 0;
}

SC_EXPORT int
shadowcopy_backup_component_set_roll_forward(struct shadowcopy *sc,
					     struct shadowcopy_backup_component *component,
					     uint32_t roll_forward, const char *point)
{
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_ROLL_FORWARD);
	bool partial = roll_forward == SHADOWCOPY_ROLL_FORWARD_PARTIAL;

	if (!rc && partial != !!point)
		rc = property_fail(sc, SHADOWCOPY_PROPERTY_ROLL_FORWARD,
				   "a point goes with a partial one, and only with it");
	if (!rc)
		rc = SC_CHECK_WORD(sc, component, roll_forward, roll_forward);
	if (!rc)
		rc = SC_SET_TEXT(sc, component, roll_forward_point, point);
	if (!rc)
		component->roll_forward = roll_forward;
	return rc;
}

SC_EXPORT int
shadowcopy_backup_component_set_failure(struct shadowcopy *sc,
					struct shadowcopy_backup_component *component,
					uint32_t failure, uint32_t code, const char *text)
{
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_FAILURE);

	if (!rc)
		rc = SC_CHECK_WORD(sc, component, failure, failure);
	if (!rc)
		rc = SC_SET_TEXT(sc, component, failure_text, text);
	if (rc)
		return rc;
	component->failure = failure;
	component->failure_code = code;
	return 0;
}

/* Is the last element of a list the same as one before it? */
static int check_last(struct shadowcopy *sc, const void *component, size_t list,
		      int (*compare)(const void *a, const void *b), const char *action,
		      const char *object)
{
	const struct sc_field *field = sc_field_at(component, list);
	size_t i, last = sc_list_count(component, field) - 1;
	const void *added = sc_list_get(component, field, last), *other;

	for (i = 0; i < last; i++) {
		other = sc_list_get(component, field, i);
		if (!compare(&added, &other))
			return SC_FAIL(sc, -EEXIST, .action = action, .object = object,
				       .cause = "the component has it already",
				       .remedy = "add it once");
	}
	return 0;
}

#define CHECK_LAST(sc, component, list, compare, action, object) \
	check_last((sc), (component), offsetof(struct shadowcopy_backup_component, list), \
		   (compare), (action), (object))

static int set_partial(struct shadowcopy *sc, struct shadowcopy_partial_file *file,
		       const char *path, const char *name, const char *ranges,
		       const char *metadata)
{
	int rc = SC_SET_TEXT(sc, file, path, path);

	if (!rc)
		rc = SC_SET_TEXT(sc, file, name, name);
	if (!rc)
		rc = SC_SET_TEXT(sc, file, ranges, ranges);
	return rc ?: SC_SET_TEXT(sc, file, metadata, metadata);
}

SC_EXPORT int
shadowcopy_backup_component_add_partial(struct shadowcopy *sc,
					struct shadowcopy_backup_component *component,
					const char *path, const char *name, const char *ranges,
					const char *metadata)
{
	const struct shadowcopy_backup *backup = sc_root(component);
	struct shadowcopy_partial_file *file;
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_PARTIAL_FILES);

	if (rc)
		return rc;
	if (!backup->partial_files)
		return SC_FAIL(sc, -EINVAL, .action = "add a partial file to",
			       .object = component->name,
			       .cause = "the requester cannot back up parts of files",
			       .remedy = "have whole files backed up");
	rc = SC_LIST_ADD(sc, component, partial_files, &file);
	if (rc)
		return rc;
	rc = set_partial(sc, file, path, name, ranges, metadata);
	if (!rc)
		rc = CHECK_LAST(sc, component, partial_files, sc_by_partial_file,
				"add partial file", name);
	if (rc)
		SC_LIST_DROP(component, partial_files);
	return rc;
}

/* A path of the document, and one that may have a '/' at its end. */
static bool same_path(const char *normal, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	if (length > 1 && path[length - 1] == '/')
		length--;
	return length && strlen(normal) == length && !memcmp(normal, path, length);
}

static struct shadowcopy_partial_file *
find_partial(const struct shadowcopy_backup_component *component, const char *path,
	     const char *name)
{
	size_t i;

	for (i = 0; i < component->partial_file_count; i++)
		if (same_path(component->partial_files[i]->path, path) && name &&
		    !strcmp(component->partial_files[i]->name, name))
			return component->partial_files[i];
	return NULL;
}

SC_EXPORT int
shadowcopy_backup_component_set_ranges_path(struct shadowcopy *sc,
					    struct shadowcopy_backup_component *component,
					    const char *path, const char *name,
					    const char *ranges_path)
{
	struct shadowcopy_partial_file *file = find_partial(component, path, name);
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_RANGES_PATH);

	if (rc)
		return rc;
	if (!file)
		return SC_FAIL(sc, -ENOENT, .action = "move the ranges of", .object = name,
			       .cause = "the component has no such partial file",
			       .remedy = "name it as it is in the document");
	return SC_SET_TEXT(sc, file, ranges_path, ranges_path);
}

static int set_differenced(struct shadowcopy *sc, struct shadowcopy_differenced_file *file,
			   const char *path, const char *spec)
{
	int rc = SC_SET_TEXT(sc, file, path, path);

	return rc ?: SC_SET_TEXT(sc, file, spec, spec);
}

SC_EXPORT int
shadowcopy_backup_component_add_differenced(struct shadowcopy *sc,
					    struct shadowcopy_backup_component *component,
					    const char *path, const char *spec, bool recursive,
					    int64_t modified)
{
	struct shadowcopy_differenced_file *file;
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_DIFFERENCED_FILES);

	if (!rc)
		rc = check_time(sc, modified);
	if (rc)
		return rc;
	rc = SC_LIST_ADD(sc, component, differenced_files, &file);
	if (rc)
		return rc;
	file->recursive = recursive;
	file->modified = modified;
	rc = set_differenced(sc, file, path, spec);
	if (!rc)
		rc = CHECK_LAST(sc, component, differenced_files, sc_by_differenced,
				"add differenced files", spec);
	if (rc)
		SC_LIST_DROP(component, differenced_files);
	return rc;
}

static int set_directed(struct shadowcopy *sc, struct shadowcopy_directed_target *target,
			const char *path, const char *name, const char *ranges,
			const char *destination_path, const char *destination_name,
			const char *destination_ranges)
{
	int rc = SC_SET_TEXT(sc, target, path, path);

	if (!rc)
		rc = SC_SET_TEXT(sc, target, name, name);
	if (!rc)
		rc = SC_SET_TEXT(sc, target, ranges, ranges);
	if (!rc)
		rc = SC_SET_TEXT(sc, target, destination_path, destination_path);
	if (!rc)
		rc = SC_SET_TEXT(sc, target, destination_name, destination_name);
	if (!rc)
		rc = SC_SET_TEXT(sc, target, destination_ranges, destination_ranges);
	return rc ?: sc_check_directed(sc, target);
}

SC_EXPORT int
shadowcopy_backup_component_add_directed(struct shadowcopy *sc,
					 struct shadowcopy_backup_component *component,
					 const char *path, const char *name, const char *ranges,
					 const char *destination_path,
					 const char *destination_name,
					 const char *destination_ranges)
{
	struct shadowcopy_directed_target *target;
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_DIRECTED_TARGETS);

	if (!rc)
		rc = SC_LIST_ADD(sc, component, directed_targets, &target);
	if (rc)
		return rc;
	rc = set_directed(sc, target, path, name, ranges, destination_path, destination_name,
			  destination_ranges);
	if (rc)
		SC_LIST_DROP(component, directed_targets);
	return rc;
}

static int set_target(struct shadowcopy *sc, struct shadowcopy_target *target, const char *path,
		      const char *spec, bool recursive, const char *destination)
{
	int rc = SC_SET_TEXT(sc, target, path, path);

	target->recursive = recursive;
	if (!rc)
		rc = SC_SET_TEXT(sc, target, spec, spec);
	return rc ?: SC_SET_TEXT(sc, target, destination, destination);
}

/* Has what is in the backup by an entry exactly this file set? */
static bool entry_has(const struct shadowcopy_backup_component *entry,
		      const struct shadowcopy_metadata *metadata,
		      const struct shadowcopy_target *target)
{
	struct shadowcopy_backup_component *by;
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		if (!sc_component_has(metadata->components[i], target->path, target->spec,
				      target->recursive))
			continue;
		shadowcopy_backup_inclusion(sc_root(entry), metadata, metadata->components[i], &by);
		if (by == entry)
			return true;
	}
	return false;
}

/* Add to one of the two lists of targets. */
static int add_target(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
		      const struct shadowcopy_metadata *metadata, size_t list,
		      const char *path, const char *spec, bool recursive, const char *destination)
{
	static const char action[] = "add a target of file set";
	struct shadowcopy_target *target;
	int rc = sc_check_metadata(sc, component, metadata);

	if (!rc)
		rc = sc_list_add(sc, component, list, (void **)&target);
	if (rc)
		return rc;
	rc = set_target(sc, target, path, spec, recursive, destination);
	if (!rc)
		rc = check_last(sc, component, list, sc_by_target, action, path);
	if (!rc && !entry_has(component, metadata, target))
		rc = SC_FAIL(sc, -ENOENT, .action = action, .object = path,
			     .cause = "neither the component nor one that comes with it has "
			     "exactly that",
			     .remedy = "give path, spec and recursive as the metadata has them");
	if (rc)
		sc_list_drop(component, list);
	return rc;
}

SC_EXPORT int
shadowcopy_backup_component_add_new_target(struct shadowcopy *sc,
					   struct shadowcopy_backup_component *component,
					   const struct shadowcopy_metadata *metadata,
					   const char *path, const char *spec, bool recursive,
					   const char *destination)
{
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_NEW_TARGETS);

	if (rc)
		return rc;
	if (!(metadata->schema & SHADOWCOPY_SCHEMA_NEW_TARGET))
		return SC_FAIL(sc, -EOPNOTSUPP, .action = "restore elsewhere",
			       .object = component->name,
			       .cause = "its writer does not offer new targets",
			       .remedy = "restore it to its own place, and move it afterwards");
	return add_target(sc, component, metadata,
			  offsetof(struct shadowcopy_backup_component, new_targets), path, spec,
			  recursive, destination);
}

SC_EXPORT int
shadowcopy_backup_component_add_alternate_used(struct shadowcopy *sc,
					       struct shadowcopy_backup_component *component,
					       const struct shadowcopy_metadata *metadata,
					       const char *path, const char *spec, bool recursive,
					       const char *destination)
{
	int rc = sc_may_change(sc, component, SHADOWCOPY_PROPERTY_ALTERNATES_USED);

	return rc ?: add_target(sc, component, metadata,
				offsetof(struct shadowcopy_backup_component, alternates_used),
				path, spec, recursive, destination);
}
