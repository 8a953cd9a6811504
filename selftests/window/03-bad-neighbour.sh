#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a neighbour that cannot be read costs nothing while nobody writes it
# EXPECT_LOG: critical medium error
# DISKS: store=64M

. "$(dirname "$0")/../fault/fault.sh"
. "$(dirname "$0")/../fault/bad-disk.sh"

# Block 256 is bad.  In the 4 MiB around it all are written, in any order, but those next to it.
write_around() {
	local block
	local -a writes=()

	while read -r block; do
		writes+=("write:$((block * 4))k:4k")
	done < <(seq 0 1023 | grep -vxE '25[0-9]' | shuf --random-source="$BAD")
	devio "$BAD" "${writes[@]}"
}

need_module
take "$BAD" --store "$DISK_store"
bad_sectors on
check "the writer sees no error" write_around
check "blocks were preserved ahead" [ "$(volume "$BAD" blocks_ahead)" -gt 100 ]
is "$(shadow "$IMAGE" state)" created "the shadow is not lost"
bad_sectors off
check "the image is as it was" same seed:1 "$IMAGE"
