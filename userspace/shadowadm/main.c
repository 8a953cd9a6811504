// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadowadm: finds the subcommand in the table and runs it.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include "shadowadm.h"
#include "table.h"

const struct command *const commands[] = {
	&cmd_create,
	&cmd_hold,
	&cmd_run,
	&cmd_list,
	&cmd_show,
	&cmd_delete,
	&cmd_pin,
	&cmd_unpin,
	&cmd_seal,
	&cmd_mount,
	&cmd_umount,
	&cmd_expose,
	&cmd_unexpose,
	&cmd_revert,
	&cmd_changes,
	&cmd_base,
	&cmd_map,
	&cmd_send,
	&cmd_receive,
	&cmd_volume,
	&cmd_store,
	&cmd_writer,
	&cmd_provider,
	&cmd_script,
	&cmd_stats,
	&cmd_monitor,
	&cmd_doctor,
	&cmd_version,
	&cmd_help,
	NULL,
};

const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

void command_help(const struct command *command, FILE *stream)
{
	const char *line = command->synopsis;

	fprintf(stream, "%s.\n\nUsage:\n", command->summary);
	while (*line) {
		size_t length = strcspn(line, "\n");

		fprintf(stream, "  shadowadm %s%s%.*s\n", command->name, length ? " " : "",
			(int)length, line);
		line += length;
		line += *line == '\n';
	}
	fprintf(stream, "\n%s", command->text);
	if (command->table)
		table_help(command->table, stream);
}

/* --- the nearest word ------------------------------------------------------ */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* Letters to insert, delete or replace to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], diagonal, above, i, j, length = strlen(b);

	if (length >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= length; j++) {
			above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

const char *nearest(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;
	size_t i, near = 3;	/* more than two slips are another word */

	for (i = 0; i < count; i++) {
		size_t d = distance(word, words[i]);

		/* "del" means "delete", but one letter means nothing */
		if (strlen(word) > 1 && !strncmp(word, words[i], strlen(word)))
			d = 0;
		if (d < near && d < strlen(word)) {
			near = d;
			best = words[i];
		}
	}
	return best;
}

static int unknown_command(struct context *context, const char *name)
{
	const char *names[ARRAY_SIZE(commands)];
	const char *near;
	size_t count;

	for (count = 0; commands[count]; count++)
		names[count] = commands[count]->name;
	near = nearest(name, names, count);
	if (near)
		return usage(context, "there is no command \"%s\"; did you mean \"%s\"?", name,
			     near);
	return usage(context, "there is no command \"%s\"", name);
}

/* What is wrong may come before it: the answer is JSON all the same. */
static bool wants_json(char **argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		if (!strcmp(*argv, "--json"))
			return true;
	return false;
}

/* --- start ------------------------------------------------------------------ */

/*
 * Whoever started us may have closed standard input, output or error.  The next file would get
 * their number, and what we say would be written to it: to a device that is received in.  What
 * is put there fails to be read or written as it did.
 */
static bool keep_standard_files(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	struct context context = { 0 };
	char title[64];
	int status;

	if (!keep_standard_files())
		return STATUS_FAILED;
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	/* ignored, by whoever started us, it would take from us how programs end */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2) {
		usage(&context, "what to do? A command is missing");
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		context.command = &cmd_version;
	else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		context.command = &cmd_help;
	else
		context.command = command_find(argv[1]);
	context.json = wants_json(argv + 1);
	if (!context.command)
		return unknown_command(&context, argv[1]);

	context.sc = shadowcopy_new();
	if (!context.sc)
		return fail(&context, "there is not enough memory");
	/* getopt begins its messages with it */
	snprintf(title, sizeof(title), "shadowadm %s", context.command->name);
	argv[1] = title;
	status = context.command->run(&context, argc - 1, argv + 1);
	shadowcopy_free(context.sc);
	return status;
}
