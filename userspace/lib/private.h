/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * private.h - what the files of the library share and nobody else sees.
 *
 * Non-static functions of this header carry the prefix sc_ and are hidden;
 * those of libshadowcopy.h carry shadowcopy_ and SC_EXPORT.
 */
#ifndef SHADOWCOPY_PRIVATE_H
#define SHADOWCOPY_PRIVATE_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "libshadowcopy.h"

#define SC_EXPORT __attribute__((visibility("default")))
#define SC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct shadowcopy {
	int fd;			/* the control device, -1 until it is needed */
	char *sysroot;		/* NULL: this machine */
	struct shadowcopy_error error;
	char *error_strings[5];	/* owns what error points to */
	struct sc_provider *providers;	/* beside the native one, as they are asked */
	unsigned long failures;	/* how many errors there were */
};

struct shadowcopy_set {
	struct shadowcopy *sc;
	int fd;
	struct shadow_uuid uuid;
};

/* --- provider.c --------------------------------------------------------- */

void sc_providers_free(struct shadowcopy *sc);

/* --- set.c -------------------------------------------------------------- */

/* What was to be done with a device, by its SHADOW_ADD_* bits. */
const char *sc_add_action(uint32_t flags);

/* --- error.c ------------------------------------------------------------ */

/*
 * What a failing function knows.  Members left NULL are filled in from the
 * fault's reason or from the errno.
 */
struct sc_failure {
	const char *action;
	const char *object;
	const char *cause;
	const char *remedy;
	const struct shadow_fault *fault;
};

/* Record a failure; @code is the negative errno, and what is returned. */
int sc_fail(struct shadowcopy *sc, int code, const struct sc_failure *failure);

#define SC_FAIL(sc, code, ...) \
	sc_fail((sc), (code), &(struct sc_failure){ __VA_ARGS__ })

/* --- text.c -------------------------------------------------------------- */

/* Put '?' in the place of what a terminal obeys, and of what is no UTF-8. */
void sc_text_plain(char *text);

/* --- device.c: the only caller of open() and ioctl() on our devices ------ */

int sc_device_open(void);
int sc_device_ioctl(int fd, unsigned long request, void *argument);

/* --- sysfs.c ------------------------------------------------------------ */

static inline bool sc_dev_equal(struct shadow_dev a, struct shadow_dev b)
{
	return a.major == b.major && a.minor == b.minor;
}

static inline bool sc_dev_is_null(struct shadow_dev dev)
{
	return !dev.major && !dev.minor;
}

struct shadow_dev sc_dev_from_devno(dev_t devno);
int sc_dev_parse(const char *text, struct shadow_dev *dev);

/* A path below the sysroot, to be freed; NULL where memory is short. */
char *sc_path(const struct shadowcopy *sc, const char *format, ...) SC_PRINTF(2, 3);

/* First line of a file below the sysroot, without its newline. */
int sc_read_line(const struct shadowcopy *sc, char *buf, size_t size,
		 const char *format, ...) SC_PRINTF(4, 5);

/* Does this file exist below the sysroot? */
bool sc_exists(const struct shadowcopy *sc, const char *format, ...) SC_PRINTF(2, 3);

/* Kernel name of a device: 0 or -ENODEV. */
int sc_sysfs_name(const struct shadowcopy *sc, struct shadow_dev dev, char name[32]);

/* Device of a kernel name: 0 or -ENODEV. */
int sc_sysfs_dev(const struct shadowcopy *sc, const char *name, struct shadow_dev *dev);

struct sc_mounts;

/*
 * Call @fn for each device directly above @dev: partitions, holders, loop
 * devices.  Stops at the first non-zero answer and returns it.
 */
int sc_sysfs_above(const struct shadowcopy *sc, struct sc_mounts *mounts,
		   struct shadow_dev dev,
		   int (*fn)(void *data, struct shadow_dev above), void *data);

/*
 * Call @fn for each device directly below @dev: the disk of a partition, the slaves of a
 * stacked device, what a loop device's file is on.  Stops at a negative answer.
 *
 * Return: how many there are, or a negative errno.
 */
int sc_sysfs_below(struct shadowcopy *sc, struct shadow_dev dev,
		   int (*fn)(void *data, struct shadow_dev below), void *data);

/*
 * Would what is stored there come back to the volume through other devices, and wait for
 * itself?  Not for a file on a partition of the volume, or on the disk that it is a part of: the
 * module sees the two where they are on the same disk.
 */
bool sc_store_comes_back(struct shadowcopy *sc, struct shadow_dev volume,
			 const struct shadow_store_spec *store);

/* Is one of the two a part of the other, or made of it? */
bool sc_share_blocks(struct shadowcopy *sc, struct shadow_dev a, struct shadow_dev b);

/* Is it set read-only? */
bool sc_is_read_only(const struct shadowcopy *sc, struct shadow_dev dev);

/* Bytes of a logical block; 0 where that cannot be seen. */
unsigned int sc_logical_block(const struct shadowcopy *sc, struct shadow_dev dev);

/* Is this disk plugged into USB? */
bool sc_on_usb(const struct shadowcopy *sc, struct shadow_dev dev);

/* "/dev/vda1 (253:1)": what is best shown to a user. */
void sc_dev_label(const struct shadowcopy *sc, struct shadow_dev dev, char *buf,
		  size_t size);

/* --- mounts.c ----------------------------------------------------------- */

/* A mounted filesystem; strings belong to the table. */
struct sc_mount {
	struct shadow_dev dev;	/* 0:0 where no block device is behind it */
	const char *target;
	const char *source;
	const char *fstype;
	const char *root;	/* what of the filesystem is mounted there, "/": all */
	bool read_only;
	bool written;		/* its filesystem can be written to, here or by another mount */
};

int sc_mounts_read(const struct shadowcopy *sc, struct sc_mounts **mounts);
void sc_mounts_free(struct sc_mounts *mounts);

/* First mount whose filesystem is on @dev; preferably of its root. */
bool sc_mounts_by_dev(struct sc_mounts *mounts, struct shadow_dev dev,
		      struct sc_mount *mount);

/* The mount that a path lies in, seen from this process. */
bool sc_mounts_by_path(struct sc_mounts *mounts, const char *path,
		       struct sc_mount *mount);

/* The mount that an open file lies in. */
bool sc_mounts_by_fd(struct sc_mounts *mounts, int fd, struct sc_mount *mount);

/* Call @fn for each mount, filesystems' own roots first, until it answers not 0. */
int sc_mounts_each(struct sc_mounts *mounts,
		   int (*fn)(void *data, const struct sc_mount *mount), void *data);

/* The root filesystem. */
bool sc_mounts_root(struct sc_mounts *mounts, struct sc_mount *mount);

bool sc_is_swap(const struct shadowcopy *sc, struct shadow_dev dev);

/* --- probe.c ------------------------------------------------------------ */

/* What identifies the contents of a device.  Empty where there is nothing. */
struct sc_tags {
	char uuid[64];
	char label[256];
	char partuuid[64];
	char partlabel[256];
	char type[64];		/* "ext4", "LVM2_member", a partition table's "gpt" */
	bool filesystem;
};

/* 0, or a negative errno where the device cannot be read. */
int sc_probe(struct shadowcopy *sc, struct shadow_dev dev, struct sc_tags *tags);

/* The type of a device that has a durable store. */
#define SC_DURABLE_TYPE "durable store"

/* --- wipe.c ------------------------------------------------------------- */

struct sc_wiped;

/*
 * Remember what is in the first MiB of a device that nobody uses, which the module zeroes,
 * and with @signatures overwrite those that libblkid finds, wherever they are.  @wiped: what
 * was there, for sc_unwipe() or sc_wiped_free().  Return: 0, or a negative errno; then
 * nothing is changed.
 */
int sc_wipe(struct shadowcopy *sc, struct shadow_dev dev, bool signatures,
	    struct sc_wiped **wiped);

/*
 * Put it back, as much of it as can be, and free @wiped, or NULL.  Return: 0, or a negative
 * errno: then some of it is lost.
 */
int sc_unwipe(struct shadowcopy *sc, struct shadow_dev dev, struct sc_wiped **wiped);
void sc_wiped_free(struct sc_wiped **wiped);

/* --- identity.c --------------------------------------------------------- */

/* Does this name, as it stands in stores.conf, mean this device? */
bool sc_name_means(struct shadowcopy *sc, const char *name, struct shadow_dev dev);

/* --- header.c ----------------------------------------------------------- */

#define SC_HEADER_SIZE 4096

/* What the first block of a file says that is a store. */
struct sc_header {
	struct shadow_uuid uuid;
	uint64_t created;
	char volume[256];
};

/* 0; -ENODATA: it is not one of ours; or another negative errno. */
int sc_header_read(int fd, struct sc_header *header);

/* A new one for a store of this volume. */
int sc_header_new(struct sc_header *header, const char *volume);
int sc_header_write(int fd, const struct sc_header *header);

/*
 * Is there a durable store on a device (@head 0), or in a file (@head SHADOW_DISK_FILE_HEADER)?
 * One of its two headers is enough to be careful.
 */
bool sc_is_durable(int fd, off_t head);

/* --- directory.c -------------------------------------------------------- */

/*
 * Open a directory in which nobody but root, or who runs this, can exchange a file:
 * neither it nor one above it.  @path is one that realpath() gave.  Unless @for_names, it may
 * be anybody's if it is the root of a mounted filesystem.  The descriptor, or -EPERM with @why,
 * to be freed, or another negative errno.
 */
int sc_directory_open(const char *path, bool for_names, char **why);

/* --- place.c ------------------------------------------------------------ */

#define SC_HEAD		(1ULL << 20)	/* of a file: for its header, not used by the module */
#define SC_STORE_MIN	(4ULL << 20)

/* Can a filesystem of this type have a store? */
bool sc_fs_fit(const char *type);

/* The same as an error: what is wrong with the filesystem that @path lies in. */
int sc_fs_check(struct shadowcopy *sc, const char *path, const struct sc_mount *mount);

/* The mount that a path lies in.  @mounts is to be freed; @mount belongs to it. */
int sc_fs_of(struct shadowcopy *sc, const char *path, struct sc_mounts **mounts,
	     struct sc_mount *mount);

/* --- part.c --------------------------------------------------------------- */

/* Open a file that has a durable store for the module to attach: a descriptor, or an error. */
int sc_durable_file_open(struct shadowcopy *sc, const struct shadowcopy_store *store,
			 struct shadow_dev volume);

/* --- gc.c ---------------------------------------------------------------- */

/*
 * Note where a store is, for gc.  Nothing depends on it but that an abandoned file is
 * found, so failures are passed over.
 */
void sc_registry_add(struct shadowcopy *sc, const struct shadow_uuid *uuid, const char *path);
void sc_registry_remove(struct shadowcopy *sc, const struct shadow_uuid *uuid);

/* Call @fn for the path of each, until it answers true.  Return: whether it did. */
bool sc_registry_each(struct shadowcopy *sc, bool (*fn)(void *data, const char *path), void *data);

/* --- stores.c ----------------------------------------------------------- */

/* "UUID=..." and its like. */
bool sc_is_tag(const char *name);

/* The enum shadow_store_type of a store as it stands in stores.conf. */
uint32_t sc_store_type(const char *store);

/* --- fs.c --------------------------------------------------------------- */

/*
 * Type of the filesystem that is mounted on a device in any namespace, as the
 * filesystems' own directories in sysfs tell; false where none does.
 */
bool sc_fs_in_sysfs(const struct shadowcopy *sc, const char *name, char type[32]);

/*
 * Devices of the btrfs that @name belongs to, 0 where it belongs to none.
 * @fn, may be NULL, is called with the kernel name of each.
 */
unsigned int sc_btrfs_devices(const struct shadowcopy *sc, const char *name,
			      void (*fn)(void *data, const char *member), void *data);

/* Does freezing the block device freeze a btrfs on so many devices here? */
bool sc_btrfs_freezes(const struct shadowcopy *sc, unsigned int devices);

#endif /* SHADOWCOPY_PRIVATE_H */
