// SPDX-License-Identifier: GPL-2.0-only
/*
 * script_tools.c - scripts: what shadowadm does anyway, and running programs (O-11, O-15 to O-17).
 *
 * Where there is a command of shadowadm for it, that one is run, with the words that it takes.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshadowcopy-provider.h"
#include "script.h"
#include "users.h"
#include "writer.h"

#define WORDS_MAX 6

/* Words up to NULL.  Its exit status. */
static int run_command(struct script *script, const struct command *command, ...)
{
	const struct command *own = script->context->command;
	char title[64], *argv[WORDS_MAX + 2] = { title };
	va_list words;
	int argc = 1, status;

	snprintf(title, sizeof(title), "shadowadm %s", command->name);
	va_start(words, command);
	while (argc <= WORDS_MAX && (argv[argc] = va_arg(words, char *)))
		argc++;
	va_end(words);
	script->context->command = command;
	script->context->waited_ms = 0;
	optind = 0;	/* getopt begins anew */
	status = command->run(script->context, argc, argv);
	script->context->command = own;
	return status;
}

/* --- lists ------------------------------------------------------------------------------ */

SCRIPT_CHECK(list_writers)
{
	if (!line->count || script_word_is(words[0], "metadata") ||
	    script_word_is(words[0], "detailed") || script_word_is(words[0], "status"))
		return 0;
	return script_error(script, words[0], "it is \"list writers %s\"", line->verb->arguments);
}

/* In the session, where it has writers; else in one that is for nothing else. */
SCRIPT_COMMAND(list_writers)
{
	bool metadata = !line->count || !script_word_is(words[0], "status");
	bool detailed = line->count && script_word_is(words[0], "detailed");
	bool gathered = script->requester &&
			!(script->settings.context & SHADOWCOPY_ATTR_NO_WRITERS);
	struct shadowcopy_requester *requester = script->requester;
	const struct command *own = script->context->command;
	struct writer_answers answers = { 0 };
	int status = STATUS_OK;

	if (!gathered && (shadowcopy_requester_open(script->context->sc, NULL, &requester) ||
			  shadowcopy_requester_init_backup(requester)))
		status = fail_library(script->context);
	if (!status)
		status = writer_ask(script->context, requester, !gathered, metadata, &answers);
	script->context->command = &writer_status;
	if (!status)
		status = writer_answers_print(script->context, &answers, metadata, detailed);
	script->context->command = own;
	writer_answers_free(&answers);
	if (!gathered)
		shadowcopy_requester_close(requester);
	return status;
}

/* "all", or "set" and "id" with an identity behind them. */
SCRIPT_CHECK(list_shadows)
{
	bool all = !line->count || script_word_is(words[0], "all"), two = line->count > 1;

	if (!all && !script_word_is(words[0], "set") && !script_word_is(words[0], "id"))
		return script_error(script, words[0], "it is \"list shadows %s\"",
				    line->verb->arguments);
	if (line->count && all == two)
		return script_error(script, words[0], all ? "there is a word too many behind it" :
				    "the identity behind it is missing");
	return 0;
}

SCRIPT_COMMAND(list_shadows)
{
	if (line->count < 2)
		return run_command(script, &cmd_list, NULL);
	return run_command(script, &cmd_show, "--", script_id(words[1]), NULL);
}

SCRIPT_COMMAND(list_providers)
{
	const struct shadowcopy_provider *provider = NULL;
	char uuid[SHADOWCOPY_UUID_LEN];
	json_t *array, *object;

	(void)line;
	(void)words;
	array = json_array();
	while ((provider = shadowcopy_provider_next(script->context->sc, provider))) {
		if (!script->answer)
			printf("provider %s: %s %s, %s\n",
			       shadowcopy_uuid_format(&provider->id, uuid), provider->name,
			       provider->version, shadowcopy_provider_type_name(provider->type));
		object = json_object();
		json_uuid(object, "id", &provider->id);
		json_text(object, "name", provider->name);
		json_text(object, "version", provider->version);
		json_text(object, "type", shadowcopy_provider_type_name(provider->type));
		json_array_append_new(array, object);
	}
	if (script->answer)
		json_object_set(script->answer, "providers", array);
	json_decref(array);
	return STATUS_OK;
}

/* --- mounts ------------------------------------------------------------------------------- */

struct mounts {
	const char *directory;
	size_t found;
};

static void on_mount(void *data, const struct user *user)
{
	struct mounts *mounts = data;
	size_t length = strlen(mounts->directory);

	if (!strncmp(user->what, mounts->directory, length) &&
	    (!user->what[length] || user->what[length] == '/'))
		mounts->found++;
}

/* The first shadow that is mounted on a directory or below it: false: there is none. */
static bool mounted_on(struct script *script, const char *directory,
		       struct shadow_shadow_info *info)
{
	char *path = realpath(directory, NULL);
	struct mounts mounts = { .directory = path ?: directory };

	memset(info, 0, sizeof(*info));
	while (!mounts.found && shadowcopy_shadow_next(script->context->sc, info) > 0)
		mounts_of(info, on_mount, &mounts);
	free(path);
	return mounts.found;
}

SCRIPT_CHECK(expose)
{
	(void)line;
	if (words[1][0] == '/' && words[1][1] != '/')
		return 0;
	return script_error(script, words[1], "a shadow is exposed on a directory, an absolute "
			    "path; there are no drives, and it is not shared by this version");
}

/* Shadows of the session go with it, if they are not to stay: so do their mounts. */
static int note_exposed(struct script *script, const char *directory,
			const struct shadow_uuid *uuid)
{
	struct script_exposed *more = reallocarray(script->exposed, script->exposed_count + 1,
						   sizeof(*more));
	struct shadow_shadow_info info = { 0 };
	bool stays = true;

	while (shadowcopy_shadow_next(script->context->sc, &info) > 0)
		if (uuid_equal(&info.uuid, uuid) && script->requester &&
		    uuid_equal(&info.set, &script->set))
			stays = script->settings.context & SHADOWCOPY_ATTR_NO_AUTO_RELEASE;
	if (!more)
		return fail(script->context, "there is not enough memory");
	script->exposed = more;
	more[script->exposed_count].stays = stays;
	more[script->exposed_count].directory = strdup(directory);
	if (!more[script->exposed_count++].directory)
		return fail(script->context, "there is not enough memory");
	return STATUS_OK;
}

SCRIPT_COMMAND(expose)
{
	struct shadow_uuid uuid;
	uint32_t kind;
	int status;

	(void)line;
	if (shadowcopy_find(script->context->sc, script_id(words[0]), &uuid, &kind))
		return fail_library(script->context);
	if (kind != SHADOW_KIND_SHADOW) {
		script_error(script, words[0], "it is a set. Expose its shadows, each on a "
			     "directory of its own");
		return STATUS_FAILED;
	}
	status = run_command(script, &cmd_mount, "--", words[0], words[1], NULL);
	return status ?: note_exposed(script, words[1], &uuid);
}

SCRIPT_COMMAND(unexpose)
{
	(void)line;
	return run_command(script, &cmd_umount, "--", script_id(words[0]), NULL);
}

/* Who writes it into a script has answered already. */
SCRIPT_COMMAND(revert)
{
	(void)line;
	return run_command(script, &cmd_revert, "--yes", "--", script_id(words[0]), NULL);
}

bool script_unexpose_all(struct script *script)
{
	struct shadow_shadow_info info;
	json_t *aside = NULL;
	bool all = true;

	if (script->context->json)
		json_collect(&aside);
	while (script->exposed_count) {
		struct script_exposed *exposed = &script->exposed[--script->exposed_count];

		if (!exposed->stays && exposed->directory &&
		    mounted_on(script, exposed->directory, &info))
			all &= !run_command(script, &cmd_umount, "--quiet", "--",
					    exposed->directory, NULL);
		free(exposed->directory);
	}
	json_collect(script->answer ? &script->answer : NULL);
	json_decref(aside);
	return all;
}

/* --- deleting ------------------------------------------------------------------------- */

static const struct {
	const char *word;
	bool takes;		/* a word behind it */
} deletions[] = {
	{ "all", false }, { "volume", true }, { "oldest", true }, { "set", true }, { "id", true },
	{ "exposed", true },
};

SCRIPT_CHECK(delete)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(deletions); i++)
		if (script_word_is(words[0], deletions[i].word))
			break;
	if (i == ARRAY_SIZE(deletions))
		return script_error(script, words[0], "it is \"delete shadows %s\"",
				    line->verb->arguments);
	if (line->count == (deletions[i].takes ? 2 : 1))
		return 0;
	return script_error(script, words[0], deletions[i].takes ? "the word behind it is missing" :
			    "there is a word too many behind it");
}

static int delete_exposed(struct script *script, const char *directory)
{
	struct shadow_shadow_info info;
	char uuid[SHADOWCOPY_UUID_LEN];
	int status;

	if (!mounted_on(script, directory, &info)) {
		script_error(script, directory, "no shadow is mounted there");
		return STATUS_FAILED;
	}
	status = run_command(script, &cmd_umount, "--", directory, NULL);
	return status ?: run_command(script, &cmd_delete, "--",
				     shadowcopy_uuid_format(&info.uuid, uuid), NULL);
}

SCRIPT_COMMAND(delete)
{
	(void)line;
	if (script_word_is(words[0], "all"))
		return run_command(script, &cmd_delete, "--all", NULL);
	if (script_word_is(words[0], "volume"))
		return run_command(script, &cmd_delete, "--all", "--", words[1], NULL);
	if (script_word_is(words[0], "oldest"))
		return run_command(script, &cmd_delete, "--oldest", "--", words[1], NULL);
	if (script_word_is(words[0], "exposed"))
		return delete_exposed(script, words[1]);
	return run_command(script, &cmd_delete, "--", script_id(words[1]), NULL);
}

/* --- programs ------------------------------------------------------------------------- */

/* It may be made by what comes before: so this is no mistake. */
SCRIPT_CHECK(exec)
{
	(void)line;
	if (strchr(words[0], '/') && access(words[0], X_OK))
		warn(script->context, "exec %s: %s", words[0], strerror(errno));
	return 0;
}

/* In the child; @failed: where to write why not. */
static void become(struct script *script, char **words, int failed)
{
	size_t i;

	for (i = 0; i < script->variables.count; i++)
		setenv(script->variables.list[i].name, script->variables.list[i].value, 1);
	/* standard output has JSON and nothing else */
	if (!script->context->json || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execvp(words[0], words);
	if (write(failed, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* Its end is waited for; a negative errno where it could not even begin. */
static int run_program(struct script *script, char **words, int *wait_status)
{
	int failed[2], error = 0;
	ssize_t size = 0;
	pid_t child;

	fflush(stdout);
	if (pipe2(failed, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child)
		become(script, words, failed[1]);
	if (child < 0)
		error = errno;
	close(failed[1]);
	script_watch_program(child);
	while (child > 0 && (size = read(failed[0], &error, sizeof(error))) < 0 && errno == EINTR)
		;
	if (child > 0 && size <= 0)
		error = 0;
	close(failed[0]);
	while (child > 0 && waitpid(child, wait_status, 0) < 0 && errno == EINTR)
		;
	script_watch_program(0);
	return -error;
}

SCRIPT_COMMAND(exec)
{
	int wait_status = 0, rc = run_program(script, words, &wait_status);

	(void)line;
	if (rc)
		return fail(script->context, "cannot run %s: %s", words[0], strerror(-rc));
	if (script->answer)
		json_number(script->answer, "exit_status", WIFEXITED(wait_status) ?
			    WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status));
	if (WIFSIGNALED(wait_status))
		return fail(script->context, "%s was ended by signal %d (%s)", words[0],
			    WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	if (WEXITSTATUS(wait_status))
		return fail(script->context, "%s has failed, with exit status %d", words[0],
			    WEXITSTATUS(wait_status));
	return STATUS_OK;
}

/* --- help ----------------------------------------------------------------------------- */

static void explain(const struct script_verb *verb)
{
	printf("  %s%s%s\n      %s%s\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
	       verb->run ? "" : "not there: ", verb->help);
}

SCRIPT_COMMAND(help)
{
	char name[128] = "";
	size_t i, shown = 0;

	if (line->count)
		snprintf(name, sizeof(name), "%s%s%s", words[0], words[1] ? " " : "",
			 words[1] ?: "");
	for (i = 0; i < script_verb_count && !script->answer; i++)
		if (!strncasecmp(script_verbs[i].name, name, strlen(name))) {
			explain(&script_verbs[i]);
			shown++;
		}
	if (!shown && !script->answer)
		printf("there is no command \"%s\"; \"help\" lists those that there are\n", name);
	return STATUS_OK;
}
