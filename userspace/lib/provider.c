// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * provider.c - who makes the shadow of a volume.
 *
 * A handle has a list of providers in the order in which they are asked: by type, then by
 * priority, then as they were registered.  The native one, the module, ends it.
 */
#include <ctype.h>
#include <dirent.h>

#include "libshadowcopy-provider.h"
#include "private.h"

struct sc_provider {
	struct sc_provider *next;
	const struct shadowcopy_provider *provider;
};

/* --- the native one --------------------------------------------------------------------- */

/* What stands in the way now, and need not tomorrow. */
static bool passes(int code)
{
	return code == -EBUSY || code == -ENOSPC || code == -ENOMEM || code == -E2BIG ||
	       code == -EUSERS;
}

/* By planning it, without doing it. */
static int native_supports(const struct shadowcopy_provider *provider, struct shadowcopy *sc,
			   const struct shadowcopy_volume *volume,
			   char reason[SHADOWCOPY_REASON_LEN])
{
	const struct shadow_store_spec memory = { .type = SHADOW_STORE_MEMORY };
	const struct shadowcopy_error *error;
	struct shadowcopy_plan *plan;
	int rc = shadowcopy_plan_new(sc, &plan);

	(void)provider;
	if (rc)
		return rc;
	rc = shadowcopy_plan_volume(plan, volume->dev, &memory);
	if (!rc)
		rc = shadowcopy_plan_compute(plan);
	shadowcopy_plan_free(plan);
	if (!rc)
		return SHADOWCOPY_SUPPORT_YES;
	error = shadowcopy_last_error(sc);
	snprintf(reason, SHADOWCOPY_REASON_LEN, "%s", error->cause && *error->cause ?
		 error->cause : error->text);
	return passes(rc) ? SHADOWCOPY_SUPPORT_BLOCKED : SHADOWCOPY_SUPPORT_NO;
}

static const struct shadowcopy_provider_ops native_ops = {
	.supports = native_supports,
};

static const struct shadowcopy_provider native = {
	.id = { { 0x5d, 0x3c, 0x1e, 0x0a, 0x6b, 0x1f, 0x4e, 0x57,
		  0x9a, 0x11, 0x0e, 0x52, 0x7a, 0x9c, 0x44, 0xd1 } },
	.version_id = { { 0x8e, 0x90, 0x2c, 0x5f, 0x13, 0x77, 0x4b, 0x0c,
			  0x8f, 0x27, 0x66, 0x10, 0x3e, 0xd8, 0x5b, 0xa2 } },
	.name = "native", .version = SHADOWCOPY_VERSION, .type = SHADOWCOPY_PROVIDER_SYSTEM,
	.priority = INT32_MIN, .ops = &native_ops,
};

/* --- the list -------------------------------------------------------------------------------- */

static bool same(const struct shadow_uuid *a, const struct shadow_uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool goes_before(const struct shadowcopy_provider *a, const struct shadowcopy_provider *b)
{
	return a->type != b->type ? a->type > b->type : a->priority > b->priority;
}

SC_EXPORT const struct shadowcopy_provider *
shadowcopy_provider_next(struct shadowcopy *sc, const struct shadowcopy_provider *last)
{
	struct sc_provider *p = sc->providers;

	if (last == &native)
		return NULL;
	while (last && p && p->provider != last)
		p = p->next;
	if (last && p)
		p = p->next;
	return p ? p->provider : &native;
}

static const struct shadowcopy_provider *find(struct shadowcopy *sc, const char *wanted)
{
	const struct shadowcopy_provider *p = NULL;
	struct shadow_uuid id;
	bool is_id = !shadowcopy_uuid_parse(wanted, &id);

	while ((p = shadowcopy_provider_next(sc, p)))
		if (is_id ? same(&p->id, &id) : !strcmp(p->name, wanted))
			break;
	return p;
}

SC_EXPORT int shadowcopy_provider_register(struct shadowcopy *sc,
					   const struct shadowcopy_provider *provider)
{
	static const char action[] = "register the provider";
	const struct shadowcopy_provider *p = NULL;
	struct sc_provider *entry, **at;

	if (!provider->name || !*provider->name || !provider->ops || !provider->ops->supports ||
	    !shadowcopy_provider_type_name(provider->type))
		return SC_FAIL(sc, -EINVAL, .action = action, .object = provider->name,
			       .cause = "it has no name, no type, or does not say what it supports",
			       .remedy = "fill in struct shadowcopy_provider");
	while ((p = shadowcopy_provider_next(sc, p)))
		if (same(&p->id, &provider->id) || !strcmp(p->name, provider->name))
			return SC_FAIL(sc, -EEXIST, .action = action, .object = provider->name,
				       .cause = "one of its identity or name is registered");
	entry = malloc(sizeof(*entry));
	if (!entry)
		return SC_FAIL(sc, -ENOMEM, .action = action, .object = provider->name);
	for (at = &sc->providers; *at && !goes_before(provider, (*at)->provider);
	     at = &(*at)->next)
		;
	entry->provider = provider;
	entry->next = *at;
	*at = entry;
	return 0;
}

SC_EXPORT int shadowcopy_provider_unregister(struct shadowcopy *sc, const struct shadow_uuid *id)
{
	struct sc_provider **at, *entry;

	for (at = &sc->providers; *at; at = &(*at)->next)
		if (same(&(*at)->provider->id, id)) {
			entry = *at;
			*at = entry->next;
			free(entry);
			return 0;
		}
	return SC_FAIL(sc, -ENOENT, .action = "unregister the provider",
		       .cause = "none of this identity was registered");
}

void sc_providers_free(struct shadowcopy *sc)
{
	struct sc_provider *entry;

	while ((entry = sc->providers)) {
		sc->providers = entry->next;
		free(entry);
	}
}

/* --- choosing -------------------------------------------------------------------------------- */

static int refuse(struct shadowcopy *sc, const struct shadowcopy_volume *volume, int support,
		  const char *reason)
{
	bool blocked = support == SHADOWCOPY_SUPPORT_BLOCKED;

	return SC_FAIL(sc, blocked ? -EBUSY : -EOPNOTSUPP, .action = "find a provider for",
		       .object = volume->path, .cause = reason,
		       .remedy = blocked ? "try again when that is over" :
		       "\"shadowadm provider list\" shows which there are");
}

SC_EXPORT int shadowcopy_provider_choose(struct shadowcopy *sc,
					 const struct shadowcopy_volume *volume,
					 const char *wanted,
					 const struct shadowcopy_provider **providerp)
{
	const struct shadowcopy_provider *p = wanted ? find(sc, wanted) : NULL;
	char reason[SHADOWCOPY_REASON_LEN] = "", first[SHADOWCOPY_REASON_LEN] = "";
	int support = SHADOWCOPY_SUPPORT_NO, best = SHADOWCOPY_SUPPORT_NO;

	*providerp = NULL;
	if (wanted && !p)
		return SC_FAIL(sc, -ENOENT, .action = "find a provider for",
			       .object = volume->path, .cause = "there is no such provider",
			       .remedy = "\"shadowadm provider list\" shows which there are");
	if (!wanted)
		p = shadowcopy_provider_next(sc, NULL);
	for (; p; p = wanted ? NULL : shadowcopy_provider_next(sc, p)) {
		support = p->ops->supports(p, sc, volume, reason);
		if (support == SHADOWCOPY_SUPPORT_YES) {
			*providerp = p;
			return 0;
		}
		if (support < 0)
			return support;
		/* that it could says more than that others cannot */
		if (!*first || support > best) {
			best = support;
			snprintf(first, sizeof(first), "%s", reason);
		}
	}
	return refuse(sc, volume, best, first);
}

typedef int volume_fn(void *data, const struct shadowcopy_volume *volume, uint32_t support,
		      const struct shadowcopy_provider *provider, const char *reason);

static int tell_volume(struct shadowcopy *sc, const char *name, const char *wanted, volume_fn *fn,
		       void *data)
{
	const struct shadowcopy_provider *provider;
	const struct shadowcopy_error *error;
	struct shadowcopy_volume volume;
	struct shadow_dev dev;
	int rc;

	/* what has gone meanwhile is not there */
	if (sc_sysfs_dev(sc, name, &dev) || shadowcopy_describe(sc, dev, &volume) || !volume.bytes)
		return 0;
	rc = shadowcopy_provider_choose(sc, &volume, wanted, &provider);
	if (rc && rc != -EBUSY && rc != -EOPNOTSUPP)
		return rc;
	error = shadowcopy_last_error(sc);
	return fn(data, &volume, !rc ? SHADOWCOPY_SUPPORT_YES : rc == -EBUSY ?
		  SHADOWCOPY_SUPPORT_BLOCKED : SHADOWCOPY_SUPPORT_NO, provider,
		  rc && error->cause ? error->cause : "");
}

static int is_volume(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && (strncmp(name, "shadow", 6) || !isdigit((unsigned char)name[6]));
}

SC_EXPORT int shadowcopy_provider_volumes(struct shadowcopy *sc, const char *wanted, volume_fn *fn,
					  void *data)
{
	char *path = sc_path(sc, "/sys/class/block");
	struct dirent **entries = NULL;
	int count = path ? scandir(path, &entries, is_volume, versionsort) : -1, i, rc = 0;

	free(path);
	if (wanted && !find(sc, wanted))
		rc = SC_FAIL(sc, -ENOENT, .action = "see which volumes could have shadows",
			     .object = wanted, .cause = "there is no such provider",
			     .remedy = "\"shadowadm provider list\" shows which there are");
	else if (count < 0)
		rc = SC_FAIL(sc, -errno, .action = "list the block devices");
	for (i = 0; i < count; i++) {
		if (!rc)
			rc = tell_volume(sc, entries[i]->d_name, wanted, fn, data);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

SC_EXPORT const char *shadowcopy_provider_type_name(uint32_t type)
{
	static const char *const names[] = {
		[SHADOWCOPY_PROVIDER_SYSTEM] = "system",
		[SHADOWCOPY_PROVIDER_SOFTWARE] = "software",
		[SHADOWCOPY_PROVIDER_HARDWARE] = "hardware",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

SC_EXPORT const char *shadowcopy_support_name(uint32_t support)
{
	static const char *const names[] = { "no", "yes", "blocked" };

	return support < ARRAY_SIZE(names) ? names[support] : NULL;
}
