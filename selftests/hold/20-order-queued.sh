#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes to one block, handed over while it is held, end in their order
# DISKS: a=16M

. "$(dirname "$0")/hold.sh"

gated() {
	[ "$(volume "$DISK_a" bios_gated)" -ge "$1" ]
}

# What is in block 5 after write SEED, found out beforehand
declare -A sums
for i in 7 8; do
	uring "$DISK_a" 5 1 "$i" >/dev/null
	sums[$i]=$(dd if="$DISK_a" bs=4k skip=5 count=1 iflag=direct status=none | sha256sum)
done
devio "$DISK_a" write:20k:4k

need_module
owner --timeout 60000 "$DISK_a" -- add hold pause release
paused
for ((i = 1; i <= 8; i++)); do
	bg 30 uring "$DISK_a" 5 1 "$i" >/dev/null
	last=$BG
	wait_for 10 gated "$i"
done
resume
ended
check "the last ended" bg_wait "$last"
is "$(dd if="$DISK_a" bs=4k skip=5 count=1 iflag=direct status=none | sha256sum)" \
	"${sums[8]}" "the last one handed over is there"
