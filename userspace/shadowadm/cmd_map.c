// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_map.c - shadowadm map: draws what lies where in a shadow.
 */
#include <fcntl.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "changes.h"
#include "map.h"

#define NS_PER_SEC 1000000000LL
#define WIDTH_MIN 8
#define WIDTH_MAX 512
#define WIDTH_DEFAULT 64	/* where it is not that of a terminal */
#define TERMINAL_GUTTER 8	/* what is left of the cells, and a column to spare */

struct request {
	const char *name, *since_name;
	const char *svg;	/* file */
	size_t width;		/* 0: as the terminal has room */
	bool colour;
	struct shadow_shadow_info shadow;
	struct shadow_uuid since;
};

/* --- the picture -------------------------------------------------------------- */

static void time_text(int64_t ns, char *buf, size_t size)
{
	time_t seconds = ns / NS_PER_SEC;
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
}

static void say(struct context *context, const struct request *request,
		struct map_picture *picture)
{
	char time[32], path[IMAGE_PATH_LEN], uuid[SHADOWCOPY_UUID_LEN];
	struct shadow_base_info base = { 0 };

	time_text(request->shadow.created_ns, time, sizeof(time));
	snprintf(picture->title, sizeof(picture->title), "%s of %s, %s",
		 image_path(&request->shadow, path), request->shadow.volume_name, time);
	if (!request->since_name)
		return;
	snprintf(picture->since, sizeof(picture->since), "%s",
		 shadowcopy_uuid_format(&request->since, uuid));
	while (shadowcopy_base_next(context->sc, &base) > 0)
		if (uuid_equal(&base.uuid, &request->since)) {
			time_text(base.created_ns, time, sizeof(time));
			snprintf(picture->since, sizeof(picture->since), "%s (%.8s)", time, uuid);
		}
}

static int draw(struct context *context, const struct request *request,
		struct map_picture *picture)
{
	uint32_t want = SHADOW_RUN_FREE | SHADOW_RUN_STORED | SHADOW_RUN_WRITTEN |
			(request->since_name ? SHADOW_RUN_CHANGED : 0);
	struct shadowcopy_map *map;
	struct shadow_run run;
	int rc;

	if (shadowcopy_map_open(context->sc, &request->shadow.uuid,
				request->since_name ? &request->since : NULL, want, &map))
		return changes_failed(context, &request->shadow.uuid, NULL);
	if (cells_init(&picture->cells, shadowcopy_map_bytes(map), picture->width * MAP_ROWS)) {
		shadowcopy_map_close(map);
		return fail(context, "there is not enough memory");
	}
	while ((rc = shadowcopy_map_next(map, &run)) > 0)
		cells_add(&picture->cells, &run);
	shadowcopy_map_close(map);
	if (rc)
		return changes_failed(context, &request->shadow.uuid, NULL);
	say(context, request, picture);
	return STATUS_OK;
}

/* --- as it is wanted ------------------------------------------------------------ */

static json_t *cell_json(const struct cell *cell)
{
	json_t *object = json_object();
	enum cell_class class;

	for (class = 0; class < CELL_CLASSES; class++)
		json_number(object, cell_name(class), cell->bytes[class]);
	return object;
}

static int print_json(const struct request *request, const struct map_picture *picture)
{
	const struct cells *cells = &picture->cells;
	json_t *document = json_object(), *array = json_array(), *object;
	size_t i;

	json_uuid(document, "shadow", &request->shadow.uuid);
	if (request->since_name)
		json_uuid(document, "since", &request->since);
	else
		json_value(document, "since", NULL);
	json_text(document, "volume", request->shadow.volume_name);
	json_number(document, "bytes", cells->bytes);
	json_value(document, "total", cell_json(&cells->total));
	for (i = 0; i < cells->count; i++) {
		object = cell_json(&cells->cell[i]);
		json_number(object, "offset", cells_first(cells, i));
		json_number(object, "bytes", cells_first(cells, i + 1) - cells_first(cells, i));
		json_text(object, "shown", cell_name(cell_shown(&cells->cell[i])));
		json_array_append_new(array, object);
	}
	json_value(document, "cells", array);
	return json_print(document);
}

/* Into the file, which is closed.  0 or an errno. */
static int fill_svg(int fd, const struct map_picture *picture)
{
	FILE *stream = fdopen(fd, "w");
	int code = 0;

	if (!stream) {
		code = errno;
		close(fd);
		return code;
	}
	map_print_svg(picture, stream);
	if (fflush(stream) || ferror(stream))
		code = errno ?: EIO;
	if (fclose(stream) && !code)
		code = errno;
	return code;
}

/* In one step, with the mode of a new file. */
static int replace_svg(const char *path, const struct map_picture *picture)
{
	mode_t mask = umask(0);
	char *temporary;
	int fd, code;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	code = fd < 0 ? errno : 0;
	if (fd >= 0) {
		if (fchmod(fd, 0666 & ~mask)) {
			code = errno;
			close(fd);
		} else {
			code = fill_svg(fd, picture);
		}
		if (!code && rename(temporary, path))
			code = errno;
		if (code)
			unlink(temporary);
	}
	free(temporary);
	return code;
}

/*
 * What is no regular file, as /dev/null and a pipe, stays what it is, and is written into; so is
 * what a symbolic link is to make.
 */
static int write_svg(struct context *context, const char *path, const struct map_picture *picture)
{
	struct stat st, link;
	bool is_there = !stat(path, &st);
	int fd, code;
	char *target;

	if (is_there ? !S_ISREG(st.st_mode) : !lstat(path, &link)) {
		fd = open(path, O_WRONLY | (is_there ? 0 : O_CREAT) | O_NOCTTY | O_CLOEXEC, 0666);
		code = fd < 0 ? errno : fill_svg(fd, picture);
	} else {
		target = realpath(path, NULL);
		code = replace_svg(target ?: path, picture);
		free(target);
	}
	if (code)
		return fail(context, "cannot write the picture to %s: %s", path, strerror(code));
	progress(context, "%s: written", path);
	return STATUS_OK;
}

static int print_picture(const struct request *request, const struct map_picture *picture)
{
	struct map_style style = {
		.colour = request->colour,
		.shades = request->colour && !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};

	map_print(picture, &style, stdout);
	return fflush(stdout) || ferror(stdout) ? STATUS_FAILED : STATUS_OK;
}

static int show(struct context *context, const struct request *request,
		const struct map_picture *picture)
{
	int status = STATUS_OK;

	if (request->svg && !strcmp(request->svg, "-"))
		map_print_svg(picture, stdout);
	else if (request->svg)
		status = write_svg(context, request->svg, picture);
	if (context->json && !status)
		status = print_json(request, picture);
	else if (!request->svg)
		status = print_picture(request, picture);
	if (!status && fflush(stdout))
		status = fail(context, "cannot write to standard output: %s", strerror(errno));
	return status;
}

/* --- what is asked ----------------------------------------------------------------- */

static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	size_t width;

	if (!isatty(STDOUT_FILENO))
		return WIDTH_DEFAULT;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	else
		width = columns ? strtoul(columns, NULL, 10) : 80;
	if (width < WIDTH_MIN + TERMINAL_GUTTER)
		return WIDTH_MIN;
	width -= TERMINAL_GUTTER;
	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

/* https://no-color.org: set, and not empty */
static bool terminal_has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

static int parse_colour(struct context *context, const char *when, bool *colour)
{
	if (!when || !strcmp(when, "always"))
		*colour = true;
	else if (!strcmp(when, "never"))
		*colour = false;
	else if (!strcmp(when, "auto"))
		*colour = terminal_has_colours();
	else
		return usage(context, "--color=%s: there are auto, always and never", when);
	return STATUS_OK;
}

static int parse_width(struct context *context, const char *text, size_t *width)
{
	char *end;

	*width = strtoul(text, &end, 10);
	if (*end || end == text || *text == '-' || *width < WIDTH_MIN || *width > WIDTH_MAX)
		return usage(context, "--width %s: it is a number of cells, %d to %d", text,
			     WIDTH_MIN, WIDTH_MAX);
	return STATUS_OK;
}

static int not_found(struct context *context, const char *name)
{
	struct shadow_uuid uuid;
	uint32_t kind;

	if (!shadowcopy_base_find(context->sc, name, &uuid))
		return fail(context, "cannot draw %s: it is a base, its shadow is gone. "
			    "\"shadowadm list\" shows the shadows that there are", name);
	/* Its words are the better ones. */
	shadowcopy_find(context->sc, name, &uuid, &kind);
	return fail_library(context);
}

static int find(struct context *context, struct request *request)
{
	struct shadow_shadow_info info = { 0 };
	char path[IMAGE_PATH_LEN];
	struct shadow_uuid uuid;
	uint32_t kind;
	int rc = shadowcopy_find(context->sc, request->name, &uuid, &kind);

	if (rc)
		return rc == -ENOENT ? not_found(context, request->name) : fail_library(context);
	if (kind != SHADOW_KIND_SHADOW)
		return fail(context, "%s is a set of shadows: name one of them", request->name);
	while ((rc = shadowcopy_shadow_next(context->sc, &info)) > 0)
		if (uuid_equal(&info.uuid, &uuid))
			request->shadow = info;
	if (rc)
		return fail_library(context);
	if (!uuid_equal(&request->shadow.uuid, &uuid))
		return fail(context, "%s was deleted just now", request->name);
	if (request->shadow.state == SHADOW_STATE_LOST)
		return fail(context, "cannot draw %s: the shadow is lost, because %s. Delete it, "
			    "and name another", image_path(&request->shadow, path),
			    shadowcopy_reason_cause(request->shadow.fault.reason));
	if (!request->since_name)
		return STATUS_OK;
	return changes_find_since(context, request->name, &uuid, request->since_name,
				  &request->since);
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_SINCE = OPTION_OWN, OPTION_SVG, OPTION_WIDTH, OPTION_COLOR };
	static const struct option longs[] = {
		{ "since", required_argument, NULL, OPTION_SINCE },
		{ "svg", required_argument, NULL, OPTION_SVG },
		{ "width", required_argument, NULL, OPTION_WIDTH },
		{ "color", optional_argument, NULL, OPTION_COLOR },
		{ 0 }
	};
	struct request request = { .colour = terminal_has_colours() };
	struct map_picture picture = { 0 };
	int option, status = STATUS_OK;

	while (!status &&
	       (option = next_option(context, argc, argv, NULL, longs, &status)) != -1)
		switch (option) {
		case OPTION_SINCE:
			request.since_name = optarg;
			break;
		case OPTION_SVG:
			request.svg = optarg;
			break;
		case OPTION_WIDTH:
			status = parse_width(context, optarg, &request.width);
			break;
		case OPTION_COLOR:
			status = parse_colour(context, optarg, &request.colour);
			break;
		default:
			return status;
		}
	if (status)
		return status;
	if (argc - optind != 1)
		return usage(context, "it takes one shadow");
	if (context->json && request.svg && !strcmp(request.svg, "-"))
		return usage(context, "--svg - and --json exclude each other");
	request.name = argv[optind];
	picture.width = request.width ?: request.svg || context->json ? WIDTH_DEFAULT :
			terminal_width();
	status = find(context, &request);
	if (!status)
		status = draw(context, &request, &picture);
	if (!status)
		status = show(context, &request, &picture);
	cells_free(&picture.cells);
	return status;
}

const struct command cmd_map = {
	.name = "map",
	.summary = "Draw what lies where in a shadow",
	.synopsis = "SHADOW [--since SHADOW|BASE] [--width N] [--color[=WHEN]]\n"
		    "SHADOW [--since SHADOW|BASE] [--width N] --svg FILE|--json",
	.text = "Each cell is an equal share of the volume, row by row.  It shows the first of\n"
		"these that is in it: written to the image, changed, preserved in the store; else free or\n"
		"live on the volume, whichever is more.  Its shade, or a capital letter, tells how much\n"
		"of the cell that is.  A block that is several of these counts as the first of them.\n\n"
		"Options:\n"
		"      --since SHADOW|BASE\n"
		"                        also what has changed since then\n"
		"      --width N         cells in a row, 8 to 512; there are 16 rows\n"
		"      --svg FILE        as a picture; \"-\" is standard output\n"
		"      --color[=WHEN]    auto (on a terminal, unless NO_COLOR is set), always, never\n"
		COMMON_HELP,
	.run = run,
};
