// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * part.c - makes a place ready to be a part of a store.
 *
 * A file is made with O_EXCL, 0600, without copy-on-write where the filesystem knows
 * that, and gets all its initial size at once, so that the kernel can map it; the kernel
 * lets it grow from there.  What exists is used again only if its header says that it is
 * ours.  One that is to be durable has its size from the beginning, and all of it is written
 * once: the module writes past the filesystem, for which what was only allocated is zeros
 * wherever it moves or copies the file.  A file without a name (O_TMPFILE) needs none of this:
 * nobody can find it, and it is gone when the module lets go of it, or the machine stops.
 *
 * Whatever was made here and is not kept goes when the part is closed.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/shadow_store.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "private.h"

#define ACTION		"make the store"
#define MIB		(1ULL << 20)
#define INITIAL_MIN	(64 * MIB)
#define BLOCK		4096ULL

struct shadowcopy_part {
	struct shadowcopy *sc;
	struct shadowcopy_volume volume;
	struct shadowcopy_store store;
	struct shadow_store_spec spec;
	struct shadow_uuid uuid;	/* of a file with a name that was made */
	int dir;			/* of a file with a name, or -1 */
	const char *base;		/* its name there */
	bool open;			/* spec.fd is */
	bool made;
	bool keep;
	bool btrfs;			/* it must not be copied on write, and cannot grow */
	struct sc_wiped *wiped;		/* what was on a device */
	uint64_t room;			/* what is free on its filesystem */
	uint64_t whole;			/* the filesystem's size */
};

static int part_fail(const struct shadowcopy_part *part, int code, struct sc_failure failure)
{
	failure.object = part->store.path;
	return sc_fail(part->sc, code, &failure);
}

#define PART_FAIL(part, code, ...) \
	part_fail((part), (code), (struct sc_failure){ __VA_ARGS__ })

/* --- sizes ------------------------------------------------------------------- */

static uint64_t align(uint64_t bytes)
{
	return bytes & ~(BLOCK - 1);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_said(const struct shadowcopy_amount *amount)
{
	return amount->bytes || amount->percent;
}

/* Without a limit that is what there is; the first MiB holds nothing. */
static uint64_t limit_of(const struct shadowcopy_amount *max, uint64_t whole)
{
	if (max->bytes && max->bytes != SHADOWCOPY_UNLIMITED)
		return align(max->bytes);
	if (whole < SC_HEAD)
		return 0;
	if (max->percent)
		return align(least(shadowcopy_amount_of(max, whole), whole - SC_HEAD));
	return align(whole - SC_HEAD);
}

static bool is_durable(const struct shadowcopy_part *part)
{
	return part->store.flags & SHADOWCOPY_STORE_DURABLE;
}

/* A durable one does not grow. */
static int durable_size(struct shadowcopy_part *part, uint64_t *size)
{
	const struct shadowcopy_amount *initial = &part->store.initial, *max = &part->store.max;
	uint64_t bytes = part->volume.bytes / 10;

	if (is_said(max) && max->bytes != SHADOWCOPY_UNLIMITED)
		bytes = limit_of(max, part->whole);
	else if (is_said(initial))
		bytes = shadowcopy_amount_of(initial, part->volume.bytes);
	else
		bytes = least(bytes < INITIAL_MIN ? INITIAL_MIN : bytes, part->room / 2);
	if (is_said(max) && is_said(initial) &&
	    align(shadowcopy_amount_of(initial, part->volume.bytes)) != align(bytes))
		return PART_FAIL(part, -EINVAL, .action = ACTION,
				 .cause = "a durable store does not grow",
				 .remedy = "give its size with --max, and leave --initial out");
	*size = align(bytes);
	if (*size < SC_STORE_MIN)
		return PART_FAIL(part, is_said(max) || is_said(initial) ? -EINVAL : -ENOSPC,
				 .action = ACTION, .cause = "a store has 4 MiB at least",
				 .remedy = "give it more with --max, or a filesystem that has more "
					   "room");
	part->spec.max_bytes = *size;
	return 0;
}

/* How much may be stored in a file.  @have: what it has already. */
static uint64_t max_of_file(const struct shadowcopy_part *part, uint64_t have)
{
	const struct shadowcopy_amount *max = &part->store.max;

	if (is_said(max))
		return limit_of(max, part->whole);
	/* leave as much to others as it takes */
	return have + part->room / 2;
}

static uint64_t initial_of_file(const struct shadowcopy_part *part, uint64_t max)
{
	const struct shadowcopy_amount *initial = &part->store.initial;
	uint64_t bytes = part->volume.bytes / 50;

	if (is_said(initial))
		return shadowcopy_amount_of(initial, part->volume.bytes);
	if (part->btrfs)
		bytes = is_said(&part->store.max) ? max : part->volume.bytes / 10;
	if (bytes < INITIAL_MIN)
		bytes = INITIAL_MIN;
	return least(bytes, max);
}

/* --- a file that is there, or is made ------------------------------------------- */

/* Does its name still lead to the file that is open? */
static bool is_named(const struct shadowcopy_part *part)
{
	struct stat st, now;

	return !fstat(part->spec.fd, &st) &&
	       !fstatat(part->dir, part->base, &now, AT_SYMLINK_NOFOLLOW) &&
	       now.st_dev == st.st_dev && now.st_ino == st.st_ino;
}

static int refuse_file(const struct shadowcopy_part *part, const struct stat *st)
{
	char *cause = NULL;
	int rc;

	if (!S_ISREG(st->st_mode))
		return PART_FAIL(part, -EINVAL, .action = "use as a store",
				 .cause = "it is no regular file",
				 .remedy = "name another, or one that is to be made");
	if (st->st_nlink > 1)
		return PART_FAIL(part, -EPERM, .action = "use as a store",
				 .cause = "it has another name besides this one",
				 .remedy = "name a file that is to be made");
	if (!st->st_uid || st->st_uid == geteuid())
		return 0;
	if (asprintf(&cause, "it belongs to user %u", st->st_uid) < 0)
		cause = NULL;
	rc = PART_FAIL(part, -EPERM, .action = "use as a store", .cause = cause,
		       .remedy = "name a file of root's, or one that is to be made");
	free(cause);
	return rc;
}

static int in_use(const struct shadowcopy_part *part)
{
	return PART_FAIL(part, -EBUSY, .action = "use as a store",
			 .cause = "the file is in use, as a store or for swapping",
			 .remedy = "name another file; \"shadowadm store list\" and \"swapon\" "
				   "tell who uses it");
}

/* A lease to write is given to who is alone with a file; the kernel's openers count, too. */
static bool is_open_elsewhere(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static int no_copy_on_write(const struct shadowcopy_part *part, int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return PART_FAIL(part, -errno, .action = ACTION);
	flags |= FS_NOCOW_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		return PART_FAIL(part, -errno, .action = "switch copy-on-write off for");
	return 0;
}

static int no_space(const struct shadowcopy_part *part, uint64_t bytes)
{
	char wanted[SHADOWCOPY_AMOUNT_LEN], *cause = NULL;
	struct shadowcopy_amount amount = { .bytes = (bytes + MIB - 1) & ~(MIB - 1) };
	int rc;

	if (asprintf(&cause, "it begins with %s, and the filesystem has %lluM free",
		     shadowcopy_amount_format(&amount, wanted),
		     (unsigned long long)(part->room / MIB)) < 0)
		cause = NULL;
	rc = PART_FAIL(part, -ENOSPC, .action = ACTION, .cause = cause,
		       .remedy = "make room, begin with less (--initial), or use another "
				 "filesystem");
	free(cause);
	return rc;
}

static int fill(struct shadowcopy_part *part, int fd, uint64_t bytes)
{
	int rc = 0;

	if (fallocate(fd, 0, 0, bytes) < 0)
		rc = -errno;
	switch (-rc) {
	case 0:
		return 0;
	case ENOSPC:
	case EDQUOT:
		return no_space(part, bytes);
	case ETXTBSY:
		return in_use(part);
	case EOPNOTSUPP:
		return PART_FAIL(part, rc, .action = ACTION,
				 .cause = "its filesystem cannot allocate a file in advance",
				 .remedy = "use another filesystem; an ext4 must have extents "
					   "(\"tune2fs -O extents\")");
	case EFBIG:
		return PART_FAIL(part, rc, .action = ACTION,
				 .cause = "it is larger than a file of its filesystem can be",
				 .remedy = "begin with less (--initial)");
	default:
		return PART_FAIL(part, rc, .action = "allocate the store");
	}
}

/* How large it is to be, and how large it may become. */
static int check_sizes(struct shadowcopy_part *part, uint64_t have, uint64_t *size)
{
	uint64_t max, initial;

	if (is_durable(part))
		return durable_size(part, size);
	max = align(max_of_file(part, have));
	initial = align(initial_of_file(part, max));
	/* who says how much it begins with and nothing else wants that much */
	if (initial > max && !is_said(&part->store.max))
		max = initial;
	/* a mistake, unless it is the filesystem that has no more */
	if (max < SC_STORE_MIN || initial < SC_STORE_MIN)
		return PART_FAIL(part, is_said(&part->store.max) || is_said(&part->store.initial) ?
				 -EINVAL : -ENOSPC, .action = ACTION,
				 .cause = "a store has 4 MiB at least",
				 .remedy = "give it more with --max and --initial, or a "
					   "filesystem that has more room");
	if (initial > max)
		return PART_FAIL(part, -EINVAL, .action = ACTION,
				 .cause = "its initial size is more than its maximum",
				 .remedy = "choose a smaller --initial or a larger --max");
	*size = have > initial ? have : initial;
	part->spec.max_bytes = part->btrfs ? least(max, *size) : max;
	return 0;
}

/* What makes a file useless should be known while it still has its contents. */
static int check_fits(struct shadowcopy_part *part, const struct stat *st)
{
	uint64_t size = 0, room = part->room + (uint64_t)st->st_blocks * 512;
	int rc = check_sizes(part, 0, &size);

	return rc ? rc : SC_HEAD + size > room ? no_space(part, SC_HEAD + size) : 0;
}

/* Is what is there ours, or nothing, or to be overwritten? */
static int check_contents(struct shadowcopy_part *part, int fd, const struct stat *st,
			  bool *ours)
{
	struct sc_header header;
	bool durable;
	int rc;

	*ours = false;
	if (!st->st_size)
		return 0;
	rc = sc_header_read(fd, &header);
	durable = !rc && sc_is_durable(fd, SHADOW_DISK_FILE_HEADER);
	if (!rc && !durable) {
		*ours = true;
		return 0;
	}
	if (rc && rc != -ENODATA)
		return PART_FAIL(part, rc, .action = "read the header of");
	if (durable && !(part->store.flags & SHADOWCOPY_STORE_FORCE))
		return PART_FAIL(part, -EEXIST, .action = "use as a store",
				 .cause = "it is a durable store, whose shadows would be lost",
				 .remedy = "have them again with \"shadowadm store attach\" "
					   "(\"shadowadm store check\" shows them), name another "
					   "file, or say --force to overwrite this one");
	if (!(part->store.flags & SHADOWCOPY_STORE_FORCE))
		return PART_FAIL(part, -EEXIST, .action = "use as a store",
				 .cause = "the file has other contents, which would be lost",
				 .remedy = "name another file, or say --force to overwrite this "
					   "one");
	if (is_open_elsewhere(fd))
		return PART_FAIL(part, -EBUSY, .action = "overwrite",
				 .cause = "somebody else has the file open: a program, a machine, "
					  "a loop device, for swapping",
				 .remedy = "end that first, or name another file; \"fuser\", "
					   "\"losetup -j\" and \"swapon\" tell who it is");
	rc = check_fits(part, st);
	if (rc)
		return rc;
	if (ftruncate(fd, 0) < 0)
		return errno == ETXTBSY ? in_use(part) :
		       PART_FAIL(part, -errno, .action = "empty");
	return 0;
}

static int write_header(struct shadowcopy_part *part, int fd)
{
	char volume[SHADOWCOPY_PATH_MAX];
	struct sc_header header;
	int rc;

	if (shadowcopy_lasting_name(part->sc, part->volume.dev, 1, volume) < 0)
		snprintf(volume, sizeof(volume), "%s", part->volume.path);
	rc = sc_header_new(&header, volume);
	if (!rc && part->base) {
		/* before it can be known as ours, so that gc finds it whatever happens */
		sc_registry_add(part->sc, &header.uuid, part->store.path);
		part->uuid = header.uuid;
	}
	rc = rc ? rc : sc_header_write(fd, &header);
	if (rc == -ETXTBSY)
		return in_use(part);
	if (rc)
		return PART_FAIL(part, rc, .action = "write the header of");
	return 0;
}

/* Overwrite what is in it, so that no block is only allocated. */
static int write_over(const struct shadowcopy_part *part, int fd, uint64_t from, uint64_t to)
{
	static const char zeros[MIB];
	ssize_t done;

	for (; from < to; from += done) {
		done = pwrite(fd, zeros, least(to - from, sizeof(zeros) - from % sizeof(zeros)),
			      from);
		if (done < 0)
			return errno == ETXTBSY ? in_use(part) :
			       PART_FAIL(part, -errno, .action = "write all of the store");
		/* it need not all be in memory until the end */
		if (!((from + done) % (64 * MIB)))
			sync_file_range(fd, from + done - 64 * MIB, 64 * MIB,
					SYNC_FILE_RANGE_WRITE);
	}
	if (fdatasync(fd) < 0)
		return PART_FAIL(part, -errno, .action = "write all of the store");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

/* It is ours alone from now on.  The module keeps the lock with it, for as long as it has it. */
static int lock_file(struct shadowcopy_part *part, int fd, struct stat *st)
{
	int rc;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		part->made = false;	/* who was faster has it now, and needs its name */
		return in_use(part);
	}
	if (fstat(fd, st) < 0)
		return PART_FAIL(part, -errno, .action = ACTION);
	rc = refuse_file(part, st);
	if (rc)
		return rc;
	if (part->base && !is_named(part))
		return PART_FAIL(part, -EAGAIN, .action = "use as a store",
				 .cause = "somebody has just deleted the file",
				 .remedy = "try again");
	return 0;
}

/* All that a file needs, once it is open. */
static int prepare_file(struct shadowcopy_part *part, int fd)
{
	uint64_t size = 0;
	struct stat st;
	bool ours;
	int rc = lock_file(part, fd, &st);

	if (rc)
		return rc;
	rc = check_contents(part, fd, &st, &ours);
	if (!rc && !ours && part->btrfs)
		rc = no_copy_on_write(part, fd);
	if (!rc && (st.st_mode & 0777) != 0600 && fchmod(fd, 0600) < 0)
		rc = PART_FAIL(part, -errno, .action = ACTION);
	if (!rc)
		rc = check_sizes(part, ours && (uint64_t)st.st_size > SC_HEAD ?
				 align(st.st_size) - SC_HEAD : 0, &size);
	if (!rc)
		rc = fill(part, fd, SC_HEAD + size);
	/* What was in these blocks must not look like a durable store. */
	if (!rc && (is_durable(part) || !ours))
		rc = write_over(part, fd, SC_HEADER_SIZE,
				is_durable(part) ? SC_HEAD + size : SC_HEAD);
	if (!rc && !ours)
		rc = write_header(part, fd);
	return rc;
}

static int open_named(struct shadowcopy_part *part)
{
	int fd;

	fd = openat(part->dir, part->base, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		part->made = true;
	else if (errno == EEXIST)
		fd = openat(part->dir, part->base, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			    O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return PART_FAIL(part, -ELOOP, .action = "use as a store",
				 .cause = "it is a symbolic link",
				 .remedy = "name the file that it leads to");
	if (errno == ETXTBSY)
		return in_use(part);
	if (errno == EROFS)
		return PART_FAIL(part, -EROFS, .action = ACTION,
				 .remedy = "mount its filesystem for writing, or name another one");
	return PART_FAIL(part, -errno, .action = ACTION);
}

static int open_unnamed(struct shadowcopy_part *part)
{
	int fd = openat(part->dir, ".", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno == EOPNOTSUPP || errno == EISDIR)
		return PART_FAIL(part, -EOPNOTSUPP, .action = "make a store without a name in",
				 .cause = "its filesystem has no such files",
				 .remedy = "name a file in it");
	return PART_FAIL(part, -errno, .action = "make a store in");
}

static int open_directory(struct shadowcopy_part *part)
{
	const char *path = part->store.path, *slash = strrchr(path, '/');
	struct sc_mounts *mounts;
	struct sc_mount mount;
	struct statvfs vfs;
	char *dir, *why;
	bool own = false;
	int rc;

	if (part->store.flags & SHADOWCOPY_STORE_UNNAMED) {
		dir = strdup(path);
	} else {
		dir = slash == path ? strdup("/") : strndup(path, slash - path);
		part->base = slash + 1;
	}
	if (!dir)
		return PART_FAIL(part, -ENOMEM, .action = ACTION);
	rc = sc_fs_of(part->sc, dir, &mounts, &mount);
	if (!rc) {
		rc = sc_fs_check(part->sc, path, &mount);
		part->btrfs = !strcmp(mount.fstype, "btrfs");
		own = sc_dev_equal(mount.dev, part->volume.dev);
		sc_mounts_free(mounts);
	}
	if (!rc && own && is_durable(part))
		rc = PART_FAIL(part, -EOPNOTSUPP, .action = "use as a store of persistent shadows",
			       .cause = "it lies on the volume itself, and cannot be read before "
					"that is mounted",
			       .remedy = "name a device, or a file on another filesystem");
	if (!rc) {
		part->dir = sc_directory_open(dir, part->base, &why);
		if (part->dir < 0) {
			rc = PART_FAIL(part, part->dir, .action = ACTION, .cause = why,
				       .remedy = why ? "choose a directory that only root can "
						       "change" : NULL);
			free(why);
		}
	}
	if (!rc && statvfs(dir, &vfs) < 0)
		rc = PART_FAIL(part, -errno, .action = ACTION);
	if (!rc) {
		part->room = (uint64_t)vfs.f_bavail * vfs.f_frsize;
		part->whole = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	}
	free(dir);
	return rc;
}

int sc_durable_file_open(struct shadowcopy *sc, const struct shadowcopy_store *store,
			 struct shadow_dev volume)
{
	struct shadowcopy_part part = {
		.sc = sc, .store = *store, .volume.dev = volume, .dir = -1, .spec.fd = -1,
	};
	struct stat st;
	int rc, fd = -1;

	part.store.flags |= SHADOWCOPY_STORE_DURABLE;
	rc = open_directory(&part);
	if (!rc) {
		fd = openat(part.dir, part.base, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			    O_CLOEXEC);
		if (fd < 0)
			rc = errno == ETXTBSY ? in_use(&part) :
			     PART_FAIL(&part, -errno, .action = "open the store");
	}
	part.spec.fd = fd;
	rc = rc ? rc : lock_file(&part, fd, &st);
	if (part.dir >= 0)
		close(part.dir);
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

static int open_file(struct shadowcopy_part *part)
{
	int rc;

	if (is_durable(part) && part->store.flags & SHADOWCOPY_STORE_UNNAMED)
		return PART_FAIL(part, -EOPNOTSUPP, .action = "have persistent shadows in",
				 .cause = "a file without a name is not found again after a reboot",
				 .remedy = "name a file in it");
	rc = open_directory(part);
	if (rc)
		return rc;
	rc = part->base ? open_named(part) : open_unnamed(part);
	if (rc < 0)
		return rc;
	part->spec.fd = rc;
	part->open = true;
	return prepare_file(part, part->spec.fd);
}

/* --- devices and memory ----------------------------------------------------------- */

static int wipe_device(struct shadowcopy_part *part)
{
	int rc = sc_wipe(part->sc, part->store.dev, true, &part->wiped);
	struct shadow_fault fault = {
		.error = -rc, .phase = SHADOW_PHASE_STORE, .dev = part->store.dev,
		.reason = SHADOW_REASON_STORE_IN_USE,
	};

	if (!rc)
		return 0;
	return PART_FAIL(part, rc, .action = "overwrite", .fault = rc == -EBUSY ? &fault : NULL,
			 .cause = rc == -E2BIG ? "there are more than 4096 signatures on it" : NULL,
			 .remedy = rc == -E2BIG ? "overwrite its contents yourself" : NULL);
}

SC_EXPORT int shadowcopy_stores_overlap(struct shadowcopy *sc, const struct shadowcopy_store *a,
					const struct shadowcopy_store *b)
{
	return a->type == SHADOW_STORE_DEVICE && b->type == SHADOW_STORE_DEVICE &&
	       sc_share_blocks(sc, a->dev, b->dev);
}

#define SAID_SMALL	" was said, and a store has "
#define SAID_NO_MORE	" is all that it has, and a store has "

/* A wrong size of a device or of memory: -EINVAL is a mistake.  @cause: allocated, freed. */
static int wrong_size(struct shadowcopy_part *part, int code, char *cause, const char *remedy)
{
	int rc = PART_FAIL(part, code, .action = ACTION, .cause = cause, .remedy = remedy);

	free(cause);
	return rc;
}

static char *with_sizes(uint64_t a, const char *between, uint64_t b, const char *after)
{
	struct shadowcopy_amount amounts[] = { { .bytes = a }, { .bytes = b } };
	char texts[2][SHADOWCOPY_AMOUNT_LEN], *text;

	if (asprintf(&text, "%s%s%s%s", shadowcopy_amount_format(&amounts[0], texts[0]), between,
		     shadowcopy_amount_format(&amounts[1], texts[1]), after) < 0)
		return NULL;
	return text;
}

/*
 * What the module would refuse, too; but here nothing has been overwritten yet, and nobody
 * is told to --force what cannot be.
 */
static int check_device(struct shadowcopy_part *part, const struct shadowcopy_volume *device)
{
	struct shadow_dev dev = part->store.dev, volume = part->volume.dev;
	struct shadow_fault fault = {
		.error = EINVAL, .phase = SHADOW_PHASE_STORE, .dev = dev,
	};

	if (sc_share_blocks(part->sc, dev, volume))
		fault.reason = SHADOW_REASON_STORE_ON_VOLUME;
	else if (sc_is_read_only(part->sc, dev))
		fault = (struct shadow_fault){ .error = EROFS, .phase = SHADOW_PHASE_STORE,
			.dev = dev, .reason = SHADOW_REASON_STORE_READONLY };
	else if (sc_logical_block(part->sc, dev) > sc_logical_block(part->sc, volume) &&
		 sc_logical_block(part->sc, volume))
		fault.reason = SHADOW_REASON_BLOCK_SIZE;
	if (fault.reason)
		return PART_FAIL(part, -(int)fault.error, .action = "use as a store",
				 .fault = &fault);
	if (device->bytes && device->bytes < SC_HEAD + SC_STORE_MIN)
		return wrong_size(part, -ENOSPC,
				  with_sizes(device->bytes, SAID_NO_MORE, SC_STORE_MIN,
					     " at least, besides its first MiB"),
				  "name a larger device");
	if (part->spec.max_bytes && part->spec.max_bytes < SC_STORE_MIN)
		return wrong_size(part, -EINVAL,
				  with_sizes(part->spec.max_bytes, SAID_SMALL, SC_STORE_MIN,
					     " at least"),
				  "give it more with --max, or leave that out");
	if (device->bytes && part->spec.max_bytes > device->bytes - SC_HEAD)
		return wrong_size(part, -EINVAL,
				  with_sizes(part->spec.max_bytes, " was said, and it has ",
					     align(device->bytes - SC_HEAD),
					     " besides the first MiB"),
				  "give it less with --max, or leave that out: it has all of "
				  "the device then");
	return 0;
}

/* Where it is mounted: to be freed, NULL where it is not. */
static char *mounted_at(const struct shadowcopy_part *part)
{
	struct sc_mounts *mounts;
	struct sc_mount mount;
	char *target = NULL;

	if (sc_mounts_read(part->sc, &mounts))
		return NULL;
	if (sc_mounts_by_dev(mounts, part->store.dev, &mount))
		target = strdup(mount.target);
	sc_mounts_free(mounts);
	return target;
}

/* Has somebody claimed it, who is no filesystem that is mounted here? */
static bool is_claimed(const struct shadowcopy_part *part, const struct shadowcopy_volume *device)
{
	int fd;

	if (part->sc->sysroot)
		return false;
	fd = open(device->path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EBUSY;
}

/* What is on it is in use: then --force would not do either. */
static int check_unused(const struct shadowcopy_part *part, const struct shadowcopy_volume *device)
{
	const struct shadow_fault fault = {
		.error = EBUSY, .dev = part->store.dev, .reason = SHADOW_REASON_STORE_IN_USE,
	};
	char *target = mounted_at(part), *cause = NULL;
	int rc;

	if (!target && !is_claimed(part, device))
		return 0;
	if (target && asprintf(&cause, "it is in use (mounted at %s)", target) < 0)
		cause = NULL;
	rc = PART_FAIL(part, -EBUSY, .action = "use as a store", .fault = &fault,
		       .cause = cause ?: "it is in use, by another device, as a store or for "
					 "swapping",
		       .remedy = target ? "name another device; or unmount this one, if what is on "
					  "it is not needed any more" :
					  "name another device (\"lsblk\" and \"shadowadm store "
					  "list\" show who uses this one)");
	free(target);
	free(cause);
	return rc;
}

static int open_device(struct shadowcopy_part *part)
{
	const struct shadowcopy_store *store = &part->store;
	struct shadowcopy_volume device;
	char *cause = NULL;
	struct sc_tags tags;
	int rc, in_use;

	shadowcopy_describe(part->sc, store->dev, &device);
	part->spec.dev = store->dev;
	if (is_said(&store->max))
		part->spec.max_bytes = limit_of(&store->max, device.bytes);
	rc = check_device(part, &device);
	if (rc)
		return rc;
	rc = sc_probe(part->sc, store->dev, &tags);
	if (!rc && !*tags.type) {
		/* For its head; why it cannot be opened is the module's to say. */
		rc = sc_wipe(part->sc, store->dev, false, &part->wiped);
		return rc == -EIO || rc == -ENOMEM ? PART_FAIL(part, rc, .action = "read") : 0;
	}
	in_use = check_unused(part, &device);
	if (in_use)
		return in_use;
	if (store->flags & SHADOWCOPY_STORE_FORCE)
		return wipe_device(part);
	if (rc)
		return PART_FAIL(part, rc, .action = "see what is on",
				 .remedy = "name another device, or say --force to overwrite this "
					   "one whatever is on it");
	if (!strcmp(tags.type, SC_DURABLE_TYPE))
		return PART_FAIL(part, -EEXIST, .action = "use as a store",
				 .cause = "there is a durable store on it, whose shadows would be "
					  "lost",
				 .remedy = "have them again with \"shadowadm store attach\" "
					   "(\"shadowadm store check\" shows them), name another "
					   "device, or say --force to overwrite this one");
	if (asprintf(&cause, "there is something on it (%s), which would be lost", tags.type) < 0)
		cause = NULL;
	rc = PART_FAIL(part, -EEXIST, .action = "use as a store", .cause = cause,
		       .remedy = "name another device, or say --force to overwrite this one");
	free(cause);
	return rc;
}

static uint64_t size_of_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static int open_memory(struct shadowcopy_part *part)
{
	uint64_t bytes = shadowcopy_amount_of(&part->store.max, size_of_memory());

	if (is_durable(part))
		return PART_FAIL(part, -EOPNOTSUPP, .action = "use memory as a store of persistent "
				 "shadows", .cause = "it does not survive a reboot",
				 .remedy = "name a device, or a file on another filesystem");
	part->spec.max_bytes = bytes;
	if (is_said(&part->store.max) && bytes < SC_STORE_MIN)
		return wrong_size(part, -EINVAL,
				  with_sizes(bytes, SAID_SMALL, SC_STORE_MIN, " at least"),
				  "give it more, or name no size");
	if (bytes > size_of_memory())
		return wrong_size(part, -EINVAL,
				  with_sizes(bytes, " was said, and the machine has ",
					     size_of_memory() & ~(MIB - 1), " of memory"),
				  "give it less, or name no size: a quarter of the memory then");
	return 0;
}

/* --- a limit, for what is open already ------------------------------------------------ */

static int size_of_filesystem(struct shadowcopy *sc, const struct shadowcopy_store *store,
			      uint64_t *whole)
{
	const char *slash = strrchr(store->path, '/');
	struct statvfs vfs;
	char *dir;
	int rc = 0;

	if (store->flags & SHADOWCOPY_STORE_UNNAMED || !slash)
		dir = strdup(store->path);
	else
		dir = slash == store->path ? strdup("/") :
		      strndup(store->path, slash - store->path);
	if (!dir || statvfs(dir, &vfs) < 0)
		rc = SC_FAIL(sc, dir ? -errno : -ENOMEM, .object = store->path,
			     .action = "find the size of the filesystem of");
	else
		*whole = (uint64_t)vfs.f_blocks * vfs.f_frsize;
	free(dir);
	return rc;
}

SC_EXPORT int shadowcopy_store_limit(struct shadowcopy *sc, const struct shadowcopy_store *store,
				     uint64_t *bytes)
{
	struct shadowcopy_volume device;
	uint64_t whole = 0;
	int rc = 0;

	if (store->type == SHADOW_STORE_MEMORY) {
		*bytes = align(shadowcopy_amount_of(&store->max, size_of_memory()));
		return 0;
	}
	if (store->type == SHADOW_STORE_DEVICE) {
		shadowcopy_describe(sc, store->dev, &device);
		whole = device.bytes;
	} else {
		rc = size_of_filesystem(sc, store, &whole);
	}
	if (!rc)
		*bytes = limit_of(&store->max, whole);
	return rc;
}

/* --- all of it ---------------------------------------------------------------------- */

SC_EXPORT int shadowcopy_part_open(struct shadowcopy *sc, const struct shadowcopy_volume *volume,
				   const struct shadowcopy_store *store,
				   struct shadowcopy_part **partp)
{
	struct shadowcopy_part *part = calloc(1, sizeof(*part));
	int rc = 0;

	*partp = NULL;
	if (!part)
		return SC_FAIL(sc, -ENOMEM, .action = ACTION, .object = store->path);
	part->sc = sc;
	part->store = *store;
	part->volume = *volume;
	part->dir = -1;
	part->spec.type = store->type;
	if (store->type == SHADOW_STORE_FILE)
		rc = open_file(part);
	else if (store->type == SHADOW_STORE_DEVICE)
		rc = open_device(part);
	else if (store->type == SHADOW_STORE_MEMORY)
		rc = open_memory(part);
	if (rc)
		shadowcopy_part_close(part);
	else
		*partp = part;
	return rc;
}

SC_EXPORT int shadowcopy_part_close(struct shadowcopy_part *part)
{
	int rc = 0;

	if (!part)
		return 0;
	if (part->made && !part->keep && is_named(part) && !unlinkat(part->dir, part->base, 0))
		sc_registry_remove(part->sc, &part->uuid);
	if (part->dir >= 0)
		close(part->dir);
	if (part->open)
		close(part->spec.fd);
	if (part->keep)
		sc_wiped_free(&part->wiped);
	else
		rc = sc_unwipe(part->sc, part->store.dev, &part->wiped);
	if (rc)
		rc = PART_FAIL(part, rc, .action = "put back what was on",
			       .remedy = "restore it from a backup, or have its partitions or "
					 "filesystem repaired from what is left");
	free(part);
	return rc;
}

SC_EXPORT void shadowcopy_part_keep(struct shadowcopy_part *part)
{
	part->keep = true;
}

SC_EXPORT const struct shadow_store_spec *
shadowcopy_part_spec(const struct shadowcopy_part *part)
{
	return &part->spec;
}
