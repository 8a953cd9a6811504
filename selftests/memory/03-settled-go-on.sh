#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: while writes wait for a slow store, those to settled blocks go on at once
# DISKS: origin=64M store=96M,bps=128K
# TIMEOUT: 240

. "$(dirname "$0")/memory.sh"

full() {
	[ "$(volume "$DISK_origin" memory_waits)" -gt 0 ]
}

fill "$DISK_origin" 1
need_module
track "$DISK_origin" --memory 4M
take "$DISK_origin" --store "$DISK_store"
devio "$DISK_origin" write:0:1m
bg 100 uring --depth 256 --stride 8 "$DISK_origin" 1024 1900 3 >"$SCRATCH/burst"
burst=$BG
wait_for 20 full
direct=$(volume "$DISK_origin" bios_direct)
uring --depth 8 "$DISK_origin" 0 200 4 >/dev/null
check "the others are still waiting" kill -0 "$burst"
check "writes were parked all the time" [ "$(volume "$DISK_origin" bios_inflight)" -gt 0 ]
check "the settled ones went directly" [ $(($(volume "$DISK_origin" bios_direct) - direct)) -ge 200 ]
disk_limit store
check "all came to an end" bg_wait "$burst"
check "the image is as it was" same seed:1 "$IMAGE"
