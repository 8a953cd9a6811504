// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadow-writer-mariadb: brings a MariaDB or MySQL server to rest for the instant of
 * a shadow.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mariadb.h"

enum {
	DEFAULTS_FILE = 256, SOCKET, USER, INSTANCE, DATADIR, UNIT, METHOD, LOCK_WAIT, PREPARE,
	FREEZE,
};

static void help(void)
{
	puts("Usage: shadow-writer-mariadb [OPTIONS]\n\n"
	     "Bring a MariaDB or MySQL server to rest for the instant of a shadow copy.\n\n"
	     "      --defaults-file FILE  read connection options from FILE only\n"
	     "      --socket PATH         the server's socket\n"
	     "      --user NAME           connect as NAME\n"
	     "      --instance NAME       the server is one of several\n"
	     "      --datadir DIR         its data, until it was asked (/var/lib/mysql)\n"
	     "      --unit UNIT           its unit (mariadb.service or mariadb@NAME.service)\n"
	     "      --lock-wait SECONDS   longest wait for running statements at freeze (5)\n"
	     "      --prepare SECONDS     the same while it is prepared (600)\n"
	     "      --freeze SECONDS      longest freeze (60)\n"
	     "      --method METHOD       backup-stage, instance-lock or read-lock; else the first\n"
	     "                            of them that the server knows\n"
	     "  -h, --help                this help\n"
	     "  -V, --version             the version\n\n"
	     "It runs until SIGTERM.  See shadow-writer-mariadb(8) for the rights that it needs.");
}

static unsigned int number(const char *option, const char *text, unsigned int min,
			   unsigned int max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= min && value <= max)
		return value;
	fprintf(stderr, "shadow-writer-mariadb: --%s \"%s\": has to be a number from %u to %u\n",
		option, text, min, max);
	exit(2);
}

static const char *method(const char *name)
{
	if (rest_method(name))
		return name;
	fprintf(stderr, "shadow-writer-mariadb: --method \"%s\": there are backup-stage, "
		"instance-lock and read-lock\n", name);
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "defaults-file", required_argument, NULL, DEFAULTS_FILE },
		{ "socket", required_argument, NULL, SOCKET },
		{ "user", required_argument, NULL, USER },
		{ "instance", required_argument, NULL, INSTANCE },
		{ "datadir", required_argument, NULL, DATADIR },
		{ "unit", required_argument, NULL, UNIT },
		{ "method", required_argument, NULL, METHOD },
		{ "lock-wait", required_argument, NULL, LOCK_WAIT },
		{ "prepare", required_argument, NULL, PREPARE },
		{ "freeze", required_argument, NULL, FREEZE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "hV", longs, NULL)) != -1)
		switch (option) {
		case DEFAULTS_FILE:
			o->defaults_file = optarg;
			break;
		case SOCKET:
			o->socket = optarg;
			break;
		case USER:
			o->user = optarg;
			break;
		case INSTANCE:
			o->instance = optarg;
			break;
		case DATADIR:
			o->datadir = optarg;
			break;
		case UNIT:
			o->unit = optarg;
			break;
		case METHOD:
			o->method = method(optarg);
			break;
		case LOCK_WAIT:
			o->lock_wait_s = number("lock-wait", optarg, 1, 60);
			break;
		case PREPARE:
			o->prepare_s = number("prepare", optarg, 1, 3600);
			break;
		case FREEZE:
			o->freeze_s = number("freeze", optarg, 5, 600);
			break;
		case 'h':
			help();
			exit(EXIT_SUCCESS);
		case 'V':
			puts("shadow-writer-mariadb " SHADOWCOPY_VERSION);
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	if (optind < argc) {
		fprintf(stderr, "shadow-writer-mariadb: \"%s\": see --help\n", argv[optind]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.datadir = "/var/lib/mysql", .lock_wait_s = 5, .prepare_s = 600, .freeze_s = 60,
	};
	char unit[192] = "mariadb.service";
	struct shadowcopy *sc;
	struct writer *w;
	int status;

	parse(&options, argc, argv);
	if (options.instance)
		snprintf(unit, sizeof(unit), "mariadb@%s.service", options.instance);
	options.unit = options.unit ?: unit;
	writer_block_signals();
	sc = shadowcopy_new();
	if (!sc) {
		writer_log(3, "there is not enough memory");
		return EXIT_FAILURE;
	}
	status = EXIT_FAILURE;
	if (!mysql_library_init(0, NULL, NULL) && !events_open(sc, &options, &w)) {
		status = writer_run(sc, events_writer(w), NULL, NULL);
		events_close(w);
	}
	mysql_library_end();
	shadowcopy_free(sc);
	return status;
}
