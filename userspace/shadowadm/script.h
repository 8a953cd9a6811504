/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * script.h - scripts: what their commands have in common.
 *
 *	script.c	lines: words, variables, what may come when
 *	script_verbs.c	the table of commands
 *	script_set.c	settings: context, options, volumes, names
 *	script_session.c	the connection, and signals
 *	script_filter.c	writers that must be there, or must not
 *	script_backup.c	a set, and the backup that it is of
 *	script_restore.c	a restore
 *	script_tools.c	what shadowadm can do anyway: list, delete, mount
 *	cmd_script.c	reads all of it, then runs all of it
 */
#ifndef SHADOWADM_SCRIPT_H
#define SHADOWADM_SCRIPT_H

#include "documents.h"
#include "shadowadm.h"

/* In a word: a variable's name is between these two until its value takes its place. */
#define VARIABLE_BEGIN '\1'
#define VARIABLE_END '\2'

struct script;
struct script_line;

/* What a script has come to: bits. */
enum {
	HAS_BACKUP = 1 << 0,		/* begin backup */
	HAS_VOLUME = 1 << 1,
	HAS_SET = 1 << 2,		/* create */
	HAS_BACKUP_END = 1 << 3,
	HAS_DOCUMENTS = 1 << 4,		/* load metadata */
	HAS_RESTORE = 1 << 5,		/* begin restore */
	HAS_RESTORE_END = 1 << 6,
};

/*
 * A command.  @needs and @excludes are bits of what has to be, and must not be, before it;
 * @order says so in words.  @check sees whether its words can be meant, before anything
 * runs and again when variables have their values; NULL: what their number says is enough.  A
 * command that is not there has no @run, and @help tells why.  @expect notes which names there
 * will be after it.
 */
struct script_verb {
	const char *name;
	const char *arguments;
	const char *help;
	unsigned int min, max;		/* words behind its name */
	uint32_t needs, excludes, gives;
	const char *order;
	uint32_t values;	/* bits of words that @check does not look at */
	int (*check)(struct script *script, const struct script_line *line, char **words);
	int (*run)(struct script *script, const struct script_line *line, char **words);
	void (*expect)(struct script *script, char **words);
};

extern const struct script_verb script_verbs[];
extern const size_t script_verb_count;

/* Its words are those behind the verb. */
struct script_line {
	unsigned int number;
	const struct script_verb *verb;	/* NULL: the line is empty */
	char **words;			/* with variables in them; NULL at the end */
	size_t count;
};

/* Names for values.  One without a value gets it when the set is made. */
struct script_variables {
	struct script_variable {
		char *name;
		char *value;
	} *list;
	size_t count;
	bool others;		/* there may be more, which were loaded */
};

struct script_volume {
	char *name;
	char *alias;
	char *provider;		/* who is to make its shadow, or NULL */
	struct shadowcopy_volume volume;
};

enum script_filter_kind { FILTER_VERIFY = 1, FILTER_EXCLUDE, FILTER_INCLUDE };

/* A writer, by name, class or instance, or a component of it. */
struct script_filter {
	enum script_filter_kind kind;
	unsigned int line;
	char *writer;
	char *path, *component;		/* its logical path and name; NULL: all of the writer */
};

/* Where a shadow was mounted. */
struct script_exposed {
	char *directory;
	bool stays;		/* when the session ends */
};

struct script_settings {
	uint32_t context;
	bool rollback_recovery;
	bool no_autorecovery;
	bool verbose;
	char *metadata;		/* the directory for documents, or NULL */
};

struct script {
	struct context *context;
	const char *file;		/* as it is called in messages */
	bool interactive;
	const struct script_line *line;	/* that is looked at or run */
	unsigned int errors;
	bool ends;			/* exit */
	bool degraded;			/* something was done less well than asked for */
	json_t *answer;			/* with --json: of the command */

	uint32_t has;
	bool order_unknown;		/* a line before could not be read */
	struct script_variables variables;
	struct script_variables expected;	/* names only, before anything runs */
	unsigned int expected_volumes;

	struct script_settings settings;
	struct script_volume *volumes;
	size_t volume_count;
	struct script_filter *filters;
	size_t filter_count;
	struct script_exposed *exposed;
	size_t exposed_count;
	struct documents documents;

	struct shadowcopy_requester *requester;	/* NULL: there is no session */
	struct shadow_uuid set;
};

/* --- script.c ------------------------------------------------------------------- */

/*
 * A mistake in the line that is looked at: file, line, the word if there is one, and what is
 * wrong.  STATUS_USAGE.
 */
int script_error(struct script *script, const char *word, const char *format, ...) PRINTF(3, 4);

/* Make a line of text.  0 or STATUS_USAGE; @line is to be freed in any case. */
int script_parse(struct script *script, char *text, size_t size, unsigned int number,
		 struct script_line *line);
void script_line_free(struct script_line *line);

/* May it come here, with these words?  0 or STATUS_USAGE. */
int script_check(struct script *script, const struct script_line *line);

/* Before anything runs: the lines after it are checked as if it had been run. */
void script_expect(struct script *script, const struct script_line *line);

/* Run it, with values in place of variables: an exit status. */
int script_run(struct script *script, const struct script_line *line);

/* "add volume" and the like by its name, or NULL; in any case of letters. */
const struct script_verb *script_verb_find(const char *name);
bool script_word_is(const char *word, const char *name);

/* An identity without the braces that it may be written in; in place. */
char *script_id(char *word);
bool script_has_variable(const char *word);

/* --- script_set.c ----------------------------------------------------------------- */

/* The value of a name, or of the environment's variable of that name, or NULL. */
const char *script_value(const struct script *script, const char *name);
bool script_knows(const struct script_variables *variables, const char *name);
/* 0 or -ENOMEM; a @value of NULL is one that is not there yet. */
int script_name(struct script_variables *variables, const char *name, const char *value);
void script_variables_clear(struct script_variables *variables);

/* Back to what it is at the beginning; there is no session any more. */
void script_forget(struct script *script);

/* --- script_session.c ---------------------------------------------------------------- */

/* From here on signals end the script, and not the program at once. */
void script_catch_signals(void);
/* The number of the last one that came, or 0. */
int script_signalled(void);
/* A program runs that is to get them, too; 0: none. */
void script_watch_program(pid_t pid);

/* Begin a session.  STATUS_OK or STATUS_FAILED. */
int script_connect(struct script *script);
/* End it, where there is one. */
void script_disconnect(struct script *script);

/* --- script_backup.c ----------------------------------------------------------------- */

/*
 * The end of the session: @good where nothing failed.  What was exposed for it is unmounted, and
 * shadows that were not to stay go.
 */
int script_end_session(struct script *script, bool good);

/* --- script_tools.c ------------------------------------------------------------------- */

/* The end of all mounts that are not to outlive the session: false where one is in use. */
bool script_unexpose_all(struct script *script);

/* --- script_filter.c ------------------------------------------------------------------ */

/* One filter of this kind at least, for components? */
bool script_filters_components(const struct script *script);
/* Of whole writers, in a session that has gathered metadata. */
int script_filter_writers(struct script *script);
/* Choose components, in a session of chosen components whose volumes are known. */
int script_choose(struct script *script);
/* Is what must take part there?  After writers were told to prepare. */
int script_verify(struct script *script);
/* Is a component of the saved backup to be restored? */
bool script_wants(const struct script *script, const struct shadowcopy_backup_writer *writer,
		  const struct shadowcopy_backup_component *component);
/* The same as script_verify(), of what was selected in a restore. */
int script_verify_restore(struct script *script, const struct shadowcopy_backup *backup);

/* --- commands: see their table ------------------------------------------------------------ */

#define SCRIPT_COMMAND(name) \
	int script_##name(struct script *script, const struct script_line *line, char **words)
#define SCRIPT_CHECK(name) \
	int script_check_##name(struct script *script, const struct script_line *line, char **words)

SCRIPT_CHECK(context);
SCRIPT_CHECK(option);
SCRIPT_CHECK(verbose);
SCRIPT_CHECK(add_volume);
SCRIPT_CHECK(add_alias);
SCRIPT_CHECK(filter);
SCRIPT_CHECK(list_writers);
SCRIPT_CHECK(list_shadows);
SCRIPT_CHECK(delete);
SCRIPT_CHECK(expose);
SCRIPT_CHECK(exec);

SCRIPT_COMMAND(set);
SCRIPT_COMMAND(set_context);
SCRIPT_COMMAND(set_option);
SCRIPT_COMMAND(set_verbose);
SCRIPT_COMMAND(set_metadata);
SCRIPT_COMMAND(add);
SCRIPT_COMMAND(add_volume);
SCRIPT_COMMAND(add_alias);
SCRIPT_COMMAND(filter);
SCRIPT_COMMAND(begin_backup);
SCRIPT_COMMAND(create);
SCRIPT_COMMAND(end_backup);
SCRIPT_COMMAND(load);
SCRIPT_COMMAND(begin_restore);
SCRIPT_COMMAND(end_restore);
SCRIPT_COMMAND(simulate_restore);
SCRIPT_COMMAND(list_writers);
SCRIPT_COMMAND(list_shadows);
SCRIPT_COMMAND(list_providers);
SCRIPT_COMMAND(delete);
SCRIPT_COMMAND(expose);
SCRIPT_COMMAND(unexpose);
SCRIPT_COMMAND(revert);
SCRIPT_COMMAND(exec);
SCRIPT_COMMAND(reset);
SCRIPT_COMMAND(exit);
SCRIPT_COMMAND(help);

void script_expect_volume(struct script *script, char **words);
void script_expect_alias(struct script *script, char **words);
void script_expect_set(struct script *script, char **words);
void script_expect_documents(struct script *script, char **words);
void script_expect_reset(struct script *script, char **words);

#endif /* SHADOWADM_SCRIPT_H */
