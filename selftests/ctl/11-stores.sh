#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of stores; a device that is refused is not written to
# EXPECT_LOG: swapon: (file .* )?.*(has unallocated extents|Cannot find)
# DISKS: a=16M b=16M store=8M small=2M mounted=24M parted=32M big=16M,block=4096

. "$(dirname "$0")/ctl.sh"

fill "$DISK_store" 1
mkfs_on ext4 "$DISK_mounted"
mount_at "$DISK_mounted" "$SCRATCH/mnt"
partition "$DISK_parted" 2048:32768
loop 16M --read-only
need_module
cases ctl_errno stores a="$DISK_a" b="$DISK_b" store="$DISK_store" small="$DISK_small" \
	mounted="$DISK_mounted" disk="$DISK_parted" partition="${DISK_parted}1" \
	store4k="$DISK_big" readonly="$LOOP" mountpoint="$SCRATCH/mnt"
unload
