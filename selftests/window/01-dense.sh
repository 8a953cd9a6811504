#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: where all blocks are overwritten, in any order, old data is read in large pieces
# DISKS: origin=64M store=160M

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

has fio
fill "$DISK_origin" 1
need_module
take "$DISK_origin" --store "$DISK_store"
fio --name=dense --filename="$DISK_origin" --direct=1 --ioengine=libaio --iodepth=16 \
	--rw=randwrite --bs=4k --offset=20m --size=16m --output="$SCRATCH/fio"
is "$(volume "$DISK_origin" blocks_preserved)" 4096 "each block counts once"
reads=$(volume "$DISK_origin" origin_reads)
check "one read for 16 blocks and more: $reads" [ "$reads" -le 256 ]
check "the image is as it was" same seed:1 "$IMAGE"
fio --name=rest --filename="$DISK_origin" --direct=1 --ioengine=libaio --iodepth=16 \
	--rw=randwrite --bs=4k --size=64m --randseed=2 --output="$SCRATCH/fio"
is "$(volume "$DISK_origin" blocks_preserved)" 16384 "and so it is when all was overwritten"
check "the image is as it was" same seed:1 "$IMAGE"
