// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbered transactions, and whether what a server has could be any other than all that had
 * been committed at one instant.
 *
 *	pg_ledger init [--tablespace NAME] CONNINFO
 *	pg_ledger load [--pause MS] CONNINFO FILE
 *	pg_ledger check [--before SECONDS] [--after SECONDS] CONNINFO FILE
 *
 * Each of four writers commits 1, 2, 3...  A transaction adds its number to two tables,
 * takes from an account in one and gives to an account in the other, and deletes numbers
 * that are long past.  The second table of each pair, with its indexes, is in the
 * tablespace.  Every seventh transaction is rolled back.  Between two it waits for MS.
 *
 * load: until SIGTERM, and on from there the next time.  What was committed stands in FILE, a line
 * each: writer, number, and when it was begun and had returned, in seconds of the monotonic clock.
 * A failure ends it with 1.
 *
 * check: for each writer both tables must have the same numbers, without a gap and with none
 * that was rolled back; the accounts must have been changed by these and no others; all that
 * had returned before SECONDS must be there, and nothing that was begun after SECONDS.
 * Prints "writer N: LAST", and what is not so; then it ends with 1.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <postgresql/libpq-fe.h>

#define WRITERS 4
#define SLOTS 16
#define KEPT 500		/* numbers that are not deleted yet */
#define NOT 7			/* each so many is rolled back */

static atomic_bool stop, failed;
static struct timespec rest;
static const char *conninfo;
static int ledger = -1;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static PGconn *server(void)
{
	PGconn *connection = PQconnectdb(conninfo);

	if (PQstatus(connection) != CONNECTION_OK)
		errx(1, "%s", PQerrorMessage(connection));
	return connection;
}

static void __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	failed = true;
}

/* A number that the server says; one that fails is as wrong as another. */
static int64_t ask(PGconn *connection, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int64_t ask(PGconn *connection, const char *format, ...)
{
	char text[1024];
	PGresult *result;
	int64_t value = -1;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	result = PQexec(connection, text);
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
		value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	else
		wrong("%s: %s", text, PQresultErrorMessage(result));
	PQclear(result);
	return value;
}

/* What was committed last; a number that was rolled back after it comes again. */
static int64_t last_of(PGconn *connection, int writer)
{
	return ask(connection, "SELECT coalesce(max(n), 0) FROM number_a WHERE writer = %d",
		   writer);
}

/* --- init ------------------------------------------------------------------------- */

static void run(PGconn *connection, const char *text)
{
	PGresult *result = PQexec(connection, text);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		errx(1, "%s: %s", text, PQresultErrorMessage(result));
	PQclear(result);
}

static void init(const char *tablespace)
{
	PGconn *connection = server();
	char text[1024], which;

	for (which = 'a'; which <= 'b'; which++) {
		snprintf(text, sizeof(text), "SET default_tablespace = '%s'",
			 which == 'b' ? tablespace : "");
		run(connection, text);
		snprintf(text, sizeof(text),
			 "CREATE TABLE number_%c (writer int, n bigint, pad text, "
			 "PRIMARY KEY (writer, n));"
			 "CREATE TABLE account_%c (writer int, slot int, n bigint, balance bigint, "
			 "PRIMARY KEY (writer, slot));"
			 "INSERT INTO account_%c SELECT w, s, 0, 1000 FROM generate_series(0, %d) w, "
			 "generate_series(0, %d) s", which, which, which, WRITERS - 1, SLOTS - 1);
		run(connection, text);
	}
	PQfinish(connection);
}

/* --- load -------------------------------------------------------------------------- */

static int transaction(PGconn *connection, int writer, uint64_t n)
{
	char text[2048], part[512];
	PGresult *result;
	int rc = 0;
	char which;

	strcpy(text, "BEGIN;");
	for (which = 'a'; which <= 'b'; which++) {
		snprintf(part, sizeof(part),
			 "INSERT INTO number_%c VALUES (%d, %ju, repeat(md5('%ju'), 8));"
			 "UPDATE account_%c SET n = %ju, balance = balance %c 1 WHERE writer = %d AND "
			 "slot = %ju;"
			 "DELETE FROM number_%c WHERE writer = %d AND n <= %jd;", which, writer,
			 (uintmax_t)n, (uintmax_t)n, which, (uintmax_t)n, which == 'a' ? '-' : '+',
			 writer, (uintmax_t)(n % SLOTS), which, writer, (intmax_t)n - KEPT);
		strcat(text, part);
	}
	strcat(text, n % NOT ? "COMMIT" : "ROLLBACK");
	result = PQexec(connection, text);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		warnx("writer %d: %s", writer, PQresultErrorMessage(result));
		rc = -1;
	}
	PQclear(result);
	return rc;
}

static void *writer_main(void *arg)
{
	int writer = (intptr_t)arg, length;
	PGconn *connection = server();
	char line[80];
	double began;
	uint64_t n;

	for (n = last_of(connection, writer) + 1; !stop && !failed; n++) {
		began = now();
		if (transaction(connection, writer, n)) {
			failed = true;
			break;
		}
		length = snprintf(line, sizeof(line), "%d %ju %.6f %.6f\n", writer, (uintmax_t)n,
				  began, now());
		if (n % NOT && write(ledger, line, length) != length)
			err(1, "the ledger");
		nanosleep(&rest, NULL);
	}
	PQfinish(connection);
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
	stop = true;
}

static int load(const char *file)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t threads[WRITERS];
	int i;

	ledger = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (ledger < 0)
		err(1, "%s", file);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	for (i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, writer_main, (void *)(intptr_t)i))
			errx(1, "no thread");
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	return failed;
}

/* --- check ------------------------------------------------------------------------- */

static void none(PGconn *connection, const char *what, const char *statement)
{
	int64_t count = ask(connection, "%s", statement);

	if (count)
		wrong("%s: %jd", what, (intmax_t)count);
}

/* How many up to @n are committed. */
static int64_t committed(int64_t n)
{
	return n > 0 ? n - n / NOT : 0;
}

struct bounds {
	int64_t least[WRITERS];		/* must be there */
	int64_t most[WRITERS];		/* first that must not */
};

static struct bounds read_ledger(const char *file, double before, double after)
{
	struct bounds bounds;
	double began, ended;
	intmax_t n;
	FILE *lines = fopen(file, "r");
	int writer, i;

	if (!lines)
		err(1, "%s", file);
	for (i = 0; i < WRITERS; i++) {
		bounds.least[i] = 0;
		bounds.most[i] = INT64_MAX;
	}
	while (fscanf(lines, "%d %jd %lf %lf", &writer, &n, &began, &ended) == 4) {
		if (writer < 0 || writer >= WRITERS)
			errx(1, "%s is no ledger", file);
		if (ended < before && n > bounds.least[writer])
			bounds.least[writer] = n;
		if (began > after && n < bounds.most[writer])
			bounds.most[writer] = n;
	}
	fclose(lines);
	return bounds;
}

static void check_writer(PGconn *connection, int writer, const struct bounds *bounds)
{
	int64_t last = last_of(connection, writer);
	int64_t there = ask(connection, "SELECT count(*) FROM number_a WHERE writer = %d", writer);
	int64_t moved = ask(connection, "SELECT coalesce(sum(balance), 0) - %d FROM account_b "
			    "WHERE writer = %d", 1000 * SLOTS, writer);

	printf("writer %d: %jd\n", writer, (intmax_t)last);
	if (last < bounds->least[writer])
		wrong("writer %d: %jd was committed before, and is missing", writer,
		      (intmax_t)bounds->least[writer]);
	if (last >= bounds->most[writer])
		wrong("writer %d: %jd was begun afterwards, and is there", writer,
		      (intmax_t)bounds->most[writer]);
	if (there != committed(last) - committed(last - KEPT))
		wrong("writer %d: %jd numbers are there, not %jd", writer, (intmax_t)there,
		      (intmax_t)(committed(last) - committed(last - KEPT)));
	if (moved != committed(last))
		wrong("writer %d: %jd were moved, not %jd", writer, (intmax_t)moved,
		      (intmax_t)committed(last));
}

static int check(const char *file, double before, double after)
{
	struct bounds bounds = read_ledger(file, before, after);
	PGconn *connection = server();
	char text[512], which;
	int i;

	for (i = 0; i < WRITERS; i++)
		check_writer(connection, i, &bounds);
	none(connection, "numbers that the two tables do not have in common",
	     "SELECT count(*) FROM number_a a FULL JOIN number_b b USING (writer, n) "
	     "WHERE a.pad IS DISTINCT FROM b.pad");
	snprintf(text, sizeof(text), "SELECT count(*) FROM number_a WHERE n %% %d = 0", NOT);
	none(connection, "numbers that were rolled back", text);
	none(connection, "money too much", "SELECT sum(a.balance + b.balance - 2000) FROM "
	     "account_a a JOIN account_b b USING (writer, slot)");
	for (which = 'a'; which <= 'b'; which++) {
		snprintf(text, sizeof(text), "SELECT count(*) FROM account_%c c JOIN "
			 "(SELECT writer, n %% %d AS slot, max(n) AS last FROM number_%c GROUP BY 1, 2) "
			 "l USING (writer, slot) WHERE c.n <> l.last", which, SLOTS, which);
		none(connection, "accounts that have not what was done last", text);
	}
	PQfinish(connection);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "tablespace", required_argument, NULL, 't' },
		{ "pause", required_argument, NULL, 'p' },
		{ "before", required_argument, NULL, 'b' },
		{ "after", required_argument, NULL, 'a' },
		{ 0 }
	};
	double before = 0, after = 1e18;
	const char *tablespace = "", *what;
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (option) {
		case 't':
			tablespace = optarg;
			break;
		case 'p':
			rest.tv_sec = atoi(optarg) / 1000;
			rest.tv_nsec = atoi(optarg) % 1000 * 1000000L;
			break;
		case 'b':
			before = strtod(optarg, NULL);
			break;
		case 'a':
			after = strtod(optarg, NULL);
			break;
		default:
			return 2;
		}
	argv += optind;
	argc -= optind;
	what = argc > 1 ? argv[0] : "";
	conninfo = argv[1];
	if (!strcmp(what, "init") && argc == 2) {
		init(tablespace);
		return 0;
	}
	if (!strcmp(what, "load") && argc == 3)
		return load(argv[2]);
	if (!strcmp(what, "check") && argc == 3)
		return check(argv[2], before, after);
	errx(2, "usage: pg_ledger init|load|check [OPTION...] CONNINFO [FILE]");
}
