#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: where few blocks are overwritten, no others are read
# DISKS: origin=256M store=32M

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

has fio
need_module
take "$DISK_origin" --store "$DISK_store"
fio --name=sparse --filename="$DISK_origin" --direct=1 --ioengine=libaio --iodepth=16 \
	--rw=randwrite --bs=4k --size=256m --io_size=4m --output="$SCRATCH/fio"
is "$(volume "$DISK_origin" blocks_preserved)" 1024 "each block was preserved"
bytes=$(volume "$DISK_origin" origin_read_bytes)
check "as many bytes were read as written, and at most 5 % more: $bytes" \
	[ "$bytes" -le $((1024 * 4096 * 105 / 100)) ]
