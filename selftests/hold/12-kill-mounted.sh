#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an auto-release shadow that is mounted goes when it is unmounted, not before
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/file" 1 4
sync -f "$SCRATCH/mnt"
need_module
owner --auto-release "$DISK_a" --freeze -- add take print pause
paused
image=$(said | grep -o '/dev/shadow[0-9]*')
settle
mount_at "$image" "$SCRATCH/image" -o ro,noload
kill_owner
fill "$SCRATCH/mnt/file" 2 4
sync -f "$SCRATCH/mnt"
echo 3 >/proc/sys/vm/drop_caches
is "$(shadow "$image" state)" deleting "it is marked"
check "its file is as it was" same seed:1 "$SCRATCH/image/file" 4194304
expect_fail . dd if="$image" of=/dev/null bs=4k count=1
umount_at "$SCRATCH/image"
nothing_left
umount_at "$SCRATCH/mnt"
unload
