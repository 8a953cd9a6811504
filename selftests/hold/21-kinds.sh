#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: while it is held reads go on, and each kind of write waits and succeeds
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

fill "$DISK_a" 1
all_gated() {
	[ "$(volume "$DISK_a" bios_gated)" -ge 20 ]
}

need_module
owner --timeout 60000 "$DISK_a" -- add hold pause take release print
paused
writes=()
for op in write:0:4k discard:1m:1m zeroout:3m:1m dsync:5m:4k nowait:6m:64k; do
	bg 30 devio "$DISK_a" "$op"
	writes+=("$BG")
done
bg 30 uring --nowait --depth 16 "$DISK_a" 2048 16 1 >"$SCRATCH/uring"
writes+=("$BG")
wait_for 10 all_gated
check "it can be read, and nothing has changed" timeout 20 same seed:1 "$DISK_a"
for pid in "${writes[@]}"; do
	check "a write waits" kill -0 "$pid"
done
resume
ended
for pid in "${writes[@]}"; do
	check "it succeeded" bg_wait "$pid"
done
like "$(cat "$SCRATCH/uring")" 'done=16 .*errors=0' "io_uring: $(cat "$SCRATCH/uring")"
submit=$(sed 's/.*submit_ms=//; s/ .*//' "$SCRATCH/uring")
check "its submitter was not kept" [ "$submit" -lt 300 ]
check "the image has none of them" same seed:1 "$(said | grep -o '/dev/shadow[0-9]*')"
