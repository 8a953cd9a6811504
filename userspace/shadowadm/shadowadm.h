/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shadowadm.h - what the subcommands share: the table that they stand in, the
 * options that all of them take, exit statuses and messages.
 */
#ifndef SHADOWADM_H
#define SHADOWADM_H

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshadowcopy.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_DEGRADED = 3,	/* done, but less well than asked for */
	STATUS_FULL_NEEDED = 4,	/* what has changed is not known so far back */
};

struct context;
struct table;

/* A subcommand.  Its texts are what --help shows. */
struct command {
	const char *name;
	const char *summary;		/* for the list of commands */
	const char *synopsis;		/* lines after "shadowadm NAME", '\n' between */
	const char *text;		/* description and options */
	const struct table *table;	/* whose columns -o takes, or NULL */
	const struct command *const *verbs;	/* that have texts of their own, or NULL */
	size_t verb_count;
	int (*run)(struct context *context, int argc, char **argv);
};

/* One run of the program. */
struct context {
	struct shadowcopy *sc;
	const struct command *command;
	bool json;
	bool quiet;
	bool bytes;
	bool noheadings;
	const char *columns;	/* argument of -o */
	uint64_t waited_ms;	/* in users_pass() */
	const char *place;	/* of a script, "FILE:LINE", or NULL */
	const char *program;	/* NULL: shadowadm; who else uses these files */
};

extern const struct command *const commands[];

extern const struct command cmd_base, cmd_changes, cmd_create, cmd_delete, cmd_doctor, cmd_expose,
	cmd_help, cmd_hold, cmd_list, cmd_map, cmd_monitor, cmd_mount, cmd_pin, cmd_provider,
	cmd_receive, cmd_revert, cmd_run, cmd_script, cmd_seal, cmd_send, cmd_show, cmd_stats,
	cmd_store, cmd_umount, cmd_unexpose, cmd_unpin, cmd_version, cmd_volume, cmd_writer;

/* --- main.c -------------------------------------------------------------- */

const struct command *command_find(const char *name);
void command_help(const struct command *command, FILE *stream);

/* The nearest word to @word of @words that is near enough, or NULL. */
const char *nearest(const char *word, const char *const *words, size_t count);

/* --- verbs.c ------------------------------------------------------------- */

#define VERBS_MAX 16

/* Run the command's verb that @argv[1] names; their names are two words, "store add". */
int run_verb(struct context *context, int argc, char **argv);

/*
 * What has the help of a verb: the verb itself, or the command where that has the help of all;
 * NULL where there is no such verb.
 */
const struct command *verb_help(const struct command *command, const char *verb);

/* Say that there is no such verb: STATUS_USAGE. */
int verb_unknown(struct context *context, const struct command *command, const char *verb);

/* --- options.c ----------------------------------------------------------- */

enum { OPTION_FIRST = 256, OPTION_JSON, OPTION_NOHEADINGS, OPTION_BYTES, OPTION_OWN };

#define COMMON_HELP \
	"      --json            machine-readable output\n" \
	"  -h, --help            this help\n"

#define TABLE_HELP \
	"  -o, --output COLUMNS  columns to show, comma-separated; +COLUMNS adds to the default\n" \
	"      --noheadings      no header line\n" \
	"      --bytes           sizes in bytes\n"

/*
 * Next option of the command's own, -1 at the end.  --help, --json, errors, and
 * where the command has a table its options, are dealt with inside; where that
 * ends the command, -2 with its exit status in @status.  @shorts and @longs,
 * both may be NULL, are what the command takes besides.
 */
int next_option(struct context *context, int argc, char **argv, const char *shorts,
		const struct option *longs, int *status);

/* The argument of --timeout, the longest hold.  STATUS_OK or STATUS_USAGE. */
int timeout_parse(struct context *context, const char *text, uint32_t *ms);

/* --- message.c ----------------------------------------------------------- */

/* "shadowadm create: MESSAGE"; with --json an object on stdout too.  STATUS_FAILED. */
int fail(struct context *context, const char *format, ...) PRINTF(2, 3);

/* Likewise, with more in the object, @error, which is freed. */
int fail_with(struct context *context, json_t *error, const char *format, ...) PRINTF(3, 4);

/* Likewise, with "reason" in it: one word, for programs. */
int fail_for(struct context *context, const char *reason, const char *format, ...) PRINTF(3, 4);

/* The library's last error, as fail(). */
int fail_library(struct context *context);

/* Wrong use: the message and where help is.  STATUS_USAGE. */
int usage(struct context *context, const char *format, ...) PRINTF(2, 3);

/* Something to know on stderr; the command goes on. */
void warn(const struct context *context, const char *format, ...) PRINTF(2, 3);

/* What can be made by the module: warn where it is not there to do so. */
void warn_without_module(const struct context *context);

/* Progress on stderr, where that is a terminal and nobody asked for silence. */
void progress(const struct context *context, const char *format, ...) PRINTF(2, 3);

/* --- json.c -------------------------------------------------------------- */

/*
 * A string.  The library refuses a text that is not UTF-8, but names of files are any bytes,
 * and texts that are too long end anywhere: each byte that is part of no character becomes
 * U+FFFD.
 */
json_t *text_json(const char *text);

/*
 * An integer.  The library's end at INT64_MAX, as those of many who read JSON do: what is
 * more, which no size and no count is, is written as INT64_MAX, rather than as a negative
 * number or as one with a fraction.
 */
json_t *number_json(uint64_t number);

/* A number with three digits after the point; NULL where it is none. */
json_t *real_json(double real);

/*
 * Add a member.  A text or a value of NULL becomes null; a value belongs to the object from
 * then on.  What the object has already is replaced.
 */
void json_value(json_t *object, const char *key, json_t *value);
void json_text(json_t *object, const char *key, const char *text);
void json_number(json_t *object, const char *key, uint64_t number);
void json_uuid(json_t *object, const char *key, const struct shadow_uuid *uuid);

/*
 * Print a document, on lines of its own or on one, and free it.  STATUS_FAILED
 * where standard output fails.
 */
int json_print(json_t *document);
int json_print_line(json_t *document);

/*
 * While @into is not NULL, the members of what json_print() gets are put into that object, which is
 * made where it is NULL, and nothing is printed.
 */
void json_collect(json_t **into);

/* --- size.c -------------------------------------------------------------- */

/*
 * "4096", "64M", "1G", "10%": binary multiples, a percentage of @whole.  @whole
 * of 0 refuses percentages.  NULL, or what is wrong with it.
 */
const char *size_parse(const char *text, uint64_t whole, uint64_t *bytes);

/* "1.5G" */
char *size_format(uint64_t bytes, char buf[16]);

uint64_t memory_size(void);

/* Whole seconds or fractions, "1.5", into milliseconds.  NULL, or what is wrong. */
const char *seconds_parse(const char *text, uint64_t *ms);

/* --- lists.c ------------------------------------------------------------- */

/* All of a kind as an array to be freed; negative errno on failure. */
ssize_t load_shadows(struct shadowcopy *sc, struct shadow_shadow_info **shadows);
ssize_t load_volumes(struct shadowcopy *sc, struct shadow_volume_info **volumes);
ssize_t load_bases(struct shadowcopy *sc, struct shadow_base_info **bases);
ssize_t load_tracking(struct shadowcopy *sc, struct shadow_tracking_info **tracking);

static inline bool uuid_equal(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool dev_equal(struct shadow_dev a, struct shadow_dev b)
{
	return a.major == b.major && a.minor == b.minor;
}

/* "/dev/" and a kernel name of 31 characters at most */
#define IMAGE_PATH_LEN 37

/* Wait until its device is in /dev: not for ever. */
bool image_wait(const struct shadow_shadow_info *info);
#define IMAGE_WAIT_SECONDS 10

/* "/dev/shadow3" */
char *image_path(const struct shadow_shadow_info *info, char buf[IMAGE_PATH_LEN]);

#endif /* SHADOWADM_H */
