#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fio with verification over ten holds, some of which expire
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

has fio
need_module
track "$DISK_a"
bg 60 fio --name=v --filename="$DISK_a" --direct=1 --rw=randwrite --bs=4k-64k --size=32M \
	--ioengine=libaio --iodepth=16 --verify=crc32c --verify_fatal=1 --loops=2 \
	--output="$SCRATCH/fio"
fio=$BG
for ((i = 0; i < 10; i++)); do
	if ((i % 3 == 2)); then
		holder --timeout 100 "$DISK_a" -- add hold sleep:0.3 try:take 2>/dev/null
	else
		holder --timeout 60000 --auto-release "$DISK_a" -- add hold sleep:0.1 take release
	fi
done
check "fio found all that it wrote" bg_wait "$fio"
