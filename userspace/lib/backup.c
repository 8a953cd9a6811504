// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * backup.c - the backup components document (VSS f.6, c.6): its tables and rules, from its
 * beginning to its end, and the merge of a copy that came back from the other side.
 *
 * Requester and writers share the document, and each property belongs to one of them, at
 * certain steps of the session.  Everything that changes the document asks whether that may
 * be (windows.c): the setters (properties.c), and the merge.
 */
#include <time.h>

#include "backup.h"
#include "options.h"
#include "ranges.h"

/* --- words ------------------------------------------------------------------- */

static const struct sc_word modes[] = {
	{ SHADOWCOPY_MODE_BACKUP, "backup" },
	{ SHADOWCOPY_MODE_RESTORE, "restore" },
	{ 0, NULL }
};

static const struct sc_word backup_types[] = {
	{ SHADOWCOPY_TYPE_FULL, "full" },
	{ SHADOWCOPY_TYPE_COPY, "copy" },
	{ SHADOWCOPY_TYPE_INCREMENTAL, "incremental" },
	{ SHADOWCOPY_TYPE_DIFFERENTIAL, "differential" },
	{ SHADOWCOPY_TYPE_LOG, "log" },
	{ SHADOWCOPY_TYPE_OTHER, "other" },
	{ 0, NULL }
};

static const struct sc_word restore_types[] = {
	{ SHADOWCOPY_RESTORE_TYPE_COPY, "copy" },
	{ SHADOWCOPY_RESTORE_TYPE_IMPORT, "import" },
	{ SHADOWCOPY_RESTORE_TYPE_OTHER, "other" },
	{ 0, NULL }
};

static const struct sc_word component_types[] = {
	{ SHADOWCOPY_COMPONENT_DATABASE, "database" },
	{ SHADOWCOPY_COMPONENT_FILE_GROUP, "file-group" },
	{ 0, NULL }
};

static const struct sc_word targets[] = {
	{ SHADOWCOPY_TARGET_ORIGINAL, "original" },
	{ SHADOWCOPY_TARGET_ALTERNATE, "alternate" },
	{ SHADOWCOPY_TARGET_DIRECTED, "directed" },
	{ SHADOWCOPY_TARGET_ORIGINAL_LOCATION, "original-location" },
	{ 0, NULL }
};

static const struct sc_word statuses[] = {
	{ SHADOWCOPY_STATUS_NONE, "none" },
	{ SHADOWCOPY_STATUS_ALL, "all" },
	{ SHADOWCOPY_STATUS_FAILED, "failed" },
	{ 0, NULL }
};

static const struct sc_word roll_forwards[] = {
	{ SHADOWCOPY_ROLL_FORWARD_NONE, "none" },
	{ SHADOWCOPY_ROLL_FORWARD_ALL, "all" },
	{ SHADOWCOPY_ROLL_FORWARD_PARTIAL, "partial" },
	{ 0, NULL }
};

static const struct sc_word successes[] = {
	{ SHADOWCOPY_SUCCESS_NO, "no" },
	{ SHADOWCOPY_SUCCESS_YES, "yes" },
	{ 0, NULL }
};

static const struct sc_word failures[] = {
	{ SHADOWCOPY_FAILURE_NONE, "none" },
	{ SHADOWCOPY_FAILURE_INCONSISTENT, "inconsistent" },
	{ SHADOWCOPY_FAILURE_RESOURCES, "out-of-resources" },
	{ SHADOWCOPY_FAILURE_TIMEOUT, "timeout" },
	{ SHADOWCOPY_FAILURE_RETRYABLE, "retryable" },
	{ SHADOWCOPY_FAILURE_NONRETRYABLE, "non-retryable" },
	{ SHADOWCOPY_FAILURE_RECOVERY, "recovery-failed" },
	{ SHADOWCOPY_FAILURE_PARTIAL, "partial" },
	{ 0, NULL }
};

/* --- tables ------------------------------------------------------------------ */

/* Shorthand: each member here belongs to a property. */
#define P(name) .property = SHADOWCOPY_PROPERTY_ ## name

static const struct sc_field shadow_fields[] = {
	SC_FIELD(shadowcopy_backup_shadow, uuid, SC_UUID, .required = true),
	SC_FIELD(shadowcopy_backup_shadow, volume, SC_TEXT, .required = true,
		 .text = SC_TEXT_PATH, .what = "device of the volume"),
	SC_FIELD(shadowcopy_backup_shadow, dev, SC_DEV, .what = "its number at that time"),
	SC_FIELD(shadowcopy_backup_shadow, node, SC_TEXT, .text = SC_TEXT_PATH,
		 .what = "device of the shadow"),
	SC_FIELD(shadowcopy_backup_shadow, fs_uuid, SC_TEXT, .text = SC_TEXT_NAME,
		 .what = "UUID of the volume's filesystem, as that writes it"),
	SC_FIELD(shadowcopy_backup_shadow, fs_type, SC_TEXT, .text = SC_TEXT_NAME),
	{ .name = "mounts", .kind = SC_TEXTS, .text = SC_TEXT_PATH, .max = 4096,
	  .offset = offsetof(struct shadowcopy_backup_shadow, mounts),
	  .count = offsetof(struct shadowcopy_backup_shadow, mount_count),
	  .what = "where the volume was mounted" },
	SC_FIELD(shadowcopy_backup_shadow, provider, SC_UUID,
		 .what = "who made the shadow; the module where it is not there"),
	SC_FIELD(shadowcopy_backup_shadow, transport, SC_TEXT, .text = SC_TEXT_OPAQUE,
		 .what = "how another machine gets the shadow, in the provider's own words"),
};

static const struct sc_type shadow_type = {
	.name = "shadow", .size = sizeof(struct shadowcopy_backup_shadow),
	SC_FIELDS(shadow_fields),
};

static const struct sc_field partial_fields[] = {
	SC_FIELD(shadowcopy_partial_file, path, SC_TEXT, .required = true, .text = SC_TEXT_PATH,
		 .what = "directory of the file"),
	SC_FIELD(shadowcopy_partial_file, name, SC_TEXT, .required = true, .text = SC_TEXT_FILE),
	SC_FIELD(shadowcopy_partial_file, ranges, SC_TEXT, .required = true,
		 .text = SC_TEXT_RANGES,
		 .what = "\"offset:length,...\", or the path of a file with ranges"),
	SC_FIELD(shadowcopy_partial_file, metadata, SC_TEXT, .text = SC_TEXT_OPAQUE,
		 .what = "the writer's own"),
	SC_FIELD(shadowcopy_partial_file, ranges_path, SC_TEXT, .text = SC_TEXT_PATH,
		 P(RANGES_PATH), .what = "where the file with ranges is at a restore"),
};

static const struct sc_type partial_type = {
	.name = "partial_file", .size = sizeof(struct shadowcopy_partial_file),
	SC_FIELDS(partial_fields),
};

static const struct sc_field differenced_fields[] = {
	SC_FIELD(shadowcopy_differenced_file, path, SC_TEXT, .required = true,
		 .text = SC_TEXT_DIRECTORY, .what = "directory"),
	SC_FIELD(shadowcopy_differenced_file, spec, SC_TEXT, .required = true,
		 .text = SC_TEXT_SPEC, .what = "names in the directory, with ? and *"),
	SC_FIELD(shadowcopy_differenced_file, recursive, SC_BOOL,
		 .what = "also in all directories below"),
	SC_FIELD(shadowcopy_differenced_file, modified, SC_TIME,
		 .what = "what was modified after this is backed up; the requester knows where "
		 "this is not there"),
};

static const struct sc_type differenced_type = {
	.name = "differenced_file", .size = sizeof(struct shadowcopy_differenced_file),
	SC_FIELDS(differenced_fields),
};

static const struct sc_field directed_fields[] = {
	SC_FIELD(shadowcopy_directed_target, path, SC_TEXT, .required = true,
		 .text = SC_TEXT_PATH, .what = "directory of the backed up file"),
	SC_FIELD(shadowcopy_directed_target, name, SC_TEXT, .required = true,
		 .text = SC_TEXT_FILE),
	SC_FIELD(shadowcopy_directed_target, ranges, SC_TEXT, .required = true,
		 .text = SC_TEXT_RANGES),
	SC_FIELD(shadowcopy_directed_target, destination_path, SC_TEXT, .required = true,
		 .text = SC_TEXT_PATH, .what = "directory of the file to write"),
	SC_FIELD(shadowcopy_directed_target, destination_name, SC_TEXT, .required = true,
		 .text = SC_TEXT_FILE),
	SC_FIELD(shadowcopy_directed_target, destination_ranges, SC_TEXT, .required = true,
		 .text = SC_TEXT_RANGES, .what = "as many, of the same lengths"),
};

static const struct sc_type directed_type = {
	.name = "directed_target", .size = sizeof(struct shadowcopy_directed_target),
	SC_FIELDS(directed_fields),
};

static const struct sc_field target_fields[] = {
	SC_FIELD(shadowcopy_target, path, SC_TEXT, .required = true, .text = SC_TEXT_DIRECTORY,
		 .what = "of a file set of the component, or of one below it"),
	SC_FIELD(shadowcopy_target, spec, SC_TEXT, .required = true, .text = SC_TEXT_SPEC),
	SC_FIELD(shadowcopy_target, recursive, SC_BOOL),
	SC_FIELD(shadowcopy_target, destination, SC_TEXT, .required = true, .text = SC_TEXT_PATH),
};

static const struct sc_type target_type = {
	.name = "target", .size = sizeof(struct shadowcopy_target), SC_FIELDS(target_fields),
};

static const struct sc_field subcomponent_fields[] = {
	SC_FIELD(shadowcopy_subcomponent, path, SC_TEXT, .text = SC_TEXT_LOGICAL),
	SC_FIELD(shadowcopy_subcomponent, name, SC_TEXT, .required = true, .text = SC_TEXT_NAME),
};

static const struct sc_type subcomponent_type = {
	.name = "subcomponent", .size = sizeof(struct shadowcopy_subcomponent),
	SC_FIELDS(subcomponent_fields),
};

#define COMPONENT(member, kind, ...) \
	SC_FIELD(shadowcopy_backup_component, member, kind, __VA_ARGS__)
#define COMPONENT_TEXT(member, kind, ...) \
	COMPONENT(member, SC_TEXT, .text = SC_TEXT_ ## kind, __VA_ARGS__)
#define COMPONENT_LIST(member, counter, type, ...) \
	SC_LIST_FIELD(shadowcopy_backup_component, member, counter, &(type), __VA_ARGS__)

static const struct sc_field component_fields[] = {
	COMPONENT(type, SC_ENUM, P(COMPONENTS), .required = true, .words = component_types),
	COMPONENT_TEXT(path, LOGICAL, P(COMPONENTS), .what = "logical path"),
	COMPONENT_TEXT(name, NAME, P(COMPONENTS), .required = true),
	COMPONENT_TEXT(backup_options, OPAQUE, P(BACKUP_OPTIONS), .what = "requester to writer"),
	COMPONENT_TEXT(restore_options, OPTIONS, P(RESTORE_OPTIONS),
		       .what = "requester to writer; \"Sub/Path\":\"Name\"=\"Value\",..."),
	COMPONENT_TEXT(backup_metadata, OPAQUE, P(BACKUP_METADATA),
		       .what = "writer to itself, at a restore"),
	COMPONENT_TEXT(restore_metadata, OPAQUE, P(RESTORE_METADATA),
		       .what = "writer to itself, within a restore"),
	COMPONENT_TEXT(backup_stamp, OPAQUE, P(BACKUP_STAMP),
		       .what = "the writer's mark of this backup"),
	COMPONENT_TEXT(previous_stamp, OPAQUE, P(PREVIOUS_STAMP),
		       .what = "the mark of the backup that this one builds on"),
	COMPONENT_LIST(partial_files, partial_file_count, partial_type, P(PARTIAL_FILES),
		       .max = 4096),
	COMPONENT_LIST(differenced_files, differenced_file_count, differenced_type,
		       P(DIFFERENCED_FILES), .max = 4096),
	COMPONENT(restore_target, SC_ENUM, P(RESTORE_TARGET), .words = targets),
	COMPONENT_LIST(directed_targets, directed_target_count, directed_type,
		       P(DIRECTED_TARGETS), .max = 4096),
	COMPONENT_LIST(new_targets, new_target_count, target_type, P(NEW_TARGETS), .max = 4096),
	COMPONENT_LIST(alternates_used, alternate_used_count, target_type, P(ALTERNATES_USED),
		       .max = 4096),
	COMPONENT(selected, SC_BOOL, P(SELECTED), .what = "to be restored"),
	COMPONENT(restore_instance, SC_UUID, P(SELECTED),
		  .what = "another instance of the writer that gets it"),
	COMPONENT_LIST(restore_subcomponents, restore_subcomponent_count, subcomponent_type,
		       P(RESTORE_SUBCOMPONENTS), .max = 4096, .what = "restore only these of it"),
	COMPONENT(additional_restores, SC_BOOL, P(ADDITIONAL_RESTORES),
		  .what = "more restores follow: wait with recovery"),
	COMPONENT(backup_succeeded, SC_ENUM, P(BACKUP_SUCCEEDED), .words = successes),
	COMPONENT(file_restore_status, SC_ENUM, P(FILE_RESTORE_STATUS), .words = statuses),
	COMPONENT_TEXT(prepare_backup_failure, OPAQUE, P(PREPARE_BACKUP_FAILURE)),
	COMPONENT_TEXT(post_snapshot_failure, OPAQUE, P(POST_SNAPSHOT_FAILURE)),
	COMPONENT_TEXT(pre_restore_failure, OPAQUE, P(PRE_RESTORE_FAILURE)),
	COMPONENT_TEXT(post_restore_failure, OPAQUE, P(POST_RESTORE_FAILURE)),
	COMPONENT(authoritative, SC_BOOL, P(AUTHORITATIVE),
		  .what = "what is restored wins over replicas"),
	COMPONENT(roll_forward, SC_ENUM, P(ROLL_FORWARD), .words = roll_forwards),
	COMPONENT_TEXT(roll_forward_point, OPAQUE, P(ROLL_FORWARD),
		       .what = "to where, in the writer's own words"),
	COMPONENT_TEXT(restore_name, LOGICAL, P(RESTORE_NAME),
		       .what = "restore under this logical path and name"),
	COMPONENT(failure, SC_ENUM, P(FAILURE), .words = failures),
	COMPONENT(failure_code, SC_NUMBER, P(FAILURE), .what = "the writer's own number"),
	COMPONENT_TEXT(failure_text, OPAQUE, P(FAILURE)),
};

static const struct sc_type component_type = {
	.name = "component", .size = sizeof(struct shadowcopy_backup_component),
	SC_FIELDS(component_fields),
};

static const struct sc_field writer_fields[] = {
	SC_FIELD(shadowcopy_backup_writer, class_id, SC_UUID, .required = true),
	SC_FIELD(shadowcopy_backup_writer, instance_id, SC_UUID, .required = true),
	SC_FIELD(shadowcopy_backup_writer, name, SC_TEXT, .required = true, .text = SC_TEXT_NAME),
	SC_FIELD(shadowcopy_backup_writer, instance_name, SC_TEXT, .text = SC_TEXT_NAME),
	SC_FIELD(shadowcopy_backup_writer, privileged, SC_BOOL, .what = "it was root's"),
	SC_FIELD(shadowcopy_backup_writer, uid, SC_NUMBER, .what = "else whose it was"),
	SC_LIST_FIELD(shadowcopy_backup_writer, components, component_count, &component_type,
		      .required = true, .max = 4096, .what = "those that were chosen by name"),
};

static const struct sc_type writer_type = {
	.name = "writer", .size = sizeof(struct shadowcopy_backup_writer),
	SC_FIELDS(writer_fields),
};

static const struct sc_field backup_fields[] = {
	SC_FIELD(shadowcopy_backup, mode, SC_ENUM, .required = true, .words = modes),
	SC_FIELD(shadowcopy_backup, session, SC_UUID, .required = true),
	SC_FIELD(shadowcopy_backup, context, SC_ENUM, P(CONTEXT), .words = sc_contexts),
	SC_FIELD(shadowcopy_backup, set, SC_UUID, P(SET), .what = "the shadow set"),
	SC_FIELD(shadowcopy_backup, machine, SC_TEXT, P(SET), .text = SC_TEXT_HOST),
	SC_FIELD(shadowcopy_backup, created, SC_TIME),
	SC_FIELD(shadowcopy_backup, taken, SC_TIME, P(SET), .what = "the instant of the set"),
	SC_FIELD(shadowcopy_backup, completed, SC_TIME, P(COMPLETED)),
	SC_LIST_FIELD(shadowcopy_backup, shadows, shadow_count, &shadow_type, P(SET),
		      .max = 4096),
	SC_FIELD(shadowcopy_backup, type, SC_ENUM, P(STATE), .words = backup_types),
	SC_FIELD(shadowcopy_backup, component_mode, SC_BOOL, P(STATE),
		 .what = "components were chosen, rather than volumes"),
	SC_FIELD(shadowcopy_backup, bootable, SC_BOOL, P(STATE)),
	SC_FIELD(shadowcopy_backup, partial_files, SC_BOOL, P(STATE),
		 .what = "writers may name parts of files"),
	SC_FIELD(shadowcopy_backup, restore_type, SC_ENUM, P(RESTORE_TYPE),
		 .words = restore_types),
	SC_LIST_FIELD(shadowcopy_backup, writers, writer_count, &writer_type, P(COMPONENTS),
		      .max = 1024),
};

static int backup_check(struct shadowcopy *sc, const void *object);

const struct sc_type sc_backup_type = {
	.name = "backup", .size = sizeof(struct shadowcopy_backup), SC_FIELDS(backup_fields),
	.check = backup_check, .format = "shadowcopy-backup-components", .major = 1, .minor = 0,
	.title = "backup components",
};

/* --- rules --------------------------------------------------------------------- */

static int rule_fail(struct shadowcopy *sc, const char *object, const char *cause,
		     const char *remedy)
{
	return SC_FAIL(sc, -EINVAL, .action = "accept the backup components of", .object = object,
		       .cause = cause, .remedy = remedy);
}

int sc_check_directed(struct shadowcopy *sc, const struct shadowcopy_directed_target *target)
{
	const char *fault = sc_ranges_pair_fault(target->ranges, target->destination_ranges);

	return fault ? rule_fail(sc, target->name, fault,
				 "give as many destination ranges, of the same lengths") : 0;
}

int sc_by_partial_file(const void *a, const void *b)
{
	const struct shadowcopy_partial_file *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path, (*y)->path);

	return rc ?: strcmp((*x)->name, (*y)->name);
}

int sc_by_differenced(const void *a, const void *b)
{
	const struct shadowcopy_differenced_file *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path, (*y)->path);

	rc = rc ?: strcmp((*x)->spec, (*y)->spec);
	return rc ?: (*x)->recursive - (*y)->recursive;
}

int sc_by_target(const void *a, const void *b)
{
	const struct shadowcopy_target *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path, (*y)->path);

	rc = rc ?: strcmp((*x)->spec, (*y)->spec);
	return rc ?: (*x)->recursive - (*y)->recursive;
}

/* Nothing is in one of the lists of a component twice. */
static int check_lists(struct shadowcopy *sc, const struct shadowcopy_backup_component *c)
{
	const struct {
		const void *elements;
		size_t count;
		int (*compare)(const void *a, const void *b);
		const char *cause;
	} lists[] = {
		{ c->partial_files, c->partial_file_count, sc_by_partial_file,
		  "a partial file is there twice" },
		{ c->differenced_files, c->differenced_file_count, sc_by_differenced,
		  "differenced files are there twice" },
		{ c->new_targets, c->new_target_count, sc_by_target,
		  "a new target is there twice" },
		{ c->alternates_used, c->alternate_used_count, sc_by_target,
		  "an alternate location is there twice" },
	};
	const void *twin;
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_SIZE(lists) && !rc; i++) {
		rc = sc_list_twin(sc, lists[i].elements, lists[i].count, lists[i].compare, &twin);
		if (!rc && twin)
			rc = rule_fail(sc, c->name, lists[i].cause, "remove one of them");
	}
	return rc;
}

static int check_component(struct shadowcopy *sc,
			   const struct shadowcopy_backup_component *component)
{
	bool point = component->roll_forward == SHADOWCOPY_ROLL_FORWARD_PARTIAL;
	size_t i;
	int rc;

	if (point != !!component->roll_forward_point)
		return rule_fail(sc, component->name,
				 "a point to roll forward to goes with \"partial\", and only with it",
				 "give both, or neither");
	if (component->restore_name && !*component->restore_name)
		return rule_fail(sc, component->name, "its name to restore under is empty",
				 "leave it out");
	rc = component->restore_options ? sc_options_check(sc, component->restore_options) : 0;
	if (!rc)
		rc = check_lists(sc, component);
	for (i = 0; i < component->directed_target_count && !rc; i++)
		rc = sc_check_directed(sc, component->directed_targets[i]);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct shadowcopy_backup_component *const *x = a, *const *y = b;
	int rc = strcmp((*x)->path ?: "", (*y)->path ?: "");

	return rc ?: strcmp((*x)->name, (*y)->name);
}

/* A writer's components by name, to be freed; NULL: there are none, or there is no memory. */
static struct shadowcopy_backup_component **
sort_components(const struct shadowcopy_backup_writer *writer)
{
	size_t bytes = writer->component_count * sizeof(void *);
	struct shadowcopy_backup_component **sorted = bytes ? malloc(bytes) : NULL;

	if (!sorted)
		return NULL;
	memcpy(sorted, writer->components, bytes);
	qsort(sorted, writer->component_count, sizeof(*sorted), by_name);
	return sorted;
}

/*
 * The components of a writer, to look for those of another copy of it.  As a rule they are in the
 * same order, else they are sorted once: there can be thousands.
 */
struct twins {
	const struct shadowcopy_backup_writer *writer;
	struct shadowcopy_backup_component **sorted;
	size_t count;
};

static void twins_clear(struct twins *twins)
{
	free(twins->sorted);
	twins->sorted = NULL;
}

/* The one that is called as @component, the @i-th of its writer; what is added meanwhile is not. */
static struct shadowcopy_backup_component *
find_twin(struct twins *twins, size_t i, struct shadowcopy_backup_component *component)
{
	const struct shadowcopy_backup_writer *writer = twins->writer;
	struct shadowcopy_backup_component **found;

	if (i < writer->component_count && !by_name(&writer->components[i], &component))
		return writer->components[i];
	if (!twins->sorted) {
		twins->count = writer->component_count;
		twins->sorted = sort_components(writer);
	}
	if (!twins->sorted)
		return shadowcopy_backup_find(writer, component->path, component->name);
	found = bsearch(&component, twins->sorted, twins->count, sizeof(*twins->sorted), by_name);
	return found ? *found : NULL;
}

static int check_names(struct shadowcopy *sc, const struct shadowcopy_backup_writer *writer)
{
	const struct shadowcopy_backup_component *component;
	const void *twin;
	int rc = sc_list_twin(sc, writer->components, writer->component_count, by_name, &twin);

	component = twin;
	if (!rc && component)
		rc = rule_fail(sc, component->name, "it is there twice", "remove one of them");
	return rc;
}

static int check_writer(struct shadowcopy *sc, const struct shadowcopy_backup *backup, size_t i)
{
	const struct shadowcopy_backup_writer *writer = backup->writers[i];
	size_t j;
	int rc;

	for (j = 0; j < i; j++)
		if (sc_uuid_equal(&backup->writers[j]->instance_id, &writer->instance_id))
			return rule_fail(sc, writer->name, "the instance is there twice",
					 "put its components together");
	if (writer->privileged && writer->uid)
		return rule_fail(sc, writer->name, "it is root's and another user's",
				 "leave one of privileged and uid out");
	rc = check_names(sc, writer);
	for (j = 0; j < writer->component_count && !rc; j++)
		rc = check_component(sc, writer->components[j]);
	return rc;
}

static int backup_check(struct shadowcopy *sc, const void *object)
{
	const struct shadowcopy_backup *backup = object;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < backup->shadow_count; i++)
		for (j = 0; j < i; j++)
			if (sc_uuid_equal(&backup->shadows[i]->uuid, &backup->shadows[j]->uuid))
				return rule_fail(sc, backup->shadows[i]->volume,
						 "its shadow is there twice", "remove one of them");
	for (i = 0; i < backup->writer_count && !rc; i++)
		rc = check_writer(sc, backup, i);
	return rc;
}

/* --- the document ---------------------------------------------------------------- */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

SC_EXPORT int shadowcopy_backup_new(struct shadowcopy *sc, const struct shadow_uuid *session,
				    struct shadowcopy_backup **backupp)
{
	struct shadowcopy_backup *backup;

	*backupp = NULL;
	if (sc_uuid_is_null(session))
		return SC_FAIL(sc, -EINVAL, .action = "begin the backup components",
			       .cause = "the UUID of the session is zero",
			       .remedy = "make a new one");
	backup = sc_node_new(&sc_backup_type, NULL);
	if (!backup)
		return SC_FAIL(sc, -ENOMEM, .action = "begin the backup components");
	backup->mode = SHADOWCOPY_MODE_BACKUP;
	backup->session = *session;
	backup->created = now();
	sc_node(backup)->role = SHADOWCOPY_ROLE_REQUESTER;
	*backupp = backup;
	return 0;
}

SC_EXPORT void shadowcopy_backup_free(struct shadowcopy_backup *backup)
{
	sc_node_free(backup);
}

static bool is_restore(const struct shadowcopy_backup *backup)
{
	return backup->mode == SHADOWCOPY_MODE_RESTORE;
}

static void begin(struct shadowcopy_backup *backup)
{
	struct sc_node *node;

	if (!backup)
		return;
	node = sc_node(backup);
	node->role = SHADOWCOPY_ROLE_REQUESTER;
	node->step = is_restore(backup) ? SHADOWCOPY_STEP_RESTORE_INIT : SHADOWCOPY_STEP_INIT;
}

SC_EXPORT int shadowcopy_backup_load(struct shadowcopy *sc, const void *text, size_t size,
				     const char *label, uint32_t flags,
				     struct shadowcopy_backup **backupp)
{
	void *object;
	int rc = sc_document_load(sc, text, size, label, flags, &sc_backup_type, &object);

	*backupp = object;
	begin(*backupp);
	return rc;
}

SC_EXPORT int shadowcopy_backup_load_fd(struct shadowcopy *sc, int fd, const char *label,
					uint32_t flags, struct shadowcopy_backup **backupp)
{
	void *object;
	int rc = sc_document_load_fd(sc, fd, label, flags, &sc_backup_type, &object);

	*backupp = object;
	begin(*backupp);
	return rc;
}

SC_EXPORT int shadowcopy_backup_save(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				     char **textp, size_t *size)
{
	return sc_document_save(sc, backup, textp, size);
}

/* Is it a property that only a restore sets, or what a handler said that is long over? */
static bool is_forgotten(uint32_t property)
{
	return property == SHADOWCOPY_PROPERTY_FAILURE || sc_of_restore(property);
}

/* What the members of a structure are that has just been made: takes no memory. */
static void forget(void *object, const void *fresh)
{
	const struct sc_type *type = sc_node(object)->type;
	size_t i;

	for (i = 0; i < type->count; i++)
		if (is_forgotten(type->fields[i].property))
			sc_field_copy(&type->fields[i], object, fresh);
}

static void forget_restore(struct shadowcopy_backup_component *component, const void *fresh,
			   const void *fresh_partial)
{
	size_t i;

	forget(component, fresh);
	for (i = 0; i < component->partial_file_count; i++)
		forget(component->partial_files[i], fresh_partial);
}

SC_EXPORT int shadowcopy_backup_begin_restore(struct shadowcopy *sc,
					      struct shadowcopy_backup *backup,
					      const struct shadow_uuid *session)
{
	void *fresh, *fresh_partial;
	size_t i, j;

	if (sc_uuid_is_null(session))
		return SC_FAIL(sc, -EINVAL, .action = "begin the restore",
			       .cause = "the UUID of the session is zero",
			       .remedy = "make a new one");
	fresh = sc_node_new(&component_type, NULL);
	fresh_partial = sc_node_new(&partial_type, NULL);
	if (!fresh || !fresh_partial) {
		sc_node_free(fresh);
		sc_node_free(fresh_partial);
		return SC_FAIL(sc, -ENOMEM, .action = "begin the restore");
	}
	for (i = 0; i < backup->writer_count; i++)
		for (j = 0; j < backup->writers[i]->component_count; j++)
			forget_restore(backup->writers[i]->components[j], fresh, fresh_partial);
	sc_node_free(fresh);
	sc_node_free(fresh_partial);
	backup->mode = SHADOWCOPY_MODE_RESTORE;
	backup->session = *session;
	backup->restore_type = SHADOWCOPY_RESTORE_TYPE_UNDEFINED;
	begin(backup);
	return 0;
}

SC_EXPORT int shadowcopy_backup_act(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				    uint32_t role, uint32_t step)
{
	bool restore = step >= SHADOWCOPY_STEP_RESTORE_INIT;
	struct sc_node *node = sc_node(backup);

	if ((role != SHADOWCOPY_ROLE_REQUESTER && role != SHADOWCOPY_ROLE_WRITER) ||
	    step > SHADOWCOPY_STEP_RESTORED || restore != is_restore(backup))
		return SC_FAIL(sc, -EINVAL, .action = "go to step",
			       .object = shadowcopy_step_name(step),
			       .cause = "there is no such role, or no such step in a session of "
			       "this kind",
			       .remedy = "see the header");
	node->role = role;
	node->step = step;
	return 0;
}

SC_EXPORT struct shadowcopy_backup_writer *
shadowcopy_backup_find_writer(const struct shadowcopy_backup *backup,
			      const struct shadow_uuid *class_id,
			      const struct shadow_uuid *instance_id)
{
	size_t i;

	for (i = 0; i < backup->writer_count; i++) {
		struct shadowcopy_backup_writer *writer = backup->writers[i];

		if (sc_uuid_equal(&writer->class_id, class_id) &&
		    (!instance_id || sc_uuid_equal(&writer->instance_id, instance_id)))
			return writer;
	}
	return NULL;
}

SC_EXPORT struct shadowcopy_backup_component *
shadowcopy_backup_find(const struct shadowcopy_backup_writer *writer, const char *path,
		       const char *name)
{
	size_t i;

	for (i = 0; i < writer->component_count; i++) {
		struct shadowcopy_backup_component *component = writer->components[i];

		if (name && !strcmp(component->path ?: "", path ?: "") &&
		    !strcmp(component->name, name))
			return component;
	}
	return NULL;
}

/* --- merging ------------------------------------------------------------------------ */

/*
 * Two passes over all differences: may they be, and is the copy good; then they are taken over.
 * Each member of a structure has a property; those without may never change.
 */
struct merging {
	struct shadowcopy *sc;
	struct shadowcopy_backup *backup;
	bool apply;
};

static int merge_member(struct merging *merging, const struct sc_field *field, void *to,
			const void *from)
{
	int rc;

	if (sc_field_equal(field, to, from))
		return 0;
	if (merging->apply) {
		rc = sc_field_copy(field, to, from);
		return rc ? SC_FAIL(merging->sc, rc, .action = "merge", .object = field->name) : 0;
	}
	return sc_may_change(merging->sc, merging->backup, field->property);
}

/* Of partial files each side has its own part. */
static bool same_but_ranges_path(const struct shadowcopy_backup_component *a,
				 const struct shadowcopy_backup_component *b)
{
	size_t i, j;

	if (a->partial_file_count != b->partial_file_count)
		return false;
	for (i = 0; i < a->partial_file_count; i++)
		for (j = 0; j < ARRAY_SIZE(partial_fields); j++)
			if (!partial_fields[j].property &&
			    !sc_field_equal(&partial_fields[j], a->partial_files[i],
					    b->partial_files[i]))
				return false;
	return true;
}

static int merge_component(struct merging *merging, struct shadowcopy_backup_component *to,
			   const struct shadowcopy_backup_component *from)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < component_type.count && !rc; i++) {
		struct sc_field field = component_fields[i];

		if (field.property == SHADOWCOPY_PROPERTY_PARTIAL_FILES &&
		    same_but_ranges_path(to, from))
			field.property = SHADOWCOPY_PROPERTY_RANGES_PATH;
		rc = merge_member(merging, &field, to, from);
	}
	if (!rc && !merging->apply && !merging->backup->partial_files &&
	    to->partial_file_count != from->partial_file_count)
		rc = SC_FAIL(merging->sc, -EINVAL, .action = "add a partial file to",
			     .object = to->name,
			     .cause = "the requester cannot back up parts of files",
			     .remedy = "have whole files backed up");
	return rc;
}

static int merge_fail(struct merging *merging, const char *object, const char *cause)
{
	return SC_FAIL(merging->sc, -EBADFD, .action = "merge the changes of", .object = object,
		       .cause = cause, .remedy = "change properties of components only");
}

static bool same_component(const struct shadowcopy_backup_component *a,
			   const struct shadowcopy_backup_component *b)
{
	size_t i;

	for (i = 0; i < component_type.count; i++)
		if (!sc_field_equal(&component_fields[i], a, b))
			return false;
	return true;
}

static int merge_components_of(struct merging *merging, struct shadowcopy_backup_writer *to,
			       const struct shadowcopy_backup_writer *from, bool may_differ)
{
	struct shadowcopy_backup_component *other;
	struct twins twins = { .writer = from };
	size_t i;
	int rc = 0;

	if (to->component_count != from->component_count)
		return merge_fail(merging, to->name, "components were added or removed");
	for (i = 0; i < to->component_count && !rc; i++) {
		struct shadowcopy_backup_component *component = to->components[i];

		other = find_twin(&twins, i, component);
		if (!other)
			rc = merge_fail(merging, to->name, "components were added or removed");
		else if (may_differ)
			rc = merge_component(merging, component, other);
		else if (!merging->apply && !same_component(component, other))
			rc = merge_fail(merging, to->name, "it is another writer's component");
	}
	twins_clear(&twins);
	return rc;
}

static int merge_writer(struct merging *merging, struct shadowcopy_backup_writer *to,
			const struct shadowcopy_backup_writer *from, bool may_differ)
{
	bool says_whose = from->privileged || from->uid;
	size_t i;

	/* Whose it is the coordinator adds: who has chosen it anew does not know. */
	for (i = 0; i < writer_type.count; i++)
		if (writer_fields[i].kind != SC_LIST &&
		    (says_whose || (writer_fields[i].kind != SC_BOOL &&
				    writer_fields[i].kind != SC_NUMBER)) &&
		    !sc_field_equal(&writer_fields[i], to, from))
			return merge_fail(merging, to->name, "the writer's identity differs");
	return merge_components_of(merging, to, from, may_differ);
}

static bool is_among(const struct shadow_uuid *uuid, const struct shadow_uuid *uuids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sc_uuid_equal(uuid, &uuids[i]))
			return true;
	return false;
}

/* Who sees a view has only its own writers in the copy. */
static int merge_writers(struct merging *merging, const struct shadowcopy_backup *edited,
			 const struct shadow_uuid *instances, size_t count)
{
	struct shadowcopy_backup *backup = merging->backup;
	size_t i, seen = 0;
	int rc = 0;

	for (i = 0; i < backup->writer_count && !rc; i++) {
		struct shadowcopy_backup_writer *to = backup->writers[i], *from;
		bool may = !count || is_among(&to->instance_id, instances, count);

		from = shadowcopy_backup_find_writer(edited, &to->class_id, &to->instance_id);
		if (from)
			rc = merge_writer(merging, to, from, may);
		else if (may)
			rc = merge_fail(merging, to->name, "writers were added or removed");
		seen += !!from;
	}
	if (!rc && seen != edited->writer_count)
		rc = merge_fail(merging, "the document", "writers were added or removed");
	return rc;
}

static int merge_pass(struct merging *merging, const struct shadowcopy_backup *edited,
		      const struct shadow_uuid *instances, size_t count)
{
	struct shadowcopy_backup *backup = merging->backup;
	size_t i;
	int rc = 0;

	for (i = 0; i < sc_backup_type.count && !rc; i++) {
		const struct sc_field *field = &backup_fields[i];

		if (field->offset == offsetof(struct shadowcopy_backup, writers) ||
		    sc_field_equal(field, backup, edited))
			continue;
		if (count)
			rc = merge_fail(merging, field->name, "it is not the writer's to change");
		else if (!field->property)
			rc = merge_fail(merging, field->name, "it never changes");
		else
			rc = merge_member(merging, field, backup, edited);
	}
	return rc ?: merge_writers(merging, edited, instances, count);
}

SC_EXPORT int shadowcopy_backup_merge(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				      const struct shadowcopy_backup *edited,
				      const struct shadow_uuid *instances, size_t count)
{
	struct merging merging = { .sc = sc, .backup = backup };
	int rc = backup_check(sc, edited);

	if (!rc)
		rc = merge_pass(&merging, edited, instances, count);
	if (rc)
		return rc;
	merging.apply = true;
	return merge_pass(&merging, edited, instances, count);
}

/* --- copies for the other side ------------------------------------------------------ */

SC_EXPORT int shadowcopy_backup_view(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				     const struct shadow_uuid *instances, size_t count,
				     struct shadowcopy_backup **viewp)
{
	struct shadowcopy_backup *view = sc_node_copy(backup, NULL);
	size_t i;

	*viewp = NULL;
	if (!view)
		return SC_FAIL(sc, -ENOMEM, .action = "copy the backup components");
	for (i = view->writer_count; instances && i--;) {
		struct shadowcopy_backup_writer *writer = view->writers[i];

		if (is_among(&writer->instance_id, instances, count))
			continue;
		view->writers[i] = view->writers[view->writer_count - 1];
		view->writers[view->writer_count - 1] = writer;
		SC_LIST_DROP(view, writers);
	}
	*viewp = view;
	return 0;
}

/* Choose in @backup what is of a writer in the copy. */
static int adopt_components(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			    const struct shadowcopy_backup_writer *writer,
			    const struct shadowcopy_metadata *from)
{
	struct twins twins = {
		.writer = shadowcopy_backup_find_writer(backup, &writer->class_id,
							&writer->instance_id),
	};
	bool mine = twins.writer;
	size_t i;
	int rc = 0;

	for (i = 0; i < writer->component_count && !rc; i++) {
		struct shadowcopy_backup_component *chosen = writer->components[i];

		if (mine && find_twin(&twins, i, chosen))
			continue;
		if (!from)
			rc = SC_FAIL(sc, -ENOENT, .action = "choose component",
				     .object = chosen->name,
				     .cause = "there is no writer of that instance with metadata",
				     .remedy = "gather metadata, and choose from it");
		else
			rc = shadowcopy_backup_add_component(sc, backup, from, chosen->path,
							     chosen->name, NULL);
	}
	twins_clear(&twins);
	return rc;
}

/* Choose in @backup what is in @edited, and leave out the writers that are not. */
static int adopt_choice(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			const struct shadowcopy_backup *edited,
			struct shadowcopy_metadata *const *metadata, size_t count)
{
	size_t i;
	int rc = 0;

	for (i = backup->writer_count; i-- && !rc;) {
		struct shadowcopy_backup_writer *writer = backup->writers[i];

		if (!shadowcopy_backup_find_writer(edited, &writer->class_id,
						   &writer->instance_id))
			rc = shadowcopy_backup_remove_writer(sc, backup, &writer->class_id,
							     &writer->instance_id);
	}
	for (i = 0; i < edited->writer_count && !rc; i++)
		rc = adopt_components(sc, backup, edited->writers[i],
				      sc_metadata_of(edited->writers[i], metadata, count));
	return rc;
}

/* Who makes the set writes it down. */
static int check_set(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
		     const struct shadowcopy_backup *edited)
{
	size_t i;

	for (i = 0; i < sc_backup_type.count; i++) {
		const struct sc_field *field = &backup_fields[i];

		if ((field->property == SHADOWCOPY_PROPERTY_SET ||
		     field->property == SHADOWCOPY_PROPERTY_CONTEXT) &&
		    !sc_field_equal(field, backup, edited))
			return SC_FAIL(sc, -EBADFD, .action = "change", .object = field->name,
				       .cause = "what the set is, is the coordinator's to say",
				       .remedy = "change properties of components only");
	}
	return 0;
}

SC_EXPORT int shadowcopy_backup_adopt(struct shadowcopy *sc, struct shadowcopy_backup **backupp,
				      const struct shadowcopy_backup *edited,
				      struct shadowcopy_metadata *const *metadata, size_t count)
{
	struct shadowcopy_backup *backup;
	int rc = shadowcopy_backup_view(sc, *backupp, NULL, 0, &backup);

	if (rc)
		return rc;
	rc = check_set(sc, backup, edited);
	if (!rc)
		rc = adopt_choice(sc, backup, edited, metadata, count);
	if (!rc)
		rc = shadowcopy_backup_merge(sc, backup, edited, NULL, 0);
	if (rc) {
		shadowcopy_backup_free(backup);
		return rc;
	}
	shadowcopy_backup_free(*backupp);
	*backupp = backup;
	return 0;
}
