#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a full store in memory costs the shadow (J-15), and its writer nothing
# CORE
# DISKS: origin=32M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
need_module
listen
take "$DISK_origin" --store memory:4M
check "the writer sees no error" fill "$DISK_origin" 2
wait_for 10 event deleted
is "$(shadow_count) $(volume_count)" "0 0" "the shadow went"
check "an event told why" event evicted store-full
check "no other told that it was lost" no_event lost
check "its device is gone" [ ! -e "$IMAGE" ]
check "all was written" same seed:2 "$DISK_origin"
sum=$(checksum "$DISK_origin")
take "$DISK_origin" --store memory:4M
devio "$DISK_origin" write:0:64k write:1m:1m
is "$(checksum "$IMAGE")" "$sum" "a new one is as it should be"
drop "$IMAGE"
unload
