#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner is killed while a filesystem is being frozen
# DISKS: a=48M,bps=4M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
owner "$DISK_a" --freeze -- add pause hold pause
paused
dd if=/dev/zero of="$SCRATCH/mnt/dirty" bs=1M count=16 status=none
resume
sleep 1
check "it is freezing" [ "$(grep -c paused "$SCRATCH/owner")" = 1 ]
kill_owner
nothing_left
check "the filesystem is thawed" timeout 20 touch "$SCRATCH/mnt/file"
umount_at "$SCRATCH/mnt"
unload
