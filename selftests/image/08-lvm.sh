#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a logical volume is the volume at the instant
# DISKS: origin=112M oracle=96M store=128M

. "$(dirname "$0")/common.sh"

has lvm
need_module
lvm_volume "$DISK_origin" 96
mkfs_on ext4 /dev/mapper/bench-lv
mount_at /dev/mapper/bench-lv "$SCRATCH/mnt"
image_test /dev/mapper/bench-lv "$DISK_store" /dev/mapper/bench-lv "$SCRATCH/mnt" \
	/dev/mapper/bench-lv ext4 random-buffered random-direct random-uring random-mmap
