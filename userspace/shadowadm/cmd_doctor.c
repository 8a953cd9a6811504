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
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
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
	bool hopeless;			/* no module can be loaded into this kernel */
	bool missing;			/* there is no module for it */
	unsigned int verdicts[4];
	json_t *results;
};

/* One result.  @remedy: NULL where there is nothing to do. */
PRINTF(5, 6)
static void report(struct examination *exam, const char *check, enum verdict verdict,
		   const char *remedy, const char *format, ...)
{
	json_t *object;
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
	object = json_object();
	json_text(object, "check", check);
	json_text(object, "verdict", verdict_names[verdict]);
	json_text(object, "detail", detail);
	json_text(object, "remedy", remedy);
	json_array_append_new(exam->results, object);
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

/* --- the module's file -------------------------------------------------------------- */

/*
 * The series that all tests run on, as in BUILD_EXCLUSIVE_KERNEL of dkms.conf and
 * in Documentation/kernels.rst; a test compares them.
 */
static const char *const supported_series[] = { "5.10", "6.1", "6.12", "7.2" };

static bool is_supported(const char *release)
{
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(supported_series); i++) {
		length = strlen(supported_series[i]);
		if (!strncmp(release, supported_series[i], length) &&
		    !isdigit((unsigned char)release[length]))
			return true;
	}
	return false;
}

/* "5.10, 6.1, 6.12 or 7.2" */
static void list_series(char *buf, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < ARRAY_SIZE(supported_series) && used < size; i++)
		used += snprintf(buf + used, size - used, "%s%s",
				 !i ? "" : i + 1 < ARRAY_SIZE(supported_series) ? ", " : " or ",
				 supported_series[i]);
}

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

/* A directory of DKMS' for us, below /usr/src or /var/lib/dkms; NULL where there is none. */
static DIR *open_directory(const struct examination *exam, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", exam->root, name);
	return opendir(path);
}

/* The version whose source DKMS has; false where it has none. */
static bool find_source(const struct examination *exam, char *version, size_t size)
{
	static const char prefix[] = "shadowcopy-";
	DIR *dir = open_directory(exam, "/usr/src");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    !exists(exam, "/usr/src/%s/dkms.conf", entry->d_name))
			continue;
		snprintf(version, size, "%s", entry->d_name + strlen(prefix));
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Does DKMS build that version of the module for this kernel? */
static bool dkms_builds(const struct examination *exam, const char *version)
{
	static const char key[] = "BUILD_EXCLUSIVE_KERNEL=\"";
	FILE *file = open_file(exam, "/usr/src/shadowcopy-%s/dkms.conf", version);
	char line[512], *start;
	bool supported = true;
	regex_t regex;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		start = line + strlen(key);
		start[strcspn(start, "\"\n")] = '\0';
		if (regcomp(&regex, start, REG_EXTENDED | REG_NOSUB))
			break;
		supported = !regexec(&regex, exam->release, 0, NULL, 0);
		regfree(&regex);
		break;
	}
	if (file)
		fclose(file);
	return supported;
}

/* A build that failed leaves its log where the next one will be. */
static bool build_failed(const struct examination *exam, const char *version)
{
	FILE *file = open_file(exam, "/var/lib/dkms/shadowcopy/%s/build/make.log", version);
	char line[256];
	bool found;

	if (!file)
		return false;
	found = find_line(file, "make.log for", line, sizeof(line));
	fclose(file);
	return found && strstr(line, exam->release);
}

/* Why is there no module for this kernel? */
static void explain_missing(struct examination *exam)
{
	char version[128], remedy[PATH_MAX];

	if (exam->hopeless) {
		report(exam, "module-file", FAILURE, NULL,
		       "there is no module \"shadow\" for kernel %s, and DKMS builds none",
		       exam->release);
		return;
	}
	if (!find_source(exam, version, sizeof(version))) {
		if (*exam->root && !exists(exam, "/usr/src")) {
			report(exam, "module-file", FAILURE,
			       "install the package shadowcopy-dkms if it is not there",
			       "there is no module \"shadow\" for kernel %s; whether DKMS has its "
			       "source was not recorded (/usr/src)", exam->release);
			return;
		}
		report(exam, "module-file", FAILURE,
		       "install the package shadowcopy-dkms, or run \"make install "
		       "KVER=$(uname -r)\" in the source",
		       "there is no module \"shadow\" for kernel %s, nor its source for DKMS",
		       exam->release);
		return;
	}
	if (!dkms_builds(exam, version)) {
		report(exam, "module-file", FAILURE,
		       "boot a kernel that is supported, or install a newer version of "
		       "shadowcopy-dkms",
		       "version %s of the module does not support kernel %s, so that DKMS passes "
		       "it over", version, exam->release);
		return;
	}
	if (!exists(exam, "/lib/modules/%s/build/Makefile", exam->release)) {
		snprintf(remedy, sizeof(remedy), "apt install linux-headers-%s (on Debian), which "
			 "builds it, too", exam->release);
		report(exam, "module-file", FAILURE, remedy,
		       "there is no module \"shadow\" for kernel %s: without the kernel's headers "
		       "DKMS could not build it", exam->release);
		return;
	}
	if (build_failed(exam, version)) {
		snprintf(remedy, sizeof(remedy), "see /var/lib/dkms/shadowcopy/%s/build/make.log, "
			 "then \"dkms install shadowcopy/%s -k %s\"", version, version,
			 exam->release);
		report(exam, "module-file", FAILURE, remedy,
		       "there is no module \"shadow\" for kernel %s: DKMS failed to build it",
		       exam->release);
		return;
	}
	snprintf(remedy, sizeof(remedy), "dkms install shadowcopy/%s -k %s", version,
		 exam->release);
	report(exam, "module-file", FAILURE, remedy,
	       "there is no module \"shadow\" for kernel %s: DKMS has its source, and did not "
	       "build it", exam->release);
}

static void check_module_file(struct examination *exam)
{
	char path[PATH_MAX];

	if (find_module(exam, path, sizeof(path))) {
		report(exam, "module-file", GOOD, NULL, "/lib/modules/%s/%s", exam->release, path);
	} else if (is_loaded(exam)) {
		report(exam, "module-file", NOTE,
		       "install it with DKMS, or \"make install KVER=$(uname -r)\"",
		       "the module is loaded, but not installed for this kernel: it is gone after the "
		       "next boot");
	} else {
		exam->missing = true;
		explain_missing(exam);
	}
}

static void check_headers(struct examination *exam)
{
	/* Of no use there. */
	if (exam->hopeless)
		return;
	if (exists(exam, "/lib/modules/%s/build/Makefile", exam->release))
		report(exam, "headers", GOOD, NULL, "kernel headers are installed");
	else
		report(exam, "headers", NOTE,
		       "install the headers package of this kernel (linux-headers-... on Debian)",
		       "there are no headers for kernel %s: DKMS cannot build the module for it",
		       exam->release);
}

/* Signed modules end in this text. */
static const char signature_magic[] = "~Module signature appended~\n";

/* Start @program with @argument, and read what it prints; NULL where that fails. */
static FILE *read_from(const char *program, const char *argument, pid_t *pid)
{
	char *const argv[] = { (char *)program, (char *)"-dc", (char *)argument, NULL };
	posix_spawn_file_actions_t actions;
	FILE *file = NULL;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!posix_spawnp(pid, program, &actions, NULL, argv, environ))
		file = fdopen(fds[0], "re");
	if (!file)
		close(fds[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	return file;
}

/* Does what @file has from here on end as a signed module does? */
static bool ends_signed(FILE *file)
{
	size_t length = strlen(signature_magic), have = 0, got;
	char buf[65536];

	while ((got = fread(buf + have, 1, sizeof(buf) - have, file)) > 0) {
		have += got;
		if (have > length) {
			memmove(buf, buf + have - length, length);
			have = length;
		}
	}
	return have == length && !memcmp(buf, signature_magic, length);
}

/* A module that modprobe decompresses is signed inside. */
static bool is_signed(const struct examination *exam, const char *name)
{
	static const struct {
		const char *suffix, *program;
	} packers[] = { { ".xz", "xz" }, { ".zst", "zstd" }, { ".gz", "gzip" } };
	const char *suffix = strrchr(name, '.') ?: "";
	char path[2 * PATH_MAX];
	FILE *file = NULL;
	bool found;
	pid_t pid = 0;
	size_t i;

	snprintf(path, sizeof(path), "%s/lib/modules/%s/%s", exam->root, exam->release, name);
	for (i = 0; i < ARRAY_SIZE(packers); i++)
		if (!strcmp(suffix, packers[i].suffix))
			file = read_from(packers[i].program, path, &pid);
	if (!pid)
		file = fopen(path, "re");
	if (!file)
		return false;
	found = ends_signed(file);
	fclose(file);
	if (pid)
		waitpid(pid, NULL, 0);
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

/*
 * Is the kernel locked down?  *@known: can that be told?  A file system that is not
 * mounted is not a kernel without lockdown.
 */
static bool is_locked(const struct examination *exam, bool *known)
{
	char line[128];

	*known = true;
	if (read_line(exam, "/sys/kernel/security/lockdown", line, sizeof(line)))
		return !strstr(line, "[none]");
	/* A kernel without security modules has no such directory. */
	*known = exists(exam, "/sys/kernel/security/lsm") ||
		 (!*exam->root && !exists(exam, "/sys/kernel/security"));
	return false;
}

static void check_signature(struct examination *exam)
{
	char path[PATH_MAX], line[128], why[128];
	bool enforced, locked, known;

	/* What does not exist needs no signature. */
	if (exam->hopeless)
		return;
	read_line(exam, "/sys/module/module/parameters/sig_enforce", line, sizeof(line));
	enforced = *line == 'Y' || *line == '1';
	locked = is_locked(exam, &known);

	if (!known && !enforced && !is_loaded(exam)) {
		report(exam, "signature", NOTE, *exam->root ? NULL :
		       "run \"mount -t securityfs none /sys/kernel/security\", then this again",
		       "whether the kernel takes unsigned modules is unknown: there is no "
		       "/sys/kernel/security/lockdown to be read");
		return;
	}
	if (is_loaded(exam) || (!enforced && !locked)) {
		report(exam, "signature", GOOD, NULL, "%s%s",
		       locked ? "the kernel is locked down" :
		       enforced ? "the kernel takes signed modules only" :
		       known ? "the kernel takes unsigned modules" :
		       "whether the kernel takes unsigned modules is unknown",
		       is_loaded(exam) && (enforced || locked || !known) ?
		       ", and the module is loaded" : "");
		return;
	}
	snprintf(why, sizeof(why), "%s%s%s", enforced ? "module.sig_enforce is on" : "",
		 enforced && locked ? ", " : "", locked ? "the kernel is locked down" : "");
	if (secure_boot(exam))
		strcat(why, ", Secure Boot is on");
	if (!find_module(exam, path, sizeof(path)))
		report(exam, "signature", NOTE, NULL,
		       "the kernel takes signed modules only (%s)", why);
	else if (is_signed(exam, path))
		report(exam, "signature", NOTE,
		       "if loading fails with \"Key was rejected\" or \"Required key not "
		       "available\", enroll the key with \"mokutil --import "
		       "/var/lib/dkms/mok.pub\" and reboot",
		       "the kernel takes signed modules only (%s), and the module is signed", why);
	else
		report(exam, "signature", FAILURE,
		       "sign the module with a key that the machine trusts (DKMS 3 signs: \"mokutil "
		       "--import /var/lib/dkms/mok.pub\", then reboot), or switch Secure Boot or "
		       "the enforcement off",
		       "the kernel takes signed modules only (%s), and this one is not signed",
		       why);
}

/* --- the kernel's configuration ------------------------------------------------------ */

static FILE *open_config(const struct examination *exam, pid_t *pid)
{
	FILE *file = open_file(exam, "/boot/config-%s", exam->release);

	*pid = 0;
	if (!file)
		file = open_file(exam, "/lib/modules/%s/config", exam->release);
	if (!file)
		file = open_file(exam, "/lib/modules/%s/build/.config", exam->release);
	if (!file && !*exam->root && exists(exam, "/proc/config.gz"))
		file = read_from("gzip", "/proc/config.gz", pid);
	return file;
}

/* Built in ways in which the module can see writes. */
static const char *const wanted_options[] = {
	"CONFIG_KALLSYMS", "CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE",
};

/* One of these is enough. */
static const char *const register_options[] = {
	"CONFIG_DYNAMIC_FTRACE_WITH_REGS", "CONFIG_DYNAMIC_FTRACE_WITH_ARGS",
};

/* With one of these, a page of memory is no block of 4 KiB. */
static const char *const page_options[] = {
	"CONFIG_ARM64_16K_PAGES", "CONFIG_ARM64_64K_PAGES",
};

struct config {
	bool modules;
	bool wanted[ARRAY_SIZE(wanted_options)];
	bool registers;
	const char *pages;
};

static bool sets(const char *line, const char *option)
{
	size_t length = strlen(option);

	return !strncmp(line, option, length) && !strncmp(line + length, "=y", 2);
}

/* False where the kernel's configuration is not to be found. */
static bool read_config(const struct examination *exam, struct config *config)
{
	char line[512];
	pid_t pid;
	FILE *file = open_config(exam, &pid);
	size_t i;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		config->modules |= sets(line, "CONFIG_MODULES");
		for (i = 0; i < ARRAY_SIZE(wanted_options); i++)
			config->wanted[i] |= sets(line, wanted_options[i]);
		for (i = 0; i < ARRAY_SIZE(register_options); i++)
			config->registers |= sets(line, register_options[i]);
		for (i = 0; i < ARRAY_SIZE(page_options); i++)
			if (sets(line, page_options[i]))
				config->pages = page_options[i];
	}
	fclose(file);
	if (pid)
		waitpid(pid, NULL, 0);
	return true;
}

/* --- the kernel ------------------------------------------------------------------------ */

static bool takes_modules(const struct examination *exam)
{
	struct config config = { 0 };

	if (!*exam->root)
		return exists(exam, "/proc/modules");
	return !read_config(exam, &config) || config.modules;
}

static void check_kernel(struct examination *exam)
{
	char path[PATH_MAX], series[64];

	list_series(series, sizeof(series));
	if (!takes_modules(exam)) {
		exam->hopeless = true;
		report(exam, "modules", FAILURE, "use a kernel with CONFIG_MODULES",
		       "the kernel was built to load no modules, so that no shadow can be made");
	}
	if (!*exam->release) {
		report(exam, "kernel", WARNING, NULL, "its release cannot be read");
	} else if (is_supported(exam->release)) {
		report(exam, "kernel", GOOD, NULL, "Linux %s", exam->release);
	} else if (is_loaded(exam) || find_module(exam, path, sizeof(path))) {
		snprintf(path, sizeof(path), "boot Linux %s", series);
		report(exam, "kernel", WARNING, path,
		       "Linux %s is not supported; the module for it was built by hand, and nobody "
		       "has tested it there", exam->release);
	} else {
		exam->hopeless = true;
		snprintf(path, sizeof(path), "boot Linux %s", series);
		report(exam, "kernel", FAILURE, path,
		       "Linux %s is not supported: DKMS passes it over; a module built by hand may "
		       "not compile, and nobody has tested it there", exam->release);
	}
}

static void check_config(struct examination *exam)
{
	struct config config = { 0 };
	bool good = true;
	size_t i;

	if (!read_config(exam, &config)) {
		report(exam, "config", NOTE, NULL,
		       "the kernel's configuration was not found; the checks below tell more");
		return;
	}
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
	if (config.pages) {
		good = false;
		report(exam, "config", FAILURE, "use a kernel with pages of 4 KiB",
		       "the kernel was built with %s, which the module does not support",
		       config.pages);
	}
	if (good)
		report(exam, "config", GOOD, NULL,
		       "the kernel was built with all that the hook needs");
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

	if (file || errno != ENOENT)
		return file;
	return open_file(exam, "/sys/kernel/debug/tracing/%s", name);
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
	char line[1024] = "";
	bool found, exclusive;
	FILE *file;

	if (exam->hopeless)
		return;
	file = open_tracing(exam, "enabled_functions");
	if (!file && (errno == EACCES || errno == EPERM)) {
		report(exam, "hook", NOTE, geteuid() ? "run it as root" : NULL,
		       "who else hooks the block layer cannot be seen: %s",
		       geteuid() ? "only root may look into tracefs" :
		       "the kernel is locked down and keeps tracefs shut");
		return;
	}
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
		report(exam, "loaded", WARNING,
		       exam->missing ? NULL : "load it with \"modprobe shadow\"",
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

	/* Without the module there is nothing to be found that was not said above. */
	if (*exam->root || (exam->missing && !exam->connected))
		return;
	if (exam->connected)
		report(exam, "control", GOOD, NULL, "/dev/" SHADOW_CONTROL_NAME
		       " answers: version %s, interface %u", exam->info.version,
		       exam->info.abi_version);
	else
		report(exam, "control", is_loaded(exam) ? FAILURE : WARNING,
		       !strstr(last->remedy, "modprobe") && *last->remedy ? last->remedy :
		       is_loaded(exam) ? "see whether /dev is a devtmpfs" : NULL,
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
	bool full = false, faulted = false;
	double percent;

	if (!exam->connected)
		return;
	while (shadowcopy_volume_next(exam->context->sc, &info) > 0) {
		if (info.flags & SHADOW_VOLUME_GONE)
			report(exam, "volumes", WARNING, "delete its shadows",
			       "the volume %s was removed", info.name);
		if (info.protect_fault) {
			faulted = true;
			report(exam, "faults", FAILURE, "make room, or set another policy; then "
			       "unmount it and run \"shadowadm volume clear-fault\"",
			       "all writes to %s fail, to protect its shadows: %s", info.name,
			       shadowcopy_protect_fault_text(info.protect_fault));
		}
		if (!info.store.max_bytes)
			continue;
		percent = 100.0 * info.store_used_bytes / info.store.max_bytes;
		if (percent < FULL_PERCENT)
			continue;
		full = true;
		report(exam, "store", WARNING,
		       "make it larger (\"shadowadm store resize\"), or delete what is not needed; "
		       "else its policy acts (\"shadowadm volume policy\")",
		       "the store of %s is filled to %.0f%%", info.name, percent);
	}
	if (!full)
		report(exam, "store", GOOD, NULL, "no store is nearly full");
	if (!faulted)
		report(exam, "faults", GOOD, NULL, "writes to all volumes pass");
}

/* A wrong line stops every command that needs the file. */
static void check_associations(struct examination *exam)
{
	struct shadowcopy_stores *stores;
	const struct shadowcopy_error *error;

	if (*exam->root)
		return;
	if (!shadowcopy_stores_open(exam->context->sc, 0, &stores)) {
		report(exam, "associations", GOOD, NULL, SHADOWCOPY_STORES_CONF " can be used");
		shadowcopy_stores_close(stores);
		return;
	}
	error = shadowcopy_last_error(exam->context->sc);
	report(exam, "associations", FAILURE, *error->remedy ? error->remedy : NULL, "%s: %s",
	       error->object, error->cause);
}

static void check_growth(struct examination *exam)
{
	struct shadow_store_info part = { 0 };
	struct shadowcopy_store store;
	bool failed = false;

	if (!exam->connected)
		return;
	while (shadowcopy_part_next(exam->context->sc, &part) > 0) {
		if (!(part.flags & SHADOW_PART_GROW_FAILED))
			continue;
		failed = true;
		shadowcopy_part_describe(exam->context->sc, &part, &store);
		report(exam, "growth", WARNING, "make room there, or give it another part "
		       "(\"shadowadm store add\")", "the store of %s could not grow on %s",
		       part.volume_name, *store.path ? store.path : "its filesystem");
	}
	if (!failed)
		report(exam, "growth", GOOD, NULL, "every store can grow that may");
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
	       "%u shadow%s: the module cannot be unloaded before they are deleted, or their "
	       "store is detached%s%s",
	       exam->info.shadows, exam->info.shadows == 1 ? " exists" : "s exist", names,
	       length < sizeof(names) - 32 ? "" : ", ...");
}

/* --- all of them ------------------------------------------------------------------------- */

static void (*const checks[])(struct examination *exam) = {
	check_root, check_kernel, check_module_file, check_headers, check_signature, check_config,
	check_ftrace, check_hook, check_rivals, check_loaded, check_control, check_udev,
	check_lost, check_stores, check_associations, check_growth, check_unload,
};

static int conclude(struct examination *exam)
{
	unsigned int failures = exam->verdicts[FAILURE], warnings = exam->verdicts[WARNING];
	json_t *document;
	int status = failures ? STATUS_FAILED : warnings ? STATUS_DEGRADED : STATUS_OK;

	if (!exam->context->json) {
		printf("\n%u failure%s, %u warning%s\n", failures, failures == 1 ? "" : "s",
		       warnings, warnings == 1 ? "" : "s");
		return fflush(stdout) ? STATUS_FAILED : status;
	}
	document = json_object();
	json_text(document, "verdict", failures ? "failure" : warnings ? "warning" : "ok");
	json_value(document, "checks", exam->results);
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
	if (*exam.root && !exists(&exam, "/"))
		return fail(context, "--sysroot %s: there is no such directory", exam.root);
	if (!read_line(&exam, "/proc/sys/kernel/osrelease", exam.release, sizeof(exam.release)) &&
	    !*exam.root && !uname(&uts))
		snprintf(exam.release, sizeof(exam.release), "%s", uts.release);
	exam.connected = !*exam.root && !shadowcopy_info(context->sc, &exam.info);
	if (context->json)
		exam.results = json_array();
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
		"      --sysroot DIR     examine what was recorded of another machine below\n"
		"                        DIR: its /proc, /sys, /lib, /boot, /run, /usr/src and\n"
		"                        /var/lib/dkms\n"
		COMMON_HELP,
	.run = run,
};
