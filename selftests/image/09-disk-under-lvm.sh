#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk is preserved before writes to a logical volume on it
# CORE
# DISKS: origin=112M oracle=112M store=128M

. "$(dirname "$0")/common.sh"

has lvm
need_module
lvm_volume "$DISK_origin" 96
mkfs_on ext4 /dev/mapper/bench-lv
mount_at /dev/mapper/bench-lv "$SCRATCH/mnt"
# What comes from device-mapper is submitted while another bio is submitted.
image_test "$DISK_origin" "$DISK_store" "$DISK_origin" "$SCRATCH/mnt" \
	/dev/mapper/bench-lv ext4 sequential-buffered random-direct random-uring random-mmap
