// SPDX-License-Identifier: GPL-2.0-only
/*
 * documents.c - tests of writer metadata and backup components: making, rules, windows,
 * JSON and back.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/document.h"
#include "test.h"

static struct shadowcopy *sc;
#define says(words) error_says(sc, words)

static const struct shadow_uuid class_a = { { 0xa0, 1 } }, class_b = { { 0xb0, 1 } };
static const struct shadow_uuid instance_a = { { 0xa0, 2 } }, instance_b = { { 0xb0, 2 } };
static const struct shadow_uuid session = { { 0x5e } };

/* --- writer metadata ------------------------------------------------------------- */

/* A good one, with everything in it. */
static struct shadowcopy_metadata *full_metadata(void)
{
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_component *component;
	int rc;

	rc = shadowcopy_metadata_new(sc, &class_a, &instance_a, "Mail", &metadata);
	rc |= shadowcopy_metadata_set_version(sc, metadata, "mail-1", 2, 7);
	rc |= shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
					    SHADOWCOPY_SOURCE_TRANSACTIONAL);
	rc |= shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_STOP_RESTORE_START,
					      "mail@1.service",
					      SHADOWCOPY_PARTICIPATION_ALWAYS, true);
	rc |= shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_COPY |
					     SHADOWCOPY_SCHEMA_LOG |
					     SHADOWCOPY_SCHEMA_NEW_TARGET);
	rc |= shadowcopy_metadata_set_blocks_revert(sc, metadata, true);
	rc |= shadowcopy_metadata_add_exclude(sc, metadata, "/srv/mail/tmp", "*", true);
	rc |= shadowcopy_metadata_add_shadow_exclude(sc, metadata, "/srv/mail", "*.lock", false);
	rc |= shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
						"Spool", "Mails under way", true, false,
						SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE, &component);
	rc |= shadowcopy_component_add_files(sc, component, "/srv/mail/", "*", true,
					     "/srv/spit", SHADOWCOPY_NEEDED_FULL);
	rc |= shadowcopy_component_add_files(sc, component, "${STATE}/mail", "?.db", false, NULL,
					     SHADOWCOPY_NEEDED_DEFAULT);
	rc |= shadowcopy_component_add_dependency(sc, component, &class_b, "Top/Sub", "Users",
						  "host.example.org");
	rc |= shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE,
						"Spool", "Index", NULL, false, true, 0, &component);
	rc |= shadowcopy_component_add_database(sc, component, "/srv/db", "index.db",
						SHADOWCOPY_NEEDED_DEFAULT);
	rc |= shadowcopy_component_add_log(sc, component, "/srv/db", "*.log",
					   SHADOWCOPY_NEEDED_DEFAULT);
	rc |= shadowcopy_metadata_add_mapping(sc, metadata, "/srv/db", "index.db", false,
					      "/srv/alt");
	CHECK(!rc, "metadata with everything is made");
	if (rc)
		printf("# %s\n", shadowcopy_last_error(sc)->text);
	return metadata;
}

static void metadata_round_trip(void)
{
	struct shadowcopy_metadata *metadata = full_metadata(), *again = NULL;
	char *text = NULL, *text_again = NULL;
	size_t size = 0;
	int rc;

	rc = shadowcopy_metadata_save(sc, metadata, &text, &size);
	CHECK(!rc && size == strlen(text), "and saved");
	rc = shadowcopy_metadata_load(sc, text, size, "it", 0, &again);
	CHECK(!rc, "and loaded");
	rc = shadowcopy_metadata_save(sc, again, &text_again, NULL);
	CHECK(!rc, "and saved again");
	CHECK_STRING(text_again ?: "", text ?: "", "without a difference");
	CHECK(again && again->reboot && again->major == 2 && again->minor == 7 &&
	      !strcmp(again->components[0]->files[0]->path, "/srv/mail") &&
	      again->components[0]->files[0]->needed == SHADOWCOPY_NEEDED_FULL &&
	      again->components[0]->files[1]->needed == SHADOWCOPY_NEEDED_DEFAULT,
	      "what it says is there; a path loses its slash");
	free(text);
	free(text_again);
	shadowcopy_metadata_free(metadata);
	shadowcopy_metadata_free(again);
}

static struct shadowcopy_metadata *small_metadata(struct shadowcopy_component **componentp,
						  uint32_t type)
{
	struct shadowcopy_metadata *metadata;

	shadowcopy_metadata_new(sc, &class_a, &instance_a, "W", &metadata);
	shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_OTHER,
				      SHADOWCOPY_SOURCE_OTHER);
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_IF_CAN_REPLACE, NULL,
					SHADOWCOPY_PARTICIPATION_ALWAYS, false);
	shadowcopy_metadata_add_component(sc, metadata, type, "", "C", NULL, true, false, 0,
					  componentp);
	return metadata;
}

static void metadata_arguments(void)
{
	struct shadowcopy_component *group, *database;
	struct shadowcopy_metadata *metadata = small_metadata(&group,
							      SHADOWCOPY_COMPONENT_FILE_GROUP);
	struct shadowcopy_metadata *none;
	static const char *const bad_paths[] = {
		"", "srv", "/srv/../etc", "/srv/./x", "/srv//x", "/..", "/srv/..", "//srv",
		"/srv/\xc0\xaf", "/srv/\xed\xa0\x80", "/srv/\xf4\x90\x80\x80", "/srv/\xe2\x82",
		"/srv/a\nb", "/srv/\x7f", "/srv/\xff", "/srv/\xc2\x85", "$VAR/x", "${}/x",
		"${A B}/x", "/a/${", "../x", "/home/*/x", "/srv/?",
	};
	static const char *const bad_specs[] = { "", "a/b", "/", "..", ".", "a\tb" };
	bool refused = true;
	size_t i;

	shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, "A/B", "D",
					  NULL, true, false, 0, &database);
	for (i = 0; i < ARRAY_SIZE(bad_paths); i++)
		refused &= shadowcopy_component_add_files(sc, group, bad_paths[i], "*", false, NULL,
							  0) == -EINVAL;
	CHECK(refused, "a path that is not absolute and normalised is refused");
	refused = true;
	for (i = 0; i < ARRAY_SIZE(bad_specs); i++)
		refused &= shadowcopy_component_add_files(sc, group, "/srv", bad_specs[i], false,
							  NULL, 0) == -EINVAL;
	CHECK(refused && !group->file_count, "a pattern with a slash or none at all is refused");
	CHECK(shadowcopy_metadata_new(sc, &(struct shadow_uuid){ 0 }, &instance_a, "W", &none) ==
	      -EINVAL && !none, "a class without an identity is refused");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, NULL,
						"C", NULL, true, false, 0, NULL) == -EEXIST &&
	      says("path and name"), "a second component of one path and name is refused (C-50)");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, NULL,
						"a/b", NULL, true, false, 0, NULL) == -EINVAL &&
	      says("\"/\""), "a name with a slash is refused (C-50)");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, NULL,
						NULL, NULL, true, false, 0, NULL) == -EINVAL,
	      "a component without a name is refused (C-50)");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, "/A",
						"x", NULL, true, false, 0, NULL) == -EINVAL,
	      "a logical path with an empty name is refused (F-21)");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, 9, NULL, "x", NULL, true, false, 0,
						NULL) == -EINVAL, "an unknown type is refused");
	CHECK(shadowcopy_metadata_add_component(sc, metadata, 1, NULL, "x", NULL, true, false, 8,
						NULL) == -EINVAL, "an unknown flag is refused");
	CHECK(metadata->component_count == 2, "and nothing is left of them");
	CHECK(shadowcopy_component_add_files(sc, database, "/srv", "*", false, NULL, 0) ==
	      -EINVAL &&
	      says("no file group"),
	      "files of a group in a database are refused (C-51)");
	CHECK(shadowcopy_component_add_log(sc, group, "/srv", "*", 0) == -EINVAL &&
	      says("no database"), "logs in a file group are refused (C-52)");
	CHECK(shadowcopy_metadata_add_mapping(sc, metadata, "/srv", "*", false, "/alt") == -ENOENT,
	      "a mapping of no file set is refused (C-56)");
	CHECK(shadowcopy_component_add_dependency(sc, group, &class_a, NULL, "D", NULL) ==
	      -EINVAL &&
	      says("another writer"),
	      "a dependency on the own writer is refused (C-57)");
	CHECK(shadowcopy_metadata_set_restore(sc, metadata, 0, NULL, 1, false) == -EINVAL,
	      "a restore method has to be defined (L-09)");
	CHECK(shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_STOP_RESTORE_START,
					      NULL, 1, false) == -EINVAL &&
	      says("service"), "one that stops a service has to name it (L-03)");
	CHECK(shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_STOP_RESTORE_START,
					      "x y.service", 1, false) == -EINVAL,
	      "and by a unit's name");
	CHECK(shadowcopy_metadata_set_usage(sc, metadata, 1, 9) == -EINVAL &&
	      metadata->usage == SHADOWCOPY_USAGE_OTHER &&
	      metadata->restore_method == SHADOWCOPY_RESTORE_IF_CAN_REPLACE && !metadata->service,
	      "what is refused changes nothing");
	CHECK(!shadowcopy_metadata_find(metadata, NULL, NULL), "what has no name is not found");
	shadowcopy_metadata_free(metadata);
}

static void metadata_rules(void)
{
	struct shadowcopy_component *component;
	struct shadowcopy_metadata *metadata, *other;

	shadowcopy_metadata_new(sc, &class_a, &instance_a, "W", &metadata);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("usage"),
	      "usage and source have to be defined (F-02)");
	shadowcopy_metadata_set_usage(sc, metadata, 4, 3);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("restore method"),
	      "and the restore method (C-55)");
	shadowcopy_metadata_set_restore(sc, metadata, 1, NULL, 1, false);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("no component"),
	      "a writer has to have a component (C-50)");
	shadowcopy_metadata_free(metadata);

	metadata = small_metadata(&component, SHADOWCOPY_COMPONENT_FILE_GROUP);
	CHECK(!shadowcopy_metadata_check(sc, metadata), "which may be empty");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_LOG);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("log"),
	      "a log schema needs log files (G-05)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_TIMESTAMPED);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("timestamped"),
	      "stamps need incremental or differential (G-08)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_LAST_MODIFY);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("last-modify"),
	      "and so do times (G-09)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_EXCLUSIVE |
				       SHADOWCOPY_SCHEMA_INCREMENTAL);
	CHECK(shadowcopy_metadata_check(sc, metadata) == -EINVAL && says("both"),
	      "exclusive needs both (G-07)");
	shadowcopy_metadata_set_schema(sc, metadata, 0);

	other = small_metadata(&component, SHADOWCOPY_COMPONENT_FILE_GROUP);
	struct shadowcopy_metadata *all[] = { metadata, other };

	CHECK(shadowcopy_metadata_check_all(sc, all, 2) == -EEXIST && says("same instance"),
	      "two writers of one instance are refused");
	other->instance_id = instance_b;
	CHECK(shadowcopy_metadata_check_all(sc, all, 2) == -EEXIST && says("same path and name"),
	      "instances of a class have no component in common (F-21)");
	other->class_id = class_b;
	CHECK(!shadowcopy_metadata_check_all(sc, all, 2), "writers of two classes may");
	shadowcopy_metadata_free(other);
	shadowcopy_metadata_new(sc, &class_a, &instance_b, "W", &other);
	shadowcopy_metadata_add_component(sc, other, SHADOWCOPY_COMPONENT_FILE_GROUP, "X", "C",
					  NULL, true, false, 0, NULL);
	all[1] = other;
	CHECK(!shadowcopy_metadata_check_all(sc, all, 2), "and instances with other logical paths");
	shadowcopy_metadata_free(metadata);
	shadowcopy_metadata_free(other);
}

/* --- JSON ----------------------------------------------------------------------------- */

#define BEGIN \
	"{\"format\":\"shadowcopy-writer-metadata\",\"version\":\"1.0\"," \
	"\"class_id\":\"a0010000-0000-0000-0000-000000000000\"," \
	"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\"," \
	"\"usage\":\"other\",\"source\":\"other\",\"restore_method\":\"custom\"," \
	"\"participation\":\"never\""
#define COMPONENTS ",\"components\":[{\"type\":\"file-group\",\"name\":\"C\",\"selectable\":true"

static int load(const char *text)
{
	struct shadowcopy_metadata *metadata;
	int rc = shadowcopy_metadata_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED,
					  &metadata);

	shadowcopy_metadata_free(metadata);
	return rc;
}

static void refused_texts(void)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} bad[] = {
		{ "", -EBADMSG, "line 1" },
		{ "[]", -EINVAL, "no object" },
		{ BEGIN COMPONENTS "}]} x", -EBADMSG, "line 1, column" },
		{ BEGIN ",\"name\":\"again\"" COMPONENTS "}]}", -EBADMSG, "duplicate" },
		{ BEGIN "}", -EINVAL, "components is not there" },
		{ BEGIN ",\"components\":[]}", -EINVAL, "no component" },
		{ BEGIN ",\"components\":{}}", -EINVAL, "components is no array" },
		{ BEGIN COMPONENTS ",\"path\":3}]}", -EINVAL, "components[0].path is no string" },
		{ BEGIN COMPONENTS ",\"color\":3}]}", -EINVAL, "components[0] has a member" },
		{ BEGIN COMPONENTS ",\"flags\":[\"x\"]}]}", -EINVAL, "flags[0] is none of" },
		{ BEGIN COMPONENTS ",\"flags\":[\"not-system-state\",\"not-system-state\"]}]}",
		  -EINVAL, "flags[1] is there twice" },
		{ BEGIN COMPONENTS ",\"files\":[{\"path\":\"/a/../b\",\"spec\":\"*\"}]}]}", -EINVAL,
		  "components[0].files[0].path has a part \"..\"" },
		{ BEGIN COMPONENTS ",\"files\":[{\"path\":\"/a\"}]}]}", -EINVAL,
		  "files[0].spec is not there" },
		{ BEGIN COMPONENTS ",\"databases\":[{\"path\":\"/a\",\"spec\":\"*\"}]}]}", -EINVAL,
		  "file group and has databases" },
		{ BEGIN COMPONENTS "},{\"type\":\"database\",\"name\":\"D\",\"selectable\":true,"
		  "\"files\":[{\"path\":\"/a\",\"spec\":\"*\"}]}]}", -EINVAL,
		  "database and has files" },
		{ BEGIN COMPONENTS "},{\"type\":\"database\",\"name\":\"D\",\"selectable\":true,"
		  "\"databases\":[{\"path\":\"/a\",\"spec\":\"*\",\"recursive\":true}]}]}", -EINVAL,
		  "recursive" },
		{ BEGIN COMPONENTS "},{\"type\":\"database\",\"name\":\"D\",\"selectable\":true,"
		  "\"logs\":[{\"path\":\"/a\",\"spec\":\"*\",\"alternate\":\"/b\"}]}]}", -EINVAL,
		  "alternate path" },
		{ BEGIN COMPONENTS "}],\"major\":-1}", -EINVAL, "major is not between" },
		{ BEGIN COMPONENTS "}],\"major\":1.5}", -EINVAL, "major is no integer" },
		{ BEGIN COMPONENTS "}],\"mappings\":[{\"path\":\"/a\",\"spec\":\"*\","
				   "\"destination\":\"/b\"}]}",
		  -EINVAL, "exactly that file set" },
		{ BEGIN COMPONENTS
		  "},{\"type\":\"file-group\",\"name\":\"C\",\"selectable\":false}]}",
		  -EINVAL, "there twice" },
		{ BEGIN COMPONENTS ",\"caption\":\"a\\u0000b\"}]}", -EBADMSG, "line 1" },
		{ BEGIN COMPONENTS ",\"caption\":\"a\\u001bb\"}]}", -EINVAL, "control character" },
		{ BEGIN COMPONENTS ",\"caption\":\"\xff\"}]}", -EBADMSG, "decode byte 0xff" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]", -EFBIG, "in each other" },
		{ "{\"format\":\"shadowcopy-backup-components\",\"version\":\"1.0\"}", -EINVAL,
		  "\"format\"" },
		{ "{\"format\":\"shadowcopy-writer-metadata\",\"version\":\"2.0\"}",
		  -EPROTONOSUPPORT, "version 2.0" },
		{ "{\"format\":\"shadowcopy-writer-metadata\",\"version\":\"1.00\"}", -EINVAL,
		  "\"version\"" },
		{ "{\"format\":\"shadowcopy-writer-metadata\",\"version\":1}", -EINVAL,
		  "\"version\"" },
	};
	size_t i;

	CHECK(load(BEGIN COMPONENTS ",\"a\\u001b[2J\\u009b\":3}]}") == -EINVAL &&
	      says("a member \"a?[2J?\""), "an error does not tell a terminal what to do");
	CHECK(load(BEGIN COMPONENTS "}]}\033[2J") == -EBADMSG &&
	      !strchr(shadowcopy_last_error(sc)->text, '\033'), "nor does one of a bad text");
	CHECK(!load(BEGIN COMPONENTS "}]}"),
	      "a small document that was written by hand is accepted");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int rc = load(bad[i].text);
		char what[128];

		snprintf(what, sizeof(what), "refused, with: %s", bad[i].says);
		CHECK(rc == bad[i].code && says(bad[i].says), what);
	}
}

static void checksums(void)
{
	struct shadowcopy_metadata *metadata = full_metadata(), *again = NULL;
	char *text = NULL, *at;
	char sum[SC_SHA256_LEN];

	sc_sha256("abc", 3, sum);
	CHECK_STRING(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		     "SHA-256 is SHA-256");
	shadowcopy_metadata_save(sc, metadata, &text, NULL);
	at = strstr(text, "index.db");
	at[0] = 'I';
	CHECK(shadowcopy_metadata_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED,
				       &again) == -EBADMSG &&
	      !again && says("checksum does not fit"),
	      "a changed letter is seen, whatever the flags");
	at[0] = 'i';
	at = strstr(text, ",\n  \"sha256\"");
	strcpy(at, "}");
	CHECK(shadowcopy_metadata_load(sc, text, strlen(text), "it", 0, &again) == -EBADMSG &&
	      says("no checksum"), "a document without a checksum is refused");
	CHECK(!shadowcopy_metadata_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED,
					&again), "but where that is asked for");
	shadowcopy_metadata_free(again);
	shadowcopy_metadata_free(metadata);
	free(text);
}

static void versions(void)
{
	static const char newer[] =
		"{\"format\":\"shadowcopy-writer-metadata\",\"version\":\"1.9\","
		"\"class_id\":\"a0010000-0000-0000-0000-000000000000\","
		"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
		"\"usage\":\"other\",\"source\":\"other\",\"restore_method\":\"custom\","
		"\"participation\":\"never\",\"mood\":\"good\",\"list\":[1]"
		COMPONENTS ",\"weight\":7}]}";
	struct shadowcopy_metadata *metadata = NULL;
	char *text = NULL;

	CHECK(!shadowcopy_metadata_load(sc, newer, strlen(newer), "it", SHADOWCOPY_LOAD_UNSIGNED,
					&metadata), "a newer minor version is read");
	shadowcopy_metadata_save(sc, metadata, &text, NULL);
	CHECK(text && strstr(text, "\"mood\": \"good\"") && strstr(text, "\"weight\": 7") &&
	      strstr(text, "\"version\": \"1.9\""), "what is simple and unknown in it is kept");
	CHECK(text && !strstr(text, "\"list\""), "what is not simple is ignored");
	shadowcopy_metadata_free(metadata);
	free(text);
}

static void files_on_disk(void)
{
	char directory[] = "/tmp/shadowcopy-documents.XXXXXX", path[128], other[128];
	struct shadowcopy_metadata *metadata = full_metadata(), *again = NULL;
	struct stat status;
	char *text = NULL;
	size_t size = 0;
	int fd;

	if (!mkdtemp(directory))
		return;
	snprintf(path, sizeof(path), "%s/w.json", directory);
	snprintf(other, sizeof(other), "%s/no/w.json", directory);
	shadowcopy_metadata_save(sc, metadata, &text, &size);
	CHECK(!shadowcopy_document_write(sc, path, "old", 3) &&
	      !shadowcopy_document_write(sc, path, text, size), "a document replaces an old one");
	CHECK(!stat(path, &status) && (status.st_mode & 0777) == 0600, "and is its owner's alone");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(!shadowcopy_metadata_load_fd(sc, fd, path, 0, &again) && again, "it is read again");
	close(fd);
	CHECK(shadowcopy_document_write(sc, other, text, size) == -ENOENT && says("no/w.json"),
	      "one that cannot be written is told of");
	unlink(path);
	CHECK(!rmdir(directory), "no temporary file is left");
	shadowcopy_metadata_free(metadata);
	shadowcopy_metadata_free(again);
	free(text);
}

/* --- backup components ------------------------------------------------------------------ */

/* As the functions of the selection make it, without them. */
static struct shadowcopy_backup *small_backup(struct shadowcopy_backup_component **componentp)
{
	static const char text[] =
		"{\"format\":\"shadowcopy-backup-components\",\"version\":\"1.0\","
		"\"mode\":\"backup\",\"session\":\"5e000000-0000-0000-0000-000000000000\","
		"\"created\":\"2026-01-31T12:00:00.25Z\",\"partial_files\":true,\"type\":\"full\","
		"\"writers\":[{\"class_id\":\"a0010000-0000-0000-0000-000000000000\","
		"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
		"\"components\":[{\"type\":\"file-group\",\"name\":\"C\"}]},"
		"{\"class_id\":\"b0010000-0000-0000-0000-000000000000\","
		"\"instance_id\":\"b0020000-0000-0000-0000-000000000000\",\"name\":\"V\","
		"\"components\":[{\"type\":\"database\",\"name\":\"D\"}]}]}";
	struct shadowcopy_backup *backup;

	if (shadowcopy_backup_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED, &backup))
		printf("# %s\n", shadowcopy_last_error(sc)->text);
	*componentp = backup->writers[0]->components[0];
	return backup;
}

static void act(struct shadowcopy_backup *backup, uint32_t role, uint32_t step)
{
	if (shadowcopy_backup_act(sc, backup, role, step))
		printf("# %s\n", shadowcopy_last_error(sc)->text);
}

#define REQUESTER SHADOWCOPY_ROLE_REQUESTER
#define WRITER SHADOWCOPY_ROLE_WRITER
#define STEP(name) SHADOWCOPY_STEP_ ## name
#define PROPERTY(name) SHADOWCOPY_PROPERTY_ ## name

/*
 * The rows of c.6, and of b: at which of the steps, in their order, who may.  Nine are a backup's,
 * from init to completed, six a restore's, from restore-init to restored.
 */
static void windows(void)
{
	static const struct {
		const char *row;
		uint32_t property;
		const char *who;	/* of each step: requester, writer, nobody */
	} rows[] = {
		{ "B-04", PROPERTY(CONTEXT),			"r-------- ------" },
		{ "B-05", PROPERTY(STATE),			"rr------- ------" },
		{ "F-50", PROPERTY(SET),			"rr-rrrr-- ------" },
		{ "B-06", PROPERTY(RESTORE_TYPE),		"--------- rr----" },
		{ "B-23", PROPERTY(COMPLETED),			"------rrr ------" },
		{ "C-70", PROPERTY(COMPONENTS),			"-r------- ------" },
		{ "C-71", PROPERTY(BACKUP_OPTIONS),		"rr------- ------" },
		{ "C-71", PROPERTY(RESTORE_OPTIONS),		"--------- rr----" },
		{ "C-72", PROPERTY(BACKUP_METADATA),		"--w--w--- ------" },
		{ "C-73", PROPERTY(RESTORE_METADATA),		"--------- --w---" },
		{ "C-74", PROPERTY(BACKUP_STAMP),		"--w--w--- ------" },
		{ "C-74", PROPERTY(PREVIOUS_STAMP),		"rr------- rr----" },
		{ "C-75", PROPERTY(PARTIAL_FILES),		"--w--w--- ------" },
		{ "C-75", PROPERTY(RANGES_PATH),		"--------- rr-r--" },
		{ "C-76", PROPERTY(DIFFERENCED_FILES),		"--w--w--- ------" },
		{ "C-77", PROPERTY(RESTORE_TARGET),		"--------- --w---" },
		{ "C-78", PROPERTY(DIRECTED_TARGETS),		"--------- --w---" },
		{ "C-79", PROPERTY(NEW_TARGETS),		"--------- rr----" },
		{ "C-79", PROPERTY(ALTERNATES_USED),		"--------- ---r--" },
		{ "C-80", PROPERTY(SELECTED),			"--------- -r----" },
		{ "C-80", PROPERTY(RESTORE_SUBCOMPONENTS),	"--------- -r----" },
		{ "C-80", PROPERTY(ADDITIONAL_RESTORES),	"--------- rr-r--" },
		{ "C-81", PROPERTY(BACKUP_SUCCEEDED),		"------r-- ------" },
		{ "C-81", PROPERTY(FILE_RESTORE_STATUS),	"--------- ---r--" },
		{ "C-82", PROPERTY(PREPARE_BACKUP_FAILURE),	"--w------ ------" },
		{ "C-82", PROPERTY(POST_SNAPSHOT_FAILURE),	"-----w--- ------" },
		{ "C-82", PROPERTY(PRE_RESTORE_FAILURE),	"--------- --w---" },
		{ "C-82", PROPERTY(POST_RESTORE_FAILURE),	"--------- ----w-" },
		{ "C-83", PROPERTY(AUTHORITATIVE),		"--------- rr----" },
		{ "C-83", PROPERTY(ROLL_FORWARD),		"--------- rr----" },
		{ "C-83", PROPERTY(RESTORE_NAME),		"--------- rr----" },
		{ "C-84", PROPERTY(FAILURE),			"--w-ww-w- --w-w-" },
	};
	size_t i, step;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char who[64] = "", what[128];

		for (step = 0; step <= STEP(RESTORED); step++) {
			bool requester = !shadowcopy_property_check(sc, rows[i].property,
								    REQUESTER, step);
			bool writer = !shadowcopy_property_check(sc, rows[i].property, WRITER,
								 step);

			if (step == STEP(RESTORE_INIT))
				strcat(who, " ");
			strcat(who, requester && writer ? "both" : requester ? "r" :
			       writer ? "w" : "-");
		}
		snprintf(what, sizeof(what), "%s: %s in its window only", rows[i].row,
			 shadowcopy_property_name(rows[i].property));
		CHECK_STRING(who, rows[i].who, what);
	}
	CHECK(shadowcopy_property_check(sc, 99, REQUESTER, 0) == -EINVAL &&
	      shadowcopy_property_check(sc, PROPERTY(STATE), REQUESTER, 99) == -EINVAL &&
	      shadowcopy_property_check(sc, PROPERTY(STATE), 9, 0) == -EINVAL,
	      "what there is not has no window");
	shadowcopy_property_check(sc, PROPERTY(BACKUP_STAMP), REQUESTER, STEP(CREATED));
	CHECK_STRING(shadowcopy_last_error(sc)->text,
		     "cannot change backup-stamp: the requester may not at step created. A writer "
		     "may, at: prepare-backup, post-snapshot", "the error tells who may, and when");
}

static void setters(void)
{
	struct shadowcopy_backup_component *c;
	struct shadowcopy_backup *backup = small_backup(&c);
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_component *component;

	act(backup, REQUESTER, STEP(GATHERED));
	CHECK(!shadowcopy_backup_component_set_text(sc, c, PROPERTY(BACKUP_OPTIONS), "fast") &&
	      !strcmp(c->backup_options, "fast"), "the requester sets backup options");
	CHECK(shadowcopy_backup_component_set_text(sc, c, PROPERTY(BACKUP_METADATA), "x") ==
	      -EBADFD,
	      "but no backup metadata");
	CHECK(shadowcopy_backup_component_set_text(sc, c, PROPERTY(FAILURE), "x") == -EINVAL &&
	      shadowcopy_backup_component_set_text(sc, c, PROPERTY(NEW_TARGETS), "x") == -EINVAL,
	      "what is no text is not set as one");
	CHECK(shadowcopy_backup_act(sc, backup, WRITER, STEP(PRE_RESTORE)) == -EINVAL,
	      "a backup does not get to a restore's step");
	act(backup, WRITER, STEP(PREPARE_BACKUP));
	CHECK(!shadowcopy_backup_component_set_text(sc, c, PROPERTY(BACKUP_STAMP), "1"),
	      "without shadows a stamp is set in PrepareForBackup (C-74)");
	act(backup, REQUESTER, STEP(SNAPSHOT));
	CHECK(!shadowcopy_backup_add_shadow(sc, backup, &session, "/dev/vda1",
					    (struct shadow_dev){ 253, 1 }, "/dev/shadow0", NULL),
	      "a shadow is added");
	CHECK(shadowcopy_backup_add_shadow(sc, backup, &(struct shadow_uuid){ 0 }, "/dev/vdb",
					   (struct shadow_dev){ 253, 2 }, NULL, NULL) == -EINVAL &&
	      shadowcopy_backup_shadow_add_mount(sc, backup->shadows[0], NULL) == -EINVAL,
	      "but none without an identity, nor a mount that is nowhere");
	CHECK(shadowcopy_backup_shadow_set_fs(sc, backup->shadows[0], "1-2", "a/b") == -EINVAL &&
	      !backup->shadows[0]->fs_uuid, "of two texts both are good, or none is set");
	act(backup, WRITER, STEP(PREPARE_BACKUP));
	CHECK(shadowcopy_backup_component_set_text(sc, c, PROPERTY(BACKUP_STAMP), "1") == -EBADFD,
	      "with shadows it is not");
	act(backup, WRITER, STEP(POST_SNAPSHOT));
	CHECK(!shadowcopy_backup_component_add_partial(sc, c, "/srv", "big", "0:4096,0x2000:0x1000",
						       NULL), "a partial file is added (F-40)");
	CHECK(shadowcopy_backup_component_add_partial(sc, c, "/srv/", "big", "0:1", NULL) ==
	      -EEXIST &&
	      shadowcopy_backup_component_add_partial(sc, c, "/srv", "b*", "0:1", NULL) ==
	      -EINVAL &&
	      shadowcopy_backup_component_add_partial(sc, c, "/srv", "b", "0:", NULL) ==
	      -EINVAL,
	      "but not twice, nor with a wildcard, nor without ranges");
	CHECK(shadowcopy_backup_add_shadow(sc, backup, &(struct shadow_uuid){ 0 }, "/dev/vdb",
					   (struct shadow_dev){ 253, 2 }, NULL, NULL) == -EBADFD,
	      "a shadow is not the writer's to add");
	backup->partial_files = false;
	CHECK(shadowcopy_backup_component_add_partial(sc, c, "/srv", "more", "0:1", NULL) ==
	      -EINVAL &&
	      says("cannot back up parts"),
	      "nor where the requester does not want any");
	CHECK(!shadowcopy_backup_component_add_differenced(sc, c, "/srv", "*.log", true, 1000) &&
	      shadowcopy_backup_component_add_differenced(sc, c, "/srv/", "*.log", true,
							  0) == -EEXIST,
	      "differenced files are added once (F-41)");
	CHECK(shadowcopy_backup_component_add_partial(sc, c, NULL, "n", "0:1", NULL) == -EINVAL &&
	      shadowcopy_backup_component_add_partial(sc, c, "/srv", NULL, "0:1", NULL) ==
	      -EINVAL &&
	      shadowcopy_backup_component_add_differenced(sc, c, "/srv", NULL, true, 0) ==
	      -EINVAL &&
	      c->partial_file_count == 1 && c->differenced_file_count == 1,
	      "what is not there is not added");
	CHECK(!shadowcopy_backup_component_set_failure(sc, c, SHADOWCOPY_FAILURE_RETRYABLE, 7,
						       "no"),
	      "a writer tells of a failure (C-84)");

	CHECK(!shadowcopy_backup_begin_restore(sc, backup, &session), "a restore is begun");
	act(backup, REQUESTER, STEP(CHOOSING));
	CHECK(!shadowcopy_backup_component_set_text(sc, c, PROPERTY(RESTORE_OPTIONS),
						    "\"Roll Forward\"=\"All\"") &&
	      shadowcopy_backup_component_set_text(sc, c, PROPERTY(RESTORE_OPTIONS),
						   "All") == -EINVAL,
	      "restore options have a grammar (l.6)");
	CHECK(!shadowcopy_backup_component_set_value(sc, c, PROPERTY(AUTHORITATIVE), 1) &&
	      c->authoritative, "a flag is set");
	CHECK(shadowcopy_backup_component_set_roll_forward(sc, c, 3, NULL) == -EINVAL &&
	      !shadowcopy_backup_component_set_roll_forward(sc, c, 3, "LSN 4"),
	      "a partial roll forward has a point (B-44)");
	CHECK(shadowcopy_backup_component_set_roll_forward(sc, c, 9, NULL) == -EINVAL &&
	      c->roll_forward == 3 && !strcmp(c->roll_forward_point, "LSN 4"),
	      "what is refused changes nothing");
	CHECK(shadowcopy_backup_component_set_text(sc, c, PROPERTY(RESTORE_NAME), "") == -EINVAL &&
	      !shadowcopy_backup_component_set_text(sc, c, PROPERTY(RESTORE_NAME), "a/b"),
	      "a name to restore under is one (B-43)");
	metadata = small_metadata(&component, SHADOWCOPY_COMPONENT_FILE_GROUP);
	shadowcopy_component_add_files(sc, component, "/srv", "*", false, NULL, 0);
	CHECK(shadowcopy_backup_component_add_new_target(sc, c, metadata, "/srv", "*", false,
							 "/new") == -EOPNOTSUPP,
	      "a new target needs a writer that offers it (G-11)");
	shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_NEW_TARGET);
	CHECK(shadowcopy_backup_component_add_new_target(sc, c, metadata, "/srv", "*", true,
							 "/new") == -ENOENT &&
	      !shadowcopy_backup_component_add_new_target(sc, c, metadata, "/srv", "*", false,
							  "/new"),
	      "and a file set that is exactly that (B-37)");
	CHECK(shadowcopy_backup_component_add_new_target(sc, c, metadata, "/srv/", "*", false,
							 "/other") == -EEXIST &&
	      c->new_target_count == 1, "which is given once");
	metadata->instance_id = instance_b;
	CHECK(shadowcopy_backup_component_add_new_target(sc, c, metadata, "/srv", "*", false,
							 "/new") == -EINVAL &&
	      says("another writer"), "by the metadata of its own writer");
	act(backup, WRITER, STEP(PRE_RESTORE));
	CHECK(!shadowcopy_backup_component_set_value(sc, c, PROPERTY(RESTORE_TARGET),
						     SHADOWCOPY_TARGET_DIRECTED) &&
	      shadowcopy_backup_component_set_value(sc, c, PROPERTY(RESTORE_TARGET), 9) == -EINVAL,
	      "a writer sets a target that there is (C-77)");
	CHECK(shadowcopy_backup_component_add_directed(sc, c, "/srv", "a", "0:10", "/srv", "b",
						       "0:9") == -EINVAL &&
	      says("different lengths") &&
	      !shadowcopy_backup_component_add_directed(sc, c, "/srv", "a", "0:10,20:5",
								"/srv", "b", "5:10,99:5"),
	      "directed targets have ranges of the same lengths (F-45)");
	act(backup, REQUESTER, STEP(RESTORING));
	CHECK(!shadowcopy_backup_component_set_ranges_path(sc, c, "/srv/", "big", "/tmp/r") &&
	      shadowcopy_backup_component_set_ranges_path(sc, c, "/srv", "no", "/tmp/r") == -ENOENT,
	      "a ranges file is moved (B-40)");
	CHECK(!shadowcopy_backup_begin_restore(sc, backup, &session) && !c->authoritative &&
	      !c->roll_forward && !c->directed_target_count && c->partial_file_count == 1 &&
	      !c->partial_files[0]->ranges_path && !c->failure && !c->failure_text &&
	      !strcmp(c->backup_stamp, "1"), "the next restore begins with what the backup left");
	shadowcopy_metadata_free(metadata);
	shadowcopy_backup_free(backup);
}

#define BACKUP_BEGIN \
	"{\"format\":\"shadowcopy-backup-components\",\"version\":\"1.0\"," \
	"\"mode\":\"backup\",\"session\":\"5e000000-0000-0000-0000-000000000000\""

static int load_backup(const char *text, struct shadowcopy_backup **backupp)
{
	return shadowcopy_backup_load(sc, text, strlen(text), "it", SHADOWCOPY_LOAD_UNSIGNED,
				      backupp);
}

static void backup_round_trip(void)
{
	struct shadowcopy_backup_component *c;
	struct shadowcopy_backup_shadow *shadow;
	struct shadowcopy_backup *backup, *again = NULL;
	char *text = NULL, *text_again = NULL;
	int rc;

	rc = shadowcopy_backup_new(sc, &session, &backup);
	CHECK(!shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_OTHER, false, false,
					   false) &&
	      shadowcopy_backup_set_state(sc, backup, 0, true, true, true) == -EINVAL &&
	      says("type is undefined") && backup->type == SHADOWCOPY_TYPE_OTHER &&
	      !backup->bootable,
	      "a type of backup may be another one, but not undefined (G-06)");
	rc |= shadowcopy_backup_set_context(sc, backup, SHADOWCOPY_CTX_NAS_ROLLBACK);
	rc |= shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_COPY, true, true, true);
	act(backup, REQUESTER, STEP(SNAPSHOT));
	rc |= shadowcopy_backup_set_set(sc, backup, &class_a, "host", 1769860800123456789LL);
	rc |= shadowcopy_backup_add_shadow(sc, backup, &class_b, "/dev/vda1",
					   (struct shadow_dev){ 253, 1 }, "/dev/shadow0", &shadow);
	rc |= shadowcopy_backup_shadow_set_fs(sc, shadow, "1234-ABCD", "vfat");
	rc |= shadowcopy_backup_shadow_add_mount(sc, shadow, "/srv");
	rc |= shadowcopy_backup_shadow_set_provider(sc, shadow, &session, "lun 7\n");
	CHECK(shadowcopy_backup_set_completed(sc, backup, 1769860801000000000LL) == -EBADFD,
	      "a backup is not complete before its set is there (B-23)");
	act(backup, REQUESTER, STEP(COMPLETE));
	rc |= shadowcopy_backup_set_completed(sc, backup, 1769860801000000000LL);
	CHECK(!rc, "a header with everything is made (F-50)");
	CHECK(shadowcopy_backup_set_context(sc, backup, 0) == -EBADFD,
	      "a context is set at the beginning only (B-04)");
	rc = shadowcopy_backup_save(sc, backup, &text, NULL);
	CHECK(!rc && strstr(text, "\"taken\": \"2026-01-31T12:00:00.123456789Z\""), "and saved");
	rc = shadowcopy_backup_load(sc, text, strlen(text), "it", 0, &again);
	CHECK(!rc && again->taken == backup->taken && again->created == backup->created &&
	      again->type == SHADOWCOPY_TYPE_COPY && again->bootable,
	      "and loaded, with its state (B-05)");
	shadowcopy_backup_save(sc, again, &text_again, NULL);
	CHECK_STRING(text_again ?: "", text, "and saved again without a difference");
	free(text);
	free(text_again);
	shadowcopy_backup_free(backup);
	shadowcopy_backup_free(again);
	/* Found by the fuzzer: such a writer was saved as what cannot be loaded. */
	rc = load_backup(BACKUP_BEGIN ",\"writers\":[{\"class_id\":"
			 "\"a0010000-0000-0000-0000-000000000000\",\"instance_id\":"
			 "\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
			 "\"components\":[]}]}", &again);
	CHECK(!rc && !shadowcopy_backup_save(sc, again, &text, NULL) &&
	      strstr(text, "\"components\": []"), "a writer without components is saved as it is");
	free(text);
	shadowcopy_backup_free(again);
	CHECK(load_backup(BACKUP_BEGIN ",\"writers\":[{\"class_id\":"
			  "\"a0010000-0000-0000-0000-000000000000\",\"instance_id\":"
			  "\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
			  "\"components\":[{\"type\":\"database\",\"name\":\"D\","
			  "\"differenced_files\":[{\"path\":\"/a\",\"spec\":\"*\"},"
			  "{\"path\":\"/a/\",\"spec\":\"*\"}]}]}]}", &again) == -EINVAL &&
	      says("there twice"), "what cannot be added twice cannot be loaded twice");
	backup = small_backup(&c);
	CHECK(shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_UNDEFINED, true, false,
					  false) == -EINVAL &&
	      shadowcopy_backup_set_state(sc, backup, 7, true, false, false) == -EINVAL,
	      "a backup is of a type that there is (G-06)");
	CHECK(backup->created == 1769860800250000000LL, "a time with decimals is read");
	shadowcopy_backup_free(backup);
}

/* A list is copied with all that its elements have, also what a newer version put into them. */
static void copying(void)
{
	static const char newer[] =
		"{\"format\":\"shadowcopy-backup-components\",\"version\":\"1.7\","
		"\"mode\":\"backup\",\"session\":\"5e000000-0000-0000-0000-000000000000\","
		"\"mood\":\"good\","
		"\"writers\":[{\"class_id\":\"a0010000-0000-0000-0000-000000000000\","
		"\"instance_id\":\"a0020000-0000-0000-0000-000000000000\",\"name\":\"W\","
		"\"components\":[{\"type\":\"file-group\",\"name\":\"C\"%s}]}]}";
	struct shadowcopy_backup *backup, *edited;
	char text[1024], *saved = NULL;

	snprintf(text, sizeof(text), newer, "");
	load_backup(text, &backup);
	snprintf(text, sizeof(text), newer,
		 ",\"differenced_files\":[{\"path\":\"/a\",\"spec\":\"*\",\"color\":\"red\"}]");
	load_backup(text, &edited);
	act(backup, WRITER, STEP(POST_SNAPSHOT));
	CHECK(!shadowcopy_backup_merge(sc, backup, edited, &instance_a, 1) &&
	      !shadowcopy_backup_save(sc, backup, &saved, NULL) &&
	      strstr(saved, "\"color\": \"red\""),
	      "what a newer version has in a list is taken over with it");
	free(saved);
	shadowcopy_backup_free(backup);
	CHECK(!shadowcopy_backup_view(sc, edited, NULL, 0, &backup) &&
	      !shadowcopy_backup_save(sc, backup, &saved, NULL) &&
	      strstr(saved, "\"mood\": \"good\"") && strstr(saved, "\"version\": \"1.7\"") &&
	      strstr(saved, "\"color\": \"red\""), "so it is in a view of the document");
	free(saved);
	shadowcopy_backup_free(backup);
	shadowcopy_backup_free(edited);
}

static void times(void)
{
	static const char *const bad[] = {
		"2026-01-31T12:00:0Z", "2026-1-31T12:00:00Z", "2026-01-31 12:00:00Z",
		"2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "2026-01-31T12:00:60Z",
		"2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234567890Z", "1969-12-31T23:59:59Z",
		"2201-01-01T00:00:00Z", " 2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00",
	};
	struct shadowcopy_backup *backup;
	char text[256];
	bool refused = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), BACKUP_BEGIN ",\"created\":\"%s\"}", bad[i]);
		refused &= load_backup(text, &backup) == -EINVAL && !backup && says("no time");
	}
	CHECK(refused, "what is no time is refused");
	CHECK(!load_backup(BACKUP_BEGIN ",\"created\":\"2200-01-01T00:00:00.999999999Z\"}",
			   &backup) &&
	      backup->created == 7258118400999999999LL, "the year 2200 is one");
	shadowcopy_backup_free(backup);
}

/* Of what has the smallest limit: what is full takes no more, and is as it was. */
static void limits(void)
{
	struct shadowcopy_backup_component *c;
	struct shadowcopy_backup *backup = small_backup(&c);
	char name[16];
	int i, rc = 0;

	act(backup, WRITER, STEP(POST_SNAPSHOT));
	for (i = 0; i < 4096; i++) {
		sprintf(name, "%d", i);
		rc |= shadowcopy_backup_component_add_partial(sc, c, "/srv", name, "0:1", NULL);
	}
	CHECK(!rc && shadowcopy_backup_component_add_partial(sc, c, "/srv", "x", "0:1", NULL) ==
	      -E2BIG && says("4096") && c->partial_file_count == 4096, "a list has an end");
	shadowcopy_backup_free(backup);
}

static void merging(void)
{
	struct shadowcopy_backup_component *c, *copy, *other;
	struct shadowcopy_backup *backup = small_backup(&c), *edited = small_backup(&copy);

	other = edited->writers[1]->components[0];
	act(backup, WRITER, STEP(POST_SNAPSHOT));
	act(edited, WRITER, STEP(POST_SNAPSHOT));
	shadowcopy_backup_component_set_text(sc, copy, PROPERTY(BACKUP_STAMP), "s");
	shadowcopy_backup_component_add_partial(sc, copy, "/srv", "big", "0:1", NULL);
	CHECK(!shadowcopy_backup_merge(sc, backup, edited, &instance_a, 1) &&
	      !strcmp(c->backup_stamp, "s") && c->partial_file_count == 1,
	      "what a writer changed in its copy is taken over");
	act(edited, REQUESTER, STEP(GATHERED));
	shadowcopy_backup_component_set_text(sc, copy, PROPERTY(BACKUP_OPTIONS), "mine");
	act(edited, WRITER, STEP(POST_SNAPSHOT));
	shadowcopy_backup_component_set_text(sc, copy, PROPERTY(BACKUP_METADATA), "m");
	CHECK(shadowcopy_backup_merge(sc, backup, edited, &instance_a, 1) == -EBADFD &&
	      !c->backup_options && !c->backup_metadata,
	      "what is the requester's is not, and nothing with it");
	shadowcopy_backup_free(edited);
	edited = small_backup(&copy);
	other = edited->writers[1]->components[0];
	act(edited, WRITER, STEP(POST_SNAPSHOT));
	shadowcopy_backup_component_set_text(sc, other, PROPERTY(BACKUP_STAMP), "s");
	CHECK(shadowcopy_backup_merge(sc, backup, edited, &instance_a, 1) == -EBADFD &&
	      says("another writer's"), "nor is what is another writer's");
	shadowcopy_backup_free(backup);
	shadowcopy_backup_free(edited);
}

/* --- texts --------------------------------------------------------------------------------- */

static const char *lookup(void *data, const char *name)
{
	(void)data;
	if (!strcmp(name, "STATE"))
		return "/var/lib";
	if (!strcmp(name, "ALL"))
		return "/var/*";
	if (!strcmp(name, "NAME"))
		return "mail";
	return strcmp(name, "EVIL") ? NULL : "/x/../etc";
}

static void expansion(void)
{
	struct shadowcopy_metadata *metadata = full_metadata();
	struct shadowcopy_backup_component *c;
	struct shadowcopy_backup *backup = small_backup(&c);
	char *path;

	CHECK(!shadowcopy_path_expand(sc, "${STATE}/mail", lookup, NULL, &path),
	      "a path is expanded");
	CHECK_STRING(path ?: "", "/var/lib/mail", "by its variable");
	free(path);
	CHECK(shadowcopy_path_expand(sc, "/a/${NO}/b", lookup, NULL, &path) == -ENOENT && !path,
	      "an unknown variable is an error");
	CHECK(shadowcopy_path_expand(sc, "${EVIL}/b", lookup, NULL, &path) == -EINVAL &&
	      says("\"..\""),
	      "a value does not lead out");
	CHECK(!shadowcopy_metadata_expand(sc, metadata, lookup, NULL) &&
	      !strcmp(metadata->components[0]->files[1]->path, "/var/lib/mail"),
	      "a whole document is expanded");
	shadowcopy_component_add_files(sc, metadata->components[0], "${ALL}", "*", false, NULL, 0);
	CHECK(shadowcopy_metadata_expand(sc, metadata, lookup, NULL) == -EINVAL &&
	      says("wildcard"), "a value makes no pattern of a directory");
	shadowcopy_metadata_free(metadata);
	act(backup, WRITER, STEP(POST_SNAPSHOT));
	CHECK(!shadowcopy_backup_component_add_partial(sc, c, "${STATE}/x", "a", "/srv/${NAME}/r",
						       "${STATE}") &&
	      !shadowcopy_backup_expand(sc, backup, lookup, NULL) &&
	      !strcmp(c->partial_files[0]->path, "/var/lib/x") &&
	      !strcmp(c->partial_files[0]->ranges, "/srv/mail/r") &&
	      !strcmp(c->partial_files[0]->metadata, "${STATE}"),
	      "so is a backup's, its paths and nothing else");
	shadowcopy_backup_free(backup);
}

static void specs(void)
{
	CHECK(shadowcopy_spec_matches("*", "") && shadowcopy_spec_matches("*.d?", "a.db") &&
	      shadowcopy_spec_matches("a*b*c", "aXbYbc") &&
	      shadowcopy_spec_matches("?", "\xc3\xa4") &&
	      shadowcopy_spec_matches("[a]", "[a]"),
	      "patterns fit");
	CHECK(!shadowcopy_spec_matches("?", "") && !shadowcopy_spec_matches("*.db", "a.dbx") &&
	      !shadowcopy_spec_matches("[a]", "a") && !shadowcopy_spec_matches("A", "a") &&
	      !shadowcopy_spec_matches("a*b*c", "aXbY"), "and do not");
}

static void parse_ranges(void)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "", "character 1 there is no offset" }, { "5", "character 2 there is no \":\"" },
		{ "5:", "character 3 there is no length" }, { "5:0", "no length" },
		{ "1:2,", "character 5 there is no offset" }, { "1:2;3:4", "character 4" },
		{ "0x:1", "no offset" }, { "-1:1", "no offset" }, { "1:0xg", "no length" },
		{ "18446744073709551616:1", "no offset" }, { "1: 2", "no length" },
		{ "0x7fffffffffffffff:1", "beyond" }, { "1:0xffffffffffffffff", "beyond" },
	};
	char name[] = "/tmp/shadowcopy-ranges.XXXXXX";
	struct shadowcopy_range *list, *again = NULL;
	uint64_t count_too_many = 0x200000;
	size_t count, i;
	int fd = mkstemp(name);

	unlink(name);
	CHECK(!shadowcopy_ranges_parse(sc, "0:4096,0x2000:0X10,9223372036854775806:1", &list,
				       &count) &&
	      count == 3 && list[1].offset == 8192 && list[1].length == 16,
	      "ranges are read (F-40)");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct shadowcopy_range *none;
		char what[64];

		snprintf(what, sizeof(what), "\"%s\" is refused", bad[i].text);
		CHECK(shadowcopy_ranges_parse(sc, bad[i].text, &none, &count) == -EINVAL && !none &&
		      says(bad[i].says), what);
	}
	CHECK(!shadowcopy_ranges_write(sc, fd, "r", list, 3) && !lseek(fd, 0, SEEK_SET) &&
	      !shadowcopy_ranges_read(sc, fd, "r", &again, &count) && count == 3 &&
	      !memcmp(list, again, 3 * sizeof(*list)), "a ranges file is written and read");
	free(again);
	CHECK(shadowcopy_ranges_write(sc, fd, "r", &(struct shadowcopy_range){ 5, 0 }, 1) ==
	      -EINVAL && says("no length"), "one that could not be read is not written");
	CHECK(!ftruncate(fd, 55) && !lseek(fd, 0, SEEK_SET) &&
	      shadowcopy_ranges_read(sc, fd, "r", &again, &count) == -EINVAL && says("shorter"),
	      "a short one is refused");
	CHECK(pwrite(fd, &count_too_many, 8, 0) == 8 && !lseek(fd, 0, SEEK_SET) &&
	      shadowcopy_ranges_read(sc, fd, "r", &again, &count) == -EFBIG,
	      "and one that promises too many");
	close(fd);
	free(list);
}

static void parse_options(void)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "Name=Value", "character 1 has no name" },
		{ "\"Name\"", "character 7 has no \"=\"" },
		{ "\"Name\"=Value", "character 8 has no value" },
		{ "\"Name\"=\"Value", "no quotation mark" },
		{ "\"A\"=\"1\",", "character 9 has no name" },
		{ "\"A\"=\"1\" x", "character 9 has something else" },
		{ "\"a/../b\":\"A\"=\"1\"", "no logical path" },
		{ "\"\"=\"1\"", "empty name" },
		{ "\"Authoritative\"=\"Some\"", "neither" },
		{ "\"authoritative\"=\"all\",\"Authoritative\"=\"Item:1\"", "twice" },
		{ "\"Roll Forward\"=\"Partial:\"", "none of" },
		{ "\"Roll Forward\"=\"All\",\"roll forward\"=\"None\"", "character 22 says" },
		{ "\"Authoritative\"=\"Item:1\",\"x\"=\"y\",\"Authoritative\"=\"all\"",
		  "character 34 says" },
		{ "\"New Component Name\"=\"/x\"", "no logical path" },
		{ "\"New Component Name\"=\"x\",\"new component name\"=\"y\"", "twice" },
		{ "\"Roll Forward\"=\"None\",\"Roll Forward\"=\"Partial:x\"", "twice" },
	};
	struct shadowcopy_option **list;
	size_t i, count;
	int rc;

	rc = shadowcopy_options_parse(sc,
				      "\"Sub/Path\" : \"My Name\" = \"a\\\"b\" ,\"Roll Forward\"="
				      "\"Partial:12:00\",\"Authoritative\"=\"Item:1\","
				      "\"Authoritative\"=\"Item:2\"",
				      &list, &count);
	CHECK(!rc && count == 4 && !strcmp(list[0]->component, "Sub/Path") &&
	      !strcmp(list[0]->name, "My Name") && !strcmp(list[0]->value, "a\"b") &&
	      !list[1]->component && !list[4], "restore options are read (l.6)");
	free(list);
	CHECK(!shadowcopy_options_parse(sc, "", &list, &count) && !count, "none are some");
	free(list);
	CHECK(!shadowcopy_options_parse(sc,
					"\"A\":\"Roll Forward\"=\"All\",\"B\":\"Roll Forward\"=\"All\","
					"\"x\"=\"1\",\"x\"=\"1\"", &list, &count) && count == 4 &&
	      !strcmp(list[1]->component, "B") && !strcmp(list[3]->name, "x"),
	      "of two components each may say it, and what nobody knows may be there twice");
	free(list);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(shadowcopy_options_parse(sc, bad[i].text, &list, &count) == -EINVAL &&
		      !list && says(bad[i].says),
		      bad[i].text);
}

void test_documents(void)
{
	sc = shadowcopy_new();
	metadata_round_trip();
	metadata_arguments();
	metadata_rules();
	refused_texts();
	checksums();
	versions();
	files_on_disk();
	windows();
	setters();
	backup_round_trip();
	copying();
	times();
	limits();
	merging();
	expansion();
	specs();
	parse_ranges();
	parse_options();
	shadowcopy_free(sc);
}
