// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * windows.c - who may change what of a backup's document, and when (VSS c.6, 2.1).
 *
 * Requester and writers share the document, and each property belongs to one of them, at
 * certain steps of the session.  The table "windows" says which; sc_may_change() is
 * the only one to read it for those who change the document.
 */
#include "backup.h"

#define AT(step)	(1U << SHADOWCOPY_STEP_ ## step)

#define BEFORE_PREPARE	(AT(INIT) | AT(GATHERED))
#define PREPARE_OR_POST	(AT(PREPARE_BACKUP) | AT(POST_SNAPSHOT))
#define RESTORE_FIRST	(AT(RESTORE_INIT) | AT(CHOOSING))
#define HANDLERS	(AT(PREPARE_BACKUP) | AT(SNAPSHOT) | AT(POST_SNAPSHOT) | AT(COMPLETE) | \
			 AT(PRE_RESTORE) | AT(POST_RESTORE))

/*
 * @requester, @writer: the steps at which each may
 * @without_set: of these, those at which it may only where there are no shadows
 */
struct window {
	const char *name;
	uint32_t requester;
	uint32_t writer;
	uint32_t without_set;
};

static const struct window windows[] = {
	[SHADOWCOPY_PROPERTY_NONE] = { "nothing", 0, 0, 0 },
	/* B-04, B-05, B-13..B-15, B-10, B-06 */
	[SHADOWCOPY_PROPERTY_CONTEXT] = { "context", AT(INIT), 0, 0 },
	[SHADOWCOPY_PROPERTY_STATE] = { "state", BEFORE_PREPARE, 0, 0 },
	[SHADOWCOPY_PROPERTY_SET] = {
		"set", BEFORE_PREPARE | AT(PREPARED) | AT(SNAPSHOT) | AT(POST_SNAPSHOT) |
		AT(CREATED), 0, 0 },
	[SHADOWCOPY_PROPERTY_COMPONENTS] = { "components", AT(GATHERED), 0, 0 },
	[SHADOWCOPY_PROPERTY_RESTORE_TYPE] = { "restore-type", RESTORE_FIRST, 0, 0 },
	/* B-23 */
	[SHADOWCOPY_PROPERTY_COMPLETED] = {
		"completed", AT(CREATED) | AT(COMPLETE) | AT(COMPLETED), 0, 0 },
	/* C-71..C-74 */
	[SHADOWCOPY_PROPERTY_BACKUP_OPTIONS] = { "backup-options", BEFORE_PREPARE, 0, 0 },
	[SHADOWCOPY_PROPERTY_RESTORE_OPTIONS] = { "restore-options", RESTORE_FIRST, 0, 0 },
	[SHADOWCOPY_PROPERTY_BACKUP_METADATA] = { "backup-metadata", 0, PREPARE_OR_POST, 0 },
	[SHADOWCOPY_PROPERTY_RESTORE_METADATA] = { "restore-metadata", 0, AT(PRE_RESTORE), 0 },
	[SHADOWCOPY_PROPERTY_BACKUP_STAMP] = {
		"backup-stamp", 0, PREPARE_OR_POST, AT(PREPARE_BACKUP) },
	[SHADOWCOPY_PROPERTY_PREVIOUS_STAMP] = {
		"previous-stamp", BEFORE_PREPARE | RESTORE_FIRST, 0, 0 },
	/* C-75, C-76 */
	[SHADOWCOPY_PROPERTY_PARTIAL_FILES] = { "partial-files", 0, PREPARE_OR_POST, 0 },
	[SHADOWCOPY_PROPERTY_RANGES_PATH] = {
		"ranges-path", RESTORE_FIRST | AT(RESTORING), 0, 0 },
	[SHADOWCOPY_PROPERTY_DIFFERENCED_FILES] = { "differenced-files", 0, PREPARE_OR_POST, 0 },
	/* C-77..C-80 */
	[SHADOWCOPY_PROPERTY_RESTORE_TARGET] = { "restore-target", 0, AT(PRE_RESTORE), 0 },
	[SHADOWCOPY_PROPERTY_DIRECTED_TARGETS] = { "directed-targets", 0, AT(PRE_RESTORE), 0 },
	[SHADOWCOPY_PROPERTY_NEW_TARGETS] = { "new-targets", RESTORE_FIRST, 0, 0 },
	[SHADOWCOPY_PROPERTY_ALTERNATES_USED] = { "alternates-used", AT(RESTORING), 0, 0 },
	[SHADOWCOPY_PROPERTY_SELECTED] = { "selected", AT(CHOOSING), 0, 0 },
	[SHADOWCOPY_PROPERTY_RESTORE_SUBCOMPONENTS] = {
		"restore-subcomponents", AT(CHOOSING), 0, 0 },
	[SHADOWCOPY_PROPERTY_ADDITIONAL_RESTORES] = {
		"additional-restores", RESTORE_FIRST | AT(RESTORING), 0, 0 },
	/* C-81, C-82 */
	[SHADOWCOPY_PROPERTY_BACKUP_SUCCEEDED] = { "backup-succeeded", AT(CREATED), 0, 0 },
	[SHADOWCOPY_PROPERTY_FILE_RESTORE_STATUS] = {
		"file-restore-status", AT(RESTORING), 0, 0 },
	[SHADOWCOPY_PROPERTY_PREPARE_BACKUP_FAILURE] = {
		"prepare-backup-failure", 0, AT(PREPARE_BACKUP), 0 },
	[SHADOWCOPY_PROPERTY_POST_SNAPSHOT_FAILURE] = {
		"post-snapshot-failure", 0, AT(POST_SNAPSHOT), 0 },
	[SHADOWCOPY_PROPERTY_PRE_RESTORE_FAILURE] = {
		"pre-restore-failure", 0, AT(PRE_RESTORE), 0 },
	[SHADOWCOPY_PROPERTY_POST_RESTORE_FAILURE] = {
		"post-restore-failure", 0, AT(POST_RESTORE), 0 },
	/* C-83, C-84 */
	[SHADOWCOPY_PROPERTY_AUTHORITATIVE] = { "authoritative", RESTORE_FIRST, 0, 0 },
	[SHADOWCOPY_PROPERTY_ROLL_FORWARD] = { "roll-forward", RESTORE_FIRST, 0, 0 },
	[SHADOWCOPY_PROPERTY_RESTORE_NAME] = { "restore-name", RESTORE_FIRST, 0, 0 },
	[SHADOWCOPY_PROPERTY_FAILURE] = { "failure", 0, HANDLERS, 0 },
};

static const char *const steps[] = {
	[SHADOWCOPY_STEP_INIT] = "init",
	[SHADOWCOPY_STEP_GATHERED] = "gathered",
	[SHADOWCOPY_STEP_PREPARE_BACKUP] = "prepare-backup",
	[SHADOWCOPY_STEP_PREPARED] = "prepared",
	[SHADOWCOPY_STEP_SNAPSHOT] = "snapshot",
	[SHADOWCOPY_STEP_POST_SNAPSHOT] = "post-snapshot",
	[SHADOWCOPY_STEP_CREATED] = "created",
	[SHADOWCOPY_STEP_COMPLETE] = "complete",
	[SHADOWCOPY_STEP_COMPLETED] = "completed",
	[SHADOWCOPY_STEP_RESTORE_INIT] = "restore-init",
	[SHADOWCOPY_STEP_CHOOSING] = "choosing",
	[SHADOWCOPY_STEP_PRE_RESTORE] = "pre-restore",
	[SHADOWCOPY_STEP_RESTORING] = "restoring",
	[SHADOWCOPY_STEP_POST_RESTORE] = "post-restore",
	[SHADOWCOPY_STEP_RESTORED] = "restored",
};

SC_EXPORT const char *shadowcopy_property_name(uint32_t property)
{
	return property < ARRAY_SIZE(windows) ? windows[property].name : "unknown";
}

SC_EXPORT const char *shadowcopy_step_name(uint32_t step)
{
	return step < ARRAY_SIZE(steps) ? steps[step] : "unknown";
}

static void list_steps(uint32_t mask, char *buf, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < ARRAY_SIZE(steps) && used < size; i++)
		if (mask & (1U << i))
			used += snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
					 steps[i]);
}

static int check_window(struct shadowcopy *sc, uint32_t property, uint32_t role, uint32_t step,
			bool has_shadows)
{
	const struct window *window;
	char cause[160], when[200] = "", remedy[260];
	uint32_t mask, others;
	bool writer = role == SHADOWCOPY_ROLE_WRITER;

	if (property >= ARRAY_SIZE(windows) || step >= ARRAY_SIZE(steps) ||
	    (!writer && role != SHADOWCOPY_ROLE_REQUESTER))
		return SC_FAIL(sc, -EINVAL, .action = "change the document",
			       .cause = "there is no such property, role or step",
			       .remedy = "see the header");
	window = &windows[property];
	mask = writer ? window->writer : window->requester;
	others = writer ? window->requester : window->writer;
	if (has_shadows && (mask & window->without_set & (1U << step)))
		mask &= ~window->without_set;
	if (mask & (1U << step))
		return 0;
	snprintf(cause, sizeof(cause), "%s may not at step %s",
		 writer ? "a writer" : "the requester", steps[step]);
	list_steps(mask ?: others, when, sizeof(when));
	snprintf(remedy, sizeof(remedy), "%s may, at: %s", writer == !!mask ? "a writer" :
		 "the requester", when);
	return SC_FAIL(sc, -EBADFD, .action = "change", .object = window->name, .cause = cause,
		       .remedy = remedy);
}

SC_EXPORT int shadowcopy_property_check(struct shadowcopy *sc, uint32_t property, uint32_t role,
					uint32_t step)
{
	return check_window(sc, property, role, step, false);
}

bool sc_of_restore(uint32_t property)
{
	uint32_t mask = windows[property].requester | windows[property].writer;

	return mask && !(mask & ((1U << SHADOWCOPY_STEP_RESTORE_INIT) - 1));
}

int sc_may_change(struct shadowcopy *sc, const void *object, uint32_t property)
{
	const struct shadowcopy_backup *backup = sc_root(object);
	const struct sc_node *node = sc_node(backup);

	return check_window(sc, property, node->role, node->step, backup->shadow_count);
}
