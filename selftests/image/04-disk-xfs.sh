#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a whole disk with XFS is the disk at the instant
# CORE
# DISKS: origin=96M oracle=96M

. "$(dirname "$0")/common.sh"

has mkfs.xfs
need_module
mkfs_on xfs "$DISK_origin" --unsupported
mount_at "$DISK_origin" "$SCRATCH/mnt"
image_test "$DISK_origin" memory:268435456 "$DISK_origin" "$SCRATCH/mnt" "$DISK_origin" xfs \
	random-buffered sequential-buffered random-direct sequential-uring random-mmap
