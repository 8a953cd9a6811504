#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm hold does not write into a btrfs that it holds, which has no device's number
# DISKS: a=256M other=256M

. "$(dirname "$0")/hold.sh"

has mkfs.btrfs
mkfs_on btrfs "$DISK_a"
mkfs_on btrfs "$DISK_other"
mkdir -p "$SCRATCH/a" "$SCRATCH/other"
mount_at "$DISK_a" "$SCRATCH/a"
mount_at "$DISK_other" "$SCRATCH/other"
btrfs -q subvolume create "$SCRATCH/a/sub"
need_module

# into_file FILE: with its standard output there
into_file() {
	timeout 30 shadowadm hold "$DISK_a" --timeout 5 -- echo here >"$1"
}

expect_fail 'standard output is a file on .*which is to be held' into_file "$SCRATCH/a/output"
expect_fail 'standard output is a file on .*which is to be held' into_file "$SCRATCH/a/sub/output"
check "but it can be one on another" into_file "$SCRATCH/other/output"
is "$(cat "$SCRATCH/other/output")" here "that has what the command said"
nothing_left
