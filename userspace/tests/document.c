// SPDX-License-Identifier: GPL-2.0-only
/*
 * document.c - a program for document.sh: print schemas and samples, load what is
 * on the disk.
 *
 *	document schema metadata|backup
 *	document sample metadata|backup
 *	document load metadata|backup FILE	unsigned ones, too; prints the error
 *	document cut metadata|backup FILE	load every beginning of it: all are refused
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshadowcopy-document.h"

static struct shadowcopy *sc;
static uint32_t kind;

static int load_fd(int fd, const char *label, uint32_t flags)
{
	struct shadowcopy_metadata *metadata = NULL;
	struct shadowcopy_backup *backup = NULL;
	int rc;

	if (kind == SHADOWCOPY_DOCUMENT_BACKUP)
		rc = shadowcopy_backup_load_fd(sc, fd, label, flags, &backup);
	else
		rc = shadowcopy_metadata_load_fd(sc, fd, label, flags, &metadata);
	shadowcopy_backup_free(backup);
	shadowcopy_metadata_free(metadata);
	return rc;
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	rc = load_fd(fd, "it", SHADOWCOPY_LOAD_UNSIGNED);
	close(fd);
	if (rc)
		puts(shadowcopy_last_error(sc)->text);
	return rc ? 1 : 0;
}

/* Each beginning of a file, but the one that lacks the final newline only. */
static int cut(const char *path)
{
	static char text[64 << 10];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t size = read(fd, text, sizeof(text)), i;

	close(fd);
	for (i = 0; i < size - 1; i++) {
		struct shadowcopy_metadata *metadata = NULL;
		struct shadowcopy_backup *backup = NULL;
		/* A copy of its own, so that a read beyond its end is seen. */
		char *copy = malloc(i ? i : 1);
		int got;

		memcpy(copy, text, i);
		if (kind == SHADOWCOPY_DOCUMENT_BACKUP)
			got = shadowcopy_backup_load(sc, copy, i, "it", 0, &backup);
		else
			got = shadowcopy_metadata_load(sc, copy, i, "it", 0, &metadata);
		free(copy);
		shadowcopy_backup_free(backup);
		shadowcopy_metadata_free(metadata);
		if (!got) {
			printf("%zd bytes are accepted\n", i);
			rc = 1;
		}
	}
	return size > 100 ? rc : 1;
}

static const struct shadow_uuid class_id = { { 0xc1, 0xa5, 0x5 } };
static const struct shadow_uuid instance_id = { { 0x1, 0x2, 0x3 } };

static struct shadowcopy_metadata *sample_metadata(void)
{
	struct shadowcopy_metadata *metadata;
	struct shadowcopy_component *component;

	shadowcopy_metadata_new(sc, &class_id, &instance_id, "Mail", &metadata);
	shadowcopy_metadata_set_version(sc, metadata, "mail-1", 1, 0);
	shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
				      SHADOWCOPY_SOURCE_TRANSACTIONAL);
	shadowcopy_metadata_set_restore(sc, metadata, SHADOWCOPY_RESTORE_STOP_RESTORE_START,
					"mail.service", SHADOWCOPY_PARTICIPATION_ALWAYS, true);
	shadowcopy_metadata_set_schema(sc, metadata,
				       SHADOWCOPY_SCHEMA_COPY | SHADOWCOPY_SCHEMA_LOG);
	shadowcopy_metadata_add_exclude(sc, metadata, "/var/spool/mail/tmp", "*", true);
	shadowcopy_metadata_add_shadow_exclude(sc, metadata, "/var/spool/mail", "*.lock", false);
	shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
					  "Boxes", "Mail boxes", true, false, 0, &component);
	shadowcopy_component_add_files(sc, component, "/var/spool/mail", "*", true, NULL,
				       SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_component_add_dependency(sc, component, &instance_id, "Users", "All",
					    "directory.example.org");
	shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_DATABASE, "Boxes",
					  "Index", NULL, false, true, 0, &component);
	shadowcopy_component_add_database(sc, component, "/var/lib/mail", "index.db",
					  SHADOWCOPY_NEEDED_FULL);
	shadowcopy_component_add_log(sc, component, "/var/lib/mail", "*.log",
				     SHADOWCOPY_NEEDED_DEFAULT);
	shadowcopy_metadata_add_mapping(sc, metadata, "/var/lib/mail", "index.db", false,
					"/var/lib/mail.restored");
	return metadata;
}

/* What the two sides add to a component. */
static void sample_component(struct shadowcopy_backup *backup,
			     struct shadowcopy_backup_component *component)
{
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_WRITER, SHADOWCOPY_STEP_POST_SNAPSHOT);
	shadowcopy_backup_component_set_text(sc, component, SHADOWCOPY_PROPERTY_BACKUP_STAMP,
					     "LSN 4711");
	shadowcopy_backup_component_add_partial(sc, component, "/var/spool/mail", "big",
						"0:4096,0x10000:512", NULL);
	shadowcopy_backup_component_add_partial(sc, component, "/srv", "a", "/srv/r", NULL);
	shadowcopy_backup_component_add_differenced(sc, component, "/var/spool/mail", "*.new", true,
						    1769860700000000000LL);
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_CREATED);
	shadowcopy_backup_component_set_value(sc, component, SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED,
					      SHADOWCOPY_SUCCESS_YES);
}

static struct shadowcopy_backup *sample_backup(const struct shadowcopy_metadata *metadata)
{
	struct shadowcopy_backup_component *component;
	struct shadowcopy_backup_shadow *shadow;
	struct shadowcopy_backup *backup;

	shadowcopy_backup_new(sc, &instance_id, &backup);
	shadowcopy_backup_set_state(sc, backup, SHADOWCOPY_TYPE_FULL, true, false, true);
	shadowcopy_backup_set_set(sc, backup, &class_id, "host", 1769860800000000000LL);
	shadowcopy_backup_add_shadow(sc, backup, &instance_id, "/dev/vda1",
				     (struct shadow_dev){ 253, 1 }, "/dev/shadow0", &shadow);
	shadowcopy_backup_shadow_set_fs(sc, shadow, "3e6be9de-8139-11d1-9106-a43f08d823a6", "ext4");
	shadowcopy_backup_shadow_add_mount(sc, shadow, "/");
	shadowcopy_backup_act(sc, backup, SHADOWCOPY_ROLE_REQUESTER, SHADOWCOPY_STEP_GATHERED);
	if (!shadowcopy_backup_add_component(sc, backup, metadata, NULL, "Boxes", &component))
		sample_component(backup, component);
	return backup;
}

static int sample(void)
{
	struct shadowcopy_metadata *metadata = sample_metadata();
	struct shadowcopy_backup *backup = sample_backup(metadata);
	char *text = NULL;
	int rc;

	rc = kind == SHADOWCOPY_DOCUMENT_BACKUP ?
		shadowcopy_backup_save(sc, backup, &text, NULL) :
		shadowcopy_metadata_save(sc, metadata, &text, NULL);
	fputs(rc ? shadowcopy_last_error(sc)->text : text, stdout);
	free(text);
	shadowcopy_metadata_free(metadata);
	shadowcopy_backup_free(backup);
	return rc ? 1 : 0;
}

static int schema(void)
{
	char *text;

	if (shadowcopy_document_schema(sc, kind, &text))
		return 1;
	puts(text);
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = 2;

	if (argc < 3)
		return rc;
	sc = shadowcopy_new();
	kind = strcmp(argv[2], "backup") ? SHADOWCOPY_DOCUMENT_METADATA :
					   SHADOWCOPY_DOCUMENT_BACKUP;
	if (!strcmp(argv[1], "schema"))
		rc = schema();
	else if (!strcmp(argv[1], "sample"))
		rc = sample();
	else if (!strcmp(argv[1], "load") && argc == 4)
		rc = load(argv[3]);
	else if (!strcmp(argv[1], "cut") && argc == 4)
		rc = cut(argv[3]);
	shadowcopy_free(sc);
	return rc;
}
