#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: however many writes come at once, what is read ahead leaves room in the store
# DISKS: origin=128M
# TIMEOUT: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# strided OPTION...: single blocks, one after the other
strided() {
	fio --name=w --filename="$ORIGIN" --direct=1 --ioengine=libaio --bs=4k --size=128m \
		--output="$SCRATCH/fio" "$@"
}

has fio
ORIGIN=/dev/mapper/origin
fill "$DISK_origin" 1
dm_linear origin "$DISK_origin"
need_module
take "$ORIGIN" --store memory:8M
# As many in each 4 MiB as it takes until the next one brings its neighbours.
strided --rw=write:124k --iodepth=16
is "$(volume "$ORIGIN" blocks_ahead)" 0 "nothing was preserved ahead so far"
# One more in each: all are claimed before the first one has been read.
dm_reload origin "0 $(sectors "$DISK_origin") delay $DISK_origin 0 500 $DISK_origin 0 0"
strided --rw=write:4092k --offset=20k --iodepth=32
dm_reload origin "0 $(sectors "$DISK_origin") linear $DISK_origin 0"
ahead=$(volume "$ORIGIN" blocks_ahead)
check "some was preserved ahead, a quarter of the room at most: $ahead" \
	[ "$ahead" -gt 0 -a "$ahead" -le 256 ]
is "$(shadow "$IMAGE" state)" created "the shadow is there"
check "the image is as it was" same seed:1 "$IMAGE"
