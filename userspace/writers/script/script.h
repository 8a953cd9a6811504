/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * script.h - the parts of the script writer.
 */
#ifndef WRITERS_SCRIPT_SCRIPT_H
#define WRITERS_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* --- hooks.c ------------------------------------------------------------------------- */

/* How those who wrote a hook expect it to be called. */
struct contract {
	const char *name;
	const char *undo;	/* its word instead of "thaw", where there is no shadow */
	bool backwards;		/* thawed in the reverse order */
	bool thaws_failed;	/* a hook whose freezing failed is thawed, too */
	bool has_argument;	/* there may be one after the word */
};

enum verdict { HOOK_RUNS, HOOK_IGNORED, HOOK_REFUSED };

/* A hook: one file that is called twice, or two files. */
struct hook {
	const struct contract *contract;
	char *freeze;		/* NULL: nothing to be called */
	char *thaw;
	enum verdict verdict;
	char *why;		/* it does not run */
	bool owed;		/* it was told to freeze, and is to be told to thaw */
};

struct hook_list {
	struct hook *hooks;
	size_t count;
};

/* Where hooks are looked for; NULL: nowhere. */
struct places {
	const char *qemu[2];	/* directories, or files that are hooks themselves */
	const char *vmware;	/* a directory */
	bool named_qemu, named_vmware;	/* the user has named them: they should be there */
	const char *before;	/* VMware's pair from before that directory */
	const char *after;
};

/* All that there is at these places now, in the order of freezing. */
void hooks_find(struct hook_list *list, const struct places *places);

/* One more that runs if only root could have made it so. */
struct hook *hooks_add(struct hook_list *list, const struct contract *contract,
		       const char *freeze, const char *thaw);

/* The next in the order of thawing; NULL after the last.  @hook is NULL for the first. */
struct hook *hooks_thaw_next(const struct hook_list *list, const struct hook *hook);

/* What a hook is told when it is thawed, with or without a shadow. */
const char *hook_thaw_word(const struct hook *hook, bool shadow);

/* What it is called to people. */
const char *hook_name(const struct hook *hook);

/* NULL where there is none of this name. */
const struct contract *contract_find(const char *name);

void hooks_free(struct hook_list *list);

/* As asprintf(); ends the program where there is no memory, so not while anything is frozen. */
char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- trust.c ------------------------------------------------------------------------- */

/*
 * May it be run as root?  @path is absolute.
 *
 * Return: NULL if nobody but root can change what the path leads to, else why not; the
 * caller frees it.
 */
char *trust_why_not(const char *path);

/* --- output.c ------------------------------------------------------------------------ */

struct output;

/* From here on nothing is logged, until output_release(). */
void output_hold(void);
void output_release(void);

/* A line of our own; 0, 3 ... 7 are syslog's levels. */
void output_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A stream that becomes lines with @label before them.  @fd is what is written to; the
 * caller closes it.  Return: NULL if there cannot be one more.
 */
struct output *output_open(int level, const char *label, int *fd);

/* Read what was written, without waiting for more. */
void output_drain(void);

/* The last line that was written so far; "" without any. */
const char *output_last(const struct output *output);

/* Nobody asks for its last line any more; it goes when its last writer does. */
void output_close(struct output *output);

/* --- child.c ------------------------------------------------------------------------- */

struct command {
	const char *path;
	const char *word;
	const char *argument;	/* or NULL */
	int64_t limit_ms;
	int stop_fd;		/* when it polls readable this is given up; or -1 */
};

struct ending {
	uint32_t status;	/* enum shadow_nl_status; 0: it did what it should */
	uint32_t code;		/* its exit status, where it had one */
	bool ran;
	char text[512];		/* what failed, and why */
};

/* Run a script to its end, which comes in time. */
void child_run(const struct command *command, struct ending *ending);

/* Of those that could not be killed in time. */
void child_reap(void);

int64_t now_ms(void);

/* --- owed.c -------------------------------------------------------------------------- */

/*
 * Keep on record what is owed a thaw, for a writer of this name; this is the only one
 * that runs.  Return: 0 or a negative errno, -EBUSY if it is not the only one.
 */
int owed_open(const char *name);

/* What the last writer of this name still owed. */
void owed_read(struct hook_list *list);

/* It is about to be told to freeze. */
void owed_note(const struct hook *hook);

/* All were thawed. */
void owed_clear(void);

#endif /* WRITERS_SCRIPT_SCRIPT_H */
