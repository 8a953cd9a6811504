#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk is preserved before writes to a mirror on it
# DISKS: origin=96M other=96M oracle=96M

. "$(dirname "$0")/common.sh"

has mdadm
need_module
cleanup 'mdadm -q --stop /dev/md7; udevadm settle --timeout=10'
mdadm -q --create /dev/md7 --run --assume-clean --level=1 --raid-devices=2 \
	"$DISK_origin" "$DISK_other"
udevadm settle --timeout=10
mkfs_on ext4 /dev/md7
mount_at /dev/md7 "$SCRATCH/mnt"
image_test "$DISK_origin" memory:268435456 "$DISK_origin" "$SCRATCH/mnt" \
	/dev/md7 ext4 random-buffered random-direct random-uring random-mmap
