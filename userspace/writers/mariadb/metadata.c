// SPDX-License-Identifier: GPL-2.0-only
/*
 * metadata.c - the documents: what the server has, and what is to be known of a backup of it.
 *
 * All of a server's data is one component: a single database of it is of no use without the
 * rest, since InnoDB's tables share its log, its undo log and its dictionary.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mariadb.h"

struct excluding {
	struct shadowcopy *sc;
	struct shadowcopy_metadata *metadata;
	const struct server *server;
	const char *datadir;
};

static int exclude(const struct excluding *e, const char *dir, const char *spec, bool recursive)
{
	return shadowcopy_metadata_add_exclude(e->sc, e->metadata, dir, spec, recursive);
}

/* A file by its path, if it is in the data directory. */
static int exclude_file(const struct excluding *e, const char *file)
{
	char *path = server_path(e->server, file), *slash;
	int rc = 0;

	if (!path)
		return -ENOMEM;
	slash = strrchr(path, '/');
	*slash = '\0';
	/* what the server says may go over a symbolic link, or have "./" in it */
	if (!strcmp(path, e->datadir) || !strcmp(path, e->server->values[V_DATADIR]) ||
	    !strchr(file, '/') || !strncmp(file, "./", 2))
		rc = exclude(e, e->datadir, slash + 1, false);
	free(path);
	return rc;
}

/* "ibtmp1:12M:autoextend;..." */
static int exclude_temporary(const struct excluding *e)
{
	const char *list = e->server->values[V_INNODB_TEMP] ?: "ibtmp1";
	char name[256];
	int rc = 0;

	while (!rc && *list) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, ":;"), list);
		if (*name)
			rc = exclude_file(e, name);
		list += strcspn(list, ";");
		list += *list == ';';
	}
	return rc;
}

/* Directories for temporary files, those of them that are below the data directory. */
static int exclude_directories(const struct excluding *e)
{
	const char *list = e->server->values[V_TMPDIR] ?: "";
	size_t length = strlen(e->datadir);
	char dir[4096];
	int rc = 0;

	while (!rc && *list) {
		snprintf(dir, sizeof(dir), "%.*s", (int)strcspn(list, ":"), list);
		if (*dir && dir[strlen(dir) - 1] == '/')
			dir[strlen(dir) - 1] = '\0';
		if (!strncmp(dir, e->datadir, length) && dir[length] == '/')
			rc = exclude(e, dir, "*", true);
		list += strcspn(list, ":");
		list += *list == ':';
	}
	return rc;
}

static int add_excludes(const struct excluding *e)
{
	const struct server *server = e->server;
	int rc = exclude_temporary(e);

	if (!rc)
		rc = exclude_directories(e);
	if (!rc)
		rc = exclude(e, e->datadir, "#sql-temptable-*", false);
	if (!rc && server->values[V_PID_FILE])
		rc = exclude_file(e, server->values[V_PID_FILE]);
	if (!rc && server->values[V_SOCKET])
		rc = exclude_file(e, server->values[V_SOCKET]);
	return rc;
}

static int add_component(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
			 const struct options *options, const struct places *places)
{
	struct shadowcopy_component *component;
	const struct place *place;
	size_t i;
	int rc;

	rc = shadowcopy_metadata_add_component(sc, metadata, SHADOWCOPY_COMPONENT_FILE_GROUP, NULL,
					       options->instance ?: "server",
					       "MariaDB or MySQL server, with all its databases",
					       true, true, 0, &component);
	for (i = 0; !rc && i < places->count; i++) {
		place = &places->all[i];
		rc = shadowcopy_component_add_files(sc, component, place->dir, place->spec,
						    place->recursive, NULL,
						    SHADOWCOPY_NEEDED_DEFAULT);
	}
	return rc;
}

int metadata_fill(struct shadowcopy *sc, struct shadowcopy_writer_event *event,
		  const struct options *options, const struct server *server,
		  const struct places *places)
{
	struct shadowcopy_metadata *metadata;
	const struct excluding e = { sc, NULL, server, places->all[0].dir };
	struct excluding with;
	int rc = shadowcopy_writer_event_metadata(event, &metadata);

	with = e;
	with.metadata = metadata;
	if (!rc)
		rc = shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
						   SHADOWCOPY_SOURCE_TRANSACTIONAL);
	if (!rc)
		rc = shadowcopy_metadata_set_restore(sc, metadata,
						     SHADOWCOPY_RESTORE_STOP_RESTORE_START,
						     options->unit,
						     SHADOWCOPY_PARTICIPATION_NEVER, false);
	if (!rc)
		rc = shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_COPY);
	if (!rc)
		rc = add_component(sc, metadata, options, places);
	return rc ?: add_excludes(&with);
}

int metadata_record(struct shadowcopy *sc, struct shadowcopy_writer_event *event,
		    const char *text, const char *stamp)
{
	struct shadowcopy_backup_writer *writer;
	struct shadowcopy_backup *backup;
	size_t i;
	int rc = shadowcopy_writer_event_backup(event, &backup);

	if (rc || !backup->writer_count)
		return rc;	/* whole volumes are backed up: the log has it */
	writer = backup->writers[0];
	for (i = 0; !rc && i < writer->component_count; i++) {
		rc = shadowcopy_backup_component_set_text(sc, writer->components[i],
							  SHADOWCOPY_PROPERTY_BACKUP_METADATA,
							  text);
		if (!rc && stamp)
			rc = shadowcopy_backup_component_set_text(sc, writer->components[i],
								  SHADOWCOPY_PROPERTY_BACKUP_STAMP,
								  stamp);
	}
	return rc;
}
