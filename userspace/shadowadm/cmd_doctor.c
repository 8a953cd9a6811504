// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_doctor.c - shadowadm doctor: is this machine able to make shadows, and if
 * not, why, and what helps?
 *
 * Each check is a function that reports one or more results; they stand in one
 * table, in the order in which somebody would look.  What a check needs and
 * cannot read it reports as unknown, which is a warning: silence would look like
 * health.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "shadowadm.h"

enum verdict { GOOD, NOTE, WARNING, FAILURE };

static const char *const verdict_names[] = { "ok", "note", "warning", "failure" };

struct examination {
	struct context *context;
	const char *root;		/* of a recorded machine, or "" */
	char release[65];		/* of the kernel */
	struct shadow_info info;
	bool connected;
	unsigned int verdicts[4];
	struct json_object *results;
};

/* One result.  @remedy: NULL where there is nothing to do. */
PRINTF(5, 6)
static void report(struct examination *exam, const char *check, enum verdict verdict,
		   const char *remedy, const char *format, ...)
{
	struct json_object *object;
	char detail[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	exam->verdicts[verdict]++;
	if (!exam->context->json) {
		printf("%-8s %-15s %s\n", verdict_names[verdict], check, detail);
		if (remedy)
			printf("%-24s -> %s\n", "", remedy);
		return;
	}
	object = json_object_new_object();
	json_text(object, "check", check);
	json_text(object, "verdict", verdict_names[verdict]);
	json_text(object, "detail", detail);
	json_text(object, "remedy", remedy);
	json_object_array_add(exam->results, object);
}

/* --- files of the machine under examination ------------------------------------- */

PRINTF(2, 3)
static FILE *open_file(const struct examination *exam, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int used;

	used = snprintf(path, sizeof(path), "%s", exam->root);
	va_start(args, format);
	vsnprintf(path + used, sizeof(path) - used, format, args);
	va_end(args);
	return fopen(path, "re");
}

PRINTF(2, 3)
static bool exists(const struct examination *exam, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int used;

	used = snprintf(path, sizeof(path), "%s", exam->root);
	va_start(args, format);
	vsnprintf(path + used, sizeof(path) - used, format, args);
	va_end(args);
	return !access(path, F_OK);
}

/* The first line of a file; false where it cannot be read. */
static bool read_line(const struct examination *exam, const char *path, char *buf, size_t size)
{
	FILE *file = open_file(exam, "%s", path);
	bool good;

	buf[0] = '\0';
	if (!file)
		return false;
	good = fgets(buf, size, file);
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
	return good;
}

/* The first line of a file that has @word in it. */
static bool find_line(FILE *file, const char *word, char *buf, size_t size)
{
	while (fgets(buf, size, file))
		if (strstr(buf, word)) {
			buf[strcspn(buf, "\n")] = '\0';
			return true;
		}
	return false;
}

/* --- who and where ----------------------------------------------------------------- */

static void check_root(struct examination *exam)
{
	if (*exam->root)
		return;
	if (geteuid())
		report(exam, "root", FAILURE, "run it as root, for example with sudo",
		       "this is user %u, and only root may make shadows", geteuid());
	else
		report(exam, "root", GOOD, NULL, "running as root");
}

static void check_kernel(struct examination *exam)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(exam->release, "%u.%u", &major, &minor) != 2)
		report(exam, "kernel", WARNING, NULL, "its release cannot be read");
	else if (major < 5 || (major == 5 && minor < 10))
		report(exam, "kernel", FAILURE, "use Linux 5.10 or newer",
		       "Linux %s is older than the module supports", exam->release);
	else
		report(exam, "kernel", GOOD, NULL, "Linux %s", exam->release);
}

/* --- the module's file -------------------------------------------------------------- */

static bool is_loaded(const struct examination *exam)
{
	return exists(exam, "/sys/module/shadow");
}

/* Path below /lib/modules/RELEASE/, as depmod noted it. */
static bool find_module(const struct examination *exam, char *buf, size_t size)
{
	FILE *file = open_file(exam, "/lib/modules/%s/modules.dep", exam->release);
	char *name;

	if (!file)
		return false;
	while (fgets(buf, size, file)) {
		buf[strcspn(buf, ":")] = '\0';
		name = strrchr(buf, '/');
		if (!strncmp(name ? name + 1 : buf, "shadow.ko", 9)) {
			fclose(file);
			return true;
		}
	}
	fclose(file);
	return false;
}

static void check_module_file(struct examination *exam)
{
	char path[PATH_MAX];

	if (find_module(exam, path, sizeof(path)))
		report(exam, "module-file", GOOD, NULL, "/lib/modules/%s/%s", exam->release, path);
	else if (is_loaded(exam))
		report(exam, "module-file", NOTE,
		       "install it with DKMS, or \"make install KVER=$(uname -r)\"",
		       "the module is loaded, but not installed for this kernel: it is gone after the "
		       "next boot");
	else
		report(exam, "module-file", FAILURE,
		       "install it with DKMS (\"dkms status\" shows whether its build failed), or "
		       "\"make install KVER=$(uname -r)\"",
		       "there is no module \"shadow\" for kernel %s", exam->release);
}

static void check_headers(struct examination *exam)
{
	if (exists(exam, "/lib/modules/%s/build/Makefile", exam->release))
		report(exam, "headers", GOOD, NULL, "kernel headers are installed");
	else
		report(exam, "headers", NOTE,
		       "install the headers package of this kernel (linux-headers-... on Debian)",
		       "there are no headers for kernel %s: DKMS cannot build the module for it",
		       exam->release);
}

/* Signed modules end in this text.  Compressed files are not looked into. */
static bool is_signed(const struct examination *exam, const char *path)
{
	static const char magic[] = "~Module signature appended~\n";
	char tail[sizeof(magic)] = "";
	FILE *file = open_file(exam, "/lib/modules/%s/%s", exam->release, path);
	bool found;

	if (!file)
		return false;
	found = !fseek(file, -(long)strlen(magic), SEEK_END) &&
		fread(tail, 1, strlen(magic), file) == strlen(magic) && !strcmp(tail, magic);
	fclose(file);
	return found;
}

static bool secure_boot(const struct examination *exam)
{
	FILE *file = open_file(exam, "/sys/firmware/efi/efivars/"
			       "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
	unsigned char value[5] = { 0 };
	bool on;

	if (!file)
		return false;
	on = fread(value, 1, sizeof(value), file) == sizeof(value) && value[4] == 1;
	fclose(file);
	return on;
}

static void check_signature(struct examination *exam)
{
	char path[PATH_MAX], line[128];
	bool enforced, locked;

	read_line(exam, "/sys/module/module/parameters/sig_enforce", line, sizeof(line));
	enforced = *line == 'Y' || *line == '1';
	read_line(exam, "/sys/kernel/security/lockdown", line, sizeof(line));
	locked = *line && !strstr(line, "[none]");

	if (is_loaded(exam) || (!enforced && !locked)) {
		report(exam, "signature", GOOD, NULL, "%s%s", locked ? "the kernel is locked down" :
		       "the kernel takes unsigned modules",
		       is_loaded(exam) && (enforced || locked) ? ", and the module is loaded" : "");
		return;
	}
	if (find_module(exam, path, sizeof(path)) && is_signed(exam, path))
		report(exam, "signature", NOTE,
		       "if loading fails with \"Key was rejected\", enroll the key: mokutil --import",
		       "the kernel takes signed modules only, and the module is signed");
	else
		report(exam, "signature", FAILURE,
		       "sign the module with a machine owner's key (DKMS does: mokutil --import "
		       "/var/lib/dkms/mok.pub), or switch Secure Boot off",
		       "the kernel takes signed modules only%s, and no signature was found on this one",
		       secure_boot(exam) ? " (Secure Boot)" : "");
}

/* --- the kernel's configuration ------------------------------------------------------ */

static FILE *open_config(const struct examination *exam, bool *piped)
{
	FILE *file = open_file(exam, "/boot/config-%s", exam->release);

	*piped = false;
	if (!file)
		file = open_file(exam, "/lib/modules/%s/config", exam->release);
	if (!file)
		file = open_file(exam, "/lib/modules/%s/build/.config", exam->release);
	if (!file && !*exam->root && exists(exam, "/proc/config.gz")) {
		*piped = true;
		file = popen("exec gzip -dc /proc/config.gz", "re");
	}
	return file;
}

/* Built in ways in which the module can see writes. */
static const char *const wanted_options[] = {
	"CONFIG_MODULES", "CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE",
};

/* One of these is enough. */
static const char *const register_options[] = {
	"CONFIG_DYNAMIC_FTRACE_WITH_REGS", "CONFIG_DYNAMIC_FTRACE_WITH_ARGS",
};

struct config {
	bool wanted[ARRAY_SIZE(wanted_options)];
	bool registers;
};

static bool sets(const char *line, const char *option)
{
	size_t length = strlen(option);

	return !strncmp(line, option, length) && !strncmp(line + length, "=y", 2);
}

static void read_config(FILE *file, struct config *config)
{
	char line[512];
	size_t i;

	while (fgets(line, sizeof(line), file)) {
		for (i = 0; i < ARRAY_SIZE(wanted_options); i++)
			config->wanted[i] |= sets(line, wanted_options[i]);
		for (i = 0; i < ARRAY_SIZE(register_options); i++)
			config->registers |= sets(line, register_options[i]);
	}
}

static void check_config(struct examination *exam)
{
	struct config config = { 0 };
	bool piped, good = true;
	FILE *file = open_config(exam, &piped);
	size_t i;

	if (!file) {
		report(exam, "config", NOTE, NULL,
		       "the kernel's configuration was not found; the checks below tell more");
		return;
	}
	read_config(file, &config);
	if (piped)
		pclose(file);
	else
		fclose(file);
	for (i = 0; i < ARRAY_SIZE(wanted_options); i++)
		if (!config.wanted[i]) {
			good = false;
			report(exam, "config", FAILURE,
			       "use a kernel with it; the kernels of all large distributions have it",
			       "the kernel was built without %s", wanted_options[i]);
		}
	if (!config.registers) {
		good = false;
		report(exam, "config", FAILURE,
		       "use a kernel with one of them; the kernels of all large distributions do",
		       "the kernel was built without %s and %s", register_options[0],
		       register_options[1]);
	}
	if (good)
		report(exam, "config", GOOD, NULL, "the kernel was built with all that is needed");
}

/* --- the hook ------------------------------------------------------------------------ */

static void check_ftrace(struct examination *exam)
{
	char line[32];

	if (!read_line(exam, "/proc/sys/kernel/ftrace_enabled", line, sizeof(line)))
		report(exam, "ftrace", FAILURE, "use a kernel with CONFIG_FUNCTION_TRACER",
		       "the kernel has no function tracer");
	else if (atoi(line) != 1)
		report(exam, "ftrace", FAILURE,
		       "run \"sysctl kernel.ftrace_enabled=1\", and see who sets it to 0 in "
		       "/etc/sysctl.d",
		       "function tracing is switched off (kernel.ftrace_enabled=%s)", line);
	else
		report(exam, "ftrace", GOOD, NULL, "function tracing is on");
}

static FILE *open_tracing(const struct examination *exam, const char *name)
{
	FILE *file = open_file(exam, "/sys/kernel/tracing/%s", name);

	return file ?: open_file(exam, "/sys/kernel/debug/tracing/%s", name);
}

#define HOOKED_FUNCTION "submit_bio_noacct"

/* The line of exactly that function: a blank or the end follows the name. */
static bool find_function(FILE *file, char *line, size_t size)
{
	size_t length = strlen(HOOKED_FUNCTION);

	while (find_line(file, HOOKED_FUNCTION, line, size))
		if (!strncmp(line, HOOKED_FUNCTION, length) &&
		    (!line[length] || isspace((unsigned char)line[length])))
			return true;
	return false;
}

/* "submit_bio_noacct (1) R I    tramp: ... (callback+0x0/0x80 [module])" */
static void check_hook(struct examination *exam)
{
	FILE *file = open_tracing(exam, "enabled_functions");
	char line[1024] = "";
	bool found, exclusive;

	if (!file) {
		report(exam, "hook", NOTE,
		       "mount tracefs with \"mount -t tracefs none /sys/kernel/tracing\"",
		       "who else hooks the block layer cannot be seen: tracefs is not mounted");
		return;
	}
	found = find_function(file, line, sizeof(line));
	fclose(file);
	exclusive = found && (strstr(line, " I ") || strstr(line, " I\t"));
	if (!found && exam->connected && exam->info.hooked)
		report(exam, "hook", FAILURE,
		       "delete all shadows, reload the module, and report it if it comes back",
		       "the module believes itself hooked, but the kernel does not call it");
	else if (!found)
		report(exam, "hook", GOOD, NULL, HOOKED_FUNCTION " is free");
	else if (strstr(line, "[shadow]") || (exam->connected && exam->info.hooked))
		report(exam, "hook", GOOD, NULL, HOOKED_FUNCTION " is hooked by the module");
	else if (exclusive)
		report(exam, "hook", FAILURE,
		       "unload the module, or disable the live patch, that the line names",
		       "somebody else holds it exclusively: %s", line);
	else
		report(exam, "hook", GOOD, NULL,
		       HOOKED_FUNCTION " is traced by somebody, which does no harm");
}

/* Modules that do the same kind of thing. */
static void check_rivals(struct examination *exam)
{
	static const char *const rivals[] = {
		"dattobd", "elastio_snap", "blksnap", "bdevfilter", "veeamsnap", "veeamblksnap",
	};
	bool any = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rivals); i++)
		if (exists(exam, "/sys/module/%s", rivals[i])) {
			any = true;
			report(exam, "others", WARNING,
			       "shadow-copy each volume by one of them only",
			       "%s is loaded too, which also intercepts writes", rivals[i]);
		}
	if (!any)
		report(exam, "others", GOOD, NULL, "no other snapshot module is loaded");
}

/* --- the module at work ---------------------------------------------------------------- */

static void check_loaded(struct examination *exam)
{
	char version[64];

	if (!is_loaded(exam)) {
		report(exam, "loaded", WARNING, "load it with \"modprobe shadow\"",
		       "the module is not loaded");
		return;
	}
	read_line(exam, "/sys/module/shadow/version", version, sizeof(version));
	report(exam, "loaded", GOOD, NULL, "the module is loaded%s%s", *version ? ", version " : "",
	       version);
}

static void check_control(struct examination *exam)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(exam->context->sc);

	if (*exam->root)
		return;
	if (exam->connected)
		report(exam, "control", GOOD, NULL, "/dev/" SHADOW_CONTROL_NAME
		       " answers: version %s, interface %u", exam->info.version,
		       exam->info.abi_version);
	else
		report(exam, "control", is_loaded(exam) ? FAILURE : WARNING,
		       *last->remedy ? last->remedy : NULL,
		       "/dev/" SHADOW_CONTROL_NAME " cannot be used: %s", last->cause);
}

static void check_udev(struct examination *exam)
{
	if (exists(exam, "/run/udev/control"))
		report(exam, "udev", GOOD, NULL, "udev is running");
	else
		report(exam, "udev", NOTE, "start systemd-udevd",
		       "udev is not running: there are no links by UUID, and nothing keeps the "
		       "filesystem UUIDs of shadows apart from those of their volumes");
}

static void check_lost(struct examination *exam)
{
	struct shadow_shadow_info info = { 0 };
	unsigned int lost = 0;

	if (!exam->connected)
		return;
	while (shadowcopy_shadow_next(exam->context->sc, &info) > 0) {
		if (info.state != SHADOW_STATE_LOST)
			continue;
		lost++;
		report(exam, "lost", WARNING, shadowcopy_reason_remedy(info.fault.reason),
		       "/dev/shadow%u of %s is lost: %s", info.index, info.volume_name,
		       shadowcopy_reason_cause(info.fault.reason));
	}
	if (!lost)
		report(exam, "lost", GOOD, NULL, "no shadow is lost");
}

/* Fill at which the module warns, too. */
#define FULL_PERCENT 85

static void check_stores(struct examination *exam)
{
	struct shadow_volume_info info = { 0 };
	bool full = false;
	double percent;

	if (!exam->connected)
		return;
	while (shadowcopy_volume_next(exam->context->sc, &info) > 0) {
		if (info.flags & SHADOW_VOLUME_GONE)
			report(exam, "volumes", WARNING, "delete its shadows",
			       "the volume %s was removed", info.name);
		if (!info.store.max_bytes)
			continue;
		percent = 100.0 * info.store_used_bytes / info.store.max_bytes;
		if (percent < FULL_PERCENT)
			continue;
		full = true;
		report(exam, "store", WARNING, "delete shadows of it, or they will be lost when "
		       "it is full", "the store of %s is filled to %.0f%%", info.name, percent);
	}
	if (!full)
		report(exam, "store", GOOD, NULL, "no store is nearly full");
}

/* The module's users, by name: what to delete is what the reader wants to know. */
static void check_unload(struct examination *exam)
{
	struct shadow_shadow_info info = { 0 };
	char names[512] = "";
	size_t length = 0;

	if (!exam->connected)
		return;
	if (!exam->info.shadows) {
		report(exam, "unload", GOOD, NULL, "no shadow keeps the module from unloading");
		return;
	}
	while (length < sizeof(names) - 32 && shadowcopy_shadow_next(exam->context->sc, &info) > 0)
		length += snprintf(names + length, sizeof(names) - length, "%s/dev/shadow%u",
				   length ? ", " : ": ", info.index);
	report(exam, "unload", NOTE, NULL,
	       "%u shadow%s: the module cannot be unloaded before they are deleted%s%s",
	       exam->info.shadows, exam->info.shadows == 1 ? " exists" : "s exist", names,
	       length < sizeof(names) - 32 ? "" : ", ...");
}

/* --- all of them ------------------------------------------------------------------------- */

static void (*const checks[])(struct examination *exam) = {
	check_root, check_kernel, check_module_file, check_headers, check_signature, check_config,
	check_ftrace, check_hook, check_rivals, check_loaded, check_control, check_udev,
	check_lost, check_stores, check_unload,
};

static int conclude(struct examination *exam)
{
	unsigned int failures = exam->verdicts[FAILURE], warnings = exam->verdicts[WARNING];
	struct json_object *document;
	int status = failures ? STATUS_FAILED : warnings ? STATUS_DEGRADED : STATUS_OK;

	if (!exam->context->json) {
		printf("\n%u failure%s, %u warning%s\n", failures, failures == 1 ? "" : "s",
		       warnings, warnings == 1 ? "" : "s");
		return fflush(stdout) ? STATUS_FAILED : status;
	}
	document = json_object_new_object();
	json_text(document, "verdict", failures ? "failure" : warnings ? "warning" : "ok");
	json_object_object_add(document, "checks", exam->results);
	return json_print(document) ?: status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_SYSROOT = OPTION_OWN };
	static const struct option longs[] = {
		{ "sysroot", required_argument, NULL, OPTION_SYSROOT },
		{ 0 }
	};
	struct examination exam = { .context = context, .root = "" };
	struct utsname uts = { 0 };
	int option, status;
	size_t i;

	while ((option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_SYSROOT:
			exam.root = optarg;
			break;
		default:
			return status;
		}
	if (optind < argc)
		return usage(context, "it takes no argument");
	if (!read_line(&exam, "/proc/sys/kernel/osrelease", exam.release, sizeof(exam.release)) &&
	    !*exam.root && !uname(&uts))
		snprintf(exam.release, sizeof(exam.release), "%s", uts.release);
	exam.connected = !*exam.root && !shadowcopy_info(context->sc, &exam.info);
	if (context->json)
		exam.results = json_object_new_array();
	for (i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&exam);
	return conclude(&exam);
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "Find out whether shadows can be made here, and what is wrong if not",
	.synopsis = "[--json] [--sysroot DIR]",
	.text = "Exit status: 0 all is well, 3 there are warnings, 1 there are failures.\n\n"
		"Options:\n"
		"      --sysroot DIR     examine the recorded /proc, /sys, /lib and /boot below DIR\n"
		COMMON_HELP,
	.run = run,
};
