#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk whose partitions are only tracked can be partitioned anew
# DISKS: a=32M

. "$(dirname "$0")/life.sh"

only_disk() {
	[ "$(volume_count)" = 1 ]
}

partition "$DISK_a" 2048:16384 20480:16384
need_module
listen
shadowadm volume track "$DISK_a" "${DISK_a}1" "${DISK_a}2"
check "BLKRRPART" blockdev --rereadpt "$DISK_a"
wait_for 10 only_disk
ok "the old partitions are no longer tracked, the disk is"
settle
fill "${DISK_a}1" 1 8
take "${DISK_a}1"
devio "$DISK_a" write:1m:2m
check "the image of a new one is as it was" same seed:1 "$IMAGE" 8388608
expect_fail busy blockdev --rereadpt "$DISK_a"
drop "$IMAGE"
check "BLKRRPART after a shadow" blockdev --rereadpt "$DISK_a"
unload
