#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is not certain to be free is not told: not frozen, with errors, switched off, unknown
# DISKS: origin=64M copy=64M

. "$(dirname "$0")/free.sh"

# told DEVICE [OPTION...]: how many bytes are known to be free; warnings in $SCRATCH/said
told() {
	take_used "$@" 2>"$SCRATCH/said"
	known "$IMAGE"
	drop_all
}

mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$MNT"
populate "$MNT"
need_module
is "$(told "$MNT" --no-free-space)" 0 "--no-free-space"

# A copy that was made while it was in use: its journal is to be replayed.
touch "$MNT/file"
sync -f "$MNT"
dd if="$ORIGIN" of="$DISK_copy" bs=1M iflag=direct oflag=direct status=none
umount_at "$MNT"
settle
is "$(told "$DISK_copy")" 0 "a journal that is not empty"
like "$(cat "$SCRATCH/said")" "journal was not empty" "and why is said"
e2fsck -fp "$DISK_copy" >/dev/null || true
check "once it is replayed it is" [ "$(told "$DISK_copy")" -gt 0 ]
is "$(cat "$SCRATCH/said")" "" "without a word"

debugfs -w -R "set_super_value state 2" "$DISK_copy" 2>/dev/null
is "$(told "$DISK_copy")" 0 "a filesystem that had errors"
like "$(cat "$SCRATCH/said")" "has had errors" "and why is said"

mkfs_on ext2 "$DISK_copy"
debugfs -w -R "set_super_value state 0" "$DISK_copy" 2>/dev/null
is "$(told "$DISK_copy")" 0 "one without a journal that was not unmounted"
like "$(cat "$SCRATCH/said")" "in use, and not frozen" "and why is said"

fill "$DISK_copy" 3
is "$(told "$DISK_copy")" 0 "no filesystem"
is "$(cat "$SCRATCH/said")" "" "and that is no warning"
