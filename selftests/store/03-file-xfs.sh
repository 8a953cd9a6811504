#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on XFS; a cloned file is refused
# CORE
# EXPECT_LOG: swapon: .*shared extents
# DISKS: origin=64M oracle=64M store=256M

. "$(dirname "$0")/store.sh"

need_module
mkfs_on xfs "$DISK_store"
mount_at "$DISK_store" "$SCRATCH/store"
file=$SCRATCH/store/file
fill "$file" 1 16
cp --reflink=always "$file" "$file.clone"
expect_fail 'error=EINVAL .*reason=STORE_SHARED' holder "$DISK_origin" --store "$file" -- add
rm "$file.clone"
store_file "$file" 96
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" "$file" "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" ext4 \
	random-buffered sequential-buffered random-direct
diag "$(parts list)"
left_alone "$file"
expect_fail 'Text file busy|Invalid argument' cp --reflink=always "$file" "$file.clone"
shadowadm delete --all -q
is_free "$file"
umount_at "$SCRATCH/store"
check "the filesystem of the file is sound" xfs_repair -n "$DISK_store"
unload
