// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadowd: the coordinator between requesters, writers and the module.
 *
 * Its socket comes from systemd, or it makes it.  All its memory is locked: while the root
 * filesystem is held no page of it can be read.
 *
 * With --idle it ends when nobody was connected for so long, and has no session left;
 * who connects then has systemd start it again.  So only with a socket of systemd's.
 */
#include <getopt.h>
#include <pwd.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shadowd.h"

#define SOCKET_PATH "/run/shadowcopy/shadowd.sock"
#define BROKEN_USEC 5000000ULL

static int fails(const char *what, int rc)
{
	fprintf(stderr, "<3>shadowd: %s: %s\n", what, strerror(-rc));
	return EXIT_FAILURE;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (!strcmp(path, SOCKET_PATH))
		(void)mkdir("/run/shadowcopy", 0755);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* One that answers is another shadowd's. */
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -EADDRINUSE;
	}
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0666) ||
	    listen(fd, 64)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* 0 and the socket, or the exit status. */
static int find_socket(const char *path, int *fd, bool *handed_over)
{
	int count = sd_listen_fds(1);

	*handed_over = count == 1;
	if (count > 1) {
		fprintf(stderr, "<3>shadowd: more than one socket was handed over\n");
		return EXIT_FAILURE;
	}
	*fd = count == 1 ? SD_LISTEN_FDS_START : listen_at(path);
	if (*fd == -EADDRINUSE) {
		fprintf(stderr, "<3>shadowd: another shadowd, or systemd for it, listens at %s\n",
			path);
		return EXIT_FAILURE;
	}
	return *fd < 0 ? fails(path, *fd) : 0;
}

/* Ends the loop once nobody was there for a whole interval. */
static int on_idle(sd_event_source *source, uint64_t now, void *data)
{
	static unsigned int connections = UINT_MAX;
	uint64_t *interval = data;

	if (clients_idle(&connections) && !sessions_left())
		return sd_event_exit(sd_event_source_get_event(source), 0);
	sd_event_source_set_time(source, now + *interval);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int watch_idle(sd_event *loop, uint64_t *interval)
{
	uint64_t now;
	int rc;

	if (!*interval)
		return 0;
	rc = sd_event_now(loop, CLOCK_MONOTONIC, &now);
	return rc < 0 ? rc : sd_event_add_time(loop, NULL, CLOCK_MONOTONIC, now + *interval,
					       *interval / 10, on_idle, interval);
}

/*
 * Without the module, or its channel, there is no coordinator.  Who had it started by connecting is
 * told so (B-08), and who comes until it ends; systemd would see it fail too often else, and listen
 * no more.
 */
static int run_broken(sd_event *loop, int listener, const struct shadowcopy *sc)
{
	static struct failure failure;
	uint64_t now;

	failure_of_library(&failure, sc);
	failure.code = "WRITER_INFRASTRUCTURE";
	snprintf(failure.phase, sizeof(failure.phase), "start");
	if (!*failure.object)
		snprintf(failure.object, sizeof(failure.object), "the module's channel");
	clients_fail(&failure);
	if (clients_init(loop, listener) >= 0 && sd_event_now(loop, CLOCK_MONOTONIC, &now) >= 0 &&
	    sd_event_add_time(loop, NULL, CLOCK_MONOTONIC, now + BROKEN_USEC, 0, NULL,
			      NULL) >= 0)
		sd_event_loop(loop);
	return EXIT_FAILURE;
}

static int run(int listener, bool handed_over, uint64_t idle_usec)
{
	struct shadowcopy *sc = NULL;
	sd_event *loop = NULL;
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = sd_event_default(&loop);
	if (rc >= 0)
		rc = sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL);
	if (rc >= 0)
		rc = sd_event_add_signal(loop, NULL, SIGINT, NULL, NULL);
	if (rc >= 0)
		rc = work_init(loop);
	if (rc < 0)
		return fails("the event loop", rc);
	if (shadowcopy_open(&sc)) {
		fprintf(stderr, "<3>shadowd: %s\n", shadowcopy_last_error(sc)->text);
		return handed_over ? run_broken(loop, listener, sc) : EXIT_FAILURE;
	}
	if (writers_init(loop, sc))
		return handed_over ? run_broken(loop, listener, sc) : EXIT_FAILURE;
	sessions_init();
	rc = clients_init(loop, listener);
	if (rc >= 0)
		rc = watch_idle(loop, &idle_usec);
	if (rc < 0)
		return fails("the socket", rc);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		log_line(4, "memory cannot be locked (%s): a set with the root filesystem can time "
			 "out", strerror(errno));
	sd_event_set_watchdog(loop, true);
	sd_notify(false, "READY=1");
	log_line(6, "shadowd %s is ready", shadowcopy_version());
	rc = sd_event_loop(loop);
	sd_notify(false, "STOPPING=1");
	log_flush();
	/* Sessions: the module tells their writers, and sets go with their descriptors. */
	writers_exit();
	shadowcopy_free(sc);
	sd_event_unref(loop);
	return rc < 0 ? fails("the event loop", rc) : rc;
}

static void help(void)
{
	puts("Usage: shadowd [--socket PATH] [--idle SECONDS] [--backups N] [--restores N]\n\n"
	     "The coordinator of shadow copies: brings applications to rest for the instant at\n"
	     "which shadows are made.  systemd starts it when somebody connects; see shadowd(8).\n\n"
	     "      --socket PATH  listen there, if systemd hands over no socket\n"
	     "                     (" SOCKET_PATH ")\n"
	     "      --idle SECONDS end when nobody was connected for so long; only with a socket\n"
	     "                     of systemd's, which starts it again\n"
	     "      --backups N    so many at a time (64); half of them of one user\n"
	     "      --restores N   so many at a time (8)\n"
	     "  -h, --help         this help\n"
	     "  -V, --version      the version");
}

static bool take_number(const char *option, const char *text, unsigned int min, unsigned int max,
			unsigned int *number)
{
	char end;

	if (sscanf(text, "%u%c", number, &end) == 1 && *number >= min && *number <= max)
		return true;
	fprintf(stderr, "shadowd: %s \"%s\": it is a number from %u to %u\n", option, text, min,
		max);
	return false;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "idle", required_argument, NULL, 'i' },
		{ "backups", required_argument, NULL, 'b' },
		{ "restores", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	const char *path = SOCKET_PATH;
	int option, listener, status;
	bool handed_over;
	unsigned int idle = 0, backups = 64, restores = 8;

	while ((option = getopt_long(argc, argv, "hV", longs, NULL)) != -1)
		switch (option) {
		case 's':
			path = optarg;
			break;
		case 'i':
			if (!take_number("--idle", optarg, 0, 86400, &idle))
				return 2;
			break;
		case 'b':
			if (!take_number("--backups", optarg, 1, 256, &backups))
				return 2;
			break;
		case 'r':
			if (!take_number("--restores", optarg, 1, 256, &restores))
				return 2;
			break;
		case 'h':
			help();
			return EXIT_SUCCESS;
		case 'V':
			printf("shadowd %s\n", shadowcopy_version());
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	if (optind < argc) {
		fprintf(stderr, "shadowd: \"%s\" is one argument too many\n", argv[optind]);
		return 2;
	}
	status = find_socket(path, &listener, &handed_over);
	if (!status && idle && !handed_over) {
		fprintf(stderr,
			"shadowd: --idle is for a socket of systemd's: nobody would start it "
			"again\n");
		return 2;
	}
	sessions_limit(backups, restores);
	return status ?: run(listener, handed_over, idle * 1000000ULL);
}
