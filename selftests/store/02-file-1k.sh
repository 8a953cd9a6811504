#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file in many pieces, on ext4 with blocks of 1 KiB
# DISKS: origin=48M oracle=48M store=160M
# TIMEOUT: 180

. "$(dirname "$0")/store.sh"

need_module
mkfs_on ext4 "$DISK_store" -b 1024
mount_at "$DISK_store" "$SCRATCH/store"
# Every other file goes, so that what is left for the store is in pieces.
for ((i = 0; i < 400; i++)); do
	head -c $((15 + i % 7 * 5))K /dev/zero >"$SCRATCH/store/$i"
done
sync -f "$SCRATCH/store"
free=$(df --output=avail -k "$SCRATCH/store" | tail -n 1)
fallocate -l $((free - 2048))K "$SCRATCH/store/ballast"
rm "$SCRATCH"/store/*[02468]
sync -f "$SCRATCH/store"
file=$SCRATCH/store/file
store_file "$file" 6
rm "$SCRATCH/store/ballast"
fallocate -o 6M -l 60M "$file"
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" "$file" "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" ext4 \
	random-buffered sequential-buffered random-direct
diag "$(parts list)"
check "it is in many pieces" [ "$(part "$DISK_origin" extents)" -gt 100 ]
check "not much of the file is unused" [ "$(part "$DISK_origin" allocated)" -gt $((64 << 20)) ]
check "more is in it than one piece holds" [ "$(part "$DISK_origin" used)" -gt $((2 << 20)) ]
shadowadm delete --all -q
rm "$file"
umount_at "$SCRATCH/store"
check "the filesystem of the file is sound" e2fsck -fn "$DISK_store"
unload
