/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake.h - the functions that the linker puts in the place of others (--wrap).
 */
#ifndef SHADOWCOPY_FAKE_H
#define SHADOWCOPY_FAKE_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/shadow.h>

struct shadowcopy;
struct stat;
struct statvfs;

struct shadowcopy *__real_shadowcopy_new(void);
struct shadowcopy *__wrap_shadowcopy_new(void);

/* stat() is called that where files can be large. */
int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);

/* The mode is nothing where none is given. */
int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);

/* And so is statvfs(). */
int __real_statvfs64(const char *path, struct statvfs *vfs);
int __wrap_statvfs64(const char *path, struct statvfs *vfs);

/* --- fake.c, for fake_changes.c: NULL where there is none --- */

const struct shadow_shadow_info *fake_shadow_at(uint64_t index);
const struct shadow_shadow_info *fake_shadow_find(const struct shadow_uuid *uuid);
const struct shadow_volume_info *fake_volume_at(uint64_t index);

/* --- fake_changes.c --- */

/* A command that concerns changes and bases; -ENOTTY: another one. */
int fake_changes(unsigned long request, void *argument);

bool fake_bases_kept(struct shadow_dev dev);

#endif /* SHADOWCOPY_FAKE_H */
