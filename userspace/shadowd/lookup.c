// SPDX-License-Identifier: GPL-2.0-only
/*
 * lookup.c - a volume by its name: what it is, who could make its shadow, and with add-volume
 * that it is in the set.
 *
 * To find it can take as long as a filesystem that does not answer: it is an errand.
 */
#include "libshadowcopy-provider.h"
#include "shadowd.h"

struct lookup {
	struct errand errand;
	struct shadowcopy *sc;
	char *name;			/* of the volume */
	char *store;
	char *provider;			/* that is wanted, or NULL */
	bool only_asked;		/* the volume is not added */
	char found[64];			/* the provider */
	struct shadowcopy_volume volume;
	char fs_uuid[64];		/* or "" */
	int rc;
	struct failure failure;
};

/* --- in a thread ------------------------------------------------------------------------- */

static void fails(struct lookup *lookup)
{
	lookup->rc = shadowcopy_last_error(lookup->sc)->code;
	failure_of_library(&lookup->failure, lookup->sc);
}

/* Who is to make its shadow, where that is asked. */
static void choose_provider(struct lookup *lookup)
{
	const struct shadowcopy_provider *provider;
	int rc = shadowcopy_provider_choose(lookup->sc, &lookup->volume, lookup->provider,
					    &provider);

	snprintf(lookup->found, sizeof(lookup->found), "%s", rc ? "" : provider->name);
	if (!rc)
		return;
	fails(lookup);
	if (rc == -ENOENT)
		lookup->failure.code = "PROVIDER_NOT_REGISTERED";
	else if (rc == -EOPNOTSUPP)
		lookup->failure.code = lookup->provider ? "VOLUME_NOT_SUPPORTED_BY_PROVIDER" :
							  "VOLUME_NOT_SUPPORTED";
}

static void run(struct errand *errand)
{
	struct lookup *lookup = ENTRY(errand, struct lookup, errand);

	if (shadowcopy_resolve(lookup->sc, lookup->name, &lookup->volume)) {
		fails(lookup);
		return;
	}
	if (lookup->provider || lookup->only_asked)
		choose_provider(lookup);
	if (!lookup->rc && !lookup->only_asked)
		/* what cannot be seen has none */
		shadowcopy_fs_uuid(lookup->sc, lookup->volume.dev, lookup->fs_uuid,
				   sizeof(lookup->fs_uuid));
}

/* --- in the loop --------------------------------------------------------------------------- */

/* B-14: what cannot be now, and what never can, are no failures of the call. */
static void tell_support(struct session *session, struct lookup *lookup)
{
	const char *support = !lookup->rc ? "yes" : lookup->rc == -EBUSY ? "blocked" : "no";

	if (lookup->rc && lookup->rc != -EBUSY && lookup->rc != -EOPNOTSUPP &&
	    lookup->rc != -ENOTBLK)
		return session_fail(session, session->state, &lookup->failure);
	session_done(session, session->state,
		     json_pack("{s:s, s:s, s:s, s:s}", "supported", support, "provider",
			       lookup->rc ? "" : lookup->found, "reason",
			       lookup->rc ? lookup->failure.cause : "", "device",
			       lookup->rc == -ENOTBLK ? "" : lookup->volume.path));
}

static void add_found(struct session *session, struct lookup *lookup)
{
	struct making *making = &session->making;
	struct failure failure;
	bool twice = false;
	size_t i;

	for (i = 0; !lookup->rc && i < making->count; i++)
		twice |= !memcmp(&making->volumes[i].dev, &lookup->volume.dev,
				 sizeof(lookup->volume.dev));
	if (lookup->rc)
		return session_fail(session, session->state, &lookup->failure);
	if (twice) {
		failure_set(&failure, "OBJECT_ALREADY_EXISTS", -EEXIST, "arguments", lookup->name,
			    "name each volume once", "it is in the set already");
		return session_fail(session, session->state, &failure);
	}
	making->volumes[making->count] = lookup->volume;
	making->stores[making->count] = lookup->store;
	lookup->store = NULL;
	memcpy(making->fs_uuids[making->count], lookup->fs_uuid, sizeof(lookup->fs_uuid));
	making->count++;
	session_done(session, session->state, json_pack("{s:s}", "device", lookup->volume.path));
}

static void found(struct errand *errand, struct session *session)
{
	struct lookup *lookup = ENTRY(errand, struct lookup, errand);

	if (lookup->only_asked)
		tell_support(session, lookup);
	else
		add_found(session, lookup);
}

static void free_lookup(struct errand *errand)
{
	struct lookup *lookup = ENTRY(errand, struct lookup, errand);

	shadowcopy_free(lookup->sc);
	free(lookup->name);
	free(lookup->store);
	free(lookup->provider);
	free(lookup);
}

static bool keep_text(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

static bool fill(struct lookup *lookup, struct session *session, const char *volume,
		 const char *store, const char *provider)
{
	lookup->sc = shadowcopy_new();
	return lookup->sc && (session->making.sc || (session->making.sc = shadowcopy_new())) &&
	       keep_text(&lookup->name, volume) && keep_text(&lookup->store, store) &&
	       keep_text(&lookup->provider, provider);
}

void lookup_volume(struct session *session, const char *volume, const char *store,
		   const char *provider, bool only_asked)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	struct failure failure;

	if (!lookup || !fill(lookup, session, volume, store, provider)) {
		failure_set(&failure, "OUTOFMEMORY", -ENOMEM, "arguments", volume, "",
			    "there is not enough memory");
		if (lookup)
			free_lookup(&lookup->errand);
		return session_fail(session, session->state, &failure);
	}
	lookup->only_asked = only_asked;
	lookup->errand.run = run;
	lookup->errand.done = found;
	lookup->errand.free = free_lookup;
	errand_note(&lookup->errand, "", volume);
	errand_start(&lookup->errand, session);
}
