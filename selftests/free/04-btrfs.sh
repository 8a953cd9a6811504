#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: btrfs: new files copy no free block, in chunks and outside; the image passes check
# DISKS: origin=512M
# TIMEOUT: 300

. "$(dirname "$0")/free.sh"

has mkfs.btrfs btrfs
[ -e /sys/fs/btrfs ] || modprobe btrfs || skip "no btrfs"
mkfs_on btrfs "$ORIGIN"
mount_at "$ORIGIN" "$MNT"
populate "$MNT"
btrfs filesystem sync "$MNT"
before=$(digests "$MNT")
need_module
take_used "$MNT" 2>"$SCRATCH/said" || true
diag "$(cat "$SCRATCH/said")"
check "$(($(known "$IMAGE") >> 20)) MiB are known to be free" \
	[ "$(known "$IMAGE")" -ge $((400 << 20)) ]
costs 60 30
check "the image passes check" fsck_image btrfs "$IMAGE"
# Older kernels do not tell image and origin apart.
umount_at "$MNT"
run shadowadm mount "$IMAGE" "$SCRATCH/image"
is "$(digests "$SCRATCH/image")" "$before" "all files are as they were"
shadowadm umount "$IMAGE"
