// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - who may be a writer, who a requester (N-01 to N-03).
 *
 * /etc/shadowcopy/access.conf has a line for each user or group:
 *
 *	deny|writer|requester|both	user|group	NAME|NUMBER
 *
 * A deny wins over everything else, of a group too.  Root may everything unless he is
 * denied it; who stands nowhere may nothing.  A file with a line that cannot be meant, or
 * a name that nobody has, counts as one that denies everybody but root, and says so: what
 * was to be denied could be that name.
 *
 * What is found out about a user is kept as long as the file is the same, a minute at most:
 * anybody may ask, again and again.
 */
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shadowd.h"

#define ACCESS_CONF "/etc/shadowcopy/access.conf"
#define KEPT_USERS 128
#define KEPT_SECONDS 60

static struct {
	uid_t uid;
	int allowed;
	time_t until;		/* of the monotonic clock; 0: empty */
} kept[KEPT_USERS];
static unsigned int next_kept;
static struct stat known;	/* the file as it was; st_ino 0: there was none */

static bool number_of(const char *text, unsigned int *number)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	*number = value;
	return *text >= '0' && *text <= '9' && !*end && !errno && value < UINT32_MAX;
}

/* 1, 0, or -1: nobody is called that. */
static int is_user(uid_t uid, const char *name)
{
	struct passwd *user = getpwnam(name);
	unsigned int number;

	if (user)
		return user->pw_uid == uid;
	return number_of(name, &number) ? number == uid : -1;
}

/* The same for a group; also -1 where the user's groups cannot be had. */
static int in_group(uid_t uid, const char *name)
{
	struct group *group = getgrnam(name);
	struct passwd *user;
	gid_t *groups = NULL;
	unsigned int gid;
	int n = 64, i, found = -1;

	if (group)
		gid = group->gr_gid;
	else if (!number_of(name, &gid))
		return -1;
	user = getpwuid(uid);
	if (!user)
		return 0;	/* who has no name is in no group */
	for (;;) {
		gid_t *more = reallocarray(groups, n, sizeof(*groups));
		int have = n;

		if (!more)
			break;
		groups = more;
		if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) >= 0) {
			found = 0;
			for (i = 0; i < n; i++)
				found |= groups[i] == gid;
			break;
		}
		if (n <= have)
			n = have * 2;
	}
	free(groups);
	return found;
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

/* What one line says of a user: bits, 0 for a deny, -1: nothing, -2: it cannot be meant. */
static int read_line(char *line, uid_t uid)
{
	char word[32], kind[32], name[256], rest[2];
	int n, value, is;

	line[strcspn(line, "#\n")] = '\0';
	n = sscanf(line, "%31s %31s %255s %1s", word, kind, name, rest);
	if (n <= 0)
		return -1;
	value = value_of(word);
	if (n != 3 || value < 0)
		return -2;
	if (!strcmp(kind, "user"))
		is = is_user(uid, name);
	else if (!strcmp(kind, "group"))
		is = in_group(uid, name);
	else
		return -2;
	return is < 0 ? -2 : is ? value : -1;
}

/* Bits of enum access. */
static int read_file(uid_t uid)
{
	int allowed = uid ? 0 : ACCESS_WRITER | ACCESS_REQUESTER, value;
	bool denied = false, broken = false;
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	file = fopen(ACCESS_CONF, "re");
	if (!file)
		return allowed;
	while (!broken && getline(&line, &size, file) > 0) {
		number++;
		value = read_line(line, uid);
		if (value > 0)
			allowed |= value;
		denied |= !value;
		broken = value == -2;
	}
	if (broken)
		log_often(3, ACCESS_CONF ": line %u is not \"deny|writer|requester|both user|group "
			  "NAME\" with a name that somebody has: only root is allowed anything",
			  number);
	free(line);
	fclose(file);
	if (broken)
		return uid ? 0 : ACCESS_WRITER | ACCESS_REQUESTER;
	return denied ? 0 : allowed;
}

bool access_allowed(uid_t uid, enum access what)
{
	struct stat now = { 0 };
	struct timespec clock;
	int allowed;
	size_t i;

	clock_gettime(CLOCK_MONOTONIC, &clock);
	if (stat(ACCESS_CONF, &now))
		memset(&now, 0, sizeof(now));
	if (now.st_ino != known.st_ino || now.st_size != known.st_size ||
	    now.st_ctim.tv_sec != known.st_ctim.tv_sec ||
	    now.st_ctim.tv_nsec != known.st_ctim.tv_nsec)
		memset(kept, 0, sizeof(kept));
	known = now;
	for (i = 0; i < KEPT_USERS; i++)
		if (kept[i].until > clock.tv_sec && kept[i].uid == uid)
			return kept[i].allowed & what;
	allowed = read_file(uid);
	kept[next_kept].uid = uid;
	kept[next_kept].allowed = allowed;
	kept[next_kept].until = clock.tv_sec + KEPT_SECONDS;
	next_kept = (next_kept + 1) % KEPT_USERS;
	return allowed & what;
}
