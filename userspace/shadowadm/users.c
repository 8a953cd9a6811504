// SPDX-License-Identifier: GPL-2.0-only
/*
 * users.c - finds out who uses a shadow's device: mounts of all namespaces,
 * processes that have it open, devices stacked on it.
 *
 * It looks through /proc and /sys and can miss somebody who comes or goes at
 * the same time; it is for messages, not for decisions.
 */
#include <ctype.h>
#include <dirent.h>
#include <libmount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "users.h"

/* The image and its partitions: to use one of them is to use the shadow. */
#define DEVICES_MAX 129

struct search {
	struct shadow_dev devices[DEVICES_MAX];
	char paths[DEVICES_MAX][IMAGE_PATH_LEN];
	size_t count;
	user_fn *fn;
	void *data;
	size_t found;
};

static void report(struct search *search, const char *kind, const char *what, int pid)
{
	char file[64], command[64] = "";
	struct user user = { .kind = kind, .what = what, .pid = pid, .command = command };
	FILE *stream;

	if (pid) {
		snprintf(file, sizeof(file), "/proc/%d/comm", pid);
		stream = fopen(file, "re");
		if (stream && fgets(command, sizeof(command), stream))
			command[strcspn(command, "\n")] = '\0';
		if (stream)
			fclose(stream);
	}
	search->found++;
	if (search->fn)
		search->fn(search->data, &user);
}

/* --- the image and its partitions --------------------------------------------- */

static bool is_device(const struct search *search, dev_t devno)
{
	size_t i;

	for (i = 0; i < search->count; i++)
		if (search->devices[i].major == major(devno) &&
		    search->devices[i].minor == minor(devno))
			return true;
	return false;
}

static bool is_path(const struct search *search, const char *path)
{
	size_t i;

	for (i = 0; i < search->count; i++)
		if (!strcmp(search->paths[i], path))
			return true;
	return false;
}

/* Read "N", or with @second "N:N", from a file of an entry of a directory. */
static bool read_number(const char *dir, const char *entry, const char *file,
			unsigned int *first, unsigned int *second)
{
	char name[PATH_MAX];
	FILE *stream;
	int wanted = second ? 2 : 1, rc;

	snprintf(name, sizeof(name), "%s/%s/%s", dir, entry, file);
	stream = fopen(name, "re");
	if (!stream)
		return false;
	rc = second ? fscanf(stream, "%u:%u", first, second) : fscanf(stream, "%u", first);
	fclose(stream);
	return rc == wanted;
}

static void partitions_on(struct shadow_dev disk, partition_fn *fn, void *data)
{
	struct dirent **entries;
	struct shadow_dev dev;
	unsigned int number;
	char dir[64];
	int count, i;

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", disk.major, disk.minor);
	count = scandir(dir, &entries, NULL, versionsort);
	for (i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' && read_number(dir, name, "partition", &number, NULL) &&
		    read_number(dir, name, "dev", &dev.major, &dev.minor))
			fn(data, name, number, dev);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

void partitions_of(const struct shadow_shadow_info *shadow, partition_fn *fn, void *data)
{
	partitions_on(shadow->image, fn, data);
}

static void add_device(struct search *search, struct shadow_dev dev, const char *path)
{
	if (search->count == DEVICES_MAX)
		return;
	search->devices[search->count] = dev;
	snprintf(search->paths[search->count++], IMAGE_PATH_LEN, "%.*s", IMAGE_PATH_LEN - 1, path);
}

static void add_partition(void *data, const char *name, unsigned int number,
			  struct shadow_dev dev)
{
	char path[IMAGE_PATH_LEN];

	(void)number;
	snprintf(path, sizeof(path), "/dev/%.31s", name);
	add_device(data, dev, path);
}

static void begin_device(struct search *search, struct shadow_dev dev, const char *path,
			 user_fn *fn, void *data)
{
	search->count = 0;
	search->found = 0;
	search->fn = fn;
	search->data = data;
	add_device(search, dev, path);
	partitions_on(dev, add_partition, search);
}

static void begin(struct search *search, const struct shadow_shadow_info *shadow, user_fn *fn,
		  void *data)
{
	char path[IMAGE_PATH_LEN];

	begin_device(search, shadow->image, image_path(shadow, path), fn, data);
}

/* --- mounts ------------------------------------------------------------------ */

static bool is_image(const struct search *search, struct libmnt_fs *fs)
{
	dev_t devno = mnt_fs_get_devno(fs);
	const char *source = mnt_fs_get_source(fs);

	if (is_device(search, devno))
		return true;
	/* btrfs: the number is not the device's */
	return !major(devno) && source && is_path(search, source);
}

static void search_mounts(struct search *search, const char *mountinfo, int pid)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;

	if (table && iter && !mnt_table_parse_file(table, mountinfo))
		while (!mnt_table_next_fs(table, iter, &fs))
			if (is_image(search, fs))
				report(search, "mount", mnt_fs_get_target(fs) ?: "", pid);
	mnt_free_iter(iter);
	mnt_unref_table(table);
}

/* --- processes ----------------------------------------------------------------- */

static bool is_open_by(const struct search *search, const char *pid)
{
	char name[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *stream;

	snprintf(name, sizeof(name), "/proc/%s/fd", pid);
	stream = opendir(name);
	while (stream && !found && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "/proc/%s/fd/%s", pid, entry->d_name);
		found = !stat(name, &st) && S_ISBLK(st.st_mode) && is_device(search, st.st_rdev);
	}
	if (stream)
		closedir(stream);
	return found;
}

#define NAMESPACES_MAX 256

/* Namespaces already looked at; past the end some are looked at twice. */
struct namespaces {
	ino_t inodes[NAMESPACES_MAX];
	size_t count;
};

static bool is_new_namespace(struct namespaces *seen, const char *pid)
{
	char name[64];
	struct stat st;
	size_t i;

	snprintf(name, sizeof(name), "/proc/%s/ns/mnt", pid);
	if (stat(name, &st))
		return false;
	for (i = 0; i < seen->count; i++)
		if (seen->inodes[i] == st.st_ino)
			return false;
	if (seen->count < NAMESPACES_MAX)
		seen->inodes[seen->count++] = st.st_ino;
	return true;
}

static void search_processes(struct search *search)
{
	struct namespaces seen = { .count = 0 };
	struct dirent *entry;
	char name[64];
	DIR *stream;

	search_mounts(search, "/proc/self/mountinfo", 0);
	is_new_namespace(&seen, "self");
	stream = opendir("/proc");
	while (stream && (entry = readdir(stream))) {
		int pid = atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (is_new_namespace(&seen, entry->d_name)) {
			snprintf(name, sizeof(name), "/proc/%d/mountinfo", pid);
			search_mounts(search, name, pid);
		}
		if (pid != getpid() && is_open_by(search, entry->d_name))
			report(search, "open", "", pid);
	}
	if (stream)
		closedir(stream);
}

/* --- devices --------------------------------------------------------------------- */

static void search_holders(struct search *search, struct shadow_dev dev)
{
	char name[PATH_MAX];
	struct dirent *entry;
	DIR *stream;

	snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/holders", dev.major, dev.minor);
	stream = opendir(name);
	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.') {
			snprintf(name, sizeof(name), "/dev/%s", entry->d_name);
			report(search, "holder", name, 0);
		}
	if (stream)
		closedir(stream);
}

static void search_loops(struct search *search)
{
	char name[PATH_MAX], line[PATH_MAX];
	struct dirent *entry;
	DIR *stream;
	FILE *file;

	stream = opendir("/sys/block");
	while (stream && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, "loop", 4))
			continue;
		snprintf(name, sizeof(name), "/sys/block/%s/loop/backing_file", entry->d_name);
		file = fopen(name, "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(name, sizeof(name), "/dev/%s", entry->d_name);
			if (is_path(search, line))
				report(search, "loop", name, 0);
		}
		fclose(file);
	}
	if (stream)
		closedir(stream);
}

static size_t find_users(struct search *search)
{
	size_t i;

	search_processes(search);
	for (i = 0; i < search->count; i++)
		search_holders(search, search->devices[i]);
	search_loops(search);
	return search->found;
}

size_t users_of(const struct shadow_shadow_info *shadow, user_fn *fn, void *data)
{
	struct search search;

	begin(&search, shadow, fn, data);
	return find_users(&search);
}

static size_t users_of_volume(const struct shadowcopy_volume *volume, user_fn *fn, void *data)
{
	struct search search;

	begin_device(&search, volume->dev, volume->path, fn, data);
	return find_users(&search);
}

char *user_text(const struct user *user, char *buf, size_t size)
{
	if (!strcmp(user->kind, "open"))
		snprintf(buf, size, "open by %s (pid %d)", user->command, user->pid);
	else if (!strcmp(user->kind, "mount") && user->pid)
		snprintf(buf, size, "mounted on %s in the mount namespace of %s (pid %d)",
			 user->what, user->command, user->pid);
	else if (!strcmp(user->kind, "mount"))
		snprintf(buf, size, "mounted on %s", user->what);
	else
		snprintf(buf, size, "used by the device %s", user->what);
	return buf;
}

/* --- those who pass -------------------------------------------------------------- */

#define PASS_STEP_MS 50

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Is it udev, or what its rules run?  With systemd all have one control group. */
static bool is_udev(int pid)
{
	char name[64], line[PATH_MAX];
	bool found = false;
	FILE *stream;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	stream = fopen(name, "re");
	while (stream && !found && fgets(line, sizeof(line), stream))
		found = strstr(line, "udevd.service");
	if (stream)
		fclose(stream);
	return found;
}

static void stays(void *data, const struct user *user)
{
	bool *somebody = data;

	/* who has no name any more has ended while we looked */
	if (strcmp(user->kind, "open") || (*user->command && !is_udev(user->pid) &&
					   !strstr(user->command, "udev")))
		*somebody = true;
}

/* Nobody is seen: wait for a moment. */
static bool pass(struct context *context, const char *path, uint64_t begun)
{
	if (!context->waited_ms)
		progress(context, "%s is in use by nobody who can be seen, or by udev: waiting",
			 path);
	usleep(PASS_STEP_MS * 1000);
	context->waited_ms += now_ms() - begun;
	return true;
}

/* Busy with what passes by itself?  A revert is no user, and does not in a moment. */
static bool may_pass(const struct context *context, int rc)
{
	const struct shadowcopy_error *last = shadowcopy_last_error(context->sc);

	return rc == -EBUSY && context->waited_ms < USERS_PASS_MS &&
	       last->reason != SHADOW_REASON_REVERTING &&
	       last->reason != SHADOW_REASON_HALF_REVERTED;
}

bool users_pass(struct context *context, const struct shadow_shadow_info *shadow, int rc)
{
	char path[IMAGE_PATH_LEN];
	uint64_t begun = now_ms();
	bool somebody = false;

	if (!may_pass(context, rc))
		return false;
	users_of(shadow, stays, &somebody);
	return !somebody && pass(context, image_path(shadow, path), begun);
}

bool volume_users_pass(struct context *context, const struct shadowcopy_volume *volume, int rc)
{
	uint64_t begun = now_ms();
	bool somebody = false;

	if (!may_pass(context, rc))
		return false;
	users_of_volume(volume, stays, &somebody);
	return !somebody && pass(context, volume->path, begun);
}

size_t mounts_of(const struct shadow_shadow_info *shadow, user_fn *fn, void *data)
{
	struct search search;

	begin(&search, shadow, fn, data);
	search_mounts(&search, "/proc/self/mountinfo", 0);
	return search.found;
}

static void keep_mountpoint(void *data, const struct user *user)
{
	char **mountpoint = data;

	if (!*mountpoint)
		*mountpoint = strdup(user->what);
}

char *mountpoint_of(const struct shadow_shadow_info *shadow)
{
	char *mountpoint = NULL;

	mounts_of(shadow, keep_mountpoint, &mountpoint);
	return mountpoint;
}

size_t mounts_at(const char *target)
{
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	size_t count = 0;

	while (table && iter && !mnt_table_next_fs(table, iter, &fs))
		if (!strcmp(mnt_fs_get_target(fs) ?: "", target))
			count++;
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return count;
}

/* --- telling it -------------------------------------------------------------------- */

struct printing {
	char path[SHADOWCOPY_PATH_MAX];
	json_t *users;
};

static void print_user(void *data, const struct user *user)
{
	json_t *object = json_object();
	struct printing *printing = data;
	char text[PATH_MAX + 128];

	fprintf(stderr, "  %s is %s\n", printing->path, user_text(user, text, sizeof(text)));
	json_text(object, "kind", user->kind);
	json_text(object, "what", user->what);
	json_value(object, "pid", user->pid ? json_integer(user->pid) : NULL);
	json_text(object, "command", user->command);
	json_array_append_new(printing->users, object);
}

json_t *users_print(const struct shadow_shadow_info *shadow)
{
	struct printing printing = { .users = json_array() };

	image_path(shadow, printing.path);
	if (!users_of(shadow, print_user, &printing))
		fprintf(stderr, "  who uses %s cannot be seen from here\n", printing.path);
	return printing.users;
}

json_t *volume_users_print(const struct shadowcopy_volume *volume)
{
	struct printing printing = { .users = json_array() };

	snprintf(printing.path, sizeof(printing.path), "%s", volume->path);
	if (!users_of_volume(volume, print_user, &printing))
		fprintf(stderr, "  who uses %s cannot be seen from here\n", printing.path);
	return printing.users;
}
