#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk is preserved before writes to its partition
# CORE
# DISKS: origin=96M oracle=96M store=128M

. "$(dirname "$0")/common.sh"

need_module
partition "$DISK_origin" 2049 190003
mkfs_on ext4 "${DISK_origin}1"
mount_at "${DISK_origin}1" "$SCRATCH/mnt"
image_test "$DISK_origin" "$DISK_store" "$DISK_origin" "$SCRATCH/mnt" \
	"${DISK_origin}1" ext4 random-buffered random-direct sequential-uring random-mmap
