#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: reads of what is just being written again, on a slow store that is used anew
# DISKS: origin=16M store=10M

. "$(dirname "$0")/writable.sh"

fill "$DISK_origin" 1
need_module
modprobe dm-delay
# Reads take long and writes do not: what a read has found is soon written again.
dm_delay slow "$DISK_store" 15 0
take_writable "$DISK_origin" --store /dev/mapper/slow
result=$(run ora_overlay "$IMAGE" 4 15 1) || true
diag "$result"
like "$result" "wrong=0" "no read had anything else"
reads=$(volume "$DISK_origin" store_reads)
writes=$(volume "$DISK_origin" store_write_bytes)
check "reads came from the store: $reads" [ "$reads" -gt 100 ]
check "its blocks were used again: $writes bytes were written" [ "$writes" -gt $((10 << 20)) ]
check "the origin is as it was" same seed:1 "$DISK_origin"
drop "$IMAGE"
unload
