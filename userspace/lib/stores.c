// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stores.c - associations: which volume has which stores.
 *
 * /etc/shadowcopy/stores.conf is a table like fstab: a line for each part of a
 * store, with the volume, the place, and options.  Spaces in names are written
 * \040.  All lines are kept as they are, and only those that are changed are
 * written anew, so comments stay and the file can be edited by hand or by other
 * programs.
 *
 * It says what root overwrites, so it must be root's.  Who changes it holds a lock
 * on its directory, and replaces the file as a whole: readers need no lock.
 */
#include <fcntl.h>
#include <libmount.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"

#define ACTION	"read the associations in"
#define TOO_SMALL "a store has 4M at least"
#define REMEDY	"correct the line; stores.conf(5) tells what it can have"

struct line {
	char *text;			/* as it is in the file, without its newline */
	bool is_entry;
	char *volume;
	char *store;
	char *comment;			/* at the end of an entry's line, or NULL */
	struct shadowcopy_association entry;
};

struct shadowcopy_stores {
	struct shadowcopy *sc;
	char *path;			/* of the file itself, below the sysroot */
	int lock;			/* on its directory, or -1 */
	struct stat st;			/* of the file that was read; st_ino 0: none */
	struct line *lines;
	size_t count;
	size_t adding;			/* the number of the line that is added or changed, or 0 */
};

/* Fields of a line, while it is read. */
struct fields {
	char *volume;
	char *store;
	char *options;
	char *comment;
};

/* --- errors -------------------------------------------------------------- */

SC_PRINTF(3, 4)
static int bad_line(struct shadowcopy_stores *stores, size_t number, const char *format, ...)
{
	char object[sizeof(SHADOWCOPY_STORES_CONF) + 16];
	char *cause = NULL;
	va_list args;
	int rc;

	va_start(args, format);
	if (vasprintf(&cause, format, args) < 0)
		cause = NULL;
	va_end(args);
	snprintf(object, sizeof(object), "%s:%zu", SHADOWCOPY_STORES_CONF, number);
	if (number == stores->adding)	/* it is not in the file, and will not be */
		rc = SC_FAIL(stores->sc, -EINVAL, .action = "write the association to",
			     .object = SHADOWCOPY_STORES_CONF, .cause = cause,
			     .remedy = "stores.conf(5) tells what a line can have; \"shadowadm "
				       "store list\" shows what there is, and \"store resize\" "
				       "and \"store remove\" change it");
	else
		rc = SC_FAIL(stores->sc, -EINVAL, .action = ACTION, .object = object,
			     .cause = cause, .remedy = REMEDY);
	free(cause);
	return rc;
}

static int no_memory(struct shadowcopy_stores *stores)
{
	return SC_FAIL(stores->sc, -ENOMEM, .action = ACTION, .object = SHADOWCOPY_STORES_CONF);
}

/* --- a line --------------------------------------------------------------- */

bool sc_is_tag(const char *name)
{
	static const char *const tags[] = { "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		if (!strncmp(name, tags[i], strlen(tags[i])) && name[strlen(tags[i])])
			return true;
	return false;
}

uint32_t sc_store_type(const char *store)
{
	if (!strcmp(store, "memory"))
		return SHADOW_STORE_MEMORY;
	if (!strncmp(store, "/dev/", 5) || *store != '/')
		return SHADOW_STORE_DEVICE;
	return SHADOW_STORE_FILE;
}

static bool is_directory(const char *store)
{
	return *store && store[strlen(store) - 1] == '/';
}

/* The next word of a line, which begins after @p; NULL at its end. */
static char *next_word(char **p)
{
	char *word = *p + strspn(*p, " \t");

	if (!*word || *word == '#') {
		*p = word;
		return NULL;
	}
	*p = word + strcspn(word, " \t");
	if (**p)
		*(*p)++ = '\0';
	return word;
}

/* Cuts @text up. */
static const char *split(char *text, struct fields *fields)
{
	char *p = text;

	fields->volume = next_word(&p);
	fields->store = next_word(&p);
	fields->options = next_word(&p);
	if (!fields->store)
		return "it has a volume, but no store";
	if (fields->options && next_word(&p))
		return "it has more than three fields: a space in a name is written \\040";
	p += strspn(p, " \t");
	fields->comment = *p == '#' ? p : NULL;
	return NULL;
}

static const char *check_names(const char *volume, const char *store)
{
	if (!strcmp(volume, "*")) {
		if (strcmp(store, "memory") &&
		    !(sc_store_type(store) == SHADOW_STORE_FILE && is_directory(store)))
			return "what is for all volumes (*) is memory or a directory, written "
			       "with a slash at its end: other stores serve one volume";
	} else if (*volume != '/' && !sc_is_tag(volume)) {
		return "the volume is neither a path nor one of UUID=, LABEL=, PARTUUID= and "
		       "PARTLABEL= nor *";
	}
	if (!strncmp(store, "UUID=", 5) || !strncmp(store, "LABEL=", 6))
		return "a store has no UUID and no label, since its device's contents are "
		       "overwritten: name the device by PARTUUID= or by its link in "
		       "/dev/disk/by-id";
	if (*store != '/' && !sc_is_tag(store) && strcmp(store, "memory"))
		return "the store is neither \"memory\" nor a path nor one of PARTUUID= and "
		       "PARTLABEL=";
	if (!strncmp(store, "/dev/", 5) && is_directory(store))
		return "no files are made below /dev";
	if (strlen(store) >= SHADOWCOPY_STORE_PATH_MAX)
		return "the name of the store is too long";
	return NULL;
}

/* --- options -------------------------------------------------------------- */

/* Milliseconds of "1.5", which is in seconds. */
static const char *parse_throttle(struct shadowcopy_association *entry, const char *value)
{
	double seconds;
	char *end;

	seconds = strtod(value, &end);
	if (end == value || *end || !(seconds >= 0.001) || seconds > 3600)
		return "it is not a number of seconds from 0.001 to 3600";
	entry->throttle_ms = seconds * 1000 + 0.5;
	return NULL;
}

static bool is_too_small(const struct shadowcopy_amount *amount)
{
	return amount->bytes && amount->bytes != SHADOWCOPY_UNLIMITED &&
	       amount->bytes < SC_STORE_MIN;
}

/* What only all options together have wrong. */
static const char *check_options(const struct shadowcopy_association *entry)
{
	if (entry->throttle_ms && entry->policy != SHADOW_POLICY_THROTTLE)
		return "throttle= goes with policy=throttle, and with no other";
	return NULL;
}

static const char *parse_max(struct shadowcopy_association *entry, const char *value)
{
	const char *wrong = shadowcopy_amount_parse(value, &entry->max);

	if (wrong)
		return wrong;
	if (sc_store_type(entry->store) == SHADOW_STORE_MEMORY &&
	    entry->max.bytes == SHADOWCOPY_UNLIMITED)
		return "a store in memory must have a limit";
	if (!entry->max.bytes && !entry->max.percent)
		return "nothing can be stored in it";
	return is_too_small(&entry->max) ? TOO_SMALL : NULL;
}

static const char *parse_initial(struct shadowcopy_association *entry, const char *value)
{
	const char *wrong;

	if (sc_store_type(entry->store) != SHADOW_STORE_FILE)
		return "only a file has an initial size";
	wrong = shadowcopy_amount_parse(value, &entry->initial);
	if (wrong)
		return wrong;
	if (entry->initial.bytes == SHADOWCOPY_UNLIMITED)
		return "it is a size, for example 64M or 2%";
	if (!entry->initial.bytes && !entry->initial.percent)
		return "a file must have a size";
	return is_too_small(&entry->initial) ? TOO_SMALL : NULL;
}

static const char *parse_policy(struct shadowcopy_association *entry, const char *value)
{
	return shadowcopy_policy_parse(value, &entry->policy) ?
	       "there are evict, throttle and fail-io" : NULL;
}

static const struct {
	const char *name;
	const char *(*parse)(struct shadowcopy_association *entry, const char *value);
} option_kinds[] = {
	{ "max", parse_max }, { "initial", parse_initial }, { "policy", parse_policy },
	{ "throttle", parse_throttle },
};

/* @seen: a bit for each option that the line has already. */
static const char *parse_option(struct shadowcopy_association *entry, const char *name,
				const char *value, unsigned int *seen)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(option_kinds); i++) {
		if (strcmp(name, option_kinds[i].name))
			continue;
		if (*seen & 1U << i)
			return "the line has it twice";
		*seen |= 1U << i;
		return option_kinds[i].parse(entry, value);
	}
	return "there is no such option; there are max, initial, policy and throttle";
}

static int parse_options(struct shadowcopy_stores *stores, size_t number,
			 struct shadowcopy_association *entry, char *options)
{
	char *name, *value, *p = options;
	size_t name_size, value_size;
	const char *wrong = NULL;
	unsigned int seen = 0;
	int rc;

	while (p && *p) {
		rc = mnt_optstr_next_option(&p, &name, &name_size, &value, &value_size);
		if (rc)
			return rc == 1 ? 0 : bad_line(stores, number, "\"%s\" is no list of "
						      "options", options);
		name = strndup(name, name_size);
		value = strndup(value ?: "", value ? value_size : 0);
		rc = 0;
		if (!name || !value) {
			rc = no_memory(stores);
		} else {
			wrong = *value ? parse_option(entry, name, value, &seen) :
				"an option is written NAME=VALUE";
			if (wrong)
				rc = bad_line(stores, number, "%s%s%s: %s", name,
					      *value ? "=" : "", value, wrong);
		}
		free(name);
		free(value);
		if (rc)
			return rc;
	}
	wrong = check_options(entry);
	return wrong ? bad_line(stores, number, "%s", wrong) : 0;
}

/* --- reading -------------------------------------------------------------- */

static void line_clear(struct line *line)
{
	free(line->text);
	free(line->volume);
	free(line->store);
	free(line->comment);
	memset(line, 0, sizeof(*line));
}

/* A device or a file serves one volume: its line must be the only one. */
static int check_unique(struct shadowcopy_stores *stores, size_t number)
{
	const struct line *line = &stores->lines[number - 1];
	size_t i;

	for (i = 0; i < stores->count; i++) {
		const struct line *other = &stores->lines[i];

		if (!other->is_entry || other == line)
			continue;
		if (!strcmp(other->volume, line->volume) && !strcmp(other->store, line->store))
			return bad_line(stores, number, "line %zu says the same", i + 1);
		if (!strcmp(other->volume, "*") && !strcmp(line->volume, "*"))
			return bad_line(stores, number, "line %zu is for all volumes (*), too",
					i + 1);
		if (!strcmp(other->volume, line->volume) && other->entry.policy &&
		    line->entry.policy &&
		    (other->entry.policy != line->entry.policy ||
		     other->entry.throttle_ms != line->entry.throttle_ms))
			return bad_line(stores, number, "line %zu gives the volume another policy",
					i + 1);
		if (!strcmp(other->store, line->store) && !is_directory(line->store) &&
		    strcmp(line->store, "memory"))
			return bad_line(stores, number, "%s is the store of %s already (line %zu), "
					"and a store serves one volume", line->store,
					other->volume, i + 1);
	}
	return 0;
}

static int parse_line(struct shadowcopy_stores *stores, size_t number)
{
	struct line *line = &stores->lines[number - 1];
	char *copy = strdup(line->text);
	struct fields fields = { 0 };
	const char *wrong;
	int rc = 0;

	if (!copy)
		return no_memory(stores);
	if (!line->text[strspn(line->text, " \t")] ||
	    line->text[strspn(line->text, " \t")] == '#')
		goto out;
	wrong = split(copy, &fields);
	if (wrong) {
		rc = bad_line(stores, number, "%s", wrong);
		goto out;
	}
	line->volume = mnt_unmangle(fields.volume);
	line->store = mnt_unmangle(fields.store);
	line->comment = fields.comment ? strdup(fields.comment) : NULL;
	if (!line->volume || !line->store || (fields.comment && !line->comment)) {
		rc = no_memory(stores);
		goto out;
	}
	wrong = check_names(line->volume, line->store);
	if (wrong) {
		rc = bad_line(stores, number, "%s", wrong);
		goto out;
	}
	line->is_entry = true;
	line->entry.volume = line->volume;
	line->entry.store = line->store;
	line->entry.line = number;
	if (fields.options)
		rc = parse_options(stores, number, &line->entry, fields.options);
	if (!rc)
		rc = check_unique(stores, number);
out:
	free(copy);
	return rc;
}

static struct line *line_append(struct shadowcopy_stores *stores)
{
	struct line *lines = reallocarray(stores->lines, stores->count + 1, sizeof(*lines));

	if (!lines)
		return NULL;
	stores->lines = lines;
	memset(&lines[stores->count], 0, sizeof(*lines));
	return &lines[stores->count++];
}

static int read_lines(struct shadowcopy_stores *stores, FILE *file)
{
	char *buffer = NULL;
	struct line *line;
	size_t room = 0;
	ssize_t length;
	int rc = 0;

	while (!rc && (length = getline(&buffer, &room, file)) >= 0) {
		if (length && buffer[length - 1] == '\n')
			buffer[--length] = '\0';
		line = line_append(stores);
		if (line)
			line->text = strdup(buffer);
		if (!line || !line->text)
			rc = no_memory(stores);
		else if (strlen(buffer) != (size_t)length)
			rc = bad_line(stores, stores->count, "it has a NUL in it");
		else
			rc = parse_line(stores, stores->count);
	}
	if (!rc && ferror(file))
		rc = SC_FAIL(stores->sc, -EIO, .action = ACTION, .object = SHADOWCOPY_STORES_CONF);
	free(buffer);
	return rc;
}

static int read_file(struct shadowcopy_stores *stores)
{
	FILE *file = fopen(stores->path, "re");
	int rc;

	if (!file && errno == ENOENT)
		return 0;
	if (!file || fstat(fileno(file), &stores->st) < 0)
		rc = SC_FAIL(stores->sc, -errno, .action = ACTION,
			     .object = SHADOWCOPY_STORES_CONF);
	else if ((stores->st.st_uid && stores->st.st_uid != geteuid()) ||
		 stores->st.st_mode & 0022)
		rc = SC_FAIL(stores->sc, -EPERM, .action = ACTION,
			     .object = SHADOWCOPY_STORES_CONF,
			     .cause = "others than root can change it, and it says what root "
				      "overwrites",
			     .remedy = "run \"chown root " SHADOWCOPY_STORES_CONF "\" and \"chmod "
				       "go-w " SHADOWCOPY_STORES_CONF "\" after a look at it");
	else
		rc = read_lines(stores, file);
	if (file)
		fclose(file);
	return rc;
}

/* --- opening and closing ---------------------------------------------------- */

/* The file itself, where its name is a link; its place, where there is none. */
static char *find_file(const struct shadowcopy *sc)
{
	char *path = sc_path(sc, SHADOWCOPY_STORES_CONF);
	char *real = path ? realpath(path, NULL) : NULL;

	if (!real)
		return path;
	free(path);
	return real;
}

/* Lock the directory of the file; make it first. */
static int lock(struct shadowcopy_stores *stores)
{
	char *dir = strdup(stores->path), *end = dir ? strrchr(dir, '/') : NULL;
	int rc = 0;

	if (!end) {
		free(dir);
		return no_memory(stores);
	}
	*end = '\0';
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		rc = -errno;
	if (!rc) {
		stores->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (stores->lock < 0 || flock(stores->lock, LOCK_EX) < 0)
			rc = -errno;
	}
	if (rc)
		SC_FAIL(stores->sc, rc, .action = "change the associations in", .object = dir);
	free(dir);
	return rc;
}

SC_EXPORT int shadowcopy_stores_open(struct shadowcopy *sc, uint32_t flags,
				     struct shadowcopy_stores **storesp)
{
	struct shadowcopy_stores *stores = calloc(1, sizeof(*stores));
	int rc = 0;

	*storesp = NULL;
	if (stores)
		stores->path = find_file(sc);
	if (!stores || !stores->path) {
		free(stores);
		return SC_FAIL(sc, -ENOMEM, .action = ACTION, .object = SHADOWCOPY_STORES_CONF);
	}
	stores->sc = sc;
	stores->lock = -1;
	if (flags & SHADOWCOPY_STORES_EDIT)
		rc = lock(stores);
	if (!rc)
		rc = read_file(stores);
	if (rc)
		shadowcopy_stores_close(stores);
	else
		*storesp = stores;
	return rc;
}

SC_EXPORT void shadowcopy_stores_close(struct shadowcopy_stores *stores)
{
	size_t i;

	if (!stores)
		return;
	for (i = 0; i < stores->count; i++)
		line_clear(&stores->lines[i]);
	if (stores->lock >= 0)
		close(stores->lock);
	free(stores->lines);
	free(stores->path);
	free(stores);
}

/* --- looking up ------------------------------------------------------------- */

/* The line of the entry of index @index, or NULL. */
static struct line *line_of(const struct shadowcopy_stores *stores, size_t index)
{
	size_t i;

	for (i = 0; i < stores->count; i++)
		if (stores->lines[i].is_entry && !index--)
			return &stores->lines[i];
	return NULL;
}

SC_EXPORT const struct shadowcopy_association *
shadowcopy_stores_entry(const struct shadowcopy_stores *stores, size_t index)
{
	const struct line *line = line_of(stores, index);

	return line ? &line->entry : NULL;
}

SC_EXPORT const struct shadowcopy_association *
shadowcopy_stores_default(const struct shadowcopy_stores *stores)
{
	const struct shadowcopy_association *entry;
	size_t i;

	for (i = 0; (entry = shadowcopy_stores_entry(stores, i)); i++)
		if (!strcmp(entry->volume, "*"))
			return entry;
	return NULL;
}

SC_EXPORT const struct shadowcopy_association *
shadowcopy_stores_next(struct shadowcopy_stores *stores, struct shadow_dev dev, size_t *index)
{
	const struct shadowcopy_association *entry;

	while ((entry = shadowcopy_stores_entry(stores, (*index)++)))
		if (strcmp(entry->volume, "*") && sc_name_means(stores->sc, entry->volume, dev))
			return entry;
	return NULL;
}

/* --- changing --------------------------------------------------------------- */

static void append_option(char **options, const char *name, const char *value)
{
	char *more;

	if (!*options)
		return;
	if (asprintf(&more, "%s%s%s=%s", *options, **options ? "," : "", name, value) < 0)
		more = NULL;
	free(*options);
	*options = more;
}

/* To be freed; NULL where memory is short. */
static char *render_options(const struct shadowcopy_association *entry)
{
	char amount[SHADOWCOPY_AMOUNT_LEN], throttle[32];
	char *options = strdup("");
	int length;

	if (entry->max.bytes || entry->max.percent)
		append_option(&options, "max", shadowcopy_amount_format(&entry->max, amount));
	if (entry->initial.bytes || entry->initial.percent)
		append_option(&options, "initial",
			      shadowcopy_amount_format(&entry->initial, amount));
	if (entry->policy)
		append_option(&options, "policy", shadowcopy_policy_name(entry->policy));
	if (entry->throttle_ms) {
		length = snprintf(throttle, sizeof(throttle), "%u.%03u",
				  entry->throttle_ms / 1000, entry->throttle_ms % 1000);
		while (throttle[length - 1] == '0')
			throttle[--length] = '\0';
		if (throttle[length - 1] == '.')
			throttle[--length] = '\0';
		append_option(&options, "throttle", throttle);
	}
	return options;
}

static char *render(const struct shadowcopy_association *entry, const char *comment)
{
	char *volume = mnt_mangle(entry->volume), *store = mnt_mangle(entry->store);
	char *options = render_options(entry), *text = NULL;

	if (volume && store && options &&
	    asprintf(&text, "%-41s %-39s%s%s%s%s", volume, store, *options ? " " : "", options,
		     comment ? " " : "", comment ?: "") < 0)
		text = NULL;
	free(volume);
	free(store);
	free(options);
	/* what fills up the columns, where nothing follows */
	if (text)
		while (*text && text[strlen(text) - 1] == ' ')
			text[strlen(text) - 1] = '\0';
	return text;
}

/* Write the line of index @at anew.  It is read again, so whatever is wrong is found. */
static int put(struct shadowcopy_stores *stores, size_t at,
	       const struct shadowcopy_association *entry)
{
	struct line *line = &stores->lines[at];
	char *text = render(entry, line->comment);
	int rc;

	if (!text)
		return no_memory(stores);
	line_clear(line);
	line->text = text;
	stores->adding = at + 1;
	rc = parse_line(stores, at + 1);
	stores->adding = 0;
	return rc;
}

static int put_text(struct shadowcopy_stores *stores, const char *text)
{
	struct line *line = line_append(stores);

	if (line)
		line->text = strdup(text);
	return line && line->text ? 0 : no_memory(stores);
}

SC_EXPORT int shadowcopy_stores_add(struct shadowcopy_stores *stores,
				    const struct shadowcopy_association *entry)
{
	int rc = 0;

	if (!stores->count) {
		rc = put_text(stores, "# Which volume has which stores: see stores.conf(5).");
		rc = rc ? rc : put_text(stores, "# VOLUME                                  "
				       "STORE                                   OPTIONS");
	}
	if (!rc && !line_append(stores))
		rc = no_memory(stores);
	return rc ? rc : put(stores, stores->count - 1, entry);
}

SC_EXPORT int shadowcopy_stores_change(struct shadowcopy_stores *stores, size_t index,
				       const struct shadowcopy_association *entry)
{
	struct line *line = line_of(stores, index);

	if (!line)
		return SC_FAIL(stores->sc, -ENOENT, .action = "change the association in",
			       .object = SHADOWCOPY_STORES_CONF);
	return put(stores, line - stores->lines, entry);
}

SC_EXPORT int shadowcopy_stores_remove(struct shadowcopy_stores *stores, size_t index)
{
	struct line *line = line_of(stores, index);
	size_t i;

	if (!line)
		return SC_FAIL(stores->sc, -ENOENT, .action = "remove the association from",
			       .object = SHADOWCOPY_STORES_CONF);
	line_clear(line);
	memmove(line, line + 1, (stores->lines + --stores->count - line) * sizeof(*line));
	for (i = 0; i < stores->count; i++)
		if (stores->lines[i].is_entry)
			stores->lines[i].entry.line = i + 1;
	return 0;
}

/* --- writing ---------------------------------------------------------------- */

static int write_lines(const struct shadowcopy_stores *stores, int fd)
{
	FILE *file = fdopen(dup(fd), "we");
	size_t i;
	int rc;

	if (!file)
		return -errno;
	for (i = 0; i < stores->count; i++) {
		fputs(stores->lines[i].text, file);
		fputc('\n', file);
	}
	rc = ferror(file) ? -EIO : 0;
	if (fclose(file))
		rc = -errno;
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

static int replace(const struct shadowcopy_stores *stores, const char *temporary)
{
	const struct stat *st = &stores->st;
	int fd, rc;

	unlink(temporary);	/* of somebody who died; the lock is ours */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = 0;
	if (st->st_ino && (fchown(fd, st->st_uid, st->st_gid) < 0 ||
			   fchmod(fd, st->st_mode & 07777) < 0))
		rc = -errno;
	rc = rc ? rc : write_lines(stores, fd);
	close(fd);
	if (!rc && rename(temporary, stores->path) < 0)
		rc = -errno;
	if (!rc && fsync(stores->lock) < 0)
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc;
}

SC_EXPORT int shadowcopy_stores_commit(struct shadowcopy_stores *stores)
{
	char *temporary;
	int rc;

	if (stores->lock < 0)
		return SC_FAIL(stores->sc, -EBADF, .action = "write",
			       .object = SHADOWCOPY_STORES_CONF,
			       .cause = "it was opened for reading");
	if (asprintf(&temporary, "%s.new", stores->path) < 0)
		return no_memory(stores);
	rc = replace(stores, temporary);
	free(temporary);
	if (rc)
		return SC_FAIL(stores->sc, rc, .action = "write",
			       .object = SHADOWCOPY_STORES_CONF);
	return 0;
}
