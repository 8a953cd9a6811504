// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_expose.c - shadowadm expose and unexpose: a persistent shadow at a directory, also after a
 * reboot (VSS: K-03, K-05).
 *
 * systemd mounts it, by a unit of its own, which is written and enabled here.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exposed.h"
#include "filesystem.h"
#include "users.h"

/* --- systemd ------------------------------------------------------------------------------ */

static int check_systemd(struct context *context, const char *remedy)
{
	if (!access("/run/systemd/system", F_OK))
		return STATUS_OK;
	return fail(context, "systemd does not run here, and it is systemd that mounts what is "
		    "exposed%s", remedy);
}

/* What it says goes to standard error: the answer is ours.  Return: whether it succeeded. */
static bool systemctl(const char *verb, const char *option, const char *unit)
{
	const char *words[6] = { "systemctl", "--quiet", verb };
	size_t n = 3;
	pid_t child;
	int how;

	if (option)
		words[n++] = option;
	if (unit)
		words[n++] = unit;
	child = fork();
	if (child < 0)
		return false;
	if (!child) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(words[0], (char *const *)words);
		_exit(127);
	}
	while (waitpid(child, &how, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(how) && !WEXITSTATUS(how);
}

/* --- the shadow --------------------------------------------------------------------------- */

static int find_shadow(struct context *context, const char *name, struct shadow_shadow_info *info)
{
	struct shadow_uuid uuid;
	uint32_t kind;

	if (shadowcopy_find(context->sc, name, &uuid, &kind))
		return fail_library(context);
	if (kind == SHADOW_KIND_SET)
		return usage(context, "%s is a set: name one of its shadows", name);
	memset(info, 0, sizeof(*info));
	while (shadowcopy_shadow_next(context->sc, info) > 0)
		if (uuid_equal(&info->uuid, &uuid))
			return STATUS_OK;
	return fail(context, "cannot expose %s: it has gone meanwhile", name);
}

static int check_shadow(struct context *context, const struct shadow_shadow_info *info)
{
	char path[IMAGE_PATH_LEN];
	char *directory;
	int status;

	image_path(info, path);
	if (!(info->flags & SHADOW_SET_PERSISTENT))
		return fail(context, "cannot expose %s: the shadow is not persistent, so after a "
			    "reboot nothing would be there. Use \"shadowadm mount\", or make it "
			    "with \"shadowadm create --persistent\"", path);
	if (info->state == SHADOW_STATE_LOST)
		return fail(context, "cannot expose %s: the shadow is lost, because %s. Delete it "
			    "and make another", path,
			    shadowcopy_reason_cause(info->fault.reason));
	directory = exposed_directory(&info->uuid);
	if (!directory)
		return STATUS_OK;
	status = fail(context, "cannot expose %s: it is exposed at %s already. \"shadowadm "
		      "unexpose %s\" ends that", path, directory, path);
	free(directory);
	return status;
}

static int probe_shadow(struct context *context, const struct shadow_shadow_info *info,
			struct filesystem *fs)
{
	char path[IMAGE_PATH_LEN];
	const char *refusal;
	int rc = filesystem_probe(image_path(info, path), ACCESS_NO_WRITE, fs);

	if (rc)
		return fail(context, "cannot read %s: %s", path, strerror(-rc));
	if (!*fs->type)
		return fail(context, "cannot expose %s: %s%s%s. Only a shadow that has a "
			    "filesystem is exposed; \"shadowadm mount\" mounts partitions, too",
			    path, *fs->other ? "it holds no filesystem but \"" :
			    "no filesystem was recognised on it", fs->other,
			    *fs->other ? "\"" : "");
	refusal = filesystem_refusal(fs);
	if (refusal)
		return fail(context, "cannot expose %s: %s", path, refusal);
	return STATUS_OK;
}

/* --- the directory ------------------------------------------------------------------------ */

static bool is_empty(const char *directory)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	bool empty = stream;

	while (stream && empty && (entry = readdir(stream)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (stream)
		closedir(stream);
	return empty;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* systemd wants the path as it is, without links. */
static int check_directory(struct context *context, const char *name, char real[PATH_MAX])
{
	struct stat st;

	if (!realpath(name, real) || stat(real, &st))
		return fail(context, "cannot expose at %s: %s. Make the directory first", name,
			    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(context, "cannot expose at %s: it is not a directory", name);
	if (has_control(real) || real[strlen(real) - 1] == ' ' || strchr(real, '\\'))
		return fail(context, "cannot expose at %s: a unit of systemd cannot have a path "
			    "with control characters, \"\\\" or a space at its end", name);
	if (mounts_at(real))
		return fail(context, "cannot expose at %s: something is mounted there already. "
			    "Name an empty directory", real);
	if (!is_empty(real))
		return fail(context, "cannot expose at %s: the directory is not empty, and what is "
			    "in it would be hidden. Name an empty one", real);
	return STATUS_OK;
}

/* --- expose ------------------------------------------------------------------------------- */

static void describe(const struct shadow_shadow_info *info, char *buf, size_t size)
{
	time_t created = info->created_ns / 1000000000;
	char date[32] = "";
	struct tm tm;

	if (localtime_r(&created, &tm))
		strftime(date, sizeof(date), "%F %T", &tm);
	snprintf(buf, size, "Shadow of %.31s of %s", info->volume_name, date);
}

static int expose(struct context *context, const struct shadow_shadow_info *info,
		  const struct filesystem *fs, struct exposed *exposed)
{
	char options[128], description[96], path[IMAGE_PATH_LEN];
	json_t *document;
	int rc;

	snprintf(options, sizeof(options), "%s,nosuid,nodev", fs->options);
	describe(info, description, sizeof(description));
	rc = exposed_write(exposed, description, fs->type, options);
	if (rc == -EEXIST)
		return fail(context, "cannot expose at %s: " EXPOSED_UNIT_DIRECTORY "/%s is there "
			    "already, and mounts something else there. Name another directory",
			    exposed->directory, exposed->unit);
	if (rc)
		return fail(context, "cannot write " EXPOSED_UNIT_DIRECTORY "/%s: %s",
			    exposed->unit, strerror(-rc));
	if (!systemctl("daemon-reload", NULL, NULL) ||
	    !systemctl("enable", "--now", exposed->unit)) {
		systemctl("disable", "--now", exposed->unit);
		exposed_remove(exposed);
		systemctl("daemon-reload", NULL, NULL);
		return fail(context, "cannot expose at %s: systemd does not mount it (%s, %s). "
			    "\"journalctl -u '%s'\" may tell more; nothing is left of it",
			    exposed->directory, fs->type, options, exposed->unit);
	}
	if (fs->note)
		warn(context, "%s: %s", image_path(info, path), fs->note);
	progress(context, "%s (%s, %s) on %s, also after a reboot", image_path(info, path),
		 fs->type, options, exposed->directory);
	if (!context->json)
		return STATUS_OK;
	document = json_object();
	json_uuid(document, "uuid", &info->uuid);
	json_text(document, "device", image_path(info, path));
	json_text(document, "directory", exposed->directory);
	json_text(document, "unit", exposed->unit);
	json_text(document, "fstype", fs->type);
	json_text(document, "options", options);
	return json_print(document);
}

/* --quiet, and no other option of its own. */
static int read_options(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1) {
		if (option != 'q')
			return status;
		context->quiet = true;
	}
	return -1;
}

static int run_expose(struct context *context, int argc, char **argv)
{
	struct exposed exposed = { 0 };
	struct shadow_shadow_info info;
	struct filesystem fs;
	int status = read_options(context, argc, argv);

	if (status >= 0)
		return status;
	if (argc - optind != 2)
		return usage(context, "name one shadow, and the directory to expose it at");
	status = check_systemd(context, ". Use \"shadowadm mount\", which lasts until the "
			       "machine is stopped");
	if (!status)
		status = find_shadow(context, argv[optind], &info);
	if (!status)
		status = check_shadow(context, &info);
	if (!status)
		status = check_directory(context, argv[optind + 1], exposed.directory);
	if (!status)
		status = probe_shadow(context, &info, &fs);
	if (status)
		return status;
	if (!exposed_unit_name(exposed.directory, exposed.unit))
		return fail(context, "cannot expose at %s: the path is too long for the name of a "
			    "unit. Name a shorter one", exposed.directory);
	shadowcopy_uuid_format(&info.uuid, exposed.uuid);
	return expose(context, &info, &fs, &exposed);
}

const struct command cmd_expose = {
	.name = "expose",
	.summary = "Have a persistent shadow at a directory, also after a reboot",
	.synopsis = "SHADOW DIR",
	.text = "The filesystem of the shadow is mounted at DIR, which is empty, now and at each\n"
		"boot: read-only, without devices and set-user-ID programs.  systemd does that, so it\n"
		"has to run here.  The shadow is not deleted while it is exposed.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run_expose,
};

/* --- unexpose ------------------------------------------------------------------------------ */

/* By its directory, by its UUID where the shadow has gone, or as a shadow. */
static bool find_exposed(struct context *context, const char *name, struct exposed *exposed)
{
	char real[PATH_MAX], text[SHADOWCOPY_UUID_LEN];
	struct shadow_uuid uuid;
	uint32_t kind;

	if (realpath(name, real) && exposed_find(NULL, real, exposed))
		return true;
	if (exposed_find(NULL, name, exposed) || exposed_find(name, NULL, exposed))
		return true;
	return !shadowcopy_find(context->sc, name, &uuid, &kind) && kind == SHADOW_KIND_SHADOW &&
	       exposed_find(shadowcopy_uuid_format(&uuid, text), NULL, exposed);
}

static int run_unexpose(struct context *context, int argc, char **argv)
{
	int status = read_options(context, argc, argv);
	struct exposed exposed;
	json_t *document;
	int rc;

	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return usage(context, "name one shadow that is exposed, or its directory");
	status = check_systemd(context, ": nothing is mounted by it now. Its units are in "
			       EXPOSED_UNIT_DIRECTORY);
	if (status)
		return status;
	if (!find_exposed(context, argv[optind], &exposed))
		return fail(context, "%s is not exposed, and nothing is exposed there; \"shadowadm "
			    "list -o +EXPOSED\" shows what is", argv[optind]);
	if (!systemctl("stop", NULL, exposed.unit))
		return fail(context, "cannot unmount %s: somebody uses it (\"fuser -vm %s\" shows "
			    "who). It stays exposed", exposed.directory, exposed.directory);
	systemctl("disable", NULL, exposed.unit);
	rc = exposed_remove(&exposed);
	if (rc)
		return fail(context, "cannot remove " EXPOSED_UNIT_DIRECTORY "/%s: %s",
			    exposed.unit, strerror(-rc));
	systemctl("daemon-reload", NULL, NULL);
	progress(context, "the shadow at %s is exposed no longer", exposed.directory);
	if (!context->json)
		return STATUS_OK;
	document = json_object();
	json_text(document, "uuid", exposed.uuid);
	json_text(document, "directory", exposed.directory);
	json_text(document, "unit", exposed.unit);
	return json_print(document);
}

const struct command cmd_unexpose = {
	.name = "unexpose",
	.summary = "Have an exposed shadow at its directory no longer",
	.synopsis = "SHADOW|DIR",
	.text = "The shadow is unmounted, and not mounted at the next boot.  It stays.\n\n"
		"Options:\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run_unexpose,
};
