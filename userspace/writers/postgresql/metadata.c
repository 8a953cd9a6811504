// SPDX-License-Identifier: GPL-2.0-only
/*
 * metadata.c - what the writer tells of its data, and what it leaves in the documents.
 *
 * The cluster is one component: all its databases share one log, and none of them can be
 * restored without the others.  It is a group of files and not a database, because the files
 * of a database in a document are not recursive, and here directories come and go with
 * each CREATE DATABASE.
 *
 * What is left out is what PostgreSQL's documentation says that a base backup may leave
 * out: what each start makes anew, what belongs to the running server, and replication
 * slots, which in a copy would keep the log for readers who are elsewhere.
 *
 * In the document of a backup are the position in the log, as the stamp, and as metadata an
 * object with what is to be known to restore it: in api mode backup_label and
 * tablespace_map, word by word.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "postgresql.h"

/* In the data directory; directories stay, and are empty. */
static const struct {
	const char *directory;
	const char *spec;
} excludes[] = {
	{ "", "backup_label" },
	{ "", "postmaster.opts" },
	{ "", "postmaster.pid" },
	{ "", "tablespace_map" },
	{ "/pg_dynshmem", "*" },
	{ "/pg_notify", "*" },
	{ "/pg_replslot", "*" },
	{ "/pg_serial", "*" },
	{ "/pg_snapshots", "*" },
	{ "/pg_stat_tmp", "*" },
	{ "/pg_subtrans", "*" },
};

/* Anywhere below. */
static const char *const excluded_everywhere[] = { "pg_internal.init*", "pgsql_tmp*" };

/* "15/main", or "/srv/pg/data": its last part is the name, what is before it the path. */
static void name_component(const struct cluster *cluster, char path[PATH_MAX], const char **name)
{
	const char *whole = cluster->name ?: cluster->directory, *slash = strrchr(whole, '/');

	*name = slash ? slash + 1 : whole;
	while (*whole == '/')
		whole++;
	snprintf(path, PATH_MAX, "%.*s", slash > whole ? (int)(slash - whole) : 0, whole);
}

static int exclude(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
		   const char *directory)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(excluded_everywhere) / sizeof(*excluded_everywhere) && !rc; i++)
		rc = shadowcopy_metadata_add_exclude(sc, metadata, directory,
						     excluded_everywhere[i], true);
	return rc;
}

static int add_excludes(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
			const char *data)
{
	char path[PATH_MAX];
	size_t i;
	int rc = exclude(sc, metadata, data);

	for (i = 0; i < sizeof(excludes) / sizeof(*excludes) && !rc; i++) {
		snprintf(path, sizeof(path), "%s%s", data, excludes[i].directory);
		rc = shadowcopy_metadata_add_exclude(sc, metadata, path, excludes[i].spec,
						     *excludes[i].directory);
	}
	return rc;
}

/*
 * A tablespace may be that of clusters of several versions, each with a directory in it:
 * put the path of ours in place of the tablespace's, where there is one.
 */
static int narrow(const char *version, char path[PATH_MAX])
{
	char prefix[32];
	struct dirent *entry;
	DIR *directory = opendir(path);
	int rc = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	snprintf(prefix, sizeof(prefix), "PG_%.24s_", version);
	while ((entry = readdir(directory)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
			size_t length = strlen(path);

			if (snprintf(path + length, PATH_MAX - length, "/%s", entry->d_name) >=
			    (int)(PATH_MAX - length))
				rc = -ENAMETOOLONG;
			break;
		}
	closedir(directory);
	return rc;
}

static int add_location(struct writer *writer, struct shadowcopy_metadata *metadata,
			struct shadowcopy_component *component, const struct location *location)
{
	char version[32], path[PATH_MAX];
	int rc = cluster_version(&writer->cluster, version, sizeof(version));

	snprintf(path, sizeof(path), "%s", location->path);
	if (!rc)
		rc = narrow(version, path);
	if (!rc)
		rc = shadowcopy_component_add_files(writer->sc, component, path, "*", true, NULL,
						    SHADOWCOPY_NEEDED_DEFAULT);
	return rc ?: exclude(writer->sc, metadata, path);
}

/* Nothing that has to be of the same instant: it may be read from anywhere. */
static int add_configuration(struct writer *writer, struct shadowcopy_component *component)
{
	char *directory = cluster_configuration(&writer->cluster);
	int rc = 0;

	if (directory)
		rc = shadowcopy_component_add_files(writer->sc, component, directory, "*", true,
						    NULL, SHADOWCOPY_NEEDED_FULL);
	free(directory);
	return rc;
}

static int add_component(struct writer *writer, struct shadowcopy_metadata *metadata,
			 const struct locations *locations)
{
	struct shadowcopy_component *component;
	char path[PATH_MAX], caption[PATH_MAX + 16];
	const char *name;
	size_t i;
	int rc;

	name_component(&writer->cluster, path, &name);
	snprintf(caption, sizeof(caption), "PostgreSQL %.900s",
		 writer->cluster.name ?: writer->cluster.directory);
	rc = shadowcopy_metadata_add_component(writer->sc, metadata,
					       SHADOWCOPY_COMPONENT_FILE_GROUP, path, name, caption,
					       true, true, 0, &component);
	if (!rc)
		rc = shadowcopy_component_add_files(writer->sc, component, locations->list[0].path,
						    "*", true, NULL, SHADOWCOPY_NEEDED_DEFAULT);
	for (i = 1; i < locations->count && !rc; i++)
		if (locations->list[i].apart)
			rc = add_location(writer, metadata, component, &locations->list[i]);
	return rc ?: add_configuration(writer, component);
}

/*
 * In light mode the files are put back and the server is started.  In api mode somebody has to
 * put backup_label there, and to say where the archive is.
 */
static int add_restore(struct writer *writer, struct shadowcopy_metadata *metadata)
{
	if (writer->mode == MODE_API)
		return shadowcopy_metadata_set_restore(writer->sc, metadata,
			SHADOWCOPY_RESTORE_CUSTOM, NULL, SHADOWCOPY_PARTICIPATION_NEVER, false);
	return shadowcopy_metadata_set_restore(writer->sc, metadata,
		SHADOWCOPY_RESTORE_STOP_RESTORE_START, writer->cluster.unit,
		SHADOWCOPY_PARTICIPATION_NEVER, false);
}

static int fill_in(struct writer *writer, struct shadowcopy_metadata *metadata,
		   const struct locations *locations)
{
	struct shadowcopy *sc = writer->sc;
	int rc;

	rc = shadowcopy_metadata_set_usage(sc, metadata, SHADOWCOPY_USAGE_USER_DATA,
					   SHADOWCOPY_SOURCE_TRANSACTIONAL);
	if (!rc)
		rc = add_restore(writer, metadata);
	if (!rc)
		rc = shadowcopy_metadata_set_schema(sc, metadata, SHADOWCOPY_SCHEMA_COPY);
	if (!rc)
		rc = add_component(writer, metadata, locations);
	return rc ?: add_excludes(sc, metadata, locations->list[0].path);
}

int metadata_identify(struct shadowcopy_writer_event *event, void *data)
{
	struct writer *writer = data;
	struct shadowcopy_metadata *metadata;
	struct locations locations;
	int rc = cluster_locate(&writer->cluster, &locations);

	if (rc) {
		writer_log(3, "where the files of %s are cannot be found out: %s",
			   writer->cluster.directory, strerror(-rc));
		return rc;
	}
	rc = shadowcopy_writer_event_metadata(event, &metadata);
	if (!rc)
		rc = fill_in(writer, metadata, &locations);
	if (rc)
		writer_log(3, "%s", shadowcopy_last_error(writer->sc)->text);
	cluster_forget(&locations);
	return rc;
}

/* --- the document of a backup ------------------------------------------------------------ */

/* What stands in lines, as an array. */
static json_t *lines_json(const char *lines)
{
	json_t *array = json_array();

	while (lines && *lines) {
		size_t length = strcspn(lines, "\n");

		json_array_append_new(array, json_stringn(lines, length));
		lines += length + !!lines[length];
	}
	return array;
}

/* To be freed; NULL where memory is short. */
static char *describe(const struct writer *writer)
{
	const struct backup *backup = &writer->backup;
	const char *mode = backup->at_rest ? "stopped" : writer->mode == MODE_API ? "api" : "light";
	json_t *object = json_pack("{s:s}", "mode", mode);
	char *text;

	if (backup->version)
		json_object_set_new(object, "server_version", json_integer(backup->version));
	if (*backup->start)
		json_object_set_new(object, "start_lsn", json_string(backup->start));
	if (*backup->stop)
		json_object_set_new(object, "stop_lsn", json_string(backup->stop));
	if (backup->label)
		json_object_set_new(object, "backup_label", json_string(backup->label));
	if (backup->map && *backup->map)
		json_object_set_new(object, "tablespace_map", json_string(backup->map));
	if (backup->outside)
		json_object_set_new(object, "not_in_set", lines_json(backup->outside));
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

/* The cluster's component in the document: 0, -ENOENT (there is none), or another errno. */
static int find_component(struct writer *writer, struct shadowcopy_writer_event *event,
			  struct shadowcopy_backup **document,
			  struct shadowcopy_backup_component **component)
{
	char path[PATH_MAX];
	const char *name;
	int rc = shadowcopy_writer_event_backup(event, document);

	if (rc)
		return rc;
	name_component(&writer->cluster, path, &name);
	*component = (*document)->writer_count ?
		shadowcopy_backup_find((*document)->writers[0], path, name) : NULL;
	return *component ? 0 : -ENOENT;
}

int metadata_chosen(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct shadowcopy_backup_component *component;
	struct shadowcopy_backup *document;
	int rc = find_component(writer, event, &document, &component);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	return document->component_mode;
}

int metadata_store(struct writer *writer, struct shadowcopy_writer_event *event)
{
	struct shadowcopy_backup_component *component;
	struct shadowcopy_backup *document;
	char *text;
	int rc = find_component(writer, event, &document, &component);

	if (rc)
		return rc;
	text = describe(writer);
	if (!text)
		return -ENOMEM;
	rc = shadowcopy_backup_component_set_text(writer->sc, component,
						  SHADOWCOPY_PROPERTY_BACKUP_METADATA, text);
	free(text);
	if (!rc && *writer->backup.start)
		rc = shadowcopy_backup_component_set_text(writer->sc, component,
							  SHADOWCOPY_PROPERTY_BACKUP_STAMP,
							  writer->backup.start);
	return rc;
}
