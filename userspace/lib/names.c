// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - the words for the numbers of the interface: states, stores,
 * contexts, policies, faults, events.
 */
#include "document.h"
#include "libshadowcopy-channel.h"
#include "private.h"

static const char *name_of(const struct sc_word *names, size_t count, uint32_t value,
			   const char *otherwise)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (names[i].value == value)
			return names[i].word;
	return otherwise;
}

static const struct sc_word states[] = {
	{ SHADOW_STATE_CREATED, "created" },
	{ SHADOW_STATE_LOST, "lost" },
	{ SHADOW_STATE_DELETING, "deleting" },
};

static const struct sc_word stores[] = {
	{ SHADOW_STORE_DEFAULT, "none" },
	{ SHADOW_STORE_MEMORY, "memory" },
	{ SHADOW_STORE_DEVICE, "device" },
	{ SHADOW_STORE_FILE, "file" },
};

static const struct sc_word part_states[] = {
	{ SHADOW_PART_READY, "ready" },
	{ SHADOW_PART_DRAINING, "draining" },
};

const struct sc_word sc_contexts[] = {
	{ SHADOWCOPY_CTX_BACKUP, "backup" },
	{ SHADOWCOPY_CTX_FILE_SHARE_BACKUP, "file-share-backup" },
	{ SHADOWCOPY_CTX_NAS_ROLLBACK, "nas-rollback" },
	{ SHADOWCOPY_CTX_APP_ROLLBACK, "app-rollback" },
	{ SHADOWCOPY_CTX_CLIENT_ACCESSIBLE, "client-accessible" },
	{ SHADOWCOPY_CTX_CLIENT_ACCESSIBLE_WRITERS, "client-accessible-writers" },
	{ 0, NULL }
};

static const struct sc_word rules[] = {
	{ SHADOWCOPY_RULE_ASKED, "asked" },
	{ SHADOWCOPY_RULE_KEPT, "kept" },
	{ SHADOWCOPY_RULE_ASSOCIATED, "associated" },
	{ SHADOWCOPY_RULE_DEFAULT, "default" },
	{ SHADOWCOPY_RULE_APART, "another-disk" },
	{ SHADOWCOPY_RULE_OWN, "own-volume" },
	{ SHADOWCOPY_RULE_BESIDE, "same-disk" },
	{ SHADOWCOPY_RULE_ROOM, "most-room" },
	{ SHADOWCOPY_RULE_MEMORY, "memory" },
};

static const struct sc_word policies[] = {
	{ SHADOW_POLICY_EVICT, "evict" },
	{ SHADOW_POLICY_THROTTLE, "throttle" },
	{ SHADOW_POLICY_FAIL_IO, "fail-io" },
};

static const struct sc_word faults[] = {
	{ SHADOW_PROTECT_NONE, "none" },
	{ SHADOW_PROTECT_STORE_MISSING, "store-missing" },
	{ SHADOW_PROTECT_IO_ONLINE, "io-online" },
	{ SHADOW_PROTECT_METADATA, "metadata" },
	{ SHADOW_PROTECT_NO_MEMORY, "no-memory" },
	{ SHADOW_PROTECT_MAPPED_MEMORY, "mapped-memory" },
	{ SHADOW_PROTECT_COW_READ, "cow-read" },
	{ SHADOW_PROTECT_COW_WRITE, "cow-write" },
	{ SHADOW_PROTECT_STORE_FULL, "store-full" },
	{ SHADOW_PROTECT_GROW_TOO_SLOW, "grow-too-slow" },
	{ SHADOW_PROTECT_GROW_FAILED, "grow-failed" },
	{ SHADOW_PROTECT_DESTROY_ALL, "destroy-all" },
	{ SHADOW_PROTECT_FILE_SYSTEM, "file-system" },
	{ SHADOW_PROTECT_IO, "io" },
	{ SHADOW_PROTECT_STORE_REMOVED, "store-removed" },
	{ SHADOW_PROTECT_EXTERNAL_WRITER, "external-writer" },
	{ SHADOW_PROTECT_CLUSTER_MOUNT, "cluster-mount" },
};

static const struct sc_word fault_texts[] = {
	{ SHADOW_PROTECT_NONE, "writes to the volume pass" },
	{ SHADOW_PROTECT_STORE_MISSING, "the store is missing" },
	{ SHADOW_PROTECT_IO_ONLINE, "an I/O error while the volume was brought online" },
	{ SHADOW_PROTECT_METADATA, "the metadata of the store is damaged" },
	{ SHADOW_PROTECT_NO_MEMORY, "the kernel had not enough memory" },
	{ SHADOW_PROTECT_MAPPED_MEMORY, "memory could not be mapped" },
	{ SHADOW_PROTECT_COW_READ, "the old data could not be read from the volume" },
	{ SHADOW_PROTECT_COW_WRITE, "the old data could not be written to the store" },
	{ SHADOW_PROTECT_STORE_FULL, "the store is full" },
	{ SHADOW_PROTECT_GROW_TOO_SLOW, "the store did not grow fast enough" },
	{ SHADOW_PROTECT_GROW_FAILED, "the store could not grow" },
	{ SHADOW_PROTECT_DESTROY_ALL, "all shadows would have gone" },
	{ SHADOW_PROTECT_FILE_SYSTEM, "the filesystem that holds the store failed" },
	{ SHADOW_PROTECT_IO, "the store does not answer" },
	{ SHADOW_PROTECT_STORE_REMOVED, "the store was removed" },
	{ SHADOW_PROTECT_EXTERNAL_WRITER, "somebody else wrote to the store" },
	{ SHADOW_PROTECT_CLUSTER_MOUNT, "it was mounted while a cluster took it offline" },
};

static const struct sc_word events[] = {
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
	{ SHADOW_NL_EV_EVICTED, "evicted" },
	{ SHADOW_NL_EV_THROTTLED, "throttled" },
	{ SHADOW_NL_EV_FAULTED, "faulted" },
	{ SHADOW_NL_EV_CLEARED, "cleared" },
	{ SHADOW_NL_EV_STORE_GROWN, "store-grown" },
	{ SHADOW_NL_EV_GROW_FAILED, "grow-failed" },
	{ SHADOW_NL_EV_WRITER_ADDED, "writer-added" },
	{ SHADOW_NL_EV_WRITER_REMOVED, "writer-removed" },
	{ SHADOW_NL_EV_WRITER_FROZEN, "writer-frozen" },
	{ SHADOW_NL_EV_WRITER_THAWED, "writer-thawed" },
	{ SHADOW_NL_EV_WRITER_EXPIRED, "writer-expired" },
	{ SHADOW_NL_EV_REVERT_BEGUN, "revert-begun" },
	{ SHADOW_NL_EV_REVERT_DONE, "revert-done" },
	{ SHADOW_NL_EV_REVERT_FAILED, "revert-failed" },
	{ SHADOW_NL_EV_BASE_LOST, "base-lost" },
};

static const struct sc_word reverts[] = {
	{ SHADOW_REVERT_NONE, "none" },
	{ SHADOW_REVERT_NOTED, "noted" },
	{ SHADOW_REVERT_RUNNING, "running" },
	{ SHADOW_REVERT_HALF_DONE, "half-done" },
	{ SHADOW_REVERT_DONE, "done" },
};

static const struct sc_word tells[] = {
	{ SHADOW_NL_TELL_IDENTIFY, "identify" },
	{ SHADOW_NL_TELL_PREPARE_BACKUP, "prepare-backup" },
	{ SHADOW_NL_TELL_PREPARE_SNAPSHOT, "prepare-snapshot" },
	{ SHADOW_NL_TELL_FREEZE, "freeze" },
	{ SHADOW_NL_TELL_THAW, "thaw" },
	{ SHADOW_NL_TELL_POST_SNAPSHOT, "post-snapshot" },
	{ SHADOW_NL_TELL_BACKUP_COMPLETE, "backup-complete" },
	{ SHADOW_NL_TELL_BACKUP_SHUTDOWN, "backup-shutdown" },
	{ SHADOW_NL_TELL_ABORT, "abort" },
	{ SHADOW_NL_TELL_PRE_RESTORE, "pre-restore" },
	{ SHADOW_NL_TELL_POST_RESTORE, "post-restore" },
	{ SHADOW_NL_TELL_BACK_OFF, "back-off" },
	{ SHADOW_NL_TELL_CONTINUE, "continue" },
};

static const struct sc_word results[] = {
	{ SHADOW_NL_RESULT_ANSWERED, "answered" },
	{ SHADOW_NL_RESULT_TIMEOUT, "timeout" },
	{ SHADOW_NL_RESULT_GONE, "gone" },
	{ SHADOW_NL_RESULT_SUPERSEDED, "superseded" },
};

static const struct sc_word statuses[] = {
	{ SHADOW_NL_STATUS_OK, "ok" },
	{ SHADOW_NL_STATUS_INCONSISTENT, "inconsistent" },
	{ SHADOW_NL_STATUS_NO_RESOURCES, "no-resources" },
	{ SHADOW_NL_STATUS_TIMEOUT, "timeout" },
	{ SHADOW_NL_STATUS_RETRYABLE, "retryable" },
	{ SHADOW_NL_STATUS_NONRETRYABLE, "nonretryable" },
	{ SHADOW_NL_STATUS_RECOVERY_FAILED, "recovery-failed" },
	{ SHADOW_NL_STATUS_PARTIAL, "partial" },
};

static const struct sc_word levels[] = {
	{ SHADOW_NL_LEVEL_FRONT_END, "front-end" },
	{ SHADOW_NL_LEVEL_BACK_END, "back-end" },
	{ SHADOW_NL_LEVEL_SYSTEM, "system" },
};

SC_EXPORT const char *shadowcopy_revert_state_name(uint32_t state)
{
	return name_of(reverts, ARRAY_SIZE(reverts), state, "unknown");
}

SC_EXPORT const char *shadowcopy_tell_name(uint32_t tell)
{
	return name_of(tells, ARRAY_SIZE(tells), tell, "unknown");
}

SC_EXPORT const char *shadowcopy_result_name(uint32_t result)
{
	return name_of(results, ARRAY_SIZE(results), result, "unknown");
}

SC_EXPORT const char *shadowcopy_status_name(uint32_t status)
{
	return name_of(statuses, ARRAY_SIZE(statuses), status, "unknown");
}

SC_EXPORT const char *shadowcopy_level_name(uint32_t level)
{
	return name_of(levels, ARRAY_SIZE(levels), level, "unknown");
}

SC_EXPORT const char *shadowcopy_state_name(uint32_t state)
{
	return name_of(states, ARRAY_SIZE(states), state, "unknown");
}

SC_EXPORT const char *shadowcopy_store_name(uint32_t type)
{
	return name_of(stores, ARRAY_SIZE(stores), type, "unknown");
}

SC_EXPORT const char *shadowcopy_part_state_name(uint32_t state)
{
	return name_of(part_states, ARRAY_SIZE(part_states), state, "unknown");
}

SC_EXPORT const char *shadowcopy_context_name(uint32_t context)
{
	return name_of(sc_contexts, ARRAY_SIZE(sc_contexts) - 1, context, "custom");
}

SC_EXPORT const char *shadowcopy_event_name(uint32_t event)
{
	return name_of(events, ARRAY_SIZE(events), event, "unknown");
}

SC_EXPORT const char *shadowcopy_rule_name(uint32_t rule)
{
	return name_of(rules, ARRAY_SIZE(rules), rule, "unknown");
}

SC_EXPORT const char *shadowcopy_policy_name(uint32_t policy)
{
	return name_of(policies, ARRAY_SIZE(policies), policy, "unknown");
}

SC_EXPORT const char *shadowcopy_protect_fault_name(uint32_t fault)
{
	return name_of(faults, ARRAY_SIZE(faults), fault, "unknown");
}

SC_EXPORT const char *shadowcopy_protect_fault_text(uint32_t fault)
{
	return name_of(fault_texts, ARRAY_SIZE(fault_texts), fault,
		       "a reason that this program does not know");
}

static int value_of(const struct sc_word *names, size_t count, const char *name, uint32_t *value)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i].word, name)) {
			*value = names[i].value;
			return 0;
		}
	return -EINVAL;
}

SC_EXPORT int shadowcopy_context_parse(const char *name, uint32_t *context)
{
	return value_of(sc_contexts, ARRAY_SIZE(sc_contexts) - 1, name, context);
}

SC_EXPORT int shadowcopy_policy_parse(const char *name, uint32_t *policy)
{
	return value_of(policies, ARRAY_SIZE(policies), name, policy);
}
