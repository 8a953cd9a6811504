#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is frozen is waited for, what is full is told of; then the policy holds
# DISKS: origin=96M oracle=96M store=160M
# TIMEOUT: 300

. "$(dirname "$0")/store.sh"

grow_flag() {
	[ $(($(part "$DISK_origin" flags) & 4)) -ne 0 ]
}

mkfs_on ext4 "$DISK_store" -b 4096
mount_at "$DISK_store" "$SCRATCH/store"
file=$SCRATCH/store/file
store_file "$file" 8
# Room for one step and a part of the next.
fallocate -l $(($(stat -f -c '%a * %S' "$SCRATCH/store") - (80 << 20))) "$SCRATCH/store/filler"
need_module
listen
track "$DISK_origin"
shadowadm volume policy "$DISK_origin" fail-io
shadow_with_oracle "$DISK_origin" "$file:$((120 << 20))" "$DISK_origin"

# Frozen: writes wait, and nothing is lost.
fsfreeze -f "$SCRATCH/store"
cleanup 'fsfreeze -u "$SCRATCH/store" 2>/dev/null || true'
bg 100 devio "$DISK_origin" write:0:74m
sleep 4
check "a write waits for a filesystem that is frozen" kill -0 "$BG"
is "$(volume "$DISK_origin" state)" preserving "which is no fault"
fsfreeze -u "$SCRATCH/store"
check "and goes on when that is over" bg_wait "$BG"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
diag "$(parts list)"

# Full: the shadow is protected, and it says why.
expect_fail "Input/output error" devio "$DISK_origin" write:74m:22m
is "$(volume "$DISK_origin" fault)" grow-failed "the fault is that it could not grow"
check "an event told so" event grow-failed
diag "$(parts list)"
check "the part says so" grow_flag
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"

# With room, it grows.
rm "$SCRATCH/store/filler"
shadowadm volume clear-fault "$DISK_origin"
check "with room writes pass" devio "$DISK_origin" write:74m:22m
check "the part has grown" [ "$(part "$DISK_origin" allocated)" -gt $((96 << 20)) ]
check "and says so" eval '! grow_flag'
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
settle
shadowadm delete --all -q
is_free "$file"
umount_at "$SCRATCH/store"
check "the filesystem of the file is sound" e2fsck -fn "$DISK_store"
unload
