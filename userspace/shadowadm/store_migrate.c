// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_migrate.c - shadowadm store migrate: move the store of a volume elsewhere, with all
 * that is in it, while its shadows are used (VSS E-06).
 *
 *	1. make the new place ready, and where the volume has a store in use, add it as a part
 *	2. write its line in the place of the old ones
 *	3. clear out the old parts, one after the other, and let go of them
 *	4. delete files of theirs
 *
 * Nothing is lost wherever this ends, and said again it goes on from there: what is done
 * already is found as it should be.  After 2 the new place is kept, and the old ones are as
 * good as gone: no line has them, so they go with the volume's last shadow at the latest.
 */
#include "store.h"
#include "stores.h"

#define MIB (1ULL << 20)

struct migration {
	struct store_sizes sizes;
	struct shadowcopy_volume volume;
	bool all;
	bool in_use;			/* the volume has a store */
	struct store_target to;
	char name[SHADOWCOPY_STORE_PATH_MAX + 1];	/* of @to, in stores.conf */
	char volume_name[SHADOWCOPY_PATH_MAX];
	struct store_target *from;
	size_t count;
	bool known;			/* there is a line for @to */
	json_t *cleared;
	uint64_t moved;
};

static struct store_target *append(struct migration *migration)
{
	struct store_target *from = reallocarray(migration->from, migration->count + 1,
						 sizeof(*from));

	if (!from)
		return NULL;
	migration->from = from;
	memset(&from[migration->count], 0, sizeof(*from));
	return &from[migration->count++];
}

/* --- what is to be moved --------------------------------------------------------------- */

static int collect_parts(struct context *context, struct migration *migration)
{
	struct shadow_store_info info = { 0 };
	struct store_target *from;
	int rc;

	while ((rc = shadowcopy_part_next(context->sc, &info)) > 0) {
		if (!dev_equal(info.volume, migration->volume.dev) ||
		    (migration->to.live && info.part == migration->to.part.part))
			continue;
		from = append(migration);
		if (!from)
			return fail(context, "there is not enough memory");
		from->live = true;
		from->part = info;
		if (shadowcopy_part_describe(context->sc, &info, &from->store))
			return fail_library(context);
		store_label(&from->store, from->name, sizeof(from->name));
	}
	/* without the module there are lines all the same; target_find() was content, too */
	return STATUS_OK;
}

/* Of the lines those that no part in use is of. */
static int collect_lines(struct context *context, struct shadowcopy_stores *stores,
			 struct migration *migration)
{
	const struct shadowcopy_association *entry;
	struct store_target found, *from;
	size_t index = 0;
	int status;

	while ((entry = shadowcopy_stores_next(stores, migration->volume.dev, &index))) {
		status = target_find(context, &migration->volume, entry->store, &found);
		if (status)
			return status;
		if (found.live || store_same(&found.store, &migration->to.store))
			continue;
		from = append(migration);
		if (!from)
			return fail(context, "there is not enough memory");
		*from = found;
	}
	return STATUS_OK;
}

static int find_all(struct context *context, struct migration *migration)
{
	struct shadowcopy_stores *stores;
	int status;

	if (shadowcopy_stores_open(context->sc, 0, &stores))
		return fail_library(context);
	migration->known = association_of(context, stores, &migration->volume,
					  &migration->to) >= 0;
	status = collect_parts(context, migration);
	if (!status)
		status = collect_lines(context, stores, migration);
	shadowcopy_stores_close(stores);
	return status;
}

static int find_one(struct context *context, struct migration *migration, const char *text)
{
	struct store_target *from = append(migration);
	struct shadowcopy_stores *stores;
	bool has_line;
	int status;

	if (!from)
		return fail(context, "there is not enough memory");
	status = target_find(context, &migration->volume, text, from);
	if (status)
		return status;
	if (from->live && migration->to.live ? from->part.part == migration->to.part.part :
	    store_same(&from->store, &migration->to.store))
		return usage(context, "%s is both the old and the new store", text);
	if (shadowcopy_stores_open(context->sc, 0, &stores))
		return fail_library(context);
	has_line = association_of(context, stores, &migration->volume, from) >= 0;
	migration->known = association_of(context, stores, &migration->volume,
					  &migration->to) >= 0;
	shadowcopy_stores_close(stores);
	/* it may have been moved before */
	if (!has_line && !from->live && !migration->known && !migration->to.live)
		return fail(context, "%s is no store of %s: \"shadowadm store list\" shows those "
			    "that there are", from->name, migration->volume.path);
	return STATUS_OK;
}

/* --- the new place ------------------------------------------------------------------------ */

static uint64_t to_be_moved(const struct migration *migration)
{
	uint64_t used = 0;
	size_t i;

	for (i = 0; i < migration->count; i++)
		if (migration->from[i].live)
			used += migration->from[i].part.used_bytes;
	return used;
}

static bool is_moved(const struct migration *migration, const struct shadow_store_info *part)
{
	size_t i;

	for (i = 0; i < migration->count; i++)
		if (migration->from[i].live && migration->from[i].part.part == part->part)
			return true;
	return false;
}

/*
 * Where the new place's limit is too low even if all of the store that stays is used, that
 * is said before anything is changed.  Whether the rest can grow is seen when it has to.
 */
static int check_room(struct context *context, const struct migration *migration,
		      const struct shadow_store_spec *spec)
{
	struct shadow_store_info part = { 0 };
	uint64_t room = spec->max_bytes, used = to_be_moved(migration);
	char sizes[2][16];

	if (!spec->max_bytes)
		return STATUS_OK;
	while (shadowcopy_part_next(context->sc, &part) > 0)
		if (dev_equal(part.volume, migration->volume.dev) && !is_moved(migration, &part) &&
		    part.max_bytes > part.used_bytes)
			room += part.max_bytes - part.used_bytes;
	if (used <= room)
		return STATUS_OK;
	return fail(context, "%s with what stays of the store has room for %s, and %s are to be "
		    "moved: give it more with --max, or delete shadows",
		    migration->name, size_format(room, sizes[0]), size_format(used, sizes[1]));
}

/* What is there already must fit in at once. */
static void begin_large_enough(struct migration *migration, struct shadowcopy_store *store)
{
	uint64_t used = to_be_moved(migration);

	if (store->type == SHADOW_STORE_FILE && !store->initial.bytes && !store->initial.percent &&
	    used > 48 * MIB)
		store->initial.bytes = (used + used / 4 + MIB - 1) & ~(MIB - 1);
}

/* The line of the new store, in the place of the first old one; the others go. */
static int edit(struct context *context, struct shadowcopy_stores *stores,
		struct migration *migration)
{
	struct shadowcopy_association entry = {
		.volume = migration->volume_name, .store = migration->name,
		.max = migration->to.store.max, .initial = migration->to.store.initial,
	};
	const struct shadowcopy_association *old;
	bool known = migration->known;
	ssize_t index;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < migration->count; i++) {
		index = association_of(context, stores, &migration->volume, &migration->from[i]);
		if (index < 0)
			continue;
		old = shadowcopy_stores_entry(stores, index);
		if (old->policy) {	/* it is the volume's, whichever line has it */
			entry.policy = old->policy;
			entry.throttle_ms = old->throttle_ms;
		}
		rc = known ? shadowcopy_stores_remove(stores, index) :
		     shadowcopy_stores_change(stores, index, &entry);
		known = true;
	}
	if (!rc && !known)
		rc = shadowcopy_stores_add(stores, &entry);
	index = rc ? -1 : association_of(context, stores, &migration->volume, &migration->to);
	if (index >= 0 && entry.policy && !shadowcopy_stores_entry(stores, index)->policy) {
		struct shadowcopy_association kept = *shadowcopy_stores_entry(stores, index);

		kept.policy = entry.policy;
		kept.throttle_ms = entry.throttle_ms;
		rc = shadowcopy_stores_change(stores, index, &kept);
	}
	return rc;
}

/* Ready, a part of the store in use, and written down. */
static int establish(struct context *context, struct migration *migration)
{
	struct shadowcopy_store store = migration->to.store;
	struct shadowcopy_stores *stores = NULL;
	struct shadowcopy_part *part = NULL;
	bool added = false;
	int rc, status = STATUS_OK;

	begin_large_enough(migration, &store);
	rc = shadowcopy_stores_open(context->sc, SHADOWCOPY_STORES_EDIT, &stores);
	rc = rc ? rc : edit(context, stores, migration);
	if (!rc && !migration->to.live && (migration->in_use || !migration->known))
		rc = shadowcopy_part_open(context->sc, &migration->volume, &store, &part);
	if (!rc && part)
		status = check_room(context, migration, shadowcopy_part_spec(part));
	if (!rc && !status && part && migration->in_use) {
		rc = shadowcopy_part_add(context->sc, migration->volume.dev,
					 shadowcopy_part_spec(part), NULL);
		added = !rc;
	}
	if (!rc && !status)
		rc = shadowcopy_stores_commit(stores);
	if (rc)
		fail_library(context);
	/* a part that was added stays: said again, it is found */
	if (part && ((!rc && !status) || added))
		shadowcopy_part_keep(part);
	if (shadowcopy_part_close(part))
		warn(context, "%s", shadowcopy_last_error(context->sc)->text);
	shadowcopy_stores_close(stores);
	return rc ? STATUS_FAILED : status;
}

/* --- the old ones ---------------------------------------------------------------------------- */

static int clear_out(struct context *context, struct migration *migration,
		     const struct store_target *from)
{
	json_t *object;
	uint64_t moved = 0;
	bool deleted;

	if (from->live && target_resize(context, from, 0, &moved))
		return STATUS_FAILED;
	migration->moved += moved;
	deleted = store_file_delete(context, &from->store);
	object = json_object();
	json_text(object, "store", from->name);
	json_value(object, "part", from->live ? number_json(from->part.part) : NULL);
	json_number(object, "moved", moved);
	json_value(object, "file_deleted", json_boolean(deleted));
	json_array_append_new(migration->cleared, object);
	return STATUS_OK;
}

static int migrate(struct context *context, struct migration *migration)
{
	int status = establish(context, migration);
	size_t i;

	for (i = 0; !status && i < migration->count; i++) {
		status = clear_out(context, migration, &migration->from[i]);
		if (status)
			progress(context, "%s is a part of the store and stays one",
				 migration->name);
	}
	return status;
}

static int print(struct context *context, struct migration *migration)
{
	json_t *object;
	char size[16];

	if (!context->json) {
		progress(context, "%s: its store is %s now; %s were moved",
			 migration->volume.path, migration->name,
			 size_format(migration->moved, size));
		return STATUS_OK;
	}
	object = json_object();
	json_text(object, "volume", migration->volume_name);
	json_text(object, "store", migration->name);
	json_number(object, "moved", migration->moved);
	json_value(object, "cleared", json_incref(migration->cleared));
	return json_print(object);
}

static int prepare(struct context *context, struct migration *migration, char **arguments)
{
	const char *volume = arguments[0], *old = arguments[1];
	const char *new = arguments[migration->all ? 1 : 2];
	int status;

	if (!strcmp(volume, "*"))
		return usage(context, "\"*\" is no volume that has a store in use; \"shadowadm "
			     "store add\" and \"remove\" change its line");
	if (shadowcopy_resolve(context->sc, volume, &migration->volume))
		return fail_library(context);
	status = target_find(context, &migration->volume, new, &migration->to);
	if (!status)
		status = store_sizes_apply(context, &migration->sizes, &migration->to.store);
	if (!status)
		status = store_name(context, &migration->to.store, migration->name);
	if (!status)
		status = volume_name(context, &migration->volume, migration->volume_name);
	if (!status)
		status = store_in_use(context, &migration->volume, &migration->in_use);
	if (!status)
		status = migration->all ? find_all(context, migration) :
			 find_one(context, migration, old);
	return status;
}

static int run(struct context *context, int argc, char **argv)
{
	enum { OPTION_ALL = OPTION_OWN, OPTION_MAX, OPTION_INITIAL, OPTION_FORCE };
	static const struct option longs[] = {
		{ "all", no_argument, NULL, OPTION_ALL },
		{ "max", required_argument, NULL, OPTION_MAX },
		{ "initial", required_argument, NULL, OPTION_INITIAL },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct migration migration = { 0 };
	int option, status;

	while ((option = next_option(context, argc, argv, "q", longs, &status)) != -1)
		switch (option) {
		case OPTION_ALL:
			migration.all = true;
			break;
		case OPTION_MAX:
			migration.sizes.max = optarg;
			break;
		case OPTION_INITIAL:
			migration.sizes.initial = optarg;
			break;
		case OPTION_FORCE:
			migration.sizes.force = true;
			break;
		case 'q':
			context->quiet = true;
			break;
		default:
			return status;
		}
	if (argc - optind != (migration.all ? 2 : 3))
		return usage(context, "it takes a volume, the old store and the new one, or with "
			     "--all a volume and the new one");
	status = prepare(context, &migration, argv + optind);
	migration.cleared = json_array();
	if (!status)
		status = migrate(context, &migration);
	if (!status)
		status = print(context, &migration);
	json_decref(migration.cleared);
	free(migration.from);
	return status;
}

const struct command store_migrate = {
	.name = "store migrate",
	.summary = "Move a store, or a part of one, with all that is in it",
	.synopsis = "VOLUME OLD NEW [OPTIONS]\n"
		    "--all VOLUME NEW [OPTIONS]",
	.text = "NEW is made a part of the store that is in use, and takes the place of OLD in\n"
		"/etc/shadowcopy/stores.conf; then what OLD holds is moved, and OLD let go of.  The\n"
		"shadows are used meanwhile, and none is lost.  If it is interrupted, or NEW has not\n"
		"enough room, say it again later: it goes on from there.  OLD can also be the number\n"
		"of a part (\"shadowadm store list\").\n\n"
		"Options:\n"
		"      --all             move all parts of the store that NEW is not\n"
		"      --max SIZE        how much may be stored in NEW, as for \"store add\"\n"
		"      --initial SIZE    size to begin a file with; what OLD holds, or as for\n"
		"                        \"store add\", without it\n"
		"      --force           overwrite what is in NEW\n"
		"  -q, --quiet           no progress\n"
		COMMON_HELP,
	.run = run,
};
