#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: with a store that stands still writers wait, nothing is lost, and all goes on
# DISKS: origin=32M store=64M

. "$(dirname "$0")/memory.sh"

full() {
	[ "$(volume "$DISK_origin" memory_waits)" -gt 0 ]
}

fill "$DISK_origin" 1
dm_linear slow "$DISK_store"
need_module
track "$DISK_origin" --memory 4M
take "$DISK_origin" --store /dev/mapper/slow
dmsetup suspend --noflush --nolockfs slow
cleanup 'dmsetup resume slow'
bg 60 fill "$DISK_origin" 2
writer=$BG
wait_for 20 full
sleep 2
check "the writer waits" kill -0 "$writer"
bounded "$DISK_origin"
check "the image can be read meanwhile" same seed:1 "$IMAGE"
dmsetup resume slow
check "the writer went on" bg_wait "$writer"
is "$(shadow "$IMAGE" state)" created "the shadow is not lost"
check "the image is as it was" same seed:1 "$IMAGE"
