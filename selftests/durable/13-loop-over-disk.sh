#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store's file on a loop device over the volume's disk: to open it may write to the volume (H-20)
# DISKS: disk=64M
# TIMEOUT: 120

. "$(dirname "$0")/durable.sh"

need_module
partition "$DISK_disk" 2048:49152
DISK_origin=${DISK_disk}1
modprobe loop
loop=$(losetup --find --show --offset 32M "$DISK_disk")
cleanup "losetup -d $loop"
run mkfs.ext4 -q -b 4096 "$loop"
mount_at "$loop" "$SCRATCH/dir"
store=$SCRATCH/dir/store

run shadowadm create -q --persistent "$DISK_origin" --no-free-space --store "$store" --max 8M
settle
cp "$DISK_origin" "$SCRATCH/then"
devio "$DISK_origin" write:4096k:1024k
run shadowadm store detach "$DISK_origin" -q

# What the volume has is written there once more, to the disk's pages: each flush of the loop device
# writes them, and waits for that.  Who lets go of the disk would have udev do it.
exec {disk}<>"$DISK_disk"
dd if="$DISK_disk" bs=4k skip=1024 seek=1024 count=256 conv=notrunc status=none >&"$disk"
# The file is written to, too, so that to open it has the filesystem flush.
cp "$store" "$store.2"
mv "$store.2" "$store"
run timeout 60 shadowadm store attach "$DISK_origin" --store "$store"
settle
exec {disk}>&-
check "the shadow is what the volume was" cmp "$(images)" "$SCRATCH/then"
drop_all
umount_at "$SCRATCH/dir"
unload
