#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a decrypted volume is the volume at the instant
# DISKS: origin=112M oracle=112M store=128M

. "$(dirname "$0")/common.sh"

has cryptsetup mkfs.xfs
need_module
echo secret >"$SCRATCH/key"
cryptsetup -q luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	"$DISK_origin" "$SCRATCH/key"
cleanup 'dm_remove clear'
cryptsetup open --key-file "$SCRATCH/key" "$DISK_origin" clear
mkfs_on xfs /dev/mapper/clear --unsupported
mount_at /dev/mapper/clear "$SCRATCH/mnt"
image_test /dev/mapper/clear "$DISK_store" /dev/mapper/clear "$SCRATCH/mnt" \
	/dev/mapper/clear xfs random-buffered random-direct random-uring random-mmap
