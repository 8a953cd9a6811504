// SPDX-License-Identifier: GPL-2.0-only
/*
 * selection.c - tests of the rules of selectability (VSS f.3), each by its number, and of
 * the catalogue's example writer.
 */
#include "../lib/tree.h"
#include "test.h"

static struct shadowcopy *sc;
#define says(words) error_says(sc, words)

static const struct shadow_uuid class_a = { { 0xa0, 1 } }, class_b = { { 0xb0, 1 } };
static const struct shadow_uuid instance_a = { { 0xa0, 2 } }, instance_b = { { 0xb0, 2 } };
static const struct shadow_uuid session = { { 0x5e } };

/* The example: path, name, selectable, selectable for restore. */
static const struct part {
	const char *path;
	const char *name;
	bool selectable;
	bool restore_selectable;
} my_writer[] = {
	{ NULL, "Executables", false, false },
	{ "Executables", "ConfigFiles", false, false },
	{ NULL, "LicenseInfo", true, false },
	{ NULL, "Security", true, false },
	{ "Security", "UserInfo", false, false },
	{ "Security", "Certificates", false, false },
	{ NULL, "writerData", true, false },
	{ "writerData", "Set1", false, true },
	{ "writerData/Set1", "Jan", false, false },
	{ "writerData/Set1", "Dec", false, false },
	{ "writerData", "Set2", false, true },
	{ "writerData/Set2", "Jan", false, false },
	{ "writerData/Set2", "Dec", false, false },
	{ "writerData/QueryLogs", "Query", false, false },
	{ "writerData", "Usage", true, false },
	{ "writerData/Usage", "Jan", false, false },
	{ "writerData/Usage", "Dec", false, false },
};

static struct shadowcopy_metadata *make(const struct shadow_uuid *class_id,
					const struct shadow_uuid *instance_id, const char *name,
					const struct part *parts, size_t count)
{
	struct shadowcopy_metadata *metadata;
	size_t i;

	shadowcopy_metadata_new(sc, class_id, instance_id, name, &metadata);
	shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
				      SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	for (i = 0; i < count; i++)
		shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP,
						  parts[i].path, parts[i].name, NULL,
						  parts[i].selectable, parts[i].restore_selectable,
						  0, NULL);
	return metadata;
}

static struct shadowcopy_metadata *mine;
static struct shadowcopy_backup *backup;

static void begin(void)
{
	mine = make(&class_a, &instance_a, "MyWriter", my_writer, ARRAY_SIZE(my_writer));
	shadowcopy_backup_new(sc, &session, &backup);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
}

static void end(void)
{
	shadowcopy_metadata_free(mine);
	shadowcopy_backup_free(backup);
}

static int add(const char *path, const char *name)
{
	return shadowcopy_backup_add_component(sc, backup, mine, path, name, NULL);
}

static uint32_t inclusion(const char *path, const char *name)
{
	return shadowcopy_backup_inclusion(backup, mine,
					   shadowcopy_metadata_find(mine, path, name), NULL);
}

static uint32_t selectability(const char *path, const char *name)
{
	return shadowcopy_component_selectability(mine,
						  shadowcopy_metadata_find(mine, path, name));
}

#define NONE SHADOWCOPY_INCLUSION_NONE
#define EXPLICIT SHADOWCOPY_INCLUSION_EXPLICIT
#define IMPLICIT SHADOWCOPY_INCLUSION_IMPLICIT

static void rule_1(void)
{
	begin();
	CHECK(selectability(NULL, "Executables") == 1 &&
	      selectability("Executables", "ConfigFiles") == 1,
	      "rule 1: what is not selectable, below nothing selectable, is mandatory");
	CHECK(!add(NULL, "LicenseInfo") && inclusion(NULL, "Executables") == EXPLICIT &&
	      inclusion("Executables", "ConfigFiles") == EXPLICIT &&
	      backup->writers[0]->component_count == 3,
	      "rule 1: it comes with the first component of its writer");
	CHECK(!add(NULL, "Executables") && backup->writers[0]->component_count == 3,
	      "rule 1: to choose it again is no mistake");
	end();
}

static void rule_2(void)
{
	begin();
	CHECK(selectability(NULL, "LicenseInfo") == 2,
	      "rule 2: selectable, below nothing selectable");
	CHECK(!add(NULL, "Security") && inclusion(NULL, "LicenseInfo") == NONE,
	      "rule 2: it is in only where it is chosen");
	CHECK(add(NULL, "Security") == -EEXIST && says("already"), "rule 2: and chosen once");
	end();
}

static void rule_3(void)
{
	begin();
	CHECK(selectability("Security", "UserInfo") == 3,
	      "rule 3: not selectable, below a selectable");
	CHECK(add("Security", "UserInfo") == -EINVAL && says("comes with Security") &&
	      !backup->writer_count, "rule 3: it is never chosen itself");
	CHECK(!add(NULL, "Security") && inclusion("Security", "UserInfo") == IMPLICIT,
	      "rule 3: it comes with what it lies below");
	CHECK(inclusion("writerData", "Set1") == NONE, "rule 3: and only with that");
	end();
}

static void rule_4(void)
{
	begin();
	CHECK(selectability("writerData", "Usage") == 4, "rule 4: selectable, below a selectable");
	CHECK(!add(NULL, "writerData") && inclusion("writerData", "Usage") == IMPLICIT,
	      "rule 4: it comes with what it lies below");
	CHECK(add("writerData", "Usage") == -EEXIST && says("with writerData"),
	      "rule 4: then it must not be chosen");
	end();
	begin();
	CHECK(!add("writerData", "Usage") && inclusion("writerData", "Usage") == EXPLICIT &&
	      inclusion("writerData/Usage", "Jan") == IMPLICIT &&
	      inclusion("writerData", "Set1") == NONE,
	      "rule 4: chosen alone it is a set of its own");
	CHECK(add(NULL, "writerData") == -EEXIST && says("Usage"),
	      "rule 4: what it lies below cannot be chosen afterwards");
	end();
}

static void rule_5(void)
{
	begin();
	add(NULL, "writerData");
	CHECK(backup->writers[0]->component_count == 3 &&
	      shadowcopy_backup_find(backup->writers[0], NULL, "writerData") &&
	      !shadowcopy_backup_find(backup->writers[0], "writerData", "Set1"),
	      "rule 5: only what is explicit has an entry");
	end();
}

static void rule_6(void)
{
	begin();
	CHECK(!backup->writer_count && inclusion(NULL, "Executables") == NONE,
	      "rule 6: a writer without explicit components is out, mandatory ones and all");
	add(NULL, "LicenseInfo");
	CHECK(!shadowcopy_backup_remove_writer(sc, backup, &class_a, &instance_a) &&
	      !backup->writer_count, "rule 6: and can be left out again");
	end();
}

/* That of masks is tested with the files that they leave out. */
static void rule_7(void)
{
	struct shadowcopy_metadata *all[1];

	begin();
	all[0] = mine;
	shadowcopy_component_add_files(sc, shadowcopy_metadata_find(mine, NULL, "Executables"),
				       "/opt", "*", true, NULL, SHADOWCOPY_NEEDED_FULL);
	shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_INCREMENTAL, true, false, false);
	add(NULL, "LicenseInfo");
	CHECK(inclusion(NULL, "Executables") == EXPLICIT &&
	      !shadowcopy_backup_check(sc, backup, all, 1),
	      "rule 7: masks change files and not which components are in");
	end();
}

static void rule_8(void)
{
	static const struct part others[] = {
		{ NULL, "Top", true, false }, { "Top", "Users", false, false },
	};
	struct shadowcopy_metadata *other = make(&class_b, &instance_b, "Other", others, 2);
	struct shadowcopy_metadata *all[2];

	begin();
	all[0] = mine;
	all[1] = other;
	shadowcopy_component_add_dependency(sc,
					    shadowcopy_metadata_find(mine, "Security", "UserInfo"),
					    &class_b, "Top", "Users", NULL);
	add(NULL, "LicenseInfo");
	CHECK(!shadowcopy_backup_check(sc, backup, all, 2),
	      "rule 8: a dependency of what is not in means nothing");
	add(NULL, "Security");
	CHECK(shadowcopy_backup_check(sc, backup, all, 2) == -ENOENT && says("Users"),
	      "rule 8: one of what is in, implicitly, too, has to be in");
	CHECK(!shadowcopy_backup_add_dependencies(sc, backup, all, 2) &&
	      !shadowcopy_backup_check(sc, backup, all, 2) && backup->writer_count == 2 &&
	      shadowcopy_backup_find(backup->writers[1], NULL, "Top"),
	      "rule 8: it is added by what it lies below");
	CHECK(shadowcopy_backup_check(sc, backup, all, 1) == -ENOENT,
	      "rule 8: its writer must be there");
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_WRITER, SHADOWCOPY_STEP_POST_SNAPSHOT);
	shadowcopy_backup_component_add_differenced(sc, backup->writers[1]->components[0], "/srv",
						    "*", true, 0);
	CHECK(shadowcopy_backup_check(sc, backup, all, 2) == -EINVAL && says("last-modify"),
	      "times of changes need a writer that gives some (F-41)");
	shadowcopy_metadata_set_schema(sc, other, SHADOWCOPY_SCHEMA_LAST_MODIFY);
	CHECK(!shadowcopy_backup_check(sc, backup, all, 2), "and have one then");
	end();
	begin();
	all[0] = mine;
	shadowcopy_component_add_dependency(sc, shadowcopy_metadata_find(mine, NULL, "Security"),
					    &class_b, "Top", "Users", "elsewhere");
	add(NULL, "Security");
	CHECK(!shadowcopy_backup_add_dependencies(sc, backup, all, 1) &&
	      !shadowcopy_backup_check(sc, backup, all, 1),
	      "rule 8: one on another machine is the requester's");
	end();
	shadowcopy_metadata_free(other);
}

static struct shadowcopy_backup_component *entry(const char *path, const char *name)
{
	return shadowcopy_backup_find(backup->writers[0], path, name);
}

static void begin_restore(const char *path, const char *name)
{
	begin();
	add(path, name);
	shadowcopy_backup_begin_restore(sc, backup, &session);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CHOOSING);
}

static bool restored(const char *path, const char *name)
{
	return shadowcopy_restore_includes(backup, mine, shadowcopy_metadata_find(mine, path, name),
					   NULL);
}

static void rule_9(void)
{
	begin_restore(NULL, "writerData");
	CHECK(!shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, mine) &&
	      !shadowcopy_backup_select(sc, entry("Executables", "ConfigFiles"), mine, mine),
	      "rule 9: what was explicit can be selected, whatever its flag");
	end();
}

static void rule_10(void)
{
	begin_restore(NULL, "writerData");
	CHECK(!restored("writerData/Set1", "Jan"),
	      "rule 10: nothing is restored that was not selected");
	shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, mine);
	CHECK(restored("writerData/Set1", "Jan") && restored("writerData/QueryLogs", "Query") &&
	      restored("writerData/Usage", "Dec") && !restored(NULL, "Executables"),
	      "rule 10: what was implicit is restored with what is above it");
	end();
}

static void rule_11(void)
{
	struct shadowcopy_backup_component *data;

	begin_restore(NULL, "writerData");
	data = entry(NULL, "writerData");
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData", "Set1") ==
	      -ENOENT && says("Select it first"), "rule 11: what is above it is selected before");
	shadowcopy_backup_select(sc, data, mine, mine);
	CHECK(!shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData", "Set1") &&
	      restored("writerData", "Set1") && restored("writerData/Set1", "Dec") &&
	      !restored("writerData", "Set2") && !restored(NULL, "writerData") &&
	      !restored("writerData", "Usage"),
	      "rule 11: what is selectable for restore is restored alone, with its own set");
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData", "Set1") ==
	      -EEXIST, "rule 11: once");
	CHECK(!shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData", "Set2") &&
	      restored("writerData/Set2", "Jan"), "rule 11: a second one beside it");
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, NULL, "Security") ==
	      -ENOENT,
	      "rule 11: not one of another set");
	end();
	/* Below a mandatory component, and not in the backup by it. */
	begin_restore(NULL, "LicenseInfo");
	data = entry(NULL, "Executables");
	shadowcopy_backup_select(sc, data, mine, mine);
	shadowcopy_metadata_add_component(sc, mine, SHADOWCOPY_COMPONENT_FILE_GROUP, "Executables",
					  "Samples", NULL, true, true, 0, NULL);
	shadowcopy_metadata_find(mine, "Executables", "ConfigFiles")->restore_selectable = true;
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "Executables",
							 "Samples") == -ENOENT &&
	      says("not backed up"), "rule 11: nor one that is in no backup");
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "Executables",
							 "ConfigFiles") == -ENOENT,
	      "rule 11: nor one that has an entry of its own");
	end();
}

static void deselecting(void)
{
	struct shadowcopy_backup_component *data;

	begin_restore(NULL, "writerData");
	data = entry(NULL, "writerData");
	shadowcopy_backup_select(sc, data, mine, mine);
	shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData", "Set1");
	CHECK(!shadowcopy_backup_deselect(sc, data) && !restored("writerData", "Set1") &&
	      !data->restore_subcomponent_count, "what was selected is left out after all (B-33)");
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_RESTORING);
	CHECK(shadowcopy_backup_deselect(sc, data) == -EBADFD, "in time");
	end();
}

/* B-42 to B-44: each by a property, and by an option. */
static void offers(void)
{
	static const struct {
		const char *row;
		uint32_t schema;
		const char *option;
	} rows[] = {
		{ "B-42", SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE, "\"authoritative\"=\"All\"" },
		{ "B-43", SHADOWCOPY_SCHEMA_RESTORE_RENAME, "\"New Component Name\"=\"a/b\"" },
		{ "B-44", SHADOWCOPY_SCHEMA_ROLL_FORWARD, "\"x\"=\"y\",\"Roll Forward\"=\"All\"" },
	};
	struct shadowcopy_backup_component *data;
	struct shadowcopy_metadata *all[1];
	size_t i;
	int by_option, by_property;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_restore(NULL, "writerData");
		all[0] = mine;
		data = entry(NULL, "writerData");
		shadowcopy_backup_component_set_text(sc, data, SHADOWCOPY_PROPERTY_RESTORE_OPTIONS,
						     rows[i].option);
		CHECK(!shadowcopy_restore_check(sc, backup, all, 1),
		      "what is not selected may ask for anything");
		shadowcopy_backup_select(sc, data, mine, mine);
		by_option = shadowcopy_restore_check(sc, backup, all, 1);
		shadowcopy_backup_component_set_text(sc, data, SHADOWCOPY_PROPERTY_RESTORE_OPTIONS,
						     "\"Roll Forward\"=\"None\"");
		if (i == 0)
			shadowcopy_backup_component_set_value(sc, data,
							      SHADOWCOPY_PROPERTY_AUTHORITATIVE, 1);
		else if (i == 1)
			shadowcopy_backup_component_set_text(sc, data,
							     SHADOWCOPY_PROPERTY_RESTORE_NAME, "b");
		else
			shadowcopy_backup_component_set_roll_forward(sc, data, 2, NULL);
		by_property = shadowcopy_restore_check(sc, backup, all, 1);
		CHECK(by_option == -EOPNOTSUPP && by_property == -EOPNOTSUPP &&
		      says("does not offer"), rows[i].row);
		shadowcopy_metadata_set_schema(sc, mine, rows[i].schema);
		CHECK(!shadowcopy_restore_check(sc, backup, all, 1), "where it is offered, it may");
		end();
	}
}

static void rule_12(void)
{
	struct shadowcopy_backup_component *data;

	begin_restore(NULL, "writerData");
	data = entry(NULL, "writerData");
	shadowcopy_backup_select(sc, data, mine, mine);
	CHECK(shadowcopy_backup_add_restore_subcomponent(sc, data, mine, "writerData/QueryLogs",
							 "Query") == -EINVAL &&
	      says("cannot be restored alone"),
	      "rule 12: what is not selectable for restore is never added");
	CHECK(restored("writerData/QueryLogs", "Query"), "rule 12: but restored with the whole");
	end();
}

static void rule_13(void)
{
	struct shadowcopy_backup_component *of = NULL;

	begin_restore(NULL, "writerData");
	shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, mine);
	shadowcopy_restore_includes(backup, mine,
				    shadowcopy_metadata_find(mine, "writerData/Set1", "Jan"), &of);
	CHECK(of && of == entry(NULL, "writerData"),
	      "rule 13: properties of a part are those of the entry above it");
	end();
}

static void rule_14(void)
{
	struct shadowcopy_metadata *live;

	begin_restore(NULL, "writerData");
	CHECK(shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, NULL) == -ENOENT &&
	      says("not there"), "rule 14: what has no writer is not selected");
	live = make(&class_a, &instance_b, "MyWriter", my_writer, 3);
	CHECK(shadowcopy_backup_select(sc, entry(NULL, "writerData"), live, live) == -EINVAL &&
	      says("another writer"), "rule 14: the metadata is that which was saved");
	CHECK(!shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, live) &&
	      sc_uuid_is_null(&entry(NULL, "writerData")->restore_instance),
	      "rule 14: a writer that was started anew is the same");
	shadowcopy_metadata_set_version(sc, live, "second", 0, 0);
	CHECK(shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, live) == -EOPNOTSUPP,
	      "rule 14: another instance gets it only where it offers that (B-33)");
	shadowcopy_metadata_set_schema(sc, live, SHADOWCOPY_SCHEMA_RESTORE_WITH_MOVE);
	CHECK(!shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, live) &&
	      sc_uuid_equal(&entry(NULL, "writerData")->restore_instance, &instance_b),
	      "rule 14: and then the document tells which");
	shadowcopy_metadata_set_version(sc, mine, NULL, 3, 0);
	CHECK(shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, live) == -EOPNOTSUPP &&
	      says("older"), "rule 14: an older writer gets nothing of a newer one (C-01)");
	mine->participation = SHADOWCOPY_PARTICIPATION_NEVER;
	CHECK(!shadowcopy_backup_select(sc, entry(NULL, "writerData"), mine, NULL),
	      "rule 14: one that takes no part need not be there (l.4)");
	shadowcopy_metadata_free(live);
	end();
}

static void whole_example(void)
{
	struct shadowcopy_metadata *all[1];
	char *text = NULL;
	size_t i, in = 0;

	begin();
	all[0] = mine;
	CHECK(!add(NULL, "writerData") && !shadowcopy_backup_check(sc, backup, all, 1),
	      "the example: writerData is chosen");
	for (i = 0; i < ARRAY_SIZE(my_writer); i++)
		in += inclusion(my_writer[i].path, my_writer[i].name) != NONE;
	CHECK(in == 2 + 11,
	      "the example: with it the two mandatory ones and all below, Usage, too");
	CHECK(shadowcopy_backup_set_state(sc, backup, 1, true, false, false) ||
	      !shadowcopy_backup_save(sc, backup, &text, NULL), "the example: is saved");
	free(text);
	end();
}

#define DOCUMENT \
	"{\"format\":\"shadowcopy-backup-components\",\"version\":\"1.0\"," \
	"\"mode\":\"backup\",\"session\":\"5e000000-0000-0000-0000-000000000000\"," \
	"\"writers\":[{\"class_id\":\"a0010000-0000-0000-0000-000000000000\"," \
	"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"MyWriter\"," \
	"\"components\":[{\"type\":\"file-group\",\"name\":\"%s\"%s}]}]}"

static void refusals(void)
{
	static const struct {
		const char *name;
		const char *rest;
		int code;
		const char *says;
	} documents[] = {
		{ "Executables", "", 0, "" },
		{ "LicenseInfo", "", -EINVAL, "mandatory" },
		{ "Executables",
		  "},{\"type\":\"file-group\",\"path\":\"Security\",\"name\":\"UserInfo\"", -EINVAL,
		  "not selectable" },
		{ "writerData",
		  "},{\"type\":\"file-group\",\"path\":\"writerData\",\"name\":\"Usage\"", -EINVAL,
		  "with writerData" },
		{ "Nothing", "", -ENOENT, "none of that name" },
		{ "Executables", "},{\"type\":\"database\",\"name\":\"LicenseInfo\"", -ENOENT,
		  "none of that name and type" },
	};
	struct shadowcopy_metadata *all[1];
	char text[1024];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(documents); i++) {
		struct shadowcopy_backup *loaded = NULL;
		int rc;

		begin();
		all[0] = mine;
		snprintf(text, sizeof(text), DOCUMENT, documents[i].name, documents[i].rest);
		rc = shadowcopy_backup_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED,
					    &loaded);
		CHECK(!rc && shadowcopy_backup_check(sc, loaded, all, 1) == documents[i].code &&
		      (!documents[i].code || says(documents[i].says)),
		      documents[i].code ? "a document that breaks a rule is refused" :
		      "one that names the upper of two mandatory ones is accepted");
		shadowcopy_backup_free(loaded);
		end();
	}
	begin();
	CHECK(add(NULL, "Nothing") == -ENOENT && says("none of that name"),
	      "what is not there is not chosen");
	CHECK(add(NULL, NULL) == -ENOENT, "nor is what has no name");
	backup->context = SHADOWCOPY_CTX_NAS_ROLLBACK;
	CHECK(add(NULL, "Security") == -EINVAL && says("no writer takes part"),
	      "nothing is chosen in a context without writers (B-10)");
	backup->context = SHADOWCOPY_CTX_BACKUP;
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_PREPARED);
	CHECK(add(NULL, "Security") == -EBADFD, "nothing is chosen after PrepareForBackup (B-10)");
	CHECK(!shadowcopy_component_in_system_state(mine, mine->components[0]),
	      "user data is no system state (F-02)");
	mine->usage = SHADOWCOPY_USAGE_SYSTEM_SERVICE;
	CHECK(shadowcopy_component_in_system_state(mine, mine->components[0]),
	      "system state (F-02)");
	mine->components[0]->flags = SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE;
	CHECK(!shadowcopy_component_in_system_state(mine, mine->components[0]), "but what says no");
	end();
}

/* --- the system's state (F-02, G-13) ------------------------------------------------------ */

static const struct part boot_parts[] = {
	{ NULL, "Kernel", true, false },
	{ "Kernel", "Modules", false, false },
	{ NULL, "Notes", true, false },
}, service_parts[] = {
	{ NULL, "Names", true, false },
	{ NULL, "Leases", true, false },
};

/* Choose components of the two by name, "boot/NAME service/NAME ...", and check. */
static int check_state(struct shadowcopy_metadata *const *all, bool bootable, const char *choice)
{
	char *copy = strdup(choice), *rest = copy, *word;
	int rc = 0;

	shadowcopy_backup_free(backup);
	shadowcopy_backup_new(sc, &session, &backup);
	backup->component_mode = true;
	backup->bootable = bootable;
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	while (!rc && (word = strsep(&rest, " ")))
		if (*word)
			rc = shadowcopy_backup_add_component(sc, backup, all[*word == 's'], NULL,
							     strchr(word, '/') + 1, NULL);
	free(copy);
	return rc ?: shadowcopy_backup_check(sc, backup, all, 2);
}

static void system_state(void)
{
	static const struct {
		uint32_t independent;	/* bit 0: boot, bit 1: service */
		bool bootable;
		const char *choice;
		const char *says;	/* NULL: it is right */
	} backups[] = {
		{ 0, false, "", NULL },
		{ 0, false, "boot/Kernel service/Names service/Leases", NULL },
		{ 0, false, "boot/Notes", NULL },
		{ 0, false, "boot/Kernel", "alone, without Names" },
		{ 0, false, "service/Names boot/Kernel", "alone, without Leases" },
		{ 2, false, "service/Names", NULL },
		{ 2, false, "service/Leases boot/Kernel", NULL },
		{ 1, false, "service/Names", "alone, without Leases" },
		{ 1, false, "service/Names service/Leases", NULL },
		{ 3, false, "boot/Kernel service/Names", NULL },
		{ 0, true, "boot/Kernel service/Names service/Leases", NULL },
		{ 0, true, "boot/Kernel boot/Notes service/Names", "has all of that" },
		{ 0, true, "", "has all of that" },
		{ 3, true, "boot/Kernel service/Names", "has all of that" },
	};
	struct shadowcopy_metadata *all[2];
	size_t i, j;

	begin();
	all[0] = make(&class_a, &instance_a, "boot", boot_parts, ARRAY_SIZE(boot_parts));
	all[1] = make(&class_b, &instance_b, "service", service_parts, ARRAY_SIZE(service_parts));
	all[0]->usage = SHADOWCOPY_USAGE_SYSTEM_BOOT;
	all[1]->usage = SHADOWCOPY_USAGE_SYSTEM_SERVICE;
	all[0]->components[2]->flags = SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE;
	for (i = 0; i < ARRAY_SIZE(backups); i++) {
		char what[160];
		int rc;

		for (j = 0; j < 2; j++)
			all[j]->schema = (backups[i].independent >> j & 1) *
					 SHADOWCOPY_SCHEMA_INDEPENDENT_SYSTEM_STATE;
		rc = check_state(all, backups[i].bootable, backups[i].choice);
		snprintf(what, sizeof(what), "%s backup of \"%s\", independent %u, %s (G-13)",
			 backups[i].bootable ? "a bootable" : "a", backups[i].choice,
			 backups[i].independent, backups[i].says ? "is refused" : "is right");
		CHECK(rc == (backups[i].says ? -EINVAL : 0) &&
		      (!rc || says(backups[i].says)), what);
	}
	check_state(all, true, "boot/Notes service/Leases");
	CHECK(!shadowcopy_backup_add_system_state(sc, backup, all, 2) &&
	      !shadowcopy_backup_check(sc, backup, all, 2) &&
	      backup->writers[0]->component_count == 2 && backup->writers[1]->component_count == 2,
	      "the rest of the system's state is chosen, and what was chosen stays");
	CHECK(!shadowcopy_backup_add_system_state(sc, backup, all, 2), "once");
	check_state(all, true, "");
	backup->component_mode = false;
	CHECK(!shadowcopy_backup_check(sc, backup, all, 2),
	      "a backup of volumes has whatever is on them");
	shadowcopy_metadata_free(all[0]);
	shadowcopy_metadata_free(all[1]);
	end();
}

/* --- the tree of all components, against what is said of one ----------------------------- */

static uint32_t draw(uint32_t below)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 16) % below;
}

/* Components with names of few letters, so that many lie below each other. */
static struct shadowcopy_metadata *random_writer(void)
{
	static const char *const names[] = { "a", "b", "a-", "ab" };
	struct shadowcopy_metadata *writer = make(&class_a, &instance_a, "Any", NULL, 0);
	size_t i, j, count = 1 + draw(30);

	for (i = 0; i < count; i++) {
		char path[64] = "";
		size_t depth = draw(4);

		for (j = 0; j < depth; j++)
			sprintf(path + strlen(path), "%s%s", j ? "/" : "", names[draw(4)]);
		shadowcopy_metadata_add_component(sc, writer, SHADOWCOPY_COMPONENT_FILE_GROUP,
						  path, names[draw(4)], NULL, draw(2), draw(2), 0,
						  NULL);
	}
	return writer;
}

/* Choose some, as a document that was loaded may have them: with no rule kept. */
static void random_entries(const struct shadowcopy_metadata *writer)
{
	struct shadowcopy_backup_writer *of;
	size_t i;

	for (i = 0; i < writer->component_count && !backup->writer_count; i++)
		shadowcopy_backup_add_component(sc, backup, writer, writer->components[i]->path,
						writer->components[i]->name, NULL);
	of = backup->writers[0];
	for (i = of->component_count; i > 1; i--)
		SC_LIST_DROP(of, components);
	for (i = 0; i < writer->component_count; i++) {
		struct shadowcopy_backup_component *added;

		if (draw(3) || shadowcopy_backup_find(of, writer->components[i]->path,
						      writer->components[i]->name))
			continue;
		if (SC_LIST_ADD(sc, of, components, &added) ||
		    SC_SET_TEXT(sc, added, path, writer->components[i]->path) ||
		    SC_SET_TEXT(sc, added, name, writer->components[i]->name))
			puts("# no entry");
	}
}

static bool tree_agrees(const struct shadowcopy_metadata *writer)
{
	struct shadowcopy_backup_component *by;
	struct sc_tree tree;
	bool agrees = true;
	size_t i;

	if (sc_tree_new(sc, writer, &tree))
		return false;
	sc_tree_enter(&tree, backup->writers[0]);
	for (i = 0; i < tree.count; i++) {
		const struct shadowcopy_component *component = writer->components[i];

		shadowcopy_backup_inclusion(backup, writer, component, &by);
		agrees &= tree.branches[i].component == component && tree.branches[i].by == by &&
			  sc_branch_selectability(&tree.branches[i]) ==
				shadowcopy_component_selectability(writer, component) &&
			  sc_tree_find(&tree, component->path, component->name) ==
				&tree.branches[i];
	}
	agrees &= !sc_tree_find(&tree, "a", "c") && !sc_tree_find(&tree, NULL, "");
	sc_tree_clear(&tree);
	return agrees;
}

static void trees(void)
{
	bool agrees = true;
	int i;

	for (i = 0; i < 500; i++) {
		struct shadowcopy_metadata *writer = random_writer();

		begin();
		random_entries(writer);
		agrees &= tree_agrees(writer);
		end();
		shadowcopy_metadata_free(writer);
	}
	CHECK(agrees, "of all components at once the rules say what they say of each");
}

/* What took the third power of their number would take an hour here. */
static void as_many_as_there_may_be(void)
{
	struct shadowcopy_metadata *writer = make(&class_a, &instance_a, "Large", NULL, 0);
	struct shadowcopy_metadata *sibling, *all[2];
	char name[16];
	size_t i;

	begin();
	for (i = 0; i < 4096; i++) {
		struct shadowcopy_component *added;

		sprintf(name, "%zu", i);
		if (SC_LIST_ADD(sc, writer, components, &added) ||
		    SC_SET_TEXT(sc, added, name, name) ||
		    SC_SET_TEXT(sc, added, path, i % 2 ? "0" : "x/y") ||
		    SC_SET_WORD(sc, added, type, SHADOWCOPY_COMPONENT_FILE_GROUP))
			break;
		/* One is selectable with half of all below it. */
		added->selectable = !i;
	}
	shadowcopy_component_add_dependency(sc, writer->components[4095], &class_b, NULL, "Top",
					    NULL);
	SC_SET_TEXT(sc, writer->components[0], path, NULL);
	sibling = make(&class_b, &instance_b, "Other", (struct part[]){ { NULL, "Top", true, 0 } },
		       1);
	all[0] = writer;
	all[1] = sibling;
	CHECK(!shadowcopy_backup_add_component(sc, backup, writer, NULL, "0", NULL) &&
	      !shadowcopy_backup_add_dependencies(sc, backup, all, 2) &&
	      backup->writers[0]->component_count == 2048 && backup->writer_count == 2 &&
	      !shadowcopy_backup_check(sc, backup, all, 2),
	      "a writer has as many components as it may have");
	sibling->class_id = class_a;
	CHECK(!shadowcopy_metadata_check_all(sc, all, 2), "and a sibling");
	shadowcopy_metadata_free(writer);
	shadowcopy_metadata_free(sibling);
	end();
}

void test_selection(void)
{
	sc = shadowcopy_new();
	rule_1();
	rule_2();
	rule_3();
	rule_4();
	rule_5();
	rule_6();
	rule_7();
	rule_8();
	rule_9();
	rule_10();
	rule_11();
	deselecting();
	offers();
	rule_12();
	rule_13();
	rule_14();
	whole_example();
	refusals();
	system_state();
	trees();
	as_many_as_there_may_be();
	shadowcopy_free(sc);
}
