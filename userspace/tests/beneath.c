// SPDX-License-Identifier: GPL-2.0-only
/*
 * beneath.c - tests of opening below a directory, with openat2() and without it, as before
 * Linux 5.6 and in sandboxes: both refuse the same.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/beneath.h"
#include "test.h"

/* The same source again, where the system call is not known. */
#undef SYS_openat2
#define SYS_openat2 -1
#define sc_open_beneath open_by_steps
#define sc_open_file_beneath open_file_by_steps
#undef SHADOWCOPY_BENEATH_H
#include "../lib/beneath.h"
#include "../lib/beneath.c"
#undef sc_open_beneath
#undef sc_open_file_beneath

static char top[64];

static const char *at(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, name);
	return path[turn];
}

static void make_tree(void)
{
	strcpy(top, "/tmp/shadowcopy-beneath.XXXXXX");
	if (!mkdtemp(top))
		return;
	mkdir(at("root"), 0700);
	mkdir(at("root/in"), 0700);
	mkdir(at("out"), 0700);
	close(open(at("root/in/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(open(at("out/secret"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	mkfifo(at("root/fifo"), 0600);
	if (symlink(at("out"), at("root/far")) || symlink("in", at("root/near")) ||
	    symlink("/", at("root/top")) || symlink("../out/secret", at("root/link")) ||
	    symlink("/proc/self", at("root/magic")))
		puts("# no symbolic links");
}

/* 0 where it is opened, else the error; ENOTDIR and ELOOP both say that a link is no directory. */
static int outcome(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : fd == -ENOTDIR ? -ELOOP : fd;
}

static void opening(void)
{
	static const struct {
		const char *path;
		int flags;
		int code;
		const char *what;
	} rows[] = {
		{ "", O_RDONLY | O_DIRECTORY, 0, "the directory itself" },
		{ "in", O_RDONLY | O_DIRECTORY, 0, "one in it" },
		{ "in/file", O_RDONLY, 0, "a file" },
		{ "in/none", O_RDONLY, -ENOENT, "what is not there" },
		{ "link", O_PATH, 0, "a symbolic link itself" },
		{ "link", O_RDONLY, -ELOOP, "but not what it leads to" },
		{ "far", O_RDONLY | O_DIRECTORY, -ELOOP, "no link that leads out" },
		{ "near", O_RDONLY | O_DIRECTORY, -ELOOP, "nor one that leads to a neighbour" },
		{ "far/secret", O_RDONLY, -ELOOP, "nothing behind a link" },
		{ "near/file", O_RDONLY, -ELOOP, "wherever it leads" },
		{ "top/etc", O_PATH, -ELOOP, "not to the root" },
		{ "magic/root/etc", O_PATH, -ELOOP, "not through /proc" },
		{ "in/file/x", O_PATH, -ELOOP, "nothing below a file" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int quick = outcome(sc_open_beneath(at("root"), rows[i].path, rows[i].flags));
		int steps = outcome(open_by_steps(at("root"), rows[i].path, rows[i].flags));

		if (quick != rows[i].code || steps != rows[i].code)
			printf("# openat2: %d, by steps: %d\n", quick, steps);
		CHECK(quick == rows[i].code && steps == rows[i].code, rows[i].what);
	}
	CHECK(outcome(open_by_steps(at("none"), "in", O_PATH)) == -ENOENT,
	      "the root has to be there");
}

static void files(void)
{
	CHECK(!outcome(sc_open_file_beneath(at("root"), "in/file")) &&
	      !outcome(open_file_by_steps(at("root"), "in/file")), "a regular file is opened");
	CHECK(sc_open_file_beneath(at("root"), "fifo") == -EMEDIUMTYPE &&
	      sc_open_file_beneath(at("root"), "in") == -EMEDIUMTYPE &&
	      sc_open_file_beneath(at("root"), "link") == -EMEDIUMTYPE &&
	      open_file_by_steps(at("root"), "fifo") == -EMEDIUMTYPE,
	      "and nothing else, nor does it wait for a writer");
}

void test_beneath(void)
{
	char command[128];

	make_tree();
	opening();
	files();
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	if (system(command))
		puts("# the tree is left");
}
