// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_check.c - shadowadm store check: what a durable store says of itself, and whether that
 * can be right.
 *
 * It is read through the cache of the device or the file, which knows nothing of what the module
 * has written meanwhile, so what the cache has is dropped first.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <linux/shadow_store.h>

#include "durable.h"
#include "find_durable.h"
#include "store.h"

struct checking {
	struct context *context;
	const char *path;
	int fd;
	bool is_file;
	bool verbose;
	json_t *entries;
	struct durable durable;
};

/* --- the shadows ---------------------------------------------------------------------- */

#define ROW(row) ((const struct durable_shadow *)(row))

static void get_uuid(const void *row, struct value *value)
{
	value_uuid(value, (const void *)ROW(row)->uuid);
}

static void get_set(const void *row, struct value *value)
{
	value_uuid(value, (const void *)ROW(row)->set);
}

static void get_created(const void *row, struct value *value)
{
	value_number(value, VALUE_TIME, ROW(row)->created_ns);
}

/* What attaching will make of it. */
static void get_state(const void *row, struct value *value)
{
	value_text(value, "%s", !ROW(row)->complete ? "incomplete" :
		   !ROW(row)->persistent ? "volatile" : ROW(row)->error ? "lost" : "kept");
}

static void get_reason(const void *row, struct value *value)
{
	if (ROW(row)->error)
		value_text(value, "%s", shadowcopy_reason_name(ROW(row)->lost));
}

static void get_cause(const void *row, struct value *value)
{
	if (ROW(row)->error)
		value_text(value, "%s", shadowcopy_reason_cause(ROW(row)->lost));
}

static void get_pinned(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, ROW(row)->pinned);
}

static void get_persistent(const void *row, struct value *value)
{
	value_number(value, VALUE_BOOL, ROW(row)->persistent);
}

static void get_context(const void *row, struct value *value)
{
	value_text(value, "%s", shadowcopy_context_name(ROW(row)->context));
}

static void get_set_count(const void *row, struct value *value)
{
	value_number(value, VALUE_NUMBER, ROW(row)->set_count);
}

#define MEMBER(member) offsetof(struct durable_shadow, member)

static const struct column columns[] = {
	{ "UUID", "identity", .get = get_uuid },
	{ "CREATED", "the instant", .get = get_created },
	{ "SIZE", "size of the volume at the instant", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(bytes) },
	{ "RECORDS", "what is stored for it", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(record_bytes) },
	{ "FREE", "known to have been free at the instant", .right = true, .type = VALUE_SIZE,
	  .offset = MEMBER(free_bytes) },
	{ "STATE", "kept; lost; or gone with the next attaching: volatile, incomplete",
	  .get = get_state },
	{ "PERSISTENT", "made to survive a reboot", .get = get_persistent },
	{ "PINNED", "is never evicted", .get = get_pinned },
	{ "SET", "identity of its set", .get = get_set },
	{ "SET-COUNT", "shadows in the set when it was made", .right = true, .get = get_set_count },
	{ "CONTEXT", "what it was made for", .get = get_context },
	{ "EPOCH", "number of the epoch that it ended", .right = true, .type = VALUE_NUMBER,
	  .offset = MEMBER(epoch) },
	{ "REASON", "why it is lost, as a word", .get = get_reason },
	{ "CAUSE", "why it is lost", .get = get_cause },
};

static const struct table table = {
	.name = "shadows",
	.columns = columns,
	.count = ARRAY_SIZE(columns),
	.defaults = "UUID,CREATED,SIZE,RECORDS,FREE,STATE",
};

/* --- words ------------------------------------------------------------------------------ */

static const char *verdict_name(enum durable_verdict verdict)
{
	static const char *const names[] = {
		[DURABLE_SOUND] = "sound", [DURABLE_FOREIGN] = "no-store",
		[DURABLE_DAMAGED] = "damaged", [DURABLE_NEWER] = "newer",
		[DURABLE_UNREADABLE] = "unreadable", [DURABLE_NO_MEMORY] = "unknown",
	};

	return names[verdict];
}

static const char *remedy_of(enum durable_verdict verdict)
{
	switch (verdict) {
	case DURABLE_FOREIGN:
		return "Name the device or file that persistent shadows were made with";
	case DURABLE_DAMAGED:
		return "It cannot be attached; \"shadowadm create --persistent --force\" makes a "
		       "new store of it";
	case DURABLE_NEWER:
		return "Install tools and module as new as it is";
	case DURABLE_UNREADABLE:
		return "See the kernel log for errors of the device";
	default:
		return "Free memory and try again";
	}
}

static const char *chain_name(const struct durable_place *place)
{
	return place->saved ? "saved" : place->dump ? "dump" : "log";
}

static const char *saved_name(enum durable_saved_state state)
{
	static const char *const names[] = {
		[DURABLE_SAVED_NONE] = "nothing", [DURABLE_SAVED_ALL] = "saved",
		[DURABLE_SAVED_NO_ROOM] = "no-room", [DURABLE_SAVED_UNCLEAN] = "unclean",
		[DURABLE_SAVED_DAMAGED] = "damaged",
	};

	return names[state];
}

/* ", at block 7 of its log (group 3, entry 2, byte 1077248 of the device)" */
static void place_text(const struct checking *checking, char *buf, size_t size)
{
	const struct durable *d = &checking->durable;
	const struct durable_place *place = &d->place;
	const char *where = checking->is_file ? "the file" : "the device";
	char entry[32] = "";

	if (place->entry)
		snprintf(entry, sizeof(entry), "entry %u, ", place->entry);
	if (d->in_log)
		snprintf(buf, size, ", at block %" PRIu64 " of its %s (group %" PRIu64 ", %sbyte "
			 "%" PRIu64 " of %s)", place->block, chain_name(place),
			 place->group, entry, place->byte, where);
	else if (place->byte)
		snprintf(buf, size, ", at byte %" PRIu64 " of %s", place->byte, where);
	else
		*buf = '\0';
}

/* The failure, as a sentence; the document on standard output has its parts. */
static int fail_check(const struct checking *checking)
{
	const struct durable *d = &checking->durable;
	struct context *context = checking->context;
	char place[160];
	bool json = context->json;

	place_text(checking, place, sizeof(place));
	context->json = false;
	fail(context, "%s: %s%s%s%s%s. %s", checking->path,
	     d->verdict == DURABLE_DAMAGED ? "the store is damaged: " : "", d->problem, place,
	     d->error ? ": " : "", d->error ? strerror(d->error) : "", remedy_of(d->verdict));
	context->json = json;
	return STATUS_FAILED;
}

/* Sound, but not as it should be. */
static int check_rest(const struct checking *checking)
{
	const struct durable *d = &checking->durable;
	int status = STATUS_OK;

	if (d->headers[!d->counts] != DURABLE_SOUND) {
		warn(checking->context, "%s: copy %d of its header %s; the other one counts",
		     checking->path, 2 - d->counts,
		     d->headers[!d->counts] == DURABLE_UNREADABLE ? "cannot be read" :
		     "is not whole");
		status = STATUS_DEGRADED;
	}
	if (d->read_only) {
		warn(checking->context, "%s: it has features of a newer version, so this one does "
		     "not attach it", checking->path);
		status = STATUS_DEGRADED;
	}
	if (d->failed) {
		warn(checking->context, "%s: it could not be written for a while, so what it says "
		     "of its shadows is not true: it is attached with --lost only, and they are "
		     "lost then", checking->path);
		status = STATUS_DEGRADED;
	}
	if (d->saved.state == DURABLE_SAVED_DAMAGED) {
		warn(checking->context, "%s: what is saved of changes is damaged: %s%s%s, in chunk "
		     "%" PRIu64 ", byte %" PRIu64 " of %s.  Its shadows are good, but the next "
		     "backup of the volume is a full one", checking->path, d->saved.problem,
		     d->saved.error ? ": " : "",
		     d->saved.error ? strerror(d->saved.error) : "", d->saved.chunk,
		     d->saved.byte, checking->is_file ? "the file" : "the device");
		status = STATUS_DEGRADED;
	}
	return status;
}

/* --- as JSON ------------------------------------------------------------------------------ */

static json_t *place_json(const struct durable_place *place)
{
	json_t *object = json_object();

	json_text(object, "chain", chain_name(place));
	json_number(object, "block", place->block);
	json_number(object, "group", place->group);
	json_number(object, "byte", place->byte);
	json_value(object, "entry", place->entry ? number_json(place->entry) : NULL);
	return object;
}

static json_t *chain_json(const struct durable_chain *chain)
{
	json_t *object = json_object();

	json_number(object, "bytes", chain->bytes);
	json_number(object, "segments", chain->segments);
	json_number(object, "groups", chain->groups);
	json_number(object, "blocks", chain->blocks);
	json_number(object, "entries", chain->entries);
	return object;
}

static json_t *log_json(const struct durable *d)
{
	json_t *object = chain_json(&d->log);

	json_number(object, "rest_blocks", d->rest_blocks);
	json_value(object, "end", d->log_end ? number_json(d->log_end) : NULL);
	return object;
}

static json_t *features_json(const struct durable *d)
{
	json_t *object = json_object();

	json_number(object, "compat", d->compat);
	json_number(object, "ro_compat", d->ro_compat);
	json_number(object, "incompat", d->incompat);
	return object;
}

/* Times are in UTC, as in all documents; NULL where it is none. */
static json_t *time_json(time_t time)
{
	char date[40];
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return text_json(date);
}

static void header_json(json_t *document, const struct durable *d)
{
	json_t *headers = json_array();
	int i;

	for (i = 0; i < DURABLE_HEADERS; i++)
		json_array_append_new(headers, text_json(verdict_name(d->headers[i])));
	json_value(document, "headers", headers);
	if (d->counts < 0)
		return;
	json_number(document, "header", d->counts);
	json_uuid(document, "store", (const void *)d->store);
	json_uuid(document, "part", (const void *)d->part);
	json_number(document, "version", d->version);
	json_value(document, "features", features_json(d));
	json_number(document, "bytes", d->bytes);
	json_text(document, "volume", d->volume);
	json_number(document, "volume_bytes", d->volume_bytes);
	json_value(document, "created", time_json(d->created));
	json_value(document, "failed", json_boolean(d->failed));
}

static const char *mark_name(const struct durable_mark *mark)
{
	return mark->kept ? "base" : mark->begin ? "begin" : "shadow";
}

static json_t *mark_json(const struct durable_mark *mark)
{
	json_t *object = json_object();

	json_uuid(object, "uuid", (const void *)mark->uuid);
	json_text(object, "type", mark_name(mark));
	json_value(object, "created", time_json(mark->created_ns / 1000000000));
	json_number(object, "epoch", mark->epoch);
	json_number(object, "size", mark->bytes);
	json_number(object, "changed_bytes", mark->changed_bytes);
	json_number(object, "image_bytes", mark->image_bytes);
	json_number(object, "free_bytes", mark->free_bytes);
	return object;
}

/* What is said of what is damaged is what was read before that. */
static json_t *saved_json(const struct durable_saved *saved)
{
	json_t *object = json_object(), *marks = json_array();
	size_t i;

	json_text(object, "state", saved_name(saved->state));
	json_text(object, "problem", saved->problem);
	json_value(object, "chunk", saved->problem ? number_json(saved->chunk) : NULL);
	json_value(object, "byte", saved->problem ? number_json(saved->byte) : NULL);
	if (saved->chunks) {
		json_uuid(object, "generation", (const void *)saved->generation);
		json_value(object, "began", time_json(saved->began_ns / 1000000000));
		json_text(object, "reason", shadowcopy_tracking_name(saved->reason));
		json_value(object, "whole", json_boolean(saved->whole));
	}
	json_number(object, "chunks", saved->chunks);
	json_number(object, "bytes", saved->bytes);
	json_number(object, "bases", saved->bases);
	for (i = 0; i < saved->count; i++)
		json_array_append_new(marks, mark_json(&saved->marks[i]));
	json_value(object, "instants", marks);
	return object;
}

static int print_json(struct checking *checking, const struct rows *rows)
{
	const struct durable *d = &checking->durable;
	json_t *document = json_object();

	json_text(document, "device", checking->path);
	json_text(document, "verdict", verdict_name(d->verdict));
	json_text(document, "problem", d->problem);
	json_value(document, "place", d->problem && (d->in_log || d->place.byte) ?
		   place_json(&d->place) : NULL);
	header_json(document, d);
	if (d->counts >= 0) {
		json_value(document, "dump", d->dump_blocks ? chain_json(&d->dump) : NULL);
		json_value(document, "log", log_json(d));
		json_number(document, "records_bytes", d->records_bytes);
		json_number(document, "deleted", d->deleted);
		json_number(document, "watched", d->watched);
		json_number(document, "unknown", d->unknown);
		json_text(document, "revert", d->revert == SHADOW_DISK_REVERT_BEGUN ? "begun" :
			  d->revert == SHADOW_DISK_REVERT_NOTED ? "noted" : NULL);
		json_value(document, "revert_epoch", d->revert ? number_json(d->revert_epoch) :
			   NULL);
		json_value(document, "shadows", table_json(checking->context, &table, rows));
		json_value(document, "changes", d->verdict == DURABLE_SOUND ?
			   saved_json(&d->saved) : NULL);
	}
	if (checking->verbose)
		json_value(document, "entries", json_incref(checking->entries));
	return json_print(document);
}

/* --- as text ------------------------------------------------------------------------------ */

static void print_revert(const struct durable *d)
{
	char text[SHADOWCOPY_UUID_LEN] = "a shadow that is not there";
	struct shadow_uuid uuid;
	size_t i;

	for (i = 0; i < d->count; i++) {
		if (d->shadows[i].epoch != d->revert_epoch)
			continue;
		memcpy(&uuid, d->shadows[i].uuid, sizeof(uuid));
		shadowcopy_uuid_format(&uuid, text);
	}
	printf("\nrevert    to %s: %s", text, d->revert == SHADOW_DISK_REVERT_BEGUN ?
	       "the volume may be so in part" : "noted, for when it is attached");
}

static void print_header(const struct durable *d)
{
	struct shadow_uuid uuid;
	char text[SHADOWCOPY_UUID_LEN], size[16], volume[16], date[32];
	time_t created = d->created;
	struct tm tm;

	memcpy(&uuid, d->store, sizeof(uuid));
	if (!localtime_r(&created, &tm) || !strftime(date, sizeof(date), "%F %T", &tm))
		snprintf(date, sizeof(date), "at an impossible time");
	printf("store     %s, made %s\n", shadowcopy_uuid_format(&uuid, text), date);
	printf("size      %s, for volume %s of %s\n", size_format(d->bytes, size), d->volume,
	       size_format(d->volume_bytes, volume));
	printf("format    version %u", d->version);
	if (d->compat || d->ro_compat || d->incompat)
		printf(", features %#x %#x %#x", d->compat, d->ro_compat, d->incompat);
	printf("\nheaders   %s and %s; number %d counts, written %" PRIu64 " time%s\n",
	       verdict_name(d->headers[0]), verdict_name(d->headers[1]), d->counts + 1,
	       d->seq, d->seq == 1 ? "" : "s");
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_chain(const char *name, const struct durable_chain *chain)
{
	printf("%-9s %" PRIu64 " group%s in %" PRIu64 " block%s, %" PRIu64 " entr%s, "
	       "%" PRIu64 " segment%s\n", name, chain->groups, plural(chain->groups),
	       chain->blocks, plural(chain->blocks), chain->entries,
	       chain->entries == 1 ? "y" : "ies", chain->segments, plural(chain->segments));
}

static void print_mark(const struct durable_mark *mark)
{
	char text[SHADOWCOPY_UUID_LEN], changed[16];
	struct shadow_uuid uuid;

	memcpy(&uuid, mark->uuid, sizeof(uuid));
	printf("          %-6s %s: %s written until the next one\n", mark_name(mark),
	       shadowcopy_uuid_format(&uuid, text), size_format(mark->changed_bytes, changed));
}

/* What will be known of changes when it is attached. */
static void print_saved(const struct durable_saved *saved)
{
	char text[SHADOWCOPY_UUID_LEN];
	struct shadow_uuid uuid;
	size_t i;

	memcpy(&uuid, saved->generation, sizeof(uuid));
	switch (saved->state) {
	case DURABLE_SAVED_ALL:
		printf("changes   of generation %s; known since %zu instant%s, %zu of them base%s\n",
		       shadowcopy_uuid_format(&uuid, text), saved->count, plural(saved->count),
		       saved->bases, plural(saved->bases));
		for (i = 0; i < saved->count; i++)
			print_mark(&saved->marks[i]);
		break;
	case DURABLE_SAVED_NO_ROOM:
		printf("changes   not saved: there was no room for them\n");
		break;
	case DURABLE_SAVED_UNCLEAN:
		printf("changes   not saved: it was not detached, or is attached\n");
		break;
	case DURABLE_SAVED_DAMAGED:
		printf("changes   damaged\n");
		break;
	default:
		printf("changes   none are known\n");
		break;
	}
}

static void print_log(const struct durable *d)
{
	char dump[16], log[16], records[16];

	if (d->dump_blocks)
		print_chain("dump", &d->dump);
	print_chain("log", &d->log);
	if (d->rest_blocks)
		printf("          then %u block%s of a group that is not whole: the machine "
		       "stopped while it was written, which does no harm\n", d->rest_blocks,
		       plural(d->rest_blocks));
	printf("in use    %s of records, %s of log", size_format(d->records_bytes, records),
	       size_format(d->log.bytes, log));
	if (d->dump_blocks)
		printf(", %s of dump", size_format(d->dump.bytes, dump));
	putchar('\n');
	printf("volume    %u of its first blocks are known", d->watched);
	if (d->unknown)
		printf(", %u may be anything", d->unknown);
	if (d->revert)
		print_revert(d);
	putchar('\n');
	if (d->verdict == DURABLE_SOUND)
		print_saved(&d->saved);
	printf("shadows   %zu; %" PRIu64 " deleted\n", d->count, d->deleted);
}

static int print_text(struct checking *checking, const struct rows *rows)
{
	const struct durable *d = &checking->durable;

	if (d->counts < 0)
		return STATUS_OK;
	printf("%s: %s\n", checking->path, d->verdict != DURABLE_SOUND ?
	       "a durable store; up to what is wrong it says:" : d->failed ?
	       "a durable store, sound, but it has failed" : "a durable store, sound");
	print_header(d);
	print_log(d);
	if (d->count)
		return table_print(checking->context, &table, rows);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}

/* --- reading ------------------------------------------------------------------------------ */

static int read_at(void *arg, uint64_t offset, void *buf, size_t length)
{
	const struct checking *checking = arg;
	ssize_t got;
	size_t done;

	for (done = 0; done < length; done += got) {
		got = pread(checking->fd, (char *)buf + done, length - done, offset + done);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return got ? -errno : -ENODATA;
	}
	return 0;
}

static void tell_entry(void *arg, const struct durable_place *place, const char *text)
{
	struct checking *checking = arg;
	json_t *object;

	if (!checking->entries && place->saved) {
		printf("saved chunk %" PRIu64 " record %u: %s\n", place->block, place->entry, text);
		return;
	}
	if (!checking->entries) {
		printf("%sgroup %" PRIu64 " block %" PRIu64 " entry %u: %s\n",
		       place->dump ? "dump " : "", place->group, place->block, place->entry,
		       text);
		return;
	}
	object = place_json(place);
	json_text(object, "text", text);
	json_array_append_new(checking->entries, object);
}

/* What the module writes meanwhile is seen in part. */
static void warn_in_use(const struct checking *checking, const struct stat *st)
{
	struct shadow_dev dev = { major(st->st_rdev), minor(st->st_rdev) };
	struct shadow_store_info info = { 0 };
	struct shadowcopy_store file = { .type = SHADOW_STORE_FILE };
	struct shadowcopy *sc = checking->context->sc;

	snprintf(file.path, sizeof(file.path), "%s", checking->path);
	while (shadowcopy_part_next(sc, &info) > 0)
		if (checking->is_file ? shadowcopy_part_is(sc, &info, &file) > 0 :
		    info.type == SHADOW_STORE_DEVICE && dev_equal(info.dev, dev)) {
			warn(checking->context, "%s is in use as a store: what is written "
			     "meanwhile can look like damage", checking->path);
			return;
		}
}

static int open_store(struct checking *checking)
{
	struct stat st;

	checking->fd = open(checking->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (checking->fd < 0 || fstat(checking->fd, &st) < 0)
		return fail(checking->context, "cannot open %s: %s", checking->path,
			    strerror(errno));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fail(checking->context, "%s is neither a block device nor a file",
			    checking->path);
	checking->is_file = S_ISREG(st.st_mode);
	posix_fadvise(checking->fd, 0, 0, POSIX_FADV_DONTNEED);
	warn_in_use(checking, &st);
	return STATUS_OK;
}

static int check(struct checking *checking)
{
	struct durable *d = &checking->durable;
	struct durable_source source = { .read = read_at, .arg = checking, .with_saved = true };
	struct rows rows = { .size = sizeof(*d->shadows) };
	int status = open_store(checking);
	off_t end;

	if (status)
		return status;
	end = lseek(checking->fd, 0, SEEK_END);
	if (end < 0)
		return fail(checking->context, "cannot find the size of %s: %s", checking->path,
			    strerror(errno));
	source.bytes = end;
	/* A file has its header further on, if it is no copy of a device. */
	if (checking->is_file && durable_in_file(checking->path))
		source.header = SHADOW_DISK_FILE_HEADER;
	if (checking->verbose && checking->context->json)
		checking->entries = json_array();
	durable_check(&source, checking->verbose ? tell_entry : NULL, checking, d);
	rows.first = d->shadows;
	rows.count = d->count;
	status = checking->context->json ? print_json(checking, &rows) :
		 print_text(checking, &rows);
	if (d->verdict != DURABLE_SOUND)
		return fail_check(checking);
	return status ?: check_rest(checking);
}

/* A name that is no path: "vdb", "PARTUUID=...". */
static int find_path(struct context *context, const char *name, struct shadowcopy_volume *volume,
		     const char **path)
{
	*path = name;
	if (strchr(name, '/') && !strchr(name, '='))
		return STATUS_OK;
	if (!access(name, F_OK))
		return STATUS_OK;
	if (shadowcopy_resolve(context->sc, name, volume))
		return fail_library(context);
	*path = volume->path;
	return STATUS_OK;
}

static int run(struct context *context, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	struct checking checking = { .context = context, .fd = -1 };
	struct shadowcopy_volume volume;
	int option, status;

	while ((option = next_option(context, argc, argv, "v", longs, &status)) != -1) {
		if (option != 'v')
			return status;
		checking.verbose = true;
	}
	if (argc - optind != 1)
		return usage(context, "name one device or file");
	status = find_path(context, argv[optind], &volume, &checking.path);
	if (!status)
		status = check(&checking);
	durable_clear(&checking.durable);
	json_decref(checking.entries);
	if (checking.fd >= 0)
		close(checking.fd);
	return status;
}

const struct command store_check = {
	.name = "store check",
	.summary = "See whether a durable store is sound, and what is in it",
	.synopsis = "STORE [OPTIONS]",
	.text = "Reads the durable store on a device, in a file, or on a copy of one of them, by\n"
		"the rules by which it would be attached: its header, its dump and its log, and if no\n"
		"block is in use twice.  Nothing is changed, and the module is not needed.  Exit\n"
		"status 1 means that it is damaged, and it is said where, or that there is none; 3\n"
		"that it is sound, and will not be attached as it is, or lose its shadows.\n\n"
		"Options:\n"
		"  -v, --verbose         show each entry of dump and log, too\n"
		TABLE_HELP COMMON_HELP,
	.table = &table,
	.run = run,
};
