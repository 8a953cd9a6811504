#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: where no shadow may go, all are lost, loudly; the writer sees nothing
# DISKS: origin=16M

. "$(dirname "$0")/policy.sh"

fill "$DISK_origin" 1
need_module
listen
shot "$DISK_origin" $((4 << 20))
devio "$DISK_origin" write:0:64k
shot "$DISK_origin" $((4 << 20))
devio "$DISK_origin" write:0:64k
shot "$DISK_origin" $((4 << 20))
shadowadm pin "${SHOTS[0]}"
keep_open "${SHOTS[2]}"
check "the writer sees no error" fill "$DISK_origin" 2
wait_for 10 event deleted
check "the one that could go went" images_are "${SHOTS[0]}:lost ${SHOTS[2]}:lost"
is "$(of evicted .index)" 1 "it alone"
is_lost "${SHOTS[0]}" store-full
is_lost "${SHOTS[2]}" store-full
check "all was written" same seed:2 "$DISK_origin"
let_go
drop "${SHOTS[0]}" "${SHOTS[2]}"
is "$(shadow_count) $(volume_count)" "0 0" "lost ones can be deleted, pinned or not"
