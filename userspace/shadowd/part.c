// SPDX-License-Identifier: GPL-2.0-only
/*
 * part.c - who takes part (A-16, l.4).
 *
 * In a backup with chosen components: the writers of those.  In one of volumes: the writers
 * that have something on one of them, with all their components, so that they can say of
 * each what they have to say; where their files are is looked at in a thread,
 * since a file's name can lead anywhere.  Who has told nothing of his data, or names places
 * by variables that only he can expand, may have some anywhere, and takes part.
 *
 * In a restore: the writers of what is to be restored, unless they never want to hear.
 */
#include "shadowd.h"

struct search {
	struct work work;
	struct session *session;
	void (*done)(struct session *session);
	struct shadowcopy *sc;
	bool act;			/* the session's document may be changed */
	size_t count, volume_count;
	struct shadow_dev volumes[SHADOW_MAX_SET_VOLUMES];
	struct {
		struct participant *participant;
		bool affected;
	} found[];
};

/* --- in a thread ------------------------------------------------------------------------- */

static bool set_affected(struct shadowcopy_affected *affected,
			 const struct shadowcopy_fileset *set)
{
	/* What cannot be looked at may be there. */
	if (strchr(set->path, '$') ||
	    shadowcopy_affected_test(affected, set->path, set->recursive))
		return true;
	return set->alternate && (strchr(set->alternate, '$') ||
	       shadowcopy_affected_test(affected, set->alternate, set->recursive));
}

static bool sets_affected(struct shadowcopy_affected *affected,
			  struct shadowcopy_fileset *const *sets, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (set_affected(affected, sets[i]))
			return true;
	return false;
}

static bool has_data(struct shadowcopy_affected *affected,
		     const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];

		if (sets_affected(affected, c->files, c->file_count) ||
		    sets_affected(affected, c->databases, c->database_count) ||
		    sets_affected(affected, c->logs, c->log_count))
			return true;
	}
	return false;
}

/* While it runs the session is working: nothing of its participants is freed, nor its document. */
static void look(struct search *search)
{
	struct shadowcopy_affected *affected;
	size_t i;

	if (shadowcopy_affected_new(search->sc, search->volumes, search->volume_count, &affected))
		return;		/* all take part */
	for (i = 0; i < search->count; i++)
		search->found[i].affected =
			has_data(affected, search->found[i].participant->metadata);
	shadowcopy_affected_free(affected);
}

/*
 * All of a writer that is to be chosen by itself; the rest comes with it.  There can be thousands,
 * and each is looked for among the others.
 */
static void choose(struct search *search, const struct shadowcopy_metadata *metadata)
{
	size_t i;

	for (i = 0; i < metadata->component_count; i++) {
		const struct shadowcopy_component *c = metadata->components[i];
		uint32_t rule = shadowcopy_component_selectability(metadata, c);

		if (rule == SHADOWCOPY_SELECTABILITY_MANDATORY ||
		    rule == SHADOWCOPY_SELECTABILITY_OPTIONAL)
			shadowcopy_backup_add_component(search->sc, search->session->backup,
							metadata, c->path, c->name, NULL);
	}
}

static void run(struct work *work)
{
	struct search *search = ENTRY(work, struct search, work);
	size_t i;

	look(search);
	for (i = 0; i < search->count && search->act; i++)
		if (search->found[i].affected)
			choose(search, search->found[i].participant->metadata);
}

/* --- in the loop --------------------------------------------------------------------------- */

static void looked(struct work *work)
{
	struct search *search = ENTRY(work, struct search, work);
	struct session *session = search->session;
	void (*done)(struct session *session) = search->done;
	size_t i;

	session->working = false;
	for (i = 0; i < search->count; i++)
		if (!search->found[i].affected)
			search->found[i].participant->part = PART_NO_DATA;
	shadowcopy_free(search->sc);
	free(search);
	if (session->closing)
		return session_settle(session);
	done(session);
}

static void find_by_volumes(struct session *session, void (*done)(struct session *session))
{
	struct search *search;
	size_t i, count = 0;

	EACH(p, &session->participants, struct participant, link)
		count += takes_part(p) && p->metadata;
	search = count ? calloc(1, sizeof(*search) + count * sizeof(*search->found)) : NULL;
	if (search)
		search->sc = shadowcopy_new();
	if (!search || !search->sc) {
		free(search);
		return done(session);	/* all take part */
	}
	search->session = session;
	search->done = done;
	for (i = 0; i < session->making.count; i++)
		search->volumes[search->volume_count++] = session->making.volumes[i].dev;
	EACH(p, &session->participants, struct participant, link)
		if (takes_part(p) && p->metadata) {
			search->found[search->count].affected = true;
			search->found[search->count++].participant = p;
		}
	search->act = !exchange_act(session);
	search->work.run = run;
	search->work.done = looked;
	session->working = true;
	work_start(&search->work);
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

/*
 * An instance is new at each start of its writer: after a backup it is found again by what it
 * is, and what it is called.  Where a user says so of his and root of another, root is right.
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
				    same_text(writer->instance_name, p->info.instance_name) :
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

		if (!takes_part(p))
			continue;
		if (!any_selected(session, p, instances, count) ||
		    (p->metadata && p->metadata->participation == SHADOWCOPY_PARTICIPATION_NEVER))
			p->part = PART_NOT_CHOSEN;
	}
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

/* --- recovery (h.3) ---------------------------------------------------------------------------- */

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
