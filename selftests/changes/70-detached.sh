#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: changes are known after a detaching and attaching, and why not after anything else
# DISKS: origin=48M store=96M
# TIMEOUT: 300
# CORE

. "$(dirname "$0")/saved.sh"

cleanup drop_all

# again: detach and attach, with the module gone in between
again() {
	detach_store
	between
	attach_store
}

between() {
	shadowadm volume untrack "$ORIGIN" >/dev/null 2>&1 || true
	unload
	need_module
}

# all_known: 0 and 2 are bases, 1 and 3 are shadows, all else is known by now
all_known() {
	known 0 1
	known 0 2
	known 2 3
	exact 1 3
	known 0 3
}

fill "$ORIGIN" 1
need_module
persistent
operate write:1m:64k write:7s:3s discard:40m:1m
persistent
operate write:1m:4k write:20m:1m
persistent
tell_free "$(shadow "${IMAGE_OF[2]}" index)" $((30 << 20)) $((2 << 20)) $((44 << 20)) 4096 >/dev/null
operate write:30m:8k zeroout:-64k:64k fsync
persistent
operate write:2m:4k
delta keep "${UUID_OF[0]}"
delta keep "${UUID_OF[2]}"
drop "${IMAGE_OF[0]}" "${IMAGE_OF[2]}"
all_known
was_free=$(delta runs W "${UUID_OF[3]}" "${UUID_OF[2]}")
is "$was_free" "31457280 2097152 W
46137344 4096 W" "what was free at a base is known"
generation=$(tracking generation)
bases=$(delta bases | cut -d ' ' -f 1-2)

again
is "$(delta bases | cut -d ' ' -f 1-2)" "$bases" "the same bases and shadows"
is "$(tracking generation)" "$generation" "of the same generation"
all_known
is "$(delta runs W "${UUID_OF[3]}" "${UUID_OF[2]}")" "$was_free" "what was free at it is, too"
operate write:3m:12k
persistent
known 0 4
exact 3 4

# Bases alone keep the store.
drop "${IMAGE_OF[1]}" "${IMAGE_OF[3]}" "${IMAGE_OF[4]}"
expect_fail 'error 2 ' delta keep "${UUID_OF[3]}"
is "$(shadow_count)" 0 "there is no shadow"
operate write:5m:4k
again
is "$(shadow_count)" 0 "there is none again"
operate write:6m:4k
persistent
known 0 5
known 2 5

# A copy of the store as it is now is what would be there after a loss of power.
dd if="$DISK_store" of="$SCRATCH/store" bs=1M status=none iflag=direct
detach_store
dd if="$DISK_store" of="$SCRATCH/detached" bs=1M status=none iflag=direct
between

# attached_from STORE REASON: nothing is known, for that reason, and shadows are there all the same
attached_from() {
	dd if="$1" of="$DISK_store" bs=1M status=none oflag=direct conv=fsync
	attach_store
	is "$(tracking reason) $(tracking bases)" "$2 0" "nothing is known, for that reason"
	is "$(delta bases)" "" "there is no base"
	unknown 0 5
	is "$(shadow_count)" 1 "the shadow is there"
	persistent
	expect_fail 'reason 54' delta runs C "${UUID_OF[-1]}" "${UUID_OF[5]}"
	drop "$IMAGE"
	unset 'UUID_OF[-1]' 'IMAGE_OF[-1]'
	detach_store
}

attached_from "$SCRATCH/store" 3
at=$(disklog "$DISK_store" | sed -n 's/^saved state=1 .* at=\([0-9]*\) .*/\1/p')
is "$at" "" "nothing was known, and nothing was saved"
dd if="$SCRATCH/detached" of="$DISK_store" bs=1M status=none oflag=direct conv=fsync
at=$(disklog "$DISK_store" | sed -n 's/^saved state=1 .* at=\([0-9]*\) .*/\1/p')
check "it is said where it was saved: $at" [ "$at" -gt 1048576 ]
cp "$SCRATCH/detached" "$SCRATCH/damaged"
printf x | dd of="$SCRATCH/damaged" bs=1 seek=$((at + 100)) conv=notrunc status=none
attached_from "$SCRATCH/damaged" 6

dd if="$SCRATCH/detached" of="$DISK_store" bs=1M status=none oflag=direct conv=fsync
attach_store
known 0 5
detach_store
devio "$ORIGIN" write:4k:4k fsync
expect_fail ESTALE parts attach "$ORIGIN" "$DISK_store"
parts attach "$ORIGIN" "$DISK_store" lost >/dev/null
is "$(tracking reason) $(tracking bases)" "4 0" "somebody wrote to the volume: nothing is known"
unknown 0 5
