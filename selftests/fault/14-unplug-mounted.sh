#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk is pulled under a mounted filesystem whose image is mounted too
# DISKS: origin=32M
# EXPECT_LOG: EXT4-fs error
# EXPECT_LOG: EXT4-fs warning

. "$(dirname "$0")/fault.sh"

mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/file" 1 8
need_module
listen
take "$SCRATCH/mnt"
mount_at "$IMAGE" "$SCRATCH/image" -o ro,noload
unplug_disk "$DISK_origin"
is_lost "$IMAGE" origin-gone
expect_fail 'Input/output error' dd if="$SCRATCH/image/file" of=/dev/null bs=4k iflag=direct
umount_at "$SCRATCH/image"
umount_at "$SCRATCH/mnt"
drop "$IMAGE"
unload
