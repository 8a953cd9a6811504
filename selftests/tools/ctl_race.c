// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everybody at once:
 *
 *	ctl_race SECONDS [--seed N] a=DEVICE b=DEVICE file=PATH
 *
 * Two threads give random commands to one set's descriptor, a third makes copies of
 * it, closes them, and from time to time puts another set in its place.  Two more
 * have a set each and compete for the instant.  One writes to a file on @a, one
 * reads the lists and deletes what it finds.  One keeps bases, drops them, compares any two and
 * lets the volumes be tracked no more.  Holds are short, some end by their
 * timer.  Afterwards nothing may be held and no shadow and no volume be left.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include "ctl_case.h"

#define PATIENCE 60	/* seconds that the end may take */

static struct shadow_dev devices[2];
static unsigned long seed;
static atomic_bool over;
static int shared = -1;		/* the set's descriptor: its number stays the same */

enum { COMMANDS, TAKEN, EXPIRED, COPIES, SETS, COMPETED, WRITTEN, DELETED, KEPT, COMPARED,
       COUNTERS };

static const char *const counter_names[] = {
	"commands", "shared sets taken", "holds expired", "copies closed", "sets replaced",
	"competitors' sets taken", "writes", "shadows deleted", "bases kept", "bases compared",
};

static atomic_ulong counters[COUNTERS];

static void count(unsigned int which)
{
	atomic_fetch_add(&counters[which], 1);
}

/* A number below @n of a thread's own sequence. */
static unsigned int below(uint64_t *state, unsigned int n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % n;
}

/* An errno that the documentation allows; anything else is a finding. */
static void judge(int code, const char *what)
{
	static const int known[] = {
		0, EBADFD, EEXIST, EINVAL, ETIMEDOUT, EBUSY, EDQUOT, ENOENT, ENOMEM,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (code == known[i])
			return;
	result(false, "%s: %s", what, code_name(code));
}

static int add(int set, uint64_t *random)
{
	bool held = !below(random, 4);
	struct shadow_set_add arg = adding(devices[below(random, 2)],
					   held ? SHADOW_ADD_HOLD : SHADOW_ADD_SHADOW,
					   !held && below(random, 2) ? "memory" : NULL);

	arg.flags |= below(random, 4) ? SHADOW_ADD_FREEZE : 0;
	arg.reserved0 = !below(random, 16);
	return ioctl(set, SHADOW_IOC_SET_ADD, &arg) ? errno : 0;
}

static void *commander(void *arg)
{
	static const struct {
		unsigned long number;
		const char *name;
	} steps[] = {
		{ SHADOW_IOC_SET_HOLD, "SET_HOLD" }, { SHADOW_IOC_SET_TAKE, "SET_TAKE" },
		{ SHADOW_IOC_SET_RELEASE, "SET_RELEASE" }, { SHADOW_IOC_SET_KEEP, "SET_KEEP" },
		{ SHADOW_IOC_SET_STATUS, "SET_STATUS" },
	};
	uint64_t random = seed + (uintptr_t)arg;

	while (!over) {
		struct shadow_set_step step;
		unsigned int i = below(&random, ARRAY_SIZE(steps) + 2);
		int code;

		count(COMMANDS);
		if (i >= ARRAY_SIZE(steps)) {
			judge(add(shared, &random), "SET_ADD");
			continue;
		}
		code = set_step(shared, steps[i].number, &step);
		judge(code, steps[i].name);
		if (code == ETIMEDOUT)
			count(EXPIRED);
		if (!code && step.state == SHADOW_SET_TAKEN &&
		    (steps[i].number == SHADOW_IOC_SET_TAKE ||
		     steps[i].number == SHADOW_IOC_SET_RELEASE))
			count(TAKEN);
		if (!below(&random, 8))
			usleep(below(&random, 20000));
	}
	return NULL;
}

static void *copier(void *arg)
{
	uint64_t random = seed + (uintptr_t)arg;

	while (!over) {
		int copies[8];

		for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
			copies[i] = fcntl(shared, F_DUPFD_CLOEXEC, 0);
		if (!below(&random, 6)) {
			int next = set_new(0, 20 + below(&random, 400));

			dup2(next, shared);	/* the old one lives as long as its copies */
			close(next);
			count(SETS);
		}
		usleep(below(&random, 30000));
		for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
			close(copies[i]);
			count(COPIES);
		}
	}
	return NULL;
}

static void *compete(void *arg)
{
	uint64_t random = seed + (uintptr_t)arg;

	while (!over) {
		int set = set_new(0, 50 + below(&random, 1000));
		int code;

		judge(add(set, &random), "a competitor's SET_ADD");
		code = set_step(set, SHADOW_IOC_SET_HOLD, NULL);
		judge(code, "a competitor's SET_HOLD");
		usleep(below(&random, 60000));
		if (!code)
			code = set_step(set, SHADOW_IOC_SET_TAKE, NULL);
		if (!code && below(&random, 3))
			code = set_step(set, SHADOW_IOC_SET_RELEASE, NULL);
		judge(code, "a competitor's set");
		if (!code)
			count(COMPETED);
		close(set);
	}
	return NULL;
}

/* Never fails, however often it is frozen. */
static void *writer(void *arg)
{
	static char buffer[4096];
	int fd = open(role("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint64_t random = seed + (uintptr_t)arg;

	if (fd < 0)
		err(2, "%s", role("file"));
	while (!over) {
		off_t at = below(&random, 256) * sizeof(buffer);

		if (pwrite(fd, buffer, sizeof(buffer), at) != sizeof(buffer) || fdatasync(fd))
			result(false, "writing: %s", code_name(errno));
		count(WRITTEN);
	}
	close(fd);
	return NULL;
}

/* Return: how many there are still. */
static unsigned int delete_all(void)
{
	struct shadow_shadow_info info = { 0 };
	unsigned int left = 0;

	while (!ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info)) {
		struct shadow_delete delete = { .uuid = info.uuid, .kind = SHADOW_KIND_SHADOW };
		__u64 cursor = info.cursor;

		if (!ioctl(control, SHADOW_IOC_DELETE, &delete))
			count(DELETED);
		else
			judge(errno, "DELETE");
		left++;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	return left;
}

static unsigned int volumes(void)
{
	struct shadow_volume_info info = { 0 };
	unsigned int n = 0;

	while (!ioctl(control, SHADOW_IOC_VOLUME_NEXT, &info)) {
		__u64 cursor = info.cursor;

		n++;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	return n;
}

static void *deleter(void *arg)
{
	uint64_t random = seed + (uintptr_t)arg;

	while (!over) {
		delete_all();
		volumes();
		usleep(below(&random, 50000));
	}
	return NULL;
}

/* The bases there are, up to @max.  Return: how many. */
static unsigned int list_bases(struct shadow_uuid *uuid, unsigned int max)
{
	struct shadow_base_info info = { 0 };
	unsigned int n = 0;

	while (n < max && !ioctl(control, SHADOW_IOC_BASE_NEXT, &info)) {
		__u64 cursor = info.cursor;

		uuid[n++] = info.uuid;
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	return n;
}

static int change_base(struct shadow_uuid uuid, unsigned int flags)
{
	struct shadow_base base = { .uuid = uuid, .flags = flags };

	return ioctl(control, SHADOW_IOC_BASE_CHANGE, &base) ? errno : 0;
}

static int untrack(struct shadow_dev dev)
{
	struct shadow_volume_track track = { .dev = dev };

	return ioctl(control, SHADOW_IOC_VOLUME_UNTRACK, &track) ? errno : 0;
}

static int compare(struct shadow_uuid since, struct shadow_uuid shadow)
{
	struct shadow_run run[16];
	struct shadow_map map = {
		.since = since, .shadow = shadow, .runs = (uintptr_t)run, .count = 16,
		.want = SHADOW_RUN_CHANGED | SHADOW_RUN_FREE | SHADOW_RUN_WAS_FREE |
			SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN,
	};
	int code = ioctl(control, SHADOW_IOC_MAP, &map) ? errno : 0;

	/* gone, forgotten, of two volumes: any of that */
	return code == ENODATA || code == EXDEV ? 0 : code;
}

static void *comparer(void *arg)
{
	uint64_t random = seed + (uintptr_t)arg;
	struct shadow_uuid uuid[32];

	while (!over) {
		unsigned int n = list_bases(uuid, ARRAY_SIZE(uuid)), i, j;

		usleep(below(&random, 20000));
		if (!n)
			continue;
		i = below(&random, n);
		if (below(&random, 3))
			judge(change_base(uuid[below(&random, n)], SHADOW_BASE_DROP), "dropping");
		else if (!change_base(uuid[i], SHADOW_BASE_KEEP))
			count(KEPT);
		for (j = i; j < n; j++) {
			judge(compare(uuid[i], uuid[j]), "MAP");
			count(COMPARED);
		}
		judge(untrack(devices[below(&random, 2)]), "VOLUME_UNTRACK");
	}
	return NULL;
}

static void drop_all(void)
{
	struct shadow_uuid uuid[64];
	unsigned int n = list_bases(uuid, ARRAY_SIZE(uuid));

	for (unsigned int i = 0; i < n; i++)
		change_base(uuid[i], SHADOW_BASE_DROP);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		judge(untrack(devices[i]), "VOLUME_UNTRACK");
}

static void stuck(int sig)
{
	static const char text[] = "not ok somebody waits for ever\n";

	(void)sig;
	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) < 0 ? 3 : 1);
}

static void nothing_left(void)
{
	struct shadow_info info;
	unsigned int tries = 0;

	do {
		wait_for_udev();	/* which opens images */
		delete_all();
		drop_all();
		memset(&info, 0, sizeof(info));
		if (ioctl(control, SHADOW_IOC_INFO, &info))
			err(2, "SHADOW_IOC_INFO");
	} while ((info.shadows || info.volumes) && ++tries < 20);
	result(!info.shadows && !info.volumes && !info.hooked, "nothing is left");
	if (info.shadows || info.volumes)
		printf("# %u shadows, %u volumes\n", info.shadows, info.volumes);
}

int main(int argc, char **argv)
{
	static void *(*const threads[])(void *arg) = {
		commander, commander, copier, compete, compete, writer, deleter, comparer,
	};
	pthread_t thread[ARRAY_SIZE(threads)];
	int seconds;

	if (argc < 3)
		errx(2, "usage: ctl_race SECONDS [--seed N] NAME=DEVICE...");
	seconds = atoi(argv[1]);
	roles = argv + 2;
	seed = time(NULL);
	if (!strcmp(argv[2], "--seed") && argc > 3) {
		seed = strtoul(argv[3], NULL, 0);
		roles += 2;
	}
	printf("# seed %lu\n", seed);
	open_control();
	devices[0] = role_dev("a");
	devices[1] = role_dev("b");
	shared = set_new(0, 200);
	signal(SIGALRM, stuck);
	alarm(seconds + PATIENCE);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&thread[i], NULL, threads[i], (void *)(i + 1)))
			errx(2, "pthread_create");
	sleep(seconds);
	over = true;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(thread[i], NULL);
	close(shared);
	for (size_t i = 0; i < COUNTERS; i++) {
		if (i == EXPIRED)	/* as it happens */
			printf("# %lu %s\n", counters[i], counter_names[i]);
		else
			result(counters[i], "%lu %s", counters[i], counter_names[i]);
	}
	nothing_left();
	return failures ? 1 : 0;
}
