#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on btrfs that is not copied on write; others are refused
# EXPECT_LOG: BTRFS warning .*swapfile must not be
# DISKS: origin=64M oracle=64M store=300M

. "$(dirname "$0")/store.sh"

has mkfs.btrfs
need_module
mkfs_on btrfs "$DISK_store"
mount_at "$DISK_store" "$SCRATCH/store"
file=$SCRATCH/store/file
store_file "$file" 16
expect_fail 'error=EINVAL .*reason=STORE_SHARED' holder "$DISK_origin" --store "$file" -- add
rm "$file"
touch "$file"
chattr +C "$file"
# In pieces, with others between them: some kernels find out that a file must stay where it is
# only when there is something to be put together.
for ((at = 0; at < 96; at += 16)); do
	fallocate -o "${at}M" -l 16M "$file"
	fallocate -l 4M "$SCRATCH/store/between-$at"
done
sync -f "$file"
pieces=$(places "$file")
check "the file is in pieces" [ "$(wc -l <<<"$pieces")" -gt 1 ]
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" "$file" "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" ext4 \
	random-buffered sequential-buffered random-direct
diag "$(parts list)"
is "$(part "$DISK_origin" dev)" "$(device_number "$DISK_store")" "it lies on the device"
expect_fail 'Text file busy' truncate -s 0 "$file"
expect_fail 'Text file busy' dd if=/dev/zero of="$file" bs=4k count=1 conv=notrunc
expect_fail 'Operation not permitted' rm -f "$file"
expect_fail 'Text file busy|Device or resource busy' btrfs subvolume snapshot "$SCRATCH/store" "$SCRATCH/store/snapshot"
expect_fail 'Text file busy' btrfs filesystem defragment -t 1G "$file"
is "$(places "$file")" "$pieces" "it lies where it lay"
expect_fail 'cannot change.*a file that cannot grow' shadowadm store resize "$DISK_origin" 0 200M
is "$(part "$DISK_origin" max)" "$(part "$DISK_origin" allocated)" "it may have what it has"
shadowadm delete --all -q
is_free "$file"
umount_at "$SCRATCH/store"
check "the filesystem of the file is sound" btrfs check --readonly "$DISK_store"
unload
