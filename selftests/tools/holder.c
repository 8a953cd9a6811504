// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drive a set step by step, so that a test can do something between two steps:
 *
 *	holder [--timeout MS] [--auto-release] [--writable] [--persistent] [--context N]
 *		DEVICE [--store memory[:BYTES]|DEVICE[:BYTES]|FILE[:BYTES]] [--freeze]
 *		       [--no-shadow] [--only-held] ... -- STEP...
 *
 * Options after a device concern it: --freeze freezes the filesystem on it too,
 * --no-shadow does nothing but that, --only-held holds it without a shadow.  Shadows outlive the
 * program unless --auto-release is said.  Steps, in the order given:
 *
 *	add		add all devices, in the order given
 *	hold take release keep status
 *			the ioctl of that name
 *	print		what the set and its shadows are, as key=value lines
 *	exec:COMMAND	run a shell command; the step fails if it does
 *	sleep:SECONDS	may have a fraction
 *	pause		print "paused", and wait for SIGUSR1
 *	close		close the set's descriptor
 *	try:STEP	a failure of this step is printed, and does not end the program
 *
 * A failed ioctl prints "step=hold error=ETIMEDOUT phase=HOLD reason=TIMEOUT
 * dev=254:0" on standard error.  Exit status: 0, 1 if a step failed, 2 for
 * wrong use.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/shadow.h>
#include "store_spec.h"

struct device {
	const char *path;
	struct shadow_set_add add;
};

static struct device devices[SHADOW_MAX_FREEZE + 2];	/* room for one too many */
static unsigned int nr_devices;
static int control = -1, set = -1;
static sigset_t old_mask;

/* --- names -------------------------------------------------------------- */

static const char *const states[] = {
	NAME(SET, NEW), NAME(SET, HOLDING), NAME(SET, HELD), NAME(SET, FLIPPED),
	NAME(SET, TAKEN), NAME(SET, FAILED),
};

static const char *const shadow_states[] = {
	NAME(STATE, CREATED), NAME(STATE, LOST), NAME(STATE, DELETING),
};

static const char *uuid_text(const struct shadow_uuid *uuid)
{
	static char text[37];
	char *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     uuid->b[i]);
	return text;
}

/* --- arguments ---------------------------------------------------------- */

static struct device *last_device(void)
{
	if (!nr_devices)
		errx(2, "the option belongs after a device");
	return &devices[nr_devices - 1];
}

static void add_device(const char *path)
{
	struct device *d = &devices[nr_devices];

	if (nr_devices == ARRAY_SIZE(devices))
		errx(2, "too many devices");
	d->path = path;
	d->add.dev = dev_of(path);
	d->add.flags = SHADOW_ADD_SHADOW;
	nr_devices++;
}

/* Return: index of the first step. */
static int parse(int argc, char **argv, struct shadow_set_new *new)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "auto-release", no_argument, NULL, 'a' },
		{ "writable", no_argument, NULL, 'w' },
		{ "persistent", no_argument, NULL, 'p' },
		{ "context", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "freeze", no_argument, NULL, 'f' },
		{ "no-shadow", no_argument, NULL, 'n' },
		{ "only-held", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "-", options, NULL)) != -1) {
		switch (c) {
		case 1:
			add_device(optarg);
			break;
		case 't':
			new->timeout_ms = atoi(optarg);
			break;
		case 'a':
			new->flags &= ~SHADOW_SET_NO_AUTO_RELEASE;
			break;
		case 'w':
			new->flags |= SHADOW_SET_WRITABLE;
			break;
		case 'p':
			new->flags |= SHADOW_SET_PERSISTENT;
			break;
		case 'c':
			new->context = strtoul(optarg, NULL, 0);
			break;
		case 's':
			last_device()->add.store = store_of(optarg);
			break;
		case 'f':
			last_device()->add.flags |= SHADOW_ADD_FREEZE;
			break;
		case 'n':
			last_device()->add.flags &= ~SHADOW_ADD_SHADOW;
			break;
		case 'h':
			last_device()->add.flags &= ~SHADOW_ADD_SHADOW;
			last_device()->add.flags |= SHADOW_ADD_HOLD;
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc || strcmp(argv[optind - 1], "--"))
		errx(2, "usage: holder [OPTION...] DEVICE [OPTION...]... -- STEP...");
	return optind;
}

/* --- steps -------------------------------------------------------------- */

static int add_all(void)
{
	for (unsigned int i = 0; i < nr_devices; i++) {
		struct shadow_set_add add = devices[i].add;

		if (ioctl(set, SHADOW_IOC_SET_ADD, &add))
			return failed("add", &add.fault);
		devices[i].add.shadow = add.shadow;
		if (add.store.type == SHADOW_STORE_FILE)
			close(add.store.fd);	/* the module has its own */
	}
	return 0;
}

static int step_ioctl(const char *name, unsigned long command, struct shadow_set_step *step)
{
	memset(step, 0, sizeof(*step));
	return ioctl(set, command, step) ? failed(name, &step->fault) : 0;
}

static int print_shadow(unsigned int i)
{
	struct shadow_shadow_info info = { 0 };

	printf("volume%u=%s shadow%u=%s", i, devices[i].path, i,
	       uuid_text(&devices[i].add.shadow));
	while (!ioctl(control, SHADOW_IOC_SHADOW_NEXT, &info)) {
		__u64 cursor = info.cursor;

		if (!memcmp(&info.uuid, &devices[i].add.shadow, sizeof(info.uuid))) {
			printf(" image%u=/dev/shadow%u state%u=%s blocks%u=%llu ", i, info.index, i,
			       name_in(shadow_states, ARRAY_SIZE(shadow_states), info.state), i,
			       (unsigned long long)info.blocks);
			print_fault(stdout, &info.fault);
			break;
		}
		memset(&info, 0, sizeof(info));
		info.cursor = cursor;
	}
	putchar('\n');
	return 0;
}

static int print(void)
{
	struct shadow_set_step step;
	int code = step_ioctl("status", SHADOW_IOC_SET_STATUS, &step);

	if (code)
		return code;
	printf("set=%s state=%s volumes=%u held=%u hold_ns=%llu gate_ns=%llu error=%s ",
	       uuid_text(&step.set), name_in(states, ARRAY_SIZE(states), step.state),
	       step.volumes, step.held,
	       (unsigned long long)step.hold_ns, (unsigned long long)step.gate_ns,
	       step.fault.error ? strerrorname_np(step.fault.error) : "0");
	print_fault(stdout, &step.fault);
	putchar('\n');
	for (unsigned int i = 0; i < nr_devices; i++)
		if (devices[i].add.flags & SHADOW_ADD_SHADOW)
			print_shadow(i);
	return 0;
}

static int run(const char *command)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		sigprocmask(SIG_SETMASK, &old_mask, NULL);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (!status)
		return 0;
	fprintf(stderr, "step=exec status=%d command=%s\n",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), command);
	return -ECHILD;
}

static int pause_here(void)
{
	sigset_t usr1;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	puts("paused");
	sigwait(&usr1, &sig);
	return 0;
}

static int sleep_for(double seconds)
{
	struct timespec ts = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (time_t)seconds) * 1e9,
	};

	nanosleep(&ts, NULL);
	return 0;
}

static int do_step(const char *step)
{
	static const struct {
		const char *name;
		unsigned long command;
	} ioctls[] = {
		{ "hold", SHADOW_IOC_SET_HOLD },
		{ "take", SHADOW_IOC_SET_TAKE },
		{ "release", SHADOW_IOC_SET_RELEASE },
		{ "keep", SHADOW_IOC_SET_KEEP },
		{ "status", SHADOW_IOC_SET_STATUS },
	};
	struct shadow_set_step answer;

	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++)
		if (!strcmp(step, ioctls[i].name))
			return step_ioctl(step, ioctls[i].command, &answer);
	if (!strcmp(step, "add"))
		return add_all();
	if (!strcmp(step, "print"))
		return print();
	if (!strcmp(step, "pause"))
		return pause_here();
	if (!strcmp(step, "close"))
		return close(set);
	if (!strncmp(step, "exec:", 5))
		return run(step + 5);
	if (!strncmp(step, "sleep:", 6))
		return sleep_for(atof(step + 6));
	errx(2, "no such step: %s", step);
}

int main(int argc, char **argv)
{
	struct shadow_set_new new = { .flags = SHADOW_SET_NO_AUTO_RELEASE };
	sigset_t usr1;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &old_mask);
	i = parse(argc, argv, &new);

	control = open("/dev/" SHADOW_CONTROL_NAME, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(1, "/dev/" SHADOW_CONTROL_NAME);
	if (ioctl(control, SHADOW_IOC_SET_NEW, &new))
		err(1, "SHADOW_IOC_SET_NEW");
	set = new.fd;
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "mlockall");

	for (; i < argc; i++) {
		bool try = !strncmp(argv[i], "try:", 4);

		if (do_step(argv[i] + (try ? 4 : 0)) < 0 && !try)
			return 1;
	}
	return 0;
}
