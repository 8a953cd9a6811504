#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an owner that waits for what it holds itself: the timer ends it
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
check "it comes to an end" timeout 30 holder --timeout 1500 "$DISK_a" --freeze -- add hold \
	"exec:echo here >$SCRATCH/mnt/file" try:take 2>"$SCRATCH/said"
like "$(cat "$SCRATCH/said")" 'error=ETIMEDOUT' "the set has failed"
is "$(cat "$SCRATCH/mnt/file")" here "its write was done"
nothing_left
