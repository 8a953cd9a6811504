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
};

struct shadowcopy_set {
	struct shadowcopy *sc;
	int fd;
	struct shadow_uuid uuid;
};

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
};

int sc_mounts_read(const struct shadowcopy *sc, struct sc_mounts **mounts);
void sc_mounts_free(struct sc_mounts *mounts);

/* First mount whose filesystem is on @dev; preferably of its root. */
bool sc_mounts_by_dev(struct sc_mounts *mounts, struct shadow_dev dev,
		      struct sc_mount *mount);

/* The mount that a path lies in, seen from this process. */
bool sc_mounts_by_path(struct sc_mounts *mounts, const char *path,
		       struct sc_mount *mount);

/* The root filesystem. */
bool sc_mounts_root(struct sc_mounts *mounts, struct sc_mount *mount);

bool sc_is_swap(const struct shadowcopy *sc, struct shadow_dev dev);

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
