// SPDX-License-Identifier: GPL-2.0-only
/*
 * carry.c - what a plan of a restore says is done (l.2, l.3).
 *
 * A part is restored as a whole or not at all: all of its files are made beside their places
 * first, under names of ours, and then renamed.  What fails before that has touched nothing; what
 * fails in the middle leaves some files new and some old, and that is told.  What waits for the
 * next boot has its files beside their places, and a list of them (boot.c).
 *
 * Parts of files are put into a copy of what is there, for the same reason.
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "betest.h"
#include "copy.h"

struct carrying {
	struct betest *test;
	const struct shadowcopy_restore_plan *plan;
	const char *directory;
	struct outcome *outcomes;	/* of the plan's parts */
	struct {
		bool passed, alternate_passed, elsewhere, done;
	} *parts;
	const struct shadowcopy_metadata **stuck;	/* whose service does not stop */
	size_t stuck_count;
	struct links links;
	unsigned int number;		/* of the last file that was made */
	bool staged, finished, reboot;
};

/* The files of a part that are made, and not yet in their places. */
struct making {
	struct carrying *carrying;
	bool alternate;
	struct staged *staged;
	size_t count;
	struct paths directories, sources, made;
};

static size_t part_number(const struct carrying *carrying,
			  const struct shadowcopy_restore_part *part)
{
	size_t i;

	for (i = 0; i < carrying->plan->part_count && carrying->plan->parts[i] != part; i++)
		;
	return i;
}

static const char *place_of(const struct shadowcopy_restore_file *file, bool alternate)
{
	return alternate && file->alternate ? file->alternate : file->destination;
}

/* --- checks ----------------------------------------------------------------------------- */

static bool is_absent(const struct shadowcopy_restore_part *part, bool alternate)
{
	struct stat st;
	size_t i;

	for (i = 0; i < part->file_count; i++) {
		const struct shadowcopy_restore_file *file = part->files[i];

		if (file->kind != SHADOWCOPY_ITEM_DIRECTORY &&
		    file->kind != SHADOWCOPY_ITEM_RANGES &&
		    copy_stat(place_of(file, alternate), &st) != -ENOENT)
			return false;
	}
	return true;
}

/* NULL, or why nothing can be put there; open files are no reason, since they are renamed over. */
static const char *obstacle(const char *path, bool directory)
{
	const char *name, *reason = NULL;
	struct statx st;
	int above = copy_open_above(path, NULL, &name);

	if (above == -ENOENT)
		return NULL;		/* the directories are made */
	if (above < 0)
		return strerror(-above);
	if (statx(above, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st))
		reason = strerror(errno);
	else if (st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		reason = "its directory is immutable";
	else if (faccessat(above, ".", W_OK, 0))
		reason = strerror(errno);
	else if (statx(above, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st))
		reason = errno == ENOENT ? NULL : strerror(errno);
	else if (S_ISDIR(st.stx_mode) != directory)
		reason = directory ? "it is no directory" : "it is a directory";
	else if (!directory && st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		reason = "it is immutable";
	else if (!directory && st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		reason = "something is mounted on it";
	close(above);
	return reason;
}

static bool is_replaceable(struct carrying *carrying, const struct shadowcopy_restore_part *part)
{
	const char *reason;
	size_t i;

	for (i = 0; i < part->file_count; i++) {
		reason = obstacle(part->files[i]->destination,
				  part->files[i]->kind == SHADOWCOPY_ITEM_DIRECTORY);
		if (!reason)
			continue;
		warn(carrying->test->context, "%s cannot be replaced: %s",
		     part->files[i]->destination, reason);
		return false;
	}
	return true;
}

/* --- making files beside their places --------------------------------------------------- */

static int no_memory(const struct carrying *carrying)
{
	return fail(carrying->test->context, "there is not enough memory");
}

/* A name beside it that nothing has. */
static char *name_beside(struct carrying *carrying, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *beside;

	if (asprintf(&beside, "%.*s/.shadow-betest-%d-%u", (int)(slash - path), path, getpid(),
		     ++carrying->number) < 0)
		return NULL;
	copy_remove(beside, false);
	return beside;
}

static const char *staged_for(const struct making *making, const char *to)
{
	size_t i;

	for (i = 0; i < making->count; i++)
		if (!strcmp(making->staged[i].to, to))
			return making->staged[i].from;
	return NULL;
}

/* The new file that goes to @to: made already for another part of it, or to be made.  Or NULL. */
static const char *stage_for(struct making *making, const char *to, bool *exists)
{
	const char *known = staged_for(making, to);
	struct staged *more;

	*exists = known;
	if (known)
		return known;
	more = reallocarray(making->staged, making->count + 1, sizeof(*more));
	if (!more)
		return NULL;
	making->staged = more;
	more[making->count].from = name_beside(making->carrying, to);
	more[making->count].to = strdup(to);
	if (!more[making->count].from || !more[making->count].to)
		return NULL;
	return more[making->count++].from;
}

/* Ranges as text, or those of a file. */
static int load_parts(struct carrying *carrying, const char *text, struct parts *parts)
{
	struct shadowcopy *sc = carrying->test->context->sc;
	struct shadowcopy_range *list = NULL;
	const char *name;
	int above, fd, rc;

	if (*text != '/') {
		rc = shadowcopy_ranges_parse(sc, text, &list, &parts->count);
	} else {
		above = copy_open_above(text, NULL, &name);
		fd = above < 0 ? above : openat(above, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (above >= 0)
			close(above);
		if (fd < 0)
			return fail(carrying->test->context, "cannot read the ranges in %s: %s. "
				    "It has to be in the backup, too", text,
				    strerror(above < 0 ? -above : errno));
		rc = shadowcopy_ranges_read(sc, fd, text, &list, &parts->count);
		close(fd);
	}
	parts->list = list;
	return rc ? fail_library(carrying->test->context) : STATUS_OK;
}

static int make_parts(struct making *making, const struct shadowcopy_restore_file *file,
		      const char *from, const char *to)
{
	struct carrying *carrying = making->carrying;
	struct context *context = carrying->test->context;
	const struct shadowcopy_range nothing = { 0 };
	struct parts parts = { 0 }, to_parts = { 0 };
	const char *new;
	struct stat st;
	bool exists;
	int status = load_parts(carrying, file->ranges, &parts);

	if (!status && file->destination_ranges)
		status = load_parts(carrying, file->destination_ranges, &to_parts);
	new = status ? NULL : stage_for(making, to, &exists);
	if (!status && !new)
		status = no_memory(carrying);
	if (!status && file->destination_ranges && to_parts.count != parts.count)
		status = fail(context, "%s: its parts, and those that they go to, are not as many. "
			      "This is a fault of its writer", to);
	/* What is not of the backup stays; where nothing is there, the rest is a hole. */
	if (!status && !exists)
		status = !copy_stat(to, &st) && S_ISREG(st.st_mode) ?
			 copy_make(context, to, new, (struct parts){ 0 }, NULL, &making->made) :
			 copy_make(context, from, new, (struct parts){ &nothing, 1 }, NULL,
				   &making->made);
	if (!status)
		status = copy_parts(context, from, parts, new,
				    file->destination_ranges ? to_parts : parts,
				    !file->destination_ranges);
	if (!status && !file->destination_ranges)
		status = copy_attributes(context, from, new);
	free((void *)parts.list);
	free((void *)to_parts.list);
	return status;
}

static int make_whole(struct making *making, const char *from, const char *to)
{
	struct carrying *carrying = making->carrying;
	bool exists;
	const char *new = stage_for(making, to, &exists);

	if (!new)
		return no_memory(carrying);
	if (exists)
		copy_remove(new, false);
	return copy_make(carrying->test->context, from, new, (struct parts){ 0 },
			 &carrying->links, &making->made);
}

/* Until its files are in it, with their modes, and it has its own, nobody else can look. */
static int note_directory(struct making *making, const char *from, const char *to)
{
	struct stat st;

	if (paths_add(&making->sources, from) || paths_add(&making->directories, to))
		return no_memory(making->carrying);
	return copy_stat(to, &st) != -ENOENT ? STATUS_OK :
	       copy_directory(making->carrying->test->context, to, &making->made);
}

/* Other files need it before anything is in its place. */
static int make_ranges(struct making *making, const char *from, const char *to)
{
	struct stat st;

	if (!copy_stat(to, &st))
		copy_remove(to, false);
	return copy_make(making->carrying->test->context, from, to, (struct parts){ 0 }, NULL,
			 &making->made);
}

static int make_file(struct making *making, const struct shadowcopy_restore_file *file)
{
	const char *to = place_of(file, making->alternate);
	char *from = media_path(making->carrying->directory, file->path);
	int status;

	if (!from)
		return no_memory(making->carrying);
	if (file->kind == SHADOWCOPY_ITEM_DIRECTORY)
		status = note_directory(making, from, to);
	else if (file->kind == SHADOWCOPY_ITEM_RANGES)
		status = make_ranges(making, from, to);
	else if (file->ranges)
		status = make_parts(making, file, from, to);
	else
		status = make_whole(making, from, to);
	free(from);
	return status;
}

static void clear_making(struct making *making)
{
	size_t i;

	for (i = 0; i < making->count; i++) {
		free(making->staged[i].from);
		free(making->staged[i].to);
	}
	free(making->staged);
	paths_clear(&making->directories);
	paths_clear(&making->sources);
	paths_clear(&making->made);
}

/* Nothing of it was touched. */
static void undo(struct making *making)
{
	size_t i;

	for (i = 0; i < making->count; i++)
		copy_remove(making->staged[i].from, false);
	for (i = making->made.count; i--;)
		copy_remove(making->made.list[i], true);
}

static int make_all(struct making *making, const struct shadowcopy_restore_part *part)
{
	int status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < part->file_count; i++)
		status = make_file(making, part->files[i]);
	if (status)
		undo(making);
	return status;
}

/* --- into their places ------------------------------------------------------------------ */

static int finish_directories(struct making *making)
{
	struct context *context = making->carrying->test->context;
	int status = STATUS_OK;
	size_t i;

	for (i = making->directories.count; !status && i--;)
		status = copy_attributes(context, making->sources.list[i],
					 making->directories.list[i]);
	return status;
}

/* Return: enum shadowcopy_file_restore_status. */
static uint32_t put_in_place(struct making *making, bool replace)
{
	size_t i;
	int rc;

	for (i = 0; i < making->count; i++) {
		const struct staged *staged = &making->staged[i];

		rc = copy_rename(staged->from, staged->to, replace);
		if (rc == -EINVAL && !replace)	/* the filesystem cannot look first */
			rc = copy_rename(staged->from, staged->to, true);
		if (!rc)
			continue;
		fail(making->carrying->test->context, "cannot put %s in its place: %s. %s",
		     staged->to, strerror(-rc), i ? "Some files are new, and some are old: "
		     "restore all of them again" : "Nothing was touched");
		if (!i) {
			undo(making);
			return SHADOWCOPY_STATUS_NONE;
		}
		for (; i < making->count; i++)
			copy_remove(making->staged[i].from, false);
		return SHADOWCOPY_STATUS_FAILED;
	}
	return finish_directories(making) ? SHADOWCOPY_STATUS_FAILED : SHADOWCOPY_STATUS_ALL;
}

/* Directories are there at once: files wait in them. */
static uint32_t leave_for_boot(struct making *making)
{
	if (!boot_note(making->carrying->test, making->staged, making->count))
		return finish_directories(making) ? SHADOWCOPY_STATUS_FAILED :
						    SHADOWCOPY_STATUS_ALL;
	undo(making);
	return SHADOWCOPY_STATUS_NONE;
}

static bool looked_first(const struct carrying *carrying,
			 const struct shadowcopy_restore_part *part, uint32_t kind)
{
	const struct shadowcopy_restore_plan *plan = carrying->plan;
	size_t i;

	for (i = 0; i < plan->step_count; i++)
		if (plan->steps[i]->part == part && plan->steps[i]->kind == kind)
			return true;
	return false;
}

static void copy_part(struct carrying *carrying, const struct shadowcopy_restore_step *step)
{
	size_t number = part_number(carrying, step->part);
	struct outcome *outcome = &carrying->outcomes[number];
	struct making making = { .carrying = carrying };
	bool replace;

	making.alternate = step->kind == SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE;
	replace = !looked_first(carrying, step->part, making.alternate ?
				SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT :
				SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT);
	carrying->parts[number].done = true;
	outcome->status = SHADOWCOPY_STATUS_NONE;
	if (!make_all(&making, step->part)) {
		outcome->staged = step->kind == SHADOWCOPY_RESTORE_STEP_STAGE;
		outcome->status = outcome->staged ? leave_for_boot(&making) :
				  put_in_place(&making, replace);
		outcome->alternate = making.alternate &&
				     outcome->status == SHADOWCOPY_STATUS_ALL;
		carrying->staged |= outcome->staged;
	}
	clear_making(&making);
}

/* --- programs --------------------------------------------------------------------------- */

static int run_systemctl(struct carrying *carrying, const char *verb, const char *unit)
{
	char *const argv[] = { "systemctl", (char *)verb, (char *)unit, NULL };
	int rc, status;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	while (!rc && waitpid(pid, &status, 0) < 0)
		rc = errno == EINTR ? 0 : errno;
	if (rc)
		return fail(carrying->test->context, "cannot %s %s: systemctl: %s. Is this a "
			    "machine with systemd?", verb, unit, strerror(rc));
	if (status)
		return fail(carrying->test->context, "cannot %s %s: systemctl has failed. See "
			    "\"systemctl status %s\"", verb, unit, unit);
	return STATUS_OK;
}

static bool is_stuck(const struct carrying *carrying, const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < carrying->stuck_count; i++)
		if (carrying->stuck[i] == metadata)
			return true;
	return false;
}

static void stop_unit(struct carrying *carrying, const struct shadowcopy_restore_step *step)
{
	if (run_systemctl(carrying, "stop", step->unit))
		carrying->stuck[carrying->stuck_count++] = step->metadata;
}

/* What only the writer's documentation knows, the user has written into a command. */
static void run_custom(struct carrying *carrying, const struct shadowcopy_restore_step *step)
{
	size_t number = part_number(carrying, step->part);
	struct outcome *outcome = &carrying->outcomes[number];
	struct betest *test = carrying->test;
	char *media = media_path(carrying->directory, "");

	carrying->parts[number].done = true;
	setenv("WRITER", step->metadata->name, 1);
	setenv("COMPONENT", step->part->entry->name, 1);
	setenv("COMPONENT_PATH", step->part->entry->path ?: "", 1);
	setenv("MEDIA", media ?: "", 1);
	free(media);
	if (!test->custom) {
		fail(test->context, "%s of writer %s is restored as its documentation says. Name a "
		     "command that does it with --custom", step->part->entry->name,
		     step->metadata->name);
		outcome->status = SHADOWCOPY_STATUS_NONE;
	} else if (betest_run(test, test->custom)) {
		fail(test->context, "the command of --custom failed for %s of writer %s",
		     step->part->entry->name, step->metadata->name);
		outcome->status = SHADOWCOPY_STATUS_FAILED;
	} else {
		outcome->status = SHADOWCOPY_STATUS_ALL;
	}
}

/* --- steps ------------------------------------------------------------------------------ */

static bool any_failed(const struct carrying *carrying, const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < carrying->plan->part_count; i++)
		if (carrying->plan->parts[i]->metadata == metadata &&
		    (carrying->outcomes[i].status != SHADOWCOPY_STATUS_ALL ||
		     carrying->outcomes[i].alternate || carrying->outcomes[i].staged))
			return true;
	return false;
}

static bool holds(const struct carrying *carrying, const struct shadowcopy_restore_step *step)
{
	size_t part = step->part ? part_number(carrying, step->part) : 0;

	switch (step->condition) {
	case SHADOWCOPY_CONDITION_PASSED:
		return carrying->parts[part].passed;
	case SHADOWCOPY_CONDITION_FAILED:
		return !carrying->parts[part].passed;
	case SHADOWCOPY_CONDITION_ALTERNATE_PASSED:
		return !carrying->parts[part].passed && carrying->parts[part].alternate_passed;
	case SHADOWCOPY_CONDITION_ANY_FAILED:
		return any_failed(carrying, step->metadata);
	case SHADOWCOPY_CONDITION_ANY_STAGED:
		return carrying->staged;
	}
	return true;
}

static int finish(struct carrying *carrying, finish_fn *fn, void *data)
{
	if (carrying->finished)
		return STATUS_OK;
	carrying->finished = true;
	return fn(carrying->test, carrying->plan, carrying->outcomes, data);
}

static void do_step(struct carrying *carrying, const struct shadowcopy_restore_step *step)
{
	size_t part = step->part ? part_number(carrying, step->part) : 0;

	if (step->metadata && is_stuck(carrying, step->metadata))
		return;
	switch (step->kind) {
	case SHADOWCOPY_RESTORE_STEP_STOP_UNIT:
		stop_unit(carrying, step);
		break;
	case SHADOWCOPY_RESTORE_STEP_START_UNIT:
		run_systemctl(carrying, "start", step->unit);
		break;
	case SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT:
		carrying->parts[part].passed = is_absent(step->part, false);
		carrying->outcomes[part].status = SHADOWCOPY_STATUS_NONE;
		break;
	case SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE:
		carrying->parts[part].passed = is_replaceable(carrying, step->part);
		carrying->outcomes[part].status = SHADOWCOPY_STATUS_NONE;
		break;
	case SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT:
		carrying->parts[part].alternate_passed = is_absent(step->part, true);
		break;
	case SHADOWCOPY_RESTORE_STEP_COPY:
	case SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE:
	case SHADOWCOPY_RESTORE_STEP_STAGE:
		copy_part(carrying, step);
		break;
	case SHADOWCOPY_RESTORE_STEP_CUSTOM:
		run_custom(carrying, step);
		break;
	case SHADOWCOPY_RESTORE_STEP_REBOOT:
		puts("restart the machine");
		break;
	}
}

/* Is it behind the writers' PostRestore?  There a service is stopped and started. */
static bool is_after(const struct shadowcopy_restore_step *step)
{
	return step->kind == SHADOWCOPY_RESTORE_STEP_POST_RESTORE ||
	       step->kind == SHADOWCOPY_RESTORE_STEP_REBOOT ||
	       (step->unit &&
		step->metadata->restore_method == SHADOWCOPY_RESTORE_RESTORE_STOP_START);
}

int carry_out(struct betest *test, const struct shadowcopy_restore_plan *plan,
	      const char *directory, finish_fn *finish_with, void *data)
{
	struct carrying carrying = { .test = test, .plan = plan, .directory = directory };
	int status = STATUS_OK;
	size_t i;

	carrying.outcomes = calloc(plan->part_count + 1, sizeof(*carrying.outcomes));
	carrying.parts = calloc(plan->part_count + 1, sizeof(*carrying.parts));
	carrying.stuck = calloc(plan->step_count + 1, sizeof(*carrying.stuck));
	if (!carrying.outcomes || !carrying.parts || !carrying.stuck)
		status = no_memory(&carrying);
	/* What is imported has nothing to be copied (B-06). */
	for (i = 0; !status && i < plan->part_count; i++)
		carrying.outcomes[i].status = test->restore_type == SHADOWCOPY_RESTORE_TYPE_IMPORT ?
			SHADOWCOPY_STATUS_ALL : SHADOWCOPY_STATUS_NONE;
	for (i = 0; !status && i < plan->step_count; i++) {
		const struct shadowcopy_restore_step *step = plan->steps[i];

		if (is_after(step))
			status = finish(&carrying, finish_with, data);
		if (!status && holds(&carrying, step))
			do_step(&carrying, step);
	}
	if (!status)
		status = finish(&carrying, finish_with, data);
	links_clear(&carrying.links);
	free(carrying.outcomes);
	free(carrying.parts);
	free(carrying.stuck);
	return status;
}

/* --- as text ---------------------------------------------------------------------------- */

void carry_print(const struct shadowcopy_restore_plan *plan)
{
	static const char *const steps[] = {
		[SHADOWCOPY_RESTORE_STEP_PRE_RESTORE] = "pre-restore",
		[SHADOWCOPY_RESTORE_STEP_STOP_UNIT] = "stop",
		[SHADOWCOPY_RESTORE_STEP_CHECK_ABSENT] = "check that nothing is there:",
		[SHADOWCOPY_RESTORE_STEP_CHECK_REPLACEABLE] = "check that it can be replaced:",
		[SHADOWCOPY_RESTORE_STEP_CHECK_ALTERNATE_ABSENT] =
			"check that nothing is in the alternate location:",
		[SHADOWCOPY_RESTORE_STEP_COPY] = "copy",
		[SHADOWCOPY_RESTORE_STEP_COPY_ALTERNATE] = "copy to the alternate location:",
		[SHADOWCOPY_RESTORE_STEP_STAGE] = "leave to the next boot:",
		[SHADOWCOPY_RESTORE_STEP_CUSTOM] = "restore as the writer's documentation says:",
		[SHADOWCOPY_RESTORE_STEP_START_UNIT] = "start",
		[SHADOWCOPY_RESTORE_STEP_POST_RESTORE] = "post-restore",
		[SHADOWCOPY_RESTORE_STEP_REBOOT] = "restart the machine",
	};
	static const char *const conditions[] = {
		[SHADOWCOPY_CONDITION_ALWAYS] = "",
		[SHADOWCOPY_CONDITION_PASSED] = ", if so",
		[SHADOWCOPY_CONDITION_FAILED] = ", if not",
		[SHADOWCOPY_CONDITION_ALTERNATE_PASSED] = ", if so",
		[SHADOWCOPY_CONDITION_ANY_FAILED] = ", if not all is in its place",
		[SHADOWCOPY_CONDITION_ANY_STAGED] = ", if anything was left to it",
	};
	size_t i;

	for (i = 0; i < plan->step_count; i++) {
		const struct shadowcopy_restore_step *step = plan->steps[i];

		printf("%s%s%s %s%s\n", step->metadata ? step->metadata->name : "",
		       step->metadata ? ": " : "", steps[step->kind],
		       step->part ? step->part->entry->name : step->unit ?: "",
		       conditions[step->condition]);
	}
	for (i = 0; i < plan->unclaimed_count; i++)
		printf("not restored: %s\n", plan->unclaimed[i]);
}
