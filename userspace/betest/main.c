// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadow-betest, a requester for tests: its options.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "betest.h"

static const char help_text[] =
	"Usage: shadow-betest backup [OPTIONS] DIRECTORY\n"
	"       shadow-betest restore [OPTIONS] DIRECTORY...\n"
	"       shadow-betest boot [--state DIRECTORY]\n\n"
	"A requester for tests: it backs up what writers have, with their files, and restores it.\n"
	"COMPONENT is WRITER:/PATH/NAME, or WRITER:/* for all of a writer.\n\n"
	"      --component COMPONENT     only these, and what goes with them\n"
	"      --run COMMAND             run it when shadows are there, or files are restored\n\n"
	"Of a backup:\n"
	"      --type TYPE               full (the default), copy, incremental, differential, log\n"
	"                                or other\n"
	"      --previous DIRECTORY      the backup that it builds on\n"
	"      --volume VOLUME           volumes, and all that is on them, instead of components\n"
	"      --include-writer WRITER   only these\n"
	"      --exclude-writer WRITER   not these\n"
	"      --context CONTEXT         backup (the default), app-rollback ...\n"
	"      --keep                    shadows stay\n"
	"      --no-autorecovery         shadows are read-only at once\n"
	"      --rollback-recovery       components for rollback recover in them\n"
	"      --store STORE             as shadowadm create\n"
	"      --partial                 take parts of files where writers name them\n"
	"      --bootable                system state\n"
	"      --degrade                 go on where a writer fails\n"
	"      --timeout MS              longest hold of the volumes\n"
	"      --backup-options COMPONENT=TEXT\n"
	"      --failed COMPONENT        tell the writer that it was not backed up\n"
	"      --no-copy                 shadows only\n"
	"      --no-complete             do not tell writers that the backup is good\n\n"
	"Of a restore:\n"
	"      --restore-type TYPE       copy, import or other\n"
	"      --restore-options COMPONENT=TEXT\n"
	"      --subcomponent COMPONENT=PATH/NAME\n"
	"      --new-target PATH=DIRECTORY\n"
	"                                file sets of this path go there\n"
	"      --move COMPONENT=INSTANCE to a writer of another instance name\n"
	"      --rename COMPONENT=PATH/NAME\n"
	"      --roll-forward COMPONENT=none|all|POINT\n"
	"      --authoritative COMPONENT\n"
	"      --additional              more restores follow\n"
	"      --ranges DIRECTORY        where ranges files go\n"
	"      --custom COMMAND          restores what only its writer knows how to\n"
	"      --forget COMPONENT        do not say what became of it\n"
	"      --state DIRECTORY         what is to be done at the next boot\n"
	"                                (" BETEST_STATE ")\n"
	"      --dry-run                 print what would be done\n\n"
	"  -h, --help                    this help\n"
	"  -V, --version\n";

int betest_run(struct betest *test, const char *command)
{
	int status;

	(void)test;
	fflush(stdout);
	status = system(command);
	return status < 0 || !WIFEXITED(status) ? -EIO : WEXITSTATUS(status);
}

const char *betest_variable(void *data, const char *name)
{
	(void)data;
	return getenv(name);
}

/* --- words ------------------------------------------------------------------------------ */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word types[] = {
	{ "full", SHADOWCOPY_TYPE_FULL }, { "copy", SHADOWCOPY_TYPE_COPY },
	{ "incremental", SHADOWCOPY_TYPE_INCREMENTAL },
	{ "differential", SHADOWCOPY_TYPE_DIFFERENTIAL }, { "log", SHADOWCOPY_TYPE_LOG },
	{ "other", SHADOWCOPY_TYPE_OTHER }, { NULL, 0 }
}, restore_types[] = {
	{ "copy", SHADOWCOPY_RESTORE_TYPE_COPY }, { "import", SHADOWCOPY_RESTORE_TYPE_IMPORT },
	{ "other", SHADOWCOPY_RESTORE_TYPE_OTHER }, { NULL, 0 }
};

static int take_word(struct betest *test, const struct word *words, const char *name,
		     uint32_t *value)
{
	for (; words->name; words++)
		if (!strcmp(words->name, name)) {
			*value = words->value;
			return STATUS_OK;
		}
	return usage(test->context, "\"%s\" is no type. See --help for those that there are", name);
}

static int take_context(struct betest *test, const char *name)
{
	static const uint32_t contexts[] = {
		SHADOWCOPY_CTX_BACKUP, SHADOWCOPY_CTX_FILE_SHARE_BACKUP,
		SHADOWCOPY_CTX_NAS_ROLLBACK, SHADOWCOPY_CTX_APP_ROLLBACK,
		SHADOWCOPY_CTX_CLIENT_ACCESSIBLE, SHADOWCOPY_CTX_CLIENT_ACCESSIBLE_WRITERS,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(contexts); i++)
		if (!strcmp(shadowcopy_context_name(contexts[i]), name)) {
			test->shadows.context = contexts[i];
			return STATUS_OK;
		}
	return usage(test->context, "\"%s\" is no context", name);
}

static int words_add(struct betest *test, struct words *words, const char *word)
{
	const char **more = reallocarray(words->list, words->count + 1, sizeof(*more));

	if (!more)
		return fail(test->context, "there is not enough memory");
	words->list = more;
	more[words->count++] = word;
	return STATUS_OK;
}

/* --- options ---------------------------------------------------------------------------- */

enum {
	BOTH, BACKUP = 1, RESTORE = 2, BOOT = 4,
};

/* Behind the settings, whose options have their numbers. */
enum {
	OPTION_SETTING = 256, OPTION_TYPE = OPTION_SETTING + SETTING_COUNT, OPTION_PREVIOUS,
	OPTION_VOLUME, OPTION_INCLUDE, OPTION_EXCLUDE, OPTION_CONTEXT, OPTION_KEEP,
	OPTION_NO_AUTORECOVERY, OPTION_ROLLBACK_RECOVERY, OPTION_STORE, OPTION_PARTIAL,
	OPTION_BOOTABLE, OPTION_DEGRADE, OPTION_TIMEOUT, OPTION_NO_COPY, OPTION_NO_COMPLETE,
	OPTION_RESTORE_TYPE, OPTION_ADDITIONAL, OPTION_RANGES, OPTION_CUSTOM, OPTION_STATE,
	OPTION_DRY_RUN, OPTION_RUN,
};

#define SETTING(kind) (OPTION_SETTING + SETTING_##kind)

static const struct option longs[] = {
	{ "component", required_argument, NULL, SETTING(COMPONENT) },
	{ "backup-options", required_argument, NULL, SETTING(BACKUP_OPTIONS) },
	{ "failed", required_argument, NULL, SETTING(FAILED) },
	{ "restore-options", required_argument, NULL, SETTING(RESTORE_OPTIONS) },
	{ "subcomponent", required_argument, NULL, SETTING(SUBCOMPONENT) },
	{ "new-target", required_argument, NULL, SETTING(NEW_TARGET) },
	{ "rename", required_argument, NULL, SETTING(RENAME) },
	{ "roll-forward", required_argument, NULL, SETTING(ROLL_FORWARD) },
	{ "authoritative", required_argument, NULL, SETTING(AUTHORITATIVE) },
	{ "forget", required_argument, NULL, SETTING(FORGET) },
	{ "move", required_argument, NULL, SETTING(MOVE) },
	{ "type", required_argument, NULL, OPTION_TYPE },
	{ "previous", required_argument, NULL, OPTION_PREVIOUS },
	{ "volume", required_argument, NULL, OPTION_VOLUME },
	{ "include-writer", required_argument, NULL, OPTION_INCLUDE },
	{ "exclude-writer", required_argument, NULL, OPTION_EXCLUDE },
	{ "context", required_argument, NULL, OPTION_CONTEXT },
	{ "keep", no_argument, NULL, OPTION_KEEP },
	{ "no-autorecovery", no_argument, NULL, OPTION_NO_AUTORECOVERY },
	{ "rollback-recovery", no_argument, NULL, OPTION_ROLLBACK_RECOVERY },
	{ "store", required_argument, NULL, OPTION_STORE },
	{ "partial", no_argument, NULL, OPTION_PARTIAL },
	{ "bootable", no_argument, NULL, OPTION_BOOTABLE },
	{ "degrade", no_argument, NULL, OPTION_DEGRADE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "no-copy", no_argument, NULL, OPTION_NO_COPY },
	{ "no-complete", no_argument, NULL, OPTION_NO_COMPLETE },
	{ "restore-type", required_argument, NULL, OPTION_RESTORE_TYPE },
	{ "additional", no_argument, NULL, OPTION_ADDITIONAL },
	{ "ranges", required_argument, NULL, OPTION_RANGES },
	{ "custom", required_argument, NULL, OPTION_CUSTOM },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "run", required_argument, NULL, OPTION_RUN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 }
};

static int take_option(struct betest *test, int option, const char *argument)
{
	switch (option) {
	case OPTION_TYPE:
		return take_word(test, types, argument, &test->type);
	case OPTION_RESTORE_TYPE:
		return take_word(test, restore_types, argument, &test->restore_type);
	case OPTION_CONTEXT:
		return take_context(test, argument);
	case OPTION_VOLUME:
		return words_add(test, &test->volumes, argument);
	case OPTION_INCLUDE:
		return words_add(test, &test->included, argument);
	case OPTION_EXCLUDE:
		return words_add(test, &test->excluded, argument);
	case OPTION_PREVIOUS:
		test->previous = argument;
		break;
	case OPTION_KEEP:
		test->shadows.keep = true;
		break;
	case OPTION_NO_AUTORECOVERY:
		test->shadows.no_autorecovery = true;
		break;
	case OPTION_ROLLBACK_RECOVERY:
		test->shadows.rollback_recovery = true;
		break;
	case OPTION_STORE:
		test->store = argument;
		break;
	case OPTION_PARTIAL:
		test->partial = true;
		break;
	case OPTION_BOOTABLE:
		test->bootable = true;
		break;
	case OPTION_DEGRADE:
		test->degrade = true;
		break;
	case OPTION_TIMEOUT:
		test->timeout_ms = strtoul(argument, NULL, 10);
		break;
	case OPTION_NO_COPY:
		test->no_copy = true;
		break;
	case OPTION_NO_COMPLETE:
		test->no_complete = true;
		break;
	case OPTION_ADDITIONAL:
		test->additional = true;
		break;
	case OPTION_RANGES:
		test->ranges = argument;
		break;
	case OPTION_CUSTOM:
		test->custom = argument;
		break;
	case OPTION_STATE:
		test->state = argument;
		break;
	case OPTION_DRY_RUN:
		test->dry_run = true;
		break;
	case OPTION_RUN:
		test->run = argument;
		break;
	default:
		return setting_add(test, option - OPTION_SETTING, argument);
	}
	return STATUS_OK;
}

/* Of one command only: the settings and options that mean something there. */
static unsigned int commands_of(int option)
{
	switch (option) {
	case SETTING(COMPONENT):
	case OPTION_RUN:
		return BACKUP | RESTORE;
	case OPTION_STATE:
		return RESTORE | BOOT;
	case SETTING(BACKUP_OPTIONS):
	case SETTING(FAILED):
		return BACKUP;
	}
	return option < OPTION_TYPE || option >= OPTION_RESTORE_TYPE ? RESTORE : BACKUP;
}

static int parse(struct betest *test, unsigned int command, int argc, char **argv, bool *done)
{
	int option, index, status = STATUS_OK;

	opterr = 0;
	while (!status && (option = getopt_long(argc, argv, "hV", longs, &index)) != -1) {
		*done = option == 'h' || option == 'V';
		if (option == '?')
			return usage(test->context, "\"%s\" is no option, or lacks its value",
				     argv[optind - 1]);
		if (option == 'h')
			return fputs(help_text, stdout) < 0;
		if (option == 'V')
			return printf("shadow-betest %s\n", SHADOWCOPY_VERSION) < 0;
		if (!(commands_of(option) & command))
			return usage(test->context, "--%s means nothing to %s", longs[index].name,
				     argv[0]);
		status = take_option(test, option, optarg);
	}
	return status;
}

static int run(struct betest *test, const char *name, int argc, char **argv)
{
	unsigned int command = !strcmp(name, "backup") ? BACKUP : !strcmp(name, "restore") ?
			       RESTORE : !strcmp(name, "boot") ? BOOT : 0;
	bool done = false;
	int status;

	if (!command) {
		if (!strcmp(name, "--help") || !strcmp(name, "-h"))
			return fputs(help_text, stdout) < 0;
		if (!strcmp(name, "--version") || !strcmp(name, "-V"))
			return printf("shadow-betest %s\n", SHADOWCOPY_VERSION) < 0;
		return usage(test->context, "\"%s\" is no command: backup, restore or boot", name);
	}
	status = parse(test, command, argc, argv, &done);
	if (status || done)
		return status;
	argc -= optind;
	argv += optind;
	if (command == BOOT && !argc)
		return betest_boot(test);
	if (command == BACKUP && argc == 1)
		return betest_backup(test, argv[0]);
	if (command == RESTORE && argc)
		return betest_restore(test, argv, argc);
	return usage(test->context, "%s takes %s", name, command == BOOT ? "no argument" :
		     command == BACKUP ? "one directory, which has no backup yet" :
		     "the directories of one or more backups");
}

int main(int argc, char **argv)
{
	struct context context = { .program = "shadow-betest", .quiet = true };
	struct betest test = {
		.context = &context, .type = SHADOWCOPY_TYPE_FULL, .state = BETEST_STATE,
	};
	int status;
	size_t i;

	context.sc = shadowcopy_new();
	if (!context.sc)
		return fail(&context, "there is not enough memory");
	status = run(&test, argc > 1 ? argv[1] : "", argc - 1, argv + 1);
	for (i = 0; i < SETTING_COUNT; i++) {
		while (test.settings[i].count)
			free(test.settings[i].list[--test.settings[i].count].text);
		free(test.settings[i].list);
	}
	free(test.volumes.list);
	free(test.included.list);
	free(test.excluded.list);
	shadowcopy_free(context.sc);
	return fflush(stdout) ? STATUS_FAILED : status;
}
