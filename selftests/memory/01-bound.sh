#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a slow store under heavy writes keeps to the default bound of 64 MiB
# DISKS: origin=128M store=160M,bps=12M

. "$(dirname "$0")/memory.sh"

full() {
	[ "$(volume "$DISK_origin" memory_waits)" -gt 0 ]
}

fill "$DISK_origin" 1
dm_linear slow "$DISK_store"
need_module
take "$DISK_origin" --store /dev/mapper/slow
is "$(volume "$DISK_origin" memory_limit)" 67108864 "the bound"
before=$(available)
watch_memory
# However slow the machine is, the store is slower: at first it does nothing.
dmsetup suspend --noflush --nolockfs slow
cleanup 'dmsetup resume slow'
bg 100 fill "$DISK_origin" 2
wait_for 60 full
dmsetup resume slow
check "the writer came to an end" bg_wait "$BG"
is "$(volume "$DISK_origin" blocks_preserved)" 32768 "all was preserved"
bounded "$DISK_origin"
used=$((before - $(cat "$SCRATCH/lowest")))
check "of the machine's memory $used MiB went" [ "$used" -lt 100 ]
disk_limit store
check "the image is as it was" same seed:1 "$IMAGE"
drop "$IMAGE"
after=$(available)
check "and came back ($before, now $after MiB)" [ $((before - after)) -lt 20 ]
