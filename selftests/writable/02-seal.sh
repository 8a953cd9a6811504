#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a sealed image is read-only for good, with what was written to it (VSS D-06)
# CORE
# DISKS: origin=16M twin=16M other=16M

. "$(dirname "$0")/writable.sh"

fill "$DISK_origin" 1
fill "$DISK_twin" 1
fill "$DISK_other" 2
need_module
listen
take_writable "$DISK_origin" "$DISK_other"
set=$(shadow "$IMAGE" set)
for disk in "$IMAGE" "$DISK_twin"; do
	devio "$disk" write:3s:70s buffered:1m:12345 fsync
done

keep_open "$IMAGE" '<>'
expect_fail "cannot seal $IMAGE: it is in use\\. Unmount.*$IMAGE is open by sleep" shadowadm seal "$IMAGE"
bg_stop "$BG"
settle
keep_open "$IMAGE" '<'
# Dirty pages of a writer that has gone, and a reader that keeps the device open.
devio "$IMAGE" buffered:2m:54321
devio "$DISK_twin" buffered:2m:54321 fsync
expect_fail 'it is in use' shadowadm seal "$IMAGE"
bg_stop "$BG"

sealed "$IMAGE"
check "what was written is there" same "$IMAGE" "$DISK_twin"
check "also through the page cache" same_buffered "$IMAGE" "$DISK_twin"
wait_for 10 event sealed
ok "an event told it"
blockdev --setrw "$IMAGE"
expect_fail 'Read-only file system' devio "$IMAGE" write:0:4k
blockdev --setro "$IMAGE"	# on 5.10 it said otherwise
check "nothing has changed" same "$IMAGE" "$DISK_twin"
is "$(shadow "${IMAGES[1]}" writable)" true "the other one of the set is writable still"
check "and can be written" devio "${IMAGES[1]}" write:0:4k

check "the set can be sealed" shadowadm seal -q "$set"
sealed "${IMAGES[@]}"
check "sealing what is sealed does nothing" shadowadm seal "$IMAGE"
drop_all
take "$DISK_origin"
check "nor does sealing what was never writable" shadowadm seal "$IMAGE"
is "$(shadow "$IMAGE" sealed)" false "and does not call it sealed"
drop "$IMAGE"

# Sealed while it is read, and while its origin is written.
take_writable "$DISK_origin"
devio "$IMAGE" write:4m:1m
settle
keep_open "$IMAGE" '<'
reader=$BG
bg 60 bash -c 'while :; do fill "$1" 7; done' write "$DISK_origin"
sealed "$IMAGE"
bg_stop "$reader"
drop "$IMAGE"
unload
