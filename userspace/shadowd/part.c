// SPDX-License-Identifier: GPL-2.0-only
/*
 * part.c - who takes part (A-16, l.4).
 *
 * In a backup with chosen components: the writers of those.  In one of volumes: the writers
 * that have something on one of them, with all their components, so that they can say of
 * each what they have to say; where their files are is looked at in a thread that can be let go
 * of, since a file's name can lead anywhere.  Who has told nothing of his data, or names places
 * by variables that only he can expand, may have some anywhere, and takes part.
 *
 * In a restore: the writers of what is to be restored, unless they never want to hear.
 */
#include "shadowd.h"

/* Where a writer has something. */
struct place {
	char *path;
	bool recursive;
};

/* The look at places may never end, so it has copies of all that it needs. */
struct search {
	struct errand errand;
	void (*done)(struct session *session);
	struct shadowcopy *sc;
	size_t count, volume_count;
	struct shadow_dev volumes[SHADOW_MAX_SET_VOLUMES];
	struct looked {
		struct shadow_uuid instance;
		char name[SHADOW_NL_NAME_MAX + 1];
		struct place *places;
		size_t place_count;
		bool affected;
	} writers[];
};

/* What follows it, with the session's document. */
struct choosing {
	struct work work;
	struct session *session;
	void (*done)(struct session *session);
	struct shadowcopy *sc;
	struct shadowcopy_metadata **metadata;
	size_t count;
};

/* --- in a thread ------------------------------------------------------------------------- */

static bool is_affected(struct search *search, struct shadowcopy_affected *affected,
			const struct looked *writer)
{
	size_t i;

	for (i = 0; i < writer->place_count; i++) {
		const struct place *place = &writer->places[i];

		errand_note(&search->errand, writer->name, place->path);
		/* What cannot be looked at may be there. */
		if (shadowcopy_affected_test(affected, place->path, place->recursive))
			return true;
	}
	return false;
}

static void look(struct errand *errand)
{
	struct search *search = ENTRY(errand, struct search, errand);
	struct shadowcopy_affected *affected;
	size_t i;

	if (shadowcopy_affected_new(search->sc, search->volumes, search->volume_count, &affected))
		return;		/* all take part */
	for (i = 0; i < search->count; i++)
		if (search->writers[i].place_count)
			search->writers[i].affected = is_affected(search, affected,
								  &search->writers[i]);
	shadowcopy_affected_free(affected);
}

/*
 * All of a writer that is to be chosen by itself; the rest comes with it.  There can be thousands,
 * and each is looked for among the others.
 */
static void choose_all(struct choosing *choosing, const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];
		uint32_t rule = shadowcopy_component_selectability(metadata, c);

		if (rule == SHADOWCOPY_SELECTABILITY_MANDATORY ||
		    rule == SHADOWCOPY_SELECTABILITY_OPTIONAL)
			shadowcopy_backup_add_component(choosing->sc, choosing->session->backup,
							metadata, c->path, c->name, NULL);
	}
}

/* While it runs the session is working: nothing of its participants is freed, nor its document. */
static void choose(struct work *work)
{
	struct choosing *choosing = ENTRY(work, struct choosing, work);
	size_t i;

	for (i = 0; i < choosing->count; i++)
		choose_all(choosing, choosing->metadata[i]);
}

/* --- in the loop --------------------------------------------------------------------------- */

static void chosen(struct work *work)
{
	struct choosing *choosing = ENTRY(work, struct choosing, work);
	struct session *session = choosing->session;
	void (*done)(struct session *session) = choosing->done;

	session->working = false;
	shadowcopy_free(choosing->sc);
	free(choosing->metadata);
	free(choosing);
	exchange_note_users(session);
	session_go_on(session, done);
}

/* Their components go into the document, if it may be changed. */
static void choose_affected(struct session *session, void (*done)(struct session *session))
{
	struct choosing *choosing = exchange_act(session) ? NULL : calloc(1, sizeof(*choosing));

	if (choosing)
		choosing->sc = shadowcopy_new();
	if (!choosing || !choosing->sc)
		goto none;
	choosing->count = exchange_metadata(session, true, &choosing->metadata);
	if (!choosing->count)
		goto none;
	choosing->session = session;
	choosing->done = done;
	choosing->work.run = choose;
	choosing->work.done = chosen;
	session->working = true;
	work_start_large(&choosing->work, session->uid);
	return;

none:
	if (choosing) {
		shadowcopy_free(choosing->sc);
		free(choosing->metadata);
		free(choosing);
	}
	done(session);
}

static void looked(struct errand *errand, struct session *session)
{
	struct search *search = ENTRY(errand, struct search, errand);
	struct participant *p;
	size_t i;

	for (i = 0; i < search->count; i++) {
		p = participant_find(session, &search->writers[i].instance);
		if (p && !search->writers[i].affected)
			p->part = PART_NO_DATA;
	}
	choose_affected(session, search->done);
}

static void free_search(struct errand *errand)
{
	struct search *search = ENTRY(errand, struct search, errand);
	size_t i, j;

	for (i = 0; i < search->count; i++) {
		for (j = 0; j < search->writers[i].place_count; j++)
			free(search->writers[i].places[j].path);
		free(search->writers[i].places);
	}
	shadowcopy_free(search->sc);
	free(search);
}

/* One that only its writer could expand may be anywhere. */
static bool add_place(struct looked *writer, const char *path, bool recursive)
{
	struct place *place = &writer->places[writer->place_count];

	if (!path)
		return true;
	place->path = strchr(path, '$') ? NULL : strdup(path);
	place->recursive = recursive;
	writer->place_count += !!place->path;
	return place->path;
}

static bool add_sets(struct looked *writer, struct shadowcopy_fileset *const *sets, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!add_place(writer, sets[i]->path, sets[i]->recursive) ||
		    !add_place(writer, sets[i]->alternate, sets[i]->recursive))
			return false;
	return true;
}

static size_t count_sets(const struct shadowcopy_metadata *metadata)
{
	size_t i, count = 0;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];

		count += c->file_count + c->database_count + c->log_count;
	}
	return count;
}

/*
 * All its places, to be looked at.  Where they are not all there, for want of memory or of the
 * value of a variable, none is, and it takes part.
 */
static void note_places(struct looked *writer, const struct participant *p)
{
	const struct shadowcopy_metadata *metadata = p->metadata;
	size_t i, count = count_sets(metadata);
	bool all = true;

	writer->instance = p->info.instance_id;
	snprintf(writer->name, sizeof(writer->name), "%s", p->info.name);
	writer->affected = count;
	writer->places = count ? calloc(2 * count, sizeof(*writer->places)) : NULL;
	for (i = 0; writer->places && all && i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];

		all = add_sets(writer, c->files, c->file_count) &&
		      add_sets(writer, c->databases, c->database_count) &&
		      add_sets(writer, c->logs, c->log_count);
	}
	while (!all && writer->place_count)
		free(writer->places[--writer->place_count].path);
}

static void find_by_volumes(struct session *session, void (*done)(struct session *session))
{
	struct search *search;
	size_t i, count = 0;

	EACH(p, &session->participants, struct participant, link)
		count += takes_part(p) && p->metadata;
	search = count ? calloc(1, sizeof(*search) + count * sizeof(*search->writers)) : NULL;
	if (search)
		search->sc = shadowcopy_new();
	if (!search || !search->sc) {
		free(search);
		return done(session);	/* all take part */
	}
	search->done = done;
	for (i = 0; i < session->making.count; i++)
		search->volumes[search->volume_count++] = session->making.volumes[i].dev;
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && p->metadata)
			note_places(&search->writers[search->count++], p);
	search->errand.run = look;
	search->errand.done = looked;
	search->errand.free = free_search;
	errand_start(&search->errand, session);
}

void part_find(struct session *session, void (*done)(struct session *session))
{
	struct shadow_uuid instances[PART_INSTANCES_MAX];

	if (!session->backup || !session->backup->component_mode)
		return find_by_volumes(session, done);
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && p->metadata && !part_instances(session, p, instances))
			p->part = PART_NOT_CHOSEN;
	done(session);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ?: "", b ?: "");
}

/* A backed up writer's components that go to another one (B-33). */
static bool goes_to(const struct shadowcopy_backup_writer *writer, const struct shadow_uuid *to)
{
	size_t i;

	for (i = 0; i < writer->component_count; i++)
		if (uuid_same(&writer->components[i]->restore_instance, to))
			return true;
	return false;
}

/* Does root have a writer that is the same but for its instance? */
static bool is_roots(const struct session *session, const struct participant *p)
{
	EACH(other, &session->participants, struct participant, link)
		if (other != p && !other->info.uid &&
		    uuid_same(&other->info.class_id, &p->info.class_id) &&
		    same_text(other->info.instance_name, p->info.instance_name))
			return true;
	return false;
}

/* Is it of who had it at the backup, or of root?  In older documents that is not written. */
static bool same_user(const struct shadowcopy_backup_writer *writer, uid_t uid)
{
	return !uid || (!writer->privileged && (!writer->uid || writer->uid == uid));
}

/*
 * An instance is new at each start of its writer: after a backup it is found again by what it
 * is, what it is called, and whose it is: anybody who may be a writer can say that his is of that
 * class.  Where a user says so of his and root of another, root is right.
 */
size_t part_instances(const struct session *session, const struct participant *p,
		      struct shadow_uuid instances[PART_INSTANCES_MAX])
{
	bool restore = session->backup->mode == SHADOWCOPY_MODE_RESTORE;
	bool mine = !restore || !p->info.uid || !is_roots(session, p);
	size_t i, count = 0;

	for (i = 0; i < session->backup->writer_count && count < PART_INSTANCES_MAX; i++) {
		const struct shadowcopy_backup_writer *writer = session->backup->writers[i];
		bool is = restore ? uuid_same(&writer->class_id, &p->info.class_id) &&
				    same_text(writer->instance_name, p->info.instance_name) &&
				    same_user(writer, p->info.uid) :
				    uuid_same(&writer->instance_id, &p->info.instance_id);

		if ((is && mine) || (restore && goes_to(writer, &p->info.instance_id)))
			instances[count++] = writer->instance_id;
	}
	return count;
}

/* What goes to another instance is none of the first one's any more (B-33). */
static bool is_for(const struct shadowcopy_backup_component *component,
		   const struct participant *p)
{
	static const struct shadow_uuid nobody;

	return component->selected &&
	       (uuid_same(&component->restore_instance, &nobody) ||
		uuid_same(&component->restore_instance, &p->info.instance_id));
}

static bool any_selected(const struct session *session, const struct participant *p,
			 const struct shadow_uuid *instances, size_t count)
{
	size_t i, j, k;

	for (i = 0; i < session->backup->writer_count; i++) {
		const struct shadowcopy_backup_writer *writer = session->backup->writers[i];

		for (j = 0; j < count; j++)
			if (uuid_same(&writer->instance_id, &instances[j]))
				break;
		for (k = 0; j < count && k < writer->component_count; k++)
			if (is_for(writer->components[k], p))
				return true;
	}
	return false;
}

void part_find_restored(struct session *session)
{
	struct shadow_uuid instances[PART_INSTANCES_MAX];

	EACH(p, &session->participants, struct participant, link) {
		size_t count = part_instances(session, p, instances);

		if (p->part == PART_NOT_CHOSEN)
			p->part = PART_TAKES;	/* what was selected before is not what is now */
		if (!takes_part(p))
			continue;
		if (!any_selected(session, p, instances, count) ||
		    (p->metadata && p->metadata->participation == SHADOWCOPY_PARTICIPATION_NEVER))
			p->part = PART_NOT_CHOSEN;
	}
}

/* Also where it was started again since: its instance is another one then. */
static bool same_writer(const struct participant *a, const struct participant *b)
{
	return uuid_same(&a->info.instance_id, &b->info.instance_id) ||
	       (a->info.uid == b->info.uid && uuid_same(&a->info.class_id, &b->info.class_id) &&
		!strcmp(a->info.instance_name, b->info.instance_name));
}

const struct participant *part_restored_elsewhere(const struct session *session,
						  const struct session *other)
{
	EACH(p, &session->participants, struct participant, link) {
		if (!takes_part(p) || (p->metadata &&
				       p->metadata->schema & SHADOWCOPY_SCHEMA_PARALLEL_RESTORES))
			continue;
		EACH(q, &other->participants, struct participant, link)
			if (takes_part(q) && same_writer(p, q))
				return p;
	}
	return NULL;
}

static bool is_in_place(const struct shadowcopy_backup_component *component)
{
	return !component->selected ||
	       (component->file_restore_status == SHADOWCOPY_STATUS_ALL &&
		!component->alternate_used_count);
}

static bool all_in_place(const struct session *session, const struct shadow_uuid *instances,
			 size_t count)
{
	const struct shadowcopy_backup_writer *writer;
	size_t i, j, k;

	for (i = 0; i < session->backup->writer_count; i++) {
		writer = session->backup->writers[i];
		for (j = 0; j < count; j++)
			if (uuid_same(&writer->instance_id, &instances[j]))
				break;
		for (k = 0; j < count && k < writer->component_count; k++)
			if (!is_in_place(writer->components[k]))
				return false;
	}
	return true;
}

void part_find_replaced(struct session *session)
{
	struct shadow_uuid instances[PART_INSTANCES_MAX];

	EACH(p, &session->participants, struct participant, link)
		p->replaced = takes_part(p) && p->metadata && p->metadata->participation ==
			      SHADOWCOPY_PARTICIPATION_IF_REPLACE_FAILS &&
			      all_in_place(session, instances,
					   part_instances(session, p, instances));
}

/* --- recovery (h.3) -------------------------------------------------------------------- */

static bool component_recovers(const struct session *session, const struct participant *p,
			       const struct shadowcopy_component *component)
{
	uint32_t flag = session->rollback_recovery ? SHADOWCOPY_COMPONENT_ROLLBACK_RECOVERY :
						     SHADOWCOPY_COMPONENT_BACKUP_RECOVERY;

	return component->flags & flag &&
	       (!session->backup->component_mode ||
		shadowcopy_backup_inclusion(session->backup, p->metadata, component, NULL));
}

bool part_needs_recovery(const struct session *session)
{
	size_t i;

	EACH(p, &session->participants, struct participant, link) {
		if (!takes_part(p) || !p->metadata)
			continue;
		if (p->metadata->shadow_exclude_count)
			return true;
		for (i = 0; i < p->metadata->component_count; i++)
			if (component_recovers(session, p, p->metadata->components[i]))
				return true;
	}
	return false;
}
