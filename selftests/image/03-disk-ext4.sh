#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a whole disk with ext4 is the disk at the instant
# CORE
# DISKS: origin=96M oracle=96M store=128M

. "$(dirname "$0")/common.sh"

need_module
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" "$DISK_store" "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" ext4 \
	random-buffered sequential-buffered random-direct random-uring random-mmap
