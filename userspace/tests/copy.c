// SPDX-License-Identifier: GPL-2.0-only
/*
 * copy.c - files as shadow-betest copies them: names of one file, and who changes a directory
 * meanwhile.
 */
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../betest/betest.h"
#include "../betest/copy.h"
#include "test.h"

int test_count, test_failures;

static struct context context = { .program = "copy", .quiet = true };
static char top[64] = "/tmp/copy-test.XXXXXX";
static char places[16][96];

/* Of a file in the scratch directory. */
static const char *at(const char *name)
{
	static unsigned int next;
	char *place = places[next++ % 16];

	snprintf(place, sizeof(places[0]), "%s/%s", top, name);
	return place;
}

static void put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		abort();
}

static bool has(const char *name, const char *text)
{
	char got[64] = "";
	int fd = open(at(name), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, got, sizeof(got) - 1) < 0)
		abort();
	close(fd);
	return !strcmp(got, text);
}

static bool make(const char *from, const char *to, struct links *links)
{
	return !copy_make(&context, at(from), at(to), (struct parts){ 0 }, links, NULL);
}

static struct stat of(const char *name)
{
	struct stat st = { 0 };

	(void)lstat(at(name), &st);
	return st;
}

/* --- who has the directory puts something else there ------------------------- */

static const char *swapped, *by;
static mode_t seen_mode;	/* of "restored", when something was made in it */

int __wrap_fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags);
int __real_fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags);
int __wrap_fchownat(int fd, const char *path, uid_t uid, gid_t gid, int flags)
{
	int rc = __real_fchownat(fd, path, uid, gid, flags);

	if (swapped && (rename(at(swapped), at("away")) || symlink(at(by), at(swapped))))
		abort();
	swapped = NULL;
	if (!seen_mode)
		seen_mode = of("restored").st_mode & 07777;
	return rc;
}

static void test_swapped(void)
{
	put("tool", "a");
	put("victim", "b");
	(void)chmod(at("tool"), 04755);
	(void)chmod(at("victim"), 0600);
	swapped = "new";
	by = "victim";
	make("tool", "new", NULL);
	CHECK((of("victim").st_mode & 07777) == 0600, "a mode goes to what was made");
	CHECK((of("away").st_mode & 07777) == 04755, "wherever that is by now");
}

/* --- names of one file ------------------------------------------------------- */

static void test_names(void)
{
	struct links links = { 0 };

	put("one", "data");
	if (link(at("one"), at("two")))
		abort();
	CHECK(make("one", "copy-one", &links) && make("two", "copy-two", &links) &&
	      of("copy-one").st_ino == of("copy-two").st_ino, "names of one file are that");
	unlink(at("copy-one"));
	unlink(at("copy-two"));
	CHECK(make("one", "copy-one", &links) && has("copy-one", "data"),
	      "a file that is taken again is taken, whatever names it has");
	(void)rename(at("copy-one"), at("in-place"));
	CHECK(make("two", "copy-two", &links) && has("copy-two", "data"),
	      "so is one whose other name was renamed");
	(void)rename(at("copy-two"), at("in-place-too"));
	put("copy-two", "somebody's");
	CHECK(make("one", "three", &links) && has("three", "data"),
	      "what has that name by now is not taken for it");
	CHECK(make("two", "four", &links) && of("three").st_ino == of("four").st_ino,
	      "and what is made then is known by its own");
	links_clear(&links);
}

/* --- kinds ------------------------------------------------------------------- */

static void test_kinds(void)
{
	char target[8] = "";
	struct parts part = { &(struct shadowcopy_range){ 0, 1 }, 1 };

	if (symlink("nowhere", at("link")) || mkdir(at("directory"), 0710) ||
	    mkfifo(at("fifo"), 0600) || chmod(at("fifo"), 0620))
		abort();
	CHECK(make("link", "link-copy", NULL) &&
	      readlink(at("link-copy"), target, sizeof(target)) == 7 &&
	      of("link-copy").st_mtim.tv_sec == of("link").st_mtim.tv_sec,
	      "a symbolic link is copied");
	CHECK(make("directory", "directory-copy", NULL) &&
	      (of("directory-copy").st_mode & 07777) == 0710, "a directory");
	(void)chmod(at("directory"), 0700);
	CHECK(make("directory", "directory-copy", NULL) &&
	      (of("directory-copy").st_mode & 07777) == 0700, "also where it is there");
	CHECK(make("fifo", "fifo-copy", NULL) && S_ISFIFO(of("fifo-copy").st_mode) &&
	      (of("fifo-copy").st_mode & 07777) == 0620, "what is special");
	CHECK(copy_parts(&context, at("one"), part, at("fifo"), part, false) &&
	      copy_parts(&context, at("fifo"), part, at("one"), part, false),
	      "for parts of files nothing else is waited for");
	CHECK(copy_attributes(&context, at("directory"), at("one")),
	      "attributes of one kind are not for another");
	if (!setxattr(at("one"), "user.test", "x", 1, 0))
		CHECK(make("one", "attributes", NULL) &&
		      lgetxattr(at("attributes"), "user.test", target, 1) == 1,
		      "extended attributes are copied");
}

/* --- a restore --------------------------------------------------------------- */

int betest_run(struct betest *test, const char *command)
{
	(void)test;
	(void)command;
	return 0;
}

const char *betest_variable(void *data, const char *name)
{
	(void)data;
	(void)name;
	return NULL;
}

static uint32_t became;

static int finish(struct betest *test, const struct shadowcopy_restore_plan *plan,
		  const struct outcome *outcomes, void *data)
{
	(void)test;
	(void)plan;
	(void)data;
	became = outcomes[0].status;
	return STATUS_OK;
}

/* A directory that only its owner can enter, and a file in it that all can read. */
static void restore(uint32_t kind)
{
	struct shadowcopy_restore_file files[] = {
		{ .path = "/private", .kind = SHADOWCOPY_ITEM_DIRECTORY,
		  .destination = at("restored") },
		{ .path = "/private/file", .kind = SHADOWCOPY_ITEM_FILE,
		  .destination = at("restored/file") },
	}, *list[] = { &files[0], &files[1] };
	struct shadowcopy_restore_part part = { .files = list, .file_count = 2 },
				       *parts[] = { &part };
	struct shadowcopy_restore_step step = { .kind = kind, .part = &part }, *steps[] = { &step };
	const struct shadowcopy_restore_plan plan = {
		.parts = parts, .part_count = 1, .steps = steps, .step_count = 1,
	};
	struct betest test = { .context = &context, .state = at("state") };

	seen_mode = 0;
	carry_out(&test, &plan, at("backup"), finish, NULL);
}

static void test_directories(void)
{
	struct betest test = { .context = &context, .state = at("state") };

	if (mkdir(at("backup"), 0700) || mkdir(at("backup/data"), 0700) ||
	    mkdir(at("backup/data/private"), 0710))
		abort();
	put("backup/data/private/file", "secret");
	restore(SHADOWCOPY_RESTORE_STEP_COPY);
	CHECK(became == SHADOWCOPY_STATUS_ALL && has("restored/file", "secret") &&
	      (of("restored").st_mode & 07777) == 0710, "a directory is restored, with its mode");
	CHECK(seen_mode == 0700, "which it does not exceed until then");
	unlink(at("restored/file"));
	rmdir(at("restored"));
	restore(SHADOWCOPY_RESTORE_STEP_STAGE);
	CHECK(became == SHADOWCOPY_STATUS_ALL && !has("restored/file", "secret") &&
	      (of("restored").st_mode & 07777) == 0710,
	      "so it is where its files come at the next boot");
	CHECK(!betest_boot(&test) && has("restored/file", "secret"), "which they do");
}

int main(void)
{
	char command[96];

	puts("KTAP version 1");
	context.sc = shadowcopy_new();
	if (!mkdtemp(top) || !context.sc)
		abort();
	setlinebuf(stdout);
	alarm(60);
	test_swapped();
	test_names();
	test_kinds();
	test_directories();
	snprintf(command, sizeof(command), "rm -rf %s", top);
	if (system(command))
		abort();
	shadowcopy_free(context.sc);
	printf("1..%d\n", test_count);
	return test_failures ? 1 : 0;
}
