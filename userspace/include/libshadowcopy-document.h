/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libshadowcopy-document.h - the two documents of a backup: what a writer tells
 * about its data, and what a backup has of it.
 *
 * Writer metadata (VSS WMD, table f.1) is made by a writer and never changed
 * afterwards.  The backup components document (VSS BCD, table f.6) belongs to a
 * requester and is changed by both sides, each property in its own window.  Both
 * are JSON with a version and a checksum; Documentation/documents.rst describes
 * them for their readers, Documentation/schema/ for programs.
 *
 * Conventions, beside those of libshadowcopy.h
 *	A document is a tree of structures that the library allocates, so that
 *	they can grow at their end: read them, and change them by functions.
 *	Strings are UTF-8 and belong to the structure that names them; NULL is
 *	"not there".  Arrays hold pointers that stay valid while the document
 *	lives, the array itself until the next element is added.  Whatever a
 *	structure contains is freed with the document.  Elements are taken away
 *	only by functions that say so; shadowcopy_backup_merge() puts others in
 *	the place of those of a list that differs.  A string lasts until it is
 *	set anew, or expanded.
 *
 *	The handle of a function is where its failure is explained, and not
 *	remembered.
 *
 *	Where nothing else is said a function returns 0, -ENOMEM, or -EINVAL for an
 *	argument that breaks a rule of the document; one that adds to an array also
 *	-E2BIG, where that is full.  What fails has changed nothing, where nothing
 *	else is said.
 *
 *	Numbers in parentheses (F-06, B-10) are rows of the VSS catalogue.
 */
#ifndef LIBSHADOWCOPY_DOCUMENT_H
#define LIBSHADOWCOPY_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <libshadowcopy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shadowcopy_metadata;
struct shadowcopy_backup;
struct shadowcopy_backup_set;

#define SHADOWCOPY_DOCUMENT_SIZE_MAX	(16U << 20)	/* bytes */
#define SHADOWCOPY_DOCUMENT_DEPTH_MAX	16U		/* objects and arrays in each other */
#define SHADOWCOPY_DOCUMENT_NODES_MAX	400000U		/* values, whatever their kind */

/* --- writer metadata: the words ----------------------------------------- */

/* What the data is to the machine (F-02). */
enum shadowcopy_usage {
	SHADOWCOPY_USAGE_UNDEFINED = 0,		/* an error of the writer */
	SHADOWCOPY_USAGE_SYSTEM_BOOT = 1,	/* needed to boot */
	SHADOWCOPY_USAGE_SYSTEM_SERVICE = 2,	/* of a service of the system */
	SHADOWCOPY_USAGE_USER_DATA = 3,
	SHADOWCOPY_USAGE_OTHER = 4,
};

/* What manages it (F-03). */
enum shadowcopy_source {
	SHADOWCOPY_SOURCE_UNDEFINED = 0,
	SHADOWCOPY_SOURCE_TRANSACTIONAL = 1,	/* a database with transactions */
	SHADOWCOPY_SOURCE_PLAIN = 2,		/* a database without */
	SHADOWCOPY_SOURCE_OTHER = 3,
};

/* How it is put back (L-01..L-09). */
enum shadowcopy_restore_method {
	SHADOWCOPY_RESTORE_UNDEFINED = 0,
	SHADOWCOPY_RESTORE_IF_NOT_THERE = 1,
	SHADOWCOPY_RESTORE_IF_CAN_REPLACE = 2,
	SHADOWCOPY_RESTORE_STOP_RESTORE_START = 3,
	SHADOWCOPY_RESTORE_RESTORE_STOP_START = 4,
	SHADOWCOPY_RESTORE_TO_ALTERNATE = 5,
	SHADOWCOPY_RESTORE_AT_REBOOT = 6,
	SHADOWCOPY_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE = 7,
	SHADOWCOPY_RESTORE_CUSTOM = 8,
};

/* Whether the writer is told of a restore (l.4). */
enum shadowcopy_participation {
	SHADOWCOPY_PARTICIPATION_UNDEFINED = 0,
	SHADOWCOPY_PARTICIPATION_NEVER = 1,
	SHADOWCOPY_PARTICIPATION_IF_REPLACE_FAILS = 2,
	SHADOWCOPY_PARTICIPATION_ALWAYS = 3,
};

/* What backups beside full ones the writer can do (G-02..G-15). */
#define SHADOWCOPY_SCHEMA_COPY			0x0001U
#define SHADOWCOPY_SCHEMA_DIFFERENTIAL		0x0002U
#define SHADOWCOPY_SCHEMA_INCREMENTAL		0x0004U
#define SHADOWCOPY_SCHEMA_LOG			0x0008U
#define SHADOWCOPY_SCHEMA_EXCLUSIVE		0x0010U	/* not incremental after differential */
#define SHADOWCOPY_SCHEMA_TIMESTAMPED		0x0020U
#define SHADOWCOPY_SCHEMA_LAST_MODIFY		0x0040U
#define SHADOWCOPY_SCHEMA_NEW_TARGET		0x0080U
#define SHADOWCOPY_SCHEMA_RESTORE_WITH_MOVE	0x0100U
#define SHADOWCOPY_SCHEMA_INDEPENDENT_SYSTEM_STATE 0x0200U
#define SHADOWCOPY_SCHEMA_ROLL_FORWARD		0x0400U
#define SHADOWCOPY_SCHEMA_RESTORE_RENAME	0x0800U
#define SHADOWCOPY_SCHEMA_AUTHORITATIVE_RESTORE	0x1000U
#define SHADOWCOPY_SCHEMA_PARALLEL_RESTORES	0x2000U

/* What a component is (F-20). */
enum shadowcopy_component_type {
	SHADOWCOPY_COMPONENT_UNDEFINED = 0,
	SHADOWCOPY_COMPONENT_DATABASE = 1,	/* databases and logs; no recursion */
	SHADOWCOPY_COMPONENT_FILE_GROUP = 2,
};

/* Flags of a component (F-25). */
#define SHADOWCOPY_COMPONENT_BACKUP_RECOVERY	0x1U	/* recovers in the writable shadow */
#define SHADOWCOPY_COMPONENT_ROLLBACK_RECOVERY	0x2U	/* only for a rollback shadow */
#define SHADOWCOPY_COMPONENT_NOT_SYSTEM_STATE	0x4U

/* In which backups a file set has to be, and whether from a shadow (G-17). */
#define SHADOWCOPY_NEEDED_FULL			0x0001U
#define SHADOWCOPY_NEEDED_DIFFERENTIAL		0x0002U
#define SHADOWCOPY_NEEDED_INCREMENTAL		0x0004U
#define SHADOWCOPY_NEEDED_LOG			0x0008U
#define SHADOWCOPY_NEEDED_SHADOW(needed)	((needed) << 8)
#define SHADOWCOPY_NEEDED_DEFAULT		0x0F0FU

/* --- writer metadata: the document -------------------------------------- */

/**
 * struct shadowcopy_fileset - files by directory and pattern (F-26)
 * @path: directory; absolute, or beginning with a ${VARIABLE}; no wildcards
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 * @alternate: directory to read them from at backup instead (F-29), or NULL
 * @needed: SHADOWCOPY_NEEDED_* bits
 */
struct shadowcopy_fileset {
	const char *path;
	const char *spec;
	bool recursive;
	const char *alternate;
	uint32_t needed;
};

/**
 * struct shadowcopy_exclude - files that are left out (F-06, F-07)
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 */
struct shadowcopy_exclude {
	const char *path;
	const char *spec;
	bool recursive;
};

/**
 * struct shadowcopy_mapping - where a file set may be restored to instead (F-08)
 * @path: of a file set of a component
 * @spec: of the same
 * @recursive: of the same
 * @destination: directory
 */
struct shadowcopy_mapping {
	const char *path;
	const char *spec;
	bool recursive;
	const char *destination;
};

/**
 * struct shadowcopy_dependency - what has to be backed up and restored as well (F-27)
 * @class_id: class of another writer
 * @path: logical path of its component, NULL or "" for the top
 * @name: name of its component
 * @host: the machine that it is on, or NULL: this one
 */
struct shadowcopy_dependency {
	struct shadow_uuid class_id;
	const char *path;
	const char *name;
	const char *host;
};

/**
 * struct shadowcopy_component - a part of a writer's data (f.2)
 * @type: enum shadowcopy_component_type
 * @path: logical path, names with '/' between them, NULL or "" for the top (F-21)
 * @name: name; (@path, @name) is unique among all writers of the class
 * @caption: for people, or NULL (F-22)
 * @selectable: whether a backup may choose it (F-23)
 * @restore_selectable: whether a restore may choose it alone (F-24)
 * @flags: SHADOWCOPY_COMPONENT_* bits
 * @files: of a file group
 * @file_count: how many
 * @databases: of a database
 * @database_count: how many
 * @logs: of a database
 * @log_count: how many
 * @dependencies: other writers' components
 * @dependency_count: how many
 */
struct shadowcopy_component {
	uint32_t type;
	const char *path;
	const char *name;
	const char *caption;
	bool selectable;
	bool restore_selectable;
	uint32_t flags;
	struct shadowcopy_fileset **files;
	size_t file_count;
	struct shadowcopy_fileset **databases;
	size_t database_count;
	struct shadowcopy_fileset **logs;
	size_t log_count;
	struct shadowcopy_dependency **dependencies;
	size_t dependency_count;
};

/**
 * struct shadowcopy_metadata - what a writer tells about its data (f.1)
 * @class_id: of the kind of writer, always the same (F-01)
 * @instance_id: of the running writer, new at each start
 * @name: of the kind of writer
 * @instance_name: of the instance, lasting; NULL where there is one only
 * @major: version of the data: an older writer cannot restore that of a newer one
 * @minor: version of the data within it: all of them go together
 * @usage: enum shadowcopy_usage
 * @source: enum shadowcopy_source
 * @restore_method: enum shadowcopy_restore_method
 * @service: the systemd unit that the restore method stops and starts, or NULL
 * @participation: enum shadowcopy_participation
 * @reboot: the machine must be restarted after a restore
 * @schema: SHADOWCOPY_SCHEMA_* bits
 * @blocks_revert: volumes with its data must not be reverted (B-52)
 * @excludes: left out of every backup (F-06)
 * @exclude_count: how many
 * @shadow_excludes: deleted from the shadow (F-07)
 * @shadow_exclude_count: how many
 * @mappings: alternate locations (F-08)
 * @mapping_count: how many
 * @components: its data (F-09)
 * @component_count: how many
 */
struct shadowcopy_metadata {
	struct shadow_uuid class_id;
	struct shadow_uuid instance_id;
	const char *name;
	const char *instance_name;
	uint32_t major;
	uint32_t minor;
	uint32_t usage;
	uint32_t source;
	uint32_t restore_method;
	const char *service;
	uint32_t participation;
	bool reboot;
	uint32_t schema;
	bool blocks_revert;
	struct shadowcopy_exclude **excludes;
	size_t exclude_count;
	struct shadowcopy_exclude **shadow_excludes;
	size_t shadow_exclude_count;
	struct shadowcopy_mapping **mappings;
	size_t mapping_count;
	struct shadowcopy_component **components;
	size_t component_count;
};

/* --- loading and saving ------------------------------------------------- */

/* Accept a document without a checksum: one that was written by hand. */
#define SHADOWCOPY_LOAD_UNSIGNED	0x1U

/**
 * shadowcopy_metadata_load() - read writer metadata
 * @sc: the handle
 * @text: the document; any bytes, trusted in nothing
 * @size: bytes of it
 * @label: what to call it in errors: a path, a writer's name
 * @flags: SHADOWCOPY_LOAD_* bits
 * @metadatap: out: to be freed by shadowcopy_metadata_free()
 *
 * Return: 0, -EBADMSG (no JSON, or the checksum does not fit), -EINVAL (JSON that
 * breaks a rule), -EPROTONOSUPPORT (of an unknown major version), -EFBIG (beyond a
 * limit) or -ENOMEM.
 */
int shadowcopy_metadata_load(struct shadowcopy *sc, const void *text, size_t size,
			     const char *label, uint32_t flags,
			     struct shadowcopy_metadata **metadatap);

/**
 * shadowcopy_metadata_load_fd() - read writer metadata from a file
 * @sc: the handle
 * @fd: read from where it stands to its end; stays open
 * @label: what to call it in errors
 * @flags: SHADOWCOPY_LOAD_* bits
 * @metadatap: out: to be freed by shadowcopy_metadata_free()
 *
 * It waits as long as read() does: who takes a descriptor from somebody less trusted takes one
 * that cannot wait, such as a sealed memfd, and no pipe.
 *
 * Return: as shadowcopy_metadata_load(), or an errno of read().
 */
int shadowcopy_metadata_load_fd(struct shadowcopy *sc, int fd, const char *label,
				uint32_t flags, struct shadowcopy_metadata **metadatap);

/**
 * shadowcopy_metadata_save() - check writer metadata and make JSON of it
 * @sc: the handle
 * @metadata: the document
 * @textp: out: the text with a NUL behind it, to be freed by free()
 * @size: out: bytes without the NUL; may be NULL
 *
 * Return: 0, -ENOMEM, -EFBIG, or -EINVAL as shadowcopy_metadata_check().
 */
int shadowcopy_metadata_save(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata,
			     char **textp, size_t *size);

/**
 * shadowcopy_document_write() - put a saved document into a file, or leave the old one
 * @sc: the handle
 * @path: the file; replaced in one step, after the new one is on the disk
 * @text: what shadowcopy_metadata_save() or shadowcopy_backup_save() gave
 * @size: bytes of it
 *
 * The file is the caller's alone to read (mode 0600).
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_document_write(struct shadowcopy *sc, const char *path, const char *text,
			      size_t size);

/**
 * shadowcopy_document_write_fd() - write a saved document to an open file
 * @sc: the handle
 * @fd: where to; stays open
 * @label: what to call it in errors
 * @text: the document
 * @size: bytes of it
 *
 * Return: 0 or a negative errno.
 */
int shadowcopy_document_write_fd(struct shadowcopy *sc, int fd, const char *label,
				 const char *text, size_t size);

/* Which document. */
enum shadowcopy_document {
	SHADOWCOPY_DOCUMENT_METADATA = 1,
	SHADOWCOPY_DOCUMENT_BACKUP = 2,
};

/**
 * shadowcopy_document_schema() - the JSON Schema (2020-12) of a document
 * @sc: the handle
 * @document: enum shadowcopy_document
 * @textp: out: the schema, to be freed by free()
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int shadowcopy_document_schema(struct shadowcopy *sc, uint32_t document, char **textp);

/* --- writer metadata: making it (c.5) ----------------------------------- */

/**
 * shadowcopy_metadata_new() - begin writer metadata
 * @sc: the handle
 * @class_id: the kind of writer
 * @instance_id: the instance, new at each start of the writer
 * @name: of the kind of writer
 * @metadatap: out: to be freed by shadowcopy_metadata_free()
 */
int shadowcopy_metadata_new(struct shadowcopy *sc, const struct shadow_uuid *class_id,
			    const struct shadow_uuid *instance_id, const char *name,
			    struct shadowcopy_metadata **metadatap);

/**
 * shadowcopy_metadata_free() - let go of writer metadata
 * @metadata: the document, or NULL
 */
void shadowcopy_metadata_free(struct shadowcopy_metadata *metadata);

/**
 * shadowcopy_metadata_set_version() - which instance, and of what version its data is
 * @sc: the handle
 * @metadata: the document
 * @instance_name: lasting name of the instance, or NULL (A-18)
 * @major: see struct shadowcopy_metadata
 * @minor: see struct shadowcopy_metadata
 */
int shadowcopy_metadata_set_version(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				    const char *instance_name, uint32_t major, uint32_t minor);

/**
 * shadowcopy_metadata_set_usage() - what kind of data it is (C-01)
 * @sc: the handle
 * @metadata: the document
 * @usage: enum shadowcopy_usage
 * @source: enum shadowcopy_source
 */
int shadowcopy_metadata_set_usage(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				  uint32_t usage, uint32_t source);

/**
 * shadowcopy_metadata_set_restore() - how the data is put back (C-55)
 * @sc: the handle
 * @metadata: the document
 * @method: enum shadowcopy_restore_method
 * @service: systemd unit, for the two methods that stop and start one; else NULL
 * @participation: enum shadowcopy_participation
 * @reboot: the machine must be restarted afterwards
 */
int shadowcopy_metadata_set_restore(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				    uint32_t method, const char *service,
				    uint32_t participation, bool reboot);

/**
 * shadowcopy_metadata_set_schema() - which backups the writer can do (C-58)
 * @sc: the handle
 * @metadata: the document
 * @schema: SHADOWCOPY_SCHEMA_* bits; without this call full backups only
 */
int shadowcopy_metadata_set_schema(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				   uint32_t schema);

/**
 * shadowcopy_metadata_set_blocks_revert() - keep volumes with its data from being reverted
 * @sc: the handle
 * @metadata: the document
 * @blocks: whether
 *
 * "shadowadm revert" asks for it, as long as the writer is there.
 */
int shadowcopy_metadata_set_blocks_revert(struct shadowcopy *sc,
					  struct shadowcopy_metadata *metadata, bool blocks);

/**
 * shadowcopy_metadata_add_exclude() - leave files out of every backup (C-53)
 * @sc: the handle
 * @metadata: the document
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 */
int shadowcopy_metadata_add_exclude(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				    const char *path, const char *spec, bool recursive);

/**
 * shadowcopy_metadata_add_shadow_exclude() - files to delete from the shadow (C-54)
 * @sc: the handle
 * @metadata: the document
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 */
int shadowcopy_metadata_add_shadow_exclude(struct shadowcopy *sc,
					   struct shadowcopy_metadata *metadata,
					   const char *path, const char *spec, bool recursive);

/**
 * shadowcopy_metadata_add_mapping() - an alternate location for a restore (C-56)
 * @sc: the handle
 * @metadata: the document
 * @path: of a file set that a component has
 * @spec: of the same
 * @recursive: of the same
 * @destination: directory
 *
 * Return: 0, -ENOENT (no component has such a file set), -EEXIST, -EINVAL, -ENOMEM.
 */
int shadowcopy_metadata_add_mapping(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
				    const char *path, const char *spec, bool recursive,
				    const char *destination);

/**
 * shadowcopy_metadata_add_component() - a part of the data (C-50)
 * @sc: the handle
 * @metadata: the document
 * @type: enum shadowcopy_component_type
 * @path: logical path; NULL or "" for the top
 * @name: without '/'
 * @caption: for people, or NULL
 * @selectable: whether a backup may choose it
 * @restore_selectable: whether a restore may choose it alone
 * @flags: SHADOWCOPY_COMPONENT_* bits
 * @componentp: out, may be NULL: the component, which belongs to the document
 *
 * Return: 0, -EEXIST, -EINVAL or -ENOMEM.
 */
int shadowcopy_metadata_add_component(struct shadowcopy *sc,
				      struct shadowcopy_metadata *metadata, uint32_t type,
				      const char *path, const char *name, const char *caption,
				      bool selectable, bool restore_selectable, uint32_t flags,
				      struct shadowcopy_component **componentp);

/**
 * shadowcopy_component_add_files() - files of a file group (C-51)
 * @sc: the handle
 * @component: a file group
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 * @alternate: directory to read them from at backup, or NULL
 * @needed: SHADOWCOPY_NEEDED_* bits
 */
int shadowcopy_component_add_files(struct shadowcopy *sc, struct shadowcopy_component *component,
				   const char *path, const char *spec, bool recursive,
				   const char *alternate, uint32_t needed);

/**
 * shadowcopy_component_add_database() - data files of a database (C-52)
 * @sc: the handle
 * @component: a database
 * @path: directory
 * @spec: names in it, with ? and *
 * @needed: SHADOWCOPY_NEEDED_* bits
 */
int shadowcopy_component_add_database(struct shadowcopy *sc,
				      struct shadowcopy_component *component, const char *path,
				      const char *spec, uint32_t needed);

/**
 * shadowcopy_component_add_log() - log files of a database (C-52)
 * @sc: the handle
 * @component: a database
 * @path: directory
 * @spec: names in it, with ? and *
 * @needed: SHADOWCOPY_NEEDED_* bits
 */
int shadowcopy_component_add_log(struct shadowcopy *sc, struct shadowcopy_component *component,
				 const char *path, const char *spec, uint32_t needed);

/**
 * shadowcopy_component_add_dependency() - what it is of no use without (C-57)
 * @sc: the handle
 * @component: the dependent one
 * @class_id: of another writer than this
 * @path: logical path of its component, NULL or "" for the top
 * @name: its name
 * @host: the machine that it is on, or NULL
 */
int shadowcopy_component_add_dependency(struct shadowcopy *sc,
					struct shadowcopy_component *component,
					const struct shadow_uuid *class_id, const char *path,
					const char *name, const char *host);

/**
 * shadowcopy_metadata_find() - a component by its names
 * @metadata: the document
 * @path: logical path, NULL or "" for the top
 * @name: its name
 *
 * Return: the component, or NULL.
 */
struct shadowcopy_component *
shadowcopy_metadata_find(const struct shadowcopy_metadata *metadata, const char *path,
			 const char *name);

/**
 * shadowcopy_metadata_check() - whether writer metadata is whole
 * @sc: the handle
 * @metadata: the document
 *
 * What shadowcopy_metadata_save() and shadowcopy_metadata_load() ask for.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int shadowcopy_metadata_check(struct shadowcopy *sc, const struct shadowcopy_metadata *metadata);

/**
 * shadowcopy_metadata_check_all() - whether the writers of a machine agree (F-21)
 * @sc: the handle
 * @metadata: their documents
 * @count: how many
 *
 * Instances of one class have no component in common, and no two have one instance.
 *
 * Return: 0, -EEXIST or -ENOMEM.
 */
int shadowcopy_metadata_check_all(struct shadowcopy *sc,
				  struct shadowcopy_metadata *const *metadata, size_t count);

/**
 * shadowcopy_metadata_check_static() - is it good for a writer that is no process? (A-19, C-15)
 * @sc: the handle
 * @metadata: the document
 *
 * Nobody is told anything then: nothing may have to be done by a writer at a backup or
 * at a restore.
 *
 * Return: 0 or -EINVAL.
 */
int shadowcopy_metadata_check_static(struct shadowcopy *sc,
				     const struct shadowcopy_metadata *metadata);

/* --- backup components: the words --------------------------------------- */

enum shadowcopy_backup_mode {
	SHADOWCOPY_MODE_UNDEFINED = 0,
	SHADOWCOPY_MODE_BACKUP = 1,
	SHADOWCOPY_MODE_RESTORE = 2,
};

/* Types of backup (G-01..G-06). */
enum shadowcopy_backup_type {
	SHADOWCOPY_TYPE_UNDEFINED = 0,
	SHADOWCOPY_TYPE_FULL = 1,
	SHADOWCOPY_TYPE_COPY = 2,
	SHADOWCOPY_TYPE_INCREMENTAL = 3,
	SHADOWCOPY_TYPE_DIFFERENTIAL = 4,
	SHADOWCOPY_TYPE_LOG = 5,
	SHADOWCOPY_TYPE_OTHER = 6,
};

/* Types of restore (B-06). */
enum shadowcopy_restore_type {
	SHADOWCOPY_RESTORE_TYPE_UNDEFINED = 0,	/* as SHADOWCOPY_RESTORE_TYPE_COPY */
	SHADOWCOPY_RESTORE_TYPE_COPY = 1,
	SHADOWCOPY_RESTORE_TYPE_IMPORT = 2,
	SHADOWCOPY_RESTORE_TYPE_OTHER = 3,
};

/* Where a component set goes to, over the method (l.3). */
enum shadowcopy_restore_target {
	SHADOWCOPY_TARGET_ORIGINAL = 0,		/* as the method says */
	SHADOWCOPY_TARGET_ALTERNATE = 1,
	SHADOWCOPY_TARGET_DIRECTED = 2,
	SHADOWCOPY_TARGET_ORIGINAL_LOCATION = 3,
};

/* What became of a component's files (l.5). */
enum shadowcopy_file_restore_status {
	SHADOWCOPY_STATUS_UNDEFINED = 0,
	SHADOWCOPY_STATUS_NONE = 1,		/* failed, and nothing was touched */
	SHADOWCOPY_STATUS_ALL = 2,
	SHADOWCOPY_STATUS_FAILED = 3,		/* some of it is new, some is not */
};

/* How far a database is rolled forward (B-44). */
enum shadowcopy_roll_forward {
	SHADOWCOPY_ROLL_FORWARD_UNDEFINED = 0,
	SHADOWCOPY_ROLL_FORWARD_NONE = 1,
	SHADOWCOPY_ROLL_FORWARD_ALL = 2,
	SHADOWCOPY_ROLL_FORWARD_PARTIAL = 3,	/* to a point, in the writer's own words */
};

/* Whether a component was backed up (B-22). */
enum shadowcopy_success {
	SHADOWCOPY_SUCCESS_UNDEFINED = 0,
	SHADOWCOPY_SUCCESS_NO = 1,
	SHADOWCOPY_SUCCESS_YES = 2,
};

/* What a failing writer says about a component (C-40..C-46). */
enum shadowcopy_failure {
	SHADOWCOPY_FAILURE_NONE = 0,
	SHADOWCOPY_FAILURE_INCONSISTENT = 1,	/* a volume that it needs is not in the set */
	SHADOWCOPY_FAILURE_RESOURCES = 2,
	SHADOWCOPY_FAILURE_TIMEOUT = 3,
	SHADOWCOPY_FAILURE_RETRYABLE = 4,
	SHADOWCOPY_FAILURE_NONRETRYABLE = 5,
	SHADOWCOPY_FAILURE_RECOVERY = 6,
	SHADOWCOPY_FAILURE_PARTIAL = 7,
};

/* Who changes the document. */
enum shadowcopy_role {
	SHADOWCOPY_ROLE_REQUESTER = 1,
	SHADOWCOPY_ROLE_WRITER = 2,
};

/* Where its session is (2.1); the steps with a writer's event are marked. */
enum shadowcopy_step {
	SHADOWCOPY_STEP_INIT = 0,		/* begun for a backup */
	SHADOWCOPY_STEP_GATHERED = 1,		/* metadata there, set may be open */
	SHADOWCOPY_STEP_PREPARE_BACKUP = 2,	/* event */
	SHADOWCOPY_STEP_PREPARED = 3,
	SHADOWCOPY_STEP_SNAPSHOT = 4,		/* events: PrepareForSnapshot, Freeze, Thaw */
	SHADOWCOPY_STEP_POST_SNAPSHOT = 5,	/* event */
	SHADOWCOPY_STEP_CREATED = 6,		/* the set is there, files are copied */
	SHADOWCOPY_STEP_COMPLETE = 7,		/* event: BackupComplete */
	SHADOWCOPY_STEP_COMPLETED = 8,
	SHADOWCOPY_STEP_RESTORE_INIT = 9,	/* begun for a restore */
	SHADOWCOPY_STEP_CHOOSING = 10,		/* writers known, components are chosen */
	SHADOWCOPY_STEP_PRE_RESTORE = 11,	/* event */
	SHADOWCOPY_STEP_RESTORING = 12,		/* files are copied */
	SHADOWCOPY_STEP_POST_RESTORE = 13,	/* event */
	SHADOWCOPY_STEP_RESTORED = 14,
};

/* What can be changed in the document, each in its own window (c.6). */
enum shadowcopy_property {
	SHADOWCOPY_PROPERTY_NONE = 0,
	SHADOWCOPY_PROPERTY_CONTEXT = 1,
	SHADOWCOPY_PROPERTY_STATE = 2,
	SHADOWCOPY_PROPERTY_SET = 3,		/* the set and its shadows */
	SHADOWCOPY_PROPERTY_COMPONENTS = 4,
	SHADOWCOPY_PROPERTY_RESTORE_TYPE = 5,
	SHADOWCOPY_PROPERTY_BACKUP_OPTIONS = 6,
	SHADOWCOPY_PROPERTY_RESTORE_OPTIONS = 7,
	SHADOWCOPY_PROPERTY_BACKUP_METADATA = 8,
	SHADOWCOPY_PROPERTY_RESTORE_METADATA = 9,
	SHADOWCOPY_PROPERTY_BACKUP_STAMP = 10,
	SHADOWCOPY_PROPERTY_PREVIOUS_STAMP = 11,
	SHADOWCOPY_PROPERTY_PARTIAL_FILES = 12,
	SHADOWCOPY_PROPERTY_RANGES_PATH = 13,
	SHADOWCOPY_PROPERTY_DIFFERENCED_FILES = 14,
	SHADOWCOPY_PROPERTY_RESTORE_TARGET = 15,
	SHADOWCOPY_PROPERTY_DIRECTED_TARGETS = 16,
	SHADOWCOPY_PROPERTY_NEW_TARGETS = 17,
	SHADOWCOPY_PROPERTY_ALTERNATES_USED = 18,
	SHADOWCOPY_PROPERTY_SELECTED = 19,
	SHADOWCOPY_PROPERTY_RESTORE_SUBCOMPONENTS = 20,
	SHADOWCOPY_PROPERTY_ADDITIONAL_RESTORES = 21,
	SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED = 22,
	SHADOWCOPY_PROPERTY_FILE_RESTORE_STATUS = 23,
	SHADOWCOPY_PROPERTY_PREPARE_BACKUP_FAILURE = 24,
	SHADOWCOPY_PROPERTY_POST_SNAPSHOT_FAILURE = 25,
	SHADOWCOPY_PROPERTY_PRE_RESTORE_FAILURE = 26,
	SHADOWCOPY_PROPERTY_POST_RESTORE_FAILURE = 27,
	SHADOWCOPY_PROPERTY_AUTHORITATIVE = 28,
	SHADOWCOPY_PROPERTY_ROLL_FORWARD = 29,
	SHADOWCOPY_PROPERTY_RESTORE_NAME = 30,
	SHADOWCOPY_PROPERTY_FAILURE = 31,
	SHADOWCOPY_PROPERTY_COMPLETED = 32,	/* when BackupComplete was sent */
};

/* --- backup components: the document ------------------------------------ */

/**
 * struct shadowcopy_backup_shadow - a shadow of the set, and its volume (F-50)
 * @uuid: of the shadow
 * @volume: device of the volume, "/dev/vda1"
 * @dev: its number at that time
 * @node: device of the shadow, "/dev/shadow0", or NULL
 * @fs_uuid: of the volume's filesystem, or NULL
 * @fs_type: of the volume's filesystem, or NULL
 * @mounts: where the volume was mounted
 * @mount_count: how many
 * @provider: who made it; zeros for the module
 * @transport: how another machine gets it, in the provider's own words (F-52), or NULL
 */
struct shadowcopy_backup_shadow {
	struct shadow_uuid uuid;
	const char *volume;
	struct shadow_dev dev;
	const char *node;
	const char *fs_uuid;
	const char *fs_type;
	const char **mounts;
	size_t mount_count;
	struct shadow_uuid provider;
	const char *transport;
};

/**
 * struct shadowcopy_partial_file - a file of which parts are backed up (F-40)
 * @path: its directory
 * @name: its name, no pattern
 * @ranges: "offset:length,...", or the path of a file with them
 * @metadata: the writer's own, or NULL
 * @ranges_path: where the requester put the file with the ranges, or NULL (B-40)
 */
struct shadowcopy_partial_file {
	const char *path;
	const char *name;
	const char *ranges;
	const char *metadata;
	const char *ranges_path;
};

/**
 * struct shadowcopy_differenced_file - files that are backed up where they changed (F-41)
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 * @modified: copy what was modified after this (ns since 1970); 0: the requester knows
 */
struct shadowcopy_differenced_file {
	const char *path;
	const char *spec;
	bool recursive;
	int64_t modified;
};

/**
 * struct shadowcopy_directed_target - parts of a file that go elsewhere (F-45)
 * @path: directory of the backed up file
 * @name: its name
 * @ranges: of it
 * @destination_path: directory of the file to write
 * @destination_name: its name
 * @destination_ranges: of it: as many, of the same lengths
 */
struct shadowcopy_directed_target {
	const char *path;
	const char *name;
	const char *ranges;
	const char *destination_path;
	const char *destination_name;
	const char *destination_ranges;
};

/**
 * struct shadowcopy_target - a file set that is restored elsewhere (B-37, B-38)
 * @path: of the file set
 * @spec: of the file set
 * @recursive: of the file set
 * @destination: directory
 */
struct shadowcopy_target {
	const char *path;
	const char *spec;
	bool recursive;
	const char *destination;
};

/**
 * struct shadowcopy_subcomponent - a component below a chosen one (B-34)
 * @path: logical path, NULL or "" for the top
 * @name: name
 */
struct shadowcopy_subcomponent {
	const char *path;
	const char *name;
};

/**
 * struct shadowcopy_backup_component - a component that was chosen by name (c.6)
 * @type: enum shadowcopy_component_type
 * @path: logical path, NULL or "" for the top (C-70)
 * @name: name
 * @backup_options: requester to writer (C-71)
 * @restore_options: requester to writer; grammar of l.6
 * @backup_metadata: writer to itself, at a restore (C-72)
 * @restore_metadata: writer to itself, from PreRestore to PostRestore (C-73)
 * @backup_stamp: writer's mark of this backup (C-74, F-44)
 * @previous_stamp: mark of the backup that this one builds on
 * @partial_files: see there (C-75)
 * @partial_file_count: how many
 * @differenced_files: see there (C-76)
 * @differenced_file_count: how many
 * @restore_target: enum shadowcopy_restore_target (C-77)
 * @directed_targets: see there (C-78)
 * @directed_target_count: how many
 * @new_targets: where the requester wants file sets (C-79)
 * @new_target_count: how many
 * @alternates_used: file sets that went to their alternate location (C-79)
 * @alternate_used_count: how many
 * @selected: to be restored (C-80)
 * @restore_instance: writer that gets it, where it is not the one that it was of
 * @restore_subcomponents: only these of it
 * @restore_subcomponent_count: how many
 * @additional_restores: more restores follow, wait with recovery
 * @backup_succeeded: enum shadowcopy_success (C-81)
 * @file_restore_status: enum shadowcopy_file_restore_status
 * @prepare_backup_failure: the writer's words (C-82)
 * @post_snapshot_failure: the writer's words
 * @pre_restore_failure: the writer's words
 * @post_restore_failure: the writer's words
 * @authoritative: what is restored wins over replicas (C-83)
 * @roll_forward: enum shadowcopy_roll_forward
 * @roll_forward_point: to where, for SHADOWCOPY_ROLL_FORWARD_PARTIAL
 * @restore_name: restore under this name
 * @failure: enum shadowcopy_failure (C-84)
 * @failure_code: the writer's own number
 * @failure_text: the writer's words
 */
struct shadowcopy_backup_component {
	uint32_t type;
	const char *path;
	const char *name;
	const char *backup_options;
	const char *restore_options;
	const char *backup_metadata;
	const char *restore_metadata;
	const char *backup_stamp;
	const char *previous_stamp;
	struct shadowcopy_partial_file **partial_files;
	size_t partial_file_count;
	struct shadowcopy_differenced_file **differenced_files;
	size_t differenced_file_count;
	uint32_t restore_target;
	struct shadowcopy_directed_target **directed_targets;
	size_t directed_target_count;
	struct shadowcopy_target **new_targets;
	size_t new_target_count;
	struct shadowcopy_target **alternates_used;
	size_t alternate_used_count;
	bool selected;
	struct shadow_uuid restore_instance;
	struct shadowcopy_subcomponent **restore_subcomponents;
	size_t restore_subcomponent_count;
	bool additional_restores;
	uint32_t backup_succeeded;
	uint32_t file_restore_status;
	const char *prepare_backup_failure;
	const char *post_snapshot_failure;
	const char *pre_restore_failure;
	const char *post_restore_failure;
	bool authoritative;
	uint32_t roll_forward;
	const char *roll_forward_point;
	const char *restore_name;
	uint32_t failure;
	uint32_t failure_code;
	const char *failure_text;
};

/**
 * struct shadowcopy_backup_writer - a writer that takes part (F-51)
 * @class_id: of the kind of writer
 * @instance_id: of the instance, at the time of the backup
 * @name: of the kind of writer
 * @instance_name: of the instance, or NULL
 * @privileged: it was root's: at a restore only root's writer is the same one
 * @uid: else its user's number: only this user's writer, or root's, is the same one; 0 where
 *	nothing is known of it
 * @components: those chosen by name
 * @component_count: how many
 */
struct shadowcopy_backup_writer {
	struct shadow_uuid class_id;
	struct shadow_uuid instance_id;
	const char *name;
	const char *instance_name;
	bool privileged;
	uint32_t uid;
	struct shadowcopy_backup_component **components;
	size_t component_count;
};

/**
 * struct shadowcopy_backup - what a backup has of the writers' data (f.6)
 * @mode: enum shadowcopy_backup_mode (F-50)
 * @session: of the backup or restore
 * @context: SHADOWCOPY_CTX_*
 * @set: the shadow set; zeros where there is none
 * @machine: name of the machine, or NULL
 * @created: when the document was begun (ns since 1970)
 * @taken: the instant of the set; 0: none
 * @completed: when BackupComplete was sent; 0: not
 * @shadows: of the set
 * @shadow_count: how many
 * @type: enum shadowcopy_backup_type (B-05)
 * @component_mode: components were chosen, rather than volumes
 * @bootable: system state that a machine boots from
 * @partial_files: writers may name parts of files
 * @restore_type: enum shadowcopy_restore_type (B-06)
 * @writers: those that take part
 * @writer_count: how many
 */
struct shadowcopy_backup {
	uint32_t mode;
	struct shadow_uuid session;
	uint32_t context;
	struct shadow_uuid set;
	const char *machine;
	int64_t created;
	int64_t taken;
	int64_t completed;
	struct shadowcopy_backup_shadow **shadows;
	size_t shadow_count;
	uint32_t type;
	bool component_mode;
	bool bootable;
	bool partial_files;
	uint32_t restore_type;
	struct shadowcopy_backup_writer **writers;
	size_t writer_count;
};

/* --- backup components: making, loading, saving ------------------------- */

/**
 * shadowcopy_backup_new() - begin a backup components document (B-02)
 * @sc: the handle
 * @session: of the backup
 * @backupp: out: at SHADOWCOPY_STEP_INIT, in the hands of the requester; to be freed
 *	by shadowcopy_backup_free()
 */
int shadowcopy_backup_new(struct shadowcopy *sc, const struct shadow_uuid *session,
			  struct shadowcopy_backup **backupp);

/**
 * shadowcopy_backup_free() - let go of a document
 * @backup: the document, or NULL
 */
void shadowcopy_backup_free(struct shadowcopy_backup *backup);

/**
 * shadowcopy_backup_load() - read a backup components document
 * @sc: the handle
 * @text: the document; any bytes, trusted in nothing
 * @size: bytes of it
 * @label: what to call it in errors
 * @flags: SHADOWCOPY_LOAD_* bits
 * @backupp: out: in the hands of the requester, at SHADOWCOPY_STEP_INIT, or at
 *	SHADOWCOPY_STEP_RESTORE_INIT where it is that of a restore;
 *	shadowcopy_backup_begin_restore() makes a restore of it
 *
 * Return: as shadowcopy_metadata_load().
 */
int shadowcopy_backup_load(struct shadowcopy *sc, const void *text, size_t size,
			   const char *label, uint32_t flags, struct shadowcopy_backup **backupp);

/**
 * shadowcopy_backup_load_fd() - read a backup components document from a file
 * @sc: the handle
 * @fd: read from where it stands to its end; stays open
 * @label: what to call it in errors
 * @flags: SHADOWCOPY_LOAD_* bits
 * @backupp: out: as shadowcopy_backup_load()
 *
 * Return: as shadowcopy_metadata_load_fd().
 */
int shadowcopy_backup_load_fd(struct shadowcopy *sc, int fd, const char *label, uint32_t flags,
			      struct shadowcopy_backup **backupp);

/**
 * shadowcopy_backup_save() - make JSON of the document (B-25)
 * @sc: the handle
 * @backup: the document
 * @textp: out: the text with a NUL behind it, to be freed by free()
 * @size: out: bytes without the NUL; may be NULL
 *
 * Return: 0, -ENOMEM, -EFBIG or -EINVAL.
 */
int shadowcopy_backup_save(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			   char **textp, size_t *size);

/**
 * shadowcopy_backup_begin_restore() - make a restore of a saved backup (B-03)
 * @sc: the handle
 * @backup: the document as it was loaded
 * @session: of the restore
 *
 * Forgets what an earlier restore left in it, and the failures of components, which are of
 * handlers that are over; goes to SHADOWCOPY_STEP_RESTORE_INIT.
 */
int shadowcopy_backup_begin_restore(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				    const struct shadow_uuid *session);

/**
 * shadowcopy_backup_act() - who changes the document next, and where the session is
 * @sc: the handle
 * @backup: the document
 * @role: enum shadowcopy_role
 * @step: enum shadowcopy_step, of the document's mode
 *
 * All functions below that change the document ask whether that role may, at that step.
 */
int shadowcopy_backup_act(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			  uint32_t role, uint32_t step);

/**
 * shadowcopy_property_check() - may this be changed now?
 * @sc: the handle
 * @property: enum shadowcopy_property
 * @role: enum shadowcopy_role
 * @step: enum shadowcopy_step
 *
 * Return: 0, -EBADFD with an error that tells who may, and when, or -EINVAL: there is no such
 * property, role or step.
 */
int shadowcopy_property_check(struct shadowcopy *sc, uint32_t property, uint32_t role,
			      uint32_t step);

/* "backup-options", "post-snapshot"; never NULL. */
const char *shadowcopy_property_name(uint32_t property);
const char *shadowcopy_step_name(uint32_t step);

/**
 * shadowcopy_backup_set_context() - what the shadows are for (B-04)
 * @sc: the handle
 * @backup: the document
 * @context: SHADOWCOPY_CTX_*
 *
 * Return: 0, -EINVAL or -EBADFD.
 */
int shadowcopy_backup_set_context(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				  uint32_t context);

/**
 * shadowcopy_backup_set_state() - what kind of backup it is (B-05)
 * @sc: the handle
 * @backup: the document
 * @type: enum shadowcopy_backup_type
 * @component_mode: components are chosen, rather than volumes
 * @bootable: system state that a machine boots from
 * @partial_files: the requester can back up parts of files
 *
 * Return: 0, -EINVAL or -EBADFD.
 */
int shadowcopy_backup_set_state(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				uint32_t type, bool component_mode, bool bootable,
				bool partial_files);

/**
 * shadowcopy_backup_set_restore_type() - what kind of restore it is (B-06)
 * @sc: the handle
 * @backup: the document
 * @type: enum shadowcopy_restore_type
 *
 * Return: 0, -EINVAL or -EBADFD.
 */
int shadowcopy_backup_set_restore_type(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				       uint32_t type);

/**
 * shadowcopy_backup_set_set() - the shadow set, once it is there
 * @sc: the handle
 * @backup: the document
 * @set: its identity
 * @machine: name of the machine, or NULL
 * @taken: its instant (ns since 1970), or 0
 *
 * Return: 0, -EINVAL, -ENOMEM or -EBADFD.
 */
int shadowcopy_backup_set_set(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			      const struct shadow_uuid *set, const char *machine, int64_t taken);

/**
 * shadowcopy_backup_add_shadow() - a shadow of the set
 * @sc: the handle
 * @backup: the document
 * @uuid: of the shadow
 * @volume: device of the volume
 * @dev: its number
 * @node: device of the shadow, or NULL
 * @shadowp: out, may be NULL: belongs to the document
 *
 * Return: 0, -EEXIST, -EINVAL, -ENOMEM or -EBADFD.
 */
int shadowcopy_backup_add_shadow(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				 const struct shadow_uuid *uuid, const char *volume,
				 struct shadow_dev dev, const char *node,
				 struct shadowcopy_backup_shadow **shadowp);

/**
 * shadowcopy_backup_shadow_set_fs() - which filesystem was on the volume
 * @sc: the handle
 * @shadow: from shadowcopy_backup_add_shadow()
 * @fs_uuid: its UUID as the filesystem writes it, or NULL
 * @fs_type: "ext4", or NULL
 *
 * Return: 0, -EINVAL, -ENOMEM or -EBADFD.
 */
int shadowcopy_backup_shadow_set_fs(struct shadowcopy *sc,
				    struct shadowcopy_backup_shadow *shadow,
				    const char *fs_uuid, const char *fs_type);

/**
 * shadowcopy_backup_shadow_set_provider() - who made the shadow, and how it travels (F-52)
 * @sc: the handle
 * @shadow: from shadowcopy_backup_add_shadow()
 * @provider: who made it
 * @transport: the provider's own words, or NULL
 *
 * Return: 0, -EINVAL, -ENOMEM or -EBADFD.
 */
int shadowcopy_backup_shadow_set_provider(struct shadowcopy *sc,
					  struct shadowcopy_backup_shadow *shadow,
					  const struct shadow_uuid *provider,
					  const char *transport);

/**
 * shadowcopy_backup_shadow_add_mount() - where the volume was mounted
 * @sc: the handle
 * @shadow: from shadowcopy_backup_add_shadow()
 * @path: mount point
 *
 * Return: 0, -EINVAL, -ENOMEM or -EBADFD.
 */
int shadowcopy_backup_shadow_add_mount(struct shadowcopy *sc,
				       struct shadowcopy_backup_shadow *shadow, const char *path);

/**
 * shadowcopy_backup_set_completed() - when BackupComplete was sent
 * @sc: the handle
 * @backup: the document
 * @completed: ns since 1970
 *
 * Return: 0, -EINVAL or -EBADFD.
 */
int shadowcopy_backup_set_completed(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				    int64_t completed);

/**
 * shadowcopy_backup_find_writer() - a writer that takes part
 * @backup: the document
 * @class_id: of the kind of writer
 * @instance_id: of the instance, or NULL for the first of the class
 *
 * Return: the writer, or NULL.
 */
struct shadowcopy_backup_writer *
shadowcopy_backup_find_writer(const struct shadowcopy_backup *backup,
			      const struct shadow_uuid *class_id,
			      const struct shadow_uuid *instance_id);

/**
 * shadowcopy_backup_find() - a component of the document
 * @writer: a writer of it
 * @path: logical path, NULL or "" for the top
 * @name: name
 *
 * Return: the component, or NULL.
 */
struct shadowcopy_backup_component *
shadowcopy_backup_find(const struct shadowcopy_backup_writer *writer, const char *path,
		       const char *name);

/* --- backup components: properties of a component (c.6) ------------------ */

/**
 * shadowcopy_backup_component_set_text() - change a property that is text
 * @sc: the handle
 * @component: whose
 * @property: backup options, restore options, backup metadata, restore metadata, backup stamp,
 *	previous stamp, one of the four failure texts, or restore name
 * @text: the text, or NULL: none
 *
 * Return: 0, -EINVAL (no such property is text, or the text breaks a rule), -EBADFD (not
 * this role, or not now), -ENOMEM.
 */
int shadowcopy_backup_component_set_text(struct shadowcopy *sc,
					 struct shadowcopy_backup_component *component,
					 uint32_t property, const char *text);

/**
 * shadowcopy_backup_component_set_value() - change a property that is a number or a flag
 * @sc: the handle
 * @component: whose
 * @property: restore target, backup succeeded, file restore status, additional restores, or
 *	authoritative
 * @value: of the property's own enum; 0 or 1 for a flag
 *
 * Return: 0, -EINVAL or -EBADFD.
 */
int shadowcopy_backup_component_set_value(struct shadowcopy *sc,
					  struct shadowcopy_backup_component *component,
					  uint32_t property, uint32_t value);

/**
 * shadowcopy_backup_component_set_roll_forward() - how far to roll forward (B-44)
 * @sc: the handle
 * @component: whose
 * @roll_forward: enum shadowcopy_roll_forward
 * @point: for SHADOWCOPY_ROLL_FORWARD_PARTIAL, else NULL
 *
 * Return: 0, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_set_roll_forward(struct shadowcopy *sc,
						 struct shadowcopy_backup_component *component,
						 uint32_t roll_forward, const char *point);

/**
 * shadowcopy_backup_component_set_failure() - a writer's failure with one component (C-84)
 * @sc: the handle
 * @component: which
 * @failure: enum shadowcopy_failure
 * @code: the writer's own number
 * @text: the writer's words
 *
 * Return: 0, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_set_failure(struct shadowcopy *sc,
					    struct shadowcopy_backup_component *component,
					    uint32_t failure, uint32_t code, const char *text);

/**
 * shadowcopy_backup_component_add_partial() - back up parts of a file (F-40)
 * @sc: the handle
 * @component: whose
 * @path: directory of the file
 * @name: of the file
 * @ranges: "offset:length,...", or the absolute path of a ranges file
 * @metadata: the writer's own, or NULL
 *
 * Return: 0, -EEXIST, -EINVAL (also where the requester takes no partial files), -EBADFD,
 * -ENOMEM.
 */
int shadowcopy_backup_component_add_partial(struct shadowcopy *sc,
					    struct shadowcopy_backup_component *component,
					    const char *path, const char *name,
					    const char *ranges, const char *metadata);

/**
 * shadowcopy_backup_component_set_ranges_path() - where the ranges file is now (B-40)
 * @sc: the handle
 * @component: whose
 * @path: directory of the partial file
 * @name: of the partial file
 * @ranges_path: where its ranges file was put
 *
 * Return: 0, -ENOENT, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_set_ranges_path(struct shadowcopy *sc,
						struct shadowcopy_backup_component *component,
						const char *path, const char *name,
						const char *ranges_path);

/**
 * shadowcopy_backup_component_add_differenced() - back up what changed of some files (F-41)
 * @sc: the handle
 * @component: whose
 * @path: directory
 * @spec: names in it, with ? and *
 * @recursive: and in all directories below
 * @modified: what was modified after this (ns since 1970), or 0
 *
 * Return: 0, -EEXIST, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_add_differenced(struct shadowcopy *sc,
						struct shadowcopy_backup_component *component,
						const char *path, const char *spec,
						bool recursive, int64_t modified);

/**
 * shadowcopy_backup_component_add_directed() - send parts of a file elsewhere (F-45)
 * @sc: the handle
 * @component: whose
 * @path: directory of the backed up file
 * @name: its name
 * @ranges: of it
 * @destination_path: directory of the file to write
 * @destination_name: its name
 * @destination_ranges: of it: as many, of the same lengths
 *
 * Return: 0, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_add_directed(struct shadowcopy *sc,
					     struct shadowcopy_backup_component *component,
					     const char *path, const char *name,
					     const char *ranges, const char *destination_path,
					     const char *destination_name,
					     const char *destination_ranges);

/**
 * shadowcopy_backup_component_add_new_target() - restore a file set elsewhere (B-37)
 * @sc: the handle
 * @component: whose
 * @metadata: as it was saved with the backup
 * @path: of a file set of the component or of one that came with it
 * @spec: of the same
 * @recursive: of the same
 * @destination: directory
 *
 * Return: 0, -ENOENT (no such file set), -EOPNOTSUPP (the writer does not offer it),
 * -EEXIST, -EINVAL, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_component_add_new_target(struct shadowcopy *sc,
					       struct shadowcopy_backup_component *component,
					       const struct shadowcopy_metadata *metadata,
					       const char *path, const char *spec,
					       bool recursive, const char *destination);

/**
 * shadowcopy_backup_component_add_alternate_used() - a file set went to its alternate location
 * @sc: the handle
 * @component: whose
 * @metadata: as it was saved with the backup
 * @path: of a file set of the component or of one that came with it
 * @spec: of the same
 * @recursive: of the same
 * @destination: directory
 *
 * Return: 0, -ENOENT (no such file set), -EEXIST, -EINVAL, -EBADFD or -ENOMEM (B-38).
 */
int shadowcopy_backup_component_add_alternate_used(struct shadowcopy *sc,
						   struct shadowcopy_backup_component *component,
						   const struct shadowcopy_metadata *metadata,
						   const char *path, const char *spec,
						   bool recursive, const char *destination);

/**
 * shadowcopy_backup_merge() - take over what the other side changed in its copy
 * @sc: the handle
 * @backup: the document, with role and step set by shadowcopy_backup_act()
 * @edited: a copy of it, or a view, that was changed
 * @instances: only these writers' components may differ, and others may be missing in @edited
 * @count: how many; 0: all writers' may differ
 *
 * Every difference is checked as if it had been made by its function, but for the rules that need
 * metadata.  Nothing is taken over where one may not be there; where memory is short some of it
 * may be, each property as a whole.
 *
 * Return: 0, -EBADFD (something was changed that may not be), -EINVAL or -ENOMEM.
 */
int shadowcopy_backup_merge(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			    const struct shadowcopy_backup *edited,
			    const struct shadow_uuid *instances, size_t count);

/**
 * shadowcopy_backup_view() - a copy with some writers' parts only
 * @sc: the handle
 * @backup: the document
 * @instances: whose parts are in it; NULL: all
 * @count: how many
 * @viewp: out: in the same role, at the same step; to be freed by shadowcopy_backup_free()
 *
 * A writer sees no more of a document than this.
 */
int shadowcopy_backup_view(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			   const struct shadow_uuid *instances, size_t count,
			   struct shadowcopy_backup **viewp);

/**
 * shadowcopy_backup_adopt() - take over what the requester changed, and chose, in its copy
 * @sc: the handle
 * @backupp: the document; replaced by another one where this succeeds, else as it was
 * @edited: a copy of it that was changed; may have components more, and writers less, but
 *	not another context, set or shadows
 * @metadata: of the writers that there are
 * @count: how many
 *
 * Return: as shadowcopy_backup_merge() and shadowcopy_backup_add_component().
 */
int shadowcopy_backup_adopt(struct shadowcopy *sc, struct shadowcopy_backup **backupp,
			    const struct shadowcopy_backup *edited,
			    struct shadowcopy_metadata *const *metadata, size_t count);

/* --- choosing components (f.3) --------------------------------------------- */

/* What the four rules of a backup make of a component; the numbers are theirs. */
enum shadowcopy_selectability {
	SHADOWCOPY_SELECTABILITY_MANDATORY = 1,	/* explicit wherever its writer takes part */
	SHADOWCOPY_SELECTABILITY_OPTIONAL = 2,	/* explicit or not at all */
	SHADOWCOPY_SELECTABILITY_IMPLICIT = 3,	/* with a component above it only */
	SHADOWCOPY_SELECTABILITY_NESTED = 4,	/* with one above it, or else explicit */
};

/* How a component is in a backup. */
enum shadowcopy_inclusion {
	SHADOWCOPY_INCLUSION_NONE = 0,
	SHADOWCOPY_INCLUSION_EXPLICIT = 1,	/* has an entry in the document */
	SHADOWCOPY_INCLUSION_IMPLICIT = 2,	/* lies below one that has */
};

/**
 * shadowcopy_component_selectability() - which rule is for a component
 * @metadata: its writer's
 * @component: of that metadata
 *
 * Return: enum shadowcopy_selectability.
 */
uint32_t shadowcopy_component_selectability(const struct shadowcopy_metadata *metadata,
					    const struct shadowcopy_component *component);

/**
 * shadowcopy_component_in_system_state() - is it a part of the system's state? (F-02)
 * @metadata: its writer's
 * @component: of that metadata
 */
bool shadowcopy_component_in_system_state(const struct shadowcopy_metadata *metadata,
					  const struct shadowcopy_component *component);

/**
 * shadowcopy_backup_add_component() - choose a component for the backup (B-10)
 * @sc: the handle
 * @backup: the document
 * @metadata: the writer's
 * @path: logical path of the component, NULL or "" for the top
 * @name: its name
 * @componentp: out, may be NULL: its entry, which belongs to the document
 *
 * The writer's mandatory components come with its first one, of themselves; to choose one of
 * them again is no mistake.
 *
 * Return: 0, -ENOENT (no such component), -EINVAL (it comes with one above it, and never
 * alone), -EEXIST (it is there, or one above or below it is), -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_add_component(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				    const struct shadowcopy_metadata *metadata, const char *path,
				    const char *name,
				    struct shadowcopy_backup_component **componentp);

/**
 * shadowcopy_backup_remove_writer() - leave a writer out after all
 * @sc: the handle
 * @backup: the document
 * @class_id: of the kind of writer
 * @instance_id: of the instance
 *
 * Its entries are gone afterwards.
 *
 * Return: 0, -ENOENT or -EBADFD.
 */
int shadowcopy_backup_remove_writer(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				    const struct shadow_uuid *class_id,
				    const struct shadow_uuid *instance_id);

/**
 * shadowcopy_backup_inclusion() - how a component is in the backup
 * @backup: the document
 * @metadata: its writer's
 * @component: of that metadata
 * @entry: out, may be NULL: the entry that it has, or that it comes with; else NULL
 *
 * Return: enum shadowcopy_inclusion.
 */
uint32_t shadowcopy_backup_inclusion(const struct shadowcopy_backup *backup,
				     const struct shadowcopy_metadata *metadata,
				     const struct shadowcopy_component *component,
				     struct shadowcopy_backup_component **entry);

/**
 * shadowcopy_backup_add_dependencies() - choose what the chosen components depend on (F-27)
 * @sc: the handle
 * @backup: the document
 * @metadata: of all writers of the machine
 * @count: how many
 *
 * And what that depends on, and so on.  Dependencies on other machines are left to the caller.
 * After a failure some are chosen.
 *
 * Return: 0, -ENOENT (one is on no writer that there is: leave out what depends on it),
 * or as shadowcopy_backup_add_component().
 */
int shadowcopy_backup_add_dependencies(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				       struct shadowcopy_metadata *const *metadata, size_t count);

/**
 * shadowcopy_backup_add_system_state() - choose what is in the system's state (F-02)
 * @sc: the handle
 * @backup: the document
 * @metadata: of all writers of the machine
 * @count: how many
 *
 * All of it that is not chosen yet; what is above it and brings it, where it does not come alone.
 * After a failure some is chosen.
 *
 * Return: as shadowcopy_backup_add_component().
 */
int shadowcopy_backup_add_system_state(struct shadowcopy *sc, struct shadowcopy_backup *backup,
				       struct shadowcopy_metadata *const *metadata, size_t count);

/**
 * shadowcopy_backup_check() - do the chosen components keep the rules?
 * @sc: the handle
 * @backup: the document
 * @metadata: of all writers of the machine, or those saved with the backup
 * @count: how many
 *
 * Also whether writers gave times of changes that their schema does not offer (F-41), and whether
 * what belongs together of the system's state is together (G-13): of a bootable backup with
 * components all that is in the system's state has to be chosen, of any other one all or nothing
 * of it.  What writers have that offer to be backed up alone
 * (SHADOWCOPY_SCHEMA_INDEPENDENT_SYSTEM_STATE) may be chosen without the rest in that other one.
 *
 * Return: 0, -ENOENT (a writer, a component or a dependency is missing), -EINVAL or -ENOMEM.
 */
int shadowcopy_backup_check(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			    struct shadowcopy_metadata *const *metadata, size_t count);

/**
 * shadowcopy_backup_select() - choose a component for a restore (B-33)
 * @sc: the handle
 * @component: an entry of the document
 * @saved: its writer's metadata, saved with the backup
 * @live: of the writer that is to get it, or NULL: there is none
 *
 * A writer that takes no part in restores is not asked for.  One of another instance name
 * gets the component only where it offers that.
 *
 * Return: 0, -ENOENT (its writer is not there), -EOPNOTSUPP (the writer is another instance,
 * or too old), -EINVAL (@saved is of another writer) or -EBADFD.
 */
int shadowcopy_backup_select(struct shadowcopy *sc, struct shadowcopy_backup_component *component,
			     const struct shadowcopy_metadata *saved,
			     const struct shadowcopy_metadata *live);

/**
 * shadowcopy_backup_deselect() - leave a component out of the restore after all
 * @sc: the handle
 * @component: an entry of the document
 *
 * Its parts that were chosen alone are forgotten.
 *
 * Return: 0 or -EBADFD.
 */
int shadowcopy_backup_deselect(struct shadowcopy *sc,
			       struct shadowcopy_backup_component *component);

/**
 * shadowcopy_backup_add_restore_subcomponent() - restore a part of a component only (B-34)
 * @sc: the handle
 * @component: an entry that is selected
 * @saved: its writer's metadata, saved with the backup
 * @path: logical path of the part
 * @name: its name
 *
 * Return: 0, -ENOENT (the entry is not selected, or nothing of that name was backed up with it),
 * -EINVAL (it cannot be chosen alone, or @saved is of another writer), -EEXIST, -EBADFD or -ENOMEM.
 */
int shadowcopy_backup_add_restore_subcomponent(struct shadowcopy *sc,
					       struct shadowcopy_backup_component *component,
					       const struct shadowcopy_metadata *saved,
					       const char *path, const char *name);

/**
 * shadowcopy_restore_includes() - is a component restored?
 * @backup: the document
 * @metadata: its writer's, saved with the backup
 * @component: of that metadata
 * @entry: out, may be NULL: the entry that it has, or that it comes with; else NULL
 */
bool shadowcopy_restore_includes(const struct shadowcopy_backup *backup,
				 const struct shadowcopy_metadata *metadata,
				 const struct shadowcopy_component *component,
				 struct shadowcopy_backup_component **entry);

/**
 * shadowcopy_restore_check() - are dependencies restored, too, and can writers do it?
 * @sc: the handle
 * @backup: the document
 * @metadata: saved with the backup
 * @count: how many
 *
 * What is selected may be asked to go to new targets, to win over replicas, to roll forward and to
 * have another name only where its writer offers that (B-37, B-42 to B-44); what it depends on
 * has to be restored as well (F-27).
 *
 * Return: 0, -ENOENT (a dependency, or metadata), -EOPNOTSUPP (a writer does not offer what is
 * asked) or -ENOMEM.
 */
int shadowcopy_restore_check(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			     struct shadowcopy_metadata *const *metadata, size_t count);

/* --- paths --------------------------------------------------------------- */

/**
 * shadowcopy_path_expand() - put values in place of ${VARIABLES}
 * @sc: the handle
 * @path: a path of a document
 * @lookup: gives the value of a variable, which stays the caller's, or NULL: unknown
 * @data: handed to @lookup
 * @pathp: out: an absolute, normalised path; to be freed by free()
 *
 * Return: 0, -ENOENT (a variable is unknown), -EINVAL (the result is no good path), -ENOMEM.
 */
int shadowcopy_path_expand(struct shadowcopy *sc, const char *path,
			   const char *(*lookup)(void *data, const char *name), void *data,
			   char **pathp);

/**
 * shadowcopy_metadata_expand() - shadowcopy_path_expand() for all paths of a document
 * @sc: the handle
 * @metadata: the document
 * @lookup: gives the value of a variable, or NULL
 * @data: handed to @lookup
 *
 * Return: as shadowcopy_path_expand(); after a failure some paths are expanded.
 */
int shadowcopy_metadata_expand(struct shadowcopy *sc, struct shadowcopy_metadata *metadata,
			       const char *(*lookup)(void *data, const char *name), void *data);

/**
 * shadowcopy_backup_expand() - the same for backup components
 * @sc: the handle
 * @backup: the document; a copy that is only read, as for the list of files and for the plan of a
 *	restore, since what is changed in it is not what the writers wrote
 * @lookup: gives the value of a variable, or NULL
 * @data: handed to @lookup
 *
 * Return: as shadowcopy_metadata_expand().
 */
int shadowcopy_backup_expand(struct shadowcopy *sc, struct shadowcopy_backup *backup,
			     const char *(*lookup)(void *data, const char *name), void *data);

/**
 * shadowcopy_spec_matches() - does a name fit a pattern?
 * @spec: with ? for one character and * for any number of them
 * @name: a file's name
 */
bool shadowcopy_spec_matches(const char *spec, const char *name);

/* --- ranges (F-40, F-45) -------------------------------------------------- */

#define SHADOWCOPY_RANGES_MAX	(1U << 20)	/* in a file */

/**
 * struct shadowcopy_range - a part of a file
 * @offset: where it begins, in bytes
 * @length: bytes of it, never 0; offset + length fits into 63 bits
 *
 * It never grows: arrays of it are arrays.
 */
struct shadowcopy_range {
	uint64_t offset;
	uint64_t length;
};

/**
 * shadowcopy_ranges_parse() - read ranges from text
 * @sc: the handle
 * @text: "offset:length,offset:length,...", each decimal or hexadecimal with 0x
 * @rangesp: out: to be freed by free()
 * @count: out: how many
 *
 * Return: 0, -EINVAL with the place of the mistake, or -ENOMEM.
 */
int shadowcopy_ranges_parse(struct shadowcopy *sc, const char *text,
			    struct shadowcopy_range **rangesp, size_t *count);

/**
 * shadowcopy_ranges_read() - read ranges from a ranges file
 * @sc: the handle
 * @fd: from where it stands to its end: the number of ranges, then offset and length of
 *	each, all of them 64 bits in little-endian order; stays open
 * @label: what to call it in errors
 * @rangesp: out: to be freed by free()
 * @count: out: how many
 *
 * Return: 0, -EINVAL, -EFBIG (more than SHADOWCOPY_RANGES_MAX), -ENOMEM or an errno of read().
 */
int shadowcopy_ranges_read(struct shadowcopy *sc, int fd, const char *label,
			   struct shadowcopy_range **rangesp, size_t *count);

/**
 * shadowcopy_ranges_write() - write a ranges file
 * @sc: the handle
 * @fd: where to; stays open
 * @label: what to call it in errors
 * @ranges: the ranges
 * @count: how many
 *
 * Return: 0, -EINVAL (a range that none can be), -EFBIG (none, or more than
 * SHADOWCOPY_RANGES_MAX), -ENOMEM or an errno of write().
 */
int shadowcopy_ranges_write(struct shadowcopy *sc, int fd, const char *label,
			    const struct shadowcopy_range *ranges, size_t count);

/* --- restore options (l.6) ------------------------------------------------ */

/**
 * struct shadowcopy_option - an option of a restore
 * @component: logical path that it is for, with what lies below; NULL: everything
 * @name: its name; in any case of letters
 * @value: its value
 */
struct shadowcopy_option {
	const char *component;
	const char *name;
	const char *value;
};

/**
 * shadowcopy_options_parse() - read restore options
 * @sc: the handle
 * @text: "Sub/Path":"Name"="Value","Name"="Value",...; the quotation marks are part of it,
 *	and \ before one of them or before \ makes it a part of what is quoted
 * @optionsp: out: array that ends in NULL; to be freed, with all in it, by free()
 * @count: out: how many; may be NULL
 *
 * Of the options that everyone knows the values are checked: "Authoritative" is "All" once
 * or "Item:x" any number of times, "Roll Forward" is "None", "All" or "Partial:x", "New
 * Component Name" is a logical path and a name.
 *
 * Return: 0, -EINVAL with the place of the mistake, or -ENOMEM.
 */
int shadowcopy_options_parse(struct shadowcopy *sc, const char *text,
			     struct shadowcopy_option ***optionsp, size_t *count);

/* --- the files of a backup (f.4) --------------------------------------------- */

/**
 * struct shadowcopy_shadow_map - where the shadow of a mounted filesystem can be read
 * @path: where the volume is mounted; without '/' at its end
 * @directory: where its shadow is mounted; trusted
 *
 * It never grows: arrays of it are arrays.
 */
struct shadowcopy_shadow_map {
	const char *path;
	const char *directory;
};

enum shadowcopy_item_kind {
	SHADOWCOPY_ITEM_FILE = 1,
	SHADOWCOPY_ITEM_DIRECTORY = 2,	/* to be made anew, empty or not */
	SHADOWCOPY_ITEM_SYMLINK = 3,	/* itself; never what it leads to */
	SHADOWCOPY_ITEM_SPECIAL = 4,	/* a device, a FIFO or a socket */
	SHADOWCOPY_ITEM_RANGES = 5,	/* a ranges file, to be restored before its file */
};

/* Why a file is there; also the order in which they come (F-43). */
enum shadowcopy_item_reason {
	SHADOWCOPY_REASON_DIFFERENCED = 1,
	SHADOWCOPY_REASON_PARTIAL = 2,
	SHADOWCOPY_REASON_FILESET = 3,
};

#define SHADOWCOPY_ITEM_CONFLICT	0x1U	/* differenced and partial: a fault of the writer */
#define SHADOWCOPY_ITEM_BY_RECORDS	0x2U	/* the requester knows whether it changed (F-41) */
#define SHADOWCOPY_ITEM_LIVE		0x4U	/* read from the volume, not from a shadow */

/**
 * struct shadowcopy_backup_item - a file to back up
 * @metadata: of its writer
 * @entry: the entry of the document that it is in the backup by, which can be changed
 * @component: the component that it belongs to; NULL where no file set has it
 * @path: where it is, and is restored to
 * @read: where to read it; open it without following symbolic links
 * @kind: enum shadowcopy_item_kind
 * @reason: enum shadowcopy_item_reason
 * @flags: SHADOWCOPY_ITEM_* bits
 * @ranges: the parts to back up, or NULL: all of it
 * @range_count: how many
 */
struct shadowcopy_backup_item {
	const struct shadowcopy_metadata *metadata;
	struct shadowcopy_backup_component *entry;
	const struct shadowcopy_component *component;
	const char *path;
	const char *read;
	uint32_t kind;
	uint32_t reason;
	uint32_t flags;
	const struct shadowcopy_range *ranges;
	size_t range_count;
};

/**
 * shadowcopy_backup_set_new() - begin to list the files of a backup
 * @sc: the handle
 * @backup: the document; outlives the list, as what follows does
 * @metadata: of the writers that take part, without variables in it
 * @count: how many
 * @maps: the shadows; for each path the one with the longest @path above it counts, so one is
 *	needed for each volume that is mounted below others, too
 * @map_count: how many
 * @setp: out: to be freed by shadowcopy_backup_set_free()
 *
 * Return: 0, -ENOENT (the metadata of a writer is missing), -EINVAL or -ENOMEM.
 */
int shadowcopy_backup_set_new(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
			      struct shadowcopy_metadata *const *metadata, size_t count,
			      const struct shadowcopy_shadow_map *maps, size_t map_count,
			      struct shadowcopy_backup_set **setp);

/**
 * shadowcopy_backup_set_excludes() - leave out what the machine excludes (A-29)
 * @sc: the handle
 * @set: the list
 * @directory: of the *.conf files, or NULL for /etc/shadowcopy/exclude.d
 * @lookup: gives the value of a variable, or NULL
 * @data: handed to @lookup
 *
 * A line is a directory and a pattern of names; "**" between them, as a directory of its own,
 * takes in all directories below.  Lines behind "[NAME]" count where no writer of that name is
 * among the metadata.  Lines that begin with "#", and empty ones, mean nothing.
 *
 * Return: 0, also where there is no such directory, -EINVAL (with file and line), -ENOMEM or
 * another negative errno.
 */
int shadowcopy_backup_set_excludes(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
				   const char *directory,
				   const char *(*lookup)(void *data, const char *name), void *data);

/**
 * shadowcopy_backup_set_next() - the next file
 * @sc: the handle
 * @set: the list
 * @itemp: out: the file; it, and its strings, last until the next call; after a failure
 *	@metadata, @entry, @component and @path, a directory, tell what is not in the list
 *
 * After a failure the list goes on behind what it was about, one file, one directory or one
 * file set, for those who want what can be had; it ends.
 *
 * Return: 1 with a file, 0 at the end, -ENOENT (a file that was named is not there), -ELOOP or
 * -ENOTDIR (a symbolic link is on the way), -ENXIO (no shadow has it), -EINVAL (a ranges file
 * that is none), -ENOMEM or an errno of reading directories.
 */
int shadowcopy_backup_set_next(struct shadowcopy *sc, struct shadowcopy_backup_set *set,
			       const struct shadowcopy_backup_item **itemp);

/**
 * shadowcopy_backup_set_free() - end a list
 * @set: the list, or NULL
 */
void shadowcopy_backup_set_free(struct shadowcopy_backup_set *set);

/**
 * shadowcopy_backup_shadows_needed() - of which mounts a backup needs shadows (G-17)
 * @sc: the handle
 * @backup: the document
 * @metadata: of the writers that take part
 * @count: how many
 * @mounts: all mount points of the machine
 * @mount_count: how many
 * @needed: out: for each of them, whether a shadow is needed
 *
 * Return: 0, or -ENOENT (the metadata of a writer is missing).
 */
int shadowcopy_backup_shadows_needed(struct shadowcopy *sc,
				     const struct shadowcopy_backup *backup,
				     struct shadowcopy_metadata *const *metadata, size_t count,
				     const char *const *mounts, size_t mount_count, bool *needed);

/* --- what shadows need not have (F-07, A-30) --------------------------------- */

struct shadowcopy_trim;

/**
 * struct shadowcopy_trimmed - what was deleted
 * @files: how many
 * @bytes: what they took; 0 for a file with other names
 */
struct shadowcopy_trimmed {
	uint64_t files;
	uint64_t bytes;
};

/**
 * shadowcopy_trim_new() - see which files shadows need not have
 * @sc: the handle; outlives the rest
 * @directory: of the machine's *.conf files, NULL for /etc/shadowcopy/trim.d; their
 *	lines are those of shadowcopy_backup_set_excludes(), without variables
 * @writers: metadata of those that take part; outlives the rest
 * @users: whose writer each is, outlives the rest; NULL: all are root's.  Of what a user's
 *	excludes only his own files are deleted.
 * @count: how many
 * @trimp: out: to be freed by shadowcopy_trim_free()
 *
 * Return: 0, also where there is no such directory, -EINVAL (with file and line), or
 * another negative errno.
 */
int shadowcopy_trim_new(struct shadowcopy *sc, const char *directory,
			struct shadowcopy_metadata *const *writers, const uid_t *users,
			size_t count, struct shadowcopy_trim **trimp);
void shadowcopy_trim_free(struct shadowcopy_trim *trim);

/* How many patterns there are; 0: nothing is to be done. */
size_t shadowcopy_trim_count(const struct shadowcopy_trim *trim);

/**
 * shadowcopy_trim_run() - delete them in a shadow that can be written to
 * @trim: which
 * @device: of the shadow
 * @fstype: of its filesystem
 * @mountpoint: where its volume is mounted
 * @result: out: what was deleted, also after a failure
 *
 * The filesystem is mounted where no other process sees it.  Symbolic links in it are not
 * followed.  It takes root.
 *
 * What cannot be deleted is passed over, and the first failure told in the end.
 *
 * Return: 0, -EBUSY (the shadow is mounted, read-only), -EROFS (it is sealed), -EXDEV (what is
 * mounted there is a directory or a subvolume of it), or another negative errno.
 */
int shadowcopy_trim_run(struct shadowcopy_trim *trim, const char *device, const char *fstype,
			const char *mountpoint, struct shadowcopy_trimmed *result);

/* --- the plan of a restore (f.4, l) ------------------------------------------ */

/**
 * struct shadowcopy_media_file - a file that the backup has
 * @path: where it was; absolute, without "." and ".."
 * @kind: enum shadowcopy_item_kind
 *
 * It never grows: arrays of it are arrays.
 */
struct shadowcopy_media_file {
	const char *path;
	uint32_t kind;
};

enum shadowcopy_restore_step_kind {
	SHADOWCOPY_RESTORE_STEP_PRE_RESTORE = 1,	/* the event, if it was not sent before */
	SHADOWCOPY_RESTORE_STEP_STOP_UNIT = 2,
	SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT = 3,	/* passed: no destination exists */
	SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE = 4,	/* passed: each can be replaced */
	SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT = 5,
	SHADOWCOPY_RESTORE_STEP_COPY = 6,		/* to the destinations */
	SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE = 7,	/* to the alternate locations */
	SHADOWCOPY_RESTORE_STEP_STAGE = 8,		/* beside them, for the next boot to move */
	SHADOWCOPY_RESTORE_STEP_CUSTOM = 9,		/* as the writer's documentation says */
	SHADOWCOPY_RESTORE_STEP_START_UNIT = 10,
	SHADOWCOPY_RESTORE_STEP_POST_RESTORE = 11,	/* send the event to the writer */
	SHADOWCOPY_RESTORE_STEP_REBOOT = 12,		/* when all is done */
};

enum shadowcopy_restore_condition {
	SHADOWCOPY_CONDITION_ALWAYS = 0,
	SHADOWCOPY_CONDITION_PASSED = 1,	/* the part's check of its destinations passed */
	SHADOWCOPY_CONDITION_FAILED = 2,	/* it did not */
	SHADOWCOPY_CONDITION_ALTERNATE_PASSED = 3, /* that of the alternate locations did */
	SHADOWCOPY_CONDITION_ANY_FAILED = 4,	/* not all of the writer went to its destination */
	SHADOWCOPY_CONDITION_ANY_STAGED = 5,	/* a STAGE step was done */
};

/**
 * struct shadowcopy_restore_file - a file, and where it goes to
 * @component: what it belongs to, or NULL: no file set has it
 * @path: where it was
 * @kind: enum shadowcopy_item_kind; ranges files come first
 * @destination: where it goes to; to be opened without following symbolic links
 * @alternate: its alternate location, or NULL
 * @ranges: the parts of it that the backup has, as text or as the path of a ranges file;
 *	NULL: all of it
 * @destination_ranges: where in the destination they go to; NULL: the same
 */
struct shadowcopy_restore_file {
	const struct shadowcopy_component *component;
	const char *path;
	uint32_t kind;
	const char *destination;
	const char *alternate;
	const char *ranges;
	const char *destination_ranges;
};

/**
 * struct shadowcopy_restore_part - what is restored as one: all of it, or nothing
 * @metadata: of its writer, saved with the backup
 * @entry: the selected entry of the document, which can be changed
 * @files: its files
 * @file_count: how many
 */
struct shadowcopy_restore_part {
	const struct shadowcopy_metadata *metadata;
	struct shadowcopy_backup_component *entry;
	struct shadowcopy_restore_file **files;
	size_t file_count;
};

/**
 * struct shadowcopy_restore_step - what is done, in this order
 * @kind: enum shadowcopy_restore_step_kind
 * @condition: enum shadowcopy_restore_condition
 * @metadata: of the writer, or NULL for SHADOWCOPY_RESTORE_STEP_REBOOT
 * @part: which, where the step is one of a part; else NULL
 * @unit: the systemd unit to stop or to start; else NULL
 */
struct shadowcopy_restore_step {
	uint32_t kind;
	uint32_t condition;
	const struct shadowcopy_metadata *metadata;
	const struct shadowcopy_restore_part *part;
	const char *unit;
};

/**
 * struct shadowcopy_restore_plan - what a restore does; nothing is done here
 * @parts: what is restored
 * @part_count: how many
 * @steps: how
 * @step_count: how many
 * @unclaimed: files of the backup that belong to nothing that is restored
 * @unclaimed_count: how many
 */
struct shadowcopy_restore_plan {
	struct shadowcopy_restore_part **parts;
	size_t part_count;
	struct shadowcopy_restore_step **steps;
	size_t step_count;
	const char **unclaimed;
	size_t unclaimed_count;
};

/**
 * shadowcopy_restore_plan_new() - what a restore has to do
 * @sc: the handle
 * @backup: the document, with components selected
 * @metadata: saved with the backup, without variables in it
 * @count: how many
 * @media: what the backup has
 * @media_count: how many
 * @planp: out: to be freed by shadowcopy_restore_plan_free(); points into the others
 *
 * Events come for all writers at once: first PreRestore, then what is copied, writer by writer,
 * then PostRestore.  In PreRestore writers say where files go, so a plan that was made before it
 * is only to be shown; make another one afterwards, whose first steps are done then.
 *
 * Return: 0, -ENOENT (metadata is missing), -EINVAL (a writer wants an alternate location and
 * has none, a path has a variable in it, or one of the backup's own leads elsewhere, as with "..")
 * or -ENOMEM.
 */
int shadowcopy_restore_plan_new(struct shadowcopy *sc, const struct shadowcopy_backup *backup,
				struct shadowcopy_metadata *const *metadata, size_t count,
				const struct shadowcopy_media_file *media, size_t media_count,
				struct shadowcopy_restore_plan **planp);

/**
 * shadowcopy_restore_plan_free() - let go of a plan
 * @plan: the plan, or NULL
 */
void shadowcopy_restore_plan_free(struct shadowcopy_restore_plan *plan);

#ifdef __cplusplus
}
#endif

#endif /* LIBSHADOWCOPY_DOCUMENT_H */
