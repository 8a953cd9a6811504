// SPDX-License-Identifier: GPL-2.0-only
/*
 * hooks.c - which hooks there are, and what their authors were promised.
 *
 * QEMU's guest agent calls one file, with "freeze" and "thaw".  Distributions make it a
 * dispatcher, which calls what is executable in a directory beside it, both times in the order
 * of the names and whatever the others said; names that shells do not match, or that editors
 * and package managers leave behind, are passed over.
 *
 * VMware's tools call every file of a directory in the order of the names, and after it in
 * the reverse: "freeze", then "thaw", or "freezeFail" where no shadow was made.  Who failed to
 * freeze is not called again.  There may be a second argument.  A pair of files from before
 * that directory comes first, and last.
 *
 * Beyond that a hook must be such that only root can change it, or it is refused; so is
 * one that VMware's tools would fail to start.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "script.h"

static const struct contract qemu = {
	.name = "qemu", .undo = "thaw", .thaws_failed = true,
};

static const struct contract vmware = {
	.name = "vmware", .undo = "freezeFail", .backwards = true, .has_argument = true,
};

/* In the order of freezing; thawing begins with the last. */
static const struct contract *const contracts[] = { &qemu, &vmware };

/* What QEMU's dispatcher passes over. */
static const char *const leftovers[] = {
	"*~", "*.bak", "*.orig", "*.rpmnew", "*.rpmorig", "*.rpmsave", "*.sample", "*.dpkg-old",
	"*.dpkg-new", "*.dpkg-tmp", "*.dpkg-dist", "*.dpkg-bak", "*.dpkg-backup",
	"*.dpkg-remove",
};

static void no_memory(void)
{
	writer_log(3, "there is not enough memory");
	exit(EXIT_FAILURE);
}

char *say(const char *format, ...)
{
	va_list args;
	char *text;
	int rc;

	va_start(args, format);
	rc = vasprintf(&text, format, args);
	va_end(args);
	if (rc < 0)
		no_memory();
	return text;
}

const struct contract *contract_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(contracts); i++)
		if (!strcmp(contracts[i]->name, name))
			return contracts[i];
	return NULL;
}

/* --- the list ------------------------------------------------------------------------- */

static struct hook *add(struct hook_list *list, const struct contract *contract,
			const char *freeze, const char *thaw)
{
	struct hook *hook;

	list->hooks = reallocarray(list->hooks, list->count + 1, sizeof(*list->hooks));
	if (!list->hooks)
		no_memory();
	hook = &list->hooks[list->count++];
	*hook = (struct hook){ .contract = contract };
	if (freeze)
		hook->freeze = say("%s", freeze);
	if (thaw)
		hook->thaw = say("%s", thaw);
	return hook;
}

static void pass_over(struct hook_list *list, const struct contract *contract, const char *path,
		      const char *why)
{
	struct hook *hook = add(list, contract, path, path);

	hook->verdict = HOOK_IGNORED;
	hook->why = say("%s", why);
}

static void refuse(struct hook *hook, char *why)
{
	hook->verdict = HOOK_REFUSED;
	hook->why = why;
}

/* Why a file cannot be run, or NULL. */
static char *why_not(const char *path)
{
	char *why = trust_why_not(path);
	struct stat st;

	if (!why && !stat(path, &st) && !(st.st_mode & 0111))
		why = say("%s is not executable", path);
	return why;
}

struct hook *hooks_add(struct hook_list *list, const struct contract *contract,
		       const char *freeze, const char *thaw)
{
	struct hook *hook = add(list, contract, freeze, thaw);
	char *why = freeze ? why_not(freeze) : NULL;

	if (!why && thaw && (!freeze || strcmp(freeze, thaw)))
		why = why_not(thaw);
	if (why)
		refuse(hook, why);
	return hook;
}

void hooks_free(struct hook_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->hooks[i].freeze);
		free(list->hooks[i].thaw);
		free(list->hooks[i].why);
	}
	free(list->hooks);
	*list = (struct hook_list){ 0 };
}

/* --- order ---------------------------------------------------------------------------- */

static size_t number_of(const struct contract *contract)
{
	size_t i;

	for (i = 0; contracts[i] != contract;)
		i++;
	return i;
}

/* Is @a thawed before @b? */
static bool is_before(const struct hook *a, const struct hook *b)
{
	if (a->contract != b->contract)
		return number_of(a->contract) > number_of(b->contract);
	return a->contract->backwards ? a > b : a < b;
}

struct hook *hooks_thaw_next(const struct hook_list *list, const struct hook *hook)
{
	struct hook *next = NULL;
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct hook *other = &list->hooks[i];

		if ((!hook || is_before(hook, other)) && (!next || is_before(other, next)))
			next = other;
	}
	return next;
}

const char *hook_thaw_word(const struct hook *hook, bool shadow)
{
	return shadow ? "thaw" : hook->contract->undo;
}

const char *hook_name(const struct hook *hook)
{
	return hook->freeze ?: hook->thaw;
}

/* --- looking for them ------------------------------------------------------------------ */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

static bool is_leftover(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leftovers); i++)
		if (!fnmatch(leftovers[i], name, 0))
			return true;
	return false;
}

static void take_qemu(struct hook_list *list, const char *path, const char *name)
{
	struct stat st;

	if (*name == '.')
		pass_over(list, &qemu, path, "its name begins with a dot");
	else if (is_leftover(name))
		pass_over(list, &qemu, path, "it is a backup, a sample or a leftover by its name");
	else if (stat(path, &st) || !S_ISREG(st.st_mode))
		pass_over(list, &qemu, path, "it is not a file");
	else if (!(st.st_mode & 0111))
		pass_over(list, &qemu, path, "it is not executable");
	else
		hooks_add(list, &qemu, path, path);
}

static void take_vmware(struct hook_list *list, const char *path, const char *name)
{
	(void)name;
	if (is_file(path))
		hooks_add(list, &vmware, path, path);
	else
		pass_over(list, &vmware, path, "it is not a file");
}

static void find_in(struct hook_list *list, const struct contract *contract, const char *directory,
		    void (*take)(struct hook_list *list, const char *path, const char *name))
{
	char *why = trust_why_not(directory);
	struct dirent **entries;
	int count, i;

	if (why) {
		refuse(add(list, contract, directory, directory), why);
		return;
	}
	count = scandir(directory, &entries, is_entry, by_name);
	if (count < 0) {
		refuse(add(list, contract, directory, directory),
		       say("%s: %s", directory, strerror(errno)));
		return;
	}
	for (i = 0; i < count; i++) {
		char *path = say("%s/%s", directory, entries[i]->d_name);

		take(list, path, entries[i]->d_name);
		free(path);
		free(entries[i]);
	}
	free(entries);
}

static bool is_there(const char *path)
{
	struct stat st;

	return path && (!stat(path, &st) || (errno != ENOENT && errno != ENOTDIR));
}

static void find_pair(struct hook_list *list, const char *before, const char *after)
{
	bool freezes = before && is_file(before), thaws = after && is_file(after);

	if (freezes || thaws)
		hooks_add(list, &vmware, freezes ? before : NULL, thaws ? after : NULL);
}

void hooks_find(struct hook_list *list, const struct places *places)
{
	size_t i;

	hooks_free(list);
	for (i = 0; i < ARRAY_SIZE(places->qemu); i++) {
		if (!is_there(places->qemu[i])) {
			if (places->named_qemu && places->qemu[i])
				pass_over(list, &qemu, places->qemu[i], "it is not there");
			continue;
		}
		if (is_file(places->qemu[i]))
			hooks_add(list, &qemu, places->qemu[i], places->qemu[i]);
		else
			find_in(list, &qemu, places->qemu[i], take_qemu);
	}
	find_pair(list, places->before, places->after);
	if (is_there(places->vmware))
		find_in(list, &vmware, places->vmware, take_vmware);
	else if (places->named_vmware && places->vmware)
		pass_over(list, &vmware, places->vmware, "it is not there");
}
