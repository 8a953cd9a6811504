#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a shadow of a disk: what is free on its partitions is known
# DISKS: origin=128M

. "$(dirname "$0")/free.sh"

partition "$ORIGIN" 2048:126976 129024:133120
mkfs_on ext4 "${ORIGIN}1"
mkswap "${ORIGIN}2" >/dev/null
settle
mount_at "${ORIGIN}1" "$MNT"
populate "$MNT"
before=$(digests "$MNT")
need_module
take_used "$ORIGIN"
check "$(($(known "$IMAGE") >> 20)) MiB are known to be free" \
	[ "$(known "$IMAGE")" -gt $((100 << 20)) ]
costs 20 40
before_swap=$(volume "$ORIGIN" blocks_preserved)
devio "${ORIGIN}2" write:4k:32m
is "$(volume "$ORIGIN" blocks_preserved)" "$before_swap" "swap is not preserved"
check "the image passes fsck" fsck_image ext4 "${IMAGE}p1"
mount_at "${IMAGE}p1" "$SCRATCH/image" -o ro
is "$(digests "$SCRATCH/image")" "$before" "all files are as they were"
umount_at "$SCRATCH/image"
