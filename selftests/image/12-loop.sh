#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a loop device is the device at the instant
# DISKS: backing=96M oracle=64M

. "$(dirname "$0")/common.sh"

need_module
modprobe loop
mkfs_on ext4 "$DISK_backing"
mount_at "$DISK_backing" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/file" 1 64
loop=$(losetup --show -f "$SCRATCH/mnt/file")
cleanup "losetup -d $loop"
# Its page cache will be dirty: the oracle is read past it.
dm_linear reader "$loop"
image_test "$loop" memory:268435456 /dev/mapper/reader "$loop" "" raw \
	sequential-buffered sector-direct sequential-uring random-mmap
