#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner is killed while the volumes are held: nothing is lost, and the writer goes on
# CORE
# DISKS: a=16M b=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/mnt"
need_module
owner --timeout 60000 "$DISK_b" --freeze "$DISK_a" -- add pause hold pause
paused
write_under "$DISK_a"
resume
paused 2
stands
kill_owner
goes_on
check "the filesystem is thawed" timeout 10 touch "$SCRATCH/mnt/file"
nothing_left
none_lost "$DISK_a"
umount_at "$SCRATCH/mnt"
unload
