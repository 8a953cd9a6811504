#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the same with a swap file on a shadowed filesystem, and a store in memory
# MEM: 256
# DISKS: origin=192M
# TIMEOUT: 180

. "$(dirname "$0")/memory.sh"

mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
dd if=/dev/zero of="$SCRATCH/mnt/swap" bs=1M count=128 status=none
chmod 600 "$SCRATCH/mnt/swap"
mkswap "$SCRATCH/mnt/swap" >/dev/null
fill "$SCRATCH/mnt/file" 1 8
sync -f "$SCRATCH/mnt"
need_module
take "$SCRATCH/mnt" --store memory:16M
swapon "$SCRATCH/mnt/swap"
cleanup "swapoff '$SCRATCH/mnt/swap'"
bg 60 hog $(($(available) + 40)) 12 >"$SCRATCH/hog"
check "the memory was what it was" bg_wait "$BG"
diag "$(cat "$SCRATCH/hog"), $(awk '/^pswpout/' /proc/vmstat)"
check "swap was used" [ "$(awk '/^pswpout/ { print $2 }' /proc/vmstat)" -gt 2000 ]
check "files can be written" touch "$SCRATCH/mnt/other"
like "$(shadow "$IMAGE" '| "\(.state) \(.reason)"')" '^lost (store-full|no-memory)|^created|^$' \
	"the shadow: $(shadow "$IMAGE" '| "\(.state) \(.reason)"') (nothing: evicted)"
