#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the device below sees the same writes, flushes and FUA as without us
# DISKS: origin=16M twin=16M logorigin=32M logtwin=32M

. "$(dirname "$0")/ops.sh"

size=$(sectors "$DISK_origin")
ops=(write:0:4k dsync:4k:4k fsync write:1m:64k dsync:1m:4k dsync:3s:2s buffered:2m:8k fsync
	discard:4m:1m zeroout:6m:64k fsync dsync:0:4k)

# Writes are copies of old data here: what the log has is what it was asked.
logged() {
	modprobe dm-log-writes
	dm_create "$1" "0 $size log-writes $2 $3"
}

fill "$DISK_origin" 1
fill "$DISK_twin" 1
logged twin "$DISK_twin" "$DISK_logtwin"
devio /dev/mapper/twin "${ops[@]}"
dm_remove twin
logwrites "$DISK_logtwin" >"$SCRATCH/twin"
logged origin "$DISK_origin" "$DISK_logorigin"
need_module
take /dev/mapper/origin
devio /dev/mapper/origin "${ops[@]}"
check "the image is as it was" same seed:1 "$IMAGE"
drop "$IMAGE"
dm_remove origin
logwrites "$DISK_logorigin" >"$SCRATCH/origin"
check "there are flushes" grep -q flush "$SCRATCH/origin"
check "there is FUA" grep -q fua "$SCRATCH/origin"
check "the same operations, in the same order" diff -u "$SCRATCH/twin" "$SCRATCH/origin"
