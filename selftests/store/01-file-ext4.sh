#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on ext4; meanwhile nobody can change the file
# CORE
# DISKS: origin=64M oracle=64M store=160M

. "$(dirname "$0")/store.sh"

need_module
mkfs_on ext4 "$DISK_store" -b 4096
mount_at "$DISK_store" "$SCRATCH/store"
file=$SCRATCH/store/file
store_file "$file" 96
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" "$file" "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" ext4 \
	random-buffered sequential-buffered random-direct
is "$(part "$DISK_origin" type) $(part "$DISK_origin" inode) $(part "$DISK_origin" allocated)" \
	"file $(stat -c %i "$file") $((95 << 20))" "the part is the file"
is "$(part "$DISK_origin" dev)" "$(device_number "$DISK_store")" "on its device"
check "something is in it" [ "$(part "$DISK_origin" used)" -gt 0 ]
diag "$(parts list)"
left_alone "$file"
# What is added to it takes nothing away.
truncate -s 1G "$file"
check "the image is still the oracle" ora_compare "$oracle_image" "$DISK_oracle"
shadowadm delete --all -q
is "$(parts list)" "" "no part is left"
is_free "$file"
umount_at "$SCRATCH/mnt"
umount_at "$SCRATCH/store"
check "the filesystem of the file is sound" e2fsck -fn "$DISK_store"
unload
