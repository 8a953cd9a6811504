// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_verbs.c - the commands of scripts: those of diskshadow, and what their order is (O-06 to
 * O-17).
 */
#include "script.h"

#define MANY 64		/* words */
#define BEFORE_SET "it is said before \"create\" or \"begin restore\"; \"reset\" begins anew"
#define IN_SESSION (HAS_SET | HAS_RESTORE)

const struct script_verb script_verbs[] = {
	{ "set", "", "show what is set", 0, 0, .run = script_set },
	{ "set context", "volatile [nowriters] | persistent [nowriters] | clientaccessible",
	  "volatile (the default): the shadows go at the end, or at \"reset\"; others stay",
	  1, 2, .excludes = IN_SESSION, .order = BEFORE_SET, .check = script_check_context,
	  .run = script_set_context },
	{ "set option", "[differential] [rollbackrecover] [txfrecover] | [noautorecover]",
	  "how writers recover in the shadows", 1, 5, .excludes = IN_SESSION, .order = BEFORE_SET,
	  .check = script_check_option, .run = script_set_option },
	{ "set metadata", "DIRECTORY", "write the documents there; it is made if need be", 1, 1,
	  .excludes = IN_SESSION, .order = BEFORE_SET, .run = script_set_metadata },
	{ "set verbose", "on|off", "say what is done", 1, 1, .check = script_check_verbose,
	  .run = script_set_verbose },
	{ "load metadata", "DIRECTORY|FILE", "the documents of a backup, to restore it", 1, 1,
	  .excludes = IN_SESSION, .gives = HAS_DOCUMENTS, .order = BEFORE_SET, .run = script_load,
	  .expect = script_expect_documents },
	{ "writer verify", "WRITER[:/COMPONENT]",
	  "it must take part, or the backup or restore fails", 1, MANY, .excludes = IN_SESSION,
	  .order = BEFORE_SET, .check = script_check_filter, .run = script_filter },
	{ "writer exclude", "WRITER[:/COMPONENT]", "leave it out", 1, MANY,
	  .excludes = IN_SESSION, .order = BEFORE_SET, .check = script_check_filter,
	  .run = script_filter },
	{ "writer include", "WRITER[:/COMPONENT]", "only it, and what else is included", 1, MANY,
	  .excludes = IN_SESSION, .order = BEFORE_SET, .check = script_check_filter,
	  .run = script_filter },
	{ "add", "", "show the volumes of the set, and the names", 0, 0, .run = script_add },
	{ "add volume", "VOLUME [alias NAME] [provider ID|NAME]",
	  "a volume of the set; %NAME% will be its shadow, %NAME_DEVICE% its device", 1, 5,
	  .excludes = IN_SESSION, .gives = HAS_VOLUME, .order = BEFORE_SET, .values = 1 << 0,
	  .check = script_check_add_volume, .run = script_add_volume,
	  .expect = script_expect_volume },
	{ "add alias", "NAME VALUE", "%NAME% stands for a value, and programs have it", 2, 2,
	  .values = 1 << 1, .check = script_check_add_alias, .run = script_add_alias,
	  .expect = script_expect_alias },
	{ "begin backup", "", "a full backup, which has an end; else it is a copy", 0, 0,
	  .excludes = IN_SESSION | HAS_BACKUP, .gives = HAS_BACKUP,
	  .order = "once, before \"create\"", .run = script_begin_backup },
	{ "create", "", "make the set", 0, 0, .needs = HAS_VOLUME, .excludes = IN_SESSION,
	  .gives = HAS_SET, .order = "\"add volume\" comes before it, and \"reset\" before a "
	  "second one", .run = script_create, .expect = script_expect_set },
	{ "end backup", "", "the backup is good: writers hear it, and may delete their logs", 0, 0,
	  .needs = HAS_BACKUP | HAS_SET, .excludes = HAS_BACKUP_END, .gives = HAS_BACKUP_END,
	  .order = "\"begin backup\" and \"create\" come before it", .run = script_end_backup },
	{ "begin restore", "", "writers make room for what is restored", 0, 0,
	  .needs = HAS_DOCUMENTS, .excludes = IN_SESSION | HAS_BACKUP, .gives = HAS_RESTORE,
	  .order = "\"load metadata\" comes before it, and \"reset\" after a backup",
	  .run = script_begin_restore },
	{ "end restore", "", "the files are there again: writers take them up", 0, 0,
	  .needs = HAS_RESTORE, .excludes = HAS_RESTORE_END, .gives = HAS_RESTORE_END,
	  .order = "once, after \"begin restore\"", .run = script_end_restore },
	{ "simulate restore", "", "would the writers take part? They are told nothing", 0, 0,
	  .needs = HAS_DOCUMENTS, .excludes = IN_SESSION,
	  .order = "\"load metadata\" comes before it, and \"reset\" after a backup",
	  .run = script_simulate_restore },
	{ "exec", "PROGRAM [ARGUMENT...]",
	  "run it, with the names in its environment; where it fails, the script does", 1, MANY,
	  .values = ~1U, .check = script_check_exec, .run = script_exec },
	{ "expose", "SHADOW DIRECTORY", "mount it, until the session ends, or the machine", 2, 2,
	  .values = 1 << 0, .check = script_check_expose, .run = script_expose },
	{ "unexpose", "SHADOW|DIRECTORY", "unmount it", 1, 1, .run = script_unexpose },
	{ "revert", "SHADOW", "make its volume, unmounted, what it was then: see shadowadm revert",
	  1, 1, .values = 1 << 0, .run = script_revert },
	{ "delete shadows",
	  "all | volume VOLUME | oldest VOLUME | set ID | id ID | exposed DIRECTORY",
	  "delete them", 1, 2, .values = 1 << 1, .check = script_check_delete,
	  .run = script_delete },
	{ "list writers", "[metadata|detailed|status]",
	  "how they are, and what data they have (metadata), with all files (detailed)", 0, 1,
	  .check = script_check_list_writers, .run = script_list_writers },
	{ "list shadows", "[all | set ID | id ID]", "the shadows that there are", 0, 2,
	  .values = 1 << 1, .check = script_check_list_shadows, .run = script_list_shadows },
	{ "list providers", "", "who makes shadows", 0, 0, .run = script_list_providers },
	{ "reset", "", "end the session, and forget all that was said", 0, 0, .run = script_reset,
	  .expect = script_expect_reset },
	{ "exit", "", "end", 0, 0, .run = script_exit },
	{ "quit", "", "the same", 0, 0, .run = script_exit },
	{ "help", "[COMMAND]", "explain it", 0, 2, .run = script_help },
	/* what is not there */
	{ "resync", "", "shadows are not written over other disks by this version. \"revert\" "
	  "makes a volume what it was; for another disk copy the shadow's device", 0, MANY, .run = NULL },
	{ "break", "[writable] SET", "a shadow of the module cannot be parted from its volume, "
	  "whose blocks it shows. Copy its device; \"shadowadm create --writable\" makes shadows "
	  "that can be written to", 0, MANY, .run = NULL },
	{ "import", "", "shadows of other machines are not imported by this version, and none can "
	  "be made for that", 0, MANY, .run = NULL },
	{ "mask", "SET", "it hides imported shadows, and this version imports none", 0, MANY,
	  .run = NULL },
};

const size_t script_verb_count = ARRAY_SIZE(script_verbs);
