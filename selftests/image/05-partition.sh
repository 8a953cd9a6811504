#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a partition is the partition at the instant
# DISKS: origin=96M oracle=96M store=128M

. "$(dirname "$0")/common.sh"

need_module
# It neither begins nor ends at a multiple of a block of the disk.
partition "$DISK_origin" 2049 190003
mkfs_on ext4 "${DISK_origin}1"
mount_at "${DISK_origin}1" "$SCRATCH/mnt"
image_test "${DISK_origin}1" "$DISK_store" "${DISK_origin}1" "$SCRATCH/mnt" \
	"${DISK_origin}1" ext4 sequential-buffered random-direct random-uring random-mmap
