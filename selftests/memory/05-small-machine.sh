#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a machine of 256 MiB whose swap is on the shadowed disk does not deadlock
# MEM: 256
# DISKS: origin=192M store=256M
# TIMEOUT: 180

. "$(dirname "$0")/memory.sh"

partition "$DISK_origin" 2048:65536 67584:319488
mkswap "${DISK_origin}2" >/dev/null
fill "${DISK_origin}1" 1
before=$(checksum "$DISK_origin")
need_module
take "$DISK_origin" --store "$DISK_store"
swapon "${DISK_origin}2"
cleanup "swapoff '${DISK_origin}2'"
bg 60 hog $(($(available) + 40)) 12 >"$SCRATCH/hog"
hog=$BG
bg 60 bash -c 'end=$((SECONDS + 12)); while [ $SECONDS -lt $end ]; do fill "$0" $SECONDS; done' \
	"${DISK_origin}1"
filler=$BG
check "the memory was what it was" bg_wait "$hog"
check "the writer ended" bg_wait "$filler"
used=$(awk 'NR > 1 { print $4 }' /proc/swaps)
diag "$(cat "$SCRATCH/hog"), swap $used KiB, $(awk '/^pswpout/' /proc/vmstat)"
check "swap was used" [ "$(awk '/^pswpout/ { print $2 }' /proc/vmstat)" -gt 2000 ]
state=$(shadow "$IMAGE" '| "\(.state) \(.reason)"')
case $state in
created*) is "$(checksum "$IMAGE")" "$before" "the image is as it was" ;;
*) is "$state" "lost no-memory" "the shadow was lost, and why" ;;
esac
