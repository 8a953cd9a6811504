#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what a volume has got since, and the block that its end was in, have changed
# DISKS: disk=200M store=64M
# TIMEOUT: 200

. "$(dirname "$0")/changes.sh"

# grow SECTORS: the volume has so many; also those have changed that it gets, and its last block
grow() {
	local whole			# blocks that it had

	whole=$(($(sectors "$ORIGIN") / 8))
	dm_reload vol "0 $1 linear $DISK_disk 0"
	was_written $((whole * 4096)) $((($1 - whole * 8) * 512))
}

dm_linear vol "$DISK_disk" 0 32775
ORIGIN=/dev/mapper/vol
fill "$DISK_disk" 1 32
need_module
instant --store "$DISK_store"
operate write:-1s:1s write:0:4k
instant
exact 0 1
is "$(delta runs C "${UUID_OF[1]}" "${UUID_OF[0]}" | tail -n 1)" "16777216 3584 C" "the last run ends with the volume"

grow 40003
operate write:39990s:10s write:32770s:20s write:1m:4k
instant
operate write:39000s:64s write:-3s:3s write:32768s:8s
instant
exact 0 1
exact 1 2
exact 0 2
exact 2 3 "what has come is like all else then"
exact 1 3

# Not written, not even by the one that makes it grow; and a base knows its size.
dd if="${IMAGE_OF[3]}" of="$SCRATCH/copy" bs=1M iflag=direct status=none
keep 3
gone 0 1 2 3
grow 49152
operate write:2m:4k
instant --store "$DISK_store"
exact 3 4 "a base" "$SCRATCH/copy"

# To the next page of bits.
grow 280000
operate write:270000s:8s write:262136s:16s
instant
grow 300001
instant
pairs known 3 4 5 6
operate write:-1s:1s write:262143s:1s
instant
pairs known 3 4 5 6 7
drop_all
forgo 3
shadowadm volume untrack "$ORIGIN"
