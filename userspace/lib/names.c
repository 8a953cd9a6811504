// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - the words for the numbers of the interface: states, stores,
 * contexts, events.
 */
#include "private.h"

struct name {
	uint32_t value;
	const char *name;
};

static const char *name_of(const struct name *names, size_t count, uint32_t value,
			   const char *otherwise)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (names[i].value == value)
			return names[i].name;
	return otherwise;
}

static const struct name states[] = {
	{ SHADOW_STATE_CREATED, "created" },
	{ SHADOW_STATE_LOST, "lost" },
	{ SHADOW_STATE_DELETING, "deleting" },
};

static const struct name stores[] = {
	{ SHADOW_STORE_DEFAULT, "none" },
	{ SHADOW_STORE_MEMORY, "memory" },
	{ SHADOW_STORE_DEVICE, "device" },
};

static const struct name contexts[] = {
	{ SHADOWCOPY_CTX_BACKUP, "backup" },
	{ SHADOWCOPY_CTX_FILE_SHARE_BACKUP, "file-share-backup" },
	{ SHADOWCOPY_CTX_NAS_ROLLBACK, "nas-rollback" },
	{ SHADOWCOPY_CTX_APP_ROLLBACK, "app-rollback" },
	{ SHADOWCOPY_CTX_CLIENT_ACCESSIBLE, "client-accessible" },
	{ SHADOWCOPY_CTX_CLIENT_ACCESSIBLE_WRITERS, "client-accessible-writers" },
};

static const struct name events[] = {
	{ SHADOW_NL_EV_CREATED, "created" },
	{ SHADOW_NL_EV_DELETED, "deleted" },
	{ SHADOW_NL_EV_LOST, "lost" },
	{ SHADOW_NL_EV_STORE_FILL, "store-fill" },
	{ SHADOW_NL_EV_TRACKED, "tracked" },
	{ SHADOW_NL_EV_UNTRACKED, "untracked" },
	{ SHADOW_NL_EV_GONE, "gone" },
	{ SHADOW_NL_EV_HELD, "held" },
	{ SHADOW_NL_EV_RELEASED, "released" },
	{ SHADOW_NL_EV_EXPIRED, "expired" },
	{ SHADOW_NL_EV_SEALED, "sealed" },
};

SC_EXPORT const char *shadowcopy_state_name(uint32_t state)
{
	return name_of(states, ARRAY_SIZE(states), state, "unknown");
}

SC_EXPORT const char *shadowcopy_store_name(uint32_t type)
{
	return name_of(stores, ARRAY_SIZE(stores), type, "unknown");
}

SC_EXPORT const char *shadowcopy_context_name(uint32_t context)
{
	return name_of(contexts, ARRAY_SIZE(contexts), context, "custom");
}

SC_EXPORT const char *shadowcopy_event_name(uint32_t event)
{
	return name_of(events, ARRAY_SIZE(events), event, "unknown");
}

SC_EXPORT int shadowcopy_context_parse(const char *name, uint32_t *context)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(contexts); i++)
		if (!strcmp(contexts[i].name, name)) {
			*context = contexts[i].value;
			return 0;
		}
	return -EINVAL;
}
