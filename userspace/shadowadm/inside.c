// SPDX-License-Identifier: GPL-2.0-only
/*
 * inside.c - a mount namespace in which shadows are in the places of their volumes.
 *
 * The namespace begins as a copy of ours that hears of mounts and unmounts outside, and tells
 * nothing (slave): so nobody outside finds a filesystem busy because of it, and automounts work.
 *
 *	1. what is to stay live gets a second mount, which has no place yet
 *	2. the filesystem of each image that is needed is mounted once, on top of "/", where
 *	   no path leads
 *	3. each mount of a volume of the set is covered by a mount of the same directory of the
 *	   image, and what was mounted below it moves onto that: the innermost first, so that a tree
 *	   moves as it is to be in the end.  A mount that others hide is left alone
 *	4. a covered "/" becomes the root
 *	5. the mounts of 1 get their places
 *
 * All is done by descriptors that were opened before something was moved: a path may lead
 * elsewhere meanwhile.  A place is found in the image without following a symbolic link, which may
 * have been another one at the instant.
 */
#include <fcntl.h>
#include <libmount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inside.h"
#include "mountfd.h"
#include "users.h"

/* Where programs expect to write, or to find devices and processes, whatever is on the root. */
static const char *const always_live[] = { "/dev", "/proc", "/run", "/sys", "/tmp" };

/* A mount. */
struct place {
	struct libmnt_fs *fs;
	struct inside_image *image;	/* what covers it, or NULL */
	int fd;				/* its root, or -1: hidden, or nobody's business */
	bool is_disk;			/* a block device is below it */
};

struct places {
	struct libmnt_table *table;
	struct place *list;
	size_t count;
};

/* --- images --------------------------------------------------------------------- */

/* "N" or "N:N" of a file of a device in sysfs. */
static bool read_number(struct shadow_dev dev, const char *file, unsigned int *first,
			unsigned int *second)
{
	int wanted = second ? 2 : 1, rc;
	char path[96];
	FILE *stream;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", dev.major, dev.minor, file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	rc = second ? fscanf(stream, "%u:%u", first, second) : fscanf(stream, "%u", first);
	fclose(stream);
	return rc == wanted;
}

struct wanted {
	unsigned int number;
	char path[IMAGE_PATH_LEN];
};

static void match_partition(void *data, const char *name, unsigned int number,
			    struct shadow_dev dev)
{
	struct wanted *wanted = data;

	(void)dev;
	if (number == wanted->number)
		snprintf(wanted->path, sizeof(wanted->path), "/dev/%.31s", name);
}

/* The device of a shadow's image that stands for a device: the path of it, or "". */
static void find_path(const struct shadow_shadow_info *shadow, struct shadow_dev dev,
		      char path[IMAGE_PATH_LEN])
{
	struct wanted wanted = { 0 };
	struct shadow_dev disk;

	if (dev_equal(shadow->volume, dev))
		image_path(shadow, wanted.path);
	else if (read_number(dev, "partition", &wanted.number, NULL) &&
		 read_number(dev, "../dev", &disk.major, &disk.minor) &&
		 dev_equal(disk, shadow->volume))
		partitions_of(shadow, match_partition, &wanted);
	strcpy(path, wanted.path);
}

static struct inside_image *image_of(struct inside *inside, struct shadow_dev dev)
{
	struct inside_image *image;
	size_t i;

	for (i = 0; i < inside->image_count; i++)
		if (dev_equal(inside->images[i].original, dev))
			return &inside->images[i];
	if (inside->image_count == INSIDE_IMAGES_MAX)
		return NULL;
	image = &inside->images[inside->image_count];
	for (i = 0; i < inside->shadow_count; i++) {
		find_path(&inside->shadows[i], dev, image->path);
		if (!*image->path)
			continue;
		image->original = dev;
		image->writable = inside->shadows[i].flags & SHADOW_SET_WRITABLE;
		image->base = -1;
		inside->image_count++;
		return image;
	}
	return NULL;
}

/* Its filesystem, on top of "/": where a path that begins there does not come. */
static int mount_image(struct context *context, struct inside_image *image, int root)
{
	const char *refusal;
	struct filesystem fs;
	char why[512], options[128];
	int rc = filesystem_probe(image->path, image->writable ? ACCESS_READ_ONLY :
				  ACCESS_NO_WRITE, &fs);

	if (rc)
		return fail(context, "cannot read %s: %s", image->path, strerror(-rc));
	refusal = filesystem_refusal(&fs);
	if (refusal)
		return fail(context, "cannot mount %s: %s", image->path, refusal);
	if (!*fs.type)
		return fail(context, "cannot mount %s: no filesystem was recognised on it, though "
			    "one is mounted from its volume", image->path);
	/* mountinfo tells where in the whole of it a mount begins */
	snprintf(options, sizeof(options), "%s%s", fs.options, strcmp(fs.type, "btrfs") ? "" :
		 ",subvolid=5");
	image->base = mountfd_new(image->path, fs.type, options, why, sizeof(why));
	rc = image->base < 0 ? image->base : mountfd_attach(image->base, root);
	if (rc < 0)
		return fail(context, "cannot mount %s (%s, %s): %s%s%s. The kernel log may tell "
			    "more", image->path, fs.type, options, strerror(-rc),
			    *why ? ": " : "", why);
	if (fs.note)
		warn(context, "%s: %s", image->path, fs.note);
	return STATUS_OK;
}

/* --- mounts --------------------------------------------------------------------- */

/*
 * btrfs has an anonymous device number, and its source names one of its devices.  Others can
 * write there what they like.
 */
static struct shadow_dev device_of(struct libmnt_fs *fs)
{
	dev_t number = mnt_fs_get_devno(fs);
	const char *source = mnt_fs_get_source(fs), *type = mnt_fs_get_fstype(fs);
	struct stat st;

	if (!major(number) && type && !strcmp(type, "btrfs") && source && *source == '/' &&
	    !stat(source, &st) && S_ISBLK(st.st_mode))
		number = st.st_rdev;
	return (struct shadow_dev){ major(number), minor(number) };
}

static void places_free(struct places *places)
{
	size_t i;

	for (i = 0; i < places->count; i++)
		if (places->list[i].fd >= 0)
			close(places->list[i].fd);
	free(places->list);
	mnt_unref_table(places->table);
}

static int places_read(struct context *context, struct inside *inside, struct places *places)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct place *place;
	struct libmnt_fs *fs;
	struct shadow_dev dev;

	memset(places, 0, sizeof(*places));
	places->table = mnt_new_table();
	if (!iter || !places->table ||
	    mnt_table_parse_file(places->table, "/proc/self/mountinfo") < 0) {
		mnt_free_iter(iter);
		return fail(context, "cannot read /proc/self/mountinfo, which has the mounts");
	}
	places->list = calloc(mnt_table_get_nents(places->table) + 1, sizeof(*places->list));
	while (places->list && !mnt_table_next_fs(places->table, iter, &fs)) {
		place = &places->list[places->count++];
		dev = device_of(fs);
		place->fs = fs;
		place->fd = -1;
		place->is_disk = dev.major;
		place->image = dev.major ? image_of(inside, dev) : NULL;
	}
	mnt_free_iter(iter);
	return places->list ? STATUS_OK : fail(context, "there is not enough memory");
}

static const char *target_of(const struct place *place)
{
	return mnt_fs_get_target(place->fs) ?: "";
}

/* Unless something that is mounted later hides it. */
static int open_place(const struct place *place)
{
	int fd = mountfd_open(target_of(place));

	if (fd >= 0 && mountfd_id(fd) != mnt_fs_get_id(place->fs)) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct place *parent_of(const struct places *places, const struct place *place)
{
	int id = mnt_fs_get_parent_id(place->fs);
	size_t i;

	for (i = 0; i < places->count; i++)
		if (mnt_fs_get_id(places->list[i].fs) == id && &places->list[i] != place)
			return &places->list[i];
	return NULL;
}

static bool is_below_covered(const struct places *places, const struct place *place)
{
	while ((place = parent_of(places, place)))
		if (place->image)
			return true;
	return false;
}

int inside_look(struct context *context, struct inside *inside, inside_fn *fn, void *data)
{
	struct places places;
	int status = places_read(context, inside, &places), fd;
	size_t i;

	for (i = 0; !status && i < places.count; i++) {
		const struct place *place = &places.list[i];

		if (!place->image && !(place->is_disk && is_below_covered(&places, place)))
			continue;
		fd = open_place(place);
		if (fd < 0)
			continue;
		close(fd);
		fn(data, target_of(place), place->image);
	}
	places_free(&places);
	return status;
}

/* --- covering ------------------------------------------------------------------- */

/* Those that are covered, and those that lie directly on one of them. */
static void open_places(struct places *places)
{
	size_t i;

	for (i = 0; i < places->count; i++) {
		struct place *place = &places->list[i], *parent = parent_of(places, place);

		if (place->image || (parent && parent->image))
			place->fd = open_place(place);
	}
}

/* What a path has behind the mount point that it is below, without a slash. */
static const char *behind(const char *path, const char *mountpoint)
{
	path += strlen(mountpoint);
	return path + strspn(path, "/");
}

/* The flags of the mount that is covered are its, and it is read-only. */
static int set_flags(const struct place *place, int fd)
{
	static const struct {
		const char *word;
		unsigned long flag;
	} words[] = {
		{ "nosuid", MS_NOSUID }, { "nodev", MS_NODEV }, { "noexec", MS_NOEXEC },
	};
	const char *options = mnt_fs_get_vfs_options(place->fs) ?: "";
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!mnt_optstr_get_option(options, words[i].word, NULL, NULL))
			flags |= words[i].flag;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return mount(NULL, path, NULL, flags, NULL) ? -errno : 0;
}

/* What is mounted on it moves onto what covers it. */
static void move_children(struct context *context, const struct places *places,
			  const struct place *parent, int cover)
{
	size_t i;
	int rc;

	for (i = 0; i < places->count; i++) {
		const struct place *child = &places->list[i];

		if (child->fd < 0 || parent_of(places, child) != parent)
			continue;
		rc = mountfd_open_beneath(cover, behind(target_of(child), target_of(parent)));
		if (rc >= 0) {
			int place = rc;

			rc = mountfd_attach(child->fd, place);
			close(place);
		}
		if (rc < 0)
			warn(context, "what is mounted on %s is not seen by the command: in the "
			     "shadow there is no place for it (%s)", target_of(child),
			     strerror(-rc));
	}
}

/* A directory of the image that was mounted there.  Its descriptor, -ENOENT, or another one. */
static int copy_of(const struct place *place)
{
	const char *root = mnt_fs_get_root(place->fs) ?: "/";
	int at = mountfd_open_beneath(place->image->base, behind(root, "")), copy;

	if (at < 0)
		return at;
	/* of this directory, whatever it is called meanwhile */
	copy = mountfd_copy(at, "", false);
	close(at);
	return copy;
}

/*
 * One mount.  What was made after the instant is not in the shadow, and so neither is a mount of
 * it.  @cover: out: what covers it, or -1.
 */
static int cover_place(struct context *context, const struct places *places, struct place *place,
		       int *cover)
{
	int rc = copy_of(place);

	*cover = -1;
	if ((rc == -ENOENT || rc == -ENOTDIR) && strcmp(target_of(place), "/")) {
		warn(context, "what is mounted on %s is not seen by the command: %s of its volume "
		     "is not in the shadow", target_of(place), mnt_fs_get_root(place->fs));
		umount2(target_of(place), MNT_DETACH | UMOUNT_NOFOLLOW);
		close(place->fd);
		place->fd = -1;		/* it does not move with what it was mounted on */
		return STATUS_OK;
	}
	if (rc >= 0) {
		*cover = rc;
		rc = mountfd_attach(*cover, place->fd);
	}
	if (rc >= 0)
		rc = set_flags(place, *cover);
	if (rc < 0)
		return fail(context, "cannot show %s on %s: %s", place->image->path,
			    target_of(place), strerror(-rc));
	move_children(context, places, place, *cover);
	return STATUS_OK;
}

/* Go there, with everything else gone: as many as are stacked on "/" by now. */
static int change_root(struct context *context, int root, size_t stacked)
{
	if (fchdir(root))
		return fail(context, "cannot make the shadow the root: %s", strerror(errno));
	if (syscall(SYS_pivot_root, ".", ".")) {
		/* a root that cannot be changed, that of an initramfs: it stays below */
		if (!chroot("."))
			return STATUS_OK;
		return fail(context, "cannot make the shadow the root: %s", strerror(errno));
	}
	while (stacked--)
		umount2(".", MNT_DETACH);
	return chdir("/") ? fail(context, "cannot make the shadow the root: %s", strerror(errno)) :
	       STATUS_OK;
}

static int mount_images(struct context *context, struct places *places, size_t *count)
{
	int root = mountfd_open("/"), status = STATUS_OK;
	size_t i;

	for (i = 0; !status && i < places->count; i++)
		if (places->list[i].fd >= 0 && places->list[i].image &&
		    places->list[i].image->base < 0) {
			status = mount_image(context, places->list[i].image, root);
			(*count)++;
		}
	if (root >= 0)
		close(root);
	return status;
}

static int cover_all(struct context *context, struct inside *inside)
{
	struct places places;
	int status = places_read(context, inside, &places), cover, root = -1;
	size_t i, stacked = 0;

	if (!status) {
		open_places(&places);
		status = mount_images(context, &places, &stacked);
	}
	for (i = places.count; !status && i--;) {
		struct place *place = &places.list[i];

		if (!place->image || place->fd < 0)
			continue;
		status = cover_place(context, &places, place, &cover);
		if (cover >= 0 && !strcmp(target_of(place), "/"))
			root = cover;
		else if (cover >= 0)
			close(cover);
	}
	if (!status && root >= 0)
		status = change_root(context, root, stacked + 1);
	while (!status && root < 0 && stacked--)
		umount2("/", MNT_DETACH);
	for (i = 0; i < inside->image_count; i++)
		if (inside->images[i].base >= 0)
			close(inside->images[i].base);
	if (root >= 0)
		close(root);
	places_free(&places);
	return status;
}

/* --- what stays live ------------------------------------------------------------------ */

struct live {
	const char *path;
	char real[PATH_MAX];
	int fd;
};

/* Is it on a mount that will be covered, and not one itself? */
static bool will_be_covered(const struct places *places, const char *path)
{
	int fd = mountfd_open(path), id = fd < 0 ? -1 : mountfd_id(fd);
	size_t i;

	if (fd >= 0)
		close(fd);
	for (i = 0; id >= 0 && i < places->count; i++)
		if (mnt_fs_get_id(places->list[i].fs) == id)
			return places->list[i].image && strcmp(target_of(&places->list[i]), path);
	return false;
}

static int copy_live(struct context *context, const char *path, struct live *live)
{
	live->path = path;
	live->fd = -1;
	if (!realpath(path, live->real))
		return fail(context, "cannot keep %s as it is: %s", path, strerror(errno));
	live->fd = mountfd_copy(AT_FDCWD, live->real, true);
	if (live->fd < 0)
		return fail(context, "cannot keep %s as it is: %s", path, strerror(-live->fd));
	return STATUS_OK;
}

static int place_live(struct context *context, const struct live *live)
{
	int root = mountfd_open("/");
	int place = root < 0 ? root : mountfd_open_beneath(root, behind(live->real, ""));
	int rc = place < 0 ? place : mountfd_attach(live->fd, place);

	if (place >= 0)
		close(place);
	if (root >= 0)
		close(root);
	if (rc >= 0)
		return STATUS_OK;
	return fail(context, "cannot keep %s as it is: %s%s", live->path, strerror(-rc),
		    rc == -ENOENT ? "; it is not in the shadow, as it was made after it" : "");
}

/* Those of the user, and those that lie on a volume of the set. */
static int copy_all_live(struct context *context, struct inside *inside, struct live *live,
			 size_t *count)
{
	struct places places;
	int status = places_read(context, inside, &places);
	char real[PATH_MAX];
	size_t i;

	for (i = 0; !status && i < ARRAY_SIZE(always_live); i++)
		if (realpath(always_live[i], real) && will_be_covered(&places, real))
			status = copy_live(context, always_live[i], &live[(*count)++]);
	for (i = 0; !status && i < inside->live_count; i++)
		status = copy_live(context, inside->live[i], &live[(*count)++]);
	places_free(&places);
	return status;
}

/* --- all of it ---------------------------------------------------------------------------- */

static int leave(struct context *context)
{
	if (!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return STATUS_OK;
	return fail(context, "cannot have a mount namespace: %s", strerror(errno));
}

int inside_enter(struct context *context, struct inside *inside)
{
	struct live *live = calloc(INSIDE_LIVE_MAX + ARRAY_SIZE(always_live), sizeof(*live));
	char *directory = getcwd(NULL, 0);
	size_t count = 0, i;
	int status = STATUS_OK;

	if (!live || !directory)
		status = fail(context, "cannot find the working directory: %s", strerror(errno));
	if (!status)
		status = leave(context);
	if (!status)
		status = copy_all_live(context, inside, live, &count);
	if (!status)
		status = cover_all(context, inside);
	for (i = 0; !status && i < count; i++)
		status = place_live(context, &live[i]);
	if (!status && chdir(directory))
		status = fail(context, "the working directory, %s, is not there inside: %s. Begin "
			      "in another one", directory, strerror(errno));
	for (i = 0; live && i < count; i++)
		if (live[i].fd >= 0)
			close(live[i].fd);
	free(live);
	free(directory);
	return status;
}
