#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of holding, taking and releasing a set
# DISKS: a=16M b=16M mounted=16M

. "$(dirname "$0")/ctl.sh"

mkfs_on ext4 "$DISK_mounted"
mount_at "$DISK_mounted" "$SCRATCH/mnt"
need_module
cases ctl_errno holds a="$DISK_a" b="$DISK_b" mounted="$DISK_mounted" mountpoint="$SCRATCH/mnt"
freezing_nests || cases ctl_errno frozen a="$DISK_a" mounted="$DISK_mounted" mountpoint="$SCRATCH/mnt"
unload
