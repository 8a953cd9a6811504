// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - shadow-writer-postgresql: brings a PostgreSQL cluster into shadows as it can be
 * started from.
 *
 * One process for one cluster, as the user who owns it.  What it does is in backup.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql.h"

#define CLASS "86c1f95b-fd6c-4311-8ea3-627e222050cc"
#define LONGEST_S 86400

static void help(void)
{
	puts("Usage: shadow-writer-postgresql [OPTIONS]\n\n"
	     "Brings a PostgreSQL cluster into shadow copies as it can be started from; see\n"
	     "shadow-writer-postgresql(8).\n\n"
	     "      --cluster VERSION/NAME     the cluster, as Debian names it: 15/main\n"
	     "      --data-directory DIR       or its data directory\n"
	     "      --conninfo TEXT            how to connect (as postmaster.pid says)\n"
	     "      --mode MODE                light (the default): an image recovers by itself;\n"
	     "                                 api: pg_backup_start() and pg_backup_stop()\n"
	     "      --unit UNIT                what stops and starts the server\n"
	     "      --checkpoint-timeout S     longest wait for a checkpoint, in seconds (600)\n"
	     "      --archive-timeout S        in api mode: for the archive of the log; 0 does not\n"
	     "                                 wait (300)\n"
	     "  -h, --help                     this help\n"
	     "  -V, --version                  the version");
}

/* Used wrongly: the exit status. */
static int __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 2;
}

/* 0 and a number of seconds, or the exit status. */
static int take_seconds(const char *text, unsigned int least, unsigned int *seconds)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > LONGEST_S)
		return wrong("\"%s\" is no number of seconds, of a day at most", text);
	*seconds = value;
	return 0;
}

static int take_mode(const char *text, enum mode *mode)
{
	if (!strcmp(text, "light"))
		*mode = MODE_LIGHT;
	else if (!strcmp(text, "api"))
		*mode = MODE_API;
	else
		return wrong("there is no mode \"%s\", only light and api", text);
	return 0;
}

/* With --conninfo alone: the server knows. */
static char *ask_directory(struct writer *writer)
{
	const struct address address = { .conninfo = writer->cluster.conninfo };
	char *directory = NULL;
	PGresult *answer;

	server_limit(&writer->server, NULL, 30);
	if (!server_connect(&writer->server, &address)) {
		answer = server_ask(&writer->server,
				    "SELECT pg_catalog.current_setting('data_directory')", 0, NULL,
				    1);
		if (answer)
			directory = strdup(PQgetvalue(answer, 0, 0));
		PQclear(answer);
	}
	server_close(&writer->server);
	if (!directory)
		writer_log(3, "where the data is cannot be asked: %s; start the server, let the "
			   "role read it (GRANT pg_read_all_settings TO ...), or give "
			   "--data-directory", writer->server.error);
	return directory;
}

/* Know where the data is, and that it can be read: 0, or the exit status. */
static int find_data(struct writer *writer, const char *directory)
{
	struct cluster *cluster = &writer->cluster;
	struct locations locations;
	char *found, version[32];
	int rc;

	found = directory ? strdup(directory) : cluster->name ?
		cluster_directory_of(cluster->name) : ask_directory(writer);
	if (!found && cluster->name)
		writer_log(3, "/etc/postgresql/%s/postgresql.conf: %s; pg_lsclusters tells which "
			   "clusters there are", cluster->name, strerror(errno));
	if (!found)
		return EXIT_FAILURE;
	cluster->directory = realpath(found, NULL);
	if (!cluster->directory) {
		writer_log(3, "the data directory %s: %s", found, strerror(errno));
		free(found);
		return EXIT_FAILURE;
	}
	free(found);
	rc = cluster_version(cluster, version, sizeof(version));
	if (!rc)
		rc = cluster_locate(cluster, &locations);
	if (rc) {
		writer_log(3, "the data directory %s cannot be read: %s; start this as the user "
			   "that owns it", cluster->directory, strerror(-rc));
		return EXIT_FAILURE;
	}
	cluster_forget(&locations);
	return 0;
}

/* "postgresql@15-main.service" on Debian, elsewhere as most name it. */
static int find_unit(struct cluster *cluster)
{
	char *slash;

	if (cluster->unit)
		return 0;
	if (asprintf(&cluster->unit, "postgresql%s%s.service", cluster->name ? "@" : "",
		     cluster->name ?: "") < 0) {
		cluster->unit = NULL;
		return EXIT_FAILURE;
	}
	slash = strchr(cluster->unit, '/');
	if (slash)
		*slash = '-';
	return 0;
}

/* "15-main", "srv-pg-data": the same at each start, and without "/". */
static const char *name_instance(const struct cluster *cluster)
{
	static char name[SHADOW_NL_NAME_MAX + 2];
	const char *whole = cluster->name ?: cluster->directory + 1;
	char *slash;

	snprintf(name, sizeof(name), "%s", whole);	/* one that is cut is too long still */
	while ((slash = strchr(name, '/')))
		*slash = '-';
	return name;
}

static int run(struct writer *writer)
{
	static const struct shadowcopy_writer_ops ops = {
		.identify = metadata_identify,
		.prepare_snapshot = backup_prepare,
		.freeze = backup_freeze,
		.thaw = backup_thaw,
		.post_snapshot = backup_post,
		.backup_shutdown = backup_end,
		.abort = backup_end,
	};
	struct shadowcopy_writer_spec spec = {
		.name = "PostgreSQL",
		.instance_name = name_instance(&writer->cluster),
		.level = SHADOW_NL_LEVEL_BACK_END,
	};
	struct shadowcopy_writer *channel;
	int status;

	shadowcopy_uuid_parse(CLASS, &spec.class_id);
	writer->sc = shadowcopy_new();
	if (!writer->sc || shadowcopy_writer_open(writer->sc, &spec, &ops, writer, &channel)) {
		writer_log(3, "%s", shadowcopy_last_error(writer->sc)->text);
		shadowcopy_free(writer->sc);
		return EXIT_FAILURE;
	}
	writer_log(6, "the writer of %s is ready, mode %s", writer->cluster.directory,
		   writer->mode == MODE_API ? "api" : "light");
	status = writer_run(writer->sc, channel, NULL, NULL);
	shadowcopy_writer_close(channel);
	shadowcopy_free(writer->sc);
	return status;
}

/* Read the options: 0, the exit status, or -1: it is done. */
static int take_options(int argc, char **argv, struct writer *writer, const char **directory)
{
	enum { CLUSTER = 256, DIRECTORY, CONNINFO, MODE, UNIT, CHECKPOINT, ARCHIVE };
	static const struct option longs[] = {
		{ "cluster", required_argument, NULL, CLUSTER },
		{ "data-directory", required_argument, NULL, DIRECTORY },
		{ "conninfo", required_argument, NULL, CONNINFO },
		{ "mode", required_argument, NULL, MODE },
		{ "unit", required_argument, NULL, UNIT },
		{ "checkpoint-timeout", required_argument, NULL, CHECKPOINT },
		{ "archive-timeout", required_argument, NULL, ARCHIVE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "hV", longs, NULL)) != -1)
		switch (option) {
		case CLUSTER:
			writer->cluster.name = optarg;
			if (!cluster_name_fits(optarg))
				status = wrong("\"%s\" is no cluster, as 15/main is", optarg);
			break;
		case DIRECTORY:
			*directory = optarg;
			break;
		case CONNINFO:
			writer->cluster.conninfo = optarg;
			break;
		case MODE:
			status = take_mode(optarg, &writer->mode);
			break;
		case UNIT:
			free(writer->cluster.unit);
			writer->cluster.unit = strdup(optarg);
			break;
		case CHECKPOINT:
			status = take_seconds(optarg, 1, &writer->checkpoint_s);
			break;
		case ARCHIVE:
			status = take_seconds(optarg, 0, &writer->archive_s);
			break;
		case 'h':
			help();
			return -1;
		case 'V':
			printf("%s %s\n", program_invocation_short_name, shadowcopy_version());
			return -1;
		default:
			return 2;
		}
	if (!status && optind < argc)
		status = wrong("\"%s\" is no option", argv[optind]);
	if (!status && !writer->cluster.name && !*directory && !writer->cluster.conninfo)
		status = wrong("which cluster is it? --cluster VERSION/NAME is missing");
	return status;
}

int main(int argc, char **argv)
{
	struct writer writer = { .checkpoint_s = 600, .archive_s = 300 };
	const char *directory = NULL;
	int status = take_options(argc, argv, &writer, &directory);

	if (status)
		return status < 0 ? EXIT_SUCCESS : status;
	writer_block_signals();
	status = find_data(&writer, directory);
	if (!status)
		status = find_unit(&writer.cluster);
	if (!status)
		status = run(&writer);
	free(writer.cluster.directory);
	free(writer.cluster.unit);
	return status;
}
