#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a bound of 4 MiB, small random writes, a store that is slow by delay
# DISKS: origin=48M store=64M

. "$(dirname "$0")/memory.sh"

has fio
fill "$DISK_origin" 1
dm_delay slow "$DISK_store" 0 2500
need_module
track "$DISK_origin" --memory 4M
take "$DISK_origin" --store /dev/mapper/slow
fio --name=w --filename="$DISK_origin" --direct=1 --rw=randwrite --bs=4k --size=48M --io_size=16M \
	--ioengine=libaio --iodepth=64 --output="$SCRATCH/fio"
bounded "$DISK_origin"
check "the image is as it was" same seed:1 "$IMAGE"
