#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: partitions of the image of a whole disk can be written, mounted, made anew and sealed
# DISKS: origin=64M

. "$(dirname "$0")/writable.sh"

need_module
partition "$DISK_origin" 2048:65536 67584:32768
mkfs_on ext4 "${DISK_origin}1"
sum=$(checksum "$DISK_origin")
take_writable "$DISK_origin"
check "the image has its partitions" [ -b "${IMAGE}p2" ]
is "$(blockdev --getro "${IMAGE}p1")" 0 "which are writable"
mkdir "$SCRATCH/image"
cleanup 'umount_at "$SCRATCH/image/p1"'
run shadowadm mount "$IMAGE" "$SCRATCH/image" -o rw
fill "$SCRATCH/image/p1/file" 4 4
expect_fail 'it is in use' shadowadm seal "$IMAGE"
run shadowadm umount -q "$SCRATCH/image/"
devio "${IMAGE}p2" write:0:1m write:3s:1s
partition "$IMAGE" 2048:65536
check "another table takes effect" [ ! -b "${IMAGE}p2" ]
sealed "$IMAGE"
expect_fail 'Read-only' devio "${IMAGE}p1" write:0:4k
check "e2fsck finds nothing wrong" e2fsck -fn "${IMAGE}p1"
is "$(checksum "$DISK_origin")" "$sum" "the origin is as it was"
check "and has both partitions" [ -b "${DISK_origin}2" ]
drop "$IMAGE"
unload
