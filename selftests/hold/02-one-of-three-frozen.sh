#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set of three of which the last cannot be frozen leaves no trace on the others
# DISKS: a=32M b=16M c=32M store=32M

. "$(dirname "$0")/hold.sh"

if freezing_nests; then
	skip "this kernel freezes a frozen filesystem once more"
fi

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/a"
mkfs_on ext4 "$DISK_c"
mount_at "$DISK_c" "$SCRATCH/c"
need_module
fsfreeze -f "$SCRATCH/c"
cleanup "fsfreeze -u '$SCRATCH/c' 2>/dev/null || true"
write_under "$DISK_b"
expect_fail 'error=EBUSY phase=FREEZE reason=FROZEN' timeout 20 holder "$DISK_a" --freeze \
	"$DISK_b" --store "$DISK_store" "$DISK_c" --freeze -- add take
nothing_left
goes_on
check "the first is thawed" timeout 10 touch "$SCRATCH/a/file"
check "the store is free" mkfs_on ext4 "$DISK_store"
fsfreeze -u "$SCRATCH/c"
none_lost "$DISK_b"
