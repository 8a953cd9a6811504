#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an image that is being written is not deleted, and goes with its last opener
# CORE
# DISKS: origin=32M store=64M,iops=200,bps=4M

. "$(dirname "$0")/writable.sh"

fill "$DISK_origin" 1
need_module
take_writable "$DISK_origin" --store "$DISK_store"
expect_fail 'it is itself a shadow' shadowadm create "$DISK_store" --store "$IMAGE"
bg 60 bash -c 'while :; do fill "$1" 5; done' write "$IMAGE"
writer=$BG
wait_for 20 written "$IMAGE" 1000000
expect_fail 'it is in use' shadowadm delete "$IMAGE"
bg_stop "$writer"
wait_for 60 unused "$IMAGE"	# what it wrote last goes to a slow disk
drop "$IMAGE"
is "$(volume_count)" 0 "then it goes, with what was written"

# The owner of an auto-release set dies while its image is written.
bg 60 holder --auto-release --writable "$DISK_origin" --store "$DISK_store" -- add take print pause \
	>"$SCRATCH/holder"
owner=$BG
wait_for 20 grep -q paused "$SCRATCH/holder"
IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' "$SCRATCH/holder")
settle
bg 60 bash -c 'exec 3<>"$1"; while :; do fill "$1" 5; done' write "$IMAGE"
writer=$BG
wait_for 20 written "$IMAGE" 1000000
bg_stop "$owner"
wait_for 10 deleting "$IMAGE"
ok "it is marked"
expect_fail 'No such device' devio "$IMAGE" write:0:4k
bg_stop "$writer"
wait_for 30 [ ! -b "$IMAGE" ]
wait_for 30 none_left
ok "and goes when its writer ends"
check "the origin is as it was" same seed:1 "$DISK_origin"
unload
