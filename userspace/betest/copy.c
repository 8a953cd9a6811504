// SPDX-License-Identifier: GPL-2.0-only
/*
 * copy.c - files, with all that belongs to them, from one place to another (N-06).
 *
 * Paths come from documents, which are not trusted: no symbolic link is followed, neither on the
 * way nor at the end.  What is copied is what a file is: data and holes, owner, mode, times,
 * extended attributes (ACLs, labels and capabilities among them), and that it has other
 * names.  Who copies can read all files, by CAP_DAC_READ_SEARCH or as root.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "copy.h"

#define PIECE (1U << 20)
#define NAMES_MAX (64U << 10)	/* of attributes; also the size of one */

static int cannot(struct context *context, const char *what, const char *path, int rc)
{
	const char *remedy = rc == -ELOOP || rc == -ENOTDIR ?
		"a symbolic link, or something else that is no directory, is on the way. Name "
		"the directory itself" :
		rc == -ENOSPC ? "there is no room. Make some, or name another place" :
		rc == -EPERM || rc == -EACCES ? "that is for root. Or is it immutable?" :
		rc == -EROFS ? "the filesystem is read-only. Mount it to be written to" :
		rc == -EOPNOTSUPP ? "the filesystem has none of that. Name a place on another one" :
		"see the kernel's log";

	return fail(context, "cannot %s %s: %s: %s", what, path, strerror(-rc), remedy);
}

/* --- lists ------------------------------------------------------------------------------ */

int paths_add(struct paths *paths, const char *path)
{
	char **more = reallocarray(paths->list, paths->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	paths->list = more;
	more[paths->count] = strdup(path);
	return more[paths->count] ? paths->count++, 0 : -ENOMEM;
}

void paths_clear(struct paths *paths)
{
	while (paths->count)
		free(paths->list[--paths->count]);
	free(paths->list);
	memset(paths, 0, sizeof(*paths));
}

void links_clear(struct links *links)
{
	while (links->count)
		free(links->list[--links->count].path);
	free(links->list);
	memset(links, 0, sizeof(*links));
}

static struct link *links_find(const struct links *links, const struct stat *st)
{
	size_t i;

	for (i = 0; i < links->count; i++)
		if (links->list[i].device == st->st_dev && links->list[i].inode == st->st_ino)
			return &links->list[i];
	return NULL;
}

/* A name of ours for what is at @st; the one before, if any, is not there any more. */
static int links_note(struct links *links, const struct stat *st, const struct stat *made,
		      const char *path)
{
	struct link *link = links_find(links, st), *more;
	char *name = strdup(path);

	if (!name)
		return -ENOMEM;
	if (!link) {
		more = reallocarray(links->list, links->count + 1, sizeof(*more));
		if (!more) {
			free(name);
			return -ENOMEM;
		}
		links->list = more;
		link = &more[links->count++];
		link->path = NULL;
	}
	free(link->path);
	*link = (struct link){ st->st_dev, st->st_ino, made->st_dev, made->st_ino, name };
	return 0;
}

/* --- paths ------------------------------------------------------------------------------ */

static int open_directory(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int make_directory(const char *path, mode_t mode, struct paths *made)
{
	const char *name;
	int above = copy_open_above(path, made, &name), rc;

	if (above < 0)
		return above;
	rc = mkdirat(above, name, mode) ? -errno : paths_add(made, path);
	close(above);
	return rc == -EEXIST ? 0 : rc;
}

int copy_open_above(const char *path, struct paths *made, const char **name)
{
	const char *slash = strrchr(path, '/');
	char above[PATH_MAX];
	int fd;

	if (!slash || !slash[1] || slash - path >= PATH_MAX)
		return -EINVAL;
	*name = slash + 1;
	snprintf(above, sizeof(above), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open_directory(above);
	if (fd == -ENOENT && made) {
		fd = make_directory(above, 0755, made);
		if (!fd)
			fd = open_directory(above);
	}
	return fd;
}

int copy_directory(struct context *context, const char *path, struct paths *made)
{
	int rc = make_directory(path, 0700, made);

	return rc ? cannot(context, "make", path, rc) : STATUS_OK;
}

int copy_stat(const char *path, struct stat *st)
{
	const char *name;
	int above = copy_open_above(path, NULL, &name), rc;

	if (above < 0)
		return above;
	rc = fstatat(above, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
	close(above);
	return rc;
}

void copy_remove(const char *path, bool directory)
{
	const char *name;
	int above = copy_open_above(path, NULL, &name);

	if (above < 0)
		return;
	unlinkat(above, name, directory ? AT_REMOVEDIR : 0);
	close(above);
}

int copy_rename(const char *from, const char *to, bool replace)
{
	const char *name, *new_name;
	int above = copy_open_above(from, NULL, &name), rc;
	int new_above = copy_open_above(to, NULL, &new_name);

	if (above < 0 || new_above < 0)
		rc = above < 0 ? above : new_above;
	else
		rc = renameat2(above, name, new_above, new_name, replace ? 0 : RENAME_NOREPLACE) ?
		     -errno : 0;
	if (above >= 0)
		close(above);
	if (new_above >= 0)
		close(new_above);
	return rc;
}

/* --- data ------------------------------------------------------------------------------- */

/* What is behind the end of the file is not there, and not copied. */
static int copy_range(int in, uint64_t offset, int out, uint64_t to, uint64_t length)
{
	static char piece[PIECE];

	while (length) {
		ssize_t got = pread(in, piece, length < PIECE ? length : PIECE, offset), put, done;

		if (got <= 0)
			return got ? -errno : 0;
		for (put = 0; put < got; put += done) {
			done = pwrite(out, piece + put, got - put, to + put);
			if (done < 0)
				return -errno;
		}
		offset += got;
		to += got;
		length -= got;
	}
	return 0;
}

/* Holes stay holes. */
static int copy_whole(int in, int out, off_t size)
{
	off_t data = 0, hole;
	int rc = 0;

	while (!rc && data < size) {
		data = lseek(in, data, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(in, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		rc = copy_range(in, data, out, data, hole - data);
		data = hole;
	}
	return rc;
}

static int copy_data(int in, int out, off_t size, struct parts parts)
{
	size_t i;
	int rc = 0;

	for (i = 0; parts.list && i < parts.count && !rc; i++)
		rc = copy_range(in, parts.list[i].offset, out, parts.list[i].offset,
				parts.list[i].length);
	if (!parts.list)
		rc = copy_whole(in, out, size);
	return rc ?: ftruncate(out, size) ? -errno : 0;
}

/* --- what belongs to a file ------------------------------------------------------------- */

/* For calls that take a path only. */
static int copy_attribute(const char *from, const char *to, const char *attribute)
{
	static char value[NAMES_MAX];
	ssize_t size = lgetxattr(from, attribute, value, sizeof(value));

	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	return setxattr(to, attribute, value, size, 0) ? -errno : 0;
}

/* @target: a path that leads to a descriptor. */
static int copy_extended(int from, const char *name, const char *target)
{
	static char names[NAMES_MAX];
	char source[NAME_MAX + 32], *attribute;
	ssize_t size;
	int rc = 0;

	snprintf(source, sizeof(source), "/proc/self/fd/%d/%s", from, name);
	size = llistxattr(source, names, sizeof(names));
	if (size < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (attribute = names; attribute < names + size && !rc; attribute += strlen(attribute) + 1)
		rc = copy_attribute(source, target, attribute);
	return rc;
}

/*
 * @to, which may be of O_PATH, is what they are for, whatever has its name by now: whose directory
 * it is could put something else there.  A new owner takes bits of the mode and capabilities away,
 * so that comes first.
 */
static int attributes_of(int from, const char *name, int to, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char target[32];
	int rc;

	snprintf(target, sizeof(target), "/proc/self/fd/%d", to);
	if (fchownat(to, "", st->st_uid, st->st_gid, AT_EMPTY_PATH))
		return -errno;
	if (!S_ISLNK(st->st_mode) && chmod(target, st->st_mode & 07777))
		return -errno;
	rc = copy_extended(from, name, target);
	if (rc)
		return rc;
	return utimensat(AT_FDCWD, target, times, 0) ? -errno : 0;
}

/* What is there, of the same kind as @st: a descriptor of O_PATH or a negative errno. */
static int open_kind(int above, const char *name, const struct stat *st, struct stat *found)
{
	int fd = openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = fstat(fd, found) ? -errno : (found->st_mode ^ st->st_mode) & S_IFMT ? -EBUSY : 0;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* A file with data, and nothing that keeps who opens it waiting. */
static int open_regular(int above, const char *name, int flags)
{
	int fd = openat(above, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) ? -EBUSY : 0;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* --- one file --------------------------------------------------------------------------- */

struct copying {
	int from, to;			/* directories */
	const char *name, *to_name;
	struct stat st;
	struct parts parts;
};

/* Each makes something, and returns a descriptor of that. */
static int copy_file(const struct copying *copying)
{
	int in = open_regular(copying->from, copying->name, O_RDONLY), out, rc;

	if (in < 0)
		return in;
	out = openat(copying->to, copying->to_name,
		     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = out < 0 ? -errno : copy_data(in, out, copying->st.st_size, copying->parts);
	close(in);
	if (!rc)
		return out;
	if (out >= 0)
		close(out);
	return rc;
}

static int make_symlink(const struct copying *copying)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(copying->from, copying->name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	return symlinkat(target, copying->to, copying->to_name) ? -errno : 0;
}

static int make_other(const struct copying *copying, bool *new)
{
	*new = true;
	if (S_ISLNK(copying->st.st_mode))
		return make_symlink(copying);
	if (!S_ISDIR(copying->st.st_mode))
		return mknodat(copying->to, copying->to_name,
			       (copying->st.st_mode & S_IFMT) | 0600, copying->st.st_rdev) ?
		       -errno : 0;
	if (!mkdirat(copying->to, copying->to_name, 0700))
		return 0;
	*new = false;
	return errno == EEXIST ? 0 : -errno;
}

static int copy_other(const struct copying *copying)
{
	struct stat found;
	bool new;
	int rc = make_other(copying, &new), fd;

	if (rc)
		return rc;
	fd = open_kind(copying->to, copying->to_name, &copying->st, &found);
	if (fd < 0 || !new || found.st_uid == geteuid())
		return fd;
	close(fd);
	return -EBUSY;		/* somebody else's is there by now */
}

/* -ENOENT: what was made before has that name no more. */
static int link_to(const struct copying *copying, const struct link *known)
{
	const char *name;
	int above = copy_open_above(known->path, NULL, &name), rc;
	struct stat st;

	if (above < 0)
		return above;
	rc = linkat(above, name, copying->to, copying->to_name, 0) ? -errno : 0;
	close(above);
	if (rc || (!fstatat(copying->to, copying->to_name, &st, AT_SYMLINK_NOFOLLOW) &&
		   st.st_dev == known->made_device && st.st_ino == known->made_inode &&
		   st.st_uid == copying->st.st_uid))
		return rc;
	unlinkat(copying->to, copying->to_name, 0);
	return -ENOENT;
}

static int copy_one(struct copying *copying, const char *to, struct links *links)
{
	bool shared = links && copying->st.st_nlink > 1 && !S_ISDIR(copying->st.st_mode) &&
		      !copying->parts.list;
	const struct link *known = shared ? links_find(links, &copying->st) : NULL;
	int rc = known ? link_to(copying, known) : -ENOENT, fd;
	struct stat made;

	if (rc != -EXDEV && rc != -EMLINK && rc != -ENOENT)
		return rc;
	fd = S_ISREG(copying->st.st_mode) ? copy_file(copying) : copy_other(copying);
	if (fd < 0)
		return fd;
	rc = attributes_of(copying->from, copying->name, fd, &copying->st);
	if (!rc && fstat(fd, &made))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	return rc ?: shared ? links_note(links, &copying->st, &made, to) : 0;
}

int copy_make(struct context *context, const char *from, const char *to, struct parts parts,
	      struct links *links, struct paths *made)
{
	struct copying copying = { .parts = parts };
	int rc;

	copying.from = copy_open_above(from, NULL, &copying.name);
	if (copying.from < 0)
		return cannot(context, "read", from, copying.from);
	if (fstatat(copying.from, copying.name, &copying.st, AT_SYMLINK_NOFOLLOW)) {
		rc = cannot(context, "read", from, -errno);
		close(copying.from);
		return rc;
	}
	copying.to = copy_open_above(to, made, &copying.to_name);
	rc = copying.to < 0 ? copying.to : copy_one(&copying, to, links);
	if (rc)
		rc = cannot(context, "make", to, rc);
	close(copying.from);
	if (copying.to >= 0)
		close(copying.to);
	return rc ? STATUS_FAILED : STATUS_OK;
}

int copy_attributes(struct context *context, const char *from, const char *to)
{
	const char *name, *to_name;
	int above = copy_open_above(from, NULL, &name), fd, rc;
	int to_above = copy_open_above(to, NULL, &to_name);
	struct stat st, found;

	if (above < 0 || to_above < 0)
		rc = above < 0 ? above : to_above;
	else if (fstatat(above, name, &st, AT_SYMLINK_NOFOLLOW))
		rc = -errno;
	else
		rc = open_kind(to_above, to_name, &st, &found);
	fd = rc;
	if (fd >= 0) {
		rc = attributes_of(above, name, fd, &st);
		close(fd);
	}
	if (above >= 0)
		close(above);
	if (to_above >= 0)
		close(to_above);
	return rc ? cannot(context, "set owner, mode, times and attributes of", to, rc) : STATUS_OK;
}

static int open_file(const char *path, int flags)
{
	const char *name;
	int above = copy_open_above(path, NULL, &name), fd;

	if (above < 0)
		return above;
	fd = open_regular(above, name, flags);
	close(above);
	return fd;
}

int copy_parts(struct context *context, const char *from, struct parts parts, const char *to,
	       struct parts to_parts, bool size)
{
	int in = open_file(from, O_RDONLY), out, rc = 0;
	struct stat st;
	size_t i;

	if (in < 0)
		return cannot(context, "read", from, in);
	out = open_file(to, O_WRONLY);
	if (out < 0)
		rc = out;
	for (i = 0; i < parts.count && !rc; i++)
		rc = copy_range(in, parts.list[i].offset, out, to_parts.list[i].offset,
				parts.list[i].length);
	if (!rc && size && (fstat(in, &st) || ftruncate(out, st.st_size)))
		rc = -errno;
	if (out >= 0 && close(out) && !rc)
		rc = -errno;
	close(in);
	return rc ? cannot(context, "write parts of", to, rc) : STATUS_OK;
}
