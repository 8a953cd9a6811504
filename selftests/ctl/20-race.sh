#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: many threads with one set and others that compete: nothing is held or left, writes go on
# ALONE
# DISKS: a=32M b=16M

. "$(dirname "$0")/ctl.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
cases ctl_race 10 a="$DISK_a" b="$DISK_b" file="$SCRATCH/mnt/file"
check "the filesystem is not frozen" timeout 10 touch "$SCRATCH/mnt/after"
check "the disk is not held" timeout 10 devio "$DISK_b" write:0:4k
umount "$SCRATCH/mnt"
check "the filesystem is whole" e2fsck -fn "$DISK_a"
unload
