#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a part that is frozen is waited for although another cannot grow, or is not let go
# DISKS: origin=96M oracle=96M frozen=160M full=80M
# TIMEOUT: 400

. "$(dirname "$0")/store.sh"

waits() {
	sleep 3
	check "a write waits ($1)" kill -0 "$BG"
	is "$(volume "$DISK_origin" state)" preserving "which is no fault"
}

for disk in frozen full; do
	var=DISK_$disk
	mkfs_on ext4 "${!var}" -b 4096
	mount_at "${!var}" "$SCRATCH/$disk"
done
# Growth is not due as long as nothing is preserved.
store_file "$SCRATCH/frozen/file" 40
store_file "$SCRATCH/full/file" 8
expect_fail 'No space left on device' dd if=/dev/zero of="$SCRATCH/full/filler" bs=1M
check "one filesystem is full" [ "$(stat -f -c %f "$SCRATCH/full")" -lt 512 ]
need_module
track "$DISK_origin"

# waits_for_frozen FIRST SECOND: the parts of a store, of which one has no room to grow
waits_for_frozen() {
	shadow_with_oracle "$DISK_origin" "$SCRATCH/$1/file:$((120 << 20))" "$DISK_origin"
	is "$(parts add "$DISK_origin" "$SCRATCH/$2/file:$((120 << 20))")" 1 "$2 is the second part"
	shadowadm volume policy "$DISK_origin" fail-io
	fsfreeze -f "$SCRATCH/frozen"
	cleanup 'fsfreeze -u "$SCRATCH/frozen" 2>/dev/null || true'
	bg 120 devio "$DISK_origin" write:0:96m
	waits "$1 first"
	# What is refused changes nothing for who waits.
	expect_fail 'ENOSPC reason=20 moved=0' parts resize "$DISK_origin" 0 0
	expect_fail 'ENOSPC reason=20 moved=0' parts resize "$DISK_origin" 1 0
	waits "after what was refused"
	sleep 5		# the full one is asked again after as long
	waits "and was tried again"
	diag "$(parts list)"
	fsfreeze -u "$SCRATCH/frozen"
	check "it goes on when that is over" bg_wait "$BG"
	check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
	is "$(volume "$DISK_origin" '| "\(.evicted) \(.lost)"')" "0 0" "no shadow went"
	shadowadm delete --all -q
	store_file "$SCRATCH/frozen/file" 40
}

waits_for_frozen frozen full
waits_for_frozen full frozen
umount_at "$SCRATCH/frozen"
umount_at "$SCRATCH/full"
unload
