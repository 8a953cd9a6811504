// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_script.c - shadowadm script: commands from a file, or one after the other from a
 * terminal, as diskshadow has them.
 *
 *	1. read all lines; make commands of them, check their words and their order
 *	2. with a mistake anywhere: say all of them, and run nothing
 *	3. run them; the first that fails ends it, and what was begun is undone
 *
 * From a terminal each line is checked and run by itself, and a mistake is no end.
 */
#include <unistd.h>

#include "script.h"

#define PROMPT "shadowadm> "

struct lines {
	struct script_line *list;
	size_t count;
};

/* Messages of what runs below begin with it. */
static void set_place(struct script *script, unsigned int number)
{
	static char place[PATH_MAX + 16];

	snprintf(place, sizeof(place), "%s:%u", script->file, number);
	script->context->place = place;
}

/* --- reading and checking ------------------------------------------------------------- */

/* What was begun, and writers will not hear the end of. */
static void check_ends(const struct script *script)
{
	if (script->errors)
		return;
	if (script->has & HAS_BACKUP && script->has & HAS_SET && !(script->has & HAS_BACKUP_END))
		warn(script->context, "\"begin backup\" has no \"end backup\": writers will not "
		     "hear that the backup is good");
	if (script->has & HAS_RESTORE && !(script->has & HAS_RESTORE_END))
		warn(script->context, "\"begin restore\" has no \"end restore\": writers will not "
		     "take up what is restored");
}

/* What is wrong with it is counted, and the next ones are looked at all the same. */
static int add_line(struct script *script, struct lines *lines, char *text, size_t size,
		    unsigned int number)
{
	struct script_line *more = reallocarray(lines->list, lines->count + 1, sizeof(*more));
	struct script_line *line;

	if (!more)
		return fail(script->context, "there is not enough memory");
	lines->list = more;
	line = &more[lines->count++];
	set_place(script, number);
	if (script_parse(script, text, size, number, line) || !line->verb)
		return STATUS_OK;
	script_check(script, line);
	if (line->verb->run == script_reset)
		check_ends(script);
	script_expect(script, line);
	return STATUS_OK;
}

static int read_lines(struct script *script, FILE *file, struct lines *lines)
{
	unsigned int number = 0;
	int status = STATUS_OK;
	char *text = NULL;
	size_t room = 0;
	ssize_t size;

	while (!status && (size = getline(&text, &room, file)) >= 0)
		status = add_line(script, lines, text, size, ++number);
	if (!status && ferror(file))
		status = fail(script->context, "cannot read %s: %s", script->file, strerror(errno));
	free(text);
	check_ends(script);
	script->has = 0;
	script->line = NULL;
	return status;
}

/* --- running ----------------------------------------------------------------------------- */

/* As it was understood; to be freed. */
static char *line_text(const struct script_line *line)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	const char *c;

	if (!out)
		return NULL;
	fputs(line->verb->name, out);
	for (i = 0; i < line->count; i++) {
		bool quote = !*line->words[i] || strpbrk(line->words[i], " \t\"#");

		fputs(quote ? " \"" : " ", out);
		for (c = line->words[i]; *c; c++) {
			if (*c == '"' || *c == '%')
				fputc(*c, out);
			fputc(*c == VARIABLE_BEGIN || *c == VARIABLE_END ? '%' : *c, out);
		}
		fputs(quote ? "\"" : "", out);
	}
	fclose(out);
	return text;
}

static int print_line(const struct script *script, const struct script_line *line)
{
	char *text = line_text(line);
	json_t *object;

	if (!script->context->json) {
		printf("%s:%u: %s\n", script->file, line->number, text ?: line->verb->name);
		free(text);
		return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
	}
	object = json_object();
	json_text(object, "file", script->file);
	json_number(object, "line", line->number);
	json_text(object, "command", line->verb->name);
	json_text(object, "text", text);
	free(text);
	return json_print_line(object);
}

/* Of a command that was run: what it has answered, or why it has failed. */
static void print_answer(struct script *script, const struct script_line *line, int status)
{
	json_t *object = json_object(), *error = json_object_get(script->answer, "error");

	json_text(object, "file", script->file);
	json_number(object, "line", line->number);
	json_text(object, "command", line->verb->name);
	json_number(object, "status", status);
	if (error)
		json_object_set(object, "error", error);
	json_object_del(script->answer, "error");
	json_object_set(object, "result", script->answer);
	json_print_line(object);
}

/* STATUS_OK or STATUS_FAILED, whatever a command says. */
static int run_line(struct script *script, const struct script_line *line)
{
	bool degraded = script->degraded;
	int status;

	set_place(script, line->number);
	script->degraded = false;
	if (script->context->json) {
		script->answer = json_object();
		json_collect(&script->answer);
	} else if (script->settings.verbose && !script->interactive) {
		print_line(script, line);
	}
	status = script_run(script, line) ? STATUS_FAILED : STATUS_OK;
	if (script->context->json) {
		json_collect(NULL);
		print_answer(script, line, status || !script->degraded ? status : STATUS_DEGRADED);
		json_decref(script->answer);
		script->answer = NULL;
	}
	script->degraded |= degraded;
	return fflush(stdout) ? STATUS_FAILED : status;
}

static int end(struct script *script, bool good)
{
	int status = script_end_session(script, good);

	if (status == STATUS_DEGRADED)
		script->degraded = true;
	if (!good || (status && status != STATUS_DEGRADED))
		return STATUS_FAILED;
	return script->degraded ? STATUS_DEGRADED : STATUS_OK;
}

static int run_lines(struct script *script, const struct lines *lines)
{
	int status = STATUS_OK;
	bool begun;
	size_t i;

	for (i = 0; !status && !script->ends && !script_signalled() && i < lines->count; i++)
		if (lines->list[i].verb)
			status = run_line(script, &lines->list[i]);
	begun = script->requester || script->exposed_count;
	if (script_signalled())
		status = STATUS_FAILED;
	if (status)
		fprintf(stderr, "shadowadm script: %s: the script %s in line %u%s.\n", script->file,
			script_signalled() ? "was ended by a signal" : "has failed",
			i ? lines->list[i - 1].number : 0, begun ?
			"; what it had begun is undone" : "");
	return end(script, !status);
}

static int run_file(struct script *script, FILE *file, bool dry_run)
{
	struct lines lines = { 0 };
	int status = read_lines(script, file, &lines);
	size_t i;

	if (!status && script->errors) {
		fprintf(stderr, "shadowadm script: %s: %u mistake%s; nothing was run.\n",
			script->file, script->errors, script->errors == 1 ? "" : "s");
		status = STATUS_USAGE;
	}
	if (dry_run) {
		for (i = 0; !status && i < lines.count; i++)
			if (lines.list[i].verb)
				status = print_line(script, &lines.list[i]);
	} else if (!status) {
		status = run_lines(script, &lines);
	}
	for (i = 0; i < lines.count; i++)
		script_line_free(&lines.list[i]);
	free(lines.list);
	return status;
}

/* A line that is wrong or fails is no end. */
static int run_terminal(struct script *script)
{
	unsigned int number = 0;
	struct script_line line;
	bool failed = false;
	char *text = NULL;
	size_t room = 0;
	ssize_t size;

	script->interactive = true;
	puts("\"help\" lists the commands, \"exit\" ends.");
	while (!script->ends && !script_signalled()) {
		fputs(PROMPT, stdout);
		fflush(stdout);
		size = getline(&text, &room, stdin);
		if (size < 0)
			break;
		set_place(script, ++number);
		script->order_unknown = false;
		if (!script_parse(script, text, size, number, &line) && line.verb &&
		    !script_check(script, &line))
			failed |= run_line(script, &line) != STATUS_OK;
		script_line_free(&line);
	}
	if (!script->ends)
		putchar('\n');
	free(text);
	return end(script, !failed && !script_signalled());
}

/* --- the command ---------------------------------------------------------------------------- */

static int run_script(struct script *script, const char *name, bool dry_run)
{
	bool standard = !name || !strcmp(name, "-");
	FILE *file = standard ? stdin : fopen(name, "re");
	int status;

	if (!file)
		return fail(script->context, "cannot read %s: %s", name, strerror(errno));
	script->file = standard ? "standard input" : name;
	script_forget(script);
	script_catch_signals();
	if (!name && isatty(STDIN_FILENO) && !script->context->json && !dry_run)
		status = run_terminal(script);
	else
		status = run_file(script, file, dry_run);
	script_forget(script);
	script_variables_clear(&script->expected);
	script->context->place = NULL;
	if (!standard)
		fclose(file);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_DRY_RUN = OPTION_OWN };
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ 0 }
	};
	struct script script = { .context = context };
	bool dry_run = false;
	int option, status;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1) {
		if (option != OPTION_DRY_RUN)
			return status;
		dry_run = true;
	}
	if (argc - optind > 1)
		return usage(context, "it takes one file");
	return run_script(&script, argv[optind], dry_run);
}

const struct command cmd_script = {
	.name = "script",
	.summary = "Run commands from a file, as diskshadow does",
	.synopsis = "[FILE|-] [--dry-run] [--json]",
	.text = "One command a line; \"shadowadm script\" on a terminal, and \"help\" there, lists "
		"and\nexplains them.  All lines are checked before the first one is run.  A "
		"command that\nfails ends the script, and the backup or restore that was begun.\n\n"
		"Options:\n"
		"      --dry-run         run nothing, show how it is understood\n"
		COMMON_HELP,
	.run = run,
};
