// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - who may be a writer, who a requester (N-01 to N-03).
 *
 * /etc/shadowcopy/access.conf has a line for each user or group:
 *
 *	deny|writer|requester|both	user|group	NAME|NUMBER
 *
 * A deny wins over everything else, of a group too.  Root may everything unless he is
 * denied it; who stands nowhere may nothing.  A file with a line that cannot be meant
 * counts as one that denies everybody but root, and says so.
 */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "shadowd.h"

#define ACCESS_CONF "/etc/shadowcopy/access.conf"

static const char *path = ACCESS_CONF;

static bool in_group(uid_t uid, const char *name)
{
	struct passwd *user = getpwuid(uid);
	struct group *group = getgrnam(name);
	gid_t groups[256];
	int n = ARRAY_SIZE(groups), i;
	char *end;
	gid_t gid;

	if (group) {
		gid = group->gr_gid;
	} else {
		gid = strtoul(name, &end, 10);
		if (*end)
			return false;
	}
	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return false;
	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool is_user(uid_t uid, const char *name)
{
	struct passwd *user = getpwnam(name);
	char *end;

	if (user)
		return user->pw_uid == uid;
	return strtoul(name, &end, 10) == uid && !*end && end != name;
}

static int value_of(const char *word)
{
	static const char *const words[] = { "deny", "writer", "requester", "both" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

bool access_allowed(uid_t uid, enum access what)
{
	int allowed = uid ? 0 : ACCESS_WRITER | ACCESS_REQUESTER;
	char line[512], word[32], kind[32], name[256], rest[2];
	bool denied = false, broken = false;
	unsigned int number = 0;
	int value, n;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return allowed & what;
	while (fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "#\n")] = '\0';
		n = sscanf(line, "%31s %31s %255s %1s", word, kind, name, rest);
		if (n <= 0)
			continue;
		value = value_of(word);
		if (n != 3 || value < 0 || (strcmp(kind, "user") && strcmp(kind, "group"))) {
			log_line(3, "%s: line %u is not \"deny|writer|requester|both user|group "
				 "NAME\": only root is allowed anything", path, number);
			broken = true;
			break;
		}
		if (!(*kind == 'u' ? is_user(uid, name) : in_group(uid, name)))
			continue;
		if (!value)
			denied = true;
		allowed |= value;
	}
	fclose(file);
	if (broken)
		return !uid;
	return !denied && allowed & what;
}
