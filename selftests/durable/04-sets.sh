#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what survives: sets that were made, pins, what was free, and nothing that was not meant to (H-04)
# DISKS: origin=64M other=64M store=96M second=96M a=64M b=64M
# TIMEOUT: 200

. "$(dirname "$0")/durable.sh"

mnt=$SCRATCH/mnt
need_module

# others: as attach, of the other volume
others() {
	is "$(parts attach "$DISK_other" "$DISK_second")" "shadows=$1 lost=0 dropped=${2:-0}" "and the other store"
	settle
}

if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_origin"
	mkfs_on xfs "$DISK_other"
	mount_at "$DISK_origin" "$mnt"
	mount_at "$DISK_other" "$mnt.other"
	fill "$mnt/file" 1 8
	fill "$mnt/gone" 2 8
	sync
	rm "$mnt/gone"
	sync
	# One set of two volumes, of which free space is known.
	shadowadm create --persistent "$mnt" "$mnt.other" --store "$mnt=$DISK_store" \
		--store "$mnt.other=$DISK_second" -q
	settle
	is "$(shadowadm list --json | jq -r '[.shadows[] | .persistent] | join(" ")')" "true true" \
		"they say that they are persistent"
	for n in 0 1; do
		dd if="/dev/shadow$n" of="$([ $n = 0 ] && echo "$DISK_a" || echo "$DISK_b")" bs=1M \
			oflag=direct status=none
	done
	shadowadm list --json | jq -r '.shadows | sort_by(.device) | .[] | "\(.uuid) \(.set) \(.free)"' >"$mnt/list"
	shadowadm pin -q /dev/shadow0
	# In the same store, but not to survive.
	holder "$DISK_origin" -- add take keep
	fill "$mnt/file" 3 8
	fill "$mnt/gone" 4 8
	fill "$mnt.other/file" 5 8
	sync
	expect_fail 'written to' shadowadm create --writable "$mnt"
	expect_fail 'reason=STORE_DURABLE' parts add "$DISK_origin" memory
	power_cut
fi

attach 1 "" 1
others 1
check "the first one is what it was" cmp /dev/shadow0 "$DISK_a"
check "the second one is what it was" cmp /dev/shadow1 "$DISK_b"
mount_at "$DISK_origin" "$mnt"
is "$(shadowadm list --json | jq -r '.shadows | sort_by(.device) | .[] | "\(.uuid) \(.set) \(.free)"')" \
	"$(cat "$mnt/list")" "they have their names, their set, and what was free"
is "$(shadowadm list --json | jq -r '.shadows | sort_by(.device) | [.[] | .pinned, .persistent] | join(" ")')" \
	"true true false true" "one is pinned"
check "much of it was free" [ "$(shadow /dev/shadow0 free)" -gt $((20 << 20)) ]
drop_all
umount_at "$mnt"
unload
