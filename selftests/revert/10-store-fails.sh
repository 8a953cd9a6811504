#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a revert whose store cannot be written does not begin, and keeps nobody waiting (B-31)
# DISKS: origin=64M disk=64M a=64M
# TIMEOUT: 200
# EXPECT_LOG: I/O error
# EXPECT_LOG: its shadows are protected
# EXPECT_LOG: cannot be written

. "$(dirname "$0")/revert.sh"

need_module
DISK_store=/dev/mapper/store
all=$(sectors "$DISK_disk")
dm_linear store "$DISK_disk"
shot "$DISK_a"
change 0 4
settle
cp "$DISK_origin" "$SCRATCH/now"
dm_reload store "0 $all error"
bg 60 shadowadm revert --yes "$IMAGE"
begun=$BG
ended() { ! kill -0 "$begun" 2>/dev/null; }
wait_for 30 ended
revert_is state ""
check "nothing was changed" cmp "$DISK_origin" "$SCRATCH/now"
lost() { [ "$(shadowadm list --json | jq -r '.shadows[].state')" = lost ]; }
wait_for 30 lost
check "the volume can be written" devio "$DISK_origin" write:8m:64k
dm_reload store "0 $all linear $DISK_disk 0"
drop_all
unload
